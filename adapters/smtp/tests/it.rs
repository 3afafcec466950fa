//! Against a server that does what a test wants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use stoa_ports::mail::{Mail, MailError, Mailer};
use stoa_smtp::SmtpMailer;

/// Serves one connection: answers `RCPT` so, and gives the mail that came.
fn server(rcpt: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answers = stream.try_clone().unwrap();
        let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        say("220 test");
        let mut lines = BufReader::new(stream).lines();
        while let Some(Ok(line)) = lines.next() {
            match line.get(..4).unwrap_or(&line) {
                "EHLO" | "MAIL" | "RSET" | "NOOP" => say("250 fine"),
                "RCPT" => say(rcpt),
                "DATA" => {
                    say("354 go on");
                    let mail: Vec<String> =
                        lines.by_ref().map(Result::unwrap).take_while(|line| line != ".").collect();
                    sender.send(mail.join("\n")).unwrap();
                    say("250 kept");
                }
                "QUIT" => return say("221 bye"),
                _ => say("502 unknown"),
            }
        }
    });
    (url, receiver)
}

fn mail() -> Mail {
    Mail {
        message_id: "0123@shop.example".to_owned(),
        from: "Käse & Co <shop@shop.example>".to_owned(),
        reply_to: Some("help@shop.example".to_owned()),
        to: "ada@example.com".to_owned(),
        subject: "Ihre Bestellung für Zürich".to_owned(),
        text: "Guten Tag\n.\nBis bald".to_owned(),
        html: "<p>Guten Tag</p>".to_owned(),
        language: "de".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_arrives_with_both_forms_and_its_name() {
    let (url, received) = server("250 fine");
    SmtpMailer::new(&url).unwrap().send(&mail()).await.unwrap();
    let mail = received.recv().unwrap();
    for part in [
        "Message-ID: <0123@shop.example>",
        "Reply-To: help@shop.example",
        "Content-Language: de",
        "Auto-Submitted: auto-generated",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "Bis bald",
    ] {
        assert!(mail.contains(part), "{part} is not in {mail}");
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let (url, _received) = server("550 no such mailbox");
    let refused = SmtpMailer::new(&url).unwrap().send(&mail()).await;
    assert!(matches!(refused, Err(MailError::Refused(_))), "{refused:?}");
    let (url, _received) = server("451 come back later");
    let later = SmtpMailer::new(&url).unwrap().send(&mail()).await;
    assert!(matches!(later, Err(MailError::Unavailable(_))), "{later:?}");
    let (url, _received) = server("535 who are you");
    let login = SmtpMailer::new(&url).unwrap().send(&mail()).await;
    assert!(matches!(login, Err(MailError::Unavailable(_))), "{login:?}");
    let wrong = Mail { to: "nobody".to_owned(), ..mail() };
    let refused = SmtpMailer::new("smtp://127.0.0.1:9").unwrap().send(&wrong).await;
    assert!(matches!(refused, Err(MailError::Refused(_))), "{refused:?}");
    let away = SmtpMailer::new("smtp://127.0.0.1:9").unwrap().send(&mail()).await;
    assert!(matches!(away, Err(MailError::Unavailable(_))), "{away:?}");
}

#[test]
fn a_wrong_address_is_not_repeated() {
    let error = SmtpMailer::new("http://user:hush@host").unwrap_err();
    assert!(!error.contains("hush"));
}
