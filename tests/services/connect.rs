//! `CONNECT`: a `WebSocket` over HTTP/2 (RFC 8441), whose method it is, and what has no path at all.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::header::COOKIE;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use tokio::task::spawn_blocking;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tower::Layer;
use tower_signed_url::{DEFAULT_COOKIE, SignedUrlLayer, Verifier};

use super::support::{NOW, at, connect_http2, cookie, earlier, exchange, figure_keys, fixed_verifier};
use super::websocket::{converse, routes};
use super::wire::{only, tell_kind};
use super::{allow, conceal, serve, signed};

async fn connect(server: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let mut client = connect_http2(server).await;
    // With its first answer, the server's settings have arrived, which allow it.
    let request = Request::get(format!("http://{server}/chat")).body(Empty::new()).unwrap();
    client.send_request(request).await.unwrap();
    client
}

/// What is said, or the status and the kind of the refusal.
async fn open(
    client: &mut SendRequest<Empty<Bytes>>,
    server: SocketAddr,
    target: &str,
    cookie: Option<&str>,
) -> Result<String, (u16, String)> {
    let request = Request::connect(format!("http://{server}{target}"));
    let request = request.header("sec-websocket-version", "13").extension(Protocol::from_static("websocket"));
    let mut request = request.body(Empty::new()).unwrap();
    request.headers_mut().extend(cookie.map(|cookie| (COOKIE, cookie.parse().unwrap())));
    let answer = client.send_request(request).await.unwrap();
    if answer.status() != StatusCode::OK {
        assert_eq!(only(answer.headers(), "cache-control"), Some("no-store"));
        return Err((answer.status().as_u16(), only(answer.headers(), "x-kind").unwrap().to_owned()));
    }
    let stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    Ok(converse(WebSocketStream::from_raw_socket(stream, Role::Client, None).await).await)
}

fn link(target: &str, methods: &[Method]) -> String {
    let signer = fixed_verifier().signer();
    let link = methods.iter().fold(signer.url(target), |link, method| link.method(method.clone()));
    link.sign_until(at(NOW + 1000)).unwrap().into_string()
}

#[tokio::test]
async fn over_http_2_a_websocket_needs_a_link_for_connect() {
    for (mount, app, path) in [
        ("Router::layer", routes().layer(signed()), "/chat"),
        ("route_layer", routes().route_layer(signed()), "/chat"),
        ("around the whole router", Router::new().fallback_service(signed().layer(routes())), "/chat"),
        ("nest", Router::new().nest("/live", routes().layer(signed())), "/live/chat"),
        ("ConcealLayer outside", Router::new().nest("/live", routes().layer(signed())).layer(conceal()), "/live/chat"),
        ("live authorization", routes().layer(signed().authorize(allow())), "/chat"),
    ] {
        let server = serve(app).await;
        let mut client = connect(server).await;
        let target = format!("{path}?room=1");
        let good = link(&target, &[Method::CONNECT]);
        let granted = Ok(format!("{target} granted"));
        let expired = earlier().url(path).method(Method::CONNECT).sign_until(at(NOW)).unwrap().into_string();
        let refused = |status, kind: &str| Err((status, kind.to_owned()));
        for (row, target, expected) in [
            ("a link for CONNECT", good.clone(), granted.clone()),
            ("a link for both versions", link(&target, &[Method::GET, Method::CONNECT]), granted),
            ("a link for GET", link(&target, &[]), refused(403, "Method")),
            ("no link", target.clone(), refused(403, "Missing")),
            (
                "for another path",
                link("/other", &[Method::CONNECT]).replace("/other", path),
                refused(403, "NotAuthentic"),
            ),
            ("another query", good.replace("room=1", "room=2"), refused(403, "NotAuthentic")),
            ("expired", expired, refused(410, "Expired")),
        ] {
            assert_eq!(open(&mut client, server, &target, None).await, expected, "{mount}: {row}");
        }
    }
}

/// A target that is no path cannot have been signed.
#[tokio::test]
async fn what_has_no_path_is_refused() {
    for (mount, app) in [
        ("Router::layer", routes().layer(signed())),
        ("around the whole router", Router::new().fallback_service(signed().layer(routes()))),
        ("ConcealLayer outside", routes().layer(signed()).layer(conceal())),
        ("ConcealLayer around it all", Router::new().fallback_service(conceal().layer(routes().layer(signed())))),
        ("live authorization", routes().layer(signed().authorize(allow()))),
    ] {
        let server = serve(app).await;
        for (method, target) in [("CONNECT", "example.com:443"), ("OPTIONS", "*")] {
            let reply = spawn_blocking(move || exchange(server, method, target, &[], b"")).await.unwrap();
            assert_eq!((reply.status, reply.header("x-kind")), (403, Some("Missing")), "{mount}: {method} {target}");
        }
        let request = Request::connect("example.com:443").body(Empty::new()).unwrap();
        let answer = connect(server).await.send_request(request).await.unwrap();
        assert_eq!(
            (answer.status(), only(answer.headers(), "x-kind")),
            (StatusCode::FORBIDDEN, Some("Missing")),
            "{mount}"
        );
    }
}

/// There is no `Upgrade` over HTTP/2 that would tell; the method does.
#[tokio::test]
async fn over_http_2_a_cookie_opens_no_websocket_either() {
    let builder = || Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE);
    let signer = builder().build().unwrap().signer();
    let token = signer.scope("/").method(Method::CONNECT).sign_until(at(NOW + 1000)).unwrap();
    let cookie = cookie(&token);
    for (row, verifier, expected) in [
        ("as a rule", builder(), Err((403, "Method".to_owned()))),
        ("by leave", builder().allow_any_method_by_cookie(), Ok("/chat granted".to_owned())),
    ] {
        let layer = SignedUrlLayer::new(verifier.build().unwrap()).on_reject(tell_kind);
        let server = serve(routes().layer(layer)).await;
        let mut client = connect(server).await;
        assert_eq!(open(&mut client, server, "/chat", Some(&cookie)).await, expected, "{row}");
        let in_query = token.in_query("/chat").unwrap();
        let granted = Ok("/chat granted".to_owned());
        assert_eq!(open(&mut client, server, in_query.as_str(), None).await, granted, "{row}, in the query");
    }
}
