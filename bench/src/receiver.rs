//! A receiver of webhooks that behaves badly: it answers 500, hangs, and can be down.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::rng::Rng;

/// Of a hundred calls, so many are answered 500, and so many not at all.
const REFUSED: usize = 30;
const HUNG: usize = 5;
/// How long a call hangs before the connection is closed without an answer.
const HANGS: Duration = Duration::from_millis(300);
/// One of so many that hang does so until the caller gives up.
const FOR_EVER: u64 = 200;
/// How often a waiting thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What is known of one fact: its id, and a hash of everything that is said about it.
pub(crate) type Told = (String, u64);

/// What a receiver has seen.
pub(crate) struct Seen {
    /// Of each subject: the facts that were taken, in the order they came, with repeats.
    pub(crate) taken: HashMap<String, Vec<Told>>,
    /// The fact that each `webhook-id` stands for.
    ids: HashMap<String, String>,
    /// Ids that stand for two facts.
    pub(crate) mixed_ids: u64,
    /// Calls.
    pub(crate) calls: u64,
    /// Calls that were answered 500, and that hung.
    pub(crate) refused: u64,
    pub(crate) hung: u64,
    rng: Rng,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken,
    Refused,
    Hangs(Duration),
}

impl Seen {
    fn new(seed: u64) -> Self {
        Self {
            taken: HashMap::new(),
            ids: HashMap::new(),
            mixed_ids: 0,
            calls: 0,
            refused: 0,
            hung: 0,
            rng: Rng::new(seed),
        }
    }

    fn call(&mut self, id: &str, event: &Value) -> Answer {
        self.calls += 1;
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let fact = text("id");
        let known = self.ids.entry(id.to_owned()).or_insert_with(|| fact.clone());
        if *known != fact {
            self.mixed_ids += 1;
        }
        match self.rng.below(100) {
            0..REFUSED => {
                self.refused += 1;
                Answer::Refused
            }
            n if n < REFUSED + HUNG => {
                self.hung += 1;
                let is_long = self.hung.is_multiple_of(FOR_EVER);
                Answer::Hangs(if is_long { Duration::MAX } else { HANGS })
            }
            _ => {
                self.taken.entry(text("subject")).or_default().push(told(event));
                Answer::Taken
            }
        }
    }
}

/// What an event as others get it says, but for where the shop is, which the server and commands of
/// this run are told differently: `source`, and `dataschema` below it.
pub(crate) fn told(event: &Value) -> Told {
    let mut hasher = DefaultHasher::new();
    for (name, value) in event.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "source" | "dataschema") {
            (name, value.to_string()).hash(&mut hasher);
        }
    }
    (event.get("id").and_then(Value::as_str).unwrap_or("").to_owned(), hasher.finish())
}

/// A receiver that listens.
pub(crate) struct Receiver {
    /// Where, also after it was down.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    /// Counts how often it went down; whoever serves an older one ends.
    generation: Arc<AtomicU64>,
    listens: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port of this machine.
    pub(crate) fn start(seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listening for webhooks")?;
        let mut receiver = Self {
            address: listener.local_addr()?,
            seen: Arc::new(Mutex::new(Seen::new(seed))),
            generation: Arc::default(),
            listens: None,
        };
        receiver.listen(listener)?;
        Ok(receiver)
    }

    fn listen(&mut self, listener: TcpListener) -> Result<()> {
        listener.set_nonblocking(true)?;
        let (seen, generation) = (Arc::clone(&self.seen), Arc::clone(&self.generation));
        let of = generation.load(Ordering::SeqCst);
        self.listens = Some(std::thread::spawn(move || {
            while generation.load(Ordering::SeqCst) == of {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let (seen, generation) = (Arc::clone(&seen), Arc::clone(&generation));
                        std::thread::spawn(move || {
                            let is_up = || generation.load(Ordering::SeqCst) == of;
                            // A caller that goes away ends its connection.
                            drop(converse(stream, &seen, is_up));
                        });
                    }
                    Err(_) => std::thread::sleep(LOOK / 10),
                }
            }
        }));
        Ok(())
    }

    /// Nobody answers at the address any more.
    pub(crate) fn go_down(&mut self) -> Result<()> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        match self.listens.take().map(JoinHandle::join) {
            Some(Err(_)) => bail!("the receiver panicked"),
            _ => Ok(()),
        }
    }

    /// It listens again.
    pub(crate) fn come_back(&mut self) -> Result<()> {
        self.listen(TcpListener::bind(self.address).context("listening again")?)
    }

    /// Looks at what was seen.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Threads end by themselves.
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// Answers the calls of one connection.
fn converse(mut stream: TcpStream, seen: &Mutex<Seen>, is_up: impl Fn() -> bool) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut buffer = Vec::new();
    loop {
        let Some((id, event, length)) = call(&buffer)? else {
            if !read(&mut stream, &mut buffer, &is_up)? {
                return Ok(());
            }
            continue;
        };
        buffer.drain(..length);
        let answer = seen.lock().unwrap_or_else(PoisonError::into_inner).call(&id, &event);
        match answer {
            Answer::Taken => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?,
            Answer::Refused => {
                let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\nbusy";
                stream.write_all(answer)?;
            }
            Answer::Hangs(Duration::MAX) => while read(&mut stream, &mut buffer, &is_up)? {},
            Answer::Hangs(time) => {
                std::thread::sleep(time);
                return Ok(());
            }
        }
    }
}

/// Waits for more; false when there will be none.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>, is_up: impl Fn() -> bool) -> Result<bool> {
    let mut some = [0; 16 * 1024];
    while is_up() {
        match stream.read(&mut some) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                buffer.extend_from_slice(some.get(..n).unwrap_or_default());
                return Ok(true);
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The first call in a buffer, if all of it is there: its `webhook-id`, its event, and its length.
fn call(buffer: &[u8]) -> Result<Option<(String, Value, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(begins) = request.parse(buffer)? else { return Ok(None) };
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let value = found.with_context(|| format!("a call without {name}"))?.value;
        Ok::<_, anyhow::Error>(std::str::from_utf8(value)?)
    };
    let length: usize = header("content-length")?.parse()?;
    let id = header("webhook-id")?.to_owned();
    let Some(body) = buffer.get(begins..begins + length) else { return Ok(None) };
    Ok(Some((id, serde_json::from_slice(body)?, begins + length)))
}
