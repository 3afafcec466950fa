//! Everything has a limit; here they are, with units in their names.

/// Lines in one cart.
pub const CART_LINES: usize = 200;
/// Pieces of one variant in one cart line.
pub const LINE_QUANTITY: i64 = 10_000;
/// Largest amount of one price, in minor units (100 million of a two-digit currency).
pub const PRICE_MINOR: i64 = 10_000_000_000;
/// Largest on-hand quantity of one variant at one location.
pub const STOCK_ON_HAND: i64 = 1_000_000_000;
/// Variants of one product.
pub const VARIANTS_PER_PRODUCT: usize = 2_048;
/// Options of one product.
pub const OPTIONS_PER_PRODUCT: usize = 5;
/// Attributes of one product.
pub const ATTRIBUTES_PER_PRODUCT: usize = 500;
/// Media of one product.
pub const MEDIA_PER_PRODUCT: usize = 250;
/// Bytes of a title, name, SKU or any other one-line text.
pub const LINE_BYTES: usize = 500;
/// Bytes of the name of a carrier, and of a tracking number.
pub const TRACKING_BYTES: usize = 100;
/// Bytes of the address where a parcel is followed.
pub const TRACKING_URL_BYTES: usize = 2_000;
/// Bytes of a description in HTML.
pub const HTML_BYTES: usize = 256 * 1024;
/// Bytes of a request body of the API.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Items of one page of a list, at most.
pub const PAGE_ITEMS: usize = 100;
/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// How long an idempotency key is kept, in seconds (48 hours).
pub const IDEMPOTENCY_KEEP_S: i64 = 48 * 3_600;
/// Commands that may wait for the engine; more are refused with `overloaded`.
pub const ENGINE_QUEUE: usize = 8_192;
/// Commands in one batch.
pub const ENGINE_BATCH: usize = 512;
/// Lines of carts, and again lines of orders, of which the engine keeps copies, about 500 bytes each. Every cart
/// and every order counts as one more.
pub const ENGINE_COPIES: usize = 20_000;
/// Variants of which the engine keeps copies, about 500 bytes each.
pub const ENGINE_OFFERS: usize = 20_000;
/// How long a payment may wait for its buyer's action before stock is released, in seconds.
pub const PAYMENT_ACTION_S: i64 = 30 * 60;
/// Bytes of a search query.
pub const QUERY_BYTES: usize = 200;
/// How long a step of an order belongs to the process that made or took it before another may take it,
/// in seconds: longer than a payment provider may take to answer once (10 s). To take a step that is
/// under way is harmless: the provider is asked under the payment's id, and settles it once.
pub const JOB_LEASE_S: i64 = 15;
/// How long a job that was given up is kept for someone to look at, in seconds (30 days).
pub const DEAD_JOB_KEEP_S: i64 = 30 * 24 * 3_600;
/// How long an open cart that nobody touches is kept, in seconds (90 days).
pub const CART_KEEP_S: i64 = 90 * 24 * 3_600;
/// How long nobody touches a cart until it counts as abandoned, in seconds (one hour).
pub const CART_ABANDONED_S: i64 = 3_600;
/// How long a mail is kept after it was sent, in seconds (90 days).
pub const MAIL_KEEP_S: i64 = 90 * 24 * 3_600;
/// Bytes of a mail template that a merchant writes.
pub const MAIL_TEMPLATE_BYTES: usize = 64 * 1024;
/// Bytes of what a merchant notes about a customer.
pub const NOTE_BYTES: usize = 5_000;
/// Endpoints of webhooks.
pub const WEBHOOKS: i64 = 100;
/// Patterns of events of one webhook.
pub const WEBHOOK_EVENTS: usize = 50;
/// Bytes of the address of a webhook.
pub const WEBHOOK_URL_BYTES: usize = 2_000;
/// Bytes of an answer to a delivery that are kept.
pub const WEBHOOK_ANSWER_BYTES: usize = 4_096;
/// How long a delivery is kept after its event was made, in seconds (30 days), unless it waits.
pub const WEBHOOK_KEEP_S: i64 = 30 * 24 * 3_600;
/// How long the secret before the newest also signs, in seconds (24 hours).
pub const WEBHOOK_OLD_SECRET_S: i64 = 24 * 3_600;
/// How long a delivery belongs to the process that took it, in seconds: so long it may wait when that
/// process is killed.
pub const WEBHOOK_LEASE_S: i64 = 40;
/// How long a try to deliver may take, from the look-up of the name to the end of the answer.
pub const WEBHOOK_TIMEOUT_S: u64 = 15;
/// Deliveries that a process has on the way at once.
pub const WEBHOOKS_AT_ONCE: usize = 64;
/// Deliveries that a process has on the way to one endpoint at once.
pub const WEBHOOKS_AT_ONCE_EACH: usize = 8;
