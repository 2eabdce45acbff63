use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;

use super::base::{check_base, check_plain_http, split_origin, split_port};
use super::error::{SignError, SignErrorKind};
use super::mint::Mint;
use super::scope_token::ScopeToken;
use crate::clock::{Clock, SystemClock};
use crate::format::Names;
use crate::keyring::{Keyring, Keys};
use crate::policy::{ConfigError, Policy, Rules};

/// Mints signed URLs with the ring's active key. Cheap to clone.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::Method;
/// use tower_signed_url::{Keyring, Signer, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let signer = Signer::new(&keys);
///
/// // Works for five minutes, for `GET` and `HEAD`.
/// let download = signer.url("/photos/cat.jpg?w=200").sign_for(Duration::from_secs(300))?;
///
/// // An upload; a URL of its own on every call.
/// let upload = signer.url("/inbox/cat.jpg").method(Method::PUT).unique().sign_for(Duration::from_secs(60))?;
///
/// // The same URL for up to an hour, so that caches hit; and never longer than the session.
/// let session_ends = SystemTime::now() + Duration::from_secs(8 * 3600);
/// let cacheable = signer
///     .url("/app.css")
///     .round_expiry_up_to(Duration::from_secs(3600))
///     .no_later_than(session_ends)
///     .sign_for(Duration::from_secs(3600))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    keys: Keyring,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
    base: Option<Arc<str>>,
    http_hosts: Arc<[Box<str>]>,
}

impl Signer {
    /// A signer with these keys, the default [`Policy`] and the system's clock.
    #[must_use]
    pub fn new(keys: &Keyring) -> Self {
        Self::sharing(keys.clone(), Arc::default(), Arc::new(SystemClock))
    }

    pub(crate) fn sharing(keys: Keyring, rules: Arc<Rules>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, rules, clock, base: None, http_hosts: Arc::default() }
    }

    /// The same signer under this policy, which the verifiers have to share.
    ///
    /// # Errors
    ///
    /// What is wrong with the policy, a [`ConfigErrorKind`](crate::ConfigErrorKind).
    pub fn with_policy(self, policy: Policy) -> Result<Self, ConfigError> {
        let rules = Arc::new(Rules::try_from(policy)?);
        Ok(Self { rules, ..self })
    }

    /// The same signer with another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Lets absolute URLs be plain `http://` for this one host. Every machine on the way can read such a link, and use
    /// it. Loopback needs no leave. A port says nothing here: it is the host that is allowed. For a plain
    /// [base](Self::with_base), call this first.
    #[must_use]
    pub fn allow_http_to(self, host: &str) -> Self {
        let (host, _) = split_port(host);
        let hosts = self.http_hosts.iter().cloned().chain([host.into()]);
        Self { http_hosts: hosts.collect(), ..self }
    }

    /// Puts a public base before every URL: `https://example.com`, or `https://example.com/cdn` for an application
    /// behind a proxy that takes `/cdn` off. Targets are what the application sees; the base is not signed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_signed_url::{Keyring, Signer, SigningKey};
    /// # let keys = Keyring::new(SigningKey::generate()?);
    /// let signer = Signer::new(&keys).with_base("https://example.com/cdn")?;
    /// let link = signer.url("/photos/cat.jpg").sign_for(Duration::from_secs(300))?;
    /// assert!(link.as_str().starts_with("https://example.com/cdn/photos/cat.jpg?exp="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignErrorKind::AbsoluteUrl`] or [`SignErrorKind::PlainHttp`] for its origin, and what
    /// [`url`](Self::url)'s targets are refused for in its path.
    pub fn with_base(self, base: &str) -> Result<Self, SignError> {
        let base = check_base(base, &self.http_hosts, &self.rules.names)?.into();
        Ok(Self { base: Some(base), ..self })
    }

    /// Begins a URL: for a path with or without a query, or an absolute URL (its scheme and host are not signed).
    ///
    /// With a [base](Self::with_base), an absolute URL has to be under it. Internationalised host names (`xn--…`) are not
    /// taken, since whether a browser takes them is for tables of Unicode to say: sign the path, and put the origin before
    /// it.
    pub fn url<'a>(&'a self, target: &'a str) -> Mint<'a> {
        Mint::new(self, target)
    }

    /// Begins a scope token, for everything under a path: `/videos/42/`, say, with a `/` at both ends, as the application
    /// sees it (a [base](Self::with_base) goes before it).
    pub fn scope<'a>(&'a self, path: &'a str) -> Mint<'a, ScopeToken> {
        Mint::new(self, path)
    }

    /// Puts the base, if there is one, before a request's URI that is a path alone.
    pub(crate) fn put_base(&self, uri: &mut Uri) -> Result<(), SignError> {
        if let Some(base) = &self.base
            && uri.authority().is_none()
            && uri.path().starts_with('/')
        {
            *uri = Uri::try_from(format!("{base}{uri}")).map_err(|_| SignErrorKind::TooLong)?;
        }
        Ok(())
    }

    /// What to sign of a request's URI. That is its target, which a host's spelling need not keep from being signed; with a
    /// base, it is the whole, so that nothing outside of it is.
    pub(crate) fn url_of<'u>(&self, uri: &'u Uri) -> Result<Cow<'u, str>, SignError> {
        if self.base.is_some() {
            return Ok(uri.to_string().into());
        }
        if uri.scheme().is_some_and(|scheme| scheme == "http" || scheme == "ws") {
            let host = uri.host().unwrap_or_default().to_ascii_lowercase();
            check_plain_http(&host, &self.http_hosts)?;
        }
        Ok(uri.path_and_query().map_or("", PathAndQuery::as_str).into())
    }

    /// The path of the public base, without a slash at its end.
    pub(super) fn base_path(&self) -> &str {
        let base = self.base.as_deref().unwrap_or_default();
        base.split_once("://")
            .and_then(|(_, rest)| rest.find('/').and_then(|path| rest.get(path..)))
            .unwrap_or_default()
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn names(&self) -> &Names {
        &self.rules.names
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn keys(&self) -> impl std::ops::Deref<Target = Arc<Keys>> {
        self.keys.load()
    }

    /// What goes before the target in the URL, and the target as the application sees it.
    pub(super) fn locate<'u>(&'u self, url: &'u str) -> Result<(&'u str, &'u str), SignError> {
        match (&self.base, url.starts_with('/')) {
            (None, true) => Ok(("", url)),
            (Some(base), true) => Ok((base, url)),
            (None, false) if url.contains("://") => split_origin(url, &self.http_hosts),
            (None, false) => Err(SignErrorKind::Target.into()),
            (Some(base), false) => match url.strip_prefix(&**base) {
                Some(target) if target.starts_with('/') => Ok((base, target)),
                _ => Err(SignErrorKind::OutsideBase.into()),
            },
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("keys", &self.keys)
            .field("policy", &self.rules.policy)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
