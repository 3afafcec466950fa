//! What the processes of a shop share for a short time: how often somebody has tried, and values
//! that can be read from the store again.
//!
//! Nothing here is the truth. Whatever an implementation loses costs time, never data.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// Whose tries are counted for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Name of the limit, e.g. `sign-in`.
    pub limit: &'static str,
    /// The one who is limited: a network address, or the hash of an account.
    pub who: u128,
}

/// A limit as a token bucket: it holds so many tokens at most and is filled anew within a window,
/// evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    tokens: u32,
    window_s: u32,
}

/// Longest window of a [`Quota`], in seconds.
const WINDOW_S: u32 = 7 * 86_400;

impl Quota {
    /// So many tokens in so many seconds. `None` for no tokens, no time, more than a week, or more
    /// than a token a microsecond.
    pub const fn new(tokens: u32, window_s: u32) -> Option<Self> {
        let sane = tokens > 0 && window_s > 0 && window_s <= WINDOW_S;
        let quota = Self { tokens, window_s };
        if sane && quota.interval_us() > 0 { Some(quota) } else { None }
    }

    /// Tokens in a full bucket.
    pub const fn tokens(self) -> u32 {
        self.tokens
    }

    /// Seconds within which an empty bucket is full again.
    pub const fn window_s(self) -> u32 {
        self.window_s
    }

    /// Microseconds until one token comes back.
    pub const fn interval_us(self) -> u64 {
        self.window_s as u64 * 1_000_000 / self.tokens as u64
    }

    /// Microseconds until an empty bucket is full.
    pub const fn full_us(self) -> u64 {
        self.interval_us() * self.tokens as u64
    }

    /// What a bucket answers that lacks so many microseconds of being full, after the try.
    pub fn answer(self, allowed: bool, lacks_us: u64) -> Taken {
        let left = self.full_us().saturating_sub(lacks_us) / self.interval_us();
        let wait = (lacks_us + self.interval_us()).saturating_sub(self.full_us());
        Taken {
            allowed,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            retry_after: Duration::from_micros(if allowed { 0 } else { wait }),
            full_after: Duration::from_micros(lacks_us),
        }
    }
}

/// What became of a try to take a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was one.
    pub allowed: bool,
    /// Tokens that are left.
    pub remaining: u32,
    /// When there is one again; zero when this try was allowed.
    pub retry_after: Duration,
    /// When the bucket is full again.
    pub full_after: Duration,
}

/// The cache did not answer, or not in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cache does not answer: {0}")]
pub struct CacheError(pub String);

/// A cache. Every call is atomic, also among processes that share it.
#[async_trait]
pub trait CacheStore: Send + Sync + fmt::Debug {
    /// Takes a token.
    async fn take(&self, bucket: Bucket, quota: Quota) -> Result<Taken, CacheError>;

    /// Gives a token back, as if it had not been taken.
    async fn give_back(&self, bucket: Bucket, quota: Quota) -> Result<(), CacheError>;

    /// Fills a bucket.
    async fn forgive(&self, bucket: Bucket) -> Result<(), CacheError>;

    /// The value of a key, unless its time is over.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError>;

    /// Keeps a value for at most so long, in place of what was there.
    async fn put(&self, key: &str, value: &[u8], keep: Duration) -> Result<(), CacheError>;

    /// Keeps a value unless there is one already; says whether it is kept.
    async fn add(&self, key: &str, value: &[u8], keep: Duration) -> Result<bool, CacheError>;

    /// Whether it answers. An implementation that has lost its connection makes a new one here, and
    /// only here.
    async fn ping(&self) -> Result<(), CacheError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_that_cannot_be_kept_is_none() {
        assert_eq!(Quota::new(0, 1), None);
        assert_eq!(Quota::new(1, 0), None);
        assert_eq!(Quota::new(1, WINDOW_S + 1), None);
        assert_eq!(Quota::new(1_000_001, 1), None);
        assert_eq!(Quota::new(1_000_000, 1).unwrap().interval_us(), 1);
        assert_eq!(Quota::new(u32::MAX, WINDOW_S).unwrap().interval_us(), 140);
    }

    #[test]
    fn answers_count_what_is_left_and_how_long_to_wait() {
        let quota = Quota::new(4, 8).unwrap();
        let one = quota.answer(true, 2_000_000);
        assert_eq!((one.remaining, one.full_after.as_secs()), (3, 2));
        assert_eq!(one.retry_after, Duration::ZERO);
        let none = quota.answer(false, 7_500_000);
        assert_eq!((none.remaining, none.retry_after.as_millis()), (0, 1_500));
    }
}
