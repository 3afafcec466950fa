//! Buyers who order at an engine, without HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use stoa_app::engine::{Engine, EngineSnapshot, Outcome};
use stoa_app::{catalog, clock, entropy};
use stoa_domain::address::Address;
use stoa_domain::cart::{AddLine, CartPatch, CreateCart, UpdateCart};
use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Status};
use stoa_domain::checkout::{PlaceOrder, SettlePayment, Settlement};
use stoa_domain::command::VariantRef;
use stoa_domain::shop::{ShippingMethod, ShopConfig};
use stoa_domain::{Command, Reply};
use stoa_kernel::{Ctx, Currency, Money};
use stoa_sql::Db;

/// How much is bought.
pub(crate) struct Load {
    /// Buyers at once.
    pub(crate) buyers: u64,
    /// Orders in all.
    pub(crate) orders: u64,
    /// Products in the catalogue.
    pub(crate) products: u64,
}

/// What the engine did.
pub(crate) struct Done {
    pub(crate) took: Duration,
    pub(crate) stats: EngineSnapshot,
}

impl Load {
    /// Fills an empty store with products, and lets the buyers order.
    pub(crate) async fn run(&self, db: Db) -> anyhow::Result<Done> {
        let shop = Arc::new(shop());
        let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
        let drafts = (0..self.products).map(product);
        for saved in catalog::save_many(&db, &shop, &mut ctx, drafts).await? {
            saved?;
        }
        let (engine, thread) = Engine::start(db, shop, clock::now, 1)?;
        let next = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let mut buyers = Vec::new();
        for _ in 0..self.buyers {
            let (engine, next) = (engine.clone(), Arc::clone(&next));
            let (orders, products) = (self.orders, self.products);
            buyers.push(tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= orders {
                        return anyhow::Ok(());
                    }
                    buy(&engine, n, products).await?;
                }
            }));
        }
        for buyer in buyers {
            buyer.await??;
        }
        let done = Done { took: began.elapsed(), stats: engine.stats() };
        drop(engine);
        thread.join();
        Ok(done)
    }
}

impl Done {
    /// Commands that shared a commit, on average.
    pub(crate) fn batch(&self) -> f64 {
        as_f64(self.stats.commands) / as_f64(self.stats.batches.max(1))
    }
}

fn shop() -> ShopConfig {
    ShopConfig {
        name: "Bench".to_owned(),
        currency: Currency::USD,
        prices_include_tax: false,
        shipping_methods: vec![ShippingMethod {
            code: "standard".to_owned(),
            name: "Standard".to_owned(),
            price: Money::new(499, Currency::USD),
            free_from: None,
            countries: Vec::new(),
            days: None,
        }],
        tax_rates: Vec::new(),
        discounts: Vec::new(),
    }
}

fn product(n: u64) -> Draft {
    Draft {
        handle: format!("product-{n}"),
        title: format!("A product with a title of ordinary length, number {n}"),
        status: Status::Active,
        vendor: None,
        brand: Some("Brand".to_owned()),
        category: vec!["Things".to_owned()],
        product_type: None,
        tags: Vec::new(),
        description_html: "<p>What it is and what it does, in a sentence or two.</p>".repeat(4),
        options: Vec::new(),
        attributes: Vec::new(),
        media: Vec::new(),
        variants: vec![DraftVariant {
            sku: format!("SKU-{n}"),
            barcode: None,
            options: Vec::new(),
            prices: vec![DraftPrice { price: Money::new(1_999, Currency::USD), compare_at: None }],
            weight_g: None,
            stock: Some(1_000_000),
        }],
    }
}

pub(crate) fn as_f64(n: u64) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

async fn submit(engine: &Engine, command: Command) -> anyhow::Result<Reply> {
    match engine.submit(command).await {
        Outcome::Done { reply, .. } => Ok(reply),
        other => bail!("{other:?}"),
    }
}

async fn buy(engine: &Engine, n: u64, products: u64) -> anyhow::Result<()> {
    let key = entropy::token()?.hash();
    submit(engine, Command::CreateCart(CreateCart { key })).await?;
    for line in [n * 7, n * 13 + 1] {
        let variant = VariantRef::Sku(format!("SKU-{}", line % products));
        submit(engine, Command::AddLine(AddLine { cart: key, variant, quantity: 1 })).await?;
    }
    let address = Address {
        name: "A Buyer".to_owned(),
        line1: "1 Long Road".to_owned(),
        city: "Town".to_owned(),
        postal_code: "10115".to_owned(),
        country: "DE".to_owned(),
        ..Address::default()
    };
    let patch = CartPatch {
        email: Some(Some("buyer@example.com".to_owned())),
        shipping_address: Some(Some(address)),
        shipping_method: Some(Some("standard".to_owned())),
        ..CartPatch::default()
    };
    submit(engine, Command::UpdateCart(UpdateCart { cart: key, patch })).await?;
    let place = PlaceOrder {
        cart: key,
        order_token: key,
        provider: "test".to_owned(),
        payment_token: "tok_ok".to_owned(),
    };
    let Reply::Order(order) = submit(engine, Command::PlaceOrder(place)).await? else {
        bail!("no order");
    };
    let settlement = Settlement::Captured { reference: "test".to_owned() };
    let settle = SettlePayment { order: order.id, cart: key, settlement };
    submit(engine, Command::SettlePayment(settle)).await?;
    Ok(())
}
