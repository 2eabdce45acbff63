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

use http::HeaderValue;
use http::uri::PathAndQuery;

pub use self::layer::{Conceal, ConcealLayer};
pub(crate) use self::request::{clean_headers, remove_cookies};
#[cfg(feature = "trace")]
pub use self::span::ConcealSpan;

/// What a [`ConcealLayer`] took out of a request, in its extensions. Shows nothing of it.
#[derive(Clone, Default)]
pub(crate) struct Concealed {
    /// The target, if there was a credential in it.
    target: Option<PathAndQuery>,
    /// What the `Cookie` fields held of the tokens' cookies.
    cookies: Vec<HeaderValue>,
    /// Whether a router had chosen a route before.
    routed: bool,
    /// Whether it is not clear which target the client sent.
    ambiguous: bool,
}

impl Concealed {
    pub(crate) fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }

    pub(crate) fn cookies(&self) -> &[HeaderValue] {
        &self.cookies
    }

    pub(crate) fn is_routed(&self) -> bool {
        self.routed
    }

    pub(crate) fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concealed").finish_non_exhaustive()
    }
}
