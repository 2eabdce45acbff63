//! Real axum routers on real sockets: wherever the layer stands, a link is for the path that the client asks for, and
//! handlers see no credential.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

#[path = "axum/extractors.rs"]
mod extractors;
#[path = "axum/mounts.rs"]
mod mounts;
#[path = "axum/rewrites.rs"]
mod rewrites;
#[path = "axum/routers.rs"]
mod routers;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{OriginalUri, Request};
use axum::routing::get;
use axum::{Router, ServiceExt};
use http::Uri;
use support::{Reply, exchange, fixed_verifier, link};
use tokio::runtime::Runtime;
use tower::Service;
use tower_signed_url::{ConcealLayer, Grant, SignedUrlLayer};
use wire::tell_kind;

/// A server for as long as this lives.
struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    fn start<S>(app: S) -> Self
    where
        S: Service<Request, Response = axum::response::Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).into_future());
        Self { address, _runtime: runtime }
    }

    fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    /// Status and body.
    fn answer(&self, target: &str) -> (u16, String) {
        self.answer_to("GET", target)
    }

    fn answer_to(&self, method: &str, target: &str) -> (u16, String) {
        let reply = exchange(self.address, method, target, &[], b"");
        (reply.status, String::from_utf8(reply.body).unwrap())
    }
}

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier()).on_reject(tell_kind)
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(fixed_verifier())
}

/// Tells what it sees.
async fn report(uri: Uri, OriginalUri(original): OriginalUri, grant: Option<Grant>) -> String {
    let granted = if grant.is_some() { "granted" } else { "anonymous" };
    format!("{uri} {original} {granted}")
}

fn route(path: &str) -> Router {
    Router::new().route(path, get(report))
}
