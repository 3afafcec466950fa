//! What an endpoint can be.

use std::net::IpAddr;

use http::Uri;
use stoa_domain::catalog::FieldError;
use stoa_domain::event::schemas;
use stoa_kernel::{limits, net};

use super::WebhookSettings;
use crate::events::matches;

/// Why an endpoint cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// Fields are wrong.
    Invalid(Vec<FieldError>),
    /// The address is not public.
    NotAllowed {
        /// Its host.
        host: String,
    },
}

/// The address, checked: `http` or `https`, a host, and nothing that logs would leak.
///
/// # Errors
/// It is no such address, or not a public one while `settings` ask for that. A name is looked up
/// only when it is called.
pub fn url(text: &str, settings: WebhookSettings) -> Result<(), EditError> {
    let wrong = |what: &str| Err(EditError::Invalid(vec![FieldError::new("/url", what)]));
    if text.len() > limits::WEBHOOK_URL_BYTES {
        return wrong("at most 2,000 bytes");
    }
    let Ok(uri) = text.parse::<Uri>() else {
        return wrong("an address such as https://example.com/hook");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return wrong("an address such as https://example.com/hook");
    };
    if !matches!(scheme, "http" | "https") {
        return wrong("begins with https:// or http://");
    }
    if authority.as_str().contains('@') || text.contains('#') {
        return wrong("without a user, a password or a fragment; deliveries are signed");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return wrong("has a host");
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_local_name = name == "localhost" || name.ends_with(".localhost");
    let is_private = name.parse::<IpAddr>().is_ok_and(|address| !net::is_public(address));
    if !settings.allow_private && (is_local_name || is_private) {
        return Err(EditError::NotAllowed { host: host.to_owned() });
    }
    Ok(())
}

/// The patterns of events, checked: each names a type that there is.
///
/// # Errors
/// There is none, there are too many, or one names nothing.
pub fn events(patterns: &[String]) -> Result<(), EditError> {
    let invalid = |at: String, what: &str| EditError::Invalid(vec![FieldError::new(at, what)]);
    if patterns.is_empty() || patterns.len() > limits::WEBHOOK_EVENTS {
        return Err(invalid("/events".to_owned(), "between 1 and 50 patterns"));
    }
    for (n, pattern) in patterns.iter().enumerate() {
        if !schemas::SCHEMAS.iter().any(|schema| matches(pattern, schema.kind)) {
            let what = "a type of events, such as order.placed, order.* or *";
            return Err(invalid(format!("/events/{n}"), what));
        }
    }
    Ok(())
}

/// The description, checked: a line.
///
/// # Errors
/// It is too long, or more than a line.
pub fn description(text: &str) -> Result<(), EditError> {
    if text.len() > limits::LINE_BYTES || text.chars().any(char::is_control) {
        let what = "one line of at most 500 bytes";
        return Err(EditError::Invalid(vec![FieldError::new("/description", what)]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_refused_unless_the_operator_permits_them() {
        let open = WebhookSettings { allow_private: true };
        let closed = WebhookSettings::default();
        for text in [
            "http://127.0.0.1:9/x",
            "http://localhost/",
            "https://shop.localhost./",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            assert!(matches!(url(text, closed), Err(EditError::NotAllowed { .. })), "{text}");
            assert_eq!(url(text, open), Ok(()), "{text}");
        }
        assert_eq!(url("https://example.com/hook?a=b", closed), Ok(()));
        for text in [
            "ftp://example.com",
            "/hook",
            "example.com",
            "",
            "https://u:p@example.com/",
            "https://e.com/#a",
        ] {
            assert!(matches!(url(text, open), Err(EditError::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn patterns_name_events_that_there_are() {
        let some = |patterns: &[&str]| {
            events(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(some(&["order.*", "order.placed", "*"]), Ok(()));
        for wrong in [&[] as &[&str], &["order"], &[""], &["orders.*"]] {
            assert!(some(wrong).is_err(), "{wrong:?}");
        }
    }
}
