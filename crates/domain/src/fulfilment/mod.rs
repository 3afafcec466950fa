//! Fulfilments: pieces of an order that left together, and how they are followed.
//!
//! Tables: `fulfilments`, `fulfilment_items`. Events: `fulfilment.*`, numbered among those of the
//! order. Invariants: no more pieces of a line are fulfilled than were ordered; an order of which
//! pieces were sent is `placed`. Stock leaves on hand and reserved alike.

mod cancel_fulfilment;
mod change_tracking;
mod fulfil;
pub mod tracking;

use stoa_kernel::{FulfilmentId, LineId, LocationId, Timestamp};

use crate::event::FulfilledItem;
use crate::order::{Allocation, Order, OrderLine};
use crate::refusal::Refusal;

pub use cancel_fulfilment::CancelFulfilment;
pub(crate) use cancel_fulfilment::decide as decide_cancel;
pub use change_tracking::ChangeTracking;
pub(crate) use change_tracking::decide as decide_tracking;
pub use fulfil::Fulfil;
pub(crate) use fulfil::decide as decide_fulfil;
pub use tracking::Tracking;

/// Whether the pieces of a fulfilment are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FulfilmentStatus {
    /// They have left.
    Shipped,
    /// They had not left, or came back before anybody had them: they are reserved again.
    Cancelled,
}

/// How much of an order was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderFulfilment {
    /// Nothing.
    Unfulfilled,
    /// A part.
    PartiallyFulfilled,
    /// Everything.
    Fulfilled,
}

crate::order::words!(FulfilmentStatus { Shipped = "shipped", Cancelled = "cancelled" });
crate::order::words!(OrderFulfilment {
    Unfulfilled = "unfulfilled",
    PartiallyFulfilled = "partially_fulfilled",
    Fulfilled = "fulfilled",
});

/// Pieces of an order that left together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// Its id.
    pub id: FulfilmentId,
    /// Its place among those of the order, from 1.
    pub number: i64,
    /// Whether it stands.
    pub status: FulfilmentStatus,
    /// How it is followed.
    pub tracking: Tracking,
    /// What is in it; lines may come more than once, from several locations.
    pub items: Vec<FulfilmentItem>,
    /// When the pieces left.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Pieces of a line from one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FulfilmentItem {
    /// The line of the order.
    pub line_id: LineId,
    /// Where they were.
    pub location_id: LocationId,
    /// Pieces, at least 1.
    pub quantity: i64,
}

impl Order {
    /// What stands in fulfilments that were not cancelled.
    fn shipped(&self) -> impl Iterator<Item = &FulfilmentItem> {
        let standing = |one: &&Fulfilment| one.status == FulfilmentStatus::Shipped;
        self.fulfilments.iter().filter(standing).flat_map(|one| &one.items)
    }

    /// Pieces of a line that were sent.
    pub fn fulfilled(&self, line: LineId) -> i64 {
        self.shipped().filter(|item| item.line_id == line).map(|item| item.quantity).sum()
    }

    /// How much of it was sent.
    pub fn fulfilment_status(&self) -> OrderFulfilment {
        let sent: i64 = self.shipped().map(|item| item.quantity).sum();
        let ordered: i64 = self.lines.iter().map(|line| line.quantity).sum();
        match sent {
            0 => OrderFulfilment::Unfulfilled,
            _ if sent < ordered => OrderFulfilment::PartiallyFulfilled,
            _ => OrderFulfilment::Fulfilled,
        }
    }

    /// Pieces of a line that still wait, by the location that holds them for it.
    pub fn open(&self, line: &OrderLine) -> Vec<Allocation> {
        let left = |allocation: &Allocation| {
            let here = self.shipped().filter(|item| {
                item.line_id == line.id && item.location_id == allocation.location_id
            });
            allocation.quantity - here.map(|item| item.quantity).sum::<i64>()
        };
        let open = line
            .allocations
            .iter()
            .map(|allocation| Allocation { quantity: left(allocation), ..*allocation });
        open.filter(|allocation| allocation.quantity > 0).collect()
    }

    fn fulfilment_place(&self, id: FulfilmentId) -> Result<usize, Refusal> {
        let place = self.fulfilments.iter().position(|one| one.id == id);
        place.ok_or(Refusal::NotFound("fulfilment"))
    }

    /// What is in a fulfilment, by line, whatever location it came from.
    pub fn pieces<'a>(
        &'a self,
        fulfilment: &'a Fulfilment,
    ) -> impl Iterator<Item = (&'a OrderLine, i64)> {
        let of_line = |line: &OrderLine| -> i64 {
            let items = fulfilment.items.iter().filter(|item| item.line_id == line.id);
            items.map(|item| item.quantity).sum()
        };
        self.lines.iter().map(move |line| (line, of_line(line))).filter(|(_, n)| *n > 0)
    }

    /// The same as facts say it.
    fn told(&self, fulfilment: &Fulfilment) -> Vec<FulfilledItem> {
        let told = |(line, quantity): (&OrderLine, i64)| FulfilledItem {
            line_id: line.id,
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            quantity,
        };
        self.pieces(fulfilment).map(told).collect()
    }
}
