//! Orders, as the merchant's programs read and cancel them.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, Response};
use serde::{Deserialize, Serialize};
use stoa_app::checkout;
use stoa_app::engine::{Outcome, Submission};
use stoa_app::error::StoreError;
use stoa_app::order::store::{self, OrderFilter};
use stoa_app::view::{MoneyView, OrderView, Problem};
use stoa_domain::catalog::FieldError;
use stoa_domain::fulfilment::OrderFulfilment;
use stoa_domain::order::{CancelOrder, Order, OrderStatus, PaymentStatus};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{OrderId, limits};
use utoipa::ToSchema;

use super::list::ListQuery;
use super::{if_match, stale};
use crate::api::products::with_etag;
use crate::extract::{IdempotencyKey, OrdersRead, OrdersWrite, Program, RawBody};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderItem {
    /// Its id.
    pub id: String,
    /// The number people use.
    pub number: Option<i64>,
    /// `pending`, `placed`, `failed` or `cancelled`.
    pub status: &'static str,
    /// What became of its payment.
    pub payment_status: &'static str,
    /// `unfulfilled`, `partially_fulfilled` or `fulfilled`.
    pub fulfilment_status: &'static str,
    /// Who ordered.
    pub email: String,
    /// What it comes to.
    pub total: MoneyView,
    /// Pieces in all lines.
    pub n_items: i64,
    /// When it was paid.
    pub placed_at: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct Orders {
    /// The orders, newest first.
    pub items: Vec<OrderItem>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

/// Why an order is cancelled.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// A word or sentence; `cancelled by the merchant` unless given.
    pub reason: Option<String>,
}

/// The parameter that only this list has, and the others.
fn fulfilment_status(query: &str) -> Result<(Option<OrderFulfilment>, String), ApiError> {
    let mine = |pair: &&str| pair.split('=').next() == Some("fulfilment_status");
    let (own, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(mine);
    let Some(word) = own.last().and_then(|pair| pair.split_once('=')) else {
        return Ok((None, rest.join("&")));
    };
    let status = OrderFulfilment::parse(word.1).ok_or_else(|| {
        let detail = "unfulfilled, partially_fulfilled or fulfilled";
        Refusal::field("/fulfilment_status", detail)
    })?;
    Ok((Some(status), rest.join("&")))
}

/// Lists orders, newest first: placed and cancelled ones unless a status is given.
#[utoipa::path(get, path = "/api/admin/v1/orders", tag = "admin", security(("token" = [])),
    params(
        ("status" = Option<String>, Query,
            description = "`pending`, `placed`, `failed` or `cancelled`"),
        ("fulfilment_status" = Option<String>, Query,
            description = "`unfulfilled`, `partially_fulfilled` or `fulfilled`; cancelled orders count, \
                too, unless `status=placed`"),
        ("q" = Option<String>, Query, description = "An order number, or part of an e-mail address"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = Orders), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(web): State<Web>,
    _: Program<OrdersRead>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let (fulfilment, rest) = fulfilment_status(query.as_deref().unwrap_or(""))?;
    let query = ListQuery::read(Some(&rest), OrderStatus::parse)?;
    let filter = OrderFilter {
        status: query.status,
        fulfilment,
        text: query.text.clone(),
        after: query.after,
        limit: query.limit,
    };
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let orders = store::list(&mut tx, &filter).await?;
    let total = store::count(&mut tx, &filter).await?;
    let page = Orders {
        next_cursor: query.next(orders.len(), orders.last().map(|order| order.id)),
        items: orders
            .into_iter()
            .map(|order| OrderItem {
                id: order.id.to_string(),
                number: order.number,
                status: order.status.as_str(),
                payment_status: order.payment_status.as_str(),
                fulfilment_status: order.fulfilment_status.as_str(),
                email: order.email,
                total: order.total.into(),
                n_items: order.n_items,
                placed_at: order.placed_at.map(|at| at.to_string()),
                created_at: order.created_at.to_string(),
            })
            .collect(),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

pub(super) fn order_id(text: &str) -> Result<OrderId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("order"))
}

/// Reads an order.
#[utoipa::path(get, path = "/api/admin/v1/orders/{id}", tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, body = OrderView), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<OrdersRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::find(&mut tx, order_id(&id)?).await?;
    let order = found.ok_or_else(|| ApiError::not_found("order"))?;
    Ok(with_etag(reply::json(200, &OrderView::from(&order)), order.version))
}

/// Cancels a placed order: its stock is free again and its money goes back.
#[utoipa::path(post, path = "/api/admin/v1/orders/{id}/cancel", tag = "admin",
    security(("token" = [])), request_body = Cancel,
    params(("id" = String, Path, description = "The order's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = OrderView), (status = 404, body = Problem),
        (status = 409, description = "`wrong_state`", body = Problem),
        (status = 412, description = "`stale`", body = Problem)))]
pub async fn cancel(
    State(web): State<Web>,
    program: Program<OrdersWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = order_id(&id)?;
    let expected_version = if_match(&headers)?;
    let Cancel { reason } = body.json()?;
    let reason = reason.unwrap_or_else(|| "cancelled by the merchant".to_owned());
    if reason.len() > limits::LINE_BYTES || reason.chars().any(char::is_control) {
        let what = "one line of at most 500 bytes";
        return Err(Refusal::Invalid(vec![FieldError::new("/reason", what)]).into());
    }
    let idempotency =
        key.bind(&program.token.0, &[b"POST /cancel", id.to_string().as_bytes(), &body.0]);
    let command = Command::CancelOrder(CancelOrder { order: id, expected_version, reason });
    let shop = web.shop();
    let submission = Submission { command, idempotency };
    match shop.engine.submit(submission).await {
        Outcome::Done { reply: Reply::Order(order), repeated } => {
            shop.wake.notify_waiters();
            let mut order = *order;
            if order.payment.status == PaymentStatus::RefundPending {
                match checkout::drive(shop, order.clone(), None, 0).await {
                    checkout::Driven::Settled(settled) => order = *settled,
                    // The worker will see to it that the money goes back.
                    _ => checkout::answer_now(shop, idempotency, &order).await?,
                }
            }
            Ok(done(200, &order, repeated))
        }
        other => not_done(200, other, expected_version.is_some()),
    }
}

/// The answer to a command that was done: the order as it is then.
pub(super) fn done(status: u16, order: &Order, repeated: bool) -> Response<Body> {
    let response = with_etag(reply::json(status, &OrderView::from(order)), order.version);
    if repeated { reply::replayed(response) } else { response }
}

/// The answer to a command on an order that was not done, or not now. `has_version` says whether the
/// request named the version that the order must have.
pub(super) fn not_done(status: u16, outcome: Outcome, has_version: bool) -> ApiResult {
    match outcome {
        Outcome::Replayed(answer) => {
            // The engine keeps the view of an order as the answer to placing it, with 201.
            let status = if answer.status == 201 { status } else { answer.status };
            Ok(reply::replayed(reply::raw(status, answer.body)))
        }
        Outcome::Refused(Refusal::Stale) if has_version => Err(stale()),
        other => Err(reply::undone(other)),
    }
}
