use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stoa_embedded::cache::MemoryCache;
use stoa_kernel::{Ctx, IdSource, Timestamp, TokenHash};

use stoa_test_stores::{Store, on_both_stores};

use super::*;
use crate::cache::{Cache, KEEP};

on_both_stores! {
    every_statement_fits_the_schema,
    a_set_up_link_makes_one_administrator_once,
    two_who_use_one_link_at_once_make_one_user,
    a_session_lasts_until_sign_out_expiry_or_a_new_password,
    a_session_that_ends_at_one_process_has_ended_at_all,
    putting_a_user_again_changes_the_stored_row,
    an_api_token_has_the_scopes_it_was_made_with,
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const PASSWORD: &str = "correct horse battery";

fn alone() -> Cache {
    Cache::alone(Arc::new(MemoryCache::new()), || NOW)
}

fn ctx() -> Ctx {
    Ctx { now: NOW, ids: IdSource::seeded(7) }
}

fn owner() -> NewUser {
    NewUser {
        name: " Ada Owner ".into(),
        email: " Ada@Example.com".into(),
        password: PASSWORD.into(),
    }
}

async fn every_statement_fits_the_schema(store: Store) {
    let db = store.open().await.unwrap();
    for sql in store::STATEMENTS {
        db.prepare(sql).await.unwrap_or_else(|error| panic!("{sql:?}: {error}"));
    }
    for write in store::WRITES {
        db.prepare_write(write).await.unwrap_or_else(|error| panic!("{write:?}: {error}"));
    }
}

async fn a_set_up_link_makes_one_administrator_once(store: Store) {
    let db = store.open().await.unwrap();
    assert!(!any_user(&db).await.unwrap());
    let old = create_setup_link(&db, NOW).await.unwrap().unwrap().hash();
    let link = create_setup_link(&db, NOW).await.unwrap().unwrap().hash();
    assert!(!setup_link_is_open(&db, &old, NOW).await.unwrap());
    assert!(setup_link_is_open(&db, &link, NOW).await.unwrap());
    let later = NOW.plus_seconds(SETUP_LINK_S);
    assert!(!setup_link_is_open(&db, &link, later).await.unwrap());

    let mut wrong = owner();
    wrong.password = "short".into();
    wrong.email = "nowhere".into();
    let refused = consume_setup_link(&db, &mut ctx(), &link, wrong).await;
    let Err(StaffError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/email", "/password"]);

    let user = consume_setup_link(&db, &mut ctx(), &link, owner()).await.unwrap();
    assert_eq!((user.name.as_str(), user.email.as_str()), ("Ada Owner", "ada@example.com"));
    let again = consume_setup_link(&db, &mut ctx(), &link, owner()).await;
    assert!(matches!(again, Err(StaffError::LinkClosed)), "{again:?}");
    assert!(create_setup_link(&db, NOW).await.unwrap().is_none());
}

async fn two_who_use_one_link_at_once_make_one_user(store: Store) {
    let db = store.open().await.unwrap();
    let link = create_setup_link(&db, NOW).await.unwrap().unwrap().hash();
    let mut other = owner();
    other.email = "other@example.com".into();
    let (mut mine, mut theirs) = (ctx(), ctx());
    let (one, two) = tokio::join!(
        consume_setup_link(&db, &mut mine, &link, owner()),
        consume_setup_link(&db, &mut theirs, &link, other),
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
}

async fn a_session_lasts_until_sign_out_expiry_or_a_new_password(store: Store) {
    let db = store.open().await.unwrap();
    let cache = &alone();
    let ada = put_user(&db, cache, &mut ctx(), owner()).await.unwrap();
    for (email, password) in [("ada@example.com", "wrong"), ("nobody@example.com", PASSWORD)] {
        let refused = sign_in(&db, cache, NOW, email, password.into(), None).await;
        assert!(matches!(refused, Err(StaffError::WrongCredentials)), "{refused:?}");
    }
    let enter = |previous: Option<TokenHash>| {
        let db = db.clone();
        async move {
            let email = "ADA@example.com ";
            let signed = sign_in(&db, cache, NOW, email, PASSWORD.into(), previous.as_ref()).await;
            signed.unwrap().1.hash()
        }
    };
    let who = |token: TokenHash, now: Timestamp| {
        let db = db.clone();
        async move { session(&db, cache, &token, now).await.unwrap() }
    };
    let first = enter(None).await;
    assert_eq!(who(first, NOW).await.as_ref(), Some(&ada));
    assert_eq!(who(first, NOW.plus_seconds(SESSION_S)).await, None);

    let second = enter(Some(first)).await;
    assert_eq!(who(first, NOW).await, None, "signing in again rotates");
    sign_out(&db, cache, &second).await.unwrap();
    sign_out(&db, cache, &second).await.unwrap();
    assert_eq!(who(second, NOW).await, None);

    let third = enter(None).await;
    let mut renamed = owner();
    renamed.name = "Ada Byron".into();
    renamed.password = "another long password".into();
    let again = put_user(&db, cache, &mut ctx(), renamed).await.unwrap();
    assert_eq!((again.id, again.name.as_str()), (ada.id, "Ada Byron"));
    assert_eq!(who(third, NOW).await, None);
    let old = sign_in(&db, cache, NOW, "ada@example.com", PASSWORD.into(), None).await;
    assert!(matches!(old, Err(StaffError::WrongCredentials)), "{old:?}");
}

async fn a_session_that_ends_at_one_process_has_ended_at_all(store: Store) {
    static LATER: AtomicI64 = AtomicI64::new(0);
    let later = || NOW.plus_millis(LATER.load(Ordering::Relaxed));
    let db = store.open().await.unwrap();
    let shared = Arc::new(MemoryCache::new());
    let process = || Cache::shared(Arc::clone(&shared) as _, Arc::new(MemoryCache::new()), later);
    let (one, two) = (process(), process());
    one.look().await;
    two.look().await;
    LATER.fetch_add(i64::try_from(KEEP.as_millis()).unwrap(), Ordering::Relaxed);
    let ada = put_user(&db, &one, &mut ctx(), owner()).await.unwrap();
    let enter = |previous: Option<TokenHash>| {
        let (db, one) = (&db, &one);
        async move {
            let email = "ada@example.com";
            let signed = sign_in(db, one, NOW, email, PASSWORD.into(), previous.as_ref()).await;
            signed.unwrap().1.hash()
        }
    };
    let known = |token: TokenHash| {
        let (db, one, two) = (&db, &one, &two);
        async move {
            let at_one = session(db, one, &token, NOW).await.unwrap();
            assert_eq!(at_one, session(db, two, &token, NOW).await.unwrap());
            at_one
        }
    };
    let first = enter(None).await;
    assert_eq!(known(first).await.as_ref(), Some(&ada));
    // It comes from the cache: the row is not asked.
    let mut tx = db.begin().await.unwrap();
    store::delete_session(&mut tx, &first).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(known(first).await.as_ref(), Some(&ada));
    assert_eq!(session(&db, &two, &first, NOW.plus_seconds(SESSION_S)).await.unwrap(), None);
    sign_out(&db, &two, &first).await.unwrap();
    assert_eq!(known(first).await, None);

    let second = enter(None).await;
    assert!(known(second).await.is_some());
    let third = enter(Some(second)).await;
    assert_eq!(known(second).await, None);
    assert!(known(third).await.is_some());
    put_user(&db, &two, &mut ctx(), owner()).await.unwrap();
    assert_eq!(known(third).await, None);
}

async fn putting_a_user_again_changes_the_stored_row(store: Store) {
    let db = store.open().await.unwrap();
    let cache = &alone();
    let ada = put_user(&db, cache, &mut ctx(), owner()).await.unwrap();
    let mut renamed = owner();
    renamed.name = "Ada Byron".into();
    put_user(&db, cache, &mut ctx(), renamed).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let stored = store::credentials(&mut tx, "ada@example.com").await.unwrap().unwrap().user;
    assert_eq!((stored.id, stored.name.as_str()), (ada.id, "Ada Byron"));
}

async fn an_api_token_has_the_scopes_it_was_made_with(store: Store) {
    let db = store.open().await.unwrap();
    let scopes = Scopes::new([Scope::ProductsRead, Scope::StockWrite]);
    let token = create_api_token(&db, NOW, "warehouse", &scopes, None).await.unwrap();
    let found = api_token(&db, &token.hash()).await.unwrap();
    assert_eq!(found, Some(ApiToken { scopes, vendor: None }));
    let other = token.derive("other").hash();
    assert_eq!(api_token(&db, &other).await.unwrap(), None);
    let none = create_api_token(&db, NOW, " ", &Scopes::new([]), None).await;
    let Err(StaffError::Invalid(errors)) = none else {
        panic!("{none:?}");
    };
    assert_eq!(errors.len(), 2);
}

#[test]
fn nothing_secret_is_printed() {
    assert!(!format!("{:?}", owner()).contains(PASSWORD));
}
