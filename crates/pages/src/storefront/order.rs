//! Orders as their buyers see them.

use askama::Template;
use stoa_kernel::Money;

use super::checkout::{FieldError, Input};
use super::{Layout, Notice, SummaryLine, Tone, Totals};

/// Something that happened to an order.
#[derive(Debug, Clone, Default)]
pub struct TimelineEntry {
    /// When, as people read it.
    pub when: String,
    /// What.
    pub text: String,
}

/// Pieces that are on their way.
#[derive(Debug, Clone, Default)]
pub struct Parcel {
    /// When they left, as people read it.
    pub sent_on: String,
    /// Pieces and titles of what is in it.
    pub items: Vec<(i64, String)>,
    /// Carrier and number; may be empty.
    pub tracking: String,
    /// Where it is followed; may be empty.
    pub link: String,
}

/// An order.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/parts/order.html")]
pub struct OrderView {
    /// Its number.
    pub number: String,
    /// When it was placed, as people read it.
    pub placed_on: String,
    /// Its status as people read it.
    pub status: (Tone, String),
    /// The status of its payment as people read it.
    pub payment_status: (Tone, String),
    /// The buyer's e-mail address.
    pub email: String,
    /// What was bought.
    pub lines: Vec<SummaryLine>,
    /// What it cost.
    pub totals: Totals,
    /// Where to, in lines.
    pub shipping_address: Vec<String>,
    /// Where the bill went, in lines; empty for the same address.
    pub billing_address: Vec<String>,
    /// The shipping method.
    pub shipping_method: String,
    /// How it was paid.
    pub payment_method: String,
    /// What was sent, in the order in which it was.
    pub parcels: Vec<Parcel>,
    /// What happened so far, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// `/checkout/confirmation/...`: right after the order.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/confirmation.html")]
pub struct ConfirmationPage {
    /// The frame.
    pub layout: Layout,
    /// The order.
    pub order: OrderView,
    /// Whether the payment is still being worked on.
    pub payment_pending: bool,
    /// Where the order can be seen later.
    pub order_href: String,
}

/// `/orders/...`: an order later.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/order.html")]
pub struct OrderPage {
    /// The frame.
    pub layout: Layout,
    /// A message.
    pub notice: Option<Notice>,
    /// The order.
    pub order: OrderView,
}

/// `/orders/lookup`: finds an order without an account.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/order_lookup.html")]
pub struct OrderLookupPage {
    /// The frame.
    pub layout: Layout,
    /// A message, e.g. that no such order was found.
    pub notice: Option<Notice>,
    /// The number as typed.
    pub number: String,
    /// The e-mail address as typed.
    pub email: String,
    /// What is wrong (fields `number`, `email`).
    pub errors: Vec<FieldError>,
}

impl OrderLookupPage {
    fn number_input(&self) -> Input {
        Input::order_number(&self.number, &self.errors)
    }

    fn email_input(&self) -> Input {
        Input {
            hint: "The address the order was placed with.",
            ..Input::email(&self.email, &self.errors)
        }
    }
}

/// Where the test provider plays the buyer's bank: approve or refuse a payment.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/payment_action.html")]
pub struct PaymentActionPage {
    /// The frame.
    pub layout: Layout,
    /// What is to be paid.
    pub amount: Money,
    /// For which order.
    pub order_number: String,
    /// The way to pay, e.g. `Test card ending 3155`.
    pub payment_method: String,
    /// Where the form goes; the pressed button sends `result=approve` or `result=fail`.
    pub action: String,
    /// Hidden fields of the form.
    pub hidden: Vec<(String, String)>,
}

pages!(ConfirmationPage, OrderPage, OrderLookupPage, PaymentActionPage);
