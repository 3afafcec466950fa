//! Requests that no sound program sends. Each is refused by name; none brings the shop down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::buyer::{GOOD_CARD, address, details, line, payment};
use crate::catalogue::{simple, usd};
use crate::http::{Answer, Request, exchange, pointers};
use crate::shop::Shop;

/// A shop that must still be sound when the test is over.
struct Attacked(Shop);

impl std::ops::Deref for Attacked {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.0
    }
}

impl Attacked {
    fn open() -> Self {
        let products: Vec<Value> =
            ["apple", "pear"].iter().map(|handle| simple(handle, 200, 100_000)).collect();
        Self(Shop::closed().stocked(&products).open())
    }

    /// The shop lives, sells, is sound, and has met no fault of its own.
    #[track_caller]
    fn assert_well(self) {
        assert!(self.lives(), "{}", self.logged());
        self.order("APPLE", 1);
        self.get("/health/ready").expect(200);
        self.assert_sound();
        assert!(!self.logged().contains("ERROR"), "{}", self.logged());
        assert!(self.stop().success());
    }
}

/// An answer that blames the request.
#[track_caller]
fn blamed(request: &Request) -> Answer {
    let answer = request.send();
    assert!((400..500).contains(&answer.status), "{request:?}: {}", answer.text());
    answer
}

/// Every address that takes a body, with a body that it accepts.
fn writers(shop: &Shop, cart: &str) -> Vec<(Request, Value)> {
    let admin = shop.token("admin");
    let variant = shop.get("/api/v1/products/pear").expect(200).json();
    let product = format!("/api/admin/v1/products/{}", variant["id"].as_str().unwrap());
    let variant =
        format!("/api/admin/v1/variants/{}", variant["variants"][0]["id"].as_str().unwrap());
    let order = shop.order("APPLE", 1);
    let cancel = format!("/api/admin/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let line_id = shop.add(cart, "PEAR", 1).expect(200).json();
    let below = format!("/lines/{}", line_id["lines"][0]["id"].as_str().unwrap());
    let new = json!({"title": "Plum", "variants": [{"price": usd(1)}]});
    vec![
        (shop.post("/api/v1/carts"), json!({})),
        (shop.on_cart("POST", cart, "/lines"), line("APPLE", 1)),
        (shop.on_cart("PATCH", cart, &below), json!({"quantity": 2})),
        (shop.on_cart("PATCH", cart, ""), details()),
        (shop.on_cart("POST", cart, "/complete"), payment(GOOD_CARD)),
        (shop.post("/api/admin/v1/products").bearer(&admin), new),
        (shop.patch(&product).bearer(&admin), json!({"title": "Pear"})),
        (shop.post(&format!("{product}/variants")).bearer(&admin), json!({"price": usd(1)})),
        (shop.patch(&variant).bearer(&admin), json!({"price": usd(200)})),
        (shop.put("/api/admin/v1/stock/PEAR").bearer(&admin), json!({"on_hand": 100_000})),
        (shop.post(&cancel).bearer(&admin), json!({"reason": "test"})),
    ]
}

#[test]
fn bodies_that_are_not_what_they_should_be() {
    let shop = Attacked::open();
    let cart = shop.new_cart();
    for (request, good) in writers(&shop, &cart) {
        for malformed in [
            &b"{"[..],
            b"{\"",
            b"\xff\xfe\x00",
            b"{\"\xc3\x28\": 1}",
            b"not json",
            b"{'quantity': 1}",
            b"\x00",
            b"<xml/>",
            b"[1, 2",
        ] {
            request.clone().raw(malformed).refused(400, "malformed_json");
        }
        // Here the reader may stumble over the wrong field before it sees that this is no JSON.
        for malformed in ["{\"surprise\": 1", "{\"surprise\": NaN}", "{\"surprise\": 1} {}"] {
            let answer = blamed(&request.clone().raw(malformed));
            assert!(matches!(answer.status, 400 | 422), "{malformed}: {}", answer.text());
        }
        for shape in [json!([]), json!(1), json!("text"), json!(null), json!([good])] {
            let problem = request.clone().json(&shape).refused(422, "invalid");
            assert_eq!(pointers(&problem), [""], "{shape}");
        }
        let mut unknown = good.clone();
        unknown["surprise"] = json!(1);
        let problem = request.clone().json(&unknown).refused(422, "invalid");
        assert_eq!(pointers(&problem), ["/surprise"], "{request:?}");
        // Each field with a value of every wrong type.
        for (name, value) in good.as_object().unwrap() {
            for other in [json!(true), json!(1.5), json!("\u{0}"), json!([[]]), json!({"x": 1})] {
                if std::mem::discriminant(&other) == std::mem::discriminant(value) {
                    continue;
                }
                let mut wrong = good.clone();
                wrong[name] = other;
                let problem = request.clone().json(&wrong).refused(422, "invalid");
                let at = format!("/{name}");
                let blamed = pointers(&problem);
                assert!(blamed.iter().all(|p| p.starts_with(&at)), "{wrong}: {problem}");
            }
        }
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let answer = blamed(&request.clone().raw(format!("{{\"surprise\":{deep}}}")));
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text());
        let twice = good.to_string().replacen('{', "{\"surprise\":1,\"surprise\":2,", 1);
        blamed(&request.clone().raw(twice));
    }
    shop.assert_well();
}

#[test]
fn bodies_that_are_too_large_or_not_as_long_as_they_say() {
    let shop = Attacked::open();
    let cart = shop.new_cart();
    let huge = vec![b' '; 2 * 1024 * 1024];
    for (request, _) in writers(&shop, &cart) {
        request.clone().raw(&huge).refused(413, "too_large");
    }
    // Just under the limit is read, and found to be no JSON or not what is wanted.
    let full = format!("{{\"email\": \"{}\"}}", "x".repeat(1024 * 1024 - 100));
    shop.on_cart("PATCH", &cart, "").raw(full).refused(422, "invalid");

    let head = format!("PATCH /api/v1/carts/{cart} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    // More was announced than comes: nothing is done, nothing hangs.
    let mut stream = TcpStream::connect(shop.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{head}Content-Length: 100\r\n\r\n{{}}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ended = stream.read_to_end(&mut answer);
    if let Some(answer) = Answer::parse(&answer) {
        assert!(answer.status < 500, "{}", answer.text());
    }
    for lengths in [
        "Content-Length: -1",
        "Content-Length: many",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 2\r\nContent-Length: 3",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Transfer-Encoding: gzip",
    ] {
        let answer = exchange(shop.address(), format!("{head}{lengths}\r\n\r\n{{}}").as_bytes());
        if let Ok(answer) = answer {
            assert!((400..500).contains(&answer.status), "{lengths}: {}", answer.text());
        }
    }
    // A body without a length that never stops being sent.
    let mut endless = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..32 {
        endless.extend_from_slice(b"10000\r\n");
        endless.resize(endless.len() + 0x10000, b' ');
        endless.extend_from_slice(b"\r\n");
    }
    let answer = exchange(shop.address(), &endless).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(shop.cart(&cart)["email"], Value::Null);
    shop.assert_well();
}

#[test]
fn quantities() {
    let shop = Attacked::open();
    let cart = shop.new_cart();
    let view = shop.add(&cart, "APPLE", 3).expect(200).json();
    let below = format!("/lines/{}", view["lines"][0]["id"].as_str().unwrap());
    for wrong in [
        "-1",
        "10001",
        "2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "1.0",
        "1e3",
        "0.5",
        "9223372036854775808",
        "1e400",
        "123456789012345678901234567890",
        "\"1\"",
        "null",
        "true",
        "[1]",
        "{}",
        "\"\"",
    ] {
        for (method, at, body) in [
            ("POST", "/lines", format!("{{\"sku\": \"APPLE\", \"quantity\": {wrong}}}")),
            ("PATCH", below.as_str(), format!("{{\"quantity\": {wrong}}}")),
        ] {
            let request = shop.on_cart(method, &cart, at).raw(body);
            let answer = blamed(&request);
            assert!(matches!(answer.status, 400 | 422), "{wrong}: {}", answer.text());
            if answer.status == 422 {
                assert_eq!(pointers(&answer.problem("invalid")), ["/quantity"], "{wrong}");
            }
        }
    }
    shop.add(&cart, "APPLE", 0).refused(422, "invalid");
    // 10,000 of one variant at most, also by small steps.
    shop.add(&cart, "APPLE", 9_997).expect(200);
    assert_eq!(pointers(&shop.add(&cart, "APPLE", 1).refused(422, "invalid")), ["/quantity"]);
    assert_eq!(shop.cart(&cart)["lines"][0]["quantity"], 10_000);
    shop.assert_well();
}

#[test]
fn a_cart_has_at_most_200_lines_and_sums_that_fit() {
    let variants: Vec<Value> = (0..201)
        .map(|n| {
            json!({
                "sku": format!("BEAD-{n}"), "options": [n.to_string()],
                "prices": [{"price": usd(10_000_000_000)}], "stock": 10_000,
            })
        })
        .collect();
    let beads = json!({
        "handle": "beads", "title": "Beads", "options": ["Number"], "variants": variants
    });
    let shop = Attacked(Shop::closed().stocked(&[beads, simple("apple", 200, 9)]).open());
    let cart = shop.new_cart();
    for n in 0..200 {
        shop.add(&cart, &format!("BEAD-{n}"), 10_000).expect(200);
    }
    let problem = shop.add(&cart, "BEAD-200", 1).refused(422, "invalid");
    assert_eq!(pointers(&problem), ["/variant_id"]);
    let view = shop.cart(&cart);
    assert_eq!(view["lines"].as_array().unwrap().len(), 200);
    assert_eq!(view["totals"]["subtotal"], usd(200 * 10_000 * 10_000_000_000));
    shop.on_cart("PATCH", &cart, "").json(&details()).expect(200);
    let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
    assert_eq!(order["lines"].as_array().unwrap().len(), 200);
    shop.assert_well();
}

#[test]
fn ids_that_are_unknown_of_another_kind_or_of_other_people() {
    let shop = Attacked::open();
    let admin = shop.token("admin");
    let [mine, theirs] = [(); 2].map(|()| shop.new_cart());
    let view = shop.add(&theirs, "APPLE", 2).expect(200).json();
    let their_line = view["lines"][0]["id"].as_str().unwrap();
    shop.add(&mine, "APPLE", 1).expect(200);
    let order = shop.order("APPLE", 1);
    let order_id = order["id"].as_str().unwrap();
    let product = shop.get("/api/v1/products/apple").expect(200).json();
    let product_id = product["id"].as_str().unwrap();
    let variant_id = product["variants"][0]["id"].as_str().unwrap();

    // A line of another cart cannot be reached through one's own.
    let below = format!("/lines/{their_line}");
    shop.on_cart("PATCH", &mine, &below).json(&json!({"quantity": 9})).refused(404, "not_found");
    shop.on_cart("DELETE", &mine, &below).refused(404, "not_found");
    assert_eq!(shop.cart(&theirs), view);

    let nothing = format!("cart_{}", "0".repeat(26));
    let near =
        format!("{}{}", &mine[..mine.len() - 1], if mine.ends_with('0') { '1' } else { '0' });
    let long = "9".repeat(5_000);
    let odd = [
        nothing.as_str(),
        &near,
        order_id,
        product_id,
        "cart_",
        "1",
        "null",
        "..",
        "%2e%2e",
        "cart_%00",
        "%ff%fe",
        "'%20or%201=1",
        "%F0%9F%9B%92",
        "{id}",
        "*",
        &long,
    ];
    for id in odd {
        for (method, below) in [
            ("GET", ""),
            ("PATCH", ""),
            ("POST", "/lines"),
            ("PATCH", "/lines/x"),
            ("DELETE", "/lines/x"),
            ("GET", "/shipping-methods"),
            ("POST", "/complete"),
        ] {
            let mut request = shop.on_cart(method, id, below);
            if below.ends_with("lines") {
                request = request.json(&line("APPLE", 1));
            } else if below.ends_with("complete") {
                request = request.json(&payment(GOOD_CARD));
            } else if below.ends_with('x') && method == "PATCH" {
                request = request.json(&json!({"quantity": 1}));
            }
            let answer = blamed(&request);
            let expected: &[u16] = if id.starts_with("%f") { &[400, 404] } else { &[404] };
            assert!(expected.contains(&answer.status), "{method} {id}{below}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
        for path in ["products", "variants", "orders"] {
            // A product's id names no order, and the other way round.
            if (path == "products" && id == product_id) || (path == "orders" && id == order_id) {
                continue;
            }
            blamed(&shop.get(&format!("/api/admin/v1/{path}/{id}")).bearer(&admin));
        }
        blamed(&shop.get(&format!("/api/admin/v1/stock/{id}")).bearer(&admin));
        if id != product_id {
            blamed(&shop.get(&format!("/api/v1/products/{id}")));
        }
        blamed(&shop.get(&format!("/api/v1/orders/{id}")));
        let token = order["token"].as_str().unwrap();
        if id != order_id {
            blamed(&shop.get(&format!("/api/v1/orders/{id}?token={token}")));
        }
        // Pages for people are asked, too.
        for page in ["products", "categories", "orders", "pay/test", "media/products"] {
            let answer = shop.get(&format!("/{page}/{id}")).send();
            assert!(answer.status < 500, "/{page}/{id}: {}", answer.text());
        }
    }
    for id in [product_id, order_id, "var_", "7", "", "\u{0}", "💎"] {
        let body = json!({"variant_id": id, "quantity": 1});
        shop.on_cart("POST", &mine, "/lines").json(&body).refused(404, "not_found");
        shop.add(&mine, id, 1).refused(404, "not_found");
    }
    let by_id = json!({"variant_id": variant_id.to_uppercase(), "quantity": 1});
    shop.on_cart("POST", &mine, "/lines").json(&by_id).refused(404, "not_found");
    shop.assert_well();
}

#[test]
fn text_that_is_long_or_full_of_control_characters() {
    let shop = Attacked::open();
    let admin = shop.token("admin");
    let cart = shop.new_cart();
    let long = "ß".repeat(40_000);
    let patch = |body: &Value| shop.on_cart("PATCH", &cart, "").json(body);
    for text in ["", "\u{0}", "a\nb", "\u{7f}", "\u{1b}[31m", long.as_str()] {
        for field in ["name", "line1", "city"] {
            let mut wrong = address();
            wrong[field] = json!(text);
            let at = format!("/shipping_address/{field}");
            let problem = patch(&json!({"shipping_address": wrong})).refused(422, "invalid");
            assert_eq!(pointers(&problem), [at.as_str()], "{field} {:?}", text.get(..9));
        }
        assert_eq!(pointers(&patch(&json!({"email": text})).refused(422, "invalid")), ["/email"]);
        patch(&json!({"shipping_method": text})).refused(422, "invalid");
        let body = json!({"title": text, "variants": [{"price": usd(1)}]});
        let request = shop.post("/api/admin/v1/products").bearer(&admin).json(&body);
        let problem = request.refused(422, "invalid");
        assert!(pointers(&problem).contains(&"/title"), "{problem}");
        let mut wrong = address();
        wrong["line2"] = json!(text);
        let answer = patch(&json!({"shipping_address": wrong})).send();
        assert_eq!(answer.status, if text.is_empty() { 200 } else { 422 }, "{}", answer.text());
    }
    // Text in all the world's scripts is welcome.
    for text in ["Łódź", "東京都", "مرحبا", "🧦", "O’Brien & Söhne <b>", "x' or '1'='1"]
    {
        let mut good = address();
        good["name"] = json!(text);
        let view = patch(&json!({"shipping_address": good})).expect(200).json();
        assert_eq!(view["shipping_address"]["name"], text);
    }
    shop.assert_well();
}

#[test]
fn queries_and_headers() {
    let shop = Attacked::open();
    let admin = shop.token("admin");
    let cart = shop.new_cart();
    for query in [
        "q=%ff%fe",
        "q=%",
        "q=%zz",
        "q=%00",
        "q=a&q=b",
        "q",
        "=",
        "&&&",
        "q=%F0%9F%A7%A6",
        "q=\"a\"+AND+OR+NOT+(",
        "q=*",
        "q=a*b?c~2^9",
        "q=[a+TO+b]",
        "q=\\",
        "q=title:x",
        "category=%ff",
        "brand=%ff",
        "attr.%ff=1",
        "attr.=1",
        "attr.x=%00",
        "cursor=10000",
        "cursor=10001",
        "limit=18446744073709551616",
        "price_min=5&price_max=1",
        "price_min=9223372036854775807",
        "sort=",
        "in_stock=",
        "attr.h=..",
        "attr.h=9..1",
    ] {
        for path in ["/api/v1/products", "/api/v1/suggest", "/search", "/", "/api/admin/v1/orders"]
        {
            let answer = shop.get(&format!("{path}?{query}")).bearer(&admin).send();
            assert!(answer.status < 500, "{path}?{query}: {}", answer.text());
        }
    }
    let many: String = (0..500).map(|n| format!("attr.a{n}=1&")).collect();
    shop.get(&format!("/api/v1/products?{many}")).refused(422, "invalid");
    // Bytes that no URL may have.
    for path in [&b"/api/v1/products?q=\xff\xfe"[..], b"/api/v1/products/\xc3\x28", b"/\x80"] {
        let answer = Request::new(shop.address(), "GET", path).send();
        assert!((200..500).contains(&answer.status), "{path:?}: {}", answer.text());
    }
    let add = || shop.add(&cart, "APPLE", 1);
    let long = "k".repeat(10_000);
    for key in ["", long.as_str(), &"k".repeat(256)] {
        add().key(key).refused(422, "idempotency_key_invalid");
    }
    add().header("Idempotency-Key", b"\xff\xfe").refused(422, "idempotency_key_invalid");
    add().key("one").key("two").refused(422, "idempotency_key_invalid");
    add().key("one").key("one").refused(422, "idempotency_key_invalid");
    assert_eq!(shop.cart(&cart)["lines"], json!([]));
    add().key(&"k".repeat(255)).expect(200);
    // Other headers twice, or of a kind nobody expects.
    for (name, value) in [
        ("Content-Type", &b"text/plain"[..]),
        ("Content-Type", b"\xff"),
        ("Accept", b"\xff"),
        ("Cookie", b"cart=\xff\xfe; cart=x; =;;"),
        ("If-None-Match", b"\xff"),
        ("Accept-Encoding", b"gzip;q=x, \xff"),
        ("Host", b"other.test"),
        ("If-Match", b"\xff"),
        ("Authorization", b"Bearer"),
        ("Range", b"bytes=5-1"),
        ("Expect", b"200-maybe"),
        ("X-Forwarded-For", b"\xff"),
        ("Upgrade", b"h2c"),
    ] {
        for path in ["/api/v1/products", "/", "/cart", "/products/apple", "/admin"] {
            let answer = shop.get(path).header(name, value).header(name, value).send();
            assert!(answer.status < 500, "{name} {path}: {}", answer.text());
        }
    }
    let endless = "x".repeat(2_000_000);
    let sent = shop.get("/").header("X-Long", &endless).try_send();
    assert!(sent.is_err() || sent.is_ok_and(|answer| (400..500).contains(&answer.status)));
    shop.assert_well();
}

#[test]
fn methods_that_an_address_does_not_take() {
    let shop = Attacked::open();
    let document = shop.get("/api/openapi.json").expect(200).json();
    for (template, item) in document["paths"].as_object().unwrap() {
        let path: String = template
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if item.get(method.to_lowercase()).is_some() {
                continue;
            }
            shop.request(method, &path).refused(405, "method_not_allowed");
        }
    }
    for path in ["/", "/cart", "/search", "/health/live", "/metrics", "/admin", "/robots.txt"] {
        let answer = shop.request("BREW", path).send();
        assert_eq!(answer.status, 405, "{path}: {}", answer.text());
    }
    for path in ["/api", "/api/v1", "/api/v2/products", "/api/v1/carts/x/y/z", "//", "/api/v1/"] {
        shop.get(path).header("Accept", "application/json").refused(404, "not_found");
    }
    shop.assert_well();
}

#[test]
fn connections_that_send_nothing_half_or_rubbish() {
    let shop = Attacked::open();
    let waiting: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut stream = TcpStream::connect(shop.address()).unwrap();
            let begun: &[u8] = match n % 4 {
                0 => b"",
                1 => b"GET /api/v1/pro",
                2 => b"POST /api/v1/carts HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
                _ => b"POST /api/v1/carts HTTP/1.1\r\nHost: x\r\n",
            };
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    // Others are served meanwhile.
    shop.order("PEAR", 1);
    drop(waiting);
    for rubbish in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\x00\x00\x00\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\nConnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://other.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(shop.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(rubbish).unwrap();
        // The server may have hung up by now.
        let _closed = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ended = stream.read_to_end(&mut answer);
        if let Some(answer) = Answer::parse(&answer) {
            assert!(answer.status < 500, "{rubbish:?}: {}", answer.text());
        }
    }
    // Clients that leave before they are answered: each has ordered or has not, and can go on.
    let carts: Vec<String> = (0..8).map(|_| shop.ready_cart("PEAR", 1)).collect();
    for (n, cart) in (0..).zip(&carts) {
        let mut stream = TcpStream::connect(shop.address()).unwrap();
        stream.write_all(&shop.complete(cart, GOOD_CARD).bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(n));
    }
    for cart in &carts {
        let answer = shop.complete(cart, GOOD_CARD).send();
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    }
    assert_eq!(shop.booked(), vec!["captured"; 1 + carts.len()]);
    shop.assert_well();
}
