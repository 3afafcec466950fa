//! What the links of mails lead to. A stored mail names it (`order/ord_...`, `reset/...`). The
//! address with its capability, a random token, is made anew whenever the mail is sent, and the store
//! keeps the token's hash, so that a copy of the database lets nobody in.

use stoa_kernel::{FulfilmentId, OrderId, Timestamp};
use stoa_ports::mail::MailError;
use uuid::Uuid;

use crate::error::StoreError;
use crate::order::lookup;
use crate::shop::Shop;
use crate::staff::{Purpose, StaffError, reissue_link};
use crate::{entropy, fulfilment, staff};

/// How long a mail's link lets in to its order, in seconds.
const ORDER_LINK_S: i64 = 90 * 24 * 3_600;

/// What a stored mail's link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Order(OrderId),
    Fulfilment(FulfilmentId),
    Staff(Purpose, Uuid),
}

impl Target {
    fn parse(link: &str) -> Option<Self> {
        let (what, id) = link.split_once('/')?;
        match what {
            "order" => Some(Self::Order(id.parse().ok()?)),
            "fulfilment" => Some(Self::Fulfilment(id.parse().ok()?)),
            "reset" => Some(Self::Staff(Purpose::Reset, Uuid::parse_str(id).ok()?)),
            "invitation" => Some(Self::Staff(Purpose::Invitation, Uuid::parse_str(id).ok()?)),
            _ => None,
        }
    }
}

/// A link cannot be made now.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The link of someone who runs the shop.
    #[error(transparent)]
    Staff(#[from] StaffError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] entropy::EntropyError),
}

impl From<LinkError> for MailError {
    fn from(error: LinkError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The address that a mail's link leads to, with a token of its own; the shop itself where it leads
/// nowhere. Addresses made before stay good: what was sent before may be what is read.
///
/// # Errors
/// The store failed, or the system gave no random bytes.
pub async fn address(
    shop: &Shop,
    link: Option<&str>,
    written: Timestamp,
) -> Result<String, LinkError> {
    let now = (shop.clock)();
    let order = match link.and_then(Target::parse) {
        None => None,
        Some(Target::Order(order)) => Some(order),
        Some(Target::Fulfilment(id)) => {
            let mut tx = shop.db.read().await.map_err(StoreError::from)?;
            fulfilment::store::order_of(&mut tx, id).await?
        }
        Some(Target::Staff(purpose, id)) => {
            let token = reissue_link(&shop.db, id).await?;
            return Ok(format!("{}{}", shop.mail.public_url, staff::link_path(purpose, &token)));
        }
    };
    let path = match order {
        None => "/".to_owned(),
        Some(order) => {
            let token = entropy::token()?;
            let until = written.plus_seconds(ORDER_LINK_S);
            lookup::grant(&shop.db, now, &token.hash(), order, until).await?;
            format!("/orders/{order}?access={}", token.reveal())
        }
    };
    Ok(format!("{}{path}", shop.mail.public_url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_one_thing_or_nothing() {
        let order = OrderId::from_uuid(Uuid::from_u128(7));
        assert_eq!(Target::parse(&format!("order/{order}")), Some(Target::Order(order)));
        let fulfilment = FulfilmentId::from_uuid(Uuid::from_u128(9));
        let link = format!("fulfilment/{fulfilment}");
        assert_eq!(Target::parse(&link), Some(Target::Fulfilment(fulfilment)));
        let id = Uuid::from_u128(8);
        for purpose in [Purpose::Reset, Purpose::Invitation] {
            let link = format!("{}/{id}", purpose.as_str());
            assert_eq!(Target::parse(&link), Some(Target::Staff(purpose, id)));
        }
        for nowhere in ["", "x", "order/x", "fulfilment/x", "reset/x", "evil//x"] {
            assert_eq!(Target::parse(nowhere), None, "{nowhere}");
        }
    }
}
