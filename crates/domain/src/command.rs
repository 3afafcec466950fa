//! Commands: everything that changes carts, orders, stock and payments.

use stoa_kernel::{Ctx, VariantId};

use crate::cart::{self, AddLine, Cart, ChangeLine, CreateCart, RefreshCart, UpdateCart};
use crate::checkout::{self, PlaceOrder, SettlePayment, SettleRefund};
use crate::fulfilment::{self, CancelFulfilment, ChangeTracking, Fulfil};
use crate::inventory::{self, SetStock, StockLevel};
use crate::order::{self, CancelOrder, Order};
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// How a request names a variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VariantRef {
    /// By id.
    Id(VariantId),
    /// By SKU.
    Sku(String),
}

/// A command, as a plain value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one lives for one request; boxing would cost an allocation each"
)]
pub enum Command {
    /// See [`CreateCart`].
    CreateCart(CreateCart),
    /// See [`AddLine`].
    AddLine(AddLine),
    /// See [`ChangeLine`].
    ChangeLine(ChangeLine),
    /// See [`UpdateCart`].
    UpdateCart(UpdateCart),
    /// See [`RefreshCart`].
    RefreshCart(RefreshCart),
    /// See [`PlaceOrder`].
    PlaceOrder(PlaceOrder),
    /// See [`SettlePayment`].
    SettlePayment(SettlePayment),
    /// See [`SettleRefund`].
    SettleRefund(SettleRefund),
    /// See [`CancelOrder`].
    CancelOrder(CancelOrder),
    /// See [`Fulfil`].
    Fulfil(Fulfil),
    /// See [`ChangeTracking`].
    ChangeTracking(ChangeTracking),
    /// See [`CancelFulfilment`].
    CancelFulfilment(CancelFulfilment),
    /// See [`SetStock`].
    SetStock(SetStock),
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The cart as it is now.
    Cart(Cart),
    /// The order as it is now.
    Order(Box<Order>),
    /// The stock level as it is now.
    Stock(StockLevel),
}

/// Decides a command. Pure: equal worlds, contexts and commands give equal answers.
///
/// # Errors
/// A [`Refusal`]; nothing has changed then.
pub fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &Command,
) -> Result<(Reply, Changes), Refusal> {
    match command {
        Command::CreateCart(c) => cart::create_cart::decide(world, ctx, c),
        Command::AddLine(c) => cart::add_line::decide(world, ctx, c),
        Command::ChangeLine(c) => cart::change_line::decide(world, ctx, c),
        Command::UpdateCart(c) => cart::update_cart::decide(world, ctx, c),
        Command::RefreshCart(c) => cart::refresh_cart::decide(world, ctx, c),
        Command::PlaceOrder(c) => checkout::place_order::decide(world, ctx, c),
        Command::SettlePayment(c) => checkout::settle_payment::decide(world, ctx, c),
        Command::SettleRefund(c) => checkout::settle_refund::decide(world, ctx, c),
        Command::CancelOrder(c) => order::cancel_order::decide(world, ctx, c),
        Command::Fulfil(c) => fulfilment::decide_fulfil(world, ctx, c),
        Command::ChangeTracking(c) => fulfilment::decide_tracking(world, ctx, c),
        Command::CancelFulfilment(c) => fulfilment::decide_cancel(world, ctx, c),
        Command::SetStock(c) => inventory::set_stock::decide(world, ctx, c),
    }
}
