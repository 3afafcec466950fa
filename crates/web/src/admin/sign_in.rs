//! In and out.

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::response::IntoResponse;
use http::header::SET_COOKIE;
use http::{HeaderMap, Response};
use stoa_app::entropy;
use stoa_app::rate_limit::Attempt;
use stoa_app::staff::{self, StaffError};
use stoa_kernel::Token;
use stoa_pages::admin::{Notice, Section, SignInPage, Tone};

use super::answer::{page, parameter, see_other, sentence};
use super::gate::{Action, Form, csrf, hand_over, held, now};
use crate::client::Client;
use crate::limits::Applied;
use crate::reply::ApiError;
use crate::state::Web;

/// A path of the back office to go to after signing in. Anything else could lead elsewhere.
fn destination(text: &str) -> &str {
    let inside = text == "/admin" || text.starts_with("/admin/") || text.starts_with("/admin?");
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if inside && plain && !text.starts_with("/admin/sign-") { text } else { "/admin" }
}

/// The sign-in page for a browser; one that holds no token yet is given one, to bind the form to.
fn entrance(
    web: &Web,
    headers: &HeaderMap,
    status: u16,
    filled: SignInPage,
) -> Result<Response<Body>, ApiError> {
    let (token, is_new) = match held(web, headers) {
        Some(token) => (token, false),
        None => (entropy::token().map_err(|error| ApiError::internal(&error))?, true),
    };
    let shown = SignInPage {
        shop: web.shop().config.name.clone(),
        csrf: csrf(&token),
        next: destination(&filled.next).to_owned(),
        ..filled
    };
    let mut response = page(status, shown.render());
    if is_new {
        response.headers_mut().append(SET_COOKIE, hand_over(web, Some(&token)));
    }
    Ok(response)
}

/// `GET /admin/sign-in`: asks who is there; who is known already goes on.
pub async fn show(
    State(web): State<Web>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let next = parameter(query.as_deref(), "next");
    if let Some(token) = held(&web, &headers)
        && let Ok(Some(_)) =
            staff::session(&web.shop().db, &web.shop().cache, &token.hash(), now(&web)).await
    {
        return see_other(destination(&next));
    }
    let filled = SignInPage { next, ..SignInPage::default() };
    entrance(&web, &headers, 200, filled).unwrap_or_else(IntoResponse::into_response)
}

/// `POST /admin/sign-in`: checks the password and begins a session.
pub async fn enter(State(web): State<Web>, client: Client, request: Request) -> Response<Body> {
    entered(&web, client, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn entered(web: &Web, client: Client, request: Request) -> Result<Response<Body>, ApiError> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let again = |status, email: &str, next: &str, notice| {
        let filled = SignInPage {
            email: email.to_owned(),
            next: next.to_owned(),
            notice: Some(notice),
            ..SignInPage::default()
        };
        entrance(web, headers, status, filled)
    };
    let Some(token) = held(web, headers) else {
        let text = "Your browser sent no cookie. Allow cookies for this site, then sign in.";
        return again(403, "", "/admin", Notice::new(Tone::Bad, text));
    };
    let Ok(form) = Form::read(web, headers, body, &token).await else {
        let text = "This form was too old or came from elsewhere. Sign in here.";
        return again(403, "", "/admin", Notice::new(Tone::Bad, text));
    };
    let (email, next) = (form.get("email"), form.get("next"));
    let attempt = Attempt::sign_in(&web.shop().limits, client.address, email);
    let applied = Applied::of(&parts.extensions);
    if let Some(minutes) = applied.attempt(web, &attempt).await {
        let text = format!("Too many attempts. Try again in {minutes} minutes.");
        return again(429, email, next, Notice::new(Tone::Bad, text));
    }
    let password = form.get("password").to_owned();
    let previous = token.hash();
    let db = &web.shop().db;
    let cache = &web.shop().cache;
    match staff::sign_in(db, cache, now(web), email, password, Some(&previous)).await {
        Ok((_, session)) => {
            attempt.succeeded(cache).await;
            let mut response = see_other(destination(next));
            response.headers_mut().append(SET_COOKIE, hand_over(web, Some(&session)));
            Ok(response)
        }
        Err(error @ StaffError::WrongCredentials) => {
            let text = sentence(&error.to_string());
            again(422, email, next, Notice::new(Tone::Bad, text))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/sign-out`: ends the session.
pub async fn leave(State(web): State<Web>, action: Action) -> Response<Body> {
    let left = left(&web, &action.staff.session()).await;
    action.staff.answer(&web, Section::Dashboard, left).await
}

async fn left(web: &Web, session: &stoa_kernel::TokenHash) -> Result<Response<Body>, ApiError> {
    staff::sign_out(&web.shop().db, &web.shop().cache, session).await?;
    let mut response = see_other("/admin/sign-in");
    response.headers_mut().append(SET_COOKIE, hand_over(web, None::<&Token>));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_out_of_the_back_office() {
        for good in ["/admin", "/admin/orders?status=placed", "/admin?notice=saved"] {
            assert_eq!(destination(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/admin",
            "/administrator",
            "/admin\\evil",
            "/admin/x\r\nSet-Cookie: a=b",
            "/admin/sign-in",
        ] {
            assert_eq!(destination(bad), "/admin", "{bad}");
        }
    }
}
