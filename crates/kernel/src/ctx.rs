//! What a decision may know of the outside: the time it is made at, and a source of ids.

use uuid::{Builder, Uuid};

use crate::Timestamp;

/// Given to every decision. Two runs with equal contexts decide and name things equally.
#[derive(Debug)]
pub struct Ctx {
    /// The time of the decision, read once per batch.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: IdSource,
}

/// Makes `UUIDv7` values from a seed: a counter keeps ids of one millisecond in order, SplitMix64
/// (Steele, Lea and Flood, OOPSLA 2014) fills the rest. Not for secrets: see [`crate::Token`].
#[derive(Debug, Clone)]
pub struct IdSource {
    state: u64,
    counter: u16,
    last_ms: u64,
}

impl IdSource {
    /// A source whose output depends on nothing but `seed` and the times it is asked at.
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed, counter: 0, last_ms: 0 }
    }

    const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next id; strictly greater than those before it in the same millisecond, until 4,096 of
    /// them, after which it borrows from the next millisecond.
    pub fn next_uuid(&mut self, now: Timestamp) -> Uuid {
        let ms = now.as_millis().max(self.last_ms);
        if ms == self.last_ms {
            self.counter += 1;
            if self.counter > 0x0FFF {
                self.last_ms += 1;
                self.counter = 0;
            }
        } else {
            self.last_ms = ms;
            self.counter = 0;
        }
        let [high, low] = self.counter.to_be_bytes();
        let [a, b, c, d, e, f, g, h] = self.next_u64().to_be_bytes();
        Builder::from_unix_timestamp_millis(self.last_ms, &[high, low, a, b, c, d, e, f, g, h])
            .into_uuid()
    }
}

macro_rules! makers {
    ($($method:ident -> $id:ident),* $(,)?) => {
        impl Ctx {$(
            /// A new id of this kind.
            pub fn $method(&mut self) -> crate::$id {
                crate::$id::from_uuid(self.ids.next_uuid(self.now))
            }
        )*}
    };
}

makers! {
    product_id -> ProductId,
    variant_id -> VariantId,
    category_id -> CategoryId,
    location_id -> LocationId,
    abandoned_cart_id -> AbandonedCartId,
    order_id -> OrderId,
    line_id -> LineId,
    payment_id -> PaymentId,
    fulfilment_id -> FulfilmentId,
    ledger_entry_id -> LedgerEntryId,
    movement_id -> MovementId,
    event_id -> EventId,
    user_id -> UserId,
    job_id -> JobId,
    mail_id -> MailId,
    customer_id -> CustomerId,
    vendor_id -> VendorId,
    webhook_id -> WebhookId,
    delivery_id -> DeliveryId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_millisecond_and_repeat_with_the_seed() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let mut one = IdSource::seeded(7);
        let mut two = IdSource::seeded(7);
        let mut last = Uuid::nil();
        for _ in 0..10_000 {
            let id = one.next_uuid(now);
            assert_eq!(id, two.next_uuid(now));
            assert!(id > last);
            assert_eq!(id.get_version_num(), 7);
            last = id;
        }
    }
}
