//! What shoppers see: one view struct for each page, each with `render`.

/// Gives pages their `render`.
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

mod cart;
mod catalog;
mod checkout;
mod layout;
mod message;
mod order;
mod parts;

pub use cart::{AppliedCode, CartLine, CartPage};
pub use catalog::{
    CategoriesPage, CategoryPage, CategoryTile, Chip, Choice, Correction, Facet, FacetKind,
    FacetLink, FacetValue, Hero, HomePage, Listing, OptionAxis, OptionValue, ProductPage, Promise,
    SearchPage, Shelf, Stock,
};
pub use checkout::{
    AddressForm, CheckoutAddressPage, CheckoutPaymentPage, CheckoutReviewPage,
    CheckoutShippingPage, Country, FieldError, Input, PaymentChoice, ShippingChoice, Step,
    StepState, Summary, SummaryLine,
};
pub use layout::{Layout, Shop};
pub use message::ErrorPage;
pub use order::{
    ConfirmationPage, OrderLookupPage, OrderPage, OrderView, Parcel, PaymentActionPage,
    TimelineEntry,
};
pub use parts::{AmountLine, Link, Notice, Picture, ProductCard, Tone, Totals};
