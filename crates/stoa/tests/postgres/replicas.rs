//! Reads on a replica that lags, stops, dies and comes back.

use serde_json::Value;
use stoa_test_stores::{Server, Store, psql};

use crate::catalogue::{simple, usd};
use crate::shop::{Shop, eventually};

/// A number among the metrics.
fn metric(shop: &Shop, name: &str) -> Option<f64> {
    let text = shop.get("/metrics").expect(200).text();
    let line = text.lines().find(|line| line.starts_with(&format!("stoa_{name}{{")))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn serves(shop: &Shop) -> bool {
    metric(shop, "replica_serves") == Some(1.0)
}

fn price(shop: &Shop) -> Value {
    shop.get("/api/v1/products/mug").expect(200).json()["price"].clone()
}

#[test]
fn a_replica_answers_while_it_can_and_nobody_sees_the_past() {
    let primary = Server::durable().unwrap();
    let url = primary.new_database().unwrap();
    let database = url.rsplit('/').next().unwrap();
    let mut replica = primary.replica().unwrap();
    let read_url = replica.address(database);
    let shop = Shop::on(Store::Postgres(url.clone()))
        .set("STOA_DATABASE__READ_URLS", &read_url)
        .set("STOA_DATABASE__READ_MAX_LAG_MS", "1500")
        .stocked(&[simple("mug", 1_000, 100)])
        .open();
    eventually("the replica serves", || serves(&shop));
    eventually("reads go there", || {
        assert_eq!(price(&shop), usd(1_000));
        metric(&shop, "replica_reads_total").unwrap() > 3.0
    });

    // It stands still; what is written meanwhile is seen all the same.
    psql(&read_url, "select pg_wal_replay_pause()").unwrap();
    shop.import(&[simple("mug", 1_100, 100)]);
    eventually("the new price is seen", || price(&shop) == usd(1_100));
    for _ in 0..20 {
        assert_eq!(price(&shop), usd(1_100), "nobody goes back in time");
    }
    let page = || shop.get("/products/mug").expect(200).text();
    eventually("also on the page", || page().contains("11.00"));
    let order = shop.order("MUG", 1);
    let (id, token) = (order["id"].as_str().unwrap(), order["token"].as_str().unwrap());
    shop.get(&format!("/api/v1/orders/{id}?token={token}")).expect(200);
    eventually("it is left out", || !serves(&shop));
    let ready = shop.get("/health/ready").expect(200).text();
    assert!(ready.contains("left_out"), "{ready}");
    let asked = metric(&shop, "replica_reads_total");
    assert_eq!(price(&shop), usd(1_100));
    assert_eq!(metric(&shop, "replica_reads_total"), asked);

    // It goes on, and is taken in again.
    psql(&read_url, "select pg_wal_replay_resume()").unwrap();
    eventually("it serves again", || serves(&shop));
    eventually("reads go there again", || {
        assert_eq!(price(&shop), usd(1_100));
        metric(&shop, "replica_reads_total") > asked
    });

    // It dies under way; no reader notices.
    replica.kill().unwrap();
    for _ in 0..50 {
        assert_eq!(price(&shop), usd(1_100));
    }
    eventually("it is left out", || !serves(&shop));
    shop.import(&[simple("mug", 1_200, 100)]);
    eventually("the shop goes on", || price(&shop) == usd(1_200));
    replica.start_again().unwrap();
    eventually("it is back", || serves(&shop));
    assert_eq!(price(&shop), usd(1_200));
    shop.order("MUG", 1);
    assert!(shop.stop().success());
    shop.assert_sound();
}

#[test]
fn a_shop_starts_without_its_replica() {
    let nowhere = "postgres://stoa@127.0.0.1:1/nothing";
    let shop = Shop::closed()
        .set("STOA_DATABASE__READ_URLS", nowhere)
        .stocked(&[simple("mug", 1_000, 5)])
        .open();
    assert_eq!(price(&shop), usd(1_000));
    assert_eq!(metric(&shop, "replica_serves"), Some(0.0));
    shop.get("/health/ready").expect(200);
}
