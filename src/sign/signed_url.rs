use std::fmt;
use std::time::{Duration, SystemTime};

use super::error::{SignError, SignErrorKind};
use super::mint::{Mint, sealed};
use super::times::Times;
use crate::format::{check_target, split_query};

/// The longest URL that [`http::Uri`] reads.
pub(super) const MAX_URL: usize = u16::MAX as usize - 1;

/// A URL that works until it expires. [`Display`](fmt::Display) gives the URL, [`Debug`] does not. In HTML, its `&` are
/// written `&amp;`.
///
/// ```
/// use std::time::Duration;
/// use tower_signed_url::{Keyring, Signer, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let link = Signer::new(&keys).url("/photos/cat.jpg").sign_for(Duration::from_secs(300))?;
///
/// assert!(link.to_string().starts_with("/photos/cat.jpg?exp="));
/// assert!(!format!("{link:?}").contains("sig="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl {
    url: String,
    expires_at: SystemTime,
}

impl SignedUrl {
    pub(super) fn new(url: String, expires_at: SystemTime) -> Self {
        Self { url, expires_at }
    }

    /// The URL: relative as the target was, or absolute under the signer's base.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The URL's text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.url
    }

    /// When it stops working, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl sealed::Minted for SignedUrl {
    fn finish(mint: &Mint<'_, Self>, times: &Times) -> Result<Self, SignError> {
        let (base, target) = mint.signer.locate(mint.subject)?;
        check_target(target, mint.signer.names())?;

        let keys = mint.signer.keys();
        let mut url = String::with_capacity(base.len() + target.len() + mint.room(&keys));
        url.push_str(base);
        url.push_str(target);
        url.push(if split_query(target).1.is_some() { '&' } else { '?' });
        mint.push_credential(&mut url, base.len(), times, &keys)?;
        if url.len() > MAX_URL {
            return Err(SignErrorKind::TooLong.into());
        }
        Ok(Self::new(url, SystemTime::UNIX_EPOCH + Duration::from_secs(times.expires_at)))
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedUrl").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
