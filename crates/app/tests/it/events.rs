//! Subscribers: effects once, failures apart, takeover, replay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use stoa_app::cache::Cache;
use stoa_app::catalog::Catalog;
use stoa_app::engine::{Engine, EngineThread};
use stoa_app::event_log::{self, LoggedEvent};
use stoa_app::events::lag::{self, Followed};
use stoa_app::events::runner::{self, Follower};
use stoa_app::events::{Subscriber, SubscriberError, store};
use stoa_app::jobs;
use stoa_app::jobs::queue::TableQueue;
use stoa_app::mail::MailSettings;
use stoa_app::rate_limit::Limits;
use stoa_app::{Shop, Tx};
use stoa_domain::event::EventBody;
use stoa_embedded::cache::MemoryCache;
use stoa_embedded::outbox::Outbox;
use stoa_embedded::search::TantivyIndex;
use stoa_kernel::{Ctx, IdSource, Timestamp};
use stoa_ports::jobs::NewJob;
use stoa_test_stores::{Store, on_both_stores};
use tempfile::TempDir;

use crate::shop::config;

on_both_stores! {
    a_try_that_ends_before_its_commit_leaves_no_effect,
    one_that_fails_holds_up_nobody,
    of_two_processes_each_fact_has_one_effect,
    an_offset_survives_and_can_be_set_back,
    an_offset_is_kept_now_and_then_where_nothing_is_wanted,
}

/// Microseconds that these tests have let pass, beside the real ones.
static PASSED: AtomicI64 = AtomicI64::new(0);

pub fn clock() -> Timestamp {
    let now = stoa_app::clock::now();
    now.plus_millis(PASSED.load(Ordering::Relaxed) / 1_000)
}

fn pass(seconds: i64) {
    PASSED.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
}

/// A process on a store.
pub struct Process {
    pub shop: Arc<Shop>,
    _thread: EngineThread,
    _folder: TempDir,
}

impl Process {
    pub async fn open(on: &Store) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        let db = on.open().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let seed = SEED.fetch_add(1, Ordering::Relaxed);
        let (engine, thread) = Engine::start(db.clone(), config(), clock, seed).unwrap();
        let shop = Shop {
            catalog: Catalog::new(db.clone(), config()),
            search: Arc::new(TantivyIndex::open(&folder.path().join("search")).unwrap()),
            jobs: Arc::new(TableQueue::new(db.clone(), clock)),
            db,
            engine,
            config: config(),
            providers: BTreeMap::new(),
            mail: MailSettings::default(),
            mailer: Arc::new(Outbox),
            webhooks: stoa_app::webhooks::WebhookSettings::default(),
            cache: Cache::alone(Arc::new(MemoryCache::new()), clock),
            limits: Limits::default(),
            secret: [3; 32],
            clock,
            followed: Followed::default(),
            wake: tokio::sync::Notify::new(),
        };
        Self { shop: Arc::new(shop), _thread: thread, _folder: folder }
    }

    /// So many facts.
    async fn facts(&self, n: usize) {
        let mut ctx =
            Ctx { now: clock(), ids: IdSource::seeded(clock().as_micros().unsigned_abs()) };
        for products in 0..n {
            let body = EventBody::SearchRebuilt { products };
            event_log::record(&self.shop.db, &mut ctx, "search/products", body).await.unwrap();
        }
    }

    /// How often each fact had its effect, by its place.
    async fn effects(&self, name: &str) -> Vec<usize> {
        let mut tx = self.shop.db.read().await.unwrap();
        let all =
            jobs::store::list(&mut tx, jobs::store::JobState::Waiting, 100_000).await.unwrap();
        let mut counts = BTreeMap::<i64, usize>::new();
        for job in all.iter().filter(|job| job.kind == name) {
            *counts.entry(job.args["sequence"].as_i64().unwrap()).or_default() += 1;
        }
        counts.into_values().collect()
    }

    async fn row(&self, name: &str) -> store::Stored {
        let mut tx = self.shop.db.read().await.unwrap();
        store::find(&mut tx, name).await.unwrap().unwrap()
    }
}

/// Stores a job for each fact it wants; fails after so many tries have stored theirs.
struct Effects {
    name: &'static str,
    wants: &'static str,
    failures: AtomicUsize,
}

impl Effects {
    fn new(name: &'static str, failures: usize) -> Arc<Self> {
        Arc::new(Self { name, wants: "search.rebuilt", failures: AtomicUsize::new(failures) })
    }
}

#[async_trait]
impl Subscriber for Effects {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&self, kind: &str) -> bool {
        kind == self.wants
    }

    async fn take(
        &self,
        _shop: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let job = |event: &LoggedEvent| {
            let args = serde_json::json!({ "sequence": event.sequence });
            NewJob::new(ctx.job_id(), self.name, args, ctx.now)
        };
        let all: Vec<NewJob> = events.iter().map(job).collect();
        jobs::store::add(tx, &all, ctx.now).await?;
        let fails = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(SubscriberError::Failed("no luck".to_owned()));
        }
        Ok(())
    }
}

async fn a_try_that_ends_before_its_commit_leaves_no_effect(on: Store) {
    let process = Process::open(&on).await;
    process.facts(5).await;
    let effects = Effects::new("once", 2);
    let mut follower = Follower::new(effects.clone());
    while follower.step(&process.shop).await.unwrap() {}
    assert!(process.effects("once").await.is_empty(), "nothing of a failed try is kept");
    let row = process.row("once").await;
    assert_eq!((row.offset, row.attempts, row.failures), (0, 1, 1));
    assert_eq!(row.last_error.as_deref(), Some("no luck"));
    assert!(row.failing_since.is_some() && row.retry_at.unwrap() <= clock().plus_seconds(1));
    pass(2);
    assert!(!follower.step(&process.shop).await.unwrap());
    assert_eq!(process.row("once").await.attempts, 2);

    // A process that is gone in the middle of a try has committed nothing.
    let mut tx = process.shop.db.begin().await.unwrap();
    let mut ctx = Ctx { now: clock(), ids: IdSource::seeded(4) };
    let stretch = event_log::stretch(&mut tx, 0, 10, |_| true).await.unwrap();
    effects.take(&process.shop, &mut tx, &mut ctx, &stretch.events).await.unwrap();
    drop(tx);
    let (now, tomorrow) = (clock(), clock().plus_seconds(86_400));
    let mut tx = process.shop.db.begin().await.unwrap();
    store::failed(&mut tx, "once", 0, now, tomorrow, "away").await.unwrap();
    tx.commit().await.unwrap();
    assert!(!follower.step(&process.shop).await.unwrap());
    assert!(process.effects("once").await.is_empty(), "it is not tried before its time");
    let mut tx = process.shop.db.begin().await.unwrap();
    assert!(store::retry(&mut tx, "once").await.unwrap());
    tx.commit().await.unwrap();
    assert!(!follower.step(&process.shop).await.unwrap());
    assert_eq!(process.effects("once").await, [1; 5]);
    let row = process.row("once").await;
    assert_eq!((row.attempts, row.failures, row.failing_since), (0, 3, None));
    assert_eq!((row.last_error, row.retry_at), (None, None));
}

async fn one_that_fails_holds_up_nobody(on: Store) {
    let process = Process::open(&on).await;
    process.facts(3).await;
    let (good, bad) = (Effects::new("good", 0), Effects::new("bad", usize::MAX));
    let running = tokio::spawn(runner::run(Arc::clone(&process.shop), vec![bad, good]));
    for n in [3, 7] {
        if n == 7 {
            process.facts(4).await;
        }
        let begun = std::time::Instant::now();
        while process.effects("good").await.len() < n {
            assert!(begun.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    running.abort();
    assert_eq!(process.effects("good").await, [1; 7]);
    assert!(process.effects("bad").await.is_empty());
    let row = process.row("bad").await;
    assert!(row.attempts >= 1 && row.offset == 0, "{row:?}");
    let mut tx = process.shop.db.read().await.unwrap();
    let lags = lag::all(&mut tx, &process.shop.followed.all(), clock()).await.unwrap();
    let of = |name: &str| lags.iter().find(|lag| lag.name == name).unwrap();
    assert!(of("bad").is_failing() && of("bad").events >= 7);
    assert!(!of("good").is_failing() && of("good").events == 0);
}

async fn of_two_processes_each_fact_has_one_effect(on: Store) {
    let (one, two) = (Process::open(&on).await, Process::open(&on).await);
    let drive = |process: &Process| {
        let shop = Arc::clone(&process.shop);
        tokio::spawn(async move {
            let mut follower = Follower::new(Effects::new("shared", 0));
            for _ in 0..400 {
                follower.step(&shop).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    };
    let (first, second) = (drive(&one), drive(&two));
    one.facts(40).await;
    // One of them goes away; the other goes on.
    first.abort();
    let _aborted = first.await;
    one.facts(10).await;
    second.await.unwrap();
    runner::catch_up(&two.shop, Effects::new("shared", 0)).await.unwrap();
    assert_eq!(one.effects("shared").await, [1; 50]);
}

async fn an_offset_survives_and_can_be_set_back(on: Store) {
    let process = Process::open(&on).await;
    process.facts(4).await;
    runner::catch_up(&process.shop, Effects::new("again", 0)).await.unwrap();
    let offset = process.row("again").await.offset;
    assert!(offset > 0);
    drop(process);
    let process = Process::open(&on).await;
    runner::catch_up(&process.shop, Effects::new("again", 0)).await.unwrap();
    assert_eq!(process.effects("again").await, [1; 4]);

    let mut follower = Follower::new(Effects::new("again", 0));
    while follower.step(&process.shop).await.unwrap() {}
    let mut tx = process.shop.db.begin().await.unwrap();
    assert!(store::set(&mut tx, "again", offset - 2, clock()).await.unwrap());
    assert!(!store::set(&mut tx, "nobody", 0, clock()).await.unwrap());
    tx.commit().await.unwrap();
    while follower.step(&process.shop).await.unwrap() {}
    let effects = process.effects("again").await;
    assert_eq!(effects.iter().sum::<usize>(), 6, "the last two came again: {effects:?}");
    assert_eq!(process.row("again").await.offset, offset);

    runner::skip(&process.shop, "again").await.unwrap();
    let mut tx = process.shop.db.read().await.unwrap();
    let latest = event_log::latest(&mut tx).await.unwrap();
    drop(tx);
    assert_eq!(process.row("again").await.offset, latest);
}

async fn an_offset_is_kept_now_and_then_where_nothing_is_wanted(on: Store) {
    let process = Process::open(&on).await;
    let nothing = Effects { name: "idle", wants: "nothing", failures: AtomicUsize::new(0) };
    let mut follower = Follower::new(Arc::new(nothing));
    while follower.step(&process.shop).await.unwrap() {}
    process.facts(3).await;
    while follower.step(&process.shop).await.unwrap() {}
    let looked = process.shop.followed.all()["idle"];
    assert!(looked > 0);
    pass(11);
    while follower.step(&process.shop).await.unwrap() {}
    assert_eq!(process.row("idle").await.offset, looked);
}
