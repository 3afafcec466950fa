//! Reads requests into plain values, and says clearly what is wrong with those it cannot read.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;
use stoa_app::idempotency::Idempotency;
use stoa_app::staff::{self, Scope};
use stoa_app::view::Problem;
use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_kernel::{Token, TokenHash, VendorId, limits as bounds};

use crate::limits;
use crate::reply::ApiError;
use crate::state::Web;

/// The bytes of a request's body, at most [`bounds::BODY_BYTES`].
pub struct RawBody(pub Bytes);

impl FromRequest<Web> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Web) -> Result<Self, ApiError> {
        let too_large =
            || ApiError::new(413, "too_large", "the body is too large; at most 1 MiB are accepted");
        let announced = request
            .headers()
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > bounds::BODY_BYTES) {
            return Err(too_large());
        }
        match axum::body::to_bytes(request.into_body(), bounds::BODY_BYTES).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(too_large()),
        }
    }
}

impl RawBody {
    /// Reads the body as JSON. Malformed JSON is `400 malformed_json`; JSON of another form
    /// (unknown field, wrong type) is `422 invalid` with a pointer to the field.
    ///
    /// # Errors
    /// As above.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = if self.0.is_empty() { b"{}" } else { &self.0[..] };
        // Serde would take an array for an object, its items for the fields in their order.
        if text.trim_ascii_start().starts_with(b"[") {
            serde_json::from_slice::<serde::de::IgnoredAny>(text).map_err(|e| malformed(&e))?;
            return Err(Refusal::field("", "an object is needed").into());
        }
        let mut reader = serde_json::Deserializer::from_slice(text);
        match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => match reader.end() {
                Ok(()) => Ok(value),
                Err(error) => Err(malformed(&error)),
            },
            Err(error) => {
                let pointer = pointer(error.path());
                let inner = error.into_inner();
                if inner.is_data() {
                    let detail = inner.to_string();
                    let detail = detail.split(" at line ").next().unwrap_or(&detail).to_owned();
                    let problem = Problem::new(422, "invalid", "some fields are missing or wrong")
                        .with_fields([FieldError::new(pointer, detail)]);
                    Err(ApiError(Box::new(problem)))
                } else {
                    Err(malformed(&inner))
                }
            }
        }
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(400, "malformed_json", format!("the body is not JSON: {error}"))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// The `Idempotency-Key` of a request, where it has one.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Option<String>);

impl FromRequestParts<Web> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| {
            !key.is_empty() && key.len() <= bounds::IDEMPOTENCY_KEY_BYTES && values.next().is_none()
        });
        match key {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(ApiError::new(
                422,
                "idempotency_key_invalid",
                "an Idempotency-Key has 1 to 255 visible ASCII characters and is given once",
            )),
        }
    }
}

impl IdempotencyKey {
    /// The key within its scope (whose keys they are), bound to the request it comes with.
    pub fn bind(&self, scope: &[u8], request: &[&[u8]]) -> Option<Idempotency> {
        self.0.as_ref().map(|key| Idempotency::new(scope, key, request))
    }

    /// The key itself.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A cart's token in the path. Anything that is no token is a cart that does not exist.
///
/// # Errors
/// `404`.
pub fn cart_token(text: &str) -> Result<Token, ApiError> {
    text.strip_prefix("cart_")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::not_found("cart"))
}

/// The text of a cart's token, as the API shows it.
pub fn cart_id(token: &Token) -> String {
    format!("cart_{}", token.reveal())
}

/// A permission as a type, so that a handler names what it needs in its signature.
pub trait Needs {
    /// The scope a token must have.
    const SCOPE: Scope;
}

macro_rules! needs {
    ($($name:ident = $scope:ident),* $(,)?) => {$(
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Needs for $name {
            const SCOPE: Scope = Scope::$scope;
        }
    )*};
}

needs!(
    ProductsRead = ProductsRead,
    ProductsWrite = ProductsWrite,
    StockWrite = StockWrite,
    OrdersRead = OrdersRead,
    OrdersWrite = OrdersWrite,
    CustomersRead = CustomersRead,
    CustomersWrite = CustomersWrite,
    VendorsRead = VendorsRead,
    VendorsWrite = VendorsWrite,
    WebhooksRead = WebhooksRead,
    WebhooksWrite = WebhooksWrite,
);

/// A program that was let in with a token of the needed scope. A handler of the admin API without
/// one of these reads nothing: the extractor is the only way to the data.
#[derive(Debug, Clone)]
pub struct Program<N> {
    /// Hash of its token: whose idempotency keys these are.
    pub token: TokenHash,
    needs: std::marker::PhantomData<N>,
}

impl<N: Needs + Send + Sync> FromRequestParts<Web> for Program<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, ApiError> {
        let (hash, _) = let_in(parts, web, N::SCOPE).await?;
        Ok(Self { token: hash, needs: std::marker::PhantomData })
    }
}

/// A program of a vendor. Its handlers read and change through transactions of the vendor alone.
#[derive(Debug, Clone, Copy)]
pub struct VendorProgram {
    /// Hash of its token: whose idempotency keys these are.
    pub token: TokenHash,
    /// The vendor it speaks for.
    pub vendor: VendorId,
}

impl FromRequestParts<Web> for VendorProgram {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, ApiError> {
        let (token, found) = let_in(parts, web, Scope::Vendor).await?;
        match found.vendor {
            Some(vendor) if vendor.is_active => Ok(Self { token, vendor: vendor.id }),
            _ => Err(ApiError::new(403, "forbidden", "this vendor is suspended")),
        }
    }
}

/// The token of a request, which must have a scope.
async fn let_in(
    parts: &Parts,
    web: &Web,
    scope: Scope,
) -> Result<(TokenHash, staff::ApiToken), ApiError> {
    let refused = || {
        ApiError::new(
            401,
            "unauthenticated",
            "send `Authorization: Bearer TOKEN` with a token of `stoa token create`",
        )
    };
    let header = parts.headers.get(http::header::AUTHORIZATION);
    let text = header.and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let (scheme, token) = text.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let token = token.trim();
    let token = token.strip_prefix("stoa_").unwrap_or(token);
    let token: Token = token.parse().map_err(|_| refused())?;
    let hash = token.hash();
    let found = staff::api_token(&web.shop().db, &hash).await?.ok_or_else(refused)?;
    limits::admit_token(web, &parts.extensions, &hash).await?;
    if !found.scopes.allow(scope) {
        let detail = format!("this token lacks the scope `{scope}`");
        return Err(ApiError::new(403, "forbidden", detail));
    }
    Ok((hash, found))
}
