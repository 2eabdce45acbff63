//! The check: [`Verify`], what it gives, and the one for this crate's format.

mod authenticate;
mod body;
mod builder;
mod carriers;
mod sources;
mod verifier;

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

pub use self::builder::VerifierBuilder;
pub use self::verifier::Verifier;
use crate::grant::Grant;
use crate::head::Head;
use crate::rejection::{Rejection, RejectionKind};

/// Judges a request, and hides what it judges by. [`Verifier`] is the one for this crate's format; implement it to put
/// another system's signed URLs behind the same layer.
///
/// No method has a default body: one that wraps another cannot forget to pass a call on.
///
/// ```
/// use std::time::SystemTime;
/// use tower_signed_url::{Head, Rejection, RejectionKind, SignedUrlLayer, Verified, Verify, Verifier};
///
/// /// Accepts what another verifier accepts, but nothing under `/internal/`.
/// struct Public(Verifier);
///
/// impl Verify for Public {
///     fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
///         if head.target().is_some_and(|target| target.path().starts_with("/internal/")) {
///             return Err(Rejection::new(RejectionKind::Unenforceable).because("nothing internal is given out"));
///         }
///         self.0.verify(head)
///     }
///
///     fn strip(&self, target: &str) -> Option<String> {
///         self.0.strip(target)
///     }
///
///     fn hide(&self, url: &str) -> Option<String> {
///         self.0.hide(url)
///     }
///
///     fn cookies(&self) -> &[Box<str>] {
///         self.0.cookies()
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

    /// A target without its credential, or nothing if there is none in it. It judges nothing, and what is left has its
    /// bytes in their order: it is what is routed and served.
    fn strip(&self, target: &str) -> Option<String>;

    /// A target, or a whole URL, without anything in it that is or may be a credential; nothing if there is none. It
    /// takes as much as [`strip`](Self::strip) or more: what it leaves is logged, and put into `Referer` and the like.
    fn hide(&self, url: &str) -> Option<String>;

    /// The names of the cookies that it reads credentials from: nothing behind the layer sees these cookies, and every
    /// answer says that it may depend on them (`Vary: Cookie`).
    fn cookies(&self) -> &[Box<str>];

    /// The time by which it judges: what caches are told is counted from it.
    fn now(&self) -> SystemTime;
}

impl<V: Verify + ?Sized> Verify for Arc<V> {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        (**self).verify(head)
    }

    fn strip(&self, target: &str) -> Option<String> {
        (**self).strip(target)
    }

    fn hide(&self, url: &str) -> Option<String> {
        (**self).hide(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        (**self).cookies()
    }

    fn now(&self) -> SystemTime {
        (**self).now()
    }
}

/// What goes when the credential is stripped, and how long the target is that it goes from.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) place: Range<usize>,
    pub(crate) target: usize,
}

/// What brought a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The URL itself, or something that the layer knows nothing of.
    Url,
    /// A scope token in the query; its bytes' place in the target.
    Query(Range<usize>),
    /// A scope token as the first segment of the path; the segment's place in the target.
    Path(Range<usize>),
    /// A scope token in a cookie.
    Cookie,
}

/// An authentic request: its [`Grant`], and how the layer is to handle it.
#[must_use]
#[derive(Debug)]
pub struct Verified {
    pub(crate) grant: Grant,
    pub(crate) handling: Handling,
}

impl Verified {
    /// For a [`Verify`] of your own: [`strip`](Verify::strip) says what passes on, and answers are never shared between
    /// clients.
    pub fn new(grant: Grant) -> Self {
        let handling = Handling {
            cut: None,
            carrier: Carrier::Url,
            by_url_alone: false,
            revalidate: false,
            by_password: false,
            obligations: Obligations::NONE,
            unless_empty: None,
        };
        Self { grant, handling }
    }

    /// Says that nothing but the URL's bytes decided, so that [`Cache::Shared`](crate::Cache::Shared) may let a shared
    /// cache keep the answer: not the client's address, not a header, not a cookie.
    pub fn by_url_alone(mut self) -> Self {
        self.handling.by_url_alone = true;
        self
    }

    /// Says that more than the URL decided. A [`Verify`] that asks another one, and then looks at something else
    /// besides, has to say so.
    pub fn by_more_than_url(mut self) -> Self {
        self.handling.by_url_alone = false;
        self
    }

    /// Says that the link asks for something that is not done yet, in addition to what it asked before.
    pub fn asking_for(mut self, obligations: Obligations) -> Self {
        self.handling.obligations = self.handling.obligations.and(obligations);
        self
    }

    /// What the link still asks for.
    #[must_use]
    pub fn obligations(&self) -> Obligations {
        self.handling.obligations
    }

    /// What was granted, for whoever takes on what the link still asks for.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::Unenforceable`](crate::RejectionKind::Unenforceable) if it asks for more: no restriction is dropped
    /// in silence.
    pub fn discharge(self, taken_on: Obligations) -> Result<Grant, Rejection> {
        self.handling.obligations.check(taken_on)?;
        Ok(self.grant)
    }
}

/// How the layer is to handle a request that it lets pass, and the answer.
#[derive(Debug)]
pub(crate) struct Handling {
    /// The bytes of the target that are the credential.
    pub(crate) cut: Option<Cut>,
    pub(crate) carrier: Carrier,
    pub(crate) by_url_alone: bool,
    /// Whether what else decided may be over before the link is: a session, say.
    pub(crate) revalidate: bool,
    /// Whether the `Authorization` field was part of the credential.
    pub(crate) by_password: bool,
    pub(crate) obligations: Obligations,
    /// Why it is refused if it has a body after all.
    pub(crate) unless_empty: Option<RejectionKind>,
}

/// What a link asks for besides being checked. The [layer](crate::SignedUrlLayer) takes on [`DOWNLOAD`](Self::DOWNLOAD)
/// and [`NO_BODY`](Self::NO_BODY), and refuses a link that asks for anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Obligations(u8);

impl Obligations {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// That the response be an attachment, under the name that [`Grant::download`] gives.
    pub const DOWNLOAD: Self = Self(1);
    /// That its use be counted.
    pub const COUNT_USE: Self = Self(2);
    /// That the request have no body: the link limits one, and a `GET`, `HEAD` or `OPTIONS` declares none, which over
    /// HTTP/2 does not mean that there is none.
    pub const NO_BODY: Self = Self(4);

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all the others are among these.
    #[must_use]
    pub const fn include(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Refuses a link that asks for more than is taken on.
    #[inline]
    pub(crate) fn check(self, taken_on: Self) -> Result<(), Rejection> {
        let asks_in_vain_for = |what| self.include(what) && !taken_on.include(what);
        if taken_on.include(self) {
            return Ok(());
        }
        Err(Rejection::not_taken_on(if asks_in_vain_for(Self::DOWNLOAD) {
            "the link names a download, which whoever checked it does not see to (`discharge`, or a `ForwardAuth`'s `named_downloads`)"
        } else if asks_in_vain_for(Self::NO_BODY) {
            "the link limits the request's body, which whoever checked it does not see"
        } else {
            "the use of the link is to be counted, which whoever checked it does not do"
        }))
    }
}
