//! What the shop sells, read through its API.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, Client, write_get, write_json};
use crate::load::{Pool, Prepared, Scenario, Until, Verdict};
use crate::rng::Rng;

/// How long the preparations may take.
const PATIENCE: Until = Until::Done { within: Duration::from_secs(300) };
/// Prices that believable carts are made of, in minor units. The catalogue has free products and
/// some that cost millions, whose totals a shop may rightly refuse.
const BELIEVABLE: std::ops::RangeInclusive<i64> = 1..=2_000_000;

/// Products, variants and categories.
pub(crate) struct Catalogue {
    /// Handles of the products.
    pub(crate) handles: Vec<String>,
    /// Their titles.
    pub(crate) titles: Vec<String>,
    /// Variants at a believable price.
    pub(crate) variants: Vec<Variant>,
    /// Handles of the categories that hold something.
    pub(crate) categories: Vec<String>,
}

/// A variant of a product.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    /// Its SKU.
    pub(crate) sku: String,
    /// The handle of its product.
    pub(crate) handle: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    handle: String,
    title: String,
}

#[derive(Deserialize)]
struct Product {
    variants: Vec<ProductVariant>,
}

#[derive(Deserialize)]
struct ProductVariant {
    sku: String,
    price: Price,
    available: Option<i64>,
}

#[derive(Deserialize)]
struct Price {
    amount: i64,
}

impl Catalogue {
    /// Reads all of it over the connections of a pool. The list of handles is the back office's: that
    /// for shoppers ends after 10,000 results.
    pub(crate) fn read(client: &mut Client, pool: &mut Pool, authorization: &str) -> Result<Self> {
        let mut handles = Vec::new();
        let mut titles = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let path = match &cursor {
                None => "/api/admin/v1/products?limit=100".to_owned(),
                Some(cursor) => {
                    format!("/api/admin/v1/products?limit=100&cursor={}", encoded(cursor))
                }
            };
            let mut request = Vec::new();
            write_get(&mut request, &path, &[("authorization", authorization)]);
            let page: Page = client.json(&request)?;
            for item in page.items {
                handles.push(item.handle);
                titles.push(item.title);
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let mut reading =
            ReadVariants { handles: &handles, next: 0, asked: Vec::new(), variants: Vec::new() };
        pool.run(&mut reading, PATIENCE)?.must_be_clean("reading the products")?;
        let mut variants = reading.variants;
        // The order of arrival differs from run to run; what a seed picks must not.
        variants.sort_unstable_by(|one, other| one.sku.cmp(&other.sku));
        let mut categories = Vec::new();
        collect_handles(&client.get("/api/v1/categories")?, &mut categories);
        if variants.is_empty() || categories.is_empty() {
            bail!("the catalogue has no variants to sell or no categories");
        }
        Ok(Self { handles, titles, variants, categories })
    }

    /// Up to `count` handles of products, at random and each once.
    pub(crate) fn some_handles(&self, count: usize, seed: u64) -> Vec<&str> {
        let mut handles: Vec<&str> = self.handles.iter().map(String::as_str).collect();
        Rng::new(seed).shuffle(&mut handles);
        handles.truncate(count);
        handles
    }

    /// Gives every variant plenty of stock.
    pub(crate) fn fill_stock(&self, pool: &mut Pool, authorization: &str) -> Result<()> {
        let requests = self
            .variants
            .iter()
            .map(|variant| put_stock(&variant.sku, 1_000_000, authorization))
            .collect();
        pool.run(&mut Prepared::once(requests), PATIENCE)?.must_be_clean("filling the stock")?;
        Ok(())
    }
}

/// The request that sets the stock of a SKU at the first location.
pub(crate) fn put_stock(sku: &str, on_hand: u32, authorization: &str) -> Vec<u8> {
    let mut request = Vec::new();
    write_json(
        &mut request,
        "PUT",
        &format!("/api/admin/v1/stock/{}", encoded(sku)),
        &[("authorization", authorization)],
        &format!(r#"{{"location":"default","on_hand":{on_hand}}}"#),
    );
    request
}

/// How many pieces of a variant the shop says it can sell now.
pub(crate) fn available(client: &mut Client, variant: &Variant) -> Result<i64> {
    let product: Product = client.get(&product_path(&variant.handle))?;
    product
        .variants
        .into_iter()
        .find(|found| found.sku == variant.sku)
        .and_then(|found| found.available)
        .with_context(|| format!("the stock of {} is not shown", variant.sku))
}

/// Where the API shows a product.
pub(crate) fn product_path(handle: &str) -> String {
    format!("/api/v1/products/{}", encoded(handle))
}

/// Escapes what is not plain in a path or a query (RFC 3986, unreserved characters stay).
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Every `handle` in a tree of categories, whether it is nested or flat.
fn collect_handles(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_handles(item, into)),
        Value::Object(fields) => {
            if let Some(handle) = fields.get("handle").and_then(Value::as_str)
                && !into.iter().any(|known| known == handle)
            {
                into.push(handle.to_owned());
            }
            for field in fields.values() {
                collect_handles(field, into);
            }
        }
        _ => {}
    }
}

/// Reads the variants of every product once.
struct ReadVariants<'a> {
    handles: &'a [String],
    next: usize,
    /// The product that each user asked for last.
    asked: Vec<usize>,
    variants: Vec<Variant>,
}

impl Scenario for ReadVariants<'_> {
    fn kinds(&self) -> &'static [&'static str] {
        &["product"]
    }

    fn next(&mut self, user: usize, request: &mut Vec<u8>) -> Option<usize> {
        let handle = self.handles.get(self.next)?;
        if self.asked.len() <= user {
            self.asked.resize(user + 1, 0);
        }
        *self.asked.get_mut(user)? = self.next;
        self.next += 1;
        write_get(request, &product_path(handle), &[]);
        Some(0)
    }

    fn answered(&mut self, user: usize, _kind: usize, answer: &Answer<'_>) -> Verdict {
        let asked = self.asked.get(user).and_then(|at| self.handles.get(*at));
        let (200, Ok(product), Some(handle)) =
            (answer.status, serde_json::from_slice::<Product>(answer.body), asked)
        else {
            return Verdict::Wrong;
        };
        for variant in product.variants {
            if BELIEVABLE.contains(&variant.price.amount) {
                self.variants.push(Variant { sku: variant.sku, handle: handle.clone() });
            }
        }
        Verdict::Right
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{collect_handles, encoded, put_stock};

    #[test]
    fn paths_and_queries_are_escaped() {
        assert_eq!(encoded("a-B_9.~"), "a-B_9.~");
        assert_eq!(encoded("a b/c?d&é"), "a%20b%2Fc%3Fd%26%C3%A9");
    }

    #[test]
    fn category_handles_are_found_in_trees_and_lists() {
        let tree = json!({"items": [
            {"handle": "a", "children": [{"handle": "b", "children": []}]},
            {"handle": "b"},
            {"handle": "c", "parent": null}
        ]});
        let mut handles = Vec::new();
        collect_handles(&tree, &mut handles);
        assert_eq!(handles, ["a", "b", "c"]);
    }

    #[test]
    fn stock_is_set_at_the_first_location() {
        let request = String::from_utf8(put_stock("A/1", 5, "Bearer x")).unwrap();
        assert!(request.starts_with("PUT /api/admin/v1/stock/A%2F1 HTTP/1.1\r\n"));
        assert!(request.contains("\r\nauthorization: Bearer x\r\n"));
        assert!(request.ends_with(r#"{"location":"default","on_hand":5}"#));
    }
}
