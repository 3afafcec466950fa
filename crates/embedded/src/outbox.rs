//! Mail that stays here: the shop's own list of mails is the outbox, which the back office shows.

use async_trait::async_trait;
use stoa_ports::mail::{Mail, MailError, Mailer};

/// Sends nothing anywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outbox;

#[async_trait]
impl Mailer for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn sends(&self) -> bool {
        false
    }

    async fn send(&self, _mail: &Mail) -> Result<(), MailError> {
        // It is stored already.
        Ok(())
    }
}
