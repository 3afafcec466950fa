//! What a database can answer instead of rows.

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A constraint of the schema does not hold.
    Constraint,
    /// The database is busy, full or away; the same call may succeed later.
    Unavailable,
    /// The file is damaged or no database.
    Corrupt,
    /// A fault of ours: a wrong statement, or a value of another type than expected.
    Internal,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
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
        let kind = match error.sqlite_error_code() {
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
