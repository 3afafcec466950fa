//! What was sold each day. Owns `sales_days`, which the facts about orders are summed up in.

pub mod store;
pub mod subscriber;
