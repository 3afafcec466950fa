//! The command line, beside a shop that serves and without one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::buyer::GOOD_CARD;
use crate::catalogue::{simple, usd, varied};
use crate::shop::{Shop, eventually, shown, text, within};

/// The serving shop shows what commands did within a second; a busy machine is given three.
const SOON: Duration = Duration::from_secs(3);

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that must fail; gives what it complained of.
#[track_caller]
fn fails(shop: &Shop, arguments: &[&str]) -> String {
    let output = shop.run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", shown(&output));
    let complaint = stderr(&output);
    assert!(!complaint.contains("panicked"), "{complaint}");
    complaint
}

/// How many products a search finds.
fn found(shop: &Shop, words: &str) -> u64 {
    let page = shop.get(&format!("/api/v1/products?limit=1&q={words}")).expect(200).json();
    page["total"].as_u64().unwrap()
}

#[test]
fn what_is_imported_while_the_shop_serves_shows_at_once() {
    let shop = Shop::closed().open();
    shop.get("/api/v1/products/tin-drum").refused(404, "not_found");
    shop.import(&[simple("tin-drum", 1_500, 3)]);
    within(SOON, "the product is there and found", || {
        shop.get("/api/v1/products/tin-drum").send().status == 200 && found(&shop, "tin+drum") == 1
    });
    let page = shop.get("/products/tin-drum").expect(200).text();
    assert!(page.contains("15.00"), "{page}");
    shop.import(&[simple("tin-drum", 1_900, 8)]);
    within(SOON, "price and stock follow, also on the page and in lists", || {
        let product = shop.get("/api/v1/products/tin-drum").expect(200).json();
        let list = shop.get("/api/v1/products?q=tin+drum").expect(200).json();
        product["price"] == usd(1_900)
            && product["variants"][0]["available"] == 8
            && list["items"][0]["price"] == usd(1_900)
            && shop.get("/products/tin-drum").expect(200).text().contains("19.00")
    });
    let order = shop.order("TIN-DRUM", 2);
    assert_eq!(order["totals"]["subtotal"], usd(3_800));

    let csv = "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant \
               Inventory Qty,Variant Price\n\
               kite,\"Kite, \"\"large\"\"\",<b>Flies</b>,Northwind,Colour,Red,KITE-R,4,12.50\n\
               kite,,,,,Blue,,2,13.00\n\
               bad,Bad,,,,,,1,cheap\n";
    let path = shop.file("shop.csv");
    std::fs::write(&path, csv).unwrap();
    let output = shop.run(&["import", "shopify", text(&path)]);
    assert!(output.status.success(), "{}", shown(&output));
    assert!(stderr(&output).contains("shop.csv:4:"), "{}", stderr(&output));
    within(SOON, "the kite flies", || found(&shop, "kite") == 1);
    let kite = shop.get("/api/v1/products/kite").expect(200).json();
    assert_eq!(kite["title"], "Kite, \"large\"");
    assert_eq!(kite["variants"][0]["price"], usd(1_250));
    assert_eq!(kite["variants"][1]["options"], json!({"Colour": "Blue"}));
    shop.get("/api/v1/products/bad").refused(404, "not_found");
    fails(&shop, &["import", "shopify", text(&path), "--strict"]);
    fails(&shop, &["import", "shopify", "no-such-file.csv"]);
    shop.assert_sound();
}

#[test]
fn an_import_repeated_changes_nothing_and_a_dry_run_neither() {
    let shop = Shop::closed();
    let path = shop.write_lines("all.jsonl", &varied());
    let n = varied().len();
    let run = |more: &[&str]| {
        let mut arguments = vec!["import", "products", text(&path)];
        arguments.extend_from_slice(more);
        let output = shop.run(&arguments);
        assert!(output.status.success(), "{}", shown(&output));
        stderr(&output)
    };
    let summary = run(&["--dry-run"]);
    assert!(summary.contains(&format!("{n} good (dry run, nothing written)")), "{summary}");
    assert_eq!(shop.count("select count(*) from products"), 0);
    assert!(run(&[]).contains(&format!("{n} created, 0 updated, 0 unchanged")));
    let state = |shop: &Shop| {
        ["events", "stock_movements", "variants", "categories"]
            .map(|table| shop.count(&format!("select count(*) from {table}")))
    };
    let before = state(&shop);
    let summary = run(&[]);
    assert!(summary.contains(&format!("0 created, 0 updated, {n} unchanged")), "{summary}");
    assert_eq!(state(&shop), before);
    shop.assert_sound();
}

#[test]
fn what_is_exported_and_imported_is_the_same_again() {
    let shop = Shop::closed().stocked(&varied());
    let exported = shop.file("one.jsonl");
    shop.succeed(&["export", "products", text(&exported)]);
    let first = std::fs::read_to_string(&exported).unwrap();
    assert_eq!(first.lines().count(), varied().len());
    assert_eq!(shop.succeed(&["export", "products"]), first, "without a file it is printed");
    let other = Shop::closed();
    other.succeed(&["import", "products", text(&exported), "--strict"]);
    assert_eq!(other.succeed(&["export", "products"]), first);
    // Also through Shopify's form, as far as that has room for everything.
    let csv = shop.file("one.csv");
    shop.succeed(&["export", "products", text(&csv), "--format", "shopify"]);
    let third = Shop::closed();
    third.succeed(&["import", "shopify", text(&csv), "--strict"]);
    assert_eq!(third.count("select count(*) from variants"), 31);
    other.assert_sound();
}

#[test]
fn the_search_index_is_rebuilt_beside_a_serving_shop_and_without_one() {
    let shop = Shop::closed().stocked(&varied()).open();
    eventually("the index is complete", || found(&shop, "mug") == 13);
    std::thread::scope(|scope| {
        let rebuilding = scope.spawn(|| shop.succeed(&["rebuild", "search"]));
        while !rebuilding.is_finished() {
            assert_eq!(found(&shop, "mug"), 13, "searches go on as before");
        }
        assert!(rebuilding.join().unwrap().contains("Done"));
    });
    assert_eq!(found(&shop, "mug"), 13);
    assert!(shop.stop().success());
    let printed = shop.succeed(&["rebuild", "search"]);
    assert!(printed.contains("28 products"), "{printed}");
    // Without an index one is made.
    std::fs::remove_dir_all(shop.data().join("search")).unwrap();
    shop.serve();
    eventually("the index is made anew", || found(&shop, "lamp") == 13);
}

#[test]
fn the_doctor_finds_what_was_tampered_with() {
    let shop = Shop::closed().stocked(&[simple("drum", 1_500, 30)]).open();
    let admin = shop.token("admin");
    shop.order("DRUM", 2);
    let cancelled = shop.order("DRUM", 1)["id"].as_str().unwrap().to_owned();
    shop.post(&format!("/api/admin/v1/orders/{cancelled}/cancel")).bearer(&admin).expect(200);
    let cart = shop.ready_cart("DRUM", 1);
    shop.complete(&cart, "tok_declined").expect(402);
    shop.complete(&cart, "tok_requires_action").expect(402);
    assert!(shop.stop().success());
    shop.assert_sound();
    let [clean, book] = ["stoa.db", "test-payments.log"].map(|name| shop.data().join(name));
    let [copy, book_copy] = ["clean.db", "clean.log"].map(|name| shop.file(name));
    shop.database().execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    std::fs::copy(&clean, &copy).unwrap();
    std::fs::copy(&book, &book_copy).unwrap();
    let restore = || {
        for suffix in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(shop.data().join(format!("stoa.db{suffix}")));
        }
        std::fs::copy(&copy, &clean).unwrap();
        std::fs::copy(&book_copy, &book).unwrap();
    };
    for (sql, check) in [
        ("update stock_levels set on_hand = on_hand + 1", "stock against movements"),
        ("update stock_levels set reserved = 0", "stock against movements"),
        ("delete from stock_movements where kind = 'release'", "stock against movements"),
        (
            "update stock_levels set reserved = reserved + 1; update stock_movements \
             set reserved_delta = reserved_delta + 1 where id in \
             (select id from stock_movements where kind = 'reserve' limit 1)",
            "fulfilments and reservations",
        ),
        ("update payments set status = 'declined' where status = 'paid'", "orders and payments"),
        ("update orders set status = 'failed' where status = 'placed'", "orders and payments"),
        (
            "update orders set fulfilment_status = 'fulfilled' where status = 'placed'",
            "fulfilments and reservations",
        ),
        ("update order_lines set total = total + 1 where quantity = 2", "orders and payments"),
        ("update ledger_postings set amount = amount + 1 where position = 0", "ledger balance"),
        ("delete from ledger_postings; delete from ledger_entries", "ledger balance"),
        ("delete from events where sequence = 1 and subject like 'order/%'", "event sequences"),
        (
            "update payments set amount = amount + 1 where status = 'paid'",
            "payments against the test provider's book",
        ),
    ] {
        shop.database().execute_batch(sql).unwrap();
        let output = shop.run(&["doctor"]);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success(), "{sql}: {printed}");
        let wrong: Vec<&str> = printed.lines().filter(|line| line.starts_with("WRONG")).collect();
        assert!(wrong.iter().any(|line| line.contains(check)), "{sql}: {printed}");
        restore();
    }
    let mut taken = std::fs::OpenOptions::new().append(true).open(&book).unwrap();
    writeln!(taken, "pay_0000000000000000000000001z captured 999 USD").unwrap();
    assert!(!shop.run(&["doctor"]).status.success(), "money without an order");
    restore();
    std::fs::write(&book, "").unwrap();
    assert!(!shop.run(&["doctor"]).status.success(), "an order without money");
    restore();
    shop.assert_sound();
    // A file that is damaged as a whole.
    let mut bytes = std::fs::read(&clean).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&clean, bytes).unwrap();
    assert!(!shop.run(&["doctor"]).status.success());
}

#[test]
fn settings_are_documented_and_wrong_ones_are_named() {
    let shop = Shop::closed();
    let printed = shop.succeed(&["config"]);
    for setting in ["[shop]", "currency = ", "listen = ", "[payments.test]", "[[shipping]]"] {
        assert!(printed.contains(setting), "{setting} is not in {printed}");
    }
    std::fs::create_dir_all(shop.data()).unwrap();
    // What is printed is a configuration itself.
    let file = shop.data().join("stoa.toml");
    std::fs::write(&file, printed).unwrap();
    shop.succeed(&["doctor"]);
    for (content, names) in [
        ("[shop]\ncurrency = \"COWRIES\"", "shop.currency"),
        ("[shop]\ncolour = \"red\"", "colour"),
        ("[server]\npage_cache_mib = \"much\"", "page_cache_mib"),
        ("[[shipping]]\ncode = \"a\"\nname = \"A\"\nprice = \"free\"", "shipping[0].price"),
        ("[shop", "stoa.toml"),
    ] {
        std::fs::write(&file, content).unwrap();
        let complaint = fails(&shop, &["serve", "--listen", "127.0.0.1:0"]);
        assert!(complaint.contains(names), "{content}: {complaint}");
    }
    std::fs::remove_file(&file).unwrap();
    for (name, value) in [
        ("STOA_SHOP__CURRENCY", "COWRIES"),
        ("STOA_SHOP__COLOUR", "red"),
        ("STOA_PAYMENTS__TEST__DELAY_MS", "long"),
    ] {
        let output = shop.command(&["doctor"]).env(name, value).output().unwrap();
        assert!(!output.status.success());
        let setting = name.trim_start_matches("STOA_").to_lowercase().replace("__", ".");
        let complaint = stderr(&output);
        assert!(complaint.contains(name) || complaint.contains(&setting), "{complaint}");
    }
    let complaint = fails(&shop, &["doctor", "--config", "no-such-file.toml"]);
    assert!(complaint.contains("no-such-file.toml"), "{complaint}");
    fails(&shop, &["serve", "--listen", "nowhere"]);
    fails(&shop, &["dance"]);
}

#[test]
fn a_directory_is_served_once_and_an_address_too() {
    let shop = Shop::closed().stocked(&[simple("drum", 1_500, 30)]).open();
    let complaint = fails(&shop, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(complaint.contains("serves") && complaint.contains("data"), "{complaint}");
    let complaint = fails(&shop, &["demo", "--no-serve"]);
    assert!(complaint.contains("serves"), "{complaint}");
    let other = Shop::closed();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = fails(&other, &["serve", "--listen", &address]);
    assert!(complaint.contains(&address) && complaint.contains("--listen"), "{complaint}");
    shop.order("DRUM", 1);
    // After a kill the directory is free again.
    shop.kill();
    shop.serve();
    shop.order("DRUM", 1);
}

#[test]
fn the_demo_fills_a_directory_once() {
    let shop = Shop::closed();
    let printed = shop.succeed(&["demo", "--no-serve"]);
    assert!(printed.contains("Administrator: ") && printed.contains("Password: "), "{printed}");
    let n = shop.count("select count(*) from products");
    assert!(n >= 300, "{n} products");
    assert!(shop.count("select count(*) from categories where parent_id is null") >= 8);
    let orders = shop.count("select count(*) from orders");
    assert!(orders > 20, "{orders} orders");
    shop.assert_sound();
    let again = shop.succeed(&["demo", "--no-serve"]);
    assert!(again.contains("Password: "), "{again}");
    assert_eq!(shop.count("select count(*) from products"), n);
    assert_eq!(shop.count("select count(*) from orders"), orders);
    shop.serve();
    let page = shop.get("/api/v1/products?limit=100&in_stock=true").expect(200).json();
    let sku = |item: &Value| {
        let path = format!("/api/v1/products/{}", item["handle"].as_str().unwrap());
        let product = shop.get(&path).expect(200).json();
        let variants = product["variants"].as_array().unwrap().clone();
        let variant = variants.into_iter().find(|variant| variant["in_stock"] == true).unwrap();
        variant["sku"].as_str().unwrap().to_owned()
    };
    for item in page["items"].as_array().unwrap().iter().step_by(20) {
        shop.order(&sku(item), 1);
    }
    shop.assert_sound();
}

#[test]
fn a_shop_that_is_told_to_stop_finishes_what_it_began() {
    let shop = Shop::closed()
        .set("STOA_PAYMENTS__TEST__DELAY_MS", "1500")
        .stocked(&[simple("drum", 1_500, 30)])
        .open();
    let cart = shop.ready_cart("DRUM", 1);
    // Connections that wait for nothing, or for the rest of a request, must not hold it up.
    let mut idle = TcpStream::connect(shop.address()).unwrap();
    write!(idle, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut byte = [0; 1];
    idle.read_exact(&mut byte).unwrap();
    let mut half = TcpStream::connect(shop.address()).unwrap();
    half.write_all(b"POST /api/v1/carts HTTP/1.1\r\nHost: x\r\nContent-Le").unwrap();
    std::thread::scope(|scope| {
        let paying = scope.spawn(|| shop.complete(&cart, GOOD_CARD).expect(201));
        std::thread::sleep(Duration::from_millis(500));
        shop.signal(Signal::TERM);
        assert_eq!(paying.join().unwrap().json()["status"], "placed");
    });
    assert!(shop.wait().success());
    assert!(TcpStream::connect(shop.address()).is_err(), "nobody listens any more");
    shop.assert_sound();
    shop.serve();
    shop.signal(Signal::INT);
    assert!(shop.wait().success());
}

#[test]
fn a_token_is_printed_alone_on_the_last_line() {
    let shop = Shop::closed();
    let output = shop
        .command(&["token", "create", "--scope", "admin", "--name", "tests"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let token = printed.lines().last().unwrap();
    assert!(token.starts_with("stoa_") && !token.contains(' '), "{printed}");
    shop.serve();
    shop.get("/api/admin/v1/orders").bearer(token).expect(200);
    // One that is made while the shop serves works at once.
    shop.get("/api/admin/v1/orders").bearer(&shop.token("orders:read")).expect(200);
}

#[test]
fn a_log_that_nobody_looks_at_has_no_colours() {
    let shop = Shop::closed().set("STOA_LOG__LEVEL", "info").open();
    assert!(shop.stop().success());
    let log = shop.logged();
    assert!(log.contains("stopping"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
}

/// The cart that a request with a key makes.
fn cart_of(shop: &Shop) -> String {
    let made = shop.post("/api/v1/carts").json(&json!({})).key("first visit").expect(201);
    made.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_secret_of_an_older_shop_is_taken_over_and_may_be_given_by_a_file() {
    let with_old = |byte: u8| {
        let shop = Shop::closed();
        std::fs::create_dir_all(shop.data()).unwrap();
        std::fs::write(shop.data().join("secret.key"), [byte; 32]).unwrap();
        shop
    };
    let (one, same, other) = (with_old(1).open(), with_old(1).open(), with_old(2).open());
    let cart = cart_of(&one);
    assert_eq!(cart_of(&same), cart);
    assert_ne!(cart_of(&other), cart);
    // From now on the database has it.
    assert!(one.stop().success());
    std::fs::remove_file(one.data().join("secret.key")).unwrap();
    one.serve();
    assert_eq!(cart_of(&one), cart);

    let file = one.file("secret");
    std::fs::write(&file, "01".repeat(32) + "\n").unwrap();
    let third = Shop::closed().set("STOA_SECURITY__SECRET_FILE", text(&file)).open();
    assert_eq!(cart_of(&third), cart);
    assert_eq!(third.count("select count(*) from installation"), 0);
    assert!(third.stop().success());
    for wrong in ["", "0", "zz"] {
        std::fs::write(&file, wrong.repeat(32)).unwrap();
        let complaint = fails(&third, &["serve", "--listen", "127.0.0.1:0"]);
        assert!(complaint.contains("64 hexadecimal digits"), "{complaint}");
    }
}
