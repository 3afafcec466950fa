//! What surrounds every page, and the answers that carry pages.

use std::sync::Arc;

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};
use stoa_app::catalog::service::CategoryTree;
use stoa_domain::shop::ShopConfig;
use stoa_kernel::Money;
use stoa_pages::storefront::{Layout, Link, Shop};

use crate::reply::ApiError;
use crate::state::Web;

/// Categories in the navigation.
const NAVIGATION: usize = 8;

/// The shop as every page shows it, and its categories.
pub(super) struct Frame {
    pub(super) shop: Arc<Shop>,
    pub(super) tree: Arc<CategoryTree>,
    base: String,
}

impl Frame {
    pub(super) async fn load(web: &Web) -> Result<Self, ApiError> {
        Ok(Self::new(web, web.shop().catalog.tree().await?))
    }

    /// The frame with these categories; with none where they cannot be read.
    pub(super) fn new(web: &Web, tree: Arc<CategoryTree>) -> Self {
        let config = &web.shop().config;
        let categories = tree
            .roots()
            .filter(|node| node.n_products > 0)
            .take(NAVIGATION)
            .map(|node| Link::new(node.category.name.clone(), category_href(&node.category.handle)))
            .collect();
        let shop = Shop {
            name: config.name.clone(),
            tagline: web.options().tagline.clone(),
            locale: "en".to_owned(),
            announcement: free_from(config)
                .map(|from| format!("Free shipping on orders over {from}")),
            categories,
            footer: vec![Link::new("API", "/api/docs")],
        };
        Self { shop: Arc::new(shop), tree, base: web.options().public_url.clone() }
    }

    /// The frame of a page that search engines may list under this path.
    pub(super) fn public(&self, title: &str, path: &str) -> Layout {
        Layout {
            canonical: Some(self.absolute(path)),
            ..Layout::new(Arc::clone(&self.shop), title)
        }
    }

    /// The frame of a page for one visitor.
    pub(super) fn private(&self, title: &str) -> Layout {
        Layout::private(Arc::clone(&self.shop), title)
    }

    /// An address with the shop's public name.
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    /// The shop's public address.
    pub(super) fn base(&self) -> &str {
        &self.base
    }
}

/// The lowest value of goods from which some way to ship is free.
pub(super) fn free_from(config: &ShopConfig) -> Option<Money> {
    config.shipping_methods.iter().filter_map(|method| method.free_from).min_by_key(|m| m.minor)
}

/// The page of a category.
pub(super) fn category_href(handle: &str) -> String {
    format!("/categories/{handle}")
}

/// A page for one visitor, which nobody keeps.
pub(super) fn private_page(status: u16, html: &str, count: u64) -> Response<Body> {
    let html = html.replacen(stoa_pages::CART_COUNT_SLOT, &stoa_pages::cart_badge(count), 1);
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sends the browser on, to read what the form has done.
pub(super) fn see_other(to: &str) -> Response<Body> {
    redirect(StatusCode::SEE_OTHER, to)
}

/// Says for ever that something is elsewhere.
pub(super) fn moved(to: &str) -> Response<Body> {
    redirect(StatusCode::MOVED_PERMANENTLY, to)
}

fn redirect(status: StatusCode, to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same answer with cookies.
pub(super) fn with_cookies(
    mut response: Response<Body>,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response<Body> {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
