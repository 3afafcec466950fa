//! A cart is abandoned once, is said to be so once, and may become an order nevertheless.

use std::sync::Arc;

use stoa_app::cart::abandoned::store::{self as rows, Became, Shown};
use stoa_app::cart::abandoned::{self, NAME, RecoveredCarts};
use stoa_app::cart::store as carts;
use stoa_app::event_log::LoggedEvent;
use stoa_app::events::runner;
use stoa_app::{event_log, events};
use stoa_domain::cart::CreateCart;
use stoa_domain::checkout::{SettlePayment, Settlement};
use stoa_domain::{Command, Reply};
use stoa_kernel::TokenHash;
use stoa_sql::Db;
use stoa_test_stores::{Store, on_both_stores};

use crate::events::Process;
use crate::shop::{Shop, add, clock, fill, place, token};

on_both_stores! {
    a_cart_is_abandoned_once,
    processes_that_look_together_note_each_cart_once,
}

async fn listed(db: &Db, became: Option<Became>) -> Vec<Shown> {
    let mut tx = db.read().await.unwrap();
    let found = rows::list(&mut tx, became, None, 1_000).await.unwrap();
    let n = rows::count(&mut tx, became).await.unwrap();
    assert_eq!(usize::try_from(n).unwrap(), found.len());
    found
}

async fn facts(db: &Db) -> Vec<LoggedEvent> {
    let mut tx = db.read().await.unwrap();
    let wanted = |kind: &str| kind.starts_with("cart.");
    event_log::stretch(&mut tx, 0, 100_000, wanted).await.unwrap().events
}

async fn a_cart_is_abandoned_once(store: Store) {
    // The carts of this shop are from before the hour that the process reads on its clock.
    let (shop, process) = (Shop::open(&store).await, Process::open(&store).await);
    shop.stock("TABLET", 500, 20).await;
    let left = shop.ready_cart(1, "TABLET").await;
    let nameless = token(2).hash();
    shop.must(Command::CreateCart(CreateCart { key: nameless })).await;
    shop.must(add(nameless, "TABLET", 1)).await;
    let empty = token(3).hash();
    shop.must(Command::CreateCart(CreateCart { key: empty })).await;
    shop.must(fill(empty)).await;
    let paying = shop.ready_cart(4, "TABLET").await;
    shop.must(place(paying)).await;
    // A cart that somebody is busy with.
    let now = &process.shop.engine;
    let busy = token(5).hash();
    for command in
        [Command::CreateCart(CreateCart { key: busy }), add(busy, "TABLET", 1), fill(busy)]
    {
        assert!(matches!(now.submit(command).await, stoa_app::engine::Outcome::Done { .. }));
    }

    let find = || abandoned::find(&process.shop, |_| ());
    find().await.unwrap();
    let found = listed(&shop.db, None).await;
    assert_eq!(found.iter().map(|cart| cart.cart.key).collect::<Vec<_>>(), [left]);
    let mut tx = shop.db.read().await.unwrap();
    let cart = carts::load(&mut tx, &[left.into()]).await.unwrap().remove(0);
    drop(tx);
    let total = cart.priced(&crate::shop::config()).unwrap().totals.total;
    assert_eq!(found[0].cart.total, total);
    assert_eq!((found[0].number, &found[0].body), (None, &*cart.body));
    let said = facts(&shop.db).await;
    let id = found[0].cart.id;
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].kind.as_str(), said[0].sequence), ("cart.abandoned", 1));
    assert_eq!(said[0].subject, format!("cart/{id}"));
    let data: serde_json::Value = said[0].data().unwrap();
    assert_eq!(data["total"]["amount"], total.minor);
    assert_eq!(data["items"][0]["sku"], "TABLET");

    // Touched and left again, it is no other cart.
    shop.must(add(left, "TABLET", 1)).await;
    find().await.unwrap();
    assert_eq!(listed(&shop.db, None).await.len(), 1);
    assert_eq!(facts(&shop.db).await.len(), 1);

    let Reply::Order(order) = shop.must(place(left)).await else { panic!("an order") };
    let catch_up = || runner::catch_up(&process.shop, Arc::new(RecoveredCarts));
    catch_up().await.unwrap();
    assert_eq!(listed(&shop.db, Some(Became::Recovered)).await.len(), 0, "it is not paid yet");
    let settlement = Settlement::Captured { reference: "ref".to_owned() };
    shop.must(Command::SettlePayment(SettlePayment {
        order: order.id,
        cart: order.cart_key,
        settlement,
    }))
    .await;
    for offset in [None, Some(0)] {
        if let Some(offset) = offset {
            let mut tx = shop.db.begin().await.unwrap();
            events::store::set(&mut tx, NAME, offset, clock()).await.unwrap();
            tx.commit().await.unwrap();
        }
        catch_up().await.unwrap();
        let recovered = listed(&shop.db, Some(Became::Recovered)).await;
        assert_eq!(recovered.len(), 1);
        assert_eq!((recovered[0].cart.id, recovered[0].cart.recovered), (id, Some(order.id)));
        assert!(recovered[0].number.is_some());
        let said: Vec<_> = facts(&shop.db).await.into_iter().map(|fact| fact.kind).collect();
        assert_eq!(said, ["cart.abandoned", "cart.recovered"]);
    }
    assert_eq!(listed(&shop.db, Some(Became::Abandoned)).await, []);

    // What is forgotten of a cart is forgotten of it here.
    let also = shop.ready_cart(6, "TABLET").await;
    find().await.unwrap();
    assert_eq!(listed(&shop.db, Some(Became::Abandoned)).await[0].cart.key, also);
    let mut tx = shop.db.begin().await.unwrap();
    carts::purge(&mut tx, None, clock().plus_seconds(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listed(&shop.db, None).await.len(), 1);
    shop.assert_sound().await;
    shop.close();
}

async fn processes_that_look_together_note_each_cart_once(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("TABLET", 500, 20).await;
    let mut carts: Vec<TokenHash> = Vec::new();
    for n in 0..40 {
        carts.push(shop.ready_cart(100 + n, "TABLET").await);
    }
    let mut looking = Vec::new();
    for _ in 0..8 {
        let process = Process::open(&store).await;
        looking.push(tokio::spawn(async move {
            abandoned::find(&process.shop, |_| ()).await.unwrap();
            process
        }));
    }
    for looked in looking {
        looked.await.unwrap();
    }
    let mut found: Vec<TokenHash> =
        listed(&shop.db, None).await.iter().map(|cart| cart.cart.key).collect();
    found.sort();
    carts.sort();
    assert_eq!(found, carts);
    assert_eq!(facts(&shop.db).await.len(), carts.len());
    shop.assert_sound().await;
    shop.close();
}
