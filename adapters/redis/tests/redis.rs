//! The cache on Redis keeps the contract of its port, on one server and on a cluster, and comes back
//! after its servers did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use stoa_ports::cache::{Bucket, CacheStore, Quota};
use stoa_ports::cache_suite::{Store, bucket, cache_suite, in_an_hour};
use stoa_redis::RedisCache;
use stoa_test_stores::Redis;

const HOUR: Duration = Duration::from_secs(3_600);
const PATIENCE: Duration = Duration::from_secs(60);

async fn connected(urls: &[String], prefix: &str) -> Store {
    let cache = RedisCache::new(urls, prefix).unwrap();
    comes_back(&cache).await;
    Arc::new(cache)
}

/// Pings until the servers answer, as the shop does.
async fn comes_back(cache: &dyn CacheStore) {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = cache.ping().await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn keeps_the_contract(redis: Redis) {
    let urls = redis.urls();
    let n = AtomicU32::new(0);
    cache_suite(|| {
        let prefix = format!("suite-{}", n.fetch_add(1, Ordering::Relaxed));
        let urls = urls.clone();
        async move { connected(&urls, &prefix).await }
    })
    .await;
}

/// Two processes have a connection each.
async fn takers_of_two_connections_share_what_there_is(redis: Redis) {
    let urls = redis.urls();
    let both = [connected(&urls, "shop").await, connected(&urls, "shop").await];
    let other = connected(&urls, "another shop").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = Arc::clone(both.get(n % 2).unwrap());
        let who = u128::try_from(n % 5).unwrap();
        tasks.spawn(async move { store.take(bucket(who), in_an_hour(13)).await.unwrap().allowed });
    }
    let n_allowed = tasks.join_all().await.into_iter().filter(|allowed| *allowed).count();
    assert_eq!(n_allowed, 5 * 13);
    assert_eq!(other.take(bucket(0), in_an_hour(13)).await.unwrap().remaining, 12);
    both[0].put("key", b"1", HOUR).await.unwrap();
    assert!(!both[1].add("key", b"2", HOUR).await.unwrap());
    assert_eq!(other.get("key").await.unwrap(), None);
}

async fn fails_at_once_without_its_servers_and_comes_back(mut redis: Redis) {
    let cache = connected(&redis.urls(), "shop").await;
    cache.put("key", b"1", HOUR).await.unwrap();
    redis.kill().unwrap();
    let began = Instant::now();
    for who in 0..5 {
        cache.take(bucket(who), in_an_hour(1)).await.unwrap_err();
        cache.ping().await.unwrap_err();
    }
    assert!(began.elapsed() < PATIENCE, "{:?} for calls that cannot work", began.elapsed());
    redis.restart().unwrap();
    comes_back(&*cache).await;
    assert_eq!(cache.get("key").await.unwrap(), None);
    let until = Instant::now() + PATIENCE;
    // All nodes of a cluster answer again, not only the first that was asked.
    for who in 0..20 {
        while cache.take(bucket(who), in_an_hour(1_000)).await.is_err() {
            assert!(Instant::now() < until, "node of bucket {who} does not come back");
            let _again = cache.ping().await;
        }
    }
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod single {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(stoa_test_stores::Redis::single().unwrap()).await;
            }
        )*}
        mod cluster {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(stoa_test_stores::Redis::cluster().unwrap()).await;
            }
        )*}
    };
}

on_both! {
    keeps_the_contract,
    takers_of_two_connections_share_what_there_is,
    fails_at_once_without_its_servers_and_comes_back,
}

#[tokio::test]
async fn what_is_full_again_is_not_kept() {
    let redis = Redis::single().unwrap();
    let cache = connected(&redis.urls(), "shop").await;
    let soon = Bucket { limit: "soon", who: 1 };
    assert!(cache.take(soon, Quota::new(100, 1).unwrap()).await.unwrap().allowed);
    cache.take(bucket(1), in_an_hour(1)).await.unwrap();
    cache.give_back(bucket(1), in_an_hour(1)).await.unwrap();
    let url = redis.urls().pop().unwrap();
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let kept: u32 = redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
        if kept == 0 {
            break;
        }
        assert!(Instant::now() < until, "{kept} keys are kept for nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn addresses_are_checked_and_not_shown() {
    let wrong = RedisCache::new(&["http://cache".to_owned()], "shop");
    assert!(wrong.is_err(), "{wrong:?}");
    let cache = RedisCache::new(&["redis://:secret@cache".to_owned()], "shop").unwrap();
    assert!(!format!("{cache:?}").contains("secret"));
}
