//! Counters for Prometheus, as fields: no global registry, no names at the places that count.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use stoa_app::ReplicaStatus;
use stoa_app::error::StoreError;
use stoa_app::events::lag::Lag;
use stoa_app::webhooks::store::{self, Webhook};
use stoa_domain::webhooks::breaker::State;
use stoa_kernel::WebhookId;

use crate::state::Web;

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route as registered, e.g. `/api/v1/carts/{cart}`; `other` for unknown addresses.
    pub route: String,
    /// Class of the status.
    pub status: StatusClass,
}

/// Labels of a request that was refused because there were too many.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LimitLabels {
    /// Name of the limit.
    pub limit: &'static str,
}

/// Class of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StatusClass {
    #[expect(non_camel_case_types, reason = "the label's value")]
    c2xx,
    #[expect(non_camel_case_types, reason = "the label's value")]
    c3xx,
    #[expect(non_camel_case_types, reason = "the label's value")]
    c4xx,
    #[expect(non_camel_case_types, reason = "the label's value")]
    c5xx,
}

/// The counters of the web faces.
#[derive(Debug)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter<u64, AtomicU64>>,
    seconds: Histogram,
    limited: Family<LimitLabels, Counter<u64, AtomicU64>>,
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<RequestLabels, Counter<u64, AtomicU64>>::default();
        let seconds = Histogram::new([
            0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
        ]);
        let mut registry = Registry::with_prefix("stoa");
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            seconds.clone(),
        );
        let limited = Family::<LimitLabels, Counter<u64, AtomicU64>>::default();
        registry.register("rate_limited", "Requests refused by a rate limit", limited.clone());
        Self { requests, seconds, limited, registry }
    }

    pub(crate) fn request(&self, route: &str, status: u16, took: Duration) {
        let status = match status {
            0..300 => StatusClass::c2xx,
            300..400 => StatusClass::c3xx,
            400..500 => StatusClass::c4xx,
            _ => StatusClass::c5xx,
        };
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn limited(&self, limit: &'static str) {
        self.limited.get_or_create(&LimitLabels { limit }).inc();
    }

    /// Everything in the text format of Prometheus, with the engine's own counters.
    pub async fn render(&self, web: &Web) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        let body = text.trim_end().trim_end_matches("# EOF").trim_end().to_owned();
        let mut text = body;
        text.push('\n');
        let engine = web.shop().engine.stats();
        let indexed = web.shop().search.len().await.unwrap_or(0);
        let cache = web.shop().cache.state();
        let mut rows = vec![
            ("engine_batches_total", "counter", engine.batches),
            ("engine_commands_total", "counter", engine.commands),
            ("engine_commands_refused_total", "counter", engine.refused),
            ("engine_commands_replayed_total", "counter", engine.replayed),
            ("engine_commands_failed_total", "counter", engine.failed),
            ("engine_commands_overloaded_total", "counter", engine.overloaded),
            ("engine_busy_microseconds_total", "counter", engine.busy_us),
            ("engine_commit_microseconds_total", "counter", engine.commit_us),
            ("engine_queued_commands", "gauge", u64::try_from(engine.queued).unwrap_or(0)),
            ("search_indexed_products", "gauge", indexed),
            ("page_cache_bytes", "gauge", web.pages().bytes()),
        ];
        if let Some(cache) = cache {
            rows.push(("cache_up", "gauge", u64::from(cache.fault.is_none())));
            rows.push(("cache_failures_total", "counter", cache.failures));
        }
        for (name, kind, value) in rows {
            let family = name.trim_end_matches("_total");
            // Writing to a String cannot fail.
            let _infallible = write!(text, "# TYPE stoa_{family} {kind}\nstoa_{name} {value}\n");
        }
        replicas(&mut text, &web.shop().db.replicas());
        if let Ok(lags) = web.lags().await {
            subscribers(&mut text, &lags);
        }
        if let Ok(found) = webhooks(web).await {
            text.push_str(&found);
        }
        text.push_str("# EOF\n");
        text
    }
}

/// What waits for each webhook, and how often in a row it has failed.
async fn webhooks(web: &Web) -> Result<String, StoreError> {
    let mut tx = web.shop().db.read().await?;
    let webhooks = store::unlocked(&mut tx).await?;
    let waiting: HashMap<WebhookId, i64> = store::waiting(&mut tx).await?.into_iter().collect();
    drop(tx);
    let now = (web.shop().clock)();
    type Value<'a> = &'a dyn Fn(&Webhook) -> i64;
    let rows: [(&str, Value<'_>); 3] = [
        ("webhook_waiting_deliveries", &|webhook| waiting.get(&webhook.id).copied().unwrap_or(0)),
        ("webhook_failures_in_a_row", &|webhook| webhook.breaker.failures),
        ("webhook_up", &|webhook| i64::from(webhook.breaker.state(now) == State::Closed)),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        let _infallible = writeln!(text, "# TYPE stoa_{name} gauge");
        for webhook in &webhooks {
            let (id, value) = (webhook.id, value(webhook));
            let _infallible = writeln!(text, "stoa_{name}{{webhook=\"{id}\"}} {value}");
        }
    }
    Ok(text)
}

/// How far everybody who follows the event log is behind.
fn subscribers(text: &mut String, lags: &[Lag]) {
    type Value = fn(&Lag) -> Option<i64>;
    let rows: [(&str, &str, Value); 3] = [
        ("subscriber_lag_events", "gauge", |lag| Some(lag.events)),
        ("subscriber_lag_seconds", "gauge", |lag| Some(lag.seconds)),
        ("subscriber_failures_total", "counter", |lag| Some(lag.stored.as_ref()?.failures)),
    ];
    for (name, kind, value) in rows {
        let family = name.trim_end_matches("_total");
        let _infallible = writeln!(text, "# TYPE stoa_{family} {kind}");
        for (lag, value) in lags.iter().filter_map(|lag| Some((lag, value(lag)?))) {
            let _infallible = writeln!(text, "stoa_{name}{{subscriber=\"{}\"}} {value}", lag.name);
        }
    }
}

/// The state of each replica of the database.
fn replicas(text: &mut String, replicas: &[ReplicaStatus]) {
    type Value = fn(&ReplicaStatus) -> Option<f64>;
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and Prometheus has doubles")]
    let rows: [(&str, &str, Value); 4] = [
        ("replica_serves", "gauge", |replica| Some(f64::from(u8::from(replica.serves)))),
        ("replica_lag_seconds", "gauge", |replica| replica.lag_ms.map(|lag| lag as f64 / 1e3)),
        ("replica_reads_total", "counter", |replica| Some(replica.reads as f64)),
        ("replica_behind_total", "counter", |replica| Some(replica.behind as f64)),
    ];
    for (name, kind, value) in rows {
        let values = replicas.iter().filter_map(|replica| Some((&replica.name, value(replica)?)));
        for (n, (replica, value)) in values.enumerate() {
            if n == 0 {
                let family = name.trim_end_matches("_total");
                let _infallible = writeln!(text, "# TYPE stoa_{family} {kind}");
            }
            let _infallible = writeln!(text, "stoa_{name}{{replica=\"{replica}\"}} {value}");
        }
    }
}
