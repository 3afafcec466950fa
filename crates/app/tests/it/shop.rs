//! A store with a few products and an engine on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stoa_app::catalog::save_many;
use stoa_app::doctor;
use stoa_app::engine::{Engine, EngineThread, Outcome};
use stoa_app::idempotency::Idempotency;
use stoa_domain::address::Address;
use stoa_domain::cart::{AddLine, CartPatch, CreateCart, UpdateCart};
use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Status};
use stoa_domain::checkout::PlaceOrder;
use stoa_domain::command::VariantRef;
use stoa_domain::shop::{ShippingMethod, ShopConfig, TaxRate};
use stoa_domain::{Command, Reply};
use stoa_kernel::{Ctx, Currency, IdSource, Money, Rate, Timestamp, Token, TokenHash};
use stoa_sql::Db;
use stoa_test_stores::Store;

/// Microseconds that the tests' clock has gone on.
static TICKS: AtomicI64 = AtomicI64::new(0);

/// A clock that nobody waits for.
pub fn clock() -> Timestamp {
    let ticks = TICKS.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_micros(1_790_000_000_000_000 + ticks)
}

pub fn config() -> Arc<ShopConfig> {
    let usd = |minor| Money::new(minor, Currency::USD);
    Arc::new(ShopConfig {
        name: "Test".to_owned(),
        currency: Currency::USD,
        prices_include_tax: false,
        shipping_methods: vec![ShippingMethod {
            code: "post".to_owned(),
            name: "Post".to_owned(),
            price: usd(499),
            free_from: None,
            countries: Vec::new(),
            days: None,
        }],
        tax_rates: vec![TaxRate {
            country: "DE".to_owned(),
            region: None,
            name: "VAT".to_owned(),
            rate: Rate::from_ppm(190_000),
        }],
        discounts: Vec::new(),
    })
}

/// The store and its engine.
pub struct Shop {
    pub db: Db,
    pub engine: Engine,
    thread: EngineThread,
}

impl Shop {
    /// Opens a store.
    pub async fn open(store: &Store) -> Self {
        let db = store.open().await.unwrap();
        // Another for each process, else two would give out the same ids.
        let seed = clock().as_micros().unsigned_abs();
        let (engine, thread) = Engine::start(db.clone(), config(), clock, seed).unwrap();
        Self { db, engine, thread }
    }

    /// Puts a product with one variant on the shelf.
    pub async fn stock(&self, sku: &str, minor: i64, stock: i64) {
        let variant = DraftVariant {
            sku: sku.to_owned(),
            barcode: None,
            options: Vec::new(),
            prices: vec![DraftPrice { price: Money::new(minor, Currency::USD), compare_at: None }],
            weight_g: None,
            stock: Some(stock),
        };
        let draft = Draft {
            handle: sku.to_lowercase(),
            title: sku.to_owned(),
            status: Status::Active,
            brand: None,
            vendor: None,
            category: Vec::new(),
            product_type: None,
            tags: Vec::new(),
            description_html: String::new(),
            options: Vec::new(),
            attributes: Vec::new(),
            media: Vec::new(),
            variants: vec![variant],
        };
        let mut ctx = Ctx { now: clock(), ids: IdSource::seeded(99 + stock.unsigned_abs()) };
        let saved = save_many(&self.db, &config(), &mut ctx, [draft]).await.unwrap();
        assert!(saved.iter().all(Result::is_ok), "{saved:?}");
    }

    /// Submits a command that must succeed.
    #[track_caller]
    pub fn must(&self, command: Command) -> impl Future<Output = Reply> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            match self.engine.submit(command).await {
                Outcome::Done { reply, .. } => reply,
                other => panic!("{caller}: {other:?}"),
            }
        }
    }

    /// A cart that only needs to be placed.
    pub async fn ready_cart(&self, n: u64, sku: &str) -> TokenHash {
        let cart = token(n).hash();
        self.must(Command::CreateCart(CreateCart { key: cart })).await;
        self.must(add(cart, sku, 1)).await;
        self.must(fill(cart)).await;
        cart
    }

    /// Nothing is wrong with the store.
    pub async fn assert_sound(&self) {
        for finding in doctor::examine(&self.db).await.unwrap() {
            assert!(finding.faults.is_empty(), "{}: {:?}", finding.check, finding.faults);
        }
    }

    /// Ends the engine; everything queued is done.
    pub fn close(self) {
        drop(self.engine);
        self.thread.join();
    }
}

pub fn token(n: u64) -> Token {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    Token::from_random(bytes)
}

pub fn key(text: &str, request: &str) -> Idempotency {
    Idempotency::new(b"scope", text, &[request.as_bytes()])
}

pub fn add(cart: TokenHash, sku: &str, quantity: i64) -> Command {
    Command::AddLine(AddLine { cart, variant: VariantRef::Sku(sku.to_owned()), quantity })
}

/// Everything beside the goods that an order needs.
pub fn fill(cart: TokenHash) -> Command {
    let address = Address {
        name: "Ada".to_owned(),
        line1: "Ring 1".to_owned(),
        city: "Berlin".to_owned(),
        postal_code: "10115".to_owned(),
        country: "DE".to_owned(),
        ..Address::default()
    };
    let patch = CartPatch {
        email: Some(Some("ada@example.com".to_owned())),
        shipping_address: Some(Some(address)),
        shipping_method: Some(Some("post".to_owned())),
        ..CartPatch::default()
    };
    Command::UpdateCart(UpdateCart { cart, patch })
}

pub fn place(cart: TokenHash) -> Command {
    Command::PlaceOrder(PlaceOrder {
        cart,
        order_token: cart,
        provider: "test".to_owned(),
        payment_token: "tok_ok".to_owned(),
    })
}
