//! Live authorization: asked last, about links that passed all else, and what it says holds.
#![cfg(feature = "axum")]
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "support/log.rs"]
mod log;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::get as on_get;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, REFERER};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use log::record;
use support::{NOW, at, figure_keys, fixed_verifier};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_signed_url::{
    Authorize, BoxError, Cache, ConcealLayer, DEFAULT_COOKIE, Decision, Grant, Live, Rejection, RejectionKind,
    ResponseBody, SignedUrlLayer, SignedUrlService, Verifier, context,
};
use wire::{Server, only, signed, tell_kind};

type Body = Empty<Bytes>;
type Answer = Response<ResponseBody<Body>>;

const PHOTO: &str = "/photos/7?exp=1790000000";
const SECRET: &str = "the database at 192.0.2.1 is down";

/// Says what it was told to, counts how often it was asked, and keeps what it was shown.
#[derive(Clone)]
struct Guard {
    says: Result<Decision, &'static str>,
    shown: Arc<Mutex<Vec<(Grant, Parts)>>>,
}

impl Guard {
    fn saying(says: Result<Decision, &'static str>) -> Self {
        Self { says, shown: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.shown.lock().unwrap().len()
    }
}

impl Authorize for Guard {
    async fn authorize(&self, grant: &Grant, request: &Parts) -> Result<Decision, BoxError> {
        self.shown.lock().unwrap().push((grant.clone(), request.clone()));
        self.says.map_err(BoxError::from)
    }
}

/// What there is to say, and what the client is told of it.
fn decisions() -> [(Result<Decision, &'static str>, Option<RejectionKind>, u16); 4] {
    [
        (Ok(Decision::Allow), None, 200),
        (Ok(Decision::Gone), Some(RejectionKind::Gone), 410),
        (Ok(Decision::Forbidden), Some(RejectionKind::Forbidden), 403),
        (Err(SECRET), Some(RejectionKind::Unavailable), 503),
    ]
}

fn layer() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier())
}

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Empty::new()).unwrap()
}

/// Answers with the extensions of what it was called with.
fn called(mut request: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    let mut response = Response::new(Empty::new());
    *response.extensions_mut() = std::mem::take(request.extensions_mut());
    response.extensions_mut().insert(Called);
    ready(Ok(response))
}

/// Whether the service was called.
#[derive(Clone)]
struct Called;

async fn call<A: Authorize>(layer: &SignedUrlLayer<Verifier, Live<A>>, request: Request<Body>) -> Answer {
    layer.layer(service_fn(called)).oneshot(request).await.unwrap()
}

fn kind(answer: &Answer) -> Option<RejectionKind> {
    answer.extensions().get::<Rejection>().map(Rejection::kind)
}

#[tokio::test]
async fn what_it_says_holds() {
    for (says, expected, status) in decisions() {
        let guard = Guard::saying(says);
        for layer in [layer(), layer().optional()] {
            let answer = call(&layer.authorize(guard.clone()), get(&signed(PHOTO))).await;
            assert_eq!((kind(&answer), answer.status().as_u16()), (expected, status), "{says:?}");
            let was_called = answer.extensions().get::<Called>().is_some();
            assert_eq!(was_called, expected.is_none(), "{says:?}");
            let cache = if expected.is_none() { "private, max-age=0" } else { "no-store" };
            assert_eq!(only(answer.headers(), "cache-control"), Some(cache), "{says:?}");
            assert_eq!(only(answer.headers(), "referrer-policy"), Some("no-referrer"), "{says:?}");
            if let Some(rejection) = answer.extensions().get::<Rejection>() {
                assert!(rejection.is_authentic() && rejection.parameter().is_none(), "{says:?}");
            }
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let text = match status {
                410 => "This link has ended. A fresh one may work.",
                403 => "This link is not valid here.",
                503 => "This link cannot be checked now. Try again later.",
                _ => "",
            };
            assert_eq!(body, text, "{says:?}");
        }
        assert_eq!(guard.asked(), 2, "{says:?}");
    }
}

/// A link for everything that may be refused, and rows that break one thing of it each.
#[tokio::test]
async fn it_is_asked_about_links_that_passed_all_else() {
    use RejectionKind::*;
    let verifier = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .client_ip(|head| head.headers().get("x-ip")?.to_str().ok()?.parse().ok())
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .token_cookie(DEFAULT_COOKIE)
        .build()
        .unwrap();
    let token = |scope: &str, exp: u64| signed(&format!("sig-scope={scope}&exp={exp}"));
    let not_yet = format!("/a?exp=1790000000&sig-start={}", NOW + 61);
    for (name, method, target, fields, expected) in [
        ("no credential", "GET", "/a".into(), &[][..], Missing),
        ("half a credential", "GET", "/a?exp=1790000000".into(), &[], Malformed),
        ("a token in the path", "GET", "/~c2lnLXNjb3BlPSxyz/a".into(), &[], Unenforceable),
        ("another key", "GET", signed("/a?exp=1790000000").replace("sig=", "sig=k."), &[], UnknownKey),
        ("tampered with", "GET", signed("/a?exp=1790000000").replace("/a", "/b"), &[], NotAuthentic),
        ("a restriction that is unknown", "GET", signed("/a?exp=1790000000&sig-new=1"), &[], Unenforceable),
        ("a context that is not shown", "GET", signed("/a?exp=1790000000&sig-bind=host"), &[], Context),
        ("no password", "GET", signed("/a?exp=1790000000&sig-bind=password"), &[], PasswordRequired),
        (
            "another password",
            "GET",
            signed("/a?exp=1790000000&sig-bind=password"),
            &[("authorization", "Basic eDp5")],
            WrongPassword,
        ),
        ("not yet", "GET", signed(&not_yet), &[], NotYetValid),
        ("expired", "GET", signed("/a?exp=1789999000"), &[], Expired),
        ("too long", "GET", signed("/a?exp=1800000000"), &[], LifetimeTooLong),
        ("another method", "PUT", signed("/a?exp=1790000000"), &[], Method),
        ("another client", "GET", signed("/a?exp=1790000000&sig-ip=192.0.2.1"), &[("x-ip", "192.0.2.2")], Client),
        ("outside the scope", "GET", format!("/a?{}", token("/b/", 1_790_000_000)), &[], Scope),
        ("no length", "PUT", signed("/a?exp=1790000000&sig-methods=PUT&sig-max-bytes=1"), &[], LengthRequired),
        (
            "a length too large",
            "PUT",
            signed("/a?exp=1790000000&sig-methods=PUT&sig-max-bytes=1"),
            &[("content-length", "2")],
            TooLarge,
        ),
        ("no type", "PUT", signed("/a?exp=1790000000&sig-methods=PUT&sig-type=a/b"), &[], MediaType),
    ] {
        for optional in [false, true] {
            let guard = Guard::saying(Ok(Decision::Allow));
            let layer = SignedUrlLayer::new(&verifier).authorize(guard.clone());
            let layer = if optional { layer.optional() } else { layer };
            let request = Request::builder().method(method).uri(&target);
            let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = call(&layer, request.body(Empty::new()).unwrap()).await;
            let expected = Some(expected).filter(|kind| !optional || *kind != Missing);
            assert_eq!(kind(&answer), expected, "{name}, optional: {optional}");
            assert_eq!(answer.extensions().get::<Called>().is_some(), expected.is_none(), "{name}");
            assert!(answer.extensions().get::<Grant>().is_none(), "{name}");
            assert_eq!(guard.asked(), 0, "{name}, optional: {optional}");
        }
    }
}

/// A body that no field tells of is looked for before, too.
#[tokio::test]
async fn it_is_not_asked_about_a_body_that_may_not_be() {
    let guard = Guard::saying(Ok(Decision::Allow));
    let service = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(Body::new())));
    for (name, body, expected) in [("a body", "x", Some(RejectionKind::LengthRequired)), ("none", "", None)] {
        let request = Request::get(signed(&format!("{PHOTO}&sig-max-bytes=9"))).body(body.to_owned()).unwrap();
        let answer = layer().authorize(guard.clone()).layer(service).oneshot(request).await.unwrap();
        assert_eq!(kind(&answer), expected, "{name}");
    }
    assert_eq!(guard.asked(), 1);
}

/// The format's rule for cookies that fail: one that was sent without meaning to must not close what is open to all.
#[tokio::test]
async fn in_optional_mode_a_cookie_that_fails_counts_as_absent() {
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let with_cookie = |run: &str, body: &str| {
        let token = encode(&signed(&format!("sig-scope=/photos/&exp=1790000000{run}")));
        let request = Request::get("/photos/7").header(COOKIE, format!("{DEFAULT_COOKIE}={token}"));
        request.body(body.to_owned()).unwrap()
    };
    let service = service_fn(async |request: Request<String>| {
        let is_granted = request.extensions().get::<Grant>().is_some();
        Ok::<_, Infallible>(Response::builder().header("x-granted", is_granted.to_string()).body(Body::new()).unwrap())
    });
    for (says, refused, status) in decisions() {
        let guard = Guard::saying(says);
        let layer = SignedUrlLayer::new(&verifier).authorize(guard.clone());
        let answer = layer.clone().layer(service).oneshot(with_cookie("", "")).await.unwrap();
        assert_eq!((kind(&answer), answer.status().as_u16()), (refused, status), "{says:?}");

        let optional = layer.optional().layer(service);
        let answer = optional.clone().oneshot(with_cookie("", "")).await.unwrap();
        assert_eq!((kind(&answer), answer.status().as_u16()), (None, 200), "{says:?}");
        let granted = if refused.is_none() { "true" } else { "false" };
        assert_eq!(only(answer.headers(), "x-granted"), Some(granted), "{says:?}");
        assert_eq!(answer.headers().contains_key(CACHE_CONTROL), refused.is_none(), "{says:?}");
        assert_eq!(only(answer.headers(), "vary"), Some("cookie"), "{says:?}");
        assert_eq!(guard.asked(), 2, "{says:?}");

        // A token in the URL was meant.
        let token = signed("sig-scope=/photos/&exp=1790000000");
        let request = Request::get(format!("/photos/7?{token}")).body(String::new()).unwrap();
        assert_eq!(kind(&optional.clone().oneshot(request).await.unwrap()), refused, "{says:?}");

        let answer = optional.oneshot(with_cookie("&sig-max-bytes=9", "x")).await.unwrap();
        assert_eq!((kind(&answer), only(answer.headers(), "x-granted")), (None, Some("false")), "{says:?}, a body");
        assert_eq!(guard.asked(), 3, "{says:?}, a body");
    }
}

#[tokio::test]
async fn an_exchange_for_a_cookie_is_a_use() {
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap();
    for (says, refused, status) in decisions() {
        let guard = Guard::saying(says);
        let layer = SignedUrlLayer::new(&verifier).exchange().unwrap().authorize(guard.clone());
        for layer in [layer.clone(), layer.optional()] {
            let mut request = get(&format!("/photos/7?{}", signed("sig-scope=/photos/&exp=1790000000")));
            request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
            let answer = call(&layer, request).await;
            let status = if refused.is_none() { 303 } else { status };
            assert_eq!((kind(&answer), answer.status().as_u16()), (refused, status), "{says:?}");
            assert_eq!(answer.headers().contains_key("set-cookie"), refused.is_none(), "{says:?}");
            assert!(answer.extensions().get::<Called>().is_none(), "{says:?}");
        }
        assert_eq!(guard.asked(), 2, "{says:?}");
    }
}

#[tokio::test]
async fn it_sees_no_credential_and_the_grant() {
    const MAC: &str = "sig";
    let verifier = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .bind("password", context::basic_password())
        .bind("a", context::cookie("a"))
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .build()
        .unwrap();
    let signer = verifier.signer();
    let until = at(1_790_000_000);
    let exact = signer.url("/in/photos/7?w=1").id("link-1").download("é.jpg").sign_until(until).unwrap();
    let bound = signer.url("/in/photos/7?w=1").bind("password", "pw").sign_until(until).unwrap();
    let token = signer.scope("/in/photos/").id("link-1").sign_until(until).unwrap();
    let by_a = signer.url("/in/photos/7?w=1").bind("a", "1").sign_until(until).unwrap();
    let token_by_a = signer.scope("/in/photos/").bind("a", "1").sign_until(until).unwrap();
    let cookie_by_a = format!("a=1; {DEFAULT_COOKIE}={}; b=2", encode(&token_by_a.to_string()));
    let cookie = format!("a=1; {DEFAULT_COOKIE}={}; b=2", encode(&token.to_string()));
    for (name, target, field, expected) in [
        ("an exact URL", exact.as_str(), None, (Some("link-1"), None, Some("é.jpg"))),
        ("with a password", bound.as_str(), Some((AUTHORIZATION, "Basic OnB3")), (None, None, None)),
        ("a token", &format!("/in/photos/7?w=1&{token}"), None, (Some("link-1"), Some("/in/photos/"), None)),
        ("in a cookie", "/in/photos/7?w=1", Some((COOKIE, &*cookie)), (Some("link-1"), Some("/in/photos/"), None)),
        ("bound to a cookie beside a token's", by_a.as_str(), Some((COOKIE, &*cookie)), (None, None, None)),
        (
            "a token bound to a cookie beside its own",
            "/in/photos/7?w=1",
            Some((COOKIE, &*cookie_by_a)),
            (None, Some("/in/photos/"), None),
        ),
    ] {
        for conceal in [false, true] {
            let name = format!("{name}, concealed: {conceal}");
            let guard = Guard::saying(Ok(Decision::Allow));
            let handler = |OriginalUri(original): OriginalUri, grant: Grant| async move {
                assert_eq!(grant.expires_at(), at(1_790_000_000));
                original.to_string()
            };
            let photos = Router::new().route("/photos/{id}", on_get(handler));
            let app = Router::new().nest("/in", photos.layer(SignedUrlLayer::new(&verifier).authorize(guard.clone())));
            let app = if conceal { app.layer(ConcealLayer::new(&verifier)) } else { app };
            let request = Request::get(target).header(REFERER, format!("https://h{exact}"));
            let request = request.header("x-original-uri", target).header("x-own", "kept");
            let request = match &field {
                Some((name, value)) => request.header(name, *value),
                None => request,
            };
            let answer = app.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), 200, "{name}");
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "/in/photos/7?w=1", "{name}");

            let shown = guard.shown.lock().unwrap();
            let [(grant, parts)] = &**shown else { panic!("{name}: asked {} times", shown.len()) };
            assert_eq!((grant.id(), grant.scope(), grant.download()), expected, "{name}");
            assert_eq!(grant.expires_at(), until, "{name}");
            assert!(parts.extensions.get::<Grant>().is_some(), "{name}");
            // The whole one, which a nested router does not show the service.
            assert_eq!(parts.uri, "/in/photos/7?w=1", "{name}");
            assert_eq!(parts.extensions.get::<OriginalUri>().unwrap().0, "/in/photos/7?w=1", "{name}");
            assert_eq!(only(&parts.headers, "referer"), Some("https://h/in/photos/7?w=1"), "{name}");
            assert_eq!(only(&parts.headers, "x-original-uri"), Some("/in/photos/7?w=1"), "{name}");
            assert_eq!(only(&parts.headers, "x-own"), Some("kept"), "{name}");
            let left = if field.as_ref().is_some_and(|(name, _)| *name == COOKIE) { Some("a=1; b=2") } else { None };
            assert_eq!(only(&parts.headers, "cookie"), left, "{name}");
            assert_eq!(parts.headers.get(AUTHORIZATION), None, "{name}");
            let all = format!("{:?} {:?} {:?}", parts.uri, parts.headers, parts.extensions.get::<OriginalUri>());
            assert!(!all.contains(MAC) && !all.contains("exp="), "{name}: {all}");
        }
    }

    // A token in the path comes off before anything routes.
    let guard = Guard::saying(Ok(Decision::Allow));
    let layer = SignedUrlLayer::new(&verifier).authorize(guard.clone());
    let answer = call(&layer, get(&format!("/~{}/in/photos/7?w=1", encode(&token.to_string())))).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(guard.shown.lock().unwrap().first().unwrap().1.uri, "/in/photos/7?w=1");
}

fn encode(token: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token)
}

/// Ready once it was polled, for one call; a clone is not ready.
#[derive(Default)]
struct OneCall {
    is_ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for OneCall {
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<Body>> for OneCall {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_called() {
    let inner = OneCall::default();
    let calls = Arc::clone(&inner.calls);
    let mut service = layer().authorize(Guard::saying(Ok(Decision::Allow))).layer(inner);
    for n in 1..4 {
        let answer = service.ready().await.unwrap().call(get(&signed(PHOTO))).await.unwrap();
        assert_eq!((answer.status().as_u16(), calls.load(Ordering::Relaxed)), (200, n));
    }
    // Two at a time, answered in the other order.
    let first = service.ready().await.unwrap().call(get(&signed(PHOTO)));
    let second = service.ready().await.unwrap().call(get(&signed(PHOTO)));
    assert_eq!(second.await.unwrap().status(), 200);
    assert_eq!(first.await.unwrap().status(), 200);
    // A refusal takes the service's readiness with it, as any call does, and the next call works.
    assert_eq!(service.ready().await.unwrap().call(get("/photos/7")).await.unwrap().status(), 403);
    assert_eq!(service.ready().await.unwrap().call(get(&signed(PHOTO))).await.unwrap().status(), 200);
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

/// Never decides; counts those that are still at it.
#[derive(Clone, Default)]
struct Undecided(Arc<()>);

impl Authorize for Undecided {
    async fn authorize(&self, _: &Grant, _: &Parts) -> Result<Decision, BoxError> {
        let _at_it = Arc::clone(&self.0);
        pending::<()>().await;
        Ok(Decision::Allow)
    }
}

#[test]
fn a_request_that_is_given_up_leaves_nothing_behind() {
    let (undecided, held) = (Undecided::default(), Arc::new(()));
    let inner = OneCall::default();
    let calls = Arc::clone(&inner.calls);
    let mut service = layer().authorize(undecided.clone()).layer(inner);
    let mut context = Context::from_waker(Waker::noop());
    assert!(Service::<Request<Body>>::poll_ready(&mut service, &mut context).is_ready());
    let (before, calls_before) = (Arc::strong_count(&undecided.0), Arc::strong_count(&calls));
    {
        let mut request = get(&signed(PHOTO));
        request.extensions_mut().insert(Arc::clone(&held));
        let mut answer = pin!(service.call(request));
        assert!(answer.as_mut().poll(&mut context).is_pending());
        assert!(answer.as_mut().poll(&mut context).is_pending());
        assert_eq!((Arc::strong_count(&undecided.0), Arc::strong_count(&held)), (before + 1, 2), "at it");
        assert_eq!(Arc::strong_count(&calls), calls_before + 1, "the service that was ready, and its clone");
    }
    assert_eq!((Arc::strong_count(&undecided.0), Arc::strong_count(&held)), (before, 1), "given up");
    assert_eq!(Arc::strong_count(&calls), calls_before, "given up");
    assert_eq!(calls.load(Ordering::Relaxed), 0);

    // One that was never polled did not even ask.
    assert!(Service::<Request<Body>>::poll_ready(&mut service, &mut context).is_ready());
    let guard = Guard::saying(Ok(Decision::Allow));
    let mut guarded = layer().authorize(guard.clone()).layer(OneCall::default());
    assert!(Service::<Request<Body>>::poll_ready(&mut guarded, &mut context).is_ready());
    drop(guarded.call(get(&signed(PHOTO))));
    assert_eq!(guard.asked(), 0);
}

#[test]
fn an_error_is_for_the_log_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (says, _, status) in decisions() {
        let layer = layer().authorize(Guard::saying(says));
        // Other tests log meanwhile, outside of this span.
        let ask = || tracing::info_span!("own").in_scope(|| runtime.block_on(call(&layer, get(&signed(PHOTO)))));
        let (answer, log) = record(ask);
        let own = |level: &str| {
            let prefix = format!("{level} own: tower_signed_url: ");
            log.text.lines().filter_map(|line| line.strip_prefix(&prefix)).collect::<Vec<_>>()
        };
        let kept = format!("live authorization failed error={SECRET}");
        let expected = if status == 503 { vec![kept.as_str()] } else { vec![] };
        assert_eq!(own("ERROR"), expected, "{says:?}");
        let refusals = own("DEBUG").into_iter().filter(|line| line.starts_with("refused ")).count();
        assert_eq!(refusals, usize::from(status != 200), "{says:?}: {}", log.text);
        assert_eq!(log.signature(signed(PHOTO).split_once("sig=").unwrap().1), None, "{says:?}");

        let told = format!("{:?}", answer.extensions().get::<Rejection>());
        let headers = format!("{:?}", answer.headers());
        let body = runtime.block_on(answer.into_body().collect()).unwrap().to_bytes();
        for text in [told, headers, String::from_utf8(body.to_vec()).unwrap()] {
            assert!(!text.contains("database"), "{says:?}: {text}");
        }
    }
}

#[test]
fn a_grpc_call_is_told_in_its_own_numbers() {
    for (says, _, status) in decisions() {
        let layer = layer().on_reject(tell_kind).authorize(Guard::saying(says));
        let server = Server::start(Router::new().fallback(async || "answer").layer(layer));
        let link = signed("/photos.Photos/Get?exp=1790000000&sig-methods=POST");
        let call = Request::post(server.url(&link)).header(CONTENT_TYPE, "application/grpc+proto");
        let answer = server.http2(call.body(Empty::new().boxed_unsync()).unwrap()).unwrap();
        let (code, message) = match status {
            403 => (Some("7"), Some("This link is not valid here.")),
            410 => (Some("7"), Some("This link has ended. A fresh one may work.")),
            503 => (Some("14"), Some("This link cannot be checked now. Try again later.")),
            _ => (None, None),
        };
        let told =
            (answer.status().as_u16(), only(answer.headers(), "grpc-status"), only(answer.headers(), "grpc-message"));
        assert_eq!(told, (200, code, message), "{says:?}");

        // The same request, but for its type.
        let call = Request::post(server.url(&link)).body(Empty::new().boxed_unsync()).unwrap();
        assert_eq!(server.http2(call).unwrap().status(), status, "{says:?}");
    }
}

#[tokio::test]
async fn what_was_decided_for_one_is_not_shared() {
    let shared = || layer().cache(Cache::Shared);
    let answer = shared().layer(service_fn(called)).oneshot(get(&signed(PHOTO))).await.unwrap();
    assert_eq!(only(answer.headers(), "cache-control"), Some("public, s-maxage=999"));
    for (name, layer, expected) in [
        ("shared", shared(), "private, max-age=0"),
        ("private", layer(), "private, max-age=0"),
        ("no store", layer().cache(Cache::NoStore), "no-store"),
    ] {
        let answer = call(&layer.authorize(Guard::saying(Ok(Decision::Allow))), get(&signed(PHOTO))).await;
        assert_eq!(only(answer.headers(), "cache-control"), Some(expected), "{name}");
    }
    // One that came without a link is the service's own affair.
    let layer = shared().optional().authorize(Guard::saying(Ok(Decision::Allow)));
    assert_eq!(call(&layer, get("/photos/7")).await.headers().get(CACHE_CONTROL), None);
}

/// Photos that their owner may hide.
#[derive(Clone, Default)]
struct Photos(Arc<Mutex<HashSet<String>>>);

impl Authorize for Photos {
    async fn authorize(&self, _: &Grant, request: &Parts) -> Result<Decision, BoxError> {
        tokio::task::yield_now().await;
        let is_hidden = self.0.lock().unwrap().contains(request.uri.path());
        Ok(if is_hidden { Decision::Gone } else { Decision::Allow })
    }
}

/// As a type and as a closure, in axum routers, with nothing spelt out.
#[test]
fn a_hidden_photo_is_gone_on_the_next_request_by_whatever_link() {
    let photos = Photos::default();
    let handler = async |grant: Grant| format!("until {:?}", grant.expires_at().duration_since(at(0)).unwrap());
    let router = || Router::new().route("/photos/{id}", on_get(handler));

    let by_type = router().route_layer(layer().authorize(photos.clone()));
    let state = photos.clone();
    let by_closure = router().layer(layer().authorize(move |grant, request| {
        let photos = state.clone();
        async move { photos.authorize(&grant, &request).await }
    }));
    let hidden = Arc::clone(&photos.0);
    let by_condition = router().layer(layer().authorize(move |_, request: Parts| {
        let is_hidden = hidden.lock().unwrap().contains(request.uri.path());
        async move { Ok(if is_hidden { Decision::Gone } else { Decision::Allow }) }
    }));
    let nested = Router::new().nest("/photos", Router::new().route("/{id}", on_get(handler)));
    let nested = nested.layer(layer().authorize(photos.clone()));
    for (name, app) in [("type", by_type), ("closure", by_closure), ("parts", by_condition), ("nested", nested)] {
        let server = Server::start(app);
        let ask = |target: &str| support::exchange(server.address, "GET", target, &[], b"").status;
        let signer = fixed_verifier().signer();
        let six_days = signer.url("/photos/7").sign_until(at(NOW + 6 * 86400)).unwrap();
        let links = [
            six_days.as_str(),
            &signed(PHOTO),
            &signed("/photos/7?w=200&exp=1790000000"),
            &format!("/photos/7?{}", signed("sig-scope=/photos/&exp=1790000000")),
        ];
        let other = signed("/photos/8?exp=1790000000");
        for (is_hidden, expected) in [(false, 200), (true, 410), (false, 200)] {
            if is_hidden {
                photos.0.lock().unwrap().insert("/photos/7".into());
            } else {
                photos.0.lock().unwrap().clear();
            }
            for link in links {
                assert_eq!(ask(link), expected, "{name}: {link}");
            }
            assert_eq!(ask(&other), 200, "{name}");
            assert_eq!(ask("/photos/7"), 403, "{name}: without a link");
        }
    }
}

/// A service that is not `Clone` and, like its future, stays on its thread.
struct Local(std::rc::Rc<()>);

impl Service<Request<Body>> for Local {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = LocalFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> LocalFuture {
        LocalFuture(self.0.clone())
    }
}

struct LocalFuture(#[expect(dead_code, reason = "it keeps the future on its thread")] std::rc::Rc<()>);

impl Future for LocalFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(Response::default()))
    }
}

#[test]
fn only_a_layer_with_it_boxes_and_clones() {
    fn sendable(_: impl Send + 'static) {}
    fn of<S: Service<Request<Body>, Future: Send + 'static>>(mut service: S) {
        sendable(service.call(get("/a")));
    }
    of(layer().authorize(Guard::saying(Ok(Decision::Allow))).layer(OneCall::default()));
    let _: fn(SignedUrlService<OneCall, Verifier, Live<Guard>>) = of;
    let _: fn(SignedUrlService<OneCall>) = of;

    let plain = signed(PHOTO);
    let allocations = |service: &mut dyn FnMut(Request<Body>)| {
        let (first, second) = (get(&plain), get(&plain));
        service(first); // the first load of an `ArcSwap` on a thread allocates
        allocation_counter::measure(|| service(second)).count_total
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut local = layer().layer(Local(std::rc::Rc::default()));
    let without = allocations(&mut |request| {
        let mut answer = pin!(local.call(request));
        assert!(answer.as_mut().poll(&mut context).is_ready());
    });
    let mut live =
        layer().authorize(|_, _| ready(Ok(Decision::Allow))).layer(OneCall { is_ready: true, ..OneCall::default() });
    let with = allocations(&mut |request| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(Service::<Request<Body>>::poll_ready(&mut live, &mut context).is_ready());
        let mut answer = pin!(live.call(request));
        assert!(answer.as_mut().poll(&mut context).is_ready());
    });
    assert_eq!(without, 7, "as many as the layer alone is allowed");
    assert!(with > without, "{with}");
}
