//! Shoppers and the merchant, and the network between them and the shop.

use std::sync::Arc;

use stoa_domain::Command;
use stoa_domain::command::VariantRef;
use stoa_domain::fulfilment::{CancelFulfilment, Fulfil, Tracking};
use stoa_domain::inventory::SetStock;
use stoa_domain::order::CancelOrder;
use stoa_domain::world::Offer;
use stoa_kernel::Money;

use super::{Event, Outcome, Simulation};
use crate::sim::buyer::{Buyer, Heard, Mood, Open};
use crate::sim::invariants::name;
use crate::sim::process::{Caller, Client};
use crate::sim::setting::LOCATIONS;

/// How long a client waits for its first answer; each further time it waits twice as long.
const PATIENCE_MS: i64 = 4_000;

impl Simulation {
    /// Puts a request on its way: usually once, sometimes more often.
    pub(super) fn send(&mut self, client: &Client, command: &Command) {
        let mut delays = vec![self.travel()];
        if self.rng.chance(self.weather.doubled) {
            self.note("request doubled", || client.key.clone());
            delays.push(self.travel());
        }
        // Where money hangs on the answer, people are the most impatient.
        let money = matches!(command, Command::PlaceOrder(_) | Command::CancelOrder(_));
        let impatience = if money { self.weather.doubled * 2 } else { self.weather.doubled / 4 };
        if self.rng.chance(impatience) {
            self.note("request hammered", || client.key.clone());
            delays.extend((0..8).map(|_| self.rng.between(1, 300)));
        }
        if self.rng.chance(impatience) {
            self.note("request sent again much later", || client.key.clone());
            delays.push(self.rng.between(1_000, 300_000));
        }
        for delay in delays {
            if self.rng.chance(self.weather.lost) {
                self.note("request lost", || client.key.clone());
                continue;
            }
            let (client, command) = (client.clone(), command.clone());
            self.after(delay, Event::RequestArrives { client, command });
        }
    }

    pub(super) fn buyer_acts(&mut self, index: usize) {
        if self.closing {
            return;
        }
        let Some(buyer) = self.buyers.get_mut(index) else {
            return;
        };
        let Some(command) = buyer.next_command(&mut self.rng, &self.goods) else {
            self.next_buyer(index);
            return;
        };
        self.numbers += 1;
        let number = self.numbers;
        // A careless client now and then uses the key of its last request again.
        let reuse = self.rng.chance(15);
        let key = format!("b{index}-{}", if reuse { number.saturating_sub(1) } else { number });
        let open = Open { number, key: key.clone(), command: command.clone(), tries: 1 };
        buyer.open = Some(open);
        let client = Client { caller: Caller::Buyer(index), number, key };
        self.note(name(&command), || client.key.clone());
        self.send(&client, &command);
        if matches!(command, Command::PlaceOrder(_)) && self.rng.chance(100) {
            // Clicked twice: another request with a key of its own.
            self.numbers += 1;
            let key = format!("b{index}-{}", self.numbers);
            let second = Client { number: self.numbers, key, ..client };
            self.note("clicked twice", || second.key.clone());
            self.send(&second, &command);
        }
        self.after(PATIENCE_MS, Event::BuyerWaitedLong { buyer: index, number });
    }

    pub(super) fn buyer_waited_long(&mut self, index: usize, number: u64) {
        let Some(buyer) = self.buyers.get_mut(index) else {
            return;
        };
        let Some(open) = buyer.open.as_mut().filter(|open| open.number == number) else {
            return;
        };
        if self.closing || open.tries == 8 {
            self.next_buyer(index);
            return;
        }
        open.tries += 1;
        let (key, command) = (open.key.clone(), open.command.clone());
        let patience = PATIENCE_MS << open.tries;
        self.note("request repeated", || key.clone());
        self.send(&Client { caller: Caller::Buyer(index), number, key }, &command);
        self.after(patience, Event::BuyerWaitedLong { buyer: index, number });
    }

    pub(super) fn client_hears(&mut self, client: &Client, heard: Heard) -> Outcome {
        self.told.hear(client, &heard)?;
        self.changed = true;
        let Caller::Buyer(index) = client.caller else {
            return Ok(());
        };
        let Some(buyer) = self.buyers.get_mut(index) else {
            return Ok(());
        };
        if buyer.open.as_ref().is_none_or(|open| open.number != client.number) {
            return Ok(()); // An answer that nobody waits for any more.
        }
        match buyer.hear(&mut self.rng, heard) {
            Mood::GoOn => self.think(index),
            Mood::Leave => self.next_buyer(index),
            Mood::Confirm { payment_id, agrees, returns } => {
                let away = self.rng.between(1_000, 600_000);
                let late = if self.rng.chance(150) { 1_750_000 } else { 0 };
                self.after(away + late, Event::ShopperConfirms { payment_id, agrees });
                if returns {
                    self.after(away + late + 500, Event::BuyerActs(index));
                } else {
                    self.next_buyer(index);
                }
            }
        }
        Ok(())
    }

    pub(super) fn think(&mut self, index: usize) {
        let pause = match self.rng.between(0, 19) {
            0 => self.rng.between(0, 600_000),
            1..=5 => self.rng.between(0, 20_000),
            _ => self.rng.between(0, 1_500),
        };
        self.after(pause, Event::BuyerActs(index));
    }

    pub(super) fn next_buyer(&mut self, index: usize) {
        if let Some(buyer) = self.buyers.get_mut(index) {
            *buyer = Buyer::new(&mut self.rng);
            self.think(index);
        }
    }

    pub(super) fn merchant_acts(&mut self) {
        if self.closing {
            return;
        }
        let pause = self.rng.between(100, 15_000);
        self.after(pause, Event::MerchantActs);
        match self.rng.between(0, 13) {
            0..=4 => {
                let Some(offer) = self.rng.pick(&self.goods).cloned() else {
                    return;
                };
                let location = self.rng.pick(&LOCATIONS).copied().unwrap_or("default");
                self.count_stock(&offer, location);
            }
            5..=7 => {
                let Some(order) = self.rng.pick(&self.store.orders).copied() else {
                    return;
                };
                let sure = self.rng.chance(700);
                let expected_version = if sure { None } else { Some(self.rng.between(1, 4)) };
                let reason = "asked".to_owned();
                let cancel = CancelOrder { order, expected_version, reason };
                self.merchant_sends(&Command::CancelOrder(cancel));
            }
            8..=11 => self.fulfil(),
            _ => self.change_price(),
        }
    }

    /// Sends what waits of an order, or takes back what was sent.
    fn fulfil(&mut self) {
        let Some(order) = self.rng.pick(&self.store.orders).copied() else { return };
        let sent = self.store.world.orders.get(&order).map(|order| order.fulfilments.as_slice());
        let some = self.rng.pick(sent.unwrap_or_default()).map(|fulfilment| fulfilment.id);
        let command = match some.filter(|_| self.rng.chance(500)) {
            Some(fulfilment) => Command::CancelFulfilment(CancelFulfilment {
                order,
                expected_version: None,
                fulfilment,
            }),
            None => {
                let lines = self.store.world.orders.get(&order).map(|order| order.lines.as_slice());
                let line = self.rng.pick(lines.unwrap_or_default()).map(|line| (line.id, 1));
                Command::Fulfil(Fulfil {
                    order,
                    expected_version: None,
                    // Everything that waits, or one piece.
                    items: line.filter(|_| self.rng.chance(500)).into_iter().collect(),
                    tracking: Tracking::default(),
                    notify_customer: true,
                })
            }
        };
        self.merchant_sends(&command);
    }

    /// Sets what is on hand: mostly so that something can be sold, now and then to less than is
    /// promised.
    pub(super) fn count_stock(&mut self, offer: &Offer, location: &str) {
        let place = self.store.world.locations.get(location);
        let level = self
            .store
            .world
            .levels_of(offer.variant_id)
            .iter()
            .find(|level| Some(&level.location_id) == place);
        let (on_hand, reserved) = level.map_or((0, 0), |level| (level.on_hand, level.reserved));
        let counted = if self.rng.chance(800) { reserved } else { 0 };
        let set = SetStock {
            variant: VariantRef::Sku(offer.sku.clone()),
            location: location.to_owned(),
            on_hand: counted + self.rng.between(0, 6),
            expected: self.rng.chance(300).then_some(on_hand),
        };
        self.merchant_sends(&Command::SetStock(set));
    }

    pub(super) fn merchant_sends(&mut self, command: &Command) {
        self.numbers += 1;
        let (number, key) = (self.numbers, format!("m-{}", self.numbers));
        let client = Client { caller: Caller::Merchant, number, key };
        self.note(name(command), || client.key.clone());
        self.send(&client, command);
    }

    /// Prices are edited by another kind of command; here only what follows from it matters. Not
    /// while a batch holds the rows.
    pub(super) fn change_price(&mut self) {
        if self.process.batch.is_some() {
            return;
        }
        let Some(id) = self.rng.pick(&self.goods).map(|offer| offer.variant_id) else {
            return;
        };
        let minor = self.rng.between(1, 4_000);
        if let Some(offer) = self.store.world.offers.get_mut(&id).map(Arc::make_mut) {
            offer.price = offer.price.map(|price| Money { minor, ..price });
            self.note("price changed", || format!("{id}: {minor}"));
        }
    }
}
