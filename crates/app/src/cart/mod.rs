//! Carts in the store. Owns the table `carts`.

pub mod store;
