//! The contract of [`JobQueue`](crate::jobs::JobQueue): every implementation passes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stoa_kernel::{JobId, Timestamp};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::jobs::{Ending, JobCounts, JobQueue, NewJob, Progress, TakenJob};

/// A queue under test.
pub type Queue = Arc<dyn JobQueue>;

/// How long a queue may need to hand out what is due.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to look for what must not come.
const QUIET: Duration = Duration::from_millis(700);

/// What the suite needs to know of the queues under test.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Their clock.
    pub clock: fn() -> Timestamp,
    /// Their leases; short, because the suite waits for them to run out.
    pub lease_ms: u64,
}

/// Runs all tests of the contract one after the other on an empty queue, which is empty again
/// afterwards but for dead letters.
///
/// # Panics
/// When the contract is broken.
pub async fn job_queue_suite(queue: Queue, setting: Setting) {
    let test = Test { queue, setting };
    test.nothing_is_nothing().await;
    test.what_is_added_is_taken_once_with_all_it_has().await;
    test.higher_priorities_go_first().await;
    test.nothing_is_taken_before_its_time().await;
    test.a_key_is_held_while_its_job_waits_or_runs().await;
    test.what_failed_comes_again_and_at_last_is_kept().await;
    test.a_lost_lease_can_do_nothing().await;
    test.a_renewed_lease_lasts().await;
    test.many_workers_do_each_job_once().await;
}

struct Test {
    queue: Queue,
    setting: Setting,
}

impl Test {
    fn now(&self) -> Timestamp {
        (self.setting.clock)()
    }

    fn job(&self, kind: &str) -> NewJob {
        NewJob::new(id(), kind, json!({ "n": 1 }), self.now())
    }

    async fn add(&self, job: NewJob) -> bool {
        self.queue.add(vec![job]).await.unwrap() == [true]
    }

    /// The next job that is handed out.
    async fn next(&self) -> TakenJob {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(job) = self.queue.take(1).await.unwrap().pop() {
                return job;
            }
            assert!(Instant::now() < until, "nothing is handed out: {:?}", self.queue);
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Nothing is handed out for a while.
    async fn quiet(&self) {
        let until = Instant::now() + QUIET.min(Duration::from_millis(self.setting.lease_ms / 3));
        while Instant::now() < until {
            assert_eq!(self.queue.take(5).await.unwrap(), []);
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn done(&self, job: &TakenJob) {
        assert!(self.queue.end(job, Ending::Done).await.unwrap());
    }

    async fn counts(&self) -> JobCounts {
        self.queue.counts().await.unwrap()
    }

    async fn nothing_is_nothing(&self) {
        self.quiet().await;
        assert_eq!(self.counts().await, JobCounts::default());
        assert_eq!(self.queue.add(Vec::new()).await.unwrap(), Vec::<bool>::new());
    }

    async fn what_is_added_is_taken_once_with_all_it_has(&self) {
        let args = json!({ "text": "Grüße, 'quoted' \"twice\"", "list": [1, null, { "a": 2.5 }] });
        let job = NewJob { timeout_s: 7, max_attempts: 3, args, ..self.job("one") };
        assert!(self.add(job.clone()).await);
        let taken = self.next().await;
        assert_eq!((taken.id, taken.kind.as_str(), &taken.args), (job.id, "one", &job.args));
        assert_eq!((taken.attempt, taken.max_attempts, taken.timeout_s), (1, 3, 7));
        self.quiet().await;
        assert_eq!(self.counts().await, JobCounts { running: 1, ..JobCounts::default() });
        self.done(&taken).await;
        assert!(!self.queue.end(&taken, Ending::Done).await.unwrap(), "it is gone");
        assert_eq!(self.counts().await, JobCounts::default());
    }

    async fn higher_priorities_go_first(&self) {
        // One that is held keeps what a broker hands out in advance from deciding the order.
        let jobs: Vec<NewJob> = [2, 9, 5, 0, 9, 7]
            .iter()
            .map(|priority| NewJob { priority: *priority, ..self.job("ranked") })
            .collect();
        assert_eq!(self.queue.add(jobs).await.unwrap(), [true; 6]);
        // All are due and handed over before the first is asked for.
        sleep(QUIET).await;
        let mut order = Vec::new();
        for _ in 0..6 {
            let job = self.next().await;
            order.push(job.priority);
            self.done(&job).await;
        }
        assert_eq!(order, [9, 9, 7, 5, 2, 0]);
    }

    async fn nothing_is_taken_before_its_time(&self) {
        let run_at = self.now().plus_millis(1_500);
        assert!(self.add(NewJob { run_at, ..self.job("later") }).await);
        let sooner = self.job("sooner");
        assert!(self.add(sooner.clone()).await);
        let first = self.next().await;
        assert_eq!(first.id, sooner.id);
        self.done(&first).await;
        assert_eq!(self.counts().await.later, 1);
        let second = self.next().await;
        assert!(self.now() >= run_at, "it came too early");
        self.done(&second).await;
    }

    async fn a_key_is_held_while_its_job_waits_or_runs(&self) {
        let keyed = || NewJob { unique_key: Some("k".to_owned()), ..self.job("keyed") };
        let both = self.queue.add(vec![keyed(), keyed()]).await.unwrap();
        assert_eq!(both, [true, false], "it waits");
        let taken = self.next().await;
        assert!(!self.add(keyed()).await, "it runs");
        let other = NewJob { unique_key: Some("other".to_owned()), ..self.job("keyed") };
        assert!(self.add(other).await);
        self.done(&taken).await;
        assert!(self.add(keyed()).await, "it is done");
        for _ in 0..2 {
            let job = self.next().await;
            self.done(&job).await;
        }
    }

    async fn what_failed_comes_again_and_at_last_is_kept(&self) {
        let job = NewJob { max_attempts: 2, ..self.job("fails") };
        assert!(self.add(job.clone()).await);
        let first = self.next().await;
        let run_at = self.now().plus_millis(400);
        let again = Ending::Again { run_at, error: "no luck".to_owned() };
        assert!(self.queue.end(&first, again).await.unwrap());
        let second = self.next().await;
        assert!(self.now() >= run_at);
        assert_eq!((second.id, second.attempt), (job.id, 2));
        assert_ne!(second.lease, first.lease);
        let dead = self.counts().await.dead;
        let ending = Ending::Dead { error: "no luck at all".to_owned() };
        assert!(self.queue.end(&second, ending).await.unwrap());
        assert_eq!(self.counts().await, JobCounts { dead: dead + 1, ..JobCounts::default() });
        self.quiet().await;
    }

    async fn a_lost_lease_can_do_nothing(&self) {
        let job = NewJob { max_attempts: 2, ..self.job("deserted") };
        assert!(self.add(job.clone()).await);
        let first = self.next().await;
        self.quiet().await;
        // Its worker is not heard of again: someone else gets it, once its lease has run out.
        let second = self.next().await;
        assert_eq!((second.id, second.attempt), (job.id, 2));
        assert!(!self.queue.renew(&first, None).await.unwrap());
        assert!(!self.queue.end(&first, Ending::Done).await.unwrap());
        let again = Ending::Again { run_at: self.now(), error: String::new() };
        assert!(!self.queue.end(&first, again).await.unwrap());
        // Deserted in its last try, it is kept.
        let dead = self.counts().await.dead;
        let until = Instant::now() + PATIENCE;
        while self.counts().await.dead == dead {
            assert_eq!(self.queue.take(1).await.unwrap(), []);
            assert!(Instant::now() < until, "it is not given up");
            sleep(Duration::from_millis(20)).await;
        }
        assert!(!self.queue.end(&second, Ending::Done).await.unwrap());
        assert_eq!(self.counts().await.running, 0);
    }

    async fn a_renewed_lease_lasts(&self) {
        assert!(self.add(self.job("slow")).await);
        let job = self.next().await;
        let until = Instant::now() + Duration::from_millis(self.setting.lease_ms * 2);
        let mut done = 0;
        while Instant::now() < until {
            done += 1;
            let progress = Progress { done, total: Some(100) };
            assert!(self.queue.renew(&job, Some(progress)).await.unwrap());
            assert_eq!(self.queue.take(1).await.unwrap(), [], "it was handed out twice");
            sleep(Duration::from_millis(self.setting.lease_ms / 8)).await;
        }
        self.done(&job).await;
    }

    async fn many_workers_do_each_job_once(&self) {
        const JOBS: usize = 200;
        let jobs: Vec<NewJob> = (0..JOBS).map(|_| self.job("many")).collect();
        let mut left: BTreeMap<JobId, u32> = jobs.iter().map(|job| (job.id, 0)).collect();
        assert_eq!(self.queue.add(jobs).await.unwrap(), [true; JOBS]);
        let (sender, mut receiver) = tokio::sync::mpsc::channel(JOBS);
        let mut workers = Vec::new();
        for _ in 0..4 {
            let (queue, sender) = (Arc::clone(&self.queue), sender.clone());
            workers.push(tokio::spawn(async move {
                loop {
                    for job in queue.take(7).await.unwrap() {
                        assert!(queue.end(&job, Ending::Done).await.unwrap());
                        if sender.send(job.id).await.is_err() {
                            return;
                        }
                    }
                    sleep(Duration::from_millis(2)).await;
                }
            }));
        }
        for _ in 0..JOBS {
            let id = tokio::time::timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap();
            *left.get_mut(&id).unwrap() += 1;
        }
        assert!(left.values().all(|times| *times == 1), "{left:?}");
        assert_eq!(self.counts().await.running, 0);
        assert!(receiver.try_recv().is_err());
        for worker in workers {
            worker.abort();
        }
    }
}

/// A new id.
fn id() -> JobId {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = u64::from(std::process::id());
    JobId::from_uuid(Uuid::from_u64_pair(process, n))
}
