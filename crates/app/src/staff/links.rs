//! One-time links for staff: to set a new password, or to join. They come by mail. The token is made
//! when the mail is sent, each time anew; the store keeps its hash. A link that was asked for is a row
//! whose token nobody knows, of which those that are sent are copies.

use stoa_domain::address::{canonical_email, is_email};
use stoa_domain::catalog::FieldError;
use stoa_domain::event::EventBody;
use stoa_kernel::{Ctx, Timestamp, Token, TokenHash};
use stoa_sql::{Db, Tx};
use uuid::Uuid;

use super::store::Purpose;
use super::users::{self, Known};
use super::{NewUser, StaffError, User, passwords, sessions, store};
use crate::cache::Cache;
use crate::mail::{MailKind, enqueue, new_mail};
use crate::shop::Shop;
use crate::{entropy, event_log};

/// How long a link for a new password can be used, in seconds.
pub const RESET_LINK_S: i64 = 3_600;
/// How long an invitation can be used, in seconds.
pub const INVITATION_S: i64 = 7 * 24 * 3_600;

/// Stores a link and the mail that brings it; gives the link's id.
async fn send(
    tx: &mut Tx,
    ctx: &mut Ctx,
    shop: &Shop,
    purpose: Purpose,
    email: &str,
    by: &str,
) -> Result<Uuid, StaffError> {
    let id = ctx.ids.next_uuid(ctx.now);
    let (lasts, kind) = match purpose {
        Purpose::Reset => (RESET_LINK_S, MailKind::PasswordReset),
        Purpose::Invitation => (INVITATION_S, MailKind::Invitation),
    };
    let token = entropy::token()?.hash();
    let expires = ctx.now.plus_seconds(lasts);
    // The newest link is the only one.
    store::delete_links(tx, purpose, email).await?;
    store::insert_link(tx, id, &token, purpose, email, by, ctx.now, expires).await?;
    let link = format!("{}/{id}", purpose.as_str());
    let mail = new_mail(shop, ctx, kind, shop.mail.language_for(None), email, link);
    enqueue(tx, ctx, &[mail]).await?;
    Ok(id)
}

/// Sends a link for a new password, if someone has this address; whoever asks is not told.
///
/// # Errors
/// The store fails.
pub async fn ask_reset(shop: &Shop, ctx: &mut Ctx, email: &str) -> Result<(), StaffError> {
    let email = canonical_email(email);
    let mut tx = shop.db.begin().await?;
    if store::credentials(&mut tx, &email).await?.is_none() {
        return Ok(());
    }
    send(&mut tx, ctx, shop, Purpose::Reset, &email, "").await?;
    tx.commit().await?;
    shop.wake.notify_waiters();
    Ok(())
}

/// Makes a link for a new password that is handed over by hand; `None` when nobody has this address.
///
/// # Errors
/// The store fails.
pub async fn reset_link(db: &Db, ctx: &mut Ctx, email: &str) -> Result<Option<String>, StaffError> {
    let email = canonical_email(email);
    let mut tx = db.begin().await?;
    if store::credentials(&mut tx, &email).await?.is_none() {
        return Ok(None);
    }
    let id = ctx.ids.next_uuid(ctx.now);
    let token = entropy::token()?;
    let expires = ctx.now.plus_seconds(RESET_LINK_S);
    store::delete_links(&mut tx, Purpose::Reset, &email).await?;
    let purpose = Purpose::Reset;
    store::insert_link(&mut tx, id, &token.hash(), purpose, &email, "", ctx.now, expires).await?;
    tx.commit().await?;
    Ok(Some(link_path(Purpose::Reset, &token)))
}

/// Where a link leads.
pub(crate) fn link_path(purpose: Purpose, token: &Token) -> String {
    format!("/admin/{}/{}", purpose.as_str(), token.reveal())
}

/// A new token for a link that is sent. One for a link that was used, taken back or is too old opens
/// nothing.
///
/// # Errors
/// The store fails, or the system gives no random bytes.
pub(crate) async fn reissue_link(db: &Db, link: Uuid) -> Result<Token, StaffError> {
    let token = entropy::token()?;
    let mut ids = entropy::ids()?;
    let mut tx = db.begin().await?;
    if let Some(asked) = store::find_link(&mut tx, link).await? {
        let store::AskedLink { purpose, email, by, created, expires } = asked;
        let id = ids.next_uuid(created);
        let hash = token.hash();
        store::insert_link(&mut tx, id, &hash, purpose, &email, &by, created, expires).await?;
        tx.commit().await?;
    }
    Ok(token)
}

/// Invites someone to help run the shop.
///
/// # Errors
/// The address is none, or someone signs in with it already, or the store fails.
pub async fn invite(shop: &Shop, ctx: &mut Ctx, by: &User, email: &str) -> Result<(), StaffError> {
    let email = canonical_email(email);
    let wrong = |text: &str| StaffError::Invalid(vec![FieldError::new("/email", text)]);
    if !is_email(&email) {
        return Err(wrong("an e-mail address, e.g. ada@example.com"));
    }
    let mut tx = shop.db.begin().await?;
    if store::credentials(&mut tx, &email).await?.is_some() {
        return Err(wrong("someone signs in with this address already"));
    }
    let invitation = send(&mut tx, ctx, shop, Purpose::Invitation, &email, &by.name).await?;
    let body = EventBody::UserInvited { invited_by: by.id };
    event_log::append_next(&mut tx, ctx, format!("invitation/{invitation}"), body).await?;
    tx.commit().await?;
    shop.wake.notify_waiters();
    Ok(())
}

/// The address that an open link was made for.
///
/// # Errors
/// The store fails.
pub async fn link_email(
    db: &Db,
    link: &TokenHash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<String>, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::open_link(&mut tx, link, purpose, now).await?)
}

/// Uses a link up to set a new password, and signs its user out everywhere.
///
/// # Errors
/// The password is too weak (the link stays open), the link is closed, or the store fails.
pub async fn reset_password(
    db: &Db,
    cache: &Cache,
    ctx: &mut Ctx,
    link: &TokenHash,
    password: String,
) -> Result<User, StaffError> {
    // Before the costly hash, so that strangers cannot make the shop work.
    let email = link_email(db, link, Purpose::Reset, ctx.now).await?;
    let email = email.ok_or(StaffError::LinkClosed)?;
    let mut errors = Vec::new();
    passwords::check(&password, &email, &mut errors);
    if !errors.is_empty() {
        return Err(StaffError::Invalid(errors));
    }
    let hash = passwords::hash(password).await?;
    let mut tx = db.begin().await?;
    // Of two that use it at once, one takes the row.
    if !store::consume_link(&mut tx, link, Purpose::Reset, ctx.now).await? {
        return Err(StaffError::LinkClosed);
    }
    store::delete_links(&mut tx, Purpose::Reset, &email).await?;
    let known = store::credentials(&mut tx, &email).await?.ok_or(StaffError::LinkClosed)?;
    store::update_user(&mut tx, &known.user, &hash, ctx.now).await?;
    let ended = store::delete_sessions_of(&mut tx, known.user.id).await?;
    users::record(&mut tx, ctx, known.user.id, Known::Already).await?;
    tx.commit().await?;
    for session in &ended {
        sessions::forget(cache, session).await;
    }
    Ok(known.user)
}

/// Uses an invitation up: makes a user with the address it was sent to.
///
/// # Errors
/// A field is wrong (the link stays open), the link is closed, or the store fails.
pub async fn accept_invitation(
    db: &Db,
    ctx: &mut Ctx,
    link: &TokenHash,
    name: &str,
    password: String,
) -> Result<User, StaffError> {
    let email = link_email(db, link, Purpose::Invitation, ctx.now).await?;
    let email = email.ok_or(StaffError::LinkClosed)?;
    let new = NewUser { name: name.to_owned(), email, password }.check()?;
    let hash = passwords::hash(new.password).await?;
    let user = User { id: ctx.user_id(), email: new.email, name: new.name };
    let mut tx = db.begin().await?;
    if !store::consume_link(&mut tx, link, Purpose::Invitation, ctx.now).await?
        || store::credentials(&mut tx, &user.email).await?.is_some()
    {
        return Err(StaffError::LinkClosed);
    }
    store::delete_links(&mut tx, Purpose::Invitation, &user.email).await?;
    store::insert_user(&mut tx, &user, &hash, ctx.now).await?;
    users::record(&mut tx, ctx, user.id, Known::Newly).await?;
    tx.commit().await?;
    Ok(user)
}

/// Who may sign in, and who was invited until when.
///
/// # Errors
/// The store fails.
pub async fn people(
    db: &Db,
    now: Timestamp,
) -> Result<(Vec<User>, Vec<(String, Timestamp)>), StaffError> {
    let mut tx = db.read().await?;
    let users = store::users(&mut tx).await?;
    Ok((users, store::invitations(&mut tx, now).await?))
}

/// Takes an invitation back; nothing happens when there is none.
///
/// # Errors
/// The store fails.
pub async fn revoke_invitation(db: &Db, email: &str) -> Result<(), StaffError> {
    let mut tx = db.begin().await?;
    store::delete_links(&mut tx, Purpose::Invitation, &canonical_email(email)).await?;
    Ok(tx.commit().await?)
}
