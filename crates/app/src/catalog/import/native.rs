//! Products as `stoa export products` writes them: one JSON object a line, a
//! [`Draft`](stoa_domain::catalog::Draft).

use std::io::BufRead;

use super::lines::Lines;
use super::{Rejected, Row, RowResult};

/// Reads drafts, one a line.
pub fn rows(reader: impl BufRead + Send) -> impl Iterator<Item = RowResult> + Send {
    Lines::new(reader).map(|line| {
        let (line, json) = line?;
        let draft = serde_json::from_slice(&json)
            .map_err(|error| Rejected::one(line, error.to_string()))?;
        Ok(Row::new(line, draft))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_on_after_a_bad_line_and_names_the_fault() {
        let text = "{\"title\":\"A\",\"variants\":[]}\n{\"title\":7}\n{\"titel\":\"x\"}\n\
                    {\"title\":\"B\",\"variants\":[]}\n";
        let found: Vec<_> = rows(text.as_bytes()).collect();
        let titles: Vec<_> = found
            .iter()
            .map(|row| row.as_ref().map(|row| (row.line, row.draft.title.as_str())))
            .map(Result::ok)
            .collect();
        assert_eq!(titles, [Some((1, "A")), None, None, Some((4, "B"))]);
        let reasons: Vec<String> = found
            .into_iter()
            .filter_map(Result::err)
            .flat_map(|rejected| rejected.faults)
            .map(|fault| fault.to_string())
            .collect();
        assert!(reasons[0].starts_with("2: invalid type: integer `7`"), "{reasons:?}");
        assert!(reasons[1].starts_with("3: unknown field `titel`"), "{reasons:?}");
    }
}
