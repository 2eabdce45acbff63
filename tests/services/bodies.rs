//! Bodies pass frame by frame, trailers included.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::response::Response as AxumResponse;
use axum::routing::post;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::poll_fn;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::{PATIENCE, allow, arrangements, client, conceal, link, serve, signed, soft};

/// What a body is asked, and what it says.
#[derive(Debug, PartialEq)]
struct Said {
    frame: Option<Option<Result<Bytes, HeaderMap>>>,
    is_end_stream: bool,
    size: (u64, Option<u64>),
}

fn ask(body: &mut (impl Body<Data = Bytes, Error = Infallible> + Unpin)) -> Said {
    let (is_end_stream, size) = (body.is_end_stream(), body.size_hint());
    let frame = match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(None) => Some(None),
        Poll::Ready(Some(Ok(frame))) => Some(Some(frame.into_data().map_err(|frame| frame.into_trailers().unwrap()))),
        Poll::Ready(Some(Err(never))) => match never {},
    };
    Said { frame, is_end_stream, size: (size.lower(), size.upper()) }
}

fn trailers() -> HeaderMap {
    [("x-checksum".parse().unwrap(), "7".parse().unwrap())].into_iter().collect()
}

/// Says what is no other body's way to say it.
#[derive(Default)]
struct Odd(u64);

impl Body for Odd {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0 += 1;
        match self.0 {
            1 => Poll::Ready(Some(Ok(Frame::data("a".into())))),
            2 | 5 => Poll::Pending,
            3 => Poll::Ready(Some(Ok(Frame::data(Bytes::new())))),
            4 | 6 => Poll::Ready(Some(Ok(Frame::trailers(trailers())))),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 6
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.0);
        if self.0 != 4 {
            hint.set_upper(10 * self.0);
        }
        hint
    }
}

fn check<B>(
    name: &str,
    mut service: impl Service<Request<Odd>, Response = Response<B>, Error = Infallible>,
    target: &str,
) where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    let _ready = service.ready().now_or_never().unwrap().unwrap();
    let request = Request::post(target).body(Odd::default()).unwrap();
    let mut passed = service.call(request).now_or_never().unwrap().unwrap().into_body();
    let mut bare = Odd::default();
    for n in 0..8 {
        assert_eq!(ask(&mut passed), ask(&mut bare), "{name}: {n}");
    }
}

/// The body that the service gives is the one that it was given.
#[test]
fn what_a_body_says_passes_unchanged() {
    let echo = service_fn(|request: Request<Odd>| async move { Ok(Response::new(request.into_body())) });
    let link = link("/file");
    check("a link", signed().layer(echo), &link);
    check("no link, and none needed", signed().optional().layer(echo), "/file");
    check("live authorization", signed().authorize(allow()).layer(echo), &link);
    check("ConcealLayer", conceal().layer(echo), &link);
    check("an expiry that nothing signs", soft().layer(echo), "/file");
}

/// Answers at once, with what is still to come.
async fn echo(request: AxumRequest) -> AxumResponse {
    Response::builder().header("trailer", "x-checksum").body(request.into_body()).unwrap()
}

/// A body that is fed frame by frame.
fn feed() -> (Sender<Frame<Bytes>>, impl Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static) {
    let (feed, mut frames) = channel(1);
    let next = poll_fn(move |context| frames.poll_recv(context).map(|frame| frame.map(Ok::<_, Infallible>)));
    (feed, StreamBody::new(next))
}

/// Each part comes back before the next one is sent, in both directions, and trailers end it.
#[tokio::test]
async fn the_first_part_is_answered_before_the_second_is_sent() {
    for (name, app, target) in arrangements(&Router::new().route("/file", post(echo))) {
        let address = serve(app).await;
        for http2 in [false, true] {
            let row = format!("{name}, HTTP/2: {http2}");
            let (feed, body) = feed();
            let request = Request::post(format!("http://{address}{target}"));
            let request = request.header("trailer", "x-checksum").header("te", "trailers").body(body).unwrap();
            let client = client(http2);
            let answer = tokio::spawn(async move { client.request(request).await });
            feed.send(Frame::data("first".into())).await.unwrap();
            let answer = timeout(PATIENCE, answer).await.expect("in vain").unwrap().unwrap();
            assert_eq!(answer.status(), 200, "{row}");

            let mut body = answer.into_body();
            for part in ["first", "second", "third"] {
                if part != "first" {
                    feed.send(Frame::data(part.into())).await.unwrap();
                }
                let frame = timeout(PATIENCE, body.frame()).await.expect("in vain").unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), part, "{row}");
            }
            feed.send(Frame::trailers(trailers())).await.unwrap();
            drop(feed);
            let frame = timeout(PATIENCE, body.frame()).await.expect("in vain").unwrap().unwrap();
            assert_eq!(frame.into_trailers().unwrap(), trailers(), "{row}");
            assert!(body.frame().await.is_none(), "{row}");
        }
    }
}

/// Over HTTP/2, where windows bound what is under way: a layer that kept frames to itself would take them all.
#[tokio::test]
async fn a_large_body_is_never_held_as_a_whole() {
    const FRAMES: usize = 2048;
    const FRAME: usize = 16 * 1024;
    for (name, app, target) in arrangements(&Router::new().route("/file", post(echo))) {
        let address = serve(app).await;
        let (feed, body) = feed();
        let request = Request::post(format!("http://{address}{target}")).body(body).unwrap();
        let client = client(true);
        let answer = tokio::spawn(async move { client.request(request).await });
        // Fed as fast as it is taken, read one by one.
        let fed = Arc::new(AtomicUsize::new(0));
        let feeder = {
            let fed = Arc::clone(&fed);
            tokio::spawn(async move {
                let chunk = Bytes::from(vec![7; FRAME]);
                for _ in 0..FRAMES {
                    feed.send(Frame::data(chunk.clone())).await.unwrap();
                    fed.fetch_add(FRAME, Ordering::Relaxed);
                }
            })
        };
        let mut body = timeout(PATIENCE, answer).await.expect("in vain").unwrap().unwrap().into_body();
        let mut read = 0;
        while let Some(frame) = timeout(PATIENCE, body.frame()).await.expect("in vain") {
            read += frame.unwrap().into_data().unwrap().len();
            let under_way = fed.load(Ordering::Relaxed).saturating_sub(read);
            assert!(under_way <= FRAMES * FRAME / 4, "{name}: {under_way} bytes are under way after {read}");
        }
        assert_eq!(read, FRAMES * FRAME, "{name}");
        feeder.await.unwrap();
    }
}
