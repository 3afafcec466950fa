//! The books: every movement of money is a balanced entry of postings.
//!
//! Tables: `ledger_entries`, `ledger_postings`. Invariant: the postings of an entry sum to zero in
//! each currency. Debits are positive, credits negative.

use stoa_kernel::{Ctx, LedgerEntryId, Money, OrderId, PaymentId, Timestamp};

use crate::order::Order;

/// A balanced entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its id.
    pub id: LedgerEntryId,
    /// Why: `capture` or `refund`.
    pub kind: EntryKind,
    /// For which order.
    pub order_id: OrderId,
    /// By which payment.
    pub payment_id: PaymentId,
    /// When.
    pub at: Timestamp,
    /// Two or more; they sum to zero.
    pub postings: Vec<Posting>,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A provider took the shopper's money for us.
    Capture,
    /// A provider gave it back.
    Refund,
}

impl EntryKind {
    /// The word used in SQL and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
        }
    }
}

/// One side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// Debit positive, credit negative.
    pub amount: Money,
}

/// The accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// What a provider holds for us, by provider name.
    Provider(String),
    /// Revenue from goods, without tax.
    Sales,
    /// Revenue from shipping, without tax.
    Shipping,
    /// Tax owed to the state.
    TaxPayable,
}

impl Account {
    /// The name used in SQL and pages: `provider:test`, `sales`, `shipping`, `tax_payable`.
    pub fn name(&self) -> String {
        match self {
            Self::Provider(name) => format!("provider:{name}"),
            Self::Sales => "sales".to_owned(),
            Self::Shipping => "shipping".to_owned(),
            Self::TaxPayable => "tax_payable".to_owned(),
        }
    }
}

/// The entry of an order's capture, or its exact reverse for the refund; none for an order that
/// costs nothing, because no money moves.
pub(crate) fn entry(ctx: &mut Ctx, kind: EntryKind, order: &Order) -> Option<LedgerEntry> {
    let totals = &order.totals;
    if totals.total.minor == 0 {
        return None;
    }
    let sign = match kind {
        EntryKind::Capture => 1,
        EntryKind::Refund => -1,
    };
    let shipping = if totals.tax_included {
        totals.shipping.minor - order.shipping_tax.minor
    } else {
        totals.shipping.minor
    };
    let sales = totals.total.minor - totals.tax.minor - shipping;
    let postings = [
        (Account::Provider(order.payment.provider.clone()), totals.total.minor),
        (Account::Sales, -sales),
        (Account::Shipping, -shipping),
        (Account::TaxPayable, -totals.tax.minor),
    ]
    .into_iter()
    .filter(|(_, minor)| *minor != 0)
    .map(|(account, minor)| Posting {
        account,
        amount: Money::new(minor * sign, totals.total.currency),
    })
    .collect();
    Some(LedgerEntry {
        id: ctx.ledger_entry_id(),
        kind,
        order_id: order.id,
        payment_id: order.payment.id,
        at: ctx.now,
        postings,
    })
}
