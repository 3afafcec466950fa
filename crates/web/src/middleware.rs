//! What happens around every handler, outermost first: a panic becomes a 500; the request is
//! counted; text is compressed for who asks for it; pages get the headers that keep them safe.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::reply::ApiError;
use crate::state::Web;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' https: data:; frame-ancestors 'none'; base-uri 'self'; \
     form-action 'self'; object-src 'none'",
);

/// Counts requests and sets the headers that every answer carries.
pub async fn around(State(web): State<Web>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let is_page =
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    web.metrics().request(route, response.status().as_u16(), began.elapsed());
    response
}

/// The answer to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the signature that tower-http asks for")]
pub fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    ApiError::internal(&text).into_response()
}
