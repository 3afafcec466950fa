//! The category tree.

use axum::extract::State;
use serde::Serialize;
use stoa_app::catalog::service::CategoryTree;
use utoipa::ToSchema;

use crate::reply::{self, ApiResult};
use crate::state::Web;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryView {
    /// Its id.
    pub id: String,
    /// The readable part of its address; what `category=` takes.
    #[schema(example = "laptops")]
    pub handle: String,
    /// Its name.
    pub name: String,
    /// Id of the category that holds it.
    pub parent_id: Option<String>,
    /// Handles from the root to this one.
    pub path: Vec<String>,
    /// Products on sale in it and below it.
    pub n_products: i64,
}

/// All categories, each before those below it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Categories {
    /// The categories.
    pub items: Vec<CategoryView>,
    /// Always `null`: the list is complete.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
}

/// Lists all categories, each before those below it.
#[utoipa::path(get, path = "/api/v1/categories", tag = "catalogue",
    responses((status = 200, body = Categories)))]
pub async fn list(State(web): State<Web>) -> ApiResult {
    let tree = web.shop().catalog.tree().await?;
    let mut items = Vec::new();
    let mut waiting: Vec<_> = tree.roots.iter().rev().copied().collect();
    while let Some(id) = waiting.pop() {
        let Some(node) = tree.get(id) else { continue };
        waiting.extend(node.children.iter().rev());
        let category = &node.category;
        items.push(CategoryView {
            id: category.id.to_string(),
            handle: category.handle.clone(),
            name: category.name.clone(),
            parent_id: category.parent_id.map(|id| id.to_string()),
            path: path(&tree, node.category.id),
            n_products: node.n_products,
        });
    }
    let total = u64::try_from(items.len()).unwrap_or(0);
    Ok(reply::json(200, &Categories { items, next_cursor: None, total }))
}

/// Handles from the root to a category.
pub fn path(tree: &CategoryTree, id: stoa_kernel::CategoryId) -> Vec<String> {
    tree.path(Some(id)).map(|node| node.category.handle.clone()).collect()
}
