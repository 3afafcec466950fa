//! The one-time link that makes the first administrator.

use stoa_kernel::{Ctx, Timestamp, Token, TokenHash};
use stoa_sql::Db;

use super::users::{self, Known};
use super::{NewUser, StaffError, User, passwords, store};
use crate::entropy;

/// How long a set-up link can be used, in seconds.
pub const SETUP_LINK_S: i64 = 24 * 3_600;

/// Makes a set-up link and closes those before it. None when there is a user already: then the
/// shop is set up.
///
/// # Errors
/// The store fails, or the system gives no random bytes.
pub async fn create_setup_link(db: &Db, now: Timestamp) -> Result<Option<Token>, StaffError> {
    let link = entropy::token()?;
    let mut tx = db.begin().await?;
    if store::any_user(&mut tx).await? {
        return Ok(None);
    }
    store::delete_setup_links(&mut tx).await?;
    let expires = now.plus_seconds(SETUP_LINK_S);
    store::insert_setup_link(&mut tx, &link.hash(), now, expires).await?;
    tx.commit().await?;
    Ok(Some(link))
}

/// Whether a link can still be used; does not use it.
///
/// # Errors
/// The store fails.
pub async fn setup_link_is_open(
    db: &Db,
    link: &TokenHash,
    now: Timestamp,
) -> Result<bool, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::setup_link_is_open(&mut tx, link, now).await? && !store::any_user(&mut tx).await?)
}

/// Uses a link up: makes the first administrator.
///
/// # Errors
/// A field is wrong (the link stays open), the link is closed, or the store fails.
pub async fn consume_setup_link(
    db: &Db,
    ctx: &mut Ctx,
    link: &TokenHash,
    first: NewUser,
) -> Result<User, StaffError> {
    // Before the costly hash, so that strangers cannot make the shop work.
    if !setup_link_is_open(db, link, ctx.now).await? {
        return Err(StaffError::LinkClosed);
    }
    let first = first.check()?;
    let password_hash = passwords::hash(first.password).await?;
    let user = User { id: ctx.user_id(), email: first.email, name: first.name };
    let mut tx = db.begin().await?;
    // Of two that use it at once, one takes the row.
    if !store::consume_setup_link(&mut tx, link, ctx.now).await? || store::any_user(&mut tx).await?
    {
        return Err(StaffError::LinkClosed);
    }
    store::insert_user(&mut tx, &user, &password_hash, ctx.now).await?;
    users::record(&mut tx, ctx, user.id, Known::Newly).await?;
    tx.commit().await?;
    Ok(user)
}
