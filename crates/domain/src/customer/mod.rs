//! Customers: who has bought, known by the address they gave.
//!
//! Table: `customers`. Events: `customer.created`, `customer.updated`. The shop knows somebody from
//! the first order that was placed.

use stoa_kernel::{CustomerId, Timestamp, limits};

use crate::catalog::FieldError;

/// Somebody who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// Their address, unique in the shop, as [`crate::address::canonical_email`] spells it. It never
    /// changes.
    pub email: String,
    /// Their name: that on the bill of the first order, until the merchant knows better.
    pub name: String,
    /// What the merchant notes about them; they never see it.
    pub note: String,
    /// Counts the changes, from 1; what `If-Match` compares.
    pub version: i64,
    /// When the first order was placed.
    pub created_at: Timestamp,
    /// When this last changed.
    pub updated_at: Timestamp,
}

/// What the merchant may change of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerDraft {
    /// Their name.
    pub name: String,
    /// What is noted about them.
    pub note: String,
}

impl CustomerDraft {
    /// Trims, and checks everything.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn check(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        self.name = self.name.trim().to_owned();
        self.note = self.note.trim().replace("\r\n", "\n");
        let is_line = !self.name.chars().any(char::is_control);
        if self.name.is_empty() || self.name.len() > limits::LINE_BYTES || !is_line {
            errors.push(FieldError::new("/name", "one line of 1 to 500 bytes"));
        }
        let is_text = !self.note.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        if self.note.len() > limits::NOTE_BYTES || !is_text {
            errors.push(FieldError::new("/note", "text of at most 5000 bytes"));
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_and_a_note_a_short_text() {
        let draft = |name: &str, note: &str| CustomerDraft { name: name.into(), note: note.into() };
        let checked = draft(" Ada ", " calls\r\nbefore noon\n").check().unwrap();
        assert_eq!(checked, draft("Ada", "calls\nbefore noon"));
        let faults = |draft: CustomerDraft| {
            let faults = draft.check().unwrap_err().into_iter();
            faults.map(|fault| fault.pointer).collect::<Vec<_>>()
        };
        assert_eq!(faults(draft(" ", &"x".repeat(limits::NOTE_BYTES + 1))), ["/name", "/note"]);
        assert_eq!(faults(draft("Ada\nLovelace", "a\u{0}b")), ["/name", "/note"]);
    }
}
