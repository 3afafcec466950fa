//! The shop that is simulated and the weather it lives in, both drawn from the seed.

use std::sync::Arc;

use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod, ShopConfig, TaxRate};
use stoa_domain::world::{Offer, World};
use stoa_kernel::{Ctx, Currency, IdSource, Money, Rate};

use super::rng::Rng;
use super::simulation::START;

/// How often things go wrong, in so many of 1,000 cases.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// A request or its answer is lost between client and shop.
    pub(super) lost: u64,
    /// A request arrives twice.
    pub(super) doubled: u64,
    /// A message is late by seconds.
    pub(super) late: u64,
    /// A request to the provider, or its answer, is lost.
    pub(super) provider_lost: u64,
    /// The provider goes down for a while.
    pub(super) outage: u64,
    /// The shop crashes at a point where it can.
    pub(super) crash: u64,
}

impl Weather {
    pub(super) fn drawn(rng: &mut Rng) -> Self {
        let mut up_to = |most: i64| u64::try_from(rng.between(0, most)).unwrap_or(0);
        Self {
            lost: up_to(120),
            doubled: up_to(150),
            late: up_to(200),
            provider_lost: up_to(200),
            outage: up_to(30),
            crash: up_to(25),
        }
    }
}

pub(super) const LOCATIONS: [&str; 2] = ["default", "annex"];

/// A small shop, so that everybody wants the same few things.
pub(super) fn shop(rng: &mut Rng) -> World {
    let code = rng.pick(&["USD", "JPY", "KWD"]).copied().unwrap_or("USD");
    let currency: Currency = code.parse().unwrap_or(Currency::USD);
    let money = |minor| Money::new(minor, currency);
    let rate = |country: &str, ppm| TaxRate {
        country: country.to_owned(),
        region: None,
        name: "VAT".to_owned(),
        rate: Rate::from_ppm(ppm),
    };
    let method = |code: &str, minor, free_from| ShippingMethod {
        code: code.to_owned(),
        name: code.to_owned(),
        price: money(minor),
        free_from,
        countries: Vec::new(),
        days: None,
    };
    let discount = |code: &str, kind| Discount { code: code.to_owned(), kind, min_subtotal: None };
    let config = ShopConfig {
        name: "Simulation".to_owned(),
        currency,
        prices_include_tax: rng.chance(500),
        shipping_methods: vec![
            method("standard", 499, Some(money(3_000))),
            method("express", 1_299, None),
        ],
        tax_rates: vec![rate("DE", 190_000), rate("US", 82_500)],
        discounts: vec![
            discount("TEN", DiscountKind::Percent(Rate::from_ppm(100_000))),
            discount("FIVE", DiscountKind::Amount(money(500))),
            discount("ALL", DiscountKind::Percent(Rate::from_ppm(1_000_000))),
        ],
    };
    let mut world = World::new(Arc::new(config));
    let mut ctx = Ctx { now: START, ids: IdSource::seeded(rng.next()) };
    for index in 0..rng.between(1, 5) {
        let variant_id = ctx.variant_id();
        let sku = format!("SKU-{index}");
        world.skus.insert(sku.clone(), variant_id);
        let offer = Offer {
            variant_id,
            product_id: ctx.product_id(),
            sku,
            title: format!("Product {index}"),
            variant_title: String::new(),
            handle: format!("product-{index}"),
            price: Some(money(rng.between(1, 4_000))),
            on_sale: true,
            vendor_id: None,
        };
        world.offers.insert(variant_id, Arc::new(offer));
    }
    for code in LOCATIONS {
        world.locations.insert(code.to_owned(), ctx.location_id());
    }
    world
}

/// What is sold, in an order that does not depend on hashing.
pub(super) fn goods(world: &World) -> Vec<Arc<Offer>> {
    let mut goods: Vec<Arc<Offer>> = world.offers.values().cloned().collect();
    goods.sort_by_key(|offer| offer.variant_id);
    goods
}
