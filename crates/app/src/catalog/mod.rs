//! The catalogue: what the shop sells, and how it gets in and out.

pub mod export;
pub mod import;
