//! Others who sell in the shop: added, changed, suspended.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::catalog::SaveError;
use stoa_app::error::StoreError;
use stoa_app::vendor::{self, store};
use stoa_domain::Refusal;
use stoa_domain::vendor::{Vendor, VendorDraft, VendorStatus};
use stoa_kernel::VendorId;
use stoa_pages::admin::{
    Badge, FieldError, Notice, Pager, Section, Tone, VendorListPage, VendorPage, VendorRow,
};

use super::answer::{Answer, address, notice, page, parameter, see_other, sentence};
use super::gate::{Action, Staff, context};
use crate::reply::ApiError;
use crate::state::Web;

/// Vendors on a page.
const ROWS: i64 = 50;

/// `GET /admin/vendors`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = listed(&web, &staff, query.as_deref(), [""; 2], Vec::new()).await;
    staff.answer(&web, Section::Vendors, shown).await
}

/// `POST /admin/vendors`: adds one.
pub async fn create(State(web): State<Web>, action: Action) -> Response<Body> {
    let created = created(&web, &action).await;
    action.staff.answer(&web, Section::Vendors, created).await
}

/// `GET /admin/vendors/{id}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, &id, query.as_deref()).await;
    staff.answer(&web, Section::Vendors, shown).await
}

/// `POST /admin/vendors/{id}`: changes it.
pub async fn save(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &id).await;
    action.staff.answer(&web, Section::Vendors, saved).await
}

async fn listed(
    web: &Web,
    staff: &Staff,
    query: Option<&str>,
    [name, email]: [&str; 2],
    errors: Vec<FieldError>,
) -> Answer {
    let after: Option<VendorId> = parameter(query, "after").parse().ok();
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mut vendors = store::list(&mut tx, None, after, ROWS + 1).await?;
    let counts: HashMap<VendorId, i64> =
        store::counts_of_products(&mut tx).await?.into_iter().collect();
    drop(tx);
    let rows = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let has_more = vendors.len() > rows;
    vendors.truncate(rows);
    let last = vendors.last().filter(|_| has_more).map(|vendor| vendor.id.to_string());
    let mut frame = staff.frame(web, Section::Vendors).await;
    frame.notice = notice(query);
    let status = if errors.is_empty() { 200 } else { 422 };
    let row = |vendor: Vendor| VendorRow {
        n_products: counts.get(&vendor.id).copied().unwrap_or(0),
        id: vendor.id.to_string(),
        name: vendor.name,
        handle: vendor.handle,
        email: vendor.email,
        status: Badge::vendor(vendor.status.as_str()),
    };
    let shown = VendorListPage {
        frame,
        rows: vendors.into_iter().map(row).collect(),
        pager: Pager {
            first: after.map(|_| "/admin/vendors".to_owned()),
            next: last.map(|last| address("/admin/vendors", &[("after", &last)])),
            total: None,
        },
        name: name.to_owned(),
        email: email.to_owned(),
        errors,
    };
    Ok(page(status, shown.render()))
}

/// Faults of a draft, each at its control; the handle is made from the name.
fn faults(errors: &[stoa_domain::catalog::FieldError]) -> Vec<FieldError> {
    let fault = |error: &stoa_domain::catalog::FieldError| match error.pointer.as_str() {
        "/email" => FieldError::new("email", sentence(&format!("E-mail: {}", error.detail))),
        "/name" => FieldError::new("name", sentence(&format!("Name: {}", error.detail))),
        _ => FieldError::new("name", "Name: needs a letter or digit of the Latin alphabet."),
    };
    errors.iter().map(fault).collect()
}

async fn created(web: &Web, action: &Action) -> Answer {
    let [name, email] = ["name", "email"].map(|field| action.form.get(field));
    let draft = VendorDraft {
        handle: String::new(),
        name: name.to_owned(),
        email: email.to_owned(),
        status: VendorStatus::Active,
    };
    let errors = match vendor::create(&web.shop().db, &mut context(web)?, draft).await {
        Ok(_) => return Ok(see_other("/admin/vendors?notice=saved")),
        Err(SaveError::Refused(Refusal::Invalid(errors))) => faults(&errors),
        Err(SaveError::Refused(Refusal::Taken { .. })) => {
            vec![FieldError::new("name", "Name: another vendor is called so already.")]
        }
        Err(error) => return Err(error.into()),
    };
    listed(web, &action.staff, None, [name, email], errors).await
}

async fn load(web: &Web, id: &str) -> Result<Vendor, ApiError> {
    let not_found = || ApiError::not_found("vendor");
    let id = id.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    store::find(&mut tx, id).await?.ok_or_else(not_found)
}

async fn form(web: &Web, staff: &Staff, vendor: Vendor) -> VendorPage {
    VendorPage {
        frame: staff.frame(web, Section::Vendors).await,
        id: vendor.id.to_string(),
        handle: vendor.handle,
        version: vendor.version,
        name: vendor.name,
        email: vendor.email,
        status: vendor.status.as_str().to_owned(),
        errors: Vec::new(),
    }
}

async fn shown(web: &Web, staff: &Staff, id: &str, query: Option<&str>) -> Answer {
    let mut shown = form(web, staff, load(web, id).await?).await;
    shown.frame.notice = notice(query);
    Ok(page(200, shown.render()))
}

async fn saved(web: &Web, action: &Action, id: &str) -> Answer {
    let before = load(web, id).await?;
    let [name, email, status, version] =
        ["name", "email", "status", "version"].map(|field| action.form.get(field));
    let draft = VendorDraft {
        handle: before.handle.clone(),
        name: name.to_owned(),
        email: email.to_owned(),
        status: VendorStatus::parse(status).unwrap_or(before.status),
    };
    // A form without a version is not one of ours; no version is ever 0.
    let expected = Some(version.parse().unwrap_or(0));
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let updated = vendor::update_in(&mut tx, &mut context(web)?, before.id, expected, draft).await;
    let mut again = VendorPage {
        name: name.to_owned(),
        email: email.to_owned(),
        status: status.to_owned(),
        ..form(web, &action.staff, before).await
    };
    let code = match updated {
        Ok(vendor) => {
            tx.commit().await.map_err(StoreError::from)?;
            return Ok(see_other(&format!("/admin/vendors/{}?notice=saved", vendor.id)));
        }
        Err(SaveError::Refused(Refusal::Invalid(errors))) => {
            again.errors = faults(&errors);
            422
        }
        Err(SaveError::Refused(Refusal::Stale)) => {
            let text = "Someone else has changed this vendor since you opened it, so nothing was \
                        saved. Saving here again puts your entries in its place.";
            again.frame.notice = Some(Notice::new(Tone::Warn, text));
            409
        }
        Err(error) => return Err(error.into()),
    };
    Ok(page(code, again.render()))
}
