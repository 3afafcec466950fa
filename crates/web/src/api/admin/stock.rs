//! Stock, as warehouse systems set it.

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use stoa_app::Tx;
use stoa_app::answer::{StockView, stock};
use stoa_app::engine::{Outcome, Submission};
use stoa_app::error::StoreError;
use stoa_app::view::Problem;
use stoa_domain::command::VariantRef;
use stoa_domain::inventory::SetStock;
use stoa_domain::{Command, Reply};
use utoipa::ToSchema;

use crate::extract::{IdempotencyKey, ProductsRead, Program, RawBody, StockWrite};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Code of the location; `default` unless given.
    #[serde(default = "default_location")]
    #[schema(example = "default")]
    pub location: String,
    /// Pieces counted, 0 to 1,000,000,000.
    #[schema(example = 25)]
    pub on_hand: i64,
    /// What `on_hand` must be now; the count is refused with `409 stale` when it is not.
    pub expected: Option<i64>,
}

fn default_location() -> String {
    "default".to_owned()
}

/// Stock of a variant at each location.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockLevels {
    /// One for each location that has stock of it.
    pub items: Vec<StockAt>,
    /// Always `null`.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
}

/// Stock at a location.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockAt {
    /// Code of the location.
    pub location: String,
    /// What is there.
    #[serde(flatten)]
    pub stock: StockView,
}

/// Sets what is on hand; with `expected` only if that is what the caller last saw.
#[utoipa::path(put, path = "/api/admin/v1/stock/{sku}", tag = "admin", security(("token" = [])),
    request_body = Count,
    params(("sku" = String, Path, description = "The variant's SKU"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = StockView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn set(
    State(web): State<Web>,
    program: Program<StockWrite>,
    Path(sku): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let count: Count = body.json()?;
    let idempotency = key.bind(&program.token.0, &[b"PUT /stock", sku.as_bytes(), &body.0]);
    let command = Command::SetStock(SetStock {
        variant: VariantRef::Sku(sku),
        location: count.location,
        on_hand: count.on_hand,
        expected: count.expected,
    });
    let submission = Submission { command, idempotency };
    match web.shop().engine.submit(submission).await {
        Outcome::Done { reply: Reply::Stock(level), .. } => {
            web.shop().wake.notify_waiters();
            Ok(reply::json(200, &stock(&level)))
        }
        Outcome::Replayed(answer) => Ok(reply::replayed(reply::raw(answer.status, answer.body))),
        other => Err(reply::undone(other)),
    }
}

/// Reads the stock of a variant at each location.
#[utoipa::path(get, path = "/api/admin/v1/stock/{sku}", tag = "admin", security(("token" = [])),
    params(("sku" = String, Path, description = "The variant's SKU")),
    responses((status = 200, body = StockLevels), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<ProductsRead>,
    Path(sku): Path<String>,
) -> ApiResult {
    let tx = web.shop().db.read().await.map_err(StoreError::from)?;
    read_in(&web, tx, sku).await
}

/// The stock of a variant as a transaction sees it.
pub(crate) async fn read_in(web: &Web, mut tx: Tx, sku: String) -> ApiResult {
    let currency = web.shop().config.currency;
    let offers = stoa_app::catalog::store::offers_by_sku(&mut tx, &[sku], currency).await?;
    let offer = offers.first().ok_or_else(|| ApiError::not_found("variant"))?;
    let levels = stoa_app::inventory::store::levels(&mut tx, &[offer.variant_id]).await?;
    let locations = stoa_app::inventory::store::locations(&mut tx).await?;
    let items: Vec<StockAt> = levels
        .iter()
        .map(|level| StockAt {
            location: locations
                .iter()
                .find(|(id, _)| *id == level.location_id)
                .map(|(_, code)| code.clone())
                .unwrap_or_default(),
            stock: stock(level),
        })
        .collect();
    let total = u64::try_from(items.len()).unwrap_or(0);
    Ok(reply::json(200, &StockLevels { items, next_cursor: None, total }))
}
