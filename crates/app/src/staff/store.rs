//! All SQL about staff.

use stoa_domain::vendor::VendorStatus;
use stoa_kernel::{Timestamp, TokenHash, UserId, VendorId};
use stoa_sql::{Column, Row, Sql, SqlError, Tx, Type, Verb, Write, sql};
use uuid::Uuid;

use super::{ApiToken, Scopes, TokenVendor, User};

const ANY_USER: Sql = sql!("select 1 from users limit 1");
const USER_BY_EMAIL: Sql =
    sql!("select id, email, name, password_hash from users where email = $1");
const USER_BY_SESSION: Sql = sql!(
    "select u.id, u.email, u.name, s.expires_at from sessions s join users u on u.id = s.user_id \
     where s.token_hash = $1 and s.expires_at > $2"
);
const SESSIONS_OF_USER: Sql = sql!("select token_hash from sessions where user_id = $1");
const SESSION_DELETE_EXPIRED: Sql = sql!("delete from sessions where expires_at <= $1");
const SESSION_DELETE_OF_USER: Sql = sql!("delete from sessions where user_id = $1");
const SETUP_LINK_OPEN: Sql =
    sql!("select 1 from setup_links where token_hash = $1 and expires_at > $2");
const SETUP_LINK_CONSUME: Sql =
    sql!("delete from setup_links where token_hash = $1 and expires_at > $2");
const SETUP_LINK_DELETE_ALL: Sql = sql!("delete from setup_links");
const SETUP_LINK_DELETE_EXPIRED: Sql = sql!("delete from setup_links where expires_at <= $1");
const LINK_INSERT: Sql = sql!(
    "insert into staff_links (id, token_hash, purpose, email, created_by, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)"
);
const LINK_FIND: Sql = sql!(
    "select purpose, email, created_by, created_at, expires_at from staff_links where id = $1"
);
const LINK_OPEN: Sql = sql!(
    "select email from staff_links where token_hash = $1 and purpose = $2 and expires_at > $3"
);
const LINK_CONSUME: Sql =
    sql!("delete from staff_links where token_hash = $1 and purpose = $2 and expires_at > $3");
const LINK_DELETE: Sql = sql!("delete from staff_links where purpose = $1 and email = $2");
const LINK_DELETE_EXPIRED: Sql = sql!("delete from staff_links where expires_at <= $1");
const INVITATIONS: Sql = sql!(
    "select distinct email, expires_at from staff_links where purpose = 'invitation' and expires_at > $1
    order by email limit 500"
);
const USERS: Sql = sql!("select id, email, name from users order by name, email limit 500");
const API_TOKEN: Sql = sql!(
    "select t.scopes, t.vendor_id, v.status
    from api_tokens t left join vendors v on v.id = t.vendor_id where t.token_hash = $1"
);

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&Sql] = &[
    &ANY_USER,
    &USER_BY_EMAIL,
    &USER_BY_SESSION,
    &SESSIONS_OF_USER,
    &SESSION_DELETE_EXPIRED,
    &SESSION_DELETE_OF_USER,
    &SETUP_LINK_OPEN,
    &SETUP_LINK_CONSUME,
    &SETUP_LINK_DELETE_ALL,
    &SETUP_LINK_DELETE_EXPIRED,
    &LINK_INSERT,
    &LINK_FIND,
    &LINK_OPEN,
    &LINK_CONSUME,
    &LINK_DELETE,
    &LINK_DELETE_EXPIRED,
    &INVITATIONS,
    &USERS,
    &API_TOKEN,
];

const ID: &[Column] = &[("id", Type::Uuid)];
const TOKEN_HASH: &[Column] = &[("token_hash", Type::Bytes)];

static USER_INSERT: Write = Write::new(
    Verb::Insert,
    "users",
    ID,
    &[
        ("email", Type::Text),
        ("name", Type::Text),
        ("password_hash", Type::Text),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
static USER_UPDATE: Write = Write::new(
    Verb::Update,
    "users",
    ID,
    &[("name", Type::Text), ("password_hash", Type::Text), ("updated_at", Type::Time)],
);
static SESSION_INSERT: Write = Write::new(
    Verb::Insert,
    "sessions",
    TOKEN_HASH,
    &[("user_id", Type::Uuid), ("created_at", Type::Time), ("expires_at", Type::Time)],
);
static SESSION_DELETE: Write = Write::new(Verb::Delete, "sessions", TOKEN_HASH, &[]);
static SETUP_LINK_INSERT: Write = Write::new(
    Verb::Insert,
    "setup_links",
    TOKEN_HASH,
    &[("created_at", Type::Time), ("expires_at", Type::Time)],
);
static API_TOKEN_INSERT: Write = Write::new(
    Verb::Insert,
    "api_tokens",
    TOKEN_HASH,
    &[
        ("name", Type::Text),
        ("scopes", Type::Json),
        ("created_at", Type::Time),
        ("vendor_id", Type::Uuid),
    ],
);

/// Every set-based write, for the test that prepares them.
pub const WRITES: &[&Write] = &[
    &USER_INSERT,
    &USER_UPDATE,
    &SESSION_INSERT,
    &SESSION_DELETE,
    &SETUP_LINK_INSERT,
    &API_TOKEN_INSERT,
];

type Result<T> = std::result::Result<T, SqlError>;

/// A user and the hash of the password.
pub(super) struct Credentials {
    pub(super) user: User,
    pub(super) password_hash: String,
}

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: UserId::from_uuid(row.uuid(0)?), email: row.string(1)?, name: row.string(2)? })
}

pub(super) async fn any_user(tx: &mut Tx) -> Result<bool> {
    let found = tx.query_opt(&ANY_USER, &[], |row| row.int(0)).await?;
    Ok(found.is_some())
}

pub(super) async fn credentials(tx: &mut Tx, email: &str) -> Result<Option<Credentials>> {
    tx.query_opt(&USER_BY_EMAIL, &[email.into()], |row| {
        Ok(Credentials { user: user(row)?, password_hash: row.string(3)? })
    })
    .await
}

pub(super) async fn insert_user(
    tx: &mut Tx,
    user: &User,
    password_hash: &str,
    now: Timestamp,
) -> Result<()> {
    let row = [
        user.id.into(),
        (&user.email).into(),
        (&user.name).into(),
        password_hash.into(),
        now.into(),
        now.into(),
    ];
    tx.write(&USER_INSERT, [row]).await?;
    Ok(())
}

pub(super) async fn update_user(
    tx: &mut Tx,
    user: &User,
    password_hash: &str,
    now: Timestamp,
) -> Result<()> {
    let row = [user.id.into(), (&user.name).into(), password_hash.into(), now.into()];
    tx.write(&USER_UPDATE, [row]).await?;
    Ok(())
}

pub(super) async fn session_user(
    tx: &mut Tx,
    session: &TokenHash,
    now: Timestamp,
) -> Result<Option<(User, Timestamp)>> {
    tx.query_opt(&USER_BY_SESSION, &[session.into(), now.into()], |row| {
        Ok((user(row)?, row.time(3)?))
    })
    .await
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    session: &TokenHash,
    user: UserId,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    let row = [session.into(), user.into(), now.into(), expires.into()];
    tx.write(&SESSION_INSERT, [row]).await?;
    Ok(())
}

pub(super) async fn delete_session(tx: &mut Tx, session: &TokenHash) -> Result<()> {
    tx.write(&SESSION_DELETE, [[session.into()]]).await?;
    Ok(())
}

pub(super) async fn delete_expired_sessions(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.execute(&SESSION_DELETE_EXPIRED, &[now.into()]).await?;
    Ok(())
}

/// Forgets sessions and set-up links that have expired; says how many.
pub(crate) async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let sessions = tx.execute(&SESSION_DELETE_EXPIRED, &[now.into()]).await?;
    let links = tx.execute(&LINK_DELETE_EXPIRED, &[now.into()]).await?;
    Ok(sessions + links + tx.execute(&SETUP_LINK_DELETE_EXPIRED, &[now.into()]).await?)
}

/// Ends all sessions of a user and says which they were.
pub(super) async fn delete_sessions_of(tx: &mut Tx, user: UserId) -> Result<Vec<TokenHash>> {
    let ended = tx.query(&SESSIONS_OF_USER, &[user.into()], |row| row.hash(0)).await?;
    tx.execute(&SESSION_DELETE_OF_USER, &[user.into()]).await?;
    Ok(ended)
}

pub(super) async fn insert_setup_link(
    tx: &mut Tx,
    link: &TokenHash,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    let row = [link.into(), now.into(), expires.into()];
    tx.write(&SETUP_LINK_INSERT, [row]).await?;
    Ok(())
}

pub(super) async fn setup_link_is_open(
    tx: &mut Tx,
    link: &TokenHash,
    now: Timestamp,
) -> Result<bool> {
    let found =
        tx.query_opt(&SETUP_LINK_OPEN, &[link.into(), now.into()], |row| row.int(0)).await?;
    Ok(found.is_some())
}

/// Takes a link; false when there is none that is open.
pub(super) async fn consume_setup_link(
    tx: &mut Tx,
    link: &TokenHash,
    now: Timestamp,
) -> Result<bool> {
    let taken = tx.execute(&SETUP_LINK_CONSUME, &[link.into(), now.into()]).await?;
    Ok(taken == 1)
}

pub(super) async fn delete_setup_links(tx: &mut Tx) -> Result<()> {
    tx.execute(&SETUP_LINK_DELETE_ALL, &[]).await?;
    Ok(())
}

pub(super) async fn insert_api_token(
    tx: &mut Tx,
    token: &TokenHash,
    name: &str,
    scopes: &Scopes,
    vendor: Option<VendorId>,
    now: Timestamp,
) -> Result<()> {
    let scopes = scopes.to_json();
    let json = stoa_sql::Param::Json(&scopes);
    let row = [token.into(), name.into(), json, now.into(), vendor.into()];
    tx.write(&API_TOKEN_INSERT, [row]).await?;
    Ok(())
}

pub(super) async fn api_token(tx: &mut Tx, token: &TokenHash) -> Result<Option<ApiToken>> {
    let row = |row: &Row<'_>| {
        let vendor = row.opt_uuid(1)?.map(VendorId::from_uuid);
        let status = row.opt_text(2)?.and_then(VendorStatus::parse);
        Ok(ApiToken {
            scopes: Scopes::from_json(row.text(0)?),
            vendor: vendor
                .map(|id| TokenVendor { id, is_active: status == Some(VendorStatus::Active) }),
        })
    };
    tx.query_opt(&API_TOKEN, &[token.into()], row).await
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To set a new password.
    Reset,
    /// To join.
    Invitation,
}

impl Purpose {
    /// The word that the store keeps, and that addresses have.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invitation => "invitation",
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one a column")]
pub(super) async fn insert_link(
    tx: &mut Tx,
    id: Uuid,
    token: &TokenHash,
    purpose: Purpose,
    email: &str,
    by: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    let params = [
        id.into(),
        token.into(),
        purpose.as_str().into(),
        email.into(),
        by.into(),
        now.into(),
        expires.into(),
    ];
    tx.execute(&LINK_INSERT, &params).await?;
    Ok(())
}

/// A link that was asked for.
pub(super) struct AskedLink {
    pub(super) purpose: Purpose,
    pub(super) email: String,
    pub(super) by: String,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
}

pub(super) async fn find_link(tx: &mut Tx, id: Uuid) -> Result<Option<AskedLink>> {
    tx.query_opt(&LINK_FIND, &[id.into()], |row| {
        Ok(AskedLink {
            purpose: match row.text(0)? {
                "reset" => Purpose::Reset,
                _ => Purpose::Invitation,
            },
            email: row.string(1)?,
            by: row.opt_string(2)?.unwrap_or_default(),
            created: row.time(3)?,
            expires: row.time(4)?,
        })
    })
    .await
}

/// The address that an open link was made for.
pub(super) async fn open_link(
    tx: &mut Tx,
    token: &TokenHash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<String>> {
    let params = [token.into(), purpose.as_str().into(), now.into()];
    tx.query_opt(&LINK_OPEN, &params, |row| row.string(0)).await
}

/// Takes a link; false when there is none that is open.
pub(super) async fn consume_link(
    tx: &mut Tx,
    token: &TokenHash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<bool> {
    let params = [token.into(), purpose.as_str().into(), now.into()];
    Ok(tx.execute(&LINK_CONSUME, &params).await? == 1)
}

pub(super) async fn delete_links(tx: &mut Tx, purpose: Purpose, email: &str) -> Result<()> {
    tx.execute(&LINK_DELETE, &[purpose.as_str().into(), email.into()]).await?;
    Ok(())
}

/// Who was invited, and until when.
pub(super) async fn invitations(tx: &mut Tx, now: Timestamp) -> Result<Vec<(String, Timestamp)>> {
    tx.query(&INVITATIONS, &[now.into()], |row| Ok((row.string(0)?, row.time(1)?))).await
}

/// Who may sign in.
pub(super) async fn users(tx: &mut Tx) -> Result<Vec<User>> {
    tx.query(&USERS, &[], user).await
}
