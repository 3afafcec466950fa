//! What it costs to tell others of events, and how soon search knows of a change.
//!
//! Five follow the log: mails, search and the copies in memory within the server, and two readers,
//! each a process of its own with a durable place. What the readers cost is measured by checkouts
//! with and without them in turn; the three in the server cannot be taken away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::buyers::COMPLETE_KIND;
use super::checkout::buy;
use super::{Bench, mean_rate};
use crate::http::{Client, write_json};
use crate::load::Measurement;
use crate::report::{Figure, Section, millis, quantity};
use crate::samples::Latencies;

/// Processes that read the log.
const READERS: usize = 2;
/// Updates of products a second, and clients that send them.
const UPDATES: f64 = 500.0;
const UPDATERS: u32 = 8;
/// How long readers may take to have everything, and search to show a change.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a change shows.
const LOOK: Duration = Duration::from_millis(5);

/// Measures both.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    eprintln!("events: checkouts without readers and with");
    let (before, _orders) = buy(bench, 2)?;
    let mut readers = Vec::new();
    for n in 0..READERS {
        readers.push(bench.shop.reader(&format!("bench-{n}"))?);
    }
    let (begun, earlier) = (Instant::now(), lines(&readers));
    let (with, _orders) = buy(bench, 2)?;
    let told = lines(&readers).saturating_sub(earlier);
    let rate = told as f64 / begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    let late = caught_up(bench)?;
    drop(readers);
    let (after, _orders) = buy(bench, 2)?;
    let orders = |measured: &Measurement| measured.kind(COMPLETE_KIND).with_status(201);
    let alone = mean_rate(&[before, after]);
    let kept = with.requests_per_second() / alone;

    eprintln!("events: {UPDATES} updates of products a second, and when search shows one");
    let (updates, shown) = updates(bench)?;
    let p99 = millis(shown.summary().p99);
    let doctor = bench.shop.doctor();
    Ok(Section {
        name: "events",
        title: "Events",
        figures: vec![
            Figure::at_least(
                "events to each of 5 followers while orders come",
                3_000.0,
                rate,
                "/s",
            ),
            Figure::below("requests lost to the 2 readers", 15.0, 100.0 * (1.0 - kept), "%"),
            Figure::below("p99 from an update to search showing it", 1_000.0, p99, "ms"),
            Figure::at_least("updates meanwhile", UPDATES * 0.98, updates, "/s"),
            Figure::exactly("wrong answers", 0, with.wrong),
            Figure::holds("stoa doctor afterwards", "clean", doctor),
            Figure::told("orders meanwhile", quantity(with.per_second(orders(&with)), "/s")),
            Figure::told("until all had caught up", quantity(millis(late), "ms")),
        ],
        details: Vec::new(),
    })
}

/// Lines that every reader has.
fn lines(readers: &[crate::shop::Reader]) -> u64 {
    readers.iter().map(crate::shop::Reader::lines).min().unwrap_or(0)
}

/// How long it takes until nobody is behind.
fn caught_up(bench: &Bench) -> Result<Duration> {
    let begun = Instant::now();
    let mut client = bench.client()?;
    loop {
        let mut lags = client
            .metrics()?
            .lines()
            .filter(|line| line.starts_with("stoa_subscriber_lag_seconds{"));
        if lags.all(|line| line.ends_with(" 0")) {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > PATIENCE {
            bail!("somebody is behind after {PATIENCE:?}");
        }
        std::thread::sleep(LOOK);
    }
}

/// Updates products at a steady rate; says how many a second there were, and how long it took each
/// of some more until search showed it.
fn updates(bench: &Bench) -> Result<(f64, Latencies)> {
    let mut client = bench.client()?;
    let mut ids = Vec::new();
    for handle in bench.catalogue.some_handles(400, bench.options.seed) {
        let product: Value = client.get(&crate::catalogue::product_path(handle))?;
        let id = product.get("id").and_then(Value::as_str);
        ids.push(id.context("a product without an id")?.to_owned());
    }
    let (probed, updated) = ids.split_first().context("no products")?;
    let window = Duration::from_secs(bench.options.seconds.max(1)) / 2;
    let (count, ends) = (AtomicU64::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    let shown = std::thread::scope(|scope| {
        let mut updaters = Vec::new();
        for n in 0..UPDATERS {
            let mut client = bench.client()?;
            let (count, ends) = (&count, &ends);
            updaters.push(scope.spawn(move || -> Result<()> {
                let pause = Duration::from_secs_f64(f64::from(UPDATERS) / UPDATES);
                let mut due = Instant::now() + pause * n / UPDATERS;
                let mut turns = updated.iter().cycle().skip(n as usize * 40);
                while !ends.load(Ordering::Relaxed) {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    due += pause;
                    let id = turns.next().context("no products")?;
                    let text = format!("Update {}", count.fetch_add(1, Ordering::Relaxed));
                    let body = json!({ "description_html": text });
                    patch(&mut client, id, &body, &bench.authorization)?;
                }
                Ok(())
            }));
        }
        let shown = probe(bench, probed, begun + window);
        ends.store(true, Ordering::Relaxed);
        for updater in updaters {
            updater.join().map_err(|_| anyhow::anyhow!("an updater panicked"))??;
        }
        shown
    })?;
    Ok((count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64(), shown))
}

/// Gives a product one title after the other and waits until search shows each.
fn probe(bench: &Bench, id: &str, until: Instant) -> Result<Latencies> {
    let mut client = bench.client()?;
    let mut shown = Latencies::default();
    let mut n = 0;
    while Instant::now() < until {
        n += 1;
        let word = format!("quokka{}", letters(n));
        let body = json!({ "title": word });
        patch(&mut client, id, &body, &bench.authorization)?;
        let acknowledged = Instant::now();
        let path = format!("/api/v1/products?limit=5&q={word}");
        loop {
            let found: Value = client.get(&path)?;
            let items = found.get("items").and_then(Value::as_array).map(Vec::as_slice);
            let title =
                |item: &Value| item.get("title").and_then(Value::as_str) == Some(word.as_str());
            if items.unwrap_or_default().iter().any(title) {
                break;
            }
            if acknowledged.elapsed() > PATIENCE {
                bail!("search does not show an update after {PATIENCE:?}");
            }
            std::thread::sleep(LOOK);
        }
        shown.record(acknowledged.elapsed());
    }
    Ok(shown)
}

/// A number in letters, so that it is one word.
fn letters(mut n: u32) -> String {
    let mut out = String::new();
    while n > 0 {
        out.extend(char::from_digit(n % 20 + 10, 36));
        n /= 20;
    }
    out
}

fn patch(client: &mut Client, id: &str, body: &Value, authorization: &str) -> Result<()> {
    let mut request = Vec::new();
    let path = format!("/api/admin/v1/products/{id}");
    let headers = [("authorization", authorization)];
    write_json(&mut request, "PATCH", &path, &headers, &body.to_string());
    let answer = client.send(&request)?;
    if answer.status != 200 {
        bail!("an update was answered {}: {}", answer.status, answer.excerpt());
    }
    Ok(())
}
