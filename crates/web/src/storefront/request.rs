//! Reads what browsers send.

use axum::extract::{FromRequest, Request};

use crate::api::products::pairs;
use crate::browser::is_same_origin;
use crate::extract::RawBody;
use crate::reply::ApiError;
use crate::state::Web;

/// The fields of a posted form. Forms that another site makes a visitor send are refused, and
/// there is no other way to a form's fields.
pub struct Form {
    fields: Vec<(String, String)>,
}

impl FromRequest<Web> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, web: &Web) -> Result<Self, ApiError> {
        if !is_same_origin(request.headers(), &web.options().public_url) {
            return Err(ApiError::new(
                403,
                "cross_site",
                "this form was sent by another site, so nothing was changed; go back to the shop \
                 and try there",
            ));
        }
        let body = RawBody::from_request(request, web).await?;
        Ok(Self { fields: pairs(&String::from_utf8_lossy(&body.0)) })
    }
}

impl Form {
    /// The value of a field; of several the last, and nothing where it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The same without blanks around it.
    pub(super) fn line(&self, name: &str) -> &str {
        self.get(name).trim()
    }
}

/// The parameter of a query string.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let query = query?;
    // Most requests have no such parameter: do not decode for them.
    if !query.contains(name) {
        return None;
    }
    pairs(query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
