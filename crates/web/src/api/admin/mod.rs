//! The merchant's API. Every handler takes a [`crate::extract::Program`] of the scope it needs.

pub mod orders;
pub mod products;
pub mod stock;

use http::HeaderMap;
use http::header::IF_MATCH;
use stoa_app::answer::Answer;
use stoa_app::idempotency::{self, Idempotency, Kept};
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

/// Runs a rare edit under an idempotency key: a repeat gets the kept answer. The key is kept after
/// the edit, so that a crash between both lets the edit be repeated; edits of the catalogue say
/// what is to be, not what is to change, so that a repeat does no harm.
///
/// # Errors
/// What the edit fails with.
pub async fn once<F>(web: &Web, key: Option<Idempotency>, edit: F) -> ApiResult
where
    F: Future<Output = Result<Answer, ApiError>>,
{
    let store = |error| ApiError::from(stoa_app::error::StoreError::from(error));
    let Some(key) = key else {
        let answer = edit.await?;
        return Ok(reply::raw(answer.status, answer.body));
    };
    let mut tx = web.shop().db.read().await.map_err(store)?;
    let kept = idempotency::load(&mut tx, &[key.key]).await?.pop();
    drop(tx);
    if let Some(kept) = kept {
        if kept.fingerprint != key.fingerprint {
            return Err(reply::undone(stoa_app::engine::Outcome::KeyReused));
        }
        if let Some(answer) = kept.answer {
            return Ok(reply::replayed(reply::raw(answer.status, answer.body)));
        }
    }
    let answer = match edit.await {
        Ok(answer) => answer,
        Err(error) if error.0.status >= 500 => return Err(error),
        Err(error) => Answer::problem(&error.0),
    };
    let kept = Kept {
        key: key.key,
        fingerprint: key.fingerprint,
        order_id: None,
        answer: Some(answer.clone()),
    };
    let mut tx = web.shop().db.begin().await.map_err(store)?;
    idempotency::keep(&mut tx, &kept, (web.shop().clock)()).await?;
    tx.commit().await.map_err(store)?;
    Ok(reply::raw(answer.status, answer.body))
}
