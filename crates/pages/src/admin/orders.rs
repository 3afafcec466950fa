//! What was sold, and what became of it.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::form::{Choice, Field};
use super::parts::{Badge, Pager, count, grouped, signed, when};
use super::{FieldError, Frame, FulfilForm, Parcel, Picture, Tone, icons};

pages!(OrderListPage, OrderPage);

/// An order in a list.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// Its page.
    pub href: String,
    /// Its number as people say it, `#1001`, or a part of its id before it has one.
    pub name: String,
    /// When it was placed, or made.
    pub at: Timestamp,
    /// Who receives it.
    pub customer: String,
    /// Who ordered.
    pub email: String,
    /// Pieces.
    pub n_items: i64,
    /// What it comes to.
    pub total: Money,
    /// `pending`, `placed`, `failed` or `cancelled`.
    pub status: String,
    /// `pending`, `requires_action`, `paid`, `declined`, `refund_pending` or `refunded`.
    pub payment_status: String,
    /// `unfulfilled`, `partially_fulfilled` or `fulfilled`.
    pub fulfilment_status: String,
}

/// A filter of the list.
#[derive(Debug, Clone, Default)]
pub struct OrderTab {
    /// What it shows, e.g. `Placed`.
    pub label: String,
    /// Its address.
    pub href: String,
    /// Whether it is on.
    pub selected: bool,
    /// How many orders it shows, where that is known.
    pub n: Option<i64>,
}

/// The list of orders.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/orders.html")]
pub struct OrderListPage {
    /// The frame.
    pub frame: Frame,
    /// The filters.
    pub tabs: Vec<OrderTab>,
    /// The status chosen, so that a search keeps it; empty for all.
    pub status: String,
    /// The number or address searched for.
    pub query: String,
    /// The orders of this page.
    pub rows: Vec<OrderRow>,
    /// Where the list goes on.
    pub pager: Pager,
}

impl OrderListPage {
    fn is_filtered(&self) -> bool {
        !self.query.is_empty() || !self.status.is_empty()
    }
}

/// A line of an order.
#[derive(Debug, Clone)]
pub struct OrderLine {
    /// The product's page in the back office; nothing when it was removed.
    pub href: Option<String>,
    /// Title when it was bought.
    pub title: String,
    /// Option values when it was bought.
    pub variant: String,
    /// SKU when it was bought.
    pub sku: String,
    /// Its picture.
    pub picture: Picture,
    /// Pieces.
    pub quantity: i64,
    /// Pieces of them that were sent.
    pub fulfilled: i64,
    /// Price of one.
    pub unit_price: Money,
    /// Its part of the discount; not negative.
    pub discount: Money,
    /// Its tax.
    pub tax: Money,
    /// What it comes to, without tax that is added.
    pub total: Money,
}

/// How the total came about.
#[derive(Debug, Clone)]
pub struct OrderTotals {
    /// Goods at their prices.
    pub subtotal: Money,
    /// What is taken off; not negative.
    pub discount: Money,
    /// The discount code used.
    pub discount_code: Option<String>,
    /// Shipping.
    pub shipping: Money,
    /// The name of the shipping method.
    pub shipping_method: String,
    /// Taxes by name and rate.
    pub taxes: Vec<(String, Money)>,
    /// Whether they are already inside the prices.
    pub tax_included: bool,
    /// What is paid.
    pub total: Money,
}

/// The payment of an order.
#[derive(Debug, Clone)]
pub struct PaymentFacts {
    /// Its id, which is the provider's idempotency key.
    pub id: String,
    /// Name of the provider.
    pub provider: String,
    /// What became of it.
    pub status: String,
    /// How much.
    pub amount: Money,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// Why it was declined.
    pub detail: Option<String>,
}

/// One side of a ledger entry.
#[derive(Debug, Clone)]
pub struct LedgerPosting {
    /// The account.
    pub account: String,
    /// Debit positive, credit negative.
    pub amount: Money,
}

/// A balanced entry of the ledger.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    /// `capture` or `refund`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// They sum to zero.
    pub postings: Vec<LedgerPosting>,
}

impl LedgerEntry {
    fn title(&self) -> &str {
        match self.kind.as_str() {
            "capture" => "Payment received",
            "refund" => "Payment refunded",
            other => other,
        }
    }

    /// The sum of debits, which is that of credits.
    fn sum(&self) -> Option<Money> {
        let first = self.postings.first()?;
        let debits = self.postings.iter().map(|posting| posting.amount.minor.max(0));
        Some(Money::new(debits.fold(0, i64::saturating_add), first.amount.currency))
    }
}

impl LedgerPosting {
    fn account_name(&self) -> String {
        match self.account.as_str() {
            "sales" => "Sales".to_owned(),
            "shipping" => "Shipping".to_owned(),
            "tax_payable" => "Tax payable".to_owned(),
            other => match other.split_once(':') {
                Some(("provider", name)) => format!("Held by provider “{name}”"),
                _ => other.to_owned(),
            },
        }
    }

    fn debit(&self) -> Option<Money> {
        (self.amount.minor > 0).then_some(self.amount)
    }

    fn credit(&self) -> Option<Money> {
        let amount = Money::new(self.amount.minor.saturating_neg(), self.amount.currency);
        (amount.minor > 0).then_some(amount)
    }
}

/// A change of stock that the order made.
#[derive(Debug, Clone)]
pub struct StockMovement {
    /// When.
    pub at: Timestamp,
    /// `adjust`, `reserve`, `release`, `fulfil` or `unfulfil`.
    pub kind: String,
    /// Of which variant.
    pub sku: String,
    /// The name of the location.
    pub location: String,
    /// Change of what is there.
    pub on_hand_delta: i64,
    /// Change of what is promised.
    pub reserved_delta: i64,
}

impl StockMovement {
    fn title(&self) -> &str {
        match self.kind.as_str() {
            "adjust" => "Adjusted",
            "reserve" => "Reserved",
            "release" => "Released",
            "fulfil" => "Shipped",
            "unfulfil" => "Taken back",
            other => other,
        }
    }
}

/// A fact about the order.
#[derive(Debug, Clone)]
pub struct OrderEvent {
    /// Its kind in the event log, e.g. `order.placed`.
    pub kind: String,
    /// More about it, e.g. the amount; may be empty.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl OrderEvent {
    fn title(&self) -> &str {
        match self.kind.as_str() {
            "order.pending" => "Order made, stock reserved",
            "order.placed" => "Order placed",
            "order.cancelled" => "Order cancelled, stock released",
            "fulfilment.created" => "Shipped",
            "fulfilment.updated" => "Tracking changed",
            "fulfilment.cancelled" => "Fulfilment taken back",
            "payment.action_required" => "Shopper asked to confirm the payment",
            "payment.captured" => "Payment captured",
            "payment.declined" => "Payment declined, stock released",
            "payment.refunded" => "Payment refunded",
            other => other,
        }
    }

    fn tone(&self) -> &'static str {
        match self.kind.as_str() {
            "order.placed" | "payment.captured" | "fulfilment.created" => Tone::Ok.class(),
            "payment.declined" | "order.cancelled" => Tone::Bad.class(),
            "payment.action_required" | "fulfilment.cancelled" => Tone::Warn.class(),
            _ => Tone::Info.class(),
        }
    }
}

/// A step of the order's workflows.
#[derive(Debug, Clone, Default)]
pub struct WorkflowStep {
    /// Its name: `reserve_stock`.
    pub name: String,
    /// `done`, `compensated`, `waiting`, `failed` or `ahead`.
    pub state: String,
    /// When it ended.
    pub at: Option<Timestamp>,
    /// How often a worker has tried it, while it waits.
    pub tries: i64,
    /// When it is tried next, while it waits.
    pub next_at: Option<Timestamp>,
    /// Why it is tried again; may be empty.
    pub error: String,
}

impl WorkflowStep {
    fn title(&self) -> &str {
        match self.name.as_str() {
            "reserve_stock" => "Reserve stock",
            "take_payment" => "Take payment",
            "place_order" => "Place order",
            "release_stock" => "Release stock",
            "cancel_order" => "Cancel order",
            "return_payment" => "Return payment",
            other => other,
        }
    }

    fn badge(&self) -> Badge {
        let (tone, text) = match self.state.as_str() {
            "done" => (Some(Tone::Ok), "Done"),
            "compensated" => (None, "Undone"),
            "waiting" => (Some(Tone::Warn), "Waiting"),
            "failed" => (Some(Tone::Bad), "Failed"),
            "ahead" => (None, "To come"),
            other => (None, other),
        };
        Badge { tone, text: text.to_owned() }
    }
}

/// One order.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/order.html")]
pub struct OrderPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Its number as people say it, `#1001`, or a part of its id before it has one.
    pub name: String,
    /// `pending`, `placed`, `failed` or `cancelled`.
    pub status: String,
    /// Counts its changes.
    pub version: i64,
    /// When it was placed, or made.
    pub at: Timestamp,
    /// Who ordered.
    pub email: String,
    /// The page of the customer, once they are known.
    pub customer: Option<String>,
    /// The lines of the address it goes to.
    pub shipping_address: Vec<String>,
    /// The lines of the address on the bill; empty when it is the same.
    pub billing_address: Vec<String>,
    /// The goods.
    pub lines: Vec<OrderLine>,
    /// How the total came about.
    pub totals: OrderTotals,
    /// Its payment.
    pub payment: PaymentFacts,
    /// `unfulfilled`, `partially_fulfilled` or `fulfilled`.
    pub fulfilment_status: String,
    /// What was sent.
    pub parcels: Vec<Parcel>,
    /// The form that sends more, where more waits.
    pub fulfil: Option<FulfilForm>,
    /// What was booked.
    pub ledger: Vec<LedgerEntry>,
    /// What moved.
    pub movements: Vec<StockMovement>,
    /// How far its workflows are.
    pub steps: Vec<WorkflowStep>,
    /// What happened, newest first.
    pub timeline: Vec<OrderEvent>,
    /// Whether it can be cancelled now.
    pub can_cancel: bool,
    /// Reasons for cancelling.
    pub reasons: Vec<Choice>,
}

impl OrderPage {
    /// What is wrong with what was entered.
    fn errors(&self) -> &[FieldError] {
        self.fulfil.as_ref().map_or(&[], |form| form.errors.as_slice())
    }

    fn reason_field(&self) -> Field<'_> {
        Field::new("reason", "Reason", "").choices(&self.reasons)
    }

    fn n_items(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity).fold(0, i64::saturating_add)
    }

    fn has_discount(&self) -> bool {
        self.totals.discount.minor != 0
    }

    fn is_test(&self) -> bool {
        self.payment.provider == "test"
    }
}
