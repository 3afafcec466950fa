//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stoa_app::Shop;
use stoa_app::error::StoreError;
use stoa_app::events::lag::{self, Lag};
use stoa_app::follow::CatalogChange;

use crate::client::Proxies;
use crate::metrics::Metrics;
use crate::page_cache::{PageCache, Stamp};
use crate::reply::ApiError;

/// How the shop is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The shop's public address without a slash at the end, e.g. `https://shop.example`. Links in
    /// sitemap and canonical tags begin with it.
    pub public_url: String,
    /// One line that says what the shop is.
    pub tagline: String,
    /// Bytes of rendered pages kept in memory.
    pub page_cache_bytes: u64,
    /// Where the shop keeps its data, for those who run it.
    pub data_directory: String,
    /// The proxies in front of the shop.
    pub proxies: Proxies,
}

/// A handle to everything; cheap to clone.
#[derive(Debug, Clone)]
pub struct Web {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shop: Arc<Shop>,
    options: Options,
    pages: PageCache,
    metrics: Metrics,
    generation: AtomicU64,
    leaving: AtomicBool,
}

impl Web {
    /// The faces of a shop.
    pub fn new(shop: Arc<Shop>, options: Options) -> Self {
        let pages = PageCache::new(options.page_cache_bytes);
        Self {
            inner: Arc::new(Inner {
                shop,
                options,
                pages,
                metrics: Metrics::new(),
                generation: AtomicU64::new(0),
                leaving: AtomicBool::new(false),
            }),
        }
    }

    /// The shop.
    pub fn shop(&self) -> &Arc<Shop> {
        &self.inner.shop
    }

    /// How it is reached.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// How far everybody who follows the event log is behind.
    ///
    /// # Errors
    /// The store failed.
    pub async fn lags(&self) -> Result<Vec<Lag>, StoreError> {
        let shop = self.shop();
        let mut tx = shop.db.read().await?;
        lag::all(&mut tx, &shop.followed.all(), (shop.clock)()).await
    }

    /// Rendered pages.
    pub fn pages(&self) -> &PageCache {
        &self.inner.pages
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Grows whenever a list of products may look different.
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// Lets load balancers know that the shop is about to stop: from now on it is not ready.
    pub fn leave(&self) {
        self.inner.leaving.store(true, Ordering::Release);
    }

    /// Whether the shop is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.inner.leaving.load(Ordering::Acquire)
    }

    /// The state of the catalogue now. Whoever renders a page takes it before reading anything.
    ///
    /// # Errors
    /// The search engine failed.
    pub async fn stamp(&self) -> Result<Stamp, ApiError> {
        Ok(Stamp {
            generation: self.generation(),
            index: self.shop().search.offset().await?,
            forgotten: self.pages().forgotten(),
            at: (self.shop().clock)(),
        })
    }

    /// Drops what is out of date after the catalogue has changed.
    pub fn catalog_changed(&self, change: &CatalogChange) {
        let all = change.edited.iter().chain(&change.flipped).chain(&change.restocked);
        for product in all {
            self.inner.pages.forget_product(*product);
        }
        if !change.edited.is_empty() || !change.flipped.is_empty() {
            self.inner.generation.fetch_add(1, Ordering::AcqRel);
        }
    }
}
