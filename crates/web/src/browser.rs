//! What browsers send beside the address: cookies, and where a request comes from.

use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};

use crate::state::Web;

/// The values of all cookies of a name, in the order they are sent.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Whether the shop is reached over TLS.
pub(crate) fn is_tls(web: &Web) -> bool {
    web.options().public_url.starts_with("https://")
}

/// A `Set-Cookie` value: no script reads it, no other site's request carries it, and it stays for so
/// many seconds or, with none, until the browser ends. Names and values come from this program and
/// hold no special characters.
pub(crate) fn set_cookie(
    web: &Web,
    name: &str,
    value: &str,
    path: &str,
    stay_s: Option<i64>,
) -> HeaderValue {
    use std::fmt::Write as _;
    let mut text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax");
    if let Some(seconds) = stay_s {
        // Writing to a string cannot fail.
        let _ = write!(text, "; Max-Age={seconds}");
    }
    if is_tls(web) {
        text.push_str("; Secure");
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("invalid=; Max-Age=0"))
}

/// Whether a request comes from a page of this shop. Browsers say where a request comes from in
/// `Sec-Fetch-Site`, older ones in `Origin`, and let no page forge either. A client that sends
/// neither is no browser, so it carries nobody's cookies against their will.
pub(crate) fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
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

    #[test]
    fn finds_cookies_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xcart=1; cart_n=12"));
        headers.append(COOKIE, HeaderValue::from_static("a; cart = b; cart=c"));
        assert_eq!(cookies(&headers, "cart").collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(cookies(&headers, "n").next(), None);
    }
}
