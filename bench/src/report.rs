//! Figures against their targets, on the console and in `bench/RESULTS.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::machine::Machine;
use crate::samples::Tally;

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    name: String,
    target: String,
    measured: String,
    /// `None` for a figure without a target.
    met: Option<bool>,
    /// Whether missing it fails the run: it does not depend on the machine.
    hard: bool,
}

impl Figure {
    /// A figure that should be large.
    pub(crate) fn at_least(
        name: impl Into<String>,
        target: f64,
        measured: f64,
        unit: &str,
    ) -> Self {
        Self {
            name: name.into(),
            target: format!("at least {}", quantity(target, unit)),
            measured: quantity(measured, unit),
            met: Some(measured >= target),
            hard: false,
        }
    }

    /// A figure that is the same on every machine, so that missing it is a fault.
    pub(crate) fn on_any_machine(mut self) -> Self {
        self.hard = true;
        self
    }

    /// A figure that should be small.
    pub(crate) fn below(name: impl Into<String>, target: f64, measured: f64, unit: &str) -> Self {
        Self {
            name: name.into(),
            target: format!("below {}", quantity(target, unit)),
            measured: quantity(measured, unit),
            met: Some(measured < target),
            hard: false,
        }
    }

    /// A count that must be right on any machine.
    pub(crate) fn exactly(name: impl Into<String>, target: u64, measured: u64) -> Self {
        Self {
            name: name.into(),
            target: format!("exactly {target}"),
            measured: measured.to_string(),
            met: Some(measured == target),
            hard: true,
        }
    }

    /// Something that must hold on any machine.
    pub(crate) fn holds(name: impl Into<String>, target: &str, result: Result<()>) -> Self {
        Self {
            name: name.into(),
            target: target.to_owned(),
            met: Some(result.is_ok()),
            measured: match result {
                Ok(()) => target.to_owned(),
                Err(error) => one_line(&format!("{error:#}")),
            },
            hard: true,
        }
    }

    /// A figure without a target.
    pub(crate) fn told(name: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            target: String::new(),
            measured: measured.into(),
            met: None,
            hard: false,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.met, self.hard) {
            (None, _) => "",
            (Some(true), _) => "yes",
            (Some(false), false) => "no",
            (Some(false), true) => "NO",
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ").replace('|', "/")
}

/// A number with its unit, as exact as it is useful.
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    let number = if value.abs() >= 1_000.0 {
        let whole = format!("{value:.0}");
        let mut grouped = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && digit.is_ascii_digit() && (whole.len() - place) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    } else if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.2}")
    };
    match unit {
        "" => number,
        unit if unit.starts_with('/') || unit == "%" => format!("{number}{unit}"),
        unit => format!("{number} {unit}"),
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The figures of one measurement.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Its name among the generated parts of the results file.
    pub(crate) name: &'static str,
    /// What people read.
    pub(crate) title: &'static str,
    /// The figures.
    pub(crate) figures: Vec<Figure>,
    /// A further table: a row of headings and rows of cells.
    pub(crate) details: Vec<Vec<String>>,
}

impl Section {
    /// Whether every figure that does not depend on the machine was met.
    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|figure| !figure.hard || figure.met != Some(false))
    }

    fn tables(&self) -> Vec<Vec<Vec<String>>> {
        let mut rows = vec![["figure", "target", "measured", "met"].map(String::from).to_vec()];
        rows.extend(self.figures.iter().map(|figure| {
            vec![
                figure.name.clone(),
                figure.target.clone(),
                figure.measured.clone(),
                figure.verdict().to_owned(),
            ]
        }));
        match self.details.is_empty() {
            true => vec![rows],
            false => vec![rows, self.details.clone()],
        }
    }
}

/// Latencies and answers by kind of request, as a table.
pub(crate) fn kinds_table<'a>(kinds: impl Iterator<Item = (&'a str, Tally)>) -> Vec<Vec<String>> {
    let headings = ["request", "answers", "p50 ms", "p99 ms", "max ms", "by status"];
    let mut rows = vec![headings.map(String::from).to_vec()];
    for (name, tally) in kinds {
        let statuses: Vec<String> =
            tally.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        let summary = tally.latencies.summary();
        let cell = |duration| format!("{:.2}", millis(duration));
        rows.push(vec![
            name.to_owned(),
            summary.count.to_string(),
            cell(summary.p50),
            cell(summary.p99),
            cell(summary.max),
            statuses.join(", "),
        ]);
    }
    rows
}

/// Everything as plain text.
pub(crate) fn console(machine: &Machine, sections: &[Section]) -> String {
    let mut text = String::new();
    for (name, value) in machine {
        let _ = writeln!(text, "{name}: {value}");
    }
    for section in sections {
        let _ = writeln!(text, "\n{}", section.title);
        for table in section.tables() {
            text.push_str(&aligned(&table));
        }
    }
    text
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:width$} ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn markdown(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if number == 0 {
            let _ = writeln!(text, "|{}", " --- |".repeat(row.len()));
        }
    }
    text
}

/// Replaces the parts of the results file that were measured; everything else stays.
pub(crate) fn write(path: &Path, machine: &Machine, sections: &[Section]) -> Result<()> {
    let mut text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    for section in sections {
        let mut part = format!("## {}\n\n", section.title);
        for table in section.tables() {
            part.push_str(&markdown(&table));
            part.push('\n');
        }
        let told: Vec<String> =
            machine.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(part, "Measured on: {}.", told.join("; "));
        text = replace_part(&text, section.name, &part)?;
    }
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Puts `part` between the markers of `name`.
fn replace_part(text: &str, name: &str, part: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- generated: {name} -->"), format!("<!-- end: {name} -->"));
    let missing = || anyhow!("the results file has no `{begin}` followed by `{end}`");
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n{part}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{Figure, Section, kinds_table, quantity, replace_part, write};
    use crate::samples::Tally;
    use std::time::Duration;

    fn section(figures: Vec<Figure>) -> Section {
        Section { name: "reads", title: "Reads", figures, details: Vec::new() }
    }

    #[test]
    fn targets_are_compared_as_they_are_written() {
        let met = |figure: Figure| figure.met;
        assert_eq!(met(Figure::at_least("a", 40.0, 40.0, "%")), Some(true));
        assert_eq!(met(Figure::at_least("a", 40.0, 39.9, "%")), Some(false));
        assert_eq!(met(Figure::below("a", 50.0, 50.0, "ms")), Some(false));
        assert_eq!(met(Figure::below("a", 50.0, 49.9, "ms")), Some(true));
        assert_eq!(met(Figure::exactly("a", 100, 101)), Some(false));
        assert_eq!(met(Figure::told("a", "b")), None);
    }

    #[test]
    fn only_what_does_not_depend_on_the_machine_fails_a_run() {
        assert!(section(vec![Figure::at_least("a", 2.0, 1.0, "")]).holds());
        assert!(!section(vec![Figure::at_least("a", 2.0, 1.0, "").on_any_machine()]).holds());
        assert!(section(vec![Figure::exactly("a", 100, 100)]).holds());
        assert!(!section(vec![Figure::exactly("a", 100, 99)]).holds());
        let failed = Err(anyhow::anyhow!("unbalanced"));
        assert!(!section(vec![Figure::holds("doctor", "clean", failed)]).holds());
    }

    #[test]
    fn numbers_are_as_exact_as_useful() {
        assert_eq!(quantity(3_918.4, "/s"), "3,918/s");
        assert_eq!(quantity(1_234_567.0, ""), "1,234,567");
        assert_eq!(quantity(100.0, "ms"), "100 ms");
        assert_eq!(quantity(0.25, ""), "0.25");
        assert_eq!(quantity(47.125, "%"), "47.12%");
        assert_eq!(quantity(50.0, "ms"), "50 ms");
        assert_eq!(quantity(999.6, ""), "1000");
    }

    #[test]
    fn the_latency_table_has_a_row_for_every_kind() {
        let mut tally = Tally::default();
        tally.record(200, Duration::from_micros(1_500));
        tally.record(409, Duration::from_micros(2_500));
        let rows = kinds_table([("complete", tally)].into_iter());
        assert_eq!(rows[1], ["complete", "2", "1.50", "2.50", "2.50", "200: 1, 409: 1"]);
    }

    #[test]
    fn writing_replaces_the_measured_part_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("RESULTS.md");
        let written = "# Top\n<!-- generated: reads -->\nold\n<!-- end: reads -->\nby hand\n";
        std::fs::write(&path, written).unwrap();
        let machine = vec![("cores", "2".to_owned())];
        let figures = vec![Figure::at_least("hot page", 40.0, 41.0, "%")];
        for _ in 0..2 {
            write(&path, &machine, &[section(figures.clone())]).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(
                text,
                "# Top\n<!-- generated: reads -->\n## Reads\n\n\
                 | figure | target | measured | met |\n| --- | --- | --- | --- |\n\
                 | hot page | at least 40% | 41% | yes |\n\n\
                 Measured on: cores 2.\n<!-- end: reads -->\nby hand\n"
            );
        }
        assert!(replace_part(written, "search", "x").is_err());
    }
}
