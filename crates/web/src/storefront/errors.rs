//! Problems as pages, for those who read pages.
//!
//! Handlers fail with a problem ([`crate::reply::ApiError`]) wherever they are; here it becomes a
//! page when a browser asked for one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use http::header::{ACCEPT, COOKIE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response};
use stoa_app::catalog::service::CategoryTree;
use stoa_app::view::Problem;
use stoa_pages::storefront::ErrorPage;

use super::cookies;
use super::frame::{Frame, private_page};
use super::views::sentence;
use crate::state::Web;

/// Who asks, as far as an error page must know.
#[derive(Debug)]
pub struct Asker {
    wants_page: bool,
    cookies: Option<HeaderValue>,
}

impl Asker {
    /// Reads it from the request, before a handler takes that.
    pub fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let is_program = ["/api/", "/health/", "/metrics"].iter().any(|p| path.starts_with(p))
            && !(path == "/api/docs" && request.method() == Method::GET);
        let accepts = request.headers().get(ACCEPT).map_or(&b"*/*"[..], HeaderValue::as_bytes);
        let accepts = String::from_utf8_lossy(accepts);
        let prefers_json = accepts.contains("json") && !accepts.contains("text/html");
        Self {
            wants_page: !is_program && !prefers_json,
            cookies: request.headers().get(COOKIE).cloned(),
        }
    }

    /// Whether an error is to be a page.
    pub const fn wants_page(&self) -> bool {
        self.wants_page
    }
}

/// The page for a problem.
pub async fn page(web: &Web, asker: &Asker, problem: &Problem) -> Response<Body> {
    // The page must come also when the categories cannot be read.
    let frame = match Frame::load(web).await {
        Ok(frame) => frame,
        Err(_) => Frame::new(web, Arc::new(CategoryTree::default())),
    };
    let mut page = ErrorPage::new(frame.private(""), problem.status);
    // For these the usual words are better than ours.
    if !matches!(problem.status, 404 | 410 | 500..) {
        page.message = sentence(&problem.detail);
    }
    let mut headers = HeaderMap::new();
    if let Some(cookies) = &asker.cookies {
        headers.insert(COOKIE, cookies.clone());
    }
    let count = cookies::cart_count(&headers);
    let mut response = private_page(problem.status, &page.render(), count);
    if problem.status == 503 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
