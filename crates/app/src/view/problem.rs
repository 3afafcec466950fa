//! Errors as clients read them (RFC 9457).

use serde::{Deserialize, Serialize};
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use utoipa::ToSchema;

use super::MoneyView;

/// A problem document: `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained.
    #[serde(rename = "type")]
    pub kind: String,
    /// The meaning of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word to program against.
    #[schema(example = "out_of_stock")]
    pub code: String,
    /// What happened and what to do, for people.
    pub detail: String,
    /// What is wrong with which field of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// The lines of the cart that are concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<ProblemLine>,
    /// Where the shopper confirms the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_url: Option<String>,
    /// Why the payment was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<String>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// A JSON pointer (RFC 6901) into the request body.
    #[schema(example = "/shipping_address/country")]
    pub pointer: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// A line that is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemLine {
    /// The variant.
    pub variant_id: String,
    /// Its SKU.
    pub sku: String,
    /// Its product's title.
    pub title: String,
    /// Pieces wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<i64>,
    /// Pieces that can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<i64>,
    /// The price the shopper saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<MoneyView>,
    /// The price now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<MoneyView>,
}

impl Problem {
    /// A problem with a status, a code and a sentence.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/api/docs#{code}"),
            title: title(status).to_owned(),
            status,
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            lines: Vec::new(),
            action_url: None,
            decline_reason: None,
        }
    }

    /// The same with faults of fields.
    #[must_use]
    pub fn with_fields(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors = errors
            .into_iter()
            .map(|error| ProblemField { pointer: error.pointer, detail: error.detail })
            .collect();
        self
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad request",
        401 => "Not signed in",
        402 => "Payment required",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        409 => "Conflict",
        412 => "Precondition failed",
        413 => "Too large",
        415 => "Unsupported media type",
        422 => "Unprocessable",
        428 => "Precondition required",
        429 => "Too many requests",
        503 => "Unavailable",
        _ => "Internal error",
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let status = match refusal {
            Refusal::NotFound(_) => 404,
            Refusal::Invalid(_) | Refusal::AmountOutOfRange | Refusal::CartEmpty => 422,
            Refusal::CartCompleted
            | Refusal::CartBeingPaid
            | Refusal::OutOfStock(_)
            | Refusal::PriceChanged(_)
            | Refusal::Stale
            | Refusal::Taken { .. }
            | Refusal::WrongState { .. } => 409,
            Refusal::PaymentDeclined { .. } | Refusal::PaymentRequiresAction { .. } => 402,
        };
        let mut problem = Self::new(status, refusal.code(), refusal.to_string());
        match refusal {
            Refusal::Invalid(errors) => problem = problem.with_fields(errors.iter().cloned()),
            Refusal::OutOfStock(lines) => {
                problem.lines = lines
                    .iter()
                    .map(|line| ProblemLine {
                        variant_id: line.variant_id.to_string(),
                        sku: line.sku.clone(),
                        title: line.title.clone(),
                        wanted: Some(line.wanted),
                        available: Some(line.available),
                        seen: None,
                        now: None,
                    })
                    .collect();
            }
            Refusal::PriceChanged(lines) => {
                problem.lines = lines
                    .iter()
                    .map(|line| ProblemLine {
                        variant_id: line.variant_id.to_string(),
                        sku: line.sku.clone(),
                        title: line.title.clone(),
                        wanted: None,
                        available: None,
                        seen: Some(line.seen.into()),
                        now: Some(line.now.into()),
                    })
                    .collect();
            }
            Refusal::PaymentDeclined { reason } => problem.decline_reason = Some(reason.clone()),
            Refusal::PaymentRequiresAction { url } => problem.action_url = Some(url.clone()),
            _ => {}
        }
        problem
    }
}
