//! How the shop itself is.

use askama::Template;

use super::parts::grouped;
use super::{Badge, Frame, Tone, icons};

pages!(SystemPage);

/// Something known about a part of the shop.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is about.
    pub label: String,
    /// How it is.
    pub value: String,
    /// A judgement, where there is one.
    pub badge: Option<Badge>,
}

impl Fact {
    /// A fact without a judgement.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), badge: None }
    }

    /// The same with a judgement.
    #[must_use]
    pub fn judged(self, tone: Tone, text: impl Into<String>) -> Self {
        Self { badge: Some(Badge { tone: Some(tone), text: text.into() }), ..self }
    }
}

/// A part of the shop.
#[derive(Debug, Clone)]
pub struct SystemGroup {
    /// Its name.
    pub title: String,
    /// What it does, in a sentence.
    pub text: String,
    /// What is known of it.
    pub facts: Vec<Fact>,
}

/// Something that follows the event log.
#[derive(Debug, Clone)]
pub struct Follower {
    /// Its name.
    pub name: String,
    /// The last event it has seen.
    pub position: i64,
    /// Events it has still to see.
    pub lag: i64,
}

impl Follower {
    fn badge(&self) -> Badge {
        let (tone, text) = match self.lag {
            ..=0 => (Tone::Ok, "Up to date"),
            1..=1_000 => (Tone::Info, "Catching up"),
            _ => (Tone::Warn, "Behind"),
        };
        Badge { tone: Some(tone), text: text.to_owned() }
    }
}

/// How the shop itself is.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/system.html")]
pub struct SystemPage {
    /// The frame.
    pub frame: Frame,
    /// What is wrong, each with what to do; empty when all is well.
    pub faults: Vec<String>,
    /// The parts of the shop.
    pub groups: Vec<SystemGroup>,
    /// The last event in the log.
    pub head: i64,
    /// Who follows the log.
    pub followers: Vec<Follower>,
}
