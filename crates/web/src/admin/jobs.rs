//! Jobs of the background: what waits, runs and was given up.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use serde_json::Value;
use stoa_app::cart::abandoned;
use stoa_app::error::StoreError;
use stoa_app::jobs::housekeeping::{self, REBUILD_SEARCH};
use stoa_app::jobs::schedule::Schedule;
use stoa_app::jobs::store::{self, JobState, StoredJob};
use stoa_app::{job, mail};
use stoa_kernel::{Ctx, JobId};
use stoa_pages::admin::{FieldError, JobListPage, JobPage, JobRow, OrderTab, ScheduleRow, Section};

use super::answer::{address, notice, page, parameter, see_other};
use super::gate::{Action, Staff, context, now};
use crate::reply::ApiError;
use crate::state::Web;

/// Jobs of one page.
const ROWS: i64 = 100;
/// How long a rebuild of the search index may take, in seconds.
const REBUILD_S: u32 = 6 * 3_600;
/// Where the list is.
const PATH: &str = "/admin/jobs";

/// `GET /admin/jobs`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Jobs, listed).await
}

/// `GET /admin/jobs/{id}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = async {
        let job = found(&web, &id).await?;
        let args = pretty(&job.args);
        shown(&web, &staff, &job, args, Vec::new(), query.as_deref()).await
    };
    let shown = shown.await;
    staff.answer(&web, Section::Jobs, shown).await
}

/// `POST /admin/jobs/{id}/retry`: gives a dead job all its tries again, with the arguments sent.
pub async fn retry(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let retried = retried(&web, &action, &id).await;
    action.staff.answer(&web, Section::Jobs, retried).await
}

/// `POST /admin/jobs/{id}/discard`
pub async fn discard(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let discarded = discarded(&web, &id).await;
    action.staff.answer(&web, Section::Jobs, discarded).await
}

/// `POST /admin/jobs/{id}/run`: does now what waits for later.
pub async fn run(State(web): State<Web>, Path(id): Path<String>, action: Action) -> Response<Body> {
    let hurried = hurried(&web, &id).await;
    action.staff.answer(&web, Section::Jobs, hurried).await
}

/// `POST /admin/jobs/schedules/{name}`: does now what has a schedule.
pub async fn run_schedule(
    State(web): State<Web>,
    Path(name): Path<String>,
    action: Action,
) -> Response<Body> {
    let made = made(&web, |ctx| {
        let schedules = housekeeping::schedules().map_err(|error| ApiError::internal(&error))?;
        let schedule = schedules.into_iter().find(|schedule| schedule.kind == name);
        Ok(schedule.ok_or_else(|| ApiError::not_found("schedule"))?.job(ctx))
    });
    let made = made.await;
    action.staff.answer(&web, Section::Jobs, made).await
}

/// `POST /admin/jobs/rebuild-search`
pub async fn rebuild_search(State(web): State<Web>, action: Action) -> Response<Body> {
    let made = made(&web, |ctx| {
        let schedule = Schedule::new(REBUILD_SEARCH, "0 0 1 1 *", REBUILD_S);
        Ok(schedule.map_err(|error| ApiError::internal(&error))?.job(ctx))
    });
    let made = made.await;
    action.staff.answer(&web, Section::Jobs, made).await
}

async fn made(
    web: &Web,
    job: impl FnOnce(&mut Ctx) -> Result<stoa_ports::jobs::NewJob, ApiError>,
) -> Result<Response<Body>, ApiError> {
    let mut ctx = context(web)?;
    let job = job(&mut ctx)?;
    let added = web.shop().jobs.add(vec![job]).await;
    let added = added.map_err(|error| ApiError::internal(&error))?;
    web.shop().wake.notify_waiters();
    let word = if added == [true] { "job" } else { "job_there" };
    Ok(see_other(&address(PATH, &[("notice", word)])))
}

/// What kinds of jobs do, in words.
fn title(kind: &str) -> &str {
    match kind {
        housekeeping::PURGE_KEYS => "Forget old idempotency keys",
        abandoned::FIND_ABANDONED => "Find abandoned carts",
        housekeeping::PURGE_CARTS => "Forget old carts",
        housekeeping::PURGE_SESSIONS => "Forget expired sessions and links",
        housekeeping::PURGE_JOBS => "Forget old dead letters",
        REBUILD_SEARCH => "Rebuild the search index",
        mail::send::SEND => "Send a mail",
        mail::send::PURGE => "Forget old mails",
        other => other,
    }
}

fn row(job: &StoredJob) -> JobRow {
    let progress = job.progress.map_or_else(String::new, |progress| match progress.total {
        Some(total) => format!("{} of {total}", progress.done),
        None => format!("{} done", progress.done),
    });
    JobRow {
        href: Some(format!("{PATH}/{}", job.id)),
        title: title(&job.kind).to_owned(),
        sub: job.kind.clone(),
        at: match job.state {
            JobState::Dead => job.died_at.unwrap_or(job.run_at),
            _ => job.run_at,
        },
        tries: format!("{} of {}", job.attempts, job.max_attempts),
        progress,
        error: job.last_error.clone().unwrap_or_default(),
    }
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let shop = web.shop();
    let mut frame = staff.frame(web, Section::Jobs).await;
    frame.notice = notice(query);
    let mut tx = shop.db.read().await.map_err(StoreError::from)?;
    let counts = store::counts(&mut tx, now(web)).await?;
    let n_steps = job::count(&mut tx).await?;
    let tabs = [
        ("", "Waiting", Some(counts.due + counts.later)),
        ("running", "Running", Some(counts.running)),
        ("dead", "Dead letters", Some(counts.dead)),
        ("steps", "Steps of orders", Some(n_steps)),
        ("schedules", "Schedules", None),
    ];
    let state = parameter(query, "state");
    let state = if tabs.iter().any(|(word, ..)| *word == state) { state } else { String::new() };
    let mut shown = JobListPage {
        frame,
        engine: match shop.jobs.name() {
            "table" => "the database".to_owned(),
            other => other.to_owned(),
        },
        trouble: shop.jobs.trouble(),
        tabs: tabs
            .into_iter()
            .map(|(word, label, n)| OrderTab {
                label: label.to_owned(),
                href: address(PATH, &[("state", word)]),
                selected: word == state,
                n,
            })
            .collect(),
        at_label: "Due".to_owned(),
        nothing: "Nothing waits.".to_owned(),
        ..JobListPage::default()
    };
    match state.as_str() {
        "schedules" => {
            let kept = store::schedules(&mut tx).await?;
            let schedules = housekeeping::schedules();
            let schedules = schedules.map_err(|error| ApiError::internal(&error))?;
            shown.schedules = schedules
                .iter()
                .map(|schedule| {
                    let kept = kept.iter().find(|kept| kept.name == schedule.kind);
                    ScheduleRow {
                        name: schedule.kind.to_owned(),
                        title: title(schedule.kind).to_owned(),
                        cron: schedule.cron.to_string(),
                        next_at: kept.map(|kept| kept.next_at),
                        last_at: kept.and_then(|kept| kept.last_at),
                    }
                })
                .collect();
        }
        "steps" => {
            "No order waits for a payment provider.".clone_into(&mut shown.nothing);
            shown.rows = job::list(&mut tx, ROWS)
                .await?
                .into_iter()
                .map(|step| JobRow {
                    href: Some(format!("/admin/orders/{}", step.order_id)),
                    title: match step.kind.as_str() {
                        "refund" => "Give money back".to_owned(),
                        _ => "Take payment".to_owned(),
                    },
                    sub: step.order_id.to_string(),
                    at: step.run_at,
                    tries: step.attempts.to_string(),
                    progress: String::new(),
                    error: step.last_error.unwrap_or_default(),
                })
                .collect();
        }
        word => {
            let (state, at_label, nothing) = match word {
                "running" => (JobState::Running, "Due", "Nothing runs."),
                "dead" => (JobState::Dead, "Given up", "No job was given up."),
                _ => (JobState::Waiting, "Due", "Nothing waits."),
            };
            at_label.clone_into(&mut shown.at_label);
            nothing.clone_into(&mut shown.nothing);
            shown.rows = store::list(&mut tx, state, ROWS).await?.iter().map(row).collect();
        }
    }
    Ok(page(200, shown.render()))
}

async fn found(web: &Web, id: &str) -> Result<StoredJob, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::not_found("job"))?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("job"))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

async fn shown(
    web: &Web,
    staff: &Staff,
    job: &StoredJob,
    args: String,
    errors: Vec<FieldError>,
    query: Option<&str>,
) -> Result<Response<Body>, ApiError> {
    let mut frame = staff.frame(web, Section::Jobs).await;
    frame.notice = notice(query);
    let line = row(job);
    let mut facts = vec![
        ("Tries".to_owned(), line.tries),
        ("Priority".to_owned(), job.priority.to_string()),
        ("A try may take".to_owned(), format!("{} s", job.timeout_s)),
    ];
    if !line.progress.is_empty() {
        facts.push(("Progress".to_owned(), line.progress));
    }
    if let Some(key) = &job.unique_key {
        facts.push(("Only one of".to_owned(), key.clone()));
    }
    let mut times = vec![("Stored".to_owned(), job.created_at), ("Due".to_owned(), job.run_at)];
    times.extend(job.died_at.map(|at| ("Given up".to_owned(), at)));
    let status = if errors.is_empty() { 200 } else { 422 };
    let shown = JobPage {
        frame,
        id: job.id.to_string(),
        title: line.title,
        kind: job.kind.clone(),
        state: job.state.as_str().to_owned(),
        facts,
        times,
        error: job.last_error.clone(),
        args,
        is_later: job.state == JobState::Waiting && job.run_at > now(web),
        errors,
    };
    Ok(page(status, shown.render()))
}

async fn retried(web: &Web, action: &Action, id: &str) -> Result<Response<Body>, ApiError> {
    let job = found(web, id).await?;
    let entered = action.form.get("args");
    let args = match serde_json::from_str::<Value>(entered) {
        Ok(args) if args.is_object() => args,
        other => {
            let why =
                other.map_or_else(|error| error.to_string(), |_| "an object is needed".into());
            let error = FieldError::new("args", format!("Arguments: {why}."));
            return shown(web, &action.staff, &job, entered.to_owned(), vec![error], None).await;
        }
    };
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let retried = match store::retry(&mut tx, job.id, now(web), &args).await {
        Ok(retried) => retried,
        Err(StoreError::Sql(error)) if error.is_unique("queued_jobs.unique_key") => {
            let text = "another job with the same key waits or runs already; discard this one";
            return Err(ApiError::new(409, "wrong_state", text));
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await.map_err(StoreError::from)?;
    web.shop().wake.notify_waiters();
    let word = if retried { "retried" } else { "unchanged" };
    Ok(see_other(&format!("{PATH}/{}?notice={word}", job.id)))
}

async fn discarded(web: &Web, id: &str) -> Result<Response<Body>, ApiError> {
    let job = found(web, id).await?;
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let gone = store::discard(&mut tx, job.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    if !gone {
        return Err(ApiError::new(
            409,
            "wrong_state",
            "the job runs just now; wait until it has ended",
        ));
    }
    let state = if job.state == JobState::Dead { "dead" } else { "" };
    Ok(see_other(&address(PATH, &[("state", state), ("notice", "discarded")])))
}

async fn hurried(web: &Web, id: &str) -> Result<Response<Body>, ApiError> {
    let job = found(web, id).await?;
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let hurried = store::hurry(&mut tx, job.id, now(web)).await?;
    tx.commit().await.map_err(StoreError::from)?;
    web.shop().wake.notify_waiters();
    let word = if hurried { "retried" } else { "unchanged" };
    Ok(see_other(&address(PATH, &[("notice", word)])))
}
