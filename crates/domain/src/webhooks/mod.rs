//! Webhooks: when a delivery is tried again, and when an endpoint is left alone.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`retry`] | what follows a try of one delivery |
//! | [`breaker`] | whether an endpoint is sent to at all |
//!
//! Times and random numbers come in as values.

pub mod breaker;
pub mod retry;

/// What a try to deliver ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it: it answered 2xx.
    Taken,
    /// It did not: another status, no answer in time, no connection.
    Failed {
        /// How long the receiver asks to wait (`Retry-After`), in seconds.
        retry_after_s: Option<i64>,
    },
    /// The receiver wants nothing any more: it answered 410.
    Gone,
}
