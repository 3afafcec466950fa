//! Rate limits, and whom they count.

use crate::buyer::{GOOD_CARD, details};
use crate::catalogue::simple;
use crate::http::{Answer, Request};
use crate::shop::Shop;

/// A shop behind a proxy on this machine.
pub fn behind_a_proxy() -> Shop {
    Shop::closed()
        .set("STOA_SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .stocked(&[simple("mug", 1_200, 1_000)])
}

/// A request that the proxy forwards.
pub fn from(client: &str, request: Request) -> Request {
    request.header("X-Forwarded-For", client)
}

fn limits(answer: &Answer) -> (&str, &str) {
    let policy = answer.header("ratelimit-policy").expect("a policy");
    (policy, answer.header("ratelimit").expect("a limit"))
}

#[test]
fn with_default_settings_nobody_on_this_machine_is_limited() {
    let shop = Shop::closed().stocked(&[simple("mug", 1_200, 1_000)]).open();
    for n in 0..400 {
        let answer = shop.get(&format!("/api/v1/suggest?q=m{n}")).expect(200);
        assert_eq!(answer.header("ratelimit"), None);
    }
    let cart = shop.ready_cart("MUG", 1);
    for _ in 0..70 {
        shop.complete(&cart, "tok_declined").refused(402, "payment_declined");
    }
    shop.complete(&cart, GOOD_CARD).expect(201);
}

#[test]
fn each_client_has_its_own_limit_and_is_told() {
    let shop = behind_a_proxy().set("STOA_LIMITS__API", "5/1h").open();
    let ask = |client: &str| from(client, shop.get("/api/v1/categories"));
    for left in (0..5).rev() {
        let answer = ask("198.51.100.7").expect(200);
        let (policy, limit) = limits(&answer);
        assert_eq!(policy, "\"api\";q=5;w=3600");
        assert!(limit.starts_with(&format!("\"api\";r={left};t=")), "{limit}");
        assert_eq!(answer.header("retry-after"), None);
    }
    let refused = ask("198.51.100.7").expect(429);
    refused.problem("rate_limited");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=720).contains(&wait), "{wait}");
    assert_eq!(limits(&refused).1, format!("\"api\";r=0;t={wait}"));
    // Whoever says to be somebody else is still the one who asks.
    ask("203.0.113.1, 198.51.100.7").expect(429);
    ask("198.51.100.8").expect(200);
    // The network of an IPv6 client counts.
    for n in 1..=5 {
        ask(&format!("2001:db8::{n}")).expect(200);
    }
    ask("2001:db8::6").expect(429);
    ask("2001:db8:0:1::1").expect(200);
    // Pages and the proxy itself are not the API's clients.
    from("198.51.100.7", shop.get("/")).expect(200);
    for _ in 0..10 {
        shop.get("/api/v1/categories").expect(200);
    }
    let page = shop.get("/search").header("X-Forwarded-For", "198.51.100.7").expect(200);
    assert_eq!(page.header("ratelimit"), None);
    let metrics = shop.get("/metrics").expect(200).text();
    assert!(metrics.contains("stoa_rate_limited_total{limit=\"api\"} 3"), "{metrics}");
}

#[test]
fn searching_and_tokens_have_limits_of_their_own() {
    let shop = behind_a_proxy()
        .set("STOA_LIMITS__SEARCH", "2/1h")
        .set("STOA_LIMITS__API_TOKEN", "3/1h")
        .open();
    let client = "198.51.100.7";
    from(client, shop.get("/api/v1/suggest?q=m")).expect(200);
    from(client, shop.get("/search?q=m").header("Accept", "text/html")).expect(200);
    from(client, shop.get("/api/v1/products?q=m")).refused(429, "rate_limited");
    let page = from(client, shop.get("/search?q=m").header("Accept", "text/html")).expect(429);
    assert!(page.text().contains("<!doctype html>"), "{}", page.text());
    assert!(page.header("retry-after").is_some());
    from(client, shop.get("/api/v1/products/mug")).expect(200);

    let (one, two) = (shop.token("orders:read"), shop.token("orders:read"));
    let orders = |token: &str| shop.get("/api/admin/v1/orders").bearer(token);
    for left in (0..3).rev() {
        let answer = orders(&one).expect(200);
        assert_eq!(limits(&answer).0, "\"api-token\";q=3;w=3600");
        assert!(limits(&answer).1.starts_with(&format!("\"api-token\";r={left};")));
    }
    orders(&one).refused(429, "rate_limited");
    orders(&two).expect(200);
}

#[test]
fn who_tries_one_card_after_the_other_is_stopped() {
    let shop = behind_a_proxy()
        .set("STOA_LIMITS__DECLINED", "4/1h")
        .set("STOA_LIMITS__DECLINED_CART", "3/1h")
        .open();
    let pay = |client: &str, cart: &str, card: &str| from(client, shop.complete(cart, card));
    let cart = shop.ready_cart("MUG", 1);
    // Orders that are paid, and requests that cannot be done, are not counted.
    for _ in 0..6 {
        let other = shop.ready_cart("MUG", 1);
        pay("198.51.100.7", &other, GOOD_CARD).expect(201);
        pay("198.51.100.7", &shop.new_cart(), "tok_declined").expect(422);
    }
    for _ in 0..3 {
        pay("198.51.100.7", &cart, "tok_declined").refused(402, "payment_declined");
    }
    pay("198.51.100.9", &cart, "tok_declined").refused(429, "rate_limited");
    let next = shop.ready_cart("MUG", 1);
    pay("198.51.100.7", &next, "tok_declined").refused(402, "payment_declined");
    let refused = pay("198.51.100.7", &next, GOOD_CARD).expect(429);
    assert!(refused.header("retry-after").is_some());
    // The other client was refused for the cart, which is not counted against the client.
    pay("198.51.100.9", &next, GOOD_CARD).expect(201);
    shop.assert_sound();
}

#[test]
fn keys_of_new_carts_belong_to_the_client_behind_the_proxy() {
    let shop = behind_a_proxy().open();
    let made = |client: &str| {
        let request = from(client, shop.post("/api/v1/carts").key("the same"));
        request.expect(201).json()["id"].as_str().unwrap().to_owned()
    };
    let first = made("198.51.100.7");
    assert_eq!(made("198.51.100.7"), first);
    assert_ne!(made("198.51.100.8"), first);
    shop.on_cart("PATCH", &first, "").json(&details()).expect(200);
}
