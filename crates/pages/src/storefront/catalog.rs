//! Home, categories, search and product.

use askama::Template;
use stoa_kernel::Money;

use super::parts::saving_percent;
use super::{Layout, Link, Notice, Picture, ProductCard, Tone};

/// How many values of a facet are shown before "show all".
const FACET_HEAD: usize = 7;

/// The top of the home page.
#[derive(Debug, Clone, Default)]
pub struct Hero {
    /// A few strong words.
    pub heading: String,
    /// A sentence below.
    pub text: String,
    /// The main way on.
    pub action: Link,
    /// Another way on.
    pub second: Option<Link>,
    /// Up to three products that stand in the arches.
    pub products: Vec<ProductCard>,
}

/// A category as a tile.
#[derive(Debug, Clone, Default)]
pub struct CategoryTile {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// How many products are in it or below it.
    pub count: Option<u64>,
    /// Its picture.
    pub picture: Picture,
    /// Categories below it; shown on the page of all categories.
    pub children: Vec<Link>,
}

/// A row of products with a heading.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// What they have in common.
    pub heading: String,
    /// Where there are more.
    pub more: Option<Link>,
    /// The products; four or eight fill the rows.
    pub products: Vec<ProductCard>,
}

/// A short promise of the shop, such as free returns.
#[derive(Debug, Clone, Default)]
pub struct Promise {
    /// Name of an icon of [`crate::icons`].
    pub icon: &'static str,
    /// The promise.
    pub title: String,
    /// What it means.
    pub text: String,
}

/// `/`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/home.html")]
pub struct HomePage {
    /// The frame.
    pub layout: Layout,
    /// The top.
    pub hero: Hero,
    /// Top-level categories.
    pub categories: Vec<CategoryTile>,
    /// Rows of products.
    pub shelves: Vec<Shelf>,
    /// About four promises.
    pub promises: Vec<Promise>,
}

/// `/categories`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/categories.html")]
pub struct CategoriesPage {
    /// The frame.
    pub layout: Layout,
    /// Top-level categories with those below them.
    pub categories: Vec<CategoryTile>,
}

/// A value of a facet that can be ticked.
#[derive(Debug, Clone, Default)]
pub struct FacetValue {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How many results have it.
    pub count: u64,
    /// Whether it is chosen.
    pub checked: bool,
}

/// A value of a facet that is followed as a link.
#[derive(Debug, Clone, Default)]
pub struct FacetLink {
    /// What people read.
    pub label: String,
    /// The same listing with this value chosen.
    pub href: String,
    /// How many results have it.
    pub count: Option<u64>,
    /// Whether it is chosen.
    pub current: bool,
}

/// How a facet is chosen from.
#[derive(Debug, Clone)]
pub enum FacetKind {
    /// Any number of values.
    Values(Vec<FacetValue>),
    /// One at a time, by following a link (categories).
    Links(Vec<FacetLink>),
    /// From and to, with bands as links. Sent as `price_min` and `price_max`.
    Price {
        /// The symbol or code of the currency.
        currency: String,
        /// The lower bound as typed.
        min: String,
        /// The upper bound as typed.
        max: String,
        /// Ready-made ranges.
        bands: Vec<FacetLink>,
    },
}

/// A facet in the side bar.
#[derive(Debug, Clone)]
pub struct Facet {
    /// The name of its form field: `brand`, `attr.colour`, `in_stock`.
    pub param: String,
    /// What people read.
    pub label: String,
    /// Whether it is unfolded; facets with something chosen are in any case.
    pub open: bool,
    /// What can be chosen.
    pub kind: FacetKind,
}

impl Facet {
    fn is_open(&self) -> bool {
        self.open
            || match &self.kind {
                FacetKind::Values(values) => values.iter().any(|value| value.checked),
                FacetKind::Links(links) => links.iter().any(|link| link.current),
                FacetKind::Price { min, max, .. } => !min.is_empty() || !max.is_empty(),
            }
    }
}

impl FacetKind {
    /// The values shown at once: the first few, and every chosen one.
    fn head<'a>(&self, values: &'a [FacetValue]) -> Vec<&'a FacetValue> {
        values
            .iter()
            .enumerate()
            .filter(|(index, value)| *index < FACET_HEAD || value.checked)
            .map(|(_, value)| value)
            .collect()
    }

    /// The values behind "show all".
    fn tail<'a>(&self, values: &'a [FacetValue]) -> Vec<&'a FacetValue> {
        values.iter().skip(FACET_HEAD).filter(|value| !value.checked).collect()
    }
}

/// A chosen filter above the results, with the way to drop it.
#[derive(Debug, Clone, Default)]
pub struct Chip {
    /// The facet and the value, e.g. `Brand: HP`.
    pub label: String,
    /// The same listing without it.
    pub remove_href: String,
}

/// An entry of a select.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is the one chosen.
    pub selected: bool,
}

/// Products with facets, sorting and pages.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "storefront/parts/listing.html")]
pub struct Listing {
    /// Where the filter form goes (`GET`), e.g. `/categories/laptops`.
    pub action: String,
    /// Parameters the form must keep, e.g. `q`.
    pub keep: Vec<(String, String)>,
    /// How many products match in all.
    pub total: u64,
    /// The number of the first one shown, from 1.
    pub first: u64,
    /// The products of this page.
    pub products: Vec<ProductCard>,
    /// The facets.
    pub facets: Vec<Facet>,
    /// What is chosen.
    pub chips: Vec<Chip>,
    /// The same listing with nothing chosen.
    pub clear_href: String,
    /// The orders offered. Sent as `sort`.
    pub sorts: Vec<Choice>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

impl Listing {
    fn last(&self) -> u64 {
        let shown = u64::try_from(self.products.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(shown).saturating_sub(1)
    }
}

/// `/categories/{handle}`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/category.html")]
pub struct CategoryPage {
    /// The frame.
    pub layout: Layout,
    /// The categories above, root first, without this one.
    pub crumbs: Vec<Link>,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// Categories directly below.
    pub subcategories: Vec<CategoryTile>,
    /// Its products.
    pub listing: Listing,
}

/// Says that other words were searched than those typed.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    /// The words that were searched.
    pub shown: String,
    /// Where the words as typed are searched, if that is possible.
    pub literal_href: Option<String>,
}

/// `/search`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/search.html")]
pub struct SearchPage {
    /// The frame; its `query` is what was typed.
    pub layout: Layout,
    /// What was corrected.
    pub correction: Option<Correction>,
    /// What was found.
    pub listing: Listing,
    /// Other searches or categories, for when nothing was found.
    pub ideas: Vec<Link>,
    /// Products to show when nothing was found.
    pub popular: Vec<ProductCard>,
}

/// A value of an option of a product.
#[derive(Debug, Clone, Default)]
pub struct OptionValue {
    /// What people read.
    pub label: String,
    /// The product page with the variant that has this value and otherwise what is chosen now.
    pub href: String,
    /// Whether the variant shown has it.
    pub selected: bool,
    /// Whether the variant behind the link can be bought now.
    pub available: bool,
}

impl OptionValue {
    /// The colour to show beside the label, when the label names one.
    fn swatch(&self) -> Option<&'static str> {
        crate::picture::colour_of(&self.label)
    }
}

/// An axis along which variants differ.
#[derive(Debug, Clone, Default)]
pub struct OptionAxis {
    /// What it is called.
    pub name: String,
    /// Its values.
    pub values: Vec<OptionValue>,
}

impl OptionAxis {
    fn chosen(&self) -> &str {
        self.values.iter().find(|value| value.selected).map_or("", |value| &value.label)
    }
}

/// Whether the variant shown can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stock {
    /// Yes.
    In,
    /// Yes, only so many are left.
    Low(i64),
    /// No.
    Out,
}

impl Stock {
    const fn can_buy(self) -> bool {
        !matches!(self, Self::Out)
    }

    fn text(self) -> String {
        match self {
            Self::In => "In stock, ready to ship".to_owned(),
            Self::Low(left) => format!("Only {left} left in stock"),
            Self::Out => "Out of stock".to_owned(),
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::In => Tone::Ok,
            Self::Low(_) => Tone::Warn,
            Self::Out => Tone::Bad,
        }
    }
}

/// `/products/{handle}`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/product.html")]
pub struct ProductPage {
    /// The frame.
    pub layout: Layout,
    /// The categories it is in, root first.
    pub crumbs: Vec<Link>,
    /// Its name.
    pub title: String,
    /// Manufacturer or vendor, with a search for more of it.
    pub brand: Option<Link>,
    /// Pictures; at least one.
    pub pictures: Vec<Picture>,
    /// The id of the variant shown; sent as `variant_id`.
    pub variant_id: String,
    /// The stock keeping unit of the variant shown.
    pub sku: String,
    /// What the variant shown costs; nothing when it has no price in this currency.
    pub price: Option<Money>,
    /// Its former price.
    pub compare_at: Option<Money>,
    /// A line below the price, e.g. `incl. VAT, plus shipping`.
    pub price_note: Option<String>,
    /// The choice between variants; empty when there is one.
    pub options: Vec<OptionAxis>,
    /// Whether the variant shown can be bought.
    pub stock: Stock,
    /// The most one can put into the cart at once.
    pub max_quantity: i64,
    /// Short promises beside the button, e.g. about delivery.
    pub promises: Vec<Promise>,
    /// Sanitised HTML; printed as it is.
    pub description_html: String,
    /// Attributes as name and value, in order.
    pub attributes: Vec<(String, String)>,
    /// Other products.
    pub related: Vec<ProductCard>,
    /// A message, e.g. why something could not be added to the cart.
    pub notice: Option<Notice>,
}

impl ProductPage {
    fn can_buy(&self) -> bool {
        self.stock.can_buy() && self.price.is_some()
    }

    fn saving(&self) -> Option<i64> {
        saving_percent(self.price?, self.compare_at?)
    }
}

pages!(HomePage, CategoriesPage, CategoryPage, SearchPage, ProductPage);
