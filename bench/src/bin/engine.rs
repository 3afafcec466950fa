//! The engine alone: buyers as tasks, no HTTP, a provider that answers at once.
//!
//! `cargo run --release -p stoa-bench --bin engine -- --buyers 64 --orders 20000` prints orders a
//! second; under `valgrind --tool=callgrind` with few orders it counts instructions, which do not
//! depend on what else the machine does.

#[path = "../engine_load.rs"]
mod engine_load;

use anyhow::Context;
use clap::Parser;
use stoa_sql::Db;
use stoa_test_stores::Server;

use self::engine_load::{Load, as_f64};

#[derive(Parser)]
struct Args {
    /// Buyers at once.
    #[arg(long, default_value_t = 64)]
    buyers: u64,
    /// Orders in all.
    #[arg(long, default_value_t = 20_000)]
    orders: u64,
    /// Products in the catalogue.
    #[arg(long, default_value_t = 2_000)]
    products: u64,
    /// On PostgreSQL, on a server of the run's own.
    #[arg(long)]
    postgres: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Args { buyers, orders, products, postgres } = Args::parse();
    let folder = tempfile::tempdir_in(".").context("a folder on the disk to be measured")?;
    let server = if postgres { Some(Server::with_defaults()?) } else { None };
    let db = match &server {
        Some(server) => Db::open_postgres(&server.new_database()?, 16).await?,
        None => Db::open_embedded(folder.path())?,
    };
    let done = Load { buyers, orders, products }.run(db).await?;
    println!(
        "{:.0} orders/s; {:.1} commands a batch; {:.0} us of engine an order, {:.0} us of them commits",
        as_f64(orders) / done.took.as_secs_f64(),
        done.batch(),
        as_f64(done.stats.busy_us) / as_f64(orders),
        as_f64(done.stats.commit_us) / as_f64(orders),
    );
    Ok(())
}
