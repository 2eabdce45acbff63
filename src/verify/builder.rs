use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::carriers::Carriers;
use super::sources::{ClientIp, Sources};
use super::verifier::{Inner, Verifier};
use crate::clock::{Clock, SystemClock};
use crate::cookie;
use crate::head::Head;
use crate::keyring::Keyring;
use crate::policy::{ConfigError, ConfigErrorKind, Policy, Rules};

/// What a [`Verifier`] is to be made of.
#[must_use]
pub struct VerifierBuilder {
    keys: Keyring,
    policy: Policy,
    /// Contexts that links have to bind besides those of the policy, which may be given after them.
    required: Vec<Box<str>>,
    clock: Arc<dyn Clock>,
    sources: Sources,
    /// A name that has two sources.
    repeated: Option<Box<str>>,
    client_ip: Option<Arc<ClientIp>>,
    carriers: Carriers,
}

impl VerifierBuilder {
    pub(super) fn new(keys: &Keyring) -> Self {
        Self {
            keys: keys.clone(),
            policy: Policy::new(),
            required: Vec::new(),
            clock: Arc::new(SystemClock),
            sources: Sources::default(),
            repeated: None,
            client_ip: None,
            carriers: Carriers::default(),
        }
    }

    /// The policy that links are held to.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Where the time comes from, the system's clock unless said otherwise.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Lets links bind the context of this name, 1 to 32 of `a-z 0-9 -`, and says where a request shows it. Ready-made
    /// sources, and an example, are in [`context`](crate::context).
    ///
    /// A request for which the source gives nothing, an empty value, or one with a line break is refused. The names `host`
    /// and `password` have a meaning of their own in the format: give them [`host`](crate::context::host) and
    /// [`basic_password`](crate::context::basic_password).
    pub fn bind<F>(mut self, name: &str, source: F) -> Self
    where
        F: for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    {
        if !self.sources.add(name, Arc::new(source)) {
            self.repeated = Some(name.into());
        }
        self
    }

    /// Refuses links that do not bind the context of this name, and has signers refuse to mint them.
    pub fn require(mut self, name: &str) -> Self {
        self.required.push(name.into());
        self
    }

    /// Lets links be limited to client addresses, and says where a request's comes from. Ready-made sources are in
    /// [`client_ip`](crate::client_ip). Where the source gives nothing, a link that is limited to addresses is refused.
    pub fn client_ip<F>(self, source: F) -> Self
    where
        F: Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Self { client_ip: Some(Arc::new(source)), ..self }
    }

    /// Reads scope tokens from the cookie of this name as well; see [`DEFAULT_COOKIE`](crate::DEFAULT_COOKIE).
    ///
    /// A browser sends a cookie whether the user meant it or not, so a token in one grants `GET` and `HEAD` alone, and no
    /// `Upgrade`.
    pub fn token_cookie(mut self, name: &str) -> Self {
        self.carriers.cookie = Box::new([name.into()]);
        self
    }

    /// Lets a token in a cookie grant whatever methods it names, and an `Upgrade`. Another site may then have a signed-in
    /// browser send such a request: protect it as you protect a session's (`SameSite` is `Lax` where this crate
    /// makes the cookie).
    pub fn allow_any_method_by_cookie(mut self) -> Self {
        self.carriers.any_method_by_cookie = true;
        self
    }

    /// Reads scope tokens from the first segment of the path as well, which relative links inherit. (axum's `nest("/site",
    /// …)` answers `/site` and not `/site/`, which is what a scope covers: write `nest("/site/", …)`.)
    ///
    /// The token has to be taken off before anything routes by the path: put a [`ConcealLayer`](crate::ConcealLayer), whose
    /// docs show it, or the [`SignedUrlLayer`](crate::SignedUrlLayer) itself around the whole router. A `ConcealLayer` takes
    /// any first segment off that looks like a token, valid or not: `/~c2lnLXNjb3BlPS…/admin` is routed as `/admin` is. A
    /// second one behind the first is refused.
    pub fn token_path(mut self) -> Self {
        self.carriers.path = true;
        self
    }

    /// Makes the verifier.
    ///
    /// # Errors
    ///
    /// What is wrong with the policy, or between the policy and the sources: a [`ConfigErrorKind`].
    pub fn build(self) -> Result<Verifier, ConfigError> {
        let error = |kind, name: &str| Err(ConfigError::new(kind, name));
        let mut policy = self.required.iter().fold(self.policy, |policy, name| policy.require_context(name));
        if let Some(name) = self.repeated {
            return error(ConfigErrorKind::DuplicateContext, &name);
        }
        if let Some(name) = policy.contexts.iter().find(|name| self.sources.find(name).is_none()) {
            return error(ConfigErrorKind::ContextWithoutSource, name);
        }
        if policy.client_ip && self.client_ip.is_none() {
            return error(ConfigErrorKind::ClientIpWithoutSource, "");
        }
        if let Some(name) = self.carriers.cookie.iter().find(|name| !cookie::is_name(name)) {
            return error(ConfigErrorKind::Cookie, name);
        }
        for name in self.sources.names() {
            policy = policy.allow_context(name);
        }
        policy.client_ip = self.client_ip.is_some();
        Ok(Verifier::of(Inner {
            keys: self.keys,
            rules: Arc::new(Rules::try_from(policy)?),
            clock: self.clock,
            sources: self.sources,
            client_ip: self.client_ip,
            carriers: self.carriers,
        }))
    }
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("keys", &self.keys)
            .field("policy", &self.policy)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}
