//! The cache that the processes of a shop share, and what stands in for it while it is away.
//!
//! A shop has one cache in its own process and may have one that it shares with others. Nobody waits
//! for the shared one when it does not answer: from its first failure on, limits are counted in the
//! process and values come from the store, until it answers again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use stoa_kernel::Timestamp;
use stoa_ports::cache::{Bucket, CacheError, CacheStore, Quota, Taken};

/// How often the shared cache is looked after.
const LOOK: Duration = Duration::from_millis(500);

/// How long a value is kept at most. What ended while the shared cache was away may be in it still,
/// so that it is not read for as long after it has come back.
pub const KEEP: Duration = Duration::from_secs(30);

/// The caches of a shop.
#[derive(Debug)]
pub struct Cache {
    own: Arc<dyn CacheStore>,
    shared: Option<Shared>,
    clock: fn() -> Timestamp,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn CacheStore>,
    answers: AtomicBool,
    /// From when on values are read, in microseconds since the epoch.
    trusted_from: AtomicI64,
    failures: AtomicU64,
    /// What it said when it failed last.
    fault: Mutex<String>,
}

/// How the shared cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedState {
    /// Why it does not answer; `None` when it does.
    pub fault: Option<String>,
    /// Calls that failed since the start.
    pub failures: u64,
}

impl Cache {
    /// A cache of this process alone.
    pub fn alone(own: Arc<dyn CacheStore>, clock: fn() -> Timestamp) -> Self {
        Self { own, shared: None, clock }
    }

    /// A cache that is shared, and one of this process to stand in for it. It is not asked before
    /// [`Self::look`] has found that it answers.
    pub fn shared(
        store: Arc<dyn CacheStore>,
        own: Arc<dyn CacheStore>,
        clock: fn() -> Timestamp,
    ) -> Self {
        let shared = Shared {
            store,
            answers: AtomicBool::new(false),
            trusted_from: AtomicI64::new(0),
            failures: AtomicU64::new(0),
            fault: Mutex::new("not connected yet".to_owned()),
        };
        Self { own, shared: Some(shared), clock }
    }

    /// How the shared cache is; `None` when there is none.
    pub fn state(&self) -> Option<SharedState> {
        self.shared.as_ref().map(|shared| SharedState {
            fault: (!shared.answers.load(Ordering::Acquire)).then(|| shared.fault.lock().clone()),
            failures: shared.failures.load(Ordering::Relaxed),
        })
    }

    /// Takes a token: of the shared bucket, or of this process's own while that cannot be had.
    pub async fn take(&self, bucket: Bucket, quota: Quota) -> Taken {
        if let Some(shared) = self.answering()
            && let Some(taken) = self.heard(shared, shared.store.take(bucket, quota).await)
        {
            return taken;
        }
        self.own.take(bucket, quota).await.unwrap_or_else(|_| quota.answer(true, 0))
    }

    /// Gives a token back.
    pub async fn give_back(&self, bucket: Bucket, quota: Quota) {
        if let Some(shared) = self.answering()
            && self.heard(shared, shared.store.give_back(bucket, quota).await).is_some()
        {
            return;
        }
        // A lost token comes back by itself.
        let _given = self.own.give_back(bucket, quota).await;
    }

    /// Fills a bucket.
    pub async fn forgive(&self, bucket: Bucket) {
        let _forgiven = self.own.forgive(bucket).await;
        if let Some(shared) = self.answering() {
            self.heard(shared, shared.store.forgive(bucket).await);
        }
    }

    /// A value that all processes share; none while the shared cache is away, or where there is
    /// none: a process alone would not learn that another has ended it.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let shared = self.answering()?;
        if (self.clock)().as_micros() < shared.trusted_from.load(Ordering::Acquire) {
            return None;
        }
        self.heard(shared, shared.store.get(key).await)?
    }

    /// Keeps a value that was read from the store, unless there is one: what another process has
    /// put there since is newer. At most [`KEEP`].
    pub async fn add(&self, key: &str, value: &[u8], keep: Duration) {
        if let Some(shared) = self.answering() {
            self.heard(shared, shared.store.add(key, value, keep.min(KEEP)).await);
        }
    }

    /// Keeps a value whatever is there, for as long as that could have been kept and be on its way.
    pub async fn overwrite(&self, key: &str, value: &[u8]) {
        if let Some(shared) = self.answering() {
            self.heard(shared, shared.store.put(key, value, KEEP * 2).await);
        }
    }

    /// Finds out whether the shared cache answers, and connects it where it does not.
    pub async fn look(&self) {
        let Some(shared) = &self.shared else { return };
        let answer = shared.store.ping().await;
        if self.heard(shared, answer).is_some() && !shared.answers.load(Ordering::Acquire) {
            let keep = i64::try_from(KEEP.as_secs()).unwrap_or(i64::MAX);
            let from = (self.clock)().plus_seconds(keep);
            shared.trusted_from.store(from.as_micros(), Ordering::Release);
            shared.answers.store(true, Ordering::Release);
            tracing::info!("the shared cache answers");
        }
    }

    /// Looks after the shared cache, for ever.
    pub async fn watch(&self) {
        if self.shared.is_none() {
            return;
        }
        loop {
            self.look().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    fn answering(&self) -> Option<&Shared> {
        self.shared.as_ref().filter(|shared| shared.answers.load(Ordering::Acquire))
    }

    /// What the shared cache answered; after a failure it is not asked any more.
    fn heard<T>(&self, shared: &Shared, answer: Result<T, CacheError>) -> Option<T> {
        let error = match answer {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        shared.failures.fetch_add(1, Ordering::Relaxed);
        *shared.fault.lock() = error.0.clone();
        if shared.answers.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                %error,
                "goes on without the shared cache: limits are counted in this process"
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    /// A cache that answers when it is told to, and then allows everything.
    #[derive(Debug, Default)]
    struct Moody {
        away: AtomicBool,
        calls: AtomicU64,
    }

    impl Moody {
        fn answer<T>(&self, value: T) -> Result<T, CacheError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            if self.away.load(Ordering::Relaxed) {
                Err(CacheError("moody".to_owned()))
            } else {
                Ok(value)
            }
        }
    }

    #[async_trait]
    impl CacheStore for Moody {
        async fn take(&self, _: Bucket, quota: Quota) -> Result<Taken, CacheError> {
            self.answer(quota.answer(true, quota.interval_us()))
        }
        async fn give_back(&self, _: Bucket, _: Quota) -> Result<(), CacheError> {
            self.answer(())
        }
        async fn forgive(&self, _: Bucket) -> Result<(), CacheError> {
            self.answer(())
        }
        async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, CacheError> {
            self.answer(Some(b"value".to_vec()))
        }
        async fn put(&self, _: &str, _: &[u8], _: Duration) -> Result<(), CacheError> {
            self.answer(())
        }
        async fn add(&self, _: &str, _: &[u8], _: Duration) -> Result<bool, CacheError> {
            self.answer(true)
        }
        async fn ping(&self) -> Result<(), CacheError> {
            self.answer(())
        }
    }

    /// Refuses everything: to see who was asked.
    #[derive(Debug)]
    struct Strict;

    #[async_trait]
    impl CacheStore for Strict {
        async fn take(&self, _: Bucket, quota: Quota) -> Result<Taken, CacheError> {
            Ok(quota.answer(false, quota.full_us()))
        }
        async fn give_back(&self, _: Bucket, _: Quota) -> Result<(), CacheError> {
            Ok(())
        }
        async fn forgive(&self, _: Bucket) -> Result<(), CacheError> {
            Ok(())
        }
        async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, CacheError> {
            Ok(Some(b"own".to_vec()))
        }
        async fn put(&self, _: &str, _: &[u8], _: Duration) -> Result<(), CacheError> {
            Ok(())
        }
        async fn add(&self, _: &str, _: &[u8], _: Duration) -> Result<bool, CacheError> {
            Ok(true)
        }
        async fn ping(&self) -> Result<(), CacheError> {
            Ok(())
        }
    }

    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

    fn clock() -> Timestamp {
        Timestamp::from_micros(NOW.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_failing_cache_is_left_alone_until_it_answers_again() {
        let bucket = Bucket { limit: "test", who: 1 };
        let quota = Quota::new(5, 60).unwrap();
        let moody = Arc::new(Moody::default());
        let cache = Cache::shared(Arc::clone(&moody) as _, Arc::new(Strict), clock);
        assert!(!cache.take(bucket, quota).await.allowed, "it was asked before it was looked at");
        cache.look().await;
        assert_eq!(cache.state().unwrap(), SharedState { fault: None, failures: 0 });
        assert!(cache.take(bucket, quota).await.allowed);
        // What was there before is not believed at once.
        assert_eq!(cache.get("key").await, None);
        NOW.fetch_add(micros(KEEP), Ordering::Relaxed);
        assert_eq!(cache.get("key").await.unwrap(), b"value");

        moody.away.store(true, Ordering::Relaxed);
        assert!(!cache.take(bucket, quota).await.allowed);
        let n_calls = moody.calls.load(Ordering::Relaxed);
        for _ in 0..10 {
            assert!(!cache.take(bucket, quota).await.allowed);
            assert_eq!(cache.get("key").await, None);
        }
        assert_eq!(moody.calls.load(Ordering::Relaxed), n_calls, "requests wait for it");
        cache.look().await;
        let state = cache.state().unwrap();
        assert_eq!(state, SharedState { fault: Some("moody".to_owned()), failures: 2 });

        moody.away.store(false, Ordering::Relaxed);
        cache.look().await;
        assert!(cache.take(bucket, quota).await.allowed);
        assert_eq!(cache.get("key").await, None);
        NOW.fetch_add(micros(KEEP), Ordering::Relaxed);
        assert_eq!(cache.get("key").await.unwrap(), b"value");
    }

    #[tokio::test]
    async fn alone_nothing_is_read_from_the_cache() {
        let cache = Cache::alone(Arc::new(Strict), clock);
        assert_eq!(cache.get("key").await, None);
        assert_eq!(cache.state(), None);
    }

    fn micros(time: Duration) -> i64 {
        i64::try_from(time.as_micros()).unwrap()
    }
}
