//! `/cart`: what a visitor means to buy.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, Response};
use stoa_app::catalog::service::StockedProduct;
use stoa_app::engine::Outcome;
use stoa_app::error::StoreError;
use stoa_domain::cart::{
    AddLine, Cart, CartLine, CartPatch, CartState, ChangeLine, CreateCart, RefreshCart, UpdateCart,
};
use stoa_domain::catalog::Status;
use stoa_domain::command::VariantRef;
use stoa_domain::refusal::{RepricedLine, ShortLine};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{LineId, Money, ProductId, Token, VariantId, limits};
use stoa_pages::storefront::{self as pages, AppliedCode, CartPage, Notice, Tone};

use super::frame::{Frame, private_page, see_other, with_cookies};
use super::home::newest;
use super::request::Form;
use super::{cookies, product, views};
use crate::api::products::pairs;
use crate::reply::{self, ApiError};
use crate::state::Web;

type Answer = Result<Response<Body>, ApiError>;

/// Most changed prices that an address carries.
const CARRIED: usize = 20;
/// Longest discount code that is looked at, in bytes.
const CODE_BYTES: usize = 64;

/// A cart and the token that grants access to it.
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) cart: Cart,
}

/// The visitor's cart, in whatever state; nothing when there is none.
pub(super) async fn held(web: &Web, headers: &HeaderMap) -> Result<Option<Held>, ApiError> {
    let Some(token) = cookies::cart(headers) else { return Ok(None) };
    match crate::api::carts::load(web, &token).await {
        Ok(cart) => Ok(Some(Held { token, cart })),
        Err(ApiError(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Submits a command about a cart: the cart as it is then, or why not.
pub(super) async fn submit(web: &Web, command: Command) -> Result<Result<Cart, Refusal>, ApiError> {
    match web.shop().engine.submit(command).await {
        Outcome::Done { reply: Reply::Cart(cart), .. } => Ok(Ok(cart)),
        Outcome::Refused(refusal) => Ok(Err(refusal)),
        other => Err(reply::undone(other)),
    }
}

/// Pieces in a cart; none once it is an order.
pub(super) fn pieces(cart: &Cart) -> u64 {
    match cart.state {
        CartState::Completed(_) => 0,
        _ => u64::try_from(cart.n_items()).unwrap_or(0),
    }
}

/// Messages that a page shows once, by the word in its address.
fn notice_of(word: &str) -> Option<Notice> {
    Some(match word {
        "added" => Notice::new(Tone::Ok, "Added to your cart."),
        "stock" => Notice::new(
            Tone::Bad,
            "Some items are not available in the quantity you want. Nothing was ordered or \
             charged: change the lines marked below, then go on.",
        ),
        "price" => Notice::new(
            Tone::Warn,
            "Some prices changed since you added the items. Nothing was ordered or charged: the \
             cart now shows today’s prices.",
        ),
        "paying" => Notice::new(
            Tone::Warn,
            "A payment for this cart is under way, so it cannot be changed now. Go on to the \
             checkout to finish the payment or to pay in another way.",
        ),
        "empty" => Notice::new(Tone::Info, "Your cart is empty, so there is nothing to order."),
        _ => return None,
    })
}

/// What the cart page says beside what is in the cart.
#[derive(Default)]
struct Remarks {
    notices: Vec<Notice>,
    lines: HashMap<LineId, Notice>,
    /// Prices that the visitor saw before.
    seen: HashMap<VariantId, Money>,
    code: String,
    code_error: Option<String>,
}

/// `GET /cart`
pub async fn show(State(web): State<Web>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let mut remarks = Remarks::default();
    let currency = web.shop().config.currency;
    for (name, value) in pairs(query.as_deref().unwrap_or("")) {
        match name.as_str() {
            "notice" => remarks.notices.extend(notice_of(&value)),
            "seen" if remarks.seen.len() < CARRIED => {
                let pair = value.split_once('~');
                let seen =
                    pair.and_then(|(id, minor)| Some((id.parse().ok()?, minor.parse().ok()?)));
                remarks.seen.extend(seen.map(|(id, minor)| (id, Money::new(minor, currency))));
            }
            _ => {}
        }
    }
    let held = held(&web, &headers).await?;
    page(&web, held, remarks, 200).await
}

/// The address of the cart page with a message and the prices that were seen before.
pub(super) fn address(notice: &str, repriced: &[RepricedLine]) -> String {
    let mut address = format!("/cart?notice={notice}");
    for line in repriced.iter().take(CARRIED) {
        address.push_str(&format!("&seen={}~{}", line.variant_id, line.seen.minor));
    }
    address
}

async fn page(web: &Web, held: Option<Held>, mut remarks: Remarks, status: u16) -> Answer {
    let held = held.filter(|held| !matches!(held.cart.state, CartState::Completed(_)));
    let Some(mut held) = held.filter(|held| !held.cart.body.lines.is_empty()) else {
        return empty(web, remarks, status).await;
    };
    let goods = Goods::load(web, &held.cart).await?;
    if goods.differ_in_price(&held.cart, web) && held.cart.state == CartState::Open {
        let refresh = Command::RefreshCart(RefreshCart { cart: held.cart.key });
        // Refused when a payment has begun meanwhile: then the old prices are what is paid.
        if let Ok(fresh) = submit(web, refresh).await? {
            for line in &held.cart.body.lines {
                remarks.seen.entry(line.variant_id).or_insert(line.unit_price);
            }
            held.cart = fresh;
        }
    }
    let cart = &held.cart;
    let config = &web.shop().config;
    let priced = cart.priced(config)?;
    let body = &cart.body;
    let lines: Vec<pages::CartLine> = body
        .lines
        .iter()
        .zip(&priced.lines)
        .map(|(line, sums)| goods.line(line, sums.subtotal, &mut remarks, config.currency))
        .collect();
    let can_checkout = body.lines.iter().all(|line| goods.can_be_had(line));
    let address = body.shipping_address.as_ref();
    let method = address
        .zip(body.shipping_method.as_deref())
        .and_then(|(address, code)| config.shipping_method(code, &address.country));
    if let CartState::Paying(_) = cart.state
        && remarks.notices.is_empty()
    {
        remarks.notices.extend(notice_of("paying"));
    }
    let code = body.discount_code.as_deref();
    let frame = Frame::load(web).await?;
    let page = CartPage {
        layout: frame.private("Your cart"),
        notices: remarks.notices,
        lines,
        codes: code
            .and_then(|code| config.discount(code))
            .map(|discount| AppliedCode {
                code: discount.code.clone(),
                label: views::discount_label(discount),
            })
            .into_iter()
            .collect(),
        code_value: remarks.code,
        code_error: remarks.code_error,
        totals: Some(views::totals(
            &priced.totals,
            code,
            method.map(|method| method.name.as_str()),
            &priced.tax_lines,
        )),
        note: match (address, method) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some("Shipping is worked out at checkout.".to_owned()),
            (None, _) => Some("Shipping and tax are worked out at checkout.".to_owned()),
        },
        can_checkout,
        related: Vec::new(),
    };
    let count = pieces(cart);
    let response = private_page(status, &page.render(), count);
    Ok(with_cookies(response, cookies::keep_cart(web, &held.token, count)))
}

async fn empty(web: &Web, remarks: Remarks, status: u16) -> Answer {
    let frame = Frame::load(web).await?;
    let page = CartPage {
        layout: frame.private("Your cart"),
        notices: remarks.notices,
        lines: Vec::new(),
        codes: Vec::new(),
        code_value: String::new(),
        code_error: None,
        totals: None,
        note: None,
        can_checkout: false,
        related: views::cards(web, &newest(web, 4).await?).await?,
    };
    Ok(private_page(status, &page.render(), 0))
}

/// The products of a cart as they are now.
struct Goods(HashMap<ProductId, StockedProduct>);

impl Goods {
    async fn load(web: &Web, cart: &Cart) -> Result<Self, ApiError> {
        let mut ids: Vec<ProductId> = cart.body.lines.iter().map(|line| line.product_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
        let products = stoa_app::catalog::store::load(&mut tx, &ids).await?;
        let variants: Vec<VariantId> = cart.body.lines.iter().map(|line| line.variant_id).collect();
        let levels = stoa_app::inventory::store::levels(&mut tx, &variants).await?;
        let stocked = |product: stoa_domain::catalog::Product| {
            let is_of = |id| product.variants.iter().any(|variant| variant.id == id);
            let levels = levels.iter().filter(|level| is_of(level.variant_id)).cloned().collect();
            (product.id, StockedProduct { product, levels })
        };
        Ok(Self(products.into_iter().map(stocked).collect()))
    }

    /// The product and variant of a line, if they can be bought at all.
    fn offer(&self, line: &CartLine) -> Option<(&StockedProduct, &stoa_domain::catalog::Variant)> {
        let found = self.0.get(&line.product_id)?;
        let variant = found.product.variants.iter().find(|v| v.id == line.variant_id)?;
        (found.product.status == Status::Active).then_some((found, variant))
    }

    fn available(&self, line: &CartLine) -> i64 {
        self.offer(line).map_or(0, |(found, variant)| found.available(variant.id))
    }

    fn can_be_had(&self, line: &CartLine) -> bool {
        let has_price = self
            .offer(line)
            .is_some_and(|(_, variant)| variant.price_in(line.unit_price.currency).is_some());
        has_price && self.available(line) >= line.quantity
    }

    fn differ_in_price(&self, cart: &Cart, web: &Web) -> bool {
        cart.body.lines.iter().any(|line| {
            let now = self.offer(line).and_then(|(_, v)| v.price_in(web.shop().config.currency));
            now.is_some_and(|now| now.price != line.unit_price)
        })
    }

    fn line(
        &self,
        line: &CartLine,
        total: Money,
        remarks: &mut Remarks,
        currency: stoa_kernel::Currency,
    ) -> pages::CartLine {
        let offer = self.offer(line);
        let available = self.available(line);
        let notice = match available {
            _ if offer.is_none_or(|(_, variant)| variant.price_in(currency).is_none()) => {
                Some(Notice::new(Tone::Bad, "No longer sold. Remove it to go on."))
            }
            0 => Some(Notice::new(Tone::Bad, "Out of stock. Remove it to go on.")),
            _ if available < line.quantity => {
                let text = format!("Only {available} left. Lower the quantity to go on.");
                Some(Notice::new(Tone::Bad, text))
            }
            _ => remarks.lines.remove(&line.id).or_else(|| {
                let seen = remarks.seen.get(&line.variant_id).filter(|s| **s != line.unit_price)?;
                let text = format!("The price went from {seen} to {}.", line.unit_price);
                Some(Notice::new(Tone::Warn, text))
            }),
        };
        let product = offer.map(|(found, _)| &found.product);
        let handle = product.map_or(line.handle.as_str(), |product| &product.handle);
        let picture = product.and_then(|product| product.media.first());
        let price = offer.and_then(|(_, variant)| variant.price_in(currency));
        pages::CartLine {
            id: line.id.to_string(),
            href: format!(
                "{}?variant={}",
                views::product_href(handle),
                crate::api::suggest::encode(&line.sku)
            ),
            title: line.title.clone(),
            variant: line.variant_title.clone(),
            picture: pages::Picture {
                url: picture.map_or_else(
                    || views::drawn_variant(handle, &line.variant_title),
                    |media| media.url.clone(),
                ),
                alt: String::new(),
            },
            unit_price: line.unit_price,
            compare_at: price
                .and_then(|price| price.compare_at)
                .filter(|former| former.minor > line.unit_price.minor),
            quantity: line.quantity,
            max_quantity: available.clamp(line.quantity, limits::LINE_QUANTITY),
            total,
            notice,
        }
    }
}

/// `POST /cart/lines`: adds pieces of a variant, in a new cart where there is none.
pub async fn add_line(State(web): State<Web>, headers: HeaderMap, form: Form) -> Answer {
    let not_found = || ApiError::not_found("variant");
    let variant = match (form.line("variant_id"), form.line("sku")) {
        ("", "") => return Err(not_found()),
        ("", sku) => VariantRef::Sku(sku.to_owned()),
        (id, _) => VariantRef::Id(id.parse().map_err(|_| not_found())?),
    };
    let quantity = match form.line("quantity") {
        "" => Some(1),
        text => text.parse::<i64>().ok(),
    };
    let Some(quantity) = quantity.filter(|n| (1..=limits::LINE_QUANTITY).contains(n)) else {
        let text = "Enter a quantity from 1 to 10,000.";
        return not_added(&web, &headers, &variant, 422, text.to_owned()).await;
    };
    let add = |cart: &Token, variant: VariantRef| {
        Command::AddLine(AddLine { cart: cart.hash(), variant, quantity })
    };
    let mut token = cookies::cart(&headers);
    let mut outcome = match &token {
        Some(token) => submit(&web, add(token, variant.clone())).await?,
        None => Err(Refusal::NotFound("cart")),
    };
    if matches!(outcome, Err(Refusal::NotFound("cart") | Refusal::CartCompleted)) {
        let new = stoa_app::entropy::token().map_err(|error| ApiError::internal(&error))?;
        let create = Command::CreateCart(CreateCart { key: new.hash() });
        submit(&web, create).await??;
        outcome = submit(&web, add(&new, variant.clone())).await?;
        token = Some(new);
    }
    match (outcome, token) {
        (Ok(cart), Some(token)) => {
            let cookies = cookies::keep_cart(&web, &token, pieces(&cart));
            Ok(with_cookies(see_other(&address("added", &[])), cookies))
        }
        (Ok(_), None) => Err(ApiError::internal(&"a line was added to no cart")),
        (Err(refusal), _) => {
            let (status, text) = why_not_added(&refusal);
            match text {
                Some(text) => not_added(&web, &headers, &variant, status, text).await,
                None => Err(refusal.into()),
            }
        }
    }
}

fn why_not_added(refusal: &Refusal) -> (u16, Option<String>) {
    match refusal {
        Refusal::OutOfStock(lines) => {
            let short = lines.first();
            let available = short.map_or(0, |line| line.available);
            let text = match available {
                0 => "This is out of stock, so it could not be added.".to_owned(),
                1 => "Only 1 is left, and that may be in your cart already.".to_owned(),
                n => format!("Only {n} are left, counting those in your cart already."),
            };
            (409, Some(text))
        }
        Refusal::CartBeingPaid => {
            let text = "A payment for your cart is under way. Finish it in the checkout, then \
                        come back for this.";
            (409, Some(text.to_owned()))
        }
        Refusal::Invalid(errors) => {
            (422, errors.first().map(|error| views::sentence(&error.detail)))
        }
        Refusal::AmountOutOfRange => {
            (422, Some("That would be more than a cart can hold.".to_owned()))
        }
        _ => (404, None),
    }
}

/// The product's page again, with the reason.
async fn not_added(
    web: &Web,
    headers: &HeaderMap,
    variant: &VariantRef,
    status: u16,
    text: String,
) -> Answer {
    let not_found = || ApiError::not_found("variant");
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let (wanted, id) = match variant {
        VariantRef::Id(id) => {
            let found = stoa_app::catalog::store::variant(&mut tx, *id).await?;
            found.ok_or_else(not_found)?
        }
        VariantRef::Sku(sku) => {
            let found = stoa_app::catalog::store::id_of_sku(&mut tx, sku).await?;
            (sku.clone(), found.ok_or_else(not_found)?)
        }
    };
    drop(tx);
    let found = web.shop().catalog.product(id).await?;
    let found =
        found.filter(|found| found.product.status == Status::Active).ok_or_else(not_found)?;
    let notice = Notice::new(Tone::Bad, text);
    let html = product::render(web, &found, Some(&wanted), Some(notice)).await?;
    Ok(private_page(status, &html, cookies::cart_count(headers)))
}

/// `POST /cart/lines/{id}`: sets the quantity; 0 removes the line.
pub async fn change_line(
    State(web): State<Web>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Answer {
    let quantity = form.line("quantity").parse::<i64>().ok();
    set_quantity(&web, &headers, &id, quantity).await
}

/// `POST /cart/lines/{id}/remove`
pub async fn remove_line(
    State(web): State<Web>,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: Form,
) -> Answer {
    set_quantity(&web, &headers, &id, Some(0)).await
}

async fn set_quantity(web: &Web, headers: &HeaderMap, id: &str, quantity: Option<i64>) -> Answer {
    let line: LineId = id.parse().map_err(|_| ApiError::not_found("line"))?;
    let Some(held) = held(web, headers).await? else { return Ok(see_other("/cart")) };
    let refused = match quantity {
        Some(quantity) => {
            let change = ChangeLine { cart: held.cart.key, line, quantity };
            match submit(web, Command::ChangeLine(change)).await? {
                Ok(cart) => {
                    let cookies = cookies::keep_cart(web, &held.token, pieces(&cart));
                    return Ok(with_cookies(see_other("/cart"), cookies));
                }
                Err(refusal) => refusal,
            }
        }
        None => Refusal::field("/quantity", ""),
    };
    let text = match &refused {
        // The line is gone already, in another tab perhaps: the cart shows what is true.
        Refusal::NotFound(_) | Refusal::CartCompleted => return Ok(see_other("/cart")),
        Refusal::CartBeingPaid => return Ok(see_other(&address("paying", &[]))),
        Refusal::OutOfStock(lines) => match lines.first() {
            Some(ShortLine { available, wanted, .. }) => {
                format!("{wanted} are not available: only {available} are left.")
            }
            None => "Not available in this quantity.".to_owned(),
        },
        Refusal::Invalid(_) => "Enter a quantity from 0 to 10,000; 0 removes it.".to_owned(),
        other => views::sentence(&other.to_string()),
    };
    let lines = HashMap::from([(line, Notice::new(Tone::Bad, text))]);
    let status = if matches!(refused, Refusal::OutOfStock(_)) { 409 } else { 422 };
    page(web, Some(held), Remarks { lines, ..Remarks::default() }, status).await
}

/// `POST /cart/discount`
pub async fn apply_discount(State(web): State<Web>, headers: HeaderMap, form: Form) -> Answer {
    let code = form.line("code");
    let Some(held) = held(&web, &headers).await? else { return Ok(see_other("/cart")) };
    let refused = if code.is_empty() {
        Some("Enter a code.")
    } else if code.len() > CODE_BYTES {
        Some("This code is not valid.")
    } else {
        match set_code(&web, &held, Some(code.to_owned())).await? {
            Ok(_) | Err(Refusal::CartCompleted) => None,
            Err(Refusal::Invalid(_)) => Some("This code is not valid."),
            Err(Refusal::CartBeingPaid) => return Ok(see_other(&address("paying", &[]))),
            Err(other) => return Err(other.into()),
        }
    };
    let Some(refused) = refused else { return Ok(see_other("/cart")) };
    let remarks = Remarks {
        code: code.chars().take(CODE_BYTES).collect(),
        code_error: Some(refused.to_owned()),
        ..Remarks::default()
    };
    page(&web, Some(held), remarks, 422).await
}

/// `POST /cart/discount/remove`
pub async fn remove_discount(State(web): State<Web>, headers: HeaderMap, _: Form) -> Answer {
    let Some(held) = held(&web, &headers).await? else { return Ok(see_other("/cart")) };
    match set_code(&web, &held, None).await? {
        Ok(_) | Err(Refusal::CartCompleted) => Ok(see_other("/cart")),
        Err(Refusal::CartBeingPaid) => Ok(see_other(&address("paying", &[]))),
        Err(other) => Err(other.into()),
    }
}

async fn set_code(
    web: &Web,
    held: &Held,
    code: Option<String>,
) -> Result<Result<Cart, Refusal>, ApiError> {
    let patch = CartPatch { discount_code: Some(code), ..CartPatch::default() };
    submit(web, Command::UpdateCart(UpdateCart { cart: held.cart.key, patch })).await
}
