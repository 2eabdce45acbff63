use std::fmt;

use http::header::{COOKIE, HeaderName};
use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Uri, Version, request};

use crate::conceal::Concealed;
use crate::rejection::Rejection;

/// A request without its body, as a [`Verify`](crate::Verify) sees it: its target is the one that the client sent.
///
/// axum's nested routers hand a shortened URI to what is inside them, and keep the whole one in `OriginalUri`. That one
/// is the target, but only if the request's URI can have come from it by nesting: the same query, and a path that ends
/// its path. Where something rewrote the URI in between there is no target, and the request is refused: a link for one
/// path must not open another.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    version: Version,
    target: Option<&'a PathAndQuery>,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    /// What a `ConcealLayer` took out.
    concealed: Option<&'a Concealed>,
    /// Whether the target is somebody's own.
    replaced: bool,
}

impl<'a> Head<'a> {
    /// The head of a request.
    #[must_use]
    pub fn of<B>(request: &'a Request<B>) -> Self {
        let (method, uri, version) = (request.method(), request.uri(), request.version());
        Self::new(method, uri, version, request.headers(), request.extensions())
    }

    /// The head that a request was taken apart into.
    #[must_use]
    pub fn of_parts(parts: &'a request::Parts) -> Self {
        Self::new(&parts.method, &parts.uri, parts.version, &parts.headers, &parts.extensions)
    }

    #[inline]
    fn new(
        method: &'a Method,
        uri: &'a Uri,
        version: Version,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        let target = original_target(uri, extensions);
        Self { method, uri, version, target, headers, extensions, concealed: None, replaced: false }
    }

    /// The same head with another target: for a [`Verify`](crate::Verify) that has another check what it makes of the
    /// request's. What passes on is then what its own [`strip`](crate::Verify::strip) leaves of the request's target.
    #[must_use]
    pub fn with_target(self, target: &'a PathAndQuery) -> Self {
        Self { target: Some(target), replaced: true, ..self }
    }

    /// The same head with what a `ConcealLayer` took out of the request, put back.
    pub(crate) fn with_concealed(self, concealed: &'a Concealed) -> Self {
        Self { target: concealed.target().or(self.target), concealed: Some(concealed), ..self }
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced
    }

    /// Whether a router has chosen a route by the target. One that has handed the request to its fallback has not: that is
    /// how a layer is put around a whole router. For what a `ConcealLayer` took out, that layer has judged this already.
    pub(crate) fn is_routed(&self) -> bool {
        let Some(original) = original_uri(self.extensions).filter(|_| self.concealed.is_none()) else {
            return false;
        };
        original.path() != self.uri.path() || is_matched(self.extensions)
    }

    /// The `Cookie` fields as the client sent them.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &'a HeaderValue> + use<'a> {
        let concealed = self.concealed.map_or(&[][..], Concealed::cookies);
        self.headers.get_all(COOKIE).iter().chain(concealed)
    }

    /// The value of a header field that stands once and is text.
    pub(crate) fn only_field(&self, name: &HeaderName) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => str::from_utf8(value.as_bytes()).ok(),
            _ => None,
        }
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The path that the request is routed by.
    pub(crate) fn routed_path(&self) -> &'a str {
        self.uri.path()
    }

    /// The authority of the request's URI, where it has one: over HTTP/2, and in a request to a proxy.
    #[must_use]
    pub fn authority(&self) -> Option<&'a Authority> {
        self.uri.authority()
    }

    /// Path and query as the client sent them; none for `CONNECT`, and where the URI was rewritten on its way.
    #[must_use]
    pub fn target(&self) -> Option<&'a PathAndQuery> {
        self.target
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's header fields.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The request's extensions.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The target and the headers may hold a credential.
        f.debug_struct("Head").field("method", self.method).finish_non_exhaustive()
    }
}

#[inline]
fn original_target<'a>(uri: &'a Uri, extensions: &'a Extensions) -> Option<&'a PathAndQuery> {
    let target = uri.path_and_query()?;
    match original_uri(extensions) {
        Some(original) => original.path_and_query().filter(|original| is_nested(target, original)),
        None => Some(target),
    }
}

/// Whether a router nested at some prefix of `original` would have made `target` of it.
fn is_nested(target: &PathAndQuery, original: &PathAndQuery) -> bool {
    let (path, whole) = (target.path(), original.path());
    // A path begins with `/`, so a path that ends another does so from a `/` on.
    target.query() == original.query() && (path == "/" || (path.starts_with('/') && whole.ends_with(path)))
}

#[cfg(feature = "axum")]
pub(crate) fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<axum::extract::OriginalUri>().map(|original| &original.0)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri(_: &Extensions) -> Option<&Uri> {
    None
}

/// Whether one of an axum router's routes has matched.
#[cfg(feature = "axum")]
fn is_matched(extensions: &Extensions) -> bool {
    extensions.get::<axum::extract::MatchedPath>().is_some()
}

#[cfg(not(feature = "axum"))]
fn is_matched(_: &Extensions) -> bool {
    false
}

/// Takes away what a router has said about a request, for one that stands for another request.
#[cfg(feature = "axum")]
pub(crate) fn forget_routing(extensions: &mut Extensions) {
    extensions.remove::<axum::extract::OriginalUri>();
    extensions.remove::<axum::extract::MatchedPath>();
}

#[cfg(not(feature = "axum"))]
pub(crate) fn forget_routing(_: &mut Extensions) {}

/// axum's `OriginalUri`, to take a credential out of it.
#[cfg(feature = "axum")]
pub(crate) fn original_uri_mut(extensions: &mut Extensions) -> Option<&mut Uri> {
    extensions.get_mut::<axum::extract::OriginalUri>().map(|original| &mut original.0)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri_mut(_: &mut Extensions) -> Option<&mut Uri> {
    None
}

/// Gives a URI another path and query.
pub(crate) fn replace_target(uri: &mut Uri, target: PathAndQuery) -> Result<(), Rejection> {
    // Nearly all over HTTP/1: to take a URI apart and to check it anew takes longer than to make one.
    if uri.scheme().is_none() && uri.authority().is_none() {
        *uri = target.into();
        return Ok(());
    }
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts).map_err(|_| Rejection::malformed("the URI has no room for a path"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_suffix_with_the_same_query_is_nested() {
        for (target, original, nested) in [
            ("/a?x=1", "/a?x=1", true),
            ("/a?x=1", "/in/a?x=1", true),
            ("/?x=1", "/in?x=1", true),
            ("/?x=1", "/in/a?x=1", true),
            ("/", "/in", true),
            ("/a", "/in/a", true),
            ("/a?x=1", "/in/a?x=2", false),
            ("/a?x=1", "/in/a", false),
            ("/a", "/in/a?", false),
            ("/a?x=1", "/in/ba?x=1", false),
            ("/secret?x=1", "/public/a?x=1", false),
            ("/in/a?x=1", "/a?x=1", false),
            ("*", "/in/*", false),
        ] {
            let parse = |text: &str| text.parse::<PathAndQuery>().unwrap();
            assert_eq!(is_nested(&parse(target), &parse(original)), nested, "{target} {original}");
        }
    }
}
