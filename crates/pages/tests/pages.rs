//! Every page renders, with little and with hostile data, and holds what it promises.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::Arc;

use serde_json::json;
use stoa_kernel::{Currency, Money};
use stoa_pages::docs::ApiDocsPage;
use stoa_pages::storefront::*;
use stoa_pages::{CART_COUNT_SLOT, cart_badge};

/// Breaks out of text, attributes and scripts if it is not escaped.
const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;";

fn money(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// Sample data with `text` wherever text goes; `count` of everything that repeats.
struct Sample {
    text: String,
    count: usize,
}

impl Sample {
    fn text(&self) -> String {
        self.text.clone()
    }

    fn optional(&self) -> Option<String> {
        (self.count > 0).then(|| self.text())
    }

    fn many<T>(&self, make: impl Fn() -> T) -> Vec<T> {
        (0..self.count).map(|_| make()).collect()
    }

    fn link(&self) -> Link {
        Link::new(self.text(), self.text())
    }

    fn picture(&self) -> Picture {
        Picture { url: self.text(), alt: self.text() }
    }

    fn notice(&self) -> Option<Notice> {
        self.optional().map(|text| Notice::new(Tone::Bad, text))
    }

    fn layout(&self) -> Layout {
        Layout {
            description: self.text(),
            canonical: self.optional(),
            image: self.optional(),
            json_ld: self.many(|| json!({ "name": self.text() })),
            query: self.text(),
            section: self.text(),
            ..Layout::new(
                Arc::new(Shop {
                    name: self.text(),
                    tagline: self.text(),
                    locale: String::new(),
                    announcement: self.optional(),
                    categories: self.many(|| self.link()),
                    footer: self.many(|| self.link()),
                }),
                self.text(),
            )
        }
    }

    fn card(&self) -> ProductCard {
        ProductCard {
            href: self.text(),
            title: self.text(),
            brand: self.optional(),
            picture: self.picture(),
            price: Some(money(1999)),
            compare_at: (self.count > 0).then(|| money(2999)),
            price_varies: self.count > 0,
            in_stock: self.count > 0,
            label: self.optional(),
            note: self.optional(),
        }
    }

    fn tile(&self) -> CategoryTile {
        CategoryTile {
            href: self.text(),
            name: self.text(),
            count: Some(1),
            picture: self.picture(),
            children: self.many(|| self.link()),
        }
    }

    fn facet(&self, kind: FacetKind) -> Facet {
        Facet { param: self.text(), label: self.text(), open: true, kind }
    }

    fn listing(&self) -> Listing {
        let facet_link =
            || FacetLink { label: self.text(), href: self.text(), count: Some(3), current: true };
        Listing {
            action: self.text(),
            keep: self.many(|| (self.text(), self.text())),
            total: u64::try_from(self.count).unwrap(),
            first: 1,
            products: self.many(|| self.card()),
            facets: vec![
                self.facet(FacetKind::Links(self.many(facet_link))),
                self.facet(FacetKind::Values(self.many(|| FacetValue {
                    value: self.text(),
                    label: self.text(),
                    count: 5,
                    checked: false,
                }))),
                self.facet(FacetKind::Price {
                    currency: self.text(),
                    min: self.text(),
                    max: self.text(),
                    bands: self.many(facet_link),
                }),
            ],
            chips: self.many(|| Chip { label: self.text(), remove_href: self.text() }),
            clear_href: self.text(),
            sorts: self.many(|| Choice { value: self.text(), label: self.text(), selected: true }),
            previous: self.optional(),
            next: self.optional(),
        }
    }

    fn totals(&self) -> Totals {
        Totals {
            subtotal: money(1000),
            discounts: self.many(|| AmountLine::new(self.text(), money(-100))),
            shipping: self.optional().map(|text| AmountLine::new(text, money(0))),
            taxes: self.many(|| AmountLine::new(self.text(), money(171))),
            tax_included: self.count > 1,
            total: money(900),
        }
    }

    fn summary_line(&self) -> SummaryLine {
        SummaryLine {
            title: self.text(),
            variant: self.text(),
            picture: self.picture(),
            quantity: 2,
            total: money(500),
        }
    }

    fn summary(&self) -> Summary {
        Summary { lines: self.many(|| self.summary_line()), totals: self.totals() }
    }

    fn address(&self) -> AddressForm {
        AddressForm {
            name: self.text(),
            line1: self.text(),
            line2: self.text(),
            city: self.text(),
            region: self.text(),
            postal_code: self.text(),
            country: self.text(),
        }
    }

    fn order(&self) -> OrderView {
        OrderView {
            number: self.text(),
            placed_on: self.text(),
            status: (Tone::Info, self.text()),
            payment_status: (Tone::Ok, self.text()),
            email: self.text(),
            lines: self.many(|| self.summary_line()),
            totals: self.totals(),
            shipping_address: self.many(|| self.text()),
            billing_address: self.many(|| self.text()),
            shipping_method: self.text(),
            payment_method: self.text(),
            parcels: self.many(|| Parcel {
                sent_on: self.text(),
                items: self.many(|| (3, self.text())),
                tracking: self.text(),
                link: "https://parcels.example/7".to_owned(),
            }),
            timeline: self.many(|| TimelineEntry { when: self.text(), text: self.text() }),
        }
    }

    fn product(&self) -> ProductPage {
        ProductPage {
            layout: self.layout(),
            crumbs: self.many(|| self.link()),
            title: self.text(),
            brand: (self.count > 0).then(|| self.link()),
            pictures: vec![self.picture(), self.picture()],
            variant_id: self.text(),
            sku: self.text(),
            price: (self.count > 0).then(|| money(100)),
            compare_at: (self.count > 0).then(|| money(200)),
            price_note: self.optional(),
            options: self.many(|| OptionAxis {
                name: self.text(),
                values: self.many(|| OptionValue {
                    label: self.text(),
                    href: self.text(),
                    selected: true,
                    available: false,
                }),
            }),
            stock: if self.count > 0 { Stock::Low(3) } else { Stock::Out },
            max_quantity: 3,
            promises: self.many(|| Promise {
                icon: "truck",
                title: self.text(),
                text: self.text(),
            }),
            description_html: String::new(),
            attributes: self.many(|| (self.text(), self.text())),
            related: self.many(|| self.card()),
            notice: self.notice(),
        }
    }

    fn cart(&self) -> CartPage {
        CartPage {
            layout: self.layout(),
            notices: self.notice().into_iter().collect(),
            lines: self.many(|| CartLine {
                id: self.text(),
                href: self.text(),
                title: self.text(),
                variant: self.text(),
                picture: self.picture(),
                unit_price: money(100),
                compare_at: Some(money(150)),
                quantity: 2,
                max_quantity: 5,
                total: money(200),
                notice: self.notice(),
            }),
            codes: self.many(|| AppliedCode { code: self.text(), label: self.text() }),
            code_value: self.text(),
            code_error: self.optional(),
            totals: (self.count > 0).then(|| self.totals()),
            note: self.optional(),
            can_checkout: self.count > 1,
            related: self.many(|| self.card()),
        }
    }

    fn address_page(&self) -> CheckoutAddressPage {
        CheckoutAddressPage {
            layout: self.layout(),
            summary: self.summary(),
            notice: self.notice(),
            email: self.text(),
            shipping: self.address(),
            billing_same: false,
            billing: self.address(),
            countries: self.many(|| Country { code: self.text(), name: self.text() }),
            errors: self.many(|| FieldError::new("shipping_city", self.text())),
        }
    }

    /// All pages by name.
    fn pages(&self) -> Vec<(&'static str, String)> {
        let home = HomePage {
            layout: self.layout(),
            hero: Hero {
                heading: self.text(),
                text: self.text(),
                action: self.link(),
                second: (self.count > 0).then(|| self.link()),
                products: self.many(|| self.card()),
            },
            categories: self.many(|| self.tile()),
            shelves: self.many(|| Shelf {
                heading: self.text(),
                more: Some(self.link()),
                products: self.many(|| self.card()),
            }),
            promises: Vec::new(),
        };
        let categories =
            CategoriesPage { layout: self.layout(), categories: self.many(|| self.tile()) };
        let category = CategoryPage {
            layout: self.layout(),
            crumbs: self.many(|| self.link()),
            name: self.text(),
            description: self.optional(),
            subcategories: self.many(|| self.tile()),
            listing: self.listing(),
        };
        let search = SearchPage {
            layout: self.layout(),
            correction: self
                .optional()
                .map(|shown| Correction { literal_href: Some(shown.clone()), shown }),
            listing: self.listing(),
            ideas: self.many(|| self.link()),
            popular: self.many(|| self.card()),
        };
        let shipping = CheckoutShippingPage {
            layout: self.layout(),
            summary: self.summary(),
            notice: self.notice(),
            email: self.text(),
            address: self.many(|| self.text()),
            methods: self.many(|| ShippingChoice {
                id: self.text(),
                label: self.text(),
                note: self.text(),
                price: money(490),
                selected: true,
            }),
            errors: self.many(|| FieldError::new("shipping_method", self.text())),
        };
        let payment = CheckoutPaymentPage {
            layout: self.layout(),
            summary: self.summary(),
            notice: self.notice(),
            methods: PaymentChoice::test_cards(&self.text),
            errors: self.many(|| FieldError::new("payment_token", self.text())),
        };
        let review = CheckoutReviewPage {
            layout: self.layout(),
            summary: self.summary(),
            notice: self.notice(),
            email: self.text(),
            shipping_address: self.many(|| self.text()),
            billing_address: self.many(|| self.text()),
            shipping_method: self.text(),
            payment_method: self.text(),
            hidden: self.many(|| (self.text(), self.text())),
            terms: (self.count > 0).then(|| self.link()),
        };
        let confirmation = ConfirmationPage {
            layout: self.layout(),
            order: self.order(),
            payment_pending: self.count > 1,
            order_href: self.text(),
        };
        let order = OrderPage { layout: self.layout(), notice: self.notice(), order: self.order() };
        let lookup = OrderLookupPage {
            layout: self.layout(),
            notice: self.notice(),
            number: self.text(),
            email: self.text(),
            errors: self.many(|| FieldError::new("number", self.text())),
        };
        let action = PaymentActionPage {
            layout: self.layout(),
            amount: money(900),
            order_number: self.text(),
            payment_method: self.text(),
            action: self.text(),
            hidden: self.many(|| (self.text(), self.text())),
        };
        let error = ErrorPage {
            links: self.many(|| self.link()),
            request_id: self.optional(),
            ..ErrorPage::new(self.layout(), 404)
        };
        let document = json!({
            "info": {"title": self.text(), "description": self.text()},
            "paths": {self.text(): {"get": {"summary": self.text(), "tags": [self.text()],
                "parameters": [{"name": self.text(), "description": self.text()}],
                "responses": {"200": {"description": self.text()}}}}},
        });
        vec![
            ("home", home.render()),
            ("categories", categories.render()),
            ("category", category.render()),
            ("search", search.render()),
            ("product", self.product().render()),
            ("cart", self.cart().render()),
            ("address", self.address_page().render()),
            ("shipping", shipping.render()),
            ("payment", payment.render()),
            ("review", review.render()),
            ("confirmation", confirmation.render()),
            ("order", order.render()),
            ("lookup", lookup.render()),
            ("action", action.render()),
            ("error", error.render()),
            ("docs", ApiDocsPage::new(self.layout(), &document).render()),
        ]
    }
}

fn sample(text: &str, count: usize) -> Sample {
    Sample { text: text.to_owned(), count }
}

/// The values of an attribute in the order they appear.
fn attribute<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn every_page_renders_with_nothing_and_with_plenty() {
    for (text, count) in [("", 0), ("plain", 1), ("plain", 12)] {
        for (name, html) in sample(text, count).pages() {
            assert!(html.starts_with("<!doctype html>"), "{name}");
            assert!(html.trim_end().ends_with("</html>"), "{name}");
            assert_eq!(html.matches("<h1").count(), 1, "{name} has one main heading");
            assert_eq!(html.matches("<main").count(), 1, "{name}");
            assert!(html.contains("href=\"#main\""), "{name} has a skip link");
        }
    }
}

#[test]
fn nothing_hostile_gets_through() {
    for count in [0, 2, 9] {
        for (name, html) in sample(HOSTILE, count).pages() {
            assert!(!html.contains("<script>alert"), "{name} with {count}");
            assert!(!html.contains("'><script"), "{name} with {count}");
            assert!(html.contains("alert(1)"), "{name} shows the text");
        }
    }
}

#[test]
fn pages_need_no_inline_code_and_ask_no_third_party() {
    for (name, html) in sample("plain", 9).pages() {
        assert!(!html.contains(" style=\""), "{name}");
        assert!(!html.contains("<style"), "{name}");
        assert!(!html.contains("http://") && !html.contains("//cdn"), "{name}");
        for script in html.split("<script").skip(1) {
            assert!(
                script.starts_with(" src=\"/assets/")
                    || script.starts_with(" type=\"application/ld+json\""),
                "{name}: {script}"
            );
        }
        for handler in [" onclick=", " onchange=", " onsubmit=", " onload="] {
            assert!(!html.contains(handler), "{name}");
        }
    }
}

#[test]
fn ids_are_unique_and_labels_and_descriptions_point_to_them() {
    let pages = sample("plain", 3).pages();
    for (name, html) in &pages {
        let ids = attribute(html, "id");
        let mut seen = std::collections::HashSet::new();
        for id in &ids {
            assert!(seen.insert(*id), "{name}: id {id} twice");
        }
        for field in attribute(html, "for") {
            assert!(ids.contains(&field), "{name}: label for {field}");
        }
        for described in attribute(html, "aria-describedby") {
            for id in described.split(' ') {
                assert!(ids.contains(&id), "{name}: described by {id}");
            }
        }
    }
}

#[test]
fn a_wrong_field_says_so_beside_itself_and_in_the_summary() {
    let page = CheckoutAddressPage {
        errors: vec![FieldError::new("shipping_city", "Enter the city.")],
        ..sample("kept", 0).address_page()
    };
    let html = page.render();
    assert!(html.contains("href=\"#shipping_city\""));
    assert_eq!(html.matches("Enter the city.").count(), 2);
    let field = html.split("<input").find(|part| part.contains("name=\"shipping_city\"")).unwrap();
    assert!(field.contains("aria-invalid=\"true\""));
    assert!(field.contains("aria-describedby=\"shipping_city-error\""));
    assert!(field.contains("value=\"kept\""));
    let other = html.split("<input").find(|part| part.contains("name=\"shipping_name\"")).unwrap();
    assert!(!other.split_once('>').unwrap().0.contains("aria-invalid"));
}

#[test]
fn cached_pages_leave_a_place_for_the_cart_count() {
    for (name, html) in sample("plain", 1).pages() {
        let expected = usize::from(!matches!(
            name,
            "address" | "shipping" | "payment" | "review" | "action" | "docs"
        ));
        assert_eq!(html.matches(CART_COUNT_SLOT).count(), expected, "{name}");
    }
    assert!(cart_badge(0).contains(" hidden>0<"));
    assert!(cart_badge(1).contains(">1<span class=\"visually-hidden\"> item<"));
    assert!(
        cart_badge(5000).contains("data-cart-count=\"5000\"") && cart_badge(5000).contains("999+")
    );
}

#[test]
fn the_listing_sends_what_is_chosen_and_keeps_what_was_asked() {
    let mut listing = sample("x", 0).listing();
    listing.keep = vec![("q".to_owned(), "lamp".to_owned())];
    listing.total = 40;
    listing.products = vec![sample("x", 1).card()];
    listing.first = 25;
    listing.next = Some("/search?q=lamp&cursor=abc".to_owned());
    listing.facets = vec![
        sample("brand", 0).facet(FacetKind::Values(
            (0..20)
                .map(|index| FacetValue {
                    value: format!("v{index}"),
                    label: format!("Value {index}"),
                    count: 20 - index,
                    checked: index == 15,
                })
                .collect(),
        )),
    ];
    let page = SearchPage {
        layout: sample("x", 0).layout(),
        correction: None,
        listing,
        ideas: Vec::new(),
        popular: Vec::new(),
    };
    let html = page.render();
    assert!(html.contains("<input type=\"hidden\" name=\"q\" value=\"lamp\">"));
    assert!(html.contains("<strong>25–25</strong> of 40"));
    assert!(html.contains("rel=\"next\""));
    let more = html.split_once("facet__more").unwrap();
    assert!(more.0.contains("value=\"v15\" checked"), "what is chosen is not hidden");
    assert!(more.1.contains("12 more") && more.1.contains("value=\"v19\""));
    assert_eq!(html.matches("type=\"checkbox\"").count(), 20);
}

#[test]
fn what_cannot_be_bought_has_no_button() {
    let sold_out = sample("plain", 0).product().render();
    assert!(sold_out.contains("Out of stock") && !sold_out.contains("Add to cart"));
    let in_stock = sample("plain", 1).product().render();
    assert!(in_stock.contains("Add to cart") && in_stock.contains("Only 3 left"));
    assert!(in_stock.contains("Save 50 %"));
    let blocked = sample("plain", 1).cart().render();
    assert!(!blocked.contains("href=\"/checkout/address\""));
    let open = sample("plain", 2).cart().render();
    assert!(open.contains("href=\"/checkout/address\""));
}
