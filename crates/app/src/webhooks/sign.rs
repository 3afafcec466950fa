//! Secrets of endpoints and signatures of deliveries, as Standard Webhooks 1.0 has them.
//!
//! A secret is not stored: it is derived from the shop's secret, the endpoint and a number that
//! rotating raises. So none is in a database whose `security.secret_file` is elsewhere.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stoa_kernel::{Timestamp, WebhookId};

use super::store::Webhook;

fn mac<'a>(key: &[u8; 32], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    // As HMAC itself does it with a key that is shorter than a block.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The secret of an endpoint: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// The secret of an endpoint, by its number.
    pub fn derive(shop: &[u8; 32], webhook: WebhookId, version: i64) -> Self {
        let id = webhook.uuid();
        Self(mac(shop, [b"webhook secret".as_slice(), id.as_bytes(), &version.to_be_bytes()]))
    }

    /// A secret as receivers are given it: `whsec_` and base64.
    ///
    /// # Errors
    /// It has another form, or not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = text.trim().strip_prefix("whsec_").map(|text| BASE64.decode(text.as_bytes()));
        let bytes = bytes.and_then(Result::ok).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a secret is `whsec_` and 32 bytes in base64")
    }

    /// As receivers are given it. It must not be logged.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", BASE64.encode(&self.0))
    }

    /// The signature of a delivery: `v1,` and base64.
    pub fn sign(&self, id: &str, at_s: i64, body: &str) -> String {
        let at = at_s.to_string();
        let parts = [id, ".", &at, ".", body];
        format!("v1,{}", BASE64.encode(&mac(&self.0, parts.map(str::as_bytes))))
    }
}

/// The signatures of a delivery with every secret that counts at a time, the newest first.
pub fn signatures(
    shop: &[u8; 32],
    webhook: &Webhook,
    id: &str,
    now: Timestamp,
    at_s: i64,
    body: &str,
) -> String {
    let signed = |version| Secret::derive(shop, webhook.id, version).sign(id, at_s, body);
    let newest = signed(webhook.secret_version);
    if webhook.old_secret_until(now).is_some() {
        format!("{newest} {}", signed(webhook.secret_version - 1))
    } else {
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_standard() {
        let key = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let secret = Secret(key);
        assert_eq!(Secret::parse(&secret.reveal()), Ok(secret));
        // echo -n 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00..1f
        assert_eq!(
            secret.sign("msg_1", 1_700_000_000, "{\"a\":1}"),
            "v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4="
        );
        assert!(Secret::parse("whsec_AAAA").is_err() && Secret::parse("secret").is_err());
    }
}
