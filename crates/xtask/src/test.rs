//! `cargo xtask test`: every check, in order, stopping at the first that fails.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::run::{Timings, run, run_and_look};
use crate::workspace::Workspace;
use crate::{packages, tidy};

/// The version of cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// A step: its name, what it does, how.
type Step = (&'static str, &'static str, fn(&Workspace) -> anyhow::Result<()>);

/// Every step, in order: what is quick and fails often comes first.
pub(crate) const STEPS: &[Step] = &[
    ("packages", "install Debian packages that are missing", |_| packages::install()),
    ("fmt", "formatting", |w| run(cargo(w).args(["fmt", "--all", "--check"]))),
    ("tidy", "rules about files, crates and documents", tidy::tidy),
    ("clippy", "lints", clippy),
    ("test", "unit, property, HTTP, crash tests and the simulation", test_workspace),
    ("doc", "documentation of the crates, with its links", doc),
    ("deny", "licences, banned crates and sources of dependencies", deny),
    ("browser", "the shop in a browser", browser),
];

/// Runs the named steps, or all.
///
/// # Errors
/// A step failed.
pub(crate) fn test(workspace: &Workspace, names: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|(step, ..)| step == *name)) {
        bail!("there is no step `{unknown}`; see: cargo xtask test --list");
    }
    let mut timings = Timings::default();
    for (name, _, work) in STEPS {
        if names.is_empty() || names.contains(name) {
            timings.step(name, || work(workspace))?;
        }
    }
    timings.show();
    println!("everything passed");
    Ok(())
}

/// Cargo in the root of the workspace.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&workspace.root);
    command
}

fn clippy(workspace: &Workspace) -> anyhow::Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(cargo(workspace).args(arguments))
}

fn test_workspace(workspace: &Workspace) -> anyhow::Result<()> {
    let mut passed = 0_u64;
    let mut ignored = 0_u64;
    run_and_look(cargo(workspace).args(["test", "--workspace", "--locked"]), |line| {
        passed += counted(line, " passed");
        ignored += counted(line, " ignored");
    })?;
    println!("{passed} tests passed, {ignored} were ignored");
    if passed == 0 {
        bail!("no test was run");
    }
    Ok(())
}

/// The number before a word in a line such as `test result: ok. 12 passed; 0 failed; 1 ignored`.
fn counted(line: &str, word: &str) -> u64 {
    let Some(result) = line.strip_prefix("test result:") else { return 0 };
    let before = result.split_once(word).map(|(before, _)| before);
    let number = before.and_then(|text| text.rsplit([' ', '.']).next());
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn doc(workspace: &Workspace) -> anyhow::Result<()> {
    // With private items, because readers of this documentation change the code, and so that the
    // links in their comments are checked too; public text may link to them, as they are there.
    let arguments =
        ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"];
    let flags = "-D warnings -A rustdoc::private_intra_doc_links";
    run(cargo(workspace).args(arguments).env("RUSTDOCFLAGS", flags))
}

fn deny(workspace: &Workspace) -> anyhow::Result<()> {
    let tools = workspace.target.join("tools");
    let installed = tools.join("bin").join("cargo-deny");
    if !installed.is_file() {
        // Unoptimised: it runs for a second and would compile for minutes.
        let version = ["--version", CARGO_DENY];
        let arguments = ["install", "cargo-deny", "--locked", "--debug", "--quiet", "--root"];
        run(cargo(workspace).args(arguments).arg(&tools).args(version))?;
    }
    let check = ["--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    run(Command::new(installed).current_dir(&workspace.root).args(check))
}

fn browser(workspace: &Workspace) -> anyhow::Result<()> {
    // The same packages as the tests before, so that nothing is compiled with other features.
    run(cargo(workspace).args(["build", "--workspace", "--locked"]))?;
    let stoa: PathBuf = workspace.target.join("debug").join("stoa");
    if !stoa.is_file() {
        bail!("{} was not built", stoa.display());
    }
    let e2e = workspace.root.join("e2e");
    let npm = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&e2e);
        // The browser is Debian's; nothing is downloaded.
        command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("STOA_BIN", &stoa);
        run(&mut command)
    };
    npm("npm", &["ci", "--no-audit", "--no-fund"]).context("the browser tests' packages")?;
    npm("npx", &["playwright", "test"])
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn counts_are_read_from_results() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out";
        assert_eq!(counted(line, " passed"), 12);
        assert_eq!(counted(line, " ignored"), 3);
        assert_eq!(counted("12 passed", " passed"), 0);
    }
}
