//! Tokens with which programs use the API of the back office.

use stoa_domain::catalog::FieldError;
use stoa_kernel::{Timestamp, Token, TokenHash, VendorId, limits};
use stoa_sql::Db;

use super::{Scope, Scopes, StaffError, store};
use crate::entropy;

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it may do.
    pub scopes: Scopes,
    /// The vendor it speaks for; none for the shop's programs.
    pub vendor: Option<TokenVendor>,
}

/// The vendor of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenVendor {
    /// Which.
    pub id: VendorId,
    /// Whether it is not suspended.
    pub is_active: bool,
}

/// Makes a token. It is shown once and cannot be read again. One that speaks for a vendor has the
/// scope `vendor` and no other; none else has it.
///
/// # Errors
/// No scope or no usable name is given, scopes and vendor do not fit, the store fails, or the system
/// gives no random bytes.
pub async fn create_api_token(
    db: &Db,
    now: Timestamp,
    name: &str,
    scopes: &Scopes,
    vendor: Option<VendorId>,
) -> Result<Token, StaffError> {
    let name = name.trim();
    let mut errors = Vec::new();
    if name.is_empty() || name.len() > limits::LINE_BYTES {
        errors.push(FieldError::new("/name", "between 1 and 500 bytes"));
    }
    if scopes.iter().next().is_none() {
        errors.push(FieldError::new("/scopes", "at least one"));
    }
    let is_vendors = scopes.iter().any(|scope| scope == Scope::Vendor);
    if is_vendors != vendor.is_some() || (is_vendors && scopes.iter().count() > 1) {
        let what = "a vendor's token has the scope `vendor` alone, and names its vendor";
        errors.push(FieldError::new("/scopes", what));
    }
    if !errors.is_empty() {
        return Err(StaffError::Invalid(errors));
    }
    let token = entropy::token()?;
    let mut tx = db.begin().await?;
    store::insert_api_token(&mut tx, &token.hash(), name, scopes, vendor, now).await?;
    tx.commit().await?;
    Ok(token)
}

/// What a token stands for; none when there is no such token.
///
/// # Errors
/// The store fails.
pub async fn api_token(db: &Db, token: &TokenHash) -> Result<Option<ApiToken>, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::api_token(&mut tx, token).await?)
}
