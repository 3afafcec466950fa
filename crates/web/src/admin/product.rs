//! One product: making, changing, deleting it.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::back_office::store as back_office;
use stoa_app::catalog::import::sanitise;
use stoa_app::catalog::service::{self, StockedProduct};
use stoa_app::catalog::{SaveError, Target, delete_product, save_product};
use stoa_app::error::StoreError;
use stoa_domain::Refusal;
use stoa_domain::catalog::Status;
use stoa_domain::vendor::Vendor;
use stoa_kernel::{CategoryId, ProductId, limits};
use stoa_pages::admin::{
    AttributeForm, Choice, ConfirmPage, FieldError, Notice, Picture, ProductForm, ProductPage,
    SavedProduct, Section, StockRow, Tone, VariantForm,
};

use super::answer::{notice, page, see_other, sentence};
use super::gate::{Action, Staff, context};
use super::product_form::{blank, drafted, explained, filled, read};
use super::products::shelves;
use crate::api::products::drawn_picture;
use crate::reply::ApiError;
use crate::state::Web;

/// Brands to choose from.
const BRANDS: i64 = 300;
/// Vendors to choose from.
const VENDORS: i64 = 1_000;

/// `GET /admin/products/new`.
pub async fn new(State(web): State<Web>, staff: Staff) -> Response<Body> {
    let shown = match unsaved(&web, &staff, None).await {
        Ok(shown) => Ok(page(200, shown.render())),
        Err(error) => Err(error),
    };
    staff.answer(&web, Section::Products, shown).await
}

/// `GET /admin/products/{id}`.
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, &id, query.as_deref()).await;
    staff.answer(&web, Section::Products, shown).await
}

/// `POST /admin/products/new`.
pub async fn create(State(web): State<Web>, action: Action) -> Response<Body> {
    let saved = submitted(&web, &action, None).await;
    action.staff.answer(&web, Section::Products, saved).await
}

/// `POST /admin/products/{id}`.
pub async fn save(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let saved = match load(&web, &id).await {
        Ok(stored) => submitted(&web, &action, Some(&stored)).await,
        Err(error) => Err(error),
    };
    action.staff.answer(&web, Section::Products, saved).await
}

/// `GET /admin/products/{id}/delete`: asks first.
pub async fn ask_delete(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
) -> Response<Body> {
    let asked = asked(&web, &staff, &id).await;
    staff.answer(&web, Section::Products, asked).await
}

/// `POST /admin/products/{id}/delete`.
pub async fn delete(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let deleted = deleted(&web, &action, &id).await;
    action.staff.answer(&web, Section::Products, deleted).await
}

/// A product in any state.
pub(super) async fn load(web: &Web, id: &str) -> Result<StockedProduct, ApiError> {
    let id: ProductId = id.parse().map_err(|_| ApiError::not_found("product"))?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    service::stocked(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("product"))
}

/// The page of a product as it is stored, or of one to be made.
pub(super) async fn unsaved(
    web: &Web,
    staff: &Staff,
    stored: Option<&StockedProduct>,
) -> Result<ProductPage, ApiError> {
    let shop = web.shop();
    let currency = shop.config.currency;
    let tree = shop.catalog.tree().await?;
    let mut tx = shop.db.read().await.map_err(StoreError::from)?;
    let brands = back_office::brands(&mut tx, BRANDS).await?;
    let locations = back_office::locations(&mut tx).await?;
    let vendors = stoa_app::vendor::store::list(&mut tx, None, None, VENDORS).await?;
    drop(tx);
    let mut shown = ProductPage {
        frame: staff.frame(web, Section::Products).await,
        form: blank(),
        categories: shelves(&tree),
        vendors: sellers(&vendors, stored),
        brands,
        currency: currency.code().to_owned(),
        ..ProductPage::default()
    };
    let Some(stored) = stored else { return Ok(shown) };
    let product = &stored.product;
    shown.form = filled(product, currency);
    shown.preview_html = sanitise::clean(&product.description_html);
    shown.saved = Some(SavedProduct {
        id: product.id.to_string(),
        version: product.version,
        handle: product.handle.clone(),
        shop_href: (product.status == Status::Active)
            .then(|| format!("/products/{}", product.handle)),
        updated_at: product.updated_at,
    });
    shown.pictures = if product.media.is_empty() {
        let alt = format!("Drawn by the shop for {}", product.title);
        vec![Picture { url: drawn_picture(&product.handle), alt }]
    } else {
        let picture = |media: &stoa_domain::catalog::Media| Picture {
            url: media.url.clone(),
            alt: media.alt.clone().unwrap_or_default(),
        };
        product.media.iter().map(picture).collect()
    };
    shown.stock = product
        .variants
        .iter()
        .flat_map(|variant| {
            locations.iter().map(move |location| {
                let level = stored.levels.iter().find(|level| {
                    level.variant_id == variant.id && level.location_id == location.id
                });
                let on_hand = level.map_or(0, |level| level.on_hand);
                StockRow {
                    variant: variant.options.join(" / "),
                    sku: variant.sku.clone(),
                    location: location.code.clone(),
                    location_name: location.name.clone(),
                    on_hand,
                    reserved: level.map_or(0, |level| level.reserved),
                    entered: on_hand.to_string(),
                    error: None,
                }
            })
        })
        .collect();
    Ok(shown)
}

/// Vendors to choose from, among them that of the product.
fn sellers(vendors: &[Vendor], stored: Option<&StockedProduct>) -> Vec<Choice> {
    let mut choices: Vec<Choice> =
        vendors.iter().map(|vendor| Choice::new(&vendor.handle, &vendor.name)).collect();
    choices.sort_by_key(|choice| choice.label.to_lowercase());
    let own = stored.and_then(|stored| stored.product.vendor.as_ref());
    if let Some(own) = own.filter(|own| choices.iter().all(|choice| choice.value != own.handle)) {
        choices.push(Choice::new(&own.handle, &own.handle));
    }
    choices
}

async fn shown(
    web: &Web,
    staff: &Staff,
    id: &str,
    query: Option<&str>,
) -> Result<Response<Body>, ApiError> {
    let stored = load(web, id).await?;
    let mut shown = unsaved(web, staff, Some(&stored)).await?;
    shown.frame.notice = notice(query);
    Ok(page(200, shown.render()))
}

/// Does what the pressed button says: saves, or shows the form again with something more.
async fn submitted(
    web: &Web,
    action: &Action,
    stored: Option<&StockedProduct>,
) -> Result<Response<Body>, ApiError> {
    let mut form = read(&action.form);
    let again = Again { web, action, stored };
    match action.form.get("do") {
        "preview" => return again.with(form, Extra::Preview).await,
        "add-variant" => {
            if form.variants.len() < limits::VARIANTS_PER_PRODUCT {
                form.variants.push(VariantForm::default());
            }
            return again.with(form, Extra::Nothing).await;
        }
        "add-option" => {
            if form.options.len() < limits::OPTIONS_PER_PRODUCT {
                form.options.push(String::new());
            }
            return again.with(form, Extra::Nothing).await;
        }
        "add-attribute" => {
            if form.attributes.len() < limits::ATTRIBUTES_PER_PRODUCT {
                form.attributes.push(AttributeForm::default());
            }
            return again.with(form, Extra::Nothing).await;
        }
        _ => {}
    }
    let shop = web.shop();
    let tree = shop.catalog.tree().await?;
    let category: Option<CategoryId> = form.category.parse().ok();
    let category = tree.path(category).map(|node| node.category.name.clone()).collect();
    let before = stored.map(|stored| &stored.product);
    let drafted = match drafted(&form, before, category, shop.config.currency) {
        Ok(drafted) => drafted,
        Err(errors) => return again.with(form, Extra::Errors(errors)).await,
    };
    let target = match before {
        // A form without a version is not one of ours; no version is ever 0.
        Some(product) => {
            Target::Existing(product.id, Some(action.form.get("version").parse().unwrap_or(0)))
        }
        None => Target::New,
    };
    let has_options = !drafted.draft.options.is_empty();
    let mut ctx = context(web)?;
    let saved = save_product(&shop.db, &shop.config, &mut ctx, target, drafted.draft).await;
    let product = match saved {
        Ok((product, _)) => product,
        Err(SaveError::Refused(Refusal::Invalid(errors))) => {
            let errors =
                errors.iter().map(|error| explained(error, &drafted.rows, has_options)).collect();
            return again.with(form, Extra::Errors(errors)).await;
        }
        Err(SaveError::Refused(refusal @ Refusal::Taken { .. })) => {
            let error = FieldError::new("handle", sentence(&refusal.to_string()));
            return again.with(form, Extra::Errors(vec![error])).await;
        }
        Err(SaveError::Refused(Refusal::Stale)) => return again.with(form, Extra::Stale).await,
        Err(error) => return Err(error.into()),
    };
    shop.catalog.forget(&[product.id], true);
    shop.wake.notify_waiters();
    let word = match before {
        None => "created",
        Some(before) if *before == product => "unchanged",
        Some(_) => "saved",
    };
    Ok(see_other(&format!("/admin/products/{}?notice={word}", product.id)))
}

/// What is said beside a form that is shown again.
enum Extra {
    Nothing,
    Preview,
    Errors(Vec<FieldError>),
    Stale,
}

struct Again<'a> {
    web: &'a Web,
    action: &'a Action,
    stored: Option<&'a StockedProduct>,
}

impl Again<'_> {
    /// The form again, as it was entered.
    async fn with(&self, form: ProductForm, extra: Extra) -> Result<Response<Body>, ApiError> {
        let mut shown = unsaved(self.web, &self.action.staff, self.stored).await?;
        shown.preview_html = sanitise::clean(&form.description_html);
        shown.form = form;
        let is_stale = matches!(extra, Extra::Stale);
        // What was entered was meant for the version that the form was made of.
        if let Some(saved) = shown.saved.as_mut().filter(|_| !is_stale) {
            saved.version = self.action.form.get("version").parse().unwrap_or(0);
        }
        let status = match extra {
            Extra::Nothing => 200,
            Extra::Preview => {
                shown.preview_open = true;
                200
            }
            Extra::Errors(errors) => {
                shown.errors = errors;
                422
            }
            Extra::Stale => {
                let text = "Someone else has changed this product since you opened it, so nothing \
                            was saved. Your entries are below. Open the product in another tab to \
                            see what changed; saving here again puts your entries in its place.";
                shown.frame.notice = Some(Notice::new(Tone::Warn, text));
                409
            }
        };
        Ok(page(status, shown.render()))
    }
}

async fn asked(web: &Web, staff: &Staff, id: &str) -> Result<Response<Body>, ApiError> {
    let product = load(web, id).await?.product;
    let shown = ConfirmPage {
        frame: staff.frame(web, Section::Products).await,
        title: format!("Delete {}?", product.title),
        text: "The product goes with its variants and their stock. Orders keep what they say. \
               This cannot be undone."
            .to_owned(),
        action: format!("/admin/products/{}/delete", product.id),
        verb: "Delete product".to_owned(),
        back: format!("/admin/products/{}", product.id),
        back_label: product.title,
        version: product.version,
        reasons: Vec::new(),
    };
    Ok(page(200, shown.render()))
}

async fn deleted(web: &Web, action: &Action, id: &str) -> Result<Response<Body>, ApiError> {
    let id: ProductId = id.parse().map_err(|_| ApiError::not_found("product"))?;
    let version = action.form.get("version").parse().unwrap_or(0);
    let shop = web.shop();
    let mut ctx = context(web)?;
    delete_product(&shop.db, &mut ctx, id, Some(version)).await?;
    shop.catalog.forget(&[id], true);
    shop.wake.notify_waiters();
    Ok(see_other("/admin/products?notice=deleted"))
}
