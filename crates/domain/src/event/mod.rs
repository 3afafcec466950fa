//! Facts: what has happened, kept in the event log in the transaction that made it happen. They hold
//! no personal data, so that they may be kept for ever and sent to anybody who is told of orders.
//!
//! Each type has a schema ([`schemas`]) that is made from [`EventBody`] and kept; a change that those
//! who read the type cannot stand needs a new version of it.

pub mod schemas;
#[cfg(test)]
mod tests;

use serde::Serialize;
use stoa_kernel::{
    AbandonedCartId, CustomerId, FulfilmentId, LineId, LocationId, Money, OrderId, PaymentId,
    ProductId, UserId, VariantId, VendorId,
};

/// A fact about one aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is about, as in `CloudEvents`: `order/ord_...`, `product/prod_...`,
    /// `stock/var_.../loc_...`, `price/var_...`, `cart/acart_...`, `customer/cus_...`,
    /// `user/usr_...`.
    pub subject: String,
    /// Its place among the facts about that subject, from 1 without gaps.
    pub sequence: i64,
    /// What happened.
    pub body: EventBody,
}

/// A quantity of a variant in an event of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CartItem {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU when it was added.
    pub sku: String,
    /// Pieces.
    pub quantity: i64,
    /// The price of one that the shopper saw.
    pub unit_price: Money,
}

/// A quantity of a variant in an order event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrderedItem {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU when it was ordered.
    pub sku: String,
    /// Pieces.
    pub quantity: i64,
    /// What they came to.
    pub total: Money,
}

/// A quantity of a line in an event of a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FulfilledItem {
    /// The line of the order.
    pub line_id: LineId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU when it was ordered.
    pub sku: String,
    /// Pieces.
    pub quantity: i64,
}

/// What happened. The name of each is [`EventBody::kind`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum EventBody {
    /// Someone wants the search index filled anew.
    SearchRebuildRequested {},
    /// The search index was filled anew.
    SearchRebuilt {
        /// How many products it holds.
        products: usize,
    },
    /// A product was made.
    ProductCreated {
        /// Which.
        product_id: ProductId,
        /// Its handle.
        handle: String,
    },
    /// A product, its variants or its prices changed.
    ProductUpdated {
        /// Which.
        product_id: ProductId,
        /// Its handle.
        handle: String,
    },
    /// A product was removed.
    ProductDeleted {
        /// Which.
        product_id: ProductId,
        /// The handle it had.
        handle: String,
    },
    /// The price of a variant in one currency changed, or began or ceased to be; those of a new
    /// product are part of it.
    PriceChanged {
        /// Of which variant.
        variant_id: VariantId,
        /// Of which product.
        product_id: ProductId,
        /// The variant's SKU.
        sku: String,
        /// The price before; `null` when there was none.
        old: Option<Money>,
        /// The price now; `null` when there is none any more.
        new: Option<Money>,
    },
    /// A stock level changed.
    StockChanged {
        /// Of which variant.
        variant_id: VariantId,
        /// Of which product.
        product_id: ProductId,
        /// Where.
        location_id: LocationId,
        /// Pieces there.
        on_hand: i64,
        /// Pieces promised to orders.
        reserved: i64,
        /// Pieces that could be sold before, over all locations.
        available_before: i64,
        /// Pieces that can be sold now, over all locations.
        available: i64,
    },
    /// A shopper who can be reached has left a cart with goods in it. At most once for a cart.
    CartAbandoned {
        /// Which; not what opens it.
        cart_id: AbandonedCartId,
        /// What it comes to, with as much of shipping and tax as is known.
        total: Money,
        /// What is in it.
        items: Vec<CartItem>,
    },
    /// A cart that was abandoned has become an order that stands.
    CartRecovered {
        /// Which.
        cart_id: AbandonedCartId,
        /// Which order.
        order_id: OrderId,
    },
    /// An order waits for its payment; stock is reserved for it.
    OrderPending {
        /// Which.
        order_id: OrderId,
        /// What it comes to.
        total: Money,
    },
    /// An order is paid and stands.
    OrderPlaced {
        /// Which.
        order_id: OrderId,
        /// The number people use.
        number: i64,
        /// What it came to.
        total: Money,
        /// What was ordered.
        items: Vec<OrderedItem>,
    },
    /// An order was called off; its stock is free again.
    OrderCancelled {
        /// Which.
        order_id: OrderId,
        /// Why, in a word.
        reason: String,
    },
    /// Pieces of an order were sent; they are no longer on hand.
    FulfilmentCreated {
        /// Of which order.
        order_id: OrderId,
        /// Which fulfilment.
        fulfilment_id: FulfilmentId,
        /// What was sent.
        items: Vec<FulfilledItem>,
        /// Who carries it, where that was said.
        carrier: Option<String>,
        /// How much of the order is sent now: `partially_fulfilled` or `fulfilled`.
        fulfilment_status: String,
        /// Whether the customer is to be told.
        notify_customer: bool,
    },
    /// Pieces that were sent are followed in another way.
    FulfilmentUpdated {
        /// Of which order.
        order_id: OrderId,
        /// Which fulfilment.
        fulfilment_id: FulfilmentId,
        /// Who carries it, where that was said.
        carrier: Option<String>,
    },
    /// A fulfilment was taken back; its pieces are on hand and reserved again.
    FulfilmentCancelled {
        /// Of which order.
        order_id: OrderId,
        /// Which fulfilment.
        fulfilment_id: FulfilmentId,
        /// What was not sent after all.
        items: Vec<FulfilledItem>,
        /// How much of the order is sent now: `unfulfilled` or `partially_fulfilled`.
        fulfilment_status: String,
    },
    /// The shopper must confirm a payment.
    PaymentActionRequired {
        /// Of which order.
        order_id: OrderId,
        /// Which payment.
        payment_id: PaymentId,
    },
    /// Money was taken.
    PaymentCaptured {
        /// For which order.
        order_id: OrderId,
        /// Which payment.
        payment_id: PaymentId,
        /// How much.
        amount: Money,
        /// The provider's name for it.
        reference: String,
    },
    /// A payment was refused; its order does not stand and its stock is free again.
    PaymentDeclined {
        /// Of which order.
        order_id: OrderId,
        /// Which payment.
        payment_id: PaymentId,
        /// Why, in a word.
        reason: String,
    },
    /// Money was given back.
    PaymentRefunded {
        /// Of which order.
        order_id: OrderId,
        /// Which payment.
        payment_id: PaymentId,
        /// How much.
        amount: Money,
    },
    /// Somebody has bought for the first time.
    CustomerCreated {
        /// Who.
        customer_id: CustomerId,
        /// The order they are known by.
        order_id: OrderId,
    },
    /// What the shop knows of a customer changed.
    CustomerUpdated {
        /// Of whom.
        customer_id: CustomerId,
    },
    /// Someone was asked to help run the shop.
    UserInvited {
        /// Who asked.
        invited_by: UserId,
    },
    /// Someone may sign in to the back office from now on.
    UserJoined {
        /// Who.
        user_id: UserId,
    },
    /// Someone has a new password; their sessions have ended.
    UserPasswordChanged {
        /// Who.
        user_id: UserId,
    },
    /// A vendor was made.
    VendorCreated {
        /// Which.
        vendor_id: VendorId,
        /// Its handle.
        handle: String,
    },
    /// A vendor's name, address or status changed.
    VendorUpdated {
        /// Which.
        vendor_id: VendorId,
        /// Its handle.
        handle: String,
    },
}

impl EventBody {
    /// The type of the event.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SearchRebuildRequested {} => "search.rebuild_requested",
            Self::SearchRebuilt { .. } => "search.rebuilt",
            Self::ProductCreated { .. } => "product.created",
            Self::ProductUpdated { .. } => "product.updated",
            Self::ProductDeleted { .. } => "product.deleted",
            Self::PriceChanged { .. } => "price.changed",
            Self::StockChanged { .. } => "stock.changed",
            Self::CartAbandoned { .. } => "cart.abandoned",
            Self::CartRecovered { .. } => "cart.recovered",
            Self::OrderPending { .. } => "order.pending",
            Self::OrderPlaced { .. } => "order.placed",
            Self::OrderCancelled { .. } => "order.cancelled",
            Self::FulfilmentCreated { .. } => "fulfilment.created",
            Self::FulfilmentUpdated { .. } => "fulfilment.updated",
            Self::FulfilmentCancelled { .. } => "fulfilment.cancelled",
            Self::PaymentActionRequired { .. } => "payment.action_required",
            Self::PaymentCaptured { .. } => "payment.captured",
            Self::PaymentDeclined { .. } => "payment.declined",
            Self::PaymentRefunded { .. } => "payment.refunded",
            Self::CustomerCreated { .. } => "customer.created",
            Self::CustomerUpdated { .. } => "customer.updated",
            Self::UserInvited { .. } => "user.invited",
            Self::UserJoined { .. } => "user.joined",
            Self::UserPasswordChanged { .. } => "user.password_changed",
            Self::VendorCreated { .. } => "vendor.created",
            Self::VendorUpdated { .. } => "vendor.updated",
        }
    }
}
