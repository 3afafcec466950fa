//! The cache within the process keeps the contract of its port, and costs next to nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::sync::Arc;
use std::time::Instant;

use stoa_embedded::cache::MemoryCache;
use stoa_ports::cache::{Bucket, CacheStore, Quota};
use stoa_ports::cache_suite::cache_suite;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    cache_suite(|| async { Arc::new(MemoryCache::new()) as Arc<dyn CacheStore> }).await;
}

/// `cargo test --release -p stoa-embedded --test cache -- --ignored --nocapture` says what a check
/// costs.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_a_check_costs() {
    let cache: Arc<dyn CacheStore> = Arc::new(MemoryCache::new());
    let quota = Quota::new(1_000_000, 60).unwrap();
    let n = 2_000_000_u32;
    let began = Instant::now();
    let mut n_allowed = 0_u32;
    for number in 0..n {
        let bucket = Bucket { limit: "api", who: u128::from(number % 1_000) };
        n_allowed += u32::from(cache.take(bucket, quota).await.unwrap().allowed);
    }
    println!("{} ns a check, {n_allowed} allowed", began.elapsed().as_nanos() / u128::from(n));
}
