//! What shoppers do, in the words of the API.

use std::io;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::shop::Shop;

/// A means of payment that always works.
pub const GOOD_CARD: &str = "tok_ok";

/// Where the goods go: Germany, 19 % VAT.
pub fn address() -> Value {
    json!({
        "name": "Ada Example", "line1": "Ring 1", "line2": "Floor 2", "city": "Berlin",
        "postal_code": "10115", "country": "DE"
    })
}

/// Everything beside the goods that an order needs.
pub fn details() -> Value {
    json!({
        "email": "ada@example.com", "shipping_address": address(), "shipping_method": "standard"
    })
}

/// The body of `complete`.
pub fn payment(card: &str) -> Value {
    json!({"payment": {"provider": "test", "token": card}})
}

pub fn line(sku: &str, quantity: i64) -> Value {
    json!({"sku": sku, "quantity": quantity})
}

impl Shop {
    /// The id of a new cart.
    #[track_caller]
    pub fn new_cart(&self) -> String {
        self.post("/api/v1/carts").expect(201).json()["id"].as_str().unwrap().to_owned()
    }

    /// A request below a cart.
    pub fn on_cart(&self, method: &str, cart: &str, below: &str) -> Request {
        self.request(method, &format!("/api/v1/carts/{cart}{below}"))
    }

    /// Puts something in a cart.
    pub fn add(&self, cart: &str, sku: &str, quantity: i64) -> Request {
        self.on_cart("POST", cart, "/lines").json(&line(sku, quantity))
    }

    /// The id of a cart that only needs to be paid.
    #[track_caller]
    pub fn ready_cart(&self, sku: &str, quantity: i64) -> String {
        let cart = self.new_cart();
        self.add(&cart, sku, quantity).expect(200);
        self.on_cart("PATCH", &cart, "").json(&details()).expect(200);
        cart
    }

    /// Orders what is in a cart.
    pub fn complete(&self, cart: &str, card: &str) -> Request {
        self.on_cart("POST", cart, "/complete").json(&payment(card))
    }

    /// An order of a new cart.
    #[track_caller]
    pub fn order(&self, sku: &str, quantity: i64) -> Value {
        let cart = self.ready_cart(sku, quantity);
        self.complete(&cart, GOOD_CARD).expect(201).json()
    }

    #[track_caller]
    pub fn cart(&self, cart: &str) -> Value {
        self.on_cart("GET", cart, "").expect(200).json()
    }

    /// Pieces that can be bought now.
    #[track_caller]
    pub fn available(&self, handle: &str) -> i64 {
        let product = self.get(&format!("/api/v1/products/{handle}")).expect(200).json();
        product["variants"][0]["available"].as_i64().unwrap()
    }
}

/// A purchase that goes on where it was interrupted: each step has its own key, so that a repeat
/// of everything is harmless.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// Different for each purchase.
    pub name: String,
    pub sku: String,
    /// The cart, once it is known.
    pub cart: Option<String>,
    /// The first answer to `complete`, once there was one.
    pub order: Option<Answer>,
}

impl Purchase {
    pub fn new(name: String, sku: &str) -> Self {
        Self { name, sku: sku.to_owned(), cart: None, order: None }
    }

    /// Does every step; an error when the shop went away or is not able to at the moment.
    pub fn go(&mut self, shop: &Shop) -> io::Result<()> {
        let created = sent(&shop.post("/api/v1/carts").key(&self.step("cart")), 201)?;
        let cart = created.json()["id"].as_str().unwrap().to_owned();
        if let Some(known) = &self.cart {
            assert_eq!(*known, cart, "a repeat made another cart");
        }
        self.cart = Some(cart.clone());
        sent(&shop.add(&cart, &self.sku, 1).key(&self.step("line")), 200)?;
        let patch = shop.on_cart("PATCH", &cart, "").json(&details());
        sent(&patch.key(&self.step("details")), 200)?;
        let completed = sent(&self.completion(shop), 201)?;
        if let Some(known) = &self.order {
            assert_eq!(known.text(), completed.text(), "a repeat got another answer");
        }
        self.order = Some(completed);
        Ok(())
    }

    /// The request that pays.
    pub fn completion(&self, shop: &Shop) -> Request {
        let cart = self.cart.as_deref().expect("the cart is made");
        shop.complete(cart, GOOD_CARD).key(&self.step("pay"))
    }

    fn step(&self, step: &str) -> String {
        format!("{}-{step}", self.name)
    }
}

/// Sends a request; "try again" (503) is an error as is no answer, anything else unexpected is a
/// fault.
fn sent(request: &Request, status: u16) -> io::Result<Answer> {
    let answer = request.try_send()?;
    if answer.status == 503 {
        return Err(io::Error::other(answer.text()));
    }
    assert_eq!(answer.status, status, "{}", answer.text());
    Ok(answer)
}
