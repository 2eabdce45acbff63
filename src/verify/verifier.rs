use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::UPGRADE;
use http::uri::PathAndQuery;

use super::authenticate::{authenticate, binds_password};
use super::builder::VerifierBuilder;
use super::carriers::Carriers;
use super::sources::{ClientIp, Sources};
use super::{Carrier, Cut, Handling, Obligations, Verified, Verify, body};
use crate::clock::{Clock, SystemClock};
use crate::context::HOST_CONTEXT;
use crate::format::{self, Credential, Fault, FaultKind, Name, Terms};
use crate::grant::{Grant, Id};
use crate::head::Head;
use crate::key::SigningKey;
use crate::keyring::Keyring;
use crate::policy::{Policy, Rules};
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

pub(super) struct Inner {
    pub(super) keys: Keyring,
    pub(super) rules: Arc<Rules>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sources: Sources,
    pub(super) client_ip: Option<Arc<ClientIp>>,
    pub(super) carriers: Carriers,
}

impl Verifier {
    /// A verifier with these keys, the default [`Policy`] and the system's clock.
    #[must_use]
    pub fn new(keys: &Keyring) -> Self {
        Self::of(Inner {
            keys: keys.clone(),
            rules: Arc::default(),
            clock: Arc::new(SystemClock),
            sources: Sources::default(),
            client_ip: None,
            carriers: Carriers::default(),
        })
    }

    /// A verifier with these keys, and more to choose.
    pub fn builder(keys: &Keyring) -> VerifierBuilder {
        VerifierBuilder::new(keys)
    }

    /// The policy that links are held to. A process that only signs is given the same one, by [`Signer::with_policy`].
    pub fn policy(&self) -> &Policy {
        &self.inner.rules.policy
    }

    /// A signer with the same keys, policy and clock: what it mints passes here.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let Inner { keys, rules, clock, .. } = &*self.inner;
        Signer::sharing(keys.clone(), Arc::clone(rules), Arc::clone(clock))
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl Verify for Verifier {
    /// In the order of the format: structure, key, bound values, MAC, and only then what the link says.
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let Some(target) = head.target() else {
            return Err(Rejection::malformed("the URI was rewritten on its way, or has no path"));
        };
        let names = &self.inner.rules.names;
        if let Some(segment) = names.token_segment(target.as_str()) {
            return self.inner.verify_in_path(segment, target, head);
        }
        if let Some(credential) = &format::split_bare(target.as_str(), target.query(), names) {
            return self.inner.check(credential, Place::Query, head);
        }
        // By reference: what is taken out of a result is copied.
        match &format::split(target.as_str(), target.query(), names) {
            Ok(credential) => self.inner.check_any(credential, Place::Query, head),
            Err(fault) if fault.kind == FaultKind::Missing => self.inner.verify_in_cookie(target.path(), head),
            Err(fault) => Err((*fault).into()),
        }
    }

    fn strip(&self, target: &str) -> Option<String> {
        format::strip(target, &self.inner.rules.names, self.inner.carriers.path)
    }

    fn hide(&self, url: &str) -> Option<String> {
        format::hide(url, &self.inner.rules.names)
    }

    fn cookies(&self) -> &[Box<str>] {
        &self.inner.carriers.cookie
    }

    fn now(&self) -> SystemTime {
        self.inner.clock.now()
    }
}

/// Where the verifier found a credential. (A layer is told by a [`Carrier`].)
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    /// In the first segment of the path, which ends here.
    Path(usize),
    Cookie,
}

impl Place {
    /// The path of the request's target, without a token.
    pub(super) fn path_of<'r>(self, head: Head<'r>) -> &'r str {
        let path = head.target().map_or("", PathAndQuery::path);
        match self {
            Self::Path(end) => path.get(end..).unwrap_or_default(),
            Self::Query | Self::Cookie => path,
        }
    }
}

// For a bare link, `verify` has all of this inlined, down to `check_terms`: most links are bare, and where the compiler sees that
// one restricts nothing, most of the checks go away. All others are checked out of line.
impl Inner {
    /// Checks a credential that is structurally sound: from its key to what it says of the request's body.
    #[inline(always)]
    fn check(&self, credential: &Credential<'_>, place: Place, head: Head<'_>) -> Result<Verified, Rejection> {
        let keys = self.keys.load();
        let key = match credential.bind() {
            None => authenticate(credential, &self.rules.names, &keys)?,
            Some(bind) => self.authenticate_bound(credential, bind, &keys, head)?,
        };
        if credential.is_plain() {
            let terms = Terms::read_expiry(credential).map_err(Rejection::authentic)?;
            self.check_terms(&terms, credential, place, key, head)
        } else {
            self.check_restricted(credential, place, key, head)
        }
    }

    /// The same for any credential but a bare link's, out of line.
    #[inline(never)]
    pub(super) fn check_any(
        &self,
        credential: &Credential<'_>,
        place: Place,
        head: Head<'_>,
    ) -> Result<Verified, Rejection> {
        self.check(credential, place, head)
    }

    /// Checks what an authentic credential says that is not plain.
    #[inline(never)]
    fn check_restricted(
        &self,
        credential: &Credential<'_>,
        place: Place,
        key: &SigningKey,
        head: Head<'_>,
    ) -> Result<Verified, Rejection> {
        let by_password = credential.bind().is_some_and(binds_password);
        let checked = match Terms::read(credential, &self.rules.names) {
            Ok(terms) => self.check_terms(&terms, credential, place, key, head),
            Err(fault) => Err(Rejection::authentic(fault)),
        };
        if !by_password {
            return checked;
        }
        let mut verified = checked.map_err(Rejection::of_password)?;
        verified.handling.by_password = true;
        Ok(verified)
    }

    /// Checks the request against what its credential says, and gives what is granted.
    #[inline(always)]
    fn check_terms(
        &self,
        terms: &Terms<'_>,
        credential: &Credential<'_>,
        place: Place,
        key: &SigningKey,
        head: Head<'_>,
    ) -> Result<Verified, Rejection> {
        self.check_enforceable(terms, credential)?;
        check_time(terms, self.clock.now(), &self.rules)?;
        self.check_method(terms, place, head)?;
        self.check_client(terms, head)?;
        if let Some(scope) = credential.scope() {
            format::check_under(scope, place.path_of(head))
                .map_err(|ambiguous| Rejection::new(RejectionKind::Scope).because(ambiguous.0))?;
        }
        let unless_empty = body::check(terms, head)?;

        let download = terms.download.and_then(format::file_name).map(String::from_iter);
        let mut obligations = Obligations::NONE;
        if unless_empty.is_some() {
            obligations = obligations.and(Obligations::NO_BODY);
        }
        if download.is_some() {
            obligations = obligations.and(Obligations::DOWNLOAD);
        }
        let cut = |place| Some(Cut { place, target: head.target().map_or(0, |target| target.as_str().len()) });
        let (carrier, cut) = match place {
            // A wrapper's own target is not what the layer has to strip.
            _ if head.is_replaced() => (Carrier::Url, None),
            Place::Query => (credential.token().map_or(Carrier::Url, Carrier::Query), cut(credential.cut())),
            Place::Path(end) => (Carrier::Path(1..end), cut(0..end)),
            Place::Cookie => (Carrier::Cookie, None),
        };
        Ok(Verified {
            grant: Grant {
                expires_at: terms.expires_at,
                key_id: key.id().cloned(),
                id: terms.id.map(Id::new),
                scope: credential.scope().map(Arc::from),
                download: download.map(Arc::from),
            },
            handling: Handling {
                cut,
                carrier,
                by_url_alone: place != Place::Cookie && credential.bind().is_none() && terms.networks.is_none(),
                revalidate: credential.bind().is_some_and(|bind| bind != HOST_CONTEXT),
                by_password: false,
                obligations,
                unless_empty,
            },
        })
    }

    /// Checks what the format allows and this verifier may not be set up for.
    #[inline(always)]
    fn check_enforceable(&self, terms: &Terms<'_>, credential: &Credential<'_>) -> Result<(), Rejection> {
        if terms.networks.is_some() && self.client_ip.is_none() {
            return Err(Rejection::authentic(Fault::unenforceable(
                Name::Ip.as_str(),
                "needs a source of client addresses: give the verifier one with `client_ip`",
            )));
        }
        let binds = |required: &str| credential.bind().is_some_and(|bind| bind.split(',').any(|name| name == required));
        if !self.rules.policy.required.iter().all(|required| binds(required)) {
            return Err(Rejection::context_missing());
        }
        Ok(())
    }

    #[inline(always)]
    fn check_method(&self, terms: &Terms<'_>, place: Place, head: Head<'_>) -> Result<(), Rejection> {
        let method = head.method().as_str();
        if !terms.allow_method(method) {
            return Err(RejectionKind::Method.into());
        }
        if place != Place::Cookie || self.carriers.any_method_by_cookie {
            return Ok(());
        }
        if matches!(method, "GET" | "HEAD") && !head.headers().contains_key(UPGRADE) {
            return Ok(());
        }
        Err(Rejection::new(RejectionKind::Method).because("a cookie grants GET and HEAD alone, and no upgrade"))
    }

    #[inline(always)]
    fn check_client(&self, terms: &Terms<'_>, head: Head<'_>) -> Result<(), Rejection> {
        let Some(networks) = terms.networks else {
            return Ok(());
        };
        match self.client_ip.as_ref().and_then(|source| source(head)) {
            Some(address) if networks.contain(address) => Ok(()),
            Some(_) => Err(RejectionKind::Client.into()),
            None => Err(Rejection::new(RejectionKind::Client).because(
                "the source gave none (`into_make_service_with_connect_info`? too few `X-Forwarded-For` entries?)",
            )),
        }
    }
}

#[inline(always)]
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
