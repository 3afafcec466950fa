//! Moves everything from one database to another, and looks at every row again afterwards.
//!
//! Rows travel in chunks, in the order of their primary keys; what is written is one transaction,
//! so that a copy that does not come to its end leaves nothing.

use std::collections::BTreeMap;
use std::pin::pin;

use serde_json::Value;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::ToSql;

use crate::error::SqlError;
use crate::schema::{Cell, Table, TableColumn};
use crate::statement::Type;
use crate::value::Param;
use crate::{Backend, Db, Inner, Result, Tx, postgres, sqlite};

/// Rows read, written and compared at once.
const CHUNK: usize = 2_000;

/// What is being done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its rows are written.
    Copy,
    /// Its rows are compared.
    Compare,
}

/// Copies every row of every table into a database that holds nothing yet, and compares them one by
/// one before it commits. With `freeze`, nobody can write to the source meanwhile; without, what is
/// written there after the copy has begun is not in the copy. `progress` is told of every chunk:
/// step, table, rows so far.
///
/// Gives the rows of each table.
///
/// # Errors
/// Both are of one kind, the target holds something, a row cannot be read, written, or is not the
/// same in the copy. Nothing has been written then.
pub async fn copy(
    from: &Db,
    to: &Db,
    freeze: bool,
    progress: &mut dyn FnMut(Step, &str, u64),
) -> Result<BTreeMap<String, u64>> {
    let mut source = match (&from.0, freeze) {
        (_, false) => from.read().await?,
        (Backend::Sqlite(_), true) => from.begin().await?,
        (Backend::Postgres(postgres), true) => {
            let tables = from.read().await?.tables().await?;
            Tx::of_the_shop(Inner::Postgres(postgres.frozen(&tables).await?))
        }
    };
    let mut target = to.begin().await?;
    for tx in [&mut source, &mut target] {
        if let Inner::Postgres(tx) = &mut tx.inner {
            tx.without_time_outs().await?;
        }
    }
    let tables = plan(&mut source, &mut target).await?;
    check_empty(&mut target, &tables).await?;
    for (table, _) in tables.iter().rev() {
        target.run(&format!("delete from \"{}\"", table.name)).await?;
    }
    if let Inner::Sqlite(_) = target.inner {
        // Rows of one table that refer to each other come in no helpful order.
        target.run("pragma defer_foreign_keys = on").await?;
    }
    for (table, kinds) in &tables {
        let mut rows = Rows::new(&source, table, kinds)?;
        write(&mut source, &mut target, &mut rows, progress).await?;
    }
    let mut counts = BTreeMap::new();
    for (table, kinds) in &tables {
        let n = compare(&mut source, &mut target, table, kinds, progress).await?;
        counts.insert(table.name.clone(), n);
    }
    if let Inner::Postgres(_) = target.inner {
        continue_numbers(&mut target, &tables).await?;
        target.run("analyze").await?;
    }
    target.commit().await?;
    Ok(counts)
}

/// A table and the types of its columns.
type Planned = (Table, Vec<Type>);

/// The tables of the target in order, with the types of their columns.
async fn plan(source: &mut Tx, target: &mut Tx) -> Result<Vec<Planned>> {
    let (ours, theirs) = (source.tables().await?, target.tables().await?);
    let (known, other) = match (&source.inner, &target.inner) {
        (Inner::Sqlite(_), Inner::Postgres(_)) => (&theirs, &ours),
        (Inner::Postgres(_), Inner::Sqlite(_)) => (&ours, &theirs),
        _ => return Err(SqlError::internal("both databases are of one kind; use backup")),
    };
    let names = |tables: &[Table]| -> BTreeMap<String, Vec<String>> {
        let columns = |table: &Table| {
            let mut names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
            names.sort();
            names
        };
        tables.iter().map(|table| (table.name.clone(), columns(table))).collect()
    };
    if names(known) != names(other) {
        return Err(SqlError::internal("the databases have not the same tables and columns"));
    }
    known
        .iter()
        .map(|table| {
            let kinds = table.columns.iter().map(TableColumn::value_type);
            Ok((table.clone(), kinds.collect::<Result<_>>()?))
        })
        .collect()
}

/// Refuses a database that holds anything but what migrations put there.
async fn check_empty(target: &mut Tx, tables: &[Planned]) -> Result<()> {
    let fresh = sqlite::fresh_counts()?;
    for (table, _) in tables {
        let rows = target.count(table).await?;
        if rows != fresh.get(&table.name).copied().unwrap_or(0) {
            return Err(SqlError::internal(format!(
                "the target holds a shop already ({rows} rows in {}); copy into an empty database",
                table.name
            )));
        }
    }
    Ok(())
}

/// Reads a table in the order of its key.
struct Rows<'a> {
    table: &'a Table,
    kinds: &'a [Type],
    first: String,
    next: String,
    last: Option<Vec<Cell>>,
    ended: bool,
}

impl<'a> Rows<'a> {
    fn new(tx: &Tx, table: &'a Table, kinds: &'a [Type]) -> Result<Self> {
        let key = table.key();
        if key.is_empty() {
            let name = &table.name;
            return Err(SqlError::internal(format!("the table {name} has no primary key")));
        }
        // Both in the order of bytes.
        let is_postgres = matches!(tx.inner, Inner::Postgres(_));
        let by: Vec<String> = key
            .iter()
            .map(|(at, column)| {
                let is_text = is_postgres && kinds.get(*at) == Some(&Type::Text);
                let collate = if is_text { " collate \"C\"" } else { "" };
                format!("\"{}\"{collate}", column.name)
            })
            .collect();
        let by = by.join(", ");
        let places: Vec<String> = (1..=key.len()).map(|n| format!("${n}")).collect();
        let select = format!("select {} from \"{}\"", table.column_list(), table.name);
        let end = format!("order by {by} limit {CHUNK}");
        Ok(Self {
            table,
            kinds,
            first: format!("{select} {end}"),
            next: format!("{select} where ({by}) > ({}) {end}", places.join(", ")),
            last: None,
            ended: false,
        })
    }

    async fn chunk(&mut self, tx: &mut Tx) -> Result<Vec<Vec<Cell>>> {
        if self.ended {
            return Ok(Vec::new());
        }
        let kinds = self.kinds;
        let read = |row: &crate::Row<'_>| {
            kinds.iter().enumerate().map(|(at, kind)| Cell::read(row, at, *kind)).collect()
        };
        let rows: Result<Vec<Vec<Cell>>> = match &self.last {
            None => tx.query_text(&self.first, &[], read).await,
            Some(key) => {
                let key: Vec<Param<'_>> = key.iter().map(Cell::param).collect();
                tx.query_text(&self.next, &key, read).await
            }
        };
        let rows = rows.map_err(|error| in_table(self.table, &error))?;
        self.ended = rows.len() < CHUNK;
        if let Some(row) = rows.last() {
            let key = self.table.key();
            self.last = Some(key.iter().filter_map(|(at, _)| row.get(*at).cloned()).collect());
        }
        Ok(rows)
    }
}

fn in_table(table: &Table, error: &SqlError) -> SqlError {
    SqlError { message: format!("the table {}: {}", table.name, error.message), kind: error.kind }
}

/// Writes all rows of a table.
async fn write(
    source: &mut Tx,
    target: &mut Tx,
    rows: &mut Rows<'_>,
    progress: &mut dyn FnMut(Step, &str, u64),
) -> Result<()> {
    let table = rows.table;
    let name = &table.name;
    let (columns, mut done) = (table.column_list(), 0);
    let mut told = |n: usize| {
        done += u64::try_from(n).unwrap_or(0);
        progress(Step::Copy, name, done);
    };
    match &mut target.inner {
        Inner::Sqlite(tx) => {
            let places: Vec<String> = (1..=table.columns.len()).map(|n| format!("${n}")).collect();
            let insert =
                format!("insert into \"{name}\" ({columns}) values ({})", places.join(", "));
            loop {
                let chunk = rows.chunk(source).await?;
                if chunk.is_empty() {
                    return Ok(());
                }
                let params =
                    chunk.iter().map(|row| row.iter().map(Cell::param).collect::<Vec<_>>());
                tx.write(&insert, params).map_err(|error| in_table(table, &error))?;
                told(chunk.len());
            }
        }
        Inner::Postgres(tx) => {
            // One statement a table: references are checked at its end, whatever the order of its
            // rows. What triggers add for a new row is in the rows already.
            tx.batch(&format!("alter table \"{name}\" disable trigger user")).await?;
            let client = tx.client().await?;
            let kinds = postgres::column_types(client, table).await?;
            let begin = format!("copy \"{name}\" ({columns}) from stdin (format binary)");
            let sink = client.copy_in(&begin).await.map_err(SqlError::from)?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &kinds));
            loop {
                let chunk = rows.chunk(source).await?;
                if chunk.is_empty() {
                    break;
                }
                for row in &chunk {
                    let row: Vec<Param<'_>> = row.iter().map(Cell::param).collect();
                    let row: Vec<&(dyn ToSql + Sync)> =
                        row.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
                    writer.as_mut().write(&row).await.map_err(SqlError::from)?;
                }
                told(chunk.len());
            }
            let written = writer.finish().await.map_err(SqlError::from);
            written.map_err(|error| in_table(table, &error))?;
            tx.batch(&format!("alter table \"{name}\" enable trigger user")).await
        }
    }
}

/// Compares all rows of a table; gives their number.
async fn compare(
    source: &mut Tx,
    target: &mut Tx,
    table: &Table,
    kinds: &[Type],
    progress: &mut dyn FnMut(Step, &str, u64),
) -> Result<u64> {
    let mut ours = Rows::new(source, table, kinds)?;
    let mut theirs = Rows::new(target, table, kinds)?;
    let mut done = 0;
    loop {
        let (one, two) = (ours.chunk(source).await?, theirs.chunk(target).await?);
        for (n, (one, two)) in one.iter().zip(&two).enumerate() {
            let columns = table.columns.iter().zip(one.iter().zip(two));
            for (column, (one, two)) in columns {
                if !same(one, two) {
                    let row = done + u64::try_from(n).unwrap_or(0) + 1;
                    let (table, column) = (&table.name, &column.name);
                    return Err(SqlError::internal(format!(
                        "{table}.{column} of row {row} is not the same in the copy"
                    )));
                }
            }
        }
        if one.len() != two.len() {
            let name = &table.name;
            return Err(SqlError::internal(format!("the copy has not all rows of {name}")));
        }
        if one.is_empty() {
            return Ok(done);
        }
        done += u64::try_from(one.len()).unwrap_or(0);
        progress(Step::Compare, &table.name, done);
    }
}

/// Whether two values are the same: PostgreSQL keeps documents in its own form, and no NUL.
fn same(one: &Cell, two: &Cell) -> bool {
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    match (one, two) {
        (Cell::Text(one), Cell::Text(two)) => one == two || text(one) == text(two),
        (Cell::Json(one), Cell::Json(two)) => {
            let parse = |json: &str| serde_json::from_str::<Value>(json);
            one == two
                || matches!((parse(one), parse(two)), (Ok(one), Ok(two)) if alike(&one, &two))
        }
        _ => one == two,
    }
}

fn alike(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::String(one), Value::String(two)) => {
            one.replace('\0', "\u{fffd}") == two.replace('\0', "\u{fffd}")
        }
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| alike(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            let clean = |key: &str| key.replace('\0', "\u{fffd}");
            one.len() == two.len()
                && one.iter().all(|(key, one)| {
                    two.get(&clean(key)).or_else(|| two.get(key)).is_some_and(|two| alike(one, two))
                })
        }
        // 1e2 comes back as 100.
        (Value::Number(one), Value::Number(two)) => one == two || one.as_f64() == two.as_f64(),
        _ => one == two,
    }
}

/// Lets columns that the database numbers go on after the highest.
async fn continue_numbers(target: &mut Tx, tables: &[Planned]) -> Result<()> {
    for (table, _) in tables {
        for column in table.columns.iter().filter(|column| column.is_identity) {
            let (table, column) = (&table.name, &column.name);
            let text = format!(
                "select setval(pg_get_serial_sequence('\"{table}\"', '{column}'), \
                 (select coalesce(max(\"{column}\"), 0) + 1 from \"{table}\"), false)"
            );
            target.query_text(&text, &[], |row| row.int(0)).await?;
        }
    }
    Ok(())
}

impl Tx {
    /// Runs a text made here.
    pub(crate) async fn run(&mut self, text: &str) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(tx) => tx.batch(text),
            Inner::Postgres(tx) => tx.batch(text).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_compared_by_what_they_say() {
        let json = |text: &str| Cell::Json(text.to_owned());
        for (one, two, are_same) in [
            (r#"{"a":1,"b":[1e2]}"#, r#"{"b": [100], "a": 1}"#, true),
            (r#"{"a":1}"#, r#"{"a": 2}"#, false),
            (r#"{"a":1}"#, r#"{"a": 1, "b": 1}"#, false),
            (r#"["x\u0000"]"#, "[\"x\u{fffd}\"]", true),
            ("[1,2]", "[2, 1]", false),
        ] {
            assert_eq!(same(&json(one), &json(two)), are_same, "{one} {two}");
        }
        assert!(same(&Cell::Text("\0a".to_owned()), &Cell::Text("\u{fffd}a".to_owned())));
        assert!(!same(&Cell::Text("a".to_owned()), &Cell::Null));
    }
}
