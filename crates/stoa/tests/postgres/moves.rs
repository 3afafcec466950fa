//! A shop moves from the embedded database to PostgreSQL, and back.

use serde_json::json;
use stoa_test_stores::{Store, psql};

use crate::buyer::{GOOD_CARD, Purchase};
use crate::shop::{Shop, eventually, shown, text};

fn new_address() -> String {
    let Store::Postgres(address) = Store::postgres().unwrap() else { panic!("another store") };
    address
}

#[test]
fn a_shop_moves_with_all_it_holds_and_goes_on() {
    let shop = Shop::on(Store::embedded().unwrap());
    shop.succeed(&["demo", "--no-serve"]);
    shop.succeed(&["vendor", "add", "Soaps", "--email", "soaps@example.com"]);
    let mut soap = crate::catalogue::simple("soap", 450, 1_000);
    soap["vendor"] = json!("soaps");
    shop.import(&[soap]);
    let vendors = ["token", "create", "--scope", "vendor", "--vendor", "soaps"];
    let vendors = shop.succeed(&vendors).lines().last().unwrap().to_owned();
    shop.serve();
    let mut bought = Purchase::new("bought".to_owned(), "SOAP");
    bought.go(&shop).unwrap();
    let waiting = shop.ready_cart("SOAP", 3);
    let source = format!("sqlite:{}", text(&shop.data()));

    // Not while it is served, unless only to try it out.
    let (trial, target) = (new_address(), new_address());
    let copy = |from: &str, to: &str, more: &[&str]| {
        let mut arguments = vec!["copy", "--from", from, "--to", to];
        arguments.extend_from_slice(more);
        shop.run(&arguments)
    };
    let output = copy(&source, &target, &[]);
    assert!(!output.status.success() && shown(&output).contains("stop the shop"));
    let output = copy(&source, &trial, &["--snapshot"]);
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(
        psql(&trial, "select count(*) from carts").unwrap().trim(),
        shop.count("select count(*) from carts").to_string()
    );

    assert!(shop.stop().success());
    let output = copy(&source, &target, &[]);
    assert!(output.status.success(), "{}", shown(&output));
    let output = copy(&source, &target, &[]);
    assert!(!output.status.success() && shown(&output).contains("holds a shop already"));

    let moved = Shop::on(Store::Postgres(target.clone()));
    std::fs::create_dir_all(moved.data()).unwrap();
    let book = "test-payments.log";
    std::fs::copy(shop.data().join(book), moved.data().join(book)).unwrap();
    moved.assert_sound();
    for table in ["events", "orders", "carts", "products", "idempotency_keys", "ledger_postings"] {
        let sql = format!("select count(*) from {table}");
        assert_eq!(moved.count(&sql), shop.count(&sql), "{table}");
    }
    moved.serve();
    // Every step gets its first answer again, and a cart that was waiting becomes an order.
    bought.go(&moved).unwrap();
    let order = moved.complete(&waiting, GOOD_CARD).expect(201).json();
    assert_eq!(order["status"], "placed");
    moved.order("SOAP", 1);
    sold_by_vendor(&moved, &vendors, 3);
    eventually("the index is made there", || {
        let found = moved.get("/api/v1/products?limit=1").expect(200).json();
        found["total"].as_u64().unwrap() > 1
    });
    assert!(moved.stop().success());
    moved.assert_sound();

    // And back.
    let back = Shop::on(Store::embedded().unwrap());
    let to = format!("sqlite:{}", text(&back.data()));
    let mut output = copy(&target, &to, &[]);
    for _ in 0..100 {
        // The server may not have noticed yet that the shop was stopped.
        if output.status.success() || !shown(&output).contains("connections of Stoa") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        output = copy(&target, &to, &[]);
    }
    assert!(output.status.success(), "{}", shown(&output));
    std::fs::copy(moved.data().join(book), back.data().join(book)).unwrap();
    back.assert_sound();
    back.serve();
    bought.go(&back).unwrap();
    let same = json!(back.count("select count(*) from events where kind = 'order.placed'"));
    assert_eq!(same, json!(moved.count("select count(*) from events where kind = 'order.placed'")));
    back.order("SOAP", 1);
    sold_by_vendor(&back, &vendors, 4);
}

/// The vendor's token, product and sold lines are there.
#[track_caller]
fn sold_by_vendor(shop: &Shop, token: &str, n_lines: usize) {
    let products = shop.get("/api/vendor/v1/products").bearer(token).expect(200).json();
    assert_eq!((&products["total"], &products["items"][0]["handle"]), (&json!(1), &json!("soap")));
    let sold = shop.get("/api/vendor/v1/order-lines").bearer(token).expect(200).json();
    assert_eq!(sold["items"].as_array().unwrap().len(), n_lines);
}

#[test]
fn nonsense_is_refused_before_anything_is_touched() {
    let shop = Shop::on(Store::embedded().unwrap());
    let target = new_address();
    for (from, to, why) in [
        ("mysql:x", target.as_str(), "--from"),
        ("sqlite:/nowhere/at/all", "postgres://stoa@localhost:1/x", ""),
        ("postgres", "sqlite:there", "no database.url"),
    ] {
        let output = shop.run(&["copy", "--from", from, "--to", to]);
        assert!(!output.status.success() && shown(&output).contains(why), "{}", shown(&output));
    }
    let tables = "select count(*) from pg_class where relname = 'orders'";
    assert_eq!(psql(&target, tables).unwrap().trim(), "0");
}
