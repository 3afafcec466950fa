//! The OpenAPI document, and the schemas of events.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use stoa_app::events::envelope::SCHEMAS_PATH;
use stoa_domain::event::schemas;

use crate::reply::{self, ApiError};
use crate::state::Web;

/// The document; the storefront renders it at `/api/docs`.
pub static DOCUMENT: LazyLock<serde_json::Value> =
    LazyLock::new(|| serde_json::to_value(super::document()).unwrap_or_default());

/// `/api/openapi.json`, and where events say that their schemas are.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/api/openapi.json", get(openapi))
        .route(&format!("{SCHEMAS_PATH}/{{type}}/{{version}}"), get(event_schema))
}

async fn openapi() -> Response {
    reply::json(200, &*DOCUMENT)
}

async fn event_schema(Path((kind, version)): Path<(String, String)>) -> Result<Response, ApiError> {
    let schema = version.parse().ok().and_then(|version| schemas::find(&kind, version));
    let schema = schema.ok_or_else(|| ApiError::not_found("schema"))?;
    let mut response = Response::new(Body::from(schema.text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/schema+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(response)
}
