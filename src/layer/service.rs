use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Shared;
use super::body::ResponseBody;
use super::future::ResponseFuture;
use crate::verify::{Verifier, Verify};

/// The service of a [`SignedUrlLayer`](super::SignedUrlLayer).
pub struct SignedUrlService<S, V = Verifier> {
    inner: S,
    shared: Arc<Shared<V>>,
}

impl<S, V> SignedUrlService<S, V> {
    pub(super) fn new(inner: S, shared: Shared<V>) -> Self {
        Self { inner, shared: Arc::new(shared) }
    }
}

impl<S, V, ReqBody, ResBody> Service<Request<ReqBody>> for SignedUrlService<S, V>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    V: Verify,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, V>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.shared.admit(&mut request) {
            Ok(Some(passed)) => {
                let future = self.inner.call(request);
                ResponseFuture::granted(future, passed, Arc::clone(&self.shared))
            }
            Ok(None) => ResponseFuture::anonymous(self.inner.call(request)),
            Err(rejection) => ResponseFuture::refused(self.shared.refuse(&request, rejection)),
        }
    }
}

impl<S: Clone, V> Clone for SignedUrlService<S, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S, V> fmt::Debug for SignedUrlService<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.settings.debug("SignedUrlService", f)
    }
}
