//! Randomness for secrets and for seeds. The only place of this crate that asks the system for it.

use stoa_kernel::{IdSource, Token};

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct EntropyError(#[from] getrandom::Error);

/// A new capability.
///
/// # Errors
/// The system gives no random bytes.
pub fn token() -> Result<Token, EntropyError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(Token::from_random(bytes))
}

/// A source of ids that no other process shares.
///
/// # Errors
/// The system gives no random bytes.
pub fn ids() -> Result<IdSource, EntropyError> {
    Ok(IdSource::seeded(getrandom::u64()?))
}

/// A number to spread things by. Where the system gives no random bytes, it is zero: nothing is
/// less secure for that.
pub fn number() -> u64 {
    getrandom::u64().unwrap_or(0)
}
