//! What carts were when the engine saw them last, so that it need not read again what is in them.
//!
//! Lanes share it. Another process may have changed a cart since: a batch locks the row of each cart and
//! reads its body wherever that is not the one remembered ([`CartKey`]).

use std::collections::HashMap;

use stoa_domain::cart::{Cart, CartState};
use stoa_kernel::{TokenHash, limits};

use crate::cart::store::CartKey;

/// Copies of carts. Those that nobody asked for while as many others came as half of the room holds are
/// forgotten.
#[derive(Debug, Default)]
pub(super) struct Carts {
    recent: HashMap<TokenHash, Cart>,
    /// Lines in the recent ones, each cart counted as one more.
    n_lines: usize,
    older: HashMap<TokenHash, Cart>,
}

impl Carts {
    /// The key of a cart with what is remembered of it.
    pub(super) fn get(&mut self, key: TokenHash) -> CartKey {
        if let Some(copy) = self.older.remove(&key) {
            self.keep(copy);
        }
        CartKey { key, copy: self.recent.get(&key).cloned() }
    }

    /// Remembers carts as they are in the store. Those that have become orders change no more.
    pub(super) fn remember<'a>(&mut self, carts: impl IntoIterator<Item = &'a Cart>) {
        for cart in carts {
            self.older.remove(&cart.key);
            if let Some(known) = self.recent.remove(&cart.key) {
                self.n_lines -= weight(&known);
            }
            if !matches!(cart.state, CartState::Completed(_)) {
                self.keep(cart.clone());
            }
        }
    }

    /// Takes in a cart of which there is no copy.
    fn keep(&mut self, cart: Cart) {
        if self.n_lines >= limits::ENGINE_CART_LINES / 2 {
            self.older = std::mem::take(&mut self.recent);
            self.n_lines = 0;
        }
        self.n_lines += weight(&cart);
        self.recent.insert(cart.key, cart);
    }
}

fn weight(cart: &Cart) -> usize {
    cart.body.lines.len() + 1
}

#[cfg(test)]
mod tests {
    use stoa_kernel::{Currency, Timestamp};

    use super::*;

    fn cart(n: usize) -> Cart {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_le_bytes());
        let now = Timestamp::from_micros(0);
        Cart {
            key: TokenHash(key),
            state: CartState::Open,
            version: 1,
            currency: Currency::EUR,
            body: std::sync::Arc::default(),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_cart_in_use_is_remembered_and_the_room_is_bounded() {
        let mut carts = Carts::default();
        let busy = cart(usize::MAX);
        carts.remember([&busy]);
        for n in 0..3 * limits::ENGINE_CART_LINES {
            carts.remember([&cart(n)]);
            assert!(carts.get(busy.key).copy.is_some());
            assert!(carts.recent.len() + carts.older.len() <= limits::ENGINE_CART_LINES);
        }
        assert!(carts.get(cart(0).key).copy.is_none());
    }

    #[test]
    fn a_cart_counts_once_and_not_any_more_as_an_order() {
        let mut carts = Carts::default();
        let mut cart = cart(1);
        for version in 1..4 {
            cart.version = version;
            carts.remember([&cart]);
            assert_eq!(carts.get(cart.key).copy.map(|copy| copy.version), Some(version));
        }
        assert_eq!((carts.n_lines, carts.recent.len()), (1, 1));
        let mut ctx =
            stoa_kernel::Ctx { now: cart.created_at, ids: stoa_kernel::IdSource::seeded(1) };
        cart.state = CartState::Completed(ctx.order_id());
        carts.remember([&cart]);
        assert_eq!((carts.n_lines, carts.recent.len(), carts.older.len()), (0, 0, 0));
    }
}
