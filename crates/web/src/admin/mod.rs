//! The back office: pages for those who run the shop.

use axum::Router;

use crate::state::Web;

/// The routes of the back office, under `/admin`.
pub fn routes() -> Router<Web> {
    Router::new()
}
