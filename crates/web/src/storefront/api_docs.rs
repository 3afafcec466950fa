//! `/api/docs`: the API for people.

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use stoa_pages::docs::ApiDocsPage;

use super::cookies;
use super::frame::Frame;
use crate::api::docs::DOCUMENT;
use crate::page_cache::Page;
use crate::reply::ApiError;
use crate::state::Web;

/// Shows the OpenAPI document.
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Result<Response<Body>, ApiError> {
    const ADDRESS: &str = "/api/docs";
    let stamp = web.stamp().await?;
    let page = match web.pages().listing(ADDRESS, &stamp) {
        Some(page) => page,
        None => {
            let layout = Frame::load(&web).await?.public("API", ADDRESS);
            let html = ApiDocsPage::new(layout, &DOCUMENT).render();
            web.pages().put_listing(ADDRESS.to_owned(), Page::new(&html, stamp))
        }
    };
    Ok(page.respond(&headers, cookies::cart_count(&headers)))
}
