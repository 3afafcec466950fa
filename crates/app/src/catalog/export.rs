//! Products to files that [`import`](super::import) reads back.
//!
//! The native format is one JSON object a line and holds everything. The Shopify CSV holds what
//! that format has room for, under the headers merchants know, and the rest in the ways its reader
//! understands: more than three options, prices in several currencies, typed attributes as
//! metafields. Read back it gives the same drafts, with these exceptions: attributes come in the
//! order of the columns; white space around texts is gone; a compare-at price not above the price,
//! an empty alternative text and a weight of 0 are left out; a picture shown twice comes once; a
//! variant without any price has no place in the format and its product is refused when read.

use std::collections::HashSet;
use std::io::{self, Write};

use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Status};
use stoa_kernel::{Currency, Money};

use super::import::shopify::cells;
use super::import::shopify::columns::{Column, NAMES, OPTIONS, currency_header};

/// Writes drafts as JSON lines; returns how many.
///
/// # Errors
/// A draft cannot be read, or `out` not be written.
pub fn write_products(
    out: &mut dyn Write,
    drafts: impl Iterator<Item = io::Result<Draft>>,
) -> io::Result<u64> {
    let mut count = 0;
    for draft in drafts {
        serde_json::to_writer(&mut *out, &draft?)?;
        out.write_all(b"\n")?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

/// The columns that the drafts of one Shopify CSV need; the header comes before the first of
/// them, so that the drafts have to be gone through twice.
#[derive(Debug)]
pub struct ShopifyColumns {
    main: Currency,
    options: u8,
    currencies: Vec<Currency>,
    attributes: Vec<(String, String)>,
    known_attributes: HashSet<(String, String)>,
}

impl ShopifyColumns {
    /// No drafts yet. Prices in `main` go into the columns every tool knows.
    pub fn new(main: Currency) -> Self {
        Self {
            main,
            options: 3,
            currencies: Vec::new(),
            attributes: Vec::new(),
            known_attributes: HashSet::new(),
        }
    }

    /// Makes room for a draft.
    pub fn add(&mut self, draft: &Draft) {
        let options = u8::try_from(draft.options.len()).unwrap_or(u8::MAX);
        self.options = self.options.max(options.min(OPTIONS));
        for price in draft.variants.iter().flat_map(|variant| &variant.prices) {
            let currency = price.price.currency;
            if currency != self.main && !self.currencies.contains(&currency) {
                self.currencies.push(currency);
            }
        }
        for attribute in &draft.attributes {
            let column = (attribute.key.clone(), attribute.label.clone());
            if self.known_attributes.insert(column.clone()) {
                self.attributes.push(column);
            }
        }
    }

    /// The fixed columns in their order.
    fn fixed(&self) -> Vec<(Column, String)> {
        let mut columns = Vec::new();
        for (column, names) in NAMES {
            let name = names.first().copied().unwrap_or_default().to_owned();
            // Weights are written in grams, and a variant's own picture is one of the product's.
            if !matches!(column, Column::Weight | Column::VariantImage) {
                columns.push((*column, name));
            }
            if *column == Column::Published {
                for number in 1..=self.options {
                    columns.push((Column::OptionName(number), format!("Option{number} Name")));
                    columns.push((Column::OptionValue(number), format!("Option{number} Value")));
                }
            }
        }
        columns
    }
}

/// Writes drafts as a Shopify product CSV; returns how many. Every draft must have been
/// [added](ShopifyColumns::add) to the columns.
///
/// # Errors
/// A draft cannot be read, or `out` not be written.
pub fn write_shopify(
    out: &mut dyn Write,
    columns: &ShopifyColumns,
    drafts: impl Iterator<Item = io::Result<Draft>>,
) -> io::Result<u64> {
    let fixed = columns.fixed();
    let mut csv = csv::Writer::from_writer(out);
    let mut record: Vec<String> = fixed.iter().map(|(_, name)| name.clone()).collect();
    for currency in &columns.currencies {
        record.push(currency_header(false, *currency));
        record.push(currency_header(true, *currency));
    }
    for (key, label) in &columns.attributes {
        record.push(format!("{label} (product.metafields.stoa.{key})"));
    }
    csv.write_record(&record)?;

    let mut count = 0;
    for draft in drafts {
        let draft = draft?;
        for index in 0..draft.variants.len().max(draft.media.len()) {
            record.clear();
            let row = Row {
                draft: &draft,
                index,
                variant: draft.variants.get(index),
                main: columns.main,
            };
            record.extend(fixed.iter().map(|(column, _)| cells::guard(&row.cell(*column))));
            for currency in &columns.currencies {
                let price = row.price(*currency);
                record.push(price.map(|price| price.price.to_major()).unwrap_or_default());
                record.push(compare_at(price));
            }
            for (key, label) in &columns.attributes {
                let attribute = draft.attributes.iter().find(|attribute| {
                    index == 0 && attribute.key == *key && attribute.label == *label
                });
                record.push(attribute.map_or_else(String::new, |attribute| {
                    cells::guard(&cells::attribute(&attribute.value, attribute.unit.as_deref()))
                }));
            }
            csv.write_record(&record)?;
        }
        count += 1;
    }
    csv.flush()?;
    Ok(count)
}

/// One row of a product: what belongs to the product on the first, a variant and a picture on
/// each as far as there are any.
struct Row<'a> {
    draft: &'a Draft,
    index: usize,
    variant: Option<&'a DraftVariant>,
    main: Currency,
}

impl Row<'_> {
    fn price(&self, currency: Currency) -> Option<&DraftPrice> {
        let prices = &self.variant?.prices;
        prices.iter().find(|price| price.price.currency == currency)
    }

    fn cell(&self, column: Column) -> String {
        let draft = self.draft;
        let first = self.index == 0;
        match column {
            Column::Handle => draft.handle.clone(),
            Column::Title if first => draft.title.clone(),
            Column::Body if first => draft.description_html.clone(),
            Column::Vendor if first => draft.brand.clone().unwrap_or_default(),
            Column::ProductCategory if first => category(draft),
            Column::Type if first => draft.product_type.clone().unwrap_or_default(),
            Column::Tags if first => cells::join(&draft.tags, ", ", ','),
            Column::Published if first => (draft.status == Status::Active).to_string(),
            Column::Status if first => draft.status.as_str().to_owned(),
            // The names stand on the first row only.
            Column::OptionName(number) if first => {
                axis(&draft.options, number, "Title").unwrap_or_default()
            }
            Column::OptionValue(number) => self
                .variant
                .and_then(|variant| axis(&variant.options, number, "Default Title"))
                .unwrap_or_default(),
            Column::Sku => self.of_variant(|variant| Some(variant.sku.clone())),
            Column::Grams => self.of_variant(|variant| Some(variant.weight_g?.to_string())),
            Column::WeightUnit => {
                self.of_variant(|variant| variant.weight_g.map(|_| "g".to_owned()))
            }
            Column::Quantity => self.of_variant(|variant| Some(variant.stock?.to_string())),
            Column::Price => {
                self.price(self.main).map(|price| price.price.to_major()).unwrap_or_default()
            }
            Column::CompareAt => compare_at(self.price(self.main)),
            Column::Barcode => self.of_variant(|variant| variant.barcode.clone()),
            Column::ImageSrc => self.of_picture(|media, _| media.url.clone()),
            Column::ImagePosition => self.of_picture(|_, position| position.to_string()),
            Column::ImageAlt => self.of_picture(|media, _| media.alt.clone().unwrap_or_default()),
            _ => String::new(),
        }
    }

    fn of_variant(&self, cell: impl Fn(&DraftVariant) -> Option<String>) -> String {
        self.variant.and_then(cell).unwrap_or_default()
    }

    fn of_picture(&self, cell: impl Fn(&stoa_domain::catalog::Media, usize) -> String) -> String {
        let media = self.draft.media.get(self.index);
        media.map(|media| cell(media, self.index + 1)).unwrap_or_default()
    }
}

/// The name or value of an option; where the product has none, the word that stands for that.
fn axis(options: &[String], number: u8, none: &str) -> Option<String> {
    if options.is_empty() && number == 1 {
        return Some(none.to_owned());
    }
    options.get(usize::from(number.checked_sub(1)?)).cloned()
}

fn compare_at(price: Option<&DraftPrice>) -> String {
    price.and_then(|price| price.compare_at).map(Money::to_major).unwrap_or_default()
}

/// The path; an explicit `[]` where there is none but a type, which the reader would take for it.
fn category(draft: &Draft) -> String {
    let path = cells::join(&draft.category, " > ", '>');
    let as_list = if path.is_empty() {
        draft.product_type.is_some()
    } else {
        path.bytes().all(|byte| byte.is_ascii_digit())
    };
    if as_list { serde_json::to_string(&draft.category).unwrap_or_default() } else { path }
}

#[cfg(test)]
mod tests;
