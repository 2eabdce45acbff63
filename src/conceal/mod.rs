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
pub(crate) use self::request::clean_headers;
#[cfg(feature = "trace")]
pub use self::span::ConcealSpan;

/// What the [`ConcealLayer`]s took out of a request, in its extensions. Shows nothing of it.
#[derive(Clone, Default)]
pub(crate) struct Concealed {
    /// The target, if there was a credential in it.
    target: Option<PathAndQuery>,
    /// `Cookie` fields of nothing but tokens. The others stayed: here they would count twice.
    cookies: Vec<HeaderValue>,
    /// Why none of it is to be believed.
    fault: Option<&'static str>,
}

impl Concealed {
    /// Adds what a layer further in took out. It saw what the ones before had left, so theirs is the target that came, and
    /// what is wrong with it stays wrong.
    fn add(&mut self, further: Self) {
        if self.target.is_some() && further.target.is_some() {
            self.fault.get_or_insert("a second credential behind a first `ConcealLayer`");
        }
        self.fault = self.fault.or(further.fault);
        self.target = self.target.take().or(further.target);
        self.cookies.extend(further.cookies);
    }

    pub(crate) fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }

    pub(crate) fn cookies(&self) -> &[HeaderValue] {
        &self.cookies
    }

    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.fault
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concealed").finish_non_exhaustive()
    }
}
