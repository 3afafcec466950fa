//! Products as the shop holds them.

use serde::{Deserialize, Serialize};
use stoa_kernel::{
    CategoryId, Currency, Decimal, Money, ProductId, Timestamp, VariantId, VendorId,
};

/// Who may see a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On sale.
    Active,
    /// Only in the back office.
    Draft,
    /// Kept for old orders; only in the back office.
    Archived,
}

impl Status {
    /// The word used in SQL, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draft => "draft",
            Self::Archived => "archived",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "draft" => Some(Self::Draft),
            "archived" => Some(Self::Archived),
            _ => None,
        }
    }
}

/// One axis along which variants differ: `Size` with `S`, `M`, `L`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionAxis {
    /// What the axis is called.
    pub name: String,
    /// The values in the order they are offered.
    pub values: Vec<String>,
}

/// A typed value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "value")]
pub enum AttributeValue {
    /// Free text.
    Text(String),
    /// A number with its unit in the attribute.
    Number(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// Several texts, e.g. connectors.
    List(Vec<String>),
}

/// A named, typed property of a product, such as `Display diagonal: 15.6 in`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The key in queries and facets: lower-case letters, digits and `_`, e.g. `display_diagonal`.
    pub key: String,
    /// What people read, e.g. `Display diagonal`.
    pub label: String,
    /// The value.
    #[serde(flatten)]
    pub value: AttributeValue,
    /// The unit of a number, e.g. `mm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// The key of an attribute that people call `label`: single underscores, none at the ends, at most 100
/// letters; empty where nothing of the label can stand in a key.
pub fn attribute_key(label: &str) -> String {
    let mut key = String::with_capacity(label.len());
    for character in label.chars() {
        match character.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => key.push(c),
            _ if key.is_empty() || key.ends_with('_') => {}
            _ => key.push('_'),
        }
    }
    key.truncate(100);
    while key.ends_with('_') {
        key.pop();
    }
    key
}

impl Attribute {
    /// The value as people read it: `15.6 in`, `Yes`, `HDMI, USB`.
    pub fn display(&self) -> String {
        match &self.value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Number(number) => match &self.unit {
                Some(unit) => format!("{number} {unit}"),
                None => number.to_string(),
            },
            AttributeValue::Boolean(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
            AttributeValue::List(items) => items.join(", "),
        }
    }
}

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Where the picture is: `https://...` or a path of this shop.
    pub url: String,
    /// What it shows, for those who do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// A price of a variant in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What is asked.
    pub price: Money,
    /// The former or list price shown struck through; above `price` and of the same currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
}

/// One sellable combination of a product's options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// Stock keeping unit, unique in the shop.
    pub sku: String,
    /// GTIN, EAN, UPC or ISBN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// One value for each of the product's options, in their order.
    pub options: Vec<String>,
    /// At most one price for each currency.
    pub prices: Vec<Price>,
    /// Weight for shipping, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<i64>,
}

impl Variant {
    /// The price in a currency.
    pub fn price_in(&self, currency: Currency) -> Option<&Price> {
        self.prices.iter().find(|price| price.price.currency == currency)
    }
}

/// The vendor of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductVendor {
    /// Its id.
    pub id: VendorId,
    /// Its handle.
    pub handle: String,
}

/// A product with everything that belongs to it except stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The readable part of its URL, unique in the shop.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Who may see it.
    pub status: Status,
    /// Manufacturer or vendor as shoppers know it.
    pub brand: Option<String>,
    /// Who sells it; `None` for the shop itself.
    pub vendor: Option<ProductVendor>,
    /// The one category it is shelved in.
    pub category_id: Option<CategoryId>,
    /// What kind of thing it is, in the merchant's words.
    pub product_type: Option<String>,
    /// Free words for search and collections.
    pub tags: Vec<String>,
    /// Sanitised HTML.
    pub description_html: String,
    /// The axes of its variants; empty when there is one variant without choice.
    pub options: Vec<OptionAxis>,
    /// Typed attributes in display order.
    pub attributes: Vec<Attribute>,
    /// Pictures in display order.
    pub media: Vec<Media>,
    /// At least one.
    pub variants: Vec<Variant>,
    /// Counts its changes, from 1; what `If-Match` compares.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A shelf of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The readable part of its URL, unique in the shop.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// The category that holds it.
    pub parent_id: Option<CategoryId>,
    /// Order among its siblings, ascending.
    pub position: i64,
}
