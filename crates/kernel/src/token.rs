//! Capabilities: 128 random bits that grant access to whoever holds them.
//!
//! A token is shown to its holder and never stored; the store keeps [`TokenHash`].

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::id::{decode, encode};

/// A secret of 128 random bits. `Debug` does not show it; [`Token::reveal`] does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(u128);

impl Token {
    /// Makes a token of 16 bytes from a cryptographic random source.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The text its holder sees: 26 Crockford characters.
    pub fn reveal(&self) -> String {
        encode(self.0).iter().map(|byte| char::from(*byte)).collect()
    }

    /// What the store keeps: SHA-256 of the token. A token has 128 bits of entropy, so that no
    /// slow hash is needed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.to_be_bytes()).into())
    }

    /// Another capability that the holder of this one is entitled to, e.g. the order that came of
    /// a cart. One way: the derived token does not reveal this one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(purpose.as_bytes());
        hasher.update([0]);
        hasher.update(self.0.to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(digest) {
            *to = from;
        }
        Self::from_random(half)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A text that is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has 26 characters")]
pub struct TokenError;

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        decode(text).map(Self).ok_or(TokenError)
    }
}

/// SHA-256 of a [`Token`]: the key under which the store finds what the token grants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenHash({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_round_trips_and_hides() {
        let token = Token::from_random([0xA5; 16]);
        assert_eq!(token.reveal().parse::<Token>().unwrap(), token);
        assert!(!format!("{token:?}").contains(&token.reveal()));
        assert_ne!(token.derive("order"), token.derive("mail"));
        assert_ne!(token.derive("order").hash(), token.hash());
    }
}
