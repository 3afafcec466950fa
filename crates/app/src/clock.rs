//! The one place where Stoa reads a clock.

use stoa_kernel::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the seam; everyone else is handed a time")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(std::time::Duration::ZERO);
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
