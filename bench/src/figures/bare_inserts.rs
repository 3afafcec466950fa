//! What PostgreSQL takes to write the rows of orders when nothing is decided: `insert ... select unnest`
//! from arrays that lie ready, one for each table and batch, a commit after each batch, into tables with
//! the same indexes, without foreign keys and triggers.

use std::time::Instant;

use anyhow::{Context as _, Result};
use stoa_test_stores::psql;

/// Tables that orders are written to.
const TABLES: [&str; 8] = [
    "carts",
    "orders",
    "order_lines",
    "payments",
    "stock_movements",
    "ledger_entries",
    "ledger_postings",
    "events",
];

/// Writes the rows of a database once more, in so many batches, and gives the seconds that took.
pub(super) fn seconds(address: &str, batches: f64) -> Result<f64> {
    let mut prepare = String::from("create schema bare;");
    let mut write = String::new();
    for table in TABLES {
        prepare += &format!(
            "create table bare.{table} (like public.{table} including defaults including constraints
                including indexes);
            create unlogged table bare.{table}_ready as
                select batch, array_agg(one) as rows from (
                    select source as one, (row_number() over () - 1) * cast({batches} as bigint)
                        / (select count(*) from public.{table}) as batch
                    from public.{table} source
                ) numbered group by batch;
            create unique index on bare.{table}_ready (batch);"
        );
        write += &format!(
            "insert into bare.{table}
                select (row).* from (
                    select unnest(rows) as row from bare.{table}_ready where batch = n
                ) ready;"
        );
    }
    psql(address, &format!("{prepare} analyze;")).context("making the rows ready")?;
    let all = format!(
        "do $$ begin for n in 0 .. cast({batches} as bigint) - 1 loop {write} commit; end loop; end $$"
    );
    let began = Instant::now();
    psql(address, &all).context("writing the rows")?;
    Ok(began.elapsed().as_secs_f64())
}
