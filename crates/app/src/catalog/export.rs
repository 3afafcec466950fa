//! Products to files.
