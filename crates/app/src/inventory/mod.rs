//! Stock in the store. Owns `stock_locations`, `stock_levels` and `stock_movements`.

mod set_stock;
pub mod store;

pub(crate) use set_stock::set_counts;
pub use set_stock::set_stock_in;
