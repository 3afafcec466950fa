//! The catalogue: products, their variants, prices, attributes and media; categories.
//!
//! Tables: `products`, `variants`, `prices`, `categories`, `redirects`. Events: `product.created`,
//! `product.updated`, `product.deleted`. A SKU belongs to one variant, a handle to one product.

mod apply_draft;
pub mod draft;
pub mod product;

pub use apply_draft::{apply_draft, to_draft};
pub use draft::{Draft, DraftPrice, DraftVariant, FieldError};
pub use product::{
    Attribute, AttributeValue, Category, Media, OptionAxis, Price, Product, ProductVendor, Status,
    Variant, attribute_key,
};
