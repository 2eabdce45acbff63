//! What an attacker's reading of the crate found, so that it stays mended.
#![cfg(all(feature = "axum", feature = "trace"))]
#![allow(clippy::unwrap_used)]

#[path = "support/log.rs"]
mod log;
mod support;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderValue, Method, Request};
use log::{answer, boxed, request, respond};
use support::{NOW, at, figure_keys, fixed_verifier};
use tower::{Layer, service_fn};
use tower_http::trace::TraceLayer;
use tower_signed_url::*;

const MAC: &str = "FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";

#[test]
fn a_span_shows_no_value_of_a_link_that_was_mangled() {
    let verifier = fixed_verifier();
    for (name, target) in [
        ("the question mark encoded", format!("/a%3Fw=1&exp=1790000000&sig={MAC}")),
        ("all but the name encoded", format!("/a?sig%3D{MAC}=")),
        ("a whole query as a name", format!("/a?exp%3D1790000000%26sig%3D{MAC}=")),
        ("a URL as a value", format!("/a?next=/b?w=1?sig={MAC}")),
    ] {
        let trace = TraceLayer::new_for_http().make_span_with(ConcealSpan::new(&verifier));
        let service = trace.layer(boxed(SignedUrlLayer::new(&verifier).layer(service_fn(answer))));
        let (response, log) = respond(service, request("GET", &target));
        assert_eq!(response.status(), 403, "{name}");
        assert_eq!(log.signature(MAC), None, "{name}");
    }
}

#[test]
fn a_span_with_headers_shows_no_token() {
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let token = verifier.signer().scope("/v/").sign_until(at(NOW + 9)).unwrap();
    let token = URL_SAFE_NO_PAD.encode(token.as_str());
    let trace = TraceLayer::new_for_http().make_span_with(ConcealSpan::new(&verifier).include_headers(true));
    let service = trace.layer(boxed(SignedUrlLayer::new(&verifier).layer(service_fn(answer))));
    let mut request = request("GET", "/v/a");
    request.headers_mut().insert(COOKIE, format!("signed-url={token}; sid=secret").parse().unwrap());
    let (response, log) = respond(service, request);
    assert_eq!(response.status(), 200);
    assert!(log.text.contains("headers="), "{}", log.text);
    assert!(!log.text.contains(&token) && !log.text.contains("secret"), "{}", log.text);
}

#[test]
fn a_list_of_media_types_is_not_one_of_them() {
    let verifier = fixed_verifier();
    let link = verifier.signer().url("/a").method(Method::PUT).media_type("image/png").sign_until(at(NOW + 9)).unwrap();
    for (content_type, passes) in [
        ("image/png", true),
        ("image/png; a=\"b, c\"", true),
        ("image/png, text/html", false),
        ("image/png;, text/html", false),
        ("image/png; a=b, text/html", false),
        ("image/png; a=\"b, text/html", false),
    ] {
        let request = Request::put(link.as_str()).header("content-type", content_type).body(()).unwrap();
        let kind = verifier.verify(Head::of(&request)).err().map(|rejection| rejection.kind());
        assert_eq!(kind, (!passes).then_some(RejectionKind::MediaType), "{content_type}");
    }
}

#[test]
fn cookies_beside_a_token_stand_once_behind_conceal_layer() {
    let verifier = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .token_cookie(DEFAULT_COOKIE)
        .bind("session", context::cookie("sid"))
        .build()
        .unwrap();
    let signer = verifier.signer();
    let scope = || signer.scope("/v/");
    let plain = scope().sign_until(at(NOW + 9)).unwrap();
    let bound = scope().bind("session", "1").sign_until(at(NOW + 9)).unwrap();
    let link = signer.url("/v/a").bind("session", "1").sign_until(at(NOW + 9)).unwrap();
    for (name, target, token) in [
        ("a token", "/v/a", &plain),
        ("a token that binds another cookie", "/v/a", &bound),
        ("a link that binds another cookie", link.as_str(), &plain),
    ] {
        let mut request = request("GET", target);
        let token = URL_SAFE_NO_PAD.encode(token.as_str());
        request.headers_mut().insert(COOKIE, format!("sid=1; signed-url={token}; x=2").parse().unwrap());
        let layer = SignedUrlLayer::new(&verifier);
        let service = ConcealLayer::new(&verifier).layer(layer.layer(service_fn(echo_cookies)));
        let (response, _) = respond(service, request);
        assert_eq!(response.status(), 200, "{name}");
        let cookies: Vec<_> = response.headers().get_all("x-cookie").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(cookies, [b"sid=1; x=2"], "{name}");
    }
}

async fn echo_cookies(request: axum::extract::Request) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut response = answer(axum::extract::Request::default()).await?;
    for cookie in request.headers().get_all(COOKIE) {
        response.headers_mut().append("x-cookie", cookie.clone());
    }
    Ok(response)
}
