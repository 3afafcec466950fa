//! `stoa events`: the event log for people and programs beside the shop, also while it serves.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use stoa_app::event_log::{self, LoggedEvent};
use stoa_app::events::store::{self, Kind};
use stoa_app::events::{CloudEvent, lag, matches};
use stoa_app::{Tx, clock};
use stoa_domain::event::schemas::{self, SCHEMAS, Schema};
use stoa_sql::Db;

use crate::config::Config;
use crate::wiring::DataDir;

/// Events shown when nobody says where to begin.
const LAST: usize = 10;
/// Events looked at, at once.
const CHUNK: i64 = 1_000;
/// How often to look for new ones.
const LOOK: Duration = Duration::from_millis(200);
/// How often a reader's offset is kept while events keep coming.
const KEEP: Duration = Duration::from_secs(1);
/// Characters of a reader's name.
const NAME_CHARS: usize = 60;

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print events: the last ten, or those from an offset or a reader's place on.
    Tail(Tail),
    /// Set a subscriber or reader back, so that it gets events again.
    Replay {
        /// Its name; `stoa events subscribers` lists them.
        subscriber: String,
        /// The first event it is to get.
        #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(1..))]
        from: i64,
    },
    /// List who follows the log and keeps an offset in the database, and how far each has come.
    Subscribers,
    /// List the types of events, or print the newest schema of one.
    Schemas {
        /// A type, e.g. order.placed.
        name: Option<String>,
        /// Print JSON: all schemas, or the one.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Print each as a CloudEvent, one a line.
    #[arg(long)]
    json: bool,
    /// Begin with the event at this offset.
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    from: Option<i64>,
    /// Go on with those to come, until stopped.
    #[arg(long)]
    follow: bool,
    /// Only those of a type, e.g. order.placed, or all that begin so: 'order.*'.
    #[arg(long = "type", value_name = "TYPE", default_value = "*")]
    kind: String,
    /// Go on where the last reader of this name ended; keep how far this one has come.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

/// Does what a subcommand says.
///
/// # Errors
/// The store cannot be opened or read, or something named is not there.
pub(crate) async fn run(
    command: &EventsCommand,
    data: &DataDir,
    config: &Config,
) -> anyhow::Result<()> {
    match command {
        EventsCommand::Tail(args) => {
            let public_url = match config.public_url.as_str() {
                "" => format!("http://{}", config.listen),
                url => url.to_owned(),
            };
            tail(args, &data.db(config).await?, &public_url).await
        }
        EventsCommand::Replay { subscriber, from } => {
            replay(&data.db(config).await?, subscriber, *from).await
        }
        EventsCommand::Subscribers => subscribers(&data.db(config).await?).await,
        EventsCommand::Schemas { name, json } => list_schemas(name.as_deref(), *json),
    }
}

/// Prints, and says whether anybody still reads.
fn print(text: &str) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write"),
    }
}

/// An event as a line.
fn line(event: LoggedEvent, public_url: &str, json: bool) -> anyhow::Result<String> {
    if json {
        return Ok(serde_json::to_string(&CloudEvent::new(public_url, event)?)?);
    }
    let LoggedEvent { offset, at, kind, subject, data, .. } = event;
    Ok(format!("{offset}  {at}  {kind}  {subject}  {data}"))
}

/// Where a reader is, and where it was kept last.
struct Place<'a> {
    db: &'a Db,
    name: Option<&'a str>,
    kept: i64,
    kept_at: Instant,
    offset: i64,
}

impl Place<'_> {
    /// Keeps how far the reader has come, if it has a name.
    async fn keep(&mut self) -> anyhow::Result<()> {
        self.kept_at = Instant::now();
        let Some(name) = self.name else { return Ok(()) };
        if self.offset == self.kept {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if !store::advance(&mut tx, name, self.kept, self.offset, clock::now()).await? {
            bail!("somebody else reads as `{name}`, or set it back; run this again to go on there");
        }
        tx.commit().await?;
        self.kept = self.offset;
        Ok(())
    }
}

/// The offset before the first event to print, and where a named reader was kept.
async fn begin(args: &Tail, db: &Db) -> anyhow::Result<(i64, i64)> {
    let mut tx = db.read().await?;
    let latest = event_log::latest(&mut tx).await?;
    let from = args.from.map(|from| (from - 1).max(0));
    let Some(name) = &args.name else {
        let Some(from) = from else {
            let wanted = |kind: &str, _: &str| matches(&args.kind, kind);
            let found = event_log::newest(&mut tx, i64::MAX, CHUNK * 20, LAST, wanted).await?;
            let before = found.events.last().map_or(latest, |event| event.offset - 1);
            return Ok((before, 0));
        };
        return Ok((from, 0));
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS || !name.chars().all(is_name) {
        bail!("a reader's name is 1 to {NAME_CHARS} letters, digits, `-`, `_` and `.`");
    }
    let found = store::find(&mut tx, name).await?;
    drop(tx);
    if found.as_ref().is_some_and(|found| found.kind != Kind::Reader) || reserved(name) {
        bail!("`{name}` is a part of the shop; choose another name for the reader");
    }
    let kept = match found {
        Some(found) => found.offset,
        None => {
            let first = from.unwrap_or(latest);
            let mut tx = db.begin().await?;
            store::add(&mut tx, name, first, Kind::Reader, clock::now()).await?;
            tx.commit().await?;
            first
        }
    };
    Ok((from.unwrap_or(kept), kept))
}

/// Whether a follower of the shop has this name, with or without a row.
fn reserved(name: &str) -> bool {
    let known = stoa_app::events::subscribers();
    name == lag::SEARCH || name == lag::COPIES || known.iter().any(|one| one.name() == name)
}

async fn tail(args: &Tail, db: &Db, public_url: &str) -> anyhow::Result<()> {
    let (offset, kept) = begin(args, db).await?;
    let name = args.name.as_deref();
    let mut place = Place { db, name, kept, kept_at: Instant::now(), offset };
    loop {
        let mut tx = db.read().await?;
        let wanted = |kind: &str| matches(&args.kind, kind);
        let found = event_log::stretch(&mut tx, place.offset, CHUNK, wanted).await?;
        drop(tx);
        let mut text = String::new();
        for event in found.events {
            text += &line(event, public_url, args.json)?;
            text.push('\n');
        }
        if !text.is_empty() {
            db.flush()?; // Nobody outside is told of what a crash could undo.
            if !print(&text)? {
                return Ok(());
            }
        }
        place.offset = found.last;
        let is_all = found.n < CHUNK;
        if is_all && !args.follow {
            return place.keep().await;
        }
        if place.kept_at.elapsed() >= KEEP {
            place.keep().await?;
        }
        if is_all {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Everybody with an offset in the database.
async fn stored_lags(tx: &mut Tx) -> anyhow::Result<Vec<lag::Lag>> {
    Ok(lag::all(tx, &std::collections::BTreeMap::new(), clock::now()).await?)
}

async fn replay(db: &Db, name: &str, from: i64) -> anyhow::Result<()> {
    if name == lag::SEARCH || name == lag::COPIES {
        bail!(
            "`{name}` keeps no offset in the database; `stoa rebuild search` fills the index anew"
        );
    }
    let mut tx = db.begin().await?;
    let Some(found) = store::list(&mut tx).await?.into_iter().find(|row| row.name == name) else {
        bail!("nobody is called `{name}`; `stoa events subscribers` lists everybody");
    };
    if from > found.offset {
        bail!("`{name}` has come to {}; it can only be set back, not on", found.offset);
    }
    store::set(&mut tx, name, from - 1, clock::now()).await?;
    tx.commit().await?;
    println!("`{name}` gets events from {from} on again");
    Ok(())
}

async fn subscribers(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.read().await?;
    let lags = stored_lags(&mut tx).await?;
    drop(tx);
    let mut text = String::new();
    writeln!(
        text,
        "{:<20} {:<10} {:>12} {:>12} {:>9}  LAST ERROR",
        "NAME", "KIND", "OFFSET", "BEHIND", "SECONDS"
    )?;
    for lag in lags {
        let kind = if lag.is_reader { Kind::Reader } else { Kind::Subscriber };
        let error = lag.stored.and_then(|stored| stored.last_error).unwrap_or_default();
        let error = error.replace(char::is_control, " ");
        let (name, kind) = (lag.name, kind.as_str());
        let (offset, events, seconds) = (lag.offset, lag.events, lag.seconds);
        let row = format!("{name:<20} {kind:<10} {offset:>12} {events:>12} {seconds:>9}  {error}");
        writeln!(text, "{}", row.trim_end())?;
    }
    print(&text)?;
    Ok(())
}

/// A type in a list.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    version: u32,
    schema: serde_json::Value,
}

fn list_schemas(name: Option<&str>, json: bool) -> anyhow::Result<()> {
    let text = match name {
        Some(name) => {
            let found = schemas::newest(name);
            let found = found.with_context(|| {
                format!("no event is called `{name}`; `stoa events schemas` lists them")
            })?;
            found.text.to_owned()
        }
        None if json => {
            let listed = SCHEMAS.iter().map(|schema| {
                let Schema { kind, version, text } = *schema;
                Ok(Listed { name: kind, version, schema: serde_json::from_str(text)? })
            });
            let listed: Vec<Listed> = listed.collect::<Result<_, serde_json::Error>>()?;
            serde_json::to_string_pretty(&listed)? + "\n"
        }
        None => {
            let lines =
                SCHEMAS.iter().map(|schema| format!("{} {}\n", schema.kind, schema.version));
            lines.collect()
        }
    };
    print(&text)?;
    Ok(())
}
