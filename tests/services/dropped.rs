//! Whoever gives up leaves nothing behind: no request, no answer, no permit.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body as AxumBody;
use axum::routing::get as on_get;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::unfold;
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_signed_url::{Authorize, Decision, Grant};

use super::{PATIENCE, allow, arrangements, client, conceal, link, serve, signed, soft};

/// A body that goes on and on, and holds a guard.
struct Endless {
    _guard: Arc<()>,
    polled: usize,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polled += 1;
        Poll::Ready(Some(Ok(Frame::data(self.polled.to_string().into()))))
    }
}

fn request(target: &str, guard: &Arc<()>) -> Request<Endless> {
    Request::get(target).body(Endless { _guard: Arc::clone(guard), polled: 0 }).unwrap()
}

/// Answers at `/file` alone.
async fn answer(request: Request<Endless>) -> Result<Response<Endless>, Infallible> {
    if request.uri().path() != "/file" {
        pending::<()>().await;
    }
    Ok(Response::new(request.into_body()))
}

fn check<B>(
    name: &str,
    mut service: impl Service<Request<Endless>, Response = Response<B>, Error = Infallible>,
    [never, at_once]: [&str; 2],
) where
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    let (mut context, guard) = (Context::from_waker(Waker::noop()), Arc::new(()));
    for (row, polled) in [("called", false), ("polled", true)] {
        let _ready = service.ready().now_or_never().unwrap().unwrap();
        let mut answer = Box::pin(service.call(request(never, &guard)));
        assert!(!polled || answer.as_mut().poll(&mut context).is_pending(), "{name}: {row}");
        assert_eq!(Arc::strong_count(&guard), 2, "{name}: {row}");
        drop(answer);
        assert_eq!(Arc::strong_count(&guard), 1, "{name}: {row}, and given up");
    }
    let _ready = service.ready().now_or_never().unwrap().unwrap();
    let answer = service.call(request(at_once, &guard)).now_or_never().unwrap().unwrap();
    let mut body = answer.into_body();
    for part in ["1", "2"] {
        let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), part, "{name}: half read");
    }
    assert_eq!(Arc::strong_count(&guard), 2, "{name}: half read");
    drop(body);
    assert_eq!(Arc::strong_count(&guard), 1, "{name}: half read, and given up");
}

#[test]
fn what_a_dropped_future_holds_is_dropped() {
    let links = [&link("/pending")[..], &link("/file")];
    let inner = service_fn(answer);
    check("a link", signed().layer(inner), links);
    check("no link, and none needed", signed().optional().layer(inner), ["/pending", "/file"]);
    check("live authorization", signed().authorize(allow()).layer(inner), links);
    check("ConcealLayer", conceal().layer(inner), links);
    check("an expiry that nothing signs", soft().layer(inner), ["/pending", "/file"]);
    let asked = signed().authorize(undecided(None)).layer(inner);
    check("undecided", asked, links);
}

/// Decides about nothing but `/file`, where it says yes; holds what it is given until then.
fn undecided(guard: Option<Guard>) -> impl Authorize {
    let guard = Arc::new(guard);
    move |_: Grant, request: Parts| {
        let held = guard.as_ref().as_ref().map(Guard::again);
        async move {
            if request.uri.path() != "/file" {
                pending::<()>().await;
            }
            drop(held);
            Ok(Decision::Allow)
        }
    }
}

/// One request at a time, the permit of which is taken before anyone is asked.
#[test]
fn a_permit_is_given_back() {
    let inner = service_fn(|request: Request<Empty<Bytes>>| async move {
        assert_eq!(request.uri().path(), "/file", "the one that was not decided about");
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut service = signed().authorize(undecided(None)).layer(ConcurrencyLimit::new(inner, 1));
    let mut context = Context::from_waker(Waker::noop());
    let get = |target: &str| Request::get(target).body(Empty::<Bytes>::new()).unwrap();
    for row in ["the first time", "and again"] {
        let _ready = service.ready().now_or_never().expect(row).unwrap();
        let mut given_up = service.call(get(&link("/pending")));
        assert!(given_up.as_mut().poll(&mut context).is_pending(), "{row}");
        assert!(service.ready().now_or_never().is_none(), "{row}: the permit is taken");
        drop(given_up);
        for target in [&*link("/file"), "/file", &link("/file")] {
            let passes = target != "/file";
            let _ready = service.ready().now_or_never().expect("a permit").unwrap();
            let answer = service.call(get(target)).now_or_never().expect("an answer").unwrap();
            assert_eq!(answer.status(), if passes { 200 } else { 403 }, "{row}");
        }
    }
}

/// Tells when it is dropped.
#[derive(Debug)]
struct Guard(UnboundedSender<&'static str>);

impl Guard {
    /// Another, and word that it was made.
    fn again(&self) -> Self {
        self.0.send("made").unwrap();
        Self(self.0.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody may listen any more.
        let _ = self.0.send("dropped");
    }
}

async fn told(events: &mut UnboundedReceiver<&'static str>) -> &'static str {
    timeout(PATIENCE, events.recv()).await.expect("in vain").unwrap()
}

/// A client goes away while the handler is at it, and while it reads what does not end.
#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let (tell, mut events) = unbounded_channel();
    let tell = Arc::new(Guard(tell));
    let handler = move |request: axum::extract::Request| {
        let guard = tell.again();
        async move {
            if request.method() == "POST" {
                pending::<()>().await;
            }
            let chunk = Bytes::from_static(&[7; 4096]);
            AxumBody::from_stream(unfold(guard, move |guard| {
                let chunk = chunk.clone();
                async move { Some((Ok::<_, Infallible>(chunk), guard)) }
            }))
        }
    };
    let routes = Router::new().route("/file", on_get(handler.clone()).post(handler));
    for (name, app, target) in arrangements(&routes) {
        let address = serve(app).await;
        for http2 in [false, true] {
            let row = format!("{name}, HTTP/2: {http2}");
            let client = client::<Empty<Bytes>>(http2);
            let ask = |method: &str| {
                let uri = format!("http://{address}{target}");
                client.request(Request::builder().method(method).uri(uri).body(Empty::new()).unwrap())
            };
            {
                let mut answer = ask("POST");
                tokio::select! {
                    _ = &mut answer => panic!("{row}: answered"),
                    event = told(&mut events) => assert_eq!(event, "made", "{row}: at it"),
                }
            }
            assert_eq!(told(&mut events).await, "dropped", "{row}: before the answer");

            let mut body = ask("GET").await.unwrap().into_body();
            assert_eq!(told(&mut events).await, "made", "{row}: half read");
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(first.iter().all(|byte| *byte == 7), "{row}");
            assert!(events.is_empty(), "{row}: half read");
            drop(body);
            assert_eq!(told(&mut events).await, "dropped", "{row}: half read");
        }
    }
}

/// A client goes away before it was decided whether it may ask.
#[tokio::test]
async fn a_client_that_goes_away_is_not_decided_about() {
    let (tell, mut events) = unbounded_channel();
    let layer = signed().authorize(undecided(Some(Guard(tell))));
    let app = Router::new().fallback(async |uri: http::Uri| assert_eq!(uri.path(), "/file")).layer(layer);
    let address = serve(app).await;
    for http2 in [false, true] {
        let client = client::<Empty<Bytes>>(http2);
        let ask = |path| client.get(format!("http://{address}{}", link(path)).parse().unwrap());
        {
            let mut answer = ask("/pending");
            tokio::select! {
                _ = &mut answer => panic!("answered"),
                event = told(&mut events) => assert_eq!(event, "made"),
            }
        }
        assert_eq!(told(&mut events).await, "dropped", "HTTP/2: {http2}");
        assert_eq!(ask("/file").await.unwrap().status(), 200, "HTTP/2: {http2}");
        assert_eq!([told(&mut events).await, told(&mut events).await], ["made", "dropped"]);
    }
}
