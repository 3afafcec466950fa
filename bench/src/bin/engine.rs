//! The engine alone: buyers as tasks, no HTTP, a provider that answers at once.
//!
//! `cargo run --release -p stoa-bench --bin engine -- --buyers 64 --orders 20000` prints orders a
//! second; under `valgrind --tool=callgrind` with few orders it counts instructions, which do not
//! depend on what else the machine does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use stoa_app::engine::{Engine, Outcome};
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

#[derive(Parser)]
struct Args {
    /// Buyers at once.
    #[arg(long, default_value_t = 64)]
    buyers: u64,
    /// Orders in all.
    #[arg(long, default_value_t = 20_000)]
    orders: u64,
    /// Products in the catalogue.
    #[arg(long, default_value_t = 2_000)]
    products: u64,
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir_in(".").context("a folder on the disk to be measured")?;
    let shop = Arc::new(ShopConfig {
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
    });
    let db = Db::open_embedded(folder.path())?;
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let drafts = (0..args.products).map(product);
    for saved in catalog::save_many(&db, &shop, &mut ctx, drafts).await? {
        saved?;
    }
    let (engine, thread) = Engine::start(db, shop, clock::now, 1)?;
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut buyers = Vec::new();
    for _ in 0..args.buyers {
        let (engine, next) = (engine.clone(), Arc::clone(&next));
        buyers.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= args.orders {
                    return anyhow::Ok(());
                }
                buy(&engine, n, args.products).await?;
            }
        }));
    }
    for buyer in buyers {
        buyer.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let stats = engine.stats();
    println!(
        "{:.0} orders/s; {:.1} commands a batch; {:.0} us of engine an order, {:.0} us of them commits",
        as_f64(args.orders) / seconds,
        as_f64(stats.commands) / as_f64(stats.batches.max(1)),
        as_f64(stats.busy_us) / as_f64(args.orders),
        as_f64(stats.commit_us) / as_f64(args.orders),
    );
    drop(engine);
    thread.join();
    Ok(())
}

fn as_f64(n: u64) -> f64 {
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
    let settle = SettlePayment { order: order.id, settlement };
    submit(engine, Command::SettlePayment(settle)).await?;
    Ok(())
}
