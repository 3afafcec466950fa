//! All SQL on the books.

use stoa_domain::ledger::LedgerEntry;
use stoa_kernel::{LedgerEntryId, Money, OrderId, Timestamp};
use stoa_sql::{Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

static INSERT_ENTRY: Write = Write::new(
    Verb::Insert,
    "ledger_entries",
    &[("id", Type::Uuid)],
    &[
        ("kind", Type::Text),
        ("order_id", Type::Uuid),
        ("payment_id", Type::Uuid),
        ("created_at", Type::Time),
    ],
);

static INSERT_POSTING: Write = Write::new(
    Verb::Insert,
    "ledger_postings",
    &[("entry_id", Type::Uuid), ("position", Type::Int)],
    &[("account", Type::Text), ("amount", Type::Int), ("currency", Type::Text)],
);

const OF_ORDER: Sql = sql!(
    "select e.kind, e.created_at, p.account, p.amount, p.currency
    from ledger_entries e join ledger_postings p on p.entry_id = e.id
    where e.payment_id in (select id from payments where order_id = $1)
    order by e.id, p.position"
);

const UNBALANCED: Sql = sql!(
    "select entry_id, currency, cast(sum(amount) as bigint) from ledger_postings
    group by entry_id, currency having sum(amount) <> 0"
);

const UNBOOKED: Sql = sql!(
    "select p.order_id, p.status, count(e.id) from payments p
    left join ledger_entries e on e.payment_id = p.id
    group by p.id, p.order_id, p.status, p.amount
    having p.amount > 0 and count(e.id) <> case p.status
        when 'paid' then 1 when 'refund_pending' then 1 when 'refunded' then 2 else 0 end"
);

const BALANCES: Sql = sql!(
    "select account, currency, cast(sum(amount) as bigint) from ledger_postings
    group by account, currency order by account, currency"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&OF_ORDER, &UNBALANCED, &UNBOOKED, &BALANCES];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT_ENTRY, &INSERT_POSTING];

/// Adds entries with their postings.
pub async fn add(tx: &mut Tx, entries: &[LedgerEntry]) -> Result<(), StoreError> {
    let rows = entries.iter().map(|entry| {
        [
            Param::from(entry.id),
            entry.kind.as_str().into(),
            entry.order_id.into(),
            entry.payment_id.into(),
            entry.at.into(),
        ]
    });
    tx.write_later(&INSERT_ENTRY, rows).await?;
    let postings = entries.iter().flat_map(|entry| {
        (0_i64..).zip(&entry.postings).map(move |(position, posting)| (entry.id, position, posting))
    });
    let postings: Vec<_> =
        postings.map(|(id, at, posting)| (id, at, posting, posting.account.name())).collect();
    let rows = postings.iter().map(|(entry, position, posting, account)| {
        [
            Param::from(*entry),
            (*position).into(),
            Param::Text(account),
            posting.amount.minor.into(),
            posting.amount.currency.code().into(),
        ]
    });
    tx.write_later(&INSERT_POSTING, rows).await?;
    Ok(())
}

/// A posting as an order's page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPosting {
    /// Why: `capture` or `refund`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The account.
    pub account: String,
    /// Debit positive, credit negative.
    pub amount: Money,
}

/// What an order did to the books, oldest first.
pub async fn postings_of(tx: &mut Tx, order: OrderId) -> Result<Vec<OrderPosting>, StoreError> {
    let row = |row: &Row<'_>| {
        Ok(OrderPosting {
            kind: row.string(0)?,
            at: row.time(1)?,
            account: row.string(2)?,
            amount: Money::new(row.int(3)?, row.text(4)?.parse()?),
        })
    };
    tx.query(&OF_ORDER, &[order.into()], row).await
}

/// Entries that do not balance, and payments whose entries are not those of their state.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let unbalanced = |row: &Row<'_>| {
        let entry = LedgerEntryId::from_uuid(row.uuid(0)?);
        Ok::<_, StoreError>(format!(
            "ledger entry {entry} is off by {} {}",
            row.int(2)?,
            row.text(1)?
        ))
    };
    let mut faults: Vec<String> = tx.query(&UNBALANCED, &[], unbalanced).await?;
    let unbooked = |row: &Row<'_>| {
        let order = OrderId::from_uuid(row.uuid(0)?);
        Ok::<_, StoreError>(format!(
            "order {order} is {} but has {} ledger entries",
            row.text(1)?,
            row.int(2)?
        ))
    };
    faults.append(&mut tx.query(&UNBOOKED, &[], unbooked).await?);
    Ok(faults)
}

/// The balance of every account.
pub async fn balances(tx: &mut Tx) -> Result<Vec<(String, Money)>, StoreError> {
    let row = |row: &Row<'_>| Ok((row.string(0)?, Money::new(row.int(2)?, row.text(1)?.parse()?)));
    tx.query(&BALANCES, &[], row).await
}
