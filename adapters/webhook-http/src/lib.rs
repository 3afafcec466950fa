//! Webhooks over HTTP/1.1, with connections that are kept for the next call.
//!
//! A name is looked up once for each connection, and the connection goes to an address of that
//! answer that was found to be allowed: a name that stands for something else a moment later
//! (DNS rebinding) leads nowhere else.

mod connect;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use stoa_kernel::limits;
use stoa_ports::webhook::{Call, CallAnswer, CallError, Sender};

use connect::{Connector, NotPublic};

/// Connections to one receiver that wait for the next call.
const IDLE_EACH: usize = limits::WEBHOOKS_AT_ONCE_EACH;
/// How long a connection waits for the next call.
const IDLE: Duration = Duration::from_secs(20);

/// Calls receivers over HTTP.
#[derive(Debug, Clone)]
pub struct HttpSender {
    client: Client<Connector, Full<Bytes>>,
    timeout_s: u64,
}

impl HttpSender {
    /// A sender that gives each call `timeout_s` seconds in all. With `allow_private` it also calls
    /// addresses that are not public ([`stoa_kernel::net::is_public`]).
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(timeout_s: u64, allow_private: bool) -> Result<Self, rustls::Error> {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_EACH)
            .pool_timer(TokioTimer::new())
            .build(Connector::new(allow_private)?);
        Ok(Self { client, timeout_s })
    }

    async fn answer(&self, call: Call) -> Result<CallAnswer, CallError> {
        let begun = Instant::now();
        let unreachable = |error: &dyn std::fmt::Display| CallError::Unreachable(error.to_string());
        let mut request = Request::new(Full::new(Bytes::from(call.body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = call.url.parse().map_err(|error| unreachable(&error))?;
        for (name, value) in call.headers {
            let value = HeaderValue::try_from(value).map_err(|error| unreachable(&error))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let response = self.client.request(request).await.map_err(|error| in_words(&error))?;
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after_s =
            retry_after.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        let status = response.status().as_u16();
        let body = begin_of(response.into_body()).await;
        Ok(CallAnswer { status, retry_after_s, body, took: begun.elapsed() })
    }
}

#[async_trait]
impl Sender for HttpSender {
    async fn post(&self, call: Call) -> Result<CallAnswer, CallError> {
        let limit = Duration::from_secs(self.timeout_s);
        let answer = tokio::time::timeout(limit, self.answer(call)).await;
        answer.unwrap_or(Err(CallError::Late(self.timeout_s)))
    }
}

/// The first bytes of a body. One that is longer is not read on, which costs the connection; one that
/// breaks off does not change what the status says.
async fn begin_of(mut body: Incoming) -> String {
    let mut bytes = BytesMut::new();
    while bytes.len() < limits::WEBHOOK_ANSWER_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes.truncate(limits::WEBHOOK_ANSWER_BYTES);
    // PostgreSQL keeps no NUL in a text.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

/// A failure with all its causes.
fn in_words(error: &(dyn std::error::Error + 'static)) -> CallError {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(NotPublic(host)) = error.downcast_ref() {
            return CallError::NotAllowed(host.clone());
        }
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    CallError::Unreachable(words)
}
