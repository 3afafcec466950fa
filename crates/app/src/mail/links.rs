//! What the links of mails lead to. A stored mail names it (`order/ord_...`, `reset/...`); the
//! address with its capability is made from this installation's secret when the mail is sent, so that
//! the database alone lets nobody in.

use sha2::{Digest, Sha256};
use stoa_kernel::{OrderId, Timestamp, Token};
use uuid::Uuid;

/// How long a mail's link lets in to its order, in seconds.
const ORDER_LINK_S: i64 = 90 * 24 * 3_600;

fn digest(secret: &[u8; 32], purpose: &[u8], what: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(secret);
    hasher.update(purpose);
    hasher.update(what);
    // The second hash keeps the first from being extended.
    Sha256::digest(hasher.finalize()).into()
}

/// What lets in to an order until a time: both, signed.
pub fn order_access(secret: &[u8; 32], order: OrderId, until: Timestamp) -> String {
    let signed = format!("{order}.{}", until.as_micros());
    let digest = digest(secret, b"order access", signed.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{signed}.{hex}")
}

/// The token of a one-time link for staff.
pub fn staff_token(secret: &[u8; 32], link: Uuid) -> Token {
    let digest = digest(secret, b"staff link", link.as_bytes());
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    Token::from_random(half)
}

/// The address that a mail's link leads to; the shop itself where it leads nowhere.
pub fn address(
    public_url: &str,
    secret: &[u8; 32],
    link: Option<&str>,
    written: Timestamp,
) -> String {
    let made = link.and_then(|link| link.split_once('/')).and_then(|(what, id)| {
        Some(match what {
            "order" => {
                let order: OrderId = id.parse().ok()?;
                let until = written.plus_seconds(ORDER_LINK_S);
                format!("/orders/{order}?access={}", order_access(secret, order, until))
            }
            "reset" | "invitation" => {
                let token = staff_token(secret, Uuid::parse_str(id).ok()?).reveal();
                format!("/admin/{what}/{token}")
            }
            _ => return None,
        })
    });
    format!("{public_url}{}", made.unwrap_or_else(|| "/".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_the_secret_and_leads_to_one_thing() {
        let at = Timestamp::from_micros(1_800_000_000_000_000);
        let order = OrderId::from_uuid(Uuid::from_u128(7));
        let (one, two) = ([1; 32], [2; 32]);
        let link = format!("order/{order}");
        let mine = address("https://shop.example", &one, Some(&link), at);
        assert!(mine.starts_with(&format!("https://shop.example/orders/{order}?access=")));
        assert_ne!(mine, address("https://shop.example", &two, Some(&link), at));
        assert_ne!(staff_token(&one, Uuid::from_u128(1)), staff_token(&one, Uuid::from_u128(2)));
        for nowhere in [None, Some("x"), Some("order/x"), Some("reset/x"), Some("evil//x")] {
            assert_eq!(address("https://shop.example", &one, nowhere, at), "https://shop.example/");
        }
    }
}
