//! Rules about source files: their first line, where SQL is, the two migration folders, no paths
//! of somebody's machine.

use crate::workspace::Workspace;

/// Files of `stoa-app` that hold SQL beside the `store.rs` of each concept.
const SQL_PAGES: &[&str] = &[
    "crates/app/src/event_log.rs",
    "crates/app/src/idempotency.rs",
    "crates/app/src/installation.rs",
    "crates/app/src/job.rs",
    "crates/app/src/order/lookup.rs",
];

/// How a statement begins.
const STATEMENTS: &[&str] = &["select", "insert into", "update", "delete from", "create table"];

/// Folders that exist on somebody's machine only.
const MACHINE_FOLDERS: &[&str] = &["/root", "/home", "/work", "/Users"];

/// Every broken rule.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn faults(workspace: &Workspace, files: &[String]) -> anyhow::Result<Vec<String>> {
    let mut faults = migrations(files);
    for file in files {
        if is_binary(file) {
            continue;
        }
        let text = workspace.read(file)?;
        if file.ends_with(".rs") {
            let says = text.starts_with("//!") || text.starts_with("#![doc");
            // The tests of a file, moved beside it, are for what the file is for.
            if !says && !file.ends_with("/tests.rs") {
                faults.push(format!("{file} does not begin with what it is for (`//! ...`)"));
            }
            if !may_hold_sql(file) {
                faults.extend(sql(file, &text));
            }
        }
        if file != "Cargo.lock" && file != "LICENSE" && !file.ends_with("package-lock.json") {
            faults.extend(machine_paths(file, &text));
        }
    }
    Ok(faults)
}

fn is_binary(file: &str) -> bool {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "png" | "jpg" | "webp" | "ico" | "woff2" | "gz" | "zst" | "db")
}

fn may_hold_sql(file: &str) -> bool {
    // Tests of the whole look into the database from outside.
    file.starts_with("crates/sql/")
        // Measures bare statements beside the shop.
        || file.starts_with("bench/")
        || file.contains("/tests/")
        || (file.starts_with("crates/app/src/") && file.ends_with("/store.rs"))
        || SQL_PAGES.contains(&file)
}

/// Literals that begin like a statement, and uses of the facade's constructors.
fn sql(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("//") {
            continue;
        }
        let lower = line.to_lowercase();
        let statement = lower.split('"').skip(1).step_by(2).any(|literal| {
            STATEMENTS.iter().any(|begin| {
                let rest = literal.strip_prefix(begin).and_then(|rest| rest.strip_prefix(' '));
                rest.is_some_and(|rest| *begin != "update" || rest.contains(" set "))
                    && (*begin != "select" || literal.contains(" from "))
            })
        });
        if statement || line.contains(concat!("sql", "!(")) {
            faults.push(format!("{file}:{}: SQL outside of a store", number + 1));
        }
    }
    faults
}

/// Mentions of folders that only exist where somebody wrote this.
fn machine_paths(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let found = line.match_indices(folder).any(|(at, _)| {
                let before = line.get(..at).and_then(|text| text.chars().next_back());
                let after = line.get(at + folder.len()..).unwrap_or_default();
                // Part of a longer path or of an address is something else.
                let begins = before.is_none_or(|c| " \"'`(=[:".contains(c));
                begins
                    && after.strip_prefix('/').is_some_and(|rest| {
                        rest.trim_start_matches(is_name).starts_with('/')
                            && rest.starts_with(is_name)
                    })
            });
            if found {
                faults.push(format!("{file}:{}: a path of somebody's machine", number + 1));
            }
        }
    }
    faults
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

fn migrations(files: &[String]) -> Vec<String> {
    let names = |folder: &str| -> Vec<&str> {
        files.iter().filter_map(|file| file.strip_prefix(folder)).collect()
    };
    let (sqlite, postgres) = (names("migrations/sqlite/"), names("migrations/postgres/"));
    if sqlite.is_empty() || sqlite != postgres {
        return vec![format!("the migrations differ: SQLite {sqlite:?}, PostgreSQL {postgres:?}")];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_is_found_and_prose_is_not() {
        let statement = concat!("let x = \"sel", "ect id from carts\";");
        assert_eq!(sql("a.rs", statement).len(), 1);
        assert_eq!(sql("a.rs", concat!("\"upd", "ate carts set x = 1\"")).len(), 1);
        assert!(sql("a.rs", "\"update the cart\"").is_empty());
        assert!(sql("a.rs", "\"select a variant\"").is_empty());
    }

    #[test]
    fn paths_of_machines_are_found_and_addresses_are_not() {
        let folder = MACHINE_FOLDERS[1];
        assert_eq!(machine_paths("a", &format!("cd {folder}/me/x")).len(), 1);
        assert!(machine_paths("a", &format!("https://example.com{folder}/me/x")).is_empty());
        assert!(machine_paths("a", &format!("/c{folder}/lamps/x")).is_empty());
    }

    #[test]
    fn migrations_must_be_the_same() {
        let files = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(
            migrations(&files(&["migrations/postgres/1.sql", "migrations/sqlite/1.sql"]))
                .is_empty()
        );
        assert_eq!(migrations(&files(&["migrations/sqlite/1.sql"])).len(), 1);
    }
}
