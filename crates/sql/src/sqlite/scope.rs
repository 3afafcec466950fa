//! Connections on which transactions of a vendor run. Views of the connection's own stand before the
//! tables, and triggers before every write (`migrations/vendor_scope.sql`); an authorizer refuses,
//! when a statement is prepared, whatever would go around them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use uuid::Uuid;

use crate::error::SqlError;

const SCHEMA: &str = include_str!("../../../../migrations/vendor_scope.sql");

/// A connection that sees and changes what belongs to one vendor.
#[derive(Debug)]
pub(crate) struct Scoped {
    connection: Connection,
    bounds: Arc<Bounds>,
}

/// What holds for a connection now. SQL can read the vendor, and change nothing of this.
#[derive(Debug, Default)]
struct Bounds {
    /// The vendor; nil, which no row matches, before the first transaction.
    vendor: Mutex<Uuid>,
    /// Whether a set-based write runs, which names its table as `main.products`.
    writes: AtomicBool,
}

/// What can be reached at all.
struct Reach {
    /// The views, each with the name of the table that it stands before.
    views: HashSet<String>,
    /// The triggers that writes pass: `products_insert`, `products_update`, `variants_delete`.
    triggers: HashSet<String>,
}

impl Scoped {
    pub(super) fn new(mut connection: Connection) -> Result<Self, SqlError> {
        let bounds = Arc::new(Bounds::default());
        let read = Arc::clone(&bounds);
        // The same for as long as a statement runs.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("vendor_scope", 0, flags, move |_| {
            Ok(read.vendor.lock().as_bytes().to_vec())
        })?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.execute_batch(SCHEMA)?;
        let reach = Reach::read(&connection)?;
        let held = Arc::clone(&bounds);
        connection.authorizer(Some(move |asked: AuthContext<'_>| {
            if reach.allows(&asked, held.writes.load(Ordering::Relaxed)) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        Ok(Self { connection, bounds })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whose rows the transactions from here on are about.
    pub(super) fn set_vendor(&self, vendor: Uuid) {
        *self.bounds.vendor.lock() = vendor;
    }

    /// Runs a set-based write: only it may name tables behind their views.
    pub(super) fn writing<T>(&self, write: impl FnOnce(&Connection) -> T) -> T {
        self.bounds.writes.store(true, Ordering::Relaxed);
        let written = write(&self.connection);
        self.bounds.writes.store(false, Ordering::Relaxed);
        written
    }
}

impl Reach {
    fn read(connection: &Connection) -> Result<Self, SqlError> {
        let names = |kind: &str| -> Result<HashSet<String>, SqlError> {
            let text = "select name from temp.sqlite_master where type = $1";
            let mut statement = connection.prepare(text)?;
            Ok(statement.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?)
        };
        Ok(Self { views: names("view")?, triggers: names("trigger")? })
    }

    /// What views and triggers do is theirs; a statement itself reaches views, and tables only from
    /// a set-based write.
    fn allows(&self, asked: &AuthContext<'_>, writes: bool) -> bool {
        if matches!(
            asked.action,
            AuthAction::Select
                | AuthAction::Transaction { .. }
                | AuthAction::Function { .. }
                | AuthAction::Recursive
        ) {
            return true;
        }
        let is_inner = asked.accessor.is_some() || asked.database_name == Some("temp");
        let passes = |table: &str, action: &str| {
            is_inner || (writes && self.triggers.contains(&format!("{table}_{action}")))
        };
        match asked.action {
            // Without a database where no column is read, as by `count(*)`: the name is the view's.
            // A write reads its keys, and those that its foreign keys refer to.
            AuthAction::Read { table_name, .. } => {
                let may_read = asked.database_name.is_none() || writes;
                is_inner || (may_read && self.views.contains(table_name))
            }
            AuthAction::Insert { table_name } => passes(table_name, "insert"),
            AuthAction::Update { table_name, .. } => passes(table_name, "update"),
            AuthAction::Delete { table_name } => passes(table_name, "delete"),
            _ => false,
        }
    }
}
