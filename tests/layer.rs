//! The layer as a Tower service, with no framework around it: what it refuses and how, what it lets through, and what it
//! makes of the answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, EXPIRES, HeaderMap, REFERRER_POLICY, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use support::{NOW, at, earlier, figure_keys, fixed_verifier, link};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_signed_url::*;

/// Figures of the specification, with 1000 seconds left at [`NOW`].
const CAT: &str = "/photos/cat.jpg?exp=1790000000&sig=FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";
const MAX_BYTES: &str = "/inbox/report.pdf?exp=1790000000&sig-methods=PUT&sig-max-bytes=1048576\
    &sig=KkEQiWFrlc2fl1B3p5O72ajdLIj7UHUz9vT2cVkiwao";

type Body = Full<Bytes>;
type Answer = Response<ResponseBody<Body>>;

/// What the service was called with: it leaves this in its response.
#[derive(Clone, Debug)]
struct Seen(Parts);

fn layer() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier())
}

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Full::from("question")).unwrap()
}

/// The answer of a service that echoes the body and gives these headers.
async fn call<V: Verify>(
    layer: &SignedUrlLayer<V>,
    request: Request<Body>,
    status: u16,
    headers: &HeaderMap,
) -> Answer {
    let service = service_fn(|request: Request<Body>| {
        let (parts, body) = request.into_parts();
        let mut response = Response::builder().status(status).extension(Seen(parts)).body(body).unwrap();
        *response.headers_mut() = headers.clone();
        ready(Ok::<_, Infallible>(response))
    });
    layer.layer(service).oneshot(request).await.unwrap()
}

/// What the service sees of a request that passes.
async fn seen<V: Verify>(layer: &SignedUrlLayer<V>, request: Request<Body>) -> Parts {
    let answer = call(layer, request, 200, &HeaderMap::new()).await;
    answer.extensions().get::<Seen>().unwrap_or_else(|| panic!("refused: {answer:?}")).0.clone()
}

/// The answer to a request that is refused: the service is not even called.
async fn refused<V: Verify>(layer: &SignedUrlLayer<V>, request: Request<Body>) -> Answer {
    fn untouched(request: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
        panic!("the service was called: {} {}", request.method(), request.uri())
    }
    layer.layer(service_fn(untouched)).oneshot(request).await.unwrap()
}

fn kind(answer: &Answer) -> Option<RejectionKind> {
    answer.extensions().get::<Rejection>().map(Rejection::kind)
}

async fn text(answer: Answer) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[tokio::test]
async fn a_refusal_tells_the_client_its_status_and_the_application_why() {
    use RejectionKind::*;
    let signer = fixed_verifier().signer();
    let month = Policy::new().max_lifetime(Duration::from_secs(30 * 86400));
    let other_key = Signer::new(&Keyring::new(SigningKey::from_bytes(&[7; 32]).unwrap())).with_clock(|| at(NOW));
    let not_yet = signer.url("/a").not_before(at(NOW + 61)).sign_until(at(NOW + 1000)).unwrap().into_string();
    let expired = earlier().url("/a").sign_until(at(NOW)).unwrap().into_string();
    let too_long = signer.with_policy(month).unwrap().url("/a").sign_until(at(NOW + 8 * 86400)).unwrap().into_string();
    let forged = other_key.url("/a").sign_until(at(NOW + 9)).unwrap().into_string();

    let mut forbidden = None;
    for (row, request, expected, authentic) in [
        ("no query", get("/photos/cat.jpg"), Missing, false),
        ("a query without a credential", get("/photos/cat.jpg?w=1&Sig=2"), Missing, false),
        ("only an expiry", get("/a?exp=1790000000"), Malformed, false),
        ("two signatures", get(&format!("{CAT}&sig=x")), Malformed, false),
        ("a parameter after the signature", get(&format!("{CAT}&utm_source=m")), Malformed, false),
        ("the key id of no key", get(&CAT.replace("&sig=", "&sig=2026-11.")), UnknownKey, false),
        ("another path", get(&CAT.replace("cat", "dog")), NotAuthentic, false),
        ("another expiry", get(&CAT.replace("=179", "=180")), NotAuthentic, false),
        ("a MAC cut short", get(&CAT[..CAT.len() - 1]), NotAuthentic, false),
        ("another key without an id", get(&forged), NotAuthentic, false),
        ("a scope token", get("/a/b?sig-scope=/a/&exp=1790000000&sig=x"), NotAuthentic, false),
        ("a context without a source", get("/a?exp=1790000000&sig-bind=host&sig=x"), Unenforceable, false),
        ("before its beginning, leeway included", get(&not_yet), NotYetValid, true),
        ("at its expiry", get(&expired), Expired, true),
        ("over the maximum lifetime", get(&too_long), LifetimeTooLong, true),
        ("another method", Request::put(CAT).body(Body::default()).unwrap(), Method, true),
    ] {
        let answer = refused(&layer(), request).await;
        let rejection = answer.extensions().get::<Rejection>().expect(row);
        assert_eq!((rejection.kind(), rejection.is_authentic()), (expected, authentic), "{row}");
        let status = if expected == Expired { 410 } else { 403 };
        assert_eq!((answer.status().as_u16(), rejection.status().as_u16()), (status, status), "{row}");
        let expected_headers = headers(&[
            ("content-type", "text/plain; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ]);
        assert_eq!(answer.headers(), &expected_headers, "{row}");
        if status == 403 {
            let wire = (answer.status(), answer.version(), answer.headers().clone(), text(answer).await);
            assert_eq!(forbidden.get_or_insert_with(|| wire.clone()), &wire, "{row}");
        } else {
            assert_eq!(text(answer).await, "This link has ended. A fresh one may work.", "{row}");
        }
    }
}

#[tokio::test]
async fn the_service_sees_the_target_without_its_credential() {
    let policy = Policy::new().tolerate_trackers().tolerate("ref");
    let verifier = Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap();
    let layer = SignedUrlLayer::new(&verifier);
    for (origin, target, appended, stripped) in [
        ("", "/a", "", "/a"),
        ("", "/", "", "/"),
        ("", "/a?", "", "/a?"),
        ("", "/a?x=1", "", "/a?x=1"),
        ("", "/a?x=1", "&utm_source=m", "/a?x=1&utm_source=m"),
        ("", "/a", "&utm_source=m", "/a?utm_source=m"),
        ("", "/a", "&ref&utm_source=m=n", "/a?ref&utm_source=m=n"),
        ("", "/a?&&x=%26&", "&ref=", "/a?&&x=%26&&ref="),
        ("", "/a%20b//~c/;d?expx=1&asig=2", "", "/a%20b//~c/;d?expx=1&asig=2"),
        ("http://h", "/a?x=1", "", "http://h/a?x=1"),
        ("https://h:8443", "/a", "&ref=1", "https://h:8443/a?ref=1"),
    ] {
        let link = verifier.signer().url(target).sign_until(at(NOW + 1000)).unwrap();
        let uri = seen(&layer, get(&format!("{origin}{link}{appended}"))).await.uri;
        assert_eq!(uri, stripped.parse::<Uri>().unwrap(), "{origin}{target}{appended}");
        assert_eq!(uri.to_string(), stripped, "{origin}{target}{appended}");
    }
}

#[tokio::test]
async fn the_service_sees_what_was_granted() {
    let keys = Keyring::new(SigningKey::from_bytes(&[1; 32]).unwrap().with_id("2026-11".parse().unwrap()));
    let verifier = Verifier::builder(&keys).clock(|| at(NOW)).build().unwrap();
    let named = verifier.signer().url("/a").id("invoice-7").method(Method::PUT).sign_until(at(NOW + 60)).unwrap();
    for (row, verifier, request, expires_at, id, key_id) in [
        ("plain", fixed_verifier(), get(CAT), NOW + 1000, None, None),
        ("HEAD", fixed_verifier(), Request::head(CAT).body(Body::default()).unwrap(), NOW + 1000, None, None),
        (
            "named",
            verifier,
            Request::put(named.as_str()).body(Body::default()).unwrap(),
            NOW + 60,
            Some("invoice-7"),
            Some("2026-11"),
        ),
    ] {
        let parts = seen(&SignedUrlLayer::new(verifier), request).await;
        let grant = parts.extensions.get::<Grant>().expect(row);
        assert_eq!(grant.expires_at(), at(expires_at), "{row}");
        assert_eq!((grant.id(), grant.key_id().map(KeyId::as_str)), (id, key_id), "{row}");
    }
}

#[tokio::test]
async fn headers_that_repeat_urls_are_cleaned_and_no_others() {
    let signed = "https://h/photos/cat.jpg?w=1&exp=1790000000&sig=m&x=2";
    for (row, name, lines, expected) in [
        ("a referrer", "referer", &[signed.as_bytes()][..], &["https://h/photos/cat.jpg?w=1&x=2"][..]),
        ("several lines", "x-original-uri", &[CAT.as_bytes(), b"/b?x", b"/c?sig"], &["/photos/cat.jpg", "/b?x", "/c"]),
        ("in no order", "x-forwarded-uri", &[b"/a?sig=m&b=1&exp=1&sig-x=2"], &["/a?b=1"]),
        ("IIS", "x-original-url", &[b"/a?sig=m"], &["/a"]),
        ("IIS, rewritten", "x-rewrite-url", &[b"/a?sig=m"], &["/a"]),
        ("Envoy", "x-envoy-original-path", &[b"/a?sig=m"], &["/a"]),
        ("Kong", "x-forwarded-path", &[b"/~c2lnLXNjb3BlPSxyz/a"], &["/a"]),
        ("htmx", "hx-current-url", &[b"https://h/a?sig=m"], &["https://h/a"]),
        ("encoded", "referer", &[b"https://h/login?next=%2Fa%3Fexp%3D1%26sig%3Dm"], &["https://h/login?next=%2Fa"]),
        (
            "encoded twice",
            "referer",
            &[b"https://h/?next=%2Fb%3Fc%3D%252Fa%253Fsig%253Dm"],
            &["https://h/?next=%2Fb%3Fc%3D%252Fa"],
        ),
        ("a path token", "referer", &[b"https://h/~c2lnLXNjb3BlPSxyz/a"], &["https://h/a"]),
        ("beyond ASCII", "referer", &["/\u{e9}?sig=m".as_bytes()], &["/\u{e9}"]),
        ("no credential", "referer", &[b"https://h/a?expires=1&x#sig=1"], &["https://h/a?expires=1&x#sig=1"]),
        ("not UTF-8", "x-forwarded-uri", &[b"/\xff?sig=m"], &[""]),
        ("not UTF-8, in one of two lines", "referer", &[b"/a?sig=m", b"/\xff"], &["/a", ""]),
        ("another header", "x-link", &[signed.as_bytes(), b"/\xff"], &[signed, "/\u{fffd}"]),
    ] {
        let mut request = get(CAT);
        for line in lines {
            request.headers_mut().append(name, HeaderValue::from_bytes(line).unwrap());
        }
        request.headers_mut().insert("cookie", HeaderValue::from_static("sig=1"));
        let parts = seen(&layer(), request).await;
        let left: Vec<_> = parts.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        assert_eq!(left, expected, "{row}");
        assert_eq!(parts.headers["cookie"], "sig=1", "{row}");
    }
}

#[tokio::test]
async fn bodies_trailers_and_errors_pass_as_they_are() {
    let trailers = headers(&[("x-checksum", "1")]);
    let body = Full::new(Bytes::from("question")).with_trailers(ready(Some(Ok(trailers.clone()))));
    let echo = service_fn(async |request: Request<_>| Ok::<_, Infallible>(Response::new(request.into_body())));
    let answer = layer().layer(echo).oneshot(Request::get(CAT).body(body).unwrap()).await.unwrap();
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), "question");

    #[derive(Debug, PartialEq)]
    struct Broken(u8);
    let broken = service_fn(async |_: Request<Body>| Err::<Response<Body>, _>(Broken(7)));
    for layer in [layer(), layer().optional()] {
        assert_eq!(layer.layer(broken).oneshot(get(CAT)).await.unwrap_err(), Broken(7));
    }
    assert_eq!(layer().optional().layer(broken).oneshot(get("/a")).await.unwrap_err(), Broken(7));
}

#[tokio::test]
async fn optional_lets_pass_what_has_no_credential_at_all() {
    let layer = layer().optional().cache(Cache::NoStore);
    let from_service = headers(&[("cache-control", "public"), ("x-accel-expires", "9")]);
    for target in ["/a", "/a?", "/a?x=1&Exp=1&%73ig=2", "*", "http://h", "http://h/a?x"] {
        let answer = call(&layer, get(target), 410, &from_service).await;
        assert_eq!((answer.status().as_u16(), answer.headers()), (410, &from_service), "{target}");
        let Seen(parts) = answer.extensions().get().expect(target);
        assert_eq!(parts.uri, target, "{target}");
        assert!(parts.extensions.get::<Grant>().is_none(), "{target}");
    }
    let expired = earlier().url("/a").sign_until(at(NOW)).unwrap().into_string();
    for (target, expected) in [
        ("/a?exp=1", RejectionKind::Malformed),
        ("/a?sig=x", RejectionKind::Malformed),
        ("/a?sig-foo", RejectionKind::Malformed),
        ("/a?sig-scope=/", RejectionKind::Malformed),
        (&CAT.replace("cat", "dog"), RejectionKind::NotAuthentic),
        (&CAT.replace("&sig=", "&sig=k."), RejectionKind::UnknownKey),
        (MAX_BYTES, RejectionKind::Method),
        (&expired, RejectionKind::Expired),
    ] {
        assert_eq!(kind(&refused(&layer, get(target)).await), Some(expected), "{target}");
    }
    assert!(seen(&layer, get(CAT)).await.extensions.get::<Grant>().is_some());
}

#[tokio::test]
async fn a_path_token_is_a_credential_that_is_not_enforced_here() {
    for layer in [layer(), layer().optional()] {
        for target in ["/~c2lnLXNjb3BlPSxyz", "/~c2lnLXNjb3BlPSxyz/a?x=1", "http://h/~c2lnLXNjb3BlPS/a"] {
            let answer = refused(&layer, get(target)).await;
            assert_eq!(kind(&answer), Some(RejectionKind::Unenforceable), "{target}");
        }
    }
    for target in ["/~c2lnLXNjb3BlP/a", "/~user/a"] {
        assert_eq!(seen(&layer().optional(), get(target)).await.uri, target, "the application's own");
    }
}

#[tokio::test]
async fn a_callback_may_answer_with_any_bytes() {
    for (row, layer) in [
        ("String", layer().on_reject(|rejected| Response::new(rejected.status().to_string()))),
        ("&'static str", layer().on_reject(|_| Response::new("403 Forbidden"))),
        ("Vec<u8>", layer().on_reject(|_| Response::new(b"403 Forbidden".to_vec()))),
        ("Bytes", layer().on_reject(|_| Response::new(Bytes::from_static(b"403 Forbidden")))),
    ] {
        let answer = refused(&layer, get("/a")).await;
        // None of them sets the status, and a refusal is never a 200.
        assert_eq!((answer.status(), kind(&answer)), (StatusCode::FORBIDDEN, Some(RejectionKind::Missing)), "{row}");
        assert_eq!(answer.headers(), &headers(&[("cache-control", "no-store"), ("referrer-policy", "no-referrer")]));
        assert_eq!(text(answer).await, "403 Forbidden", "{row}");
    }
}

#[tokio::test]
async fn a_callback_sees_no_credential_and_cannot_open_a_cache() {
    let layer = layer().on_reject(|r| {
        let (method, path, headers, kind) = (r.method(), r.path(), r.headers(), r.rejection().kind());
        Response::builder()
            .header("cache-control", "public, max-age=9")
            .header("cache-control", "immutable")
            .header("cdn-cache-control", "max-age=9")
            .header("surrogate-control", "max-age=9")
            .header("referrer-policy", "unsafe-url")
            .header("x-own", "kept")
            .body(format!("{} {method} {path} {headers:?} {kind:?}", r.status()))
            .unwrap()
    });
    for target in [CAT.replace("cat", "dog"), format!("http://h{}", CAT.replace("cat", "dog"))] {
        let mut request = Request::post(target).body(Body::default()).unwrap();
        request.headers_mut().insert("referer", HeaderValue::from_static(CAT));
        let answer = refused(&layer, request).await;
        let expected = [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-own", "kept")];
        assert_eq!(answer.headers(), &headers(&expected));
        let expected = r#"403 Forbidden POST /photos/dog.jpg {"referer": "/photos/cat.jpg"} NotAuthentic"#;
        assert_eq!(text(answer).await, expected);
    }
}

#[tokio::test]
async fn ready_made_answers_tell_the_status_alone() {
    let expired = earlier().url("/a").sign_until(at(NOW)).unwrap().into_string();
    let (no, gone) = ("This link is not valid here.", "This link has ended. A fresh one may work.");
    for (target, status, title, detail) in [("/a", 403, "Forbidden", no), (&expired, 410, "Gone", gone)] {
        let problem = refused(&layer().on_reject(reject::problem_json), get(target)).await;
        assert_eq!(
            (problem.status().as_u16(), &problem.headers()["content-type"]),
            (status, &HeaderValue::from_static("application/problem+json"))
        );
        let document: serde_json::Value = serde_json::from_str(&text(problem).await).unwrap();
        let expected = serde_json::json!({"type": "about:blank", "title": title, "status": status, "detail": detail});
        assert_eq!(document, expected);

        let plain = refused(&layer().on_reject(reject::plain_text), get(target)).await;
        assert_eq!(
            (plain.status().as_u16(), &plain.headers()["content-type"]),
            (status, &HeaderValue::from_static("text/plain; charset=utf-8"))
        );
        assert_eq!(text(plain).await, detail);

        let bare = refused(&layer().on_reject(reject::status_only), get(target)).await;
        assert_eq!((bare.status().as_u16(), bare.headers().len()), (status, 2));
        assert_eq!(text(bare).await, "");
    }
}

#[tokio::test]
async fn what_passes_gets_headers_that_protect_it() {
    let set = headers(&[("referrer-policy", "origin"), ("x-robots-tag", "all"), ("cache-control", "max-age=9")]);
    let (all, none) = (layer(), HeaderMap::new());
    let (referrer, robots, cache) =
        (("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex"), ("cache-control", "private, max-age=1000"));
    for (row, layer, from_service, expected) in [
        ("all", all.clone(), &none, headers(&[referrer, robots, cache])),
        ("no referrer policy", all.clone().without_referrer_policy(), &none, headers(&[robots, cache])),
        ("no robots tag", all.clone().without_robots_tag(), &none, headers(&[referrer, cache])),
        ("no cache control", all.clone().without_cache_control(), &none, headers(&[referrer, robots])),
        (
            "the service's own",
            all.clone(),
            &set,
            headers(&[("referrer-policy", "origin"), ("x-robots-tag", "all"), ("cache-control", "private, max-age=9")]),
        ),
        ("none of them", all.without_cache_control().without_referrer_policy().without_robots_tag(), &set, set.clone()),
    ] {
        let answer = call(&layer, get(CAT), 200, from_service).await;
        assert_eq!(answer.headers(), &expected, "{row}");
        // What is refused is protected whatever was turned off.
        let answer = refused(&layer, get("/a")).await;
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{row}");
        assert_eq!(answer.headers()[REFERRER_POLICY], "no-referrer", "{row}");
    }
}

/// Another system's links, `?t=…`, all of them good for as long as the figures' are.
#[derive(Clone)]
struct Token {
    by_url_alone: bool,
}

impl Verify for Token {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let query = head.target().and_then(|target| target.query()).unwrap_or("");
        match query {
            "t=good" => {
                let verified = Verified::new(Grant::until(at(NOW + 1000)).with_id("theirs"));
                Ok(if self.by_url_alone { verified.by_url_alone() } else { verified })
            }
            "" => Err(RejectionKind::Missing.into()),
            _ => Err(RejectionKind::NotAuthentic.into()),
        }
    }

    fn strip(&self, target: &str) -> Option<String> {
        target.split_once("?t=").map(|(path, _)| path.to_owned())
    }

    fn hide(&self, url: &str) -> Option<String> {
        self.strip(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        &[]
    }

    fn now(&self) -> SystemTime {
        at(NOW)
    }
}

#[tokio::test]
async fn caches_are_told_not_to_outlive_the_link() {
    const PRIVATE: &str = "private, max-age=1000";
    const SHARED: &str = "public, s-maxage=999";
    let cookie = headers(&[("set-cookie", "a=1")]);
    let eager = headers(&[("cache-control", "public, max-age=9999, s-maxage=5, immutable")]);
    let cdn = headers(&[("cdn-cache-control", "no-store")]);
    let (none, own) = (HeaderMap::new(), headers(&[("cache-control", "private")]));
    for (row, cache, status, from_service, expected) in [
        ("private, 200", Cache::Private, 200, &none, PRIVATE),
        ("private, 206", Cache::Private, 206, &none, PRIVATE),
        ("private, 304", Cache::Private, 304, &none, PRIVATE),
        ("private, 404", Cache::Private, 404, &none, "private, max-age=0"),
        ("private, eager", Cache::Private, 200, &eager, PRIVATE),
        ("no store, 200", Cache::NoStore, 200, &none, "no-store"),
        ("no store, 206", Cache::NoStore, 206, &none, "no-store"),
        ("no store, 304", Cache::NoStore, 304, &none, "no-store"),
        ("no store, 404", Cache::NoStore, 404, &eager, "no-store"),
        ("shared, 200", Cache::Shared, 200, &none, SHARED),
        ("shared, 206", Cache::Shared, 206, &none, SHARED),
        ("shared, 304", Cache::Shared, 304, &none, SHARED),
        ("shared, 404", Cache::Shared, 404, &none, "public, s-maxage=0"),
        ("shared, eager", Cache::Shared, 200, &eager, "public, s-maxage=5"),
        ("shared, the service says private", Cache::Shared, 200, &own, PRIVATE),
        ("shared, the service tells a CDN something else", Cache::Shared, 200, &cdn, PRIVATE),
        ("no store, and so does the service", Cache::NoStore, 200, &cdn, "no-store"),
        ("shared, a cookie is set", Cache::Shared, 200, &cookie, PRIVATE),
    ] {
        let answer = call(&layer().cache(cache), get(CAT), status, from_service).await;
        let lines: Vec<_> = answer.headers().get_all(CACHE_CONTROL).iter().collect();
        assert_eq!(lines, [expected], "{row}");
        assert!(!answer.headers().contains_key("cdn-cache-control"), "{row}");
        assert_eq!(answer.headers().get(SET_COOKIE), from_service.get(SET_COOKIE), "{row}");
    }

    let mut authorized = get(CAT);
    authorized.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic eDp5"));
    let answer = call(&layer().cache(Cache::Shared), authorized, 200, &none).await;
    assert_eq!(answer.headers()[CACHE_CONTROL], PRIVATE, "the request is authorized");
    for (by_url_alone, expected) in [(false, PRIVATE), (true, SHARED)] {
        let layer = SignedUrlLayer::custom(Token { by_url_alone }).cache(Cache::Shared);
        let answer = call(&layer, get("/a?t=good"), 200, &none).await;
        assert_eq!(answer.headers()[CACHE_CONTROL], expected, "custom, by its URL alone: {by_url_alone}");
    }
}

#[tokio::test]
async fn the_time_left_counts_from_the_answer() {
    let clock = Arc::new(AtomicU64::new(NOW));
    let now = Arc::clone(&clock);
    let verifier = Verifier::builder(&figure_keys()).clock(move || at(now.load(Ordering::Relaxed))).build().unwrap();
    for (takes, max_age, expires) in [(0, 1000, 1000), (400, 600, 1000), (1000, 0, 1000), (5000, 0, 1000)] {
        clock.store(NOW, Ordering::Relaxed);
        let slow = service_fn(async |_: Request<Body>| {
            clock.fetch_add(takes, Ordering::Relaxed);
            let expires = httpdate::fmt_http_date(at(NOW + 9999));
            Ok::<_, Infallible>(Response::builder().header(EXPIRES, expires).body(Body::default()).unwrap())
        });
        let answer = SignedUrlLayer::new(&verifier).layer(slow).oneshot(get(CAT)).await.unwrap();
        assert_eq!(answer.headers()[CACHE_CONTROL], format!("private, max-age={max_age}"), "{takes} s");
        assert_eq!(answer.headers()[EXPIRES], httpdate::fmt_http_date(at(NOW + expires)), "{takes} s");
    }
}

#[tokio::test]
async fn unusual_targets_are_judged_and_nothing_panics() {
    use RejectionKind::{Malformed, Missing, NotAuthentic};
    let root = link("/");
    for (method, uri, expected) in [
        ("GET", format!("http://h{CAT}"), None),
        ("GET", format!("http://user:pw@[::1]:8080{CAT}"), None),
        ("GET", format!("http://h{root}"), None),
        ("GET", format!("http://h{}", &root[1..]), Some(Malformed)),
        ("GET", "http://h?exp=1790000000&sig=x".into(), Some(Malformed)),
        ("GET", "http://h".into(), Some(Missing)),
        ("GET", "http://h?".into(), Some(Missing)),
        ("OPTIONS", "*".into(), Some(Missing)),
        ("CONNECT", "h:443".into(), Some(Missing)),
        ("CONNECT", "h".into(), Some(Missing)),
        ("GET", "/?".into(), Some(Missing)),
        ("GET", "/?&&&".into(), Some(Missing)),
        ("GET", "/?exp".into(), Some(Malformed)),
        ("GET", "/?exp&sig".into(), Some(Malformed)),
        ("GET", "/?exp&sig=".into(), Some(NotAuthentic)),
        ("GET", "/\u{e9}?\u{e9}&exp=\u{e9}&sig=\u{e9}".into(), Some(NotAuthentic)),
        ("GET", format!("/?exp=1&sig={}", "A".repeat(60_000)), Some(NotAuthentic)),
        ("GET", format!("/?{}exp=1&sig=", "&".repeat(60_000)), Some(NotAuthentic)),
    ] {
        let request = Request::builder().method(method).uri(&uri).body(Body::default()).unwrap();
        match expected {
            Some(expected) => assert_eq!(kind(&refused(&layer(), request).await), Some(expected), "{method} {uri}"),
            None => {
                let left = seen(&layer(), request).await.uri.to_string();
                assert_eq!(left, uri.split('?').next().unwrap(), "{method} {uri}");
            }
        }
    }
}

#[tokio::test]
async fn another_systems_links_work_behind_the_same_layer() {
    async fn check<V: Verify>(row: &str, verify: V) {
        let layer = SignedUrlLayer::custom(verify);
        let parts = seen(&layer, get("http://h/a?t=good")).await;
        assert_eq!(parts.uri, "http://h/a", "{row}");
        assert_eq!(parts.extensions.get::<Grant>().and_then(Grant::id), Some("theirs"), "{row}");
        for (target, expected) in [("/a?t=bad", RejectionKind::NotAuthentic), ("/a", RejectionKind::Missing)] {
            let answer = refused(&layer, get(target)).await;
            assert_eq!((answer.status().as_u16(), kind(&answer)), (403, Some(expected)), "{row} {target}");
        }
        assert_eq!(seen(&layer.optional(), get("/a")).await.uri, "/a", "{row}");
    }
    let token = Token { by_url_alone: true };
    let erased: Arc<dyn Verify> = Arc::new(token.clone());
    check("by value", token.clone()).await;
    check("shared", Arc::new(token)).await;
    check("erased", erased).await;
}

#[tokio::test]
async fn the_body_of_a_refusal_has_a_known_length() {
    for (row, layer, length) in [
        ("plain text", layer(), 28),
        ("status only", layer().on_reject(reject::status_only), 0),
        ("a callback's", layer().on_reject(|_| Response::new("no")), 2),
    ] {
        let body = refused(&layer, get("/a")).await.into_body();
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(length), length == 0), "{row}");
        assert_eq!(body.collect().await.unwrap().to_bytes().len() as u64, length, "{row}");
    }
    let body = call(&layer(), get(CAT), 200, &HeaderMap::new()).await.into_body();
    assert_eq!(body.size_hint().exact(), Some(8), "the service's");

    struct NoDefault;
    let _ = ResponseBody::<NoDefault>::default();
    let empty = ResponseBody::<Body>::default();
    assert_eq!((empty.size_hint().exact(), empty.is_end_stream()), (Some(0), true));
    assert_eq!(empty.collect().await.unwrap().to_bytes(), "");
}

#[test]
fn readiness_is_the_services() {
    struct Gate(Poll<Result<(), &'static str>>);
    impl Service<Request<Body>> for Gate {
        type Response = Response<Body>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            self.0
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            ready(Ok(Response::default()))
        }
    }
    for state in [Poll::Pending, Poll::Ready(Err("full")), Poll::Ready(Ok(()))] {
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(layer().layer(Gate(state)).poll_ready(&mut context), state);
        assert_eq!(ConcealLayer::new(fixed_verifier()).layer(Gate(state)).poll_ready(&mut context), state);
    }
}

/// Another verifier behind one's own: in `/en/photos/cat.jpg` the language is not signed, a `?ticket=…` is its own, and a
/// header decides as well.
struct Wrapper(Verifier);

impl Verify for Wrapper {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let target = head.target().map_or("", |target| target.as_str());
        let bare = target.strip_prefix("/en").unwrap_or(target);
        let bare = bare.split_once("?ticket=").map_or(bare, |(path, _)| path).parse().unwrap();
        let verified = self.0.verify(head.with_target(&bare))?;
        match head.headers().get("x-wants").map(HeaderValue::as_bytes) {
            Some(b"a count") => Ok(verified.asking_for(Obligations::COUNT_USE)),
            Some(_) => Err(Rejection::new(RejectionKind::Unenforceable).because("it wants something else")),
            None => Ok(verified.by_more_than_url()),
        }
    }

    fn strip(&self, target: &str) -> Option<String> {
        self.0.strip(target).or_else(|| target.split_once("?ticket=").map(|(path, _)| path.to_owned()))
    }

    fn hide(&self, url: &str) -> Option<String> {
        self.0.hide(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        self.0.cookies()
    }

    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

#[tokio::test]
async fn what_a_wrapper_decides_is_not_lost() {
    let layer = SignedUrlLayer::custom(Wrapper(fixed_verifier())).cache(Cache::Shared);
    let wanting = |what| {
        let mut request = get(&format!("/en{CAT}"));
        request.headers_mut().insert("x-wants", HeaderValue::from_static(what));
        request
    };
    for target in [CAT.to_owned(), format!("/en{CAT}")] {
        let (path, _) = target.split_once('?').unwrap();
        assert_eq!(seen(&layer, get(&target)).await.uri, path, "the cut is not the wrapped verifier's");
        let answer = call(&layer, get(&target), 200, &HeaderMap::new()).await;
        assert_eq!(answer.headers()[CACHE_CONTROL], "private, max-age=1000");
    }
    let counted = refused(&layer, wanting("a count")).await;
    let rejection = counted.extensions().get::<Rejection>().unwrap();
    assert_eq!((rejection.kind(), rejection.is_authentic()), (RejectionKind::Unenforceable, true));
    let other = refused(&layer, wanting("something")).await;
    let rejection = other.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.to_string(), "cannot be enforced here: it wants something else");
}

#[tokio::test]
async fn what_a_wrapper_strips_goes_whatever_brought_the_credential() {
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let token = verifier.signer().scope("/v/").sign_until(at(NOW + 9)).unwrap();
    let layer = SignedUrlLayer::custom(Wrapper(verifier));
    let mut request = get("/v/a?ticket=secret");
    request.headers_mut().insert(COOKIE, token.set_cookie(DEFAULT_COOKIE).unwrap());
    assert_eq!(seen(&layer, request).await.uri, "/v/a");
}

#[tokio::test]
async fn a_grant_from_further_out_is_not_passed_on() {
    let mut request = get("/a");
    request.extensions_mut().insert(Grant::until(at(NOW + 1)));
    assert!(seen(&layer().optional(), request).await.extensions.get::<Grant>().is_none());
}
