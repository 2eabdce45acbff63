use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;

use super::error::{SignError, SignErrorKind};
use super::signed_url::SignedUrl;
use super::signer::Signer;
use super::times::Times;
use crate::format::{MAC_TEXT, check_target, is_id, is_method, split_query};
use crate::key::{KeyId, random};

/// The longest URL that [`http::Uri`] reads.
const MAX_URL: usize = u16::MAX as usize - 1;

/// A URL about to be signed, begun by [`Signer::url`]. What finishes it takes the expiry, so that it cannot be
/// forgotten.
#[must_use]
pub struct Mint<'a> {
    pub(super) signer: &'a Signer,
    url: &'a str,
    methods: Vec<Method>,
    id: Id<'a>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) rounding: Option<Duration>,
    pub(super) latest: Option<SystemTime>,
}

enum Id<'a> {
    None,
    Given(&'a str),
    Unique,
}

impl<'a> Mint<'a> {
    pub(super) fn new(signer: &'a Signer, url: &'a str) -> Self {
        Self { signer, url, methods: Vec::new(), id: Id::None, not_before: None, rounding: None, latest: None }
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
    /// those of `jiff` and `chrono` among them. What [`sign_for`](Self::sign_for) is given counts
    /// from then.
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

    /// Signs a link that works for this long, rounded up to a second: from now, or from its
    /// [`not_before`](Self::not_before) if that is later.
    ///
    /// # Errors
    ///
    /// A target that cannot be signed, or a lifetime that the policy does not allow: see [`SignErrorKind`].
    pub fn sign_for(self, lifetime: Duration) -> Result<SignedUrl, SignError> {
        let times = self.times_for(lifetime)?;
        self.finish(times)
    }

    /// Signs a link that works until this time, rounded down to a second.
    ///
    /// With [`round_expiry_up_to`](Self::round_expiry_up_to) it works until up to a window longer; a hard end is
    /// [`no_later_than`](Self::no_later_than)'s.
    ///
    /// # Errors
    ///
    /// A target that cannot be signed, or a time that is past or too far off: see [`SignErrorKind`].
    pub fn sign_until(self, time: impl Into<SystemTime>) -> Result<SignedUrl, SignError> {
        let times = self.times_until(time.into())?;
        self.finish(times)
    }

    fn finish(self, times: Times) -> Result<SignedUrl, SignError> {
        let (base, target) = self.signer.locate(self.url)?;
        check_target(target, self.signer.names())?;

        let keys = self.signer.keys();
        let key = keys.active();
        let prefix = self.signer.names().prefix();
        let room = base.len() + target.len() + self.room(key.id(), prefix);
        let mut url = String::with_capacity(room);
        url.push_str(base);
        url.push_str(target);
        url.push(if split_query(target).1.is_some() { '&' } else { '?' });
        self.push_run(&mut url, prefix, &times)?;

        let covered = url.get(base.len()..).unwrap_or_default();
        let mac = key.sign(self.signer.names().mac_prefix(), covered);
        push_signature(&mut url, prefix, key.id(), &mac);
        if url.len() > MAX_URL {
            return Err(SignErrorKind::TooLong.into());
        }
        let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(times.expires_at);
        Ok(SignedUrl::new(url, expires_at))
    }

    /// At least as many bytes as the credential takes.
    fn room(&self, key_id: Option<&KeyId>, prefix: &str) -> usize {
        let digits = 11;
        let key_id = key_id.map_or(0, |id| id.as_str().len() + 1);
        let fixed = 2 * prefix.len() + "?exp=&sig=".len() + digits + key_id + MAC_TEXT;
        let start = self.not_before.map_or(0, |_| prefix.len() + "&sig-start=".len() + digits);
        let methods = match &*self.methods {
            [] => 0,
            methods => {
                prefix.len() + "&sig-methods".len() + methods.iter().map(|m| m.as_str().len() + 1).sum::<usize>()
            }
        };
        let id = match self.id {
            Id::None => 0,
            Id::Given(id) => prefix.len() + "&sig-id=".len() + id.len(),
            Id::Unique => prefix.len() + "&sig-id=".len() + UNIQUE_TEXT,
        };
        fixed + start + methods + id
    }

    /// The reserved parameters from `exp` on, without `sig`.
    fn push_run(&self, url: &mut String, prefix: &str, times: &Times) -> Result<(), SignError> {
        push_name(url, "", prefix, "exp=");
        push_number(url, times.expires_at);
        if let Some(not_before) = times.not_before {
            push_name(url, "&", prefix, "sig-start=");
            push_number(url, not_before);
        }
        if !matches!(&*self.methods, [] | [Method::GET]) {
            push_name(url, "&", prefix, "sig-methods");
            let mut separator = '=';
            for method in &self.methods {
                if !is_method(method.as_str()) {
                    return Err(SignError::about(SignErrorKind::Method, method.as_str()));
                }
                url.push(separator);
                url.push_str(method.as_str());
                separator = ',';
            }
        }
        match self.id {
            Id::None => {}
            Id::Given(id) if is_id(id) => {
                push_name(url, "&", prefix, "sig-id=");
                url.push_str(id);
            }
            Id::Given(_) => return Err(SignErrorKind::Id.into()),
            Id::Unique => {
                let mut bytes = [0; 16];
                random(&mut bytes).map_err(|_| SignErrorKind::Random)?;
                push_name(url, "&", prefix, "sig-id=");
                push_base64url(url, &bytes);
            }
        }
        Ok(())
    }
}

/// Without the target, which may hold secrets of its own.
impl fmt::Debug for Mint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").finish_non_exhaustive()
    }
}

/// Length of 128 bits as unpadded base64url.
const UNIQUE_TEXT: usize = 22;

fn push_signature(url: &mut String, prefix: &str, key_id: Option<&KeyId>, mac: &[u8; 32]) {
    push_name(url, "&", prefix, "sig=");
    if let Some(id) = key_id {
        url.push_str(id.as_str());
        url.push('.');
    }
    push_base64url(url, mac);
}

fn push_name(url: &mut String, separator: &str, prefix: &str, name: &str) {
    url.push_str(separator);
    url.push_str(prefix);
    url.push_str(name);
}

fn push_number(url: &mut String, number: u64) {
    url.push_str(itoa::Buffer::new().format(number));
}

fn push_base64url(url: &mut String, bytes: &[u8]) {
    let mut text = [0; MAC_TEXT];
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap_or(0);
    let text = text.get(..length).unwrap_or_default();
    url.push_str(str::from_utf8(text).unwrap_or_default());
}
