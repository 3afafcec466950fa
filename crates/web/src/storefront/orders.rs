//! `/orders`: an order as its shopper sees it, with the link that came with it or after looking it
//! up by number and e-mail address.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, Response};
use stoa_app::error::StoreError;
use stoa_app::event_log;
use stoa_app::order::{lookup as access, store};
use stoa_app::rate_limit::Attempt;
use stoa_domain::fulfilment::{Fulfilment, FulfilmentStatus, OrderFulfilment};
use stoa_domain::order::{Order, OrderLine, OrderStatus, PaymentStatus};
use stoa_kernel::{OrderId, Token};
use stoa_pages::storefront::{
    ConfirmationPage, FieldError, Notice, OrderLookupPage, OrderPage, OrderView, Parcel,
    SummaryLine, TimelineEntry, Tone,
};

use super::cookies;
use super::frame::{Frame, private_page, see_other, with_cookies};
use super::payment::settle;
use super::request::{Form, parameter};
use super::views::{self, Pictures};
use crate::client::Client;
use crate::limits::Applied;
use crate::reply::ApiError;
use crate::state::Web;

type Answer = Result<Response<Body>, ApiError>;

/// How long an order that was looked up stays open to the browser, in seconds.
const ACCESS_S: u32 = 30 * 60;

/// `GET /orders`
pub async fn to_lookup() -> Response<Body> {
    see_other("/orders/lookup")
}

/// `GET /orders/lookup`
pub async fn lookup(State(web): State<Web>, headers: HeaderMap) -> Answer {
    lookup_page(&web, &headers, 200, "", "", None, Vec::new()).await
}

async fn lookup_page(
    web: &Web,
    headers: &HeaderMap,
    status: u16,
    number: &str,
    email: &str,
    notice: Option<Notice>,
    errors: Vec<FieldError>,
) -> Answer {
    let frame = Frame::load(web).await?;
    let page = OrderLookupPage {
        layout: frame.private("Find your order"),
        notice,
        number: number.to_owned(),
        email: email.to_owned(),
        errors,
    };
    Ok(private_page(status, &page.render(), cookies::cart_count(headers)))
}

/// `POST /orders/lookup`: lets in whoever knows number and e-mail address, for a while.
pub async fn find(
    State(web): State<Web>,
    client: Client,
    applied: Applied,
    headers: HeaderMap,
    form: Form,
) -> Answer {
    let (number, email) = (form.line("number"), form.line("email"));
    let mut errors = Vec::new();
    let parsed = number.trim_start_matches('#').parse::<i64>().ok().filter(|number| *number > 0);
    if parsed.is_none() {
        errors.push(FieldError::new(
            "number",
            "Enter the number from your confirmation, such as 1042.",
        ));
    }
    if !stoa_domain::address::is_email(email) {
        errors.push(FieldError::new("email", "Enter an e-mail address such as name@example.com."));
    }
    let Some(parsed) = parsed.filter(|_| errors.is_empty()) else {
        return lookup_page(&web, &headers, 422, number, email, None, errors).await;
    };
    // Numbers follow each other, so without a limit they could be tried one after the other.
    let attempt = Attempt::order_lookup(&web.shop().limits, client.address, email);
    if let Some(minutes) = applied.attempt(&web, &attempt).await {
        let text = format!("Too many tries. Please wait {minutes} minutes and try again.");
        let notice = Some(Notice::new(Tone::Bad, text));
        return lookup_page(&web, &headers, 429, number, email, notice, Vec::new()).await;
    }
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let order = match store::id_of_number(&mut tx, parsed).await? {
        Some(id) => store::find(&mut tx, id).await?,
        None => None,
    };
    drop(tx);
    let order = order.filter(|order| order.email.to_lowercase() == email.to_lowercase());
    let Some(order) = order else {
        let text = "No order has this number and e-mail address. Check both and try again.";
        let notice = Some(Notice::new(Tone::Bad, text));
        return lookup_page(&web, &headers, 404, number, email, notice, Vec::new()).await;
    };
    attempt.succeeded(&web.shop().cache).await;
    let now = (web.shop().clock)();
    let until = now.plus_seconds(i64::from(ACCESS_S));
    let token = stoa_app::entropy::token().map_err(|error| ApiError::internal(&error))?;
    access::grant(&web.shop().db, now, &token.hash(), order.id, until).await?;
    Ok(let_in(&web, order.id, &token))
}

/// Gives the browser a token that lets it in to an order, and leads there.
fn let_in(web: &Web, order: OrderId, token: &Token) -> Response<Body> {
    let stay = cookies::Stay::Seconds(ACCESS_S);
    let cookie = cookies::set(web, cookies::ORDER, &token.reveal(), "/orders", &stay);
    with_cookies(see_other(&format!("/orders/{order}")), [cookie])
}

/// `GET /orders/{id}`; `?token=` is the capability that came with the order, `?placed=1` says that
/// it has just been placed, `?access=` is what a mail's link carries.
pub async fn show(
    State(web): State<Web>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let token = parameter(query.as_deref(), "token");
    if let Some(token) = parameter(query.as_deref(), "access") {
        return by_mail(&web, &id, &token).await;
    }
    let order = match &token {
        Some(token) => crate::api::orders::load(&web, &id, token).await?,
        None => {
            let id: OrderId = id.parse().map_err(|_| ApiError::not_found("order"))?;
            let cookie = cookies::get(&headers, cookies::ORDER);
            let held = cookie.and_then(|value| value.parse::<Token>().ok());
            let lets_in = match held {
                Some(token) => opens(&web, id, &token).await?,
                None => false,
            };
            if !lets_in {
                return Ok(see_other("/orders/lookup"));
            }
            let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
            store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("order"))?
        }
    };
    let order = settle(&web, order).await?;
    let view = view(&web, &order).await?;
    let frame = Frame::load(&web).await?;
    let count = cookies::cart_count(&headers);
    let is_new = parameter(query.as_deref(), "placed").is_some();
    let html = if is_new && matches!(order.status, OrderStatus::Pending | OrderStatus::Placed) {
        let order_href = match &token {
            Some(token) => format!("/orders/{}?token={token}", order.id),
            None => format!("/orders/{}", order.id),
        };
        let pending = order.status == OrderStatus::Pending;
        let title = if pending { "Almost there" } else { "Thank you" };
        let layout = frame.private(title);
        ConfirmationPage { layout, order: view, payment_pending: pending, order_href }.render()
    } else {
        let layout = frame.private(&format!("Order {}", view.number));
        OrderPage { layout, notice: notice(&order), order: view }.render()
    };
    Ok(private_page(200, &html, count))
}

/// Whether this token lets in to the order now.
async fn opens(web: &Web, order: OrderId, token: &Token) -> Result<bool, ApiError> {
    let now = (web.shop().clock)();
    Ok(access::grants(&web.shop().db, now, &token.hash(), order).await?)
}

/// The link of a mail lets the browser in for a while, and is not shown in the address any more.
async fn by_mail(web: &Web, id: &str, token: &str) -> Answer {
    let id: OrderId = id.parse().map_err(|_| ApiError::not_found("order"))?;
    match token.parse::<Token>() {
        Ok(token) if opens(web, id, &token).await? => Ok(let_in(web, id, &token)),
        _ => Ok(see_other("/orders/lookup")),
    }
}

fn notice(order: &Order) -> Option<Notice> {
    let (tone, text) = match (order.status, order.payment.status) {
        (OrderStatus::Pending, PaymentStatus::RequiresAction) => (
            Tone::Warn,
            "The payment waits for your confirmation. The order is placed once you have confirmed.",
        ),
        (OrderStatus::Pending, _) => {
            (Tone::Info, "The payment is being confirmed. Look again in a moment.")
        }
        (OrderStatus::Failed, _) => {
            (Tone::Bad, "The payment did not succeed, so the order was not placed.")
        }
        _ => return None,
    };
    Some(Notice::new(tone, text))
}

async fn view(web: &Web, order: &Order) -> Result<OrderView, ApiError> {
    let ids: Vec<_> = order.lines.iter().map(|line| line.product_id).collect();
    let pictures = Pictures::load(web, &ids).await?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let events = event_log::of_subject(&mut tx, &format!("order/{}", order.id)).await?;
    drop(tx);
    let details = &order.details;
    Ok(OrderView {
        number: order.number.map_or_else(|| "not placed yet".to_owned(), |n| n.to_string()),
        placed_on: views::when(order.placed_at.unwrap_or(order.created_at)),
        status: status_words(order),
        payment_status: payment_words(order.payment.status),
        email: order.email.clone(),
        lines: order
            .lines
            .iter()
            .map(|line| SummaryLine {
                title: line.title.clone(),
                variant: line.variant_title.clone(),
                picture: pictures.of(line.product_id, &line.variant_title),
                quantity: line.quantity,
                total: line.totals.subtotal,
            })
            .collect(),
        totals: views::totals(
            &order.totals,
            details.discount_code.as_deref(),
            Some(&details.shipping_method_name),
            &details.tax_lines,
        ),
        shipping_address: views::address_lines(&details.shipping_address),
        billing_address: if details.billing_address == details.shipping_address {
            Vec::new()
        } else {
            views::address_lines(&details.billing_address)
        },
        shipping_method: details.shipping_method_name.clone(),
        payment_method: match order.payment.provider.as_str() {
            "test" => "Test payment".to_owned(),
            other => other.to_owned(),
        },
        parcels: order
            .fulfilments
            .iter()
            .filter(|one| one.status == FulfilmentStatus::Shipped)
            .map(|one| parcel(order, one))
            .collect(),
        timeline: events
            .iter()
            .filter_map(|event| {
                let text = event_words(&event.kind)?.to_owned();
                Some(TimelineEntry { when: views::when(event.at), text })
            })
            .collect(),
    })
}

fn parcel(order: &Order, fulfilment: &Fulfilment) -> Parcel {
    let name = fulfilment.tracking.name();
    let item = |(line, n): (&OrderLine, i64)| match line.variant_title.as_str() {
        "" => (n, line.title.clone()),
        variant => (n, format!("{} ({variant})", line.title)),
    };
    let link = fulfilment.tracking.link().unwrap_or_default();
    Parcel {
        sent_on: views::when(fulfilment.created_at),
        items: order.pieces(fulfilment).map(item).collect(),
        tracking: if name.is_empty() && !link.is_empty() { "the parcel".to_owned() } else { name },
        link,
    }
}

fn status_words(order: &Order) -> (Tone, String) {
    let (tone, text) = match order.status {
        OrderStatus::Pending => (Tone::Info, "Waiting for payment"),
        OrderStatus::Placed => match order.fulfilment_status() {
            OrderFulfilment::Unfulfilled => (Tone::Ok, "Placed"),
            OrderFulfilment::PartiallyFulfilled => (Tone::Ok, "Partly shipped"),
            OrderFulfilment::Fulfilled => (Tone::Ok, "Shipped"),
        },
        OrderStatus::Failed => (Tone::Bad, "Not placed"),
        OrderStatus::Cancelled => (Tone::Warn, "Cancelled"),
    };
    (tone, text.to_owned())
}

fn payment_words(status: PaymentStatus) -> (Tone, String) {
    let (tone, text) = match status {
        PaymentStatus::Pending => (Tone::Info, "Being confirmed"),
        PaymentStatus::RequiresAction => (Tone::Warn, "Needs your confirmation"),
        PaymentStatus::Paid => (Tone::Ok, "Paid"),
        PaymentStatus::Declined => (Tone::Bad, "Declined"),
        PaymentStatus::RefundPending => (Tone::Info, "Refund on its way"),
        PaymentStatus::Refunded => (Tone::Info, "Refunded"),
    };
    (tone, text.to_owned())
}

fn event_words(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "order.pending" => "Order received",
        "order.placed" => "Order placed",
        "order.cancelled" => "Order cancelled",
        "fulfilment.created" => "Shipped",
        "payment.action_required" => "Payment waits for confirmation",
        "payment.captured" => "Payment received",
        "payment.declined" => "Payment declined",
        "payment.refunded" => "Payment given back",
        _ => return None,
    })
}
