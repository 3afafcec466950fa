//! The shape of a document in the index and how a product becomes one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use stoa_kernel::{Currency, Decimal};
use stoa_ports::search::{DocValue, ProductDoc};
use tantivy::TantivyDocument;
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

use super::analysis::{Analyzed, analyze, fold, is_number, is_stop_word, normalize_code};

/// Grows with every change of the schema or of what is written into it: an index of another
/// version is built anew.
pub(super) const VERSION: u32 = 1;

/// Longest facet value, key or label, in bytes; longer ones are cut.
const FACET_BYTES: usize = 500;
/// Most words of a title from which phrases are made.
const PHRASE_TITLE_WORDS: usize = 32;
/// Most words of a suggested phrase.
const PHRASE_WORDS: usize = 3;
/// Separates the parts of an encoded facet value and of the title column.
pub(super) const SEPARATOR: char = '\u{1f}';

/// Names of the fast fields, which are read by name.
pub(super) mod column {
    pub(crate) const ID: &str = "id";
    pub(crate) const TITLE: &str = "title_order";
    pub(crate) const HANDLE: &str = "handle";
    pub(crate) const FACETS: &str = "facets";
    pub(crate) const CREATED: &str = "created";
    pub(crate) const PRICE: &str = "price";
    pub(crate) const PRICE_CURRENCY: &str = "price_currency";
}

/// A field whose words count in the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scored {
    Title,
    Brand,
    /// Category names, product type and tags.
    Kind,
    Attributes,
    Description,
    Codes,
}

impl Scored {
    pub(super) const ALL: [Self; 6] =
        [Self::Title, Self::Brand, Self::Kind, Self::Attributes, Self::Description, Self::Codes];
}

/// The fields of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) id: Field,
    pub(super) title: Field,
    pub(super) brand: Field,
    pub(super) kind: Field,
    pub(super) attributes: Field,
    pub(super) description: Field,
    pub(super) codes: Field,
    /// Every word of every field above: the dictionary for spelling and document frequencies.
    pub(super) all: Field,
    /// Runs of one to three words of titles, and whole names: what suggestions are made of.
    pub(super) phrases: Field,
    title_order: Field,
    handle: Field,
    facets: Field,
    created: Field,
    price: Field,
    price_currency: Field,
}

impl Fields {
    /// The schema and its fields.
    pub(super) fn schema() -> (Schema, Self) {
        let mut builder = Schema::builder();
        let indexed = |option, norms| {
            TextOptions::default().set_indexing_options(
                TextFieldIndexing::default()
                    .set_tokenizer("raw")
                    .set_index_option(option)
                    .set_fieldnorms(norms),
            )
        };
        let words = || indexed(IndexRecordOption::WithFreqs, true);
        let plain = || indexed(IndexRecordOption::Basic, false);
        let text_column = || TextOptions::default().set_fast("raw");
        let fields = Self {
            id: builder
                .add_bytes_field(column::ID, BytesOptions::default().set_indexed().set_fast()),
            title: builder.add_text_field("title", words()),
            brand: builder.add_text_field("brand", words()),
            kind: builder.add_text_field("kind", words()),
            attributes: builder.add_text_field("attributes", words()),
            description: builder.add_text_field("description", words()),
            codes: builder.add_text_field("codes", plain()),
            all: builder.add_text_field("all", plain()),
            phrases: builder.add_text_field("phrases", plain()),
            title_order: builder.add_text_field(column::TITLE, text_column()),
            handle: builder.add_text_field(column::HANDLE, text_column()),
            facets: builder.add_text_field(column::FACETS, text_column()),
            created: builder.add_i64_field(column::CREATED, FAST),
            price: builder.add_i64_field(column::PRICE, FAST),
            price_currency: builder.add_u64_field(column::PRICE_CURRENCY, FAST),
        };
        (builder.build(), fields)
    }

    pub(super) fn scored(&self, scored: Scored) -> Field {
        match scored {
            Scored::Title => self.title,
            Scored::Brand => self.brand,
            Scored::Kind => self.kind,
            Scored::Attributes => self.attributes,
            Scored::Description => self.description,
            Scored::Codes => self.codes,
        }
    }

    /// The document of a product.
    pub(super) fn document(&self, product: &ProductDoc) -> TantivyDocument {
        let mut doc = TantivyDocument::default();
        doc.add_bytes(self.id, product.id.uuid().as_bytes());
        let mut all = BTreeSet::new();
        let mut add = |field, texts: &[&str]| {
            let mut tokens = Vec::new();
            for text in texts {
                let Analyzed { words, joins } = analyze(text);
                tokens.extend(words);
                tokens.extend(joins.into_iter().map(|join| join.0));
            }
            all.extend(tokens.iter().cloned());
            if !tokens.is_empty() {
                doc.add_pre_tokenized_text(field, pre_tokenized(tokens));
            }
        };
        add(self.title, &[&product.title]);
        if let Some(brand) = &product.brand {
            add(self.brand, &[brand]);
        }
        let kind: Vec<&str> = product
            .category_names
            .iter()
            .chain(&product.product_type)
            .chain(&product.tags)
            .map(String::as_str)
            .collect();
        add(self.kind, &kind);
        let attributes: Vec<String> = product.attributes.iter().filter_map(words_of).collect();
        let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
        add(self.attributes, &attributes);
        add(self.description, &[&product.description]);

        let codes: BTreeSet<String> = product
            .codes
            .iter()
            .map(|code| normalize_code(code))
            .filter(|code| !code.is_empty())
            .collect();
        all.extend(codes.iter().cloned());
        if !codes.is_empty() {
            doc.add_pre_tokenized_text(self.codes, pre_tokenized(codes));
        }
        doc.add_pre_tokenized_text(self.all, pre_tokenized(all));
        doc.add_pre_tokenized_text(self.phrases, pre_tokenized(phrases_of(product)));

        let title = clean(&product.title);
        doc.add_text(self.title_order, format!("{}{SEPARATOR}{title}", fold(&title)));
        doc.add_text(self.handle, &product.handle);
        doc.add_i64(self.created, product.created_at.as_micros());
        for (currency, minor) in &product.prices {
            doc.add_u64(self.price_currency, pack(*currency));
            doc.add_i64(self.price, *minor);
        }
        for facet in facets_of(product) {
            doc.add_text(self.facets, facet.encode());
        }
        doc
    }
}

fn pre_tokenized(words: impl IntoIterator<Item = String>) -> PreTokenizedString {
    PreTokenizedString {
        text: String::new(),
        tokens: words
            .into_iter()
            .enumerate()
            .map(|(position, text)| Token { position, text, ..Token::default() })
            .collect(),
    }
}

/// A currency as a number, for a numeric column.
fn pack(currency: Currency) -> u64 {
    currency.code().bytes().fold(0, |packed, byte| packed << 8 | u64::from(byte))
}

/// The currency that [`pack`] packed.
pub(super) fn unpack(packed: u64) -> Option<Currency> {
    let [.., first, second, third] = packed.to_be_bytes();
    let code = [first, second, third];
    std::str::from_utf8(&code).ok()?.parse().ok()
}

/// The searchable words of an attribute. A yes makes its name searchable; a no says nothing.
fn words_of(attribute: &stoa_ports::search::DocAttribute) -> Option<String> {
    match &attribute.value {
        DocValue::Text(text) => Some(text.clone()),
        DocValue::List(texts) => Some(texts.join("\n")),
        DocValue::Number(number, unit) => Some(match unit {
            Some(unit) => format!("{number} {unit}"),
            None => number.to_string(),
        }),
        DocValue::Boolean(true) => Some(attribute.label.clone()),
        DocValue::Boolean(false) => None,
    }
}

/// One value of one facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FacetTerm<'a> {
    /// `category`, `brand`, `in_stock` or `attr.<key>`.
    pub(super) field: Cow<'a, str>,
    /// What people read for the field.
    pub(super) field_label: Cow<'a, str>,
    /// What a filter takes.
    pub(super) value: Cow<'a, str>,
    /// What people read, where it differs from the value.
    pub(super) label: Cow<'a, str>,
    /// The number it is.
    pub(super) number: Option<Decimal>,
}

impl<'a> FacetTerm<'a> {
    fn new(field: &str, field_label: &str, value: &str) -> Self {
        Self {
            field: clean(field).into(),
            field_label: clean(field_label).into(),
            value: clean(value).into(),
            label: "".into(),
            number: None,
        }
    }

    fn encode(&self) -> String {
        let number =
            self.number.map(|number| number.as_millionths().to_string()).unwrap_or_default();
        let parts = [&self.field, &self.field_label, &self.value, &self.label];
        let mut text: String = parts.iter().flat_map(|part| [part.as_ref(), "\u{1f}"]).collect();
        text.push_str(&number);
        text
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(text: &'a str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR);
        Some(Self {
            field: parts.next()?.into(),
            field_label: parts.next()?.into(),
            value: parts.next()?.into(),
            label: parts.next()?.into(),
            number: parts.next()?.parse().ok().map(Decimal::from_millionths),
        })
    }
}

/// One line without control characters, trimmed and cut to [`FACET_BYTES`].
pub(super) fn clean(text: &str) -> String {
    let mut clean: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() > FACET_BYTES {
        let end = clean.floor_char_boundary(FACET_BYTES);
        clean.truncate(end);
    }
    clean
}

/// Everything a product can be filtered by, except its price.
pub(super) fn facets_of(product: &ProductDoc) -> Vec<FacetTerm<'static>> {
    let mut facets = Vec::new();
    for (index, handle) in product.category_path.iter().enumerate() {
        let name = product.category_names.get(index).unwrap_or(handle);
        facets.push(FacetTerm {
            label: clean(name).into(),
            ..FacetTerm::new("category", "Category", handle)
        });
    }
    if let Some(brand) = &product.brand {
        facets.push(FacetTerm::new("brand", "Brand", brand));
    }
    facets.push(FacetTerm {
        label: if product.in_stock { "In stock" } else { "Out of stock" }.into(),
        ..FacetTerm::new(
            "in_stock",
            "Availability",
            if product.in_stock { "true" } else { "false" },
        )
    });
    for attribute in &product.attributes {
        let field = format!("attr.{}", attribute.key);
        let facet = |value: &str| FacetTerm::new(&field, &attribute.label, value);
        match &attribute.value {
            DocValue::Text(text) => facets.push(facet(text)),
            DocValue::List(texts) => facets.extend(texts.iter().map(|text| facet(text))),
            DocValue::Number(number, unit) => facets.push(FacetTerm {
                number: Some(*number),
                ..facet(&match unit {
                    Some(unit) => format!("{number} {unit}"),
                    None => number.to_string(),
                })
            }),
            DocValue::Boolean(yes) => facets.push(FacetTerm {
                label: if *yes { "Yes" } else { "No" }.into(),
                ..facet(if *yes { "true" } else { "false" })
            }),
        }
    }
    facets.retain(|facet| !facet.value.is_empty());
    facets
}

/// What can be suggested because of this product.
fn phrases_of(product: &ProductDoc) -> BTreeSet<String> {
    let mut phrases = BTreeSet::new();
    let mut words = analyze(&product.title).words;
    words.truncate(PHRASE_TITLE_WORDS);
    for start in 0..words.len() {
        for length in 1..=PHRASE_WORDS {
            let Some(run) = words.get(start..start + length) else {
                break;
            };
            let speaks = |word: Option<&String>| {
                word.is_some_and(|word| !is_stop_word(word) && !is_number(word))
            };
            // `iphone 11` may end with a number, but a number alone says nothing.
            let end_speaks =
                speaks(run.last()) || (length > 1 && run.last().is_some_and(|w| is_number(w)));
            if speaks(run.first()) && end_speaks {
                phrases.insert(run.join(" "));
            }
        }
    }
    let names = product.category_names.iter().chain(&product.product_type).chain(&product.brand);
    for name in names {
        let words = analyze(name).words;
        if (1..=6).contains(&words.len()) {
            phrases.insert(words.join(" "));
        }
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_and_facet_values_survive_encoding() {
        for currency in [Currency::USD, Currency::EUR] {
            assert_eq!(unpack(pack(currency)), Some(currency));
        }
        assert_eq!(unpack(u64::MAX), None);
        let facet = FacetTerm {
            field: "attr.screen".into(),
            field_label: "Screen".into(),
            value: "15.6 in".into(),
            label: "".into(),
            number: Some(Decimal::from_millionths(15_600_000)),
        };
        assert_eq!(FacetTerm::decode(&facet.encode()), Some(facet));
        assert_eq!(clean(" a\u{1f}b\n"), "a b");
    }
}
