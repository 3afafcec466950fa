//! Automation: `cargo xtask test` proves everything that can be proven on a clone alone,
//! `cargo xtask test-data` what needs real catalogues beside it.
#![allow(missing_docs, reason = "a program, not a library")]

mod packages;
mod run;
mod test;
mod test_data;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::bail;

use crate::workspace::Workspace;

const USAGE: &str = "\
cargo xtask test [STEP ...]        install what the tests need and run every check, or only the
                                   steps named; `cargo xtask test --list` names them
cargo xtask test-data --data DIR   checks and benchmarks on the catalogues in DIR
cargo xtask tidy                   only the rules about files and crates";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test", "--list"] => {
            for (name, what, _) in test::STEPS {
                println!("{name:9} {what}");
            }
            Ok(())
        }
        ["test", steps @ ..] => test::test(&Workspace::find()?, steps),
        ["test-data", "--data", data] => test_data::test_data(&Workspace::find()?, data),
        ["tidy"] => tidy::tidy(&Workspace::find()?),
        _ => bail!("this is how it is used:\n{USAGE}"),
    }
}
