//! The business rules of Stoa: plain values in, plain values out.
//!
//! No async, no I/O, no clock, no randomness: the manifest has no crate that could bring them.
//! What changes shared rows (cart, order, stock, payment) is a [`command::Command`] that decides
//! against a [`world::World`] and returns [`world::Changes`]; a refused command has changed
//! nothing, because deciding cannot.

pub mod address;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod checkout;
pub mod command;
pub mod customer;
pub mod event;
pub mod fulfilment;
pub mod inventory;
pub mod ledger;
pub mod order;
pub mod pricing;
pub mod refusal;
pub mod shop;
pub mod vendor;
pub mod webhooks;
pub mod world;

pub use command::{Command, Reply, decide};
pub use refusal::Refusal;
