//! The contract of [`CacheStore`](crate::cache::CacheStore): every implementation passes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cache::{Bucket, CacheStore, Quota, Taken};

/// A cache under test.
pub type Store = Arc<dyn CacheStore>;

/// Long enough for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3_600);

/// Runs all tests of the contract, each on an empty cache that `make` makes.
///
/// # Panics
/// When the contract is broken.
pub async fn cache_suite<M, F>(make: M)
where
    M: Fn() -> F,
    F: Future<Output = Store>,
{
    values_are_kept_and_replaced(make().await).await;
    values_end(make().await).await;
    only_the_first_adds(make().await).await;
    a_bucket_empties(make().await).await;
    a_bucket_fills_evenly(make().await).await;
    buckets_are_separate(make().await).await;
    tokens_come_back(make().await).await;
    many_takers_share_what_there_is(make().await).await;
    takers_and_givers_lose_nothing(make().await).await;
    make().await.ping().await.unwrap();
}

/// The bucket of somebody by number.
pub const fn bucket(who: u128) -> Bucket {
    Bucket { limit: "suite", who }
}

/// So many in an hour: none comes back while a test runs.
///
/// # Panics
/// When there is no such quota.
pub fn in_an_hour(tokens: u32) -> Quota {
    Quota::new(tokens, 3_600).unwrap()
}

async fn take(store: &Store, who: u128, quota: Quota) -> Taken {
    store.take(bucket(who), quota).await.unwrap()
}

async fn values_are_kept_and_replaced(store: Store) {
    assert_eq!(store.get("a").await.unwrap(), None);
    store.put("a", b"one", HOUR).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"one");
    store.put("a", b"", HOUR).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"");
    assert_eq!(store.get("A").await.unwrap(), None);
    let bytes: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    store.put("name with blanks: \u{fc}\r\n", &bytes, HOUR).await.unwrap();
    assert_eq!(store.get("name with blanks: \u{fc}\r\n").await.unwrap().unwrap(), bytes);
}

async fn values_end(store: Store) {
    store.put("long", b"1", HOUR).await.unwrap();
    store.put("short", b"1", Duration::from_millis(60)).await.unwrap();
    let until = Instant::now() + PATIENCE;
    while store.get("short").await.unwrap().is_some() {
        assert!(Instant::now() < until, "a value outlives its time");
        sleep(Duration::from_millis(5)).await;
    }
    assert!(store.add("short", b"2", HOUR).await.unwrap());
    assert_eq!(store.get("short").await.unwrap().unwrap(), b"2");
    assert_eq!(store.get("long").await.unwrap().unwrap(), b"1");
    // The time of a value is that of its last keeping.
    store.put("long", b"2", Duration::from_millis(1)).await.unwrap();
    let until = Instant::now() + PATIENCE;
    while store.get("long").await.unwrap().is_some() {
        assert!(Instant::now() < until, "a value outlives its new time");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn only_the_first_adds(store: Store) {
    let mut tasks = JoinSet::new();
    for n in 0..100_u8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { (n, store.add("once", &[n], HOUR).await.unwrap()) });
    }
    let added: Vec<u8> = tasks.join_all().await.into_iter().filter(|a| a.1).map(|a| a.0).collect();
    assert_eq!(added.len(), 1, "{added:?}");
    assert_eq!(store.get("once").await.unwrap().unwrap(), added);
    store.put("once", b"put", HOUR).await.unwrap();
    assert!(!store.add("once", b"late", HOUR).await.unwrap());
    assert_eq!(store.get("once").await.unwrap().unwrap(), b"put");
}

async fn a_bucket_empties(store: Store) {
    let quota = in_an_hour(5);
    for left in (0..5).rev() {
        let taken = take(&store, 1, quota).await;
        assert!(taken.allowed);
        assert_eq!(taken.remaining, left);
        assert_eq!(taken.retry_after, Duration::ZERO);
        let tokens_out = u64::from(5 - left);
        let full = taken.full_after.as_secs();
        assert!((tokens_out * 720 - 60..=tokens_out * 720).contains(&full), "{taken:?}");
    }
    for _ in 0..3 {
        // What is refused takes nothing, so that waiting always helps.
        let refused = take(&store, 1, quota).await;
        assert!(!refused.allowed);
        assert_eq!(refused.remaining, 0);
        assert!((660..=720).contains(&refused.retry_after.as_secs()), "{refused:?}");
    }
}

async fn a_bucket_fills_evenly(store: Store) {
    let quota = Quota::new(20, 2).unwrap();
    let began = Instant::now();
    let mut n_allowed = 0;
    let mut n_refused = 0;
    while n_refused < 5 {
        assert!(began.elapsed() < PATIENCE, "it is never empty");
        let taken = take(&store, 1, quota).await;
        if taken.allowed {
            n_allowed += 1;
        } else {
            n_refused += 1;
            assert!(taken.retry_after <= Duration::from_millis(100), "{taken:?}");
            sleep(taken.retry_after + Duration::from_millis(2)).await;
            assert!(take(&store, 1, quota).await.allowed, "waiting as told did not help");
            n_allowed += 1;
        }
    }
    // A tenth of a second a token, after the first twenty; never more than that.
    let may = 21 + began.elapsed().as_millis() / 100;
    assert!((22..=may).contains(&n_allowed), "{n_allowed} of {may}");
}

async fn buckets_are_separate(store: Store) {
    let quota = in_an_hour(1);
    assert!(take(&store, 1, quota).await.allowed);
    assert!(take(&store, 2, quota).await.allowed);
    let other = Bucket { limit: "other", who: 1 };
    assert!(store.take(other, quota).await.unwrap().allowed);
    for who in [1, 2] {
        assert!(!take(&store, who, quota).await.allowed);
    }
    assert!(take(&store, u128::MAX, quota).await.allowed);
    assert!(!take(&store, u128::MAX, quota).await.allowed);
}

async fn tokens_come_back(store: Store) {
    let quota = in_an_hour(3);
    // Nothing to give back to a full bucket.
    store.give_back(bucket(1), quota).await.unwrap();
    for _ in 0..3 {
        assert!(take(&store, 1, quota).await.allowed);
    }
    assert!(!take(&store, 1, quota).await.allowed);
    store.give_back(bucket(1), quota).await.unwrap();
    assert!(take(&store, 1, quota).await.allowed);
    assert!(!take(&store, 1, quota).await.allowed);
    store.forgive(bucket(1)).await.unwrap();
    assert_eq!(take(&store, 1, quota).await.remaining, 2);
    for _ in 0..5 {
        store.give_back(bucket(1), quota).await.unwrap();
    }
    assert_eq!(take(&store, 1, quota).await.remaining, 2, "more than full");
    // A limit that was lowered meanwhile holds at once.
    assert!(!take(&store, 1, in_an_hour(1)).await.allowed);
    store.forgive(bucket(9)).await.unwrap();
}

async fn many_takers_share_what_there_is(store: Store) {
    let quota = in_an_hour(50);
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut n_allowed = 0_u32;
            for _ in 0..10 {
                n_allowed += u32::from(take(&store, 1, quota).await.allowed);
            }
            n_allowed
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 50);
}

async fn takers_and_givers_lose_nothing(store: Store) {
    let quota = in_an_hour(1_000);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for _ in 0..20 {
                assert!(take(&store, 1, quota).await.allowed);
                store.give_back(bucket(1), quota).await.unwrap();
            }
            assert!(take(&store, 1, quota).await.allowed);
        });
    }
    tasks.join_all().await;
    let left = take(&store, 1, quota).await.remaining;
    // A token comes back every 3.6 seconds.
    assert!((979..=979 + 10).contains(&left), "{left} left");
}
