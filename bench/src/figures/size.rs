//! Memory, start time and the size of the binary.

use anyhow::Result;

use super::Bench;
use crate::process::{self, Memory};
use crate::report::{Figure, Section, millis, quantity};

/// Measures a shop that has served all of the load, and ends it.
pub(crate) fn measure(mut bench: Bench) -> Result<Section> {
    let after_load = process::memory(bench.shop.pid()?)?;
    bench.shop.stop()?;
    // The directory now holds every order of the load too.
    bench.shop.start()?;
    let ready = bench.shop.ready_after()?;
    bench.shop.stop()?;
    Ok(Section {
        name: "size",
        title: "Size",
        figures: vec![
            Figure::below("resident memory, idle", 120.0, megabytes(bench.idle.resident), "MB"),
            Figure::below(
                "resident memory, after the load",
                300.0,
                megabytes(after_load.resident),
                "MB",
            ),
            Figure::below("start to ready", 1_000.0, millis(ready), "ms"),
            Figure::below("binary", 60.0, megabytes(bench.shop.binary_bytes()?), "MB"),
            Figure::told("of the idle memory without files", anonymous(bench.idle)),
            Figure::told("of the memory after the load without files", anonymous(after_load)),
            Figure::told(
                format!("import of {} products", bench.catalogue.handles.len()),
                quantity(bench.shop.import_took.as_secs_f64(), "s"),
            ),
        ],
        details: Vec::new(),
    })
}

fn anonymous(memory: Memory) -> String {
    quantity(megabytes(memory.anonymous), "MB")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
