//! Runs jobs: takes what is due, renews its lease while it runs, and says how it ended.

use std::sync::Arc;
use std::time::Duration;

use stoa_ports::jobs::{Ending, TakenJob, pause_ms};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Handlers, JobFailure, Run};
use crate::entropy;
use crate::shop::Shop;

/// Jobs that one process runs at once.
pub const AT_ONCE: usize = 4;
/// How often a worker looks for jobs; it also looks as soon as one has ended.
const LOOK: Duration = Duration::from_millis(500);
/// How long a worker waits after the queue has failed.
const PAUSE: Duration = Duration::from_secs(2);
/// How long running jobs may take to end once the shop was asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How often an ending is stored again while the store is away.
const END_TRIES: u32 = 5;

/// Runs due jobs until `stop` says true, then waits a moment for those that run. What is cut off is
/// put back.
pub async fn work(shop: Arc<Shop>, handlers: Handlers, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    while !*stop.borrow() {
        while running.try_join_next().is_some() {}
        let free = AT_ONCE.saturating_sub(running.len());
        let taken = if free == 0 { Ok(Vec::new()) } else { shop.jobs.take(free).await };
        let pause = match taken {
            Ok(jobs) => {
                for job in jobs {
                    let (shop, handlers) = (Arc::clone(&shop), handlers.clone());
                    running.spawn(run(shop, handlers, job, stop.clone()));
                }
                LOOK
            }
            Err(error) => {
                tracing::warn!(%error, "the worker cannot take jobs");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Some(_ended) = running.join_next() => {}
            () = shop.jobs.arrival(), if free > 0 => {}
            // Whoever could say so is gone: as if it had been said.
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    while running.join_next().await.is_some() {}
}

/// Runs one job to its end.
async fn run(shop: Arc<Shop>, handlers: Handlers, job: TakenJob, mut stop: watch::Receiver<bool>) {
    let this = Run::new(job.args.clone(), job.attempt);
    let Some(handler) = handlers.get(&job.kind) else {
        // Of a newer version, which may come soon.
        let failure = JobFailure::Again(format!("nobody here can do `{}`", job.kind));
        return end(&shop, &job, Err(failure)).await;
    };
    let mut task = {
        let (shop, this) = (Arc::clone(&shop), this.clone());
        // A task of its own, so that a panic ends nothing else.
        tokio::spawn(async move { handler.run(&shop, &this).await })
    };
    let limit = tokio::time::sleep(Duration::from_secs(u64::from(job.timeout_s)));
    tokio::pin!(limit);
    let lease = u64::try_from(job.lease_ms).unwrap_or(1_000);
    let mut beat = tokio::time::interval(Duration::from_millis((lease / 3).max(1)));
    beat.tick().await; // The first is now.
    let mut shown = tokio::time::interval(Duration::from_secs(1));
    shown.tick().await;
    let mut told = None;
    let stopped = async {
        drop(stop.wait_for(|stop| *stop).await);
        tokio::time::sleep(DRAIN).await;
    };
    tokio::pin!(stopped);
    let result = loop {
        let renewing = tokio::select! {
            ended = &mut task => break match ended {
                Ok(result) => result,
                Err(error) => Err(JobFailure::Again(format!("it panicked: {error}"))),
            },
            () = &mut limit => {
                task.abort();
                let text = format!("it took longer than {} s", job.timeout_s);
                break Err(JobFailure::Again(text));
            }
            () = &mut stopped => {
                task.abort();
                let error = "the shop was stopped".to_owned();
                let run_at = (shop.clock)();
                return store_end(&shop, &job, Ending::Again { run_at, error }).await;
            }
            _ = beat.tick() => true,
            _ = shown.tick() => *this.progress.lock() != told,
        };
        if !renewing {
            continue;
        }
        told = *this.progress.lock();
        match shop.jobs.renew(&job, told).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(job = %job.id, job.kind, "the job's lease was lost; it is left");
                task.abort();
                return;
            }
            Err(error) => tracing::warn!(job = %job.id, %error, "a lease cannot be renewed"),
        }
    };
    end(&shop, &job, result).await;
}

/// What follows from how a try went.
fn ending(shop: &Shop, job: &TakenJob, result: Result<(), JobFailure>) -> Ending {
    match result {
        Ok(()) => Ending::Done,
        Err(JobFailure::Again(error)) if job.attempt < job.max_attempts => {
            let pause = pause_ms(job.attempt, entropy::number());
            Ending::Again { run_at: (shop.clock)().plus_millis(pause), error }
        }
        Err(JobFailure::Again(error) | JobFailure::Final(error)) => Ending::Dead { error },
    }
}

async fn end(shop: &Shop, job: &TakenJob, result: Result<(), JobFailure>) {
    let ending = ending(shop, job, result);
    match &ending {
        Ending::Done => tracing::debug!(job = %job.id, job.kind, "done"),
        Ending::Again { run_at, error } => {
            tracing::warn!(job = %job.id, job.kind, job.attempt, %run_at, error, "a job failed");
        }
        Ending::Dead { error } => {
            tracing::error!(job = %job.id, job.kind, job.attempt, error, "a job was given up");
        }
    }
    store_end(shop, job, ending).await;
}

/// Stores how a job ended. If that fails for good, its lease runs out and it is done once more.
async fn store_end(shop: &Shop, job: &TakenJob, ending: Ending) {
    for attempt in 1..=END_TRIES {
        match shop.jobs.end(job, ending.clone()).await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!(job = %job.id, job.kind, "the job's lease was lost at its end");
                return;
            }
            Err(error) => {
                tracing::warn!(job = %job.id, %error, "how a job ended cannot be stored");
                tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            }
        }
    }
}
