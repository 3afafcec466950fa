//! Every page of the back office: sound markup, labels, tokens in forms, nothing let through.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

#[path = "../examples/samples/admin.rs"]
mod samples;

use std::collections::BTreeSet;

use samples::HOSTILE;
use stoa_pages::admin::*;

/// The opening tags of a page, as written.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .filter(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|part| part.split('>').next().unwrap())
        .collect()
}

fn name_of(tag: &str) -> &str {
    tag.split([' ', '\n']).next().unwrap()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!(" {name}=\""))?;
    tag[at + name.len() + 3..].split('"').next()
}

#[test]
fn every_page_has_one_heading_one_main_and_unique_ids() {
    for (page, html) in samples::all() {
        let tags = tags(&html);
        let count = |name: &str| tags.iter().filter(|tag| name_of(tag) == name).count();
        assert_eq!(count("h1"), 1, "{page}");
        assert_eq!(count("main"), 1, "{page}");
        assert!(html.contains("<a class=\"skip-link\" href=\"#main\">"), "{page}");
        let mut ids = BTreeSet::new();
        for id in tags.iter().filter_map(|tag| attribute(tag, "id")) {
            // The question of an order page stands in its dialog once more.
            assert!(ids.insert(id), "{page}: two elements have the id {id}");
        }
        for tag in &tags {
            for reference in ["for", "aria-labelledby", "aria-describedby", "form", "list"] {
                for id in attribute(tag, reference).unwrap_or("").split_whitespace() {
                    assert!(ids.contains(id), "{page}: {reference} names {id}, which is not there");
                }
            }
            if let Some(target) = attribute(tag, "href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(target), "{page}: a link to #{target}, which is not there");
            }
        }
    }
}

#[test]
fn every_control_has_a_name_people_can_read() {
    for (page, html) in samples::all() {
        let labels: BTreeSet<&str> =
            tags(&html).iter().filter_map(|tag| attribute(tag, "for")).collect();
        for tag in tags(&html) {
            let hidden = attribute(tag, "type") == Some("hidden");
            let in_label = attribute(tag, "type") == Some("checkbox");
            if !matches!(name_of(tag), "input" | "select" | "textarea") || hidden || in_label {
                continue;
            }
            let labelled = attribute(tag, "id").is_some_and(|id| labels.contains(id))
                || attribute(tag, "aria-label").is_some();
            assert!(labelled, "{page}: {tag}");
        }
        for tag in tags(&html).into_iter().filter(|tag| name_of(tag) == "img") {
            assert!(attribute(tag, "alt").is_some(), "{page}: {tag}");
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (page, html) in samples::all() {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let changes = form.split('>').next().unwrap().contains("method=\"post\"");
            let token = "<input type=\"hidden\" name=\"csrf\" value=\"sample-csrf-token\">";
            assert_eq!(changes, form.contains(token), "{page}: {form}");
        }
    }
}

#[test]
fn nothing_needs_inline_script_or_style_or_other_sites() {
    for (page, html) in samples::all() {
        for tag in tags(&html) {
            assert!(attribute(tag, "style").is_none(), "{page}: {tag}");
            assert!(!tag.contains(" on"), "{page}: {tag}");
            match name_of(tag) {
                "script" => assert!(attribute(tag, "src").unwrap().starts_with("/assets/")),
                "link" => assert!(attribute(tag, "href").unwrap().starts_with("/assets/")),
                // What is in it can do nothing to what is around it.
                "iframe" => {
                    assert!(tag.contains(" sandbox "), "{page}: {tag}");
                    assert!(attribute(tag, "src").unwrap().starts_with("/admin/"), "{page}: {tag}");
                }
                "style" => panic!("{page}: {tag}"),
                _ => {}
            }
        }
    }
}

#[test]
fn text_of_others_is_escaped() {
    let mut frame = samples::frame(Section::Orders);
    frame.shop = HOSTILE.into();
    frame.user = HOSTILE.into();
    frame.notice = Some(Notice::new(Tone::Info, HOSTILE));
    let mut order = samples::order();
    order.frame = frame.clone();
    order.email = HOSTILE.into();
    order.status = HOSTILE.into();
    order.shipping_address = vec![HOSTILE.into()];
    order.totals.discount_code = Some(HOSTILE.into());
    order.payment.detail = Some(HOSTILE.into());
    order.lines[0].title = HOSTILE.into();
    order.lines[0].picture.alt = HOSTILE.into();
    order.timeline[0].kind = HOSTILE.into();
    order.parcels[0].tracking = HOSTILE.into();
    order.parcels[0].items[0].1 = HOSTILE.into();
    order.ledger[0].postings[0].account = HOSTILE.into();
    let mut product = samples::product_refused();
    product.form.title = HOSTILE.into();
    product.form.description_html = HOSTILE.into();
    product.form.options[0] = HOSTILE.into();
    product.form.variants[0].sku = HOSTILE.into();
    product.stock[0].variant = HOSTILE.into();
    product.form.attributes[0].value = HOSTILE.into();
    product.errors.push(FieldError::new("handle", HOSTILE));
    let mut list = samples::orders();
    list.query = HOSTILE.into();
    list.rows[0].customer = HOSTILE.into();
    let mut sign_in = samples::sign_in();
    sign_in.email = HOSTILE.into();
    sign_in.next = HOSTILE.into();
    for html in [order.render(), product.render(), list.render(), sign_in.render()] {
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(!html.contains("</script>\"&"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{html}");
    }
}

#[test]
fn an_order_page_says_what_the_books_say() {
    let html = samples::order().render();
    for text in ["#1042", "$299.75", "test_ch_8f2kq01", "Held by provider", "Balanced", "WELCOME10"]
    {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html.matches("<td>Balanced</td>").count(), 1);
    let balanced = "<td class=\"numeric\">$299.75</td><td class=\"numeric\">$299.75</td>";
    assert!(html.contains(balanced));
    let mut order = samples::order();
    order.can_cancel = false;
    order.totals.discount.minor = 0;
    let html = order.render();
    assert!(!html.contains("<dialog") && !html.contains("/cancel"));
    assert!(!html.contains("Discount"));
}

#[test]
fn faults_stand_by_their_fields_and_stale_stock_keeps_what_was_entered() {
    let html = samples::product_refused().render();
    assert!(html.contains("3 things need your attention"));
    assert!(html.contains("href=\"#variants/1/prices/0/price\""));
    let control =
        tags(&html).into_iter().find(|tag| attribute(tag, "id") == Some("variants/2/sku")).unwrap();
    assert_eq!(attribute(control, "aria-invalid"), Some("true"));
    let entered =
        tags(&html).into_iter().find(|tag| attribute(tag, "id") == Some("rows/0/on_hand")).unwrap();
    assert_eq!(attribute(entered, "value"), Some("45"));
    assert!(html.contains("name=\"rows/0/expected\" value=\"37\""));
    assert!(html.contains("It is 37 now, it was 40 when you opened this page."));
    let new = samples::product_new().render();
    assert!(!new.contains("name=\"version\"") && !new.contains("rows/0"));
}
