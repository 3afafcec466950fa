//! `/pay/test/{payment}`: plays the page of the shopper's bank for the built-in test provider.
//!
//! Like a bank's page it is reached by whoever was sent there, with or without this shop's cookies,
//! and shows nothing but the amount.

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, Response};
use stoa_app::error::StoreError;
use stoa_app::order::store;
use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_kernel::{OrderId, PaymentId, Token};
use stoa_pages::storefront::{Notice, OrderLookupPage, PaymentActionPage, Tone};

use super::checkout::review;
use super::cookies;
use super::frame::{Frame, private_page, see_other};
use super::request::Form;
use crate::reply::ApiError;
use crate::state::Web;

type Answer = Result<Response<Body>, ApiError>;

/// How often the provider is asked again for what became of a confirmed payment.
const TRIES: u32 = 3;

/// `GET /pay/test/{payment}`
pub async fn show(
    State(web): State<Web>,
    Path(payment): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let order = order_of(&web, &payment).await?;
    let Some(amount) = asks_here(&web, &order) else {
        let order = settle(&web, order).await?;
        return onward(&web, &headers, &order).await;
    };
    let frame = Frame::load(&web).await?;
    let page = PaymentActionPage {
        layout: frame.private("Confirm your payment"),
        amount,
        order_number: order.number.map_or_else(|| order.id.to_string(), |n| n.to_string()),
        payment_method: "Test card ending 3155".to_owned(),
        action: format!("/pay/test/{}", order.payment.id),
        hidden: Vec::new(),
    };
    Ok(private_page(200, &page.render(), cookies::cart_count(&headers)))
}

/// `POST /pay/test/{payment}`: `result=approve` or `result=fail`.
pub async fn answer(
    State(web): State<Web>,
    Path(payment): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Answer {
    let order = order_of(&web, &payment).await?;
    let agreed = match form.line("result") {
        "approve" => true,
        "fail" => false,
        _ => return Ok(see_other(&format!("/pay/test/{}", order.payment.id))),
    };
    if let Some(provider) = web.shop().providers.get(order.payment.provider.as_str()) {
        let confirmed = provider.confirm(order.payment.id, agreed).await;
        confirmed.map_err(|error| ApiError::internal(&error))?;
    }
    let order = settle(&web, order).await?;
    onward(&web, &headers, &order).await
}

async fn order_of(web: &Web, payment: &str) -> Result<Order, ApiError> {
    let not_found = || ApiError::not_found("payment");
    let payment: PaymentId = payment.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let id = store::id_of_payment(&mut tx, payment).await?.ok_or_else(not_found)?;
    store::find(&mut tx, id).await?.ok_or_else(not_found)
}

/// The amount, where the shopper is still asked for it.
fn asks_here(web: &Web, order: &Order) -> Option<stoa_kernel::Money> {
    let provider = web.shop().providers.get(order.payment.provider.as_str())?;
    let waits = order.payment.status == PaymentStatus::RequiresAction;
    provider.asks_here(order.payment.id).filter(|_| waits)
}

/// The order after what its shopper answered was taken up, where that had not happened yet: the
/// provider's reply may have been lost the first time.
pub(super) async fn settle(web: &Web, order: Order) -> Result<Order, ApiError> {
    let waits = |order: &Order| {
        order.status == OrderStatus::Pending
            && order.payment.status == PaymentStatus::RequiresAction
    };
    let mut order = order;
    for _ in 0..TRIES {
        if !waits(&order) || asks_here(web, &order).is_some() {
            break;
        }
        stoa_app::checkout::resume(web.shop(), order.id, 0).await?;
        order = reload(web, order.id).await?;
    }
    Ok(order)
}

async fn reload(web: &Web, id: OrderId) -> Result<Order, ApiError> {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("order"))
}

/// Where the shopper goes after the bank: back to the shop with their cart, or, when they came
/// from a program, a page that says how it went.
async fn onward(web: &Web, headers: &HeaderMap, order: &Order) -> Answer {
    let is_theirs = |cart: &Token| stoa_app::checkout::order_token(cart).hash() == order.token_hash;
    if let Some(cart) = cookies::cart(headers).filter(is_theirs) {
        let decided = order.payment.status != PaymentStatus::RequiresAction;
        return Ok(if decided {
            review::after(web, &cart, order)
        } else {
            see_other(&super::checkout::order_address(order.id, &cart))
        });
    }
    let notice = match order.payment.status {
        PaymentStatus::Paid => {
            Notice::new(Tone::Ok, "The payment is confirmed. You can close this page.")
        }
        PaymentStatus::Declined => {
            Notice::new(Tone::Bad, "The payment was not confirmed. Nothing was charged.")
        }
        PaymentStatus::Refunded | PaymentStatus::RefundPending => {
            Notice::new(Tone::Info, "The payment was given back.")
        }
        PaymentStatus::Pending | PaymentStatus::RequiresAction => {
            Notice::new(Tone::Info, "The payment is being confirmed.")
        }
    };
    let frame = Frame::load(web).await?;
    let page = OrderLookupPage {
        layout: frame.private("Payment"),
        notice: Some(notice),
        number: String::new(),
        email: String::new(),
        errors: Vec::new(),
    };
    Ok(private_page(200, &page.render(), cookies::cart_count(headers)))
}
