//! The scheduler: one event after the other in virtual time, all chance drawn from the seed.

mod people;
mod shop;
mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_domain::Command;
use stoa_domain::checkout::workflow::ProviderAnswer;
use stoa_domain::world::Offer;
use stoa_kernel::{PaymentId, Timestamp, limits};

use super::buyer::{Buyer, Heard};
use super::invariants::{self, Told};
use super::process::{Client, Process};
use super::provider::{Call, Provider};
use super::rng::Rng;
use super::setting::{self, Weather};
use super::store::Store;
use super::{Failure, Options, Report, Sabotage};

pub(super) const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
/// Events after the storms in which everything must come to rest.
const REST_STEPS: u64 = 100_000;

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "few are on the agenda at a time")]
enum Event {
    BuyerActs(usize),
    BuyerWaitedLong { buyer: usize, number: u64 },
    RequestArrives { client: Client, command: Command },
    ClientHears { client: Client, heard: Heard },
    EngineTakes { epoch: u32 },
    EngineCommits { epoch: u32 },
    WorkerWakes { epoch: u32 },
    ProviderGets { epoch: u32, call: u64, message: Call },
    WorkerHears { epoch: u32, call: u64, answer: ProviderAnswer },
    WorkerWaitedLong { epoch: u32, call: u64 },
    ShopperConfirms { payment_id: PaymentId, agrees: bool },
    MerchantActs,
    NightFalls,
    ShopStarts,
}

pub(super) struct Simulation {
    options: Options,
    rng: Rng,
    weather: Weather,
    now: Timestamp,
    scheduled: u64,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    goods: Vec<Arc<Offer>>,
    store: Store,
    process: Process,
    provider: Provider,
    provider_down_until: Timestamp,
    night_until: Timestamp,
    buyers: Vec<Buyer>,
    told: Told,
    numbers: u64,
    /// No new purchases; everything under way comes to its end.
    closing: bool,
    /// Whether something happened that could break an invariant.
    changed: bool,
    counts: BTreeMap<&'static str, u64>,
    trace: Vec<String>,
}

type Outcome = Result<(), String>;

impl Simulation {
    pub(super) fn new(options: Options) -> Self {
        let mut rng = Rng::new(options.seed);
        let weather = Weather::drawn(&mut rng);
        let world = setting::shop(&mut rng);
        let goods = setting::goods(&world);
        let buyers = (0..rng.between(2, 12)).map(|_| Buyer::new(&mut rng)).collect();
        Self {
            options,
            weather,
            now: START,
            scheduled: 0,
            agenda: BTreeMap::new(),
            goods,
            store: Store::new(world),
            process: Process::started(1, rng.next()),
            provider: Provider {
                forgets_keys: options.sabotage == Some(Sabotage::ProviderForgetsKeys),
                ..Provider::default()
            },
            provider_down_until: START,
            night_until: START,
            buyers,
            told: Told::default(),
            numbers: 0,
            closing: false,
            changed: false,
            counts: BTreeMap::new(),
            trace: Vec::new(),
            rng,
        }
    }

    pub(super) fn run(mut self) -> Result<Report, Box<Failure>> {
        match self.play() {
            Ok(steps) => Ok(Report { steps, counts: self.counts, trace: self.trace }),
            Err(what) => Err(Box::new(Failure { options: self.options, what, trace: self.trace })),
        }
    }

    fn play(&mut self) -> Result<u64, String> {
        for buyer in 0..self.buyers.len() {
            let pause = self.rng.between(0, 2_000);
            self.after(pause, Event::BuyerActs(buyer));
        }
        for offer in self.goods.clone() {
            self.count_stock(&offer, "default");
        }
        self.after(0, Event::MerchantActs);
        self.after(60_000, Event::NightFalls);
        for _ in 0..self.options.steps {
            self.step()?;
        }
        self.note("the storms cease", String::new);
        self.closing = true;
        self.weather = Weather::default();
        self.provider_down_until = self.now;
        let mut steps = self.options.steps;
        while !self.agenda.is_empty() {
            steps += 1;
            if steps > self.options.steps + REST_STEPS {
                return Err("the shop does not come to rest".to_owned());
            }
            self.step()?;
        }
        invariants::at_rest(&self.store, &self.provider)?;
        Ok(steps)
    }

    fn step(&mut self) -> Outcome {
        let Some(((at, _), event)) = self.agenda.pop_first() else {
            return Err("nothing is left to happen".to_owned());
        };
        self.now = at;
        self.handle(event)?;
        if self.changed {
            self.changed = false;
            invariants::after_step(&self.store, &self.provider, &self.told)?;
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Outcome {
        let current = self.process.epoch;
        let alive = |epoch: u32| self.process.up && epoch == current;
        match event {
            Event::BuyerActs(_) | Event::MerchantActs if self.now < self.night_until => {
                let dawn = self.night_until;
                let late = self.rng.between(0, 60_000);
                self.at(dawn.plus_millis(late), event);
            }
            Event::BuyerActs(buyer) => self.buyer_acts(buyer),
            Event::BuyerWaitedLong { buyer, number } => self.buyer_waited_long(buyer, number),
            Event::RequestArrives { client, command } => self.request_arrives(client, command),
            Event::ClientHears { client, heard } => return self.client_hears(&client, heard),
            Event::EngineTakes { epoch } if alive(epoch) => self.engine_takes(),
            Event::EngineCommits { epoch } if alive(epoch) => return self.engine_commits(),
            Event::WorkerWakes { epoch } if alive(epoch) => self.worker_wakes(),
            Event::ProviderGets { epoch, call, message } => {
                self.provider_gets(epoch, call, &message);
            }
            Event::WorkerHears { epoch, call, answer } if alive(epoch) => {
                self.worker_hears(call, answer);
            }
            Event::WorkerWaitedLong { epoch, call } if alive(epoch) => {
                if let Some(open) = self.process.calls.get_mut(&call) {
                    open.given_up = true;
                    let open = open.clone();
                    self.take_up(&open, ProviderAnswer::Unknown);
                }
            }
            Event::ShopperConfirms { payment_id, agrees } => {
                self.provider.confirm(payment_id, agrees);
                self.changed = true;
                self.note("shopper confirms", || format!("{payment_id}: {agrees}"));
            }
            Event::MerchantActs => self.merchant_acts(),
            Event::NightFalls if self.closing => {}
            Event::NightFalls => {
                // Everybody sleeps for longer than an unconfirmed payment may wait.
                self.note("night falls", String::new);
                self.night_until = self.now.plus_seconds(limits::PAYMENT_ACTION_S * 2);
                let next = self.rng.between(4_000_000, 4_600_000);
                self.after(next, Event::NightFalls);
            }
            Event::ShopStarts => self.shop_starts(),
            Event::EngineTakes { .. }
            | Event::EngineCommits { .. }
            | Event::WorkerWakes { .. }
            | Event::WorkerHears { .. }
            | Event::WorkerWaitedLong { .. } => {} // Meant for a process that is dead.
        }
        Ok(())
    }

    fn at(&mut self, when: Timestamp, event: Event) {
        self.scheduled += 1;
        self.agenda.insert((when.max(self.now), self.scheduled), event);
    }

    fn after(&mut self, millis: i64, event: Event) {
        self.at(self.now.plus_millis(millis), event);
    }

    /// How long a message takes.
    fn travel(&mut self) -> i64 {
        if self.rng.chance(self.weather.late) {
            self.rng.between(500, 9_000)
        } else {
            self.rng.between(1, 40)
        }
    }

    fn note(&mut self, what: &'static str, more: impl FnOnce() -> String) {
        *self.counts.entry(what).or_default() += 1;
        let elapsed = (self.now.as_micros() - START.as_micros()) / 1_000;
        self.trace.push(format!("{elapsed:>9} ms  {what}  {}", more()));
    }
}
