//! Orders in the store. Owns `orders`, `order_lines`, `payments` and the counter of numbers.

pub mod store;
