//! Variants that the engine has read, so that it need not read them for every cart.
//!
//! Every transaction that changes the catalogue raises its version
//! ([`store::begin_change`]). A batch reads the version in its own transaction: while it is the one
//! that the copies were read at, they are what the rows say.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::world::{Offer, World};
use stoa_kernel::{Currency, VariantId, limits};
use stoa_sql::Tx;

use crate::catalog::store;
use crate::error::StoreError;

/// Copies of variants, all read at one version of the catalogue.
#[derive(Debug, Default)]
pub(super) struct Offers {
    version: i64,
    by_id: HashMap<VariantId, Arc<Offer>>,
    by_sku: HashMap<String, VariantId>,
}

impl Offers {
    /// Throws the copies away if the catalogue has changed since they were read.
    pub(super) async fn check(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let version = store::version(tx).await?;
        if version != self.version || self.by_id.len() >= limits::ENGINE_OFFERS {
            *self = Self { version, ..Self::default() };
        }
        Ok(())
    }

    /// Puts the variants with these SKUs into the world, and gives their ids.
    pub(super) async fn by_sku(
        &mut self,
        tx: &mut Tx,
        skus: Vec<String>,
        currency: Currency,
        world: &mut World,
    ) -> Result<Vec<VariantId>, StoreError> {
        let missing: Vec<String> =
            skus.iter().filter(|sku| !self.by_sku.contains_key(*sku)).cloned().collect();
        self.keep(store::offers_by_sku(tx, &missing, currency).await?);
        Ok(self.known_skus(skus, world))
    }

    /// The same, without those that are not remembered.
    pub(super) fn known_skus(&self, skus: Vec<String>, world: &mut World) -> Vec<VariantId> {
        let mut ids = Vec::with_capacity(skus.len());
        for sku in skus {
            if let Some(id) = self.by_sku.get(&sku) {
                ids.push(*id);
                world.skus.insert(sku, *id);
            }
        }
        ids
    }

    /// Says that [`Offers::by_id`] will be asked for these.
    pub(super) async fn ahead(
        &self,
        tx: &mut Tx,
        ids: &[VariantId],
        currency: Currency,
    ) -> Result<(), StoreError> {
        store::offers_ahead(tx, &self.missing(ids), currency).await
    }

    fn missing(&self, ids: &[VariantId]) -> Vec<VariantId> {
        ids.iter().filter(|id| !self.by_id.contains_key(id)).copied().collect()
    }

    /// Puts the variants with these ids into the world.
    pub(super) async fn by_id(
        &mut self,
        tx: &mut Tx,
        ids: &[VariantId],
        currency: Currency,
        world: &mut World,
    ) -> Result<(), StoreError> {
        self.keep(store::offers(tx, &self.missing(ids), currency).await?);
        for id in ids {
            world.offers.extend(self.by_id.get(id).map(|offer| (*id, Arc::clone(offer))));
        }
        Ok(())
    }

    fn keep(&mut self, offers: Vec<Arc<Offer>>) {
        for offer in offers {
            self.by_sku.insert(offer.sku.clone(), offer.variant_id);
            self.by_id.insert(offer.variant_id, offer);
        }
    }
}
