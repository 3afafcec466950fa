//! `cargo xtask test-data`: what only real catalogues can show.

use std::path::Path;

use anyhow::{Context, bail};

use crate::run::{Timings, run};
use crate::test::cargo;
use crate::workspace::Workspace;

/// What the folder must hold.
const NEEDED: &[&str] = &["icecat/products.jsonl.zst", "icecat/judgments.csv", "shopify"];

/// Runs the importers' tests on real catalogues, then the benchmarks. A benchmark fails when a
/// figure is missed that does not depend on the machine.
///
/// # Errors
/// The folder is not there or incomplete, or a check failed.
pub(crate) fn test_data(workspace: &Workspace, data: &str) -> anyhow::Result<()> {
    let data = Path::new(data);
    let data = data.canonicalize().with_context(|| {
        format!("there is no folder {}; --data names the one with the catalogues", data.display())
    })?;
    for name in NEEDED {
        if !data.join(name).exists() {
            bail!("{} holds no {name}", data.display());
        }
    }
    let mut timings = Timings::default();
    timings.step("shared-data", || {
        // The whole workspace is selected, so that nothing is compiled with other features.
        let arguments = ["test", "--locked", "--workspace", "--features", "stoa-app/shared-data"];
        let only = ["--test", "shared_data"];
        run(cargo(workspace).args(arguments).args(only).env("STOA_SHARED_DATA", &data))
    })?;
    timings.step("bench", || {
        let arguments = ["run", "--release", "--locked", "-p", "stoa-bench", "--", "all", "--data"];
        run(cargo(workspace).args(arguments).arg(&data))
    })?;
    timings.show();
    println!("everything passed");
    Ok(())
}
