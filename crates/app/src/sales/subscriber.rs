//! Sums up what was sold each day. A cancelled order is taken from the day on which it was placed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use stoa_kernel::{Ctx, Money, OrderId, Timestamp};
use stoa_sql::Tx;

use super::store::{self, Day};
use crate::event_log::{self, LoggedEvent};
use crate::events::{Subscriber, SubscriberError};
use crate::shop::Shop;

/// Name of the subscriber.
pub const NAME: &str = "sales";

/// How many orders a fact adds to its day.
fn counts(kind: &str) -> i64 {
    match kind {
        "order.placed" => 1,
        "order.cancelled" => -1,
        _ => 0,
    }
}

/// Adds orders to their days.
#[derive(Debug, Clone, Copy)]
pub struct SalesByDay;

#[async_trait]
impl Subscriber for SalesByDay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, kind: &str) -> bool {
        counts(kind) != 0
    }

    async fn take(
        &self,
        _: &Shop,
        tx: &mut Tx,
        _: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let mut facts = Vec::with_capacity(events.len());
        for event in events {
            facts.push((event.offset, counts(&event.kind), event.order_id()?));
        }
        let placed: HashMap<OrderId, (Timestamp, Money)> =
            store::placed(tx, event_log::orders_of(events)?)
                .await?
                .into_iter()
                .map(|(id, at, total)| (id, (at.start_of_day(), total)))
                .collect();
        let mut days: BTreeMap<(Timestamp, String), Day> = BTreeMap::new();
        for (offset, count, order) in facts {
            let Some(&(day, total)) = placed.get(&order) else { continue };
            let sums = match days.entry((day, total.currency.code().to_owned())) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(store::find(tx, day, total.currency).await?),
            };
            // Facts of a day come in the order of the log, so that one before the last was counted.
            if offset > sums.counted_to {
                sums.counted_to = offset;
                sums.sales.n_orders += count;
                sums.sales.revenue.minor += count * total.minor;
            }
        }
        let days: Vec<Day> = days.into_values().collect();
        Ok(store::put(tx, &days).await?)
    }
}
