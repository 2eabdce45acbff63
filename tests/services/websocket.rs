//! A `WebSocket` through the layer, over HTTP/1: axum's on the server, `tokio-tungstenite` and a browser as clients.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::OriginalUri;
use axum::extract::ws::{Message as Sent, WebSocketUpgrade};
use axum::response::{Html, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Method;
use http::header::COOKIE;
use http::request::Parts;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::Layer;
use tower_signed_url::{
    ConcealLayer, DEFAULT_COOKIE, Decision, Grant, Keyring, SignedUrlLayer, SigningKey, Verifier, VerifierBuilder,
};

use super::browser::Browser;
use super::support::{NOW, at, cookie, earlier, figure_keys, fixed_verifier};
use super::wire::only;
use super::{allow, conceal, link, serve, signed, wire};

/// Tells what it sees, and gives back what it is told.
pub async fn chat(upgrade: WebSocketUpgrade, OriginalUri(uri): OriginalUri, grant: Option<Grant>) -> Response {
    let granted = if grant.is_some() { "granted" } else { "anonymous" };
    let first = format!("{} {granted}", uri.path_and_query().unwrap());
    upgrade.on_upgrade(async move |mut socket| {
        socket.send(first.into()).await.unwrap();
        while let Some(Ok(message)) = socket.recv().await {
            if let Sent::Binary(_) | Sent::Text(_) = message {
                socket.send(message).await.unwrap();
            }
        }
    })
}

pub fn routes() -> Router {
    Router::new().route("/chat", any(chat))
}

/// The first thing that is said, by a socket that works in both directions and ends as both sides wish.
pub async fn converse(mut socket: WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>) -> String {
    let first = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
    let large = Bytes::from_iter((0..300_000_u32).map(|n| n.to_le_bytes()[0]));
    for message in [Message::Binary(large), Message::text("hello"), Message::Binary(Bytes::new())] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    let close = CloseFrame { code: CloseCode::Away, reason: "that was all".into() };
    socket.close(Some(close.clone())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(Some(close)));
    assert!(socket.next().await.is_none());
    first
}

/// What is said, or the status and the kind of the refusal.
async fn open(server: SocketAddr, target: &str, cookie: Option<&str>) -> Result<String, (u16, String)> {
    let mut request = format!("ws://{server}{target}").into_client_request().unwrap();
    request.headers_mut().extend(cookie.map(|cookie| (COOKIE, cookie.parse().unwrap())));
    match client_async(request, TcpStream::connect(server).await.unwrap()).await {
        Ok((socket, answer)) => {
            let first = converse(socket).await;
            let granted = first.ends_with(" granted").then_some("no-referrer");
            assert_eq!((answer.status().as_u16(), only(answer.headers(), "referrer-policy")), (101, granted));
            Ok(first)
        }
        Err(Error::Http(answer)) => {
            let headers = answer.headers();
            assert!(!headers.contains_key("upgrade") && !headers.contains_key("sec-websocket-accept"), "{headers:?}");
            assert_eq!(only(headers, "cache-control"), Some("no-store"));
            Err((answer.status().as_u16(), only(headers, "x-kind").unwrap().to_owned()))
        }
        Err(error) => panic!("{target}: {error}"),
    }
}

#[tokio::test]
async fn a_websocket_needs_a_link() {
    let nest = || Router::new().nest("/live", Router::new().nest("/room", routes().layer(signed())));
    for (mount, app, path) in [
        ("Router::layer", routes().layer(signed()), "/chat"),
        ("route_layer", routes().route_layer(signed()), "/chat"),
        ("a route for GET", Router::new().route("/chat", get(chat)).route_layer(signed()), "/chat"),
        ("around the whole router", Router::new().fallback_service(signed().layer(routes())), "/chat"),
        ("nested twice", nest(), "/live/room/chat"),
        ("ConcealLayer outside", nest().layer(conceal()), "/live/room/chat"),
        ("ConcealLayer around it all", Router::new().fallback_service(conceal().layer(nest())), "/live/room/chat"),
        ("live authorization", routes().layer(signed().authorize(allow())), "/chat"),
    ] {
        let server = serve(app).await;
        let good = link(&format!("{path}?room=1"));
        let expired = earlier().url(path).sign_until(at(NOW)).unwrap().into_string();
        let posts = fixed_verifier().signer();
        let posts = posts.url(path).method(Method::POST).sign_until(at(NOW + 9)).unwrap().into_string();
        let refused = |status, kind: &str| Err((status, kind.to_owned()));
        for (row, target, expected) in [
            ("a link", good.clone(), Ok(format!("{path}?room=1 granted"))),
            ("once more", good.clone(), Ok(format!("{path}?room=1 granted"))),
            ("no link", path.to_owned(), refused(403, "Missing")),
            ("another query", good.replace("room=1", "room=2"), refused(403, "NotAuthentic")),
            ("for another path", link("/chats").replace("/chats", path), refused(403, "NotAuthentic")),
            ("expired", expired, refused(410, "Expired")),
            ("for POST", posts, refused(403, "Method")),
        ] {
            assert_eq!(open(server, &target, None).await, expected, "{mount}: {row}");
        }
    }
}

#[tokio::test]
async fn a_websocket_is_decided_about() {
    let layer = signed().authorize(async |_: Grant, request: Parts| {
        Ok(match request.uri.query() {
            Some("gone") => Decision::Gone,
            Some("forbidden") => Decision::Forbidden,
            Some("broken") => return Err("broken".into()),
            _ => Decision::Allow,
        })
    });
    let server = serve(routes().layer(layer)).await;
    for (target, expected) in [
        ("/chat", Ok("/chat granted".to_owned())),
        ("/chat?gone", Err((410, "Gone".to_owned()))),
        ("/chat?forbidden", Err((403, "Forbidden".to_owned()))),
        ("/chat?broken", Err((503, "Unavailable".to_owned()))),
    ] {
        assert_eq!(open(server, &link(target), None).await, expected, "{target}");
    }
}

/// FORMAT section 3: a browser sends a cookie to whichever site opens the socket.
#[tokio::test]
async fn a_cookie_opens_no_websocket() {
    let builder = || Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).token_path();
    let around = |verifier: VerifierBuilder, optional: bool| {
        let verifier = verifier.build().unwrap();
        let layer = SignedUrlLayer::new(&verifier).on_reject(wire::tell_kind);
        let layer = if optional { layer.optional() } else { layer };
        Router::new().fallback_service(ConcealLayer::new(&verifier).layer(routes().layer(layer)))
    };
    let token = builder().build().unwrap().signer().scope("/").sign_until(at(NOW + 1000)).unwrap();
    let cookie = cookie(&token);
    let cookie = Some(&*cookie);
    let strict = serve(around(builder(), false)).await;
    let optional = serve(around(builder(), true)).await;
    let any_method = serve(around(builder().allow_any_method_by_cookie(), false)).await;
    let in_query = token.in_query("/chat").unwrap().into_string();
    let in_path = token.in_path("/chat").unwrap().into_string();
    let (granted, anonymous) = (|| Ok("/chat granted".to_owned()), Ok("/chat anonymous".to_owned()));
    for (row, server, target, cookie, expected) in [
        ("in the query", strict, &*in_query, None, granted()),
        ("in the path", strict, &*in_path, None, granted()),
        ("in a cookie", strict, "/chat", cookie, Err((403, "Method".into()))),
        ("in a cookie that counts as absent", optional, "/chat", cookie, anonymous),
        ("in a cookie that may", any_method, "/chat", cookie, granted()),
        ("in a cookie, beside a link", strict, &*link("/chat"), cookie, granted()),
    ] {
        assert_eq!(open(server, target, cookie).await, expected, "{row}");
    }
}

/// Chromium's own: a link opens a socket, the cookie that was given for a page does not.
#[test]
fn a_browser_opens_a_websocket_by_a_link() {
    let Some(browser) = Browser::start() else { return };
    let keys = Keyring::new(SigningKey::generate().unwrap());
    let verifier = Verifier::builder(&keys).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let page = Router::new().route("/site/page", get(async || Html("a page")));
    let layer = SignedUrlLayer::new(&verifier).exchange().unwrap();
    let socket = Router::new().route("/site/chat", any(chat));
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(serve(page.merge(socket).route_layer(layer)));

    let (signer, hour) = (verifier.signer(), Duration::from_secs(3600));
    let token = signer.scope("/site/").sign_for(hour).unwrap();
    let link = signer.url("/site/chat").sign_for(hour).unwrap();
    browser.open(&format!("http://{server}{}", token.in_query("/site/page").unwrap()));
    assert_eq!((browser.text(), browser.url()), ("a page".into(), format!("http://{server}/site/page")));
    assert_eq!(browser.cookies().len(), 1);
    let talk = |target: &str| {
        browser.run(&format!(
            "const socket = new WebSocket('{target}');
            const said = [];
            await new Promise(end => {{
                socket.onmessage = message => said.push(message.data) == 1 ? socket.send('hello') : socket.close(1000);
                socket.onclose = close => end(said.push(close.code));
            }});
            return said;"
        ))
    };
    for (row, target, expected) in [
        ("a link", link.as_str(), json!(["/site/chat granted", "hello", 1000])),
        (
            "a token in the query",
            token.in_query("/site/chat").unwrap().as_str(),
            json!(["/site/chat granted", "hello", 1000]),
        ),
        ("the cookie alone", "/site/chat", json!([1006])),
        ("a link that was tampered with", &link.as_str().replace("/chat?", "/chat?a=1&"), json!([1006])),
    ] {
        assert_eq!(talk(target), expected, "{row}");
    }
}
