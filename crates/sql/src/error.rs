//! What a database can answer instead of rows.

use std::error::Error;
use std::io;

use tokio_postgres::error::DbError;

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A constraint of the schema does not hold.
    Constraint,
    /// The transaction is a vendor's, and a vendor may not do this or reach that row.
    Denied,
    /// The transaction met another one and lost; begun anew, it may succeed.
    Conflict,
    /// The database is busy, full or away; the same call may succeed later.
    Unavailable,
    /// The file is damaged or no database.
    Corrupt,
    /// A fault of ours: a wrong statement, or a value of another type than expected.
    Internal,
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Why.
    pub kind: ErrorKind,
    /// In words.
    pub message: String,
}

impl SqlError {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Internal, message: message.into() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unavailable, message: message.into() }
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Denied, message: message.into() }
    }

    pub(crate) fn newer_schema(found: i64, known: i64) -> Self {
        let message = format!(
            "the database has schema {found}, made by a newer Stoa; this one knows {known}"
        );
        Self { kind: ErrorKind::Corrupt, message }
    }

    /// Whether the same transaction, begun anew, may succeed: it met another one, or found a row
    /// that was not there when it looked.
    pub fn is_lost_race(&self) -> bool {
        self.kind == ErrorKind::Conflict
            || (self.kind == ErrorKind::Constraint && self.message.contains("UNIQUE"))
    }

    /// Whether the error is a broken unique constraint on `table.column`.
    pub fn is_unique(&self, column: &str) -> bool {
        self.kind == ErrorKind::Constraint
            && self.message.contains("UNIQUE")
            && self.message.contains(column)
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::ErrorCode as C;
        // Only triggers of a vendor's connection raise errors.
        let extended = error.sqlite_error().map(|error| error.extended_code);
        let kind = match error.sqlite_error_code() {
            _ if extended == Some(rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER) => ErrorKind::Denied,
            Some(C::AuthorizationForStatementDenied) => ErrorKind::Denied,
            Some(C::ConstraintViolation) => ErrorKind::Constraint,
            Some(
                C::DatabaseBusy
                | C::DatabaseLocked
                | C::DiskFull
                | C::SystemIoFailure
                | C::CannotOpen
                | C::OutOfMemory
                | C::ReadOnly
                | C::PermissionDenied,
            ) => ErrorKind::Unavailable,
            Some(C::DatabaseCorrupt | C::NotADatabase) => ErrorKind::Corrupt,
            _ => ErrorKind::Internal,
        };
        Self { kind, message: error.to_string() }
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(error) = error.as_db_error() {
            return error.into();
        }
        let cause = error.source();
        let is_io = cause.is_some_and(<dyn Error>::is::<io::Error>);
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        let kind =
            if is_io || error.is_closed() { ErrorKind::Unavailable } else { ErrorKind::Internal };
        Self { kind, message }
    }
}

impl From<&DbError> for SqlError {
    fn from(error: &DbError) -> Self {
        let code = error.code().code();
        let kind = match (code.get(..2), code) {
            (_, "40001" | "40P01") => ErrorKind::Conflict,
            (_, "42501") => ErrorKind::Denied,
            // Text that holds a NUL, which PostgreSQL keeps nowhere.
            (Some("23"), _) | (_, "22021" | "22P05") => ErrorKind::Constraint,
            // Connections, resources, operators; locks, statements and transactions that took too
            // long; a standby; a schema that was migrated under a prepared statement.
            (Some("08" | "53" | "57" | "58"), _)
            | (_, "55P03" | "25P03" | "25P04" | "25006" | "0A000") => ErrorKind::Unavailable,
            (_, "XX001" | "XX002") => ErrorKind::Corrupt,
            _ => ErrorKind::Internal,
        };
        if code == "23505" {
            return Self { kind, message: broken_unique(error) };
        }
        Self { kind, message: format!("{} ({code})", error.message()) }
    }
}

/// Names the columns as SQLite does: `UNIQUE constraint failed: users.email`. The detail also holds
/// the values, which are nobody's business.
fn broken_unique(error: &DbError) -> String {
    let table = error.table().unwrap_or_default();
    let columns = error
        .detail()
        .and_then(|detail| detail.strip_prefix("Key ("))
        .and_then(|detail| detail.split_once(")="))
        .map(|(columns, _)| columns);
    let columns: Vec<String> = columns
        .or(error.constraint())
        .unwrap_or_default()
        .split(", ")
        .map(|column| format!("{table}.{column}"))
        .collect();
    format!("UNIQUE constraint failed: {}", columns.join(", "))
}
