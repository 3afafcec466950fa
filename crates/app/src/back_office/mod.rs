//! What the back office shows beside single products and orders: lists with what people look for
//! in them, sums by day, and orders that wait for someone. Reads only; owns no table.

pub mod store;
#[cfg(test)]
mod tests;
