//! The storefront as a browser without scripts uses it, against the whole router on a store and a
//! search index in a temporary folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod shop;

use std::collections::BTreeSet;

use http::StatusCode;
use shop::{Browser, TestShop, draft};
use stoa_embedded::test_payment::Behaviour;

const ADDRESS: &[(&str, &str)] = &[
    ("email", "ada@example.com"),
    ("shipping_name", "Ada Lovelace"),
    ("shipping_line1", "12 St James's Square"),
    ("shipping_city", "Springfield"),
    ("shipping_postal_code", "62701"),
    ("shipping_region", "IL"),
    ("shipping_country", "US"),
    ("billing_same", "1"),
];

/// Puts two mugs in the cart and goes through the checkout up to the review.
async fn to_review(browser: &mut Browser, token: &str) -> String {
    let product = browser.get("/products/mug").await;
    let variant = product.value_of("variant_id");
    let added = browser.post("/cart/lines", &[("variant_id", &variant), ("quantity", "2")]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    assert_eq!(added.location(), "/cart?notice=added");
    let cart = browser.get(&added.location()).await;
    assert!(cart.body.contains("Added to your cart."));
    assert!(cart.body.contains("$48.00"), "two mugs");
    assert!(cart.body.contains("data-cart-count=\"2\""));
    assert_eq!(browser.get("/checkout").await.location(), "/checkout/address");
    let saved = browser.post("/checkout/address", ADDRESS).await;
    assert_eq!(saved.location(), "/checkout/shipping", "{}", saved.body);
    let shipping = browser.get("/checkout/shipping").await;
    assert!(shipping.body.contains("2 to 4 working days"));
    let saved = browser.post("/checkout/shipping", &[("shipping_method", "standard")]).await;
    assert_eq!(saved.location(), "/checkout/payment");
    let saved = browser.post("/checkout/payment", &[("payment_token", token)]).await;
    assert_eq!(saved.location(), "/checkout/review");
    let review = browser.get("/checkout/review").await;
    assert_eq!(review.status, StatusCode::OK);
    // 48.00 + 4.99 shipping, 8.25 % tax on both.
    assert!(review.body.contains("$57.36"), "{}", review.body);
    assert_eq!(review.value_of("payment_token"), token);
    review.value_of("total")
}

#[tokio::test]
async fn a_purchase_without_scripts() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let home = browser.get("/").await;
    assert!(home.body.contains("href=\"/categories/kitchen\""));
    assert!(browser.get("/categories/kitchen").await.body.contains("href=\"/products/mug\""));

    let total = to_review(&mut browser, "tok_ok").await;
    let form = [("payment_token", "tok_ok"), ("total", total.as_str())];
    let mut second_press = browser.clone();
    let placed = browser.post("/checkout/review", &form).await;
    assert_eq!(placed.status, StatusCode::SEE_OTHER, "{}", placed.body);
    let confirmation = placed.location();
    assert!(confirmation.starts_with("/orders/ord_") && confirmation.ends_with("&placed=1"));

    // The button pressed twice: before and after the first answer came.
    assert_eq!(
        second_press.post("/checkout/review", &form).await.location() + "&placed=1",
        confirmation
    );
    assert_eq!(
        browser.post("/checkout/complete", &form).await.location() + "&placed=1",
        confirmation
    );
    assert_eq!(shop.orders().await, 1);

    let thanks = browser.get(&confirmation).await;
    assert!(thanks.body.contains("Thank you") && thanks.body.contains("ada@example.com"));
    assert!(thanks.body.contains("$57.36"));
    assert!(thanks.body.contains("data-cart-count=\"0\""));
    let order = confirmation.strip_suffix("&placed=1").unwrap();
    let later = browser.get(order).await;
    assert!(later.body.contains("Payment received"), "{}", later.body);
    assert!(later.body.contains("62701 Springfield, IL"));
    assert!(later.headers["cache-control"].to_str().unwrap().contains("no-store"));

    // The cart is an order now: it shows as empty, leads to the order, and a new one begins.
    assert!(browser.get("/cart").await.body.contains("It is empty"));
    assert_eq!(browser.get("/checkout/review").await.location(), order);
    let variant = browser.get("/products/mug").await.value_of("variant_id");
    browser.post("/cart/lines", &[("variant_id", &variant)]).await;
    assert!(browser.get("/cart").await.body.contains("data-cart-count=\"1\""));
}

#[tokio::test]
async fn a_declined_payment_leaves_the_cart_and_can_be_repeated() {
    let shop = TestShop::open().await;
    for (token, reason, words) in [
        ("tok_declined", "card_declined", "Your bank declined the payment."),
        ("tok_insufficient_funds", "insufficient_funds", "does not hold enough money"),
    ] {
        let mut browser = shop.browser();
        to_review(&mut browser, token).await;
        let placed = browser.post("/checkout/review", &[]).await;
        assert_eq!(placed.location(), format!("/checkout/payment?declined={reason}"));
        let page = browser.get(&placed.location()).await;
        assert!(page.body.contains(words) && page.body.contains("Nothing was charged"));
        assert!(page.body.contains("Harbour Mug"), "the cart is as it was");
        assert_eq!(shop.orders().await, 0);
        browser.post("/checkout/payment", &[("payment_token", "tok_ok")]).await;
        let placed = browser.post("/checkout/review", &[]).await;
        assert!(placed.location().starts_with("/orders/ord_"));
        assert_eq!(shop.orders().await, 1);
        shop.forget_orders();
    }
}

#[tokio::test]
async fn a_payment_that_needs_confirmation() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    to_review(&mut browser, "tok_requires_action").await;
    let bank = browser.post("/checkout/review", &[]).await.location();
    assert!(bank.starts_with("/pay/test/pay_"));
    let page = browser.get(&bank).await;
    assert!(page.body.contains("$57.36") && page.body.contains("Approve payment"));
    assert_eq!(browser.post(&bank, &[("result", "perhaps")]).await.location(), bank);

    // While it waits the cart cannot be changed, and says so.
    let variant = browser.get("/products/mug").await.value_of("variant_id");
    let added = browser.post("/cart/lines", &[("variant_id", &variant)]).await;
    assert_eq!(added.status, StatusCode::CONFLICT);
    assert!(added.body.contains("A payment for your cart is under way"));
    assert!(browser.get("/cart").await.body.contains("cannot be changed now"));

    // Refused at the bank, tried again, approved.
    let refused = browser.post(&bank, &[("result", "fail")]).await.location();
    assert_eq!(refused, "/checkout/payment?declined=authentication_failed");
    assert!(browser.get(&refused).await.body.contains("was not confirmed"));
    assert_eq!(shop.orders().await, 0);
    let bank = browser.post("/checkout/review", &[]).await.location();
    let placed = browser.post(&bank, &[("result", "approve")]).await.location();
    assert!(placed.starts_with("/orders/ord_") && placed.ends_with("&placed=1"), "{placed}");
    assert!(browser.get(&placed).await.body.contains("Thank you"));
    assert_eq!(shop.orders().await, 1);
    assert!(browser.get("/cart").await.body.contains("It is empty"));
    // Going back to the bank changes nothing.
    assert_eq!(browser.post(&bank, &[("result", "fail")]).await.location(), placed);
    assert_eq!(browser.get(&bank).await.location(), placed);
    // Someone who was sent there by a program sees how it went, and nothing else.
    let stranger = shop.browser().get(&bank).await;
    assert!(stranger.body.contains("payment is confirmed"));
    assert!(!stranger.body.contains("ada@example.com"));
}

#[tokio::test]
async fn another_card_can_be_used_while_one_waits_for_confirmation() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    to_review(&mut browser, "tok_requires_action").await;
    let bank = browser.post("/checkout/review", &[]).await.location();
    assert!(browser.get("/checkout/payment").await.body.contains("waits for your confirmation"));
    browser.post("/checkout/payment", &[("payment_token", "tok_ok")]).await;
    let placed = browser.post("/checkout/review", &[]).await.location();
    assert!(placed.starts_with("/orders/ord_"), "{placed}");
    assert_eq!(shop.orders().await, 1);
    let late = browser.post(&bank, &[("result", "approve")]).await;
    assert_ne!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn lost_replies_of_the_payment_provider_lose_no_order() {
    // Every second reply is lost, among them the one after the shopper has confirmed.
    let shop = TestShop::open_with(Behaviour { lose_every: 2, ..Behaviour::default() }).await;
    let mut browser = shop.browser();
    to_review(&mut browser, "tok_requires_action").await;
    let bank = browser.post("/checkout/review", &[]).await.location();
    let placed = browser.post(&bank, &[("result", "approve")]).await.location();
    assert!(browser.get(&placed).await.body.contains("Thank you"), "{placed}");
    assert_eq!(shop.orders().await, 1);

    // No reply ever comes: the shopper sees the order waiting, and does not pay twice.
    let shop = TestShop::open_with(Behaviour { lose_every: 1, ..Behaviour::default() }).await;
    let mut browser = shop.browser();
    to_review(&mut browser, "tok_ok").await;
    let placed = browser.post("/checkout/review", &[]).await.location();
    assert!(browser.get(&placed).await.body.contains("Almost there"), "{placed}");
    assert_eq!(browser.post("/checkout/review", &[]).await.location(), placed);
}

#[tokio::test]
async fn no_step_is_left_out() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    for step in ["", "/address", "/shipping", "/payment", "/review"] {
        let answer = browser.get(&format!("/checkout{step}")).await;
        assert_eq!(answer.location(), "/cart?notice=empty", "{step}");
    }
    assert_eq!(browser.post("/checkout/review", &[]).await.location(), "/cart?notice=empty");
    let variant = browser.get("/products/mug").await.value_of("variant_id");
    browser.post("/cart/lines", &[("variant_id", &variant)]).await;
    for step in ["/shipping", "/payment", "/review"] {
        assert_eq!(browser.get(&format!("/checkout{step}")).await.location(), "/checkout/address");
    }
    browser.post("/checkout/address", ADDRESS).await;
    assert_eq!(browser.get("/checkout/review").await.location(), "/checkout/shipping");
    let wrong = browser.post("/checkout/shipping", &[("shipping_method", "teleport")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("Choose one of the ways to ship."));
    browser.post("/checkout/shipping", &[("shipping_method", "express")]).await;
    assert_eq!(browser.get("/checkout/review").await.location(), "/checkout/payment");
    let wrong = browser.post("/checkout/payment", &[("payment_token", "tok_free\r\nX: y")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("Choose one of the ways to pay."));
    assert_eq!(browser.post("/checkout/review", &[]).await.location(), "/checkout/payment");
    assert_eq!(shop.orders().await, 0);
}

#[tokio::test]
async fn faults_of_the_address_are_shown_beside_the_fields() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let variant = browser.get("/products/mug").await.value_of("variant_id");
    browser.post("/cart/lines", &[("variant_id", &variant)]).await;
    let mut form = ADDRESS.to_vec();
    form.retain(|(name, _)| !matches!(*name, "email" | "shipping_city" | "billing_same"));
    form.extend([("email", "ada@"), ("billing_name", "<b>Bill</b>"), ("billing_country", "US")]);
    let page = browser.post("/checkout/address", &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for id in ["email-error", "shipping_city-error", "billing_line1-error"] {
        assert!(page.body.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(!page.body.contains("shipping_name-error"));
    assert_eq!(page.value_of("email"), "ada@", "what was typed stays");
    assert_eq!(page.value_of("shipping_name"), "Ada Lovelace");
    assert!(page.body.contains("&#60;b&#62;Bill") && !page.body.contains("<b>Bill"));

    let mut form = ADDRESS.to_vec();
    form.retain(|(name, _)| *name != "shipping_country");
    form.push(("shipping_country", "XX"));
    let page = browser.post("/checkout/address", &form).await;
    assert!(page.body.contains("Shipping address: choose a country we ship to."));
    let billed: Vec<(&str, &str)> = ADDRESS
        .iter()
        .copied()
        .filter(|(name, _)| *name != "billing_same")
        .chain([
            ("billing_name", "Charles Babbage"),
            ("billing_line1", "1 Engine Row"),
            ("billing_city", "Berlin"),
            ("billing_postal_code", "10115"),
            ("billing_country", "de"),
        ])
        .collect();
    assert_eq!(browser.post("/checkout/address", &billed).await.location(), "/checkout/shipping");
    browser.post("/checkout/shipping", &[("shipping_method", "standard")]).await;
    browser.post("/checkout/payment", &[("payment_token", "tok_ok")]).await;
    let review = browser.get("/checkout/review").await;
    assert!(review.body.contains("Charles Babbage") && review.body.contains("Germany"));
}

#[tokio::test]
async fn what_is_sold_out_or_dearer_by_now_is_not_ordered() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    to_review(&mut browser, "tok_ok").await;
    shop.save([draft("mug", "Harbour Mug", 2400, 1)]).await;
    let placed = browser.post("/checkout/review", &[]).await;
    assert_eq!(placed.location(), "/cart?notice=stock");
    let cart = browser.get(&placed.location()).await;
    assert!(cart.body.contains("Only 1 left. Lower the quantity"));
    assert!(!cart.body.contains("href=\"/checkout/address\""), "no way on with that line");
    let line = cart.after("action=\"/cart/lines/");
    assert!(browser.post(&format!("/cart/lines/{line}"), &[("quantity", "1")]).await.is_redirect());

    shop.save([draft("mug", "Harbour Mug", 2600, 9)]).await;
    let placed = browser.post("/checkout/review", &[]).await;
    assert!(placed.location().starts_with("/cart?notice=price&seen=var_"), "{}", placed.location());
    let cart = browser.get(&placed.location()).await;
    assert!(cart.body.contains("The price went from $24.00 to $26.00."));
    assert_eq!(shop.orders().await, 0);
    let review = browser.get("/checkout/review").await;
    let total = review.value_of("total");

    // Another window changes the cart between the last look and the order.
    browser.post(&format!("/cart/lines/{line}"), &[("quantity", "2")]).await;
    let placed = browser.post("/checkout/review", &[("total", &total)]).await;
    assert_eq!(placed.location(), "/checkout/review?notice=changed");
    assert!(browser.get(&placed.location()).await.body.contains("Your cart has changed"));
    assert_eq!(shop.orders().await, 0);

    // A price that changed since shows on the cart at once.
    shop.save([draft("mug", "Harbour Mug", 2500, 9)]).await;
    assert!(browser.get("/cart").await.body.contains("The price went from $26.00 to $25.00."));
    assert!(!browser.get("/cart").await.body.contains("The price went"), "said once");
}

#[tokio::test]
async fn a_cart_is_changed_by_forms() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let added = browser.post("/cart/lines", &[("sku", "MUG"), ("quantity", "3")]).await;
    assert!(added.is_redirect());
    let cart = browser.get("/cart").await;
    let line = cart.after("action=\"/cart/lines/");
    let path = format!("/cart/lines/{line}");
    for wrong in ["", "-1", "1.5", "99999999999999999999", "10001", "x"] {
        let answer = browser.post(&path, &[("quantity", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(answer.body.contains("Enter a quantity from 0 to 10,000"));
    }
    let answer = browser.post(&path, &[("quantity", "500")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("only 40 are left"));
    for (quantity, status) in [("0", 422), ("10001", 422), ("many", 422), ("500", 409)] {
        let form = [("sku", "MUG"), ("quantity", quantity)];
        let answer = browser.post("/cart/lines", &form).await;
        assert_eq!(answer.status.as_u16(), status, "{quantity}");
        assert!(answer.body.contains("data-product") && answer.body.contains("alert--bad"));
    }

    let wrong = browser.post("/cart/discount", &[("code", "<i>NOPE</i>")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("This code is not valid.") && !wrong.body.contains("<i>NOPE"));
    assert!(browser.post("/cart/discount", &[("code", "welcome10")]).await.is_redirect());
    let cart = browser.get("/cart").await;
    assert!(cart.body.contains("WELCOME10") && cart.body.contains("-$7.20"));
    assert!(browser.post("/cart/discount/remove", &[]).await.is_redirect());
    assert!(!browser.get("/cart").await.body.contains("WELCOME10"));

    assert!(browser.post(&format!("{path}/remove"), &[]).await.is_redirect());
    assert!(browser.get("/cart").await.body.contains("It is empty"));
    assert_eq!(browser.post(&path, &[("quantity", "1")]).await.location(), "/cart");
    let unknown = "/cart/lines/line_00000000000000000000000000";
    assert_eq!(browser.post(unknown, &[("quantity", "1")]).await.location(), "/cart");
    for wrong in [[("variant_id", "var_x")], [("sku", "NO-SUCH")], [("other", "")]] {
        assert_eq!(browser.post("/cart/lines", &wrong).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn other_sites_cannot_post() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    browser.post("/cart/lines", &[("sku", "MUG")]).await;
    for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let mut attacked = browser.clone().with_header(header.0, header.1);
        for (path, form) in [
            ("/cart/lines", vec![("sku", "MUG")]),
            ("/cart/discount", vec![("code", "WELCOME10")]),
            ("/checkout/address", ADDRESS.to_vec()),
            ("/checkout/review", vec![("payment_token", "tok_ok")]),
            ("/orders/lookup", vec![("number", "1")]),
        ] {
            let answer = attacked.post(path, &form).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(answer.body.contains("sent by another site"), "{path}");
        }
    }
    let cart = browser.get("/cart").await;
    assert!(cart.body.contains("data-cart-count=\"1\"") && !cart.body.contains("WELCOME10"));
    let mut own = browser.with_header("sec-fetch-site", "same-origin");
    assert!(own.post("/cart/lines", &[("sku", "MUG")]).await.is_redirect());
}

#[tokio::test]
async fn kept_pages_follow_the_catalogue() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let first = browser.get("/products/mug").await;
    assert!(first.body.contains("$24.00") && first.body.contains("In stock"));
    let list = browser.get("/categories/kitchen").await;
    assert!(list.body.contains("$24.00"));
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let again = browser.clone().with_header("if-none-match", &tag).get("/products/mug").await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());

    // Until the followers have seen an edit, what is kept is shown; then the product and every
    // list show the edit.
    shop.save_unseen([draft("mug", "Harbour Mug", 1900, 40)]).await;
    assert!(browser.get("/products/mug").await.body.contains("$24.00"));
    assert!(browser.get("/categories/kitchen").await.body.contains("$24.00"));
    shop.follow().await;
    let again = browser.clone().with_header("if-none-match", &tag).get("/products/mug").await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.body.contains("$19.00"));
    assert!(browser.get("/categories/kitchen").await.body.contains("$19.00"));
    assert!(browser.get("/search?q=mug").await.body.contains("$19.00"));

    // So does the last piece.
    shop.save([draft("mug", "Harbour Mug", 1900, 0)]).await;
    assert!(browser.get("/products/mug").await.body.contains("Out of stock"));
    assert!(browser.get("/categories/kitchen").await.body.contains("Sold out"));
    assert!(!browser.get("/categories/kitchen?in_stock=true").await.body.contains("Harbour Mug"));
    // A few pieces are counted down.
    shop.save([draft("mug", "Harbour Mug", 1900, 4)]).await;
    assert!(browser.get("/products/mug").await.body.contains("Only 4 left"));
    shop.save([draft("mug", "Harbour Mug", 1900, 3)]).await;
    assert!(browser.get("/products/mug").await.body.contains("Only 3 left"));

    // A new handle: the former one leads there, from the kept page too.
    shop.rename("mug", "stone-mug").await;
    let moved = browser.get("/products/mug?variant=MUG").await;
    assert_eq!(moved.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(moved.location(), "/products/stone-mug?variant=MUG");
    assert_eq!(browser.get("/products/mug").await.location(), "/products/stone-mug");
    assert!(browser.get("/products/stone-mug").await.body.contains("Only 3 left"));
    assert_eq!(browser.get("/products/mug").await.location(), "/products/stone-mug");
    assert_eq!(
        browser.get("/media/products/mug.svg").await.location(),
        "/media/products/stone-mug.svg"
    );
    // The former handle may be given to another product.
    let mut another = draft("mug", "Another Mug", 700, 9);
    another.variants[0].sku = "MUG-2".to_owned();
    shop.save([another]).await;
    assert!(browser.get("/products/mug").await.body.contains("Another Mug"));
    assert!(browser.get("/products/stone-mug").await.body.contains("Harbour Mug"));

    shop.delete("stone-mug").await;
    assert_eq!(browser.get("/products/stone-mug").await.status, StatusCode::NOT_FOUND);
    assert!(!browser.get("/categories/kitchen").await.body.contains("Harbour Mug"));
}

#[tokio::test]
async fn a_variant_is_chosen_by_links() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let page = browser.get("/products/arc-lamp").await;
    assert!(page.body.contains("$89.00"), "the first that can be bought");
    assert!(page.body.contains("href=\"/products/arc-lamp?variant=LAMP-BLACK-EU\""));
    let black = browser.get("/products/arc-lamp?variant=LAMP-BLACK-EU").await;
    assert!(black.body.contains("$99.00") && black.body.contains("LAMP-BLACK-EU"));
    assert!(black.body.contains("Out of stock"));
    assert!(
        black
            .body
            .contains("<link rel=\"canonical\" href=\"https://shop.example/products/arc-lamp\">")
    );
    let by_id =
        browser.get(&format!("/products/arc-lamp?variant={}", black.value_of("variant_id"))).await;
    assert_eq!(by_id.value_of("variant_id"), black.value_of("variant_id"));
    let unknown = browser.get("/products/arc-lamp?variant=NOPE").await;
    assert_eq!(unknown.value_of("variant_id"), page.value_of("variant_id"));
    let data = page.after_until("application/ld+json\">", "</script>");
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["offers"]["price"], "89.00");
    assert_eq!(data["url"], "https://shop.example/products/arc-lamp");
}

#[tokio::test]
async fn lists_are_narrowed_sorted_and_turned_by_links() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let first = browser.get("/categories/cups").await;
    assert!(first.body.contains("<strong>1–24</strong> of 30"), "{}", first.body);
    let next = first.after("rel=\"next\" href=\"");
    let second = browser.get(&next).await;
    assert!(second.body.contains("<strong>25–30</strong> of 30"), "{next}");
    assert!(second.after("rel=\"prev\" href=\"").ends_with("/categories/cups"));

    let narrowed = browser.get("/search?q=cup&price_max=10.50&brand=Tarn&sort=price").await;
    assert!(narrowed.body.contains("Up to $10.50") && narrowed.body.contains("Brand: Tarn"));
    assert!(narrowed.body.contains("Cup 00") && !narrowed.body.contains("Cup 20"));
    let without = narrowed.body.replace("&#38;", "&");
    assert!(without.contains("href=\"/search?q=cup&price_max=10.50&sort=price\""), "{without}");
    let dearest = browser.get("/search?q=cup&sort=price_desc").await.body;
    assert!(dearest.find("Cup 29").unwrap() < dearest.find("Cup 12").unwrap());

    // What is not meant for the shop, or makes no sense, does no harm.
    for query in [
        "utm_source=mail",
        "sort=up",
        "cursor=-3",
        "cursor=99999999",
        "price_min=cheap",
        "in_stock=maybe",
        "attr.colour=%FF%FE",
        "brand=",
        "&&&==",
        "limit=7",
    ] {
        let page = browser.get(&format!("/categories/cups?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
    }
    let long = format!("/search?q={}", "a%20".repeat(2_000));
    assert_eq!(browser.get(&long).await.status, StatusCode::OK);
    let nothing = browser.get("/search?q=zzzzqqqq").await;
    assert!(nothing.body.contains("Nothing found"));
}

#[tokio::test]
async fn nothing_that_people_write_becomes_markup() {
    let shop = TestShop::open().await;
    let hostile = "<script>alert(1)</script> \"& 'quoted'";
    shop.save([draft("hostile", hostile, 500, 5)]).await;
    let mut browser = shop.browser();
    browser.post("/cart/lines", &[("sku", "HOSTILE")]).await;
    for path in [
        "/",
        "/products/hostile",
        "/categories/kitchen",
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=alert&brand=%22%3E%3Cscript%3Ealert(1)",
        "/cart",
        "/cart?notice=%3Cscript%3Ealert(1)&seen=%3Cscript%3Ealert(1)",
        "/checkout/address",
        "/media/products/hostile.svg?variant=%3Cscript%3Ealert(1)",
        "/no/such/%3Cscript%3Ealert(1)",
    ] {
        let page = browser.get(path).await;
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    for path in [
        "/nothing",
        "/products/nothing",
        "/categories/nothing",
        "/products/%FF",
        "/assets/nothing.css",
        "/media/products/nothing.svg",
        "/media/products/mug",
        "/media/categories/nothing.svg",
        "/pay/test/nothing",
        "/pay/test/pay_00000000000000000000000000",
        "/orders/nothing",
        "/sitemaps/products.xml?after=nothing",
    ] {
        let page = browser.get(path).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
        assert!(page.body.starts_with("<!doctype html>"), "{path}: {}", page.body);
        assert!(page.headers.contains_key("content-security-policy"));
    }
    let mut program = browser.clone().with_header("accept", "application/json");
    let problem = program.get("/products/nothing").await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    let problem = browser.get("/api/v1/nothing").await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    for (path, is_page) in [("/cart", true), ("/api/v1/products", false)] {
        let wrong = browser.send("DELETE", path, None).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(wrong.body.starts_with("<!doctype html>"), is_page, "{path}");
    }
    let huge = "a=".to_owned() + &"x".repeat(2 * 1024 * 1024);
    let answer = browser.send("POST", "/cart/lines", Some(huge)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.starts_with("<!doctype html>"));
    let mut strange = shop.browser().with_cookie("cart", "not-a-token").with_cookie("cart_n", "-7");
    assert!(strange.get("/cart").await.body.contains("It is empty"));
}

#[tokio::test]
async fn an_order_is_found_by_number_and_address() {
    let shop = TestShop::open().await;
    let mut buyer = shop.browser();
    to_review(&mut buyer, "tok_ok").await;
    let placed = buyer.post("/checkout/review", &[]).await.location();
    let order = placed.split('?').next().unwrap().to_owned();
    let number = buyer.get(&placed).await.after_until("order__number\">", "<");

    let mut guest = shop.browser();
    assert_eq!(guest.get("/orders").await.location(), "/orders/lookup");
    assert_eq!(guest.get(&order).await.location(), "/orders/lookup", "an id alone opens nothing");
    let wrong = format!("{order}?token=00000000000000000000000000");
    assert_eq!(guest.get(&wrong).await.status, StatusCode::NOT_FOUND);
    let page = guest.post("/orders/lookup", &[("number", "x"), ("email", "y")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("number-error") && page.body.contains("email-error"));
    let form = [("number", number.as_str()), ("email", "eve@example.com")];
    assert_eq!(guest.post("/orders/lookup", &form).await.status, StatusCode::NOT_FOUND);
    let hashed = format!("#{number}");
    let form = [("number", hashed.as_str()), ("email", " Ada@Example.com ")];
    let found = guest.post("/orders/lookup", &form).await;
    assert_eq!(found.location(), order);
    assert!(guest.get(&order).await.body.contains("Harbour Mug"));
    // The cookie opens this order only.
    let mut other = shop.browser();
    to_review(&mut other, "tok_ok").await;
    let second = other.post("/checkout/review", &[]).await.location();
    let second = second.split('?').next().unwrap();
    assert_eq!(guest.get(second).await.location(), "/orders/lookup");
    // Guessing ends.
    let mut last = StatusCode::OK;
    for number in 0..12 {
        let number = (1_000_000 + number).to_string();
        let form = [("number", number.as_str()), ("email", "eve@example.com")];
        last = guest.post("/orders/lookup", &form).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn files_are_kept_by_browsers() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let hashed = stoa_pages::assets::url("shop.css");
    let style = browser.get(hashed).await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let plain = browser.get("/assets/shop.css").await;
    assert!(!plain.headers["cache-control"].to_str().unwrap().contains("immutable"));
    for path in [hashed, "/favicon.ico", "/media/products/mug.svg", "/media/categories/kitchen.svg"]
    {
        let file = browser.get(path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        let tag = file.headers["etag"].to_str().unwrap();
        let again = browser.clone().with_header("if-none-match", tag).get(path).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty());
    }
    let picture = browser.get("/media/products/mug.svg").await;
    assert!(picture.body.contains("<title>Harbour Mug</title>"));
    let red = browser.get("/media/products/mug.svg?variant=Red").await;
    assert_ne!(picture.body, red.body);
}

#[tokio::test]
async fn search_engines_find_every_page() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    let robots = browser.get("/robots.txt").await;
    assert!(robots.body.contains("Sitemap: https://shop.example/sitemap.xml"));
    let index = browser.get("/sitemap.xml").await;
    let mut addresses = BTreeSet::new();
    for sitemap in index.all("<loc>https://shop.example", "</loc>") {
        addresses.extend(browser.get(&sitemap).await.all("<loc>https://shop.example", "</loc>"));
    }
    for expected in
        ["/", "/categories", "/categories/kitchen", "/products/mug", "/products/arc-lamp"]
    {
        assert!(addresses.contains(expected), "{expected}");
    }
    assert!(!addresses.contains("/products/secret"), "drafts stay inside");
    for address in &addresses {
        let page = browser.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        let canonical = format!("<link rel=\"canonical\" href=\"https://shop.example{address}\">");
        assert!(page.body.contains(&canonical), "{address}");
        assert!(!page.body.contains("noindex"), "{address}");
    }
}

#[tokio::test]
async fn every_link_of_every_page_leads_somewhere() {
    let shop = TestShop::open().await;
    let mut browser = shop.browser();
    browser.post("/cart/lines", &[("sku", "MUG")]).await;
    let mut known = BTreeSet::new();
    let mut waiting = vec!["/".to_owned(), "/checkout/address".to_owned(), "/api/docs".to_owned()];
    while let Some(path) = waiting.pop() {
        if known.len() > 400 || !known.insert(path.clone()) {
            continue;
        }
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let is_page = page.headers["content-type"].to_str().unwrap().starts_with("text/html");
        if is_page {
            for start in ["href=\"/", "src=\"/"] {
                let links = page.all(start, "\"");
                waiting.extend(links.iter().map(|link| {
                    let link = link.replace("&#38;", "&").replace("&amp;", "&");
                    let link = link.split('#').next().unwrap_or_default().to_owned();
                    format!("/{link}")
                }));
            }
        }
    }
    assert!(known.len() > 60, "{}", known.len());
}
