//! `stoa copy`: moves a shop from one database to the other.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use stoa_sql::{Db, PostgresOptions, Step, copy};

use crate::config::Config;
use crate::wiring::DataDir;

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// `sqlite:DIR` for a data directory, `postgres://...`, or `postgres` for what `database.url`
    /// of the configuration names.
    #[arg(long, value_name = "DATABASE")]
    from: String,
    /// The same, of a database that holds nothing yet.
    #[arg(long, value_name = "DATABASE")]
    to: String,
    /// Copy while the shop goes on: what is written after the copy has begun is not in it.
    #[arg(long)]
    snapshot: bool,
}

enum Place {
    Directory(DataDir),
    Server(PostgresOptions),
}

fn place(text: &str, config: &Config) -> anyhow::Result<Place> {
    if text == "postgres" {
        let configured = config.database.clone();
        return Ok(Place::Server(configured.context("the configuration has no database.url")?));
    }
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = Path::new(path);
        // The file may be named as well as its directory.
        let folder = match path.file_name() {
            Some(name) if name == crate::wiring::DATABASE_FILE => path.parent(),
            _ => Some(path),
        };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        return Ok(Place::Directory(DataDir::open(folder.unwrap_or(Path::new(".")))?));
    }
    let url = text.strip_prefix("postgres:").filter(|rest| !rest.starts_with("//")).unwrap_or(text);
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let mut options = PostgresOptions::new(url, config.connections);
        options.root_certificate.clone_from(&config.root_certificate);
        return Ok(Place::Server(options));
    }
    bail!("a database is sqlite:DIR, postgres://... or postgres; not what was given")
}

impl Place {
    async fn open(&self) -> anyhow::Result<Db> {
        match self {
            Self::Directory(data) => Db::open_embedded(data.path())
                .with_context(|| format!("cannot open the database in {}", data.path().display())),
            Self::Server(options) => {
                Db::open_postgres_with(options).await.context("cannot open the PostgreSQL database")
            }
        }
    }
}

/// Copies a shop and compares every row.
///
/// # Errors
/// The source is being served (without `--snapshot`), the target holds something, or a row is not
/// the same in the copy. The target is empty then, and the copy can be begun anew.
pub(crate) async fn run(args: &CopyArgs, config: &Config) -> anyhow::Result<()> {
    let from = place(&args.from, config).context("--from")?;
    let to = place(&args.to, config).context("--to")?;
    if let Place::Directory(data) = &from {
        let file: PathBuf = data.path().join(crate::wiring::DATABASE_FILE);
        ensure!(file.exists(), "--from: there is no shop in {}", data.path().display());
    }
    let mut locks = Vec::new();
    for (place, must_rest) in [(&from, !args.snapshot), (&to, true)] {
        if let (Place::Directory(data), true) = (place, must_rest) {
            let Some(lock) = data.serving_lock()? else {
                bail!(
                    "{} is being served: stop the shop, so that nothing is lost that is written \
                     meanwhile; or add --snapshot to try it out",
                    data.path().display()
                );
            };
            locks.push(lock);
        }
        if let (Place::Server(options), true) = (place, must_rest) {
            let users = stoa_sql::RestoreTarget::connect(options).await?.users().await?;
            ensure!(
                users == 0,
                "{users} connections of Stoa use the database; stop the shop first"
            );
        }
    }
    let (source, target) = (from.open().await?, to.open().await?);
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let mut progress = |step, table: &str, rows: u64| {
        let verb = if step == Step::Copy { "copied" } else { "compared" };
        bar.set_message(format!("{table}: {rows} rows {verb}"));
        bar.tick();
    };
    let counts = copy(&source, &target, !args.snapshot, &mut progress).await;
    bar.finish_and_clear();
    for (table, rows) in counts? {
        println!("{rows:>10}  {table}");
    }
    println!("Every row is there and was compared.");
    if args.snapshot {
        println!(
            "This is the shop as it was when the copy began; what it does since is not in it."
        );
    } else {
        println!("Serve the copy now, and the source no more: what one writes, the other lacks.");
    }
    Ok(())
}
