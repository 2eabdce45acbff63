//! Other middleware outside and inside of the layer, on axum servers: what works in either order, and what one order does
//! that the other does not.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

/// Servers of the same routes with two layers around them, the first outside, in each way that applications write it. (A
/// function would need a page of bounds.)
macro_rules! stacks {
    ($routes:expr, $outside:expr, $inside:expr) => {{
        use tower::ServiceBuilder;
        let in_order = || ServiceBuilder::new().layer($outside).layer($inside);
        [
            ("Router::layer twice", $crate::Server::start_with(|| $routes.layer($inside).layer($outside))),
            ("Router::layer", $crate::Server::start_with(|| $routes.layer(in_order()))),
            ("Router::route_layer", $crate::Server::start_with(|| $routes.route_layer(in_order()))),
            (
                "around the whole router",
                $crate::Server::start_with(|| axum::Router::new().fallback_service(in_order().service($routes))),
            ),
        ]
    }};
}

#[path = "support/browser.rs"]
mod browser;
#[path = "middleware/buffer.rs"]
mod buffer;
#[path = "middleware/compression.rs"]
mod compression;
#[path = "middleware/csrf.rs"]
mod csrf;
#[path = "middleware/limits.rs"]
mod limits;
#[path = "support/log.rs"]
mod log;
#[path = "middleware/normalize_path.rs"]
mod normalize_path;
#[path = "middleware/request_id.rs"]
mod request_id;
mod support;
#[path = "middleware/timeout.rs"]
mod timeout;
#[path = "support/wire.rs"]
mod wire;

use support::{NOW, Reply, fixed_verifier, link};
use tower_signed_url::{ConcealLayer, SignedUrlLayer};
use wire::Server;

/// For as long as a link lives.
const FRESH: Option<&str> = Some("private, max-age=1000");
const STALE: Option<&str> = Some("private, max-age=0");
const NO_STORE: Option<&str> = Some("no-store");

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier())
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(fixed_verifier())
}

fn expired(target: &str) -> String {
    wire::signed(&format!("{target}?exp={NOW}"))
}

fn tampered_with(target: &str) -> String {
    format!("{}A", link(target))
}

/// Status and `Cache-Control`. Whoever sets the latter to `no-store` or to the link's time has set `Referrer-Policy`.
#[track_caller]
fn told(reply: &Reply) -> (u16, Option<&str>) {
    let cache_control = reply.header("cache-control");
    assert_eq!(reply.header("referrer-policy"), cache_control.map(|_| "no-referrer"), "{reply:?}");
    (reply.status, cache_control)
}

/// What every stack answers, whatever is outside of what: to a link for this target, and to two that are refused.
#[track_caller]
fn check(stack: &str, server: &Server, target: &str) {
    for (row, link, expected) in [
        ("allowed", link(target), (200, FRESH)),
        ("tampered with", tampered_with(target), (403, NO_STORE)),
        ("expired", expired(target), (410, NO_STORE)),
        ("no link", target.into(), (403, NO_STORE)),
    ] {
        assert_eq!(told(&server.get(&link)), expected, "{stack}: {row}");
    }
}
