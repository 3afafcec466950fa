//! Carts and checkout.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Sha256;
use stoa_app::answer::Answer;
use stoa_app::checkout::{self, Completion, PaymentChoice};
use stoa_app::engine::{Outcome, Submission};
use stoa_app::view::{AddressView, CartView, MoneyView, OrderView, Problem};
use stoa_domain::cart::{AddLine, CartPatch, ChangeLine, CreateCart, UpdateCart};
use stoa_domain::command::VariantRef;
use stoa_domain::order::OrderStatus;
use stoa_domain::{Command, Reply};
use stoa_kernel::{LineId, Token, VariantId};
use utoipa::ToSchema;

use crate::client::Client;
use crate::extract::{IdempotencyKey, RawBody, cart_id, cart_token};
use crate::limits::{Applied, Checkout};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A new cart; nothing need be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCart {}

/// Pieces of a variant to add; exactly one of `variant_id` and `sku`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The variant by id.
    pub variant_id: Option<String>,
    /// The variant by SKU.
    pub sku: Option<String>,
    /// Pieces, 1 to 10,000.
    #[schema(example = 1)]
    pub quantity: i64,
}

/// A line's new quantity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// Pieces, 0 to 10,000; 0 removes the line.
    #[schema(example = 2)]
    pub quantity: i64,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What changes; a field that is not given stays, `null` empties it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartChange {
    /// Where the confirmation goes.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    /// Where the goods go.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AddressView>)]
    pub shipping_address: Option<Option<AddressView>>,
    /// Where the bill goes; the shipping address when there is none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AddressView>)]
    pub billing_address: Option<Option<AddressView>>,
    /// Code of a shipping method that goes to the shipping address.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub shipping_method: Option<Option<String>>,
    /// A discount code.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub discount_code: Option<Option<String>>,
}

/// How the order is paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// The payment.
    pub payment: PaymentBody,
}

/// A means of payment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// Name of the provider.
    #[schema(example = "test")]
    pub provider: String,
    /// The provider's token for the means of payment.
    #[schema(example = "tok_ok")]
    pub token: String,
}

/// A way to ship.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingMethodView {
    /// What `shipping_method` takes.
    pub code: String,
    /// What people read.
    pub name: String,
    /// What it costs for this cart.
    pub price: MoneyView,
    /// Shortest time, in working days.
    pub min_days: Option<u16>,
    /// Longest time, in working days.
    pub max_days: Option<u16>,
}

/// The ways to ship a cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingMethods {
    /// In the order they are offered.
    pub items: Vec<ShippingMethodView>,
    /// Always `null`: the list is complete.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
}

/// Makes an empty cart. Its id is a capability: whoever has it may change the cart.
#[utoipa::path(post, path = "/api/v1/carts", tag = "cart", request_body = NewCart,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = CartView), (status = 422, body = Problem)))]
pub async fn create(
    State(web): State<Web>,
    client: Client,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let NewCart {} = body.json()?;
    // With a key the token is derived from it and the shop's secret, so that a repeat can be given
    // the same token although the store keeps only its hash.
    let scope = client.address.to_string();
    let token = match key.text() {
        Some(key) => derived_token(&web.shop().secret, scope.as_bytes(), key),
        None => stoa_app::entropy::token().map_err(|error| ApiError::internal(&error))?,
    };
    let idempotency = key.bind(scope.as_bytes(), &[b"POST /carts", &body.0]);
    let command = Command::CreateCart(CreateCart { key: token.hash() });
    submit(&web, &token, command, idempotency).await
}

fn derived_token(secret: &[u8; 32], scope: &[u8], key: &str) -> Token {
    use sha2::Digest;
    let mut hasher = Sha256::new();
    hasher.update(secret);
    hasher.update(b"cart");
    hasher.update(u64::try_from(scope.len()).unwrap_or(0).to_be_bytes());
    hasher.update(scope);
    hasher.update(key.as_bytes());
    // The second hash keeps the first from being extended.
    let digest: [u8; 32] = Sha256::digest(hasher.finalize()).into();
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    Token::from_random(half)
}

/// Submits a command about a cart and answers with the cart.
async fn submit(
    web: &Web,
    token: &Token,
    command: Command,
    idempotency: Option<stoa_app::idempotency::Idempotency>,
) -> ApiResult {
    let submission = Submission { command, idempotency };
    match web.shop().engine.submit(submission).await {
        Outcome::Done { reply: Reply::Cart(cart), .. } => {
            let view = CartView::new(&cart, &web.shop().config)?.with_id(cart_id(token));
            Ok(reply::json(if cart.version == 1 { 201 } else { 200 }, &view))
        }
        Outcome::Replayed(answer) => Ok(reply::replayed(restore_cart(answer, token))),
        other => Err(reply::undone(other)),
    }
}

/// A kept answer about a cart, with the token back in it.
fn restore_cart(answer: Answer, token: &Token) -> http::Response<axum::body::Body> {
    match serde_json::from_str::<CartView>(&answer.body) {
        Ok(view) if answer.status < 300 => {
            reply::json(answer.status, &view.with_id(cart_id(token)))
        }
        _ => reply::raw(answer.status, answer.body),
    }
}

/// The bytes that make two requests about a cart the same.
fn bind(
    key: &IdempotencyKey,
    token: &Token,
    what: &str,
    body: &Bytes,
) -> Option<stoa_app::idempotency::Idempotency> {
    key.bind(&token.hash().0, &[what.as_bytes(), body])
}

/// Reads a cart.
#[utoipa::path(get, path = "/api/v1/carts/{id}", tag = "cart",
    params(("id" = String, Path, description = "The cart's id")),
    responses((status = 200, body = CartView), (status = 404, body = Problem)))]
pub async fn read(State(web): State<Web>, Path(id): Path<String>) -> ApiResult {
    let token = cart_token(&id)?;
    let cart = load(&web, &token).await?;
    let view = CartView::new(&cart, &web.shop().config)?.with_id(cart_id(&token));
    Ok(reply::json(200, &view))
}

/// The cart that a token grants access to.
///
/// # Errors
/// There is none, or the store failed.
pub async fn load(web: &Web, token: &Token) -> Result<stoa_domain::cart::Cart, ApiError> {
    let mut tx = web.shop().db.read().await.map_err(stoa_app::error::StoreError::from)?;
    let found = stoa_app::cart::store::load(&mut tx, &[token.hash().into()]).await?.pop();
    found.ok_or_else(|| ApiError::not_found("cart"))
}

/// Changes e-mail, addresses, shipping method or discount code.
#[utoipa::path(patch, path = "/api/v1/carts/{id}", tag = "cart", request_body = CartChange,
    params(("id" = String, Path, description = "The cart's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = CartView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let token = cart_token(&id)?;
    let change: CartChange = body.json()?;
    let patch = CartPatch {
        email: change.email.map(|email| email.map(|email| email.trim().to_owned())),
        shipping_address: change.shipping_address.map(|address| address.map(Into::into)),
        billing_address: change.billing_address.map(|address| address.map(Into::into)),
        shipping_method: change.shipping_method,
        discount_code: change.discount_code,
    };
    let idempotency = bind(&key, &token, "PATCH /", &body.0);
    let command = Command::UpdateCart(UpdateCart { cart: token.hash(), patch });
    submit(&web, &token, command, idempotency).await
}

/// Adds pieces of a variant; a line of the same variant grows.
#[utoipa::path(post, path = "/api/v1/carts/{id}/lines", tag = "cart", request_body = NewLine,
    params(("id" = String, Path, description = "The cart's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = CartView), (status = 404, body = Problem),
        (status = 409, description = "`out_of_stock`, `cart_completed`", body = Problem),
        (status = 422, body = Problem)))]
pub async fn add_line(
    State(web): State<Web>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let token = cart_token(&id)?;
    let line: NewLine = body.json()?;
    let variant = match (line.variant_id, line.sku) {
        (Some(id), None) => {
            VariantRef::Id(id.parse::<VariantId>().map_err(|_| ApiError::not_found("variant"))?)
        }
        (None, Some(sku)) => VariantRef::Sku(sku),
        _ => {
            let what = "exactly one of variant_id and sku is needed";
            return Err(stoa_domain::Refusal::field("/variant_id", what).into());
        }
    };
    let idempotency = bind(&key, &token, "POST /lines", &body.0);
    let add = AddLine { cart: token.hash(), variant, quantity: line.quantity };
    submit(&web, &token, Command::AddLine(add), idempotency).await
}

fn line_id(text: &str) -> Result<LineId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("line"))
}

/// Sets the quantity of a line; 0 removes it.
#[utoipa::path(patch, path = "/api/v1/carts/{id}/lines/{line_id}", tag = "cart",
    request_body = LineChange,
    params(("id" = String, Path, description = "The cart's id"),
        ("line_id" = String, Path, description = "The line's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = CartView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_line(
    State(web): State<Web>,
    Path((id, line)): Path<(String, String)>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let token = cart_token(&id)?;
    let line_id = line_id(&line)?;
    let change: LineChange = body.json()?;
    let idempotency = bind(&key, &token, &format!("PATCH /lines/{line_id}"), &body.0);
    let change = ChangeLine { cart: token.hash(), line: line_id, quantity: change.quantity };
    submit(&web, &token, Command::ChangeLine(change), idempotency).await
}

/// Removes a line.
#[utoipa::path(delete, path = "/api/v1/carts/{id}/lines/{line_id}", tag = "cart",
    params(("id" = String, Path, description = "The cart's id"),
        ("line_id" = String, Path, description = "The line's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = CartView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn remove_line(
    State(web): State<Web>,
    Path((id, line)): Path<(String, String)>,
    key: IdempotencyKey,
) -> ApiResult {
    let token = cart_token(&id)?;
    let line_id = line_id(&line)?;
    let idempotency = bind(&key, &token, &format!("DELETE /lines/{line_id}"), &Bytes::new());
    let change = ChangeLine { cart: token.hash(), line: line_id, quantity: 0 };
    submit(&web, &token, Command::ChangeLine(change), idempotency).await
}

/// The ways to ship this cart to its address; all of them while it has none.
#[utoipa::path(get, path = "/api/v1/carts/{id}/shipping-methods", tag = "cart",
    params(("id" = String, Path, description = "The cart's id")),
    responses((status = 200, body = ShippingMethods), (status = 404, body = Problem)))]
pub async fn shipping_methods(State(web): State<Web>, Path(id): Path<String>) -> ApiResult {
    let token = cart_token(&id)?;
    let cart = load(&web, &token).await?;
    let shop = &web.shop().config;
    let totals = cart.priced(shop)?.totals;
    let goods = totals.subtotal.minus(totals.discount).map_err(stoa_domain::Refusal::from)?;
    let country = cart.body.shipping_address.as_ref().map(|address| address.country.as_str());
    let items: Vec<ShippingMethodView> = shop
        .shipping_methods
        .iter()
        .filter(|method| country.is_none_or(|country| method.serves(country)))
        .map(|method| ShippingMethodView {
            code: method.code.clone(),
            name: method.name.clone(),
            price: method.price_for(goods).into(),
            min_days: method.days.map(|days| days.0),
            max_days: method.days.map(|days| days.1),
        })
        .collect();
    let total = u64::try_from(items.len()).unwrap_or(0);
    Ok(reply::json(200, &ShippingMethods { items, next_cursor: None, total }))
}

/// Orders what is in the cart and pays for it. Repeating the request never pays twice: a cart that
/// is an order already answers `200` with that order.
#[utoipa::path(post, path = "/api/v1/carts/{id}/complete", tag = "cart", request_body = Complete,
    params(("id" = String, Path, description = "The cart's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = OrderView), (status = 200, body = OrderView),
        (status = 402, description = "`payment_declined`, `payment_requires_action`",
            body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "`out_of_stock`, `price_changed`", body = Problem),
        (status = 422, description = "`invalid`: what is missing", body = Problem),
        (status = 429, description = "`rate_limited`: too many declined payments", body = Problem),
        (status = 503, description = "`payment_pending`: repeat the request", body = Problem)))]
pub async fn complete(
    State(web): State<Web>,
    client: Client,
    applied: Applied,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let token = cart_token(&id)?;
    let Complete { payment } = body.json()?;
    let idempotency = bind(&key, &token, "POST /complete", &body.0);
    let choice = PaymentChoice { provider: payment.provider, token: payment.token };
    let attempt = Checkout::begin(&web, client, &applied, &token).await?;
    let completion = checkout::complete_cart(web.shop(), token, choice, idempotency).await;
    attempt.ended(&web, &completion);
    match completion {
        Completion::Order { order, existed, repeated } => {
            if let Some(refusal) = stoa_app::answer::refusal_of(&order) {
                let response = ApiError::from(refusal).into_response();
                return Ok(if repeated { reply::replayed(response) } else { response });
            }
            if order.status == OrderStatus::Pending {
                return Err(pending());
            }
            let view = OrderView::from(&*order).with_token(checkout::order_token(&token).reveal());
            let response = reply::json(if existed && !repeated { 200 } else { 201 }, &view);
            Ok(if repeated { reply::replayed(response) } else { response })
        }
        Completion::Outcome(Outcome::Replayed(answer)) => {
            Ok(reply::replayed(restore_order(answer, &token)))
        }
        Completion::Outcome(other) => Err(reply::undone(other)),
        Completion::StillPending => Err(pending()),
    }
}

fn pending() -> ApiError {
    ApiError::new(
        503,
        "payment_pending",
        "the payment provider has not answered yet; repeat the request, you are not charged twice",
    )
}

/// A kept answer about an order, with its token back in it.
fn restore_order(answer: Answer, cart: &Token) -> http::Response<axum::body::Body> {
    match serde_json::from_str::<OrderView>(&answer.body) {
        Ok(view) if answer.status < 300 => {
            let token = checkout::order_token(cart).reveal();
            reply::json(answer.status, &view.with_token(token))
        }
        _ => reply::raw(answer.status, answer.body),
    }
}
