//! The stage every draft passes between its reader and the driver.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use stoa_domain::catalog::{Draft, FieldError};

use super::{BadRow, Rejected, Row, RowResult, sanitise};

/// Sanitises, fills in and checks every draft of `rows`, and rejects a product whose handle or a
/// SKU came earlier in the file. What it yields is good to be written.
pub fn checked(
    rows: impl Iterator<Item = RowResult> + Send,
) -> impl Iterator<Item = RowResult> + Send {
    let mut seen = Seen::default();
    rows.map(move |row| {
        let mut row = row?;
        row.draft.description_html = sanitise::clean(&row.draft.description_html);
        let (line, variant_lines) = (row.line, row.variant_lines);
        let draft = row.draft.check().map_err(|errors| Rejected {
            faults: errors
                .iter()
                .map(|error| {
                    let line = variant_line(error, &variant_lines).unwrap_or(line);
                    BadRow::new(line, format!("{}: {}", error.pointer, error.detail))
                })
                .collect(),
        })?;
        seen.admit(line, &draft)?;
        Ok(Row { line, draft, variant_lines, notes: row.notes })
    })
}

/// The line of the variant that an error points at.
fn variant_line(error: &FieldError, lines: &[u64]) -> Option<u64> {
    let rest = error.pointer.strip_prefix("/variants/")?;
    let index: usize = rest.split('/').next()?.parse().ok()?;
    lines.get(index).copied()
}

/// Handles and SKUs of the products admitted so far, as 64-bit fingerprints with the line they
/// were on: 16 bytes each, however long they are.
#[derive(Default)]
struct Seen {
    handles: HashMap<u64, u64>,
    skus: HashMap<u64, u64>,
}

impl Seen {
    fn admit(&mut self, line: u64, draft: &Draft) -> Result<(), Rejected> {
        let mut faults = Vec::new();
        if let Some(earlier) = self.handles.get(&fingerprint(&draft.handle)) {
            faults.push(BadRow::new(
                line,
                format!("the handle `{}` is already that of line {earlier}", draft.handle),
            ));
        }
        for variant in &draft.variants {
            if let Some(earlier) = self.skus.get(&fingerprint(&variant.sku)) {
                faults.push(BadRow::new(
                    line,
                    format!(
                        "the SKU `{}` is already that of the product on line {earlier}",
                        variant.sku
                    ),
                ));
            }
        }
        if !faults.is_empty() {
            return Err(Rejected { faults });
        }
        self.handles.insert(fingerprint(&draft.handle), line);
        for variant in &draft.variants {
            self.skus.insert(fingerprint(&variant.sku), line);
        }
        Ok(())
    }
}

/// A 64-bit hash that is the same in every run.
pub(super) fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::native;
    use super::*;

    fn faults(text: &str) -> (Vec<String>, Vec<String>) {
        let mut handles = Vec::new();
        let mut faults = Vec::new();
        for row in checked(native::rows(text.as_bytes())) {
            match row {
                Ok(row) => handles.push(row.draft.handle),
                Err(rejected) => faults.extend(rejected.faults.iter().map(ToString::to_string)),
            }
        }
        (handles, faults)
    }

    #[test]
    fn fills_in_checks_and_refuses_what_came_before() {
        let text = r#"{"title":"Red Cup","description_html":"<script>x</script>","variants":[{"sku":"A","prices":[]}]}
{"title":"Red cup","variants":[{"sku":"B","prices":[]}]}
{"title":"Blue cup","variants":[{"sku":"A","prices":[]}]}
{"title":"","variants":[{"sku":"C","prices":[],"stock":-1}]}
{"title":"Green cup","variants":[{"prices":[]}]}"#;
        let (handles, faults) = faults(text);
        assert_eq!(handles, ["red-cup", "green-cup"]);
        assert_eq!(
            faults,
            [
                "2: the handle `red-cup` is already that of line 1",
                "3: the SKU `A` is already that of the product on line 1",
                "4: /title: must not be empty",
                "4: /handle: a handle has lower-case letters, digits and single hyphens, at most \
                 120",
                "4: /variants/0/stock: 0 to 1,000,000,000",
            ]
        );
    }

    #[test]
    fn a_rejected_product_does_not_block_its_sku() {
        let text = r#"{"title":"","variants":[{"sku":"A","prices":[]}]}
{"title":"Cup","variants":[{"sku":"A","prices":[]}]}"#;
        assert_eq!(faults(text).0, ["cup"]);
    }
}
