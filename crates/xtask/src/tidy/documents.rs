//! Rules about documents: links lead somewhere, and every error code, setting, metric and
//! migration is described, and none that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::workspace::Workspace;

const ERRORS: &str = "docs/api/errors.md";
const REFUSALS: &str = "crates/domain/src/refusal.rs";
const CONFIGURATION: &str = "docs/operations/configuration.md";
const SETTINGS: &str = "crates/stoa/config.default.toml";
const MONITORING: &str = "docs/operations/monitoring.md";
const POSTGRES: &str = "docs/operations/postgresql.md";
const METRICS: &str = "crates/web/src/metrics.rs";

/// Every broken rule.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn faults(workspace: &Workspace, files: &[String]) -> anyhow::Result<Vec<String>> {
    let mut faults = links(workspace, files)?;
    let mut codes = refusal_codes(&workspace.read(REFUSALS)?);
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        if file.starts_with("crates/web/src/") || file.starts_with("crates/app/src/") {
            codes.extend(problem_codes(&workspace.read(file)?));
        }
    }
    faults.extend(compare("code", &codes, ERRORS, &headings(&workspace.read(ERRORS)?)));
    let defaults = workspace.read(SETTINGS)?;
    let mut settings = settings(&defaults);
    let described = first_cells(&workspace.read(CONFIGURATION)?);
    // A setting without a default is only named by a comment there.
    settings.extend(described.iter().filter(|name| is_commented(&defaults, name)).cloned());
    faults.extend(compare("setting", &settings, CONFIGURATION, &described));
    let metrics = metrics(&workspace.read(METRICS)?);
    let mut described = first_cells(&workspace.read(MONITORING)?);
    described.retain(|name| name.starts_with("stoa_"));
    faults.extend(compare("metric", &metrics, MONITORING, &described));
    let migrations = files.iter().filter_map(|file| {
        Some(file.strip_prefix("migrations/postgres/")?.strip_suffix(".sql")?.to_owned())
    });
    let mut described = first_cells(&workspace.read(POSTGRES)?);
    described.retain(|name| name.starts_with(|first: char| first.is_ascii_digit()));
    faults.extend(compare("locks of migration", &migrations.collect(), POSTGRES, &described));
    Ok(faults)
}

fn compare(
    what: &str,
    there: &BTreeSet<String>,
    document: &str,
    described: &BTreeSet<String>,
) -> Vec<String> {
    let missing = there.difference(described);
    let invented = described.difference(there);
    missing
        .map(|name| format!("{document} does not describe the {what} `{name}`"))
        .chain(invented.map(|name| format!("{document} describes `{name}`, which is no {what}")))
        .collect()
}

/// The codes of `Refusal::code`: the arms of its match.
fn refusal_codes(source: &str) -> BTreeSet<String> {
    let body = source.split_once("fn code(").map_or("", |(_, body)| body);
    let body = body.split_once("\n    }").map_or("", |(body, _)| body);
    body.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).map(own).collect()
}

/// The codes that are given to `Problem::new` and its like: the literal after the status.
fn problem_codes(source: &str) -> BTreeSet<String> {
    source
        .split("::new(")
        .skip(1)
        .filter_map(|call| {
            let (status, rest) = call.split_once(',')?;
            let status = status.trim();
            let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit())
                || status == "status";
            let code = rest.trim_start().strip_prefix('"')?.split('"').next()?;
            (is_status && is_word(code)).then(|| code.to_owned())
        })
        .collect()
}

/// What the headings of the second level name in backticks.
fn headings(document: &str) -> BTreeSet<String> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'))
        .map(own)
        .collect()
}

/// What the first cells of tables name in backticks.
fn first_cells(document: &str) -> BTreeSet<String> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(own)
        .collect()
}

/// Every setting of the file of defaults, with its section.
fn settings(toml: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut settings = BTreeSet::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        } else if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| is_word(name)) {
            settings.insert(format!("{section}.{name}"));
        }
    }
    settings
}

/// Whether a comment names the last part of a setting.
fn is_commented(toml: &str, setting: &str) -> bool {
    let name = setting.rsplit('.').next().unwrap_or_default();
    let name = format!("`{name}`");
    toml.lines().any(|line| line.starts_with('#') && line.contains(&name))
}

/// Every name in the page of metrics, as Prometheus shows it without ending and with our prefix.
fn metrics(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split('"')
        .skip(1)
        .step_by(2)
        .filter(|literal| is_word(literal) && literal.contains('_') && !literal.starts_with('_'))
        .map(|literal| format!("stoa_{literal}"))
        .collect()
}

fn own(text: &str) -> String {
    text.to_owned()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Links between files that lead nowhere, or to a heading that is not there.
fn links(workspace: &Workspace, files: &[String]) -> anyhow::Result<Vec<String>> {
    let mut anchors: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut texts = Vec::new();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        let text = workspace.read(file)?;
        anchors.insert(file, anchors_of(&text));
        texts.push((file.as_str(), text));
    }
    let known: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut faults = Vec::new();
    for (file, text) in &texts {
        for link in links_of(text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let to = if path.is_empty() { (*file).to_owned() } else { beside(file, path) };
            let is_folder = known.iter().any(|known| {
                known.strip_prefix(to.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            if !known.contains(to.as_str()) && !is_folder {
                faults.push(format!("{file} links to {link}, which is not there"));
            } else if !anchor.is_empty()
                && anchors.get(to.as_str()).is_some_and(|known| !known.contains(anchor))
            {
                faults.push(format!("{file} links to {link}, where no such heading is"));
            }
        }
    }
    Ok(faults)
}

/// Lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Where the links of a document to files lead.
fn links_of(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split(' ').next().unwrap_or_default())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The names by which headings are linked to: lower case, words joined by hyphens.
fn anchors_of(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter_map(|line| {
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        })
        .map(|title| {
            title
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// A path relative to the folder of a file, relative to the root.
fn beside(file: &str, path: &str) -> String {
    let mut joined = PathBuf::new();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                joined.pop();
            }
            Component::Normal(name) => joined.push(name),
            _ => {}
        }
    }
    joined.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn codes_are_read_from_the_sources() {
        let refusal = "fn code(&self) {\n  Self::A => \"one\",\n  Self::B { .. } => \"two\",\n    }\n\
            fn other() { X => \"three\" }";
        assert_eq!(refusal_codes(refusal), set(&["one", "two"]));
        let web = "ApiError::new(413, \"too_large\", x); Problem::new(\n 404,\n \"not_found\",\n \
            y); Row::new(12, \"no\"); Foo::new(503, &x)";
        assert_eq!(problem_codes(web), set(&["too_large", "not_found"]));
    }

    #[test]
    fn settings_and_metrics_are_read_from_their_sources() {
        let toml = "# a = 1\n[shop]\nname = \"x\"\n[[tax]]\ncountry = \"DE\"\n";
        assert_eq!(settings(toml), set(&["shop.name", "tax.country"]));
        assert!(is_commented("# or by `amount`", "discounts.amount"));
        assert!(!is_commented("amount = `amount`", "discounts.amount"));
        let source = "(\"engine_batches_total\", \"counter\"), \"stoa\", \"_total\"";
        assert_eq!(metrics(source), set(&["stoa_engine_batches_total"]));
    }

    #[test]
    fn what_is_missing_or_invented_is_named() {
        let faults = compare("code", &set(&["a", "b"]), "x.md", &set(&["b", "c"]));
        assert_eq!(
            faults,
            ["x.md does not describe the code `a`", "x.md describes `c`, which is no code"]
        );
    }

    #[test]
    fn links_and_headings_are_read() {
        let text =
            "# The *one* idea\n[a](b.md#c) ![d](e.png \"t\") [f](https://g)\n```\n[h](i)\n```";
        assert_eq!(links_of(text), ["b.md#c", "e.png"]);
        assert_eq!(anchors_of(text), set(&["the-one-idea"]));
        assert_eq!(beside("docs/api/errors.md", "../../README.md"), "README.md");
    }
}
