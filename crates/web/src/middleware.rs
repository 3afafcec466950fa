//! What happens around every handler, outermost first: the request is counted; a client that sent
//! too many is turned away; problems become
//! pages for those who read pages; pages get the headers that keep them safe; a panic becomes a
//! 500; text is compressed for who asks for it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use stoa_app::view::Problem;

use crate::limits;
use crate::reply::ApiError;
use crate::state::Web;
use crate::storefront::errors::{self, Asker};

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' https: data:; frame-ancestors 'none'; base-uri 'self'; \
     form-action 'self'; object-src 'none'",
);

/// Counts requests and sets the headers that every answer carries.
pub async fn around(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let asker = Asker::of(&request);
    let (applied, admitted) = limits::admit(&web, &mut request).await;
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        response = explained(&web, &asker, response).await;
    }
    let headers = response.headers_mut();
    if let Some(applied) = applied {
        applied.tell(headers);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let is_page =
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    // A page that is shown in a frame has a stricter policy of its own.
    if is_page && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    web.metrics().request(route, response.status().as_u16(), began.elapsed());
    response
}

/// A failure in the form that the asker reads: a page, or a problem document.
async fn explained(web: &Web, asker: &Asker, mut response: Response) -> Response {
    let problem = response.extensions_mut().remove::<Arc<Problem>>();
    if let Some(problem) = problem {
        if asker.wants_page() {
            return errors::page(web, asker, &problem).await;
        }
        return response;
    }
    // The framework refuses what it cannot read (a path that is not UTF-8, say) in plain text.
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type.is_some_and(|kind| !kind.starts_with(b"text/plain")) {
        return response;
    }
    let status = response.status().as_u16();
    let refused = Problem::new(status, "bad_request", "this request could not be understood");
    if asker.wants_page() {
        errors::page(web, asker, &refused).await
    } else {
        ApiError(Box::new(refused)).into_response()
    }
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
