//! Whether the shop lives and is ready, for load balancers and operators.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::reply;
use crate::state::Web;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// What fails without keeping the shop from serving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// `GET /health/live`: the process answers.
pub async fn live() -> Response {
    reply::json(200, &Health { status: "live", degraded: Vec::new(), checks: Vec::new() })
}

/// `GET /health/ready`: the store and the search index answer, and the shop is not about to stop.
/// Without the shared cache the shop serves, so that it is ready, but degraded; as while a subscriber
/// fails.
pub async fn ready(State(web): State<Web>) -> Response {
    if web.is_leaving() {
        let leaving = Health { status: "leaving", degraded: Vec::new(), checks: Vec::new() };
        return reply::json(503, &leaving);
    }
    let shop = web.shop();
    let store = async {
        let mut tx = shop.db.read().await?;
        stoa_app::event_log::latest(&mut tx).await
    };
    let store = store.await.map(|_| ()).map_err(|error| error.to_string());
    let search = shop.search.len().await.map(|_| ()).map_err(|error| error.to_string());
    let mut checks: Vec<Check> = [("store", store), ("search", search)]
        .into_iter()
        .map(|(name, result)| Check {
            name,
            status: if result.is_ok() { "ready" } else { "failing" },
            detail: result.err(),
        })
        .collect();
    let ready = checks.iter().all(|check| check.detail.is_none());
    // Without a replica the shop is as ready; whoever looks should know all the same.
    checks.extend(shop.db.replicas().into_iter().map(|replica| Check {
        name: "replica",
        status: if replica.serves { "ready" } else { "left_out" },
        detail: Some(match replica.lag_ms {
            Some(lag) => format!("{}, {lag} ms behind", replica.name),
            None => format!("{}, away or not caught up", replica.name),
        }),
    }));
    let (status, word) = if ready { (200, "ready") } else { (503, "not_ready") };
    let mut degraded = Vec::new();
    if let Some(cache) = shop.cache.state() {
        let status = if cache.fault.is_some() { "degraded" } else { "ready" };
        if cache.fault.is_some() {
            degraded.push("cache");
        }
        checks.push(Check { name: "cache", status, detail: cache.fault });
    }
    let lags = web.lags().await.unwrap_or_default();
    for lag in lags.iter().filter(|lag| lag.is_failing()) {
        let stored = lag.stored.as_ref();
        let since = stored.and_then(|stored| stored.failing_since);
        let since = since.map_or_else(String::new, |since| format!(", fails since {since}"));
        degraded.push("subscriber");
        let detail = format!("{}{since}, {} events behind", lag.name, lag.events);
        checks.push(Check { name: "subscriber", status: "degraded", detail: Some(detail) });
    }
    degraded.dedup();
    reply::json(status, &Health { status: word, degraded, checks })
}

/// `GET /metrics`: counters for Prometheus.
pub async fn metrics(State(web): State<Web>) -> Response {
    let text = web.metrics().render(&web).await;
    let mut response = Response::new(Body::from(text));
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
