//! A RabbitMQ server of our own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where Debian keeps the server's programs.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server with its own folder and ports. What it has on disk outlives [`Broker::kill`].
pub struct Broker {
    folder: TempDir,
    port: u16,
    dist: u16,
    child: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Broker {
    /// Starts one.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut broker = Self { folder, port: free_port(), dist: free_port(), child: None };
        broker.start_again();
        broker
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Starts it on what it has on disk.
    pub fn start_again(&mut self) {
        assert!(
            Path::new(PROGRAMS).is_dir(),
            "the tests need rabbitmq-server; run: cargo xtask test packages"
        );
        let home = self.path("home");
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(format!("{PROGRAMS}/rabbitmq-server"));
        command
            .env("HOME", &home)
            .env("RABBITMQ_NODENAME", format!("stoa{}@localhost", self.port))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.dist.to_string())
            .env("RABBITMQ_MNESIA_BASE", self.path("mnesia"))
            .env("RABBITMQ_LOG_BASE", self.path("logs"))
            .env("RABBITMQ_CONFIG_FILE", self.folder.path().join("none"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.folder.path().join("plugins"))
            // A name server for Erlang nodes is not needed by one node that nobody looks for.
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-setcookie stoa +S 1:1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        // A group of its own, so that all of it can be killed: the script starts Erlang's machine.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.child = Some(command.spawn().unwrap());
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "it does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let group = rustix::process::Pid::from_child(&child);
        let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ended = child.wait();
    }

    /// Loses everything that it had on disk.
    pub fn lose_disk(&mut self) {
        assert!(self.child.is_none(), "kill it first");
        std::fs::remove_dir_all(self.folder.path().join("mnesia")).unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
