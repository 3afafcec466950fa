//! Mails and their texts.

use askama::Template;
use stoa_kernel::Timestamp;

use super::form::Field;
use super::orders::OrderTab;
use super::parts::{Pager, grouped, when};
use super::{Badge, FieldError, Frame, Tone, icons};

pages!(MailListPage, MailPage, TemplateListPage, TemplatePage);

fn state_badge(state: &str) -> Badge {
    let (tone, text) = match state {
        "queued" => (Some(Tone::Info), "Waiting"),
        "sent" => (Some(Tone::Ok), "Sent"),
        "failed" => (Some(Tone::Bad), "Not delivered"),
        "kept" => (None, "Only kept here"),
        other => (None, other),
    };
    Badge { tone, text: text.to_owned() }
}

/// A mail in a list.
#[derive(Debug, Clone, Default)]
pub struct MailRow {
    /// Its page.
    pub href: String,
    /// Its subject, or what it is about.
    pub title: String,
    /// Its reader.
    pub to: String,
    /// When it was caused.
    pub at: Timestamp,
    /// `queued`, `sent`, `failed` or `kept`.
    pub state: String,
    /// What went wrong last; may be empty.
    pub error: String,
}

impl MailRow {
    fn badge(&self) -> Badge {
        state_badge(&self.state)
    }
}

/// The list of mails.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/mails.html")]
pub struct MailListPage {
    /// The frame.
    pub frame: Frame,
    /// Whether a mail server sends them.
    pub sends: bool,
    /// The states.
    pub tabs: Vec<OrderTab>,
    /// The state chosen, so that a search keeps it.
    pub state: String,
    /// The address searched for.
    pub query: String,
    /// The mails of this page.
    pub rows: Vec<MailRow>,
    /// Where the list goes on.
    pub pager: Pager,
}

/// One mail.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/mail.html")]
pub struct MailPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Its reader.
    pub to: String,
    /// Its language, in words.
    pub language: String,
    /// `queued`, `sent`, `failed` or `kept`.
    pub state: String,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was caused.
    pub at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// Its name on the way.
    pub message_id: String,
    /// As plain text; nothing when what it is about is gone.
    pub text: Option<String>,
    /// Whether it can be sent, or sent again.
    pub can_send: bool,
}

impl MailPage {
    fn badge(&self) -> Badge {
        state_badge(&self.state)
    }
}

/// A mail's texts in the list of templates.
#[derive(Debug, Clone, Default)]
pub struct TemplateRow {
    /// Which mail, in words.
    pub title: String,
    /// When it is sent.
    pub text: String,
    /// Language, address, and whether the merchant changed it.
    pub languages: Vec<(String, String, bool)>,
}

/// The list of templates.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/mail_templates.html")]
pub struct TemplateListPage {
    /// The frame.
    pub frame: Frame,
    /// The mails.
    pub rows: Vec<TemplateRow>,
}

/// A template, to be edited.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/mail_template.html")]
pub struct TemplatePage {
    /// The frame.
    pub frame: Frame,
    /// Which mail, in words.
    pub title: String,
    /// Its language, in words.
    pub language: String,
    /// Where the form goes.
    pub action: String,
    /// The subject as entered.
    pub subject: String,
    /// The body as entered.
    pub body: String,
    /// Whether it differs from the built-in text.
    pub is_changed: bool,
    /// What is wrong with it.
    pub errors: Vec<FieldError>,
    /// What can be put in, and what that is.
    pub names: Vec<(String, String)>,
}

impl TemplatePage {
    fn fields(&self) -> [Field<'_>; 2] {
        [
            Field::new("subject", "Subject", &self.subject).required().errors(&self.errors),
            Field::new("body", "Text", &self.body)
                .kind("textarea")
                .rows(18)
                .class("field--code")
                .hint("Blank lines part paragraphs; a line that begins with # is a heading.")
                .required()
                .errors(&self.errors),
        ]
    }
}
