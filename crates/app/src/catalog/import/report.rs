//! What an import says about a file.

use std::fmt;
use std::time::Duration;

use stoa_domain::catalog::Draft;

/// A product read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line its record starts on, from 1.
    pub line: u64,
    /// The product.
    pub draft: Draft,
    /// The lines of its variants, where each has its own; empty where the product is one line.
    pub variant_lines: Vec<u64>,
    /// What was changed to make it fit, e.g. a negative stock that became 0.
    pub notes: Vec<BadRow>,
}

impl Row {
    /// A product that is one line of its file.
    pub const fn new(line: u64, draft: Draft) -> Self {
        Self { line, draft, variant_lines: Vec::new(), notes: Vec::new() }
    }
}

/// A fault in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The line it is on, from 1.
    pub line: u64,
    /// What is wrong there.
    pub reason: String,
}

impl BadRow {
    /// A fault on a line.
    pub fn new(line: u64, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.reason)
    }
}

/// A product that is not imported, because of these faults (at least one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Every fault found in the product's lines.
    pub faults: Vec<BadRow>,
}

impl Rejected {
    /// Rejected for one reason.
    pub fn one(line: u64, reason: impl Into<String>) -> Self {
        Self { faults: vec![BadRow::new(line, reason)] }
    }
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Products read, good and rejected.
    pub read: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that changed.
    pub updated: u64,
    /// Products that were as the file has them.
    pub unchanged: u64,
    /// Products that would have been written, in a dry run.
    pub would_write: u64,
    /// Products that were not imported.
    pub rejected: u64,
    /// Faults found; [`Summary::bad`] holds the first of them.
    pub faults: u64,
    /// Changes made to make products fit.
    pub notes: u64,
    /// The first faults, at most [`Summary::BAD_KEPT`].
    pub bad: Vec<BadRow>,
    /// Why the import stopped before the end of the file, if it did. What was counted as created
    /// or updated before is in the shop; running the import again carries on.
    pub stopped: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Summary {
    /// How many faults are kept; all are counted, and shown as they are found.
    pub const BAD_KEPT: usize = 1_000;

    /// Products accepted: written, found unchanged, or (dry run) good to be written.
    pub const fn accepted(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.would_write
    }

    pub(crate) fn add_fault(&mut self, fault: BadRow) {
        self.faults += 1;
        if self.bad.len() < Self::BAD_KEPT {
            self.bad.push(fault);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} products read: ", self.read)?;
        if self.would_write > 0 {
            write!(f, "{} good (dry run, nothing written)", self.would_write)?;
        } else {
            write!(
                f,
                "{} created, {} updated, {} unchanged",
                self.created, self.updated, self.unchanged
            )?;
        }
        write!(f, ", {} rejected", self.rejected)?;
        if self.faults > 0 {
            write!(f, " for {} faults", self.faults)?;
        }
        if self.notes > 0 {
            write!(f, ", {} adjusted values", self.notes)?;
        }
        let seconds = self.elapsed.as_secs_f64();
        write!(f, "; {seconds:.1} s")?;
        let millis = self.elapsed.as_millis();
        if let Some(rate) = (u128::from(self.read) * 1_000).checked_div(millis) {
            write!(f, ", {rate} products/s")?;
        }
        match &self.stopped {
            Some(reason) => write!(f, "\nStopped before the end of the file: {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_a_sentence() {
        let mut summary = Summary {
            read: 12,
            created: 3,
            updated: 4,
            unchanged: 3,
            rejected: 2,
            elapsed: Duration::from_millis(1_500),
            ..Summary::default()
        };
        summary.add_fault(BadRow::new(7, "no price"));
        summary.add_fault(BadRow::new(9, "no title"));
        assert_eq!(
            summary.to_string(),
            "12 products read: 3 created, 4 updated, 3 unchanged, 2 rejected for 2 faults; 1.5 s, \
             8 products/s"
        );
        let dry = Summary {
            read: 1,
            would_write: 1,
            stopped: Some("disk full".to_owned()),
            ..Summary::default()
        };
        assert_eq!(
            dry.to_string(),
            "1 products read: 1 good (dry run, nothing written), 0 rejected; 0.0 s\nStopped before \
             the end of the file: disk full"
        );
    }

    #[test]
    fn faults_are_kept_up_to_a_bound_and_all_counted() {
        let mut summary = Summary::default();
        for line in 0..5_000 {
            summary.add_fault(BadRow::new(line, "bad"));
        }
        assert_eq!(summary.faults, 5_000);
        assert_eq!(summary.bad.len(), Summary::BAD_KEPT);
    }
}
