//! `/` and `/categories`.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use stoa_app::catalog::CategoryNode;
use stoa_app::catalog::service::CategoryTree;
use stoa_kernel::ProductId;
use stoa_pages::json_ld;
use stoa_pages::storefront::{
    CategoriesPage, CategoryTile, Hero, HomePage, Link, Picture, ProductCard, Promise, Shelf,
};
use stoa_ports::search::SearchQuery;

use super::frame::{Frame, category_href, free_from};
use super::{cookies, views};
use crate::page_cache::{Page, Stamp};
use crate::reply::ApiError;
use crate::state::Web;

/// Products in a row of the home page.
const ROW: usize = 4;
/// Rows with products of one category.
const CATEGORY_ROWS: usize = 3;
/// Categories shown as tiles.
const TILES: usize = 8;
/// Products that stand in the arches.
const ARCHES: usize = 3;

/// `GET /`
pub async fn home(State(web): State<Web>, headers: HeaderMap) -> Result<Response<Body>, ApiError> {
    const ADDRESS: &str = "/";
    let stamp = web.stamp().await?;
    let page = match web.pages().listing(ADDRESS, &stamp) {
        Some(page) => page,
        None => {
            let html = render_home(&web).await?;
            web.pages().put_listing(ADDRESS.to_owned(), Page::new(&html, stamp))
        }
    };
    Ok(page.respond(&headers, cookies::cart_count(&headers)))
}

async fn render_home(web: &Web) -> Result<String, ApiError> {
    let frame = Frame::load(web).await?;
    let config = &web.shop().config;
    let mut largest: Vec<&CategoryNode> =
        frame.tree.roots().filter(|node| node.n_products > 0).collect();
    let tiles: Vec<CategoryTile> = largest.iter().take(TILES).map(|node| tile(node)).collect();
    largest.sort_by_key(|node| std::cmp::Reverse(node.n_products));

    let mut shown = BTreeSet::new();
    let newest = newest(web, 2 * ROW).await?;
    let mut shelves = Vec::new();
    let mut arches = Vec::new();
    if !newest.is_empty() {
        shown.extend(newest.iter().copied());
        shelves.push(Shelf {
            heading: "New in the shop".to_owned(),
            more: Some(Link::new("All new products", "/search?sort=newest")),
            products: views::cards(web, &newest).await?,
        });
    }
    for node in largest.iter().take(CATEGORY_ROWS) {
        let handle = &node.category.handle;
        let found = in_category(web, handle, 3 * ROW).await?;
        let fresh: Vec<ProductId> =
            found.into_iter().filter(|id| shown.insert(*id)).take(ROW).collect();
        let products = views::cards(web, &fresh).await?;
        arches.extend(products.first().cloned());
        if products.len() == ROW {
            shelves.push(Shelf {
                heading: node.category.name.clone(),
                more: Some(Link::new(
                    format!("All of {}", node.category.name),
                    category_href(handle),
                )),
                products,
            });
        }
    }
    arches.truncate(ARCHES);
    let n_products: i64 = frame.tree.roots().map(|node| node.n_products).sum();
    let page = HomePage {
        layout: stoa_pages::storefront::Layout {
            description: match frame.shop.tagline.as_str() {
                "" => config.name.clone(),
                tagline => views::sentence(&format!("{}: {tagline}", config.name)),
            },
            json_ld: vec![json_ld::website(frame.base(), &config.name)],
            ..frame.public("", "/")
        },
        hero: hero(&frame, n_products, arches),
        categories: tiles,
        shelves,
        promises: promises(web),
    };
    Ok(page.render())
}

fn hero(frame: &Frame, n_products: i64, products: Vec<ProductCard>) -> Hero {
    let n_categories = frame.tree.roots().filter(|node| node.n_products > 0).count();
    let text = match (n_products, n_categories) {
        (0, _) => "The first products will be here soon.".to_owned(),
        (n, 0 | 1) => format!("{n} products, and a search that finds what you mean."),
        (n, c) => {
            format!("{n} products in {c} departments, and a search that finds what you mean.")
        }
    };
    Hero {
        heading: if frame.shop.tagline.is_empty() {
            frame.shop.name.clone()
        } else {
            views::sentence(&frame.shop.tagline)
        },
        text,
        action: Link::new("See what is new", "/search?sort=newest"),
        second: Some(Link::new("Browse all categories", "/categories")),
        products,
    }
}

/// What the shop promises: only what its settings and its code keep.
fn promises(web: &Web) -> Vec<Promise> {
    let config = &web.shop().config;
    let mut promises = Vec::new();
    let mut promise = |icon, title: &str, text: String| {
        promises.push(Promise { icon, title: title.to_owned(), text });
    };
    if let Some(from) = free_from(config) {
        promise("truck", "Free shipping", format!("On orders over {from}"));
    }
    let time = config.shipping_methods.first().and_then(views::shipping_time);
    if let Some(time) = time {
        promise("parcel", "Soon with you", format!("Delivered in {time}"));
    }
    promise("shield", "No account needed", "Number and e-mail find your order".to_owned());
    promise("cart", "Your cart waits", "It is kept for 60 days".to_owned());
    promises
}

/// The newest products that can be bought.
pub(super) async fn newest(web: &Web, limit: usize) -> Result<Vec<ProductId>, ApiError> {
    let wanted = i64::try_from(limit).unwrap_or(8);
    let ids = web.shop().catalog.newest(wanted.saturating_mul(3)).await?;
    let cards = web.shop().catalog.cards(&ids).await?;
    Ok(cards.iter().filter(|card| card.in_stock).map(|card| card.id).take(limit).collect())
}

/// Some products of a category that can be bought.
pub(super) async fn in_category(
    web: &Web,
    handle: &str,
    limit: usize,
) -> Result<Vec<ProductId>, ApiError> {
    let query = SearchQuery {
        category: Some(handle.to_owned()),
        in_stock: Some(true),
        facets: false,
        limit,
        ..SearchQuery::all(web.shop().config.currency)
    };
    Ok(web.shop().search.search(&query).await?.ids)
}

/// A category as a tile.
pub(super) fn tile(node: &CategoryNode) -> CategoryTile {
    let category = &node.category;
    CategoryTile {
        href: category_href(&category.handle),
        name: category.name.clone(),
        count: u64::try_from(node.n_products).ok(),
        picture: Picture {
            url: format!("/media/categories/{}.svg", category.handle),
            alt: String::new(),
        },
        children: Vec::new(),
    }
}

/// The categories directly below one that have something on sale.
pub(super) fn children<'a>(
    tree: &'a CategoryTree,
    node: &'a CategoryNode,
) -> impl Iterator<Item = &'a CategoryNode> {
    node.children.iter().filter_map(|id| tree.get(*id)).filter(|child| child.n_products > 0)
}

/// `GET /categories`
pub async fn categories(
    State(web): State<Web>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    const ADDRESS: &str = "/categories";
    let stamp: Stamp = web.stamp().await?;
    let page = match web.pages().listing(ADDRESS, &stamp) {
        Some(page) => page,
        None => {
            let frame = Frame::load(&web).await?;
            let tiles = frame.tree.roots().filter(|node| node.n_products > 0).map(|node| {
                let links = children(&frame.tree, node).map(|child| {
                    Link::new(child.category.name.clone(), category_href(&child.category.handle))
                });
                CategoryTile { children: links.collect(), ..tile(node) }
            });
            let layout = stoa_pages::storefront::Layout {
                section: ADDRESS.to_owned(),
                description: format!("Everything {} sells, by category.", frame.shop.name),
                ..frame.public("All categories", ADDRESS)
            };
            let html = CategoriesPage { layout, categories: tiles.collect() }.render();
            web.pages().put_listing(ADDRESS.to_owned(), Page::new(&html, stamp))
        }
    };
    Ok(page.respond(&headers, cookies::cart_count(&headers)))
}
