//! The figures, one group a file, and the shop that they are measured on.

pub(crate) mod bare;
pub(crate) mod bare_inserts;
pub(crate) mod build;
pub(crate) mod buyers;
pub(crate) mod checkout;
pub(crate) mod contention;
pub(crate) mod events;
pub(crate) mod postgres;
pub(crate) mod reads;
pub(crate) mod search;
pub(crate) mod search_quality;
pub(crate) mod size;
pub(crate) mod webhooks;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::Options;
use crate::catalogue::Catalogue;
use crate::http::Client;
use crate::load::{Measurement, Pool, Target, Until};
use crate::process::{self, Memory, Server};
use crate::shop::Shop;

/// How long a server that was just started is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// A shop with the whole catalogue in stock, and what was seen while it was prepared.
pub(crate) struct Bench {
    options: Options,
    pub(crate) shop: Shop,
    /// Further processes that serve the same shop.
    others: Vec<Shop>,
    catalogue: Catalogue,
    authorization: String,
    idle: Memory,
    log: PathBuf,
}

impl Bench {
    /// A shop on the embedded store.
    pub(crate) fn start(options: &Options) -> Result<Self> {
        Self::start_on(options, None)
    }

    /// Imports, fills the stock, and starts again, so that the measurements begin on a server
    /// that has done nothing yet. `database` is the address of an empty one on PostgreSQL; `None`
    /// for the embedded store.
    fn start_on(options: &Options, database: Option<&str>) -> Result<Self> {
        let binary = options.stoa()?;
        let work = options.existing_work_dir()?;
        eprintln!("importing {}", options.products().display());
        let mut shop = Shop::import(binary, &work, &options.products(), database)?;
        let authorization = shop.authorization()?;
        shop.start()?;
        std::thread::sleep(SETTLE);
        let idle = process::memory(shop.pid()?)?;
        eprintln!("reading the catalogue and filling the stock");
        let mut pool = Pool::connect(&[shop.target()?], options.connections)?;
        let mut client = Client::new(shop.address()?);
        let catalogue = Catalogue::read(&mut client, &mut pool, &authorization)?;
        catalogue.fill_stock(&mut pool, &authorization)?;
        drop(pool);
        shop.stop()?;
        shop.start()?;
        eprintln!(
            "ready: {} products, {} variants for sale, {} categories",
            catalogue.handles.len(),
            catalogue.variants.len(),
            catalogue.categories.len()
        );
        Ok(Self {
            options: options.clone(),
            shop,
            others: Vec::new(),
            catalogue,
            authorization,
            idle,
            log: work.join("static.log"),
        })
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(self.shop.address()?))
    }

    fn pool(&self, users: usize) -> Result<Pool> {
        let shops = std::iter::once(&self.shop).chain(&self.others);
        let targets: Vec<Target> = shops.map(Shop::target).collect::<Result<_>>()?;
        Pool::connect(&targets, users)
    }

    /// A share of the configured window.
    fn share(&self, divisor: u32) -> Until {
        self.options.share(divisor)
    }

    /// Starts the bare server with a body of this size.
    fn static_server(&self, size: usize) -> Result<Server> {
        process::start_static(size, &self.log).context("starting the bare server")
    }

    /// What the bare server does under the same load.
    fn bare(&self, server: &Server, users: usize) -> Result<Measurement> {
        bare::run(server, users, self.share(4))
    }
}

/// The mean rate of measurements before and after another, so that a drift of the machine falls
/// on both sides of a ratio.
fn mean_rate(measurements: &[Measurement]) -> f64 {
    let requests: u64 = measurements.iter().map(Measurement::requests).sum();
    let window: Duration = measurements.iter().map(|measured| measured.window).sum();
    requests as f64 / window.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// CPU time a piece of work, in microseconds.
fn micros_each(cpu: Duration, pieces: u64) -> f64 {
    cpu.as_secs_f64() * 1_000_000.0 / (pieces.max(1) as f64)
}
