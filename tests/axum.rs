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

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::get;
use http::Uri;
use support::{exchange, fixed_verifier, link};
use tower_signed_url::{ConcealLayer, Grant, SignedUrlLayer};
use wire::{Server, tell_kind};

/// Status and body.
fn answer(server: &Server, target: &str) -> (u16, String) {
    answer_to("GET", server, target)
}

fn answer_to(method: &str, server: &Server, target: &str) -> (u16, String) {
    let reply = exchange(server.address, method, target, &[], b"");
    (reply.status, String::from_utf8(reply.body).unwrap())
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
