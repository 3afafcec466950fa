//! Stock of one product, as counted by hand.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use http::Response;
use stoa_app::engine::Outcome;
use stoa_domain::command::VariantRef;
use stoa_domain::inventory::SetStock;
use stoa_domain::{Command, Refusal};
use stoa_kernel::limits;
use stoa_pages::admin::Section;
use tokio::task::JoinSet;

use super::answer::{page, see_other, sentence};
use super::gate::{Action, Form};
use super::product::{load, unsaved};
use crate::reply::ApiError;
use crate::state::Web;

/// A number that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Count {
    sku: String,
    location: String,
    /// What was shown.
    expected: i64,
    /// What was entered.
    entered: String,
}

/// `POST /admin/products/{id}/stock`: saves the numbers that differ from what was shown, each only
/// if it is still what was shown.
pub async fn save(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &id).await;
    action.staff.answer(&web, Section::Products, saved).await
}

/// The numbers of a form that were changed.
fn changed(form: &Form) -> Vec<Count> {
    let mut rows: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
    for (name, value) in form.fields() {
        let mut parts = name.split('/');
        if let (Some("rows"), Some(Ok(row)), Some(field)) =
            (parts.next(), parts.next().map(str::parse), parts.next())
        {
            rows.entry(row).or_default().insert(field, value.trim());
        }
    }
    let count = |row: BTreeMap<&str, &str>| {
        let text = |name: &str| row.get(name).copied().map(str::to_owned);
        let (expected, entered) = (text("expected")?, text("on_hand")?);
        (expected != entered).then_some(())?;
        let expected = expected.parse().ok()?;
        Some(Count { sku: text("sku")?, location: text("location")?, expected, entered })
    };
    rows.into_values().filter_map(count).take(limits::ENGINE_QUEUE / 4).collect()
}

async fn saved(web: &Web, action: &Action, id: &str) -> Result<Response<Body>, ApiError> {
    let stored = load(web, id).await?;
    let mut refused: Vec<(Count, Option<Refusal>)> = Vec::new();
    // All at once, so that the engine commits them together.
    let mut submitted = JoinSet::new();
    let counts = changed(&action.form);
    let is_unchanged = counts.is_empty();
    for count in counts {
        let is_ours = stored.product.variants.iter().any(|variant| variant.sku == count.sku);
        let (true, Ok(on_hand)) = (is_ours, count.entered.parse()) else {
            refused.push((count, None));
            continue;
        };
        let command = Command::SetStock(SetStock {
            variant: VariantRef::Sku(count.sku.clone()),
            location: count.location.clone(),
            on_hand,
            expected: Some(count.expected),
        });
        let engine = web.shop().engine.clone();
        submitted.spawn(async move { (count, engine.submit(command).await) });
    }
    while let Some(joined) = submitted.join_next().await {
        let (count, outcome) = joined.map_err(|error| ApiError::internal(&error))?;
        match outcome {
            Outcome::Done { .. } => {}
            Outcome::Refused(refusal) => refused.push((count, Some(refusal))),
            other => return Err(crate::reply::undone(other)),
        }
    }
    web.shop().wake.notify_waiters();
    let id = stored.product.id;
    if refused.is_empty() {
        let word = if is_unchanged { "unchanged" } else { "stock" };
        return Ok(see_other(&format!("/admin/products/{id}?notice={word}#stock")));
    }
    let now = load(web, &id.to_string()).await?;
    let mut shown = unsaved(web, &action.staff, Some(&now)).await?;
    for (count, refusal) in refused {
        let row = shown
            .stock
            .iter_mut()
            .find(|row| row.sku == count.sku && row.location == count.location);
        let Some(row) = row else { continue };
        row.error = Some(match refusal {
            Some(Refusal::Stale) => format!(
                "It is {} now; it was {} when you opened this page. Save again to make it {}.",
                row.on_hand, count.expected, count.entered
            ),
            Some(Refusal::Invalid(errors)) => {
                sentence(errors.first().map_or("not a possible number", |error| &error.detail))
            }
            Some(other) => sentence(&other.to_string()),
            None => "A whole number of pieces, such as 25.".to_owned(),
        });
        row.entered = count.entered;
    }
    Ok(page(409, shown.render()))
}
