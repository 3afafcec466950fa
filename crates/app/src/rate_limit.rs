//! How often somebody may try something: the limits, and who is counted.
//!
//! A try is counted before the work is done, so that many at once gain nothing; what turns out well
//! is given back.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use stoa_kernel::TokenHash;
use stoa_ports::cache::{Bucket, Quota, Taken};

use crate::cache::Cache;

/// The limits that are set; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Wrong passwords from one client, whatever the account.
    pub sign_in: Option<Quota>,
    /// Wrong passwords for one account from one client.
    pub sign_in_account: Option<Quota>,
    /// Wrong passwords for one account from anywhere.
    pub sign_in_anywhere: Option<Quota>,
    /// Orders that one client may try to place.
    pub checkout: Option<Quota>,
    /// Payments of one client that are declined.
    pub declined: Option<Quota>,
    /// Payments for one cart that are declined.
    pub declined_cart: Option<Quota>,
    /// Searches and suggestions of one client.
    pub search: Option<Quota>,
    /// Requests of one client to the API.
    pub api: Option<Quota>,
    /// Requests to the API with one token.
    pub api_token: Option<Quota>,
}

impl Limits {
    /// Whether a request that reads may be limited.
    pub const fn any_on_reads(&self) -> bool {
        self.search.is_some() || self.api.is_some() || self.api_token.is_some()
    }
}

/// The number that stands for a network address. Of IPv6 the network is meant: a household has
/// 2^64 addresses.
pub fn who_by_address(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}

/// The number that stands for an account by its e-mail address, in whatever spelling.
pub fn who_by_email(email: &str) -> u128 {
    let email: String = email.trim().to_lowercase().chars().take(254).collect();
    number(&Sha256::digest(email))
}

/// The number that stands for the holder of a token.
pub fn who_by_token(token: &TokenHash) -> u128 {
    number(&token.0)
}

/// The number that stands for both.
pub fn both(one: u128, other: u128) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update(one.to_be_bytes());
    hasher.update(other.to_be_bytes());
    number(&hasher.finalize())
}

fn number(bytes: &[u8]) -> u128 {
    bytes.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

/// A bucket with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whose tries are counted.
    pub bucket: Bucket,
    /// How many there may be.
    pub quota: Quota,
}

/// A try that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// By what.
    pub counted: Counted,
    /// How it went.
    pub taken: Taken,
}

impl Counted {
    /// Somebody's tries under a limit; none where there is no limit.
    pub fn new(limit: &'static str, quota: Option<Quota>, who: u128) -> Option<Self> {
        quota.map(|quota| Self { bucket: Bucket { limit, who }, quota })
    }

    /// Counts a try.
    pub async fn take(self, cache: &Cache) -> Limited {
        Limited { counted: self, taken: cache.take(self.bucket, self.quota).await }
    }
}

/// A try to sign in, or to be let in by something else that could be guessed.
#[derive(Debug, Clone)]
pub struct Attempt {
    client: Option<Counted>,
    account: Option<Counted>,
    anywhere: Option<Counted>,
}

impl Attempt {
    /// A try to sign in to the account with this e-mail address.
    pub fn sign_in(limits: &Limits, client: IpAddr, email: &str) -> Self {
        let names = ["sign-in", "sign-in-account", "sign-in-anywhere"];
        Self::new(limits, names, client, email)
    }

    /// A try to find an order by its number and e-mail address.
    pub fn order_lookup(limits: &Limits, client: IpAddr, email: &str) -> Self {
        let names = ["order-lookup", "order-lookup-account", "order-lookup-anywhere"];
        Self::new(limits, names, client, email)
    }

    /// A try to have a link for a new password sent to this address.
    pub fn new_password(limits: &Limits, client: IpAddr, email: &str) -> Self {
        let names = ["new-password", "new-password-account", "new-password-anywhere"];
        Self::new(limits, names, client, email)
    }

    fn new(limits: &Limits, names: [&'static str; 3], client: IpAddr, email: &str) -> Self {
        let [by_client, by_account, anywhere] = names;
        let (client, account) = (who_by_address(client), who_by_email(email));
        Self {
            client: Counted::new(by_client, limits.sign_in, client),
            account: Counted::new(by_account, limits.sign_in_account, both(client, account)),
            anywhere: Counted::new(anywhere, limits.sign_in_anywhere, account),
        }
    }

    /// Counts the try. One that is refused is not counted against those that come after it in the
    /// list: who is refused for their own tries does not use up those of the account.
    pub async fn begin(&self, cache: &Cache) -> Vec<Limited> {
        let mut limited = Vec::new();
        for counted in [self.client, self.account, self.anywhere].into_iter().flatten() {
            let one = counted.take(cache).await;
            limited.push(one);
            if !one.taken.allowed {
                break;
            }
        }
        limited
    }

    /// It turned out well: the tries for the account from here are forgotten.
    pub async fn succeeded(&self, cache: &Cache) {
        for counted in [self.client, self.anywhere].into_iter().flatten() {
            cache.give_back(counted.bucket, counted.quota).await;
        }
        if let Some(account) = self.account {
            cache.forgive(account.bucket).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> u128 {
        who_by_address(text.parse().unwrap())
    }

    #[test]
    fn clients_are_counted_by_address_or_network() {
        assert_eq!(address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("2001:db8:0:1::1"), address("2001:db8:0:1:ffff::2"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8:0:2::1"));
    }

    #[test]
    fn accounts_are_counted_in_any_spelling() {
        assert_eq!(who_by_email(" Ada@Example.com"), who_by_email("ada@example.com"));
        assert_ne!(who_by_email("ada@example.com"), who_by_email("bob@example.com"));
        assert_ne!(both(1, 2), both(2, 1));
    }
}
