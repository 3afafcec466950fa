//! Carts in the store. Owns the table `carts`; [`abandoned`] those that were left.

pub mod abandoned;
pub mod store;
