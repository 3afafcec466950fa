//! Sending mail.

use async_trait::async_trait;

/// A mail to one reader, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names it for ever: the same for each try, so that a reader's mail server can drop a second
    /// copy. Without angle brackets.
    pub message_id: String,
    /// Who it is from: `Stoa Market <shop@example.com>`.
    pub from: String,
    /// Where answers go; to the sender when there is nothing.
    pub reply_to: Option<String>,
    /// The reader's address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// The language it is in: `de`.
    pub language: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it says may let someone in.
        f.debug_struct("Mail").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server is away or busy, or its answer was lost: the mail may be sent or not.
    #[error("the mail server is away: {0}")]
    Unavailable(String),
    /// The mail will never be taken: a wrong address, or a server that refuses it for good.
    #[error("the mail was refused: {0}")]
    Refused(String),
}

/// Sends mail.
#[async_trait]
pub trait Mailer: std::fmt::Debug + Send + Sync {
    /// What it sends through, for people.
    fn name(&self) -> &'static str;

    /// Whether mail leaves this shop at all.
    fn sends(&self) -> bool {
        true
    }

    /// Hands a mail over. When this returns, someone else has it durably.
    ///
    /// # Errors
    /// It was not taken, or nobody knows.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
