//! The driver: takes drafts from a reader and hands them on in chunks.

use std::time::Duration;

use async_trait::async_trait;
use stoa_domain::catalog::Draft;

use super::{BadRow, RowResult, Summary};

/// What writing one draft did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The product is new.
    Created,
    /// The product was there and differed.
    Updated,
    /// The product was there, equal in everything.
    Unchanged,
}

/// The store cannot take drafts at all; the import stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Where drafts go.
#[async_trait]
pub trait DraftSink: Send + Sync {
    /// Writes checked drafts, each whole or not at all, and answers for each in the same order:
    /// what it did, or why that one was refused. The number with each draft is its line.
    ///
    /// # Errors
    /// When none of them was written and later ones would not be either.
    async fn write(
        &self,
        drafts: Vec<(u64, Draft)>,
    ) -> Result<Vec<Result<Outcome, String>>, SinkError>;
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermark {
    /// Products read so far, good and rejected.
    pub products: u64,
    /// Products rejected so far.
    pub rejected: u64,
}

/// Who is told what happens while it happens. It also holds the clock: the import reads none.
pub trait Progress: Send + Sync {
    /// Time since the import began.
    fn elapsed(&self) -> Duration;
    /// A chunk is done.
    fn advanced(&self, to: Watermark);
    /// A fault was found.
    fn fault(&self, fault: &BadRow);
    /// A value was changed to make a product fit.
    fn note(&self, note: &BadRow);
}

/// How to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Do everything but write.
    pub dry_run: bool,
    /// Drafts handed on at once.
    pub chunk: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { dry_run: false, chunk: 200 }
    }
}

/// Imports everything `rows` yields. Never fails as a whole: what went wrong is in the summary.
///
/// `rows` is read on the calling task, a chunk at a time.
pub async fn run(
    sink: &dyn DraftSink,
    rows: impl Iterator<Item = RowResult> + Send,
    options: &Options,
    progress: &dyn Progress,
) -> Summary {
    let mut summary = Summary::default();
    let chunk = options.chunk.max(1);
    let mut waiting = Vec::with_capacity(chunk);
    for row in rows {
        summary.read += 1;
        match row {
            Ok(row) => {
                for note in &row.notes {
                    summary.notes += 1;
                    progress.note(note);
                }
                waiting.push((row.line, row.draft));
            }
            Err(rejected) => {
                summary.rejected += 1;
                for fault in rejected.faults {
                    progress.fault(&fault);
                    summary.add_fault(fault);
                }
            }
        }
        if waiting.len() >= chunk {
            flush(sink, &mut waiting, options, progress, &mut summary).await;
            if summary.stopped.is_some() {
                break;
            }
        }
    }
    if summary.stopped.is_none() {
        flush(sink, &mut waiting, options, progress, &mut summary).await;
    }
    summary.elapsed = progress.elapsed();
    summary
}

async fn flush(
    sink: &dyn DraftSink,
    waiting: &mut Vec<(u64, Draft)>,
    options: &Options,
    progress: &dyn Progress,
    summary: &mut Summary,
) {
    let drafts = std::mem::take(waiting);
    if options.dry_run {
        summary.would_write += u64::try_from(drafts.len()).unwrap_or(u64::MAX);
    } else if !drafts.is_empty() {
        let lines: Vec<u64> = drafts.iter().map(|(line, _)| *line).collect();
        match sink.write(drafts).await {
            Ok(outcomes) => {
                for (line, outcome) in lines.into_iter().zip(outcomes) {
                    match outcome {
                        Ok(Outcome::Created) => summary.created += 1,
                        Ok(Outcome::Updated) => summary.updated += 1,
                        Ok(Outcome::Unchanged) => summary.unchanged += 1,
                        Err(reason) => {
                            let fault = BadRow::new(line, reason);
                            summary.rejected += 1;
                            progress.fault(&fault);
                            summary.add_fault(fault);
                        }
                    }
                }
            }
            Err(error) => summary.stopped = Some(error.to_string()),
        }
    }
    progress.advanced(Watermark { products: summary.read, rejected: summary.rejected });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::super::{Rejected, Row, native};
    use super::*;

    /// A store in memory that refuses titles with `refuse` and fails after some chunks.
    #[derive(Default)]
    struct Store {
        products: Mutex<BTreeMap<String, Draft>>,
        chunks: Mutex<Vec<usize>>,
        fail_after: Option<usize>,
    }

    #[async_trait]
    impl DraftSink for Store {
        async fn write(
            &self,
            drafts: Vec<(u64, Draft)>,
        ) -> Result<Vec<Result<Outcome, String>>, SinkError> {
            let mut chunks = self.chunks.lock().unwrap();
            if self.fail_after.is_some_and(|limit| chunks.len() >= limit) {
                return Err(SinkError("disk full".to_owned()));
            }
            chunks.push(drafts.len());
            let mut products = self.products.lock().unwrap();
            Ok(drafts
                .into_iter()
                .map(|(_, draft)| {
                    if draft.title.contains("refuse") {
                        return Err("refused".to_owned());
                    }
                    let old = products.insert(draft.handle.clone(), draft.clone());
                    Ok(match old {
                        None => Outcome::Created,
                        Some(old) if old == draft => Outcome::Unchanged,
                        Some(_) => Outcome::Updated,
                    })
                })
                .collect())
        }
    }

    #[derive(Default)]
    struct Told {
        marks: Mutex<Vec<Watermark>>,
        faults: Mutex<Vec<String>>,
        notes: Mutex<Vec<String>>,
    }

    impl Progress for Told {
        fn elapsed(&self) -> Duration {
            Duration::from_secs(2)
        }
        fn advanced(&self, to: Watermark) {
            self.marks.lock().unwrap().push(to);
        }
        fn fault(&self, fault: &BadRow) {
            self.faults.lock().unwrap().push(fault.to_string());
        }
        fn note(&self, note: &BadRow) {
            self.notes.lock().unwrap().push(note.to_string());
        }
    }

    fn lines(titles: &[&str]) -> Vec<RowResult> {
        let text: String = titles
            .iter()
            .map(|title| match *title {
                "" => "bad\n".to_owned(),
                title => {
                    format!("{{\"handle\":\"{title}\",\"title\":\"{title}\",\"variants\":[]}}\n")
                }
            })
            .collect();
        native::rows(text.as_bytes()).collect()
    }

    async fn import(store: &Store, titles: &[&str], dry_run: bool) -> (Summary, Told) {
        let told = Told::default();
        let options = Options { dry_run, chunk: 2 };
        let summary = run(store, lines(titles).into_iter(), &options, &told).await;
        (summary, told)
    }

    #[tokio::test]
    async fn writes_in_chunks_and_counts_what_came_of_each() {
        let store = Store::default();
        let (summary, told) = import(&store, &["a", "", "b", "refuse-c", "d", "e"], false).await;
        assert_eq!(*store.chunks.lock().unwrap(), [2, 2, 1]);
        assert_eq!((summary.read, summary.created, summary.rejected), (6, 4, 2));
        assert_eq!(summary.faults, 2);
        assert_eq!(summary.elapsed, Duration::from_secs(2));
        assert_eq!(summary.accepted() + summary.rejected, summary.read);
        let faults = told.faults.into_inner().unwrap();
        assert!(faults[0].starts_with("2: expected value"), "{faults:?}");
        assert_eq!(faults[1], "4: refused");
        let last = *told.marks.lock().unwrap().last().unwrap();
        assert_eq!(last, Watermark { products: 6, rejected: 2 });
    }

    #[tokio::test]
    async fn a_second_run_changes_nothing() {
        let store = Store::default();
        import(&store, &["a", "b"], false).await;
        let (summary, _) = import(&store, &["a", "b", "c"], false).await;
        assert_eq!((summary.created, summary.updated, summary.unchanged), (1, 0, 2));
    }

    #[tokio::test]
    async fn a_dry_run_does_everything_but_write() {
        let store = Store::default();
        let (summary, told) = import(&store, &["a", "", "b"], true).await;
        assert!(store.products.into_inner().unwrap().is_empty());
        assert_eq!((summary.would_write, summary.rejected), (2, 1));
        assert_eq!(told.faults.into_inner().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_store_that_fails_stops_the_import_with_what_was_done() {
        let store = Store { fail_after: Some(1), ..Store::default() };
        let (summary, _) = import(&store, &["a", "b", "c", "d", "e"], false).await;
        assert_eq!((summary.created, summary.read), (2, 4));
        assert_eq!(summary.stopped.as_deref(), Some("disk full"));
    }

    #[tokio::test]
    async fn notes_are_told_and_counted() {
        let told = Told::default();
        let draft: Draft = serde_json::from_str(r#"{"title":"a","variants":[]}"#).unwrap();
        let mut row = Row::new(1, draft);
        row.notes.push(BadRow::new(1, "made to fit"));
        let rows = vec![Ok(row), Err(Rejected::one(2, "bad"))];
        let summary = run(&Store::default(), rows.into_iter(), &Options::default(), &told).await;
        assert_eq!(summary.notes, 1);
        assert_eq!(told.notes.into_inner().unwrap(), ["1: made to fit"]);
    }
}
