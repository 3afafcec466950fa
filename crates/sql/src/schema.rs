//! The tables of a database as its own catalogue lists them, so that whatever treats all of them
//! alike (backup, copy) forgets none that a later migration adds.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::error::SqlError;
use crate::statement::Type;
use crate::value::{Param, Row};
use crate::{Inner, Tx};
use stoa_kernel::Timestamp;

/// Where PostgreSQL keeps which migrations were made; SQLite has a number for it.
pub(crate) const MIGRATIONS_TABLE: &str = "schema_migrations";

const POSTGRES_COLUMNS: &str = "
    select cast(c.relname as text), cast(a.attname as text), format_type(a.atttypid, a.atttypmod),
        cast(array_position(cast(i.indkey as int2[]), a.attnum) as bigint), a.attidentity <> ''
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition
        and a.attgenerated = ''
    order by c.relname, a.attnum";
const POSTGRES_REFERENCES: &str = "
    select cast(c.relname as text), cast(r.relname as text)
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_class r on r.oid = k.confrelid
    join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and n.nspname = current_schema()";
const SQLITE_COLUMNS: &str = "
    select m.name, c.name, c.type, nullif(c.pk, 0) - 1, 0
    from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite_%' order by m.name, c.cid";
const SQLITE_REFERENCES: &str = "
    select m.name, k.\"table\" from sqlite_master m join pragma_foreign_key_list(m.name) k
    where m.type = 'table'";

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<TableColumn>,
}

/// A column of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    /// As the database names it.
    pub(crate) kind: String,
    /// Its place in the primary key.
    pub(crate) key: Option<i64>,
    /// Whether the database numbers it.
    pub(crate) is_identity: bool,
}

impl TableColumn {
    /// The type of its values, of a column on PostgreSQL.
    pub(crate) fn value_type(&self) -> Result<Type, SqlError> {
        Ok(match self.kind.as_str() {
            "bigint" | "integer" | "smallint" => Type::Int,
            "boolean" => Type::Bool,
            "text" => Type::Text,
            "jsonb" => Type::Json,
            "bytea" => Type::Bytes,
            "uuid" => Type::Uuid,
            "timestamp with time zone" => Type::Time,
            other => {
                let name = &self.name;
                return Err(SqlError::internal(format!("the column {name} is of type {other}")));
            }
        })
    }
}

impl Table {
    /// Names of all columns, for a statement.
    pub(crate) fn column_list(&self) -> String {
        self.columns.iter().map(|c| format!("\"{}\"", c.name)).collect::<Vec<_>>().join(", ")
    }

    /// The columns of the primary key, in its order, each with its place among all columns.
    pub(crate) fn key(&self) -> Vec<(usize, &TableColumn)> {
        let mut key: Vec<_> =
            self.columns.iter().enumerate().filter(|(_, column)| column.key.is_some()).collect();
        key.sort_by_key(|(_, column)| column.key);
        key
    }
}

impl Tx {
    /// All tables, those that others refer to first.
    pub(crate) async fn tables(&mut self) -> Result<Vec<Table>, SqlError> {
        let read = |row: &Row<'_>| {
            let column = TableColumn {
                name: row.string(1)?,
                kind: row.string(2)?,
                key: row.opt_int(3)?,
                is_identity: row.bool(4)?,
            };
            Ok::<_, SqlError>((row.string(0)?, column))
        };
        let pair = |row: &Row<'_>| Ok::<_, SqlError>((row.string(0)?, row.string(1)?));
        let (columns, references) = match &mut self.inner {
            Inner::Sqlite(tx) => {
                (tx.query(SQLITE_COLUMNS, &[], read)?, tx.query(SQLITE_REFERENCES, &[], pair)?)
            }
            Inner::Postgres(tx) => (
                tx.query(POSTGRES_COLUMNS, &[], read).await?,
                tx.query(POSTGRES_REFERENCES, &[], pair).await?,
            ),
        };
        let mut tables: BTreeMap<String, Vec<TableColumn>> = BTreeMap::new();
        for (table, column) in columns {
            if table != MIGRATIONS_TABLE {
                tables.entry(table).or_default().push(column);
            }
        }
        in_order(tables, &references)
    }

    /// How many rows each table has, all as of one moment.
    ///
    /// # Errors
    /// The database failed.
    pub async fn row_counts(&mut self) -> Result<BTreeMap<String, u64>, SqlError> {
        let mut counts = BTreeMap::new();
        for table in self.tables().await? {
            let rows = self.count(&table).await?;
            counts.insert(table.name, rows);
        }
        Ok(counts)
    }

    pub(crate) async fn count(&mut self, table: &Table) -> Result<u64, SqlError> {
        let text = format!("select count(*) from \"{}\"", table.name);
        let count = self.query_text(&text, &[], |row| row.int(0)).await?;
        let count = count.first().copied().unwrap_or(0);
        u64::try_from(count).map_err(|_| SqlError::internal("a row count out of range"))
    }

    /// The rows of a text made here.
    pub(crate) async fn query_text<T>(
        &mut self,
        text: &str,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.query(text, params, map),
            Inner::Postgres(tx) => tx.query(text, params, map).await,
        }
    }
}

/// Puts tables behind those that they refer to.
fn in_order(
    mut tables: BTreeMap<String, Vec<TableColumn>>,
    references: &[(String, String)],
) -> Result<Vec<Table>, SqlError> {
    let mut ordered = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits: BTreeSet<&str> = references
            .iter()
            .filter(|(from, to)| from != to && tables.contains_key(to))
            .map(|(from, _)| from.as_str())
            .collect();
        let free: Vec<String> =
            tables.keys().filter(|name| !waits.contains(name.as_str())).cloned().collect();
        if free.is_empty() {
            return Err(SqlError::internal("tables refer to each other in a circle"));
        }
        for name in free {
            if let Some(columns) = tables.remove(&name) {
                ordered.push(Table { name, columns });
            }
        }
    }
    Ok(ordered)
}

/// A value of a row, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Json(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
    Time(Timestamp),
}

impl Cell {
    pub(crate) fn read(row: &Row<'_>, at: usize, kind: Type) -> Result<Self, SqlError> {
        let value = match kind {
            Type::Int => row.opt_int(at)?.map(Self::Int),
            Type::Bool => row.opt_bool(at)?.map(Self::Bool),
            Type::Text => row.opt_string(at)?.map(Self::Text),
            Type::Json => row.opt_string(at)?.map(Self::Json),
            Type::Bytes => row.opt_bytes(at)?.map(|bytes| Self::Bytes(bytes.to_vec())),
            Type::Uuid => row.opt_uuid(at)?.map(Self::Uuid),
            Type::Time => row.opt_time(at)?.map(Self::Time),
        };
        Ok(value.unwrap_or(Self::Null))
    }

    pub(crate) fn param(&self) -> Param<'_> {
        match self {
            Self::Null => Param::Null,
            Self::Int(value) => Param::Int(*value),
            Self::Bool(value) => Param::Bool(*value),
            Self::Text(value) => Param::Text(value),
            Self::Json(value) => Param::Json(value),
            Self::Bytes(value) => Param::Bytes(value),
            Self::Uuid(value) => Param::Uuid(*value),
            Self::Time(value) => Param::Time(*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_after_those_they_refer_to() {
        let names = ["a", "b", "c", "d"];
        let tables = || names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        let refer = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let ordered = in_order(tables(), &refer(&[("a", "c"), ("c", "d"), ("a", "a")])).unwrap();
        let place = |name: &str| ordered.iter().position(|table| table.name == name).unwrap();
        assert_eq!(ordered.len(), 4);
        assert!(place("d") < place("c") && place("c") < place("a"));
        assert!(in_order(tables(), &refer(&[("a", "b"), ("b", "a")])).is_err());
    }
}
