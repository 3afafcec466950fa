//! Rendered pages, kept until an event says that they are out of date.
//!
//! A page is kept without the number of pieces in the cart, which is put in for each request, so
//! that one copy serves everyone. Product pages are forgotten by product; lists carry the
//! generation of the catalogue they were made from and are made anew when it has moved on.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use stoa_kernel::ProductId;

use axum::body::Body;

/// What a kept page shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PageKey {
    /// A product with its first variant.
    Product(ProductId),
    /// A page that depends on the catalogue as a whole, by path and query.
    Listing(String),
}

/// A rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    body: Bytes,
    empty_cart: Bytes,
    slot: Option<usize>,
    tag: u64,
    generation: u64,
}

impl Page {
    /// Keeps what was rendered from a generation of the catalogue.
    pub fn new(html: String, generation: u64) -> Self {
        let slot = html.find(stoa_pages::CART_COUNT_SLOT);
        let tag = fnv1a(html.as_bytes());
        let body = Bytes::from(html);
        let mut page = Self { empty_cart: body.clone(), body, slot, tag, generation };
        page.empty_cart = page.with_count(0);
        page.body = match slot {
            Some(_) => page.body,
            None => page.empty_cart.clone(),
        };
        page
    }

    fn with_count(&self, count: u64) -> Bytes {
        let Some(slot) = self.slot else { return self.body.clone() };
        let badge = stoa_pages::cart_badge(count);
        let mut body = Vec::with_capacity(self.body.len() + badge.len());
        body.extend_from_slice(self.body.get(..slot).unwrap_or_default());
        body.extend_from_slice(badge.as_bytes());
        let after = slot + stoa_pages::CART_COUNT_SLOT.len();
        body.extend_from_slice(self.body.get(after..).unwrap_or_default());
        Bytes::from(body)
    }

    /// The answer for a visitor with so many pieces in the cart; `304` when their browser has it.
    pub fn respond(&self, request: &HeaderMap, count: u64) -> Response<Body> {
        let tag = format!("W/\"{:x}-{count:x}\"", self.tag);
        let known = request.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let unchanged = known.is_some_and(|known| {
            known.split(',').any(|one| one.trim() == tag || one.trim() == "*")
        });
        let body = if unchanged {
            Bytes::new()
        } else if count == 0 {
            self.empty_cart.clone()
        } else {
            self.with_count(count)
        };
        let length = body.len();
        let mut response = Response::new(Body::from(body));
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if !unchanged {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

#[derive(Debug, Clone)]
struct Bytewise;

impl Weighter<PageKey, Page> for Bytewise {
    fn weight(&self, _: &PageKey, page: &Page) -> u64 {
        let both = page.body.len() + if page.slot.is_some() { page.empty_cart.len() } else { 0 };
        u64::try_from(both).unwrap_or(u64::MAX).saturating_add(200)
    }
}

/// The pages kept.
#[derive(Debug)]
pub struct PageCache {
    pages: Cache<PageKey, Page, Bytewise>,
}

impl PageCache {
    /// Keeps at most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let expected = usize::try_from(bytes / 20_000).unwrap_or(1_000).max(16);
        Self { pages: Cache::with_weighter(expected, bytes, Bytewise) }
    }

    /// A kept page; a list only if it was made from this generation of the catalogue.
    pub fn get(&self, key: &PageKey, generation: u64) -> Option<Page> {
        self.pages.get(key).filter(|page| match key {
            PageKey::Product(_) => true,
            PageKey::Listing(_) => page.generation == generation,
        })
    }

    /// Keeps a page.
    pub fn put(&self, key: PageKey, page: Page) {
        self.pages.insert(key, page);
    }

    /// Forgets the page of a product.
    pub fn forget_product(&self, product: ProductId) {
        self.pages.remove(&PageKey::Product(product));
    }

    /// Bytes kept.
    pub fn bytes(&self) -> u64 {
        self.pages.weight()
    }
}
