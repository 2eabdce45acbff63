use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use http::Method;

use super::error::SignError;
use super::signed_url::SignedUrl;
use super::signer::Signer;
use super::times::Times;

/// A URL, or a scope token, about to be signed: begun by [`Signer::url`] or [`Signer::scope`]. What finishes it takes the
/// expiry, so that it cannot be forgotten.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::Method;
/// use tower_signed_url::{Keyring, SigningKey, Verifier, client_ip, context};
///
/// #[derive(Clone)]
/// struct Peer(std::net::IpAddr);
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys)
///     .bind("host", context::host())
///     .client_ip(client_ip::extension(|peer: &Peer| peer.0))
///     .build()?;
/// let (signer, hour) = (verifier.signer(), Duration::from_secs(3600));
///
/// // An image of at most a mebibyte, from two places, under one host, tomorrow.
/// let upload = signer
///     .url("/inbox/cat.png")
///     .method(Method::PUT)
///     .max_bytes(1 << 20)
///     .media_type("image/png")
///     .client_ip("192.0.2.7")
///     .client_ip("2001:db8::/32")
///     .bind("host", "files.example.com")
///     .not_before(SystemTime::now() + 24 * hour)
///     .sign_for(hour)?;
///
/// // A folder, and a file that is saved under another name.
/// let folder = signer.scope("/reports/2026/").id("for-alice").sign_for(hour)?;
/// let one_of_them = signer.url("/reports/2026/11.pdf").download("November, äöü.pdf").sign_for(hour)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Mint<'a, O = SignedUrl> {
    pub(super) signer: &'a Signer,
    /// The URL, or the scope.
    pub(super) subject: &'a str,
    pub(super) methods: Vec<Method>,
    pub(super) id: Id<'a>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) rounding: Option<Duration>,
    pub(super) latest: Option<SystemTime>,
    pub(super) networks: Vec<&'a str>,
    /// Names and values.
    pub(super) bound: Vec<(&'a str, &'a str)>,
    pub(super) max_bytes: Option<u64>,
    pub(super) media_type: Option<&'a str>,
    pub(super) download: Option<&'a str>,
    output: PhantomData<fn() -> O>,
}

pub(super) enum Id<'a> {
    None,
    Given(&'a str),
    Unique,
}

/// What a [`Mint`] gives: a [`SignedUrl`] or a [`ScopeToken`](crate::ScopeToken).
pub trait Minted: sealed::Minted {}

impl<O: sealed::Minted> Minted for O {}

pub(super) mod sealed {
    use super::{Mint, SignError, Times};

    pub trait Minted: Sized {
        #[doc(hidden)]
        fn finish(mint: &Mint<'_, Self>, times: &Times) -> Result<Self, SignError>;
    }
}

impl<'a, O: Minted> Mint<'a, O> {
    pub(super) fn new(signer: &'a Signer, subject: &'a str) -> Self {
        Self {
            signer,
            subject,
            methods: Vec::new(),
            id: Id::None,
            not_before: None,
            rounding: None,
            latest: None,
            networks: Vec::new(),
            bound: Vec::new(),
            max_bytes: None,
            media_type: None,
            download: None,
            output: PhantomData,
        }
    }

    /// Lets the link be used with this method, and any other that this was called with. Without it: `GET`. `GET`
    /// includes `HEAD`; nothing else includes anything.
    pub fn method(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self
    }

    /// Gives the link a name, 1 to 64 of `A-Z a-z 0-9 _ -`, which its [`Grant`](crate::Grant) shows.
    pub fn id(self, id: &'a str) -> Self {
        Self { id: Id::Given(id), ..self }
    }

    /// Gives the link a random name, of 128 bits, so that every call makes another URL.
    pub fn unique(self) -> Self {
        Self { id: Id::Unique, ..self }
    }

    /// Lets the link work from this time on, rounded up to a second. Any time that turns into a [`SystemTime`] will do,
    /// those of `jiff` and `chrono` among them. What [`sign_for`](Self::sign_for) is given counts from then. Verifiers
    /// let it begin earlier by their [leeway](crate::Policy::leeway), 60 seconds unless said otherwise.
    pub fn not_before(self, time: impl Into<SystemTime>) -> Self {
        Self { not_before: Some(time.into()), ..self }
    }

    /// Rounds the expiry up to a multiple of this many seconds since 1970, so that the URL stays the same within each
    /// such window and caches hit. Part of a second counts as a whole one.
    ///
    /// The policy's maximum holds for lifetime and window together, so that a call succeeds always or never.
    pub fn round_expiry_up_to(self, window: Duration) -> Self {
        Self { rounding: Some(window), ..self }
    }

    /// Cuts the expiry, rounded or not, at this time: the end of a session, say. Of several calls the earliest holds.
    pub fn no_later_than(self, time: impl Into<SystemTime>) -> Self {
        let time = time.into();
        Self { latest: Some(self.latest.map_or(time, |latest| latest.min(time))), ..self }
    }

    /// Lets the link be used from this address alone, or from this network (`192.0.2.0/24`, without host bits), and from
    /// any other that this was called with. Verifiers need a [source](crate::client_ip) of addresses.
    ///
    /// People's addresses change under them: on the way from one network to the next, and from IPv4 to IPv6.
    pub fn client_ip(mut self, address_or_network: &'a str) -> Self {
        self.networks.push(address_or_network);
        self
    }

    /// Binds the link to a [context](crate::context): it works only for requests that show this value, which does not
    /// stand in the URL. Verifiers need a source for each name.
    ///
    /// A `host` is written in lower case, without `:80` or `:443`. A `password` is HTTP Basic's.
    pub fn bind(mut self, name: &'a str, value: &'a str) -> Self {
        self.bound.push((name, value));
        self
    }

    /// Limits the request's body to so many bytes: a request that declares more is answered 413, and one that does not
    /// declare its length 411. For uploads; the link needs their [method](Self::method), too.
    pub fn max_bytes(self, max: u64) -> Self {
        Self { max_bytes: Some(max), ..self }
    }

    /// Limits the request's body to this media type, `image/png` or `image/*`: any other `Content-Type` is answered 415.
    /// It is what the client says, not what the body is.
    pub fn media_type(self, media_type: &'a str) -> Self {
        Self { media_type: Some(media_type), ..self }
    }

    /// Has the response downloaded under this file name, whatever the service says (`Content-Disposition`, RFC 6266).
    pub fn download(self, file_name: &'a str) -> Self {
        Self { download: Some(file_name), ..self }
    }

    /// Signs a link that works for this long, rounded up to a second: from now, or from its
    /// [`not_before`](Self::not_before) if that is later.
    ///
    /// # Errors
    ///
    /// What keeps the link from being signed: its target or scope, its times, or a restriction that is malformed or that the
    /// policy does not allow. See [`SignErrorKind`](crate::SignErrorKind).
    pub fn sign_for(self, lifetime: Duration) -> Result<O, SignError> {
        let times = self.times_for(lifetime)?;
        O::finish(&self, &times)
    }

    /// Signs a link that works until this time, rounded down to a second.
    ///
    /// With [`round_expiry_up_to`](Self::round_expiry_up_to) it works until up to a window longer; a hard end is
    /// [`no_later_than`](Self::no_later_than)'s.
    ///
    /// # Errors
    ///
    /// What keeps the link from being signed: its target or scope, its times, or a restriction that is malformed or that the
    /// policy does not allow. See [`SignErrorKind`](crate::SignErrorKind).
    pub fn sign_until(self, time: impl Into<SystemTime>) -> Result<O, SignError> {
        let times = self.times_until(time.into())?;
        O::finish(&self, &times)
    }
}

/// Without the target, which may hold secrets of its own.
impl<O> fmt::Debug for Mint<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").finish_non_exhaustive()
    }
}
