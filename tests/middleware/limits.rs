//! `tower::limit`: outside, what is refused takes slots as well, and uses the rate up; inside, neither. A permit that was
//! taken for a request that is then refused is given back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::request::Parts;
use axum::routing::get as get_route;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tower::layer::util::Identity;
use tower::limit::ConcurrencyLimitLayer;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};
use tower_signed_url::{Decision, Grant, SignedUrlLayer, Verifier, context};

use crate::support::{NOW, Reply, at, exchange, figure_keys};
use crate::{FRESH, NO_STORE, STALE, Server, check, conceal, expired, link, signed, tampered_with, told};

/// What a shed load is answered with.
async fn too_many(error: BoxError) -> (StatusCode, String) {
    (StatusCode::TOO_MANY_REQUESTS, error.to_string())
}

/// Sheds what is over one request at a time.
macro_rules! one_at_a_time {
    () => {
        ServiceBuilder::new().layer(HandleErrorLayer::new(too_many)).load_shed().concurrency_limit(1)
    };
}

/// Sheds what is over two requests in an hour. The rate is everyone's together, so a buffer is before it.
macro_rules! two_an_hour {
    () => {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(too_many))
            .buffer(8)
            .load_shed()
            .rate_limit(2, Duration::from_secs(3600))
    };
}

#[test]
fn outside_a_refused_request_takes_a_slot() {
    for (order, is_outside) in [("outside", true), ("inside", false)] {
        // `/slow` takes a permit to begin and another to end.
        let (begun, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let slow = {
            let (begun, end) = (Arc::clone(&begun), Arc::clone(&end));
            async move || {
                begun.add_permits(1);
                end.acquire().await.unwrap().forget();
                "done"
            }
        };
        let routes = || Router::new().route("/{name}", get_route(slow.clone()));
        let servers = if is_outside {
            stacks!(routes(), one_at_a_time!(), signed())
        } else {
            stacks!(routes(), signed(), one_at_a_time!())
        };
        for (stack, server) in servers {
            let row = format!("{order}, {stack}");
            let [first, refused, allowed] = std::thread::scope(|scope| {
                let first = scope.spawn(|| server.get(&link("/first")));
                server.wait(async { begun.acquire().await.unwrap().forget() });
                let others = [expired("/second"), link("/third")].map(|target| server.get(&target));
                end.add_permits(1);
                let [refused, allowed] = others;
                [first.join().unwrap(), refused, allowed]
            });
            let expected = if is_outside { [(429, None); 2] } else { [(410, NO_STORE), (429, STALE)] };
            assert_eq!([told(&refused), told(&allowed)], expected, "{row}");
            assert_eq!(told(&first), (200, FRESH), "{row}");
            // And nothing of it is left behind.
            end.add_permits(1);
            assert_eq!(told(&server.get(&link("/fourth"))), (200, FRESH), "{row}");
            server.wait(async { begun.acquire().await.unwrap().forget() });
        }
    }
}

fn told_own(reply: &Reply) -> (u16, Option<String>) {
    let (status, cache_control) = told(reply);
    (status, cache_control.map(str::to_owned))
}

#[test]
fn a_refused_request_gives_its_permit_back() {
    let gone = || signed().authorize(|_: Grant, _: Parts| async { Ok(Decision::Gone) });
    let routes = || Router::new().route("/report", get_route(|| async { "the report" }));
    // Where a permit got lost, the load would be shed: by what is in one stack with the limit, for a route of axum's is always
    // ready.
    let shed = || ServiceBuilder::new().layer(HandleErrorLayer::new(too_many)).load_shed();
    let plain = || shed().layer(signed()).concurrency_limit(1);
    for (stack, server) in stacks!(routes(), Identity::new(), plain()) {
        for _ in 0..3 {
            check(stack, &server, "/report");
        }
    }
    let live = || shed().layer(gone()).concurrency_limit(1);
    for (stack, server) in stacks!(routes(), Identity::new(), live()) {
        for _ in 0..3 {
            assert_eq!(told(&server.get(&link("/report"))), (410, NO_STORE), "{stack}");
        }
    }
}

/// What back pressure means to a service that is called as it is, not a clone of it for each request.
#[tokio::test]
async fn inside_a_limit_that_is_reached_holds_up_refusals_too() {
    let limited = ConcurrencyLimitLayer::new(1).layer(Router::new().fallback(async || "done"));
    let mut first = signed().layer(limited);
    let mut second = first.clone();

    assert_eq!([is_ready(&mut first), is_ready(&mut second)], [true, false]);
    assert_eq!(call(&mut first, tampered_with("/a")).await, 403);
    // The permit is still there for the next request to this clone.
    assert_eq!([is_ready(&mut first), is_ready(&mut second)], [true, false]);
    assert_eq!(call(&mut first, link("/a")).await, 200);
    assert_eq!([is_ready(&mut first), is_ready(&mut second)], [false, true]);
    // Who is dropped gives it back, too.
    drop(second);
    assert!(is_ready(&mut first));
}

fn is_ready(service: &mut impl Service<Request<Body>>) -> bool {
    service.ready().now_or_never().is_some()
}

async fn call<S, B>(service: &mut S, target: String) -> u16
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    service.call(Request::get(target).body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

#[test]
fn outside_a_guess_at_a_password_uses_the_rate_up() {
    let builder = Verifier::builder(&figure_keys()).clock(|| at(NOW)).bind("password", context::basic_password());
    let verifier = builder.build().unwrap();
    let signed = || SignedUrlLayer::new(&verifier);
    let link = verifier.signer().url("/report").bind("password", "right").sign_until(at(NOW + 1000)).unwrap();
    let routes = || Router::new().route("/report", get_route(|| async { "the report" }));
    let ask = |server: &Server, password: &str| {
        let credentials = format!("Basic {}", STANDARD.encode(format!(":{password}")));
        told_own(&exchange(server.address, "GET", link.as_str(), &[("authorization", &credentials)], b""))
    };
    let wrong = || (401, NO_STORE.map(str::to_owned));

    for (stack, server) in stacks!(routes(), two_an_hour!(), signed()) {
        assert_eq!([(); 2].map(|()| ask(&server, "guess")), [wrong(), wrong()], "outside, {stack}");
        for password in ["guess", "right"] {
            assert_eq!(ask(&server, password), (429, None), "outside, {stack}: {password}");
        }
    }
    let stale = |status| (status, STALE.map(str::to_owned));
    for (stack, server) in stacks!(routes(), signed(), two_an_hour!()) {
        for _ in 0..5 {
            assert_eq!(ask(&server, "guess"), wrong(), "inside, {stack}");
        }
        assert_eq!([(); 2].map(|()| ask(&server, "right")), [stale(200), stale(200)], "inside, {stack}");
        assert_eq!(ask(&server, "right"), stale(429), "inside, {stack}");
        assert_eq!(ask(&server, "guess"), wrong(), "inside, {stack}");
    }
}

/// axum applies layers when a router gets its state. One that is a service inside of another gets none, unless it is told
/// to: each request then has a limit of its own.
#[test]
fn a_limit_in_a_router_behind_conceal_layer_needs_with_state() {
    let routes = || Router::new().route("/report", get_route(|| async { "the report" }));
    let limited = || routes().layer(ServiceBuilder::new().layer(signed()).layer(two_an_hour!()));
    let around = |routes: Router| Router::new().fallback_service(conceal().layer(routes));
    for (row, server, expected) in [
        ("with_state", Server::start_with(|| around(limited().with_state(()))), [200, 200, 429, 429]),
        ("without", Server::start_with(|| around(limited())), [200; 4]),
    ] {
        assert_eq!([(); 4].map(|()| server.get(&link("/report")).status), expected, "{row}");
    }
}
