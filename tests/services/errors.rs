//! Errors of any type, wherever they occur: the same value comes out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tower::{Layer, Service, ServiceExt};

use super::{allow, conceal, link, signed, soft};

/// An error that no trait knows: there is nothing to be made of it but itself.
#[derive(Debug)]
struct Broken(Arc<()>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Readiness,
    Call,
    Body,
}

/// Fails at one place, once.
#[derive(Clone)]
struct Failing {
    at: Place,
    cause: Arc<()>,
}

impl Failing {
    fn at(&self, place: Place) -> Result<(), Broken> {
        if self.at == place { Err(Broken(Arc::clone(&self.cause))) } else { Ok(()) }
    }
}

impl Service<Request<Empty<Bytes>>> for Failing {
    type Response = Response<FailingBody>;
    type Error = Broken;
    type Future = std::future::Ready<Result<Response<FailingBody>, Broken>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(self.at(Place::Readiness))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        let frames = [Some(Ok("a part")), self.at(Place::Body).err().map(Err)];
        std::future::ready(self.at(Place::Call).map(|()| Response::new(FailingBody(frames))))
    }
}

struct FailingBody([Option<Result<&'static str, Broken>>; 2]);

impl Body for FailingBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = self.0.iter_mut().find_map(Option::take);
        Poll::Ready(next.map(|part| part.map(|part| Frame::data(Bytes::from_static(part.as_bytes())))))
    }
}

/// That the types are the service's own is for the compiler to check.
fn check<L, B>(name: &str, layer: &L, target: &str)
where
    L: Layer<Failing>,
    L::Service: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Broken>,
    B: Body<Data = Bytes, Error = Broken> + Unpin,
{
    for at in [Place::Readiness, Place::Call, Place::Body] {
        let cause = Arc::new(());
        let mut service = layer.layer(Failing { at, cause: Arc::clone(&cause) });
        let answer = service.ready().now_or_never().unwrap().err();
        let answer = answer.map_or_else(|| service.call(request(target)).now_or_never().unwrap(), Err);
        let error = match answer {
            Ok(answer) => {
                assert_eq!((answer.status().as_u16(), at), (200, Place::Body), "{name}");
                let mut body = answer.into_body();
                let part = body.frame().now_or_never().unwrap().unwrap().unwrap();
                assert_eq!(part.into_data().unwrap(), "a part", "{name}");
                let error = body.frame().now_or_never().unwrap().unwrap().unwrap_err();
                assert!(body.frame().now_or_never().unwrap().is_none(), "{name}");
                error
            }
            Err(error) => error,
        };
        assert!(Arc::ptr_eq(&error.0, &cause), "{name}: {at:?}");
    }
}

fn request(target: &str) -> Request<Empty<Bytes>> {
    Request::get(target).body(Empty::new()).unwrap()
}

#[test]
fn an_error_comes_out_as_it_is() {
    let link = link("/file");
    check("a link", &signed(), &link);
    check("no link, and none needed", &signed().optional(), "/file");
    check("live authorization", &signed().authorize(allow()), &link);
    check("ConcealLayer", &conceal(), &link);
    check("both", &(conceal(), signed()), &link);
    check("an expiry that nothing signs", &soft(), "/file");
}
