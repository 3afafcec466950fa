//! What PostgreSQL takes to write the rows of orders when nothing is decided: `insert ... select unnest`
//! from arrays that lie ready, one for each table and batch, a commit after each batch, into tables with
//! the same checks and indexes, without triggers.

use std::time::Instant;

use anyhow::{Context as _, Result};
use stoa_test_stores::psql;

/// Tables that orders are written to, each with what names the order of a row, which is written in the
/// same batch as all that refers to it; without one, rows are written in the order they have.
const TABLES: [(&str, Option<&str>); 8] = [
    ("carts", Some("source.order_id")),
    ("orders", Some("source.id")),
    ("order_lines", Some("source.order_id")),
    ("payments", Some("source.order_id")),
    ("stock_movements", None),
    ("ledger_entries", Some("source.order_id")),
    (
        "ledger_postings",
        Some("(select e.order_id from public.ledger_entries e where e.id = source.entry_id)"),
    ),
    ("events", None),
];

/// Whether the tables have the foreign keys of the shop's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForeignKeys {
    /// They are looked up as the shop's are.
    Kept,
    /// They are left out.
    Dropped,
}

/// Writes the rows of a database once more, in so many batches, and gives the seconds that took.
pub(super) fn seconds(address: &str, batches: f64, foreign_keys: ForeignKeys) -> Result<f64> {
    let schema = match foreign_keys {
        ForeignKeys::Kept => "bare_with_keys",
        ForeignKeys::Dropped => "bare",
    };
    let mut prepare = format!(
        "create schema {schema};
        create table {schema}.batches as
            select id, (row_number() over (order by id) - 1) * cast({batches} as bigint)
                / (select count(*) from public.orders) as batch
            from public.orders;
        create unique index on {schema}.batches (id);"
    );
    let mut write = String::new();
    for (table, order) in TABLES {
        let numbered = match order {
            Some(order) => format!(
                "select source as one, b.batch
                from public.{table} source join {schema}.batches b on b.id = {order}"
            ),
            None => format!(
                "select source as one, (row_number() over () - 1) * cast({batches} as bigint)
                    / (select count(*) from public.{table}) as batch
                from public.{table} source"
            ),
        };
        prepare += &format!(
            "create table {schema}.{table} (like public.{table} including defaults
                including constraints including indexes);
            create unlogged table {schema}.{table}_ready as
                select batch, array_agg(one) as rows from ({numbered}) numbered group by batch;
            create unique index on {schema}.{table}_ready (batch);"
        );
        write += &format!(
            "insert into {schema}.{table}
                select (row).* from (
                    select unnest(rows) as row from {schema}.{table}_ready where batch = n
                ) ready;"
        );
    }
    if foreign_keys == ForeignKeys::Kept {
        // Their texts name tables without a schema, which are those beside them then.
        let names = TABLES.map(|(table, _)| format!("'{table}'")).join(", ");
        prepare += &format!(
            "create temporary table keys as
                select c.relname as name, pg_get_constraintdef(k.oid) as key
                from pg_constraint k join pg_class c on c.oid = k.conrelid
                where k.contype = 'f' and c.relnamespace = 'public'::regnamespace
                    and c.relname in ({names});
            set search_path = {schema}, public;
            do $$ declare one record; begin
                for one in select * from keys loop
                    execute format('alter table %I add %s', one.name, one.key);
                end loop;
            end $$;
            reset search_path;"
        );
    }
    psql(address, &format!("{prepare} analyze;")).context("making the rows ready")?;
    // What looks up foreign keys is planned while the tables are empty, and would read all of them later.
    let all = format!(
        "do $$ begin
            perform set_config('enable_seqscan', 'off', false);
            for n in 0 .. cast({batches} as bigint) - 1 loop {write} commit; end loop;
        end $$"
    );
    let began = Instant::now();
    psql(address, &all).context("writing the rows")?;
    Ok(began.elapsed().as_secs_f64())
}
