//! What the compiler promises of the public types, whatever is inside them.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::io;

use http::{Request, Response};
use tower_service::Service;
use tower_signed_url::{
    Authorize, BoxError, Cache, Conceal, ConcealLayer, ConfigError, Decision, ForwardAuth, Grant, Head, KeyError,
    KeyId, Keyring, KeyringError, Live, Mint, Obligations, Policy, Rejection, RejectionKind, ResponseBody,
    ResponseFuture, ScopeToken, SignError, SignRequest, SignRequestFuture, SignRequestLayer, SignedUrl, SignedUrlLayer,
    SignedUrlService, Signer, SigningKey, SoftExpiry, SoftExpiryFuture, SoftExpiryLayer, Verified, Verifier,
    VerifierBuilder, Verify,
};

fn shared<T: Clone + Debug + Send + Sync + 'static>() {}
fn sendable<T: Debug + Send + Sync + 'static>() {}
fn debug<T: Debug>() {}
fn error<T: Error + Clone + Send + Sync + 'static>() {}
fn future<F: Future + Send + 'static>(_: F) {}
fn body<B: http_body_util::BodyExt<Data = bytes::Bytes> + Default + Send + 'static>() {}

/// A service that is `Clone` where `C` is, with a future that is not `Sync`, a body that is not `Default`.
#[derive(Clone, Debug)]
struct Of<C>(C);

#[derive(Debug)]
struct NotClone;

type Inner = Of<NotClone>;
/// As live authorization needs it.
type Cloned = Of<()>;

type InnerFuture = std::pin::Pin<Box<dyn Future<Output = Result<Response<hyper::body::Incoming>, io::Error>> + Send>>;

impl<C> Service<Request<hyper::body::Incoming>> for Of<C> {
    type Response = Response<hyper::body::Incoming>;
    type Error = io::Error;
    type Future = InnerFuture;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<hyper::body::Incoming>) -> InnerFuture {
        Box::pin(std::future::pending())
    }
}

#[derive(Clone, Copy, Debug)]
struct Never;

impl Authorize for Never {
    async fn authorize(&self, _: &Grant, _: &http::request::Parts) -> Result<Decision, BoxError> {
        Ok(Decision::Forbidden)
    }
}

#[test]
fn handles_are_shared_between_threads() {
    shared::<SignedUrlLayer>();
    shared::<SignedUrlService<()>>();
    shared::<ConcealLayer>();
    shared::<Conceal<()>>();
    shared::<Keyring>();
    shared::<Verifier>();
    shared::<Signer>();
    shared::<Policy>();
    shared::<Cache>();
    shared::<Grant>();
    shared::<Rejection>();
    shared::<RejectionKind>();
    shared::<SignedUrl>();
    shared::<KeyId>();
    shared::<ScopeToken>();
    shared::<Decision>();
    shared::<Obligations>();
    shared::<SoftExpiryLayer>();
    shared::<SoftExpiry<()>>();
    shared::<SignedUrlLayer<Verifier, Live<Never>>>();
    shared::<SignedUrlService<Cloned, Verifier, Live<Never>>>();
    shared::<SignRequestLayer>();
    shared::<SignRequest<()>>();
    shared::<ForwardAuth>();
    shared::<ForwardAuth<Verifier, Live<Never>>>();
    sendable::<SigningKey>();
    sendable::<Verified>();
    sendable::<VerifierBuilder>();
    sendable::<SignedUrlService<Inner>>();
    sendable::<Conceal<Inner>>();
    sendable::<ResponseBody<()>>();
    sendable::<Head<'static>>();
    debug::<ResponseFuture<InnerFuture>>();
    debug::<SoftExpiryFuture<InnerFuture>>();
    debug::<SignRequestFuture<InnerFuture>>();
    sendable::<SignRequest<Inner>>();
    #[cfg(feature = "trace")]
    shared::<tower_signed_url::ConcealSpan>();
}

#[test]
fn errors_are_errors() {
    error::<KeyError>();
    error::<KeyringError>();
    error::<ConfigError>();
    error::<SignError>();
    error::<Rejection>();
}

#[test]
fn futures_go_to_other_threads_and_bodies_are_bodies() {
    fn of<S>(mut service: S, request: Request<hyper::body::Incoming>)
    where
        S: Service<Request<hyper::body::Incoming>, Future: Send + 'static>,
    {
        future(service.call(request));
    }
    let _: fn(SignedUrlService<Inner>, _) = of;
    let _: fn(SignedUrlService<Conceal<Inner>>, _) = of;
    let _: fn(Conceal<SignedUrlService<Inner>>, _) = of;
    let _: fn(SignedUrlService<Cloned, Verifier, Live<Never>>, _) = of;
    let _: fn(SoftExpiry<Inner>, _) = of;
    let _: fn(SignRequest<Inner>, _) = of;
    let _: fn(ForwardAuth, _) = of;
    let _: fn(ForwardAuth<Verifier, Live<Never>>, _) = of;
    let _: fn(ResponseFuture<InnerFuture>) = future;
    body::<ResponseBody<hyper::body::Incoming>>();
    body::<ResponseBody<http_body_util::Full<bytes::Bytes>>>();
}

#[test]
fn texts_and_ids_have_the_usual_traits() {
    fn id<T: Display + Hash + Ord + std::str::FromStr<Err = KeyError>>() {}
    fn url<T: Display + Eq>() {}
    fn mint<T: Debug>(_: fn(&T)) {}
    fn judge<T: Verify + ?Sized>() {}
    id::<KeyId>();
    url::<SignedUrl>();
    mint(|_: &Mint<'_>| ());
    mint(|_: &Mint<'_, ScopeToken>| ());
    judge::<dyn Verify>();
    judge::<std::sync::Arc<dyn Verify>>();
}
