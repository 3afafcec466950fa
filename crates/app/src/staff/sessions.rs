//! Sessions: what a browser holds after its user gave the right password.
//!
//! The store has them. In front of it is the cache that all processes share, where there is one:
//! what was read from the store is added for half a minute, and what has ended is marked as ended,
//! which no late reader overwrites. So a session that ends at one process has ended at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stoa_domain::address::canonical_email;
use stoa_kernel::{Timestamp, Token, TokenHash, UserId};
use stoa_sql::Db;

use super::{StaffError, User, passwords, store};
use crate::cache::{Cache, KEEP};
use crate::entropy;

/// How long a session lasts, in seconds, whether or not it is used.
pub const SESSION_S: i64 = 12 * 3_600;

/// Checks a password and begins a session. The session that the browser had before, if any, ends:
/// a token known before the sign-in is worth nothing after it.
///
/// Limit the tries with [`crate::rate_limit::Attempt`] before calling this.
///
/// # Errors
/// [`StaffError::WrongCredentials`] for an unknown address and for a wrong password, after the
/// same work; or the store fails.
pub async fn sign_in(
    db: &Db,
    cache: &Cache,
    now: Timestamp,
    email: &str,
    password: String,
    previous: Option<&TokenHash>,
) -> Result<(User, Token), StaffError> {
    let known = {
        let mut tx = db.read().await?;
        store::credentials(&mut tx, &canonical_email(email)).await?
    };
    let (user, stored) = known.map(|known| (known.user, known.password_hash)).unzip();
    let right = passwords::verify(password, stored).await?;
    let Some(user) = user.filter(|_| right) else {
        return Err(StaffError::WrongCredentials);
    };
    let token = entropy::token()?;
    let mut tx = db.begin().await?;
    store::delete_expired_sessions(&mut tx, now).await?;
    if let Some(previous) = previous {
        store::delete_session(&mut tx, previous).await?;
    }
    let expires = now.plus_seconds(SESSION_S);
    store::insert_session(&mut tx, &token.hash(), user.id, now, expires).await?;
    tx.commit().await?;
    if let Some(previous) = previous {
        forget(cache, previous).await;
    }
    Ok((user, token))
}

/// Whose session this is; none when it has expired or never was one.
///
/// # Errors
/// The store fails.
pub async fn session(
    db: &Db,
    cache: &Cache,
    session: &TokenHash,
    now: Timestamp,
) -> Result<Option<User>, StaffError> {
    let key = key(session);
    match cache.get(&key).await {
        Some(value) if value == ENDED => return Ok(None),
        Some(value) => {
            if let Ok(kept) = serde_json::from_slice::<Kept>(&value)
                && kept.until > now
            {
                return Ok(Some(User { id: kept.user, email: kept.email, name: kept.name }));
            }
        }
        None => {}
    }
    let mut tx = db.read().await?;
    let Some((user, until)) = store::session_user(&mut tx, session, now).await? else {
        return Ok(None);
    };
    drop(tx);
    let kept = Kept { user: user.id, email: user.email.clone(), name: user.name.clone(), until };
    if let Ok(value) = serde_json::to_vec(&kept) {
        let left = until.as_micros().saturating_sub(now.as_micros()).max(0);
        cache.add(&key, &value, KEEP.min(Duration::from_micros(left.unsigned_abs()))).await;
    }
    Ok(Some(user))
}

/// What the cache says of a session that has ended.
const ENDED: &[u8] = b"ended";

/// What the cache keeps of a session.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: UserId,
    email: String,
    name: String,
    until: Timestamp,
}

fn key(session: &TokenHash) -> String {
    use std::fmt::Write as _;
    let mut key = "session:".to_owned();
    for byte in session.0 {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// Tells all processes that a session has ended, after the store has been told.
pub(super) async fn forget(cache: &Cache, session: &TokenHash) {
    cache.overwrite(&key(session), ENDED).await;
}

/// Ends a session. One that has ended already is no error.
///
/// # Errors
/// The store fails.
pub async fn sign_out(db: &Db, cache: &Cache, session: &TokenHash) -> Result<(), StaffError> {
    let mut tx = db.begin().await?;
    store::delete_session(&mut tx, session).await?;
    tx.commit().await?;
    forget(cache, session).await;
    Ok(())
}
