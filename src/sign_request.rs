//! Signing requests on their way out.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use http::uri::{PathAndQuery, Uri};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::Source;
use crate::head::{Head, replace_target};
use crate::layer::BoxError;
use crate::or_own::OrOwn;
use crate::sign::{SignError, SignErrorKind, Signer};

/// Signs the requests of a client: the other end of a [`SignedUrlLayer`](crate::SignedUrlLayer), for calls between services
/// and for webhooks, without a session between the two.
///
/// Each request's target is signed for its method and for a short while, with the key that is active at that moment. Whatever
/// the URI holds besides, scheme and host, stays as it is; the body is not signed: whoever sees a request can repeat it until
/// it expires, with another body. A request that cannot be signed is not sent: its error is a [`SignError`], the client's own
/// errors stay as they are (in a [`BoxError`]).
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use http_body_util::Empty;
/// use bytes::Bytes;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_signed_url::{Keyring, SignRequestLayer, Signer, SigningKey};
///
/// # async fn call() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let keys = Keyring::new(SigningKey::generate()?);
/// let signer = Signer::new(&keys).allow_http_to("reports").with_base("http://reports:8080")?;
/// let client = ServiceBuilder::new()
///     .layer(SignRequestLayer::new(signer, Duration::from_secs(30)))
///     .service(Client::builder(TokioExecutor::new()).build_http());
///
/// let response = client.oneshot(Request::get("/reports/42").body(Empty::<Bytes>::new())?).await?;
/// # Ok(())
/// # }
/// ```
///
/// A tonic channel is wrapped in the same way, and handed to the generated client:
/// `GreeterClient::new(ServiceBuilder::new().layer(sign).service(channel))`.
///
/// # Whom a signature is given to
///
/// Host and scheme are not part of a signed URL, so whoever receives a request can send it on to any other server that accepts
/// the same keys, for as long as it works. Where requests go to hosts that are not all yours:
///
/// - Give the signer a [base](Signer::with_base). Then nothing is signed for anywhere else, and a request for a path alone is
///   sent there. Without one, a URL that somebody else chose, by a redirect or by registering a webhook, has a path of their
///   choice signed: never follow redirects (tower-http's `FollowRedirect`) outside of this layer without a base.
/// - Or bind the host: `.bind("host", context::host())`. Each receiver's verifier has to say itself which host it is,
///   `.bind("host", |_| Some("reports.example.com".into()))`: whoever sends a request on writes any `Host` into it, which
///   `context::host()` would believe.
/// - Use a ring of its own for each receiver who is not to speak for you to the others.
///
/// A request for a path alone, as a tonic client's are, goes wherever the service inside sends it: whether that is plain
/// `http`, which is refused where the URI shows it, is for you to see to.
///
/// Put what logs URLs, a `TraceLayer` say, outside of this layer, and so what has requests wait or sends them again (a
/// `Buffer`, a `Retry`): they are signed when they leave.
#[must_use]
#[derive(Clone)]
pub struct SignRequestLayer {
    signer: Signer,
    lifetime: Duration,
    bound: Vec<(Arc<str>, Arc<dyn Source>)>,
}

impl SignRequestLayer {
    /// The layer for a signer, and for how long a signed request works: from now until it has reached the service, retries
    /// and clocks that disagree included. Half a minute is plenty for most.
    pub fn new(signer: Signer, lifetime: Duration) -> Self {
        Self { signer, lifetime, bound: Vec::new() }
    }

    /// Binds each request to the [context](crate::context) of this name, and says where its value comes from. The signer's
    /// policy has to [allow](crate::Policy::allow_context) it, and the verifier needs a source that gives the same.
    ///
    /// The ready-made sources do for both ends (but see [above](Self#whom-a-signature-is-given-to) for the host), where the
    /// request shows the value: a request for a path alone shows its host if the signer has a [base](Signer::with_base), and
    /// a call over a tonic channel if its client was made `with_origin`. A request for which the source gives nothing is not
    /// sent.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_signed_url::{Keyring, Policy, SignRequestLayer, Signer, SigningKey, context};
    /// # let keys = Keyring::new(SigningKey::generate()?);
    /// let signer = Signer::new(&keys).with_policy(Policy::new().allow_context("host").allow_context("tenant"))?;
    /// let layer = SignRequestLayer::new(signer, Duration::from_secs(30))
    ///     .bind("host", context::host())
    ///     .bind("tenant", |_| Some("42".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind<F>(mut self, name: &str, source: F) -> Self
    where
        F: for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    {
        self.bound.push((name.into(), Arc::new(source)));
        self
    }

    fn sign<B>(&self, request: &mut Request<B>) -> Result<(), SignError> {
        // First, so that sources see the host that the request goes to.
        self.signer.put_base(request.uri_mut())?;
        let head = Head::of(request);
        let value_of = |(name, source): &(Arc<str>, Arc<dyn Source>)| {
            source(head).ok_or_else(|| SignError::about(SignErrorKind::ContextNotShown, name))
        };
        let values: Vec<_> = self.bound.iter().map(value_of).collect::<Result<_, _>>()?;
        let url = self.signer.url_of(request.uri())?;
        let mut mint = self.signer.url(&url).method(request.method().clone());
        for ((name, _), value) in self.bound.iter().zip(&values) {
            mint = mint.bind(name, value);
        }
        let link = mint.sign_for(self.lifetime)?.into_string();
        // What was signed is printable ASCII that begins as a URI does: nothing but its length can be wrong.
        replace_uri(request.uri_mut(), link).ok_or(SignErrorKind::TooLong.into())
    }
}

/// Puts a signed URL, relative or absolute, in the place of the URI that it was made of.
fn replace_uri(uri: &mut Uri, link: String) -> Option<()> {
    if link.starts_with('/') {
        replace_target(uri, PathAndQuery::try_from(link).ok()?).ok()
    } else {
        *uri = Uri::try_from(link).ok()?;
        Some(())
    }
}

impl<S> Layer<S> for SignRequestLayer {
    type Service = SignRequest<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SignRequest { inner, layer: Arc::new(self.clone()) }
    }
}

impl fmt::Debug for SignRequestLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequestLayer")
            .field("signer", &self.signer)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// The service of a [`SignRequestLayer`]. Its error is a [`SignError`], or the inner service's.
#[derive(Clone, Debug)]
pub struct SignRequest<S> {
    inner: S,
    layer: Arc<SignRequestLayer>,
}

impl<S, ReqBody> Service<Request<ReqBody>> for SignRequest<S>
where
    S: Service<Request<ReqBody>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = SignRequestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let response = match self.layer.sign(&mut request) {
            Ok(()) => OrOwn::inner(self.inner.call(request)),
            Err(error) => OrOwn::own(error),
        };
        SignRequestFuture { response }
    }
}

pin_project! {
    /// The response, or the error, of a [`SignRequest`].
    pub struct SignRequestFuture<F> {
        #[pin]
        response: OrOwn<F, SignError>,
    }
}

impl<F, T, E> Future for SignRequestFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.project().response.poll(cx)) {
            Ok(response) => response.map_err(Into::into),
            Err(error) => Err(error.into()),
        })
    }
}

impl<F> fmt::Debug for SignRequestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequestFuture").finish_non_exhaustive()
    }
}
