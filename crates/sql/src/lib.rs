//! One facade over the databases Stoa runs on. Nothing outside this crate knows which one it is.
//!
//! Statements are text, written once for both databases with `$1` placeholders ([`Sql`]); two
//! forms only where they must differ. Sets of rows are written by [`Write`], which states table
//! and columns once: on SQLite one prepared statement runs for each row (a call costs two
//! microseconds there), on PostgreSQL one statement takes all rows through `unnest`.
//!
//! SQLite calls run on the calling thread: a point read takes less time than handing it to
//! another thread would. Transactions that write are serialised by one asynchronous lock; readers
//! never wait (WAL).

mod error;
mod migrate;
mod sqlite;
mod statement;
mod value;

use std::path::Path;
use std::sync::Arc;

pub use error::{ErrorKind, SqlError};
pub use statement::{Column, Sql, Type, Verb, Write};
pub use value::{Param, Row};

/// What every call answers.
pub type Result<T> = std::result::Result<T, SqlError>;

/// A database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    backend: Arc<sqlite::Sqlite>,
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: sqlite::SqliteTx,
}

impl Db {
    /// Opens (and makes, where there is none) the embedded database in a directory and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// The directory cannot be written, the file is not a database, or it was made by a newer
    /// Stoa.
    pub fn open_embedded(directory: &Path) -> Result<Self> {
        let backend = sqlite::Sqlite::open(&directory.join("stoa.db"))?;
        Ok(Self { backend: Arc::new(backend) })
    }

    /// Begins a transaction that writes. Waits for the one before it.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx { inner: self.backend.begin().await? })
    }

    /// Begins a transaction that only reads; all its statements see one state of the database.
    #[expect(clippy::unused_async, reason = "on a database server this waits for a connection")]
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx { inner: self.backend.read()? })
    }

    /// A number that changes whenever another connection or process has committed something.
    /// Cheap enough to ask many times a second.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn change_counter(&self) -> Result<i64> {
        self.backend.change_counter()
    }

    /// Every fault the database finds in itself; empty when it is sound.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn integrity_faults(&self) -> Result<Vec<String>> {
        self.backend.integrity_faults()
    }

    /// Prepares a statement without running it, to check its text against the schema.
    pub fn prepare(&self, text: &str) -> Result<()> {
        self.backend.prepare(text)
    }

    /// Moves what has gathered in the write-ahead log into the database file.
    pub async fn checkpoint(&self) -> Result<()> {
        self.backend.checkpoint().await
    }
}

impl Tx {
    /// The rows a statement gives, each through `map`.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn query<T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Vec<T>, E> {
        self.inner.query(sql.sqlite, params, map)
    }

    /// The first row a statement gives, if any.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn query_opt<T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Option<T>, E> {
        self.inner.query_opt(sql.sqlite, params, map)
    }

    /// The rows a statement gives for each of a set of keys. The SQLite form has one key as `$1`
    /// and runs once for each; the PostgreSQL form takes them all as an array and locks the rows
    /// in key order. `more` are the parameters from `$2` on. Rows come in no promised order.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn query_keys<'a, T, E: From<SqlError>>(
        &mut self,
        sql: &Sql,
        keys: impl IntoIterator<Item = Param<'a>>,
        more: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Vec<T>, E> {
        self.inner.query_keys(sql.sqlite, keys, more, map)
    }

    /// Runs a statement and says how many rows it changed.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn execute(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<u64> {
        self.inner.execute(sql.sqlite, params)
    }

    /// Writes a set of rows and says how many it changed. Each row has a value for each column of
    /// the [`Write`], keys first.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn write<'a, R: AsRef<[Param<'a>]>>(
        &mut self,
        write: &Write,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64> {
        self.inner.write(write.sqlite(), rows)
    }

    /// Makes everything the transaction wrote durable and visible.
    #[expect(clippy::unused_async, reason = "on a database server this waits for an answer")]
    pub async fn commit(self) -> Result<()> {
        self.inner.commit()
    }
}
