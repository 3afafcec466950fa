//! Handles: the readable part of a URL.

/// Longest handle, in bytes.
pub const MAX_LEN: usize = 120;

/// Turns any text into a handle: lower-case ASCII letters and digits, single hyphens between.
/// Accented Latin letters lose their accent; what has no ASCII form becomes a hyphen. Empty when
/// nothing is left.
pub fn slugify(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_LEN));
    for character in text.chars() {
        if out.len() >= MAX_LEN {
            break;
        }
        match character {
            'a'..='z' | '0'..='9' => out.push(character),
            'A'..='Z' => out.push(character.to_ascii_lowercase()),
            '\'' | '\u{2019}' => {}
            other => match ascii_letters(other) {
                Some(letters) => out.push_str(letters),
                None if !out.is_empty() && !out.ends_with('-') => out.push('-'),
                None => {}
            },
        }
    }
    while out.ends_with('-') {
        out.pop();
    }
    out
}

/// Whether a text already has the form that [`slugify`] gives.
pub fn is_handle(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_LEN
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn ascii_letters(character: char) -> Option<&'static str> {
    Some(match character.to_lowercase().next()? {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ø' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_handles() {
        assert_eq!(slugify("  Müller's Café – Größe 10\" "), "muellers-cafe-groesse-10");
        assert_eq!(slugify("日本"), "");
        for text in ["Hello World", "a--b", "-x-", "ÀÉÎ 5/8"] {
            assert!(is_handle(&slugify(text)), "{text}");
        }
        assert!(slugify(&"long ".repeat(100)).len() <= MAX_LEN);
        assert!(!is_handle("Has Space"));
    }
}
