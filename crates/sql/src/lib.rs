//! One facade over the databases Stoa runs on. Nothing outside this crate knows which one it is.
//!
//! Statements are text, written once for both databases with `$1` placeholders ([`Sql`]); two
//! forms only where they must differ. Sets of rows are written by [`Write`], which states table
//! and columns once: on SQLite one prepared statement runs for each row (a call costs two
//! microseconds there), on PostgreSQL one statement takes all rows through `unnest`.
//!
//! SQLite calls run on the calling thread: a point read takes less time than handing it to
//! another thread would. Transactions that write are serialised by one asynchronous lock; readers
//! never wait (WAL). On PostgreSQL transactions run side by side on a bounded pool of connections,
//! and one that writes locks what it loads.

mod copy;
mod error;
mod flush;
mod key;
mod migrate;
mod postgres;
mod schema;
mod sqlite;
mod statement;
mod value;

use std::path::Path;
use std::sync::Arc;

use stoa_kernel::VendorId;

pub use copy::{Step, copy};
pub use error::{ErrorKind, SqlError};
pub use key::Key;
pub use postgres::{
    Options as PostgresOptions, ReplicaStatus, RestoreTarget, postgres_environment,
};
pub use statement::{Column, Sql, Type, Verb, Write};
pub use value::{Param, Row};

/// What every call answers.
pub type Result<T> = std::result::Result<T, SqlError>;

/// A database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(postgres::Postgres),
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// One that was begun for a vendor ([`Db::begin_scoped`]) sees and changes only what belongs to the
/// vendor, whatever its statements say; what it may not do at all is [`ErrorKind::Denied`].
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
    vendor: Option<VendorId>,
}

/// What [`Tx::snapshot`] has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// The file is a database.
    Written,
    /// The name of a snapshot on the server.
    Exported(String),
}

/// The number of the newest migration this Stoa knows.
pub fn schema_version() -> i64 {
    migrate::newest()
}

/// Looks at an embedded database that no shop has open: every fault it finds in itself, and the
/// rows of each table.
///
/// # Errors
/// The file is no database.
pub fn inspect_embedded(
    file: &Path,
) -> Result<(Vec<String>, std::collections::BTreeMap<String, u64>)> {
    sqlite::inspect(file)
}

#[derive(Debug)]
enum Inner {
    Sqlite(sqlite::SqliteTx),
    Postgres(postgres::PostgresTx),
}

/// A commit that others see already, and that may not be on disk yet.
#[derive(Debug)]
pub struct Ahead(Option<Arc<flush::Flusher>>);

impl Ahead {
    /// Calls `then` once the commit is durable, or with the error that kept it from that; perhaps
    /// on another thread, and at once where it is durable already.
    pub fn then(self, then: impl FnOnce(Result<()>) + Send + 'static) {
        match self.0 {
            Some(flusher) => flusher.then(Box::new(then)),
            None => then(Ok(())),
        }
    }
}

impl Db {
    /// Opens (and makes, where there is none) the embedded database in a directory and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// The directory cannot be written, the file is not a database, or it was made by a newer
    /// Stoa.
    pub fn open_embedded(directory: &Path) -> Result<Self> {
        let sqlite = sqlite::Sqlite::open(&directory.join("stoa.db"))?;
        Ok(Self(Backend::Sqlite(Arc::new(sqlite))))
    }

    /// Opens a database on a PostgreSQL server, given its address (`postgres://...`), and brings
    /// its schema up to date. At most so many connections are made.
    ///
    /// # Errors
    /// The address is wrong, the server is away or refuses, or the schema was made by a newer Stoa.
    pub async fn open_postgres(url: &str, connections: u16) -> Result<Self> {
        Self::open_postgres_with(&PostgresOptions::new(url, connections)).await
    }

    /// The same with every option. Replicas need not be there yet.
    ///
    /// # Errors
    /// As above, or a certificate cannot be read.
    pub async fn open_postgres_with(options: &PostgresOptions) -> Result<Self> {
        Ok(Self(Backend::Postgres(postgres::Postgres::open(options).await?)))
    }

    /// Begins a transaction that writes. On SQLite it waits for the one before it, on PostgreSQL
    /// for a connection.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx::of_the_shop(match &self.0 {
            Backend::Sqlite(sqlite) => Inner::Sqlite(sqlite.begin().await?),
            Backend::Postgres(postgres) => Inner::Postgres(postgres.begin().await?),
        }))
    }

    /// The same for a vendor: on PostgreSQL it runs under the role `stoa_vendor`, which policies
    /// bind; on SQLite on a connection with views and triggers in place of the tables.
    ///
    /// # Errors
    /// The server's role is missing or not granted.
    pub async fn begin_scoped(&self, vendor: VendorId) -> Result<Tx> {
        let inner = match &self.0 {
            Backend::Sqlite(sqlite) => Inner::Sqlite(sqlite.begin_scoped(vendor.uuid()).await?),
            Backend::Postgres(postgres) => {
                Inner::Postgres(postgres.begin_scoped(vendor.uuid()).await?)
            }
        };
        Ok(Tx { inner, vendor: Some(vendor) })
    }

    /// Begins a transaction that only reads; all its statements see one state of the database.
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx::of_the_shop(match &self.0 {
            Backend::Sqlite(sqlite) => Inner::Sqlite(sqlite.read()?),
            Backend::Postgres(postgres) => Inner::Postgres(postgres.read().await?),
        }))
    }

    /// The same for a vendor, as [`Db::begin_scoped`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_scoped(&self, vendor: VendorId) -> Result<Tx> {
        let inner = match &self.0 {
            Backend::Sqlite(sqlite) => Inner::Sqlite(sqlite.read_scoped(vendor.uuid())?),
            Backend::Postgres(postgres) => {
                Inner::Postgres(postgres.read_scoped(vendor.uuid()).await?)
            }
        };
        Ok(Tx { inner, vendor: Some(vendor) })
    }

    /// Begins a transaction that only reads, on a replica where there is one: what it sees may be a
    /// moment old, but not older than what this process has noted ([`Tx::note_position`]).
    pub async fn read_stale(&self) -> Result<Tx> {
        match &self.0 {
            Backend::Sqlite(_) => self.read().await,
            Backend::Postgres(postgres) => {
                Ok(Tx::of_the_shop(Inner::Postgres(postgres.read_stale().await?)))
            }
        }
    }

    /// The replicas and how they are.
    pub fn replicas(&self) -> Vec<ReplicaStatus> {
        match &self.0 {
            Backend::Sqlite(_) => Vec::new(),
            Backend::Postgres(postgres) => postgres.replicas(),
        }
    }

    /// Every fault the database finds in itself; empty when it is sound.
    pub async fn integrity_faults(&self) -> Result<Vec<String>> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.integrity_faults(),
            Backend::Postgres(postgres) => postgres.integrity_faults().await,
        }
    }

    /// Prepares a statement without running it, in every form this database has of it, to check
    /// its text against the schema.
    pub async fn prepare(&self, sql: &Sql) -> Result<()> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.prepare(sql.sqlite),
            Backend::Postgres(postgres) => {
                postgres.prepare(sql.postgres).await?;
                postgres.prepare(sql.locking).await
            }
        }
    }

    /// The same for a set-based write.
    pub async fn prepare_write(&self, write: &Write) -> Result<()> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.prepare(write.sqlite()),
            Backend::Postgres(postgres) => postgres.prepare(write.postgres()).await,
        }
    }

    /// Whether transactions that write run beside each other, and wait only for each other's rows.
    pub const fn writes_in_parallel(&self) -> bool {
        matches!(self.0, Backend::Postgres(_))
    }

    /// Waits until whatever a reader can see is durable. For those who tell the outside of what they
    /// have read: see [`Tx::commit_ahead`].
    pub fn flush(&self) -> Result<()> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.flush(),
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Moves what has gathered in the write-ahead log into the database file. A PostgreSQL server
    /// does so by itself.
    pub async fn checkpoint(&self) -> Result<()> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.checkpoint().await,
            Backend::Postgres(_) => Ok(()),
        }
    }
}

impl Sql {
    /// The text for a transaction on PostgreSQL.
    fn for_postgres(&self, tx: &postgres::PostgresTx) -> &'static str {
        if tx.writes { self.locking } else { self.postgres }
    }
}

impl Tx {
    const fn of_the_shop(inner: Inner) -> Self {
        Self { inner, vendor: None }
    }

    /// The vendor whose transaction it is; none for the shop's own.
    pub const fn vendor(&self) -> Option<VendorId> {
        self.vendor
    }

    /// The rows a statement gives, each through `map`.
    pub async fn query<T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Vec<T>, E> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.query(sql.sqlite, params, map),
            Inner::Postgres(tx) => tx.query(sql.for_postgres(tx), params, map).await,
        }
    }

    /// The first row a statement gives, if any.
    pub async fn query_opt<T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Option<T>, E> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.query_opt(sql.sqlite, params, map),
            Inner::Postgres(tx) => tx.query_opt(sql.for_postgres(tx), params, map).await,
        }
    }

    /// The rows a statement gives for each of a set of keys. The SQLite form has one key as `$1`
    /// and runs once for each; the PostgreSQL form takes them all as an array and locks the rows
    /// in key order. Of a key of several columns each is a parameter, and an array, of its own. `more`
    /// are the parameters after the key. Rows come in no promised order.
    pub async fn query_keys<'a, T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        keys: impl IntoIterator<Item: Key<'a>>,
        more: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Vec<T>, E> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.query_keys(sql.sqlite, keys, more, map),
            Inner::Postgres(tx) => {
                let keys = key::by_column(keys);
                if keys.is_empty() {
                    return Ok(Vec::new());
                }
                tx.query_keys(sql.for_postgres(tx), keys, more, map).await
            }
        }
    }

    /// Whether anything is gained by saying what will be asked for.
    pub const fn sends_ahead(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    /// Says that [`Tx::query`] or [`Tx::query_opt`] will be asked for this before anything is written.
    /// On PostgreSQL it goes to the server together with everything else that is said before the first answer
    /// is asked for, and rows are locked in this order; on SQLite nothing is gained, and nothing done.
    pub async fn ahead(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(tx) => tx.ahead(sql.for_postgres(tx), params).await,
        }
    }

    /// The same for [`Tx::query_keys`], with the same keys in the same order.
    pub async fn ahead_keys<'a>(
        &mut self,
        sql: &Sql,
        keys: impl IntoIterator<Item: Key<'a>>,
        more: &[Param<'_>],
    ) -> Result<()> {
        let Inner::Postgres(tx) = &mut self.inner else { return Ok(()) };
        let keys = key::by_column(keys);
        if keys.is_empty() {
            return Ok(());
        }
        tx.ahead_keys(sql.for_postgres(tx), keys, more).await
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn execute(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.execute(sql.sqlite, params),
            Inner::Postgres(tx) => tx.execute(sql.for_postgres(tx), params).await,
        }
    }

    /// Writes a set of rows and says how many it changed. Each row has a value for each column of
    /// the [`Write`], keys first. Of rows with the same key the last counts.
    pub async fn write<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        write: &Write,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(tx) if self.vendor.is_some() => {
                let mut n = 0;
                let changed =
                    tx.write_scoped(write.scoped_sqlite(), rows.into_iter().inspect(|_| n += 1))?;
                // The triggers pass over rows of others, which a row with the same key then met.
                if changed < n && matches!(write.verb(), Verb::Insert | Verb::Upsert) {
                    return Err(SqlError::denied("a row with this key is not of this vendor"));
                }
                Ok(changed)
            }
            Inner::Sqlite(tx) => tx.write(write.sqlite(), rows),
            Inner::Postgres(tx) => {
                let rows = rows.into_iter().map(|row| row.as_ref().to_vec()).collect();
                tx.write(write, rows).await
            }
        }
    }

    /// Adds rows by a [`Verb::Add`], and says of each whether it was added.
    pub async fn add<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        write: &Write,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Vec<bool>> {
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let is_scoped = self.vendor.is_some();
                let add = |row| match is_scoped {
                    true => tx.write_scoped(write.scoped_sqlite(), [row]),
                    false => tx.write(write.sqlite(), [row]),
                };
                rows.into_iter().map(add).map(|n| Ok(n? == 1)).collect()
            }
            Inner::Postgres(tx) => {
                let rows = rows.into_iter().map(|row| row.as_ref().to_vec()).collect();
                tx.add(write, rows).await
            }
        }
    }

    /// The same as [`Tx::write`] for who needs neither the number nor, at once, to know of a fault: on PostgreSQL
    /// nothing is waited for. A fault shows in what the transaction does next, at the latest in its
    /// commit, which then has not happened.
    pub async fn write_later<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        write: &Write,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<()> {
        if let Inner::Postgres(tx) = &mut self.inner {
            let rows = rows.into_iter().map(|row| row.as_ref().to_vec()).collect();
            return tx.write_later(write, rows).await;
        }
        self.write(write, rows).await.map(drop)
    }

    /// From now on, no read of this process sees the state before what this transaction sees. Call it
    /// when a copy in memory is dropped because of what was read here, or the copy is made anew from
    /// a replica that does not know of it yet.
    pub async fn note_position(&mut self) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(tx) => tx.note_position().await,
        }
    }

    /// Whether the transaction runs on a replica. Where one fails, the primary may answer.
    pub fn is_stale(&self) -> bool {
        matches!(&self.inner, Inner::Postgres(tx) if tx.is_stale)
    }

    /// Keeps what this transaction sees: SQLite writes it into a new file; PostgreSQL gives a name
    /// under which `pg_dump` sees it for as long as the transaction lasts.
    pub async fn snapshot(&mut self, file: &Path) -> Result<Snapshot> {
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                tx.back_up(file)?;
                Ok(Snapshot::Written)
            }
            Inner::Postgres(tx) => Ok(Snapshot::Exported(tx.export_snapshot().await?)),
        }
    }

    /// Roles of the server that something of the shop is granted to.
    pub async fn roles(&mut self) -> Result<Vec<String>> {
        match &mut self.inner {
            Inner::Sqlite(_) => Ok(Vec::new()),
            Inner::Postgres(tx) => tx.roles().await,
        }
    }

    /// Waits until no other transaction holds the lock of this name, and holds it to its end. On
    /// SQLite a transaction that writes is alone anyway.
    pub async fn lock(&mut self, name: &str) -> Result<()> {
        if let Inner::Postgres(tx) = &mut self.inner {
            let text = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
            tx.execute(text, &[Param::Text(name)]).await?;
        }
        Ok(())
    }

    /// Makes everything the transaction wrote visible, without waiting until it is durable: nobody
    /// must be told of it before [`Ahead::then`] says so. Another transaction may begin at once.
    pub async fn commit_ahead(self) -> Result<Ahead> {
        match self.inner {
            Inner::Sqlite(tx) => Ok(Ahead(tx.commit_ahead()?)),
            Inner::Postgres(tx) => tx.commit().await.map(|()| Ahead(None)),
        }
    }

    /// Makes everything the transaction wrote durable and visible.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit(),
            Inner::Postgres(tx) => tx.commit().await,
        }
    }
}
