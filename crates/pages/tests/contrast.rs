//! The colours of `base.css` can be told apart, in light and in dark (WCAG 2.2 AA).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;

type Tokens = BTreeMap<String, [f64; 3]>;

fn tokens(block: &str) -> Tokens {
    block
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
            let hex = u32::from_str_radix(value.strip_suffix(';')?, 16).ok()?;
            let [_, red, green, blue] = hex.to_be_bytes();
            Some((name.to_owned(), [red, green, blue].map(f64::from)))
        })
        .collect()
}

fn schemes() -> [(&'static str, Tokens); 2] {
    let css =
        String::from_utf8(stoa_pages::assets::get("base.css").unwrap().bytes.to_vec()).unwrap();
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (dark, _) = rest.split_once("/* Reset */").unwrap();
    [("light", tokens(light)), ("dark", tokens(dark))]
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = part / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn black_on_white_is_21_to_1() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 0.01);
    assert!((contrast([119.0; 3], [255.0; 3]) - 4.48).abs() < 0.01);
}

#[test]
fn text_stands_out_from_what_is_behind_it() {
    let mut pairs = vec![
        ("on-primary", "primary"),
        ("on-primary", "primary-hover"),
        ("on-accent", "accent"),
        ("on-accent", "accent-hover"),
        ("on-stage", "stage"),
        ("on-stage-muted", "stage"),
        ("ok", "ok-bg"),
        ("warn", "warn-bg"),
        ("bad", "bad-bg"),
        ("info", "info-bg"),
    ];
    for text in ["text", "muted", "link"] {
        pairs.extend(["bg", "surface", "sunken"].map(|behind| (text, behind)));
    }
    for text in ["ok", "warn", "bad", "sale"] {
        pairs.extend(["bg", "surface"].map(|behind| (text, behind)));
    }
    for (scheme, tokens) in schemes() {
        for (text, behind) in &pairs {
            let ratio = contrast(tokens[*text], tokens[*behind]);
            assert!(ratio >= 4.5, "{scheme}: {text} on {behind} is {ratio:.2} to 1");
        }
    }
}

#[test]
fn borders_and_focus_rings_can_be_seen() {
    for (scheme, tokens) in schemes() {
        for (mark, behind) in [
            ("line-strong", "surface"),
            ("line-strong", "bg"),
            ("focus", "bg"),
            ("focus", "surface"),
            ("focus", "sunken"),
            ("accent", "stage"),
        ] {
            let ratio = contrast(tokens[mark], tokens[behind]);
            assert!(ratio >= 3.0, "{scheme}: {mark} on {behind} is {ratio:.2} to 1");
        }
    }
}
