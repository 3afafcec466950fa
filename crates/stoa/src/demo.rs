//! `stoa demo`: a shop full of things, with some orders and an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, bail};
use stoa_app::cart::abandoned;
use stoa_app::checkout::{Completion, PaymentChoice, complete_cart};
use stoa_app::demo::{buyers, catalogue};
use stoa_app::engine::Outcome;
use stoa_app::{Shop, catalog, clock, entropy, events, mail, order, staff};
use stoa_domain::Command;
use stoa_domain::cart::{AddLine, CartPatch, CreateCart, UpdateCart};
use stoa_domain::command::VariantRef;
use stoa_domain::fulfilment::{Fulfil, Tracking};
use stoa_domain::order::CancelOrder;
use stoa_kernel::{Ctx, OrderId, Timestamp};

use crate::config::Config;
use crate::wiring::DataDir;

/// The administrator's address.
const ADMIN: &str = "owner@example.com";
/// Orders made, spread over the last two weeks.
const N_ORDERS: usize = 60;

/// How far the demonstration's clock is behind, in seconds.
static BEHIND_S: AtomicI64 = AtomicI64::new(0);

fn demo_clock() -> Timestamp {
    clock::now().plus_seconds(-BEHIND_S.load(Ordering::Relaxed))
}

/// Fills a data directory; one that was filled before keeps what is in it.
///
/// # Errors
/// The directory is being served, or something cannot be written.
pub(crate) async fn fill(data: &DataDir, config: &Config) -> anyhow::Result<()> {
    let Some(lock) = data.serving_lock()? else {
        bail!("another process serves {} already", data.path().display());
    };
    let (shop, engine) = data.shop(config, demo_clock, false).await?;
    let mut tx = shop.db.read().await?;
    let n_products = catalog::store::count(&mut tx, None).await?;
    let n_orders = order::store::count(&mut tx, &order::store::OrderFilter::default()).await?;
    drop(tx);
    if n_products == 0 {
        BEHIND_S.store(15 * 86_400, Ordering::Relaxed);
        fill_catalogue(&shop).await?;
    }
    if n_orders == 0 {
        make_orders(&shop).await?;
    }
    BEHIND_S.store(0, Ordering::Relaxed);
    abandoned::find(&shop, |_| ()).await.context("the abandoned carts")?;
    stoa_app::follow::catch_up(&shop, &mut 0).await.context("the search index")?;

    if shop.mailer.sends() {
        // Nobody has these addresses.
        events::runner::skip(&shop, mail::subscriber::NAME)
            .await
            .context("the mails of made-up orders")?;
    }
    // Sessions of an earlier administrator end at whoever shares them.
    shop.cache.look().await;
    let password = entropy::token()?.reveal();
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let owner = staff::NewUser {
        name: "Shop owner".to_owned(),
        email: ADMIN.to_owned(),
        password: password.clone(),
    };
    staff::put_user(&shop.db, &shop.cache, &mut ctx, owner).await.context("the administrator")?;
    println!("Administrator: {ADMIN}");
    println!("Password: {password}");
    drop(shop);
    tokio::task::spawn_blocking(|| engine.join()).await?;
    drop(lock);
    Ok(())
}

async fn fill_catalogue(shop: &Arc<Shop>) -> anyhow::Result<()> {
    let drafts = catalogue::drafts().context("the demo catalogue")?;
    let n = drafts.len();
    let mut ctx = Ctx { now: demo_clock(), ids: entropy::ids()? };
    let saved = catalog::save_many(&shop.db, &shop.config, &mut ctx, drafts).await?;
    if let Some(refusal) = saved.into_iter().find_map(Result::err) {
        bail!("the demo catalogue: {refusal}");
    }
    println!("Put {n} products on the shelves");
    Ok(())
}

/// Makes orders as shoppers would: carts, addresses, payments; a few are declined or cancelled.
async fn make_orders(shop: &Arc<Shop>) -> anyhow::Result<()> {
    let buyers = buyers::buyers().context("the demo buyers")?;
    let mut tx = shop.db.read().await?;
    let ids = catalog::store::page_of_ids(&mut tx, None, 10_000).await?;
    let products = catalog::store::load(&mut tx, &ids).await?;
    drop(tx);
    let skus: Vec<&str> = products
        .iter()
        .flat_map(|product| product.variants.first())
        .map(|variant| variant.sku.as_str())
        .collect();
    if skus.is_empty() || buyers.is_empty() {
        return Ok(());
    }
    let mut made = Vec::new();
    for n in 0..N_ORDERS {
        // The oldest first; today's at the end, and more of them the nearer today.
        let share = (N_ORDERS - n) * (N_ORDERS - n) * 14 * 86_400 / (N_ORDERS * N_ORDERS);
        BEHIND_S.store(i64::try_from(share).unwrap_or(0), Ordering::Relaxed);
        let (Some(buyer), token) = (buyers.get(n * 7 % buyers.len()), entropy::token()?) else {
            continue;
        };
        let key = token.hash();
        shop.engine.submit(Command::CreateCart(CreateCart { key })).await;
        for line in 0..=(n % 3) {
            let Some(sku) = skus.get((n * 31 + line * 17) % skus.len()) else { continue };
            let variant = VariantRef::Sku((*sku).to_owned());
            let quantity = i64::try_from(1 + (n + line) % 2).unwrap_or(1);
            // What is out of stock is left out, as a shopper would.
            shop.engine.submit(Command::AddLine(AddLine { cart: key, variant, quantity })).await;
        }
        let method = if n % 4 == 0 { "express" } else { "standard" };
        let patch = CartPatch {
            email: Some(Some(buyer.email.clone())),
            shipping_address: Some(Some(buyer.address.clone())),
            shipping_method: Some(Some(method.to_owned())),
            discount_code: (n % 9 == 0).then(|| Some("WELCOME10".to_owned())),
            ..CartPatch::default()
        };
        shop.engine.submit(Command::UpdateCart(UpdateCart { cart: key, patch })).await;
        let card = if n % 13 == 12 { "tok_declined" } else { "tok_ok" };
        let choice = PaymentChoice { provider: "test".to_owned(), token: card.to_owned() };
        let Completion::Order { order, .. } = complete_cart(shop, token, choice, None).await else {
            continue;
        };
        if order.number.is_some() {
            made.push((share, order.id, method));
        }
        if order.number.is_some() && n % 17 == 16 {
            let cancel = CancelOrder {
                order: order.id,
                expected_version: None,
                reason: "ordered by mistake".to_owned(),
            };
            let outcome = shop.engine.submit(Command::CancelOrder(cancel)).await;
            if let Outcome::Done { .. } = outcome {
                stoa_app::checkout::resume(shop, order.id, 0).await?;
            }
        }
    }
    let n_sent = send(shop, &made).await;
    println!("Took {} orders, sent {n_sent}", made.len());
    Ok(())
}

/// Sends the older of the orders, given how far back each was made, a day after that. What was cancelled
/// is refused.
async fn send(shop: &Arc<Shop>, made: &[(usize, OrderId, &str)]) -> usize {
    const DAY_S: usize = 86_400;
    let mut n_sent = 0;
    for (n, (behind, order, method)) in made.iter().enumerate() {
        let Some(behind) = behind.checked_sub(DAY_S) else { break };
        BEHIND_S.store(i64::try_from(behind).unwrap_or(0), Ordering::Relaxed);
        let (carrier, number) = match *method {
            "express" => ("UPS", format!("1Z999AA1{:010}", n * 7_919)),
            _ => ("DHL", format!("{:020}", n * 104_729)),
        };
        let tracking =
            Tracking { carrier: Some(carrier.to_owned()), number: Some(number), url: None };
        let fulfil = Fulfil {
            order: *order,
            expected_version: None,
            items: Vec::new(),
            tracking,
            notify_customer: true,
        };
        let outcome = shop.engine.submit(Command::Fulfil(fulfil)).await;
        n_sent += usize::from(matches!(outcome, Outcome::Done { .. }));
    }
    n_sent
}
