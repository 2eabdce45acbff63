//! Behind a real nginx, with the configuration that the README shows: links pass byte for byte, a prefix can be taken off,
//! shared caches do not outlive links, HTTP/2 stands in front, and nginx's own logs hold no signature.
#![cfg(all(unix, feature = "axum", feature = "trace"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/log.rs"]
mod log;
#[path = "support/nginx.rs"]
mod nginx;
#[path = "nginx/passed_through.rs"]
mod passed_through;
#[path = "support/program.rs"]
mod program;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::fs;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use support::{NOW, Reply, at, fixed_verifier};
use tempfile::TempDir;
use tower_http::services::ServeDir;
use tower_signed_url::{Mint, Signer};

/// Requests pass as they come.
const PASSED_THROUGH: &str = "
server {
    listen 80;
    client_max_body_size 100m; # what your largest upload needs

    location / {
        # Nothing after the port, not even a slash: so nginx sends the path on as it came, byte for byte.
        proxy_pass http://127.0.0.1:3000;
        proxy_set_header Host $http_host;                             # for links that bind `host`
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;  # for links that bind client addresses
    }
}
";

/// Names as they stand in links, and what the files are called. nginx would write half of them in another way.
const NAMES: [(&str, &str); 9] = [
    ("a.txt", "a.txt"),
    ("my%20report.txt", "my report.txt"),
    ("what%3F.txt", "what?.txt"),
    ("1%2B1.txt", "1+1.txt"),
    ("it%27s.txt", "it's.txt"),
    ("%C3%A4.txt", "ä.txt"),
    ("%c3%b6.txt", "ö.txt"),
    ("%7Ehome.txt", "~home.txt"),
    ("%41.txt", "A.txt"),
];

/// The files of [`NAMES`], each with its name in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (_, name) in NAMES {
        fs::write(folder.path().join(name), name).unwrap();
    }
    folder
}

/// Serves the folder as `/files`, and tells of anything else what came.
fn app(folder: &TempDir) -> Router {
    Router::new().nest_service("/files", ServeDir::new(folder.path())).fallback(tell)
}

/// Method, target and length of the body.
async fn tell(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.unwrap().to_bytes().len();
    format!("{} {} {length}", parts.method, parts.uri).into_response()
}

/// A link that has 1000 seconds left at [`NOW`].
fn link(target: &str) -> String {
    let signer = fixed_verifier().signer();
    finish(signer.url(target))
}

fn finish(mint: Mint<'_>) -> String {
    mint.sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// What mints links that have ended at [`NOW`].
fn earlier() -> Signer {
    fixed_verifier().signer().with_clock(|| at(NOW - 9))
}

/// Status and body.
fn answer(reply: Reply) -> (u16, String) {
    (reply.status, String::from_utf8(reply.body).unwrap())
}
