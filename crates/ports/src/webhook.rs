//! Calling addresses that merchants have named.

use std::time::Duration;

use async_trait::async_trait;

/// A call to a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Its address: `http` or `https`.
    pub url: String,
    /// Headers beside those that the protocol itself asks for; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What is posted.
    pub body: String,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it says may be about people.
        f.debug_struct("Call").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// The HTTP status. A redirect is an answer like any other: nobody follows it.
    pub status: u16,
    /// Seconds that it asks to wait (`Retry-After` as a number).
    pub retry_after_s: Option<i64>,
    /// The begin of the body, as text.
    pub body: String,
    /// How long it took, from the look-up of the name.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The name stands for no address that may be called.
    #[error("{0} leads to an address that is not public; webhooks.allow_private permits it")]
    NotAllowed(String),
    /// It took too long.
    #[error("no answer within {0} s")]
    Late(u64),
    /// There was no connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
}

/// Makes calls.
#[async_trait]
pub trait Sender: std::fmt::Debug + Send + Sync {
    /// Posts a call, once. Whether a call that failed was received is not known.
    ///
    /// # Errors
    /// There is no answer.
    async fn post(&self, call: Call) -> Result<CallAnswer, CallError>;
}
