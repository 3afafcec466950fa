//! Rate limits at the door: who is counted for which request, and what they are told.
//!
//! What was counted is collected beside the request and becomes the fields `RateLimit` and
//! `RateLimit-Policy` of its answer (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After`
//! when it was refused.
//!
//! An address that may be a gateway's ([`Client::is_gateway`]) is nobody's: it is only counted where
//! passwords are guessed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::Mutex;
use stoa_app::checkout::Completion;
use stoa_app::rate_limit::{Attempt, Counted, Limited, who_by_address, who_by_token};
use stoa_domain::Refusal;
use stoa_kernel::{Token, TokenHash};

use crate::client::Client;
use crate::reply::ApiError;
use crate::state::Web;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What was counted for a request so far.
#[derive(Debug, Clone, Default)]
pub struct Applied(Arc<Mutex<Vec<Limited>>>);

impl Applied {
    /// Beside a request, where it may be limited.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Counts a try.
    ///
    /// # Errors
    /// `429` when there were too many.
    pub async fn count(&self, web: &Web, counted: Option<Counted>) -> Result<(), ApiError> {
        let Some(counted) = counted else { return Ok(()) };
        let limited = counted.take(&web.shop().cache).await;
        self.note(web, limited);
        if limited.taken.allowed { Ok(()) } else { Err(refused(&limited)) }
    }

    /// Counts a try to be let in; gives the minutes to wait when there were too many.
    pub async fn attempt(&self, web: &Web, attempt: &Attempt) -> Option<u64> {
        let mut wait = None;
        for limited in attempt.begin(&web.shop().cache).await {
            self.note(web, limited);
            if !limited.taken.allowed {
                wait = Some(seconds(limited.taken.retry_after) / 60 + 1);
            }
        }
        wait
    }

    /// Takes down what was counted.
    fn note(&self, web: &Web, limited: Limited) {
        if !limited.taken.allowed {
            web.metrics().limited(limited.counted.bucket.limit);
        }
        self.0.lock().push(limited);
    }

    /// Tells the client.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let all = self.0.lock();
        if all.is_empty() {
            return;
        }
        let (mut limits, mut policies) = (String::new(), String::new());
        for (index, Limited { counted, taken }) in all.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let (name, quota) = (counted.bucket.limit, counted.quota);
            let wait = if taken.allowed { taken.full_after } else { taken.retry_after };
            let (left, seconds) = (taken.remaining, seconds(wait));
            // Writing to a string cannot fail.
            let _limit = write!(limits, "{comma}\"{name}\";r={left};t={seconds}");
            let (tokens, window) = (quota.tokens(), quota.window_s());
            let _policy = write!(policies, "{comma}\"{name}\";q={tokens};w={window}");
        }
        for (name, text) in [(RATE_LIMIT, limits), (RATE_LIMIT_POLICY, policies)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
        let waits = all.iter().filter(|limited| !limited.taken.allowed);
        if let Some(wait) = waits.map(|limited| limited.taken.retry_after).max() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
    }
}

impl FromRequestParts<Web> for Applied {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

/// Whole seconds, upwards.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn refused(limited: &Limited) -> ApiError {
    let wait = seconds(limited.taken.retry_after);
    let what = format!("too many requests; wait {wait} seconds and repeat this one");
    ApiError::new(429, "rate_limited", what)
}

/// Somebody's tries under a limit by address.
fn by_client(
    client: Client,
    limit: &'static str,
    quota: Option<stoa_ports::cache::Quota>,
) -> Option<Counted> {
    if client.is_gateway {
        None
    } else {
        Counted::new(limit, quota, who_by_address(client.address))
    }
}

/// Counts a request before its handler sees it; what is collected for it comes back.
///
/// # Errors
/// `429` when its client sent too many.
pub async fn admit(web: &Web, request: &mut Request) -> (Option<Applied>, Result<(), ApiError>) {
    let limits = &web.shop().limits;
    if request.method() == Method::GET && !limits.any_on_reads() {
        return (None, Ok(()));
    }
    let applied = Applied::default();
    request.extensions_mut().insert(applied.clone());
    let path = request.uri().path();
    let to_api = path.starts_with("/api/v1/") || path.starts_with("/api/admin/");
    let searches = matches!(path, "/search" | "/api/v1/products" | "/api/v1/suggest");
    let api = limits.api.filter(|_| to_api);
    let search = limits.search.filter(|_| searches);
    if api.is_none() && search.is_none() {
        return (Some(applied), Ok(()));
    }
    let client = Client::of(&web.options().proxies, request.headers(), request.extensions());
    for counted in [by_client(client, "api", api), by_client(client, "search", search)] {
        if let Err(error) = applied.count(web, counted).await {
            return (Some(applied), Err(error));
        }
    }
    (Some(applied), Ok(()))
}

/// Counts a request of a program that has shown its token.
///
/// # Errors
/// `429` when it sent too many.
pub async fn admit_token(
    web: &Web,
    extensions: &Extensions,
    token: &TokenHash,
) -> Result<(), ApiError> {
    let quota = web.shop().limits.api_token;
    if quota.is_none() {
        return Ok(());
    }
    let counted = Counted::new("api-token", quota, who_by_token(token));
    Applied::of(extensions).count(web, counted).await
}

/// A try to place an order. Those who try one card after the other are stopped by the cards that
/// were declined, of one client and for one cart.
#[derive(Debug)]
pub struct Checkout(Vec<Counted>);

impl Checkout {
    /// Counts the try.
    ///
    /// # Errors
    /// `429` after too many orders, or too many payments that were declined.
    pub async fn begin(
        web: &Web,
        client: Client,
        applied: &Applied,
        cart: &Token,
    ) -> Result<Self, ApiError> {
        if client.is_gateway {
            return Ok(Self(Vec::new()));
        }
        let limits = &web.shop().limits;
        applied.count(web, by_client(client, "checkout", limits.checkout)).await?;
        let mut tries = Self(Vec::new());
        let cart = who_by_token(&cart.hash());
        let of_cart = Counted::new("declined-cart", limits.declined_cart, cart);
        for counted in [by_client(client, "declined", limits.declined), of_cart] {
            if let Err(error) = applied.count(web, counted).await {
                tries.give_back(web);
                return Err(error);
            }
            tries.0.extend(counted);
        }
        Ok(tries)
    }

    /// Takes down how it ended.
    pub fn ended(self, web: &Web, completion: &Completion) {
        let declined = match completion {
            Completion::Order { order, repeated: false, .. } => {
                matches!(stoa_app::answer::refusal_of(order), Some(Refusal::PaymentDeclined { .. }))
            }
            _ => false,
        };
        if !declined {
            self.give_back(web);
        }
    }

    /// Nobody waits for it.
    fn give_back(self, web: &Web) {
        if self.0.is_empty() {
            return;
        }
        let shop = Arc::clone(web.shop());
        tokio::spawn(async move {
            for counted in self.0 {
                shop.cache.give_back(counted.bucket, counted.quota).await;
            }
        });
    }
}
