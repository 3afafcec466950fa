//! The one place that puts adapters behind ports.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use data_encoding::HEXLOWER_PERMISSIVE;
use stoa_app::cache::Cache;
use stoa_app::catalog::import::{DraftSink, Outcome, SinkError};
use stoa_app::catalog::{Catalog, save_many};
use stoa_app::engine::{Engine, EngineThread};
use stoa_app::events::lag::Followed;
use stoa_app::jobs::queue::TableQueue;
use stoa_app::mail::MailSettings;
use stoa_app::{Shop, clock, entropy, installation};
use stoa_domain::catalog::Draft;
use stoa_domain::shop::ShopConfig;
use stoa_embedded::cache::MemoryCache;
use stoa_embedded::outbox::Outbox;
use stoa_embedded::search::TantivyIndex;
use stoa_embedded::test_payment::{self, TestProvider};
use stoa_kernel::{Ctx, Timestamp};
use stoa_ports::jobs::JobQueue;
use stoa_ports::mail::Mailer;
use stoa_ports::payment::PaymentProvider;
use stoa_sql::Db;
use tokio::sync::Notify;

use crate::config::Config;

/// The embedded database in a data directory.
pub(crate) const DATABASE_FILE: &str = "stoa.db";

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory where there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// It cannot be opened, or was made by a newer Stoa.
    pub(crate) async fn db(&self, config: &Config) -> anyhow::Result<Db> {
        match &config.database {
            Some(options) => Db::open_postgres_with(options)
                .await
                .context("cannot open the database that database.url names"),
            None => Db::open_embedded(&self.0)
                .with_context(|| format!("cannot open the database in {}", self.0.display())),
        }
    }

    /// The folder with the search index.
    pub(crate) fn search(&self) -> PathBuf {
        self.0.join("search")
    }

    /// The file with the test provider's book.
    pub(crate) fn test_book(&self) -> PathBuf {
        self.0.join("test-payments.log")
    }

    /// Takes the place of the one process that serves this directory; `None` when another has it.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub(crate) fn serving_lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.0.join("serve.lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// The shop's secret: from the file that the configuration names, else from the database, where
    /// the first process to ask stores one. That takes over the `secret.key` of a data directory
    /// that an older Stoa made.
    ///
    /// # Errors
    /// The file or the store cannot be read, or the file holds something else.
    pub(crate) async fn secret(&self, config: &Config, db: &Db) -> anyhow::Result<[u8; 32]> {
        if let Some(path) = &config.secret_file {
            let name = path.display();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("security.secret_file: cannot read {name}"))?;
            let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
            return bytes.and_then(|bytes| bytes.try_into().ok()).with_context(|| {
                format!(
                    "security.secret_file: {name} does not hold 64 hexadecimal digits; \
                     `openssl rand -hex 32` makes some"
                )
            });
        }
        let old = self.0.join("secret.key");
        let name = old.display();
        let old = match std::fs::read(&old) {
            Ok(bytes) => Some(<[u8; 32]>::try_from(bytes).map_err(|_| {
                anyhow::anyhow!("{name} does not hold 32 bytes; remove it to have a new one made")
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
        };
        let secret = installation::secret::<anyhow::Error>(db, clock::now(), || match old {
            Some(old) => Ok(old),
            None => {
                let [one, two] = [entropy::token()?.hash(), entropy::token()?.hash()];
                let mut fresh = [0; 32];
                for (to, from) in fresh.iter_mut().zip(one.0.iter().take(16).chain(&two.0)) {
                    *to = *from;
                }
                Ok(fresh)
            }
        });
        let secret = secret.await.context("the shop's secret")?;
        if old.is_some_and(|old| old != secret) {
            tracing::warn!("the database holds the shop's secret; {name} is another and not used");
        }
        Ok(secret)
    }

    /// Opens the whole shop. The search index belongs to one process, the one that serves; only that
    /// takes part in handing out jobs.
    ///
    /// # Errors
    /// A part cannot be opened.
    pub(crate) async fn shop(
        &self,
        config: &Config,
        clock: fn() -> Timestamp,
        serves: bool,
    ) -> anyhow::Result<(Arc<Shop>, EngineThread)> {
        let db = self.db(config).await?;
        let shop_config = Arc::new(config.shop.clone());
        let search = TantivyIndex::open(&self.search()).context("the search index")?;
        let mut providers: BTreeMap<&'static str, Arc<dyn PaymentProvider>> = BTreeMap::new();
        if let Some(behaviour) = config.test_payments {
            let provider = TestProvider::open(&self.test_book(), behaviour)
                .context("the book of the test payment provider")?;
            providers.insert(test_payment::NAME, Arc::new(provider));
        }
        let secret = self.secret(config, &db).await?;
        let seed = u64::from_be_bytes(
            entropy::token()?.hash().0.first_chunk().copied().unwrap_or_default(),
        );
        let (engine, thread) = Engine::start(db.clone(), Arc::clone(&shop_config), clock, seed)
            .context("cannot start the engine")?;
        let jobs: Arc<dyn JobQueue> = match (&config.jobs_url, serves) {
            (Some(url), true) => broker(url, TableQueue::new(db.clone(), clock))?,
            // Other commands only store jobs; whoever serves hands them out.
            _ => Arc::new(TableQueue::new(db.clone(), clock)),
        };
        let mailer: Arc<dyn Mailer> = match &config.mail_url {
            Some(url) => smtp(url)?,
            None => Arc::new(Outbox),
        };
        let mail = MailSettings { public_url: config.public_url.clone(), ..config.mail.clone() };
        let catalog = Catalog::new(db.clone(), Arc::clone(&shop_config));
        let shop = Shop {
            db,
            engine,
            config: shop_config,
            catalog,
            search: Arc::new(search),
            jobs,
            mail,
            mailer,
            webhooks: config.webhooks,
            providers,
            cache: cache(config, clock)?,
            limits: config.limits,
            secret,
            clock,
            followed: Followed::default(),
            wake: Notify::new(),
        };
        Ok((Arc::new(shop), thread))
    }
}

/// Jobs handed out by RabbitMQ.
#[cfg(feature = "rabbitmq")]
fn broker(url: &str, table: TableQueue) -> anyhow::Result<Arc<dyn JobQueue>> {
    // More than run at once, so that the next message is there when a job has ended.
    let prefetch = u16::try_from(4 * stoa_app::jobs::worker::AT_ONCE)?;
    let settings = stoa_rabbitmq::Settings::new(url, prefetch);
    let settings = settings.map_err(|why| anyhow::anyhow!("jobs.url is {why}"))?;
    Ok(Arc::new(stoa_rabbitmq::RabbitQueue::start(Arc::new(table), settings)))
}

#[cfg(not(feature = "rabbitmq"))]
fn broker(_url: &str, _table: TableQueue) -> anyhow::Result<Arc<dyn JobQueue>> {
    bail!("jobs.url is set, but this program was built without the feature `rabbitmq`")
}

/// Mail over SMTP.
#[cfg(feature = "smtp")]
fn smtp(url: &str) -> anyhow::Result<Arc<dyn Mailer>> {
    let mailer = stoa_smtp::SmtpMailer::new(url);
    Ok(Arc::new(mailer.map_err(|why| anyhow::anyhow!("mail.url is {why}"))?))
}

#[cfg(not(feature = "smtp"))]
fn smtp(_url: &str) -> anyhow::Result<Arc<dyn Mailer>> {
    bail!("mail.url is set, but this program was built without the feature `smtp`")
}

/// What the processes of the shop share for a while. Nothing is connected yet.
fn cache(config: &Config, clock: fn() -> Timestamp) -> anyhow::Result<Cache> {
    let own = Arc::new(MemoryCache::new());
    if config.cache_urls.is_empty() {
        return Ok(Cache::alone(own, clock));
    }
    #[cfg(feature = "redis")]
    {
        let shared = stoa_redis::RedisCache::new(&config.cache_urls, &config.cache_prefix)
            .context("cache.url")?;
        Ok(Cache::shared(Arc::new(shared), own, clock))
    }
    #[cfg(not(feature = "redis"))]
    bail!("cache.url names a Redis server, but this program was built without the feature `redis`")
}

/// Where imports write: the store.
#[derive(Debug)]
pub(crate) struct StoreSink {
    db: Db,
    config: Arc<ShopConfig>,
}

impl StoreSink {
    /// A sink for this store.
    pub(crate) fn new(db: Db, config: Arc<ShopConfig>) -> Self {
        Self { db, config }
    }
}

#[async_trait]
impl DraftSink for StoreSink {
    async fn write(
        &self,
        drafts: Vec<(u64, Draft)>,
    ) -> Result<Vec<Result<Outcome, String>>, SinkError> {
        let sink_error = |error: &dyn std::fmt::Display| SinkError(error.to_string());
        let ids = entropy::ids().map_err(|error| sink_error(&error))?;
        let mut ctx = Ctx { now: clock::now(), ids };
        let drafts = drafts.into_iter().map(|(_, draft)| draft);
        let saved = save_many(&self.db, &self.config, &mut ctx, drafts).await;
        let saved = saved.map_err(|error| sink_error(&error))?;
        let in_words = |refusal: stoa_domain::Refusal| match refusal {
            stoa_domain::Refusal::Invalid(errors) => errors
                .iter()
                .map(|error| format!("{}: {}", error.pointer, error.detail))
                .collect::<Vec<_>>()
                .join("; "),
            other => other.to_string(),
        };
        Ok(saved.into_iter().map(|result| result.map_err(in_words)).collect())
    }
}
