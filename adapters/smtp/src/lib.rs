//! Sends mail over SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use stoa_ports::mail::{Mail, MailError, Mailer};

/// How long the server may take to answer once.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Connections at once.
const CONNECTIONS: u32 = 4;

/// Sends mail through a server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It holds a password.
        f.debug_struct("SmtpMailer").finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Sends through the server at an address: `smtps://user:secret@host:465` (TLS from the
    /// beginning) or `smtp://user:secret@host:587?tls=required` (STARTTLS). Without `tls` nothing is
    /// encrypted.
    ///
    /// # Errors
    /// It is no such address; the text does not repeat it.
    pub fn new(url: &str) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            "not an address such as smtps://user:secret@mail.example:465 or \
             smtp://user:secret@mail.example:587?tls=required"
        })?;
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30));
        Ok(Self { transport: builder.timeout(Some(TIMEOUT)).pool_config(pool).build() })
    }
}

fn mailbox(text: &str, whose: &str) -> Result<Mailbox, MailError> {
    text.parse().map_err(|error| MailError::Refused(format!("the {whose}'s address: {error}")))
}

/// The mail as it goes over the wire.
fn message(mail: &Mail) -> Result<Message, MailError> {
    let header = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
    };
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}>", mail.message_id)))
        .from(mailbox(&mail.from, "sender")?)
        .to(mailbox(&mail.to, "reader")?)
        .subject(&mail.subject)
        .raw_header(header("Content-Language", &mail.language))
        // Out-of-office notes are not wanted (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(mailbox(reply_to, "answers")?);
    }
    builder
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| MailError::Refused(error.to_string()))
}

#[async_trait]
impl Mailer for SmtpMailer {
    fn name(&self) -> &'static str {
        "SMTP"
    }

    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        match self.transport.send(message(mail)?).await {
            Ok(_) => Ok(()),
            // 5xx to this mail. To a login it is the operator's matter, and mended by them.
            Err(error) if error.is_permanent() && !is_about_login(&error) => {
                Err(MailError::Refused(error.to_string()))
            }
            Err(error) => Err(MailError::Unavailable(error.to_string())),
        }
    }
}

/// 530, 534, 535, 538: who sends must sign in, or signs in wrongly (RFC 4954).
fn is_about_login(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| {
        let code = code.to_string();
        ["530", "534", "535", "538"].contains(&code.as_str())
    })
}
