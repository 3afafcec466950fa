//! The process is killed, again and again, while shoppers buy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::buyer::Purchase;
use crate::catalogue::simple;
use crate::shop::{Shop, eventually};

/// How many shoppers buy at a time.
const BUYERS: usize = 8;
/// The longest time between a start and the next kill.
const LONGEST: Duration = Duration::from_millis(900);

/// Pseudo-random numbers (`xorshift64`): the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// The seed: `STOA_CRASH_SEED` where it is set, so that a run can be repeated as far as the
/// machine lets it, else another each time.
#[expect(clippy::disallowed_methods, reason = "a test; the seed is printed")]
pub fn seed() -> u64 {
    match std::env::var("STOA_CRASH_SEED") {
        Ok(text) => text.parse().expect("STOA_CRASH_SEED is a number"),
        Err(_) => u64::from(std::process::id()) * 7_919 + 1,
    }
}

/// Buys without end until the shop goes away. Gives what was begun and what was answered.
fn buy(shop: &Shop, name: &str, stop: &AtomicBool) -> Vec<Purchase> {
    let mut purchases = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut purchase = Purchase::new(format!("{name}-{n}"), "SOAP");
        let whole = purchase.go(shop).is_ok();
        purchases.push(purchase);
        if !whole {
            break;
        }
    }
    purchases
}

/// Each purchase is an order, one, paid once, and a repeat gets its first answer. The shop is served
/// and has sold nothing else.
pub fn each_is_there_once(shop: &Shop, acknowledged: &[Purchase]) {
    let mut ids = std::collections::BTreeSet::new();
    for purchase in acknowledged {
        let first = purchase.order.as_ref().unwrap();
        let again = purchase.completion(shop).expect(201);
        assert_eq!(again.text(), first.text());
        assert!(again.is_replayed());
        let order = first.json();
        let (id, token) = (order["id"].as_str().unwrap(), order["token"].as_str().unwrap());
        assert!(ids.insert(id.to_owned()), "{id} was given to two purchases");
        let read = shop.get(&format!("/api/v1/orders/{id}?token={token}")).expect(200).json();
        assert_eq!(read["status"], "placed");
    }
    assert_eq!(shop.booked(), vec!["captured"; acknowledged.len()], "each is paid, once");
    let sold = i64::try_from(acknowledged.len()).unwrap();
    assert_eq!(shop.count("select reserved from stock_levels"), sold);
}

/// Kills the shop `kills` times while shoppers buy. After each start: what was acknowledged is
/// there, once, and answered as the first time; what was interrupted can be completed; the doctor
/// finds nothing.
fn survives(shop: &Shop, kills: usize) {
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut acknowledged: Vec<Purchase> = Vec::new();
    let mut interrupted = 0;
    for kill in 0..kills {
        shop.serve();
        let pause = Duration::from_millis(dice.roll(u64::try_from(LONGEST.as_millis()).unwrap()));
        let stop = AtomicBool::new(false);
        let mut purchases: Vec<Purchase> = std::thread::scope(|scope| {
            let buyers: Vec<_> = (0..BUYERS)
                .map(|buyer| {
                    let (name, stop) = (format!("{kill}-{buyer}"), &stop);
                    scope.spawn(move || buy(shop, &name, stop))
                })
                .collect();
            // Not before anything was sold, or a slow machine would test nothing.
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(20)
                && shop.count("select count(*) from orders where status = 'placed'")
                    <= i64::try_from(acknowledged.len()).unwrap()
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(pause);
            shop.kill();
            stop.store(true, Ordering::Relaxed);
            buyers.into_iter().flat_map(|buyer| buyer.join().unwrap()).collect()
        });

        // The doctor must not find anything in what the crash has left, nor later.
        shop.assert_sound();
        shop.serve();
        for purchase in &mut purchases {
            interrupted += usize::from(purchase.order.is_none());
            // A repeat of each step: `go` fails where an answer is not the first one.
            eventually("an interrupted purchase can be completed", || purchase.go(shop).is_ok());
        }
        acknowledged.append(&mut purchases);
        eventually("no order is pending", || {
            shop.count("select count(*) from orders where status = 'pending'") == 0
        });
        shop.assert_sound();
        let placed = shop.count("select count(*) from orders where status = 'placed'");
        assert_eq!(usize::try_from(placed).unwrap(), acknowledged.len(), "after kill {kill}");
        if dice.roll(3) == 0 {
            assert!(shop.stop().success());
        } else {
            shop.kill();
        }
    }
    println!("{} orders, {interrupted} of them interrupted", acknowledged.len());
    assert!(interrupted > 0, "no kill hit anything");

    shop.serve();
    each_is_there_once(shop, &acknowledged);
    assert!(shop.stop().success());
    shop.assert_sound();
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let shop = Shop::closed().stocked(&[simple("soap", 450, 1_000_000)]);
    survives(&shop, 14);
}

#[test]
fn nor_with_a_provider_that_is_slow_and_loses_replies() {
    let shop = Shop::closed()
        .set("STOA_PAYMENTS__TEST__DELAY_MS", "40")
        .set("STOA_PAYMENTS__TEST__LOSE_REPLY_EVERY", "5")
        .stocked(&[simple("soap", 450, 1_000_000)]);
    survives(&shop, 8);
}
