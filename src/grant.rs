use std::sync::Arc;
use std::time::SystemTime;

use crate::inline::Inline;
use crate::key::KeyId;

/// What a link granted. The layer puts it into the request's extensions; with the `axum` feature it is an extractor.
///
/// ```
/// use tower_signed_url::Grant;
///
/// # #[cfg(feature = "axum")]
/// async fn axum_handler(grant: Grant) -> String {
///     format!("by the link {}", grant.id().unwrap_or("without a name"))
/// }
///
/// fn anywhere<B>(request: &http::Request<B>) -> Option<&Grant> {
///     request.extensions().get::<Grant>()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Grant {
    expires_at: SystemTime,
    key_id: Option<KeyId>,
    id: Option<Id>,
}

impl Grant {
    /// A grant that ends at `expires_at`: for a [`Verify`](crate::Verify) of your own.
    #[must_use]
    pub fn until(expires_at: SystemTime) -> Self {
        Self { expires_at, key_id: None, id: None }
    }

    /// The same grant with the link's id.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(Id::new(id)), ..self }
    }

    #[inline]
    pub(crate) fn new(expires_at: SystemTime, key_id: Option<KeyId>, id: Option<&str>) -> Self {
        Self { expires_at, key_id, id: id.map(Id::new) }
    }

    /// When the link stops working.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// The link's own name, its `sig-id`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(Id::as_str)
    }

    /// The id of the key that signed the link.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }
}

/// A link's id: of this crate's format in place, of another's perhaps longer.
#[derive(Clone, Debug)]
enum Id {
    Short(Inline<64>),
    Long(Arc<str>),
}

impl Id {
    fn new(id: &str) -> Self {
        if id.len() <= 64 { Self::Short(Inline::truncated(id)) } else { Self::Long(id.into()) }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short(id) => id.as_str(),
            Self::Long(id) => id,
        }
    }
}
