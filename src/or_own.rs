use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// The future of an inner service, or what a layer answers in its place.
    #[project = OrOwnProj]
    pub(crate) enum OrOwn<F, T> {
        Inner {
            #[pin]
            future: F,
        },
        Own {
            own: Option<T>,
        },
    }
}

impl<F, T> OrOwn<F, T> {
    pub(crate) fn inner(future: F) -> Self {
        Self::Inner { future }
    }

    pub(crate) fn own(own: T) -> Self {
        Self::Own { own: Some(own) }
    }
}

impl<F: Future, T> Future for OrOwn<F, T> {
    /// As an error, what the layer answers.
    type Output = Result<F::Output, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            OrOwnProj::Inner { future } => future.poll(cx).map(Ok),
            // Polled again after it was done, there is no other answer.
            OrOwnProj::Own { own } => own.take().map_or(Poll::Pending, |own| Poll::Ready(Err(own))),
        }
    }
}
