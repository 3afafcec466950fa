//! Webhooks: who is told of events, what is on its way to them, and what they answered.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Response};
use serde::{Deserialize, Serialize};
use stoa_app::answer::Answer;
use stoa_app::error::StoreError;
use stoa_app::events::CloudEvent;
use stoa_app::view::Problem;
use stoa_app::webhooks::edit::{self, EditError, WebhookDraft};
use stoa_app::webhooks::sign::Secret;
use stoa_app::webhooks::store::{self, Delivery, DeliveryState, Webhook};
use stoa_app::{Tx, entropy, event_log};
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_kernel::{Ctx, DeliveryId, Timestamp, WebhookId, limits};
use utoipa::ToSchema;

use super::list::ListQuery;
use super::{Edited, if_match, once, stale};
use crate::api::products::with_etag;
use crate::extract::{IdempotencyKey, Program, RawBody, WebhooksRead, WebhooksWrite};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where it is called: `https`, or `http`.
    #[schema(example = "https://example.com/hooks/stoa")]
    pub url: String,
    /// Which events it wants: `order.placed`, `order.*`, `*`.
    pub events: Vec<String>,
    /// What it is for: a line.
    #[serde(default)]
    pub description: String,
    /// Whether it is called; `true` unless given.
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}

/// Changes of a webhook; fields that are not given stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where it is called.
    pub url: Option<String>,
    /// Which events it wants.
    pub events: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is called. `true` also closes its breaker: what waits is sent at once.
    pub enabled: Option<bool>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub id: String,
    /// Where it is called.
    pub url: String,
    /// Which events it wants.
    pub events: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Whether somebody wants it to be called.
    pub enabled: bool,
    /// `closed` while it is called; `open` after many failures in a row, `disabled` after days of
    /// them: it is probed now and then and comes back by itself; `gone` after it answered 410.
    pub breaker: &'static str,
    /// Failures since it took something last.
    pub failures: i64,
    /// The first of them.
    pub failing_since: Option<String>,
    /// Counts its secrets, from 1.
    pub secret_version: i64,
    /// Until when the secret before this one signs too.
    pub old_secret_until: Option<String>,
    /// Counts its edits; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: String,
    /// When it was edited last.
    pub updated_at: String,
    /// Its secret, where it was just made: the only time that it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A page of webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhooks {
    /// The webhooks, the oldest first.
    pub items: Vec<WebhookView>,
    /// Always `null`: there are at most 100.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
}

/// A delivery: an event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its id: `webhook-id`, the same at each try.
    pub id: String,
    /// The type of the event.
    pub event: String,
    /// What the event is about.
    pub subject: String,
    /// The event's place in the log.
    pub offset: i64,
    /// `waiting`, `delivered` or `failed`.
    pub status: &'static str,
    /// Tries so far.
    pub tries: i64,
    /// When it is due, while it waits. It also waits for older ones of its subject.
    pub next_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it was over.
    pub finished_at: Option<String>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// The deliveries, newest first.
    pub items: Vec<DeliveryView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

/// A try to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// Counts the tries, from 1.
    pub number: i64,
    /// When it was begun.
    pub at: String,
    /// The status that was answered; `null` without an answer.
    pub status: Option<i64>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The first 4 KiB of the answer.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// What is posted, without signatures.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Where it goes.
    pub url: String,
    /// The body: a CloudEvent.
    #[schema(value_type = Object)]
    pub body: Option<CloudEvent>,
}

/// A delivery with its tries.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// What is posted.
    pub request: RequestView,
    /// Its tries, the first first.
    pub attempts: Vec<AttemptView>,
}

/// A range of events, with both ends: times (RFC 3339) or places in the log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first.
    pub from: End,
    /// The last.
    pub to: End,
}

/// An end of a range.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum End {
    /// A place in the log.
    Offset(i64),
    /// A time (RFC 3339).
    Time(String),
}

/// How many deliveries are sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// So many.
    pub replayed: u64,
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Invalid(errors) => Refusal::Invalid(errors).into(),
            EditError::NotAllowed { host } => Self::new(
                422,
                "webhook_address_not_allowed",
                format!("{host} is not a public address; webhooks.allow_private = true permits it"),
            ),
        }
    }
}

pub(crate) fn webhook_id(text: &str) -> Result<WebhookId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("webhook"))
}

pub(crate) async fn load(tx: &mut Tx, id: WebhookId) -> Result<Webhook, ApiError> {
    store::find(tx, id).await?.ok_or_else(|| ApiError::not_found("webhook"))
}

fn view(webhook: Webhook, now: Timestamp) -> WebhookView {
    WebhookView {
        id: webhook.id.to_string(),
        old_secret_until: webhook.old_secret_until(now).map(|until| until.to_string()),
        breaker: webhook.breaker.state(now).as_str(),
        failures: webhook.breaker.failures,
        failing_since: webhook.breaker.failing_since.map(|at| at.to_string()),
        url: webhook.url,
        events: webhook.events,
        description: webhook.description,
        enabled: webhook.is_enabled,
        secret_version: webhook.secret_version,
        version: webhook.version,
        created_at: webhook.created_at.to_string(),
        updated_at: webhook.updated_at.to_string(),
        secret: None,
    }
}

fn delivery_view(delivery: Delivery) -> DeliveryView {
    let is_waiting = delivery.state == DeliveryState::Waiting;
    DeliveryView {
        id: delivery.id.to_string(),
        event: delivery.kind,
        subject: delivery.subject,
        offset: delivery.offset,
        status: delivery.state.as_str(),
        tries: delivery.tries,
        next_at: is_waiting.then(|| delivery.next_at.to_string()),
        created_at: delivery.created_at.to_string(),
        finished_at: delivery.finished_at.map(|at| at.to_string()),
    }
}

/// An answer with the secret that its id and number name. The answer that is kept for repeats has
/// none, and a repeat shows the same.
async fn with_secret(web: &Web, response: Response<Body>) -> ApiResult {
    if !response.status().is_success() {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, limits::BODY_BYTES).await;
    let bytes = bytes.map_err(|error| ApiError::internal(&error))?;
    let mut json: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::internal(&error))?;
    let field = |name: &str| json.get(name).cloned().unwrap_or_default();
    let id = field("id").as_str().and_then(|id| id.parse::<WebhookId>().ok());
    if let (Some(id), Some(version)) = (id, field("secret_version").as_i64()) {
        let secret = Secret::derive(&web.shop().secret, id, version).reveal();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("secret".to_owned(), secret.into());
        }
    }
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Response::from_parts(parts, Body::from(json.to_string())))
}

/// Lists webhooks, the oldest first.
#[utoipa::path(get, path = "/api/admin/v1/webhooks", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Webhooks), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub async fn list(State(web): State<Web>, _: Program<WebhooksRead>) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let now = (web.shop().clock)();
    let items: Vec<WebhookView> =
        store::unlocked(&mut tx).await?.into_iter().map(|webhook| view(webhook, now)).collect();
    let total = u64::try_from(items.len()).unwrap_or(0);
    Ok(reply::json(200, &Webhooks { items, next_cursor: None, total }))
}

/// Makes a webhook. Its secret is in this answer and in no other.
#[utoipa::path(post, path = "/api/admin/v1/webhooks", tag = "admin", security(("token" = [])),
    request_body = NewWebhook,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = WebhookView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422,
            description = "also `webhook_address_not_allowed`", body = Problem)))]
pub async fn create(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let wanted: NewWebhook = body.json()?;
    let draft = WebhookDraft {
        url: wanted.url,
        events: wanted.events,
        description: wanted.description,
        is_enabled: wanted.enabled,
    };
    draft.check(web.shop().webhooks, None)?;
    let key = key.bind(&program.token.0, &[b"POST /webhooks", &body.0]);
    let now = (web.shop().clock)();
    let ids = entropy::ids().map_err(|error| ApiError::internal(&error))?;
    let mut ctx = Ctx { now, ids };
    let made = once(&web, None, key, move |tx| {
        Box::pin(async move {
            let webhook = edit::create(tx, &mut ctx, draft).await?;
            Ok(Edited { answer: Answer::json(201, &view(webhook, now)), product: None })
        })
    })
    .await?;
    with_secret(&web, made).await
}

/// Reads a webhook, without its secret.
#[utoipa::path(get, path = "/api/admin/v1/webhooks/{id}", tag = "admin",
    security(("token" = [])), params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = WebhookView), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<WebhooksRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let webhook = load(&mut tx, webhook_id(&id)?).await?;
    let version = webhook.version;
    Ok(with_etag(reply::json(200, &view(webhook, (web.shop().clock)())), version))
}

/// Changes a webhook; fields that are not given stay.
#[utoipa::path(patch, path = "/api/admin/v1/webhooks/{id}", tag = "admin",
    security(("token" = [])), request_body = WebhookChange,
    params(("id" = String, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = WebhookView), (status = 404, body = Problem),
        (status = 412, description = "`stale`", body = Problem), (status = 422,
            description = "also `webhook_address_not_allowed`", body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let expected = if_match(&headers)?;
    let wanted: WebhookChange = body.json()?;
    let key = key.bind(&program.token.0, &[b"PATCH /webhooks", id.to_string().as_bytes(), &body.0]);
    let (settings, now) = (web.shop().webhooks, (web.shop().clock)());
    once(&web, None, key, move |tx| {
        Box::pin(async move {
            let before = expect(load(tx, id).await?, expected)?;
            let revives = wanted.enabled == Some(true);
            // An address that is given is checked, also when it is the one that is known.
            let known = wanted.url.is_none().then(|| before.url.clone());
            let kept = WebhookDraft::from(&before);
            let draft = WebhookDraft {
                url: wanted.url.unwrap_or(kept.url),
                events: wanted.events.unwrap_or(kept.events),
                description: wanted.description.unwrap_or(kept.description),
                is_enabled: wanted.enabled.unwrap_or(kept.is_enabled),
            };
            draft.check(settings, known.as_deref())?;
            let webhook = edit::change(tx, before, draft, revives, now).await?;
            Ok(Edited { answer: Answer::json(200, &view(webhook, now)), product: None })
        })
    })
    .await
}

fn expect(webhook: Webhook, version: Option<i64>) -> Result<Webhook, ApiError> {
    let is_expected = version.is_none_or(|version| version == webhook.version);
    is_expected.then_some(webhook).ok_or_else(stale)
}

/// Deletes a webhook with its deliveries.
#[utoipa::path(delete, path = "/api/admin/v1/webhooks/{id}", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 412, description = "`stale`", body = Problem)))]
pub async fn delete(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let expected = if_match(&headers)?;
    let key = key.bind(&program.token.0, &[b"DELETE /webhooks", id.to_string().as_bytes()]);
    once(&web, None, key, move |tx| {
        Box::pin(async move {
            expect(load(tx, id).await?, expected)?;
            store::remove(tx, id).await?;
            let answer = Answer { status: 204, body: String::new() };
            Ok(Edited { answer, product: None })
        })
    })
    .await
}

/// Makes a new secret, which this answer shows. The one before signs too for 24 hours.
#[utoipa::path(post, path = "/api/admin/v1/webhooks/{id}/rotate-secret", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = WebhookView), (status = 404, body = Problem),
        (status = 412, description = "`stale`", body = Problem)))]
pub async fn rotate_secret(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let expected = if_match(&headers)?;
    let key = key.bind(&program.token.0, &[b"POST /rotate-secret", id.to_string().as_bytes()]);
    let now = (web.shop().clock)();
    let rotated = once(&web, None, key, move |tx| {
        Box::pin(async move {
            let before = expect(load(tx, id).await?, expected)?;
            let webhook = edit::rotate_secret(tx, before, now).await?;
            Ok(Edited { answer: Answer::json(200, &view(webhook, now)), product: None })
        })
    })
    .await?;
    with_secret(&web, rotated).await
}

/// Lists deliveries to a webhook, newest first.
#[utoipa::path(get, path = "/api/admin/v1/webhooks/{id}/deliveries", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The webhook's id"),
        ("status" = Option<String>, Query, description = "`waiting`, `delivered` or `failed`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = Deliveries), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn deliveries(
    State(web): State<Web>,
    _: Program<WebhooksRead>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let query = ListQuery::<DeliveryId, _>::read(query.as_deref(), DeliveryState::parse)?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    load(&mut tx, id).await?;
    let found = store::deliveries(&mut tx, id, query.status, query.after, query.limit).await?;
    let total = store::count(&mut tx, id, query.status).await?;
    let page = Deliveries {
        next_cursor: query.next(found.len(), found.last().map(|delivery| delivery.id)),
        items: found.into_iter().map(delivery_view).collect(),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

pub(crate) async fn load_delivery(
    tx: &mut Tx,
    webhook: WebhookId,
    id: &str,
) -> Result<Delivery, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found("delivery"))?;
    let found = store::find_delivery(tx, webhook, id).await?;
    found.ok_or_else(|| ApiError::not_found("delivery"))
}

/// Reads a delivery: what is posted, and what each try was answered.
#[utoipa::path(get, path = "/api/admin/v1/webhooks/{id}/deliveries/{delivery}", tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The webhook's id"),
        ("delivery" = String, Path, description = "The delivery's id")),
    responses((status = 200, body = DeliveryDetail), (status = 404, body = Problem)))]
pub async fn delivery(
    State(web): State<Web>,
    _: Program<WebhooksRead>,
    Path((id, delivery)): Path<(String, String)>,
) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let webhook = load(&mut tx, webhook_id(&id)?).await?;
    let delivery = load_delivery(&mut tx, webhook.id, &delivery).await?;
    let event = event_log::find(&mut tx, delivery.offset).await?;
    let body = event.map(|event| CloudEvent::new(&web.shop().mail.public_url, event));
    let body = body.transpose().map_err(StoreError::from)?;
    let attempts = store::attempts(&mut tx, delivery.id).await?;
    let detail = DeliveryDetail {
        delivery: delivery_view(delivery),
        request: RequestView { url: webhook.url, body },
        attempts: attempts
            .into_iter()
            .map(|attempt| AttemptView {
                number: attempt.number,
                at: attempt.at.to_string(),
                status: attempt.status,
                error: attempt.error,
                answer: attempt.answer,
                duration_ms: attempt.duration_ms,
            })
            .collect(),
    };
    Ok(reply::json(200, &detail))
}

/// Sends a delivery again that is over, under its old id.
#[utoipa::path(post, path = "/api/admin/v1/webhooks/{id}/deliveries/{delivery}/replay",
    tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The webhook's id"),
        ("delivery" = String, Path, description = "The delivery's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 202, body = DeliveryView), (status = 404, body = Problem)))]
pub async fn replay_delivery(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    Path((id, delivery)): Path<(String, String)>,
    key: IdempotencyKey,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let key = key.bind(&program.token.0, &[b"POST /replay", delivery.as_bytes()]);
    let now = (web.shop().clock)();
    once(&web, None, key, move |tx| {
        Box::pin(async move {
            let found = load_delivery(tx, id, &delivery).await?;
            store::replay(tx, id, found.id, now).await?;
            let found = load_delivery(tx, id, &delivery).await?;
            Ok(Edited { answer: Answer::json(202, &delivery_view(found)), product: None })
        })
    })
    .await
}

fn time(pointer: &str, text: &str) -> Result<Timestamp, ApiError> {
    let wrong = |_| Refusal::Invalid(vec![FieldError::new(pointer, "a time (RFC 3339)")]);
    Ok(text.parse().map_err(wrong)?)
}

/// Sends deliveries again that are over, of events in a range of time or of the log.
#[utoipa::path(post, path = "/api/admin/v1/webhooks/{id}/replay", tag = "admin",
    security(("token" = [])), request_body = Range,
    params(("id" = String, Path, description = "The webhook's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 202, body = Replayed), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn replay_range(
    State(web): State<Web>,
    program: Program<WebhooksWrite>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = webhook_id(&id)?;
    let range: Range = body.json()?;
    let key = key.bind(&program.token.0, &[b"POST /replay", id.to_string().as_bytes(), &body.0]);
    let now = (web.shop().clock)();
    once(&web, None, key, move |tx| {
        Box::pin(async move {
            load(tx, id).await?;
            let range = match (range.from, range.to) {
                (End::Offset(from), End::Offset(to)) => (from, to),
                (End::Time(from), End::Time(to)) => {
                    store::offsets(tx, time("/from", &from)?, time("/to", &to)?).await?
                }
                _ => {
                    let what = "both ends are times, or both are places in the log";
                    return Err(Refusal::Invalid(vec![FieldError::new("/to", what)]).into());
                }
            };
            let replayed = store::replay_range(tx, id, range, now).await?;
            Ok(Edited { answer: Answer::json(202, &Replayed { replayed }), product: None })
        })
    })
    .await
}
