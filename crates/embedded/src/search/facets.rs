//! Filters, and the counts shown beside them.
//!
//! A facet with chosen values is counted over the products that pass all *other* filters, so that
//! the remaining values show what choosing them as well would bring. One pass over the matching
//! products finds both: those that pass everything, and for each filtered facet those that fail
//! in it alone.

use std::collections::HashMap;

use stoa_kernel::{Currency, Decimal};
use stoa_ports::search::{Facet, FacetValue, SearchError, SearchQuery};
use tantivy::DocId;

use super::Snapshot;
use super::columns::{FieldId, NO_PRICE, SegmentColumns, ValueId, Vocabulary, at};
use super::matching::Matches;
use super::prices;

/// Most attribute facets shown.
const ATTRIBUTES: usize = 12;
/// Most values of a facet.
const VALUES: usize = 50;
/// From more different numbers than this on, ranges are shown.
const DISTINCT_NUMBERS: usize = 20;
/// Most ranges of a number.
const RANGES: usize = 6;
/// Most filters of one query; each takes a bit.
const MAX_FILTERS: usize = 50;
/// The bit of the price range.
const PRICE_BIT: u64 = 1;

/// A product: its segment and its number there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) segment: u32,
    pub(super) doc: DocId,
    pub(super) rank: u64,
}

/// What a filter is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Price,
    /// A facet field; none when no product has it.
    Field(Option<FieldId>),
}

/// All filters about one subject.
#[derive(Debug)]
struct Group {
    subject: Subject,
    bits: u64,
    /// The values chosen, as they were given.
    chosen: Vec<String>,
}

/// The filters of a query.
pub(super) struct Filters {
    currency: Currency,
    price: Option<(i64, i64)>,
    groups: Vec<Group>,
    required: u64,
    /// For values that satisfy filters: which.
    accepting: Accepting,
}

/// Facet values that satisfy filters: a bit set to skip the many that do not, and the filters.
#[derive(Default)]
struct Accepting {
    set: Vec<u64>,
    bits: HashMap<ValueId, u64>,
}

impl Accepting {
    fn insert(&mut self, value: ValueId, bit: u64) {
        let word = (value / 64) as usize;
        if self.set.len() <= word {
            self.set.resize(word + 1, 0);
        }
        if let Some(slot) = self.set.get_mut(word) {
            *slot |= 1 << (value % 64);
        }
        *self.bits.entry(value).or_default() |= bit;
    }

    fn bits(&self, value: ValueId) -> u64 {
        if at(&self.set, value / 64) & (1 << (value % 64)) == 0 {
            return 0;
        }
        self.bits.get(&value).copied().unwrap_or(0)
    }
}

impl Filters {
    /// Resolves the filters of a query.
    pub(super) fn new(query: &SearchQuery, vocabulary: &Vocabulary) -> Result<Self, SearchError> {
        let mut filters = Self {
            currency: query.currency,
            price: None,
            groups: Vec::new(),
            required: 0,
            accepting: Accepting::default(),
        };
        if query.filters.len() > MAX_FILTERS {
            return Err(SearchError::Invalid(format!(
                "at most {MAX_FILTERS} filters can be combined"
            )));
        }
        if query.price_min.is_some() || query.price_max.is_some() {
            filters.price =
                Some((query.price_min.unwrap_or(i64::MIN), query.price_max.unwrap_or(i64::MAX)));
            filters.require(Subject::Price, PRICE_BIT, &[]);
        }
        let mut bit = PRICE_BIT;
        let mut values = |field: &str, chosen: &[String]| {
            bit <<= 1;
            let field = vocabulary.field(field);
            filters.require(Subject::Field(field), bit, chosen);
            for text in chosen {
                for value in field.into_iter().flat_map(|f| accepted(vocabulary, f, text)) {
                    filters.accepting.insert(value, bit);
                }
            }
        };
        if let Some(category) = &query.category {
            values("category", std::slice::from_ref(category));
        }
        if let Some(in_stock) = query.in_stock {
            values("in_stock", &[in_stock.to_string()]);
        }
        for filter in &query.filters {
            if filter.field != "brand" && !filter.field.starts_with("attr.") {
                return Err(SearchError::Invalid(format!(
                    "`{}` cannot be filtered by; use brand or attr.<name>",
                    filter.field
                )));
            }
            values(&filter.field, &filter.values);
        }
        Ok(filters)
    }

    fn require(&mut self, subject: Subject, bit: u64, chosen: &[String]) {
        self.required |= bit;
        match self.groups.iter_mut().find(|group| group.subject == subject) {
            Some(group) => {
                group.bits |= bit;
                group.chosen.extend_from_slice(chosen);
            }
            None => self.groups.push(Group { subject, bits: bit, chosen: chosen.to_vec() }),
        }
    }

    /// The filters that a product fails.
    fn failing(&self, columns: &SegmentColumns, prices: &[i64], doc: DocId) -> u64 {
        if self.required == 0 {
            return 0;
        }
        let mut passed = 0;
        if let Some((min, max)) = self.price {
            let price = prices.get(doc as usize).copied().unwrap_or(NO_PRICE);
            if price != NO_PRICE && (min..=max).contains(&price) {
                passed |= PRICE_BIT;
            }
        }
        if !self.accepting.set.is_empty() {
            for value in columns.facets(doc) {
                passed |= self.accepting.bits(*value);
            }
        }
        self.required & !passed
    }

    /// Sorts what matches the words into what passes all filters and what nearly does.
    pub(super) fn apply(&self, snapshot: &Snapshot, matches: &Matches, facets: bool) -> Filtered {
        let mut filtered =
            Filtered { hits: Vec::new(), near: self.groups.iter().map(|_| Vec::new()).collect() };
        for ((segment, columns), candidates) in (0..).zip(&snapshot.segments).zip(&matches.segments)
        {
            let prices = columns.prices(self.currency);
            for candidate in candidates {
                let failing = self.failing(columns, prices, candidate.doc);
                let hit = Hit { segment, doc: candidate.doc, rank: candidate.rank };
                if failing == 0 {
                    filtered.hits.push(hit);
                } else if facets {
                    let fails_in = self.groups.iter().position(|group| failing & !group.bits == 0);
                    if let Some(near) = fails_in.and_then(|group| filtered.near.get_mut(group)) {
                        near.push(hit);
                    }
                }
            }
        }
        filtered
    }
}

/// The values of a field that a chosen text accepts: the value itself (`15.6 in`), for a number
/// (`15.6`) that number in any unit, and for a range (`1..2.5`, `..2.5`, `1..`, both ends
/// inclusive) every number in it.
fn accepted(vocabulary: &Vocabulary, field: FieldId, text: &str) -> Vec<ValueId> {
    let text = super::document::clean(text);
    let mut values: Vec<ValueId> = vocabulary.value(field, &text).into_iter().collect();
    let alone = || text.parse().ok().map(Decimal::as_millionths).map(|number| (number, number));
    if let Some((min, max)) = parse_range(&text).or_else(alone) {
        let in_range = |value: &ValueId| {
            let number = vocabulary.number(*value);
            number.is_some_and(|number| (min..=max).contains(&number))
        };
        let all = vocabulary.values_of(field).iter().copied();
        values.extend(all.filter(in_range));
    }
    values
}

/// The millionths of a range of numbers.
fn parse_range(text: &str) -> Option<(i64, i64)> {
    let (min, max) = text.split_once("..")?;
    let end = |text: &str, open: i64| match text {
        "" => Some(open),
        text => text.parse().ok().map(Decimal::as_millionths),
    };
    (min.len() + max.len() > 0).then_some(())?;
    Some((end(min, i64::MIN)?, end(max, i64::MAX)?))
}

/// The products of a query.
pub(super) struct Filtered {
    /// Those that pass all filters.
    pub(super) hits: Vec<Hit>,
    /// For each group of filters, those that fail in it alone.
    near: Vec<Vec<Hit>>,
}

/// A value and how many products have it.
type Counted = (ValueId, u64);

/// How many products have each value.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: Vec<u32>,
    /// The values with a count.
    touched: Vec<ValueId>,
}

impl Counter {
    fn reset(&mut self, values: usize) {
        for value in self.touched.drain(..) {
            if let Some(count) = self.counts.get_mut(value as usize) {
                *count = 0;
            }
        }
        self.counts.resize(values, 0);
    }

    fn add(&mut self, values: &[ValueId]) {
        for value in values {
            if let Some(count) = self.counts.get_mut(*value as usize) {
                if *count == 0 {
                    self.touched.push(*value);
                }
                *count += 1;
            }
        }
    }
}

/// Counts the facets of what was found.
pub(super) fn count(
    snapshot: &Snapshot,
    vocabulary: &Vocabulary,
    filters: &Filters,
    filtered: &Filtered,
    counter: &mut Counter,
) -> Vec<Facet> {
    counter.reset(vocabulary.values_len());
    for hit in &filtered.hits {
        if let Some(columns) = snapshot.segments.get(hit.segment as usize) {
            counter.add(columns.facets(hit.doc));
        }
    }
    let Counter { counts, touched } = counter;

    let mut fields = vec![Vocabulary::CATEGORY, Vocabulary::BRAND, Vocabulary::IN_STOCK];
    for group in &filters.groups {
        if let Subject::Field(Some(field)) = group.subject
            && !fields.contains(&field)
        {
            fields.push(field);
        }
    }
    let products = filtered.hits.len() as u64;
    let most_telling = most_telling(vocabulary, counts, touched, products);
    for field in most_telling {
        // The first three are no attributes.
        if fields.len() < 3 + ATTRIBUTES && !fields.contains(&field) {
            fields.push(field);
        }
    }

    let mut slots = vec![u8::MAX; vocabulary.fields_len()];
    for (slot, field) in (0..).zip(&fields) {
        if let Some(entry) = slots.get_mut(*field as usize) {
            *entry = slot;
        }
    }
    let mut values: Vec<Vec<Counted>> = fields.iter().map(|_| Vec::new()).collect();
    for value in touched.iter().copied() {
        let slot = slots.get(vocabulary.field_of(value) as usize);
        if let Some(list) = slot.and_then(|slot| values.get_mut(usize::from(*slot))) {
            list.push((value, u64::from(at(counts, value))));
        }
    }

    let mut facets = Vec::new();
    for (index, (field, mut list)) in fields.into_iter().zip(values).enumerate() {
        let subject = Subject::Field(Some(field));
        let group = filters.groups.iter().position(|group| group.subject == subject);
        let near = group.and_then(|group| filtered.near.get(group));
        add_near(snapshot, vocabulary, field, near, &mut list);
        let chosen = group
            .and_then(|group| filters.groups.get(group))
            .map_or(&[][..], |group| &group.chosen);
        facets.extend(facet(vocabulary, field, list, chosen));
        if index == 1 {
            facets.extend(price_facet(snapshot, filters, filtered));
        }
    }
    facets
}

/// Attribute fields by how much choosing one of their values narrows the results down: by the
/// share of products that have them and the evenness of their values.
fn most_telling(
    vocabulary: &Vocabulary,
    counts: &[u32],
    touched: &[ValueId],
    products: u64,
) -> Vec<FieldId> {
    #[derive(Default, Clone, Copy)]
    struct Spread {
        products: f64,
        squares: f64,
        values: u32,
        numbers: u32,
    }
    let mut spreads = vec![Spread::default(); vocabulary.fields_len()];
    for value in touched {
        let count = f64::from(at(counts, *value));
        if let Some(spread) = spreads.get_mut(vocabulary.field_of(*value) as usize) {
            spread.products += count;
            spread.squares += count * count;
            spread.values += 1;
            spread.numbers += u32::from(vocabulary.number(*value).is_some());
        }
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of products needs no more than 15 digits"
    )]
    let products = products.max(1) as f64;
    let mut telling: Vec<(f64, FieldId)> = (0..)
        .zip(&spreads)
        .filter(|(field, spread)| *field > Vocabulary::IN_STOCK && spread.values > 1)
        .map(|(field, spread)| {
            let coverage = (spread.products / products).min(1.0);
            let evenness = 1.0 - spread.squares / (spread.products * spread.products);
            // Values that each product has for itself (part numbers) are no choice, unless they
            // are few; numbers become ranges, a coarser choice than names.
            let repeated = 1.0 - f64::from(spread.values) / spread.products;
            let (kind, least) = match (spread.numbers, spread.values as usize) {
                (0, ..=VALUES) => (1.0, 0.02),
                (0, _) => (1.0, 0.0),
                _ => (0.7, 0.3),
            };
            let repeated = repeated.max(least);
            (coverage * evenness * repeated * kind, field)
        })
        .filter(|(score, _)| *score > 0.0)
        .collect();
    telling.sort_unstable_by(|a, b| {
        let name = |field| vocabulary.field_name(field);
        b.0.total_cmp(&a.0).then_with(|| name(a.1).cmp(name(b.1)))
    });
    telling.into_iter().take(ATTRIBUTES).map(|(_, field)| field).collect()
}

/// Adds the products that fail only in the choice of this field.
fn add_near(
    snapshot: &Snapshot,
    vocabulary: &Vocabulary,
    field: FieldId,
    near: Option<&Vec<Hit>>,
    list: &mut Vec<Counted>,
) {
    let mut more: HashMap<ValueId, u64> = HashMap::new();
    for hit in near.into_iter().flatten() {
        if let Some(columns) = snapshot.segments.get(hit.segment as usize) {
            for value in columns.facets(hit.doc) {
                if vocabulary.field_of(*value) == field {
                    *more.entry(*value).or_default() += 1;
                }
            }
        }
    }
    for (value, count) in list.iter_mut() {
        *count += more.remove(value).unwrap_or(0);
    }
    list.extend(more);
}

/// The facet of a field, if there is anything to choose.
fn facet(
    vocabulary: &Vocabulary,
    field: FieldId,
    mut list: Vec<Counted>,
    chosen: &[String],
) -> Option<Facet> {
    let mut values = match numbers(vocabulary, &list) {
        Some(mut numbers) => {
            numbers.sort_unstable();
            if numbers.len() > DISTINCT_NUMBERS {
                ranges(vocabulary, &numbers)
            } else {
                let ascending = numbers.iter().map(|(_, value, count)| (*value, *count));
                ascending.map(|counted| shown(vocabulary, counted)).collect()
            }
        }
        None => {
            let text = |value| vocabulary.text(value);
            list.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| text(a.0).cmp(text(b.0))));
            let top = list.iter().take(VALUES);
            top.map(|counted| shown(vocabulary, *counted)).collect::<Vec<_>>()
        }
    };
    for text in chosen {
        let text = super::document::clean(text);
        if values.iter().any(|value| value.value == text) {
            continue;
        }
        let accepted = accepted(vocabulary, field, &text);
        let Some(first) = accepted.first() else {
            continue;
        };
        let count =
            list.iter().filter(|(value, _)| accepted.contains(value)).map(|(_, count)| count).sum();
        let label = match vocabulary.value(field, &text) {
            Some(value) => vocabulary.label(value).to_owned(),
            None => range_label(&text, unit(vocabulary, *first)),
        };
        // It must stay visible to be taken back, in place of the least of the others.
        values.truncate(VALUES - 1);
        values.push(FacetValue { value: text, label, count });
    }
    let is_attribute = field > Vocabulary::IN_STOCK;
    if values.is_empty() || (is_attribute && chosen.is_empty() && values.len() < 2) {
        return None;
    }
    Some(Facet {
        field: vocabulary.field_name(field).to_owned(),
        label: vocabulary.field_label(field).to_owned(),
        values,
    })
}

fn shown(vocabulary: &Vocabulary, (value, count): Counted) -> FacetValue {
    FacetValue {
        value: vocabulary.text(value).to_owned(),
        label: vocabulary.label(value).to_owned(),
        count,
    }
}

/// The unit of a number, empty if it has none.
fn unit(vocabulary: &Vocabulary, value: ValueId) -> &str {
    let text = vocabulary.text(value);
    text.split_once(' ').map_or("", |(_, unit)| unit)
}

/// The values as numbers, if all are numbers of one unit.
fn numbers(vocabulary: &Vocabulary, list: &[Counted]) -> Option<Vec<(i64, ValueId, u64)>> {
    let unit_of_all = unit(vocabulary, list.first()?.0);
    list.iter()
        .map(|(value, count)| {
            let number = vocabulary.number(*value)?;
            (unit(vocabulary, *value) == unit_of_all).then_some((number, *value, *count))
        })
        .collect()
}

/// Cuts ascending numbers into at most [`RANGES`] ranges with about as many products each. Their
/// ends are numbers that occur, so that no product lies between two ranges or in both.
fn ranges(vocabulary: &Vocabulary, numbers: &[(i64, ValueId, u64)]) -> Vec<FacetValue> {
    let mut left: u64 = numbers.iter().map(|(_, _, count)| count).sum();
    let mut ranges = Vec::new();
    let mut rest = numbers;
    for still in (1..=RANGES as u64).rev() {
        let aim = left.div_ceil(still);
        let mut count = 0;
        let mut length = 0;
        for (_, _, products) in rest {
            if length > 0 && still > 1 && count + products / 2 >= aim {
                break;
            }
            count += products;
            length += 1;
        }
        let Some((range, after)) = rest.split_at_checked(length) else {
            break;
        };
        let (Some(first), Some(last)) = (range.first(), range.last()) else {
            break;
        };
        let decimal = Decimal::from_millionths;
        let value = format!("{}..{}", decimal(first.0), decimal(last.0));
        ranges.push(FacetValue {
            label: range_label(&value, unit(vocabulary, first.1)),
            value,
            count,
        });
        left -= count;
        rest = after;
    }
    ranges
}

fn range_label(range: &str, unit: &str) -> String {
    let (min, max) = range.split_once("..").unwrap_or((range, range));
    let text = match (min, max) {
        ("", max) => format!("up to {max}"),
        (min, "") => format!("from {min}"),
        (min, max) if min == max => min.to_owned(),
        (min, max) => format!("{min} – {max}"),
    };
    if unit.is_empty() { text } else { format!("{text} {unit}") }
}

/// Price ranges of what passes all filters but the price.
fn price_facet(snapshot: &Snapshot, filters: &Filters, filtered: &Filtered) -> Option<Facet> {
    let group = filters.groups.iter().position(|group| group.subject == Subject::Price);
    let near = group.and_then(|group| filtered.near.get(group));
    let hits = filtered.hits.iter().chain(near.into_iter().flatten());
    let columns: Vec<&[i64]> =
        snapshot.segments.iter().map(|columns| columns.prices(filters.currency)).collect();
    let prices = hits
        .filter_map(|hit| columns.get(hit.segment as usize)?.get(hit.doc as usize))
        .copied()
        .filter(|price| *price != NO_PRICE)
        .collect();
    let values = prices::ranges(prices, filters.currency);
    (!values.is_empty()).then(|| Facet {
        field: "price".to_owned(),
        label: "Price".to_owned(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_numbers_are_read() {
        assert_eq!(parse_range("1..2.5"), Some((1_000_000, 2_500_000)));
        assert_eq!(parse_range("..2"), Some((i64::MIN, 2_000_000)));
        assert_eq!(parse_range("-3.."), Some((-3_000_000, i64::MAX)));
        for text in ["..", "1", "a..b", ""] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }
}
