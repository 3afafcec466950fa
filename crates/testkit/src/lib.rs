//! Stoa: testkit.
