//! Storefront pages against static answers of the same size.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Bench, mean_rate, micros_each};
use crate::catalogue::encoded;
use crate::load::{Prepared, Until, gets};
use crate::report::{Figure, Section, millis, quantity};

/// Pages that are read at random.
const PAGES: usize = 2_000;

/// Measures product and category pages.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    let seed = bench.options.seed;
    let products = bench.catalogue.some_handles(PAGES, seed);
    let products = paths("/products/", &products);
    let categories: Vec<&str> = bench.catalogue.categories.iter().map(String::as_str).collect();
    let categories = paths("/categories/", &categories);
    let mut section = Section {
        name: "reads",
        title: "Reads",
        figures: Vec::new(),
        details: vec![
            [
                "pages",
                "bytes",
                "first visit/s",
                "pages/s",
                "static/s",
                "p50 ms",
                "p99 ms",
                "CPU of the shop µs",
            ]
            .map(String::from)
            .to_vec(),
        ],
    };
    for (name, all) in [("product", &products), ("category", &categories)] {
        let hot = all.get(..1).context("no pages to read")?;
        page(bench, format!("one {name} page"), hot, &mut section)?;
        page(bench, format!("{} {name} pages at random", all.len()), all, &mut section)?;
    }
    Ok(section)
}

fn paths(prefix: &str, handles: &[&str]) -> Vec<String> {
    handles.iter().map(|handle| format!("{prefix}{}", encoded(handle))).collect()
}

/// Measures some pages between two measurements of a static answer of their mean size.
fn page(bench: &Bench, name: String, paths: &[String], section: &mut Section) -> Result<()> {
    let users = bench.options.connections;
    eprintln!("reads: {name}");
    let mut pool = bench.pool(users)?;
    let once = Until::Done { within: Duration::from_secs(300) };
    let first = pool.run(&mut Prepared::once(gets(paths)), once)?.must_be_clean(&name)?;
    let bytes = usize::try_from(first.body_bytes / first.requests().max(1))?;
    let server = bench.static_server(bytes)?;
    let before = bench.bare(&server, users)?;
    let measured = pool
        .run(&mut Prepared::at_random(gets(paths), bench.options.seed), bench.share(2))?
        .must_be_clean(&name)?;
    let after = bench.bare(&server, users)?;
    let fixed = mean_rate(&[before, after]);
    let rate = measured.requests_per_second();
    section.figures.push(Figure::at_least(
        format!("{name}, share of a static answer of {bytes} bytes"),
        40.0,
        100.0 * rate / fixed,
        "%",
    ));
    let summary = measured.kind("request").latencies.summary();
    section.details.push(vec![
        name,
        bytes.to_string(),
        quantity(first.requests_per_second(), ""),
        quantity(rate, ""),
        quantity(fixed, ""),
        format!("{:.2}", millis(summary.p50)),
        format!("{:.2}", millis(summary.p99)),
        quantity(micros_each(measured.server_cpu, measured.requests()), ""),
    ]);
    Ok(())
}
