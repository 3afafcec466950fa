//! Vendors, as the merchant's programs keep them.

use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_app::answer::Answer;
use stoa_app::error::StoreError;
use stoa_app::vendor::{self, store};
use stoa_app::view::Problem;
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_domain::vendor::{Vendor, VendorDraft, VendorStatus};
use stoa_kernel::VendorId;
use utoipa::ToSchema;

use super::list::ListQuery;
use super::products::{context, save_error};
use super::{Edited, if_match, once};
use crate::api::products::with_etag;
use crate::extract::{IdempotencyKey, Program, RawBody, VendorsRead, VendorsWrite};
use crate::reply::{self, ApiError, ApiResult};
use crate::state::Web;

/// A vendor as handed in. In `PATCH` a field that is not given stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorBody {
    /// The name people read; needed for a new vendor.
    pub name: Option<String>,
    /// The name that files and commands use; made from the name unless given. It never changes, so
    /// that `PATCH` does not take it.
    pub handle: Option<String>,
    /// Where the merchant reaches the vendor; needed for a new one.
    pub email: Option<String>,
    /// `active` or `suspended`; `active` unless given.
    pub status: Option<String>,
}

/// A vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorView {
    /// Its id.
    pub id: String,
    /// The name that files and commands use.
    pub handle: String,
    /// The name people read.
    pub name: String,
    /// Where the merchant reaches it.
    pub email: String,
    /// `active`, or `suspended`: its tokens are refused.
    pub status: &'static str,
    /// Counts its changes; what `If-Match` compares.
    pub version: i64,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A page of vendors.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vendors {
    /// The vendors, in the order of their making.
    pub items: Vec<VendorView>,
    /// What `cursor=` takes for the next page.
    pub next_cursor: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

fn view(vendor: &Vendor) -> VendorView {
    VendorView {
        id: vendor.id.to_string(),
        handle: vendor.handle.clone(),
        name: vendor.name.clone(),
        email: vendor.email.clone(),
        status: vendor.status.as_str(),
        version: vendor.version,
        created_at: vendor.created_at.to_string(),
        updated_at: vendor.updated_at.to_string(),
    }
}

impl VendorBody {
    /// Puts what is given over `base`; without one, what a new vendor needs must be given.
    fn over(self, base: Option<&Vendor>) -> Result<VendorDraft, ApiError> {
        let mut errors = Vec::new();
        if base.is_some() && self.handle.is_some() {
            errors.push(FieldError::new("/handle", "a vendor's handle never changes"));
        }
        let mut needed = |given: Option<String>, known: Option<&String>, pointer: &str| {
            given.or(known.cloned()).unwrap_or_else(|| {
                errors.push(FieldError::new(pointer, "is missing"));
                String::new()
            })
        };
        let name = needed(self.name, base.map(|base| &base.name), "/name");
        let email = needed(self.email, base.map(|base| &base.email), "/email");
        let known = base.map_or(VendorStatus::Active, |base| base.status);
        let status = match self.status.as_deref().map(VendorStatus::parse) {
            None => known,
            Some(Some(status)) => status,
            Some(None) => {
                errors.push(FieldError::new("/status", "active or suspended"));
                known
            }
        };
        if errors.is_empty() {
            Ok(VendorDraft { handle: self.handle.unwrap_or_default(), name, email, status })
        } else {
            Err(Refusal::Invalid(errors).into())
        }
    }
}

fn vendor_id(text: &str) -> Result<VendorId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("vendor"))
}

/// Lists vendors in the order of their making.
#[utoipa::path(get, path = "/api/admin/v1/vendors", tag = "admin", security(("token" = [])),
    params(
        ("status" = Option<String>, Query, description = "`active` or `suspended`"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = Vendors), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(web): State<Web>,
    _: Program<VendorsRead>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let query =
        ListQuery::<VendorId, _>::read(query.as_deref(), VendorStatus::parse)?.without_text()?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::list(&mut tx, query.status, query.after, query.limit).await?;
    let total = store::count(&mut tx, query.status).await?;
    let page = Vendors {
        next_cursor: query.next(found.len(), found.last().map(|vendor| vendor.id)),
        items: found.iter().map(view).collect(),
        total: u64::try_from(total).unwrap_or(0),
    };
    Ok(reply::json(200, &page))
}

/// Makes a vendor.
#[utoipa::path(post, path = "/api/admin/v1/vendors", tag = "admin", security(("token" = [])),
    request_body = VendorBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 201, body = VendorView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn create(
    State(web): State<Web>,
    program: Program<VendorsWrite>,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let draft = body.json::<VendorBody>()?.over(None)?;
    let key = key.bind(&program.token.0, &[b"POST /vendors", &body.0]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let made = vendor::create_in(tx, &mut context(&web)?, draft).await?;
            Ok(Edited { answer: Answer::json(201, &view(&made)), product: None })
        })
    })
    .await
}

/// Reads a vendor.
#[utoipa::path(get, path = "/api/admin/v1/vendors/{id}", tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The vendor's id")),
    responses((status = 200, body = VendorView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn read(
    State(web): State<Web>,
    _: Program<VendorsRead>,
    Path(id): Path<String>,
) -> ApiResult {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let found = store::find(&mut tx, vendor_id(&id)?).await?;
    let found = found.ok_or_else(|| ApiError::not_found("vendor"))?;
    Ok(with_etag(reply::json(200, &view(&found)), found.version))
}

/// Changes a vendor; fields that are not given stay. While it is suspended, its tokens are refused.
#[utoipa::path(patch, path = "/api/admin/v1/vendors/{id}", tag = "admin",
    security(("token" = [])), request_body = VendorBody,
    params(("id" = String, Path, description = "The vendor's id"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters")),
    responses((status = 200, body = VendorView), (status = 404, body = Problem),
        (status = 412, description = "`stale`", body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    State(web): State<Web>,
    program: Program<VendorsWrite>,
    Path(id): Path<String>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: RawBody,
) -> ApiResult {
    let id = vendor_id(&id)?;
    let expected = if_match(&headers)?;
    let change: VendorBody = body.json()?;
    let key = key.bind(&program.token.0, &[b"PATCH /vendors", id.to_string().as_bytes(), &body.0]);
    once(&web.clone(), None, key, move |tx| {
        Box::pin(async move {
            let before = store::find(tx, id).await?;
            let before = before.ok_or_else(|| ApiError::not_found("vendor"))?;
            let draft = change.over(Some(&before))?;
            let changed = vendor::update_in(tx, &mut context(&web)?, id, expected, draft).await;
            let changed = changed.map_err(|error| save_error(error, expected.is_some()))?;
            Ok(Edited { answer: Answer::json(200, &view(&changed)), product: None })
        })
    })
    .await
}
