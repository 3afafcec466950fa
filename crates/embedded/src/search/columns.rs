//! What searches read of each product without touching the index files: flat arrays, one set a
//! segment, built once when the segment appears. About 150 bytes a product with 25 facet values.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use parking_lot::RwLock;
use stoa_kernel::{Currency, Decimal};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, SegmentReader, TantivyError};

use super::document::{FacetTerm, column, unpack};

/// Stands for "no price in this currency".
pub(super) const NO_PRICE: i64 = i64::MIN;
/// Stands for "not a number".
const NO_NUMBER: i64 = i64::MIN;

/// Number of a facet field in a [`Vocabulary`].
pub(super) type FieldId = u32;
/// Number of a facet value in a [`Vocabulary`].
pub(super) type ValueId = u32;

/// Element of a slice, or the default beyond its end.
pub(super) fn at<T: Copy + Default>(slice: &[T], index: u32) -> T {
    slice.get(index as usize).copied().unwrap_or_default()
}

/// Numbers for all facet fields and values that any segment has, so that counting is an array
/// increment and segments can be added up. It only grows; a rebuild starts a new one.
#[derive(Debug)]
pub(super) struct Vocabulary {
    fields: Vec<FieldEntry>,
    field_ids: HashMap<String, FieldId>,
    values: Vec<ValueEntry>,
    value_ids: HashTable<ValueId>,
    labels: HashMap<ValueId, String>,
    /// The texts of all values, one after another: a third of what separate strings take.
    texts: String,
    hasher: RandomState,
}

#[derive(Debug)]
struct FieldEntry {
    name: String,
    label: String,
    values: Vec<ValueId>,
}

#[derive(Debug, Clone, Copy)]
struct ValueEntry {
    field: FieldId,
    start: u32,
    len: u32,
    /// In millionths, or [`NO_NUMBER`].
    number: i64,
}

impl Vocabulary {
    /// The categories of products.
    pub(super) const CATEGORY: FieldId = 0;
    /// The brands of products.
    pub(super) const BRAND: FieldId = 1;
    /// Whether products can be bought now.
    pub(super) const IN_STOCK: FieldId = 2;

    pub(super) fn new() -> Self {
        let mut vocabulary = Self {
            fields: Vec::new(),
            field_ids: HashMap::new(),
            values: Vec::new(),
            value_ids: HashTable::new(),
            labels: HashMap::new(),
            texts: String::new(),
            hasher: RandomState::new(),
        };
        for (name, label) in
            [("category", "Category"), ("brand", "Brand"), ("in_stock", "Availability")]
        {
            vocabulary.intern_field(name, label);
        }
        vocabulary
    }

    pub(super) fn values_len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn fields_len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn field(&self, name: &str) -> Option<FieldId> {
        self.field_ids.get(name).copied()
    }

    pub(super) fn field_name(&self, field: FieldId) -> &str {
        self.fields.get(field as usize).map_or("", |entry| &entry.name)
    }

    pub(super) fn field_label(&self, field: FieldId) -> &str {
        self.fields.get(field as usize).map_or("", |entry| &entry.label)
    }

    /// The field of a value.
    pub(super) fn field_of(&self, value: ValueId) -> FieldId {
        self.values.get(value as usize).map_or(FieldId::MAX, |entry| entry.field)
    }

    /// The number that a value is, in millionths.
    pub(super) fn number(&self, value: ValueId) -> Option<i64> {
        self.values
            .get(value as usize)
            .map(|entry| entry.number)
            .filter(|number| *number != NO_NUMBER)
    }

    /// What a filter takes for a value.
    pub(super) fn text(&self, value: ValueId) -> &str {
        let text = |entry: &ValueEntry| {
            let start = entry.start as usize;
            self.texts.get(start..start + entry.len as usize)
        };
        self.values.get(value as usize).and_then(text).unwrap_or_default()
    }

    /// What people read for a value.
    pub(super) fn label(&self, value: ValueId) -> &str {
        self.labels.get(&value).map_or_else(|| self.text(value), String::as_str)
    }

    /// All values of a field, in no order.
    pub(super) fn values_of(&self, field: FieldId) -> &[ValueId] {
        self.fields.get(field as usize).map_or(&[], |entry| &entry.values)
    }

    /// The number of a value.
    pub(super) fn value(&self, field: FieldId, text: &str) -> Option<ValueId> {
        self.value_ids
            .find(self.hash(field, text), |id| {
                self.field_of(*id) == field && self.text(*id) == text
            })
            .copied()
    }

    fn hash(&self, field: FieldId, text: &str) -> u64 {
        self.hasher.hash_one((field, text))
    }

    /// The number of a value that is already known with the same labels.
    fn known(&self, facet: &FacetTerm<'_>) -> Option<ValueId> {
        let field = self.field(&facet.field)?;
        let value = self.value(field, &facet.value)?;
        let same_labels = self.field_label(field) == facet.field_label
            && (facet.label.is_empty() || self.label(value) == facet.label);
        let same_number = facet.number.is_none() || self.number(value).is_some();
        (same_labels && same_number).then_some(value)
    }

    fn intern_field(&mut self, name: &str, label: &str) -> FieldId {
        if let Some(id) = self.field_ids.get(name) {
            if let Some(entry) = self.fields.get_mut(*id as usize)
                && entry.label != label
            {
                label.clone_into(&mut entry.label);
            }
            return *id;
        }
        let id = FieldId::try_from(self.fields.len()).unwrap_or(FieldId::MAX);
        self.fields.push(FieldEntry {
            name: name.to_owned(),
            label: label.to_owned(),
            values: Vec::new(),
        });
        self.field_ids.insert(name.to_owned(), id);
        id
    }

    fn intern(&mut self, facet: &FacetTerm<'_>) -> Result<ValueId, TantivyError> {
        let field = self.intern_field(&facet.field, &facet.field_label);
        let id = match self.value(field, &facet.value) {
            Some(id) => id,
            None => self.insert(field, facet)?,
        };
        if let Some(number) = facet.number
            && let Some(entry) = self.values.get_mut(id as usize)
        {
            entry.number = number.as_millionths();
        }
        if !facet.label.is_empty() && self.label(id) != facet.label {
            self.labels.insert(id, facet.label.to_string());
        }
        Ok(id)
    }

    /// Makes room for further values, so that the tables need not grow again and again.
    fn reserve(&mut self, values: usize) {
        self.values.reserve(values);
        let Self { value_ids, values: entries, texts, hasher, .. } = self;
        value_ids.reserve(values, |id| hash_of(entries, texts, hasher, *id));
    }

    fn insert(&mut self, field: FieldId, facet: &FacetTerm<'_>) -> Result<ValueId, TantivyError> {
        let full = |_| TantivyError::InternalError("too many facet values".to_owned());
        let id = ValueId::try_from(self.values.len()).map_err(full)?;
        let start = u32::try_from(self.texts.len()).map_err(full)?;
        let len = u32::try_from(facet.value.len()).map_err(full)?;
        self.texts.push_str(&facet.value);
        self.values.push(ValueEntry {
            field,
            start,
            len,
            number: facet.number.map_or(NO_NUMBER, Decimal::as_millionths),
        });
        if let Some(entry) = self.fields.get_mut(field as usize) {
            entry.values.push(id);
        }
        let hash = self.hash(field, &facet.value);
        let Self { value_ids, values, texts, hasher, .. } = self;
        value_ids.insert_unique(hash, id, |id| hash_of(values, texts, hasher, *id));
        Ok(id)
    }
}

/// What [`Vocabulary::hash`] gives for a value, while the table itself is being changed.
fn hash_of(values: &[ValueEntry], texts: &str, hasher: &RandomState, id: ValueId) -> u64 {
    values.get(id as usize).map_or(0, |entry| {
        let start = entry.start as usize;
        let text = texts.get(start..start + entry.len as usize);
        hasher.hash_one((entry.field, text.unwrap_or_default()))
    })
}

/// The arrays of one segment, indexed by document number.
pub(super) struct SegmentColumns {
    ids: Vec<u128>,
    created: Vec<i64>,
    title_ords: Vec<u32>,
    prices: Vec<(Currency, Vec<i64>)>,
    /// Where the values of each document begin in `facets`; one longer than the documents.
    facet_starts: Vec<u32>,
    facets: Vec<ValueId>,
    titles: Option<StrColumn>,
    handles: Option<StrColumn>,
}

impl SegmentColumns {
    /// Reads the columns of a segment. New facet values get their number in `vocabulary`.
    pub(super) fn load(
        reader: &SegmentReader,
        vocabulary: &RwLock<Vocabulary>,
    ) -> tantivy::Result<Self> {
        let max_doc = reader.max_doc();
        let fast = reader.fast_fields();

        let mut ids = vec![0; max_doc as usize];
        if let Some(column) = fast.bytes(column::ID)? {
            let mut by_ord = Vec::with_capacity(column.num_terms());
            let mut stream = column.dictionary().stream()?;
            while stream.advance() {
                let bytes: [u8; 16] = stream.key().try_into().unwrap_or_default();
                by_ord.push(u128::from_be_bytes(bytes));
            }
            for (doc, id) in (0..).zip(&mut ids) {
                *id = at(&by_ord, first(column.ords(), doc)?);
            }
        }

        let titles = fast.str(column::TITLE)?;
        let mut title_ords = vec![0; max_doc as usize];
        if let Some(column) = &titles {
            for (doc, ord) in (0..).zip(&mut title_ords) {
                *ord = first(column.ords(), doc)?;
            }
        }

        let mut created = vec![0; max_doc as usize];
        if let Some(column) = fast.column_opt::<i64>(column::CREATED)? {
            for (doc, time) in (0..).zip(&mut created) {
                *time = column.first(doc).unwrap_or_default();
            }
        }

        let mut prices: Vec<(Currency, Vec<i64>)> = Vec::new();
        if let Some(amounts) = fast.column_opt::<i64>(column::PRICE)?
            && let Some(currencies) = fast.column_opt::<u64>(column::PRICE_CURRENCY)?
        {
            // The packed form of each currency in `prices`.
            let mut seen = Vec::new();
            for doc in 0..max_doc {
                let pairs = currencies.values_for_doc(doc).zip(amounts.values_for_doc(doc));
                for (packed, minor) in pairs {
                    let index = match seen.iter().position(|seen| *seen == packed) {
                        Some(index) => index,
                        None => {
                            let Some(currency) = unpack(packed) else {
                                continue;
                            };
                            seen.push(packed);
                            prices.push((currency, vec![NO_PRICE; max_doc as usize]));
                            prices.len() - 1
                        }
                    };
                    if let Some((_, column)) = prices.get_mut(index)
                        && let Some(slot) = column.get_mut(doc as usize)
                    {
                        *slot = minor;
                    }
                }
            }
        }

        let mut facet_starts = vec![0];
        let mut facets = Vec::new();
        if let Some(column) = fast.str(column::FACETS)? {
            let by_ord = intern_all(&column, vocabulary)?;
            for doc in 0..max_doc {
                let start = facets.len();
                for ord in column.term_ords(doc) {
                    let value = at(&by_ord, small(ord)?);
                    // Two labels of one value, or a value listed twice, count once.
                    if !facets.get(start..).unwrap_or_default().contains(&value) {
                        facets.push(value);
                    }
                }
                facet_starts.push(small(facets.len() as u64)?);
            }
        }
        facets.shrink_to_fit();

        Ok(Self {
            ids,
            created,
            title_ords,
            prices,
            facet_starts,
            facets,
            titles,
            handles: fast.str(column::HANDLE)?,
        })
    }

    pub(super) fn id(&self, doc: DocId) -> u128 {
        at(&self.ids, doc)
    }

    pub(super) fn created(&self, doc: DocId) -> i64 {
        at(&self.created, doc)
    }

    pub(super) fn title_ord(&self, doc: DocId) -> u32 {
        at(&self.title_ords, doc)
    }

    /// Prices in a currency, [`NO_PRICE`] where there is none; empty when no product has one.
    pub(super) fn prices(&self, currency: Currency) -> &[i64] {
        self.prices.iter().find(|(known, _)| *known == currency).map_or(&[], |(_, prices)| prices)
    }

    /// The facet values of a product.
    pub(super) fn facets(&self, doc: DocId) -> &[ValueId] {
        let start = at(&self.facet_starts, doc) as usize;
        let end = at(&self.facet_starts, doc.saturating_add(1)) as usize;
        self.facets.get(start..end).unwrap_or_default()
    }

    pub(super) fn titles(&self) -> Option<&StrColumn> {
        self.titles.as_ref()
    }

    pub(super) fn handle(&self, doc: DocId) -> tantivy::Result<String> {
        let mut text = String::new();
        if let Some(column) = &self.handles {
            column.ord_to_str(u64::from(first(column.ords(), doc)?), &mut text)?;
        }
        Ok(text)
    }

    /// The title of a product as people read it.
    pub(super) fn title(&self, doc: DocId) -> tantivy::Result<String> {
        let mut text = String::new();
        if let Some(column) = &self.titles {
            column.ord_to_str(u64::from(self.title_ord(doc)), &mut text)?;
        }
        let title = text.split_once(super::document::SEPARATOR);
        Ok(title.map(|(_, title)| title.to_owned()).unwrap_or_default())
    }
}

fn first(column: &Column<u64>, doc: DocId) -> tantivy::Result<u32> {
    column.first(doc).map_or(Ok(u32::MAX), small)
}

fn small(number: u64) -> tantivy::Result<u32> {
    u32::try_from(number)
        .map_err(|_| TantivyError::InternalError("a segment has too many values".to_owned()))
}

/// The numbers of all values of a column, in the order of its dictionary. Known values are looked
/// up while searches go on; only new ones stop them for a moment.
fn intern_all(
    column: &StrColumn,
    vocabulary: &RwLock<Vocabulary>,
) -> tantivy::Result<Vec<ValueId>> {
    let mut ids: Vec<ValueId> = Vec::with_capacity(column.num_terms());
    let damaged = || TantivyError::InternalError("a facet value is damaged".to_owned());
    let mut new = 0;
    let mut stream = column.dictionary().stream()?;
    {
        let known = vocabulary.read();
        while stream.advance() {
            let text = std::str::from_utf8(stream.key()).map_err(|_| damaged())?;
            let facet = FacetTerm::decode(text).ok_or_else(damaged)?;
            let id = known.known(&facet);
            new += usize::from(id.is_none());
            ids.push(id.unwrap_or(ValueId::MAX));
        }
    }
    if new > 0 {
        // Read once more, because keeping the texts would take more memory than all the columns.
        let mut vocabulary = vocabulary.write();
        vocabulary.reserve(new);
        let mut stream = column.dictionary().stream()?;
        for id in &mut ids {
            stream.advance();
            if *id == ValueId::MAX {
                let text = std::str::from_utf8(stream.key()).map_err(|_| damaged())?;
                *id = vocabulary.intern(&FacetTerm::decode(text).ok_or_else(damaged)?)?;
            }
        }
    }
    Ok(ids)
}
