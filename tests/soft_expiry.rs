//! `SoftExpiryLayer`: an `exp` that nothing signs is honoured, and whatever would look signed is refused.
#![cfg(feature = "axum")]
#![allow(clippy::panic, clippy::unwrap_used)]

mod support;
#[path = "support/wire.rs"]
mod wire;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::{any, get as on_get};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use support::{NOW, at, exchange, fixed_verifier};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_signed_url::RejectionKind::{Expired, Malformed, Unenforceable};
use tower_signed_url::{ConcealLayer, Grant, Rejection, ResponseBody, SignedUrlLayer, SoftExpiryLayer};
use wire::{Server, only, signed};

type Body = Empty<Bytes>;
type Answer = Response<ResponseBody<Body>>;

fn layer() -> SoftExpiryLayer {
    SoftExpiryLayer::unsigned().with_clock(|| at(NOW))
}

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Empty::new()).unwrap()
}

/// What the service was called with.
#[derive(Clone)]
struct Seen(Uri, bool);

/// The answer of a service that gives this status and these fields.
async fn call(request: Request<Body>, status: u16, fields: &[(&'static str, &'static str)]) -> Answer {
    let service = service_fn(|request: Request<Body>| {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let is_granted = request.extensions().get::<Grant>().is_some();
        let response = response.extension(Seen(request.uri().clone(), is_granted));
        ready(Ok::<_, Infallible>(response.body(Empty::new()).unwrap()))
    });
    layer().layer(service).oneshot(request).await.unwrap()
}

/// At [`NOW`], 1789999000; the seconds left are those that a cache is told.
#[tokio::test]
async fn an_expiry_is_honoured_where_there_is_one() {
    for (name, target, left) in [
        ("none", "/a", None),
        ("no query", "/", None),
        ("an empty query", "/a?", None),
        ("other parameters", "/a?x=1&y", None),
        ("a name like it", "/a?expires=1&exp2=1&xexp=1&expx", None),
        ("letter case", "/a?Exp=1&EXP=1", None),
        ("an escaped letter", "/a?%65xp=1", None),
        ("in the path", "/exp=1", None),
        ("in a value", "/a?x=exp=1", None),
        ("behind a `;`", "/a?x;exp=1", None),
        ("a signature's name in a value", "/a?x=sig=1", None),
        ("names like a signature's", "/a?signature=1&sigs&Sig=1&Sig-ip=1&xsig=1&asig-ip=1", None),
        ("a name prefix", "/a?x-exp=1&x-sig=1", None),
        ("an asterisk", "*", None),
        ("a host alone", "http://h", None),
        ("alive", "/a?exp=1790000000", Some(1000)),
        ("the last second", "/a?exp=1789999001", Some(1)),
        ("milliseconds", "/a?exp=1790000000000", Some(1000)),
        ("half a second", "/a?exp=1789999000500", Some(0)),
        ("one millisecond", "/a?exp=1789999000001", Some(0)),
        ("first", "/a?exp=1790000000&x=1", Some(1000)),
        ("between", "/a?x=1&exp=1790000000&y=2", Some(1000)),
        ("among empty ones", "/a?&&exp=1790000000&&", Some(1000)),
        ("years", "/a?exp=99999999999", Some(99_999_999_999 - NOW)),
        ("the greatest", "/a?exp=9999999999999", Some(9_999_999_999 - NOW)),
        ("another letter case beside it", "/a?exp=1790000000&Exp=1", Some(1000)),
        ("absolute", "http://h/a?exp=1790000000", Some(1000)),
        ("a path of another kind", "/~user/a?exp=1790000000", Some(1000)),
    ] {
        let answer = call(get(target), 200, &[]).await;
        let cache = left.map(|left| format!("private, max-age={left}"));
        assert_eq!(
            (answer.status().as_u16(), only(answer.headers(), "cache-control")),
            (200, cache.as_deref()),
            "{name}"
        );
        assert_eq!(answer.headers().len(), usize::from(left.is_some()), "{name}");
        let Seen(uri, is_granted) = answer.extensions().get().unwrap();
        assert_eq!((uri.to_string(), *is_granted), (target.parse::<Uri>().unwrap().to_string(), false), "{name}");
    }
}

#[tokio::test]
async fn what_has_ended_or_cannot_be_read_is_refused() {
    let digits_400 = format!("/a?exp={}", "1".repeat(400));
    let many = format!("/a?{}sig", "&".repeat(60_000));
    let valid = signed("/a?exp=1790000000");
    let token = signed("/a?sig-scope=/&exp=1790000000");
    for (name, target, kind, parameter) in [
        ("now", "/a?exp=1789999000", Expired, None),
        ("now, in milliseconds", "/a?exp=1789999000000", Expired, None),
        ("a millisecond ago", "/a?exp=1789998999999", Expired, None),
        ("the first second", "/a?exp=1", Expired, None),
        ("the first in milliseconds", "/a?exp=100000000000", Expired, None),
        ("among others", "/a?x=1&exp=1&y=2", Expired, None),
        ("empty", "/a?exp=", Malformed, Some("exp")),
        ("no value", "/a?exp", Malformed, Some("exp")),
        ("zero", "/a?exp=0", Malformed, Some("exp")),
        ("a leading zero", "/a?exp=01790000000", Malformed, Some("exp")),
        ("a sign", "/a?exp=+1790000000", Malformed, Some("exp")),
        ("a negative", "/a?exp=-1", Malformed, Some("exp")),
        ("a fraction", "/a?exp=1790000000.5", Malformed, Some("exp")),
        ("an exponent", "/a?exp=2e9", Malformed, Some("exp")),
        ("an escape", "/a?exp=%31790000000", Malformed, Some("exp")),
        ("a space", "/a?exp=1790000000%20", Malformed, Some("exp")),
        ("a word", "/a?exp=never", Malformed, Some("exp")),
        ("a date", "/a?exp=2026-12-31", Malformed, Some("exp")),
        ("two `=`", "/a?exp==1790000000", Malformed, Some("exp")),
        ("full-width digits", "/a?exp=１７９０００００００", Malformed, Some("exp")),
        ("14 digits", "/a?exp=17900000000000", Malformed, Some("exp")),
        ("2^64 + a time", "/a?exp=18446744075499551616", Malformed, Some("exp")),
        ("400 digits", &digits_400, Malformed, Some("exp")),
        ("twice", "/a?exp=1790000000&exp=1790000000", Malformed, Some("exp")),
        ("twice, one over", "/a?exp=1790000000&exp=1", Malformed, Some("exp")),
        ("twice, one empty", "/a?exp=1790000000&exp", Malformed, Some("exp")),
        ("a signature", "/a?sig=x", Unenforceable, Some("sig")),
        ("a signature without a value", "/a?sig", Unenforceable, Some("sig")),
        ("a valid signature", &valid, Unenforceable, Some("sig")),
        ("a signature, over", "/a?exp=1&sig=x", Unenforceable, Some("sig")),
        ("a signature before", "/a?sig=x&exp=1790000000", Unenforceable, Some("sig")),
        ("a scope token", &token, Unenforceable, Some("sig-scope")),
        ("a beginning", "/a?exp=1790000000&sig-start=1", Unenforceable, Some("sig-start")),
        ("methods", "/a?exp=1790000000&sig-methods=GET", Unenforceable, Some("sig-methods")),
        ("an address", "/a?sig-ip=192.0.2.1", Unenforceable, Some("sig-ip")),
        ("a binding", "/a?sig-bind=host", Unenforceable, Some("sig-bind")),
        ("an id", "/a?sig-id=1", Unenforceable, Some("sig-id")),
        ("uses", "/a?sig-uses=1", Unenforceable, Some("sig-uses")),
        ("a length", "/a?sig-max-bytes=1", Unenforceable, Some("sig-max-bytes")),
        ("a type", "/a?sig-type=a/b", Unenforceable, Some("sig-type")),
        ("a name", "/a?sig-download=a", Unenforceable, Some("sig-download")),
        ("an unknown one", "/a?sig-new", Unenforceable, Some("sig-new")),
        ("nothing behind the dash", "/a?sig-", Unenforceable, Some("sig-")),
        ("after 60000 others", &many, Unenforceable, Some("sig")),
        ("a token in the path", "/~c2lnLXNjb3BlPSxyz/a", Unenforceable, None),
        ("a token alone", "/~c2lnLXNjb3BlPS", Unenforceable, None),
        ("a token and an expiry", "/~c2lnLXNjb3BlPSxyz/a?exp=1790000000", Unenforceable, None),
        ("a token, over", "/~c2lnLXNjb3BlPSxyz/a?exp=1", Unenforceable, None),
        ("absolute", "http://h/a?exp=1", Expired, None),
    ] {
        for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
            let request = Request::builder().method(method).uri(target).body(Empty::new()).unwrap();
            let answer = call(request, 200, &[]).await;
            assert!(answer.extensions().get::<Seen>().is_none(), "{name}: passed");
            let rejection = answer.extensions().get::<Rejection>().unwrap();
            // Nothing was signed, so nothing is authentic.
            assert_eq!((rejection.kind(), rejection.is_authentic()), (kind, false), "{name}");
            if kind != Unenforceable || parameter.is_some() {
                assert_eq!(rejection.parameter(), parameter, "{name}");
            }
            assert_eq!((answer.status(), rejection.status()), (kind.status(), kind.status()), "{name}");
            assert_eq!(answer.status().as_u16(), if kind == Expired { 410 } else { 403 }, "{name}");
            let expected = if kind == Expired {
                "This link has ended. A fresh one may work."
            } else {
                "This link is not valid here."
            };
            let length = expected.len().to_string();
            let fields = [
                ("content-type", "text/plain; charset=utf-8"),
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("content-length", &length),
            ];
            // Of a body that is sent, the server tells the length.
            let is_head = method == "HEAD";
            let fields = fields.iter().filter(|(name, _)| is_head || *name != "content-length");
            let fields: HeaderMap = fields.map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(answer.headers(), &fields, "{name}");
            let text = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(text, if is_head { "" } else { expected }, "{name}");
        }
    }
}

#[tokio::test]
async fn no_cache_outlives_the_link() {
    let eager = ("cache-control", "public, max-age=86400, s-maxage=86400, immutable");
    for (name, status, fields, expected) in [
        ("nothing said", 200, &[][..], "private, max-age=1000"),
        ("too long", 200, &[eager], "private, max-age=1000"),
        ("shorter", 200, &[("cache-control", "max-age=60")], "private, max-age=60"),
        ("no store", 200, &[("cache-control", "no-store")], "private, max-age=1000, no-store"),
        ("for a CDN", 200, &[("cdn-cache-control", "max-age=86400")], "private, max-age=1000"),
        ("a date", 200, &[("expires", "Fri, 01 Jan 2100 00:00:00 GMT")], "private, max-age=1000"),
        ("not modified", 304, &[], "private, max-age=1000"),
        ("not found", 404, &[], "private, max-age=0"),
        ("moved", 301, &[eager], "private, max-age=1000"),
    ] {
        let answer = call(get("/a?exp=1790000000"), status, fields).await;
        assert_eq!(only(answer.headers(), "cache-control"), Some(expected), "{name}");
        assert_eq!(only(answer.headers(), "cdn-cache-control"), None, "{name}");
        let expires = fields.iter().any(|(field, _)| *field == "expires").then_some("Mon, 21 Sep 2026 14:13:20 GMT");
        assert_eq!(only(answer.headers(), "expires"), expires, "{name}");
        // Without an expiry the service's word stands.
        let answer = call(get("/a"), status, fields).await;
        assert_eq!(answer.headers().len(), fields.len(), "{name}");
        for (field, value) in fields {
            assert_eq!(only(answer.headers(), field), Some(*value), "{name}");
        }
    }
}

#[tokio::test]
async fn the_time_left_counts_from_the_answer() {
    let clock = Arc::new(AtomicU64::new(NOW));
    let now = Arc::clone(&clock);
    let layer = SoftExpiryLayer::unsigned().with_clock(move || at(now.load(Ordering::Relaxed)));
    for (takes, left) in [(0, 1000), (400, 600), (1000, 0), (5000, 0)] {
        clock.store(NOW, Ordering::Relaxed);
        let slow = service_fn(async |_: Request<Body>| {
            clock.fetch_add(takes, Ordering::Relaxed);
            Ok::<_, Infallible>(Response::new(Body::new()))
        });
        let answer = layer.layer(slow).oneshot(get("/a?exp=1790000000")).await.unwrap();
        let expected = format!("private, max-age={left}");
        assert_eq!(only(answer.headers(), "cache-control"), Some(&*expected), "{takes} s");
    }
}

#[test]
fn it_grants_nothing() {
    let report = async |uri: Uri, OriginalUri(original): OriginalUri, grant: Option<Grant>| {
        format!("{uri} {original} {}", grant.is_some())
    };
    let routes =
        || Router::new().route("/{id}", on_get(report)).route("/granted/{id}", on_get(async |_: Grant| "granted"));
    let inside = Router::new().nest("/in", routes().layer(layer()));
    let around = Router::new().nest("/in", routes()).layer(layer());
    let twice = Router::new().nest("/in", routes().route_layer(layer())).layer(layer());
    for (name, app) in [("inside", inside), ("around", around), ("twice", twice)] {
        let server = Server::start(app);
        let ask = |target: &str| {
            let reply = exchange(server.address, "GET", target, &[], b"");
            let cache = reply.header("cache-control").map(str::to_owned);
            (reply.status, cache, String::from_utf8(reply.body).unwrap())
        };
        let (private, no_store) = (Some("private, max-age=1000".to_owned()), Some("no-store".to_owned()));
        let invalid = "This link is not valid here.".to_owned();
        assert_eq!(ask("/in/a?x=1"), (200, None, "/a?x=1 /in/a?x=1 false".into()), "{name}");
        let alive = "/a?x=1&exp=1790000000&y /in/a?x=1&exp=1790000000&y false";
        assert_eq!(ask("/in/a?x=1&exp=1790000000&y"), (200, private.clone(), alive.into()), "{name}");
        let expired = "This link has ended. A fresh one may work.";
        assert_eq!(ask("/in/a?exp=1789999000"), (410, no_store.clone(), expired.into()), "{name}");
        assert_eq!(ask(&signed("/in/a?exp=1790000000")), (403, no_store.clone(), invalid.clone()), "{name}");
        // Who asks for a grant is refused, by whatever link.
        assert_eq!(ask("/in/granted/a"), (403, no_store.clone(), invalid.clone()), "{name}");
        assert_eq!(ask("/in/granted/a?exp=1790000000").0, 403, "{name}");
        assert_eq!(ask(&signed("/in/granted/a?exp=1790000000")), (403, no_store, invalid), "{name}");
    }
}

/// A router may have cut the token off the path, as a segment of its own.
#[test]
fn a_token_that_a_router_took_for_a_segment_is_refused() {
    let inner = Router::new().route("/a", any(async || "answer")).layer(layer());
    let server = Server::start(Router::new().nest("/{language}", inner));
    for (target, status) in [
        ("/en/a?exp=1790000000", 200),
        ("/en/a?exp=1", 410),
        ("/~c2lnLXNjb3BlPSxyz/a?exp=1790000000", 403),
        ("/~c2lnLXNjb3BlPSxyz/a", 403),
    ] {
        assert_eq!(exchange(server.address, "GET", target, &[], b"").status, status, "{target}");
    }
}

/// What another layer took out of the URI is not ignored: an expiry among it would never come.
#[tokio::test]
async fn what_was_concealed_is_not_taken_for_absent() {
    let service = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::new())));
    let stack = ConcealLayer::new(fixed_verifier()).layer(layer().layer(service));
    for (name, target, expected) in [
        ("nothing", "/a?x=1", None),
        ("an expiry to come", "/a?exp=1790000000", Some(Unenforceable)),
        ("an expiry that has come", "/a?exp=1", Some(Unenforceable)),
        ("a signature", &signed("/a?exp=1790000000"), Some(Unenforceable)),
        ("a restriction", "/a?sig-ip=::1", Some(Unenforceable)),
    ] {
        let answer = stack.clone().oneshot(get(target)).await.unwrap();
        let kind = answer.extensions().get::<Rejection>().map(Rejection::kind);
        assert_eq!(kind, expected, "{name}");
    }
    // Where it applies elsewhere, nothing was taken out.
    let stack = ConcealLayer::new(fixed_verifier()).under("/files").layer(layer().layer(service));
    for (target, expected) in [("/a?exp=1790000000", 200), ("/a?exp=1", 410), ("/files/a?exp=1", 403)] {
        assert_eq!(stack.clone().oneshot(get(target)).await.unwrap().status(), expected, "{target}");
    }
}

#[tokio::test]
async fn behind_a_signed_url_there_is_nothing_left_to_honour() {
    let service = service_fn(async |request: Request<Body>| {
        assert!(request.extensions().get::<Grant>().is_some(), "the signed URL's");
        Ok::<_, Infallible>(Response::new(Body::new()))
    });
    let stack = SignedUrlLayer::new(fixed_verifier()).layer(layer().layer(service));
    let answer = stack.clone().oneshot(get(&signed("/a?exp=1790000000"))).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), only(answer.headers(), "cache-control")),
        (200, Some("private, max-age=1000"))
    );
    let concealed = ConcealLayer::new(fixed_verifier()).layer(stack);
    let answer = concealed.oneshot(get(&signed("/a?exp=1790000000"))).await.unwrap();
    assert_eq!(answer.status(), 200, "what was concealed was checked in between");
}

/// It knows no gRPC: a client's library makes `PERMISSION_DENIED` and `UNKNOWN` of these statuses.
#[test]
fn a_grpc_call_is_answered_like_any_other() {
    let server = Server::start(Router::new().fallback(async || "answer").layer(layer()));
    for (target, status) in [("/a.A/B", 200), ("/a.A/B?exp=1", 410), ("/a.A/B?sig=x", 403)] {
        let request = Request::post(server.url(target)).header(CONTENT_TYPE, "application/grpc");
        let answer = server.http2(request.body(Empty::new().boxed_unsync()).unwrap()).unwrap();
        assert_eq!((answer.status().as_u16(), only(answer.headers(), "grpc-status")), (status, None), "{target}");
    }
}

#[test]
fn readiness_and_errors_are_the_services() {
    #[derive(Clone)]
    struct Gate(Poll<Result<(), &'static str>>);
    impl Service<Request<Body>> for Gate {
        type Response = Response<Body>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            self.0
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            ready(Err("broken"))
        }
    }
    let mut context = Context::from_waker(Waker::noop());
    for state in [Poll::Pending, Poll::Ready(Err("full")), Poll::Ready(Ok(()))] {
        let mut service = layer().layer(Gate(state));
        assert_eq!(service.poll_ready(&mut context), state);
        let mut answer = std::pin::pin!(service.call(get("/a?exp=1790000000")));
        assert!(matches!(answer.as_mut().poll(&mut context), Poll::Ready(Err("broken"))));
        // One that is refused does not get as far.
        let mut answer = std::pin::pin!(service.call(get("/a?exp=1")));
        assert!(matches!(answer.as_mut().poll(&mut context), Poll::Ready(Ok(answer)) if answer.status() == 410));
        assert!(answer.as_mut().poll(&mut context).is_pending(), "polled again, it does not panic");
    }
}
