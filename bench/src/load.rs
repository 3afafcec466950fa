//! The load generator: one thread, one epoll set, one request in flight a connection.
//!
//! It shares the cores with the server it measures, so it does as little as it can: two system
//! calls a request beside its share of a poll, no allocation, no parsing but of the head.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::http::{Answer, AnswerReader, write_get};
use crate::process;
use crate::rng::Rng;
use crate::samples::Tally;

/// How long a poll may sleep, so that the end of a window is noticed.
const POLL_SLEEP: Duration = Duration::from_millis(20);
/// How long unfinished requests are waited for after a window.
const DRAIN: Duration = Duration::from_secs(30);
/// Lost connections after which the server is taken for dead.
const LOST_CONNECTIONS: u64 = 10_000;

/// What the users behind the connections do.
pub(crate) trait Scenario {
    /// Names of the kinds of requests; a kind is an index into them.
    fn kinds(&self) -> &'static [&'static str];

    /// Writes the next request of a user and says which kind it is; `None` when the user is done.
    fn next(&mut self, user: usize, request: &mut Vec<u8>) -> Option<usize>;

    /// Takes in an answer, and says whether it was right.
    fn answered(&mut self, user: usize, kind: usize, answer: &Answer<'_>) -> Verdict;

    /// Is told that the connection was lost before the answer came.
    fn lost(&mut self, user: usize, kind: usize) {
        let _ = (user, kind);
    }
}

/// Whether an answer was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As the contract says.
    Right,
    /// Not what the request must get; the first one is shown.
    Wrong,
}

/// How long the users keep on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// For a time, after a time that is not measured.
    Elapsed {
        /// Load that is not measured.
        warm_up: Duration,
        /// What is measured.
        window: Duration,
    },
    /// Until every user is done; an error after a time.
    Done {
        /// When to give up.
        within: Duration,
    },
}

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// How long it measured.
    pub(crate) window: Duration,
    /// By kind of request.
    pub(crate) kinds: BTreeMap<&'static str, Tally>,
    /// Bytes of all measured bodies.
    pub(crate) body_bytes: u64,
    /// Connections that were lost with a request on them, at any time of the run.
    pub(crate) lost: u64,
    /// Wrong answers, at any time of the run.
    pub(crate) wrong: u64,
    /// The first wrong answer.
    pub(crate) first_wrong: Option<String>,
    /// CPU time of the server in the window.
    pub(crate) server_cpu: Duration,
    /// CPU time of this program in the window.
    pub(crate) own_cpu: Duration,
}

impl Measurement {
    /// Measured requests.
    pub(crate) fn requests(&self) -> u64 {
        self.kinds.values().map(Tally::count).sum()
    }

    /// Measured requests a second.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.per_second(self.requests())
    }

    /// A count of the window as a rate.
    pub(crate) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.window.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// One kind of request.
    pub(crate) fn kind(&self, name: &str) -> Tally {
        self.kinds.get(name).cloned().unwrap_or_default()
    }

    /// Answers that blame the server, in the window.
    pub(crate) fn server_errors(&self) -> u64 {
        self.kinds.values().map(Tally::server_errors).sum()
    }

    /// Whether every answer was right and none was lost.
    pub(crate) fn is_clean(&self) -> bool {
        self.wrong == 0 && self.lost == 0
    }

    /// An error when an answer was wrong or lost.
    pub(crate) fn must_be_clean(self, what: &str) -> Result<Self> {
        if self.is_clean() {
            return Ok(self);
        }
        bail!(
            "{what}: {} wrong answers, {} lost connections; first wrong: {}",
            self.wrong,
            self.lost,
            self.first_wrong.as_deref().unwrap_or("none")
        )
    }
}

struct InFlight {
    kind: usize,
    since: Instant,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    reader: AnswerReader,
    in_flight: Option<InFlight>,
}

impl Connection {
    /// Sends as much of the request as the socket takes.
    fn flush(&mut self) -> std::io::Result<()> {
        while let Some(rest) = self.request.get(self.written..).filter(|r| !r.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until the answer is whole (`true`) or nothing is there. It does not read on after
    /// the end of an answer: with one request in flight there is nothing more, and bytes that
    /// come later raise a new event.
    fn fill(&mut self) -> Result<bool> {
        loop {
            match self.stream.read(self.reader.space()) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => {
                    if self.reader.advance(count)? {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A server that is put under load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process, whose CPU time is counted.
    pub(crate) pid: u32,
}

/// Open connections, each of one user, shared out among servers in turn.
pub(crate) struct Pool {
    targets: Vec<Target>,
    poll: Poll,
    connections: Vec<Connection>,
}

impl Pool {
    /// Opens the connections.
    pub(crate) fn connect(targets: &[Target], users: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let targets = targets.to_vec();
        let connections = (0..users)
            .map(|user| open(&poll, address_of(&targets, user)?, user))
            .collect::<Result<_>>()?;
        Ok(Self { targets, poll, connections })
    }

    /// Lets the users work.
    pub(crate) fn run<S: Scenario>(
        &mut self,
        scenario: &mut S,
        until: Until,
    ) -> Result<Measurement> {
        let begun = Instant::now();
        let (warm_up, window) = match until {
            Until::Elapsed { warm_up, window } => (warm_up, window),
            Until::Done { within } => (Duration::ZERO, within),
        };
        let mut run = Run {
            tallies: vec![Tally::default(); scenario.kinds().len()],
            scenario,
            measuring: false,
            sending: true,
            body_bytes: 0,
            lost: 0,
            wrong: 0,
            first_wrong: None,
        };
        let mut started = begun;
        let mut cpu_before = (Duration::ZERO, Duration::ZERO);
        let mut busy = 0_usize;
        if warm_up.is_zero() {
            run.measuring = true;
            cpu_before = self.cpu()?;
        }
        for user in 0..self.connections.len() {
            busy += usize::from(self.send(user, &mut run)?);
        }
        let mut events = Events::with_capacity(self.connections.len().clamp(16, 1_024));
        let mut stopped = None;
        let mut cpu_after = None;
        while busy > 0 {
            if let Err(error) = self.poll.poll(&mut events, Some(POLL_SLEEP))
                && error.kind() != ErrorKind::Interrupted
            {
                return Err(error).context("polling the connections");
            }
            for event in &events {
                busy -= self.serve(event.token().0, event.is_writable(), &mut run)?;
            }
            let now = Instant::now();
            if !run.measuring && run.sending && now - begun >= warm_up {
                run.measuring = true;
                started = now;
                cpu_before = self.cpu()?;
            }
            if run.measuring && now - started >= window {
                if matches!(until, Until::Done { .. }) {
                    bail!("{busy} users were not done after {window:?}");
                }
                run.sending = false;
                run.measuring = false;
                stopped = Some(now);
                cpu_after = Some(self.cpu()?);
            }
            if stopped.is_some_and(|stopped| now - stopped > DRAIN) {
                bail!("{busy} requests were not answered within {DRAIN:?}");
            }
        }
        let stopped = stopped.unwrap_or_else(Instant::now);
        let cpu_after = match cpu_after {
            Some(cpu) => cpu,
            None => self.cpu()?,
        };
        Ok(Measurement {
            window: stopped - started,
            kinds: run.scenario.kinds().iter().copied().zip(run.tallies).collect(),
            body_bytes: run.body_bytes,
            lost: run.lost,
            wrong: run.wrong,
            first_wrong: run.first_wrong,
            server_cpu: cpu_after.0.saturating_sub(cpu_before.0),
            own_cpu: cpu_after.1.saturating_sub(cpu_before.1),
        })
    }

    fn cpu(&self) -> Result<(Duration, Duration)> {
        let servers = self.targets.iter().map(|target| process::cpu_time(target.pid));
        Ok((servers.sum::<Result<_>>()?, process::cpu_time(std::process::id())?))
    }

    /// Sends a user's next request; `false` when the user is done.
    fn send<S: Scenario>(&mut self, user: usize, run: &mut Run<'_, S>) -> Result<bool> {
        loop {
            let connection = self.connection(user)?;
            connection.request.clear();
            connection.written = 0;
            connection.reader.reset();
            connection.in_flight = None;
            let next = match run.sending {
                true => run.scenario.next(user, &mut connection.request),
                false => None,
            };
            let Some(kind) = next else {
                return Ok(false);
            };
            connection.in_flight = Some(InFlight { kind, since: Instant::now() });
            match connection.flush() {
                Ok(()) => return Ok(true),
                Err(error) => self.reconnect(user, run, &error.into())?,
            }
        }
    }

    /// Does what an event allows; 1 when the user became idle.
    fn serve<S: Scenario>(
        &mut self,
        user: usize,
        writable: bool,
        run: &mut Run<'_, S>,
    ) -> Result<usize> {
        let connection = self.connection(user)?;
        let Some(InFlight { kind, since }) = connection.in_flight else {
            return Ok(0); // The other side closed an idle connection; the next request finds out.
        };
        let done = match writable {
            true => connection.flush().map_err(Into::into),
            false => Ok(()),
        }
        .and_then(|()| connection.fill());
        match done {
            Ok(false) => return Ok(0),
            Ok(true) => {
                let answer = connection
                    .reader
                    .answer()
                    .ok_or_else(|| anyhow!("a whole answer without a head"))?;
                run.take(user, kind, since.elapsed(), &answer);
                if answer.close {
                    let fresh = open(&self.poll, address_of(&self.targets, user)?, user)?;
                    *self.connection(user)? = fresh;
                }
            }
            Err(error) => self.reconnect(user, run, &error)?,
        }
        Ok(usize::from(!self.send(user, run)?))
    }

    /// Replaces a broken connection.
    fn reconnect<S: Scenario>(
        &mut self,
        user: usize,
        run: &mut Run<'_, S>,
        error: &anyhow::Error,
    ) -> Result<()> {
        run.lost += 1;
        if run.lost > LOST_CONNECTIONS {
            bail!("{LOST_CONNECTIONS} connections were lost, the last one: {error:#}");
        }
        let fresh = open(&self.poll, address_of(&self.targets, user)?, user)
            .with_context(|| format!("connecting again after: {error:#}"))?;
        let connection =
            self.connections.get_mut(user).ok_or_else(|| anyhow!("no connection {user}"))?;
        let kind = connection.in_flight.as_ref().map(|lost| lost.kind);
        *connection = fresh;
        if let Some(kind) = kind {
            run.scenario.lost(user, kind);
        }
        Ok(())
    }

    fn connection(&mut self, user: usize) -> Result<&mut Connection> {
        self.connections.get_mut(user).ok_or_else(|| anyhow!("no connection {user}"))
    }
}

/// The address of the server that a user talks to.
fn address_of(targets: &[Target], user: usize) -> Result<SocketAddr> {
    let turn = user.checked_rem(targets.len());
    let target = turn.and_then(|turn| targets.get(turn)).context("no server to put under load")?;
    Ok(target.address)
}

/// Connects (waiting, which on one machine takes microseconds) and registers the socket.
fn open(poll: &Poll, address: SocketAddr, user: usize) -> Result<Connection> {
    let stream = std::net::TcpStream::connect(address)
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(user), Interest::READABLE | Interest::WRITABLE)?;
    Ok(Connection {
        stream,
        request: Vec::with_capacity(1_024),
        written: 0,
        reader: AnswerReader::new(),
        in_flight: None,
    })
}

/// The state of a run that answers change.
struct Run<'a, S> {
    scenario: &'a mut S,
    tallies: Vec<Tally>,
    measuring: bool,
    sending: bool,
    body_bytes: u64,
    lost: u64,
    wrong: u64,
    first_wrong: Option<String>,
}

impl<S: Scenario> Run<'_, S> {
    fn take(&mut self, user: usize, kind: usize, latency: Duration, answer: &Answer<'_>) {
        if self.measuring {
            if let Some(tally) = self.tallies.get_mut(kind) {
                tally.record(answer.status, latency);
            }
            self.body_bytes += u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
        }
        if self.scenario.answered(user, kind, answer) == Verdict::Wrong {
            self.wrong += 1;
            if self.first_wrong.is_none() {
                let name = self.scenario.kinds().get(kind).copied().unwrap_or("?");
                self.first_wrong =
                    Some(format!("{name} was answered {}: {}", answer.status, answer.excerpt()));
            }
        }
    }
}

/// Every user sends one of some prepared requests, which must be answered 2xx.
pub(crate) struct Prepared {
    requests: Vec<Vec<u8>>,
    order: Order,
}

enum Order {
    Random(Rng),
    Once { next: usize },
}

impl Prepared {
    /// Any of the requests, again and again.
    pub(crate) fn at_random(requests: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { requests, order: Order::Random(Rng::new(seed)) }
    }

    /// Each request once.
    pub(crate) fn once(requests: Vec<Vec<u8>>) -> Self {
        Self { requests, order: Order::Once { next: 0 } }
    }
}

/// Requests for some paths.
pub(crate) fn gets<P: AsRef<str>>(paths: &[P]) -> Vec<Vec<u8>> {
    paths
        .iter()
        .map(|path| {
            let mut request = Vec::new();
            write_get(&mut request, path.as_ref(), &[]);
            request
        })
        .collect()
}

impl Scenario for Prepared {
    fn kinds(&self) -> &'static [&'static str] {
        &["request"]
    }

    fn next(&mut self, _user: usize, request: &mut Vec<u8>) -> Option<usize> {
        let chosen = match &mut self.order {
            Order::Random(rng) => rng.pick(&self.requests)?,
            Order::Once { next } => {
                let chosen = self.requests.get(*next)?;
                *next += 1;
                chosen
            }
        };
        request.extend_from_slice(chosen);
        Some(0)
    }

    fn answered(&mut self, _user: usize, _kind: usize, answer: &Answer<'_>) -> Verdict {
        match answer.status {
            200..300 => Verdict::Right,
            _ => Verdict::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pool, Prepared, Scenario, Target, Until, Verdict, gets};
    use crate::http::{Answer, write_get};
    use crate::static_server;

    fn pool(size: usize, users: usize) -> Pool {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || static_server::serve_on(listener, size).unwrap());
        Pool::connect(&[Target { address, pid: std::process::id() }], users).unwrap()
    }

    #[test]
    fn a_window_measures_only_its_own_time() {
        let mut pool = pool(100_000, 8);
        let until = Until::Elapsed {
            warm_up: Duration::from_millis(100),
            window: Duration::from_millis(300),
        };
        for _ in 0..2 {
            let measured = pool.run(&mut Prepared::at_random(gets(&["/"]), 1), until).unwrap();
            assert!(measured.is_clean());
            assert!(measured.requests() > 0);
            assert_eq!(measured.body_bytes, measured.requests() * 100_000);
            assert_eq!(measured.kind("request").with_status(200), measured.requests());
            assert!((0.3..10.0).contains(&measured.window.as_secs_f64()));
            assert!(measured.own_cpu > Duration::ZERO);
        }
    }

    #[test]
    fn every_path_once_means_once() {
        let mut pool = pool(10, 3);
        let paths: Vec<String> = (0..50).map(|number| format!("/{number}")).collect();
        let until = Until::Done { within: Duration::from_secs(10) };
        let measured = pool.run(&mut Prepared::once(gets(&paths)), until).unwrap();
        assert_eq!(measured.requests(), 50);
        assert!(measured.must_be_clean("paths").is_ok());
    }

    /// Finds every answer wrong.
    struct Grumbler(usize);

    impl Scenario for Grumbler {
        fn kinds(&self) -> &'static [&'static str] {
            &["ask"]
        }

        fn next(&mut self, _user: usize, request: &mut Vec<u8>) -> Option<usize> {
            self.0 = self.0.checked_sub(1)?;
            write_get(request, "/", &[]);
            Some(0)
        }

        fn answered(&mut self, _user: usize, _kind: usize, _answer: &Answer<'_>) -> Verdict {
            Verdict::Wrong
        }
    }

    #[test]
    fn wrong_answers_are_counted_and_the_first_is_shown() {
        let mut pool = pool(10, 2);
        let until = Until::Done { within: Duration::from_secs(10) };
        let measured = pool.run(&mut Grumbler(7), until).unwrap();
        assert_eq!(measured.wrong, 7);
        let error = measured.must_be_clean("asking").unwrap_err().to_string();
        assert!(error.contains("7 wrong") && error.contains("ask was answered 200"), "{error}");
    }

    #[test]
    fn a_connection_that_the_server_drops_is_counted_as_lost() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1_000]);
                if number > 0 {
                    let answer =
                        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
                    stream.write_all(answer).unwrap();
                }
            }
        });
        let mut pool = Pool::connect(&[Target { address, pid: std::process::id() }], 1).unwrap();
        let until = Until::Done { within: Duration::from_secs(10) };
        let measured = pool.run(&mut Prepared::once(gets(&["/a", "/b", "/c"])), until).unwrap();
        assert_eq!((measured.lost, measured.requests()), (1, 2));
        assert!(!measured.is_clean());
    }
}
