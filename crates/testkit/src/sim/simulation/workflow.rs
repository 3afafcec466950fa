//! The worker: takes the next step of an order to the provider and does what follows from the
//! answer, as `checkout::workflow` says.

use stoa_domain::Command;
use stoa_domain::checkout::workflow::{Follow, ProviderAnswer, Step, follow, next_step};
use stoa_domain::checkout::{SettlePayment, Settlement};
use stoa_domain::order::Order;
use stoa_kernel::{OrderId, Timestamp};

use super::{Event, Simulation};
use crate::sim::Sabotage;
use crate::sim::buyer::Heard;
use crate::sim::process::{OpenCall, StepFor};
use crate::sim::provider::Call;

/// How long a worker waits for an answer.
const PATIENCE_MS: i64 = 3_000;

impl Simulation {
    pub(super) fn wake_worker(&mut self, when: Timestamp) {
        let epoch = self.process.epoch;
        self.at(when, Event::WorkerWakes { epoch });
    }

    pub(super) fn worker_wakes(&mut self) {
        let now = self.now;
        let due: Vec<OrderId> = self
            .store
            .jobs
            .iter()
            .filter(|(_, row)| row.run_at <= now)
            .map(|((_, order), _)| *order)
            .collect();
        for id in due {
            let Some(order) = self.store.world.orders.get(&id).cloned() else {
                continue;
            };
            let step = next_step(&order, now);
            let Some(job) = step.job().map(|kind| (kind, id)) else {
                continue;
            };
            // Now and then a second worker does the same.
            if self.process.running.insert(job) || self.rng.chance(100) {
                self.call(&order, step, StepFor { job, client: None, again: None });
            }
        }
    }

    /// Asks the provider.
    pub(super) fn call(&mut self, order: &Order, step: Step, whose: StepFor) {
        let id = order.id;
        let attempts = self.store.jobs.get(&whose.job).map_or(0, |row| row.attempts);
        let message = Call::new(step, order);
        let open = OpenCall { order: order.clone(), step, whose, attempts, given_up: false };
        if self.options.sabotage == Some(Sabotage::WorkflowForgetsToVoid) && step == Step::Void {
            self.take_up(&open, ProviderAnswer::Declined { reason: "expired".to_owned() });
            return;
        }
        self.numbers += 1;
        let (call, epoch) = (self.numbers, self.process.epoch);
        self.note(step_name(step), || format!("{id} try {}", attempts + 1));
        self.process.calls.insert(call, open);
        self.after(PATIENCE_MS, Event::WorkerWaitedLong { epoch, call });
        if self.rng.chance(self.weather.provider_lost) {
            self.note("call to the provider lost", || id.to_string());
            return;
        }
        let travel = self.travel();
        self.after(travel, Event::ProviderGets { epoch, call, message });
    }

    pub(super) fn provider_gets(&mut self, epoch: u32, call: u64, message: &Call) {
        if self.rng.chance(self.weather.outage) {
            let down = self.rng.between(2_000, 300_000);
            self.provider_down_until = self.now.plus_millis(down);
            self.note("provider goes down", || format!("for {down} ms"));
        }
        if self.now < self.provider_down_until {
            return;
        }
        let answer = self.provider.serve(message);
        self.changed = true;
        self.note("provider answers", || format!("{}: {answer:?}", message.payment_id));
        match (message.step, &answer) {
            (Step::Void, ProviderAnswer::Captured { .. }) => {
                self.note("void came too late", || message.payment_id.to_string());
            }
            (Step::Charge, ProviderAnswer::Refused { .. }) => {
                self.note("token refused", || message.payment_id.to_string());
            }
            _ => {}
        }
        if self.rng.chance(self.weather.provider_lost) {
            self.note("answer of the provider lost", || message.payment_id.to_string());
        } else {
            let travel = self.travel();
            self.after(travel, Event::WorkerHears { epoch, call, answer });
        }
        if epoch == self.process.epoch {
            let point = match message.step {
                Step::Charge => "crash after the charge, before it is settled",
                Step::Void => "crash after the void, before it is settled",
                Step::Refund => "crash after the refund, before it is settled",
                Step::Inquire | Step::Nothing => "crash while the shopper confirms",
            };
            // The moments that matter most, and few beside the others.
            self.crashes(point, self.weather.crash * 5);
        }
    }

    pub(super) fn worker_hears(&mut self, call: u64, answer: ProviderAnswer) {
        let Some(open) = self.process.calls.remove(&call) else {
            return;
        };
        if open.given_up {
            // Late: usually the connection is gone, but a webhook would still bring it.
            if self.rng.chance(500) {
                return;
            }
            self.note("late answer taken up", || open.order.id.to_string());
        }
        self.take_up(&open, answer);
    }

    /// Does what the workflow says follows from an answer.
    pub(super) fn take_up(&mut self, open: &OpenCall, answer: ProviderAnswer) {
        let id = open.order.id;
        let followed = if self.options.sabotage == Some(Sabotage::SilenceIsDeclined)
            && open.step == Step::Charge
            && answer == ProviderAnswer::Unknown
        {
            let settlement = Settlement::Declined { reason: "timeout".to_owned() };
            let cart = open.order.cart_key;
            Follow::Submit(Command::SettlePayment(SettlePayment { order: id, cart, settlement }))
        } else {
            follow(&open.order, open.step, answer, open.attempts, self.now)
        };
        match followed {
            Follow::Submit(command) => {
                self.process.enqueue_step(open.whose.clone(), command);
                self.run_engine();
            }
            Follow::RetryAfterMs(pause) => {
                self.worker_rests(open);
                if let Some(row) = self.store.jobs.get_mut(&open.whose.job) {
                    row.run_at = self.now.plus_millis(pause);
                    row.attempts = open.attempts.saturating_add(1);
                    let run_at = row.run_at;
                    self.note("step to be tried again", || format!("{id} in {pause} ms"));
                    self.wake_worker(run_at);
                }
                // The shopper's turn. Who waits for the provider instead hears nothing, and asks
                // again.
                if open.step == Step::Inquire
                    && let Some(client) = open.whose.client.clone()
                {
                    self.answer(client, Heard::Outcome(Box::new(open.order.clone())));
                }
            }
            Follow::Done => self.worker_rests(open),
        }
    }

    fn worker_rests(&mut self, open: &OpenCall) {
        if open.whose.client.is_none() {
            self.process.running.remove(&open.whose.job);
        }
    }
}

const fn step_name(step: Step) -> &'static str {
    match step {
        Step::Charge => "charge",
        Step::Inquire => "inquire",
        Step::Void => "void",
        Step::Refund => "refund",
        Step::Nothing => "nothing",
    }
}
