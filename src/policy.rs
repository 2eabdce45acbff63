use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::format::{InvalidName, Names, is_context_name};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What those who sign and those who verify have to agree on. Plain data, checked where it is put to use.
///
/// ```
/// use std::time::Duration;
/// use tower_signed_url::{Keyring, Policy, Signer, SigningKey, Verifier};
///
/// let policy = Policy::new().max_lifetime(Duration::from_secs(24 * 60 * 60)).tolerate_trackers();
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys).policy(policy.clone()).build()?;
/// let signer = Signer::new(&keys).with_policy(policy)?; // in another process, say
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Policy {
    max_lifetime: Duration,
    leeway: Duration,
    prefix: Option<Box<str>>,
    tolerated: Vec<Box<str>>,
    pub(crate) contexts: Vec<Box<str>>,
    pub(crate) required: Vec<Box<str>>,
    pub(crate) client_ip: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// Lifetimes of up to 7 days, a leeway of 60 seconds, no name prefix, no tolerated names, nothing that a link could be
    /// bound to.
    pub fn new() -> Self {
        Self {
            max_lifetime: WEEK,
            leeway: Duration::from_secs(60),
            prefix: None,
            tolerated: Vec::new(),
            contexts: Vec::new(),
            required: Vec::new(),
            client_ip: false,
        }
    }

    /// The longest that a link may live: at least a second, 7 days unless said otherwise.
    ///
    /// It is held at minting and at checking: a key that leaked cannot make a link that lives for ever.
    pub fn max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime, ..self }
    }

    /// How far two machines' clocks may disagree: 60 seconds unless said otherwise.
    ///
    /// It widens the beginning (`sig-start`) and the maximum lifetime at checking. An expiry has no leeway.
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// Puts `prefix` before every reserved name (`x-` makes them `x-exp`, `x-sig`, `x-sig-methods` …), for
    /// applications whose own parameters collide with them.
    ///
    /// 1 to 16 of `a-z 0-9 -`, ending in `-`, not beginning with `sig-`. It is part of the MAC.
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.into()), ..self }
    }

    /// Lets a parameter of exactly this name follow the signature, unsigned: it reaches the service, and anyone can
    /// set it. No link can be minted for a target that has it already. Letters, digits and `-._~!$*,/:;?@[]()`; 64 names
    /// at the most.
    pub fn tolerate(mut self, name: &str) -> Self {
        self.tolerated.push(name.into());
        self
    }

    /// [Tolerates](Self::tolerate) the parameters that mail and advertising systems append to links:
    /// `utm_source` and its kin, `fbclid`, `gclid`, `msclkid`, `mc_eid` and others.
    pub fn tolerate_trackers(self) -> Self {
        TRACKERS.iter().fold(self, |policy, name| policy.tolerate(name))
    }

    /// Lets links bind the context of this name, 1 to 32 of `a-z 0-9 -`: for a process that only signs. A verifier is told
    /// by [`VerifierBuilder::bind`](crate::VerifierBuilder::bind); one with this policy needs a source, or its `build` fails.
    pub fn allow_context(mut self, name: &str) -> Self {
        push_new(&mut self.contexts, name);
        self
    }

    /// Has links bind the context of this name: others are not minted, and a verifier with this policy refuses them. It needs
    /// a source; [`VerifierBuilder::require`](crate::VerifierBuilder::require) is the same from its side.
    pub fn require_context(mut self, name: &str) -> Self {
        push_new(&mut self.required, name);
        self.allow_context(name)
    }

    /// Lets links be limited to client addresses: for a process that only signs. A verifier is told by
    /// [`VerifierBuilder::client_ip`](crate::VerifierBuilder::client_ip); one with this policy needs a source, or its `build`
    /// fails.
    pub fn allow_client_ip(self) -> Self {
        Self { client_ip: true, ..self }
    }
}

fn push_new(names: &mut Vec<Box<str>>, name: &str) {
    if !names.iter().any(|known| **known == *name) {
        names.push(name.into());
    }
}

const TRACKERS: [&str; 31] = [
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_cid",
    "srsltid",
    "ttclid",
    "twclid",
    "utm_campaign",
    "utm_content",
    "utm_id",
    "utm_medium",
    "utm_source",
    "utm_term",
    "vero_id",
    "wbraid",
    "yclid",
];

/// A policy that was checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) names: Names,
}

impl Rules {
    pub(crate) fn max_lifetime(&self) -> Duration {
        self.policy.max_lifetime
    }

    pub(crate) fn leeway(&self) -> Duration {
        self.policy.leeway
    }
}

impl TryFrom<Policy> for Rules {
    type Error = ConfigError;

    fn try_from(policy: Policy) -> Result<Self, ConfigError> {
        if policy.max_lifetime < Duration::from_secs(1) {
            return Err(ConfigError::new(ConfigErrorKind::MaxLifetime, ""));
        }
        if let Some(name) = policy.contexts.iter().find(|name| !is_context_name(name)) {
            return Err(ConfigError::new(ConfigErrorKind::Context, name));
        }
        let names = Names::new(policy.prefix.as_deref(), &policy.tolerated);
        let names = names.map_err(|(why, name)| ConfigError::new(why.into(), name))?;
        Ok(Self { policy, names })
    }
}

/// Why a policy, or what a verifier or a layer is to be made of, cannot be put to use.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    name: Box<str>,
}

/// What is wrong with a policy, a verifier's sources or a layer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A maximum lifetime under a second.
    MaxLifetime,
    /// Not a name prefix.
    Prefix,
    /// Not a name that can be tolerated.
    Tolerated,
    /// A reserved name, which cannot be tolerated.
    Reserved,
    /// More than 64 tolerated names.
    TooManyTolerated,
    /// Not a name for a bound context.
    Context,
    /// Two sources for one bound context.
    DuplicateContext,
    /// Links may, or have to, bind a context that the verifier has no source for.
    ContextWithoutSource,
    /// Links may be limited to client addresses, and the verifier has no source for them.
    ClientIpWithoutSource,
    /// Not an address or a network, or a network with bits set outside its prefix.
    Network,
    /// Not a name for a token's cookie.
    Cookie,
    /// Tokens are to be exchanged for cookies, and the verifier reads none.
    ExchangeWithoutCookie,
    /// Not a path that a proxy takes off.
    PublicPath,
}

impl From<InvalidName> for ConfigErrorKind {
    fn from(invalid: InvalidName) -> Self {
        match invalid {
            InvalidName::Prefix => Self::Prefix,
            InvalidName::Tolerated => Self::Tolerated,
            InvalidName::Reserved => Self::Reserved,
            InvalidName::TooMany => Self::TooManyTolerated,
        }
    }
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, name: &str) -> Self {
        Self { kind, name: name.into() }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

/// With its words: what `main` returns is shown by `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({:?}: {self})", self.kind())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            ConfigErrorKind::MaxLifetime => {
                f.write_str("the maximum lifetime is under a second: make it a second at least")
            }
            ConfigErrorKind::Prefix => write!(
                f,
                "{name:?} is not a name prefix: use 1 to 16 of a-z 0-9 -, ending in `-`, not beginning with `sig-`"
            ),
            ConfigErrorKind::Tolerated => {
                write!(f, "{name:?} cannot be tolerated: use letters, digits and -._~!$*,/:;?@[]()")
            }
            ConfigErrorKind::Reserved => write!(
                f,
                "{name:?} is reserved for the signature and cannot be tolerated: leave it out, or set a name prefix"
            ),
            ConfigErrorKind::TooManyTolerated => {
                f.write_str("there are too many tolerated names: leave some out, 64 is the most")
            }
            ConfigErrorKind::Context => {
                write!(f, "{name:?} is not a name for a bound context: use 1 to 32 of a-z 0-9 -")
            }
            ConfigErrorKind::DuplicateContext => {
                write!(f, "the bound context {name:?} has two sources: register one")
            }
            ConfigErrorKind::ContextWithoutSource => {
                write!(f, "links may bind {name:?}, which the verifier has no source for: register one with `bind`")
            }
            ConfigErrorKind::ClientIpWithoutSource => f.write_str(
                "links may be limited to client addresses, which the verifier has no source for: give one with `client_ip`",
            ),
            ConfigErrorKind::Network => write!(
                f,
                "{name:?} is not a network: write an address, or the first address of a network and a prefix length \
                 other than 0, such as ::1 or 10.0.0.0/8"
            ),
            ConfigErrorKind::Cookie => write!(
                f,
                "{name:?} is not a name for a token's cookie: use letters, digits and !#$%&'*+-.^_`|~, not beginning with `__Host-`, which browsers take for the path / alone"
            ),
            ConfigErrorKind::ExchangeWithoutCookie => f.write_str(
                "tokens cannot be exchanged for cookies that the verifier does not read: name one with `token_cookie`",
            ),
            ConfigErrorKind::PublicPath => {
                write!(f, "{name:?} is not a path that a proxy takes off: write it as /cdn, without a `/` at its end")
            }
        }
    }
}

impl Error for ConfigError {}
