use std::error::Error;
use std::fmt;

use crate::format::Unstable;

/// Why a URL was not signed. Its [`Display`](fmt::Display) says what to change.
#[derive(Clone, PartialEq, Eq)]
pub struct SignError {
    kind: SignErrorKind,
    /// What is at fault, where the kind alone does not tell: a name, a character, a host, a list, or the reason.
    what: Box<str>,
}

/// What stands against a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignErrorKind {
    /// The target does not begin with exactly one `/`.
    Target,
    /// The target holds a reserved name, or a path segment that begins like a scope token.
    ReservedName,
    /// The target holds a name that this policy tolerates after the signature.
    ToleratedName,
    /// The target holds a `#`.
    Fragment,
    /// The target holds a character that a browser would re-encode, or that no URL holds.
    Character,
    /// The target holds a `.` or `..` segment, perhaps percent-encoded.
    DotSegment,
    /// The signed URL would be longer than 65,534 bytes, or the cookie longer than browsers keep.
    TooLong,
    /// Not an absolute `http` or `https` URL as a browser writes it.
    AbsoluteUrl,
    /// A plain `http://` URL to a host that is not this machine and was not allowed.
    PlainHttp,
    /// An absolute URL that is not under the signer's base.
    OutsideBase,
    /// The lifetime, with the rounding, is over the policy's maximum.
    LifetimeTooLong,
    /// The expiry is not in the future.
    NotInFuture,
    /// The link would begin when it has expired already.
    BeginsTooLate,
    /// A time before 1970 or after the year 5138, which the format cannot write.
    TimeOutOfRange,
    /// A rounding of no length.
    Rounding,
    /// A method of other characters than `A-Z` and `-`.
    Method,
    /// An id that is not 1 to 64 of `A-Z a-z 0-9 _ -`.
    Id,
    /// Not a list of addresses and of networks without host bits, each once.
    ClientIp,
    /// A bound context's value that is empty, holds a line break, or is not a host as it is bound; or a context bound twice.
    Context,
    /// A request that does not show what a [`SignRequestLayer`](crate::SignRequestLayer) is to bind it to.
    ContextNotShown,
    /// A context that the policy requires links to bind.
    ContextRequired,
    /// Something that the policy does not let links be limited to, for nobody would enforce it.
    Unenforceable,
    /// Neither a media type without parameters nor `type/*`.
    MediaType,
    /// Not a file name.
    Download,
    /// A scope that does not begin and end with a `/`, or can be read in two ways.
    Scope,
    /// A URL that is not under the token's scope.
    OutsideScope,
    /// A path that can be read in two ways, to which a scope token does not apply.
    AmbiguousPath,
    /// Not a name for a cookie.
    Cookie,
    /// The operating system gave no random bytes.
    Random,
}

impl SignError {
    pub(crate) fn about(kind: SignErrorKind, what: &str) -> Self {
        Self { kind, what: what.into() }
    }

    /// What stands against it.
    #[must_use]
    pub fn kind(&self) -> SignErrorKind {
        self.kind
    }
}

impl From<SignErrorKind> for SignError {
    fn from(kind: SignErrorKind) -> Self {
        Self::about(kind, "")
    }
}

impl From<Unstable<'_>> for SignError {
    fn from(unstable: Unstable<'_>) -> Self {
        match unstable {
            Unstable::NotOneSlash => SignErrorKind::Target.into(),
            Unstable::Fragment => SignErrorKind::Fragment.into(),
            Unstable::DotSegment => SignErrorKind::DotSegment.into(),
            // The segment itself may be a token that works.
            Unstable::Token => Self::about(SignErrorKind::ReservedName, "~…"),
            Unstable::Character(c) => Self::about(SignErrorKind::Character, c.encode_utf8(&mut [0; 4])),
            Unstable::Reserved(name) => Self::about(SignErrorKind::ReservedName, name),
            Unstable::Tolerated(name) => Self::about(SignErrorKind::ToleratedName, name),
        }
    }
}

/// With its words: what `main` returns is shown by `Debug`.
impl fmt::Debug for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignError({:?}: {self})", self.kind())
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match self.kind {
            SignErrorKind::Target => {
                f.write_str(
                    "the target does not begin with exactly one `/`: give a path, or an absolute URL with a `/` after its host",
                )
            }
            SignErrorKind::ReservedName => write!(
                f,
                "{what:?} in the target is reserved for the signature: rename it, or set a name prefix in the policy"
            ),
            SignErrorKind::ToleratedName => write!(
                f,
                "{what:?} in the target is tolerated after the signature, so it cannot be signed: leave it out"
            ),
            SignErrorKind::Fragment => f.write_str(
                "the target holds a `#`, which never reaches a server: append the fragment to the signed URL, or write %23",
            ),
            SignErrorKind::Character => write!(f, "{what:?} in the target would be re-encoded on its way: percent-encode it"),
            SignErrorKind::DotSegment => {
                f.write_str("the target holds a `.` or `..` segment, which a browser removes: resolve it first")
            }
            SignErrorKind::TooLong => f.write_str("the signed URL would be longer than 65534 bytes, or the cookie longer than browsers keep: shorten the target, or the scope"),
            SignErrorKind::AbsoluteUrl => write!(
                f,
                "the absolute URL, or the base, is not as a browser writes it: {what}"
            ),
            SignErrorKind::PlainHttp => write!(
                f,
                "plain http to {what:?} shows the link to the whole network: use https, or allow this host with `allow_http_to`"
            ),
            SignErrorKind::OutsideBase => {
                f.write_str("the URL is not under the signer's base: give a path, or use a signer without that base")
            }
            SignErrorKind::LifetimeTooLong => f.write_str(
                "the lifetime, with the rounding, is over the policy's maximum: shorten it, or raise `max_lifetime` for signers and verifiers alike",
            ),
            SignErrorKind::NotInFuture => f.write_str("the expiry is not in the future: give a later one"),
            SignErrorKind::BeginsTooLate => f.write_str("`not_before` is not before the expiry: begin earlier or end later"),
            SignErrorKind::TimeOutOfRange => f.write_str("a time is before 1970 or after the year 5138: is the clock, or the unit, right?"),
            SignErrorKind::Rounding => f.write_str("the expiry cannot be rounded to a multiple of nothing: give a second at least"),
            SignErrorKind::Method => write!(f, "{what:?} is not a method of A-Z and -: methods are case-sensitive, write GET or PUT"),
            SignErrorKind::Id => f.write_str("the id is not usable: use 1 to 64 of A-Z a-z 0-9 _ -"),
            SignErrorKind::ClientIp => write!(
                f,
                "{what:?} is not a list of addresses and networks, each once: write 192.0.2.7, or 192.0.2.0/24 without host bits"
            ),
            SignErrorKind::Context => write!(
                f,
                "the link cannot bind this value of {what:?}: give one that is not empty and holds no line break, each name once, and a host in lower case without :80 or :443"
            ),
            SignErrorKind::ContextNotShown => write!(
                f,
                "the request does not show {what:?}, or not clearly: a host stands in an absolute URL, in a signer's base, or in a tonic client's origin (`with_origin`)"
            ),
            SignErrorKind::ContextRequired => {
                write!(f, "the policy requires links to bind {what:?}: add `bind({what:?}, …)`")
            }
            SignErrorKind::Unenforceable => write!(
                f,
                "nobody would enforce {what:?}: mint with the signer of a verifier that has a source for it, or with a policy that allows it (`allow_context`, `allow_client_ip`)"
            ),
            SignErrorKind::MediaType => {
                write!(f, "{what:?} is not a media type: write image/png or image/*, without parameters")
            }
            SignErrorKind::Download => f.write_str(
                "the file name is not usable: it must not be empty, nor hold `/`, `\\`, a control character or one that turns the direction of text",
            ),
            SignErrorKind::Scope => {
                write!(f, "the scope is not usable ({what}): write a path like /videos/42/, with a `/` at both ends, under a base without `;`, `,` and `'`")
            }
            SignErrorKind::OutsideScope => {
                f.write_str("the URL is not under the token's scope: give one that begins with it")
            }
            SignErrorKind::AmbiguousPath => {
                write!(f, "a scope token does not apply to this path ({what}): rename the file, or sign the URL by itself")
            }
            SignErrorKind::Cookie => write!(
                f,
                "{what:?} is not a name for a token's cookie: use letters, digits and !#$%&'*+-.^_`|~, not beginning with `__Host-`, which browsers take for the path / alone"
            ),
            SignErrorKind::Random => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl Error for SignError {}
