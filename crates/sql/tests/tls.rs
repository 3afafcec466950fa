//! Encrypted connections, to a server with a certificate of its own root.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use stoa_sql::{Db, PostgresOptions};
use stoa_test_stores::{Server, psql};

fn options(url: String, root: Option<PathBuf>) -> PostgresOptions {
    PostgresOptions { root_certificate: root, ..PostgresOptions::new(url, 2) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_address_asks_for_is_what_is_checked() {
    let server = Server::with_tls().unwrap();
    let by_socket = server.new_database().unwrap();
    let name = by_socket.rsplit('/').next().unwrap();
    let root = Some(server.root_certificate());
    let (other, other_root) = {
        let other = Server::with_tls().unwrap();
        let root = std::fs::read(other.root_certificate()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.crt");
        std::fs::write(&path, root).unwrap();
        (folder, Some(path))
    };
    // host, mode, roots, whether it connects, whether that is encrypted
    for (host, mode, roots, connects, encrypted) in [
        ("localhost", "verify-full", &root, true, true),
        ("localhost", "verify-ca", &root, true, true),
        ("localhost", "require", &None, true, true),
        ("localhost", "prefer", &None, true, true),
        ("localhost", "disable", &None, true, false),
        // The certificate is made out to the name.
        ("127.0.0.1", "verify-full", &root, false, false),
        ("127.0.0.1", "verify-ca", &root, true, true),
        ("localhost", "verify-full", &other_root, false, false),
        ("localhost", "verify-ca", &other_root, false, false),
    ] {
        let what = format!("{mode} to {host}");
        let options = options(server.tls_address(host, name, mode), roots.clone());
        let opened = Db::open_postgres_with(&options).await;
        assert_eq!(opened.is_ok(), connects, "{what}: {:?}", opened.err());
        let Ok(db) = opened else { continue };
        let asked = "select bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) \
                     where a.application_name = 'stoa'";
        let all = psql(&by_socket, asked).unwrap();
        assert_eq!(all.trim(), if encrypted { "t" } else { "f" }, "{what}");
        drop(db);
        let mine = "select count(*) from pg_stat_activity where application_name = 'stoa'";
        for _ in 0..500 {
            if psql(&by_socket, mine).unwrap().trim() == "0" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let server = Server::durable().unwrap();
    let url = server.new_database().unwrap();
    for mode in ["require", "verify-full"] {
        let asked = options(format!("{url}?sslmode={mode}"), None);
        assert!(Db::open_postgres_with(&asked).await.is_err(), "{mode}");
    }
    Db::open_postgres_with(&options(format!("{url}?sslmode=prefer"), None)).await.unwrap();
}
