use proptest::prelude::*;
use stoa_domain::catalog::{Attribute, AttributeValue, Media};
use stoa_kernel::{Decimal, Money};

use super::*;
use crate::catalog::import::{Row as ImportRow, checked, native, sanitise, shopify};

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn mug() -> Draft {
    serde_json::from_str(
        r#"{"handle":"mug","title":"Mug, \"big\"","status":"active","brand":"Acme",
            "category":["Home","Kitchen"],"product_type":"Mug","tags":["red","gift"],
            "description_html":"<p>A mug</p>","options":["Colour"],
            "attributes":[{"key":"height","label":"Height","type":"number","value":"95.5","unit":"mm"},
                          {"key":"safe","label":"Dishwasher safe","type":"boolean","value":true}],
            "media":[{"url":"https://e.com/1.jpg","alt":"Front"},{"url":"https://e.com/2.jpg"},
                     {"url":"https://e.com/3.jpg"}],
            "variants":[{"sku":"M-R","barcode":"0012","options":["Red"],"weight_g":300,"stock":4,
                         "prices":[{"price":{"amount":1299,"currency":"USD"},
                                    "compare_at":{"amount":1500,"currency":"USD"}},
                                   {"price":{"amount":1100,"currency":"EUR"}}]},
                        {"sku":"M-B","options":["Blue"],
                         "prices":[{"price":{"amount":1299,"currency":"USD"}}]}]}"#,
    )
    .unwrap()
}

fn shopify_csv(drafts: &[Draft]) -> String {
    let mut columns = ShopifyColumns::new(Currency::USD);
    for draft in drafts {
        columns.add(draft);
    }
    let mut out = Vec::new();
    let count = write_shopify(&mut out, &columns, drafts.iter().cloned().map(Ok)).unwrap();
    assert_eq!(count, drafts.len() as u64);
    String::from_utf8(out).unwrap()
}

fn read_shopify(csv: &str) -> Vec<Draft> {
    let scattered = shopify::scattered(csv.as_bytes()).unwrap();
    let rows = shopify::rows(csv.as_bytes(), Currency::USD, scattered).unwrap();
    checked(rows)
        .map(|row| row.map(|row| row.draft).unwrap_or_else(|bad| panic!("{bad:?}\n{csv}")))
        .collect()
}

#[test]
fn native_lines_hold_everything() {
    let mut out = Vec::new();
    let drafts = [mug(), mug()];
    assert_eq!(write_products(&mut out, drafts.into_iter().map(Ok)).unwrap(), 2);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 2);
    let back: Vec<Draft> = native::rows(text.as_bytes()).map(|row| row.unwrap().draft).collect();
    assert_eq!(back, [mug(), mug()]);
}

#[test]
fn the_shopify_form_is_what_merchants_know() {
    let csv = shopify_csv(&[mug()]);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,\
         Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Status,Variant SKU,\
         Variant Grams,Variant Weight Unit,Variant Inventory Qty,Variant Price,Variant Compare At \
         Price,Variant Barcode,Image Src,Image Position,Image Alt Text,Variant Price / EUR,Variant \
         Compare At Price / EUR,Height (product.metafields.stoa.height),Dishwasher safe \
         (product.metafields.stoa.safe)"
    );
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "mug,\"Mug, \"\"big\"\"\",<p>A mug</p>,Acme,Home > Kitchen,Mug,\"red, gift\",true,\
             Colour,Red,,,,,active,M-R,300,g,4,12.99,15.00,0012,https://e.com/1.jpg,1,Front,11.00,,\
             \"{\"\"type\"\":\"\"number\"\",\"\"value\"\":\"\"95.5\"\",\"\"unit\"\":\"\"mm\"\"}\",true",
            "mug,,,,,,,,,Blue,,,,,,M-B,,,,12.99,,,https://e.com/2.jpg,2,,,,,",
            "mug,,,,,,,,,,,,,,,,,,,,,,https://e.com/3.jpg,3,,,,,",
        ]
    );
    assert_eq!(read_shopify(&csv), [mug()]);
}

#[test]
fn what_could_be_mistaken_is_not() {
    let mut draft = mug();
    draft.title = "=1+1".to_owned();
    draft.category = Vec::new();
    draft.tags = vec!["a, b".to_owned(), "@x".to_owned()];
    draft.options = Vec::new();
    draft.variants.truncate(1);
    draft.variants[0].options = Vec::new();
    assert_eq!(read_shopify(&shopify_csv(&[draft.clone()])), [draft.clone()]);
    draft.category = vec!["2024".to_owned()];
    assert_eq!(read_shopify(&shopify_csv(&[draft.clone()])), [draft]);
}

/// A line of text without white space at its ends and not starting with an apostrophe.
fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äß日=@+\\[{\"-]([ -~äß日]{0,12}[a-zA-Z0-9\",;)\\]}é>])?"
}

fn money(currency: Currency) -> impl Strategy<Value = DraftPrice> {
    (0..10_000_000_i64, prop::option::of(1..1_000_i64)).prop_map(move |(price, more)| DraftPrice {
        price: Money::new(price, currency),
        compare_at: more.map(|more| Money::new(price + more, currency)),
    })
}

fn value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        any::<String>().prop_map(AttributeValue::Text),
        any::<i64>().prop_map(|n| AttributeValue::Number(Decimal::from_millionths(n))),
        any::<bool>().prop_map(AttributeValue::Boolean),
        prop::collection::vec(words(), 0..4).prop_map(AttributeValue::List),
    ]
}

prop_compose! {
    fn variant()(
        sku in "[A-Z0-9=-][A-Z0-9 ./]{0,8}[A-Z0-9]",
        barcode in prop::option::of("[0-9]{1,14}"),
        main in money(Currency::USD),
        euro in prop::option::of(money(Currency::EUR)),
        weight_g in prop::option::of(1..100_000_000_i64),
        stock in prop::option::of(0..1_000_000_000_i64),
    ) -> DraftVariant {
        DraftVariant {
            sku,
            barcode,
            options: Vec::new(),
            prices: std::iter::once(main).chain(euro).collect(),
            weight_g,
            stock,
        }
    }
}

prop_compose! {
    fn draft()(
        title in words(),
        status in prop::sample::select(vec![Status::Active, Status::Draft, Status::Archived]),
        brand in prop::option::of(words()),
        category in prop::collection::vec("[a-z0-9>\\[]{0,6}[a-z0-9]", 0..4),
        product_type in prop::option::of(words()),
        tags in prop::collection::btree_set(words(), 0..4),
        html in "(<p>|</p>|<b>|</b>|<br>|[a-z\"',&;=\r\n -]){0,30}",
        axes in prop::collection::btree_set("[A-Z][a-z]{1,6}", 0..6),
        attributes in prop::collection::btree_map("[a-z][a-z0-9_]{0,8}", (words(), value(), prop::option::of("[a-z]{1,3}")), 0..6),
        media in prop::collection::btree_map("https://e\\.com/[a-z]{1,8}", prop::option::of(words()), 0..4),
        variants in prop::collection::vec(variant(), 1..4),
    ) -> Draft {
        let options: Vec<String> = axes.into_iter().filter(|axis| axis != "Title").collect();
        let mut variants = variants;
        if options.is_empty() {
            variants.truncate(1);
        }
        for (index, variant) in variants.iter_mut().enumerate() {
            variant.options = options.iter().map(|axis| format!("{axis} {index}")).collect();
        }
        Draft {
            handle: String::new(),
            title,
            status,
            brand,
            vendor: None,
            category,
            product_type,
            tags: tags.into_iter().collect(),
            description_html: sanitise::clean(&html),
            options,
            attributes: attributes
                .into_iter()
                .map(|(key, (label, value, unit))| Attribute { key, label, value, unit })
                .collect(),
            media: media.into_iter().map(|(url, alt)| Media { url, alt }).collect(),
            variants,
        }
    }
}

/// Handles and SKUs made distinct, then checked as every stored draft has been; those that a
/// random text made invalid are left out.
fn stored(drafts: Vec<Draft>) -> Vec<Draft> {
    drafts
        .into_iter()
        .enumerate()
        .filter_map(|(number, mut draft)| {
            draft.handle = format!("product-{number}");
            for (index, variant) in draft.variants.iter_mut().enumerate() {
                variant.sku = format!("{}-{number}-{index}", variant.sku);
            }
            draft.check().ok()
        })
        .collect()
}

fn by_key(mut drafts: Vec<Draft>) -> Vec<Draft> {
    for draft in &mut drafts {
        draft.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    drafts
}

proptest! {
    #[test]
    fn native_reads_back_the_same(drafts in prop::collection::vec(draft(), 0..4)) {
        let drafts = stored(drafts);
        let mut out = Vec::new();
        write_products(&mut out, drafts.iter().cloned().map(Ok)).unwrap();
        let back: Result<Vec<ImportRow>, _> = checked(native::rows(out.as_slice())).collect();
        let back: Vec<Draft> = back.unwrap().into_iter().map(|row| row.draft).collect();
        prop_assert_eq!(back, drafts);
    }

    #[test]
    fn shopify_reads_back_the_same(drafts in prop::collection::vec(draft(), 1..4)) {
        let drafts = stored(drafts);
        prop_assume!(!drafts.is_empty());
        prop_assert_eq!(by_key(read_shopify(&shopify_csv(&drafts))), by_key(drafts));
    }
}

#[test]
fn most_random_drafts_are_good_so_that_the_properties_test_something() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drafts: Vec<Draft> =
        (0..200).map(|_| draft().new_tree(&mut runner).unwrap().current()).collect();
    let good = stored(drafts).len();
    assert!(good > 150, "{good} of 200");
}

#[test]
fn a_draft_that_cannot_be_read_stops_the_export() {
    let failing = || [Ok(mug()), Err(io::Error::other("gone"))].into_iter();
    assert!(write_products(&mut Vec::new(), failing()).is_err());
    let columns = ShopifyColumns::new(Currency::USD);
    assert!(write_shopify(&mut Vec::new(), &columns, failing()).is_err());
    assert_eq!(usd(5).to_major(), "0.05");
}
