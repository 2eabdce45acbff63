//! `SetRequestIdLayer` and `TraceLayer`: outside, what is refused has an id as well, in the answer, in `on_reject` and in the
//! log. (What a trace sees of a link is `log_hygiene`'s to show; here is one line of it.)

use axum::Router;
use axum::routing::get as get_route;
use http::{HeaderValue, Request, Response};
use tower::ServiceBuilder;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tower_signed_url::{ConcealLayer, Rejected};

use crate::log::{Log, plain_trace, record};
use crate::wire::Server;
use crate::{check, conceal, expired, link, signed};

#[derive(Clone)]
struct Same;

impl MakeRequestId for Same {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        Some(HeaderValue::from_static("id-1").into())
    }
}

fn set() -> SetRequestIdLayer<Same> {
    SetRequestIdLayer::x_request_id(Same)
}

/// Says the id that the callback sees.
fn tell_id(rejected: Rejected<'_>) -> Response<String> {
    let id = rejected.headers().get("x-request-id").map_or("none", |id| id.to_str().unwrap());
    Response::builder().status(rejected.status()).body(id.to_owned()).unwrap()
}

#[test]
fn outside_refusals_have_an_id() {
    let ids = || ServiceBuilder::new().layer(set()).layer(PropagateRequestIdLayer::x_request_id());
    let signed = || signed().on_reject(tell_id);
    let routes = || Router::new().route("/report", get_route(|| async { "the report" }));
    for (order, servers, of_refused) in [
        ("outside", stacks!(routes(), ids(), signed()), (Some("id-1"), "id-1")),
        ("inside", stacks!(routes(), signed(), ids()), (None, "none")),
    ] {
        for (stack, server) in &servers {
            check(stack, server, "/report");
            for (row, target, expected) in [
                ("allowed", link("/report"), (Some("id-1"), "the report")),
                ("expired", expired("/report"), of_refused),
            ] {
                let reply = server.get(&target);
                let body = str::from_utf8(&reply.body).unwrap();
                assert_eq!((reply.header("x-request-id"), body), expected, "{order}, {stack}: {row}");
            }
        }
    }
}

/// The word before it in a line is the span that a refusal's event is in.
const EVENT: &str = "tower_signed_url: refused ";

#[test]
fn outside_the_event_of_a_refusal_is_in_a_span_with_the_id() {
    let span = |request: &axum::extract::Request| {
        let id = request.headers().get("x-request-id").map_or("none", |id| id.to_str().unwrap());
        tracing::info_span!("asked", id)
    };
    let trace = || TraceLayer::new_for_http().make_span_with(span);
    let outside = || ServiceBuilder::new().layer(set()).layer(conceal()).layer(trace());
    let inside = || ServiceBuilder::new().layer(signed()).layer(set());
    let concealed = || ServiceBuilder::new().layer(conceal()).layer(trace());
    let target = "/traced-by-id";
    let routes = || Router::new().route(target, get_route(|| async { "the report" }));
    for (order, servers, expected) in [
        ("outside", stacks!(routes(), outside(), signed()), "asked{id=\"id-1\"}: "),
        ("inside", stacks!(routes(), concealed(), inside()), "asked{id=\"none\"}: "),
    ] {
        for (stack, server) in servers {
            let (reply, log) = record(|| server.get(&expired(target)));
            assert_eq!(reply.status, 410, "{order}, {stack}");
            // Other tests log meanwhile.
            let is_refusal = |line: &&str| line.contains(EVENT) && line.contains(target);
            let events: Vec<_> = log.text.lines().filter(is_refusal).collect();
            assert_eq!(events.len(), 1, "{order}, {stack}: {events:?}");
            assert!(events[0].contains(&format!("{expected}{EVENT}")), "{order}, {stack}: {events:?}");
        }
    }
}

#[test]
fn a_trace_outside_logs_the_signature_unless_a_conceal_layer_is_outside_of_it() {
    let target = "/traced";
    let routes = || Router::new().route(target, get_route(|| async { "the report" }));
    let outside = |conceal: ConcealLayer| ServiceBuilder::new().layer(conceal).layer(plain_trace());
    let log = |run: &dyn Fn() -> [(&'static str, Server); 4]| -> Log {
        record(|| {
            for (stack, server) in &run() {
                check(stack, server, target);
            }
        })
        .1
    };
    let link = link(target);
    let mac = link.rsplit_once('=').unwrap().1;
    for (order, log, shows) in [
        ("outside", log(&|| stacks!(routes(), plain_trace(), signed())), true),
        ("behind a ConcealLayer", log(&|| stacks!(routes(), outside(conceal()), signed())), false),
        ("inside", log(&|| stacks!(routes(), signed(), plain_trace())), false),
    ] {
        assert!(log.text.contains(&format!("uri={target}")), "{order} is not traced");
        assert_eq!(log.signature(mac).is_some(), shows, "{order}");
    }
}
