//! The default adapters: everything a shop needs inside one process.

pub mod cache;
pub mod outbox;
pub mod search;
pub mod test_payment;
