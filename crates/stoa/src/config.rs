//! Configuration: the defaults below, over them a file, over that the environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use stoa_app::mail::{Language, MailSettings};
use stoa_app::rate_limit::Limits;
use stoa_app::webhooks::WebhookSettings;
use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod, ShopConfig, TaxRate};
use stoa_embedded::test_payment::Behaviour;
use stoa_kernel::{Currency, Decimal, Money, Rate};
use stoa_ports::cache::Quota;
use stoa_sql::PostgresOptions;
use stoa_web::client::{ForwardedHeader, Network, Proxies};
use toml::{Table, Value};

/// Every setting with its default, for people to read.
pub(crate) const DEFAULTS: &str = include_str!("../config.default.toml");

/// The configuration.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// What decisions depend on.
    pub(crate) shop: ShopConfig,
    /// One line that says what the shop is.
    pub(crate) tagline: String,
    /// The PostgreSQL database; `None` for the embedded one.
    pub(crate) database: Option<PostgresOptions>,
    /// Connections to it at most.
    pub(crate) connections: u16,
    /// What vouches for its certificate.
    pub(crate) root_certificate: Option<PathBuf>,
    /// The addresses of the cache that processes share; none, one server, or nodes of a cluster.
    pub(crate) cache_urls: Vec<String>,
    /// What its keys begin with.
    pub(crate) cache_prefix: String,
    /// How often somebody may try what.
    pub(crate) limits: Limits,
    /// The proxies in front of the shop.
    pub(crate) proxies: Proxies,
    /// The address of the message broker that hands out jobs; `None` for the table.
    pub(crate) jobs_url: Option<String>,
    /// The address of the server that sends mail; `None` for the outbox.
    pub(crate) mail_url: Option<String>,
    /// How mails are written; without the public address, which is known once the shop listens.
    pub(crate) mail: MailSettings,
    /// What webhooks may call.
    pub(crate) webhooks: WebhookSettings,
    /// Where to listen.
    pub(crate) listen: String,
    /// How long to go on serving after being asked to stop, so that load balancers notice.
    pub(crate) leave: Duration,
    /// The address shoppers see; empty means made from `listen`.
    pub(crate) public_url: String,
    /// Bytes of rendered pages kept.
    pub(crate) page_cache_bytes: u64,
    /// Where the shop's secret is; `None` for the database.
    pub(crate) secret_file: Option<PathBuf>,
    /// A filter of tracing.
    pub(crate) log_level: String,
    /// Whether logs are JSON.
    pub(crate) log_json: bool,
    /// How the test provider behaves; `None` when it is off.
    pub(crate) test_payments: Option<Behaviour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    shop: ShopFile,
    database: DatabaseFile,
    jobs: JobsFile,
    mail: MailFile,
    webhooks: WebhooksFile,
    server: ServerFile,
    cache: CacheFile,
    limits: LimitsFile,
    security: SecurityFile,
    log: LogFile,
    payments: PaymentsFile,
    #[serde(default)]
    shipping: Vec<ShippingFile>,
    #[serde(default)]
    tax: Vec<TaxFile>,
    #[serde(default)]
    discounts: Vec<DiscountFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopFile {
    name: String,
    tagline: String,
    currency: String,
    prices_include_tax: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseFile {
    url: String,
    connections: u16,
    root_certificate: String,
    read_urls: Vec<String>,
    read_max_lag_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobsFile {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhooksFile {
    allow_private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MailFile {
    url: String,
    from: String,
    reply_to: String,
    language: String,
}

impl MailFile {
    fn check(self, shop: &str) -> anyhow::Result<(Option<String>, MailSettings)> {
        let starts = |scheme| self.url.starts_with(scheme);
        if !(self.url.is_empty() || starts("smtp://") || starts("smtps://")) {
            bail!("mail.url does not begin with smtp:// or smtps://");
        }
        let address = |text: &str| {
            let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
            stoa_domain::address::is_email(inner.unwrap_or(text).trim())
                && !text.contains(char::is_control)
        };
        let from = match self.from.trim() {
            "" if !self.url.is_empty() => {
                bail!("mail.from is needed where mail.url is set, e.g. \"Shop <shop@example.com>\"")
            }
            "" => format!("{} <shop@localhost>", shop.replace(['<', '>', '"'], " ")),
            from if address(from) => from.to_owned(),
            _ => bail!("mail.from is not an address such as \"Shop <shop@example.com>\""),
        };
        let reply_to = Some(self.reply_to.trim().to_owned()).filter(|text| !text.is_empty());
        if reply_to.as_deref().is_some_and(|text| !address(text)) {
            bail!("mail.reply_to is not an address such as \"help@example.com\"");
        }
        let language = match self.language.as_str() {
            "auto" => None,
            code => match Language::parse(code) {
                Some(language) => Some(language),
                None => bail!("mail.language is `{code}`; it can be auto, en, de or fr"),
            },
        };
        let settings = MailSettings { from, reply_to, language, public_url: String::new() };
        Ok((Some(self.url).filter(|url| !url.is_empty()), settings))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerFile {
    listen: String,
    public_url: String,
    leave_ms: u64,
    page_cache_mib: u64,
    trusted_proxies: Vec<String>,
    client_header: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheFile {
    url: OneOrMany,
    prefix: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    sign_in: String,
    sign_in_account: String,
    sign_in_anywhere: String,
    checkout: String,
    declined: String,
    declined_cart: String,
    search: String,
    api: String,
    api_token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecurityFile {
    secret_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFile {
    level: String,
    format: LogFormat,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum LogFormat {
    Text,
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentsFile {
    test: TestPaymentsFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestPaymentsFile {
    enabled: bool,
    delay_ms: u64,
    lose_reply_every: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShippingFile {
    code: String,
    name: String,
    price: String,
    free_from: Option<String>,
    #[serde(default)]
    countries: Vec<String>,
    days: Option<(u16, u16)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxFile {
    country: String,
    region: Option<String>,
    name: String,
    percent: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscountFile {
    code: String,
    percent: Option<String>,
    amount: Option<String>,
    min_subtotal: Option<String>,
}

impl Config {
    /// Reads the configuration: `file` (an error when it is given and absent), else `stoa.toml` in
    /// the data directory where there is one; then `variables` that begin with `STOA_`.
    ///
    /// # Errors
    /// A file that cannot be read, or a setting that is wrong, with its name.
    pub(crate) fn load(
        data: &Path,
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let mut table: Table = DEFAULTS.parse().context("the built-in defaults")?;
        let own = data.join("stoa.toml");
        let file = file.or(if own.exists() { Some(&own) } else { None });
        if let Some(path) = file {
            let name = path.display();
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            let over: Table = text.parse().with_context(|| format!("{name} is not TOML"))?;
            merge(&mut table, over);
        }
        for (name, value) in variables {
            if let Some(path) = name.strip_prefix("STOA_").filter(|path| path.contains("__")) {
                set(&mut table, path, &value)
                    .with_context(|| format!("the environment variable {name}"))?;
            }
        }
        let parsed: File = table.try_into().map_err(|error: toml::de::Error| {
            let source = file.map_or("the configuration".to_owned(), |f| f.display().to_string());
            anyhow::anyhow!("{source}: {}", error.to_string().trim())
        })?;
        parsed.check()
    }
}

/// Puts one table over another: tables are merged, everything else is replaced.
fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Sets `A__B` to a text, in the type that the setting has.
fn set(table: &mut Table, path: &str, text: &str) -> anyhow::Result<()> {
    let path = path.to_lowercase();
    let mut parts: Vec<&str> = path.split("__").collect();
    let last = parts.pop().unwrap_or_default();
    let mut table = table;
    for part in parts {
        table = match table.get_mut(part) {
            Some(Value::Table(inner)) => inner,
            _ => bail!("there is no section `{part}`"),
        };
    }
    let value = match table.get(last) {
        None => bail!("there is no setting `{last}`"),
        Some(Value::Integer(_)) => {
            Value::Integer(text.parse().context("a whole number is needed")?)
        }
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().context("true or false is needed")?),
        Some(Value::String(_)) => Value::String(text.to_owned()),
        Some(Value::Array(items)) if items.iter().all(Value::is_str) => {
            Value::Array(listed(text).map(Value::String).collect())
        }
        Some(_) => bail!("`{last}` can only be set in the file"),
    };
    table.insert(last.to_owned(), value);
    Ok(())
}

fn percent(text: &str) -> anyhow::Result<Rate> {
    let number: Decimal = text.parse().with_context(|| format!("`{text}` is not a percentage"))?;
    let millionths = number.as_millionths();
    if !(0..=100_000_000).contains(&millionths) || millionths % 100 != 0 {
        bail!("`{text}` is not a percentage from 0 to 100 with at most four decimals");
    }
    Ok(Rate::from_ppm(millionths / 100))
}

/// The parts of a list with commas.
fn listed(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// A limit such as `60/15m`; none for `off`.
fn quota(text: &str) -> anyhow::Result<Option<Quota>> {
    if text == "off" {
        return Ok(None);
    }
    let read = || {
        let (tokens, window) = text.split_once('/')?;
        let digits = window.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
        let unit = match window.strip_prefix(digits)? {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let count: u32 = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        Quota::new(tokens.parse().ok()?, count.checked_mul(unit)?)
    };
    let quota = read().with_context(|| {
        format!(
            "`{text}` is not a limit such as 60/15m (60 in 15 minutes; s, m, h or d, at most a \
             week and a million a second) or off"
        )
    })?;
    Ok(Some(quota))
}

impl LimitsFile {
    fn check(&self) -> anyhow::Result<Limits> {
        let limit = |name: &str, text: &str| quota(text).with_context(|| format!("limits.{name}"));
        Ok(Limits {
            sign_in: limit("sign_in", &self.sign_in)?,
            sign_in_account: limit("sign_in_account", &self.sign_in_account)?,
            sign_in_anywhere: limit("sign_in_anywhere", &self.sign_in_anywhere)?,
            checkout: limit("checkout", &self.checkout)?,
            declined: limit("declined", &self.declined)?,
            declined_cart: limit("declined_cart", &self.declined_cart)?,
            search: limit("search", &self.search)?,
            api: limit("api", &self.api)?,
            api_token: limit("api_token", &self.api_token)?,
        })
    }
}

impl CacheFile {
    fn check(self) -> anyhow::Result<(Vec<String>, String)> {
        let urls: Vec<String> = match self.url {
            OneOrMany::One(text) => listed(&text).collect(),
            OneOrMany::Many(urls) => urls,
        };
        if urls.iter().any(|url| !url.starts_with("redis://")) {
            // Addresses hold passwords: they are not repeated.
            bail!("cache.url does not begin with redis://");
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.bytes().all(is_plain) {
            bail!("cache.prefix has 1 to 64 letters, digits, - and _");
        }
        Ok((urls, self.prefix))
    }
}

impl ServerFile {
    fn proxies(&self) -> anyhow::Result<Proxies> {
        let trusted = self.trusted_proxies.iter().map(|text| text.parse::<Network>());
        let header = match self.client_header.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => ForwardedHeader::XForwardedFor,
            "forwarded" => ForwardedHeader::Forwarded,
            other => {
                bail!("server.client_header is `{other}`; it can be X-Forwarded-For or Forwarded")
            }
        };
        let trusted = trusted.collect::<Result<Vec<_>, _>>().context("server.trusted_proxies")?;
        Ok(Proxies { trusted, header })
    }
}

fn country(code: &str) -> anyhow::Result<String> {
    if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        bail!("`{code}` is not a country code of ISO 3166-1, e.g. DE");
    }
    Ok(code.to_owned())
}

impl File {
    fn check(self) -> anyhow::Result<Config> {
        let currency: Currency = self.shop.currency.parse().context("shop.currency")?;
        let money = |text: &str| Money::parse_major(text, currency);
        let mut shipping_methods = Vec::new();
        for (index, method) in self.shipping.into_iter().enumerate() {
            let at = |name: &str| format!("shipping[{index}].{name}");
            shipping_methods.push(ShippingMethod {
                price: money(&method.price).with_context(|| at("price"))?,
                free_from: method
                    .free_from
                    .map(|text| money(&text))
                    .transpose()
                    .with_context(|| at("free_from"))?,
                countries: method
                    .countries
                    .iter()
                    .map(|code| country(code))
                    .collect::<anyhow::Result<_>>()
                    .with_context(|| at("countries"))?,
                code: method.code,
                name: method.name,
                days: method.days,
            });
        }
        if shipping_methods.is_empty() {
            bail!("at least one [[shipping]] is needed, else nobody can order");
        }
        let mut tax_rates = Vec::new();
        for (index, tax) in self.tax.into_iter().enumerate() {
            tax_rates.push(TaxRate {
                country: country(&tax.country).with_context(|| format!("tax[{index}].country"))?,
                region: tax.region,
                name: tax.name,
                rate: percent(&tax.percent).with_context(|| format!("tax[{index}].percent"))?,
            });
        }
        let mut discounts = Vec::new();
        for (index, discount) in self.discounts.into_iter().enumerate() {
            let at = format!("discounts[{index}]");
            let kind = match (&discount.percent, &discount.amount) {
                (Some(text), None) => {
                    DiscountKind::Percent(percent(text).with_context(|| format!("{at}.percent"))?)
                }
                (None, Some(text)) => {
                    DiscountKind::Amount(money(text).with_context(|| format!("{at}.amount"))?)
                }
                _ => bail!("{at} needs either percent or amount"),
            };
            let min_subtotal = discount.min_subtotal.map(|text| money(&text)).transpose();
            discounts.push(Discount {
                code: discount.code,
                kind,
                min_subtotal: min_subtotal.with_context(|| format!("{at}.min_subtotal"))?,
            });
        }
        let DatabaseFile { url, connections, root_certificate, read_urls, read_max_lag_ms } =
            self.database;
        if !(2..=1000).contains(&connections) {
            bail!("database.connections is {connections}; it can be from 2 to 1000");
        }
        let is_address =
            |url: &str| url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !(url.is_empty() || is_address(&url)) {
            bail!("database.url does not begin with postgres://");
        }
        if !read_urls.iter().all(|url| is_address(url)) {
            bail!("an address in database.read_urls does not begin with postgres://");
        }
        if url.is_empty() && !read_urls.is_empty() {
            bail!("database.read_urls names replicas of nothing: database.url is empty");
        }
        let root_certificate =
            Some(root_certificate).filter(|path| !path.is_empty()).map(PathBuf::from);
        let database = Some(url).filter(|url| !url.is_empty()).map(|url| PostgresOptions {
            url,
            connections,
            read_urls,
            max_lag: Duration::from_millis(read_max_lag_ms),
            root_certificate: root_certificate.clone(),
        });
        let (cache_urls, cache_prefix) = self.cache.check()?;
        let jobs_url = self.jobs.url;
        let is_amqp = jobs_url.starts_with("amqp://") || jobs_url.starts_with("amqps://");
        if !(jobs_url.is_empty() || is_amqp) {
            bail!("jobs.url does not begin with amqp:// or amqps://");
        }
        let (mail_url, mail) = self.mail.check(&self.shop.name)?;
        Ok(Config {
            database,
            connections,
            root_certificate,
            cache_urls,
            cache_prefix,
            limits: self.limits.check()?,
            proxies: self.server.proxies()?,
            jobs_url: Some(jobs_url).filter(|url| !url.is_empty()),
            mail_url,
            mail,
            webhooks: WebhookSettings { allow_private: self.webhooks.allow_private },
            shop: ShopConfig {
                name: self.shop.name,
                currency,
                prices_include_tax: self.shop.prices_include_tax,
                shipping_methods,
                tax_rates,
                discounts,
            },
            tagline: self.shop.tagline,
            listen: self.server.listen,
            leave: Duration::from_millis(self.server.leave_ms),
            public_url: self.server.public_url.trim_end_matches('/').to_owned(),
            page_cache_bytes: self.server.page_cache_mib.saturating_mul(1024 * 1024),
            secret_file: Some(self.security.secret_file)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            log_level: self.log.level,
            log_json: self.log.format == LogFormat::Json,
            test_payments: self.payments.test.enabled.then(|| Behaviour {
                delay: Duration::from_millis(self.payments.test.delay_ms),
                lose_every: self.payments.test.lose_reply_every,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stoa.toml"), file).unwrap();
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Config::load(folder.path(), None, variables)
    }

    #[test]
    fn the_file_goes_over_the_defaults_and_the_environment_over_the_file() {
        let file = "[shop]\nname = \"A\"\ncurrency = \"EUR\"\n[server]\npage_cache_mib = 1";
        let config = load(file, &[("STOA_SHOP__NAME", "B"), ("STOA_DATA", "x")]).unwrap();
        assert_eq!(config.shop.name, "B");
        assert_eq!(config.shop.currency, Currency::EUR);
        assert_eq!(config.page_cache_bytes, 1024 * 1024);
        assert!(config.database.is_none());
        let address = "postgres://stoa@db/shop";
        let replicas = ("STOA_DATABASE__READ_URLS", "postgres://one/shop, postgres://two/shop");
        let on_server = load(file, &[("STOA_DATABASE__URL", address), replicas]).unwrap();
        let on_server = on_server.database.unwrap();
        assert_eq!(on_server.url, address);
        assert_eq!(on_server.read_urls, ["postgres://one/shop", "postgres://two/shop"]);
        assert_eq!(config.shop.tax_rate("US", Some("CA")).unwrap().rate.ppm(), 72_500);
        assert_eq!(config.shop.tax_rate("US", Some("TX")), None);
    }

    #[test]
    fn lists_and_limits_are_read_from_both() {
        let config = load("", &[]).unwrap();
        assert!(config.cache_urls.is_empty());
        assert_eq!(config.limits.sign_in, Quota::new(60, 900));
        assert_eq!(config.limits.api, None);
        assert!(config.proxies.trusted.is_empty());
        let file = "[cache]\nurl = [\"redis://a\", \"redis://b\"]\n[server]\n\
                    trusted_proxies = [\"10.0.0.0/8\"]\nclient_header = \"Forwarded\"\n\
                    [limits]\nsign_in = \"off\"\napi = \"100/s\"";
        let config = load(file, &[]).unwrap();
        assert_eq!(config.cache_urls, ["redis://a", "redis://b"]);
        assert_eq!(config.limits.sign_in, None);
        assert_eq!(config.limits.api, Quota::new(100, 1));
        assert_eq!(config.proxies.header, ForwardedHeader::Forwarded);
        let variables = [
            ("STOA_CACHE__URL", "redis://c, redis://d,redis://e"),
            ("STOA_SERVER__TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/32"),
            ("STOA_LIMITS__SIGN_IN", "5/2h"),
        ];
        let config = load(file, &variables).unwrap();
        assert_eq!(config.cache_urls, ["redis://c", "redis://d", "redis://e"]);
        assert_eq!(config.proxies.trusted.len(), 2);
        assert_eq!(config.limits.sign_in, Quota::new(5, 7_200));
    }

    #[test]
    fn errors_name_the_setting() {
        for (file, variables, names) in [
            ("[shop]\nnmae = \"A\"", &[][..], "nmae"),
            ("[shop]\ncurrency = \"XXX\"", &[], "shop.currency"),
            ("[[tax]]\ncountry = \"DE\"\nname = \"V\"\npercent = \"119\"", &[], "tax[0].percent"),
            ("", &[("STOA_SHOP__NOPE", "1")], "STOA_SHOP__NOPE"),
            ("", &[("STOA_SERVER__PAGE_CACHE_MIB", "many")], "STOA_SERVER__PAGE_CACHE_MIB"),
            ("shop = [", &[], "not TOML"),
            ("", &[("STOA_DATABASE__URL", "mysql://root@db/shop")], "database.url"),
            ("[database]\nconnections = 1", &[], "database.connections"),
            ("", &[("STOA_CACHE__URL", "http://cache")], "cache.url"),
            ("[cache]\nprefix = \"a:b\"", &[], "cache.prefix"),
            ("", &[("STOA_SERVER__TRUSTED_PROXIES", "proxy")], "server.trusted_proxies"),
            ("", &[("STOA_SERVER__CLIENT_HEADER", "via")], "server.client_header"),
            ("", &[("STOA_LIMITS__API", "many")], "limits.api"),
            ("", &[("STOA_LIMITS__API", "0/1m")], "limits.api"),
            ("", &[("STOA_LIMITS__SEARCH", "10/8d")], "limits.search"),
            ("[database]\nread_urls = [\"postgres://db/shop\"]", &[], "database.read_urls"),
            ("", &[("STOA_DATABASE__READ_URLS", "db")], "database.read_urls"),
        ] {
            let error = format!("{:#}", load(file, variables).unwrap_err());
            assert!(error.contains(names), "{error}");
        }
    }

    #[test]
    fn every_default_has_a_comment() {
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for pair in lines.windows(2) {
            let is_setting = pair[1].contains(" = ") && !pair[1].starts_with('#');
            let in_list = pair[0].contains(" = ") || pair[0].starts_with("[[");
            if is_setting && !in_list {
                assert!(pair[0].starts_with('#'), "no comment above `{}`", pair[1]);
            }
        }
    }
}
