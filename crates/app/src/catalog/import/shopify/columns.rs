//! Which column is which: the headers of old and new exports, in any order.

use stoa_kernel::Currency;

use super::cells;

/// A column this reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Handle,
    Title,
    Body,
    Vendor,
    ProductCategory,
    Type,
    Tags,
    Published,
    Status,
    OptionName(u8),
    OptionValue(u8),
    Sku,
    Grams,
    Weight,
    WeightUnit,
    Quantity,
    Price,
    CompareAt,
    Barcode,
    ImageSrc,
    ImagePosition,
    ImageAlt,
    VariantImage,
}

/// Options a product may have in this format; merchants have 3, our own exports up to 5.
pub(crate) const OPTIONS: u8 = 5;

/// The name `stoa export` and older Shopify exports give a column, then those of newer exports.
pub(crate) const NAMES: &[(Column, &[&str])] = &[
    (Column::Handle, &["Handle", "URL handle"]),
    (Column::Title, &["Title"]),
    (Column::Body, &["Body (HTML)", "Body HTML", "Description"]),
    (Column::Vendor, &["Vendor"]),
    (Column::ProductCategory, &["Product Category"]),
    (Column::Type, &["Type", "Custom Product Type"]),
    (Column::Tags, &["Tags"]),
    (Column::Published, &["Published", "Published on online store"]),
    (Column::Status, &["Status"]),
    (Column::Sku, &["Variant SKU", "SKU"]),
    (Column::Grams, &["Variant Grams", "Weight value (grams)"]),
    (Column::Weight, &["Variant Weight"]),
    (Column::WeightUnit, &["Variant Weight Unit"]),
    (Column::Quantity, &["Variant Inventory Qty", "Inventory quantity"]),
    (Column::Price, &["Variant Price", "Price"]),
    (Column::CompareAt, &["Variant Compare At Price", "Compare-at price"]),
    (Column::Barcode, &["Variant Barcode", "Barcode"]),
    (Column::ImageSrc, &["Image Src", "Product image URL"]),
    (Column::ImagePosition, &["Image Position"]),
    (Column::ImageAlt, &["Image Alt Text"]),
    (Column::VariantImage, &["Variant Image", "Variant image URL"]),
];

/// A column of a typed attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttributeColumn {
    pub(super) index: usize,
    pub(super) namespace: String,
    pub(super) key: String,
    pub(super) label: String,
}

/// What stands where.
#[derive(Debug, Default)]
pub(super) struct Columns {
    known: Vec<(Column, usize)>,
    pub(super) attributes: Vec<AttributeColumn>,
    /// Price and compare-at price in other currencies.
    pub(super) currencies: Vec<(Currency, Option<usize>, Option<usize>)>,
    pub(super) count: usize,
}

impl Columns {
    /// Reads the header.
    ///
    /// # Errors
    /// What is missing, where without it no product can be read.
    pub(super) fn from_header(header: &csv::ByteRecord) -> Result<Self, String> {
        let mut columns = Self { count: header.len(), ..Self::default() };
        for (index, name) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(name);
            let name = name.trim_start_matches('\u{feff}').trim();
            columns.add(index, name);
        }
        for (column, names) in NAMES {
            let needed = matches!(column, Column::Handle | Column::Title | Column::Price);
            if needed && columns.index(*column).is_none() {
                let name = names.first().copied().unwrap_or_default();
                return Err(format!(
                    "not a Shopify product CSV: the first line has no column `{name}`"
                ));
            }
        }
        Ok(columns)
    }

    fn add(&mut self, index: usize, name: &str) {
        let known = NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(column, _)| *column)
            .or_else(|| option_column(name));
        if let Some(column) = known {
            // The first of two columns of one name counts, as in Shopify.
            if self.index(column).is_none() {
                self.known.push((column, index));
            }
        } else if let Some((is_compare_at, currency)) = currency_column(name) {
            let position =
                self.currencies.iter().position(|(known, ..)| *known == currency).unwrap_or_else(
                    || {
                        self.currencies.push((currency, None, None));
                        self.currencies.len() - 1
                    },
                );
            if let Some((_, price, compare_at)) = self.currencies.get_mut(position) {
                *(if is_compare_at { compare_at } else { price }) = Some(index);
            }
        } else if let Some(attribute) = attribute_column(index, name) {
            self.attributes.push(attribute);
        }
    }

    pub(super) fn index(&self, column: Column) -> Option<usize> {
        self.known.iter().find(|(known, _)| *known == column).map(|(_, index)| *index)
    }
}

/// `Option1 Name`, `Option2 Value`.
fn option_column(name: &str) -> Option<Column> {
    let name = name.to_ascii_lowercase();
    let (number, what) = name.strip_prefix("option")?.split_once(' ')?;
    let number: u8 = number.parse().ok()?;
    if !(1..=OPTIONS).contains(&number) {
        return None;
    }
    match what {
        "name" => Some(Column::OptionName(number)),
        "value" => Some(Column::OptionValue(number)),
        _ => None,
    }
}

/// The header of a price in a currency that is not the file's main one.
pub(crate) fn currency_header(is_compare_at: bool, currency: Currency) -> String {
    let what = if is_compare_at { "Variant Compare At Price" } else { "Variant Price" };
    format!("{what} / {currency}")
}

fn currency_column(name: &str) -> Option<(bool, Currency)> {
    let (what, code) = name.split_once(" / ")?;
    let is_compare_at = match what {
        "Variant Price" => false,
        "Variant Compare At Price" => true,
        _ => return None,
    };
    Some((is_compare_at, code.parse().ok()?))
}

/// `Label (product.metafields.namespace.key)`.
fn attribute_column(index: usize, name: &str) -> Option<AttributeColumn> {
    const MARK: &str = "product.metafields.";
    let (label, path) = match name.strip_suffix(')') {
        Some(inner) => inner.rsplit_once(" (")?,
        None => ("", name),
    };
    let (namespace, key) = path.strip_prefix(MARK)?.split_once('.')?;
    // What shopping ads and review apps keep there is not about the product.
    if matches!(namespace, "mm-google-shopping" | "reviews") {
        return None;
    }
    let key = cells::key_of(key);
    if key.is_empty() {
        return None;
    }
    let label =
        if label.trim().is_empty() { key.replace('_', " ") } else { label.trim().to_owned() };
    Some(AttributeColumn { index, namespace: cells::key_of(namespace), key, label })
}
