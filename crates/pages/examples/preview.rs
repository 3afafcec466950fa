//! Renders every page with sample data into a folder, to look at: `cargo run -p stoa-pages
//! --example preview -- FOLDER`, then open `FOLDER/index.html` through any static web server.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a tool for those who work on the templates"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use stoa_kernel::{Currency, Money};
use stoa_pages::docs::ApiDocsPage;
use stoa_pages::storefront::*;
use stoa_pages::{CART_COUNT_SLOT, assets, cart_badge, json_ld, picture};

const GOODS: &[(&str, &str, &str, i64, Option<i64>)] = &[
    ("Harbour Stoneware Mug, Sage", "Field & Kiln", "mugs", 2400, None),
    ("Meridian 14 Laptop, Graphite", "Northlake", "laptops", 129_900, Some(149_900)),
    ("Fjord Wool Beanie, Rust", "Tarn", "hats", 3800, None),
    ("Arc Desk Lamp, Cream", "Lumen Works", "lamps", 8900, Some(11_900)),
    ("Trailhead 28 l Backpack, Olive", "Tarn", "backpacks", 14_500, None),
    ("Single-origin Coffee Beans, Huila", "Slow Harbour", "coffee", 1650, None),
    ("Pitch Over-ear Headphones, Midnight blue", "Northlake", "headphones", 22_900, Some(24_900)),
    ("Rubber Plant in Terracotta Pot", "Greenhouse Nine", "plants", 4200, None),
    ("Oak Coffee Table", "Joinery", "tables", 39_900, None),
    ("Linen Cushion, Mustard", "Field & Kiln", "cushions", 3600, None),
    ("Carbon-steel Pan 28 cm", "Forge", "pans", 7400, None),
    ("Loop Running Shoes, Coral", "Tarn", "shoes", 11_900, Some(13_900)),
];

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

struct Output<'a> {
    folder: &'a Path,
}

impl Output<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)
    }

    fn page(&self, name: &str, html: &str) -> std::io::Result<()> {
        self.write(name, html.replace(CART_COUNT_SLOT, &cart_badge(3)).as_bytes())
    }

    fn picture(&self, title: &str, path: &[&str], hint: Option<&str>) -> std::io::Result<String> {
        let svg = picture::svg(title, path, hint);
        let slug: String = format!("{title}-{}", hint.unwrap_or(""))
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        let name = format!("media/{slug}.svg");
        self.write(&name, svg.as_bytes())?;
        Ok(format!("/{name}"))
    }

    fn card(&self, index: usize) -> std::io::Result<ProductCard> {
        let (title, brand, category, price, former) = GOODS[index % GOODS.len()];
        Ok(ProductCard {
            href: "/product.html".to_owned(),
            title: title.to_owned(),
            brand: Some(brand.to_owned()),
            picture: Picture { url: self.picture(title, &[category], None)?, alt: String::new() },
            price: Some(usd(price)),
            compare_at: former.map(usd),
            price_varies: index % 5 == 4,
            in_stock: index % 7 != 5,
            label: (index.is_multiple_of(6)).then(|| "New".to_owned()),
            note: (index % 4 == 2).then(|| "4 colours".to_owned()),
        })
    }

    fn cards(&self, from: usize, count: usize) -> std::io::Result<Vec<ProductCard>> {
        (from..from + count).map(|index| self.card(index)).collect()
    }

    fn tile(&self, handle: &str, name: &str, count: u64) -> std::io::Result<CategoryTile> {
        let file = format!("media/category-{handle}.svg");
        self.write(&file, picture::category_svg(handle, name).as_bytes())?;
        Ok(CategoryTile {
            href: "/category.html".to_owned(),
            name: name.to_owned(),
            count: Some(count),
            picture: Picture { url: format!("/{file}"), alt: String::new() },
            children: ["Laptops", "Monitors", "Keyboards and mice"]
                .map(|name| Link::new(name, "/category.html"))
                .to_vec(),
        })
    }
}

fn values(all: &[(&str, u64)], checked: &[&str]) -> FacetKind {
    FacetKind::Values(
        all.iter()
            .map(|(label, count)| FacetValue {
                value: (*label).to_owned(),
                label: (*label).to_owned(),
                count: *count,
                checked: checked.contains(label),
            })
            .collect(),
    )
}

fn facet(param: &str, label: &str, open: bool, kind: FacetKind) -> Facet {
    Facet { param: param.to_owned(), label: label.to_owned(), open, kind }
}

fn link(label: &str, count: u64, current: bool) -> FacetLink {
    FacetLink { label: label.to_owned(), href: "#".to_owned(), count: Some(count), current }
}

fn listing(products: Vec<ProductCard>) -> Listing {
    Listing {
        action: "/category.html".to_owned(),
        keep: vec![("q".to_owned(), "desk \"lamp\"".to_owned())],
        total: 1284,
        first: 1,
        products,
        facets: vec![
            facet(
                "category",
                "Category",
                true,
                FacetKind::Links(vec![
                    link("Lighting", 412, false),
                    link("Desk lamps", 96, true),
                    link("Floor lamps", 71, false),
                ]),
            ),
            facet("in_stock", "Availability", true, values(&[("In stock", 1102)], &["In stock"])),
            facet(
                "price",
                "Price",
                true,
                FacetKind::Price {
                    currency: "$".to_owned(),
                    min: String::new(),
                    max: "150".to_owned(),
                    bands: vec![
                        link("Under $25", 210, false),
                        link("$25 to $100", 640, false),
                        link("Over $100", 434, false),
                    ],
                },
            ),
            facet(
                "brand",
                "Brand",
                true,
                values(
                    &[
                        ("Lumen Works", 214),
                        ("Field & Kiln", 120),
                        ("Northlake", 98),
                        ("Joinery", 77),
                        ("Tarn", 52),
                        ("Forge", 31),
                        ("Slow Harbour", 22),
                        ("Greenhouse Nine", 12),
                        ("Overlook", 4),
                    ],
                    &["Lumen Works", "Greenhouse Nine"],
                ),
            ),
            facet("attr.material", "Material", false, values(&[("Steel", 40), ("Oak", 32)], &[])),
            facet("attr.colour", "Colour", false, values(&[("Cream", 40), ("Black", 32)], &[])),
        ],
        chips: ["In stock", "Up to $150", "Brand: Lumen Works", "Brand: Greenhouse Nine"]
            .map(|label| Chip { label: label.to_owned(), remove_href: "#".to_owned() })
            .to_vec(),
        clear_href: "#".to_owned(),
        sorts: ["Best match", "Newest", "Price: low to high", "Price: high to low", "Title"]
            .iter()
            .enumerate()
            .map(|(index, label)| Choice {
                value: index.to_string(),
                label: (*label).to_owned(),
                selected: index == 0,
            })
            .collect(),
        previous: Some("#".to_owned()),
        next: Some("#".to_owned()),
    }
}

fn totals() -> Totals {
    Totals {
        subtotal: usd(165_500),
        discounts: vec![AmountLine::new("WELCOME10", usd(-16_550))],
        shipping: Some(AmountLine::new("Standard shipping", usd(0))),
        taxes: vec![AmountLine::new("Sales tax 8.25 %", usd(12_288))],
        tax_included: false,
        total: usd(161_238),
    }
}

fn promise(icon: &'static str, title: &str, text: &str) -> Promise {
    Promise { icon, title: title.to_owned(), text: text.to_owned() }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let out = Output { folder: Path::new(&folder) };
    for asset in assets::all() {
        out.write(asset.path_with_hash.trim_start_matches('/'), asset.bytes)?;
    }

    let names = [
        ("computing", "Computing", 312),
        ("audio", "Audio", 96),
        ("lighting", "Lighting", 84),
        ("kitchen", "Kitchen", 203),
        ("furniture", "Furniture", 58),
        ("outdoor", "Outdoor", 121),
        ("clothing", "Clothing", 240),
        ("stationery", "Stationery", 77),
    ];
    let shop = Arc::new(Shop {
        name: "Stoa".to_owned(),
        tagline: "Good things, found quickly".to_owned(),
        locale: "en".to_owned(),
        announcement: Some("Free shipping on orders over $75".to_owned()),
        categories: names
            .iter()
            .map(|(handle, name, _)| Link::new(*name, format!("/categories/{handle}")))
            .collect(),
        footer: vec![
            Link::new("Terms", "/terms"),
            Link::new("Privacy", "/privacy"),
            Link::new("API", "/docs.html"),
        ],
    });
    let layout = |title: &str| Layout {
        description: "A sample page".to_owned(),
        canonical: Some("https://shop.example/page".to_owned()),
        section: "/categories/lighting".to_owned(),
        ..Layout::new(Arc::clone(&shop), title)
    };
    let tiles = names
        .iter()
        .map(|(handle, name, count)| out.tile(handle, name, *count))
        .collect::<Result<Vec<_>, _>>()?;
    let promises = vec![
        promise("truck", "Free shipping", "On orders over $75"),
        promise("return", "30 days to return", "No questions asked"),
        promise("shield", "Two-year warranty", "On everything we sell"),
    ];

    let home = HomePage {
        layout: Layout {
            json_ld: vec![json_ld::website("https://shop.example", "Stoa")],
            ..layout("")
        },
        hero: Hero {
            heading: "Good things, found quickly.".to_owned(),
            text: "Three hundred pieces for the desk, the kitchen and the trail, picked because they last.".to_owned(),
            action: Link::new("Shop what is new", "/search.html"),
            second: Some(Link::new("Browse categories", "/categories.html")),
            products: vec![out.card(3)?, out.card(7)?, out.card(6)?],
        },
        categories: tiles.clone(),
        shelves: vec![
            Shelf {
                heading: "New this week".to_owned(),
                more: Some(Link::new("See all new", "/search.html")),
                products: out.cards(0, 4)?,
            },
            Shelf {
                heading: "Worth its price".to_owned(),
                more: None,
                products: out.cards(4, 8)?,
            },
        ],
        promises: promises.clone(),
    };
    out.page("index.html", &home.render())?;

    out.page(
        "categories.html",
        &CategoriesPage { layout: layout("All categories"), categories: tiles.clone() }.render(),
    )?;

    let category = CategoryPage {
        layout: layout("Desk lamps"),
        crumbs: vec![Link::new("Lighting", "#")],
        name: "Desk lamps".to_owned(),
        description: Some(
            "Warm light where you work, from clamp lamps to dimmable classics.".to_owned(),
        ),
        subcategories: tiles[..5].to_vec(),
        listing: listing(out.cards(0, 12)?),
    };
    out.page("category.html", &category.render())?;

    let search = |query: &str, correction, listing| -> Result<SearchPage, Box<dyn Error>> {
        Ok(SearchPage {
            layout: Layout {
                query: query.to_owned(),
                noindex: true,
                ..layout(&format!("Search: {query}"))
            },
            correction,
            listing,
            ideas: ["Lamps", "Mugs", "Gifts under $25", "Headphones"]
                .map(|label| Link::new(label, "#"))
                .to_vec(),
            popular: out.cards(2, 4)?,
        })
    };
    let correction =
        Correction { shown: "desk lamp".to_owned(), literal_href: Some("#".to_owned()) };
    out.page(
        "search.html",
        &search("desk lmap", Some(correction), listing(out.cards(3, 8)?))?.render(),
    )?;
    let nothing = Listing::default();
    out.page("search-empty.html", &search("<script>alert(1)</script>", None, nothing)?.render())?;

    let colours = ["Cream", "Black", "Sage", "Terracotta"];
    let lamp = "Arc Desk Lamp";
    let product = ProductPage {
        layout: layout(lamp),
        crumbs: vec![Link::new("Lighting", "#"), Link::new("Desk lamps", "#")],
        title: lamp.to_owned(),
        brand: Some(Link::new("Lumen Works", "#")),
        pictures: colours
            .iter()
            .map(|colour| {
                Ok(Picture {
                    url: out.picture(lamp, &["lamps"], Some(colour))?,
                    alt: format!("{lamp} in {colour}"),
                })
            })
            .collect::<std::io::Result<_>>()?,
        variant_id: "var_01".to_owned(),
        sku: "LW-ARC-CRM".to_owned(),
        price: Some(usd(8900)),
        compare_at: Some(usd(11_900)),
        price_note: Some("Plus tax; shipping from $4.90".to_owned()),
        options: vec![
            OptionAxis {
                name: "Colour".to_owned(),
                values: colours
                    .iter()
                    .enumerate()
                    .map(|(index, label)| OptionValue {
                        label: (*label).to_owned(),
                        href: "#".to_owned(),
                        selected: index == 0,
                        available: index != 2,
                    })
                    .collect(),
            },
            OptionAxis {
                name: "Plug".to_owned(),
                values: ["US", "EU", "UK"]
                    .iter()
                    .enumerate()
                    .map(|(index, label)| OptionValue {
                        label: (*label).to_owned(),
                        href: "#".to_owned(),
                        selected: index == 1,
                        available: true,
                    })
                    .collect(),
            },
        ],
        stock: Stock::Low(4),
        max_quantity: 4,
        promises: vec![
            promise("truck", "Arrives in 2 to 4 days.", "Free over $75."),
            promise("return", "Return within 30 days.", "We pay the label."),
        ],
        description_html: "<p>A lamp that bends where you need it. The shade is spun from one sheet of steel, and the arm holds every position without a click.</p><ul><li>Dims from 4 to 100 percent</li><li>Warm light, 2,700 K</li><li>Replaceable bulb and cable</li></ul><p>Made in small batches. The powder coat is repaired free of charge for as long as we are around.</p>".to_owned(),
        attributes: [
            ("Material", "Steel, cork"), ("Height", "42 cm"), ("Shade diameter", "18 cm"), ("Light colour", "2,700 K"),
            ("Luminous flux", "470 lm"), ("Dimmable", "Yes"), ("Cable length", "2 m"), ("Weight", "1.4 kg"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        related: out.cards(6, 4)?,
        notice: None,
    };
    out.page("product.html", &product.render())?;
    let sold_out = ProductPage {
        stock: Stock::Out,
        options: Vec::new(),
        pictures: product.pictures[..1].to_vec(),
        compare_at: None,
        promises: Vec::new(),
        description_html: String::new(),
        notice: Some(Notice::new(Tone::Bad, "Only 2 of these are left, so 5 could not be added.")),
        ..product.clone()
    };
    out.page("product-sold-out.html", &sold_out.render())?;

    let line = |index: usize, quantity: i64, variant: &str, notice| -> std::io::Result<CartLine> {
        let card = out.card(index)?;
        let price = card.price.unwrap();
        Ok(CartLine {
            id: format!("line_{index}"),
            href: card.href,
            title: card.title,
            variant: variant.to_owned(),
            picture: card.picture,
            unit_price: price,
            compare_at: card.compare_at,
            quantity,
            max_quantity: 10,
            total: price.times(quantity).unwrap(),
            notice,
        })
    };
    let cart = CartPage {
        layout: Layout::private(Arc::clone(&shop), "Your cart"),
        notices: vec![Notice::new(Tone::Warn, "The price of one item changed since you added it.")],
        lines: vec![
            line(1, 1, "Graphite / 16 GB", None)?,
            line(
                3,
                2,
                "Cream / EU",
                Some(Notice::new(Tone::Warn, "The price went from $99.00 to $89.00.")),
            )?,
            line(6, 1, "", Some(Notice::new(Tone::Bad, "Out of stock. Remove it to go on.")))?,
        ],
        codes: vec![AppliedCode { code: "WELCOME10".to_owned(), label: "10 % off".to_owned() }],
        code_value: "SUMMER".to_owned(),
        code_error: Some("This code has expired.".to_owned()),
        totals: Some(Totals { shipping: None, taxes: Vec::new(), total: usd(148_950), ..totals() }),
        note: Some("Shipping and tax are worked out at checkout.".to_owned()),
        can_checkout: true,
        related: out.cards(8, 4)?,
    };
    out.page("cart.html", &cart.render())?;
    let empty = CartPage { notices: Vec::new(), lines: Vec::new(), totals: None, ..cart.clone() };
    out.page("cart-empty.html", &empty.render())?;

    let summary = Summary {
        lines: cart
            .lines
            .iter()
            .map(|line| SummaryLine {
                title: line.title.clone(),
                variant: line.variant.clone(),
                picture: line.picture.clone(),
                quantity: line.quantity,
                total: line.total,
            })
            .collect(),
        totals: totals(),
    };
    let private = |title: &str| Layout::private(Arc::clone(&shop), title);
    let address = AddressForm {
        name: "Ada Lovelace".to_owned(),
        line1: "12 St James's Square".to_owned(),
        city: "London".to_owned(),
        country: "GB".to_owned(),
        ..AddressForm::default()
    };
    let page = CheckoutAddressPage {
        layout: private("Address"),
        summary: summary.clone(),
        notice: None,
        email: "ada@example".to_owned(),
        shipping: address.clone(),
        billing_same: true,
        billing: AddressForm::default(),
        countries: [("US", "United States"), ("GB", "United Kingdom"), ("DE", "Germany")]
            .map(|(code, name)| Country { code: code.to_owned(), name: name.to_owned() })
            .to_vec(),
        errors: vec![
            FieldError::new("email", "Enter an e-mail address such as name@example.com."),
            FieldError::new("shipping_postal_code", "Enter the postal code."),
        ],
    };
    out.page("checkout-address.html", &page.render())?;
    let lines: Vec<String> =
        ["Ada Lovelace", "12 St James's Square", "London SW1Y 4JH", "United Kingdom"]
            .map(str::to_owned)
            .to_vec();
    let method = |id: &str, label: &str, note: &str, price, selected| ShippingChoice {
        id: id.to_owned(),
        label: label.to_owned(),
        note: note.to_owned(),
        price: usd(price),
        selected,
    };
    let page = CheckoutShippingPage {
        layout: private("Shipping"),
        summary: summary.clone(),
        notice: None,
        email: "ada@example.com".to_owned(),
        address: lines.clone(),
        methods: vec![
            method("standard", "Standard", "2 to 4 working days", 0, true),
            method("express", "Express", "Tomorrow, if ordered before noon", 1490, false),
        ],
        errors: Vec::new(),
    };
    out.page("checkout-shipping.html", &page.render())?;
    let page = CheckoutPaymentPage {
        layout: private("Payment"),
        summary: summary.clone(),
        notice: Some(Notice::new(
            Tone::Bad,
            "Your bank declined the payment. Nothing was charged. Choose another card or try again.",
        )),
        methods: PaymentChoice::test_cards("tok_ok"),
        errors: Vec::new(),
    };
    out.page("checkout-payment.html", &page.render())?;
    let page = CheckoutReviewPage {
        layout: private("Review"),
        summary: summary.clone(),
        notice: None,
        email: "ada@example.com".to_owned(),
        shipping_address: lines.clone(),
        billing_address: Vec::new(),
        shipping_method: "Standard, 2 to 4 working days".to_owned(),
        payment_method: "Test card ending 4242".to_owned(),
        hidden: vec![("idempotency_key".to_owned(), "abc".to_owned())],
        terms: Some(Link::new("terms of sale", "/terms")),
    };
    out.page("checkout-review.html", &page.render())?;

    let order = OrderView {
        number: "1042".to_owned(),
        placed_on: "12 March 2026, 14:05 UTC".to_owned(),
        status: (Tone::Info, "Being prepared".to_owned()),
        payment_status: (Tone::Ok, "Paid".to_owned()),
        email: "ada@example.com".to_owned(),
        lines: summary.lines.clone(),
        totals: totals(),
        shipping_address: lines.clone(),
        billing_address: lines.clone(),
        shipping_method: "Standard, 2 to 4 working days".to_owned(),
        payment_method: "Test card ending 4242".to_owned(),
        parcels: vec![Parcel {
            sent_on: "24 November 2026, 18:02".into(),
            items: vec![(2, "Harbour Mug".into()), (1, "Linen Tea Towel".into())],
            tracking: "DHL 00340434161094015902".into(),
            link: "https://www.dhl.com/track".into(),
        }],
        timeline: [
            ("14:05", "Order placed"),
            ("14:05", "Payment authorised"),
            ("15:30", "Being packed"),
        ]
        .map(|(when, text)| TimelineEntry {
            when: format!("12 March 2026, {when} UTC"),
            text: text.to_owned(),
        })
        .to_vec(),
    };
    out.page(
        "confirmation.html",
        &ConfirmationPage {
            layout: private("Thank you"),
            order: order.clone(),
            payment_pending: false,
            order_href: "/order.html".to_owned(),
        }
        .render(),
    )?;
    out.page(
        "order.html",
        &OrderPage { layout: private("Order 1042"), notice: None, order }.render(),
    )?;
    out.page(
        "order-lookup.html",
        &OrderLookupPage {
            layout: private("Find your order"),
            notice: Some(Notice::new(
                Tone::Bad,
                "No order has this number and e-mail address. Check both and try again.",
            )),
            number: "1042".to_owned(),
            email: "ada@example.com".to_owned(),
            errors: Vec::new(),
        }
        .render(),
    )?;
    out.page(
        "payment-action.html",
        &PaymentActionPage {
            layout: private("Confirm your payment"),
            amount: usd(161_238),
            order_number: "1042".to_owned(),
            payment_method: "Test card ending 3155".to_owned(),
            action: "/checkout/action".to_owned(),
            hidden: vec![("token".to_owned(), "abc".to_owned())],
        }
        .render(),
    )?;
    for status in [404, 500, 503] {
        let page = ErrorPage {
            request_id: Some("req_7f3a".to_owned()),
            ..ErrorPage::new(layout(""), status)
        };
        out.page(&format!("error-{status}.html"), &page.render())?;
    }

    let document = serde_json::json!({
        "openapi": "3.1.0",
        "info": {"title": "Stoa API", "version": "1.0", "description": "Everything the storefront does, as JSON."},
        "servers": [{"url": "https://shop.example"}],
        "tags": [{"name": "Carts", "description": "What shoppers are about to buy."}],
        "paths": {
            "/api/v1/carts": {"post": {"tags": ["Carts"], "summary": "Create a cart", "parameters": [
                {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}, "description": "A repeat gets the same answer."}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewCart"}}}},
                "responses": {"201": {"description": "The cart", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cart"}}}},
                    "422": {"description": "Something is missing"}}}},
            "/api/v1/carts/{id}": {"get": {"tags": ["Carts"], "summary": "Read a cart",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The cart", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cart"}}}}}},
                "delete": {"tags": ["Carts"], "summary": "Forget a cart", "security": [{"bearer": []}], "responses": {"204": {"description": "Gone"}}}}
        },
        "components": {"schemas": {
            "NewCart": {"type": "object", "properties": {"currency": {"type": "string", "description": "An ISO 4217 code", "example": "USD"}}},
            "Money": {"type": "object", "required": ["amount", "currency"], "properties": {"amount": {"type": "integer", "example": 1299, "description": "Minor units"}, "currency": {"type": "string", "example": "USD"}}},
            "Cart": {"type": "object", "required": ["id", "total"], "properties": {"id": {"type": "string"}, "email": {"type": ["string", "null"]}, "total": {"$ref": "#/components/schemas/Money"}}}
        }}
    });
    out.page("docs.html", &ApiDocsPage::new(layout("API"), &document).render())?;

    let mut sheet = String::from(
        "<!doctype html><title>Pictures</title><link rel=stylesheet href=sheet.css><div>",
    );
    for (index, word) in picture::examples().enumerate() {
        let url = out.picture(&format!("{word} {index}"), &[word], None)?;
        sheet.push_str(&format!("<img src='{url}'>"));
    }
    for colour in ["Black", "White", "Cyan", "Cream", "Red", "Navy", "Silver", "Yellow"] {
        for title in ["Plain mug", "Tee shirt", "Laptop", "Office chair"] {
            let url = out.picture(title, &[], Some(colour))?;
            sheet.push_str(&format!("<img src='{url}'>"));
        }
    }
    out.write("sheet.css", b"div{display:grid;grid-template-columns:repeat(12,1fr);gap:6px}img{width:100%}body{margin:6px}")?;
    out.write("pictures.html", sheet.as_bytes())?;
    println!("Rendered into {folder}");
    Ok(())
}
