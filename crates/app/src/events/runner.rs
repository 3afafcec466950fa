//! Brings facts to subscribers: each in a task of its own, from an offset of its own, at least once;
//! with its effects in the store exactly once, because those commit together with the offset.
//!
//! A subscriber that fails is tried again after pauses that double up to a minute, and holds up
//! nobody. Of several processes one at a time works for a subscriber: its row is locked, and whoever
//! finds the offset moved gives up. A transaction that writes is begun only where there are facts to
//! take, or now and then to keep an offset.

use std::sync::Arc;
use std::time::Duration;

use stoa_kernel::{Ctx, Timestamp};
use tokio::task::JoinSet;

use super::store::{self, Kind, Stored};
use super::subscriber::{Subscriber, SubscriberError};
use crate::event_log::{self, Stretch};
use crate::shop::Shop;
use crate::{entropy, error::StoreError};

/// Facts looked at, at once.
const CHUNK: i64 = 2_000;
/// How often to look for new facts. Nobody wakes subscribers, so that a rush of orders is written
/// down in few transactions beside theirs.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait when not even a failure can be written down.
const PAUSE: Duration = Duration::from_secs(2);
/// Facts nobody wanted, after which the offset is kept all the same.
const KEEP_AFTER: i64 = 20_000;
/// Milliseconds after which it is kept, however few they were.
const KEEP_AFTER_MS: i64 = 10_000;
/// Seconds a subscriber may take for one chunk.
const TAKE_S: u64 = 10;
/// Seconds between tries, at most.
const BACK_OFF_S: i64 = 60;

/// One subscriber as one process drives it.
pub struct Follower {
    subscriber: Arc<dyn Subscriber>,
    /// The offset that was found in the store.
    kept: i64,
    /// The last fact looked at; none between the two is for this subscriber.
    seen: i64,
    /// When the offset was found or kept last.
    kept_at: Timestamp,
}

impl Follower {
    /// Nothing was looked at yet.
    pub fn new(subscriber: Arc<dyn Subscriber>) -> Self {
        Self { subscriber, kept: 0, seen: 0, kept_at: Timestamp::from_micros(0) }
    }

    /// Looks at the next facts and has the subscriber take those it wants; says whether there may be
    /// more to do at once. A failure of the subscriber is written down.
    ///
    /// # Errors
    /// The store failed.
    pub async fn step(&mut self, shop: &Shop) -> Result<bool, StoreError> {
        let name = self.subscriber.name();
        let now = (shop.clock)();
        let mut tx = shop.db.read().await?;
        let Some(row) = store::find(&mut tx, name).await? else {
            drop(tx);
            let mut tx = shop.db.begin().await?;
            store::add(&mut tx, name, 0, Kind::Subscriber, now).await?;
            tx.commit().await?;
            return Ok(true);
        };
        if row.retry_at.is_some_and(|at| at > now) {
            return Ok(false);
        }
        if row.offset != self.kept || self.seen < row.offset {
            (self.kept, self.seen, self.kept_at) = (row.offset, row.offset, now);
        }
        let takes = |kind: &str| self.subscriber.takes(kind);
        // In this order: whoever is not idle any more a moment later has asked for what comes then.
        let newest = event_log::latest(&mut tx).await?;
        let stretch = if self.subscriber.is_idle(&mut tx).await? {
            Stretch { last: newest.max(self.seen), ..Stretch::default() }
        } else {
            event_log::stretch(&mut tx, self.seen, CHUNK, takes).await?
        };
        drop(tx);
        if stretch.events.is_empty() {
            self.seen = stretch.last;
            let passed = self.seen - self.kept;
            let is_time = now >= self.kept_at.plus_millis(KEEP_AFTER_MS);
            if passed >= KEEP_AFTER || (passed > 0 && is_time) {
                let mut tx = shop.db.begin().await?;
                store::advance(&mut tx, name, self.kept, self.seen, now).await?;
                tx.commit().await?;
                (self.kept, self.kept_at) = (self.seen, now);
            }
        } else {
            match self.deliver(shop, &row, &stretch).await {
                Ok(true) => {
                    (self.kept, self.seen, self.kept_at) = (stretch.last, stretch.last, now);
                }
                Ok(false) => return Ok(false),
                Err(error) if error.is_lost_race() => return Ok(true),
                Err(error) => {
                    fail(shop, &row, &error).await?;
                    return Ok(false);
                }
            }
        }
        shop.followed.saw(name, self.seen);
        Ok(stretch.n == CHUNK)
    }

    /// Has facts taken; false when another process is at it, or was faster.
    async fn deliver(
        &self,
        shop: &Shop,
        row: &Stored,
        stretch: &Stretch,
    ) -> Result<bool, SubscriberError> {
        let name = self.subscriber.name();
        let mut ctx = Ctx { now: (shop.clock)(), ids: entropy::ids()? };
        let mut tx = shop.db.begin().await?;
        let locked = store::find(&mut tx, name).await?;
        if locked.is_none_or(|locked| locked.offset != row.offset) {
            return Ok(false);
        }
        let take = self.subscriber.take(shop, &mut tx, &mut ctx, &stretch.events);
        let taken = tokio::time::timeout(Duration::from_secs(TAKE_S), take).await;
        taken.map_err(|_| SubscriberError::Slow(TAKE_S))??;
        store::advance(&mut tx, name, row.offset, stretch.last, ctx.now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Writes down that a subscriber failed, and when it is tried again.
async fn fail(shop: &Shop, row: &Stored, error: &SubscriberError) -> Result<(), StoreError> {
    let doubled = u32::try_from(row.attempts).ok().and_then(|n| 1_i64.checked_shl(n.min(30)));
    let pause = doubled.unwrap_or(BACK_OFF_S).min(BACK_OFF_S);
    tracing::warn!(subscriber = row.name, %error, "a subscriber failed; next try in {pause} s");
    let now = (shop.clock)();
    let retry_at = now.plus_seconds(pause);
    let mut tx = shop.db.begin().await?;
    store::failed(&mut tx, &row.name, row.offset, now, retry_at, &error.to_string()).await?;
    Ok(tx.commit().await?)
}

/// Drives one subscriber, for ever.
async fn follow(shop: Arc<Shop>, subscriber: Arc<dyn Subscriber>) {
    let mut follower = Follower::new(subscriber);
    loop {
        match follower.step(&shop).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                let subscriber = follower.subscriber.name();
                tracing::warn!(subscriber, %error, "a subscriber cannot follow the event log");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Drives subscribers, for ever; they end when this is dropped.
pub async fn run(shop: Arc<Shop>, subscribers: Vec<Arc<dyn Subscriber>>) {
    let mut tasks = JoinSet::new();
    for subscriber in subscribers {
        tasks.spawn(follow(Arc::clone(&shop), subscriber));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a subscriber ended; it goes on when the shop is started again");
        }
    }
}

/// Has a subscriber take everything that is in the log.
///
/// # Errors
/// The store failed.
pub async fn catch_up(shop: &Shop, subscriber: Arc<dyn Subscriber>) -> Result<(), StoreError> {
    let mut follower = Follower::new(subscriber);
    while follower.step(shop).await? {}
    Ok(())
}

/// Passes over everything that is in the log, so that a subscriber hears only of what comes.
///
/// # Errors
/// The store failed.
pub async fn skip(shop: &Shop, name: &str) -> Result<(), StoreError> {
    let mut tx = shop.db.begin().await?;
    let latest = event_log::latest(&mut tx).await?;
    store::set(&mut tx, name, latest, (shop.clock)()).await?;
    Ok(tx.commit().await?)
}
