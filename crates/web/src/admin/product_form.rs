//! A product between its form, where everything is text, and the catalogue's draft.

use std::collections::BTreeMap;

use stoa_domain::catalog::{
    self as catalog, Attribute, AttributeValue, Draft, DraftPrice, DraftVariant, Media, Status,
    attribute_key,
};
use stoa_kernel::{Currency, Money, limits};
use stoa_pages::admin::{AttributeForm, FieldError, ProductForm, VariantForm};

use super::answer::sentence;
use super::gate::Form;

/// Rows of variants that are read from a form: more than may be saved, so that this is said.
const ROWS: usize = limits::VARIANTS_PER_PRODUCT + 1;
/// Rows of attributes that are read from a form, likewise.
const ATTRIBUTE_ROWS: usize = limits::ATTRIBUTES_PER_PRODUCT + 1;

/// Reads a product's form as it was sent.
pub(super) fn read(form: &Form) -> ProductForm {
    let text = |name: &str| form.get(name).to_owned();
    let mut options = Vec::new();
    let mut variants: BTreeMap<usize, VariantForm> = BTreeMap::new();
    let mut attributes: BTreeMap<usize, AttributeForm> = BTreeMap::new();
    for (name, value) in form.fields() {
        let mut parts = name.split('/');
        let (list, index) = (parts.next(), parts.next().and_then(|n| n.parse::<usize>().ok()));
        match (list, index) {
            (Some("options"), Some(index)) => put(&mut options, index, value),
            (Some("variants"), Some(index)) if index < ROWS => {
                let rest: Vec<&str> = parts.collect();
                set(variants.entry(index).or_default(), &rest, value);
            }
            (Some("attributes"), Some(index)) if index < ATTRIBUTE_ROWS => {
                set_attribute(attributes.entry(index).or_default(), parts.next(), value);
            }
            _ => {}
        }
    }
    ProductForm {
        title: text("title"),
        handle: text("handle"),
        status: text("status"),
        brand: text("brand"),
        category: text("category"),
        vendor: text("vendor"),
        product_type: text("product_type"),
        tags: text("tags"),
        description_html: text("description_html"),
        media: text("media"),
        options,
        variants: variants.into_values().collect(),
        attributes: attributes.into_values().collect(),
    }
}

fn set_attribute(attribute: &mut AttributeForm, name: Option<&str>, value: &str) {
    let slot = match name {
        Some("key") => &mut attribute.key,
        Some("label") => &mut attribute.label,
        Some("kind") => &mut attribute.kind,
        Some("value") => &mut attribute.value,
        Some("unit") => &mut attribute.unit,
        _ => return,
    };
    value.clone_into(slot);
}

fn put(list: &mut Vec<String>, index: usize, value: &str) {
    if index < limits::OPTIONS_PER_PRODUCT {
        if list.len() <= index {
            list.resize(index + 1, String::new());
        }
        if let Some(slot) = list.get_mut(index) {
            value.clone_into(slot);
        }
    }
}

fn set(variant: &mut VariantForm, name: &[&str], value: &str) {
    let slot = match name {
        ["id"] => &mut variant.id,
        ["sku"] => &mut variant.sku,
        ["barcode"] => &mut variant.barcode,
        ["prices", "0", "price"] => &mut variant.price,
        ["prices", "0", "compare_at"] => &mut variant.compare_at,
        ["weight_g"] => &mut variant.weight_g,
        ["remove"] => {
            variant.remove = true;
            return;
        }
        ["options", index] => {
            if let Ok(index) = index.parse() {
                put(&mut variant.options, index, value);
            }
            return;
        }
        _ => return,
    };
    value.clone_into(slot);
}

/// The form of a stored product.
pub(super) fn filled(product: &catalog::Product, currency: Currency) -> ProductForm {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let media: Vec<String> = product
        .media
        .iter()
        .map(|media| match &media.alt {
            Some(alt) => format!("{} {alt}", media.url),
            None => media.url.clone(),
        })
        .collect();
    let variants = product.variants.iter().map(|variant| {
        let price = variant.price_in(currency);
        VariantForm {
            id: variant.id.to_string(),
            options: variant.options.clone(),
            sku: variant.sku.clone(),
            barcode: optional(&variant.barcode),
            price: price.map(|price| price.price.to_major()).unwrap_or_default(),
            compare_at: price
                .and_then(|price| price.compare_at)
                .map(Money::to_major)
                .unwrap_or_default(),
            weight_g: variant.weight_g.map(|grams| grams.to_string()).unwrap_or_default(),
            remove: false,
        }
    });
    ProductForm {
        title: product.title.clone(),
        handle: product.handle.clone(),
        status: product.status.as_str().to_owned(),
        brand: optional(&product.brand),
        category: product.category_id.map(|id| id.to_string()).unwrap_or_default(),
        vendor: product.vendor.as_ref().map(|vendor| vendor.handle.clone()).unwrap_or_default(),
        product_type: optional(&product.product_type),
        tags: product.tags.join(", "),
        description_html: product.description_html.clone(),
        media: media.join("\n"),
        options: product.options.iter().map(|axis| axis.name.clone()).collect(),
        variants: variants.collect(),
        attributes: product.attributes.iter().map(row_of).collect(),
    }
}

/// An attribute as the form shows it.
fn row_of(attribute: &Attribute) -> AttributeForm {
    let (kind, value) = match &attribute.value {
        AttributeValue::Text(text) => ("text", text.clone()),
        AttributeValue::Number(number) => ("number", number.to_string()),
        AttributeValue::Boolean(yes) => ("boolean", if *yes { "yes" } else { "no" }.to_owned()),
        AttributeValue::List(items) => ("list", items.join(", ")),
    };
    AttributeForm {
        key: attribute.key.clone(),
        label: attribute.label.clone(),
        kind: kind.to_owned(),
        value,
        unit: attribute.unit.clone().unwrap_or_default(),
    }
}

/// The form of a product to be made.
pub(super) fn blank() -> ProductForm {
    ProductForm {
        status: Status::Draft.as_str().to_owned(),
        variants: vec![VariantForm::default()],
        ..ProductForm::default()
    }
}

/// The rows of a form that the parts of its draft come from.
#[derive(Debug)]
pub(super) struct Rows {
    variants: Vec<usize>,
    attributes: Vec<usize>,
}

/// A draft, and where it comes from.
#[derive(Debug)]
pub(super) struct Drafted {
    pub(super) draft: Draft,
    pub(super) rows: Rows,
}

/// Makes a draft of a form. What the form does not show (prices in other currencies, items of a list
/// with commas in them, while nobody touches the list) stays as it is stored; so does the SKU of a stored variant, by which the catalogue knows it.
pub(super) fn drafted(
    form: &ProductForm,
    stored: Option<&catalog::Product>,
    category: Vec<String>,
    currency: Currency,
) -> Result<Drafted, Vec<FieldError>> {
    let mut errors = Vec::new();
    let kept_options: Vec<usize> = (0..form.options.len())
        .filter(|index| form.options.get(*index).is_some_and(|name| !name.trim().is_empty()))
        .collect();
    let pick = |values: &[String]| -> Vec<String> {
        let value = |index: &usize| values.get(*index).map_or("", |value| value.trim()).to_owned();
        kept_options.iter().map(value).collect()
    };
    let kept: Vec<usize> = kept_rows(&form.variants);
    let mut variants = Vec::with_capacity(kept.len());
    let mut rows = Vec::with_capacity(kept.len());
    for (row, variant) in form.variants.iter().enumerate().filter(|(row, _)| kept.contains(row)) {
        let known = stored.and_then(|product| {
            product.variants.iter().find(|known| known.id.to_string() == variant.id)
        });
        let mut faults = Faults { row, errors: &mut errors };
        let mut prices: Vec<DraftPrice> = faults.price(variant, currency).into_iter().collect();
        let others = known.iter().flat_map(|known| &known.prices);
        prices.extend(
            others
                .filter(|price| price.price.currency != currency)
                .map(|price| DraftPrice { price: price.price, compare_at: price.compare_at }),
        );
        variants.push(DraftVariant {
            sku: known.map_or_else(|| variant.sku.trim().to_owned(), |known| known.sku.clone()),
            barcode: optional(&variant.barcode),
            options: pick(&variant.options),
            prices,
            weight_g: faults.weight(variant),
            stock: None,
        });
        rows.push(row);
    }
    let mut attributes = Vec::with_capacity(form.attributes.len());
    let mut attribute_rows = Vec::with_capacity(form.attributes.len());
    let is_blank =
        |row: &AttributeForm| [&row.label, &row.value].iter().all(|it| it.trim().is_empty());
    for (row, entered) in form.attributes.iter().enumerate().filter(|(_, row)| !is_blank(row)) {
        match attribute(entered, stored.map_or(&[], |product| &product.attributes)) {
            Ok(attribute) => {
                attributes.push(attribute);
                attribute_rows.push(row);
            }
            Err((name, fault)) => {
                let message = format!("Attribute {}: {fault}", row + 1);
                errors.push(FieldError::new(format!("attributes/{row}/{name}"), message));
            }
        }
    }
    let status = Status::parse(&form.status);
    if status.is_none() {
        errors.push(FieldError::new("status", "Status: choose one of the list."));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let draft = Draft {
        handle: form.handle.trim().to_owned(),
        title: form.title.clone(),
        status: status.unwrap_or(Status::Draft),
        brand: optional(&form.brand),
        vendor: Some(form.vendor.trim().to_owned()),
        category,
        product_type: optional(&form.product_type),
        tags: tags(&form.tags),
        // Browsers end lines of a form with CR LF, whatever was in it.
        description_html: form.description_html.replace("\r\n", "\n"),
        options: pick(&form.options),
        attributes,
        media: form.media.lines().filter_map(media).collect(),
        variants,
    };
    Ok(Drafted { draft, rows: Rows { variants: rows, attributes: attribute_rows } })
}

/// Reads a row of attributes; else the control at fault, and why. A row that shows a stored attribute
/// as it is stands for just that.
fn attribute(
    row: &AttributeForm,
    stored: &[Attribute],
) -> Result<Attribute, (&'static str, &'static str)> {
    if let Some(known) = stored.iter().find(|known| row_of(known) == *row) {
        return Ok(known.clone());
    }
    let label = row.label.trim();
    let key = if row.key.is_empty() { attribute_key(label) } else { row.key.clone() };
    if key.is_empty() {
        return Err(("label", "its name needs a letter or a digit of the Latin alphabet."));
    }
    let text = row.value.trim();
    let value = match row.kind.as_str() {
        "number" => text
            .parse()
            .map(AttributeValue::Number)
            .map_err(|_| ("value", "a number such as 15.6; its unit has a field of its own."))?,
        "boolean" if ["yes", "true"].contains(&text.to_lowercase().as_str()) => {
            AttributeValue::Boolean(true)
        }
        "boolean" if ["no", "false"].contains(&text.to_lowercase().as_str()) => {
            AttributeValue::Boolean(false)
        }
        "boolean" => return Err(("value", "yes or no.")),
        "list" => AttributeValue::List(text.split(',').filter_map(optional).collect()),
        _ => AttributeValue::Text(text.to_owned()),
    };
    let unit = optional(&row.unit);
    if unit.is_some() && !matches!(value, AttributeValue::Number(_)) {
        return Err(("unit", "only a number has a unit."));
    }
    Ok(Attribute { key, label: label.to_owned(), value, unit })
}

/// Rows that are to be saved: not those marked for removal, and blank new ones only where there is
/// nothing else.
fn kept_rows(variants: &[VariantForm]) -> Vec<usize> {
    let is_blank = |variant: &VariantForm| {
        let texts = [&variant.id, &variant.sku, &variant.barcode, &variant.price];
        let more = [&variant.compare_at, &variant.weight_g];
        texts.into_iter().chain(more).chain(&variant.options).all(|text| text.trim().is_empty())
    };
    let rows = || variants.iter().enumerate().filter(|(_, variant)| !variant.remove);
    let filled: Vec<usize> =
        rows().filter(|(_, variant)| !is_blank(variant)).map(|(row, _)| row).collect();
    if filled.is_empty() { rows().map(|(row, _)| row).take(1).collect() } else { filled }
}

struct Faults<'a> {
    row: usize,
    errors: &'a mut Vec<FieldError>,
}

impl Faults<'_> {
    fn push(&mut self, name: &str, label: &str, detail: &str) {
        let row = self.row;
        let message = format!("{label} of variant {}: {detail}", row + 1);
        self.errors.push(FieldError::new(format!("variants/{row}/{name}"), message));
    }

    fn amount(&mut self, name: &str, label: &str, text: &str, currency: Currency) -> Option<Money> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let amount = Money::parse_major(text, currency).ok();
        if amount.is_none() {
            self.push(name, label, "an amount such as 12.50, without a currency sign.");
        }
        amount
    }

    fn price(&mut self, variant: &VariantForm, currency: Currency) -> Option<DraftPrice> {
        const COMPARE_AT: (&str, &str) = ("prices/0/compare_at", "Compare-at price");
        let price = self.amount("prices/0/price", "Price", &variant.price, currency);
        let compare_at = self.amount(COMPARE_AT.0, COMPARE_AT.1, &variant.compare_at, currency);
        if let Some(compare_at) = compare_at
            && price.is_none_or(|price| compare_at.minor <= price.minor)
        {
            self.push(COMPARE_AT.0, COMPARE_AT.1, "must be above the price, or empty.");
        }
        price.map(|price| DraftPrice { price, compare_at })
    }

    fn weight(&mut self, variant: &VariantForm) -> Option<i64> {
        let text = variant.weight_g.trim();
        if text.is_empty() {
            return None;
        }
        let grams = text.parse().ok();
        if grams.is_none() {
            self.push("weight_g", "Weight", "a whole number of grams.");
        }
        grams
    }
}

fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').filter_map(optional) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn media(line: &str) -> Option<Media> {
    let line = line.trim();
    let (url, alt) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (!url.is_empty()).then(|| Media { url: url.to_owned(), alt: optional(alt) })
}

/// Where in the form a fault of the catalogue belongs, and how people read it.
pub(super) fn explained(error: &catalog::FieldError, rows: &Rows, has_options: bool) -> FieldError {
    let pointer = error.pointer.trim_start_matches('/');
    let parts: Vec<&str> = pointer.split('/').collect();
    let number = |text: &str| text.parse::<usize>().unwrap_or(0);
    let (field, label) = match parts.as_slice() {
        ["title"] => ("title".to_owned(), "Title".to_owned()),
        ["handle"] => ("handle".to_owned(), "Handle".to_owned()),
        ["brand"] => ("brand".to_owned(), "Brand".to_owned()),
        ["product_type"] => ("product_type".to_owned(), "Type".to_owned()),
        ["description_html"] => ("description_html".to_owned(), "Description".to_owned()),
        ["tags", ..] => ("tags".to_owned(), "Tags".to_owned()),
        ["category", ..] => ("category".to_owned(), "Category".to_owned()),
        ["media", index, ..] => ("media".to_owned(), format!("Picture {}", number(index) + 1)),
        ["options", index] => (pointer.to_owned(), format!("Option {}", number(index) + 1)),
        ["attributes", index, name] => {
            let row = rows.attributes.get(number(index)).copied().unwrap_or_default();
            // There is no control for the key: it is made from the name.
            let name = if *name == "key" { "label" } else { name };
            (format!("attributes/{row}/{name}"), format!("Attribute {}", row + 1))
        }
        ["variants", index, rest @ ..] => {
            let row = rows.variants.get(number(index)).copied().unwrap_or_default();
            let (name, label) = match rest.first() {
                Some(&"sku") => ("sku", "SKU"),
                Some(&"barcode") => ("barcode", "Barcode"),
                Some(&"weight_g") => ("weight_g", "Weight"),
                Some(&"prices") if rest.contains(&"compare_at") => {
                    ("prices/0/compare_at", "Compare-at price")
                }
                Some(&"prices") => ("prices/0/price", "Price"),
                _ if has_options => ("options", "Options"),
                // There is no control for them: the row's first one is its SKU.
                _ => ("sku", "Options"),
            };
            (format!("variants/{row}/{name}"), format!("{label} of variant {}", row + 1))
        }
        _ => (pointer.to_owned(), "Product".to_owned()),
    };
    FieldError::new(field, sentence(&format!("{label}: {}", error.detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USD: Currency = Currency::USD;

    fn variant(price: &str) -> VariantForm {
        VariantForm { price: price.to_owned(), ..VariantForm::default() }
    }

    fn form(variants: Vec<VariantForm>) -> ProductForm {
        ProductForm {
            title: "Mug".to_owned(),
            status: "active".to_owned(),
            variants,
            ..ProductForm::default()
        }
    }

    #[test]
    fn blank_rows_and_removed_ones_are_left_out_and_faults_find_their_row() {
        let removed = VariantForm { remove: true, ..variant("1") };
        let made = drafted(
            &form(vec![removed, variant(""), variant("12.50"), variant("3")]),
            None,
            vec![],
            USD,
        )
        .unwrap();
        assert_eq!(made.rows.variants, [2, 3]);
        let prices: Vec<i64> =
            made.draft.variants.iter().map(|v| v.prices[0].price.minor).collect();
        assert_eq!(prices, [1250, 300]);
        let fault = catalog::FieldError::new("/variants/1/sku", "used twice");
        let fault = explained(&fault, &made.rows, false);
        assert_eq!(fault.field, "variants/3/sku");
        assert_eq!(fault.message, "SKU of variant 4: used twice.");

        let alone = drafted(&form(vec![variant("")]), None, vec![], USD).unwrap();
        assert_eq!(alone.rows.variants, [0]);
    }

    #[test]
    fn an_option_without_a_name_goes_with_its_values() {
        let mut form = form(vec![VariantForm {
            options: ["Sage", "?", "L"].map(String::from).to_vec(),
            ..variant("5")
        }]);
        form.options = ["Colour", " ", "Size"].map(String::from).to_vec();
        let draft = drafted(&form, None, vec![], USD).unwrap().draft;
        assert_eq!(draft.options, ["Colour", "Size"]);
        assert_eq!(draft.variants[0].options, ["Sage", "L"]);
    }

    #[test]
    fn texts_that_are_no_numbers_are_refused_by_their_field() {
        let wrong = VariantForm {
            price: "12,50".to_owned(),
            compare_at: "$20".to_owned(),
            weight_g: "heavy".to_owned(),
            ..VariantForm::default()
        };
        let low = VariantForm { compare_at: "5".to_owned(), ..variant("5.00") };
        let errors = drafted(&form(vec![wrong, low]), None, vec![], USD).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "variants/0/prices/0/price",
                "variants/0/prices/0/compare_at",
                "variants/0/weight_g",
                "variants/1/prices/0/compare_at",
            ]
        );
    }

    #[test]
    fn attributes_are_read_by_their_type_and_untouched_ones_stay_as_they_are() {
        let row = |label: &str, kind: &str, value: &str, unit: &str| AttributeForm {
            label: label.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
            unit: unit.to_owned(),
            ..AttributeForm::default()
        };
        let mut form = form(vec![variant("1")]);
        form.attributes = vec![
            row("Made in", "text", " France ", ""),
            row("", "text", " ", ""),
            row("Display diagonal", "number", "15.6", "in"),
            row("Washable", "boolean", "Yes", ""),
            row("Ports", "list", "HDMI, USB,,", ""),
        ];
        let made = drafted(&form, None, vec![], USD).unwrap();
        let shown: Vec<(&str, String)> =
            made.draft.attributes.iter().map(|it| (it.key.as_str(), it.display())).collect();
        let expected = [
            ("made_in", "France"),
            ("display_diagonal", "15.6 in"),
            ("washable", "Yes"),
            ("ports", "HDMI, USB"),
        ];
        assert_eq!(shown, expected.map(|(key, text)| (key, text.to_owned())));
        let fault = catalog::FieldError::new("/attributes/1/key", "used twice");
        assert_eq!(explained(&fault, &made.rows, false).field, "attributes/2/label");

        let sheet = AttributeValue::List(vec!["1 page, A4".to_owned()]);
        let stored = Attribute { value: sheet, ..made.draft.attributes[3].clone() };
        let untouched = row_of(&stored);
        assert_eq!(attribute(&untouched, std::slice::from_ref(&stored)), Ok(stored.clone()));
        let edited = AttributeForm { value: "1 page, A5".to_owned(), ..untouched };
        let items = vec!["1 page".to_owned(), "A5".to_owned()];
        assert_eq!(attribute(&edited, &[stored]).unwrap().value, AttributeValue::List(items));

        form.attributes = vec![
            row("Height", "number", "tall", ""),
            row("Washable", "boolean", "perhaps", ""),
            row("Size", "text", "L", "cm"),
            row("尺寸", "text", "L", ""),
        ];
        let errors = drafted(&form, None, vec![], USD).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected =
            ["attributes/0/value", "attributes/1/value", "attributes/2/unit", "attributes/3/label"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn pictures_and_tags_are_read_from_lines_and_commas() {
        let mut form = form(vec![variant("1")]);
        form.media = "https://a.example/1.jpg A mug\r\n\r\n https://a.example/2.jpg".to_owned();
        form.tags = " red, green ,red,, ".to_owned();
        let draft = drafted(&form, None, vec![], USD).unwrap().draft;
        assert_eq!(draft.tags, ["red", "green"]);
        assert_eq!(draft.media.len(), 2);
        assert_eq!(draft.media[0].alt.as_deref(), Some("A mug"));
        assert_eq!(draft.media[1].alt, None);
    }
}
