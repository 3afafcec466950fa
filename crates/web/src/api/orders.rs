//! Orders as their shoppers see them.
#![allow(unused_qualifications, reason = "the description macro spells types out")]

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use stoa_app::view::{OrderView, Problem};
use stoa_domain::order::Order;
use stoa_kernel::{OrderId, Token};
use utoipa::IntoParams;

use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// What lets the shopper in.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Access {
    /// The token that came with the order.
    pub token: Option<String>,
}

/// Reads an order; needs the token that came with it.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "order",
    params(("id" = String, Path, description = "The order's id"), Access),
    responses((status = 200, body = OrderView), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(access): Query<Access>,
) -> ApiResult {
    let Some(token) = access.token else {
        let what = "give the token that came with the order as ?token=";
        return Err(ApiError::new(401, "unauthenticated", what));
    };
    let order = load(&web, &id, &token).await?;
    Ok(reply::json(200, &OrderView::from(&order).with_token(token)))
}

/// The order that an id names, for whoever holds its token; no such order for everyone else.
///
/// # Errors
/// Wrong id or token, or the store failed.
pub async fn load(web: &Web, id: &str, token: &str) -> Result<Order, ApiError> {
    let not_found = || ApiError::not_found("order");
    let id: OrderId = id.parse().map_err(|_| not_found())?;
    let token: Token = token.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(stoa_app::error::StoreError::from)?;
    let order = stoa_app::order::store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let granted = subtle::ConstantTimeEq::ct_eq(&order.token_hash.0[..], &token.hash().0[..]);
    if bool::from(granted) { Ok(order) } else { Err(not_found()) }
}
