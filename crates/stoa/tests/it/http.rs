//! A client that sends exactly the bytes it is told to, also such that no sound client would send.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than any request may take, so that a hanging server fails a test instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A request before it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    path: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn new(address: SocketAddr, method: &str, path: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref().to_owned();
        Self { address, method: method.to_owned(), path, headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string()).header("Content-Type", "application/json")
    }

    pub fn raw(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_owned());
        self
    }

    /// The same request to another address.
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The bytes of the request. The connection ends with the answer.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_with("close")
    }

    fn bytes_with(&self, connection: &str) -> Vec<u8> {
        let mut bytes = format!("{} ", self.method).into_bytes();
        bytes.extend_from_slice(&self.path);
        let head = format!(" HTTP/1.1\r\nHost: shop.test\r\nConnection: {connection}\r\n");
        bytes.extend_from_slice(head.as_bytes());
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if let Some(body) = &self.body {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it; an error when no whole answer comes back.
    pub fn try_send(&self) -> io::Result<Answer> {
        exchange(self.address, &self.bytes())
    }

    #[track_caller]
    pub fn send(&self) -> Answer {
        self.try_send().unwrap_or_else(|error| panic!("{}: {error}", self.line()))
    }

    /// Sends it and checks the status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{}: {}", self.line(), answer.text());
        answer
    }

    /// Sends it and checks that it is answered with a problem document.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        self.expect(status).problem(code)
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, String::from_utf8_lossy(&self.path))
    }
}

/// A connection that is kept for the next request.
#[derive(Debug)]
pub struct Kept(TcpStream);

impl Kept {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Sends a request; an error when no whole answer comes back.
    pub fn send(&mut self, request: &Request) -> io::Result<Answer> {
        self.0.write_all(&request.bytes_with("keep-alive"))?;
        let mut received = Vec::new();
        let mut some = [0; 16 * 1024];
        loop {
            let n = self.0.read(&mut some)?;
            if n == 0 {
                let what = format!("no whole answer: {:?}", String::from_utf8_lossy(&received));
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            received.extend_from_slice(&some[..n]);
            if let Some(answer) = Answer::parse(&received) {
                return Ok(answer);
            }
        }
    }
}

/// Sends bytes and reads one answer.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Answer> {
    exchange_on(TcpStream::connect(address)?, bytes)
}

/// The same on a connection that is open already.
pub fn exchange_on(mut stream: TcpStream, bytes: &[u8]) -> io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A server that has answered may close before it has read everything; its answer counts.
    let sent = stream.write_all(bytes);
    let mut received = Vec::new();
    let read = stream.read_to_end(&mut received);
    let _closed = stream.shutdown(Shutdown::Both);
    match Answer::parse(&received) {
        Some(answer) => Ok(answer),
        None => {
            sent?;
            read?;
            let what = format!("no whole answer: {:?}", String::from_utf8_lossy(&received));
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
        }
    }
}

impl Answer {
    /// Reads an answer; `None` when it was cut off.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let rest = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        answer.body = if answer.header("transfer-encoding") == Some("chunked") {
            unchunked(rest)?
        } else {
            let length: usize = match answer.header("content-length") {
                Some(text) => text.parse().ok()?,
                None => 0,
            };
            rest.get(..length)?.to_owned()
        };
        Some(answer)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.status, self.text()))
    }

    /// Whether it was given before.
    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The problem document that this must be.
    #[track_caller]
    pub fn problem(&self, code: &str) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status, "{problem}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        problem
    }
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}

/// JSON pointers of the faults that a problem names.
pub fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}
