//! The tests of the program once more, on PostgreSQL. Those of the command line are not among them:
//! they tamper with the embedded store's file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    dead_code,
    reason = "tests; helpers that only the others use"
)]

const ON_POSTGRES: bool = true;

#[path = "../it/backup.rs"]
mod backup;
#[path = "../it/bad_input.rs"]
mod bad_input;
#[path = "../it/buyer.rs"]
mod buyer;
#[path = "../it/catalogue.rs"]
mod catalogue;
#[path = "../it/contention.rs"]
mod contention;
#[path = "../it/contract.rs"]
mod contract;
#[path = "../it/crash.rs"]
mod crash;
mod endurance;
#[path = "../it/events.rs"]
mod events;
#[path = "../it/http.rs"]
mod http;
#[path = "../it/idempotency.rs"]
mod idempotency;
#[path = "../it/limits.rs"]
mod limits;
#[path = "../it/mail.rs"]
mod mail;
mod moves;
mod network;
mod replicas;
#[path = "../it/restart.rs"]
mod restart;
mod rolling;
mod several;
mod shared_cache;
#[path = "../it/shop.rs"]
mod shop;
#[path = "../it/webhooks.rs"]
mod webhooks;
