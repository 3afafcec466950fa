//! The faces of Stoa over HTTP: API, storefront, back office.
//!
//! [`routes`] lists every address on one page. A handler reads its request into plain values, calls
//! one use case of `stoa_app`, and turns the outcome into an answer; it holds no rule of business
//! and no SQL. Pages come from `stoa_pages`.
#![allow(missing_docs, reason = "handlers and wire types are documented by the OpenAPI document")]

pub mod admin;
pub mod api;
mod browser;
pub mod client;
pub mod extract;
pub mod health;
pub mod limits;
pub mod metrics;
pub mod middleware;
pub mod page_cache;
pub mod reply;
pub mod routes;
pub mod state;
pub mod storefront;

pub use routes::router;
pub use state::{Options, Web};
