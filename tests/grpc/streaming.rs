//! Calls of all four shapes, refused before a message is sent and let through with their trailers, by tonic's client and a
//! service that gives back what it is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use bytes::{Buf, BufMut, Bytes};
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::BodyExt;
use tokio::sync::mpsc::unbounded_channel;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, IntoRequest, Status, Streaming};
use tower_signed_url::{Decision, Grant, SignedUrlLayer, Verifier, context};

use super::support::{ENDED, INVALID, NOW, at, earlier, figure_keys, fixed_verifier};
use super::wire;

const TALK: &str = "/echo.Echo/Talk";

/// Messages of bytes, as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Gives each message back as it comes, and trailers at the end. A call's messages are framed as its answer's are.
async fn echo(request: Request) -> Response<axum::body::Body> {
    let said = request.headers().get("x-said").cloned().unwrap_or(HeaderValue::from_static("nothing"));
    let trailers = HeaderMap::from_iter([
        ("grpc-status".parse().unwrap(), HeaderValue::from_static("0")),
        ("x-at-the-end".parse().unwrap(), HeaderValue::from_static("all")),
    ]);
    let body = request.into_body().with_trailers(async { Some(Ok(trailers)) });
    let answer = Response::builder().header(CONTENT_TYPE, "application/grpc").header("x-heard", said);
    answer.body(axum::body::Body::new(body)).unwrap()
}

/// A server of [`echo`] behind the layer, and how many calls came through.
async fn serve(layer: impl FnOnce(Router) -> Router) -> (SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let count = move |request: Request| {
        counted.fetch_add(1, Ordering::Relaxed);
        echo(request)
    };
    (wire::serve(layer(Router::new().route(TALK, post(count)))).await, calls)
}

async fn client(server: SocketAddr) -> Grpc<Channel> {
    let channel = Endpoint::from_shared(format!("http://{server}")).unwrap().connect_lazy();
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    client
}

fn link(verifier: &Verifier) -> PathAndQuery {
    let signer = verifier.signer();
    signer.url(TALK).method(Method::POST).sign_until(at(NOW + 1000)).unwrap().as_str().parse().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Unary,
    ClientStreaming,
    ServerStreaming,
    Bidirectional,
}

const SHAPES: [Shape; 4] = [Shape::Unary, Shape::ClientStreaming, Shape::ServerStreaming, Shape::Bidirectional];

impl Shape {
    /// The call's first answer, if it gets that far. Who may stream says nothing until then, and goes on listening.
    async fn call(self, server: SocketAddr, target: PathAndQuery) -> Result<(), Status> {
        let mut client = client(server).await;
        let message = Bytes::from("hello").into_request();
        // A stream that never says anything: an answer cannot have waited for it.
        let silence = stream::pending::<Bytes>().into_request();
        match self {
            Self::Unary => client.unary(message, target, Raw).await.map(drop),
            Self::ClientStreaming => client.client_streaming(silence, target, Raw).await.map(drop),
            Self::ServerStreaming => client.server_streaming(message, target, Raw).await.map(drop),
            Self::Bidirectional => client.streaming(silence, target, Raw).await.map(drop),
        }
    }
}

#[tokio::test]
async fn a_refused_call_of_any_shape_has_its_status_before_a_message_is_sent() {
    let with_password = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .bind("password", context::basic_password())
        .build()
        .unwrap();
    let signer = with_password.signer();
    let mint = signer.url(TALK).method(Method::POST).bind("password", "correct horse");
    let by_password: PathAndQuery = mint.sign_until(at(NOW + 1000)).unwrap().as_str().parse().unwrap();
    let expired = earlier().url(TALK).method(Method::POST).sign_until(at(NOW)).unwrap();
    let expired: PathAndQuery = expired.as_str().parse().unwrap();

    let (plain, plain_calls) = serve(|app| app.layer(SignedUrlLayer::new(fixed_verifier()))).await;
    let (password, password_calls) = serve(|app| app.layer(SignedUrlLayer::new(&with_password))).await;
    let failing = SignedUrlLayer::new(fixed_verifier())
        .authorize(|_: Grant, _: http::request::Parts| async { Err("the database is down".into()) });
    let (unavailable, unavailable_calls) = serve(|app| app.layer(failing)).await;
    let forbidding = SignedUrlLayer::new(fixed_verifier())
        .authorize(|_: Grant, _: http::request::Parts| async { Ok(Decision::Forbidden) });
    let (forbidden, forbidden_calls) = serve(|app| app.layer(forbidding)).await;

    for (row, server, target, code, message) in [
        ("no link", plain, TALK.parse().unwrap(), Code::PermissionDenied, INVALID),
        ("a link for GET", plain, super::support::link(TALK).parse().unwrap(), Code::PermissionDenied, INVALID),
        ("an expired link", plain, expired, Code::PermissionDenied, ENDED),
        ("no password", password, by_password, Code::Unauthenticated, "This link needs a password."),
        ("forbidden", forbidden, link(&fixed_verifier()), Code::PermissionDenied, INVALID),
        (
            "an authorizer that fails",
            unavailable,
            link(&fixed_verifier()),
            Code::Unavailable,
            "This link cannot be checked now. Try again later.",
        ),
    ] {
        for shape in SHAPES {
            let status = shape.call(server, target.clone()).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (code, message), "{row}: {shape:?}");
            assert_eq!(status.metadata().get("cache-control").unwrap(), "no-store", "{row}: {shape:?}");
            assert_eq!(status.metadata().get("referrer-policy").unwrap(), "no-referrer", "{row}: {shape:?}");
        }
    }
    for calls in [plain_calls, password_calls, unavailable_calls, forbidden_calls] {
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }
}

/// Reads what is left, and the trailer of the echo.
async fn rest(mut answers: Streaming<Bytes>) -> (Vec<Bytes>, String) {
    let mut messages = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        messages.push(message);
    }
    let trailers = answers.trailers().await.unwrap().unwrap();
    (messages, trailers.get("x-at-the-end").unwrap().to_str().unwrap().to_owned())
}

#[tokio::test]
async fn metadata_messages_and_trailers_pass_both_ways() {
    let (server, calls) = serve(|app| app.layer(SignedUrlLayer::new(fixed_verifier()))).await;
    let target = link(&fixed_verifier());
    let messages = ["one", "two", "three"].map(Bytes::from);
    let mut client = client(server).await;

    let mut one = messages[0].clone().into_request();
    one.metadata_mut().insert("x-said", "a word".parse().unwrap());
    let answer = client.unary(one, target.clone(), Raw).await.unwrap();
    // Of a unary answer, tonic puts headers and trailers together.
    assert_eq!(answer.metadata().get("x-heard").unwrap(), "a word");
    assert_eq!(answer.metadata().get("x-at-the-end").unwrap(), "all");
    assert_eq!(answer.into_inner(), "one");

    client.ready().await.unwrap();
    let answer = client.client_streaming(stream::iter([messages[1].clone()]).into_request(), target.clone(), Raw).await;
    assert_eq!(answer.unwrap().into_inner(), "two");

    client.ready().await.unwrap();
    let answer = client.server_streaming(messages[2].clone().into_request(), target.clone(), Raw).await.unwrap();
    assert_eq!(rest(answer.into_inner()).await, (vec![Bytes::from("three")], "all".into()));

    // Each message is answered before the next one is sent.
    client.ready().await.unwrap();
    let (say, said) = unbounded_channel();
    let said = stream::unfold(said, |mut said| async { said.recv().await.map(|message| (message, said)) }).boxed();
    let mut answers = client.streaming(said.into_request(), target, Raw).await.unwrap().into_inner();
    for message in messages {
        say.send(message.clone()).unwrap();
        assert_eq!(answers.message().await.unwrap(), Some(message));
    }
    drop(say);
    assert_eq!(rest(answers).await, (vec![], "all".into()));
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}
