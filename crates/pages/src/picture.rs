//! x
/// x
pub fn colour_of(_word: &str) -> Option<&'static str> { None }
