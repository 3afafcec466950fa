//! Descriptions come from anywhere and are shown to everyone: only harmless HTML is kept.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "p", "br", "ul", "ol", "li", "strong", "em", "b", "i", "h2", "h3", "h4", "table",
            "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "a",
        ]))
        .clean_content_tags(HashSet::from([
            "script", "style", "iframe", "object", "noscript", "template",
        ]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener"));
    builder
});

/// Keeps paragraphs, line breaks, lists, emphasis, headings of level 2 to 4, tables and links to
/// `http`, `https` and `mailto`; drops every other tag and attribute, and what is inside scripts,
/// styles and embeds. The result is well formed, and cleaning it again changes nothing.
pub fn clean(dirty: &str) -> String {
    let plain = !dirty.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | b'\r' | 0))
        && !dirty.contains('\u{a0}');
    if plain {
        return dirty.to_owned();
    }
    // Wrongly nested tags may be read in yet another way the second time.
    const PASSES: usize = 5;
    let mut html = CLEANER.clean(dirty).to_string();
    for _ in 0..PASSES {
        let again = CLEANER.clean(&html).to_string();
        if again == html {
            return html;
        }
        html = again;
    }
    ammonia::clean_text(&text_of(&html))
}

/// Plain text made into one paragraph of HTML; blank text into none.
pub fn paragraph(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    clean(&format!("<p>{text}</p>"))
}

/// The words of sanitised HTML, for search and summaries: tags gone, entities resolved, white
/// space folded to single spaces.
pub fn text_of(sanitised: &str) -> String {
    let mut text = String::with_capacity(sanitised.len());
    let mut rest = sanitised;
    while let Some((before, after)) = rest.split_once('<') {
        push_words(&mut text, before);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name = tag
            .trim_start_matches('/')
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if !matches!(name, "a" | "b" | "i" | "em" | "strong") && !text.ends_with(' ') {
            text.push(' ');
        }
        rest = after;
    }
    push_words(&mut text, rest);
    text.trim().to_owned()
}

fn push_words(text: &mut String, part: &str) {
    let decoded = part
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    for character in decoded.chars() {
        if character.is_whitespace() {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
        } else {
            text.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_is_harmless_and_drops_the_rest() {
        for (dirty, harmless) in [
            ("plain text, 5\" wide", "plain text, 5\" wide"),
            ("<p>A <b>b</b><br>c</p>", "<p>A <b>b</b><br>c</p>"),
            ("<p onclick=\"x()\" style=\"a\" class=b id=c>x</p>", "<p>x</p>"),
            ("a<script>alert(1)</script>b", "ab"),
            ("<STYLE>p{}</STYLE><img src=x onerror=alert(1)>t", "t"),
            ("<a href=\"javascript:alert(1)\">x</a>", "<a rel=\"nofollow noopener\">x</a>"),
            (
                "<a href=\"https://e.com/?a=1&b=2\" target=_blank>x</a>",
                "<a href=\"https://e.com/?a=1&amp;b=2\" rel=\"nofollow noopener\">x</a>",
            ),
            ("<a href=\"/local\">x</a>", "<a rel=\"nofollow noopener\">x</a>"),
            ("<p>open", "<p>open</p>"),
            ("<svg><script>x</script></svg>1 < 2", "1 &lt; 2"),
            ("<h1>big</h1><h2>ok</h2>", "big<h2>ok</h2>"),
        ] {
            assert_eq!(clean(dirty), harmless, "{dirty}");
        }
    }

    #[test]
    fn text_has_words_apart_and_entities_resolved() {
        assert_eq!(
            text_of(
                "<p>One</p><p>two <b>bo</b>ld</p>\n<ul><li>a</li><li>b &amp; c &lt;d&gt;</li></ul>"
            ),
            "One two bold a b & c <d>"
        );
        assert_eq!(text_of(&clean("no tags &amp;lt; here")), "no tags &lt; here");
    }

    #[test]
    fn a_paragraph_is_made_only_of_words() {
        assert_eq!(paragraph("  "), "");
        assert_eq!(paragraph("5 < 6 <br />x"), "<p>5 &lt; 6 <br>x</p>");
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(dirty in "(<(/?(p|b|table|td|tr|a|li|script|x|svg|math|style)( href=\"[a-z:/]*\")?)>|[a-z &;<>\"'\u{a0}\r\n-]|&amp;|&lt;){0,40}") {
            let once = clean(&dirty);
            prop_assert_eq!(clean(&once), once.clone());
            text_of(&once);
        }

        #[test]
        fn any_text_is_cleaned(dirty in any::<String>()) {
            let harmless = clean(&dirty);
            prop_assert!(!harmless.contains("<script"));
            text_of(&harmless);
        }
    }
}
