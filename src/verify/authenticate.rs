use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::context::PASSWORD;
use crate::format::{Credential, Fault, Name, Names, read_time};
use crate::head::Head;
use crate::key::SigningKey;
use crate::keyring::Keys;
use crate::rejection::{Rejection, RejectionKind};

/// Where a bound context's value comes from.
pub(super) type Source = dyn for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync;

/// The sources of bound contexts, by name.
#[derive(Clone, Default)]
pub(super) struct Sources(Vec<(Box<str>, Arc<Source>)>);

impl Sources {
    /// Whether there was none of this name.
    pub(super) fn add(&mut self, name: &str, source: Arc<Source>) -> bool {
        let is_new = self.find(name).is_none();
        self.0.push((name.into(), source));
        is_new
    }

    pub(super) fn find(&self, name: &str) -> Option<&Source> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, source)| &**source)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// What the MAC of a link covers that binds these contexts: a line for each.
    fn lines(&self, bind: &str, head: Head<'_>) -> Result<Zeroizing<String>, Unbound> {
        let mut lines = Zeroizing::new(String::new());
        let mut password_missing = false;
        for name in bind.split(',') {
            let source = self.find(name).ok_or(Unbound::NoSource)?;
            match source(head).filter(|value| !value.is_empty() && !value.contains('\n')) {
                Some(value) => ["\n", name, ":", &value].into_iter().for_each(|piece| lines.push_str(piece)),
                None if name == PASSWORD => password_missing = true,
                None => return Err(Unbound::NotShown),
            }
        }
        if password_missing { Err(Unbound::NoPassword) } else { Ok(lines) }
    }
}

/// Why what a link binds has no value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unbound {
    NoSource,
    NotShown,
    /// All the others are there.
    NoPassword,
}

impl From<Unbound> for Rejection {
    #[cold]
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::NoSource => Fault::unenforceable(Name::Bind.as_str()).into(),
            Unbound::NotShown => RejectionKind::Context.into(),
            Unbound::NoPassword => RejectionKind::PasswordRequired.into(),
        }
    }
}

/// The key that made a credential which binds nothing.
#[inline]
pub(super) fn authenticate<'k>(
    credential: &Credential<'_>,
    names: &Names,
    keys: &'k Keys,
) -> Result<&'k Arc<SigningKey>, Rejection> {
    check_mac(credential, names, keys, "").map_err(Rejection::from)
}

/// The key that made a credential which binds contexts.
///
/// Where a password is among them, whatever fails is answered as a wrong password, so that it is asked for again; but not
/// once the link has expired, for a dead link must not tell whether a password is right.
#[inline(never)]
pub(super) fn authenticate_bound<'k>(
    (credential, bind): (&Credential<'_>, &str),
    names: &Names,
    keys: &'k Keys,
    (sources, head): (&Sources, Head<'_>),
    clock: &dyn Clock,
) -> Result<&'k Arc<SigningKey>, Rejection> {
    let lines = sources.lines(bind, head);
    if !binds_password(bind) {
        // The key comes before the bound values.
        keys.find(credential.signature().key_id).ok_or(RejectionKind::UnknownKey)?;
        return Ok(check_mac(credential, names, keys, &lines?)?);
    }
    let refusal: Rejection = match lines {
        Ok(lines) => match check_mac(credential, names, keys, &lines) {
            Ok(key) => return Ok(key),
            Err(RejectionKind::UnknownKey) => {
                Rejection::new(RejectionKind::WrongPassword).because("its key is not in the ring")
            }
            Err(_) => RejectionKind::WrongPassword.into(),
        },
        Err(Unbound::NoPassword) => RejectionKind::PasswordRequired.into(),
        Err(unbound) => return Err(Rejection::from(unbound).of_password()),
    };
    if is_dead(credential, clock.now()) {
        return Err(
            Rejection::new(RejectionKind::NotAuthentic).because("and the link, which binds a password, has expired")
        );
    }
    Err(refusal.of_password())
}

pub(super) fn binds_password(bind: &str) -> bool {
    bind.split(',').any(|name| name == PASSWORD)
}

#[inline]
fn check_mac<'k>(
    credential: &Credential<'_>,
    names: &Names,
    keys: &'k Keys,
    bound: &str,
) -> Result<&'k Arc<SigningKey>, RejectionKind> {
    let signature = credential.signature();
    let key = keys.find(signature.key_id).ok_or(RejectionKind::UnknownKey)?;
    let mac = signature.mac().ok_or(RejectionKind::NotAuthentic)?;
    if key.matches(names.mac_prefix(), credential.covered(), bound, &mac) {
        Ok(key)
    } else {
        Err(RejectionKind::NotAuthentic)
    }
}

/// Whether a credential that is not believed says that it has expired, or does not say when it will.
fn is_dead(credential: &Credential<'_>, now: SystemTime) -> bool {
    let (_, exp) = credential.exp();
    read_time(exp).is_none_or(|exp| now >= exp)
}
