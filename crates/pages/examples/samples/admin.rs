//! Sample data for every page of the back office: for looking at and for tests.

use stoa_kernel::{Currency, Money, Timestamp};
use stoa_pages::admin::*;

/// The time the samples are shown at: 2026-11-24 13:30 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_527_000_000_000);

/// What stands wherever text of others is shown: no page may let it through as it is.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script>\"&";

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn ago(minutes: i64) -> Timestamp {
    NOW.plus_seconds(-60 * minutes)
}

/// A frame with a token that is easy to find.
pub(crate) fn frame(section: Section) -> Frame {
    Frame {
        shop: "Harbour & Pine".into(),
        user: "Ada Owner".into(),
        email: "ada@harbour-pine.example".into(),
        csrf: "sample-csrf-token".into(),
        section,
        n_attention: 2,
        notice: None,
    }
}

fn picture(title: &str, path: &str) -> Picture {
    Picture { url: format!("{path}.svg"), alt: title.into() }
}

const GOODS: &[(&str, &str, &str, i64, i64, &str)] = &[
    ("Harbour Stoneware Mug", "Field & Kiln", "Kitchen", 2_400, 148, "active"),
    ("Meridian 14 Laptop", "Northlake", "Computers", 129_900, 4, "active"),
    ("Fjord Wool Beanie", "Tarn", "Fashion", 3_800, 62, "active"),
    (
        "Arc Desk Lamp with a rather long name for its kind of thing",
        "Lumen",
        "Home",
        8_900,
        0,
        "active",
    ),
    ("Trailhead 28 l Backpack", "Tarn", "Outdoor", 14_500, 17, "draft"),
    ("Huila Coffee Beans", "Slow Harbour", "Kitchen", 1_650, 320, "active"),
    ("Pitch Over-ear Headphones", "Northlake", "Electronics", 22_900, 3, "active"),
    ("Oak Coffee Table", "Joinery", "Home", 39_900, 8, "archived"),
];

fn order_rows() -> Vec<OrderRow> {
    let people = [
        ("Grace Winter", "grace@mail.example", "placed", "paid"),
        ("Jörg Fährmann", "joerg.faehrmann@post.example", "placed", "refund_pending"),
        ("Aiko Mori", "aiko@mori.example", "pending", "requires_action"),
        ("Sam Okafor", "sam.okafor@mail.example", "cancelled", "refunded"),
        ("Lucía Peña", "lucia@correo.example", "failed", "declined"),
        ("Noor Haddad", "noor@haddad.example", "placed", "paid"),
        (
            "Maximiliane von Hohenberg-Rosenthal",
            "m.hohenberg@verylongdomain.example",
            "placed",
            "paid",
        ),
    ];
    let rows = (0_i64..).zip(people).map(|(index, (customer, email, status, payment))| OrderRow {
        href: format!("/admin/orders/ord_{index}"),
        name: if status == "pending" || status == "failed" {
            "…k3f9a".into()
        } else {
            format!("#{}", 1_042 - index)
        },
        at: ago(index * 47 + 3),
        customer: customer.into(),
        email: email.into(),
        n_items: index % 4 + 1,
        total: usd(4_990 + index * 13_337),
        status: status.into(),
        payment_status: payment.into(),
        fulfilment_status: "unfulfilled".into(),
    });
    rows.collect()
}

/// A busy day.
pub(crate) fn dashboard() -> DashboardPage {
    let revenue = [412, 655, 380, 290, 0, 512, 840, 730, 610, 455, 390, 980, 1_204, 743];
    let days = (0_i64..).zip(revenue).map(|(index, amount)| DaySales {
        day: NOW.start_of_day().plus_seconds((index - 13) * 86_400),
        orders: amount / 61,
        revenue: usd(amount * 100 + 37),
    });
    DashboardPage {
        frame: frame(Section::Dashboard),
        now: NOW,
        today: Sales { orders: 12, revenue: usd(74_337) },
        yesterday_so_far: Sales { orders: 9, revenue: usd(81_120) },
        days: days.collect(),
        latest: order_rows(),
        low_stock: vec![
            LowStock {
                href: "/admin/products/prod_3".into(),
                title: "Arc Desk Lamp, Cream".into(),
                sku: "LAMP-ARC-CREAM".into(),
                available: 0,
            },
            LowStock {
                href: "/admin/products/prod_6".into(),
                title: "Pitch Over-ear Headphones, Midnight blue".into(),
                sku: "HP-PITCH-BLUE".into(),
                available: 3,
            },
        ],
        attention: vec![
            Attention {
                href: "/admin/orders/ord_1".into(),
                order: "#1041".into(),
                reason: "The refund has not been confirmed by the provider.".into(),
                since: ago(190),
            },
            Attention {
                href: "/admin/orders/ord_2".into(),
                order: "…k3f9a".into(),
                reason: "The shopper has not confirmed the payment.".into(),
                since: ago(25),
            },
        ],
        n_products: 312,
    }
}

/// A shop on its first day.
pub(crate) fn dashboard_empty() -> DashboardPage {
    let none = Sales { orders: 0, revenue: usd(0) };
    let days = (-13_i64..=0).map(|offset| DaySales {
        day: NOW.start_of_day().plus_seconds(offset * 86_400),
        orders: 0,
        revenue: usd(0),
    });
    DashboardPage {
        frame: Frame { n_attention: 0, ..frame(Section::Dashboard) },
        now: NOW,
        today: none,
        yesterday_so_far: none,
        days: days.collect(),
        latest: vec![],
        low_stock: vec![],
        attention: vec![],
        n_products: 0,
    }
}

/// The list of orders.
pub(crate) fn orders() -> OrderListPage {
    let tab = |label: &str, status: &str, n| OrderTab {
        label: label.into(),
        href: format!("/admin/orders?status={status}"),
        selected: status.is_empty(),
        n,
    };
    OrderListPage {
        frame: frame(Section::Orders),
        tabs: vec![
            tab("All", "", Some(1_843)),
            tab("Needs attention", "attention", Some(2)),
            tab("Placed", "placed", Some(1_790)),
            tab("Pending", "pending", Some(3)),
            tab("Cancelled", "cancelled", Some(41)),
            tab("Failed", "failed", None),
        ],
        status: String::new(),
        query: String::new(),
        rows: order_rows(),
        pager: Pager {
            first: Some("/admin/orders".into()),
            next: Some("/admin/orders?after=x".into()),
            total: Some(1_843),
        },
    }
}

/// A list without a match.
pub(crate) fn orders_empty() -> OrderListPage {
    OrderListPage { query: "9999".into(), rows: vec![], pager: Pager::default(), ..orders() }
}

fn parcel(number: i64, is_cancelled: bool) -> Parcel {
    Parcel {
        href: format!("/admin/orders/ord_1/fulfilments/ful_{number}"),
        name: format!("#1042-{number}"),
        is_cancelled,
        at: ago(20),
        items: vec![(2, GOODS[0].0.into(), "Sage".into())],
        tracking: if is_cancelled { "DHL 0034043".into() } else { "UPS 1Z999AA10123456784".into() },
        link: if is_cancelled { String::new() } else { "https://www.ups.com/track".into() },
    }
}

fn tracking() -> TrackingForm {
    TrackingForm { carrier: "UPS".into(), number: "1Z999AA1".into(), url: String::new() }
}

fn open_line(index: usize, variant: &str, open: i64, quantity: &str) -> OpenLine {
    OpenLine {
        id: format!("line_{index}"),
        title: GOODS[index].0.into(),
        variant: variant.into(),
        sku: format!("SKU-{index}-{}", variant.len()),
        open,
        quantity: quantity.into(),
    }
}

/// A parcel, with an address that is none.
pub(crate) fn fulfilment() -> FulfilmentPage {
    FulfilmentPage {
        frame: frame(Section::Orders),
        order_href: "/admin/orders/ord_1".into(),
        order_name: "#1042".into(),
        version: 5,
        parcel: parcel(2, false),
        tracking: TrackingForm { url: "parcels.example".into(), ..tracking() },
        errors: vec![FieldError::new("tracking/url", "Enter an address that begins with https://")],
    }
}

/// An order that was paid.
pub(crate) fn order() -> OrderPage {
    let line = |index: usize, variant: &str, quantity: i64, discount: i64| {
        let (title, _, _, price, _, _) = GOODS[index];
        OrderLine {
            href: (index != 5).then(|| format!("/admin/products/prod_{index}")),
            title: title.into(),
            variant: variant.into(),
            sku: format!("SKU-{index}-{}", variant.len()),
            picture: picture(title, &format!("pictures/{index}")),
            quantity,
            fulfilled: i64::from(index == 0) * 2,
            unit_price: usd(price),
            discount: usd(discount),
            tax: usd(price * quantity / 12),
            total: usd(price * quantity - discount),
        }
    };
    let posting =
        |account: &str, minor| LedgerPosting { account: account.into(), amount: usd(minor) };
    let movement = |kind: &str, sku: &str, reserved| StockMovement {
        at: ago(31),
        kind: kind.into(),
        sku: sku.into(),
        location: "Main warehouse".into(),
        on_hand_delta: 0,
        reserved_delta: reserved,
    };
    let event = |kind: &str, detail: &str, minutes| OrderEvent {
        kind: kind.into(),
        detail: detail.into(),
        at: ago(minutes),
    };
    OrderPage {
        frame: Frame {
            notice: Some(Notice::new(Tone::Ok, "The address was copied.")),
            ..frame(Section::Orders)
        },
        id: "ord_01mcc5rm00e00a7jz1whck43eq".into(),
        name: "#1042".into(),
        status: "placed".into(),
        version: 3,
        at: ago(30),
        email: "grace@mail.example".into(),
        customer: Some("/admin/customers/cus_01".into()),
        shipping_address: ["Grace Winter", "4 Quay Street", "Galway H91 X2Y3", "Ireland"]
            .map(String::from)
            .to_vec(),
        billing_address: vec![],
        lines: vec![
            line(0, "Sage", 2, 480),
            line(6, "Midnight blue", 1, 2_290),
            line(5, "", 3, 495),
        ],
        totals: OrderTotals {
            subtotal: usd(32_650),
            discount: usd(3_265),
            discount_code: Some("WELCOME10".into()),
            shipping: usd(590),
            shipping_method: "Standard".into(),
            taxes: vec![("VAT 23 %".into(), usd(5_605))],
            tax_included: true,
            total: usd(29_975),
        },
        fulfilment_status: "partially_fulfilled".into(),
        parcels: vec![parcel(1, true), parcel(2, false)],
        fulfil: Some(FulfilForm {
            lines: vec![open_line(6, "Midnight blue", 1, "1"), open_line(5, "", 3, "4")],
            tracking: tracking(),
            notify: true,
            errors: vec![FieldError::new("line_5", "SKU-5-0: 3 wait to be sent")],
        }),
        payment: PaymentFacts {
            id: "pay_01mcc5rm00e00a7jz1whck43eq".into(),
            provider: "test".into(),
            status: "paid".into(),
            amount: usd(29_975),
            reference: Some("test_ch_8f2kq01".into()),
            detail: None,
        },
        ledger: vec![LedgerEntry {
            kind: "capture".into(),
            at: ago(30),
            postings: vec![
                posting("provider:test", 29_975),
                posting("sales", -23_890),
                posting("shipping", -480),
                posting("tax_payable", -5_605),
            ],
        }],
        movements: vec![movement("reserve", "SKU-0-4", 2), movement("reserve", "SKU-6-13", 1)],
        steps: vec![
            WorkflowStep {
                name: "reserve_stock".into(),
                state: "done".into(),
                at: Some(ago(25)),
                ..WorkflowStep::default()
            },
            WorkflowStep {
                name: "return_payment".into(),
                state: "waiting".into(),
                tries: 2,
                next_at: Some(NOW),
                error: HOSTILE.into(),
                ..WorkflowStep::default()
            },
        ],
        timeline: vec![
            event("order.placed", "", 30),
            event("payment.captured", "$299.75", 30),
            event("order.pending", "", 31),
        ],
        can_cancel: true,
        reasons: reasons(),
    }
}

fn reasons() -> Vec<Choice> {
    ["Asked for by the customer", "Cannot be delivered", "Suspected fraud", "Other"]
        .map(|reason| Choice::new(reason, reason))
        .to_vec()
}

/// The question before an order is cancelled.
pub(crate) fn confirm() -> ConfirmPage {
    ConfirmPage {
        frame: frame(Section::Orders),
        title: "Cancel order #1042?".into(),
        text: "Its stock is released and $299.75 goes back to the shopper. This cannot be undone."
            .into(),
        action: "/admin/orders/ord_1/cancel".into(),
        verb: "Cancel order".into(),
        back: "/admin/orders/ord_1".into(),
        back_label: "#1042".into(),
        version: 3,
        reasons: reasons(),
    }
}

/// The list of products.
pub(crate) fn products() -> ProductListPage {
    let rows =
        (0_i64..).zip(GOODS).map(|(index, (title, brand, category, price, stock, status))| {
            ProductRow {
                href: format!("/admin/products/prod_{index}"),
                title: (*title).into(),
                picture: picture("", &format!("pictures/{index}")),
                brand: Some((*brand).into()),
                category: (index != 4).then(|| (*category).into()),
                status: (*status).into(),
                prices: (index != 7).then(|| (usd(*price), usd(*price + index % 2 * 1_000))),
                n_variants: index % 3 * 4 + 1,
                available: *stock,
                updated_at: ago(index * 1_234 + 5),
            }
        });
    ProductListPage {
        frame: frame(Section::Products),
        query: String::new(),
        status: String::new(),
        stock: String::new(),
        category: String::new(),
        categories: categories(),
        rows: rows.collect(),
        pager: Pager {
            first: None,
            next: Some("/admin/products?after=x".into()),
            total: Some(312),
        },
    }
}

/// A catalogue without products.
pub(crate) fn products_empty() -> ProductListPage {
    ProductListPage { rows: vec![], pager: Pager::default(), ..products() }
}

fn categories() -> Vec<Choice> {
    ["Computers", "Electronics", "Fashion", "Home", "Home / Lamps", "Kitchen", "Outdoor"]
        .map(|name| Choice::new(name, name))
        .to_vec()
}

/// A stored product.
pub(crate) fn product() -> ProductPage {
    let variant = |colour: &str, size: &str, price: &str| VariantForm {
        id: format!("var_{colour}_{size}"),
        options: vec![colour.into(), size.into()],
        sku: format!("MUG-{}-{size}", colour.to_uppercase()),
        barcode: "4006381333931".into(),
        price: price.into(),
        compare_at: if size == "L" { "32.00".into() } else { String::new() },
        weight_g: "340".into(),
        remove: false,
    };
    let stock = |variant: &str, sku: &str, on_hand: i64, reserved| StockRow {
        variant: variant.into(),
        sku: sku.into(),
        location: "default".into(),
        location_name: "Main warehouse".into(),
        on_hand,
        reserved,
        entered: on_hand.to_string(),
        error: None,
    };
    let html = "<p>Thrown by hand and glazed in three colours. <strong>Dishwasher safe.</strong></p>\
                <ul><li>350 ml</li><li>Stoneware</li></ul>";
    ProductPage {
        frame: frame(Section::Products),
        saved: Some(SavedProduct {
            id: "prod_01mcc5rm00e00a7jz1whck43eq".into(),
            version: 7,
            handle: "harbour-stoneware-mug".into(),
            shop_href: Some("/products/harbour-stoneware-mug".into()),
            updated_at: ago(90),
        }),
        form: ProductForm {
            title: "Harbour Stoneware Mug".into(),
            handle: "harbour-stoneware-mug".into(),
            status: "active".into(),
            brand: "Field & Kiln".into(),
            category: "Kitchen".into(),
            vendor: "blue-kiln".into(),
            product_type: "Mug".into(),
            tags: "stoneware, handmade, gift".into(),
            description_html: html.into(),
            media: "https://cdn.example/mug-sage.jpg A sage mug on a table".into(),
            options: vec!["Colour".into(), "Size".into()],
            variants: vec![
                variant("Sage", "S", "24.00"),
                variant("Sage", "L", "28.00"),
                variant("Chalk", "S", "24.00"),
                variant("Chalk", "L", "28.00"),
            ],
            attributes: [
                ("material", "Material", "text", "Stoneware", ""),
                ("volume", "Volume", "number", "350", "ml"),
                ("dishwasher_safe", "Dishwasher safe", "boolean", "yes", ""),
            ]
            .map(|(key, label, kind, value, unit)| AttributeForm {
                key: key.into(),
                label: label.into(),
                kind: kind.into(),
                value: value.into(),
                unit: unit.into(),
            })
            .into(),
        },
        errors: vec![],
        vendors: vec![Choice::new("blue-kiln", "Blue Kiln")],
        categories: categories(),
        brands: vec!["Field & Kiln".into(), "Northlake".into()],
        preview_html: html.into(),
        preview_open: false,
        pictures: vec![
            picture("Sage", "pictures/0"),
            picture("Chalk", "pictures/2"),
            picture("Both", "pictures/5"),
        ],
        currency: "USD".into(),
        stock: vec![
            stock("Sage / S", "MUG-SAGE-S", 40, 2),
            stock("Sage / L", "MUG-SAGE-L", 6, 2),
            stock("Chalk / S", "MUG-CHALK-S", 0, 0),
            stock("Chalk / L", "MUG-CHALK-L", 118, 11),
        ],
    }
}

/// The same after a save that was refused, with stock that changed in between.
pub(crate) fn product_refused() -> ProductPage {
    let mut page = product();
    page.form.title = String::new();
    page.form.variants[1].price = "12,50".into();
    page.form.variants[2].sku = "MUG-SAGE-S".into();
    page.form.variants[3].remove = true;
    page.preview_open = true;
    page.errors = vec![
        FieldError::new("title", "Title: must not be empty"),
        FieldError::new("variants/1/prices/0/price", "Price of variant 2: an amount such as 12.50"),
        FieldError::new("variants/2/sku", "SKU of variant 3: used twice in this product"),
    ];
    page.stock[0].on_hand = 37;
    page.stock[0].entered = "45".into();
    page.stock[0].error = Some("It is 37 now, it was 40 when you opened this page.".into());
    page
}

/// A product to be made.
pub(crate) fn product_new() -> ProductPage {
    ProductPage {
        frame: frame(Section::Products),
        form: ProductForm {
            status: "draft".into(),
            variants: vec![VariantForm::default()],
            ..ProductForm::default()
        },
        categories: categories(),
        currency: "USD".into(),
        ..ProductPage::default()
    }
}

/// A shop that is well, save for one follower.
pub(crate) fn system() -> SystemPage {
    SystemPage {
        frame: frame(Section::System),
        faults: vec![],
        groups: vec![
            SystemGroup {
                title: "Engine".into(),
                text: "Takes what is asked for in batches, one transaction each.".into(),
                facts: vec![
                    Fact::new("Waiting", "0 of 8,192").judged(Tone::Ok, "Idle"),
                    Fact::new("Largest batch", "512 commands"),
                ],
            },
            SystemGroup {
                title: "Search".into(),
                text: "Follows the catalogue; can be rebuilt at any time.".into(),
                facts: vec![
                    Fact::new("Products in the index", "312"),
                    Fact::new("Size on disk", "1.4 MiB"),
                ],
            },
            SystemGroup {
                title: "Data".into(),
                text: "Everything the shop knows is in one directory.".into(),
                facts: vec![
                    Fact::new("Directory", "/var/lib/stoa"),
                    Fact::new("Database", "18.2 MiB"),
                    Fact::new("Version", "0.1.0"),
                ],
            },
        ],
        head: 48_213,
        followers: vec![
            Follower { name: "search".into(), position: 48_213, lag: 0 },
            Follower { name: "cache".into(), position: 48_190, lag: 23 },
            Follower { name: "reports".into(), position: 40_000, lag: 8_213 },
        ],
    }
}

fn tabs(labels: &[&str]) -> Vec<OrderTab> {
    let tab = |(n, label): (usize, &&str)| OrderTab {
        label: (*label).into(),
        href: "#main".into(),
        selected: n == 0,
        n: i64::try_from(n).ok(),
    };
    labels.iter().enumerate().map(tab).collect()
}

/// Jobs that wait.
pub(crate) fn jobs() -> JobListPage {
    let row = |title: &str, sub: &str, progress: &str, error: &str| JobRow {
        href: Some("/admin/jobs/job_01".into()),
        title: title.into(),
        sub: sub.into(),
        at: ago(3),
        tries: "2 of 10".into(),
        progress: progress.into(),
        error: error.into(),
    };
    JobListPage {
        frame: frame(Section::Jobs),
        engine: "RabbitMQ".into(),
        trouble: Some("no answer within 15 s".into()),
        tabs: tabs(&["Waiting", "Running", "Dead letters", "Schedules"]),
        at_label: "Due".into(),
        rows: vec![
            row("Send a mail", "mail.send", "", "the mail server is away: timed out"),
            row("Rebuild the search index", "search.rebuild", "1,200 of 5,000", HOSTILE),
        ],
        ..JobListPage::default()
    }
}

/// The event log.
pub(crate) fn events() -> EventListPage {
    let row = |offset, kind: &str, subject: &str| EventRow {
        offset,
        kind: kind.into(),
        subject: subject.into(),
        at: ago(3),
    };
    EventListPage {
        frame: frame(Section::Events),
        kinds: vec!["order.placed".into(), "stock.changed".into()],
        kind: "order.*".into(),
        subject: HOSTILE.into(),
        rows: vec![row(48_213, "order.placed", "order/ord_01"), row(48_212, HOSTILE, HOSTILE)],
        ..EventListPage::default()
    }
}

/// One event.
pub(crate) fn event() -> EventPage {
    EventPage {
        frame: frame(Section::Events),
        kind: "order.placed".into(),
        subject: "order/ord_01".into(),
        subject_href: "/admin/events?subject=order%2Ford_01".into(),
        at: ago(3),
        json: format!("{{\n  \"type\": \"{HOSTILE}\"\n}}"),
    }
}

/// Who follows the event log.
pub(crate) fn subscribers() -> SubscriberListPage {
    let row = |name: &str, title: &str, lag| SubscriberRow {
        name: name.into(),
        title: title.into(),
        offset: 48_213 - lag,
        lag,
        seconds: lag / 100,
        ..SubscriberRow::default()
    };
    SubscriberListPage {
        frame: frame(Section::Events),
        rows: vec![
            row("search", "Search index", 0),
            row("copies", "Copies in memory", 23),
            row("warehouse", "Reader outside", 8_213),
            SubscriberRow {
                attempts: 4,
                failing_since: Some(ago(12)),
                retry_at: Some(NOW),
                error: Some(HOSTILE.into()),
                ..row("mail", "Mails to customers", 310)
            },
        ],
    }
}

/// What is done at set times.
pub(crate) fn schedules() -> JobListPage {
    JobListPage {
        rows: vec![],
        trouble: None,
        schedules: vec![
            ScheduleRow {
                name: "carts.purge".into(),
                title: "Forget old carts".into(),
                cron: "20 3 * * *".into(),
                next_at: Some(NOW),
                last_at: Some(ago(600)),
            },
            ScheduleRow { name: "x".into(), title: "New".into(), ..ScheduleRow::default() },
        ],
        ..jobs()
    }
}

/// A job that was given up, edited wrongly.
pub(crate) fn job() -> JobPage {
    JobPage {
        frame: frame(Section::Jobs),
        id: "job_01".into(),
        title: "Send a mail".into(),
        kind: "mail.send".into(),
        state: "dead".into(),
        facts: vec![("Tries".into(), "20 of 20".into())],
        times: vec![("Given up".into(), ago(30))],
        error: Some(HOSTILE.into()),
        args: "{ \"mail\": \"mail_01\" ".into(),
        is_later: false,
        errors: vec![FieldError::new("args", "Arguments: EOF while parsing an object.")],
    }
}

/// Mails.
pub(crate) fn mails() -> MailListPage {
    let row = |title: &str, state: &str, error: &str| MailRow {
        href: "/admin/mails/mail_01".into(),
        title: title.into(),
        to: "grace@mail.example".into(),
        at: ago(12),
        state: state.into(),
        error: error.into(),
    };
    MailListPage {
        frame: frame(Section::Mails),
        sends: false,
        tabs: tabs(&["All", "Waiting", "Sent"]),
        rows: vec![
            row("Your order #1042 at Harbour & Pine", "sent", ""),
            row(HOSTILE, "failed", "550 no such mailbox"),
            row("Refund", "kept", ""),
        ],
        ..MailListPage::default()
    }
}

/// One mail.
pub(crate) fn mail() -> MailPage {
    MailPage {
        frame: frame(Section::Mails),
        id: "mail_01".into(),
        subject: HOSTILE.into(),
        to: "grace@mail.example".into(),
        language: "English".into(),
        state: "sent".into(),
        at: ago(12),
        sent_at: Some(ago(11)),
        message_id: "0123@harbour-pine.example".into(),
        text: Some("Thank you, Grace!".into()),
        can_send: true,
        ..MailPage::default()
    }
}

/// Texts of mails.
pub(crate) fn mail_templates() -> TemplateListPage {
    TemplateListPage {
        frame: frame(Section::Mails),
        rows: vec![TemplateRow {
            title: "Order confirmation".into(),
            text: "When an order is placed.".into(),
            languages: vec![
                ("English".into(), "/admin/mails/templates/order_confirmation/en".into(), true),
                ("German".into(), "/admin/mails/templates/order_confirmation/de".into(), false),
            ],
        }],
    }
}

/// A text that is wrong.
pub(crate) fn mail_template() -> TemplatePage {
    TemplatePage {
        frame: frame(Section::Mails),
        title: "Order confirmation".into(),
        language: "English".into(),
        action: "/admin/mails/templates/order_confirmation/en".into(),
        subject: "Your order {{ order.number }}".into(),
        body: HOSTILE.into(),
        is_changed: true,
        errors: vec![FieldError::new("body", "The text in line 3: undefined value.")],
        names: vec![("{{ items }}".into(), "The goods and sums".into())],
    }
}

/// Who runs the shop.
pub(crate) fn people() -> PeoplePage {
    PeoplePage {
        frame: frame(Section::People),
        people: vec![("Ada Owner".into(), "ada@harbour-pine.example".into())],
        invited: vec![(HOSTILE.into(), NOW)],
        errors: vec![FieldError::new("email", "E-mail address: someone has it already.")],
        ..PeoplePage::default()
    }
}

/// What was nearly sold.
pub(crate) fn carts() -> CartListPage {
    let row = |email: &str, customer: &str, minor, status: &str| CartRow {
        href: "/admin/carts/acart_01".into(),
        email: email.into(),
        customer: customer.into(),
        at: NOW,
        n_items: 2,
        total: usd(minor),
        status: status.into(),
    };
    let tab = |label: &str, n, selected| OrderTab {
        label: label.into(),
        href: "/admin/carts".into(),
        selected,
        n: Some(n),
    };
    CartListPage {
        frame: frame(Section::Carts),
        tabs: vec![tab("All", 3, true), tab("Abandoned", 2, false), tab("Recovered", 1, false)],
        status: String::new(),
        rows: vec![
            row("marta@example.com", "Marta Ruiz", 5_400, "abandoned"),
            row(HOSTILE, HOSTILE, 1_900, "recovered"),
            row("a.very.long.address.of.somebody@a-very-long-domain.example", "", 990, "abandoned"),
        ],
        pager: Pager { next: Some("/admin/carts?after=acart_01".into()), ..Pager::default() },
    }
}

/// None of it.
pub(crate) fn carts_empty() -> CartListPage {
    CartListPage { frame: frame(Section::Carts), ..CartListPage::default() }
}

/// One abandoned cart.
pub(crate) fn cart() -> CartPage {
    let line = |title: &str, href: Option<&str>| CartLine {
        href: href.map(str::to_owned),
        title: title.into(),
        variant: "Cream / Large".into(),
        sku: "MUG-CREAM".into(),
        picture: Picture { url: "/media/products/mug.svg".into(), alt: String::new() },
        quantity: 2,
        unit_price: usd(2_400),
    };
    CartPage {
        frame: frame(Section::Carts),
        email: "marta@example.com".into(),
        shipping_address: vec!["Marta Ruiz".into(), "Ring 1".into(), "10115 Berlin".into()],
        at: NOW,
        updated_at: NOW,
        lines: vec![line("Harbour Mug", Some("/admin/products/prod_01")), line(HOSTILE, None)],
        total: usd(5_400),
        status: "recovered".into(),
        order: Some(("/admin/orders/ord_01".into(), "#1042".into())),
    }
}

/// Who buys.
pub(crate) fn customers() -> CustomerListPage {
    let row = |name: &str, email: &str, n_orders, spent| CustomerRow {
        href: "/admin/customers/cus_01".into(),
        name: name.into(),
        email: email.into(),
        since: NOW,
        n_orders,
        spent,
    };
    CustomerListPage {
        frame: frame(Section::Customers),
        query: HOSTILE.into(),
        rows: vec![
            row("Marta Ruiz", "marta@example.com", 12, vec![usd(120_400)]),
            row(HOSTILE, HOSTILE, 0, Vec::new()),
        ],
        pager: Pager { total: Some(1_204), ..Pager::default() },
    }
}

/// Nobody.
pub(crate) fn customers_empty() -> CustomerListPage {
    CustomerListPage { frame: frame(Section::Customers), ..CustomerListPage::default() }
}

/// One of them.
pub(crate) fn customer() -> CustomerPage {
    CustomerPage {
        frame: frame(Section::Customers),
        id: "cus_01".into(),
        version: 3,
        known_as: HOSTILE.into(),
        email: "marta@example.com".into(),
        since: NOW,
        n_orders: 2,
        spent: vec![usd(120_400)],
        rows: orders().rows,
        name: String::new(),
        note: HOSTILE.into(),
        errors: vec![FieldError::new("name", "Name: one line of 1 to 500 bytes.")],
    }
}

/// Others who sell here.
pub(crate) fn vendors() -> VendorListPage {
    let row = |name: &str, handle: &str, status, n_products| VendorRow {
        id: "vnd_01".into(),
        name: name.into(),
        handle: handle.into(),
        email: format!("{handle}@example.com"),
        status: Badge::vendor(status),
        n_products,
    };
    VendorListPage {
        frame: frame(Section::Vendors),
        rows: vec![row("Blue Kiln", "blue-kiln", "active", 12), row(HOSTILE, "x", "suspended", 0)],
        pager: Pager { next: Some("/admin/vendors?after=vnd_01".into()), ..Pager::default() },
        name: HOSTILE.into(),
        email: "kiln".into(),
        errors: vec![FieldError::new("email", "E-mail: an address such as name@example.com.")],
    }
}

/// One of them.
pub(crate) fn vendor() -> VendorPage {
    VendorPage {
        frame: frame(Section::Vendors),
        id: "vnd_01".into(),
        handle: "blue-kiln".into(),
        version: 3,
        name: HOSTILE.into(),
        email: "kiln@example.com".into(),
        status: "suspended".into(),
        errors: Vec::new(),
    }
}

fn webhook_form() -> WebhookForm {
    WebhookForm {
        url: "https://books.example/hooks/orders".into(),
        events: "order.*\npayment.captured".into(),
        description: HOSTILE.into(),
        state: "on".into(),
        errors: Vec::new(),
    }
}

/// Programs elsewhere that are told of events.
pub(crate) fn webhooks() -> WebhookListPage {
    let row = |url: &str, is_enabled, breaker: &str, n_waiting| WebhookRow {
        id: "webh_01".into(),
        url: url.into(),
        description: HOSTILE.into(),
        events: "order.*, payment.captured".into(),
        is_enabled,
        breaker: breaker.into(),
        n_waiting,
    };
    let long = "https://stock.example/a/rather/long/address/that/has/to/break/somewhere";
    WebhookListPage {
        frame: frame(Section::Webhooks),
        rows: vec![
            row("https://books.example/hooks/orders", true, "closed", 3),
            row(long, true, "open", 12_040),
            row("https://old.example/hook", true, "gone", 0),
            row("https://off.example/hook", false, "closed", 0),
        ],
    }
}

/// The form for one more.
pub(crate) fn webhook_new() -> NewWebhookPage {
    let wrong = FieldError::new("events", "Events: `orders.*` is not a type of events.");
    NewWebhookPage {
        frame: frame(Section::Webhooks),
        form: WebhookForm { errors: vec![wrong], ..webhook_form() },
        kinds: vec!["order.placed".into(), "stock.changed".into()],
    }
}

fn deliveries() -> Vec<DeliveryRow> {
    let row = |state: &str, tries| DeliveryRow {
        id: "whd_01".into(),
        kind: "order.placed".into(),
        subject: "order/ord_01JB4Z6S7WQ2M0Y8N3K5T9V1XA".into(),
        state: state.into(),
        tries,
        created_at: ago(3),
        next_at: (state == "waiting").then(|| ago(-2)),
    };
    vec![row("waiting", 2), row("delivered", 1), row("failed", 14)]
}

/// One that fails, with a new secret.
pub(crate) fn webhook() -> WebhookPage {
    let form = webhook_form();
    WebhookPage {
        frame: frame(Section::Webhooks),
        id: "webh_01".into(),
        url: form.url.clone(),
        version: 3,
        is_enabled: true,
        breaker: "open".into(),
        failures: 41,
        failing_since: Some(ago(90)),
        probe_at: Some(ago(-1)),
        form,
        secret: Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()),
        old_secret_until: Some(ago(-1_400)),
        tabs: vec![
            OrderTab { label: "All".into(), href: "?".into(), selected: true, n: Some(1_240) },
            OrderTab { label: "Given up".into(), href: "?".into(), selected: false, n: Some(1) },
        ],
        rows: deliveries(),
        pager: Pager {
            next: Some("/admin/webhooks/webh_01?after=whd_01".into()),
            ..Pager::default()
        },
        from: String::new(),
        to: String::new(),
    }
}

/// What one try after the other was answered.
pub(crate) fn delivery() -> DeliveryPage {
    let attempt = |number, status, error: Option<&str>, answer: &str| AttemptRow {
        number,
        at: ago(20 - number),
        status,
        error: error.map(str::to_owned),
        answer: answer.into(),
        duration_ms: 132,
    };
    DeliveryPage {
        frame: frame(Section::Webhooks),
        webhook: "webh_01".into(),
        url: "https://books.example/hooks/orders".into(),
        row: deliveries().remove(2),
        offset: 4_711,
        finished_at: Some(ago(1)),
        body: "{\n  \"specversion\": \"1.0\"\n}".into(),
        attempts: vec![
            attempt(1, None, Some("connection refused"), ""),
            attempt(2, Some(500), None, HOSTILE),
            attempt(3, Some(200), None, "ok"),
        ],
    }
}

/// For who forgot the password.
pub(crate) fn forgot() -> ForgotPage {
    ForgotPage {
        shop: "Harbour & Pine".into(),
        csrf: "sample-csrf-token".into(),
        notice: None,
        asks: true,
    }
}

/// Sets the first password of someone who was invited.
pub(crate) fn new_password() -> NewPasswordPage {
    NewPasswordPage {
        shop: "Harbour & Pine".into(),
        title: "Welcome".into(),
        action: "/admin/invitation/0123".into(),
        csrf: "sample-csrf-token".into(),
        email: "grace@mail.example".into(),
        name: Some(HOSTILE.into()),
        errors: vec![FieldError::new("repeat", "The two passwords differ.")],
    }
}

/// The door.
pub(crate) fn sign_in() -> SignInPage {
    SignInPage {
        shop: "Harbour & Pine".into(),
        csrf: "sample-csrf-token".into(),
        next: "/admin".into(),
        ..SignInPage::default()
    }
}

/// The door after a wrong password.
pub(crate) fn sign_in_refused() -> SignInPage {
    SignInPage {
        email: "ada@harbour-pine.example".into(),
        notice: Some(Notice::new(Tone::Bad, "The e-mail address or the password is wrong.")),
        ..sign_in()
    }
}

/// The first day.
pub(crate) fn set_up() -> SetUpPage {
    SetUpPage {
        shop: "Harbour & Pine".into(),
        action: "/admin/setup/0123".into(),
        csrf: "sample-csrf-token".into(),
        name: "Ada".into(),
        email: "ada@harbour-pine.example".into(),
        errors: vec![FieldError::new("password", "Password: at least 12 characters")],
    }
}

/// Something that is not there.
pub(crate) fn error() -> ErrorPage {
    ErrorPage {
        frame: frame(Section::Orders),
        title: "There is no such order".into(),
        text: "It may never have existed. Search for its number or the shopper's address.".into(),
    }
}

/// Every page by name.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("dashboard", dashboard().render()),
        ("dashboard-empty", dashboard_empty().render()),
        ("orders", orders().render()),
        ("orders-empty", orders_empty().render()),
        ("order", order().render()),
        ("fulfilment", fulfilment().render()),
        ("confirm", confirm().render()),
        ("products", products().render()),
        ("products-empty", products_empty().render()),
        ("product", product().render()),
        ("product-refused", product_refused().render()),
        ("product-new", product_new().render()),
        ("system", system().render()),
        ("sign-in", sign_in().render()),
        ("sign-in-refused", sign_in_refused().render()),
        ("set-up", set_up().render()),
        ("events", events().render()),
        ("event", event().render()),
        ("subscribers", subscribers().render()),
        ("jobs", jobs().render()),
        ("schedules", schedules().render()),
        ("job", job().render()),
        ("mails", mails().render()),
        ("mail", mail().render()),
        ("mail-templates", mail_templates().render()),
        ("mail-template", mail_template().render()),
        ("webhooks", webhooks().render()),
        ("webhook-new", webhook_new().render()),
        ("webhook", webhook().render()),
        ("delivery", delivery().render()),
        ("carts", carts().render()),
        ("carts-empty", carts_empty().render()),
        ("cart", cart().render()),
        ("customers", customers().render()),
        ("customers-empty", customers_empty().render()),
        ("customer", customer().render()),
        ("vendors", vendors().render()),
        ("vendor", vendor().render()),
        ("people", people().render()),
        ("forgot", forgot().render()),
        ("new-password", new_password().render()),
        ("error", error().render()),
    ]
}
