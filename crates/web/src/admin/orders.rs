//! The list of orders.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::Response;
use stoa_app::back_office::store::{self as back_office, OrderFilter, OrderRow};
use stoa_app::error::StoreError;
use stoa_domain::order::OrderStatus;
use stoa_pages::admin::{self, OrderListPage, OrderTab, Section};

use super::answer::{address, notice, order_name, page, pager, parameter};
use super::gate::{PATIENCE_S, Staff, now};
use crate::reply::ApiError;
use crate::state::Web;

/// Orders of one page.
const ROWS: i64 = 50;
/// Bytes of a search: an e-mail address.
const TEXT_BYTES: usize = 254;

/// What shows the orders of which pieces wait to be sent.
const TO_SHIP: &str = "to-ship";

/// What the tabs show, by the word in the address.
const TABS: [(&str, &str); 7] = [
    ("", "All"),
    (TO_SHIP, "To ship"),
    ("attention", "Needs attention"),
    ("placed", "Placed"),
    ("pending", "Pending"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
];

/// An order as the pages list it.
pub(super) fn row(order: &OrderRow) -> admin::OrderRow {
    admin::OrderRow {
        href: format!("/admin/orders/{}", order.id),
        name: order_name(order.id, order.number),
        at: order.at,
        customer: order.customer.clone(),
        email: order.email.clone(),
        n_items: order.n_items,
        total: order.total,
        status: order.status.as_str().to_owned(),
        payment_status: order.payment_status.as_str().to_owned(),
        fulfilment_status: order.fulfilment_status.as_str().to_owned(),
    }
}

/// `GET /admin/orders`.
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Orders, listed).await
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let mut frame = staff.frame(web, Section::Orders).await;
    frame.notice = notice(query);
    let status = parameter(query, "status");
    let status = if TABS.iter().any(|(word, _)| *word == status) { status } else { String::new() };
    let mut text = parameter(query, "q").trim().to_owned();
    if text.len() > TEXT_BYTES {
        text.clear();
    }
    let after = parameter(query, "after");

    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let n_to_ship = back_office::to_fulfil_count(&mut tx).await?;
    let is_searched = !text.is_empty();
    let orders = if status == TO_SHIP && !is_searched {
        back_office::to_fulfil(&mut tx, after.parse().ok(), ROWS).await?
    } else if status == "attention" {
        let before = now(web).plus_seconds(-PATIENCE_S);
        back_office::attention(&mut tx, before, ROWS).await?
    } else {
        let filter = OrderFilter {
            status: OrderStatus::parse(&status),
            text: text.clone(),
            after: after.parse().ok(),
            limit: ROWS,
        };
        back_office::orders(&mut tx, &filter).await?
    };
    drop(tx);

    const PATH: &str = "/admin/orders";
    let kept = [("status", status.as_str()), ("q", text.as_str())];
    let id = |order: &OrderRow| order.id.to_string();
    let mut pager = pager(PATH, &kept, &after, (&orders, ROWS), id);
    if status == "attention" {
        pager.next = None;
    }
    let n_attention = frame.n_attention;
    let shown = OrderListPage {
        frame,
        tabs: TABS
            .iter()
            .map(|(word, label)| OrderTab {
                label: (*label).to_owned(),
                href: address(PATH, &[("status", word)]),
                selected: *word == status,
                n: match *word {
                    "attention" => Some(n_attention),
                    TO_SHIP => Some(n_to_ship),
                    _ => None,
                },
            })
            .collect(),
        rows: orders.iter().map(row).collect(),
        pager,
        query: text,
        status,
    };
    Ok(page(200, shown.render()))
}
