//! Webhooks from outside: a receiver that fails now and then, and a shop that is killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use stoa_app::webhooks::sign::Secret;

use crate::catalogue::simple;
use crate::shop::{Shop, eventually, within};

/// On a store that processes share, what a killed one was about to deliver waits for its lease to end.
const TAKEN_OVER: Duration = Duration::from_secs(120);

/// A delivery as it came.
#[derive(Debug, Clone)]
struct Delivery {
    id: String,
    at_s: i64,
    signatures: String,
    body: String,
    /// What it was answered.
    status: u16,
}

impl Delivery {
    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers every n-th delivery with 500, the first of all among them.
struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    got: Arc<Mutex<Vec<Delivery>>>,
    fails_every: Arc<AtomicUsize>,
}

impl Receiver {
    fn start(fails_every: usize) -> Self {
        Self::speaking("http", fails_every, serve)
    }

    /// The same with TLS.
    fn with_tls(fails_every: usize, config: Arc<ServerConfig>) -> Self {
        Self::speaking("https", fails_every, move |stream, got, fails| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, stream), got, fails)
        })
    }

    fn speaking(
        scheme: &'static str,
        fails_every: usize,
        serve: impl Fn(TcpStream, &Mutex<Vec<Delivery>>, &AtomicUsize) -> std::io::Result<()>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Delivery>>> = Arc::default();
        let fails_every = Arc::new(AtomicUsize::new(fails_every));
        let (kept, fails, serve) = (Arc::clone(&got), Arc::clone(&fails_every), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, fails, serve) =
                    (Arc::clone(&kept), Arc::clone(&fails), Arc::clone(&serve));
                // A shop that is killed breaks its connections.
                std::thread::spawn(move || drop(serve(stream, &kept, &fails)));
            }
        });
        Self { address, scheme, got, fails_every }
    }

    fn url(&self) -> String {
        format!("{}://{}/hooks", self.scheme, self.address)
    }

    fn got(&self) -> Vec<Delivery> {
        self.got.lock().unwrap().clone()
    }

    /// What was taken, each once, in the order it came.
    fn taken(&self) -> Vec<Delivery> {
        let mut seen = BTreeSet::new();
        let taken = self.got().into_iter().filter(|delivery| delivery.status == 204);
        taken.filter(|delivery| seen.insert(delivery.id.clone())).collect()
    }
}

fn serve(
    stream: impl Read + Write,
    got: &Mutex<Vec<Delivery>>,
    fails_every: &AtomicUsize,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        assert!(line.starts_with("POST /hooks HTTP/1.1"), "{line}");
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body)?;
        let mut got = got.lock().unwrap();
        let status =
            if got.len().is_multiple_of(fails_every.load(Ordering::Relaxed)) { 500 } else { 204 };
        got.push(Delivery {
            id: headers["webhook-id"].clone(),
            at_s: headers["webhook-timestamp"].parse().unwrap(),
            signatures: headers["webhook-signature"].clone(),
            body: String::from_utf8(body).unwrap(),
            status,
        });
        drop(got);
        write!(reader.get_mut(), "HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn register(shop: &Shop, token: &str, url: &str, events: &[&str]) -> (String, Secret) {
    let made = shop.post("/api/admin/v1/webhooks").bearer(token);
    let made = made.json(&json!({ "url": url, "events": events })).expect(201).json();
    let secret = Secret::parse(made["secret"].as_str().unwrap()).unwrap();
    (made["id"].as_str().unwrap().to_owned(), secret)
}

/// Facts about each subject, as the log has them.
fn logged(shop: &Shop) -> BTreeMap<String, Vec<Value>> {
    let printed = shop.succeed(&["events", "tail", "--json", "--from", "0", "--type", "order.*"]);
    let mut by_subject: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in printed.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let subject = event["subject"].as_str().unwrap().to_owned();
        by_subject.entry(subject).or_default().push(event);
    }
    by_subject
}

/// The receiver has taken just what is in the log, in the order of each subject.
fn assert_complete(shop: &Shop, receiver: &Receiver) {
    let logged = logged(shop);
    let n_facts: usize = logged.values().map(Vec::len).sum();
    within(TAKEN_OVER, "everything is delivered", || receiver.taken().len() >= n_facts);
    let mut taken: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for delivery in receiver.taken() {
        let event = delivery.event();
        taken.entry(event["subject"].as_str().unwrap().to_owned()).or_default().push(event);
    }
    let of = |events: &[Value]| -> Vec<(String, Value)> {
        let each = |event: &Value| (event["id"].to_string(), event["data"].clone());
        events.iter().map(each).collect()
    };
    assert_eq!(
        taken.keys().collect::<Vec<_>>(),
        logged.keys().collect::<Vec<_>>(),
        "the same subjects"
    );
    for (subject, events) in &logged {
        assert_eq!(of(&taken[subject]), of(events), "{subject}");
    }
}

#[test]
fn events_are_delivered_signed_and_in_order_to_a_receiver_that_fails_now_and_then() {
    let shop = Shop::closed()
        .set("STOA_WEBHOOKS__ALLOW_PRIVATE", "true")
        .stocked(&[simple("lamp", 2_500, 500)])
        .open();
    let token = shop.token("admin");
    let receiver = Receiver::start(7);
    let (id, secret) = register(&shop, &token, &receiver.url(), &["order.*"]);
    for _ in 0..10 {
        shop.order("LAMP", 1);
    }
    assert_complete(&shop, &receiver);
    let shop_url = format!("http://{}", shop.address());
    for delivery in receiver.got() {
        let event = delivery.event();
        assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &json!(shop_url)));
        assert!(event["sequence"].as_i64().unwrap() > 0);
        assert!(event["type"].as_str().unwrap().starts_with("order."), "{event}");
        let signed = secret.sign(&delivery.id, delivery.at_s, &delivery.body);
        assert_eq!(delivery.signatures, signed);
    }

    // After a rotation both secrets sign.
    let path = format!("/api/admin/v1/webhooks/{id}");
    let rotated = shop.post(&format!("{path}/rotate-secret")).bearer(&token).expect(200).json();
    let newer = Secret::parse(rotated["secret"].as_str().unwrap()).unwrap();
    let n_before = receiver.got().len();
    shop.order("LAMP", 1);
    assert_complete(&shop, &receiver);
    let last = receiver.got().split_off(n_before).pop().unwrap();
    let signed =
        [&newer, &secret].map(|secret| secret.sign(&last.id, last.at_s, &last.body)).join(" ");
    assert_eq!(last.signatures, signed);

    // Sent again on request, under the same id.
    let mut deliveries = Value::Null;
    eventually("what was delivered is stored as such", || {
        let list = shop.get(&format!("{path}/deliveries")).bearer(&token);
        deliveries = list.expect(200).json();
        let items = deliveries["items"].as_array().unwrap();
        items.iter().all(|delivery| delivery["status"] == "delivered")
    });
    let delivery = &deliveries["items"][0];
    let n_before = receiver.got().len();
    let replay = format!("{path}/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    let answer = shop.post(&replay).bearer(&token).send();
    assert!(answer.status < 300, "{}", answer.text());
    eventually("it is sent again", || receiver.got().len() > n_before);
    let again = receiver.got().pop().unwrap();
    assert!(receiver.got()[..n_before].iter().any(|first| first.id == again.id), "{again:?}");
    shop.assert_sound();
}

/// A certificate for 127.0.0.1 that nobody vouches for, in this folder.
fn certificate(folder: &Path) -> Arc<ServerConfig> {
    std::fs::create_dir_all(folder).unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=receiver"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let chain = vec![CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

#[test]
fn a_receiver_is_called_with_tls_if_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    let receiver = Receiver::with_tls(usize::MAX, certificate(&good));
    let stranger = Receiver::with_tls(usize::MAX, certificate(&bad));
    let shop = Shop::closed()
        .set("STOA_WEBHOOKS__ALLOW_PRIVATE", "true")
        // What the operating system trusts.
        .set("SSL_CERT_FILE", good.join("cert.pem").to_str().unwrap())
        .stocked(&[simple("lamp", 2_500, 5)])
        .open();
    let token = shop.token("admin");
    register(&shop, &token, &receiver.url(), &["order.*"]);
    let (id, _) = register(&shop, &token, &stranger.url(), &["order.*"]);
    shop.order("LAMP", 1);
    assert_complete(&shop, &receiver);
    let path = format!("/api/admin/v1/webhooks/{id}/deliveries");
    eventually("the log says why the other gets nothing", || {
        let list = shop.get(&path).bearer(&token).expect(200).json();
        let Some(delivery) = list["items"].as_array().unwrap().last() else { return false };
        let one = format!("{path}/{}", delivery["id"].as_str().unwrap());
        let one = shop.get(&one).bearer(&token).expect(200).json();
        one["attempts"][0]["error"].as_str().is_some_and(|error| error.contains("certificate"))
    });
    assert!(stranger.got().is_empty());
}

#[test]
fn an_endpoint_that_fails_for_days_is_left_alone_and_comes_back_by_itself() {
    let shop = Shop::closed()
        .set("STOA_WEBHOOKS__ALLOW_PRIVATE", "true")
        .stocked(&[simple("lamp", 2_500, 500)])
        .open();
    let token = shop.token("admin");
    let receiver = Receiver::start(1);
    let (id, _) = register(&shop, &token, &receiver.url(), &["order.*"]);
    for _ in 0..25 {
        shop.order("LAMP", 1);
    }
    let path = format!("/api/admin/v1/webhooks/{id}");
    let is =
        |breaker: &str| shop.get(&path).bearer(&token).expect(200).json()["breaker"] == breaker;
    eventually("its breaker opens", || is("open"));
    // Five days later it is called once an hour.
    shop.change(
        "update webhooks set failing_since = failing_since - 6 * 86400000000, probe_at = 0",
        "update webhooks set failing_since = failing_since - interval '6 days', probe_at = 'epoch'",
    );
    eventually("it is left alone", || is("disabled"));
    let next_probe_ms = if shop.is_embedded() {
        "select coalesce(max(probe_at) / 1000, 0) from webhooks"
    } else {
        "select coalesce(max(extract(epoch from probe_at) * 1000), 0)::bigint from webhooks"
    };
    let began_ms = stoa_app::clock::now().as_micros() / 1_000;
    eventually("it was tried once more, and is for an hour", || {
        shop.count(next_probe_ms) > began_ms + 1_800_000
    });
    shop.order("LAMP", 1);
    // The receiver is back; the hour passes, and with it the pauses of what was put off.
    receiver.fails_every.store(usize::MAX, Ordering::Relaxed);
    let passes = || {
        shop.change(
            "update webhooks set probe_at = 0 where probe_at > 0; \
             update webhook_deliveries set next_at = 0 where state = 'waiting'",
            "update webhooks set probe_at = 'epoch' where probe_at > 'epoch'; \
             update webhook_deliveries set next_at = 'epoch' where state = 'waiting'",
        );
    };
    eventually("it is on again", || {
        passes();
        is("closed")
    });
    passes();
    assert_complete(&shop, &receiver);
    shop.assert_sound();
}

#[test]
fn nothing_is_lost_or_overtaken_when_the_shop_is_killed_while_it_delivers() {
    let shop = Shop::closed()
        .set("STOA_WEBHOOKS__ALLOW_PRIVATE", "true")
        .stocked(&[simple("lamp", 2_500, 5_000)])
        .open();
    let token = shop.token("admin");
    let receiver = Receiver::start(11);
    register(&shop, &token, &receiver.url(), &["order.*"]);
    for round in 1..=5 {
        for _ in 0..8 {
            shop.order("LAMP", 1);
        }
        let enough = receiver.got().len() + round;
        eventually("some are delivered", || receiver.got().len() >= enough);
        shop.kill();
        shop.serve();
    }
    assert_complete(&shop, &receiver);
    shop.assert_sound();
}

#[test]
fn addresses_that_are_not_public_are_refused_unless_they_are_permitted() {
    let shop = Shop::closed().stocked(&[simple("lamp", 2_500, 5)]).open();
    let token = shop.token("webhooks:write");
    for url in [
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://192.168.1.1/",
    ] {
        let refused = shop.post("/api/admin/v1/webhooks").bearer(&token);
        let refused = refused.json(&json!({ "url": url, "events": ["*"] }));
        let problem = refused.refused(422, "webhook_address_not_allowed");
        assert!(problem.to_string().contains("webhooks.allow_private"), "{url}: {problem}");
    }
    // A name may lead anywhere: it is looked at when it is called.
    register(&shop, &token, "https://receiver.example/hooks", &["order.placed"]);
}
