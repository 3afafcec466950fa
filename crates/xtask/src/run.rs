//! Runs steps and commands, and says how long they took.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// Runs a command; its output goes where ours goes.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed", shown(command));
    }
    Ok(())
}

/// Runs a command, passes its standard output on and shows each line to `look`.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn run_and_look(
    command: &mut Command,
    mut look: impl FnMut(&str),
) -> anyhow::Result<()> {
    println!("$ {}", shown(command));
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.with_context(|| format!("reading from `{}`", shown(command)))?;
            println!("{line}");
            look(&line);
        }
    }
    if !child.wait()?.success() {
        bail!("`{}` failed", shown(command));
    }
    Ok(())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; is it installed?", command.get_program().to_string_lossy())
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    words.join(" ")
}

/// How long each step took.
#[derive(Debug, Default)]
pub(crate) struct Timings(Vec<(String, f64)>);

impl Timings {
    /// Does a step.
    ///
    /// # Errors
    /// The step failed.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        println!("\n=== {name}");
        let began = Instant::now();
        let result = work();
        let took = began.elapsed().as_secs_f64();
        self.0.push((name.to_owned(), took));
        if result.is_err() {
            self.show();
        }
        result.with_context(|| format!("the step `{name}` failed after {took:.1} s"))?;
        println!("=== {name}: ok in {took:.1} s");
        Ok(())
    }

    /// Shows all of them.
    pub(crate) fn show(&self) {
        println!();
        for (name, took) in &self.0 {
            println!("{took:8.1} s  {name}");
        }
        println!("{:8.1} s  together", self.0.iter().map(|(_, took)| took).sum::<f64>());
    }
}
