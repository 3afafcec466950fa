//! How text becomes words, for documents and queries alike: lower case without accents, numbers
//! kept whole, units in one spelling, and the joined form of what is written with hyphens.

use std::ops::Range;

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RawTokenizer, TextAnalyzer, TokenStream as _,
};

/// Longest word kept, in bytes; longer ones are cut.
const WORD_BYTES: usize = 64;
/// Most parts of a hyphenated chain that are joined into one word.
const CHAIN_PARTS: usize = 5;

/// Units and their spellings; the first is the one indexed.
const UNITS: &[&[&str]] = &[
    &["in", "inch", "inches"],
    &["gb", "gigabyte", "gigabytes", "gib"],
    &["tb", "terabyte", "terabytes", "tib"],
    &["mb", "megabyte", "megabytes", "mib"],
    &["kb", "kilobyte", "kilobytes"],
    &["kg", "kilogram", "kilograms", "kilo", "kilos"],
    &["g", "gram", "grams"],
    &["mm", "millimeter", "millimeters", "millimetre", "millimetres"],
    &["cm", "centimeter", "centimeters", "centimetre", "centimetres"],
    &["m", "meter", "meters", "metre", "metres"],
    &["ft", "foot", "feet"],
    &["w", "watt", "watts"],
    &["v", "volt", "volts"],
    &["mah"],
    &["wh"],
    &["va"],
    &["hz"],
    &["khz"],
    &["mhz"],
    &["ghz"],
    &["mp", "megapixel", "megapixels"],
    &["ml", "milliliter", "milliliters", "millilitre", "millilitres"],
    &["l", "liter", "liters", "litre", "litres"],
    &["lb", "lbs", "pound", "pounds"],
    &["oz", "ounce", "ounces"],
];

/// Words that carry no meaning of their own: a query need not match them.
const STOP_WORDS: &[&str] =
    &["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"];

/// Whether a query may go unmatched in this word.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// The words of a text and what they form together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Analyzed {
    /// In order.
    pub(super) words: Vec<String>,
    /// Further words that stand for a range of [`Self::words`]: `usb-c` gives `usbc` for two
    /// words, `15.6 inch` gives `15.6in`.
    pub(super) joins: Vec<(String, Range<usize>)>,
}

/// Lower case, without accents. Text without an ASCII form keeps its letters.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut analyzer = TextAnalyzer::builder(RawTokenizer::default())
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build();
    let mut stream = analyzer.token_stream(text);
    if stream.advance() { stream.token().text.clone() } else { String::new() }
}

/// A SKU, barcode or model number as it is compared: letters and digits only, and a barcode
/// without leading zeros, because UPC-A and EAN-13 differ in one.
pub(super) fn normalize_code(text: &str) -> String {
    let mut code: String = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
    if code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        code = code.trim_start_matches('0').to_owned();
    }
    cut(&mut code);
    code
}

/// Splits a text into words.
pub(super) fn analyze(text: &str) -> Analyzed {
    let mut splitter = Splitter::default();
    let folded = fold(text);
    let mut rest = folded.chars();
    let mut before = ' ';
    while let Some(character) = rest.next() {
        splitter.push(before, character, rest.as_str());
        before = character;
    }
    splitter.end_word();
    splitter.finish()
}

fn cut(word: &mut String) {
    if word.len() > WORD_BYTES {
        let end = word.floor_char_boundary(WORD_BYTES);
        word.truncate(end);
    }
}

/// The spelling of a unit that is indexed, if the word is one.
fn canonical_unit(word: &str) -> Option<&'static str> {
    UNITS
        .iter()
        .find(|spellings| spellings.contains(&word))
        .and_then(|spellings| spellings.first().copied())
}

/// Whether a word is a number, like `15.6`.
pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Scripts written without spaces: every character is a word.
fn stands_alone(character: char) -> bool {
    matches!(character,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

#[derive(Default)]
struct Splitter {
    current: String,
    /// The word being read is glued to the one before it by a hyphen, point or underscore.
    glued: bool,
    words: Vec<String>,
    /// For each word, whether it is glued to the one before it.
    glue: Vec<bool>,
}

impl Splitter {
    fn push(&mut self, before: char, character: char, rest: &str) {
        let next = rest.chars().next().unwrap_or(' ');
        match character {
            c if is_combining(c) => {}
            c if stands_alone(c) => {
                self.end_word();
                self.current.push(c);
                self.end_word();
            }
            c if c.is_alphanumeric() => self.current.push(c),
            '.' if before.is_ascii_digit() && next.is_ascii_digit() => self.current.push('.'),
            ',' if before.is_ascii_digit() && next.is_ascii_digit() => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                if digits != 3 {
                    self.current.push('.'); // A decimal comma, not thousands.
                }
            }
            '\'' if before.is_alphabetic() && next.is_alphabetic() => {}
            '"' if before.is_ascii_digit() => {
                self.end_word();
                self.current.push_str("in");
                self.end_word();
            }
            '-' | '_' | '.' | '&' if before.is_alphanumeric() && next.is_alphanumeric() => {
                self.end_word();
                self.glued = true;
            }
            _ => self.end_word(),
        }
    }

    fn end_word(&mut self) {
        if !self.current.is_empty() {
            let mut word = std::mem::take(&mut self.current);
            // `15.6inches` becomes `15.6in`.
            let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
            if digits > 0
                && let Some((number, suffix)) = word.split_at_checked(digits)
                && let Some(unit) = canonical_unit(suffix)
            {
                word = format!("{number}{unit}");
            }
            cut(&mut word);
            self.words.push(word);
            self.glue.push(self.glued);
        }
        self.glued = false;
    }

    fn finish(self) -> Analyzed {
        let mut joins: Vec<(String, Range<usize>)> = Vec::new();
        let mut join = |word: String, range: Range<usize>| {
            if word.len() <= WORD_BYTES && !joins.iter().any(|known| known.0 == word) {
                joins.push((word, range));
            }
        };
        let mut start = 0;
        while start < self.words.len() {
            let parts = 1 + self.glue.iter().skip(start + 1).take_while(|glued| **glued).count();
            let chain = self.words.get(start..start + parts).unwrap_or_default();
            if (2..=CHAIN_PARTS).contains(&parts) {
                join(chain.concat(), start..start + parts);
            }
            if parts > 2 {
                for (offset, pair) in chain.windows(2).enumerate() {
                    join(pair.concat(), start + offset..start + offset + 2);
                }
            }
            start += parts;
        }
        for (index, pair) in self.words.windows(2).enumerate() {
            if let [number, unit] = pair
                && is_number(number)
                && let Some(unit) = canonical_unit(unit)
            {
                join(format!("{number}{unit}"), index..index + 2);
            }
        }
        Analyzed { words: self.words, joins }
    }
}

/// Other grammatical numbers of an English noun. Some are no words at all; only those that occur
/// in the index are used.
pub(super) fn number_forms(word: &str) -> Vec<String> {
    let mut forms = Vec::new();
    if word.len() < 3 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return forms;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es")
        && stem.ends_with(['s', 'x', 'z', 'h', 'o'])
    {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s')
        && !stem.ends_with(['s', 'u', 'i'])
        && stem.len() >= 2
    {
        forms.push(stem.to_owned());
    }
    if !word.ends_with('s') {
        forms.push(format!("{word}s"));
        if let Some(stem) = word.strip_suffix('y') {
            forms.push(format!("{stem}ies"));
        }
    }
    if word.ends_with(['s', 'x', 'z', 'h', 'o']) {
        forms.push(format!("{word}es"));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        analyze(text).words
    }

    fn joins(text: &str) -> Vec<String> {
        analyze(text).joins.into_iter().map(|join| join.0).collect()
    }

    #[test]
    fn folds_case_and_accents() {
        assert_eq!(words("Crème BRÛLÉE, Men's"), ["creme", "brulee", "mens"]);
        assert_eq!(words("e\u{301}te\u{301}"), ["ete"]);
        assert_eq!(words("日本語"), ["日", "本", "語"]);
        assert_eq!(words("Принтер"), ["принтер"]);
        assert!(words("!?… \u{0} \u{7f} 🎉").is_empty());
    }

    #[test]
    fn numbers_stay_whole_and_meet_their_unit() {
        assert_eq!(words("1,000 pages"), ["1000", "pages"]);
        assert_eq!(words("15,6 15.6"), ["15.6", "15.6"]);
        for text in ["15.6 inch", "15.6\"", "15.6″", "15.6 in"] {
            assert_eq!(joins(text), ["15.6in"], "{text}");
        }
        assert!(joins("15.6-Inches").contains(&"15.6in".to_owned()));
        assert_eq!(words("1TB 64gigabytes"), ["1tb", "64gb"]);
        assert_eq!(joins("1 TB"), ["1tb"]);
        assert_eq!(words("1080p 3D"), ["1080p", "3d"]);
    }

    #[test]
    fn hyphens_join() {
        assert_eq!(words("Wi-Fi"), ["wi", "fi"]);
        assert_eq!(joins("Wi-Fi"), ["wifi"]);
        assert_eq!(joins("CF-283_A"), ["cf283a", "cf283", "283a"]);
        assert_eq!(joins("usb - c"), Vec::<String>::new());
    }

    #[test]
    fn codes_compare_without_punctuation_and_leading_zeros() {
        assert_eq!(normalize_code("cf-283 a"), "cf283a");
        assert_eq!(normalize_code("0882780756328"), "882780756328");
        assert_eq!(normalize_code("007"), "007");
        assert_eq!(normalize_code("--"), "");
    }

    #[test]
    fn grammatical_numbers() {
        for (word, form) in [
            ("batteries", "battery"),
            ("battery", "batteries"),
            ("switches", "switch"),
            ("switch", "switches"),
            ("headphones", "headphone"),
            ("box", "boxes"),
        ] {
            assert!(number_forms(word).contains(&form.to_owned()), "{word}");
        }
        assert!(!number_forms("wireless").contains(&"wireles".to_owned()));
        assert!(number_forms("ps4").is_empty());
    }

    #[test]
    fn long_words_are_cut_at_a_character() {
        let word = &words(&"я".repeat(100))[0];
        assert!(word.len() <= WORD_BYTES && word.chars().all(|c| c == 'я'));
    }
}
