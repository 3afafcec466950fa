//! What was sent of an order, and sending more of it.

use askama::Template;
use stoa_kernel::Timestamp;

use super::form::Field;
use super::parts::{Badge, when};
use super::{FieldError, Frame, Tone, icons};

pages!(FulfilmentPage);

/// Pieces that left together.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Its page.
    pub href: String,
    /// What people call it: the order's name and its number, `#1001-1`.
    pub name: String,
    /// Whether it was taken back.
    pub is_cancelled: bool,
    /// When it left.
    pub at: Timestamp,
    /// Pieces, title and option values of what is in it.
    pub items: Vec<(i64, String, String)>,
    /// Carrier and number; may be empty.
    pub tracking: String,
    /// Where it is followed; may be empty.
    pub link: String,
}

impl Parcel {
    pub(super) fn badge(&self) -> Badge {
        if self.is_cancelled {
            Badge { tone: None, text: "Taken back".to_owned() }
        } else {
            Badge { tone: Some(Tone::Ok), text: "Shipped".to_owned() }
        }
    }
}

/// How a parcel is followed, as entered.
#[derive(Debug, Clone, Default)]
pub struct TrackingForm {
    /// The carrier.
    pub carrier: String,
    /// Its number.
    pub number: String,
    /// Where it is followed.
    pub url: String,
}

impl TrackingForm {
    fn fields<'a>(&'a self, errors: &'a [FieldError]) -> [Field<'a>; 3] {
        [
            Field::new("tracking/carrier", "Carrier", &self.carrier)
                .list("carriers")
                .optional()
                .errors(errors),
            Field::new("tracking/number", "Tracking number", &self.number)
                .optional()
                .errors(errors),
            Field::new("tracking/url", "Tracking address", &self.url)
                .kind("url")
                .optional()
                .hint("Only where the carrier is not one of those that are suggested.")
                .errors(errors),
        ]
    }
}

/// A line of which pieces wait.
#[derive(Debug, Clone)]
pub struct OpenLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its option values.
    pub variant: String,
    /// Its SKU.
    pub sku: String,
    /// Pieces that wait.
    pub open: i64,
    /// Pieces to send, as entered.
    pub quantity: String,
}

/// The form that sends pieces.
#[derive(Debug, Clone, Default)]
pub struct FulfilForm {
    /// What waits.
    pub lines: Vec<OpenLine>,
    /// How it will be followed.
    pub tracking: TrackingForm,
    /// Whether the customer is told.
    pub notify: bool,
    /// What is wrong with it.
    pub errors: Vec<FieldError>,
}

impl FulfilForm {
    pub(super) fn fields(&self) -> [Field<'_>; 3] {
        self.tracking.fields(&self.errors)
    }

    pub(super) fn error(&self, line: &OpenLine) -> Option<&str> {
        super::form::error_of(&self.errors, &line.id)
    }
}

/// One fulfilment.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/fulfilment.html")]
pub struct FulfilmentPage {
    /// The frame.
    pub frame: Frame,
    /// The order's page.
    pub order_href: String,
    /// The order's name.
    pub order_name: String,
    /// The version of the order.
    pub version: i64,
    /// The fulfilment.
    pub parcel: Parcel,
    /// How it is followed.
    pub tracking: TrackingForm,
    /// What is wrong with what was entered.
    pub errors: Vec<FieldError>,
}

impl FulfilmentPage {
    fn fields(&self) -> [Field<'_>; 3] {
        self.tracking.fields(&self.errors)
    }
}
