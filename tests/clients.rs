//! Clients whose requests are signed by a `SignRequestLayer`, or by hand, over real sockets to servers behind a
//! `SignedUrlLayer`: what arrives, what is not sent, and who else could use a signature.
#![cfg(feature = "axum")]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "clients/base.rs"]
mod base;
#[path = "clients/contexts.rs"]
mod contexts;
#[path = "clients/errors.rs"]
mod errors;
#[path = "clients/grpc.rs"]
mod grpc;
#[path = "support/log.rs"]
mod log;
#[path = "clients/logs.rs"]
mod logs;
#[path = "clients/readiness.rs"]
mod readiness;
#[path = "clients/requests.rs"]
mod requests;
#[path = "clients/rotation.rs"]
mod rotation;
mod support;
#[path = "clients/webhooks.rs"]
mod webhooks;
#[path = "support/wire.rs"]
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use support::{at, figure_keys};
use tower::util::{BoxCloneSyncService, MapRequest};
use tower::{Service, ServiceExt, service_fn};
use tower_signed_url::{
    BoxError, Grant, SignError, SignErrorKind, SignRequestLayer, SignedUrlLayer, Signer, SigningKey, Verifier,
};
use wire::{serve, tell_kind};

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// Says what it was asked, in a field, which an answer to `HEAD` has too, and gives the body back.
async fn echo(request: Request) -> Response<axum::body::Body> {
    let granted = if request.extensions().get::<Grant>().is_some() { "" } else { ", anonymous" };
    let saw = format!("{} {}{granted}", request.method(), request.uri().path_and_query().unwrap());
    let version = format!("{:?}", request.version());
    Response::builder()
        .header("x-saw", saw)
        .header("x-version", version)
        .header("x-text", request.headers().get("x-text").map_or(&b""[..], |text| text.as_bytes()))
        .body(request.into_body())
        .unwrap()
}

/// A server that echoes behind a verifier's layer, and names the kind of refusal in a field.
fn echoing(verifier: impl Into<Verifier>) -> Router {
    Router::new().fallback(echo).layer(SignedUrlLayer::new(verifier).on_reject(tell_kind))
}

type Resolver = BoxCloneSyncService<Name, std::vec::IntoIter<SocketAddr>, io::Error>;
type Hyper = Client<HttpConnector<Resolver>, Full<Bytes>>;

#[derive(Clone, Copy, Debug)]
enum Http {
    One,
    Two,
}

/// hyper-util's client. It finds these hosts at these addresses, and no others.
fn hyper(http: Http, hosts: &[(&'static str, SocketAddr)]) -> Hyper {
    let hosts = hosts.to_vec();
    let resolver = service_fn(move |name: Name| {
        let address = hosts.iter().find(|(host, _)| name.as_str().eq_ignore_ascii_case(host));
        let found = address.map(|(_, address)| vec![*address].into_iter());
        async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) }
    });
    let connector = HttpConnector::new_with_resolver(BoxCloneSyncService::new(resolver));
    Client::builder(TokioExecutor::new()).http2_only(matches!(http, Http::Two)).build(connector)
}

/// The figures' keys, at the fixed time.
fn signer() -> Signer {
    Signer::new(&figure_keys()).with_clock(|| at(support::NOW))
}

/// A key of this id.
fn key(id: &str) -> SigningKey {
    SigningKey::from_bytes(id.repeat(16).as_bytes()).unwrap().with_id(id.parse().unwrap())
}

fn sign(signer: Signer) -> SignRequestLayer {
    SignRequestLayer::new(signer, HALF_A_MINUTE)
}

fn request(method: &str, uri: &str) -> http::Request<Full<Bytes>> {
    http::Request::builder().method(method).uri(uri).body(Full::default()).unwrap()
}

/// The URIs that came through, in their order.
type Sent = Arc<Mutex<Vec<Uri>>>;

/// A service, and what it was given.
type Noted<S, F> = (MapRequest<S, F>, Sent);

/// Notes what the signing layer around it sends.
fn noting<S, B>(inner: S) -> Noted<S, impl Fn(http::Request<B>) -> http::Request<B> + Clone> {
    let sent = Sent::default();
    let noted = Arc::clone(&sent);
    let note = move |request: http::Request<B>| {
        noted.lock().unwrap().push(request.uri().clone());
        request
    };
    (MapRequest::new(inner, note), sent)
}

/// Status, what the server saw or why it refused, and the body.
async fn ask<S, B>(client: &S, request: http::Request<Full<Bytes>>) -> Result<(u16, String, Bytes), BoxError>
where
    S: Service<http::Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let answer = client.clone().oneshot(request).await.map_err(Into::into)?;
    let field = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, told) = (answer.status().as_u16(), field("x-saw").or(field("x-kind")).unwrap_or_default());
    Ok((status, told, answer.into_body().collect().await.map_err(Into::into)?.to_bytes()))
}

/// Status, and what the server saw or why it refused.
async fn told<S, B>(client: &S, method: &str, uri: &str) -> (u16, String)
where
    S: Service<http::Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (status, told, _) = ask(client, request(method, uri)).await.unwrap();
    (status, told)
}

fn kind(error: &BoxError) -> Option<SignErrorKind> {
    error.downcast_ref().map(SignError::kind)
}

/// An address where nobody who asks is answered, and it is known whether anybody asked.
struct Nobody(std::net::TcpListener);

impl Nobody {
    fn listen() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// A connection that a client has opened waits here to be taken.
    fn was_asked(&self) -> bool {
        self.0.accept().is_ok()
    }

    async fn asked(&self) {
        while !self.was_asked() {
            tokio::task::yield_now().await;
        }
    }
}
