//! Rendered pages, kept until an event says that they are out of date.
//!
//! A page is kept as a visitor with an empty cart sees it; for others the number of pieces in the
//! cart is put in, so that one copy serves everyone.
//!
//! When is a kept page shown? A list: while neither the catalogue nor the search index has moved on
//! since it was made ([`Stamp`]). A product: until the product is forgotten; beside itself it shows
//! a few other products, so once the catalogue has moved on it is made anew after a moment.
//!
//! A product page may be rendered while its product changes. So the stamp is taken before the
//! product is read, and a page whose product may have been forgotten since is not kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use stoa_kernel::{ProductId, Timestamp};

/// How long a product page may show other products as they were, in microseconds.
const NEIGHBOURS_US: i64 = 10_000_000;
/// Handles remembered with their products.
const KEPT_HANDLES: usize = 50_000;

/// The state of the catalogue at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Grows whenever a list of products may look different.
    pub generation: u64,
    /// How far the search index has followed the event log.
    pub index: i64,
    /// Grows whenever a product page is forgotten.
    pub forgotten: u64,
    /// When it was.
    pub at: Timestamp,
}

impl Stamp {
    fn same_catalogue(&self, other: &Self) -> bool {
        self.generation == other.generation && self.index == other.index
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Product(ProductId),
    Listing(String),
}

/// A rendered page.
#[derive(Debug)]
pub struct Page {
    empty_cart: Bytes,
    /// Where the number of pieces in the cart goes.
    slot: Option<usize>,
    tag: u64,
    stamp: Stamp,
    /// The handle that a product page was asked for by.
    handle: String,
}

impl Page {
    /// What was rendered from the catalogue as it was at a moment.
    pub fn new(html: &str, stamp: Stamp) -> Self {
        let tag = fnv1a(html.as_bytes());
        let slot = html.find(stoa_pages::CART_COUNT_SLOT);
        let html = html.replacen(stoa_pages::CART_COUNT_SLOT, &stoa_pages::cart_badge(0), 1);
        // Boxed, so that what the renderer reserved beyond the page is not kept with it.
        let empty_cart = html.into_boxed_str().into_boxed_bytes().into();
        Self { empty_cart, slot, tag, stamp, handle: String::new() }
    }

    fn with_count(&self, count: u64) -> Bytes {
        let Some(slot) = self.slot.filter(|_| count > 0) else { return self.empty_cart.clone() };
        let (none, badge) = (stoa_pages::cart_badge(0), stoa_pages::cart_badge(count));
        let mut body = Vec::with_capacity(self.empty_cart.len() + badge.len());
        body.extend_from_slice(self.empty_cart.get(..slot).unwrap_or_default());
        body.extend_from_slice(badge.as_bytes());
        body.extend_from_slice(self.empty_cart.get(slot + none.len()..).unwrap_or_default());
        Bytes::from(body)
    }

    /// The answer for a visitor with so many pieces in the cart; `304` when their browser has it.
    pub fn respond(&self, request: &HeaderMap, count: u64) -> Response<Body> {
        let tag = format!("W/\"{:x}-{count:x}\"", self.tag);
        let unchanged = matches_tag(request, &tag);
        let body = if unchanged { Bytes::new() } else { self.with_count(count) };
        let length = body.len();
        let mut response = Response::new(Body::from(body));
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(tag) {
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

/// Whether the browser that asks has the copy with this entity tag.
pub fn matches_tag(request: &HeaderMap, tag: &str) -> bool {
    let known = request.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let bare = tag.trim_start_matches("W/");
    known.is_some_and(|known| {
        known
            .split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.trim_start_matches("W/") == bare)
    })
}

pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

#[derive(Debug, Clone)]
struct Bytewise;

impl Weighter<Key, Arc<Page>> for Bytewise {
    fn weight(&self, key: &Key, page: &Arc<Page>) -> u64 {
        let name = match key {
            Key::Product(_) => 16,
            Key::Listing(name) => name.len(),
        };
        u64::try_from(page.empty_cart.len() + name + page.handle.len())
            .unwrap_or(u64::MAX)
            .saturating_add(300)
    }
}

/// The pages kept.
#[derive(Debug)]
pub struct PageCache {
    pages: Cache<Key, Arc<Page>, Bytewise>,
    /// Which product a handle led to when it was last looked up. Only a hint: a handle may have
    /// gone to another product since.
    handles: Cache<String, ProductId>,
    forgotten: AtomicU64,
}

impl PageCache {
    /// Keeps at most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let expected = usize::try_from(bytes / 20_000).unwrap_or(1_000).max(16);
        Self {
            pages: Cache::with_weighter(expected, bytes, Bytewise),
            handles: Cache::new(KEPT_HANDLES),
            forgotten: AtomicU64::new(0),
        }
    }

    /// The part of a [`Stamp`] that this cache knows.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// The page of the product with this handle.
    pub fn product(&self, handle: &str, now: &Stamp) -> Option<Arc<Page>> {
        let id = self.handles.get(handle)?;
        self.pages.get(&Key::Product(id)).filter(|page| {
            // A product that was renamed must not be shown at its former address.
            page.handle == handle
                && (page.stamp.same_catalogue(now)
                    || now.at.as_micros() - page.stamp.at.as_micros() < NEIGHBOURS_US)
        })
    }

    /// Keeps the page of a product under its handle, unless a product was forgotten since the
    /// page's stamp was taken.
    pub fn put_product(&self, handle: &str, id: ProductId, page: Page) -> Arc<Page> {
        let taken = page.stamp.forgotten;
        let page = Arc::new(Page { handle: handle.to_owned(), ..page });
        self.remember_handle(handle, id);
        self.pages.insert(Key::Product(id), Arc::clone(&page));
        // Looked at after the insertion: whoever forgets the product counts first and removes
        // then, so either this sees the count, or the removal finds the page.
        if self.forgotten() != taken {
            self.pages.remove(&Key::Product(id));
        }
        page
    }

    /// The page kept under an address, if the catalogue is as it was.
    pub fn listing(&self, address: &str, now: &Stamp) -> Option<Arc<Page>> {
        let key = Key::Listing(address.to_owned());
        self.pages.get(&key).filter(|page| page.stamp.same_catalogue(now))
    }

    /// Keeps a page that depends on the catalogue as a whole, under its path and query.
    pub fn put_listing(&self, address: String, page: Page) -> Arc<Page> {
        let page = Arc::new(page);
        self.pages.insert(Key::Listing(address), Arc::clone(&page));
        page
    }

    /// The product that a handle led to when it was last looked up.
    pub fn handle_hint(&self, handle: &str) -> Option<ProductId> {
        self.handles.get(handle)
    }

    /// Remembers the product that a handle leads to.
    pub fn remember_handle(&self, handle: &str, id: ProductId) {
        if self.handles.get(handle) != Some(id) {
            self.handles.insert(handle.to_owned(), id);
        }
    }

    /// Forgets the page of a product.
    pub fn forget_product(&self, product: ProductId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.pages.remove(&Key::Product(product));
    }

    /// Bytes kept.
    pub fn bytes(&self) -> u64 {
        self.pages.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProductId {
        text.parse().unwrap()
    }

    fn stamp(cache: &PageCache, generation: u64, seconds: i64) -> Stamp {
        let at = Timestamp::EPOCH.plus_seconds(seconds);
        Stamp { generation, index: 7, forgotten: cache.forgotten(), at }
    }

    #[test]
    fn a_product_page_is_kept_until_its_product_is_forgotten() {
        let cache = PageCache::new(1_000_000);
        let (lamp, mug) =
            (id("prod_00000000000000000000000001"), id("prod_00000000000000000000000002"));
        let now = stamp(&cache, 1, 0);
        cache.put_product("lamp", lamp, Page::new("a lamp", now));
        assert!(cache.product("lamp", &now).is_some());
        cache.forget_product(mug);
        assert!(cache.product("lamp", &now).is_some());
        let moved = Stamp { generation: 2, at: now.at.plus_seconds(9), ..now };
        assert!(cache.product("lamp", &moved).is_some());
        let later = Stamp { at: now.at.plus_seconds(10), ..moved };
        assert!(cache.product("lamp", &later).is_none(), "its neighbours are too old");
        cache.forget_product(lamp);
        assert!(cache.product("lamp", &now).is_none());
    }

    #[test]
    fn a_page_rendered_while_its_product_changed_is_not_kept() {
        let cache = PageCache::new(1_000_000);
        let lamp = id("prod_00000000000000000000000001");
        let before = stamp(&cache, 1, 0);
        cache.forget_product(lamp);
        cache.put_product("lamp", lamp, Page::new("an old lamp", before));
        assert!(cache.product("lamp", &before).is_none());
    }

    #[test]
    fn a_renamed_product_is_not_shown_at_its_former_handle() {
        let cache = PageCache::new(1_000_000);
        let lamp = id("prod_00000000000000000000000001");
        let now = stamp(&cache, 1, 0);
        cache.put_product("lamp", lamp, Page::new("lamp", now));
        cache.forget_product(lamp);
        let now = stamp(&cache, 1, 0);
        cache.put_product("light", lamp, Page::new("light", now));
        assert!(cache.product("lamp", &now).is_none());
        assert!(cache.product("light", &now).is_some());
    }

    #[test]
    fn a_list_is_kept_while_catalogue_and_index_stand_still() {
        let cache = PageCache::new(1_000_000);
        let now = stamp(&cache, 1, 0);
        cache.put_listing("/".to_owned(), Page::new("home", now));
        let much_later = stamp(&cache, 1, 1_000_000);
        assert!(cache.listing("/", &much_later).is_some());
        assert!(cache.listing("/", &Stamp { generation: 2, ..now }).is_none());
        assert!(cache.listing("/", &Stamp { index: 8, ..now }).is_none());
    }

    #[test]
    fn the_cart_is_counted_for_each_visitor() {
        let cache = PageCache::new(1_000_000);
        let html = format!("<a>Cart{}</a>", stoa_pages::CART_COUNT_SLOT);
        let page = Page::new(&html, stamp(&cache, 1, 0));
        let mut request = HeaderMap::new();
        let three = page.respond(&request, 3);
        let none = page.respond(&request, 0);
        assert_ne!(three.headers()[ETAG], none.headers()[ETAG]);
        request.insert(IF_NONE_MATCH, three.headers()[ETAG].clone());
        assert_eq!(page.respond(&request, 3).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(page.respond(&request, 4).status(), StatusCode::OK);
        for count in [0, 1, 3, 1_000] {
            let shown = format!("<a>Cart{}</a>", stoa_pages::cart_badge(count));
            assert_eq!(page.with_count(count), shown);
        }
    }
}
