//! The search index against its contract, brute force counting, damage and restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use stoa_embedded::search::TantivyIndex;
use stoa_kernel::{Currency, Decimal};
use stoa_ports::search::{
    DocValue, FacetFilter, ProductDoc, SearchIndex, SearchQuery, SearchResult, Sort, price_range,
};
use stoa_ports::search_suite::{Index, attribute, doc, id, search_index_suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let folders = std::sync::Mutex::new(Vec::new());
    search_index_suite(|| {
        let folder = tempfile::tempdir().unwrap();
        let index: Index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
        folders.lock().unwrap().push(folder);
        index
    })
    .await;
}

fn directories(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn all(index: &TantivyIndex) -> SearchResult {
    index.search(&SearchQuery::all(Currency::USD)).await.unwrap()
}

#[tokio::test]
async fn reopens_with_everything_and_the_offset() {
    let folder = tempfile::tempdir().unwrap();
    let mut product = doc(1, "Lamp");
    product.brand = Some("Acme".to_owned());
    let before = {
        let index = TantivyIndex::open(folder.path()).unwrap();
        index.apply(vec![product, doc(2, "Chair")], vec![], 77).await.unwrap();
        index.apply(vec![doc(3, "Desk")], vec![id(2)], 78).await.unwrap();
        all(&index).await
    };
    let index = TantivyIndex::open(folder.path()).unwrap();
    assert_eq!(index.offset().await.unwrap(), 78);
    assert_eq!(all(&index).await, before);
    assert_eq!(before.ids, [id(3), id(1)]);
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    index.apply(vec![doc(1, "Lamp")], vec![], 1).await.unwrap();
    assert!(TantivyIndex::open(folder.path()).is_err());
    assert_eq!(index.len().await.unwrap(), 1);
    drop(index);
    assert_eq!(TantivyIndex::open(folder.path()).unwrap().len().await.unwrap(), 1);
}

#[tokio::test]
async fn rebuilds_leave_one_directory() {
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    for number in 1..4 {
        let mut rebuild = index.rebuild().await.unwrap();
        rebuild.add(vec![doc(number, "Lamp")]).await.unwrap();
        let mut dropped = index.rebuild().await.unwrap();
        dropped.add(vec![doc(9, "Never")]).await.unwrap();
        assert_eq!(directories(folder.path()).len(), 3);
        rebuild.finish(5).await.unwrap();
        assert_eq!(directories(folder.path()).len(), 2, "the other rebuild goes on");
        drop(dropped);
        assert_eq!(directories(folder.path()).len(), 1);
        assert_eq!(all(&index).await.ids, [id(number)]);
    }
    drop(index);
    let index = TantivyIndex::open(folder.path()).unwrap();
    assert_eq!(all(&index).await.ids, [id(3)]);
}

#[tokio::test]
async fn a_rebuild_cut_off_by_a_crash_is_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    index.apply(vec![doc(1, "Lamp")], vec![], 1).await.unwrap();
    drop(index);
    // What a crash during a rebuild and while renaming leaves behind.
    std::fs::create_dir(folder.path().join("v1-9")).unwrap();
    std::fs::write(folder.path().join("v1-9/meta.json"), "{").unwrap();
    std::fs::write(folder.path().join("current.new"), "v1-9").unwrap();
    std::fs::create_dir(folder.path().join("v0-3")).unwrap();
    std::fs::create_dir(folder.path().join("not ours")).unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    assert_eq!(all(&index).await.ids, [id(1)]);
    assert_eq!(directories(folder.path()), ["not ours", "v1-1"]);
    let rebuild = index.rebuild().await.unwrap();
    rebuild.finish(2).await.unwrap();
    assert_eq!(directories(folder.path()), ["not ours", "v1-11"]);
}

#[tokio::test]
async fn damage_gives_an_empty_index() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 7] = [
        ("no pointer", |root| std::fs::remove_file(root.join("current")).unwrap()),
        ("pointer to nowhere", |root| std::fs::write(root.join("current"), "v1-99").unwrap()),
        ("pointer outside", |root| std::fs::write(root.join("current"), "../v1-1").unwrap()),
        ("pointer of bytes", |root| std::fs::write(root.join("current"), [0xff, 0xfe]).unwrap()),
        ("another version", |root| {
            std::fs::rename(root.join("v1-1"), root.join("v0-1")).unwrap();
            std::fs::write(root.join("current"), "v0-1").unwrap();
        }),
        ("meta cut", |root| {
            let meta = root.join("v1-1/meta.json");
            let text = std::fs::read_to_string(&meta).unwrap();
            std::fs::write(meta, &text.as_bytes()[..text.len() / 2]).unwrap();
        }),
        ("offset damaged", |root| {
            let meta = root.join("v1-1/meta.json");
            let text = std::fs::read_to_string(&meta).unwrap();
            std::fs::write(meta, text.replace("\"77\"", "\"7x\"")).unwrap();
        }),
    ];
    let check = async |what: &str, damage: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(folder.path()).unwrap();
        index.apply(vec![doc(1, "Lamp")], vec![], 77).await.unwrap();
        drop(index);
        damage(folder.path());
        let index = TantivyIndex::open(folder.path()).unwrap();
        assert_eq!(index.offset().await.unwrap(), 0, "{what}");
        assert!(index.is_empty().await.unwrap(), "{what}");
        index.apply(vec![doc(2, "Chair")], vec![], 1).await.unwrap();
        assert_eq!(all(&index).await.ids, [id(2)], "{what}");
    };
    for (what, damage) in damages {
        check(what, &damage).await;
    }
    // Every file of a segment, cut short, flipped in the middle, or gone.
    let files = ["idx", "term", "fast", "fieldnorm", "store", "pos"];
    for file in files {
        for kind in ["cut", "flipped", "gone"] {
            let damage = |root: &Path| {
                for entry in std::fs::read_dir(root.join("v1-1")).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_none_or(|extension| extension != file) {
                        continue;
                    }
                    let mut bytes = std::fs::read(&path).unwrap();
                    let middle = bytes.len() / 2;
                    match kind {
                        "cut" => bytes.truncate(middle),
                        _ => bytes[middle] ^= 0x55,
                    }
                    std::fs::remove_file(&path).unwrap();
                    if kind != "gone" {
                        std::fs::write(&path, bytes).unwrap();
                    }
                }
            };
            check(&format!("{file} {kind}"), &damage).await;
        }
    }
}

const BRANDS: [&str; 3] = ["Acme", "Bolt", "Core"];
const COLOURS: [&str; 3] = ["red", "blue", "green"];
const SIZES: [&str; 4] = ["7", "8.5", "9", "12"];
const WORDS: [&str; 4] = ["shirt", "coat", "warm", "long"];

/// A product by the numbers that decide everything about it.
fn product(number: u128, parts: &[usize; 8]) -> ProductDoc {
    let [words, brand, colour, size, price, category, stock, cotton] = *parts;
    let title: Vec<&str> =
        (0..4).filter(|bit| words >> bit & 1 == 1).map(|bit| WORDS[bit]).collect();
    let mut product = doc(number, &title.join(" "));
    product.brand = BRANDS.get(brand).map(|brand| (*brand).to_owned());
    product.attributes = Vec::new();
    if let Some(colour) = COLOURS.get(colour) {
        product.attributes.push(attribute("colour", DocValue::Text((*colour).to_owned())));
    }
    if let Some(size) = SIZES.get(size) {
        let size: Decimal = size.parse().unwrap();
        product.attributes.push(attribute("size", DocValue::Number(size, Some("in".to_owned()))));
    }
    if cotton < 2 {
        product.attributes.push(attribute("cotton", DocValue::Boolean(cotton == 1)));
    }
    product.prices = if price == 0 {
        Vec::new()
    } else {
        vec![(Currency::USD, i64::try_from(price).unwrap() * 99)]
    };
    product.category_path = [vec![], vec!["a"], vec!["a", "b"], vec!["c"]][category]
        .iter()
        .map(|handle| (*handle).to_owned())
        .collect();
    product.category_names =
        product.category_path.iter().map(|handle| handle.to_uppercase()).collect();
    product.in_stock = stock == 1;
    product
}

fn value_texts(product: &ProductDoc, field: &str) -> Vec<String> {
    match field {
        "category" => product.category_path.clone(),
        "brand" => product.brand.clone().into_iter().collect(),
        "in_stock" => vec![product.in_stock.to_string()],
        _ => product
            .attributes
            .iter()
            .filter(|attribute| field == format!("attr.{}", attribute.key))
            .map(|attribute| match &attribute.value {
                DocValue::Text(text) => text.clone(),
                DocValue::Number(number, Some(unit)) => format!("{number} {unit}"),
                DocValue::Boolean(yes) => yes.to_string(),
                other => panic!("{other:?}"),
            })
            .collect(),
    }
}

fn passes(product: &ProductDoc, query: &SearchQuery, without: &str) -> bool {
    let has = |field: &str, wanted: &[String]| {
        field == without
            || value_texts(product, field).iter().any(|value| {
                wanted.iter().any(|wanted| {
                    wanted == value
                        || wanted == "8..9" && ["8.5 in", "9 in"].contains(&value.as_str())
                })
            })
    };
    let price = product.prices.first().map(|(_, minor)| *minor);
    let price_fits = without == "price"
        || (query.price_min.is_none() && query.price_max.is_none())
        || price.is_some_and(|price| {
            query.price_min.is_none_or(|min| price >= min)
                && query.price_max.is_none_or(|max| price <= max)
        });
    price_fits
        && query
            .category
            .as_ref()
            .is_none_or(|wanted| has("category", std::slice::from_ref(wanted)))
        && query.in_stock.is_none_or(|wanted| has("in_stock", &[wanted.to_string()]))
        && query.filters.iter().all(|filter| has(&filter.field, &filter.values))
}

/// Products that have most of the query's words.
fn match_words<'a>(products: &'a [ProductDoc], text: &str) -> Vec<&'a ProductDoc> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let matched = |product: &ProductDoc| {
        words.iter().filter(|word| product.title.split(' ').any(|title| title == **word)).count()
    };
    let most = products.iter().map(matched).max().unwrap_or(0);
    products
        .iter()
        .filter(|product| words.is_empty() || (most > 0 && matched(product) == most))
        .collect()
}

prop_compose! {
    fn queries()(
        words in 0_usize..16,
        category in proptest::option::weighted(0.3, prop_oneof![Just("a"), Just("b"), Just("x")]),
        brands in proptest::option::weighted(0.4, proptest::sample::subsequence(BRANDS.to_vec(), 1..3)),
        colours in proptest::option::weighted(0.4, proptest::sample::subsequence(COLOURS.to_vec(), 1..3)),
        sizes in proptest::option::weighted(0.4, proptest::sample::subsequence(vec!["7 in", "8..9", "12 in"], 1..3)),
        min in proptest::option::weighted(0.3, 0_i64..1_500),
        max in proptest::option::weighted(0.3, 500_i64..2_500),
        in_stock in proptest::option::weighted(0.3, any::<bool>()),
        sort in prop_oneof![Just(Sort::PriceAscending), Just(Sort::Newest), Just(Sort::Title), Just(Sort::Relevance)],
    ) -> SearchQuery {
        let text: Vec<&str> = (0..4).filter(|bit| words >> bit & 1 == 1).map(|bit| WORDS[bit]).collect();
        let mut filters = Vec::new();
        for (field, values) in [("brand", brands), ("attr.colour", colours), ("attr.size", sizes)] {
            if let Some(values) = values {
                filters.push(FacetFilter {
                    field: field.to_owned(),
                    values: values.into_iter().map(str::to_owned).collect(),
                });
            }
        }
        SearchQuery {
            text: text.join(" "),
            category: category.map(str::to_owned),
            filters,
            price_min: min,
            price_max: max,
            in_stock,
            sort,
            limit: 100,
            ..SearchQuery::all(Currency::USD)
        }
    }
}

/// One search against counting by hand.
fn check(products: &[ProductDoc], query: &SearchQuery, result: &SearchResult) {
    let matching = match_words(products, &query.text);
    let count = |without: &str, has: &dyn Fn(&ProductDoc) -> bool| {
        matching.iter().filter(|product| passes(product, query, without) && has(product)).count()
            as u64
    };
    let mut expected: Vec<_> = matching
        .iter()
        .filter(|product| passes(product, query, ""))
        .map(|product| product.id)
        .collect();
    let mut ids = result.ids.clone();
    expected.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, expected, "{query:?}");
    assert_eq!(result.total, expected.len() as u64);

    for facet in &result.facets {
        for value in &facet.values {
            let counted = match (facet.field.as_str(), value.value.as_str()) {
                ("price", range) => {
                    let (min, max) = price_range(range).unwrap();
                    count("price", &|product| {
                        product.prices.first().is_some_and(|(_, price)| {
                            min.is_none_or(|min| *price >= min)
                                && max.is_none_or(|max| *price <= max)
                        })
                    })
                }
                (field, "8..9") => count(field, &|product| {
                    let values = value_texts(product, field);
                    values.contains(&"8.5 in".to_owned()) || values.contains(&"9 in".to_owned())
                }),
                (field, text) => {
                    count(field, &|product| value_texts(product, field).contains(&text.to_owned()))
                }
            };
            assert_eq!(value.count, counted, "{} {} of {query:?}", facet.field, value.value);
        }
    }
    // And nothing is missing.
    for field in ["category", "brand", "in_stock"] {
        let mut values: BTreeMap<String, u64> = BTreeMap::new();
        for product in matching.iter().filter(|product| passes(product, query, field)) {
            for value in value_texts(product, field) {
                *values.entry(value).or_default() += 1;
            }
        }
        let shown: BTreeMap<String, u64> = result
            .facets
            .iter()
            .filter(|facet| facet.field == field)
            .flat_map(|facet| &facet.values)
            .filter(|value| value.count > 0)
            .map(|value| (value.value.clone(), value.count))
            .collect();
        assert_eq!(shown, values, "{field} of {query:?}");
    }
    let priced = count("price", &|product| !product.prices.is_empty());
    let shown: u64 = result
        .facets
        .iter()
        .filter(|facet| facet.field == "price")
        .flat_map(|facet| &facet.values)
        .map(|value| value.count)
        .sum();
    assert_eq!(shown, priced, "price ranges of {query:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Everything found and every count, after changes spread over several commits, as counting
    /// by hand gives it.
    #[test]
    fn counts_like_brute_force(
        parts in proptest::collection::vec(
            [1..16_usize, 0..4, 0..4, 0..5, 0..25, 0..4, 0..2, 0..3], 1..60),
        changes in proptest::collection::vec(
            (any::<proptest::sample::Index>(), proptest::option::of([1..16_usize, 0..4, 0..4, 0..5, 0..25, 0..4, 0..2, 0..3])), 0..20),
        queries in proptest::collection::vec(queries(), 40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let index = TantivyIndex::open(folder.path()).unwrap();
            let mut products: BTreeMap<u128, ProductDoc> = BTreeMap::new();
            for (number, parts) in (1..).zip(&parts) {
                products.insert(number, product(number, parts));
            }
            index.apply(products.values().cloned().collect(), vec![], 1).await.unwrap();
            for changes in changes.chunks(5) {
                let (mut upsert, mut remove) = (BTreeMap::new(), Vec::new());
                for (which, parts) in changes {
                    let number = which.index(60) as u128 + 1;
                    match parts {
                        Some(parts) => {
                            upsert.insert(number, product(number, parts));
                        }
                        None => remove.push(number),
                    }
                }
                upsert.retain(|number, _| !remove.contains(number));
                for number in &remove {
                    products.remove(number);
                }
                index
                    .apply(upsert.values().cloned().collect(), remove.into_iter().map(id).collect(), 2)
                    .await
                    .unwrap();
                products.extend(upsert);
            }
            let products: Vec<ProductDoc> = products.into_values().collect();
            for query in &queries {
                let result = index.search(query).await.unwrap();
                check(&products, query, &result);
            }
        });
    }
}
