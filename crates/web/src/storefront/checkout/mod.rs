//! `/checkout`: address, shipping, payment, review. Each step stores what it asks for in the cart
//! (the means of payment in a cookie, because only the payment itself belongs in the store), and
//! none can be reached before those ahead of it are complete.

pub mod address;
pub mod payment;
pub mod review;
pub mod shipping;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use stoa_domain::cart::CartState;
use stoa_domain::catalog::FieldError;
use stoa_domain::shop::ShippingMethod;
use stoa_kernel::Money;
use stoa_pages::storefront::{self as pages, Notice, Step, Summary, SummaryLine, Tone};

use super::cart::{Held, held};
use super::frame::see_other;
use super::views::{self, Pictures};
use super::{cart, cookies};
use crate::reply::ApiError;
use crate::state::Web;

type Answer = Result<Response<Body>, ApiError>;

/// The provider that the payment step offers.
const PROVIDER: &str = "test";

/// `GET /checkout`: on to the first step that is not complete.
pub async fn begin(State(web): State<Web>, headers: HeaderMap) -> Answer {
    Ok(match enter(&web, &headers, None).await? {
        Entry::Here(held) => see_other(first_open(&web, &headers, &held).href()),
        Entry::Elsewhere(response) => response,
    })
}

/// Whether a visitor may be at a step.
enum Entry {
    Here(Box<Held>),
    Elsewhere(Response<Body>),
}

/// Lets a visitor in to a step, or sends them where they must go first.
async fn enter(web: &Web, headers: &HeaderMap, step: Option<Step>) -> Result<Entry, ApiError> {
    let Some(held) = held(web, headers).await? else {
        return Ok(Entry::Elsewhere(see_other(&cart::address("empty", &[]))));
    };
    if let CartState::Completed(id) = held.cart.state {
        return Ok(Entry::Elsewhere(see_other(&order_address(id, &held.token))));
    }
    if held.cart.body.lines.is_empty() {
        return Ok(Entry::Elsewhere(see_other(&cart::address("empty", &[]))));
    }
    let first = first_open(web, headers, &held);
    match step {
        Some(step) if step > first => Ok(Entry::Elsewhere(see_other(first.href()))),
        _ => Ok(Entry::Here(Box::new(held))),
    }
}

/// The first step that is not complete; the review when all are.
fn first_open(web: &Web, headers: &HeaderMap, held: &Held) -> Step {
    let body = &held.cart.body;
    if body.email.is_none() || body.shipping_address.is_none() {
        Step::Address
    } else if chosen_method(web, held).is_none() {
        Step::Shipping
    } else if chosen_payment(web, headers).is_none() {
        Step::Payment
    } else {
        Step::Review
    }
}

/// The way to ship that is chosen, if it goes to the address.
fn chosen_method<'a>(web: &'a Web, held: &Held) -> Option<&'a ShippingMethod> {
    let body = &held.cart.body;
    let address = body.shipping_address.as_ref()?;
    web.shop().config.shipping_method(body.shipping_method.as_deref()?, &address.country)
}

/// The token of the means of payment that is chosen.
fn chosen_payment<'a>(web: &Web, headers: &'a HeaderMap) -> Option<&'a str> {
    cookies::get(headers, cookies::PAYMENT).filter(|token| accepts(web, token))
}

fn accepts(web: &Web, token: &str) -> bool {
    web.shop().providers.get(PROVIDER).is_some_and(|provider| provider.accepts_token(token))
}

/// Where an order is shown to whoever holds the cart it was made of.
pub(super) fn order_address(id: stoa_kernel::OrderId, cart: &stoa_kernel::Token) -> String {
    format!("/orders/{id}?token={}", stoa_app::checkout::order_token(cart).reveal())
}

/// What is being bought, beside every step.
async fn summary(web: &Web, held: &Held) -> Result<Summary, ApiError> {
    let body = &held.cart.body;
    let priced = held.cart.priced(&web.shop().config)?;
    let ids: Vec<_> = body.lines.iter().map(|line| line.product_id).collect();
    let pictures = Pictures::load(web, &ids).await?;
    let lines = body.lines.iter().zip(&priced.lines).map(|(line, sums)| SummaryLine {
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        picture: pictures.of(line.product_id, &line.variant_title),
        quantity: line.quantity,
        total: sums.subtotal,
    });
    let method = chosen_method(web, held).map(|method| method.name.as_str());
    let code = body.discount_code.as_deref();
    Ok(Summary {
        lines: lines.collect(),
        totals: views::totals(&priced.totals, code, method, &priced.tax_lines),
    })
}

/// What the goods come to after discount: what shipping prices depend on.
fn goods(web: &Web, held: &Held) -> Result<Money, ApiError> {
    let totals = held.cart.priced(&web.shop().config)?.totals;
    Ok(totals.subtotal.minus(totals.discount).map_err(stoa_domain::Refusal::from)?)
}

/// Says that a payment is under way, where one is.
fn paying_notice(held: &Held) -> Option<Notice> {
    matches!(held.cart.state, CartState::Paying(_)).then(|| {
        Notice::new(
            Tone::Info,
            "A payment for this order waits for your confirmation. Place the order to go on with \
             it, or choose another way to pay.",
        )
    })
}

/// The name of the form field that a JSON pointer of the domain stands for:
/// `/shipping_address/city` is `shipping_city`.
fn field_of(pointer: &str) -> String {
    let name = pointer.trim_start_matches('/');
    match name.split_once('/') {
        Some((group, part)) => format!("{}_{part}", group.trim_end_matches("_address")),
        None => name.to_owned(),
    }
}

/// The domain's remarks on fields, in the words of a form.
fn form_errors(errors: &[FieldError]) -> Vec<pages::FieldError> {
    errors
        .iter()
        .map(|error| {
            let field = field_of(&error.pointer);
            let part = field.trim_start_matches("shipping_").trim_start_matches("billing_");
            let is_missing = matches!(error.detail.as_str(), "must not be empty" | "is missing");
            let message = match part {
                "email" => "Enter an e-mail address such as name@example.com.".to_owned(),
                "country" => "Choose a country we ship to.".to_owned(),
                "name" if is_missing => "Enter the full name.".to_owned(),
                "line1" if is_missing => "Enter street and number.".to_owned(),
                "city" if is_missing => "Enter the city.".to_owned(),
                "postal_code" if is_missing => "Enter the postal code.".to_owned(),
                "method" => "Choose one of the ways to ship.".to_owned(),
                _ => views::sentence(&error.detail),
            };
            // Both addresses have the same fields, and the list above the form names neither.
            let message = match error.pointer.split('/').nth(1) {
                Some("shipping_address") => format!("Shipping address: {}", lower_first(&message)),
                Some("billing_address") => format!("Billing address: {}", lower_first(&message)),
                _ => message,
            };
            pages::FieldError::new(field, message)
        })
        .collect()
}

/// A sentence as it goes on after a colon.
fn lower_first(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_of_the_domain_find_their_fields() {
        let errors = form_errors(&[
            FieldError::new("/email", "not an e-mail address"),
            FieldError::new("/shipping_address/postal_code", "must not be empty"),
            FieldError::new("/billing_address/line1", "at most 200 bytes"),
            FieldError::new("/shipping_method", "no such shipping method"),
        ]);
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["email", "shipping_postal_code", "billing_line1", "shipping_method"]);
        assert_eq!(errors[1].message, "Shipping address: enter the postal code.");
        assert_eq!(errors[2].message, "Billing address: at most 200 bytes.");
        assert_eq!(errors[3].message, "Choose one of the ways to ship.");
    }
}
