//! The cache within the process keeps the contract of its port.

use std::sync::Arc;

use stoa_embedded::cache::MemoryCache;
use stoa_ports::cache::CacheStore;
use stoa_ports::cache_suite::cache_suite;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    cache_suite(|| async { Arc::new(MemoryCache::new()) as Arc<dyn CacheStore> }).await;
}
