use std::sync::Arc;
use std::time::SystemTime;

use crate::format::MAX_ID;
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
    pub(crate) expires_at: SystemTime,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) id: Option<Id>,
    pub(crate) scope: Option<Arc<str>>,
    pub(crate) download: Option<Arc<str>>,
}

impl Grant {
    /// A grant that ends at `expires_at`: for a [`Verify`](crate::Verify) of your own.
    #[must_use]
    pub fn until(expires_at: SystemTime) -> Self {
        Self { expires_at, key_id: None, id: None, scope: None, download: None }
    }

    /// The same grant with the link's id.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(Id::new(id)), ..self }
    }

    /// The same grant for a response that is to be an attachment of this name. A [`Verify`](crate::Verify) of your own
    /// says so by [`Obligations::DOWNLOAD`](crate::Obligations::DOWNLOAD), too.
    #[must_use]
    pub fn with_download(self, file_name: &str) -> Self {
        Self { download: Some(file_name.into()), ..self }
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

    /// The path that a scope token opens, with all that is below it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    pub(crate) fn shared_scope(&self) -> Option<&Arc<str>> {
        self.scope.as_ref()
    }

    /// The file name under which the link has the response downloaded.
    #[must_use]
    pub fn download(&self) -> Option<&str> {
        self.download.as_deref()
    }

    pub(crate) fn shared_download(&self) -> Option<&Arc<str>> {
        self.download.as_ref()
    }

    /// The id of the key that signed the link.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }
}

/// A link's id: of this crate's format in place, of another's perhaps longer.
#[derive(Clone, Debug)]
pub(crate) enum Id {
    Short(Inline<MAX_ID>),
    Long(Arc<str>),
}

impl Id {
    pub(crate) fn new(id: &str) -> Self {
        if id.len() <= MAX_ID { Self::Short(Inline::truncated(id)) } else { Self::Long(id.into()) }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short(id) => id.as_str(),
            Self::Long(id) => id,
        }
    }
}
