//! Limits how often passwords are tried. In memory: a restart forgives, and guessing across
//! restarts gains nothing.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use stoa_kernel::Timestamp;

/// Tries for one e-mail address from one network address within a window.
const PER_EMAIL: u32 = 10;
/// Tries from one network address within a window, whatever the e-mail address.
const PER_ADDRESS: u32 = 60;
/// Length of a window.
const WINDOW_S: i64 = 15 * 60;
/// Windows kept; beyond it the older half is forgotten.
const KEPT: usize = 10_000;

/// Refused: too many wrong passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {retry_after_s} seconds")]
pub struct TooManyAttempts {
    /// How long to wait.
    pub retry_after_s: i64,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Timestamp,
    tries: u32,
}

/// The tries of the last minutes.
#[derive(Debug, Default)]
pub struct Attempts {
    windows: Mutex<BTreeMap<String, Window>>,
}

impl Attempts {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a try before the password is looked at, so that many at once gain nothing.
    ///
    /// # Errors
    /// There were too many.
    pub fn begin(&self, email: &str, address: &str, now: Timestamp) -> Result<(), TooManyAttempts> {
        let mut windows = self.windows.lock();
        for (key, limit) in
            [(address_key(address), PER_ADDRESS), (email_key(email, address), PER_EMAIL)]
        {
            count(&mut windows, key, limit, now)?;
        }
        Ok(())
    }

    /// Forgets the tries for an e-mail address once its password was right.
    pub fn succeeded(&self, email: &str, address: &str) {
        self.windows.lock().remove(&email_key(email, address));
    }
}

fn address_key(address: &str) -> String {
    format!("from {address}")
}

fn email_key(email: &str, address: &str) -> String {
    let email: String = email.trim().to_lowercase().chars().take(254).collect();
    format!("for {email} from {address}")
}

fn forget_older_half(windows: &mut BTreeMap<String, Window>) {
    let mut began: Vec<Timestamp> = windows.values().map(|window| window.began).collect();
    began.sort_unstable();
    if let Some(median) = began.get(began.len() / 2).copied() {
        windows.retain(|_, window| window.began > median);
    }
}

fn count(
    windows: &mut BTreeMap<String, Window>,
    key: String,
    limit: u32,
    now: Timestamp,
) -> Result<(), TooManyAttempts> {
    let ends = |window: &Window| window.began.plus_seconds(WINDOW_S);
    if !windows.contains_key(&key) && windows.len() >= KEPT {
        windows.retain(|_, window| ends(window) > now);
        if windows.len() >= KEPT {
            forget_older_half(windows);
        }
    }
    let fresh = Window { began: now, tries: 0 };
    let window = windows.entry(key).or_insert(fresh);
    if ends(window) <= now {
        *window = fresh;
    }
    if window.tries >= limit {
        let left_us = ends(window).as_micros().saturating_sub(now.as_micros());
        return Err(TooManyAttempts { retry_after_s: left_us / 1_000_000 + 1 });
    }
    window.tries += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn the_eleventh_try_waits_for_the_window_to_end() {
        let attempts = Attempts::new();
        for _ in 0..PER_EMAIL {
            attempts.begin("a@example.com", "192.0.2.1", NOW).unwrap();
        }
        let refused =
            attempts.begin(" A@Example.com", "192.0.2.1", NOW.plus_seconds(60)).unwrap_err();
        assert_eq!(refused.retry_after_s, WINDOW_S - 60 + 1);
        attempts.begin("a@example.com", "192.0.2.2", NOW).unwrap();
        attempts.begin("b@example.com", "192.0.2.1", NOW).unwrap();
        attempts.begin("a@example.com", "192.0.2.1", NOW.plus_seconds(WINDOW_S)).unwrap();
    }

    #[test]
    fn success_forgives_and_one_address_cannot_try_everyone() {
        let attempts = Attempts::new();
        for _ in 0..PER_EMAIL {
            attempts.begin("a@example.com", "192.0.2.1", NOW).unwrap();
        }
        attempts.succeeded("a@example.com", "192.0.2.1");
        attempts.begin("a@example.com", "192.0.2.1", NOW).unwrap();
        for number in PER_EMAIL + 1..PER_ADDRESS {
            let email = format!("{number}@example.com");
            attempts.begin(&email, "192.0.2.1", NOW).unwrap();
        }
        assert!(attempts.begin("z@example.com", "192.0.2.1", NOW).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let attempts = Attempts::new();
        for number in 0..KEPT + 50 {
            let address = number.to_string();
            let now = NOW.plus_millis(i64::try_from(number).unwrap());
            attempts.begin("a@example.com", &address, now).unwrap();
        }
        let windows = attempts.windows.lock();
        assert!((KEPT / 4..=KEPT).contains(&windows.len()));
        assert!(windows.contains_key(&address_key(&(KEPT + 49).to_string())));
    }
}
