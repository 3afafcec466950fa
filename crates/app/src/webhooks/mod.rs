//! Webhooks: who is told of facts by HTTP, and what is on its way to them.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`subscriber`] | stores a delivery for each fact and endpoint that wants it |
//! | [`worker`] | sends what is due, in order for each subject |
//! | [`sign`] | secrets and signatures, as Standard Webhooks has them |
//! | [`edit`] | checks what an endpoint is to be |
//! | [`store`] | all SQL; owns `webhooks`, `webhook_deliveries` and `webhook_attempts` |

pub mod edit;
pub mod sign;
pub mod store;
pub mod subscriber;
pub mod worker;

/// What the operator decides about webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookSettings {
    /// Whether addresses may be called that are not public.
    pub allow_private: bool,
}
