//! The engine and the stores on a real database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

mod abandoned_carts;
mod customers;
mod engine;
mod events;
mod jobs;
mod prepare_all;
mod sales;
mod shop;
mod vendors;
mod webhooks;
