//! A small shop and a browser that knows cookies and forms, but no scripts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use parking_lot::Mutex;
use stoa_app::cache::Cache;
use stoa_app::catalog::{Catalog, Target, delete_product, save_many, save_product};
use stoa_app::engine::Engine;
use stoa_app::events::lag::Followed;
use stoa_app::jobs::queue::TableQueue;
use stoa_app::mail::MailSettings;
use stoa_app::order::store::{OrderFilter, count};
use stoa_app::rate_limit::Limits;
use stoa_app::{Shop, clock, entropy, follow};
use stoa_domain::catalog::{Draft, DraftPrice, DraftVariant, Status, to_draft};
use stoa_domain::order::OrderStatus;
use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod, ShopConfig, TaxRate};
use stoa_embedded::cache::MemoryCache;
use stoa_embedded::outbox::Outbox;
use stoa_embedded::search::TantivyIndex;
use stoa_embedded::test_payment::{Behaviour, NAME, TestProvider};
use stoa_kernel::{Ctx, Currency, Money, Rate};
use stoa_ports::cache::Quota;
use stoa_ports::payment::PaymentProvider;
use stoa_sql::Db;
use stoa_web::client::Proxies;
use stoa_web::{Options, Web, router};
use tower::ServiceExt;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn limits() -> Limits {
    Limits {
        sign_in: Quota::new(60, 900),
        sign_in_account: Quota::new(10, 900),
        ..Limits::default()
    }
}

fn config() -> ShopConfig {
    let method = |code: &str, name: &str, minor, free_from, days| ShippingMethod {
        code: code.to_owned(),
        name: name.to_owned(),
        price: usd(minor),
        free_from,
        countries: Vec::new(),
        days,
    };
    ShopConfig {
        name: "Test Shop".to_owned(),
        currency: Currency::USD,
        prices_include_tax: false,
        shipping_methods: vec![
            method("standard", "Standard", 499, Some(usd(20_000)), Some((2, 4))),
            method("express", "Express", 1_490, None, Some((1, 1))),
        ],
        tax_rates: vec![TaxRate {
            country: "US".to_owned(),
            region: None,
            name: "Sales tax".to_owned(),
            rate: Rate::from_ppm(82_500),
        }],
        discounts: vec![Discount {
            code: "WELCOME10".to_owned(),
            kind: DiscountKind::Percent(Rate::from_ppm(100_000)),
            min_subtotal: None,
        }],
    }
}

fn variant(sku: &str, options: &[&str], minor: i64, stock: i64) -> DraftVariant {
    DraftVariant {
        sku: sku.to_owned(),
        barcode: None,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        prices: vec![DraftPrice { price: usd(minor), compare_at: None }],
        weight_g: None,
        stock: Some(stock),
    }
}

/// A product with one variant, whose SKU is the handle in capitals.
pub(crate) fn draft(handle: &str, title: &str, minor: i64, stock: i64) -> Draft {
    Draft {
        handle: handle.to_owned(),
        title: title.to_owned(),
        status: Status::Active,
        brand: Some("Field & Kiln".to_owned()),
        vendor: None,
        category: vec!["Kitchen".to_owned()],
        product_type: None,
        tags: Vec::new(),
        description_html: "<p>Holds <b>350 ml</b>.</p>".to_owned(),
        options: Vec::new(),
        attributes: Vec::new(),
        media: Vec::new(),
        variants: vec![variant(&handle.to_uppercase(), &[], minor, stock)],
    }
}

fn goods() -> Vec<Draft> {
    let lamp = Draft {
        category: vec!["Lighting".to_owned(), "Desk lamps".to_owned()],
        options: vec!["Colour".to_owned(), "Plug".to_owned()],
        variants: vec![
            variant("LAMP-CREAM-US", &["Cream", "US"], 7_900, 0),
            variant("LAMP-CREAM-EU", &["Cream", "EU"], 8_900, 12),
            variant("LAMP-BLACK-EU", &["Black", "EU"], 9_900, 0),
        ],
        ..draft("arc-lamp", "Arc Desk Lamp", 0, 0)
    };
    let mut goods = vec![
        draft("mug", "Harbour Mug", 2_400, 40),
        lamp,
        Draft { status: Status::Draft, ..draft("secret", "Secret Thing", 100, 1) },
    ];
    goods.extend((0..30).map(|n| Draft {
        category: vec!["Kitchen".to_owned(), "Cups".to_owned()],
        brand: Some(if n % 2 == 0 { "Tarn" } else { "Forge" }.to_owned()),
        vendor: None,
        ..draft(&format!("cup-{n:02}"), &format!("Cup {n:02}"), 1_000 + n * 10, 5)
    }));
    goods
}

/// A running shop in a folder of its own.
pub(crate) struct TestShop {
    web: Web,
    router: Router,
    offset: AtomicI64,
    ignored: AtomicI64,
    orders: Mutex<i64>,
    _folder: tempfile::TempDir,
}

impl TestShop {
    pub(crate) async fn open() -> Self {
        Self::open_with(Behaviour::default()).await
    }

    /// A shop whose payment provider is awkward.
    pub(crate) async fn open_with(behaviour: Behaviour) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_embedded(folder.path()).unwrap();
        let config = Arc::new(config());
        let (engine, _thread) =
            Engine::start(db.clone(), Arc::clone(&config), clock::now, 7).unwrap();
        let provider = TestProvider::open(&folder.path().join("book"), behaviour).unwrap();
        let mut providers: BTreeMap<&'static str, Arc<dyn PaymentProvider>> = BTreeMap::new();
        providers.insert(NAME, Arc::new(provider));
        let jobs_db = db.clone();
        let shop = Arc::new(Shop {
            catalog: Catalog::new(db.clone(), Arc::clone(&config)),
            search: Arc::new(TantivyIndex::open(&folder.path().join("search")).unwrap()),
            db,
            engine,
            config,
            providers,
            jobs: Arc::new(TableQueue::new(jobs_db, clock::now)),
            mail: MailSettings {
                from: "Test Shop <shop@shop.example>".to_owned(),
                public_url: "https://shop.example".to_owned(),
                ..MailSettings::default()
            },
            mailer: Arc::new(Outbox),
            webhooks: stoa_app::webhooks::WebhookSettings::default(),
            cache: Cache::alone(Arc::new(MemoryCache::new()), clock::now),
            limits: limits(),
            secret: [3; 32],
            clock: clock::now,
            followed: Followed::default(),
            wake: tokio::sync::Notify::new(),
        });
        let options = Options {
            tagline: "Good things, found quickly".to_owned(),
            public_url: "https://shop.example".to_owned(),
            page_cache_bytes: 8 * 1024 * 1024,
            data_directory: folder.path().display().to_string(),
            proxies: Proxies::default(),
        };
        let web = Web::new(shop, options);
        let shop = Self {
            router: router(web.clone()),
            web,
            offset: AtomicI64::new(0),
            ignored: AtomicI64::new(0),
            orders: Mutex::new(0),
            _folder: folder,
        };
        shop.save(goods()).await;
        shop
    }

    /// A browser of someone new.
    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), headers: HeaderMap::new() }
    }

    fn ctx(&self) -> Ctx {
        Ctx { now: clock::now(), ids: entropy::ids().unwrap() }
    }

    /// Saves products and lets the followers see it, as the serving shop does.
    pub(crate) async fn save(&self, drafts: impl IntoIterator<Item = Draft>) {
        self.save_unseen(drafts).await;
        self.follow().await;
    }

    /// Saves products before the followers have seen it.
    pub(crate) async fn save_unseen(&self, drafts: impl IntoIterator<Item = Draft>) {
        let shop = self.web.shop();
        let saved = save_many(&shop.db, &shop.config, &mut self.ctx(), drafts).await.unwrap();
        assert!(saved.iter().all(Result::is_ok), "{saved:?}");
    }

    /// Gives a product another handle.
    pub(crate) async fn rename(&self, from: &str, to: &str) {
        let shop = self.web.shop();
        let stoa_app::catalog::service::ByHandle::Found(found) =
            shop.catalog.by_handle(from).await.unwrap()
        else {
            panic!("no product {from}");
        };
        let tree = shop.catalog.tree().await.unwrap();
        let path = tree.path(found.product.category_id);
        let names = path.map(|node| node.category.name.clone()).collect();
        let draft = Draft { handle: to.to_owned(), ..to_draft(&found.product, names) };
        let target = Target::Existing(found.product.id, None);
        save_product(&shop.db, &shop.config, &mut self.ctx(), target, draft).await.unwrap();
        self.follow().await;
    }

    pub(crate) async fn delete(&self, handle: &str) {
        let shop = self.web.shop();
        let stoa_app::catalog::service::ByHandle::Found(found) =
            shop.catalog.by_handle(handle).await.unwrap()
        else {
            panic!("no product {handle}");
        };
        delete_product(&shop.db, &mut self.ctx(), found.product.id, None).await.unwrap();
        self.follow().await;
    }

    pub(crate) async fn follow(&self) {
        let shop = self.web.shop();
        let from = self.offset.load(Ordering::SeqCst);
        if let Some(change) = follow::changes_after(shop, from).await.unwrap() {
            self.offset.store(change.offset, Ordering::SeqCst);
            let all: Vec<_> = change.edited.iter().chain(&change.flipped).copied().collect();
            shop.catalog.forget(&all, !change.edited.is_empty());
            self.web.catalog_changed(&change);
        }
        follow::catch_up(shop, &mut 0).await.unwrap();
    }

    /// Orders that stand, without those forgotten.
    pub(crate) async fn orders(&self) -> i64 {
        let mut tx = self.web.shop().db.read().await.unwrap();
        let filter = OrderFilter { status: Some(OrderStatus::Placed), ..OrderFilter::default() };
        let n = count(&mut tx, &filter).await.unwrap();
        *self.orders.lock() = n;
        n - self.ignored.load(Ordering::SeqCst)
    }

    /// From here on counts only orders that come after.
    pub(crate) fn forget_orders(&self) {
        self.ignored.store(*self.orders.lock(), Ordering::SeqCst);
    }
}

/// A browser.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    headers: HeaderMap,
}

/// What a browser got.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn with_cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let encode = stoa_web::api::suggest::encode;
        let pairs = form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        self.send("POST", path, Some(pairs.collect::<Vec<_>>().join("&"))).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, form: Option<String>) -> Page {
        let mut request = Request::builder().method(method).uri(path);
        let headers = request.headers_mut().unwrap();
        headers.insert(HOST, "shop.example".parse().unwrap());
        headers.extend(self.headers.clone());
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded";
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            headers.insert(COOKIE, pairs.collect::<Vec<_>>().join("; ").parse().unwrap());
        }
        let request = request.body(form.map_or_else(Body::empty, Body::from)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "{text}");
            assert!(text.contains("; Secure"), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = axum::body::to_bytes(body, 8 * 1024 * 1024).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!body.contains(stoa_pages::CART_COUNT_SLOT), "{path}: the cart was not counted");
        Page { status: parts.status, headers: parts.headers, body }
    }
}

impl Page {
    pub(crate) fn is_redirect(&self) -> bool {
        self.status == StatusCode::SEE_OTHER
    }

    pub(crate) fn location(&self) -> String {
        match self.headers.get(LOCATION) {
            Some(to) => to.to_str().unwrap().to_owned(),
            None => panic!("no redirect but {}: {}", self.status, self.body),
        }
    }

    /// The value of the form field with this name.
    pub(crate) fn value_of(&self, name: &str) -> String {
        let field = self.after_until(&format!("name=\"{name}\""), ">");
        let value = field.split_once("value=\"").map(|(_, value)| value);
        value.and_then(|value| value.split('"').next()).unwrap_or_default().to_owned()
    }

    /// What stands after a text, up to the next quotation mark.
    pub(crate) fn after(&self, start: &str) -> String {
        self.after_until(start, "\"")
    }

    /// What stands between two texts, the first time.
    pub(crate) fn after_until(&self, start: &str, end: &str) -> String {
        match self.all(start, end).into_iter().next() {
            Some(text) => text,
            None => panic!("`{start}` is not in {}: {}", self.status, self.body),
        }
    }

    /// What stands between two texts, every time.
    pub(crate) fn all(&self, start: &str, end: &str) -> Vec<String> {
        let parts = self.body.split(start).skip(1);
        parts.filter_map(|part| Some(part.split_once(end)?.0.to_owned())).collect()
    }
}
