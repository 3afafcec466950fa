#![doc = include_str!("../../demo/README.md")]

use serde::Deserialize;
use stoa_domain::catalog::{
    Attribute, AttributeValue, Draft, DraftPrice, DraftVariant, FieldError, Status,
};
use stoa_kernel::{Currency, Decimal, Money, handle};

/// The files in the order in which the shop shows its categories.
const FILES: &[(&str, &str)] = &[
    ("home.toml", include_str!("../../demo/catalogue/home.toml")),
    ("kitchen.toml", include_str!("../../demo/catalogue/kitchen.toml")),
    ("electronics.toml", include_str!("../../demo/catalogue/electronics.toml")),
    ("computers.toml", include_str!("../../demo/catalogue/computers.toml")),
    ("fashion.toml", include_str!("../../demo/catalogue/fashion.toml")),
    ("outdoor.toml", include_str!("../../demo/catalogue/outdoor.toml")),
    ("sports.toml", include_str!("../../demo/catalogue/sports.toml")),
    ("garden.toml", include_str!("../../demo/catalogue/garden.toml")),
    ("books.toml", include_str!("../../demo/catalogue/books.toml")),
    ("beauty.toml", include_str!("../../demo/catalogue/beauty.toml")),
    ("toys.toml", include_str!("../../demo/catalogue/toys.toml")),
    ("food.toml", include_str!("../../demo/catalogue/food.toml")),
];

/// Euros asked for a hundred dollars.
const EUROS_PER_100_DOLLARS: i64 = 92;

/// Longest part of a SKU that one option value gives.
const SKU_PART_LEN: usize = 10;

/// A fault in the files, which whoever edited them can put right.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML, or not of the expected shape.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: &'static str,
        /// Where and why.
        source: toml::de::Error,
    },
    /// A value that cannot be what it stands for.
    #[error("{file}: {product}: {detail}")]
    Value {
        /// The file.
        file: &'static str,
        /// The title of the product, or `attributes`.
        product: String,
        /// What is wrong.
        detail: String,
    },
    /// A draft that the shop would refuse.
    #[error("{file}: {product}: {errors:?}")]
    Refused {
        /// The file.
        file: &'static str,
        /// The title of the product.
        product: String,
        /// Every fault found.
        errors: Vec<FieldError>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    attributes: Vec<String>,
    shelves: Vec<Shelf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    name: String,
    products: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    brand: String,
    #[serde(rename = "type")]
    product_type: String,
    sku: String,
    price: String,
    was: Option<String>,
    #[serde(default)]
    options: Vec<String>,
    grams: Each,
    stock: Each,
    #[serde(default)]
    tags: Vec<String>,
    attrs: toml::Table,
    about: String,
}

/// One number for all variants, or one for each.
#[derive(Deserialize)]
#[serde(untagged)]
enum Each {
    All(i64),
    Variants(Vec<i64>),
}

impl Each {
    fn spread(&self, variants: usize) -> Option<Vec<i64>> {
        match self {
            Self::All(number) => Some(vec![*number; variants]),
            Self::Variants(numbers) => (numbers.len() == variants).then(|| numbers.clone()),
        }
    }
}

/// An attribute as a file's head declares it.
struct Declared<'a> {
    key: &'a str,
    label: &'a str,
    unit: Option<&'a str>,
}

/// A value of an option, and what it adds to the price.
#[derive(Clone)]
struct Choice {
    value: String,
    extra: i64,
}

/// An option with its values in the order they are offered.
struct Axis {
    name: String,
    choices: Vec<Choice>,
}

/// The demonstration catalogue as drafts that have passed [`Draft::check`].
///
/// # Errors
/// The first fault in the files.
pub fn drafts() -> Result<Vec<Draft>, CatalogueError> {
    let mut drafts = Vec::new();
    for (name, text) in FILES {
        read(name, text, &mut drafts)?;
    }
    Ok(drafts)
}

fn read(name: &'static str, text: &str, drafts: &mut Vec<Draft>) -> Result<(), CatalogueError> {
    let file: File =
        toml::from_str(text).map_err(|source| CatalogueError::Syntax { file: name, source })?;
    let value_error = |product: &str, detail| CatalogueError::Value {
        file: name,
        product: product.to_owned(),
        detail,
    };
    let declared = file
        .attributes
        .iter()
        .map(|line| declared(line))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|detail| value_error("attributes", detail))?;
    for shelf in &file.shelves {
        for entry in &shelf.products {
            let category = vec![file.name.clone(), shelf.name.clone()];
            let draft = draft(entry, category, &declared)
                .map_err(|detail| value_error(&entry.title, detail))?;
            drafts.push(draft.check().map_err(|errors| CatalogueError::Refused {
                file: name,
                product: entry.title.clone(),
                errors,
            })?);
        }
    }
    Ok(())
}

/// Reads `key: Label` or `key: Label [unit]`.
fn declared(line: &str) -> Result<Declared<'_>, String> {
    let (key, rest) =
        line.split_once(": ").ok_or_else(|| format!("`{line}` is not `key: Label [unit]`"))?;
    let (label, unit) = match rest.split_once(" [") {
        Some((label, unit)) => {
            let unit =
                unit.strip_suffix(']').ok_or_else(|| format!("`{line}` has a unit without `]`"))?;
            (label, Some(unit))
        }
        None => (rest, None),
    };
    Ok(Declared { key, label, unit })
}

fn draft(entry: &Entry, category: Vec<String>, declared: &[Declared<'_>]) -> Result<Draft, String> {
    let axes = entry.options.iter().map(|text| axis(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(Draft {
        handle: String::new(),
        title: entry.title.clone(),
        status: Status::Active,
        brand: Some(entry.brand.clone()),
        vendor: None,
        category,
        product_type: Some(entry.product_type.clone()),
        tags: entry.tags.clone(),
        description_html: html(&entry.about),
        options: axes.iter().map(|axis| axis.name.clone()).collect(),
        attributes: attributes(entry, &axes, declared)?,
        media: Vec::new(),
        variants: variants(entry, &axes)?,
    })
}

/// Reads `Name: value | value +3.50`.
fn axis(text: &str) -> Result<Axis, String> {
    let (name, values) = text
        .split_once(": ")
        .ok_or_else(|| format!("option `{text}` is not `Name: value | value`"))?;
    let choices = values
        .split(" | ")
        .map(|value| match value.rsplit_once(" +") {
            Some((value, extra)) => Ok(Choice { value: value.to_owned(), extra: dollars(extra)? }),
            None => Ok(Choice { value: value.to_owned(), extra: 0 }),
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(Axis { name: name.to_owned(), choices })
}

/// Cents of an amount in dollars.
fn dollars(text: &str) -> Result<i64, String> {
    Money::parse_major(text, Currency::USD)
        .map(|money| money.minor)
        .map_err(|error| error.to_string())
}

fn attributes(
    entry: &Entry,
    axes: &[Axis],
    declared: &[Declared<'_>],
) -> Result<Vec<Attribute>, String> {
    for key in entry.attrs.keys() {
        if !declared.iter().any(|attribute| attribute.key == key) {
            return Err(format!("attribute `{key}` is not declared in `attributes`"));
        }
    }
    let mut attributes = Vec::new();
    for attribute in declared {
        let value = if let Some(given) = entry.attrs.get(attribute.key) {
            let value = typed(attribute.key, given)?;
            if attribute.unit.is_some() && !matches!(value, AttributeValue::Number(_)) {
                return Err(format!("attribute `{}` has a unit: give a number", attribute.key));
            }
            value
        } else {
            let axis =
                axes.iter().find(|axis| attribute.unit.is_none() && axis.name == attribute.label);
            let Some(axis) = axis else { continue };
            AttributeValue::List(axis.choices.iter().map(|c| c.value.clone()).collect())
        };
        attributes.push(Attribute {
            key: attribute.key.to_owned(),
            label: attribute.label.to_owned(),
            value,
            unit: attribute.unit.map(str::to_owned),
        });
    }
    Ok(attributes)
}

fn typed(key: &str, given: &toml::Value) -> Result<AttributeValue, String> {
    let unusable = || format!("attribute `{key}` is neither text, number, yes or no, nor texts");
    let number = |text: String| {
        text.parse::<Decimal>()
            .map(AttributeValue::Number)
            .map_err(|error| format!("attribute `{key}`: {error}"))
    };
    match given {
        toml::Value::String(text) => Ok(AttributeValue::Text(text.clone())),
        toml::Value::Integer(whole) => number(whole.to_string()),
        // The shortest text that reads back as the same float is what was written.
        toml::Value::Float(fraction) => number(fraction.to_string()),
        toml::Value::Boolean(yes) => Ok(AttributeValue::Boolean(*yes)),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(AttributeValue::List)
            .ok_or_else(unusable),
        toml::Value::Datetime(_) | toml::Value::Table(_) => Err(unusable()),
    }
}

fn variants(entry: &Entry, axes: &[Axis]) -> Result<Vec<DraftVariant>, String> {
    let mut combinations: Vec<Vec<Choice>> = vec![Vec::new()];
    for axis in axes {
        combinations = combinations
            .iter()
            .flat_map(|start| {
                axis.choices.iter().map(move |choice| {
                    let mut combination = start.clone();
                    combination.push(choice.clone());
                    combination
                })
            })
            .collect();
    }
    let count = combinations.len();
    let spread = |numbers: &Each, name: &str| {
        numbers.spread(count).ok_or_else(|| format!("`{name}` needs one number, or {count}"))
    };
    let grams = spread(&entry.grams, "grams")?;
    let stock = spread(&entry.stock, "stock")?;
    let price = dollars(&entry.price)?;
    let was = entry.was.as_deref().map(dollars).transpose()?;

    let variants = combinations.into_iter().zip(grams).zip(stock);
    Ok(variants
        .map(|((combination, grams), stock)| {
            let extra: i64 = combination.iter().map(|choice| choice.extra).sum();
            let sku = sku(&entry.sku, &combination);
            DraftVariant {
                barcode: Some(barcode(&sku)),
                sku,
                options: combination.into_iter().map(|choice| choice.value).collect(),
                prices: prices(price + extra, was.map(|was| was + extra)),
                weight_g: Some(grams),
                stock: Some(stock),
            }
        })
        .collect())
}

/// The price in both currencies, from cents of a dollar.
fn prices(price: i64, was: Option<i64>) -> Vec<DraftPrice> {
    vec![
        DraftPrice {
            price: Money::new(price, Currency::USD),
            compare_at: was.map(|was| Money::new(was, Currency::USD)),
        },
        DraftPrice {
            price: Money::new(euros(price), Currency::EUR),
            compare_at: was.map(|was| Money::new(euros(was), Currency::EUR)),
        },
    ]
}

/// Cents of a euro for cents of a dollar: whole units are converted, the cents stay.
fn euros(cents: i64) -> i64 {
    (cents / 100 * EUROS_PER_100_DOLLARS + 50) / 100 * 100 + cents % 100
}

fn sku(start: &str, combination: &[Choice]) -> String {
    let mut sku = start.to_owned();
    for choice in combination {
        let slug = handle::slugify(&choice.value);
        let letters = slug.chars().filter(char::is_ascii_alphanumeric);
        sku.push('-');
        sku.extend(letters.take(SKU_PART_LEN).map(|c| c.to_ascii_uppercase()));
    }
    sku
}

/// An EAN-13 of the in-store range that stays the same as long as the SKU does.
fn barcode(sku: &str) -> String {
    // FNV-1a: spreads well enough, and a test sees to it that no two SKUs meet.
    let hash = sku.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digits = format!("2{:011}", hash % 100_000_000_000);
    let check = (10 - ean_sum(&digits) % 10) % 10;
    format!("{digits}{check}")
}

/// The weighted sum of EAN-13: digits count once and thrice in turn.
fn ean_sum(digits: &str) -> u32 {
    let values = digits.chars().filter_map(|digit| digit.to_digit(10));
    values.zip([1, 3].into_iter().cycle()).map(|(d, w)| d * w).sum()
}

/// Paragraphs and lists of a plain text as HTML.
fn html(text: &str) -> String {
    let mut html = String::new();
    for block in text.trim().split("\n\n") {
        let items: Option<Vec<&str>> =
            block.lines().map(|line| line.trim().strip_prefix("- ")).collect();
        if let Some(items) = items {
            html.push_str("<ul>");
            for item in items {
                html.push_str("<li>");
                push_escaped(&mut html, item);
                html.push_str("</li>");
            }
            html.push_str("</ul>");
        } else {
            html.push_str("<p>");
            for (index, line) in block.lines().enumerate() {
                if index > 0 {
                    html.push(' ');
                }
                push_escaped(&mut html, line.trim());
            }
            html.push_str("</p>");
        }
    }
    html
}

fn push_escaped(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_shop_is_large_and_varied() {
        let drafts = drafts().unwrap();
        assert!(drafts.len() >= 330, "{} products", drafts.len());
        let mut shelves: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for draft in &drafts {
            let [top, shelf] = draft.category.as_slice() else {
                panic!("{}: {:?}", draft.title, draft.category);
            };
            shelves.entry(top).or_default().insert(shelf);
        }
        assert!(shelves.len() >= 10, "{shelves:?}");
        assert!(shelves.values().all(|below| (2..=5).contains(&below.len())), "{shelves:?}");
        let brands: BTreeSet<_> = drafts.iter().map(|draft| &draft.brand).collect();
        assert!((8..=30).contains(&brands.len()), "{brands:?}");
        let several = drafts.iter().filter(|draft| draft.variants.len() > 1).count();
        assert!(several >= 120, "{several} products with several variants");
        let variants: Vec<_> = drafts.iter().flat_map(|draft| &draft.variants).collect();
        assert!(variants.len() >= 900, "{} variants", variants.len());
        let stock = |wanted: fn(i64) -> bool| {
            variants.iter().filter(|v| v.stock.is_some_and(wanted)).count()
        };
        assert!(stock(|n| n == 0) >= 30 && stock(|n| (1..=5).contains(&n)) >= 30);
        assert!(stock(|n| n >= 100) >= 30);
    }

    #[test]
    fn nothing_is_there_twice() {
        let drafts = drafts().unwrap();
        let (mut handles, mut titles) = (BTreeSet::new(), BTreeSet::new());
        let (mut skus, mut barcodes) = (BTreeSet::new(), BTreeSet::new());
        let mut texts = BTreeSet::new();
        for draft in &drafts {
            assert!(handles.insert(&draft.handle), "{}", draft.handle);
            assert!(titles.insert(draft.title.to_lowercase()), "{}", draft.title);
            assert!(texts.insert(&draft.description_html), "{}", draft.title);
            for variant in &draft.variants {
                assert!(skus.insert(variant.sku.to_lowercase()), "{}", variant.sku);
                assert!(barcodes.insert(variant.barcode.clone().unwrap()), "{}", variant.sku);
            }
        }
    }

    #[test]
    fn every_product_is_complete() {
        for draft in drafts().unwrap() {
            let title = &draft.title;
            assert!(draft.attributes.len() >= 3, "{title}: {:?}", draft.attributes);
            assert!(draft.description_html.chars().count() >= 120, "{title}");
            assert!(draft.description_html.starts_with("<p>"), "{title}");
            assert!(!draft.tags.is_empty(), "{title}");
            for variant in &draft.variants {
                let sku = &variant.sku;
                assert!(sku.len() <= 32 && sku.is_ascii() && !sku.contains("--"), "{sku}");
                assert!(!sku.ends_with('-'), "{sku}");
                let currencies: Vec<_> = variant.prices.iter().map(|p| p.price.currency).collect();
                assert_eq!(currencies, [Currency::USD, Currency::EUR], "{sku}");
                for price in &variant.prices {
                    assert!(price.price.minor > 0, "{sku}");
                    assert!(
                        price.compare_at.is_none_or(|was| was.minor > price.price.minor),
                        "{sku}: {price:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_part_of_the_shop_is_reduced() {
        let drafts = drafts().unwrap();
        let reduced = drafts
            .iter()
            .filter(|draft| draft.variants.iter().any(|v| v.prices[0].compare_at.is_some()))
            .count();
        let percent = reduced * 100 / drafts.len();
        assert!((12..=18).contains(&percent), "{percent} %");
    }

    #[test]
    fn barcodes_are_valid_and_in_the_in_store_range() {
        // The sum over a whole EAN-13 is a multiple of ten; a printed one shows that it is read
        // the right way round.
        assert_eq!(ean_sum("4006381333931") % 10, 0);
        assert_ne!(ean_sum("4006381333932") % 10, 0);
        for draft in drafts().unwrap() {
            for variant in draft.variants {
                let code = variant.barcode.unwrap();
                assert!(code.len() == 13 && code.starts_with('2'), "{code}");
                assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
                assert_eq!(ean_sum(&code) % 10, 0, "{code}");
            }
        }
    }

    #[test]
    fn an_attribute_means_the_same_everywhere() {
        let mut seen = BTreeMap::new();
        for draft in drafts().unwrap() {
            for attribute in draft.attributes {
                let kind = std::mem::discriminant(&attribute.value);
                let form = (attribute.label, attribute.unit, kind);
                let known = seen.entry(attribute.key.clone()).or_insert_with(|| form.clone());
                assert_eq!(*known, form, "{}: {}", draft.title, attribute.key);
            }
        }
    }

    #[test]
    fn euros_keep_the_cents_of_the_dollars() {
        for (cents_usd, cents_eur) in [(1999, 1799), (650, 650), (14900, 13700), (50, 50)] {
            assert_eq!(euros(cents_usd), cents_eur, "{cents_usd}");
        }
    }

    #[test]
    fn plain_text_becomes_html() {
        assert_eq!(
            html("\nSalt & pepper\nfor <all>.\n\n- one\n- two\n"),
            "<p>Salt &amp; pepper for &lt;all&gt;.</p><ul><li>one</li><li>two</li></ul>"
        );
    }

    #[test]
    fn faults_in_a_file_are_named() {
        let head = "name = \"N\"\nattributes = [\"weight: Weight [kg]\"]\n[[shelves]]\nname = \"S\"\n\
            [[shelves.products]]\ntitle = \"T\"\nbrand = \"B\"\ntype = \"K\"\nsku = \"X\"\n\
            about = \"A\"\n";
        for (rest, reason) in [
            ("price = \"1\"\ngrams = 1\nstock = 1\n", "attrs"),
            ("price = \"x\"\ngrams = 1\nstock = 1\nattrs = {}", "not an amount"),
            ("price = \"1\"\ngrams = 1\nstock = [1, 2]\nattrs = {}", "needs one number"),
            ("price = \"1\"\ngrams = 1\nstock = -1\nattrs = {}", "/variants/0/stock"),
            ("price = \"1\"\ngrams = 1\nstock = 1\nattrs = { height = 1 }", "not declared"),
            ("price = \"1\"\ngrams = 1\nstock = 1\nattrs = { weight = \"x\" }", "unit"),
            ("price = \"1\"\ngrams = 1\nstock = 1\noptions = [\"Size\"]\nattrs = {}", "option"),
        ] {
            let mut out = Vec::new();
            let error = read("f.toml", &format!("{head}{rest}"), &mut out).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(out.is_empty());
        }
    }
}
