//! What backup, restore and copy need of a PostgreSQL server beside transactions.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::Client;
use tokio_postgres::config::Host;
use tokio_postgres::types::Type;

use super::{BEGIN_READ, Connection, Options, Pool, Postgres, PostgresTx, Row, answer, parse};
use crate::error::SqlError;
use crate::schema::Table;

/// The schema that holds what a restore has put aside, until it is complete.
const ASIDE: &str = "before_restore";

impl Postgres {
    /// A transaction beside which nobody can write to these tables.
    pub(crate) async fn frozen(&self, tables: &[Table]) -> Result<PostgresTx, SqlError> {
        let begin = "begin isolation level repeatable read read write";
        // It reads whole tables, which connections for transactions that write are kept from.
        let mut tx = self.transaction(begin, false).await?;
        let names: Vec<String> = tables.iter().map(|t| format!("\"{}\"", t.name)).collect();
        tx.without_time_outs().await?;
        tx.batch(&format!("lock table {} in share mode", names.join(", "))).await?;
        Ok(tx)
    }
}

impl PostgresTx {
    /// Lets the transaction take as long as it needs; locks are waited for as long as ever.
    pub(crate) async fn without_time_outs(&mut self) -> Result<(), SqlError> {
        self.batch(
            "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0",
        )
        .await
    }

    /// Runs statements that take as long as they need.
    pub(crate) async fn batch(&mut self, text: &str) -> Result<(), SqlError> {
        Ok(self.client().await?.batch_execute(text).await?)
    }

    /// What is asked of it comes behind what was asked of the transaction.
    pub(crate) async fn client(&mut self) -> Result<&Client, SqlError> {
        let connection = self.connection()?;
        connection.settle().await?;
        Ok(&connection.client)
    }

    /// The name under which another connection can see what this transaction sees, while it lasts.
    pub(crate) async fn export_snapshot(&mut self) -> Result<String, SqlError> {
        self.without_time_outs().await?;
        let text = "select pg_export_snapshot()";
        let name = self.query_opt(text, &[], |row| row.string(0)).await?;
        name.ok_or_else(|| SqlError::internal("no snapshot"))
    }

    /// Roles that tables of the shop are granted to, or that policies name.
    pub(crate) async fn roles(&mut self) -> Result<Vec<String>, SqlError> {
        let text = "
            select distinct cast(r.rolname as text) from (
                select (aclexplode(c.relacl)).grantee as role from pg_class c
                    join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = current_schema()
                union select unnest(p.polroles) from pg_policy p
            ) named join pg_roles r on r.oid = named.role
            where r.rolname <> current_user order by 1";
        self.query(text, &[], |row| row.string(0)).await
    }
}

/// The types of a table's columns.
pub(crate) async fn column_types(client: &Client, table: &Table) -> Result<Vec<Type>, SqlError> {
    let text = format!("select {} from \"{}\"", table.column_list(), table.name);
    let statement = client.prepare(&text).await?;
    Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
}

/// What the tools of PostgreSQL read from their environment to reach the same database. A password
/// in their arguments could be seen by every user of the machine.
///
/// # Errors
/// The address is wrong.
pub fn postgres_environment(options: &Options) -> Result<Vec<(&'static str, String)>, SqlError> {
    let (config, verify) = parse(&options.url)?;
    let mut variables = Vec::new();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.to_string_lossy().into_owned(),
        })
        .collect();
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    variables.push(("PGHOST", hosts.join(",")));
    variables.push(("PGPORT", ports.join(",")));
    if let Some(user) = config.get_user() {
        variables.push(("PGUSER", user.to_owned()));
    }
    if let Some(password) = config.get_password() {
        variables.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
    }
    if let Some(name) = config.get_dbname() {
        variables.push(("PGDATABASE", name.to_owned()));
    }
    variables.push(("PGSSLMODE", verify.mode(&config).to_owned()));
    if let Some(path) = &options.root_certificate {
        variables.push(("PGSSLROOTCERT", path.to_string_lossy().into_owned()));
    } else if verify.checks() {
        variables.push(("PGSSLROOTCERT", "system".to_owned()));
    }
    variables.retain(|(_, value)| !value.is_empty());
    Ok(variables)
}

/// A database that is about to be restored. No migration is run on it.
#[derive(Debug)]
pub struct RestoreTarget {
    connection: Connection,
    _pool: Arc<Pool>,
}

impl RestoreTarget {
    /// Connects.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn connect(options: &Options) -> Result<Self, SqlError> {
        let pool = Arc::new(Pool::new(&options.url, 2, options.root_certificate.as_deref())?);
        let connection = pool.connect("").await?;
        answer(connection.client.batch_execute("set statement_timeout = 0")).await?;
        Ok(Self { connection, _pool: pool })
    }

    async fn number(&mut self, text: &str) -> Result<i64, SqlError> {
        let rows = self.connection.rows(text, &[]).await?;
        rows.first().map_or(Ok(0), |row| Row::postgres(row).int(0))
    }

    /// How many tables there are.
    pub async fn tables(&mut self) -> Result<i64, SqlError> {
        let text = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm')";
        self.number(text).await
    }

    /// Connections of other processes of Stoa.
    pub async fn users(&mut self) -> Result<i64, SqlError> {
        let text = "select count(*) from pg_stat_activity where datname = current_database()
            and application_name like 'stoa%' and pid <> pg_backend_pid()";
        self.number(text).await
    }

    /// Makes roles that are not there, without the right to connect, and lets the caller take them
    /// on.
    pub async fn make_roles(&mut self, roles: &[String]) -> Result<(), SqlError> {
        for role in roles {
            let there = "select count(*) from pg_roles where rolname = $1";
            let rows = self.connection.rows(there, &[role]).await?;
            if rows.first().map_or(Ok(0), |row| Row::postgres(row).int(0))? == 0 {
                let role = role.replace('"', "\"\"");
                let make =
                    format!("create role \"{role}\" nologin; grant \"{role}\" to current_user");
                answer(self.connection.client.batch_execute(&make)).await?;
            }
        }
        Ok(())
    }

    /// Puts what is there aside, so that the schema is empty; one that an earlier restore has left
    /// there goes for good.
    pub async fn put_aside(&mut self) -> Result<(), SqlError> {
        let text = format!(
            "begin; drop schema if exists {ASIDE} cascade; alter schema public rename to {ASIDE};
            create schema public authorization pg_database_owner;
            grant usage on schema public to public; commit"
        );
        Ok(self.connection.client.batch_execute(&text).await?)
    }

    /// Undoes [`RestoreTarget::put_aside`].
    pub async fn put_back(&mut self) -> Result<(), SqlError> {
        let text = format!(
            "begin; drop schema public cascade; alter schema {ASIDE} rename to public; commit"
        );
        Ok(self.connection.client.batch_execute(&text).await?)
    }

    /// Removes everything.
    pub async fn empty(&mut self) -> Result<(), SqlError> {
        let text = "begin; drop schema public cascade;
            create schema public authorization pg_database_owner;
            grant usage on schema public to public; commit";
        Ok(self.connection.client.batch_execute(text).await?)
    }

    /// Drops what was put aside.
    pub async fn drop_aside(&mut self) -> Result<(), SqlError> {
        let text = format!("drop schema if exists {ASIDE} cascade");
        Ok(self.connection.client.batch_execute(&text).await?)
    }

    /// How many rows each of these tables has; none for one that is not there.
    pub async fn row_counts(
        &mut self,
        tables: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, u64>, SqlError> {
        answer(self.connection.client.batch_execute(BEGIN_READ)).await?;
        let mut counts = BTreeMap::new();
        for table in tables {
            let name = table.replace('"', "\"\"");
            let there =
                format!("select count(*) from pg_class where oid = to_regclass('\"{name}\"')");
            if self.number(&there).await? == 0 {
                continue;
            }
            let n = self.number(&format!("select count(*) from \"{name}\"")).await?;
            counts.insert(table.clone(), u64::try_from(n).unwrap_or(0));
        }
        answer(self.connection.client.batch_execute("commit")).await?;
        Ok(counts)
    }
}
