//! Search with facets over the API, with queries that shoppers could type.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Bench, micros_each};
use crate::catalogue::{Catalogue, encoded};
use crate::load::{Prepared, gets};
use crate::report::{Figure, Section, kinds_table, millis, quantity};
use crate::rng::Rng;

/// Shoppers who search at the same time.
const USERS: usize = 16;
/// Different queries; more than a cache of answers could make up for.
const QUERIES: usize = 20_000;
/// Results of one page.
const LIMIT: usize = 24;

/// Measures searches.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    eprintln!("search: {USERS} users");
    let paths = queries(&bench.catalogue, bench.options.seed);
    must_have_facets(bench, &paths)?;
    let measured = bench
        .pool(USERS)?
        .run(&mut Prepared::at_random(gets(&paths), bench.options.seed), bench.share(2))?
        .must_be_clean("search")?;
    let summary = measured.kind("request").latencies.summary();
    Ok(Section {
        name: "search",
        title: "Search",
        figures: vec![
            Figure::below(
                format!("p99 at {USERS} connections, {} different queries", paths.len()),
                20.0,
                millis(summary.p99),
                "ms",
            ),
            Figure::told("p50", quantity(millis(summary.p50), "ms")),
            Figure::told("searches", quantity(measured.requests_per_second(), "/s")),
            Figure::told(
                "CPU of the shop a search",
                quantity(micros_each(measured.server_cpu, measured.requests()), "µs"),
            ),
        ],
        details: kinds_table(measured.kinds.into_iter()),
    })
}

/// A search without facets or without results would be fast and worth nothing.
fn must_have_facets(bench: &Bench, paths: &[String]) -> Result<()> {
    let mut client = bench.client()?;
    let mut found = 0;
    let sample = paths.iter().take(100);
    let asked = sample.len();
    for path in sample {
        let answer: Value = client.get(path)?;
        let length = |name: &str| answer.get(name).and_then(Value::as_array).map(Vec::len);
        let items = length("items").context("a search without items")?;
        let facets = length("facets").context("a search without facets")?;
        found += usize::from(items > 0 && facets > 0);
    }
    if found * 2 < asked {
        bail!("only {found} of {asked} searches found something and had facets");
    }
    Ok(())
}

/// One to three words of a title, half of them narrowed or sorted as a shopper might.
fn queries(catalogue: &Catalogue, seed: u64) -> Vec<String> {
    let mut rng = Rng::new(seed);
    let mut paths = BTreeSet::new();
    // Small catalogues have fewer different queries than are asked for.
    for _ in 0..QUERIES * 4 {
        let Some(title) = rng.pick(&catalogue.titles) else {
            break;
        };
        let words = words_of(title);
        let count = rng.below(3) + 1;
        let from = rng.below(words.len().saturating_sub(count) + 1);
        let query: Vec<&str> = words.iter().skip(from).take(count).copied().collect();
        if query.is_empty() {
            continue;
        }
        let narrowed = match rng.below(8) {
            0 => "&in_stock=true".to_owned(),
            1 => "&price_min=1000&price_max=50000".to_owned(),
            2 => "&sort=price".to_owned(),
            3 => match rng.pick(&catalogue.categories) {
                Some(category) => format!("&category={}", encoded(category)),
                None => String::new(),
            },
            _ => String::new(),
        };
        let query = encoded(&query.join(" ").to_lowercase());
        paths.insert(format!("/api/v1/products?q={query}&limit={LIMIT}{narrowed}"));
        if paths.len() == QUERIES {
            break;
        }
    }
    paths.into_iter().collect()
}

/// Words that a shopper would type.
fn words_of(title: &str) -> Vec<&str> {
    title.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3).collect()
}

#[cfg(test)]
mod tests {
    use super::{QUERIES, queries, words_of};
    use crate::catalogue::Catalogue;

    #[test]
    fn words_are_split_and_short_ones_left_out() {
        assert_eq!(words_of("HP 15-inch Laptop, 8 GB (é)"), ["inch", "Laptop"]);
        assert!(words_of("a b c").is_empty());
    }

    #[test]
    fn queries_are_different_and_a_seed_repeats_them() {
        let catalogue = Catalogue {
            handles: Vec::new(),
            titles: (0..9_000).map(|n| format!("red{n} green{n} blue{n} lamp")).collect(),
            variants: Vec::new(),
            categories: vec!["lamps & light".to_owned()],
        };
        let paths = queries(&catalogue, 5);
        assert_eq!(paths.len(), QUERIES);
        assert!(paths.iter().any(|path| path.ends_with("&category=lamps%20%26%20light")));
        assert!(paths.iter().all(|path| !path.contains(' ')));
        assert_eq!(paths, queries(&catalogue, 5));
        assert_ne!(paths, queries(&catalogue, 6));
    }
}
