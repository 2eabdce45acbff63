//! Services and servers to be asked, and a log of everything that is said meanwhile, at any level.
#![allow(dead_code, missing_docs)]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderName;
use http_body_util::Empty;
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::{connect_http2, exchange};

/// What was logged since a [`record`] began.
static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The subscriber is the whole process's, so that no thread's words are missed: recordings take turns.
static TURN: LazyLock<Mutex<()>> = LazyLock::new(|| {
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .without_time()
        .with_writer(|| Text)
        .init();
    Mutex::default()
});

struct Text;

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        hold(&TEXT).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A failed assertion in one test must not fail the others.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was logged.
#[derive(Debug)]
pub struct Log {
    pub text: String,
    /// Whatever may hold a piece of a MAC, each once: a log is long and repeats itself.
    words: BTreeSet<String>,
}

/// What `run` gives, and what was logged meanwhile. What it starts has to end before it does.
pub fn record<T>(run: impl FnOnce() -> T) -> (T, Log) {
    let _turn = hold(&TURN);
    hold(&TEXT).clear();
    let result = run();
    (result, Log::new(String::from_utf8(std::mem::take(&mut *hold(&TEXT))).unwrap()))
}

/// So many characters of a MAC in a row are too many.
const PIECE: usize = 16;

impl Log {
    pub fn new(text: String) -> Self {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let words = words.filter(|word| word.len() >= PIECE).map(str::to_owned).collect();
        Self { text, words }
    }

    /// The first line that holds a piece of `mac`.
    pub fn signature(&self, mac: &str) -> Option<&str> {
        assert!(mac.len() >= PIECE, "{mac:?} is no MAC");
        let mut pieces = (0..=mac.len() - PIECE).map(|start| &mac[start..start + PIECE]);
        let piece = pieces.find(|piece| self.words.iter().any(|word| word.contains(piece)))?;
        self.text.lines().find(|line| line.contains(piece))
    }

    /// The first line that holds an expiry, `exp=` and a number.
    pub fn expiry(&self) -> Option<&str> {
        let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        self.text.lines().find(|line| line.split("exp=").skip(1).any(is_number))
    }
}

/// A service's answer, and what was logged meanwhile.
pub fn respond<B>(
    service: impl Service<Request, Response = http::Response<B>, Error = Infallible>,
    request: Request,
) -> (http::Response<B>, Log) {
    let runtime = Builder::new_current_thread().build().unwrap();
    record(|| runtime.block_on(service.oneshot(request)).unwrap())
}

pub fn request(method: &str, target: &str) -> Request {
    Request::builder().method(method).uri(target).body(axum::body::Body::empty()).unwrap()
}

/// Answers with the request that it was given.
pub async fn echo(request: Request) -> Result<http::Response<Request>, Infallible> {
    Ok(http::Response::new(request))
}

/// Answers with nothing.
pub async fn answer(_: Request) -> Result<Response, Infallible> {
    Ok(Response::new(axum::body::Body::empty()))
}

pub type Boxed = BoxCloneSyncService<Request, Response, Infallible>;

pub fn boxed<S, B>(service: S) -> Boxed
where
    S: Service<Request, Response = http::Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    BoxCloneSyncService::new(service.map_response(|response| response.map(axum::body::Body::new)))
}

/// Sends a `GET` with these headers to this target, gives the answer's status.
pub type Exchange = Box<dyn FnMut(&str, &[(&str, &str)]) -> u16>;

/// Connects to a server.
pub type Connect = fn(SocketAddr, &Runtime) -> Exchange;

pub fn http1(server: SocketAddr, _: &Runtime) -> Exchange {
    Box::new(move |target, headers| exchange(server, "GET", target, headers, b"").status)
}

pub fn http2(server: SocketAddr, runtime: &Runtime) -> Exchange {
    let handle = runtime.handle().clone();
    let mut client = handle.block_on(connect_http2(server));
    Box::new(move |target, headers| {
        let uri = if target.starts_with('/') { format!("http://{server}{target}") } else { target.to_owned() };
        let mut request = http::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        handle.block_on(client.send_request(request)).unwrap().status().as_u16()
    })
}

/// A trace that logs requests and responses, headers of the latter included.
pub fn trace<M>(make_span: M) -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, M> {
    TraceLayer::new_for_http()
        .make_span_with(make_span)
        .on_request(DefaultOnRequest::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO).include_headers(true))
}

/// And headers of requests: what a trace shows that knows nothing of credentials.
pub fn plain_trace() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>> {
    trace(DefaultMakeSpan::new().include_headers(true).level(Level::INFO))
}
