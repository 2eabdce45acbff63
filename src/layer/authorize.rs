use std::error::Error;

use http::request::Parts;

use crate::grant::Grant;

/// Decides about a link at the moment of its use, after everything else was checked: a user hides a photo, and every link to
/// it dies on the next request, however long it would have worked.
///
/// It is asked with the request as the service will see it, without its body. But the URI is the whole one, without the
/// credential, wherever the layer sits: a nested router's shortened path might be somebody else's. Caches are told
/// `max-age=0`, so that each use asks. A closure `Fn(Grant, Parts)` is an `Authorize`, too.
///
/// ```
/// use http::request::Parts;
/// use tower_signed_url::{Authorize, BoxError, Decision, Grant, Keyring, SignedUrlLayer, SigningKey};
///
/// struct Photos {
///     hidden: std::collections::HashSet<String>,
/// }
///
/// impl Authorize for Photos {
///     async fn authorize(&self, _grant: &Grant, request: &Parts) -> Result<Decision, BoxError> {
///         Ok(if self.hidden.contains(request.uri.path()) { Decision::Gone } else { Decision::Allow })
///     }
/// }
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let layer = SignedUrlLayer::new(&keys).authorize(Photos { hidden: Default::default() });
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
pub trait Authorize: Send + Sync + 'static {
    /// Decides about one request.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from deciding: the request is then answered 503, and the error is in a `tracing` event at `ERROR`.
    fn authorize(&self, grant: &Grant, request: &Parts) -> impl Future<Output = Result<Decision, BoxError>> + Send;
}

impl<F, R> Authorize for F
where
    F: Fn(Grant, Parts) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Decision, BoxError>> + Send,
{
    fn authorize(&self, grant: &Grant, request: &Parts) -> impl Future<Output = Result<Decision, BoxError>> + Send {
        self(grant.clone(), request.clone())
    }
}

/// What an [`Authorize`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The request passes.
    Allow,
    /// What the link leads to is not there any more: 410.
    Gone,
    /// Not for this request: 403.
    Forbidden,
}

/// Any error: what keeps an [`Authorize`] from deciding, and what keeps a [`SignRequest`](crate::SignRequest) from being
/// answered.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A [`SignedUrlLayer`](crate::SignedUrlLayer)'s [`Authorize`]: its service boxes a future for each request.
#[derive(Clone, Copy, Debug)]
pub struct Live<A>(pub(super) A);
