//! Sums of sales are those of the orders, however often the facts come.

use std::sync::Arc;

use stoa_app::engine::Outcome;
use stoa_app::events::runner;
use stoa_app::sales::store::{self as sales, Sales};
use stoa_app::sales::subscriber::{NAME, SalesByDay};
use stoa_app::{Tx, event_log, events};
use stoa_domain::checkout::{SettlePayment, Settlement};
use stoa_domain::order::{CancelOrder, Order};
use stoa_domain::{Command, Reply};
use stoa_kernel::{Currency, OrderId};
use stoa_test_stores::{Store, on_both_stores};

use crate::events::Process;
use crate::shop::{Shop, clock, place};

on_both_stores! { each_day_has_the_sums_of_its_orders }

async fn place_order(shop: &Shop, n: u64) -> Order {
    let cart = shop.ready_cart(n, "TABLET").await;
    let Outcome::Done { reply: Reply::Order(order), .. } = shop.engine.submit(place(cart)).await
    else {
        panic!("an order");
    };
    let settlement = Settlement::Captured { reference: "ref".to_owned() };
    shop.must(Command::SettlePayment(SettlePayment {
        order: order.id,
        cart: order.cart_key,
        settlement,
    }))
    .await;
    *order
}

async fn cancel(shop: &Shop, order: OrderId) {
    let reason = "test".to_owned();
    let cancel = CancelOrder { order, expected_version: None, reason };
    shop.must(Command::CancelOrder(cancel)).await;
}

/// The sums of today, and of yesterday should it have been that when the test began.
async fn sums(tx: &mut Tx, currency: Currency) -> (i64, i64) {
    let today = clock().start_of_day();
    let from = today.plus_seconds(-86_400);
    let days: Vec<Sales> =
        sales::by_day(tx, from, today.plus_seconds(86_400), currency).await.unwrap();
    days.iter().fold((0, 0), |sum, day| (sum.0 + day.n_orders, sum.1 + day.revenue.minor))
}

async fn each_day_has_the_sums_of_its_orders(store: Store) {
    let (shop, process) = (Shop::open(&store).await, Process::open(&store).await);
    shop.stock("TABLET", 500, 20).await;
    let mut orders = Vec::new();
    for n in 0..3 {
        orders.push(place_order(&shop, n).await);
    }
    let currency = orders[0].currency;
    let catch_up = || runner::catch_up(&process.shop, Arc::new(SalesByDay));
    let read = || shop.db.read();
    assert_eq!(sums(&mut read().await.unwrap(), currency).await, (0, 0));
    let none = sales::faults(&mut read().await.unwrap()).await.unwrap();
    assert!(none.is_empty(), "what waits to be counted is no fault: {none:?}");
    catch_up().await.unwrap();
    let minor = |orders: &[Order]| orders.iter().map(|order| order.totals.total.minor).sum();
    assert_eq!(sums(&mut read().await.unwrap(), currency).await, (3, minor(&orders)));

    cancel(&shop, orders[1].id).await;
    orders.push(place_order(&shop, 3).await);
    catch_up().await.unwrap();
    orders.remove(1);
    let wanted = (3, minor(&orders));
    assert_eq!(sums(&mut read().await.unwrap(), currency).await, wanted);

    // Brought again from the beginning, and from the middle.
    let latest = event_log::latest(&mut read().await.unwrap()).await.unwrap();
    for offset in [0, latest / 2] {
        let mut tx = shop.db.begin().await.unwrap();
        events::store::set(&mut tx, NAME, offset, clock()).await.unwrap();
        tx.commit().await.unwrap();
        catch_up().await.unwrap();
        assert_eq!(sums(&mut read().await.unwrap(), currency).await, wanted, "from {offset}");
    }
    let faults = sales::faults(&mut read().await.unwrap()).await.unwrap();
    assert!(faults.is_empty(), "{faults:?}");

    // Sums that are wrong are found.
    let mut tx = shop.db.begin().await.unwrap();
    let day = orders[0].placed_at.unwrap_or(clock()).start_of_day();
    let mut wrong = sales::find(&mut tx, day, currency).await.unwrap();
    wrong.sales.revenue.minor += 1;
    sales::put(&mut tx, &[wrong]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sales::faults(&mut read().await.unwrap()).await.unwrap().len(), 1);
    shop.close();
}
