//! From cart to order: a stored workflow, so that a crash at any point loses neither money nor
//! goods.
//!
//! ```text
//! place_order   one transaction: order `pending`, stock reserved, payment `pending`, job stored
//!     |
//! the job       asks the provider with the payment's id as idempotency key; asked again after a
//!     |         crash or a lost reply, the provider gives the same answer
//! settle_payment  one transaction: captured -> order `placed`, ledger entry, number, job gone
//!                 declined -> order `failed`, stock released, cart open again, job gone
//!                 requires action -> job waits for the shopper, at most 30 minutes, then voids
//! ```

pub mod history;
pub mod place_order;
pub mod settle_payment;
pub mod settle_refund;
pub mod workflow;

use stoa_kernel::Ctx;

use crate::inventory::{MovementKind, move_at};
use crate::order::Order;
use crate::world::{Changes, World};

pub use place_order::PlaceOrder;
pub use settle_payment::{SettlePayment, Settlement};
pub use settle_refund::SettleRefund;

/// Gives an order's reserved pieces free again.
pub(crate) fn release_stock(world: &World, ctx: &mut Ctx, order: &Order, changes: &mut Changes) {
    for line in &order.lines {
        for allocation in &line.allocations {
            let place = (line.variant_id, allocation.location_id);
            let how = (MovementKind::Release, 0, -allocation.quantity);
            move_at(world, ctx, line.product_id, place, how, order.id, changes);
        }
    }
}
