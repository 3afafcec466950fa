//! Who may enter, and which forms are theirs.
//!
//! A browser holds a random token in a cookie. Signed in, its hash is a session in the store; on
//! the sign-in page it is nobody's yet. Either way the forms of a page carry another token that is
//! derived from it, which other sites can neither read nor make: a form without it, or one that the
//! browser says comes from elsewhere, is refused before anything is read from it.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::IntoResponse;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};
use stoa_app::back_office::store as back_office;
use stoa_app::staff::{self, SESSION_S, User};
use stoa_kernel::{Ctx, Timestamp, Token};
use stoa_pages::admin::{Frame, Section};
use subtle::ConstantTimeEq;

use super::answer::see_other;
use crate::api::products::pairs;
use crate::api::suggest::encode;
use crate::browser;
use crate::reply::ApiError;
use crate::state::Web;

/// Bytes of a form: a product with all its variants.
const FORM_BYTES: usize = 4 * 1024 * 1024;
/// How long a payment may wait before someone should look, in seconds.
pub(super) const PATIENCE_S: i64 = 10 * 60;

/// Name of the cookie. Behind TLS the prefix makes browsers refuse it from other hosts and paths.
fn cookie_name(web: &Web) -> &'static str {
    if browser::is_tls(web) { "__Host-stoa_admin" } else { "stoa_admin" }
}

/// The token that the browser holds, whoever it may be.
pub(super) fn held(web: &Web, headers: &HeaderMap) -> Option<Token> {
    browser::cookies(headers, cookie_name(web)).find_map(|value| value.parse().ok())
}

/// A `Set-Cookie` that gives the browser a token, or with `None` takes it away.
pub(super) fn hand_over(web: &Web, token: Option<&Token>) -> HeaderValue {
    let (value, seconds) = match token {
        Some(token) => (token.reveal(), SESSION_S),
        None => (String::new(), 0),
    };
    browser::set_cookie(web, cookie_name(web), &value, "/", Some(seconds))
}

/// What the forms of a page carry for the holder of `token`.
pub(super) fn csrf(token: &Token) -> String {
    token.derive("csrf").reveal()
}

/// Whether a form carries what a page made for the holder of `token`.
fn is_csrf_of(token: &Token, given: &str) -> bool {
    // Hashes are compared, and in constant time, so that no answer tells how near a guess was.
    given.parse::<Token>().is_ok_and(|given| {
        let (given, wanted) = (given.hash(), token.derive("csrf").hash());
        given.0.ct_eq(&wanted.0).into()
    })
}

/// The fields of a form.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a field; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// The value of a field.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All fields, in the order of the form.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Reads a form that a page made for the holder of `token`.
    pub(super) async fn read(
        web: &Web,
        headers: &HeaderMap,
        body: Body,
        token: &Token,
    ) -> Result<Self, ApiError> {
        let refused = || {
            ApiError::new(
                403,
                "forbidden",
                "this form does not come from a page of this session, so nothing was changed; \
                 open the page again and repeat your change",
            )
        };
        if !browser::is_same_origin(headers, &web.options().public_url) {
            return Err(refused());
        }
        let bytes = axum::body::to_bytes(body, FORM_BYTES)
            .await
            .map_err(|_| ApiError::new(413, "too_large", "the form is too large"))?;
        let form = Self(pairs(&String::from_utf8_lossy(&bytes)));
        if is_csrf_of(token, form.get("csrf")) { Ok(form) } else { Err(refused()) }
    }
}

/// Someone who is signed in.
#[derive(Debug)]
pub struct Staff {
    /// Who.
    pub user: User,
    token: Token,
}

impl Staff {
    /// What the store knows the session by.
    pub(super) fn session(&self) -> stoa_kernel::TokenHash {
        self.token.hash()
    }

    /// What surrounds a page for this user.
    pub(super) async fn frame(&self, web: &Web, section: Section) -> Frame {
        Frame {
            shop: web.shop().config.name.clone(),
            user: self.user.name.clone(),
            email: self.user.email.clone(),
            csrf: csrf(&self.token),
            section,
            n_attention: n_attention(web).await,
            notice: None,
        }
    }
}

/// How many orders wait; a frame without that number is better than no page.
async fn n_attention(web: &Web) -> i64 {
    let before = now(web).plus_seconds(-PATIENCE_S);
    let Ok(mut tx) = web.shop().db.read().await else { return 0 };
    back_office::attention_count(&mut tx, before).await.unwrap_or(0)
}

/// The time of this request.
pub(super) fn now(web: &Web) -> Timestamp {
    (web.shop().clock)()
}

/// What a decision may know of the outside.
pub(super) fn context(web: &Web) -> Result<Ctx, ApiError> {
    let ids = stoa_app::entropy::ids().map_err(|error| ApiError::internal(&error))?;
    Ok(Ctx { now: now(web), ids })
}

impl FromRequestParts<Web> for Staff {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        if let Some(token) = held(web, &parts.headers) {
            match staff::session(&web.shop().db, &web.shop().cache, &token.hash(), now(web)).await {
                Ok(Some(user)) => return Ok(Self { user, token }),
                Ok(None) => {}
                Err(error) => return Err(ApiError::from(error).into_response()),
            }
        }
        // A form cannot be sent again after signing in, a page can be opened again.
        let next = match (&parts.method, parts.uri.path_and_query()) {
            (&Method::GET, Some(path)) => path.as_str(),
            _ => "/admin",
        };
        Err(see_other(&format!("/admin/sign-in?next={}", encode(next))))
    }
}

/// A form that someone who is signed in sent from a page of this session.
#[derive(Debug)]
pub struct Action {
    /// Who.
    pub staff: Staff,
    /// What.
    pub form: Form,
}

impl FromRequest<Web> for Action {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let staff = Staff::from_request_parts(&mut parts, web).await?;
        match Form::read(web, &parts.headers, body, &staff.token).await {
            Ok(form) => Ok(Self { staff, form }),
            Err(error) => Err(error.into_response()),
        }
    }
}
