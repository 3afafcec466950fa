//! Fulfilments in the store. Owns `fulfilments` and `fulfilment_items`; they are loaded and saved with
//! their orders.

pub mod store;
