//! One order, and calling it off.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use serde_json::Value;
use stoa_app::engine::Outcome;
use stoa_app::error::StoreError;
use stoa_app::event_log::LoggedEvent;
use stoa_app::inventory::store::OrderMovement;
use stoa_app::ledger::store::OrderPosting;
use stoa_app::order::store;
use stoa_app::{checkout, customer, event_log, inventory, job, ledger};
use stoa_domain::address::{Address, canonical_email};
use stoa_domain::checkout::history::{StepState, Waiting, history};
use stoa_domain::fulfilment::OrderFulfilment;
use stoa_domain::order::{CancelOrder, Order, OrderLine, OrderStatus, PaymentStatus};
use stoa_domain::world::JobKind;
use stoa_domain::{Command, Reply};
use stoa_kernel::{Currency, Money, OrderId, Rate, limits};
use stoa_pages::admin::{
    self, Choice, ConfirmPage, LedgerEntry, LedgerPosting, OrderEvent, OrderPage, OrderTotals,
    PaymentFacts, Section, StockMovement, WorkflowStep,
};

use super::answer::{notice, order_name, page, see_other};
use super::fulfilments::{fulfil_form, parcel};
use super::gate::{Action, Staff};
use super::goods::Goods;
use crate::reply::{self, ApiError};
use crate::state::Web;
use crate::storefront::countries;

/// Why orders are called off.
const REASONS: [&str; 5] = [
    "Asked for by the customer",
    "Cannot be delivered",
    "Out of stock",
    "Suspected fraud",
    "Other reason",
];

/// `GET /admin/orders/{id}`.
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, &id, query.as_deref()).await;
    staff.answer(&web, Section::Orders, shown).await
}

/// `GET /admin/orders/{id}/cancel`: asks first, where there is no script to ask in place.
pub async fn ask_cancel(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
) -> Response<Body> {
    let asked = asked(&web, &staff, &id).await;
    staff.answer(&web, Section::Orders, asked).await
}

/// `POST /admin/orders/{id}/cancel`.
pub async fn cancel(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let cancelled = cancelled(&web, &action, &id).await;
    action.staff.answer(&web, Section::Orders, cancelled).await
}

pub(super) fn order_id(text: &str) -> Result<OrderId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("order"))
}

fn reasons() -> Vec<Choice> {
    REASONS.map(|reason| Choice::new(reason, reason)).to_vec()
}

async fn shown(
    web: &Web,
    staff: &Staff,
    id: &str,
    query: Option<&str>,
) -> Result<Response<Body>, ApiError> {
    let mut shown = order_page(web, staff, order_id(id)?).await?;
    shown.frame.notice = notice(query);
    Ok(page(200, shown.render()))
}

/// An order as it is now.
pub(super) async fn order_page(
    web: &Web,
    staff: &Staff,
    id: OrderId,
) -> Result<OrderPage, ApiError> {
    let frame = staff.frame(web, Section::Orders).await;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let order = store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("order"))?;
    let events = event_log::of_subject(&mut tx, &format!("order/{id}")).await?;
    let postings = ledger::store::postings_of(&mut tx, id).await?;
    let movements = inventory::store::movements_of(&mut tx, id).await?;
    let kind = match order.payment.status {
        PaymentStatus::RefundPending => JobKind::Refund,
        _ => JobKind::Charge,
    };
    let waiting = job::of_order(&mut tx, kind, id).await?;
    let email = canonical_email(&order.email);
    let customer = customer::store::by_email(&mut tx, [email.as_str()]).await?.remove(&email);
    drop(tx);
    let goods = Goods::load(web, order.lines.iter().map(|line| line.product_id)).await?;
    let lines = order.lines.iter().map(|line| order_line(line, order.fulfilled(line.id), &goods));
    Ok(OrderPage {
        frame,
        id: id.to_string(),
        name: order_name(id, order.number),
        status: order.status.as_str().to_owned(),
        version: order.version,
        at: order.placed_at.unwrap_or(order.created_at),
        email: order.email.clone(),
        customer: customer.map(|id| format!("/admin/customers/{id}")),
        shipping_address: address_lines(&order.details.shipping_address),
        billing_address: if order.details.billing_address == order.details.shipping_address {
            Vec::new()
        } else {
            address_lines(&order.details.billing_address)
        },
        lines: lines.collect(),
        totals: totals(&order),
        payment: PaymentFacts {
            id: order.payment.id.to_string(),
            provider: order.payment.provider.clone(),
            status: order.payment.status.as_str().to_owned(),
            amount: order.payment.amount,
            reference: order.payment.reference.clone(),
            detail: order.payment.detail.clone(),
        },
        ledger: entries(postings),
        movements: movements.into_iter().rev().map(movement).collect(),
        steps: steps(&order, &events, waiting),
        timeline: events.iter().rev().map(event).collect(),
        fulfilment_status: order.fulfilment_status().as_str().to_owned(),
        parcels: order.fulfilments.iter().map(|one| parcel(&order, one)).collect(),
        fulfil: fulfil_form(&order),
        can_cancel: can_cancel(&order),
        reasons: reasons(),
    })
}

/// Whether an order can still be called off.
fn can_cancel(order: &Order) -> bool {
    order.status == OrderStatus::Placed && order.fulfilment_status() == OrderFulfilment::Unfulfilled
}

fn order_line(line: &OrderLine, fulfilled: i64, goods: &Goods) -> admin::OrderLine {
    admin::OrderLine {
        href: goods.href(line.product_id),
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        sku: line.sku.clone(),
        picture: goods.picture(line.product_id),
        quantity: line.quantity,
        fulfilled,
        unit_price: line.unit_price,
        discount: line.totals.discount,
        tax: line.totals.tax,
        total: line.totals.total,
    }
}

pub(super) fn address_lines(address: &Address) -> Vec<String> {
    let town = [address.postal_code.as_str(), address.city.as_str()];
    let town: Vec<&str> = town.into_iter().filter(|part| !part.is_empty()).collect();
    let lines = [
        address.name.clone(),
        address.line1.clone(),
        address.line2.clone().unwrap_or_default(),
        town.join(" "),
        address.region.clone().unwrap_or_default(),
        countries::name(&address.country).to_owned(),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

fn totals(order: &Order) -> OrderTotals {
    let (totals, details) = (&order.totals, &order.details);
    OrderTotals {
        subtotal: totals.subtotal,
        discount: totals.discount,
        discount_code: details.discount_code.clone(),
        shipping: totals.shipping,
        shipping_method: details.shipping_method_name.clone(),
        taxes: details
            .tax_lines
            .iter()
            .map(|tax| (format!("{} {}", tax.name, Rate::from_ppm(tax.rate_ppm)), tax.amount))
            .collect(),
        tax_included: totals.tax_included,
        total: totals.total,
    }
}

/// Postings come in order of their entries, of which a payment has one of each kind.
fn entries(postings: Vec<OrderPosting>) -> Vec<LedgerEntry> {
    let mut entries: Vec<LedgerEntry> = Vec::new();
    for posting in postings {
        let side = LedgerPosting { account: posting.account, amount: posting.amount };
        match entries.last_mut() {
            Some(entry) if entry.kind == posting.kind => entry.postings.push(side),
            _ => entries.push(LedgerEntry {
                kind: posting.kind,
                at: posting.at,
                postings: vec![side],
            }),
        }
    }
    entries
}

fn movement(movement: OrderMovement) -> StockMovement {
    StockMovement {
        at: movement.at,
        kind: movement.kind,
        sku: movement.sku,
        location: movement.location,
        on_hand_delta: movement.on_hand_delta,
        reserved_delta: movement.reserved_delta,
    }
}

/// How far the order's workflows are.
fn steps(
    order: &Order,
    events: &[LoggedEvent],
    waiting: Option<job::StoredStep>,
) -> Vec<WorkflowStep> {
    let facts: Vec<(&str, _)> =
        events.iter().map(|event| (event.kind.as_str(), event.at)).collect();
    let waiting = waiting.map(|step| Waiting {
        tries: step.attempts,
        next_at: step.run_at,
        error: step.last_error,
    });
    let records = history(order, &facts, waiting.as_ref()).into_iter();
    records
        .map(|record| WorkflowStep {
            name: record.definition.name.to_owned(),
            state: match record.state {
                StepState::Done => "done",
                StepState::Compensated => "compensated",
                StepState::Waiting => "waiting",
                StepState::Failed => "failed",
                StepState::Ahead => "ahead",
            }
            .to_owned(),
            at: record.at,
            tries: record.waiting.as_ref().map_or(0, |waiting| waiting.tries),
            next_at: record.waiting.as_ref().map(|waiting| waiting.next_at),
            error: record.waiting.and_then(|waiting| waiting.error).unwrap_or_default(),
        })
        .collect()
}

fn event(logged: &LoggedEvent) -> OrderEvent {
    let data: Value = serde_json::from_str(&logged.data).unwrap_or_default();
    let reason = data.get("reason").and_then(Value::as_str).map(str::to_owned);
    let amount = || {
        let amount = data.get("amount")?;
        let minor = amount.get("amount")?.as_i64()?;
        let currency: Currency = amount.get("currency")?.as_str()?.parse().ok()?;
        Some(Money::new(minor, currency).to_string())
    };
    OrderEvent {
        kind: logged.kind.clone(),
        detail: reason.or_else(amount).unwrap_or_default(),
        at: logged.at,
    }
}

async fn asked(web: &Web, staff: &Staff, id: &str) -> Result<Response<Body>, ApiError> {
    let id = order_id(id)?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let order = store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("order"))?;
    drop(tx);
    if !can_cancel(&order) {
        return Ok(see_other(&format!("/admin/orders/{id}")));
    }
    let name = order_name(id, order.number);
    let shown = ConfirmPage {
        frame: staff.frame(web, Section::Orders).await,
        title: format!("Cancel order {name}?"),
        text: format!(
            "Its stock is released and {} goes back to the shopper. This cannot be undone.",
            order.totals.total
        ),
        action: format!("/admin/orders/{id}/cancel"),
        verb: "Cancel order".to_owned(),
        back: format!("/admin/orders/{id}"),
        back_label: name,
        version: order.version,
        reasons: reasons(),
    };
    Ok(page(200, shown.render()))
}

async fn cancelled(web: &Web, action: &Action, id: &str) -> Result<Response<Body>, ApiError> {
    let id = order_id(id)?;
    let reason = action.form.get("reason").trim();
    let is_line = !reason.is_empty()
        && reason.len() <= limits::LINE_BYTES
        && !reason.chars().any(char::is_control);
    let command = Command::CancelOrder(CancelOrder {
        order: id,
        expected_version: action.form.get("version").parse().ok(),
        reason: if is_line { reason } else { "Other reason" }.to_owned(),
    });
    let shop = web.shop();
    let order = match shop.engine.submit(command).await {
        Outcome::Done { reply: Reply::Order(order), .. } => *order,
        other => return Err(reply::undone(other)),
    };
    shop.wake.notify_waiters();
    let mut is_refunded = order.payment.status == PaymentStatus::Refunded;
    if order.payment.status == PaymentStatus::RefundPending
        && let checkout::Driven::Settled(settled) = checkout::drive(shop, order, None, 0).await
    {
        is_refunded = settled.payment.status == PaymentStatus::Refunded;
    }
    let word = if is_refunded { "cancelled" } else { "refunding" };
    Ok(see_other(&format!("/admin/orders/{id}?notice={word}")))
}
