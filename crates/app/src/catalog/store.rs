//! All SQL on the catalogue: `categories`, `products`, `variants`, `prices`, `redirects`.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::catalog::{Category, Price, Product, ProductVendor, Status, Variant};
use stoa_domain::world::Offer;
use stoa_kernel::{CategoryId, Currency, Money, ProductId, Timestamp, VariantId, VendorId};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

// The price by a query of its own: PostgreSQL plans a join on tables that are still empty to read the prices
// of all variants each time.
const OFFERS: Sql = sql!(
    sqlite: "select v.id, v.product_id, v.sku, p.title, v.title, p.handle, p.status,
            (select r.amount from prices r where r.variant_id = v.id and r.currency = $2),
            p.vendor_id
        from variants v join products p on p.id = v.product_id
        where v.id = $1",
    postgres: "select v.id, v.product_id, v.sku, p.title, v.title, p.handle, p.status,
            (select r.amount from prices r where r.variant_id = v.id and r.currency = $2),
            p.vendor_id
        from variants v join products p on p.id = v.product_id
        where v.id = any($1) order by v.id",
);

const OFFERS_BY_SKU: Sql = sql!(
    sqlite: "select v.id, v.product_id, v.sku, p.title, v.title, p.handle, p.status,
            (select r.amount from prices r where r.variant_id = v.id and r.currency = $2),
            p.vendor_id
        from variants v join products p on p.id = v.product_id
        where v.sku = $1",
    postgres: "select v.id, v.product_id, v.sku, p.title, v.title, p.handle, p.status,
            (select r.amount from prices r where r.variant_id = v.id and r.currency = $2),
            p.vendor_id
        from variants v join products p on p.id = v.product_id
        where v.sku = any($1) order by v.id",
);

const VERSION: Sql = sql!("select value from counters where name = 'catalogue'");
const CHANGE: Sql = sql!("update counters set value = value + 1 where name = 'catalogue'");

const PRODUCT: Sql = sql!(
    sqlite: "select id, handle, title, status, brand, category_id, product_type, tags,
            description_html, options, attributes, media, version, created_at, updated_at,
            vendor_id, (select v.handle from vendors v where v.id = products.vendor_id)
        from products where id = $1",
    postgres: "select id, handle, title, status, brand, category_id, product_type, tags,
            description_html, options, attributes, media, version, created_at, updated_at,
            vendor_id, (select v.handle from vendors v where v.id = products.vendor_id)
        from products where id = any($1)",
);

const VARIANTS: Sql = sql!(
    sqlite: "select product_id, id, sku, barcode, options, weight_g
        from variants where product_id = $1 order by position",
    postgres: "select product_id, id, sku, barcode, options, weight_g
        from variants where product_id = any($1) order by product_id, position",
);

const PRICE_FACTS: Sql = sql!("select id, price_facts from variants where product_id = $1");

const PRICES: Sql = sql!(
    sqlite: "select variant_id, currency, amount, compare_at
        from prices where variant_id = $1 order by currency",
    postgres: "select variant_id, currency, amount, compare_at
        from prices where variant_id = any($1) order by variant_id, currency",
);

const ID_OF_HANDLE: Sql = sql!("select id from products where handle = $1");
const ID_OF_SKU: Sql = sql!("select product_id from variants where sku = $1");
const REDIRECT: Sql = sql!(
    "select p.handle from redirects r join products p on p.id = r.product_id where r.handle = $1"
);

const REDIRECT_KEY: &[Column] = &[("handle", Type::Text)];
static UPSERT_REDIRECT: Write = Write::new(
    Verb::Upsert,
    "redirects",
    REDIRECT_KEY,
    &[("product_id", Type::Uuid), ("created_at", Type::Time)],
);
static DELETE_REDIRECT: Write = Write::new(Verb::Delete, "redirects", REDIRECT_KEY, &[]);

const CATEGORIES: Sql = sql!(
    "select id, handle, name, parent_id, position from categories order by position, name, id"
);
// The bound keeps a damaged table harmless.
const CATEGORIES_ABOVE: Sql = sql!(
    "with recursive above (id, handle, name, parent_id, position, height) as (
        select id, handle, name, parent_id, position, 0 from categories where id = $1
        union all
        select c.id, c.handle, c.name, c.parent_id, c.position, a.height + 1
        from categories c join above a on c.id = a.parent_id where a.height < 16
    )
    select id, handle, name, parent_id, position from above"
);
const COUNT_BY_CATEGORY: Sql = sql!(
    "select category_id, count(*) from products
    where status = 'active' and category_id is not null group by category_id"
);

static INSERT_CATEGORY: Write = Write::new(
    Verb::Insert,
    "categories",
    &[("id", Type::Uuid)],
    &[
        ("handle", Type::Text),
        ("name", Type::Text),
        ("parent_id", Type::Uuid),
        ("position", Type::Int),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

const PRODUCT_KEY: &[Column] = &[("id", Type::Uuid)];

static UPSERT_PRODUCT: Write = Write::new(
    Verb::Upsert,
    "products",
    PRODUCT_KEY,
    &[
        ("handle", Type::Text),
        ("title", Type::Text),
        ("status", Type::Text),
        ("brand", Type::Text),
        ("category_id", Type::Uuid),
        ("product_type", Type::Text),
        ("tags", Type::Json),
        ("description_html", Type::Text),
        ("options", Type::Json),
        ("attributes", Type::Json),
        ("media", Type::Json),
        ("version", Type::Int),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
        ("vendor_id", Type::Uuid),
    ],
);

static UPSERT_VARIANT: Write = Write::new(
    Verb::Upsert,
    "variants",
    &[("id", Type::Uuid)],
    &[
        ("product_id", Type::Uuid),
        ("position", Type::Int),
        ("sku", Type::Text),
        ("barcode", Type::Text),
        ("title", Type::Text),
        ("options", Type::Json),
        ("weight_g", Type::Int),
        ("vendor_id", Type::Uuid),
    ],
);

// When a product goes to another vendor, its stock goes with it.
static MOVE_LEVELS: Write = Write::new(
    Verb::Update,
    "stock_levels",
    &[("variant_id", Type::Uuid)],
    &[("vendor_id", Type::Uuid)],
);

static NUMBER_PRICE_FACTS: Write =
    Write::new(Verb::Update, "variants", &[("id", Type::Uuid)], &[("price_facts", Type::Int)]);

static DELETE_VARIANT: Write = Write::new(Verb::Delete, "variants", &[("id", Type::Uuid)], &[]);
static DELETE_PRODUCT: Write = Write::new(Verb::Delete, "products", PRODUCT_KEY, &[]);

static UPSERT_PRICE: Write = Write::new(
    Verb::Upsert,
    "prices",
    &[("variant_id", Type::Uuid), ("currency", Type::Text)],
    &[("amount", Type::Int), ("compare_at", Type::Int)],
);

static DELETE_PRICE: Write = Write::new(
    Verb::Delete,
    "prices",
    &[("variant_id", Type::Uuid), ("currency", Type::Text)],
    &[],
);

const CARDS: Sql = sql!(
    sqlite: "select p.id, p.handle, p.title, p.brand, p.category_id, p.media,
            (select min(r.amount) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            (select max(r.amount) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            (select max(r.compare_at) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            exists (select 1 from variants v join stock_levels s on s.variant_id = v.id
                join prices r on r.variant_id = v.id and r.currency = $2
                where v.product_id = p.id group by v.id having sum(s.on_hand - s.reserved) > 0),
            (select count(*) from variants v where v.product_id = p.id),
            p.status
        from products p where p.id = $1",
    postgres: "select p.id, p.handle, p.title, p.brand, p.category_id, p.media,
            (select min(r.amount) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            (select max(r.amount) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            (select max(r.compare_at) from variants v join prices r on r.variant_id = v.id
                where v.product_id = p.id and r.currency = $2),
            exists (select 1 from variants v join stock_levels s on s.variant_id = v.id
                join prices r on r.variant_id = v.id and r.currency = $2
                where v.product_id = p.id group by v.id having sum(s.on_hand - s.reserved) > 0),
            (select count(*) from variants v where v.product_id = p.id),
            p.status
        from products p where p.id = any($1)",
);

// All products in order of id, for export and rebuilding.
const PAGE_OF_IDS: Sql = sql!("select id from products where id > $1 order by id limit $2");
const NEWEST: Sql =
    sql!("select id from products where status = 'active' order by id desc limit $1");
const COUNT: Sql = sql!("select count(*) from products where $1 = '' or status = $1");

// The back office's list; `$1` status or empty, `$2` a LIKE pattern, `$3` the id after which it
// begins (newest first), `$5` category or null.
const ADMIN_LIST: Sql = sql!(
    "select p.id from products p
    where p.id < $3 and ($1 = '' or p.status = $1)
        and ($2 = '%' or lower(p.title) like $2 escape '\\' or p.handle like $2 escape '\\'
            or exists (select 1 from variants v where v.product_id = p.id
                and (lower(v.sku) like $2 escape '\\' or v.barcode like $2 escape '\\')))
        and (p.category_id = $5 or $5 is null)
    order by p.id desc limit $4"
);
const ADMIN_COUNT: Sql = sql!(
    "select count(*) from products p
    where ($1 = '' or p.status = $1)
        and ($2 = '%' or lower(p.title) like $2 escape '\\' or p.handle like $2 escape '\\'
            or exists (select 1 from variants v where v.product_id = p.id
                and (lower(v.sku) like $2 escape '\\' or v.barcode like $2 escape '\\')))
        and (p.category_id = $3 or $3 is null)"
);
const SKU_OF_VARIANT: Sql = sql!("select sku, product_id from variants where id = $1");

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &OFFERS,
    &OFFERS_BY_SKU,
    &VERSION,
    &CHANGE,
    &PRODUCT,
    &VARIANTS,
    &PRICE_FACTS,
    &PRICES,
    &ID_OF_HANDLE,
    &ID_OF_SKU,
    &REDIRECT,
    &CATEGORIES,
    &CATEGORIES_ABOVE,
    &COUNT_BY_CATEGORY,
    &CARDS,
    &PAGE_OF_IDS,
    &NEWEST,
    &COUNT,
    &ADMIN_LIST,
    &ADMIN_COUNT,
    &SKU_OF_VARIANT,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[
    &INSERT_CATEGORY,
    &UPSERT_PRODUCT,
    &UPSERT_VARIANT,
    &NUMBER_PRICE_FACTS,
    &DELETE_VARIANT,
    &DELETE_PRODUCT,
    &UPSERT_PRICE,
    &DELETE_PRICE,
    &UPSERT_REDIRECT,
    &DELETE_REDIRECT,
    &MOVE_LEVELS,
];

fn offer(currency: Currency) -> impl FnMut(&Row<'_>) -> Result<Arc<Offer>, StoreError> {
    move |row| {
        Ok(Arc::new(Offer {
            variant_id: VariantId::from_uuid(row.uuid(0)?),
            product_id: ProductId::from_uuid(row.uuid(1)?),
            sku: row.string(2)?,
            title: row.string(3)?,
            variant_title: row.string(4)?,
            handle: row.string(5)?,
            on_sale: row.text(6)? == "active",
            price: row.opt_int(7)?.map(|minor| Money::new(minor, currency)),
            vendor_id: row.opt_uuid(8)?.map(VendorId::from_uuid),
        }))
    }
}

/// A number that every transaction which changes the catalogue raises.
pub async fn version(tx: &mut Tx) -> Result<i64, StoreError> {
    let version = tx.query_opt(&VERSION, &[], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(version.unwrap_or(0))
}

/// Says that [`version`] will be asked for.
pub async fn version_ahead(tx: &mut Tx) -> Result<(), StoreError> {
    Ok(tx.ahead(&VERSION, &[]).await?)
}

/// Says that this transaction will change the catalogue, and waits for others that do.
pub async fn begin_change(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(&CHANGE, &[]).await?;
    Ok(())
}

/// Variants as carts and orders see them.
pub async fn offers(
    tx: &mut Tx,
    ids: &[VariantId],
    currency: Currency,
) -> Result<Vec<Arc<Offer>>, StoreError> {
    let keys = ids.iter().map(|id| Param::from(*id));
    tx.query_keys(&OFFERS, keys, &[currency.code().into()], offer(currency)).await
}

/// Says that [`offers`] will be asked for these.
pub async fn offers_ahead(
    tx: &mut Tx,
    ids: &[VariantId],
    currency: Currency,
) -> Result<(), StoreError> {
    let keys = ids.iter().map(|id| Param::from(*id));
    Ok(tx.ahead_keys(&OFFERS, keys, &[currency.code().into()]).await?)
}

/// The same by SKU.
pub async fn offers_by_sku(
    tx: &mut Tx,
    skus: &[String],
    currency: Currency,
) -> Result<Vec<Arc<Offer>>, StoreError> {
    let keys = skus.iter().map(Param::from);
    tx.query_keys(&OFFERS_BY_SKU, keys, &[currency.code().into()], offer(currency)).await
}

fn product(row: &Row<'_>) -> Result<Product, StoreError> {
    let status = row.text(3)?;
    Ok(Product {
        id: ProductId::from_uuid(row.uuid(0)?),
        handle: row.string(1)?,
        title: row.string(2)?,
        status: Status::parse(status)
            .ok_or_else(|| StoreError::bad_row("products.status", status))?,
        brand: row.opt_string(4)?,
        vendor: match (row.opt_uuid(15)?, row.opt_string(16)?) {
            (Some(id), Some(handle)) => Some(ProductVendor { id: VendorId::from_uuid(id), handle }),
            _ => None,
        },
        category_id: row.opt_uuid(5)?.map(CategoryId::from_uuid),
        product_type: row.opt_string(6)?,
        tags: serde_json::from_str(row.text(7)?)?,
        description_html: row.string(8)?,
        options: serde_json::from_str(row.text(9)?)?,
        attributes: serde_json::from_str(row.text(10)?)?,
        media: serde_json::from_str(row.text(11)?)?,
        variants: Vec::new(),
        version: row.int(12)?,
        created_at: row.time(13)?,
        updated_at: row.time(14)?,
    })
}

/// The products with these ids, as far as they exist, with variants and prices, in the order asked
/// for.
pub async fn load(tx: &mut Tx, ids: &[ProductId]) -> Result<Vec<Product>, StoreError> {
    let keys = || ids.iter().map(|id| Param::from(*id));
    let mut products: Vec<Product> = tx.query_keys(&PRODUCT, keys(), &[], product).await?;
    let order: HashMap<ProductId, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    products.sort_by_key(|product| order.get(&product.id).copied());
    let places: HashMap<ProductId, usize> =
        products.iter().enumerate().map(|(i, product)| (product.id, i)).collect();
    let variants = tx
        .query_keys(&VARIANTS, keys(), &[], |row| {
            let variant = Variant {
                id: VariantId::from_uuid(row.uuid(1)?),
                sku: row.string(2)?,
                barcode: row.opt_string(3)?,
                options: serde_json::from_str(row.text(4)?)?,
                prices: Vec::new(),
                weight_g: row.opt_int(5)?,
            };
            Ok::<_, StoreError>((ProductId::from_uuid(row.uuid(0)?), variant))
        })
        .await?;
    let mut prices: HashMap<VariantId, Vec<Price>> = HashMap::new();
    let rows = tx
        .query_keys(&PRICES, variants.iter().map(|(_, v)| Param::from(v.id)), &[], |row| {
            let currency: Currency = row.text(1)?.parse()?;
            let price = Price {
                price: Money::new(row.int(2)?, currency),
                compare_at: row.opt_int(3)?.map(|minor| Money::new(minor, currency)),
            };
            Ok::<_, StoreError>((VariantId::from_uuid(row.uuid(0)?), price))
        })
        .await?;
    for (variant, price) in rows {
        prices.entry(variant).or_default().push(price);
    }
    for (product_id, mut variant) in variants {
        variant.prices = prices.remove(&variant.id).unwrap_or_default();
        if let Some(product) = places.get(&product_id).and_then(|place| products.get_mut(*place)) {
            product.variants.push(variant);
        }
    }
    Ok(products)
}

/// One product.
pub async fn find(tx: &mut Tx, id: ProductId) -> Result<Option<Product>, StoreError> {
    Ok(load(tx, &[id]).await?.pop())
}

async fn id(tx: &mut Tx, sql: &Sql, text: &str) -> Result<Option<ProductId>, StoreError> {
    tx.query_opt(sql, &[text.into()], |row| Ok(ProductId::from_uuid(row.uuid(0)?))).await
}

/// The product with this handle.
pub async fn id_of_handle(tx: &mut Tx, handle: &str) -> Result<Option<ProductId>, StoreError> {
    id(tx, &ID_OF_HANDLE, handle).await
}

/// The product with a variant of this SKU.
pub async fn id_of_sku(tx: &mut Tx, sku: &str) -> Result<Option<ProductId>, StoreError> {
    id(tx, &ID_OF_SKU, sku).await
}

/// SKU and product of a variant.
pub async fn variant(
    tx: &mut Tx,
    id: VariantId,
) -> Result<Option<(String, ProductId)>, StoreError> {
    tx.query_opt(&SKU_OF_VARIANT, &[id.into()], |row| {
        Ok((row.string(0)?, ProductId::from_uuid(row.uuid(1)?)))
    })
    .await
}

/// The handle that a former handle leads to.
pub async fn redirect(tx: &mut Tx, handle: &str) -> Result<Option<String>, StoreError> {
    tx.query_opt(&REDIRECT, &[handle.into()], |row| Ok(row.string(0)?)).await
}

/// Makes a former handle lead to a product.
pub async fn add_redirect(
    tx: &mut Tx,
    handle: &str,
    to: ProductId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.write(&UPSERT_REDIRECT, [[handle.into(), to.into(), now.into()]]).await?;
    Ok(())
}

/// Makes a handle lead nowhere, because a product has it again.
pub async fn drop_redirect(tx: &mut Tx, handle: &str) -> Result<(), StoreError> {
    tx.write(&DELETE_REDIRECT, [[Param::from(handle)]]).await?;
    Ok(())
}

fn category(row: &Row<'_>) -> Result<Category, StoreError> {
    Ok(Category {
        id: CategoryId::from_uuid(row.uuid(0)?),
        handle: row.string(1)?,
        name: row.string(2)?,
        parent_id: row.opt_uuid(3)?.map(CategoryId::from_uuid),
        position: row.int(4)?,
    })
}

/// All categories, siblings in order.
pub async fn categories(tx: &mut Tx) -> Result<Vec<Category>, StoreError> {
    tx.query(&CATEGORIES, &[], category).await
}

/// A category and those that it is in.
pub async fn categories_above(tx: &mut Tx, id: CategoryId) -> Result<Vec<Category>, StoreError> {
    tx.query(&CATEGORIES_ABOVE, &[id.into()], category).await
}

/// How many products on sale each category holds itself.
pub async fn counts_by_category(tx: &mut Tx) -> Result<Vec<(CategoryId, i64)>, StoreError> {
    tx.query(&COUNT_BY_CATEGORY, &[], |row| Ok((CategoryId::from_uuid(row.uuid(0)?), row.int(1)?)))
        .await
}

/// Adds a category.
pub async fn add_category(
    tx: &mut Tx,
    category: &Category,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = [
        Param::from(category.id),
        (&category.handle).into(),
        (&category.name).into(),
        category.parent_id.into(),
        category.position.into(),
        now.into(),
        now.into(),
    ];
    tx.write(&INSERT_CATEGORY, [row]).await?;
    Ok(())
}

/// Writes a product with its variants and prices; what `before` had and `product` has not goes.
pub async fn save(
    tx: &mut Tx,
    before: Option<&Product>,
    product: &Product,
) -> Result<(), StoreError> {
    let vendor = product.vendor.as_ref().map(|vendor| vendor.id);
    let tags = serde_json::to_string(&product.tags)?;
    let options = serde_json::to_string(&product.options)?;
    let attributes = serde_json::to_string(&product.attributes)?;
    let media = serde_json::to_string(&product.media)?;
    let row = [
        Param::from(product.id),
        (&product.handle).into(),
        (&product.title).into(),
        product.status.as_str().into(),
        product.brand.as_deref().into(),
        product.category_id.into(),
        product.product_type.as_deref().into(),
        Param::Json(&tags),
        (&product.description_html).into(),
        Param::Json(&options),
        Param::Json(&attributes),
        Param::Json(&media),
        product.version.into(),
        product.created_at.into(),
        product.updated_at.into(),
        vendor.into(),
    ];
    tx.write(&UPSERT_PRODUCT, [row]).await?;
    let old = before.map_or(&[][..], |before| &before.variants);
    let gone = old.iter().filter(|old| !product.variants.iter().any(|new| new.id == old.id));
    tx.write(&DELETE_VARIANT, gone.map(|variant| [Param::from(variant.id)])).await?;
    for (position, variant) in (0_i64..).zip(&product.variants) {
        let values = serde_json::to_string(&variant.options)?;
        let title = variant.options.join(" / ");
        let row = [
            Param::from(variant.id),
            product.id.into(),
            position.into(),
            (&variant.sku).into(),
            variant.barcode.as_deref().into(),
            Param::Text(&title),
            Param::Json(&values),
            variant.weight_g.into(),
            vendor.into(),
        ];
        tx.write(&UPSERT_VARIANT, [row]).await?;
        let had = old.iter().find(|old| old.id == variant.id).map_or(&[][..], |old| &old.prices);
        for price in had {
            if variant.price_in(price.price.currency).is_none() {
                let row = [Param::from(variant.id), price.price.currency.code().into()];
                tx.write(&DELETE_PRICE, [row]).await?;
            }
        }
        for price in variant.prices.iter().filter(|price| !had.contains(price)) {
            let row = [
                Param::from(variant.id),
                price.price.currency.code().into(),
                price.price.minor.into(),
                price.compare_at.map(|money| money.minor).into(),
            ];
            tx.write(&UPSERT_PRICE, [row]).await?;
        }
    }
    if before.is_some_and(|before| before.vendor != product.vendor) {
        let rows = product.variants.iter().map(|variant| [variant.id.into(), vendor.into()]);
        tx.write(&MOVE_LEVELS, rows).await?;
    }
    Ok(())
}

/// How many facts there are about the prices of each variant of a product.
pub async fn price_facts(
    tx: &mut Tx,
    id: ProductId,
) -> Result<HashMap<VariantId, i64>, StoreError> {
    let row =
        |row: &Row<'_>| Ok::<_, StoreError>((VariantId::from_uuid(row.uuid(0)?), row.int(1)?));
    Ok(tx.query(&PRICE_FACTS, &[id.into()], row).await?.into_iter().collect())
}

/// Keeps how many facts there are about the prices of variants.
pub async fn number_price_facts(
    tx: &mut Tx,
    numbers: impl IntoIterator<Item = (VariantId, i64)>,
) -> Result<(), StoreError> {
    let rows = numbers.into_iter().map(|(id, facts)| [Param::from(id), facts.into()]);
    tx.write(&NUMBER_PRICE_FACTS, rows).await?;
    Ok(())
}

/// Removes a product with its variants, prices, stock and redirects. Orders keep what they say.
pub async fn delete(tx: &mut Tx, id: ProductId) -> Result<(), StoreError> {
    tx.write(&DELETE_PRODUCT, [[Param::from(id)]]).await?;
    Ok(())
}

/// A product as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub id: ProductId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Its category.
    pub category_id: Option<CategoryId>,
    /// Address of its first picture.
    pub image: Option<String>,
    /// Lowest price of its variants.
    pub price: Option<Money>,
    /// Whether variants differ in price.
    pub price_varies: bool,
    /// Highest former price, where there is one.
    pub compare_at: Option<Money>,
    /// Whether any variant can be bought now.
    pub in_stock: bool,
    /// How many variants it has.
    pub n_variants: i64,
    /// Who may see it.
    pub status: Status,
}

/// The cards of these products, as far as they exist, in no promised order.
pub async fn cards(
    tx: &mut Tx,
    ids: &[ProductId],
    currency: Currency,
) -> Result<Vec<Card>, StoreError> {
    let keys = ids.iter().map(|id| Param::from(*id));
    tx.query_keys(&CARDS, keys, &[currency.code().into()], |row| {
        let money = |column| {
            Ok::<_, StoreError>(row.opt_int(column)?.map(|minor| Money::new(minor, currency)))
        };
        let media: Vec<stoa_domain::catalog::Media> = serde_json::from_str(row.text(5)?)?;
        let (low, high) = (money(6)?, money(7)?);
        let status = row.text(11)?;
        Ok(Card {
            id: ProductId::from_uuid(row.uuid(0)?),
            handle: row.string(1)?,
            title: row.string(2)?,
            brand: row.opt_string(3)?,
            category_id: row.opt_uuid(4)?.map(CategoryId::from_uuid),
            image: media.into_iter().next().map(|media| media.url),
            price: low,
            price_varies: low != high,
            compare_at: money(8)?,
            in_stock: row.bool(9)?,
            n_variants: row.int(10)?,
            status: Status::parse(status)
                .ok_or_else(|| StoreError::bad_row("products.status", status))?,
        })
    })
    .await
}

/// Ids of products in order, after one: for going through all of them.
pub async fn page_of_ids(
    tx: &mut Tx,
    after: Option<ProductId>,
    limit: i64,
) -> Result<Vec<ProductId>, StoreError> {
    let after = after.unwrap_or(ProductId::from_uuid(uuid::Uuid::nil()));
    let row = |row: &Row<'_>| Ok(ProductId::from_uuid(row.uuid(0)?));
    tx.query(&PAGE_OF_IDS, &[after.into(), limit.into()], row).await
}

/// Ids of the newest products on sale.
pub async fn newest(tx: &mut Tx, limit: i64) -> Result<Vec<ProductId>, StoreError> {
    tx.query(&NEWEST, &[limit.into()], |row| Ok(ProductId::from_uuid(row.uuid(0)?))).await
}

/// How many products there are, in a state or in all.
pub async fn count(tx: &mut Tx, status: Option<Status>) -> Result<i64, StoreError> {
    let status = status.map_or("", Status::as_str);
    let n = tx.query_opt(&COUNT, &[status.into()], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(n.unwrap_or(0))
}

/// What the back office's list of products shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Only products in this state.
    pub status: Option<Status>,
    /// Only products whose title, handle, SKU or barcode contains this; empty for all.
    pub text: String,
    /// Only products of this category.
    pub category: Option<CategoryId>,
    /// Only products made before this one.
    pub after: Option<ProductId>,
    /// At most so many.
    pub limit: i64,
}

impl ProductFilter {
    fn pattern(&self) -> String {
        let text = self.text.trim().to_lowercase();
        if text.is_empty() {
            return "%".to_owned();
        }
        let mut pattern = String::from("%");
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        pattern
    }
}

/// Products in any state, newest first, and how many there are in all.
pub async fn list(
    tx: &mut Tx,
    filter: &ProductFilter,
) -> Result<(Vec<ProductId>, i64), StoreError> {
    let pattern = filter.pattern();
    let status = filter.status.map_or("", Status::as_str);
    let after = filter.after.unwrap_or(ProductId::from_uuid(uuid::Uuid::max()));
    let params = [
        status.into(),
        Param::Text(&pattern),
        after.into(),
        filter.limit.into(),
        filter.category.into(),
    ];
    let row = |row: &Row<'_>| Ok::<_, StoreError>(ProductId::from_uuid(row.uuid(0)?));
    let ids = tx.query(&ADMIN_LIST, &params, row).await?;
    let params = [status.into(), Param::Text(&pattern), filter.category.into()];
    let n = tx.query_opt(&ADMIN_COUNT, &params, |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok((ids, n.unwrap_or(0)))
}
