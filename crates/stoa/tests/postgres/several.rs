//! Two processes that serve one shop.

use std::os::unix::fs::symlink;

use rustix::process::Signal;
use serde_json::{Value, json};
use stoa_test_stores::Store;

use crate::buyer::GOOD_CARD;
use crate::catalogue::simple;
use crate::contention::race;
use crate::shop::{Shop, eventually};

const BUYERS: usize = 200;
const STOCK: i64 = 20;

/// Two data directories on one database, in the first of which these products are sold.
fn two_of_one_shop(products: &[Value]) -> (Shop, Shop) {
    two_with(products, |shop| shop)
}

/// The same with settings.
pub fn two_with(products: &[Value], set: impl Fn(Shop) -> Shop) -> (Shop, Shop) {
    let Store::Postgres(address) = Store::postgres().unwrap() else { panic!("another store") };
    let one = set(Shop::on(Store::Postgres(address.clone()))).stocked(products).open();
    let two = set(Shop::on(Store::Postgres(address)));
    std::fs::create_dir_all(two.data()).unwrap();
    // The test provider is one outside the shop, whichever process asks it.
    let book = "test-payments.log";
    symlink(one.data().join(book), two.data().join(book)).unwrap();
    (one, two.open())
}

#[test]
fn buyers_of_two_processes_race_and_exactly_what_there_is_is_sold() {
    let (one, two) = two_of_one_shop(&[simple("rare", 9_900, STOCK)]);
    // Filled at one process, paid at the other.
    let places = |n: usize| if n.is_multiple_of(2) { (&one, &two) } else { (&two, &one) };
    let (mut numbers, refused) = race(BUYERS, "RARE", places);
    for answer in &refused {
        answer.problem("out_of_stock");
    }
    numbers.sort_unstable();
    assert_eq!(numbers.len(), usize::try_from(STOCK).unwrap());
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?} have gaps");
    assert_eq!(one.count("select count(*) from orders"), STOCK);
    assert_eq!(one.count("select reserved from stock_levels"), STOCK);
    eventually("both know", || one.available("rare") == 0 && two.available("rare") == 0);
    one.assert_sound();
}

#[test]
fn a_repeat_at_the_other_process_gets_the_first_answer() {
    let (one, two) = two_of_one_shop(&[simple("mug", 1_200, 50)]);
    for n in 0..10 {
        let cart = one.ready_cart("MUG", 1);
        let key = format!("buyer {n}");
        let orders = std::thread::scope(|scope| {
            let (cart, key) = (&cart, &key);
            [&one, &two, &one, &two]
                .map(|shop| {
                    scope.spawn(move || shop.complete(cart, GOOD_CARD).key(key).expect(201).json())
                })
                .map(|running| running.join().unwrap())
        });
        assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
    }
    assert_eq!(one.count("select count(*) from orders"), 10);
    assert_eq!(one.count("select reserved from stock_levels"), 10);
    one.assert_sound();
}

#[test]
fn processes_that_start_together_agree_on_the_secret() {
    let store = Store::postgres().unwrap();
    let Store::Postgres(address) = &store else { panic!("another store") };
    let shops: Vec<Shop> = (0..3).map(|_| Shop::on(Store::Postgres(address.clone()))).collect();
    std::thread::scope(|scope| shops.iter().for_each(|shop| drop(scope.spawn(|| shop.serve()))));
    // The token of a new cart comes from the secret and the key.
    let carts: Vec<String> = shops
        .iter()
        .map(|shop| {
            let made = shop.post("/api/v1/carts").json(&json!({})).key("first visit");
            made.expect(201).json()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(carts.iter().all(|cart| *cart == carts[0]), "{carts:?}");
    assert_eq!(shops[0].count("select count(*) from installation"), 1);
    assert_eq!(shops[0].count("select count(*) from carts"), 1);
}

#[test]
fn when_one_process_is_killed_the_other_goes_on() {
    let (one, two) = two_of_one_shop(&[simple("mug", 1_200, 1_000)]);
    let sold: usize = std::thread::scope(|scope| {
        let buying = scope.spawn(|| {
            let buy = |_: &usize| {
                let cart = two.ready_cart("MUG", 1);
                two.complete(&cart, GOOD_CARD).send().status == 201
            };
            (0..40).filter(buy).count()
        });
        for n in 0..3 {
            let cart = one.ready_cart("MUG", 1);
            one.complete(&cart, GOOD_CARD).key(&format!("of one {n}")).expect(201);
        }
        one.signal(Signal::KILL);
        one.wait();
        buying.join().unwrap()
    });
    assert_eq!(sold, 40);
    assert_eq!(two.count("select count(*) from orders where status = 'placed'"), 43);
    two.assert_sound();
}
