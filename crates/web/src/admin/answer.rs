//! Pages and redirects of the back office.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use stoa_kernel::OrderId;
use stoa_pages::admin::{ErrorPage, Notice, Pager, Section, Tone};

use super::gate::Staff;
use crate::api::products::pairs;
use crate::api::suggest::encode;
use crate::reply::ApiError;
use crate::state::Web;

/// What a handler makes, or fails with: see [`Staff::answer`].
pub(super) type Answer = Result<Response<Body>, ApiError>;

/// A page, which nobody keeps.
pub(super) fn page(status: u16, html: String) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sends the browser on, to read what a form has done.
pub(super) fn see_other(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/admin"));
    response.headers_mut().insert(LOCATION, path);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Staff {
    /// The answer to a request of this user: what a handler made, or a page about what it failed
    /// with.
    pub(super) async fn answer(&self, web: &Web, section: Section, made: Answer) -> Response<Body> {
        let problem = match made {
            Ok(response) => return response,
            Err(error) => error.0,
        };
        let title = match problem.status {
            404 => "This is not here",
            409 | 412 => "This has changed meanwhile",
            503 => "Try again in a moment",
            500.. => "Something went wrong",
            _ => "This could not be done",
        };
        let error = ErrorPage {
            frame: self.frame(web, section).await,
            title: title.to_owned(),
            text: sentence(&problem.detail),
        };
        page(problem.status, error.render())
    }
}

/// A problem's detail as a sentence: an upper-case letter first, a full stop last.
pub(super) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let mut text: String = letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// What a redirect leads to may say what was done, by one of these words.
pub(super) fn notice(query: Option<&str>) -> Option<Notice> {
    let (tone, text) = match parameter(query, "notice").as_str() {
        "created" => (Tone::Ok, "The product was made. Set its stock below."),
        "saved" => (Tone::Ok, "Saved."),
        "unchanged" => (Tone::Info, "Nothing was changed."),
        "deleted" => (Tone::Ok, "The product was deleted."),
        "stock" => (Tone::Ok, "The stock was saved."),
        "shipped" => (Tone::Ok, "Marked as shipped."),
        "taken_back" => (Tone::Ok, "Taken back: its pieces are reserved for the order again."),
        "cancelled" => (Tone::Ok, "The order was cancelled and its money given back."),
        "job" => (Tone::Ok, "The job was made; it begins in a moment."),
        "job_there" => (Tone::Info, "Such a job waits or runs already."),
        "retried" => (Tone::Ok, "It is tried again in a moment."),
        "again" => (Tone::Ok, "It is sent again in a moment."),
        "discarded" => (Tone::Ok, "The job was discarded."),
        "mail" => (Tone::Ok, "The mail is sent in a moment."),
        "invited" => (Tone::Ok, "The invitation is on its way."),
        "revoked" => (Tone::Ok, "The invitation was taken back."),
        "refunding" => {
            let text = "The order was cancelled. Its money goes back as soon as the payment \
                        provider confirms it.";
            (Tone::Warn, text)
        }
        _ => return None,
    };
    Some(Notice::new(tone, text))
}

/// The value of a query parameter without control characters, which no text that is looked for has
/// and databases read in their own ways; empty when there is none.
pub(super) fn parameter(query: Option<&str>, name: &str) -> String {
    let pairs = pairs(query.unwrap_or(""));
    let found = pairs.into_iter().find(|(key, _)| key == name);
    found.map_or_else(String::new, |(_, value)| value.replace(char::is_control, ""))
}

/// An address with those parameters that have a value.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&format!("{name}={}", encode(value)));
    }
    out
}

/// Where a list goes on: behind its last row, while the page is full. `kept` are the parameters that
/// choose the rows, `after` is where this page begins, empty on the first.
pub(super) fn pager<Row>(
    path: &str,
    kept: &[(&str, &str)],
    after: &str,
    (rows, limit): (&[Row], i64),
    id: impl Fn(&Row) -> String,
) -> Pager {
    let is_full = i64::try_from(rows.len()) == Ok(limit);
    let next = rows.last().filter(|_| is_full).map(|last| {
        let last = id(last);
        let parameters: Vec<(&str, &str)> =
            kept.iter().copied().chain([("after", last.as_str())]).collect();
        address(path, &parameters)
    });
    Pager { first: (!after.is_empty()).then(|| address(path, kept)), next, total: None }
}

/// What people call an order: its number, or the end of its id while it has none.
pub(super) fn order_name(id: OrderId, number: Option<i64>) -> String {
    if let Some(number) = number {
        return format!("#{number}");
    }
    let id = id.to_string();
    let skipped = id.chars().count().saturating_sub(5);
    format!("…{}", id.chars().skip(skipped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_any_text() {
        let made = address("/admin/orders", &[("q", "a&b=c é"), ("status", ""), ("after", "x")]);
        assert_eq!(made, "/admin/orders?q=a%26b%3Dc%20%C3%A9&after=x");
        let query = made.split_once('?').map(|(_, query)| query);
        assert_eq!(parameter(query, "q"), "a&b=c é");
        assert_eq!(parameter(query, "status"), "");
        assert_eq!(address("/admin", &[]), "/admin");
    }

    #[test]
    fn only_known_notices_are_shown() {
        assert!(notice(Some("notice=saved")).is_some());
        assert!(notice(Some("notice=You+were+hacked")).is_none());
        assert!(notice(None).is_none());
        assert_eq!(sentence("it has changed"), "It has changed.");
    }
}
