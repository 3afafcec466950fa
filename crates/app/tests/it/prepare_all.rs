//! Every statement of every store fits the schema.

use std::path::{Path, PathBuf};

use stoa_app::{
    back_office, cart, catalog, customer, event_log, events, fulfilment, idempotency, installation,
    inventory, job, jobs, ledger, mail, order, sales, vendor, webhooks,
};
use stoa_sql::{Sql, Write};
use stoa_test_stores::{Store, on_both_stores};

on_both_stores! { every_statement_is_prepared }

/// The pages of SQL, each with its statements and set-based writes. Staff's are its own secret; it
/// has the same test beside its store.
fn pages() -> Vec<(&'static str, &'static [&'static Sql], &'static [&'static Write])> {
    vec![
        ("back_office/store.rs", back_office::store::STATEMENTS, &[]),
        (
            "cart/abandoned/store.rs",
            cart::abandoned::store::STATEMENTS,
            cart::abandoned::store::WRITES,
        ),
        ("cart/store.rs", cart::store::STATEMENTS, cart::store::WRITES),
        ("catalog/store.rs", catalog::store::STATEMENTS, catalog::store::WRITES),
        ("customer/store.rs", customer::store::STATEMENTS, customer::store::WRITES),
        ("event_log.rs", event_log::STATEMENTS, event_log::WRITES),
        ("events/store.rs", events::store::STATEMENTS, &[]),
        ("fulfilment/store.rs", fulfilment::store::STATEMENTS, fulfilment::store::WRITES),
        ("idempotency.rs", idempotency::STATEMENTS, idempotency::WRITES),
        ("installation.rs", installation::STATEMENTS, &[]),
        ("inventory/store.rs", inventory::store::STATEMENTS, inventory::store::WRITES),
        ("job.rs", job::STATEMENTS, job::WRITES),
        ("jobs/store.rs", jobs::store::STATEMENTS, jobs::store::WRITES),
        ("ledger/store.rs", ledger::store::STATEMENTS, ledger::store::WRITES),
        ("mail/store.rs", mail::store::STATEMENTS, mail::store::WRITES),
        ("order/lookup.rs", order::lookup::STATEMENTS, order::lookup::WRITES),
        ("order/store.rs", order::store::STATEMENTS, order::store::WRITES),
        ("sales/store.rs", sales::store::STATEMENTS, sales::store::WRITES),
        ("vendor/store.rs", vendor::store::STATEMENTS, vendor::store::WRITES),
        ("webhooks/store.rs", webhooks::store::STATEMENTS, webhooks::store::WRITES),
    ]
}

async fn every_statement_is_prepared(store: Store) {
    let db = store.open().await.unwrap();
    let mut faults = Vec::new();
    for (page, statements, writes) in pages() {
        for sql in statements {
            let prepared = db.prepare(sql).await;
            faults.extend(prepared.err().map(|error| format!("{page}: {error}\n{sql:?}")));
        }
        for write in writes {
            let prepared = db.prepare_write(write).await;
            faults.extend(prepared.err().map(|error| format!("{page}: {error}\n{write:?}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What is not in the lists is not prepared by the test above, so that a list must be whole.
#[test]
fn no_statement_is_left_out_of_its_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut checked = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let named = |kind: &str| text.matches(&format!(": {kind} =")).count();
        let (n_statements, n_writes) = (named("Sql"), named("Write"));
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        if n_statements + n_writes == 0 || name == "staff/store.rs" {
            continue;
        }
        let pages = pages();
        let (_, statements, writes) = pages
            .iter()
            .find(|(page, ..)| *page == name)
            .unwrap_or_else(|| panic!("{name} holds SQL, but is not in the list of pages"));
        assert_eq!((statements.len(), writes.len()), (n_statements, n_writes), "{name}");
        checked += 1;
    }
    assert_eq!(checked, pages().len());
}
