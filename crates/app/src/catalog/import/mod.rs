//! Products from files: readers for each format, and the driver that writes what they yield.
//!
//! A file goes through four stages, each an iterator over the next: [`source`] unpacks it,
//! a reader ([`shopify`], [`icecat`], [`native`]) turns it into drafts, [`checked`] sanitises and
//! checks them, and [`run`] hands them on in chunks. A product is either handed on whole or
//! rejected whole, with the lines and reasons; the file is read on after it. No stage holds more
//! than a few products (and the fingerprints of the handles and SKUs seen) in memory.

pub mod category;
mod check;
mod driver;
pub mod icecat;
mod lines;
pub mod native;
mod report;
pub mod sanitise;
pub mod shopify;
pub mod source;

pub use check::checked;
pub use driver::{DraftSink, Options, Outcome, Progress, SinkError, Watermark, run};
pub use report::{BadRow, Rejected, Row, Summary};

/// What every reader yields: a product, or why there is none.
pub type RowResult = Result<Row, Rejected>;
