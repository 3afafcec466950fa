//! Replicas that answer what may be a moment old.
//!
//! A read goes to a replica only when that has replayed the log up to the position that is known
//! to be needed: whoever has learned of a change (a follower of the event log, an edit made here)
//! notes the position of the log, and from then on no read sees the state before it. A replica that
//! is too far behind, or away, is left out until it is neither.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::SimpleQueryMessage;

use super::{BEGIN_READ, Connection, Options, Pool, PostgresTx, host_names};
use crate::error::SqlError;

/// How often replicas are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a replica may take to begin a transaction, or to say where it is.
const PATIENCE: Duration = Duration::from_millis(1_000);
/// Positions of the primary that are remembered.
const SAMPLES: usize = 4_096;
const POSITION: &str = "select pg_current_wal_insert_lsn()";
const REPLAYED: &str = "select pg_last_wal_replay_lsn() where pg_is_in_recovery()";

/// A replica, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Host and port.
    pub name: String,
    /// Whether reads go to it.
    pub serves: bool,
    /// How far it is behind, in milliseconds; `None` while that is not known.
    pub lag_ms: Option<u64>,
    /// Reads it has answered.
    pub reads: u64,
    /// Reads it was not asked for, because it had not replayed what they must see.
    pub behind: u64,
}

/// All replicas of a database.
#[derive(Debug)]
pub(super) struct Replicas {
    all: Vec<Replica>,
    next: AtomicUsize,
    max_lag: Duration,
}

#[derive(Debug)]
struct Replica {
    name: String,
    pool: Arc<Pool>,
    serves: AtomicBool,
    /// `u64::MAX` while it is not known.
    lag_ms: AtomicU64,
    reads: AtomicU64,
    behind: AtomicU64,
}

impl Replicas {
    /// Those that the options name; none of them need be there.
    pub(super) fn new(options: &Options) -> Result<Self, SqlError> {
        let roots = options.root_certificate.as_deref();
        let all = options.read_urls.iter().map(|url| {
            let pool = Pool::new(url, options.connections, roots)?;
            Ok(Replica {
                name: host_names(&pool.config),
                pool: Arc::new(pool),
                serves: AtomicBool::new(false),
                lag_ms: AtomicU64::new(u64::MAX),
                reads: AtomicU64::new(0),
                behind: AtomicU64::new(0),
            })
        });
        let all = all.collect::<Result<_, SqlError>>()?;
        Ok(Self { all, next: AtomicUsize::new(0), max_lag: options.max_lag })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn status(&self) -> Vec<ReplicaStatus> {
        let status = |replica: &Replica| ReplicaStatus {
            name: replica.name.clone(),
            serves: replica.serves.load(Ordering::Relaxed),
            lag_ms: Some(replica.lag_ms.load(Ordering::Relaxed)).filter(|lag| *lag < u64::MAX),
            reads: replica.reads.load(Ordering::Relaxed),
            behind: replica.behind.load(Ordering::Relaxed),
        };
        self.all.iter().map(status).collect()
    }

    /// A transaction on a replica that has replayed up to a position; `None` when none has.
    pub(super) async fn read(&self, needed: u64) -> Option<PostgresTx> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for n in 0..self.all.len() {
            let replica = self.all.get(first.wrapping_add(n) % self.all.len())?;
            if !replica.serves.load(Ordering::Relaxed) {
                continue;
            }
            match timeout(PATIENCE, replica.begin(needed)).await {
                Ok(Ok(Some(tx))) => {
                    replica.reads.fetch_add(1, Ordering::Relaxed);
                    return Some(tx);
                }
                Ok(Ok(None)) => {
                    replica.behind.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Err(error)) => replica.set(false, &error.message),
                Err(_) => replica.set(false, "it has not answered in time"),
            }
        }
        None
    }

    /// Looks at all replicas; `connections` and `seen` are kept from one look to the next.
    async fn look(&self, primary: &Pool, watch: &mut Watch) {
        let now = Instant::now();
        let position = watch.primary.ask(primary, POSITION).await.ok().flatten();
        if let Some(position) = position {
            watch.samples.push_back((now, position));
            if watch.samples.len() > SAMPLES {
                watch.samples.pop_front();
            }
        }
        for (replica, asking) in self.all.iter().zip(&mut watch.replicas) {
            let replayed = match asking.ask(&replica.pool, REPLAYED).await {
                Ok(Some(replayed)) => replayed,
                Ok(None) => {
                    replica.set(false, "it is no replica");
                    continue;
                }
                Err(error) => {
                    replica.lag_ms.store(u64::MAX, Ordering::Relaxed);
                    replica.set(false, &error.message);
                    continue;
                }
            };
            if position.is_none() {
                continue; // The primary is away; what it wrote last is all there is.
            }
            let lag = lag(&watch.samples, now, replayed);
            let lag_ms = lag.map_or(u64::MAX, |lag| lag.as_millis().try_into().unwrap_or(u64::MAX));
            replica.lag_ms.store(lag_ms, Ordering::Relaxed);
            match lag {
                Some(lag) if lag <= self.max_lag => replica.set(true, ""),
                Some(_) => replica.set(false, "it is too far behind"),
                None => replica.set(false, "it has yet to catch up"),
            }
        }
    }
}

impl Replica {
    fn set(&self, serves: bool, why: &str) {
        let before = self.serves.swap(serves, Ordering::Relaxed);
        let name = &self.name;
        if before && !serves {
            tracing::warn!("the replica {name} is left out: {why}");
        } else if !before && serves {
            tracing::info!("the replica {name} answers reads");
        }
    }

    async fn begin(&self, needed: u64) -> Result<Option<PostgresTx>, SqlError> {
        let pool = &self.pool;
        let Ok(permit) = Arc::clone(&pool.readers.free).try_acquire_owned() else {
            return Ok(None);
        };
        loop {
            let kept = pool.readers.take();
            let was_kept = kept.is_some();
            let connection = match kept {
                Some(connection) => connection,
                None => pool.connect("").await?,
            };
            // Sent together. What is seen is settled after the position was read, so that it is no
            // older than that.
            let begun = tokio::join!(
                connection.client.simple_query(REPLAYED),
                connection.client.batch_execute(BEGIN_READ),
            );
            let pool = Arc::clone(pool);
            match begun {
                (Ok(rows), Ok(())) => {
                    let held = Some((connection, permit));
                    let tx = PostgresTx { pool, held, writes: false, is_stale: true };
                    let replayed = position(&rows);
                    return Ok(replayed.is_some_and(|replayed| replayed >= needed).then_some(tx));
                }
                (Err(error), _) | (_, Err(error)) => {
                    connection.driver.abort();
                    if !was_kept {
                        return Err(error.into());
                    }
                }
            }
        }
    }
}

/// What is kept from one look at the replicas to the next.
#[derive(Debug)]
struct Watch {
    primary: Asking,
    replicas: Vec<Asking>,
    /// When the primary was where.
    samples: VecDeque<(Instant, u64)>,
}

/// How long ago the primary was where a replica is now.
fn lag(samples: &VecDeque<(Instant, u64)>, now: Instant, replayed: u64) -> Option<Duration> {
    let (then, _) = samples.iter().rev().find(|(_, position)| *position <= replayed)?;
    Some(now.saturating_duration_since(*then))
}

/// A connection for asking where a server is.
#[derive(Debug, Default)]
struct Asking(Option<Connection>);

impl Asking {
    async fn ask(&mut self, pool: &Pool, text: &str) -> Result<Option<u64>, SqlError> {
        let asked = timeout(PATIENCE, async {
            let connection = match self.0.take() {
                Some(connection) => connection,
                None => pool.connect("").await?,
            };
            let rows = connection.client.simple_query(text).await?;
            self.0 = Some(connection);
            Ok(position(&rows))
        });
        asked.await.unwrap_or_else(|_| Err(SqlError::unavailable("it has not answered in time")))
    }
}

/// Looks at the replicas for ever, that is, until the pool is dropped.
pub(super) fn watch(primary: &Arc<Pool>, replicas: &Arc<Replicas>) {
    let (pool, replicas) = (Arc::downgrade(primary), Arc::downgrade(replicas));
    let n = replicas.upgrade().map_or(0, |replicas| replicas.all.len());
    primary.io.spawn(async move {
        let mut watch = Watch {
            primary: Asking::default(),
            replicas: (0..n).map(|_| Asking::default()).collect(),
            samples: VecDeque::new(),
        };
        while let (Some(pool), Some(replicas)) = (pool.upgrade(), replicas.upgrade()) {
            replicas.look(&pool, &mut watch).await;
            drop((pool, replicas));
            sleep(LOOK).await;
        }
    });
}

impl Pool {
    /// From now on, no read of this process sees the state before what this transaction sees.
    pub(super) async fn note_position(&self, connection: &Connection) -> Result<(), SqlError> {
        if self.has_replicas {
            let rows = super::answer(connection.client.simple_query(POSITION)).await?;
            if let Some(position) = position(&rows) {
                self.needed.fetch_max(position, Ordering::AcqRel);
            }
        }
        Ok(())
    }
}

/// A position of the log: `16/B374D848`.
fn position(rows: &[SimpleQueryMessage]) -> Option<u64> {
    rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => parse(row.get(0)?),
        _ => None,
    })
}

fn parse(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let high = u64::from(u32::from_str_radix(high, 16).ok()?);
    Some(high << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read() {
        assert_eq!(parse("16/B374D848"), Some(0x16_B374_D848));
        assert_eq!(parse("0/0"), Some(0));
        assert!(parse("FFFFFFFF/0") > parse("0/FFFFFFFF"));
        for wrong in ["", "/", "1", "1/2/3", "100000000/0"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lag_is_the_time_since_the_primary_was_there() {
        let now = Instant::now() + Duration::from_secs(100);
        let at =
            |seconds_ago: u64, position: u64| (now - Duration::from_secs(seconds_ago), position);
        let samples = VecDeque::from([at(9, 10), at(6, 20), at(3, 30), at(0, 30)]);
        let lag = |replayed| lag(&samples, now, replayed).map(|lag| lag.as_secs());
        // Idle, and all replayed: not behind, however long ago the last write was.
        assert_eq!(lag(30), Some(0));
        assert_eq!(lag(31), Some(0));
        assert_eq!(lag(29), Some(6));
        assert_eq!(lag(10), Some(9));
        assert_eq!(lag(9), None);
    }
}
