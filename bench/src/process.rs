//! Child processes, and what the kernel says of a process.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal};

use crate::load::Target;

/// How long a server may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets this process and its children hold as many open sockets as the system allows; a
/// thousand buyers do not fit into the usual limit.
pub(crate) fn raise_open_file_limit() -> Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, raised).context("raising the open file limit")
}

/// User and system time that a process has used.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = cpu_ticks(&text).ok_or_else(|| anyhow!("{path} has no CPU times"))?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// User and system time that a process and those it started have used, as far as these run.
pub(crate) fn cpu_time_with_children(pid: u32) -> Result<Duration> {
    let mut sum = cpu_time(pid)?;
    for entry in std::fs::read_dir("/proc").context("reading /proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // What ends meanwhile is left out.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{child}/stat")) else { continue };
        if parent(&stat) == Some(pid) {
            sum += cpu_time(child).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// The parent in a `stat` line.
fn parent(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// `utime + stime` of a `stat` line, whose second field may hold blanks and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All resident pages.
    pub(crate) resident: u64,
    /// Resident pages that no file backs; the others can be dropped at any time.
    pub(crate) anonymous: u64,
}

/// The memory of a process now.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let bytes = |name| kib_field(&text, name).ok_or_else(|| anyhow!("{path} has no {name}"));
    Ok(Memory { resident: bytes("VmRSS:")?, anonymous: bytes("RssAnon:")? })
}

fn kib_field(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1_024)
}

/// A server that this program started; it ends with the value.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to its first answer.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts a command with `--listen` and a free port, its output going to a file, and waits
    /// until `ready` is answered 200.
    pub(crate) fn start(mut command: Command, log: &Path, ready: &str) -> Result<Self> {
        let address = free_address()?;
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .args(["--listen", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        let mut request = Vec::new();
        crate::http::write_get(&mut request, ready, &[]);
        let answers = || {
            crate::http::Client::new(address)
                .send(&request)
                .is_ok_and(|answer| answer.status == 200)
        };
        while !answers() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended ({status}) before it was ready; see {}", log.display());
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server was not ready after {PATIENCE:?}; see {}", log.display());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    /// What the load generator needs to know of it.
    pub(crate) fn target(&self) -> Target {
        Target { address: self.address, pid: self.pid() }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end (SIGTERM) and waits until it has; anything but success is an error.
    pub(crate) fn stop(mut self) -> Result<()> {
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM)
            .context("asking the server to end")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("the server ended with {status}");
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server did not end within {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has already ended after `stop`; then both calls only say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine on which nobody listens.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr()?)
}

/// Starts this program as the bare server.
pub(crate) fn start_static(size: usize, log: &Path) -> Result<Server> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command.args(["serve-static", "--size", &size.to_string()]);
    Server::start(command, log, "/")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{cpu_ticks, cpu_time, kib_field, memory, parent};

    #[test]
    fn times_are_read_after_the_name_of_the_program() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0 1";
        assert_eq!(cpu_ticks(stat), Some(281));
        assert_eq!(cpu_ticks("42 (a) S 1 2"), None);
        assert_eq!(cpu_ticks(""), None);
        assert_eq!(parent(stat), Some(1));
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t    123 kB\nRssAnon:\t     1 kB\n";
        assert_eq!(kib_field(status, "VmRSS:"), Some(123 * 1_024));
        assert_eq!(kib_field(status, "RssFile:"), None);
    }

    #[test]
    fn the_kernel_tells_of_this_process() {
        let pid = std::process::id();
        let memory = memory(pid).unwrap();
        assert!(memory.resident > 100_000 && memory.anonymous <= memory.resident);
        let before = cpu_time(pid).unwrap();
        let begun = Instant::now();
        while cpu_time(pid).unwrap() == before {
            assert!(begun.elapsed() < Duration::from_secs(30), "no CPU time is counted");
        }
    }
}
