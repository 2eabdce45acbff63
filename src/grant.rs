use std::time::SystemTime;

use crate::inline::Inline;
use crate::key::KeyId;

/// What a link granted. The layer puts it into the request's extensions; with the `axum` feature it is an extractor.
///
/// ```
/// use tower_signed_url::Grant;
///
/// # #[cfg(feature = "axum")]
/// async fn handler(grant: Grant) -> String {
///     format!("this link works until {:?}", grant.expires_at())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Grant {
    expires_at: SystemTime,
    key_id: Option<KeyId>,
    id: Option<Inline<64>>,
}

impl Grant {
    /// A grant that ends at `expires_at`: for a [`Verify`](crate::Verify) of your own.
    #[must_use]
    pub fn until(expires_at: SystemTime) -> Self {
        Self { expires_at, key_id: None, id: None }
    }

    /// The same grant with the link's id, cut after 64 bytes.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(Inline::truncated(id)), ..self }
    }

    #[inline]
    pub(crate) fn new(expires_at: SystemTime, key_id: Option<KeyId>, id: Option<&str>) -> Self {
        Self { expires_at, key_id, id: id.map(Inline::truncated) }
    }

    /// When the link stops working.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// The link's own name, its `sig-id`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(Inline::as_str)
    }

    /// The id of the key that signed the link.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }
}
