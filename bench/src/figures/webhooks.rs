//! What a webhook's receiver and the other readers end up with, when 100,000 events of orders go to a
//! receiver that answers 500, hangs, and is down for a minute.
//!
//! Where the schedule of tries would wait for hours, the webhook is switched on again every other
//! second, which makes all that waits due, as a merchant's button does.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::Bench;
use super::checkout::buy;
use crate::http::write_json;
use crate::receiver::{Receiver, Told, told};
use crate::report::{Figure, Section, quantity};

/// Events in all, at least; an order is two of them.
const EVENTS: u64 = 100_000;
const EVENTS_OF_ORDER: u64 = 2;
const KIND: &str = "order.*";
/// How long the receiver is down.
const DOWN: Duration = Duration::from_secs(60);
/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How often what waits is made due.
const HURRY: Duration = Duration::from_secs(2);

/// Of each subject: its facts, in their order.
type Log = HashMap<String, Vec<Told>>;

/// Measures it.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    let mut receiver = Receiver::start(bench.options.seed)?;
    let url = format!("http://{}/hook", receiver.address);
    let made = admin(bench, "POST", "", &json!({ "url": url, "events": [KIND] }))?;
    let id = made.get("id").and_then(Value::as_str).context("a webhook without an id")?.to_owned();
    let work = tempfile::tempdir_in(bench.options.existing_work_dir()?)?;
    let file = work.path().join("reader.jsonl");
    let reader = bench.shop.reader_into("bench", KIND, &file)?;

    let begun = Instant::now();
    let mut orders = 0;
    while orders * EVENTS_OF_ORDER < EVENTS {
        eprintln!("webhooks: {orders} orders so far");
        orders += buy(bench, 1)?.1;
    }
    eprintln!("webhooks: {orders} orders; the receiver is down for {} s", DOWN.as_secs());
    receiver.go_down()?;
    std::thread::sleep(DOWN);
    receiver.come_back()?;
    while let Some(waiting) = waiting(bench, &id)? {
        if begun.elapsed() > PATIENCE {
            bail!("{waiting} deliveries wait after {PATIENCE:?}");
        }
        eprintln!("webhooks: {waiting} wait");
        admin(bench, "PATCH", &format!("/{id}"), &json!({ "enabled": true }))?;
        std::thread::sleep(HURRY);
    }
    let took = begun.elapsed();
    let log = parse(&bench.shop.events(KIND)?)?;
    let events: usize = log.values().map(Vec::len).sum();
    until_whole(&file, events)?;
    drop(reader);
    let read = parse(&std::fs::read_to_string(&file)?)?;
    let failed =
        admin(bench, "GET", &format!("/{id}/deliveries?status=failed&limit=1"), &json!({}))?;
    let failed = failed.get("total").and_then(Value::as_u64).context("no total")?;
    let (counts, figures) = receiver.seen(|seen| {
        let firsts = seen.taken.iter().map(|(subject, told)| {
            let mut firsts: Vec<Told> = Vec::new();
            for fact in told {
                if !firsts.contains(fact) {
                    firsts.push(fact.clone());
                }
            }
            (subject.clone(), firsts)
        });
        let firsts: Log = firsts.collect();
        let taken: usize = seen.taken.values().map(Vec::len).sum();
        let distinct: usize = firsts.values().map(Vec::len).sum();
        let figures = [differences(&log, &firsts), differences(&log, &read), seen.mixed_ids];
        ([seen.calls, seen.refused, seen.hung, (taken - distinct) as u64], figures)
    });
    let [calls, refused, hung, doubles] = counts;
    let [wrong_there, wrong_here, mixed] = figures;
    let rate = events as f64 / took.as_secs_f64();
    Ok(Section {
        name: "webhooks",
        title: "Webhooks, to a receiver that behaves badly",
        figures: vec![
            Figure::at_least("events of orders", EVENTS as f64, events as f64, ""),
            Figure::exactly(
                "subjects with loss, another order or content at the receiver",
                0,
                wrong_there,
            ),
            Figure::exactly(
                "subjects with loss, another order or content at a reader",
                0,
                wrong_here,
            ),
            Figure::exactly("ids that stood for two events", 0, mixed),
            Figure::exactly("deliveries given up", 0, failed),
            Figure::holds("stoa doctor afterwards", "clean", bench.shop.doctor()),
            Figure::told("deliveries taken twice, under the same id", doubles.to_string()),
            Figure::told("calls", calls.to_string()),
            Figure::told("calls answered 500", refused.to_string()),
            Figure::told("calls that hung", hung.to_string()),
            Figure::told(
                "from the first order until all was taken",
                quantity(took.as_secs_f64(), "s"),
            ),
            Figure::told("events taken", quantity(rate, "/s")),
        ],
        details: Vec::new(),
    })
}

/// Asks the API of webhooks.
fn admin(bench: &Bench, method: &str, path: &str, body: &Value) -> Result<Value> {
    let mut request = Vec::new();
    let path = format!("/api/admin/v1/webhooks{path}");
    let headers = [("authorization", bench.authorization.as_str())];
    if method == "GET" {
        crate::http::write_get(&mut request, &path, &headers);
    } else {
        write_json(&mut request, method, &path, &headers, &body.to_string());
    }
    bench.client()?.json(&request)
}

/// Deliveries that wait, and events that are not deliveries yet; `None` when all is over.
fn waiting(bench: &Bench, id: &str) -> Result<Option<u64>> {
    let mut client = bench.client()?;
    let text = client.metrics()?;
    let value = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        line.with_context(|| format!("no {name}"))?.parse().with_context(|| name.to_owned())
    };
    let n = value("stoa_subscriber_lag_events{subscriber=\"webhooks\"}")?
        + value(&format!("stoa_webhook_waiting_deliveries{{webhook=\"{id}\"}}"))?;
    Ok((n > 0).then_some(n))
}

/// Events, one a line, by subject.
fn parse(lines: &str) -> Result<Log> {
    let mut log = Log::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).context("an event")?;
        let subject = event.get("subject").and_then(Value::as_str).context("no subject")?;
        log.entry(subject.to_owned()).or_default().push(told(&event));
    }
    Ok(log)
}

/// Waits until a reader has written so many lines.
fn until_whole(file: &Path, events: usize) -> Result<()> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(file)?;
        if text.ends_with('\n') && text.lines().count() >= events {
            return Ok(());
        }
        if begun.elapsed() > DOWN {
            bail!("a reader is behind: {} of {events} events", text.lines().count());
        }
        std::thread::sleep(HURRY / 4);
    }
}

/// Subjects about which two do not know the same in the same order.
fn differences(log: &Log, other: &Log) -> u64 {
    let differing = log.iter().filter(|(subject, facts)| other.get(*subject) != Some(facts));
    let strange = other.keys().filter(|subject| !log.contains_key(*subject));
    (differing.count() + strange.count()) as u64
}
