//! Rules that no compiler checks: which crate may know which, where SQL may be, what every file
//! begins with, that documents are complete and their links lead somewhere.

mod documents;
mod edges;
mod sources;

use anyhow::bail;

use crate::workspace::Workspace;

/// Checks every rule and shows every fault.
///
/// # Errors
/// A rule is broken.
pub(crate) fn tidy(workspace: &Workspace) -> anyhow::Result<()> {
    let files = workspace.files()?;
    let mut faults = edges::faults(&workspace.metadata);
    faults.extend(sources::faults(workspace, &files)?);
    faults.extend(documents::faults(workspace, &files)?);
    if faults.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    for fault in &faults {
        println!("- {fault}");
    }
    bail!("{} things are not tidy", faults.len());
}
