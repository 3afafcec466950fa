//! The API's documentation, rendered from its OpenAPI 3.1 document. No script is needed.

use std::fmt;

use askama::Template;
use serde_json::{Map, Value, json};

use crate::storefront::Layout;

/// How deep nested objects are shown.
const MAX_DEPTH: usize = 5;
/// How many fields of one body are shown.
const MAX_FIELDS: usize = 200;

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// What a document says in words: what stands between backticks is code.
#[derive(Debug, Clone, Default)]
struct Prose(String);

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_ticks = self.0.matches('`').count();
        for (index, part) in self.0.split('`').enumerate() {
            // A last tick that nothing closes stands for itself.
            let is_open = index == n_ticks && n_ticks % 2 == 1;
            match index % 2 {
                1 if is_open => write!(f, "`{}", Escaped(part))?,
                1 => write!(f, "<code>{}</code>", Escaped(part))?,
                _ => write!(f, "{}", Escaped(part))?,
            }
        }
        Ok(())
    }
}

// Everything that comes from the document is escaped above.
impl askama::filters::HtmlSafe for Prose {}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&#34;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// `/api/docs`
#[derive(Debug, Clone, Template)]
#[template(path = "docs/api.html")]
pub struct ApiDocsPage {
    layout: Layout,
    title: String,
    version: String,
    description: Vec<Prose>,
    servers: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    name: String,
    anchor: String,
    description: Vec<Prose>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
struct Operation {
    method: String,
    path: String,
    anchor: String,
    summary: String,
    description: Vec<Prose>,
    deprecated: bool,
    needs_token: bool,
    parameters: Vec<Field>,
    body: Option<Body>,
    responses: Vec<Response>,
    example: String,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    place: String,
    kind: String,
    required: bool,
    description: Prose,
}

#[derive(Debug, Clone)]
struct Body {
    content_type: String,
    kind: String,
    fields: Vec<Field>,
    example: String,
}

#[derive(Debug, Clone)]
struct Response {
    status: String,
    description: Prose,
    body: Option<Body>,
}

impl Response {
    fn tone(&self) -> &'static str {
        match self.status.as_bytes().first() {
            Some(b'2') => "ok",
            Some(b'4') => "warn",
            Some(b'5') => "bad",
            _ => "info",
        }
    }
}

impl ApiDocsPage {
    /// The page for an OpenAPI document. What the document does not say is left out.
    pub fn new(layout: Layout, document: &Value) -> Self {
        let reader = Reader { document };
        let info = document.get("info").unwrap_or(&Value::Null);
        Self {
            layout,
            title: text(info, "title"),
            version: text(info, "version"),
            description: paragraphs(info),
            servers: array(document, "servers")
                .map(|server| text(server, "url"))
                .filter(|url| !url.is_empty())
                .collect(),
            groups: reader.groups(),
        }
    }

    /// The page as HTML.
    pub fn render(&self) -> String {
        crate::render(self)
    }
}

struct Reader<'a> {
    document: &'a Value,
}

impl<'a> Reader<'a> {
    fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = array(self.document, "tags")
            .map(|tag| Group {
                name: text(tag, "name"),
                description: paragraphs(tag),
                ..Group::default()
            })
            .collect();
        for (path, item) in object(self.document, "paths") {
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let tag =
                    array(operation, "tags").next().and_then(Value::as_str).unwrap_or("Other");
                let position = match groups.iter().position(|group| group.name == tag) {
                    Some(position) => position,
                    None => {
                        groups.push(Group { name: tag.to_owned(), ..Group::default() });
                        groups.len() - 1
                    }
                };
                let operation = self.operation(path, method, item, operation);
                if let Some(group) = groups.get_mut(position) {
                    group.operations.push(operation);
                }
            }
        }
        groups.retain(|group| !group.operations.is_empty());
        for group in &mut groups {
            group.anchor = anchor(&["tag", &group.name]);
        }
        groups
    }

    fn operation(&self, path: &str, method: &str, item: &Value, operation: &Value) -> Operation {
        let parameters = array(item, "parameters")
            .chain(array(operation, "parameters"))
            .map(|parameter| {
                let parameter = self.resolve(parameter);
                let schema = parameter.get("schema").unwrap_or(&Value::Null);
                let described = text(parameter, "description");
                Field {
                    name: text(parameter, "name"),
                    place: text(parameter, "in"),
                    kind: self.kind(schema),
                    required: flag(parameter, "required"),
                    description: Prose(if described.is_empty() {
                        self.remark(schema)
                    } else {
                        described
                    }),
                }
            })
            .collect();
        let body = operation.get("requestBody").and_then(|body| self.body(self.resolve(body)));
        let responses = object(operation, "responses")
            .map(|(status, response)| {
                let response = self.resolve(response);
                Response {
                    status: status.clone(),
                    description: Prose(text(response, "description")),
                    body: self.body(response),
                }
            })
            .collect();
        let security = operation.get("security").or_else(|| self.document.get("security"));
        let needs_token = security.and_then(Value::as_array).is_some_and(|schemes| {
            !schemes.is_empty()
                && schemes
                    .iter()
                    .all(|scheme| scheme.as_object().is_some_and(|names| !names.is_empty()))
        });
        let summary = text(operation, "summary");
        Operation {
            anchor: anchor(&[method, path]),
            example: self.curl(path, method, needs_token, body.as_ref()),
            summary: if summary.is_empty() {
                text(operation, "operationId").replace('_', " ")
            } else {
                summary
            },
            description: paragraphs(operation),
            deprecated: flag(operation, "deprecated"),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            needs_token,
            parameters,
            body,
            responses,
        }
    }

    fn curl(&self, path: &str, method: &str, needs_token: bool, body: Option<&Body>) -> String {
        let server = array(self.document, "servers")
            .next()
            .map(|server| text(server, "url"))
            .unwrap_or_default();
        let mut call = format!("curl -X {} '{server}{path}'", method.to_ascii_uppercase());
        if needs_token {
            call.push_str(" \\\n  -H 'Authorization: Bearer TOKEN'");
        }
        if let Some(body) = body {
            call.push_str(" \\\n  -H 'Content-Type: ");
            call.push_str(&body.content_type);
            call.push('\'');
            if !body.example.is_empty() {
                call.push_str(" \\\n  -d '");
                call.push_str(&body.example.replace('\'', "'\\''"));
                call.push('\'');
            }
        }
        call
    }

    fn body(&self, holder: &Value) -> Option<Body> {
        let (content_type, media) = object(holder, "content").next()?;
        let schema = media.get("schema").unwrap_or(&Value::Null);
        let mut fields = Vec::new();
        self.fields(schema, "", 0, &mut fields);
        let example = media.get("example").cloned().unwrap_or_else(|| self.example(schema, 0));
        let example = match example {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => serde_json::to_string_pretty(&other).unwrap_or_default(),
        };
        Some(Body { content_type: content_type.clone(), kind: self.kind(schema), fields, example })
    }

    /// Follows `$ref`, at most a few times, so that a circle ends.
    fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value
    where
        'a: 'v,
    {
        let mut value = value;
        for _ in 0..8 {
            let Some(pointer) = value.get("$ref").and_then(Value::as_str) else {
                break;
            };
            match self.document.pointer(pointer.trim_start_matches('#')) {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }

    /// The one schema that matters when a schema is only a choice between it and `null`.
    fn unwrap<'v>(&'v self, schema: &'v Value) -> &'v Value
    where
        'a: 'v,
    {
        let schema = self.resolve(schema);
        for word in ["oneOf", "anyOf", "allOf"] {
            let mut choices = array(schema, word)
                .filter(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
            if let (Some(only), None) = (choices.next(), choices.next()) {
                return self.resolve(only);
            }
        }
        schema
    }

    /// The type of a schema in words.
    fn kind(&self, schema: &Value) -> String {
        let name = |schema: &Value| {
            schema
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|pointer| pointer.rsplit('/').next())
                .map(str::to_owned)
        };
        if let Some(name) = name(schema) {
            return name;
        }
        for word in ["oneOf", "anyOf", "allOf"] {
            let choices: Vec<String> =
                array(schema, word).map(|choice| self.kind(choice)).collect();
            if !choices.is_empty() {
                return choices.join(if word == "allOf" { " and " } else { " or " });
            }
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            return values.join(" | ");
        }
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        let base = match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
            }
            _ if schema.get("properties").is_some() => "object".to_owned(),
            _ => "any".to_owned(),
        };
        if base.starts_with("array") {
            let items = schema.get("items").map_or("any".to_owned(), |items| self.kind(items));
            return format!("array of {items}{}", base.trim_start_matches("array"));
        }
        match schema.get("format").and_then(Value::as_str) {
            Some(format) => format!("{base} ({format})"),
            None => base,
        }
    }

    /// What a schema says about its values, where nothing else describes them.
    fn remark(&self, schema: &Value) -> String {
        let own = text(schema, "description");
        if own.is_empty() { text(self.unwrap(schema), "description") } else { own }
    }

    fn fields(&self, schema: &Value, prefix: &str, depth: usize, into: &mut Vec<Field>) {
        if depth >= MAX_DEPTH || into.len() >= MAX_FIELDS {
            return;
        }
        let schema = self.unwrap(schema);
        if let Some(items) = schema.get("items") {
            self.fields(items, &format!("{prefix}[]"), depth + 1, into);
            return;
        }
        for part in array(schema, "allOf") {
            self.fields(part, prefix, depth + 1, into);
        }
        let required: Vec<&str> = array(schema, "required").filter_map(Value::as_str).collect();
        for (name, property) in object(schema, "properties") {
            let path = match prefix {
                "" => name.clone(),
                _ => format!("{prefix}.{name}"),
            };
            into.push(Field {
                name: path.clone(),
                place: String::new(),
                kind: self.kind(property),
                required: required.contains(&name.as_str()),
                description: Prose(self.remark(property)),
            });
            self.fields(property, &path, depth + 1, into);
        }
    }

    /// A value that fits a schema.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        let schema = self.unwrap(schema);
        if let Some(example) = schema
            .get("example")
            .or_else(|| array(schema, "examples").next())
            .or_else(|| schema.get("const"))
            .or_else(|| array(schema, "enum").next())
            .or_else(|| schema.get("default").filter(|value| !value.is_null()))
        {
            return example.clone();
        }
        if depth >= MAX_DEPTH {
            return Value::Null;
        }
        if let Some(choice) = array(schema, "oneOf").chain(array(schema, "anyOf")).next() {
            return self.example(choice, depth + 1);
        }
        let mut fields = Map::new();
        for part in array(schema, "allOf") {
            if let Value::Object(more) = self.example(part, depth + 1) {
                fields.extend(more);
            }
        }
        for (name, property) in object(schema, "properties") {
            fields.insert(name.clone(), self.example(property, depth + 1));
        }
        if !fields.is_empty() {
            return Value::Object(fields);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().find_map(Value::as_str).unwrap_or(""),
            Some(Value::String(kind)) => kind,
            _ => "",
        };
        match (kind, schema.get("format").and_then(Value::as_str)) {
            ("string", Some("date-time")) => json!("2026-01-31T12:00:00Z"),
            ("string", Some("email")) => json!("ada@example.com"),
            ("string", Some("uri")) => json!("https://example.com/"),
            ("string", _) => json!("string"),
            ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
            ("boolean", _) => json!(true),
            ("array", _) => match schema.get("items") {
                Some(items) => json!([self.example(items, depth + 1)]),
                None => json!([]),
            },
            ("object", _) => json!({}),
            _ => Value::Null,
        }
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn array<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn object<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn paragraphs(value: &Value) -> Vec<Prose> {
    text(value, "description")
        .split("\n\n")
        .map(|paragraph| paragraph.trim().to_owned())
        .filter(|paragraph| !paragraph.is_empty())
        .map(Prose)
        .collect()
}

/// A fragment from words: lower-case letters, digits and single hyphens.
fn anchor(words: &[&str]) -> String {
    let mut anchor = String::new();
    for letter in words.join("-").chars() {
        if letter.is_ascii_alphanumeric() {
            anchor.push(letter.to_ascii_lowercase());
        } else if !anchor.ends_with('-') {
            anchor.push('-');
        }
    }
    anchor.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": "Shop <API>", "version": "1.0", "description": "One.\n\nTwo."},
            "servers": [{"url": "https://shop.example"}],
            "tags": [{"name": "Carts", "description": "Baskets"}, {"name": "Unused"}],
            "paths": {
                "/api/v1/carts/{id}": {
                    "parameters": [{"name": "id", "in": "path", "required": true,
                        "schema": {"type": "string"}, "description": "Its \"id\""}],
                    "patch": {"tags": ["Carts"], "summary": "Change a cart",
                        "security": [{"bearer": []}],
                        "requestBody": {"content": {"application/json":
                            {"schema": {"$ref": "#/components/schemas/Node"}}}},
                        "responses": {"200": {"description": "The cart", "content":
                            {"application/json": {"schema": {"type": "array",
                                "items": {"$ref": "#/components/schemas/Node"}}}}},
                            "404": {"$ref": "#/components/responses/Missing"}}},
                    "get": {"responses": {}}
                }
            },
            "components": {
                "responses": {"Missing": {"description": "No such cart"}},
                "schemas": {"Node": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string", "description": "What it is called"},
                    "size": {"type": ["integer", "null"], "minimum": 3},
                    "child": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Node"}]}
                }}}
            }
        })
    }

    #[test]
    fn operations_are_grouped_and_references_followed_even_in_circles() {
        let page = ApiDocsPage::new(Layout::default(), &sample());
        let names: Vec<&str> = page.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["Carts", "Other"]);
        let patch = &page.groups[0].operations[0];
        assert!(patch.needs_token && patch.example.contains("Bearer"));
        assert_eq!(patch.parameters[0].name, "id");
        let body = patch.body.as_ref().unwrap();
        assert_eq!(body.kind, "Node");
        let field = |name: &str| body.fields.iter().find(|field| field.name == name).unwrap();
        assert!(field("name").required && !field("size").required);
        assert_eq!(field("child.child.name").description.0, "What it is called");
        assert!(body.fields.len() < 30);
        let example: Value = serde_json::from_str(&body.example).unwrap();
        assert_eq!(example["size"], 3);
        assert_eq!(patch.responses[1].description.0, "No such cart");
        assert_eq!(patch.responses[0].body.as_ref().unwrap().kind, "array of Node");

        let html = page.render();
        assert!(html.contains("Shop &#60;API&#62;") || html.contains("Shop &lt;API&gt;"));
        assert!(html.contains("id=\"patch-api-v1-carts-id\""));
        assert!(!html.contains("Unused"));
    }

    #[test]
    fn backticks_are_code_and_everything_is_escaped() {
        let shown = |text: &str| Prose(text.to_owned()).to_string();
        assert_eq!(
            shown("Give `q=<b>` or `x`."),
            "Give <code>q=&lt;b&gt;</code> or <code>x</code>."
        );
        assert_eq!(shown("<script>'\"&"), "&lt;script&gt;&#39;&#34;&amp;");
        assert_eq!(shown("one `tick <"), "one `tick &lt;");
        assert_eq!(shown("`a` and `b"), "<code>a</code> and `b");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn a_document_that_says_nothing_gives_a_page() {
        for document in [json!(null), json!([]), json!({"paths": {"/": {"get": 3}}, "tags": "x"})] {
            let html = ApiDocsPage::new(Layout::default(), &document).render();
            assert!(html.contains("</html>"));
        }
    }
}
