//! Makes, changes and removes products: a batch of one, in the same three steps as the engine's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stoa_domain::Refusal;
use stoa_domain::catalog::{Category, Draft, FieldError, Product, ProductVendor, apply_draft};
use stoa_domain::command::VariantRef;
use stoa_domain::event::{Event, EventBody};
use stoa_domain::inventory::SetStock;
use stoa_domain::shop::ShopConfig;
use stoa_kernel::{BoxFuture, CategoryId, Ctx, Currency, Money, ProductId, VariantId, handle};
use stoa_sql::{Db, Tx};

use super::service::CategoryTree;
use super::store;
use crate::catalog::import::Outcome;
use crate::catalog::import::sanitise;
use crate::error::StoreError;
use crate::{event_log, inventory, vendor};

/// Why a product was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The business refused; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<stoa_sql::SqlError> for SaveError {
    fn from(error: stoa_sql::SqlError) -> Self {
        Self::Store(error.into())
    }
}

/// Which product a draft is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A new one; its handle must be free.
    New,
    /// The one with this id; at this version, where the caller says.
    Existing(ProductId, Option<i64>),
    /// The one with the draft's handle, or a new one.
    ByHandle,
}

/// Saves one product.
///
/// # Errors
/// The draft is wrong, its handle or a SKU belongs to another product, the version is stale, or
/// the store failed.
pub async fn save_product(
    db: &Db,
    shop: &std::sync::Arc<ShopConfig>,
    ctx: &mut Ctx,
    target: Target,
    draft: Draft,
) -> Result<(Product, Outcome), SaveError> {
    let mut tx = db.begin().await?;
    let saved = save_product_in(&mut tx, shop, ctx, target, draft).await?;
    tx.commit().await?;
    Ok(saved)
}

/// The same within a transaction of the caller, who commits it, or drops it after an error.
///
/// # Errors
/// As [`save_product`].
pub async fn save_product_in(
    tx: &mut Tx,
    shop: &std::sync::Arc<ShopConfig>,
    ctx: &mut Ctx,
    target: Target,
    draft: Draft,
) -> Result<(Product, Outcome), SaveError> {
    let draft = checked(draft)?;
    let mut saving = Saving::begin(tx).await?;
    let saved = save_in(tx, shop, ctx, &mut saving, target, &draft).await?;
    event_log::append(tx, ctx, &saving.events).await?;
    Ok(saved)
}

/// Saves many by handle in one transaction; each is saved whole or not at all.
///
/// # Errors
/// The store failed; then none is saved.
pub async fn save_many(
    db: &Db,
    shop: &std::sync::Arc<ShopConfig>,
    ctx: &mut Ctx,
    drafts: impl IntoIterator<Item = Draft>,
) -> Result<Vec<Result<Outcome, Refusal>>, StoreError> {
    let mut tx = db.begin().await?;
    let mut saving = Saving::begin(&mut tx).await?;
    let mut outcomes = Vec::new();
    for draft in drafts {
        let saved = match checked(draft) {
            Ok(draft) => save_in(&mut tx, shop, ctx, &mut saving, Target::ByHandle, &draft).await,
            Err(refusal) => Err(refusal.into()),
        };
        outcomes.push(match saved {
            Ok((_, outcome)) => Ok(outcome),
            Err(SaveError::Refused(refusal)) => Err(refusal),
            Err(SaveError::Store(error)) => return Err(error),
        });
    }
    event_log::append(&mut tx, ctx, &saving.events).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// Removes a product. Its orders keep what they say; its stock goes.
///
/// # Errors
/// No such product, another version, or the store failed.
pub async fn delete_product(
    db: &Db,
    ctx: &mut Ctx,
    id: ProductId,
    expected_version: Option<i64>,
) -> Result<(), SaveError> {
    let mut tx = db.begin().await?;
    delete_product_in(&mut tx, ctx, id, expected_version).await?;
    tx.commit().await?;
    Ok(())
}

/// The same within a transaction of the caller, who commits it, or drops it after an error.
///
/// # Errors
/// As [`delete_product`].
pub async fn delete_product_in(
    tx: &mut Tx,
    ctx: &mut Ctx,
    id: ProductId,
    expected_version: Option<i64>,
) -> Result<(), SaveError> {
    store::begin_change(tx).await?;
    let product = store::find(tx, id).await?.ok_or(Refusal::NotFound("product"))?;
    if expected_version.is_some_and(|expected| expected != product.version) {
        return Err(Refusal::Stale.into());
    }
    store::delete(tx, id).await?;
    let event = Event {
        subject: format!("product/{id}"),
        sequence: product.version + 1,
        body: EventBody::ProductDeleted { product_id: id, handle: product.handle },
    };
    event_log::append(tx, ctx, &[event]).await?;
    Ok(())
}

fn checked(mut draft: Draft) -> Result<Draft, Refusal> {
    draft.description_html = sanitise::clean(&draft.description_html);
    draft.check().map_err(Refusal::Invalid)
}

fn save_in<'a>(
    tx: &'a mut Tx,
    shop: &'a std::sync::Arc<ShopConfig>,
    ctx: &'a mut Ctx,
    saving: &'a mut Saving,
    target: Target,
    draft: &'a Draft,
) -> BoxFuture<'a, Result<(Product, Outcome), SaveError>> {
    Box::pin(save(tx, shop, ctx, saving, target, draft))
}

async fn save(
    tx: &mut Tx,
    shop: &std::sync::Arc<ShopConfig>,
    ctx: &mut Ctx,
    saving: &mut Saving,
    target: Target,
    draft: &Draft,
) -> Result<(Product, Outcome), SaveError> {
    // Load and check everything before the first write, so that a refusal leaves no trace.
    let holder = store::id_of_handle(tx, &draft.handle).await?;
    let id = match target {
        Target::New => None,
        Target::Existing(id, _) => Some(id),
        Target::ByHandle => holder,
    };
    if holder.is_some() && holder != id {
        return Err(Refusal::Taken { what: "handle", value: draft.handle.clone() }.into());
    }
    let before = match id {
        Some(id) => Some(store::find(tx, id).await?.ok_or(Refusal::NotFound("product"))?),
        None => None,
    };
    if let (Target::Existing(_, Some(expected)), Some(before)) = (target, &before)
        && before.version != expected
    {
        return Err(Refusal::Stale.into());
    }
    for (index, variant) in draft.variants.iter().enumerate() {
        let owner = store::id_of_sku(tx, &variant.sku).await?;
        if owner.is_some() && owner != id {
            return Err(Refusal::Invalid(vec![FieldError::new(
                format!("/variants/{index}/sku"),
                format!("the SKU `{}` is in use by another product", variant.sku),
            )])
            .into());
        }
    }

    let vendor = vendor_of(tx, before.as_ref(), draft).await?;
    let category = saving.category(tx, ctx, before.as_ref(), &draft.category).await?;
    let product = apply_draft(before.as_ref(), draft, category, vendor, ctx);
    let changed = before.as_ref() != Some(&product);
    if changed {
        if let Some(before) = &before
            && before.handle != product.handle
        {
            store::add_redirect(tx, &before.handle, product.id, ctx.now).await?;
        }
        store::drop_redirect(tx, &product.handle).await?;
        let mut numbers = match &before {
            Some(before) => store::price_facts(tx, before.id).await?,
            None => HashMap::new(),
        };
        let saved = store::save(tx, before.as_ref(), &product).await;
        saved.map_err(|error| clash(tx, draft, error))?;
        let (product_id, handle) = (product.id, product.handle.clone());
        let body = if before.is_some() {
            EventBody::ProductUpdated { product_id, handle }
        } else {
            EventBody::ProductCreated { product_id, handle }
        };
        let subject = format!("product/{product_id}");
        saving.events.push(Event { subject, sequence: product.version, body });
        if let Some(before) = &before {
            let repriced = price_changes(before, &product, &mut numbers);
            if !repriced.is_empty() {
                numbers.retain(|id, _| product.variants.iter().any(|variant| variant.id == *id));
                store::number_price_facts(tx, numbers).await?;
                saving.events.extend(repriced);
            }
        }
    }
    let events = &mut saving.events;
    let restocked = set_stock(tx, shop, ctx, draft, &product, before.is_none(), events).await?;
    let outcome = match before {
        None => Outcome::Created,
        Some(_) if changed || restocked => Outcome::Updated,
        Some(_) => Outcome::Unchanged,
    };
    Ok((product, outcome))
}

/// Who sells the product from now on. What a vendor makes is the vendor's, and stays so.
async fn vendor_of(
    tx: &mut Tx,
    before: Option<&Product>,
    draft: &Draft,
) -> Result<Option<ProductVendor>, SaveError> {
    let wrong = |detail: String| Refusal::Invalid(vec![FieldError::new("/vendor", detail)]);
    let known = before.and_then(|before| before.vendor.clone());
    let wanted = match draft.vendor.as_deref() {
        None => match tx.vendor() {
            Some(id) if before.is_none() => {
                let own = vendor::store::find(tx, id).await?.ok_or(Refusal::NotFound("vendor"))?;
                Some(ProductVendor { id, handle: own.handle })
            }
            _ => known,
        },
        Some("") => None,
        Some(handle) if known.as_ref().is_some_and(|known| known.handle == handle) => known,
        Some(handle) => {
            let id = vendor::store::id_of_handle(tx, handle).await?;
            let id = id.ok_or_else(|| wrong(format!("there is no vendor `{handle}`")))?;
            Some(ProductVendor { id, handle: handle.to_owned() })
        }
    };
    if tx.vendor().is_some() && tx.vendor() != wanted.as_ref().map(|vendor| vendor.id) {
        return Err(wrong("a vendor cannot give its products away".to_owned()).into());
    }
    Ok(wanted)
}

/// What a failed write is for the caller. A vendor does not see the products of others, so that a
/// handle or SKU of theirs shows only here.
fn clash(tx: &Tx, draft: &Draft, error: StoreError) -> SaveError {
    match &error {
        StoreError::Sql(broken) if tx.vendor().is_some() && broken.is_unique("handle") => {
            Refusal::Taken { what: "handle", value: draft.handle.clone() }.into()
        }
        StoreError::Sql(broken) if tx.vendor().is_some() && broken.is_unique("sku") => {
            let detail = "a SKU is in use by another product";
            Refusal::Invalid(vec![FieldError::new("/variants", detail)]).into()
        }
        _ => error.into(),
    }
}

/// Sets the stock that the draft states; a new variant begins with a level of 0 where it states
/// none. Says whether anything moved.
async fn set_stock(
    tx: &mut Tx,
    shop: &std::sync::Arc<ShopConfig>,
    ctx: &mut Ctx,
    draft: &Draft,
    product: &Product,
    is_new: bool,
    events: &mut Vec<Event>,
) -> Result<bool, SaveError> {
    let ids: Vec<_> = product.variants.iter().map(|variant| variant.id).collect();
    let levels = if is_new { Vec::new() } else { inventory::store::levels(tx, &ids).await? };
    let mut counts = Vec::new();
    for (given, variant) in draft.variants.iter().zip(&product.variants) {
        let has_level = levels.iter().any(|level| level.variant_id == variant.id);
        if let Some(on_hand) = given.stock.or(if has_level { None } else { Some(0) }) {
            counts.push((variant.id, on_hand));
        }
    }
    if counts.is_empty() {
        return Ok(false);
    }
    let commands: Vec<SetStock> = counts
        .into_iter()
        .map(|(variant, on_hand)| SetStock {
            variant: VariantRef::Id(variant),
            location: "default".to_owned(),
            on_hand,
            expected: None,
        })
        .collect();
    let n_facts = events.len();
    let set = inventory::set_counts(tx, shop, ctx, &ids, levels, &commands, events).await;
    // The draft was checked before anything was written, so that a refusal here is a fault of ours; as
    // one it undoes the whole transaction.
    set.map_err(|error| match error {
        SaveError::Refused(refusal) => {
            SaveError::Store(StoreError::bad_row("stock_levels", &refusal.to_string()))
        }
        SaveError::Store(_) => error,
    })?;
    Ok(events.len() > n_facts)
}

/// What a transaction that saves products has found and gathered.
#[derive(Debug)]
struct Saving {
    /// Read when they are needed first.
    shelves: Option<Shelves>,
    /// Appended at the end, because from then on nobody else can append.
    events: Vec<Event>,
}

/// What changed about the prices of variants; of one that goes, its prices cease. `numbers` holds how
/// many facts there were about the prices of each, and then how many there are.
fn price_changes(
    before: &Product,
    after: &Product,
    numbers: &mut HashMap<VariantId, i64>,
) -> Vec<Event> {
    let prices = |product: &Product| -> BTreeMap<(VariantId, Currency), (String, Money)> {
        let variants = product.variants.iter();
        let prices = variants.flat_map(|variant| {
            let of_variant = variant.prices.iter().map(|price| price.price);
            of_variant.map(|price| ((variant.id, price.currency), (variant.sku.clone(), price)))
        });
        prices.collect()
    };
    let (before_prices, after_prices) = (prices(before), prices(after));
    let keys: BTreeSet<_> = before_prices.keys().chain(after_prices.keys()).copied().collect();
    let mut changes = Vec::new();
    for key in keys {
        let (old, new) = (before_prices.get(&key), after_prices.get(&key));
        let price = |found: Option<&(String, Money)>| found.map(|(_, price)| *price);
        let Some((sku, _)) = new.or(old) else { continue };
        if price(old) == price(new) {
            continue;
        }
        let (variant_id, _) = key;
        let body = EventBody::PriceChanged {
            variant_id,
            product_id: after.id,
            sku: sku.clone(),
            old: price(old),
            new: price(new),
        };
        let number = numbers.entry(variant_id).or_default();
        *number += 1;
        let subject = format!("price/{variant_id}");
        changes.push(Event { subject, sequence: *number, body });
    }
    changes
}

impl Saving {
    async fn begin(tx: &mut Tx) -> Result<Self, StoreError> {
        store::begin_change(tx).await?;
        Ok(Self { shelves: None, events: Vec::new() })
    }

    /// The category at the end of a path of names: for most changes of a product the one it is in.
    async fn category(
        &mut self,
        tx: &mut Tx,
        ctx: &mut Ctx,
        before: Option<&Product>,
        path: &[String],
    ) -> Result<Option<CategoryId>, SaveError> {
        let shelves = match &mut self.shelves {
            Some(shelves) => shelves,
            none => {
                if let Some(before) = before {
                    let above = CategoryTree::above(tx, before.category_id).await?;
                    let names = above.path(before.category_id).map(|node| &node.category.name);
                    if names.map(|name| key(name)).eq(path.iter().map(|name| key(name))) {
                        return Ok(before.category_id);
                    }
                }
                none.insert(Shelves::load(tx).await?)
            }
        };
        shelves.place(tx, ctx, path).await
    }
}

/// What names of categories are told apart by.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The categories as they are in a transaction, so that drafts can be put on them by name.
#[derive(Debug)]
struct Shelves {
    by_name: HashMap<(Option<CategoryId>, String), CategoryId>,
    handles: HashMap<String, CategoryId>,
}

impl Shelves {
    async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        let mut shelves = Self { by_name: HashMap::new(), handles: HashMap::new() };
        for category in store::categories(tx).await? {
            shelves.remember(&category);
        }
        Ok(shelves)
    }

    fn remember(&mut self, category: &Category) {
        self.by_name.insert((category.parent_id, key(&category.name)), category.id);
        self.handles.insert(category.handle.clone(), category.id);
    }

    /// The category at the end of a path of names; what is missing is made, but not for a vendor.
    async fn place(
        &mut self,
        tx: &mut Tx,
        ctx: &mut Ctx,
        path: &[String],
    ) -> Result<Option<CategoryId>, SaveError> {
        let mut parent: Option<CategoryId> = None;
        let mut parent_handle = String::new();
        for name in path {
            let name = name.trim();
            let key = (parent, key(name));
            let own = handle::slugify(name);
            let full = if parent_handle.is_empty() {
                own.clone()
            } else {
                format!("{parent_handle}-{own}")
            };
            if let Some(known) = self.by_name.get(&key) {
                parent = Some(*known);
                parent_handle = own;
                continue;
            }
            if tx.vendor().is_some() {
                let detail = format!("there is no category `{name}` there; ask the shop for it");
                return Err(Refusal::Invalid(vec![FieldError::new("/category", detail)]).into());
            }
            let mut free = own.clone();
            if self.handles.contains_key(&free) {
                free = handle::slugify(&full);
            }
            let mut number = 2;
            while self.handles.contains_key(&free) {
                free = handle::slugify(&format!("{own}-{number}"));
                number += 1;
            }
            let category = Category {
                id: ctx.category_id(),
                handle: free,
                name: name.to_owned(),
                parent_id: parent,
                position: i64::try_from(self.handles.len()).unwrap_or(i64::MAX),
            };
            store::add_category(tx, &category, ctx.now).await?;
            self.remember(&category);
            parent = Some(category.id);
            parent_handle = own;
        }
        Ok(parent)
    }
}
