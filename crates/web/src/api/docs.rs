//! The OpenAPI document.

use std::sync::LazyLock;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::reply;
use crate::state::Web;

/// The document; the storefront renders it at `/api/docs`.
pub static DOCUMENT: LazyLock<serde_json::Value> =
    LazyLock::new(|| serde_json::to_value(super::document()).unwrap_or_default());

/// `/api/openapi.json`.
pub fn routes() -> Router<Web> {
    Router::new().route("/api/openapi.json", get(openapi))
}

async fn openapi() -> Response {
    reply::json(200, &*DOCUMENT)
}
