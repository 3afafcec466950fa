//! Product search in this process: [`TantivyIndex`].
//!
//! # On disk
//! ```text
//! DIR/lock        held while a process uses the index
//! DIR/current     name of the directory in use, replaced by rename
//! DIR/v1-1/       an index; v1 is the version of its schema
//! DIR/v1-2/       the next one, while it is being rebuilt
//! ```
//! Whatever cannot be read (damage, another version) is replaced by an empty index with offset 0,
//! and the caller fills it again from the store.
//!
//! # What it costs
//! `apply` ends with a commit, which writes and syncs about ten small files: 12 to 14 ms for a
//! single document on two cores and a virtual disk. Then searches switch to the new segments. So
//! changes are best collected for a moment and applied together. Merges run on a thread of their
//! own; an index at rest has a handful of segments.

mod analysis;
mod columns;
mod document;
mod facets;
mod generation;
mod matching;
mod prices;
mod suggest;

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use stoa_kernel::{ProductId, limits};
use stoa_ports::search::{
    MAX_OFFSET, ProductDoc, Rebuild, SearchError, SearchIndex, SearchQuery, SearchResult, Sort,
    Suggestion,
};
use tokio::sync::Semaphore;

use self::columns::NO_PRICE;
use self::document::VERSION;
use self::facets::{Filters, Hit};
use self::generation::{Generation, Snapshot};

/// Up to this many products, searches run on the thread that asks: most take less than a
/// millisecond.
const INLINE_DOCS: u64 = 50_000;
/// Most suggestions given.
const SUGGESTIONS: usize = 50;

/// The search index on Tantivy, in a directory of its own.
#[derive(Debug)]
pub struct TantivyIndex {
    shared: Arc<Shared>,
    /// As many searches at once as there are processors: more would only make all of them slow.
    searches: Arc<Semaphore>,
}

/// Arrays as long as the index, which every search needs and leaves behind: allocating them anew
/// takes longer than clearing them and leaves holes in memory.
#[derive(Debug, Default)]
struct Scratch {
    tally: matching::Tally,
    counter: facets::Counter,
}

/// The directory in use.
#[derive(Debug)]
struct Current {
    name: String,
    generation: Arc<Generation>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    current: RwLock<Current>,
    /// Held while documents are applied or the index in use is replaced.
    writing: Mutex<()>,
    /// The number of the last directory made.
    last_number: Mutex<u64>,
    /// Arrays of searches that have ended, for the next ones.
    scratches: Mutex<Vec<Scratch>>,
    /// Keeps other processes out.
    _lock: File,
}

impl TantivyIndex {
    /// Opens the index in `dir`, or makes an empty one: when there is none, and with a warning
    /// when the one there is damaged or of another version.
    ///
    /// # Errors
    /// When another process uses the directory, or it cannot be written.
    pub fn open(dir: &Path) -> Result<Self, SearchError> {
        std::fs::create_dir_all(dir).map_err(engine)?;
        let lock = File::create(dir.join("lock")).map_err(engine)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SearchError::Engine(format!(
                    "{} is in use by another process",
                    dir.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(engine(error)),
        }
        let last_number = last_number(dir)?;
        let (name, generation) = match open_current(dir) {
            Some((name, generation)) => (name, generation),
            None => {
                let name = directory_name(last_number + 1);
                let generation = create(&dir.join(&name))?;
                point_to(dir, &name)?;
                (name, generation)
            }
        };
        remove_others(dir, &name);
        Ok(Self {
            shared: Arc::new(Shared {
                root: dir.to_owned(),
                current: RwLock::new(Current { name, generation: Arc::new(generation) }),
                writing: Mutex::new(()),
                last_number: Mutex::new(last_number + 1),
                scratches: Mutex::new(Vec::new()),
                _lock: lock,
            }),
            searches: Arc::new(Semaphore::new(
                std::thread::available_parallelism().map_or(2, usize::from),
            )),
        })
    }

    /// Runs a search: here while the index is small, where it takes less than the change to
    /// another thread and back may cost under load; otherwise on a thread that may block.
    async fn search_with<T, F>(&self, search: F) -> Result<T, SearchError>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot, &mut Scratch) -> Result<T, SearchError> + Send + 'static,
    {
        let snapshot = self.shared.generation().snapshot();
        let shared = Arc::clone(&self.shared);
        let run = move || {
            let mut scratch = shared.scratches.lock().pop().unwrap_or_default();
            let result = search(&snapshot, &mut scratch);
            shared.scratches.lock().push(scratch);
            result
        };
        if self.shared.generation().snapshot().searcher.num_docs() <= INLINE_DOCS {
            // As on another thread, a panic over damaged files becomes an error.
            return catch_unwind(AssertUnwindSafe(run))
                .unwrap_or_else(|_| Err(engine("the search index is damaged")));
        }
        let _permit = self.searches.acquire().await.map_err(engine)?;
        blocking(run).await
    }
}

impl Shared {
    fn generation(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().generation)
    }
}

fn engine(error: impl std::fmt::Display) -> SearchError {
    SearchError::Engine(error.to_string())
}

/// Runs work that waits for the disk or computes for long. A panic in it becomes an error.
async fn blocking<T, F>(work: F) -> Result<T, SearchError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, SearchError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(engine)?
}

fn directory_name(number: u64) -> String {
    format!("v{VERSION}-{number}")
}

/// The number of a directory of any version.
fn number_of(name: &str) -> Option<u64> {
    let (version, number) = name.strip_prefix('v')?.split_once('-')?;
    version.parse::<u32>().ok()?;
    number.parse().ok()
}

fn last_number(root: &Path) -> Result<u64, SearchError> {
    let mut last = 0;
    for entry in std::fs::read_dir(root).map_err(engine)? {
        let name = entry.map_err(engine)?.file_name();
        last = last.max(name.to_str().and_then(number_of).unwrap_or(0));
    }
    Ok(last)
}

fn create(directory: &Path) -> Result<Generation, SearchError> {
    std::fs::create_dir(directory).map_err(engine)?;
    Generation::create(directory).map_err(engine)
}

/// Opens the index that `current` names, if it can be used.
fn open_current(root: &Path) -> Option<(String, Generation)> {
    let name = match std::fs::read_to_string(root.join("current")) {
        Ok(name) => name,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "the search index cannot be read; starting an empty one");
            return None;
        }
    };
    let of_this_version = number_of(&name).is_some_and(|number| directory_name(number) == name);
    if !of_this_version {
        tracing::warn!("the search index is of another version; starting an empty one");
        return None;
    }
    match Generation::open(&root.join(&name)) {
        Ok(generation) => Some((name, generation)),
        Err(error) => {
            tracing::warn!(%error, "the search index is damaged; starting an empty one");
            None
        }
    }
}

/// Makes `name` the directory in use, so that a crash leaves either the old or the new one.
fn point_to(root: &Path, name: &str) -> Result<(), SearchError> {
    let write = || {
        let new = root.join("current.new");
        let mut file = File::create(&new)?;
        file.write_all(name.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, root.join("current"))?;
        File::open(root)?.sync_all()
    };
    write().map_err(engine)
}

/// Removes index directories that are not in use: of other versions, or of a rebuild that did
/// not finish. What cannot be removed now is tried again at the next start.
fn remove_others(root: &Path, keep: &str) {
    let Ok(entries) = std::fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_other = name.to_str().is_some_and(|name| name != keep && number_of(name).is_some());
        if is_other {
            remove(&entry.path());
        }
    }
}

fn remove(directory: &Path) {
    if let Err(error) = std::fs::remove_dir_all(directory) {
        tracing::warn!(%error, "an old search index cannot be removed");
    }
}

#[async_trait]
impl SearchIndex for TantivyIndex {
    async fn search(&self, query: &SearchQuery) -> Result<SearchResult, SearchError> {
        check(query)?;
        let query = query.clone();
        self.search_with(move |snapshot, scratch| search(snapshot, &query, scratch)).await
    }

    async fn suggest(&self, prefix: &str, limit: usize) -> Result<Vec<Suggestion>, SearchError> {
        check_text(prefix)?;
        let prefix = prefix.to_owned();
        let limit = limit.min(SUGGESTIONS);
        self.search_with(move |snapshot, _| {
            suggest::suggest(snapshot, &prefix, limit).map_err(engine)
        })
        .await
    }

    async fn apply(
        &self,
        upsert: Vec<ProductDoc>,
        remove: Vec<ProductId>,
        offset: i64,
    ) -> Result<(), SearchError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let _writing = shared.writing.lock();
            let generation = shared.generation();
            generation.apply(&upsert, &remove, offset).map_err(engine)
        })
        .await
    }

    async fn offset(&self) -> Result<i64, SearchError> {
        Ok(self.shared.generation().snapshot().offset())
    }

    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, SearchError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let number = {
                let mut last = shared.last_number.lock();
                *last += 1;
                *last
            };
            let name = directory_name(number);
            let directory = shared.root.join(&name);
            let rebuild: Box<dyn Rebuild> = Box::new(TantivyRebuild {
                generation: Some(Arc::new(create(&directory)?)),
                shared,
                name,
                directory,
            });
            Ok(rebuild)
        })
        .await
    }

    async fn len(&self) -> Result<u64, SearchError> {
        Ok(self.shared.generation().snapshot().searcher.num_docs())
    }
}

/// A second index being filled.
#[derive(Debug)]
struct TantivyRebuild {
    shared: Arc<Shared>,
    /// None once it is in use.
    generation: Option<Arc<Generation>>,
    name: String,
    directory: PathBuf,
}

#[async_trait]
impl Rebuild for TantivyRebuild {
    async fn add(&mut self, docs: Vec<ProductDoc>) -> Result<(), SearchError> {
        let Some(generation) = self.generation.clone() else {
            return Ok(());
        };
        blocking(move || generation.add(&docs).map_err(engine)).await
    }

    async fn finish(mut self: Box<Self>, offset: i64) -> Result<(), SearchError> {
        let Some(generation) = self.generation.clone() else {
            return Ok(());
        };
        blocking(move || {
            generation.finish(offset).map_err(engine)?;
            let shared = Arc::clone(&self.shared);
            let _writing = shared.writing.lock();
            point_to(&shared.root, &self.name)?;
            // From here on the directory is in use and must outlive this value.
            self.generation = None;
            let new = Current { name: self.name.clone(), generation };
            let old = std::mem::replace(&mut *shared.current.write(), new);
            // Searches that still run keep its files open; only their names go.
            remove(&shared.root.join(old.name));
            Ok(())
        })
        .await
    }
}

impl Drop for TantivyRebuild {
    fn drop(&mut self) {
        if let Some(generation) = self.generation.take() {
            drop(generation);
            remove(&self.directory);
        }
    }
}

fn check(query: &SearchQuery) -> Result<(), SearchError> {
    check_text(&query.text)?;
    if query.offset > MAX_OFFSET {
        return Err(SearchError::Invalid(format!(
            "results beyond the first {MAX_OFFSET} are not given; narrow the search down"
        )));
    }
    if query.limit > limits::PAGE_ITEMS {
        return Err(SearchError::Invalid(format!(
            "at most {} results are given at once",
            limits::PAGE_ITEMS
        )));
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), SearchError> {
    if text.len() > limits::QUERY_BYTES {
        return Err(SearchError::Invalid(format!(
            "a search has at most {} bytes",
            limits::QUERY_BYTES
        )));
    }
    Ok(())
}

fn search(
    snapshot: &Snapshot,
    query: &SearchQuery,
    scratch: &mut Scratch,
) -> Result<SearchResult, SearchError> {
    let matches = matching::find(snapshot, &query.text, &mut scratch.tally).map_err(engine)?;
    let vocabulary = snapshot.vocabulary.read();
    let filters = Filters::new(query, &vocabulary)?;
    let filtered = filters.apply(snapshot, &matches, query.facets);
    let facets = if query.facets {
        facets::count(snapshot, &vocabulary, &filters, &filtered, &mut scratch.counter)
    } else {
        Vec::new()
    };
    drop(vocabulary);
    let total = filtered.hits.len() as u64;
    Ok(SearchResult {
        ids: page(snapshot, query, filtered.hits).map_err(engine)?,
        total,
        facets,
        corrected: matches.corrected,
    })
}

/// The products of the wanted page, in order. Ties are broken by id, so that pages never overlap.
fn page(
    snapshot: &Snapshot,
    query: &SearchQuery,
    mut hits: Vec<Hit>,
) -> tantivy::Result<Vec<ProductId>> {
    if query.limit == 0 || query.offset >= hits.len() {
        return Ok(Vec::new());
    }
    let by_time = query.sort == Sort::Newest
        || (query.sort == Sort::Relevance && hits.iter().all(|hit| hit.rank == 0));
    let title_ranks = match query.sort {
        Sort::Title => Some(snapshot.title_ranks()?),
        _ => None,
    };
    // The rank becomes a number that ascends as the sort order wants.
    for hit in &mut hits {
        let Some(columns) = snapshot.segments.get(hit.segment as usize) else {
            continue;
        };
        let price = || {
            let prices = columns.prices(query.currency);
            prices.get(hit.doc as usize).copied().unwrap_or(NO_PRICE)
        };
        hit.rank = match query.sort {
            _ if by_time => !ordered(columns.created(hit.doc)),
            Sort::Relevance | Sort::Newest => !hit.rank,
            // Without a price: last in both directions.
            Sort::PriceAscending => ordered(price()).wrapping_sub(1),
            Sort::PriceDescending => !ordered(price()),
            Sort::Title => {
                let ranks = title_ranks.and_then(|ranks| ranks.get(hit.segment as usize));
                let ranks = ranks.map_or(&[][..], Vec::as_slice);
                u64::from(columns::at(ranks, columns.title_ord(hit.doc)))
            }
        };
    }
    let id = |hit: &Hit| {
        let columns = snapshot.segments.get(hit.segment as usize);
        columns.map_or(0, |columns| columns.id(hit.doc))
    };
    let order = |a: &Hit, b: &Hit| a.rank.cmp(&b.rank).then_with(|| id(a).cmp(&id(b)));
    let end = query.offset.saturating_add(query.limit);
    if end < hits.len() {
        hits.select_nth_unstable_by(end, order);
        hits.truncate(end);
    }
    hits.sort_unstable_by(order);
    Ok(hits
        .iter()
        .skip(query.offset)
        .map(|hit| ProductId::from_uuid(uuid::Uuid::from_u128(id(hit))))
        .collect())
}

/// The number with the same order among unsigned ones; [`NO_PRICE`] becomes 0.
fn ordered(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}
