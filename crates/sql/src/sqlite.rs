//! SQLite: one connection that writes, a few that read, write-ahead log. A commit is on disk before
//! anyone is told of it: the log is flushed here ([`crate::flush`]), not by SQLite, so that the next
//! transaction need not wait for the disk.

mod scope;

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use self::scope::Scoped;
use crate::error::SqlError;
use crate::flush::Flusher;
use crate::key::Key;
use crate::migrate::{MIGRATIONS, newest};
use crate::value::{Param, Row};

/// Connections that read and are kept for the next reader; more are opened when needed.
const KEPT_READERS: usize = 4;
/// Statements a connection keeps prepared.
const KEPT_STATEMENTS: usize = 128;
/// How long a writer of this process waits for a writer of another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: std::sync::Arc<AsyncMutex<Connection>>,
    readers: std::sync::Arc<Mutex<Vec<Connection>>>,
    scoped_writers: std::sync::Arc<Mutex<Vec<Scoped>>>,
    scoped_readers: std::sync::Arc<Mutex<Vec<Scoped>>>,
    flusher: std::sync::Arc<Flusher>,
}

#[derive(Debug)]
pub(crate) enum SqliteTx {
    Write {
        writer: Option<OwnedMutexGuard<Connection>>,
        flusher: std::sync::Arc<Flusher>,
    },
    Read {
        connection: Option<Connection>,
        home: std::sync::Arc<Mutex<Vec<Connection>>>,
    },
    /// For one vendor; `alone` holds the place of the writer in one that writes.
    Scoped {
        connection: Option<Scoped>,
        home: std::sync::Arc<Mutex<Vec<Scoped>>>,
        alone: Option<(OwnedMutexGuard<Connection>, std::sync::Arc<Flusher>)>,
    },
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, SqlError> {
        let mut writer = Connection::open(path)?;
        configure(&writer)?;
        // KiB. More does not help: every commit that splits a page walks the whole cache.
        writer.pragma_update(None, "cache_size", -8_000)?;
        migrate(&mut writer)?;
        let checkpointer = Connection::open(path)?;
        configure(&checkpointer)?;
        let writer = std::sync::Arc::new(AsyncMutex::new(writer));
        Ok(Self {
            flusher: std::sync::Arc::new(Flusher::start(path, checkpointer, &writer)?),
            path: path.to_owned(),
            writer,
            readers: std::sync::Arc::default(),
            scoped_writers: std::sync::Arc::default(),
            scoped_readers: std::sync::Arc::default(),
        })
    }

    pub(crate) async fn begin(&self) -> Result<SqliteTx, SqlError> {
        let writer = std::sync::Arc::clone(&self.writer).lock_owned().await;
        writer.prepare_cached("begin immediate")?.execute([])?;
        Ok(SqliteTx::Write { writer: Some(writer), flusher: std::sync::Arc::clone(&self.flusher) })
    }

    pub(crate) fn read(&self) -> Result<SqliteTx, SqlError> {
        let kept = self.readers.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        connection.prepare_cached("begin")?.execute([])?;
        Ok(SqliteTx::Read {
            connection: Some(connection),
            home: std::sync::Arc::clone(&self.readers),
        })
    }

    /// Begins a transaction that writes for one vendor, on a connection of its own.
    pub(crate) async fn begin_scoped(&self, vendor: Uuid) -> Result<SqliteTx, SqlError> {
        let writer = std::sync::Arc::clone(&self.writer).lock_owned().await;
        let kept = self.scoped_writers.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = Connection::open(&self.path)?;
                configure(&connection)?;
                Scoped::new(connection)?
            }
        };
        connection.set_vendor(vendor);
        connection.connection().prepare_cached("begin immediate")?.execute([])?;
        Ok(SqliteTx::Scoped {
            connection: Some(connection),
            home: std::sync::Arc::clone(&self.scoped_writers),
            alone: Some((writer, std::sync::Arc::clone(&self.flusher))),
        })
    }

    /// Begins a transaction that reads for one vendor.
    pub(crate) fn read_scoped(&self, vendor: Uuid) -> Result<SqliteTx, SqlError> {
        let kept = self.scoped_readers.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => Scoped::new(open_reader(&self.path)?)?,
        };
        connection.set_vendor(vendor);
        connection.connection().prepare_cached("begin")?.execute([])?;
        Ok(SqliteTx::Scoped {
            connection: Some(connection),
            home: std::sync::Arc::clone(&self.scoped_readers),
            alone: None,
        })
    }

    pub(crate) fn integrity_faults(&self) -> Result<Vec<String>, SqlError> {
        faults(&open_reader(&self.path)?)
    }

    pub(crate) fn prepare(&self, text: &str) -> Result<(), SqlError> {
        open_reader(&self.path)?.prepare(text)?;
        Ok(())
    }

    pub(crate) fn flush(&self) -> Result<(), SqlError> {
        self.flusher.flush()
    }

    pub(crate) async fn checkpoint(&self) -> Result<(), SqlError> {
        let writer = self.writer.lock().await;
        writer.pragma(None, "wal_checkpoint", "truncate", |_| Ok(()))?;
        Ok(())
    }
}

/// Every fault a database finds in itself.
fn faults(connection: &Connection) -> Result<Vec<String>, SqlError> {
    let mut faults = Vec::new();
    connection.pragma_query(None, "integrity_check", |row| {
        let line: String = row.get(0)?;
        if line != "ok" {
            faults.push(line);
        }
        Ok(())
    })?;
    connection.pragma_query(None, "foreign_key_check", |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        faults.push(format!("a row of {table} names a row of {parent} that is not there"));
        Ok(())
    })?;
    Ok(faults)
}

/// Faults of a file, and the rows of each of its tables.
pub(crate) fn inspect(file: &Path) -> Result<(Vec<String>, BTreeMap<String, u64>), SqlError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok((faults(&connection)?, counts(&connection)?))
}

/// The rows of each table as migrations leave them.
pub(crate) fn fresh_counts() -> Result<BTreeMap<String, u64>, SqlError> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection)?;
    counts(&connection)
}

fn counts(connection: &Connection) -> Result<BTreeMap<String, u64>, SqlError> {
    let text = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
    let mut statement = connection.prepare(text)?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut counts = BTreeMap::new();
    for name in names {
        let text = format!("select count(*) from \"{name}\"");
        let rows: i64 = connection.query_row(&text, [], |row| row.get(0))?;
        counts.insert(name, u64::try_from(rows).unwrap_or(0));
    }
    Ok(counts)
}

impl SqliteTx {
    /// Writes what this transaction sees into a new file, and sees to it that the file is on disk.
    pub(crate) fn back_up(&mut self, file: &Path) -> Result<(), SqlError> {
        let source = self.connection()?;
        let mut copy = Connection::open(file)?;
        // Half a file is nothing to anybody, so that nothing need be kept of it.
        copy.pragma_update(None, "journal_mode", "off")?;
        copy.pragma_update(None, "synchronous", "off")?;
        let step = Backup::new(source, &mut copy)?.step(-1)?;
        if step != StepResult::Done {
            return Err(SqlError::unavailable("the database is busy; try again"));
        }
        // The file is complete without the log beside it.
        copy.pragma_update(None, "journal_mode", "delete")?;
        copy.close().map_err(|(_, error)| error)?;
        let on_disk = std::fs::File::open(file).and_then(|file| file.sync_all());
        on_disk.map_err(|error| SqlError::unavailable(error.to_string()))
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), SqlError> {
        Ok(self.connection()?.execute_batch(text)?)
    }

    fn connection(&self) -> Result<&Connection, SqlError> {
        match self {
            Self::Write { writer: Some(writer), .. } => Ok(writer),
            Self::Read { connection: Some(connection), .. } => Ok(connection),
            Self::Scoped { connection: Some(scoped), .. } => Ok(scoped.connection()),
            Self::Write { writer: None, .. }
            | Self::Read { connection: None, .. }
            | Self::Scoped { connection: None, .. } => {
                Err(SqlError::internal("the transaction has ended"))
            }
        }
    }

    pub(crate) fn query<T, E: From<SqlError>>(
        &mut self,
        text: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(text).map_err(SqlError::from)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(inner) = rows.next().map_err(SqlError::from)? {
            out.push(map(&Row::sqlite(inner))?);
        }
        Ok(out)
    }

    /// The rows for each key, its columns from `$1` on and `more` after them.
    pub(crate) fn query_keys<'a, T, E: From<SqlError>>(
        &mut self,
        text: &str,
        keys: impl IntoIterator<Item: Key<'a>>,
        more: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(text).map_err(SqlError::from)?;
        let mut out = Vec::new();
        for key in keys {
            bind(&mut statement, key.columns().iter().chain(more))?;
            let mut rows = statement.raw_query();
            while let Some(inner) = rows.next().map_err(SqlError::from)? {
                out.push(map(&Row::sqlite(inner))?);
            }
        }
        Ok(out)
    }

    pub(crate) fn query_opt<T, E: From<SqlError>>(
        &mut self,
        text: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(text).map_err(SqlError::from)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        match rows.next().map_err(SqlError::from)? {
            Some(inner) => map(&Row::sqlite(inner)).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn execute(&mut self, text: &str, params: &[Param<'_>]) -> Result<u64, SqlError> {
        self.write(text, std::iter::once(params))
    }

    /// Runs a statement for each row; says how many rows of the table it changed.
    pub(crate) fn write<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        text: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64, SqlError> {
        write(self.connection()?, text, rows)
    }

    /// The same for a set-based write of a vendor, whose text names the table behind its view.
    pub(crate) fn write_scoped<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        text: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64, SqlError> {
        match self {
            Self::Scoped { connection: Some(scoped), .. } => {
                scoped.writing(|connection| write(connection, text, rows))
            }
            _ => Err(SqlError::internal("the transaction is not a vendor's, or has ended")),
        }
    }

    /// Commits, and gives who makes it durable; nobody for a transaction that only read.
    pub(crate) fn commit_ahead(mut self) -> Result<Option<std::sync::Arc<Flusher>>, SqlError> {
        self.connection()?.prepare_cached("commit")?.execute([])?;
        Ok(match &mut self {
            Self::Write { writer, flusher } => {
                *writer = None;
                Some(std::sync::Arc::clone(flusher))
            }
            Self::Read { connection, home } => {
                keep(connection.take(), home);
                None
            }
            Self::Scoped { connection, home, alone } => {
                keep(connection.take(), home);
                alone.take().map(|(_, flusher)| flusher)
            }
        })
    }

    pub(crate) fn commit(self) -> Result<(), SqlError> {
        self.commit_ahead()?.map_or(Ok(()), |flusher| flusher.flush())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        let rolled_back = match self.connection() {
            Ok(connection) => connection
                .prepare_cached("rollback")
                .and_then(|mut statement| statement.execute([]))
                .is_ok(),
            Err(_) => return, // Committed.
        };
        match self {
            Self::Read { connection, home } if rolled_back => keep(connection.take(), home),
            Self::Scoped { connection, home, .. } if rolled_back => keep(connection.take(), home),
            _ => {}
        }
    }
}

fn write<'a, R: AsRef<[Param<'a>]>>(
    connection: &Connection,
    text: &str,
    rows: impl IntoIterator<Item = R>,
) -> Result<u64, SqlError> {
    let mut statement = connection.prepare_cached(text)?;
    let mut changed = 0;
    for row in rows {
        bind(&mut statement, row.as_ref())?;
        changed += statement.raw_execute()?;
    }
    u64::try_from(changed).map_err(|_| SqlError::internal("a row count out of range"))
}

/// Binds parameters to `$1`, `$2` ... wherever they stand in the text: to SQLite these are names,
/// which it numbers by first appearance.
fn bind<'a>(
    statement: &mut rusqlite::CachedStatement<'_>,
    params: impl IntoIterator<Item = &'a Param<'a>>,
) -> Result<(), SqlError> {
    const NAMES: [&CStr; 32] = [
        c"$1", c"$2", c"$3", c"$4", c"$5", c"$6", c"$7", c"$8", c"$9", c"$10", c"$11", c"$12",
        c"$13", c"$14", c"$15", c"$16", c"$17", c"$18", c"$19", c"$20", c"$21", c"$22", c"$23",
        c"$24", c"$25", c"$26", c"$27", c"$28", c"$29", c"$30", c"$31", c"$32",
    ];
    let mut n = 0;
    for (param, name) in params.into_iter().zip(NAMES) {
        n += 1;
        // Most statements name their parameters in order, so that the place is the number.
        let in_order =
            statement.parameter_name(n).is_some_and(|at| at.as_bytes() == name.to_bytes());
        let place = if in_order {
            n
        } else {
            let name = name.to_str().map_err(|_| SqlError::internal("a parameter's name"))?;
            statement
                .parameter_index(name)?
                .ok_or_else(|| SqlError::internal(format!("the statement has no {name}")))?
        };
        statement.raw_bind_parameter(place, param)?;
    }
    if n == statement.parameter_count() {
        Ok(())
    } else {
        Err(SqlError::internal("a statement was given another number of parameters than it has"))
    }
}

fn keep<C>(connection: Option<C>, home: &Mutex<Vec<C>>) {
    let mut kept = home.lock();
    if let Some(connection) = connection
        && kept.len() < KEPT_READERS
    {
        kept.push(connection);
    }
}

fn configure(connection: &Connection) -> Result<(), SqlError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
    // Without this, SQLite parses a statement anew for every set of parameters as soon as the table
    // has a partial index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Flushes the log and the database at a checkpoint; commits are flushed by the flusher.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?; // The flusher does it.
    Ok(())
}

fn open_reader(path: &Path) -> Result<Connection, SqlError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
    connection.pragma_update(None, "cache_size", -2_000)?; // KiB
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), SqlError> {
    let known = newest();
    let version = |connection: &Connection| -> Result<i64, SqlError> {
        Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
    };
    if version(connection)? == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = version(&transaction)?;
    if done > known {
        return Err(SqlError::newer_schema(done, known));
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > done) {
        transaction.execute_batch(migration.sqlite).map_err(|error| SqlError {
            message: format!("migration {}: {error}", migration.name),
            ..SqlError::from(error)
        })?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Db;

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stoa.db"), "not a database, whatever its name").unwrap();
        assert!(Db::open_embedded(folder.path()).is_err());
    }
}
