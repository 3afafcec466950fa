//! Tokens with which programs use the API of the back office.

use stoa_domain::catalog::FieldError;
use stoa_kernel::{Timestamp, Token, TokenHash, limits};
use stoa_sql::Db;

use super::{Scopes, StaffError, store};
use crate::entropy;

/// Makes a token. It is shown once and cannot be read again.
///
/// # Errors
/// No scope or no usable name is given, the store fails, or the system gives no random bytes.
pub async fn create_api_token(
    db: &Db,
    now: Timestamp,
    name: &str,
    scopes: &Scopes,
) -> Result<Token, StaffError> {
    let name = name.trim();
    let mut errors = Vec::new();
    if name.is_empty() || name.len() > limits::LINE_BYTES {
        errors.push(FieldError::new("/name", "between 1 and 500 bytes"));
    }
    if scopes.iter().next().is_none() {
        errors.push(FieldError::new("/scopes", "at least one"));
    }
    if !errors.is_empty() {
        return Err(StaffError::Invalid(errors));
    }
    let token = entropy::token()?;
    let mut tx = db.begin().await?;
    store::insert_api_token(&mut tx, &token.hash(), name, scopes, now).await?;
    tx.commit().await?;
    Ok(token)
}

/// What a token may do; none when there is no such token.
///
/// # Errors
/// The store fails.
pub async fn api_token(db: &Db, token: &TokenHash) -> Result<Option<Scopes>, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::api_token_scopes(&mut tx, token).await?)
}
