//! Users: who may sign in.

use stoa_domain::address::{canonical_email, is_email};
use stoa_domain::catalog::FieldError;
use stoa_domain::event::EventBody;
use stoa_kernel::{Ctx, UserId, limits};
use stoa_sql::{Db, Tx};

use super::{StaffError, User, passwords, sessions, store};
use crate::cache::Cache;
use crate::event_log;

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// The name shown.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password in clear.
    pub password: String,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("email", &self.email).finish_non_exhaustive()
    }
}

impl NewUser {
    /// Brings name and address into their stored form and checks everything.
    pub(super) fn check(mut self) -> Result<Self, StaffError> {
        let mut errors = Vec::new();
        self.name = self.name.trim().to_owned();
        self.email = canonical_email(&self.email);
        if self.name.is_empty() {
            errors.push(FieldError::new("/name", "must not be empty"));
        } else if self.name.len() > limits::LINE_BYTES || self.name.chars().any(char::is_control) {
            errors.push(FieldError::new("/name", "one line of at most 500 bytes"));
        }
        if !is_email(&self.email) {
            errors.push(FieldError::new("/email", "an e-mail address, e.g. owner@example.com"));
        }
        passwords::check(&self.password, &self.email, &mut errors);
        if errors.is_empty() { Ok(self) } else { Err(StaffError::Invalid(errors)) }
    }
}

/// Whether anyone can sign in yet.
///
/// # Errors
/// The store fails.
pub async fn any_user(db: &Db) -> Result<bool, StaffError> {
    let mut tx = db.read().await?;
    Ok(store::any_user(&mut tx).await?)
}

/// Whether someone could sign in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Not yet.
    Newly,
    /// With another password.
    Already,
}

/// Records that someone has a password now.
pub(super) async fn record(
    tx: &mut Tx,
    ctx: &mut Ctx,
    user_id: UserId,
    known: Known,
) -> Result<(), StaffError> {
    let body = match known {
        Known::Newly => EventBody::UserJoined { user_id },
        Known::Already => EventBody::UserPasswordChanged { user_id },
    };
    Ok(event_log::append_next(tx, ctx, format!("user/{user_id}"), body).await?)
}

/// Makes a user, or gives the one with this address a new name and password and signs them out
/// everywhere.
///
/// # Errors
/// A field is wrong, or the store fails.
pub async fn put_user(
    db: &Db,
    cache: &Cache,
    ctx: &mut Ctx,
    new: NewUser,
) -> Result<User, StaffError> {
    let new = new.check()?;
    let password_hash = passwords::hash(new.password).await?;
    let mut tx = db.begin().await?;
    let known = store::credentials(&mut tx, &new.email).await?;
    let user = User {
        id: match &known {
            Some(known) => known.user.id,
            None => ctx.user_id(),
        },
        email: new.email,
        name: new.name,
    };
    let mut ended = Vec::new();
    if known.is_some() {
        store::update_user(&mut tx, &user, &password_hash, ctx.now).await?;
        ended = store::delete_sessions_of(&mut tx, user.id).await?;
        record(&mut tx, ctx, user.id, Known::Already).await?;
    } else {
        store::insert_user(&mut tx, &user, &password_hash, ctx.now).await?;
        record(&mut tx, ctx, user.id, Known::Newly).await?;
    }
    tx.commit().await?;
    for session in &ended {
        sessions::forget(cache, session).await;
    }
    Ok(user)
}
