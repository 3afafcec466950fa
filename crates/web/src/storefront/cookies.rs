//! Cookies of shoppers.
//!
//! | name | what | for |
//! | --- | --- | --- |
//! | `cart` | the cart's token, a capability | 60 days; half an hour once it is an order |
//! | `cart_n` | pieces in it, only to be shown | as `cart` |
//! | `pay` | the chosen means of payment | the session |
//! | `order` | lets in to an order that was looked up | half an hour |
//!
//! None is readable by scripts, none is sent with requests that other sites make.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use stoa_kernel::Token;

use crate::state::Web;

pub(super) const CART: &str = "cart";
pub(super) const CART_COUNT: &str = "cart_n";
pub(super) const PAYMENT: &str = "pay";
pub(super) const ORDER: &str = "order";

const CART_S: u32 = 60 * 24 * 3_600;
/// How long a cart that is an order leads back to the order.
const ORDERED_CART_S: u32 = 30 * 60;

/// The value of a cookie.
pub(super) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|line| {
        line.split(';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        })
    })
}

/// Pieces in the cart, as the cookie says: good enough to be shown.
pub(crate) fn cart_count(headers: &HeaderMap) -> u64 {
    get(headers, CART_COUNT).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The visitor's cart.
pub(super) fn cart(headers: &HeaderMap) -> Option<Token> {
    get(headers, CART)?.parse().ok()
}

/// How long a cookie stays.
pub(super) enum Stay {
    Seconds(u32),
    Session,
}

/// A `Set-Cookie` value. Names and values come from this program and hold no special characters.
pub(super) fn set(web: &Web, name: &str, value: &str, path: &str, stay: &Stay) -> HeaderValue {
    use std::fmt::Write as _;
    let mut text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax");
    if let Stay::Seconds(seconds) = stay {
        // Writing to a string cannot fail.
        let _ = write!(text, "; Max-Age={seconds}");
    }
    if web.options().public_url.starts_with("https://") {
        text.push_str("; Secure");
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("invalid=; Max-Age=0"))
}

/// The cookies of a cart with so many pieces.
pub(super) fn keep_cart(web: &Web, token: &Token, count: u64) -> Vec<HeaderValue> {
    let stay = Stay::Seconds(CART_S);
    vec![
        set(web, CART, &token.reveal(), "/", &stay),
        set(web, CART_COUNT, &count.to_string(), "/", &stay),
    ]
}

/// The cookies of a cart that has become an order: it still leads to the order for a while, so
/// that a second press of the button finds the order that the first one made.
pub(super) fn ordered(web: &Web, token: &Token) -> Vec<HeaderValue> {
    vec![
        set(web, CART, &token.reveal(), "/", &Stay::Seconds(ORDERED_CART_S)),
        set(web, CART_COUNT, "0", "/", &Stay::Seconds(0)),
        set(web, PAYMENT, "", "/checkout", &Stay::Seconds(0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xcart=1; cart_n=12"));
        headers.append(COOKIE, HeaderValue::from_static("a; cart = b"));
        assert_eq!(get(&headers, "cart"), Some("b"));
        assert_eq!(cart_count(&headers), 12);
        assert_eq!(get(&headers, "n"), None);
    }
}
