//! Sessions: what a browser holds after its user gave the right password.

use stoa_kernel::{Timestamp, Token, TokenHash};
use stoa_sql::Db;

use super::{StaffError, User, passwords, store, users};
use crate::entropy;

/// How long a session lasts, in seconds, whether or not it is used.
pub const SESSION_S: i64 = 12 * 3_600;

/// Checks a password and begins a session. The session that the browser had before, if any, ends:
/// a token known before the sign-in is worth nothing after it.
///
/// Limit the tries with [`super::Attempts`] before calling this.
///
/// # Errors
/// [`StaffError::WrongCredentials`] for an unknown address and for a wrong password, after the
/// same work; or the store fails.
pub async fn sign_in(
    db: &Db,
    now: Timestamp,
    email: &str,
    password: String,
    previous: Option<&TokenHash>,
) -> Result<(User, Token), StaffError> {
    let known = {
        let mut tx = db.read().await?;
        store::credentials(&mut tx, &users::canonical_email(email)).await?
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
    Ok((user, token))
}

/// Whose session this is; none when it has expired or never was one.
///
/// # Errors
/// The store fails.
pub async fn session(
    db: &Db,
    session: &TokenHash,
    now: Timestamp,
) -> Result<Option<User>, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::session_user(&mut tx, session, now).await?)
}

/// Ends a session. One that has ended already is no error.
///
/// # Errors
/// The store fails.
pub async fn sign_out(db: &Db, session: &TokenHash) -> Result<(), StaffError> {
    let mut tx = db.begin().await?;
    store::delete_session(&mut tx, session).await?;
    Ok(tx.commit().await?)
}
