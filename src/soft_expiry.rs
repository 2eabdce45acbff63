//! Expiry as a courtesy: `exp` without a signature.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::cache::{self, Freshness};
use crate::clock::{Clock, SystemClock};
use crate::conceal::Concealed;
use crate::format::{Names, read_soft_expiry};
use crate::head::Head;
use crate::layer::ResponseBody;
use crate::or_own::OrOwn;
use crate::reject::{refusal, without_body_for_head};
use crate::rejection::{Rejection, RejectionKind};

/// Honours an `exp` that nothing signs: a link is answered 410 once its time is over. **It protects nothing**: anyone can
/// change the time or leave it out, and a request without `exp` passes.
///
/// It is for links whose end is a courtesy to those who follow them, an invitation to last month's event, say. What must
/// end is for [`SignedUrlLayer`](crate::SignedUrlLayer), with which this has nothing in common: no key, no policy, no
/// [`Grant`](crate::Grant) for anything behind it to take for a permission.
///
/// - `exp` is Unix time, in seconds or from 100000000000 on in milliseconds. One that is no such time, or stands twice, is
///   answered 403.
/// - A request with `sig`, any name that begins with `sig-`, or a scope token in its path is answered 403: what it asks for
///   would not be checked here. So is one of which a [`ConcealLayer`](crate::ConcealLayer) further out took something.
/// - Caches are kept from outliving the link, as [`Cache::Private`](crate::Cache::Private) says. The URI passes as it is.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_signed_url::SoftExpiryLayer;
///
/// let next_week = SystemTime::now() + Duration::from_secs(7 * 24 * 3600);
/// let exp = next_week.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
/// let link = format!("/invitations/spring?exp={exp}");
///
/// let layer = SoftExpiryLayer::unsigned();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[derive(Clone)]
pub struct SoftExpiryLayer {
    clock: Arc<dyn Clock>,
}

impl SoftExpiryLayer {
    /// The layer for expiries that nothing signs.
    pub fn unsigned() -> Self {
        Self { clock: Arc::new(SystemClock) }
    }

    /// The same layer with another clock.
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock) }
    }

    /// When the request's link ends, if it says so.
    fn check<B>(&self, request: &Request<B>) -> Result<Option<SystemTime>, Rejection> {
        if request.extensions().get::<Concealed>().is_some_and(|it| it.fault().is_some() || it.target().is_some()) {
            return Err(Rejection::new(RejectionKind::Unenforceable).because(
                "a `ConcealLayer` further out took a credential, or the expiry, out of the URI: limit it with `under`",
            ));
        }
        let (uri, names) = (request.uri(), Names::default());
        // A router may have taken the first segment off the path, a token or not.
        let whole = Head::of(request).target().filter(|whole| names.token_segment(whole.path()).is_some());
        let path = whole.map_or(uri.path(), PathAndQuery::path);
        match read_soft_expiry(path, uri.query().unwrap_or_default(), &names)? {
            Some(expires_at) if self.clock.now() >= expires_at => {
                Err(Rejection::new(RejectionKind::Expired).unsigned())
            }
            expires_at => Ok(expires_at),
        }
    }
}

impl<S> Layer<S> for SoftExpiryLayer {
    type Service = SoftExpiry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SoftExpiry { inner, layer: self.clone() }
    }
}

impl fmt::Debug for SoftExpiryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftExpiryLayer").finish_non_exhaustive()
    }
}

/// The service of a [`SoftExpiryLayer`].
#[derive(Clone, Debug)]
pub struct SoftExpiry<S> {
    inner: S,
    layer: SoftExpiryLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SoftExpiry<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = SoftExpiryFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (response, expires_at) = match self.layer.check(&request) {
            Ok(expires_at) => (OrOwn::inner(self.inner.call(request)), expires_at),
            Err(rejection) => {
                tracing::debug!(target: "tower_signed_url", reason = %rejection, "refused");
                (OrOwn::own(without_body_for_head(request.method(), refusal(rejection))), None)
            }
        };
        SoftExpiryFuture { response, expires_at, clock: Arc::clone(&self.layer.clock) }
    }
}

pin_project! {
    /// The response, or the refusal, of a [`SoftExpiry`].
    pub struct SoftExpiryFuture<F> {
        #[pin]
        response: OrOwn<F, Response<Bytes>>,
        // When the link ends, if it says so.
        expires_at: Option<SystemTime>,
        clock: Arc<dyn Clock>,
    }
}

impl<F, B, E> Future for SoftExpiryFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match ready!(this.response.poll(cx)) {
            Ok(response) => response?,
            Err(refusal) => return Poll::Ready(Ok(refusal.map(ResponseBody::own))),
        };
        if let Some(expires_at) = *this.expires_at {
            let freshness = Freshness::until(expires_at, this.clock.now(), response.status());
            cache::limit(response.headers_mut(), false, &freshness);
        }
        Poll::Ready(Ok(response.map(ResponseBody::service)))
    }
}

impl<F> fmt::Debug for SoftExpiryFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftExpiryFuture").finish_non_exhaustive()
    }
}
