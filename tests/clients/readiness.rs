//! The signing service waits for the one that it calls, calls no other, and leaves nothing behind.

use std::future::{Ready, pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_signed_url::{BoxError, SignErrorKind, SignRequest};
use tower_test::mock::{self, Handle, Spawn};

use super::errors::OutOfPaper;
use super::{kind, sign, signer};

type Mock = mock::Mock<Request<()>, Response<()>>;

type Signing = Spawn<SignRequest<Mock>>;

fn spawn() -> (Signing, Handle<Request<()>, Response<()>>) {
    mock::spawn_layer(sign(signer()))
}

fn get(target: &str) -> Request<()> {
    Request::get(target).body(()).unwrap()
}

/// What a future has to say now.
fn now<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn it_is_ready_when_its_service_is() {
    let (mut service, mut handle) = spawn();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    assert!(!service.is_woken());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));

    let answer = service.call(get("/a?b"));
    let (request, respond) = handle.next_request().await.unwrap();
    assert!(request.uri().to_string().starts_with("/a?b&exp="), "{}", request.uri());
    assert!(service.poll_ready().is_pending());
    respond.send_response(Response::new(()));
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_error_of_readiness_and_of_an_answer_is_the_services_own() {
    let (mut service, mut handle) = spawn();
    handle.send_error(OutOfPaper(1));
    let Poll::Ready(Err(error)) = service.poll_ready() else { panic!("no error") };
    assert_eq!(error.downcast_ref(), Some(&OutOfPaper(1)));

    let (mut service, mut handle) = spawn();
    assert!(service.poll_ready().is_ready());
    let answer = service.call(get("/a"));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error(OutOfPaper(2));
    assert_eq!(answer.await.unwrap_err().downcast_ref(), Some(&OutOfPaper(2)));
}

#[tokio::test]
async fn what_cannot_be_signed_does_not_reach_the_service_and_the_next_one_does() {
    let (mut service, mut handle) = spawn();
    handle.allow(1);
    for target in ["/a?exp=1", "*"] {
        assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))), "{target}");
        let mut failed = pin!(service.call(get(target)));
        let Poll::Ready(Err(error)) = now(failed.as_mut()) else { panic!("{target}") };
        assert!(matches!(kind(&error), Some(SignErrorKind::ReservedName | SignErrorKind::Target)), "{target}");
        // Nothing else will come of it.
        assert!(now(failed).is_pending(), "{target}");
        assert!(now(handle.next_request()).is_pending(), "{target}");
    }
    // Its turn was not used up.
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    let answer = service.call(get("/b"));
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request.uri().path(), "/b");
    respond.send_response(Response::new(()));
    assert_eq!(answer.await.unwrap().status(), 200);
}

/// Counts which of its clones is called, and whether that one was ready.
#[derive(Debug)]
struct OnlyWhenReady {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for OnlyWhenReady {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<()>> for OnlyWhenReady {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Ready<Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new(())))
    }
}

#[tokio::test]
async fn the_one_that_was_ready_is_the_one_that_is_called() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut service = sign(signer()).layer(OnlyWhenReady { ready: false, calls: Arc::clone(&calls) });
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(service.poll_ready(&mut context).is_ready());
        let mut clone = service.clone();
        assert_eq!(service.call(get("/a")).await.unwrap().status(), 200);
        assert!(clone.poll_ready(&mut context).is_ready());
        assert_eq!(clone.call(get("/a")).await.unwrap().status(), 200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[test]
fn a_dropped_future_drops_the_call() {
    let held = Arc::new(());
    let in_call = Arc::clone(&held);
    let never = service_fn(move |_: Request<()>| {
        let held = Arc::clone(&in_call);
        async move {
            let _held = held;
            pending::<Result<Response<()>, BoxError>>().await
        }
    });
    let mut service = sign(signer()).layer(never);
    let before = Arc::strong_count(&held);
    let mut future = Box::pin(service.call(get("/a")));
    assert!(now(future.as_mut()).is_pending());
    assert_eq!(Arc::strong_count(&held), before + 1);
    drop(future);
    assert_eq!(Arc::strong_count(&held), before);
}
