//! The built-in payment provider: takes no money, but behaves like one that does.
//!
//! It keeps a book of every charge beside the database, as a real provider keeps one elsewhere:
//! appended to a file before the answer is given, so that it survives the death of the process and
//! can be compared with the shop's own books (`stoa doctor`). It is as awkward as configured: slow,
//! or with replies that get lost after the money was taken.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_kernel::{Money, PaymentId};
use stoa_ports::payment::{Charge, ChargeOutcome, PaymentError, PaymentProvider};

/// The name of the provider in orders and requests.
pub const NAME: &str = "test";

/// How awkward the provider is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// How long every call takes.
    pub delay: Duration,
    /// Every so many calls the reply is lost after the work was done; 0 for never.
    pub lose_every: u64,
}

/// What the book says of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the shopper.
    RequiresAction,
    /// The money is taken.
    Captured,
    /// Refused: the card.
    Declined,
    /// Refused: not enough money.
    InsufficientFunds,
    /// Refused: the shopper did not confirm.
    AuthenticationFailed,
    /// Ended before it was captured.
    Voided,
    /// The money is given back.
    Refunded,
}

impl State {
    const ALL: [(Self, &'static str); 7] = [
        (Self::RequiresAction, "requires_action"),
        (Self::Captured, "captured"),
        (Self::Declined, "card_declined"),
        (Self::InsufficientFunds, "insufficient_funds"),
        (Self::AuthenticationFailed, "authentication_failed"),
        (Self::Voided, "voided"),
        (Self::Refunded, "refunded"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(state, _)| *state)
    }
}

/// A charge in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// What became of it.
    pub state: State,
    /// How much.
    pub amount: Money,
}

#[derive(Debug)]
struct Book {
    charges: HashMap<PaymentId, Booked>,
    file: File,
}

/// The provider.
#[derive(Debug)]
pub struct TestProvider {
    book: Mutex<Book>,
    behaviour: Behaviour,
    calls: AtomicU64,
}

/// Reads a book: one line a change, `payment state amount currency`; the last line of a payment
/// holds. A line cut off by a crash is left out.
///
/// # Errors
/// The file is there but cannot be read.
pub fn read_book(path: &Path) -> std::io::Result<HashMap<PaymentId, Booked>> {
    let mut charges = HashMap::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(charges),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let mut words = line.split(' ');
        let (Some(id), Some(state), Some(minor), Some(currency)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let (Ok(id), Some(state), Ok(minor), Ok(currency)) =
            (id.parse(), State::parse(state), minor.parse(), currency.parse())
        {
            charges.insert(id, Booked { state, amount: Money::new(minor, currency) });
        }
    }
    Ok(charges)
}

impl TestProvider {
    /// Opens the book in a file, made where there is none.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path, behaviour: Behaviour) -> std::io::Result<Self> {
        let charges = read_book(path)?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { book: Mutex::new(Book { charges, file }), behaviour, calls: AtomicU64::new(0) })
    }

    async fn awkward<T>(&self, answer: Result<T, PaymentError>) -> Result<T, PaymentError> {
        if !self.behaviour.delay.is_zero() {
            tokio::time::sleep(self.behaviour.delay).await;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.behaviour.lose_every > 0 && call.is_multiple_of(self.behaviour.lose_every) {
            return Err(PaymentError::Unavailable("the reply was lost, as configured".to_owned()));
        }
        answer
    }
}

impl Book {
    fn write(&mut self, id: PaymentId, booked: Booked) -> Result<(), PaymentError> {
        let line = format!(
            "{id} {} {} {}\n",
            booked.state.word(),
            booked.amount.minor,
            booked.amount.currency
        );
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        self.charges.insert(id, booked);
        Ok(())
    }
}

fn outcome(id: PaymentId, state: State) -> ChargeOutcome {
    match state {
        State::Captured | State::Refunded => {
            ChargeOutcome::Captured { reference: format!("test_{id}") }
        }
        State::RequiresAction => ChargeOutcome::RequiresAction { url: format!("/pay/test/{id}") },
        State::Declined
        | State::InsufficientFunds
        | State::AuthenticationFailed
        | State::Voided => ChargeOutcome::Declined { reason: state.word().to_owned() },
    }
}

#[async_trait]
impl PaymentProvider for TestProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn accepts_token(&self, token: &str) -> bool {
        state_of(token).is_some()
    }

    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, PaymentError> {
        let wanted = state_of(&charge.token).ok_or(PaymentError::UnknownToken)?;
        let answer = {
            let mut book = self.book.lock();
            match book.charges.get(&charge.payment_id) {
                Some(booked) => Ok(outcome(charge.payment_id, booked.state)),
                None => {
                    let booked = Booked { state: wanted, amount: charge.amount };
                    book.write(charge.payment_id, booked)
                        .map(|()| outcome(charge.payment_id, wanted))
                }
            }
        };
        self.awkward(answer).await
    }

    async fn outcome(&self, id: PaymentId) -> Result<Option<ChargeOutcome>, PaymentError> {
        let answer = self.book.lock().charges.get(&id).map(|booked| outcome(id, booked.state));
        self.awkward(Ok(answer)).await
    }

    async fn void(&self, id: PaymentId) -> Result<ChargeOutcome, PaymentError> {
        let answer = {
            let mut book = self.book.lock();
            match book.charges.get(&id).copied() {
                Some(booked) if booked.state == State::RequiresAction => {
                    let voided = Booked { state: State::Voided, ..booked };
                    book.write(id, voided).map(|()| outcome(id, State::Voided))
                }
                Some(booked) => Ok(outcome(id, booked.state)),
                None => Ok(outcome(id, State::Voided)),
            }
        };
        self.awkward(answer).await
    }

    async fn refund(&self, id: PaymentId, amount: Money) -> Result<(), PaymentError> {
        let answer = {
            let mut book = self.book.lock();
            match book.charges.get(&id).copied() {
                Some(booked) if booked.amount != amount => {
                    Err(PaymentError::Refused("only the whole amount can be refunded".to_owned()))
                }
                Some(booked) if booked.state == State::Captured => {
                    book.write(id, Booked { state: State::Refunded, ..booked })
                }
                Some(booked) if booked.state == State::Refunded => Ok(()),
                _ => Err(PaymentError::Refused("nothing was captured".to_owned())),
            }
        };
        self.awkward(answer).await
    }

    fn asks_here(&self, id: PaymentId) -> Option<Money> {
        let book = self.book.lock();
        let booked = book.charges.get(&id).filter(|b| b.state == State::RequiresAction)?;
        Some(booked.amount)
    }

    async fn confirm(
        &self,
        id: PaymentId,
        agreed: bool,
    ) -> Result<Option<ChargeOutcome>, PaymentError> {
        let mut book = self.book.lock();
        let Some(booked) = book.charges.get(&id).copied() else { return Ok(None) };
        if booked.state != State::RequiresAction {
            return Ok(Some(outcome(id, booked.state)));
        }
        let state = if agreed { State::Captured } else { State::AuthenticationFailed };
        book.write(id, Booked { state, ..booked })?;
        Ok(Some(outcome(id, state)))
    }
}

fn state_of(token: &str) -> Option<State> {
    Some(match token {
        "tok_ok" => State::Captured,
        "tok_declined" => State::Declined,
        "tok_insufficient_funds" => State::InsufficientFunds,
        "tok_requires_action" => State::RequiresAction,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use stoa_kernel::{Currency, OrderId};

    use super::*;

    fn charge(n: u128, token: &str) -> Charge {
        Charge {
            payment_id: PaymentId::from_uuid(uuid::Uuid::from_u128(n)),
            order_id: OrderId::from_uuid(uuid::Uuid::from_u128(n)),
            amount: Money::new(1_299, Currency::USD),
            token: token.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_repeated_charge_is_answered_as_the_first_time_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let first = TestProvider::open(&path, Behaviour::default()).unwrap();
        let paid = first.charge(&charge(1, "tok_ok")).await.unwrap();
        assert!(matches!(paid, ChargeOutcome::Captured { .. }));
        drop(first);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"pay_0000 capt").unwrap(); // A line cut off by a crash.
        let second = TestProvider::open(&path, Behaviour::default()).unwrap();
        assert_eq!(second.charge(&charge(1, "tok_declined")).await.unwrap(), paid);
        assert_eq!(read_book(&path).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_lost_reply_leaves_the_charge_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let lossy = Behaviour { lose_every: 1, ..Behaviour::default() };
        let path = folder.path().join("book");
        let provider = TestProvider::open(&path, lossy).unwrap();
        assert!(provider.charge(&charge(1, "tok_ok")).await.is_err());
        assert!(provider.charge(&charge(1, "tok_ok")).await.is_err());
        let book = read_book(&path).unwrap();
        assert_eq!(book.len(), 1);
        assert!(book.values().all(|booked| booked.state == State::Captured));
    }

    #[tokio::test]
    async fn an_action_can_be_confirmed_refused_or_voided_but_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let provider =
            TestProvider::open(&folder.path().join("book"), Behaviour::default()).unwrap();
        for n in 1..=3 {
            let answer = provider.charge(&charge(n, "tok_requires_action")).await.unwrap();
            assert!(matches!(answer, ChargeOutcome::RequiresAction { .. }));
        }
        let id = |n| charge(n, "").payment_id;
        let captured = |outcome| matches!(outcome, Some(ChargeOutcome::Captured { .. }));
        assert!(captured(provider.confirm(id(1), true).await.unwrap()));
        assert!(captured(provider.confirm(id(1), false).await.unwrap()));
        assert!(!captured(provider.confirm(id(2), false).await.unwrap()));
        assert!(matches!(provider.void(id(3)).await.unwrap(), ChargeOutcome::Declined { .. }));
        assert!(matches!(provider.void(id(1)).await.unwrap(), ChargeOutcome::Captured { .. }));
        assert_eq!(provider.confirm(id(9), true).await.unwrap(), None);
        let amount = Money::new(1_299, Currency::USD);
        assert!(provider.refund(id(1), amount).await.is_ok());
        assert!(provider.refund(id(1), amount).await.is_ok());
        assert!(provider.refund(id(2), amount).await.is_err());
    }
}
