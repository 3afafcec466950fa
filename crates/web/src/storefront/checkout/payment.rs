//! `/checkout/payment`: with what it is paid.

use axum::extract::{RawQuery, State};
use http::HeaderMap;
use stoa_pages::storefront::{CheckoutPaymentPage, FieldError, Notice, PaymentChoice, Step, Tone};

use super::{Answer, Entry, Held, accepts, chosen_payment, enter, paying_notice, summary};
use crate::state::Web;
use crate::storefront::frame::{Frame, private_page, see_other, with_cookies};
use crate::storefront::request::{Form, parameter};
use crate::storefront::{cart, cookies};

/// `GET /checkout/payment`; `?declined=` says why the last payment did not succeed.
pub async fn show(State(web): State<Web>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Payment)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let declined = parameter(query.as_deref(), "declined");
    let notice = declined.as_deref().map(why_declined).or_else(|| paying_notice(&held));
    let chosen = chosen_payment(&web, &headers).unwrap_or("").to_owned();
    page(&web, &held, &chosen, notice, Vec::new()).await
}

/// Where a visitor goes whose payment was declined.
pub(in crate::storefront) fn declined_address(reason: &str) -> String {
    format!("{}?declined={}", Step::Payment.href(), crate::api::suggest::encode(reason))
}

fn why_declined(reason: &str) -> Notice {
    let why = match reason {
        "insufficient_funds" => "The account does not hold enough money.",
        "authentication_failed" => "The payment was not confirmed.",
        "authentication_expired" => "The payment was not confirmed in time.",
        "card_declined" => "Your bank declined the payment.",
        _ => "The payment did not succeed.",
    };
    let text = format!(
        "{why} Nothing was charged, and your cart is as it was. Choose another way to pay or try \
         again."
    );
    Notice::new(Tone::Bad, text)
}

async fn page(
    web: &Web,
    held: &Held,
    chosen: &str,
    notice: Option<Notice>,
    errors: Vec<FieldError>,
) -> Answer {
    let frame = Frame::load(web).await?;
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = CheckoutPaymentPage {
        layout: frame.private("Payment"),
        summary: summary(web, held).await?,
        notice,
        methods: PaymentChoice::test_cards(chosen),
        errors,
    };
    Ok(private_page(status, &page.render(), cart::pieces(&held.cart)))
}

/// `POST /checkout/payment`
pub async fn save(State(web): State<Web>, headers: HeaderMap, form: Form) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Payment)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let token = form.line("payment_token");
    if !accepts(&web, token) {
        let errors = vec![FieldError::new("payment_token", "Choose one of the ways to pay.")];
        return page(&web, &held, "", None, errors).await;
    }
    let stay = cookies::Stay::Session;
    let cookie = cookies::set(&web, cookies::PAYMENT, token, "/checkout", &stay);
    Ok(with_cookies(see_other(Step::Review.href()), [cookie]))
}
