use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_LENGTH, HOST, HeaderName, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING, UPGRADE, VARY};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use tower_service::Service;

use super::{ResponseBody, SignedUrlLayer, SignedUrlService};
use crate::cache::Cache;
use crate::head::{Head, forget_routing};
use crate::rejection::Rejection;
use crate::verify::{Obligations, Verifier, Verify};

/// The status that the layer itself would have refused with.
const STATUS: HeaderName = HeaderName::from_static("x-signed-url-status");

/// A service that says whether a proxy may serve a request: for nginx's `auth_request`, Traefik's `ForwardAuth` and Caddy's
/// `forward_auth`. The proxy then serves the file itself.
///
/// A link that passes is answered 204, with the fields that the file's answer should have: `Cache-Control`,
/// `Referrer-Policy`, `X-Robots-Tag`, as the [layer](SignedUrlLayer)'s settings have them, with [`Cache::Shared`] as
/// [`Cache::Private`]. (Its `Vary: *` is its own: no cache
/// is to keep it.) Any other is answered as the layer refuses it, with the status in `X-Signed-Url-Status` as well: nginx
/// takes a 410 for a failure of its own, so for nginx whatever is not 401 becomes 403, of which its configuration can make
/// a 410 again.
///
/// It believes what one request says about another. So **let nobody but the proxy reach it**, and have the proxy set the
/// fields that it goes by, and not pass on the client's. Where one is missing, or stands twice, the answer is 403.
///
/// What only the one who serves could enforce is refused: a limit to a body's size and, unless
/// [`named_downloads`](Self::named_downloads) was called, a download's name. Tokens are not
/// [exchanged](SignedUrlLayer::exchange) for cookies. Put no [`ConcealLayer`](crate::ConcealLayer) around it. If the proxy
/// does not serve the file itself, but hands the request on, it hands on the credential: put the layer into that other
/// server instead.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::Router;
/// use tower_signed_url::{ForwardAuth, Keyring, SignedUrlLayer, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let app: Router = Router::new().route_service("/auth", ForwardAuth::nginx(SignedUrlLayer::new(&keys)));
/// # }
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
#[must_use]
pub struct ForwardAuth<V = Verifier, A = ()> {
    layer: Arc<SignedUrlLayer<V, A>>,
    proxy: Proxy,
}

/// How a proxy tells of a request.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    Nginx,
    XForwarded,
}

impl<V, A> ForwardAuth<V, A> {
    /// For nginx's `auth_request`, whose configuration has to set `X-Original-URI` to `$request_uri`, `X-Original-Method` to
    /// `$request_method`, `Host` to `$host:$server_port`, and, for links that are limited to client addresses,
    /// `X-Forwarded-For` to `$remote_addr`: what it does not set, a client may. (`$http_host` is not it: nginx serves an
    /// absolute URL by its own host, whatever that field says.) Answers 204, 401 or 403.
    pub fn nginx(layer: SignedUrlLayer<V, A>) -> Self {
        Self::new(layer, Proxy::Nginx)
    }

    /// For Traefik, Caddy and others that tell of the request in `X-Forwarded-Uri`, `X-Forwarded-Method` and
    /// `X-Forwarded-Host`. They give the client the answer as it is, so a link that has ended is answered 410.
    ///
    /// They tell of the path as it is by then: ask before a prefix is taken off, or a link opens what has that name under
    /// any prefix. In Caddy's `forward_auth`, write `uri /auth?`: without the `?`, the link is in the URI of the request
    /// that it asks by, too, and in whatever logs that.
    ///
    /// Traefik sets these fields itself, unless it is told to `trustForwardHeader`: do not. Nor limit its
    /// `authRequestHeaders`: where `Sec-WebSocket-Key` is left out, a token in a cookie opens a WebSocket.
    pub fn x_forwarded(layer: SignedUrlLayer<V, A>) -> Self {
        Self::new(layer, Proxy::XForwarded)
    }

    fn new(mut layer: SignedUrlLayer<V, A>, proxy: Proxy) -> Self {
        layer.settings.takes_on = Obligations::NONE;
        layer.settings.exchange = None;
        if layer.settings.cache == Some(Cache::Shared) {
            // What is shared ends by `Expires`, which a configuration that sets `Cache-Control` alone would lose.
            layer.settings.cache = Some(Cache::Private);
        }
        Self { layer: Arc::new(layer), proxy }
    }

    /// Lets links that name a [download](crate::Mint::download) pass. The proxy has to put the `Content-Disposition` that
    /// it is answered into its own answer.
    pub fn named_downloads(self) -> Self {
        let mut layer = Arc::unwrap_or_clone(self.layer);
        layer.settings.takes_on = Obligations::DOWNLOAD;
        Self { layer: Arc::new(layer), proxy: self.proxy }
    }
}

impl<V, A, B> Service<Request<B>> for ForwardAuth<V, A>
where
    V: Verify,
    SignedUrlService<Allow, V, A>:
        Service<Request<String>, Response = Response<ResponseBody<String>>, Error = Infallible>,
    <SignedUrlService<Allow, V, A> as Service<Request<String>>>::Future: Send + 'static,
{
    type Response = Response<ResponseBody<String>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let proxy = self.proxy;
        let (mut parts, _) = request.into_parts();
        let asked_by = parts.method.clone();
        if let Err(rejection) = proxy.restore(&mut parts) {
            // Half told is told as well: a field may hold a link, and a callback sees the fields.
            self.layer.clean(&mut parts.headers);
            let response = self.layer.refuse(Head::of_parts(&parts), rejection).map(ResponseBody::own);
            return Box::pin(ready(Ok(proxy.answer(&asked_by, response))));
        }
        // An empty body, of which nothing follows: `NO_BODY` is not taken on.
        let original = Request::from_parts(parts, String::new());
        let answer = SignedUrlService::new(Allow, Arc::clone(&self.layer)).call(original);
        Box::pin(async move { answer.await.map(|response| proxy.answer(&asked_by, response)) })
    }
}

impl Proxy {
    /// Makes the request that the proxy asks about of the one that it asks by.
    fn restore(self, parts: &mut Parts) -> Result<(), Rejection> {
        let not_told = Rejection::not_told;
        let (in_target, in_method) = match self {
            Self::Nginx => ("x-original-uri", "x-original-method"),
            Self::XForwarded => ("x-forwarded-uri", "x-forwarded-method"),
        };
        // The route that led here is none of that request's; and where it was not HTTP/2, no refusal becomes gRPC's 200.
        forget_routing(&mut parts.extensions);
        parts.version = Version::HTTP_11;

        let head = Head::of_parts(parts);
        let told = |name| head.only_field(&HeaderName::from_static(name));
        let target = told(in_target).and_then(read_target).ok_or_else(|| not_told(in_target))?;
        let method = told(in_method).and_then(|method| method.parse().ok()).ok_or_else(|| not_told(in_method))?;
        let host = told("x-forwarded-host").and_then(|host| HeaderValue::from_bytes(host.as_bytes()).ok());
        parts.uri = target;
        parts.method = method;
        if let Self::XForwarded = self {
            match host {
                Some(host) => parts.headers.insert(HOST, host),
                None => parts.headers.remove(HOST),
            };
        }
        // Proxies leave this out of what they ask, and a token in a cookie grants no WebSocket.
        if parts.headers.contains_key(SEC_WEBSOCKET_KEY) {
            parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        // Of the body nothing is known: these are of the request that the proxy asks by.
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(TRANSFER_ENCODING);
        Ok(())
    }

    fn answer<B>(self, asked_by: &Method, mut response: Response<ResponseBody<B>>) -> Response<ResponseBody<B>> {
        let Some(status) = response.extensions().get::<Rejection>().map(Rejection::status) else {
            // `Cache-Control` is for the file's answer. This one's URL says nothing of the request that it is about, so that a
            // cache would give it to others (RFC 9110 section 12.5.5).
            response.headers_mut().insert(VARY, HeaderValue::from_static("*"));
            return response;
        };
        // A refusal has the body, or the lack of one, that is for the original request. Where that has another method, it would
        // break an HTTP/2 stream.
        response.headers_mut().remove(CONTENT_LENGTH);
        if *asked_by == Method::HEAD {
            *response.body_mut() = ResponseBody::default();
        }
        response.headers_mut().insert(STATUS, HeaderValue::from(status.as_u16()));
        if let Self::Nginx = self {
            let understood = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
            *response.status_mut() = if understood.contains(&status) { status } else { StatusCode::FORBIDDEN };
        }
        response
    }
}

/// A path and query, all of it: a parser leaves out what follows a `#`.
fn read_target(text: &str) -> Option<Uri> {
    let target = PathAndQuery::try_from(text).ok()?;
    let is_all = target.as_str() == text && text.starts_with('/');
    is_all.then(|| Uri::from(target))
}

/// What stands behind the layer: yes.
#[derive(Clone, Copy, Debug)]
pub struct Allow;

impl Service<Request<String>> for Allow {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        ready(Ok(response))
    }
}

impl<V, A> Clone for ForwardAuth<V, A> {
    fn clone(&self) -> Self {
        Self { layer: Arc::clone(&self.layer), proxy: self.proxy }
    }
}

impl<V, A> fmt::Debug for ForwardAuth<V, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardAuth").field("layer", &self.layer).field("proxy", &self.proxy).finish()
    }
}
