//! Stoa: pages.
