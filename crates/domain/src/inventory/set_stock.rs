//! The merchant counts: sets what is on hand at a location.

use stoa_kernel::{Ctx, limits};

use super::{MovementKind, StockLevel, moved};
use crate::command::{Reply, VariantRef};
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Sets `on_hand`; with `expected` only if that is what the caller last saw (compare and set, so
/// that two warehouse systems cannot overwrite each other).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetStock {
    /// Of which variant.
    pub variant: VariantRef,
    /// Code of the location; the first is called `default`.
    pub location: String,
    /// Pieces counted.
    pub on_hand: i64,
    /// What `on_hand` must be now.
    pub expected: Option<i64>,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &SetStock,
) -> Result<(Reply, Changes), Refusal> {
    if !(0..=limits::STOCK_ON_HAND).contains(&command.on_hand) {
        return Err(Refusal::field("/on_hand", "0 to 1,000,000,000"));
    }
    let offer = world.offer(&command.variant).ok_or(Refusal::NotFound("variant"))?;
    let location_id =
        world.locations.get(&command.location).copied().ok_or(Refusal::NotFound("location"))?;
    let levels = world.levels_of(offer.variant_id);
    let before = levels.iter().find(|level| level.location_id == location_id).cloned().unwrap_or(
        StockLevel {
            variant_id: offer.variant_id,
            location_id,
            vendor_id: offer.vendor_id,
            on_hand: 0,
            reserved: 0,
            version: 0,
        },
    );
    if command.expected.is_some_and(|expected| expected != before.on_hand) {
        return Err(Refusal::Stale);
    }
    let mut changes = Changes::default();
    let delta = command.on_hand - before.on_hand;
    if delta == 0 && before.version > 0 {
        return Ok((Reply::Stock(before), changes));
    }
    let elsewhere = levels
        .iter()
        .filter(|level| level.location_id != location_id)
        .map(StockLevel::available)
        .sum();
    let after = moved(
        &mut changes,
        ctx,
        offer.product_id,
        elsewhere,
        &before,
        (MovementKind::Adjust, delta, 0),
        None,
    );
    Ok((Reply::Stock(after), changes))
}
