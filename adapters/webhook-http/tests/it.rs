//! Sends to receivers on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use stoa_kernel::limits::WEBHOOK_ANSWER_BYTES;
use stoa_ports::webhook::{Call, CallError, Sender};
use stoa_webhook_http::HttpSender;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn call(url: String) -> Call {
    Call {
        url,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", "dlv_1".to_owned()),
        ],
        body: r#"{"id":"evt_1"}"#.to_owned(),
    }
}

/// Answers the one request it gets with a text, and returns what it got.
async fn receiver(answer: String) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut got, mut buffer) = (String::new(), [0_u8; 4_096]);
        while !got.ends_with('}') {
            let count = stream.read(&mut buffer).await.unwrap();
            got.push_str(std::str::from_utf8(buffer.get(..count).unwrap()).unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        got
    });
    (port, got)
}

#[tokio::test]
async fn sends_headers_and_body_and_reads_the_answer() {
    let answer = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy";
    let (port, got) = receiver(answer.to_owned()).await;
    let sender = HttpSender::new(5, true).unwrap();
    let answer = sender.post(call(format!("http://127.0.0.1:{port}/hook?k=1"))).await.unwrap();
    assert_eq!((answer.status, answer.retry_after_s), (503, Some(7)));
    assert_eq!(answer.body, "busy");
    let got = got.await.unwrap();
    assert!(got.starts_with("POST /hook?k=1 HTTP/1.1\r\n"), "{got}");
    for line in ["content-type: application/json\r\n", "webhook-id: dlv_1\r\n"] {
        assert!(got.contains(line), "{got}");
    }
    assert!(got.ends_with(r#"{"id":"evt_1"}"#));
}

#[tokio::test]
async fn keeps_the_beginning_of_a_long_answer_and_follows_no_redirect() {
    let long = "x".repeat(WEBHOOK_ANSWER_BYTES * 3);
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: {}\r\n\r\n{long}",
        long.len()
    );
    let (port, _) = receiver(answer).await;
    let sender = HttpSender::new(5, true).unwrap();
    let answer = sender.post(call(format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (302, WEBHOOK_ANSWER_BYTES));
}

#[tokio::test]
async fn a_receiver_that_hangs_takes_no_longer_than_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sender = HttpSender::new(1, true).unwrap();
    let error = sender.post(call(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert_eq!(error, CallError::Late(1));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let sender = HttpSender::new(5, true).unwrap();
    let error = sender.post(call(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sender = HttpSender::new(5, false).unwrap();
    // The last is a name: what it resolves to is checked.
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "localhost"] {
        let sent = sender.post(call(format!("http://{host}:{port}/"))).await;
        assert!(matches!(sent, Err(CallError::NotAllowed(_))), "{host}: {sent:?}");
    }
    let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(connected.is_err(), "somebody connected");
}
