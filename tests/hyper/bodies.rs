//! Bodies that are `Incoming` pass as they come, trailers last, through one layer and through a proxy behind it.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{HeaderName, TRAILER};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Upstream;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder, service_fn};

use super::support::free_port;
use super::{STACKS, Stack, fed, link, link_for, nothing, signed};

const SUM: HeaderName = HeaderName::from_static("x-sum");

/// Answers with the request's own body.
pub async fn echo(request: Request<Incoming>) -> Result<Response<Incoming>, Infallible> {
    let announced = request.headers().get(TRAILER).cloned();
    let mut answer = Response::new(request.into_body());
    answer.headers_mut().extend(announced.map(|names| (TRAILER, names)));
    Ok(answer)
}

/// Each piece comes back before the next one is sent, and the trailers come back.
async fn check_echo(name: &str, stack: Stack, server: SocketAddr) {
    let (feed, body) = fed();
    let fields = [("trailer", "x-sum"), ("te", "trailers")];
    let answer = stack.connect(server).await.send("PUT", &link_for("PUT", "/a"), &fields, body).await.unwrap();
    assert_eq!(answer.status(), 200, "{name}");
    let mut body = answer.into_body();
    for piece in ["first", "last"] {
        feed.send(Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece, "{name}");
    }
    let trailers = HeaderMap::from_iter([(SUM, HeaderValue::from_static("9"))]);
    feed.send(Ok(Frame::trailers(trailers.clone()))).unwrap();
    drop(feed);
    assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap(), trailers, "{name}");
    assert!(body.frame().await.is_none(), "{name}");
}

#[tokio::test]
async fn a_body_passes_as_it_comes() {
    for stack in STACKS {
        let server = stack.serve(signed().layer(service_fn(echo))).await;
        check_echo(&format!("{stack:?}"), stack, server).await;
    }
}

/// hyper-util's client is a service by itself: all that it lacks is where to.
fn to(upstream: SocketAddr) -> MapRequestLayer<impl Fn(Request<Incoming>) -> Request<Incoming> + Clone> {
    MapRequestLayer::new(move |mut request: Request<Incoming>| {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(upstream.to_string().parse().unwrap());
        *request.uri_mut() = uri.try_into().unwrap();
        *request.version_mut() = Version::HTTP_11;
        request
    })
}

fn client(http2_only: bool) -> Upstream<HttpConnector, Incoming> {
    Upstream::builder(TokioExecutor::new()).http2_only(http2_only).build_http()
}

#[tokio::test]
async fn bodies_pass_a_proxy_as_they_come() {
    for stack in STACKS {
        for behind in [Stack::Http1, Stack::Http2] {
            let upstream = behind.serve(service_fn(echo)).await;
            let proxy = ServiceBuilder::new().layer(signed()).layer(to(upstream)).service(client(behind.is_http2()));
            let server = stack.serve(proxy).await;
            let name = format!("{stack:?}, {behind:?} behind");
            check_echo(&name, stack, server).await;
            let mut client = stack.connect(server).await;
            assert_eq!(client.get("/a").await.told(), (403, "Missing"), "{name}");
            assert_eq!(client.get(&link("/a")).await.status, 200, "{name}");
        }
    }
}

/// What the service fails with is the server's: hyper breaks the request off, as it does without the layer.
#[tokio::test]
async fn an_error_is_passed_on() {
    let (_nobody, nobody) = free_port();
    for stack in STACKS {
        let server = stack.serve(ServiceBuilder::new().layer(signed()).layer(to(nobody)).service(client(false))).await;
        let mut client = stack.connect(server).await;
        assert_eq!(client.get("/a").await.told(), (403, "Missing"), "{stack:?}");
        let broken = client.send("GET", &link("/a"), &[], nothing()).await;
        assert!(broken.is_err(), "{stack:?}: {broken:?}");
    }
}
