//! The first administrator, by the link that the server printed.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::IntoResponse;
use http::Response;
use http::header::SET_COOKIE;
use stoa_app::staff::{self, NewUser, StaffError};
use stoa_kernel::Token;
use stoa_pages::admin::{FieldError, Notice, SetUpPage, SignInPage, Tone};

use super::answer::{page, see_other, sentence};
use super::gate::{Form, context, csrf, hand_over, now};
use crate::reply::ApiError;
use crate::state::Web;

fn form_page(web: &Web, link: &Token) -> SetUpPage {
    SetUpPage {
        shop: web.shop().config.name.clone(),
        action: format!("/admin/setup/{}", link.reveal()),
        csrf: csrf(link),
        ..SetUpPage::default()
    }
}

/// The same answer to a link that was used, is too old or never was one.
fn closed(web: &Web) -> Response<Body> {
    let text = "This set-up link was used or is too old. If nobody has set the shop up yet, start \
                it again: it prints a new link. Otherwise sign in.";
    let entrance = SignInPage {
        shop: web.shop().config.name.clone(),
        notice: Some(Notice::new(Tone::Warn, text)),
        next: "/admin".to_owned(),
        ..SignInPage::default()
    };
    page(410, entrance.render())
}

/// `GET /admin/setup/{token}`: asks for name, address and password.
pub async fn show(State(web): State<Web>, Path(token): Path<String>) -> Response<Body> {
    let Ok(link) = token.parse::<Token>() else { return closed(&web) };
    match staff::setup_link_is_open(&web.shop().db, &link.hash(), now(&web)).await {
        Ok(true) => page(200, form_page(&web, &link).render()),
        Ok(false) => closed(&web),
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// `POST /admin/setup/{token}`: makes the administrator and signs them in.
pub async fn create(
    State(web): State<Web>,
    Path(token): Path<String>,
    request: Request,
) -> Response<Body> {
    let Ok(link) = token.parse::<Token>() else { return closed(&web) };
    match created(&web, &link, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn created(web: &Web, link: &Token, request: Request) -> Result<Response<Body>, ApiError> {
    let (parts, body) = request.into_parts();
    let form = Form::read(web, &parts.headers, body, link).await?;
    let password = form.get("password").to_owned();
    let first = NewUser {
        name: form.get("name").to_owned(),
        email: form.get("email").to_owned(),
        password: password.clone(),
    };
    let again = |errors: Vec<FieldError>| {
        let asked = SetUpPage {
            name: form.get("name").to_owned(),
            email: form.get("email").to_owned(),
            errors,
            ..form_page(web, link)
        };
        page(422, asked.render())
    };
    if form.get("repeat") != password {
        let error = FieldError::new("repeat", "The two passwords differ; enter both again.");
        return Ok(again(vec![error]));
    }
    let db = &web.shop().db;
    let mut ctx = context(web)?;
    let user = match staff::consume_setup_link(db, &mut ctx, &link.hash(), first).await {
        Ok(user) => user,
        Err(StaffError::LinkClosed) => return Ok(closed(web)),
        Err(StaffError::Invalid(errors)) => {
            let errors = errors.iter().map(|error| {
                let field = error.pointer.trim_start_matches('/');
                let label = match field {
                    "name" => "Your name",
                    "email" => "E-mail address",
                    _ => "Password",
                };
                FieldError::new(field, sentence(&format!("{label}: {}", error.detail)))
            });
            return Ok(again(errors.collect()));
        }
        Err(error) => return Err(error.into()),
    };
    let (_, session) =
        staff::sign_in(db, &web.shop().cache, now(web), &user.email, password, None).await?;
    let mut response = see_other("/admin");
    response.headers_mut().append(SET_COOKIE, hand_over(web, Some(&session)));
    Ok(response)
}
