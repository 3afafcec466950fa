//! What lines of orders and carts show of their products: its page, while there is one, and a picture.

use std::collections::BTreeSet;
use std::sync::Arc;

use stoa_app::catalog::store::Card;
use stoa_kernel::ProductId;
use stoa_pages::admin::Picture;

use crate::api::products::drawn_picture;
use crate::reply::ApiError;
use crate::state::Web;

/// Products that are still there.
pub(super) struct Goods(Vec<Arc<Card>>);

impl Goods {
    /// Loads products.
    pub(super) async fn load(
        web: &Web,
        products: impl Iterator<Item = ProductId>,
    ) -> Result<Self, ApiError> {
        let products: BTreeSet<ProductId> = products.collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        Ok(Self(web.shop().catalog.cards(&products).await?))
    }

    fn card(&self, product: ProductId) -> Option<&Card> {
        self.0.iter().find(|card| card.id == product).map(AsRef::as_ref)
    }

    /// The product's page; nothing when it was removed.
    pub(super) fn href(&self, product: ProductId) -> Option<String> {
        self.card(product).map(|_| format!("/admin/products/{product}"))
    }

    /// Its picture. The title beside it says what it shows.
    pub(super) fn picture(&self, product: ProductId) -> Picture {
        let url = self.card(product).map_or_else(
            || drawn_picture(&product.to_string()),
            |card| card.image.clone().unwrap_or_else(|| drawn_picture(&card.handle)),
        );
        Picture { url, alt: String::new() }
    }
}
