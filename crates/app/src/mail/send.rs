//! The job that sends a mail, and the one that forgets old ones.
//!
//! Between handing a mail over and recording that, the process may die; then the mail is sent again,
//! under the same message id. So a reader gets it at least once, and a second time only after such a
//! crash, or where the server's answer was lost.

use async_trait::async_trait;
use serde::Deserialize;
use stoa_kernel::MailId;
use stoa_ports::mail::{Mail, MailError};

use super::compose::{ComposeError, compose};
use super::render::{LINK, Rendered};
use super::store::{MailState, StoredMail};
use super::{keep_until, links, store};
use crate::jobs::{Handlers, JobFailure, JobHandler, Run};
use crate::shop::Shop;

/// Sends a mail.
pub const SEND: &str = "mail.send";
/// Forgets mails that were written long ago.
pub const PURGE: &str = "mail.purge";
/// How often a mail is tried: over more than two days.
pub const TRIES: u32 = 20;

/// Who does them.
pub(crate) fn handlers(handlers: Handlers) -> Handlers {
    handlers.with(SEND, Send).with(PURGE, Purge)
}

#[derive(Deserialize)]
struct Args {
    mail: MailId,
}

struct Send;

/// A mail as it goes out, with its link.
async fn ready(shop: &Shop, stored: &StoredMail, rendered: &Rendered) -> Result<Mail, MailError> {
    let link = links::address(shop, stored.link.as_deref(), stored.created_at).await?;
    Ok(Mail {
        message_id: stored.message_id.clone(),
        from: shop.mail.from.clone(),
        reply_to: shop.mail.reply_to.clone(),
        to: stored.recipient.clone(),
        subject: rendered.subject.clone(),
        text: rendered.text.replace(LINK, &link),
        html: rendered.html.replace(LINK, &link),
        language: stored.language.code().to_owned(),
    })
}

#[async_trait]
impl JobHandler for Send {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let Args { mail } = Args::deserialize(&run.args)?;
        let mut tx = shop.db.read().await?;
        let stored = store::find(&mut tx, mail).await?;
        let Some(stored) = stored.filter(|mail| mail.state != MailState::Sent) else {
            return Ok(());
        };
        let rendered = match &stored.rendered {
            Some(rendered) => Ok(rendered.clone()),
            None => compose(&mut tx, shop, &stored).await,
        };
        drop(tx);
        let sent = match &rendered {
            Ok(rendered) => match ready(shop, &stored, rendered).await {
                Ok(mail) => shop.mailer.send(&mail).await,
                Err(error) => Err(error),
            },
            Err(ComposeError::Store(error)) => Err(MailError::Unavailable(error.to_string())),
            Err(error) => Err(MailError::Refused(error.to_string())),
        };
        let mut tx = shop.db.begin().await?;
        let result = match sent {
            Ok(()) => {
                if let Ok(rendered) = &rendered {
                    store::sent(&mut tx, mail, (shop.clock)(), rendered).await?;
                }
                Ok(())
            }
            Err(MailError::Unavailable(error)) => {
                let last = run.attempt >= TRIES;
                let state = if last { MailState::Failed } else { MailState::Queued };
                store::failed(&mut tx, mail, state, &error).await?;
                Err(JobFailure::Again(error))
            }
            Err(MailError::Refused(error)) => {
                store::failed(&mut tx, mail, MailState::Failed, &error).await?;
                Err(JobFailure::Final(error))
            }
        };
        tx.commit().await?;
        result
    }
}

struct Purge;

#[async_trait]
impl JobHandler for Purge {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let mut gone = 0;
        loop {
            let mut tx = shop.db.begin().await?;
            let some = store::purge(&mut tx, keep_until((shop.clock)())).await?;
            tx.commit().await?;
            if some == 0 {
                return Ok(());
            }
            gone += usize::try_from(some).unwrap_or(usize::MAX);
            run.progress(gone, None);
        }
    }
}
