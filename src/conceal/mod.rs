//! Keeping credentials out of what others see and log.
//!
//! [`SignedUrlLayer`](crate::SignedUrlLayer) outside a `TraceLayer` needs nothing of this: the trace sees the stripped
//! URI. Where the trace is outside, either put a [`ConcealLayer`] outermost, or let the trace make its spans with
//! [`ConcealSpan`].

mod layer;
mod request;
#[cfg(feature = "trace")]
mod span;

use std::fmt;

use http::uri::PathAndQuery;

pub use self::layer::{Conceal, ConcealLayer};
pub(crate) use self::request::clean_headers;
#[cfg(feature = "trace")]
pub use self::span::ConcealSpan;

/// The target that a [`ConcealLayer`] found, in the request's extensions. Shows nothing of it.
#[derive(Clone)]
pub(crate) struct Concealed(Option<PathAndQuery>);

impl Concealed {
    /// The target, unless it is not clear which one the client sent.
    pub(crate) fn into_target(self) -> Option<PathAndQuery> {
        self.0
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concealed").finish_non_exhaustive()
    }
}
