//! Orders: what was bought, for how much, and what became of it.
//!
//! Tables: `orders`, `order_lines`, `payments`. Events: `order.*`, `payment.*`.
//! An order is made `pending` with its stock reserved, before any provider is asked for money; it
//! is `placed` and gets its number when the money is taken. Invariant: no payment is captured
//! without a placed order, however and whenever the process dies (see `checkout`).

pub mod cancel_order;

use serde::{Deserialize, Serialize};
use stoa_kernel::{
    Currency, LineId, LocationId, Money, OrderId, PaymentId, ProductId, Timestamp, TokenHash,
    VariantId, VendorId,
};

use crate::address::Address;
use crate::event::{Event, EventBody};
use crate::fulfilment::Fulfilment;
use crate::pricing::{LineTotals, TaxLine, Totals};

pub use cancel_order::CancelOrder;

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// Waits for its payment.
    Pending,
    /// Paid; stands.
    Placed,
    /// Its payment failed; never stood.
    Failed,
    /// Stood, and was called off.
    Cancelled,
}

/// What became of the payment of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The provider has not answered yet.
    Pending,
    /// The shopper must confirm.
    RequiresAction,
    /// The money is taken.
    Paid,
    /// Refused; nothing was taken.
    Declined,
    /// The money is to be given back; the provider has not confirmed yet.
    RefundPending,
    /// The money is given back.
    Refunded,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// The word used in SQL, API and pages.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads the word back.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use words;

words!(OrderStatus {
    Pending = "pending",
    Placed = "placed",
    Failed = "failed",
    Cancelled = "cancelled",
});
words!(PaymentStatus {
    Pending = "pending",
    RequiresAction = "requires_action",
    Paid = "paid",
    Declined = "declined",
    RefundPending = "refund_pending",
    Refunded = "refunded",
});

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The number people use; given when the order is placed, without gaps.
    pub number: Option<i64>,
    /// Hash of the token that lets the shopper see it.
    pub token_hash: TokenHash,
    /// The cart it was made of.
    pub cart_key: TokenHash,
    /// What became of it.
    pub status: OrderStatus,
    /// Counts its changes and events, from 1.
    pub version: i64,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Who ordered.
    pub email: String,
    /// The sums.
    pub totals: Totals,
    /// The part of the tax that is on shipping.
    pub shipping_tax: Money,
    /// Addresses and the like; stored as one JSON document.
    pub details: OrderDetails,
    /// The goods.
    pub lines: Vec<OrderLine>,
    /// Its payment.
    pub payment: Payment,
    /// What was sent of it, in the order in which it was.
    pub fulfilments: Vec<Fulfilment>,
    /// When it was paid.
    pub placed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an order keeps beside its sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// Where the goods go.
    pub shipping_address: Address,
    /// Where the bill goes.
    pub billing_address: Address,
    /// Code of the shipping method.
    pub shipping_method: String,
    /// Its name when the order was made.
    pub shipping_method_name: String,
    /// The discount code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<String>,
    /// Tax by rate.
    pub tax_lines: Vec<TaxLine>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Its id.
    pub id: LineId,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product it belonged to.
    pub product_id: ProductId,
    /// Who sold it; `None` for the shop itself.
    pub vendor_id: Option<VendorId>,
    /// SKU when it was bought.
    pub sku: String,
    /// Title when it was bought.
    pub title: String,
    /// Option values when it was bought.
    pub variant_title: String,
    /// Pieces.
    pub quantity: i64,
    /// Price of one.
    pub unit_price: Money,
    /// What it comes to.
    pub totals: LineTotals,
    /// Where the pieces are reserved.
    pub allocations: Vec<Allocation>,
}

/// Pieces reserved at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Where.
    pub location_id: LocationId,
    /// Pieces.
    pub quantity: i64,
}

/// One attempt to pay for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id, and the provider's idempotency key.
    pub id: PaymentId,
    /// Name of the provider.
    pub provider: String,
    /// What became of it.
    pub status: PaymentStatus,
    /// How much.
    pub amount: Money,
    /// What the provider gave for the means of payment; forgotten once the payment is decided.
    pub token: Option<String>,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// Why it was declined, or where the shopper must confirm it.
    pub detail: Option<String>,
}

impl Order {
    /// A fact about this order, numbered by its next version.
    pub(crate) fn record(&mut self, body: EventBody) -> Event {
        self.version += 1;
        Event { subject: format!("order/{}", self.id), sequence: self.version, body }
    }
}
