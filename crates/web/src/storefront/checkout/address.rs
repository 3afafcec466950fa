//! `/checkout/address`: who orders, and where to.

use axum::extract::State;
use http::HeaderMap;
use stoa_app::view::AddressView;
use stoa_domain::address::Address;
use stoa_domain::cart::{CartPatch, UpdateCart};
use stoa_domain::shop::ShopConfig;
use stoa_domain::{Command, Refusal};
use stoa_pages::storefront::{AddressForm, CheckoutAddressPage, Country, FieldError, Step};

use super::{Answer, Entry, Held, enter, form_errors, paying_notice, summary};
use crate::state::Web;
use crate::storefront::cart::{self, submit};
use crate::storefront::countries;
use crate::storefront::frame::{Frame, private_page, see_other};
use crate::storefront::request::Form;

/// What the form holds.
struct Typed {
    email: String,
    shipping: AddressForm,
    billing_same: bool,
    billing: AddressForm,
}

/// `GET /checkout/address`
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Address)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let body = &held.cart.body;
    let typed = Typed {
        email: body.email.clone().unwrap_or_default(),
        shipping: body.shipping_address.as_ref().map(form_of).unwrap_or_default(),
        billing_same: body.billing_address.is_none(),
        billing: body.billing_address.as_ref().map(form_of).unwrap_or_default(),
    };
    page(&web, &held, typed, Vec::new()).await
}

async fn page(web: &Web, held: &Held, typed: Typed, errors: Vec<FieldError>) -> Answer {
    let frame = Frame::load(web).await?;
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = CheckoutAddressPage {
        layout: frame.private("Address"),
        summary: summary(web, held).await?,
        notice: paying_notice(held),
        email: typed.email,
        shipping: typed.shipping,
        billing_same: typed.billing_same,
        billing: typed.billing,
        countries: served(&web.shop().config).collect(),
        errors,
    };
    Ok(private_page(status, &page.render(), cart::pieces(&held.cart)))
}

/// The countries that some way to ship goes to.
fn served(config: &ShopConfig) -> impl Iterator<Item = Country> {
    countries::ALL
        .iter()
        .filter(|(code, _)| config.shipping_methods_to(code).next().is_some())
        .map(|(code, name)| Country { code: (*code).to_owned(), name: (*name).to_owned() })
}

/// `POST /checkout/address`
pub async fn save(State(web): State<Web>, headers: HeaderMap, form: Form) -> Answer {
    let held = match enter(&web, &headers, Some(Step::Address)).await? {
        Entry::Here(held) => held,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let typed = Typed {
        email: form.line("email").to_owned(),
        shipping: typed_address(&form, "shipping"),
        billing_same: form.get("billing_same") == "1",
        billing: typed_address(&form, "billing"),
    };
    let patch = CartPatch {
        email: Some(Some(typed.email.clone())),
        shipping_address: Some(Some(address_of(&typed.shipping))),
        billing_address: Some((!typed.billing_same).then(|| address_of(&typed.billing))),
        ..CartPatch::default()
    };
    let config = &web.shop().config;
    // The domain takes any two letters; this form offers only countries that exist and are served.
    let country = &typed.shipping.country;
    let is_served = served(config).any(|known| known.code == *country);
    let update = Command::UpdateCart(UpdateCart { cart: held.cart.key, patch: patch.clone() });
    let mut errors = if is_served {
        match submit(&web, update).await? {
            Ok(_) => return Ok(see_other(Step::Shipping.href())),
            Err(refusal) => match refusal {
                Refusal::Invalid(errors) => form_errors(&errors),
                Refusal::CartBeingPaid => return Ok(see_other(&cart::address("paying", &[]))),
                Refusal::CartCompleted => return Ok(see_other("/checkout")),
                other => return Err(other.into()),
            },
        }
    } else {
        // Everything else that is wrong is said with it, rather than after it.
        let mut found = Vec::new();
        if !stoa_domain::address::is_email(&typed.email) {
            found.push(stoa_domain::catalog::FieldError::new("/email", ""));
        }
        for (address, pointer) in [
            (&patch.shipping_address, "/shipping_address"),
            (&patch.billing_address, "/billing_address"),
        ] {
            if let Some(Some(address)) = address {
                stoa_domain::address::check(address, pointer, &mut found);
            }
        }
        let pointer = "/shipping_address/country";
        if !found.iter().any(|error| error.pointer == pointer) {
            found.push(stoa_domain::catalog::FieldError::new(pointer, ""));
        }
        form_errors(&found)
    };
    errors.sort_by_key(|error| place(&error.field));
    page(&web, &held, typed, errors).await
}

/// Where a field stands in the form, so that errors come in the order in which people meet them.
fn place(field: &str) -> usize {
    const ORDER: [&str; 7] = ["name", "country", "line1", "line2", "postal_code", "city", "region"];
    let place = |part: &str| ORDER.iter().position(|name| *name == part).unwrap_or(ORDER.len());
    match (field.strip_prefix("shipping_"), field.strip_prefix("billing_")) {
        (Some(part), _) => 1 + place(part),
        (_, Some(part)) => 10 + place(part),
        _ => 0,
    }
}

fn typed_address(form: &Form, kind: &str) -> AddressForm {
    let line = |part: &str| form.line(&format!("{kind}_{part}")).to_owned();
    AddressForm {
        name: line("name"),
        line1: line("line1"),
        line2: line("line2"),
        city: line("city"),
        region: line("region"),
        postal_code: line("postal_code"),
        country: line("country").to_ascii_uppercase(),
    }
}

fn address_of(form: &AddressForm) -> Address {
    AddressView {
        name: form.name.clone(),
        line1: form.line1.clone(),
        line2: Some(form.line2.clone()),
        city: form.city.clone(),
        region: Some(form.region.clone()),
        postal_code: form.postal_code.clone(),
        country: form.country.clone(),
    }
    .into()
}

fn form_of(address: &Address) -> AddressForm {
    AddressForm {
        name: address.name.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone().unwrap_or_default(),
        city: address.city.clone(),
        region: address.region.clone().unwrap_or_default(),
        postal_code: address.postal_code.clone(),
        country: address.country.clone(),
    }
}
