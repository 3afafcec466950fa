//! Mail from a real shop to a server that keeps what it gets.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::buyer::GOOD_CARD;
use crate::catalogue::simple;
use crate::shop::{Shop, eventually};

/// Mails that came, by what the server was told of them.
type Mails = Arc<Mutex<Vec<String>>>;

/// Speaks with one client.
fn converse(stream: TcpStream, mails: &Mails) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    say("220 test")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next() {
        match line?.get(..4).unwrap_or_default() {
            "DATA" => {
                say("354 go on")?;
                let mut mail = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().unwrap().push(mail);
                say("250 kept")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
    Ok(())
}

/// A mail server at this address.
fn server() -> (String, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mails = Mails::default();
    let kept = Arc::clone(&mails);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            // A client that goes away ends its conversation.
            std::thread::spawn(move || drop(converse(stream, &kept)));
        }
    });
    (url, mails)
}

#[test]
fn each_order_is_confirmed_once_also_when_the_shop_is_killed() {
    let (url, mails) = server();
    let shop = Shop::closed()
        .set("STOA_MAIL__URL", &url)
        .set("STOA_MAIL__FROM", "Shop <shop@shop.example>")
        .stocked(&[simple("soap", 500, 100)])
        .open();
    let mut ids = Vec::new();
    for n in 0..6 {
        let cart = shop.ready_cart("SOAP", 1);
        let order = shop
            .on_cart("POST", &cart, "/complete")
            .json(&crate::buyer::payment(GOOD_CARD))
            .expect(201)
            .json();
        ids.push(order["number"].as_i64().unwrap());
        if n % 2 == 0 {
            // Wherever it is: before the mail is written, being sent, or not noted yet.
            shop.kill();
            shop.serve();
        }
    }
    let has = |mail: &String, number: i64| {
        mail.contains(&format!("Ihre Bestellung #{number} ")) && mail.contains("Message-ID: <")
    };
    for number in &ids {
        eventually("an order is confirmed", || {
            mails.lock().unwrap().iter().any(|mail| has(mail, *number))
        });
    }
    eventually("all is noted", || {
        shop.count("select count(*) from mails where state = 'sent'") == 6
            && shop.count("select count(*) from queued_jobs where kind = 'mail.send'") == 0
    });
    let mails = mails.lock().unwrap().clone();
    // A second copy has the same name; there are no more than kills.
    let names: std::collections::BTreeSet<&str> = mails
        .iter()
        .map(|mail| mail.lines().find(|line| line.starts_with("Message-ID:")).unwrap())
        .collect();
    assert_eq!(names.len(), 6);
    assert!(mails.len() <= 6 + 3 * 4, "{}", mails.len());
    shop.assert_sound();
}

#[test]
fn a_parcel_is_announced_once_unless_the_merchant_says_otherwise() {
    let (url, mails) = server();
    let shop = Shop::closed()
        .set("STOA_MAIL__URL", &url)
        .set("STOA_MAIL__FROM", "Shop <shop@shop.example>")
        .stocked(&[simple("soap", 500, 100)])
        .open();
    let token = shop.token("orders:write");
    let order = shop.order("SOAP", 3);
    let path = format!("/api/admin/v1/orders/{}/fulfilments", order["id"].as_str().unwrap());
    let send = |quantity: i64, number: &str, notify: bool| {
        let body = serde_json::json!({
            "items": [{"line_id": order["lines"][0]["id"], "quantity": quantity}],
            "tracking": {"carrier": "DHL", "number": number},
            "notify_customer": notify,
        });
        shop.post(&path).bearer(&token).json(&body).expect(201);
    };
    send(1, "SILENT", false);
    send(2, "0034-0434", true);
    let notice = || {
        let mails = mails.lock().unwrap();
        mails.iter().find(|mail| mail.contains("ist unterwegs")).cloned()
    };
    eventually("the parcel is announced", || notice().is_some());
    let notice = notice().unwrap();
    for text in ["2 =C3=97 Soap", "DHL 0034-0434", "tracking-id=3D00340434", "/orders/ord_"] {
        assert!(notice.contains(text), "{text} in {notice}");
    }
    assert!(!notice.contains("SILENT"));
    eventually("all is noted", || {
        shop.count("select count(*) from queued_jobs where kind = 'mail.send'") == 0
    });
    let notices = "select count(*) from mails where kind = 'shipping_notice'";
    assert_eq!(shop.count(notices), 1);
    assert_eq!(shop.count("select count(*) from mails"), 2, "and the confirmation");
    shop.assert_sound();
}
