//! People and programs that run the shop: users with passwords and sessions, the one-time link
//! that makes the first of them, and tokens with scopes for the API.
//!
//! Owns the tables `users`, `sessions`, `setup_links`, `staff_links` and `api_tokens`. Secrets are
//! never stored: passwords as argon2id, links, sessions and tokens as SHA-256 of 128 random bits.

mod api_tokens;
mod links;
mod passwords;
mod scope;
mod sessions;
mod set_up;
pub mod store;
#[cfg(test)]
mod tests;
mod users;

use stoa_domain::catalog::FieldError;
use stoa_kernel::UserId;
use stoa_sql::SqlError;

pub use api_tokens::{ApiToken, TokenVendor, api_token, create_api_token};
pub use links::{
    INVITATION_S, RESET_LINK_S, accept_invitation, ask_reset, invite, link_email, people,
    reset_link, reset_password, revoke_invitation,
};
pub(crate) use links::{link_path, reissue_link};
pub use passwords::PASSWORD_CHARS;
pub use scope::{Scope, ScopeError, Scopes};
pub use sessions::{SESSION_S, session, sign_in, sign_out};
pub use set_up::{SETUP_LINK_S, consume_setup_link, create_setup_link, setup_link_is_open};
pub use store::Purpose;
pub use users::{NewUser, any_user, put_user};

use crate::entropy::EntropyError;

/// Someone who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address the user signs in with, lower case.
    pub email: String,
    /// The name shown.
    pub name: String,
}

/// Why a call about staff failed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// No user has this address, or the password is another one; which of both is not said.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The set-up link was used, is too old, or never was one.
    #[error("this link is used or too old; ask for a new one")]
    LinkClosed,
    /// Some fields are wrong.
    #[error("some fields are missing or wrong")]
    Invalid(Vec<FieldError>),
    /// The store failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The store failed, or holds something it should not.
    #[error(transparent)]
    Store(#[from] crate::error::StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A password could not be hashed or checked.
    #[error("password hashing failed: {0}")]
    Hashing(String),
}
