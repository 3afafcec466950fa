//! `/checkout/review`: a last look, and the order.

use axum::extract::{RawQuery, State};
use http::HeaderMap;
use stoa_app::answer::refusal_of;
use stoa_app::checkout::{Completion, PaymentChoice as Means, complete_cart};
use stoa_app::engine::Outcome;
use stoa_domain::Refusal;
use stoa_domain::cart::CartState;
use stoa_domain::order::Order;
use stoa_kernel::Token;
use stoa_pages::storefront::{CheckoutReviewPage, Notice, PaymentChoice, Step, Tone};

use super::payment::declined_address;
use super::{
    Answer, Entry, Held, PROVIDER, accepts, chosen_method, chosen_payment, enter, order_address,
    paying_notice, summary,
};
use crate::client::Client;
use crate::limits::{Applied, Checkout};
use crate::reply;
use crate::state::Web;
use crate::storefront::frame::{Frame, private_page, see_other, with_cookies};
use crate::storefront::request::{Form, parameter};
use crate::storefront::{cart, cookies, views};

/// `GET /checkout/review`
pub async fn show(State(web): State<Web>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Review)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let token = chosen_payment(&web, &headers).unwrap_or("");
    let notice = match parameter(query.as_deref(), "notice").as_deref() {
        Some("changed") => Some(Notice::new(
            Tone::Warn,
            "Your cart has changed since you looked at it, in another window perhaps. Nothing was \
             ordered: check it and place the order again.",
        )),
        _ => paying_notice(&held),
    };
    let body = &held.cart.body;
    let summary = summary(&web, &held).await?;
    let method = chosen_method(&web, &held);
    let time = method.and_then(views::shipping_time);
    let frame = Frame::load(&web).await?;
    let page = CheckoutReviewPage {
        layout: frame.private("Review"),
        notice,
        email: body.email.clone().unwrap_or_default(),
        shipping_address: body
            .shipping_address
            .as_ref()
            .map(views::address_lines)
            .unwrap_or_default(),
        billing_address: body
            .billing_address
            .as_ref()
            .map(views::address_lines)
            .unwrap_or_default(),
        shipping_method: match (method, time) {
            (Some(method), Some(time)) => format!("{}, {time}", method.name),
            (Some(method), None) => method.name.clone(),
            (None, _) => String::new(),
        },
        payment_method: payment_label(token),
        hidden: vec![
            ("payment_token".to_owned(), token.to_owned()),
            ("total".to_owned(), summary.totals.total.minor.to_string()),
        ],
        summary,
        terms: None,
    };
    Ok(private_page(200, &page.render(), cart::pieces(&held.cart)))
}

fn payment_label(token: &str) -> String {
    PaymentChoice::test_cards(token)
        .into_iter()
        .find(|choice| choice.token == token)
        .map_or_else(|| "Test payment".to_owned(), |choice| choice.label)
}

/// `POST /checkout/review`: places the order. A cart becomes at most one order, however often this
/// is sent: later ones are shown the order of the first.
pub async fn place(
    State(web): State<Web>,
    client: Client,
    applied: Applied,
    headers: HeaderMap,
    form: Form,
) -> Answer {
    let held = match enter(&web, &headers, None).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let token = match form.line("payment_token") {
        "" => chosen_payment(&web, &headers).unwrap_or(""),
        token => token,
    };
    if !accepts(&web, token) {
        return Ok(see_other(Step::Payment.href()));
    }
    // A cart that is being paid cannot have changed.
    let seen = form.line("total");
    if held.cart.state == CartState::Open && !seen.is_empty() {
        let total = held.cart.priced(&web.shop().config)?.totals.total;
        if seen != total.minor.to_string() {
            return Ok(see_other("/checkout/review?notice=changed"));
        }
    }
    let means = Means { provider: PROVIDER.to_owned(), token: token.to_owned() };
    let attempt = Checkout::begin(&web, client, &applied, &held.token).await?;
    let completion = complete_cart(web.shop(), held.token, means, None).await;
    attempt.ended(&web, &completion);
    match completion {
        Completion::Order { order, .. } => Ok(after(&web, &held.token, &order)),
        Completion::Outcome(Outcome::Refused(refusal)) => refused(refusal),
        Completion::Outcome(other) => Err(reply::undone(other)),
        Completion::StillPending => still_pending(&web, &headers, &held).await,
    }
}

/// Where a visitor goes with their order, as far as it has come.
pub(in crate::storefront) fn after(
    web: &Web,
    cart: &Token,
    order: &Order,
) -> http::Response<axum::body::Body> {
    match refusal_of(order) {
        Some(Refusal::PaymentDeclined { reason }) => see_other(&declined_address(&reason)),
        // A path of this shop, or the https address of another provider's page.
        Some(Refusal::PaymentRequiresAction { url }) => see_other(&url),
        _ => {
            let to = format!("{}&placed=1", order_address(order.id, cart));
            with_cookies(see_other(&to), cookies::ordered(web, cart))
        }
    }
}

fn refused(refusal: Refusal) -> Answer {
    Ok(see_other(&match refusal {
        Refusal::OutOfStock(_) => cart::address("stock", &[]),
        Refusal::PriceChanged(lines) => cart::address("price", &lines),
        Refusal::CartEmpty | Refusal::NotFound("cart") => cart::address("empty", &[]),
        // Something is missing that was there a moment ago: on to the step that asks for it.
        Refusal::Invalid(_) => "/checkout".to_owned(),
        other => return Err(other.into()),
    }))
}

/// The provider is slow. The workflow goes on without the visitor, who sees the order waiting.
async fn still_pending(web: &Web, headers: &HeaderMap, held: &Held) -> Answer {
    let now = cart::held(web, headers).await?;
    match now.map(|now| now.cart.state) {
        Some(CartState::Paying(id) | CartState::Completed(id)) => {
            let to = format!("{}&placed=1", order_address(id, &held.token));
            Ok(with_cookies(see_other(&to), cookies::keep_cart(web, &held.token, 0)))
        }
        _ => Err(reply::ApiError::unavailable()),
    }
}
