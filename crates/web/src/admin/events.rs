//! The event log, and who follows it.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::cart::abandoned;
use stoa_app::error::StoreError;
use stoa_app::event_log::{self, LoggedEvent};
use stoa_app::events::{CloudEvent, lag, matches, store};
use stoa_app::{customer, mail, sales, webhooks};
use stoa_domain::event::schemas::SCHEMAS;
use stoa_pages::admin::{
    EventListPage, EventPage, EventRow, Pager, Section, SubscriberListPage, SubscriberRow,
};

use super::answer::{address, notice, page, parameter, see_other};
use super::gate::{Action, Staff};
use crate::reply::ApiError;
use crate::state::Web;

/// Events of one page.
const ROWS: usize = 50;
/// Events looked at for one page, at most, when only some are asked for.
const LOOK: i64 = 20_000;
/// Where the list is.
const PATH: &str = "/admin/events";
/// Where the list of subscribers is.
const SUBSCRIBERS: &str = "/admin/events/subscribers";

/// `GET /admin/events`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Events, listed).await
}

/// `GET /admin/events/{offset}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(offset): Path<String>,
) -> Response<Body> {
    let shown = shown(&web, &staff, &offset).await;
    staff.answer(&web, Section::Events, shown).await
}

/// `GET /admin/events/subscribers`
pub async fn subscribers(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed_subscribers(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Events, listed).await
}

/// `POST /admin/events/subscribers/{name}/retry`: does not wait for the next try.
pub async fn retry(
    State(web): State<Web>,
    Path(name): Path<String>,
    action: Action,
) -> Response<Body> {
    let retried = async {
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        if !store::retry(&mut tx, &name).await? {
            return Err(ApiError::not_found("subscriber"));
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(see_other(&address(SUBSCRIBERS, &[("notice", "retried")])))
    };
    let retried = retried.await;
    action.staff.answer(&web, Section::Events, retried).await
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let (kind, subject) = (parameter(query, "type"), parameter(query, "subject"));
    let before = parameter(query, "before");
    let from = before.parse().unwrap_or(i64::MAX);
    let wanted = |other: &str| kind.is_empty() || matches(&kind, other);
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let (events, next): (Vec<LoggedEvent>, Option<i64>) =
        if subject.is_empty() || subject.starts_with("stock/") {
            let is_all = kind.is_empty() && subject.is_empty();
            let limit = if is_all { i64::try_from(ROWS).unwrap_or(LOOK) } else { LOOK };
            let about = |other: &str| subject.is_empty() || other == subject;
            let found = event_log::newest(&mut tx, from, limit, ROWS, |kind, subject| {
                wanted(kind) && about(subject)
            });
            let found = found.await?;
            let is_more = found.events.len() == ROWS || found.n == limit;
            (found.events, is_more.then_some(found.last))
        } else {
            let events = event_log::of_subject(&mut tx, &subject).await?.into_iter().rev();
            let mut events =
                events.filter(|event| event.offset < from && wanted(&event.kind)).peekable();
            let page: Vec<_> = events.by_ref().take(ROWS).collect();
            let next = events.peek().and(page.last()).map(|last| last.offset);
            (page, next)
        };
    drop(tx);
    let kept = [("type", kind.as_str()), ("subject", subject.as_str())];
    let next = next.map(|offset| {
        let [kind, subject] = kept;
        address(PATH, &[kind, subject, ("before", &offset.to_string())])
    });
    let pager =
        Pager { first: (!before.is_empty()).then(|| address(PATH, &kept)), next, total: None };
    let mut kinds: Vec<String> = SCHEMAS.iter().map(|schema| schema.kind.to_owned()).collect();
    kinds.dedup();
    let row = |event: LoggedEvent| EventRow {
        offset: event.offset,
        kind: event.kind,
        subject: event.subject,
        at: event.at,
    };
    let shown = EventListPage {
        frame: staff.frame(web, Section::Events).await,
        kinds,
        rows: events.into_iter().map(row).collect(),
        pager,
        kind,
        subject,
    };
    Ok(page(200, shown.render()))
}

async fn shown(web: &Web, staff: &Staff, offset: &str) -> Result<Response<Body>, ApiError> {
    let not_found = || ApiError::not_found("event");
    let offset = offset.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let event = event_log::find(&mut tx, offset).await?.ok_or_else(not_found)?;
    drop(tx);
    let (subject, at, kind) = (event.subject.clone(), event.at, event.kind.clone());
    let event = CloudEvent::new(&web.options().public_url, event);
    let event = event.map_err(|error| ApiError::internal(&error))?;
    let shown = EventPage {
        frame: staff.frame(web, Section::Events).await,
        kind,
        subject_href: address(PATH, &[("subject", &subject)]),
        subject,
        at,
        json: serde_json::to_string_pretty(&event).map_err(|error| ApiError::internal(&error))?,
    };
    Ok(page(200, shown.render()))
}

/// What a follower does, in words.
fn title(lag: &lag::Lag) -> &'static str {
    match lag.name.as_str() {
        _ if lag.is_reader => "Reader outside",
        lag::SEARCH => "Search index",
        lag::COPIES => "Copies in the memory of this process",
        mail::subscriber::NAME => "Mails to customers",
        abandoned::NAME => "Carts that became orders after all",
        customer::subscriber::NAME => "Customers of placed orders",
        sales::subscriber::NAME => "Sums of sales by day",
        webhooks::subscriber::NAME => "Webhooks",
        _ => "Subscriber",
    }
}

async fn listed_subscribers(
    web: &Web,
    staff: &Staff,
    query: Option<&str>,
) -> Result<Response<Body>, ApiError> {
    let rows = web.lags().await?.into_iter().map(|lag| {
        let title = title(&lag).to_owned();
        let row = SubscriberRow {
            title,
            offset: lag.offset,
            lag: lag.events,
            seconds: lag.seconds,
            name: lag.name,
            ..SubscriberRow::default()
        };
        match lag.stored {
            Some(stored) => SubscriberRow {
                attempts: stored.attempts,
                failing_since: stored.failing_since,
                retry_at: stored.retry_at,
                error: stored.last_error,
                ..row
            },
            None => row,
        }
    });
    let mut frame = staff.frame(web, Section::Events).await;
    frame.notice = notice(query);
    Ok(page(200, SubscriberListPage { frame, rows: rows.collect() }.render()))
}
