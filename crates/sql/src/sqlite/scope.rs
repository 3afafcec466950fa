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

/// The tables that can be reached at all.
struct Reach {
    /// Those that a view stands before.
    viewed: HashSet<String>,
    /// Those whose writes pass triggers.
    guarded: HashSet<String>,
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
            let text = "select tbl_name from temp.sqlite_master where type = $1";
            let mut statement = connection.prepare(text)?;
            Ok(statement.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?)
        };
        Ok(Self { viewed: names("view")?, guarded: names("trigger")? })
    }

    /// What views and triggers do is theirs; a statement itself reaches views, and tables only from
    /// a set-based write.
    fn allows(&self, asked: &AuthContext<'_>, writes: bool) -> bool {
        let is_direct = asked.accessor.is_none() && asked.database_name == Some("main");
        match asked.action {
            AuthAction::Select
            | AuthAction::Transaction { .. }
            | AuthAction::Function { .. }
            | AuthAction::Recursive => true,
            // A write reads its keys, and those that its foreign keys refer to.
            AuthAction::Read { table_name, .. } => {
                !is_direct
                    || (writes
                        && (self.viewed.contains(table_name) || self.guarded.contains(table_name)))
            }
            AuthAction::Insert { table_name }
            | AuthAction::Update { table_name, .. }
            | AuthAction::Delete { table_name } => {
                !is_direct || (writes && self.guarded.contains(table_name))
            }
            _ => false,
        }
    }
}
