//! The real binary on a data directory of its own.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::TempDir;

use crate::http::Client;
use crate::load::Target;
use crate::process::Server;

/// Where the test provider keeps what it did, in a data directory.
const BOOK: &str = "test-payments.log";
/// How long a new process may take to index the catalogue.
const INDEXING: Duration = Duration::from_secs(120);

/// A shop with a catalogue, serving or not.
pub(crate) struct Shop {
    binary: PathBuf,
    data: TempDir,
    /// The address of its database on PostgreSQL; `None` for the embedded store.
    database: Option<String>,
    log: PathBuf,
    server: Option<Server>,
    /// How long the import took.
    pub(crate) import_took: Duration,
}

impl Shop {
    /// Imports the products of a file into a new data directory below `work`, or into a database.
    pub(crate) fn import(
        binary: PathBuf,
        work: &Path,
        products: &Path,
        database: Option<&str>,
    ) -> Result<Self> {
        if !products.is_file() {
            bail!("there is no {}; --data names its directory", products.display());
        }
        if !binary.is_file() {
            bail!("there is no {}; --stoa names the shop's binary", binary.display());
        }
        let mut shop = Self {
            binary,
            data: TempDir::with_prefix_in("shop-", work)
                .with_context(|| format!("making a data directory in {}", work.display()))?,
            database: database.map(str::to_owned),
            log: work.join("stoa.log"),
            server: None,
            import_took: Duration::ZERO,
        };
        let begun = Instant::now();
        let products =
            products.to_str().ok_or_else(|| anyhow!("the path of the products is not UTF-8"))?;
        shop.command(&["import", "icecat", products])?;
        shop.import_took = begun.elapsed();
        Ok(shop)
    }

    /// Another process for the same shop, with a data directory of its own, not serving yet.
    pub(crate) fn beside(&self) -> Result<Self> {
        let work = self.log.parent().context("the log is in no directory")?;
        let data = TempDir::with_prefix_in("shop-", work)
            .with_context(|| format!("making a data directory in {}", work.display()))?;
        // The test provider is one outside the shop, whichever process asks it.
        std::os::unix::fs::symlink(self.data.path().join(BOOK), data.path().join(BOOK))
            .context("sharing the test provider's book")?;
        Ok(Self {
            binary: self.binary.clone(),
            data,
            database: self.database.clone(),
            log: self.log.clone(),
            server: None,
            import_took: Duration::ZERO,
        })
    }

    /// Starts to serve and waits until it is ready.
    pub(crate) fn start(&mut self) -> Result<()> {
        let command = self.program(&["serve"]);
        self.server = Some(Server::start(command, &self.log, "/health/ready")?);
        Ok(())
    }

    /// Starts beside another process of the same shop and waits until search finds here what it finds there:
    /// a new process reads the catalogue for its index, which would be measured instead.
    pub(crate) fn join(&mut self, other: &Self) -> Result<()> {
        self.start()?;
        let (begun, all) = (Instant::now(), other.products_found()?);
        while self.products_found()? < all {
            if begun.elapsed() > INDEXING {
                bail!("the search index is not there after {INDEXING:?}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Products that search finds.
    fn products_found(&self) -> Result<u64> {
        let mut client = Client::new(self.address()?);
        let name = "stoa_search_indexed_products ";
        let value = client.metrics()?.lines().find_map(|line| line.strip_prefix(name));
        value.with_context(|| format!("no {name}"))?.parse().with_context(|| name.to_owned())
    }

    /// Ends the server, when there is one, as an operator would.
    pub(crate) fn stop(&mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.stop(),
            None => Ok(()),
        }
    }

    fn server(&self) -> Result<&Server> {
        self.server.as_ref().ok_or_else(|| anyhow!("the shop does not serve"))
    }

    /// What the load generator needs to know of it.
    pub(crate) fn target(&self) -> Result<Target> {
        Ok(self.server()?.target())
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.server()?.address)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self.server()?.pid())
    }

    /// How long the running server took from its start to ready.
    pub(crate) fn ready_after(&self) -> Result<Duration> {
        Ok(self.server()?.ready_after)
    }

    /// The size of its binary in bytes.
    pub(crate) fn binary_bytes(&self) -> Result<u64> {
        Ok(std::fs::metadata(&self.binary)?.len())
    }

    /// The value of an `Authorization` header with every right.
    pub(crate) fn authorization(&self) -> Result<String> {
        let output = self.command(&["token", "create", "--scope", "admin"])?;
        let text = String::from_utf8(output.stdout).context("the output of `stoa token`")?;
        let token = text
            .lines()
            .next_back()
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| anyhow!("`stoa token create` printed no token"))?;
        Ok(format!("Bearer {token}"))
    }

    /// Lets the shop check itself; an error holds what it found.
    pub(crate) fn doctor(&self) -> Result<()> {
        self.command(&["doctor"]).map(|_| ())
    }

    /// Starts a process that reads the event log from now on, and keeps its place under a name.
    pub(crate) fn reader(&self, name: &str) -> Result<Reader> {
        // So that the place is there before anything happens.
        self.command(&["events", "tail", "--as", name])?;
        let mut child = Command::new(&self.binary)
            .args(["events", "tail", "--json", "--follow", "--as", name, "--data"])
            .arg(self.data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a reader")?;
        let mut out = child.stdout.take().context("a reader's output")?;
        let lines = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lines);
        std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(n @ 1..) = out.read(&mut buffer) {
                let read = buffer.get(..n).unwrap_or_default();
                let n = read.iter().filter(|byte| **byte == b'\n').count();
                counted.fetch_add(u64::try_from(n).unwrap_or(0), Ordering::Relaxed);
            }
        });
        Ok(Reader { child, lines })
    }

    /// Starts a process that writes the events of some types from now on into a file, and keeps its
    /// place under a name.
    pub(crate) fn reader_into(&self, name: &str, kind: &str, file: &Path) -> Result<Reader> {
        self.command(&["events", "tail", "--as", name])?;
        let arguments = ["events", "tail", "--json", "--follow", "--as", name, "--type", kind];
        let file = File::create(file).context("a reader's file")?;
        let child = self.program(&arguments).stdin(Stdio::null()).stdout(file).spawn();
        Ok(Reader { child: child.context("starting a reader")?, lines: Arc::default() })
    }

    /// The whole log of some types, an event a line.
    pub(crate) fn events(&self, kind: &str) -> Result<String> {
        let log = self.command(&["events", "tail", "--json", "--from", "0", "--type", kind])?;
        String::from_utf8(log.stdout).context("the event log")
    }

    /// Runs a command on the data directory; anything but success is an error.
    fn command(&self, arguments: &[&str]) -> Result<Output> {
        let shown = format!("stoa {}", arguments.join(" "));
        let output = self.program(arguments).output().with_context(|| shown.clone())?;
        if !output.status.success() {
            let told = [&output.stdout, &output.stderr].map(|text| last_lines(text));
            bail!("`{shown}` ended with {}: {}", output.status, told.concat());
        }
        Ok(output)
    }

    /// A command on the data directory and the database.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data").arg(self.data.path());
        // Receivers of webhooks are on this machine.
        command.env("STOA_WEBHOOKS__ALLOW_PRIVATE", "true");
        if let Some(address) = &self.database {
            command.env("STOA_DATABASE__URL", address);
        }
        command
    }
}

/// A process that reads the event log; it ends with the value.
pub(crate) struct Reader {
    child: Child,
    lines: Arc<AtomicU64>,
}

impl Reader {
    /// Events it was told of.
    pub(crate) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended; then both calls only say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Enough of a program's output to see what was wrong.
fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(10);
    lines.get(from..).unwrap_or_default().join("\n")
}
