//! What the merchant's people see: one view struct for each page, each with `render`.
//!
//! Everything works without script; `admin.js` only saves a request or a look away. Every form
//! that changes something carries the session's token in a field `csrf`.

/// Gives pages their `render`, and what the frame's templates ask of them.
macro_rules! pages {
    ($($page:ty),+ $(,)?) => {$(
        impl $page {
            /// The page as HTML.
            pub fn render(&self) -> String {
                crate::render(self)
            }
        }
    )+};
}

mod carts;
mod chart;
mod customers;
mod dashboard;
mod events;
mod form;
mod frame;
mod fulfilments;
mod icons;
mod jobs;
mod mails;
mod message;
mod orders;
mod parts;
mod people;
mod products;
mod sign_in;
mod system;
mod vendors;
mod webhooks;

pub use crate::storefront::{FieldError, Notice, Picture, Tone};
pub use carts::{CartLine, CartListPage, CartPage, CartRow};
pub use customers::{CustomerListPage, CustomerPage, CustomerRow};
pub use dashboard::{Attention, DashboardPage, DaySales, LowStock, Sales};
pub use events::{EventListPage, EventPage, EventRow, SubscriberListPage, SubscriberRow};
pub use form::Choice;
pub use frame::{Frame, Section};
pub use fulfilments::{FulfilForm, FulfilmentPage, OpenLine, Parcel, TrackingForm};
pub use jobs::{JobListPage, JobPage, JobRow, ScheduleRow};
pub use mails::{MailListPage, MailPage, MailRow, TemplateListPage, TemplatePage, TemplateRow};
pub use message::{ConfirmPage, ErrorPage};
pub use orders::{
    LedgerEntry, LedgerPosting, OrderEvent, OrderLine, OrderListPage, OrderPage, OrderRow,
    OrderTab, OrderTotals, PaymentFacts, StockMovement, WorkflowStep,
};
pub use parts::{Badge, Pager, When};
pub use people::{ForgotPage, NewPasswordPage, PeoplePage};
pub use products::{
    AttributeForm, ProductForm, ProductListPage, ProductPage, ProductRow, SavedProduct, StockRow,
    VariantForm,
};
pub use sign_in::{SetUpPage, SignInPage};
pub use system::{Fact, Follower, SystemGroup, SystemPage};
pub use vendors::{VendorListPage, VendorPage, VendorRow};
pub use webhooks::{
    AttemptRow, DeliveryPage, DeliveryRow, NewWebhookPage, WebhookForm, WebhookListPage,
    WebhookPage, WebhookRow,
};
