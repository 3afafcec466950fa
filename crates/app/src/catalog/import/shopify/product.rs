//! One product from its rows.

use stoa_domain::catalog::{Attribute, Draft, DraftPrice, DraftVariant, Media, Status};
use stoa_kernel::{Currency, Decimal, Money, handle};

use super::Group;
use super::cells;
use super::columns::{Column, Columns, OPTIONS};
use crate::catalog::import::icecat::one_line;
use crate::catalog::import::{BadRow, Rejected, Row, RowResult};

/// Makes the product, or says what is wrong with each of its rows.
pub(super) fn build(columns: &Columns, currency: Currency, group: Group) -> RowResult {
    let Group { handle: raw_handle, first_line, rows, mut faults } = group;
    let rows: Vec<Cells<'_>> =
        rows.iter().map(|(line, record)| Cells { columns, record, line: *line }).collect();
    let Some(first) = rows.first().copied() else {
        return Err(named(&raw_handle, faults));
    };

    let title =
        rows.iter().map(|row| row.get(Column::Title)).find(|title| !title.is_empty()).map(one_line);
    if title.is_none() {
        faults.push(BadRow::new(first_line, "Title is blank"));
    }
    let status = status(first).unwrap_or_else(|reason| {
        faults.push(BadRow::new(first.line, reason));
        Status::Draft
    });
    let axes = axes(&rows);
    let mut notes = Vec::new();
    let mut variants = Vec::new();
    let mut variant_lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if index == 0 || row.is_variant() {
            match variant(*row, currency, &axes, &mut notes) {
                Ok(variant) => {
                    variants.push(variant);
                    variant_lines.push(row.line);
                }
                Err(reasons) => {
                    let found = reasons.into_iter().map(|reason| BadRow::new(row.line, reason));
                    faults.extend(found);
                }
            }
        } else if row.get(Column::ImageSrc).is_empty() {
            faults.push(BadRow::new(row.line, "neither a variant nor a picture"));
        }
    }
    let (Some(title), true) = (title, faults.is_empty()) else {
        return Err(named(&raw_handle, faults));
    };

    let product_type = one_line(first.get(Column::Type));
    Ok(Row {
        line: first_line,
        draft: Draft {
            handle: clean_handle(&raw_handle),
            title,
            status,
            brand: some(one_line(first.get(Column::Vendor))),
            vendor: None,
            category: category(first.get(Column::ProductCategory), &product_type),
            product_type: some(product_type),
            tags: cells::split(first.get(Column::Tags), ','),
            description_html: first.raw(Column::Body).to_owned(),
            options: axes.into_iter().map(|(_, name)| name).collect(),
            attributes: attributes(first),
            media: media(&rows),
            variants,
        },
        variant_lines,
        notes,
    })
}

/// Faults sorted by line, the first of them saying which product is left out.
fn named(handle: &str, mut faults: Vec<BadRow>) -> Rejected {
    faults.sort_by_key(|fault| fault.line);
    if let Some(first) = faults.first_mut()
        && !handle.is_empty()
    {
        first.reason =
            format!("product `{}` not imported: {}", cells::shortened(handle), first.reason);
    }
    Rejected { faults }
}

/// One row, cell by cell.
#[derive(Clone, Copy)]
struct Cells<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
    line: u64,
}

impl<'a> Cells<'a> {
    /// The cell as it is written; blank where row or column is missing.
    fn raw(&self, column: Column) -> &'a str {
        let cell = self.columns.index(column).and_then(|index| self.record.get(index));
        cells::unguard(cell.unwrap_or_default())
    }

    /// The cell without white space around it.
    fn get(&self, column: Column) -> &'a str {
        self.raw(column).trim()
    }

    fn at(&self, index: Option<usize>) -> &'a str {
        let cell = index.and_then(|index| self.record.get(index));
        cells::unguard(cell.unwrap_or_default().trim())
    }

    /// Whether the row says anything about a variant. The tracker and the policy columns are
    /// filled in for picture rows by some tools, so they do not count.
    fn is_variant(&self) -> bool {
        let named = [Column::Price, Column::Sku, Column::Barcode, Column::CompareAt];
        let mut options = (1..=OPTIONS).map(Column::OptionValue);
        named.into_iter().any(|column| !self.get(column).is_empty())
            || options.any(|column| !self.get(column).is_empty())
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The handle in the form this shop's URLs have. One without any ASCII letter is spelled by its
/// code points, so that it stays distinct and the same at every import.
fn clean_handle(raw: &str) -> String {
    if handle::is_handle(raw) {
        return raw.to_owned();
    }
    let slug = handle::slugify(raw);
    if !slug.is_empty() {
        return slug;
    }
    let mut spelled = String::from("p");
    for character in raw.chars().take(20) {
        spelled.push_str(&format!("-{:x}", u32::from(character)));
    }
    handle::slugify(&spelled)
}

/// `Status` says it where there is such a column; an active product that is not published is one
/// that shoppers do not see.
fn status(row: Cells<'_>) -> Result<Status, String> {
    let published = match row.get(Column::Published).to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "1" => true,
        "false" | "no" | "0" => false,
        other => {
            return Err(format!("Published is `{}`; it is true or false", cells::shortened(other)));
        }
    };
    match row.get(Column::Status).to_ascii_lowercase().as_str() {
        "" | "active" if published => Ok(Status::Active),
        "" | "active" | "draft" | "unlisted" => Ok(Status::Draft),
        "archived" => Ok(Status::Archived),
        other => {
            Err(format!("Status is `{}`; it is active, draft or archived", cells::shortened(other)))
        }
    }
}

/// The options of the product: number of the column and name. Names stand on the first row only;
/// `Title` with `Default Title` stands for none.
fn axes(rows: &[Cells<'_>]) -> Vec<(u8, String)> {
    let mut axes: Vec<(u8, String)> = Vec::new();
    for number in 1..=OPTIONS {
        let first_of = |column: Column| {
            rows.iter().map(|row| row.get(column)).find(|cell| !cell.is_empty()).unwrap_or_default()
        };
        let name = first_of(Column::OptionName(number));
        let value = first_of(Column::OptionValue(number));
        if !name.is_empty() && !value.is_empty() {
            axes.push((number, one_line(name)));
        }
    }
    let no_choice = |cell: &str, word: &str| cell.is_empty() || cell.eq_ignore_ascii_case(word);
    let default_only =
        rows.iter().all(|row| no_choice(row.get(Column::OptionValue(1)), "Default Title"));
    match axes.as_slice() {
        [(1, name)] if no_choice(name, "Title") && default_only => Vec::new(),
        _ => axes,
    }
}

fn variant(
    row: Cells<'_>,
    currency: Currency,
    axes: &[(u8, String)],
    notes: &mut Vec<BadRow>,
) -> Result<DraftVariant, Vec<String>> {
    let mut faults = Vec::new();
    let options = axes
        .iter()
        .map(|(number, name)| {
            let value = one_line(row.get(Column::OptionValue(*number)));
            if value.is_empty() {
                faults.push(format!("Option{number} Value ({name}) is blank"));
            }
            value
        })
        .collect();
    for number in 1..=OPTIONS {
        let value = row.get(Column::OptionValue(number));
        let has_axis = axes.iter().any(|(known, _)| *known == number);
        if !value.is_empty() && !has_axis && !value.eq_ignore_ascii_case("Default Title") {
            faults.push(format!("Option{number} Value is given, but Option{number} Name is blank"));
        }
    }
    let prices = prices(row, currency, &mut faults);
    let stock = stock(row, notes, &mut faults);
    let weight_g = grams(row, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    // A spreadsheet's way to keep leading zeros.
    let barcode = row.get(Column::Barcode).trim_start_matches('\'');
    Ok(DraftVariant {
        sku: one_line(row.get(Column::Sku).trim_start_matches('\'')),
        barcode: some(one_line(barcode)),
        options,
        prices,
        weight_g,
        stock,
    })
}

fn prices(row: Cells<'_>, currency: Currency, faults: &mut Vec<String>) -> Vec<DraftPrice> {
    let main = (currency, row.get(Column::Price), row.get(Column::CompareAt));
    let others = row
        .columns
        .currencies
        .iter()
        .map(|(currency, price, compare_at)| (*currency, row.at(*price), row.at(*compare_at)));
    let mut prices = Vec::new();
    let faults_before = faults.len();
    for (currency, price, compare_at) in std::iter::once(main).chain(others) {
        if price.is_empty() {
            continue;
        }
        let price = match cells::price(price, currency) {
            Ok(price) => price,
            Err(reason) => {
                faults.push(format!("Variant Price: {reason}"));
                continue;
            }
        };
        let compare_at = match compare_at {
            "" => None,
            cell => match cells::price(cell, currency) {
                // Not above the price (often 0): there is nothing to strike through.
                Ok(former) => Some(former).filter(|former: &Money| former.minor > price.minor),
                Err(reason) => {
                    faults.push(format!("Variant Compare At Price: {reason}"));
                    None
                }
            },
        };
        prices.push(DraftPrice { price, compare_at });
    }
    if prices.is_empty() && faults.len() == faults_before {
        faults.push("Variant Price is blank".to_owned());
    }
    prices
}

/// Whole pieces, as a number that some tools write with `.0`.
fn stock(row: Cells<'_>, notes: &mut Vec<BadRow>, faults: &mut Vec<String>) -> Option<i64> {
    let cell = row.get(Column::Quantity);
    if cell.is_empty() {
        return None;
    }
    match cell.parse::<Decimal>() {
        Ok(number) if number.as_millionths() % 1_000_000 == 0 => {
            let pieces = number.as_millionths() / 1_000_000;
            if pieces < 0 {
                notes.push(BadRow::new(row.line, format!("a stock of {pieces} was taken as 0")));
            }
            Some(pieces.max(0))
        }
        _ => {
            faults.push(format!(
                "Variant Inventory Qty is `{}`; it is a whole number",
                cells::shortened(cell)
            ));
            None
        }
    }
}

/// Grams, rounded up; 0 is how the format says that the weight is not known. `Variant Grams` is in
/// grams whatever the unit shown; only files without that column have a weight in a unit.
fn grams(row: Cells<'_>, faults: &mut Vec<String>) -> Option<i64> {
    let grams = row.get(Column::Grams);
    let (name, cell, factor) = if grams.is_empty() {
        // Millionths of a gram per unit are exact for all four.
        let factor = match row.get(Column::WeightUnit).to_ascii_lowercase().as_str() {
            "kg" => 1_000_000_000,
            "lb" => 453_592_370,
            "oz" => 28_349_523,
            _ => 1_000_000,
        };
        ("Variant Weight", row.get(Column::Weight), factor)
    } else {
        ("Variant Grams", grams, 1_000_000)
    };
    if cell.is_empty() {
        return None;
    }
    let millionths = cell
        .parse::<Decimal>()
        .ok()
        .map(|number| i128::from(number.as_millionths()) * i128::from(factor) / 1_000_000)
        .filter(|millionths| *millionths >= 0);
    match millionths.and_then(|value| i64::try_from((value + 999_999) / 1_000_000).ok()) {
        Some(0) => None,
        Some(grams) => Some(grams),
        None => {
            faults.push(format!("{name} is `{}`; it is a number", cells::shortened(cell)));
            None
        }
    }
}

/// `A > B > C`; where no category is given, the type stands in for it. A cell of digits is the
/// number of a taxonomy this shop does not know.
fn category(cell: &str, product_type: &str) -> Vec<String> {
    let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
    let path = if cell.is_empty() || is_number { product_type } else { cell };
    if path.starts_with('[')
        && let Ok(names) = serde_json::from_str(path)
    {
        return names;
    }
    path.split('>').map(one_line).filter(|name| !name.is_empty()).collect()
}

/// The pictures of all rows in the order of their position, those without one last; then the
/// variants' own where they are not among them.
fn media(rows: &[Cells<'_>]) -> Vec<Media> {
    let mut placed: Vec<(u32, Media)> = Vec::new();
    for row in rows {
        let position = row.get(Column::ImagePosition).parse().unwrap_or(u32::MAX);
        let alt = some(one_line(row.get(Column::ImageAlt)));
        let url = absolute(row.get(Column::ImageSrc));
        if !url.is_empty() && !placed.iter().any(|(_, media)| media.url == url) {
            placed.push((position, Media { url, alt }));
        }
    }
    placed.sort_by_key(|(position, _)| *position);
    let mut media: Vec<Media> = placed.into_iter().map(|(_, media)| media).collect();
    for row in rows {
        let url = absolute(row.get(Column::VariantImage));
        if !url.is_empty() && !media.iter().any(|known| known.url == url) {
            media.push(Media { url, alt: None });
        }
    }
    media
}

fn absolute(url: &str) -> String {
    if url.starts_with("//") { format!("https:{url}") } else { url.to_owned() }
}

fn attributes(row: Cells<'_>) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for column in &row.columns.attributes {
        let Some((value, unit)) = cells::parse_attribute(row.at(Some(column.index))) else {
            continue;
        };
        // Two namespaces may share a key.
        let taken = |key: &str| attributes.iter().any(|attribute| attribute.key == key);
        let mut key = column.key.clone();
        if taken(&key) {
            key = format!("{}_{}", column.namespace, column.key);
        }
        if !taken(&key) {
            attributes.push(Attribute { key, label: column.label.clone(), value, unit });
        }
    }
    attributes
}
