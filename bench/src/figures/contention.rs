//! Many buyers race for the last pieces of one variant.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::buyers::{Buyers, COMPLETE_KIND, Goal, Race};
use super::{Bench, checkout};
use crate::catalogue::{available, put_stock};
use crate::load::Until;
use crate::report::{Figure, Section, millis};

const BUYERS: usize = 1_000;
const STOCK: u32 = 100;
/// Races, each for another variant.
const ROUNDS: usize = 3;
const PATIENCE: Until = Until::Done { within: Duration::from_secs(120) };
/// How long the shop may show a stock that is no longer true.
const STALE: Duration = Duration::from_secs(2);

/// What the shop says of the stock of a variant.
#[derive(Deserialize)]
struct Level {
    reserved: i64,
    available: i64,
}

/// What all rounds add up to.
#[derive(Default)]
struct Totals {
    orders: u64,
    out_of_stock: u64,
    wrong: u64,
    lost: u64,
    server_errors: u64,
    left_over: u64,
}

/// Lets the buyers race.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    let (figures, details) = race(bench)?;
    Ok(Section { name: "contention", title: "Contention", figures, details })
}

/// Lets the buyers race at every process of the shop; gives figures and a table of the races.
pub(super) fn race(bench: &Bench) -> Result<(Vec<Figure>, Vec<Vec<String>>)> {
    eprintln!("contention: {ROUNDS} times {BUYERS} buyers for {STOCK} pieces");
    let method = checkout::shipping_method(&mut bench.client()?)?;
    let mut totals = Totals::default();
    let mut details = vec![
        ["round", "orders", "refused", "race ms", "p50 ms", "p99 ms", "max ms"]
            .map(String::from)
            .to_vec(),
    ];
    let mut first_wrong = None;
    for round in 0..ROUNDS {
        // Spread over the catalogue, and the same ones at every run.
        let at = (round + 1) * bench.catalogue.variants.len() / (ROUNDS + 1);
        let contested = bench.catalogue.variants.get(at..=at);
        let contested = contested.context("a catalogue with too few variants")?;
        let variant = contested.first().context("no variant")?;
        let stock = offer(bench, variant)?;
        let mut pool = bench.pool(BUYERS)?;
        let mut buyers =
            Buyers::new(BUYERS, Goal::OneReadyCart, contested, 1, &method, bench.options.seed);
        pool.run(&mut buyers, PATIENCE)?.must_be_clean("filling the carts of the race")?;
        let carts = buyers.ready_carts();
        if carts.len() != BUYERS {
            bail!("{} of {BUYERS} carts are ready (stock {stock})", carts.len());
        }
        let mut race = Race::new(carts);
        let measured = pool.run(&mut race, PATIENCE)?;
        totals.orders += race.orders;
        totals.out_of_stock += race.out_of_stock;
        totals.wrong += measured.wrong;
        totals.lost += measured.lost;
        totals.server_errors += measured.server_errors();
        totals.left_over += left_over(bench, variant)?;
        let summary = measured.kind(COMPLETE_KIND).latencies.summary();
        details.push(vec![
            (round + 1).to_string(),
            race.orders.to_string(),
            race.out_of_stock.to_string(),
            format!("{:.0}", millis(measured.window)),
            format!("{:.1}", millis(summary.p50)),
            format!("{:.1}", millis(summary.p99)),
            format!("{:.1}", millis(summary.max)),
        ]);
        first_wrong = first_wrong.or(measured.first_wrong);
    }
    let rounds = u64::try_from(ROUNDS)?;
    let sold = u64::from(STOCK) * rounds;
    let buyers = u64::try_from(BUYERS)? * rounds;
    let figures = vec![
        Figure::exactly(
            format!("orders of {ROUNDS} races of {BUYERS} buyers for {STOCK} pieces"),
            sold,
            totals.orders,
        ),
        Figure::exactly("buyers refused with out_of_stock", buyers - sold, totals.out_of_stock),
        Figure::exactly("pieces left", 0, totals.left_over),
        Figure::exactly("answers with 5xx", 0, totals.server_errors),
        Figure::exactly("other wrong answers", 0, totals.wrong - totals.server_errors),
        Figure::exactly("lost connections", 0, totals.lost),
        Figure::holds("stoa doctor afterwards", "clean", bench.shop.doctor()),
        Figure::told("first wrong answer", first_wrong.unwrap_or("none".into())),
    ];
    Ok((figures, details))
}

/// Makes `STOCK` pieces available, beside those that orders of the other measurements wait for.
fn offer(bench: &Bench, variant: &crate::catalogue::Variant) -> Result<i64> {
    let mut on_hand = STOCK;
    loop {
        let request = put_stock(&variant.sku, on_hand, &bench.authorization);
        let level: Level = bench.client()?.json(&request)?;
        if level.available == i64::from(STOCK) {
            return Ok(level.available);
        }
        if on_hand != STOCK {
            bail!("{} shows {} of {STOCK} pieces", variant.sku, level.available);
        }
        on_hand += u32::try_from(level.reserved)?;
    }
}

/// What the shop shows as available, once caches had the time to follow.
fn left_over(bench: &Bench, variant: &crate::catalogue::Variant) -> Result<u64> {
    let begun = Instant::now();
    loop {
        let left = available(&mut bench.client()?, variant)?;
        if left == 0 || begun.elapsed() > STALE {
            return Ok(left.unsigned_abs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
