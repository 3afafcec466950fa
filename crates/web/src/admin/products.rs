//! The list of products.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::Response;
use stoa_app::back_office::store::{self as back_office, ProductFilter, StockFilter};
use stoa_app::catalog::service::CategoryTree;
use stoa_app::error::StoreError;
use stoa_domain::catalog::Status;
use stoa_kernel::{CategoryId, limits};
use stoa_pages::admin::{Choice, Pager, Picture, ProductListPage, ProductRow, Section};

use super::answer::{notice, page, pager, parameter};
use super::gate::Staff;
use crate::api::products::drawn_picture;
use crate::reply::ApiError;
use crate::state::Web;

/// Products of one page.
const ROWS: i64 = 50;

/// `GET /admin/products`.
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Products, listed).await
}

/// The names of a category and those above it: `Home / Lamps`.
pub(super) fn shelf(tree: &CategoryTree, id: Option<CategoryId>) -> Option<String> {
    let names: Vec<&str> = tree.path(id).map(|node| node.category.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(" / "))
}

/// All categories, to choose one, in the order of their full names.
pub(super) fn shelves(tree: &CategoryTree) -> Vec<Choice> {
    let mut choices: Vec<Choice> = tree
        .all()
        .filter_map(|node| {
            let id = node.category.id;
            Some(Choice::new(id.to_string(), shelf(tree, Some(id))?))
        })
        .collect();
    choices.sort_by(|one, two| one.label.cmp(&two.label));
    choices
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let mut frame = staff.frame(web, Section::Products).await;
    frame.notice = notice(query);
    let mut text = parameter(query, "q").trim().to_owned();
    if text.len() > limits::QUERY_BYTES {
        text.clear();
    }
    let status = Status::parse(&parameter(query, "status"));
    let stock = StockFilter::parse(&parameter(query, "stock"));
    let category: Option<CategoryId> = parameter(query, "category").parse().ok();
    let after = parameter(query, "after");
    let tree = web.shop().catalog.tree().await?;
    let filter = ProductFilter {
        status,
        text: text.clone(),
        category,
        stock,
        after: after.parse().ok(),
        limit: ROWS,
    };
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let (products, total) =
        back_office::products(&mut tx, &filter, web.shop().config.currency).await?;
    drop(tx);

    const PATH: &str = "/admin/products";
    let status = status.map_or("", Status::as_str).to_owned();
    let stock = stock.map_or("", StockFilter::as_str).to_owned();
    let category = category.map_or_else(String::new, |id| id.to_string());
    let kept = [
        ("q", text.as_str()),
        ("status", status.as_str()),
        ("stock", stock.as_str()),
        ("category", category.as_str()),
    ];
    let id = |product: &back_office::ProductRow| product.id.to_string();
    let pager = pager(PATH, &kept, &after, (&products, ROWS), id);
    let rows = products.into_iter().map(|product| ProductRow {
        href: format!("/admin/products/{}", product.id),
        picture: Picture {
            url: product.image.map_or_else(|| drawn_picture(&product.handle), |image| image.url),
            // The title beside it says what it shows.
            alt: String::new(),
        },
        title: product.title,
        brand: product.brand,
        category: shelf(&tree, product.category_id),
        status: product.status.as_str().to_owned(),
        prices: product.prices,
        n_variants: product.n_variants,
        available: product.available,
        updated_at: product.updated_at,
    });
    let shown = ProductListPage {
        frame,
        categories: shelves(&tree),
        rows: rows.collect(),
        pager: Pager { total: Some(total), ..pager },
        query: text,
        status,
        stock,
        category,
    };
    Ok(page(200, shown.render()))
}
