//! All SQL about mail. Owns `mails` and `mail_templates`.

use std::collections::BTreeMap;

use stoa_kernel::{MailId, OrderId, Timestamp};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};
use uuid::Uuid;

use super::render::{Rendered, Template};
use super::{Language, MailKind};
use crate::error::StoreError;

static ADD: Write = Write::new(
    Verb::Add,
    "mails",
    &[("id", Type::Uuid)],
    &[
        ("cause", Type::Text),
        ("kind", Type::Text),
        ("language", Type::Text),
        ("recipient", Type::Text),
        ("link", Type::Text),
        ("message_id", Type::Text),
        ("state", Type::Text),
        ("created_at", Type::Time),
    ],
);

const SENT: Sql = sql!(
    "update mails set state = 'sent', sent_at = $2, error = null,
        subject = $3, text_body = $4, html_body = $5
    where id = $1"
);

const FAILED: Sql = sql!(
    "update mails set state = $2, sent_at = null, error = $3 where id = $1 and state <> 'sent'"
);

const REQUEUE: Sql = sql!(
    "update mails set state = 'queued', sent_at = null, error = null, message_id = $2 where id = $1"
);

const FIND: Sql = sql!(
    "select id, kind, language, recipient, subject, text_body, html_body, link, message_id, state,
        error, created_at, sent_at, cause
    from mails where id = $1"
);

const LIST: Sql = sql!(
    "select id, kind, language, recipient, subject, null, null, link, message_id, state,
        error, created_at, sent_at, cause
    from mails where ($1 = '' or state = $1) and ($2 = '' or recipient = $2) and id < $3
    order by id desc limit $4"
);

const PURGE: Sql =
    sql!("delete from mails where id in (select id from mails where created_at < $1 limit $2)");

const INVITED_BY: Sql = sql!("select created_by from staff_links where id = $1");

const TEMPLATES: Sql = sql!("select kind, language, subject, body from mail_templates");

const TEMPLATE: Sql =
    sql!("select subject, body from mail_templates where kind = $1 and language = $2");

const TEMPLATE_DELETE: Sql = sql!("delete from mail_templates where kind = $1 and language = $2");

// Not locked: neither changes once there is an order.
const READERS: Sql = sql!(
    sqlite: "select id, email, json_extract(details, '$.shipping_address.country')
        from orders where id = $1",
    postgres: "select id, email, details #>> '{shipping_address,country}'
        from orders where id = any($1)"
);

static TEMPLATE_PUT: Write = Write::new(
    Verb::Upsert,
    "mail_templates",
    &[("kind", Type::Text), ("language", Type::Text)] as &[Column],
    &[("subject", Type::Text), ("body", Type::Text), ("updated_at", Type::Time)],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &SENT,
    &FAILED,
    &REQUEUE,
    &FIND,
    &LIST,
    &PURGE,
    &INVITED_BY,
    &TEMPLATES,
    &TEMPLATE,
    &TEMPLATE_DELETE,
    &READERS,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&ADD, &TEMPLATE_PUT];

type Result<T> = std::result::Result<T, StoreError>;

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// It is to be sent.
    Queued,
    /// Someone else has it.
    Sent,
    /// It was given up.
    Failed,
    /// There was no mail server: it is only here.
    Kept,
}

impl MailState {
    /// The word that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Kept => "kept",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Queued, Self::Sent, Self::Failed, Self::Kept];
        all.into_iter().find(|state| state.as_str() == word)
    }
}

/// A mail as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMail {
    /// Its id.
    pub id: MailId,
    /// Which mail it is.
    pub kind: MailKind,
    /// Its language.
    pub language: Language,
    /// Its reader.
    pub recipient: String,
    /// What was sent, with [`super::render::LINK`] for the link; none before, and in lists.
    pub rendered: Option<Rendered>,
    /// Its subject, once it was sent.
    pub subject: Option<String>,
    /// What the link leads to: see [`super::links`].
    pub link: Option<String>,
    /// Its name on the way, without angle brackets.
    pub message_id: String,
    /// What became of it.
    pub state: MailState,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// What it is about and why; no other mail has the same.
    pub cause: String,
}

fn stored(row: &Row<'_>) -> Result<StoredMail> {
    let (kind, language, state) = (row.text(1)?, row.text(2)?, row.text(9)?);
    Ok(StoredMail {
        id: MailId::from_uuid(row.uuid(0)?),
        kind: MailKind::parse(kind).ok_or_else(|| StoreError::bad_row("mails.kind", kind))?,
        language: Language::parse(language)
            .ok_or_else(|| StoreError::bad_row("mails.language", language))?,
        recipient: row.string(3)?,
        rendered: match (row.opt_string(4)?, row.opt_string(5)?, row.opt_string(6)?) {
            (Some(subject), Some(text), Some(html)) => Some(Rendered { subject, text, html }),
            _ => None,
        },
        subject: row.opt_string(4)?,
        link: row.opt_string(7)?,
        message_id: row.string(8)?,
        state: MailState::parse(state).ok_or_else(|| StoreError::bad_row("mails.state", state))?,
        error: row.opt_string(10)?,
        created_at: row.time(11)?,
        sent_at: row.opt_time(12)?,
        cause: row.string(13)?,
    })
}

/// Stores mails; says which were stored: not those whose cause has one already.
pub async fn add(tx: &mut Tx, mails: &[StoredMail]) -> Result<Vec<bool>> {
    let rows = mails.iter().map(|mail| {
        [
            Param::from(mail.id),
            (&mail.cause).into(),
            mail.kind.as_str().into(),
            mail.language.code().into(),
            (&mail.recipient).into(),
            mail.link.as_deref().into(),
            (&mail.message_id).into(),
            mail.state.as_str().into(),
            mail.created_at.into(),
        ]
    });
    Ok(tx.add(&ADD, rows).await?)
}

/// A mail was sent, in these words.
pub async fn sent(tx: &mut Tx, id: MailId, now: Timestamp, rendered: &Rendered) -> Result<()> {
    let Rendered { subject, text, html } = rendered;
    let params = [id.into(), now.into(), subject.into(), text.into(), html.into()];
    tx.execute(&SENT, &params).await?;
    Ok(())
}

/// A mail was not sent: it is tried again, or given up.
pub async fn failed(tx: &mut Tx, id: MailId, state: MailState, error: &str) -> Result<()> {
    let error: String = error.chars().filter(|c| *c != '\0').take(1_000).collect();
    tx.execute(&FAILED, &[id.into(), state.as_str().into(), error.as_str().into()]).await?;
    Ok(())
}

/// A mail is to be sent once more, under this name.
pub async fn requeue(tx: &mut Tx, id: MailId, message_id: &str) -> Result<()> {
    tx.execute(&REQUEUE, &[id.into(), message_id.into()]).await?;
    Ok(())
}

/// One mail.
pub async fn find(tx: &mut Tx, id: MailId) -> Result<Option<StoredMail>> {
    tx.query_opt(&FIND, &[id.into()], stored).await
}

/// Mails, newest first, without what they say: in a state, to a reader, after a mail.
pub async fn list(
    tx: &mut Tx,
    state: Option<MailState>,
    recipient: &str,
    after: Option<MailId>,
    limit: i64,
) -> Result<Vec<StoredMail>> {
    let after = after.unwrap_or(MailId::from_uuid(Uuid::max()));
    let state = state.map_or("", MailState::as_str);
    tx.query(&LIST, &[state.into(), recipient.into(), after.into(), limit.into()], stored).await
}

/// Forgets some mails that were written before a time; says how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(tx.execute(&PURGE, &[before.into(), Param::Int(1_000)]).await?)
}

/// Who made a link for staff, while it is there.
pub async fn invited_by(tx: &mut Tx, link: Uuid) -> Result<Option<String>> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.opt_string(0)?);
    Ok(tx.query_opt(&INVITED_BY, &[link.into()], row).await?.flatten())
}

/// The kinds and languages whose texts a merchant has changed.
pub async fn templates(tx: &mut Tx) -> Result<Vec<(String, String, Template)>> {
    let row = |row: &Row<'_>| {
        let template = Template { subject: row.string(2)?, body: row.string(3)? };
        Ok::<_, StoreError>((row.string(0)?, row.string(1)?, template))
    };
    tx.query(&TEMPLATES, &[], row).await
}

/// What a merchant wrote instead of the built-in text, if anything.
pub async fn template(tx: &mut Tx, kind: MailKind, language: Language) -> Result<Option<Template>> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(Template { subject: row.string(0)?, body: row.string(1)? })
    };
    tx.query_opt(&TEMPLATE, &[kind.as_str().into(), language.code().into()], row).await
}

/// Keeps what a merchant wrote.
pub async fn put_template(
    tx: &mut Tx,
    kind: MailKind,
    language: Language,
    template: &Template,
    now: Timestamp,
) -> Result<()> {
    let row = [
        kind.as_str().into(),
        language.code().into(),
        (&template.subject).into(),
        (&template.body).into(),
        now.into(),
    ];
    tx.write(&TEMPLATE_PUT, [row]).await?;
    Ok(())
}

/// Goes back to the built-in text.
pub async fn delete_template(tx: &mut Tx, kind: MailKind, language: Language) -> Result<()> {
    tx.execute(&TEMPLATE_DELETE, &[kind.as_str().into(), language.code().into()]).await?;
    Ok(())
}

/// The address of each order's customer, and the country it goes to.
pub async fn readers(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<BTreeMap<OrderId, (String, String)>> {
    let row = |row: &Row<'_>| {
        let country = row.opt_string(2)?.unwrap_or_default();
        Ok::<_, StoreError>((OrderId::from_uuid(row.uuid(0)?), (row.string(1)?, country)))
    };
    let found = tx.query_keys(&READERS, orders.into_iter().map(Param::from), &[], row).await?;
    Ok(found.into_iter().collect())
}
