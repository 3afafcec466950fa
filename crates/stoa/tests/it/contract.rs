//! What other people's programs rely on: addresses, statuses and shapes of the API.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::buyer::{GOOD_CARD, address, details, line, payment};
use crate::catalogue::{COLOURS, simple, usd, varied};
use crate::http::{Answer, pointers};
use crate::shop::{Shop, eventually};

/// What a part is about, and its test.
type Part = (&'static str, fn(&Shop));

/// Each part uses products of its own, so that none depends on what another has bought.
const PARTS: &[Part] = &[
    ("lists of products", lists_of_products),
    ("filters and facets", filters_and_facets),
    ("pages of products", pages_of_products),
    ("a product", a_product),
    ("categories and suggestions", categories_and_suggestions),
    ("a cart's life", a_carts_life),
    ("details of a cart", details_of_a_cart),
    ("shipping and discount", shipping_and_discount),
    ("what is missing", what_is_missing),
    ("payments", payments),
    ("a payment that the shopper confirms", a_payment_that_the_shopper_confirms),
    ("the last piece", the_last_piece),
    ("a price that changed", a_price_that_changed),
    ("reading an order", reading_an_order),
    ("admin products", admin_products),
    ("admin variants", admin_variants),
    ("stock", stock),
    ("admin orders", admin_orders),
    ("fulfilments", fulfilments),
    ("scopes", scopes),
    ("customers and abandoned carts", customers_and_abandoned_carts),
    ("vendors", vendors),
    ("the document", the_document),
    ("health and metrics", health_and_metrics),
];

#[test]
fn the_contract_holds_and_every_operation_is_called() {
    let mut products = varied();
    for handle in [
        "bought",
        "declined",
        "confirmed",
        "last-piece",
        "repriced",
        "counted",
        "cancelled",
        "read",
        "missing",
        "shipped",
        "parcel",
    ] {
        products.push(simple(handle, 2_500, if handle == "last-piece" { 1 } else { 50 }));
    }
    let shop = Shop::closed().stocked(&products).open();
    eventually("all products are found", || {
        let all = shop.get("/api/v1/products?limit=1").expect(200).json();
        all["total"] == products.len() - 1 // One is a draft.
    });
    let mut failed = Vec::new();
    for (name, part) in PARTS {
        if catch_unwind(AssertUnwindSafe(|| part(&shop))).is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "these parts failed, see above: {failed:?}");

    let document = shop.get("/api/openapi.json").expect(200).json();
    let calls = shop.calls();
    let uncalled: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(method, path)| !calls.iter().any(|call| is_call_of(call, method, path)))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert!(uncalled.is_empty(), "no test calls {uncalled:?}");
    shop.assert_sound();
    assert!(shop.stop().success());
}

fn operations(document: &Value) -> Vec<(String, String)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                operations.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    operations
}

fn is_call_of(call: &(String, String), method: &str, path: &str) -> bool {
    let (called_method, called_path) = call;
    let mut called = called_path.split('/');
    let mut described = path.split('/');
    called_method == method
        && described.by_ref().zip(called.by_ref()).all(|(described, called)| {
            described == called || (described.starts_with('{') && !called.is_empty())
        })
        && described.next().is_none()
        && called_path.matches('/').count() == path.matches('/').count()
}

/// A page of products.
#[track_caller]
fn products(shop: &Shop, query: &str) -> Value {
    let page = shop.get(&format!("/api/v1/products?{query}")).expect(200).json();
    assert!(page["items"].is_array() && page["total"].is_u64(), "{page}");
    assert!(page["next_cursor"].is_string() || page["next_cursor"].is_null(), "{page}");
    page
}

fn handles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["handle"].as_str().unwrap()).collect()
}

fn amounts(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.filter_map(|item| item["price"]["amount"].as_i64()).collect()
}

fn lists_of_products(shop: &Shop) {
    let page = products(shop, "q=mug&limit=100");
    assert_eq!(page["total"], 13);
    for item in page["items"].as_array().unwrap() {
        assert!(item["id"].as_str().unwrap().starts_with("prod_"), "{item}");
        assert!(item["handle"].as_str().unwrap().starts_with("mug-"), "{item}");
        assert!(item["title"].as_str().unwrap().starts_with("Mug"), "{item}");
        assert_eq!(item["price"]["currency"], "USD");
        assert!(item["price"]["amount"].as_i64().unwrap() >= 500, "{item}");
        assert!(item["in_stock"].is_boolean(), "{item}");
        let image = item["image"].as_str().unwrap();
        shop.get(image).expect(200);
    }
    for facet in page["facets"].as_array().unwrap() {
        assert!(facet["field"].is_string(), "{facet}");
        for value in facet["values"].as_array().unwrap() {
            assert!(value["value"].is_string() && value["count"].is_u64(), "{facet}");
        }
    }
    // Neither the draft, nor anything for a word that nothing has.
    assert_eq!(products(shop, "q=secret+kettle")["total"], 0);
    assert_eq!(products(shop, "q=xylophone")["total"], 0);
    assert_eq!(products(shop, "q=mug-04")["items"][0]["handle"], "mug-04");
    // A product without a price in the shop's currency says so.
    assert_eq!(products(shop, "q=euro-teapot")["items"][0]["price"], Value::Null);

    let ascending = amounts(&products(shop, "sort=price&limit=100"));
    assert!(ascending.is_sorted() && ascending.len() > 30, "{ascending:?}");
    let mut descending = amounts(&products(shop, "sort=price_desc&limit=100"));
    descending.reverse();
    assert!(descending.is_sorted(), "{descending:?}");
    let by_title = products(shop, "sort=title&q=lamp&limit=100");
    assert!(handles(&by_title).is_sorted(), "{by_title}");
    assert_eq!(products(shop, "sort=newest")["items"].as_array().unwrap().len(), 24);
    for wrong in [
        "sort=loudest",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "cursor=x",
        "cursor=-5",
        "in_stock=perhaps",
        "price_min=-1",
        "price_max=1.5",
        "price_min=99999999999999999999",
        "price=5",
        "colour=red",
        "unknown=1",
        "facets%00=1",
    ] {
        let path = format!("/api/v1/products?{wrong}");
        let problem = shop.get(&path).refused(422, "invalid");
        assert_eq!(pointers(&problem).len(), 1, "{wrong}: {problem}");
    }
    let long = "x".repeat(201);
    shop.get(&format!("/api/v1/products?q={long}")).refused(422, "invalid");
}

fn filters_and_facets(shop: &Shop) {
    for (query, expected) in [
        ("category=kitchen", 13),
        ("category=mugs", 13),
        ("category=lighting", 13),
        ("category=nowhere", 0),
        ("category=mugs&in_stock=true", 10),
        ("category=mugs&in_stock=false", 3),
        ("category=mugs&price_min=700&price_max=1100", 3),
        ("price_min=1&price_max=499", 0),
        ("attr.colour=red", 7),
        ("attr.colour=red&attr.colour=green", 14),
        ("attr.colour=red&category=lighting", 0),
        ("attr.colour=purple", 0),
        ("attr.height=85+mm", 7),
        ("attr.height=85", 7),
        ("attr.height=85.0", 7),
        ("attr.height=86", 0),
        ("attr.height=85..90", 13),
        ("attr.dishwasher_safe=true", 7),
        ("attr.materials=clay", 13),
        ("attr.materials=clay&attr.materials=steel", 26),
        ("attr.no_such_thing=1", 0),
        ("brand=Northwind", 9),
        ("brand=Northwind&brand=Contoso", 26),
        ("q=mug&attr.colour=blue&price_max=2000&in_stock=true", 3),
    ] {
        assert_eq!(products(shop, query)["total"], expected, "{query}");
    }
    // Every count of every facet is what choosing that value finds, alone and beside a choice.
    let mut checked = 0;
    for chosen in ["", "category=mugs&", "attr.colour=red&", "brand=Northwind&in_stock=true&"] {
        let page = products(shop, &format!("{chosen}limit=1"));
        for facet in page["facets"].as_array().unwrap() {
            let field = facet["field"].as_str().unwrap();
            if chosen.contains(field) {
                continue; // Another value is chosen beside; see below.
            }
            for value in facet["values"].as_array().unwrap() {
                let text = encoded(value["value"].as_str().unwrap());
                let found = products(shop, &format!("{chosen}{field}={text}&limit=1"));
                assert_eq!(found["total"], value["count"], "{chosen}{field}={text}");
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "only {checked} counts were checked");
    // The facet with the choice keeps the counts of the other values.
    let page = products(shop, "attr.colour=red&limit=1");
    let colours = facet(&page, "attr.colour");
    for colour in COLOURS {
        let alone = products(shop, &format!("attr.colour={colour}"))["total"].clone();
        let value = colours.iter().find(|value| value["value"] == colour).unwrap();
        assert_eq!(value["count"], alone, "{colour}");
    }
    let fields = |query: &str| -> BTreeSet<String> {
        let page = products(shop, query);
        let facets = page["facets"].as_array().unwrap().iter();
        facets.map(|facet| facet["field"].as_str().unwrap().to_owned()).collect()
    };
    let all = fields("category=mugs");
    for field in ["category", "brand", "price", "in_stock", "attr.colour"] {
        assert!(all.contains(field), "{field} is not in {all:?}");
    }
    assert!(fields("facets=false").is_empty());
    // What has no price in the shop's currency cannot be bought, however much of it there is.
    let teapot = shop.get("/api/v1/products/euro-teapot").expect(200).json();
    assert_eq!((&teapot["price"], &teapot["in_stock"]), (&Value::Null, &json!(false)));
    assert_eq!(teapot["variants"][0]["in_stock"], false);
    for (in_stock, n) in [("true", 0), ("false", 1)] {
        let found = products(shop, &format!("q=teapot&in_stock={in_stock}"));
        assert_eq!(found["total"], n);
        assert!(found["items"].as_array().unwrap().iter().all(|item| item["in_stock"] == false));
    }
    let problem = shop.get("/api/v1/products?cursor=10001").refused(422, "invalid");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("10,000"), "{problem}");
}

fn facet<'a>(page: &'a Value, field: &str) -> &'a Vec<Value> {
    let facets = page["facets"].as_array().unwrap();
    let found = facets.iter().find(|facet| facet["field"] == field);
    found.unwrap_or_else(|| panic!("no facet {field}: {facets:?}"))["values"].as_array().unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn pages_of_products(shop: &Shop) {
    for sort in ["relevance", "price", "price_desc", "newest", "title"] {
        for query in ["", "q=mug&", "category=lighting&"] {
            let all = products(shop, &format!("{query}sort={sort}&limit=100"));
            let mut seen = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = products(shop, &format!("{query}sort={sort}&limit=4&{cursor}"));
                assert_eq!(page["total"], all["total"]);
                seen.extend(handles(&page).into_iter().map(str::to_owned));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("cursor={next}"),
                    None => break,
                }
                assert!(seen.len() <= 100, "the pages never end");
            }
            assert_eq!(seen, handles(&all), "{query}sort={sort}");
            let different: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(different.len(), seen.len());
            assert_eq!(all["total"], seen.len());
        }
    }
}

fn a_product(shop: &Shop) {
    let answer = shop.get("/api/v1/products/linen-shirt").expect(200);
    let shirt = answer.json();
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let id = shirt["id"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/api/v1/products/{id}")).expect(200).json(), shirt);
    assert_eq!(shirt["price"], usd(3_900));
    assert_eq!(shirt["in_stock"], true);
    assert_eq!(shirt["category"], json!(["clothing", "shirts"]));
    let variants = shirt["variants"].as_array().unwrap();
    let seen: Vec<Value> = variants
        .iter()
        .map(|v| json!([v["sku"], v["options"], v["price"], v["in_stock"], v["available"]]))
        .collect();
    assert_eq!(
        seen,
        [
            json!(["SHIRT-S-WHITE", {"Size": "S", "Colour": "White"}, usd(3_900), true, 4]),
            json!(["SHIRT-M-WHITE", {"Size": "M", "Colour": "White"}, usd(4_100), false, 0]),
            json!(["SHIRT-M-SAND", {"Size": "M", "Colour": "Sand"}, usd(4_200), true, 2]),
        ]
    );
    assert!(variants.iter().all(|v| v["id"].as_str().unwrap().starts_with("var_")));
    let html = shirt["description_html"].as_str().unwrap();
    assert!(html.contains("Cool in summer."), "{html}");
    assert!(!html.contains("script") && !html.contains("onclick"), "{html}");

    let mug = shop.get("/api/v1/products/mug-00").expect(200).json();
    let attributes: Vec<Value> = mug["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| json!([a["name"], a["label"], a["type"], a["value"], a["unit"]]))
        .collect();
    assert_eq!(
        attributes,
        [
            json!(["colour", "Colour", "text", "red", null]),
            json!(["height", "Height", "number", "80", "mm"]),
            json!(["dishwasher_safe", "Dishwasher safe", "boolean", true, null]),
            json!(["materials", "Materials", "list", ["clay", "glaze"], null]),
        ]
    );
    for hidden in ["secret-kettle", "no-such-product", "prod_00000000000000000000000000"] {
        shop.get(&format!("/api/v1/products/{hidden}")).refused(404, "not_found");
    }
}

fn categories_and_suggestions(shop: &Shop) {
    let list = shop.get("/api/v1/categories").expect(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(list["total"], items.len());
    assert_eq!(list["next_cursor"], Value::Null);
    let mugs = items.iter().find(|item| item["handle"] == "mugs").unwrap();
    let kitchen = items.iter().find(|item| item["handle"] == "kitchen").unwrap();
    assert_eq!(mugs["parent_id"], kitchen["id"]);
    assert_eq!(mugs["path"], json!(["kitchen", "mugs"]));
    assert_eq!(mugs["name"], "Mugs");
    assert_eq!([&mugs["n_products"], &kitchen["n_products"]], [&json!(13), &json!(13)]);

    let found = shop.get("/api/v1/suggest?q=mu").expect(200).json();
    let items = found["items"].as_array().unwrap();
    assert!(!items.is_empty() && items.len() <= 8, "{found}");
    assert_eq!(found["total"], items.len());
    for item in items {
        assert!(item["text"].as_str().unwrap().to_lowercase().contains("mu"), "{item}");
        shop.get(item["url"].as_str().unwrap()).expect(200);
    }
    assert!(items.iter().any(|item| item["kind"] == "category" && item["handle"] == "mugs"));
    assert_eq!(shop.get("/api/v1/suggest?q=").expect(200).json()["items"], json!([]));
    let long = "x".repeat(201);
    shop.get(&format!("/api/v1/suggest?q={long}")).refused(422, "invalid");
}

/// Checks what must hold of the sums of every cart and order.
#[track_caller]
fn sums_agree(view: &Value) {
    let amount = |value: &Value| value["amount"].as_i64().unwrap();
    let totals = &view["totals"];
    let mut total =
        amount(&totals["subtotal"]) - amount(&totals["discount"]) + amount(&totals["shipping"]);
    if totals["tax_included"] == false {
        total += amount(&totals["tax"]);
    }
    assert_eq!(total, amount(&totals["total"]), "{totals}");
    let sum_of = |field: &str| -> i64 {
        view["lines"].as_array().unwrap().iter().map(|line| amount(&line[field])).sum()
    };
    assert_eq!(sum_of("subtotal"), amount(&totals["subtotal"]), "{view}");
    assert_eq!(sum_of("discount"), amount(&totals["discount"]), "{view}");
}

fn a_carts_life(shop: &Shop) {
    let made = shop.post("/api/v1/carts").json(&json!({})).expect(201).json();
    let cart = made["id"].as_str().unwrap();
    assert_eq!(made["lines"], json!([]));
    assert_eq!(made["totals"]["total"], usd(0));
    assert_eq!(made["status"], "open");
    let secret = cart.strip_prefix("cart_").unwrap();
    assert!(secret.len() >= 26, "128 bits need 26 characters of five bits: {cart}");
    let others: BTreeSet<String> = (0..20).map(|_| shop.new_cart()[5..].to_owned()).collect();
    assert_eq!(others.len(), 20);
    for other in &others {
        let same = other.bytes().zip(secret.bytes()).filter(|(a, b)| a == b).count();
        assert!(same < 16, "{other} can be guessed from {secret}");
    }
    assert_eq!(shop.cart(cart), made);

    let shirt = shop.get("/api/v1/products/linen-shirt").expect(200).json();
    let variant = shirt["variants"][0]["id"].clone();
    let by_id = json!({"variant_id": variant, "quantity": 1});
    let one = shop.on_cart("POST", cart, "/lines").json(&by_id).expect(200).json();
    assert_eq!(one["lines"][0]["sku"], "SHIRT-S-WHITE");
    assert_eq!(one["lines"][0]["variant_title"], "S / White");
    assert_eq!(one["lines"][0]["unit_price"], usd(3_900));
    sums_agree(&one);
    let two = shop.add(cart, "MUG-02", 2).expect(200).json();
    assert_eq!(two["lines"][1]["quantity"], 2);
    assert_eq!(two["totals"]["subtotal"], usd(3_900 + 2 * 700));
    // The same variant again makes its line grow.
    let grown = shop.add(cart, "MUG-02", 3).expect(200).json();
    assert_eq!(grown["lines"].as_array().unwrap().len(), 2);
    assert_eq!(grown["lines"][1]["quantity"], 5);
    sums_agree(&grown);
    assert_eq!(shop.cart(cart), grown);

    let id = grown["lines"][1]["id"].as_str().unwrap();
    let below = format!("/lines/{id}");
    let quantity = |quantity: i64| json!({"quantity": quantity});
    let changed = shop.on_cart("PATCH", cart, &below).json(&quantity(4)).expect(200).json();
    assert_eq!(changed["lines"][1]["quantity"], 4);
    let short = shop.on_cart("PATCH", cart, &below).json(&quantity(5_000));
    assert_eq!(short.refused(409, "out_of_stock")["lines"][0]["sku"], "MUG-02");
    assert_eq!(shop.cart(cart), changed);
    let removed = shop.on_cart("DELETE", cart, &below).expect(200).json();
    assert_eq!(removed["lines"].as_array().unwrap().len(), 1);
    shop.on_cart("DELETE", cart, &below).refused(404, "not_found");
    shop.on_cart("PATCH", cart, &below).json(&quantity(1)).refused(404, "not_found");
    let last = format!("/lines/{}", removed["lines"][0]["id"].as_str().unwrap());
    let emptied = shop.on_cart("PATCH", cart, &last).json(&quantity(0)).expect(200).json();
    assert_eq!(emptied["lines"], json!([]));
    assert_eq!(emptied["totals"]["total"], usd(0));

    for (body, pointer) in [
        (json!({"quantity": 1}), "/variant_id"),
        (json!({"quantity": 1, "sku": "MUG-02", "variant_id": variant}), "/variant_id"),
        (json!({"sku": "MUG-02", "quantity": 0}), "/quantity"),
        (json!({"sku": "EURO-TEAPOT", "quantity": 1}), "/variant_id"),
    ] {
        let problem = shop.on_cart("POST", cart, "/lines").json(&body).refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    shop.add(cart, "NO-SUCH-SKU", 1).refused(404, "not_found");
    shop.add(cart, "SECRET-KETTLE", 1).refused(404, "not_found");
    let problem = shop.add(cart, "SHIRT-M-WHITE", 1).refused(409, "out_of_stock");
    assert_eq!(problem["lines"][0]["available"], 0);
    assert_eq!(problem["lines"][0]["wanted"], 1);
}

fn details_of_a_cart(shop: &Shop) {
    let cart = shop.new_cart();
    let patch = |body: &Value| shop.on_cart("PATCH", &cart, "").json(body);
    let full = json!({
        "email": "ada@example.com", "shipping_address": address(), "billing_address": address(),
        "shipping_method": "express", "discount_code": "welcome10",
    });
    let view = patch(&full).expect(200).json();
    assert_eq!(view["email"], "ada@example.com");
    assert_eq!(view["shipping_address"], address());
    assert_eq!(view["billing_address"], address());
    assert_eq!(view["shipping_method"], "express");
    assert_eq!(view["discount_code"], "WELCOME10");
    // A part that is not given stays; null empties it.
    let view = patch(&json!({"billing_address": null, "discount_code": null})).expect(200).json();
    assert_eq!(view["billing_address"], Value::Null);
    assert_eq!(view["discount_code"], Value::Null);
    assert_eq!(view["email"], "ada@example.com");

    let mut nameless = address();
    nameless["name"] = json!("");
    let mut spelled = address();
    spelled["country"] = json!("Germany");
    let mut short = address();
    short.as_object_mut().unwrap().remove("city");
    let mut more = address();
    more["planet"] = json!("Earth");
    for (body, pointer) in [
        (json!({"email": "nobody"}), "/email"),
        (json!({"shipping_method": "teleport"}), "/shipping_method"),
        (json!({"discount_code": "FREE"}), "/discount_code"),
        (json!({"shipping_address": nameless}), "/shipping_address/name"),
        (json!({"billing_address": spelled}), "/billing_address/country"),
        (json!({"shipping_address": short}), "/shipping_address"),
        (json!({"shipping_address": more}), "/shipping_address/planet"),
        (json!({"surprise": 1}), "/surprise"),
    ] {
        let problem = patch(&body).refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
    }
    assert_eq!(shop.cart(&cart), view);
}

fn shipping_and_discount(shop: &Shop) {
    let cart = shop.new_cart();
    shop.add(&cart, "SHIPPED", 1).expect(200);
    let methods = || shop.on_cart("GET", &cart, "/shipping-methods").expect(200).json();
    let prices = |list: &Value| -> Vec<(String, Value)> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|m| (m["code"].as_str().unwrap().to_owned(), m["price"].clone())).collect()
    };
    let list = methods();
    assert_eq!((&list["total"], &list["next_cursor"]), (&json!(2), &Value::Null));
    assert_eq!(prices(&list), [("standard".into(), usd(499)), ("express".into(), usd(1_499))]);
    assert!(list["items"][0]["name"].is_string());

    let view = shop.on_cart("PATCH", &cart, "").json(&details()).expect(200).json();
    assert_eq!(view["totals"]["shipping"], usd(499));
    assert_eq!(view["totals"]["tax_included"], false);
    // 19 % of 25.00 + 4.99.
    assert_eq!(view["totals"]["tax"], usd(570));
    assert_eq!(view["totals"]["total"], usd(2_500 + 499 + 570));
    sums_agree(&view);
    let discount = json!({"discount_code": "WELCOME10"});
    let view = shop.on_cart("PATCH", &cart, "").json(&discount).expect(200).json();
    assert_eq!(view["totals"]["discount"], usd(250));
    sums_agree(&view);
    // Free from 50.00 of goods, after the discount.
    shop.add(&cart, "SHIPPED", 1).expect(200);
    assert_eq!(prices(&methods())[0].1, usd(499));
    shop.add(&cart, "SHIPPED", 1).expect(200);
    assert_eq!(prices(&methods())[0].1, usd(0));
    let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
    assert_eq!(order["totals"]["discount"], usd(750));
    assert_eq!(order["totals"]["shipping"], usd(0));
    assert_eq!(order["totals"]["tax"], usd(1_283)); // 19 % of 67.50 is 12.825.
    sums_agree(&order);
    let amount = |value: &Value| value["amount"].as_i64().unwrap();
    let tax: i64 = order["lines"].as_array().unwrap().iter().map(|l| amount(&l["tax"])).sum();
    assert_eq!(tax, 1_283, "shipping is free, so that all tax is on the lines");
}

fn what_is_missing(shop: &Shop) {
    let cart = shop.new_cart();
    shop.complete(&cart, GOOD_CARD).refused(422, "cart_empty");
    shop.add(&cart, "MISSING", 1).expect(200);
    let problem = shop.complete(&cart, GOOD_CARD).refused(422, "invalid");
    assert_eq!(pointers(&problem), ["/email", "/shipping_address", "/shipping_method"]);
    let some = json!({"email": "ada@example.com", "shipping_address": address()});
    shop.on_cart("PATCH", &cart, "").json(&some).expect(200);
    let problem = shop.complete(&cart, GOOD_CARD).refused(422, "invalid");
    assert_eq!(pointers(&problem), ["/shipping_method"]);
    shop.on_cart("PATCH", &cart, "").json(&details()).expect(200);
    for (body, pointer) in [
        (payment("tok_stolen"), "/payment/token"),
        (json!({"payment": {"provider": "gold", "token": GOOD_CARD}}), "/payment/provider"),
        (json!({"payment": {"provider": "test"}}), "/payment"),
        (json!({"payment": {"provider": "test", "token": GOOD_CARD, "tip": 1}}), "/payment/tip"),
    ] {
        let request = shop.on_cart("POST", &cart, "/complete").json(&body);
        let problem = request.refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
    }
    let problem = shop.on_cart("POST", &cart, "/complete").refused(422, "invalid");
    assert_eq!(pointers(&problem).len(), 1);
    assert_eq!(shop.cart(&cart)["status"], "open");
    shop.complete(&cart, GOOD_CARD).expect(201);
}

fn payments(shop: &Shop) {
    let cart = shop.ready_cart("DECLINED", 2);
    for (card, reason) in
        [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
    {
        let problem = shop.complete(&cart, card).refused(402, "payment_declined");
        assert_eq!(problem["decline_reason"], reason);
        assert_eq!(shop.cart(&cart)["status"], "open");
        eventually("stock is free again", || shop.available("declined") == 50);
    }
    let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert!(order["id"].as_str().unwrap().starts_with("ord_"));
    assert!(order["number"].as_i64().unwrap() > 1_000);
    assert!(order["token"].as_str().unwrap().len() >= 26);
    assert_eq!(order["lines"][0]["sku"], "DECLINED");
    assert_eq!(order["lines"][0]["quantity"], 2);
    sums_agree(&order);
    eventually("stock is taken", || shop.available("declined") == 48);

    // Completing again answers with the same order, whatever the card.
    for card in [GOOD_CARD, "tok_declined"] {
        let again = shop.complete(&cart, card).expect(200).json();
        assert_eq!(again, order);
    }
    assert_eq!(shop.cart(&cart)["status"], "completed");
    assert_eq!(shop.cart(&cart)["order_id"], order["id"]);
    shop.add(&cart, "MUG-02", 1).refused(409, "cart_completed");
    shop.on_cart("PATCH", &cart, "").json(&details()).refused(409, "cart_completed");
}

fn a_payment_that_the_shopper_confirms(shop: &Shop) {
    let confirm = |url: &str, result: &str| {
        let form = format!("result={result}");
        let request = shop.post(url).raw(form);
        let answer = request.header("Content-Type", "application/x-www-form-urlencoded").send();
        assert!(answer.status < 400, "{}", answer.text());
    };
    for result in ["fail", "approve"] {
        let cart = shop.ready_cart("CONFIRMED", 1);
        let problem =
            shop.complete(&cart, "tok_requires_action").refused(402, "payment_requires_action");
        let url = problem["action_url"].as_str().unwrap().to_owned();
        shop.get(&url).expect(200);
        assert_eq!(shop.cart(&cart)["status"], "paying");
        shop.add(&cart, "MUG-02", 1).refused(409, "cart_being_paid");
        // Asking again does not help, nor does it charge.
        let again = shop.complete(&cart, "tok_requires_action");
        assert_eq!(again.refused(402, "payment_requires_action")["action_url"], url);
        confirm(&url, result);
        let answer = again.send();
        if result == "fail" {
            // That attempt has ended; this is a new one, with a page of its own.
            assert_ne!(answer.problem("payment_requires_action")["action_url"], url);
        } else {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
            assert_eq!(answer.json()["payment_status"], "paid");
        }
    }
    // Another card ends an attempt that waits.
    let cart = shop.ready_cart("CONFIRMED", 1);
    shop.complete(&cart, "tok_requires_action").refused(402, "payment_requires_action");
    let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
    assert_eq!(order["payment_status"], "paid");
}

fn the_last_piece(shop: &Shop) {
    let [first, second] = [(); 2].map(|()| shop.ready_cart("LAST-PIECE", 1));
    let before = shop.cart(&second);
    shop.complete(&first, GOOD_CARD).expect(201);
    let problem = shop.complete(&second, GOOD_CARD).refused(409, "out_of_stock");
    let line = &problem["lines"][0];
    assert_eq!(
        [&line["sku"], &line["wanted"], &line["available"]],
        [&json!("LAST-PIECE"), &json!(1), &json!(0)]
    );
    assert_eq!(shop.cart(&second), before, "the cart is as it was");
    shop.add(&second, "LAST-PIECE", 1).refused(409, "out_of_stock");
    eventually("pages know", || {
        let product = shop.get("/api/v1/products/last-piece").expect(200).json();
        product["in_stock"] == false && product["variants"][0]["in_stock"] == false
    });
    eventually("the index knows", || {
        products(shop, "q=last-piece")["items"][0]["in_stock"] == false
    });
}

fn a_price_that_changed(shop: &Shop) {
    let cart = shop.ready_cart("REPRICED", 1);
    let product = shop.get("/api/v1/products/repriced").expect(200).json();
    let variant = product["variants"][0]["id"].as_str().unwrap();
    let token = shop.token("products:write");
    let path = format!("/api/admin/v1/variants/{variant}");
    shop.patch(&path).bearer(&token).json(&json!({"price": usd(3_000)})).expect(200);
    let problem = shop.complete(&cart, GOOD_CARD).refused(409, "price_changed");
    let line = &problem["lines"][0];
    assert_eq!((&line["seen"], &line["now"]), (&usd(2_500), &usd(3_000)));
    // Now the cart shows what the shopper is to agree to.
    assert_eq!(shop.cart(&cart)["lines"][0]["unit_price"], usd(3_000));
    let order = shop.complete(&cart, GOOD_CARD).expect(201).json();
    assert_eq!(order["lines"][0]["unit_price"], usd(3_000));
}

fn reading_an_order(shop: &Shop) {
    let order = shop.order("READ", 1);
    let other = shop.order("READ", 1);
    let id = order["id"].as_str().unwrap();
    let token = order["token"].as_str().unwrap();
    let path = format!("/api/v1/orders/{id}");
    let read = shop.get(&format!("{path}?token={token}")).expect(200).json();
    assert_eq!(read, order);
    shop.get(&path).refused(401, "unauthenticated");
    let foreign = other["token"].as_str().unwrap();
    for wrong in [foreign, "", "x", &token[1..], &token.replace(&token[..1], "z")] {
        shop.get(&format!("{path}?token={wrong}")).refused(404, "not_found");
    }
    let unknown = format!("/api/v1/orders/ord_00000000000000000000000000?token={token}");
    shop.get(&unknown).refused(404, "not_found");
    // The cart's id is not the order's token, and the order does not give the cart away.
    assert!(!read.to_string().contains("cart_"));
}

fn admin_products(shop: &Shop) {
    let token = shop.token("products:write");
    let base = "/api/admin/v1/products";
    let body = json!({
        "title": "Folding chair", "brand": "Contoso", "category": ["Furniture", "Chairs"],
        "product_type": "Chair", "tags": ["light"], "description_html": "<p>Folds.</p>",
        "options": ["Colour"],
        "attributes": [
            {"name": "seat_height", "value": 45.5, "unit": "cm"},
            {"name": "foldable", "value": true},
            {"name": "materials", "value": ["beech", "steel"]},
            {"name": "style", "label": "Look", "value": "plain"},
        ],
        "media": [{"url": "https://pictures.example/chair.jpg", "alt": "A chair"}],
        "variants": [
            {"sku": "CHAIR-OAK", "options": {"Colour": "Oak"}, "price": usd(5_900), "stock": 7,
             "barcode": "4006381333931", "weight_g": 3_200, "compare_at": usd(6_900)},
            {"sku": "CHAIR-INK", "options": ["Ink"], "prices": [{"price": usd(6_100)}]},
        ],
    });
    let made = shop.post(base).bearer(&token).json(&body).expect(201).json();
    assert_eq!(made["handle"], "folding-chair");
    assert_eq!(made["category"], json!(["furniture", "chairs"]));
    assert_eq!(made["version"], 1);
    assert_eq!(made["variants"][0]["available"], 7);
    assert_eq!(made["variants"][0]["compare_at"], usd(6_900));
    assert_eq!(made["variants"][1]["available"], 0);
    assert_eq!(made["attributes"][0]["label"], "Seat height");
    assert_eq!(made["attributes"][0]["value"], "45.5");
    assert_eq!(made["image"], "https://pictures.example/chair.jpg");
    let id = made["id"].as_str().unwrap();
    let path = format!("{base}/{id}");
    // Shoppers see it at once, and find it soon.
    assert_eq!(shop.get("/api/v1/products/folding-chair").expect(200).json()["id"], id);
    eventually("it is found", || products(shop, "q=folding+chair")["total"] == 1);

    let read = shop.get(&path).bearer(&token).expect(200);
    assert_eq!(read.header("etag"), Some("\"1\""));
    assert_eq!(read.json(), made);

    let patch = |body: Value| shop.patch(&path).bearer(&token).json(&body);
    let changed = patch(json!({"title": "Garden chair", "handle": "garden-chair"}));
    let changed = changed.header("If-Match", "\"1\"").expect(200).json();
    assert_eq!((&changed["title"], &changed["version"]), (&json!("Garden chair"), &json!(2)));
    assert_eq!(changed["variants"], made["variants"], "what is not given stays");
    let moved = shop.get("/api/v1/products/folding-chair").expect(308);
    assert_eq!(moved.header("location"), Some("/api/v1/products/garden-chair"));
    for stale in ["\"1\"", "\"99\"", "\"x\"", ""] {
        patch(json!({"title": "Lost"})).header("If-Match", stale).refused(412, "stale");
        shop.delete(&path).bearer(&token).header("If-Match", stale).refused(412, "stale");
    }
    let starred = patch(json!({"brand": "Northwind"})).header("If-Match", "*").expect(200).json();
    assert_eq!(starred["version"], 3);

    let draft = patch(json!({"status": "draft"})).expect(200).json();
    assert_eq!(draft["status"], "draft");
    shop.get("/api/v1/products/garden-chair").refused(404, "not_found");
    eventually("it is not found any more", || products(shop, "q=garden+chair")["total"] == 0);
    shop.get(&path).bearer(&token).expect(200);

    let list = |query: &str| shop.get(&format!("{base}?{query}")).bearer(&token).expect(200).json();
    assert_eq!(list("q=CHAIR-INK")["items"][0]["id"], id);
    assert_eq!(list("q=4006381333931")["total"], 1);
    assert_eq!(list("status=draft")["total"], 2);
    walk(shop, base, &token, 5);
    for wrong in ["limit=0", "limit=x", "status=lost", "cursor=x", "unknown=1"] {
        shop.get(&format!("{base}?{wrong}")).bearer(&token).refused(422, "invalid");
    }

    // A handle or SKU of another product.
    patch(json!({"handle": "mug-00"})).refused(409, "taken");
    let problem =
        patch(json!({"variants": [{"sku": "MUG-00", "price": usd(1), "options": ["X"]}]}))
            .refused(422, "invalid");
    assert_eq!(pointers(&problem), ["/variants/0/sku"]);
    for (body, pointer) in [
        (json!({}), "/title"),
        (json!({"title": "X", "variants": []}), "/variants"),
        (json!({"title": "X", "variants": [{}], "status": "gone"}), "/status"),
        (
            json!({"title": "X", "variants": [{}], "attributes": [{"name": "A b", "value": "x"}]}),
            "/attributes/0/key",
        ),
        (
            json!({"title": "X", "variants": [{"price": {"amount": -1, "currency": "USD"}}]}),
            "/variants/0/prices/0/price",
        ),
        (
            json!({"title": "X", "variants": [{"price": {"amount": 1.5, "currency": "USD"}}]}),
            "/variants/0/price/amount",
        ),
        (
            json!({"title": "X", "variants": [{"price": {"amount": 1, "currency": "XXX"}}]}),
            "/variants/0/price/currency",
        ),
        (json!({"title": "X", "variants": [{"stock": -1}]}), "/variants/0/stock"),
        (
            json!({"title": "X", "variants": [{}], "media": [{"url": "javascript:alert(1)"}]}),
            "/media/0/url",
        ),
        (json!({"title": "X", "surprise": 1}), "/surprise"),
    ] {
        let problem = shop.post(base).bearer(&token).json(&body).refused(422, "invalid");
        assert!(pointers(&problem).contains(&pointer), "{body}: {problem}");
    }

    assert_eq!(shop.delete(&path).bearer(&token).expect(204).body, b"");
    shop.get(&path).bearer(&token).refused(404, "not_found");
    shop.delete(&path).bearer(&token).refused(404, "not_found");
    patch(json!({"title": "Ghost"})).refused(404, "not_found");
}

/// Goes through all pages of an admin list: every item once, as many as its total says.
#[track_caller]
fn walk(shop: &Shop, base: &str, token: &str, limit: usize) {
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{base}?limit={limit}{cursor}");
        let page = shop.get(&path).bearer(token).expect(200).json();
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["id"].as_str().unwrap().to_owned()), "twice: {item}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return assert_eq!(page["total"], seen.len(), "{base}"),
        }
        assert!(seen.len() <= 1_000, "the pages never end");
    }
}

fn admin_variants(shop: &Shop) {
    let token = shop.token("products:write");
    let product = json!({
        "title": "Notebook", "options": ["Paper"],
        "variants": [{"sku": "NOTE-LINED", "options": ["Lined"], "price": usd(700), "stock": 9}],
    });
    let made = shop.post("/api/admin/v1/products").bearer(&token).json(&product).expect(201).json();
    let product_id = made["id"].as_str().unwrap();
    let variants = format!("/api/admin/v1/products/{product_id}/variants");
    let dotted = json!({"sku": "NOTE-DOTS", "options": {"Paper": "Dots"}, "price": usd(800)});
    shop.post(&variants)
        .bearer(&token)
        .json(&dotted)
        .header("If-Match", "\"9\"")
        .refused(412, "stale");
    let added = shop.post(&variants).bearer(&token).json(&dotted).expect(201).json();
    assert_eq!(added["options"], json!({"Paper": "Dots"}));
    let id = added["id"].as_str().unwrap();
    let path = format!("/api/admin/v1/variants/{id}");
    let read = shop.get(&path).bearer(&token).expect(200);
    assert_eq!(read.json(), added);
    assert_eq!(read.header("etag"), Some("\"2\""), "a variant's version is its product's");
    for (body, pointer) in [
        (json!({"sku": "NOTE-2", "options": ["Dots"], "price": usd(1)}), "/variants/2/options"),
        (json!({"sku": "NOTE-LINED", "options": ["Grid"], "price": usd(1)}), "/variants/2/sku"),
        (json!({"sku": "NOTE-3", "price": usd(1)}), "/variants/2/options"),
        (json!({"sku": "NOTE-4", "options": {"Size": "A5"}, "price": usd(1)}), "/options"),
    ] {
        let problem = shop.post(&variants).bearer(&token).json(&body).refused(422, "invalid");
        assert!(pointers(&problem).contains(&pointer), "{body}: {problem}");
    }
    let change = json!({"price": usd(850), "stock": 3, "weight_g": 120});
    let changed = shop.patch(&path).bearer(&token).json(&change).header("If-Match", "\"2\"");
    let changed = changed.expect(200).json();
    assert_eq!((&changed["price"], &changed["available"]), (&usd(850), &json!(3)));
    assert_eq!((&changed["sku"], &changed["id"]), (&json!("NOTE-DOTS"), &json!(id)));
    shop.patch(&path)
        .bearer(&token)
        .json(&change)
        .header("If-Match", "\"2\"")
        .refused(412, "stale");
    let seen = shop.get(&format!("/api/v1/products/{product_id}")).expect(200).json();
    assert_eq!(seen["variants"][1]["price"], usd(850));
    // The other variant has kept its stock.
    assert_eq!(seen["variants"][0]["available"], 9);

    shop.delete(&path).bearer(&token).header("If-Match", "\"2\"").refused(412, "stale");
    shop.delete(&path).bearer(&token).expect(204);
    shop.get(&path).bearer(&token).refused(404, "not_found");
    shop.delete(&path).bearer(&token).refused(404, "not_found");
    let last = made["variants"][0]["id"].as_str().unwrap();
    let problem = shop
        .delete(&format!("/api/admin/v1/variants/{last}"))
        .bearer(&token)
        .refused(422, "invalid");
    assert_eq!(pointers(&problem), ["/variants"]);
}

fn stock(shop: &Shop) {
    let token = shop.token("stock:write");
    let reader = shop.token("products:read");
    let path = "/api/admin/v1/stock/COUNTED";
    let put = |body: Value| shop.put(path).bearer(&token).json(&body);
    let set = put(json!({"location": "default", "on_hand": 30, "expected": 50})).expect(200).json();
    assert_eq!(
        [&set["on_hand"], &set["reserved"], &set["available"]],
        [&json!(30), &json!(0), &json!(30)]
    );
    eventually("shoppers see it", || shop.available("counted") == 30);
    put(json!({"location": "default", "on_hand": 1, "expected": 50})).refused(409, "stale");
    shop.order("COUNTED", 4);
    let read = shop.get(path).bearer(&reader).expect(200).json();
    let expected = json!([{
        "location": "default", "variant_id": set["variant_id"], "on_hand": 30, "reserved": 4,
        "available": 26,
    }]);
    assert_eq!(read["items"], expected);
    // Fewer on the shelf than are promised: nothing can be sold, nothing is lost.
    let low = put(json!({"location": "default", "on_hand": 2})).expect(200).json();
    assert_eq!([&low["reserved"], &low["available"]], [&json!(4), &json!(-2)]);
    let cart = shop.new_cart();
    let problem = shop.add(&cart, "COUNTED", 1).refused(409, "out_of_stock");
    assert_eq!(problem["lines"][0]["available"], 0);
    put(json!({"location": "default", "on_hand": 30})).expect(200);

    put(json!({"location": "attic", "on_hand": 1})).refused(404, "not_found");
    let unknown = shop.put("/api/admin/v1/stock/NO-SUCH-SKU").bearer(&token);
    unknown.json(&json!({"location": "default", "on_hand": 1})).refused(404, "not_found");
    shop.get("/api/admin/v1/stock/NO-SUCH-SKU").bearer(&reader).refused(404, "not_found");
    for (body, pointer) in [
        (json!({"location": "default", "on_hand": -1}), "/on_hand"),
        (json!({"location": "default", "on_hand": 1_000_000_001}), "/on_hand"),
        (json!({"location": "default", "on_hand": 1.5}), "/on_hand"),
        (json!({"location": "default", "on_hand": "7"}), "/on_hand"),
        (json!({"location": 7, "on_hand": 7}), "/location"),
        (json!({"location": "default", "on_hand": 1, "why": "x"}), "/why"),
        (json!({"location": "default"}), ""),
    ] {
        let problem = put(body.clone()).refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
    }
}

fn admin_orders(shop: &Shop) {
    let token = shop.token("orders:write");
    let order = shop.order("CANCELLED", 3);
    let id = order["id"].as_str().unwrap();
    let base = "/api/admin/v1/orders";
    let list = |query: &str| shop.get(&format!("{base}?{query}")).bearer(&token).expect(200).json();
    let newest = &list("limit=1")["items"][0];
    assert_eq!(
        [&newest["id"], &newest["number"], &newest["total"], &newest["n_items"]],
        [&order["id"], &order["number"], &order["totals"]["total"], &json!(3)]
    );
    assert_eq!(newest["email"], "ada@example.com");
    assert_eq!(list(&format!("q={}", order["number"]))["total"], 1);
    assert!(list("q=ada@example.com")["total"].as_u64().unwrap() > 3);
    for part in ["ADA@", "example.com", "a@e"] {
        assert_eq!(list(&format!("q={part}"))["total"], list("q=ada@example.com")["total"]);
    }
    assert_eq!(list("q=ada_example")["total"], 0);
    assert!(list("status=failed")["total"].as_u64().unwrap() >= 2);
    walk(shop, base, &token, 3);
    for wrong in ["limit=0", "status=lost", "cursor=x", "unknown=1"] {
        shop.get(&format!("{base}?{wrong}")).bearer(&token).refused(422, "invalid");
    }

    let path = format!("{base}/{id}");
    let read = shop.get(&path).bearer(&token).expect(200);
    let version = read.header("etag").unwrap().to_owned();
    assert_eq!(read.json()["totals"], order["totals"]);
    assert_eq!(read.json().get("token"), None, "the shopper's token is not the merchant's");
    let cancel = || shop.post(&format!("{path}/cancel")).bearer(&token);
    cancel().header("If-Match", "\"99\"").refused(412, "stale");
    for body in [json!({"reason": "a\nb"}), json!({"reason": 1}), json!({"why": "x"})] {
        assert_eq!(pointers(&cancel().json(&body).refused(422, "invalid")).len(), 1);
    }
    assert_eq!(shop.available("cancelled"), 47);
    let reason = json!({"reason": "ordered by mistake"});
    let cancelled = cancel().json(&reason).header("If-Match", &version).expect(200).json();
    assert_eq!(
        [&cancelled["status"], &cancelled["payment_status"]],
        [&json!("cancelled"), &json!("refunded")]
    );
    eventually("stock is free again", || shop.available("cancelled") == 50);
    // Once more changes nothing.
    assert_eq!(cancel().expect(200).json(), cancelled);
    let token_of_shopper = order["token"].as_str().unwrap();
    let seen = shop.get(&format!("/api/v1/orders/{id}?token={token_of_shopper}")).expect(200);
    assert_eq!(seen.json()["status"], "cancelled");

    let failed = &list("status=failed&limit=1")["items"][0];
    let failed = format!("{base}/{}/cancel", failed["id"].as_str().unwrap());
    shop.post(&failed).bearer(&token).refused(409, "wrong_state");
    let unknown = format!("{base}/ord_00000000000000000000000000");
    shop.get(&unknown).bearer(&token).refused(404, "not_found");
    shop.post(&format!("{unknown}/cancel")).bearer(&token).refused(404, "not_found");
}

fn fulfilments(shop: &Shop) {
    let token = shop.token("orders:write");
    let order = shop.order("PARCEL", 3);
    let line = &order["lines"][0]["id"];
    assert_eq!(order["fulfilment_status"], "unfulfilled");
    assert_eq!(order["fulfilments"], json!([]));
    let path = format!("/api/admin/v1/orders/{}", order["id"].as_str().unwrap());
    let parcels = format!("{path}/fulfilments");
    let post = |body: &Value| shop.post(&parcels).bearer(&token).json(body);
    let items = |quantity: i64| json!([{"line_id": line, "quantity": quantity}]);
    for (body, pointer) in [
        (json!({"items": [{"line_id": "line_x", "quantity": 1}]}), "/items/0/line_id"),
        (
            json!({"items": [{"line_id": "line_00000000000000000000000001", "quantity": 1}]}),
            "/items/0/line_id",
        ),
        (json!({"items": items(4)}), "/items/0/quantity"),
        (json!({"items": items(0)}), "/items/0/quantity"),
        (json!({"tracking": {"url": "javascript:alert(1)"}}), "/tracking/url"),
        (json!({"tracking": {"carrier": "a\nb"}}), "/tracking/carrier"),
        (json!({"parcel": 1}), "/parcel"),
    ] {
        let problem = post(&body).refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
    }
    post(&json!({})).header("If-Match", "\"99\"").refused(412, "stale");

    // A part, told twice under one key.
    let part = json!({
        "items": items(2),
        "tracking": {"carrier": "UPS", "number": "1Z 999"},
        "notify_customer": false,
    });
    let send = || post(&part).header("Idempotency-Key", "parcel-1").expect(201);
    let sent = send();
    assert_eq!(sent.json()["fulfilment_status"], "partially_fulfilled");
    assert_eq!(sent.json()["lines"][0]["fulfilled"], 2);
    let parcel = &sent.json()["fulfilments"][0];
    assert_eq!((&parcel["number"], &parcel["status"]), (&json!(1), &json!("shipped")));
    assert_eq!(parcel["items"], items(2));
    assert_eq!(parcel["tracking"]["url"], "https://www.ups.com/track?tracknum=1Z999");
    assert_eq!(send().json(), sent.json());
    // What can be sold is as before, what is there is less.
    let stock = || shop.get("/api/admin/v1/stock/PARCEL").bearer(&shop.token("admin")).expect(200);
    let level = &stock().json()["items"][0];
    assert_eq!(
        [&level["on_hand"], &level["reserved"], &level["available"]],
        [&json!(48), &json!(1), &json!(47)]
    );
    let listed = |status: &str| {
        let list = format!("/api/admin/v1/orders?q={}&fulfilment_status={status}", order["number"]);
        shop.get(&list).bearer(&token).expect(200).json()["total"].as_u64().unwrap()
    };
    assert_eq!((listed("partially_fulfilled"), listed("fulfilled")), (1, 0));
    let wrong = "/api/admin/v1/orders?fulfilment_status=lost";
    shop.get(wrong).bearer(&token).refused(422, "invalid");
    shop.post(&format!("{path}/cancel")).bearer(&token).refused(409, "wrong_state");

    // The rest.
    let all = post(&json!({})).expect(201).json();
    assert_eq!(all["fulfilment_status"], "fulfilled");
    assert_eq!(all["fulfilments"][1]["items"], items(1));
    let refused = post(&json!({})).refused(409, "wrong_state");
    assert!(refused["detail"].as_str().unwrap().contains("fulfilled"), "{refused}");

    let second = format!("{parcels}/{}", all["fulfilments"][1]["id"].as_str().unwrap());
    let patch = |body: &Value| shop.request("PATCH", &second).bearer(&token).json(body);
    let tracking = json!({"carrier": "Bike", "number": "7", "url": "https://bikes.example/7"});
    let changed = patch(&json!({"tracking": tracking})).expect(200).json();
    assert_eq!(changed["fulfilments"][1]["tracking"], tracking);
    assert_eq!(patch(&json!({"tracking": tracking})).expect(200).json(), changed);
    patch(&json!({})).refused(422, "invalid");

    // The shopper sees it.
    let own = format!(
        "/api/v1/orders/{}?token={}",
        order["id"].as_str().unwrap(),
        order["token"].as_str().unwrap()
    );
    assert_eq!(shop.get(&own).expect(200).json()["fulfilments"], changed["fulfilments"]);

    // Taken back, once.
    let cancel = || shop.post(&format!("{second}/cancel")).bearer(&token).expect(200).json();
    let back = cancel();
    assert_eq!(back["fulfilments"][1]["status"], "cancelled");
    assert_eq!(back["fulfilment_status"], "partially_fulfilled");
    assert_eq!(cancel(), back);
    patch(&json!({"tracking": {}})).refused(409, "wrong_state");
    let unknown = format!("{parcels}/ful_00000000000000000000000000/cancel");
    shop.post(&unknown).bearer(&token).refused(404, "not_found");
}

/// Every operation of the merchant's side and the scopes that let in.
const ADMIN: &[(&str, &str, &[&str])] = &[
    ("GET", "/api/admin/v1/products", &["products:read", "products:write"]),
    ("POST", "/api/admin/v1/products", &["products:write"]),
    ("GET", "/api/admin/v1/products/{id}", &["products:read", "products:write"]),
    ("PATCH", "/api/admin/v1/products/{id}", &["products:write"]),
    ("DELETE", "/api/admin/v1/products/{id}", &["products:write"]),
    ("POST", "/api/admin/v1/products/{id}/variants", &["products:write"]),
    ("GET", "/api/admin/v1/variants/{id}", &["products:read", "products:write"]),
    ("PATCH", "/api/admin/v1/variants/{id}", &["products:write"]),
    ("DELETE", "/api/admin/v1/variants/{id}", &["products:write"]),
    ("GET", "/api/admin/v1/stock/{sku}", &["products:read", "products:write"]),
    ("PUT", "/api/admin/v1/stock/{sku}", &["stock:write"]),
    ("GET", "/api/admin/v1/orders", &["orders:read", "orders:write"]),
    ("GET", "/api/admin/v1/orders/{id}", &["orders:read", "orders:write"]),
    ("POST", "/api/admin/v1/orders/{id}/cancel", &["orders:write"]),
    ("GET", "/api/admin/v1/abandoned-carts", &["orders:read", "orders:write"]),
    ("GET", "/api/admin/v1/abandoned-carts/{id}", &["orders:read", "orders:write"]),
    ("POST", "/api/admin/v1/orders/{id}/fulfilments", &["orders:write"]),
    ("PATCH", "/api/admin/v1/orders/{id}/fulfilments/{fulfilment}", &["orders:write"]),
    ("POST", "/api/admin/v1/orders/{id}/fulfilments/{fulfilment}/cancel", &["orders:write"]),
    ("GET", "/api/admin/v1/customers", &["customers:read", "customers:write"]),
    ("GET", "/api/admin/v1/customers/{id}", &["customers:read", "customers:write"]),
    ("PATCH", "/api/admin/v1/customers/{id}", &["customers:write"]),
    ("GET", "/api/admin/v1/vendors", &["vendors:read", "vendors:write"]),
    ("POST", "/api/admin/v1/vendors", &["vendors:write"]),
    ("GET", "/api/admin/v1/vendors/{id}", &["vendors:read", "vendors:write"]),
    ("PATCH", "/api/admin/v1/vendors/{id}", &["vendors:write"]),
    ("GET", "/api/admin/v1/webhooks", &["webhooks:read", "webhooks:write"]),
    ("POST", "/api/admin/v1/webhooks", &["webhooks:write"]),
    ("GET", "/api/admin/v1/webhooks/{id}", &["webhooks:read", "webhooks:write"]),
    ("PATCH", "/api/admin/v1/webhooks/{id}", &["webhooks:write"]),
    ("DELETE", "/api/admin/v1/webhooks/{id}", &["webhooks:write"]),
    ("POST", "/api/admin/v1/webhooks/{id}/rotate-secret", &["webhooks:write"]),
    ("GET", "/api/admin/v1/webhooks/{id}/deliveries", &["webhooks:read", "webhooks:write"]),
    (
        "GET",
        "/api/admin/v1/webhooks/{id}/deliveries/{delivery}",
        &["webhooks:read", "webhooks:write"],
    ),
    ("POST", "/api/admin/v1/webhooks/{id}/deliveries/{delivery}/replay", &["webhooks:write"]),
    ("POST", "/api/admin/v1/webhooks/{id}/replay", &["webhooks:write"]),
];

fn scopes(shop: &Shop) {
    let document = shop.get("/api/openapi.json").expect(200).json();
    let described: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .filter(|(_, path)| path.starts_with("/api/admin/"))
        .collect();
    let listed: BTreeSet<(String, String)> =
        ADMIN.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, listed, "an operation of the merchant's side is not in the list here");

    let names = [
        "admin",
        "products:read",
        "products:write",
        "stock:write",
        "orders:read",
        "orders:write",
        "customers:read",
        "customers:write",
        "vendors:read",
        "vendors:write",
        "webhooks:read",
        "webhooks:write",
    ];
    let tokens: Vec<(&str, String)> =
        names.into_iter().map(|scope| (scope, shop.token(scope))).collect();
    let both = shop.succeed(&["token", "create", "--scope", "orders:read,stock:write"]);
    let both = both.lines().last().unwrap();
    shop.get("/api/admin/v1/orders").bearer(both).expect(200);
    shop.get("/api/admin/v1/products").bearer(both).refused(403, "forbidden");
    for (method, template, allowed) in ADMIN {
        // Nothing there: whoever is let in learns that, and nothing is changed.
        let path = template.replace("{id}", "none").replace("{sku}", "NONE");
        let request = || shop.request(method, &path);
        request().refused(401, "unauthenticated");
        let (_, good) = &tokens[0];
        for bad in ["", "stoa_", "x", &good[..good.len() - 1], &format!("{good}x")] {
            request().bearer(bad).refused(401, "unauthenticated");
        }
        request().header("Authorization", good).refused(401, "unauthenticated");
        request().header("Authorization", format!("Basic {good}")).refused(401, "unauthenticated");
        request().header("Authorization", b"Bearer \xff\xfe").refused(401, "unauthenticated");
        for (scope, token) in &tokens {
            let answer = request().bearer(token).send();
            if *scope == "admin" || allowed.contains(scope) {
                assert!(!matches!(answer.status, 401 | 403), "{scope} may {method} {path}");
            } else {
                assert_eq!(answer.status, 403, "{scope} may not {method} {path}");
                answer.problem("forbidden");
            }
        }
    }
    let refused = shop.run(&["token", "create", "--scope", "everything"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("products:read"));
}

fn customers_and_abandoned_carts(shop: &Shop) {
    let keeper = shop.token("customers:write");
    let order = shop.order("PARCEL", 1);
    let base = "/api/admin/v1/customers";
    let list =
        |query: &str| shop.get(&format!("{base}?{query}")).bearer(&keeper).expect(200).json();
    let mut found = Value::Null;
    eventually("who ordered is known", || {
        found = list("q=ADA@example")["items"][0].clone();
        let path = format!("{base}/{}", found["id"].as_str().unwrap_or("none"));
        let read = shop.get(&path).bearer(&keeper).send();
        read.status == 200 && read.json()["order_ids"][0] == order["id"]
    });
    assert_eq!(found["email"], "ada@example.com");
    let path = format!("{base}/{}", found["id"].as_str().unwrap());
    let read = shop.get(&path).bearer(&keeper).expect(200);
    let version = read.header("etag").unwrap().to_owned();
    let known = read.json();
    assert!(known["n_orders"].as_u64().unwrap() >= 1, "{known}");
    assert_eq!(known["spent"][0]["currency"], "USD");
    let change = json!({"note": "calls first"});
    let patch = || shop.patch(&path).bearer(&keeper).json(&change).key("note");
    let changed = patch().header("If-Match", &version).expect(200).json();
    assert_eq!([&changed["note"], &changed["name"]], [&change["note"], &known["name"]]);
    assert!(patch().header("If-Match", &version).expect(200).is_replayed());
    let stale = shop.patch(&path).bearer(&keeper).json(&json!({"note": "x"}));
    stale.header("If-Match", &version).refused(412, "stale");
    for (body, pointer) in [
        (json!({"name": " "}), "/name"),
        (json!({"note": "x".repeat(5_001)}), "/note"),
        (json!({"note": 1}), "/note"),
        (json!({"email": "other@example.com"}), "/email"),
    ] {
        let problem = shop.patch(&path).bearer(&keeper).json(&body).refused(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
    }
    assert_eq!(list("q=nobody")["total"], 0);
    for wrong in ["limit=0", "status=placed", "cursor=x"] {
        shop.get(&format!("{base}?{wrong}")).bearer(&keeper).refused(422, "invalid");
    }

    // Nobody has left a cart for an hour.
    let reader = shop.token("orders:read");
    let base = "/api/admin/v1/abandoned-carts";
    let none = shop.get(base).bearer(&reader).expect(200).json();
    assert_eq!(none, json!({"items": [], "next_cursor": null, "total": 0}));
    for wrong in ["limit=0", "status=placed", "cursor=x", "q=ada"] {
        shop.get(&format!("{base}?{wrong}")).bearer(&reader).refused(422, "invalid");
    }
    let unknown = format!("{base}/acart_00000000000000000000000000");
    shop.get(&unknown).bearer(&reader).refused(404, "not_found");
}

fn vendors(shop: &Shop) {
    let keeper = shop.token("vendors:write");
    let merchant = shop.token("admin");
    // The merchant makes one by program and one by hand.
    let body = json!({"name": "Blue Kiln", "email": "kiln@example.com"});
    let made = || shop.post("/api/admin/v1/vendors").bearer(&keeper).key("kiln").json(&body);
    let kiln = made().expect(201).json();
    assert_eq!([&kiln["handle"], &kiln["status"]], [&json!("blue-kiln"), &json!("active")]);
    assert!(made().expect(201).is_replayed());
    let again = shop.post("/api/admin/v1/vendors").bearer(&keeper).json(&body);
    again.refused(409, "taken");
    let wrong = shop.post("/api/admin/v1/vendors").bearer(&keeper).json(&json!({"email": "x"}));
    assert_eq!(pointers(&wrong.refused(422, "invalid")), ["/name"]);
    shop.succeed(&["vendor", "add", "Loom", "--email", "loom@example.com"]);
    let listed = shop.succeed(&["vendor", "list"]);
    assert!(listed.contains("blue-kiln\tactive\tBlue Kiln\tkiln@example.com\n"), "{listed}");
    let page = shop.get("/api/admin/v1/vendors?limit=1").bearer(&keeper).expect(200).json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (1, &json!(2)));
    let next = format!("/api/admin/v1/vendors?cursor={}", page["next_cursor"].as_str().unwrap());
    let next = shop.get(&next).bearer(&keeper).expect(200).json();
    assert_eq!(next["items"][0]["handle"], "loom");
    let of_kiln = format!("/api/admin/v1/vendors/{}", kiln["id"].as_str().unwrap());
    assert_eq!(shop.get(&of_kiln).bearer(&keeper).expect(200).json(), kiln);

    // A token is a vendor's, or it is not.
    for arguments in [
        &["token", "create", "--scope", "vendor"][..],
        &["token", "create", "--scope", "admin", "--vendor", "loom"],
        &["token", "create", "--scope", "vendor,orders:read", "--vendor", "loom"],
        &["token", "create", "--scope", "vendor", "--vendor", "nobody"],
    ] {
        assert!(!shop.run(arguments).status.success(), "{arguments:?}");
    }
    let token_of = |vendor: &str| {
        let printed = shop.succeed(&["token", "create", "--scope", "vendor", "--vendor", vendor]);
        printed.lines().last().unwrap().to_owned()
    };
    let (potter, weaver) = (token_of("blue-kiln"), token_of("loom"));
    for (method, template, _) in ADMIN {
        let path = template.replace("{id}", "none").replace("{sku}", "NONE");
        shop.request(method, &path).bearer(&potter).refused(403, "forbidden");
    }
    let products = "/api/vendor/v1/products";
    shop.get(products).bearer(&merchant).refused(403, "forbidden");
    shop.get(products).refused(401, "unauthenticated");

    // Each makes a product, and sees its own alone.
    let product = |title: &str, sku: &str| json!({"title": title, "variants": [{"sku": sku, "price": usd(2_000), "stock": 9}]});
    let make = |token: &str, body: &Value| shop.post(products).bearer(token).json(body);
    let body = product("Salad Bowl", "BOWL");
    let bowl = || make(&potter, &body).key("bowl");
    let kept = bowl().expect(201);
    assert!(bowl().expect(201).is_replayed());
    let bowl = kept.json();
    assert_eq!(bowl["vendor"], "blue-kiln");
    let rug = make(&weaver, &product("Wool Rug", "RUG")).expect(201).json();
    for (token, own, other, sku) in
        [(&potter, &bowl, &rug, ("BOWL", "RUG")), (&weaver, &rug, &bowl, ("RUG", "BOWL"))]
    {
        let list = shop.get(products).bearer(token).expect(200).json();
        assert_eq!((&list["total"], &list["items"][0]), (&json!(1), own));
        let at = |product: &Value| format!("{products}/{}", product["id"].as_str().unwrap());
        assert_eq!(shop.get(&at(own)).bearer(token).expect(200).json(), *own);
        shop.get(&at(other)).bearer(token).refused(404, "not_found");
        let change = json!({"brand": "Own"});
        shop.patch(&at(other)).bearer(token).json(&change).refused(404, "not_found");
        let changed = shop.patch(&at(own)).bearer(token).json(&change).expect(200).json();
        assert_eq!(changed["brand"], "Own");
        let stock = |sku: &str| format!("/api/vendor/v1/stock/{sku}");
        let count = json!({"on_hand": 7, "expected": 9});
        shop.put(&stock(sku.1)).bearer(token).json(&count).refused(404, "not_found");
        shop.get(&stock(sku.1)).bearer(token).refused(404, "not_found");
        let set = shop.put(&stock(sku.0)).bearer(token).json(&count).expect(200).json();
        assert_eq!(set["on_hand"], 7);
        shop.put(&stock(sku.0)).bearer(token).json(&count).refused(409, "stale");
        let read = shop.get(&stock(sku.0)).bearer(token).expect(200).json();
        assert_eq!(read["items"][0]["on_hand"], 7);
    }
    let given = json!({"vendor": "loom"});
    let at_bowl = format!("{products}/{}", bowl["id"].as_str().unwrap());
    let refused = shop.patch(&at_bowl).bearer(&potter).json(&given).refused(422, "invalid");
    assert_eq!(pointers(&refused), ["/vendor"]);
    // What others have is taken, although it cannot be seen.
    make(&potter, &product("Wool Rug", "MINE")).refused(409, "taken");
    let clash = make(&potter, &product("Mine", "COUNTED")).refused(422, "invalid");
    assert_eq!(pointers(&clash), ["/variants"]);

    // Both are sold in one order with a piece of the shop's; each vendor sees its line.
    let cart = shop.ready_cart("RUG", 1);
    shop.add(&cart, "BOWL", 2).expect(200);
    shop.complete(&cart, GOOD_CARD).expect(201);
    let sold = shop.get("/api/vendor/v1/order-lines").bearer(&potter).expect(200);
    let lines = sold.json();
    assert_eq!(lines["items"].as_array().unwrap().len(), 1, "{lines}");
    let bought = &lines["items"][0];
    assert_eq!((&bought["sku"], &bought["quantity"]), (&json!("BOWL"), &json!(2)));
    assert_eq!(bought["status"], "placed");
    assert!(!sold.text().contains("RUG") && !sold.text().contains('@'), "{}", sold.text());
    let wrong = shop.get("/api/vendor/v1/order-lines?status=pending").bearer(&potter);
    assert_eq!(pointers(&wrong.refused(422, "invalid")), ["/status"]);

    // One that is suspended is turned away until it is let in again.
    let set = |status: &str| {
        let body = json!({"status": status});
        shop.patch(&of_kiln).bearer(&keeper).json(&body).expect(200).json()
    };
    assert_eq!(set("suspended")["version"], 2);
    shop.get(products).bearer(&potter).refused(403, "forbidden");
    shop.get(products).bearer(&weaver).expect(200);
    set("active");
    shop.get(products).bearer(&potter).expect(200);
}

fn the_document(shop: &Shop) {
    let answer = shop.get("/api/openapi.json").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let operations: BTreeSet<String> = operations(&document)
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    for promised in [
        "GET /api/v1/products",
        "GET /api/v1/products/{id}",
        "GET /api/v1/categories",
        "GET /api/v1/suggest",
        "POST /api/v1/carts",
        "GET /api/v1/carts/{id}",
        "PATCH /api/v1/carts/{id}",
        "POST /api/v1/carts/{id}/lines",
        "PATCH /api/v1/carts/{id}/lines/{line_id}",
        "DELETE /api/v1/carts/{id}/lines/{line_id}",
        "GET /api/v1/carts/{id}/shipping-methods",
        "POST /api/v1/carts/{id}/complete",
        "GET /api/v1/orders/{id}",
    ] {
        assert!(operations.contains(promised), "{promised} is not described");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()), "{at}");
            let described: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let in_path: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(described, in_path, "{at}");
            let secured = operation.get("security").is_some();
            let needs_token = path.starts_with("/api/admin/") || path.starts_with("/api/vendor/");
            assert_eq!(secured, needs_token, "{at}");
        }
    }
    references_resolve(&document, &document);
    shop.get("/api/docs").expect(200);
}

fn references_resolve(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|field| references_resolve(document, field));
        }
        Value::Array(items) => items.iter().for_each(|item| references_resolve(document, item)),
        _ => {}
    }
}

fn health_and_metrics(shop: &Shop) {
    assert_eq!(shop.get("/health/live").expect(200).json()["status"], "live");
    let ready = shop.get("/health/ready").expect(200).json();
    assert_eq!(ready["status"], "ready");
    assert!(ready["checks"].as_array().unwrap().iter().all(|check| check["status"] == "ready"));
    let metrics: Answer = shop.get("/metrics").expect(200);
    let text = metrics.text();
    assert!(text.ends_with("# EOF\n"), "OpenMetrics ends so");
    let sample = text
        .lines()
        .find(|line| line.starts_with("stoa_http_requests_total{") && line.contains("/complete"))
        .unwrap_or_else(|| panic!("no counter of completed carts in {text}"));
    assert!(sample.rsplit(' ').next().unwrap().parse::<f64>().unwrap() >= 1.0, "{sample}");
    assert!(!text.contains("cart_"), "metrics name no cart");
    let cart = shop.new_cart();
    let body = line("MUG-02", 1);
    shop.on_cart("POST", &cart, "/lines").json(&body).expect(200);
}

#[test]
fn what_costs_nothing_is_ordered_without_asking_the_provider() {
    let shop = Shop::closed().stocked(&[simple("mug", 1_200, 5)]);
    let settings = "[[shipping]]\ncode = \"standard\"\nname = \"Standard\"\nprice = \"0.00\"\n\
                    [[discounts]]\ncode = \"GIFT\"\npercent = \"100\"\n";
    std::fs::write(shop.data().join("stoa.toml"), settings).unwrap();
    let shop = shop.open();
    let cart = shop.ready_cart("MUG", 2);
    shop.on_cart("PATCH", &cart, "").json(&json!({"discount_code": "GIFT"})).expect(200);
    // A provider that was asked would decline.
    let order = shop.complete(&cart, "tok_declined").expect(201).json();
    assert_eq!(order["totals"]["total"]["amount"], 0);
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("placed"), &json!("paid")));
    assert_eq!(shop.available("mug"), 3);
    let token = shop.token("admin");
    let path = format!("/api/admin/v1/orders/{}", order["id"].as_str().unwrap());
    shop.post(&format!("{path}/cancel")).bearer(&token).json(&json!({})).expect(200);
    eventually("the order is cancelled", || {
        shop.get(&path).bearer(&token).expect(200).json()["payment_status"] == "refunded"
    });
    assert_eq!(shop.available("mug"), 5);
    assert_eq!(shop.booked(), Vec::<String>::new());
    shop.assert_sound();
}
