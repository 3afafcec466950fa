//! The program on a directory of its own.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stoa_test_stores::{Store, psql};
use tempfile::TempDir;

use crate::http::Request;

/// How long the program may take to start, stop, or get something done, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory, served or not.
#[derive(Debug)]
pub struct Shop {
    directory: TempDir,
    store: Store,
    settings: Vec<(String, String)>,
    child: Mutex<Option<Child>>,
    address: RwLock<Option<SocketAddr>>,
    calls: Mutex<BTreeSet<(String, String)>>,
}

impl Shop {
    /// An empty directory that is not served yet.
    pub fn closed() -> Self {
        let store = if crate::ON_POSTGRES { Store::postgres() } else { Store::embedded() };
        Self::on(store.unwrap())
    }

    /// The same on a store that others may use as well.
    pub fn on(store: Store) -> Self {
        let settings = match &store {
            Store::Embedded(_) => Vec::new(),
            Store::Postgres(url) => vec![("STOA_DATABASE__URL".to_owned(), url.clone())],
        };
        Self {
            directory: tempfile::tempdir().unwrap(),
            store,
            settings,
            child: Mutex::new(None),
            address: RwLock::new(None),
            calls: Mutex::new(BTreeSet::new()),
        }
    }

    /// The same store, for another directory.
    pub fn store_again(&self) -> Store {
        match &self.store {
            Store::Embedded(_) => panic!("an embedded store has one directory"),
            Store::Postgres(url) => Store::Postgres(url.clone()),
        }
    }

    /// The same with an environment variable.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with products in it.
    #[track_caller]
    pub fn stocked(self, products: &[Value]) -> Self {
        self.import(products);
        self
    }

    /// The same, served.
    #[track_caller]
    pub fn open(self) -> Self {
        self.serve();
        self
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A path beside the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of JSON lines beside the data directory.
    pub fn write_lines(&self, name: &str, lines: &[Value]) -> PathBuf {
        let path = self.file(name);
        let mut file = File::create(&path).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        path
    }

    /// The program with arguments, on this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.args(arguments).arg("--data").arg(self.data());
        // What the developer has set for a shop of their own must not reach the tests.
        command.env_clear().env("STOA_LOG__LEVEL", "warn");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs the program, which must succeed; gives what it printed.
    #[track_caller]
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", shown(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn import(&self, products: &[Value]) {
        let path = self.write_lines("import.jsonl", products);
        self.succeed(&["import", "products", path.to_str().unwrap(), "--strict"]);
    }

    /// A token for the admin API.
    #[track_caller]
    pub fn token(&self, scope: &str) -> String {
        let printed = self.succeed(&["token", "create", "--scope", scope]);
        printed.lines().last().unwrap().to_owned()
    }

    /// Starts serving on a free port.
    #[track_caller]
    pub fn serve(&self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let Some((_, address)) = first.split_once(" at http://") else {
            let _killed = child.kill();
            panic!("serve printed {first:?}; its log: {}", self.logged());
        };
        *self.address.write().unwrap() = Some(address.parse().unwrap());
        *self.child.lock().unwrap() = Some(child);
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
    }

    fn log(&self) -> PathBuf {
        self.file("serve.log")
    }

    /// What the serving process wrote to its log.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Asks the serving process to stop and waits until it has.
    #[track_caller]
    pub fn stop(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(child) = &*self.child.lock().unwrap() {
            kill_process(Pid::from_child(child), signal).unwrap();
        }
    }

    /// Waits until the serving process has ended.
    #[track_caller]
    pub fn wait(&self) -> ExitStatus {
        let mut child = self.child.lock().unwrap().take().expect("it is served");
        let mut status = None;
        eventually("the process ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Whether the serving process lives.
    pub fn lives(&self) -> bool {
        let mut child = self.child.lock().unwrap();
        child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Kills the serving process as a power cut would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address.read().unwrap().expect("it was served")
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        let without_query = path.split('?').next().unwrap_or(path);
        let call = (method.to_owned(), without_query.to_owned());
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(call);
        Request::new(self.address(), method, path)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    pub fn patch(&self, path: &str) -> Request {
        self.request("PATCH", path)
    }

    pub fn put(&self, path: &str) -> Request {
        self.request("PUT", path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// Methods and paths asked for so far.
    pub fn calls(&self) -> BTreeSet<(String, String)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The doctor finds nothing.
    #[track_caller]
    pub fn assert_sound(&self) {
        let output = self.run(&["doctor"]);
        assert!(output.status.success(), "{}", shown(&output));
    }

    /// States of all payments in the test provider's book, each payment once.
    pub fn booked(&self) -> Vec<String> {
        let book = std::fs::read_to_string(self.data().join("test-payments.log")).unwrap();
        let mut last = std::collections::BTreeMap::new();
        for line in book.lines() {
            let mut words = line.split(' ');
            let (id, state) = (words.next().unwrap(), words.next().unwrap());
            last.insert(id.to_owned(), state.to_owned());
        }
        last.into_values().collect()
    }

    /// The embedded database.
    pub fn database(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.data().join("stoa.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    /// Whether it runs on the embedded store.
    pub fn is_embedded(&self) -> bool {
        matches!(self.store, Store::Embedded(_))
    }

    /// Runs a statement on the database, said for each store; for what takes days otherwise.
    pub fn change(&self, sqlite: &str, postgres: &str) {
        match &self.store {
            Store::Embedded(_) => self.database().execute_batch(sqlite).unwrap(),
            Store::Postgres(url) => drop(psql(url, postgres).unwrap()),
        }
    }

    /// A number that a query of the database gives.
    pub fn count(&self, sql: &str) -> i64 {
        match &self.store {
            Store::Embedded(_) => self.database().query_row(sql, [], |row| row.get(0)).unwrap(),
            Store::Postgres(url) => psql(url, sql).unwrap().trim().parse().unwrap(),
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of the shop:\n{}", self.logged());
        }
        self.kill();
    }
}

/// What a program printed and how it ended.
pub fn shown(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits until something holds; fails when it takes too long.
#[track_caller]
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    within(PATIENCE, what, holds);
}

/// Waits until something holds; fails when it does not within this time.
#[track_caller]
pub fn within(time: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + time;
    while !holds() {
        assert!(Instant::now() < until, "not within {time:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The text of a path.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
