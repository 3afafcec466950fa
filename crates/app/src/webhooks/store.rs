//! All SQL about webhooks. Owns `webhooks`, `webhook_deliveries` and `webhook_attempts`.

use stoa_domain::webhooks::breaker::Breaker;
use stoa_kernel::{Ctx, DeliveryId, EventId, Timestamp, WebhookId, limits};
use stoa_sql::{Param, Row, Sql, Tx, Type, Verb, Write, sql};
use uuid::Uuid;

use crate::error::StoreError;
use crate::event_log::LoggedEvent;

static ADD: Write = Write::new(
    Verb::Insert,
    "webhooks",
    &[("id", Type::Uuid)],
    &[
        ("url", Type::Text),
        ("events", Type::Json),
        ("description", Type::Text),
        ("is_enabled", Type::Bool),
        ("version", Type::Int),
        ("from_offset", Type::Int),
        ("secret_version", Type::Int),
        ("rotated_at", Type::Time),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static CHANGE: Write = Write::new(
    Verb::Update,
    "webhooks",
    &[("id", Type::Uuid)],
    &[
        ("url", Type::Text),
        ("events", Type::Json),
        ("description", Type::Text),
        ("is_enabled", Type::Bool),
        ("version", Type::Int),
        ("from_offset", Type::Int),
        ("secret_version", Type::Int),
        ("rotated_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static BREAKER: Write = Write::new(
    Verb::Update,
    "webhooks",
    &[("id", Type::Uuid)],
    &[
        ("failures", Type::Int),
        ("failing_since", Type::Time),
        ("probe_at", Type::Time),
        ("is_gone", Type::Bool),
    ],
);

const LIST: Sql = sql!(
    "select id, url, events, description, is_enabled, version, from_offset, secret_version,
        rotated_at, failures, failing_since, probe_at, is_gone, created_at, updated_at
    from webhooks order by id",
    locks: "for no key update"
);

// While others write down how endpoints behave.
const UNLOCKED: Sql = sql!(
    "select id, url, events, description, is_enabled, version, from_offset, secret_version,
        rotated_at, failures, failing_since, probe_at, is_gone, created_at, updated_at
    from webhooks order by id"
);

const FIND: Sql = sql!(
    "select id, url, events, description, is_enabled, version, from_offset, secret_version,
        rotated_at, failures, failing_since, probe_at, is_gone, created_at, updated_at
    from webhooks where id = $1",
    locks: "for no key update"
);

const REMOVE: Sql = sql!("delete from webhooks where id = $1");

static ADD_DELIVERY: Write = Write::new(
    Verb::Insert,
    "webhook_deliveries",
    &[("id", Type::Uuid)],
    &[
        ("webhook_id", Type::Uuid),
        ("log_offset", Type::Int),
        ("subject", Type::Text),
        ("kind", Type::Text),
        ("state", Type::Text),
        ("next_at", Type::Time),
        ("created_at", Type::Time),
    ],
);

const KNOWN: Sql = sql!(
    "select log_offset from webhook_deliveries
    where webhook_id = $1 and log_offset >= $2 and log_offset <= $3"
);

const ANY_DUE: Sql = sql!(
    "select 1 from webhook_deliveries
    where webhook_id = $1 and state = 'waiting' and next_at <= $2
        and (leased_until is null or leased_until <= $3)
    limit 1"
);

// Only the oldest of a subject; what another process holds is still waiting, so that it keeps those
// behind it from being found.
const DUE: Sql = sql!(
    "select d.id, d.log_offset, d.subject, d.kind, d.attempts, d.tries, d.next_at,
        e.id, e.sequence, e.data, e.created_at
    from webhook_deliveries d join events e on e.log_offset = d.log_offset
    where d.webhook_id = $1 and d.state = 'waiting' and d.next_at <= $2
        and (d.leased_until is null or d.leased_until <= $3)
        and not exists (select 1 from webhook_deliveries o
            where o.webhook_id = d.webhook_id and o.subject = d.subject and o.state = 'waiting'
                and o.log_offset < d.log_offset)
    order by d.next_at, d.log_offset limit $4",
    locks: "for update of d skip locked"
);

static LEASE: Write = Write::new(
    Verb::Update,
    "webhook_deliveries",
    &[("id", Type::Uuid)],
    &[("lease", Type::Uuid), ("leased_until", Type::Time)],
);

const HELD: Sql = sql!(
    sqlite: "select id, lease from webhook_deliveries where id = $1",
    postgres: "select id, lease from webhook_deliveries where id = any($1) order by id",
    locks: "for update"
);

static RESULT: Write = Write::new(
    Verb::Update,
    "webhook_deliveries",
    &[("id", Type::Uuid)],
    &[
        ("state", Type::Text),
        ("attempts", Type::Int),
        ("tries", Type::Int),
        ("next_at", Type::Time),
        ("finished_at", Type::Time),
        ("lease", Type::Uuid),
        ("leased_until", Type::Time),
    ],
);

static ATTEMPT: Write = Write::new(
    Verb::Upsert,
    "webhook_attempts",
    &[("delivery_id", Type::Uuid), ("number", Type::Int)],
    &[
        ("at", Type::Time),
        ("status", Type::Int),
        ("error", Type::Text),
        ("answer", Type::Text),
        ("duration_ms", Type::Int),
    ],
);

const OWN_ALL: Sql = sql!(
    "update webhook_deliveries set lease = null, leased_until = null
    where state = 'waiting' and leased_until is not null"
);

const WAKE: Sql = sql!(
    "update webhook_deliveries set next_at = $2
    where webhook_id = $1 and state = 'waiting' and next_at > $2"
);

const DELIVERIES: Sql = sql!(
    "select d.id, d.webhook_id, d.log_offset, d.subject, d.kind, d.state, d.tries, d.next_at,
        d.created_at, d.finished_at
    from webhook_deliveries d
    where d.webhook_id = $1 and ($2 = '' or d.state = $2) and d.id < $3
    order by d.id desc limit $4"
);

const COUNT: Sql = sql!(
    "select count(*) from webhook_deliveries where webhook_id = $1 and ($2 = '' or state = $2)"
);

const WAITING: Sql = sql!(
    "select webhook_id, count(*) from webhook_deliveries where state = 'waiting' group by webhook_id"
);

const DELIVERY: Sql = sql!(
    "select d.id, d.webhook_id, d.log_offset, d.subject, d.kind, d.state, d.tries, d.next_at,
        d.created_at, d.finished_at
    from webhook_deliveries d where d.webhook_id = $1 and d.id = $2"
);

const ATTEMPTS: Sql = sql!(
    "select number, at, status, error, answer, duration_ms from webhook_attempts
    where delivery_id = $1 order by number"
);

const REPLAY: Sql = sql!(
    "update webhook_deliveries set state = 'waiting', attempts = 0, next_at = $3,
        finished_at = null, lease = null, leased_until = null
    where webhook_id = $1 and id = $2 and state <> 'waiting'"
);

const REPLAY_RANGE: Sql = sql!(
    "update webhook_deliveries set state = 'waiting', attempts = 0, next_at = $4,
        finished_at = null, lease = null, leased_until = null
    where webhook_id = $1 and log_offset >= $2 and log_offset <= $3 and state <> 'waiting'"
);

const OFFSETS: Sql = sql!(
    "select coalesce(min(log_offset), 0), coalesce(max(log_offset), -1) from events
    where created_at >= $1 and created_at <= $2"
);

const PURGE: Sql = sql!(
    "delete from webhook_deliveries where id in
        (select id from webhook_deliveries where state <> 'waiting' and created_at < $1 limit $2)"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &LIST,
    &UNLOCKED,
    &FIND,
    &REMOVE,
    &KNOWN,
    &ANY_DUE,
    &DUE,
    &HELD,
    &OWN_ALL,
    &WAKE,
    &DELIVERIES,
    &COUNT,
    &WAITING,
    &DELIVERY,
    &ATTEMPTS,
    &REPLAY,
    &REPLAY_RANGE,
    &OFFSETS,
    &PURGE,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&ADD, &CHANGE, &BREAKER, &ADD_DELIVERY, &LEASE, &RESULT, &ATTEMPT];

type Result<T> = std::result::Result<T, StoreError>;

/// An endpoint as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where it is called.
    pub url: String,
    /// Patterns of the events that it wants.
    pub events: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Whether a person wants it to be called.
    pub is_enabled: bool,
    /// Counts its edits, from 1.
    pub version: i64,
    /// It is told of facts after this place in the log.
    pub from_offset: i64,
    /// Which of its secrets is the newest, from 1.
    pub secret_version: i64,
    /// When the newest secret was made, if another was before.
    pub rotated_at: Option<Timestamp>,
    /// How it has behaved.
    pub breaker: Breaker,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was edited last.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// Until when the secret before the newest signs too; none where there is none that does now.
    pub fn old_secret_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.rotated_at?.plus_seconds(limits::WEBHOOK_OLD_SECRET_S);
        (now < until).then_some(until)
    }
}

fn webhook(row: &Row<'_>) -> Result<Webhook> {
    Ok(Webhook {
        id: WebhookId::from_uuid(row.uuid(0)?),
        url: row.string(1)?,
        events: serde_json::from_str(row.text(2)?)?,
        description: row.string(3)?,
        is_enabled: row.bool(4)?,
        version: row.int(5)?,
        from_offset: row.int(6)?,
        secret_version: row.int(7)?,
        rotated_at: row.opt_time(8)?,
        breaker: Breaker {
            failures: row.int(9)?,
            failing_since: row.opt_time(10)?,
            probe_at: row.opt_time(11)?,
            is_gone: row.bool(12)?,
        },
        created_at: row.time(13)?,
        updated_at: row.time(14)?,
    })
}

/// Stores a new endpoint.
pub async fn add(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    let events = serde_json::to_string(&webhook.events)?;
    let row = [
        webhook.id.into(),
        (&webhook.url).into(),
        Param::Json(&events),
        (&webhook.description).into(),
        webhook.is_enabled.into(),
        webhook.version.into(),
        webhook.from_offset.into(),
        webhook.secret_version.into(),
        webhook.rotated_at.into(),
        webhook.created_at.into(),
        webhook.updated_at.into(),
    ];
    tx.write(&ADD, [row]).await?;
    Ok(())
}

/// Stores what was edited, without how the endpoint behaves.
pub async fn change(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    let events = serde_json::to_string(&webhook.events)?;
    let row = [
        webhook.id.into(),
        (&webhook.url).into(),
        Param::Json(&events),
        (&webhook.description).into(),
        webhook.is_enabled.into(),
        webhook.version.into(),
        webhook.from_offset.into(),
        webhook.secret_version.into(),
        webhook.rotated_at.into(),
        webhook.updated_at.into(),
    ];
    tx.write(&CHANGE, [row]).await?;
    Ok(())
}

/// Stores how endpoints behave.
pub async fn set_breakers(tx: &mut Tx, breakers: &[(WebhookId, Breaker)]) -> Result<()> {
    let rows = breakers.iter().map(|(id, breaker)| {
        [
            Param::from(*id),
            breaker.failures.into(),
            breaker.failing_since.into(),
            breaker.probe_at.into(),
            breaker.is_gone.into(),
        ]
    });
    tx.write(&BREAKER, rows).await?;
    Ok(())
}

/// Every endpoint, the oldest first; locked in a transaction that writes.
pub async fn list(tx: &mut Tx) -> Result<Vec<Webhook>> {
    tx.query(&LIST, &[], webhook).await
}

/// Every endpoint, the oldest first, without a lock.
pub async fn unlocked(tx: &mut Tx) -> Result<Vec<Webhook>> {
    tx.query(&UNLOCKED, &[], webhook).await
}

/// One endpoint.
pub async fn find(tx: &mut Tx, id: WebhookId) -> Result<Option<Webhook>> {
    tx.query_opt(&FIND, &[id.into()], webhook).await
}

/// Forgets an endpoint and all that was on its way to it.
pub async fn remove(tx: &mut Tx, id: WebhookId) -> Result<()> {
    tx.execute(&REMOVE, &[id.into()]).await?;
    Ok(())
}

/// The places in the log, of those from `first` to `last`, that an endpoint has a delivery of.
pub async fn known(tx: &mut Tx, id: WebhookId, first: i64, last: i64) -> Result<Vec<i64>> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    tx.query(&KNOWN, &[id.into(), first.into(), last.into()], row).await
}

/// Stores deliveries of facts to an endpoint, due at once. It must have none of them.
pub async fn add_deliveries(
    tx: &mut Tx,
    ctx: &mut Ctx,
    webhook: WebhookId,
    events: &[&LoggedEvent],
) -> Result<()> {
    let rows = events.iter().map(|event| {
        [
            Param::from(ctx.delivery_id()),
            webhook.into(),
            event.offset.into(),
            (&event.subject).into(),
            (&event.kind).into(),
            "waiting".into(),
            ctx.now.into(),
            ctx.now.into(),
        ]
    });
    tx.write(&ADD_DELIVERY, rows).await?;
    Ok(())
}

/// A delivery that a process may send now.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Tries since it was made or asked for again.
    pub attempts: i64,
    /// Tries in all.
    pub tries: i64,
    /// When it was due.
    pub next_at: Timestamp,
    /// What it tells of.
    pub event: LoggedEvent,
}

/// Whether an endpoint may have something due at `due`.
pub async fn any_due(tx: &mut Tx, id: WebhookId, due: Timestamp, now: Timestamp) -> Result<bool> {
    let row = |_: &Row<'_>| Ok::<_, StoreError>(());
    let found = tx.query_opt(&ANY_DUE, &[id.into(), due.into(), now.into()], row).await?;
    Ok(found.is_some())
}

/// Deliveries to an endpoint that are due at `due` and that nobody holds at `now`: of each subject
/// at most the oldest.
pub async fn due(
    tx: &mut Tx,
    id: WebhookId,
    due: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<DueDelivery>> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(DueDelivery {
            id: DeliveryId::from_uuid(row.uuid(0)?),
            attempts: row.int(4)?,
            tries: row.int(5)?,
            next_at: row.time(6)?,
            event: LoggedEvent {
                offset: row.int(1)?,
                id: EventId::from_uuid(row.uuid(7)?),
                subject: row.string(2)?,
                sequence: row.int(8)?,
                kind: row.string(3)?,
                data: row.string(9)?,
                at: row.time(10)?,
            },
        })
    };
    tx.query(&DUE, &[id.into(), due.into(), now.into(), limit.into()], row).await
}

/// Deliveries belong to whoever knows `lease`, until a time.
pub async fn lease(
    tx: &mut Tx,
    deliveries: impl IntoIterator<Item = DeliveryId>,
    lease: Uuid,
    until: Timestamp,
) -> Result<()> {
    let rows = deliveries.into_iter().map(|id| [Param::from(id), lease.into(), until.into()]);
    tx.write(&LEASE, rows).await?;
    Ok(())
}

/// Whose deliveries these are, of those that are still there.
pub async fn held(
    tx: &mut Tx,
    deliveries: impl IntoIterator<Item = DeliveryId>,
) -> Result<Vec<(DeliveryId, Option<Uuid>)>> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>((DeliveryId::from_uuid(row.uuid(0)?), row.opt_uuid(1)?))
    };
    tx.query_keys(&HELD, deliveries.into_iter().map(Param::from), &[], row).await
}

/// Nobody else sends: what a process held that was killed may be sent at once.
pub async fn own_all(tx: &mut Tx) -> Result<()> {
    tx.execute(&OWN_ALL, &[]).await?;
    Ok(())
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent, perhaps again.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// The word that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Delivered, Self::Failed];
        all.into_iter().find(|state| state.as_str() == word)
    }
}

/// How a delivery stands after a try; nobody holds it then.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryResult {
    /// Which.
    pub id: DeliveryId,
    /// What became of it.
    pub state: DeliveryState,
    /// Tries since it was made or asked for again.
    pub attempts: i64,
    /// Tries in all.
    pub tries: i64,
    /// When it is due.
    pub next_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// Stores how deliveries stand.
pub async fn set_results(tx: &mut Tx, results: &[DeliveryResult]) -> Result<()> {
    let rows = results.iter().map(|result| {
        [
            Param::from(result.id),
            result.state.as_str().into(),
            result.attempts.into(),
            result.tries.into(),
            result.next_at.into(),
            result.finished_at.into(),
            Param::Null,
            Param::Null,
        ]
    });
    tx.write(&RESULT, rows).await?;
    Ok(())
}

/// A try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Counts the tries of a delivery, from 1.
    pub number: i64,
    /// When it was begun.
    pub at: Timestamp,
    /// The status that was answered; none without an answer.
    pub status: Option<i64>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The begin of the answer's body.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// Stores tries.
pub async fn add_attempts(tx: &mut Tx, attempts: &[(DeliveryId, &Attempt)]) -> Result<()> {
    let rows = attempts.iter().map(|(id, attempt)| {
        [
            Param::from(*id),
            attempt.number.into(),
            attempt.at.into(),
            attempt.status.into(),
            attempt.error.as_deref().into(),
            (&attempt.answer).into(),
            attempt.duration_ms.into(),
        ]
    });
    tx.write(&ATTEMPT, rows).await?;
    Ok(())
}

/// Everything that waits for an endpoint is due.
pub async fn wake(tx: &mut Tx, id: WebhookId, now: Timestamp) -> Result<()> {
    tx.execute(&WAKE, &[id.into(), now.into()]).await?;
    Ok(())
}

/// A delivery as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; the receiver sees it as `webhook-id`.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// The place in the log of what it tells of.
    pub offset: i64,
    /// What that is about.
    pub subject: String,
    /// The type of the event.
    pub kind: String,
    /// What became of it.
    pub state: DeliveryState,
    /// Tries in all.
    pub tries: i64,
    /// When it is due, while it waits.
    pub next_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let state = row.text(5)?;
    Ok(Delivery {
        id: DeliveryId::from_uuid(row.uuid(0)?),
        webhook_id: WebhookId::from_uuid(row.uuid(1)?),
        offset: row.int(2)?,
        subject: row.string(3)?,
        kind: row.string(4)?,
        state: DeliveryState::parse(state)
            .ok_or_else(|| StoreError::bad_row("webhook_deliveries.state", state))?,
        tries: row.int(6)?,
        next_at: row.time(7)?,
        created_at: row.time(8)?,
        finished_at: row.opt_time(9)?,
    })
}

/// Deliveries to an endpoint, the newest first: in a state, after a delivery.
pub async fn deliveries(
    tx: &mut Tx,
    id: WebhookId,
    state: Option<DeliveryState>,
    after: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let after = after.unwrap_or(DeliveryId::from_uuid(Uuid::max()));
    let state = state.map_or("", DeliveryState::as_str);
    tx.query(&DELIVERIES, &[id.into(), state.into(), after.into(), limit.into()], delivery).await
}

/// How many deliveries to an endpoint there are, in a state.
pub async fn count(tx: &mut Tx, id: WebhookId, state: Option<DeliveryState>) -> Result<i64> {
    let state = state.map_or("", DeliveryState::as_str);
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&COUNT, &[id.into(), state.into()], row).await?.unwrap_or(0))
}

/// How many deliveries wait for each endpoint; those for which none waits are left out.
pub async fn waiting(tx: &mut Tx) -> Result<Vec<(WebhookId, i64)>> {
    let row =
        |row: &Row<'_>| Ok::<_, StoreError>((WebhookId::from_uuid(row.uuid(0)?), row.int(1)?));
    tx.query(&WAITING, &[], row).await
}

/// A delivery to an endpoint.
pub async fn find_delivery(
    tx: &mut Tx,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Option<Delivery>> {
    tx.query_opt(&DELIVERY, &[webhook.into(), id.into()], delivery).await
}

/// The tries of a delivery, the first first.
pub async fn attempts(tx: &mut Tx, id: DeliveryId) -> Result<Vec<Attempt>> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(Attempt {
            number: row.int(0)?,
            at: row.time(1)?,
            status: row.opt_int(2)?,
            error: row.opt_string(3)?,
            answer: row.string(4)?,
            duration_ms: row.int(5)?,
        })
    };
    tx.query(&ATTEMPTS, &[id.into()], row).await
}

/// A delivery that is over is sent again, under its old id.
pub async fn replay(tx: &mut Tx, webhook: WebhookId, id: DeliveryId, now: Timestamp) -> Result<()> {
    tx.execute(&REPLAY, &[webhook.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Deliveries that are over are sent again, of facts in a range of the log with both ends; says how
/// many.
pub async fn replay_range(
    tx: &mut Tx,
    webhook: WebhookId,
    (first, last): (i64, i64),
    now: Timestamp,
) -> Result<u64> {
    let params = [webhook.into(), first.into(), last.into(), now.into()];
    Ok(tx.execute(&REPLAY_RANGE, &params).await?)
}

/// The range of the log that holds the facts from one time to another; it may be empty.
pub async fn offsets(tx: &mut Tx, from: Timestamp, to: Timestamp) -> Result<(i64, i64)> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>((row.int(0)?, row.int(1)?));
    let found = tx.query_opt(&OFFSETS, &[from.into(), to.into()], row).await?;
    Ok(found.unwrap_or((0, -1)))
}

/// Forgets some deliveries that are over and were made before a time; says how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(tx.execute(&PURGE, &[before.into(), Param::Int(1_000)]).await?)
}
