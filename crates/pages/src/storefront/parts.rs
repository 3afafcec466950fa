//! Pieces that several pages show.

use askama::Template;
use stoa_kernel::Money;

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// What people read.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Link {
    /// A link from its two parts.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// A picture; shown in a square.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Where it is.
    pub url: String,
    /// What it shows; empty where the text beside it says the same.
    pub alt: String,
}

/// The weight of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Worth knowing.
    #[default]
    Info,
    /// It worked.
    Ok,
    /// Something changed or needs a look.
    Warn,
    /// It did not work.
    Bad,
}

impl Tone {
    /// The suffix of the style sheet's classes.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A message above or beside what it concerns.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "storefront/parts/notice.html")]
pub struct Notice {
    /// Its weight.
    pub tone: Tone,
    /// What happened and what to do, in one or two sentences.
    pub text: String,
}

impl Notice {
    /// A message.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// A product in a grid.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/parts/card.html")]
pub struct ProductCard {
    /// Its page.
    pub href: String,
    /// Its name.
    pub title: String,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// What it looks like.
    pub picture: Picture,
    /// The lowest price of its variants; nothing when it has none in this currency.
    pub price: Option<Money>,
    /// The former price of the same variant.
    pub compare_at: Option<Money>,
    /// Whether other variants cost more.
    pub price_varies: bool,
    /// Whether any variant can be bought now.
    pub in_stock: bool,
    /// A word over the picture, e.g. `New`.
    pub label: Option<String>,
    /// A line below the title, e.g. `4 colours`.
    pub note: Option<String>,
}

impl ProductCard {
    /// How much lower the price is than the former one, in percent.
    fn saving(&self) -> Option<i64> {
        saving_percent(self.price?, self.compare_at?)
    }
}

/// How much lower `price` is than `compare_at`, in whole percent rounded down, so that no more is
/// promised than is true; nothing below one percent.
pub(crate) fn saving_percent(price: Money, compare_at: Money) -> Option<i64> {
    let off = compare_at.minus(price).ok()?;
    if compare_at.minor <= 0 || off.minor <= 0 {
        return None;
    }
    let percent = i128::from(off.minor) * 100 / i128::from(compare_at.minor);
    i64::try_from(percent).ok().filter(|percent| *percent >= 1)
}

/// A named amount.
#[derive(Debug, Clone)]
pub struct AmountLine {
    /// What it is for.
    pub label: String,
    /// How much; discounts are negative.
    pub amount: Money,
}

impl AmountLine {
    /// A named amount.
    pub fn new(label: impl Into<String>, amount: Money) -> Self {
        Self { label: label.into(), amount }
    }
}

/// What something costs, line by line.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/parts/totals.html")]
pub struct Totals {
    /// All lines before discount.
    pub subtotal: Money,
    /// Discounts, as negative amounts.
    pub discounts: Vec<AmountLine>,
    /// The shipping method and what it costs; nothing before it is known.
    pub shipping: Option<AmountLine>,
    /// Taxes by name; empty before they are known, or when there are none.
    pub taxes: Vec<AmountLine>,
    /// Whether taxes are already inside the prices.
    pub tax_included: bool,
    /// What is to be paid.
    pub total: Money,
}

#[cfg(test)]
mod tests {
    use stoa_kernel::Currency;

    use super::*;

    #[test]
    fn a_saving_is_rounded_down_and_never_shown_for_nothing() {
        let usd = |minor| Money::new(minor, Currency::USD);
        assert_eq!(saving_percent(usd(6667), usd(10000)), Some(33));
        assert_eq!(saving_percent(usd(9999), usd(10000)), None);
        assert_eq!(saving_percent(usd(10000), usd(9000)), None);
        assert_eq!(saving_percent(usd(1), usd(0)), None);
        assert_eq!(saving_percent(usd(1), Money::new(5, Currency::EUR)), None);
        assert_eq!(saving_percent(usd(0), usd(i64::MAX)), Some(100));
    }
}
