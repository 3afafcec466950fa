//! For search engines: `/robots.txt` and the sitemaps (sitemaps.org).

use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use stoa_domain::catalog::Status;
use stoa_kernel::ProductId;

use super::frame::category_href;
use super::request::parameter;
use super::views::product_href;
use crate::reply::ApiError;
use crate::state::Web;

/// Products in one sitemap.
const CHUNK: i64 = 5_000;
/// Products read at once.
const STEP: i64 = 500;

/// `GET /robots.txt`
pub async fn robots(State(web): State<Web>) -> Response<Body> {
    let base = &web.options().public_url;
    let text = format!(
        "User-agent: *\nDisallow: /admin\nDisallow: /api/\nDisallow: /cart\n\
         Disallow: /checkout\nDisallow: /orders\nDisallow: /pay/\nDisallow: /search\n\
         Sitemap: {base}/sitemap.xml\n"
    );
    send("text/plain; charset=utf-8", text)
}

/// `GET /sitemap.xml`: where the other sitemaps are. Each of products begins after a product.
pub async fn sitemap_index(State(web): State<Web>) -> Result<Response<Body>, ApiError> {
    let base = &web.options().public_url;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let mut entry = |path: &str| entry(&mut xml, "sitemap", base, path);
    entry("/sitemaps/categories.xml");
    let mut after: Option<ProductId> = None;
    loop {
        let ids = web.shop().catalog.ids_after(after, CHUNK).await?;
        let Some(last) = ids.last() else { break };
        entry(&match after {
            Some(after) => format!("/sitemaps/products.xml?after={after}"),
            None => "/sitemaps/products.xml".to_owned(),
        });
        after = Some(*last);
    }
    xml.push_str("</sitemapindex>\n");
    Ok(send("application/xml; charset=utf-8", xml))
}

/// `GET /sitemaps/categories.xml`
pub async fn category_sitemap(State(web): State<Web>) -> Result<Response<Body>, ApiError> {
    let tree = web.shop().catalog.tree().await?;
    let mut handles: Vec<&str> = tree
        .all()
        .filter(|node| node.n_products > 0)
        .map(|node| node.category.handle.as_str())
        .collect();
    handles.sort_unstable();
    let paths = ["/".to_owned(), "/categories".to_owned()];
    Ok(url_set(&web, paths.into_iter().chain(handles.into_iter().map(category_href))))
}

/// `GET /sitemaps/products.xml?after=ID`
pub async fn product_sitemap(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
) -> Result<Response<Body>, ApiError> {
    let mut after: Option<ProductId> = match parameter(query.as_deref(), "after") {
        Some(text) => Some(text.parse().map_err(|_| ApiError::not_found("sitemap"))?),
        None => None,
    };
    let mut paths = Vec::new();
    for _ in 0..CHUNK / STEP {
        let ids = web.shop().catalog.ids_after(after, STEP).await?;
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        let cards = web.shop().catalog.cards(&ids).await?;
        let on_sale = cards.iter().filter(|card| card.status == Status::Active);
        paths.extend(on_sale.map(|card| product_href(&card.handle)));
        // Nobody waits for a sitemap; others wait for this thread.
        tokio::task::yield_now().await;
    }
    Ok(url_set(&web, paths.into_iter()))
}

fn url_set(web: &Web, paths: impl Iterator<Item = String>) -> Response<Body> {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in paths {
        entry(&mut xml, "url", &web.options().public_url, &path);
    }
    xml.push_str("</urlset>\n");
    send("application/xml; charset=utf-8", xml)
}

/// Handles and ids need no escaping; the configured address may.
fn entry(xml: &mut String, element: &str, base: &str, path: &str) {
    let base = base.replace('&', "&amp;").replace('<', "&lt;");
    xml.push_str(&format!("<{element}><loc>{base}{path}</loc></{element}>\n"));
}

fn send(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
