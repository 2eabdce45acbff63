//! `tower::buffer`: in either order, with axum's `HandleErrorLayer` for its errors, or on hyper, which takes them as they are.

use std::convert::Infallible;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::routing::get as get_route;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::runtime::Runtime;
use tower::layer::util::Identity;
use tower::{BoxError, ServiceBuilder, service_fn};

use crate::support::exchange;
use crate::wire::serve_by_hyper;
use crate::{FRESH, NO_STORE, check, expired, link, signed, told};

#[test]
fn either_order_works_in_axum() {
    let routes = || Router::new().route("/report", get_route(|| async { "the report" }));
    let errors = || HandleErrorLayer::new(async |_: BoxError| StatusCode::SERVICE_UNAVAILABLE);
    let buffer = || ServiceBuilder::new().layer(errors()).buffer(1);
    // Its errors pass through the layer as they are.
    let between = || ServiceBuilder::new().layer(errors()).layer(signed()).buffer(1);
    for (order, servers) in [
        ("outside", stacks!(routes(), buffer(), signed())),
        ("inside", stacks!(routes(), signed(), buffer())),
        ("inside, its errors handled outside", stacks!(routes(), between(), Identity::new())),
    ] {
        for (stack, server) in servers {
            // More requests than it has places.
            for _ in 0..3 {
                check(&format!("{order}, {stack}"), &server, "/report");
            }
        }
    }
}

#[test]
fn either_order_works_on_hyper() {
    let runtime = Runtime::new().unwrap();
    let _entered = runtime.enter();
    let inner =
        || service_fn(async |_: Request<Incoming>| Ok::<_, Infallible>(Response::new(Full::from("the report"))));
    let outside = ServiceBuilder::new().buffer(1).layer(signed()).service(inner());
    let inside = ServiceBuilder::new().layer(signed()).buffer(1).service(inner());
    for (order, server) in
        [("outside", runtime.block_on(serve_by_hyper(outside))), ("inside", runtime.block_on(serve_by_hyper(inside)))]
    {
        for (row, target, expected) in [
            ("allowed", link("/report"), (200, FRESH)),
            ("expired", expired("/report"), (410, NO_STORE)),
            ("no link", "/report".into(), (403, NO_STORE)),
            ("allowed again", link("/report"), (200, FRESH)),
        ] {
            let reply = exchange(server, "GET", &target, &[], b"");
            assert_eq!(told(&reply), expected, "{order}: {row}");
            assert_eq!(reply.body == b"the report", reply.status == 200, "{order}: {row}");
        }
    }
}
