//! What has happened, and who is told.

use askama::Template;
use stoa_kernel::Timestamp;

use super::parts::{Pager, grouped, when};
use super::{Badge, Frame, Tone, icons};

pages!(EventListPage, EventPage, SubscriberListPage);

/// An event in a list.
#[derive(Debug, Clone, Default)]
pub struct EventRow {
    /// Its place in the log.
    pub offset: i64,
    /// Its type.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// The event log, newest first.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/events.html")]
pub struct EventListPage {
    /// The frame.
    pub frame: Frame,
    /// Every type there is.
    pub kinds: Vec<String>,
    /// The type or pattern asked for.
    pub kind: String,
    /// The subject asked for.
    pub subject: String,
    /// The events.
    pub rows: Vec<EventRow>,
    /// Pages.
    pub pager: Pager,
}

/// One event.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/event.html")]
pub struct EventPage {
    /// The frame.
    pub frame: Frame,
    /// Its type.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The list of events about the same.
    pub subject_href: String,
    /// When.
    pub at: Timestamp,
    /// The whole event as others get it, as JSON.
    pub json: String,
}

/// Somebody who follows the event log.
#[derive(Debug, Clone, Default)]
pub struct SubscriberRow {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub title: String,
    /// The last event it has dealt with.
    pub offset: i64,
    /// Places in the log it has still to look at.
    pub lag: i64,
    /// Age of the oldest of them, in seconds.
    pub seconds: i64,
    /// Failures since the offset moved last.
    pub attempts: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
}

impl SubscriberRow {
    fn badge(&self) -> Badge {
        let (tone, text) = match (self.attempts, self.lag, self.seconds) {
            (1.., ..) => (Tone::Bad, "Failing"),
            (_, ..=0, _) => (Tone::Ok, "Up to date"),
            (_, _, ..=60) => (Tone::Info, "Catching up"),
            _ => (Tone::Warn, "Behind"),
        };
        Badge { tone: Some(tone), text: text.to_owned() }
    }
}

/// Everybody who follows the event log.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/subscribers.html")]
pub struct SubscriberListPage {
    /// The frame.
    pub frame: Frame,
    /// The subscribers.
    pub rows: Vec<SubscriberRow>,
}
