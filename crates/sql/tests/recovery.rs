//! A PostgreSQL server that goes away and comes back. On one store only: the embedded one cannot go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stoa_sql::{Db, ErrorKind, Result, Type, Verb, Write, sql};
use stoa_test_stores::Server;

static ADD: Write =
    Write::new(Verb::Insert, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);

async fn add(db: &Db, name: &str) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.write(&ADD, [[name.into(), 1.into()]]).await?;
    tx.commit().await
}

async fn names(db: &Db) -> Result<Vec<String>> {
    let all = sql!(
        "select name from counters where name not in ('order_number', 'catalogue') order by name"
    );
    db.read().await?.query(&all, &[], |row| row.string(0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_loses_nothing_and_is_used_again_when_it_is_back() {
    let mut server = Server::durable().unwrap();
    let db = Db::open_postgres(&server.new_database().unwrap(), 8).await.unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let stop = Arc::new(AtomicBool::new(false));
        let writer = {
            let (db, stop) = (db.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut done = Vec::new();
                for n in 0.. {
                    let name = format!("{round} {n:06}");
                    match add(&db, &name).await {
                        Ok(()) => done.push(name),
                        Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                done
            })
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.kill().unwrap();
        let began = Instant::now();
        assert_eq!(names(&db).await.unwrap_err().kind, ErrorKind::Unavailable);
        assert!(began.elapsed() < Duration::from_secs(3), "it fails fast");
        stop.store(true, Ordering::Relaxed);
        let done = writer.await.unwrap();
        assert!(!done.is_empty());
        acknowledged.extend(done);
        server.start_again().unwrap();
        let there = names(&db).await.unwrap();
        for name in &acknowledged {
            assert!(there.binary_search(name).is_ok(), "{name} was acknowledged and is lost");
        }
        // What was not acknowledged may have been committed all the same, one at most a round.
        assert!(there.len() <= acknowledged.len() + round + 1, "{} {}", there.len(), round);
        add(&db, &format!("{round} after")).await.unwrap();
        acknowledged.push(format!("{round} after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_every_connection_in_use_is_turned_away() {
    let server = Server::durable().unwrap();
    let db = Db::open_postgres(&server.new_database().unwrap(), 4).await.unwrap();
    let readers = [db.read().await.unwrap(), db.read().await.unwrap()];
    let began = Instant::now();
    assert_eq!(db.read().await.unwrap_err().kind, ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(4), "it does not wait for ever");
    add(&db, "a writer has its own place").await.unwrap();
    drop(readers);
    assert_eq!(names(&db).await.unwrap(), ["a writer has its own place"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_that_start_at_once_make_one_schema_and_a_newer_one_is_refused() {
    let server = Server::durable().unwrap();
    let url = server.new_database().unwrap();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let url = url.clone();
        starting.spawn(async move { Db::open_postgres(&url, 2).await.map(drop) });
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
    let db = Db::open_postgres(&url, 2).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let newer = sql!("insert into schema_migrations (number, name) values (9999, 'x')");
    tx.execute(&newer, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Db::open_postgres(&url, 2).await.unwrap_err().kind, ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_wrong_address_is_an_error_without_the_password() {
    for (url, names) in [
        ("postgres://stoa:s3cret@localhost:1/shop", "refused"),
        ("postgres://stoa:s3cret@localhost:port/shop", "address"),
    ] {
        let error = Db::open_postgres(url, 2).await.unwrap_err().to_string();
        assert!(error.contains(names), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
