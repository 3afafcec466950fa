//! Who follows the event log: durable subscribers, named readers, and what each has still to see.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`subscriber`] | what a subscriber is, and the list of the shop's own |
//! | [`runner`] | brings facts to subscribers, each at its own pace |
//! | [`envelope`] | facts as CloudEvents, as they are shown outside |
//! | [`lag`] | how far everybody is behind |
//! | [`store`] | all SQL; owns `subscribers` |
//!
//! Facts are written by [`crate::event_log`]. What follows them in memory or in an index of its own
//! is in [`crate::follow`].

pub mod envelope;
pub mod lag;
pub mod runner;
pub mod store;
pub mod subscriber;

pub use envelope::CloudEvent;
pub use subscriber::{Subscriber, SubscriberError, subscribers};

/// Whether a type of events is one that a pattern names: `order.placed`, `order.*` or `*`.
pub fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => kind.starts_with(begin),
        None => kind == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_names_one_type_or_all_that_begin_so() {
        assert!(matches("order.placed", "order.placed") && matches("*", "order.placed"));
        assert!(matches("order.*", "order.placed") && !matches("order.*", "orders"));
        assert!(!matches("order", "order.placed") && !matches("", "order.placed"));
    }
}
