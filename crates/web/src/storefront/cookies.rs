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

use http::{HeaderMap, HeaderValue};
use stoa_kernel::Token;

use crate::browser;
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
    browser::cookies(headers, name).next()
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

/// A `Set-Cookie` value.
pub(super) fn set(web: &Web, name: &str, value: &str, path: &str, stay: &Stay) -> HeaderValue {
    let stay_s = match stay {
        Stay::Seconds(seconds) => Some(i64::from(*seconds)),
        Stay::Session => None,
    };
    browser::set_cookie(web, name, value, path, stay_s)
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
