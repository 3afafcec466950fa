//! Stock in the store. Owns `stock_locations`, `stock_levels` and `stock_movements`.

pub mod store;
