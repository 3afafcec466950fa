//! No sequence of commands oversells, unbalances the books or leaves a gap in the events; refused
//! and repeated commands change nothing; what is loaded for a command is all it needs.

use std::sync::Arc;

use proptest::prelude::*;
use stoa_domain::address::Address;
use stoa_domain::audit::Audit;
use stoa_domain::cart::{AddLine, CartPatch, ChangeLine, CreateCart, RefreshCart, UpdateCart};
use stoa_domain::checkout::{PlaceOrder, SettlePayment, SettleRefund, Settlement};
use stoa_domain::command::VariantRef;
use stoa_domain::fulfilment::{
    CancelFulfilment, ChangeTracking, Fulfil, OrderFulfilment, Tracking,
};
use stoa_domain::inventory::SetStock;
use stoa_domain::order::CancelOrder;
use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod, ShopConfig, TaxRate};
use stoa_domain::world::{Changes, Offer, Wanted, World};
use stoa_domain::{Command, Reply, decide};
use stoa_kernel::{
    Ctx, Currency, FulfilmentId, IdSource, LineId, LocationId, Money, OrderId, Rate, Timestamp,
    Token, TokenHash, VariantId,
};

const VARIANTS: usize = 5;
const CARTS: usize = 4;
const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// What a step does; numbers pick among what exists, so that shrinking keeps it meaningful.
#[derive(Debug, Clone)]
enum Op {
    Create,
    Add { cart: usize, variant: usize, by_sku: bool, pieces: i64 },
    Change { cart: usize, line: usize, pieces: i64 },
    Fill { cart: usize, country: usize, method: usize, code: usize },
    Patch { cart: usize, email: Option<Option<&'static str>>, city: &'static str },
    Refresh { cart: usize },
    Place { cart: usize },
    Settle { order: usize, answer: usize },
    SettleRefund { order: usize },
    Cancel { order: usize, version: Option<i64> },
    Fulfil { order: usize, line: Option<usize>, pieces: i64, version: Option<i64> },
    Track { order: usize, fulfilment: usize, number: &'static str },
    Unfulfil { order: usize, fulfilment: usize },
    Stock { variant: usize, location: usize, pieces: i64, expected: Option<i64> },
    Reprice { variant: usize, minor: i64, on_sale: bool },
    Wait { seconds: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    let pieces = || prop_oneof![9 => 1_i64..6, 1 => prop::sample::select(vec![i64::MIN, -1, 0, 10_001, i64::MAX])];
    let cart = || 0..CARTS + 1;
    let order = || 0..8_usize;
    let variant = || 0..VARIANTS + 1;
    prop_oneof![
        2 => Just(Op::Create),
        8 => (cart(), variant(), any::<bool>(), pieces())
            .prop_map(|(cart, variant, by_sku, pieces)| Op::Add { cart, variant, by_sku, pieces }),
        3 => (cart(), 0..4_usize, prop_oneof![Just(0_i64), pieces()])
            .prop_map(|(cart, line, pieces)| Op::Change { cart, line, pieces }),
        6 => (cart(), 0..4_usize, 0..4_usize, 0..5_usize)
            .prop_map(|(cart, country, method, code)| Op::Fill { cart, country, method, code }),
        2 => (
            cart(),
            prop::sample::select(vec![None, Some(None), Some(Some("x")), Some(Some("a@b.example"))]),
            prop::sample::select(vec!["", "Bonn", "a\nb"]),
        )
            .prop_map(|(cart, email, city)| Op::Patch { cart, email, city }),
        2 => cart().prop_map(|cart| Op::Refresh { cart }),
        8 => cart().prop_map(|cart| Op::Place { cart }),
        8 => (order(), 0..4_usize).prop_map(|(order, answer)| Op::Settle { order, answer }),
        3 => order().prop_map(|order| Op::SettleRefund { order }),
        3 => (order(), prop::option::of(0..5_i64))
            .prop_map(|(order, version)| Op::Cancel { order, version }),
        6 => (order(), prop::option::of(0..3_usize), pieces(), prop::option::weighted(0.1, 0..6_i64))
            .prop_map(|(order, line, pieces, version)| Op::Fulfil { order, line, pieces, version }),
        1 => (order(), 0..3_usize, prop::sample::select(vec!["", "7", "a\nb"]))
            .prop_map(|(order, fulfilment, number)| Op::Track { order, fulfilment, number }),
        2 => (order(), 0..3_usize)
            .prop_map(|(order, fulfilment)| Op::Unfulfil { order, fulfilment }),
        5 => (variant(), 0..3_usize, prop_oneof![0..12_i64, pieces()], prop::option::of(0..12_i64))
            .prop_map(|(variant, location, pieces, expected)| Op::Stock {
                variant,
                location,
                pieces,
                expected,
            }),
        1 => (variant(), 0..3_000_i64, any::<bool>())
            .prop_map(|(variant, minor, on_sale)| Op::Reprice { variant, minor, on_sale }),
        1 => (0..4_000_i64).prop_map(|seconds| Op::Wait { seconds }),
    ]
}

fn shop(tax_included: bool) -> ShopConfig {
    let usd = |minor| Money::new(minor, Currency::USD);
    let method = |code: &str, price, free_from, countries: &[&str]| ShippingMethod {
        code: code.to_owned(),
        name: code.to_owned(),
        price: usd(price),
        free_from,
        countries: countries.iter().map(|&country| country.to_owned()).collect(),
        days: None,
    };
    let rate = |country: &str, region: Option<&str>, ppm| TaxRate {
        country: country.to_owned(),
        region: region.map(str::to_owned),
        name: "Tax".to_owned(),
        rate: Rate::from_ppm(ppm),
    };
    let discount =
        |code: &str, kind, min| Discount { code: code.to_owned(), kind, min_subtotal: min };
    ShopConfig {
        name: "Test".to_owned(),
        currency: Currency::USD,
        prices_include_tax: tax_included,
        shipping_methods: vec![
            method("standard", 499, Some(usd(5_000)), &[]),
            method("express", 1_299, None, &["DE", "US"]),
            method("pickup", 0, None, &["DE"]),
        ],
        tax_rates: vec![
            rate("DE", None, 190_000),
            rate("US", Some("CA"), 82_500),
            rate("US", None, 0),
        ],
        discounts: vec![
            discount("TEN", DiscountKind::Percent(Rate::from_ppm(100_000)), None),
            discount("ALL", DiscountKind::Percent(Rate::from_ppm(1_000_000)), None),
            discount("FIVE", DiscountKind::Amount(usd(500)), Some(usd(1_000))),
        ],
    }
}

/// A shop with everything that was committed to it.
struct Run {
    world: World,
    audit: Audit,
    ids: IdSource,
    now: Timestamp,
    carts: Vec<TokenHash>,
    orders: Vec<OrderId>,
    variants: Vec<VariantId>,
}

impl Run {
    fn new(tax_included: bool) -> Self {
        let mut ctx = Ctx { now: START, ids: IdSource::seeded(1) };
        let mut world = World::new(Arc::new(shop(tax_included)));
        let mut variants = Vec::new();
        for index in 0..VARIANTS {
            let variant_id = ctx.variant_id();
            let sku = format!("SKU-{index}");
            let prices = [0, 1, 333, 1_999, 123_457];
            world.skus.insert(sku.clone(), variant_id);
            world.offers.insert(
                variant_id,
                Arc::new(Offer {
                    variant_id,
                    product_id: ctx.product_id(),
                    sku,
                    title: format!("Product {index}"),
                    variant_title: String::new(),
                    handle: format!("product-{index}"),
                    price: Some(Money::new(prices[index], Currency::USD)),
                    on_sale: true,
                    vendor_id: None,
                }),
            );
            variants.push(variant_id);
        }
        for code in ["default", "annex"] {
            world.locations.insert(code.to_owned(), ctx.location_id());
        }
        Self {
            audit: Audit::new(&world),
            world,
            ids: IdSource::seeded(2),
            now: START,
            carts: Vec::new(),
            orders: Vec::new(),
            variants,
        }
    }

    fn ctx(&self) -> Ctx {
        Ctx { now: self.now, ids: self.ids.clone() }
    }

    fn cart(&self, index: usize) -> TokenHash {
        self.carts.get(index).copied().unwrap_or(TokenHash([0xFF; 32]))
    }

    fn order(&self, index: usize) -> OrderId {
        let unknown = || "ord_00000000000000000000000001".parse().unwrap();
        self.orders.get(index).copied().unwrap_or_else(unknown)
    }

    fn cart_of(&self, order: usize) -> TokenHash {
        let order = self.world.orders.get(&self.order(order));
        order.map_or_else(|| self.cart(0), |order| order.cart_key)
    }

    fn line(&self, order: usize, index: usize) -> LineId {
        let order = self.world.orders.get(&self.order(order));
        let unknown = || "line_00000000000000000000000001".parse().unwrap();
        order.and_then(|order| order.lines.get(index)).map_or_else(unknown, |line| line.id)
    }

    fn fulfilment(&self, order: usize, index: usize) -> FulfilmentId {
        let order = self.world.orders.get(&self.order(order));
        let unknown = || "ful_00000000000000000000000001".parse().unwrap();
        order.and_then(|order| order.fulfilments.get(index)).map_or_else(unknown, |one| one.id)
    }

    fn variant(&self, index: usize, by_sku: bool) -> VariantRef {
        match (self.variants.get(index), by_sku) {
            (Some(id), false) => VariantRef::Id(*id),
            (None, false) => VariantRef::Id("var_00000000000000000000000001".parse().unwrap()),
            (_, true) => VariantRef::Sku(format!("SKU-{index}")),
        }
    }

    fn command(&self, op: &Op) -> Option<Command> {
        let command = match *op {
            Op::Create => {
                if self.carts.len() == CARTS {
                    return None;
                }
                let number = u8::try_from(self.carts.len()).unwrap();
                let key = Token::from_random([number; 16]).hash();
                Command::CreateCart(CreateCart { key })
            }
            Op::Add { cart, variant, by_sku, pieces } => Command::AddLine(AddLine {
                cart: self.cart(cart),
                variant: self.variant(variant, by_sku),
                quantity: pieces,
            }),
            Op::Change { cart, line, pieces } => {
                let unknown: LineId = "line_00000000000000000000000001".parse().unwrap();
                let cart = self.cart(cart);
                let known = self.world.carts.get(&cart).and_then(|cart| cart.body.lines.get(line));
                Command::ChangeLine(ChangeLine {
                    cart,
                    line: known.map_or(unknown, |line| line.id),
                    quantity: pieces,
                })
            }
            Op::Fill { cart, country, method, code } => {
                let country = ["DE", "US", "HK", "de"][country];
                let method = ["standard", "express", "pickup", "none"][method];
                let code = [None, Some("ten"), Some("ALL"), Some("Five"), Some("BAD")][code];
                Command::UpdateCart(UpdateCart {
                    cart: self.cart(cart),
                    patch: CartPatch {
                        email: Some(Some("buyer@example.com".to_owned())),
                        shipping_address: Some(Some(Address {
                            name: "A Buyer".to_owned(),
                            line1: "1 Way".to_owned(),
                            city: "Town".to_owned(),
                            region: Some("CA".to_owned()),
                            postal_code: "12345".to_owned(),
                            country: country.to_owned(),
                            ..Address::default()
                        })),
                        billing_address: None,
                        shipping_method: Some(Some(method.to_owned())),
                        discount_code: Some(code.map(str::to_owned)),
                    },
                })
            }
            Op::Patch { cart, email, city } => Command::UpdateCart(UpdateCart {
                cart: self.cart(cart),
                patch: CartPatch {
                    email: email.map(|email| email.map(str::to_owned)),
                    billing_address: Some(Some(Address {
                        name: "B".to_owned(),
                        line1: "2 Way".to_owned(),
                        city: city.to_owned(),
                        country: "HK".to_owned(),
                        ..Address::default()
                    })),
                    ..CartPatch::default()
                },
            }),
            Op::Refresh { cart } => Command::RefreshCart(RefreshCart { cart: self.cart(cart) }),
            Op::Place { cart } => Command::PlaceOrder(PlaceOrder {
                cart: self.cart(cart),
                order_token: TokenHash([7; 32]),
                provider: "test".to_owned(),
                payment_token: "tok_ok".to_owned(),
            }),
            Op::Settle { order, answer } => Command::SettlePayment(SettlePayment {
                order: self.order(order),
                cart: self.cart_of(order),
                settlement: match answer {
                    0 | 1 => Settlement::Captured { reference: "ref".to_owned() },
                    2 => Settlement::Declined { reason: "card_declined".to_owned() },
                    _ => Settlement::RequiresAction { url: "/confirm".to_owned() },
                },
            }),
            Op::SettleRefund { order } => {
                Command::SettleRefund(SettleRefund { order: self.order(order) })
            }
            Op::Cancel { order, version } => Command::CancelOrder(CancelOrder {
                order: self.order(order),
                expected_version: version,
                reason: "asked".to_owned(),
            }),
            Op::Fulfil { order, line, pieces, version } => Command::Fulfil(Fulfil {
                order: self.order(order),
                expected_version: version,
                items: line.map(|line| (self.line(order, line), pieces)).into_iter().collect(),
                tracking: Tracking { carrier: Some("UPS".to_owned()), ..Tracking::default() },
                notify_customer: true,
            }),
            Op::Track { order, fulfilment, number } => Command::ChangeTracking(ChangeTracking {
                order: self.order(order),
                expected_version: None,
                fulfilment: self.fulfilment(order, fulfilment),
                tracking: Tracking { number: Some(number.to_owned()), ..Tracking::default() },
            }),
            Op::Unfulfil { order, fulfilment } => Command::CancelFulfilment(CancelFulfilment {
                order: self.order(order),
                expected_version: None,
                fulfilment: self.fulfilment(order, fulfilment),
            }),
            Op::Stock { variant, location, pieces, expected } => Command::SetStock(SetStock {
                variant: self.variant(variant, pieces % 2 == 0),
                location: ["default", "annex", "nowhere"][location].to_owned(),
                on_hand: pieces,
                expected,
            }),
            Op::Reprice { .. } | Op::Wait { .. } => return None,
        };
        Some(command)
    }

    /// Decides and commits; checks everything that must hold of one command.
    fn submit(&mut self, command: &Command) -> Result<Reply, TestCaseError> {
        let before = self.world.clone();
        let mut ctx = self.ctx();
        let decided = decide(&self.world, &mut ctx, command);
        prop_assert_eq!(&before, &self.world, "deciding must not change the world");
        prop_assert_eq!(
            &decided,
            &decide(&loaded_for(command, &self.world), &mut self.ctx(), command),
            "what was loaded for {:?} is not all that it needs",
            command
        );
        let (reply, changes) = match decided {
            Ok(decided) => decided,
            Err(refusal) => return Err(TestCaseError::reject(refusal.to_string())),
        };
        self.ids = ctx.ids;
        self.world.absorb(&changes);
        let broken = |violation| TestCaseError::fail(format!("{command:?}: {violation}"));
        self.audit.record(&changes).map_err(broken)?;
        self.audit.check(&self.world).map_err(broken)?;
        match &reply {
            Reply::Cart(cart) => prop_assert_eq!(self.world.carts.get(&cart.key), Some(cart)),
            Reply::Order(order) => {
                prop_assert_eq!(self.world.orders.get(&order.id), Some(&**order));
            }
            Reply::Stock(level) => {
                prop_assert!(self.world.levels_of(level.variant_id).contains(level));
            }
        }
        if can_be_repeated(command) {
            let again = decide(&self.world, &mut self.ctx(), command);
            prop_assert_eq!(again, Ok((reply.clone(), Changes::default())), "repeated");
        }
        Ok(reply)
    }

    fn step(&mut self, op: &Op) -> Result<bool, TestCaseError> {
        self.now = self.now.plus_millis(10);
        match op {
            Op::Reprice { variant, minor, on_sale } => {
                if let Some(offer) =
                    self.variants.get(*variant).and_then(|id| self.world.offers.get_mut(id))
                {
                    let offer = Arc::make_mut(offer);
                    let price = Money::new(*minor, Currency::USD);
                    offer.price = (*minor != 1_500).then_some(price);
                    offer.on_sale = *on_sale;
                }
                return Ok(false);
            }
            Op::Wait { seconds } => self.now = self.now.plus_seconds(*seconds),
            _ => {}
        }
        let Some(command) = self.command(op) else {
            return Ok(false);
        };
        match self.submit(&command) {
            Ok(Reply::Cart(cart)) if !self.carts.contains(&cart.key) => self.carts.push(cart.key),
            Ok(Reply::Order(order)) if !self.orders.contains(&order.id) => {
                self.orders.push(order.id);
            }
            Ok(_) => {}
            Err(TestCaseError::Reject(_)) => return Ok(false),
            Err(failed) => return Err(failed),
        }
        Ok(true)
    }
}

/// Commands that a retry, a second worker or an impatient shopper sends twice.
fn can_be_repeated(command: &Command) -> bool {
    match command {
        Command::CreateCart(_)
        | Command::PlaceOrder(_)
        | Command::SettlePayment(_)
        | Command::SettleRefund(_)
        | Command::ChangeTracking(_)
        | Command::CancelFulfilment(_) => true,
        Command::CancelOrder(cancel) => cancel.expected_version.is_none(),
        Command::SetStock(set) => set.expected.is_none(),
        Command::AddLine(_)
        | Command::Fulfil(_)
        | Command::ChangeLine(_)
        | Command::UpdateCart(_)
        | Command::RefreshCart(_) => false,
    }
}

/// A world with nothing but what the engine would load for a command.
fn loaded_for(command: &Command, stored: &World) -> World {
    let mut world = World::new(Arc::clone(&stored.shop));
    world.next_order_number = -1; // Must not show unless it was asked for.
    loop {
        let mut wanted = Wanted::default();
        wanted.add(command, &world);
        let before = world.clone();
        for key in &wanted.carts {
            world.carts.extend(stored.carts.get(key).map(|cart| (*key, cart.clone())));
        }
        for id in &wanted.orders {
            world.orders.extend(stored.orders.get(id).map(|order| (*id, order.clone())));
        }
        for sku in &wanted.skus {
            world.skus.extend(stored.skus.get(sku).map(|id| (sku.clone(), *id)));
        }
        let by_sku = wanted.skus.iter().filter_map(|sku| stored.skus.get(sku));
        for id in wanted.variants.iter().chain(by_sku) {
            world.offers.extend(stored.offers.get(id).map(|offer| (*id, offer.clone())));
            world.levels.extend(stored.levels.get(id).map(|levels| (*id, levels.clone())));
        }
        for id in &wanted.stock {
            world.levels.extend(stored.levels.get(id).map(|levels| (*id, levels.clone())));
        }
        if wanted.locations {
            world.locations.clone_from(&stored.locations);
        }
        if wanted.order_number {
            world.next_order_number = stored.next_order_number;
        }
        if world == before {
            return world;
        }
    }
}

/// A full shelf and a full cart, so that what follows gets somewhere.
fn opening() -> Vec<Op> {
    let mut ops = Vec::new();
    for variant in 0..VARIANTS {
        for location in 0..2 {
            ops.push(Op::Stock { variant, location, pieces: 4, expected: None });
        }
    }
    for cart in 0..CARTS {
        ops.push(Op::Create);
        ops.push(Op::Add { cart, variant: cart, by_sku: false, pieces: 3 });
        ops.push(Op::Add { cart, variant: 4, by_sku: true, pieces: 2 });
        ops.push(Op::Fill { cart, country: cart % 3, method: cart % 2, code: cart });
    }
    ops
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_sequence_of_commands_breaks_an_invariant(
        tax_included in any::<bool>(),
        from_opening in prop::bool::weighted(0.8),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut run = Run::new(tax_included);
        if from_opening {
            for op in opening() {
                prop_assert!(run.step(&op)?, "the opening must succeed: {:?}", op);
            }
        }
        for op in &ops {
            run.step(op)?;
        }
    }
}

/// Locations the world holds, so that the fixed tests below can name one.
fn location(run: &Run, code: &str) -> LocationId {
    run.world.locations[code]
}

#[test]
fn one_piece_is_sold_once_and_drawn_from_where_it_is() {
    let mut run = Run::new(false);
    for op in [
        Op::Stock { variant: 3, location: 0, pieces: 1, expected: None },
        Op::Stock { variant: 3, location: 1, pieces: 2, expected: None },
    ] {
        assert!(run.step(&op).unwrap());
    }
    for cart in 0..2 {
        for op in [
            Op::Create,
            Op::Add { cart, variant: 3, by_sku: false, pieces: 2 },
            Op::Fill { cart, country: 0, method: 0, code: 0 },
        ] {
            assert!(run.step(&op).unwrap());
        }
    }
    assert!(run.step(&Op::Place { cart: 0 }).unwrap());
    assert!(!run.step(&Op::Place { cart: 1 }).unwrap(), "one piece is left, two are wanted");
    let order = &run.world.orders[&run.orders[0]];
    let places: Vec<(LocationId, i64)> =
        order.lines[0].allocations.iter().map(|part| (part.location_id, part.quantity)).collect();
    assert_eq!(places, [(location(&run, "default"), 1), (location(&run, "annex"), 1)]);
    assert!(run.step(&Op::Settle { order: 0, answer: 2 }).unwrap());
    assert!(run.step(&Op::Place { cart: 1 }).unwrap(), "the declined order gave its pieces back");
}

#[test]
fn an_order_that_costs_nothing_leaves_the_books_alone() {
    let mut run = Run::new(true);
    for op in [
        Op::Stock { variant: 3, location: 0, pieces: 5, expected: None },
        Op::Create,
        Op::Add { cart: 0, variant: 3, by_sku: false, pieces: 1 },
        Op::Fill { cart: 0, country: 0, method: 2, code: 2 },
        Op::Place { cart: 0 },
        Op::Settle { order: 0, answer: 0 },
        Op::Cancel { order: 0, version: None },
        Op::SettleRefund { order: 0 },
    ] {
        assert!(run.step(&op).unwrap(), "{op:?}");
    }
    assert_eq!(run.world.orders[&run.orders[0]].totals.total.minor, 0);
    assert_eq!(run.audit.held_by_providers(), 0);
}

/// An order of two pieces from two locations, placed.
fn placed() -> Run {
    let mut run = Run::new(false);
    for op in [
        Op::Stock { variant: 3, location: 0, pieces: 1, expected: None },
        Op::Stock { variant: 3, location: 1, pieces: 5, expected: None },
        Op::Create,
        Op::Add { cart: 0, variant: 3, by_sku: false, pieces: 3 },
        Op::Fill { cart: 0, country: 0, method: 0, code: 0 },
        Op::Place { cart: 0 },
        Op::Settle { order: 0, answer: 0 },
    ] {
        assert!(run.step(&op).unwrap());
    }
    run
}

/// On hand and reserved of the variant at both locations.
fn shelf(run: &Run) -> [(i64, i64); 2] {
    ["default", "annex"].map(|code| {
        let levels = run.world.levels_of(run.variants[3]);
        let level = levels.iter().find(|level| level.location_id == location(run, code)).unwrap();
        (level.on_hand, level.reserved)
    })
}

#[test]
fn pieces_leave_where_they_were_reserved_and_come_back_there() {
    let mut run = placed();
    assert_eq!(shelf(&run), [(1, 1), (5, 2)]);
    let status = |run: &Run| run.world.orders[&run.orders[0]].fulfilment_status();
    let send = |pieces| Op::Fulfil { order: 0, line: Some(0), pieces, version: None };
    assert!(run.step(&send(2)).unwrap());
    assert_eq!(shelf(&run), [(0, 0), (4, 1)]);
    assert_eq!(status(&run), OrderFulfilment::PartiallyFulfilled);
    assert!(!run.step(&send(2)).unwrap(), "one piece waits, two are to be sent");
    assert!(!run.step(&Op::Cancel { order: 0, version: None }).unwrap(), "pieces were sent");
    let rest = Op::Fulfil { order: 0, line: None, pieces: 0, version: None };
    assert!(run.step(&rest).unwrap());
    assert_eq!((shelf(&run), status(&run)), ([(0, 0), (3, 0)], OrderFulfilment::Fulfilled));
    assert!(!run.step(&rest).unwrap(), "nothing is left to send");
    for fulfilment in 0..2 {
        assert!(run.step(&Op::Unfulfil { order: 0, fulfilment }).unwrap());
    }
    assert_eq!((shelf(&run), status(&run)), ([(1, 1), (5, 2)], OrderFulfilment::Unfulfilled));
    assert!(run.step(&Op::Cancel { order: 0, version: None }).unwrap());
    assert_eq!(shelf(&run), [(1, 0), (5, 0)]);
}

#[test]
fn what_is_not_on_hand_is_not_sent() {
    let mut run = placed();
    assert!(run.step(&Op::Stock { variant: 3, location: 1, pieces: 1, expected: None }).unwrap());
    let all = Op::Fulfil { order: 0, line: None, pieces: 0, version: None };
    let command = run.command(&all).unwrap();
    let refusal = decide(&run.world, &mut run.ctx(), &command).unwrap_err();
    let text = format!("{refusal:?}");
    assert!(
        text.contains("1 of SKU-3 are on hand") && text.contains("/items/0/quantity"),
        "{text}"
    );
    assert!(run.step(&Op::Fulfil { order: 0, line: Some(0), pieces: 2, version: None }).unwrap());
}
