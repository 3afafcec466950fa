//! Turns a checked draft into a product, keeping the ids of what is there already.

use stoa_kernel::{CategoryId, Ctx};

use super::{Draft, OptionAxis, Price, Product, ProductVendor, Variant};

/// What the store already has of a product, and what it becomes.
///
/// Variants keep their id when their SKU stays; version and `updated_at` move only when something
/// has changed, so that an import that repeats itself writes nothing.
pub fn apply_draft(
    existing: Option<&Product>,
    draft: &Draft,
    category_id: Option<CategoryId>,
    vendor: Option<ProductVendor>,
    ctx: &mut Ctx,
) -> Product {
    let known = |sku: &str| {
        existing.and_then(|product| product.variants.iter().find(|variant| variant.sku == sku))
    };
    let mut options: Vec<OptionAxis> = draft
        .options
        .iter()
        .map(|name| OptionAxis { name: name.trim().to_owned(), values: Vec::new() })
        .collect();
    let mut variants = Vec::with_capacity(draft.variants.len());
    for variant in &draft.variants {
        for (axis, value) in options.iter_mut().zip(&variant.options) {
            if !axis.values.contains(value) {
                axis.values.push(value.clone());
            }
        }
        let mut prices: Vec<Price> = variant
            .prices
            .iter()
            .map(|price| Price {
                price: price.price,
                compare_at: price.compare_at.filter(|was| was.minor > price.price.minor),
            })
            .collect();
        prices.sort_by_key(|price| price.price.currency);
        variants.push(Variant {
            id: known(&variant.sku).map_or_else(|| ctx.variant_id(), |known| known.id),
            sku: variant.sku.clone(),
            barcode: variant.barcode.clone(),
            options: variant.options.clone(),
            prices,
            weight_g: variant.weight_g,
        });
    }
    let mut product = Product {
        id: existing.map_or_else(|| ctx.product_id(), |product| product.id),
        handle: draft.handle.clone(),
        title: draft.title.clone(),
        status: draft.status,
        brand: draft.brand.clone(),
        vendor,
        category_id,
        product_type: draft.product_type.clone(),
        tags: draft.tags.clone(),
        description_html: draft.description_html.clone(),
        options,
        attributes: draft.attributes.clone(),
        media: draft.media.clone(),
        variants,
        version: existing.map_or(1, |product| product.version),
        created_at: existing.map_or(ctx.now, |product| product.created_at),
        updated_at: existing.map_or(ctx.now, |product| product.updated_at),
    };
    if existing.is_some_and(|before| *before != product) {
        product.version += 1;
        product.updated_at = ctx.now;
    }
    product
}

/// The draft that makes this product, for export and for editing. Stock is left out.
pub fn to_draft(product: &Product, category: Vec<String>) -> Draft {
    Draft {
        handle: product.handle.clone(),
        title: product.title.clone(),
        status: product.status,
        brand: product.brand.clone(),
        vendor: product.vendor.as_ref().map(|vendor| vendor.handle.clone()),
        category,
        product_type: product.product_type.clone(),
        tags: product.tags.clone(),
        description_html: product.description_html.clone(),
        options: product.options.iter().map(|axis| axis.name.clone()).collect(),
        attributes: product.attributes.clone(),
        media: product.media.clone(),
        variants: product
            .variants
            .iter()
            .map(|variant| super::DraftVariant {
                sku: variant.sku.clone(),
                barcode: variant.barcode.clone(),
                options: variant.options.clone(),
                prices: variant
                    .prices
                    .iter()
                    .map(|price| super::DraftPrice {
                        price: price.price,
                        compare_at: price.compare_at,
                    })
                    .collect(),
                weight_g: variant.weight_g,
                stock: None,
            })
            .collect(),
    }
}
