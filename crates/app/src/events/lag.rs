//! How far everybody who follows the event log is behind.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use stoa_kernel::Timestamp;
use stoa_sql::Tx;

use super::store::{self, Kind, Stored};
use crate::error::StoreError;
use crate::event_log;

/// What keeps the search index up to date.
pub const SEARCH: &str = "search";
/// What keeps copies of the catalogue and pages in the memory of this process up to date.
pub const COPIES: &str = "copies";

/// The newest fact that each follower of this process has looked at. Most facts are nothing to most
/// followers, which keep their offsets only now and then.
#[derive(Debug, Default)]
pub struct Followed(Mutex<BTreeMap<&'static str, i64>>);

impl Followed {
    /// A follower has looked at everything up to this offset.
    pub fn saw(&self, name: &'static str, offset: i64) {
        self.0.lock().insert(name, offset);
    }

    /// Everybody, and how far each has looked.
    pub fn all(&self) -> BTreeMap<&'static str, i64> {
        self.0.lock().clone()
    }
}

/// How a follower is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Its name.
    pub name: String,
    /// Whether it is a reader from outside.
    pub is_reader: bool,
    /// The last fact it has dealt with.
    pub offset: i64,
    /// Places in the log between there and the newest fact; some may be empty.
    pub events: i64,
    /// Age of the oldest fact it has still to look at, in seconds; 0 when there is none.
    pub seconds: i64,
    /// What is kept of it; nothing of followers whose offset is elsewhere.
    pub stored: Option<Stored>,
}

impl Lag {
    /// Whether its last try failed.
    pub fn is_failing(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.attempts > 0)
    }
}

/// Everybody who follows the log. `looked` says how far followers of this process have looked.
///
/// # Errors
/// The store failed.
pub async fn all(
    tx: &mut Tx,
    looked: &BTreeMap<&'static str, i64>,
    now: Timestamp,
) -> Result<Vec<Lag>, StoreError> {
    let newest = event_log::latest(tx).await?;
    let rows = store::list(tx).await?;
    let unstored = |name: &&str| rows.iter().all(|row| row.name != *name);
    let others: Vec<(String, i64)> = looked
        .iter()
        .filter(|(name, _)| unstored(name))
        .map(|(name, offset)| ((*name).to_owned(), *offset))
        .collect();
    let stored = rows.into_iter().map(|row| {
        // Who fails or was set back has not dealt with what was looked at.
        let looked = looked.get(row.name.as_str()).copied();
        let offset = looked.filter(|_| row.attempts == 0).unwrap_or(0).max(row.offset);
        (row.name.clone(), offset, Some(row))
    });
    let others = others.into_iter().map(|(name, offset)| (name, offset, None));
    let mut lags = Vec::new();
    for (name, offset, stored) in others.chain(stored) {
        let waiting = event_log::first_after(tx, offset).await?;
        let age_us = waiting.map_or(0, |at| now.as_micros() - at.as_micros());
        lags.push(Lag {
            name,
            is_reader: stored.as_ref().is_some_and(|row| row.kind == Kind::Reader),
            offset,
            events: newest.saturating_sub(offset).max(0),
            seconds: (age_us / 1_000_000).max(0),
            stored,
        });
    }
    Ok(lags)
}
