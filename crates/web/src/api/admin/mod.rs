//! The merchant's API. Every handler takes a [`crate::extract::Program`] of the scope it needs.

pub mod abandoned_carts;
pub mod customers;
pub mod fulfilments;
pub mod list;
pub mod orders;
pub mod products;
pub mod stock;
pub mod vendors;
pub mod webhooks;

use std::pin::Pin;

use axum::body::Body;
use http::header::IF_MATCH;
use http::{HeaderMap, Response};
use stoa_app::Tx;
use stoa_app::answer::Answer;
use stoa_app::error::StoreError;
use stoa_app::idempotency::{self, Idempotency, Kept};
use stoa_kernel::{ProductId, VendorId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// The described routes.
pub fn described() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(products::list, products::create))
        .routes(routes!(products::read, products::update, products::delete))
        .routes(routes!(products::read_variant, products::update_variant, products::delete_variant))
        .routes(routes!(products::create_variant))
        .routes(routes!(stock::set, stock::read))
        .routes(routes!(orders::list))
        .routes(routes!(orders::read))
        .routes(routes!(orders::cancel))
        .routes(routes!(abandoned_carts::list))
        .routes(routes!(abandoned_carts::read))
        .routes(routes!(customers::list))
        .routes(routes!(customers::read, customers::update))
        .routes(routes!(fulfilments::create))
        .routes(routes!(fulfilments::update))
        .routes(routes!(fulfilments::cancel))
        .routes(routes!(vendors::list, vendors::create))
        .routes(routes!(vendors::read, vendors::update))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::read, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::delivery))
        .routes(routes!(webhooks::replay_delivery))
        .routes(routes!(webhooks::replay_range))
}

/// The version that `If-Match` names; `None` without one or with `*`.
///
/// # Errors
/// `412` for a tag that no version of ours has.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse().ok();
    version.map(Some).ok_or_else(stale)
}

/// What a request with an outdated `If-Match` is answered.
pub fn stale() -> ApiError {
    ApiError::new(
        412,
        "stale",
        "it has changed since you read it; read it again and repeat your change",
    )
}

/// What an edit answers, and which product it has changed.
pub struct Edited {
    /// The answer.
    pub answer: Answer,
    /// The product, of an edit of the catalogue or of stock.
    pub product: Option<ProductId>,
}

/// An edit that runs within a transaction.
pub type Edit<'a> = Pin<Box<dyn Future<Output = Result<Edited, ApiError>> + Send + 'a>>;

/// Runs an edit, in a transaction of the vendor where it is a vendor's: a batch of one, the
/// idempotency key in the same transaction. A repeat gets the kept answer; repeats that arrive
/// together wait for the first.
///
/// # Errors
/// What the edit fails with.
pub async fn once(
    web: &Web,
    vendor: Option<VendorId>,
    key: Option<Idempotency>,
    edit: impl for<'a> FnOnce(&'a mut Tx) -> Edit<'a> + Send,
) -> ApiResult {
    let shop = web.shop();
    let mut tx = begin(web, vendor).await?;
    if let Some(key) = &key
        && let Some(known) = repeat(&mut tx, key).await?
    {
        return Ok(known);
    }
    let edited = edit(&mut tx).await;
    let (answer, product) = match edited {
        Ok(Edited { answer, product }) => (answer, product),
        Err(error) if error.0.status >= 500 => return Err(error),
        Err(error) => {
            let Some(key) = &key else { return Err(error) };
            // What a refused edit has written goes; its answer is kept nevertheless.
            drop(tx);
            tx = begin(web, vendor).await?;
            if let Some(known) = repeat(&mut tx, key).await? {
                return Ok(known);
            }
            (Answer::problem(&error.0), None)
        }
    };
    if let Some(Idempotency { key, fingerprint }) = key {
        let kept = Kept { key, fingerprint, order_id: None, answer: Some(answer.clone()) };
        idempotency::keep(&mut tx, &[&kept], |_| true, (shop.clock)()).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    if let Some(product) = product {
        shop.catalog.forget(&[product], true);
        shop.wake.notify_waiters();
    }
    Ok(reply::raw(answer.status, answer.body))
}

async fn begin(web: &Web, vendor: Option<VendorId>) -> Result<Tx, ApiError> {
    let db = &web.shop().db;
    let begun = match vendor {
        Some(vendor) => db.begin_scoped(vendor).await,
        None => db.begin().await,
    };
    Ok(begun.map_err(StoreError::from)?)
}

/// The answer that was given under this key before, if any.
async fn repeat(tx: &mut Tx, key: &Idempotency) -> Result<Option<Response<Body>>, ApiError> {
    let kept = idempotency::load(tx, &[key.key]).await?.pop();
    match kept {
        Some(kept) if kept.fingerprint != key.fingerprint => {
            Err(reply::undone(stoa_app::engine::Outcome::KeyReused))
        }
        Some(Kept { answer: Some(answer), .. }) => {
            Ok(Some(reply::replayed(reply::raw(answer.status, answer.body))))
        }
        _ => Ok(None),
    }
}
