//! Answers.

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use stoa_app::answer::Answer;
use stoa_app::catalog::SaveError;
use stoa_app::engine::Outcome;
use stoa_app::error::StoreError;
use stoa_app::staff::StaffError;
use stoa_app::view::Problem;
use stoa_domain::Refusal;
use stoa_ports::search::SearchError;

/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Content type of problems.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Content type of everything else.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A problem on its way out. Every failure of an API handler becomes one.
#[derive(Debug)]
pub struct ApiError(pub Box<Problem>);

/// What API handlers answer.
pub type ApiResult = Result<Response<Body>, ApiError>;

impl ApiError {
    /// A problem with a status, a code and a sentence.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(status, code, detail)))
    }

    /// Nothing there, or nothing the asker may know of.
    pub fn not_found(what: &'static str) -> Self {
        Refusal::NotFound(what).into()
    }

    /// The shop cannot do it now.
    pub fn unavailable() -> Self {
        Self::new(503, "unavailable", "the shop cannot do this right now; repeat the request")
    }

    /// A fault of ours; the cause goes to the log, not out.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(500, "internal", "something went wrong on our side; the shop's log says what")
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(Problem::from(&refusal)))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_denied() {
            return Self::new(403, "forbidden", "this is not for a vendor to do");
        }
        if error.is_unavailable() { Self::unavailable() } else { Self::internal(&error) }
    }
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Refused(refusal) => refusal.into(),
            SaveError::Store(error) => error.into(),
        }
    }
}

impl From<StaffError> for ApiError {
    fn from(error: StaffError) -> Self {
        Self::internal(&error)
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Invalid(detail) => Self::new(422, "invalid", detail),
            SearchError::Engine(detail) => Self::internal(&detail),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let answer = Answer::problem(&self.0);
        let mut response = raw(answer.status, answer.body);
        // For the layer that shows problems as pages to those who read pages.
        response.extensions_mut().insert(Arc::<Problem>::from(self.0));
        response
    }
}

/// An answer with a body that is JSON already.
pub fn raw(status: u16, body: String) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let is_problem = status.is_client_error() || status.is_server_error();
    let content_type = if is_problem { PROBLEM_JSON } else { JSON };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An answer with a body to be written as JSON.
pub fn json(status: u16, body: &impl Serialize) -> Response<Body> {
    let answer = Answer::json(status, body);
    raw(answer.status, answer.body)
}

/// An answer that was given before.
pub fn replayed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// What an outcome of the engine that is neither done nor replayed answers.
pub fn undone(outcome: Outcome) -> ApiError {
    match outcome {
        Outcome::Refused(refusal) => refusal.into(),
        Outcome::KeyReused => ApiError::new(
            422,
            "idempotency_key_reused",
            "this Idempotency-Key was used with another request; use a new one",
        ),
        Outcome::Unavailable => ApiError::unavailable(),
        Outcome::Done { .. } | Outcome::Replayed(_) => {
            ApiError::internal(&"a command answered something it cannot answer")
        }
    }
}
