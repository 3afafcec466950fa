//! PostgreSQL servers for tests, one for each process of tests and more where a test wants its own:
//! the files in a temporary directory, the socket among them, so that a server takes no port and
//! nobody else finds it. It ends with the process, however that ends.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow, bail};

use crate::guard::Guard;

/// Where Debian keeps the programs of its versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Makes a cluster, starts its server, and kills and starts it when told to, until its standard
/// input ends; then nothing is left.
const SCRIPT: &str = r#"
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/stoa-postgres.XXXXXX")
trap 'rm -rf "$dir"' EXIT
if [ -n "$PRIMARY" ]; then
    "$BIN/pg_basebackup" -D "$dir/data" -R -X stream -c fast --no-sync -U stoa -p 5432 \
        -h "$PRIMARY" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
else
    "$BIN/initdb" -D "$dir/data" -U stoa -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
fi
# A root, and a certificate for localhost that it vouches for.
if [ -n "$TLS_PORT" ]; then
    (
        cd "$dir"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj "/CN=Test root" -keyout root.key -out root.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj "/CN=localhost" -keyout data/server.key -out server.csr
        printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' >extensions
        openssl x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2 \
            -extfile extensions -out data/server.crt
        chmod 600 data/server.key
    ) >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
    tls=on listen=localhost port=$TLS_PORT
else
    tls=off listen= port=5432
fi
start() {
    "$BIN/postgres" -D "$dir/data" -k "$dir" -c ssl=$tls -c listen_addresses=$listen -c port=$port \
        $SETTINGS >>"$dir/log" 2>&1 </dev/null &
    server=$!
    until "$BIN/pg_isready" -q -h "$dir" -p "$port"; do
        kill -0 $server 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
        sleep 0.05
    done
    echo "$dir"
}
stop() {
    kill -QUIT $server 2>/dev/null || true
    wait $server || true
}
start
while read -r word; do
    case $word in
        kill) stop; echo gone ;;
        start) start ;;
    esac
done
stop
"#;

/// Settings that let many tests share one small machine. Nobody waits for a disk.
const FOR_TESTS: &str = "-c max_connections=400 -c shared_buffers=64MB -c autovacuum=off \
    -c deadlock_timeout=200ms -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
/// The same, with the durability that PostgreSQL has by default.
const DURABLE: &str = "-c max_connections=400 -c shared_buffers=64MB -c autovacuum=off \
    -c deadlock_timeout=200ms";
/// PostgreSQL's defaults, except for the cache, which every guide raises first.
const DEFAULTS: &str = "-c shared_buffers=512MB";

/// What is special about a server.
#[derive(Debug)]
struct Setup<'a> {
    settings: &'a str,
    /// Where its directory is made; `None` for the one for temporary files.
    folder: Option<&'a Path>,
    /// The folder with the socket of the server that it replicates.
    primary: Option<PathBuf>,
    tls_port: Option<u16>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { settings: FOR_TESTS, folder: None, primary: None, tls_port: None }
    }
}

/// A server of its own, which ends with this value, or with the process.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    socket: PathBuf,
    port: u16,
    n_databases: AtomicU32,
    guard: Guard,
}

/// Makes an empty database on the server that all tests of this process share, and gives its
/// address.
pub(crate) fn new_database() -> anyhow::Result<String> {
    static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
    // What the server loses when the machine stops is a test.
    let shared =
        SHARED.get_or_init(|| Server::new(&Setup::default()).map_err(|error| format!("{error:#}")));
    shared.as_ref().map_err(|error| anyhow!("PostgreSQL for tests: {error}"))?.new_database()
}

impl Server {
    /// Starts a server that keeps what it has committed whatever happens to it.
    ///
    /// # Errors
    /// PostgreSQL is not installed or does not start.
    pub fn durable() -> anyhow::Result<Self> {
        Self::new(&Setup { settings: DURABLE, ..Setup::default() })
    }

    /// Starts a server with PostgreSQL's own settings and a cache of 512 MB, whose files are in
    /// `/var/tmp`, which is on a disk where `/tmp` may be memory: one to be measured.
    ///
    /// # Errors
    /// PostgreSQL is not installed or does not start.
    pub fn with_defaults() -> anyhow::Result<Self> {
        let folder = Some(Path::new("/var/tmp"));
        Self::new(&Setup { settings: DEFAULTS, folder, ..Setup::default() })
    }

    /// Starts a replica that follows this server by streaming.
    ///
    /// # Errors
    /// This server is not running, or the other does not start.
    pub fn replica(&self) -> anyhow::Result<Self> {
        Self::new(&Setup { primary: Some(self.socket.clone()), ..Setup::default() })
    }

    /// Starts a server that `localhost` reaches by TLS, on a free port.
    ///
    /// # Errors
    /// PostgreSQL or openssl is not installed, or does not start.
    pub fn with_tls() -> anyhow::Result<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::new(&Setup { tls_port: Some(free), ..Setup::default() })
    }

    fn new(setup: &Setup<'_>) -> anyhow::Result<Self> {
        let port = setup.tls_port.unwrap_or(5432);
        let bin = programs()?;
        let mut command = Command::new("sh");
        if is_root()? {
            // The server refuses to run as root; Debian's package makes a user for it.
            command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        }
        command
            .env("BIN", &bin)
            .env("SETTINGS", setup.settings)
            .env("PRIMARY", setup.primary.as_deref().unwrap_or(Path::new("")))
            .env("TLS_PORT", setup.tls_port.map(|port| port.to_string()).unwrap_or_default())
            .current_dir("/");
        if let Some(folder) = setup.folder {
            command.env("TMPDIR", folder);
        }
        let (guard, socket) = Guard::start(&mut command, SCRIPT)?;
        let n_databases = AtomicU32::new(0);
        Ok(Self { bin, socket: socket.into(), port, n_databases, guard })
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// The server is not running.
    pub fn new_database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.n_databases.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(self.bin.join("createdb"))
            .args(["-U", "stoa", "-p"])
            .arg(self.port.to_string())
            .arg("-h")
            .arg(&self.socket)
            .arg(&name)
            .output()?;
        if !made.status.success() {
            bail!("createdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(self.address(&name))
    }

    /// The address of a database on this server, by its socket.
    pub fn address(&self, database: &str) -> String {
        let socket = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgres://stoa@{socket}:{}/{database}", self.port)
    }

    /// The address of a database on a server with TLS, by name or number of the host.
    pub fn tls_address(&self, host: &str, database: &str, mode: &str) -> String {
        format!("postgres://stoa@{host}:{}/{database}?sslmode={mode}", self.port)
    }

    /// The certificate that vouches for that server's.
    pub fn root_certificate(&self) -> PathBuf {
        self.socket.join("root.crt")
    }

    /// The server's main process, the parent of those that serve connections.
    ///
    /// # Errors
    /// The server is not running.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let path = self.socket.join("data").join("postmaster.pid");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let first = text.lines().next().context("an empty postmaster.pid")?;
        Ok(first.trim().parse()?)
    }

    /// Ends the server at once, as a crash would (`pg_ctl stop -m immediate`).
    ///
    /// # Errors
    /// The server's guard is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.guard.tell("kill")
    }

    /// Starts the server again after [`Server::kill`], and waits until it has recovered.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.guard.tell("start")
    }
}

/// Runs SQL on the database at an address; gives what it prints, a line for each row.
///
/// # Errors
/// The server is away, or the SQL is wrong.
pub fn psql(url: &str, sql: &str) -> anyhow::Result<String> {
    let mut command = Command::new(programs()?.join("psql"));
    let ran = command.args(["-X", "-q", "-A", "-t", "-d", url, "-c", sql]).output()?;
    if !ran.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(String::from_utf8(ran.stdout)?)
}

/// The folder with the server's programs: on the path, or the newest of Debian's.
fn programs() -> anyhow::Result<PathBuf> {
    let holds =
        |folder: &Path| folder.join("initdb").is_file() && folder.join("createdb").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| holds(folder)) {
        return Ok(folder);
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| holds(folder))
        .collect();
    versions.sort();
    let (_, newest) = versions.pop().context("there is no initdb; install postgresql")?;
    Ok(newest)
}

fn is_root() -> anyhow::Result<bool> {
    // The owner of our own entry in /proc is who we are.
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}
