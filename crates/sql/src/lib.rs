//! Stoa: sql.
