//! Reads what browsers send.

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{HOST, ORIGIN};

use crate::api::products::pairs;
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

/// Whether a request comes from a page of this shop. Browsers say where a request comes from in
/// `Sec-Fetch-Site`, older ones in `Origin`, and let no page forge either. A client that sends
/// neither is no browser, so it carries nobody's cookies against their will.
fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let Some(origin) = text(ORIGIN.as_str()) else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == public_url || (host.is_some() && host == text(HOST.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_shop_may_post() {
        let allowed = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_same_origin(&headers, "https://shop.example")
        };
        let host = ("host", "shop.internal:8080");
        assert!(allowed(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[host, ("sec-fetch-site", "none")]));
        assert!(allowed(&[host, ("origin", "http://shop.internal:8080")]));
        assert!(allowed(&[host, ("origin", "https://shop.example")]));
        assert!(allowed(&[host]));
        assert!(!allowed(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!allowed(&[host, ("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[host, ("origin", "https://evil.example")]));
        assert!(!allowed(&[host, ("origin", "null")]));
        assert!(!allowed(&[
            host,
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://shop.example")
        ]));
        assert!(!allowed(&[("origin", "null")]));
    }
}
