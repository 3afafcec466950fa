//! Abandoned carts, as the merchant's programs read them.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use stoa_app::cart::abandoned::store::{self, Became, Shown};
use stoa_app::error::StoreError;
use stoa_app::view::{AddressView, MoneyView, Problem};
use stoa_kernel::AbandonedCartId;
use utoipa::ToSchema;

use super::list::ListQuery;
use crate::extract::{OrdersRead, Program};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A cart that was abandoned, and what is in it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct AbandonedCartView {
    /// Its id, which opens nothing: only the shopper can change the cart.
    pub id: String,
    /// `abandoned`, or `recovered`: it has become an order.
    pub status: &'static str,
    /// The order it has become.
    pub order_id: Option<String>,
    /// Where its shopper can be reached; `null` when they took it out again.
    pub email: Option<String>,
    /// Where the goods would go.
    pub shipping_address: Option<AddressView>,
    /// The goods in it now.
    pub lines: Vec<AbandonedLineView>,
    /// What it came to when it was found to be abandoned.
    pub total: MoneyView,
    /// When that was.
    pub abandoned_at: String,
    /// When the cart last changed.
    pub updated_at: String,
}

/// A line of an abandoned cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct AbandonedLineView {
    /// The variant.
    pub variant_id: String,
    /// Its product.
    pub product_id: String,
    /// Its SKU when it was added.
    pub sku: String,
    /// Its product's title when it was added.
    pub title: String,
    /// Its option values; empty for a product without choice.
    pub variant_title: String,
    /// Pieces.
    pub quantity: i64,
    /// The price of one that the shopper saw.
    pub unit_price: MoneyView,
}

/// A page of abandoned carts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AbandonedCarts {
    /// The carts, those abandoned last first.
    pub items: Vec<AbandonedCartView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

fn view(shown: Shown) -> AbandonedCartView {
    let Shown { cart, body, updated_at, .. } = shown;
    let lines = body.lines.into_iter().map(|line| AbandonedLineView {
        variant_id: line.variant_id.to_string(),
        product_id: line.product_id.to_string(),
        sku: line.sku,
        title: line.title,
        variant_title: line.variant_title,
        quantity: line.quantity,
        unit_price: line.unit_price.into(),
    });
    AbandonedCartView {
        id: cart.id.to_string(),
        status: Became::of(&cart).as_str(),
        order_id: cart.recovered.map(|order| order.to_string()),
        email: body.email,
        shipping_address: body.shipping_address.as_ref().map(AddressView::from),
        lines: lines.collect(),
        total: cart.total.into(),
        abandoned_at: cart.abandoned_at.to_string(),
        updated_at: updated_at.to_string(),
    }
}

/// Lists abandoned carts, those abandoned last first.
#[utoipa::path(get, path = "/api/admin/v1/abandoned-carts", tag = "admin",
    security(("token" = [])),
    params(
        ("status" = Option<String>, Query, description = "`abandoned` or `recovered`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = AbandonedCarts), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(web): State<Web>,
    _: Program<OrdersRead>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let query =
        ListQuery::<AbandonedCartId, _>::read(query.as_deref(), Became::parse)?.without_text()?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::list(&mut tx, query.status, query.after, query.limit).await?;
    let total = store::count(&mut tx, query.status).await?;
    let page = AbandonedCarts {
        next_cursor: query.next(found.len(), found.last().map(|shown| shown.cart.id)),
        items: found.into_iter().map(view).collect(),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

/// Reads an abandoned cart.
#[utoipa::path(get, path = "/api/admin/v1/abandoned-carts/{id}", tag = "admin",
    security(("token" = [])), params(("id" = String, Path, description = "The cart's id")),
    responses((status = 200, body = AbandonedCartView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<OrdersRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let not_found = || ApiError::not_found("abandoned cart");
    let id = id.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    Ok(reply::json(200, &view(found)))
}
