//! What a rate limit costs a request, where limits are counted in the process:
//! `cargo run --release -p stoa-bench --bin rate_limit`.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use stoa_embedded::cache::MemoryCache;
use stoa_ports::cache::{Bucket, CacheStore, Quota};

/// Requests that are counted.
const REQUESTS: u32 = 5_000_000;
/// Clients that send them.
const CLIENTS: u32 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cache: Arc<dyn CacheStore> = Arc::new(MemoryCache::new());
    let quota = Quota::new(1_000_000, 60).context("a quota")?;
    let began = Instant::now();
    let mut allowed = 0_u32;
    for number in 0..REQUESTS {
        let bucket = Bucket { limit: "api", who: u128::from(number % CLIENTS) };
        allowed += u32::from(cache.take(bucket, quota).await?.allowed);
    }
    let each = began.elapsed().as_nanos() / u128::from(REQUESTS);
    println!("{each} ns a request; {allowed} of {REQUESTS} were let in");
    Ok(())
}
