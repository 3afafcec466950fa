//! The catalogue: what the shop sells, and how it gets in and out.

pub mod export;
pub mod import;
pub mod save_product;
pub mod service;
pub mod store;

pub use save_product::{SaveError, Target, delete_product, save_many, save_product};
pub use service::{Catalog, CategoryNode};
