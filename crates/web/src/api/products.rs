//! Products, found and read.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use http::HeaderValue;
use http::header::{ETAG, LOCATION};
use serde::Serialize;
use stoa_app::catalog::service::{ByHandle, CategoryTree, StockedProduct};
use stoa_app::catalog::store::Card;
use stoa_app::view::{MoneyView, Problem};
use stoa_domain::catalog::{Attribute, AttributeValue, FieldError, Media, Status};
use stoa_kernel::{Currency, ProductId, limits};
use stoa_ports::search::{Facet, FacetFilter, MAX_OFFSET, SearchQuery, Sort};
use utoipa::ToSchema;

use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductItem {
    /// Its id.
    pub id: String,
    /// The readable part of its address.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Lowest price of its variants; `null` when it has none in the shop's currency.
    pub price: Option<MoneyView>,
    /// Whether variants differ in price.
    pub price_varies: bool,
    /// Whether any variant can be bought now.
    pub in_stock: bool,
    /// Address of its picture; the shop draws one where the merchant gave none.
    pub image: String,
}

/// A facet of the result set.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetView {
    /// `category`, `brand`, `price`, `in_stock` or `attr.<name>`.
    pub field: String,
    /// What people read.
    pub label: String,
    /// Its values.
    pub values: Vec<FacetValueView>,
}

/// A value of a facet.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetValueView {
    /// What the query takes.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How many products of the result set have it. For a facet with chosen values the set is the
    /// one without that choice.
    pub count: u64,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct Products {
    /// The products, in order.
    pub items: Vec<ProductItem>,
    /// What `cursor=` takes for the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// How many products match in all.
    pub total: u64,
    /// Facets of the result set.
    pub facets: Vec<FacetView>,
    /// The words as corrected, where typing errors were assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
}

/// A variant of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantView {
    /// Its id.
    pub id: String,
    /// Its SKU.
    pub sku: String,
    /// GTIN, EAN, UPC or ISBN.
    pub barcode: Option<String>,
    /// Option values by option name.
    pub options: BTreeMap<String, String>,
    /// Its price in the shop's currency.
    pub price: Option<MoneyView>,
    /// The former or list price.
    pub compare_at: Option<MoneyView>,
    /// Its prices in all currencies.
    pub prices: Vec<PriceView>,
    /// Weight in grams.
    pub weight_g: Option<i64>,
    /// Whether it can be bought now.
    pub in_stock: bool,
    /// Pieces that can be bought now.
    pub available: i64,
}

/// A price in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    /// What is asked.
    pub price: MoneyView,
    /// The former or list price.
    pub compare_at: Option<MoneyView>,
}

/// A typed attribute.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeView {
    /// What `attr.<name>=` takes.
    pub name: String,
    /// What people read.
    pub label: String,
    /// `text`, `number`, `boolean` or `list`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Text, a decimal number as a string, a boolean, or a list of texts.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// The unit of a number.
    pub unit: Option<String>,
}

/// An option along which variants differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct OptionView {
    /// Its name.
    pub name: String,
    /// Its values in order.
    pub values: Vec<String>,
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaView {
    /// Its address.
    pub url: String,
    /// What it shows.
    pub alt: Option<String>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    /// Its id.
    pub id: String,
    /// The readable part of its address.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// `active`, `draft` or `archived`.
    pub status: &'static str,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Handle of who sells it; `null` for the shop itself.
    pub vendor: Option<String>,
    /// Handles of its category and those above it, root first.
    pub category: Vec<String>,
    /// What kind of thing it is.
    pub product_type: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// Sanitised HTML.
    pub description_html: String,
    /// Options along which variants differ.
    pub options: Vec<OptionView>,
    /// Typed attributes.
    pub attributes: Vec<AttributeView>,
    /// Pictures; at least one, which the shop draws where the merchant gave none.
    pub media: Vec<MediaView>,
    /// The first picture.
    pub image: String,
    /// Lowest price of its variants.
    pub price: Option<MoneyView>,
    /// Whether any variant can be bought now.
    pub in_stock: bool,
    /// Its variants, at least one.
    pub variants: Vec<VariantView>,
    /// Counts its changes; what `If-Match` compares.
    pub version: i64,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Address of the picture that the shop draws for a product.
pub fn drawn_picture(handle: &str) -> String {
    format!("/media/products/{handle}.svg")
}

fn item(card: &Card) -> ProductItem {
    ProductItem {
        id: card.id.to_string(),
        handle: card.handle.clone(),
        title: card.title.clone(),
        brand: card.brand.clone(),
        price: card.price.map(MoneyView::from),
        price_varies: card.price_varies,
        in_stock: card.in_stock,
        image: card.image.clone().unwrap_or_else(|| drawn_picture(&card.handle)),
    }
}

fn facet(facet: Facet) -> FacetView {
    FacetView {
        field: facet.field,
        label: facet.label,
        values: facet
            .values
            .into_iter()
            .map(|value| FacetValueView {
                value: value.value,
                label: value.label,
                count: value.count,
            })
            .collect(),
    }
}

/// A list's query, read from the query string.
#[derive(Debug)]
pub struct ListQuery(pub SearchQuery);

impl ListQuery {
    /// Reads `q, category, sort, limit, cursor, in_stock, price_min, price_max, brand` and
    /// `attr.<name>`; a parameter given more than once means any of its values, `price=MIN-MAX`
    /// both ends at once, as the price facet gives it.
    ///
    /// # Errors
    /// Every parameter that is wrong.
    pub fn parse(query: &str, currency: Currency) -> Result<Self, Vec<FieldError>> {
        let mut search = SearchQuery::all(currency);
        let mut errors = Vec::new();
        let mut wrong = |name: &str, detail: &str| {
            errors.push(FieldError::new(format!("/{name}"), detail));
        };
        for (name, value) in pairs(query) {
            match name.as_str() {
                "q" if value.len() > limits::QUERY_BYTES => wrong("q", "at most 200 bytes"),
                "q" => search.text = value,
                "category" => search.category = Some(value).filter(|value| !value.is_empty()),
                "sort" => match sort(&value) {
                    Some(sort) => search.sort = sort,
                    None => {
                        wrong("sort", "one of relevance, price, price_desc, newest, title");
                    }
                },
                "limit" => match value.parse() {
                    Ok(limit) if (1..=limits::PAGE_ITEMS).contains(&limit) => search.limit = limit,
                    _ => wrong("limit", "1 to 100"),
                },
                "cursor" => match value.parse() {
                    Ok(offset) if offset <= MAX_OFFSET => search.offset = offset,
                    Ok(_) => wrong(
                        "cursor",
                        "a search can be paged through up to 10,000 results; narrow it down, or \
                         read the whole catalogue through /api/admin/v1/products",
                    ),
                    _ => wrong("cursor", "not a cursor of this list"),
                },
                "in_stock" => match value.as_str() {
                    "true" | "1" => search.in_stock = Some(true),
                    "false" | "0" => search.in_stock = Some(false),
                    "" => {}
                    _ => wrong("in_stock", "true or false"),
                },
                "price_min" | "price_max" | "price" if value.is_empty() => {}
                "price_min" | "price_max" => match value.parse() {
                    Ok(minor) if minor >= 0 => {
                        let end = if name == "price_min" {
                            &mut search.price_min
                        } else {
                            &mut search.price_max
                        };
                        *end = Some(minor);
                    }
                    _ => wrong(&name, "an amount in minor units, 0 or more"),
                },
                "price" => match value.split_once('-').map(|(min, max)| (end(min), end(max))) {
                    Some((Some(min), Some(max))) => {
                        search.price_min = min;
                        search.price_max = max;
                    }
                    _ => wrong("price", "MIN-MAX in minor units; either end may be empty"),
                },
                "facets" => search.facets = value != "false",
                _ if name == "brand" || name.starts_with("attr.") => {
                    if value.is_empty() {
                        continue;
                    }
                    match search.filters.iter_mut().find(|filter| filter.field == name) {
                        Some(filter) => filter.values.push(value),
                        None => {
                            search.filters.push(FacetFilter { field: name, values: vec![value] });
                        }
                    }
                }
                _ => wrong(&name, "no such parameter"),
            }
        }
        if errors.is_empty() { Ok(Self(search)) } else { Err(errors) }
    }
}

/// One end of a price range: empty means open.
fn end(text: &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    text.parse().ok().filter(|minor| *minor >= 0).map(Some)
}

fn sort(text: &str) -> Option<Sort> {
    Some(match text {
        "" | "relevance" => Sort::Relevance,
        "price" | "price_asc" => Sort::PriceAscending,
        "price_desc" | "-price" => Sort::PriceDescending,
        "newest" => Sort::Newest,
        "title" => Sort::Title,
        _ => return None,
    })
}

/// The pairs of a query string (`application/x-www-form-urlencoded`); what is not UTF-8 becomes
/// replacement characters.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let mut ahead = rest.clone();
                    let hex =
                        |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                    match (hex(ahead.next()), hex(ahead.next())) {
                        (Some(high), Some(low)) => {
                            bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                            rest = ahead;
                        }
                        _ => bytes.push(b'%'),
                    }
                }
                other => bytes.push(other),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Finds products. `attr.<name>=` filters by an attribute: its value, for a number also the number
/// without its unit (`15.6`) or a range (`13..15.6`, `13..`, `..15.6`, both ends inclusive).
/// `brand=` filters by brand. A parameter given more than once means any of its values. At most
/// 10,000 results can be paged through.
#[utoipa::path(get, path = "/api/v1/products", tag = "catalogue",
    params(
        ("q" = Option<String>, Query, description = "Words; at most 200 bytes"),
        ("category" = Option<String>, Query, description = "Handle of a category"),
        ("brand" = Option<String>, Query, description = "A brand"),
        ("sort" = Option<String>, Query,
            description = "`relevance`, `price`, `price_desc`, `newest` or `title`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 24 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("in_stock" = Option<bool>, Query, description = "Only what can be bought now"),
        ("price_min" = Option<i64>, Query, description = "Minor units, inclusive"),
        ("price_max" = Option<i64>, Query, description = "Minor units, inclusive"),
        ("facets" = Option<bool>, Query, description = "`false` leaves facets out")),
    responses((status = 200, body = Products), (status = 422, body = Problem)))]
pub async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> ApiResult {
    let query = ListQuery::parse(query.as_deref().unwrap_or(""), web.shop().config.currency)
        .map_err(|errors| ApiError::from(stoa_domain::Refusal::Invalid(errors)))?
        .0;
    let found = web.shop().search.search(&query).await?;
    let cards = web.shop().catalog.cards(&found.ids).await?;
    let next = query.offset + found.ids.len();
    let more = u64::try_from(next).unwrap_or(u64::MAX) < found.total && next <= MAX_OFFSET;
    let page = Products {
        items: cards.iter().map(|card| item(card)).collect(),
        next_cursor: more.then(|| next.to_string()),
        total: found.total,
        facets: found.facets.into_iter().map(facet).collect(),
        corrected: found.corrected,
    };
    Ok(reply::json(200, &page))
}

/// Reads a product by id or handle; a former handle is redirected.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "catalogue",
    params(("id" = String, Path, description = "Id or handle")),
    responses((status = 200, body = ProductView), (status = 308, description = "Its handle is another now"),
        (status = 404, body = Problem)))]
pub async fn read(State(web): State<Web>, Path(id): Path<String>) -> ApiResult {
    let not_found = || ApiError::not_found("product");
    let catalog = &web.shop().catalog;
    let found = match id.parse::<ProductId>() {
        Ok(id) => catalog
            .product(id)
            .await?
            .filter(|found| found.product.status == Status::Active)
            .ok_or_else(not_found)?,
        Err(_) => match catalog.by_handle(&id).await? {
            ByHandle::Found(found) => *found,
            ByHandle::Moved(handle) => {
                let mut response = reply::json(308, &serde_json::json!({ "handle": handle }));
                let to = format!("/api/v1/products/{handle}");
                if let Ok(to) = HeaderValue::from_str(&to) {
                    response.headers_mut().insert(LOCATION, to);
                }
                return Ok(response);
            }
            ByHandle::Nothing => return Err(not_found()),
        },
    };
    let view = view_on(&*catalog.tree().await?, web.shop().config.currency, &found);
    Ok(with_etag(reply::json(200, &view), found.product.version))
}

/// An answer with the version of what it shows as its entity tag.
pub fn with_etag(
    mut response: http::Response<axum::body::Body>,
    version: i64,
) -> http::Response<axum::body::Body> {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// A product as the API shows it, on its shelf in `tree`, with its price in `currency`.
pub fn view_on(tree: &CategoryTree, currency: Currency, found: &StockedProduct) -> ProductView {
    let product = &found.product;
    let variants: Vec<VariantView> = product
        .variants
        .iter()
        .map(|variant| {
            let price = variant.price_in(currency);
            let available = found.available(variant.id);
            VariantView {
                id: variant.id.to_string(),
                sku: variant.sku.clone(),
                barcode: variant.barcode.clone(),
                options: product
                    .options
                    .iter()
                    .map(|axis| axis.name.clone())
                    .zip(variant.options.iter().cloned())
                    .collect(),
                price: price.map(|price| price.price.into()),
                compare_at: price.and_then(|price| price.compare_at).map(MoneyView::from),
                prices: variant
                    .prices
                    .iter()
                    .map(|price| PriceView {
                        price: price.price.into(),
                        compare_at: price.compare_at.map(MoneyView::from),
                    })
                    .collect(),
                weight_g: variant.weight_g,
                // What has no price here cannot be bought here.
                in_stock: price.is_some() && available > 0,
                available,
            }
        })
        .collect();
    let mut media: Vec<MediaView> = product
        .media
        .iter()
        .map(|Media { url, alt }| MediaView { url: url.clone(), alt: alt.clone() })
        .collect();
    if media.is_empty() {
        media.push(MediaView {
            url: drawn_picture(&product.handle),
            alt: Some(product.title.clone()),
        });
    }
    let lowest =
        product.variants.iter().filter_map(|v| v.price_in(currency)).map(|price| price.price);
    ProductView {
        id: product.id.to_string(),
        handle: product.handle.clone(),
        title: product.title.clone(),
        status: product.status.as_str(),
        brand: product.brand.clone(),
        vendor: product.vendor.as_ref().map(|vendor| vendor.handle.clone()),
        category: tree.path(product.category_id).map(|node| node.category.handle.clone()).collect(),
        product_type: product.product_type.clone(),
        tags: product.tags.clone(),
        description_html: product.description_html.clone(),
        options: product
            .options
            .iter()
            .map(|axis| OptionView { name: axis.name.clone(), values: axis.values.clone() })
            .collect(),
        attributes: product.attributes.iter().map(attribute).collect(),
        image: media.first().map(|media| media.url.clone()).unwrap_or_default(),
        media,
        price: lowest.min_by_key(|price| price.minor).map(MoneyView::from),
        in_stock: variants.iter().any(|variant| variant.in_stock),
        variants,
        version: product.version,
        created_at: product.created_at.to_string(),
        updated_at: product.updated_at.to_string(),
    }
}

fn attribute(attribute: &Attribute) -> AttributeView {
    use serde_json::Value;
    let (kind, value) = match &attribute.value {
        AttributeValue::Text(text) => ("text", Value::from(text.as_str())),
        AttributeValue::Number(number) => ("number", Value::from(number.to_string())),
        AttributeValue::Boolean(yes) => ("boolean", Value::from(*yes)),
        AttributeValue::List(items) => ("list", Value::from(items.clone())),
    };
    AttributeView {
        name: attribute.key.clone(),
        label: attribute.label.clone(),
        kind,
        value,
        unit: attribute.unit.clone(),
    }
}
