//! Who buys.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::form::Field;
use super::parts::{Badge, Pager, count, grouped, when};
use super::{FieldError, Frame, OrderRow, icons};

pages!(CustomerListPage, CustomerPage);

/// A customer in the list.
#[derive(Debug, Clone)]
pub struct CustomerRow {
    /// Their page.
    pub href: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// When the first order was placed.
    pub since: Timestamp,
    /// Orders that stand.
    pub n_orders: i64,
    /// What those came to, in each currency.
    pub spent: Vec<Money>,
}

/// The list of customers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/customers.html")]
pub struct CustomerListPage {
    /// The frame.
    pub frame: Frame,
    /// The name or address searched for.
    pub query: String,
    /// The customers of this page.
    pub rows: Vec<CustomerRow>,
    /// Where the list goes on.
    pub pager: Pager,
}

/// One customer.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/customer.html")]
pub struct CustomerPage {
    /// The frame.
    pub frame: Frame,
    /// Their id.
    pub id: String,
    /// Counts the changes.
    pub version: i64,
    /// Their name as it is kept.
    pub known_as: String,
    /// Their address.
    pub email: String,
    /// When the first order was placed.
    pub since: Timestamp,
    /// Orders that stand.
    pub n_orders: i64,
    /// What those came to, in each currency.
    pub spent: Vec<Money>,
    /// Their newest orders.
    pub rows: Vec<OrderRow>,
    /// The name as entered.
    pub name: String,
    /// The note as entered.
    pub note: String,
    /// What is wrong with them.
    pub errors: Vec<FieldError>,
}

impl CustomerPage {
    fn fields(&self) -> [Field<'_>; 2] {
        [
            Field::new("name", "Name", &self.name).required().errors(&self.errors),
            Field::new("note", "Note", &self.note)
                .kind("textarea")
                .rows(5)
                .hint("Only the back office shows it.")
                .errors(&self.errors),
        ]
    }
}

/// Amounts beside each other.
fn amounts(spent: &[Money]) -> String {
    let amounts: Vec<String> = spent.iter().map(Money::to_string).collect();
    if amounts.is_empty() { "–".to_owned() } else { amounts.join(", ") }
}
