//! Today at a glance.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::chart::Chart;
use super::parts::{Badge, grouped, stock_badge, when};
use super::{Frame, OrderRow, icons};

pages!(DashboardPage);

/// What was sold in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sales {
    /// Orders placed.
    pub orders: i64,
    /// What they came to.
    pub revenue: Money,
}

/// What was sold on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySales {
    /// The start of the day.
    pub day: Timestamp,
    /// Orders placed.
    pub orders: i64,
    /// What they came to.
    pub revenue: Money,
}

/// A variant that runs out.
#[derive(Debug, Clone)]
pub struct LowStock {
    /// The product's page in the back office.
    pub href: String,
    /// The product and, where it has several, the variant.
    pub title: String,
    /// Its SKU.
    pub sku: String,
    /// Pieces that can be sold.
    pub available: i64,
}

/// An order that someone should look at.
#[derive(Debug, Clone)]
pub struct Attention {
    /// The order's page.
    pub href: String,
    /// Its number or id.
    pub order: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Today at a glance.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/dashboard.html")]
pub struct DashboardPage {
    /// The frame.
    pub frame: Frame,
    /// Now, for the heading.
    pub now: Timestamp,
    /// Today until now.
    pub today: Sales,
    /// Yesterday until the same time of day, so that the comparison is fair.
    pub yesterday_so_far: Sales,
    /// The last days, oldest first, today last.
    pub days: Vec<DaySales>,
    /// The latest orders, newest first.
    pub latest: Vec<OrderRow>,
    /// Variants that run out, scarcest first.
    pub low_stock: Vec<LowStock>,
    /// Orders that someone should look at, oldest first.
    pub attention: Vec<Attention>,
    /// Products on sale.
    pub n_products: i64,
}

/// A figure and how it compares.
struct Figure {
    label: &'static str,
    value: String,
    direction: &'static str,
    change: String,
    before: String,
}

impl DashboardPage {
    fn chart(&self) -> Chart {
        Chart::new(&self.days)
    }

    fn figures(&self) -> [Figure; 3] {
        let average = |sales: Sales| {
            let minor = if sales.orders > 0 { sales.revenue.minor / sales.orders } else { 0 };
            Money::new(minor, sales.revenue.currency)
        };
        let (today, before) = (self.today, self.yesterday_so_far);
        let amounts = |label, now: Money, then: Money| {
            figure(label, now.to_string(), (now.minor, then.minor), then.to_string())
        };
        [
            figure(
                "Orders today",
                grouped(today.orders),
                (today.orders, before.orders),
                grouped(before.orders),
            ),
            amounts("Revenue today", today.revenue, before.revenue),
            amounts("Average order", average(today), average(before)),
        ]
    }

    fn fortnight(&self) -> String {
        let Some(last) = self.days.last() else { return String::new() };
        let minor = self.days.iter().map(|day| day.revenue.minor).fold(0, i64::saturating_add);
        Money::new(minor, last.revenue.currency).to_string()
    }
}

fn figure(label: &'static str, value: String, (now, then): (i64, i64), before: String) -> Figure {
    let direction = match now.cmp(&then) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Equal => "same",
        std::cmp::Ordering::Less => "down",
    };
    let percent = (i128::from(now) - i128::from(then)).abs() * 100 / i128::from(then).abs().max(1);
    let change = match (direction, then) {
        ("same", _) => "same as".to_owned(),
        (_, 0) => "up from".to_owned(),
        ("up", _) => format!("up {percent}\u{202f}% from"),
        _ => format!("down {percent}\u{202f}% from"),
    };
    Figure { label, value, direction, change, before }
}
