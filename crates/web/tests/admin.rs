//! The back office as a browser without scripts uses it, against the whole router on a store and a
//! search index in a temporary folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use stoa_app::cache::Cache;
use stoa_app::cart::abandoned;
use stoa_app::catalog::Catalog;
use stoa_app::engine::{Engine, Outcome};
use stoa_app::events::lag::Followed;
use stoa_app::jobs::queue::TableQueue;
use stoa_app::mail::MailSettings;
use stoa_app::rate_limit::Limits;
use stoa_app::webhooks::store;
use stoa_app::{Shop, clock, customer, doctor, event_log, events, mail, staff};
use stoa_domain::Command;
use stoa_domain::cart::{AddLine, CartPatch, CreateCart, UpdateCart};
use stoa_domain::command::VariantRef;
use stoa_domain::shop::{ShippingMethod, ShopConfig};
use stoa_domain::webhooks::breaker::Breaker;
use stoa_embedded::cache::MemoryCache;
use stoa_embedded::outbox::Outbox;
use stoa_embedded::search::TantivyIndex;
use stoa_embedded::test_payment::{Behaviour, NAME, TestProvider};
use stoa_kernel::{Currency, Money, Timestamp, Token};
use stoa_ports::cache::Quota;
use stoa_ports::jobs::Ending;
use stoa_ports::payment::PaymentProvider;
use stoa_sql::Db;
use stoa_web::api::suggest::encode;
use stoa_web::client::Proxies;
use stoa_web::{Options, Web, router};
use tower::ServiceExt;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";

fn limits() -> Limits {
    Limits {
        sign_in: Quota::new(60, 900),
        sign_in_account: Quota::new(10, 900),
        ..Limits::default()
    }
}

/// A running shop in a folder of its own.
struct Office {
    web: Web,
    _folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_embedded(folder.path()).unwrap();
        let config = Arc::new(ShopConfig {
            name: "Test Shop".to_owned(),
            currency: Currency::USD,
            prices_include_tax: false,
            shipping_methods: vec![ShippingMethod {
                code: "standard".to_owned(),
                name: "Standard".to_owned(),
                price: Money::new(500, Currency::USD),
                free_from: None,
                countries: Vec::new(),
                days: None,
            }],
            tax_rates: Vec::new(),
            discounts: Vec::new(),
        });
        let (engine, _) = Engine::start(db.clone(), Arc::clone(&config), clock::now, 7).unwrap();
        let book = folder.path().join("book");
        let provider = TestProvider::open(&book, Behaviour::default()).unwrap();
        let providers: BTreeMap<&'static str, Arc<dyn PaymentProvider>> =
            BTreeMap::from([(NAME, Arc::new(provider) as Arc<dyn PaymentProvider>)]);
        let jobs_db = db.clone();
        let shop = Shop {
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
        };
        let options = Options {
            public_url: "https://shop.example".to_owned(),
            tagline: String::new(),
            page_cache_bytes: 1024 * 1024,
            data_directory: folder.path().display().to_string(),
            proxies: Proxies::default(),
        };
        Self { web: Web::new(Arc::new(shop), options), _folder: folder }
    }

    /// The path of a mail's link, as it is sent.
    async fn mailed(&self, link: &str) -> String {
        let shop = self.web.shop();
        let address = mail::links::address(shop, Some(link), clock::now()).await.unwrap();
        address.strip_prefix("https://shop.example").unwrap().to_owned()
    }

    fn browser(&self) -> Browser {
        Browser { web: self.web.clone(), cookie: None, headers: Vec::new() }
    }

    async fn setup_path(&self) -> String {
        let link = staff::create_setup_link(&self.web.shop().db, clock::now()).await.unwrap();
        format!("/admin/setup/{}", link.unwrap().reveal())
    }

    /// A browser of the first administrator.
    async fn administrator(&self) -> Browser {
        let path = self.setup_path().await;
        let mut browser = self.browser();
        let csrf = browser.get(&path).await.value_of("csrf");
        let made = browser.post(&path, &setup_form(&csrf, PASSWORD)).await;
        assert_eq!(made.location(), "/admin", "{}", made.body);
        browser
    }

    async fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = router(self.web.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(status.is_success(), "{answer}");
        answer
    }

    /// Buys pieces of a SKU and gives the order.
    async fn buy(&self, sku: &str, quantity: i64) -> Value {
        let cart = self.api("POST", "/api/v1/carts", &json!({})).await;
        let cart = format!("/api/v1/carts/{}", cart["id"].as_str().unwrap());
        let line = json!({"sku": sku, "quantity": quantity});
        self.api("POST", &format!("{cart}/lines"), &line).await;
        let address = json!({"name": "Grace <Hopper>", "line1": "1 Navy Yard", "city": "Boston",
            "region": "MA", "postal_code": "02129", "country": "US"});
        let details = json!({"email": "grace@example.com", "shipping_address": address,
            "shipping_method": "standard"});
        self.api("PATCH", &cart, &details).await;
        let payment = json!({"payment": {"provider": "test", "token": "tok_ok"}});
        self.api("POST", &format!("{cart}/complete"), &payment).await
    }

    /// Fills a cart of somebody who left so many seconds ago, and gives its path.
    async fn leave(&self, sku: &str) -> String {
        fn long_ago() -> Timestamp {
            clock::now().plus_seconds(-7_200)
        }
        let shop = self.web.shop();
        let (engine, _) =
            Engine::start(shop.db.clone(), Arc::clone(&shop.config), long_ago, 8).unwrap();
        let token = Token::from_random([9; 16]);
        let cart = token.hash();
        let variant = VariantRef::Sku(sku.to_owned());
        let email = Some(Some("joan@example.com".to_owned()));
        let patch = CartPatch { email, ..CartPatch::default() };
        for command in [
            Command::CreateCart(CreateCart { key: cart }),
            Command::AddLine(AddLine { cart, variant, quantity: 2 }),
            Command::UpdateCart(UpdateCart { cart, patch }),
        ] {
            assert!(matches!(engine.submit(command).await, Outcome::Done { .. }));
        }
        format!("/api/v1/carts/cart_{}", token.reveal())
    }

    /// The answer of the merchant's API to a reader of orders.
    async fn read_api(&self, path: &str) -> (StatusCode, Value) {
        let shop = self.web.shop();
        let scopes = staff::Scopes::new([staff::Scope::OrdersRead]);
        let token =
            staff::create_api_token(&shop.db, clock::now(), "reader", &scopes, None).await.unwrap();
        let request =
            Request::get(path).header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        let request = request.body(Body::empty()).unwrap();
        let response = router(self.web.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn assert_sound(&self) {
        for finding in doctor::examine(&self.web.shop().db).await.unwrap() {
            assert!(finding.faults.is_empty(), "{}: {:?}", finding.check, finding.faults);
        }
    }
}

fn setup_form<'a>(csrf: &'a str, password: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("csrf", csrf),
        ("name", "Ada Owner"),
        ("email", EMAIL),
        ("password", password),
        ("repeat", PASSWORD),
    ]
}

#[derive(Clone)]
struct Browser {
    web: Web,
    cookie: Option<String>,
    headers: Vec<(&'static str, &'static str)>,
}

struct Page {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Browser {
    async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let pairs = form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.send(Request::post(path), Body::from(body)).await
    }

    async fn send(&mut self, mut request: http::request::Builder, body: Body) -> Page {
        request = request.header(HOST, "shop.example").header("accept", "text/html");
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("cart=x; {cookie}"));
        }
        let response = router(self.web.clone()).oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(text.starts_with("__Host-stoa_admin="), "{text}");
            for part in ["; Path=/;", "; HttpOnly;", "; SameSite=Lax;", "; Secure"] {
                assert!(text.contains(part), "{text}");
            }
            self.cookie = match text.contains("Max-Age=0") {
                true => None,
                false => Some(text.split(';').next().unwrap().to_owned()),
            };
        }
        let bytes = axum::body::to_bytes(body, 8 << 20).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!body.contains("Grace <Hopper>"), "text of others was not escaped");
        Page { status: parts.status, headers: parts.headers, body }
    }

    /// Sends the form of a page with some fields changed.
    async fn submit(&mut self, page: &Page, action: &str, changes: &[(&str, &str)]) -> Page {
        let mut form = page.form(action);
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action, &form).await
    }
}

fn unescape(text: &str) -> String {
    let text = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<");
    text.replace("&#62;", ">").replace("&#38;", "&")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split('"').next()?))
}

impl Page {
    fn location(&self) -> &str {
        match self.headers.get(LOCATION) {
            Some(to) => to.to_str().unwrap(),
            None => panic!("no redirect but {}: {}", self.status, self.body),
        }
    }

    fn value_of(&self, name: &str) -> String {
        let field = self.body.split(&format!(" name=\"{name}\"")).nth(1).unwrap();
        attribute(field.split('>').next().unwrap(), "value").unwrap_or_default()
    }

    /// The fields of the form with this action as a browser would send them.
    fn form(&self, action: &str) -> Vec<(String, String)> {
        let form = self.body.split("<form").find(|form| {
            attribute(form.split('>').next().unwrap(), "action").as_deref() == Some(action)
        });
        let form = form.unwrap_or_else(|| panic!("no form for {action}")).split("</form>").next();
        let mut fields = Vec::new();
        for part in form.unwrap().split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap_or((part, ""));
            let Some(name) = attribute(tag, "name") else { continue };
            let kind = attribute(tag, "type").unwrap_or_default();
            let value = match tag.split_whitespace().next().unwrap() {
                "input" if kind == "checkbox" && !tag.contains(" checked") => continue,
                "input" => attribute(tag, "value").unwrap_or_default(),
                "textarea" => unescape(text.trim_start_matches('\n')),
                "select" => {
                    let chosen = form.unwrap().split(&format!("name=\"{name}\"")).nth(1).unwrap();
                    let chosen = chosen.split("</select>").next().unwrap();
                    let chosen = chosen
                        .split("<option")
                        .find(|option| option.split('>').next().unwrap().contains(" selected"));
                    chosen.and_then(|option| attribute(option, "value")).unwrap_or_default()
                }
                _ => continue,
            };
            fields.push((name, value));
        }
        fields
    }
}

/// Makes a product with two variants and gives its address.
async fn make_mug(browser: &mut Browser) -> String {
    let new = "/admin/products/new";
    let page = browser.get(new).await;
    let with_option = browser.submit(&page, new, &[("do", "add-option")]).await;
    let with_row = browser.submit(&with_option, new, &[("do", "add-variant")]).await;
    assert_eq!(with_row.status, StatusCode::OK);
    let changes = [
        ("do", "save"),
        ("title", "Harbour Mug"),
        ("status", "active"),
        ("brand", "Field & Kiln"),
        ("tags", "blue, gift"),
        ("description_html", "<p>Holds <b>350 ml</b>.</p><script>alert(1)</script>"),
        ("options/0", "Colour"),
        ("variants/0/options/0", "Sage"),
        ("variants/0/prices/0/price", "24"),
        ("variants/0/prices/0/compare_at", "30.00"),
        ("variants/1/options/0", "Chalk"),
        ("variants/1/sku", "MUG-CHALK"),
        ("variants/1/prices/0/price", "25.50"),
    ];
    let made = browser.submit(&with_row, new, &changes).await;
    let (path, notice) = made.location().split_once('?').unwrap();
    assert_eq!(notice, "notice=created");
    path.to_owned()
}

async fn set_stock(browser: &mut Browser, product: &str, changes: &[(&str, &str)]) -> Page {
    let page = browser.get(product).await;
    browser.submit(&page, &format!("{product}/stock"), changes).await
}

#[tokio::test]
async fn nobody_enters_without_a_session() {
    let office = Office::open();
    let mut browser = office.browser();
    for path in [
        "/admin",
        "/admin/orders?status=placed",
        "/admin/orders/ord_00000000000000000000000001",
        "/admin/orders/ord_00000000000000000000000001/cancel",
        "/admin/products",
        "/admin/products/new",
        "/admin/products/prod_00000000000000000000000001",
        "/admin/products/prod_00000000000000000000000001/delete",
        "/admin/system",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.location(), format!("/admin/sign-in?next={}", encode(path)), "{path}");
        assert!(page.body.is_empty());
    }
    for path in [
        "/admin/orders/ord_00000000000000000000000001/cancel",
        "/admin/products/new",
        "/admin/products/prod_00000000000000000000000001",
        "/admin/products/prod_00000000000000000000000001/stock",
        "/admin/products/prod_00000000000000000000000001/delete",
        "/admin/sign-out",
    ] {
        let page = browser.post(path, &[("title", "x")]).await;
        assert_eq!(page.location(), "/admin/sign-in?next=%2Fadmin", "{path}");
    }
    browser.cookie = Some("__Host-stoa_admin=00000000000000000000000001".to_owned());
    assert!(browser.get("/admin").await.location().starts_with("/admin/sign-in"));
}

#[tokio::test]
async fn a_set_up_link_makes_the_first_administrator_once() {
    let office = Office::open();
    let path = office.setup_path().await;
    let mut browser = office.browser();
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[CACHE_CONTROL], "no-store");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let csrf = page.value_of("csrf");

    let differing = browser.post(&path, &setup_form(&csrf, "another long one")).await;
    assert_eq!(differing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(differing.body.contains("href=\"#repeat\""));
    let mut short = setup_form(&csrf, "short");
    short[4].1 = "short";
    short[2].1 = "nowhere";
    let refused = browser.post(&path, &short).await;
    assert!(refused.body.contains("2 things need your attention"), "{}", refused.body);
    assert!(!refused.body.contains("value=\"short\""), "a password is never sent back");
    let foreign = browser.post(&path, &setup_form("00000000000000000000000001", PASSWORD)).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    let made = browser.post(&path, &setup_form(&csrf, PASSWORD)).await;
    assert_eq!(made.location(), "/admin");
    let dashboard = browser.get("/admin").await;
    assert!(dashboard.body.contains("Ada Owner") && dashboard.body.contains("No orders yet."));

    for path in [path.as_str(), "/admin/setup/00000000000000000000000001", "/admin/setup/x"] {
        let closed = office.browser().get(path).await;
        assert_eq!(closed.status, StatusCode::GONE);
        let again = office.browser().post(path, &setup_form(&csrf, PASSWORD)).await;
        assert!(matches!(again.status, StatusCode::GONE | StatusCode::FORBIDDEN));
    }
}

#[tokio::test]
async fn who_guesses_passwords_waits() {
    let office = Office::open();
    office.administrator().await;
    let mut browser = office.browser();
    let path = "/admin/sign-in";
    let csrf = browser.get(path).await.value_of("csrf");
    for n in 0..15 {
        let form = [("csrf", csrf.as_str()), ("email", EMAIL), ("password", "wrong horse")];
        let refused = browser.post(path, &form).await;
        let wanted = if n < 10 { 422 } else { 429 };
        assert_eq!(refused.status, wanted, "try {n}");
        if n >= 10 {
            assert!(refused.body.contains("Too many attempts. Try again in 2 minutes."));
        }
    }
    // Nor does the right password help now; another account is another matter.
    let form = [("csrf", csrf.as_str()), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(browser.post(path, &form).await.status, 429);
    let form = [("csrf", csrf.as_str()), ("email", "bob@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post(path, &form).await.status, 422);
}

#[tokio::test]
async fn signing_in_rotates_the_token_and_signing_out_ends_it() {
    let office = Office::open();
    office.administrator().await;
    let mut browser = office.browser();
    let path = "/admin/sign-in";
    let page = browser.get("/admin/sign-in?next=%2Fadmin%2Fsystem").await;
    let before = browser.cookie.clone().unwrap();
    let csrf = page.value_of("csrf");
    let credentials = |email, password| {
        [
            ("csrf", csrf.as_str()),
            ("email", email),
            ("password", password),
            ("next", "/admin/system"),
        ]
    };
    let mut answers = Vec::new();
    for (email, password) in [(EMAIL, "wrong horse battery"), ("nobody@example.com", PASSWORD)] {
        let refused = browser.post(path, &credentials(email, password)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        answers.push(refused.body.replace(email, "EMAIL"));
    }
    assert_eq!(answers[0], answers[1], "the answer does not tell who exists");

    let entered = browser.post(path, &credentials(" ADA@example.com", PASSWORD)).await;
    assert_eq!(entered.location(), "/admin/system");
    let after = browser.cookie.clone().unwrap();
    assert_ne!(before, after);
    let mut fixated = Browser { cookie: Some(before), ..browser.clone() };
    assert!(fixated.get("/admin").await.location().starts_with(path));
    assert_eq!(browser.get(path).await.location(), "/admin", "who is in need not sign in");

    let page = browser.get("/admin/system").await;
    assert!(page.body.contains("Everything runs as it should."), "{}", page.body);
    for fact in ["Data directory", &office.web.options().data_directory, "Size of the database"] {
        assert!(page.body.contains(fact), "{fact}");
    }
    let left = browser.submit(&page, "/admin/sign-out", &[]).await;
    assert_eq!(left.location(), path);
    let mut kept = Browser { cookie: Some(after), ..browser };
    assert!(kept.get("/admin").await.location().starts_with(path));
}

#[tokio::test]
async fn passwords_cannot_be_guessed_for_long() {
    let office = Office::open();
    office.administrator().await;
    let mut browser = office.browser();
    let csrf = browser.get("/admin/sign-in").await.value_of("csrf");
    let mut form = [("csrf", csrf.as_str()), ("email", EMAIL), ("password", "wrong guess here")];
    for _ in 0..10 {
        let refused = browser.post("/admin/sign-in", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    form[2].1 = PASSWORD;
    let refused = browser.post("/admin/sign-in", &form).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn forms_of_other_sites_and_sessions_are_refused() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let page = browser.get(&product).await;
    let delete = format!("{product}/delete");
    let (csrf, version) = (page.value_of("csrf"), page.value_of("version"));
    let form = [("csrf", csrf.as_str()), ("version", version.as_str())];
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
    ] {
        let mut tricked = Browser { headers, ..browser.clone() };
        assert_eq!(tricked.post(&delete, &form).await.status, StatusCode::FORBIDDEN);
    }
    for wrong in ["", "x", "00000000000000000000000001"] {
        let form = [("csrf", wrong), ("version", version.as_str())];
        assert_eq!(browser.post(&delete, &form).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(browser.get(&product).await.status, StatusCode::OK, "it is still there");
    browser.headers = vec![("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")];
    assert_eq!(browser.post(&delete, &form).await.location(), "/admin/products?notice=deleted");
    assert_eq!(browser.get(&product).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_product_is_made_changed_and_found() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let page = browser.get(&format!("{product}?notice=created")).await;
    assert!(page.body.contains("The product was made."));
    assert!(page.body.contains("value=\"HARBOUR-MUG-SAGE\""), "the SKU was made from the options");
    assert!(page.body.contains("<p>Holds <b>350 ml</b>.</p>"), "the preview is sanitised HTML");
    assert!(!page.body.contains("alert(1)"));
    assert_eq!(page.value_of("variants/0/prices/0/price"), "24.00");
    assert_eq!(page.value_of("variants/0/prices/0/compare_at"), "30.00");

    let changes = [
        ("title", "Harbour Mug & Saucer"),
        ("handle", "mug-and-saucer"),
        ("variants/0/sku", "RENAMED"),
        ("variants/1/remove", "1"),
    ];
    let saved = browser.submit(&page, &product, &changes).await;
    assert_eq!(saved.location(), format!("{product}?notice=saved"));
    let page = browser.get(&product).await;
    assert_eq!(page.value_of("title"), "Harbour Mug & Saucer");
    assert_eq!(page.value_of("variants/0/sku"), "HARBOUR-MUG-SAGE", "a stored SKU stays");
    assert!(!page.body.contains("MUG-CHALK"));
    assert_eq!(page.value_of("version"), "2");
    let unchanged = browser.submit(&page, &product, &[]).await;
    assert_eq!(unchanged.location(), format!("{product}?notice=unchanged"));

    for (query, found) in [
        ("q=saucer", true),
        ("q=harbour-mug-sage", true),
        ("q=kettle", false),
        ("status=active", true),
        ("status=draft", false),
        ("stock=out", true),
        ("stock=in", false),
        ("q=%00%ff&status=x&stock=y&category=z&after=w", false),
    ] {
        let list = browser.get(&format!("/admin/products?{query}")).await;
        assert_eq!(list.status, StatusCode::OK, "{query}");
        assert_eq!(list.body.contains("Harbour Mug &#38; Saucer"), found, "{query}");
    }
    let former = browser.get("/products/harbour-mug").await;
    assert_eq!(former.location(), "/products/mug-and-saucer");
}

#[tokio::test]
async fn attributes_are_added_and_removed_in_the_form() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let page = browser.get(&product).await;
    let with_row = browser.submit(&page, &product, &[("do", "add-attribute")]).await;
    let changes = [
        ("do", "save"),
        ("attributes/0/label", "Volume"),
        ("attributes/0/kind", "number"),
        ("attributes/0/value", "a lot"),
        ("attributes/0/unit", "ml"),
    ];
    let refused = browser.submit(&with_row, &product, &changes).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("href=\"#attributes/0/value\""));
    assert!(refused.body.contains("id=\"attributes/0/value\""));
    let saved = browser.submit(&refused, &product, &[("attributes/0/value", "350")]).await;
    assert_eq!(saved.location(), format!("{product}?notice=saved"));
    assert!(browser.get("/products/harbour-mug").await.body.contains("350 ml"));

    let page = browser.get(&product).await;
    assert_eq!(page.value_of("attributes/0/unit"), "ml");
    let without = [("attributes/0/label", ""), ("attributes/0/value", "")];
    browser.submit(&page, &product, &without).await;
    assert!(!browser.get(&product).await.body.contains("attributes/0/label"));
}

#[tokio::test]
async fn faults_of_a_product_are_shown_by_their_fields_and_nothing_is_saved() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let page = browser.get(&product).await;
    for (changes, fields) in [
        (vec![("title", " ")], vec!["title"]),
        (vec![("handle", "Not A Handle")], vec!["handle"]),
        (vec![("status", "sold")], vec!["status"]),
        (vec![("media", "ftp://a.example/x.jpg")], vec!["media"]),
        (
            vec![("variants/0/prices/0/price", "1,5"), ("variants/1/weight_g", "-x")],
            vec!["variants/0/prices/0/price", "variants/1/weight_g"],
        ),
        (vec![("variants/1/options/0", "Sage")], vec!["variants/1/options"]),
    ] {
        let refused = browser.submit(&page, &product, &changes).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{changes:?}");
        for field in fields {
            assert!(refused.body.contains(&format!("href=\"#{field}\"")), "{field}");
            assert!(refused.body.contains(&format!("id=\"{field}\"")), "{field}");
        }
        assert_eq!(refused.value_of("version"), "1");
    }
    let preview = browser
        .submit(
            &page,
            &product,
            &[("do", "preview"), ("description_html", "<i>new</i><img src=x>")],
        )
        .await;
    assert!(preview.body.contains("<i>new</i></div>"), "{}", preview.body);
    assert_eq!(browser.get(&product).await.value_of("version"), "1", "nothing was saved");
}

#[tokio::test]
async fn a_lost_update_is_noticed_and_the_entries_are_kept() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let mine = browser.get(&product).await;
    let theirs = browser.submit(&mine, &product, &[("brand", "Theirs")]).await;
    assert_eq!(theirs.status, StatusCode::SEE_OTHER);
    let refused = browser.submit(&mine, &product, &[("title", "My title")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("Someone else has changed this product"));
    assert_eq!(refused.value_of("title"), "My title");
    assert_eq!(browser.get(&product).await.value_of("title"), "Harbour Mug");
    let again = browser.submit(&refused, &product, &[]).await;
    assert_eq!(again.location(), format!("{product}?notice=saved"));
    assert_eq!(browser.get(&product).await.value_of("title"), "My title");
    // The same for deleting what has changed since one asked for it.
    let ask = browser.get(&format!("{product}/delete")).await;
    browser.submit(&refused, &product, &[("version", "3"), ("title", "Newer")]).await;
    let stale = browser.submit(&ask, &format!("{product}/delete"), &[]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.body.contains("This has changed meanwhile"));
}

#[tokio::test]
async fn stock_is_saved_only_over_what_was_shown() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    let changes = [("rows/0/on_hand", "12"), ("rows/1/on_hand", "3")];
    let saved = set_stock(&mut browser, &product, &changes).await;
    assert_eq!(saved.location(), format!("{product}?notice=stock#stock"));
    let page = browser.get(&product).await;
    assert!(page.body.contains("12 in stock") && page.body.contains("3 left"));
    assert!(browser.get("/admin").await.body.contains("MUG-CHALK"), "it runs low");

    let unchanged = browser.submit(&page, &format!("{product}/stock"), &[]).await;
    assert_eq!(unchanged.location(), format!("{product}?notice=unchanged#stock"));
    set_stock(&mut browser, &product, &[("rows/0/on_hand", "20")]).await;
    let changes = [("rows/0/on_hand", "15"), ("rows/1/on_hand", "4 pieces")];
    let refused = browser.submit(&page, &format!("{product}/stock"), &changes).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("It is 20 now; it was 12 when you opened this page."));
    assert!(refused.body.contains("A whole number of pieces"));
    assert_eq!(refused.value_of("rows/0/on_hand"), "15");
    assert_eq!(refused.value_of("rows/0/expected"), "20");
    let negative = set_stock(&mut browser, &product, &[("rows/0/on_hand", "-1")]).await;
    assert_eq!(negative.status, StatusCode::CONFLICT);
    let foreign = [("rows/0/on_hand", "1"), ("rows/0/sku", "OTHER")];
    let foreign = set_stock(&mut browser, &product, &foreign).await;
    assert_eq!(foreign.status, StatusCode::CONFLICT);
    assert_eq!(browser.get(&product).await.value_of("rows/0/on_hand"), "20");
    office.assert_sound().await;
}

#[tokio::test]
async fn an_order_shows_its_money_and_stock_and_can_be_cancelled_once() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    set_stock(&mut browser, &product, &[("rows/1/on_hand", "9")]).await;
    let order = office.buy("MUG-CHALK", 2).await;
    let name = format!("#{}", order["number"]);
    let path = format!("/admin/orders/{}", order["id"].as_str().unwrap());

    let dashboard = browser.get("/admin").await;
    assert!(dashboard.body.contains(&name), "{}", dashboard.body);
    assert!(dashboard.body.contains("<dd class=\"figure__value\">$56.00</dd>"), "2 × 25.50 + 5");
    for (query, found) in [
        ("", true),
        ("status=placed", true),
        ("status=cancelled", false),
        ("status=attention", false),
        (&format!("q={}", encode(&name)), true),
        ("q=Grace%40example.com", true),
        ("q=ada%40example.com", false),
        ("q=%27%3B--&after=x&status=nonsense", false),
    ] {
        let list = browser.get(&format!("/admin/orders?{query}")).await;
        assert_eq!(list.status, StatusCode::OK, "{query}");
        assert_eq!(list.body.contains(&path), found, "{query}");
    }

    let page = browser.get(&path).await;
    for text in [
        "Grace &#60;Hopper&#62;",
        "United States",
        "MUG-CHALK",
        "$56.00",
        "Payment captured",
        "Held by provider “test”",
        "Reserved",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(browser.get(&product).await.body.contains("7 in stock"));

    let cancel = format!("{path}/cancel");
    let ask = browser.get(&cancel).await;
    assert!(ask.body.contains(&format!("Cancel order {name}?")));
    let reason = [("reason", "Cannot be delivered")];
    let stale = [("version", "1"), reason[0]];
    assert_eq!(browser.submit(&ask, &cancel, &stale).await.status, StatusCode::CONFLICT);
    let done = browser.submit(&ask, &cancel, &reason).await;
    assert_eq!(done.location(), format!("{path}?notice=cancelled"), "{}", done.body);
    let page = browser.get(done.location()).await;
    for text in ["Cancelled", "Refunded", "Cannot be delivered", "Payment refunded", "Released"] {
        assert!(page.body.contains(text), "{text}");
    }
    assert_eq!(page.body.matches("<td>Balanced</td>").count(), 2, "capture and refund");
    assert!(!page.body.contains("<dialog"), "it cannot be cancelled again");
    assert_eq!(browser.get(&cancel).await.location(), path);
    assert!(browser.get(&product).await.body.contains("9 in stock"));
    assert!(browser.get("/admin").await.body.contains("<dd class=\"figure__value\">$0.00</dd>"));
    office.assert_sound().await;
}

#[tokio::test]
async fn an_order_is_sent_in_parts_followed_and_taken_back() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    let product = make_mug(&mut browser).await;
    set_stock(&mut browser, &product, &[("rows/1/on_hand", "9")]).await;
    let order = office.buy("MUG-CHALK", 3).await;
    let path = format!("/admin/orders/{}", order["id"].as_str().unwrap());
    let line = format!("items/{}", order["lines"][0]["id"].as_str().unwrap());
    let list = browser.get("/admin/orders?status=to-ship").await;
    assert!(list.body.contains(&path) && list.body.contains("To ship"), "{}", list.body);

    let page = browser.get(&path).await;
    assert!(page.body.contains("Mark as shipped"));
    let post = format!("{path}/fulfilments");
    for (quantity, url, said) in [
        ("4", "", "3 of MUG-CHALK wait to be sent."),
        ("x", "", "Enter how many pieces are sent."),
        ("0", "", "Enter how many pieces are sent; nothing was."),
        ("1", "parcels.example", "begins with https://"),
    ] {
        let fields = [(line.as_str(), quantity), ("tracking/url", url), ("notify", "")];
        let refused = browser.submit(&page, &post, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{quantity}\"")), "{said}");
    }
    let fields = [
        (line.as_str(), "2"),
        ("tracking/carrier", "UPS"),
        ("tracking/number", "1Z999"),
        ("notify", "1"),
    ];
    let sent = browser.submit(&page, &post, &fields).await;
    assert_eq!(sent.location(), format!("{path}?notice=shipped"), "{}", sent.body);
    // The page that was sent is outdated now.
    assert_eq!(browser.submit(&page, &post, &fields).await.status, StatusCode::CONFLICT);
    let page = browser.get(sent.location()).await;
    for text in ["Partly shipped", "2 shipped", "UPS 1Z999", "tracknum=1Z999", "Ship the rest"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("<dialog"), "it cannot be cancelled any more");
    assert!(browser.get(&product).await.body.contains("6 in stock"));

    let parcel = page.body.split("href=\"").find(|part| part.starts_with(&format!("{post}/ful_")));
    let parcel = parcel.unwrap().split('"').next().unwrap().to_owned();
    let page = browser.get(&parcel).await;
    let bad = browser.submit(&page, &parcel, &[("tracking/url", "javascript:x")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let changed = browser.submit(&page, &parcel, &[("tracking/number", "1Z777")]).await;
    assert_eq!(changed.location(), format!("{parcel}?notice=saved"), "{}", changed.body);
    let page = browser.get(&parcel).await;
    assert!(page.body.contains("1Z777"));
    let back = browser.submit(&page, &format!("{parcel}/cancel"), &[]).await;
    assert_eq!(back.location(), format!("{path}?notice=taken_back"), "{}", back.body);
    let page = browser.get(back.location()).await;
    assert!(page.body.contains("Taken back") && page.body.contains("Cancel order"));
    assert!(!browser.get(&parcel).await.body.contains("name=\"tracking/number\""));
    assert!(browser.get(&product).await.body.contains("6 in stock"));
    office.assert_sound().await;
}

#[tokio::test]
async fn unknown_things_are_said_to_be_unknown() {
    let office = Office::open();
    let mut browser = office.administrator().await;
    for path in [
        "/admin/orders/ord_00000000000000000000000001",
        "/admin/orders/nonsense",
        "/admin/orders/prod_00000000000000000000000001/cancel",
        "/admin/products/prod_00000000000000000000000001",
        "/admin/products/%F0%9F%8D%BA",
        "/admin/products/prod_00000000000000000000000001/delete",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("This is not here"), "{path}: {}", page.body);
        assert!(page.body.contains("Sign out"), "{path}: the frame is there");
    }
    assert_eq!(browser.get("/admin/nothing").await.status, StatusCode::NOT_FOUND);
}

/// Has the mails written that are due.
async fn take_mails(shop: &Office) {
    let mails = Arc::new(mail::subscriber::Mails);
    events::runner::catch_up(shop.web.shop(), mails).await.unwrap();
}

#[tokio::test]
async fn mails_of_an_order_are_shown_and_their_texts_edited() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    shop.buy("MUG-CHALK", 2).await;
    take_mails(&shop).await;
    let list = ada.get("/admin/mails").await;
    assert!(list.body.contains("Order confirmation") && list.body.contains("grace@example.com"));
    assert!(list.body.contains("Only kept here"), "{}", list.body);
    // Each fact causes its mail once, also when the log is read anew.
    let mut tx = shop.web.shop().db.begin().await.unwrap();
    events::store::set(&mut tx, mail::subscriber::NAME, 0, clock::now()).await.unwrap();
    tx.commit().await.unwrap();
    take_mails(&shop).await;
    let mut tx = shop.web.shop().db.read().await.unwrap();
    let mails = mail::store::list(&mut tx, None, "", None, 10).await.unwrap();
    drop(tx);
    assert_eq!(mails.len(), 1);

    let path = format!("/admin/mails/{}", mails[0].id);
    let shown = ada.get(&path).await;
    assert!(shown.body.contains("Thank you, Grace &#60;Hopper&#62;!"), "{}", shown.body);
    let framed = ada.get(&format!("{path}/html")).await;
    assert!(framed.body.contains("Thank you, Grace &lt;Hopper&gt;!"));
    let policy = framed.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!framed.body.contains("access="), "the reader's link is not for others");

    let path = "/admin/mails/templates/order_confirmation/en";
    let edit = ada.get(path).await;
    assert!(edit.body.contains("as it comes"));
    let wrong = ada.submit(&edit, path, &[("body", "Hi\n\n{{ order.nme }}")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("line 3"), "{}", wrong.body);
    let tried = [("body", "Hi {{ order.name }}, <b>bold</b>")];
    let preview = ada.submit(&edit, path, &tried).await;
    assert_eq!(preview.location(), format!("{path}?notice=saved"));
    let framed = ada.get(&format!("{path}/preview")).await;
    assert!(framed.body.contains("Hi Ada Lovelace, &lt;b&gt;bold&lt;/b&gt;"), "{}", framed.body);
    assert!(ada.get(path).await.body.contains("changed by you"));
    let csrf = ada.get(path).await.value_of("csrf");
    ada.post(&format!("{path}/reset"), &[("csrf", &csrf)]).await;
    assert!(ada.get(path).await.body.contains("as it comes"));
    for nowhere in ["/admin/mails/templates/x/en", "/admin/mails/mail_1", "/admin/jobs/x"] {
        assert_eq!(ada.get(nowhere).await.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
    let mut stranger = shop.browser();
    assert!(stranger.get(path).await.location().starts_with("/admin/sign-in"));
    assert!(
        stranger.get(&format!("{path}/preview")).await.location().starts_with("/admin/sign-in")
    );
}

#[tokio::test]
async fn the_link_of_a_mail_lets_in_to_its_order_and_no_other() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    let order = shop.buy("MUG-CHALK", 1).await;
    let id: stoa_kernel::OrderId = order["id"].as_str().unwrap().parse().unwrap();
    let other: stoa_kernel::OrderId = {
        let order = shop.buy("MUG-CHALK", 1).await;
        order["id"].as_str().unwrap().parse().unwrap()
    };
    let get = |path: String, cookie: String| {
        let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
        router(shop.web.clone()).oneshot(request)
    };
    let link = format!("order/{id}");
    let address = async |written| {
        let address = mail::links::address(shop.web.shop(), Some(&link), written).await.unwrap();
        address.strip_prefix("https://shop.example").unwrap().to_owned()
    };
    let addresses = [address(clock::now()).await, address(clock::now()).await];
    assert_ne!(addresses[0], addresses[1], "sent twice");
    for address in &addresses {
        let entered = get(address.clone(), String::new()).await.unwrap();
        assert_eq!(entered.headers()[LOCATION].to_str().unwrap(), format!("/orders/{id}"));
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let shown = get(format!("/orders/{id}"), cookie.clone()).await.unwrap();
        assert_eq!(shown.status(), StatusCode::OK);
        let refused = get(format!("/orders/{other}"), cookie).await.unwrap();
        assert_eq!(refused.headers()[LOCATION], "/orders/lookup");
    }
    let token = addresses[0].split_once("?access=").unwrap().1;
    let late = address(clock::now().plus_seconds(-90 * 86_400)).await;
    let elsewhere = format!("/orders/{other}?access={token}");
    let stranger = format!("/orders/{id}?access={}", stoa_app::entropy::token().unwrap().reveal());
    let nonsense = [format!("/orders/{id}?access=x"), format!("/orders/{id}?access=")];
    for wrong in [late, elsewhere, stranger].into_iter().chain(nonsense) {
        let refused = get(wrong.clone(), String::new()).await.unwrap();
        assert_eq!(refused.headers()[LOCATION], "/orders/lookup", "{wrong}");
        assert!(!refused.headers().contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn the_event_log_is_searched_and_failing_subscribers_are_tried_again() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    shop.buy("MUG-CHALK", 2).await;
    take_mails(&shop).await;
    let all = ada.get("/admin/events").await;
    assert!(all.body.contains("order.placed") && all.body.contains("product.created"));
    let orders = ada.get("/admin/events?type=order.*").await;
    assert!(orders.body.contains(">order.placed</a>"), "{}", orders.body);
    assert!(!orders.body.contains(">product.created</a>") && !orders.body.contains(">payment."));
    let none = ada.get("/admin/events?subject=order/ord_nothing").await;
    assert!(none.body.contains("No events here."));

    let mut tx = shop.web.shop().db.read().await.unwrap();
    let found = event_log::newest(&mut tx, i64::MAX, 100, 1, |kind, _| kind == "order.placed");
    let placed = found.await.unwrap().events.remove(0);
    drop(tx);
    let shown = ada.get(&format!("/admin/events/{}", placed.offset)).await;
    assert!(shown.body.contains("specversion") && shown.body.contains("MUG-CHALK"));
    let of_order = ada.get(&format!("/admin/events?subject={}", placed.subject)).await;
    assert!(of_order.body.contains(">order.pending</a>") && !of_order.body.contains(">stock."));
    for nowhere in ["/admin/events/x", "/admin/events/99999999"] {
        assert_eq!(ada.get(nowhere).await.status, StatusCode::NOT_FOUND);
    }

    let list = "/admin/events/subscribers";
    let page = ada.get(list).await;
    assert!(page.body.contains("Mails to customers") && page.body.contains("Up to date"));
    assert!(!page.body.contains("Retry now"));
    let (now, later) = (clock::now(), clock::now().plus_seconds(60));
    let mut tx = shop.web.shop().db.begin().await.unwrap();
    let mails = events::store::find(&mut tx, mail::subscriber::NAME).await.unwrap().unwrap();
    events::store::failed(&mut tx, &mails.name, mails.offset, now, later, "<b>away").await.unwrap();
    tx.commit().await.unwrap();
    let page = ada.get(list).await;
    assert!(page.body.contains("Failing") && page.body.contains("&#60;b&#62;away"));
    let metrics = ada.get("/metrics").await.body;
    assert!(metrics.contains("stoa_subscriber_failures_total{subscriber=\"mail\"} 1"), "{metrics}");
    assert!(metrics.contains("stoa_subscriber_lag_events{subscriber=\"mail\"}"));
    let ready = ada.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert!(ready.body.contains("\"degraded\":[\"subscriber\"]"), "{}", ready.body);
    let action = format!("{list}/mail/retry");
    let retried = ada.submit(&page, &action, &[]).await;
    assert_eq!(retried.location(), "/admin/events/subscribers?notice=retried");
    assert!(!ada.get(list).await.body.contains("Retry now"));
    let refused = ada.post(&action, &[("csrf", "x")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn jobs_are_made_looked_at_edited_and_discarded() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let page = ada.get("/admin/jobs?state=schedules").await;
    assert!(page.body.contains("Forget old carts") && page.body.contains("20 3 * * *"));
    let action = "/admin/jobs/schedules/carts.purge";
    let made = ada.submit(&page, action, &[]).await;
    assert_eq!(made.location(), "/admin/jobs?notice=job");
    assert_eq!(ada.submit(&page, action, &[]).await.location(), "/admin/jobs?notice=job_there");
    let page = ada.get("/admin/jobs").await;
    assert!(page.body.contains("Forget old carts"), "{}", page.body);
    let nothing = [("csrf", "x")];
    let refused = ada.post(action, &nothing).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let queue = &shop.web.shop().jobs;
    let job = queue.take(1).await.unwrap().pop().unwrap();
    let path = format!("/admin/jobs/{}", job.id);
    assert!(ada.get("/admin/jobs?state=running").await.body.contains("Forget old carts"));
    let error = "<b>no luck</b>".to_owned();
    assert!(queue.end(&job, Ending::Dead { error }).await.unwrap());
    let page = ada.get(&path).await;
    assert!(page.body.contains("&#60;b&#62;no luck") && page.body.contains("Given up"));
    let retry = format!("{path}/retry");
    let wrong = ada.submit(&page, &retry, &[("args", "[1")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    ada.submit(&page, &retry, &[("args", "{\"n\": 2}")]).await.location();
    let again = queue.take(1).await.unwrap().pop().unwrap();
    assert_eq!((again.id, again.args["n"].as_i64(), again.attempt), (job.id, Some(2), 1));
    let discard = format!("{path}/discard");
    let csrf = page.value_of("csrf");
    let busy = ada.post(&discard, &[("csrf", &csrf)]).await;
    assert_eq!(busy.status, StatusCode::CONFLICT);
    let later = Ending::Again { run_at: clock::now().plus_seconds(600), error: "later".into() };
    assert!(queue.end(&again, later).await.unwrap());
    assert!(queue.take(1).await.unwrap().is_empty());
    let page = ada.get(&path).await;
    ada.submit(&page, &format!("{path}/run"), &[]).await.location();
    let page = ada.get(&path).await;
    let gone = ada.submit(&page, &discard, &[]).await;
    assert_eq!(gone.location(), "/admin/jobs?notice=discarded");
    assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_a_link_that_works_once() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let mut browser = shop.browser();
    let page = browser.get("/admin/forgot").await;
    for email in ["nobody@example.com", EMAIL] {
        let answer = browser.submit(&page, "/admin/forgot", &[("email", email)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.contains("stoa staff reset-link"), "the same for both");
    }
    let mut tx = shop.web.shop().db.read().await.unwrap();
    let mails = mail::store::list(&mut tx, None, "", None, 10).await.unwrap();
    drop(tx);
    assert_eq!(mails.len(), 1, "nobody gets none");
    let link = mails[0].link.clone().unwrap();
    let address = shop.mailed(&link).await;
    assert!(address.starts_with("/admin/reset/"), "{address}");
    // Whichever of two copies is read, it lets in; the other is closed then.
    let copy = shop.mailed(&link).await;
    assert_ne!(copy, address);
    assert_eq!(browser.get(&copy).await.status, StatusCode::OK);

    let page = browser.get(&address).await;
    assert!(page.body.contains(EMAIL));
    let weak = [("password", "short"), ("repeat", "short")];
    let weak = browser.submit(&page, &address, &weak).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let new = "an entirely new password";
    let set = browser.submit(&page, &address, &[("password", new), ("repeat", new)]).await;
    assert_eq!(set.location(), "/admin");
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    assert!(ada.get("/admin").await.location().starts_with("/admin/sign-in"), "signed out");
    for used in [&address, &copy] {
        assert_eq!(browser.get(used).await.status, StatusCode::GONE);
    }
    let late = shop.mailed(&link).await;
    assert_eq!(browser.get(&late).await.status, StatusCode::GONE, "sent after it was used");
    let twice = browser.submit(&page, &address, &[("password", new), ("repeat", new)]).await;
    assert_eq!(twice.status, StatusCode::GONE);
    for wrong in ["/admin/reset/x", &address.replace("reset", "invitation")] {
        assert_eq!(browser.get(wrong).await.status, StatusCode::GONE, "{wrong}");
    }
    for _ in 0..10 {
        let page = browser.get("/admin/forgot").await;
        browser.submit(&page, "/admin/forgot", &[("email", EMAIL)]).await;
    }
    let page = browser.get("/admin/forgot").await;
    let limited = browser.submit(&page, "/admin/forgot", &[("email", EMAIL)]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn someone_who_is_invited_joins_unless_it_is_taken_back() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let page = ada.get("/admin/people").await;
    let wrong = ada.submit(&page, "/admin/people", &[("email", EMAIL)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut links = Vec::new();
    for email in ["grace@example.com", "joan@example.com"] {
        ada.submit(&page, "/admin/people", &[("email", email)]).await.location();
        let mut tx = shop.web.shop().db.read().await.unwrap();
        let mails = mail::store::list(&mut tx, None, email, None, 10).await.unwrap();
        let link = mails[0].link.clone().unwrap();
        links.push(shop.mailed(&link).await);
    }
    let page = ada.get("/admin/people").await;
    assert_eq!(page.body.matches(">grace@example.com<").count(), 1, "{}", page.body);
    let csrf = page.value_of("csrf");
    let revoked = [("csrf", csrf.as_str()), ("email", "joan@example.com")];
    ada.post("/admin/people/revoke", &revoked).await.location();
    let mut other = shop.browser();
    assert_eq!(other.get(&links[1]).await.status, StatusCode::GONE);
    let page = other.get(&links[0]).await;
    let form = [("name", "Grace"), ("password", PASSWORD), ("repeat", PASSWORD)];
    assert_eq!(other.submit(&page, &links[0], &form).await.location(), "/admin");
    assert!(other.get("/admin/people").await.body.contains("Grace"));
    assert_eq!(other.get(&links[0]).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn an_abandoned_cart_is_shown_until_it_becomes_an_order_and_after() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let page = ada.get("/admin/carts").await;
    assert!(page.body.contains("No cart was abandoned."), "{}", page.body);
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    let cart = shop.leave("MUG-CHALK").await;
    let inner = shop.web.shop();
    abandoned::find(inner, |_| ()).await.unwrap();

    let page = ada.get("/admin/carts").await;
    assert!(page.body.contains("joan@example.com"), "{}", page.body);
    let (_, link) = page.body.split_once("href=\"/admin/carts/").unwrap();
    let id = link.split_once('"').unwrap().0.to_owned();
    let address = format!("/admin/carts/{id}");
    let page = ada.get(&address).await;
    assert!(page.body.contains("MUG-CHALK") && page.body.contains("Abandoned"), "{}", page.body);
    assert!(!page.body.contains(cart.rsplit('/').next().unwrap()), "what opens the cart");
    assert_eq!(ada.get("/admin/carts/acart_x").await.status, StatusCode::NOT_FOUND);
    let path = format!("/api/admin/v1/abandoned-carts/{id}");
    let (status, read) = shop.read_api(&path).await;
    assert_eq!((status, &read["status"]), (StatusCode::OK, &json!("abandoned")), "{read}");
    assert_eq!(read["email"], "joan@example.com");
    assert_eq!(
        (&read["lines"][0]["sku"], &read["lines"][0]["quantity"]),
        (&json!("MUG-CHALK"), &json!(2))
    );

    let joans = json!({"name": "Joan Clarke", "line1": "1 Navy Yard", "city": "Boston",
        "region": "MA", "postal_code": "02129", "country": "US"});
    let details = json!({"shipping_address": joans, "shipping_method": "standard"});
    shop.api("PATCH", &cart, &details).await;
    let payment = json!({"payment": {"provider": "test", "token": "tok_ok"}});
    let order = shop.api("POST", &format!("{cart}/complete"), &payment).await;
    events::runner::catch_up(inner, Arc::new(abandoned::RecoveredCarts)).await.unwrap();
    let (_, read) = shop.read_api(&path).await;
    assert_eq!((&read["status"], &read["order_id"]), (&json!("recovered"), &order["id"]));
    let page = ada.get(&address).await;
    assert!(page.body.contains(&format!("#{}", order["number"])), "{}", page.body);
    let list = |query: &str| format!("/api/admin/v1/abandoned-carts{query}");
    let (_, open) = shop.read_api(&list("?status=abandoned")).await;
    assert_eq!((&open["items"], &open["total"]), (&json!([]), &json!(0)));
    let (_, recovered) = shop.read_api(&list("?status=recovered&limit=1")).await;
    assert_eq!(recovered["items"][0]["id"], id.as_str());
    let after = recovered["next_cursor"].as_str().unwrap();
    let (_, rest) = shop.read_api(&list(&format!("?cursor={after}"))).await;
    assert_eq!(rest["items"], json!([]));
    let (status, _) = shop.read_api(&list("?q=joan")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = ada.get("/admin/carts?status=abandoned").await;
    assert!(!page.body.contains("joan@example.com"));
    shop.assert_sound().await;
}

#[tokio::test]
async fn a_customer_is_shown_with_their_orders_and_noted_about() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    assert!(ada.get("/admin/customers").await.body.contains("No customers yet."));
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    let order = shop.buy("MUG-CHALK", 2).await;
    let customers = Arc::new(customer::subscriber::Customers);
    events::runner::catch_up(shop.web.shop(), customers).await.unwrap();
    let order_page = ada.get(&format!("/admin/orders/{}", order["id"].as_str().unwrap())).await;
    let (_, link) = order_page.body.split_once("href=\"/admin/customers/").unwrap();
    let address = format!("/admin/customers/{}", link.split_once('"').unwrap().0);
    let list = ada.get("/admin/customers?q=hopper").await;
    assert!(list.body.contains(&address), "{}", list.body);
    assert!(ada.get("/admin/customers?q=x%25x").await.body.contains("No customer matches."));

    let page = ada.get(&address).await;
    assert!(page.body.contains("Grace &#60;Hopper&#62;"), "{}", page.body);
    assert!(page.body.contains(&format!("#{}", order["number"])));
    let nameless = ada.submit(&page, &address, &[("name", " "), ("note", "calls first")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nameless.body.contains("calls first"), "what was entered is kept");
    let form = [("name", "Grace Hopper"), ("note", "calls first")];
    ada.submit(&page, &address, &form).await.location();
    // The form is of a version that is no more.
    let stale = ada.submit(&page, &address, &[("note", "does not")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let page = ada.get(&address).await;
    assert!(
        page.body.contains("calls first") && page.body.contains("<h1 class=\"break\">Grace Hopper")
    );
    assert_eq!(ada.get("/admin/customers/cus_x").await.status, StatusCode::NOT_FOUND);
    shop.assert_sound().await;
}

#[tokio::test]
async fn vendors_are_added_given_products_and_suspended() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let page = ada.get("/admin/vendors").await;
    let wrong = ada.submit(&page, "/admin/vendors", &[("name", "Kiln"), ("email", "kiln")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("name", "Blue Kiln"), ("email", "kiln@example.com")];
    ada.submit(&page, "/admin/vendors", &form).await.location();
    let taken = ada.submit(&page, "/admin/vendors", &form).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = ada.get("/admin/vendors").await;
    let (_, link) = page.body.split_once("href=\"/admin/vendors/").unwrap();
    let address = format!("/admin/vendors/{}", link.split_once('"').unwrap().0);
    let page = ada.get(&address).await;
    assert!(page.body.contains("--vendor blue-kiln"), "{}", page.body);
    let suspended = [("name", "Kiln & Co"), ("status", "suspended")];
    ada.submit(&page, &address, &suspended).await.location();
    // The form is of a version that is no more.
    let stale = ada.submit(&page, &address, &suspended).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let page = ada.get("/admin/vendors").await;
    assert!(page.body.contains("Kiln &#38; Co") && page.body.contains("Suspended"));

    let page = ada.get("/admin/products/new").await;
    let bowl = [
        ("title", "Salad Bowl"),
        ("vendor", "blue-kiln"),
        ("variants/0/sku", "BOWL"),
        ("variants/0/prices/0/price", "20"),
    ];
    let made = ada.submit(&page, "/admin/products/new", &bowl).await;
    let made = made.location();
    let page = ada.get(made.split_once('?').unwrap().0).await;
    assert!(page.body.contains("<option value=\"blue-kiln\" selected"), "{}", page.body);
}

#[tokio::test]
async fn the_page_of_an_order_shows_how_far_its_steps_are() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    let order = shop.buy("MUG-CHALK", 1).await;
    let page = ada.get(&format!("/admin/orders/{}", order["id"].as_str().unwrap())).await;
    for step in ["Reserve stock", "Take payment", "Place order"] {
        assert!(page.body.contains(step), "{step}");
    }
    assert!(!page.body.contains("Return payment"));
}

#[tokio::test]
async fn webhooks_are_added_changed_and_sent_again() {
    let shop = Office::open();
    let mut ada = shop.administrator().await;
    assert!(ada.get("/admin/webhooks").await.body.contains("Nobody is told of events yet."));
    let new = "/admin/webhooks/new";
    let page = ada.get(new).await;
    let wrong =
        [("url", "ftp://example.com"), ("events", "order.*\norders.*"), ("description", "Books")];
    let refused = ada.submit(&page, new, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("`orders.*` is not a type of events"), "{}", refused.body);
    assert!(
        refused.body.contains("Address: begins with https://") && refused.body.contains("Books")
    );
    let private = [("url", "http://127.0.0.1:9/"), ("events", "*"), ("description", "")];
    let refused = ada.submit(&page, new, &private).await;
    assert!(refused.body.contains("127.0.0.1 is not a public address"), "{}", refused.body);
    let right = [
        ("url", "https://books.example/hook"),
        ("events", "order.*, payment.captured"),
        ("description", "Books"),
    ];
    let made = ada.submit(&page, new, &right).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let secret = |page: &Page| {
        let (_, rest) = page.body.split_once("whsec_").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let first = secret(&made);
    let (_, link) = made.body.split_once("href=\"/admin/webhooks/whk_").unwrap();
    let id = format!("whk_{}", link.split_once(['"', '/']).unwrap().0);
    let address = format!("/admin/webhooks/{id}");
    let page = ada.get(&address).await;
    assert!(!page.body.contains("whsec_") && page.body.contains("No deliveries here."));

    let rotate = format!("{address}/rotate-secret");
    let rotated = ada.submit(&page, &rotate, &[]).await;
    assert_ne!(secret(&rotated), first);
    assert!(rotated.body.contains("signs too until"));
    // The form is of a version that is no more.
    assert_eq!(ada.submit(&page, &rotate, &[]).await.status, StatusCode::CONFLICT);
    let stale = ada.submit(&page, &address, &[("state", "off")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let page = ada.get(&address).await;
    let changed = [("events", "order.placed"), ("description", "Our <books>")];
    ada.submit(&page, &address, &changed).await.location();
    let list = ada.get("/admin/webhooks").await;
    assert!(list.body.contains("Our &#60;books&#62;") && list.body.contains("order.placed"));

    let product = make_mug(&mut ada).await;
    set_stock(&mut ada, &product, &[("rows/1/on_hand", "9")]).await;
    shop.buy("MUG-CHALK", 2).await;
    let webhooks = Arc::new(stoa_app::webhooks::subscriber::Webhooks);
    events::runner::catch_up(shop.web.shop(), webhooks).await.unwrap();
    let waiting = ada.get(&format!("{address}?status=waiting")).await;
    let (_, link) = waiting.body.split_once(&format!("{address}/deliveries/")).unwrap();
    let delivery = format!("{address}/deliveries/{}", link.split_once('"').unwrap().0);
    let shown = ada.get(&delivery).await;
    assert!(shown.body.contains("Not tried yet.") && shown.body.contains("MUG-CHALK"));
    assert!(ada.get("/admin/webhooks").await.body.contains("<td class=\"numeric\">1</td>"));
    let metrics = ada.get("/metrics").await.body;
    let gauge = format!("stoa_webhook_waiting_deliveries{{webhook=\"{id}\"}} 1");
    assert!(metrics.contains(&gauge), "{metrics}");

    // As a sender leaves it behind whom nobody answered for days.
    let now = clock::now();
    let mut tx = shop.web.shop().db.begin().await.unwrap();
    let (webhook, number): (stoa_kernel::WebhookId, _) = (id.parse().unwrap(), 1);
    let found = store::deliveries(&mut tx, webhook, None, None, 1).await.unwrap().remove(0);
    let failed = store::DeliveryResult {
        id: found.id,
        state: store::DeliveryState::Failed,
        attempts: 1,
        tries: 1,
        next_at: now,
        finished_at: Some(now),
    };
    store::set_results(&mut tx, &[failed]).await.unwrap();
    let attempt = store::Attempt {
        number,
        at: now,
        status: Some(503),
        error: None,
        answer: "<b>busy".to_owned(),
        duration_ms: 12,
    };
    store::add_attempts(&mut tx, &[(found.id, &attempt)]).await.unwrap();
    let since = now.plus_seconds(-6 * 86_400);
    let breaker =
        Breaker { failures: 40, failing_since: Some(since), probe_at: Some(now), is_gone: false };
    store::set_breakers(&mut tx, &[(webhook, breaker)]).await.unwrap();
    tx.commit().await.unwrap();
    let page = ada.get(&address).await;
    assert!(page.body.contains("Failing for days") && page.body.contains("It takes no deliveries"));
    let shown = ada.get(&delivery).await;
    assert!(shown.body.contains("&#60;b&#62;busy") && shown.body.contains("503"));
    let again = ada.submit(&shown, &format!("{delivery}/replay"), &[]).await;
    assert_eq!(again.location(), format!("{delivery}?notice=again"));
    assert!(ada.get(&delivery).await.body.contains(">Waiting</span>"));
    let resumed = ada.submit(&page, &format!("{address}/resume"), &[]).await;
    assert_eq!(resumed.location(), format!("{address}?notice=retried"));
    let page = ada.get(&address).await;
    assert!(!page.body.contains("It takes no deliveries"));

    let mut tx = shop.web.shop().db.begin().await.unwrap();
    store::set_results(&mut tx, &[failed]).await.unwrap();
    tx.commit().await.unwrap();
    let replay = format!("{address}/replay");
    let wrong = ada.submit(&page, &replay, &[("from", "now"), ("to", "2026-01-01T00:00")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("From: give a date and a time"));
    let none = [("from", "2020-01-01T00:00"), ("to", "2020-01-01T00:00")];
    let replayed = ada.submit(&page, &replay, &none).await;
    assert_eq!(replayed.location(), format!("{address}?notice=unchanged"));
    let all = [("from", "2020-01-01T00:00"), ("to", "2099-01-01T00:00")];
    let replayed = ada.submit(&page, &replay, &all).await;
    assert_eq!(replayed.location(), format!("{address}?notice=again"));

    let ask = format!("{address}/delete");
    let page = ada.get(&ask).await;
    assert!(page.body.contains("Delete this webhook?"));
    assert_eq!(ada.post(&ask, &[("csrf", "x")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.submit(&page, &ask, &[]).await.location(), "/admin/webhooks");
    assert_eq!(ada.get(&address).await.status, StatusCode::NOT_FOUND);
}
