//! What belongs in which mail.

use stoa_domain::fulfilment::{Fulfilment, FulfilmentStatus};
use stoa_domain::order::{Order, OrderLine};
use stoa_kernel::{FulfilmentId, OrderId, Rate};
use stoa_sql::Tx;
use uuid::Uuid;

use super::render::{self, Contents, Items, Rendered, TemplateError};
use super::store::StoredMail;
use super::{Language, store};
use crate::error::StoreError;
use crate::shop::Shop;
use crate::{fulfilment, order};

/// Why a mail was not written.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Even the built-in text does not render.
    #[error("a built-in text: {0}")]
    Template(#[from] TemplateError),
    /// What it is about is gone.
    #[error("what the mail is about is not there any more")]
    Gone,
}

/// Writes a mail as it would be sent now.
///
/// # Errors
/// The store failed, or what it is about is gone.
pub async fn compose(
    tx: &mut Tx,
    shop: &Shop,
    mail: &StoredMail,
) -> Result<Rendered, ComposeError> {
    let link = mail.link.as_deref().and_then(|link| link.split_once('/'));
    let contents = match link {
        Some(("order", id)) => {
            let id: OrderId = id.parse().map_err(|_| ComposeError::Gone)?;
            let order = order::store::find(tx, id).await?.ok_or(ComposeError::Gone)?;
            about_order(shop, &order, mail.language)?
        }
        Some(("fulfilment", id)) => {
            let id: FulfilmentId = id.parse().map_err(|_| ComposeError::Gone)?;
            let order = fulfilment::store::order_of(tx, id).await?.ok_or(ComposeError::Gone)?;
            let order = order::store::find(tx, order).await?.ok_or(ComposeError::Gone)?;
            let sent = order.fulfilments.iter().find(|one| one.id == id);
            // What was taken back meanwhile is nothing to write about.
            let standing = |one: &&Fulfilment| one.status == FulfilmentStatus::Shipped;
            let sent = sent.filter(standing).ok_or(ComposeError::Gone)?;
            about_fulfilment(shop, &order, sent, mail.language)?
        }
        Some((_, id)) => {
            let id = Uuid::parse_str(id).map_err(|_| ComposeError::Gone)?;
            to_staff(shop, store::invited_by(tx, id).await?.unwrap_or_default())
        }
        None => return Err(ComposeError::Gone),
    };
    // The merchant's text; the built-in one where there is none or it fails with these values: a mail
    // that is not as wished is better than none.
    if let Some(own) = store::template(tx, mail.kind, mail.language).await? {
        match render::render(&own, mail.language, &contents) {
            Ok(rendered) => return Ok(rendered),
            Err(error) => {
                let kind = mail.kind.as_str();
                tracing::error!(kind, %error, "a template fails; the built-in one is used");
            }
        }
    }
    let built_in = render::built_in(mail.kind, mail.language)?;
    Ok(render::render(&built_in, mail.language, &contents)?)
}

fn contents(shop: &Shop, mut values: serde_json::Value) -> Contents {
    let (name, url) = (&shop.config.name, &shop.mail.public_url);
    if let Some(values) = values.as_object_mut() {
        let shop = serde_json::json!({ "name": name, "url": url });
        values.insert("shop".to_owned(), shop);
    }
    Contents {
        values,
        items: Items::default(),
        address: Vec::new(),
        shop: name.clone(),
        shop_url: url.clone(),
    }
}

fn about_order(shop: &Shop, order: &Order, language: Language) -> Result<Contents, TemplateError> {
    let address = &order.details.shipping_address;
    let number = order.number.map_or_else(|| order.id.to_string(), |number| format!("#{number}"));
    let town = format!("{} {}", address.postal_code, address.city);
    let lines = [
        address.name.as_str(),
        &address.line1,
        address.line2.as_deref().unwrap_or_default(),
        town.trim(),
        address.region.as_deref().unwrap_or_default(),
        &address.country,
    ];
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    let values = serde_json::json!({
        "order": {
            "number": number,
            "name": address.name,
            "email": order.email,
            "total": order.totals.total.to_string(),
            "refunded": order.payment.amount.to_string(),
            "shipping_method": order.details.shipping_method_name,
            "tracking": "",
            "tracking_url": "",
        },
    });
    Ok(Contents {
        items: items(order, language)?,
        address: lines.map(str::to_owned).collect(),
        ..contents(shop, values)
    })
}

fn about_fulfilment(
    shop: &Shop,
    order: &Order,
    sent: &Fulfilment,
    language: Language,
) -> Result<Contents, TemplateError> {
    let mut contents = about_order(shop, order, language)?;
    let tracking = &sent.tracking;
    if let Some(values) = contents.values.get_mut("order").and_then(|order| order.as_object_mut()) {
        values.insert("tracking".to_owned(), tracking.name().into());
        let url = tracking.link().unwrap_or_default();
        values.insert("tracking_url".to_owned(), url.into());
    }
    let line = |(line, quantity): (&OrderLine, i64)| {
        (quantity, line.title.clone(), line.variant_title.clone(), String::new())
    };
    let lines = order.pieces(sent).map(line).collect();
    let heading = contents.items.heading;
    contents.items = Items { heading, lines, ..Items::default() };
    Ok(contents)
}

/// The goods of an order and how its total came about.
fn items(order: &Order, language: Language) -> Result<Items, TemplateError> {
    let words = render::words(language)?;
    let totals = &order.totals;
    let mut sums = vec![(words.subtotal.clone(), totals.subtotal.to_string())];
    if totals.discount.minor != 0 {
        sums.push((words.discount.clone(), format!("−{}", totals.discount)));
    }
    sums.push((words.shipping.clone(), totals.shipping.to_string()));
    for tax in &order.details.tax_lines {
        let name = if tax.name.is_empty() { &words.tax } else { &tax.name };
        let rate = Rate::from_ppm(tax.rate_ppm);
        let label = if totals.tax_included {
            format!("{} {name} {rate}", words.included)
        } else {
            format!("{name} {rate}")
        };
        sums.push((label, tax.amount.to_string()));
    }
    let line = |line: &OrderLine| {
        let (title, variant) = (line.title.clone(), line.variant_title.clone());
        (line.quantity, title, variant, line.totals.subtotal.to_string())
    };
    Ok(Items {
        heading: words.item.clone(),
        lines: order.lines.iter().map(line).collect(),
        sums,
        total: (words.total.clone(), totals.total.to_string()),
    })
}

fn to_staff(shop: &Shop, by: String) -> Contents {
    let by = if by.is_empty() { shop.config.name.clone() } else { by };
    contents(shop, serde_json::json!({ "invitation": { "by": by } }))
}
