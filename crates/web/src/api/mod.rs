//! `/api/v1` for shoppers' programs, `/api/admin/v1` for the merchant's and `/api/vendor/v1` for
//! vendors'; the OpenAPI document is made from the handlers.

pub mod admin;
pub mod carts;
pub mod categories;
pub mod docs;
pub mod orders;
pub mod products;
pub mod suggest;
pub mod vendor;

use axum::Router;
use axum::extract::OriginalUri;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::reply::ApiError;
use crate::state::Web;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stoa API",
        description = "Everything a storefront needs is under /api/v1; what runs the shop is under \
            /api/admin/v1, and what a vendor does with its own products under /api/vendor/v1. Money is in minor units, times are RFC 3339 in UTC, errors are problem \
            documents (RFC 9457) with a stable `code`. Every mutation takes an `Idempotency-Key`.",
        version = "1.0.0",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "catalogue", description = "Products, categories, search"),
        (name = "cart", description = "Carts and checkout"),
        (name = "order", description = "Orders as shoppers see them"),
        (name = "admin", description = "The merchant's side; needs a token with scopes"),
        (name = "vendor", description = "A vendor's side; needs a token of the vendor")
    ),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

fn described() -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(products::list))
        .routes(routes!(products::read))
        .routes(routes!(categories::list))
        .routes(routes!(suggest::suggest))
        .routes(routes!(carts::create))
        .routes(routes!(carts::read, carts::update))
        .routes(routes!(carts::add_line))
        .routes(routes!(carts::change_line, carts::remove_line))
        .routes(routes!(carts::shipping_methods))
        .routes(routes!(carts::complete))
        .routes(routes!(orders::read))
        .merge(admin::described())
        .merge(vendor::described())
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    described().split_for_parts().1
}

/// The routes of the API.
pub fn routes() -> Router<Web> {
    let (router, _) = described().split_for_parts();
    router.merge(docs::routes()).method_not_allowed_fallback(method_not_allowed)
}

/// What a known address answers to a method that it does not take.
pub async fn method_not_allowed() -> ApiError {
    ApiError::new(405, "method_not_allowed", "this address does not take this method")
}

/// What an unknown address answers; browsers see it as a page.
pub async fn fallback(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::new(404, "not_found", format!("there is nothing at {}", uri.path()))
}
