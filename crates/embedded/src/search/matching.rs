//! Which products match the words of a query, and how well.
//!
//! Words are resolved once against the dictionary of the whole index (other grammatical numbers,
//! joined and split spellings, typing errors), then the postings of the resolved terms are added
//! up in flat arrays, one segment at a time. A product's rank is the number of query words it
//! has, then the sum over words of their rarity (idf) times the weights of the fields they stand
//! in (BM25 saturation and length normalisation in each field).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use tantivy::postings::Postings as _;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet as _, SegmentReader, TERMINATED, Term};

use super::Snapshot;
use super::analysis::{Analyzed, analyze, is_stop_word, normalize_code, number_forms};
use super::columns::at;
use super::document::Scored;

/// Query words that are looked at; the rest is ignored.
const MAX_WORDS: usize = 24;
/// BM25: how late repetition stops counting. Later than in prose: in the short texts of a
/// catalogue a word that comes twice is what the product is, not what it goes with.
const K1: f32 = 3.0;
/// Weight of another grammatical number of the word typed.
const NUMBER_FORM: f32 = 1.0;
/// Weight of a completion of the last word.
const COMPLETION: f32 = 0.7;
/// Most completions of one word.
const COMPLETIONS: usize = 12;
/// Most spellings tried for one unknown word.
const CORRECTIONS: usize = 3;
/// Weight of what a rare word may have been meant to be.
const RARE_CORRECTION: f32 = 0.3;
/// How many times more frequent that must be.
const RARE_RATIO: u64 = 100;
/// Terms visited at most for one prefix.
const PREFIX_TERMS: usize = 20_000;
/// Score of a product whose code is exactly what was typed.
const EXACT_CODE: f32 = 100_000.0;

/// How much a match in a field counts, and how much the field's length.
const fn weight(field: Scored) -> (f32, f32) {
    match field {
        Scored::Title => (5.0, 0.5),
        Scored::Brand => (2.0, 0.2),
        Scored::Kind => (5.0, 0.3),
        Scored::Attributes => (0.7, 0.7),
        Scored::Description => (1.0, 0.6),
        Scored::Codes => (2.0, 0.0),
    }
}

/// A product that matches the words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) doc: DocId,
    /// Higher is better.
    pub(super) rank: u64,
}

/// What matches the words, before any filter.
pub(super) struct Matches {
    /// For each segment, by document number.
    pub(super) segments: Vec<Vec<Candidate>>,
    /// The words after correction, if any was corrected.
    pub(super) corrected: Option<String>,
}

/// A set of terms that stand for one or more query words.
#[derive(Debug)]
struct Unit {
    terms: Vec<(String, f32)>,
    /// The query words that a match satisfies, as bits.
    words: u32,
    /// Products that have the most frequent of the terms.
    frequency: u64,
}

/// A query resolved against the dictionary.
struct Resolved {
    units: Vec<Unit>,
    /// The words that should be matched, as bits.
    wanted: u32,
    code: String,
    corrected: Option<String>,
}

/// Finds what matches `text`. Of the products that have most of its words, all are given; an
/// empty text matches everything.
pub(super) fn find(snapshot: &Snapshot, text: &str, tally: &mut Tally) -> tantivy::Result<Matches> {
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Ok(everything(snapshot));
    }
    let resolved = Resolver { snapshot }.resolve(text)?;
    score(snapshot, &resolved, tally)
}

fn everything(snapshot: &Snapshot) -> Matches {
    let all = |reader: &SegmentReader| {
        reader.doc_ids_alive().map(|doc| Candidate { doc, rank: 0 }).collect()
    };
    Matches {
        segments: snapshot.searcher.segment_readers().iter().map(all).collect(),
        corrected: None,
    }
}

struct Resolver<'a> {
    snapshot: &'a Snapshot,
}

impl Resolver<'_> {
    fn resolve(&self, text: &str) -> tantivy::Result<Resolved> {
        let Analyzed { mut words, mut joins } = analyze(text);
        words.truncate(MAX_WORDS);
        joins.retain(|(_, range)| range.end <= words.len());
        let complete = text.ends_with(char::is_whitespace);

        // Two words that are often written as one: `smart watch`.
        for (index, pair) in words.windows(2).enumerate() {
            if !pair.iter().any(|word| is_stop_word(word)) {
                joins.push((pair.concat(), index..index + 2));
            }
        }
        let mut units = Vec::new();
        let mut joined = 0;
        for (term, range) in joins {
            let frequency = self.frequency(&term)?;
            if frequency > 0 {
                joined |= bits(range.clone());
                units.push(Unit { terms: vec![(term, 1.0)], words: bits(range), frequency });
            }
        }

        let only_stop_words = words.iter().all(|word| is_stop_word(word));
        let mut wanted = 0;
        let mut shown = words.clone();
        let mut corrected = false;
        for (index, word) in words.iter().enumerate() {
            let bit = bits(index..index + 1);
            if only_stop_words || !is_stop_word(word) {
                wanted |= bit;
            }
            let mut terms = self.forms(word)?;
            let frequency = best_frequency(&terms);
            let mut terms_of_unit: Vec<(String, f32)> = terms
                .drain(..)
                .map(|(term, _)| {
                    let weight = if term == *word { 1.0 } else { NUMBER_FORM };
                    (term, weight)
                })
                .collect();
            let mut unit_frequency = frequency;
            if frequency == 0 && joined & bit == 0 {
                if let Some(parts) = self.split(word)? {
                    for (part, frequency) in parts {
                        // Both parts share the bit: either counts, both rank higher.
                        units.push(Unit { terms: vec![(part, 1.0)], words: bit, frequency });
                    }
                    continue;
                }
                let last = index + 1 == words.len() && !complete;
                let guesses = self.guess(word, last)?;
                if let Some(best) = guesses.terms.first() {
                    unit_frequency = self.frequency(&best.0)?;
                    if guesses.corrected
                        && let Some(slot) = shown.get_mut(index)
                    {
                        best.0.clone_into(slot);
                        corrected = true;
                    }
                }
                terms_of_unit = guesses.terms;
            } else if frequency <= self.rare() && joined & bit == 0 {
                terms_of_unit.extend(self.doubt(word, frequency)?);
            }
            if !terms_of_unit.is_empty() {
                units.push(Unit { terms: terms_of_unit, words: bit, frequency: unit_frequency });
            }
        }
        Ok(Resolved {
            units,
            wanted,
            code: normalize_code(text),
            corrected: corrected.then(|| shown.join(" ")),
        })
    }

    /// How many products have a term.
    fn frequency(&self, term: &str) -> tantivy::Result<u64> {
        let term = Term::from_field_text(self.snapshot.fields.all, term);
        self.snapshot.searcher.doc_freq(&term)
    }

    /// The word and its other grammatical numbers, those that occur, with how many products have
    /// them.
    fn forms(&self, word: &str) -> tantivy::Result<Vec<(String, u64)>> {
        let mut forms = vec![word.to_owned()];
        forms.extend(number_forms(word));
        let mut known = Vec::new();
        for form in forms {
            let frequency = self.frequency(&form)?;
            if frequency > 0 {
                known.push((form, frequency));
            }
        }
        Ok(known)
    }

    /// Two known words that were written as one: `powerbank`.
    fn split(&self, word: &str) -> tantivy::Result<Option<[(String, u64); 2]>> {
        const SHORTEST: usize = 3;
        if word.chars().count() < 2 * SHORTEST || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return Ok(None);
        }
        let mut best: Option<[(String, u64); 2]> = None;
        for middle in SHORTEST..=word.len() - SHORTEST {
            let Some((left, right)) = word.split_at_checked(middle) else {
                continue;
            };
            let (left_frequency, right_frequency) = (self.frequency(left)?, self.frequency(right)?);
            let rarer = left_frequency.min(right_frequency);
            let rarer_so_far = best.as_ref().map_or(0, |[left, right]| left.1.min(right.1));
            // Rare fragments are accidents of a typing error rather than words.
            if rarer > rarer_so_far && rarer >= self.common() {
                best =
                    Some([(left.to_owned(), left_frequency), (right.to_owned(), right_frequency)]);
            }
        }
        Ok(best)
    }

    /// From how many products on a word is common rather than an accident.
    fn common(&self) -> u64 {
        (self.snapshot.searcher.num_docs() / 1_000).max(1)
    }

    /// Up to how many products a word is so rare that it may be a typing error.
    fn rare(&self) -> u64 {
        self.snapshot.searcher.num_docs() / 5_000
    }

    /// What a rare word may have been meant to be: found as well, far below its own products.
    fn doubt(&self, word: &str, frequency: u64) -> tantivy::Result<Option<(String, f32)>> {
        if word.chars().count() < 3 || word.bytes().any(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let corrections = self.corrections_within(word, 1)?;
        let likely = corrections.into_iter().find(|(term, times)| {
            *times >= frequency * RARE_RATIO && term.chars().next() == word.chars().next()
        });
        Ok(likely.map(|(term, _)| (term, RARE_CORRECTION)))
    }

    /// What an unknown word may have been meant to be.
    fn guess(&self, word: &str, last: bool) -> tantivy::Result<Guesses> {
        let letters = word.chars().count();
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        let mut completions = Vec::new();
        // Model numbers are often typed without their end, wherever they stand.
        if letters >= 3 && (last || has_digit) {
            let field = self.snapshot.fields.all;
            completions = prefix_terms(self.snapshot, field, word, COMPLETIONS)?;
        }
        let mut corrections = Vec::new();
        // Another digit is another product, not a typing error.
        if letters >= 3 && !has_digit {
            corrections = self.corrections(word)?;
        }
        let popular = |guesses: &[(String, u64)]| guesses.first().map_or(0, |guess| guess.1);
        if !completions.is_empty() && popular(&completions) * 5 >= popular(&corrections) {
            return Ok(Guesses {
                terms: completions.into_iter().map(|(term, _)| (term, COMPLETION)).collect(),
                corrected: false,
            });
        }
        let mut terms = Vec::new();
        for ((term, _), weight) in corrections.into_iter().zip([1.0, 0.4, 0.3]) {
            terms.push((term, weight));
        }
        if let Some((best, _)) = terms.first().cloned() {
            for (form, _) in self.forms(&best)? {
                if !terms.iter().any(|(known, _)| *known == form) {
                    terms.push((form, NUMBER_FORM));
                }
            }
        }
        Ok(Guesses { corrected: !terms.is_empty(), terms })
    }

    /// Terms within a few typing errors of `word`, the likeliest first, with their frequency.
    fn corrections(&self, word: &str) -> tantivy::Result<Vec<(String, u64)>> {
        let near = self.corrections_within(word, 1)?;
        // Two errors are rare, and looking for them takes ten times as long.
        if !near.is_empty() || word.chars().count() < 8 {
            return Ok(near);
        }
        self.corrections_within(word, 2)
    }

    fn corrections_within(&self, word: &str, errors: u8) -> tantivy::Result<Vec<(String, u64)>> {
        let field = self.snapshot.fields.all;
        let query = FuzzyTermQuery::new(Term::from_field_text(field, word), errors, true);
        let mut found: HashMap<String, u64> = HashMap::new();
        for reader in self.snapshot.searcher.segment_readers() {
            let index = reader.inverted_index(field)?;
            let mut stream = index.terms().search(query.automaton()?).into_stream()?;
            while stream.advance() {
                let Ok(term) = std::str::from_utf8(stream.key()) else {
                    continue;
                };
                let has_digit = term.bytes().any(|byte| byte.is_ascii_digit());
                if term != word && !has_digit && !is_stop_word(term) {
                    *found.entry(term.to_owned()).or_default() +=
                        u64::from(stream.value().doc_freq);
                }
            }
        }
        let mut scored: Vec<(f32, String, u64)> = found
            .into_iter()
            .map(|(term, frequency)| (likelihood(word, &term, frequency), term, frequency))
            .collect();
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        scored.truncate(CORRECTIONS);
        Ok(scored.into_iter().map(|(_, term, frequency)| (term, frequency)).collect())
    }
}

struct Guesses {
    terms: Vec<(String, f32)>,
    /// Whether they replace the word, rather than complete it.
    corrected: bool,
}

/// The most frequent terms of a field that begin with `prefix`, at most `most`, with how many
/// products have them; equals in alphabetical order.
pub(super) fn prefix_terms(
    snapshot: &Snapshot,
    field: Field,
    prefix: &str,
    most: usize,
) -> tantivy::Result<Vec<(String, u64)>> {
    let mut found: HashMap<String, u64> = HashMap::new();
    for reader in snapshot.searcher.segment_readers() {
        // Only the best of each segment are made strings. Spares, because their sums decide.
        let mut best: BinaryHeap<Reverse<(u32, Reverse<String>)>> = BinaryHeap::new();
        let index = reader.inverted_index(field)?;
        let mut stream = index.terms().range().ge(prefix).into_stream()?;
        let mut visited = 0;
        while stream.advance() && visited < PREFIX_TERMS {
            if !stream.key().starts_with(prefix.as_bytes()) {
                break;
            }
            visited += 1;
            let frequency = stream.value().doc_freq;
            let full = best.len() >= most.saturating_mul(2);
            if full && best.peek().is_some_and(|least| least.0.0 >= frequency) {
                continue;
            }
            if let Ok(term) = std::str::from_utf8(stream.key()) {
                if full {
                    best.pop();
                }
                best.push(Reverse((frequency, Reverse(term.to_owned()))));
            }
        }
        for Reverse((frequency, Reverse(term))) in best {
            *found.entry(term).or_default() += u64::from(frequency);
        }
    }
    let mut found: Vec<(String, u64)> = found.into_iter().collect();
    found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(most);
    Ok(found)
}

/// How likely `term` was meant by `word`, in logarithms: frequent words are likelier, a second
/// error and an error in the first letter are not.
fn likelihood(word: &str, term: &str, frequency: u64) -> f32 {
    let errors = typing_errors(word, term);
    let mut likelihood = logarithm(frequency) - 3.0 * f32::from(u8::try_from(errors).unwrap_or(9));
    if word.chars().next() != term.chars().next() {
        likelihood -= 1.5;
    }
    likelihood
}

#[expect(
    clippy::cast_precision_loss,
    reason = "statistics of ranking need no more than six digits"
)]
fn logarithm(count: u64) -> f32 {
    (1.0 + count as f32).ln()
}

/// Letters to change, add, leave out or swap with their neighbour to make `to` out of `from`.
fn typing_errors(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (line, letter) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, other) in to.iter().enumerate() {
            let cell =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let mut best = (cell(&row, column) + usize::from(letter != *other))
                .min(cell(&row, column + 1) + 1)
                .min(cell(&next, column) + 1);
            if column > 0 && previous == Some(*other) && to.get(column - 1) == Some(&letter) {
                best = best.min(cell(&before, column - 1).saturating_add(1));
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

fn best_frequency(terms: &[(String, u64)]) -> u64 {
    terms.iter().map(|(_, frequency)| *frequency).max().unwrap_or(0)
}

/// A bit for each word of a range.
fn bits(range: Range<usize>) -> u32 {
    range.fold(0, |bits, word| bits | (1 << word.min(31)))
}

/// Statistics of a field over the whole index.
struct FieldStats {
    scored: Scored,
    field: Field,
    weight: f32,
    length_share: f32,
    average_length: f32,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "statistics of ranking need no more than six digits"
)]
fn field_stats(snapshot: &Snapshot) -> tantivy::Result<Vec<FieldStats>> {
    let mut stats = Vec::new();
    for scored in Scored::ALL {
        let field = snapshot.fields.scored(scored);
        let (mut tokens, mut docs) = (0, 0);
        for reader in snapshot.searcher.segment_readers() {
            tokens += reader.inverted_index(field)?.total_num_tokens();
            docs += u64::from(reader.max_doc());
        }
        let (weight, length_share) = weight(scored);
        stats.push(FieldStats {
            scored,
            field,
            weight,
            length_share,
            average_length: (tokens as f32 / docs.max(1) as f32).max(1.0),
        });
    }
    Ok(stats)
}

/// Adds up the postings of all units and keeps the products that match most words.
fn score(snapshot: &Snapshot, resolved: &Resolved, tally: &mut Tally) -> tantivy::Result<Matches> {
    let stats = field_stats(snapshot)?;
    let total = snapshot.searcher.num_docs();
    let mut segments = Vec::new();
    let mut most = 1;
    for reader in snapshot.searcher.segment_readers() {
        tally.reset(reader.max_doc());
        for unit in &resolved.units {
            let rarity = rarity(unit.frequency, total);
            for stats in &stats {
                for (term, weight) in &unit.terms {
                    tally.add(reader, stats, term, unit.words, rarity * weight)?;
                }
            }
        }
        if !resolved.code.is_empty() {
            tally.add_exact_code(reader, snapshot.fields.codes, resolved)?;
        }
        let candidates = tally.candidates(reader, resolved.wanted);
        let best = candidates.iter().map(|found| found.rank >> 32).max();
        most = most.max(best.unwrap_or(0));
        segments.push(candidates);
    }
    for candidates in &mut segments {
        candidates.retain(|found| found.rank >> 32 >= most);
    }
    Ok(Matches { segments, corrected: resolved.corrected.clone() })
}

/// BM25's inverse document frequency.
#[expect(
    clippy::cast_precision_loss,
    reason = "statistics of ranking need no more than six digits"
)]
fn rarity(frequency: u64, total: u64) -> f32 {
    let (frequency, total) = (frequency as f32, total.max(frequency) as f32);
    (1.0 + (total - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// Words matched and score of every document of a segment.
#[derive(Debug, Default)]
pub(super) struct Tally {
    words: Vec<u32>,
    scores: Vec<f32>,
}

impl Tally {
    fn reset(&mut self, max_doc: DocId) {
        self.words.clear();
        self.words.resize(max_doc as usize, 0);
        self.scores.clear();
        self.scores.resize(max_doc as usize, 0.0);
    }

    fn add(
        &mut self,
        reader: &SegmentReader,
        stats: &FieldStats,
        term: &str,
        words: u32,
        weight: f32,
    ) -> tantivy::Result<()> {
        let index = reader.inverted_index(stats.field)?;
        let term = Term::from_field_text(stats.field, term);
        let Some(mut postings) = index.read_postings(&term, IndexRecordOption::WithFreqs)? else {
            return Ok(());
        };
        let lengths = if stats.scored == Scored::Codes {
            None
        } else {
            Some(reader.get_fieldnorms_reader(stats.field)?)
        };
        let mut doc = postings.doc();
        while doc != TERMINATED {
            let count = f32::from(u16::try_from(postings.term_freq()).unwrap_or(u16::MAX));
            let length = lengths.as_ref().map_or(1.0, |lengths| {
                f32::from(u16::try_from(lengths.fieldnorm(doc)).unwrap_or(u16::MAX))
            });
            let share = stats.length_share;
            let norm = K1 * (1.0 - share + share * length / stats.average_length);
            self.hit(doc, words, weight * stats.weight * count / (count + norm));
            doc = postings.advance();
        }
        Ok(())
    }

    fn hit(&mut self, doc: DocId, words: u32, score: f32) {
        if let Some(slot) = self.words.get_mut(doc as usize) {
            *slot |= words;
        }
        if let Some(slot) = self.scores.get_mut(doc as usize) {
            *slot += score;
        }
    }

    fn add_exact_code(
        &mut self,
        reader: &SegmentReader,
        codes: Field,
        resolved: &Resolved,
    ) -> tantivy::Result<()> {
        let index = reader.inverted_index(codes)?;
        let term = Term::from_field_text(codes, &resolved.code);
        if let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? {
            let mut doc = postings.doc();
            while doc != TERMINATED {
                self.hit(doc, resolved.wanted, EXACT_CODE);
                doc = postings.advance();
            }
        }
        Ok(())
    }

    /// The living documents that match any wanted word.
    fn candidates(&self, reader: &SegmentReader, wanted: u32) -> Vec<Candidate> {
        let alive = reader.alive_bitset();
        (0..)
            .zip(&self.words)
            .filter(|(doc, words)| {
                *words & wanted != 0 && alive.is_none_or(|alive| alive.is_alive(*doc))
            })
            .map(|(doc, words)| {
                // Positive floats sort like their bits.
                let score = at(&self.scores, doc).max(0.0).to_bits();
                let matched = u64::from((words & wanted).count_ones());
                Candidate { doc, rank: matched << 32 | u64::from(score) }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_count_swaps_once() {
        for (from, to, errors) in [
            ("printer", "printer", 0),
            ("pritner", "printer", 1),
            ("prnter", "printer", 1),
            ("printter", "printer", 1),
            ("prinyer", "printer", 1),
            ("pintre", "printer", 2),
            ("", "abc", 3),
            ("ab", "", 2),
        ] {
            assert_eq!(typing_errors(from, to), errors, "{from} {to}");
        }
    }

    #[test]
    fn likelier_is_closer_then_more_frequent() {
        let printer = likelihood("prinetr", "printer", 900);
        assert!(printer > likelihood("prinetr", "printed", 900));
        assert!(printer > likelihood("prinetr", "printer", 9));
        assert!(printer > likelihood("prinetr", "brinetr", 900));
    }
}
