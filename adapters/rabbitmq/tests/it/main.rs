//! Jobs through a real RabbitMQ: the contract, and a broker that dies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod broker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use stoa_app::clock;
use stoa_app::jobs::queue::TableQueue;
use stoa_kernel::{IdSource, JobId};
use stoa_ports::jobs::{Ending, JobCounts, JobQueue, NewJob};
use stoa_ports::jobs_suite::{Setting, job_queue_suite};
use stoa_rabbitmq::{RabbitQueue, Settings};
use stoa_test_stores::Store;

use crate::broker::Broker;

const LEASE_MS: i64 = 3_000;

async fn store(store: &Store) -> Arc<TableQueue> {
    let db = store.open().await.unwrap();
    Arc::new(TableQueue::new(db, clock::now).with_lease_ms(LEASE_MS))
}

fn queue(store: Arc<TableQueue>, broker: &Broker, lost_after_ms: i64) -> Arc<RabbitQueue> {
    let mut settings = Settings::new(&broker.url(), 8).unwrap();
    settings.lost_after_ms = lost_after_ms;
    Arc::new(RabbitQueue::start(store, settings))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let broker = Broker::start();
    let files = Store::embedded().unwrap();
    let queue = queue(store(&files).await, &broker, 60_000);
    let lease_ms = u64::try_from(LEASE_MS).unwrap();
    job_queue_suite(queue, Setting { clock: clock::now, lease_ms }).await;
}

#[test]
fn an_address_that_is_none_is_refused_without_repeating_it() {
    for wrong in ["http://user:hush@host", "host", "amqp://user:hush@host:port"] {
        let text = Settings::new(wrong, 1).unwrap_err();
        assert!(!text.contains("hush"), "{text}");
    }
    let settings = Settings::new("amqp://user:hush@host:5672/shop", 1).unwrap();
    assert!(!format!("{settings:?}").contains("hush"));
}

/// Workers go on while the broker is killed again and again; in the end each job was done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_under_load_loses_nothing() {
    const JOBS: usize = 1_500;
    let mut broker = Broker::start();
    let files = Store::embedded().unwrap();
    let table = store(&files).await;
    // Two processes' worth of workers.
    let queues = [queue(Arc::clone(&table), &broker, 3_000), queue(table, &broker, 3_000)];
    let done: Arc<Mutex<BTreeMap<JobId, u32>>> = Arc::default();
    let mut workers = Vec::new();
    for queue in queues.iter().cycle().take(6) {
        let (queue, done) = (Arc::clone(queue), Arc::clone(&done));
        workers.push(tokio::spawn(async move {
            loop {
                for job in queue.take(3).await.unwrap() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    if queue.end(&job, Ending::Done).await.unwrap() {
                        *done.lock().entry(job.id).or_default() += 1;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    let mut ids = IdSource::seeded(11);
    let mut added = Vec::new();
    for round in 0..3_usize {
        for _ in 0..JOBS / 30 {
            let jobs: Vec<NewJob> = (0..10)
                .map(|n| {
                    let id = JobId::from_uuid(ids.next_uuid(clock::now()));
                    NewJob::new(id, "effect", json!({ "n": n }), clock::now())
                })
                .collect();
            added.extend(jobs.iter().map(|job| job.id));
            queues[0].add(jobs).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!done.lock().is_empty(), "nothing was done before kill {round}");
        let mut dying = tokio::task::spawn_blocking(move || {
            broker.kill();
            if round == 1 {
                broker.lose_disk();
            }
            broker
        })
        .await
        .unwrap();
        // Added while nobody is there.
        let id = JobId::from_uuid(ids.next_uuid(clock::now()));
        queues[1].add(vec![NewJob::new(id, "effect", json!({}), clock::now())]).await.unwrap();
        added.push(id);
        dying = tokio::task::spawn_blocking(move || {
            dying.start_again();
            dying
        })
        .await
        .unwrap();
        broker = dying;
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(120);
    while done.lock().len() < added.len() {
        let state = queues[0].counts().await.unwrap();
        assert!(tokio::time::Instant::now() < until, "{state:?}, {:?}", queues[0].trouble());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for worker in workers {
        worker.abort();
    }
    assert!(added.iter().all(|id| done.lock().get(id) == Some(&1)));
    assert_eq!(queues[0].counts().await.unwrap(), JobCounts::default());
}
