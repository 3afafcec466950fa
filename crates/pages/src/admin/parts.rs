//! Pieces that several pages show.

use std::borrow::Borrow;
use std::fmt;

use askama::Template;
use stoa_kernel::Timestamp;

use crate::storefront::Tone;

/// A word about a state. The text says it all; the colour only helps the eye.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    source = r#"<span class="badge{% if let Some(tone) = tone %} badge--{{ tone.class() }}{% endif %}">{{ text }}</span>"#,
    ext = "html"
)]
pub struct Badge {
    /// Its weight; none for a state that asks for nothing.
    pub tone: Option<Tone>,
    /// The state.
    pub text: String,
}

impl Badge {
    fn new(tone: Option<Tone>, text: &str) -> Self {
        Self { tone, text: text.to_owned() }
    }

    /// What became of an order, by the word the store keeps.
    pub fn order(word: &str) -> Self {
        match word {
            "pending" => Self::new(Some(Tone::Warn), "Pending"),
            "placed" => Self::new(Some(Tone::Ok), "Placed"),
            "failed" => Self::new(Some(Tone::Bad), "Failed"),
            "cancelled" => Self::new(None, "Cancelled"),
            other => Self::new(None, other),
        }
    }

    /// What became of a payment, by the word the store keeps.
    pub fn payment(word: &str) -> Self {
        match word {
            "pending" => Self::new(Some(Tone::Warn), "Payment pending"),
            "requires_action" => Self::new(Some(Tone::Warn), "Awaits shopper"),
            "paid" => Self::new(Some(Tone::Ok), "Paid"),
            "declined" => Self::new(Some(Tone::Bad), "Declined"),
            "refund_pending" => Self::new(Some(Tone::Warn), "Refund pending"),
            "refunded" => Self::new(Some(Tone::Info), "Refunded"),
            other => Self::new(None, other),
        }
    }

    /// What an abandoned cart has become, by the word the API uses.
    pub fn cart(word: &str) -> Self {
        match word {
            "abandoned" => Self::new(Some(Tone::Warn), "Abandoned"),
            "recovered" => Self::new(Some(Tone::Ok), "Recovered"),
            other => Self::new(None, other),
        }
    }

    /// How much of an order was sent, by the word the store keeps.
    pub fn fulfilment(word: &str) -> Self {
        match word {
            "unfulfilled" => Self::new(Some(Tone::Warn), "To ship"),
            "partially_fulfilled" => Self::new(Some(Tone::Warn), "Partly shipped"),
            "fulfilled" => Self::new(Some(Tone::Ok), "Shipped"),
            other => Self::new(None, other),
        }
    }

    /// Whether a vendor's programs are let in, by the word the store keeps.
    pub fn vendor(word: &str) -> Self {
        match word {
            "active" => Self::new(Some(Tone::Ok), "Active"),
            "suspended" => Self::new(Some(Tone::Warn), "Suspended"),
            other => Self::new(None, other),
        }
    }

    /// Who may see a product, by the word the store keeps.
    pub fn product(word: &str) -> Self {
        match word {
            "active" => Self::new(Some(Tone::Ok), "Active"),
            "draft" => Self::new(Some(Tone::Info), "Draft"),
            "archived" => Self::new(None, "Archived"),
            other => Self::new(None, other),
        }
    }

    /// How many pieces can be sold.
    pub fn stock(available: i64) -> Self {
        match available {
            ..=0 => Self::new(Some(Tone::Bad), "Out of stock"),
            1..=5 => Self::new(Some(Tone::Warn), &format!("{available} left")),
            _ => Self::new(None, &format!("{available} in stock")),
        }
    }
}

/// A point in time as a `time` element: `24 Nov 2026, 13:30`, in UTC; script shows it in the
/// viewer's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub Timestamp);

/// Names of months, as dates show them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl When {
    /// `24 Nov 2026` and `13:30`.
    fn parts(self) -> Option<(String, String)> {
        let text = self.0.to_string();
        let (date, time) = text.split_once('T')?;
        let mut fields = date.split('-');
        let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        let day = day.trim_start_matches('0');
        Some((format!("{day} {month} {year}"), time.get(..5)?.to_owned()))
    }

    /// The day alone, as text: `24 Nov 2026`.
    pub fn day(self) -> String {
        self.parts().map_or_else(|| self.0.to_string(), |(day, _)| day)
    }

    /// The day without its year: `24 Nov`.
    pub(crate) fn short_day(self) -> String {
        let day = self.day();
        day.rsplit_once(' ').map_or(day.clone(), |(short, _)| short.to_owned())
    }

    /// The day as `2026-11-24`.
    pub(crate) fn iso_day(self) -> String {
        self.0.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            Some((day, time)) => {
                write!(f, "<time datetime=\"{}\" data-local>{day}, {time}</time>", self.0)
            }
            None => write!(f, "{}", self.0),
        }
    }
}

/// Where a list goes on. Lists are read by cursor: there is a first page and a next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// The address of the first page, on every other one.
    pub first: Option<String>,
    /// The address of the next page, where there is one.
    pub next: Option<String>,
    /// How many entries the whole list has, where that is known.
    pub total: Option<i64>,
}

/// [`When`], as templates call it: they hand references over.
pub(crate) fn when(at: impl Borrow<Timestamp>) -> When {
    When(*at.borrow())
}

/// [`Badge::stock`], as templates call it.
pub(crate) fn stock_badge(available: impl Borrow<i64>) -> Badge {
    Badge::stock(*available.borrow())
}

/// `1 order`, `2 orders`.
pub(crate) fn count(n: impl Borrow<i64>, one: &str, many: &str) -> String {
    let n = *n.borrow();
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// A number with thousands separated: `12,345`.
pub(crate) fn grouped(n: impl Borrow<i64>) -> String {
    let n = *n.borrow();
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "−" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A change with its sign: `+3`, `−2`, `0`.
pub(crate) fn signed(n: impl Borrow<i64>) -> String {
    let n = *n.borrow();
    if n > 0 { format!("+{}", grouped(n)) } else { grouped(n) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_badges_read_well() {
        let when = When(Timestamp::from_micros(1_795_527_000_000_001));
        assert_eq!(
            when.to_string(),
            "<time datetime=\"2026-11-24T13:30:00.000001Z\" data-local>24 Nov 2026, 13:30</time>"
        );
        assert_eq!((when.short_day().as_str(), when.iso_day().as_str()), ("24 Nov", "2026-11-24"));
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-999), "−999");
        assert_eq!([signed(5), signed(-5), signed(0)], ["+5", "−5", "0"]);
        assert_eq!(count(1, "order", "orders"), "1 order");
        let unknown = Badge::order("<b>").to_string();
        assert_eq!(unknown, "<span class=\"badge\">&#60;b&#62;</span>");
    }
}
