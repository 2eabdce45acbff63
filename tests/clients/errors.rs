//! A request that cannot be signed is not sent, and its error says why. The client's own errors are left as they are.

use std::fmt;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy;
use tower::{Layer, ServiceExt, service_fn};
use tower_signed_url::SignErrorKind::*;
use tower_signed_url::{BoxError, Policy, SignError, SignRequestLayer};

use super::support::fixed_verifier;
use super::{HALF_A_MINUTE, Http, Nobody, ask, echoing, hyper, kind, noting, request, serve, sign, signer, told};

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let nobody = Nobody::listen();
    let at = |target: &str| format!("http://{}{target}", nobody.address());
    let long = at(&format!("/{}", "a".repeat(65_480)));
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    let trackers = || signer().with_policy(Policy::new().tolerate_trackers()).unwrap();
    let once = || sign(signer());
    for (row, layer, method, uri, expected, message) in [
        ("an expiry", once(), "GET", at("/a?exp=1"), ReservedName, "\"exp\" in the target is reserved"),
        ("a signature", once(), "GET", at("/a?x&sig=1"), ReservedName, "\"sig\" in the target is reserved"),
        ("a reserved name", once(), "GET", at("/a?sig-x"), ReservedName, "\"sig-x\" in the target is reserved"),
        ("a path token", once(), "GET", at("/~c2lnLXNjb3BlPSxyz/a"), ReservedName, "\"~…\" in the target is reserved"),
        ("a tracker", sign(trackers()), "GET", at("/a?utm_source=b"), ToleratedName, "leave it out"),
        ("every target", once(), "OPTIONS", "*".into(), Target, "give a path"),
        ("a tunnel", once(), "CONNECT", nobody.address().to_string(), Target, "give a path"),
        ("no path", once(), "GET", at("?a"), Target, "an absolute URL with a `/` after its host"),
        ("two slashes", once(), "GET", at("//a"), Target, "exactly one `/`"),
        ("a quote", once(), "GET", at("/a?b='c'"), Character, "\"'\" in the target would be re-encoded"),
        ("a brace", once(), "GET", at("/a{b}"), Character, "percent-encode it"),
        ("a letter beyond ASCII", once(), "GET", at("/ä"), Character, "percent-encode it"),
        ("two dots", once(), "GET", at("/a/../b"), DotSegment, "resolve it first"),
        ("two dots, encoded", once(), "GET", at("/a/%2E%2e/b"), DotSegment, "resolve it first"),
        ("small letters", once(), "get", at("/a"), Method, "write GET or PUT"),
        ("another character", once(), "M_SEARCH", at("/a"), Method, "\"M_SEARCH\" is not a method of A-Z and -"),
        ("plain http", once(), "GET", "http://a.example/a".into(), PlainHttp, "\"a.example\" shows the link"),
        ("plain http, in capitals", once(), "GET", "HTTP://A.EXAMPLE/a".into(), PlainHttp, "use https"),
        ("plain http to an address", once(), "GET", "http://192.0.2.1/a".into(), PlainHttp, "allow_http_to"),
        ("plain http by a name that looks local", once(), "GET", "http://127.0.0.1.a.example/".into(), PlainHttp, ""),
        ("plain http after a local user", once(), "GET", "http://localhost:80@a.example/".into(), PlainHttp, ""),
        (
            "too long a life",
            SignRequestLayer::new(signer(), 2 * week),
            "GET",
            at("/a"),
            LifetimeTooLong,
            "max_lifetime",
        ),
        ("no life", SignRequestLayer::new(signer(), Duration::ZERO), "GET", at("/a"), NotInFuture, "later one"),
        ("too long a URL", once(), "GET", long, TooLong, "longer than 65534 bytes"),
        (
            "signed already",
            once(),
            "GET",
            signer().url(&at("/a")).sign_for(week).unwrap().into_string(),
            ReservedName,
            "",
        ),
    ] {
        let (client, sent) = noting(hyper(Http::One, &[("a.example", nobody.address())]));
        let client = layer.layer(client);
        let error = tokio::select! {
            answer = ask(&client, request(method, &uri)) => answer.unwrap_err(),
            () = nobody.asked() => panic!("{row}: sent"),
        };
        assert_eq!(kind(&error), Some(expected), "{row}: {error}");
        assert!(error.to_string().contains(message), "{row}: {error}");
        assert_eq!(*sent.lock().unwrap(), [""; 0], "{row}");
    }

    // And what can be is sent there.
    let client = sign(signer()).layer(hyper(Http::One, &[]));
    tokio::select! {
        answer = ask(&client, request("GET", &at("/a"))) => panic!("{answer:?}"),
        () = nobody.asked() => {}
    }
}

#[tokio::test]
async fn a_scheme_in_capitals_is_plain_all_the_same() {
    let uri = Uri::builder().scheme("HTTP").authority("a.example").path_and_query("/a").build().unwrap();
    let (client, sent) = noting(hyper(Http::One, &[]));
    let mut request = request("GET", "/");
    *request.uri_mut() = uri;
    let error = ask(&sign(signer()).layer(client), request).await.unwrap_err();
    assert_eq!((kind(&error), sent.lock().unwrap().len()), (Some(PlainHttp), 0));
}

#[tokio::test]
async fn two_layers_are_a_mistake_that_is_told() {
    let client = sign(signer()).layer(sign(signer()).layer(hyper(Http::One, &[])));
    let error = ask(&client, request("GET", "http://127.0.0.1:1/a")).await.unwrap_err();
    assert_eq!(kind(&error), Some(ReservedName));
}

#[tokio::test]
async fn an_error_tells_nothing_of_a_signature() {
    let link = signer().url("http://127.0.0.1:1/a").sign_for(HALF_A_MINUTE).unwrap();
    let (_, mac) = link.as_str().rsplit_once('=').unwrap();
    let error = ask(&sign(signer()).layer(hyper(Http::One, &[])), request("GET", link.as_str())).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?} {:?}", sign(signer()), sign(signer()).layer(()));
    assert!(!shown.contains(mac) && shown.contains("ReservedName"), "{shown}");
}

#[derive(Debug, PartialEq)]
pub struct OutOfPaper(pub u8);

impl fmt::Display for OutOfPaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tray {} is empty", self.0)
    }
}

impl std::error::Error for OutOfPaper {}

#[tokio::test]
async fn the_clients_own_errors_pass() {
    let fails = service_fn(|_: http::Request<()>| async { Err::<http::Response<()>, _>(OutOfPaper(2)) });
    let fails_boxed =
        service_fn(|_: http::Request<()>| async { Err::<http::Response<()>, _>(BoxError::from(OutOfPaper(3))) });
    let ask_it = || http::Request::get("/a").body(()).unwrap();
    let error = sign(signer()).layer(fails).oneshot(ask_it()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&OutOfPaper(2)));
    let error = sign(signer()).layer(fails_boxed).oneshot(ask_it()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&OutOfPaper(3)));

    // Of a name that nobody knows.
    let signer = signer().allow_http_to("a.example");
    let client = sign(signer).layer(hyper(Http::One, &[]));
    let error = ask(&client, request("GET", "http://a.example/a")).await.unwrap_err();
    assert!(error.downcast_ref::<legacy::Error>().unwrap().is_connect(), "{error:?}");
    assert!(error.downcast_ref::<SignError>().is_none());
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_not_an_error() {
    let server = serve(echoing(fixed_verifier())).await;
    let late = sign(signer().with_clock(|| super::at(super::support::NOW - 60)));
    let client = late.layer(hyper(Http::One, &[]));
    assert_eq!(told(&client, "GET", &format!("http://{server}/a")).await, (410, "Expired".into()));
}
