//! Buyers who fill a cart and order it, over the public API.

use serde::Deserialize;

use crate::catalogue::Variant;
use crate::http::{Answer, write_json};
use crate::load::{Scenario, Verdict};
use crate::rng::Rng;

/// Kinds of requests, in the order a buyer sends them.
const KINDS: [&str; 4] = ["create cart", "add line", "set addresses", "complete"];
const CREATE: usize = 0;
const ADD_LINE: usize = 1;
const SET_ADDRESSES: usize = 2;
const COMPLETE: usize = 3;

/// The kind of request that turns a cart into an order.
pub(crate) const COMPLETE_KIND: &str = KINDS[COMPLETE];

/// The body of a `complete` request.
const PAYMENT: &str = r#"{"payment":{"provider":"test","token":"tok_ok"}}"#;

/// How far buyers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// One order after the other, each from a new cart.
    OrderAgainAndAgain,
    /// One cart each, ready to be completed.
    OneReadyCart,
}

/// One buyer a connection.
pub(crate) struct Buyers<'a> {
    goal: Goal,
    variants: &'a [Variant],
    lines: usize,
    shipping_method: String,
    buyers: Vec<Buyer>,
    /// Orders that were acknowledged, at any time.
    pub(crate) orders: u64,
}

struct Buyer {
    number: usize,
    rng: Rng,
    cart: String,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    AddLine { left: usize },
    SetAddresses,
    Complete,
    Done,
}

#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
}

/// The id in an answer; most of the JSON is skipped over.
fn id_of(answer: &Answer<'_>) -> Option<String> {
    let found: Identified<'_> = serde_json::from_slice(answer.body).ok()?;
    Some(found.id.into_owned())
}

impl<'a> Buyers<'a> {
    /// Buyers who put `lines` lines into each cart.
    pub(crate) fn new(
        count: usize,
        goal: Goal,
        variants: &'a [Variant],
        lines: usize,
        shipping_method: &str,
        seed: u64,
    ) -> Self {
        let mut seeds = Rng::new(seed);
        Self {
            goal,
            variants,
            lines,
            shipping_method: shipping_method.to_owned(),
            buyers: (0..count)
                .map(|number| Buyer {
                    number,
                    rng: Rng::new(seeds.next()),
                    cart: String::new(),
                    step: Step::Create,
                })
                .collect(),
            orders: 0,
        }
    }

    /// The carts that are ready to be completed.
    pub(crate) fn ready_carts(self) -> Vec<String> {
        let ready = |buyer: Buyer| (buyer.step == Step::Done).then_some(buyer.cart);
        self.buyers.into_iter().filter_map(ready).collect()
    }
}

impl Scenario for Buyers<'_> {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn next(&mut self, user: usize, request: &mut Vec<u8>) -> Option<usize> {
        let buyer = self.buyers.get_mut(user)?;
        let cart = &buyer.cart;
        match buyer.step {
            Step::Create => {
                write_json(request, "POST", "/api/v1/carts", &[], "{}");
                Some(CREATE)
            }
            Step::AddLine { .. } => {
                let sku = serde_json::to_string(&buyer.rng.pick(self.variants)?.sku).ok()?;
                let body = format!(r#"{{"sku":{sku},"quantity":1}}"#);
                write_json(request, "POST", &format!("/api/v1/carts/{cart}/lines"), &[], &body);
                Some(ADD_LINE)
            }
            Step::SetAddresses => {
                let body = details(buyer.number, &self.shipping_method);
                write_json(request, "PATCH", &format!("/api/v1/carts/{cart}"), &[], &body);
                Some(SET_ADDRESSES)
            }
            Step::Complete => {
                write_complete(request, cart);
                Some(COMPLETE)
            }
            Step::Done => None,
        }
    }

    fn answered(&mut self, user: usize, kind: usize, answer: &Answer<'_>) -> Verdict {
        let Some(buyer) = self.buyers.get_mut(user) else {
            return Verdict::Wrong;
        };
        let next = match (kind, answer.status, buyer.step) {
            (CREATE, 201, _) => match id_of(answer) {
                Some(id) => {
                    buyer.cart = id;
                    Some(Step::AddLine { left: self.lines })
                }
                None => None,
            },
            (ADD_LINE, 200 | 201, Step::AddLine { left }) if left > 1 => {
                Some(Step::AddLine { left: left - 1 })
            }
            (ADD_LINE, 200 | 201, _) => Some(Step::SetAddresses),
            (SET_ADDRESSES, 200, _) => Some(match self.goal {
                Goal::OrderAgainAndAgain => Step::Complete,
                Goal::OneReadyCart => Step::Done,
            }),
            (COMPLETE, 201, _) if id_of(answer).is_some() => {
                self.orders += 1;
                Some(Step::Create)
            }
            _ => None,
        };
        // After a wrong answer the buyer leaves the cart and starts again.
        buyer.step = next.unwrap_or(Step::Create);
        match next {
            Some(_) => Verdict::Right,
            None => Verdict::Wrong,
        }
    }

    fn lost(&mut self, user: usize, _kind: usize) {
        if let Some(buyer) = self.buyers.get_mut(user) {
            buyer.step = Step::Create;
        }
    }
}

/// E-mail, addresses and shipping of a buyer.
fn details(number: usize, shipping_method: &str) -> String {
    let address = format!(
        r#"{{"name":"Buyer {number}","line1":"{} Main Street","city":"Springfield","region":"IL","postal_code":"62701","country":"US"}}"#,
        number + 1
    );
    format!(
        r#"{{"email":"buyer{number}@example.com","shipping_address":{address},"billing_address":{address},"shipping_method":"{shipping_method}"}}"#
    )
}

/// Asks to complete a cart. It carries a key, as a careful client's payment does.
fn write_complete(request: &mut Vec<u8>, cart: &str) {
    write_json(
        request,
        "POST",
        &format!("/api/v1/carts/{cart}/complete"),
        &[("idempotency-key", cart)],
        PAYMENT,
    );
}

/// All carts are completed at once, each by a buyer of its own.
pub(crate) struct Race {
    carts: Vec<Option<String>>,
    /// Acknowledged orders.
    pub(crate) orders: u64,
    /// Buyers who were told that there is no more.
    pub(crate) out_of_stock: u64,
}

impl Race {
    /// A race for these carts.
    pub(crate) fn new(carts: Vec<String>) -> Self {
        Self { carts: carts.into_iter().map(Some).collect(), orders: 0, out_of_stock: 0 }
    }
}

impl Scenario for Race {
    fn kinds(&self) -> &'static [&'static str] {
        &[COMPLETE_KIND]
    }

    fn next(&mut self, user: usize, request: &mut Vec<u8>) -> Option<usize> {
        let cart = self.carts.get_mut(user)?.take()?;
        write_complete(request, &cart);
        Some(0)
    }

    fn answered(&mut self, _user: usize, _kind: usize, answer: &Answer<'_>) -> Verdict {
        #[derive(Deserialize)]
        struct Problem {
            code: String,
        }
        match answer.status {
            201 => {
                self.orders += 1;
                Verdict::Right
            }
            409 if serde_json::from_slice::<Problem>(answer.body)
                .is_ok_and(|problem| problem.code == "out_of_stock") =>
            {
                self.out_of_stock += 1;
                Verdict::Right
            }
            _ => Verdict::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Json;
    use axum::Router;
    use axum::extract::{Path, State};
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::{patch, post};
    use serde_json::{Value, json};

    use super::{Buyers, Goal, Race};
    use crate::catalogue::Variant;
    use crate::load::{Pool, Target, Until};

    /// A cart of the small shop below.
    #[derive(Default)]
    struct Cart {
        lines: usize,
        ready: bool,
        ordered: bool,
    }

    /// The part of the contract that buyers speak, with one pile of stock for all SKUs.
    #[derive(Default)]
    struct SmallShop {
        stock: usize,
        carts: BTreeMap<String, Cart>,
    }

    type Shared = State<Arc<Mutex<SmallShop>>>;

    async fn create(State(shop): Shared) -> Response {
        let mut shop = shop.lock().unwrap();
        let id = format!("cart{}", shop.carts.len());
        shop.carts.insert(id.clone(), Cart::default());
        (StatusCode::CREATED, Json(json!({"lines": [], "id": id}))).into_response()
    }

    async fn add(State(shop): Shared, Path(id): Path<String>, Json(line): Json<Value>) -> Response {
        let mut shop = shop.lock().unwrap();
        let cart = shop.carts.get_mut(&id).unwrap();
        if line["sku"].as_str().is_none_or(str::is_empty) || line["quantity"] != 1 {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        cart.lines += 1;
        (StatusCode::CREATED, Json(json!({"id": id}))).into_response()
    }

    async fn update(
        State(shop): Shared,
        Path(id): Path<String>,
        Json(details): Json<Value>,
    ) -> Response {
        let complete = ["email", "shipping_address", "billing_address", "shipping_method"]
            .iter()
            .all(|field| !details[*field].is_null());
        shop.lock().unwrap().carts.get_mut(&id).unwrap().ready = complete;
        Json(json!({"id": id})).into_response()
    }

    async fn complete(
        State(shop): Shared,
        Path(id): Path<String>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut shop = shop.lock().unwrap();
        let shop = &mut *shop;
        let cart = shop.carts.get_mut(&id).unwrap();
        let paid = body["payment"] == json!({"provider": "test", "token": "tok_ok"});
        if !cart.ready || cart.ordered || !paid || !headers.contains_key("idempotency-key") {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        if shop.stock < cart.lines {
            let problem = Json(json!({"code": "out_of_stock"}));
            return (StatusCode::CONFLICT, problem).into_response();
        }
        shop.stock -= cart.lines;
        cart.ordered = true;
        (StatusCode::CREATED, Json(json!({"id": "order"}))).into_response()
    }

    fn small_shop(stock: usize, users: usize) -> (Arc<Mutex<SmallShop>>, Pool) {
        let shop = Arc::new(Mutex::new(SmallShop { stock, carts: BTreeMap::new() }));
        let router = Router::new()
            .route("/api/v1/carts", post(create))
            .route("/api/v1/carts/{id}", patch(update))
            .route("/api/v1/carts/{id}/lines", post(add))
            .route("/api/v1/carts/{id}/complete", post(complete))
            .with_state(Arc::clone(&shop));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(
                async {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    axum::serve(listener, router).await.unwrap();
                },
            );
        });
        let pool = Pool::connect(&[Target { address, pid: std::process::id() }], users).unwrap();
        (shop, pool)
    }

    fn variants() -> Vec<Variant> {
        ["A 1", "B\"2"]
            .map(|sku| Variant { sku: sku.to_owned(), handle: "any".to_owned() })
            .to_vec()
    }

    #[test]
    fn buyers_complete_carts_of_two_lines_again_and_again() {
        let (shop, mut pool) = small_shop(1_000_000, 4);
        let variants = variants();
        let mut buyers = Buyers::new(4, Goal::OrderAgainAndAgain, &variants, 2, "standard", 1);
        let until = Until::Elapsed {
            warm_up: Duration::from_millis(50),
            window: Duration::from_millis(300),
        };
        let measured = pool.run(&mut buyers, until).unwrap();
        let measured = measured.must_be_clean("buyers").unwrap();
        let shop = shop.lock().unwrap();
        let ordered = shop.carts.values().filter(|cart| cart.ordered);
        assert!(ordered.clone().all(|cart| cart.lines == 2));
        assert_eq!(u64::try_from(ordered.count()).unwrap(), buyers.orders);
        assert!(buyers.orders > 4, "{}", buyers.orders);
        let complete = measured.kind("complete").with_status(201);
        assert!((1..=buyers.orders).contains(&complete));
    }

    #[test]
    fn a_race_counts_orders_and_refusals() {
        let (shop, mut pool) = small_shop(5, 20);
        let variants = variants();
        let mut buyers = Buyers::new(20, Goal::OneReadyCart, &variants, 1, "standard", 1);
        let until = Until::Done { within: Duration::from_secs(10) };
        pool.run(&mut buyers, until).unwrap().must_be_clean("carts").unwrap();
        let carts = buyers.ready_carts();
        assert_eq!(carts.len(), 20);
        let mut race = Race::new(carts);
        let measured = pool.run(&mut race, until).unwrap();
        assert!(measured.is_clean());
        assert_eq!((race.orders, race.out_of_stock), (5, 15));
        assert_eq!(shop.lock().unwrap().stock, 0);
    }

    #[test]
    fn a_buyer_without_stock_is_a_wrong_answer_outside_a_race() {
        let (_shop, mut pool) = small_shop(0, 1);
        let variants = variants();
        let mut buyers = Buyers::new(1, Goal::OrderAgainAndAgain, &variants, 2, "standard", 1);
        let until = Until::Elapsed { warm_up: Duration::ZERO, window: Duration::from_millis(100) };
        let measured = pool.run(&mut buyers, until).unwrap();
        assert!(measured.wrong > 0);
        assert_eq!(buyers.orders, 0);
        assert!(measured.first_wrong.unwrap().contains("out_of_stock"));
    }
}
