//! Stoa: embedded.
