//! What is killed under load, again and again: one of two processes, the database server, a process in
//! the middle of a payment. Nothing that was acknowledged is lost, and nobody repairs anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stoa_test_stores::{Server, Store};

use crate::buyer::{GOOD_CARD, Purchase};
use crate::catalogue::simple;
use crate::crash::{Dice, each_is_there_once, seed};
use crate::several::two_with;
use crate::shop::{PATIENCE, Shop, eventually, within};

const ROUNDS: usize = 20;
/// How many shoppers buy at a time.
const BUYERS: usize = 8;
/// The longest time of load before something is killed.
const LONGEST_MS: u64 = 900;
/// How long a shopper waits before trying again.
const PAUSE: Duration = Duration::from_millis(100);
/// How soon another process does what a killed one had begun: its lease (15 s) and a look (0.5 s), on a
/// busy machine.
const TAKEN_OVER: Duration = Duration::from_secs(25);

/// What became of some shoppers.
#[derive(Default)]
pub struct Shopping {
    /// What was bought, each acknowledged.
    pub bought: Vec<Purchase>,
    /// How often something had to be tried again.
    pub failures: usize,
    /// The longest try, from its first request to its last answer, good or bad.
    pub longest: Duration,
}

impl Shopping {
    pub fn add(&mut self, other: Self) {
        self.bought.extend(other.bought);
        self.failures += other.failures;
        self.longest = self.longest.max(other.longest);
    }
}

/// Buys until told to stop; what fails at one shop is tried at the next until it is done.
fn shop_around(shops: &[&Shop], name: &str, stop: &AtomicBool) -> Shopping {
    let mut shopping = Shopping::default();
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut purchase = Purchase::new(format!("{name}-{}", shopping.bought.len()), "SOAP");
        let begun = Instant::now();
        loop {
            let tried = Instant::now();
            let done = purchase.go(shops[turn % shops.len()]).is_ok();
            shopping.longest = shopping.longest.max(tried.elapsed());
            turn += 1;
            if done {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{} cannot be completed", purchase.name);
            shopping.failures += 1;
            std::thread::sleep(PAUSE);
        }
        shopping.bought.push(purchase);
    }
    shopping
}

/// Lets shoppers buy while something happens.
pub fn under_load(shops: &[&Shop], name: &str, happens: impl FnOnce()) -> Shopping {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..BUYERS)
            .map(|buyer| {
                let (name, stop) = (format!("{name}-{buyer}"), &stop);
                scope.spawn(move || shop_around(shops, &name, stop))
            })
            .collect();
        happens();
        stop.store(true, Ordering::Relaxed);
        let mut all = Shopping::default();
        buyers.into_iter().for_each(|buyer| all.add(buyer.join().unwrap()));
        all
    })
}

fn pause(dice: &mut Dice) {
    std::thread::sleep(Duration::from_millis(dice.roll(LONGEST_MS)));
}

/// No order waits, as many are placed as were acknowledged, and the doctor finds nothing.
pub fn assert_all_placed(shop: &Shop, acknowledged: &[Purchase]) {
    eventually("no order is pending", || {
        shop.count("select count(*) from orders where status = 'pending'") == 0
    });
    let placed = shop.count("select count(*) from orders where status = 'placed'");
    assert_eq!(usize::try_from(placed).unwrap(), acknowledged.len());
    shop.assert_sound();
}

#[test]
fn one_of_two_processes_is_killed_again_and_again() {
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let (one, two) = two_with(&[simple("soap", 450, 1_000_000)], |shop| shop);
    let mut all = Shopping::default();
    for round in 0..ROUNDS {
        let victim = if dice.roll(2) == 0 { &one } else { &two };
        let shopping = under_load(&[&one, &two], &round.to_string(), || {
            pause(&mut dice);
            victim.kill();
            // The other serves alone for a while.
            pause(&mut dice);
            victim.serve();
        });
        all.add(shopping);
        assert_all_placed(&one, &all.bought);
    }
    println!("{} orders, {} failures", all.bought.len(), all.failures);
    assert!(all.failures > 0, "no kill hit anything");
    each_is_there_once(&one, &all.bought);
    one.assert_sound();
}

#[test]
fn the_database_server_is_killed_again_and_again() {
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut server = Server::durable().unwrap();
    let shop = Shop::on(Store::Postgres(server.new_database().unwrap()))
        .stocked(&[simple("soap", 450, 1_000_000)])
        .open();
    let mut all = Shopping::default();
    for round in 0..ROUNDS {
        let shopping = under_load(&[&shop], &round.to_string(), || {
            pause(&mut dice);
            server.kill().unwrap();
            std::thread::sleep(Duration::from_millis(dice.roll(200)));
            server.start_again().unwrap();
        });
        all.add(shopping);
        assert!(shop.lives());
        assert_all_placed(&shop, &all.bought);
    }
    println!("{} orders, {} failures", all.bought.len(), all.failures);
    assert!(all.failures > 0, "no kill hit anything");
    each_is_there_once(&shop, &all.bought);
    shop.assert_sound();
}

#[test]
fn the_other_process_ends_a_payment_that_a_killed_one_began() {
    let (one, two) = two_with(&[simple("soap", 450, 100)], |shop| {
        shop.set("STOA_PAYMENTS__TEST__DELAY_MS", "2000")
    });
    let cart = one.ready_cart("SOAP", 1);
    std::thread::scope(|scope| {
        let paying = scope.spawn(|| one.complete(&cart, GOOD_CARD).key("pay").try_send());
        within(PATIENCE, "the order waits for its payment", || {
            one.count("select count(*) from orders where status = 'pending'") == 1
        });
        one.kill();
        paying.join().unwrap().unwrap_err();
    });
    within(TAKEN_OVER, "the other process takes over", || {
        two.count("select count(*) from orders where status = 'placed'") == 1
    });
    // Whoever repeats the request there gets the order, and it is the only one.
    let order = two.complete(&cart, GOOD_CARD).key("pay").expect(201).json();
    assert_eq!(order["status"], "placed");
    assert_eq!(two.count("select count(*) from orders"), 1);
    two.assert_sound();
}
