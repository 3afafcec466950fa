//! Runs the simulation: `simulate [--seed N] [--steps N | --minutes M]`.
//!
//! With `--steps` one run of that seed; with `--minutes` one seed after the other until the time
//! is over. Ends with a code that is not 0 when an invariant is broken.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stoa_testkit::sim::{Options, run};

/// Events of each seed when many are run.
const STEPS_PER_SEED: u64 = 2_000;

#[derive(Debug)]
struct Arguments {
    seed: u64,
    steps: Option<u64>,
    minutes: Option<u64>,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments { seed: 1, steps: None, minutes: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let number = given
            .next()
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| format!("`{name}` takes a whole number"))?;
        match name.as_str() {
            "--seed" => parsed.seed = number,
            "--steps" => parsed.steps = Some(number),
            "--minutes" => parsed.minutes = Some(number),
            _ => return Err(format!("`{name}` is unknown")),
        }
    }
    if parsed.steps.is_some() && parsed.minutes.is_some() {
        return Err("either --steps or --minutes".to_owned());
    }
    Ok(parsed)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\nsimulate [--seed N] [--steps N | --minutes M]");
            return ExitCode::from(2);
        }
    };
    let steps = arguments.steps.unwrap_or(STEPS_PER_SEED);
    let end = arguments.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let started = Instant::now();
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let (mut seeds, mut all_steps) = (0_u64, 0_u64);
    loop {
        let seed = arguments.seed.wrapping_add(seeds);
        match run(Options { seed, steps, sabotage: None }) {
            Ok(report) => {
                all_steps += report.steps;
                for (what, times) in report.counts {
                    *counts.entry(what).or_default() += times;
                }
            }
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
        seeds += 1;
        if end.is_none_or(|end| started.elapsed() >= end) {
            break;
        }
    }
    for (what, times) in &counts {
        println!("{times:>10}  {what}");
    }
    println!(
        "{seeds} seeds from {}, {all_steps} steps, {:.1} s: every invariant held",
        arguments.seed,
        started.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
