//! Who runs the shop: invitations, and new passwords for those who forgot theirs.

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::IntoResponse;
use http::header::SET_COOKIE;
use http::{HeaderMap, Response};
use stoa_app::entropy;
use stoa_app::rate_limit::Attempt;
use stoa_app::staff::{self, Purpose, StaffError};
use stoa_kernel::Token;
use stoa_pages::admin::{
    FieldError, ForgotPage, NewPasswordPage, Notice, PeoplePage, Section, Tone,
};

use super::answer::{Answer, notice, page, see_other, sentence};
use super::gate::{Action, Form, Staff, context, csrf, hand_over, held, now};
use crate::client::Client;
use crate::limits::Applied;
use crate::reply::ApiError;
use crate::state::Web;

/// `GET /admin/people`
pub async fn list(
    State(web): State<Web>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let shown = people(&web, &staff, query.as_deref(), String::new(), Vec::new()).await;
    staff.answer(&web, Section::People, shown).await
}

/// `POST /admin/people`: invites someone.
pub async fn invite(State(web): State<Web>, action: Action) -> Response<Body> {
    let invited = invited(&web, &action).await;
    action.staff.answer(&web, Section::People, invited).await
}

/// `POST /admin/people/revoke`: takes an invitation back.
pub async fn revoke(State(web): State<Web>, action: Action) -> Response<Body> {
    let revoked = staff::revoke_invitation(&web.shop().db, action.form.get("email")).await;
    let revoked = revoked.map(|()| see_other("/admin/people?notice=revoked"));
    let revoked = revoked.map_err(ApiError::from);
    action.staff.answer(&web, Section::People, revoked).await
}

async fn people(
    web: &Web,
    staff: &Staff,
    query: Option<&str>,
    email: String,
    errors: Vec<FieldError>,
) -> Answer {
    let (people, invited) = staff::people(&web.shop().db, now(web)).await?;
    let mut frame = staff.frame(web, Section::People).await;
    frame.notice = notice(query);
    let status = if errors.is_empty() { 200 } else { 422 };
    let shown = PeoplePage {
        frame,
        people: people.into_iter().map(|user| (user.name, user.email)).collect(),
        invited,
        sends: web.shop().mailer.sends(),
        email,
        errors,
    };
    Ok(page(status, shown.render()))
}

async fn invited(web: &Web, action: &Action) -> Answer {
    let email = action.form.get("email");
    let mut ctx = context(web)?;
    match staff::invite(web.shop(), &mut ctx, &action.staff.user, email).await {
        Ok(()) => Ok(see_other("/admin/people?notice=invited")),
        Err(StaffError::Invalid(errors)) => {
            let errors = errors.iter().map(|error| {
                FieldError::new("email", sentence(&format!("E-mail address: {}", error.detail)))
            });
            people(web, &action.staff, None, email.to_owned(), errors.collect()).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /admin/forgot`: asks whose password is forgotten.
pub async fn forgot(State(web): State<Web>, headers: HeaderMap) -> Response<Body> {
    asked(&web, &headers, 200, None, true).unwrap_or_else(IntoResponse::into_response)
}

fn asked(
    web: &Web,
    headers: &HeaderMap,
    status: u16,
    notice: Option<Notice>,
    asks: bool,
) -> Answer {
    let (token, is_new) = match held(web, headers) {
        Some(token) => (token, false),
        None => (entropy::token().map_err(|error| ApiError::internal(&error))?, true),
    };
    let shop = web.shop().config.name.clone();
    let shown = ForgotPage { shop, csrf: csrf(&token), notice, asks };
    let mut response = page(status, shown.render());
    if is_new {
        response.headers_mut().append(SET_COOKIE, hand_over(web, Some(&token)));
    }
    Ok(response)
}

/// `POST /admin/forgot`: sends a link, if there is someone with this address. The answer is the same
/// either way.
pub async fn send_reset(
    State(web): State<Web>,
    client: Client,
    request: Request,
) -> Response<Body> {
    sent(&web, client, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn sent(web: &Web, client: Client, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let say = |status, tone, text: &str, asks| {
        asked(web, headers, status, Some(Notice::new(tone, text)), asks)
    };
    let Some(token) = held(web, headers) else {
        let text = "Your browser sent no cookie. Allow cookies for this site, then try again.";
        return say(403, Tone::Bad, text, true);
    };
    let Ok(form) = Form::read(web, headers, body, &token).await else {
        return say(403, Tone::Bad, "This form was too old or came from elsewhere.", true);
    };
    let email = form.get("email");
    let attempt = Attempt::new_password(&web.shop().limits, client.address, email);
    let applied = Applied::of(&parts.extensions);
    if let Some(minutes) = applied.attempt(web, &attempt).await {
        let text = format!("Too many attempts. Try again in {minutes} minutes.");
        return say(429, Tone::Bad, &text, true);
    }
    staff::ask_reset(web.shop(), &mut context(web)?, email).await?;
    let text = if web.shop().mailer.sends() {
        "If someone signs in with this address, a mail with a link is on its way to it. The link \
         works for one hour."
    } else {
        "This shop sends no mail. Ask its operator for a link: `stoa staff reset-link` prints one."
    };
    say(200, Tone::Info, text, false)
}

/// `GET /admin/reset/{token}`: asks for a new password.
pub async fn new_password(State(web): State<Web>, Path(token): Path<String>) -> Response<Body> {
    opened(&web, &token, Purpose::Reset).await
}

/// `GET /admin/invitation/{token}`: asks for name and password.
pub async fn invitation(State(web): State<Web>, Path(token): Path<String>) -> Response<Body> {
    opened(&web, &token, Purpose::Invitation).await
}

/// `POST /admin/reset/{token}`
pub async fn set_password(
    State(web): State<Web>,
    Path(token): Path<String>,
    request: Request,
) -> Response<Body> {
    used(&web, &token, Purpose::Reset, request).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST /admin/invitation/{token}`
pub async fn join(
    State(web): State<Web>,
    Path(token): Path<String>,
    request: Request,
) -> Response<Body> {
    let used = used(&web, &token, Purpose::Invitation, request).await;
    used.unwrap_or_else(IntoResponse::into_response)
}

/// The same answer to a link that was used, is too old or never was one.
fn closed(web: &Web) -> Response<Body> {
    let text = "This link was used or is too old. Ask for a new one.";
    let notice = Some(Notice::new(Tone::Warn, text));
    let shop = web.shop().config.name.clone();
    page(410, ForgotPage { shop, notice, ..ForgotPage::default() }.render())
}

fn password_page(web: &Web, link: &Token, purpose: Purpose, email: &str) -> NewPasswordPage {
    let is_invited = purpose == Purpose::Invitation;
    let title = if is_invited { "Welcome" } else { "Set a new password" };
    NewPasswordPage {
        shop: web.shop().config.name.clone(),
        title: title.to_owned(),
        action: format!("/admin/{}/{}", purpose.as_str(), link.reveal()),
        csrf: csrf(link),
        email: email.to_owned(),
        name: is_invited.then(String::new),
        errors: Vec::new(),
    }
}

async fn opened(web: &Web, token: &str, purpose: Purpose) -> Response<Body> {
    let Ok(link) = token.parse::<Token>() else { return closed(web) };
    match staff::link_email(&web.shop().db, &link.hash(), purpose, now(web)).await {
        Ok(Some(email)) => page(200, password_page(web, &link, purpose, &email).render()),
        Ok(None) => closed(web),
        Err(error) => ApiError::from(error).into_response(),
    }
}

async fn used(web: &Web, token: &str, purpose: Purpose, request: Request) -> Answer {
    let Ok(link) = token.parse::<Token>() else { return Ok(closed(web)) };
    let (parts, body) = request.into_parts();
    let form = Form::read(web, &parts.headers, body, &link).await?;
    let (password, name) = (form.get("password").to_owned(), form.get("name"));
    let (db, cache) = (&web.shop().db, &web.shop().cache);
    let hash = link.hash();
    let Some(email) = staff::link_email(db, &hash, purpose, now(web)).await? else {
        return Ok(closed(web));
    };
    let again = |errors| {
        let asked = password_page(web, &link, purpose, &email);
        let entered = asked.name.as_ref().map(|_| name.to_owned());
        page(422, NewPasswordPage { name: entered, errors, ..asked }.render())
    };
    if form.get("repeat") != password {
        let error = FieldError::new("repeat", "The two passwords differ; enter both again.");
        return Ok(again(vec![error]));
    }
    let mut ctx = context(web)?;
    let made = match purpose {
        Purpose::Reset => staff::reset_password(db, cache, &mut ctx, &hash, password.clone()).await,
        Purpose::Invitation => {
            staff::accept_invitation(db, &mut ctx, &hash, name, password.clone()).await
        }
    };
    let user = match made {
        Ok(user) => user,
        Err(StaffError::LinkClosed) => return Ok(closed(web)),
        Err(StaffError::Invalid(errors)) => {
            let errors = errors.iter().map(|error| {
                let field = error.pointer.trim_start_matches('/');
                let label = if field == "name" { "Your name" } else { "Password" };
                let field = if field == "name" { "name" } else { "password" };
                FieldError::new(field, sentence(&format!("{label}: {}", error.detail)))
            });
            return Ok(again(errors.collect()));
        }
        Err(error) => return Err(error.into()),
    };
    let (_, session) = staff::sign_in(db, cache, now(web), &user.email, password, None).await?;
    let mut response = see_other("/admin");
    response.headers_mut().append(SET_COOKIE, hand_over(web, Some(&session)));
    Ok(response)
}
