//! The layer: plumbing around a [`Verify`](crate::Verify).

mod admit;
mod answer;
mod body;
mod future;
mod refuse;
mod service;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

pub use self::body::ResponseBody;
pub use self::future::ResponseFuture;
pub use self::service::SignedUrlService;
use crate::cache::Cache;
use crate::reject::plain_text;
use crate::rejection::Rejected;
use crate::verify::{Verifier, Verify};

/// Lets a request through only with a signed URL, and takes the credential off it.
///
/// - What passes has its [`Grant`](crate::Grant) in the request's extensions, and neither its URI, axum's `OriginalUri`,
///   nor the headers that repeat a URL (`Referer`, `X-Original-URI`, `X-Forwarded-Uri` and their kind) hold the
///   credential.
/// - Its response gets `Referrer-Policy: no-referrer` and `X-Robots-Tag: noindex` unless the service set them, and a
///   [`Cache`] policy by which no cache outlives the link.
/// - What is refused is answered 403, or 410 if an authentic link has expired; a gRPC call (a `POST` of
///   `application/grpc` over HTTP/2) with `PERMISSION_DENIED`. Every refusal is `no-store` and `no-referrer`; the
///   [`Rejection`](crate::Rejection) is in the response's extensions and in a `tracing` event: at `WARN` where the link
///   is authentic and this verifier cannot accept it (signer and verifier disagree), else at `DEBUG`.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use tower_signed_url::{Grant, Keyring, SignedUrlLayer, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let app: Router = Router::new()
///     .route("/report", get(|grant: Grant| async move { format!("by {:?}", grant.key_id()) }))
///     .route_layer(SignedUrlLayer::new(&keys));
/// # }
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
#[must_use]
pub struct SignedUrlLayer<V = Verifier> {
    verify: Arc<V>,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    optional: bool,
    on_reject: Arc<OnReject>,
    cache: Option<Cache>,
    referrer_policy: bool,
    robots_tag: bool,
}

type OnReject = dyn Fn(Rejected<'_>) -> Response<Bytes> + Send + Sync;

/// What the layer and every service and future of it share.
struct Shared<V> {
    verify: Arc<V>,
    settings: Settings,
}

impl SignedUrlLayer {
    /// The layer for a ring of keys, or for a [`Verifier`]. Every request needs a signed URL.
    pub fn new(keys_or_verifier: impl Into<Verifier>) -> Self {
        Self::custom(keys_or_verifier.into())
    }
}

impl<V: Verify> SignedUrlLayer<V> {
    /// The layer around a [`Verify`] of your own.
    pub fn custom(verify: V) -> Self {
        Self {
            verify: Arc::new(verify),
            settings: Settings {
                optional: false,
                on_reject: Arc::new(plain_text),
                cache: Some(Cache::Private),
                referrer_policy: true,
                robots_tag: true,
            },
        }
    }
}

impl<V> SignedUrlLayer<V> {
    /// Lets requests without any credential through, without a [`Grant`](crate::Grant) and with their responses
    /// untouched: the service decides. Half a credential, or a wrong one, is refused as ever.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] {
    /// # use axum::{Router, routing::get};
    /// # use tower_signed_url::{Grant, Keyring, SignedUrlLayer, SigningKey};
    /// # let keys = Keyring::new(SigningKey::generate()?);
    /// let app: Router = Router::new()
    ///     .route("/report", get(|grant: Option<Grant>| async move { if grant.is_some() { "all" } else { "a part" } }))
    ///     .route_layer(SignedUrlLayer::new(&keys).optional());
    /// # }
    /// # Ok::<(), tower_signed_url::KeyError>(())
    /// ```
    pub fn optional(mut self) -> Self {
        self.settings.optional = true;
        self
    }

    /// Builds the answers to refused requests; `String`, `&'static str`, `Vec<u8>` and [`Bytes`] will do for bodies.
    ///
    /// `Cache-Control: no-store` and `Referrer-Policy: no-referrer` are set on whatever it returns, and a status of
    /// success, which was forgotten, is replaced by the rejection's. A gRPC call is answered as gRPC, whatever it returns. Without it: [`plain_text`].
    ///
    /// ```
    /// # use tower_signed_url::{Keyring, SignedUrlLayer, SigningKey};
    /// # let keys = Keyring::new(SigningKey::generate()?);
    /// let layer = SignedUrlLayer::new(&keys).on_reject(|rejected| {
    ///     http::Response::new(format!("<h1>{}</h1>", rejected.status()))
    /// });
    /// # Ok::<(), tower_signed_url::KeyError>(())
    /// ```
    pub fn on_reject<F, T>(mut self, answer: F) -> Self
    where
        F: Fn(Rejected<'_>) -> Response<T> + Send + Sync + 'static,
        T: Into<Bytes>,
    {
        self.settings.on_reject = Arc::new(move |rejected| answer(rejected).map(Into::into));
        self
    }

    /// What caches are told about the answers to signed URLs: [`Cache::Private`] unless said otherwise.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.settings.cache = Some(cache);
        self
    }

    /// Leaves the service's cache headers alone. A cache may then outlive the link.
    pub fn without_cache_control(mut self) -> Self {
        self.settings.cache = None;
        self
    }

    /// Does not set `Referrer-Policy` on what passes. The links that a page holds then tell where they were found,
    /// signature included.
    pub fn without_referrer_policy(mut self) -> Self {
        self.settings.referrer_policy = false;
        self
    }

    /// Does not set `X-Robots-Tag` on what passes.
    pub fn without_robots_tag(mut self) -> Self {
        self.settings.robots_tag = false;
        self
    }
}

impl<S, V> Layer<S> for SignedUrlLayer<V> {
    type Service = SignedUrlService<S, V>;

    fn layer(&self, inner: S) -> Self::Service {
        SignedUrlService::new(inner, Shared { verify: Arc::clone(&self.verify), settings: self.settings.clone() })
    }
}

impl<V> Clone for SignedUrlLayer<V> {
    fn clone(&self) -> Self {
        Self { verify: Arc::clone(&self.verify), settings: self.settings.clone() }
    }
}

impl<V> fmt::Debug for SignedUrlLayer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.debug("SignedUrlLayer", f)
    }
}

impl Settings {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("optional", &self.optional)
            .field("cache", &self.cache)
            .field("referrer_policy", &self.referrer_policy)
            .field("robots_tag", &self.robots_tag)
            .finish_non_exhaustive()
    }
}
