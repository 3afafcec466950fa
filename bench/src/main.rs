//! Benchmarks of the real binary: `cargo run --release -p stoa-bench -- all --data DIR`.
//!
//! [`shop`] starts the binary on a fresh data directory with the whole catalogue, [`load`] is the
//! load generator, [`static_server`] the bare server that everything is compared with, and each
//! file of [`figures`] measures one group of figures and holds its targets. A figure that depends
//! on the machine is reported when missed; a figure that must hold on any machine fails the run.

mod catalogue;
mod engine_load;
mod figures;
mod http;
mod load;
mod machine;
mod process;
mod receiver;
mod report;
mod rng;
mod samples;
mod shop;
mod static_server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::figures::Bench;
use crate::load::Until;
use crate::report::Section;

/// The shop uses the same allocator, so that neither side of a ratio has an advantage.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the shop and compares the figures with their targets")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything, in one run on one server.
    All {
        #[command(flatten)]
        options: Options,
        /// Also measure a clean release build, which takes minutes.
        #[arg(long)]
        with_build: bool,
    },
    /// Complete orders a second and the latency of every step.
    Checkout(Options),
    /// Many buyers race for too few pieces.
    Contention(Options),
    /// Complete orders a second and races on PostgreSQL, at one process and at two.
    Postgres(Options),
    /// Product and category pages against static answers of the same size.
    Reads(Options),
    /// Search with facets over the API.
    Search(Options),
    /// What followers of the event log cost, and how soon search shows a change.
    Events(Options),
    /// 100,000 events to a receiver that behaves badly, which takes several minutes; not part of `all`.
    Webhooks(Options),
    /// Order of the results against what people judged.
    SearchQuality(Options),
    /// Memory, start time and the size of the binary.
    Size(Options),
    /// How long a clean release build takes.
    Build(Options),
    /// The load generator against the bare server, without a shop: what the generator costs.
    Bare {
        #[command(flatten)]
        options: Options,
        /// Bytes of the answer's body.
        #[arg(long, default_value_t = 64)]
        size: usize,
    },
    /// Answers every request with the same bytes; the other commands start it themselves.
    ServeStatic {
        /// Bytes of the answer's body.
        #[arg(long)]
        size: usize,
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}

/// What every measurement may be told.
#[derive(Args, Clone)]
struct Options {
    /// The directory with `icecat/products.jsonl.zst`.
    #[arg(long, default_value = "../shared/data")]
    data: PathBuf,
    /// The shop's binary; by default it is built first.
    #[arg(long)]
    stoa: Option<PathBuf>,
    /// Where the shop's data directory is made for the run; by default beside this program,
    /// because a temporary directory may be in memory, where durability costs nothing.
    #[arg(long)]
    work: Option<PathBuf>,
    /// The workspace, for `build` and `--write`.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Seconds of the checkout measurement; the others are shares of it.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Seconds of load before a measurement begins.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Concurrent buyers of the checkout measurement and readers of the pages.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Put the results into `bench/RESULTS.md`.
    #[arg(long)]
    write: bool,
}

impl Options {
    /// A share of the configured window and warm-up.
    fn share(&self, divisor: u32) -> Until {
        Until::Elapsed {
            warm_up: Duration::from_secs(self.warm_up) / divisor,
            window: Duration::from_secs(self.seconds.max(1)) / divisor,
        }
    }

    /// The shop's binary, built when none is named.
    fn stoa(&self) -> Result<PathBuf> {
        if let Some(path) = &self.stoa {
            return Ok(path.clone());
        }
        let program = std::env::current_exe().context("finding this program")?;
        let target = program.parent().and_then(Path::parent);
        let target = target.context("this program is not in a target directory")?;
        figures::build::release(&self.root, target)?;
        Ok(target.join("release").join("stoa"))
    }

    fn work(&self) -> Result<PathBuf> {
        match &self.work {
            Some(path) => Ok(path.clone()),
            None => {
                let program = std::env::current_exe().context("finding this program")?;
                Ok(program.with_file_name("bench-data"))
            }
        }
    }

    /// The directory for data, made when it is not there yet.
    fn existing_work_dir(&self) -> Result<PathBuf> {
        let work = self.work()?;
        std::fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
        Ok(work)
    }

    fn products(&self) -> PathBuf {
        self.data.join("icecat").join("products.jsonl.zst")
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; `false` when a figure that must hold on any machine was missed.
fn run(command: Command) -> Result<bool> {
    process::raise_open_file_limit()?;
    match command {
        Command::ServeStatic { size, listen } => {
            static_server::serve(size, listen)?;
            Ok(true)
        }
        Command::Bare { options, size } => {
            let section = figures::bare::measure(&options, size)?;
            finish(&options, &[section])
        }
        Command::All { options, with_build } => {
            let mut bench = Bench::start(&options)?;
            let mut sections = vec![
                figures::checkout::measure(&mut bench)?,
                // Before the races, which leave variants that are sold out.
                figures::events::measure(&mut bench)?,
                figures::contention::measure(&mut bench)?,
                figures::reads::measure(&mut bench)?,
                figures::search::measure(&mut bench)?,
            ];
            sections.push(figures::size::measure(bench)?);
            sections.extend(figures::postgres::measure(&options)?);
            sections.push(figures::search_quality::measure(&options)?);
            if with_build {
                sections.push(figures::build::measure(&options)?);
            }
            finish(&options, &sections)
        }
        Command::Checkout(options) => one(&options, figures::checkout::measure),
        Command::Contention(options) => one(&options, figures::contention::measure),
        Command::Postgres(options) => {
            let sections = figures::postgres::measure(&options)?;
            finish(&options, &sections)
        }
        Command::Reads(options) => one(&options, figures::reads::measure),
        Command::Search(options) => one(&options, figures::search::measure),
        Command::Webhooks(options) => one(&options, figures::webhooks::measure),
        Command::Events(options) => one(&options, figures::events::measure),
        Command::SearchQuality(options) => {
            finish(&options, &[figures::search_quality::measure(&options)?])
        }
        Command::Size(options) => {
            let mut bench = Bench::start(&options)?;
            // Memory after load means after all of the load, whose figures are not the question.
            figures::checkout::measure(&mut bench)?;
            figures::contention::measure(&mut bench)?;
            figures::reads::measure(&mut bench)?;
            figures::search::measure(&mut bench)?;
            let section = figures::size::measure(bench)?;
            finish(&options, &[section])
        }
        Command::Build(options) => {
            let section = figures::build::measure(&options)?;
            finish(&options, &[section])
        }
    }
}

fn one(options: &Options, measure: fn(&mut Bench) -> Result<Section>) -> Result<bool> {
    let mut bench = Bench::start(options)?;
    let section = measure(&mut bench)?;
    bench.shop.stop()?;
    finish(options, &[section])
}

fn finish(options: &Options, sections: &[Section]) -> Result<bool> {
    let machine = machine::describe(&options.existing_work_dir()?)?;
    println!("\n{}", report::console(&machine, sections));
    if options.write {
        let path = options.root.join("bench").join("RESULTS.md");
        report::write(&path, &machine, sections)?;
        println!("\nwritten to {}", path.display());
    }
    Ok(sections.iter().all(Section::holds))
}
