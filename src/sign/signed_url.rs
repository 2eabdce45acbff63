use std::fmt;
use std::time::SystemTime;

/// A URL that works until it expires. [`Display`](fmt::Display) gives the URL, [`Debug`] does not.
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
