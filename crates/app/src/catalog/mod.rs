//! The catalogue: what the shop sells, and how it gets in and out.

pub mod export;
pub mod import;
pub mod save_product;
pub mod service;
pub mod store;

pub use save_product::{
    SaveError, Target, delete_product, delete_product_in, save_many, save_product, save_product_in,
};
pub use service::{Catalog, CategoryNode};

use stoa_domain::catalog::{Draft, to_draft};
use stoa_sql::Db;

use crate::error::StoreError;

/// All products as drafts, with their stock at the first location: what an export writes.
///
/// # Errors
/// The store failed.
pub async fn all_drafts(db: &Db) -> Result<Vec<Draft>, StoreError> {
    let mut tx = db.read().await?;
    let tree = service::CategoryTree::load(&mut tx).await?;
    let first = crate::inventory::store::locations(&mut tx).await?.first().map(|(id, _)| *id);
    let mut drafts = Vec::new();
    let mut after = None;
    loop {
        let ids = store::page_of_ids(&mut tx, after, 500).await?;
        let Some(last) = ids.last() else { return Ok(drafts) };
        after = Some(*last);
        for product in store::load(&mut tx, &ids).await? {
            let names = tree.path(product.category_id).map(|node| node.category.name.clone());
            let mut draft = to_draft(&product, names.collect());
            let variants: Vec<_> = product.variants.iter().map(|variant| variant.id).collect();
            let levels = crate::inventory::store::levels(&mut tx, &variants).await?;
            for (variant, id) in draft.variants.iter_mut().zip(variants) {
                variant.stock = levels
                    .iter()
                    .find(|level| level.variant_id == id && Some(level.location_id) == first)
                    .map(|level| level.on_hand);
            }
            drafts.push(draft);
        }
    }
}
