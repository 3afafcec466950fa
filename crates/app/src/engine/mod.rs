//! The engine: commands queue; whatever waits is one batch; a batch is one transaction.
//!
//! ```text
//! submit -> queue -> load (one query a table) -> decide (pure, one after the other)
//!        -> apply (set-based) + events + idempotency keys -> commit -> answer everyone
//! ```
//!
//! There is no timer: what queued while the last batch was decided is the next one, so that a single
//! command waits for nobody and under load one commit serves many. The next batch is decided while
//! the commit before it is on its way to disk. Nobody is answered before the commit is there; when it
//! fails, everyone learns that nothing happened.

mod apply;
mod batch;
mod load;
mod offers;
mod stats;

use std::sync::Arc;

use stoa_domain::shop::ShopConfig;
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{IdSource, Timestamp, limits};
use stoa_sql::Db;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::batch::With;
use self::offers::Offers;
use crate::answer::Answer;
use crate::idempotency::Idempotency;

pub use stats::{Snapshot as EngineSnapshot, Stats as EngineStats};

/// A command on its way into the engine.
#[derive(Debug)]
pub struct Submission {
    /// What is to be done.
    pub command: Command,
    /// The key under which a repeat gets the same answer.
    pub idempotency: Option<Idempotency>,
}

impl From<Command> for Submission {
    fn from(command: Command) -> Self {
        Self { command, idempotency: None }
    }
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one lives for one request")]
pub enum Outcome {
    /// Done and durable.
    Done {
        /// What the command answers.
        reply: Reply,
        /// Whether the key was seen before (its workflow still goes on).
        repeated: bool,
    },
    /// Refused; nothing changed.
    Refused(Refusal),
    /// The key was seen before: this was the answer.
    Replayed(Answer),
    /// The key was seen before with another request.
    KeyReused,
    /// Nothing happened; the same submission may succeed later.
    Unavailable,
}

/// Commits that may be on their way to disk at once. With one the engine waits for the disk, with
/// many it takes each command in a batch of its own.
const FLUSHES: usize = 3;

type Answering = oneshot::Sender<Outcome>;
type Envelope = (Submission, Answering);

/// A handle to the engine. Cheap to clone; the engine ends when the last handle is dropped and
/// everything queued is done.
#[derive(Debug, Clone)]
pub struct Engine {
    queue: mpsc::Sender<Envelope>,
    stats: Arc<EngineStats>,
}

/// The running engine.
#[derive(Debug)]
pub struct EngineThread(std::thread::JoinHandle<()>);

impl EngineThread {
    /// Waits until everything queued is done. All handles must be dropped first.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the engine ended by a fault");
        }
    }
}

impl Engine {
    /// Starts the engine on a thread of its own, so that its work and its commits never hold up a
    /// request that only reads. `clock` is asked once a batch; `seed` feeds the source of ids.
    ///
    /// # Errors
    /// The system refuses another thread.
    pub fn start(
        db: Db,
        shop: Arc<ShopConfig>,
        clock: fn() -> Timestamp,
        seed: u64,
    ) -> std::io::Result<(Self, EngineThread)> {
        let (queue, mut waiting) = mpsc::channel::<Envelope>(limits::ENGINE_QUEUE);
        let stats = Arc::new(EngineStats::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread_stats = Arc::clone(&stats);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let mut ids = IdSource::seeded(seed);
                let mut batch = Vec::with_capacity(limits::ENGINE_BATCH);
                let mut offers = Offers::default();
                let flushes = Arc::new(Semaphore::new(FLUSHES));
                while let Ok(flush) = Arc::clone(&flushes).acquire_owned().await {
                    if waiting.recv_many(&mut batch, limits::ENGINE_BATCH).await == 0 {
                        break;
                    }
                    let with = With { db: &db, shop: &shop, clock, offers: &mut offers };
                    batch::run(with, &mut ids, &mut batch, flush, &thread_stats).await;
                }
            });
        })?;
        Ok((Self { queue, stats }, EngineThread(thread)))
    }

    /// Submits a command and waits for what became of it. Dropping the future does not take the
    /// command back.
    pub async fn submit(&self, submission: impl Into<Submission>) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        if self.queue.try_send((submission.into(), answer)).is_err() {
            self.stats.overloaded();
            return Outcome::Unavailable;
        }
        outcome.await.unwrap_or(Outcome::Unavailable)
    }

    /// What the engine has done so far.
    pub fn stats(&self) -> EngineSnapshot {
        self.stats.snapshot(self.queue.max_capacity() - self.queue.capacity())
    }
}
