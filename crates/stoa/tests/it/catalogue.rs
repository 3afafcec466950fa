//! Products to test with.

use serde_json::{Value, json};

/// A price in the shop's currency.
pub fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A product with one variant, whose SKU is the handle in capitals.
pub fn simple(handle: &str, price: i64, stock: i64) -> Value {
    json!({
        "handle": handle,
        "title": title(handle),
        "variants": [variant(&handle.to_uppercase(), &[], price, stock)],
    })
}

fn title(handle: &str) -> String {
    let words = handle.replace('-', " ");
    words[..1].to_uppercase() + &words[1..]
}

fn variant(sku: &str, options: &[&str], price: i64, stock: i64) -> Value {
    json!({"sku": sku, "options": options, "prices": [{"price": usd(price)}], "stock": stock})
}

/// What differs between the products of [`varied`].
pub const COLOURS: [&str; 4] = ["red", "green", "blue", "white"];

/// A small shop with everything that the catalogue knows: 26 mugs and lamps on sale of which some
/// are out of stock, a shirt with variants, one product that is no more than a draft, and one that
/// has no price in the shop's currency.
pub fn varied() -> Vec<Value> {
    let mut products = Vec::new();
    for n in 0..26_i64 {
        let is_mug = n % 2 == 0;
        let kind = if is_mug { "mug" } else { "lamp" };
        let handle = format!("{kind}-{n:02}");
        let mut product = simple(&handle, 500 + n * 100, if n % 5 == 4 { 0 } else { 10 + n });
        product["category"] = if is_mug { json!(["Kitchen", "Mugs"]) } else { json!(["Lighting"]) };
        product["brand"] = json!(if n % 3 == 0 { "Northwind" } else { "Contoso" });
        product["attributes"] = json!([
            {"key": "colour", "label": "Colour", "type": "text",
             "value": COLOURS[usize::try_from(n).unwrap() % COLOURS.len()]},
            {"key": "height", "label": "Height", "type": "number", "value": (80 + n % 4 * 5).to_string(), "unit": "mm"},
            {"key": "dishwasher_safe", "label": "Dishwasher safe", "type": "boolean", "value": n % 4 == 0},
            {"key": "materials", "label": "Materials", "type": "list",
             "value": if is_mug { json!(["clay", "glaze"]) } else { json!(["steel", "glass"]) }},
        ]);
        products.push(product);
    }
    products.push(json!({
        "handle": "linen-shirt",
        "title": "Linen shirt",
        "category": ["Clothing", "Shirts"],
        "description_html": "<p onclick=\"steal()\">Cool in summer.</p><script>alert(1)</script>",
        "options": ["Size", "Colour"],
        "variants": [
            variant("SHIRT-S-WHITE", &["S", "White"], 3_900, 4),
            variant("SHIRT-M-WHITE", &["M", "White"], 4_100, 0),
            variant("SHIRT-M-SAND", &["M", "Sand"], 4_200, 2),
        ],
    }));
    let mut draft = simple("secret-kettle", 9_900, 5);
    draft["status"] = json!("draft");
    products.push(draft);
    let mut foreign = simple("euro-teapot", 0, 5);
    foreign["variants"][0]["prices"] = json!([{"price": {"amount": 2_500, "currency": "EUR"}}]);
    products.push(foreign);
    products
}
