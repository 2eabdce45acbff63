//! No log line holds a token, whatever carries it, and however the trace stands to the layer.

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::response::Response as AxumResponse;
use http::HeaderName;
use tracing::Level;

use super::log::{Boxed, boxed, plain_trace, record, trace};
use super::*;

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(verifier()).exchange().unwrap()
}

/// Redirects to the same path, and sets the cookie that it was given in the query's place.
async fn inner(request: AxumRequest) -> Result<AxumResponse, Infallible> {
    tracing::info!(uri = %request.uri(), headers = ?request.headers(), "handled");
    let path = request.uri().path().to_owned();
    Ok(Response::builder().header("location", path).body(Body::empty()).unwrap())
}

fn arrangements() -> [(&'static str, Boxed, bool); 6] {
    let conceal = || ConcealLayer::new(verifier());
    let span = || ConcealSpan::new(verifier()).include_headers(true).level(Level::INFO);
    let app = || Router::new().fallback(|request| async { inner(request).await.unwrap() });
    [
        ("ConcealLayer", boxed(conceal().layer(plain_trace().layer(signed().layer(service_fn(inner))))), false),
        ("ConcealLayer and a router", boxed(conceal().layer(plain_trace().layer(app().layer(signed())))), false),
        ("ConcealSpan", boxed(trace(span()).layer(signed().layer(service_fn(inner)))), false),
        (
            "ConcealSpan and ConcealLayer",
            boxed(trace(span()).layer(conceal().layer(signed().layer(service_fn(inner))))),
            false,
        ),
        ("the layer outside", boxed(signed().layer(plain_trace().layer(service_fn(inner)))), false),
        // The mistake: it shows that the log is looked at in the right place.
        ("the trace outside", boxed(plain_trace().layer(signed().layer(service_fn(inner)))), true),
    ]
}

#[test]
fn no_log_holds_a_token() {
    let (right, expired) = (token(COVERED), token("sig-scope=/v/&exp=1789999000"));
    let tampered = format!("{COVERED}&sig={}", mac("something else"));
    for (arrangement, app, mistaken) in arrangements() {
        for (case, token, path, status) in [
            ("accepted", &right, "/v/seen", 200),
            ("elsewhere", &right, "/w/seen", 403),
            ("up and away", &right, "/v/../seen", 403),
            ("expired", &expired, "/v/seen", 410),
            ("tampered with", &tampered, "/v/seen", 403),
        ] {
            for carrier in CARRIERS {
                for mode in ["cors", "navigate"] {
                    let mut request = carrier.get(path, token).map(|()| Body::empty());
                    let fields = request.headers_mut();
                    fields.insert(HeaderName::from_static("sec-fetch-mode"), HeaderValue::from_static(mode));
                    for (name, value) in [
                        ("referer", format!("http://h/v/page?{token}")),
                        ("x-original-uri", format!("/~{}/v/page", encode(token))),
                        ("x-forwarded-uri", format!("/in/~{}/v/page", encode(token))),
                    ] {
                        fields.insert(name, HeaderValue::try_from(value).unwrap());
                    }
                    // A second cookie, of which nobody reads the scope.
                    fields.append(
                        "cookie",
                        HeaderValue::try_from(format!("a=1; {DEFAULT_COOKIE}={}", encode(token))).unwrap(),
                    );
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let (answer, log) = record(|| runtime.block_on(app.clone().oneshot(request)).unwrap());

                    let name = format!("{arrangement}, {case}, {carrier:?}, {mode}");
                    let exchanged = status == 200 && carrier == InQuery && mode == "navigate";
                    let status = if exchanged { 303 } else { status };
                    assert_eq!(answer.status().as_u16(), status, "{name}");
                    let shown = [log.signature(token.rsplit_once('=').unwrap().1), log.signature(&encode(token))];
                    assert_eq!(shown.iter().any(Option::is_some), mistaken, "{name}: {shown:?}");
                    assert!(mistaken || log.expiry().is_none(), "{name}: {:?}", log.expiry());
                    // Of what is exchanged before a trace begins, there is nothing to be said.
                    let is_traced = !(exchanged && arrangement == "the layer outside");
                    assert_eq!(log.text.contains("seen"), is_traced, "{name}: the path in the log");
                }
            }
        }
    }
}

#[test]
fn nothing_of_a_token_shows_in_what_is_debugged() {
    let signer = verifier().signer();
    let token = signer.scope("/v/").sign_until(at(1_790_000_000)).unwrap();
    assert_eq!(token.as_str(), super::token(COVERED));
    let (mac, encoded) = (mac(COVERED), encode(token.as_str()));
    let by_cookie = with_cookies("/v/a", &[&format!("{DEFAULT_COOKIE}={encoded}")]);
    let by_path = InPath.get("/v/a", token.as_str());
    let verified = |request: &Request<()>| verifier().verify(Head::of(request)).unwrap();
    for (name, text) in [
        ("ScopeToken", format!("{token:?}")),
        ("a link", format!("{:?}", token.in_query("/v/a").unwrap())),
        ("a link by its path", format!("{:?}", token.in_path("/v/a").unwrap())),
        ("Set-Cookie", format!("{:?}", token.set_cookie(DEFAULT_COOKIE).unwrap())),
        ("Mint", format!("{:?}", signer.scope("/v/"))),
        ("Head", format!("{:?}", Head::of(&by_cookie))),
        ("Verified, by a cookie", format!("{:?}", verified(&by_cookie))),
        ("Verified, by the path", format!("{:?}", verified(&by_path))),
        ("SignError", format!("{:?}", token.in_query(token.in_path("/v/a").unwrap().as_str()).unwrap_err())),
        ("its text", token.in_query(token.in_path("/v/a").unwrap().as_str()).unwrap_err().to_string()),
    ] {
        for piece in (0..mac.len() - 8).map(|at| &mac[at..at + 8]).chain([&encoded[20..], &encoded[..16]]) {
            assert!(!text.contains(piece), "{name} shows {piece:?}: {text}");
        }
    }
}
