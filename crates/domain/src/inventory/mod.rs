//! Stock: what is on hand where, and what of it is promised.
//!
//! Tables: `stock_locations`, `stock_levels`, `stock_movements`. Events: `stock.changed`.
//! Invariants: `on_hand ≥ 0`, `reserved ≥ 0`; the movements of a level sum to it; what is sold
//! never exceeds `on_hand − reserved` at the time it is sold.

pub mod set_stock;

use stoa_kernel::{
    Ctx, LocationId, MovementId, OrderId, ProductId, Timestamp, VariantId, VendorId,
};

use crate::event::{Event, EventBody};
use crate::world::{Changes, World};

pub use set_stock::SetStock;

/// Stock of one variant at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLevel {
    /// Of which variant.
    pub variant_id: VariantId,
    /// Where.
    pub location_id: LocationId,
    /// The vendor of the variant's product.
    pub vendor_id: Option<VendorId>,
    /// Pieces there.
    pub on_hand: i64,
    /// Pieces of them that are promised to orders.
    pub reserved: i64,
    /// Counts its changes, from 0 for a level that is not stored yet.
    pub version: i64,
}

impl StockLevel {
    /// Pieces that can be sold from here. Negative when the merchant counted fewer pieces than
    /// are promised.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// A change of a stock level and why it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Its id.
    pub id: MovementId,
    /// Of which variant.
    pub variant_id: VariantId,
    /// Where.
    pub location_id: LocationId,
    /// The vendor of the variant's product at the time.
    pub vendor_id: Option<VendorId>,
    /// Why.
    pub kind: MovementKind,
    /// Change of `on_hand`.
    pub on_hand_delta: i64,
    /// Change of `reserved`.
    pub reserved_delta: i64,
    /// For which order.
    pub order_id: Option<OrderId>,
    /// When.
    pub at: Timestamp,
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// Counted or corrected by the merchant.
    Adjust,
    /// Promised to an order.
    Reserve,
    /// No longer promised.
    Release,
    /// Sent to whom it was promised.
    Fulfil,
    /// Not sent after all, and promised again.
    Unfulfil,
}

impl MovementKind {
    /// The word used in SQL, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adjust => "adjust",
            Self::Reserve => "reserve",
            Self::Release => "release",
            Self::Fulfil => "fulfil",
            Self::Unfulfil => "unfulfil",
        }
    }
}

/// Moves stock of a variant at a location for an order, on top of what the command has moved
/// already. Without such a level nothing moves: the variant was deleted, its stock went with it.
pub(crate) fn move_at(
    world: &World,
    ctx: &mut Ctx,
    product_id: ProductId,
    (variant_id, location_id): (VariantId, LocationId),
    how: (MovementKind, i64, i64),
    order_id: OrderId,
    changes: &mut Changes,
) {
    let mut here = None;
    let mut elsewhere = 0;
    for level in world.levels_of(variant_id) {
        let is_it = |moved: &&StockLevel| {
            moved.variant_id == variant_id && moved.location_id == level.location_id
        };
        let now = changes.levels.iter().rev().find(is_it).unwrap_or(level);
        if level.location_id == location_id {
            here = Some(now.clone());
        } else {
            elsewhere += now.available();
        }
    }
    if let Some(level) = here {
        moved(changes, ctx, product_id, elsewhere, &level, how, Some(order_id));
    }
}

/// Records that a level moved: the new level, the movement and the event.
pub(crate) fn moved(
    changes: &mut Changes,
    ctx: &mut Ctx,
    product_id: ProductId,
    available_elsewhere: i64,
    before: &StockLevel,
    (kind, on_hand_delta, reserved_delta): (MovementKind, i64, i64),
    order_id: Option<OrderId>,
) -> StockLevel {
    let after = StockLevel {
        on_hand: before.on_hand + on_hand_delta,
        reserved: before.reserved + reserved_delta,
        version: before.version + 1,
        ..before.clone()
    };
    changes.movements.push(Movement {
        id: ctx.movement_id(),
        variant_id: after.variant_id,
        location_id: after.location_id,
        vendor_id: after.vendor_id,
        kind,
        on_hand_delta,
        reserved_delta,
        order_id,
        at: ctx.now,
    });
    changes.events.push(Event {
        subject: format!("stock/{}/{}", after.variant_id, after.location_id),
        sequence: after.version,
        body: EventBody::StockChanged {
            variant_id: after.variant_id,
            product_id,
            location_id: after.location_id,
            on_hand: after.on_hand,
            reserved: after.reserved,
            available_before: available_elsewhere + before.available(),
            available: available_elsewhere + after.available(),
        },
    });
    changes.levels.push(after.clone());
    after
}
