//! The layer: plumbing around a [`Verify`](crate::Verify).

mod admit;
mod answer;
mod authorize;
mod body;
mod download;
mod exchange;
mod forward_auth;
mod future;
mod refuse;
mod service;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

pub use self::authorize::{Authorize, BoxError, Decision, Live};
pub use self::body::ResponseBody;
pub use self::forward_auth::ForwardAuth;
pub use self::future::ResponseFuture;
pub use self::service::SignedUrlService;
use crate::cache::Cache;
use crate::format::check_scope;
use crate::policy::{ConfigError, ConfigErrorKind};
use crate::reject::plain_text;
use crate::rejection::Rejected;
use crate::verify::{Obligations, Verifier, Verify};

/// Lets a request through only with a signed URL, and takes the credential off it.
///
/// - What passes has its [`Grant`](crate::Grant) in the request's extensions. Its URI, axum's `OriginalUri` and the headers
///   that repeat a URL (`Referer`, `X-Original-URI`, `X-Forwarded-Uri` and their kind) hold no credential; a token's cookie,
///   and the `Authorization` of a link that binds a password, are removed.
/// - Its response gets `Referrer-Policy: no-referrer` and `X-Robots-Tag: noindex` unless the service set them, and a
///   [`Cache`] policy by which no cache outlives the link.
/// - What is refused gets the status of its [`RejectionKind`](crate::RejectionKind): mostly 403; 410 if it has ended; 401,
///   411, 413, 415 for a password or a body; 503 if a check could not be made. A gRPC call (a `POST` of `application/grpc`
///   over HTTP/2) gets `UNAUTHENTICATED` for 401, `UNAVAILABLE` for 503, else `PERMISSION_DENIED`.
/// - Every refusal is `no-store` and `no-referrer`. The [`Rejection`](crate::Rejection) is in the response's extensions and
///   in a `tracing` event: at `WARN` where the link is authentic and this verifier cannot accept it (signer and verifier
///   disagree), else at `DEBUG`.
///
/// The request's body has to be an [`http_body::Body`]: a link may limit it.
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
///
/// # Order
///
#[doc = include_str!("order.md")]
///
/// On axum, `Router::layer` and `route_layer` run what was added last first; `ServiceBuilder` what was added first. A
/// router that is a service inside of another, `Router::new().fallback_service(layer.layer(app))`, needs
/// `app.with_state(())`: without it axum builds its layers anew for each request, so that a limit among them does not
/// limit. A limit that is reached inside of this layer holds refusals up too, unless `load_shed` stands directly outside of
/// it.
#[must_use]
pub struct SignedUrlLayer<V = Verifier, A = ()> {
    verify: Arc<V>,
    authorize: Arc<A>,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    optional: bool,
    /// What a link may ask for besides being checked.
    takes_on: Obligations,
    /// What a proxy takes off the front of public paths, if tokens are to be exchanged for cookies.
    exchange: Option<Arc<str>>,
    on_reject: Arc<OnReject>,
    cache: Option<Cache>,
    referrer_policy: bool,
    robots_tag: bool,
}

type OnReject = dyn Fn(Rejected<'_>) -> Response<Bytes> + Send + Sync;

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
            authorize: Arc::new(()),
            settings: Settings {
                optional: false,
                takes_on: Obligations::DOWNLOAD.and(Obligations::NO_BODY),
                exchange: None,
                on_reject: Arc::new(plain_text),
                cache: Some(Cache::Private),
                referrer_policy: true,
                robots_tag: true,
            },
        }
    }
}

impl<V, A> SignedUrlLayer<V, A> {
    /// Lets requests without a credential through, without a [`Grant`](crate::Grant); the service decides. Their responses
    /// stay as they are, but for `Vary: Cookie` where tokens are read from a cookie.
    ///
    /// A URL with half a credential, or a wrong one, is refused as ever. A token in a cookie that does not pass, live
    /// authorization included, counts as absent, since a browser sends it unasked. The password that it was tried with does
    /// not reach the service all the same; an `Authorization` field of another scheme does.
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

    /// Asks an [`Authorize`], or a closure, about every request whose link passed. Its time is added to each request. The
    /// inner service has to be `Clone + Send`, and the future is boxed.
    ///
    /// ```
    /// # use tower_signed_url::{Decision, Keyring, SignedUrlLayer, SigningKey};
    /// # #[derive(Clone, Default)]
    /// # struct Photos;
    /// # impl Photos {
    /// #     async fn is_hidden(&self, _: &str) -> Result<bool, std::io::Error> { Ok(false) }
    /// # }
    /// # let keys = Keyring::new(SigningKey::generate()?);
    /// # let photos = Photos::default();
    /// let layer = SignedUrlLayer::new(&keys).authorize(move |_grant, request: http::request::Parts| {
    ///     let photos = photos.clone();
    ///     async move { Ok(if photos.is_hidden(request.uri.path()).await? { Decision::Gone } else { Decision::Allow }) }
    /// });
    /// # Ok::<(), tower_signed_url::KeyError>(())
    /// ```
    pub fn authorize<L: Authorize>(self, authorize: L) -> SignedUrlLayer<V, Live<L>> {
        SignedUrlLayer { verify: self.verify, authorize: Arc::new(Live(authorize)), settings: self.settings }
    }

    /// Builds the answers to refused requests; `String`, `&'static str`, `Vec<u8>` and [`Bytes`] will do for bodies.
    ///
    /// Whatever it returns gets `Cache-Control: no-store` and `Referrer-Policy: no-referrer`, and, if it is a 401 for a
    /// password, `WWW-Authenticate`. A 2xx is taken for a forgotten status, and replaced by the rejection's. It is called for
    /// gRPC too, but what it returns is not sent. Without it: [`plain_text`].
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

impl<V: Verify, A> SignedUrlLayer<V, A> {
    /// Exchanges scope tokens for cookies: a navigation (a `GET` whose `Sec-Fetch-Mode` is `navigate`) with a valid token
    /// in its query is answered with the cookie and a redirect, 303, to the same URL without the token. So the token leaves
    /// the address bar, the pages that back and forward lead to, and the `Referer`. (A browser may note on its disk which
    /// addresses it was redirected from, as Chromium does.)
    ///
    /// Browsers say how they navigate, and keep `Secure` cookies, over HTTPS and for this machine alone: over plain HTTP to
    /// anywhere else nothing is exchanged. A frame is served directly (its `Sec-Fetch-Dest` is not `document`): in another
    /// site's page a browser would not keep the cookie. Only tokens in the query are exchanged; there is no cookie for a
    /// link to one exact URL. A token too long for a cookie stays in the query.
    ///
    /// ```
    /// use tower_signed_url::{DEFAULT_COOKIE, Keyring, SignedUrlLayer, SigningKey, Verifier};
    ///
    /// let keys = Keyring::new(SigningKey::generate()?);
    /// let verifier = Verifier::builder(&keys).token_cookie(DEFAULT_COOKIE).build()?;
    /// let layer = SignedUrlLayer::new(&verifier).exchange()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::ExchangeWithoutCookie`] if the verifier does not read tokens from a cookie.
    pub fn exchange(self) -> Result<Self, ConfigError> {
        self.exchange_behind("")
    }

    /// [Exchanges](Self::exchange) behind a proxy that takes this off the front of public paths: `/cdn`, say. A browser
    /// then sees `/cdn` before the scope, and before where it is sent.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::ExchangeWithoutCookie`] if the verifier does not read tokens from a cookie,
    /// [`ConfigErrorKind::PublicPath`] for what is no such path.
    pub fn exchange_behind(mut self, public_path: &str) -> Result<Self, ConfigError> {
        if self.verify.cookies().is_empty() {
            return Err(ConfigError::new(ConfigErrorKind::ExchangeWithoutCookie, ""));
        }
        if !public_path.is_empty() && check_scope(&[public_path, "/"].concat()).is_err() {
            return Err(ConfigError::new(ConfigErrorKind::PublicPath, public_path));
        }
        self.settings.exchange = Some(public_path.into());
        Ok(self)
    }
}

impl<S, V, A> Layer<S> for SignedUrlLayer<V, A> {
    type Service = SignedUrlService<S, V, A>;

    fn layer(&self, inner: S) -> Self::Service {
        SignedUrlService::new(inner, Arc::new(self.clone()))
    }
}

impl<V, A> Clone for SignedUrlLayer<V, A> {
    fn clone(&self) -> Self {
        Self {
            verify: Arc::clone(&self.verify),
            authorize: Arc::clone(&self.authorize),
            settings: self.settings.clone(),
        }
    }
}

impl<V, A> fmt::Debug for SignedUrlLayer<V, A> {
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
