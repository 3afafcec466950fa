//! A shop that is told to stop while shoppers buy: who got through is answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::catalogue::simple;
use crate::http::{Answer, Kept};
use crate::shop::{PATIENCE, Shop, within};

const READERS: usize = 8;
/// Longer than a look at whether the shop is ready, on a busy machine.
const LEAVE_MS: &str = "3000";

/// What a balancer that looks finds: whether to send requests there.
pub fn is_ready(shop: &Shop) -> bool {
    shop.get("/health/ready").try_send().is_ok_and(|answer| answer.status == 200)
}

fn closes(answer: &Answer) -> bool {
    answer.header("connection") == Some("close")
}

#[test]
fn whoever_got_through_is_answered_while_the_shop_stops() {
    let shop = Shop::closed()
        .set("STOA_SERVER__LEAVE_MS", LEAVE_MS)
        .stocked(&[simple("soap", 450, 1_000_000)])
        .open();
    let (answered, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    shop.order("SOAP", 1);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        within(PATIENCE, "orders are taken", || answered.load(Ordering::Relaxed) > READERS);
        assert!(is_ready(&shop));
        shop.signal(Signal::TERM);
        within(PATIENCE, "the shop is not ready", || !is_ready(&shop));
        // It is alive, says that it goes, and serves whoever has not noticed.
        let leaving = shop.get("/health/ready").expect(503);
        assert_eq!(leaving.json()["status"], "leaving");
        shop.get("/health/live").expect(200);
        shop.order("SOAP", 1);
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
    });
    assert!(shop.wait().success());
    shop.assert_sound();
}

#[test]
fn a_connection_that_is_kept_ends_with_an_answer() {
    let shop = Shop::closed().set("STOA_SERVER__LEAVE_MS", LEAVE_MS).open();
    let mut kept = Kept::open(shop.address()).unwrap();
    assert!(!closes(&kept.send(&shop.get("/health/live")).unwrap()));
    shop.signal(Signal::TERM);
    within(PATIENCE, "the shop is not ready", || !is_ready(&shop));
    assert!(closes(&kept.send(&shop.get("/health/live")).unwrap()));
    assert!(kept.send(&shop.get("/health/live")).is_err());
    assert!(shop.wait().success());
}
