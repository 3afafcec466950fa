//! The invariants of the rules, checked from outside: an [`Audit`] is told every change that was
//! committed, keeps its own sums, and says what does not agree. It shares no code with the rules it
//! checks. Property tests and the simulation run it after every step.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use stoa_kernel::{LocationId, Money, OrderId, Timestamp, TokenHash, VariantId};

use crate::cart::CartState;
use crate::checkout::workflow::next_step;
use crate::fulfilment::FulfilmentStatus;
use crate::inventory::MovementKind;
use crate::ledger::Account;
use crate::order::{Order, OrderStatus, PaymentStatus};
use crate::pricing::{LineTotals, TaxLine, Totals};
use crate::world::{Changes, JobKind, World};

/// What does not agree, for the reader of a failed test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub String);

macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(Violation(format!($($message)+)));
        }
    };
}

/// Stock as the movements tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pieces {
    on_hand: i64,
    reserved: i64,
}

type Place = (VariantId, LocationId);

/// The sums of everything that was committed.
#[derive(Debug, Clone)]
pub struct Audit {
    first_order_number: i64,
    stock: BTreeMap<Place, Pieces>,
    /// Balance of each account, by its name.
    accounts: BTreeMap<String, i128>,
    /// The last sequence number of each subject.
    sequences: HashMap<String, i64>,
    jobs: HashMap<(JobKind, OrderId), Timestamp>,
}

impl Audit {
    /// Begins with a world that has no stock and no orders yet.
    pub fn new(world: &World) -> Self {
        Self {
            first_order_number: world.next_order_number,
            stock: BTreeMap::new(),
            accounts: BTreeMap::new(),
            sequences: HashMap::new(),
            jobs: HashMap::new(),
        }
    }

    /// The stored jobs and when they may run.
    pub const fn jobs(&self) -> &HashMap<(JobKind, OrderId), Timestamp> {
        &self.jobs
    }

    /// What all providers hold for the shop, by the books.
    pub fn held_by_providers(&self) -> i128 {
        self.accounts
            .iter()
            .filter(|(name, _)| name.starts_with("provider:"))
            .map(|(_, balance)| balance)
            .sum()
    }

    /// Takes in what one command has changed.
    ///
    /// # Errors
    /// The change breaks a rule by itself: it sells what is not there, an entry is not balanced,
    /// an event is out of sequence.
    pub fn record(&mut self, changes: &Changes) -> Result<(), Violation> {
        for movement in &changes.movements {
            let place = (movement.variant_id, movement.location_id);
            let pieces = self.stock.entry(place).or_default();
            if movement.kind == MovementKind::Reserve {
                let available = pieces.on_hand - pieces.reserved;
                ensure!(
                    (1..=available).contains(&movement.reserved_delta),
                    "oversold: {} pieces of {place:?} were promised, {available} were there",
                    movement.reserved_delta
                );
            }
            if matches!(movement.kind, MovementKind::Fulfil | MovementKind::Unfulfil) {
                ensure!(
                    movement.on_hand_delta == movement.reserved_delta
                        && (movement.on_hand_delta < 0) == (movement.kind == MovementKind::Fulfil),
                    "what is sent leaves on hand and reserved alike: {movement:?}"
                );
            }
            pieces.on_hand += movement.on_hand_delta;
            pieces.reserved += movement.reserved_delta;
            ensure!(
                pieces.on_hand >= 0 && pieces.reserved >= 0,
                "stock of {place:?} fell below zero: {pieces:?}"
            );
        }
        for entry in &changes.entries {
            let sum: i128 =
                entry.postings.iter().map(|posting| i128::from(posting.amount.minor)).sum();
            ensure!(sum == 0 && entry.postings.len() >= 2, "not a balanced entry: {entry:?}");
            for posting in &entry.postings {
                *self.accounts.entry(posting.account.name()).or_default() +=
                    i128::from(posting.amount.minor);
            }
        }
        for event in &changes.events {
            let last = self.sequences.entry(event.subject.clone()).or_default();
            ensure!(
                event.sequence == *last + 1,
                "{} of {} is number {}, but the last one was {last}",
                event.body.kind(),
                event.subject,
                event.sequence
            );
            *last = event.sequence;
        }
        for (kind, order) in &changes.finished_jobs {
            self.jobs.remove(&(*kind, *order));
        }
        for job in &changes.jobs {
            self.jobs.insert((job.kind, job.order_id), job.run_at);
        }
        Ok(())
    }

    /// Holds all rows against the sums.
    ///
    /// # Errors
    /// The first thing that does not agree.
    pub fn check(&self, world: &World) -> Result<(), Violation> {
        self.check_stock(world)?;
        self.check_money(world)?;
        self.check_jobs(world)?;
        check_numbers(world, self.first_order_number)?;
        check_carts(world)?;
        for order in world.orders.values() {
            check_order(order)?;
            let subject = format!("order/{}", order.id);
            let told = self.sequences.get(&subject).copied().unwrap_or(0);
            ensure!(
                told == order.version,
                "{subject} has version {} and {told} events",
                order.version
            );
        }
        Ok(())
    }

    fn check_stock(&self, world: &World) -> Result<(), Violation> {
        use FulfilmentStatus::Cancelled;
        let mut promised: BTreeMap<Place, i64> = BTreeMap::new();
        for order in world.orders.values() {
            if matches!(order.status, OrderStatus::Pending | OrderStatus::Placed) {
                for line in &order.lines {
                    for allocation in &line.allocations {
                        *promised.entry((line.variant_id, allocation.location_id)).or_default() +=
                            allocation.quantity;
                    }
                    let sent = order.fulfilments.iter().filter(|one| one.status != Cancelled);
                    for item in sent.flat_map(|one| &one.items) {
                        if item.line_id == line.id {
                            *promised.entry((line.variant_id, item.location_id)).or_default() -=
                                item.quantity;
                        }
                    }
                }
            }
        }
        let mut seen = 0;
        for level in world.levels.values().flatten() {
            let place = (level.variant_id, level.location_id);
            let moved = self.stock.get(&place).copied().unwrap_or_default();
            seen += 1;
            ensure!(
                moved.on_hand == level.on_hand && moved.reserved == level.reserved,
                "the movements of {place:?} sum to {moved:?}, the level is {level:?}"
            );
            let open = promised.remove(&place).unwrap_or(0);
            ensure!(
                open == level.reserved,
                "{} pieces of {place:?} are reserved, open orders hold {open}",
                level.reserved
            );
            let subject = format!("stock/{}/{}", level.variant_id, level.location_id);
            let told = self.sequences.get(&subject).copied().unwrap_or(0);
            ensure!(
                told == level.version,
                "{subject} has version {} and {told} events",
                level.version
            );
        }
        ensure!(
            seen == self.stock.len(),
            "stock moved at {} places, {seen} have a level",
            self.stock.len()
        );
        promised.retain(|_, pieces| *pieces != 0);
        ensure!(promised.is_empty(), "orders hold pieces of places without a level: {promised:?}");
        Ok(())
    }

    fn check_money(&self, world: &World) -> Result<(), Violation> {
        let mut expected: BTreeMap<String, i128> = BTreeMap::new();
        let mut post = |account: Account, minor: i64| {
            *expected.entry(account.name()).or_default() += i128::from(minor);
        };
        for order in world.orders.values() {
            if matches!(order.payment.status, PaymentStatus::Paid | PaymentStatus::RefundPending) {
                let totals = &order.totals;
                post(Account::Provider(order.payment.provider.clone()), totals.total.minor);
                post(Account::TaxPayable, -totals.tax.minor);
                let inside = if totals.tax_included { order.shipping_tax.minor } else { 0 };
                let shipping = totals.shipping.minor - inside;
                post(Account::Shipping, -shipping);
                post(Account::Sales, shipping + totals.tax.minor - totals.total.minor);
            }
        }
        let names: BTreeSet<&String> = expected.keys().chain(self.accounts.keys()).collect();
        for name in names {
            let in_books = self.accounts.get(name).copied().unwrap_or(0);
            let by_orders = expected.get(name).copied().unwrap_or(0);
            ensure!(
                in_books == by_orders,
                "account {name} holds {in_books}, by the paid orders it should be {by_orders}"
            );
        }
        Ok(())
    }

    fn check_jobs(&self, world: &World) -> Result<(), Violation> {
        let mut wanted: HashSet<(JobKind, OrderId)> = HashSet::new();
        for order in world.orders.values() {
            if let Some(kind) = next_step(order, order.updated_at).job() {
                ensure!(
                    self.jobs.contains_key(&(kind, order.id)),
                    "{} waits for its {} and no job is stored",
                    order.id,
                    kind.as_str()
                );
                wanted.insert((kind, order.id));
            }
        }
        for job in self.jobs.keys() {
            ensure!(wanted.contains(job), "a job is stored for nothing: {job:?}");
        }
        Ok(())
    }
}

/// Whether sums and parts of a priced cart or order agree to the last minor unit.
///
/// # Errors
/// The first sum that does not.
pub fn check_sums(
    totals: &Totals,
    lines: &[LineTotals],
    shipping_tax: Money,
    tax_lines: &[TaxLine],
) -> Result<(), Violation> {
    let added_tax = |tax: Money| if totals.tax_included { 0 } else { tax.minor };
    let sum =
        |part: fn(&LineTotals) -> Money| -> i64 { lines.iter().map(|line| part(line).minor).sum() };
    for line in lines {
        ensure!(
            line.total.minor == line.subtotal.minor - line.discount.minor + added_tax(line.tax),
            "the parts of a line do not sum: {line:?}"
        );
        let parts = [line.subtotal, line.discount, line.tax, line.total];
        ensure!(parts.iter().all(|part| part.minor >= 0), "a part of a line is negative: {line:?}");
    }
    let parts =
        [totals.subtotal, totals.discount, totals.shipping, totals.tax, totals.total, shipping_tax];
    ensure!(
        parts.iter().all(|part| part.minor >= 0),
        "a total is negative: {totals:?}, tax on shipping {shipping_tax:?}"
    );
    ensure!(
        parts
            .iter()
            .chain(lines.iter().map(|line| &line.total))
            .all(|part| part.currency == totals.total.currency),
        "currencies are mixed: {totals:?}"
    );
    for (name, lines, total) in [
        ("subtotals", sum(|line| line.subtotal), totals.subtotal),
        ("discounts", sum(|line| line.discount), totals.discount),
        ("taxes, with that on shipping,", sum(|line| line.tax) + shipping_tax.minor, totals.tax),
        (
            "totals, with shipping,",
            sum(|line| line.total) + totals.shipping.minor + added_tax(shipping_tax),
            totals.total,
        ),
        ("taxes by rate", tax_lines.iter().map(|line| line.amount.minor).sum(), totals.tax),
    ] {
        ensure!(
            lines == total.minor,
            "the {name} of the lines sum to {lines}, the total is {}",
            total.minor
        );
    }
    ensure!(
        totals.total.minor
            == totals.subtotal.minor - totals.discount.minor
                + totals.shipping.minor
                + added_tax(totals.tax),
        "the totals do not sum: {totals:?}"
    );
    Ok(())
}

fn check_order(order: &Order) -> Result<(), Violation> {
    use OrderStatus as O;
    use PaymentStatus as P;
    let id = order.id;
    let lines: Vec<LineTotals> = order.lines.iter().map(|line| line.totals).collect();
    check_sums(&order.totals, &lines, order.shipping_tax, &order.details.tax_lines)
        .map_err(|Violation(what)| Violation(format!("{id}: {what}")))?;
    ensure!(
        order.payment.amount == order.totals.total,
        "{id} comes to {:?}, its payment to {:?}",
        order.totals.total,
        order.payment.amount
    );
    ensure!(
        matches!(
            (order.status, order.payment.status),
            (O::Pending, P::Pending | P::RequiresAction)
                | (O::Placed, P::Paid)
                | (O::Failed, P::Declined)
                | (O::Cancelled, P::RefundPending | P::Refunded)
        ),
        "{id} is {} with its payment {}",
        order.status.as_str(),
        order.payment.status.as_str()
    );
    ensure!(
        order.payment.token.is_some() == (order.status == O::Pending),
        "{id} is {}; it has its payment token when it is pending and only then",
        order.status.as_str()
    );
    let sent = |line| {
        let standing = order.fulfilments.iter().filter(|f| f.status == FulfilmentStatus::Shipped);
        let items = standing.flat_map(|fulfilment| &fulfilment.items);
        items.filter(|item| item.line_id == line).map(|item| item.quantity).sum::<i64>()
    };
    ensure!(
        order.fulfilments.is_empty() || matches!(order.status, O::Placed | O::Cancelled),
        "{id} is {} and has fulfilments",
        order.status.as_str()
    );
    ensure!(
        order.fulfilments.iter().flat_map(|one| &one.items).all(|item| item.quantity > 0),
        "{id} has an empty fulfilment"
    );
    for line in &order.lines {
        let (sent, ordered) = (sent(line.id), line.quantity);
        ensure!(
            (0..=ordered).contains(&sent) && (sent == 0 || order.status == O::Placed),
            "{id} is {}; {sent} of {ordered} pieces of a line were sent",
            order.status.as_str()
        );
        let allocated: i64 = line.allocations.iter().map(|part| part.quantity).sum();
        ensure!(
            allocated == line.quantity && line.quantity > 0,
            "{id}: {allocated} pieces allocated for {}",
            line.quantity
        );
        ensure!(
            line.unit_price.minor.checked_mul(line.quantity) == Some(line.totals.subtotal.minor),
            "{id}: {} pieces at {:?} come to {:?}",
            line.quantity,
            line.unit_price,
            line.totals.subtotal
        );
    }
    Ok(())
}

/// Orders that were placed are numbered in one row without gaps, the others have no number.
fn check_numbers(world: &World, first: i64) -> Result<(), Violation> {
    let mut numbers = BTreeSet::new();
    for order in world.orders.values() {
        let was_placed = matches!(order.status, OrderStatus::Placed | OrderStatus::Cancelled);
        ensure!(
            order.number.is_some() == was_placed && order.placed_at.is_some() == was_placed,
            "{} is {} with number {:?}",
            order.id,
            order.status.as_str(),
            order.number
        );
        if let Some(number) = order.number {
            ensure!(numbers.insert(number), "number {number} was given twice");
        }
    }
    ensure!(
        numbers.iter().copied().eq(first..world.next_order_number),
        "numbers {numbers:?} should be all from {first} to before {}",
        world.next_order_number
    );
    Ok(())
}

/// A cart and the order made of it know each other, and a cart makes one order at most.
fn check_carts(world: &World) -> Result<(), Violation> {
    let mut taken: HashSet<TokenHash> = HashSet::new();
    for order in world.orders.values() {
        let state = world.carts.get(&order.cart_key).map(|cart| cart.state);
        let agrees = match order.status {
            OrderStatus::Pending => state == Some(CartState::Paying(order.id)),
            OrderStatus::Placed | OrderStatus::Cancelled => {
                state == Some(CartState::Completed(order.id))
            }
            OrderStatus::Failed => state.is_some(),
        };
        ensure!(agrees, "{} is {}, its cart is {state:?}", order.id, order.status.as_str());
        if order.status != OrderStatus::Failed {
            ensure!(taken.insert(order.cart_key), "cart {:?} became two orders", order.cart_key);
        }
    }
    for cart in world.carts.values() {
        ensure!(
            matches!(cart.state, CartState::Open) != taken.contains(&cart.key),
            "cart {:?} is {:?} without such an order",
            cart.key,
            cart.state
        );
    }
    Ok(())
}
