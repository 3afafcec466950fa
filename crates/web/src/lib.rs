//! Stoa: web.
