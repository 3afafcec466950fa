//! Customers, as the merchant's programs read and change them.

use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_app::answer::Answer;
use stoa_app::customer::store::{self, Bought};
use stoa_app::error::StoreError;
use stoa_app::view::{MoneyView, Problem};
use stoa_app::{Tx, back_office, customer};
use stoa_domain::customer::{Customer, CustomerDraft};
use stoa_kernel::CustomerId;
use utoipa::ToSchema;

use super::list::ListQuery;
use super::products::{context, save_error};
use super::{Edited, if_match, once};
use crate::api::products::with_etag;
use crate::extract::{CustomersRead, CustomersWrite, IdempotencyKey, Program, RawBody};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// Orders named with a customer.
const ORDERS: i64 = 50;

/// What changes of a customer; a field that is not given stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerBody {
    /// Their name.
    pub name: Option<String>,
    /// What is noted about them; they never see it.
    pub note: Option<String>,
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerView {
    /// Their id.
    pub id: String,
    /// Their address, in lower case.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What is noted about them; they never see it.
    pub note: String,
    /// Orders placed and not cancelled.
    pub n_orders: i64,
    /// What those came to, in each currency.
    pub spent: Vec<MoneyView>,
    /// Counts the changes; what `If-Match` compares.
    pub version: i64,
    /// When the first order was placed.
    pub created_at: String,
    /// When this last changed.
    pub updated_at: String,
}

/// A customer with their orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerWithOrders {
    /// The customer.
    #[serde(flatten)]
    pub customer: CustomerView,
    /// The ids of their newest orders, at most 50, the newest first.
    pub order_ids: Vec<String>,
}

/// A page of customers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customers {
    /// The customers, the newest first.
    pub items: Vec<CustomerView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

fn view(customer: &Customer, bought: Option<&Bought>) -> CustomerView {
    let spent = bought.map_or(&[][..], |bought| bought.spent.as_slice());
    CustomerView {
        id: customer.id.to_string(),
        email: customer.email.clone(),
        name: customer.name.clone(),
        note: customer.note.clone(),
        n_orders: bought.map_or(0, |bought| bought.n_orders),
        spent: spent.iter().copied().map(MoneyView::from).collect(),
        version: customer.version,
        created_at: customer.created_at.to_string(),
        updated_at: customer.updated_at.to_string(),
    }
}

async fn whole(tx: &mut Tx, customer: &Customer) -> Result<CustomerWithOrders, StoreError> {
    let bought = store::bought(tx, &[customer.id]).await?;
    let orders = back_office::store::orders_of(tx, customer.id, ORDERS).await?;
    Ok(CustomerWithOrders {
        customer: view(customer, bought.get(&customer.id)),
        order_ids: orders.iter().map(|order| order.id.to_string()).collect(),
    })
}

fn customer_id(text: &str) -> Result<CustomerId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("customer"))
}

/// Lists customers, the newest first.
#[utoipa::path(get, path = "/api/admin/v1/customers", tag = "admin", security(("token" = [])),
    params(
        ("q" = Option<String>, Query, description = "Part of an e-mail address or a name"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = Customers), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(web): State<Web>,
    _: Program<CustomersRead>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let query = ListQuery::<CustomerId, ()>::read(query.as_deref(), |_| None)?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::list(&mut tx, &query.text, query.after, query.limit).await?;
    let total = store::count(&mut tx, &query.text).await?;
    let ids: Vec<CustomerId> = found.iter().map(|customer| customer.id).collect();
    let bought = store::bought(&mut tx, &ids).await?;
    let page = Customers {
        next_cursor: query.next(found.len(), found.last().map(|customer| customer.id)),
        items: found.iter().map(|customer| view(customer, bought.get(&customer.id))).collect(),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

/// Reads a customer.
#[utoipa::path(get, path = "/api/admin/v1/customers/{id}", tag = "admin",
    security(("token" = [])), params(("id" = String, Path, description = "The customer's id")),
    responses((status = 200, body = CustomerWithOrders), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<CustomersRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::find(&mut tx, customer_id(&id)?).await?;
    let found = found.ok_or_else(|| ApiError::not_found("customer"))?;
    let view = whole(&mut tx, &found).await?;
    Ok(with_etag(reply::json(200, &view), found.version))
}

/// Changes what is known of a customer; fields that are not given stay.
#[utoipa::path(patch, path = "/api/admin/v1/customers/{id}", tag = "admin",
    security(("token" = [])), request_body = CustomerBody,
    params(("id" = String, Path, description = "The customer's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = CustomerWithOrders), (status = 404, body = Problem),
        (status = 412, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    program: Program<CustomersWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = customer_id(&id)?;
    let expected = if_match(&headers)?;
    let change: CustomerBody = body.json()?;
    let key =
        key.bind(&program.token.0, &[b"PATCH /customers", id.to_string().as_bytes(), &body.0]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let before = store::find(tx, id).await?;
            let before = before.ok_or_else(|| ApiError::not_found("customer"))?;
            let draft = CustomerDraft {
                name: change.name.unwrap_or(before.name),
                note: change.note.unwrap_or(before.note),
            };
            let changed = customer::update_in(tx, &mut context(&web)?, id, expected, draft).await;
            let changed = changed.map_err(|error| save_error(error, expected.is_some()))?;
            Ok(Edited { answer: Answer::json(200, &whole(tx, &changed).await?), product: None })
        })
    })
    .await
}
