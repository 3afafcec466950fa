//! JSON lines with a bound on their length, read on after a bad one.

use std::io::BufRead;

use super::Rejected;

/// Bytes of one line; a product with everything at its limit is far below.
const LINE_BYTES: usize = 4 * 1024 * 1024;

/// The lines of a file that are not blank.
pub(super) struct Lines<R> {
    reader: R,
    line: u64,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, line: 0, failed: false }
    }

    /// The next line without its end, or that it was too long. `None` at the end.
    fn read_line(&mut self) -> std::io::Result<Option<Result<Vec<u8>, ()>>> {
        let mut line = Vec::new();
        let mut too_long = false;
        let mut any = false;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                break;
            }
            any = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |position| position + 1);
            if line.len() + taken > LINE_BYTES {
                too_long = true;
                line = Vec::new();
            } else if !too_long {
                line.extend_from_slice(available.get(..taken).unwrap_or_default());
            }
            self.reader.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        Ok(Some(if too_long { Err(()) } else { Ok(line) }))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(u64, Vec<u8>), Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            self.line += 1;
            match self.read_line() {
                Ok(None) => return None,
                Ok(Some(Ok(mut line))) => {
                    if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
                        line.drain(..3);
                    }
                    if !line.trim_ascii().is_empty() {
                        return Some(Ok((self.line, line)));
                    }
                }
                Ok(Some(Err(()))) => {
                    return Some(Err(Rejected::one(self.line, "longer than 4 MiB")));
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(unreadable(self.line, &error)));
                }
            }
        }
        None
    }
}

/// The file cannot be read any further.
pub(super) fn unreadable(line: u64, error: &std::io::Error) -> Rejected {
    Rejected::one(line, format!("the file cannot be read from here on: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lines_skips_blank_ones_and_reads_on_after_a_long_one() {
        let mut text = b"\xef\xbb\xbf{}\r\n\n  \n[]\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LINE_BYTES + 10));
        text.extend(b"\nlast");
        let found: Vec<_> = Lines::new(text.as_slice()).collect();
        assert_eq!(
            found,
            [
                Ok((1, b"{}\r\n".to_vec())),
                Ok((4, b"[]\n".to_vec())),
                Err(Rejected::one(5, "longer than 4 MiB")),
                Ok((6, b"last".to_vec())),
            ]
        );
    }
}
