//! Just enough HTTP/1.1 for a load generator: requests as bytes, answers read as they arrive.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

/// Room for the first read of an answer.
const FIRST_BYTES: usize = 16 * 1024;
/// An answer longer than this is a mistake.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Header lines of an answer.
const HEADERS: usize = 64;

/// Appends a request without a body.
pub(crate) fn write_get(out: &mut Vec<u8>, path: &str, headers: &[(&str, &str)]) {
    write_head(out, "GET", path, headers);
    out.extend_from_slice(b"\r\n");
}

/// Appends a request with a JSON body.
pub(crate) fn write_json(
    out: &mut Vec<u8>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) {
    write_head(out, method, path, headers);
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}

fn write_head(out: &mut Vec<u8>, method: &str, path: &str, headers: &[(&str, &str)]) {
    let _ = write!(out, "{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        let _ = write!(out, "{name}: {value}\r\n");
    }
}

/// A whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body without its framing.
    pub(crate) body: &'a [u8],
    /// Whether the server closes the connection after it.
    pub(crate) close: bool,
}

impl Answer<'_> {
    /// The beginning of the body, for messages.
    pub(crate) fn excerpt(&self) -> String {
        String::from_utf8_lossy(self.body).chars().take(300).collect()
    }
}

/// How the body of an answer ends.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    close: bool,
    /// Where the body begins.
    bytes: usize,
    framing: Framing,
}

/// Collects the bytes of one answer after the other. There is no pipelining: bytes after the end
/// of an answer are an error.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    buffer: Vec<u8>,
    filled: usize,
    head: Option<Head>,
    /// Bytes of a chunked answer that were understood.
    parsed: usize,
    /// The joined chunks.
    unchunked: Vec<u8>,
}

impl AnswerReader {
    /// A reader with an empty buffer.
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; FIRST_BYTES],
            filled: 0,
            head: None,
            parsed: 0,
            unchunked: Vec::new(),
        }
    }

    /// Where the next bytes go; never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Takes in `count` bytes that were put into [`space`](Self::space), and says whether the
    /// answer is whole.
    pub(crate) fn advance(&mut self, count: usize) -> Result<bool> {
        self.filled += count;
        if self.filled > ANSWER_BYTES {
            bail!("an answer of more than {ANSWER_BYTES} bytes");
        }
        let head = loop {
            if let Some(head) = self.head {
                break head;
            }
            let filled = self.buffer.get(..self.filled).unwrap_or_default();
            let Some(head) = parse_head(filled)? else {
                return Ok(false);
            };
            if (100..200).contains(&head.status) {
                self.buffer.copy_within(head.bytes..self.filled, 0);
                self.filled -= head.bytes;
            } else {
                self.parsed = head.bytes;
                self.head = Some(head);
            }
        };
        let end = match head.framing {
            Framing::Length(length) => {
                if self.filled < head.bytes + length {
                    return Ok(false);
                }
                head.bytes + length
            }
            Framing::Chunked => {
                if !self.take_chunks()? {
                    return Ok(false);
                }
                self.parsed
            }
        };
        if self.filled > end {
            bail!("{} bytes after the end of an answer", self.filled - end);
        }
        Ok(true)
    }

    /// The answer, once [`advance`](Self::advance) said that it is whole.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        let head = self.head?;
        let body = match head.framing {
            Framing::Length(length) => self.buffer.get(head.bytes..head.bytes + length)?,
            Framing::Chunked => &self.unchunked,
        };
        Some(Answer { status: head.status, body, close: head.close })
    }

    /// Makes room for the next answer.
    pub(crate) fn reset(&mut self) {
        self.filled = 0;
        self.head = None;
        self.unchunked.clear();
    }

    /// Joins the chunks that are here; `true` after the last one.
    fn take_chunks(&mut self) -> Result<bool> {
        loop {
            let rest = self.buffer.get(self.parsed..self.filled).unwrap_or_default();
            let (size_line, size) = match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) => return Ok(false),
                Err(_) => bail!("an answer with a broken chunk size"),
            };
            let size = usize::try_from(size).context("an answer with an enormous chunk")?;
            let end = size_line
                .checked_add(size)
                .and_then(|bytes| bytes.checked_add(2))
                .ok_or_else(|| anyhow!("an answer with an enormous chunk"))?;
            // No server here sends trailers, so the last chunk ends with the empty line.
            let Some(chunk) = rest.get(..end) else {
                return Ok(false);
            };
            if !chunk.ends_with(b"\r\n") {
                bail!("an answer with a chunk that does not end where it says");
            }
            self.unchunked
                .extend_from_slice(chunk.get(size_line..size_line + size).unwrap_or_default());
            self.parsed += end;
            if size == 0 {
                return Ok(true);
            }
        }
    }
}

/// Reads the status line and the headers that matter; `None` while they are incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head_bytes = match response.parse(bytes).context("an answer that is not HTTP")? {
        httparse::Status::Complete(count) => count,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.unwrap_or(0);
    let mut length = None;
    let mut chunked = false;
    let mut close = false;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).context("content-length")?;
            length = Some(text.trim().parse().context("content-length")?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = header.value.eq_ignore_ascii_case(b"chunked");
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let framing = match length {
        _ if status < 200 || status == 204 || status == 304 => Framing::Length(0),
        _ if chunked => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => bail!("an answer ({status}) that does not say how long it is"),
    };
    Ok(Some(Head { status, close, bytes: head_bytes, framing }))
}

/// One request at a time, for what happens around a measurement.
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    reader: AnswerReader,
}

impl Client {
    /// A client that connects with its first request.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, reader: AnswerReader::new() }
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.reader.reset();
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                stream
            }
        };
        stream.write_all(request)?;
        loop {
            let count = stream.read(self.reader.space())?;
            if count == 0 {
                bail!("the server closed the connection");
            }
            if self.reader.advance(count)? {
                break;
            }
        }
        let answer = self.reader.answer().ok_or_else(|| anyhow!("no answer was read"))?;
        if !answer.close {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    /// Sends a request that must be answered 2xx, and reads the JSON in the answer.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self, request: &[u8]) -> Result<T> {
        let line = String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned();
        let answer = self.send(request).with_context(|| line.clone())?;
        if !(200..300).contains(&answer.status) {
            bail!("{line} was answered {}: {}", answer.status, answer.excerpt());
        }
        serde_json::from_slice(answer.body)
            .with_context(|| format!("the answer to {line}: {}", answer.excerpt()))
    }

    /// What the shop counts and measures, as Prometheus reads it.
    pub(crate) fn metrics(&mut self) -> Result<&str> {
        let mut request = Vec::new();
        write_get(&mut request, "/metrics", &[]);
        std::str::from_utf8(self.send(&request)?.body).context("the metrics")
    }

    /// Reads JSON from a path.
    pub(crate) fn get<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        let mut request = Vec::new();
        write_get(&mut request, path, &[]);
        self.json(&request)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, AnswerReader, write_get, write_json};

    /// Feeds the bytes in pieces of `step`; the answer must be whole with the last one only.
    fn read(bytes: &[u8], step: usize) -> anyhow::Result<(u16, Vec<u8>, bool)> {
        let mut reader = AnswerReader::new();
        let pieces: Vec<&[u8]> = bytes.chunks(step).collect();
        for (number, piece) in pieces.iter().enumerate() {
            reader.space()[..piece.len()].copy_from_slice(piece);
            let whole = reader.advance(piece.len())?;
            assert_eq!(whole, number + 1 == pieces.len(), "piece {number} of {step}");
        }
        let answer = reader.answer().unwrap();
        Ok((answer.status, answer.body.to_vec(), answer.close))
    }

    #[test]
    fn answers_are_whole_with_their_last_byte_however_they_arrive() {
        let cases: [(&[u8], u16, &[u8], bool); 6] = [
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                200,
                b"hello",
                false,
            ),
            (
                b"HTTP/1.1 201 Created\r\ncontent-length:0\r\nConnection: Close\r\n\r\n",
                201,
                b"",
                true,
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\n\r\n",
                200,
                b"abc0123456789",
                false,
            ),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}",
                409,
                b"{}",
                false,
            ),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", false),
            (
                b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
                304,
                b"",
                false,
            ),
        ];
        for (bytes, status, body, close) in cases {
            for step in 1..=bytes.len() {
                let found = read(bytes, step).unwrap();
                assert_eq!(found, (status, body.to_vec(), close));
            }
        }
    }

    #[test]
    fn a_reader_can_be_used_again_and_grows() {
        let mut reader = AnswerReader::new();
        for length in [3_usize, 100_000, 0, 20_000] {
            let mut bytes =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
            bytes.resize(bytes.len() + length, b'z');
            let mut sent = 0;
            let mut whole = false;
            while sent < bytes.len() {
                assert!(!whole);
                let space = reader.space();
                let count = space.len().min(bytes.len() - sent);
                space[..count].copy_from_slice(&bytes[sent..sent + count]);
                sent += count;
                whole = reader.advance(count).unwrap();
            }
            assert!(whole);
            let body = vec![b'z'; length];
            let expected = Answer { status: 200, body: &body, close: false };
            assert_eq!(reader.answer(), Some(expected));
            reader.reset();
        }
    }

    #[test]
    fn broken_answers_are_refused() {
        let broken: [&[u8]; 6] = [
            b"220 smtp.example.org ESMTP\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ];
        for bytes in broken {
            assert!(read(bytes, bytes.len()).is_err());
        }
    }

    #[test]
    fn requests_are_written_as_http() {
        let mut request = Vec::new();
        write_json(&mut request, "PUT", "/a", &[("x-y", "z")], "{\"n\":1}");
        write_get(&mut request, "/b?q=1", &[]);
        assert_eq!(
            String::from_utf8(request).unwrap(),
            "PUT /a HTTP/1.1\r\nhost: localhost\r\nx-y: z\r\ncontent-type: application/json\r\n\
             content-length: 7\r\n\r\n{\"n\":1}GET /b?q=1 HTTP/1.1\r\nhost: localhost\r\n\r\n"
        );
    }
}
