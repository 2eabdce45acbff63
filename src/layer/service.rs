use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::SignedUrlLayer;
use super::admit::Admission;
use super::authorize::{Authorize, Decision, Live};
use super::body::ResponseBody;
use super::future::ResponseFuture;
use crate::grant::Grant;
use crate::head::{Head, original_uri};
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::{Verifier, Verify};

/// The service of a [`SignedUrlLayer`](super::SignedUrlLayer).
pub struct SignedUrlService<S, V = Verifier, A = ()> {
    inner: S,
    layer: Arc<SignedUrlLayer<V, A>>,
}

impl<S, V, A> SignedUrlService<S, V, A> {
    pub(super) fn new(inner: S, layer: Arc<SignedUrlLayer<V, A>>) -> Self {
        Self { inner, layer }
    }
}

impl<S, V, ReqBody, ResBody> Service<Request<ReqBody>> for SignedUrlService<S, V>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    V: Verify,
    ReqBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, V>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    // Here and on the way of a request that passes: a program is compiled in units, and a generic function that lies in
    // another one is called. That took 4 % of the layer's time.
    #[inline]
    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let layer = Arc::clone(&self.layer);
        let passed = match layer.admit(&mut request) {
            Ok(Admission::Granted(passed)) => Some(passed),
            Ok(Admission::Anonymous) => None,
            Ok(Admission::Exchanged(response)) => {
                return ResponseFuture::answered(layer.finish(*response, None), layer);
            }
            Err(rejection) => return ResponseFuture::answered(layer.refuse(Head::of(&request), rejection), layer),
        };
        ResponseFuture::passing(self.inner.call(request), passed, layer)
    }
}

/// With live authorization, which is asked before the service: the future is boxed, and the service is cloned.
impl<S, V, A, ReqBody, ResBody> Service<Request<ReqBody>> for SignedUrlService<S, V, Live<A>>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    V: Verify,
    A: Authorize,
    ReqBody: Body + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let layer = Arc::clone(&self.layer);
        // The one that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let admission = layer.admit(&mut request);
        let (mut parts, body) = request.into_parts();

        Box::pin(async move {
            let admission = match admission {
                Ok(Admission::Anonymous) | Err(_) => admission,
                Ok(admitted) => match layer.ask_authorizer(&mut parts).await {
                    Ok(()) => Ok(admitted),
                    Err(_) if layer.settings.optional && admitted.is_by_cookie() => {
                        parts.extensions.remove::<Grant>();
                        Ok(Admission::Anonymous)
                    }
                    Err(rejection) => Err(rejection),
                },
            };
            let passed = match admission {
                Ok(Admission::Granted(passed)) => Some(passed.decided_live()),
                Ok(Admission::Anonymous) => None,
                Ok(Admission::Exchanged(response)) => return Ok(layer.finish(*response, None).map(ResponseBody::own)),
                Err(rejection) => {
                    return Ok(layer.refuse(Head::of_parts(&parts), rejection).map(ResponseBody::own));
                }
            };
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(layer.finish(response, passed.as_ref()).map(ResponseBody::service))
        })
    }
}

impl<V, A: Authorize> SignedUrlLayer<V, Live<A>> {
    /// Asks for the last word on a request that was admitted, by its whole URI: within a nested router, a shortened one could
    /// be another's.
    async fn ask_authorizer(&self, parts: &mut Parts) -> Result<(), Rejection> {
        let grant = parts.extensions.get::<Grant>().cloned().ok_or(RejectionKind::Missing)?;
        let whole = original_uri(&parts.extensions).cloned();
        let routed = whole.map(|whole| mem::replace(&mut parts.uri, whole));
        let decision = self.authorize.0.authorize(&grant, parts).await;
        if let Some(routed) = routed {
            parts.uri = routed;
        }
        match decision {
            Ok(Decision::Allow) => Ok(()),
            Ok(Decision::Gone) => Err(RejectionKind::Gone.into()),
            Ok(Decision::Forbidden) => Err(RejectionKind::Forbidden.into()),
            Err(error) => {
                tracing::error!(target: "tower_signed_url", %error, "live authorization failed");
                Err(RejectionKind::Unavailable.into())
            }
        }
    }
}

impl<S: Clone, V, A> Clone for SignedUrlService<S, V, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: Arc::clone(&self.layer) }
    }
}

impl<S, V, A> fmt::Debug for SignedUrlService<S, V, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.settings.debug("SignedUrlService", f)
    }
}
