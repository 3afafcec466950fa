//! The simulated payment provider: it survives every crash of the shop and is the truth about who
//! was charged.

use std::collections::BTreeMap;

use stoa_domain::checkout::workflow::{ProviderAnswer, Step};
use stoa_domain::order::Order;
use stoa_kernel::{Money, OrderId, PaymentId};

/// A request to the provider, as it travels.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) step: Step,
    pub(super) payment_id: PaymentId,
    order_id: OrderId,
    amount: Money,
    token: String,
}

impl Call {
    pub(super) fn new(step: Step, order: &Order) -> Self {
        Self {
            step,
            payment_id: order.payment.id,
            order_id: order.id,
            amount: order.payment.amount,
            token: order.payment.token.clone().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChargeState {
    Captured,
    Declined(&'static str),
    RequiresAction,
}

#[derive(Debug, Clone)]
pub(super) struct Charge {
    pub(super) order_id: OrderId,
    pub(super) amount: Money,
    pub(super) state: ChargeState,
    /// How often money was taken, and given back.
    pub(super) captures: u32,
    pub(super) refunds: u32,
}

impl Charge {
    /// Whether it holds the shopper's money.
    pub(super) fn holds_money(&self) -> bool {
        self.captures > self.refunds
    }

    const fn capture(&mut self) {
        self.state = ChargeState::Captured;
        self.captures += 1;
    }

    fn answer(&self, payment_id: PaymentId) -> ProviderAnswer {
        match self.state {
            ChargeState::Captured => {
                ProviderAnswer::Captured { reference: format!("ref-{payment_id}") }
            }
            ChargeState::Declined(reason) => ProviderAnswer::Declined { reason: reason.to_owned() },
            ChargeState::RequiresAction => {
                ProviderAnswer::RequiresAction { url: format!("/confirm/{payment_id}") }
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Provider {
    pub(super) charges: BTreeMap<PaymentId, Charge>,
    /// Broken on purpose: takes the money again for every request.
    pub(super) forgets_keys: bool,
}

impl Provider {
    /// Does what it is asked to, and answers.
    pub(super) fn serve(&mut self, call: &Call) -> ProviderAnswer {
        match call.step {
            Step::Charge => self.charge(call),
            Step::Inquire => self
                .charges
                .get(&call.payment_id)
                .map_or(ProviderAnswer::NotFound, |charge| charge.answer(call.payment_id)),
            Step::Void => {
                let charge = self.charges.entry(call.payment_id).or_insert(Charge {
                    order_id: call.order_id,
                    amount: call.amount,
                    state: ChargeState::RequiresAction,
                    captures: 0,
                    refunds: 0,
                });
                if charge.state == ChargeState::RequiresAction {
                    charge.state = ChargeState::Declined("voided");
                }
                charge.answer(call.payment_id)
            }
            Step::Refund => match self.charges.get_mut(&call.payment_id) {
                Some(charge) if charge.captures > 0 => {
                    if charge.refunds == 0 || self.forgets_keys {
                        charge.refunds += 1;
                    }
                    ProviderAnswer::Refunded
                }
                _ => ProviderAnswer::NotFound,
            },
            Step::Nothing => ProviderAnswer::Unknown,
        }
    }

    fn charge(&mut self, call: &Call) -> ProviderAnswer {
        if let Some(charge) = self.charges.get_mut(&call.payment_id) {
            if self.forgets_keys && charge.state == ChargeState::Captured {
                charge.captures += 1;
            }
            return charge.answer(call.payment_id);
        }
        let state = match call.token.as_str() {
            "tok_ok" => ChargeState::Captured,
            "tok_declined" => ChargeState::Declined("card_declined"),
            "tok_insufficient_funds" => ChargeState::Declined("insufficient_funds"),
            "tok_requires_action" => ChargeState::RequiresAction,
            _ => return ProviderAnswer::Refused { reason: "unknown_token".to_owned() },
        };
        let captured = state == ChargeState::Captured;
        let charge = Charge {
            order_id: call.order_id,
            amount: call.amount,
            state,
            captures: u32::from(captured),
            refunds: 0,
        };
        let answer = charge.answer(call.payment_id);
        self.charges.insert(call.payment_id, charge);
        answer
    }

    /// The shopper confirms, or says no. Nothing happens when the charge is over.
    pub(super) fn confirm(&mut self, payment_id: PaymentId, agrees: bool) {
        if let Some(charge) = self.charges.get_mut(&payment_id)
            && charge.state == ChargeState::RequiresAction
        {
            if agrees {
                charge.capture();
            } else {
                charge.state = ChargeState::Declined("authentication_failed");
            }
        }
    }
}
