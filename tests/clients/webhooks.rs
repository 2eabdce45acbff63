//! reqwest has requests of a type of its own, so a link is minted and handed to it: a webhook's delivery.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION, REFERER};
use http::{HeaderMap, Method, Response, StatusCode};
use reqwest::redirect::Policy;
use sha2::{Digest, Sha256};
use tower::{Layer, ServiceExt, service_fn};
use tower_signed_url::{
    Grant, Keyring, SignError, SignErrorKind, SignedUrlLayer, Signer, SigningKey, Verifier, VerifierBuilder, context,
};

use super::support::{NOW, at};
use super::wire::tell_kind;
use super::{Nobody, kind, serve, sign};

/// Delivers an event to where a receiver wants it. `http` follows no redirects; the signer has the receiver's keys.
async fn deliver(
    http: &reqwest::Client,
    signer: &Signer,
    url: &str,
    event: String,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let link = signer.url(url).method(Method::POST).sign_for(Duration::from_secs(30))?;
    let request = http.post(link.as_str()).header(CONTENT_TYPE, "application/json").body(event);
    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
    // An error of reqwest's shows the URL, signature and all.
    let answer = answer.map_err(reqwest::Error::without_url)?;
    // Nor is a redirect a delivery.
    if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string().into()) }
}

#[test]
fn the_readme_shows_what_is_tested() {
    let (_, source) = include_str!("webhooks.rs").split_once("async fn deliver(").unwrap();
    let (_, body) = source.split_once("{\n").unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    assert!(include_str!("../../README.md").contains(body));
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

fn keys(byte: u8) -> Keyring {
    Keyring::new(SigningKey::from_bytes(&[byte; 32]).unwrap())
}

fn verifier(keys: &Keyring) -> VerifierBuilder {
    Verifier::builder(keys).clock(|| at(NOW))
}

/// What was let in: the URL, the type and the body.
type Received = Arc<Mutex<Vec<(String, String, String)>>>;

/// Takes deliveries at `/hooks`.
fn receiver(verifier: &Verifier) -> (Router, Received) {
    let received = Received::default();
    let by_handler = Arc::clone(&received);
    let take = move |_: Grant, request: Request| async move {
        let url = request.uri().to_string();
        let content_type = request.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(request.into_body(), 1 << 10).await.unwrap();
        by_handler.lock().unwrap().push((url, content_type, String::from_utf8(body.into()).unwrap()));
    };
    let app = Router::new().route("/hooks", post(take)).layer(SignedUrlLayer::new(verifier).on_reject(tell_kind));
    (app, received)
}

const EVENT: &str = r#"{"paid":42}"#;

#[tokio::test]
async fn a_delivery_arrives_at_its_receiver() {
    let verifier = verifier(&keys(1)).build().unwrap();
    let (app, received) = receiver(&verifier);
    let url = format!("http://{}/hooks?of=shop", serve(app).await);
    deliver(&http(), &verifier.signer(), &url, EVENT.into()).await.unwrap();
    let expected = ("/hooks?of=shop".into(), "application/json".into(), EVENT.into());
    assert_eq!(*received.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_receiver_cannot_deliver_to_another() {
    // The events that one receiver is sent, it sends on to another.
    for (row, first, second, expected) in [
        ("keys of their own", verifier(&keys(1)), verifier(&keys(2)), "NotAuthentic"),
        (
            "the same keys, the host bound",
            verifier(&keys(1)).bind("host", context::host()),
            verifier(&keys(1)).bind("host", context::host()),
            "NotAuthentic",
        ),
        ("the same keys, and no host", verifier(&keys(1)), verifier(&keys(1)), ""),
    ] {
        let (first, second) = (first.build().unwrap(), second.build().unwrap());
        let [(first_app, at_first), (second_app, at_second)] = [receiver(&first), receiver(&second)];
        let [first_host, second_host] = [serve(first_app).await.to_string(), serve(second_app).await.to_string()];
        let (url, signer) = (format!("http://{first_host}/hooks"), first.signer());
        let mint = signer.url(&url).method(Method::POST);
        let mint = if row.contains("bound") { mint.bind("host", &first_host) } else { mint };
        let link = mint.sign_for(Duration::from_secs(30)).unwrap().into_string();

        let send = |link: String| async {
            let answer = http().post(link).header(CONTENT_TYPE, "application/json").body(EVENT).send().await.unwrap();
            let kind = answer.headers().get("x-kind").map_or("", |kind| kind.to_str().unwrap()).to_owned();
            (answer.status().as_u16(), kind)
        };
        assert_eq!(send(link.clone()).await, (200, String::new()), "{row}");
        let status = if expected.is_empty() { 200 } else { 403 };
        assert_eq!(send(link.replace(&first_host, &second_host)).await, (status, expected.to_owned()), "{row}");
        let received = (at_first.lock().unwrap().len(), at_second.lock().unwrap().len());
        assert_eq!(received, (1, usize::from(expected.is_empty())), "{row}");
    }
}

#[tokio::test]
async fn an_error_does_not_show_the_link() {
    let [own, other] = [1, 2].map(|byte| verifier(&keys(byte)).build().unwrap());
    let signer = own.signer();
    let refusing = format!("http://{}/hooks", serve(receiver(&other).0).await);
    // It closes the connection that it is sent the request over.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    for (row, url, expected) in [
        ("refused", &refusing, "HTTP status client error (403 Forbidden)"),
        ("no answer", &silent, "error sending request"),
    ] {
        let error = deliver(&http(), &signer, url, EVENT.into()).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{row}");
        assert!(!format!("{error:?}").contains("sig="), "{row}: {error:?}");

        // What it shows without that.
        let link = signer.url(url).method(Method::POST).sign_for(Duration::from_secs(30)).unwrap();
        let error = http().post(link.as_str()).send().await.and_then(reqwest::Response::error_for_status).unwrap_err();
        assert!(error.to_string().contains(link.as_str()), "{row}: {error}");
        assert!(format!("{error:?}").contains("sig="), "{row}: {error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_delivered() {
    let nobody = Nobody::listen();
    let signer = Signer::new(&keys(1));
    for (url, expected) in [
        ("http://example.com/hooks".to_owned(), SignErrorKind::PlainHttp),
        ("https://xn--bcher-kva.example/hooks".to_owned(), SignErrorKind::AbsoluteUrl),
        ("ftp://example.com/hooks".to_owned(), SignErrorKind::AbsoluteUrl),
        (format!("http://{}/hooks#part", nobody.address()), SignErrorKind::Fragment),
        (format!("http://{}/hooks?exp=1", nobody.address()), SignErrorKind::ReservedName),
    ] {
        let error = deliver(&http(), &signer, &url, EVENT.into()).await.unwrap_err();
        assert_eq!(error.downcast_ref().map(SignError::kind), Some(expected), "{url}");
    }
    assert!(!nobody.was_asked());
}

/// Who redirects, and what another host is sent by it.
async fn redirected(http: reqwest::Client) -> (Result<(), String>, Vec<(String, Option<String>)>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let by_handler = Arc::clone(&seen);
    let look = move |request: Request| async move {
        let referer = request.headers().get(REFERER).map(|referer| referer.to_str().unwrap().to_owned());
        by_handler.lock().unwrap().push((request.uri().to_string(), referer));
    };
    let other = serve(Router::new().fallback(look)).await;
    let redirect = move || async move {
        let to = format!("http://{other}/elsewhere");
        Response::builder().status(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, to).body(String::new()).unwrap()
    };
    let verifier = verifier(&keys(1)).build().unwrap();
    let app = Router::new().fallback(redirect).layer(SignedUrlLayer::new(&verifier));
    let url = format!("http://{}/hooks", serve(app).await);
    let delivered = deliver(&http, &verifier.signer(), &url, EVENT.into()).await.map_err(|error| error.to_string());
    let seen = seen.lock().unwrap().clone();
    (delivered, seen)
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    assert_eq!(redirected(http()).await, (Err("307 Temporary Redirect".into()), vec![]));
}

/// Where there is more to say than a link can: a base, or what a request is bound to.
#[tokio::test]
async fn the_layer_fits_around_reqwest() {
    let verifier = verifier(&keys(1)).bind("host", context::host()).require("host").build().unwrap();
    let (app, received) = receiver(&verifier);
    let base = format!("http://{}", serve(app).await);
    let http = http();
    let send = service_fn(move |request: http::Request<reqwest::Body>| {
        let http = http.clone();
        async move { http.execute(request.try_into()?).await }
    });
    let signer = verifier.signer().with_base(&base).unwrap();
    let client = sign(signer).bind("host", context::host()).layer(send);

    let post = |uri: &str| http::Request::post(uri).header(CONTENT_TYPE, "text/plain").body("the body".into()).unwrap();
    assert_eq!(client.clone().oneshot(post("/hooks?a=%20+")).await.unwrap().status(), 200);
    let error = client.oneshot(post("http://127.0.0.1:1/hooks")).await.unwrap_err();
    assert_eq!(kind(&error), Some(SignErrorKind::OutsideBase));
    assert_eq!(*received.lock().unwrap(), [("/hooks?a=%20+".into(), "text/plain".into(), "the body".into())]);
}

/// What the docs warn of.
#[tokio::test]
async fn a_client_that_follows_redirects_shows_the_link_to_the_other_host() {
    let (delivered, seen) = redirected(reqwest::Client::new()).await;
    assert_eq!(delivered, Ok(()));
    let [(url, Some(referer))] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(url, "/elsewhere");
    assert!(referer.contains("/hooks?exp=") && referer.contains("&sig="), "{referer}");
}

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// RFC 9530.
fn digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

/// A body is not signed. Its digest can be: in a field that the link binds, and that the receiver compares with the body.
#[tokio::test]
async fn a_body_is_covered_by_its_digest() {
    let source = context::header(CONTENT_DIGEST);
    let verifier = verifier(&keys(1)).bind("content-digest", source).require("content-digest").build().unwrap();
    let take = |headers: HeaderMap, body: Bytes| async move {
        let is_whole = headers[CONTENT_DIGEST] == digest(&body);
        if is_whole { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    };
    let layer = SignedUrlLayer::new(&verifier).on_reject(tell_kind);
    let url = format!("http://{}/hooks", serve(Router::new().route("/hooks", post(take)).layer(layer)).await);

    let of_event = digest(EVENT.as_bytes());
    let signer = verifier.signer();
    let mint = signer.url(&url).method(Method::POST).bind("content-digest", &of_event);
    let link = mint.sign_for(Duration::from_secs(30)).unwrap();
    let other = r#"{"paid":43}"#;
    for (row, body, of_body, expected) in [
        ("as it was sent", EVENT, Some(of_event.clone()), 200),
        ("another body", other, Some(of_event.clone()), 400),
        ("another body and its digest", other, Some(digest(other.as_bytes())), 403),
        ("no digest", EVENT, None, 403),
    ] {
        let mut request = http().post(link.as_str()).body(body);
        if let Some(digest) = of_body {
            request = request.header(CONTENT_DIGEST, digest);
        }
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected, "{row}");
    }
}
