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
