//! The stores that tests run on: SQLite in a temporary directory, and a database on a PostgreSQL
//! server that the tests started themselves; and Redis, for what processes share.

mod cluster;
mod guard;
mod redis;

pub use cluster::{Server, psql};
pub use redis::Redis;

use anyhow::Context;
use stoa_sql::Db;
use tempfile::TempDir;

/// Connections of one database in tests; many tests run at once on one server.
const CONNECTIONS: u16 = 8;

/// An empty store. What is opened again is what was left.
#[derive(Debug)]
pub enum Store {
    /// SQLite in a directory.
    Embedded(TempDir),
    /// The address of a database on PostgreSQL.
    Postgres(String),
}

impl Store {
    /// A new store on SQLite.
    ///
    /// # Errors
    /// No directory can be made.
    pub fn embedded() -> anyhow::Result<Self> {
        Ok(Self::Embedded(tempfile::tempdir()?))
    }

    /// A new store on PostgreSQL.
    ///
    /// # Errors
    /// PostgreSQL is not installed or does not start.
    pub fn postgres() -> anyhow::Result<Self> {
        Ok(Self::Postgres(cluster::new_database()?))
    }

    /// Opens the store.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn open(&self) -> anyhow::Result<Db> {
        match self {
            Self::Embedded(folder) => Ok(Db::open_embedded(folder.path())?),
            Self::Postgres(url) => {
                Db::open_postgres(url, CONNECTIONS).await.context("the test's database")
            }
        }
    }
}

/// Makes two tests of each function named, which takes a [`Store`]: one on each.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use $crate::Store;

            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                super::$name(Store::embedded().unwrap()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name(Store::postgres().unwrap()).await;
            }
        }
    )*};
}
