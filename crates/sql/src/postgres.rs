//! PostgreSQL: a bounded pool of connections. Transactions that write see what others committed
//! before each statement (`read committed`) and lock what they load; those that only read see one
//! state.
//!
//! Connections are driven by a thread of their own, so that a transaction that is given up can be
//! rolled back whoever began it, and whatever became of its thread.

mod admin;
mod replica;
mod tls;

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::maybe_done;
use parking_lot::Mutex;
use stoa_kernel::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};
use uuid::Uuid;

use self::replica::Replicas;
use self::tls::{Tls, Verify};
use crate::error::{ErrorKind, SqlError};
use crate::migrate::{MIGRATIONS, newest};
use crate::statement::{Verb, Write};
use crate::value::{Param, Row};

pub(crate) use self::admin::column_types;
pub use self::admin::{RestoreTarget, postgres_environment};
pub use self::replica::ReplicaStatus;

/// How long a transaction waits for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// How long a new connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take; longer than what the server allows itself.
const ANSWER: Duration = Duration::from_secs(25);
/// The same in a transaction that writes, whose statements are short but for a wait for a lock: others
/// wait behind it while a network has swallowed its connection.
const ANSWER_TO_WRITER: Duration = Duration::from_secs(12);
/// How long `begin` may take, for which the server waits for nobody.
const BEGIN: Duration = Duration::from_secs(3);
/// How long the roll-back of a transaction that was given up may take.
const ROLLBACK: Duration = Duration::from_secs(5);
/// Of so many connections one is kept for transactions that write.
const WRITER_SHARE: usize = 2;
/// A connection that was of use so short ago is sent `begin` together with what comes next. Of another
/// the server may know nothing any more, so that its answer is waited for.
const FRESH: Duration = Duration::from_millis(100);
/// Bytes of writes that wait until an answer is needed. With more the server has work, and is sent it.
const WAITING_BYTES: usize = 16 << 10;
/// Rows written by one statement.
const ROWS: usize = 10_000;
/// Statements a connection keeps prepared; beyond it, it begins anew.
const KEPT_STATEMENTS: usize = 512;
/// What every connection is set to. No statement is long enough to be worth compiling. The last four
/// let the server end a session, and give up its locks, soon after a network has swallowed the client
/// without a word.
const SESSION: &str = "set statement_timeout = '20s'; set lock_timeout = '10s'; set jit = off; \
                       set idle_in_transaction_session_timeout = '15s'; \
                       set client_connection_check_interval = '5s'; \
                       set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; \
                       set tcp_user_timeout = '15s'";
/// What the connections of transactions that write are set to beside. Those reach their rows by their keys,
/// a few at a time, so that the plan of a statement is always the same: a connection makes it once, and
/// were it free to, on a table that is still empty it would choose to read all of it for ever.
const WRITERS: &str = "set plan_cache_mode = force_generic_plan; \
                       set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off";
const BEGIN_WRITE: &str = "begin isolation level read committed read write";
const BEGIN_READ: &str = "begin isolation level repeatable read read only";
/// What a transaction of a vendor runs under; bound by policies.
const VENDOR_ROLE: &str = "stoa_vendor";
/// How long a migration waits for a table that is in use. Whoever comes after it waits as well, so
/// that it gives up soon, and is tried again.
const MIGRATION_LOCK: &str = "3s";
/// The lock that migrations are made behind.
const MIGRATING: i64 = 0x73_74_6f_61;

/// Where a database is, and how it is reached.
#[derive(Clone)]
pub struct Options {
    /// Its address: `postgres://...`.
    pub url: String,
    /// Connections to it at most.
    pub connections: u16,
    /// Addresses of replicas that answer what may be a moment old.
    pub read_urls: Vec<String>,
    /// How far a replica may be behind.
    pub max_lag: Duration,
    /// A file with the certificates (PEM) that vouch for the server's; `None` for the system's.
    pub root_certificate: Option<PathBuf>,
}

impl Options {
    /// A database without replicas.
    pub fn new(url: impl Into<String>, connections: u16) -> Self {
        Self {
            url: url.into(),
            connections,
            read_urls: Vec::new(),
            max_lag: Duration::from_secs(5),
            root_certificate: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the addresses: they may hold passwords.
        f.debug_struct("Options").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// A pool of connections to one database, and those to its replicas.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pool: Arc<Pool>,
    replicas: Arc<Replicas>,
}

#[derive(Debug)]
struct Pool {
    config: Config,
    tls: Option<Tls>,
    has_replicas: bool,
    /// The position of the log that replicas must have replayed.
    needed: AtomicU64,
    readers: Places,
    writers: Places,
    io: Handle,
    /// Ends the thread that drives connections when the pool is dropped.
    _alive: oneshot::Sender<()>,
}

/// Connections of one kind: so many may be in use, and those that are idle.
#[derive(Debug)]
struct Places {
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// What they are set to.
    settings: &'static str,
}

impl Places {
    fn new(n: usize, settings: &'static str) -> Self {
        Self { free: Arc::new(Semaphore::new(n)), idle: Mutex::default(), settings }
    }

    /// One that is idle and not known to be broken.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        std::iter::from_fn(|| idle.pop()).find(|connection| !connection.client.is_closed())
    }

    fn keep(&self, mut connection: Connection) {
        if !connection.client.is_closed() {
            connection.used = Instant::now();
            self.idle.lock().push(connection);
        }
    }

    /// Ends those that are idle.
    fn forget(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        idle.iter().for_each(|connection| connection.driver.abort());
    }
}

/// What is asked of the server, which is sent when it is polled first.
type Call = BoxFuture<'static, Result<Answer, tokio_postgres::Error>>;

/// What the server has answered.
enum Answer {
    /// To a read.
    Rows(Vec<tokio_postgres::Row>),
    /// To a write: how many rows it has changed. Nothing is told of `begin` and `commit`.
    Changed(u64),
}

/// A read that will be asked for: its statement and what it is asked with.
#[derive(PartialEq, Eq)]
struct Read {
    text: &'static str,
    params: Vec<Encoded>,
}

/// The answers to what was sent at once, each with the read that it answers.
type Answers = JoinHandle<Result<Vec<(Answer, Option<Read>)>, SqlError>>;

/// A call that is not sent yet.
struct Waiting {
    call: Call,
    /// `None` where nobody will ask for the answer later.
    read: Option<Read>,
}

struct Connection {
    client: Arc<Client>,
    statements: HashMap<String, Statement>,
    /// What goes to the server next, in order, all at once as soon as an answer is needed. The lock, which
    /// is never taken, lets others refer to a connection.
    waiting: Mutex<Vec<Waiting>>,
    /// Bytes of the writes in it.
    waiting_bytes: usize,
    /// Answers that nobody has looked at. Those to reads are looked at as soon as they are there.
    sent: Vec<Answers>,
    /// Answers to reads that will be asked for.
    ahead: Vec<(Read, Vec<tokio_postgres::Row>)>,
    /// Where answers are waited for.
    io: Handle,
    driver: AbortHandle,
    /// How long an answer may take in the transaction that it is used for.
    patience: Duration,
    /// When it was last of use.
    used: Instant,
}

/// A transaction, and the connection it runs on.
#[derive(Debug)]
pub(crate) struct PostgresTx {
    pool: Arc<Pool>,
    held: Option<(Connection, OwnedSemaphorePermit)>,
    pub(crate) writes: bool,
    /// Whether it runs on a replica.
    pub(crate) is_stale: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("is_closed", &self.client.is_closed()).finish()
    }
}

async fn answer<T>(
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, SqlError> {
    answer_within(ANSWER, call).await
}

async fn answer_within<T>(
    time: Duration,
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, SqlError> {
    match timeout(time, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(SqlError::unavailable("the database has not answered in time")),
    }
}

impl Postgres {
    pub(crate) async fn open(options: &Options) -> Result<Self, SqlError> {
        let replicas = Arc::new(Replicas::new(options)?);
        let roots = options.root_certificate.as_deref();
        let mut pool = Pool::new(&options.url, options.connections, roots)?;
        pool.has_replicas = !replicas.is_empty();
        let mut connection = pool.connect("").await?;
        connection.migrate().await?;
        // Replicas answer nothing from before what this process finds.
        pool.note_position(&connection).await?;
        pool.readers.keep(connection);
        let pool = Arc::new(pool);
        if pool.has_replicas {
            replica::watch(&pool, &replicas);
        }
        Ok(Self { pool, replicas })
    }

    /// Begins a transaction that reads what may be a moment old.
    pub(crate) async fn read_stale(&self) -> Result<PostgresTx, SqlError> {
        if self.pool.has_replicas {
            let needed = self.pool.needed.load(Ordering::Acquire);
            if let Some(tx) = self.replicas.read(needed).await {
                return Ok(tx);
            }
        }
        self.read().await
    }

    pub(crate) fn replicas(&self) -> Vec<ReplicaStatus> {
        self.replicas.status()
    }

    pub(crate) async fn begin(&self) -> Result<PostgresTx, SqlError> {
        self.transaction(BEGIN_WRITE, true).await
    }

    pub(crate) async fn read(&self) -> Result<PostgresTx, SqlError> {
        self.transaction(BEGIN_READ, false).await
    }

    pub(crate) async fn begin_scoped(&self, vendor: Uuid) -> Result<PostgresTx, SqlError> {
        let begin = scoped(BEGIN_WRITE, vendor);
        self.transaction(&begin, true).await.map_err(without_role)
    }

    pub(crate) async fn read_scoped(&self, vendor: Uuid) -> Result<PostgresTx, SqlError> {
        let begin = scoped(BEGIN_READ, vendor);
        self.transaction(&begin, false).await.map_err(without_role)
    }

    fn transaction<'a>(
        &'a self,
        begin: &'a str,
        writes: bool,
    ) -> BoxFuture<'a, Result<PostgresTx, SqlError>> {
        Box::pin(self.begun(begin, writes))
    }

    async fn begun(&self, begin: &str, writes: bool) -> Result<PostgresTx, SqlError> {
        let places = self.pool.places(writes);
        let Ok(Ok(permit)) = timeout(WAIT, Arc::clone(&places.free).acquire_owned()).await else {
            return Err(SqlError::unavailable("every connection to the database is in use"));
        };
        loop {
            let kept = places.take();
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.pool.connect(places.settings).await?,
            };
            connection.patience = if writes { ANSWER_TO_WRITER } else { ANSWER };
            // Whoever takes on a role is to learn at once that it is not there.
            let is_plain = begin == BEGIN_WRITE || begin == BEGIN_READ;
            let begun = if is_plain && was_kept && connection.used.elapsed() < FRESH {
                connection.push_batch(begin);
                Ok(())
            } else {
                answer_within(BEGIN, connection.client.batch_execute(begin)).await
            };
            match begun {
                Ok(()) => {
                    let pool = Arc::clone(&self.pool);
                    return Ok(PostgresTx {
                        pool,
                        held: Some((connection, permit)),
                        writes,
                        is_stale: false,
                    });
                }
                Err(error) => {
                    connection.driver.abort();
                    if !was_kept || error.kind != ErrorKind::Unavailable {
                        return Err(error);
                    }
                    // The server may have gone and come back since the connection was last used, or
                    // a network between has forgotten it; then it has forgotten the others as well,
                    // and each of them would be waited for.
                    self.pool.readers.forget();
                    self.pool.writers.forget();
                }
            }
        }
    }

    pub(crate) async fn integrity_faults(&self) -> Result<Vec<String>, SqlError> {
        let text = "select 'the index ' || cast(indexrelid as regclass) || ' is not valid'
                from pg_index where not indisvalid
            union all
            select 'the constraint ' || conname || ' of ' || cast(conrelid as regclass)
                    || ' was never validated'
                from pg_constraint where not convalidated
            union all
            select checksum_failures || ' pages did not match their checksums'
                from pg_stat_database
                where datname = current_database() and checksum_failures > 0";
        self.read().await?.query(text, &[], |row| row.string(0)).await
    }

    /// Prepares a statement and checks that its parameters and columns are of types that can be
    /// written and read.
    pub(crate) async fn prepare(&self, text: &str) -> Result<(), SqlError> {
        let mut tx = self.read().await?;
        let statement = tx.connection()?.prepared(text).await?;
        let is_known = |kind: &Type| match kind.kind() {
            Kind::Array(member) => is_known(member),
            _ => is_known(kind),
        };
        if let Some(kind) = statement.params().iter().find(|kind| !is_known(kind)) {
            return Err(SqlError::internal(format!("a parameter is of type {kind}")));
        }
        if let Some(column) = statement.columns().iter().find(|column| !is_known(column.type_())) {
            let (name, kind) = (column.name(), column.type_());
            return Err(SqlError::internal(format!("the column {name} is of type {kind}")));
        }
        Ok(())
    }
}

/// Begins a transaction in which policies let only what belongs to the vendor through; role and
/// setting end with it.
fn scoped(begin: &str, vendor: Uuid) -> String {
    format!("{begin}; set local role {VENDOR_ROLE}; set local stoa.vendor_id = '{vendor}'")
}

/// Says what to do where the role cannot be taken on: it is not there (22023), or not granted.
fn without_role(error: SqlError) -> SqlError {
    if error.kind == ErrorKind::Denied || error.message.contains("(22023)") {
        return SqlError::unavailable(format!(
            "the shop cannot take on the role {VENDOR_ROLE} ({}); see \"Vendors\" in \
             docs/operations/postgresql.md",
            error.message
        ));
    }
    error
}

/// What an address says, and how far it wants the server's certificate checked.
fn parse(url: &str) -> Result<(Config, Verify), SqlError> {
    let (url, verify) = Verify::take(url);
    let config = Config::from_str(&url).map_err(|error| {
        // Never the address itself: it may hold a password.
        let why = error.source().map_or(error.to_string(), ToString::to_string);
        SqlError::internal(format!("the address of the database: {why}"))
    })?;
    Ok((config, verify))
}

/// Hosts and ports of an address, for people.
fn host_names(config: &Config) -> String {
    let ports = config.get_ports();
    let names = config.get_hosts().iter().enumerate().map(|(n, host)| {
        let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    names.collect::<Vec<_>>().join(",")
}

/// Whether values of a type can be written and read.
fn is_known(kind: &Type) -> bool {
    matches!(
        *kind,
        Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::BOOL
            | Type::TEXT
            | Type::JSONB
            | Type::BYTEA
            | Type::UUID
            | Type::TIMESTAMPTZ
    )
}

impl Pool {
    fn new(url: &str, connections: u16, roots: Option<&Path>) -> Result<Self, SqlError> {
        let (mut config, verify) = parse(url)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(Tls::new(verify, roots)?),
        };
        if config.get_application_name().is_none() {
            config.application_name("stoa");
        }
        config.connect_timeout(CONNECT);
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        config.tcp_user_timeout(ANSWER);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SqlError::unavailable(error.to_string()))?;
        let io = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let _dropped = runtime.block_on(ended);
            })
            .map_err(|error| SqlError::unavailable(error.to_string()))?;
        let connections = usize::from(connections).max(2);
        let n_writers = (connections / WRITER_SHARE).max(1);
        Ok(Self {
            config,
            tls,
            has_replicas: false,
            needed: AtomicU64::new(0),
            readers: Places::new(connections - n_writers, ""),
            writers: Places::new(n_writers, WRITERS),
            io,
            _alive: alive,
        })
    }

    /// Connections for transactions that write, or for those that only read.
    fn places(&self, writes: bool) -> &Places {
        if writes { &self.writers } else { &self.readers }
    }

    /// A new connection, with settings beside those of every connection.
    async fn connect(&self, settings: &str) -> Result<Connection, SqlError> {
        let (config, tls) = (self.config.clone(), self.tls.clone());
        let connecting = self.io.spawn(async move {
            match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    Ok((client, drive(connection)))
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok::<_, tokio_postgres::Error>((client, drive(connection)))
                }
            }
        });
        let (client, driver) = match timeout(CONNECT, connecting).await {
            Ok(Ok(connected)) => connected?,
            _ => return Err(SqlError::unavailable("the database cannot be reached")),
        };
        answer(client.batch_execute(&format!("{SESSION}; {settings}"))).await?;
        Ok(Connection {
            client: Arc::new(client),
            statements: HashMap::new(),
            waiting: Mutex::default(),
            waiting_bytes: 0,
            sent: Vec::new(),
            ahead: Vec::new(),
            io: self.io.clone(),
            driver,
            patience: ANSWER,
            used: Instant::now(),
        })
    }
}

/// Lets a connection run until it is aborted or breaks.
fn drive(
    connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
) -> AbortHandle {
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database broke");
        }
    });
    driver.abort_handle()
}

impl Connection {
    async fn prepared(&mut self, text: &str) -> Result<Statement, SqlError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= KEPT_STATEMENTS {
            self.statements.clear();
        }
        self.settle().await?;
        let statement = answer_within(self.patience, self.client.prepare(text)).await?;
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Adds a call to what goes to the server next.
    fn push(&mut self, call: Call, read: Option<Read>) {
        self.waiting.get_mut().push(Waiting { call, read });
    }

    /// Lets nobody have what was read ahead.
    fn forget_reads(&mut self) {
        self.waiting.get_mut().retain(|waiting| waiting.read.is_none());
        self.ahead.clear();
    }

    /// Lets nobody have any answer.
    fn give_up(&mut self) {
        self.waiting.get_mut().clear();
        self.waiting_bytes = 0;
        self.sent.clear();
        self.ahead.clear();
    }

    fn push_read(&mut self, statement: Statement, params: Vec<Encoded>, read: Option<Read>) {
        let client = Arc::clone(&self.client);
        let call =
            async move { client.query(&statement, &as_params(&params)).await.map(Answer::Rows) };
        self.push(Box::pin(call), read);
    }

    fn push_write(&mut self, statement: Statement, params: Vec<Encoded>) {
        // What was read may be another after it.
        self.forget_reads();
        self.waiting_bytes += params.iter().map(Encoded::len).sum::<usize>();
        let client = Arc::clone(&self.client);
        let call = async move {
            client.execute(&statement, &as_params(&params)).await.map(Answer::Changed)
        };
        self.push(Box::pin(call), None);
    }

    fn push_batch(&mut self, text: &str) {
        let (client, text) = (Arc::clone(&self.client), text.to_owned());
        let call = async move { client.batch_execute(&text).await.map(|()| Answer::Changed(0)) };
        self.push(Box::pin(call), None);
    }

    async fn encode<'a>(
        &mut self,
        text: &str,
        params: impl ExactSizeIterator<Item = &'a (dyn ToSql + Sync)>,
    ) -> Result<(Statement, Vec<Encoded>), SqlError> {
        let statement = self.prepared(text).await?;
        if statement.params().len() != params.len() {
            return Err(SqlError::internal(
                "a statement was given another number of parameters than it has",
            ));
        }
        let params = encoded(&statement, params)?;
        Ok((statement, params))
    }

    async fn rows(
        &mut self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, SqlError> {
        let (statement, params) = self.encode(text, params.iter().copied()).await?;
        let is_it = |read: &Read| read.text == text && read.params == params;
        if self.waiting.get_mut().iter().any(|waiting| waiting.read.as_ref().is_some_and(is_it)) {
            self.settle().await?;
        }
        if let Some(at) = self.ahead.iter().position(|(read, _)| is_it(read)) {
            return Ok(self.ahead.remove(at).1);
        }
        self.push_read(statement, params, None);
        match self.settle().await? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Changed(_) => Err(SqlError::internal("a read was answered without rows")),
        }
    }

    /// Asks for a read, whose answer [`Connection::rows`] gives to whoever asks for it with the same
    /// parameters.
    async fn read_ahead(
        &mut self,
        text: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<(), SqlError> {
        let (statement, params) = self.encode(text, params.iter().copied()).await?;
        let read = Read { text, params: params.clone() };
        self.push_read(statement, params, Some(read));
        Ok(())
    }

    async fn execute(
        &mut self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, SqlError> {
        let (statement, params) = self.encode(text, params.iter().copied()).await?;
        self.push_write(statement, params);
        match self.settle().await? {
            Answer::Changed(n) => Ok(n),
            Answer::Rows(_) => Err(SqlError::internal("a write was answered with rows")),
        }
    }

    /// Asks for a write, of whose answer [`Connection::settle`] says no more than a fault.
    async fn write_later(&mut self, text: &str, columns: &[Array<'_>]) -> Result<(), SqlError> {
        let columns = columns.iter().map(|column| column as &(dyn ToSql + Sync));
        let (statement, columns) = self.encode(text, columns).await?;
        self.push_write(statement, columns);
        if self.waiting_bytes > WAITING_BYTES {
            self.flush();
        }
        Ok(())
    }

    /// Sends what was asked for. Whatever is sent after it comes behind it: the thread that drives
    /// connections begins tasks in the order in which it gets them.
    fn flush(&mut self) {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(self.waiting.get_mut());
        if !waiting.is_empty() {
            // Each answer wakes whoever waits for it: better the thread that has it than another.
            self.sent.push(self.io.spawn(answers(waiting, self.patience)));
        }
    }

    /// Sends what was asked for and waits for the answers, of which it keeps those to reads and gives the
    /// last. What failed first is why this fails: the server refuses whatever comes after it.
    async fn settle(&mut self) -> Result<Answer, SqlError> {
        self.flush();
        let mut last = Answer::Changed(0);
        for answers in std::mem::take(&mut self.sent) {
            let ended = |_| SqlError::unavailable("connections to the database have ended");
            for answer in answers.await.map_err(ended)?? {
                match answer {
                    (Answer::Rows(rows), Some(read)) => self.ahead.push((read, rows)),
                    (answer, _) => last = answer,
                }
            }
        }
        Ok(last)
    }

    /// Brings the schema up to date. Processes that start together do it one after the other.
    async fn migrate(&mut self) -> Result<(), SqlError> {
        let known = newest();
        if self.version().await? == known {
            return Ok(());
        }
        let make = format!(
            "begin; set local statement_timeout = 0; set local lock_timeout = 0;
            select pg_advisory_xact_lock({MIGRATING}); set local lock_timeout = '{MIGRATION_LOCK}';
            create table if not exists schema_migrations (
                number bigint not null primary key,
                name text not null,
                applied_at timestamptz not null default now()
            )"
        );
        answer(self.client.batch_execute(&make)).await?;
        let done = self.version().await?;
        if done > known {
            return Err(SqlError::newer_schema(done, known));
        }
        for migration in MIGRATIONS.iter().filter(|migration| migration.number > done) {
            self.client.batch_execute(migration.postgres).await.map_err(|error| {
                let error = SqlError::from(error);
                SqlError {
                    message: format!("migration {}: {}", migration.name, error.message),
                    ..error
                }
            })?;
            let insert = "insert into schema_migrations (number, name) values ($1, $2)";
            self.execute(insert, &[&migration.number, &migration.name]).await?;
        }
        answer(self.client.batch_execute("commit")).await
    }

    /// The number of the newest migration; 0 on an empty database.
    async fn version(&mut self) -> Result<i64, SqlError> {
        let int = |rows: &[tokio_postgres::Row]| {
            rows.first().map_or(Ok(0), |row| Row::postgres(row).int(0))
        };
        let is_there = "select count(*) from pg_class where oid = to_regclass('schema_migrations')";
        if int(&self.rows(is_there, &[]).await?)? == 0 {
            return Ok(0);
        }
        let newest = "select coalesce(max(number), 0) from schema_migrations";
        int(&self.rows(newest, &[]).await?)
    }
}

/// Sends calls all at once, and takes their answers in order.
async fn answers(
    waiting: Vec<Waiting>,
    patience: Duration,
) -> Result<Vec<(Answer, Option<Read>)>, SqlError> {
    let calls = waiting.into_iter().map(|waiting| (maybe_done(waiting.call), waiting.read));
    let mut calls: Vec<_> = calls.collect();
    std::future::poll_fn(|context| {
        for (call, _) in &mut calls {
            let _later = Pin::new(call).poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(calls.len());
    for (mut call, read) in calls {
        let there = timeout(patience, &mut call).await;
        match Pin::new(&mut call).take_output() {
            Some(answer) if there.is_ok() => answers.push((answer?, read)),
            _ => return Err(SqlError::unavailable("the database has not answered in time")),
        }
    }
    Ok(answers)
}

/// Parameters as the statement takes them.
fn encoded<'a>(
    statement: &Statement,
    params: impl Iterator<Item = &'a (dyn ToSql + Sync)>,
) -> Result<Vec<Encoded>, SqlError> {
    let encoded = params.zip(statement.params()).map(|(param, kind)| {
        let mut bytes = BytesMut::new();
        match param.to_sql_checked(kind, &mut bytes) {
            Ok(IsNull::No) => Ok(Encoded(Some(bytes.freeze()))),
            Ok(IsNull::Yes) => Ok(Encoded(None)),
            Err(error) => Err(SqlError::internal(error.to_string())),
        }
    });
    encoded.collect()
}

fn as_params(encoded: &[Encoded]) -> Vec<&(dyn ToSql + Sync)> {
    encoded.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn as_sql<'a>(params: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

fn keys_and<'a>(keys: &'a [Array<'_>], more: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    let keys = keys.iter().map(|column| column as &(dyn ToSql + Sync));
    keys.chain(as_sql(more)).collect()
}

impl PostgresTx {
    fn connection(&mut self) -> Result<&mut Connection, SqlError> {
        match &mut self.held {
            Some((connection, _)) => Ok(connection),
            None => Err(SqlError::internal("the transaction has ended")),
        }
    }

    /// Lets no read of this process see the state before what this transaction sees.
    pub(crate) async fn note_position(&mut self) -> Result<(), SqlError> {
        let pool = Arc::clone(&self.pool);
        let connection = self.connection()?;
        connection.settle().await?;
        pool.note_position(connection).await
    }

    pub(crate) async fn query<T, E: From<SqlError>>(
        &mut self,
        text: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let rows = self.connection()?.rows(text, &as_sql(params)).await?;
        rows.iter().map(|row| map(&Row::postgres(row))).collect()
    }

    pub(crate) async fn query_opt<T, E: From<SqlError>>(
        &mut self,
        text: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let rows = self.connection()?.rows(text, &as_sql(params)).await?;
        rows.first().map(|row| map(&Row::postgres(row))).transpose()
    }

    /// The rows for all keys, of which each column is an array from `$1` on, and `more` after them.
    pub(crate) async fn query_keys<T, E: From<SqlError>>(
        &mut self,
        text: &str,
        keys: Vec<Vec<Param<'_>>>,
        more: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let keys: Vec<Array<'_>> = keys.into_iter().map(Array).collect();
        let rows = self.connection()?.rows(text, &keys_and(&keys, more)).await?;
        rows.iter().map(|row| map(&Row::postgres(row))).collect()
    }

    /// Takes note of a read that [`PostgresTx::query`] will be asked for.
    pub(crate) async fn ahead(
        &mut self,
        text: &'static str,
        params: &[Param<'_>],
    ) -> Result<(), SqlError> {
        self.connection()?.read_ahead(text, &as_sql(params)).await
    }

    /// Takes note of a read that [`PostgresTx::query_keys`] will be asked for.
    pub(crate) async fn ahead_keys(
        &mut self,
        text: &'static str,
        keys: Vec<Vec<Param<'_>>>,
        more: &[Param<'_>],
    ) -> Result<(), SqlError> {
        let keys: Vec<Array<'_>> = keys.into_iter().map(Array).collect();
        self.connection()?.read_ahead(text, &keys_and(&keys, more)).await
    }

    pub(crate) async fn execute(
        &mut self,
        text: &str,
        params: &[Param<'_>],
    ) -> Result<u64, SqlError> {
        self.connection()?.execute(text, &as_sql(params)).await
    }

    /// Writes rows, each a value for each column.
    pub(crate) async fn write(
        &mut self,
        write: &Write,
        rows: Vec<Vec<Param<'_>>>,
    ) -> Result<u64, SqlError> {
        let rows = last_of_each_key(write, rows);
        let mut changed = 0;
        for chunk in rows.chunks(ROWS) {
            let columns = columns(write, chunk)?;
            let params: Vec<&(dyn ToSql + Sync)> =
                columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
            changed += self.connection()?.execute(write.postgres(), &params).await?;
        }
        Ok(changed)
    }

    /// Adds rows whose first column is a UUID; says of each whether it was added.
    pub(crate) async fn add(
        &mut self,
        write: &Write,
        rows: Vec<Vec<Param<'_>>>,
    ) -> Result<Vec<bool>, SqlError> {
        let mut added = HashSet::new();
        for chunk in rows.chunks(ROWS) {
            let columns = columns(write, chunk)?;
            let params: Vec<&(dyn ToSql + Sync)> =
                columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
            let connection = self.connection()?;
            connection.forget_reads();
            for row in connection.rows(write.postgres(), &params).await? {
                added.insert(Row::postgres(&row).uuid(0)?);
            }
        }
        let is_added = |row: &Vec<Param<'_>>| match row.first() {
            Some(Param::Uuid(id)) => added.remove(id),
            _ => false,
        };
        Ok(rows.iter().map(is_added).collect())
    }

    /// The same as [`PostgresTx::write`] without waiting for the answer: a fault shows in what comes next,
    /// at the latest in the commit.
    pub(crate) async fn write_later(
        &mut self,
        write: &Write,
        rows: Vec<Vec<Param<'_>>>,
    ) -> Result<(), SqlError> {
        let rows = last_of_each_key(write, rows);
        for chunk in rows.chunks(ROWS) {
            let columns = columns(write, chunk)?;
            self.connection()?.write_later(write.postgres(), &columns).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        let connection = self.connection()?;
        // Nobody has asked for these.
        connection.forget_reads();
        // Where one of the writes before it fails, the server rolls back.
        connection.push_batch("commit");
        connection.settle().await?;
        if let Some((connection, _permit)) = self.held.take() {
            self.pool.places(self.writes).keep(connection);
        }
        Ok(())
    }
}

/// Rows by column, as a write takes them.
fn columns<'a>(write: &Write, rows: &[Vec<Param<'a>>]) -> Result<Vec<Array<'a>>, SqlError> {
    let column = |at: usize| {
        let values: Option<Vec<Param<'a>>> = rows.iter().map(|row| row.get(at).copied()).collect();
        let short = || SqlError::internal("a row has fewer values than columns");
        values.map(Array).ok_or_else(short)
    };
    (0..write.n_columns()).map(column).collect()
}

/// One statement changes a row once: of rows with the same key, the last counts, as it would if
/// each were written after the other.
fn last_of_each_key<'a>(write: &Write, mut rows: Vec<Vec<Param<'a>>>) -> Vec<Vec<Param<'a>>> {
    if rows.len() < 2 || matches!(write.verb(), Verb::Insert | Verb::Add | Verb::Delete) {
        return rows;
    }
    let mut seen = HashSet::new();
    rows.reverse();
    rows.retain(|row| {
        let key: Vec<Param<'a>> = row.iter().take(write.n_keys()).copied().collect();
        seen.insert(key)
    });
    rows.reverse();
    rows
}

impl Drop for PostgresTx {
    fn drop(&mut self) {
        let Some((mut connection, permit)) = self.held.take() else { return }; // Committed.
        connection.give_up();
        let (pool, writes) = (Arc::clone(&self.pool), self.writes);
        self.pool.io.spawn(async move {
            let rollback = connection.client.batch_execute("rollback");
            if matches!(timeout(ROLLBACK, rollback).await, Ok(Ok(()))) {
                pool.places(writes).keep(connection);
            } else {
                connection.driver.abort();
            }
            drop(permit);
        });
    }
}

type Put = Result<IsNull, Box<dyn StdError + Sync + Send>>;

/// Microseconds between 1970, where ours begin, and 2000, where PostgreSQL's do.
const EPOCH: i64 = 946_684_800_000_000;

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Put {
        match (*self, kind) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT8) => out.put_i64(value),
            (Self::Int(value), &Type::INT4) => out.put_i32(value.try_into()?),
            (Self::Int(value), &Type::INT2) => out.put_i16(value.try_into()?),
            (Self::Bool(value), &Type::BOOL) => out.put_u8(value.into()),
            (Self::Text(value), &Type::TEXT) => put_text(value, out),
            (Self::Json(value), &Type::JSONB) => {
                out.put_u8(1);
                put_json(value, out);
            }
            (Self::Bytes(value), &Type::BYTEA) => out.put_slice(value),
            (Self::Uuid(value), &Type::UUID) => out.put_slice(value.as_bytes()),
            (Self::Time(value), &Type::TIMESTAMPTZ) => {
                out.put_i64(value.as_micros().checked_sub(EPOCH).ok_or("a time out of range")?);
            }
            (value, kind) => return Err(format!("{value:?} is given for {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true // Which value fits which type is checked with the value.
    }

    to_sql_checked!();
}

/// PostgreSQL has no NUL in text: U+FFFD takes its place, as it does in HTML.
fn put_text(text: &str, out: &mut BytesMut) {
    for (i, part) in text.split('\0').enumerate() {
        if i > 0 {
            out.put_slice("\u{fffd}".as_bytes());
        }
        out.put_slice(part.as_bytes());
    }
}

/// The same in a JSON document, where a NUL is always escaped.
fn put_json(json: &str, out: &mut BytesMut) {
    let mut before: Option<&str> = None;
    for part in json.split("\\u0000") {
        if let Some(before) = before {
            let backslashes = before.len() - before.trim_end_matches('\\').len();
            // After an odd number of them, the next one is itself escaped.
            let is_escape = backslashes.is_multiple_of(2);
            out.put_slice(if is_escape { b"\\ufffd" } else { b"\\u0000" });
        }
        out.put_slice(part.as_bytes());
        before = Some(part);
    }
}

/// The values of a column, or keys, in one parameter.
#[derive(Debug)]
struct Array<'a>(Vec<Param<'a>>);

impl ToSql for Array<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Put {
        let Kind::Array(member) = kind.kind() else {
            return Err(format!("an array is given for {kind}").into());
        };
        out.put_i32(1); // dimensions
        out.put_i32(self.0.contains(&Param::Null).into());
        out.put_u32(member.oid());
        out.put_i32(self.0.len().try_into()?);
        out.put_i32(1); // number of the first
        for value in &self.0 {
            let at = out.len();
            out.put_i32(-1);
            if let IsNull::No = value.to_sql(member, out)? {
                let length = i32::try_from(out.len() - at - 4)?;
                if let Some(place) = out.get_mut(at..at + 4) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(kind.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}

/// A value that was put into bytes before; `None` for null.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Encoded(Option<Bytes>);

impl Encoded {
    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Bytes::len)
    }
}

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Put {
        let Some(value) = &self.0 else { return Ok(IsNull::Yes) };
        out.put_slice(value);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value as the server sent it.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A column of a row: its type and its bytes, or null.
fn column(row: &tokio_postgres::Row, column: usize) -> Result<(&Type, Option<&[u8]>), SqlError> {
    let missing = || SqlError::internal(format!("there is no column {column}"));
    let kind = row.columns().get(column).ok_or_else(missing)?.type_();
    let raw: Option<Raw<'_>> = row.try_get(column)?;
    Ok((kind, raw.map(|raw| raw.0)))
}

pub(crate) fn int(row: &tokio_postgres::Row, at: usize) -> Result<Option<i64>, SqlError> {
    let (kind, bytes) = column(row, at)?;
    let Some(bytes) = bytes else { return Ok(None) };
    let value = match *kind {
        Type::INT8 => bytes.try_into().ok().map(i64::from_be_bytes),
        Type::INT4 => bytes.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into()),
        Type::INT2 => bytes.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into()),
        _ => None,
    };
    value.map(Some).ok_or_else(|| Row::wrong(at, "a number"))
}

pub(crate) fn bool(row: &tokio_postgres::Row, at: usize) -> Result<Option<bool>, SqlError> {
    match column(row, at)? {
        (_, None) => Ok(None),
        (&Type::BOOL, Some([value])) => Ok(Some(*value != 0)),
        _ => Err(Row::wrong(at, "yes or no")),
    }
}

pub(crate) fn text(row: &tokio_postgres::Row, at: usize) -> Result<Option<&str>, SqlError> {
    let bytes = match column(row, at)? {
        (_, None) => return Ok(None),
        (&Type::TEXT, Some(bytes)) | (&Type::JSONB, Some([1, bytes @ ..])) => bytes,
        _ => return Err(Row::wrong(at, "text")),
    };
    std::str::from_utf8(bytes).map(Some).map_err(|_| Row::wrong(at, "valid UTF-8"))
}

pub(crate) fn bytes(row: &tokio_postgres::Row, at: usize) -> Result<Option<&[u8]>, SqlError> {
    match column(row, at)? {
        (_, None) => Ok(None),
        (&Type::BYTEA, bytes) => Ok(bytes),
        _ => Err(Row::wrong(at, "bytes")),
    }
}

pub(crate) fn uuid(row: &tokio_postgres::Row, at: usize) -> Result<Option<&[u8]>, SqlError> {
    match column(row, at)? {
        (_, None) => Ok(None),
        (&Type::UUID, bytes) => Ok(bytes),
        _ => Err(Row::wrong(at, "a UUID")),
    }
}

/// Microseconds since 1970.
pub(crate) fn micros(row: &tokio_postgres::Row, at: usize) -> Result<Option<i64>, SqlError> {
    let value = match column(row, at)? {
        (_, None) => return Ok(None),
        (&Type::TIMESTAMPTZ, Some(bytes)) => bytes.try_into().ok().map(i64::from_be_bytes),
        _ => None,
    };
    let micros = value.and_then(|value| value.checked_add(EPOCH));
    micros.map(Some).ok_or_else(|| Row::wrong(at, "a time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(put: fn(&str, &mut BytesMut), text: &str) -> String {
        let mut out = BytesMut::new();
        put(text, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn a_nul_becomes_the_replacement_character() {
        assert_eq!(put(put_text, "plain"), "plain");
        assert_eq!(put(put_text, "\0a\0\0b"), "\u{fffd}a\u{fffd}\u{fffd}b");
        for text in ["", "plain", "a\0b", "\0\0", "\\\0", "\\u0000", "\\\\u0000\0", "\"\0\""] {
            let json = put(put_json, &serde_json::to_string(text).unwrap());
            let read: String = serde_json::from_str(&json).unwrap();
            assert_eq!(read, text.replace('\0', "\u{fffd}"), "{text:?}");
        }
    }
}
