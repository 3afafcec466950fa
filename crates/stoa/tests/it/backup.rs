//! Backup while shoppers buy, and restore elsewhere.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::buyer::GOOD_CARD;
use crate::catalogue::simple;
use crate::shop::{Shop, eventually, shown, text};

/// How many shoppers buy at a time.
const BUYERS: usize = 4;

#[track_caller]
fn refused(shop: &Shop, arguments: &[&str], why: &str) {
    let output = shop.run(arguments);
    let printed = shown(&output);
    assert!(!output.status.success() && printed.contains(why), "{arguments:?}: {printed}");
}

/// Buys until told to stop; every order that is acknowledged is noted.
fn buy(shop: &Shop, stop: &AtomicBool, orders: &Mutex<BTreeSet<(String, String)>>) {
    while !stop.load(Ordering::Relaxed) {
        let cart = shop.ready_cart("SOAP", 1);
        let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        orders.lock().unwrap().insert((text("id"), text("token")));
    }
}

#[test]
fn a_backup_under_load_holds_every_order_acknowledged_before_it() {
    let shop = Shop::closed().stocked(&[simple("soap", 450, 1_000_000)]).open();
    let folder = shop.file("backup");
    let (stop, orders) = (AtomicBool::new(false), Mutex::default());
    let before: BTreeSet<(String, String)> = std::thread::scope(|scope| {
        for _ in 0..BUYERS {
            scope.spawn(|| buy(&shop, &stop, &orders));
        }
        eventually("there are orders", || orders.lock().unwrap().len() >= 10);
        let before = orders.lock().unwrap().clone();
        let output = shop.run(&["backup", text(&folder)]);
        stop.store(true, Ordering::Relaxed);
        assert!(output.status.success(), "{}", shown(&output));
        before
    });
    let after = orders.into_inner().unwrap();
    assert!(!shop.file("backup.partial").exists());
    refused(&shop, &["backup", text(&folder)], "is there already");

    let other = Shop::closed();
    other.succeed(&["restore", text(&folder)]);
    other.assert_sound();
    // Before it serves: then it goes on with the orders that were being paid.
    let restored = other.count("select count(*) from orders where status = 'placed'");
    assert!(usize::try_from(restored).unwrap() <= after.len());
    other.serve();
    for (id, token) in &before {
        let order = other.get(&format!("/api/v1/orders/{id}?token={token}")).expect(200).json();
        assert_eq!(order["status"], "placed");
    }
    eventually("the index is filled", || {
        other.get("/api/v1/products?q=soap").expect(200).json()["total"] == 1
    });
    other.order("SOAP", 2);

    // A shop that is served is not replaced, nor is one that is there without being told to.
    let why = if crate::ON_POSTGRES { "connections of Stoa" } else { "being served" };
    if crate::ON_POSTGRES {
        let third = Shop::on(other.store_again());
        refused(&third, &["restore", text(&folder), "--replace"], why);
    }
    refused(&other, &["restore", text(&folder), "--replace"], "served");
    assert!(other.stop().success());
    refused(&other, &["restore", text(&folder)], "--replace");
    assert!(other.count("select count(*) from orders where status = 'placed'") > restored);
    eventually("the stopped shop is gone from the database", || {
        let output = other.run(&["restore", text(&folder), "--replace"]);
        assert!(output.status.success() || shown(&output).contains(why), "{}", shown(&output));
        output.status.success()
    });
    assert_eq!(other.count("select count(*) from orders where status = 'placed'"), restored);
    other.assert_sound();
}

#[test]
fn a_damaged_backup_changes_nothing() {
    let shop = Shop::closed().stocked(&[simple("soap", 450, 10)]);
    let folder = shop.file("backup");
    shop.succeed(&["backup", text(&folder)]);
    let file = folder.join(if crate::ON_POSTGRES { "shop.dump" } else { "stoa.db" });
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    let other = Shop::closed();
    for bytes in [&bad[..], &good[..middle]] {
        std::fs::write(&file, bytes).unwrap();
        refused(&other, &["restore", text(&folder)], "not what was backed up");
        refused(&shop, &["restore", text(&folder), "--replace"], "not what was backed up");
    }
    std::fs::remove_file(folder.join("manifest.json")).unwrap();
    refused(&other, &["restore", text(&folder)], "is no backup");
    assert_eq!(shop.count("select count(*) from products"), 1);
    shop.assert_sound();
}
