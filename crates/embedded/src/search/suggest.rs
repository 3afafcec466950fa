//! Completions of what is being typed: phrases of titles and names, categories, brands, products.

use stoa_ports::search::{Suggestion, SuggestionKind};
use tantivy::{DocSet as _, TERMINATED, Term, schema::IndexRecordOption};

use super::Snapshot;
use super::analysis::{analyze, is_stop_word};
use super::generation::Name;
use super::matching::prefix_terms;

/// Most completed terms of the last word that products are looked up by.
const LAST_WORDS: usize = 50;
/// Phrases looked at for each one given: many say the same.
const SPARE_PHRASES: usize = 4;
/// Most categories and most brands.
const NAMES: usize = 2;

/// What is typed, as phrases are written: words with single spaces.
struct Typed {
    /// The words before the last, with a space after each.
    before: String,
    /// The last word, perhaps unfinished; empty after a space.
    last: String,
    words: Vec<String>,
}

impl Typed {
    fn new(text: &str) -> Self {
        let words = analyze(text).words;
        let finished = text.ends_with(char::is_whitespace);
        let split = if finished { words.len() } else { words.len().saturating_sub(1) };
        let (before, last) = words.split_at_checked(split).unwrap_or_default();
        Self {
            before: before.iter().map(|word| format!("{word} ")).collect(),
            last: last.first().cloned().unwrap_or_default(),
            words,
        }
    }

    fn prefix(&self) -> String {
        format!("{}{}", self.before, self.last)
    }
}

/// At most `limit` completions, the best first.
pub(super) fn suggest(
    snapshot: &Snapshot,
    text: &str,
    limit: usize,
) -> tantivy::Result<Vec<Suggestion>> {
    let typed = Typed::new(text);
    if typed.words.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let prefix = typed.prefix();
    let mut categories = names(snapshot, true, &prefix);
    let mut brands = names(snapshot, false, &prefix);
    categories.truncate(limit / 2);
    brands.truncate(limit / 2);
    let mut phrases = phrases(snapshot, &typed, limit)?;
    phrases.retain(|phrase| !brands.iter().any(|brand| brand.words == *phrase));
    let mut products = products(snapshot, &typed, limit)?;

    // Half of the room is for phrases; what one kind leaves over, the next takes.
    let others = categories.len() + brands.len() + products.len().min(limit / 4);
    phrases.truncate((limit / 2).max(limit.saturating_sub(others)).max(1));
    let suggestion = |text: &str, kind| Suggestion { text: text.to_owned(), kind };
    let mut suggestions: Vec<Suggestion> =
        phrases.iter().map(|text| suggestion(text, SuggestionKind::Query)).collect();
    for category in categories {
        let kind = SuggestionKind::Category(category.value.clone());
        suggestions.push(suggestion(&category.label, kind));
    }
    for brand in brands {
        suggestions.push(suggestion(&brand.label, SuggestionKind::Brand));
    }
    products.truncate(limit.saturating_sub(suggestions.len()));
    suggestions.extend(products);
    suggestions.truncate(limit);
    Ok(suggestions)
}

/// The most frequent phrases that continue what is typed.
fn phrases(snapshot: &Snapshot, typed: &Typed, limit: usize) -> tantivy::Result<Vec<String>> {
    let field = snapshot.fields.phrases;
    let prefix = typed.prefix();
    let most = limit.saturating_mul(SPARE_PHRASES);
    let mut found = prefix_terms(snapshot, field, &prefix, most)?;
    found.retain(|(phrase, _)| *phrase != prefix);
    if found.is_empty() && !typed.last.is_empty() && !typed.before.is_empty() {
        // No title has these words in a row; complete the last word by itself.
        found = prefix_terms(snapshot, field, &typed.last, most)?
            .into_iter()
            .filter(|(phrase, _)| *phrase != typed.last && !phrase.contains(' '))
            .map(|(phrase, count)| (format!("{}{phrase}", typed.before), count))
            .collect();
    }
    let mut chosen: Vec<(String, u64)> = Vec::new();
    for (phrase, count) in found {
        // `laser jet` adds nothing where every `laser` is one; the longer phrase says more.
        let same = chosen.iter().position(|(known, known_count)| {
            *known_count == count
                && (phrase.starts_with(known.as_str()) || known.starts_with(&phrase))
        });
        if let Some(index) = same {
            if let Some((known, _)) = chosen.get_mut(index)
                && phrase.len() > known.len()
            {
                *known = phrase;
            }
        } else if chosen.len() < limit {
            chosen.push((phrase, count));
        } else {
            break;
        }
    }
    Ok(chosen.into_iter().map(|(phrase, _)| phrase).collect())
}

/// Categories or brands with a word that begins as typed: those that begin with it first, then
/// those with most products.
fn names<'a>(snapshot: &'a Snapshot, category: bool, prefix: &str) -> Vec<&'a Name> {
    let after_space = |name: &Name| {
        name.words
            .match_indices(prefix)
            .any(|(index, _)| name.words.get(..index).is_some_and(|before| before.ends_with(' ')))
    };
    let mut found: Vec<(bool, &Name)> = snapshot
        .names()
        .iter()
        .filter(|name| name.is_category == category)
        .map(|name| (!name.words.starts_with(prefix), name))
        .filter(|(later, name)| !later || after_space(name))
        .collect();
    found.sort_by_key(|(later, _)| *later);
    found.into_iter().take(NAMES).map(|(_, name)| name).collect()
}

/// Products whose title has all words typed, the last one perhaps unfinished: those with the
/// shortest titles first, because they say most of what was typed.
fn products(snapshot: &Snapshot, typed: &Typed, limit: usize) -> tantivy::Result<Vec<Suggestion>> {
    let field = snapshot.fields.title;
    let mut last: Vec<(String, u64)> = Vec::new();
    if !typed.last.is_empty() {
        last = prefix_terms(snapshot, field, &typed.last, LAST_WORDS)?;
    }
    let mut alternatives: Vec<Vec<String>> = Vec::new();
    let complete = typed.words.len() - usize::from(!typed.last.is_empty());
    for word in typed.words.iter().take(complete) {
        if !is_stop_word(word) {
            alternatives.push(vec![word.clone()]);
        }
    }
    if !typed.last.is_empty() {
        alternatives.push(last.into_iter().map(|(term, _)| term).collect());
    }
    if alternatives.is_empty() {
        return Ok(Vec::new());
    }

    let mut found: Vec<(u32, u128, usize, u32)> = Vec::new();
    for (segment, (reader, columns)) in
        snapshot.searcher.segment_readers().iter().zip(&snapshot.segments).enumerate()
    {
        let index = reader.inverted_index(field)?;
        let lengths = reader.get_fieldnorms_reader(field)?;
        let alive = reader.alive_bitset();
        let mut matched = vec![0_usize; reader.max_doc() as usize];
        for (round, terms) in alternatives.iter().enumerate() {
            for term in terms {
                let term = Term::from_field_text(field, term);
                let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)?
                else {
                    continue;
                };
                let mut doc = postings.doc();
                while doc != TERMINATED {
                    if let Some(slot) = matched.get_mut(doc as usize)
                        && *slot == round
                    {
                        *slot += 1;
                    }
                    doc = postings.advance();
                }
            }
        }
        for (doc, matched) in (0..).zip(&matched) {
            if *matched == alternatives.len() && alive.is_none_or(|alive| alive.is_alive(doc)) {
                found.push((lengths.fieldnorm(doc), columns.id(doc), segment, doc));
            }
        }
    }
    if found.len() > limit && limit > 0 {
        found.select_nth_unstable(limit);
        found.truncate(limit);
    }
    found.sort_unstable();
    found
        .into_iter()
        .filter_map(|(_, _, segment, doc)| {
            let columns = snapshot.segments.get(segment)?;
            Some((columns, doc))
        })
        .map(|(columns, doc)| {
            Ok(Suggestion {
                text: columns.title(doc)?,
                kind: SuggestionKind::Product(columns.handle(doc)?),
            })
        })
        .collect()
}
