//! Orders in the store. Owns `orders`, `order_lines`, `payments`, `order_lookups` and
//! the counter of numbers.

pub mod lookup;
pub mod store;
