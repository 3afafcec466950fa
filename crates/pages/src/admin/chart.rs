//! A column chart without inline styles: the columns are an SVG stretched to the width it has, the
//! labels are text beside it, and a table says the same in numbers.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::dashboard::DaySales;
use super::parts::{When, count, when};

/// Height of the drawing, in its own units.
const HEIGHT: i64 = 100;
/// Width of one day, in the drawing's units.
const STEP: i64 = 10;
/// Width of a column.
const WIDTH: i64 = 6;
/// Lines above the base line.
const LINES: i64 = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    x: i64,
    y: i64,
    height: i64,
    is_today: bool,
    title: String,
}

/// Revenue by day.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/chart.html")]
pub(crate) struct Chart {
    columns: Vec<Column>,
    /// From the top line down to zero.
    scale: Vec<String>,
    days: Vec<DaySales>,
}

impl Chart {
    /// A chart of these days, the last of which is today.
    pub(crate) fn new(days: &[DaySales]) -> Self {
        let top = days.iter().map(|day| day.revenue.minor).max().unwrap_or(0);
        let step = nice_step(top);
        let currency = days.last().map(|day| day.revenue.currency);
        let scale = currency.map_or_else(Vec::new, |currency| {
            (0..=LINES).rev().map(|line| whole(Money::new(step * line, currency))).collect()
        });
        let columns = (0_i64..).zip(days).map(|(index, day)| {
            let share = i128::from(day.revenue.minor.max(0)) * i128::from(HEIGHT)
                / i128::from(step * LINES);
            let mut height = i64::try_from(share).unwrap_or(HEIGHT);
            if day.revenue.minor > 0 {
                height = height.max(1);
            }
            Column {
                x: index * STEP + (STEP - WIDTH) / 2,
                y: HEIGHT - height,
                height,
                is_today: index + 1 == i64::try_from(days.len()).unwrap_or(i64::MAX),
                title: format!(
                    "{}: {}, {}",
                    When(day.day).short_day(),
                    day.revenue,
                    count(day.orders, "order", "orders")
                ),
            }
        });
        Self { columns: columns.collect(), scale, days: days.to_vec() }
    }

    fn width(&self) -> usize {
        self.columns.len() * usize::try_from(STEP).unwrap_or(0)
    }

    fn lines(&self) -> Vec<i64> {
        (0..=LINES).map(|line| HEIGHT - line * HEIGHT / LINES).collect()
    }

    fn newest_first(&self) -> Vec<&DaySales> {
        self.days.iter().rev().collect()
    }

    fn short_day(&self, day: &Timestamp) -> String {
        When(*day).short_day()
    }
}

/// The distance of lines such that four of them reach `top`: 1, 2, 2.5 or 5 times a power of ten.
fn nice_step(top: i64) -> i64 {
    let needed = top.max(1).saturating_add(LINES - 1) / LINES;
    let mut power: i64 = 100; // A whole unit of most currencies.
    loop {
        for step in [power, power * 2, power / 2 * 5, power * 5] {
            if step >= needed {
                return step;
            }
        }
        match power.checked_mul(10) {
            Some(next) if next <= i64::MAX / 100 => power = next,
            _ => return needed,
        }
    }
}

/// An amount without its empty fraction: `$1,200`.
fn whole(money: Money) -> String {
    let text = money.to_string();
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use stoa_kernel::Currency;

    use super::*;

    fn day(number: i64, minor: i64) -> DaySales {
        DaySales {
            day: Timestamp::EPOCH.plus_seconds(number * 86_400),
            orders: 2,
            revenue: Money::new(minor, Currency::USD),
        }
    }

    #[test]
    fn the_scale_is_round_and_holds_every_column() {
        for (top, step) in [
            (0, 100),
            (1, 100),
            (400, 100),
            (401, 200),
            (99_999, 25_000),
            (i64::MAX, i64::MAX / 4 + 1),
        ] {
            if top < i64::MAX {
                assert_eq!(nice_step(top), step, "{top}");
            }
            assert!(i128::from(nice_step(top)) * i128::from(LINES) >= i128::from(top) - 4);
        }
        let chart = Chart::new(&[day(0, 0), day(1, 123_456), day(2, 1)]);
        assert_eq!(chart.scale, ["$2,000", "$1,500", "$1,000", "$500", "$0"]);
        assert_eq!(chart.columns[0].height, 0);
        assert_eq!(chart.columns[1].height, 61);
        assert_eq!(chart.columns[2].height, 1, "a little is not nothing");
        assert!(chart.columns.iter().all(|column| column.y + column.height == HEIGHT));
        assert_eq!(chart.columns.iter().filter(|column| column.is_today).count(), 1);
        assert!(Chart::new(&[]).scale.is_empty());
    }
}
