use std::sync::Arc;

use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Status};
use stoa_domain::shop::ShopConfig;
use stoa_kernel::{Ctx, Currency, IdSource, Money, Timestamp};

use stoa_test_stores::{Store, on_both_stores};

use super::store::*;
use crate::catalog::{Target, save_product};

on_both_stores! {
    every_statement_fits_the_schema,
    products_are_found_by_words_codes_state_stock_and_shelf,
    a_shop_without_orders_has_sold_nothing,
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const USD: Currency = Currency::USD;

fn draft(title: &str, status: Status, stock: &[i64], category: &[&str]) -> Draft {
    let variants = (0_i64..).zip(stock).map(|(index, stock)| DraftVariant {
        sku: format!("{title}-{index}"),
        barcode: Some(format!("40063813339{index}")),
        options: vec![index.to_string()],
        prices: vec![DraftPrice { price: Money::new(100 * (index + 1), USD), compare_at: None }],
        weight_g: None,
        stock: Some(*stock),
    });
    Draft {
        handle: String::new(),
        title: title.to_owned(),
        status,
        brand: Some(format!("Brand of {title}")),
        vendor: None,
        category: category.iter().map(|name| (*name).to_owned()).collect(),
        product_type: None,
        tags: vec![],
        description_html: String::new(),
        options: vec!["Number".to_owned()],
        attributes: vec![],
        media: vec![],
        variants: variants.collect(),
    }
}

async fn every_statement_fits_the_schema(store: Store) {
    let db = store.open().await.unwrap();
    for sql in STATEMENTS {
        db.prepare(sql).await.unwrap_or_else(|error| panic!("{sql:?}: {error}"));
    }
}

async fn products_are_found_by_words_codes_state_stock_and_shelf(store: Store) {
    let db = store.open().await.unwrap();
    let shop = Arc::new(ShopConfig {
        name: "Test".to_owned(),
        currency: USD,
        prices_include_tax: true,
        shipping_methods: vec![],
        tax_rates: vec![],
        discounts: vec![],
    });
    let mut ctx = Ctx { now: NOW, ids: IdSource::seeded(3) };
    for draft in [
        draft("Mug", Status::Active, &[40, 0], &["Home", "Kitchen"]),
        draft("100% Lamp", Status::Draft, &[0], &["Home"]),
        draft("Pan", Status::Active, &[900], &[]),
    ] {
        save_product(&db, &shop, &mut ctx, Target::New, draft).await.unwrap();
    }
    let mut tx = db.read().await.unwrap();
    let home = crate::catalog::store::categories(&mut tx).await.unwrap();
    let home = home.iter().find(|category| category.name == "Home").map(|category| category.id);
    drop(tx);
    let titles = |filter: ProductFilter| {
        let db = db.clone();
        async move {
            let mut tx = db.read().await.unwrap();
            let filter = ProductFilter { limit: 10, ..filter };
            let (rows, total) = products(&mut tx, &filter, USD).await.unwrap();
            assert_eq!(usize::try_from(total).unwrap(), rows.len());
            rows.into_iter().map(|row| row.title).collect::<Vec<_>>()
        }
    };
    let all = ProductFilter::default;
    assert_eq!(titles(all()).await, ["Pan", "100% Lamp", "Mug"]);
    for (text, found) in [("mu", "Mug"), ("MUG-1", "Mug"), ("0% l", "100% Lamp"), ("pan", "Pan")] {
        assert_eq!(titles(ProductFilter { text: text.to_owned(), ..all() }).await, [found]);
    }
    assert_eq!(titles(ProductFilter { text: "_".to_owned(), ..all() }).await, [""; 0]);
    let status = Some(Status::Draft);
    assert_eq!(titles(ProductFilter { status, ..all() }).await, ["100% Lamp"]);
    assert_eq!(titles(ProductFilter { category: home, ..all() }).await, ["100% Lamp", "Mug"]);
    for (stock, found) in [
        (StockFilter::In, vec!["Pan", "Mug"]),
        (StockFilter::Low, vec!["100% Lamp", "Mug"]),
        (StockFilter::Out, vec!["100% Lamp"]),
    ] {
        assert_eq!(titles(ProductFilter { stock: Some(stock), ..all() }).await, found);
    }

    let mut tx = db.read().await.unwrap();
    let first = ProductFilter { limit: 2, ..all() };
    let (page, total) = products(&mut tx, &first, USD).await.unwrap();
    assert_eq!((page.len(), total), (2, 3));
    let after = Some(page[1].id);
    let (page, _) = products(&mut tx, &ProductFilter { after, ..first }, USD).await.unwrap();
    assert_eq!(page.len(), 1);
    let mug = &page[0];
    assert_eq!(mug.prices, Some((Money::new(100, USD), Money::new(200, USD))));
    assert_eq!((mug.n_variants, mug.available), (2, 40));
    assert_eq!(brands(&mut tx, 2).await.unwrap(), ["Brand of 100% Lamp", "Brand of Mug"]);
    assert_eq!(locations(&mut tx).await.unwrap()[0].code, "default");
}

async fn a_shop_without_orders_has_sold_nothing(store: Store) {
    let db = store.open().await.unwrap();
    let mut tx = db.read().await.unwrap();
    let none = sales_between(&mut tx, NOW, NOW.plus_seconds(60), USD).await.unwrap();
    assert_eq!((none.n_orders, none.revenue), (0, Money::zero(USD)));
    assert!(orders(&mut tx, &OrderFilter::default()).await.unwrap().is_empty());
    assert!(attention(&mut tx, NOW, 10).await.unwrap().is_empty());
    assert_eq!(attention_count(&mut tx, NOW).await.unwrap(), 0);
    assert!(database_bytes(&mut tx).await.unwrap() > 100_000);
}
