//! The event log: facts in commit order, written in the transaction that made them true and read
//! by offset. It is the transactional outbox: search, caches and whatever follows read from here.

use std::collections::BTreeSet;

use serde::Deserialize;
use stoa_domain::event::Event;
use stoa_kernel::{Ctx, EventId, OrderId, Timestamp};
use stoa_sql::{Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

static INSERT: Write = Write::new(
    Verb::Insert,
    "events",
    &[("id", Type::Uuid)],
    &[
        ("subject", Type::Text),
        ("sequence", Type::Int),
        ("kind", Type::Text),
        ("data", Type::Json),
        ("created_at", Type::Time),
    ],
);

const READ: Sql = sql!(
    "select log_offset, kind, data from events where log_offset > $1 order by log_offset limit $2"
);

const OF_SUBJECT: Sql = sql!(
    "select log_offset, id, subject, sequence, kind, data, created_at
    from events where subject = $1 and kind <> 'stock.changed' order by sequence"
);

const LAST_SEQUENCE: Sql = sql!(
    "select coalesce(max(sequence), 0) from events where subject = $1 and kind <> 'stock.changed'"
);

const KINDS: Sql =
    sql!("select log_offset, kind from events where log_offset > $1 order by log_offset limit $2");

const THESE: Sql = sql!(
    sqlite: "select log_offset, id, subject, sequence, kind, data, created_at
        from events where log_offset = $1",
    postgres: "select log_offset, id, subject, sequence, kind, data, created_at
        from events where log_offset = any($1) order by log_offset",
);

// A window of the log, so that what never happens is not looked for in all of it.
const NEWEST: Sql = sql!(
    "select log_offset, id, subject, sequence, kind, data, created_at
    from events where log_offset < $1 order by log_offset desc limit $2"
);

const FIRST_AFTER: Sql =
    sql!("select created_at from events where log_offset > $1 order by log_offset limit 1");

const LATEST: Sql = sql!("select coalesce(max(log_offset), 0) from events");

const LEAP: Sql = sql!(
    sqlite: "update sqlite_sequence set seq = seq + $1 where name = 'events'",
    postgres: "select setval(pg_get_serial_sequence('events', 'log_offset'), \
        (select coalesce(max(log_offset), 0) from events) + $1)"
);

const GAPS: Sql = sql!(
    "select subject, count(*), max(sequence) from events
    group by subject having count(*) <> max(sequence)"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &READ,
    &OF_SUBJECT,
    &LAST_SEQUENCE,
    &KINDS,
    &THESE,
    &NEWEST,
    &FIRST_AFTER,
    &LATEST,
    &LEAP,
    &GAPS,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT];

/// A fact as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the log; ascends in commit order, with gaps.
    pub offset: i64,
    /// Its id.
    pub id: EventId,
    /// What it is about: `order/ord_...`.
    pub subject: String,
    /// Its place among the facts about that subject, from 1 without gaps.
    pub sequence: i64,
    /// What happened: `order.placed`.
    pub kind: String,
    /// What is known of it, as JSON.
    pub data: String,
    /// When.
    pub at: Timestamp,
}

impl LoggedEvent {
    /// What is known of it.
    ///
    /// # Errors
    /// It holds something else.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, StoreError> {
        Ok(serde_json::from_str(&self.data)?)
    }

    /// The order it is about.
    ///
    /// # Errors
    /// It is about something else.
    pub fn order_id(&self) -> Result<OrderId, StoreError> {
        #[derive(Deserialize)]
        struct OrderFact {
            order_id: OrderId,
        }
        Ok(self.data::<OrderFact>()?.order_id)
    }
}

/// The orders that facts are about.
///
/// # Errors
/// One of them is about something else.
pub fn orders_of(events: &[LoggedEvent]) -> Result<BTreeSet<OrderId>, StoreError> {
    events.iter().map(LoggedEvent::order_id).collect()
}

fn from_row(row: &Row<'_>) -> Result<LoggedEvent, StoreError> {
    Ok(LoggedEvent {
        offset: row.int(0)?,
        id: EventId::from_uuid(row.uuid(1)?),
        subject: row.string(2)?,
        sequence: row.int(3)?,
        kind: row.string(4)?,
        data: row.string(5)?,
        at: row.time(6)?,
    })
}

/// Leaves offsets out, so that facts to come are behind any that was ever seen of this log.
///
/// # Errors
/// The store failed.
pub async fn leap(tx: &mut Tx, offsets: i64) -> Result<(), StoreError> {
    tx.execute(&LEAP, &[offsets.into()]).await?;
    Ok(())
}

/// Appends facts. From here to the commit nobody else can, so that this comes last.
pub async fn append(tx: &mut Tx, ctx: &mut Ctx, events: &[Event]) -> Result<(), StoreError> {
    let data = events.iter().map(|event| serde_json::to_string(&event.body));
    let data: Vec<String> = data.collect::<Result<_, _>>()?;
    let rows = events.iter().zip(&data).map(|(event, data)| {
        [
            Param::from(ctx.event_id()),
            (&event.subject).into(),
            event.sequence.into(),
            event.body.kind().into(),
            Param::Json(data),
            ctx.now.into(),
        ]
    });
    tx.write_later(&INSERT, rows).await?;
    Ok(())
}

/// The place of the next fact about something that does not count its facts itself. The caller keeps
/// others from appending one meanwhile.
async fn next_sequence(tx: &mut Tx, subject: &str) -> Result<i64, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let last = tx.query_opt(&LAST_SEQUENCE, &[subject.into()], row).await?;
    Ok(last.unwrap_or(0) + 1)
}

/// Appends a fact about something that does not count its facts itself. From here to the commit
/// nobody else can append, so that this comes last.
pub async fn append_next(
    tx: &mut Tx,
    ctx: &mut Ctx,
    subject: String,
    body: stoa_domain::event::EventBody,
) -> Result<(), StoreError> {
    tx.lock(&subject).await?;
    let sequence = next_sequence(tx, &subject).await?;
    append(tx, ctx, &[Event { subject, sequence, body }]).await
}

/// Appends a fact in a transaction of its own, and gives its offset.
///
/// # Errors
/// The store failed.
pub async fn record(
    db: &stoa_sql::Db,
    ctx: &mut Ctx,
    subject: &str,
    body: stoa_domain::event::EventBody,
) -> Result<i64, StoreError> {
    let mut tx = db.begin().await?;
    append_next(&mut tx, ctx, subject.to_owned(), body).await?;
    let offset = of_subject(&mut tx, subject).await?.last().map_or(0, |event| event.offset);
    tx.commit().await?;
    Ok(offset)
}

/// What happened, while its row is read.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// Its place in the log.
    pub offset: i64,
    /// What happened: `order.placed`.
    pub kind: &'a str,
    /// What is known of it, as JSON.
    pub data: &'a str,
}

/// Hands at most `limit` facts after an offset to `take`, in order; says how many there were.
pub async fn read(
    tx: &mut Tx,
    after: i64,
    limit: i64,
    mut take: impl FnMut(Fact<'_>),
) -> Result<usize, StoreError> {
    let row = |row: &Row<'_>| {
        take(Fact { offset: row.int(0)?, kind: row.text(1)?, data: row.text(2)? });
        Ok::<_, StoreError>(())
    };
    Ok(tx.query(&READ, &[after.into(), limit.into()], row).await?.len())
}

/// What was found when looking through a stretch of the log.
#[derive(Debug, Default)]
pub struct Stretch {
    /// The facts that were wanted, in order.
    pub events: Vec<LoggedEvent>,
    /// The last fact looked at.
    pub last: i64,
    /// How many were looked at.
    pub n: i64,
}

/// Looks at no more than `limit` facts after an offset, in order, for those whose type is wanted. Nothing
/// but the type is read of the others: most facts are nothing to most who follow.
pub async fn stretch(
    tx: &mut Tx,
    after: i64,
    limit: i64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Stretch, StoreError> {
    let mut found = Stretch { last: after, ..Stretch::default() };
    let mut these = Vec::new();
    let row = |row: &Row<'_>| {
        found.n += 1;
        found.last = row.int(0)?;
        if wanted(row.text(1)?) {
            these.push(Param::Int(found.last));
        }
        Ok::<_, StoreError>(())
    };
    tx.query(&KINDS, &[after.into(), limit.into()], row).await?;
    if !these.is_empty() {
        found.events = tx.query_keys(&THESE, these, &[], from_row).await?;
    }
    Ok(found)
}

/// Looks at no more than `limit` facts before an offset, newest first, for no more than `rows` whose
/// type and subject are wanted. The oldest looked at is in `last`.
pub async fn newest(
    tx: &mut Tx,
    before: i64,
    limit: i64,
    rows: usize,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Stretch, StoreError> {
    let mut found = Stretch { last: before, ..Stretch::default() };
    let row = |row: &Row<'_>| {
        if found.events.len() == rows {
            return Ok(());
        }
        found.n += 1;
        found.last = row.int(0)?;
        if wanted(row.text(4)?, row.text(2)?) {
            found.events.push(from_row(row)?);
        }
        Ok::<_, StoreError>(())
    };
    tx.query(&NEWEST, &[before.into(), limit.into()], row).await?;
    Ok(found)
}

/// The fact at an offset.
pub async fn find(tx: &mut Tx, offset: i64) -> Result<Option<LoggedEvent>, StoreError> {
    Ok(tx.query_keys(&THESE, [Param::Int(offset)], &[], from_row).await?.pop())
}

/// When the first fact after an offset happened.
pub async fn first_after(tx: &mut Tx, offset: i64) -> Result<Option<Timestamp>, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.time(0)?);
    tx.query_opt(&FIRST_AFTER, &[offset.into()], row).await
}

/// All facts about a subject, in order; a stock level's are in the log alone.
pub async fn of_subject(tx: &mut Tx, subject: &str) -> Result<Vec<LoggedEvent>, StoreError> {
    tx.query(&OF_SUBJECT, &[subject.into()], from_row).await
}

/// The offset of the newest fact; 0 for an empty log.
pub async fn latest(tx: &mut Tx) -> Result<i64, StoreError> {
    let latest = tx.query_opt(&LATEST, &[], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(latest.unwrap_or(0))
}

/// Subjects whose facts are not numbered 1, 2, 3 ..., in words.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let row = |row: &Row<'_>| {
        let (n, last) = (row.int(1)?, row.int(2)?);
        Ok(format!("{} has {n} events, the last is number {last}", row.text(0)?))
    };
    tx.query(&GAPS, &[], row).await
}
