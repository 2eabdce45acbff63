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
    status: StatusCode,
    authentic: bool,
    /// Whether a cookie was refused, which the client may have sent without meaning to.
    ambient: bool,
    /// Whether the `Authorization` field was part of the credential.
    by_password: bool,
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
    /// The MAC does not match: tampered with, or made with another key, or bound to something else. 403
    NotAuthentic,
    /// A restriction that this verifier cannot enforce. 403
    Unenforceable,
    /// A bound context that the request does not show, or not clearly; or one that has to be bound and is not. 403
    Context,
    /// Bound to a password, and the request has none. 401
    PasswordRequired,
    /// Bound to a password, and the request has another one; or the link was tampered with. 401
    WrongPassword,
    /// Before its `sig-start`. 403
    NotYetValid,
    /// From its `exp` on. 410, and 403 for a link that binds a password
    Expired,
    /// It lives longer than the policy allows. 403
    LifetimeTooLong,
    /// Not for this method. 403
    Method,
    /// Not for this client's address. 403
    Client,
    /// A scope token, and not for this path, or for a path that can be read in two ways. 403
    Scope,
    /// The link limits the body, whose length the request does not declare. 411
    LengthRequired,
    /// The body is larger than the link allows. 413
    TooLarge,
    /// The body is of another type than the link allows. 415
    MediaType,
    /// [Live authorization](crate::Authorize) said that what the link leads to is gone. 410
    Gone,
    /// [Live authorization](crate::Authorize) said no. 403
    Forbidden,
    /// Something that the check needs did not answer. 503
    Unavailable,
}

impl RejectionKind {
    /// The status that a client is told.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::PasswordRequired | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Expired | Self::Gone => StatusCode::GONE,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Missing
            | Self::Malformed
            | Self::UnknownKey
            | Self::NotAuthentic
            | Self::Unenforceable
            | Self::Context
            | Self::NotYetValid
            | Self::LifetimeTooLong
            | Self::Method
            | Self::Client
            | Self::Scope
            | Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }

    /// Whether a refusal of this kind is given to authentic links alone.
    fn is_of_authentic_links(self) -> bool {
        match self {
            Self::NotYetValid
            | Self::Expired
            | Self::LifetimeTooLong
            | Self::Method
            | Self::Client
            | Self::Scope
            | Self::LengthRequired
            | Self::TooLarge
            | Self::MediaType
            | Self::Gone
            | Self::Forbidden
            | Self::Unavailable => true,
            Self::Missing
            | Self::Malformed
            | Self::UnknownKey
            | Self::NotAuthentic
            | Self::Unenforceable
            | Self::Context
            | Self::PasswordRequired
            | Self::WrongPassword => false,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "the request carries no signed URL",
            Self::Malformed => "malformed",
            Self::UnknownKey => "signed by a key that is not in the ring (retired, or not yet accepted here?)",
            Self::NotAuthentic => {
                "the signature does not match (tampered with, minted for another path than the client asks for, or by another key of this id?)"
            }
            Self::Unenforceable => "cannot be enforced here",
            Self::Context => "bound to something that the request does not show",
            Self::PasswordRequired => "needs a password",
            Self::WrongPassword => "the password, or the signature, does not match",
            Self::NotYetValid => "not valid yet",
            Self::Expired => "expired",
            Self::LifetimeTooLong => "lives longer than the policy's maximum lifetime",
            Self::Method => "not for this method",
            Self::Client => "not for this client's address",
            Self::Scope => "a scope token that is not for this path",
            Self::LengthRequired => "limits the body, whose length is not declared",
            Self::TooLarge => "the body is larger than the link allows",
            Self::MediaType => "the body is of another type than the link allows",
            Self::Gone => "what it leads to is gone",
            Self::Forbidden => "not authorized any more",
            Self::Unavailable => "a check could not be made",
        }
    }
}

impl Rejection {
    /// A rejection of this kind: for a [`Verify`](crate::Verify) of your own.
    #[must_use]
    pub fn new(kind: RejectionKind) -> Self {
        Self {
            kind,
            status: kind.status(),
            authentic: kind.is_of_authentic_links(),
            ambient: false,
            by_password: false,
            parameter: Inline::truncated(""),
            detail: "",
        }
    }

    /// The same rejection with words of your own about the reason, for logs. Put no part of a credential into them.
    #[must_use]
    pub fn because(self, detail: &'static str) -> Self {
        Self { detail, ..self }
    }

    /// An authentic link that asks for what nobody does here.
    #[cold]
    pub(crate) fn not_taken_on(what: &'static str) -> Self {
        Self { authentic: true, ..Self::new(RejectionKind::Unenforceable).because(what) }
    }

    /// An authentic link that does not bind what it has to.
    #[cold]
    pub(crate) fn context_missing() -> Self {
        let rejection =
            Self::new(RejectionKind::Context).because("the link does not bind a context that is required here");
        Self { authentic: true, ..rejection }
    }

    /// A request that does not show the context of this name, which the link binds.
    #[cold]
    pub(crate) fn context_not_shown(name: &str) -> Self {
        let rejection = Self::new(RejectionKind::Context)
            .because("is not there, or not clearly (does what tells it, a login, say, run outside of this layer?)");
        Self { parameter: Inline::truncated(name), ..rejection }
    }

    /// A proxy that does not tell of a request by this field.
    #[cold]
    pub(crate) fn not_told(field: &'static str) -> Self {
        let rejection = Self::malformed("does not stand there once, as the proxy has to tell of a request by it");
        Self { parameter: Inline::truncated(field), ..rejection }
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

    /// As that of a link which binds a password. One that has expired is answered 403: a dead link must not tell whether a
    /// password is right.
    #[cold]
    pub(crate) fn of_password(self) -> Self {
        let status = if self.kind == RejectionKind::Expired { StatusCode::FORBIDDEN } else { self.status };
        Self { status, by_password: true, ..self }
    }

    pub(crate) fn of_password_if(self, by_password: bool) -> Self {
        if by_password { self.of_password() } else { self }
    }

    /// As nobody's word: no signature was looked at.
    pub(crate) fn unsigned(self) -> Self {
        Self { authentic: false, ..self }
    }

    /// As a cookie's.
    #[cold]
    pub(crate) fn of_cookie(self) -> Self {
        Self { ambient: true, ..self }
    }

    /// What kind of refusal this is.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status that the client is told: its [kind](RejectionKind::status)'s, but for a link that binds a password and
    /// has expired, where it is 403.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the signature had matched when the request was refused.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.authentic
    }

    /// The name of the query parameter, or of the bound context, at fault, where there is one; cut after 32 bytes.
    ///
    /// Whoever sent the request chose it.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        Some(self.parameter.as_str()).filter(|name| !name.is_empty())
    }

    pub(crate) fn is_by_password(&self) -> bool {
        self.by_password
    }

    /// Whether, where no credential is needed, the request may count as one without.
    pub(crate) fn counts_as_absent(&self) -> bool {
        self.ambient || self.kind == RejectionKind::Missing
    }

    /// Whether whoever minted the link and this verifier disagree: nobody else could have made it.
    pub(crate) fn is_misconfiguration(&self) -> bool {
        use RejectionKind::{Context, LifetimeTooLong, Malformed, Unenforceable};
        self.authentic && matches!(self.kind, Malformed | Unenforceable | LifetimeTooLong | Context)
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
        Self { parameter: Inline::truncated(fault.name), detail: fault.detail, ..Self::new(kind) }
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

    /// The path that the client asked for, without the query and without a scope token.
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
