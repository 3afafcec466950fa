//! Knows whoever places an order, by the address they give. Checkout waits for none of it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use stoa_domain::customer::Customer;
use stoa_domain::event::{Event, EventBody};
use stoa_kernel::{Ctx, CustomerId};
use stoa_sql::Tx;

use super::{store, subject};
use crate::event_log::{self, LoggedEvent};
use crate::events::{Subscriber, SubscriberError};
use crate::shop::Shop;

/// Name of the subscriber.
pub const NAME: &str = "customers";

/// Gives each placed order to its customer.
#[derive(Debug, Clone, Copy)]
pub struct Customers;

#[async_trait]
impl Subscriber for Customers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, kind: &str) -> bool {
        kind == "order.placed"
    }

    async fn take(
        &self,
        _: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let buyers = store::buyers(tx, event_log::orders_of(events)?).await?;
        let emails: BTreeSet<&str> = buyers.iter().map(|buyer| buyer.email.as_str()).collect();
        let mut known: BTreeMap<String, CustomerId> = store::by_email(tx, emails).await?;
        let (mut new, mut facts, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for buyer in &buyers {
            let id = *known.entry(buyer.email.clone()).or_insert_with(|| {
                let id = ctx.customer_id();
                new.push(Customer {
                    id,
                    email: buyer.email.clone(),
                    name: buyer.name.clone(),
                    note: String::new(),
                    version: 1,
                    created_at: buyer.at,
                    updated_at: buyer.at,
                });
                let body = EventBody::CustomerCreated { customer_id: id, order_id: buyer.order };
                facts.push(Event { subject: subject(id), sequence: 1, body });
                id
            });
            links.push((buyer.order, id));
        }
        if !new.is_empty() {
            store::insert(tx, &new).await?;
        }
        store::link(tx, links).await?;
        if !facts.is_empty() {
            event_log::append(tx, ctx, &facts).await?;
        }
        Ok(())
    }
}
