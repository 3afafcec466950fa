//! Values on their way in and out.

use rusqlite::ToSql;
use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use stoa_kernel::{Timestamp, TokenHash};
use uuid::Uuid;

use crate::error::SqlError;
use crate::postgres;

/// A value handed to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Param<'a> {
    /// No value.
    Null,
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// Text.
    Text(&'a str),
    /// A JSON document as text.
    Json(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A UUID.
    Uuid(Uuid),
    /// A point in time.
    Time(Timestamp),
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::from(Null),
            Self::Int(value) => ToSqlOutput::from(*value),
            Self::Bool(value) => ToSqlOutput::from(i64::from(*value)),
            Self::Text(value) | Self::Json(value) => ToSqlOutput::from(*value),
            Self::Bytes(value) => ToSqlOutput::from(*value),
            Self::Uuid(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Self::Time(value) => ToSqlOutput::from(value.as_micros()),
        })
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a TokenHash> for Param<'a> {
    fn from(value: &'a TokenHash) -> Self {
        Self::Bytes(&value.0)
    }
}

impl From<Uuid> for Param<'_> {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<Timestamp> for Param<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_ids {
    ($($id:ident),*) => {$(
        impl From<stoa_kernel::$id> for Param<'_> {
            fn from(value: stoa_kernel::$id) -> Self {
                Self::Uuid(value.uuid())
            }
        }
    )*};
}

from_ids!(
    AbandonedCartId,
    CategoryId,
    CustomerId,
    EventId,
    WebhookId,
    DeliveryId,
    FulfilmentId,
    JobId,
    LedgerEntryId,
    LineId,
    LocationId,
    MailId,
    MovementId,
    OrderId,
    PaymentId,
    ProductId,
    UserId,
    VariantId,
    VendorId
);

/// A row that a statement gave. Columns are counted from 0 in the order of the statement.
#[derive(Debug)]
pub struct Row<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Inner::Sqlite(row))
    }

    pub(crate) fn postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(Inner::Postgres(row))
    }

    pub(crate) fn wrong(column: usize, wanted: &str) -> SqlError {
        SqlError::internal(format!("column {column} is not {wanted}"))
    }

    /// A whole number.
    pub fn int(&self, column: usize) -> Result<i64, SqlError> {
        self.opt_int(column)?.ok_or_else(|| Self::wrong(column, "a number"))
    }

    /// A whole number, or null.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, SqlError> {
        match self.0 {
            Inner::Sqlite(row) => sqlite_int(row, column),
            Inner::Postgres(row) => postgres::int(row, column),
        }
    }

    /// Yes or no.
    pub fn bool(&self, column: usize) -> Result<bool, SqlError> {
        self.opt_bool(column)?.ok_or_else(|| Self::wrong(column, "yes or no"))
    }

    /// Yes or no, or null.
    pub fn opt_bool(&self, column: usize) -> Result<Option<bool>, SqlError> {
        Ok(match self.0 {
            Inner::Sqlite(row) => sqlite_int(row, column)?.map(|value| value != 0),
            Inner::Postgres(row) => postgres::bool(row, column)?,
        })
    }

    /// Text, or a JSON document as text.
    pub fn text(&self, column: usize) -> Result<&str, SqlError> {
        self.opt_text(column)?.ok_or_else(|| Self::wrong(column, "text"))
    }

    /// Text, or null.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, SqlError> {
        let row = match self.0 {
            Inner::Sqlite(row) => row,
            Inner::Postgres(row) => return postgres::text(row, column),
        };
        match row.get_ref(column)? {
            ValueRef::Text(value) => {
                std::str::from_utf8(value).map(Some).map_err(|_| Self::wrong(column, "valid UTF-8"))
            }
            ValueRef::Null => Ok(None),
            _ => Err(Self::wrong(column, "text")),
        }
    }

    /// Text as an owned string.
    pub fn string(&self, column: usize) -> Result<String, SqlError> {
        Ok(self.text(column)?.to_owned())
    }

    /// Text as an owned string, or null.
    pub fn opt_string(&self, column: usize) -> Result<Option<String>, SqlError> {
        Ok(self.opt_text(column)?.map(str::to_owned))
    }

    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<&[u8], SqlError> {
        self.opt_bytes(column)?.ok_or_else(|| Self::wrong(column, "bytes"))
    }

    /// Bytes, or null.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, SqlError> {
        match self.0 {
            Inner::Sqlite(row) => sqlite_bytes(row, column),
            Inner::Postgres(row) => postgres::bytes(row, column),
        }
    }

    /// The hash of a token.
    pub fn hash(&self, column: usize) -> Result<TokenHash, SqlError> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map(TokenHash).map_err(|_| Self::wrong(column, "a hash of 32 bytes"))
    }

    /// A UUID.
    pub fn uuid(&self, column: usize) -> Result<Uuid, SqlError> {
        self.opt_uuid(column)?.ok_or_else(|| Self::wrong(column, "a UUID"))
    }

    /// A UUID, or null.
    pub fn opt_uuid(&self, column: usize) -> Result<Option<Uuid>, SqlError> {
        let bytes = match self.0 {
            Inner::Sqlite(row) => sqlite_bytes(row, column)?,
            Inner::Postgres(row) => postgres::uuid(row, column)?,
        };
        bytes
            .map(|bytes| Uuid::from_slice(bytes).map_err(|_| Self::wrong(column, "a UUID")))
            .transpose()
    }

    /// A point in time.
    pub fn time(&self, column: usize) -> Result<Timestamp, SqlError> {
        self.opt_time(column)?.ok_or_else(|| Self::wrong(column, "a time"))
    }

    /// A point in time, or null.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, SqlError> {
        let micros = match self.0 {
            Inner::Sqlite(row) => sqlite_int(row, column)?,
            Inner::Postgres(row) => postgres::micros(row, column)?,
        };
        Ok(micros.map(Timestamp::from_micros))
    }
}

fn sqlite_int(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<i64>, SqlError> {
    match row.get_ref(column)? {
        ValueRef::Integer(value) => Ok(Some(value)),
        ValueRef::Null => Ok(None),
        _ => Err(Row::wrong(column, "a number")),
    }
}

fn sqlite_bytes<'a>(
    row: &'a rusqlite::Row<'_>,
    column: usize,
) -> Result<Option<&'a [u8]>, SqlError> {
    match row.get_ref(column)? {
        ValueRef::Blob(value) => Ok(Some(value)),
        ValueRef::Null => Ok(None),
        _ => Err(Row::wrong(column, "bytes")),
    }
}
