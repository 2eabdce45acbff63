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

/// Whoever sees a router's 404 has to learn about it.
const ROUTED: &str = "a router chose the route before the scope token was taken off the path: put `ConcealLayer` around the whole router";

/// Takes credentials out of requests before anything inside can see or log them. Put it outermost, outside a
/// `TraceLayer`; a [`SignedUrlLayer`](crate::SignedUrlLayer) further in checks what it took out.
///
/// It judges nothing: without a `SignedUrlLayer` inside, a request goes on as if it had never had a credential. Whatever
/// rewrites the URI between the two breaks the link. It also cleans the headers that
/// repeat a URL: `Referer`, `X-Original-URI`, `X-Forwarded-Uri` and their kind, and takes the token's cookie out of
/// `Cookie`.
///
/// What it takes out is what the layer inside may take for a credential. A link that was mangled on its way, percent-encoded
/// as a whole, say, is none, and a trace inside would log it; [`Verify::hide`] takes it out of what you log yourself.
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
///
/// Where tokens come in the path ([`token_path`](crate::VerifierBuilder::token_path)), it has to be around the whole router:
/// what `Router::layer` adds runs once a route was chosen.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use tower::Layer;
/// use tower_signed_url::{ConcealLayer, Keyring, SignedUrlLayer, SigningKey, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys).token_path().build()?;
/// let routes: Router = Router::new()
///     .route("/videos/{name}", get(|| async { "a segment" }))
///     .route_layer(SignedUrlLayer::new(&verifier))
///     .with_state(());
/// let app: Router = Router::new().fallback_service(ConcealLayer::new(&verifier).layer(routes));
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[must_use]
pub struct ConcealLayer<V = Verifier> {
    verify: Arc<V>,
    paths: Arc<[Box<str>]>,
}

impl ConcealLayer {
    /// The layer for the verifier, or the ring of keys, that the [`SignedUrlLayer`](crate::SignedUrlLayer) inside has.
    /// Give it the verifier where the policy has a name prefix, or where tokens come in a cookie or the path: a ring alone
    /// does not know of it. Where several verifiers differ in this, put a layer for each.
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
    /// may be someone else's, a webhook's say. What is written in another way (`//files/…`) is left alone, too, and a trace
    /// inside shows it. `/files` means `/files` itself and what is below `/files/`. The token's
    /// cookie is taken out everywhere.
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
        let cookies = take_cookies(request.headers_mut(), self.verify.cookies());
        let concealed = self.conceal_target(request);
        if concealed.is_some() || !cookies.is_empty() {
            let taken = Concealed { cookies, ..concealed.unwrap_or_default() };
            request.extensions_mut().get_or_insert_default::<Concealed>().add(taken);
        }
    }

    /// What was taken out of the target, if anything was.
    fn conceal_target<B>(&self, request: &mut Request<B>) -> Option<Concealed> {
        let head = Head::of(request);
        let (target, is_routed) = (head.target().cloned(), head.is_routed());
        let stripped = target.as_ref().and_then(|target| self.strip(target));
        let path = match (&stripped, &target) {
            // Under a token in the path is the path that the token is for.
            (Some(stripped), _) => stripped.path(),
            (None, Some(target)) => target.path(),
            (None, None) => request.uri().path(),
        };
        if !self.applies_to(path) {
            return None;
        }
        let was_in_path = target.as_ref().is_some_and(|target| target.path() != path);
        // As a rule the URI is the target, of which it is known by now what is left.
        let conceal = |uri: &mut Uri| {
            let stripped = match uri.path_and_query() {
                Some(same) if target.as_ref() == Some(same) => stripped.clone(),
                other => other.and_then(|other| self.strip(other)),
            };
            let found = stripped.is_some();
            if let Some(stripped) = stripped {
                let _ = replace_target(uri, stripped);
            }
            found
        };
        let mut found = conceal(request.uri_mut());
        if let Some(uri) = original_uri_mut(request.extensions_mut()) {
            found |= conceal(uri);
        }
        if !found {
            return None;
        }
        let fault = if is_routed && was_in_path {
            tracing::warn!(target: "tower_signed_url", "{ROUTED}");
            Some(ROUTED)
        } else if target.is_none() {
            Some("the URI was rewritten before `ConcealLayer`")
        } else {
            None
        };
        Some(Concealed { target, cookies: Vec::new(), fault })
    }

    fn applies_to(&self, path: &str) -> bool {
        let is_under = |prefix: &str| match path.strip_prefix(prefix) {
            Some(rest) => prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        self.paths.is_empty() || self.paths.iter().any(|prefix| is_under(prefix))
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
