//! Texts of mails: the built-in ones and those that a merchant wrote, as plain text and as HTML.
//!
//! A template gives plain text; pieces that look different in HTML (the table of goods, a button)
//! are put in afterwards. So nothing that a template or a value says can become markup.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use parking_lot::Mutex;
use serde::Deserialize;
use std::sync::Arc;

use super::{Language, MailKind};

/// Stands for a mail's link until it is sent: stored mails hold no capability.
pub const LINK: &str = "https://link.invalid/";

/// Steps that a template may take, so that none runs for ever.
const FUEL: u64 = 20_000;
/// Characters of a subject.
const SUBJECT_CHARS: usize = 200;
/// Begins and ends the number of a piece that is put in afterwards; of Unicode's private use.
const BEGIN: char = '\u{E000}';
const END: char = '\u{E001}';

/// A template as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The subject.
    pub subject: String,
    /// The body: paragraphs, headings after `# `, and pieces.
    pub body: String,
}

/// Words that pieces need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub(super) item: String,
    pub(super) subtotal: String,
    pub(super) discount: String,
    pub(super) shipping: String,
    pub(super) tax: String,
    pub(super) included: String,
    pub(super) total: String,
}

#[derive(Deserialize)]
struct Texts {
    words: Words,
    #[serde(flatten)]
    templates: BTreeMap<String, Template>,
}

fn texts(language: Language) -> Result<&'static Texts, TemplateError> {
    static TEXTS: [OnceLock<Result<Texts, String>>; 3] = [const { OnceLock::new() }; 3];
    let (place, source) = match language {
        Language::English => (&TEXTS[0], include_str!("texts/en.toml")),
        Language::German => (&TEXTS[1], include_str!("texts/de.toml")),
        Language::French => (&TEXTS[2], include_str!("texts/fr.toml")),
    };
    let parsed = place.get_or_init(|| toml::from_str(source).map_err(|error| error.to_string()));
    parsed.as_ref().map_err(|error| TemplateError(error.clone()))
}

/// What is wrong with a template, for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// The built-in template of a mail.
///
/// # Errors
/// Never: a test reads them all.
pub fn built_in(kind: MailKind, language: Language) -> Result<Template, TemplateError> {
    let found = texts(language)?.templates.get(kind.as_str()).cloned();
    found.ok_or_else(|| TemplateError(format!("there is no built-in text `{}`", kind.as_str())))
}

/// The words of a language.
///
/// # Errors
/// Never: a test reads them all.
pub fn words(language: Language) -> Result<&'static Words, TemplateError> {
    Ok(&texts(language)?.words)
}

/// The goods of an order and their sums, already formatted; or of a parcel, without prices and sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Items {
    /// What a line's first column is called.
    pub heading: String,
    /// Quantity, title, variant and total of each line.
    pub lines: Vec<(i64, String, String, String)>,
    /// Label and amount of each sum.
    pub sums: Vec<(String, String)>,
    /// Label and amount of the last sum.
    pub total: (String, String),
}

/// What a mail is made of beside its template.
#[derive(Debug, Clone)]
pub struct Contents {
    /// What templates call by name.
    pub values: serde_json::Value,
    /// What `{{ items }}` shows.
    pub items: Items,
    /// What `{{ address }}` shows.
    pub address: Vec<String>,
    /// The shop's name.
    pub shop: String,
    /// The shop's address in the web.
    pub shop_url: String,
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// A piece in both forms.
#[derive(Debug)]
struct Piece {
    text: String,
    html: String,
}

fn marker(number: usize) -> String {
    format!("{BEGIN}{number}{END}")
}

/// Makes a mail of a template and what belongs in it.
///
/// # Errors
/// The template is wrong; the error says where.
pub fn render(
    template: &Template,
    language: Language,
    contents: &Contents,
) -> Result<Rendered, TemplateError> {
    let pieces = Arc::new(Mutex::new(vec![
        items_piece(&contents.items),
        Piece {
            text: contents.address.join("\n"),
            html: format!("<p class=\"stoa-box\" style=\"{BOX}\">{}</p>", lines(&contents.address)),
        },
    ]));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.add_global("items", marker(0));
    environment.add_global("address", marker(1));
    let made = Arc::clone(&pieces);
    environment.add_function("button", move |label: String| {
        let mut pieces = made.lock();
        if pieces.len() < 20 {
            pieces.push(button(&label));
        }
        marker(pieces.len() - 1)
    });
    let values = Value::from(Serde(&contents.values));
    let run = |what: &str, source: &str| {
        environment.render_named_str(what, source, values.clone()).map_err(|error| {
            let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
            let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
            TemplateError(format!("The {what}{line}: {}{detail}.", error.kind()))
        })
    };
    let subject = run("subject", template.subject.trim())?;
    let subject: String =
        subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_CHARS).collect();
    if subject.trim().is_empty() {
        return Err(TemplateError("The subject is empty.".to_owned()));
    }
    let body = run("text", &template.body.replace("\r\n", "\n"))?;
    let pieces = pieces.lock();
    let subject = fill(&subject, &pieces, |piece| &piece.text).replace('\n', " ");
    let text = as_text(&body, &pieces, contents);
    let html = page(&subject, language, &as_html(&body, &pieces), contents);
    Ok(Rendered { subject, text, html })
}

/// A text with its pieces put in.
fn fill(text: &str, pieces: &[Piece], form: impl Fn(&Piece) -> &String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        out.push_str(before);
        rest = after;
        if let Some((number, after)) = after.split_once(END)
            && let Some(piece) = number.parse::<usize>().ok().and_then(|n| pieces.get(n))
        {
            out.push_str(form(piece));
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Paragraphs: what blank lines part.
fn blocks(body: &str) -> impl Iterator<Item = &str> {
    body.split("\n\n").map(str::trim).filter(|block| !block.is_empty())
}

fn as_text(body: &str, pieces: &[Piece], contents: &Contents) -> String {
    let mut out = String::new();
    for block in blocks(body) {
        let filled = fill(block.strip_prefix("# ").unwrap_or(block), pieces, |piece| &piece.text);
        out.push_str(filled.trim_end());
        out.push_str("\n\n");
    }
    out.push_str(&format!("-- \n{}\n{}\n", contents.shop, contents.shop_url));
    out
}

fn as_html(body: &str, pieces: &[Piece]) -> String {
    let mut out = String::new();
    for block in blocks(body) {
        let is_piece =
            block.starts_with(BEGIN) && block.ends_with(END) && block.matches(BEGIN).count() == 1;
        let (open, inner, close) = match block.strip_prefix("# ") {
            _ if is_piece => ("", block, ""),
            Some(heading) => (H1, heading, "</h1>"),
            None => (P, block, "</p>"),
        };
        let escaped = escape(inner).replace('\n', "<br>");
        out.push_str(open);
        out.push_str(&fill(&escaped, pieces, |piece| &piece.html));
        out.push_str(close);
        out.push('\n');
    }
    out
}

/// Text as it stands in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br>")
}

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const H1: &str = "<h1 class=\"stoa-ink\" style=\"margin:0 0 16px;font-size:24px;line-height:1.25;\
                  font-weight:650;color:#16211c\">";
const P: &str = "<p class=\"stoa-ink\" style=\"margin:0 0 16px;font-size:16px;line-height:1.55;\
                 color:#16211c\">";
const BOX: &str = "margin:0 0 16px;padding:12px 16px;border:1px solid #dfe5e1;border-radius:8px;\
                   font-size:15px;line-height:1.5;color:#16211c";
const CELL: &str = "padding:10px 0;border-bottom:1px solid #dfe5e1;font-size:15px;line-height:1.4;\
                    color:#16211c;text-align:left;vertical-align:top";
const SUM: &str = "padding:6px 0;font-size:15px;color:#16211c";

fn button(label: &str) -> Piece {
    Piece {
        text: format!("{label}:\n{LINK}"),
        html: format!(
            "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" \
             style=\"margin:8px 0 24px\"><tr><td style=\"border-radius:8px;background:#14402f\">\
             <a href=\"{LINK}\" style=\"display:inline-block;padding:12px 22px;font-size:16px;\
             font-weight:600;color:#ffffff;text-decoration:none\">{}</a></td></tr></table>",
            escape(label)
        ),
    }
}

fn items_piece(items: &Items) -> Piece {
    let mut text = String::new();
    let mut html = format!(
        "<table class=\"stoa-rows\" cellpadding=\"0\" cellspacing=\"0\" width=\"100%\" \
         style=\"margin:0 0 24px;border-collapse:collapse\"><thead><tr>\
         <th class=\"stoa-cell\" scope=\"col\" style=\"{CELL};font-weight:600\">{}</th>\
         <th class=\"stoa-cell\" scope=\"col\" style=\"{CELL};font-weight:600;text-align:right\">{}\
         </th></tr></thead><tbody>",
        escape(&items.heading),
        escape(&items.total.0),
    );
    for (quantity, title, variant, total) in &items.lines {
        let variant_text = if variant.is_empty() { String::new() } else { format!(" ({variant})") };
        text.push_str(&format!("{quantity} × {title}{variant_text}"));
        text.push_str(&if total.is_empty() { "\n".to_owned() } else { format!(": {total}\n") });
        let variant_html = if variant.is_empty() {
            String::new()
        } else {
            format!("<br><span style=\"font-size:13px;opacity:.75\">{}</span>", escape(variant))
        };
        html.push_str(&format!(
            "<tr><td class=\"stoa-cell\" style=\"{CELL}\">{quantity}&nbsp;× {}{variant_html}</td>\
             <td class=\"stoa-cell\" style=\"{CELL};text-align:right;white-space:nowrap\">{}</td>\
             </tr>",
            escape(title),
            escape(total),
        ));
    }
    html.push_str("</tbody>");
    if items.total.1.is_empty() {
        html.push_str("</table>");
        return Piece { text: text.trim_end().to_owned(), html };
    }
    html.push_str("<tfoot>");
    text.push('\n');
    for (label, amount) in &items.sums {
        text.push_str(&format!("{label}: {amount}\n"));
        html.push_str(&format!(
            "<tr><td class=\"stoa-ink\" style=\"{SUM}\">{}</td><td class=\"stoa-ink\" \
             style=\"{SUM};text-align:right;white-space:nowrap\">{}</td></tr>",
            escape(label),
            escape(amount),
        ));
    }
    let (label, amount) = &items.total;
    text.push_str(&format!("{label}: {amount}"));
    html.push_str(&format!(
        "<tr><td class=\"stoa-ink\" style=\"{SUM};font-weight:700\">{}</td><td class=\"stoa-ink\" \
         style=\"{SUM};font-weight:700;text-align:right;white-space:nowrap\">{}</td></tr>\
         </tfoot></table>",
        escape(label),
        escape(amount),
    ));
    Piece { text, html }
}

/// What surrounds every mail: one column that fits a phone, and colours for the dark.
fn page(subject: &str, language: Language, body: &str, contents: &Contents) -> String {
    let (subject, shop, url) =
        (escape(subject), escape(&contents.shop), escape(&contents.shop_url));
    let language = language.code();
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{subject}</title>\n<style>\n\
         :root{{color-scheme:light dark}}\n\
         @media (max-width:600px){{.stoa-card{{padding:24px 20px!important}}}}\n\
         @media (prefers-color-scheme:dark){{\n\
         .stoa-page{{background:#101613!important}}\n\
         .stoa-card{{background:#1a221e!important;border-color:#2c3832!important}}\n\
         .stoa-ink,.stoa-box,.stoa-cell{{color:#e8eeea!important}}\n\
         .stoa-box,.stoa-cell{{border-color:#33403a!important}}\n\
         .stoa-foot,.stoa-foot a{{color:#a3b1a9!important}}\n}}\n</style>\n</head>\n\
         <body class=\"stoa-page\" style=\"margin:0;padding:0;background:#f3f5f3;{FONT}\">\n\
         <table class=\"stoa-page\" role=\"presentation\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"background:#f3f5f3\"><tr><td align=\"center\" \
         style=\"padding:24px 12px\">\n<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"max-width:600px;{FONT}\">\n\
         <tr><td class=\"stoa-ink\" style=\"padding:0 4px 16px;font-size:18px;font-weight:700;\
         color:#14402f\">{shop}</td></tr>\n\
         <tr><td class=\"stoa-card\" style=\"padding:32px;background:#ffffff;border:1px solid \
         #dfe5e1;border-radius:12px\">\n{body}</td></tr>\n\
         <tr><td class=\"stoa-foot\" style=\"padding:16px 4px;font-size:13px;line-height:1.5;\
         color:#5b6a62\">{shop} · <a href=\"{url}\" style=\"color:#5b6a62\">{url}</a></td></tr>\n\
         </table>\n</td></tr></table>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::sample;

    fn made(subject: &str, body: &str) -> Result<Rendered, TemplateError> {
        let template = Template { subject: subject.to_owned(), body: body.to_owned() };
        render(&template, Language::English, &sample(Language::English).unwrap())
    }

    #[test]
    fn every_built_in_text_renders_in_every_language() {
        for language in Language::ALL {
            let contents = sample(language).unwrap();
            for kind in MailKind::ALL {
                let template = built_in(kind, language).unwrap();
                let mail = render(&template, language, &contents).unwrap();
                assert!(mail.text.contains(LINK) && mail.html.contains(LINK), "{kind:?}");
                let all = format!("{}{}{}", mail.subject, mail.text, mail.html);
                assert!(!all.contains("{{") && !all.contains([BEGIN, END]), "{kind:?}: {all}");
                assert!(mail.html.contains(&format!("lang=\"{}\"", language.code())));
            }
        }
    }

    #[test]
    fn nothing_in_a_template_or_a_value_becomes_markup() {
        let mut contents = sample(Language::English).unwrap();
        contents.values["order"]["name"] = "<script>alert(1)</script>\u{E000}9\u{E001}".into();
        contents.items.lines[0].1 = "<img src=x onerror=alert(1)>".to_owned();
        contents.address[0] = "\"><b>".to_owned();
        let template = Template {
            subject: "Hello {{ order.name }}\r\nBcc: everyone@example.com".to_owned(),
            body: "<b>{{ order.name }}</b>\n\n{{ items }}\n\n{{ address }}\n\n\
                   {{ button('<i>x</i>') }}"
                .to_owned(),
        };
        let mail = render(&template, Language::English, &contents).unwrap();
        assert!(!mail.subject.contains(['\r', '\n']));
        for tag in ["<script", "<img", "<b>", "<i>"] {
            assert!(!mail.html.contains(tag), "{tag} in {}", mail.html);
        }
        assert!(mail.text.contains("<b><script>"), "plain text is as it is");
    }

    #[test]
    fn a_wrong_template_says_what_is_wrong_and_where() {
        let error = made("x", "a\n\n{{ order.nme }}").unwrap_err().0;
        assert!(error.contains("line 3"), "{error}");
        let error = made("{{ order.number", "x").unwrap_err().0;
        assert!(error.contains("subject"), "{error}");
        let error = made(" ", "x").unwrap_err().0;
        assert!(error.contains("empty"), "{error}");
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let error = made("x", endless).unwrap_err().0;
        assert!(error.contains("fuel"), "{error}");
    }

    #[test]
    fn what_is_in_a_parcel_has_no_prices() {
        let mut contents = sample(Language::English).unwrap();
        let items = contents.items;
        let lines = items
            .lines
            .into_iter()
            .map(|(n, title, variant, _)| (n, title, variant, String::new()));
        contents.items =
            Items { heading: items.heading, lines: lines.collect(), ..Items::default() };
        let template = Template { subject: "x".to_owned(), body: "{{ items }}\n\nBye".to_owned() };
        let mail = render(&template, Language::English, &contents).unwrap();
        let text = "2 × Harbour Mug (Cream)\n1 × Linen Tea Towel\n\nBye";
        assert!(mail.text.starts_with(text), "{}", mail.text);
        assert!(!mail.html.contains("<tfoot>") && mail.html.contains("Linen Tea Towel"));
    }

    #[test]
    fn paragraphs_headings_and_pieces_take_their_forms() {
        let mail =
            made("Order {{ order.number }}", "# Hi\n\none\ntwo\n\n{{ button(\"Go\") }}").unwrap();
        assert!(
            mail.text.starts_with(&format!("Hi\n\none\ntwo\n\nGo:\n{LINK}\n")),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("one<br>two</p>") && mail.html.contains(">Go</a>"));
    }
}
