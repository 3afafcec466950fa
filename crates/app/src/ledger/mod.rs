//! The books in the store. Owns `ledger_entries` and `ledger_postings`.

pub mod store;
