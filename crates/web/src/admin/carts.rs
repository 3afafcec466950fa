//! Abandoned carts.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::Response;
use stoa_app::cart::abandoned::store::{self, Became, Shown};
use stoa_app::error::StoreError;
use stoa_pages::admin::{CartLine, CartListPage, CartPage, CartRow, OrderTab, Section};

use super::answer::{Answer, address, order_name, page, pager, parameter};
use super::gate::Staff;
use super::goods::Goods;
use super::order::address_lines;
use crate::reply::ApiError;
use crate::state::Web;

/// Carts on a page.
const ROWS: i64 = 50;

const PATH: &str = "/admin/carts";

/// `GET /admin/carts`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Carts, listed).await
}

/// `GET /admin/carts/{id}`
pub async fn show(State(web): State<Web>, staff: Staff, Path(id): Path<String>) -> Response<Body> {
    let shown = shown(&web, &staff, &id).await;
    staff.answer(&web, Section::Carts, shown).await
}

fn row(shown: &Shown) -> CartRow {
    let body = &shown.body;
    CartRow {
        href: format!("{PATH}/{}", shown.cart.id),
        email: body.email.clone().unwrap_or_else(|| "(taken out again)".to_owned()),
        customer: body.shipping_address.as_ref().map_or_else(String::new, |to| to.name.clone()),
        at: shown.cart.abandoned_at,
        n_items: body.lines.iter().map(|line| line.quantity).sum(),
        total: shown.cart.total,
        status: Became::of(&shown.cart).as_str().to_owned(),
    }
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Answer {
    let became = Became::parse(&parameter(query, "status"));
    let after = parameter(query, "after");
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let carts = store::list(&mut tx, became, after.parse().ok(), ROWS).await?;
    let mut tabs = Vec::new();
    for (choice, label) in [
        (None, "All"),
        (Some(Became::Abandoned), "Abandoned"),
        (Some(Became::Recovered), "Recovered"),
    ] {
        let word = choice.map_or("", Became::as_str);
        tabs.push(OrderTab {
            label: label.to_owned(),
            href: address(PATH, &[("status", word)]),
            selected: choice == became,
            n: Some(store::count(&mut tx, choice).await?),
        });
    }
    drop(tx);
    let status = became.map_or("", Became::as_str);
    let kept = [("status", status)];
    let id = |shown: &Shown| shown.cart.id.to_string();
    let shown = CartListPage {
        frame: staff.frame(web, Section::Carts).await,
        tabs,
        rows: carts.iter().map(row).collect(),
        pager: pager(PATH, &kept, &after, (&carts, ROWS), id),
        status: status.to_owned(),
    };
    Ok(page(200, shown.render()))
}

async fn shown(web: &Web, staff: &Staff, id: &str) -> Answer {
    let not_found = || ApiError::not_found("abandoned cart");
    let id = id.parse().map_err(|_| not_found())?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let Shown { cart, number, body, updated_at, .. } =
        store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    drop(tx);
    let goods = Goods::load(web, body.lines.iter().map(|line| line.product_id)).await?;
    let lines = body.lines.into_iter().map(|line| CartLine {
        href: goods.href(line.product_id),
        picture: goods.picture(line.product_id),
        title: line.title,
        variant: line.variant_title,
        sku: line.sku,
        quantity: line.quantity,
        unit_price: line.unit_price,
    });
    let shown = CartPage {
        frame: staff.frame(web, Section::Carts).await,
        email: body.email.unwrap_or_default(),
        shipping_address: body.shipping_address.as_ref().map(address_lines).unwrap_or_default(),
        at: cart.abandoned_at,
        updated_at,
        lines: lines.collect(),
        total: cart.total,
        status: Became::of(&cart).as_str().to_owned(),
        order: cart.recovered.map(|id| (format!("/admin/orders/{id}"), order_name(id, number))),
    };
    Ok(page(200, shown.render()))
}
