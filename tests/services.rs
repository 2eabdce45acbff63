//! Services that are not ready, that fail, that stream, and that are given up: whatever the layers stand around behaves
//! as it would without them, in process before mocks of `tower-test` and on real sockets over HTTP/1 and HTTP/2.
#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "services/bodies.rs"]
mod bodies;
#[path = "support/browser.rs"]
mod browser;
#[path = "services/connect.rs"]
mod connect;
#[path = "services/dropped.rs"]
mod dropped;
#[path = "services/errors.rs"]
mod errors;
#[path = "services/ready.rs"]
mod ready;
mod support;
#[path = "services/websocket.rs"]
mod websocket;
#[path = "support/wire.rs"]
mod wire;

use std::future::{Ready, ready};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::Method;
use http::request::Parts;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use support::{NOW, at, fixed_verifier};
use tower_signed_url::{Authorize, BoxError, ConcealLayer, Decision, Grant, SignedUrlLayer, SoftExpiryLayer};
use wire::serve;

/// Longer than any machine takes; who waits so long waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier()).on_reject(wire::tell_kind)
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(fixed_verifier())
}

fn soft() -> SoftExpiryLayer {
    SoftExpiryLayer::unsigned().with_clock(|| at(NOW))
}

/// Live authorization that lets everything pass.
fn allow() -> impl Authorize + Clone {
    fn allowed(_: Grant, _: Parts) -> Ready<Result<Decision, BoxError>> {
        ready(Ok(Decision::Allow))
    }
    allowed
}

/// Of the path, for the methods of these tests.
fn link(path: &str) -> String {
    let signer = fixed_verifier().signer();
    let link = signer.url(path).method(Method::GET).method(Method::POST);
    link.sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// The routes behind each of the layers, and a target by which it lets `/file` through.
fn arrangements(routes: &Router) -> [(&'static str, Router, String); 5] {
    [
        ("a link", routes.clone().layer(signed()), link("/file")),
        ("no link, and none needed", routes.clone().layer(signed().optional()), "/file".into()),
        ("live authorization", routes.clone().layer(signed().authorize(allow())), link("/file")),
        ("ConcealLayer outside", routes.clone().layer(signed()).layer(conceal()), link("/file")),
        ("an expiry that nothing signs", routes.clone().layer(soft()), format!("/file?exp={}", NOW + 1000)),
    ]
}

/// A client that speaks one protocol only.
fn client<B>(http2: bool) -> Client<HttpConnector, B>
where
    B: http_body::Body<Data = Bytes> + Send,
{
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}
