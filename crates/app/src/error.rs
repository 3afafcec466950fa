//! What the application can fail with, beside what the business refuses.

use stoa_kernel::MoneyError;
use stoa_sql::{ErrorKind, SqlError};

/// The store failed, or holds something it should not.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A row that cannot be read.
    #[error("{column} holds `{value}`")]
    BadRow {
        /// Table and column.
        column: &'static str,
        /// What is there.
        value: String,
    },
    /// A JSON column that cannot be read or written.
    #[error("a JSON column: {0}")]
    Json(#[from] serde_json::Error),
    /// A currency column that cannot be read.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl StoreError {
    pub(crate) fn bad_row(column: &'static str, value: &str) -> Self {
        Self::BadRow { column, value: value.chars().take(64).collect() }
    }

    /// Whether the same transaction, begun anew, may succeed.
    pub fn is_lost_race(&self) -> bool {
        matches!(self, Self::Sql(error) if error.is_lost_race())
    }

    /// Whether a vendor asked for what a vendor may not do, or for a row of others.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Sql(SqlError { kind: ErrorKind::Denied, .. }))
    }

    /// Whether the same call may succeed later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Sql(SqlError { kind: ErrorKind::Unavailable, .. }))
            || self.is_lost_race()
    }
}
