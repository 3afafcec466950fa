//! How the shop itself is.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use stoa_app::back_office::store as back_office;
use stoa_app::error::StoreError;
use stoa_app::{event_log, job};
use stoa_kernel::limits;
use stoa_pages::admin::{Fact, Follower, Section, SystemGroup, SystemPage, Tone};

use super::answer::page;
use super::gate::Staff;
use crate::reply::ApiError;
use crate::state::Web;

/// Events that a follower may have still to see before something is wrong.
const LAG: i64 = 1_000;

/// `GET /admin/system`.
pub async fn show(State(web): State<Web>, staff: Staff) -> Response<Body> {
    let shown = shown(&web, &staff).await;
    staff.answer(&web, Section::System, shown).await
}

async fn shown(web: &Web, staff: &Staff) -> Result<Response<Body>, ApiError> {
    let shop = web.shop();
    let mut tx = shop.db.read().await.map_err(StoreError::from)?;
    let head = event_log::latest(&mut tx).await?;
    let n_jobs = job::count(&mut tx).await?;
    let database_bytes = back_office::database_bytes(&mut tx).await?;
    drop(tx);
    let mut faults = Vec::new();

    let stats = shop.engine.stats();
    let (judgement, word) = match stats.queued {
        0 => (Tone::Ok, "Idle"),
        queued if queued < limits::ENGINE_QUEUE / 2 => (Tone::Info, "Busy"),
        _ => (Tone::Bad, "Overloaded"),
    };
    if judgement == Tone::Bad {
        faults.push("The engine cannot keep up: more commands come in than it can do.".to_owned());
    }
    if stats.failed > 0 {
        faults.push(format!(
            "{} commands could not be stored since the start; the log says why. Look at the disk.",
            stats.failed
        ));
    }
    let per_batch = stats.commands.checked_div(stats.batches).unwrap_or(0);
    let engine = SystemGroup {
        title: "Engine".to_owned(),
        text: "Does what is asked for in batches, each durable before it is answered.".to_owned(),
        facts: vec![
            Fact::new("Waiting", format!("{} of {}", stats.queued, limits::ENGINE_QUEUE))
                .judged(judgement, word),
            Fact::new("Commands since the start", stats.commands.to_string()),
            Fact::new("Commands in a batch, on average", per_batch.to_string()),
            Fact::new("Refused by a rule", stats.refused.to_string()),
            Fact::new("Turned away", stats.overloaded.to_string()),
            Fact::new("Payments and refunds under way", n_jobs.to_string()),
        ],
    };

    let (size, position) = (shop.search.len().await, shop.search.offset().await);
    let mut followers = Vec::new();
    let mut facts = Vec::new();
    match (size, position) {
        (Ok(size), Ok(position)) => {
            facts.push(Fact::new("Products in the index", size.to_string()));
            let lag = head.saturating_sub(position).max(0);
            if lag > LAG {
                faults.push(format!(
                    "Search is {lag} events behind. If that does not shrink, run `stoa rebuild \
                     search`."
                ));
            }
            followers.push(Follower { name: "Search".to_owned(), position, lag });
        }
        (Err(error), _) | (_, Err(error)) => {
            facts.push(Fact::new("State", error.to_string()).judged(Tone::Bad, "Failing"));
            faults.push("The search index does not answer: run `stoa rebuild search`.".to_owned());
        }
    }
    let search = SystemGroup {
        title: "Search".to_owned(),
        text: "Follows the catalogue and can be rebuilt at any time.".to_owned(),
        facts,
    };

    let mut facts = vec![
        Fact::new("Data directory", web.options().data_directory.clone()),
        Fact::new("Size of the database", mebibytes(database_bytes)),
    ];
    if let Some(cache) = shop.cache.state() {
        let shared = match cache.fault {
            None => Fact::new("Shared cache", "Answers").judged(Tone::Ok, "Connected"),
            Some(fault) => {
                faults.push(
                    "The shared cache does not answer: each process counts for itself what \
                     clients try, and reads sessions from the database."
                        .to_owned(),
                );
                Fact::new("Shared cache", fault).judged(Tone::Warn, "Away")
            }
        };
        facts.push(shared);
    }
    let data = SystemGroup {
        title: "Data".to_owned(),
        text: "What to back up, and how large it has become.".to_owned(),
        facts,
    };

    let pages = SystemGroup {
        title: "Pages".to_owned(),
        text: "Pages kept in memory until the catalogue changes.".to_owned(),
        facts: vec![
            Fact::new("Kept", mebibytes(web.pages().bytes())),
            Fact::new("At most", mebibytes(web.options().page_cache_bytes)),
            Fact::new("Public address", web.options().public_url.clone()),
            Fact::new("Version", env!("CARGO_PKG_VERSION")),
        ],
    };
    let shown = SystemPage {
        frame: staff.frame(web, Section::System).await,
        faults,
        groups: vec![engine, search, data, pages],
        head,
        followers,
    };
    Ok(page(200, shown.render()))
}

/// Bytes as people read them, to a tenth.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
