//! The shop's process: it takes requests, batches, commits, answers, crashes and starts again.

use stoa_domain::checkout::workflow::{Step, next_step};
use stoa_domain::order::OrderStatus;
use stoa_domain::world::JobKind;
use stoa_domain::{Command, Reply};
use stoa_kernel::Timestamp;

use super::{Event, Outcome, Simulation};
use crate::sim::Sabotage;
use crate::sim::buyer::Heard;
use crate::sim::invariants;
use crate::sim::process::{Batch, Caller, Client, Process, StepFor, Waits, other_means};
use crate::sim::store::Answer;

impl Simulation {
    /// Crashes, perhaps. True when it did.
    pub(super) fn may_crash(&mut self, point: &'static str) -> bool {
        let per_mille = self.weather.crash;
        self.crashes(point, per_mille)
    }

    pub(super) fn crashes(&mut self, point: &'static str, per_mille: u64) -> bool {
        if !self.process.up || !self.rng.chance(per_mille) {
            return false;
        }
        self.note(point, String::new);
        self.process.crash();
        if self.options.sabotage == Some(Sabotage::JobsAreForgotten) {
            self.store.jobs.clear();
        }
        self.changed = true;
        let down = if self.rng.chance(20) {
            self.rng.between(60_000, 3_600_000)
        } else {
            self.rng.between(50, 20_000)
        };
        self.after(down, Event::ShopStarts);
        true
    }

    pub(super) fn shop_starts(&mut self) {
        self.note("shop starts", String::new);
        self.process = Process::started(self.process.epoch + 1, self.rng.next());
        let due: Vec<Timestamp> = self.store.jobs.values().map(|job| job.run_at).collect();
        for run_at in due {
            self.wake_worker(run_at);
        }
    }

    pub(super) fn request_arrives(&mut self, client: Client, command: Command) {
        if !self.process.up || self.may_crash("crash with a request at the door") {
            return; // Connection refused, or lost: the client tries again.
        }
        self.process.enqueue_request(&mut self.rng, client, command);
        self.run_engine();
    }

    pub(super) fn run_engine(&mut self) {
        if !self.process.engine_runs && self.process.has_work() {
            self.process.engine_runs = true;
            let (pause, epoch) = (self.rng.between(0, 3), self.process.epoch);
            self.after(pause, Event::EngineTakes { epoch });
        }
    }

    pub(super) fn engine_takes(&mut self) {
        let most = usize::try_from(self.rng.between(1, 24)).unwrap_or(1);
        let sabotage = self.options.sabotage;
        let mut batch = self.process.decide_batch(&self.store, self.now, most, sabotage);
        if batch.answers.len() > 1 {
            self.note("batch of several", || batch.answers.len().to_string());
        }
        if sabotage == Some(Sabotage::AnswersBeforeCommit) {
            for (waits, answer) in &batch.answers {
                if let Waits::Client(client) = waits {
                    self.answer(client.clone(), Heard::Answer(answer.clone()));
                }
            }
            batch.answers.retain(|(waits, _)| matches!(waits, Waits::Step(_)));
        }
        self.process.batch = Some(batch);
        // Now and then the disk takes its time, and much queues behind it.
        let slow = self.rng.chance(60);
        let pause = if slow { self.rng.between(100, 500) } else { self.rng.between(1, 25) };
        let epoch = self.process.epoch;
        self.after(pause, Event::EngineCommits { epoch });
    }

    pub(super) fn engine_commits(&mut self) -> Outcome {
        if self.may_crash("crash before commit") {
            return Ok(());
        }
        let Some(Batch { writes, answers }) = self.process.batch.take() else {
            return Err("the engine commits nothing".to_owned());
        };
        self.store.commit(&writes).map_err(|violation| violation.0)?;
        self.changed = true;
        for changes in &writes.changes {
            for event in &changes.events {
                self.note(event.body.kind(), || event.subject.clone());
            }
        }
        if self.may_crash("crash after commit, before the answers") {
            return Ok(());
        }
        for job in writes.changes.iter().flat_map(|changes| &changes.jobs) {
            self.wake_worker(job.run_at);
        }
        for (waits, answer) in answers {
            match waits {
                Waits::Step(whose) => self.step_settled(whose, &answer)?,
                Waits::Client(client) => self.answer_request(client, answer),
            }
        }
        self.process.engine_runs = false;
        self.run_engine();
        Ok(())
    }

    /// A step's command was committed: whoever waits for it learns what became of the order.
    fn step_settled(&mut self, whose: StepFor, answer: &Answer) -> Outcome {
        let order = invariants::settled_order(answer)?;
        let Some(client) = whose.client else {
            self.process.running.remove(&whose.job);
            return Ok(());
        };
        match whose.again {
            Some(command) if order.status == OrderStatus::Failed => {
                self.note("paid by other means", || client.key.clone());
                self.process.enqueue_request(&mut self.rng, client, *command);
            }
            _ => self.answer(client, Heard::Outcome(Box::new(order.clone()))),
        }
        Ok(())
    }

    /// Answers a request whose command was committed. Who completes a cart waits for the payment,
    /// and sets it going at once; with another means of payment than the one that waits for the
    /// shopper, that older attempt is ended first.
    fn answer_request(&mut self, client: Client, answer: Answer) {
        let order = match &answer {
            Answer::Decided(decided) => match &**decided {
                Ok(Reply::Order(order)) if client.caller != Caller::Merchant => order,
                _ => return self.answer(client, Heard::Answer(answer)),
            },
            Answer::KeyReused => return self.answer(client, Heard::Answer(answer)),
        };
        if order.status != OrderStatus::Pending {
            return self.answer(client, Heard::Outcome(order.clone()));
        }
        let requested = self.store.keys.get(&client.key).map(|keyed| keyed.requested.clone());
        let job = (JobKind::Charge, order.id);
        match requested {
            Some(requested) if other_means(order, &requested) => {
                let again = Some(Box::new(requested));
                self.call(order, Step::Void, StepFor { job, client: Some(client), again });
            }
            _ => {
                let step = next_step(order, self.now);
                self.call(order, step, StepFor { job, client: Some(client), again: None });
            }
        }
    }

    pub(super) fn answer(&mut self, client: Client, heard: Heard) {
        if self.rng.chance(self.weather.lost) {
            self.note("answer lost", || client.key);
            return;
        }
        let travel = self.travel();
        self.after(travel, Event::ClientHears { client, heard });
    }
}
