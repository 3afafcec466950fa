//! One index directory with its writer: opened, filled, searched.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use stoa_kernel::ProductId;
use stoa_ports::search::ProductDoc;
use tantivy::directory::MmapDirectory;
use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term,
};

use super::analysis::analyze;
use super::columns::{SegmentColumns, ValueId, Vocabulary};
use super::document::Fields;

/// Memory for documents not yet written, in bytes; freed after each commit.
const WRITER_BYTES: usize = 15_000_000;
/// Segments of about one size that are merged into one. Small, because every segment costs each
/// search a few dictionary look-ups.
const MERGE_SEGMENTS: usize = 4;
/// Products up to which segments are of one size. Each merge writes all of its segments anew, so that
/// a larger one beside a stream of edits would be written again and again.
const SMALL_SEGMENT: u32 = 500;
/// Share of deleted documents from which a segment is rewritten without them.
const DELETED_SHARE: f32 = 0.25;
/// Index files up to this size are checked for damage when they are opened, in bytes: that takes
/// about a millisecond for each ten megabytes that the system has in memory.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// What a search sees: the segments of one commit.
pub(super) struct Snapshot {
    pub(super) searcher: Searcher,
    /// The columns of each segment, in the order of the searcher.
    pub(super) segments: Vec<Arc<SegmentColumns>>,
    pub(super) fields: Fields,
    pub(super) vocabulary: Arc<RwLock<Vocabulary>>,
    offset: i64,
    names: OnceLock<Vec<Name>>,
    title_ranks: OnceLock<tantivy::Result<Vec<Vec<u32>>>>,
}

/// A category or brand.
pub(super) struct Name {
    /// Its words as queries are written.
    pub(super) words: String,
    pub(super) label: String,
    /// What a filter takes.
    pub(super) value: String,
    pub(super) is_category: bool,
    /// How many products have it.
    pub(super) products: u32,
}

impl Snapshot {
    /// The event log offset that these documents follow.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// The categories and brands that products have, collected when first asked for.
    pub(super) fn names(&self) -> &[Name] {
        self.names.get_or_init(|| self.collect_names())
    }

    fn collect_names(&self) -> Vec<Name> {
        let vocabulary = self.vocabulary.read();
        let mut counts: HashMap<ValueId, u32> = HashMap::new();
        for (reader, columns) in self.searcher.segment_readers().iter().zip(&self.segments) {
            for doc in reader.doc_ids_alive() {
                for value in columns.facets(doc) {
                    let field = vocabulary.field_of(*value);
                    if field == Vocabulary::CATEGORY || field == Vocabulary::BRAND {
                        *counts.entry(*value).or_default() += 1;
                    }
                }
            }
        }
        let mut names: Vec<Name> = counts
            .into_iter()
            .map(|(value, products)| Name {
                words: analyze(vocabulary.label(value)).words.join(" "),
                label: vocabulary.label(value).to_owned(),
                value: vocabulary.text(value).to_owned(),
                is_category: vocabulary.field_of(value) == Vocabulary::CATEGORY,
                products,
            })
            .collect();
        names.sort_unstable_by(|a, b| {
            b.products.cmp(&a.products).then_with(|| a.value.cmp(&b.value))
        });
        names
    }

    /// The place of every title of each segment among all titles, made when first asked for:
    /// sorting by title then compares numbers.
    pub(super) fn title_ranks(&self) -> tantivy::Result<&[Vec<u32>]> {
        let ranks = self.title_ranks.get_or_init(|| self.rank_titles());
        match ranks {
            Ok(ranks) => Ok(ranks),
            Err(error) => Err(error.clone()),
        }
    }

    fn rank_titles(&self) -> tantivy::Result<Vec<Vec<u32>>> {
        let mut titles: Vec<(Vec<u8>, usize)> = Vec::new();
        for (segment, columns) in self.segments.iter().enumerate() {
            if let Some(column) = columns.titles() {
                let mut stream = column.dictionary().stream()?;
                while stream.advance() {
                    titles.push((stream.key().to_vec(), segment));
                }
            }
        }
        titles.sort_unstable();
        let mut ranks: Vec<Vec<u32>> = vec![Vec::new(); self.segments.len()];
        let mut rank = 0;
        let mut before: Option<&[u8]> = None;
        for (title, segment) in &titles {
            if before.is_some_and(|before| before != title) {
                rank += 1;
            }
            before = Some(title);
            if let Some(ranks) = ranks.get_mut(*segment) {
                ranks.push(rank);
            }
        }
        Ok(ranks)
    }
}

/// An index directory in use.
pub(super) struct Generation {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    vocabulary: Arc<RwLock<Vocabulary>>,
    writer: Mutex<IndexWriter>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// The columns of the segments of the last snapshot.
    columns: Mutex<HashMap<SegmentId, Arc<SegmentColumns>>>,
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("directory", self.index.directory())
            .finish_non_exhaustive()
    }
}

impl Generation {
    /// Makes an empty index in an empty directory.
    pub(super) fn create(directory: &Path) -> tantivy::Result<Self> {
        let (schema, _) = Fields::schema();
        let index = Index::create_in_dir(directory, schema)?;
        Self::start(index)
    }

    /// Opens the index in a directory and checks that it is whole and of this version.
    pub(super) fn open(directory: &Path) -> tantivy::Result<Self> {
        // Damaged files are met with assertions in some places of the library.
        catch_unwind(AssertUnwindSafe(|| {
            let index = Index::open(MmapDirectory::open(directory)?)?;
            if index.schema() != Fields::schema().0 {
                return Err(TantivyError::SchemaError("the index has another schema".to_owned()));
            }
            if size_of(directory)? <= CHECKED_BYTES {
                let damaged = index.validate_checksum()?;
                if !damaged.is_empty() {
                    return Err(TantivyError::InternalError(format!("damaged files: {damaged:?}")));
                }
            }
            Self::start(index)
        }))
        .unwrap_or_else(|_| {
            Err(TantivyError::InternalError("the index files are damaged".to_owned()))
        })
    }

    fn start(index: Index) -> tantivy::Result<Self> {
        let (_, fields) = Fields::schema();
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(MERGE_SEGMENTS);
        policy.set_min_layer_size(SMALL_SEGMENT);
        policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
        writer.set_merge_policy(Box::new(policy));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let vocabulary = Arc::new(RwLock::new(Vocabulary::new()));
        let columns = Mutex::new(HashMap::new());
        let snapshot = take_snapshot(&index, &reader, fields, &vocabulary, &columns)?;
        Ok(Self {
            index,
            reader,
            fields,
            vocabulary,
            writer: Mutex::new(writer),
            snapshot: RwLock::new(Arc::new(snapshot)),
            columns,
        })
    }

    /// What searches see now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read())
    }

    /// Adds documents without showing them yet; a document of the same product is replaced.
    pub(super) fn add(&self, docs: &[ProductDoc]) -> tantivy::Result<()> {
        let writer = self.writer.lock();
        self.add_with(&writer, docs)
    }

    fn add_with(
        &self,
        writer: &IndexWriter<TantivyDocument>,
        docs: &[ProductDoc],
    ) -> tantivy::Result<()> {
        for doc in docs {
            writer.delete_term(self.id_term(doc.id));
            writer.add_document(self.fields.document(doc))?;
        }
        Ok(())
    }

    fn id_term(&self, id: ProductId) -> Term {
        Term::from_field_bytes(self.fields.id, id.uuid().as_bytes())
    }

    /// Replaces and removes documents and commits them with the offset, all or nothing.
    pub(super) fn apply(
        &self,
        upsert: &[ProductDoc],
        remove: &[ProductId],
        offset: i64,
    ) -> tantivy::Result<()> {
        let mut writer = self.writer.lock();
        let result = self
            .add_with(&writer, upsert)
            .and_then(|()| {
                for id in remove {
                    writer.delete_term(self.id_term(*id));
                }
                commit(&mut writer, offset)
            })
            .and_then(|()| self.refresh());
        if result.is_err() {
            writer.rollback()?;
        }
        result
    }

    /// Commits everything added, as one segment.
    pub(super) fn finish(&self, offset: i64) -> tantivy::Result<()> {
        let mut writer = self.writer.lock();
        let policy = writer.get_merge_policy();
        writer.set_merge_policy(Box::new(NoMergePolicy));
        commit(&mut writer, offset)?;
        let segments = self.index.searchable_segment_ids()?;
        if segments.len() > 1 {
            writer.merge(&segments).wait()?;
            writer.garbage_collect_files().wait()?;
        }
        writer.set_merge_policy(Box::new(SharedPolicy(policy)));
        self.refresh()
    }

    /// Lets searches see the last commit.
    fn refresh(&self) -> tantivy::Result<()> {
        self.reader.reload()?;
        let snapshot =
            take_snapshot(&self.index, &self.reader, self.fields, &self.vocabulary, &self.columns)?;
        *self.snapshot.write() = Arc::new(snapshot);
        Ok(())
    }
}

/// A merge policy that was in use before.
#[derive(Debug)]
struct SharedPolicy(Arc<dyn tantivy::indexer::MergePolicy>);

impl tantivy::indexer::MergePolicy for SharedPolicy {
    fn compute_merge_candidates(
        &self,
        segments: &[tantivy::SegmentMeta],
    ) -> Vec<tantivy::indexer::MergeCandidate> {
        self.0.compute_merge_candidates(segments)
    }
}

fn commit(writer: &mut IndexWriter, offset: i64) -> tantivy::Result<()> {
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&offset.to_string());
    prepared.commit()?;
    Ok(())
}

fn take_snapshot(
    index: &Index,
    reader: &IndexReader,
    fields: Fields,
    vocabulary: &Arc<RwLock<Vocabulary>>,
    columns: &Mutex<HashMap<SegmentId, Arc<SegmentColumns>>>,
) -> tantivy::Result<Snapshot> {
    let searcher = reader.searcher();
    let payload = index.load_metas()?.payload;
    let offset = match payload {
        Some(payload) => payload
            .parse()
            .map_err(|_| TantivyError::InternalError("the offset is damaged".to_owned()))?,
        None => 0,
    };
    let mut known = columns.lock();
    let mut kept = HashMap::new();
    let mut segments = Vec::new();
    for reader in searcher.segment_readers() {
        let id = reader.segment_id();
        let columns = match known.get(&id) {
            Some(columns) => Arc::clone(columns),
            None => Arc::new(SegmentColumns::load(reader, vocabulary)?),
        };
        kept.insert(id, Arc::clone(&columns));
        segments.push(columns);
    }
    *known = kept;
    Ok(Snapshot {
        searcher,
        segments,
        fields,
        vocabulary: Arc::clone(vocabulary),
        offset,
        names: OnceLock::new(),
        title_ranks: OnceLock::new(),
    })
}

fn size_of(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
