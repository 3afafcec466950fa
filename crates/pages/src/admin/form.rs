//! Controls of forms. The name of a control is also its id, and for what the catalogue checks it
//! is the JSON pointer of the field without its first slash, so that a fault finds its control.

use askama::Template;

use super::{FieldError, icons};

/// An entry of a list to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
}

impl Choice {
    /// An entry.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A labelled control with its hint and its fault.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/parts/field.html")]
pub(crate) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    /// An input type, or `textarea`.
    kind: &'a str,
    hint: &'a str,
    autocomplete: &'a str,
    class: &'a str,
    list: &'a str,
    choices: &'a [Choice],
    required: bool,
    optional: bool,
    rows: u32,
    error: Option<&'a str>,
}

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self { name, label, value, kind: "text", autocomplete: "off", rows: 4, ..Self::default() }
    }

    pub(crate) fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    pub(crate) fn autocomplete(self, autocomplete: &'a str) -> Self {
        Self { autocomplete, ..self }
    }

    pub(crate) fn class(self, class: &'a str) -> Self {
        Self { class, ..self }
    }

    pub(crate) fn list(self, list: &'a str) -> Self {
        Self { list, ..self }
    }

    pub(crate) fn choices(self, choices: &'a [Choice]) -> Self {
        Self { choices, ..self }
    }

    pub(crate) fn rows(self, rows: u32) -> Self {
        Self { rows, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(crate) fn errors(self, errors: &'a [FieldError]) -> Self {
        Self { error: error_of(errors, self.name), ..self }
    }

    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        if self.error.is_some() {
            ids.push(format!("{}-error", self.name));
        }
        ids.join(" ")
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes { field: self, described_by: self.described_by() }
    }
}

/// The attributes that all kinds of controls share.
#[derive(Debug, Template)]
#[template(
    source = r#"id="{{ field.name }}" name="{{ field.name }}"{% if field.required %} required{% endif %}{% if field.error.is_some() %} aria-invalid="true"{% endif %}{% if !described_by.is_empty() %} aria-describedby="{{ described_by }}"{% endif %}"#,
    ext = "html"
)]
struct Attributes<'a> {
    field: &'a Field<'a>,
    described_by: String,
}

/// What is wrong with a field, if anything.
pub(crate) fn error_of<'a>(errors: &'a [FieldError], name: &str) -> Option<&'a str> {
    errors.iter().find(|error| error.field == name).map(|error| error.message.as_str())
}
