//! The event log from outside: `stoa events`, beside a shop that serves.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::catalogue::simple;
use crate::shop::{Shop, eventually};

/// A new event shows within a second; a busy machine is given three.
const SOON: Duration = Duration::from_secs(3);

fn events(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_are_told_as_they_happen_and_each_reader_goes_on_where_it_ended() {
    let shop = Shop::closed().stocked(&[simple("lamp", 2_500, 50)]).open();
    shop.order("LAMP", 1);

    let last = events(&shop.succeed(&["events", "tail", "--json"]));
    assert!((1..=10).contains(&last.len()), "{last:?}");
    for event in &last {
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["datacontenttype"], "application/json");
        let names = event.as_object().unwrap().keys();
        assert!(names.clone().all(|name| name.chars().all(|c| c.is_ascii_lowercase())));
    }
    let placed = last.iter().find(|event| event["type"] == "order.placed").unwrap();
    assert!(placed["subject"].as_str().unwrap().starts_with("order/ord_"));
    let schema = placed["dataschema"].as_str().unwrap();
    let (_, path) = schema.split_once("/api/").unwrap();
    let schema = shop.get(&format!("/api/{path}")).expect(200).json();
    for (name, value) in placed["data"].as_object().unwrap() {
        assert!(schema["properties"][name].is_object(), "{name}: {value}");
    }
    shop.get("/api/v1/events/schemas/order.placed/99").refused(404, "not_found");

    let mut follower = shop
        .command(&["events", "tail", "--json", "--follow", "--type", "order.*", "--as", "desk"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _gone = sender.send(line);
        }
    });
    eventually("the reader is there", || shop.succeed(&["events", "subscribers"]).contains("desk"));
    shop.order("LAMP", 2);
    let told: Vec<Value> = (0..2)
        .map(|_| serde_json::from_str(&received.recv_timeout(SOON).unwrap()).unwrap())
        .collect();
    assert_eq!(told[0]["type"], "order.pending");
    assert_eq!((&told[1]["type"], &told[1]["sequence"]), (&"order.placed".into(), &3.into()));
    std::thread::sleep(Duration::from_millis(1_500));
    follower.kill().unwrap();
    follower.wait().unwrap();

    let as_desk = ["events", "tail", "--json", "--type", "order.*", "--as", "desk"];
    assert_eq!(shop.succeed(&as_desk), "", "it was told of all that");
    shop.order("LAMP", 1);
    assert_eq!(events(&shop.succeed(&as_desk)).len(), 2);
    assert_eq!(shop.succeed(&as_desk), "");
    let offset = told[1]["offset"].to_string();
    let printed = shop.succeed(&["events", "replay", "desk", "--from", &offset]);
    assert!(printed.contains("again"), "{printed}");
    let again = events(&shop.succeed(&as_desk));
    assert_eq!(again.len(), 3);
    assert_eq!(again[0], told[1]);

    let people = shop.succeed(&["events", "tail", "--from", &offset, "--type", "order.placed"]);
    assert_eq!(people.lines().count(), 2);
    assert!(people.starts_with(&format!("{offset}  20")) && people.contains("order.placed"));
}

#[test]
fn a_reader_that_goes_away_and_wrong_names_are_met_with_calm() {
    let shop = Shop::closed().stocked(&[simple("lamp", 2_500, 50)]);
    let mut follower = shop
        .command(&["events", "tail", "--from", "0", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = follower.stdout.take().unwrap();
    let mut first = [0; 1];
    out.read_exact(&mut first).unwrap();
    drop(out);
    shop.import(&[simple("chair", 2_500, 50)]);
    let mut ended = None;
    eventually("it ends", || {
        ended = follower.try_wait().unwrap();
        ended.is_some()
    });
    assert!(ended.unwrap().success());
    let mut complaint = String::new();
    follower.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(complaint, "");

    for (arguments, why) in [
        (&["events", "tail", "--as", "mail"][..], "part of the shop"),
        (&["events", "tail", "--as", "search"], "part of the shop"),
        (&["events", "tail", "--as", "a b"], "a reader's name"),
        (&["events", "replay", "nobody", "--from", "1"], "nobody is called"),
        (&["events", "replay", "search", "--from", "1"], "stoa rebuild search"),
        (&["events", "replay", "mail", "--from", "999999"], "only be set back"),
        (&["events", "schemas", "nothing"], "no event is called"),
    ] {
        let output = shop.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(complaint.contains(why), "{complaint}");
    }
    let list = shop.succeed(&["events", "schemas"]);
    assert!(list.contains("order.placed 1"), "{list}");
    let all: Value = serde_json::from_str(&shop.succeed(&["events", "schemas", "--json"])).unwrap();
    assert_eq!(all.as_array().unwrap().len(), list.lines().count());
    let one = shop.succeed(&["events", "schemas", "price.changed"]);
    assert_eq!(serde_json::from_str::<Value>(&one).unwrap()["title"], "price.changed");
    let changed = simple("lamp", 2_900, 50);
    shop.import(&[changed]);
    let repriced = shop.run(&["events", "tail", "--json", "--type", "price.changed"]);
    let repriced = events(&String::from_utf8_lossy(&repriced.stdout));
    assert_eq!(repriced.len(), 1);
    assert_eq!(repriced[0]["data"]["old"]["amount"], 2_500);
    assert_eq!(repriced[0]["data"]["new"]["amount"], 2_900);
    assert_eq!(repriced[0]["sequence"], 1);
}
