//! The words every other crate speaks: ids, money, time, tokens, limits.
//!
//! Nothing here knows a database, a clock source, a network or a business rule. Everything is a
//! plain value; anything random or taken from a clock is handed in (see [`Ctx`]).

use std::pin::Pin;

pub mod cron;
pub mod ctx;
pub mod decimal;
pub mod handle;
pub mod id;
pub mod limits;
pub mod money;
pub mod net;
pub mod time;
pub mod token;

pub use cron::{Cron, CronError};
pub use ctx::{Ctx, IdSource};
pub use decimal::Decimal;
pub use id::{
    AbandonedCartId, CategoryId, CustomerId, DeliveryId, EventId, FulfilmentId, JobId,
    LedgerEntryId, LineId, LocationId, MailId, MovementId, OrderId, PaymentId, ProductId, UserId,
    VariantId, VendorId, WebhookId,
};
pub use money::{Currency, Money, MoneyError, Rate};
pub use time::Timestamp;
pub use token::{Token, TokenHash};

/// A future behind a pointer. What is large and called from many places gives one: of an `async fn` the
/// compiler makes a copy in every unit of code that awaits it, of this only one.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
