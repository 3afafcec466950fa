//! Checks of the importers on real data, which is not part of the repository: run with
//! `--features shared-data` and `STOA_SHARED_DATA` naming its directory. Fails without it.

#![cfg(feature = "shared-data")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests; the data directory is named by the environment"
)]

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::PathBuf;

use stoa_app::catalog::import::{Row, RowResult, category, checked, icecat, shopify, source};
use stoa_domain::catalog::{AttributeValue, Draft};
use stoa_kernel::Currency;

fn open(path: &str) -> source::Text {
    let root =
        std::env::var("STOA_SHARED_DATA").expect("STOA_SHARED_DATA names the data directory");
    let path = PathBuf::from(root).join(path);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    source::open(file).unwrap().0
}

fn icecat_drafts() -> Vec<Draft> {
    let options = icecat::Options { currency: Currency::USD, with_images: false };
    checked(icecat::rows(open("icecat/products.jsonl.zst"), options))
        .map(|row: RowResult| row.unwrap_or_else(|bad| panic!("{bad:?}")).draft)
        .collect()
}

#[test]
fn every_icecat_product_is_good_and_finds_a_shelf() {
    let drafts = icecat_drafts();
    assert_eq!(drafts.len(), 19_406);
    let handles: HashSet<&str> = drafts.iter().map(|draft| draft.handle.as_str()).collect();
    assert_eq!(handles.len(), drafts.len());
    let skus: HashSet<&str> = drafts.iter().map(|draft| draft.variants[0].sku.as_str()).collect();
    assert_eq!(skus.len(), drafts.len());

    let mut shelves: BTreeMap<&[String], usize> = BTreeMap::new();
    for draft in &drafts {
        *shelves.entry(&draft.category).or_default() += 1;
    }
    for (shelf, count) in &shelves {
        println!("{count:6} {}", shelf.join(" > "));
    }
    let other = shelves.get(&[category::OTHER.to_owned()][..]).copied().unwrap_or_default();
    assert!(other * 100 < drafts.len() * 6, "{other} in Other");
    let tops: HashSet<&String> = shelves.keys().map(|shelf| &shelf[0]).collect();
    assert!((12..=20).contains(&tops.len()), "{tops:?}");
    let largest = shelves.values().max().unwrap();
    assert!(largest * 100 < drafts.len() * 12, "one shelf holds {largest}");
}

#[test]
fn icecat_attributes_have_one_type_each_and_stock_is_believable() {
    let drafts = icecat_drafts();
    let mut types: BTreeMap<&str, HashSet<std::mem::Discriminant<AttributeValue>>> =
        BTreeMap::new();
    for attribute in drafts.iter().flat_map(|draft| &draft.attributes) {
        let kind = std::mem::discriminant(&attribute.value);
        types.entry(&attribute.key).or_default().insert(kind);
    }
    let mixed: Vec<&&str> =
        types.iter().filter(|(_, kinds)| kinds.len() > 1).map(|(key, _)| key).collect();
    assert!(mixed.is_empty(), "{mixed:?}");
    assert!(types.len() > 5_000, "{} keys", types.len());
    let out_of_stock = drafts.iter().filter(|draft| draft.variants[0].stock == Some(0)).count();
    assert!((5..11).contains(&(out_of_stock * 100 / drafts.len())), "{out_of_stock}");
}

/// Kinds of products whose shelf is beyond doubt.
#[test]
fn clear_cases_are_where_people_look() {
    let drafts = icecat_drafts();
    let share = |what: fn(&Draft) -> bool, shelf: [&str; 2]| {
        let all: Vec<&Draft> = drafts.iter().filter(|draft| what(draft)).collect();
        let right = all.iter().filter(|draft| draft.category == shelf).count();
        assert!(all.len() >= 20, "only {} for {shelf:?}", all.len());
        assert!(right * 100 >= all.len() * 95, "{right} of {} on {shelf:?}", all.len());
    };
    share(
        |draft| {
            draft.title.ends_with("memory module") || draft.title.contains("DIMM memory module")
        },
        ["Components", "Memory"],
    );
    share(|draft| draft.product_type.as_deref() == Some("Notebook"), ["Computers", "Notebooks"]);
    share(
        |draft| draft.title.contains("toner cartridge Original"),
        ["Printer supplies", "Toner cartridges"],
    );
    share(
        |draft| draft.title.contains("uninterruptible power supply (UPS)"),
        ["Power and racks", "Uninterruptible power supplies"],
    );
    share(|draft| draft.title.contains("projector lamp"), ["Monitors and TVs", "Projector lamps"]);
    share(
        |draft| draft.title.contains("fibre optic cable"),
        ["Cables and adapters", "Fibre optic cables"],
    );
    share(
        |draft| draft.title.contains("mobile phone case"),
        ["Phones and audio", "Phone cases and accessories"],
    );
}

#[test]
fn the_shopify_sample_has_its_products_and_variants() {
    const PATH: &str = "shopify/home-and-garden.csv";
    let scattered = shopify::scattered(open(PATH)).unwrap();
    let rows = shopify::rows(open(PATH), Currency::USD, scattered).unwrap();
    let rows: Vec<Row> =
        checked(rows).map(|row| row.unwrap_or_else(|bad| panic!("{bad:?}"))).collect();
    let shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let draft = &row.draft;
            format!("{} {} {}", draft.handle, draft.variants.len(), draft.media.len())
        })
        .collect();
    println!("{shown:#?}");
    assert!((15..=30).contains(&rows.len()), "{}", rows.len());
    let pot = &rows.iter().find(|row| row.draft.handle == "clay-plant-pot").unwrap().draft;
    assert_eq!(pot.options, ["Size"]);
    let variants: Vec<_> = pot
        .variants
        .iter()
        .map(|v| (v.sku.as_str(), v.options[0].as_str(), v.prices[0].price.minor, v.stock))
        .collect();
    assert_eq!(
        variants,
        [
            ("CLAY-PLANT-POT-REGULAR", "Regular", 999, Some(1)),
            ("CLAY-PLANT-POT-LARGE", "Large", 1_599, Some(3)),
        ]
    );
    assert_eq!(pot.media.len(), 2);
    assert_eq!(
        (pot.tags.as_slice(), pot.category.as_slice()),
        (&["Pot".to_owned(), "Plants".to_owned()][..], &["Outdoor".to_owned()][..])
    );
}
