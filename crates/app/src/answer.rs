//! The HTTP answer to a command, as it is sent and as it is kept with an idempotency key.

use stoa_domain::inventory::StockLevel;
use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_domain::shop::ShopConfig;
use stoa_domain::{Refusal, Reply};

use crate::view::{CartView, OrderView, Problem};

/// A status and a JSON body, without any capability in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON: a view, or a [`Problem`] for 4xx and 5xx.
    pub body: String,
}

impl Answer {
    /// A body that is to be serialised.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self { status, body },
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Self { status: 500, body: String::from("{\"status\":500,\"code\":\"internal\"}") }
            }
        }
    }

    /// A problem.
    pub fn problem(problem: &Problem) -> Self {
        Self::json(problem.status, problem)
    }

    /// The answer to placing an order, as it stands.
    pub fn to_order(order: &Order) -> Self {
        match refusal_of(order) {
            Some(refusal) => Self::problem(&Problem::from(&refusal)),
            None => Self::json(201, &OrderView::from(order)),
        }
    }

    /// The answer to a command.
    pub fn of(result: &Result<Reply, Refusal>, shop: &ShopConfig) -> Self {
        match result {
            Ok(Reply::Cart(cart)) => match CartView::new(cart, shop) {
                Ok(view) => Self::json(if cart.version == 1 { 201 } else { 200 }, &view),
                Err(refusal) => Self::problem(&Problem::from(&refusal)),
            },
            Ok(Reply::Order(order)) => Self::to_order(order),
            Ok(Reply::Stock(level)) => Self::json(200, &stock(level)),
            Err(refusal) => Self::problem(&Problem::from(refusal)),
        }
    }
}

/// Why an order's payment does not stand, if it does not.
pub fn refusal_of(order: &Order) -> Option<Refusal> {
    let detail = || order.payment.detail.clone().unwrap_or_default();
    match (order.status, order.payment.status) {
        (OrderStatus::Failed, _) => Some(Refusal::PaymentDeclined { reason: detail() }),
        (OrderStatus::Pending, PaymentStatus::RequiresAction) => {
            Some(Refusal::PaymentRequiresAction { url: detail() })
        }
        _ => None,
    }
}

/// A stock level as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StockView {
    /// The variant.
    pub variant_id: String,
    /// Pieces at the location.
    pub on_hand: i64,
    /// Pieces of them promised to orders.
    pub reserved: i64,
    /// Pieces that can be sold from there.
    pub available: i64,
}

/// The view of a stock level.
pub fn stock(level: &StockLevel) -> StockView {
    StockView {
        variant_id: level.variant_id.to_string(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        available: level.available(),
    }
}
