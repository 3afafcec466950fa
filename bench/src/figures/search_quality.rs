//! The order of results against human judgments, measured by the program of its own that works
//! on the search without a shop.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::Options;
use crate::report::{Figure, Section};

/// Runs `search_quality` and takes over its two figures with a target.
pub(crate) fn measure(options: &Options) -> Result<Section> {
    eprintln!("search quality");
    let output = Command::new("cargo")
        .args(["run", "--release", "--locked", "-p", "stoa-bench"])
        .args(["--bin", "search_quality", "--", "--seconds", "2", "--data"])
        .arg(std::path::absolute(&options.data)?)
        .current_dir(&options.root)
        .stderr(Stdio::inherit())
        .output()
        .context("running search_quality")?;
    // It ends with an error when a target is missed, which the figures below show as well.
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name, label, target| -> Result<Figure> {
        let score = score(&text, label)
            .with_context(|| format!("search_quality printed no `{label}`: {text}"))?;
        Ok(Figure::at_least(name, target, score, "").on_any_machine())
    };
    Ok(Section {
        name: "search-quality",
        title: "Search quality",
        figures: vec![
            figure("nDCG@10, queries as typed", "nDCG@10 clean", 0.77)?,
            figure("nDCG@10, one typo in the longest word", "nDCG@10 with one error", 0.70)?,
        ],
        details: Vec::new(),
    })
}

/// The number after a label at the beginning of a line.
fn score(text: &str, label: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn scores_are_read_from_their_lines() {
        let text =
            "12 products\nnDCG@10 clean                0.8123 (target 0.77)\nnDCG@10 Swap 0.7\n";
        assert_eq!(score(text, "nDCG@10 clean"), Some(0.8123));
        assert_eq!(score(text, "nDCG@10 with one error"), None);
    }
}
