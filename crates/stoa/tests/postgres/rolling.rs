//! Two processes behind a balancer are restarted one after the other, while shoppers buy.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::buyer::{GOOD_CARD, details, line, payment};
use crate::catalogue::simple;
use crate::http::{Answer, Kept, Request};
use crate::restart::is_ready;
use crate::several::two_with;
use crate::shop::{PATIENCE, Shop, within};

const ROUNDS: usize = 3;
const BUYERS: usize = 8;
/// How often the balancer looks at who is ready.
const LOOK: Duration = Duration::from_millis(100);

/// A balancer: takes turns among the processes that were ready when it looked, keeps connections, and
/// tries the next process when one refuses a connection, and only then.
struct Balancer<'a> {
    shops: [&'a Shop; 2],
    ready: [AtomicBool; 2],
    turn: AtomicUsize,
}

/// A connection of a buyer's to each process, where it is kept.
#[derive(Default)]
struct Connections([Option<Kept>; 2]);

impl Balancer<'_> {
    fn look(&self) {
        for (shop, ready) in self.shops.iter().zip(&self.ready) {
            ready.store(is_ready(shop), Ordering::Release);
        }
    }

    /// Sends a request once; an error when it was accepted and not answered.
    fn send(
        &self,
        kept: &mut Connections,
        request: impl Fn(&Shop) -> Request,
    ) -> io::Result<Answer> {
        for _ in 0..100 {
            let n = self.turn.fetch_add(1, Ordering::Relaxed) % self.shops.len();
            if !self.ready[n].load(Ordering::Acquire) {
                kept.0[n] = None;
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            let mut connection = match kept.0[n].take() {
                Some(connection) => connection,
                None => match Kept::open(self.shops[n].address()) {
                    Ok(connection) => connection,
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                    Err(error) => return Err(error),
                },
            };
            let answer = connection.send(&request(self.shops[n]))?;
            if answer.header("connection") != Some("close") {
                kept.0[n] = Some(connection);
            }
            return Ok(answer);
        }
        Err(io::Error::other("no process is ready"))
    }

    /// Buys a piece; gives the answers that were not what they should be.
    fn buy(&self, kept: &mut Connections) -> io::Result<()> {
        let step = |answer: Answer, status: u16| match answer.status == status {
            true => Ok(answer),
            false => Err(io::Error::other(format!("{}: {}", answer.status, answer.text()))),
        };
        let cart = step(self.send(kept, |shop| shop.post("/api/v1/carts"))?, 201)?;
        let cart = cart.json()["id"].as_str().unwrap().to_owned();
        let add = |shop: &Shop| shop.on_cart("POST", &cart, "/lines").json(&line("SOAP", 1));
        step(self.send(kept, add)?, 200)?;
        let set = |shop: &Shop| shop.on_cart("PATCH", &cart, "").json(&details());
        step(self.send(kept, set)?, 200)?;
        let pay = |shop: &Shop| shop.on_cart("POST", &cart, "/complete").json(&payment(GOOD_CARD));
        step(self.send(kept, pay)?, 201)?;
        Ok(())
    }
}

#[test]
fn no_request_fails_while_processes_are_restarted_one_after_the_other() {
    let (one, two) = two_with(&[simple("soap", 450, 1_000_000)], |shop| {
        shop.set("STOA_SERVER__LEAVE_MS", "1000")
    });
    let balancer = Balancer {
        shops: [&one, &two],
        ready: [AtomicBool::new(true), AtomicBool::new(true)],
        turn: AtomicUsize::new(0),
    };
    let (sold, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                balancer.look();
                std::thread::sleep(LOOK);
            }
        });
        for _ in 0..BUYERS {
            scope.spawn(|| {
                let mut kept = Connections::default();
                while !stop.load(Ordering::Relaxed) {
                    match balancer.buy(&mut kept) {
                        Ok(()) => drop(sold.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => failures.lock().unwrap().push(error.to_string()),
                    }
                }
            });
        }
        for _ in 0..ROUNDS {
            for (shop, ready) in balancer.shops.iter().zip(&balancer.ready) {
                let before = sold.load(Ordering::Relaxed);
                assert!(shop.stop().success());
                shop.serve();
                within(PATIENCE, "it is ready again", || ready.load(Ordering::Acquire));
                within(PATIENCE, "orders are taken meanwhile", || {
                    sold.load(Ordering::Relaxed) > before
                });
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} failed: {:?}", failures.len(), failures.first());
    let placed = one.count("select count(*) from orders where status = 'placed'");
    assert_eq!(usize::try_from(placed).unwrap(), sold.into_inner());
    one.assert_sound();
}
