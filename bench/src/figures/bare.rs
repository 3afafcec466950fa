//! The load generator against the bare server.

use anyhow::Result;

use super::micros_each;
use crate::Options;
use crate::load::{Measurement, Pool, Prepared, Until, gets};
use crate::process::{self, Server};
use crate::report::{Figure, Section, kinds_table, quantity};

/// Measures how much the generator itself costs, which bounds every other figure.
pub(crate) fn measure(options: &Options, size: usize) -> Result<Section> {
    let server = process::start_static(size, &options.existing_work_dir()?.join("static.log"))?;
    let measured = run(&server, options.connections, options.share(1))?;
    let requests = measured.requests();
    let each = |cpu| quantity(micros_each(cpu, requests), "µs");
    Ok(Section {
        name: "bare",
        title: "Load generator",
        figures: vec![
            Figure::told(
                format!("bare answers of {size} bytes, {} connections", options.connections),
                quantity(measured.requests_per_second(), "/s"),
            ),
            Figure::told("CPU of the load generator a request", each(measured.own_cpu)),
            Figure::told("CPU of the bare server a request", each(measured.server_cpu)),
        ],
        details: kinds_table(measured.kinds.into_iter()),
    })
}

/// Asks the bare server as fast as it answers.
pub(super) fn run(server: &Server, users: usize, until: Until) -> Result<Measurement> {
    Pool::connect(&[server.target()], users)?
        .run(&mut Prepared::at_random(gets(&["/"]), 0), until)?
        .must_be_clean("the bare server")
}
