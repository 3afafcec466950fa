//! The JSON Schemas (2020-12) of what each type of events says, every version there ever was.
//!
//! A test makes the newest of each type from [`super::EventBody`], compares, and writes the file anew
//! where the change is one that readers can stand: more optional fields. For any other, add a line
//! with the next version and an empty file for it.

/// The schema of one version of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The type: `order.placed`.
    pub kind: &'static str,
    /// The version, from 1.
    pub version: u32,
    /// The schema as JSON, with an example.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($kind:literal $version:literal),* $(,)?) => {
        &[$(Schema {
            kind: $kind,
            version: $version,
            text: include_str!(concat!("../../schemas/", $kind, ".v", $version, ".json")),
        }),*]
    };
}

/// All of them, by type and version.
pub const SCHEMAS: &[Schema] = schemas![
    "cart.abandoned" 1,
    "cart.recovered" 1,
    "customer.created" 1,
    "customer.updated" 1,
    "fulfilment.cancelled" 1,
    "fulfilment.created" 1,
    "fulfilment.updated" 1,
    "order.cancelled" 1,
    "order.pending" 1,
    "order.placed" 1,
    "payment.action_required" 1,
    "payment.captured" 1,
    "payment.declined" 1,
    "payment.refunded" 1,
    "price.changed" 1,
    "product.created" 1,
    "product.deleted" 1,
    "product.updated" 1,
    "search.rebuild_requested" 1,
    "search.rebuilt" 1,
    "stock.changed" 1,
    "user.invited" 1,
    "user.joined" 1,
    "user.password_changed" 1,
    "vendor.created" 1,
    "vendor.updated" 1,
];

/// The schema of a version of a type, if there is such a thing.
pub fn find(kind: &str, version: u32) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.kind == kind && schema.version == version)
}

/// The newest schema of a type, if there is such a thing.
pub fn newest(kind: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().rfind(|schema| schema.kind == kind)
}
