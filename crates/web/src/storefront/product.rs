//! `/products/{handle}`: a product, with one of its variants chosen.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, Response};
use stoa_app::catalog::import::sanitise::text_of;
use stoa_app::catalog::service::{ByHandle, StockedProduct};
use stoa_domain::catalog::{Product, Variant};
use stoa_kernel::{Currency, limits};
use stoa_pages::json_ld::{self, ProductFacts};
use stoa_pages::storefront::{
    Layout, Link, Notice, OptionAxis, OptionValue, Picture, ProductPage, Promise, Stock,
};

use super::frame::{Frame, category_href, free_from, moved};
use super::home::in_category;
use super::request::parameter;
use super::{cookies, views};
use crate::api::suggest::encode;
use crate::page_cache::Page;
use crate::reply::ApiError;
use crate::state::Web;

/// From so many pieces on it is not said how many are left.
const PLENTY: i64 = 6;
/// Other products shown below.
const RELATED: usize = 4;
/// Characters of the description for search engines.
const DESCRIPTION: usize = 155;

/// `GET /products/{handle}`; `?variant=` chooses a variant by SKU or id.
pub async fn show(
    State(web): State<Web>,
    Path(handle): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let stamp = web.stamp().await?;
    let count = cookies::cart_count(&headers);
    let wanted = parameter(query.as_deref(), "variant");
    if wanted.is_none()
        && let Some(page) = web.pages().product(&handle, &stamp)
    {
        return Ok(page.respond(&headers, count));
    }
    let found = match web.shop().catalog.by_handle(&handle).await? {
        ByHandle::Found(found) => found,
        ByHandle::Moved(now) => {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            return Ok(moved(&format!("{}{query}", views::product_href(&now))));
        }
        ByHandle::Nothing => return Err(ApiError::not_found("product")),
    };
    let html = render(&web, &found, wanted.as_deref(), None).await?;
    let page = Page::new(&html, stamp);
    // Variants are asked for by those who choose; most visitors see the first one.
    Ok(if wanted.is_none() {
        web.pages().put_product(&handle, found.product.id, page).respond(&headers, count)
    } else {
        page.respond(&headers, count)
    })
}

/// The page of a product with a variant chosen by SKU or id, and a message.
pub(super) async fn render(
    web: &Web,
    found: &StockedProduct,
    wanted: Option<&str>,
    notice: Option<Notice>,
) -> Result<String, ApiError> {
    let frame = Frame::load(web).await?;
    let config = &web.shop().config;
    let product = &found.product;
    let variant =
        chosen(found, wanted, config.currency).ok_or_else(|| ApiError::not_found("variant"))?;
    let price = variant.price_in(config.currency);
    let available = found.available(variant.id);
    let path = views::product_href(&product.handle);
    let crumbs: Vec<Link> = frame
        .tree
        .path(product.category_id)
        .map(|node| Link::new(node.category.name.clone(), category_href(&node.category.handle)))
        .collect();
    let pictures = pictures(product, variant);
    let text = text_of(&product.description_html);
    let description = if text.trim().is_empty() {
        format!("{} at {}.", product.title, frame.shop.name)
    } else {
        views::excerpt(&text, DESCRIPTION)
    };
    let mut json_ld = Vec::new();
    let url = frame.absolute(&path);
    let images: Vec<String> = pictures.iter().map(|picture| frame.absolute(&picture.url)).collect();
    if let Some(price) = price {
        json_ld.push(json_ld::product(&ProductFacts {
            url: &url,
            title: &product.title,
            description: &description,
            images: &images,
            brand: product.brand.as_deref(),
            sku: &variant.sku,
            gtin: variant.barcode.as_deref(),
            price: price.price,
            in_stock: available > 0,
        }));
    }
    if !crumbs.is_empty() {
        let mut trail = crumbs.clone();
        trail.push(Link::new(product.title.clone(), path.clone()));
        json_ld.push(json_ld::breadcrumbs(frame.base(), &trail));
    }
    let page = ProductPage {
        layout: Layout {
            description,
            image: images.into_iter().next(),
            json_ld,
            section: crumbs.first().map(|root| root.href.clone()).unwrap_or_default(),
            ..frame.public(&product.title, &path)
        },
        crumbs,
        title: product.title.clone(),
        brand: product
            .brand
            .as_ref()
            .map(|brand| Link::new(brand.clone(), format!("/search?brand={}", encode(brand)))),
        pictures,
        variant_id: variant.id.to_string(),
        sku: variant.sku.clone(),
        price: price.map(|price| price.price),
        compare_at: price
            .and_then(|price| price.compare_at.filter(|former| former.minor > price.price.minor)),
        price_note: Some(if config.prices_include_tax {
            "Tax included, plus shipping".to_owned()
        } else {
            "Plus tax and shipping".to_owned()
        }),
        options: options(found, variant),
        stock: match available {
            ..=0 => Stock::Out,
            1..PLENTY => Stock::Low(available),
            _ => Stock::In,
        },
        max_quantity: available.clamp(1, limits::LINE_QUANTITY),
        promises: promises(web),
        description_html: product.description_html.clone(),
        attributes: product
            .attributes
            .iter()
            .map(|attribute| (attribute.label.clone(), attribute.display()))
            .collect(),
        related: related(web, &frame, product).await?,
        notice,
    };
    Ok(page.render())
}

/// The variant asked for; where none is, the first that can be bought, or simply the first.
fn chosen<'a>(
    found: &'a StockedProduct,
    wanted: Option<&str>,
    currency: Currency,
) -> Option<&'a Variant> {
    let variants = &found.product.variants;
    if let Some(wanted) = wanted {
        let named = |variant: &&Variant| variant.sku == wanted || variant.id.to_string() == wanted;
        if let Some(variant) = variants.iter().find(named) {
            return Some(variant);
        }
    }
    let can_be_bought = |variant: &&Variant| {
        variant.price_in(currency).is_some() && found.available(variant.id) > 0
    };
    variants.iter().find(can_be_bought).or_else(|| variants.first())
}

fn pictures(product: &Product, variant: &Variant) -> Vec<Picture> {
    if product.media.is_empty() {
        let url = views::drawn_variant(&product.handle, &variant.options.join(" / "));
        return vec![Picture { url, alt: product.title.clone() }];
    }
    product
        .media
        .iter()
        .map(|media| Picture {
            url: media.url.clone(),
            alt: media.alt.clone().unwrap_or_else(|| product.title.clone()),
        })
        .collect()
}

/// The choice between variants. Each value leads to the variant that has it and otherwise most of
/// what is chosen now.
fn options(found: &StockedProduct, shown: &Variant) -> Vec<OptionAxis> {
    let product = &found.product;
    if product.variants.len() < 2 {
        return Vec::new();
    }
    let in_common = |variant: &Variant| {
        variant.options.iter().zip(&shown.options).filter(|(one, other)| one == other).count()
    };
    let path = views::product_href(&product.handle);
    let values = |axis: usize, all: &[String]| {
        all.iter()
            .filter_map(|label| {
                let having = product.variants.iter().filter(|v| v.options.get(axis) == Some(label));
                let nearest = having
                    .max_by_key(|variant| (in_common(variant), found.available(variant.id) > 0))?;
                Some(OptionValue {
                    label: label.clone(),
                    href: format!("{path}?variant={}", encode(&nearest.sku)),
                    selected: shown.options.get(axis) == Some(label),
                    available: found.available(nearest.id) > 0,
                })
            })
            .collect()
    };
    product
        .options
        .iter()
        .enumerate()
        .map(|(axis, option)| OptionAxis {
            name: option.name.clone(),
            values: values(axis, &option.values),
        })
        .collect()
}

fn promises(web: &Web) -> Vec<Promise> {
    let config = &web.shop().config;
    let Some(method) = config.shipping_methods.first() else { return Vec::new() };
    let title = match views::shipping_time(method) {
        Some(time) => format!("Delivered in {time}."),
        None => format!("{}.", method.name),
    };
    let text = match free_from(config) {
        Some(from) => format!("Free from {from}."),
        None => format!("{} for {}.", method.name, method.price),
    };
    let account = "Look your order up with its number and your e-mail.";
    vec![
        Promise { icon: "truck", title, text },
        Promise {
            icon: "shield",
            title: "No account needed.".to_owned(),
            text: account.to_owned(),
        },
    ]
}

async fn related(
    web: &Web,
    frame: &Frame,
    product: &Product,
) -> Result<Vec<stoa_pages::storefront::ProductCard>, ApiError> {
    let Some(node) = product.category_id.and_then(|id| frame.tree.get(id)) else {
        return Ok(Vec::new());
    };
    let found = in_category(web, &node.category.handle, RELATED + 1).await?;
    let others: Vec<_> = found.into_iter().filter(|id| *id != product.id).take(RELATED).collect();
    views::cards(web, &others).await
}
