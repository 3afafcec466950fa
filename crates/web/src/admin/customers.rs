//! Who buys: listed, looked at, noted about.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::back_office::store as back_office;
use stoa_app::catalog::SaveError;
use stoa_app::customer::{self, store};
use stoa_app::error::StoreError;
use stoa_domain::Refusal;
use stoa_domain::customer::{Customer, CustomerDraft};
use stoa_kernel::CustomerId;
use stoa_pages::admin::{
    CustomerListPage, CustomerPage, CustomerRow, FieldError, Notice, Pager, Section, Tone,
};

use super::answer::{Answer, notice, page, pager, parameter, see_other, sentence};
use super::gate::{Action, Staff, context};
use super::orders;
use crate::reply::ApiError;
use crate::state::Web;

/// Customers on a page.
const ROWS: i64 = 50;
/// Orders shown of one.
const ORDERS: i64 = 50;
/// Bytes of a search: an e-mail address.
const TEXT_BYTES: usize = 254;

const PATH: &str = "/admin/customers";

/// `GET /admin/customers`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Customers, listed).await
}

/// `GET /admin/customers/{id}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, &id, query.as_deref()).await;
    staff.answer(&web, Section::Customers, shown).await
}

/// `POST /admin/customers/{id}`: changes name and note.
pub async fn save(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &id).await;
    action.staff.answer(&web, Section::Customers, saved).await
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Answer {
    let mut text = parameter(query, "q").trim().to_owned();
    if text.len() > TEXT_BYTES {
        text.clear();
    }
    let after = parameter(query, "after");
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let customers = store::list(&mut tx, &text, after.parse().ok(), ROWS).await?;
    let total = store::count(&mut tx, &text).await?;
    let ids: Vec<CustomerId> = customers.iter().map(|customer| customer.id).collect();
    let mut bought = store::bought(&mut tx, &ids).await?;
    drop(tx);
    let id = |customer: &Customer| customer.id.to_string();
    let pager = pager(PATH, &[("q", &text)], &after, (&customers, ROWS), id);
    let rows = customers.into_iter().map(|customer| {
        let bought = bought.remove(&customer.id).unwrap_or_default();
        CustomerRow {
            href: format!("{PATH}/{}", customer.id),
            name: customer.name,
            email: customer.email,
            since: customer.created_at,
            n_orders: bought.n_orders,
            spent: bought.spent,
        }
    });
    let shown = CustomerListPage {
        frame: staff.frame(web, Section::Customers).await,
        rows: rows.collect(),
        pager: Pager { total: Some(total), ..pager },
        query: text,
    };
    Ok(page(200, shown.render()))
}

async fn load(web: &Web, id: &str) -> Result<Customer, ApiError> {
    let not_found = || ApiError::not_found("customer");
    let id = id.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    store::find(&mut tx, id).await?.ok_or_else(not_found)
}

async fn form(web: &Web, staff: &Staff, customer: Customer) -> Result<CustomerPage, ApiError> {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let bought = store::bought(&mut tx, &[customer.id]).await?.remove(&customer.id);
    let orders = back_office::orders_of(&mut tx, customer.id, ORDERS).await?;
    drop(tx);
    let bought = bought.unwrap_or_default();
    Ok(CustomerPage {
        frame: staff.frame(web, Section::Customers).await,
        id: customer.id.to_string(),
        version: customer.version,
        known_as: customer.name.clone(),
        email: customer.email,
        since: customer.created_at,
        n_orders: bought.n_orders,
        spent: bought.spent,
        rows: orders.iter().map(orders::row).collect(),
        name: customer.name,
        note: customer.note,
        errors: Vec::new(),
    })
}

async fn shown(web: &Web, staff: &Staff, id: &str, query: Option<&str>) -> Answer {
    let mut shown = form(web, staff, load(web, id).await?).await?;
    shown.frame.notice = notice(query);
    Ok(page(200, shown.render()))
}

/// Faults of a draft, each at its control.
fn faults(errors: &[stoa_domain::catalog::FieldError]) -> Vec<FieldError> {
    let fault = |error: &stoa_domain::catalog::FieldError| {
        let (control, label) = match error.pointer.as_str() {
            "/name" => ("name", "Name"),
            _ => ("note", "Note"),
        };
        FieldError::new(control, sentence(&format!("{label}: {}", error.detail)))
    };
    errors.iter().map(fault).collect()
}

async fn saved(web: &Web, action: &Action, id: &str) -> Answer {
    let before = load(web, id).await?;
    let [name, note, version] = ["name", "note", "version"].map(|field| action.form.get(field));
    let draft = CustomerDraft { name: name.to_owned(), note: note.to_owned() };
    // A form without a version is not one of ours; no version is ever 0.
    let expected = Some(version.parse().unwrap_or(0));
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    let updated =
        customer::update_in(&mut tx, &mut context(web)?, before.id, expected, draft).await;
    let (errors, notice, status) = match updated {
        Ok(customer) => {
            tx.commit().await.map_err(StoreError::from)?;
            return Ok(see_other(&format!("{PATH}/{}?notice=saved", customer.id)));
        }
        Err(SaveError::Refused(Refusal::Invalid(errors))) => (faults(&errors), None, 422),
        Err(SaveError::Refused(Refusal::Stale)) => {
            let text = "Someone else has changed this customer since you opened it, so nothing \
                        was saved. Saving here again puts your entries in its place.";
            (Vec::new(), Some(Notice::new(Tone::Warn, text)), 409)
        }
        Err(error) => return Err(error.into()),
    };
    drop(tx);
    let mut again = form(web, &action.staff, before).await?;
    again.frame.notice = notice;
    again.errors = errors;
    (again.name, again.note) = (name.to_owned(), note.to_owned());
    Ok(page(status, again.render()))
}
