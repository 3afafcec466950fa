//! Writes mails for facts of the event log, each cause once. Mails are stored without their words,
//! so that a busy shop writes little.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::Deserialize;
use stoa_kernel::{Ctx, FulfilmentId, OrderId};
use stoa_sql::Tx;

use super::{MailKind, enqueue, new_mail, store};
use crate::event_log::LoggedEvent;
use crate::events::{Subscriber, SubscriberError};
use crate::shop::Shop;

/// Name of the subscriber.
pub const NAME: &str = "mail";

#[derive(Deserialize)]
struct OrderFact {
    order_id: OrderId,
    fulfilment_id: Option<FulfilmentId>,
    notify_customer: Option<bool>,
}

/// The mail that a fact causes, if any.
fn caused(kind: &str) -> Option<MailKind> {
    Some(match kind {
        "order.placed" => MailKind::OrderConfirmation,
        "fulfilment.created" => MailKind::ShippingNotice,
        "order.cancelled" => MailKind::OrderCancelled,
        "payment.refunded" => MailKind::Refund,
        _ => return None,
    })
}

/// Tells customers what became of their orders.
#[derive(Debug, Clone, Copy)]
pub struct Mails;

#[async_trait]
impl Subscriber for Mails {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, kind: &str) -> bool {
        caused(kind).is_some()
    }

    async fn take(
        &self,
        shop: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let mut due = Vec::with_capacity(events.len());
        for event in events {
            let Some(kind) = caused(&event.kind) else { continue };
            let OrderFact { order_id, fulfilment_id, notify_customer } = event.data()?;
            if notify_customer == Some(false) {
                continue;
            }
            let link = match fulfilment_id {
                Some(fulfilment) => format!("fulfilment/{fulfilment}"),
                None => format!("order/{order_id}"),
            };
            due.push((kind, order_id, link));
        }
        let ids: BTreeSet<OrderId> = due.iter().map(|(_, order_id, _)| *order_id).collect();
        let readers = store::readers(tx, ids).await?;
        let mut mails = Vec::with_capacity(due.len());
        for (kind, order_id, link) in due {
            let Some((email, country)) = readers.get(&order_id) else { continue };
            let language = shop.mail.language_for(Some(country));
            mails.push(new_mail(shop, ctx, kind, language, email, link));
        }
        Ok(enqueue(tx, ctx, &mails).await?)
    }
}
