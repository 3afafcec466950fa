//! Today at a glance.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::Response;
use stoa_app::back_office::store::{self as back_office, LOW_STOCK, OrderFilter, OrderRow};
use stoa_app::error::StoreError;
use stoa_app::{catalog, inventory, sales};
use stoa_domain::order::PaymentStatus;
use stoa_kernel::Money;
use stoa_pages::admin::{Attention, DashboardPage, DaySales, LowStock, Sales, Section};

use super::answer::{notice, order_name, page};
use super::gate::{PATIENCE_S, Staff, now};
use super::orders::row;
use crate::reply::ApiError;
use crate::state::Web;

/// Days of the chart.
const DAYS: i64 = 14;
const DAY_S: i64 = 86_400;
/// Rows of each list.
const ROWS: i64 = 7;

/// `GET /admin`.
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Dashboard, shown).await
}

async fn shown(web: &Web, staff: &Staff, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let (now, currency) = (now(web), web.shop().config.currency);
    let mut frame = staff.frame(web, Section::Dashboard).await;
    frame.notice = notice(query);
    let today = now.start_of_day();
    let first = today.plus_seconds(-(DAYS - 1) * DAY_S);

    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let sales = sales::store::by_day(&mut tx, first, today, currency).await?;
    // Today's is not summed up: it would be behind by a moment.
    let so_far =
        back_office::sales_between(&mut tx, today, now.plus_seconds(DAY_S), currency).await?;
    let before = back_office::sales_between(
        &mut tx,
        today.plus_seconds(-DAY_S),
        now.plus_seconds(-DAY_S),
        currency,
    )
    .await?;
    let filter = OrderFilter { limit: ROWS, ..OrderFilter::default() };
    let latest = back_office::orders(&mut tx, &filter).await?;
    let waiting = back_office::attention(&mut tx, now.plus_seconds(-PATIENCE_S), ROWS).await?;
    let low = inventory::store::low(&mut tx, LOW_STOCK, ROWS).await?;
    let n_products = catalog::store::count(&mut tx, None).await?;
    drop(tx);

    let days: Vec<DaySales> = (0..DAYS)
        .map(|offset| {
            let day = first.plus_seconds(offset * DAY_S);
            let found = sales.iter().chain([&so_far]).find(|sales| sales.from == day);
            DaySales {
                day,
                orders: found.map_or(0, |sales| sales.n_orders),
                revenue: found.map_or(Money::zero(currency), |sales| sales.revenue),
            }
        })
        .collect();
    let shown = DashboardPage {
        frame,
        now,
        today: days.last().map_or(Sales { orders: 0, revenue: Money::zero(currency) }, |day| {
            Sales { orders: day.orders, revenue: day.revenue }
        }),
        yesterday_so_far: Sales { orders: before.n_orders, revenue: before.revenue },
        days,
        latest: latest.iter().map(row).collect(),
        low_stock: low
            .into_iter()
            .map(|low| LowStock {
                href: format!("/admin/products/{}#stock", low.product_id),
                title: if low.variant_title.is_empty() {
                    low.title
                } else {
                    format!("{}, {}", low.title, low.variant_title)
                },
                sku: low.sku,
                available: low.available,
            })
            .collect(),
        attention: waiting.iter().map(attention).collect(),
        n_products,
    };
    Ok(page(200, shown.render()))
}

fn attention(order: &OrderRow) -> Attention {
    let reason = match order.payment_status {
        PaymentStatus::RequiresAction => "The shopper has not confirmed the payment.",
        PaymentStatus::RefundPending => "The provider has not confirmed the refund.",
        _ => "The payment provider has not answered.",
    };
    Attention {
        href: format!("/admin/orders/{}", order.id),
        order: order_name(order.id, order.number),
        reason: reason.to_owned(),
        since: order.payment_since,
    }
}
