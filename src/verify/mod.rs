//! The check: [`Verify`], what it gives, and the one for this crate's format.

mod verifier;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

pub use self::verifier::{Verifier, VerifierBuilder};
use crate::grant::Grant;
use crate::head::Head;
use crate::rejection::Rejection;

/// Judges a request, and hides what it judges by. [`Verifier`] is the one for this crate's format; implement it to put
/// another system's signed URLs behind the same layer.
///
/// No method has a default body: one that wraps another cannot forget to pass a call on.
///
/// ```
/// use std::borrow::Cow;
/// use std::time::SystemTime;
/// use tower_signed_url::{Grant, Head, Rejection, SignedUrlLayer, Verified, Verify, Verifier};
///
/// /// Accepts what another verifier accepts, but nothing under `/internal/`.
/// struct Public(Verifier);
///
/// impl Verify for Public {
///     fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
///         if head.target().is_some_and(|target| target.path().starts_with("/internal/")) {
///             return Err(tower_signed_url::RejectionKind::NotAuthentic.into());
///         }
///         self.0.verify(head)
///     }
///
///     fn strip<'t>(&self, target: &'t str) -> Cow<'t, str> {
///         self.0.strip(target)
///     }
///
///     fn now(&self) -> SystemTime {
///         self.0.now()
///     }
/// }
///
/// # let keys = tower_signed_url::Keyring::new(tower_signed_url::SigningKey::generate()?);
/// let layer = SignedUrlLayer::custom(Public(Verifier::new(&keys)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check signed URLs",
    note = "pass a `Verifier`, or implement `Verify`"
)]
pub trait Verify: Send + Sync + 'static {
    /// Checks the request's target. Does no I/O.
    ///
    /// # Errors
    ///
    /// Why the request is refused: [`RejectionKind::Missing`](crate::RejectionKind::Missing) if, and only if, its
    /// target carries no credential and no part of one. A request without a target is refused for something else; the
    /// layer does not ask about it.
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection>;

    /// A target, or a whole URL, without anything in it that is or may be a credential; borrowed where there is
    /// nothing to hide. It judges nothing, and what is left has its bytes in their order.
    ///
    /// For the URI, `OriginalUri`, `Referer`, forwarded URIs and spans.
    fn strip<'t>(&self, target: &'t str) -> Cow<'t, str>;

    /// The time by which it judges: what caches are told is counted from it.
    fn now(&self) -> SystemTime;
}

impl<V: Verify + ?Sized> Verify for Arc<V> {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        (**self).verify(head)
    }

    fn strip<'t>(&self, target: &'t str) -> Cow<'t, str> {
        (**self).strip(target)
    }

    fn now(&self) -> SystemTime {
        (**self).now()
    }
}

/// An authentic request: its [`Grant`], and what the layer has to know besides.
#[must_use]
#[derive(Debug)]
pub struct Verified {
    grant: Grant,
    /// The bytes of the target that are the credential.
    pub(crate) cut: Option<Range<usize>>,
    pub(crate) by_url_alone: bool,
}

impl Verified {
    /// For a [`Verify`] of your own: [`strip`](Verify::strip) says what passes on, and answers are never shared between
    /// clients.
    pub fn new(grant: Grant) -> Self {
        Self { grant, cut: None, by_url_alone: false }
    }

    /// Says that nothing but the URL's bytes decided, so that [`Cache::Shared`](crate::Cache::Shared) may let a shared
    /// cache keep the answer: not the client's address, not a header, not a cookie.
    pub fn by_url_alone(self) -> Self {
        Self { by_url_alone: true, ..self }
    }

    /// What was granted.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What was granted.
    #[must_use]
    pub fn into_grant(self) -> Grant {
        self.grant
    }
}
