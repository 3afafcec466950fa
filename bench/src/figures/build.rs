//! How long a clean release build takes.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::Options;
use crate::report::{Figure, Section};

/// Builds into an empty directory, which is removed afterwards.
pub(crate) fn measure(options: &Options) -> Result<Section> {
    eprintln!("build: a clean release build");
    let target =
        tempfile::Builder::new().prefix("clean-build-").tempdir_in(options.existing_work_dir()?)?;
    let begun = Instant::now();
    release(&options.root, target.path())?;
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    Ok(Section {
        name: "build",
        title: "Build",
        figures: vec![Figure::below("clean cargo build --release", 8.0, minutes, "min")],
        details: Vec::new(),
    })
}

/// Runs the release build of the workspace.
pub(crate) fn release(root: &Path, target: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(std::path::absolute(target)?)
        .current_dir(root)
        .status()
        .context("running cargo")?;
    if !status.success() {
        bail!("cargo build --release ended with {status}");
    }
    Ok(())
}
