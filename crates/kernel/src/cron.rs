//! Times that come again, as `cron` writes them: minute, hour, day of month, month, day of week, in
//! UTC.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::Timestamp;

/// Days looked at for the next time: 29 February comes within eight years.
const DAYS: u32 = 366 * 8 + 2;

/// A schedule: `*/15 * * * *` is every quarter of an hour, `30 3 * * 1` Mondays at 03:30 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a schedule: {why}; write minute, hour, day of month, month and day of week, \
     e.g. `30 3 * * 1`"
)]
pub struct CronError {
    text: String,
    why: String,
}

/// The numbers that a field allows, as bits.
fn field(text: &str, name: &str, low: u8, high: u8) -> Result<u64, String> {
    let number = |text: &str| -> Result<u8, String> {
        let number = text.parse().map_err(|_| format!("the {name} `{text}` is not a number"))?;
        if (low..=high).contains(&number) {
            Ok(number)
        } else {
            Err(format!("the {name} {number} is not from {low} to {high}"))
        }
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<u8>().ok().filter(|step| *step > 0);
                (range, Some(step.ok_or_else(|| format!("the step of `{part}` is not a number"))?))
            }
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (low, high),
            // `5/10` is from five on.
            None => (number(range)?, if step.is_some() { high } else { number(range)? }),
        };
        if first > last {
            return Err(format!("`{range}` ends before it begins"));
        }
        for n in (first..=last).step_by(usize::from(step.unwrap_or(1))) {
            bits |= 1_u64 << n;
        }
    }
    Ok(bits)
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let wrong = |why: String| CronError { text: text.chars().take(64).collect(), why };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(wrong("it has not five fields".to_owned()));
        };
        let mut weekdays = field(weekday, "day of week", 0, 7).map_err(wrong)?;
        if weekdays & (1 << 7) != 0 {
            weekdays |= 1; // Sunday has two numbers.
        }
        let cron = Self {
            text: fields.join(" "),
            minutes: field(minute, "minute", 0, 59).map_err(wrong)?,
            hours: field(hour, "hour", 0, 23).map_err(wrong)?,
            days: field(day, "day of month", 1, 31).map_err(wrong)?,
            months: field(month, "month", 1, 12).map_err(wrong)?,
            weekdays,
            any_day: day.starts_with('*'),
            any_weekday: weekday.starts_with('*'),
        };
        match cron.after(Timestamp::EPOCH) {
            Some(_) => Ok(cron),
            None => Err(wrong("there is no such day".to_owned())),
        }
    }
}

fn has(bits: u64, n: i8) -> bool {
    u32::try_from(n).is_ok_and(|n| bits & (1_u64 << n) != 0)
}

impl Cron {
    /// The first time after `then`; `None` at the end of the calendar.
    pub fn after(&self, then: Timestamp) -> Option<Timestamp> {
        let then = jiff::Timestamp::from_microsecond(then.as_micros()).ok()?;
        let start = TimeZone::UTC.to_datetime(then);
        let mut date = start.date();
        for _ in 0..DAYS {
            if self.falls_on(date) {
                for hour in (0..24).filter(|hour| has(self.hours, *hour)) {
                    for minute in (0..60).filter(|minute| has(self.minutes, *minute)) {
                        let time = date.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
                        if time > start {
                            let time = TimeZone::UTC.to_timestamp(time).ok()?;
                            return Some(Timestamp::from_micros(time.as_microsecond()));
                        }
                    }
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    /// Where both days are restricted, either is enough, as cron has it.
    fn falls_on(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        fits && has(self.months, date.month())
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, then: &str) -> String {
        let then: Timestamp = then.parse().unwrap();
        cron.parse::<Cron>().unwrap().after(then).unwrap().to_string().replace(".000000", "")
    }

    #[test]
    fn the_next_time_is_the_first_that_fits() {
        for (cron, then, expected) in [
            ("* * * * *", "2026-11-24T13:30:00Z", "2026-11-24T13:31:00Z"),
            ("*/15 * * * *", "2026-11-24T13:30:01Z", "2026-11-24T13:45:00Z"),
            ("30 3 * * *", "2026-11-24T03:30:00Z", "2026-11-25T03:30:00Z"),
            ("0 0 29 2 *", "2026-11-24T13:30:00Z", "2028-02-29T00:00:00Z"),
            ("0 9 * * 1-5", "2026-11-27T10:00:00Z", "2026-11-30T09:00:00Z"),
            ("0 9 * * 7", "2026-11-24T10:00:00Z", "2026-11-29T09:00:00Z"),
            // The 13th or a Friday.
            ("0 0 13 * 5", "2026-11-24T10:00:00Z", "2026-11-27T00:00:00Z"),
            ("5,35 22-23 31 12 *", "2026-11-24T10:00:00Z", "2026-12-31T22:05:00Z"),
            ("50/5 0 1 1 *", "2026-01-01T00:50:00Z", "2026-01-01T00:55:00Z"),
        ] {
            assert_eq!(next(cron, then), expected, "{cron}");
        }
    }

    #[test]
    fn what_is_no_schedule_says_why() {
        for (text, why) in [
            ("", "five fields"),
            ("* * * *", "five fields"),
            ("60 * * * *", "from 0 to 59"),
            ("a * * * *", "not a number"),
            ("*/0 * * * *", "step"),
            ("9-3 * * * *", "ends before"),
            ("0 0 31 2 *", "no such day"),
        ] {
            let error = text.parse::<Cron>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
