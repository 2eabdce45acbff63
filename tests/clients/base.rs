//! Whom a signature is given to: with a base, to nobody else. Without one, to whom the URL names, which a redirect may
//! have chosen.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use http::header::{LOCATION, REFERER};
use http::{Response, StatusCode};
use tower::Layer;
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_signed_url::SignErrorKind::OutsideBase;
use tower_signed_url::{SignedUrlLayer, Signer};

use super::support::fixed_verifier;
use super::{Http, Nobody, ask, echoing, hyper, kind, noting, request, serve, sign, signer, told};

fn based(base: &str) -> Signer {
    signer().allow_http_to("reports").with_base(base).unwrap()
}

#[tokio::test]
async fn nothing_is_signed_for_anywhere_else() {
    for (row, base, uri) in [
        ("another host", "http://reports:8080", "http://evil:8080/a"),
        ("another port", "http://reports:8080", "http://reports:8081/a"),
        ("a longer port", "http://reports:808", "http://reports:8080/a"),
        ("no port", "http://reports:8080", "http://reports/a"),
        ("the scheme's own port", "http://reports", "http://reports:80/a"),
        ("another scheme", "http://reports:8080", "https://reports:8080/a"),
        ("a host that begins the same", "http://reports", "http://reports.evil/a"),
        ("a port that begins the same", "http://reports:8080", "http://reports:8080.evil/a"),
        ("a host that ends the same", "http://reports", "http://evil.reports/a"),
        ("the base as user information", "http://reports:8080", "http://reports:8080@evil/a"),
        ("the base's host as a user", "http://reports", "http://reports@evil/a"),
        ("user information of the base", "http://reports:8080", "http://user@reports:8080/a"),
        ("a host in capitals", "http://reports:8080", "http://Reports:8080/a"),
        ("a dot at the host's end", "http://reports", "http://reports./a"),
        ("another path", "https://reports.example/cdn", "https://reports.example/a"),
        ("a path that begins the same", "https://reports.example/cdn", "https://reports.example/cdnx"),
        ("a path in capitals", "https://reports.example/cdn", "https://reports.example/CDN/a"),
        ("a path that is written otherwise", "https://reports.example/cdn", "https://reports.example/%63dn/a"),
        ("the base alone", "https://reports.example/cdn", "https://reports.example/cdn"),
        ("the base with a query", "https://reports.example/cdn", "https://reports.example/cdn?a"),
        ("two slashes before the path", "https://reports.example/cdn", "https://reports.example//cdn/a"),
        ("every target", "http://reports:8080", "*"),
        ("a tunnel", "http://reports:8080", "reports:8080"),
    ] {
        let (client, sent) = noting(hyper(Http::One, &[]));
        let error = ask(&sign(based(base)).layer(client), request("GET", uri)).await.unwrap_err();
        assert_eq!(kind(&error), Some(OutsideBase), "{row}: {error}");
        assert!(error.to_string().contains("give a path, or use a signer without that base"), "{row}: {error}");
        assert_eq!(*sent.lock().unwrap(), [""; 0], "{row}");
    }
}

#[tokio::test]
async fn what_leaves_the_base_by_its_path_is_not_signed() {
    for uri in [
        "/../a",
        "/%2e%2e/a",
        "//evil/a",
        "/.",
        "https://reports.example/cdn/../a",
        "https://reports.example/cdn//evil",
    ] {
        let (client, sent) = noting(hyper(Http::One, &[]));
        let client = sign(based("https://reports.example/cdn")).layer(client);
        assert!(kind(&ask(&client, request("GET", uri)).await.unwrap_err()).is_some(), "{uri}");
        assert_eq!(*sent.lock().unwrap(), [""; 0], "{uri}");
    }
}

/// Sends whoever has a good link elsewhere.
fn redirecting(to: String) -> Router {
    let redirect = move || async move {
        Response::builder().status(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, to).body(String::new()).unwrap()
    };
    Router::new().fallback(redirect).layer(SignedUrlLayer::new(fixed_verifier()))
}

#[tokio::test]
async fn a_redirect_chooses_what_is_signed_where_there_is_no_base() {
    let other = serve(echoing(fixed_verifier())).await;
    let server = serve(redirecting(format!("http://{other}/accounts?all"))).await;
    let follow = FollowRedirectLayer::new();

    let outside = follow.layer(sign(signer()).layer(hyper(Http::One, &[])));
    let hazard = told(&outside, "DELETE", &format!("http://{server}/a")).await;
    assert_eq!(hazard, (200, "DELETE /accounts?all".into()));

    let inside = sign(signer()).layer(follow.layer(hyper(Http::One, &[])));
    assert_eq!(told(&inside, "DELETE", &format!("http://{server}/a")).await, (403, "Missing".into()));
}

#[tokio::test]
async fn a_redirect_out_of_the_base_is_an_error() {
    let nobody = Nobody::listen();
    let server = serve(redirecting(format!("http://{}/accounts?all", nobody.address()))).await;
    let (client, sent) = noting(hyper(Http::One, &[]));
    let signing = sign(based(&format!("http://{server}"))).layer(client);
    let outside = FollowRedirectLayer::new().layer(signing);
    let error = ask(&outside, request("DELETE", &format!("http://{server}/a"))).await.unwrap_err();
    assert_eq!(kind(&error), Some(OutsideBase));
    // The first request was, the second was not.
    assert_eq!(sent.lock().unwrap().len(), 1);
    assert!(!nobody.was_asked());
}

#[tokio::test]
async fn a_redirect_that_is_followed_inside_takes_no_credential_along() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let by_server = Arc::clone(&seen);
    let look = move |request: Request| async move {
        by_server.lock().unwrap().push((request.uri().to_string(), request.headers().contains_key(REFERER)));
    };
    let other = serve(Router::new().fallback(look)).await;
    let server = serve(redirecting(format!("http://{other}/b"))).await;
    let client = sign(signer()).layer(FollowRedirectLayer::new().layer(hyper(Http::One, &[])));
    assert_eq!(told(&client, "GET", &format!("http://{server}/a")).await.0, 200);
    assert_eq!(*seen.lock().unwrap(), [("/b".to_owned(), false)]);
}
