//! One PostgreSQL server for each process of tests: its files in a temporary directory, its socket
//! among them, so that it takes no port and nobody else finds it. It ends with the process, however
//! that ends.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow, bail};

/// Where Debian keeps the programs of its versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Makes a cluster, starts its server and waits until its standard input ends, which it does when
/// the process at the other end of the pipe is gone; then nothing is left. Durability is off: what a
/// test's server loses with its machine is a test.
const GUARD: &str = r#"
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/stoa-postgres.XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$BIN/initdb" -D "$dir/data" -U stoa -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
    >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
"$BIN/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c port=5432 \
    -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off -c deadlock_timeout=200ms \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off >>"$dir/log" 2>&1 </dev/null &
server=$!
until "$BIN/pg_isready" -q -h "$dir" -p 5432; do
    kill -0 $server 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
echo "$dir"
cat >/dev/null
kill -QUIT $server
wait $server || true
"#;

/// The server of this process, and the pipe that keeps it.
struct Cluster {
    bin: PathBuf,
    socket: PathBuf,
    _guard: Child,
    _alive: ChildStdin,
}

/// Makes an empty database and gives its address.
pub(crate) fn new_database() -> anyhow::Result<String> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    let cluster = cluster.as_ref().map_err(|error| anyhow!("PostgreSQL for tests: {error}"))?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(cluster.bin.join("createdb"))
        .args(["-U", "stoa", "-p", "5432", "-h"])
        .arg(&cluster.socket)
        .arg(&name)
        .output()?;
    if !made.status.success() {
        bail!("createdb: {}", String::from_utf8_lossy(&made.stderr));
    }
    let socket = cluster.socket.to_string_lossy().replace('/', "%2F");
    Ok(format!("postgres://stoa@{socket}:5432/{name}"))
}

fn start() -> anyhow::Result<Cluster> {
    let bin = programs()?;
    let mut command = Command::new("sh");
    if is_root()? {
        // The server refuses to run as root; Debian's package makes a user for it.
        command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
    }
    // A group of its own, so that Ctrl-C ends the tests and the end of the tests ends the server.
    let mut guard = command
        .args(["-c", GUARD])
        .env("BIN", &bin)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the server's guard")?;
    let alive = guard.stdin.take().context("the guard's pipe")?;
    let mut socket = String::new();
    let stdout = guard.stdout.take().context("the guard's answer")?;
    BufReader::new(stdout).read_line(&mut socket)?;
    let socket = socket.trim_end();
    if socket.is_empty() {
        bail!("the server has not started; above is what it said");
    }
    Ok(Cluster { bin, socket: PathBuf::from(socket), _guard: guard, _alive: alive })
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
