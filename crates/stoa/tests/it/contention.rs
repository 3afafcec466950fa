//! Many shoppers, one shelf.

use std::sync::Barrier;

use serde_json::json;

use crate::buyer::GOOD_CARD;
use crate::catalogue::simple;
use crate::http::Answer;
use crate::shop::{Shop, eventually};

/// How many race.
const BUYERS: usize = 200;
/// For how many pieces.
const STOCK: i64 = 20;

/// Lets buyers fill a cart each and then pay all at once; gives the numbers of their orders and the
/// answers of those who got none. `places` says where a buyer fills the cart, and where they pay.
pub fn race<'a>(
    buyers: usize,
    sku: &str,
    places: impl Fn(usize) -> (&'a Shop, &'a Shop),
) -> (Vec<i64>, Vec<Answer>) {
    let barrier = Barrier::new(buyers);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..buyers)
            .map(|n| {
                let (barrier, (first, second)) = (&barrier, places(n));
                scope.spawn(move || {
                    let cart = first.ready_cart(sku, 1);
                    barrier.wait();
                    second.complete(&cart, GOOD_CARD).key(&format!("buyer {n}")).send()
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (sold, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    let number = |answer: &Answer| answer.json()["number"].as_i64().unwrap();
    (sold.iter().map(number).collect(), refused)
}

#[test]
fn exactly_what_there_is_is_sold_and_nobody_else_is_charged() {
    let shop = Shop::closed().stocked(&[simple("rare", 9_900, STOCK)]).open();
    let (mut numbers, refused) = race(BUYERS, "RARE", |_| (&shop, &shop));
    for answer in &refused {
        assert_eq!(answer.status, 409, "{}", answer.text());
        let problem = answer.problem("out_of_stock");
        assert_eq!(problem["lines"][0]["sku"], "RARE");
        assert_eq!(problem["lines"][0]["available"], 0);
    }
    numbers.sort_unstable();
    assert_eq!(numbers.len(), usize::try_from(STOCK).unwrap());
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?} have gaps");
    assert_eq!(shop.booked(), vec!["captured"; numbers.len()]);
    assert_eq!(shop.count("select count(*) from orders"), STOCK);
    assert_eq!(shop.count("select reserved from stock_levels"), STOCK);
    eventually("pages know", || shop.available("rare") == 0);
    shop.assert_sound();
}

#[test]
fn a_declined_payment_gives_its_piece_to_the_next() {
    let shop = Shop::closed().stocked(&[simple("rare", 9_900, 5)]).open();
    let sold: usize = std::thread::scope(|scope| {
        let running: Vec<_> = (0..40)
            .map(|n| {
                let shop = &shop;
                scope.spawn(move || {
                    // Half of them try first with a card that does not work.
                    let cart = loop {
                        let cart = shop.new_cart();
                        let added = shop.add(&cart, "RARE", 1).send();
                        if added.status == 200 {
                            break cart;
                        }
                        assert_eq!(added.status, 409, "{}", added.text());
                        if shop.available("rare") == 0 && n % 2 == 1 {
                            return false;
                        }
                        if shop.count("select count(*) from orders where status = 'placed'") == 5 {
                            return false;
                        }
                    };
                    let details = crate::buyer::details();
                    shop.on_cart("PATCH", &cart, "").json(&details).expect(200);
                    if n % 2 == 0 {
                        let declined = shop.complete(&cart, "tok_declined").send();
                        assert!(matches!(declined.status, 402 | 409), "{}", declined.text());
                    }
                    let answer = shop.complete(&cart, GOOD_CARD).send();
                    assert!(matches!(answer.status, 201 | 409), "{}", answer.text());
                    answer.status == 201
                })
            })
            .collect();
        running.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    // Some may have left while all pieces were promised to those whose payment failed.
    assert!((1..=5).contains(&sold), "{sold} were sold");
    let captured = shop.booked().iter().filter(|state| *state == "captured").count();
    assert_eq!(captured, sold);
    let placed = shop.count("select count(*) from orders where status = 'placed'");
    assert_eq!(usize::try_from(placed).unwrap(), sold);
    assert_eq!(shop.count("select reserved from stock_levels"), placed);
    shop.assert_sound();
}

#[test]
fn edits_of_one_cart_at_once_lose_nothing() {
    let products = [simple("ink", 300, 10_000), simple("pen", 700, 10_000)];
    let shop = Shop::closed().stocked(&products).open();
    let cart = shop.new_cart();
    std::thread::scope(|scope| {
        for n in 0..16_i64 {
            let (shop, cart) = (&shop, &cart);
            scope.spawn(move || {
                for round in 0..10 {
                    let sku = if (n + round) % 2 == 0 { "INK" } else { "PEN" };
                    shop.add(cart, sku, 1 + n % 3).expect(200);
                    let email = json!({"email": format!("buyer{n}@example.com")});
                    shop.on_cart("PATCH", cart, "").json(&email).expect(200);
                }
            });
        }
    });
    let view = shop.cart(&cart);
    let lines = view["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    let pieces: i64 = lines.iter().map(|line| line["quantity"].as_i64().unwrap()).sum();
    assert_eq!(pieces, (0..16).map(|n| 10 * (1 + n % 3)).sum::<i64>());
    shop.assert_sound();
}

#[test]
fn counts_that_expect_what_they_saw_never_overwrite_each_other() {
    let shop = Shop::closed().stocked(&[simple("bolt", 10, 0)]).open();
    let token = shop.token("stock:write,products:read");
    let path = "/api/admin/v1/stock/BOLT";
    let added: i64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..8)
            .map(|_| {
                let (shop, token) = (&shop, &token);
                scope.spawn(move || {
                    let mut added = 0;
                    while added < 5 {
                        let read = shop.get(path).bearer(token).expect(200).json();
                        let seen = read["items"][0]["on_hand"].as_i64().unwrap();
                        let count = json!({
                            "location": "default", "on_hand": seen + 1, "expected": seen
                        });
                        let answer = shop.put(path).bearer(token).json(&count).send();
                        match answer.status {
                            200 => added += 1,
                            _ => drop(answer.problem("stale")),
                        }
                    }
                    added
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(shop.count("select on_hand from stock_levels"), added);
    shop.assert_sound();
}
