//! A seeded simulation of the engine and the checkout workflow, in memory and in virtual time.
//!
//! The rules, the loading by `Wanted` and the checkout workflow are the real ones; everything around
//! them is simulated: shoppers and a merchant (`buyer`, `simulation/people`), a network that loses,
//! doubles and delays, a process that batches, commits and crashes (`process`, `simulation/shop`),
//! what survives a crash (`store`), a worker (`simulation/workflow`) and a payment provider
//! (`provider`). After each step the invariants are checked (`invariants`); at the end all storms
//! cease, and the shop must come to rest with exactly the paid orders charged.
//!
//! A run depends on its [`Options`] alone; a failed one says how to repeat it:
//! `cargo run -p stoa-testkit --bin simulate -- --seed 17 --steps 2000`.

mod buyer;
mod invariants;
mod process;
mod provider;
mod rng;
mod setting;
mod simulation;
mod store;

use std::collections::BTreeMap;
use std::fmt;

/// Which run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Everything that happens follows from it.
    pub seed: u64,
    /// Events before the storms cease.
    pub steps: u64,
    /// A part that is broken on purpose, to prove that the invariants notice.
    pub sabotage: Option<Sabotage>,
}

/// A part that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sabotage {
    /// The provider takes the money again when a charge is repeated.
    ProviderForgetsKeys,
    /// A payment that was not confirmed in time is written off without a void.
    WorkflowForgetsToVoid,
    /// A payment without an answer is taken for declined.
    SilenceIsDeclined,
    /// Clients are answered before the commit.
    AnswersBeforeCommit,
    /// Commands of a batch do not see what the earlier ones did.
    BatchDecidesBlindly,
    /// Idempotency keys are kept in memory and not in the transaction.
    KeysAreForgotten,
    /// Jobs are kept in memory and not in the transaction.
    JobsAreForgotten,
    /// What became of an order answers the key of the request that settled it, and not the other
    /// keys that wait for the same order.
    SettlementAnswersOneKey,
    /// A repeated request in the batch that settles its payment does not see the answer.
    RepeatOvertakesSettlement,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ProviderForgetsKeys,
        Self::WorkflowForgetsToVoid,
        Self::SilenceIsDeclined,
        Self::AnswersBeforeCommit,
        Self::BatchDecidesBlindly,
        Self::KeysAreForgotten,
        Self::JobsAreForgotten,
        Self::SettlementAnswersOneKey,
        Self::RepeatOvertakesSettlement,
    ];
}

/// What a run that held all invariants has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Events, with those after the storms ceased.
    pub steps: u64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// One line for each thing that happened.
    pub trace: Vec<String>,
}

/// A run that broke an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which run.
    pub options: Options,
    /// What does not agree.
    pub what: String,
    /// One line for each thing that happened.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        let Options { seed, steps, sabotage } = self.options;
        writeln!(f, "seed {seed} failed: {}", self.what)?;
        writeln!(f, "the last of {} things that happened:", self.trace.len())?;
        for line in self.trace.iter().skip(self.trace.len().saturating_sub(SHOWN)) {
            writeln!(f, "  {line}")?;
        }
        if let Some(sabotage) = sabotage {
            writeln!(f, "broken on purpose: {sabotage:?}")?;
        }
        write!(
            f,
            "again: cargo run -p stoa-testkit --bin simulate -- --seed {seed} --steps {steps}"
        )
    }
}

impl std::error::Error for Failure {}

/// Runs one simulation.
///
/// # Errors
/// An invariant was broken.
pub fn run(options: Options) -> Result<Report, Box<Failure>> {
    simulation::Simulation::new(options).run()
}
