//! What was sent of orders, as the merchant's programs say it.

use axum::extract::{Path, State};
use http::HeaderMap;
use serde::Deserialize;
use stoa_app::engine::{Outcome, Submission};
use stoa_app::view::{FulfilmentItemView, OrderView, Problem, TrackingView};
use stoa_domain::catalog::FieldError;
use stoa_domain::fulfilment::{CancelFulfilment, ChangeTracking, Fulfil, Tracking};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{FulfilmentId, LineId, OrderId};
use utoipa::ToSchema;

use super::if_match;
use super::orders::{done, not_done, order_id};
use crate::extract::{IdempotencyKey, OrdersWrite, Program, RawBody};
use crate::reply::{ApiError, ApiResult};
use crate::state::Web;

/// Pieces of an order that leave together.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewFulfilment {
    /// What is sent; everything that still waits unless given.
    pub items: Vec<FulfilmentItemView>,
    /// How the parcel is followed.
    pub tracking: TrackingView,
    /// Whether the customer gets a mail about it; yes unless given.
    #[schema(default = true)]
    pub notify_customer: Option<bool>,
}

/// What may change of a fulfilment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilmentPatch {
    /// How the parcel is followed, as a whole.
    pub tracking: TrackingView,
}

fn tracking(view: TrackingView) -> Tracking {
    Tracking { carrier: view.carrier, number: view.number, url: view.url }
}

fn fulfilment_id(text: &str) -> Result<FulfilmentId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("fulfilment"))
}

/// The lines that are named, or what is wrong with their names.
fn items(items: &[FulfilmentItemView]) -> Result<Vec<(LineId, i64)>, ApiError> {
    let mut errors = Vec::new();
    let mut named = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        match item.line_id.parse() {
            Ok(line) => named.push((line, item.quantity)),
            Err(_) => {
                let pointer = format!("/items/{place}/line_id");
                errors.push(FieldError::new(pointer, "the id of a line of the order"));
            }
        }
    }
    if errors.is_empty() { Ok(named) } else { Err(Refusal::Invalid(errors).into()) }
}

/// Has the engine do it, and answers with the order as it is then.
async fn submit(web: &Web, status: u16, submission: Submission, has_version: bool) -> ApiResult {
    match web.shop().engine.submit(submission).await {
        Outcome::Done { reply: Reply::Order(order), repeated } => {
            web.shop().wake.notify_waiters();
            Ok(done(status, &order, repeated))
        }
        other => not_done(status, other, has_version),
    }
}

/// Sends pieces of a placed order: they leave stock, and the customer is told.
#[utoipa::path(post, path = "/api/admin/v1/orders/{id}/fulfilments", tag = "admin",
    security(("token" = [])), request_body = NewFulfilment,
    params(("id" = String, Path, description = "The order's id"),
        ("If-Match" = Option<String>, Header, description = "The version the order must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, description = "The order as it is then", body = OrderView),
        (status = 404, body = Problem), (status = 409, description = "`wrong_state`", body = Problem),
        (status = 412, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(web): State<Web>,
    program: Program<OrdersWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let order: OrderId = order_id(&id)?;
    let expected_version = if_match(&headers)?;
    let new: NewFulfilment = body.json()?;
    let command = Command::Fulfil(Fulfil {
        order,
        expected_version,
        items: items(&new.items)?,
        tracking: tracking(new.tracking),
        notify_customer: new.notify_customer.unwrap_or(true),
    });
    let parts: [&[u8]; 3] = [b"POST /fulfilments", id.as_bytes(), &body.0];
    let idempotency = key.bind(&program.token.0, &parts);
    submit(&web, 201, Submission { command, idempotency }, expected_version.is_some()).await
}

/// Changes how a parcel is followed.
#[utoipa::path(patch, path = "/api/admin/v1/orders/{id}/fulfilments/{fulfilment}", tag = "admin",
    security(("token" = [])), request_body = FulfilmentPatch,
    params(("id" = String, Path, description = "The order's id"),
        ("fulfilment" = String, Path, description = "The fulfilment's id"),
        ("If-Match" = Option<String>, Header, description = "The version the order must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, description = "The order as it is then", body = OrderView),
        (status = 404, body = Problem), (status = 409, description = "`wrong_state`", body = Problem),
        (status = 412, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    program: Program<OrdersWrite>,
    Path((id, fulfilment)): Path<(String, String)>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let order: OrderId = order_id(&id)?;
    let expected_version = if_match(&headers)?;
    let patch: FulfilmentPatch = body.json()?;
    let command = Command::ChangeTracking(ChangeTracking {
        order,
        expected_version,
        fulfilment: fulfilment_id(&fulfilment)?,
        tracking: tracking(patch.tracking),
    });
    let parts: [&[u8]; 4] = [b"PATCH /fulfilments", id.as_bytes(), fulfilment.as_bytes(), &body.0];
    let idempotency = key.bind(&program.token.0, &parts);
    submit(&web, 200, Submission { command, idempotency }, expected_version.is_some()).await
}

/// Takes a fulfilment back: its pieces are on hand and reserved again.
#[utoipa::path(post, path = "/api/admin/v1/orders/{id}/fulfilments/{fulfilment}/cancel", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The order's id"),
        ("fulfilment" = String, Path, description = "The fulfilment's id"),
        ("If-Match" = Option<String>, Header, description = "The version the order must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, description = "The order as it is then", body = OrderView),
        (status = 404, body = Problem), (status = 412, description = "`stale`", body = Problem)))]
pub async fn cancel(
    State(web): State<Web>,
    program: Program<OrdersWrite>,
    Path((id, fulfilment)): Path<(String, String)>,
    headers: HeaderMap,
    key: IdempotencyKey,
) -> ApiResult {
    let order: OrderId = order_id(&id)?;
    let expected_version = if_match(&headers)?;
    let command = Command::CancelFulfilment(CancelFulfilment {
        order,
        expected_version,
        fulfilment: fulfilment_id(&fulfilment)?,
    });
    let parts: [&[u8]; 3] = [b"POST /fulfilments/cancel", id.as_bytes(), fulfilment.as_bytes()];
    let idempotency = key.bind(&program.token.0, &parts);
    submit(&web, 200, Submission { command, idempotency }, expected_version.is_some()).await
}
