//! The job queue on a table, its workers and schedules.

use stoa_app::clock;
use stoa_app::jobs::queue::TableQueue;
use stoa_app::jobs::schedule::{self, Schedule};
use stoa_app::jobs::store;
use stoa_kernel::{Ctx, IdSource, Timestamp};
use stoa_ports::jobs::{Ending, JobQueue};
use stoa_ports::jobs_suite::{Setting, job_queue_suite};
use stoa_test_stores::{Store, on_both_stores};

on_both_stores! {
    the_table_keeps_the_contract,
    a_schedule_makes_one_job_each_time_whoever_looks,
    the_dead_can_be_looked_at_edited_and_tried_again,
}

async fn the_table_keeps_the_contract(store: Store) {
    let db = store.open().await.unwrap();
    let queue = TableQueue::new(db, clock::now).with_lease_ms(2_000);
    let setting = Setting { clock: clock::now, lease_ms: 2_000 };
    job_queue_suite(std::sync::Arc::new(queue), setting).await;
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ctx(now: &str, seed: u64) -> Ctx {
    Ctx { now: at(now), ids: IdSource::seeded(seed) }
}

async fn a_schedule_makes_one_job_each_time_whoever_looks(store: Store) {
    let db = store.open().await.unwrap();
    let hourly = [Schedule::new("hourly", "0 * * * *", 60).unwrap()];
    let tick = |now: &'static str, seed| {
        let (db, hourly) = (db.clone(), hourly.clone());
        async move { schedule::tick(&db, &mut ctx(now, seed), &hourly).await.unwrap() }
    };
    assert_eq!(tick("2026-11-24T13:30:00Z", 1).await, 0, "the first look only sets the time");
    assert_eq!(tick("2026-11-24T13:59:59Z", 2).await, 0);
    let (one, two) = tokio::join!(tick("2026-11-24T14:00:00Z", 3), tick("2026-11-24T14:00:00Z", 4));
    assert_eq!(one + two, 1);
    // Missed hours are not made up for one by one, and a job that still waits is enough.
    assert_eq!(tick("2026-11-24T19:30:00Z", 5).await, 1);
    let mut tx = db.read().await.unwrap();
    let jobs = store::list(&mut tx, store::JobState::Waiting, 10).await.unwrap();
    assert_eq!(jobs.len(), 1);
    let kept = store::schedules(&mut tx).await.unwrap();
    assert_eq!(kept[0].next_at, at("2026-11-24T20:00:00Z"));
    assert_eq!(kept[0].last_at, Some(at("2026-11-24T19:30:00Z")));
    drop(tx);
    // A changed schedule is set anew, one that is gone is forgotten.
    let daily = [Schedule::new("daily", "0 0 * * *", 60).unwrap()];
    schedule::tick(&db, &mut ctx("2026-11-24T19:31:00Z", 6), &daily).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let kept = store::schedules(&mut tx).await.unwrap();
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "daily"));
}

async fn the_dead_can_be_looked_at_edited_and_tried_again(store: Store) {
    let db = store.open().await.unwrap();
    let queue = TableQueue::new(db.clone(), clock::now);
    let mut context = Ctx { now: clock::now(), ids: IdSource::seeded(9) };
    let schedule = Schedule::new("fails", "* * * * *", 60).unwrap();
    let job = schedule.job(&mut context);
    assert_eq!(queue.add(vec![job.clone()]).await.unwrap(), [true]);
    let taken = queue.take(1).await.unwrap().pop().unwrap();
    let error = format!("{}\0é", "x".repeat(1_999));
    assert!(queue.end(&taken, Ending::Dead { error }).await.unwrap());
    let mut tx = db.begin().await.unwrap();
    let dead = store::list(&mut tx, store::JobState::Dead, 10).await.unwrap().pop().unwrap();
    assert_eq!((dead.id, dead.attempts), (job.id, 1));
    let kept = dead.last_error.unwrap();
    assert!(kept.len() == 2_000 && kept.ends_with(' '), "shortened, and without the NUL");
    let args = serde_json::json!({ "fixed": true });
    assert!(store::retry(&mut tx, job.id, clock::now(), &args).await.unwrap());
    assert!(!store::retry(&mut tx, job.id, clock::now(), &args).await.unwrap());
    tx.commit().await.unwrap();
    let again = queue.take(1).await.unwrap().pop().unwrap();
    assert_eq!((again.id, again.attempt, &again.args), (job.id, 1, &args));
    let mut tx = db.begin().await.unwrap();
    assert!(!store::discard(&mut tx, job.id).await.unwrap(), "it runs");
    drop(tx);
    let error = "no".to_owned();
    assert!(queue.end(&again, Ending::Dead { error }).await.unwrap());
    // Its key is free while it is dead; brought back, it must not be there twice.
    let other = schedule.job(&mut context);
    assert_eq!(queue.add(vec![other]).await.unwrap(), [true]);
    let mut tx = db.begin().await.unwrap();
    let twice = store::retry(&mut tx, job.id, clock::now(), &args).await;
    assert!(twice.is_err_and(|error| error.to_string().contains("unique_key")));
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    assert!(store::discard(&mut tx, job.id).await.unwrap());
    tx.commit().await.unwrap();
}
