//! What the demonstration shop sells, and to whom.

pub mod buyers;
pub mod catalogue;
