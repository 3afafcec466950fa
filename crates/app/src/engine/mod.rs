//! The engine: commands queue; whatever waits is one batch; a batch is one transaction.
//!
//! ```text
//! submit -> queue -> load (one query a table) -> decide (pure, one after the other)
//!        -> apply (set-based) + events + idempotency keys -> commit -> answer everyone
//! ```
//!
//! Where the database lets transactions that write run beside each other, there are three lanes, each with
//! a queue and batches like these: for what takes stock or changes orders, for what changes a cart and
//! nothing else, and for what payments lead to. What several touch, the rows' locks keep apart, as they do
//! for two processes.
//!
//! There is no timer: what queued while the last batch was decided is the next one, so that a single
//! command waits for nobody and under load one commit serves many. The next batch is decided while
//! the commit before it is on its way to disk. Nobody is answered before the commit is there; when it
//! fails, everyone learns that nothing happened.

mod apply;
mod batch;
mod copies;
mod load;
mod offers;
mod stats;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use stoa_domain::shop::ShopConfig;
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{IdSource, Timestamp, limits};
use stoa_sql::Db;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use self::batch::{Answers, With};
use self::copies::Remembered;
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

/// Lanes that there are at most.
const LANES: usize = 3;

type Answering = oneshot::Sender<Outcome>;
type Envelope = (Submission, Answering);

/// A handle to the engine. Cheap to clone; the engine ends when the last handle is dropped and
/// everything queued is done.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The queue of each lane; at least one.
    lanes: Arc<[mpsc::Sender<Envelope>]>,
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
    /// Answers are given on the runtime that this is called on.
    ///
    /// # Errors
    /// The system refuses another thread, or there is no runtime.
    pub fn start(
        db: Db,
        shop: Arc<ShopConfig>,
        clock: fn() -> Timestamp,
        seed: u64,
    ) -> std::io::Result<(Self, EngineThread)> {
        let stats = Arc::new(EngineStats::default());
        let n_lanes = if db.writes_in_parallel() { LANES } else { 1 };
        let (lanes, waiting): (Vec<_>, Vec<_>) =
            (0..n_lanes).map(|_| mpsc::channel(limits::ENGINE_QUEUE / n_lanes)).unzip();
        let answers = Handle::try_current().map_err(std::io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let lane_stats = Arc::clone(&stats);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let lanes = waiting.into_iter().zip(0_u64..).map(|(waiting, n)| Lane {
                db: db.clone(),
                shop: Arc::clone(&shop),
                clock,
                // Far from the seeds that others begin with.
                ids: IdSource::seeded(seed ^ (n << 62)),
                stats: Arc::clone(&lane_stats),
                answers: answers.clone(),
                waiting,
            });
            LocalSet::new().block_on(&runtime, async {
                let mut running: JoinSet<()> = JoinSet::new();
                let remembered = Rc::new(RefCell::new(Remembered::default()));
                for lane in lanes {
                    running.spawn_local(lane.run(Rc::clone(&remembered)));
                }
                running.join_all().await;
            });
        })?;
        Ok((Self { lanes: lanes.into(), stats }, EngineThread(thread)))
    }

    /// Submits a command and waits for what became of it. Dropping the future does not take the
    /// command back.
    pub async fn submit(&self, submission: impl Into<Submission>) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let submission = submission.into();
        let lane = self.lanes.get(lane(&submission.command)).or(self.lanes.first());
        if lane.is_none_or(|lane| lane.try_send((submission, answer)).is_err()) {
            self.stats.overloaded();
            return Outcome::Unavailable;
        }
        outcome.await.unwrap_or(Outcome::Unavailable)
    }

    /// What the engine has done so far.
    pub fn stats(&self) -> EngineSnapshot {
        let queued = self.lanes.iter().map(|lane| lane.max_capacity() - lane.capacity());
        self.stats.snapshot(queued.sum())
    }
}

/// Which lane takes a command, where there are several: what takes stock or changes orders, what changes a cart
/// and nothing else, and what payments lead to.
const fn lane(command: &Command) -> usize {
    match command {
        Command::PlaceOrder(_)
        | Command::SetStock(_)
        | Command::CancelOrder(_)
        | Command::Fulfil(_)
        | Command::ChangeTracking(_)
        | Command::CancelFulfilment(_) => 0,
        Command::CreateCart(_)
        | Command::AddLine(_)
        | Command::ChangeLine(_)
        | Command::UpdateCart(_)
        | Command::RefreshCart(_) => 1,
        Command::SettlePayment(_) | Command::SettleRefund(_) => 2,
    }
}

/// What decides the commands of one queue, a batch after the other.
struct Lane {
    db: Db,
    shop: Arc<ShopConfig>,
    clock: fn() -> Timestamp,
    ids: IdSource,
    stats: Arc<EngineStats>,
    /// Where answers are given.
    answers: Handle,
    waiting: mpsc::Receiver<Envelope>,
}

impl Lane {
    /// Runs until nobody can submit anything more and everything queued is done.
    async fn run(mut self, remembered: Rc<RefCell<Remembered>>) {
        let mut batch = Vec::with_capacity(limits::ENGINE_BATCH);
        let mut offers = Offers::default();
        let flushes = Arc::new(Semaphore::new(FLUSHES));
        while let Ok(flush) = Arc::clone(&flushes).acquire_owned().await {
            if self.waiting.recv_many(&mut batch, limits::ENGINE_BATCH).await == 0 {
                break;
            }
            let (db, shop, clock) = (&self.db, &self.shop, self.clock);
            let with = With { db, shop, clock, remembered: &remembered, offers: &mut offers };
            let answers = Answers { given_on: &self.answers, stats: &self.stats, flush };
            batch::run(with, &mut self.ids, &mut batch, answers).await;
        }
    }
}
