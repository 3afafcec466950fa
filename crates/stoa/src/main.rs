//! `stoa`: the shop in one program. This crate reads the command line and the configuration and
//! puts adapters behind ports; it holds no rule.
#![allow(missing_docs, reason = "a program, not a library")]

mod backup;
mod config;
mod copy;
mod demo;
mod doctor;
mod events;
mod import;
mod listen;
mod serve;
mod webhooks;
mod wiring;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use stoa_app::catalog::SaveError;
use stoa_app::staff::{self, Scope, Scopes, StaffError};
use stoa_app::{catalog, clock, entropy, event_log, follow, vendor};
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_domain::event::EventBody;
use stoa_domain::vendor::{VendorDraft, VendorStatus};
use stoa_kernel::{Ctx, VendorId};
use stoa_sql::Db;

use crate::config::Config;
use crate::wiring::{DataDir, StoreSink};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An ecommerce platform in one program.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, max_term_width = 100)]
struct Cli {
    /// Where the shop keeps its data.
    #[arg(long, global = true, value_name = "DIR", default_value = "stoa-data", env = "STOA_DATA")]
    data: PathBuf,
    /// The configuration file; `stoa.toml` in the data directory unless given.
    #[arg(long, global = true, value_name = "FILE", env = "STOA_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fill the data directory with a demonstration shop and serve it.
    Demo {
        /// Where to listen, e.g. 127.0.0.1:8080.
        #[arg(long, value_name = "HOST:PORT")]
        listen: Option<String>,
        /// Fill only, do not serve.
        #[arg(long)]
        no_serve: bool,
    },
    /// Serve the shop.
    Serve {
        /// Where to listen, e.g. 0.0.0.0:8080.
        #[arg(long, value_name = "HOST:PORT")]
        listen: Option<String>,
    },
    /// Bring products in; what is there already is updated.
    Import(import::ImportArgs),
    /// Write products out.
    Export(import::ExportArgs),
    /// Make something anew that follows from the store.
    #[command(subcommand)]
    Rebuild(Rebuild),
    /// Tokens for programs that use the API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// People who run the shop.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Others who sell in the shop.
    #[command(subcommand)]
    Vendor(VendorCommand),
    /// Bring the schema of the database up to date; every other command does so first, too.
    Migrate,
    /// Keep a copy of the shop in a folder, while it serves.
    Backup(backup::BackupArgs),
    /// Bring back what `stoa backup` kept.
    Restore(backup::RestoreArgs),
    /// What has happened in the shop, and who is told.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Endpoints that are told of events, and a receiver to try them with.
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Move a shop from the embedded database to PostgreSQL, or back.
    Copy(copy::CopyArgs),
    /// Look for faults in configuration, database, stock, orders and books.
    Doctor,
    /// Show every setting with its meaning and default.
    Config,
}

#[derive(Debug, Subcommand)]
enum Rebuild {
    /// The search index; searches use the old one until the new one is complete.
    Search,
}

#[derive(Debug, Subcommand)]
enum StaffCommand {
    /// Print a link with which someone sets a new password, where mail does not reach them.
    ResetLink {
        /// The address they sign in with.
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum VendorCommand {
    /// Make a vendor and print its handle.
    Add {
        /// The name people read.
        name: String,
        /// Where the merchant reaches the vendor.
        #[arg(long)]
        email: String,
        /// The name that files and commands use; made from the name unless given.
        #[arg(long, default_value = "")]
        handle: String,
    },
    /// Show all vendors: handle, status, name, e-mail address.
    List,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it, alone on the last line. It cannot be shown again.
    Create {
        /// What it may do; may be given more than once: admin, products:read, products:write,
        /// stock:write, orders:read, orders:write, vendors:read, vendors:write, webhooks:read,
        /// webhooks:write, or vendor alone.
        #[arg(long, required = true, value_name = "SCOPE", value_delimiter = ',')]
        scope: Vec<Scope>,
        /// The vendor it speaks for, with the scope vendor.
        #[arg(long, value_name = "HANDLE")]
        vendor: Option<String>,
        /// What it is for.
        #[arg(long, default_value = "command line")]
        name: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("stoa: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Behind a pointer, or the compiler makes a copy of the whole program for each way to wait for it.
    let run: Pin<Box<dyn Future<Output = _>>> = Box::pin(run(&cli));
    match runtime.block_on(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stoa: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    if let Command::Config = cli.command {
        print!("{}", config::DEFAULTS);
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(&cli.data, cli.config.as_deref(), std::env::vars())?;
    start_logging(&config);
    let data = DataDir::open(&cli.data)?;
    match &cli.command {
        Command::Config => {}
        Command::Demo { listen, no_serve } => {
            demo::fill(&data, &config).await?;
            if !no_serve {
                serve::serve(&data, &config, listen.as_deref()).await?;
            }
        }
        Command::Serve { listen } => serve::serve(&data, &config, listen.as_deref()).await?,
        Command::Import(args) => {
            let shop_config = Arc::new(config.shop.clone());
            let sink = StoreSink::new(data.db(&config).await?, shop_config);
            let code = import::import(args, &sink, config.shop.currency).await?;
            index_unless_served(&data, &config).await?;
            return Ok(code);
        }
        Command::Export(args) => {
            let db = data.db(&config).await?;
            let drafts = catalog::all_drafts(&db).await?;
            import::export(args, config.shop.currency, || {
                Ok(Box::new(drafts.clone().into_iter().map(Ok)))
            })?;
        }
        Command::Rebuild(Rebuild::Search) => rebuild_search(&data, &config).await?,
        Command::Token(TokenCommand::Create { scope, vendor, name }) => {
            let scopes = Scopes::new(scope.iter().copied());
            let db = data.db(&config).await?;
            let vendor = match vendor {
                Some(handle) => Some(vendor_of(&db, handle).await?),
                None => None,
            };
            let made = staff::create_api_token(&db, clock::now(), name, &scopes, vendor).await;
            let token = made.map_err(in_words)?;
            eprintln!("This token is shown once:");
            println!("stoa_{}", token.reveal());
        }
        Command::Staff(StaffCommand::ResetLink { email }) => {
            let db = data.db(&config).await?;
            let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
            let Some(path) = staff::reset_link(&db, &mut ctx, email).await? else {
                anyhow::bail!("nobody signs in with {email}");
            };
            eprintln!("This link sets a new password, once, for one hour:");
            println!("{}{path}", config.public_url);
        }
        Command::Vendor(command) => vendors(command, &data, &config).await?,
        Command::Migrate => {
            data.db(&config).await?;
            println!("The schema of the database is up to date");
        }
        Command::Backup(args) => backup::backup(args, &data, &config).await?,
        Command::Restore(args) => backup::restore(args, &data, &config).await?,
        Command::Events(command) => events::run(command, &data, &config).await?,
        Command::Webhooks(command) => webhooks::run(command, &data, &config).await?,
        Command::Copy(args) => copy::run(args, &config).await?,
        Command::Doctor => {
            if !doctor::doctor(&data, &config).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn vendor_of(db: &Db, handle: &str) -> anyhow::Result<VendorId> {
    let id = vendor::store::id_of_handle(&mut db.read().await?, handle).await?;
    id.with_context(|| format!("there is no vendor `{handle}`; `stoa vendor list` shows all"))
}

/// Names the fields that are wrong.
fn in_words(error: StaffError) -> anyhow::Error {
    match error {
        StaffError::Invalid(errors) => anyhow::anyhow!(fields(&errors)),
        other => other.into(),
    }
}

fn fields(errors: &[FieldError]) -> String {
    let words = errors.iter().map(|error| {
        let field = error.pointer.trim_start_matches('/');
        format!("{field}: {}", error.detail)
    });
    words.collect::<Vec<_>>().join("; ")
}

async fn vendors(command: &VendorCommand, data: &DataDir, config: &Config) -> anyhow::Result<()> {
    let db = data.db(config).await?;
    match command {
        VendorCommand::Add { name, email, handle } => {
            let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
            let draft = VendorDraft {
                handle: handle.clone(),
                name: name.clone(),
                email: email.clone(),
                status: VendorStatus::Active,
            };
            let made = vendor::create(&db, &mut ctx, draft).await.map_err(|error| match error {
                SaveError::Refused(Refusal::Invalid(errors)) => anyhow::anyhow!(fields(&errors)),
                other => other.into(),
            })?;
            println!("{}", made.handle);
        }
        VendorCommand::List => {
            let mut tx = db.read().await?;
            let mut after = None;
            loop {
                let page = vendor::store::list(&mut tx, None, after, 500).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for vendor in &page {
                    let status = vendor.status.as_str();
                    println!("{}\t{status}\t{}\t{}", vendor.handle, vendor.name, vendor.email);
                }
            }
        }
    }
    Ok(())
}

fn start_logging(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_level)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people who look at a terminal; in a file or a journal they are rubbish.
    let builder = builder.with_ansi(std::io::stderr().is_terminal());
    if config.log_json {
        builder.json().init();
    } else {
        builder.with_target(false).init();
    }
}

/// Brings the search index up to date here, unless a serving process does.
async fn index_unless_served(data: &DataDir, config: &Config) -> anyhow::Result<()> {
    let Some(lock) = data.serving_lock()? else { return Ok(()) };
    let (shop, engine) = data.shop(config, clock::now, false).await?;
    follow::catch_up(&shop, &mut 0).await.context("the search index")?;
    drop(shop);
    tokio::task::spawn_blocking(|| engine.join()).await?;
    drop(lock);
    Ok(())
}

/// Rebuilds the index here, or asks the serving process to and waits for it.
async fn rebuild_search(data: &DataDir, config: &Config) -> anyhow::Result<()> {
    if let Some(lock) = data.serving_lock()? {
        let (shop, engine) = data.shop(config, clock::now, false).await?;
        let n = follow::rebuild(&shop, |_| {}).await?;
        println!("The search index holds {n} products");
        drop(shop);
        tokio::task::spawn_blocking(|| engine.join()).await?;
        drop(lock);
        return Ok(());
    }
    let db = data.db(config).await?;
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let body = EventBody::SearchRebuildRequested {};
    let asked = event_log::record(&db, &mut ctx, follow::SEARCH, body).await?;
    println!("The serving shop rebuilds its search index; searches use the old one meanwhile");
    for _ in 0..6_000 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let mut tx = db.read().await?;
        let facts = event_log::of_subject(&mut tx, follow::SEARCH).await?;
        if facts.iter().any(|fact| fact.offset > asked && fact.kind == "search.rebuilt") {
            println!("Done");
            return Ok(());
        }
    }
    anyhow::bail!("the serving shop has not rebuilt its index in ten minutes; its log says why")
}
