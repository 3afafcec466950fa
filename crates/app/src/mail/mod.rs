//! Mail to shoppers and staff: each caused by a fact, written once for it, sent by a job.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`store`] | all SQL; owns `mails` and `mail_templates` |
//! | [`render`] | templates, built in and the merchant's, as text and HTML |
//! | [`compose`] | what belongs in which mail |
//! | [`subscriber`] | writes mails for facts of the event log |
//! | [`links`] | where links lead, with capabilities that are never stored |
//! | [`send`] | the job that sends a mail |

pub mod compose;
pub mod links;
pub mod render;
pub mod send;
pub mod store;
pub mod subscriber;

use stoa_kernel::{Ctx, Currency, Money, Timestamp};
use stoa_ports::jobs::{HIGH, NewJob};
use stoa_sql::Tx;

use crate::error::StoreError;
use crate::jobs;
use crate::shop::Shop;
use render::{Contents, Items, TemplateError};
use store::{MailState, StoredMail};

/// Which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailKind {
    /// An order is placed.
    OrderConfirmation,
    /// An order has left the house.
    ShippingNotice,
    /// An order was called off.
    OrderCancelled,
    /// Money was given back.
    Refund,
    /// Someone forgot a password.
    PasswordReset,
    /// Someone is to help run the shop.
    Invitation,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OrderConfirmation,
        Self::ShippingNotice,
        Self::OrderCancelled,
        Self::Refund,
        Self::PasswordReset,
        Self::Invitation,
    ];

    /// Its name in the store, in addresses and in the files of texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderConfirmation => "order_confirmation",
            Self::ShippingNotice => "shipping_notice",
            Self::OrderCancelled => "order_cancelled",
            Self::Refund => "refund",
            Self::PasswordReset => "password_reset",
            Self::Invitation => "invitation",
        }
    }

    /// The kind of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A language that mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::French];

    /// Its code (ISO 639-1).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
        }
    }

    /// The language of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// What most people of a country read, of the languages there are.
    fn of_country(country: &str) -> Self {
        match country {
            "DE" | "AT" | "CH" | "LI" => Self::German,
            "FR" | "MC" | "LU" | "BJ" | "BF" | "CI" | "GA" | "ML" | "NE" | "SN" | "TG" => {
                Self::French
            }
            _ => Self::English,
        }
    }
}

/// How mails are written and sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailSettings {
    /// Who they are from: `Stoa Market <shop@example.com>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// The language; `None` for that of the country an order goes to.
    pub language: Option<Language>,
    /// The shop's address in the web, without a slash at the end.
    pub public_url: String,
}

impl MailSettings {
    /// The language for an order that goes to a country; without one, for staff.
    pub fn language_for(&self, country: Option<&str>) -> Language {
        self.language.unwrap_or_else(|| country.map_or(Language::English, Language::of_country))
    }

    /// What message ids end with.
    fn domain(&self) -> &str {
        let after = |separator: &str| {
            let (_, rest) = self.public_url.split_once(separator)?;
            rest.split(['/', ':']).next()
        };
        let from = self.from.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('>'));
        from.or_else(|| after("://")).filter(|domain| !domain.is_empty()).unwrap_or("localhost")
    }

    /// The name of a mail on its way: the same for the same cause, and for nothing else.
    pub fn message_id(&self, cause: &str) -> String {
        use sha2::{Digest, Sha256};
        let digest: [u8; 32] = Sha256::digest(cause.as_bytes()).into();
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}@{}", self.domain())
    }
}

/// Stores mails and the jobs that send them, in the transaction that causes them. Nothing happens where
/// there is one with the same cause; without a mail server they are only kept.
///
/// # Errors
/// The store failed.
pub async fn enqueue(tx: &mut Tx, ctx: &mut Ctx, mails: &[StoredMail]) -> Result<(), StoreError> {
    let stored = store::add(tx, mails).await?;
    let mut due = Vec::with_capacity(mails.len());
    for (mail, stored) in mails.iter().zip(stored) {
        if stored && mail.state == MailState::Queued {
            due.push(send_job(ctx, mail));
        }
    }
    jobs::store::add(tx, &due, ctx.now).await?;
    Ok(())
}

/// The job that sends a mail.
pub fn send_job(ctx: &mut Ctx, mail: &StoredMail) -> NewJob {
    let args = serde_json::json!({ "mail": mail.id });
    let base = NewJob::new(ctx.job_id(), send::SEND, args, ctx.now);
    NewJob {
        unique_key: Some(format!("mail/{}", mail.id)),
        max_attempts: send::TRIES,
        // Someone waits in front of a screen for these.
        priority: match mail.kind {
            MailKind::PasswordReset | MailKind::Invitation => HIGH,
            _ => base.priority,
        },
        ..base
    }
}

/// A mail that is to be stored. What it says is written when it is sent.
pub fn new_mail(
    shop: &Shop,
    ctx: &mut Ctx,
    kind: MailKind,
    language: Language,
    recipient: &str,
    link: String,
) -> StoredMail {
    let cause = format!("{}/{link}", kind.as_str());
    StoredMail {
        id: ctx.mail_id(),
        kind,
        language,
        recipient: recipient.to_owned(),
        rendered: None,
        subject: None,
        link: Some(link),
        message_id: shop.mail.message_id(&cause),
        state: if shop.mailer.sends() { MailState::Queued } else { MailState::Kept },
        error: None,
        created_at: ctx.now,
        sent_at: None,
        cause,
    }
}

/// Contents to try templates with.
///
/// # Errors
/// Never: a test makes them all.
pub fn sample(language: Language) -> Result<Contents, TemplateError> {
    let words = render::words(language)?;
    let money = |minor| Money::new(minor, Currency::EUR).to_string();
    Ok(Contents {
        values: serde_json::json!({
            "shop": { "name": "Stoa Market", "url": "https://shop.example" },
            "order": {
                "number": "#1042",
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "total": money(6_380),
                "refunded": money(6_380),
                "shipping_method": "Standard",
                "tracking": "DHL 00340434161094015902",
                "tracking_url": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=00340434161094015902",
            },
            "invitation": { "by": "Grace Hopper" },
        }),
        items: Items {
            heading: words.item.clone(),
            lines: vec![
                (2, "Harbour Mug".to_owned(), "Cream".to_owned(), money(4_800)),
                (1, "Linen Tea Towel".to_owned(), String::new(), money(1_081)),
            ],
            sums: vec![
                (words.subtotal.clone(), money(5_881)),
                (words.shipping.clone(), money(499)),
            ],
            total: (words.total.clone(), money(6_380)),
        },
        address: vec![
            "Ada Lovelace".to_owned(),
            "Hauptstraße 1".to_owned(),
            "10115 Berlin".to_owned(),
            "DE".to_owned(),
        ],
        shop: "Stoa Market".to_owned(),
        shop_url: "https://shop.example".to_owned(),
    })
}

/// How long ago mails were written that are forgotten now.
fn keep_until(now: Timestamp) -> Timestamp {
    now.plus_seconds(-stoa_kernel::limits::MAIL_KEEP_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_names_a_cause_and_ends_with_the_senders_domain() {
        let settings = MailSettings {
            from: "Shop <shop@mail.example>".to_owned(),
            public_url: "https://shop.example:8443".to_owned(),
            ..MailSettings::default()
        };
        let one = settings.message_id("order_confirmation/ord_1");
        assert_eq!(one, settings.message_id("order_confirmation/ord_1"));
        assert_ne!(one, settings.message_id("order_confirmation/ord_2"));
        assert!(one.ends_with("@mail.example"));
        let bare = MailSettings { from: String::new(), ..settings };
        assert!(bare.message_id("x").ends_with("@shop.example"));
    }

    #[test]
    fn an_order_is_written_in_the_language_of_its_country_unless_one_is_set() {
        let auto = MailSettings::default();
        assert_eq!(auto.language_for(Some("AT")), Language::German);
        assert_eq!(auto.language_for(Some("US")), Language::English);
        assert_eq!(auto.language_for(None), Language::English);
        let set = MailSettings { language: Some(Language::French), ..auto };
        assert_eq!(set.language_for(Some("AT")), Language::French);
    }
}
