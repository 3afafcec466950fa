//! Taking and returning money.

use std::fmt;

use async_trait::async_trait;
use stoa_kernel::{Money, OrderId, PaymentId};

/// A request to take money.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Our name for this attempt and the provider's idempotency key: repeated, it is answered
    /// as the first time and charges nothing more.
    pub payment_id: PaymentId,
    /// What it is for.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// What the provider gave the shopper's browser for the means of payment.
    pub token: String,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money is taken.
    Captured {
        /// The provider's name for the payment.
        reference: String,
    },
    /// The provider refused; nothing was taken.
    Declined {
        /// A stable word: `card_declined`, `insufficient_funds`, `authentication_failed`.
        reason: String,
    },
    /// The shopper must confirm first (3-D Secure).
    RequiresAction {
        /// Where the shopper goes; a path of this shop or an https address.
        url: String,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// The token is none this provider gives out.
    #[error("the payment token is unknown")]
    UnknownToken,
    /// No answer, or one that was lost: the charge may or may not have happened. Ask again with
    /// the same payment id.
    #[error("the payment provider did not answer: {0}")]
    Unavailable(String),
    /// The provider says that the request can never succeed.
    #[error("the payment provider refused the request: {0}")]
    Refused(String),
}

/// A provider of payments.
#[async_trait]
pub trait PaymentProvider: Send + Sync + fmt::Debug {
    /// The name in orders and configuration, e.g. `test`.
    fn name(&self) -> &'static str;

    /// Whether a token has the form of this provider's; checked before an order is made.
    fn accepts_token(&self, token: &str) -> bool;

    /// Takes the money, or says why not. Idempotent by payment id.
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, PaymentError>;

    /// What became of a charge that needed the shopper's action: `RequiresAction` while it still
    /// does, `None` when the provider never heard of it.
    async fn outcome(&self, payment_id: PaymentId) -> Result<Option<ChargeOutcome>, PaymentError>;

    /// Ends a charge that is not captured yet, so that it never will be. Idempotent; answers what
    /// the charge has come to, which may be `Captured` when the void came too late.
    async fn void(&self, payment_id: PaymentId) -> Result<ChargeOutcome, PaymentError>;

    /// Returns the whole captured amount. Idempotent by payment id.
    async fn refund(&self, payment_id: PaymentId, amount: Money) -> Result<(), PaymentError>;

    /// The amount of a charge whose shopper this shop itself asks to confirm. Only the built-in
    /// test provider has such charges; others show their own page.
    fn asks_here(&self, _payment_id: PaymentId) -> Option<Money> {
        None
    }

    /// Records what the shopper answered on this shop's page; `None` when there is no such charge.
    async fn confirm(
        &self,
        _payment_id: PaymentId,
        _agreed: bool,
    ) -> Result<Option<ChargeOutcome>, PaymentError> {
        Ok(None)
    }
}
