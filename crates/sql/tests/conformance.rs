//! What the facade promises, on every database there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

use stoa_kernel::Timestamp;
use stoa_sql::{Db, ErrorKind, Param, Row, Sql, SqlError, Tx, Type, Verb, Write, sql};
use stoa_test_stores::{Store, on_both_stores};
use tokio::task::JoinSet;
use uuid::Uuid;

on_both_stores! {
    every_type_comes_back_as_it_went_in,
    a_value_of_another_type_is_an_error,
    a_broken_constraint_says_so_and_names_the_column,
    a_dropped_transaction_leaves_no_trace,
    a_failed_statement_leaves_the_connection_fit_for_the_next_transaction,
    rows_are_inserted_changed_upserted_and_deleted_in_sets,
    of_rows_with_the_same_key_the_last_counts,
    writes_that_nobody_waits_for_happen_in_order_or_not_at_all,
    what_is_added_is_told_from_what_was_there,
    keys_that_are_there_are_found,
    what_is_sent_for_ahead_is_what_would_be_read,
    a_reader_sees_one_state_and_never_waits,
    parameters_are_bound_by_number_not_by_first_appearance,
    many_takers_of_one_counter_get_different_numbers,
    a_lock_lets_one_in_after_the_other,
    a_database_is_opened_again_with_what_it_holds,
    a_new_database_has_no_faults,
}

static INSERT_COUNTER: Write =
    Write::new(Verb::Insert, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);
static UPSERT_COUNTER: Write =
    Write::new(Verb::Upsert, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);
static UPDATE_COUNTER: Write =
    Write::new(Verb::Update, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);
static DELETE_COUNTER: Write = Write::new(Verb::Delete, "counters", &[("name", Type::Text)], &[]);
static INSERT_USER: Write = Write::new(
    Verb::Insert,
    "users",
    &[("id", Type::Uuid)],
    &[
        ("email", Type::Text),
        ("name", Type::Text),
        ("password_hash", Type::Text),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
static ADD_USER: Write = Write::new(
    Verb::Add,
    "users",
    &[("id", Type::Uuid)],
    &[
        ("email", Type::Text),
        ("name", Type::Text),
        ("password_hash", Type::Text),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
static INSERT_ORDER: Write = Write::new(
    Verb::Insert,
    "orders",
    &[("id", Type::Uuid)],
    &[
        ("number", Type::Int),
        ("token_hash", Type::Bytes),
        ("cart_key", Type::Bytes),
        ("status", Type::Text),
        ("version", Type::Int),
        ("currency", Type::Text),
        ("email", Type::Text),
        ("subtotal", Type::Int),
        ("discount", Type::Int),
        ("shipping", Type::Int),
        ("shipping_tax", Type::Int),
        ("tax", Type::Int),
        ("tax_included", Type::Bool),
        ("total", Type::Int),
        ("details", Type::Json),
        ("placed_at", Type::Time),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
const ORDER: Sql = sql!(
    "select id, number, token_hash, email, tax_included, details, placed_at, created_at
    from orders where id = $1"
);
const COUNTER: Sql = sql!("select value from counters where name = $1", locks: "for update");
const COUNTERS: Sql = sql!(
    "select name, value from counters where name not in ('order_number', 'catalogue') order by name"
);

async fn counter(tx: &mut Tx, name: &str) -> Option<i64> {
    tx.query_opt(&COUNTER, &[name.into()], |row| row.int(0)).await.unwrap()
}

async fn counters(db: &Db) -> Vec<(String, i64)> {
    let mut tx = db.read().await.unwrap();
    tx.query(&COUNTERS, &[], |row| Ok::<_, SqlError>((row.string(0)?, row.int(1)?))).await.unwrap()
}

fn owned(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn pairs<'a>(rows: &'a [(&'a str, i64)]) -> impl Iterator<Item = [Param<'a>; 2]> {
    rows.iter().map(|(name, value)| [Param::Text(name), Param::Int(*value)])
}

async fn every_type_comes_back_as_it_went_in(store: Store) {
    let db = store.open().await.unwrap();
    let large = "Größe 漢字 \u{1f600} '\\\"\n".repeat(50_000);
    let document = format!(r#"{{"a": [1, 2.5, null, true], "text": "{}"}}"#, "ü".repeat(100_000));
    let bytes: Vec<u8> = (0..=255).collect();
    let time = Timestamp::from_micros(1_790_000_000_123_456);
    let before_1970 = Timestamp::from_micros(-1);
    let rows = [
        (Uuid::from_u128(1), Param::Int(i64::MAX), &*large, true, Param::Time(time), &document),
        (Uuid::max(), Param::Null, "", false, Param::Null, &"[]".to_owned()),
    ];
    let mut tx = db.begin().await.unwrap();
    let written = rows.iter().map(|(id, number, email, included, placed, details)| {
        vec![
            Param::Uuid(*id),
            *number,
            Param::Bytes(&bytes),
            Param::Bytes(&[]),
            "pending".into(),
            1.into(),
            "EUR".into(),
            Param::Text(email),
            0.into(),
            0.into(),
            0.into(),
            0.into(),
            0.into(),
            (*included).into(),
            0.into(),
            Param::Json(details),
            *placed,
            before_1970.into(),
            time.into(),
        ]
    });
    assert_eq!(tx.write(&INSERT_ORDER, written).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let mut tx = db.read().await.unwrap();
    for (id, number, email, included, placed, details) in rows {
        let check = |row: &Row<'_>| {
            assert_eq!(row.uuid(0)?, id);
            assert_eq!(row.opt_int(1)?.map_or(Param::Null, Param::Int), number);
            assert_eq!(row.bytes(2)?, bytes);
            assert_eq!(row.text(3)?, email);
            assert_eq!(row.bool(4)?, included);
            let found: serde_json::Value = serde_json::from_str(row.text(5)?).unwrap();
            assert_eq!(found, serde_json::from_str::<serde_json::Value>(details).unwrap());
            assert_eq!(row.opt_time(6)?.map_or(Param::Null, Param::Time), placed);
            assert_eq!(row.time(7)?, before_1970);
            Ok::<_, SqlError>(())
        };
        assert_eq!(tx.query_opt(&ORDER, &[id.into()], check).await.unwrap(), Some(()));
    }
}

async fn a_value_of_another_type_is_an_error(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.read().await.unwrap();
    let text = sql!("select name from counters");
    for wrong in [
        tx.query_opt(&text, &[], |row| row.int(0)).await.err(),
        tx.query_opt(&text, &[], |row| row.uuid(0).map(|_| 0)).await.err(),
        tx.query_opt(&text, &[], |row| row.int(1)).await.err(),
        tx.query_opt(&sql!("select value from counters"), &[], |row| row.text(0).map(|_| 0))
            .await
            .err(),
        tx.query_opt(&sql!("select order_id from carts union all select null"), &[], |row| {
            row.uuid(0).map(|_| 0)
        })
        .await
        .err(),
    ] {
        assert_eq!(wrong.unwrap().kind, ErrorKind::Internal);
    }
}

fn user<'a>(id: u128, email: &'a str) -> [Param<'a>; 6] {
    let now = Timestamp::from_micros(0);
    let id = Uuid::from_u128(id);
    [id.into(), email.into(), "Ada".into(), "x".into(), now.into(), now.into()]
}

async fn a_broken_constraint_says_so_and_names_the_column(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.write(&INSERT_USER, [user(1, "a@example.com"), user(2, "b@example.com")]).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    let error = tx.write(&INSERT_USER, [user(3, "a@example.com")]).await.unwrap_err();
    assert!(error.is_unique("users.email"), "{error:?}");
    assert!(!error.is_unique("users.id"), "{error:?}");
    assert!(error.is_lost_race());
    assert!(!error.to_string().contains("example.com"), "no value leaves the database: {error}");
    drop(tx);

    let mut tx = db.begin().await.unwrap();
    let error = tx.write(&INSERT_USER, [user(1, "c@example.com")]).await.unwrap_err();
    assert!(error.is_unique("users.id"), "{error:?}");
    drop(tx);

    for broken in [
        sql!("insert into stock_levels (variant_id, location_id, on_hand, reserved, version, updated_at)
            select id, id, 1, 0, 1, created_at from users"),
        sql!("update users set name = null"),
        sql!("insert into carts (token_hash, state, version, currency, body, created_at, updated_at)
            select password, 'lost', 1, 'EUR', '{}', created_at, updated_at
            from (select token_hash as password, created_at, updated_at from orders
                union all select null, created_at, updated_at from users) o"),
    ] {
        let mut tx = db.begin().await.unwrap();
        let error = tx.execute(&broken, &[]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Constraint, "{error:?}");
        assert!(!error.is_lost_race());
    }
}

async fn a_dropped_transaction_leaves_no_trace(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.write(&INSERT_COUNTER, pairs(&[("x", 1)])).await.unwrap();
    assert_eq!(counter(&mut tx, "x").await, Some(1));
    drop(tx);
    assert_eq!(counter(&mut db.read().await.unwrap(), "x").await, None);
    // The next one does not run inside of it.
    let mut tx = db.begin().await.unwrap();
    tx.write(&INSERT_COUNTER, pairs(&[("y", 2)])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counters(&db).await, owned(&[("y", 2)]));
}

async fn a_failed_statement_leaves_the_connection_fit_for_the_next_transaction(store: Store) {
    let db = store.open().await.unwrap();
    for _ in 0..50 {
        let mut tx = db.begin().await.unwrap();
        tx.execute(&sql!("insert into nowhere values (1)"), &[]).await.unwrap_err();
        drop(tx);
        let mut tx = db.read().await.unwrap();
        tx.query(&sql!("select nothing"), &[], |row| row.int(0)).await.unwrap_err();
        drop(tx);
        assert!(counters(&db).await.is_empty());
    }
}

async fn rows_are_inserted_changed_upserted_and_deleted_in_sets(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for write in [&INSERT_COUNTER, &UPSERT_COUNTER, &UPDATE_COUNTER] {
        assert_eq!(tx.write(write, pairs(&[])).await.unwrap(), 0);
    }
    assert_eq!(tx.write(&DELETE_COUNTER, [[Param::Text("nobody")]]).await.unwrap(), 0);
    assert_eq!(tx.write(&INSERT_COUNTER, pairs(&[("a", 1)])).await.unwrap(), 1);
    assert_eq!(tx.write(&INSERT_COUNTER, pairs(&[("b", 2), ("c", 3)])).await.unwrap(), 2);
    assert_eq!(tx.write(&UPDATE_COUNTER, pairs(&[("b", 20), ("none", 0)])).await.unwrap(), 1);
    assert_eq!(tx.write(&UPSERT_COUNTER, pairs(&[("c", 30), ("d", 40)])).await.unwrap(), 2);
    assert_eq!(tx.write(&DELETE_COUNTER, [["a".into()], ["none".into()]]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(counters(&db).await, owned(&[("b", 20), ("c", 30), ("d", 40)]));

    let names: Vec<String> = (0..25_000).map(|n| format!("n{n:05}")).collect();
    let mut tx = db.begin().await.unwrap();
    let rows = names.iter().zip(0_i64..).map(|(name, n)| [Param::from(name), n.into()]);
    assert_eq!(tx.write(&INSERT_COUNTER, rows).await.unwrap(), 25_000);
    tx.commit().await.unwrap();
    let sum = sql!("select cast(sum(value) as bigint) from counters where name like 'n%'");
    let mut tx = db.read().await.unwrap();
    let sum = tx.query_opt(&sum, &[], |row| row.int(0)).await.unwrap();
    assert_eq!(sum, Some(25_000 * 24_999 / 2));
}

async fn of_rows_with_the_same_key_the_last_counts(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.write(&UPSERT_COUNTER, pairs(&[("a", 1), ("b", 1), ("a", 2)])).await.unwrap();
    assert_eq!(counter(&mut tx, "a").await, Some(2));
    tx.write(&UPDATE_COUNTER, pairs(&[("b", 5), ("a", 6), ("b", 7)])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counters(&db).await, owned(&[("a", 6), ("b", 7)]));
    let mut tx = db.begin().await.unwrap();
    let error = tx.write(&INSERT_COUNTER, pairs(&[("c", 1), ("c", 2)])).await.unwrap_err();
    assert!(error.is_unique("counters.name"), "{error:?}");
}

async fn writes_that_nobody_waits_for_happen_in_order_or_not_at_all(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.write_later(&INSERT_COUNTER, pairs(&[("a", 1), ("b", 1)])).await.unwrap();
    tx.write_later(&UPDATE_COUNTER, pairs(&[("a", 2)])).await.unwrap();
    assert_eq!(counter(&mut tx, "a").await, Some(2), "whoever reads sees them");
    tx.write_later(&UPSERT_COUNTER, pairs(&[("a", 3), ("c", 1)])).await.unwrap();
    tx.write_later(&DELETE_COUNTER, [["b".into()]]).await.unwrap();
    tx.commit().await.unwrap();
    let before = owned(&[("a", 3), ("c", 1)]);
    assert_eq!(counters(&db).await, before);

    // What is wrong shows at the latest in the commit, which then has not happened.
    let mut tx = db.begin().await.unwrap();
    let wrote = async {
        tx.write_later(&UPSERT_COUNTER, pairs(&[("d", 1)])).await?;
        tx.write_later(&INSERT_COUNTER, pairs(&[("a", 9)])).await?;
        tx.write_later(&UPSERT_COUNTER, pairs(&[("e", 1)])).await?;
        tx.commit().await
    };
    let error = wrote.await.unwrap_err();
    assert!(error.is_unique("counters.name"), "{error:?}");
    assert_eq!(counters(&db).await, before);

    // Whatever is asked next says what went wrong first, not that nothing goes on.
    let mut tx = db.begin().await.unwrap();
    if let Ok(()) = tx.write_later(&INSERT_COUNTER, pairs(&[("a", 9)])).await {
        let row = |row: &Row<'_>| row.int(0);
        let error = tx.query_opt(&COUNTER, &["a".into()], row).await.unwrap_err();
        assert!(error.is_unique("counters.name"), "{error:?}");
    }
    drop(tx);

    // A transaction that is given up takes what it has sent with it.
    for _ in 0..20 {
        let mut tx = db.begin().await.unwrap();
        tx.write_later(&UPSERT_COUNTER, pairs(&[("f", 1)])).await.unwrap();
        drop(tx);
    }
    assert_eq!(counters(&db).await, before);
}

async fn what_is_added_is_told_from_what_was_there(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let none: [[Param<'_>; 6]; 0] = [];
    assert!(tx.add(&ADD_USER, none).await.unwrap().is_empty());
    let first = [user(1, "a@example.com"), user(2, "b@example.com"), user(3, "a@example.com")];
    assert_eq!(tx.add(&ADD_USER, first).await.unwrap(), [true, true, false]);
    let again = [user(2, "c@example.com"), user(4, "d@example.com"), user(5, "b@example.com")];
    assert_eq!(tx.add(&ADD_USER, again).await.unwrap(), [false, true, false]);
    tx.commit().await.unwrap();
    let emails = sql!("select email from users order by id");
    let mut tx = db.read().await.unwrap();
    let found = tx.query(&emails, &[], |row| row.string(0)).await.unwrap();
    assert_eq!(found, ["a@example.com", "b@example.com", "d@example.com"]);
}

const BY_NAME: Sql = sql!(
    sqlite: "select name, value from counters where name = $1 and value > $2",
    postgres: "select name, value from counters where name = any($1) and value > $2
        order by name",
    locks: "for update",
);

async fn what_is_sent_for_ahead_is_what_would_be_read(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let names: Vec<String> = (0..5_000).map(|n| format!("n{n:05}")).collect();
    let rows = names.iter().zip(0_i64..).map(|(name, n)| [Param::from(name), n.into()]);
    tx.write(&INSERT_COUNTER, rows).await.unwrap();
    tx.commit().await.unwrap();
    let row = |row: &Row<'_>| Ok::<_, SqlError>((row.string(0)?, row.int(1)?));
    let all = || names.iter().map(Param::from);
    let few = || ["n00001", "nobody", "n00002"].map(Param::Text);

    // Many rows of several, asked for in another order, with something between.
    let mut tx = db.begin().await.unwrap();
    tx.ahead_keys(&BY_NAME, all(), &[(-1).into()]).await.unwrap();
    tx.ahead(&COUNTER, &["n00007".into()]).await.unwrap();
    tx.ahead_keys(&BY_NAME, few(), &[0.into()]).await.unwrap();
    tx.ahead_keys(&BY_NAME, all(), &[4_000.into()]).await.unwrap();
    assert_eq!(counter(&mut tx, "n00009").await, Some(9));
    let found = tx.query_keys(&BY_NAME, few(), &[0.into()], row).await.unwrap();
    assert_eq!(found, owned(&[("n00001", 1), ("n00002", 2)]));
    assert_eq!(counter(&mut tx, "n00007").await, Some(7));
    assert_eq!(tx.query_keys(&BY_NAME, all(), &[(-1).into()], row).await.unwrap().len(), 5_000);
    let found = tx.query_keys(&BY_NAME, few(), &[1.into()], row).await.unwrap();
    assert_eq!(found, owned(&[("n00002", 2)]), "with other parameters it is another question");

    // What is written after is seen; what nobody asks for is in nobody's way.
    tx.ahead(&COUNTER, &["n00007".into()]).await.unwrap();
    tx.ahead(&COUNTER, &["n00008".into()]).await.unwrap();
    tx.write_later(&UPDATE_COUNTER, pairs(&[("n00007", 70)])).await.unwrap();
    assert_eq!(counter(&mut tx, "n00007").await, Some(70));
    tx.ahead_keys(&BY_NAME, all(), &[(-1).into()]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.ahead_keys(&BY_NAME, all(), &[(-1).into()]).await.unwrap();
    drop(tx);
    assert_eq!(counter(&mut db.begin().await.unwrap(), "n00007").await, Some(70));

    // What fails says so to whoever asks next. On SQLite nothing is sent, and nothing is wrong with it.
    if let Store::Embedded(_) = store {
        return;
    }
    const WRONG: Sql = sql!("select value / (value - value) from counters where name = $1");
    let mut tx = db.begin().await.unwrap();
    let asked = async {
        tx.ahead(&WRONG, &["n00007".into()]).await?;
        tx.ahead(&COUNTER, &["n00008".into()]).await?;
        tx.query_opt(&COUNTER, &["n00008".into()], |row| row.int(0)).await
    };
    let error = asked.await.unwrap_err();
    assert!(error.to_string().contains("22012"), "division by zero: {error:?}");
}

async fn keys_that_are_there_are_found(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.write(&INSERT_COUNTER, pairs(&[("a", 1), ("b", 2), ("c", 3)])).await.unwrap();
    tx.commit().await.unwrap();
    for mut tx in [db.read().await.unwrap(), db.begin().await.unwrap()] {
        let row = |row: &Row<'_>| Ok::<_, SqlError>((row.string(0)?, row.int(1)?));
        let none: [Param<'_>; 0] = [];
        assert_eq!(tx.query_keys(&BY_NAME, none, &[0.into()], row).await.unwrap(), []);
        let keys = ["c", "nobody", "a", "b"].map(Param::Text);
        let mut found = tx.query_keys(&BY_NAME, keys, &[1.into()], row).await.unwrap();
        found.sort();
        assert_eq!(found, owned(&[("b", 2), ("c", 3)]));
    }
}

async fn a_reader_sees_one_state_and_never_waits(store: Store) {
    let db = store.open().await.unwrap();
    let update = sql!("update counters set value = value + 1 where name = 'order_number'");
    let mut reader = db.read().await.unwrap();
    assert_eq!(counter(&mut reader, "order_number").await, Some(1001));
    let mut writer = db.begin().await.unwrap();
    writer.execute(&update, &[]).await.unwrap();
    let mut other = db.read().await.unwrap();
    assert_eq!(counter(&mut other, "order_number").await, Some(1001));
    writer.commit().await.unwrap();
    assert_eq!(counter(&mut reader, "order_number").await, Some(1001));
    drop(reader);
    let mut reader = db.read().await.unwrap();
    assert_eq!(counter(&mut reader, "order_number").await, Some(1002));
    assert!(reader.execute(&update, &[]).await.is_err(), "a reader does not write");
}

async fn parameters_are_bound_by_number_not_by_first_appearance(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.read().await.unwrap();
    let sql = sql!("select cast($2 as bigint), cast($1 as bigint), cast($2 as bigint)");
    let params = [Param::Int(1), Param::Int(2)];
    let row = |row: &Row<'_>| Ok::<_, SqlError>((row.int(0)?, row.int(1)?, row.int(2)?));
    assert_eq!(tx.query_opt(&sql, &params, row).await.unwrap(), Some((2, 1, 2)));
    assert!(tx.query_opt(&sql, &params[..1], row).await.is_err());
}

async fn many_takers_of_one_counter_get_different_numbers(store: Store) {
    let db = store.open().await.unwrap();
    let mut takers = JoinSet::new();
    for _ in 0..100 {
        let db = db.clone();
        takers.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            let taken = counter(&mut tx, "order_number").await.unwrap();
            tokio::task::yield_now().await;
            tx.write(&UPDATE_COUNTER, [["order_number".into(), (taken + 1).into()]]).await.unwrap();
            tx.commit().await.unwrap();
            taken
        });
    }
    let mut taken = takers.join_all().await;
    taken.sort_unstable();
    assert!(taken.into_iter().eq(1001..1101));
}

async fn a_lock_lets_one_in_after_the_other(store: Store) {
    let db = store.open().await.unwrap();
    let mut adders = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        adders.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            tx.lock("counters").await.unwrap();
            let n = counter(&mut tx, "shared").await.unwrap_or(0);
            tx.write(&UPSERT_COUNTER, [["shared".into(), (n + 1).into()]]).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    adders.join_all().await;
    assert_eq!(counters(&db).await, owned(&[("shared", 20)]));
}

async fn a_database_is_opened_again_with_what_it_holds(store: Store) {
    let openings: Vec<_> = (0..4).map(|_| store.open()).collect();
    for opening in openings {
        let db = opening.await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let n = counter(&mut tx, "openings").await.unwrap_or(0);
        tx.write(&UPSERT_COUNTER, [["openings".into(), (n + 1).into()]]).await.unwrap();
        tx.commit().await.unwrap();
        db.checkpoint().await.unwrap();
    }
    assert_eq!(counters(&store.open().await.unwrap()).await, owned(&[("openings", 4)]));
}

async fn a_new_database_has_no_faults(store: Store) {
    let db = store.open().await.unwrap();
    assert_eq!(db.integrity_faults().await.unwrap(), Vec::<String>::new());
}
