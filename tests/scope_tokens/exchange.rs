//! A token in the query is exchanged for a cookie, where a browser navigates.

use std::time::Duration;

use http::{HeaderName, Method};
use tower_signed_url::RejectionKind::{Expired, Malformed, NotAuthentic, Scope};

use super::*;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

fn layer() -> SignedUrlLayer {
    SignedUrlLayer::new(verifier()).exchange().unwrap()
}

fn navigate(target: &str) -> Request<()> {
    let mut request = get(target);
    request.headers_mut().insert(SEC_FETCH_MODE, HeaderValue::from_static("navigate"));
    request
}

fn is_exchanged(answer: &Answer) -> bool {
    let headers = answer.headers();
    let is = answer.status() == 303;
    assert_eq!(headers.contains_key("set-cookie"), is, "a cookie and a redirect, or neither");
    assert_eq!(headers.contains_key("location"), is, "a cookie and a redirect, or neither");
    is
}

#[test]
fn a_navigation_is_answered_with_the_cookie_and_the_way_to_the_clean_url() {
    let value = encode(&token(COVERED));
    let expected_cookie = format!("signed-url={value}; Path=/v/; Max-Age=1000; Secure; HttpOnly; SameSite=Lax");
    for (target, location) in [
        ("/v/a?{t}", "/v/a"),
        ("/v/?{t}", "/v/"),
        ("/v/a?w=1&{t}&x=2", "/v/a?w=1&x=2"),
        ("/v/a?&{t}", "/v/a?"),
        ("/v/a?next=//evil.example&{t}", "/v/a?next=//evil.example"),
        ("http://evil.example/v/a?{t}", "/v/a"),
        ("https://user@evil.example:81/v/a?w&{t}", "/v/a?w"),
        ("/v/caf%C3%A9?é&{t}", "/v/caf%C3%A9?é"),
    ] {
        let target = target.replace("{t}", &token(COVERED));
        for layer in [layer(), layer().optional(), layer().cache(Cache::Shared).without_referrer_policy()] {
            let answer = call(&layer, navigate(&target), &HeaderMap::new());
            assert_eq!(answer.status().as_u16(), 303, "{target}");
            for (name, value) in [
                ("location", location),
                ("set-cookie", &*expected_cookie),
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("vary", "cookie"),
            ] {
                assert_eq!(values(answer.headers(), name), [value], "{target}: {name}");
            }
            assert_eq!(answer.headers().len(), 5, "{target}: {:?}", answer.headers());
            assert!(answer.headers()["set-cookie"].is_sensitive(), "{target}");
            assert!(seen(&answer).is_none(), "{target}: the service was called");
        }
    }
}

#[test]
fn everything_else_is_served() {
    let exact = verifier().signer().url("/v/a").sign_until(at(NOW + 60)).unwrap().into_string();
    let query = format!("/v/a?{}", token(COVERED));
    let modes = |fields: &[&'static str]| fields.iter().map(|mode| ("sec-fetch-mode", *mode)).collect::<Vec<_>>();
    let all = format!("/v/a?{}", token("sig-scope=/v/&exp=1790000000&sig-methods=GET,POST,PUT"));
    for (name, method, target, fields, exchanged) in [
        ("a navigation", "GET", &query, modes(&["navigate"]), true),
        ("no such header", "GET", &query, modes(&[]), false),
        ("an image", "GET", &query, modes(&["no-cors"]), false),
        ("a fetch", "GET", &query, modes(&["cors"]), false),
        ("a fetch of the same origin", "GET", &query, modes(&["same-origin"]), false),
        ("a socket", "GET", &query, modes(&["websocket"]), false),
        ("another letter case", "GET", &query, modes(&["Navigate"]), false),
        ("a list", "GET", &query, modes(&["navigate, cors"]), false),
        ("two fields", "GET", &query, modes(&["navigate", "navigate"]), false),
        ("empty", "GET", &query, modes(&[""]), false),
        ("nested", "GET", &query, modes(&["nested-navigate"]), false),
        ("HEAD", "HEAD", &query, modes(&["navigate"]), false),
        ("POST", "POST", &all, modes(&["navigate"]), false),
        ("PUT", "PUT", &all, modes(&["navigate"]), false),
        ("GET of several", "GET", &all, modes(&["navigate"]), true),
        ("an exact URL", "GET", &exact, modes(&["navigate"]), false),
    ] {
        let mut request = get(target);
        *request.method_mut() = method.parse::<Method>().unwrap();
        for (field, value) in fields {
            request.headers_mut().append(field, HeaderValue::from_static(value));
        }
        let answer = call(&layer(), request, &HeaderMap::new());
        assert_eq!(is_exchanged(&answer), exchanged, "{name}");
        if !exchanged {
            assert_eq!(result(&answer), granted("/v/a"), "{name}");
        }
    }
    for carrier in [InCookie, InPath] {
        let mut request = carrier.get("/v/a", &token(COVERED));
        request.headers_mut().insert(SEC_FETCH_MODE, HeaderValue::from_static("navigate"));
        let answer = call(&layer(), request, &HeaderMap::new());
        assert_eq!((is_exchanged(&answer), result(&answer)), (false, granted("/v/a")), "{carrier:?}");
    }
    let not_asked_for = call(&SignedUrlLayer::new(verifier()), navigate(&query), &HeaderMap::new());
    assert_eq!(result(&not_asked_for), granted("/v/a"));
    let anonymous_answer = call(&layer().optional(), navigate("/v/a"), &HeaderMap::new());
    assert_eq!((is_exchanged(&anonymous_answer), result(&anonymous_answer)), (false, anonymous("/v/a")));
}

#[test]
fn what_is_refused_gets_no_cookie() {
    for (name, target, kind) in [
        ("tampered with", format!("/v/a?{}", token(COVERED).replace("179", "180")), NotAuthentic),
        ("expired", format!("/v/a?{}", token("sig-scope=/v/&exp=1789999000")), Expired),
        ("elsewhere", format!("/w/a?{}", token(COVERED)), Scope),
        ("up and away", format!("/v/../a?{}", token(COVERED)), Scope),
        ("of another host", format!("//evil.example/v/a?{}", token("sig-scope=/&exp=1790000000")), Scope),
        ("of another host, signed", format!("//v/a?{}", token("sig-scope=//v/&exp=1790000000")), Malformed),
        ("two tokens", format!("/v/a?{0}&{0}", token(COVERED)), Malformed),
        ("a token and a path token", format!("/~{}/v/a?{0}", token(COVERED)), Malformed),
    ] {
        let target = if name == "a token and a path token" {
            format!("/~{}/v/a?{}", encode(&token(COVERED)), token(COVERED))
        } else {
            target
        };
        for layer in [layer(), layer().optional()] {
            let answer = call(&layer, navigate(&target), &HeaderMap::new());
            assert_eq!((is_exchanged(&answer), result(&answer)), (false, refused(kind)), "{name}");
        }
    }
}

#[test]
fn the_cookie_lets_the_clean_url_in() {
    for (layer, base) in [(layer(), ""), (SignedUrlLayer::new(verifier()).exchange_behind("/cdn").unwrap(), "/cdn")] {
        let answer = call(&layer, navigate(&format!("/v/a?w=1&{}", token(COVERED))), &HeaderMap::new());
        let location = values(answer.headers(), "location")[0].strip_prefix(base).unwrap();
        let set_cookie = values(answer.headers(), "set-cookie")[0];
        let (pair, attributes) = set_cookie.split_once("; ").unwrap();
        assert_eq!(attributes, format!("Path={base}/v/; Max-Age=1000; Secure; HttpOnly; SameSite=Lax"));
        for (target, expected) in [
            (location, granted("/v/a?w=1")),
            ("/v/b.css", granted("/v/b.css")),
            ("/v", refused(RejectionKind::Missing)),
            ("/w/a", refused(RejectionKind::Missing)),
        ] {
            let answer = call(&layer, with_cookies(target, &["other=1", pair]), &HeaderMap::new());
            assert_eq!(result(&answer), expected, "{base}: {target}");
        }
    }
}

#[test]
fn behind_a_proxy_the_browser_s_path_is_named() {
    let target = format!("/v/a?w=1&{}", token(COVERED));
    for (public, path, location) in [
        ("", "/v/", "/v/a?w=1"),
        ("/cdn", "/cdn/v/", "/cdn/v/a?w=1"),
        ("/a/b-c/~d", "/a/b-c/~d/v/", "/a/b-c/~d/v/a?w=1"),
        ("/caf%C3%A9", "/caf%C3%A9/v/", "/caf%C3%A9/v/a?w=1"),
    ] {
        let layer = SignedUrlLayer::new(verifier()).exchange_behind(public).unwrap();
        let answer = call(&layer, navigate(&target), &HeaderMap::new());
        assert_eq!(values(answer.headers(), "location"), [location], "{public}");
        assert!(values(answer.headers(), "set-cookie")[0].contains(&format!("; Path={path}; ")), "{public}");
    }
    for public in [
        "cdn",
        "/",
        "/cdn/",
        "//cdn",
        "/cdn//x",
        "//evil.example",
        "/\\evil.example",
        "/..",
        "/a/../b",
        "/%2e%2e",
        "/cdn?x",
        "/cdn#x",
        "/cdn;x",
        "/cdn,x",
        "/cdn&x",
        "/a b",
        "/a\r\nx: y",
        "/caf\u{e9}",
        "/a%2fb",
        "/%",
        "https://example.com/cdn",
    ] {
        let error = SignedUrlLayer::new(verifier()).exchange_behind(public).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::PublicPath, "{public:?}");
        assert!(error.to_string().ends_with("write it as /cdn, without a `/` at its end"), "{public:?}: {error}");
    }
}

#[test]
fn a_token_that_no_browser_would_keep_is_served() {
    // The pair's name and value may have 4096 bytes, a `Path` 1024.
    for (name, scope, id, base, exchanged) in [
        ("short", "/v/".to_owned(), 1, "", true),
        ("a long path", format!("/{}/", "v".repeat(1022)), 1, "", true),
        ("too long a path", format!("/{}/", "v".repeat(1023)), 1, "", false),
        ("too long a path with what a proxy takes off", format!("/{}/", "v".repeat(1022)), 1, "/c", false),
        ("a long value", "/v/".into(), 2943, "", true),
        ("too long a value", "/v/".into(), 2990, "", false),
    ] {
        // A file name, the one value that may be of any length.
        let token = token(&format!("sig-scope={scope}&exp=1790000000&sig-download={}", "d".repeat(id)));
        let layer = SignedUrlLayer::new(verifier()).exchange_behind(base).unwrap();
        let answer = call(&layer, navigate(&format!("{scope}a?{token}")), &HeaderMap::new());
        assert_eq!(is_exchanged(&answer), exchanged, "{name}: {}", encode(&token).len());
        if !exchanged {
            assert_eq!(result(&answer), granted(&format!("{scope}a")), "{name}");
        }
    }
}

#[test]
fn in_its_last_second_a_token_is_served() {
    for (left, exchanged) in [(1001, true), (1000, true), (999, false), (1, false)] {
        let now = at(1_790_000_000) - Duration::from_millis(left);
        let layer = SignedUrlLayer::new(builder().clock(move || now).build().unwrap()).exchange().unwrap();
        let answer = call(&layer, navigate(&format!("/v/a?{}", token(COVERED))), &HeaderMap::new());
        assert_eq!(is_exchanged(&answer), exchanged, "{left} ms");
    }
}

#[test]
fn what_cannot_be_set_up_says_why() {
    let none = Verifier::builder(&figure_keys()).token_path().build().unwrap();
    for error in [
        SignedUrlLayer::new(&none).exchange().unwrap_err(),
        SignedUrlLayer::new(&none).exchange_behind("/cdn").unwrap_err(),
        SignedUrlLayer::new(&figure_keys()).exchange_behind("cdn").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ConfigErrorKind::ExchangeWithoutCookie);
        assert!(error.to_string().ends_with("name one with `token_cookie`"), "{error}");
    }
    for (name, is_one) in [
        ("signed-url", true),
        ("__Secure-t", true),
        ("__Secure-__Host-t", true),
        ("a", true),
        ("!#$%&'*+-.^_`|~09AZaz", true),
        ("", false),
        ("a b", false),
        ("a=b", false),
        ("a;b", false),
        ("a,b", false),
        ("a\"b", false),
        ("a\nb", false),
        ("a/b", false),
        ("caf\u{e9}", false),
        ("__Host-t", false),
        ("__host-T", false),
        ("__HOST-", false),
    ] {
        let built = Verifier::builder(&figure_keys()).token_cookie(name).build();
        assert_eq!(
            built.as_ref().err().map(ConfigError::kind),
            (!is_one).then_some(ConfigErrorKind::Cookie),
            "{name:?}"
        );
        let minted = verifier().signer().scope("/v/").sign_until(at(NOW + 60)).unwrap().set_cookie(name);
        assert_eq!(minted.err().map(|error| error.kind()), (!is_one).then_some(SignErrorKind::Cookie), "{name:?}");
        if let Err(error) = built {
            assert!(error.to_string().contains("not beginning with `__Host-`"), "{error}");
        }
    }
}
