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
