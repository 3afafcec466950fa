//! What carts and pending orders were when the engine saw them last, so that it need not read again what is in
//! them.
//!
//! Lanes share it. Another process may have changed them since: a batch locks the row of each and reads all of it
//! wherever that is not the one remembered ([`CartKey`], [`OrderKey`]).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use stoa_domain::cart::{Cart, CartState};
use stoa_domain::order::{Order, OrderStatus};
use stoa_kernel::{OrderId, TokenHash, limits};

use crate::cart::store::CartKey;
use crate::order::store::OrderKey;

/// What the lanes remember.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    carts: Copies<TokenHash, Cart>,
    orders: Copies<OrderId, Arc<Order>>,
}

impl Remembered {
    /// The key of a cart with what is remembered of it.
    pub(super) fn cart(&mut self, key: TokenHash) -> CartKey {
        CartKey { key, copy: self.carts.get(key).cloned() }
    }

    /// The id of an order with what is remembered of it.
    pub(super) fn order(&mut self, id: OrderId) -> OrderKey {
        OrderKey { id, copy: self.orders.get(id).cloned() }
    }

    /// Remembers carts as they are in the store. Those that have become orders change no more.
    pub(super) fn carts<'a>(&mut self, carts: impl IntoIterator<Item = &'a Cart>) {
        for cart in carts {
            self.carts.forget(cart.key);
            if !matches!(cart.state, CartState::Completed(_)) {
                self.carts.keep(cart.key, cart.body.lines.len() + 1, cart.clone());
            }
        }
    }

    /// Remembers orders as they are in the store, until their payment is settled.
    pub(super) fn orders<'a>(&mut self, orders: impl IntoIterator<Item = &'a Order>) {
        for order in orders {
            self.orders.forget(order.id);
            if order.status == OrderStatus::Pending {
                self.orders.keep(order.id, order.lines.len() + 1, Arc::new(order.clone()));
            }
        }
    }
}

/// Copies of rows. Those that nobody asked for while as many others came as half of the room holds are
/// forgotten.
#[derive(Debug)]
struct Copies<K, V> {
    /// Each with its weight.
    recent: HashMap<K, (usize, V)>,
    /// Of the recent ones together.
    weight: usize,
    older: HashMap<K, (usize, V)>,
}

impl<K, V> Default for Copies<K, V> {
    fn default() -> Self {
        Self { recent: HashMap::new(), weight: 0, older: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash, V> Copies<K, V> {
    fn get(&mut self, key: K) -> Option<&V> {
        if let Some((weight, copy)) = self.older.remove(&key) {
            self.keep(key, weight, copy);
        }
        self.recent.get(&key).map(|(_, copy)| copy)
    }

    fn forget(&mut self, key: K) {
        self.older.remove(&key);
        if let Some((weight, _)) = self.recent.remove(&key) {
            self.weight -= weight;
        }
    }

    /// Takes in what there is no copy of.
    fn keep(&mut self, key: K, weight: usize, copy: V) {
        if self.weight >= limits::ENGINE_COPIES / 2 {
            self.older = std::mem::take(&mut self.recent);
            self.weight = 0;
        }
        self.weight += weight;
        self.recent.insert(key, (weight, copy));
    }
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
            body: Arc::default(),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn what_is_in_use_is_remembered_and_the_room_is_bounded() {
        let mut copies = Copies::default();
        copies.keep(0, 1, "busy");
        for n in 1..3 * limits::ENGINE_COPIES {
            copies.keep(n, 1, "idle");
            assert!(copies.get(0).is_some());
            assert!(copies.recent.len() + copies.older.len() <= limits::ENGINE_COPIES);
        }
        assert!(copies.get(1).is_none());
    }

    #[test]
    fn a_cart_counts_once_and_not_any_more_as_an_order() {
        let mut remembered = Remembered::default();
        let mut cart = cart(1);
        for version in 1..4 {
            cart.version = version;
            remembered.carts([&cart]);
            assert_eq!(remembered.cart(cart.key).copy.map(|copy| copy.version), Some(version));
        }
        assert_eq!((remembered.carts.weight, remembered.carts.recent.len()), (1, 1));
        let mut ctx =
            stoa_kernel::Ctx { now: cart.created_at, ids: stoa_kernel::IdSource::seeded(1) };
        cart.state = CartState::Completed(ctx.order_id());
        remembered.carts([&cart]);
        assert_eq!((remembered.carts.weight, remembered.carts.recent.len()), (0, 0));
        assert!(remembered.cart(cart.key).copy.is_none());
    }
}
