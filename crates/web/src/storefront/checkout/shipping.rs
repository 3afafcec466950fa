//! `/checkout/shipping`: how the goods get there.

use axum::extract::State;
use http::HeaderMap;
use stoa_domain::cart::{CartPatch, UpdateCart};
use stoa_domain::{Command, Refusal};
use stoa_pages::storefront::{CheckoutShippingPage, FieldError, ShippingChoice, Step};

use super::{Answer, Entry, Held, enter, form_errors, goods, paying_notice, summary};
use crate::state::Web;
use crate::storefront::cart::{self, submit};
use crate::storefront::frame::{Frame, private_page, see_other};
use crate::storefront::request::Form;
use crate::storefront::views;

/// `GET /checkout/shipping`
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Answer {
    match enter(&web, &headers, Some(Step::Shipping)).await? {
        Entry::Here(held) => page(&web, &held, Vec::new()).await,
        Entry::Elsewhere(response) => Ok(response),
    }
}

async fn page(web: &Web, held: &Held, errors: Vec<FieldError>) -> Answer {
    let body = &held.cart.body;
    let country = body.shipping_address.as_ref().map_or("", |address| &address.country);
    let goods = goods(web, held)?;
    let chosen = super::chosen_method(web, held).map(|method| method.code.as_str());
    let methods = web.shop().config.shipping_methods_to(country).enumerate();
    let frame = Frame::load(web).await?;
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = CheckoutShippingPage {
        layout: frame.private("Shipping"),
        summary: summary(web, held).await?,
        notice: paying_notice(held),
        email: body.email.clone().unwrap_or_default(),
        address: body.shipping_address.as_ref().map(views::address_lines).unwrap_or_default(),
        methods: methods
            .map(|(index, method)| ShippingChoice {
                id: method.code.clone(),
                label: method.name.clone(),
                note: views::shipping_time(method).unwrap_or_default(),
                price: method.price_for(goods),
                selected: chosen.map_or(index == 0, |chosen| chosen == method.code),
            })
            .collect(),
        errors,
    };
    Ok(private_page(status, &page.render(), cart::pieces(&held.cart)))
}

/// `POST /checkout/shipping`
pub async fn save(State(web): State<Web>, headers: HeaderMap, form: Form) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Shipping)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let method = form.line("shipping_method").to_owned();
    let patch = CartPatch { shipping_method: Some(Some(method)), ..CartPatch::default() };
    let update = Command::UpdateCart(UpdateCart { cart: held.cart.key, patch });
    match submit(&web, update).await? {
        Ok(_) => Ok(see_other(Step::Payment.href())),
        Err(Refusal::Invalid(errors)) => page(&web, &held, form_errors(&errors)).await,
        Err(Refusal::CartBeingPaid) => Ok(see_other(&cart::address("paying", &[]))),
        Err(Refusal::CartCompleted) => Ok(see_other("/checkout")),
        Err(other) => Err(other.into()),
    }
}
