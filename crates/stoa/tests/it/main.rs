//! Tests of the real program over HTTP and the command line, also while it is being killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

/// These run on the embedded store; `tests/postgres` has those that run on both.
const ON_POSTGRES: bool = false;

mod backup;
mod bad_input;
mod buyer;
mod catalogue;
mod cli;
mod contention;
mod contract;
mod crash;
mod events;
mod http;
mod idempotency;
mod limits;
mod mail;
mod restart;
mod shop;
mod webhooks;
