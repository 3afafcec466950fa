//! Followers of the event log: the search index and the copies in memory.
//!
//! Each has its own offset. The index keeps it in its own commits, so that a crash resumes exactly;
//! the copies begin at the newest fact, because an empty memory is up to date.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use stoa_domain::event::EventBody;
use stoa_kernel::{Ctx, ProductId};
use stoa_ports::search::SearchError;

use crate::error::StoreError;
use crate::event_log::{self, Fact};
use crate::events::lag;
use crate::shop::Shop;

/// How often followers look for new facts when nobody wakes them.
const LOOK: Duration = Duration::from_millis(100);
/// How long followers let facts gather after they have looked.
const BURST: Duration = Duration::from_millis(50);
/// How long changes gather after some were put into the index: each commit of it costs a segment, which
/// has to be merged later.
const INDEX_BURST: Duration = Duration::from_millis(250);
/// How long they wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Facts read at once.
const CHUNK: i64 = 2_000;
/// Facts that are nothing to the index, after which it keeps its offset all the same.
const KEEP_AFTER: i64 = 20_000;
/// Products indexed at once.
const INDEX_CHUNK: usize = 500;

/// The subject of facts about the index.
pub const SEARCH: &str = "search/products";

/// Why a follower stopped for a moment.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The search engine.
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl From<stoa_sql::SqlError> for FollowError {
    fn from(error: stoa_sql::SqlError) -> Self {
        Self::Store(error.into())
    }
}

/// What a stretch of the log means for copies of the catalogue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CatalogChange {
    /// Products whose own data changed.
    pub edited: BTreeSet<ProductId>,
    /// Products of which something was sold out, or came back.
    pub flipped: BTreeSet<ProductId>,
    /// Products whose stock changed otherwise.
    pub restocked: BTreeSet<ProductId>,
    /// Whether someone wants the search index filled anew.
    pub rebuild: bool,
    /// The newest fact taken into account.
    pub offset: i64,
    /// Whether facts after it were there to be read.
    pub has_more: bool,
}

#[derive(Deserialize)]
struct ProductFact {
    product_id: ProductId,
    #[serde(default)]
    available_before: i64,
    #[serde(default)]
    available: i64,
}

impl CatalogChange {
    fn take(&mut self, event: Fact<'_>) {
        self.offset = event.offset;
        let is_stock = event.kind == "stock.changed";
        self.rebuild |= event.kind == "search.rebuild_requested";
        if !is_stock && !event.kind.starts_with("product.") {
            return;
        }
        let Ok(fact) = serde_json::from_str::<ProductFact>(event.data) else {
            tracing::error!(event.offset = event.offset, "an event cannot be read");
            return;
        };
        if !is_stock {
            self.edited.insert(fact.product_id);
        } else if (fact.available_before > 0) == (fact.available > 0) {
            self.restocked.insert(fact.product_id);
        } else {
            self.flipped.insert(fact.product_id);
        }
    }
}

/// What has happened to the catalogue after an offset; `None` when nothing at all has happened.
///
/// # Errors
/// The store failed.
pub async fn changes_after(shop: &Shop, offset: i64) -> Result<Option<CatalogChange>, StoreError> {
    let mut tx = shop.db.read().await?;
    let mut change = CatalogChange::default();
    let facts = event_log::read(&mut tx, offset, CHUNK, |fact| change.take(fact)).await?;
    change.has_more = i64::try_from(facts).is_ok_and(|facts| facts == CHUNK);
    if facts > 0 {
        // What is read anew because of these facts must not come from before them.
        tx.note_position().await?;
    }
    Ok((facts > 0).then_some(change))
}

/// Waits until something may have happened; a burst of commits is looked at once.
async fn look(shop: &Shop) {
    let mut woken = std::pin::pin!(shop.wake.notified());
    woken.as_mut().enable();
    tokio::time::sleep(BURST).await;
    let _timeout_is_fine = tokio::time::timeout(LOOK, woken).await;
}

/// Keeps copies in memory up to date, for ever; `changed` is told after the shop's own copies are.
pub async fn copies(shop: Arc<Shop>, changed: impl Fn(&CatalogChange) + Send) {
    let mut reached = None;
    loop {
        let step = async {
            let Some(offset) = reached else {
                let mut tx = shop.db.read().await?;
                return Ok::<_, StoreError>((event_log::latest(&mut tx).await?, None));
            };
            let change = changes_after(&shop, offset).await?;
            Ok((change.as_ref().map_or(offset, |change| change.offset), change))
        };
        let mut has_more = false;
        match step.await {
            Ok((offset, change)) => {
                if let Some(change) = change {
                    has_more = change.has_more;
                    let all: Vec<ProductId> =
                        change.edited.iter().chain(&change.flipped).copied().collect();
                    shop.catalog.forget(&all, !change.edited.is_empty());
                    changed(&change);
                }
                shop.followed.saw(lag::COPIES, offset);
                reached = Some(offset);
            }
            Err(error) => {
                tracing::warn!(%error, "copies cannot follow the event log");
                tokio::time::sleep(PAUSE).await;
            }
        }
        if !has_more {
            look(&shop).await;
        }
    }
}

/// Brings the search index up to the newest fact; says how many products were indexed. `seen` is
/// the newest fact that a former call took into account: most facts are nothing to the index, which
/// keeps its own offset only now and then.
///
/// # Errors
/// The store or the search engine failed; what was done stays done.
pub async fn catch_up(shop: &Shop, seen: &mut i64) -> Result<usize, FollowError> {
    let mut indexed = 0;
    loop {
        let kept = shop.search.offset().await?;
        shop.followed.saw(lag::SEARCH, kept.max(*seen));
        let Some(change) = changes_after(shop, kept.max(*seen)).await? else { return Ok(indexed) };
        if change.rebuild {
            indexed += rebuild(shop, |_| {}).await?;
            continue;
        }
        let ids: Vec<ProductId> = change.edited.iter().chain(&change.flipped).copied().collect();
        if !ids.is_empty() {
            shop.db.flush()?; // The index must not know of what a crash could undo.
            let docs = shop.catalog.docs(&ids).await?;
            let on_sale: BTreeSet<ProductId> = docs.iter().map(|doc| doc.id).collect();
            let gone = ids.iter().filter(|id| !on_sale.contains(id)).copied().collect();
            indexed += docs.len();
            shop.search.apply(docs, gone, change.offset).await?;
        } else if change.offset - kept >= KEEP_AFTER {
            shop.search.apply(Vec::new(), Vec::new(), change.offset).await?;
        }
        *seen = change.offset;
        if !change.has_more {
            shop.followed.saw(lag::SEARCH, *seen);
            return Ok(indexed);
        }
    }
}

/// Keeps the search index up to date, for ever.
pub async fn index(shop: Arc<Shop>) {
    let mut seen = 0;
    loop {
        match catch_up(&shop, &mut seen).await {
            Ok(0) => {}
            Ok(_) => tokio::time::sleep(INDEX_BURST).await,
            Err(error) => {
                tracing::warn!(%error, "the search index cannot follow the event log");
                tokio::time::sleep(PAUSE).await;
            }
        }
        look(&shop).await;
    }
}

/// Fills the index anew while searches use the old one; says how many products were indexed.
///
/// # Errors
/// The store or the search engine failed; the old index stays in use.
pub async fn rebuild(shop: &Shop, progress: impl Fn(usize) + Send) -> Result<usize, FollowError> {
    let mut tx = shop.db.read().await?;
    let offset = event_log::latest(&mut tx).await?;
    drop(tx);
    let mut rebuild = shop.search.rebuild().await?;
    let mut after = None;
    let mut indexed = 0;
    loop {
        let limit = i64::try_from(INDEX_CHUNK).unwrap_or(500);
        let mut tx = shop.db.read().await?;
        let ids = crate::catalog::store::page_of_ids(&mut tx, after, limit).await?;
        drop(tx);
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        let docs = shop.catalog.docs(&ids).await?;
        indexed += docs.len();
        rebuild.add(docs).await?;
        progress(indexed);
    }
    rebuild.finish(offset).await?;
    let ids = crate::entropy::ids().map_err(|error| SearchError::Engine(error.to_string()))?;
    let mut ctx = Ctx { now: (shop.clock)(), ids };
    let body = EventBody::SearchRebuilt { products: indexed };
    event_log::record(&shop.db, &mut ctx, SEARCH, body).await?;
    Ok(indexed)
}
