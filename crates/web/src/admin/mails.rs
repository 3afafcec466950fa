//! Mails: what was sent to whom, and the texts they are made of.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;
use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, Response};
use stoa_app::error::StoreError;
use stoa_app::jobs;
use stoa_app::mail::compose::{ComposeError, compose};
use stoa_app::mail::render::{self, Rendered, Template};
use stoa_app::mail::store::{self, MailState, StoredMail};
use stoa_app::mail::{Language, MailKind, sample, send_job};
use stoa_kernel::{MailId, limits};
use stoa_pages::admin::{
    FieldError, MailListPage, MailPage, MailRow, OrderTab, Section, TemplateListPage, TemplatePage,
    TemplateRow,
};

use super::answer::{Answer, address, notice, page, pager, parameter, see_other};
use super::gate::{Action, Form, Staff, context, now};
use crate::reply::ApiError;
use crate::state::Web;

/// Mails of one page.
const ROWS: i64 = 50;
/// Where the list is.
const PATH: &str = "/admin/mails";

/// `GET /admin/mails`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let listed = listed(&web, &staff, query.as_deref()).await;
    staff.answer(&web, Section::Mails, listed).await
}

/// `GET /admin/mails/{id}`
pub async fn show(
    State(web): State<Web>,
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = shown(&web, &staff, &id, query.as_deref()).await;
    staff.answer(&web, Section::Mails, shown).await
}

/// `GET /admin/mails/{id}/html`: the mail alone, for a frame of its page.
pub async fn html(State(web): State<Web>, _staff: Staff, Path(id): Path<String>) -> Response<Body> {
    let framed = async {
        let (_, rendered) = words(&web, &id).await?;
        let rendered = rendered.ok_or_else(|| ApiError::not_found("mail"))?;
        Ok::<_, ApiError>(framed(&rendered.html))
    };
    framed.await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST /admin/mails/{id}/send`: sends a mail that was not, or once more.
pub async fn send(
    State(web): State<Web>,
    Path(id): Path<String>,
    action: Action,
) -> Response<Body> {
    let sent = sent(&web, &id).await;
    action.staff.answer(&web, Section::Mails, sent).await
}

/// `GET /admin/mails/templates`
pub async fn templates(State(web): State<Web>, staff: Staff) -> Response<Body> {
    let listed = template_list(&web, &staff).await;
    staff.answer(&web, Section::Mails, listed).await
}

/// `GET /admin/mails/templates/{kind}/{language}`
pub async fn edit(
    State(web): State<Web>,
    staff: Staff,
    Path((kind, language)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let edited = async {
        let (kind, language) = which(&kind, &language)?;
        let (template, is_changed) = current(&web, kind, language).await?;
        let mut frame = staff.frame(&web, Section::Mails).await;
        frame.notice = notice(query.as_deref());
        let shown = TemplatePage { frame, is_changed, ..form(kind, language, template) };
        Ok(page(200, shown.render()))
    };
    let edited = edited.await;
    staff.answer(&web, Section::Mails, edited).await
}

/// `POST /admin/mails/templates/{kind}/{language}`
pub async fn save(
    State(web): State<Web>,
    Path((kind, language)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    let saved = saved(&web, &action, &kind, &language).await;
    action.staff.answer(&web, Section::Mails, saved).await
}

/// `POST /admin/mails/templates/{kind}/{language}/reset`: goes back to the built-in text.
pub async fn reset(
    State(web): State<Web>,
    Path((kind, language)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    let reset = async {
        let (kind, language) = which(&kind, &language)?;
        let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
        store::delete_template(&mut tx, kind, language).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(see_other(&format!("{}?notice=saved", template_path(kind, language))))
    };
    let reset = reset.await;
    action.staff.answer(&web, Section::Mails, reset).await
}

/// `GET /admin/mails/templates/{kind}/{language}/preview`: the text as it is, in a frame.
pub async fn preview(
    State(web): State<Web>,
    _staff: Staff,
    Path((kind, language)): Path<(String, String)>,
) -> Response<Body> {
    let previewed = async {
        let (kind, language) = which(&kind, &language)?;
        let (template, _) = current(&web, kind, language).await?;
        Ok::<_, ApiError>(tried(&template, language))
    };
    previewed.await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST` to the same: the text as it is entered.
pub async fn preview_entered(
    Path((kind, language)): Path<(String, String)>,
    action: Action,
) -> Response<Body> {
    match which(&kind, &language) {
        Ok((_, language)) => tried(&entered(&action.form), language),
        Err(error) => error.into_response(),
    }
}

/// A mail in a frame: it brings its own styles, and may do nothing else.
fn framed(html: &str) -> Response<Body> {
    let mut response = page(200, html.to_owned());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}

fn tried(template: &Template, language: Language) -> Response<Body> {
    let rendered = sample(language).and_then(|sample| render::render(template, language, &sample));
    match rendered {
        Ok(rendered) => framed(&rendered.html),
        Err(error) => {
            let text = error.0.replace('&', "&amp;").replace('<', "&lt;");
            framed(&format!("<!doctype html><meta charset=\"utf-8\"><p>{text}</p>"))
        }
    }
}

fn kind_title(kind: MailKind) -> (&'static str, &'static str) {
    match kind {
        MailKind::OrderConfirmation => ("Order confirmation", "When an order is placed."),
        MailKind::ShippingNotice => ("Shipping notice", "When an order leaves the house."),
        MailKind::OrderCancelled => ("Order cancelled", "When an order is called off."),
        MailKind::Refund => ("Refund", "When money was given back."),
        MailKind::PasswordReset => ("New password", "When someone of your staff forgot theirs."),
        MailKind::Invitation => ("Invitation", "When someone is to help run the shop."),
    }
}

const fn language_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::German => "German",
        Language::French => "French",
    }
}

fn subject(mail: &StoredMail) -> String {
    let title = || kind_title(mail.kind).0.to_owned();
    mail.subject.clone().unwrap_or_else(title)
}

async fn listed(web: &Web, staff: &Staff, query: Option<&str>) -> Answer {
    let mut frame = staff.frame(web, Section::Mails).await;
    frame.notice = notice(query);
    let tabs = [
        ("", "All"),
        ("queued", "Waiting"),
        ("sent", "Sent"),
        ("failed", "Not delivered"),
        ("kept", "Only kept here"),
    ];
    let word = parameter(query, "state");
    let state = MailState::parse(&word);
    let word = state.map_or("", MailState::as_str);
    let text: String = parameter(query, "q").trim().chars().take(254).collect();
    let after = parameter(query, "after");
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mails = store::list(&mut tx, state, &text, after.parse().ok(), ROWS).await?;
    drop(tx);
    let kept = [("state", word), ("q", text.as_str())];
    let id = |mail: &StoredMail| mail.id.to_string();
    let shown = MailListPage {
        frame,
        sends: web.shop().mailer.sends(),
        tabs: tabs
            .into_iter()
            .map(|(tab, label)| OrderTab {
                label: label.to_owned(),
                href: address(PATH, &[("state", tab)]),
                selected: tab == word,
                n: None,
            })
            .collect(),
        rows: mails
            .iter()
            .map(|mail| MailRow {
                href: format!("{PATH}/{}", mail.id),
                title: subject(mail),
                to: mail.recipient.clone(),
                at: mail.created_at,
                state: mail.state.as_str().to_owned(),
                error: mail.error.clone().unwrap_or_default(),
            })
            .collect(),
        pager: pager(PATH, &kept, &after, (&mails, ROWS), id),
        state: word.to_owned(),
        query: text,
    };
    Ok(page(200, shown.render()))
}

/// A mail and what it says: what was sent, or what would be now.
async fn words(web: &Web, id: &str) -> Result<(StoredMail, Option<Rendered>), ApiError> {
    let id: MailId = id.parse().map_err(|_| ApiError::not_found("mail"))?;
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let mail = store::find(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("mail"))?;
    let rendered = match &mail.rendered {
        Some(rendered) => Some(rendered.clone()),
        None => match compose(&mut tx, web.shop(), &mail).await {
            Ok(rendered) => Some(rendered),
            Err(ComposeError::Store(error)) => return Err(error.into()),
            Err(ComposeError::Gone) => None,
            Err(error) => return Err(ApiError::internal(&error)),
        },
    };
    Ok((mail, rendered))
}

async fn shown(web: &Web, staff: &Staff, id: &str, query: Option<&str>) -> Answer {
    let (mail, rendered) = words(web, id).await?;
    let mut frame = staff.frame(web, Section::Mails).await;
    frame.notice = notice(query);
    let shown = MailPage {
        frame,
        id: mail.id.to_string(),
        subject: rendered.as_ref().map_or_else(|| subject(&mail), |words| words.subject.clone()),
        to: mail.recipient.clone(),
        language: language_name(mail.language).to_owned(),
        state: mail.state.as_str().to_owned(),
        error: mail.error.clone(),
        at: mail.created_at,
        sent_at: mail.sent_at,
        message_id: mail.message_id.clone(),
        can_send: rendered.is_some()
            && mail.state != MailState::Queued
            && web.shop().mailer.sends(),
        text: rendered.map(|words| words.text),
    };
    Ok(page(200, shown.render()))
}

async fn sent(web: &Web, id: &str) -> Answer {
    let (mail, rendered) = words(web, id).await?;
    if rendered.is_none() || !web.shop().mailer.sends() {
        let text = "this mail cannot be sent: there is no mail server, or its order is gone";
        return Err(ApiError::new(409, "wrong_state", text));
    }
    let mut ctx = context(web)?;
    let job = send_job(&mut ctx, &mail);
    // Another name, because it is meant to arrive beside the first.
    let again = format!("{}#{}", mail.cause, ctx.now);
    let message_id = match mail.state {
        MailState::Sent => web.shop().mail.message_id(&again),
        _ => mail.message_id.clone(),
    };
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    if jobs::store::add(&mut tx, &[job], ctx.now).await? == [true] {
        store::requeue(&mut tx, mail.id, &message_id).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    web.shop().wake.notify_waiters();
    Ok(see_other(&format!("{PATH}/{}?notice=mail", mail.id)))
}

fn template_path(kind: MailKind, language: Language) -> String {
    format!("{PATH}/templates/{}/{}", kind.as_str(), language.code())
}

async fn template_list(web: &Web, staff: &Staff) -> Answer {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    let changed = store::templates(&mut tx).await?;
    drop(tx);
    let rows = MailKind::ALL.into_iter().map(|kind| {
        let (title, text) = kind_title(kind);
        let languages = Language::ALL.into_iter().map(|language| {
            let is_changed = changed
                .iter()
                .any(|(other, code, _)| other == kind.as_str() && code == language.code());
            (language_name(language).to_owned(), template_path(kind, language), is_changed)
        });
        TemplateRow {
            title: title.to_owned(),
            text: text.to_owned(),
            languages: languages.collect(),
        }
    });
    let frame = staff.frame(web, Section::Mails).await;
    Ok(page(200, TemplateListPage { frame, rows: rows.collect() }.render()))
}

fn which(kind: &str, language: &str) -> Result<(MailKind, Language), ApiError> {
    MailKind::parse(kind)
        .zip(Language::parse(language))
        .ok_or_else(|| ApiError::not_found("mail template"))
}

/// The text that is used now, and whether the merchant wrote it.
async fn current(
    web: &Web,
    kind: MailKind,
    language: Language,
) -> Result<(Template, bool), ApiError> {
    let mut tx = web.shop().db.read().await.map_err(StoreError::from)?;
    match store::template(&mut tx, kind, language).await? {
        Some(own) => Ok((own, true)),
        None => {
            let built_in = render::built_in(kind, language);
            Ok((built_in.map_err(|error| ApiError::internal(&error))?, false))
        }
    }
}

fn entered(form: &Form) -> Template {
    Template {
        subject: form.get("subject").trim().to_owned(),
        body: form.get("body").replace("\r\n", "\n").trim().to_owned(),
    }
}

fn form(kind: MailKind, language: Language, template: Template) -> TemplatePage {
    let order = matches!(
        kind,
        MailKind::OrderConfirmation
            | MailKind::ShippingNotice
            | MailKind::OrderCancelled
            | MailKind::Refund
    );
    let mut names = vec![
        ("{{ shop.name }}", "Your shop’s name"),
        ("{{ shop.url }}", "Its address"),
        ("{{ button(\"Label\") }}", "A button that leads to what the mail is about"),
    ];
    if order {
        names.extend([
            ("{{ order.number }}", "The order’s number"),
            ("{{ order.name }}", "Who receives it"),
            ("{{ order.total }}", "What it came to"),
            ("{{ order.refunded }}", "What is given back"),
            ("{{ order.shipping_method }}", "How it is shipped"),
            ("{{ items }}", "The goods and sums"),
            ("{{ address }}", "Where it goes"),
        ]);
    }
    if kind == MailKind::ShippingNotice {
        names.extend([
            ("{{ order.tracking }}", "Carrier and tracking number, if known"),
            ("{{ order.tracking_url }}", "Where the parcel is followed, if known"),
        ]);
    }
    if kind == MailKind::Invitation {
        names.push(("{{ invitation.by }}", "Who invites"));
    }
    TemplatePage {
        title: kind_title(kind).0.to_owned(),
        language: language_name(language).to_owned(),
        action: template_path(kind, language),
        subject: template.subject,
        body: template.body.trim().to_owned(),
        names: names.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
        ..TemplatePage::default()
    }
}

async fn saved(web: &Web, action: &Action, kind: &str, language: &str) -> Answer {
    let (kind, language) = which(kind, language)?;
    let template = entered(&action.form);
    let mut errors = Vec::new();
    if template.subject.len() + template.body.len() > limits::MAIL_TEMPLATE_BYTES {
        errors.push(FieldError::new("body", "The text is too long; 64 KiB are enough for a mail."));
    } else if template.body.contains('\0') || template.subject.contains('\0') {
        errors.push(FieldError::new("body", "The text holds a NUL character; remove it."));
    } else {
        let sample = sample(language).map_err(|error| ApiError::internal(&error))?;
        if let Err(error) = render::render(&template, language, &sample) {
            let field = if error.0.starts_with("The subject") { "subject" } else { "body" };
            errors.push(FieldError::new(field, error.0));
        }
    }
    if !errors.is_empty() {
        let frame = action.staff.frame(web, Section::Mails).await;
        let shown = TemplatePage { frame, errors, ..form(kind, language, template) };
        return Ok(page(422, shown.render()));
    }
    let mut tx = web.shop().db.begin().await.map_err(StoreError::from)?;
    store::put_template(&mut tx, kind, language, &template, now(web)).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(see_other(&format!("{}?notice=saved", template_path(kind, language))))
}
