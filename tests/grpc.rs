//! gRPC: a tonic server behind the layer, a tonic client whose calls carry links, and what is only dressed as gRPC.
#![allow(clippy::unwrap_used)]

#[path = "grpc/streaming.rs"]
mod streaming;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use support::{ENDED, INVALID, NOW, at, connect_http2, earlier, exchange, fixed_verifier};
use tonic::Code;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::util::{MapRequest, MapRequestLayer, option_layer};
use tower_signed_url::{ConcealLayer, Grant, SignedUrlLayer, reject};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// The targets that came through the layer, each with a grant.
type Seen = Arc<Mutex<Vec<String>>>;

/// tonic's health service behind the layer, and behind a `ConcealLayer` if that is asked for.
async fn serve(layer: SignedUrlLayer, conceal: bool) -> (SocketAddr, Seen) {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let seen = Seen::default();
    let by_service = Arc::clone(&seen);
    let look = move |request: Request<tonic::body::Body>| {
        let target = request.uri().path_and_query().unwrap().to_string();
        by_service.lock().unwrap().extend(request.extensions().get::<Grant>().map(|_| target));
        request
    };
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .layer(option_layer(conceal.then(|| ConcealLayer::new(fixed_verifier()))))
        .layer(layer)
        .layer(MapRequestLayer::new(look))
        .add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, seen)
}

type Body = tonic::body::Body;
type Client<F> = HealthClient<MapRequest<Channel, F>>;

/// A client that calls this target, whatever method it means to call.
async fn client(server: SocketAddr, target: &str) -> Client<impl Fn(Request<Body>) -> Request<Body> + use<>> {
    let channel = Channel::from_shared(format!("http://{server}")).unwrap().connect().await.unwrap();
    let uri: http::Uri = format!("http://{server}{target}").parse().unwrap();
    HealthClient::new(MapRequest::new(channel, move |mut request: Request<Body>| {
        *request.uri_mut() = uri.clone();
        request
    }))
}

fn link(path: &str, method: Method) -> String {
    let signer = fixed_verifier().signer();
    signer.url(path).method(method).sign_until(at(NOW + 1000)).unwrap().into_string()
}

fn expired() -> String {
    earlier().url(CHECK).method(Method::POST).sign_until(at(NOW)).unwrap().into_string()
}

#[tokio::test]
async fn a_call_needs_a_link_for_its_path_and_post() {
    let layer = SignedUrlLayer::new(fixed_verifier());
    for (arrangement, layer, conceal) in [
        ("the layer alone", layer.clone(), false),
        ("behind ConcealLayer", layer.clone(), true),
        ("a callback of its own", layer.clone().on_reject(reject::problem_json), false),
        ("a callback without a status", layer.on_reject(|_| Response::new("no")), true),
    ] {
        let (server, seen) = serve(layer, conceal).await;
        let signed = link(CHECK, Method::POST);
        for (row, target, expected) in [
            ("a link", signed.clone(), Ok(ServingStatus::Serving)),
            ("no link", CHECK.into(), Err(INVALID)),
            ("a link for GET", link(CHECK, Method::GET), Err(INVALID)),
            ("a link for another method of it", signed.replace("Check", "Watch"), Err(INVALID)),
            ("a link that was tampered with", signed.replace("=POST", "=PUT"), Err(INVALID)),
            ("an expired link", expired(), Err(ENDED)),
        ] {
            let answer = client(server, &target).await.check(HealthCheckRequest::default()).await;
            match (answer, expected) {
                (Ok(answer), Ok(status)) => assert_eq!(answer.get_ref().status(), status, "{arrangement}: {row}"),
                (Err(status), Err(message)) => {
                    let told = (status.code(), status.message());
                    assert_eq!(told, (Code::PermissionDenied, message), "{arrangement}: {row}");
                    assert_eq!(status.metadata().get("cache-control").unwrap(), "no-store", "{arrangement}: {row}");
                }
                (answer, _) => panic!("{arrangement}: {row}: {answer:?}"),
            }
        }
        assert_eq!(*seen.lock().unwrap(), [CHECK], "{arrangement}");
    }
}

#[tokio::test]
async fn a_stream_passes_as_it_comes() {
    let (server, seen) = serve(SignedUrlLayer::new(fixed_verifier()), false).await;
    let mut client = client(server, &link(WATCH, Method::POST)).await;
    let mut stream = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    // It stays open, so this is read before its end.
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_eq!(*seen.lock().unwrap(), [WATCH]);
}

/// An answer over HTTP/2: its status, its headers, its body.
async fn exchange_http2(server: SocketAddr, request: http::request::Builder) -> (u16, HeaderMap, Bytes) {
    let answer = connect_http2(server).await.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap();
    assert!(body.trailers().is_none(), "{:?}", body.trailers());
    (parts.status.as_u16(), parts.headers, body.to_bytes())
}

#[tokio::test]
async fn only_a_grpc_call_has_its_refusal_turned_into_a_200() {
    let (server, seen) = serve(SignedUrlLayer::new(fixed_verifier()), false).await;
    let (invalid, gone) = (CHECK.to_owned(), expired());
    for (row, method, content_type, target, expected) in [
        ("a call", "POST", "application/grpc", &invalid, (200, Some(INVALID))),
        ("a call with an expired link", "POST", "application/grpc", &gone, (200, Some(ENDED))),
        ("a call in protobuf", "POST", "application/grpc+proto", &invalid, (200, Some(INVALID))),
        ("a call with a parameter", "POST", "application/grpc;x=y", &invalid, (200, Some(INVALID))),
        ("GET", "GET", "application/grpc", &invalid, (403, None)),
        ("GET with an expired link for POST", "GET", "application/grpc", &gone, (410, None)),
        ("PUT", "PUT", "application/grpc", &invalid, (403, None)),
        ("gRPC-Web", "POST", "application/grpc-web", &invalid, (403, None)),
        ("a longer name", "POST", "application/grpcx", &invalid, (403, None)),
        ("another type", "POST", "text/plain; application/grpc", &gone, (410, None)),
    ] {
        let request = Request::builder().method(method).uri(format!("http://{server}{target}"));
        let (status, headers, body) = exchange_http2(server, request.header("content-type", content_type)).await;
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!((status, text("grpc-message")), expected, "{row}");
        assert_eq!(text("cache-control"), Some("no-store"), "{row}");
        assert_eq!(text("referrer-policy"), Some("no-referrer"), "{row}");
        let (grpc_status, content_type, expected_body) = match status {
            200 => (Some("7"), "application/grpc", ""),
            410 => (None, "text/plain; charset=utf-8", ENDED),
            _ => (None, "text/plain; charset=utf-8", INVALID),
        };
        assert_eq!(text("grpc-status"), grpc_status, "{row}");
        assert_eq!((text("content-type"), &*body), (Some(content_type), expected_body.as_bytes()), "{row}");
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn over_http_1_nothing_is_grpc() {
    let app = axum::Router::new().fallback(async || "answer").layer(SignedUrlLayer::new(fixed_verifier()));
    let server = wire::serve(app).await;
    for (target, status, message) in [(CHECK.to_owned(), 403, INVALID), (expired(), 410, ENDED)] {
        let headers = [("content-type", "application/grpc")];
        let call = tokio::task::spawn_blocking(move || exchange(server, "POST", &target, &headers, b"\0\0\0\0\0"));
        let reply = call.await.unwrap();
        assert_eq!((reply.status, reply.body), (status, message.as_bytes().to_vec()));
        assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("grpc-")), "{:?}", reply.headers);
    }
}
