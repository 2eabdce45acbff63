use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::format::{InvalidName, Names};

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
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// Lifetimes of up to 7 days, a leeway of 60 seconds, no name prefix, no tolerated names.
    pub fn new() -> Self {
        Self { max_lifetime: WEEK, leeway: Duration::from_secs(60), prefix: None, tolerated: Vec::new() }
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
            return Err(ConfigError { kind: ConfigErrorKind::MaxLifetime, name: Box::default() });
        }
        let names = Names::new(policy.prefix.as_deref(), &policy.tolerated);
        let names = names.map_err(|(why, name)| ConfigError { kind: ConfigErrorKind::from(why), name: name.into() })?;
        Ok(Self { policy, names })
    }
}

/// Why a policy cannot be put to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    name: Box<str>,
}

/// What is wrong with a policy.
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
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
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
        }
    }
}

impl Error for ConfigError {}
