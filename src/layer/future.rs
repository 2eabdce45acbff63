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
use crate::verify::{Verifier, Verify};

pin_project! {
    /// The response, or the refusal, of a [`SignedUrlService`](super::SignedUrlService).
    pub struct ResponseFuture<F, V = Verifier> {
        #[pin]
        kind: Kind<F, V>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, V> {
        /// The service answers.
        Passing {
            #[pin]
            future: F,
            // Nothing if it carried no credential, and needed none.
            passed: Option<Passed>,
            layer: Arc<SignedUrlLayer<V>>,
        },
        /// The layer has answered.
        Answered {
            response: Option<Response<Bytes>>,
        },
    }
}

impl<F, V> ResponseFuture<F, V> {
    pub(super) fn passing(future: F, passed: Option<Passed>, layer: Arc<SignedUrlLayer<V>>) -> Self {
        Self { kind: Kind::Passing { future, passed, layer } }
    }

    pub(super) fn answered(response: Response<Bytes>) -> Self {
        Self { kind: Kind::Answered { response: Some(response) } }
    }
}

impl<F, V, B, E> Future for ResponseFuture<F, V>
where
    F: Future<Output = Result<Response<B>, E>>,
    V: Verify,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Passing { future, passed, layer } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(layer.finish(response, passed.as_ref()).map(ResponseBody::service)))
            }
            KindProj::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::own))),
                // Polled again after it was done: there is no other answer.
                None => Poll::Pending,
            },
        }
    }
}

impl<F, V> fmt::Debug for ResponseFuture<F, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
