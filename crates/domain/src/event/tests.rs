//! The stored schemas are those of the types, change only as readers can stand, and the reference
//! of events is made of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use stoa_kernel::{Ctx, Currency, IdSource, Money, Timestamp};

use super::schemas::{SCHEMAS, newest};
use super::{CartItem, EventBody, FulfilledItem, OrderedItem};

/// One of each type, in the order in which they are declared.
fn examples() -> Vec<EventBody> {
    let now = Timestamp::from_micros(1_790_000_000_000_000);
    let mut ctx = Ctx { now, ids: IdSource::seeded(1) };
    let (product_id, variant_id, location_id) =
        (ctx.product_id(), ctx.variant_id(), ctx.location_id());
    let (order_id, payment_id, user_id) = (ctx.order_id(), ctx.payment_id(), ctx.user_id());
    let vendor_id = ctx.vendor_id();
    let (fulfilment_id, line_id) = (ctx.fulfilment_id(), ctx.line_id());
    let (cart_id, customer_id) = (ctx.abandoned_cart_id(), ctx.customer_id());
    let fulfilled = || {
        let sku = "MUG-CREAM".to_owned();
        vec![FulfilledItem { line_id, variant_id, sku, quantity: 2 }]
    };
    let eur = |minor| Money::new(minor, Currency::EUR);
    let handle = || "harbour-mug".to_owned();
    vec![
        EventBody::SearchRebuildRequested {},
        EventBody::SearchRebuilt { products: 1_200 },
        EventBody::ProductCreated { product_id, handle: handle() },
        EventBody::ProductUpdated { product_id, handle: handle() },
        EventBody::ProductDeleted { product_id, handle: handle() },
        EventBody::PriceChanged {
            variant_id,
            product_id,
            sku: "MUG-CREAM".to_owned(),
            old: Some(eur(2_400)),
            new: Some(eur(1_900)),
        },
        EventBody::StockChanged {
            variant_id,
            product_id,
            location_id,
            on_hand: 12,
            reserved: 2,
            available_before: 12,
            available: 10,
        },
        EventBody::CartAbandoned {
            cart_id,
            total: eur(4_800),
            items: vec![CartItem {
                variant_id,
                sku: "MUG-CREAM".to_owned(),
                quantity: 2,
                unit_price: eur(2_400),
            }],
        },
        EventBody::CartRecovered { cart_id, order_id },
        EventBody::OrderPending { order_id, total: eur(5_299) },
        EventBody::OrderPlaced {
            order_id,
            number: 1_042,
            total: eur(5_299),
            items: vec![OrderedItem {
                variant_id,
                sku: "MUG-CREAM".to_owned(),
                quantity: 2,
                total: eur(4_800),
            }],
        },
        EventBody::OrderCancelled { order_id, reason: "customer".to_owned() },
        EventBody::FulfilmentCreated {
            order_id,
            fulfilment_id,
            items: fulfilled(),
            carrier: Some("DHL".to_owned()),
            fulfilment_status: "fulfilled".to_owned(),
            notify_customer: true,
        },
        EventBody::FulfilmentUpdated { order_id, fulfilment_id, carrier: Some("UPS".to_owned()) },
        EventBody::FulfilmentCancelled {
            order_id,
            fulfilment_id,
            items: fulfilled(),
            fulfilment_status: "unfulfilled".to_owned(),
        },
        EventBody::PaymentActionRequired { order_id, payment_id },
        EventBody::PaymentCaptured {
            order_id,
            payment_id,
            amount: eur(5_299),
            reference: "ch_1042".to_owned(),
        },
        EventBody::PaymentDeclined {
            order_id,
            payment_id,
            reason: "insufficient_funds".to_owned(),
        },
        EventBody::PaymentRefunded { order_id, payment_id, amount: eur(5_299) },
        EventBody::CustomerCreated { customer_id, order_id },
        EventBody::CustomerUpdated { customer_id },
        EventBody::UserInvited { invited_by: user_id },
        EventBody::UserJoined { user_id },
        EventBody::UserPasswordChanged { user_id },
        EventBody::VendorCreated { vendor_id, handle: "harbour-pottery".to_owned() },
        EventBody::VendorUpdated { vendor_id, handle: "harbour-pottery".to_owned() },
    ]
}

/// The schema of each type as the code is now.
fn current() -> Vec<(&'static str, Value)> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let all = settings.into_generator().into_root_schema_for::<EventBody>().to_value();
    let variants = all["anyOf"].as_array().unwrap().clone();
    let examples = examples();
    assert_eq!(variants.len(), examples.len(), "each type has an example");
    let mut found = Vec::new();
    for (schema, example) in variants.into_iter().zip(examples) {
        let kind = example.kind();
        let example = serde_json::to_value(example).unwrap();
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let named: Vec<&String> = properties.keys().collect();
        let given: Vec<&String> = example.as_object().unwrap().keys().collect();
        assert_eq!(named, given, "{kind}: the examples are in the order of the types");
        let mut whole = Map::new();
        whole.insert("$schema".to_owned(), all["$schema"].clone());
        whole.insert("title".to_owned(), kind.into());
        whole.extend(schema.as_object().unwrap().clone());
        whole.insert("examples".to_owned(), json!([example]));
        found.push((kind, Value::Object(whole)));
    }
    found.sort_by_key(|(kind, _)| *kind);
    found
}

/// A change of a schema.
type Change = &'static dyn Fn(&mut Value);

/// What a reader of the old schema could not stand about the new one, in words.
fn incompatibilities(old: &Value, new: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    compare("", old, new, &mut faults);
    faults
}

fn compare(path: &str, old: &Value, new: &Value, faults: &mut Vec<String>) {
    const ANNOTATIONS: [&str; 4] = ["$schema", "title", "description", "examples"];
    const KNOWN: [&str; 4] = ["properties", "required", "items", "enum"];
    let at = if path.is_empty() { "/" } else { path };
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        if old != new {
            faults.push(format!("{at} is something else"));
        }
        return;
    };
    for keyword in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let rest = !ANNOTATIONS.contains(&keyword.as_str()) && !KNOWN.contains(&keyword.as_str());
        if rest && old.get(keyword) != new.get(keyword) {
            faults.push(format!("{at}: `{keyword}` is another"));
        }
    }
    match (old.get("enum"), new.get("enum")) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for value in old.iter().filter(|value| !new.contains(value)) {
                faults.push(format!("{at}: the value {value} is gone"));
            }
        }
        (None, Some(_)) => faults.push(format!("{at}: only some values are left")),
        _ => {}
    }
    match (old.get("items"), new.get("items")) {
        (Some(old), Some(new)) => compare(&format!("{path}/items"), old, new, faults),
        (None, None) => {}
        _ => faults.push(format!("{at}: `items` is another")),
    }
    let none = Map::new();
    let properties = |schema: &Map<String, Value>| {
        schema.get("properties").and_then(Value::as_object).unwrap_or(&none).clone()
    };
    let required = |schema: &Map<String, Value>, name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|other| other == name))
    };
    let (before, after) = (properties(old), properties(new));
    for (name, schema) in &before {
        let path = format!("{path}/{name}");
        match after.get(name) {
            None => faults.push(format!("{path} is gone")),
            Some(other) => {
                compare(&path, schema, other, faults);
                match (required(old, name), required(new, name)) {
                    (true, false) => faults.push(format!("{path} may be missing")),
                    (false, true) => faults.push(format!("{path} is missing in older events")),
                    _ => {}
                }
            }
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        if required(new, name) {
            faults.push(format!("{path}/{name} is new and required"));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes a file anew where it differs; says whether it did.
fn renewed(path: &Path, text: &str) -> bool {
    let differs = std::fs::read_to_string(path).ok().as_deref() != Some(text);
    if differs {
        std::fs::write(path, text).unwrap();
    }
    differs
}

#[test]
fn stored_schemas_and_the_reference_are_those_of_the_types() {
    let current = current();
    let mut written = Vec::new();
    for (kind, schema) in &current {
        let stored = newest(kind).unwrap_or_else(|| {
            panic!("{kind} is not in the list of schemas; add it with version 1 and an empty file")
        });
        if !stored.text.is_empty() {
            let faults = incompatibilities(&serde_json::from_str(stored.text).unwrap(), schema);
            assert!(
                faults.is_empty(),
                "{kind}: {}\nadd the next version to the list of schemas, and an empty file for it",
                faults.join(", ")
            );
        }
        let name = format!("crates/domain/schemas/{kind}.v{}.json", stored.version);
        let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
        if renewed(&root().join(&name), &text) {
            written.push(name);
        }
    }
    if renewed(&root().join("docs/api/events.md"), &reference(&current)) {
        written.push("docs/api/events.md".to_owned());
    }
    assert!(written.is_empty(), "written anew; look at them and keep them: {written:#?}");
}

#[test]
fn the_list_of_schemas_is_whole_and_in_order() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("crates/domain/schemas"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut listed: Vec<String> =
        SCHEMAS.iter().map(|schema| format!("{}.v{}.json", schema.kind, schema.version)).collect();
    listed.sort();
    assert_eq!(files, listed);
    assert!(SCHEMAS.is_sorted_by_key(|schema| (schema.kind, schema.version)));
    let kinds: Vec<&str> = current().iter().map(|(kind, _)| *kind).collect();
    for schema in SCHEMAS {
        assert!(kinds.contains(&schema.kind), "nothing is called {}", schema.kind);
    }
}

#[test]
fn only_optional_fields_may_be_added() {
    let old = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "state": { "enum": ["a", "b"] },
            "note": { "type": "string" },
            "items": { "type": "array", "items": {
                "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"]
            } },
        },
        "required": ["id", "state", "items"],
    });
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut new = old.clone();
        change(&mut new);
        incompatibilities(&old, &new)
    };
    let fine: [Change; 4] = [
        &|_| {},
        &|new| new["properties"]["more"] = json!({ "type": "integer" }),
        &|new| new["properties"]["id"]["description"] = json!("Which."),
        &|new| new["properties"]["items"]["items"]["properties"]["m"] = json!({}),
    ];
    for change in fine {
        assert_eq!(changed(change), Vec::<String>::new());
    }
    let wrong: [(&str, Change); 9] = [
        ("/note is gone", &|new| {
            new["properties"].as_object_mut().unwrap().remove("note");
        }),
        ("/id: `type` is another", &|new| new["properties"]["id"]["type"] = json!("integer")),
        ("/id: `pattern` is another", &|new| new["properties"]["id"]["pattern"] = json!("^x")),
        ("/id may be missing", &|new| new["required"] = json!(["state", "items"])),
        ("/note is missing in older events", &|new| {
            new["required"] = json!(["id", "state", "items", "note"]);
        }),
        ("/more is new and required", &|new| {
            new["properties"]["more"] = json!({});
            new["required"] = json!(["id", "state", "items", "more"]);
        }),
        ("/state: the value \"b\" is gone", &|new| {
            new["properties"]["state"]["enum"] = json!(["a"]);
        }),
        ("/id: only some values are left", &|new| new["properties"]["id"]["enum"] = json!(["a"])),
        ("/items/items/n is gone", &|new| {
            new["properties"]["items"]["items"] = json!({
                "type": "object", "properties": {}, "required": []
            });
        }),
    ];
    for (fault, change) in wrong {
        assert_eq!(changed(change), [fault]);
    }
}

/// What the reference says before it comes to the types.
const INTRODUCTION: &str = "\
# Events

Every fact about the shop is an event: written in the transaction that made it true, numbered within
its subject, kept in commit order. This page and the schemas are made from the code.

An event leaves the shop as a [CloudEvent](https://cloudevents.io) 1.0 in JSON:

| attribute | meaning |
| --- | --- |
| `id` | The event's id. An event may come more than once; its id stays the same. |
| `source` | The shop's public address. |
| `type` | What happened. |
| `subject` | What it is about: `order/ord_...`, `product/prod_...`, `stock/VARIANT/LOCATION`, \
`price/VARIANT`, `cart/acart_...`, `customer/cus_...`, `user/usr_...`, `invitation/...`, `search/products`. |
| `time` | When, RFC 3339 in UTC. |
| `dataschema` | Where the JSON Schema of `data` is. |
| `sequence` | Its place among the events about its subject: 1, 2, 3 ... |
| `offset` | Its place in the log; ascends, with gaps. |
| `data` | What is known of it, below. Nothing in it is personal data. |

A type keeps its meaning. Within a version only optional fields are added, so ignore those that you do not
know; any other change is a new version, with a `dataschema` of its own. The schemas are at
`/api/v1/events/schemas/TYPE/VERSION`, and `stoa events schemas` lists them.

Money is in minor units: 1299 EUR is 12.99 €. Edits of carts leave no events
([why](../decisions/0013-facts-of-carts.md)); a cart has some once it is abandoned, and an order's first is
`order.pending`.

## Reading the log

`stoa events tail --json` writes an event a line. `--follow` goes on as they come; `--as NAME` keeps how far
a reader has come, in the store, so that the next one of this name goes on there:

```sh
stoa events tail --json --follow --as warehouse --type 'order.*'
```

A line is written before its offset is kept: after a crash, the last lines may come again.

`stoa events subscribers` lists readers and the shop's own subscribers with how far each is behind and what
went wrong last; the back office shows the same under Events. `stoa events replay NAME --from OFFSET` sets one
back. The shop's own do nothing twice: a mail, for example, is written once for each cause.
";

fn reference(types: &[(&str, Value)]) -> String {
    let mut text = INTRODUCTION.to_owned();
    text += "\n## Types\n\n| type | version | when |\n| --- | --- | --- |\n";
    let line = |value: &Value| value.as_str().unwrap_or_default().replace('\n', " ");
    for (kind, schema) in types {
        let version = newest(kind).unwrap().version;
        let anchor = kind.replace('.', "");
        let when = line(&schema["description"]);
        writeln!(text, "| [`{kind}`](#{anchor}) | {version} | {when} |").unwrap();
    }
    for (kind, schema) in types {
        writeln!(text, "\n### {kind}\n\n{}\n", line(&schema["description"])).unwrap();
        if let Some(properties) = schema["properties"].as_object() {
            text += "| field | type | meaning |\n| --- | --- | --- |\n";
            for (name, property) in properties {
                let kind = type_of(property);
                writeln!(text, "| `{name}` | {kind} | {} |", line(&property["description"]))
                    .unwrap();
            }
            text.push('\n');
        }
        let example = serde_json::to_string_pretty(&schema["examples"][0]).unwrap();
        writeln!(text, "```json\n{example}\n```").unwrap();
    }
    text
}

/// The type of a field in a word or two.
fn type_of(schema: &Value) -> String {
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if schema["properties"]["currency"].is_object() && schema["properties"]["amount"].is_object() {
        let or_null = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
        return if or_null { "money or null" } else { "money" }.to_owned();
    }
    match &schema["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        Value::String(one) => one.clone(),
        _ => "any".to_owned(),
    }
}
