//! Which crate may depend on which.

use serde_json::Value;

/// Every crate and the crates of the workspace it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("stoa-kernel", &[]),
    ("stoa-domain", &["stoa-kernel"]),
    ("stoa-ports", &["stoa-kernel", "stoa-domain"]),
    ("stoa-sql", &["stoa-kernel"]),
    ("stoa-app", &["stoa-kernel", "stoa-domain", "stoa-ports", "stoa-sql"]),
    ("stoa-embedded", &["stoa-kernel", "stoa-domain", "stoa-ports"]),
    ("stoa-redis", &["stoa-ports"]),
    ("stoa-pages", &["stoa-kernel"]),
    ("stoa-web", &["stoa-kernel", "stoa-domain", "stoa-ports", "stoa-app", "stoa-pages"]),
    (
        "stoa",
        &[
            "stoa-kernel",
            "stoa-domain",
            "stoa-ports",
            "stoa-sql",
            "stoa-app",
            "stoa-embedded",
            "stoa-redis",
            "stoa-web",
            "stoa-rabbitmq",
            "stoa-smtp",
            "stoa-webhook-http",
        ],
    ),
    ("stoa-rabbitmq", &["stoa-kernel", "stoa-ports"]),
    ("stoa-smtp", &["stoa-kernel", "stoa-ports"]),
    ("stoa-webhook-http", &["stoa-kernel", "stoa-ports"]),
    ("stoa-test-stores", &["stoa-sql"]),
    ("stoa-testkit", &["stoa-kernel", "stoa-domain", "stoa-ports", "stoa-sql", "stoa-app"]),
    (
        // Measures the parts as well as the whole.
        "stoa-bench",
        &[
            "stoa-kernel",
            "stoa-domain",
            "stoa-ports",
            "stoa-sql",
            "stoa-app",
            "stoa-embedded",
            "stoa-test-stores",
        ],
    ),
    ("stoa-xtask", &[]),
];

/// What any crate may know in its tests.
const IN_TESTS: &[&str] =
    &["stoa-app", "stoa-embedded", "stoa-sql", "stoa-test-stores", "stoa-testkit"];

/// Every outside crate that these may know: what is pure must stay pure.
const PURE: &[(&str, &[&str])] = &[
    ("stoa-kernel", &["jiff", "schemars", "serde", "serde_json", "sha2", "thiserror", "uuid"]),
    ("stoa-domain", &["serde", "serde_json", "thiserror"]),
    ("stoa-pages", &["askama", "serde_json"]),
];

/// Outside crates that belong behind one crate's door.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["stoa-sql"]),
    ("tokio-postgres", &["stoa-sql"]),
    ("tantivy", &["stoa-embedded"]),
    ("redis", &["stoa-redis"]),
    ("askama", &["stoa-pages"]),
    ("lapin", &["stoa-rabbitmq"]),
    ("lettre", &["stoa-smtp"]),
    ("minijinja", &["stoa-app"]),
    ("axum", &["stoa-web", "stoa", "stoa-bench"]),
];

/// Every dependency that is not allowed.
pub(crate) fn faults(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let empty = Vec::new();
    let packages = metadata.get("packages").and_then(Value::as_array).unwrap_or(&empty);
    for package in packages {
        let name = text(package, "name");
        let Some((_, may_know)) = MAY_KNOW.iter().find(|(known, _)| *known == name) else {
            faults.push(format!("{name} is not in the list of crates in xtask/src/tidy/edges.rs"));
            continue;
        };
        let dependencies = package.get("dependencies").and_then(Value::as_array).unwrap_or(&empty);
        for dependency in dependencies {
            let other = text(dependency, "name");
            let in_tests = text(dependency, "kind") == "dev";
            let ours = dependency.get("path").is_some_and(Value::is_string);
            if ours {
                let allowed = may_know.contains(&other) || (in_tests && IN_TESTS.contains(&other));
                if !allowed {
                    faults.push(format!("{name} must not depend on {other}"));
                }
                continue;
            }
            if in_tests {
                continue;
            }
            let pure = PURE.iter().find(|(known, _)| *known == name);
            if pure.is_some_and(|(_, allowed)| !allowed.contains(&other)) {
                faults.push(format!("{name} is pure and must not depend on {other}"));
            }
            let door = ONLY_IN.iter().find(|(known, _)| *known == other);
            if let Some((_, doors)) = door.filter(|(_, doors)| !doors.contains(&name)) {
                faults.push(format!("{name} must not depend on {other}; {} may", doors.join(", ")));
            }
        }
    }
    faults
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &Value) -> Value {
        json!({ "packages": [{ "name": name, "dependencies": dependencies }] })
    }

    #[test]
    fn wrong_edges_are_found() {
        let up = json!([{ "name": "stoa-app", "path": "x", "kind": null }]);
        assert_eq!(
            faults(&package("stoa-domain", &up)),
            ["stoa-domain must not depend on stoa-app"]
        );
        let test = json!([{ "name": "stoa-embedded", "path": "x", "kind": "dev" }]);
        assert!(faults(&package("stoa-web", &test)).is_empty());
        let real = json!([{ "name": "stoa-embedded", "path": "x", "kind": null }]);
        assert_eq!(faults(&package("stoa-web", &real)).len(), 1);
        let impure = json!([{ "name": "tokio", "kind": null }]);
        assert_eq!(faults(&package("stoa-domain", &impure)).len(), 1);
        let door = json!([{ "name": "rusqlite", "kind": null }]);
        assert_eq!(faults(&package("stoa-app", &door)).len(), 1);
        assert_eq!(faults(&package("stoa-new", &json!([]))).len(), 1);
    }
}
