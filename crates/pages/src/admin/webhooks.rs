//! Who is told of events by HTTP, and what they answered.

use askama::Template;
use stoa_kernel::Timestamp;

use super::form::{Choice, Field};
use super::orders::OrderTab;
use super::parts::{Pager, grouped, when};
use super::{Badge, FieldError, Frame, Tone, icons};

pages!(WebhookListPage, NewWebhookPage, WebhookPage, DeliveryPage);

/// A webhook in the list.
#[derive(Debug, Clone, Default)]
pub struct WebhookRow {
    /// Its id.
    pub id: String,
    /// Where it is called.
    pub url: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Which events it wants, with commas.
    pub events: String,
    /// Whether somebody wants it to be called.
    pub is_enabled: bool,
    /// How it has behaved: `closed`, `open`, `disabled` or `gone`.
    pub breaker: String,
    /// Deliveries that wait.
    pub n_waiting: i64,
}

impl WebhookRow {
    fn badge(&self) -> Badge {
        badge(self.is_enabled, &self.breaker)
    }
}

fn badge(is_enabled: bool, breaker: &str) -> Badge {
    let (tone, text) = match (is_enabled, breaker) {
        (false, _) => (None, "Switched off"),
        (true, "closed") => (Some(Tone::Ok), "On"),
        (true, "open") => (Some(Tone::Warn), "Failing"),
        (true, "disabled") => (Some(Tone::Bad), "Failing for days"),
        (true, "gone") => (Some(Tone::Bad), "Gone"),
        (true, other) => (None, other),
    };
    Badge { tone, text: text.to_owned() }
}

/// All webhooks.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/webhooks.html")]
pub struct WebhookListPage {
    /// The frame.
    pub frame: Frame,
    /// The webhooks.
    pub rows: Vec<WebhookRow>,
}

/// What a form about a webhook holds.
#[derive(Debug, Clone, Default)]
pub struct WebhookForm {
    /// Where it is called, as entered.
    pub url: String,
    /// The events as entered: one pattern a line.
    pub events: String,
    /// What it is for, as entered.
    pub description: String,
    /// `on` or `off`, as chosen.
    pub state: String,
    /// What is wrong with them.
    pub errors: Vec<FieldError>,
}

impl WebhookForm {
    fn fields(&self) -> [Field<'_>; 3] {
        [
            Field::new("url", "Address", &self.url)
                .kind("url")
                .required()
                .hint("Where events are posted to, e.g. https://example.com/hooks/stoa")
                .errors(&self.errors),
            Field::new("events", "Events", &self.events)
                .kind("textarea")
                .rows(4)
                .class("field--code")
                .required()
                .hint("One type or pattern a line: order.placed, order.*, or * for all.")
                .errors(&self.errors),
            Field::new("description", "Description", &self.description)
                .optional()
                .hint("What it is for, so that others know.")
                .errors(&self.errors),
        ]
    }

    fn states(&self) -> [Choice; 2] {
        [("on", "On"), ("off", "Off: it is not told of what happens meanwhile")]
            .map(|(value, label)| Choice::new(value, label))
    }

    fn state_field<'a>(&'a self, states: &'a [Choice]) -> Field<'a> {
        Field::new("state", "State", &self.state).choices(states)
    }
}

/// The form for a new webhook.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/webhook_new.html")]
pub struct NewWebhookPage {
    /// The frame.
    pub frame: Frame,
    /// What was entered.
    pub form: WebhookForm,
    /// Every type of events there is.
    pub kinds: Vec<String>,
}

/// A delivery in a list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// The type of the event.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// Tries so far.
    pub tries: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is due, while it waits.
    pub next_at: Option<Timestamp>,
}

impl DeliveryRow {
    fn badge(&self) -> Badge {
        let (tone, text) = match self.state.as_str() {
            "waiting" => (Tone::Info, "Waiting"),
            "delivered" => (Tone::Ok, "Delivered"),
            "failed" => (Tone::Bad, "Given up"),
            other => return Badge { tone: None, text: other.to_owned() },
        };
        Badge { tone: Some(tone), text: text.to_owned() }
    }
}

/// One webhook: its settings, its secret, and what was sent.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/webhook.html")]
pub struct WebhookPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Where it is called, as stored.
    pub url: String,
    /// The version the form was filled from.
    pub version: i64,
    /// Whether somebody wants it to be called, as stored.
    pub is_enabled: bool,
    /// How it has behaved: `closed`, `open`, `disabled` or `gone`.
    pub breaker: String,
    /// Failures in a row.
    pub failures: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// When it is probed again.
    pub probe_at: Option<Timestamp>,
    /// What was entered.
    pub form: WebhookForm,
    /// Its secret, where it was just made.
    pub secret: Option<String>,
    /// Until when the secret before signs too.
    pub old_secret_until: Option<Timestamp>,
    /// The states of deliveries.
    pub tabs: Vec<OrderTab>,
    /// The deliveries.
    pub rows: Vec<DeliveryRow>,
    /// Where the list goes on.
    pub pager: Pager,
    /// The first minute to be sent again, as entered.
    pub from: String,
    /// The last minute to be sent again, as entered.
    pub to: String,
}

impl WebhookPage {
    fn badge(&self) -> Badge {
        badge(self.is_enabled, &self.breaker)
    }

    fn is_failing(&self) -> bool {
        self.is_enabled && self.breaker != "closed"
    }

    fn range_fields(&self) -> [Field<'_>; 2] {
        [("from", "From (UTC)", &self.from), ("to", "To (UTC)", &self.to)].map(
            |(name, label, value)| {
                Field::new(name, label, value)
                    .kind("datetime-local")
                    .required()
                    .errors(&self.form.errors)
            },
        )
    }
}

/// A try to deliver.
#[derive(Debug, Clone, Default)]
pub struct AttemptRow {
    /// Counts the tries, from 1.
    pub number: i64,
    /// When it was begun.
    pub at: Timestamp,
    /// The status that was answered.
    pub status: Option<i64>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

impl AttemptRow {
    fn badge(&self) -> Badge {
        let tone = match self.status {
            Some(200..300) => Tone::Ok,
            _ => Tone::Bad,
        };
        let text = self.status.map_or_else(|| "No answer".to_owned(), |status| status.to_string());
        Badge { tone: Some(tone), text }
    }
}

/// One delivery: what is posted, and what each try was answered.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/delivery.html")]
pub struct DeliveryPage {
    /// The frame.
    pub frame: Frame,
    /// The webhook's id.
    pub webhook: String,
    /// Where it goes.
    pub url: String,
    /// The delivery.
    pub row: DeliveryRow,
    /// The event's place in the log.
    pub offset: i64,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// The body that is posted, as JSON.
    pub body: String,
    /// The tries, the first first.
    pub attempts: Vec<AttemptRow>,
}

impl DeliveryPage {
    fn is_over(&self) -> bool {
        self.row.state != "waiting"
    }
}
