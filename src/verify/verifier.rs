use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Cut, Obligations, Verified, Verify};
use crate::clock::{Clock, SystemClock};
use crate::format::{self, Fault, Terms};
use crate::grant::Grant;
use crate::head::Head;
use crate::keyring::Keyring;
use crate::policy::{ConfigError, Policy, Rules};
use crate::rejection::{Rejection, RejectionKind};
use crate::sign::Signer;

/// Checks URLs of this crate's format. A handle: clones share what it is made of.
///
/// Most applications need the [layer](crate::SignedUrlLayer) alone. By itself it checks a request like this:
///
/// ```
/// use std::time::Duration;
/// use tower_signed_url::{Head, Keyring, Obligations, SigningKey, Verifier, Verify};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::new(&keys);
/// let link = verifier.signer().url("/photos/cat.jpg").sign_for(Duration::from_secs(300))?;
///
/// let request = http::Request::get(link.as_str()).body(())?;
/// let grant = verifier.verify(Head::of(&request))?.discharge(Obligations::NONE)?;
/// assert_eq!(grant.expires_at(), link.expires_at());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keyring,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// A verifier with these keys, the default [`Policy`] and the system's clock.
    #[must_use]
    pub fn new(keys: &Keyring) -> Self {
        Self::assemble(keys.clone(), Rules::default(), Arc::new(SystemClock))
    }

    /// A verifier with these keys, and more to choose.
    pub fn builder(keys: &Keyring) -> VerifierBuilder {
        VerifierBuilder { keys: keys.clone(), policy: Policy::new(), clock: Arc::new(SystemClock) }
    }

    /// The policy that links are held to. A process that only signs is given the same one, by [`Signer::with_policy`].
    pub fn policy(&self) -> &Policy {
        &self.inner.rules.policy
    }

    /// A signer with the same keys, policy and clock: what it mints passes here.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let Inner { keys, rules, clock } = &*self.inner;
        Signer::sharing(keys.clone(), Arc::clone(rules), Arc::clone(clock))
    }

    fn assemble(keys: Keyring, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        Self { inner: Arc::new(Inner { keys, rules: Arc::new(rules), clock }) }
    }
}

impl Verify for Verifier {
    /// In the order of the format: structure, key, MAC, and only then what the link says.
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let Inner { keys, rules, clock } = &*self.inner;
        let Some(target) = head.target() else {
            return Err(Rejection::malformed("the URI was rewritten on its way, or has no path"));
        };

        let exact = format::split(target.as_str(), target.query(), &rules.names)?;
        let keys = keys.load();
        let signature = exact.signature();
        let key = keys.find(signature.key_id).ok_or(RejectionKind::UnknownKey)?;
        if let Some(bind) = exact.bind() {
            return Err(Fault::unenforceable(bind).into());
        }
        let Some(mac) = signature.mac() else {
            return Err(RejectionKind::NotAuthentic.into());
        };
        if !key.matches(rules.names.mac_prefix(), exact.covered(), &mac) {
            return Err(RejectionKind::NotAuthentic.into());
        }

        let terms = Terms::read(&exact, &rules.names).map_err(Rejection::authentic)?;
        check_time(&terms, clock.now(), rules)?;
        if !terms.allow_method(head.method().as_str()) {
            return Err(RejectionKind::Method.into());
        }

        let grant = Grant::new(terms.expires_at, key.id().cloned(), terms.id);
        // A wrapper's own target is not what the layer has to strip.
        let cut = (!head.is_replaced()).then(|| Cut { place: exact.cut(), target: target.as_str().len() });
        Ok(Verified { grant, cut, by_url_alone: true, obligations: Obligations::NONE })
    }

    fn strip(&self, target: &str) -> Option<String> {
        format::strip(target, &self.inner.rules.names)
    }

    fn hide(&self, url: &str) -> Option<String> {
        format::hide(url, &self.inner.rules.names)
    }

    fn now(&self) -> SystemTime {
        self.inner.clock.now()
    }
}

#[inline]
fn check_time(terms: &Terms<'_>, now: SystemTime, rules: &Rules) -> Result<(), Rejection> {
    let (max, leeway) = (rules.max_lifetime(), rules.leeway());
    // Whatever is too far off for a `SystemTime` is later than any time that a link can name.
    let is_after = |time: SystemTime, from: SystemTime, span| from.checked_add(span).is_some_and(|end| time > end);
    if terms.not_before.is_some_and(|start| is_after(start, now, leeway)) {
        return Err(RejectionKind::NotYetValid.into());
    }
    if now >= terms.expires_at {
        return Err(RejectionKind::Expired.into());
    }
    if is_after(terms.expires_at, now, max.saturating_add(leeway))
        || terms.not_before.is_some_and(|start| is_after(terms.expires_at, start, max))
    {
        return Err(RejectionKind::LifetimeTooLong.into());
    }
    Ok(())
}

impl From<&Keyring> for Verifier {
    fn from(keys: &Keyring) -> Self {
        Self::new(keys)
    }
}

impl From<&Verifier> for Verifier {
    fn from(verifier: &Verifier) -> Self {
        verifier.clone()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.inner.keys)
            .field("policy", &self.inner.rules.policy)
            .finish_non_exhaustive()
    }
}

/// What a [`Verifier`] is to be made of.
#[must_use]
pub struct VerifierBuilder {
    keys: Keyring,
    policy: Policy,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    /// The policy that links are held to.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Where the time comes from, the system's clock unless said otherwise.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Makes the verifier.
    ///
    /// # Errors
    ///
    /// What is wrong with the policy, a [`ConfigErrorKind`](crate::ConfigErrorKind).
    pub fn build(self) -> Result<Verifier, ConfigError> {
        Ok(Verifier::assemble(self.keys, Rules::try_from(self.policy)?, self.clock))
    }
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("keys", &self.keys)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
