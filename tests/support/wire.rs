//! Servers that are asked in raw bytes over HTTP/1.1 and by hyper over HTTP/2.
#![allow(dead_code, missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use axum::{Router, ServiceExt};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::{BoxError, Service};
use tower_signed_url::Rejected;

use crate::support::{Reply, connect_http2, exchange};

#[allow(unused_imports)]
pub use crate::support::by_hand::signed;

/// Puts the kind of refusal into a field, where an answer to `HEAD` has it, too.
pub fn tell_kind(rejected: Rejected<'_>) -> Response<String> {
    let kind = format!("{:?}", rejected.rejection().kind());
    Response::builder().status(rejected.status()).header("x-kind", &kind).body(kind).unwrap()
}

/// Serves until the test ends.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// Hands each connection to whoever serves it, until the test ends.
pub async fn serve_connections<F>(serve: impl Fn(TokioIo<tokio::net::TcpStream>) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(TokioIo::new(stream)));
        }
    });
    address
}

/// Serves without a framework until the test ends.
pub async fn serve_by_hyper<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    serve_connections(move |stream| {
        let service = TowerToHyperService::new(service.clone());
        async move {
            let server = auto::Builder::new(TokioExecutor::new());
            _ = server.serve_connection(stream, service).await;
        }
    })
    .await
}

/// A server for as long as this lives.
pub struct Server {
    pub address: SocketAddr,
    runtime: Runtime,
}

/// What hyper sends, of a length that it knows or not.
pub type ClientBody = UnsyncBoxBody<Bytes, Infallible>;

impl Server {
    pub fn start(app: Router) -> Self {
        Self::start_with(|| app)
    }

    /// With a router that is made on the server's runtime, where a buffer has its worker.
    pub fn start_with(make: impl FnOnce() -> Router) -> Self {
        // A router that is served by itself does the same: otherwise it would apply its layers to each request anew.
        Self::start_service(|| make().with_state(()))
    }

    /// With a service that is no router, as what is around one.
    pub fn start_service<S>(make: impl FnOnce() -> S) -> Self
    where
        S: Service<axum::extract::Request, Response = axum::response::Response, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app = {
            let _entered = runtime.enter();
            make().into_make_service_with_connect_info::<SocketAddr>()
        };
        runtime.spawn(axum::serve(listener, app).into_future());
        Self { address, runtime }
    }

    /// Waits for what its services do.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    /// All that it says until it closes the connection.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends one request over a connection of its own; nothing if the server breaks it off.
    pub fn http2(&self, request: Request<ClientBody>) -> Option<Response<Bytes>> {
        self.runtime.block_on(async {
            let mut client = connect_http2(self.address).await;
            let (parts, body) = client.send_request(request).await.ok()?.into_parts();
            Some(Response::from_parts(parts, body.collect().await.ok()?.to_bytes()))
        })
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }
}

/// Status and one field of an answer in raw bytes; an empty text where there is no such field.
pub fn read_raw<'a>(answer: &'a str, names: &[&str]) -> (u16, &'a str) {
    let status = answer.get(9..12).expect("a status line").parse().unwrap();
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = fields.filter(|(name, _)| names.contains(name)).map(|(_, value)| value);
    (status, values.next().unwrap_or_default())
}

/// The one value of a field; panics if there are several.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    assert!(values.len() < 2, "{name}: {values:?}");
    values.first().map(|value| value.to_str().unwrap())
}
