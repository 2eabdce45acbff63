use std::sync::Arc;
use std::time::SystemTime;

use super::sources::NotShown;
use super::verifier::Inner;
use crate::context::PASSWORD_CONTEXT;
use crate::format::{Credential, Names, read_time};
use crate::head::Head;
use crate::key::SigningKey;
use crate::keyring::Keys;
use crate::rejection::{Rejection, RejectionKind};

/// The key that made a credential which binds nothing.
#[inline(always)] // for bare links: see `Inner`
pub(super) fn authenticate<'k>(
    credential: &Credential<'_>,
    names: &Names,
    keys: &'k Keys,
) -> Result<&'k Arc<SigningKey>, Rejection> {
    check_mac(credential, names, keys, "").map_err(Rejection::from)
}

impl Inner {
    /// The key that made a credential which binds contexts.
    ///
    /// Where a password is among them, whatever fails is answered as a wrong password, so that it is asked for again; but not
    /// once the link has expired, for a dead link must not tell whether a password is right.
    #[inline(never)]
    pub(super) fn authenticate_bound<'k>(
        &self,
        credential: &Credential<'_>,
        bind: &str,
        keys: &'k Keys,
        head: Head<'_>,
    ) -> Result<&'k Arc<SigningKey>, Rejection> {
        let names = &self.rules.names;
        if !binds_password(bind) {
            // The key comes before the bound values.
            keys.find_for(credential.signature()).ok_or(RejectionKind::UnknownKey)?;
            return Ok(check_mac(credential, names, keys, &self.sources.lines(bind, head)?)?);
        }
        let refusal: Rejection = match self.sources.lines(bind, head) {
            Ok(lines) => match check_mac(credential, names, keys, &lines) {
                Ok(key) => return Ok(key),
                Err(RejectionKind::UnknownKey) => {
                    Rejection::new(RejectionKind::WrongPassword).because("its key is not in the ring")
                }
                Err(_) => RejectionKind::WrongPassword.into(),
            },
            Err(NotShown::NoPassword) => RejectionKind::PasswordRequired.into(),
            Err(not_shown) => return Err(Rejection::from(not_shown).of_password()),
        };
        if is_dead(credential, self.clock.now()) {
            return Err(Rejection::new(RejectionKind::NotAuthentic)
                .because("it binds a password and has expired, so whether the password is right is not told")
                .of_password());
        }
        Err(refusal.of_password())
    }
}

pub(super) fn binds_password(bind: &str) -> bool {
    bind.split(',').any(|name| name == PASSWORD_CONTEXT)
}

#[inline(always)] // for bare links: see `Inner`
fn check_mac<'k>(
    credential: &Credential<'_>,
    names: &Names,
    keys: &'k Keys,
    bound: &str,
) -> Result<&'k Arc<SigningKey>, RejectionKind> {
    let signature = credential.signature();
    let key = keys.find_for(signature).ok_or(RejectionKind::UnknownKey)?;
    let mac = signature.mac_after(key.mark()).ok_or(RejectionKind::NotAuthentic)?;
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
