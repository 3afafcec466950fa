//! Stoa: app.
