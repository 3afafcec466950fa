//! Which shelf a product belongs on, derived from what its data says it is.
//!
//! The Icecat data has no categories. The rule, in order; the first that answers wins:
//!
//! 1. the product-type attribute, looked up in the table of phrases (`shelves.txt`);
//! 2. a signature of attributes that only one kind of thing has, e.g. a processor's package size;
//! 3. plain phrases in the head of the title (before the first comma, ` - `, parenthesis, `for`,
//!    `with` ...), then in its whole first clause, then in the head of the short description;
//! 4. weaker signatures, e.g. a toner's page yield;
//! 5. weak phrases (words that are as often an adjective, such as `memory` or `usb`) in the same
//!    places and in the type attribute, then the weakest;
//! 6. any phrase anywhere in title and description;
//! 7. `Other`.
//!
//! Within one text the longest phrase wins, and of equally long ones the last, because English puts
//! the head noun last.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The shelf of what nothing is known of.
pub const OTHER: &str = "Other";

/// What is known of a product.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Its brand, which says nothing about what it is (`Cooler Master` makes keyboards too).
    pub brand: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its short description.
    pub description: &'a str,
    /// Its product type, in the merchant's words.
    pub product_type: &'a str,
    /// Its type attribute, which may say anything (`Original`, `CD-R`, `On-site`).
    pub kind: &'a str,
    /// Whether it has an attribute of this key.
    pub has: &'a dyn Fn(&str) -> bool,
}

/// How much a phrase says: see the module's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Plain,
    Weak,
    Weakest,
}

struct Table {
    shelves: Vec<[&'static str; 2]>,
    phrases: HashMap<&'static str, (usize, Strength)>,
    longest: usize,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { shelves: Vec::new(), phrases: HashMap::new(), longest: 1 };
    for line in include_str!("shelves.txt").lines() {
        let phrases = if line.starts_with('#') || line.is_empty() {
            continue;
        } else if let Some(rest) = line.strip_prefix("  ") {
            rest
        } else {
            let (path, rest) = line.split_once(':').unwrap_or((line, ""));
            let (top, sub) = path.split_once(" > ").unwrap_or((path, ""));
            table.shelves.push([top, sub]);
            rest
        };
        let shelf = table.shelves.len().saturating_sub(1);
        for marked in phrases.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let phrase = marked.trim_start_matches('~');
            let strength = match marked.len() - phrase.len() {
                0 => Strength::Plain,
                1 => Strength::Weak,
                _ => Strength::Weakest,
            };
            table.phrases.entry(phrase).or_insert((shelf, strength));
            table.longest = table.longest.max(phrase.split(' ').count());
        }
    }
    table
});

/// Attributes that say what a thing is: all of the first list, none of the second.
struct Signature {
    shelf: [&'static str; 2],
    all_of: &'static [&'static str],
    none_of: &'static [&'static str],
}

const CERTAIN: &[Signature] = &[
    Signature {
        shelf: ["Components", "Processors"],
        all_of: &["processor_package_size"],
        none_of: &["display_diagonal", "total_storage_capacity", "memory_slots"],
    },
    Signature {
        shelf: ["Computers", "Notebooks"],
        all_of: &["pointing_device", "display_diagonal", "processor_model"],
        none_of: &[],
    },
    Signature {
        shelf: ["Phones and audio", "Mobile phones"],
        all_of: &["rear_camera_resolution_numeric", "display_diagonal", "battery_capacity"],
        none_of: &[],
    },
];

const MOTHERBOARDS: [&str; 2] = ["Components", "Motherboards"];
const NOTEBOOKS: [&str; 2] = ["Computers", "Notebooks"];
const MONITORS: [&str; 2] = ["Monitors and TVs", "Monitors"];
const TONER: [&str; 2] = ["Printer supplies", "Toner cartridges"];
const INK: [&str; 2] = ["Printer supplies", "Ink cartridges"];

const LIKELY: &[Signature] = &[
    likely(
        MOTHERBOARDS,
        &["processor_socket", "number_of_dimm_slots"],
        &["total_storage_capacity"],
    ),
    likely(
        MOTHERBOARDS,
        &["processor_socket", "memory_slots"],
        &["total_storage_capacity", "display_diagonal"],
    ),
    likely(
        MOTHERBOARDS,
        &["motherboard_chipset", "processor_socket"],
        &["total_storage_capacity", "display_diagonal"],
    ),
    likely(NOTEBOOKS, &["display_diagonal", "processor_family", "battery_technology"], &[]),
    likely(NOTEBOOKS, &["display_diagonal", "processor_family", "internal_memory"], &[]),
    likely(
        ["Computers", "Desktops"],
        &["processor_family", "internal_memory", "optical_drive_type"],
        &[],
    ),
    likely(
        MONITORS,
        &["display_diagonal", "display_resolution", "viewing_angle_horizontal"],
        &["processor_family"],
    ),
    likely(MONITORS, &["display_diagonal", "display_brightness"], &["processor_family"]),
    likely(
        ["Printers and scanners", "Multifunction printers"],
        &["print_technology", "scanning"],
        &[],
    ),
    likely(TONER, &["black_toner_page_yield"], PRINTS),
    likely(TONER, &["colour_toner_page_yield"], PRINTS),
    likely(INK, &["ink_type"], &["maximum_resolution"]),
    likely(INK, &["colour_ink_cartridges_quantity"], &["maximum_resolution"]),
    likely(INK, &["cartridge_capacity"], &["maximum_resolution"]),
    likely(INK, &["black_ink_cartridges_quantity"], &["maximum_resolution"]),
    likely(INK, &["colour_ink_volume"], &["maximum_resolution"]),
    likely(
        ["Computer accessories", "Batteries and chargers"],
        &["battery_technology", "battery_capacity"],
        &["processor_family", "display_diagonal"],
    ),
];

const PRINTS: &[&str] = &["print_speed_black_normal_quality_a4_us_letter"];

const fn likely(
    shelf: [&'static str; 2],
    all_of: &'static [&'static str],
    none_of: &'static [&'static str],
) -> Signature {
    Signature { shelf, all_of, none_of }
}

/// The path of the shelf, from the root down: two names, or [`OTHER`] alone.
pub fn shelf(facts: &Facts<'_>) -> Vec<String> {
    find(facts)
        .map_or_else(|| vec![OTHER.to_owned()], |[top, sub]| vec![top.to_owned(), sub.to_owned()])
}

fn find(facts: &Facts<'_>) -> Option<[&'static str; 2]> {
    use Strength::{Plain, Weak, Weakest};

    let title_text = without_brand(facts.title, facts.brand);
    let description_text = without_brand(facts.description, facts.brand);
    let product_type = words(facts.product_type);
    // One letter or digit is a code, not a type.
    if facts.product_type.len() > 1
        && let Some(shelf) = best(&product_type, Plain).or_else(|| best(&product_type, Weak))
    {
        return Some(shelf);
    }
    if let Some(shelf) = signed(CERTAIN, facts.has) {
        return Some(shelf);
    }
    let title = words(title_text);
    let title_start = words(first_clause(title_text));
    let description = words(description_text);
    let description_start = words(first_clause(description_text));
    let places = [head(&title_start), head(&title), head(&description_start)];
    if let Some(shelf) = places.iter().find_map(|place| best(place, Plain)) {
        return Some(shelf);
    }
    if let Some(shelf) = signed(LIKELY, facts.has) {
        return Some(shelf);
    }
    let kind = words(facts.kind);
    for strength in [Weak, Weakest] {
        let mut places = places.iter().copied().chain([kind.as_slice()]);
        if let Some(shelf) = places.find_map(|place| best(place, strength)) {
            return Some(shelf);
        }
    }
    [Plain, Weak, Weakest]
        .iter()
        .find_map(|strength| [&title, &description].iter().find_map(|place| best(place, *strength)))
}

fn signed(signatures: &[Signature], has: &dyn Fn(&str) -> bool) -> Option<[&'static str; 2]> {
    signatures
        .iter()
        .find(|signature| {
            signature.all_of.iter().all(|key| has(key))
                && !signature.none_of.iter().any(|key| has(key))
        })
        .map(|signature| signature.shelf)
}

/// The shelf of the longest phrase of this strength, of equally long ones the last.
fn best(words: &[String], strength: Strength) -> Option<[&'static str; 2]> {
    for length in (1..=TABLE.longest.min(words.len())).rev() {
        for window in words.windows(length).rev() {
            if let Some((shelf, found)) = TABLE.phrases.get(window.join(" ").as_str())
                && *found == strength
            {
                return TABLE.shelves.get(*shelf).copied();
            }
        }
    }
    None
}

fn without_brand<'a>(text: &'a str, brand: &str) -> &'a str {
    match text.get(..brand.len()) {
        Some(start) if start.eq_ignore_ascii_case(brand) => {
            text.get(brand.len()..).unwrap_or_default()
        }
        _ => text,
    }
}

/// The part before an enumeration or remark.
fn first_clause(text: &str) -> &str {
    [", ", " - ", " ("]
        .iter()
        .filter_map(|end| text.find(end))
        .min()
        .and_then(|end| text.get(..end))
        .unwrap_or(text)
}

/// The words before what the thing is for, comes with or is made by.
fn head(words: &[String]) -> &[String] {
    let end = words
        .iter()
        .enumerate()
        .skip(1)
        .find(|(_, word)| {
            matches!(word.as_str(), "for" | "with" | "w" | "from" | "including" | "f" | "by")
        })
        .map_or(words.len(), |(end, _)| end);
    words.get(..end).unwrap_or(words)
}

/// Lower-case words in the singular, without mark-up, piece counts (`1 pc(s)`) and genders of
/// connectors (`M/F`), which look like words but say nothing.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for piece in text.split('<').enumerate().map(|(index, piece)| {
        if index == 0 { piece } else { piece.split_once('>').map_or(piece, |(_, after)| after) }
    }) {
        let lower = piece.to_lowercase().replace(['\'', '\u{2019}'], "");
        let cut = lower.split(|c: char| !c.is_alphanumeric());
        for word in cut.filter(|word| !word.is_empty()).map(singular) {
            let last = words.last().map(String::as_str);
            let is_count = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
            match (last, word.as_str()) {
                (Some(count), "pc" | "pcs") if is_count(count) => {
                    words.pop();
                    words.push("pc(s)".to_owned());
                }
                (Some("pc(s)"), "s") => {}
                (Some("m" | "f"), "m" | "f") => {
                    words.pop();
                }
                _ => words.push(word),
            }
        }
    }
    words.retain(|word| word != "pc(s)");
    words
}

/// A rough singular; the table is written with the same roughness.
fn singular(word: &str) -> String {
    const AS_IS: &[&str] = &["canvas", "fibres", "lens", "series"];
    let keep = AS_IS.contains(&word) || ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    let letters = word.chars().count();
    if letters > 3
        && let Some(stem) = word.strip_suffix("ies")
        && !keep
    {
        return format!("{stem}y");
    }
    let double = ["shes", "ches", "sses", "xes"];
    if letters > 4 && double.iter().any(|end| word.ends_with(end)) {
        return word.strip_suffix("es").unwrap_or(word).to_owned();
    }
    if letters > 3 && !keep {
        return word.strip_suffix('s').unwrap_or(word).to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf_of(title: &str, description: &str) -> String {
        shelf(&Facts {
            brand: "Acme",
            title,
            description,
            product_type: "",
            kind: "",
            has: &|_| false,
        })
        .join(" > ")
    }

    #[test]
    fn the_table_has_two_levels_and_clean_phrases() {
        assert!(TABLE.shelves.len() > 60);
        assert!(TABLE.phrases.len() > 2_000);
        for [top, sub] in &TABLE.shelves {
            assert!(!top.is_empty() && !sub.is_empty(), "{top} > {sub}");
        }
        for phrase in TABLE.phrases.keys() {
            assert_eq!(words(phrase).join(" "), **phrase, "not in the form it is looked up in");
        }
        let known = |shelf: &[&str; 2]| TABLE.shelves.contains(shelf);
        assert!(CERTAIN.iter().chain(LIKELY).all(|signature| known(&signature.shelf)));
    }

    #[test]
    fn the_head_noun_decides() {
        for (title, shelf) in [
            ("Acme HDMI cable 2 m", "Cables and adapters > Video cables"),
            ("Acme Lamp for projectors", "Monitors and TVs > Projector lamps"),
            ("Acme Notebook Case 15.6\" with mouse", "Computer accessories > Bags and cases"),
            ("Acme Keyboard, USB, with hub", "Computer accessories > Keyboards"),
            ("Acme 21 Ink Cartridge 1 pc(s)", "Printer supplies > Ink cartridges"),
            ("Acme Laser Printers", "Printers and scanners > Laser printers"),
            ("Acme Zorblax", "Other"),
            ("", "Other"),
        ] {
            assert_eq!(shelf_of(title, ""), shelf, "{title}");
        }
    }

    #[test]
    fn the_description_helps_where_the_title_is_silent() {
        assert_eq!(
            shelf_of("Acme 940XL Cyan", "940XL Cyan Ink Cartridge"),
            "Printer supplies > Ink cartridges"
        );
    }

    #[test]
    fn a_type_and_a_signature_come_before_words() {
        let facts = Facts {
            brand: "",
            title: "Cable adapter",
            description: "",
            product_type: "Headphones",
            kind: "",
            has: &|key| key == "processor_package_size",
        };
        assert_eq!(shelf(&facts), ["Phones and audio", "Headphones and headsets"]);
        let untyped = Facts { product_type: "1", ..facts };
        assert_eq!(shelf(&untyped), ["Components", "Processors"]);
    }

    #[test]
    fn a_brand_is_not_a_noun() {
        let facts = Facts {
            brand: "Cooler Master",
            title: "Cooler Master Devastator keyboard",
            description: "",
            product_type: "",
            kind: "",
            has: &|_| false,
        };
        assert_eq!(shelf(&facts), ["Computer accessories", "Keyboards"]);
    }

    #[test]
    fn counts_genders_and_plurals_are_not_words() {
        assert_eq!(
            words("2 pc(s) Batteries M/F <br />Boxes, 10 pcs. of Children's LENS"),
            ["battery", "box", "of", "children", "lens"]
        );
    }
}
