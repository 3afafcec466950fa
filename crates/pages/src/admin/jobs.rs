//! Jobs of the background, and what became of them.

use askama::Template;
use stoa_kernel::Timestamp;

use super::form::Field;
use super::orders::OrderTab;
use super::parts::{grouped, when};
use super::{Badge, FieldError, Frame, Tone, icons};

pages!(JobListPage, JobPage);

/// A job in a list.
#[derive(Debug, Clone, Default)]
pub struct JobRow {
    /// Its page; nothing for steps of orders, which have none.
    pub href: Option<String>,
    /// What it does, in words.
    pub title: String,
    /// Its kind, or the order it belongs to.
    pub sub: String,
    /// When it is due, began or died.
    pub at: Timestamp,
    /// `2 of 10`.
    pub tries: String,
    /// `1,200 of 5,000`; empty when it says nothing.
    pub progress: String,
    /// What went wrong last; may be empty.
    pub error: String,
}

/// Something that is done at set times.
#[derive(Debug, Clone, Default)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub title: String,
    /// When, as cron writes it.
    pub cron: String,
    /// When next, once it is known.
    pub next_at: Option<Timestamp>,
    /// When last.
    pub last_at: Option<Timestamp>,
}

/// The list of jobs in one state.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/jobs.html")]
pub struct JobListPage {
    /// The frame.
    pub frame: Frame,
    /// What hands jobs out: `table`, `RabbitMQ`.
    pub engine: String,
    /// What is wrong with it.
    pub trouble: Option<String>,
    /// The states.
    pub tabs: Vec<OrderTab>,
    /// What the times of the rows are: `Due`, `Given up`.
    pub at_label: String,
    /// What there is to say where there is no row.
    pub nothing: String,
    /// The jobs.
    pub rows: Vec<JobRow>,
    /// Schedules, on their own tab.
    pub schedules: Vec<ScheduleRow>,
}

/// One job.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/job.html")]
pub struct JobPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// What it does, in words.
    pub title: String,
    /// Its kind.
    pub kind: String,
    /// `waiting`, `running` or `dead`.
    pub state: String,
    /// Label and value of what is known of it.
    pub facts: Vec<(String, String)>,
    /// When it was stored, is due, and was given up.
    pub times: Vec<(String, Timestamp)>,
    /// What went wrong last.
    pub error: Option<String>,
    /// With what, as JSON.
    pub args: String,
    /// Whether it waits for later.
    pub is_later: bool,
    /// What is wrong with what was entered.
    pub errors: Vec<FieldError>,
}

impl JobPage {
    fn badge(&self) -> Badge {
        let (tone, text) = match self.state.as_str() {
            "waiting" => (Tone::Info, "Waiting"),
            "running" => (Tone::Ok, "Running"),
            "dead" => (Tone::Bad, "Given up"),
            other => return Badge { tone: None, text: other.to_owned() },
        };
        Badge { tone: Some(tone), text: text.to_owned() }
    }

    fn is_dead(&self) -> bool {
        self.state == "dead"
    }

    fn may_discard(&self) -> bool {
        self.state != "running"
    }

    fn args_field(&self) -> Field<'_> {
        Field::new("args", "Arguments", &self.args)
            .kind("textarea")
            .rows(8)
            .class("field--code")
            .hint("JSON. Change it if the job failed because of it.")
            .errors(&self.errors)
    }
}
