use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::SignedUrlLayer;
use super::answer::Passed;
use super::body::ResponseBody;
use crate::or_own::OrOwn;
use crate::verify::{Verifier, Verify};

pin_project! {
    /// The response, or the refusal, of a [`SignedUrlService`](super::SignedUrlService).
    pub struct ResponseFuture<F, V = Verifier> {
        #[pin]
        response: OrOwn<F, Response<Bytes>>,
        // Nothing if it carried no credential, and needed none.
        passed: Option<Passed>,
        layer: Arc<SignedUrlLayer<V>>,
    }
}

impl<F, V> ResponseFuture<F, V> {
    pub(super) fn passing(future: F, passed: Option<Passed>, layer: Arc<SignedUrlLayer<V>>) -> Self {
        Self { response: OrOwn::inner(future), passed, layer }
    }

    pub(super) fn answered(response: Response<Bytes>, layer: Arc<SignedUrlLayer<V>>) -> Self {
        Self { response: OrOwn::own(response), passed: None, layer }
    }
}

impl<F, V, B, E> Future for ResponseFuture<F, V>
where
    F: Future<Output = Result<Response<B>, E>>,
    V: Verify,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(match ready!(this.response.poll(cx)) {
            Ok(response) => Ok(this.layer.finish(response?, this.passed.as_ref()).map(ResponseBody::service)),
            Err(answered) => Ok(answered.map(ResponseBody::own)),
        })
    }
}

impl<F, V> fmt::Debug for ResponseFuture<F, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
