//! `/categories/{handle}` and `/search`: products with facets, sorting and pages.
//!
//! The address holds everything: `q`, `brand`, `attr.<name>`, `in_stock`, `sort`, `cursor`,
//! `category` (search only), and `price_min`, `price_max` as people type them (`12.50`), unlike
//! the API, which takes minor units. Parameters of others (`utm_source`) are left alone.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, Response};
use stoa_app::catalog::CategoryNode;
use stoa_app::catalog::service::CategoryTree;
use stoa_kernel::{Currency, Money, limits};
use stoa_pages::json_ld;
use stoa_pages::storefront::{
    CategoryPage, Chip, Choice, Correction, Facet, FacetKind, FacetLink, FacetValue, Layout, Link,
    Listing, SearchPage,
};
use stoa_ports::search::{self, SearchQuery, SearchResult, price_range};

use super::frame::{Frame, category_href};
use super::home::{children, newest, tile};
use super::{cookies, views};
use crate::api::products::{ListQuery, pairs};
use crate::api::suggest::encode;
use crate::page_cache::Page;
use crate::reply::ApiError;
use crate::state::Web;

/// Products on a page.
const PAGE: usize = 24;
/// The longest query string whose page is kept.
const KEPT_QUERY_BYTES: usize = 400;
/// What can be sorted by: parameter and words.
const SORTS: [(&str, &str); 5] = [
    ("", "Best match"),
    ("newest", "Newest"),
    ("price", "Price: low to high"),
    ("price_desc", "Price: high to low"),
    ("title", "Name"),
];

/// `GET /categories/{handle}`
pub async fn category(
    State(web): State<Web>,
    Path(handle): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let query = query.unwrap_or_default();
    let stamp = web.stamp().await?;
    let address = address("/categories/", &handle, &query);
    if let Some(page) = web.pages().listing(&address, &stamp) {
        return Ok(page.respond(&headers, cookies::cart_count(&headers)));
    }
    let html = render_category(&web, &handle, &query).await?;
    let page = Page::new(&html, stamp);
    Ok(if query.len() <= KEPT_QUERY_BYTES {
        web.pages().put_listing(address, page).respond(&headers, cookies::cart_count(&headers))
    } else {
        page.respond(&headers, cookies::cart_count(&headers))
    })
}

/// `GET /search`
pub async fn search(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let query = query.unwrap_or_default();
    let stamp = web.stamp().await?;
    let address = address("/search", "", &query);
    if let Some(page) = web.pages().listing(&address, &stamp) {
        return Ok(page.respond(&headers, cookies::cart_count(&headers)));
    }
    let html = render_search(&web, &query).await?;
    let page = Page::new(&html, stamp);
    Ok(if query.len() <= KEPT_QUERY_BYTES {
        web.pages().put_listing(address, page).respond(&headers, cookies::cart_count(&headers))
    } else {
        page.respond(&headers, cookies::cart_count(&headers))
    })
}

fn address(prefix: &str, name: &str, query: &str) -> String {
    let mut address = String::with_capacity(prefix.len() + name.len() + query.len() + 1);
    address.push_str(prefix);
    address.push_str(name);
    address.push('?');
    address.push_str(query);
    address
}

async fn render_category(web: &Web, handle: &str, query: &str) -> Result<String, ApiError> {
    let frame = Frame::load(web).await?;
    let tree = &frame.tree;
    let node = tree.by_handle(handle).ok_or_else(|| ApiError::not_found("category"))?;
    let href = category_href(handle);
    let wish = Wish::read(query, web.shop().config.currency, Some(handle))?;
    let found = web.shop().search.search(&wish.search).await?;
    let listing = wish
        .listing(web, &found, &href, |value| {
            // Below this one; where nothing is, beside it.
            let shelf: Vec<&CategoryNode> =
                match (children(tree, node).next(), node.path.iter().rev().nth(1)) {
                    (Some(_), _) => children(tree, node).collect(),
                    (None, Some(parent)) => tree
                        .get(*parent)
                        .map(|parent| children(tree, parent).collect())
                        .unwrap_or_default(),
                    (None, None) => Vec::new(),
                };
            shelf
                .iter()
                .any(|other| other.category.handle == value)
                .then(|| wish.address_with(&category_href(value), &[]))
        })
        .await?;
    let mut crumbs: Vec<Link> = tree
        .path(Some(node.category.id))
        .map(|above| Link::new(above.category.name.clone(), category_href(&above.category.handle)))
        .collect();
    let trail = json_ld::breadcrumbs(frame.base(), &crumbs);
    let section = crumbs.first().map(|root| root.href.clone()).unwrap_or_default();
    crumbs.pop();
    let name = &node.category.name;
    let path = match wish.search.offset {
        0 => href.clone(),
        offset => format!("{href}?cursor={offset}"),
    };
    let page = CategoryPage {
        layout: Layout {
            description: format!("{name} at {}: {} products.", frame.shop.name, node.n_products),
            noindex: wish.is_narrowed(),
            json_ld: vec![trail],
            section,
            ..frame.public(name, &path)
        },
        crumbs,
        name: name.clone(),
        description: None,
        subcategories: if wish.is_narrowed() || wish.search.offset > 0 {
            Vec::new()
        } else {
            children(tree, node).map(tile).collect()
        },
        listing,
    };
    Ok(page.render())
}

async fn render_search(web: &Web, query: &str) -> Result<String, ApiError> {
    let frame = Frame::load(web).await?;
    let tree = &frame.tree;
    let wish = Wish::read(query, web.shop().config.currency, None)?;
    let found = web.shop().search.search(&wish.search).await?;
    let chosen = wish.search.category.as_deref().and_then(|handle| tree.by_handle(handle));
    let listing = wish
        .listing(web, &found, "/search", |value| {
            offered(tree, chosen, value)
                .then(|| wish.address_with("/search", &[("category", Some(value))]))
        })
        .await?;
    let nothing = found.total == 0;
    let text = wish.search.text.clone();
    let title = if text.is_empty() { "All products".to_owned() } else { format!("Search: {text}") };
    let page = SearchPage {
        layout: Layout { query: text, ..frame.private(&title) },
        correction: found
            .corrected
            .clone()
            .filter(|_| !nothing)
            .map(|shown| Correction { shown, literal_href: None }),
        listing,
        ideas: if nothing { frame.shop.categories.clone() } else { Vec::new() },
        popular: if nothing {
            views::cards(web, &newest(web, 4).await?).await?
        } else {
            Vec::new()
        },
    };
    Ok(page.render())
}

/// Whether the search page offers a category: the top ones; with one chosen also those above it
/// and directly below it.
fn offered(tree: &CategoryTree, chosen: Option<&CategoryNode>, value: &str) -> bool {
    let Some(node) = tree.by_handle(value) else { return false };
    let Some(chosen) = chosen else { return node.category.parent_id.is_none() };
    chosen.path.contains(&node.category.id) || node.category.parent_id == Some(chosen.category.id)
}

/// What a visitor looks for.
struct Wish {
    search: SearchQuery,
    /// What the address holds, decoded, without what means nothing here and without the cursor.
    params: Vec<(String, String)>,
}

impl Wish {
    fn read(query: &str, currency: Currency, category: Option<&str>) -> Result<Self, ApiError> {
        let mut params = Vec::new();
        let mut offset = 0;
        for (name, value) in pairs(query) {
            let value = value.trim();
            let is_known = match name.as_str() {
                "cursor" => {
                    offset = value.parse().unwrap_or(0);
                    false
                }
                "category" => category.is_none(),
                "q" | "sort" | "in_stock" | "price_min" | "price_max" | "brand" => true,
                other => other.starts_with("attr."),
            };
            let is_meant = match name.as_str() {
                "sort" => SORTS.iter().any(|(sort, _)| *sort == value),
                "in_stock" => value == "true",
                "price_min" | "price_max" => amount(value, currency).is_some(),
                _ => true,
            };
            if is_known && is_meant && !value.is_empty() {
                let value = if name == "q" { cut(value, limits::QUERY_BYTES) } else { value };
                params.push((name, value.to_owned()));
            }
        }
        let minor = |(name, value): &(String, String)| {
            let value = match name.as_str() {
                "price_min" | "price_max" => match amount(value, currency) {
                    Some(money) => money.minor.to_string(),
                    None => String::new(),
                },
                _ => value.clone(),
            };
            format!("{}={}", encode(name), encode(&value))
        };
        let api_query = params.iter().map(minor).collect::<Vec<_>>().join("&");
        let mut search = ListQuery::parse(&api_query, currency)
            .map_err(|errors| ApiError::from(stoa_domain::Refusal::Invalid(errors)))?
            .0;
        search.limit = PAGE;
        search.offset = if offset <= search::MAX_OFFSET { offset } else { 0 };
        if let Some(category) = category {
            search.category = Some(category.to_owned());
        }
        Ok(Self { search, params })
    }

    /// Whether anything but the page itself is chosen.
    fn is_narrowed(&self) -> bool {
        !self.params.is_empty()
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same listing at `base`, with these parameters instead of those that are there.
    fn address_with(&self, base: &str, changes: &[(&str, Option<&str>)]) -> String {
        let kept = self
            .params
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let new = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        href(base, kept.chain(new))
    }

    /// The same listing without one value of a parameter.
    fn address_without(&self, base: &str, name: &str, value: &str) -> String {
        let kept = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|pair| *pair != (name, value));
        href(base, kept)
    }

    async fn listing(
        &self,
        web: &Web,
        found: &SearchResult,
        base: &str,
        category_href: impl Fn(&str) -> Option<String>,
    ) -> Result<Listing, ApiError> {
        let offset = self.search.offset;
        let next = offset + found.ids.len();
        let more = u64::try_from(next).unwrap_or(u64::MAX) < found.total
            && !found.ids.is_empty()
            && next <= search::MAX_OFFSET;
        let at = |offset: usize| match offset {
            0 => self.address_with(base, &[]),
            offset => self.address_with(base, &[("cursor", Some(&offset.to_string()))]),
        };
        let keeps = |name: &str| name == "q" || name == "category";
        let clear = self.params.iter().filter(|(name, _)| name == "q" || name == "sort");
        Ok(Listing {
            action: base.to_owned(),
            keep: self.params.iter().filter(|(name, _)| keeps(name)).cloned().collect(),
            total: found.total,
            first: u64::try_from(offset).unwrap_or(0) + 1,
            products: views::cards(web, &found.ids).await?,
            facets: self.facets(&found.facets, base, category_href),
            chips: self.chips(&found.facets, base),
            clear_href: href(base, clear.map(|(name, value)| (name.as_str(), value.as_str()))),
            sorts: SORTS
                .iter()
                .map(|(value, label)| Choice {
                    value: (*value).to_owned(),
                    label: (*label).to_owned(),
                    selected: self.value("sort").unwrap_or("") == *value,
                })
                .collect(),
            previous: (offset > 0).then(|| at(offset.saturating_sub(PAGE))),
            next: more.then(|| at(next)),
        })
    }

    fn facets(
        &self,
        found: &[search::Facet],
        base: &str,
        category_href: impl Fn(&str) -> Option<String>,
    ) -> Vec<Facet> {
        let mut facets = Vec::new();
        for facet in found {
            let kind = match facet.field.as_str() {
                "category" => {
                    let links: Vec<FacetLink> = facet
                        .values
                        .iter()
                        .filter_map(|value| {
                            Some(FacetLink {
                                href: category_href(&value.value)?,
                                label: value.label.clone(),
                                count: Some(value.count),
                                current: self.search.category.as_deref() == Some(&value.value),
                            })
                        })
                        .collect();
                    if links.is_empty() {
                        continue;
                    }
                    FacetKind::Links(links)
                }
                "price" => self.price_facet(facet, base),
                "in_stock" => {
                    let Some(yes) = facet.values.iter().find(|value| value.value == "true") else {
                        continue;
                    };
                    FacetKind::Values(vec![FacetValue {
                        value: "true".to_owned(),
                        label: "In stock".to_owned(),
                        count: yes.count,
                        checked: self.search.in_stock == Some(true),
                    }])
                }
                field => {
                    let values = facet.values.iter().map(|value| FacetValue {
                        value: value.value.clone(),
                        label: value.label.clone(),
                        count: value.count,
                        checked: self.has(field, &value.value),
                    });
                    FacetKind::Values(values.collect())
                }
            };
            let is_first =
                matches!(facet.field.as_str(), "category" | "price" | "in_stock" | "brand");
            facets.push(Facet {
                param: facet.field.clone(),
                label: match facet.field.as_str() {
                    "in_stock" => "Availability".to_owned(),
                    _ => facet.label.clone(),
                },
                open: is_first,
                kind,
            });
        }
        facets
    }

    fn has(&self, field: &str, value: &str) -> bool {
        self.params.iter().any(|(name, chosen)| name == field && chosen == value)
    }

    fn price_facet(&self, facet: &search::Facet, base: &str) -> FacetKind {
        let currency = self.search.currency;
        let typed = |name| self.value(name).unwrap_or("").to_owned();
        let major = |minor: Option<i64>| minor.map(|minor| Money::new(minor, currency).to_major());
        let bands = facet.values.iter().filter_map(|value| {
            let (min, max) = price_range(&value.value)?;
            let (from, to) = (major(min), major(max));
            let changes = [("price_min", from.as_deref()), ("price_max", to.as_deref())];
            Some(FacetLink {
                label: value.label.clone(),
                href: self.address_with(base, &changes),
                count: Some(value.count),
                current: (self.search.price_min, self.search.price_max) == (min, max),
            })
        });
        FacetKind::Price {
            currency: currency.symbol().to_owned(),
            min: typed("price_min"),
            max: typed("price_max"),
            bands: bands.collect(),
        }
    }

    /// What is chosen, each with the way to drop it.
    fn chips(&self, facets: &[search::Facet], base: &str) -> Vec<Chip> {
        let currency = self.search.currency;
        let label_of = |field: &str, value: &str| {
            let facet = facets.iter().find(|facet| facet.field == field);
            let shown = facet
                .and_then(|facet| facet.values.iter().find(|known| known.value == value))
                .map_or(value, |known| known.label.as_str());
            let name = facet.map_or_else(
                || field.trim_start_matches("attr.").replace('_', " "),
                |facet| facet.label.clone(),
            );
            format!("{}: {shown}", views::sentence(&name).trim_end_matches('.'))
        };
        let mut chips = Vec::new();
        for (name, value) in &self.params {
            let money = || amount(value, currency);
            let label = match name.as_str() {
                "q" | "sort" => continue,
                "in_stock" => "In stock".to_owned(),
                "price_min" => money().map_or_else(String::new, |from| format!("From {from}")),
                "price_max" => money().map_or_else(String::new, |to| format!("Up to {to}")),
                field => label_of(field, value),
            };
            let remove_href = self.address_without(base, name, value);
            chips.push(Chip { label, remove_href });
        }
        chips
    }
}

/// An amount as people type it.
fn amount(text: &str, currency: Currency) -> Option<Money> {
    let text = text.replace([',', ' ', '\u{a0}'], "");
    let text = text.trim_start_matches(currency.symbol());
    Money::parse_major(text, currency).ok().filter(|money| money.minor >= 0)
}

/// A text of at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or("")
}

fn href<'a>(base: &str, params: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = base.to_owned();
    for (index, (name, value)) in params.enumerate() {
        address.push(if index == 0 { '?' } else { '&' });
        address.push_str(&encode(name));
        address.push('=');
        address.push_str(&encode(value));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_amounts_in_many_ways() {
        let usd = |text| amount(text, Currency::USD).map(|money| money.minor);
        assert_eq!(usd("12.5"), Some(1250));
        assert_eq!(usd("$1,299"), Some(129_900));
        assert_eq!(usd("-5"), None);
        assert_eq!(usd("cheap"), None);
        assert_eq!(usd("99999999999999999999"), None);
    }

    #[test]
    fn an_address_keeps_what_is_chosen_and_drops_what_is_not_meant() {
        let query =
            "q=desk+lamp&brand=A%26B&brand=C&utm_source=x&sort=nonsense&price_max=20&cursor=24";
        let wish = Wish::read(query, Currency::USD, None).unwrap();
        assert_eq!(wish.search.price_max, Some(2000));
        assert_eq!(wish.search.offset, 24);
        assert_eq!(
            wish.address_without("/search", "brand", "C"),
            "/search?q=desk%20lamp&brand=A%26B&price_max=20"
        );
        assert_eq!(
            wish.address_with("/search", &[("price_max", None), ("brand", None)]),
            "/search?q=desk%20lamp"
        );
        let long = format!("q={}", "ä".repeat(300));
        let wish = Wish::read(&long, Currency::USD, None).unwrap();
        assert_eq!(wish.search.text.len(), limits::QUERY_BYTES);
    }
}
