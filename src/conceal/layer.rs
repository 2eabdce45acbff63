use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http::uri::{PathAndQuery, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::Concealed;
use super::request::{clean_headers, take_cookies};
use crate::head::{Head, original_uri_mut, replace_target};
use crate::verify::{Verifier, Verify};

/// Takes credentials out of requests before anything inside can see or log them. Put it outermost, outside a
/// `TraceLayer`; a [`SignedUrlLayer`](crate::SignedUrlLayer) further in checks what it took out.
///
/// It judges nothing: without a `SignedUrlLayer` inside, a request goes on as if it had never had a credential. Whatever
/// rewrites the URI between the two breaks the link. It also cleans the headers that
/// repeat a URL: `Referer`, `X-Original-URI`, `X-Forwarded-Uri` and their kind.
///
/// ```
/// # #[cfg(all(feature = "axum", feature = "trace"))] {
/// use axum::{Router, routing::get};
/// use tower::ServiceBuilder;
/// use tower_http::trace::TraceLayer;
/// use tower_signed_url::{ConcealLayer, Keyring, SignedUrlLayer, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let app: Router = Router::new().route("/report", get(|| async { "the report" })).layer(
///     ServiceBuilder::new()
///         .layer(ConcealLayer::new(&keys))
///         .layer(TraceLayer::new_for_http())
///         .layer(SignedUrlLayer::new(&keys)),
/// );
/// # }
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
#[must_use]
pub struct ConcealLayer<V = Verifier> {
    verify: Arc<V>,
    paths: Arc<[Box<str>]>,
}

impl ConcealLayer {
    /// The layer for the verifier, or the ring of keys, that the [`SignedUrlLayer`](crate::SignedUrlLayer) inside has.
    /// Give it the verifier where the policy has a name prefix: a ring alone does not know of it.
    pub fn new(keys_or_verifier: impl Into<Verifier>) -> Self {
        Self::custom(keys_or_verifier.into())
    }
}

impl<V: Verify> ConcealLayer<V> {
    /// The layer for a [`Verify`] of your own.
    pub fn custom(verify: V) -> Self {
        Self { verify: Arc::new(verify), paths: Arc::default() }
    }
}

impl<V> ConcealLayer<V> {
    /// Leaves URIs alone but under this path (and any other that this was called with): elsewhere a `sig` parameter
    /// may be someone else's, a webhook's say. `/files` means `/files` itself and what is below `/files/`.
    pub fn under(self, path: &str) -> Self {
        let paths = self.paths.iter().cloned().chain([path.into()]);
        Self { paths: paths.collect(), ..self }
    }
}

impl<S, V> Layer<S> for ConcealLayer<V> {
    type Service = Conceal<S, V>;

    fn layer(&self, inner: S) -> Self::Service {
        Conceal { inner, layer: self.clone() }
    }
}

impl<V> Clone for ConcealLayer<V> {
    fn clone(&self) -> Self {
        Self { verify: Arc::clone(&self.verify), paths: Arc::clone(&self.paths) }
    }
}

impl<V> fmt::Debug for ConcealLayer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcealLayer").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// The service of a [`ConcealLayer`], with its inner service's responses, errors and futures.
pub struct Conceal<S, V = Verifier> {
    inner: S,
    layer: ConcealLayer<V>,
}

impl<S, V, ReqBody> Service<Request<ReqBody>> for Conceal<S, V>
where
    S: Service<Request<ReqBody>>,
    V: Verify,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        self.layer.conceal(&mut request);
        self.inner.call(request)
    }
}

impl<V: Verify> ConcealLayer<V> {
    fn conceal<B>(&self, request: &mut Request<B>) {
        clean_headers(request.headers_mut(), &*self.verify);
        let head = Head::of(request);
        let (target, routed) = (head.target().cloned(), head.is_routed());
        let stripped = target.as_ref().and_then(|target| self.strip(target));
        let path = match (&stripped, &target) {
            // Under a token in the path is the path that the token is for.
            (Some(stripped), _) => stripped.path(),
            (None, Some(target)) => target.path(),
            (None, None) => request.uri().path(),
        };
        if !self.applies_to(path) {
            return;
        }
        let mut found = self.conceal_uri(request.uri_mut());
        if let Some(uri) = original_uri_mut(request.extensions_mut()) {
            found |= self.conceal_uri(uri);
        }
        let cookies = take_cookies(request.headers_mut(), self.verify.cookies());
        if found || !cookies.is_empty() {
            let extensions = request.extensions_mut();
            // A second credential, put in behind a first `ConcealLayer`, leaves neither to be believed.
            let again = extensions.get::<Concealed>().is_some();
            let target = target.filter(|_| found);
            let ambiguous = again || (found && target.is_none());
            extensions.insert(Concealed { target, cookies, routed, ambiguous });
        }
    }

    fn applies_to(&self, path: &str) -> bool {
        let is_under = |prefix: &str| match path.strip_prefix(prefix) {
            Some(rest) => prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        self.paths.is_empty() || self.paths.iter().any(|prefix| is_under(prefix))
    }

    /// Whether there was anything to conceal.
    fn conceal_uri(&self, uri: &mut Uri) -> bool {
        let Some(stripped) = uri.path_and_query().and_then(|target| self.strip(target)) else {
            return false;
        };
        let _ = replace_target(uri, stripped);
        true
    }

    /// A target without its credential, if it has one. Where what is left is no target, nothing is left.
    fn strip(&self, target: &PathAndQuery) -> Option<PathAndQuery> {
        let stripped = self.verify.strip(target.as_str())?;
        Some(PathAndQuery::try_from(stripped).unwrap_or(PathAndQuery::from_static("/")))
    }
}

impl<S: Clone, V> Clone for Conceal<S, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, V> fmt::Debug for Conceal<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conceal").field("layer", &self.layer).finish_non_exhaustive()
    }
}
