//! Structured data for search engines (schema.org), and how it is put into a page.

use serde_json::{Value, json};
use stoa_kernel::Money;

use crate::storefront::Link;

/// What a product's structured data says.
#[derive(Debug, Clone)]
pub struct ProductFacts<'a> {
    /// Its absolute address.
    pub url: &'a str,
    /// Its name.
    pub title: &'a str,
    /// Its description without markup.
    pub description: &'a str,
    /// Absolute addresses of its pictures.
    pub images: &'a [String],
    /// Manufacturer or vendor.
    pub brand: Option<&'a str>,
    /// Stock keeping unit of the variant shown.
    pub sku: &'a str,
    /// GTIN of the variant shown.
    pub gtin: Option<&'a str>,
    /// What the variant shown costs.
    pub price: Money,
    /// Whether the variant shown can be bought now.
    pub in_stock: bool,
}

/// A product with its offer.
pub fn product(facts: &ProductFacts<'_>) -> Value {
    let availability =
        if facts.in_stock { "https://schema.org/InStock" } else { "https://schema.org/OutOfStock" };
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": facts.title,
        "description": facts.description,
        "url": facts.url,
        "image": facts.images,
        "sku": facts.sku,
        "offers": {
            "@type": "Offer",
            "url": facts.url,
            "price": facts.price.to_major(),
            "priceCurrency": facts.price.currency.code(),
            "availability": availability,
            "itemCondition": "https://schema.org/NewCondition",
        },
    });
    if let Some(fields) = data.as_object_mut() {
        if let Some(brand) = facts.brand {
            fields.insert("brand".into(), json!({"@type": "Brand", "name": brand}));
        }
        if let Some(gtin) = facts.gtin {
            fields.insert("gtin".into(), gtin.into());
        }
    }
    data
}

/// Breadcrumbs; `base_url` (`https://shop.example`) makes their addresses absolute.
pub fn breadcrumbs(base_url: &str, crumbs: &[Link]) -> Value {
    let items: Vec<Value> = crumbs
        .iter()
        .zip(1_u32..)
        .map(|(crumb, position)| {
            json!({
                "@type": "ListItem",
                "position": position,
                "name": crumb.label,
                "item": format!("{base_url}{}", crumb.href),
            })
        })
        .collect();
    json!({
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": items,
    })
}

/// The shop itself, with its search.
pub fn website(base_url: &str, name: &str) -> Value {
    json!({
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": name,
        "url": format!("{base_url}/"),
        "potentialAction": {
            "@type": "SearchAction",
            "target": format!("{base_url}/search?q={{q}}"),
            "query-input": "required name=q",
        },
    })
}

/// JSON as it may stand inside a `script` element: nothing in it can end the element.
pub fn script_text(data: &Value) -> String {
    data.to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use stoa_kernel::Currency;

    use super::*;

    #[test]
    fn hostile_titles_cannot_leave_the_script_element() {
        let data = product(&ProductFacts {
            url: "https://shop.example/products/x",
            title: "</script><script>alert(1)</script> & \"quotes\"",
            description: "",
            images: &[],
            brand: Some("<b>"),
            sku: "X-1",
            gtin: None,
            price: Money::new(129_900, Currency::USD),
            in_stock: true,
        });
        let text = script_text(&data);
        assert!(!text.contains('<') && !text.contains('>') && !text.contains('&'));
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, data);
        assert_eq!(read["offers"]["price"], "1299.00");
    }
}
