//! Workers and broker that die: 10,000 mails are jobs; the serving shop, and with `--rabbitmq` a
//! RabbitMQ of its own, are killed again and again until all are delivered.
//!
//! `cargo run --release -p stoa-bench --bin jobs -- --stoa target/release/stoa --rabbitmq` fails when
//! a mail never arrives, or arrives more often than a kill can explain; a reader who drops copies of
//! the same message id sees each once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use stoa_app::mail::store::{MailState, StoredMail};
use stoa_app::mail::{self, Language, MailKind};
use stoa_app::{clock, entropy, jobs};
use stoa_kernel::Ctx;
use stoa_sql::Db;

/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How long a server may take to start.
const START: Duration = Duration::from_secs(120);
/// Where Debian keeps RabbitMQ's programs.
const RABBITMQ: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

#[derive(Parser)]
struct Args {
    /// The shop's binary.
    #[arg(long, default_value = "target/release/stoa")]
    stoa: PathBuf,
    /// Jobs in all.
    #[arg(long, default_value_t = 10_000)]
    jobs: usize,
    /// How often the worker, and the broker, are killed.
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// Hand jobs out through RabbitMQ, and kill that too.
    #[arg(long)]
    rabbitmq: bool,
}

/// How often each message id came.
type Delivered = Arc<Mutex<BTreeMap<String, usize>>>;

/// Speaks SMTP with one client.
fn converse(stream: TcpStream, delivered: &Delivered) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    say("220 bench")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next() {
        match line?.get(..4).unwrap_or_default() {
            "DATA" => {
                say("354 go on")?;
                let mut id = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if let Some(name) = line.strip_prefix("Message-ID: ") {
                        name.clone_into(&mut id);
                    }
                    if line == "." {
                        break;
                    }
                }
                let mut delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
                *delivered.entry(id).or_default() += 1;
                drop(delivered);
                say("250 kept")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
    Ok(())
}

fn mail_server() -> Result<(String, Delivered)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("smtp://{}", listener.local_addr()?);
    let delivered = Delivered::default();
    let kept = Arc::clone(&delivered);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            // A client that was killed ends its conversation.
            std::thread::spawn(move || drop(converse(stream, &kept)));
        }
    });
    Ok((url, delivered))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until someone listens.
fn until_open(port: u16, child: &mut Child) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("a server ended ({status}) before it was ready");
        }
        if begun.elapsed() > START {
            bail!("a server was not ready after {START:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A process that is killed with all that it started.
struct Killed(Child);

impl Killed {
    fn start(command: &mut Command, port: u16) -> Result<Self> {
        std::os::unix::process::CommandExt::process_group(command, 0);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut this = Self(command.spawn().context("starting a server")?);
        until_open(port, &mut this.0)?;
        Ok(this)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        // It may have ended by itself; then this only says so.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

/// RabbitMQ on its folder.
fn broker(folder: &Path, port: u16, dist: u16) -> Result<Killed> {
    let path = |name: &str| folder.join(name);
    for name in ["home", "mnesia", "logs"] {
        std::fs::create_dir_all(path(name))?;
    }
    let mut command = Command::new(RABBITMQ);
    command
        .env("HOME", path("home"))
        .env("RABBITMQ_NODENAME", format!("bench{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", dist.to_string())
        .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
        .env("RABBITMQ_LOG_BASE", path("logs"))
        .env("RABBITMQ_CONFIG_FILE", path("none"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-setcookie bench")
        .stderr(Stdio::null());
    Killed::start(&mut command, port)
}

/// Stores the mails and their jobs.
async fn fill(data: &Path, n: usize) -> Result<()> {
    let db = Db::open_embedded(data)?;
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let mut tx = db.begin().await?;
    let mut all = Vec::with_capacity(n);
    let mut mails = Vec::new();
    for number in 0..n {
        let id = ctx.mail_id();
        let stored = StoredMail {
            id,
            kind: MailKind::Invitation,
            language: Language::English,
            recipient: format!("reader{number}@example.com"),
            rendered: None,
            subject: None,
            link: Some(format!("invitation/{}", id.uuid())),
            message_id: format!("{number}@bench.example"),
            state: MailState::Queued,
            error: None,
            created_at: ctx.now,
            sent_at: None,
            cause: format!("bench/{number}"),
        };
        all.push(mail::send_job(&mut ctx, &stored));
        mails.push(stored);
    }
    mail::store::add(&mut tx, &mails).await?;
    jobs::store::add(&mut tx, &all, ctx.now).await?;
    Ok(tx.commit().await?)
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data)?;
    tokio::runtime::Runtime::new()?.block_on(fill(&data, args.jobs))?;
    let (mail_url, delivered) = mail_server()?;
    let (amqp, dist, http) = (free_port()?, free_port()?, free_port()?);
    let rabbit = || -> Result<Option<Killed>> {
        Ok(if args.rabbitmq { Some(broker(folder.path(), amqp, dist)?) } else { None })
    };
    let shop = || {
        let mut command = Command::new(&args.stoa);
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{http}"), "--data"])
            .arg(&data)
            .env("STOA_MAIL__URL", &mail_url)
            .env("STOA_MAIL__FROM", "Bench <bench@bench.example>")
            .env("STOA_LOG__LEVEL", "error");
        if args.rabbitmq {
            command.env("STOA_JOBS__URL", format!("amqp://guest:guest@127.0.0.1:{amqp}"));
        }
        Killed::start(&mut command, http)
    };
    let n_delivered = || delivered.lock().unwrap_or_else(PoisonError::into_inner).len();

    let begun = Instant::now();
    let (mut broker, mut worker) = (rabbit()?, shop()?);
    let mut kill = 0;
    while n_delivered() < args.jobs {
        if begun.elapsed() > PATIENCE {
            bail!("{} of {} after {PATIENCE:?}", n_delivered(), args.jobs);
        }
        // Spread over the work.
        if kill < args.kills && n_delivered() >= args.jobs * (kill + 1) / (args.kills + 2) {
            kill += 1;
            eprintln!("kill {kill}: {} delivered", n_delivered());
            drop(worker);
            if broker.take().is_some() {
                broker = rabbit()?;
            }
            worker = shop()?;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = begun.elapsed();
    drop(worker);
    let delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
    let copies: usize = delivered.values().map(|times| times - 1).sum();
    let explained = args.kills * jobs::worker::AT_ONCE * if args.rabbitmq { 2 } else { 1 };
    println!(
        "{} jobs in {took:.1?}, {kill} kills: all done, {copies} second copies (at most {explained})",
        args.jobs
    );
    if kill < args.kills || copies > explained {
        bail!("the figure is missed");
    }
    Ok(())
}
