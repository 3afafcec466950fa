//! The contract of [`SearchIndex`](crate::search::SearchIndex): every implementation passes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::Arc;

use stoa_kernel::{Currency, Decimal, ProductId, Timestamp};
use uuid::Uuid;

use crate::search::{
    DocAttribute, DocValue, Facet, FacetFilter, MAX_OFFSET, ProductDoc, SearchError, SearchIndex,
    SearchQuery, SearchResult, Sort, SuggestionKind, price_range,
};

/// An index under test.
pub type Index = Arc<dyn SearchIndex>;

/// Runs all tests of the contract, each on an empty index that `make` makes.
///
/// # Panics
/// When the contract is broken.
pub async fn search_index_suite(make: impl Fn() -> Index) {
    empty_index(make()).await;
    words_find_products(make()).await;
    codes_come_first(make()).await;
    units_and_hyphens(make()).await;
    typing_errors_are_forgiven(make()).await;
    odd_texts(make()).await;
    limits_are_kept(make()).await;
    filters_combine(make()).await;
    facets_are_disjunctive(make()).await;
    numbers_are_shown_as_ranges(make()).await;
    prices_are_cut_into_ranges(make()).await;
    sorting_and_pages(make()).await;
    changes_replace(make()).await;
    rebuild_takes_over(make()).await;
    suggestions(make()).await;
}

/// The id of a product by number.
pub fn id(number: u128) -> ProductId {
    ProductId::from_uuid(Uuid::from_u128(number))
}

/// A product with nothing but a title, on sale for 10 dollars a number.
pub fn doc(number: u128, title: &str) -> ProductDoc {
    let small = i64::try_from(number).unwrap();
    ProductDoc {
        id: id(number),
        handle: format!("product-{number}"),
        title: title.to_owned(),
        brand: None,
        category_path: Vec::new(),
        category_names: Vec::new(),
        product_type: None,
        tags: Vec::new(),
        description: String::new(),
        attributes: Vec::new(),
        codes: Vec::new(),
        prices: vec![(Currency::USD, small * 1_000)],
        in_stock: true,
        created_at: Timestamp::from_micros(small),
    }
}

/// An attribute whose label is made from its key.
pub fn attribute(key: &str, value: DocValue) -> DocAttribute {
    DocAttribute { key: key.to_owned(), label: format!("The {key}"), value }
}

fn text(value: &str) -> DocValue {
    DocValue::Text(value.to_owned())
}

fn inches(value: &str) -> DocValue {
    DocValue::Number(value.parse::<Decimal>().unwrap(), Some("in".to_owned()))
}

fn query(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), ..SearchQuery::all(Currency::USD) }
}

fn filter(field: &str, values: &[&str]) -> FacetFilter {
    FacetFilter {
        field: field.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

async fn search(index: &Index, query: &SearchQuery) -> SearchResult {
    index.search(query).await.unwrap()
}

async fn found(index: &Index, text: &str) -> Vec<ProductId> {
    search(index, &query(text)).await.ids
}

fn facet<'a>(result: &'a SearchResult, field: &str) -> &'a Facet {
    let fields: Vec<&str> = result.facets.iter().map(|facet| facet.field.as_str()).collect();
    result
        .facets
        .iter()
        .find(|facet| facet.field == field)
        .unwrap_or_else(|| panic!("no facet {field} among {fields:?}"))
}

fn counts(result: &SearchResult, field: &str) -> Vec<(String, u64)> {
    let values = facet(result, field).values.iter();
    values.map(|value| (value.value.clone(), value.count)).collect()
}

fn owned(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
}

async fn empty_index(index: Index) {
    assert_eq!(index.len().await.unwrap(), 0);
    assert!(index.is_empty().await.unwrap());
    assert_eq!(index.offset().await.unwrap(), 0);
    for text in ["", "printer"] {
        let result = search(&index, &query(text)).await;
        assert_eq!((result.ids.len(), result.total), (0, 0));
        assert!(result.facets.is_empty());
        assert_eq!(result.corrected, None);
    }
    assert!(index.suggest("p", 10).await.unwrap().is_empty());
    index.apply(vec![], vec![id(7)], 3).await.unwrap();
    assert_eq!(index.offset().await.unwrap(), 3);
}

async fn words_find_products(index: Index) {
    let mut branded = doc(3, "Deskjet 2700");
    branded.brand = Some("Hewlett".to_owned());
    branded.category_path = vec!["office".to_owned(), "printers".to_owned()];
    branded.category_names = vec!["Office".to_owned(), "Printers".to_owned()];
    branded.tags = vec!["wireless".to_owned()];
    branded.description = "Prints photographs at home.".to_owned();
    branded.attributes = vec![
        attribute("colour", text("Cement grey")),
        attribute("duplex", DocValue::Boolean(true)),
        attribute("scanner", DocValue::Boolean(false)),
    ];
    index
        .apply(
            vec![
                doc(1, "Laser printer"),
                doc(2, "Printer cable with a very long title about many other things"),
                branded,
                doc(4, "Crème brûlée torch"),
            ],
            vec![],
            1,
        )
        .await
        .unwrap();
    assert_eq!(index.len().await.unwrap(), 4);
    assert_eq!(found(&index, "laser PRINTER").await, [id(1)], "all words first");
    assert_eq!(
        found(&index, "laser cable torch").await.len(),
        3,
        "where nothing has all words, what has most of them"
    );
    for words in ["printer", "printers"] {
        let ids = found(&index, words).await;
        assert_eq!(ids.len(), 3, "{words}: singular, plural and category: {ids:?}");
        assert_eq!(ids.last(), Some(&id(2)), "{words}: a word in a short title says more");
    }
    for words in ["hewlett", "office printers", "wireless", "photographs", "cement", "duplex"] {
        assert_eq!(found(&index, words).await, [id(3)], "{words}");
    }
    assert!(found(&index, "scanner").await.is_empty(), "a no is not a yes");
    for words in ["creme brulee", "CRÈME BRÛLÉE", "cre\u{300}me"] {
        assert_eq!(found(&index, words).await, [id(4)], "{words}");
    }
    assert_eq!(found(&index, "the laser for printer").await, [id(1)], "small words need not match");
    assert_eq!(found(&index, "las").await, [id(1)], "the last word may be unfinished");
    let newest_first = found(&index, "").await;
    assert_eq!(newest_first, [id(4), id(3), id(2), id(1)]);
}

async fn codes_come_first(index: Index) {
    let mut cartridge = doc(1, "Toner cartridge black");
    cartridge.codes = vec!["CF283A".to_owned(), "0888793237311".to_owned()];
    let mut other = doc(2, "CF283A CF283A compatible toner for CF283A");
    other.codes = vec!["CF-999".to_owned()];
    index.apply(vec![cartridge, other], vec![], 1).await.unwrap();
    for code in ["CF283A", "cf283a", "CF-283A", "cf 283a", " CF.283.A "] {
        assert_eq!(found(&index, code).await.first(), Some(&id(1)), "{code}");
    }
    for code in ["0888793237311", "888793237311", "0-888793-237311"] {
        assert_eq!(found(&index, code).await, [id(1)], "{code}");
    }
    assert_eq!(found(&index, "cf999").await, [id(2)]);
    assert_eq!(found(&index, "cf28").await.len(), 2, "model numbers may lack their end");
    let result = search(&index, &query("cf284a")).await;
    assert!(result.ids.is_empty() && result.corrected.is_none(), "another number is no error");
}

async fn units_and_hyphens(index: Index) {
    let mut screen = doc(1, "Monitor 15.6\" black");
    screen.attributes = vec![attribute("weight", inches("2"))];
    index
        .apply(
            vec![
                screen,
                doc(2, "Monitor 24 inch white"),
                doc(3, "Drive 1 TB"),
                doc(4, "Drive 2TB"),
                doc(5, "Wi-Fi router USB-C"),
                doc(6, "Smartwatch"),
                doc(7, "Power bank"),
            ],
            vec![],
            1,
        )
        .await
        .unwrap();
    for (words, number) in [
        ("15.6 inch", 1),
        ("15.6in monitor", 1),
        ("monitor 15,6\"", 1),
        ("24\"", 2),
        ("1tb", 3),
        ("1 terabyte drive", 3),
        ("drive 2 tb", 4),
        ("wifi", 5),
        ("wi fi", 5),
        ("wi-fi", 5),
        ("usb c", 5),
        ("usbc", 5),
        ("smart watch", 6),
        ("powerbank", 7),
    ] {
        let ids = found(&index, words).await;
        assert_eq!(ids.first(), Some(&id(number)), "{words}: {ids:?}");
    }
}

async fn typing_errors_are_forgiven(index: Index) {
    index
        .apply(
            vec![doc(1, "Bluetooth headphones"), doc(2, "Bluetooth keyboard"), doc(3, "Printer")],
            vec![],
            1,
        )
        .await
        .unwrap();
    for (words, number, corrected) in [
        ("headphnoes", 1, "headphones"),
        ("bluetoth headphones", 1, "bluetooth headphones"),
        ("blutooth keybord", 2, "bluetooth keyboard"),
        ("pritner", 3, "printer"),
    ] {
        let result = search(&index, &query(words)).await;
        assert_eq!(result.ids, [id(number)], "{words}");
        assert_eq!(result.corrected.as_deref(), Some(corrected));
    }
    let right = search(&index, &query("keyboard")).await;
    assert_eq!((right.ids, right.corrected), (vec![id(2)], None));
    let nonsense = search(&index, &query("xqzwvkj")).await;
    assert_eq!((nonsense.total, nonsense.corrected), (0, None));
}

async fn odd_texts(index: Index) {
    let mut odd = doc(1, "Ünïcödé 日本語 \u{1f}\u{0}title\ttab");
    odd.brand = Some("A\u{1f}B".to_owned());
    odd.attributes = vec![attribute("odd", text("x\u{1f}y\nz"))];
    index.apply(vec![odd, doc(2, "Принтер")], vec![], 1).await.unwrap();
    for words in ["日本", "unicode", "TITLE tab"] {
        assert_eq!(found(&index, words).await, [id(1)], "{words}");
    }
    assert_eq!(found(&index, "принтер").await, [id(2)]);
    for words in ["!?", "\"", "-", "…🎉", "\\ / * ( ) [ ] { } : ^ ~ AND"] {
        let result = search(&index, &query(words)).await;
        assert_eq!(result.total, 0, "{words}: no word finds nothing");
    }
    for words in ["", " ", "\t\n", "\u{0}\u{1f}"] {
        assert_eq!(search(&index, &query(words)).await.total, 2, "{words:?}: no text, everything");
    }
    for words in ["\u{0}title", "title\u{7f}", "ti\u{301}tle"] {
        assert_eq!(found(&index, words).await, [id(1)], "{words:?}");
    }
    let all = search(&index, &query("")).await;
    let brand = facet(&all, "brand").values[0].value.clone();
    let chosen = SearchQuery { filters: vec![filter("brand", &[&brand])], ..query("") };
    assert_eq!(search(&index, &chosen).await.ids, [id(1)]);
    for words in ["a ".repeat(100), "я".repeat(100), "-".repeat(200), "9".repeat(200)] {
        assert!(index.search(&query(&words)).await.is_ok());
        assert!(index.suggest(&words, 5).await.is_ok());
    }
}

async fn limits_are_kept(index: Index) {
    index.apply(vec![doc(1, "One"), doc(2, "Two")], vec![], 1).await.unwrap();
    let page = |offset, limit| SearchQuery { offset, limit, ..query("") };
    for (offset, limit, ids) in [
        (0, 1, vec![id(2)]),
        (1, 1, vec![id(1)]),
        (2, 1, vec![]),
        (MAX_OFFSET, 100, vec![]),
        (0, 0, vec![]),
    ] {
        let result = search(&index, &page(offset, limit)).await;
        assert_eq!((result.ids, result.total), (ids, 2), "{offset} {limit}");
    }
    let too_many = SearchQuery {
        filters: (0..1_000).map(|n| filter("brand", &[&n.to_string()])).collect(),
        ..query("")
    };
    let unknown = SearchQuery { filters: vec![filter("price", &["1"])], ..query("") };
    for wrong in [page(MAX_OFFSET + 1, 1), page(0, 101), query(&"a".repeat(201)), too_many, unknown]
    {
        let refused = index.search(&wrong).await;
        assert!(matches!(refused, Err(SearchError::Invalid(_))), "{wrong:?}");
    }
    assert!(index.suggest(&"a".repeat(201), 1).await.is_err());
    let without = search(&index, &SearchQuery { facets: false, ..query("") }).await;
    assert!(without.facets.is_empty());
}

/// Six shirts: brand, colour, size and price differ.
fn shirts() -> Vec<ProductDoc> {
    [
        (1, "Acme", "red", "8", true),
        (2, "Acme", "blue", "9", true),
        (3, "Acme", "green", "9", false),
        (4, "Bolt", "red", "9", true),
        (5, "Bolt", "red", "10.5", false),
        (6, "Core", "blue", "10.5", true),
    ]
    .map(|(number, brand, colour, size, in_stock)| {
        let mut shirt = doc(number, "Shirt");
        shirt.brand = Some(brand.to_owned());
        shirt.category_path = vec!["clothes".to_owned(), format!("{}-shirts", colour)];
        shirt.category_names = vec!["Clothes".to_owned(), format!("Shirts in {colour}")];
        shirt.attributes = vec![
            attribute("colour", text(colour)),
            attribute("size", inches(size)),
            attribute("cotton", DocValue::Boolean(number % 2 == 0)),
            attribute("care", DocValue::List(vec!["wash".to_owned(), colour.to_owned()])),
        ];
        shirt.in_stock = in_stock;
        shirt
    })
    .into()
}

async fn filters_combine(index: Index) {
    index.apply(shirts(), vec![], 1).await.unwrap();
    let totals = [
        (query(""), 6),
        (SearchQuery { category: Some("clothes".to_owned()), ..query("") }, 6),
        (SearchQuery { category: Some("red-shirts".to_owned()), ..query("") }, 3),
        (SearchQuery { category: Some("nowhere".to_owned()), ..query("") }, 0),
        (SearchQuery { in_stock: Some(true), ..query("") }, 4),
        (SearchQuery { in_stock: Some(false), ..query("") }, 2),
        (SearchQuery { price_min: Some(2_000), ..query("") }, 5),
        (SearchQuery { price_min: Some(2_000), price_max: Some(4_000), ..query("") }, 3),
        (SearchQuery { price_max: Some(999), ..query("") }, 0),
        (SearchQuery { price_min: Some(9), price_max: Some(1), ..query("") }, 0),
        (SearchQuery { price_min: Some(0), currency: Currency::EUR, ..query("") }, 0),
        (SearchQuery { currency: Currency::EUR, ..query("") }, 6),
    ];
    for (query, total) in totals {
        assert_eq!(search(&index, &query).await.total, total, "{query:?}");
    }
    type Filters<'a> = &'a [(&'a str, &'a [&'a str])];
    let by_filters: [(Filters<'_>, u64); 12] = [
        (&[("brand", &["Acme"])], 3),
        (&[("brand", &["Acme", "Core"])], 4),
        (&[("brand", &["Acme"]), ("attr.colour", &["red"])], 1),
        (&[("attr.size", &["9 in"])], 3),
        (&[("attr.size", &["8..9"])], 4),
        (&[("attr.size", &["..8", "10.."])], 3),
        (&[("attr.cotton", &["true"])], 3),
        (&[("attr.care", &["wash"]), ("attr.care", &["red"])], 3),
        (&[("attr.care", &["wash", "red"])], 6),
        (&[("brand", &["acme"])], 0),
        (&[("attr.unknown", &["1"])], 0),
        (&[("brand", &[])], 0),
    ];
    for (filters, total) in by_filters {
        let query = SearchQuery {
            filters: filters.iter().map(|(field, values)| filter(field, values)).collect(),
            ..query("shirt")
        };
        assert_eq!(search(&index, &query).await.total, total, "{filters:?}");
    }
}

async fn facets_are_disjunctive(index: Index) {
    index.apply(shirts(), vec![], 1).await.unwrap();
    let all = search(&index, &query("")).await;
    let fields: Vec<&str> = all.facets.iter().map(|facet| facet.field.as_str()).collect();
    assert_eq!(fields[..4], ["category", "brand", "price", "in_stock"]);
    assert_eq!(counts(&all, "brand"), owned(&[("Acme", 3), ("Bolt", 2), ("Core", 1)]));
    assert_eq!(counts(&all, "in_stock"), owned(&[("true", 4), ("false", 2)]));
    assert_eq!(
        counts(&all, "category"),
        owned(&[("clothes", 6), ("red-shirts", 3), ("blue-shirts", 2), ("green-shirts", 1)])
    );
    assert_eq!(facet(&all, "category").values[1].label, "Shirts in red");
    assert_eq!(counts(&all, "attr.size"), owned(&[("8 in", 1), ("9 in", 3), ("10.5 in", 2)]));
    assert_eq!(facet(&all, "attr.cotton").values[0].label, "No");
    assert_eq!(facet(&all, "attr.colour").label, "The colour");

    let acme = SearchQuery { filters: vec![filter("brand", &["Acme"])], ..query("") };
    let acme = search(&index, &acme).await;
    assert_eq!(counts(&acme, "brand"), counts(&all, "brand"), "the own choice does not count");
    assert_eq!(counts(&acme, "attr.colour"), owned(&[("blue", 1), ("green", 1), ("red", 1)]));

    let two = SearchQuery {
        filters: vec![filter("brand", &["Acme"]), filter("attr.colour", &["red"])],
        in_stock: Some(true),
        ..query("")
    };
    let two = search(&index, &two).await;
    assert_eq!(two.ids, [id(1)]);
    assert_eq!(counts(&two, "brand"), owned(&[("Acme", 1), ("Bolt", 1)]));
    assert_eq!(counts(&two, "attr.colour"), owned(&[("blue", 1), ("red", 1)]));
    assert_eq!(counts(&two, "in_stock"), owned(&[("true", 1)]));
    assert!(!two.facets.iter().any(|facet| facet.field == "attr.size"), "one value is no choice");

    let nothing = SearchQuery {
        filters: vec![filter("brand", &["Core"]), filter("attr.colour", &["red"])],
        ..query("")
    };
    let nothing = search(&index, &nothing).await;
    assert_eq!(nothing.total, 0);
    let core = counts(&nothing, "brand").into_iter().find(|(value, _)| value == "Core");
    assert_eq!(core, Some(("Core".to_owned(), 0)), "what is chosen can be taken back");
}

async fn numbers_are_shown_as_ranges(index: Index) {
    let docs = (1..=60_u128)
        .map(|number| {
            let mut screen = doc(number, "Screen");
            screen.attributes = vec![
                attribute("size", inches(&format!("{number}.5"))),
                attribute(
                    "ports",
                    DocValue::Number(
                        Decimal::from_millionths(1_000_000 * i64::try_from(number % 3).unwrap()),
                        None,
                    ),
                ),
            ];
            screen
        })
        .collect();
    index.apply(docs, vec![], 1).await.unwrap();
    let all = search(&index, &query("")).await;
    assert_eq!(counts(&all, "attr.ports"), owned(&[("0", 20), ("1", 20), ("2", 20)]));
    let ranges = facet(&all, "attr.size").values.clone();
    assert!((2..=6).contains(&ranges.len()), "{ranges:?}");
    assert_eq!(ranges.iter().map(|range| range.count).sum::<u64>(), 60);
    assert_eq!(ranges[0].label, "1.5 – 10.5 in");
    for range in &ranges {
        let chosen =
            SearchQuery { filters: vec![filter("attr.size", &[&range.value])], ..query("") };
        let result = search(&index, &chosen).await;
        assert_eq!(result.total, range.count, "{range:?}");
        assert_eq!(facet(&result, "attr.size").values, ranges);
    }
    // What people know of a number is the number, with its unit or without.
    for (value, n) in [("15.5", 1), ("15.5 in", 1), ("15.50", 1), ("15.6", 0), ("15.5..17.5", 3)] {
        let chosen = SearchQuery { filters: vec![filter("attr.size", &[value])], ..query("") };
        assert_eq!(search(&index, &chosen).await.total, n, "{value}");
    }
}

async fn prices_are_cut_into_ranges(index: Index) {
    let mut docs: Vec<ProductDoc> = (1..=80).map(|number| doc(number, "Thing")).collect();
    docs[7].prices = vec![(Currency::EUR, 500)];
    docs[8].prices = Vec::new();
    docs[9].prices.push((Currency::EUR, 700));
    index.apply(docs, vec![], 1).await.unwrap();
    let all = search(&index, &query("")).await;
    let ranges = &facet(&all, "price").values;
    assert!((5..=7).contains(&ranges.len()), "{ranges:?}");
    assert_eq!(ranges.iter().map(|range| range.count).sum::<u64>(), 78);
    assert!(ranges[0].value.starts_with('-') && ranges[ranges.len() - 1].value.ends_with('-'));
    for range in ranges {
        let (price_min, price_max) = price_range(&range.value).unwrap();
        let chosen = SearchQuery { price_min, price_max, ..query("") };
        let result = search(&index, &chosen).await;
        assert_eq!(result.total, range.count, "{range:?}");
        assert_eq!(&facet(&result, "price").values, ranges, "the own choice does not count");
    }
    let euro = search(&index, &SearchQuery::all(Currency::EUR)).await;
    let in_euro: u64 = facet(&euro, "price").values.iter().map(|range| range.count).sum();
    assert_eq!(in_euro, 2);
}

async fn sorting_and_pages(index: Index) {
    let mut docs = vec![
        doc(1, "banana"),
        doc(2, "Apple"),
        doc(3, "cherry"),
        doc(4, "Äpfel"),
        doc(5, "cherry"),
    ];
    docs[0].prices = vec![(Currency::USD, 300)];
    docs[1].prices = vec![(Currency::USD, 100)];
    docs[2].prices = Vec::new();
    docs[3].prices = vec![(Currency::USD, 200), (Currency::EUR, 1)];
    docs[4].prices = vec![(Currency::USD, 100)];
    docs[4].created_at = Timestamp::from_micros(-5);
    // Two commits, so that order does not come from one segment.
    index.apply(docs.split_off(2), vec![], 1).await.unwrap();
    index.apply(docs, vec![], 2).await.unwrap();
    for (sort, order) in [
        (Sort::PriceAscending, [2, 5, 4, 1, 3]),
        (Sort::PriceDescending, [1, 4, 2, 5, 3]),
        (Sort::Newest, [4, 3, 2, 1, 5]),
        (Sort::Title, [4, 2, 1, 3, 5]),
        (Sort::Relevance, [4, 3, 2, 1, 5]),
    ] {
        let order = order.map(id);
        let whole = SearchQuery { sort, ..query("") };
        assert_eq!(search(&index, &whole).await.ids, order, "{sort:?}");
        for start in 0..5 {
            let page = SearchQuery { offset: start, limit: 2, ..whole.clone() };
            let end = (start + 2).min(5);
            assert_eq!(search(&index, &page).await.ids, order[start..end], "{sort:?} {start}");
        }
    }
    let equal = SearchQuery { sort: Sort::Relevance, ..query("cherry") };
    assert_eq!(search(&index, &equal).await.ids, [id(3), id(5)], "equals by id");
}

async fn changes_replace(index: Index) {
    index.apply(vec![doc(1, "Lamp"), doc(2, "Chair")], vec![], 5).await.unwrap();
    let mut lamp = doc(1, "Lantern");
    lamp.in_stock = false;
    for _ in 0..2 {
        index.apply(vec![lamp.clone()], vec![], 6).await.unwrap();
        assert_eq!(index.len().await.unwrap(), 2);
        assert!(found(&index, "lamp").await.is_empty());
        assert_eq!(found(&index, "lantern").await, [id(1)]);
        let all = search(&index, &query("")).await;
        assert_eq!(counts(&all, "in_stock"), owned(&[("false", 1), ("true", 1)]));
        assert_eq!(index.offset().await.unwrap(), 6);
    }
    index.apply(vec![doc(3, "First"), doc(3, "Second")], vec![], 7).await.unwrap();
    assert!(found(&index, "first").await.is_empty(), "the last of equal ids counts");
    assert_eq!(found(&index, "second").await, [id(3)]);
    index.apply(vec![doc(4, "Both")], vec![id(4), id(2), id(99)], 8).await.unwrap();
    assert_eq!(index.len().await.unwrap(), 2, "in both lists: goes away");
    assert!(found(&index, "chair").await.is_empty());
    for number in 0..30 {
        index.apply(vec![doc(number % 3 + 1, "Turning")], vec![], 9).await.unwrap();
    }
    assert_eq!(found(&index, "turning").await.len(), 3);
    assert_eq!(index.len().await.unwrap(), 3);
}

async fn rebuild_takes_over(index: Index) {
    index.apply(vec![doc(1, "Old")], vec![], 5).await.unwrap();
    let mut dropped = index.rebuild().await.unwrap();
    dropped.add(vec![doc(2, "Never")]).await.unwrap();
    drop(dropped);
    assert_eq!(found(&index, "").await, [id(1)]);

    let mut rebuild = index.rebuild().await.unwrap();
    for number in 10..20 {
        rebuild.add(vec![doc(number, "New"), doc(number, "Newer")]).await.unwrap();
        assert_eq!(found(&index, "").await, [id(1)], "searches use the first meanwhile");
        assert!(found(&index, "newer").await.is_empty());
    }
    index.apply(vec![doc(3, "Meanwhile")], vec![], 6).await.unwrap();
    assert_eq!(found(&index, "meanwhile").await, [id(3)]);
    let searching = {
        let index = Arc::clone(&index);
        async move {
            for _ in 0..50 {
                let total = index.search(&query("")).await.unwrap().total;
                assert!(total == 2 || total == 10, "either index, never a part: {total}");
            }
        }
    };
    let (finished, ()) = both(rebuild.finish(42), searching).await;
    finished.unwrap();
    assert_eq!(index.offset().await.unwrap(), 42);
    assert_eq!(index.len().await.unwrap(), 10);
    assert!(found(&index, "old").await.is_empty());
    index.apply(vec![doc(3, "Meanwhile")], vec![], 43).await.unwrap();
    assert_eq!(index.len().await.unwrap(), 11);
    let empty = index.rebuild().await.unwrap();
    empty.finish(44).await.unwrap();
    assert!(index.is_empty().await.unwrap());
    assert_eq!(index.offset().await.unwrap(), 44);
}

/// Polls two futures in turn until both are done.
async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    let (mut first_done, mut second_done) = (None, None);
    std::future::poll_fn(move |context| {
        if first_done.is_none()
            && let std::task::Poll::Ready(value) = first.as_mut().poll(context)
        {
            first_done = Some(value);
        }
        if second_done.is_none()
            && let std::task::Poll::Ready(value) = second.as_mut().poll(context)
        {
            second_done = Some(value);
        }
        if first_done.is_some() && second_done.is_some() {
            return std::task::Poll::Ready((
                first_done.take().unwrap(),
                second_done.take().unwrap(),
            ));
        }
        std::task::Poll::Pending
    })
    .await
}

async fn suggestions(index: Index) {
    let mut docs: Vec<ProductDoc> = vec![
        doc(1, "Laser printer A4"),
        doc(2, "Laser printer A3"),
        doc(3, "Laser pointer"),
        doc(4, "Ink printer"),
        doc(5, "Lantern"),
    ];
    docs[4].brand = Some("Laserlight".to_owned());
    for printer in [0, 1, 3] {
        docs[printer].category_path = vec!["office-printers".to_owned()];
        docs[printer].category_names = vec!["Office Printers".to_owned()];
    }
    index.apply(docs, vec![], 1).await.unwrap();
    for nothing in ["", " ", "!", "zzz"] {
        assert!(index.suggest(nothing, 8).await.unwrap().is_empty(), "{nothing:?}");
    }
    assert!(index.suggest("l", 0).await.unwrap().is_empty());
    for limit in 1..8 {
        assert!((1..=limit).contains(&index.suggest("la", limit).await.unwrap().len()));
    }
    let suggested = index.suggest("Las", 10).await.unwrap();
    assert_eq!(suggested[0].kind, SuggestionKind::Query);
    assert_eq!(suggested[0].text, "laser", "the most frequent first: {suggested:?}");
    let has = |kind: &SuggestionKind, text: &str| {
        suggested.iter().any(|one| one.kind == *kind && one.text == text)
    };
    assert!(has(&SuggestionKind::Query, "laser printer"), "{suggested:?}");
    assert!(has(&SuggestionKind::Brand, "Laserlight"), "{suggested:?}");
    assert!(has(&SuggestionKind::Product("product-3".to_owned()), "Laser pointer"));
    let longer = index.suggest("laser pr", 10).await.unwrap();
    assert_eq!(longer[0].text, "laser printer");
    let category = index.suggest("print", 10).await.unwrap();
    let category =
        category.iter().find(|one| matches!(one.kind, SuggestionKind::Category(_))).unwrap();
    assert_eq!(category.text, "Office Printers");
    assert_eq!(category.kind, SuggestionKind::Category("office-printers".to_owned()));
    index.apply(vec![], (1..=5).map(id).collect(), 2).await.unwrap();
    let gone = index.suggest("la", 10).await.unwrap();
    assert!(
        gone.iter().all(|one| one.kind == SuggestionKind::Query),
        "no product, brand or category that is gone: {gone:?}"
    );
}
