//! What a batch of commands sees and what it changes.
//!
//! The engine loads a [`World`] with every row the batch may touch; each command decides against
//! it and returns [`Changes`], which [`World::absorb`] takes in before the next command decides.
//! At the end of the batch the engine writes what was absorbed and commits.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_kernel::{
    LocationId, Money, OrderId, ProductId, Timestamp, TokenHash, VariantId, VendorId,
};

use crate::cart::{Cart, CartState};
use crate::checkout::Settlement;
use crate::command::{Command, VariantRef};
use crate::event::Event;
use crate::inventory::{Movement, StockLevel};
use crate::ledger::LedgerEntry;
use crate::order::Order;
use crate::refusal::Refusal;
use crate::shop::ShopConfig;

/// A variant as carts and orders see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: String,
    /// Its product's title.
    pub title: String,
    /// Its option values, e.g. `Large / Red`.
    pub variant_title: String,
    /// Its product's handle.
    pub handle: String,
    /// Its price in the shop's currency.
    pub price: Option<Money>,
    /// Whether its product is on sale.
    pub on_sale: bool,
    /// Who sells it; `None` for the shop itself.
    pub vendor_id: Option<VendorId>,
}

/// The rows a batch may touch, as they are in its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The merchant's settings.
    pub shop: Arc<ShopConfig>,
    /// Carts by key.
    pub carts: HashMap<TokenHash, Cart>,
    /// Orders by id.
    pub orders: HashMap<OrderId, Order>,
    /// Variants by id.
    pub offers: HashMap<VariantId, Arc<Offer>>,
    /// Which variant has a SKU.
    pub skus: HashMap<String, VariantId>,
    /// Stock levels by variant, in the order in which locations are drawn on.
    pub levels: HashMap<VariantId, Vec<StockLevel>>,
    /// Locations by code.
    pub locations: HashMap<String, LocationId>,
    /// The number that the next placed order gets.
    pub next_order_number: i64,
}

impl World {
    /// An empty world.
    pub fn new(shop: Arc<ShopConfig>) -> Self {
        Self {
            shop,
            carts: HashMap::new(),
            orders: HashMap::new(),
            offers: HashMap::new(),
            skus: HashMap::new(),
            levels: HashMap::new(),
            locations: HashMap::new(),
            next_order_number: 1_001,
        }
    }

    pub(crate) fn cart(&self, key: &TokenHash) -> Result<&Cart, Refusal> {
        self.carts.get(key).ok_or(Refusal::NotFound("cart"))
    }

    pub(crate) fn order(&self, id: OrderId) -> Result<&Order, Refusal> {
        self.orders.get(&id).ok_or(Refusal::NotFound("order"))
    }

    /// The variant that is meant.
    pub fn offer(&self, variant: &VariantRef) -> Option<&Offer> {
        match variant {
            VariantRef::Id(id) => self.offers.get(id),
            VariantRef::Sku(sku) => self.skus.get(sku).and_then(|id| self.offers.get(id)),
        }
        .map(AsRef::as_ref)
    }

    /// Stock of a variant.
    pub fn levels_of(&self, variant: VariantId) -> &[StockLevel] {
        self.levels.get(&variant).map_or(&[], Vec::as_slice)
    }

    /// Pieces of a variant that can be sold now, over all locations. Negative when fewer pieces
    /// were counted than are promised.
    pub fn available(&self, variant: VariantId) -> i64 {
        self.levels_of(variant).iter().map(StockLevel::available).sum()
    }

    /// Takes in what a command has changed.
    pub fn absorb(&mut self, changes: &Changes) {
        for cart in &changes.carts {
            self.carts.insert(cart.key, cart.clone());
        }
        for order in &changes.orders {
            self.orders.insert(order.id, order.clone());
        }
        for level in &changes.levels {
            let levels = self.levels.entry(level.variant_id).or_default();
            match levels.iter_mut().find(|known| known.location_id == level.location_id) {
                Some(known) => *known = level.clone(),
                None => levels.push(level.clone()),
            }
        }
        if let Some(number) = changes.next_order_number {
            self.next_order_number = number;
        }
    }
}

/// What a command has changed: rows as they are now, and rows to add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Carts as they are now.
    pub carts: Vec<Cart>,
    /// Orders as they are now, with lines and payment.
    pub orders: Vec<Order>,
    /// Stock levels as they are now.
    pub levels: Vec<StockLevel>,
    /// Why the levels changed.
    pub movements: Vec<Movement>,
    /// Entries for the books.
    pub entries: Vec<LedgerEntry>,
    /// Steps of workflows to store, or to store anew with another time.
    pub jobs: Vec<Job>,
    /// Steps that are done.
    pub finished_jobs: Vec<(JobKind, OrderId)>,
    /// What happened.
    pub events: Vec<Event>,
    /// The number that the next placed order gets, when one was given.
    pub next_order_number: Option<i64>,
}

/// A stored step of a workflow that talks to the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// What is to be done.
    pub kind: JobKind,
    /// For which order.
    pub order_id: OrderId,
    /// Not before.
    pub run_at: Timestamp,
}

impl Job {
    /// A step that may run at once.
    pub const fn new(kind: JobKind, order_id: OrderId, now: Timestamp) -> Self {
        Self { kind, order_id, run_at: now }
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// Ask the provider for the money, or what became of it.
    Charge,
    /// Ask the provider to give the money back.
    Refund,
}

impl JobKind {
    /// The word used in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "charge" => Some(Self::Charge),
            "refund" => Some(Self::Refund),
            _ => None,
        }
    }
}

/// The rows that a batch needs and the world does not hold yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Carts by key.
    pub carts: Vec<TokenHash>,
    /// Orders by id.
    pub orders: Vec<OrderId>,
    /// Variants by id, and their stock as it looks: it may change before the batch ends.
    pub variants: Vec<VariantId>,
    /// The same by SKU.
    pub skus: Vec<String>,
    /// The stock of variants, which the batch may change and nobody else meanwhile.
    pub stock: Vec<VariantId>,
    /// All stock locations.
    pub locations: bool,
    /// The order number counter.
    pub order_number: bool,
}

impl Wanted {
    /// Adds what a command needs, as far as it can be told from what the world holds. The engine
    /// asks until nothing new is wanted: first for carts and orders, then for what is in them.
    pub fn add(&mut self, command: &Command, world: &World) {
        match command {
            Command::CreateCart(c) => self.carts.push(c.key),
            Command::AddLine(c) => {
                self.carts.push(c.cart);
                self.variant(&c.variant);
            }
            Command::ChangeLine(c) => {
                self.carts.push(c.cart);
                let line = world
                    .carts
                    .get(&c.cart)
                    .and_then(|cart| cart.body.lines.iter().find(|line| line.id == c.line));
                self.variants.extend(line.map(|line| line.variant_id));
            }
            Command::UpdateCart(c) => self.carts.push(c.cart),
            Command::RefreshCart(c) => self.cart_with_goods(c.cart, world),
            Command::PlaceOrder(c) => {
                self.cart_with_goods(c.cart, world);
                if let Some(cart) = world.carts.get(&c.cart) {
                    self.stock.extend(cart.body.lines.iter().map(|line| line.variant_id));
                }
                if let Some(CartState::Paying(id) | CartState::Completed(id)) =
                    world.carts.get(&c.cart).map(|cart| cart.state)
                {
                    self.orders.push(id);
                }
            }
            Command::SettlePayment(c) => {
                match c.settlement {
                    Settlement::Declined { .. } => self.order_with_stock(c.order, world),
                    _ => self.orders.push(c.order),
                }
                self.order_number = true;
                self.carts.push(c.cart);
            }
            Command::SettleRefund(c) => self.orders.push(c.order),
            Command::CancelOrder(c) => self.order_with_stock(c.order, world),
            Command::Fulfil(c) => self.order_with_stock(c.order, world),
            Command::CancelFulfilment(c) => self.order_with_stock(c.order, world),
            Command::ChangeTracking(c) => self.orders.push(c.order),
            Command::SetStock(c) => {
                self.variant(&c.variant);
                self.stock.extend(world.offer(&c.variant).map(|offer| offer.variant_id));
                self.locations = true;
            }
        }
    }

    fn variant(&mut self, variant: &VariantRef) {
        match variant {
            VariantRef::Id(id) => self.variants.push(*id),
            VariantRef::Sku(sku) => self.skus.push(sku.clone()),
        }
    }

    fn cart_with_goods(&mut self, key: TokenHash, world: &World) {
        self.carts.push(key);
        if let Some(cart) = world.carts.get(&key) {
            self.variants.extend(cart.body.lines.iter().map(|line| line.variant_id));
        }
    }

    fn order_with_stock(&mut self, id: OrderId, world: &World) {
        self.orders.push(id);
        if let Some(order) = world.orders.get(&id) {
            self.stock.extend(order.lines.iter().map(|line| line.variant_id));
        }
    }
}
