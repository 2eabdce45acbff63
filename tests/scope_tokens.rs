//! Scope tokens (FORMAT section 3): what they open, in whichever carrier they come, and what they do not.
//!
//! A token that is to be refused for what it says is correctly signed by hand: one whose MAC is wrong anyway would
//! prove nothing.
#![cfg(all(feature = "axum", feature = "trace"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "scope_tokens/carriers.rs"]
mod carriers;
#[path = "scope_tokens/concealed_twice.rs"]
mod concealed_twice;
#[path = "scope_tokens/cookie.rs"]
mod cookie;
#[path = "scope_tokens/exchange.rs"]
mod exchange;
#[path = "scope_tokens/late.rs"]
mod late;
#[path = "support/log.rs"]
mod log;
#[path = "scope_tokens/logs.rs"]
mod logs;
#[path = "scope_tokens/minting.rs"]
mod minting;
#[path = "scope_tokens/path.rs"]
mod path;
#[path = "scope_tokens/query.rs"]
mod query;
#[path = "scope_tokens/routers.rs"]
mod routers;
#[path = "scope_tokens/rules.rs"]
mod rules;
mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{COOKIE, HeaderMap};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use support::by_hand::signed as token;
use support::{NOW, at, by_hand, figure_keys};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_signed_url::*;

/// What the tokens that are to work cover: 1000 seconds are left at [`NOW`].
const COVERED: &str = "sig-scope=/v/&exp=1790000000";

fn mac(text: &str) -> String {
    by_hand::mac(text)
}

fn encode(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// What reads tokens wherever they may stand.
fn builder() -> VerifierBuilder {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).token_path()
}

fn verifier() -> Verifier {
    builder().build().unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Query,
    Cookie,
    Path,
}

use Carrier::{Cookie as InCookie, Path as InPath, Query as InQuery};

const CARRIERS: [Carrier; 3] = [InQuery, InCookie, InPath];

impl Carrier {
    /// A `GET` of this target with this token.
    fn get(self, target: &str, token: &str) -> Request<()> {
        match self {
            InQuery => {
                let separator = if target.contains('?') { '&' } else { '?' };
                get(&format!("{target}{separator}{token}"))
            }
            InCookie => with_cookies(target, &[&format!("{DEFAULT_COOKIE}={}", encode(token))]),
            InPath => get(&format!("/~{}{target}", encode(token))),
        }
    }
}

fn get(target: &str) -> Request<()> {
    Request::get(target).body(()).unwrap_or_else(|error| panic!("{target}: {error}"))
}

/// A `GET` with these `Cookie` fields.
fn with_cookies(target: &str, fields: &[&str]) -> Request<()> {
    let mut request = get(target);
    for field in fields {
        request.headers_mut().append(COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
    }
    request
}

/// Kind, and whether the signature had matched.
type Outcome = Result<(), (RejectionKind, bool)>;

const fn unsigned(kind: RejectionKind) -> Outcome {
    Err((kind, false))
}

const fn authentic(kind: RejectionKind) -> Outcome {
    Err((kind, true))
}

/// What the verifier says. A refusal tells nothing of the token.
fn outcome(verifier: &Verifier, name: &str, request: &Request<()>) -> Outcome {
    verifier.verify(Head::of(request)).map(drop).map_err(|rejection| {
        let kind = rejection.kind();
        assert_eq!(rejection.status(), kind.status(), "{name}");
        let told = format!("{rejection} {rejection:?}");
        for secret in ["1790000000", "c2lnLXNjb3BlPS", "signed-url=", &mac(COVERED)[..8]] {
            assert!(!told.contains(secret), "{name}: {told}");
        }
        (kind, rejection.is_authentic())
    })
}

/// What a service was called with: it leaves this in its response.
#[derive(Clone, Debug)]
struct Seen(Parts);

type Answer = Response<ResponseBody<Full<Bytes>>>;

/// The answer of a layer around a service that gives these headers.
fn call<V: Verify>(layer: &SignedUrlLayer<V>, request: Request<()>, headers: &HeaderMap) -> Answer {
    let service = service_fn(|request: Request<Full<Bytes>>| {
        let (parts, body) = request.into_parts();
        let mut response = Response::new(body);
        *response.headers_mut() = headers.clone();
        response.extensions_mut().insert(Seen(parts));
        ready(Ok::<_, Infallible>(response))
    });
    respond(layer.layer(service), request)
}

/// A service that answers with what it was called with.
fn tell(request: Request<Full<Bytes>>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    let (parts, body) = request.into_parts();
    ready(Ok(Response::builder().extension(Seen(parts)).body(body).unwrap()))
}

/// The answer of a layer inside of a `ConcealLayer`.
fn concealed(layer: &SignedUrlLayer, request: Request<()>) -> Answer {
    respond(ConcealLayer::new(verifier()).layer(layer.layer(service_fn(tell))), request)
}

fn respond<S, B>(service: S, request: Request<()>) -> Response<B>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.oneshot(request.map(|()| Full::default()))).unwrap()
}

fn seen<B>(answer: &Response<B>) -> Option<&Parts> {
    answer.extensions().get::<Seen>().map(|seen| &seen.0)
}

/// Status, kind of the refusal, target that the service saw, and whether that was by a grant.
fn result<B>(answer: &Response<B>) -> (u16, Option<RejectionKind>, Option<(String, bool)>) {
    let kind = answer.extensions().get::<Rejection>().map(Rejection::kind);
    let seen = seen(answer).map(|seen| (seen.uri.to_string(), seen.extensions.get::<Grant>().is_some()));
    (answer.status().as_u16(), kind, seen)
}

fn granted(target: &str) -> (u16, Option<RejectionKind>, Option<(String, bool)>) {
    (200, None, Some((target.into(), true)))
}

fn anonymous(target: &str) -> (u16, Option<RejectionKind>, Option<(String, bool)>) {
    (200, None, Some((target.into(), false)))
}

fn refused(kind: RejectionKind) -> (u16, Option<RejectionKind>, Option<(String, bool)>) {
    (kind.status().as_u16(), Some(kind), None)
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        .collect()
}

fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| str::from_utf8(value.as_bytes()).unwrap()).collect()
}
