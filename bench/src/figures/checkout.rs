//! Complete orders a second, over HTTP with full durability.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::buyers::{Buyers, COMPLETE_KIND, Goal};
use super::{Bench, mean_rate, micros_each};
use crate::http::{Client, write_json};
use crate::load::Measurement;
use crate::report::{Figure, Section, kinds_table, millis, quantity};

/// Bytes of a bare answer: an acknowledgement, nothing more.
const BARE_BYTES: usize = 64;
/// Lines of a cart.
const LINES: usize = 2;

/// Measures checkouts between two measurements of bare answers.
pub(crate) fn measure(bench: &mut Bench) -> Result<Section> {
    let users = bench.options.connections;
    eprintln!("checkout: {users} buyers");
    let bare_server = bench.static_server(BARE_BYTES)?;
    let before = bench.bare(&bare_server, users)?;
    let (measured, _orders) = buy(bench, 1)?;
    let after = bench.bare(&bare_server, users)?;
    drop(bare_server);
    let bare = mean_rate(&[before, after]);
    let complete = measured.kind(COMPLETE_KIND);
    let orders = complete.with_status(201);
    let requests = measured.requests();
    let doctor = bench.shop.doctor();
    Ok(Section {
        name: "checkout",
        title: "Checkout",
        figures: vec![
            Figure::at_least("complete orders", 2_000.0, measured.per_second(orders), "/s"),
            Figure::below("p99 of complete", 50.0, millis(complete.latencies.summary().p99), "ms"),
            Figure::at_least(
                "requests/s, share of a bare answer's",
                25.0,
                100.0 * measured.requests_per_second() / bare,
                "%",
            ),
            Figure::exactly("wrong answers", 0, measured.wrong),
            Figure::exactly("lost connections", 0, measured.lost),
            Figure::holds("stoa doctor afterwards", "clean", doctor),
            Figure::told("requests", quantity(measured.requests_per_second(), "/s")),
            Figure::told(
                format!("bare answer of {BARE_BYTES} bytes, before and after"),
                quantity(bare, "/s"),
            ),
            Figure::told(
                "CPU of the shop an order",
                quantity(micros_each(measured.server_cpu, orders), "µs"),
            ),
            Figure::told(
                "CPU of the load generator a request",
                quantity(micros_each(measured.own_cpu, requests), "µs"),
            ),
            Figure::told(
                "first wrong answer",
                measured.first_wrong.clone().unwrap_or("none".into()),
            ),
        ],
        details: kinds_table(measured.kinds.into_iter()),
    })
}

/// Lets buyers order again and again; gives what was measured in a share of the window, and how many
/// orders were acknowledged in all.
pub(super) fn buy(bench: &Bench, divisor: u32) -> Result<(Measurement, u64)> {
    let users = bench.options.connections;
    let method = shipping_method(&mut bench.client()?)?;
    let mut buyers = Buyers::new(
        users,
        Goal::OrderAgainAndAgain,
        &bench.catalogue.variants,
        LINES,
        &method,
        bench.options.seed,
    );
    let measured = bench.pool(users)?.run(&mut buyers, bench.share(divisor))?;
    Ok((measured, buyers.orders))
}

/// The code of the first method that ships to the buyers.
pub(super) fn shipping_method(client: &mut Client) -> Result<String> {
    let mut send = |method: &str, path: &str, body: Value| -> Result<Value> {
        let mut request = Vec::new();
        write_json(&mut request, method, path, &[], &body.to_string());
        client.json(&request)
    };
    let cart = send("POST", "/api/v1/carts", json!({}))?;
    let id = cart.get("id").and_then(Value::as_str);
    let path = format!("/api/v1/carts/{}", id.context("a cart without an id")?);
    let address = json!({"name": "A Buyer", "line1": "1 Main Street", "city": "Springfield",
        "region": "IL", "postal_code": "62701", "country": "US"});
    send("PATCH", &path, json!({"shipping_address": address}))?;
    let methods: Value = client.get(&format!("{path}/shipping-methods"))?;
    ["/items/0/code", "/items/0/id"]
        .iter()
        .find_map(|pointer| methods.pointer(pointer)?.as_str())
        .map(str::to_owned)
        .with_context(|| format!("no shipping method in {methods}"))
}
