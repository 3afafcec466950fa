//! Two processes on one database and one Redis, which is killed under their hands.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use stoa_test_stores::{Redis, Store};

use crate::buyer::GOOD_CARD;
use crate::catalogue::simple;
use crate::limits::from;
use crate::shop::{PATIENCE, Shop, eventually, within};

/// Two processes of one shop behind a proxy, which share limits.
fn two_that_share(redis: &Redis) -> [Shop; 2] {
    let Store::Postgres(address) = Store::postgres().unwrap() else { panic!("another store") };
    let shop = || {
        Shop::on(Store::Postgres(address.clone()))
            .set("STOA_SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .set("STOA_CACHE__URL", &redis.urls().join(","))
            .set("STOA_LIMITS__API", "20/1h")
    };
    let one = shop().stocked(&[simple("mug", 1_200, 1_000)]).open();
    let two = shop();
    std::fs::create_dir_all(two.data()).unwrap();
    // The test provider is one outside the shop, whichever process asks it.
    let book = "test-payments.log";
    symlink(one.data().join(book), two.data().join(book)).unwrap();
    let both = [one, two.open()];
    for shop in &both {
        within(PATIENCE, "the cache answers", || cache(shop) == "ready");
    }
    both
}

fn health(shop: &Shop) -> Value {
    // Without the cache it is ready nevertheless.
    let health = shop.get("/health/ready").expect(200).json();
    assert_eq!(health["status"], "ready");
    health
}

/// How the shop finds its cache.
fn cache(shop: &Shop) -> String {
    let health = health(shop);
    let checks = health["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "cache").expect("a check");
    let status = check["status"].as_str().unwrap().to_owned();
    assert_eq!(health["degraded"].is_array(), status == "degraded", "{health}");
    status
}

fn allowed(shop: &Shop, client: &str) -> bool {
    let answer = from(client, shop.get("/api/v1/categories")).send();
    assert!([200, 429].contains(&answer.status), "{}", answer.text());
    answer.status == 200
}

fn processes_share_limits(redis: &Redis) {
    let [one, two] = two_that_share(redis);
    for n in 0..10 {
        let client = format!("198.51.100.{n}");
        let n_allowed: usize = std::thread::scope(|scope| {
            let running = [&one, &two, &one, &two].map(|shop| {
                let client = &client;
                scope.spawn(move || (0..10).filter(|_| allowed(shop, client)).count())
            });
            running.map(|running| running.join().unwrap()).iter().sum()
        });
        assert_eq!(n_allowed, 20, "{client}");
    }
}

#[test]
fn processes_share_limits_through_a_server() {
    processes_share_limits(&Redis::single().unwrap());
}

#[test]
fn processes_share_limits_through_a_cluster() {
    processes_share_limits(&Redis::cluster().unwrap());
}

fn shop_goes_on(mut redis: Redis) {
    let [one, two] = two_that_share(&redis);
    let (is_over, n_orders) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (n, shop) in [&one, &two, &one, &two].into_iter().enumerate() {
            let (is_over, n_orders) = (&is_over, &n_orders);
            scope.spawn(move || {
                let mut number = 0;
                while !is_over.load(Ordering::Relaxed) {
                    number += 1;
                    // Each from an address of its own, so that no limit is met.
                    let client = format!("2001:db8:{n}:{number:x}::1");
                    let cart = shop.ready_cart("MUG", 1);
                    from(&client, shop.complete(&cart, GOOD_CARD)).expect(201);
                    n_orders.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let more_orders = |what: &str| {
            let before = n_orders.load(Ordering::Relaxed);
            eventually(what, || n_orders.load(Ordering::Relaxed) > before + 8);
        };
        more_orders("orders with the cache");
        redis.kill().unwrap();
        more_orders("orders without the cache");
        for shop in [&one, &two] {
            within(PATIENCE, "the shop says so", || cache(shop) == "degraded");
            let metrics = shop.get("/metrics").expect(200).text();
            assert!(metrics.contains("\nstoa_cache_up 0\n"), "{metrics}");
            // Limits are counted in the process.
            let n_allowed = (0..30).filter(|_| allowed(shop, "198.51.100.1")).count();
            assert_eq!(n_allowed, 20);
        }
        redis.restart().unwrap();
        for shop in [&one, &two] {
            within(PATIENCE, "the cache is back", || cache(shop) == "ready");
        }
        more_orders("orders with the cache again");
        is_over.store(true, Ordering::Relaxed);
    });
    let n_allowed = [&one, &two, &one, &two]
        .iter()
        .map(|shop| (0..10).filter(|_| allowed(shop, "198.51.100.2")).count())
        .sum::<usize>();
    assert_eq!(n_allowed, 20, "they do not share limits again");
    for shop in [&one, &two] {
        let metrics = shop.get("/metrics").expect(200).text();
        assert!(metrics.contains("\nstoa_cache_up 1\n"), "{metrics}");
    }
    one.assert_sound();
}

#[test]
fn the_shop_goes_on_while_the_server_is_killed() {
    shop_goes_on(Redis::single().unwrap());
}

#[test]
fn the_shop_goes_on_while_the_cluster_is_killed() {
    shop_goes_on(Redis::cluster().unwrap());
}

#[test]
fn a_shop_starts_without_its_cache_and_finds_it_later() {
    let mut redis = Redis::single().unwrap();
    redis.kill().unwrap();
    let shop = Shop::closed()
        .set("STOA_CACHE__URL", &redis.urls().join(","))
        .stocked(&[simple("mug", 1_200, 5)])
        .open();
    assert_eq!(cache(&shop), "degraded");
    shop.order("MUG", 1);
    std::thread::sleep(Duration::from_millis(100));
    redis.restart().unwrap();
    within(PATIENCE, "the cache is found", || cache(&shop) == "ready");
}
