//! Webhooks: who is told of events, and what they answered.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::catalog::SaveError;
use stoa_app::error::StoreError;
use stoa_app::events::CloudEvent;
use stoa_app::webhooks::edit::{self, EditError, WebhookDraft};
use stoa_app::webhooks::sign::Secret;
use stoa_app::webhooks::store::{self, Delivery, DeliveryState, Webhook};
use stoa_app::{Tx, event_log};
use stoa_domain::Refusal;
use stoa_domain::event::schemas::SCHEMAS;
use stoa_kernel::{DeliveryId, Timestamp, WebhookId};
use stoa_pages::admin::{
    AttemptRow, ConfirmPage, DeliveryPage, DeliveryRow, FieldError, NewWebhookPage, Notice,
    OrderTab, Pager, Section, Tone, WebhookForm, WebhookListPage, WebhookPage, WebhookRow,
};

use super::answer::{Answer, address, notice, page, parameter, see_other, sentence};
use super::gate::{Action, Form, Staff, context, now};
use crate::api::admin::webhooks as api;
use crate::reply::ApiError;
use crate::state::Web;

/// Deliveries of one page.
const ROWS: usize = 50;
/// Where the list is.
const PATH: &str = "/admin/webhooks";

/// `GET /admin/webhooks`
pub async fn list(State(web): State<Web>, staff: Staff) -> Response<Body> {
    let listed = listed(&web, &staff).await;
    staff.answer(&web, Section::Webhooks, listed).await
}

/// `GET /admin/webhooks/new`
pub async fn new(State(web): State<Web>, staff: Staff) -> Response<Body> {
    let form = WebhookForm { events: "order.*".to_owned(), ..WebhookForm::default() };
    let shown = new_page(&web, &staff, form).await;
    staff.answer(&web, Section::Webhooks, Ok(shown)).await
}

/// `POST /admin/webhooks/new`: makes one. The page that answers shows its secret, and no other does.
pub async fn create(State(web): State<Web>, action: Action) -> Response<Body> {
    let created = created(&web, &action).await;
    action.staff.answer(&web, Section::Webhooks, created).await
}

/// `GET /admin/webhooks/{id}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = async {
        let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
        let webhook = load(&mut tx, &id).await?;
        let mut shown = filled(&web, &staff, &mut tx, webhook, query.as_deref()).await?;
        shown.frame.notice = notice(query.as_deref());
        Ok(page(200, shown.render()))
    };
    let shown = shown.await;
    staff.answer(&web, Section::Webhooks, shown).await
}

/// `POST /admin/webhooks/{id}`: changes it.
pub async fn save(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &id).await;
    action.staff.answer(&web, Section::Webhooks, saved).await
}

/// `POST /admin/webhooks/{id}/resume`: closes its breaker and sends what waits.
pub async fn resume(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let resumed = async {
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        let before = expect(load(&mut tx, &id).await?, &action.form)?;
        let draft = WebhookDraft::from(&before);
        edit::change(&mut tx, before, draft, true, now(&web)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        web.shop().wake.notify_waiters();
        Ok(see_other(&format!("{PATH}/{id}?notice=retried")))
    };
    let resumed = resumed.await;
    action.staff.answer(&web, Section::Webhooks, resumed).await
}

/// `POST /admin/webhooks/{id}/rotate-secret`: makes a new secret, which the page that answers shows.
pub async fn rotate_secret(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let rotated = async {
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        let before = expect(load(&mut tx, &id).await?, &action.form)?;
        let webhook = edit::rotate_secret(&mut tx, before, now(&web)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        with_secret(&web, &action.staff, webhook, 200).await
    };
    let rotated = rotated.await;
    action.staff.answer(&web, Section::Webhooks, rotated).await
}

/// `POST /admin/webhooks/{id}/replay`: sends again what is over of a stretch of time.
pub async fn replay_range(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let replayed = range_replayed(&web, &action, &id).await;
    action.staff.answer(&web, Section::Webhooks, replayed).await
}

/// `GET /admin/webhooks/{id}/delete`
pub async fn ask_delete(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
) -> Response<Body> {
    let asked = async {
        let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
        let webhook = load(&mut tx, &id).await?;
        drop(tx);
        let shown = ConfirmPage {
            frame: staff.frame(&web, Section::Webhooks).await,
            title: "Delete this webhook?".to_owned(),
            text: format!(
                "{} is told of nothing any more. What waits for it and the record of what was sent \
                 go with it.",
                webhook.url
            ),
            action: format!("{PATH}/{id}/delete"),
            verb: "Delete webhook".to_owned(),
            back: format!("{PATH}/{id}"),
            back_label: webhook.url,
            version: webhook.version,
            reasons: Vec::new(),
        };
        Ok(page(200, shown.render()))
    };
    let asked = asked.await;
    staff.answer(&web, Section::Webhooks, asked).await
}

/// `POST /admin/webhooks/{id}/delete`
pub async fn delete(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let deleted = async {
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        let webhook = expect(load(&mut tx, &id).await?, &action.form)?;
        store::remove(&mut tx, webhook.id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(see_other(PATH))
    };
    let deleted = deleted.await;
    action.staff.answer(&web, Section::Webhooks, deleted).await
}

/// `GET /admin/webhooks/{id}/deliveries/{delivery}`
pub async fn delivery(
    State(web): State<Web>,
    staff: Staff,
    Path((id, delivery)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = delivery_shown(&web, &staff, &id, &delivery, query.as_deref()).await;
    staff.answer(&web, Section::Webhooks, shown).await
}

/// `POST /admin/webhooks/{id}/deliveries/{delivery}/replay`: sends it again.
pub async fn replay_delivery(
    State(web): State<Web>,
    Path((id, delivery)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    let replayed = async {
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        let webhook = load(&mut tx, &id).await?;
        let found = api::load_delivery(&mut tx, webhook.id, &delivery).await?;
        store::replay(&mut tx, webhook.id, found.id, now(&web)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        web.shop().wake.notify_waiters();
        Ok(see_other(&format!("{PATH}/{id}/deliveries/{delivery}?notice=again")))
    };
    let replayed = replayed.await;
    action.staff.answer(&web, Section::Webhooks, replayed).await
}

async fn load(tx: &mut Tx, id: &str) -> Result<Webhook, ApiError> {
    api::load(tx, api::webhook_id(id)?).await
}

/// The webhook, if it is at the version that a form was filled from; no version is ever 0.
fn expect(webhook: Webhook, form: &Form) -> Result<Webhook, ApiError> {
    let is_expected = form.get("version").parse().unwrap_or(0) == webhook.version;
    is_expected.then_some(webhook).ok_or_else(|| Refusal::Stale.into())
}

async fn listed(web: &Web, staff: &Staff) -> Answer {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let webhooks = store::unlocked(&mut tx).await?;
    let waiting: HashMap<WebhookId, i64> = store::waiting(&mut tx).await?.into_iter().collect();
    drop(tx);
    let now = now(web);
    let row = |webhook: Webhook| WebhookRow {
        n_waiting: waiting.get(&webhook.id).copied().unwrap_or(0),
        id: webhook.id.to_string(),
        breaker: webhook.breaker.state(now).as_str().to_owned(),
        url: webhook.url,
        description: webhook.description,
        events: webhook.events.join(", "),
        is_enabled: webhook.is_enabled,
    };
    let shown = WebhookListPage {
        frame: staff.frame(web, Section::Webhooks).await,
        rows: webhooks.into_iter().map(row).collect(),
    };
    Ok(page(200, shown.render()))
}

async fn new_page(web: &Web, staff: &Staff, form: WebhookForm) -> Response<Body> {
    let status = if form.errors.is_empty() { 200 } else { 422 };
    let mut kinds: Vec<String> = SCHEMAS.iter().map(|schema| schema.kind.to_owned()).collect();
    kinds.dedup();
    let shown = NewWebhookPage { frame: staff.frame(web, Section::Webhooks).await, form, kinds };
    page(status, shown.render())
}

/// What was entered, as a draft and as the form that shows it again.
fn entered(form: &Form) -> (WebhookDraft, WebhookForm) {
    let [url, events, description, state] =
        ["url", "events", "description", "state"].map(|field| form.get(field));
    let patterns = events.split(|c: char| c.is_whitespace() || c == ',');
    let draft = WebhookDraft {
        url: url.trim().to_owned(),
        events: patterns.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        description: description.trim().to_owned(),
        is_enabled: state != "off",
    };
    let again = WebhookForm {
        url: url.to_owned(),
        events: events.to_owned(),
        description: description.to_owned(),
        state: state.to_owned(),
        errors: Vec::new(),
    };
    (draft, again)
}

/// Faults of a draft, each at its control.
fn faults(error: EditError, draft: &WebhookDraft) -> Vec<FieldError> {
    let errors = match error {
        EditError::Invalid(errors) => errors,
        EditError::NotAllowed { host } => {
            let text = format!(
                "Address: {host} is not a public address. Whoever runs this server can permit it \
                 with webhooks.allow_private."
            );
            return vec![FieldError::new("url", text)];
        }
    };
    let fault = |error: &stoa_domain::catalog::FieldError| {
        let mut steps = error.pointer.split('/').skip(1);
        let field = steps.next().unwrap_or("url");
        let number = steps.next().and_then(|n| n.parse::<usize>().ok());
        let label = match field {
            "events" => "Events",
            "description" => "Description",
            _ => "Address",
        };
        let entry = number.and_then(|n| draft.events.get(n));
        let of = entry.map_or_else(String::new, |entry| format!("`{entry}` is not "));
        FieldError::new(field, sentence(&format!("{label}: {of}{}", error.detail)))
    };
    errors.iter().map(fault).collect()
}

async fn created(web: &Web, action: &Action) -> Answer {
    let (draft, mut form) = entered(&action.form);
    if let Err(error) = draft.check(web.shop().webhooks, None) {
        form.errors = faults(error, &draft);
        return Ok(new_page(web, &action.staff, form).await);
    }
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let webhook = match edit::create(&mut tx, &mut context(web)?, draft).await {
        Ok(webhook) => webhook,
        Err(SaveError::Refused(Refusal::Invalid(errors))) => {
            let fault = |error: &stoa_domain::catalog::FieldError| {
                FieldError::new("url", sentence(&error.detail))
            };
            form.errors = errors.iter().map(fault).collect();
            return Ok(new_page(web, &action.staff, form).await);
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await.map_err(StoreError::from)?;
    with_secret(web, &action.staff, webhook, 201).await
}

/// The page of a webhook with the secret that was just made for it.
async fn with_secret(web: &Web, staff: &Staff, webhook: Webhook, status: u16) -> Answer {
    let secret = Secret::derive(&web.shop().secret, webhook.id, webhook.secret_version).reveal();
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mut shown = filled(web, staff, &mut tx, webhook, None).await?;
    shown.secret = Some(secret);
    Ok(page(status, shown.render()))
}

/// The page of a webhook as it is.
async fn filled(
    web: &Web,
    staff: &Staff,
    tx: &mut Tx,
    webhook: Webhook,
    query: Option<&str>,
) -> Result<WebhookPage, ApiError> {
    let now = now(web);
    let path = format!("{PATH}/{}", webhook.id);
    let state = DeliveryState::parse(&parameter(query, "status"));
    let word = state.map_or("", DeliveryState::as_str);
    let after: Option<DeliveryId> = parameter(query, "after").parse().ok();
    let limit = i64::try_from(ROWS).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = store::deliveries(tx, webhook.id, state, after, limit).await?;
    let has_more = found.len() > ROWS;
    found.truncate(ROWS);
    let last = found.last().filter(|_| has_more).map(|delivery| delivery.id.to_string());
    let mut tabs = Vec::new();
    for (of, label) in [
        (None, "All"),
        (Some(DeliveryState::Waiting), "Waiting"),
        (Some(DeliveryState::Delivered), "Delivered"),
        (Some(DeliveryState::Failed), "Given up"),
    ] {
        let n = store::count(tx, webhook.id, of).await?;
        tabs.push(OrderTab {
            label: label.to_owned(),
            href: address(&path, &[("status", of.map_or("", DeliveryState::as_str))]),
            selected: of == state,
            n: Some(n),
        });
    }
    let old_secret_until = webhook.old_secret_until(now);
    Ok(WebhookPage {
        frame: staff.frame(web, Section::Webhooks).await,
        id: webhook.id.to_string(),
        version: webhook.version,
        is_enabled: webhook.is_enabled,
        breaker: webhook.breaker.state(now).as_str().to_owned(),
        failures: webhook.breaker.failures,
        failing_since: webhook.breaker.failing_since,
        probe_at: webhook.breaker.probe_at,
        form: WebhookForm {
            url: webhook.url.clone(),
            events: webhook.events.join("\n"),
            description: webhook.description,
            state: if webhook.is_enabled { "on" } else { "off" }.to_owned(),
            errors: Vec::new(),
        },
        url: webhook.url,
        secret: None,
        old_secret_until,
        tabs,
        rows: found.into_iter().map(row).collect(),
        pager: Pager {
            first: after.map(|_| address(&path, &[("status", word)])),
            next: last.map(|last| address(&path, &[("status", word), ("after", &last)])),
            total: None,
        },
        from: String::new(),
        to: String::new(),
    })
}

fn row(delivery: Delivery) -> DeliveryRow {
    let is_waiting = delivery.state == DeliveryState::Waiting;
    DeliveryRow {
        id: delivery.id.to_string(),
        kind: delivery.kind,
        subject: delivery.subject,
        state: delivery.state.as_str().to_owned(),
        tries: delivery.tries,
        created_at: delivery.created_at,
        next_at: is_waiting.then_some(delivery.next_at),
    }
}

async fn saved(web: &Web, action: &Action, id: &str) -> Answer {
    let (draft, mut form) = entered(&action.form);
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let before = load(&mut tx, id).await?;
    let is_stale = action.form.get("version").parse().unwrap_or(0) != before.version;
    let checked = draft.check(web.shop().webhooks, Some(&before.url));
    if checked.is_ok() && !is_stale {
        // Whoever switches it on, or says where it is now, wants it to be called.
        let revives = draft.is_enabled && (!before.is_enabled || draft.url != before.url);
        edit::change(&mut tx, before, draft, revives, now(web)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        web.shop().wake.notify_waiters();
        return Ok(see_other(&format!("{PATH}/{id}?notice=saved")));
    }
    drop(tx);
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mut shown = filled(web, &action.staff, &mut tx, before, None).await?;
    let status = match checked {
        Err(error) => {
            form.errors = faults(error, &draft);
            422
        }
        Ok(()) => {
            let text = "Someone else has changed this webhook since you opened it, so nothing was \
                        saved. Saving here again puts your entries in its place.";
            shown.frame.notice = Some(Notice::new(Tone::Warn, text));
            409
        }
    };
    shown.form = form;
    Ok(page(status, shown.render()))
}

/// The moment at which a minute of UTC, as a `datetime-local` control sends it, begins or, with
/// `ends`, has passed.
fn minute(text: &str, ends: bool) -> Option<Timestamp> {
    let seconds = if text.matches(':').count() == 1 { ":00" } else { "" };
    let begins: Timestamp = format!("{text}{seconds}Z").parse().ok()?;
    Some(if ends { begins.plus_seconds(60) } else { begins })
}

async fn range_replayed(web: &Web, action: &Action, id: &str) -> Answer {
    let [from, to] = ["from", "to"].map(|field| action.form.get(field).trim());
    let mut errors = Vec::new();
    let range = [("from", "From", from, false), ("to", "To", to, true)].map(
        |(field, label, text, ends)| {
            let at = minute(text, ends);
            if at.is_none() {
                let text = format!("{label}: give a date and a time, e.g. 2026-11-24T13:30.");
                errors.push(FieldError::new(field, text));
            }
            at
        },
    );
    if let [Some(first), Some(last)] = range
        && first > last
    {
        errors.push(FieldError::new("to", "To: must not be before the beginning."));
    }
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let webhook = load(&mut tx, id).await?;
    if let [Some(first), Some(last)] = range
        && errors.is_empty()
    {
        let range = store::offsets(&mut tx, first, last).await?;
        let n = store::replay_range(&mut tx, webhook.id, range, now(web)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        web.shop().wake.notify_waiters();
        let word = if n == 0 { "unchanged" } else { "again" };
        return Ok(see_other(&format!("{PATH}/{id}?notice={word}")));
    }
    drop(tx);
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mut shown = filled(web, &action.staff, &mut tx, webhook, None).await?;
    shown.from = from.to_owned();
    shown.to = to.to_owned();
    shown.form.errors = errors;
    Ok(page(422, shown.render()))
}

async fn delivery_shown(
    web: &Web,
    staff: &Staff,
    id: &str,
    delivery: &str,
    query: Option<&str>,
) -> Answer {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let webhook = load(&mut tx, id).await?;
    let delivery = api::load_delivery(&mut tx, webhook.id, delivery).await?;
    let event = event_log::find(&mut tx, delivery.offset).await?;
    let attempts = store::attempts(&mut tx, delivery.id).await?;
    drop(tx);
    let body = event.map(|event| CloudEvent::new(&web.options().public_url, event));
    let body = body.transpose().map_err(|error| ApiError::internal(&error))?;
    let mut frame = staff.frame(web, Section::Webhooks).await;
    frame.notice = notice(query);
    let shown = DeliveryPage {
        frame,
        webhook: webhook.id.to_string(),
        url: webhook.url,
        offset: delivery.offset,
        finished_at: delivery.finished_at,
        row: row(delivery),
        body: serde_json::to_string_pretty(&body).map_err(|error| ApiError::internal(&error))?,
        attempts: attempts
            .into_iter()
            .map(|attempt| AttemptRow {
                number: attempt.number,
                at: attempt.at,
                status: attempt.status,
                error: attempt.error,
                answer: attempt.answer,
                duration_ms: attempt.duration_ms,
            })
            .collect(),
    };
    Ok(page(200, shown.render()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_read_as_browsers_send_them() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        assert_eq!(minute("2026-11-24T13:30", false), at("2026-11-24T13:30:00Z"));
        assert_eq!(minute("2026-11-24T13:30", true), at("2026-11-24T13:31:00Z"));
        assert_eq!(minute("2026-11-24T13:30:15", false), at("2026-11-24T13:30:15Z"));
        for wrong in ["", "yesterday", "2026-11-24", "2026-13-01T00:00"] {
            assert_eq!(minute(wrong, false), None, "{wrong}");
        }
    }
}
