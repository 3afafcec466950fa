//! Full text search with facets over the catalogue. The index is a copy of the store: it follows
//! product events and can be rebuilt at any time.

use std::fmt;

use async_trait::async_trait;
use stoa_kernel::{Currency, Decimal, ProductId, Timestamp};

/// How many results can be left out first, at most.
pub const MAX_OFFSET: usize = 10_000;

/// A typed value of an attribute as the index sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocValue {
    /// Text; one facet value and searchable words.
    Text(String),
    /// A number with its unit.
    Number(Decimal, Option<String>),
    /// Yes or no.
    Boolean(bool),
    /// Several texts, each a facet value.
    List(Vec<String>),
}

/// An attribute as the index sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocAttribute {
    /// Key in queries (`attr.<key>=`).
    pub key: String,
    /// What people read.
    pub label: String,
    /// The value.
    pub value: DocValue,
}

/// What the index knows of a product: only products on sale are indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDoc {
    /// Which product.
    pub id: ProductId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Handles of its category and all categories above it, root first.
    pub category_path: Vec<String>,
    /// Names of the same categories.
    pub category_names: Vec<String>,
    /// What kind of thing it is.
    pub product_type: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// The description without markup.
    pub description: String,
    /// Typed attributes.
    pub attributes: Vec<DocAttribute>,
    /// SKUs and barcodes of all variants: found by exact code.
    pub codes: Vec<String>,
    /// Lowest price of its variants in each currency, in minor units.
    pub prices: Vec<(Currency, i64)>,
    /// Whether any variant can be bought now.
    pub in_stock: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The order of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Best match first; without words, newest first.
    #[default]
    Relevance,
    /// Cheapest first.
    PriceAscending,
    /// Dearest first.
    PriceDescending,
    /// Newest first.
    Newest,
    /// By title, A to Z.
    Title,
}

/// Values chosen in one facet: a product matches when it has any of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FacetFilter {
    /// `brand`, `attr.<key>`.
    pub field: String,
    /// The chosen values as facets show them; for numbers also a range `min..max`, either end of
    /// which may be left out.
    pub values: Vec<String>,
}

/// What is looked for. All filters must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchQuery {
    /// Words, or empty for everything; at most [`stoa_kernel::limits::QUERY_BYTES`]. Of the
    /// products that have most of the words, all are found. A text without any letter or digit
    /// finds nothing.
    pub text: String,
    /// Handle of a category: products in it or below it.
    pub category: Option<String>,
    /// Chosen brands and attribute values.
    pub filters: Vec<FacetFilter>,
    /// Lowest price in minor units of `currency`, inclusive.
    pub price_min: Option<i64>,
    /// Highest price in minor units of `currency`, inclusive.
    pub price_max: Option<i64>,
    /// `Some(true)`: only what can be bought now.
    pub in_stock: Option<bool>,
    /// The currency of prices in filters, sorting and facets.
    pub currency: Currency,
    /// The order.
    pub sort: Sort,
    /// How many results to leave out first, at most [`MAX_OFFSET`].
    pub offset: usize,
    /// How many results to give, at most [`stoa_kernel::limits::PAGE_ITEMS`].
    pub limit: usize,
    /// Whether facets are wanted; counting them costs time.
    pub facets: bool,
}

impl SearchQuery {
    /// Everything in this currency, first page of 24, with facets.
    pub fn all(currency: Currency) -> Self {
        Self {
            text: String::new(),
            category: None,
            filters: Vec::new(),
            price_min: None,
            price_max: None,
            in_stock: None,
            currency,
            sort: Sort::Relevance,
            offset: 0,
            limit: 24,
            facets: true,
        }
    }
}

/// A value of a facet and how many results have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// What a filter takes (`HP`, `15.6 in`, `13.3..15.6`, `true`, `laptops`, `1000-4999`,
    /// `100000-`). Both ends of a range are inclusive; [`price_range`] reads those of prices.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How many products of the result set have it. For a facet with chosen values the set is the
    /// one without that choice, so that the other values stay comparable (disjunctive facets).
    pub count: u64,
}

/// The ends of a value of the `price` facet (`1000-4999`, `-999`, `100000-`), as
/// [`SearchQuery::price_min`] and [`SearchQuery::price_max`] take them.
pub fn price_range(value: &str) -> Option<(Option<i64>, Option<i64>)> {
    let (min, max) = value.split_once('-')?;
    let end = |text: &str| match text {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    };
    let range = (end(min)?, end(max)?);
    (range != (None, None)).then_some(range)
}

/// A facet of the result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// `category`, `brand`, `price`, `in_stock` or `attr.<key>`.
    pub field: String,
    /// What people read.
    pub label: String,
    /// Values, most frequent first (prices and numbers: ascending); at most 50, and those chosen
    /// in the query are always among them.
    pub values: Vec<FacetValue>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResult {
    /// The products of this page, in order.
    pub ids: Vec<ProductId>,
    /// How many products match in all.
    pub total: u64,
    /// Facets: category, brand, price, in_stock, then the most telling attributes (at most 12).
    pub facets: Vec<Facet>,
    /// The words as corrected, where typing errors were assumed.
    pub corrected: Option<String>,
}

/// A completion of what is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The completed text.
    pub text: String,
    /// What it stands for.
    pub kind: SuggestionKind,
}

/// What a suggestion stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuggestionKind {
    /// A search for the text.
    Query,
    /// A product, by handle.
    Product(String),
    /// A category, by handle.
    Category(String),
    /// A brand.
    Brand,
}

/// Why the index could not answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The query itself is wrong; says how.
    #[error("{0}")]
    Invalid(String),
    /// The engine failed.
    #[error("the search engine failed: {0}")]
    Engine(String),
}

/// Where products are found. Reads may be a moment behind the store.
#[async_trait]
pub trait SearchIndex: Send + Sync + fmt::Debug {
    /// Finds products. An empty query without filters matches everything.
    async fn search(&self, query: &SearchQuery) -> Result<SearchResult, SearchError>;

    /// Completes what is being typed: at most `limit`, best first. Empty for an empty prefix.
    async fn suggest(&self, prefix: &str, limit: usize) -> Result<Vec<Suggestion>, SearchError>;

    /// Replaces the documents with these ids (those in `remove` go away) and records that the
    /// index has followed the event log up to `offset`, atomically. Visible to searches when it
    /// returns. Repeating it changes nothing. A product in both lists goes away. Costs a disk
    /// write however little it changes, so collect changes for a moment.
    async fn apply(
        &self,
        upsert: Vec<ProductDoc>,
        remove: Vec<ProductId>,
        offset: i64,
    ) -> Result<(), SearchError>;

    /// The event log offset that the index has followed; 0 for a new index.
    async fn offset(&self) -> Result<i64, SearchError>;

    /// Starts a rebuild: a second, empty index is filled by [`Rebuild::add`] while searches still
    /// use the first, and takes its place in [`Rebuild::finish`]. What is applied meanwhile goes to
    /// the first only: afterwards follow the log again from the offset given to `finish`.
    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, SearchError>;

    /// How many products are indexed.
    async fn len(&self) -> Result<u64, SearchError>;

    /// Whether nothing is indexed.
    async fn is_empty(&self) -> Result<bool, SearchError> {
        Ok(self.len().await? == 0)
    }
}

/// An index being filled. Dropped without `finish`, it leaves no trace.
#[async_trait]
pub trait Rebuild: Send {
    /// Adds documents.
    async fn add(&mut self, docs: Vec<ProductDoc>) -> Result<(), SearchError>;
    /// Takes the place of the index in use, which has then followed the log up to `offset`.
    async fn finish(self: Box<Self>, offset: i64) -> Result<(), SearchError>;
}
