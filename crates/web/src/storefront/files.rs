//! Style sheets, scripts and the pictures that the shop draws.

use axum::body::Body;
use axum::extract::{OriginalUri, Path, RawQuery, State};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use stoa_app::catalog::service::ByHandle;
use stoa_kernel::ProductId;
use stoa_pages::assets::{self, Asset};
use stoa_pages::picture;

use super::frame::moved;
use super::request::parameter;
use crate::api::products::drawn_picture;
use crate::page_cache::{fnv1a, matches_tag};
use crate::reply::ApiError;
use crate::state::Web;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";
const ASK: &str = "public, no-cache";
/// Longest option values that a picture is tinted by, in characters.
const TINT: usize = 100;

/// `GET /assets/{*path}`
pub async fn asset(
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let path = uri.path();
    let asset = assets::get(path).ok_or_else(|| ApiError::not_found("file"))?;
    // Only an address with the right hash may be kept for ever.
    let keep = if path == asset.path_with_hash { FOR_EVER } else { ASK };
    Ok(send(asset, keep, &headers))
}

/// `GET /favicon.svg` and, for those who look there unasked, `/favicon.ico`.
pub async fn favicon(headers: HeaderMap) -> Result<Response<Body>, ApiError> {
    let asset = assets::get("favicon.svg").ok_or_else(|| ApiError::not_found("file"))?;
    Ok(send(asset, A_DAY, &headers))
}

fn send(asset: Asset, keep: &'static str, headers: &HeaderMap) -> Response<Body> {
    let body = bytes::Bytes::from_static(asset.bytes);
    file(body, asset.content_type, asset.etag, keep, headers)
}

fn file(
    body: bytes::Bytes,
    content_type: &'static str,
    tag: &str,
    keep: &'static str,
    headers: &HeaderMap,
) -> Response<Body> {
    let unchanged = matches_tag(headers, tag);
    let mut response = Response::new(if unchanged { Body::empty() } else { Body::from(body) });
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn drawn(svg: String, headers: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{:x}\"", fnv1a(svg.as_bytes()));
    file(svg.into(), "image/svg+xml", &tag, A_DAY, headers)
}

/// `GET /media/products/{handle}.svg`: what the title and category name, in the colour that the
/// option values in `?variant=` name.
pub async fn product_picture(
    State(web): State<Web>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let not_found = || ApiError::not_found("picture");
    let handle = file.strip_suffix(".svg").ok_or_else(not_found)?;
    let catalog = &web.shop().catalog;
    let hint = match web.pages().handle_hint(handle) {
        Some(id) => card(&web, id).await?.filter(|card| card.handle == handle),
        None => None,
    };
    let card = match hint {
        Some(card) => card,
        None => {
            let id = match catalog.by_handle(handle).await? {
                ByHandle::Found(found) => found.product.id,
                ByHandle::Moved(now) => return Ok(moved(&drawn_picture(&now))),
                ByHandle::Nothing => return Err(not_found()),
            };
            web.pages().remember_handle(handle, id);
            card(&web, id).await?.ok_or_else(not_found)?
        }
    };
    let tree = catalog.tree().await?;
    let path: Vec<&str> =
        tree.path(card.category_id).map(|node| node.category.handle.as_str()).collect();
    let tint = parameter(query.as_deref(), "variant")
        .map(|tint| tint.chars().take(TINT).collect::<String>());
    Ok(drawn(picture::svg(&card.title, &path, tint.as_deref()), &headers))
}

async fn card(
    web: &Web,
    id: ProductId,
) -> Result<Option<std::sync::Arc<stoa_app::catalog::store::Card>>, ApiError> {
    Ok(web.shop().catalog.cards(&[id]).await?.pop())
}

/// `GET /media/categories/{handle}.svg`
pub async fn category_picture(
    State(web): State<Web>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let tree = web.shop().catalog.tree().await?;
    let node = file
        .strip_suffix(".svg")
        .and_then(|handle| tree.by_handle(handle))
        .ok_or_else(|| ApiError::not_found("picture"))?;
    Ok(drawn(picture::category_svg(&node.category.handle, &node.category.name), &headers))
}
