//! What an endpoint can be, and how it is made and changed.

use std::net::IpAddr;

use http::Uri;
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_domain::event::schemas;
use stoa_domain::webhooks::breaker::Breaker;
use stoa_kernel::{Ctx, Timestamp, limits, net};
use stoa_sql::Tx;

use super::WebhookSettings;
use super::store::{self, Webhook};
use crate::catalog::SaveError;
use crate::error::StoreError;
use crate::event_log;
use crate::events::matches;

/// Why an endpoint cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// Fields are wrong.
    Invalid(Vec<FieldError>),
    /// The address is not public.
    NotAllowed {
        /// Its host.
        host: String,
    },
}

/// What an endpoint is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookDraft {
    /// Where it is called.
    pub url: String,
    /// Patterns of the events that it wants.
    pub events: Vec<String>,
    /// What it is for: a line.
    pub description: String,
    /// Whether it is called.
    pub is_enabled: bool,
}

impl WebhookDraft {
    /// Checks all of it, except for an address that is `known`: what the operator permits may have
    /// changed since it was given.
    ///
    /// # Errors
    /// Everything that is wrong; or an address that is not permitted, where nothing else is wrong.
    pub fn check(&self, settings: WebhookSettings, known: Option<&str>) -> Result<(), EditError> {
        let address = if known == Some(&self.url) { Ok(()) } else { url(&self.url, settings) };
        let mut faults = Vec::new();
        let mut refused = None;
        for checked in [address, events(&self.events), description(&self.description)] {
            match checked {
                Ok(()) => {}
                Err(EditError::Invalid(errors)) => faults.extend(errors),
                Err(error @ EditError::NotAllowed { .. }) => refused = Some(error),
            }
        }
        if !faults.is_empty() {
            return Err(EditError::Invalid(faults));
        }
        refused.map_or(Ok(()), Err)
    }
}

impl From<&Webhook> for WebhookDraft {
    fn from(webhook: &Webhook) -> Self {
        Self {
            url: webhook.url.clone(),
            events: webhook.events.clone(),
            description: webhook.description.clone(),
            is_enabled: webhook.is_enabled,
        }
    }
}

/// Makes an endpoint of a draft that was checked. It is told of what happens from now on.
///
/// # Errors
/// There are as many as there can be, or the store failed.
pub async fn create(tx: &mut Tx, ctx: &mut Ctx, draft: WebhookDraft) -> Result<Webhook, SaveError> {
    let n = store::list(tx).await?.len();
    if i64::try_from(n).unwrap_or(i64::MAX) >= limits::WEBHOOKS {
        let what = format!("there are {} webhooks; delete one first", limits::WEBHOOKS);
        return Err(Refusal::Invalid(vec![FieldError::new("", what)]).into());
    }
    let webhook = Webhook {
        id: ctx.webhook_id(),
        url: draft.url,
        events: draft.events,
        description: draft.description,
        is_enabled: draft.is_enabled,
        version: 1,
        from_offset: event_log::latest(tx).await?,
        secret_version: 1,
        rotated_at: None,
        breaker: Breaker::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::add(tx, &webhook).await?;
    Ok(webhook)
}

/// Makes an endpoint what a draft says that was checked. With `revives`, its breaker is closed and
/// what waits is sent at once.
///
/// # Errors
/// The store failed.
pub async fn change(
    tx: &mut Tx,
    before: Webhook,
    draft: WebhookDraft,
    revives: bool,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let mut webhook = Webhook {
        url: draft.url,
        events: draft.events,
        description: draft.description,
        is_enabled: draft.is_enabled,
        version: before.version + 1,
        updated_at: now,
        ..before
    };
    if revives {
        webhook.breaker = Breaker::default();
        store::set_breakers(tx, &[(webhook.id, webhook.breaker)]).await?;
        store::wake(tx, webhook.id, now).await?;
    }
    store::change(tx, &webhook).await?;
    Ok(webhook)
}

/// Gives an endpoint a new secret; the one before signs too for a day
/// ([`limits::WEBHOOK_OLD_SECRET_S`]).
///
/// # Errors
/// The store failed.
pub async fn rotate_secret(
    tx: &mut Tx,
    before: Webhook,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let webhook = Webhook {
        secret_version: before.secret_version + 1,
        rotated_at: Some(now),
        version: before.version + 1,
        updated_at: now,
        ..before
    };
    store::change(tx, &webhook).await?;
    Ok(webhook)
}

/// The address, checked: `http` or `https`, a host, and nothing that logs would leak. A name is
/// looked up only when it is called.
fn url(text: &str, settings: WebhookSettings) -> Result<(), EditError> {
    let wrong = |what: &str| Err(EditError::Invalid(vec![FieldError::new("/url", what)]));
    if text.len() > limits::WEBHOOK_URL_BYTES {
        return wrong("at most 2,000 bytes");
    }
    let Ok(uri) = text.parse::<Uri>() else {
        return wrong("an address such as https://example.com/hook");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return wrong("an address such as https://example.com/hook");
    };
    if !matches!(scheme, "http" | "https") {
        return wrong("begins with https:// or http://");
    }
    if authority.as_str().contains('@') || text.contains('#') {
        return wrong("without a user, a password or a fragment; deliveries are signed");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return wrong("has a host");
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_local_name = name == "localhost" || name.ends_with(".localhost");
    let is_private = name.parse::<IpAddr>().is_ok_and(|address| !net::is_public(address));
    if !settings.allow_private && (is_local_name || is_private) {
        return Err(EditError::NotAllowed { host: host.to_owned() });
    }
    Ok(())
}

/// The patterns of events, checked: each names a type that there is.
fn events(patterns: &[String]) -> Result<(), EditError> {
    let invalid = |at: String, what: &str| EditError::Invalid(vec![FieldError::new(at, what)]);
    if patterns.is_empty() || patterns.len() > limits::WEBHOOK_EVENTS {
        return Err(invalid("/events".to_owned(), "between 1 and 50 patterns"));
    }
    for (n, pattern) in patterns.iter().enumerate() {
        if !schemas::SCHEMAS.iter().any(|schema| matches(pattern, schema.kind)) {
            let what = "a type of events, such as order.placed, order.* or *";
            return Err(invalid(format!("/events/{n}"), what));
        }
    }
    Ok(())
}

/// The description, checked: a line.
fn description(text: &str) -> Result<(), EditError> {
    if text.len() > limits::LINE_BYTES || text.chars().any(char::is_control) {
        let what = "one line of at most 500 bytes";
        return Err(EditError::Invalid(vec![FieldError::new("/description", what)]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_refused_unless_the_operator_permits_them() {
        let open = WebhookSettings { allow_private: true };
        let closed = WebhookSettings::default();
        for text in [
            "http://127.0.0.1:9/x",
            "http://localhost/",
            "https://shop.localhost./",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            assert!(matches!(url(text, closed), Err(EditError::NotAllowed { .. })), "{text}");
            assert_eq!(url(text, open), Ok(()), "{text}");
        }
        assert_eq!(url("https://example.com/hook?a=b", closed), Ok(()));
        for text in [
            "ftp://example.com",
            "/hook",
            "example.com",
            "",
            "https://u:p@example.com/",
            "https://e.com/#a",
        ] {
            assert!(matches!(url(text, open), Err(EditError::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn patterns_name_events_that_there_are() {
        let some = |patterns: &[&str]| {
            events(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(some(&["order.*", "order.placed", "*"]), Ok(()));
        for wrong in [&[] as &[&str], &["order"], &[""], &["orders.*"]] {
            assert!(some(wrong).is_err(), "{wrong:?}");
        }
    }
}
