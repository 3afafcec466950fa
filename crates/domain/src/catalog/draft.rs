//! What importers, the API and the back office hand in: a product before it is checked.
//!
//! `stoa export products` writes drafts, one JSON object a line; `stoa import` reads them back.

use serde::{Deserialize, Serialize};
use stoa_kernel::{Money, handle, limits};

use super::product::{Attribute, AttributeValue, Media, Status};

/// A price as handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftPrice {
    /// What is asked.
    pub price: Money,
    /// The former or list price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
}

/// A variant as handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftVariant {
    /// Stock keeping unit; made from handle and options where it is empty.
    #[serde(default)]
    pub sku: String,
    /// GTIN, EAN, UPC or ISBN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// One value for each of the draft's options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// At most one price for each currency.
    pub prices: Vec<DraftPrice>,
    /// Weight in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<i64>,
    /// On hand at the `default` location. `None` leaves the stock as it is (0 for a new variant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// A product as handed in. The handle says which product it is: an existing one is updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The readable part of its URL; made from the title where it is empty.
    #[serde(default)]
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Who may see it.
    #[serde(default = "active")]
    pub status: Status,
    /// Manufacturer or vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Handle of who sells it, empty for the shop itself. `None` leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Names of the categories from the root down, e.g. `["Office", "Printers"]`; made where they
    /// do not exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// What kind of thing it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_type: Option<String>,
    /// Free words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// HTML, sanitised before it is kept.
    #[serde(default)]
    pub description_html: String,
    /// Names of the axes along which the variants differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Typed attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// At least one.
    pub variants: Vec<DraftVariant>,
}

const fn active() -> Status {
    Status::Active
}

/// One thing that is wrong with what was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) to the field, e.g. `/variants/0/sku`.
    pub pointer: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl FieldError {
    /// An error at a pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Draft {
    /// Fills in what can be made (handle, SKUs) and checks everything that needs no other row.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn check(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        self.title = self.title.trim().to_owned();
        line(&mut errors, "/title", &self.title, true);
        if self.handle.is_empty() {
            self.handle = handle::slugify(&self.title);
        }
        if !handle::is_handle(&self.handle) {
            errors.push(FieldError::new(
                "/handle",
                "a handle has lower-case letters, digits and single hyphens, at most 120",
            ));
        }
        for (value, pointer) in [(&self.brand, "/brand"), (&self.product_type, "/product_type")] {
            if let Some(value) = value {
                line(&mut errors, pointer, value, true);
            }
        }
        for (index, name) in self.category.iter().enumerate() {
            line(&mut errors, &format!("/category/{index}"), name, true);
            if handle::slugify(name).is_empty() {
                errors.push(FieldError::new(
                    format!("/category/{index}"),
                    "a category name needs a letter or digit",
                ));
            }
        }
        for (index, tag) in self.tags.iter().enumerate() {
            line(&mut errors, &format!("/tags/{index}"), tag, true);
        }
        if self.description_html.len() > limits::HTML_BYTES {
            errors.push(FieldError::new("/description_html", "at most 256 KiB"));
        }
        at_most(&mut errors, "/options", self.options.len(), limits::OPTIONS_PER_PRODUCT);
        at_most(&mut errors, "/attributes", self.attributes.len(), limits::ATTRIBUTES_PER_PRODUCT);
        at_most(&mut errors, "/media", self.media.len(), limits::MEDIA_PER_PRODUCT);
        at_most(&mut errors, "/variants", self.variants.len(), limits::VARIANTS_PER_PRODUCT);
        for (index, name) in self.options.iter().enumerate() {
            line(&mut errors, &format!("/options/{index}"), name, true);
            if self.options.iter().take(index).any(|earlier| earlier == name) {
                errors.push(FieldError::new(format!("/options/{index}"), "named twice"));
            }
        }
        for (index, media) in self.media.iter().enumerate() {
            let url = &media.url;
            let known = ["https://", "http://", "/media/"].iter().any(|p| url.starts_with(p));
            if !known || url.len() > 2_000 || url.chars().any(|c| c.is_whitespace() || c == '"') {
                errors.push(FieldError::new(
                    format!("/media/{index}/url"),
                    "a picture is an https:// address without spaces, at most 2,000 characters",
                ));
            }
        }
        self.check_attributes(&mut errors);
        self.check_variants(&mut errors);
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    fn check_attributes(&self, errors: &mut Vec<FieldError>) {
        for (index, attribute) in self.attributes.iter().enumerate() {
            let at = format!("/attributes/{index}");
            let key_ok = !attribute.key.is_empty()
                && attribute.key.len() <= 100
                && attribute.key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if !key_ok {
                errors.push(FieldError::new(
                    format!("{at}/key"),
                    "a key has lower-case letters, digits and `_`, at most 100",
                ));
            }
            if self.attributes.iter().take(index).any(|earlier| earlier.key == attribute.key) {
                errors.push(FieldError::new(format!("{at}/key"), "used twice"));
            }
            line(errors, &format!("{at}/label"), &attribute.label, true);
            match &attribute.value {
                AttributeValue::Text(text) => {
                    if text.len() > 10_000 {
                        errors.push(FieldError::new(format!("{at}/value"), "at most 10,000 bytes"));
                    }
                }
                AttributeValue::List(items) => {
                    at_most(errors, &format!("{at}/value"), items.len(), 200);
                    for item in items {
                        line(errors, &format!("{at}/value"), item, true);
                    }
                }
                AttributeValue::Number(_) | AttributeValue::Boolean(_) => {}
            }
        }
    }

    fn check_variants(&mut self, errors: &mut Vec<FieldError>) {
        if self.variants.is_empty() {
            errors.push(FieldError::new("/variants", "a product needs at least one variant"));
        }
        let n_options = self.options.len();
        let mut skus = std::collections::BTreeSet::new();
        let mut combinations = std::collections::BTreeSet::new();
        for (index, variant) in self.variants.iter_mut().enumerate() {
            let at = format!("/variants/{index}");
            if variant.sku.trim().is_empty() {
                variant.sku = made_sku(&self.handle, &variant.options);
            }
            variant.sku = variant.sku.trim().to_owned();
            line(errors, &format!("{at}/sku"), &variant.sku, true);
            if !skus.insert(variant.sku.clone()) {
                errors.push(FieldError::new(format!("{at}/sku"), "used twice in this product"));
            }
            if variant.options.len() != n_options {
                errors.push(FieldError::new(
                    format!("{at}/options"),
                    format!("needs {n_options} values, one for each option of the product"),
                ));
            }
            for value in &variant.options {
                line(errors, &format!("{at}/options"), value, true);
            }
            if !combinations.insert(variant.options.clone()) {
                errors.push(FieldError::new(
                    format!("{at}/options"),
                    "another variant has the same options",
                ));
            }
            if let Some(barcode) = &variant.barcode {
                line(errors, &format!("{at}/barcode"), barcode, true);
            }
            for (number, price) in variant.prices.iter().enumerate() {
                check_price(errors, &format!("{at}/prices/{number}"), price);
                let currency = price.price.currency;
                let before = variant.prices.iter().take(number);
                if before.into_iter().any(|other| other.price.currency == currency) {
                    errors.push(FieldError::new(
                        format!("{at}/prices/{number}"),
                        format!("a second price in {currency}"),
                    ));
                }
            }
            if variant.weight_g.is_some_and(|grams| !(0..=100_000_000).contains(&grams)) {
                errors.push(FieldError::new(format!("{at}/weight_g"), "0 to 100,000,000 grams"));
            }
            if variant.stock.is_some_and(|n| !(0..=limits::STOCK_ON_HAND).contains(&n)) {
                errors.push(FieldError::new(format!("{at}/stock"), "0 to 1,000,000,000"));
            }
        }
    }
}

/// The SKU of a variant that came without one: handle and options, the same at every import.
pub fn made_sku(product_handle: &str, options: &[String]) -> String {
    let mut sku = product_handle.to_owned();
    for option in options {
        let part = handle::slugify(option);
        sku.push('-');
        if part.is_empty() {
            // No ASCII form: the code points keep it distinct and stable.
            for character in option.chars() {
                sku.push_str(&format!("{:x}", u32::from(character)));
            }
        } else {
            sku.push_str(&part);
        }
    }
    sku.to_ascii_uppercase()
}

fn check_price(errors: &mut Vec<FieldError>, at: &str, price: &DraftPrice) {
    if !(0..=limits::PRICE_MINOR).contains(&price.price.minor) {
        errors.push(FieldError::new(format!("{at}/price"), "0 to 10,000,000,000 minor units"));
    }
    if let Some(compare_at) = price.compare_at {
        if compare_at.currency != price.price.currency {
            errors.push(FieldError::new(
                format!("{at}/compare_at"),
                "another currency than the price",
            ));
        }
        if !(0..=limits::PRICE_MINOR).contains(&compare_at.minor) {
            errors.push(FieldError::new(
                format!("{at}/compare_at"),
                "0 to 10,000,000,000 minor units",
            ));
        }
    }
}

fn line(errors: &mut Vec<FieldError>, pointer: &str, text: &str, required: bool) {
    if required && text.trim().is_empty() {
        errors.push(FieldError::new(pointer, "must not be empty"));
    } else if text.len() > limits::LINE_BYTES {
        errors.push(FieldError::new(pointer, "at most 500 bytes"));
    } else if text.chars().any(char::is_control) {
        errors.push(FieldError::new(pointer, "must be one line without control characters"));
    }
}

fn at_most(errors: &mut Vec<FieldError>, pointer: &str, found: usize, limit: usize) {
    if found > limit {
        errors.push(FieldError::new(pointer, format!("{found} are too many; at most {limit}")));
    }
}
