use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::Shared;
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
        /// A link let it through.
        Granted {
            #[pin]
            future: F,
            passed: Passed,
            shared: Arc<Shared<V>>,
        },
        /// It carried no credential, and needed none.
        Anonymous {
            #[pin]
            future: F,
        },
        Refused {
            response: Option<Response<Bytes>>,
        },
    }
}

impl<F, V> ResponseFuture<F, V> {
    pub(super) fn granted(future: F, passed: Passed, shared: Arc<Shared<V>>) -> Self {
        Self { kind: Kind::Granted { future, passed, shared } }
    }

    pub(super) fn anonymous(future: F) -> Self {
        Self { kind: Kind::Anonymous { future } }
    }

    pub(super) fn refused(response: Response<Bytes>) -> Self {
        Self { kind: Kind::Refused { response: Some(response) } }
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
            KindProj::Granted { future, passed, shared } => {
                let mut response = ready!(future.poll(cx))?;
                passed.prepare(&mut response, &shared.settings, || shared.verify.now());
                Poll::Ready(Ok(response.map(ResponseBody::service)))
            }
            KindProj::Anonymous { future } => Poll::Ready(Ok(ready!(future.poll(cx))?.map(ResponseBody::service))),
            KindProj::Refused { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::refusal))),
                // Polled again after it was done: there is no other answer.
                None => Poll::Pending,
            },
        }
    }
}
