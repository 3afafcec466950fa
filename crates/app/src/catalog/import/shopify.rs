//! The product CSV of Shopify, as merchants export it.
//!
//! Rows that share a handle are one product: the first has its title, description and so on, each
//! row with a price, option, SKU or barcode is a variant, and the others add pictures. A product
//! with one bad row is rejected whole. Rows of one handle that do not follow one another (exports
//! sorted by hand) are brought together: [`scattered`] finds such handles in a first pass, and only
//! their rows are held in memory. See [`columns`] for the headers known, and the crate's export for
//! the way back.

pub(crate) mod cells;
pub(crate) mod columns;
mod product;

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stoa_kernel::{Currency, handle, limits};

use self::columns::{Column, Columns};
use super::check::fingerprint;
use super::lines::unreadable;
use super::{BadRow, Rejected, RowResult};

/// Bytes of one row. A longer one is a quotation mark that is not closed.
const ROW_BYTES: usize = 8 * 1024 * 1024;
/// Rows of one product: its variants, and pictures that have their own row.
const ROWS_PER_PRODUCT: usize = limits::VARIANTS_PER_PRODUCT + limits::MEDIA_PER_PRODUCT;
/// Rows held for products whose rows do not follow one another.
const SCATTERED_ROWS: usize = 100_000;

/// Handles whose rows do not follow one another, as fingerprints.
#[derive(Debug, Default)]
pub struct Scattered(HashSet<u64>);

/// The first pass: which handles come back after another one.
///
/// # Errors
/// The file is not a Shopify product CSV, or cannot be read.
pub fn scattered(reader: impl BufRead + Send) -> Result<Scattered, Rejected> {
    let mut records = Records::new(reader)?;
    let mut seen = HashSet::new();
    let mut scattered = HashSet::new();
    let mut current = None;
    while let Some(record) = records.next_record() {
        // A fault is reported by the second pass; what comes after an unreadable row is not read.
        let Ok((_, record)) = record else { break };
        let Some(handle) = records.handle(&record) else {
            continue;
        };
        let handle = Some(fingerprint(&handle));
        if handle != current {
            if let Some(ended) = current {
                seen.insert(ended);
            }
            if let Some(handle) = handle.filter(|handle| seen.contains(handle)) {
                scattered.insert(handle);
            }
            current = handle;
        }
    }
    Ok(Scattered(scattered))
}

/// The second pass: reads the products.
///
/// # Errors
/// The file is not a Shopify product CSV, or cannot be read.
pub fn rows<R: BufRead + Send>(
    reader: R,
    currency: Currency,
    scattered: Scattered,
) -> Result<Products<R>, Rejected> {
    Ok(Products {
        records: Records::new(reader)?,
        currency,
        scattered,
        current: None,
        held: Vec::new(),
        held_rows: 0,
        ended: false,
    })
}

/// The products of a file, one after the other.
pub struct Products<R> {
    records: Records<R>,
    currency: Currency,
    scattered: Scattered,
    current: Option<Group>,
    held: Vec<Group>,
    held_rows: usize,
    ended: bool,
}

/// The rows of one product.
struct Group {
    handle: String,
    first_line: u64,
    rows: Vec<(u64, csv::StringRecord)>,
    faults: Vec<BadRow>,
}

impl Group {
    const fn new(handle: String, first_line: u64) -> Self {
        Self { handle, first_line, rows: Vec::new(), faults: Vec::new() }
    }

    fn add(&mut self, line: u64, record: csv::ByteRecord, columns: usize) {
        if record.len() > columns {
            self.faults.push(BadRow::new(
                line,
                format!(
                    "{} cells, but the first line has {columns}: a comma or quotation mark too many",
                    record.len()
                ),
            ));
        } else if self.rows.len() >= ROWS_PER_PRODUCT {
            if self.rows.len() == ROWS_PER_PRODUCT && self.faults.is_empty() {
                self.faults.push(BadRow::new(
                    line,
                    format!("more than {ROWS_PER_PRODUCT} rows of one product"),
                ));
            }
        } else {
            match csv::StringRecord::from_byte_record(record) {
                Ok(record) => self.rows.push((line, record)),
                Err(_) => self.faults.push(BadRow::new(line, "not valid UTF-8")),
            }
        }
    }
}

impl<R: BufRead + Send> Products<R> {
    fn finish(&self, group: Group) -> RowResult {
        product::build(&self.records.columns, self.currency, group)
    }

    /// Adds a row; returns the product it ends, if it does.
    fn take(&mut self, line: u64, record: csv::ByteRecord) -> Option<Group> {
        let count = self.records.columns.count;
        let Some(handle) = self.records.handle(&record) else {
            if !record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                // Most likely it belongs to the product above, which is then not whole.
                let group = self.current.get_or_insert_with(|| Group::new(String::new(), line));
                group.faults.push(BadRow::new(line, "neither a handle nor a title"));
            }
            return None;
        };
        if self.scattered.0.contains(&fingerprint(&handle)) {
            let ended = self.current.take();
            let index =
                self.held.iter().position(|group| group.handle == handle).unwrap_or_else(|| {
                    self.held.push(Group::new(handle, line));
                    self.held.len() - 1
                });
            if let Some(group) = self.held.get_mut(index) {
                if self.held_rows < SCATTERED_ROWS {
                    self.held_rows += 1;
                    group.add(line, record, count);
                } else {
                    group.faults.push(BadRow::new(
                        line,
                        "too many products whose rows do not follow one another; sort the file by \
                         handle",
                    ));
                }
            }
            return ended;
        }
        if let Some(group) = self.current.as_mut().filter(|group| group.handle == handle) {
            group.add(line, record, count);
            return None;
        }
        let mut group = Group::new(handle, line);
        group.add(line, record, count);
        self.current.replace(group)
    }
}

impl<R: BufRead + Send> Iterator for Products<R> {
    type Item = RowResult;

    fn next(&mut self) -> Option<RowResult> {
        while !self.ended {
            let ended = match self.records.next_record() {
                Some(Ok((line, record))) => self.take(line, record),
                Some(Err(rejected)) => {
                    self.ended = true;
                    // The product being read, and those that wait for more rows, may lack some.
                    let mut faults = rejected.faults;
                    let line = faults.first().map_or(0, |fault| fault.line);
                    for group in self.current.take().into_iter().chain(self.held.drain(..)) {
                        faults.push(BadRow::new(
                            group.first_line,
                            format!(
                                "`{}` may have more rows after line {line}, which cannot be read",
                                group.handle
                            ),
                        ));
                    }
                    return Some(Err(Rejected { faults }));
                }
                None => {
                    self.ended = true;
                    self.current.take()
                }
            };
            if let Some(group) = ended {
                return Some(self.finish(group));
            }
        }
        if self.held.is_empty() {
            return None;
        }
        let group = self.held.remove(0);
        Some(self.finish(group))
    }
}

/// Rows of the file as bytes, with the line each starts on.
struct Records<R> {
    csv: csv::Reader<Bounded<R>>,
    /// Bytes handed to the CSV parser since the last row, for [`Bounded`].
    since_row: Arc<AtomicUsize>,
    columns: Columns,
    failed: bool,
}

impl<R: BufRead + Send> Records<R> {
    fn new(mut reader: R) -> Result<Self, Rejected> {
        let delimiter = delimiter(&mut reader).map_err(|error| unreadable(1, &error))?;
        let since_row = Arc::new(AtomicUsize::new(0));
        let bounded = Bounded { inner: reader, since_row: Arc::clone(&since_row) };
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(true)
            .flexible(true)
            .from_reader(bounded);
        let header = csv.byte_headers().map_err(|error| Rejected::one(1, error.to_string()))?;
        let columns = Columns::from_header(header).map_err(|reason| Rejected::one(1, reason))?;
        Ok(Self { csv, since_row, columns, failed: false })
    }

    /// `None` at the end; after an error, too.
    fn next_record(&mut self) -> Option<Result<(u64, csv::ByteRecord), Rejected>> {
        if self.failed {
            return None;
        }
        self.since_row.store(0, Ordering::Relaxed);
        let mut record = csv::ByteRecord::new();
        let before = self.csv.position().line();
        match self.csv.read_byte_record(&mut record) {
            Ok(true) => {
                let line = record.position().map_or(before, csv::Position::line);
                Some(Ok((line, record)))
            }
            Ok(false) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(Rejected::one(
                    before,
                    format!("the file cannot be read from here on: {error}"),
                )))
            }
        }
    }

    /// The product a row belongs to: its handle, or one made from its title.
    fn handle(&self, record: &csv::ByteRecord) -> Option<String> {
        let cell = |column| {
            let index = self.columns.index(column)?;
            let text = String::from_utf8_lossy(record.get(index)?);
            let text = cells::unguard(text.trim()).trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        cell(Column::Handle).or_else(|| {
            let title = cell(Column::Title)?;
            Some(handle::slugify(&title)).filter(|made| !made.is_empty())
        })
    }
}

/// Comma, or the semicolon or tab a spreadsheet put in its place: the one most frequent in the
/// first line.
fn delimiter(reader: &mut impl BufRead) -> io::Result<u8> {
    let start = reader.fill_buf()?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |sign: u8| line.iter().filter(|byte| **byte == sign).count();
    let mut best = b',';
    for sign in [b';', b'\t'] {
        if count(sign) > count(best) {
            best = sign;
        }
    }
    Ok(best)
}

/// Stops a row that does not end from filling the memory.
struct Bounded<R> {
    inner: R,
    since_row: Arc<AtomicUsize>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if self.since_row.fetch_add(read, Ordering::Relaxed) > ROW_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a row longer than 8 MiB; is a quotation mark not closed?",
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
