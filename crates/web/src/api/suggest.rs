//! Completes what is being typed.
#![allow(unused_qualifications, reason = "the description macro spells types out")]

use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use stoa_kernel::limits;
use stoa_ports::search::SuggestionKind;
use utoipa::{IntoParams, ToSchema};

use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// What is being typed.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Prefix {
    /// At most 200 bytes.
    #[serde(default)]
    pub q: String,
}

/// A completion.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuggestionView {
    /// The completed text.
    pub text: String,
    /// `query`, `product`, `category` or `brand`.
    pub kind: &'static str,
    /// Handle of the product or category it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Where it leads.
    pub url: String,
}

/// Completions, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestions {
    /// At most 8.
    pub items: Vec<SuggestionView>,
    /// Always `null`.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
}

/// Completes what is being typed with categories, brands, products and searches.
#[utoipa::path(get, path = "/api/v1/suggest", tag = "catalogue", params(Prefix),
    responses((status = 200, body = Suggestions)))]
pub async fn suggest(State(web): State<Web>, Query(prefix): Query<Prefix>) -> ApiResult {
    if prefix.q.len() > limits::QUERY_BYTES {
        return Err(ApiError::new(422, "invalid", "q has at most 200 bytes"));
    }
    let found = web.shop().search.suggest(&prefix.q, 8).await?;
    let items: Vec<SuggestionView> = found
        .into_iter()
        .map(|suggestion| {
            let (kind, url) = match &suggestion.kind {
                SuggestionKind::Query => {
                    ("query", format!("/search?q={}", encode(&suggestion.text)))
                }
                SuggestionKind::Product(handle) => ("product", format!("/products/{handle}")),
                SuggestionKind::Category(handle) => ("category", format!("/categories/{handle}")),
                SuggestionKind::Brand => {
                    ("brand", format!("/search?brand={}", encode(&suggestion.text)))
                }
            };
            let handle = match suggestion.kind {
                SuggestionKind::Product(handle) | SuggestionKind::Category(handle) => Some(handle),
                SuggestionKind::Query | SuggestionKind::Brand => None,
            };
            SuggestionView { text: suggestion.text, kind, handle, url }
        })
        .collect();
    let total = u64::try_from(items.len()).unwrap_or(0);
    Ok(reply::json(200, &Suggestions { items, next_cursor: None, total }))
}

/// A text as the value of a query parameter (RFC 3986).
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
