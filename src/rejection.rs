use std::error::Error;
use std::fmt;

use http::{HeaderMap, Method, StatusCode};

use crate::format::{Fault, FaultKind};
use crate::inline::Inline;

/// Why a request was refused: for the application and its logs. The client learns the [status](Self::status) alone.
///
/// It is in the response's extensions, in what [`on_reject`](crate::SignedUrlLayer::on_reject) is given, and in a
/// `tracing` event. It holds no part of the credential's values.
#[derive(Clone, Debug)]
pub struct Rejection {
    kind: RejectionKind,
    authentic: bool,
    /// Shorter than a MAC's text, so that a URL torn apart on its way cannot put one here.
    parameter: Inline<32>,
    detail: &'static str,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// No credential. 403
    Missing,
    /// Against the rules of the format. 403
    Malformed,
    /// Signed by a key that is not in the ring. 403
    UnknownKey,
    /// The MAC does not match: tampered with, or made with another key. 403
    NotAuthentic,
    /// A restriction that this verifier cannot enforce. 403
    Unenforceable,
    /// Before its `sig-start`. 403
    NotYetValid,
    /// From its `exp` on. 410
    Expired,
    /// It lives longer than the policy allows. 403
    LifetimeTooLong,
    /// Not for this method. 403
    Method,
}

impl RejectionKind {
    /// The status that a client is told.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::GONE,
            _ => StatusCode::FORBIDDEN,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "the request carries no signed URL",
            Self::Malformed => "malformed",
            Self::UnknownKey => "signed by a key that is not in the ring (retired, or not yet accepted here?)",
            Self::NotAuthentic => "the signature does not match (tampered with, or another key under this id?)",
            Self::Unenforceable => "cannot be enforced here",
            Self::NotYetValid => "not valid yet",
            Self::Expired => "expired",
            Self::LifetimeTooLong => "lives longer than the policy's maximum lifetime",
            Self::Method => "not for this method",
        }
    }
}

impl Rejection {
    /// A rejection of this kind: for a [`Verify`](crate::Verify) of your own.
    #[must_use]
    pub fn new(kind: RejectionKind) -> Self {
        use RejectionKind::{Expired, LifetimeTooLong, Method, NotYetValid};
        Self {
            kind,
            authentic: matches!(kind, NotYetValid | Expired | LifetimeTooLong | Method),
            parameter: Inline::truncated(""),
            detail: "",
        }
    }

    /// The same rejection with words of your own about the reason, for logs. Put no part of a credential into them.
    #[must_use]
    pub fn because(self, detail: &'static str) -> Self {
        Self { detail, ..self }
    }

    #[cold]
    pub(crate) fn unenforceable() -> Self {
        let rejection = Self::new(RejectionKind::Unenforceable).because("the link asks for something nobody takes on");
        Self { authentic: true, ..rejection }
    }

    #[cold]
    pub(crate) fn malformed(detail: &'static str) -> Self {
        Self::new(RejectionKind::Malformed).because(detail)
    }

    /// What the format found wrong with a link whose MAC has matched.
    #[cold]
    pub(crate) fn authentic(fault: Fault<'_>) -> Self {
        Self { authentic: true, ..fault.into() }
    }

    /// What kind of refusal this is.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status that the client is told: 403, or 410 for a link that has ended.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// Whether the signature had matched when the request was refused.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.authentic
    }

    /// The name of the query parameter at fault, where there is one; cut after 32 bytes.
    ///
    /// Whoever sent the request chose it.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        Some(self.parameter.as_str()).filter(|name| !name.is_empty())
    }

    /// Whether whoever minted the link and this verifier disagree: nobody else could have made it.
    pub(crate) fn is_misconfiguration(&self) -> bool {
        use RejectionKind::{LifetimeTooLong, Malformed, Unenforceable};
        self.authentic && matches!(self.kind, Malformed | Unenforceable | LifetimeTooLong)
    }
}

impl From<RejectionKind> for Rejection {
    #[cold]
    #[inline(never)]
    fn from(kind: RejectionKind) -> Self {
        Self::new(kind)
    }
}

impl From<Fault<'_>> for Rejection {
    #[cold]
    #[inline(never)]
    fn from(fault: Fault<'_>) -> Self {
        let kind = match fault.kind {
            FaultKind::Missing => RejectionKind::Missing,
            FaultKind::Malformed => RejectionKind::Malformed,
            FaultKind::Unenforceable => RejectionKind::Unenforceable,
        };
        Self { kind, authentic: false, parameter: Inline::truncated(fault.name), detail: fault.detail }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        match (self.parameter(), self.detail) {
            (_, "") => Ok(()),
            (Some(name), detail) => write!(f, ": `{}` {detail}", name.escape_debug()),
            (None, detail) => write!(f, ": {detail}"),
        }
    }
}

impl Error for Rejection {}

/// A refused request, as a callback may see it: nothing here leads to the credential.
#[derive(Clone, Copy)]
pub struct Rejected<'a> {
    pub(crate) rejection: &'a Rejection,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> Rejected<'a> {
    /// Why it was refused.
    #[must_use]
    pub fn rejection(&self) -> &'a Rejection {
        self.rejection
    }

    /// The status that the client is to be told.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.rejection.status()
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's path, as the client sent it, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The request's header fields, cleaned of credentials.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }
}

/// Without the headers: they may hold other secrets, `Cookie` and `Authorization` among them.
impl fmt::Debug for Rejected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("rejection", &self.rejection)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
