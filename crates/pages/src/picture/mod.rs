//! Pictures for products and categories that have none: drawings that suit the thing, coloured
//! from its name. The same words always give the same picture.

mod motifs;
mod palette;

use std::collections::HashMap;
use std::sync::LazyLock;

use motifs::{GENERAL, GENERIC, MOTIFS, Motif, WORDS};
use palette::{Palette, Rgb};

use crate::assets::fnv1a;

/// Longer titles are cut: what follows says no more about the picture.
const TITLE_CHARS: usize = 160;

static BY_WORD: LazyLock<HashMap<&'static str, &'static Motif>> = LazyLock::new(|| index(WORDS));
static BY_DEPARTMENT: LazyLock<HashMap<&'static str, &'static Motif>> =
    LazyLock::new(|| index(GENERAL));

/// Maps each word to its drawing; two words that belong together are joined by `_`.
fn index(table: &'static [(&'static str, &'static str)]) -> HashMap<&'static str, &'static Motif> {
    let mut index = HashMap::new();
    for (name, words) in table {
        let motif = MOTIFS.iter().find(|motif| motif.0 == *name).unwrap_or(&GENERIC);
        for word in words.split(' ') {
            index.insert(word, motif);
        }
    }
    index
}

/// A picture of a product: an SVG of 400 by 400 that draws what its title or its category names,
/// root first in `category_path`. A colour in `variant_hint` (`Black / M`) or in the title tints
/// the object.
pub fn svg(title: &str, category_path: &[&str], variant_hint: Option<&str>) -> String {
    let title: String = title.chars().take(TITLE_CHARS).collect();
    let words = words_of(&title);
    let motif = motif_of(&words, &title, category_path);
    let hint = variant_hint.and_then(|hint| colour_in(&words_of(hint)));
    let tint = hint.or_else(|| colour_in(&words));
    let hash = spread(fnv1a(title.as_bytes()));
    let colours = Palette::new(hash, tint);
    draw(&title, motif, &colours, Backdrop::of(hash))
}

/// A picture of a category.
pub fn category_svg(handle: &str, name: &str) -> String {
    let name: String = name.chars().take(TITLE_CHARS).collect();
    let motif = motif_of(&words_of(&name), &name, &[handle]);
    let colours = Palette::new(spread(fnv1a(handle.as_bytes())), None);
    draw(&name, motif, &colours, Backdrop::Plain)
}

/// The colour a label names, as CSS, for swatches beside options.
pub fn colour_of(label: &str) -> Option<&'static str> {
    palette::css_of(label)
}

/// One word for each drawing, to show them all.
pub fn examples() -> impl Iterator<Item = &'static str> {
    WORDS
        .iter()
        .filter_map(|(_, words)| words.split(' ').find(|word| !word.contains('_')).or(Some("box")))
}

#[derive(Clone, Copy)]
enum Backdrop {
    Plain,
    Circle,
    Arch,
    Floor,
}

impl Backdrop {
    fn of(hash: u64) -> Self {
        match (hash >> 32) % 4 {
            0 => Self::Circle,
            1 => Self::Floor,
            _ => Self::Arch,
        }
    }

    const fn shape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Circle => "<circle cx='200' cy='196' r='164' fill='",
            Self::Arch => "<path d='M44 400V196a156 156 0 0 1 312 0v204z' fill='",
            Self::Floor => "<path d='M0 282h400v118H0z' fill='",
        }
    }
}

fn draw(title: &str, motif: &Motif, colours: &Palette, backdrop: Backdrop) -> String {
    let (_, shadow, shapes) = *motif;
    let mut svg = String::with_capacity(shapes.len() + title.len() + 700);
    svg.push_str(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 400\" role=\"img\"><title>",
    );
    escape(title, &mut svg);
    svg.push_str("</title><path d='M0 0h400v400H0z' fill='");
    colours.background.push_to(&mut svg);
    svg.push_str("'/>");
    if !backdrop.shape().is_empty() {
        svg.push_str(backdrop.shape());
        colours.glow.push_to(&mut svg);
        svg.push_str("'/>");
    }
    if shadow > 0 {
        svg.push_str("<ellipse cx='200' cy='306' rx='");
        svg.push_str(&(shadow + 14).to_string());
        svg.push_str("' ry='11' fill='");
        colours.shadow.push_to(&mut svg);
        svg.push_str("'/>");
    }
    let mut letters = shapes.split('@');
    svg.push_str(letters.next().unwrap_or_default());
    for piece in letters {
        let mut rest = piece.chars();
        colours.of(rest.next().unwrap_or('k')).push_to(&mut svg);
        svg.push_str(rest.as_str());
    }
    svg.push_str("</svg>");
    svg
}

/// Writes text into XML; characters that XML forbids are left out.
fn escape(text: &str, into: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            '\t' | '\n' | '\r' => into.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => into.push(other),
        }
    }
}

/// FNV's low bits follow the last letters closely; this spreads them over all bits.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53) ^ (hash >> 29)
}

fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '\''))
        .map(|word| word.trim_matches(['-', '\'']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn colour_in(words: &[String]) -> Option<Rgb> {
    words.iter().rev().find_map(|word| palette::named(word))
}

/// What a title is about comes before these: `Backpack for laptops`, `Mug with lid`.
const CUTS: [&str; 11] =
    [" for ", " in ", " with ", " w/", " from ", " - ", ",", "(", ";", ":", "|"];

/// How many words a short title has.
const SHORT_TITLE: usize = 5;

/// Categories with such words hold many kinds of things, so titles say more.
const MIXED: [&str; 8] =
    ["accessories", "supplies", "parts", "other", "misc", "consumables", "components", "sets"];

fn motif_of(words: &[String], title: &str, category_path: &[&str]) -> &'static Motif {
    let lower = title.to_lowercase();
    let end = CUTS
        .iter()
        .filter_map(|cut| lower.find(cut))
        .filter(|end| *end > 0)
        .min()
        .unwrap_or(lower.len());
    let head = lower.get(..end).unwrap_or(&lower);
    // English names the thing last: in a coffee table it is the table.
    let head = words_of(head);
    let by_title = matches(&head, &BY_WORD).pop().or_else(|| matches(words, &BY_WORD).pop());
    // A short title ends with the name of the thing; a long one lists its parts.
    let named_last = head.len() <= SHORT_TITLE
        && !matches(head.split_at(head.len().saturating_sub(2)).1, &BY_WORD).is_empty();

    for handle in category_path.iter().rev() {
        let parts: Vec<String> = handle.split('-').map(str::to_owned).collect();
        let candidates = matches(&parts, &BY_WORD);
        let Some(by_category) = candidates.last() else {
            continue;
        };
        let mixed = parts.iter().any(|part| MIXED.contains(&part.as_str()));
        return match by_title {
            Some(named)
                if mixed || named_last || candidates.iter().any(|motif| motif.0 == named.0) =>
            {
                named
            }
            _ => by_category,
        };
    }
    by_title
        .or_else(|| {
            category_path.iter().rev().find_map(|handle| {
                let parts: Vec<String> = handle.split('-').map(str::to_owned).collect();
                matches(&parts, &BY_DEPARTMENT).pop()
            })
        })
        .unwrap_or(&GENERIC)
}

/// The drawings that words call for, in their order; two words together before one alone.
fn matches(words: &[String], index: &HashMap<&'static str, &'static Motif>) -> Vec<&'static Motif> {
    let mut found = Vec::new();
    let mut before: Option<&String> = None;
    for word in words {
        let pair = before.and_then(|first| {
            singulars(word).find_map(|second| index.get(format!("{first}_{second}").as_str()))
        });
        let single = || singulars(word).find_map(|word| index.get(word));
        if let Some(motif) = pair.or_else(single) {
            found.push(*motif);
        }
        before = Some(word);
    }
    found
}

/// The word, and what it may be the plural of.
fn singulars(word: &str) -> impl Iterator<Item = &str> {
    [Some(word), word.strip_suffix('s'), word.strip_suffix("es")]
        .into_iter()
        .flatten()
        .filter(|word| word.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(title: &str, path: &[&str]) -> &'static str {
        motif_of(&words_of(title), title, path).0
    }

    #[test]
    fn every_drawing_is_reachable_and_every_word_has_one() {
        assert!(MOTIFS.len() >= 40);
        for (name, _, shapes) in MOTIFS {
            assert!(WORDS.iter().any(|(to, _)| to == name), "{name} has no words");
            assert!(shapes.len() < 2000, "{name} is {} bytes", shapes.len());
        }
        for (name, _) in WORDS.iter().chain(GENERAL) {
            assert!(
                *name == GENERIC.0 || MOTIFS.iter().any(|motif| motif.0 == *name),
                "{name} is not drawn"
            );
        }
        let mut seen = std::collections::HashSet::new();
        for word in WORDS.iter().flat_map(|(_, words)| words.split(' ')) {
            assert!(seen.insert(word), "{word} is listed twice");
        }
    }

    #[test]
    fn the_thing_named_last_before_a_qualifier_is_drawn() {
        assert_eq!(drawn("Oak coffee table", &[]), "table");
        assert_eq!(drawn("Brass table lamp with linen shade", &[]), "lamp");
        assert_eq!(drawn("Laptop backpack for 15.6 inch notebooks, black", &[]), "backpack");
        assert_eq!(drawn("Kitchen knives", &[]), "knife");
        assert_eq!(drawn("HP 301 Black Ink Cartridge", &["supplies"]), "cartridge");
        assert_eq!(drawn("EliteBook 840 Intel Core i5 256 GB SSD", &["laptops"]), "laptop");
        assert_eq!(drawn("Nightjar", &["home", "table-lamps"]), "lamp");
        assert_eq!(drawn("LX 200", &["printers-and-scanners"]), "scanner");
        assert_eq!(drawn("LX 200 printer", &["printers-and-scanners"]), "printer");
        assert_eq!(drawn("Rubber plant in terracotta pot", &["plants"]), "plant");
        assert_eq!(drawn("15.6 in gaming laptop", &[]), "laptop");
        assert_eq!(drawn("Fjord Wool Beanie, Rust", &["hats"]), "beanie");
        assert_eq!(drawn("Qwx", &["kitchen"]), "pot");
        assert_eq!(drawn("Qwx", &[]), "box");
    }

    #[test]
    fn the_same_words_give_the_same_picture_and_colours_tint_it() {
        let plain = svg("Harbour mug", &["mugs"], None);
        assert_eq!(plain, svg("Harbour mug", &["mugs"], None));
        let black = svg("Harbour mug", &["mugs"], Some("Black / 350 ml"));
        assert!(black.contains("#2b302f") && !plain.contains("#2b302f"));
        assert!(svg("Harbour mug cyan", &[], None).contains("#12a5cc"));
        assert_eq!(colour_of("Midnight Blue"), Some("#2f63b0"));
        assert_eq!(colour_of("Large"), None);
    }

    #[test]
    fn odd_titles_give_small_well_formed_pictures() {
        let long = "<é&\"' ".repeat(10_000);
        for title in
            ["", "<script>alert('1')</script>", "a\u{0}b\u{b}\u{ffff}", "((,,", &long, "İ for x"]
        {
            let picture = svg(title, &["", "-", "ü"], Some("<>"));
            assert!(picture.len() < 4096, "{} bytes", picture.len());
            let inner = picture
                .split_once("<title>")
                .and_then(|(_, rest)| rest.split_once("</title>"))
                .unwrap()
                .0;
            assert!(!inner.contains(['<', '>', '"', '\u{0}', '\u{b}', '\u{ffff}']));
        }
    }

    #[test]
    fn every_drawing_is_small_and_its_elements_are_closed() {
        for motif in MOTIFS.iter().chain([&GENERIC]) {
            let picture = draw("x", motif, &Palette::new(7, None), Backdrop::Arch);
            assert!(picture.len() < 4096, "{} is {} bytes", motif.0, picture.len());
            assert!(!picture.contains('@'));
            let mut open: Vec<&str> = Vec::new();
            for tag in picture.split('<').skip(1) {
                let (tag, _) = tag.split_once('>').unwrap();
                assert!(tag.matches('\'').count().is_multiple_of(2), "{}: {tag}", motif.0);
                if let Some(name) = tag.strip_prefix('/') {
                    assert_eq!(open.pop(), Some(name), "{}", motif.0);
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap());
                }
            }
            assert!(open.is_empty(), "{}: {open:?}", motif.0);
        }
    }
}
