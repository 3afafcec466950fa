//! Webhooks on both stores: order for each subject, the breaker, giving up, and taking over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_app::event_log;
use stoa_app::events::runner;
use stoa_app::webhooks::store::{self, DeliveryState, Webhook};
use stoa_app::webhooks::subscriber::Webhooks;
use stoa_app::webhooks::worker::Worker;
use stoa_domain::event::EventBody;
use stoa_domain::webhooks::breaker::{Breaker, OPENS_AFTER};
use stoa_kernel::{Ctx, IdSource, Timestamp, WebhookId};
use stoa_ports::webhook::{Call, CallAnswer, CallError, Sender};
use stoa_test_stores::{Store, on_both_stores};

use crate::events::{Process, clock};

on_both_stores! {
    deliveries_come_in_order_of_each_subject_and_again_only_under_the_same_id,
    an_endpoint_that_fails_is_probed_and_comes_back,
    what_is_over_can_be_sent_again_and_is_forgotten_when_it_is_old,
}

/// A receiver that answers as it is told.
#[derive(Debug, Default)]
struct Receiver {
    /// What it was sent, and whether it took it.
    got: Mutex<Vec<(String, serde_json::Value, bool)>>,
    /// It refuses one call of so many; 1 for all.
    refuses: Mutex<Option<usize>>,
}

#[async_trait]
impl Sender for Receiver {
    async fn post(&self, call: Call) -> Result<CallAnswer, CallError> {
        let header = call.headers.iter().find(|(name, _)| *name == "webhook-id").unwrap();
        let body = serde_json::from_str(&call.body).unwrap();
        let mut got = self.got.lock();
        let takes = self.refuses.lock().is_none_or(|every| !got.len().is_multiple_of(every));
        got.push((header.1.clone(), body, takes));
        let status = if takes { 204 } else { 500 };
        Ok(CallAnswer {
            status,
            retry_after_s: None,
            body: "answered".to_owned(),
            took: std::time::Duration::ZERO,
        })
    }
}

async fn endpoint(process: &Process) -> WebhookId {
    let mut ctx = Ctx { now: clock(), ids: IdSource::seeded(clock().as_micros().unsigned_abs()) };
    let webhook = Webhook {
        id: ctx.webhook_id(),
        url: "https://example.com/hook".to_owned(),
        events: vec!["search.*".to_owned()],
        description: String::new(),
        is_enabled: true,
        version: 1,
        from_offset: 0,
        secret_version: 1,
        rotated_at: None,
        breaker: Breaker::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut tx = process.shop.db.begin().await.unwrap();
    store::add(&mut tx, &webhook).await.unwrap();
    tx.commit().await.unwrap();
    webhook.id
}

/// Facts about so many subjects, so many each.
async fn facts(process: &Process, subjects: usize, each: usize) {
    let mut ctx = Ctx { now: clock(), ids: IdSource::seeded(7) };
    for products in 0..each {
        for subject in 0..subjects {
            let body = EventBody::SearchRebuilt { products };
            let subject = format!("search/{subject}");
            event_log::record(&process.shop.db, &mut ctx, &subject, body).await.unwrap();
        }
    }
    runner::catch_up(&process.shop, Arc::new(Webhooks)).await.unwrap();
}

/// Everything that waits is due, whatever the schedule says.
async fn hurry(process: &Process, id: WebhookId) {
    let mut tx = process.shop.db.begin().await.unwrap();
    store::wake(&mut tx, id, clock()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(process: &Process, id: WebhookId, state: DeliveryState) -> i64 {
    let mut tx = process.shop.db.read().await.unwrap();
    store::count(&mut tx, id, Some(state)).await.unwrap()
}

async fn deliveries_come_in_order_of_each_subject_and_again_only_under_the_same_id(on: Store) {
    let process = Process::open(&on).await;
    let id = endpoint(&process).await;
    facts(&process, 5, 6).await;
    let receiver = Arc::new(Receiver::default());
    *receiver.refuses.lock() = Some(4);
    let mut worker = Worker::new(Arc::clone(&process.shop), receiver.clone());
    for _ in 0..400 {
        hurry(&process, id).await;
        worker.step().await.unwrap();
        worker.wait().await;
        if count(&process, id, DeliveryState::Delivered).await == 30 {
            break;
        }
    }
    assert_eq!(count(&process, id, DeliveryState::Delivered).await, 30);
    let got = receiver.got.lock();
    let mut taken: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for (id, body, took) in got.iter() {
        let event = body["id"].as_str().unwrap().to_owned();
        assert_eq!(ids.entry(event).or_insert_with(|| id.clone()), id);
        if *took {
            let subject = body["subject"].as_str().unwrap().to_owned();
            taken.entry(subject).or_default().push(body["sequence"].as_i64().unwrap());
        }
    }
    assert!(taken.len() == 5 && taken.values().all(|got| *got == [1, 2, 3, 4, 5, 6]), "{taken:?}");
    assert_eq!(ids.values().collect::<BTreeSet<_>>().len(), 30);
}

async fn breaker(process: &Process, id: WebhookId) -> Breaker {
    let mut tx = process.shop.db.read().await.unwrap();
    store::find(&mut tx, id).await.unwrap().unwrap().breaker
}

async fn an_endpoint_that_fails_is_probed_and_comes_back(on: Store) {
    let process = Process::open(&on).await;
    let id = endpoint(&process).await;
    facts(&process, 30, 1).await;
    let receiver = Arc::new(Receiver::default());
    *receiver.refuses.lock() = Some(1);
    let mut worker = Worker::new(Arc::clone(&process.shop), receiver.clone());
    for _ in 0..40 {
        hurry(&process, id).await;
        worker.step().await.unwrap();
        worker.wait().await;
    }
    let open = breaker(&process, id).await;
    assert!(open.failures >= OPENS_AFTER && open.probe_at.is_some(), "{open:?}");
    let n_called = receiver.got.lock().len();
    assert!(n_called < 30 + usize::try_from(OPENS_AFTER).unwrap(), "{n_called}");

    // A probe comes at its time, and its success brings everything back.
    *receiver.refuses.lock() = None;
    let due = Breaker { probe_at: Some(Timestamp::EPOCH), ..open };
    let mut tx = process.shop.db.begin().await.unwrap();
    store::set_breakers(&mut tx, &[(id, due)]).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..40 {
        worker.step().await.unwrap();
        worker.wait().await;
    }
    assert_eq!(breaker(&process, id).await, Breaker::default());
    assert_eq!(count(&process, id, DeliveryState::Delivered).await, 30);
}

async fn what_is_over_can_be_sent_again_and_is_forgotten_when_it_is_old(on: Store) {
    let process = Process::open(&on).await;
    let id = endpoint(&process).await;
    facts(&process, 2, 2).await;
    let receiver = Arc::new(Receiver::default());
    let mut worker = Worker::new(Arc::clone(&process.shop), receiver.clone());
    for round in 1..=2 {
        for _ in 0..10 {
            worker.step().await.unwrap();
            worker.wait().await;
        }
        assert_eq!(receiver.got.lock().len(), 4 * round);
        let mut tx = process.shop.db.begin().await.unwrap();
        let n = store::replay_range(&mut tx, id, (0, i64::MAX), clock()).await.unwrap();
        assert_eq!(n, 4);
        if round == 1 {
            tx.commit().await.unwrap();
        }
    }
    let ids: BTreeSet<String> = receiver.got.lock().iter().map(|(id, ..)| id.clone()).collect();
    assert_eq!(ids.len(), 4);
    let mut tx = process.shop.db.begin().await.unwrap();
    assert_eq!(store::purge(&mut tx, clock().plus_seconds(-60)).await.unwrap(), 0);
    assert_eq!(store::purge(&mut tx, clock().plus_seconds(60)).await.unwrap(), 4);
    let newest = store::deliveries(&mut tx, id, None, None, 10).await.unwrap();
    assert!(newest.is_empty());
}
