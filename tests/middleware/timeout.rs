//! `TimeoutLayer`: outside it covers live authorization as well; inside its answer is one behind a link.

use std::future::pending;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get as get_route;
use http::StatusCode;
use tower::ServiceBuilder;
use tower_http::timeout::TimeoutLayer;
use tower_signed_url::{Authorize, BoxError, Decision, Grant, Live, SignedUrlLayer, Verifier};

use crate::{NO_STORE, STALE, check, link, signed, tampered_with, told};

/// What never ends takes longer than this, what ends is given an hour: no test waits for a machine to be fast.
const SHORT: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn timeout(after: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, after)
}

fn routes() -> Router {
    Router::new().route("/report", get_route(|| async { "the report" })).route("/never", get_route(pending::<()>))
}

/// With an authorizer that never answers.
fn undecided() -> SignedUrlLayer<Verifier, Live<impl Authorize>> {
    signed().authorize(|_: Grant, _: Parts| pending::<Result<Decision, BoxError>>())
}

#[test]
fn outside_it_covers_live_authorization_and_inside_the_service_alone() {
    let net = || TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, 50 * SHORT);
    let inside = || ServiceBuilder::new().layer(undecided()).layer(timeout(SHORT));
    for (order, servers, target, expected) in [
        ("outside", stacks!(routes(), timeout(SHORT), signed()), "/never", (504, None)),
        ("inside", stacks!(routes(), signed(), timeout(SHORT)), "/never", (504, STALE)),
        ("outside, live", stacks!(routes(), timeout(SHORT), undecided()), "/report", (504, None)),
        // Had the inner one begun, it would have been the first.
        ("inside, live", stacks!(routes(), net(), inside()), "/report", (408, None)),
    ] {
        for (stack, server) in &servers {
            assert_eq!(told(&server.get(&link(target))), expected, "{order}, {stack}");
            assert_eq!(told(&server.get(&tampered_with(target))), (403, NO_STORE), "{order}, {stack}: refused");
        }
    }
}

#[test]
fn what_is_in_time_is_as_without_it_in_either_order() {
    let outside = stacks!(routes(), timeout(HOUR), signed());
    let inside = stacks!(routes(), signed(), timeout(HOUR));
    for (stack, server) in outside.iter().chain(&inside) {
        check(stack, server, "/report");
    }
}
