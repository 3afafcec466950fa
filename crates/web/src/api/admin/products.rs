//! The catalogue, as the merchant's programs change it.

use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_app::Tx;
use stoa_app::answer::Answer;
use stoa_app::catalog::service::{self, CategoryTree, StockedProduct};
use stoa_app::catalog::store::{self, ProductFilter};
use stoa_app::catalog::{SaveError, Target, delete_product_in, save_product_in};
use stoa_app::error::StoreError;
use stoa_app::view::{MoneyView, Problem};
use stoa_domain::Refusal;
use stoa_domain::catalog::{
    Attribute, AttributeValue, Draft, DraftPrice, DraftVariant, FieldError, Media, Status, to_draft,
};
use stoa_kernel::{Ctx, Money, ProductId, TokenHash, VariantId, VendorId};
use utoipa::ToSchema;

use super::list::ListQuery;
use super::{Edited, if_match, once, stale};
use crate::api::products::{ProductView, VariantView, view_on, with_etag};
use crate::extract::{IdempotencyKey, ProductsRead, ProductsWrite, Program, RawBody};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A product as handed in. In `PATCH` a field that is not given stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductBody {
    /// Its name; needed for a new product.
    pub title: Option<String>,
    /// The readable part of its address; made from the title unless given. When it changes, the
    /// former one is redirected.
    pub handle: Option<String>,
    /// `active`, `draft` or `archived`; `active` unless given.
    pub status: Option<String>,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Handle of who sells it, empty for the shop itself. A vendor's products are always its own.
    pub vendor: Option<String>,
    /// Names of the categories from the root down; made where they do not exist.
    #[schema(example = json!(["Office", "Printers"]))]
    pub category: Option<Vec<String>>,
    /// What kind of thing it is.
    pub product_type: Option<String>,
    /// Free words.
    pub tags: Option<Vec<String>>,
    /// HTML; sanitised before it is kept.
    pub description_html: Option<String>,
    /// Names of the axes along which the variants differ.
    pub options: Option<Vec<String>>,
    /// Typed attributes.
    pub attributes: Option<Vec<AttributeBody>>,
    /// Pictures.
    pub media: Option<Vec<MediaBody>>,
    /// Its variants; needed for a new product. The list replaces the one before; a variant keeps
    /// its id and stock as long as its SKU stays.
    pub variants: Option<Vec<VariantBody>>,
}

/// A picture as handed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaBody {
    /// An https address.
    pub url: String,
    /// What it shows.
    pub alt: Option<String>,
}

/// An attribute as handed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeBody {
    /// Lower-case letters, digits and `_`.
    pub name: String,
    /// What people read; the name with spaces unless given.
    pub label: Option<String>,
    /// Text, number, boolean or a list of texts: the type of the attribute.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// `text`, `number`, `boolean` or `list`; told from the value unless given.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The unit of a number.
    pub unit: Option<String>,
}

/// A variant as handed in. In `PATCH` a field that is not given stays as it is.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantBody {
    /// Unique in the shop; made from handle and options unless given.
    pub sku: Option<String>,
    /// GTIN, EAN, UPC or ISBN.
    pub barcode: Option<String>,
    /// One value for each option: as a list in their order, or an object by option name.
    #[schema(value_type = Option<Object>)]
    pub options: Option<OptionValues>,
    /// A price; shorthand for one entry of `prices`.
    #[schema(value_type = Option<MoneyView>)]
    pub price: Option<Money>,
    /// The former or list price that goes with `price`.
    #[schema(value_type = Option<MoneyView>)]
    pub compare_at: Option<Money>,
    /// At most one price for each currency.
    pub prices: Option<Vec<PriceBody>>,
    /// Weight in grams.
    pub weight_g: Option<i64>,
    /// Pieces at the location `default`; left as it is unless given.
    pub stock: Option<i64>,
}

/// Option values as handed in.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OptionValues {
    /// In the order of the product's options.
    List(Vec<String>),
    /// By option name.
    ByName(std::collections::BTreeMap<String, String>),
}

/// A price as handed in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBody {
    /// What is asked.
    #[schema(value_type = MoneyView)]
    pub price: Money,
    /// The former or list price.
    #[schema(value_type = Option<MoneyView>)]
    pub compare_at: Option<Money>,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminProducts {
    /// The products, newest first.
    pub items: Vec<ProductView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

impl AttributeBody {
    fn attribute(self, at: &str) -> Result<Attribute, FieldError> {
        use serde_json::Value;
        let wrong = |detail: &str| FieldError::new(format!("{at}/value"), detail);
        let kind = self.kind.as_deref();
        let value = match (kind, self.value) {
            (None | Some("text"), Value::String(text)) => AttributeValue::Text(text),
            (None | Some("number"), Value::Number(number)) => AttributeValue::Number(
                number.to_string().parse().map_err(|_| wrong("a number with at most 12 digits"))?,
            ),
            (Some("number"), Value::String(text)) => AttributeValue::Number(
                text.parse().map_err(|_| wrong("a number with at most 12 digits"))?,
            ),
            (None | Some("boolean"), Value::Bool(yes)) => AttributeValue::Boolean(yes),
            (None | Some("list"), Value::Array(items)) => AttributeValue::List(
                items
                    .into_iter()
                    .map(|item| match item {
                        Value::String(text) => Ok(text),
                        _ => Err(wrong("a list holds texts")),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (None, _) => return Err(wrong("a text, number, boolean or list of texts")),
            (Some("text" | "number" | "boolean" | "list"), _) => {
                return Err(wrong("does not have the type given"));
            }
            (Some(_), _) => {
                let what = "one of text, number, boolean, list";
                return Err(FieldError::new(format!("{at}/type"), what));
            }
        };
        let label = self.label.unwrap_or_else(|| {
            let words = self.name.replace('_', " ");
            let mut letters = words.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + letters.as_str()
            })
        });
        Ok(Attribute { key: self.name, label, value, unit: self.unit })
    }
}

impl VariantBody {
    /// Puts what is given over `base`.
    fn over(
        self,
        base: DraftVariant,
        options: &[String],
        at: &str,
    ) -> Result<DraftVariant, FieldError> {
        let values = match self.options {
            None => base.options,
            Some(OptionValues::List(values)) => values,
            Some(OptionValues::ByName(mut by_name)) => {
                let values = options
                    .iter()
                    .map(|name| {
                        by_name.remove(name).ok_or_else(|| {
                            let what = format!("a value for `{name}` is missing");
                            FieldError::new(format!("{at}/options"), what)
                        })
                    })
                    .collect::<Result<_, _>>()?;
                if let Some(name) = by_name.keys().next() {
                    let what = format!("the product has no option `{name}`");
                    return Err(FieldError::new(format!("{at}/options"), what));
                }
                values
            }
        };
        let prices = match (self.prices, self.price) {
            (None, None) => base.prices,
            (prices, price) => {
                let mut prices: Vec<DraftPrice> = prices
                    .unwrap_or_default()
                    .into_iter()
                    .map(|price| DraftPrice { price: price.price, compare_at: price.compare_at })
                    .collect();
                if let Some(price) = price {
                    prices.retain(|known| known.price.currency != price.currency);
                    prices.push(DraftPrice { price, compare_at: self.compare_at });
                }
                prices
            }
        };
        Ok(DraftVariant {
            sku: self.sku.unwrap_or(base.sku),
            barcode: self.barcode.or(base.barcode),
            options: values,
            prices,
            weight_g: self.weight_g.or(base.weight_g),
            stock: self.stock,
        })
    }
}

const fn no_variant() -> DraftVariant {
    DraftVariant {
        sku: String::new(),
        barcode: None,
        options: Vec::new(),
        prices: Vec::new(),
        weight_g: None,
        stock: None,
    }
}

impl ProductBody {
    /// Puts what is given over `base`; without one, what a new product needs must be given.
    fn over(self, base: Option<Draft>) -> Result<Draft, Vec<FieldError>> {
        let mut errors = Vec::new();
        let is_new = base.is_none();
        let mut draft = base.unwrap_or_else(|| Draft {
            handle: String::new(),
            title: String::new(),
            status: Status::Active,
            brand: None,
            vendor: None,
            category: Vec::new(),
            product_type: None,
            tags: Vec::new(),
            description_html: String::new(),
            options: Vec::new(),
            attributes: Vec::new(),
            media: Vec::new(),
            variants: Vec::new(),
        });
        if is_new && self.title.is_none() {
            errors.push(FieldError::new("/title", "is missing"));
        }
        if is_new && self.variants.is_none() {
            errors.push(FieldError::new("/variants", "is missing"));
        }
        if let Some(status) = self.status {
            match Status::parse(&status) {
                Some(status) => draft.status = status,
                None => errors.push(FieldError::new("/status", "active, draft or archived")),
            }
        }
        draft.title = self.title.unwrap_or(draft.title);
        draft.handle = self.handle.unwrap_or(draft.handle);
        draft.brand = self.brand.or(draft.brand).filter(|brand| !brand.trim().is_empty());
        draft.vendor = self.vendor.or(draft.vendor);
        draft.category = self.category.unwrap_or(draft.category);
        draft.product_type =
            self.product_type.or(draft.product_type).filter(|kind| !kind.trim().is_empty());
        draft.tags = self.tags.unwrap_or(draft.tags);
        draft.description_html = self.description_html.unwrap_or(draft.description_html);
        draft.options = self.options.unwrap_or(draft.options);
        if let Some(media) = self.media {
            draft.media =
                media.into_iter().map(|MediaBody { url, alt }| Media { url, alt }).collect();
        }
        if let Some(attributes) = self.attributes {
            draft.attributes.clear();
            for (index, attribute) in attributes.into_iter().enumerate() {
                match attribute.attribute(&format!("/attributes/{index}")) {
                    Ok(attribute) => draft.attributes.push(attribute),
                    Err(error) => errors.push(error),
                }
            }
        }
        if let Some(variants) = self.variants {
            let before = std::mem::take(&mut draft.variants);
            for (index, variant) in variants.into_iter().enumerate() {
                let known = variant
                    .sku
                    .as_ref()
                    .and_then(|sku| before.iter().find(|known| known.sku == *sku).cloned());
                let base = known.unwrap_or_else(no_variant);
                match variant.over(base, &draft.options, &format!("/variants/{index}")) {
                    Ok(variant) => draft.variants.push(variant),
                    Err(error) => errors.push(error),
                }
            }
        }
        if errors.is_empty() { Ok(draft) } else { Err(errors) }
    }
}

fn invalid(errors: Vec<FieldError>) -> ApiError {
    Refusal::Invalid(errors).into()
}

pub(super) fn save_error(error: SaveError, has_if_match: bool) -> ApiError {
    match error {
        SaveError::Refused(Refusal::Stale) if has_if_match => stale(),
        other => other.into(),
    }
}

pub(crate) fn context(web: &Web) -> Result<Ctx, ApiError> {
    let ids = stoa_app::entropy::ids().map_err(|error| ApiError::internal(&error))?;
    Ok(Ctx { now: (web.shop().clock)(), ids })
}

fn product_id(text: &str) -> Result<ProductId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("product"))
}

async fn load(tx: &mut Tx, id: ProductId) -> Result<StockedProduct, ApiError> {
    service::stocked(tx, id).await?.ok_or_else(|| ApiError::not_found("product"))
}

async fn reader(web: &Web) -> Result<Tx, ApiError> {
    Ok(web.shop().db.read().await.map_err(StoreError::from)?)
}

async fn draft_of(tx: &mut Tx, found: &StockedProduct) -> Result<Draft, ApiError> {
    let tree = CategoryTree::above(tx, found.product.category_id).await?;
    let names = tree.path(found.product.category_id).map(|node| node.category.name.clone());
    Ok(to_draft(&found.product, names.collect()))
}

/// Saves a draft and gives the product as the transaction now sees it.
async fn save(
    web: &Web,
    tx: &mut Tx,
    target: Target,
    draft: Draft,
    has_if_match: bool,
) -> Result<StockedProduct, ApiError> {
    let mut ctx = context(web)?;
    let saved = save_product_in(tx, &web.shop().config, &mut ctx, target, draft).await;
    let (product, _) = saved.map_err(|error| save_error(error, has_if_match))?;
    load(tx, product.id).await
}

/// The view of a product as the transaction sees it.
async fn view(web: &Web, tx: &mut Tx, found: &StockedProduct) -> Result<ProductView, ApiError> {
    let tree = CategoryTree::above(tx, found.product.category_id).await?;
    Ok(view_on(&tree, web.shop().config.currency, found))
}

/// Lists products in every state, newest first.
#[utoipa::path(get, path = "/api/admin/v1/products", tag = "admin", security(("token" = [])),
    params(
        ("q" = Option<String>, Query, description = "Part of title, handle, SKU or barcode"),
        ("status" = Option<String>, Query, description = "`active`, `draft` or `archived`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = AdminProducts), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(web): State<Web>,
    _: Program<ProductsRead>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let query = ListQuery::read(query.as_deref(), Status::parse)?;
    list_in(&web, reader(&web).await?, query).await
}

/// A page of the products that a transaction sees.
pub(crate) async fn list_in(
    web: &Web,
    mut tx: Tx,
    query: ListQuery<ProductId, Status>,
) -> ApiResult {
    let filter = ProductFilter {
        status: query.status,
        text: query.text.clone(),
        after: query.after,
        limit: query.limit,
        ..ProductFilter::default()
    };
    let (ids, total) = store::list(&mut tx, &filter).await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in &ids {
        found.extend(service::stocked(&mut tx, *id).await?);
    }
    let tree = CategoryTree::load(&mut tx).await?;
    let currency = web.shop().config.currency;
    let items = found.iter().map(|product| view_on(&tree, currency, product)).collect();
    let page = AdminProducts {
        items,
        next_cursor: query.next(ids.len(), ids.last().copied()),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

/// Makes a product.
#[utoipa::path(post, path = "/api/admin/v1/products", tag = "admin", security(("token" = [])),
    request_body = ProductBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = ProductView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn create(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    create_for(web, None, &program.token, &key, &body).await
}

/// Makes a product, for a vendor or for the shop.
pub(crate) async fn create_for(
    web: Web,
    vendor: Option<VendorId>,
    token: &TokenHash,
    key: &IdempotencyKey,
    body: &RawBody,
) -> ApiResult {
    let draft = body.json::<ProductBody>()?.over(None).map_err(invalid)?;
    let key = key.bind(&token.0, &[b"POST /products", &body.0]);
    once(&web.clone(), vendor, key, move |tx| {
        Box::pin(async move {
            let found = save(&web, tx, Target::New, draft, false).await?;
            let answer = Answer::json(201, &view(&web, tx, &found).await?);
            Ok(Edited { answer, product: Some(found.product.id) })
        })
    })
    .await
}

/// Reads a product in any state.
#[utoipa::path(get, path = "/api/admin/v1/products/{id}", tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The product's id")),
    responses((status = 200, body = ProductView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<ProductsRead>,
    Path(id): Path<String>,
) -> ApiResult {
    read_in(&web, reader(&web).await?, &id).await
}

/// A product as a transaction sees it.
pub(crate) async fn read_in(web: &Web, mut tx: Tx, id: &str) -> ApiResult {
    let found = load(&mut tx, product_id(id)?).await?;
    let view = view(web, &mut tx, &found).await?;
    Ok(with_etag(reply::json(200, &view), found.product.version))
}

/// Changes a product; fields that are not given stay.
#[utoipa::path(patch, path = "/api/admin/v1/products/{id}", tag = "admin",
    security(("token" = [])), request_body = ProductBody,
    params(("id" = String, Path, description = "The product's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = ProductView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, description = "`stale`", body = Problem),
        (status = 422, body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    update_for(web, None, &program.token, &id, (&headers, &key, &body)).await
}

/// Changes a product, for a vendor or for the shop.
pub(crate) async fn update_for(
    web: Web,
    vendor: Option<VendorId>,
    token: &TokenHash,
    id: &str,
    (headers, key, body): (&HeaderMap, &IdempotencyKey, &RawBody),
) -> ApiResult {
    let id = product_id(id)?;
    let expected = if_match(headers)?;
    let change: ProductBody = body.json()?;
    let key = key.bind(&token.0, &[b"PATCH /products", id.to_string().as_bytes(), &body.0]);
    once(&web.clone(), vendor, key, move |tx| {
        Box::pin(async move {
            let before = load(tx, id).await?;
            let draft = change.over(Some(draft_of(tx, &before).await?)).map_err(invalid)?;
            let target = Target::Existing(id, expected);
            let found = save(&web, tx, target, draft, expected.is_some()).await?;
            let answer = Answer::json(200, &view(&web, tx, &found).await?);
            Ok(Edited { answer, product: Some(id) })
        })
    })
    .await
}

/// Removes a product with its variants and stock. Orders keep what they say.
#[utoipa::path(delete, path = "/api/admin/v1/products/{id}", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The product's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 204, description = "Removed"), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
pub async fn delete(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
) -> ApiResult {
    let id = product_id(&id)?;
    let expected = if_match(&headers)?;
    let key = key.bind(&program.token.0, &[b"DELETE /products", id.to_string().as_bytes()]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let mut ctx = context(&web)?;
            let deleted = delete_product_in(tx, &mut ctx, id, expected).await;
            deleted.map_err(|error| save_error(error, expected.is_some()))?;
            Ok(Edited { answer: removed(), product: Some(id) })
        })
    })
    .await
}

const fn removed() -> Answer {
    Answer { status: 204, body: String::new() }
}

async fn variant_of(tx: &mut Tx, id: &str) -> Result<(VariantId, StockedProduct), ApiError> {
    let not_found = || ApiError::not_found("variant");
    let id: VariantId = id.parse().map_err(|_| not_found())?;
    let (_, product) = store::variant(tx, id).await?.ok_or_else(not_found)?;
    let found = service::stocked(tx, product).await?.ok_or_else(not_found)?;
    Ok((id, found))
}

async fn variant_view(
    web: &Web,
    tx: &mut Tx,
    found: &StockedProduct,
    pick: impl Fn(&VariantView) -> bool,
) -> Result<VariantView, ApiError> {
    let product = view(web, tx, found).await?;
    product.variants.into_iter().find(pick).ok_or_else(|| ApiError::not_found("variant"))
}

/// Adds a variant to a product.
#[utoipa::path(post, path = "/api/admin/v1/products/{id}/variants", tag = "admin",
    security(("token" = [])), request_body = VariantBody,
    params(("id" = String, Path, description = "The product's id"),
        ("If-Match" = Option<String>, Header, description = "The version the product must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = VariantView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn create_variant(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = product_id(&id)?;
    let expected = if_match(&headers)?;
    let variant: VariantBody = body.json()?;
    let key = key.bind(&program.token.0, &[b"POST /variants", id.to_string().as_bytes(), &body.0]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let before = load(tx, id).await?;
            let mut draft = draft_of(tx, &before).await?;
            let added =
                variant.over(no_variant(), &draft.options, "").map_err(|e| invalid(vec![e]))?;
            draft.variants.push(added);
            let target = Target::Existing(id, expected);
            let found = save(&web, tx, target, draft, expected.is_some()).await?;
            let known: Vec<String> =
                before.product.variants.iter().map(|variant| variant.id.to_string()).collect();
            let is_new = |variant: &VariantView| !known.contains(&variant.id);
            let answer = Answer::json(201, &variant_view(&web, tx, &found, is_new).await?);
            Ok(Edited { answer, product: Some(id) })
        })
    })
    .await
}

/// Reads a variant.
#[utoipa::path(get, path = "/api/admin/v1/variants/{id}", tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The variant's id")),
    responses((status = 200, body = VariantView), (status = 404, body = Problem)))]
pub async fn read_variant(
    State(web): State<Web>,
    _: Program<ProductsRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let mut tx = reader(&web).await?;
    let (id, found) = variant_of(&mut tx, &id).await?;
    let text = id.to_string();
    let variant = variant_view(&web, &mut tx, &found, |variant| variant.id == text).await?;
    Ok(with_etag(reply::json(200, &variant), found.product.version))
}

/// Changes a variant; fields that are not given stay. Its version is its product's.
#[utoipa::path(patch, path = "/api/admin/v1/variants/{id}", tag = "admin",
    security(("token" = [])), request_body = VariantBody,
    params(("id" = String, Path, description = "The variant's id"),
        ("If-Match" = Option<String>, Header, description = "The version its product must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = VariantView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn update_variant(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let expected = if_match(&headers)?;
    let change: VariantBody = body.json()?;
    let key = key.bind(&program.token.0, &[b"PATCH /variants", id.as_bytes(), &body.0]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let (id, before) = variant_of(tx, &id).await?;
            let mut draft = draft_of(tx, &before).await?;
            let place = before.product.variants.iter().position(|variant| variant.id == id);
            let options = draft.options.clone();
            let slot = place.and_then(|place| draft.variants.get_mut(place));
            let slot = slot.ok_or_else(|| ApiError::not_found("variant"))?;
            let changed = change.over(slot.clone(), &options, "").map_err(|e| invalid(vec![e]))?;
            let sku = changed.sku.trim().to_owned();
            *slot = changed;
            let product = before.product.id;
            let target = Target::Existing(product, expected);
            let found = save(&web, tx, target, draft, expected.is_some()).await?;
            let is_changed = |variant: &VariantView| variant.sku == sku;
            let answer = Answer::json(200, &variant_view(&web, tx, &found, is_changed).await?);
            Ok(Edited { answer, product: Some(product) })
        })
    })
    .await
}

/// Removes a variant with its stock; a product keeps at least one.
#[utoipa::path(delete, path = "/api/admin/v1/variants/{id}", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The variant's id"),
        ("If-Match" = Option<String>, Header, description = "The version its product must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 204, description = "Removed"), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn delete_variant(
    State(web): State<Web>,
    program: Program<ProductsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
) -> ApiResult {
    let expected = if_match(&headers)?;
    let key = key.bind(&program.token.0, &[b"DELETE /variants", id.as_bytes()]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let (id, before) = variant_of(tx, &id).await?;
            let mut draft = draft_of(tx, &before).await?;
            let mut ids = before.product.variants.iter().map(|variant| variant.id);
            draft.variants.retain(|_| ids.next() != Some(id));
            let product = before.product.id;
            let target = Target::Existing(product, expected);
            save(&web, tx, target, draft, expected.is_some()).await?;
            Ok(Edited { answer: removed(), product: Some(product) })
        })
    })
    .await
}
