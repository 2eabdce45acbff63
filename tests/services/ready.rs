//! Back pressure. The mock panics where it is called without having been ready itself, and a clone of it is not ready.

use std::fmt;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer, Service};
use tower_signed_url::BoxError;
use tower_test::mock::{Mock, spawn_layer};

use super::{allow, conceal, link, signed, soft};
use crate::support::NOW;

type Body = Empty<Bytes>;
type Inner = Mock<Request<Body>, Response<Body>>;

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Body::new()).unwrap()
}

#[derive(Debug, PartialEq)]
struct Full(u8);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "full, {}", self.0)
    }
}

impl std::error::Error for Full {}

fn check<L, B>(name: &str, layer: L, passing: &str, refused: Option<&str>)
where
    L: Layer<Inner>,
    L::Service: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    let (mut service, mut inner) = spawn_layer(layer);
    let mut context = Context::from_waker(Waker::noop());
    inner.allow(0);
    assert!(service.poll_ready().is_pending(), "{name}: not ready");
    assert!(service.poll_ready().is_pending(), "{name}: still not ready");
    assert!(!service.is_woken(), "{name}: too early");
    inner.allow(1);
    assert!(service.is_woken(), "{name}: not woken");
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))), "{name}: not ready once it may be");

    if let Some(refused) = refused {
        let answer = service.call(get(refused)).now_or_never();
        assert_eq!(answer.expect("it need not ask anyone").unwrap().status(), 403, "{name}");
        assert!(inner.poll_request().is_pending(), "{name}: called for nothing");
        // The one call that was allowed is still to be had.
        assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))), "{name}: not ready after a refusal");
    }

    let mut answer = Box::pin(service.call(get(passing)));
    assert!(answer.as_mut().poll(&mut context).is_pending(), "{name}: answered by whom?");
    let Poll::Ready(Some((request, respond))) = inner.poll_request() else { panic!("{name}: not called") };
    assert_eq!(request.uri().path(), "/file", "{name}");
    assert!(service.poll_ready().is_pending(), "{name}: a second call");
    respond.send_response(Response::new(Body::new()));
    assert_eq!(answer.now_or_never().expect("the answer").unwrap().status(), 200, "{name}");
    assert!(service.poll_ready().is_pending(), "{name}: a second call, after the first one's answer");

    inner.allow(1);
    assert!(service.is_woken(), "{name}: not woken again");
    inner.send_error(Full(7));
    let Poll::Ready(Err(error)) = service.poll_ready() else { panic!("{name}: the error is lost") };
    assert_eq!(error.downcast_ref(), Some(&Full(7)), "{name}");
    drop(inner);
    assert!(matches!(service.poll_ready(), Poll::Ready(Err(_))), "{name}: the service is gone");
}

#[test]
fn a_service_is_ready_when_the_one_inside_is() {
    let link = link("/file");
    let exp = format!("/file?exp={}", NOW + 1000);
    check("a link", signed(), &link, Some("/file"));
    check("no link, and none needed", signed().optional(), "/file", Some("/file?sig=x"));
    check("live authorization", signed().authorize(allow()), &link, Some("/file"));
    check("ConcealLayer", conceal(), &link, None);
    check("both", (conceal(), signed()), &link, Some("/file"));
    check("an expiry that nothing signs", soft(), &exp, Some("/file?exp=x"));
}

/// Two that are under way at once: each has the service that was ready for it.
#[test]
fn calls_under_way_do_not_share_a_service() {
    let (mut service, mut inner) = spawn_layer::<Request<Body>, Response<Body>, _>(signed().authorize(allow()));
    let mut context = Context::from_waker(Waker::noop());
    let mut calls = [(), ()].map(|()| {
        assert!(matches!(service.poll_ready::<Request<Body>>(), Poll::Ready(Ok(()))));
        service.call(get(&link("/file")))
    });
    calls.reverse();
    for mut call in calls {
        assert!(call.as_mut().poll(&mut context).is_pending());
        let Poll::Ready(Some((_, respond))) = inner.poll_request() else { panic!("not called") };
        respond.send_response(Response::new(Body::new()));
        assert_eq!(call.now_or_never().expect("the answer").unwrap().status(), 200);
    }
}

/// A refusal is made when the service is called: a future that is asked again has nothing more to say, and says so without
/// a panic.
#[test]
fn a_refusal_is_given_once() {
    let mut context = Context::from_waker(Waker::noop());
    let (mut service, _inner) = spawn_layer::<Request<Body>, Response<Body>, _>(signed());
    let mut refusal = Box::pin(service.call(get("/file")));
    assert!(refusal.as_mut().poll(&mut context).is_ready());
    assert!(refusal.as_mut().poll(&mut context).is_pending());
    let (mut service, _inner) = spawn_layer::<Request<Body>, Response<Body>, _>(soft());
    let mut refusal = Box::pin(service.call(get("/file?exp=x")));
    assert!(refusal.as_mut().poll(&mut context).is_ready());
    assert!(refusal.as_mut().poll(&mut context).is_pending());
}
