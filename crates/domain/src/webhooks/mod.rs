//! The rules of outgoing webhooks: which events an endpoint takes, when a delivery is tried again,
//! and when an endpoint that does not answer is left alone.

pub mod breaker;
pub mod filter;
pub mod retry;

pub use breaker::{Breaker, Permit, Phase};
pub use filter::{EventFilter, EventFilterError};
pub use retry::{Attempt, AttemptResult, Next, after_attempt};
