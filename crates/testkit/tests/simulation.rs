//! The simulation over many seeds, and the proof that it can fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;

use stoa_testkit::sim::{Options, Sabotage, run};

const SEEDS: u64 = 80;
const STEPS: u64 = 1_000;
/// Some faults show only where three things meet.
const SEEDS_TO_NOTICE: u64 = 400;

#[test]
fn every_invariant_holds_over_many_seeds() {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut steps = 0;
    for seed in 1..=SEEDS {
        match run(Options { seed, steps: STEPS, sabotage: None }) {
            Ok(report) => {
                steps += report.steps;
                for (what, times) in report.counts {
                    *counts.entry(what).or_default() += times;
                }
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(steps >= 10_000);
    // A simulation in which something never happens proves nothing about it.
    for what in [
        "batch of several",
        "order.pending",
        "order.placed",
        "order.cancelled",
        "payment.declined",
        "payment.action_required",
        "payment.refunded",
        "charge",
        "inquire",
        "void",
        "void came too late",
        "token refused",
        "paid by other means",
        "refund",
        "step to be tried again",
        "shopper confirms",
        "price changed",
        "night falls",
        "request doubled",
        "request hammered",
        "request sent again much later",
        "request lost",
        "request repeated",
        "answer lost",
        "clicked twice",
        "call to the provider lost",
        "answer of the provider lost",
        "late answer taken up",
        "provider goes down",
        "crash with a request at the door",
        "crash before commit",
        "crash after commit, before the answers",
        "crash after the charge, before it is settled",
        "crash after the void, before it is settled",
        "crash after the refund, before it is settled",
        "crash while the shopper confirms",
    ] {
        assert!(counts.contains_key(what), "it never came to: {what}\n{counts:#?}");
    }
}

#[test]
fn a_seed_repeats_itself_and_differs_from_others() {
    let traced = |seed| run(Options { seed, steps: 1_500, sabotage: None }).unwrap().trace;
    let first = traced(7);
    assert!(first.len() > 500);
    assert_eq!(first, traced(7));
    assert_ne!(first, traced(8));
}

#[test]
fn whatever_is_broken_on_purpose_is_noticed_and_replays() {
    for sabotage in Sabotage::ALL {
        let broken = |seed| Options { seed, steps: STEPS, sabotage: Some(sabotage) };
        let (options, failure) = (1..=SEEDS_TO_NOTICE)
            .find_map(|seed| Some((broken(seed), run(broken(seed)).err()?)))
            .unwrap_or_else(|| panic!("{sabotage:?} went unnoticed"));
        assert_eq!(run(options).unwrap_err().trace, failure.trace, "{sabotage:?}");
        let text = failure.to_string();
        let replay = format!("--seed {} --steps {STEPS}", options.seed);
        assert!(text.contains(&replay), "{text}");
    }
}
