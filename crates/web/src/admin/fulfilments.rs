//! Sending pieces of an order, and what was sent.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::engine::Outcome;
use stoa_app::error::StoreError;
use stoa_app::order::store;
use stoa_domain::catalog;
use stoa_domain::fulfilment::{
    CancelFulfilment, ChangeTracking, Fulfil, Fulfilment, FulfilmentStatus, Tracking,
};
use stoa_domain::order::{Order, OrderStatus};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{FulfilmentId, LineId, OrderId};
use stoa_pages::admin::{
    FieldError, FulfilForm, FulfilmentPage, OpenLine, Parcel, Section, TrackingForm,
};

use super::answer::{Answer, notice, order_name, page, see_other, sentence};
use super::gate::{Action, Form, Staff};
use super::order::{order_id, order_page};
use crate::reply::{self, ApiError};
use crate::state::Web;

/// `POST /admin/orders/{id}/fulfilments`: sends what the form says.
pub async fn create(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let created = created(&web, &action, &id).await;
    action.staff.answer(&web, Section::Orders, created).await
}

/// `GET /admin/orders/{id}/fulfilments/{fulfilment}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path((id, fulfilment)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = async {
        let mut shown = fulfilment_page(&web, &staff, &id, &fulfilment).await?;
        shown.frame.notice = notice(query.as_deref());
        Ok(page(200, shown.render()))
    };
    let shown = shown.await;
    staff.answer(&web, Section::Orders, shown).await
}

/// `POST /admin/orders/{id}/fulfilments/{fulfilment}`: changes how it is followed.
pub async fn save(
    State(web): State<Web>,
    Path((id, fulfilment)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &id, &fulfilment).await;
    action.staff.answer(&web, Section::Orders, saved).await
}

/// `POST /admin/orders/{id}/fulfilments/{fulfilment}/cancel`: takes it back.
pub async fn cancel(
    State(web): State<Web>,
    Path((id, fulfilment)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    let cancelled = async {
        let order = order_id(&id)?;
        let command = Command::CancelFulfilment(CancelFulfilment {
            order,
            expected_version: action.form.get("version").parse().ok(),
            fulfilment: fulfilment_id(&fulfilment)?,
        });
        let outcome = web.shop().engine.submit(command).await;
        done(&web, outcome)?;
        Ok(see_other(&format!("/admin/orders/{order}?notice=taken_back")))
    };
    let cancelled = cancelled.await;
    action.staff.answer(&web, Section::Orders, cancelled).await
}

fn fulfilment_id(text: &str) -> Result<FulfilmentId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("fulfilment"))
}

/// Wakes those who follow the log, where something was done.
fn done(web: &Web, outcome: Outcome) -> Result<(), ApiError> {
    match outcome {
        Outcome::Done { reply: Reply::Order(_), .. } => {
            web.shop().wake.notify_waiters();
            Ok(())
        }
        other => Err(reply::undone(other)),
    }
}

/// A fulfilment as pages show it.
pub(super) fn parcel(order: &Order, fulfilment: &Fulfilment) -> Parcel {
    let name = fulfilment.tracking.name();
    let link = fulfilment.tracking.link().unwrap_or_default();
    Parcel {
        href: format!("/admin/orders/{}/fulfilments/{}", order.id, fulfilment.id),
        name: format!("{}-{}", order_name(order.id, order.number), fulfilment.number),
        is_cancelled: fulfilment.status == FulfilmentStatus::Cancelled,
        at: fulfilment.created_at,
        items: order
            .pieces(fulfilment)
            .map(|(line, n)| (n, line.title.clone(), line.variant_title.clone()))
            .collect(),
        tracking: if name.is_empty() { link.clone() } else { name },
        link,
    }
}

/// The form that sends what waits of an order, if anything does.
pub(super) fn fulfil_form(order: &Order) -> Option<FulfilForm> {
    if order.status != OrderStatus::Placed {
        return None;
    }
    let lines = order.lines.iter().map(|line| {
        let open = line.quantity - order.fulfilled(line.id);
        OpenLine {
            id: line.id.to_string(),
            title: line.title.clone(),
            variant: line.variant_title.clone(),
            sku: line.sku.clone(),
            open,
            quantity: open.to_string(),
        }
    });
    let lines: Vec<OpenLine> = lines.filter(|line| line.open > 0).collect();
    let form = FulfilForm { lines, notify: true, ..FulfilForm::default() };
    (!form.lines.is_empty()).then_some(form)
}

fn entered(form: &Form) -> TrackingForm {
    let field = |name: &str| form.get(name).trim().to_owned();
    TrackingForm {
        carrier: field("tracking/carrier"),
        number: field("tracking/number"),
        url: field("tracking/url"),
    }
}

fn tracking(form: &TrackingForm) -> Tracking {
    let some = |text: &str| Some(text.to_owned());
    Tracking { carrier: some(&form.carrier), number: some(&form.number), url: some(&form.url) }
}

/// Faults of fields as the page finds them: by the id of a line, or the field's name.
fn faults(errors: Vec<catalog::FieldError>, lines: &[(LineId, i64)]) -> Vec<FieldError> {
    let field = |pointer: &str| {
        let mut parts = pointer.trim_start_matches('/').split('/');
        let place = match (parts.next(), parts.next()) {
            (Some("items"), Some(place)) => place.parse::<usize>().ok(),
            _ => None,
        };
        match place.and_then(|place| lines.get(place)) {
            Some((line, _)) => line.to_string(),
            None => pointer.trim_start_matches('/').to_owned(),
        }
    };
    let fault = |error: catalog::FieldError| {
        FieldError::new(field(&error.pointer), sentence(&error.detail))
    };
    errors.into_iter().map(fault).collect()
}

async fn created(web: &Web, action: &Action, id: &str) -> Answer {
    let order: OrderId = order_id(id)?;
    let mut items = Vec::new();
    let mut errors = Vec::new();
    for (name, value) in action.form.fields() {
        let Some(line) = name.strip_prefix("items/") else { continue };
        let value = value.trim();
        match (line.parse::<LineId>(), value.parse::<i64>()) {
            (Ok(_), Ok(0)) => {}
            (Ok(_), _) if value.is_empty() => {}
            (Ok(line), Ok(quantity)) => items.push((line, quantity)),
            _ => errors.push(FieldError::new(line, "Enter how many pieces are sent.")),
        }
    }
    if items.is_empty() && errors.is_empty() {
        let first = action.form.fields().find_map(|(name, _)| name.strip_prefix("items/"));
        let text = "Enter how many pieces are sent; nothing was.";
        errors.push(FieldError::new(first.unwrap_or("fulfilment"), text));
    }
    let entered = entered(&action.form);
    if errors.is_empty() {
        let command = Command::Fulfil(Fulfil {
            order,
            expected_version: action.form.get("version").parse().ok(),
            items: items.clone(),
            tracking: tracking(&entered),
            notify_customer: !action.form.get("notify").is_empty(),
        });
        match web.shop().engine.submit(command).await {
            Outcome::Refused(Refusal::Invalid(found)) => errors = faults(found, &items),
            outcome => {
                done(web, outcome)?;
                return Ok(see_other(&format!("/admin/orders/{order}?notice=shipped")));
            }
        }
    }
    let mut shown = order_page(web, &action.staff, order).await?;
    if let Some(form) = &mut shown.fulfil {
        for line in &mut form.lines {
            action.form.get(&format!("items/{}", line.id)).clone_into(&mut line.quantity);
        }
        form.tracking = entered;
        form.notify = !action.form.get("notify").is_empty();
        form.errors = errors;
    }
    Ok(page(422, shown.render()))
}

async fn fulfilment_page(
    web: &Web,
    staff: &Staff,
    id: &str,
    fulfilment: &str,
) -> Result<FulfilmentPage, ApiError> {
    let (id, fulfilment) = (order_id(id)?, fulfilment_id(fulfilment)?);
    let frame = staff.frame(web, Section::Orders).await;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let order = store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("order"))?;
    drop(tx);
    let found = order.fulfilments.iter().find(|one| one.id == fulfilment);
    let found = found.ok_or_else(|| ApiError::not_found("fulfilment"))?;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    Ok(FulfilmentPage {
        frame,
        order_href: format!("/admin/orders/{id}"),
        order_name: order_name(id, order.number),
        version: order.version,
        parcel: parcel(&order, found),
        tracking: TrackingForm {
            carrier: text(&found.tracking.carrier),
            number: text(&found.tracking.number),
            url: text(&found.tracking.url),
        },
        errors: Vec::new(),
    })
}

async fn saved(web: &Web, action: &Action, id: &str, fulfilment: &str) -> Answer {
    let order = order_id(id)?;
    let entered = entered(&action.form);
    let command = Command::ChangeTracking(ChangeTracking {
        order,
        expected_version: action.form.get("version").parse().ok(),
        fulfilment: fulfilment_id(fulfilment)?,
        tracking: tracking(&entered),
    });
    match web.shop().engine.submit(command).await {
        Outcome::Refused(Refusal::Invalid(found)) => {
            let mut shown = fulfilment_page(web, &action.staff, id, fulfilment).await?;
            shown.errors = faults(found, &[]);
            shown.tracking = entered;
            Ok(page(422, shown.render()))
        }
        outcome => {
            done(web, outcome)?;
            Ok(see_other(&format!("/admin/orders/{order}/fulfilments/{fulfilment}?notice=saved")))
        }
    }
}
