//! hyper without a framework: the layer on its HTTP/1 and HTTP/2 servers, around services whose bodies are `Incoming`,
//! and the reverse proxy of the examples, run as the program that it is.
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::unwrap_used)]

#[path = "hyper/bodies.rs"]
mod bodies;
#[cfg(unix)]
#[path = "support/program.rs"]
mod program;
#[cfg(unix)]
#[path = "hyper/proxied.rs"]
mod proxied;
#[cfg(unix)]
#[path = "hyper/proxy.rs"]
mod proxy;
#[path = "hyper/serving.rs"]
mod serving;
mod support;
#[path = "hyper/targets.rs"]
mod targets;
#[path = "support/wire.rs"]
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::{BoxError, Service};
use tower_signed_url::{Grant, SignedUrlLayer};

use self::support::{NOW, at, connect_http2, fixed_verifier, link};
use self::wire::{ClientBody, tell_kind};

/// hyper's servers, each with what a client speaks to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stack {
    Http1,
    Http2,
    AutoHttp1,
    AutoHttp2,
}

const STACKS: [Stack; 4] = [Stack::Http1, Stack::Http2, Stack::AutoHttp1, Stack::AutoHttp2];

impl Stack {
    fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::AutoHttp2)
    }

    /// Serves for as long as the test runs.
    async fn serve<S, B>(self, service: S) -> SocketAddr
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        wire::serve_connections(move |stream| {
            let service = TowerToHyperService::new(service.clone());
            async move {
                let executor = TokioExecutor::new();
                // Where a service fails there is nobody to be told but the client.
                match self {
                    Self::Http1 => drop(http1::Builder::new().serve_connection(stream, service).await),
                    Self::Http2 => drop(http2::Builder::new(executor).serve_connection(stream, service).await),
                    _ => drop(auto::Builder::new(executor).serve_connection(stream, service).await),
                }
            }
        })
        .await
    }

    async fn connect(self, server: SocketAddr) -> Client {
        let sender = if self.is_http2() {
            Sender::Http2(connect_http2(server).await)
        } else {
            let stream = TokioIo::new(TcpStream::connect(server).await.unwrap());
            let (sender, connection) = conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Client { server, sender }
    }
}

/// A client's one connection.
struct Client {
    server: SocketAddr,
    sender: Sender,
}

enum Sender {
    Http1(conn::http1::SendRequest<ClientBody>),
    Http2(conn::http2::SendRequest<ClientBody>),
}

impl Client {
    async fn send(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: ClientBody,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder().method(method);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                let request = request.uri(target).header("host", self.server.to_string());
                sender.send_request(request.body(body).unwrap()).await
            }
            Sender::Http2(sender) => {
                let request = request.uri(format!("http://{}{target}", self.server));
                sender.send_request(request.body(body).unwrap()).await
            }
        }
    }

    /// An answer that has come to its end.
    async fn ask(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: ClientBody) -> Answer {
        let answer = self.send(method, target, fields, body).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, &[], nothing()).await
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        wire::only(&self.headers, name)
    }

    /// The status, and where it was refused why, else what the service was asked for.
    fn told(&self) -> (u16, &str) {
        (self.status, self.field("x-kind").or(self.field("x-uri")).unwrap_or_default())
    }
}

fn nothing() -> ClientBody {
    Empty::new().boxed_unsync()
}

fn whole(text: &'static str) -> ClientBody {
    Full::from(text).boxed_unsync()
}

type Fed = Result<Frame<Bytes>, Infallible>;

/// A body of unknown length that comes as it is fed.
fn fed() -> (UnboundedSender<Fed>, ClientBody) {
    let (feed, mut frames) = unbounded_channel();
    let frames = futures_util::stream::poll_fn(move |context| frames.poll_recv(context));
    (feed, StreamBody::new(frames).boxed_unsync())
}

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier()).on_reject(tell_kind)
}

fn link_for(method: &str, target: &str) -> String {
    let signer = fixed_verifier().signer();
    signer.url(target).method(method.parse().unwrap()).sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// Tells what it was asked, in fields, where an answer to `HEAD` has it, too. The body is the request's.
async fn report(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let answer = Response::builder()
        .header("x-uri", head.uri.to_string())
        .header("x-granted", head.extensions.get::<Grant>().is_some().to_string())
        .header("x-referer", head.headers.get("referer").map_or(&b""[..], |referer| referer.as_bytes()));
    Ok(answer.body(Full::from(body)).unwrap())
}
