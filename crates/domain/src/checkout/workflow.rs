//! The checkout workflow as a pure state machine: which outside call an order waits for, and what
//! its answer leads to. The worker and the simulation run this same code.
//!
//! ```text
//! payment pending          charge            captured, declined, refused -> settle_payment
//!                                            requires action -> settle_payment, wait
//! payment requires_action  inquire           captured, declined -> settle_payment
//!   ... after 30 minutes   void              what the void says -> settle_payment
//! payment refund_pending   refund            refunded -> settle_refund
//! anything else            nothing
//! ```
//!
//! Nothing is kept between two steps but the stored order and its job, so a step may be lost at any
//! point and run again: every outside call is idempotent by payment id and every command that
//! follows is idempotent too. Where it is not certain that no money was taken (no answer, or one
//! that makes no sense), stock stays reserved and the step is tried again, however long it takes.

use stoa_kernel::{Timestamp, limits};

use super::{SettlePayment, SettleRefund, Settlement};
use crate::command::Command;
use crate::order::{Order, OrderStatus, PaymentStatus};
use crate::world::JobKind;

/// The pause before the first repeat of a step; each further one is twice as long.
const FIRST_PAUSE_MS: i64 = 1_000;
/// The longest pause between two tries.
const LONGEST_PAUSE_MS: i64 = 5 * 60 * 1_000;
/// Why a payment failed that its shopper never confirmed.
pub const AUTHENTICATION_EXPIRED: &str = "authentication_expired";

/// What a stored checkout step does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Ask the provider for the money.
    Charge,
    /// Ask whether the shopper has confirmed.
    Inquire,
    /// End a charge that the shopper did not confirm in time.
    Void,
    /// Ask the provider to give the money back.
    Refund,
    /// The order waits for nobody outside.
    Nothing,
}

impl Step {
    /// The stored job that this step belongs to.
    pub const fn job(self) -> Option<JobKind> {
        match self {
            Self::Charge | Self::Inquire | Self::Void => Some(JobKind::Charge),
            Self::Refund => Some(JobKind::Refund),
            Self::Nothing => None,
        }
    }
}

/// What a provider answered to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderAnswer {
    /// The money is taken.
    Captured {
        /// The provider's name for it.
        reference: String,
    },
    /// Nothing was taken and nothing will be.
    Declined {
        /// Why, in a word.
        reason: String,
    },
    /// The shopper must confirm, or still has not.
    RequiresAction {
        /// Where.
        url: String,
    },
    /// The money is given back.
    Refunded,
    /// The provider never heard of the payment.
    NotFound,
    /// The provider will never do what was asked: the token or the request is not valid.
    Refused {
        /// Why, in a word: `unknown_token`, `refused`.
        reason: String,
    },
    /// No answer, or it was lost: what was asked may have happened or not.
    Unknown,
}

/// What an answer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one lives for one step; boxing would cost an allocation each"
)]
pub enum Follow {
    /// This command records it. The job is done, or stored anew, in the command's transaction.
    Submit(Command),
    /// The step is to be tried again after this many milliseconds; the job is stored with that
    /// time.
    RetryAfterMs(i64),
    /// There is nothing left to do.
    Done,
}

/// The outside call that an order waits for.
pub fn next_step(order: &Order, now: Timestamp) -> Step {
    match (order.status, order.payment.status) {
        (OrderStatus::Pending, PaymentStatus::Pending) => Step::Charge,
        (OrderStatus::Pending, PaymentStatus::RequiresAction) if now >= deadline(order) => {
            Step::Void
        }
        (OrderStatus::Pending, PaymentStatus::RequiresAction) => Step::Inquire,
        (_, PaymentStatus::RefundPending) => Step::Refund,
        _ => Step::Nothing,
    }
}

/// What follows from the provider's answer to a step of `order` (as it was when the step was
/// chosen). `attempts` counts the tries before this one that ended in
/// [`Follow::RetryAfterMs`]; `now` is the time of the answer.
pub fn follow(
    order: &Order,
    step: Step,
    answer: ProviderAnswer,
    attempts: u32,
    now: Timestamp,
) -> Follow {
    let again = || Follow::RetryAfterMs(pause_ms(attempts));
    let settle = |settlement| {
        let (order, cart) = (order.id, order.cart_key);
        Follow::Submit(Command::SettlePayment(SettlePayment { order, cart, settlement }))
    };
    match (step, answer) {
        (Step::Nothing, _) => Follow::Done,
        (Step::Refund, ProviderAnswer::Refunded) => {
            Follow::Submit(Command::SettleRefund(SettleRefund { order: order.id }))
        }
        // The shopper's money is still owed, whatever the provider says. Someone must look, and
        // until then it is asked for at the longest pause.
        (Step::Refund, _) => again(),
        (_, ProviderAnswer::Captured { reference }) => settle(Settlement::Captured { reference }),
        // A void that worked says `declined` in the provider's words; in ours the shopper let the
        // time pass.
        (Step::Void, ProviderAnswer::Declined { .. } | ProviderAnswer::NotFound) => {
            settle(Settlement::Declined { reason: AUTHENTICATION_EXPIRED.to_owned() })
        }
        (_, ProviderAnswer::Declined { reason })
        | (Step::Charge, ProviderAnswer::Refused { reason }) => {
            settle(Settlement::Declined { reason })
        }
        (Step::Charge, ProviderAnswer::RequiresAction { url }) => {
            settle(Settlement::RequiresAction { url })
        }
        // Not found is no decline: the provider asked for the confirmation itself, and may only
        // be slow to show it. The void at the deadline settles it for good.
        (Step::Inquire, ProviderAnswer::RequiresAction { .. } | ProviderAnswer::NotFound) => {
            Follow::RetryAfterMs(pause_ms(attempts).min(until_ms(deadline(order), now)))
        }
        _ => again(),
    }
}

/// When a payment that waits for its shopper is voided. The order has not changed since it began
/// to wait, and settling it again does not touch it.
const fn deadline(order: &Order) -> Timestamp {
    order.updated_at.plus_seconds(limits::PAYMENT_ACTION_S)
}

/// Milliseconds from `now` to `then`, rounded up so that a step run then finds the time come.
const fn until_ms(then: Timestamp, now: Timestamp) -> i64 {
    let micros = then.as_micros().saturating_sub(now.as_micros());
    if micros <= 0 { 0 } else { micros / 1_000 + (micros % 1_000 > 0) as i64 }
}

/// The pause after `attempts` tries that came to nothing.
fn pause_ms(attempts: u32) -> i64 {
    // 2^16 first pauses are far beyond the longest, and cannot overflow.
    (FIRST_PAUSE_MS << attempts.min(16)).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
pub(super) mod tests {
    use stoa_kernel::{Currency, Money, OrderId, PaymentId, TokenHash};

    use super::*;
    use crate::address::Address;
    use crate::order::{OrderDetails, Payment};
    use crate::pricing::Totals;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    pub(crate) fn order(status: OrderStatus, payment: PaymentStatus) -> Order {
        let zero = Money::zero(Currency::USD);
        Order {
            id: "ord_00000000000000000000000001".parse::<OrderId>().unwrap(),
            number: None,
            token_hash: TokenHash([0; 32]),
            cart_key: TokenHash([1; 32]),
            status,
            version: 1,
            currency: Currency::USD,
            email: String::new(),
            totals: Totals {
                subtotal: zero,
                discount: zero,
                shipping: zero,
                tax: zero,
                tax_included: false,
                total: zero,
            },
            shipping_tax: zero,
            details: OrderDetails {
                shipping_address: Address::default(),
                billing_address: Address::default(),
                shipping_method: String::new(),
                shipping_method_name: String::new(),
                discount_code: None,
                tax_lines: Vec::new(),
            },
            lines: Vec::new(),
            fulfilments: Vec::new(),
            payment: Payment {
                id: "pay_00000000000000000000000001".parse::<PaymentId>().unwrap(),
                provider: "test".to_owned(),
                status: payment,
                amount: zero,
                token: None,
                reference: None,
                detail: None,
            },
            placed_at: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn settlement(follow: Follow) -> Settlement {
        match follow {
            Follow::Submit(Command::SettlePayment(command)) => command.settlement,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_state_waits_for_its_own_call() {
        use OrderStatus as O;
        use PaymentStatus as P;
        let late = NOW.plus_seconds(limits::PAYMENT_ACTION_S);
        for (status, payment, now, step) in [
            (O::Pending, P::Pending, NOW, Step::Charge),
            (O::Pending, P::Pending, late, Step::Charge),
            (O::Pending, P::RequiresAction, NOW, Step::Inquire),
            (O::Pending, P::RequiresAction, late, Step::Void),
            (O::Placed, P::Paid, late, Step::Nothing),
            (O::Failed, P::Declined, late, Step::Nothing),
            (O::Cancelled, P::RefundPending, NOW, Step::Refund),
            (O::Cancelled, P::Refunded, NOW, Step::Nothing),
        ] {
            assert_eq!(next_step(&order(status, payment), now), step);
        }
    }

    #[test]
    fn without_a_certain_answer_nothing_is_settled() {
        let order = order(OrderStatus::Pending, PaymentStatus::Pending);
        for step in [Step::Charge, Step::Inquire, Step::Void, Step::Refund] {
            let mut last = 0;
            for attempts in [0, 1, 5, 20, u32::MAX] {
                match follow(&order, step, ProviderAnswer::Unknown, attempts, NOW) {
                    Follow::RetryAfterMs(pause) => {
                        assert!(pause >= last && pause > 0 && pause <= LONGEST_PAUSE_MS);
                        last = pause;
                    }
                    other => panic!("{step:?}: {other:?}"),
                }
            }
            assert_eq!(last, LONGEST_PAUSE_MS);
        }
    }

    #[test]
    fn a_void_settles_with_what_the_charge_has_come_to() {
        let order = order(OrderStatus::Pending, PaymentStatus::RequiresAction);
        let captured = ProviderAnswer::Captured { reference: "r".to_owned() };
        assert_eq!(
            settlement(follow(&order, Step::Void, captured, 0, NOW)),
            Settlement::Captured { reference: "r".to_owned() }
        );
        let declined = ProviderAnswer::Declined { reason: "voided".to_owned() };
        assert_eq!(
            settlement(follow(&order, Step::Void, declined, 0, NOW)),
            Settlement::Declined { reason: AUTHENTICATION_EXPIRED.to_owned() }
        );
    }

    #[test]
    fn an_unconfirmed_payment_is_asked_for_again_no_later_than_its_deadline() {
        let order = order(OrderStatus::Pending, PaymentStatus::RequiresAction);
        let waiting = || ProviderAnswer::RequiresAction { url: String::new() };
        let deadline = NOW.plus_seconds(limits::PAYMENT_ACTION_S);
        let just_before = Timestamp::from_micros(deadline.as_micros() - 1_500);
        let Follow::RetryAfterMs(pause) = follow(&order, Step::Inquire, waiting(), 9, just_before)
        else {
            panic!("still open");
        };
        assert_eq!(pause, 2);
        assert_eq!(next_step(&order, just_before.plus_millis(pause)), Step::Void);
    }

    #[test]
    fn only_a_charge_that_is_refused_is_declined() {
        let order = order(OrderStatus::Pending, PaymentStatus::Pending);
        let refused = || ProviderAnswer::Refused { reason: "unknown_token".to_owned() };
        assert_eq!(
            settlement(follow(&order, Step::Charge, refused(), 0, NOW)),
            Settlement::Declined { reason: "unknown_token".to_owned() }
        );
        for step in [Step::Inquire, Step::Void, Step::Refund] {
            assert!(matches!(follow(&order, step, refused(), 0, NOW), Follow::RetryAfterMs(_)));
        }
    }
}
