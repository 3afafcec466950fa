//! What a vendor's programs do with its own products, stock and sold lines. Every handler takes a
//! [`VendorProgram`] and opens transactions of its vendor alone, so that nothing of others is there
//! to be found: it is answered 404.

use std::fmt;
use std::str::FromStr;

use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde::Serialize;
use stoa_app::Tx;
use stoa_app::answer::{Answer, StockView, stock};
use stoa_app::error::StoreError;
use stoa_app::inventory::set_stock_in;
use stoa_app::order::store::{SoldLine, sold_lines};
use stoa_app::view::{MoneyView, Problem};
use stoa_domain::catalog::Status;
use stoa_domain::inventory::SetStock;
use stoa_domain::order::OrderStatus;
use stoa_kernel::OrderId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::admin::list::ListQuery;
use super::admin::products::{
    self, AdminProducts, ProductBody, context, create_for, list_in, update_for,
};
use super::admin::stock::{self, Count, StockLevels};
use super::admin::{Edited, once};
use super::products::ProductView;
use crate::extract::{IdempotencyKey, RawBody, VendorProgram};
use crate::reply::{self, ApiResult};
use crate::state::Web;

/// The described routes.
pub fn described() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list_products, create_product))
        .routes(routes!(read_product, update_product))
        .routes(routes!(read_stock, set_stock))
        .routes(routes!(list_order_lines))
}

async fn reader(web: &Web, program: VendorProgram) -> Result<Tx, StoreError> {
    Ok(web.shop().db.read_scoped(program.vendor).await?)
}

/// Lists the vendor's products in every state, newest first.
#[utoipa::path(get, path = "/api/vendor/v1/products", tag = "vendor", security(("token" = [])),
    params(
        ("q" = Option<String>, Query, description = "Part of title, handle, SKU or barcode"),
        ("status" = Option<String>, Query, description = "`active`, `draft` or `archived`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = AdminProducts), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list_products(
    State(web): State<Web>,
    program: VendorProgram,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let query = ListQuery::read(query.as_deref(), Status::parse)?;
    list_in(&web, reader(&web, program).await?, query).await
}

/// Makes a product of the vendor, on a shelf that is there.
#[utoipa::path(post, path = "/api/vendor/v1/products", tag = "vendor", security(("token" = [])),
    request_body = ProductBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = ProductView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn create_product(
    State(web): State<Web>,
    program: VendorProgram,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    create_for(web, Some(program.vendor), &program.token, &key, &body).await
}

/// Reads a product of the vendor.
#[utoipa::path(get, path = "/api/vendor/v1/products/{id}", tag = "vendor",
    security(("token" = [])),
    params(("id" = String, Path, description = "The product's id")),
    responses((status = 200, body = ProductView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn read_product(
    State(web): State<Web>,
    program: VendorProgram,
    Path(id): Path<String>,
) -> ApiResult {
    products::read_in(&web, reader(&web, program).await?, &id).await
}

/// Changes a product of the vendor; fields that are not given stay.
#[utoipa::path(patch, path = "/api/vendor/v1/products/{id}", tag = "vendor",
    security(("token" = [])), request_body = ProductBody,
    params(("id" = String, Path, description = "The product's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = ProductView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, description = "`stale`", body = Problem),
        (status = 422, body = Problem)))]
pub async fn update_product(
    State(web): State<Web>,
    program: VendorProgram,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let request = (&headers, &key, &body);
    update_for(web, Some(program.vendor), &program.token, &id, request).await
}

/// Reads the stock of a variant of the vendor at each location.
#[utoipa::path(get, path = "/api/vendor/v1/stock/{sku}", tag = "vendor", security(("token" = [])),
    params(("sku" = String, Path, description = "The variant's SKU")),
    responses((status = 200, body = StockLevels), (status = 404, body = Problem)))]
pub async fn read_stock(
    State(web): State<Web>,
    program: VendorProgram,
    Path(sku): Path<String>,
) -> ApiResult {
    stock::read_in(&web, reader(&web, program).await?, sku).await
}

/// Sets what is on hand of a variant of the vendor; with `expected` only if that is what the caller
/// last saw.
#[utoipa::path(put, path = "/api/vendor/v1/stock/{sku}", tag = "vendor", security(("token" = [])),
    request_body = Count,
    params(("sku" = String, Path, description = "The variant's SKU"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = StockView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn set_stock(
    State(web): State<Web>,
    program: VendorProgram,
    Path(sku): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let Count { location, on_hand, expected } = body.json()?;
    let key = key.bind(&program.token.0, &[b"PUT /stock", sku.as_bytes(), &body.0]);
    once(&web.clone(), Some(program.vendor), key, move |tx| {
        Box::pin(async move {
            let count = |variant| SetStock { variant, location, on_hand, expected };
            let mut ctx = context(&web)?;
            let level = set_stock_in(tx, &web.shop().config, &mut ctx, &sku, count).await?;
            let product = stoa_app::catalog::store::variant(tx, level.variant_id).await?;
            let product = product.map(|(_, product)| product);
            Ok(Edited { answer: Answer::json(200, &stock(&level)), product })
        })
    })
    .await
}

/// A sold line of a product of the vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineView {
    /// The order.
    pub order_id: String,
    /// The order's number, which people use.
    pub order_number: Option<i64>,
    /// `placed` or `cancelled`.
    pub status: &'static str,
    /// When the order was paid.
    pub placed_at: Option<String>,
    /// What was bought.
    pub variant_id: String,
    /// The product it belonged to.
    pub product_id: String,
    /// SKU when it was bought.
    pub sku: String,
    /// Title when it was bought.
    pub title: String,
    /// Option values when it was bought.
    pub variant_title: String,
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece.
    pub unit_price: MoneyView,
    /// What the pieces come to.
    pub subtotal: MoneyView,
    /// What was taken off.
    pub discount: MoneyView,
    /// Tax on it.
    pub tax: MoneyView,
    /// What the line came to.
    pub total: MoneyView,
}

/// A page of sold lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLines {
    /// The lines, of the newest order first.
    pub items: Vec<OrderLineView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
}

/// Where a page of sold lines ends: the order and the line's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LineCursor(OrderId, i64);

impl fmt::Display for LineCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for LineCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (order, position) = text.split_once('.').ok_or(())?;
        Ok(Self(order.parse().map_err(|_| ())?, position.parse().map_err(|_| ())?))
    }
}

/// Lists the lines of orders that sold products of the vendor, newest order first. Nothing tells who
/// ordered, what else was in the order, or how it was paid.
#[utoipa::path(get, path = "/api/vendor/v1/order-lines", tag = "vendor",
    security(("token" = [])),
    params(
        ("status" = Option<String>, Query, description = "`placed` or `cancelled`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = OrderLines), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list_order_lines(
    State(web): State<Web>,
    program: VendorProgram,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let status = |text: &str| {
        let status = OrderStatus::parse(text)?;
        matches!(status, OrderStatus::Placed | OrderStatus::Cancelled).then_some(status)
    };
    let query = ListQuery::<LineCursor, _>::read(query.as_deref(), status)?.without_text()?;
    let mut tx = reader(&web, program).await?;
    let after = query.after.map(|LineCursor(order, position)| (order, position));
    let lines = sold_lines(&mut tx, query.status, after, query.limit).await?;
    let last = lines.last().map(|line| LineCursor(line.order_id, line.position));
    let next_cursor = query.next(lines.len(), last);
    Ok(reply::json(200, &OrderLines { items: lines.iter().map(view).collect(), next_cursor }))
}

fn view(line: &SoldLine) -> OrderLineView {
    OrderLineView {
        order_id: line.order_id.to_string(),
        order_number: line.number,
        status: line.status.as_str(),
        placed_at: line.placed_at.map(|at| at.to_string()),
        variant_id: line.variant_id.to_string(),
        product_id: line.product_id.to_string(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        variant_title: line.variant_title.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price.into(),
        subtotal: line.totals.subtotal.into(),
        discount: line.totals.discount.into(),
        tax: line.totals.tax.into(),
        total: line.totals.total.into(),
    }
}
