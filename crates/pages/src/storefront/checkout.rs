//! The steps of the checkout.

use askama::Template;
use stoa_kernel::Money;

use super::{Layout, Link, Notice, Picture, Totals};

/// A step of the checkout, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Who and where to.
    Address,
    /// How it gets there.
    Shipping,
    /// How it is paid.
    Payment,
    /// A last look.
    Review,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 4] = [Self::Address, Self::Shipping, Self::Payment, Self::Review];

    /// Where it is.
    pub const fn href(self) -> &'static str {
        match self {
            Self::Address => "/checkout/address",
            Self::Shipping => "/checkout/shipping",
            Self::Payment => "/checkout/payment",
            Self::Review => "/checkout/review",
        }
    }

    /// What it is called.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Address => "Address",
            Self::Shipping => "Shipping",
            Self::Payment => "Payment",
            Self::Review => "Review",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Address => 1,
            Self::Shipping => 2,
            Self::Payment => 3,
            Self::Review => 4,
        }
    }

    fn state(self, current: Self) -> StepState {
        match self.cmp(&current) {
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Current,
            std::cmp::Ordering::Greater => StepState::Ahead,
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Behind; can be gone back to.
    Done,
    /// Here.
    Current,
    /// Not yet.
    Ahead,
}

/// A line of the summary.
#[derive(Debug, Clone)]
pub struct SummaryLine {
    /// The product's name.
    pub title: String,
    /// Option values of the variant; empty when there is no choice.
    pub variant: String,
    /// What it looks like.
    pub picture: Picture,
    /// How many.
    pub quantity: i64,
    /// What the line costs.
    pub total: Money,
}

/// What is being bought, beside every step.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/parts/summary.html")]
pub struct Summary {
    /// The lines.
    pub lines: Vec<SummaryLine>,
    /// What it costs so far.
    pub totals: Totals,
}

impl Summary {
    fn pieces(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the form field, e.g. `shipping_postal_code`.
    pub field: String,
    /// What to do, in a sentence.
    pub message: String,
}

impl FieldError {
    /// An error of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    fn of(errors: &[Self], field: &str) -> Option<String> {
        errors.iter().find(|error| error.field == field).map(|error| error.message.clone())
    }
}

/// A country one can order to.
#[derive(Debug, Clone, Default)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// An address as typed. The form fields are these names after `shipping_` or `billing_`.
#[derive(Debug, Clone, Default)]
pub struct AddressForm {
    /// Who lives there.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company.
    pub line2: String,
    /// Town.
    pub city: String,
    /// State, province or county.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country code.
    pub country: String,
}

/// A labelled form field with its error beside it.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/parts/input.html")]
pub struct Input {
    /// The name and id of the field.
    pub name: String,
    /// What people read.
    pub label: &'static str,
    /// The value as typed.
    pub value: String,
    /// The `type` of the element.
    pub kind: &'static str,
    /// The `autocomplete` token.
    pub autocomplete: String,
    /// The most characters accepted.
    pub max_length: u16,
    /// Whether it must be filled in.
    pub required: bool,
    /// A line that helps.
    pub hint: &'static str,
    /// What is wrong with it.
    pub error: Option<String>,
    /// A class for the width in the grid; empty for the full width.
    pub span: &'static str,
    /// Options of a select; empty for an input.
    pub options: Vec<Country>,
}

impl Input {
    pub(crate) fn email(value: &str, errors: &[FieldError]) -> Self {
        Self {
            name: "email".to_owned(),
            label: "E-mail",
            value: value.to_owned(),
            kind: "email",
            autocomplete: "email".to_owned(),
            max_length: 254,
            required: true,
            hint: "For the receipt and news about your order. Nothing else.",
            error: FieldError::of(errors, "email"),
            span: "",
            options: Vec::new(),
        }
    }

    pub(crate) fn order_number(value: &str, errors: &[FieldError]) -> Self {
        Self {
            name: "number".to_owned(),
            label: "Order number",
            kind: "text",
            autocomplete: "off".to_owned(),
            max_length: 40,
            hint: "In your confirmation e-mail, for example 1042.",
            error: FieldError::of(errors, "number"),
            ..Self::email(value, &[])
        }
    }

    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        [hint, error].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl AddressForm {
    /// The fields of this address; `kind` is `shipping` or `billing`.
    fn inputs(&self, kind: &str, countries: &[Country], errors: &[FieldError]) -> Vec<Input> {
        let input = |part: &str,
                     label: &'static str,
                     value: &str,
                     autocomplete: &str,
                     required: bool,
                     span: &'static str| {
            let name = format!("{kind}_{part}");
            Input {
                error: FieldError::of(errors, &name),
                name,
                label,
                value: value.to_owned(),
                kind: "text",
                autocomplete: format!("{kind} {autocomplete}"),
                max_length: 200,
                required,
                hint: "",
                span,
                options: Vec::new(),
            }
        };
        vec![
            input("name", "Full name", &self.name, "name", true, ""),
            Input {
                options: countries.to_vec(),
                ..input("country", "Country", &self.country, "country", true, "")
            },
            input("line1", "Street and number", &self.line1, "address-line1", true, ""),
            input("line2", "Flat, floor or company", &self.line2, "address-line2", false, ""),
            input("postal_code", "Postal code", &self.postal_code, "postal-code", true, "span-2"),
            input("city", "City", &self.city, "address-level2", true, "span-4"),
            input("region", "State or region", &self.region, "address-level1", false, ""),
        ]
    }
}

/// `/checkout/address`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/checkout_address.html")]
pub struct CheckoutAddressPage {
    /// The frame.
    pub layout: Layout,
    /// What is being bought.
    pub summary: Summary,
    /// A message about the step as a whole.
    pub notice: Option<Notice>,
    /// The e-mail address as typed.
    pub email: String,
    /// Where to.
    pub shipping: AddressForm,
    /// Whether the bill goes to the same address; sent as `billing_same=1`.
    pub billing_same: bool,
    /// Where the bill goes otherwise.
    pub billing: AddressForm,
    /// Countries one can order to.
    pub countries: Vec<Country>,
    /// What is wrong, in the order of the fields.
    pub errors: Vec<FieldError>,
}

impl CheckoutAddressPage {
    fn step(&self) -> Step {
        Step::Address
    }

    fn email_input(&self) -> Input {
        Input::email(&self.email, &self.errors)
    }

    fn shipping_inputs(&self) -> Vec<Input> {
        self.shipping.inputs("shipping", &self.countries, &self.errors)
    }

    fn billing_inputs(&self) -> Vec<Input> {
        self.billing.inputs("billing", &self.countries, &self.errors)
    }
}

/// A shipping method one can choose.
#[derive(Debug, Clone)]
pub struct ShippingChoice {
    /// What the form sends as `shipping_method`.
    pub id: String,
    /// Its name.
    pub label: String,
    /// How long it takes, or another remark.
    pub note: String,
    /// What it costs for this cart.
    pub price: Money,
    /// Whether it is chosen.
    pub selected: bool,
}

/// `/checkout/shipping`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/checkout_shipping.html")]
pub struct CheckoutShippingPage {
    /// The frame.
    pub layout: Layout,
    /// What is being bought.
    pub summary: Summary,
    /// A message about the step as a whole.
    pub notice: Option<Notice>,
    /// The e-mail address given.
    pub email: String,
    /// The address given, in lines.
    pub address: Vec<String>,
    /// The methods offered.
    pub methods: Vec<ShippingChoice>,
    /// What is wrong (field `shipping_method`).
    pub errors: Vec<FieldError>,
}

impl CheckoutShippingPage {
    fn step(&self) -> Step {
        Step::Shipping
    }
}

/// A way to pay.
#[derive(Debug, Clone, Default)]
pub struct PaymentChoice {
    /// What the form sends as `payment_token`.
    pub token: String,
    /// Its name, e.g. `Card ending 4242`.
    pub label: String,
    /// What will happen.
    pub note: String,
    /// Whether it is chosen.
    pub selected: bool,
}

impl PaymentChoice {
    /// The cards of the built-in test provider; `selected` is a token.
    pub fn test_cards(selected: &str) -> Vec<Self> {
        [
            ("tok_ok", "Test card ending 4242", "The payment succeeds."),
            (
                "tok_requires_action",
                "Test card ending 3155",
                "Your bank asks you to confirm the payment.",
            ),
            ("tok_declined", "Test card ending 0002", "The bank declines the payment."),
            (
                "tok_insufficient_funds",
                "Test card ending 9995",
                "The account does not hold enough money.",
            ),
        ]
        .into_iter()
        .map(|(token, label, note)| Self {
            token: token.to_owned(),
            label: label.to_owned(),
            note: note.to_owned(),
            selected: token == selected || (selected.is_empty() && token == "tok_ok"),
        })
        .collect()
    }
}

/// `/checkout/payment`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/checkout_payment.html")]
pub struct CheckoutPaymentPage {
    /// The frame.
    pub layout: Layout,
    /// What is being bought.
    pub summary: Summary,
    /// A message about the step as a whole, e.g. that a payment was declined.
    pub notice: Option<Notice>,
    /// Ways to pay.
    pub methods: Vec<PaymentChoice>,
    /// What is wrong (field `payment_token`).
    pub errors: Vec<FieldError>,
}

impl CheckoutPaymentPage {
    fn step(&self) -> Step {
        Step::Payment
    }
}

/// `/checkout/review`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/checkout_review.html")]
pub struct CheckoutReviewPage {
    /// The frame.
    pub layout: Layout,
    /// What is being bought.
    pub summary: Summary,
    /// A message, e.g. that a price changed.
    pub notice: Option<Notice>,
    /// The e-mail address given.
    pub email: String,
    /// Where to, in lines.
    pub shipping_address: Vec<String>,
    /// Where the bill goes, in lines; empty for the same address.
    pub billing_address: Vec<String>,
    /// The chosen shipping method.
    pub shipping_method: String,
    /// The chosen way to pay.
    pub payment_method: String,
    /// Hidden fields of the order form, e.g. the payment token and the idempotency key.
    pub hidden: Vec<(String, String)>,
    /// The terms one agrees to by ordering.
    pub terms: Option<Link>,
}

impl CheckoutReviewPage {
    fn step(&self) -> Step {
        Step::Review
    }
}

pages!(CheckoutAddressPage, CheckoutShippingPage, CheckoutPaymentPage, CheckoutReviewPage,);
