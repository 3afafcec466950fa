//! Products of the Icecat open catalogue, one JSON object a line.
//!
//! `id, name, title, ean, short_description, supplier, price` and typed attributes: `attr_t_*`
//! text, `attr_n_*` number, `attr_b_*` boolean. What becomes what:
//!
//! - SKU `IC-<id>`; handle from title and id; `name` (model or part number) an attribute `model`.
//! - The first EAN is the barcode, the others a list attribute, so that they are found.
//! - `price` is in minor units of the currency given.
//! - The category is derived: see [`super::category`]. Units and lists: see [`units`].
//! - There is no stock in the data; [`stock`] makes one up from the id, the same at every import.
//! - Picture addresses are kept only on request, because a shop page that shows them asks a third
//!   party for them.

mod fields;
mod units;

use std::io::BufRead;

use serde_json::Value;
use stoa_domain::catalog::{
    Attribute, AttributeValue, Draft, DraftPrice, DraftVariant, Media, Status, attribute_key,
};
use stoa_kernel::{Currency, Decimal, Money, handle, limits};

use self::fields::Fields;
use super::category::{self, Facts};
use super::lines::Lines;
use super::{BadRow, Rejected, Row, RowResult, sanitise};

/// How to read the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The currency of the prices; the data does not name it.
    pub currency: Currency,
    /// Keep the addresses of pictures.
    pub with_images: bool,
}

/// Reads products, one a line.
pub fn rows(
    reader: impl BufRead + Send,
    options: Options,
) -> impl Iterator<Item = RowResult> + Send {
    Lines::new(reader).map(move |line| {
        let (line, json) = line?;
        let fields: Fields = serde_json::from_slice(&json)
            .map_err(|error| Rejected::one(line, error.to_string()))?;
        draft(&fields, options).map(|draft| Row::new(line, draft)).map_err(|reasons| Rejected {
            faults: reasons.into_iter().map(|reason| BadRow::new(line, reason)).collect(),
        })
    })
}

fn draft(fields: &Fields, options: Options) -> Result<Draft, Vec<String>> {
    let mut faults = Vec::new();
    let mut required = |name: &str| {
        let text = fields.text(name).trim();
        if text.is_empty() {
            faults.push(format!("`{name}` is missing or not a text"));
        }
        one_line(text)
    };
    let id = required("id");
    let title = required("title");
    let minor = fields.get("price").and_then(Value::as_i64);
    if minor.is_none() {
        faults.push("`price` is missing or not a whole number of minor units".to_owned());
    }
    let (Some(minor), true) = (minor, faults.is_empty()) else {
        return Err(faults);
    };

    let eans: Vec<String> = match fields.get("ean") {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(one_line).collect(),
        Some(Value::String(one)) => vec![one_line(one)],
        _ => Vec::new(),
    };
    let mut eans = eans.into_iter().filter(|ean| !ean.is_empty());
    let barcode = eans.next();
    let brand = one_line(fields.text("supplier"));
    let description = fields.text("short_description");
    let product_type = fields.text("attr_t_product_type").trim();
    let category = category::shelf(&Facts {
        brand: &brand,
        title: &title,
        description,
        product_type,
        kind: fields.text("attr_t_type"),
        has: &|key| fields.has_attribute(key),
    });
    Ok(Draft {
        handle: made_handle(&title, &id),
        status: Status::Active,
        brand: Some(brand).filter(|brand| !brand.is_empty()),
        vendor: None,
        category,
        // One letter or digit is a code of the source, not a type.
        product_type: Some(one_line(product_type)).filter(|text| text.len() > 1),
        tags: Vec::new(),
        description_html: sanitise::paragraph(description),
        options: Vec::new(),
        attributes: attributes(fields, eans.take(200).collect()),
        media: if options.with_images { pictures(fields, &title) } else { Vec::new() },
        variants: vec![DraftVariant {
            sku: format!("IC-{id}"),
            barcode,
            options: Vec::new(),
            prices: vec![DraftPrice {
                price: Money::new(minor, options.currency),
                compare_at: None,
            }],
            weight_g: grams(fields),
            stock: Some(stock(&id)),
        }],
        title,
    })
}

/// Title and id, so that two products of one title differ and stay apart when others are added.
fn made_handle(title: &str, id: &str) -> String {
    let id = handle::slugify(id);
    let room = handle::MAX_LEN.saturating_sub(id.len() + 1);
    let mut slug = handle::slugify(title);
    slug.truncate(room); // ASCII, so that any length is a boundary.
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { id } else { format!("{slug}-{id}") }
}

/// What is on hand: nothing for about 8 in 100, a handful for about 30, up to 250 for the rest.
fn stock(id: &str) -> i64 {
    // FNV-1a, finished as SplitMix64 finishes, so that neighbouring ids differ.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 31;
    let quantity = match hash % 100 {
        0..8 => 0,
        8..38 => 1 + (hash / 100) % 9,
        _ => 10 + (hash / 100) % 241,
    };
    i64::try_from(quantity).unwrap_or_default()
}

/// The weight for shipping: packed if known, else bare. Both are in grams.
fn grams(fields: &Fields) -> Option<i64> {
    ["attr_n_package_weight", "attr_n_weight"].iter().find_map(|key| {
        let grams: Decimal = fields.number(key)?;
        let whole = (grams.as_millionths() + 999_999) / 1_000_000;
        (1..=100_000_000).contains(&whole).then_some(whole)
    })
}

fn pictures(fields: &Fields, title: &str) -> Vec<Media> {
    ["img_high", "img_500x500", "img_low", "img_thumb"]
        .iter()
        .map(|key| fields.text(key).trim())
        .find(|url| url.starts_with("http://") || url.starts_with("https://"))
        .map(|url| Media { url: url.to_owned(), alt: Some(title.to_owned()) })
        .into_iter()
        .collect()
}

fn attributes(fields: &Fields, other_eans: Vec<String>) -> Vec<Attribute> {
    let model = one_line(fields.text("name"));
    let own = [
        (!model.is_empty()).then(|| Attribute {
            key: "model".to_owned(),
            label: "Model".to_owned(),
            value: AttributeValue::Text(model),
            unit: None,
        }),
        (!other_eans.is_empty()).then(|| Attribute {
            key: "other_barcodes".to_owned(),
            label: "Other barcodes".to_owned(),
            value: AttributeValue::List(other_eans),
            unit: None,
        }),
    ];
    let typed = fields.attributes().filter_map(|(kind, raw, value)| {
        let key = attribute_key(raw);
        let value = match (kind, value) {
            ('t', Value::String(text)) => units::text_value(&key, text)?,
            ('n', Value::Number(number)) => {
                AttributeValue::Number(number.to_string().parse().ok()?)
            }
            ('b', Value::Bool(yes)) => AttributeValue::Boolean(*yes),
            // A value that is not of the type its key promises is of no use to filter by.
            _ => return None,
        };
        let (value, unit) = units::with_unit(&key, value, fields);
        Some(Attribute {
            label: units::label_of(raw),
            key: units::typed_key(key, kind),
            value,
            unit: unit.map(str::to_owned),
        })
    });
    let mut attributes: Vec<Attribute> = Vec::new();
    for attribute in own.into_iter().flatten().chain(typed) {
        // Two spellings of one key: the first has its place.
        let taken = attributes.iter().any(|other| other.key == attribute.key);
        if !attribute.key.is_empty() && !taken && attributes.len() < limits::ATTRIBUTES_PER_PRODUCT
        {
            attributes.push(attribute);
        }
    }
    attributes
}

/// Text without line breaks and other control characters, trimmed.
pub(super) fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::checked;
    use super::*;

    const LINE: &str = r#"{"id":"7","name":"X-1","title":"Acme X-1 Notebook 15\"","ean":["111","222","333"],"short_description":"Fast & <b>light</b><br />","img_high":"http://i/x.jpg","supplier":"Acme","price":129900,"attr_t_product_type":"Notebook","attr_t_product_colour":"Black,Silver","attr_n_package_weight":1499.2,"attr_n_width":300.0,"attr_n_thermal_design_power__tdp_":15,"attr_b_bluetooth":true,"attr_n_broken":"x"}"#;

    fn read(text: &str, with_images: bool) -> Vec<RowResult> {
        let options = Options { currency: Currency::USD, with_images };
        checked(rows(text.as_bytes(), options)).collect()
    }

    #[test]
    fn a_line_becomes_a_product() {
        let row = read(LINE, false).remove(0).unwrap();
        let draft = row.draft;
        assert_eq!(draft.handle, "acme-x-1-notebook-15-7");
        assert_eq!(draft.title, "Acme X-1 Notebook 15\"");
        assert_eq!(draft.brand.as_deref(), Some("Acme"));
        assert_eq!(draft.category, ["Computers", "Notebooks"]);
        assert_eq!(draft.product_type.as_deref(), Some("Notebook"));
        assert_eq!(draft.description_html, "<p>Fast &amp; <b>light</b><br></p>");
        assert!(draft.media.is_empty());
        let [variant] = draft.variants.as_slice() else {
            panic!("one variant");
        };
        assert_eq!(variant.sku, "IC-7");
        assert_eq!(variant.barcode.as_deref(), Some("111"));
        assert_eq!(variant.prices[0].price, Money::new(129_900, Currency::USD));
        assert_eq!(variant.weight_g, Some(1_500));
        assert_eq!(variant.stock, Some(stock("7")));
        let shown: Vec<String> = draft
            .attributes
            .iter()
            .map(|a| format!("{} | {} | {:?} | {}", a.key, a.label, a.value, a.display()))
            .collect();
        assert_eq!(
            shown,
            [
                "model | Model | Text(\"X-1\") | X-1",
                "other_barcodes | Other barcodes | List([\"222\", \"333\"]) | 222, 333",
                "product_type | Product type | Text(\"Notebook\") | Notebook",
                "product_colour | Product colour | List([\"Black\", \"Silver\"]) | Black, Silver",
                "package_weight | Package weight | Number(1499.2) | 1499.2 g",
                "width | Width | Number(300) | 300 mm",
                "thermal_design_power_tdp | Thermal design power (TDP) | Number(15) | 15 W",
                "bluetooth | Bluetooth | Boolean(true) | Yes",
            ]
        );
    }

    #[test]
    fn pictures_are_kept_on_request() {
        let media = read(LINE, true).remove(0).unwrap().draft.media;
        assert_eq!(media[0].url, "http://i/x.jpg");
    }

    #[test]
    fn bad_lines_say_why_and_good_ones_go_on() {
        let text = format!(
            "{LINE}\nnot json\n[1]\n{{\"id\":\"8\",\"title\":\" \",\"price\":1.5}}\n\
             {{\"id\":\"9\",\"title\":\"T\",\"price\":-1}}\n{}",
            LINE.replace("\"id\":\"7\"", "\"id\":\"10\"")
        );
        let mut good = 0;
        let mut faults = Vec::new();
        for row in read(&text, false) {
            match row {
                Ok(_) => good += 1,
                Err(rejected) => faults.extend(rejected.faults.iter().map(ToString::to_string)),
            }
        }
        assert_eq!(good, 2);
        assert!(faults[0].starts_with("2: expected ident"), "{faults:?}");
        assert!(faults[1].starts_with("3: invalid type: sequence"), "{faults:?}");
        assert_eq!(
            faults[2..],
            [
                "4: `title` is missing or not a text",
                "4: `price` is missing or not a whole number of minor units",
                "5: /variants/0/prices/0/price: 0 to 10,000,000,000 minor units",
            ]
        );
    }

    #[test]
    fn the_same_id_twice_is_reported() {
        let rows = read(&format!("{LINE}\n{LINE}"), false);
        assert!(rows[0].is_ok());
        assert_eq!(rows[1].as_ref().unwrap_err().faults.len(), 2);
    }

    #[test]
    fn stock_is_believable_and_the_same_each_time() {
        let all: Vec<i64> = (0..10_000).map(|id| stock(&id.to_string())).collect();
        let none = all.iter().filter(|n| **n == 0).count();
        assert!((600..1_000).contains(&none), "{none}");
        assert!(all.iter().all(|n| (0..=250).contains(n)));
        assert_eq!(stock("1399"), stock("1399"));
    }

    #[test]
    fn long_titles_leave_room_for_the_id() {
        let handle = made_handle(&"very long ".repeat(50), "12345");
        assert!(handle::is_handle(&handle), "{handle}");
        assert!(handle.ends_with("-12345"));
        assert_eq!(made_handle("日本", "5"), "5");
    }
}
