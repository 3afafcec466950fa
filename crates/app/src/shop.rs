//! The running shop: everything a request needs, in one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_domain::shop::ShopConfig;
use stoa_kernel::Timestamp;
use stoa_ports::jobs::JobQueue;
use stoa_ports::mail::Mailer;
use stoa_ports::payment::PaymentProvider;
use stoa_ports::search::SearchIndex;
use stoa_sql::Db;
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::events::lag::Followed;
use crate::mail::MailSettings;
use crate::rate_limit::Limits;
use crate::webhooks::WebhookSettings;

/// A shop that runs.
#[derive(Debug)]
pub struct Shop {
    /// The store.
    pub db: Db,
    /// What changes carts, orders, stock and payments.
    pub engine: Engine,
    /// What the merchant has set.
    pub config: Arc<ShopConfig>,
    /// The catalogue as pages read it.
    pub catalog: Catalog,
    /// Where products are found.
    pub search: Arc<dyn SearchIndex>,
    /// Jobs of the background.
    pub jobs: Arc<dyn JobQueue>,
    /// How mails are written.
    pub mail: MailSettings,
    /// What sends them.
    pub mailer: Arc<dyn Mailer>,
    /// What webhooks may call.
    pub webhooks: WebhookSettings,
    /// Payment providers by name.
    pub providers: BTreeMap<&'static str, Arc<dyn PaymentProvider>>,
    /// What this process shares with others for a while.
    pub cache: Cache,
    /// How often somebody may try what.
    pub limits: Limits,
    /// A secret of this installation, from which capabilities are derived that must come out the
    /// same when a request is repeated.
    pub secret: [u8; 32],
    /// Reads the time.
    pub clock: fn() -> Timestamp,
    /// How far this process has followed the event log.
    pub followed: Followed,
    /// Wakes whoever follows the event log; a hint, they also look by themselves.
    pub wake: Notify,
}
