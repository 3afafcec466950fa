//! Statements as text, in the forms of both databases.

use std::sync::OnceLock;

/// A statement. `sql!` makes one; a text given once serves both databases.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    /// As SQLite runs it.
    pub sqlite: &'static str,
    /// As PostgreSQL runs it.
    pub postgres: &'static str,
    /// As PostgreSQL runs it in a transaction that writes: rows that are read are locked until its
    /// end. SQLite needs no such form, because there a transaction that writes is alone.
    pub locking: &'static str,
}

/// Makes a [`Sql`]: `sql!("...")` for both databases, or one text for each. `locks` is what
/// PostgreSQL adds in a transaction that writes.
#[macro_export]
macro_rules! sql {
    ($text:literal) => {
        $crate::sql!(sqlite: $text, postgres: $text)
    };
    ($text:literal, locks: $locks:literal $(,)?) => {
        $crate::sql!(sqlite: $text, postgres: $text, locks: $locks)
    };
    (sqlite: $sqlite:literal, postgres: $postgres:literal $(,)?) => {
        $crate::Sql { sqlite: $sqlite, postgres: $postgres, locking: $postgres }
    };
    (sqlite: $sqlite:literal, postgres: $postgres:literal, locks: $locks:literal $(,)?) => {
        $crate::Sql {
            sqlite: $sqlite,
            postgres: $postgres,
            locking: concat!($postgres, " ", $locks),
        }
    };
}

/// The type of a column, as PostgreSQL names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `bigint`.
    Int,
    /// `boolean`.
    Bool,
    /// `text`.
    Text,
    /// `jsonb`.
    Json,
    /// `bytea`.
    Bytes,
    /// `uuid`.
    Uuid,
    /// `timestamptz`.
    Time,
}

impl Type {
    const fn postgres(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Bool => "boolean",
            Self::Text => "text",
            Self::Json => "jsonb",
            Self::Bytes => "bytea",
            Self::Uuid => "uuid",
            Self::Time => "timestamptz",
        }
    }
}

/// A column and its type.
pub type Column = (&'static str, Type);

/// What a [`Write`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds rows; a row that is there already is an error.
    Insert,
    /// Adds rows whose key is one UUID, and leaves those out that anything unique stands against.
    Add,
    /// Adds rows, or changes those that are there already.
    Upsert,
    /// Changes rows that are there.
    Update,
    /// Removes rows.
    Delete,
}

/// A statement that writes a set of rows: table, key columns, other columns.
#[derive(Debug)]
pub struct Write {
    verb: Verb,
    table: &'static str,
    keys: &'static [Column],
    columns: &'static [Column],
    sqlite: OnceLock<String>,
    scoped: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Write {
    /// States a set-based write. `Delete` has no columns beside its keys.
    pub const fn new(
        verb: Verb,
        table: &'static str,
        keys: &'static [Column],
        columns: &'static [Column],
    ) -> Self {
        Self {
            verb,
            table,
            keys,
            columns,
            sqlite: OnceLock::new(),
            scoped: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    /// The text for one row, as SQLite runs it.
    pub fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| self.one_row(self.table))
    }

    /// The same in a transaction of a vendor: names the table itself, not the view that stands
    /// before it, so that the write passes the table's triggers.
    pub fn scoped_sqlite(&self) -> &str {
        self.scoped.get_or_init(|| self.one_row(&format!("main.{}", self.table)))
    }

    fn one_row(&self, table: &str) -> String {
        let n_keys = self.keys.len();
        let assign = |columns: &[Column], first: usize, joint: &str| {
            let parts = columns.iter().enumerate();
            let parts = parts.map(|(i, (name, _))| format!("{name} = ${}", first + i));
            parts.collect::<Vec<_>>().join(joint)
        };
        match self.verb {
            Verb::Insert | Verb::Add | Verb::Upsert => {
                let n_all = n_keys + self.columns.len();
                let values: Vec<String> = (1..=n_all).map(|i| format!("${i}")).collect();
                let names = self.names(", ");
                let conflict = self.on_conflict();
                format!("insert into {table} ({names}) values ({}){conflict}", values.join(", "))
            }
            Verb::Update => format!(
                "update {table} set {} where {}",
                assign(self.columns, n_keys + 1, ", "),
                assign(self.keys, 1, " and "),
            ),
            Verb::Delete => {
                format!("delete from {table} where {}", assign(self.keys, 1, " and "))
            }
        }
    }

    /// The text for all rows, one array a column, as PostgreSQL runs it.
    pub fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let table = self.table;
            let all = self.keys.iter().chain(self.columns);
            let arrays: Vec<String> = all
                .enumerate()
                .map(|(i, (_, t))| format!("${}::{}[]", i + 1, t.postgres()))
                .collect();
            let rows = format!("unnest({}) as v({})", arrays.join(", "), self.names(", "));
            let equal = |columns: &[Column], left: &str, joint: &str| {
                let parts = columns.iter().map(|(name, _)| format!("{left}{name} = v.{name}"));
                parts.collect::<Vec<_>>().join(joint)
            };
            match self.verb {
                Verb::Insert | Verb::Add | Verb::Upsert => {
                    let names = self.names(", ");
                    let added = match (self.verb, self.keys.first()) {
                        (Verb::Add, Some((key, _))) => format!(" returning {key}"),
                        _ => String::new(),
                    };
                    let conflict = self.on_conflict();
                    format!("insert into {table} ({names}) select * from {rows}{conflict}{added}")
                }
                Verb::Update => format!(
                    "update {table} t set {} from {rows} where {}",
                    equal(self.columns, "", ", "),
                    equal(self.keys, "t.", " and "),
                ),
                Verb::Delete => {
                    format!(
                        "delete from {table} t using {rows} where {}",
                        equal(self.keys, "t.", " and ")
                    )
                }
            }
        })
    }

    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    pub(crate) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn n_columns(&self) -> usize {
        self.keys.len() + self.columns.len()
    }

    fn names(&self, joint: &str) -> String {
        let names: Vec<&str> =
            self.keys.iter().chain(self.columns).map(|(name, _)| *name).collect();
        names.join(joint)
    }

    fn on_conflict(&self) -> String {
        match self.verb {
            Verb::Upsert => {}
            Verb::Add => return " on conflict do nothing".to_owned(),
            _ => return String::new(),
        }
        let keys: Vec<&str> = self.keys.iter().map(|(name, _)| *name).collect();
        let sets: Vec<String> =
            self.columns.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        format!(" on conflict ({}) do update set {}", keys.join(", "), sets.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_both_databases() {
        const KEYS: &[Column] = &[("id", Type::Uuid)];
        const COLUMNS: &[Column] = &[("a", Type::Int), ("b", Type::Json)];
        let upsert = Write::new(Verb::Upsert, "t", KEYS, COLUMNS);
        assert_eq!(
            upsert.sqlite(),
            "insert into t (id, a, b) values ($1, $2, $3) on conflict (id) do update set \
             a = excluded.a, b = excluded.b"
        );
        assert_eq!(
            upsert.postgres(),
            "insert into t (id, a, b) select * from unnest($1::uuid[], $2::bigint[], $3::jsonb[]) \
             as v(id, a, b) on conflict (id) do update set a = excluded.a, b = excluded.b"
        );
        assert!(upsert.scoped_sqlite().starts_with("insert into main.t (id, a, b) values"));
        let update = Write::new(Verb::Update, "t", KEYS, COLUMNS);
        assert_eq!(update.sqlite(), "update t set a = $2, b = $3 where id = $1");
        let delete = Write::new(Verb::Delete, "t", KEYS, &[]);
        assert_eq!(
            delete.postgres(),
            "delete from t t using unnest($1::uuid[]) as v(id) where t.id = v.id"
        );
    }
}
