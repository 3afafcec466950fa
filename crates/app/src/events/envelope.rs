//! Facts as `CloudEvents` 1.0, the form in which they leave the shop.

use serde::Serialize;
use stoa_domain::event::schemas;
use stoa_kernel::Timestamp;

use crate::event_log::LoggedEvent;

/// A fact in the JSON format of `CloudEvents` 1.0, with the extensions `sequence` and `offset`.
#[derive(Debug, Clone, Serialize)]
pub struct CloudEvent {
    /// The version of the format.
    pub specversion: &'static str,
    /// The fact's id; together with `source` nobody else has it.
    pub id: String,
    /// The shop's public address.
    pub source: String,
    /// What happened: `order.placed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about: `order/ord_...`.
    pub subject: String,
    /// When (RFC 3339, UTC).
    pub time: Timestamp,
    /// The media type of `data`.
    pub datacontenttype: &'static str,
    /// Where the JSON Schema of `data` is.
    pub dataschema: String,
    /// Its place among the facts about the same subject, from 1 without gaps.
    pub sequence: i64,
    /// Its place in the log.
    pub offset: i64,
    /// What is known of it.
    pub data: serde_json::Value,
}

/// The path that schemas are under, by type and version.
pub const SCHEMAS_PATH: &str = "/api/v1/events/schemas";

impl CloudEvent {
    /// A fact of the shop at a public address (without a slash at the end).
    ///
    /// # Errors
    /// What is known of the fact is no JSON.
    pub fn new(public_url: &str, event: LoggedEvent) -> Result<Self, serde_json::Error> {
        let version = schemas::newest(&event.kind).map_or(1, |schema| schema.version);
        Ok(Self {
            specversion: "1.0",
            id: event.id.to_string(),
            source: public_url.to_owned(),
            time: event.at,
            datacontenttype: "application/json",
            dataschema: format!("{public_url}{SCHEMAS_PATH}/{}/{version}", event.kind),
            kind: event.kind,
            subject: event.subject,
            sequence: event.sequence,
            offset: event.offset,
            data: serde_json::from_str(&event.data)?,
        })
    }
}
