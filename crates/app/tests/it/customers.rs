//! Whoever places an order is a customer, once, however often the facts come.

use std::sync::Arc;

use stoa_app::catalog::SaveError;
use stoa_app::customer::subscriber::{Customers, NAME};
use stoa_app::customer::{self, store};
use stoa_app::engine::Outcome;
use stoa_app::events::runner;
use stoa_app::{back_office, event_log, events};
use stoa_domain::cart::{CartPatch, UpdateCart};
use stoa_domain::checkout::{SettlePayment, Settlement};
use stoa_domain::customer::{Customer, CustomerDraft};
use stoa_domain::order::{CancelOrder, Order};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{Ctx, IdSource};
use stoa_sql::Db;
use stoa_test_stores::{Store, on_both_stores};

use crate::events::Process;
use crate::shop::{Shop, clock, place};

on_both_stores! {
    a_customer_is_known_by_their_orders,
    of_many_who_change_a_customer_at_one_version_one_does,
}

async fn order_of(shop: &Shop, n: u64, email: &str, settlement: Settlement) -> Order {
    let cart = shop.ready_cart(n, "TABLET").await;
    let patch = CartPatch { email: Some(Some(email.to_owned())), ..CartPatch::default() };
    shop.must(Command::UpdateCart(UpdateCart { cart, patch })).await;
    let Outcome::Done { reply: Reply::Order(order), .. } = shop.engine.submit(place(cart)).await
    else {
        panic!("an order");
    };
    shop.must(Command::SettlePayment(SettlePayment {
        order: order.id,
        cart: order.cart_key,
        settlement,
    }))
    .await;
    *order
}

async fn bought(shop: &Shop, n: u64, email: &str) -> Order {
    order_of(shop, n, email, Settlement::Captured { reference: "ref".to_owned() }).await
}

async fn listed(db: &Db, text: &str) -> Vec<Customer> {
    let mut tx = db.read().await.unwrap();
    let found = store::list(&mut tx, text, None, 100).await.unwrap();
    let n = store::count(&mut tx, text).await.unwrap();
    assert_eq!(usize::try_from(n).unwrap(), found.len());
    found
}

fn ctx(seed: u64) -> Ctx {
    Ctx { now: clock(), ids: IdSource::seeded(seed) }
}

async fn a_customer_is_known_by_their_orders(store: Store) {
    let (shop, process) = (Shop::open(&store).await, Process::open(&store).await);
    shop.stock("TABLET", 500, 50).await;
    let first = bought(&shop, 1, "ada@example.com").await;
    let second = bought(&shop, 2, "Ada@Example.com").await;
    bought(&shop, 3, "grace@example.com").await;
    let declined = Settlement::Declined { reason: "declined".to_owned() };
    order_of(&shop, 4, "joan@example.com", declined).await;
    assert_eq!(listed(&shop.db, "").await, []);
    let none = store::faults(&mut shop.db.read().await.unwrap()).await.unwrap();
    assert!(none.is_empty(), "what waits to be looked at is no fault: {none:?}");

    let catch_up = || runner::catch_up(&process.shop, Arc::new(Customers));
    catch_up().await.unwrap();
    let cancel = CancelOrder { order: second.id, expected_version: None, reason: "test".into() };
    shop.must(Command::CancelOrder(cancel)).await;
    let third = bought(&shop, 5, "ada@example.com").await;
    for offset in [None, Some(0)] {
        if let Some(offset) = offset {
            let mut tx = shop.db.begin().await.unwrap();
            events::store::set(&mut tx, NAME, offset, clock()).await.unwrap();
            tx.commit().await.unwrap();
        }
        catch_up().await.unwrap();
        let emails: Vec<String> =
            listed(&shop.db, "").await.into_iter().map(|customer| customer.email).collect();
        assert_eq!(emails, ["grace@example.com", "ada@example.com"]);
    }
    let ada = listed(&shop.db, "ADA@").await.remove(0);
    assert_eq!((ada.name.as_str(), ada.version), ("Ada", 1));
    assert_eq!(listed(&shop.db, "a_a@").await, [], "a pattern is text");
    let mut tx = shop.db.read().await.unwrap();
    let sums = store::bought(&mut tx, &[ada.id]).await.unwrap().remove(&ada.id).unwrap();
    let total = first.totals.total.minor + third.totals.total.minor;
    assert_eq!((sums.n_orders, sums.spent[0].minor), (2, total), "cancelled ones do not count");
    let orders = back_office::store::orders_of(&mut tx, ada.id, 10).await.unwrap();
    let orders: Vec<_> = orders.iter().map(|order| order.id).collect();
    assert_eq!(orders, [third.id, second.id, first.id]);
    let facts = event_log::of_subject(&mut tx, &format!("customer/{}", ada.id)).await.unwrap();
    assert_eq!(facts.len(), 1);
    let data: serde_json::Value = facts[0].data().unwrap();
    assert_eq!(data["order_id"], first.id.to_string());
    assert!(!facts[0].data.contains("ada@"), "{}", facts[0].data);
    drop(tx);

    // The merchant knows better.
    let draft = CustomerDraft { name: "Ada Lovelace".into(), note: "calls first".into() };
    let mut tx = shop.db.begin().await.unwrap();
    let changed =
        customer::update_in(&mut tx, &mut ctx(1), ada.id, Some(1), draft.clone()).await.unwrap();
    let same = customer::update_in(&mut tx, &mut ctx(2), ada.id, None, draft.clone()).await;
    assert_eq!(same.unwrap(), changed, "nothing new is no change");
    tx.commit().await.unwrap();
    let mut tx = shop.db.begin().await.unwrap();
    let stale = customer::update_in(&mut tx, &mut ctx(3), ada.id, Some(1), draft).await;
    assert!(matches!(stale, Err(SaveError::Refused(Refusal::Stale))), "{stale:?}");
    drop(tx);
    catch_up().await.unwrap();
    assert_eq!(listed(&shop.db, "lovelace").await, [changed], "no order undoes it");
    shop.assert_sound().await;

    // An order that was passed over is found.
    bought(&shop, 6, "ada@example.com").await;
    let mut tx = shop.db.begin().await.unwrap();
    let latest = event_log::latest(&mut tx).await.unwrap();
    events::store::set(&mut tx, NAME, latest, clock()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store::faults(&mut shop.db.read().await.unwrap()).await.unwrap().len(), 1);
    shop.close();
}

async fn of_many_who_change_a_customer_at_one_version_one_does(store: Store) {
    let (shop, process) = (Shop::open(&store).await, Process::open(&store).await);
    shop.stock("TABLET", 500, 50).await;
    bought(&shop, 1, "ada@example.com").await;
    runner::catch_up(&process.shop, Arc::new(Customers)).await.unwrap();
    let ada = listed(&shop.db, "").await.remove(0);
    let mut changing = Vec::new();
    for n in 0..20 {
        let (db, id) = (shop.db.clone(), ada.id);
        changing.push(tokio::spawn(async move {
            let draft = CustomerDraft { name: format!("Ada {n}"), note: String::new() };
            let mut tx = db.begin().await.unwrap();
            match customer::update_in(&mut tx, &mut ctx(100 + n), id, Some(1), draft).await {
                Ok(_) => tx.commit().await.map(|()| 1).unwrap(),
                Err(SaveError::Refused(Refusal::Stale)) => 0,
                Err(error) => panic!("{error}"),
            }
        }));
    }
    let mut n_changed = 0;
    for changed in changing {
        n_changed += changed.await.unwrap();
    }
    assert_eq!(n_changed, 1);
    assert_eq!(listed(&shop.db, "").await[0].version, 2);
    shop.assert_sound().await;
    shop.close();
}
