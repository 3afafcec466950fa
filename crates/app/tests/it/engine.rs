//! The engine on a store: many at once, repeats, restarts, and whatever proptest thinks of.

use std::sync::Arc;

use proptest::prelude::*;
use stoa_app::cart::store::{self as carts, CartKey};
use stoa_app::engine::{Outcome, Submission};
use stoa_app::order::{self, store::OrderKey};
use stoa_domain::cart::{Cart, CartLine, ChangeLine, CreateCart};
use stoa_domain::checkout::{SettlePayment, SettleRefund, Settlement};
use stoa_domain::command::VariantRef;
use stoa_domain::fulfilment::{CancelFulfilment, Fulfil, Fulfilment, Tracking};
use stoa_domain::inventory::SetStock;
use stoa_domain::order::{CancelOrder, Order, OrderStatus};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{FulfilmentId, LineId, OrderId, Timestamp, TokenHash};
use stoa_test_stores::{Store, on_both_stores};
use tokio::task::JoinSet;

use crate::shop::{Shop, add, fill, key, place, token};

on_both_stores! {
    five_hundred_takers_get_exactly_the_fifty_pieces_there_are,
    order_numbers_have_neither_gaps_nor_doubles_however_many_pay_at_once,
    a_cart_that_is_made_again_is_the_cart_that_is_there,
    what_another_process_did_to_a_cart_is_seen,
    a_remembered_cart_counts_while_the_row_is_of_its_version_and_time,
    what_another_process_did_to_an_order_is_seen,
    a_remembered_order_counts_while_the_row_is_of_its_version_and_time,
    one_key_in_one_batch_does_its_work_once,
    answers_survive_a_restart_and_waiting_keys_get_theirs_at_the_end,
    no_piece_is_sent_twice,
}

fn captured(order: &Order) -> Command {
    let settlement = Settlement::Captured { reference: "ref".to_owned() };
    Command::SettlePayment(SettlePayment { order: order.id, cart: order.cart_key, settlement })
}

fn order_of(outcome: Outcome) -> Order {
    match outcome {
        Outcome::Done { reply: Reply::Order(order), .. } => *order,
        other => panic!("no order: {other:?}"),
    }
}

async fn five_hundred_takers_get_exactly_the_fifty_pieces_there_are(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("RARE", 900, 50).await;
    let mut takers = JoinSet::new();
    for n in 0..500 {
        let engine = shop.engine.clone();
        takers.spawn(async move {
            let cart = token(n).hash();
            for command in
                [Command::CreateCart(CreateCart { key: cart }), add(cart, "RARE", 1), fill(cart)]
            {
                match engine.submit(command).await {
                    Outcome::Done { .. } => {}
                    Outcome::Refused(Refusal::OutOfStock(_)) => return false,
                    other => panic!("{other:?}"),
                }
            }
            match engine.submit(place(cart)).await {
                Outcome::Done { reply: Reply::Order(order), .. } => {
                    engine.submit(captured(&order)).await;
                    true
                }
                Outcome::Refused(Refusal::OutOfStock(lines)) => {
                    assert_eq!((lines[0].wanted, lines[0].available), (1, 0));
                    false
                }
                other => panic!("{other:?}"),
            }
        });
    }
    let got = takers.join_all().await.into_iter().filter(|got| *got).count();
    assert_eq!(got, 50);
    let stats = shop.engine.stats();
    assert!(stats.commands >= 1_550, "{stats:?}");
    assert!(stats.batches < stats.commands / 2, "under load commands share a commit: {stats:?}");
    shop.assert_sound().await;
    shop.close();
}

async fn order_numbers_have_neither_gaps_nor_doubles_however_many_pay_at_once(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("COMMON", 900, 1_000).await;
    let mut buyers = JoinSet::new();
    for n in 0..100 {
        let cart = shop.ready_cart(n, "COMMON").await;
        let engine = shop.engine.clone();
        buyers.spawn(async move {
            let order = order_of(engine.submit(place(cart)).await);
            order_of(engine.submit(captured(&order)).await).number.unwrap()
        });
    }
    let mut numbers = buyers.join_all().await;
    numbers.sort_unstable();
    let first = numbers[0];
    assert!(numbers.iter().copied().eq(first..first + 100), "{numbers:?}");
    shop.assert_sound().await;
    shop.close();
}

async fn a_cart_that_is_made_again_is_the_cart_that_is_there(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("PEN", 700, 10).await;
    let cart = token(1).hash();
    let create = || Command::CreateCart(CreateCart { key: cart });
    shop.must(create()).await;
    let Reply::Cart(filled) = shop.must(add(cart, "PEN", 2)).await else { panic!("a cart") };
    let Reply::Cart(again) = shop.must(create()).await else { panic!("a cart") };
    assert_eq!(again, filled);
    shop.close();
}

/// Submits at once, so that all are in few batches.
async fn together(shop: &Shop, submissions: Vec<Submission>) -> Vec<Outcome> {
    let mut running = JoinSet::new();
    for (n, submission) in submissions.into_iter().enumerate() {
        let engine = shop.engine.clone();
        running.spawn(async move { (n, engine.submit(submission).await) });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(n, _)| *n);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// SKUs and pieces.
fn goods(lines: &[CartLine]) -> Vec<(&str, i64)> {
    lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}

async fn what_another_process_did_to_a_cart_is_seen(store: Store) {
    let (one, two) = (Shop::open(&store).await, Shop::open(&store).await);
    one.stock("PEN", 700, 10).await;
    one.stock("INK", 500, 20).await;
    // Whoever adds remembers the cart as it was before the other's turn.
    let cart = one.ready_cart(1, "PEN").await;
    two.must(add(cart, "INK", 2)).await;
    let Reply::Cart(filled) = one.must(add(cart, "PEN", 1)).await else { panic!("a cart") };
    assert_eq!(goods(&filled.body.lines), [("PEN", 2), ("INK", 2)]);
    let order = order_of(two.engine.submit(place(cart)).await);
    assert_eq!(order.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [2, 2]);
    let declined = SettlePayment {
        order: order.id,
        cart,
        settlement: Settlement::Declined { reason: "card_declined".to_owned() },
    };
    one.must(Command::SettlePayment(declined)).await;
    let line = filled.body.lines[0].id;
    let less = Command::ChangeLine(ChangeLine { cart, line, quantity: 1 });
    let Reply::Cart(changed) = two.must(less).await else { panic!("a cart") };
    assert_eq!(goods(&changed.body.lines), [("PEN", 1), ("INK", 2)]);
    let again = order_of(one.engine.submit(place(cart)).await);
    assert_eq!(again.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [1, 2]);
    one.must(captured(&again)).await;
    one.assert_sound().await;
    one.close();
    two.close();
}

async fn a_remembered_cart_counts_while_the_row_is_of_its_version_and_time(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("PEN", 700, 10).await;
    let key = shop.ready_cart(1, "PEN").await;
    let mut tx = shop.db.begin().await.unwrap();
    let there = carts::load(&mut tx, &[key.into()]).await.unwrap().remove(0);
    // With nothing in it, so that it shows which of the two is taken.
    let copy = Cart { body: Arc::default(), ..there.clone() };
    let earlier = Timestamp::from_micros(there.updated_at.as_micros() - 1);
    for (copy, is_taken) in [
        (copy.clone(), true),
        (Cart { version: there.version - 1, ..copy.clone() }, false),
        (Cart { updated_at: earlier, ..copy }, false),
    ] {
        let known = CartKey { key, copy: Some(copy) };
        let other = CartKey::from(token(2).hash());
        let loaded = carts::load(&mut tx, &[other, known]).await.unwrap();
        assert_eq!(loaded.len(), 1);
        assert_eq!(loaded[0].body.lines.is_empty(), is_taken);
    }
    drop(tx);
    shop.close();
}

async fn what_another_process_did_to_an_order_is_seen(store: Store) {
    let (one, two) = (Shop::open(&store).await, Shop::open(&store).await);
    one.stock("PEN", 700, 10).await;
    // Whoever takes the order remembers it as it was before the other's turn.
    let cart = one.ready_cart(1, "PEN").await;
    let order = order_of(one.engine.submit(place(cart)).await);
    let settled = order_of(two.engine.submit(captured(&order)).await);
    assert_eq!(settled.status, OrderStatus::Placed);
    // A provider tells it twice, and the second time the other process hears it.
    assert_eq!(order_of(one.engine.submit(captured(&order)).await), settled);
    one.assert_sound().await;
    one.close();
    two.close();
}

async fn a_remembered_order_counts_while_the_row_is_of_its_version_and_time(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("PEN", 700, 10).await;
    let mut ids = Vec::new();
    for n in 1..3 {
        let cart = shop.ready_cart(n, "PEN").await;
        ids.push(order_of(shop.engine.submit(place(cart)).await).id);
    }
    let [id, other] = ids[..] else { panic!("two orders") };
    let mut tx = shop.db.begin().await.unwrap();
    let key = |id| OrderKey { id, copy: None };
    let there = order::store::load(&mut tx, &[key(id)]).await.unwrap().remove(0);
    assert_eq!(there.lines.len(), 1);
    // Without its lines, so that it shows which of the two is taken.
    let copy = Order { lines: Vec::new(), ..there.clone() };
    let earlier = Timestamp::from_micros(there.updated_at.as_micros() - 1);
    for (copy, is_taken) in [
        (copy.clone(), true),
        (Order { version: there.version - 1, ..copy.clone() }, false),
        (Order { updated_at: earlier, ..copy }, false),
    ] {
        let known = OrderKey { id, copy: Some(Arc::new(copy)) };
        let loaded = order::store::load(&mut tx, &[key(other), known]).await.unwrap();
        assert_eq!(loaded.len(), 2);
        for order in loaded {
            assert_eq!(order.lines.is_empty(), order.id == id && is_taken);
        }
    }
    drop(tx);
    shop.close();
}

async fn one_key_in_one_batch_does_its_work_once(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("INK", 300, 1_000).await;
    let cart = token(1).hash();
    shop.must(Command::CreateCart(CreateCart { key: cart })).await;
    let submissions = (0..200)
        .map(|_| Submission { command: add(cart, "INK", 1), idempotency: Some(key("k", "add 1")) })
        .collect();
    let outcomes = together(&shop, submissions).await;
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!(done, 1);
    let answers: std::collections::HashSet<&str> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Replayed(answer) => Some(answer.body.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(answers.len(), 1);
    let reused = Submission { command: add(cart, "INK", 2), idempotency: Some(key("k", "add 2")) };
    assert_eq!(shop.engine.submit(reused).await, Outcome::KeyReused);
    let Reply::Cart(view) = shop.must(add(cart, "INK", 1)).await else { panic!("a cart") };
    assert_eq!(view.body.lines[0].quantity, 2);
    // A refused command leaves no trace but its answer, also beside others in its batch.
    let mut mixed = Vec::new();
    for n in 0..50 {
        let quantity = if n % 2 == 0 { 1 } else { 5_000 };
        let idempotency = Some(key(&format!("m{n}"), "mixed"));
        mixed.push(Submission { command: add(cart, "INK", quantity), idempotency });
    }
    for (n, outcome) in together(&shop, mixed).await.into_iter().enumerate() {
        match outcome {
            Outcome::Done { .. } => assert_eq!(n % 2, 0),
            Outcome::Refused(Refusal::OutOfStock(_)) => assert_eq!(n % 2, 1),
            other => panic!("{n}: {other:?}"),
        }
    }
    let Reply::Cart(view) = shop.must(add(cart, "INK", 1)).await else { panic!("a cart") };
    assert_eq!(view.body.lines[0].quantity, 28);
    shop.assert_sound().await;
    shop.close();
}

async fn answers_survive_a_restart_and_waiting_keys_get_theirs_at_the_end(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("NIB", 700, 10).await;
    let cart = shop.ready_cart(1, "NIB").await;
    let refused = Submission { command: add(cart, "NIB", 99), idempotency: Some(key("r", "99")) };
    assert!(matches!(shop.engine.submit(refused).await, Outcome::Refused(_)));
    let paid =
        |text: &str| Submission { command: place(cart), idempotency: Some(key(text, "place")) };
    let order = order_of(shop.engine.submit(paid("p")).await);
    shop.close();

    // The process died while the provider was asked; the key has no answer yet.
    let shop = Shop::open(&store).await;
    let again = shop.engine.submit(paid("p")).await;
    assert!(matches!(again, Outcome::Done { repeated: true, .. }), "{again:?}");
    assert_eq!(order_of(again).id, order.id);
    let other = shop.engine.submit(paid("q")).await;
    assert!(matches!(other, Outcome::Done { repeated: false, .. }), "{other:?}");
    shop.must(captured(&order)).await;
    shop.close();

    let shop = Shop::open(&store).await;
    let [p, q] = [shop.engine.submit(paid("p")).await, shop.engine.submit(paid("q")).await];
    let (Outcome::Replayed(p), Outcome::Replayed(q)) = (&p, &q) else { panic!("{p:?} {q:?}") };
    assert_eq!(p, q);
    assert_eq!(p.status, 201);
    assert!(p.body.contains(&order.id.to_string()), "{}", p.body);
    let refused = Submission { command: add(cart, "NIB", 99), idempotency: Some(key("r", "99")) };
    let Outcome::Replayed(answer) = shop.engine.submit(refused).await else { panic!("replayed") };
    assert_eq!(answer.status, 409);

    // A cancellation's key waits for the refund.
    let cancel = || Submission {
        command: Command::CancelOrder(CancelOrder {
            order: order.id,
            expected_version: None,
            reason: "test".to_owned(),
        }),
        idempotency: Some(key("c", "cancel")),
    };
    assert_eq!(order_of(shop.engine.submit(cancel()).await).status, OrderStatus::Cancelled);
    shop.must(Command::SettleRefund(SettleRefund { order: order.id })).await;
    let Outcome::Replayed(answer) = shop.engine.submit(cancel()).await else { panic!("replayed") };
    assert!(answer.body.contains("\"refunded\""), "{}", answer.body);
    shop.assert_sound().await;
    shop.close();
}

/// Sends one piece of a line, or everything.
fn fulfil(order: OrderId, line: Option<LineId>) -> Command {
    Command::Fulfil(Fulfil {
        order,
        expected_version: None,
        items: line.map(|line| (line, 1)).into_iter().collect(),
        tracking: Tracking { carrier: Some("DHL".to_owned()), ..Tracking::default() },
        notify_customer: true,
    })
}

async fn no_piece_is_sent_twice(store: Store) {
    let shop = Shop::open(&store).await;
    shop.stock("QUILL", 300, 10).await;
    let key = token(1).hash();
    shop.must(Command::CreateCart(CreateCart { key })).await;
    shop.must(add(key, "QUILL", 5)).await;
    shop.must(fill(key)).await;
    let order = order_of(shop.engine.submit(place(key)).await);
    shop.must(captured(&order)).await;
    let line = order.lines[0].id;
    let takers = (0..30).map(|_| fulfil(order.id, Some(line)).into()).collect();
    let mut sent = 0;
    for outcome in together(&shop, takers).await {
        match outcome {
            Outcome::Done { .. } => sent += 1,
            Outcome::Refused(Refusal::Invalid(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sent, 5);
    shop.close();

    // What was sent is still known, and can be taken back, once each.
    let shop = Shop::open(&store).await;
    let refused = shop.engine.submit(fulfil(order.id, None)).await;
    let is_sent =
        matches!(refused, Outcome::Refused(Refusal::WrongState { status: "fulfilled", .. }));
    assert!(is_sent, "{refused:?}");
    let mut tx = shop.db.read().await.unwrap();
    let stored = order::store::find(&mut tx, order.id).await.unwrap().unwrap();
    drop(tx);
    let numbers: Vec<i64> = stored.fulfilments.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(stored.fulfilments[0].tracking.carrier.as_deref(), Some("DHL"));
    let back = |one: &Fulfilment| {
        let (order, expected_version, fulfilment) = (order.id, None, one.id);
        Command::CancelFulfilment(CancelFulfilment { order, expected_version, fulfilment }).into()
    };
    let all = stored.fulfilments.iter().chain(&stored.fulfilments).map(back).collect();
    for outcome in together(&shop, all).await {
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }
    let count = Command::SetStock(SetStock {
        variant: VariantRef::Sku("QUILL".to_owned()),
        location: "default".to_owned(),
        on_hand: 10,
        expected: Some(10),
    });
    let Reply::Stock(level) = shop.must(count).await else { panic!("a level") };
    assert_eq!((level.on_hand, level.reserved), (10, 5));
    shop.assert_sound().await;
    shop.close();
}

const SKUS: [&str; 3] = ["ONE", "TWO", "THREE"];

#[derive(Debug, Clone)]
enum Op {
    Create(u64),
    Add { cart: u64, sku: usize, pieces: i64, key: u8 },
    Change { cart: u64, pieces: i64 },
    Fill(u64),
    Place { cart: u64, key: u8 },
    Settle { order: usize, how: u8 },
    Refund(usize),
    Cancel(usize),
    Fulfil { order: usize, all: bool },
    Unfulfil(usize),
    Count { sku: usize, on_hand: i64 },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let cart = 0..5_u64;
    let sku = 0..SKUS.len();
    prop_oneof![
        2 => cart.clone().prop_map(Op::Create),
        6 => (cart.clone(), sku.clone(), -1..7_i64, 0..6_u8)
            .prop_map(|(cart, sku, pieces, key)| Op::Add { cart, sku, pieces, key }),
        2 => (cart.clone(), 0..5_i64).prop_map(|(cart, pieces)| Op::Change { cart, pieces }),
        4 => cart.clone().prop_map(Op::Fill),
        6 => (cart, 0..6_u8).prop_map(|(cart, key)| Op::Place { cart, key }),
        6 => (0..6_usize, 0..3_u8).prop_map(|(order, how)| Op::Settle { order, how }),
        2 => (0..6_usize).prop_map(Op::Refund),
        3 => (0..6_usize).prop_map(Op::Cancel),
        4 => (0..6_usize, any::<bool>()).prop_map(|(order, all)| Op::Fulfil { order, all }),
        2 => (0..9_usize).prop_map(Op::Unfulfil),
        2 => (sku, -1..15_i64).prop_map(|(sku, on_hand)| Op::Count { sku, on_hand }),
        1 => Just(Op::Reopen),
    ]
}

/// What is known from the outside, so that later commands can name it.
#[derive(Default)]
struct Known {
    orders: Vec<(OrderId, TokenHash)>,
    lines: Vec<(TokenHash, LineId)>,
    ordered: Vec<(OrderId, LineId)>,
    fulfilments: Vec<(OrderId, FulfilmentId)>,
}

impl Known {
    fn learn(&mut self, outcome: &Outcome) {
        if let Outcome::Done { reply: Reply::Order(order), .. } = outcome {
            self.ordered.extend(order.lines.iter().map(|line| (order.id, line.id)));
            self.fulfilments.extend(order.fulfilments.iter().map(|one| (order.id, one.id)));
            self.fulfilments.sort_unstable();
            self.fulfilments.dedup();
        }
        match outcome {
            Outcome::Done { reply: Reply::Order(order), .. } => {
                let order = (order.id, order.cart_key);
                if !self.orders.contains(&order) {
                    self.orders.push(order);
                }
            }
            Outcome::Done { reply: Reply::Cart(cart), .. } => {
                self.lines.extend(cart.body.lines.iter().map(|line| (cart.key, line.id)));
            }
            Outcome::Unavailable => panic!("the engine is not available"),
            _ => {}
        }
    }

    fn order_with_cart(&self, n: usize) -> Option<(OrderId, TokenHash)> {
        self.orders.get(n % self.orders.len().max(1)).copied()
    }

    fn order(&self, n: usize) -> Option<OrderId> {
        self.order_with_cart(n).map(|(order, _)| order)
    }

    fn submission(&self, op: &Op) -> Option<Submission> {
        let keyed = |command: Command, n: u8, request: String| Submission {
            command,
            // Some without a key, some sharing one.
            idempotency: (n > 1).then(|| key(&n.to_string(), &request)),
        };
        Some(match op {
            Op::Create(cart) => Command::CreateCart(CreateCart { key: token(*cart).hash() }).into(),
            Op::Add { cart, sku, pieces, key } => keyed(
                add(token(*cart).hash(), SKUS[*sku], *pieces),
                *key,
                format!("add {cart} {sku} {pieces}"),
            ),
            Op::Change { cart, pieces } => {
                let cart = token(*cart).hash();
                let (_, line) = self.lines.iter().rev().find(|(of, _)| *of == cart)?;
                Command::ChangeLine(ChangeLine { cart, line: *line, quantity: *pieces }).into()
            }
            Op::Fill(cart) => fill(token(*cart).hash()).into(),
            Op::Place { cart, key } => {
                keyed(place(token(*cart).hash()), *key, format!("place {cart}"))
            }
            Op::Settle { order, how } => {
                let settlement = match how {
                    0 => Settlement::Captured { reference: "ref".to_owned() },
                    1 => Settlement::Declined { reason: "card_declined".to_owned() },
                    _ => Settlement::RequiresAction { url: "/pay".to_owned() },
                };
                let (order, cart) = self.order_with_cart(*order)?;
                Command::SettlePayment(SettlePayment { order, cart, settlement }).into()
            }
            Op::Refund(order) => {
                Command::SettleRefund(SettleRefund { order: self.order(*order)? }).into()
            }
            Op::Cancel(order) => Command::CancelOrder(CancelOrder {
                order: self.order(*order)?,
                expected_version: None,
                reason: "test".to_owned(),
            })
            .into(),
            Op::Fulfil { order, all } => {
                let order = self.order(*order)?;
                let line = self.ordered.iter().find(|(of, _)| *of == order);
                fulfil(order, line.filter(|_| !all).map(|(_, line)| *line)).into()
            }
            Op::Unfulfil(n) => {
                let (order, fulfilment) =
                    *self.fulfilments.get(n % self.fulfilments.len().max(1))?;
                let expected_version = None;
                Command::CancelFulfilment(CancelFulfilment { order, expected_version, fulfilment })
                    .into()
            }
            Op::Count { sku, on_hand } => Command::SetStock(SetStock {
                variant: VariantRef::Sku(SKUS[*sku].to_owned()),
                location: "default".to_owned(),
                on_hand: *on_hand,
                expected: None,
            })
            .into(),
            Op::Reopen => return None,
        })
    }
}

type Waves = Vec<Vec<Op>>;

fn waves() -> impl Strategy<Value = Waves> {
    prop::collection::vec(prop::collection::vec(op(), 1..12), 1..12)
}

/// Waves of commands, each wave submitted at once, leave a store in which nothing is wrong.
fn the_doctor_finds_nothing_after(waves: Waves, store: &Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shop = Shop::open(store).await;
        for (sku, stock) in SKUS.into_iter().zip([3, 8, 20]) {
            shop.stock(sku, 250, stock).await;
        }
        let mut known = Known::default();
        for wave in waves {
            if wave.iter().any(|op| matches!(op, Op::Reopen)) {
                shop.close();
                shop = Shop::open(store).await;
            }
            let submissions = wave.iter().filter_map(|op| known.submission(op)).collect();
            for outcome in together(&shop, submissions).await {
                known.learn(&outcome);
            }
        }
        shop.assert_sound().await;
        shop.close();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_doctor_finds_nothing(waves in waves()) {
        the_doctor_finds_nothing_after(waves, &Store::embedded().unwrap());
    }

    #[test]
    fn whatever_happens_the_doctor_finds_nothing_on_postgres(waves in waves()) {
        the_doctor_finds_nothing_after(waves, &Store::postgres().unwrap());
    }
}
