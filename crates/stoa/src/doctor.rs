//! `stoa doctor`: looks for what must never be, and says what it looked at.

use std::collections::HashMap;

use stoa_app::doctor::{Finding, examine};
use stoa_app::order;
use stoa_domain::order::PaymentStatus;
use stoa_embedded::test_payment::{self, State};
use stoa_kernel::PaymentId;
use stoa_sql::Db;

use crate::config::Config;
use crate::wiring::DataDir;

/// At most so many faults of a check are shown.
const SHOWN: usize = 20;

/// Examines a data directory; says whether nothing is wrong.
///
/// # Errors
/// The directory or its database cannot be opened.
pub(crate) async fn doctor(data: &DataDir, config: &Config) -> anyhow::Result<bool> {
    println!("ok     configuration: {} in {}", config.shop.name, config.shop.currency);
    println!("ok     data directory: {}", data.path().display());
    let db = data.db(config).await?;
    let mut findings = examine(&db).await?;
    findings.push(Finding {
        check: "payments against the test provider's book",
        faults: against_book(data, &db).await?,
    });
    let mut healthy = true;
    for Finding { check, faults } in findings {
        if faults.is_empty() {
            println!("ok     {check}");
            continue;
        }
        healthy = false;
        println!("WRONG  {check}");
        for fault in faults.iter().take(SHOWN) {
            println!("       - {fault}");
        }
        if faults.len() > SHOWN {
            println!("       - and {} more", faults.len() - SHOWN);
        }
    }
    Ok(healthy)
}

/// Compares what the test provider took with what the shop's books say. A payment that is still
/// under way may be ahead in the provider's book: its job will settle it.
async fn against_book(data: &DataDir, db: &Db) -> anyhow::Result<Vec<String>> {
    // The book first: whatever it holds, the shop had stored before.
    let book = test_payment::read_book(&data.test_book())?;
    let mut tx = db.read().await?;
    let payments = order::store::payments(&mut tx, test_payment::NAME).await?;
    let payments: HashMap<PaymentId, _> = payments.into_iter().map(|p| (p.id, p)).collect();
    let mut faults = Vec::new();
    for (id, booked) in &book {
        let Some(payment) = payments.get(id) else {
            faults.push(format!("the provider has {id}, the shop has not"));
            continue;
        };
        if payment.amount != booked.amount {
            let (ours, theirs) = (payment.amount, booked.amount);
            faults.push(format!("{id} is {ours:?} here and {theirs:?} at the provider"));
        }
        let agrees = match booked.state {
            State::Captured => !matches!(payment.status, PaymentStatus::Declined),
            State::Refunded => {
                matches!(payment.status, PaymentStatus::Refunded | PaymentStatus::RefundPending)
            }
            State::RequiresAction => {
                matches!(payment.status, PaymentStatus::Pending | PaymentStatus::RequiresAction)
            }
            _ => !matches!(
                payment.status,
                PaymentStatus::Paid | PaymentStatus::RefundPending | PaymentStatus::Refunded
            ),
        };
        if !agrees {
            let status = payment.status.as_str();
            faults.push(format!("{id} is {status} here and {:?} at the provider", booked.state));
        }
    }
    for (id, payment) in &payments {
        if payment.status == PaymentStatus::Paid
            && payment.amount.minor > 0
            && !book.contains_key(id)
        {
            faults.push(format!("{id} is paid here, the provider never heard of it"));
        }
    }
    Ok(faults)
}
