//! What tests are made of: the seeded simulation of engine and checkout ([`sim`]).
#![allow(missing_docs, reason = "a crate for tests only")]

pub mod sim;
