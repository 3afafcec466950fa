//! A repeated request gets the first answer, byte for byte, and changes nothing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Barrier;

use serde_json::{Value, json};

use crate::buyer::{GOOD_CARD, details, payment};
use crate::catalogue::{simple, usd};
use crate::http::{Answer, Request, exchange_on};
use crate::shop::Shop;

fn shop() -> Shop {
    let products: Vec<Value> =
        ["pen", "ink", "nib"].iter().map(|handle| simple(handle, 1_000, 500)).collect();
    Shop::closed().stocked(&products).open()
}

/// Sends a request twice; the second answer must be the first. Gives it.
#[track_caller]
fn repeated(request: &Request, status: u16) -> Answer {
    let first = request.expect(status);
    assert!(!first.is_replayed(), "{}", first.text());
    for _ in 0..2 {
        let again = request.expect(status);
        assert_eq!(again.text(), first.text());
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert!(again.is_replayed(), "{}", again.text());
    }
    first
}

#[test]
fn every_mutation_can_be_repeated_and_no_key_serves_two_requests() {
    let shop = shop();
    let admin = shop.token("admin");
    // What was sent and answered, to be sent once more after a restart.
    let mut sent: Vec<(Request, Answer)> = Vec::new();
    let mut remember = |request: Request, status: u16| -> Value {
        let answer = repeated(&request, status);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        sent.push((request, answer));
        body
    };

    let cart = remember(shop.post("/api/v1/carts").key("a").json(&json!({})), 201);
    let cart = cart["id"].as_str().unwrap();
    let view = remember(shop.add(cart, "PEN", 2).key("b"), 200);
    let below = format!("/lines/{}", view["lines"][0]["id"].as_str().unwrap());
    let one = json!({"quantity": 1});
    remember(shop.on_cart("PATCH", cart, &below).key("c").json(&one), 200);
    remember(shop.on_cart("DELETE", cart, &below).key("d"), 200);
    remember(shop.add(cart, "INK", 3).key("e"), 200);
    remember(shop.on_cart("PATCH", cart, "").key("f").json(&details()), 200);
    // Refusals are kept too: the same request cannot succeed later by surprise.
    remember(shop.add(cart, "INK", 1_000).key("g"), 409);
    remember(shop.add(cart, "NO-SUCH-SKU", 1).key("h"), 404);
    remember(shop.complete(cart, "tok_declined").key("i"), 402);
    remember(shop.complete(cart, "tok_requires_action").key("j"), 402);
    let order = remember(shop.complete(cart, GOOD_CARD).key("k"), 201);
    assert!(order["token"].is_string(), "a repeat must give the order's token, too");
    let order = order["id"].as_str().unwrap();

    let body = json!({"title": "Paper", "variants": [{"sku": "PAPER", "price": usd(300)}]});
    let made =
        remember(shop.post("/api/admin/v1/products").bearer(&admin).key("l").json(&body), 201);
    let product = format!("/api/admin/v1/products/{}", made["id"].as_str().unwrap());
    let change = json!({"title": "Good paper"});
    remember(shop.patch(&product).bearer(&admin).key("m").json(&change), 200);
    let stale = shop.patch(&product).bearer(&admin).header("If-Match", "\"1\"");
    remember(stale.key("n").json(&change), 412);
    let more = json!({"sku": "PAPER-2", "price": usd(300)});
    let variants = format!("{product}/variants");
    remember(shop.post(&variants).bearer(&admin).key("o").json(&more), 422);
    let variant = format!("/api/admin/v1/variants/{}", made["variants"][0]["id"].as_str().unwrap());
    let dear = json!({"price": usd(400)});
    remember(shop.patch(&variant).bearer(&admin).key("p").json(&dear), 200);
    remember(shop.delete(&variant).bearer(&admin).key("q"), 422);
    let count = json!({"location": "default", "on_hand": 9, "expected": 0});
    remember(shop.put("/api/admin/v1/stock/PAPER").bearer(&admin).key("r").json(&count), 200);
    remember(shop.put("/api/admin/v1/stock/PAPER").bearer(&admin).key("s").json(&count), 409);
    let cancel = shop.post(&format!("/api/admin/v1/orders/{order}/cancel")).bearer(&admin).key("t");
    let cancelled = remember(cancel, 200);
    assert_eq!(cancelled["status"], "cancelled");
    remember(shop.delete(&product).bearer(&admin).key("u"), 204);

    // The same key with another body, or at another address.
    let other = json!({"title": "Other", "variants": [{"sku": "OTHER", "price": usd(1)}]});
    for request in [
        shop.add(cart, "PEN", 3).key("b"),
        shop.on_cart("PATCH", cart, &below).key("b").json(&one),
        shop.on_cart("DELETE", cart, &below).key("c"),
        shop.on_cart("PATCH", cart, "").key("f").json(&json!({"email": "b@example.com"})),
        shop.complete(cart, GOOD_CARD).key("f"),
        shop.complete(cart, "tok_declined").key("k"),
        shop.post("/api/admin/v1/products").bearer(&admin).key("l").json(&other),
        shop.patch(&product).bearer(&admin).key("l").json(&change),
        shop.patch(&product).bearer(&admin).key("m").json(&json!({"title": "x"})),
        shop.put("/api/admin/v1/stock/INK").bearer(&admin).key("r").json(&count),
        shop.delete(&variant).bearer(&admin).key("u"),
    ] {
        request.refused(422, "idempotency_key_reused");
    }

    assert!(shop.stop().success());
    shop.serve();
    for (request, first) in &sent {
        let again = request.clone().at(shop.address()).send();
        assert_eq!((again.status, again.text()), (first.status, first.text()), "{request:?}");
        assert!(again.is_replayed(), "{request:?}");
    }
    assert_eq!(shop.count("select count(*) from orders where status = 'placed'"), 0);
    assert_eq!(shop.count("select count(*) from orders where status = 'cancelled'"), 1);
    shop.assert_sound();
}

#[test]
fn without_a_key_nothing_is_repeated() {
    let shop = shop();
    assert_ne!(shop.new_cart(), shop.new_cart());
    let cart = shop.new_cart();
    for quantity in 1..=3 {
        let answer = shop.add(&cart, "PEN", 1).expect(200);
        assert!(!answer.is_replayed());
        assert_eq!(answer.json()["lines"][0]["quantity"], quantity);
    }
}

#[test]
fn keys_of_one_cart_mean_nothing_in_another() {
    let shop = shop();
    let [first, second] = [(); 2].map(|()| shop.new_cart());
    let one = shop.add(&first, "PEN", 1).key("same").expect(200);
    let two = shop.add(&second, "INK", 2).key("same").expect(200);
    assert!(!one.is_replayed() && !two.is_replayed());
    assert_eq!(two.json()["lines"][0]["sku"], "INK");
    // Nor do those of one token in another.
    let path = "/api/admin/v1/stock/PEN";
    for on_hand in [400, 300] {
        let token = shop.token("stock:write");
        let body = json!({"location": "default", "on_hand": on_hand});
        let answer = shop.put(path).bearer(&token).key("same").json(&body).expect(200);
        assert_eq!(answer.json()["on_hand"], on_hand);
        assert!(!answer.is_replayed());
    }
}

/// Sends a request from another of this machine's own addresses.
fn from(source: &str, request: &Request, to: SocketAddr) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    exchange_on(stream, &request.bytes()).unwrap()
}

#[test]
#[cfg(target_os = "linux")] // Where all of 127.0.0.0/8 is this machine.
fn two_clients_with_the_same_key_get_carts_of_their_own() {
    let shop = shop();
    let request = shop.post("/api/v1/carts").key("first-cart");
    let cart = |answer: &Answer| answer.json()["id"].as_str().unwrap().to_owned();
    let here = cart(&from("127.0.0.1", &request, shop.address()));
    let there = cart(&from("127.0.0.2", &request, shop.address()));
    assert_ne!(here, there);
    let again = from("127.0.0.2", &request, shop.address());
    assert_eq!(cart(&again), there);
    assert!(again.is_replayed());
}

/// Runs the same closure on many threads at the same moment.
fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|n| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(n)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn one_cart_becomes_one_order_however_often_it_is_completed_at_once() {
    let shop = shop();
    for same_key in [true, false] {
        let cart = shop.ready_cart("PEN", 1);
        let answers = at_once(32, |n| {
            let key = if same_key { "one".to_owned() } else { format!("key {n}") };
            shop.complete(&cart, GOOD_CARD).key(&key).send()
        });
        let orders: BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
                let order = answer.json();
                assert_eq!(order["status"], "placed", "{order}");
                assert!(order["token"].is_string(), "{order}");
                order["id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(orders.len(), 1);
        if same_key {
            let bodies: BTreeSet<String> = answers.iter().map(Answer::text).collect();
            assert_eq!(bodies.len(), 1);
            assert!(answers.iter().all(|answer| answer.status == 201));
        }
    }
    assert_eq!(shop.booked(), ["captured"; 2]);
    assert_eq!(shop.count("select count(*) from orders"), 2);
    shop.assert_sound();
}

#[test]
fn repeats_that_arrive_together_are_done_once() {
    let shop = shop();
    let admin = shop.token("admin");
    let cart = shop.new_cart();
    let body = json!({"title": "Blotter", "variants": [{"sku": "BLOTTER", "price": usd(300)}]});
    for (status, request) in [
        (201, shop.post("/api/v1/carts").key("a")),
        (200, shop.add(&cart, "PEN", 1).key("b")),
        (201, shop.post("/api/admin/v1/products").bearer(&admin).key("c").json(&body)),
    ] {
        let answers = at_once(16, |_| request.expect(status));
        let bodies: BTreeSet<String> = answers.iter().map(Answer::text).collect();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let first = answers.iter().filter(|answer| !answer.is_replayed()).count();
        assert_eq!(first, 1, "only one of them was the first");
        assert_eq!(request.expect(status).text(), answers[0].text());
    }
    assert_eq!(shop.cart(&cart)["lines"][0]["quantity"], 1);
}

#[test]
fn a_declined_payment_stays_declined_under_its_key_but_not_under_another() {
    let shop = shop();
    let cart = shop.ready_cart("NIB", 1);
    let declined = repeated(&shop.complete(&cart, "tok_declined").key("first"), 402);
    let order = repeated(&shop.complete(&cart, GOOD_CARD).key("second"), 201);
    let again = shop.complete(&cart, "tok_declined").key("first").expect(402);
    assert_eq!(again.text(), declined.text());
    assert_eq!(shop.complete(&cart, GOOD_CARD).key("second").expect(201).text(), order.text());
    // A key that comes after the order finds it.
    let late = shop.on_cart("POST", &cart, "/complete").key("third").json(&payment(GOOD_CARD));
    assert_eq!(late.send().json()["id"], order.json()["id"]);
    let mut states = shop.booked();
    states.sort();
    assert_eq!(states, ["captured", "card_declined"]);
}
