//! Others who sell in the shop.

use askama::Template;

use super::form::{Choice, Field};
use super::{Badge, FieldError, Frame, Pager, icons};

pages!(VendorListPage, VendorPage);

/// A vendor in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorRow {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// The name that files and commands use.
    pub handle: String,
    /// Where the merchant reaches it.
    pub email: String,
    /// Whether its programs are let in.
    pub status: Badge,
    /// Products it has.
    pub n_products: i64,
}

/// All vendors, and the form for one more.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/vendors.html")]
pub struct VendorListPage {
    /// The frame.
    pub frame: Frame,
    /// The vendors of this page.
    pub rows: Vec<VendorRow>,
    /// Where the list goes on.
    pub pager: Pager,
    /// The name as entered.
    pub name: String,
    /// The address as entered.
    pub email: String,
    /// What is wrong with them.
    pub errors: Vec<FieldError>,
}

impl VendorListPage {
    fn fields(&self) -> [Field<'_>; 2] {
        fields(&self.name, &self.email, &self.errors)
    }
}

/// One vendor.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/vendor.html")]
pub struct VendorPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// The name that files and commands use.
    pub handle: String,
    /// The version the form was filled from.
    pub version: i64,
    /// The name as entered.
    pub name: String,
    /// The address as entered.
    pub email: String,
    /// `active` or `suspended`, as chosen.
    pub status: String,
    /// What is wrong with them.
    pub errors: Vec<FieldError>,
}

impl VendorPage {
    fn fields(&self) -> [Field<'_>; 2] {
        fields(&self.name, &self.email, &self.errors)
    }

    fn statuses(&self) -> [Choice; 2] {
        [("active", "Active"), ("suspended", "Suspended")]
            .map(|(value, label)| Choice::new(value, label))
    }

    fn status_field<'a>(&'a self, statuses: &'a [Choice]) -> Field<'a> {
        Field::new("status", "Status", &self.status)
            .choices(statuses)
            .hint("A suspended vendor's tokens are refused. Its products stay as they are.")
            .errors(&self.errors)
    }
}

fn fields<'a>(name: &'a str, email: &'a str, errors: &'a [FieldError]) -> [Field<'a>; 2] {
    [
        Field::new("name", "Name", name).required().errors(errors),
        Field::new("email", "E-mail address", email).kind("email").required().errors(errors),
    ]
}
