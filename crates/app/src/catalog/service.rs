//! The catalogue as pages and the API read it: from memory where that is honest.
//!
//! Cards and the category tree are copies; [`Catalog::forget`] drops what an event has changed.
//! What is shown may be a moment old; what is sold is decided on locked rows.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use quick_cache::sync::Cache;
use stoa_domain::catalog::{AttributeValue, Category, Product, Status};
use stoa_domain::inventory::StockLevel;
use stoa_domain::shop::ShopConfig;
use stoa_kernel::{CategoryId, Currency, ProductId, VariantId};
use stoa_ports::search::{DocAttribute, DocValue, ProductDoc};
use stoa_sql::{Db, Tx};

use super::import::sanitise;
use super::store::{self, Card};
use crate::error::StoreError;
use crate::inventory;

/// Cards kept in memory; one takes about 400 bytes.
const KEPT_CARDS: usize = 50_000;

/// A category with its place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryNode {
    /// The category.
    pub category: Category,
    /// Ids from the root to this one.
    pub path: Vec<CategoryId>,
    /// Its direct subcategories, in order.
    pub children: Vec<CategoryId>,
    /// Products on sale in it and below it; 0 in a tree that was read without counting them.
    pub n_products: i64,
}

/// All categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryTree {
    /// Top categories, in order.
    pub roots: Vec<CategoryId>,
    nodes: HashMap<CategoryId, CategoryNode>,
    by_handle: HashMap<String, CategoryId>,
}

impl CategoryTree {
    /// Reads the categories, without counting what is in them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self::build(store::categories(tx).await?, Vec::new()))
    }

    /// Reads a category and those that it is in, nothing else and without counts: enough to name it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn above(tx: &mut Tx, id: Option<CategoryId>) -> Result<Self, StoreError> {
        let Some(id) = id else { return Ok(Self::default()) };
        Ok(Self::build(store::categories_above(tx, id).await?, Vec::new()))
    }

    /// Reads the categories and counts what is in them: a look at each product.
    async fn load_counted(tx: &mut Tx) -> Result<Self, StoreError> {
        let categories = store::categories(tx).await?;
        Ok(Self::build(categories, store::counts_by_category(tx).await?))
    }

    fn build(categories: Vec<Category>, counts: Vec<(CategoryId, i64)>) -> Self {
        let mut tree = Self::default();
        let parents: HashMap<CategoryId, Option<CategoryId>> =
            categories.iter().map(|category| (category.id, category.parent_id)).collect();
        let mut children: HashMap<CategoryId, Vec<CategoryId>> = HashMap::new();
        for category in &categories {
            match category.parent_id {
                Some(parent) => children.entry(parent).or_default().push(category.id),
                None => tree.roots.push(category.id),
            }
        }
        for category in categories {
            let mut path = vec![category.id];
            let mut above = category.parent_id;
            // A cycle cannot be made by any command; the bound keeps a damaged table harmless.
            while let Some(parent) = above
                && path.len() < 16
            {
                path.push(parent);
                above = parents.get(&parent).copied().flatten();
            }
            path.reverse();
            let id = category.id;
            tree.by_handle.insert(category.handle.clone(), id);
            let children = children.remove(&id).unwrap_or_default();
            tree.nodes.insert(id, CategoryNode { category, path, children, n_products: 0 });
        }
        for (id, n) in counts {
            let path = tree.nodes.get(&id).map(|node| node.path.clone()).unwrap_or_default();
            for above in path {
                if let Some(node) = tree.nodes.get_mut(&above) {
                    node.n_products += n;
                }
            }
        }
        tree
    }

    /// A category by id.
    pub fn get(&self, id: CategoryId) -> Option<&CategoryNode> {
        self.nodes.get(&id)
    }

    /// A category by handle.
    pub fn by_handle(&self, handle: &str) -> Option<&CategoryNode> {
        self.by_handle.get(handle).and_then(|id| self.nodes.get(id))
    }

    /// The categories from the root down to this one.
    pub fn path(&self, id: Option<CategoryId>) -> impl Iterator<Item = &CategoryNode> {
        let path = id.and_then(|id| self.nodes.get(&id)).map(|node| node.path.as_slice());
        path.unwrap_or_default().iter().filter_map(|id| self.nodes.get(id))
    }

    /// Top categories, in order.
    pub fn roots(&self) -> impl Iterator<Item = &CategoryNode> {
        self.roots.iter().filter_map(|id| self.nodes.get(id))
    }

    /// All categories, in no promised order.
    pub fn all(&self) -> impl Iterator<Item = &CategoryNode> {
        self.nodes.values()
    }
}

/// Reads what may be a moment old, from a replica where there is one; where that fails, from the
/// primary.
macro_rules! stale {
    ($db:expr, $tx:ident => $read:expr) => {{
        let mut $tx = $db.read_stale().await?;
        match $read.await {
            Err(_) if $tx.is_stale() => {
                $tx = $db.read().await?;
                $read.await
            }
            answer => answer,
        }
    }};
}

/// A product with its stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockedProduct {
    /// The product.
    pub product: Product,
    /// Stock levels of its variants.
    pub levels: Vec<StockLevel>,
}

impl StockedProduct {
    /// Pieces of a variant that can be sold now; not negative.
    pub fn available(&self, variant: VariantId) -> i64 {
        let levels = self.levels.iter().filter(|level| level.variant_id == variant);
        levels.map(StockLevel::available).sum::<i64>().max(0)
    }
}

/// The catalogue.
#[derive(Debug)]
pub struct Catalog {
    db: Db,
    shop: Arc<ShopConfig>,
    cards: Cache<ProductId, Arc<Card>>,
    tree: RwLock<Option<Arc<CategoryTree>>>,
}

impl Catalog {
    /// The catalogue of a database.
    pub fn new(db: Db, shop: Arc<ShopConfig>) -> Self {
        Self { db, shop, cards: Cache::new(KEPT_CARDS), tree: RwLock::new(None) }
    }

    /// The category tree, with counts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tree(&self) -> Result<Arc<CategoryTree>, StoreError> {
        let kept = self.tree.read().clone();
        if let Some(tree) = kept {
            return Ok(tree);
        }
        let tree = Arc::new(stale!(self.db, tx => CategoryTree::load_counted(&mut tx))?);
        *self.tree.write() = Some(Arc::clone(&tree));
        Ok(tree)
    }

    /// The cards of these products, in the order asked for; missing ones are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cards(&self, ids: &[ProductId]) -> Result<Vec<Arc<Card>>, StoreError> {
        let mut found: HashMap<ProductId, Arc<Card>> = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.cards.get(id) {
                Some(card) => {
                    found.insert(*id, card);
                }
                None => missing.push(*id),
            }
        }
        if !missing.is_empty() {
            let currency = self.shop.currency;
            for card in stale!(self.db, tx => store::cards(&mut tx, &missing, currency))? {
                let card = Arc::new(card);
                self.cards.insert(card.id, Arc::clone(&card));
                found.insert(card.id, card);
            }
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// A product with its stock, as it was in the store a moment ago.
    ///
    /// # Errors
    /// The store failed.
    pub async fn product(&self, id: ProductId) -> Result<Option<StockedProduct>, StoreError> {
        stale!(self.db, tx => stocked(&mut tx, id))
    }

    /// What a handle leads to.
    ///
    /// # Errors
    /// The store failed.
    pub async fn by_handle(&self, handle: &str) -> Result<ByHandle, StoreError> {
        stale!(self.db, tx => by_handle(&mut tx, handle))
    }

    /// The newest products, whether or not they can be bought.
    ///
    /// # Errors
    /// The store failed.
    pub async fn newest(&self, limit: i64) -> Result<Vec<ProductId>, StoreError> {
        stale!(self.db, tx => store::newest(&mut tx, limit))
    }

    /// The next ids after one, in their order.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ids_after(
        &self,
        after: Option<ProductId>,
        limit: i64,
    ) -> Result<Vec<ProductId>, StoreError> {
        stale!(self.db, tx => store::page_of_ids(&mut tx, after, limit))
    }

    /// Drops copies of products that have changed; with `tree`, also of the category tree.
    pub fn forget(&self, products: &[ProductId], tree: bool) {
        for id in products {
            self.cards.remove(id);
        }
        if tree {
            *self.tree.write() = None;
        }
    }

    /// What search knows of these products; those that are not on sale are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn docs(&self, ids: &[ProductId]) -> Result<Vec<ProductDoc>, StoreError> {
        stale!(self.db, tx => docs(&mut tx, self.shop.currency, ids))
    }
}

async fn by_handle(tx: &mut Tx, handle: &str) -> Result<ByHandle, StoreError> {
    if let Some(id) = store::id_of_handle(tx, handle).await? {
        return Ok(match stocked(tx, id).await? {
            Some(found) if found.product.status == Status::Active => {
                ByHandle::Found(Box::new(found))
            }
            _ => ByHandle::Nothing,
        });
    }
    Ok(match store::redirect(tx, handle).await? {
        Some(now) => ByHandle::Moved(now),
        None => ByHandle::Nothing,
    })
}

async fn docs(
    tx: &mut Tx,
    currency: Currency,
    ids: &[ProductId],
) -> Result<Vec<ProductDoc>, StoreError> {
    let tree = CategoryTree::load(tx).await?;
    let mut docs = Vec::with_capacity(ids.len());
    for product in store::load(tx, ids).await? {
        if product.status != Status::Active {
            continue;
        }
        let variants: Vec<VariantId> = product.variants.iter().map(|v| v.id).collect();
        let levels = inventory::store::levels(tx, &variants).await?;
        docs.push(doc(&tree, currency, StockedProduct { product, levels }));
    }
    Ok(docs)
}

/// What a handle leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHandle {
    /// A product on sale.
    Found(Box<StockedProduct>),
    /// The product has this handle now.
    Moved(String),
    /// Nothing.
    Nothing,
}

/// A product with its stock, in any state.
///
/// # Errors
/// The store failed.
pub async fn stocked(tx: &mut Tx, id: ProductId) -> Result<Option<StockedProduct>, StoreError> {
    let Some(product) = store::find(tx, id).await? else { return Ok(None) };
    let variants: Vec<VariantId> = product.variants.iter().map(|variant| variant.id).collect();
    let levels = inventory::store::levels(tx, &variants).await?;
    Ok(Some(StockedProduct { product, levels }))
}

fn doc(tree: &CategoryTree, currency: Currency, found: StockedProduct) -> ProductDoc {
    // What has no price here cannot be bought here.
    let mut on_sale = found.product.variants.iter().filter(|v| v.price_in(currency).is_some());
    let in_stock = on_sale.any(|variant| found.available(variant.id) > 0);
    let product = found.product;
    let mut prices: Vec<(Currency, i64)> = Vec::new();
    for price in product.variants.iter().flat_map(|variant| &variant.prices) {
        let (currency, minor) = (price.price.currency, price.price.minor);
        match prices.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, lowest)) => *lowest = minor.min(*lowest),
            None => prices.push((currency, minor)),
        }
    }
    let mut attributes: Vec<DocAttribute> = product
        .attributes
        .iter()
        .map(|attribute| DocAttribute {
            key: attribute.key.clone(),
            label: attribute.label.clone(),
            value: match &attribute.value {
                AttributeValue::Text(text) => DocValue::Text(text.clone()),
                AttributeValue::Number(number) => DocValue::Number(*number, attribute.unit.clone()),
                AttributeValue::Boolean(yes) => DocValue::Boolean(*yes),
                AttributeValue::List(items) => DocValue::List(items.clone()),
            },
        })
        .collect();
    for axis in &product.options {
        let key = stoa_kernel::handle::slugify(&axis.name).replace('-', "_");
        if !key.is_empty() && !attributes.iter().any(|attribute| attribute.key == key) {
            attributes.push(DocAttribute {
                key,
                label: axis.name.clone(),
                value: DocValue::List(axis.values.clone()),
            });
        }
    }
    let codes = product
        .variants
        .iter()
        .flat_map(|variant| std::iter::once(variant.sku.clone()).chain(variant.barcode.clone()))
        .collect();
    ProductDoc {
        id: product.id,
        title: product.title,
        brand: product.brand,
        category_path: tree
            .path(product.category_id)
            .map(|node| node.category.handle.clone())
            .collect(),
        category_names: tree
            .path(product.category_id)
            .map(|node| node.category.name.clone())
            .collect(),
        product_type: product.product_type,
        tags: product.tags,
        description: sanitise::text_of(&product.description_html),
        attributes,
        codes,
        prices,
        in_stock,
        created_at: product.created_at,
        handle: product.handle,
    }
}
