//! `stoa backup` and `stoa restore`.
//!
//! A backup is a folder: the database as of one moment (a SQLite file, or what `pg_dump` makes), the
//! test provider's book, and a manifest that says what must be there. It is made under another name
//! and renamed when it is complete and on disk, so that there is never half a backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use clap::Args;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stoa_app::{clock, entropy, event_log, follow, order};
use stoa_domain::event::EventBody;
use stoa_embedded::test_payment;
use stoa_kernel::Ctx;
use stoa_sql::{Db, PostgresOptions, RestoreTarget, Snapshot, Tx, inspect_embedded};

use crate::config::Config;
use crate::wiring::{DATABASE_FILE, DataDir};

/// What the manifest is called.
const MANIFEST: &str = "manifest.json";
/// The form of the folder.
const FORMAT: u32 = 1;
/// What a dump of PostgreSQL is called.
const DUMP: &str = "shop.dump";
/// The test provider's book.
const BOOK: &str = "test-payments.log";
/// How far identities of events leap after a restore. Whoever has followed the log further than the
/// backup reaches would otherwise take new events for ones that were seen.
const LEAP: i64 = 1_000_000;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder to make; it must not be there yet.
    folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A folder that `stoa backup` made.
    folder: PathBuf,
    /// Replace the shop that is there.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    fn file(self) -> &'static str {
        match self {
            Self::Sqlite => DATABASE_FILE,
            Self::Postgres => DUMP,
        }
    }

    fn of(config: &Config) -> Self {
        if config.database.is_some() { Self::Postgres } else { Self::Sqlite }
    }
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    stoa: String,
    database: Kind,
    schema: i64,
    /// Microseconds since 1970 UTC.
    made_at: i64,
    /// Rows of each table.
    rows: BTreeMap<String, u64>,
    /// Roles of the server that tables are granted to.
    roles: Vec<String>,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// Makes a backup while the shop serves.
///
/// # Errors
/// The folder is there already, or something cannot be read or written.
pub(crate) async fn backup(
    args: &BackupArgs,
    data: &DataDir,
    config: &Config,
) -> anyhow::Result<()> {
    let folder = &args.folder;
    ensure!(!folder.exists(), "{} is there already; name another folder", folder.display());
    let mut partial = folder.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if partial.exists() {
        // What a backup that did not end has left.
        fs::remove_dir_all(&partial)
            .with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    make_folder(&partial)?;
    let made = fill(&partial, data, config).await;
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(error) => {
            let _left_over = fs::remove_dir_all(&partial);
            return Err(error);
        }
    };
    fs::rename(&partial, folder).with_context(|| format!("cannot rename {}", partial.display()))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new(".")))?;
    let rows: u64 = manifest.rows.values().sum();
    println!("{}: {rows} rows of {} tables", folder.display(), manifest.rows.len());
    if let Some(file) = &config.secret_file {
        println!("Not in it: the shop's secret in {}; keep a copy", file.display());
    }
    Ok(())
}

async fn fill(folder: &Path, data: &DataDir, config: &Config) -> anyhow::Result<Manifest> {
    let db = data.db(config).await?;
    let mut tx = db.read().await?;
    // The first question settles what this transaction sees; all that follows is as of that moment.
    let rows = tx.row_counts().await?;
    let roles = tx.roles().await?;
    let kind = Kind::of(config);
    let file = folder.join(kind.file());
    if let Snapshot::Exported(snapshot) = tx.snapshot(&file).await? {
        let options = config.database.as_ref().context("the database's address")?;
        let mut dump = postgres_tool("pg_dump", options)?;
        dump.args([
            "--format=custom",
            "--no-owner",
            "--no-password",
            "--exclude-schema=before_restore",
        ]);
        dump.arg(format!("--snapshot={snapshot}")).arg("--file").arg(&file);
        run(dump).await?;
        only_for_us(&file)?;
        File::open(&file)?.sync_all()?;
    }
    let mut files = vec![kind.file()];
    if data.test_book().exists() {
        write_synced(&folder.join(BOOK), book(&mut tx, data).await?.as_bytes())?;
        files.push(BOOK);
    }
    tx.commit().await?;
    let hash = |name: &&str| Ok(((*name).to_owned(), sha256(&folder.join(name))?));
    let manifest = Manifest {
        format: FORMAT,
        stoa: env!("CARGO_PKG_VERSION").to_owned(),
        database: kind,
        schema: stoa_sql::schema_version(),
        made_at: clock::now().as_micros(),
        rows,
        roles,
        files: files.iter().map(hash).collect::<anyhow::Result<_>>()?,
    };
    write_synced(&folder.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
    sync_folder(folder)?;
    Ok(manifest)
}

/// The test provider's book as far as the shop knew of its payments: what was begun after the
/// moment of the backup is no part of it.
async fn book(tx: &mut Tx, data: &DataDir) -> anyhow::Result<String> {
    let known = order::store::payments(tx, test_payment::NAME).await?;
    let known: std::collections::HashSet<String> =
        known.into_iter().map(|payment| payment.id.to_string()).collect();
    let book = fs::read_to_string(data.test_book()).context("the test provider's book")?;
    let lines = book.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    Ok(lines.filter(|line| line.split(' ').next().is_some_and(|id| known.contains(id))).collect())
}

/// Puts a backup in the place of an empty shop.
///
/// # Errors
/// The backup is damaged or of another kind, a shop is there (without `--replace`), or is being
/// served. What is there is as it was then.
pub(crate) async fn restore(
    args: &RestoreArgs,
    data: &DataDir,
    config: &Config,
) -> anyhow::Result<()> {
    let manifest = read_manifest(&args.folder)?;
    let kind = Kind::of(config);
    ensure!(
        manifest.database == kind,
        "the backup is of {:?} and the configuration says {kind:?}; restore it as what it is and \
         move it with `stoa copy`",
        manifest.database
    );
    ensure!(
        manifest.schema <= stoa_sql::schema_version(),
        "the backup was made by Stoa {}, which is newer than this one",
        manifest.stoa
    );
    for (name, expected) in &manifest.files {
        ensure!(
            Path::new(name).components().count() == 1,
            "the manifest names a file outside of the backup"
        );
        let found = sha256(&args.folder.join(name))?;
        ensure!(found == *expected, "{name} is not what was backed up; use another backup");
    }
    let Some(_lock) = data.serving_lock()? else {
        bail!("the shop in {} is being served; stop it first", data.path().display());
    };
    let file = args.folder.join(kind.file());
    match &config.database {
        None => restore_embedded(&file, &manifest, data, args.replace)?,
        Some(options) => restore_postgres(&file, &manifest, options, args.replace).await?,
    }
    let book = args.folder.join(BOOK);
    if manifest.files.contains_key(BOOK) && (args.replace || !data.test_book().exists()) {
        fs::copy(&book, data.test_book()).context("the test provider's book")?;
        only_for_us(&data.test_book())?;
    }
    // The index may have followed the log further than the backup reaches.
    let index = data.search();
    if index.exists() {
        fs::remove_dir_all(&index).with_context(|| format!("cannot remove {}", index.display()))?;
    }
    let db = data.db(config).await?;
    tell_followers(&db).await?;
    let rows: u64 = manifest.rows.values().sum();
    println!("Restored {rows} rows of {} tables; `stoa doctor` looks at them", manifest.rows.len());
    Ok(())
}

/// Lets the log go on beyond whatever was seen of it, and has indexes elsewhere made anew.
async fn tell_followers(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    event_log::leap(&mut tx, LEAP).await?;
    tx.commit().await?;
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let body = EventBody::SearchRebuildRequested {};
    event_log::record(db, &mut ctx, follow::SEARCH, body).await?;
    Ok(())
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).with_context(|| {
        format!("{} is no backup: cannot read {}", folder.display(), path.display())
    })?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(manifest.format == FORMAT, "the backup is of a form that this Stoa does not know");
    ensure!(
        manifest.files.contains_key(manifest.database.file()),
        "the manifest names no database"
    );
    Ok(manifest)
}

fn check_rows(manifest: &Manifest, found: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    for (table, rows) in &manifest.rows {
        let restored = found.get(table).copied();
        ensure!(
            restored == Some(*rows),
            "{rows} rows of {table} were backed up, {} came back",
            restored.unwrap_or(0)
        );
    }
    Ok(())
}

fn restore_embedded(
    file: &Path,
    manifest: &Manifest,
    data: &DataDir,
    replace: bool,
) -> anyhow::Result<()> {
    let place = data.path().join(DATABASE_FILE);
    ensure!(
        replace || !place.exists(),
        "there is a shop in {}; restore elsewhere (--data DIR), or add --replace",
        data.path().display()
    );
    let fresh = data.path().join("stoa.db.restoring");
    fs::copy(file, &fresh).with_context(|| format!("cannot write {}", fresh.display()))?;
    only_for_us(&fresh)?;
    File::open(&fresh)?.sync_all()?;
    let checked = inspect_embedded(&fresh).map_err(anyhow::Error::from).and_then(|found| {
        let (faults, rows) = found;
        ensure!(faults.is_empty(), "the database in the backup is damaged: {}", faults.join("; "));
        check_rows(manifest, &rows)
    });
    if let Err(error) = checked {
        let _left_over = fs::remove_file(&fresh);
        return Err(error);
    }
    // What was there stays beside it, with its log, which SQLite finds by name.
    for ending in ["-wal", "-shm", ""] {
        let old = data.path().join(format!("{DATABASE_FILE}{ending}"));
        if old.exists() {
            let kept = data.path().join(format!("{DATABASE_FILE}.before-restore{ending}"));
            fs::rename(&old, &kept).with_context(|| format!("cannot rename {}", old.display()))?;
        }
    }
    fs::rename(&fresh, &place).with_context(|| format!("cannot rename {}", fresh.display()))?;
    sync_folder(data.path())
}

async fn restore_postgres(
    file: &Path,
    manifest: &Manifest,
    options: &PostgresOptions,
    replace: bool,
) -> anyhow::Result<()> {
    let mut target = RestoreTarget::connect(options).await.context("the database")?;
    let users = target.users().await?;
    ensure!(users == 0, "{users} connections of Stoa use the database; stop the shop first");
    let tables = target.tables().await?;
    ensure!(
        replace || tables == 0,
        "there are {tables} tables in the database; name an empty one, or add --replace"
    );
    let mut tool = postgres_tool("pg_restore", options)?;
    let name = postgres_database(options)?;
    tool.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-password"]);
    tool.arg("--dbname").arg(name).arg(file);
    target.make_roles(&manifest.roles).await.context("the roles that the shop needs")?;
    if tables > 0 {
        target.put_aside().await.context("cannot put the shop that is there aside")?;
    }
    let restored = async {
        run(tool).await?;
        check_rows(manifest, &target.row_counts(manifest.rows.keys()).await?)
    };
    if let Err(error) = restored.await {
        if tables > 0 {
            target.put_back().await.context("what was there is in the schema before_restore")?;
        } else {
            // What has failed to come back whole is not left there to be taken for a shop.
            target.empty().await?;
        }
        return Err(error);
    }
    if tables > 0 {
        target.drop_aside().await?;
    }
    Ok(())
}

/// A tool of PostgreSQL that reaches the same database: on the path, or the newest of Debian's.
fn postgres_tool(name: &str, options: &PostgresOptions) -> anyhow::Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).map(|f| f.join(name)).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin").join(name)))
        })
        .collect();
    versions.sort();
    // The newest first: a tool must not be older than the server.
    places.splice(0..0, versions.into_iter().rev().map(|(_, path)| path));
    let program = places.into_iter().find(|path| path.is_file()).with_context(|| {
        format!(
            "there is no {name}; install PostgreSQL's client (apt-get install postgresql-client)"
        )
    })?;
    let mut command = Command::new(program);
    command.envs(stoa_sql::postgres_environment(options)?);
    command.stdin(Stdio::null());
    Ok(command)
}

fn postgres_database(options: &PostgresOptions) -> anyhow::Result<String> {
    let variables = stoa_sql::postgres_environment(options)?;
    let found = variables.iter().find(|(name, _)| *name == "PGDATABASE");
    let found = found.or_else(|| variables.iter().find(|(name, _)| *name == "PGUSER"));
    found.map(|(_, value)| value.clone()).context("database.url names no database")
}

async fn run(mut command: Command) -> anyhow::Result<()> {
    let name = Path::new(command.get_program()).file_name().map(|name| name.display().to_string());
    let name = name.unwrap_or_default();
    let ran = tokio::task::spawn_blocking(move || command.output()).await?;
    let ran = ran.with_context(|| format!("cannot run {name}"))?;
    ensure!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr).trim());
    Ok(())
}

/// A folder that nobody else can look into: a backup holds names and addresses.
fn make_folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("cannot make {}", path.display()))
}

fn only_for_us(path: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(path, mode)
            .with_context(|| format!("cannot protect {}", path.display()))?;
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.with_context(|| format!("cannot write {}", path.display()))?;
    only_for_us(path)
}

fn sync_folder(path: &Path) -> anyhow::Result<()> {
    // Only Unix can see to it that a rename is on disk.
    if cfg!(unix) {
        let synced = File::open(path).and_then(|folder| folder.sync_all());
        synced.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let n =
            file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        let Some(read) = buffer.get(..n).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
    }
    Ok(HEXLOWER.encode(&hasher.finalize()))
}
