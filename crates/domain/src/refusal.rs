//! What the business refuses, each with a stable code and a sentence that says what to do.

use stoa_kernel::{Money, VariantId};

use crate::catalog::FieldError;

/// A line that cannot be sold as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortLine {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: String,
    /// Its product's title.
    pub title: String,
    /// Pieces wanted.
    pub wanted: i64,
    /// Pieces that can be had now; not negative.
    pub available: i64,
}

/// A line whose price is not the one the shopper saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepricedLine {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: String,
    /// Its product's title.
    pub title: String,
    /// The price in the cart.
    pub seen: Money,
    /// The price now.
    pub now: Money,
}

/// A refusal. Codes are never renamed; `docs/api/errors.md` explains each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such thing, or none that the asker may know of.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The request is understood but parts of it are wrong.
    #[error("some fields are missing or wrong")]
    Invalid(Vec<FieldError>),
    /// The cart was turned into an order.
    #[error("this cart has become an order and cannot be changed")]
    CartCompleted,
    /// The cart is being paid.
    #[error("this cart is being paid; wait for the result or complete it again")]
    CartBeingPaid,
    /// Nothing to order.
    #[error("the cart is empty; add something first")]
    CartEmpty,
    /// Not enough stock.
    #[error("some items are not available in the quantity wanted; lower it or remove them")]
    OutOfStock(Vec<ShortLine>),
    /// Prices differ from what the shopper saw.
    #[error("some prices have changed; the cart now shows them, check it and order again")]
    PriceChanged(Vec<RepricedLine>),
    /// The payment was refused.
    #[error("the payment was declined ({reason}); try another means of payment")]
    PaymentDeclined {
        /// `card_declined`, `insufficient_funds`, ...
        reason: String,
    },
    /// The shopper must confirm the payment.
    #[error("the payment needs your confirmation; open the address, then complete the cart again")]
    PaymentRequiresAction {
        /// Where to confirm.
        url: String,
    },
    /// Someone else changed it first.
    #[error("it has changed since you read it; read it again and repeat your change")]
    Stale,
    /// A text that must be unique is taken.
    #[error("the {what} `{value}` is in use by another product")]
    Taken {
        /// `SKU` or `handle`.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// It is in a state that does not allow it.
    #[error("{what} that is {} cannot be {verb}", words(.status))]
    WrongState {
        /// What it is, with an article: `an order`.
        what: &'static str,
        /// Its state.
        status: &'static str,
        /// What was asked, as a participle.
        verb: &'static str,
    },
    /// An amount does not fit.
    #[error("an amount is too large")]
    AmountOutOfRange,
}

/// The word of a state as people read it.
fn words(word: &str) -> String {
    word.replace('_', " ")
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::CartCompleted => "cart_completed",
            Self::CartBeingPaid => "cart_being_paid",
            Self::CartEmpty => "cart_empty",
            Self::OutOfStock(_) => "out_of_stock",
            Self::PriceChanged(_) => "price_changed",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::PaymentRequiresAction { .. } => "payment_requires_action",
            Self::Stale => "stale",
            Self::Taken { .. } => "taken",
            Self::WrongState { .. } => "wrong_state",
            Self::AmountOutOfRange => "amount_out_of_range",
        }
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, detail)])
    }
}

impl From<stoa_kernel::MoneyError> for Refusal {
    fn from(_: stoa_kernel::MoneyError) -> Self {
        Self::AmountOutOfRange
    }
}
