//! `sig-bind`: a link for requests that show something which does not stand in the link.
//!
//! Links are signed by hand over what they cover and over whatever lines a row says, those included that no signer writes.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "contexts/asking.rs"]
mod asking;
#[path = "contexts/basic.rs"]
mod basic;
#[path = "contexts/carried.rs"]
mod carried;
#[path = "contexts/config.rs"]
mod config;
#[path = "contexts/host.rs"]
mod host;
#[path = "contexts/lines.rs"]
mod lines;
#[path = "support/log.rs"]
mod log;
#[path = "contexts/password.rs"]
mod password;
#[path = "contexts/required.rs"]
mod required;
mod support;
#[path = "contexts/values.rs"]
mod values;

use std::borrow::Cow;
use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Empty;
use support::by_hand::{secret, signed_with as sign};
use support::{NOW, at, by_hand, figure_key};
use tower::{Layer, ServiceExt, service_fn};
use tower_signed_url::*;

/// When the figures expire, 1000 seconds after [`NOW`].
const EXP: u64 = 1_790_000_000;

/// Kind, status, and whether the signature had matched.
type Outcome = Result<(), (RejectionKind, u16, bool)>;

const fn unsigned(kind: RejectionKind) -> Outcome {
    Err((kind, 403, false))
}

const fn authentic(kind: RejectionKind) -> Outcome {
    Err((kind, 403, true))
}

/// Who is signed in, as a login further out would tell.
#[derive(Clone)]
struct User(String);

/// What a closure of one's own looks at.
#[derive(Clone)]
struct Tenant(String);

fn mac(secret: &[u8], text: &str) -> String {
    by_hand::mac_by(secret, text)
}

/// A link that is alive at [`NOW`] and binds these names.
fn link(names: &str, lines: &str) -> String {
    sign(&format!("/a?exp=1790000000&sig-bind={names}"), lines)
}

/// The figures' key, without an id, and `k`.
fn keys() -> Keyring {
    let keys = Keyring::new(figure_key());
    keys.accept(SigningKey::from_bytes(&[1; 32]).unwrap().with_id("k".parse().unwrap())).unwrap();
    keys
}

/// A verifier to be, with a source of every kind.
fn builder() -> VerifierBuilder {
    Verifier::builder(&keys())
        .clock(|| at(NOW))
        .bind("host", context::host())
        .bind("user", context::extension(|user: &User| &user.0))
        .bind("role", context::header(HeaderName::from_static("x-role")))
        .bind("session", context::cookie("session"))
        .bind("tenant", |head| head.extensions().get().map(|tenant: &Tenant| Cow::Owned(tenant.0.clone())))
        .bind("password", context::basic_password())
}

fn verifier() -> Verifier {
    builder().build().unwrap()
}

/// A `GET` with these header lines.
fn get(target: &str, lines: &[(&str, &[u8])]) -> Request<()> {
    let mut request = Request::get(target).body(()).unwrap_or_else(|error| panic!("{target}: {error}"));
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

fn get_by(target: &str, user: &str) -> Request<()> {
    let mut request = get(target, &[]);
    request.extensions_mut().insert(User(user.to_owned()));
    request
}

/// What the layer answers: the service, if it is called, leaves its request in the response.
fn ask(layer: &SignedUrlLayer, request: &Request<()>) -> Response<ResponseBody<Empty<Bytes>>> {
    let service = service_fn(async |request: Request<Empty<Bytes>>| {
        let mut response = Response::new(Empty::new());
        response.extensions_mut().insert(request.map(drop).into_parts().0);
        Ok::<_, Infallible>(response)
    });
    let answer = layer.layer(service).oneshot(request.clone().map(|()| Empty::new()));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer).unwrap()
}

fn seen<B>(answer: &Response<B>) -> Option<&http::request::Parts> {
    answer.extensions().get()
}

/// Asks the verifier why, and the layer what the client is told.
fn check(verifier: &Verifier, name: &str, request: &Request<()>, expected: Outcome) {
    let found = verifier.verify(Head::of(request)).map(drop);
    let told = |rejection: &Rejection| (rejection.kind(), rejection.status().as_u16(), rejection.is_authentic());
    assert_eq!(found.as_ref().map_err(told).copied(), expected, "{name}: {:.200}", request.uri().to_string());

    let answer = ask(&SignedUrlLayer::new(verifier), request);
    let status = expected.map_or_else(|(_, status, _)| status, |()| 200);
    assert_eq!(answer.status().as_u16(), status, "{name}");
    assert_eq!(seen(&answer).is_some(), expected.is_ok(), "{name}: whether the service was called");
    let challenges: Vec<_> = answer.headers().get_all("www-authenticate").iter().collect();
    let expected_challenges: &[&str] = if status == 401 { &[CHALLENGE] } else { &[] };
    assert_eq!(challenges, expected_challenges, "{name}");
}

/// FORMAT section 4.
const CHALLENGE: &str = "Basic realm=\"Link\", charset=\"UTF-8\"";
