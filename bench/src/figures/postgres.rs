//! The shop on PostgreSQL, on a server of the run's own with PostgreSQL's default durability: each
//! commit is on disk before it is acknowledged.

use std::time::Duration;

use anyhow::{Context as _, Result};
use stoa_sql::Db;
use stoa_test_stores::{Server, psql};

use super::bare_inserts::{self, ForeignKeys};
use super::buyers::COMPLETE_KIND;
use super::{Bench, checkout, contention, micros_each};
use crate::Options;
use crate::engine_load::{Done, Load, as_f64};
use crate::load::Measurement;
use crate::process::cpu_time_with_children;
use crate::report::{Figure, Section, kinds_table, millis, quantity};

/// Complete orders a second that one process should reach.
const TARGET: f64 = 800.0;
/// Orders of the engine alone, for each second of the run.
const ENGINE_ORDERS_A_SECOND: u64 = 1_000;
/// Times that this is measured. The middle counts: the same program is a quarter faster or slower from one
/// round to the next.
const ROUNDS: usize = 5;
const ENGINE_PRODUCTS: u64 = 2_000;
/// Commands that make an order: a cart, two lines, the address, the order, its payment.
const COMMANDS: f64 = 6.0;
const PLACED: &str = "select count(*) from orders where status = 'placed'";
const OVERSOLD: &str = "select count(*) from stock_levels where reserved > on_hand";

/// Measures checkouts at one process, then at two, then races at two.
pub(crate) fn measure(options: &Options) -> Result<Vec<Section>> {
    let server = Server::with_defaults()?;
    let address = server.new_database()?;
    let mut bench = Bench::start_on(options, Some(&address))?;
    let store = Store { server: &server, address: &address };
    let users = options.connections;
    eprintln!("postgres: {users} buyers at one process");
    let one = checkouts(&bench, &store)?;
    let at_one = Section {
        name: "postgres",
        title: "Checkout on PostgreSQL",
        figures: std::iter::once(one.rate(Some(TARGET))).chain(one.figures(&bench)).collect(),
        details: kinds_table(one.measured.kinds.into_iter()),
    };
    let mut other = bench.shop.beside()?;
    other.join(&bench.shop)?;
    bench.others.push(other);
    eprintln!("postgres: {users} buyers at two processes");
    let two = checkouts(&bench, &store)?;
    let at_two = Section {
        name: "postgres-two",
        title: "Checkout on PostgreSQL, two processes of one shop",
        figures: std::iter::once(two.rate(None)).chain(two.figures(&bench)).collect(),
        details: kinds_table(two.measured.kinds.into_iter()),
    };
    let (mut figures, details) = contention::race(&bench)?;
    figures.push(Figure::exactly("stock levels oversold", 0, store.count(OVERSOLD)?));
    let races = Section {
        name: "postgres-contention",
        title: "Contention on PostgreSQL, two processes of one shop",
        figures,
        details,
    };
    for mut shop in bench.others {
        shop.stop()?;
    }
    bench.shop.stop()?;
    Ok(vec![at_one, at_two, races, engine_alone(&server, options)?])
}

/// The engine without HTTP, and writing the same rows with nothing around them.
struct Alone {
    engine: Done,
    /// Orders a second.
    rate: f64,
    bare: f64,
    bare_without_keys: f64,
}

impl Alone {
    fn measure(server: &Server, buyers: u64, orders: u64) -> Result<Self> {
        let address = server.new_database()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let engine = runtime.block_on(async {
            let db = Db::open_postgres(&address, 16).await?;
            Load { buyers, orders, products: ENGINE_PRODUCTS }.run(db).await
        })?;
        let orders = as_f64(orders);
        let batches = (orders * COMMANDS / engine.batch()).ceil();
        let bare = |keys| anyhow::Ok(orders / bare_inserts::seconds(&address, batches, keys)?);
        let (bare, bare_without_keys) = (bare(ForeignKeys::Kept)?, bare(ForeignKeys::Dropped)?);
        Ok(Self { rate: orders / engine.took.as_secs_f64(), engine, bare, bare_without_keys })
    }

    fn share(&self) -> f64 {
        100.0 * self.rate / self.bare
    }
}

fn engine_alone(server: &Server, options: &Options) -> Result<Section> {
    let buyers = u64::try_from(options.connections)?;
    let orders = ENGINE_ORDERS_A_SECOND * options.seconds;
    eprintln!("postgres: {ROUNDS} times {orders} orders of the engine alone");
    let rounds = (0..ROUNDS).map(|_| Alone::measure(server, buyers, orders));
    let mut rounds = rounds.collect::<Result<Vec<_>>>()?;
    rounds.sort_by(|one, other| one.share().total_cmp(&other.share()));
    let shares: Vec<String> = rounds.iter().map(|one| format!("{:.1}%", one.share())).collect();
    let middle = rounds.get(ROUNDS / 2).context("a round")?;
    Ok(Section {
        name: "postgres-engine",
        title: "Engine on PostgreSQL, without HTTP",
        figures: vec![
            Figure::at_least("share of the rate of bare inserts", 50.0, middle.share(), "%"),
            Figure::told("the same in each round", shares.join(", ")),
            Figure::told("orders", quantity(middle.rate, "/s")),
            Figure::told("bare inserts of the same rows, as orders", quantity(middle.bare, "/s")),
            Figure::told("the same without foreign keys", quantity(middle.bare_without_keys, "/s")),
            Figure::told("commands a batch", quantity(middle.engine.batch(), "")),
            Figure::told(
                "time of the engine an order",
                quantity(as_f64(middle.engine.stats.busy_us) / as_f64(orders), "µs"),
            ),
        ],
        details: Vec::new(),
    })
}

/// The server, and the database on it.
struct Store<'a> {
    server: &'a Server,
    address: &'a str,
}

impl Store<'_> {
    fn count(&self, sql: &str) -> Result<u64> {
        let printed = psql(self.address, sql)?;
        printed.trim().parse().with_context(|| format!("{sql} printed {printed}"))
    }

    fn cpu(&self) -> Result<Duration> {
        cpu_time_with_children(self.server.pid()?)
    }
}

/// What a run of checkouts showed.
struct Checkouts {
    measured: Measurement,
    /// Acknowledged, of all the run.
    acknowledged: u64,
    /// Placed in the database, of all the run.
    placed: u64,
    oversold: u64,
    /// CPU time of PostgreSQL in all the run.
    database_cpu: Duration,
}

fn checkouts(bench: &Bench, store: &Store<'_>) -> Result<Checkouts> {
    let (placed_before, cpu_before) = (store.count(PLACED)?, store.cpu()?);
    let (measured, acknowledged) = checkout::buy(bench, 1)?;
    Ok(Checkouts {
        measured,
        acknowledged,
        placed: store.count(PLACED)?.saturating_sub(placed_before),
        oversold: store.count(OVERSOLD)?,
        database_cpu: store.cpu()?.saturating_sub(cpu_before),
    })
}

impl Checkouts {
    fn rate(&self, target: Option<f64>) -> Figure {
        let orders = self.measured.kind(COMPLETE_KIND).with_status(201);
        let rate = self.measured.per_second(orders);
        match target {
            Some(target) => Figure::at_least("complete orders", target, rate, "/s"),
            None => Figure::told("complete orders", quantity(rate, "/s")),
        }
    }

    fn figures(&self, bench: &Bench) -> Vec<Figure> {
        let measured = &self.measured;
        let complete = measured.kind(COMPLETE_KIND);
        let orders = complete.with_status(201);
        let p99 = millis(complete.latencies.summary().p99);
        let cpu = |time, orders| quantity(micros_each(time, orders), "µs");
        vec![
            Figure::told("p99 of complete", quantity(p99, "ms")),
            Figure::exactly(
                "orders that were acknowledged and are not in the database, or the reverse",
                0,
                self.acknowledged.abs_diff(self.placed),
            ),
            Figure::exactly("stock levels oversold", 0, self.oversold),
            Figure::exactly("wrong answers", 0, measured.wrong),
            Figure::exactly("lost connections", 0, measured.lost),
            Figure::holds("stoa doctor afterwards", "clean", bench.shop.doctor()),
            Figure::told("requests", quantity(measured.requests_per_second(), "/s")),
            Figure::told("CPU of the shop an order", cpu(measured.server_cpu, orders)),
            Figure::told("CPU of PostgreSQL an order", cpu(self.database_cpu, self.acknowledged)),
            Figure::told(
                "CPU of the load generator a request",
                cpu(measured.own_cpu, measured.requests()),
            ),
            Figure::told(
                "first wrong answer",
                measured.first_wrong.clone().unwrap_or("none".into()),
            ),
        ]
    }
}
