//! The cache within the process.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_ports::cache::{Bucket, CacheError, CacheStore, Quota, Taken};

/// Parts of the buckets, so that requests seldom wait for each other.
const SHARDS: usize = 64;
/// Buckets kept in one part; beyond it those nearest to full are forgotten.
const BUCKETS: usize = 2_048;
/// Values kept; beyond it those that end first are forgotten.
const VALUES: usize = 8_192;

/// When a bucket is full again, or a value ends: microseconds since the cache was made.
type Until = u64;

/// Buckets and values in memory; they end with the process.
pub struct MemoryCache {
    began: Instant,
    buckets: [Mutex<HashMap<Bucket, Until>>; SHARDS],
    values: Mutex<HashMap<String, (Until, Vec<u8>)>>,
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryCache")
    }
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::new()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Makes room for a new entry: what is over goes, and if that is little, the half that is over
/// first.
fn make_room<K: Eq + Hash, V>(
    map: &mut HashMap<K, V>,
    most: usize,
    now: Until,
    until: impl Fn(&V) -> Until,
) {
    if map.len() < most {
        return;
    }
    map.retain(|_, value| until(value) > now);
    if map.len() > most / 2 {
        let mut times: Vec<Until> = map.values().map(&until).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let mut spare = map.len().saturating_sub(most / 2);
        map.retain(|_, value| {
            let goes = until(value) <= median && spare > 0;
            spare = spare.saturating_sub(usize::from(goes));
            !goes
        });
    }
}

impl MemoryCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            buckets: std::array::from_fn(|_| Mutex::default()),
            values: Mutex::default(),
        }
    }

    fn now(&self) -> Until {
        micros(self.began.elapsed())
    }

    fn shard(&self, bucket: Bucket) -> Option<&Mutex<HashMap<Bucket, Until>>> {
        // Addresses of one network differ in few bits: mix them.
        let [a, b] = [bucket.who, bucket.who >> 64].map(|half| half & u128::from(u64::MAX));
        let mixed = (a ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        self.buckets.get(usize::try_from(mixed % 64).unwrap_or(0))
    }

    /// Takes a token, without waiting.
    pub fn take_now(&self, bucket: Bucket, quota: Quota) -> Taken {
        let now = self.now();
        let Some(shard) = self.shard(bucket) else { return quota.answer(true, 0) };
        let mut buckets = shard.lock();
        let full = quota.full_us();
        let lacks = buckets.get(&bucket).map_or(0, |until| until.saturating_sub(now)).min(full);
        let after = lacks + quota.interval_us();
        if after > full {
            return quota.answer(false, lacks);
        }
        if lacks == 0 && !buckets.contains_key(&bucket) {
            make_room(&mut buckets, BUCKETS, now, |until| *until);
        }
        buckets.insert(bucket, now + after);
        quota.answer(true, after)
    }
}

#[async_trait]
impl CacheStore for MemoryCache {
    async fn take(&self, bucket: Bucket, quota: Quota) -> Result<Taken, CacheError> {
        Ok(self.take_now(bucket, quota))
    }

    async fn give_back(&self, bucket: Bucket, quota: Quota) -> Result<(), CacheError> {
        if let Some(shard) = self.shard(bucket)
            && let Some(until) = shard.lock().get_mut(&bucket)
        {
            *until = until.saturating_sub(quota.interval_us());
        }
        Ok(())
    }

    async fn forgive(&self, bucket: Bucket) -> Result<(), CacheError> {
        if let Some(shard) = self.shard(bucket) {
            shard.lock().remove(&bucket);
        }
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let now = self.now();
        let values = self.values.lock();
        Ok(values.get(key).filter(|(until, _)| *until > now).map(|(_, value)| value.clone()))
    }

    async fn put(&self, key: &str, value: &[u8], keep: Duration) -> Result<(), CacheError> {
        let now = self.now();
        let mut values = self.values.lock();
        make_room(&mut values, VALUES, now, |(until, _)| *until);
        values.insert(key.to_owned(), (now.saturating_add(micros(keep)), value.to_vec()));
        Ok(())
    }

    async fn add(&self, key: &str, value: &[u8], keep: Duration) -> Result<bool, CacheError> {
        let now = self.now();
        let mut values = self.values.lock();
        if values.get(key).is_some_and(|(until, _)| *until > now) {
            return Ok(false);
        }
        make_room(&mut values, VALUES, now, |(until, _)| *until);
        values.insert(key.to_owned(), (now.saturating_add(micros(keep)), value.to_vec()));
        Ok(true)
    }

    async fn ping(&self) -> Result<(), CacheError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(tokens: u32) -> Quota {
        Quota::new(tokens, 3_600).unwrap()
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_is_limited_stays_so() {
        let cache = MemoryCache::new();
        let limited = Bucket { limit: "a", who: 7 };
        for _ in 0..3 {
            assert!(cache.take_now(limited, quota(3)).allowed);
        }
        for who in 100..400_000 {
            cache.take_now(Bucket { limit: "a", who }, quota(3));
        }
        let kept: usize = cache.buckets.iter().map(|shard| shard.lock().len()).sum();
        assert!((BUCKETS * SHARDS / 4..=BUCKETS * SHARDS).contains(&kept), "{kept}");
        assert!(!cache.take_now(limited, quota(3)).allowed);
    }

    #[tokio::test]
    async fn values_are_bounded() {
        let cache = MemoryCache::new();
        for n in 0..VALUES * 3 {
            cache.put(&n.to_string(), b"", Duration::from_secs(3_600)).await.unwrap();
        }
        assert!(cache.values.lock().len() <= VALUES);
        let last = (VALUES * 3 - 1).to_string();
        assert!(cache.get(&last).await.unwrap().is_some());
    }

    #[test]
    fn addresses_of_one_network_spread() {
        let cache = MemoryCache::new();
        for who in 0..6_400 {
            cache.take_now(Bucket { limit: "a", who: 0xC0A8_0000 + who }, quota(1));
        }
        let fullest = cache.buckets.iter().map(|shard| shard.lock().len()).max();
        assert!(fullest < Some(300), "{fullest:?}");
    }

    proptest! {
        #[test]
        fn a_bucket_never_gives_more_than_it_holds(
            tokens in 1_u32..50, calls in proptest::collection::vec(0_u8..3, 1..300),
        ) {
            let cache = MemoryCache::new();
            let bucket = Bucket { limit: "a", who: 1 };
            let quota = Quota::new(tokens, 86_400).unwrap();
            let mut out = 0;
            for call in calls {
                if call == 0 && out > 0 {
                    let given = CacheStore::give_back(&cache, bucket, quota);
                    tokio::runtime::Builder::new_current_thread().build()?.block_on(given)?;
                    out -= 1;
                } else {
                    let taken = cache.take_now(bucket, quota);
                    prop_assert_eq!(taken.allowed, out < tokens);
                    out += u32::from(taken.allowed);
                    prop_assert_eq!(taken.remaining, tokens - out);
                }
            }
        }
    }
}
