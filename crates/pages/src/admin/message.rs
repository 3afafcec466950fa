//! Pages that say one thing.

use askama::Template;

use super::form::{Choice, Field};
use super::{Frame, icons};

pages!(ErrorPage, ConfirmPage);

/// Something is not there, or did not work.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub frame: Frame,
    /// What is wrong.
    pub title: String,
    /// What to do about it.
    pub text: String,
}

/// Asks before something that cannot be undone.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/confirm.html")]
pub struct ConfirmPage {
    /// The frame.
    pub frame: Frame,
    /// The question, e.g. `Cancel order #1001?`.
    pub title: String,
    /// What will happen.
    pub text: String,
    /// Where the form goes.
    pub action: String,
    /// What the button says.
    pub verb: String,
    /// Where to go back to.
    pub back: String,
    /// What the link back says.
    pub back_label: String,
    /// The version that was shown, so that a change in between is noticed.
    pub version: i64,
    /// Reasons to choose from, sent as `reason`; empty where none is asked for.
    pub reasons: Vec<Choice>,
}

impl ConfirmPage {
    fn reason_field(&self) -> Field<'_> {
        Field::new("reason", "Reason", "").choices(&self.reasons)
    }
}
