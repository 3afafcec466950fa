//! A transaction of a vendor sees and changes what is the vendor's, whatever its statements say.

use stoa_app::catalog::{self, SaveError, Target, save_product, save_product_in};
use stoa_app::{inventory, order, vendor};
use stoa_domain::Refusal;
use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Product, Status};
use stoa_domain::checkout::{SettlePayment, Settlement};
use stoa_domain::inventory::SetStock;
use stoa_domain::vendor::{VendorDraft, VendorStatus};
use stoa_domain::{Command, Reply};
use stoa_kernel::{Ctx, Currency, IdSource, Money, VendorId};
use stoa_sql::{Column, Db, ErrorKind, Param, Sql, SqlError, Tx, Type, Verb, Write, sql};
use stoa_test_stores::{Server, Store, on_both_stores, psql};

use crate::shop::{Shop, add, clock, config, place};

on_both_stores! {
    a_query_without_a_filter_gives_what_is_the_vendors,
    a_write_changes_what_is_the_vendors_alone,
    what_is_nobodys_business_cannot_be_read,
    statements_that_forget_whose_rows_they_change,
    products_are_saved_for_the_vendor_of_the_transaction,
    a_product_keeps_its_vendor_until_it_is_given_to_another,
    a_vendor_sees_the_lines_of_its_own_products,
    vendors_are_made_and_changed,
}

/// A vendor's products are called after it: `kiln-pot` has the SKU `KILN-POT`.
struct Market {
    db: Db,
    kiln: VendorId,
    loom: VendorId,
    /// Of the shop itself, of `kiln`, of `loom`.
    products: [Product; 3],
}

fn ctx() -> Ctx {
    let now = clock();
    Ctx { now, ids: IdSource::seeded(now.as_micros().unsigned_abs()) }
}

fn draft(handle: &str, owner: Option<&str>) -> Draft {
    let variant = DraftVariant {
        sku: handle.to_uppercase(),
        barcode: None,
        options: Vec::new(),
        prices: vec![DraftPrice { price: Money::new(1_000, Currency::USD), compare_at: None }],
        weight_g: None,
        stock: Some(5),
    };
    Draft {
        handle: handle.to_owned(),
        title: handle.to_owned(),
        status: Status::Active,
        brand: None,
        vendor: owner.map(str::to_owned),
        category: Vec::new(),
        product_type: None,
        tags: Vec::new(),
        description_html: String::new(),
        options: Vec::new(),
        attributes: Vec::new(),
        media: Vec::new(),
        variants: vec![variant],
    }
}

async fn vendor_named(db: &Db, name: &str) -> VendorId {
    let draft = VendorDraft {
        handle: String::new(),
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        status: VendorStatus::Active,
    };
    vendor::create(db, &mut ctx(), draft).await.unwrap().id
}

async fn saved(db: &Db, handle: &str, owner: Option<&str>) -> Product {
    let draft = draft(handle, owner);
    save_product(db, &config(), &mut ctx(), Target::ByHandle, draft).await.unwrap().0
}

async fn market(db: Db) -> Market {
    let (kiln, loom) = (vendor_named(&db, "kiln").await, vendor_named(&db, "loom").await);
    let mut products = Vec::new();
    for (handle, owner) in [("lamp", None), ("kiln-pot", Some("kiln")), ("loom-rug", Some("loom"))]
    {
        // A former handle, so that there is a redirect.
        let old = saved(&db, &format!("old-{handle}"), owner).await;
        let target = Target::Existing(old.id, None);
        let new = draft(handle, None);
        let product = save_product(&db, &config(), &mut ctx(), target, new).await.unwrap().0;
        products.push(product);
    }
    Market { db, kiln, loom, products: products.try_into().unwrap() }
}

macro_rules! counts {
    ($($name:ident = $text:literal),* $(,)?) => {
        $(const $name: Sql = sql!($text);)*
        const ALL: &[(&str, &Sql)] = &[$((stringify!($name), &$name)),*];
    };
}

// Queries that forget whose rows they are about.
counts! {
    VENDORS = "select count(*) from vendors",
    PRODUCTS = "select count(*) from products",
    VARIANTS = "select count(*) from variants",
    PRICES = "select count(*) from prices",
    REDIRECTS = "select count(*) from redirects",
    LEVELS = "select count(*) from stock_levels",
}
const TITLES: Sql = sql!("select title from products order by title");

async fn count(tx: &mut Tx, sql: &Sql) -> Result<i64, SqlError> {
    let n = tx.query_opt(sql, &[], |row| row.int(0)).await?;
    Ok(n.unwrap())
}

async fn titles(tx: &mut Tx) -> Vec<String> {
    tx.query(&TITLES, &[], |row| row.string(0)).await.unwrap()
}

async fn a_query_without_a_filter_gives_what_is_the_vendors(store: Store) {
    let market = market(store.open().await.unwrap()).await;
    for vendor in [market.kiln, market.loom] {
        let reading = market.db.read_scoped(vendor).await.unwrap();
        let writing = market.db.begin_scoped(vendor).await.unwrap();
        for mut tx in [reading, writing] {
            for (name, sql) in ALL {
                assert_eq!(count(&mut tx, sql).await.unwrap(), 1, "{name}");
            }
            let own = if vendor == market.kiln { "kiln-pot" } else { "loom-rug" };
            assert_eq!(titles(&mut tx).await, [own]);
            for product in &market.products {
                let found = catalog::store::find(&mut tx, product.id).await.unwrap();
                assert_eq!(found.is_some(), product.title == own, "{}", product.title);
            }
        }
    }
    // A vendor that is not there has nothing, and the shop sees all, on the same connections.
    let nobody = VendorId::from_uuid(uuid::Uuid::from_u128(7));
    let mut tx = market.db.read_scoped(nobody).await.unwrap();
    for (name, sql) in ALL {
        assert_eq!(count(&mut tx, sql).await.unwrap(), 0, "{name}");
    }
    drop(tx);
    let mut tx = market.db.read().await.unwrap();
    assert_eq!(titles(&mut tx).await, ["kiln-pot", "lamp", "loom-rug"]);
}

const ID: &[Column] = &[("id", Type::Uuid)];
static RETITLE: Write = Write::new(Verb::Update, "products", ID, &[("title", Type::Text)]);
static GIVE: Write = Write::new(Verb::Update, "products", ID, &[("vendor_id", Type::Uuid)]);
static DELETE_VARIANT: Write = Write::new(Verb::Delete, "variants", ID, &[]);
static DELETE_PRODUCT: Write = Write::new(Verb::Delete, "products", ID, &[]);
static INSERT_VARIANT: Write = Write::new(
    Verb::Insert,
    "variants",
    ID,
    &[
        ("product_id", Type::Uuid),
        ("position", Type::Int),
        ("sku", Type::Text),
        ("title", Type::Text),
        ("options", Type::Json),
        ("vendor_id", Type::Uuid),
    ],
);
static UPSERT_PRICE: Write = Write::new(
    Verb::Upsert,
    "prices",
    &[("variant_id", Type::Uuid), ("currency", Type::Text)],
    &[("amount", Type::Int)],
);
static COUNT_STOCK: Write = Write::new(
    Verb::Update,
    "stock_levels",
    &[("variant_id", Type::Uuid)],
    &[("on_hand", Type::Int)],
);
static SET_COUNTER: Write =
    Write::new(Verb::Update, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);
static TELL: Write = Write::new(
    Verb::Insert,
    "events",
    ID,
    &[
        ("subject", Type::Text),
        ("sequence", Type::Int),
        ("kind", Type::Text),
        ("data", Type::Json),
        ("created_at", Type::Time),
    ],
);
static SUSPEND: Write = Write::new(Verb::Update, "vendors", ID, &[("name", Type::Text)]);

/// Runs one write in a transaction of its own, which is given up.
async fn tried(
    db: &Db,
    vendor: VendorId,
    write: &Write,
    row: &[Param<'_>],
) -> Result<u64, ErrorKind> {
    let mut tx = db.begin_scoped(vendor).await.unwrap();
    tx.write(write, [row]).await.map_err(|error| error.kind)
}

async fn a_write_changes_what_is_the_vendors_alone(store: Store) {
    let Market { db, kiln, loom, products: [lamp, pot, rug] } =
        market(store.open().await.unwrap()).await;
    let denied = Err(ErrorKind::Denied);
    let new = uuid::Uuid::from_u128(0x77);
    let variant = |product: &Product, owner: Option<VendorId>| {
        [
            Param::Uuid(new),
            product.id.into(),
            0.into(),
            "NEW".into(),
            "".into(),
            Param::Json("[]"),
            owner.into(),
        ]
    };
    let tried = |write: &'static Write, row: Vec<Param<'static>>| {
        let db = db.clone();
        async move { tried(&db, kiln, write, &row).await }
    };
    for (product, changed) in [(&pot, 1), (&rug, 0), (&lamp, 0)] {
        let (id, variant) = (Param::from(product.id), Param::from(product.variants[0].id));
        assert_eq!(tried(&RETITLE, vec![id, "x".into()]).await, Ok(changed));
        assert_eq!(tried(&DELETE_VARIANT, vec![variant]).await, Ok(changed));
        assert_eq!(tried(&COUNT_STOCK, vec![variant, 9.into()]).await, Ok(changed));
    }
    // Its own to others, or to nobody.
    assert_eq!(tried(&GIVE, vec![pot.id.into(), loom.into()]).await, denied);
    assert_eq!(tried(&GIVE, vec![pot.id.into(), Param::Null]).await, denied);
    assert_eq!(tried(&GIVE, vec![rug.id.into(), kiln.into()]).await, Ok(0));
    // For others, to the products of others.
    assert_eq!(tried(&INSERT_VARIANT, variant(&pot, Some(kiln)).to_vec()).await, Ok(1));
    for row in [variant(&pot, Some(loom)), variant(&pot, None), variant(&rug, Some(kiln))] {
        assert_eq!(tried(&INSERT_VARIANT, row.to_vec()).await, denied);
    }
    let price = |product: &Product| vec![product.variants[0].id.into(), "USD".into(), 1.into()];
    assert_eq!(tried(&UPSERT_PRICE, price(&pot)).await, Ok(1));
    assert_eq!(tried(&UPSERT_PRICE, price(&rug)).await, denied);
    assert_eq!(tried(&UPSERT_PRICE, price(&lamp)).await, denied);
    // What vendors do not do at all.
    assert_eq!(tried(&DELETE_PRODUCT, vec![pot.id.into()]).await, denied);
    assert_eq!(tried(&SUSPEND, vec![kiln.into(), "x".into()]).await, denied);
    let fact = |kind: &'static str| {
        vec![
            Param::Uuid(new),
            "order/x".into(),
            1.into(),
            kind.into(),
            Param::Json("{}"),
            clock().into(),
        ]
    };
    assert_eq!(tried(&TELL, fact("product.updated")).await, Ok(1));
    assert_eq!(tried(&TELL, fact("order.placed")).await, denied);
    assert_ne!(tried(&SET_COUNTER, vec!["order_number".into(), 1.into()]).await, Ok(1));
    // One that only reads.
    let mut tx = db.read_scoped(kiln).await.unwrap();
    tx.write(&RETITLE, [[Param::from(pot.id), "x".into()]]).await.unwrap_err();
    drop(tx);
    // Nothing of it all is there, and a write that is committed is.
    let mut tx = db.begin_scoped(kiln).await.unwrap();
    let rows = [&lamp, &pot, &rug].map(|product| [Param::from(product.id), "new".into()]);
    assert_eq!(tx.write(&RETITLE, rows).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = db.read().await.unwrap();
    assert_eq!(titles(&mut tx).await, ["lamp", "loom-rug", "new"]);
    for (name, sql) in ALL {
        let wanted = if *name == "VENDORS" { 2 } else { 3 };
        assert_eq!(count(&mut tx, sql).await.unwrap(), wanted, "{name}");
    }
}

const CARTS: Sql = sql!("select count(*) from carts");
const USERS: Sql = sql!("select count(*) from users");
const SESSIONS: Sql = sql!("select count(*) from sessions");
const TOKENS: Sql = sql!("select count(*) from api_tokens");
const PAYMENTS: Sql = sql!("select count(*) from payments");
const LEDGER: Sql = sql!("select count(*) from ledger_postings");
const INSTALLATION: Sql = sql!("select count(*) from installation");
const MAILS: Sql = sql!("select count(*) from mails");
const FACTS: Sql = sql!("select count(*) from events");
const BUYERS: Sql = sql!("select count(email) from orders");
const BEHIND: Sql = sql!(
    sqlite: "select count(*) from main.products",
    postgres: "select count(*) from pg_authid",
);
const NEXT_NUMBER: Sql = sql!("select count(*) from counters where name = 'order_number'");

async fn what_is_nobodys_business_cannot_be_read(store: Store) {
    let market = market(store.open().await.unwrap()).await;
    let secret = [
        &CARTS,
        &USERS,
        &SESSIONS,
        &TOKENS,
        &PAYMENTS,
        &LEDGER,
        &INSTALLATION,
        &MAILS,
        &FACTS,
        &BUYERS,
        &BEHIND,
    ];
    for sql in secret {
        let mut tx = market.db.read_scoped(market.kiln).await.unwrap();
        assert!(count(&mut tx, sql).await.is_err(), "{sql:?}");
    }
    let mut tx = market.db.read_scoped(market.kiln).await.unwrap();
    assert_eq!(count(&mut tx, &NEXT_NUMBER).await.unwrap(), 0);
}

const RETITLE_ALL: Sql = sql!("update products set title = 'stripped'");
const DELETE_ALL: Sql = sql!("delete from variants");
const COPY_ALL: Sql = sql!(
    "insert into stock_movements (id, variant_id, location_id, kind, on_hand_delta,
        reserved_delta, created_at)
    select variant_id, variant_id, location_id, 'adjust', 0, 0, updated_at from stock_levels"
);

/// PostgreSQL's policies bind any statement; SQLite refuses what is not a set-based write.
async fn statements_that_forget_whose_rows_they_change(store: Store) {
    let is_postgres = matches!(store, Store::Postgres(_));
    let market = market(store.open().await.unwrap()).await;
    // Without the vendor that the row is for.
    let mut tx = market.db.begin_scoped(market.kiln).await.unwrap();
    let copied = tx.execute(&COPY_ALL, &[]).await.unwrap_err();
    assert_eq!(copied.kind, ErrorKind::Denied);
    drop(tx);
    for sql in [&RETITLE_ALL, &DELETE_ALL] {
        let mut tx = market.db.begin_scoped(market.kiln).await.unwrap();
        let changed = tx.execute(sql, &[]).await.map_err(|error| error.kind);
        assert_eq!(changed.ok(), is_postgres.then_some(1), "{sql:?}");
        if is_postgres {
            tx.commit().await.unwrap();
        }
    }
    let mut tx = market.db.read().await.unwrap();
    let own = if is_postgres { "stripped" } else { "kiln-pot" };
    let mut wanted = [own, "lamp", "loom-rug"];
    wanted.sort_unstable();
    assert_eq!(titles(&mut tx).await, wanted);
    let n = count(&mut tx, &VARIANTS).await.unwrap();
    assert_eq!(n, if is_postgres { 2 } else { 3 });
}

async fn save_scoped(
    db: &Db,
    vendor: VendorId,
    target: Target,
    draft: Draft,
) -> Result<Product, SaveError> {
    let mut tx = db.begin_scoped(vendor).await.unwrap();
    let (product, _) = save_product_in(&mut tx, &config(), &mut ctx(), target, draft).await?;
    tx.commit().await.unwrap();
    Ok(product)
}

#[track_caller]
fn field(saved: Result<Product, SaveError>) -> String {
    match saved {
        Err(SaveError::Refused(Refusal::Invalid(errors))) => errors[0].pointer.clone(),
        other => panic!("{other:?}"),
    }
}

async fn products_are_saved_for_the_vendor_of_the_transaction(store: Store) {
    let Market { db, kiln, products: [lamp, pot, rug], .. } =
        market(store.open().await.unwrap()).await;
    let bowl = save_scoped(&db, kiln, Target::New, draft("kiln-bowl", None)).await.unwrap();
    assert_eq!(bowl.vendor.as_ref().map(|vendor| vendor.id), Some(kiln));
    let shorter = Draft { title: "Pot".to_owned(), ..draft("kiln-pot-2", Some("kiln")) };
    let target = Target::Existing(pot.id, None);
    assert_eq!(save_scoped(&db, kiln, target, shorter).await.unwrap().title, "Pot");
    for other in [&lamp, &rug] {
        let target = Target::Existing(other.id, None);
        let saved = save_scoped(&db, kiln, target, draft("mine", None)).await;
        assert!(matches!(saved, Err(SaveError::Refused(Refusal::NotFound(_)))), "{saved:?}");
        // Its handle and its SKU are taken, although they cannot be seen.
        let mut clash = draft(&other.handle, None);
        clash.variants[0].sku = "FREE".to_owned();
        let saved = save_scoped(&db, kiln, Target::ByHandle, clash).await;
        assert!(matches!(saved, Err(SaveError::Refused(Refusal::Taken { .. }))), "{saved:?}");
        let mut clash = draft("free", None);
        clash.variants[0].sku = other.variants[0].sku.clone();
        assert_eq!(field(save_scoped(&db, kiln, Target::New, clash).await), "/variants");
    }
    for owner in ["loom", ""] {
        let given = draft("gift", Some(owner));
        assert_eq!(field(save_scoped(&db, kiln, Target::New, given).await), "/vendor");
    }
    let shelved = Draft { category: vec!["New".to_owned()], ..draft("shelved", None) };
    assert_eq!(field(save_scoped(&db, kiln, Target::New, shelved).await), "/category");

    // Stock.
    let counted = |sku: &'static str, on_hand: i64| {
        let db = db.clone();
        async move {
            let mut tx = db.begin_scoped(kiln).await.unwrap();
            let count = |variant| SetStock {
                variant,
                location: "default".to_owned(),
                on_hand,
                expected: Some(5),
            };
            let level = inventory::set_stock_in(&mut tx, &config(), &mut ctx(), sku, count).await?;
            tx.commit().await.unwrap();
            Ok::<_, SaveError>(level.on_hand)
        }
    };
    assert_eq!(counted("KILN-BOWL", 8).await.unwrap(), 8);
    let stale = counted("KILN-BOWL", 9).await;
    assert!(matches!(stale, Err(SaveError::Refused(Refusal::Stale))), "{stale:?}");
    for other in ["LAMP", "LOOM-RUG"] {
        let refused = counted(other, 1).await;
        assert!(matches!(refused, Err(SaveError::Refused(Refusal::NotFound(_)))), "{refused:?}");
    }
    assert!(vendor::store::faults(&mut db.read().await.unwrap()).await.unwrap().is_empty());
}

async fn a_product_keeps_its_vendor_until_it_is_given_to_another(store: Store) {
    let Market { db, kiln, loom, products: [_, pot, _] } =
        market(store.open().await.unwrap()).await;
    let owner = |product: &Product| product.vendor.as_ref().map(|vendor| vendor.id);
    let sees = |vendor: VendorId| {
        let (db, variant) = (db.clone(), pot.variants[0].id);
        async move {
            let mut tx = db.read_scoped(vendor).await.unwrap();
            let levels = inventory::store::levels(&mut tx, &[variant]).await.unwrap();
            !levels.is_empty()
        }
    };
    // An import that says nothing of vendors.
    assert_eq!(owner(&saved(&db, "kiln-pot", None).await), Some(kiln));
    assert!(sees(kiln).await);
    assert_eq!(owner(&saved(&db, "kiln-pot", Some("loom")).await), Some(loom));
    assert!(sees(loom).await && !sees(kiln).await);
    assert_eq!(owner(&saved(&db, "kiln-pot", Some("")).await), None);
    assert!(!sees(loom).await);
    assert!(vendor::store::faults(&mut db.read().await.unwrap()).await.unwrap().is_empty());
    let nobodys = draft("kiln-pot", Some("nobody"));
    let unknown = save_product(&db, &config(), &mut ctx(), Target::ByHandle, nobodys).await;
    assert_eq!(field(unknown.map(|(product, _)| product)), "/vendor");
    // What is exported names the vendor.
    let drafts = catalog::all_drafts(&db).await.unwrap();
    let named: Vec<_> = drafts.iter().map(|draft| draft.vendor.as_deref()).collect();
    assert_eq!(named.iter().filter(|vendor| **vendor == Some("loom")).count(), 1);
}

async fn a_vendor_sees_the_lines_of_its_own_products(store: Store) {
    let shop = Shop::open(&store).await;
    let market = market(shop.db.clone()).await;
    let mut orders = Vec::new();
    for n in 0..3 {
        let cart = shop.ready_cart(n, "LAMP").await;
        shop.must(add(cart, "KILN-POT", 1)).await;
        if n == 0 {
            shop.must(add(cart, "LOOM-RUG", 1)).await;
        }
        let Reply::Order(order) = shop.must(place(cart)).await else { panic!("no order") };
        orders.push(order.id);
        // The third is not paid.
        if n < 2 {
            let settlement = Settlement::Captured { reference: "ref".to_owned() };
            let settle = SettlePayment { order: order.id, cart, settlement };
            shop.must(Command::SettlePayment(settle)).await;
        }
    }
    let lines = |vendor: VendorId, after, limit| {
        let db = market.db.clone();
        async move {
            let mut tx = db.read_scoped(vendor).await.unwrap();
            order::store::sold_lines(&mut tx, None, after, limit).await.unwrap()
        }
    };
    let sold = lines(market.kiln, None, 10).await;
    let found: Vec<_> = sold.iter().map(|line| (line.order_id, line.sku.as_str())).collect();
    assert_eq!(found, [(orders[1], "KILN-POT"), (orders[0], "KILN-POT")]);
    let first = lines(market.kiln, None, 1).await;
    let next = lines(market.kiln, Some((first[0].order_id, first[0].position)), 1).await;
    assert_eq!(next, sold[1..]);
    let sold = lines(market.loom, None, 10).await;
    assert_eq!(sold.len(), 1);
    assert_eq!((sold[0].sku.as_str(), sold[0].quantity), ("LOOM-RUG", 1));
    shop.assert_sound().await;
    shop.close();
}

async fn vendors_are_made_and_changed(store: Store) {
    let db = store.open().await.unwrap();
    let id = vendor_named(&db, "kiln").await;
    let draft = |name: &str, status| VendorDraft {
        handle: String::new(),
        name: name.to_owned(),
        email: "k@example.com".to_owned(),
        status,
    };
    let taken = vendor::create(&db, &mut ctx(), draft("Kiln", VendorStatus::Active)).await;
    assert!(matches!(taken, Err(SaveError::Refused(Refusal::Taken { .. }))), "{taken:?}");
    let mut tx = db.begin().await.unwrap();
    let change = draft("Kiln & Co", VendorStatus::Suspended);
    let stale = vendor::update_in(&mut tx, &mut ctx(), id, Some(2), change.clone()).await;
    assert!(matches!(stale, Err(SaveError::Refused(Refusal::Stale))), "{stale:?}");
    let changed =
        vendor::update_in(&mut tx, &mut ctx(), id, Some(1), change.clone()).await.unwrap();
    assert_eq!((changed.version, changed.handle.as_str()), (2, "kiln"));
    let again = vendor::update_in(&mut tx, &mut ctx(), id, None, change).await.unwrap();
    assert_eq!(again, changed);
    assert_eq!(vendor::store::find(&mut tx, id).await.unwrap(), Some(changed));
    let subject = format!("vendor/{id}");
    let facts = stoa_app::event_log::of_subject(&mut tx, &subject).await.unwrap();
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(kinds, ["vendor.created", "vendor.updated"]);
}

/// On a server whose administrator is someone else: an owner that may make roles makes the one of
/// vendors; for one that may not, the administrator does.
#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_vendors_is_made_by_whoever_may() {
    let server = Server::durable().unwrap();
    let database = |owner: &str, rights: &str| {
        let url = server.new_database().unwrap();
        let name = url.rsplit('/').next().unwrap();
        let make =
            format!("create role {owner} login {rights}; alter database {name} owner to {owner}");
        psql(&url, &make).unwrap();
        (url.replace("//stoa@", &format!("//{owner}@")), url)
    };
    let (maker, _) = database("maker", "createrole");
    let made = market(Db::open_postgres(&maker, 4).await.unwrap()).await;
    let mut tx = made.db.read_scoped(made.kiln).await.unwrap();
    assert_eq!(titles(&mut tx).await, ["kiln-pot"]);
    drop(tx);
    let others = [made.products[2].id.into(), "x".into()];
    assert_eq!(tried(&made.db, made.kiln, &RETITLE, &others).await, Ok(0));

    let (plain, administrator) = database("plain", "nocreaterole");
    let market = market(Db::open_postgres(&plain, 4).await.unwrap()).await;
    let refused = market.db.read_scoped(market.kiln).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(refused.message.contains("stoa_vendor"), "{}", refused.message);
    let findings = stoa_app::doctor::examine(&market.db).await.unwrap();
    let faults: Vec<_> = findings.iter().flat_map(|finding| &finding.faults).collect();
    assert!(matches!(&faults[..], [fault] if fault.contains("stoa_vendor")), "{faults:?}");
    psql(&administrator, "grant stoa_vendor to plain").unwrap();
    psql(&plain, "call make_vendor_role()").unwrap();
    let mut tx = market.db.read_scoped(market.kiln).await.unwrap();
    assert_eq!(titles(&mut tx).await, ["kiln-pot"]);
    assert!(count(&mut tx, &CARTS).await.is_err());
}
