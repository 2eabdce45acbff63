use std::sync::Arc;
use std::time::SystemTime;

use http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, COOKIE, Entry, HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};

use super::download::attachment;
use super::{Settings, SignedUrlLayer};
use crate::cache::{self, Cache, Freshness};
use crate::format::{check_under, split_query};
use crate::grant::Grant;
use crate::reject::NO_REFERRER;
use crate::verify::{Carrier, Handling, Verify};

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const NO_INDEX: HeaderValue = HeaderValue::from_static("noindex");

/// What the answer to a request that passed depends on.
pub(super) struct Passed {
    expires_at: SystemTime,
    /// Whether a cookie brought the credential, which the client may have sent without meaning to.
    by_cookie: bool,
    /// Whether every client that has the URL would have been given the same answer.
    shareable: bool,
    /// Whether what decided may change its mind before the link ends: a cache then has to ask again every time.
    revalidate: bool,
    /// The name that the answer is to be saved under.
    download: Option<Arc<str>>,
    /// For a token in the path. In a box: few requests have one, and every future would have room for it.
    under_token: Option<Box<UnderToken>>,
}

/// A token in the path: the segment that it is, and its scope.
struct UnderToken {
    segment: Box<str>,
    scope: Arc<str>,
    /// Scheme and authority of the request's URI, where it has them: over HTTP/2.
    origin: String,
}

impl Passed {
    pub(super) fn new<B>(grant: &Grant, handling: &Handling, request: &Request<B>, segment: Option<Box<str>>) -> Self {
        let under_token = segment.zip(grant.shared_scope().cloned());
        Self {
            expires_at: grant.expires_at(),
            by_cookie: handling.carrier == Carrier::Cookie,
            // `public` would undo the protection that RFC 9111 section 3.5 gives to requests with `Authorization`.
            shareable: handling.by_url_alone && !request.headers().contains_key(AUTHORIZATION),
            revalidate: handling.revalidate,
            download: grant.shared_download().cloned(),
            under_token: under_token
                .map(|(segment, scope)| Box::new(UnderToken { segment, scope, origin: origin(request.uri()) })),
        }
    }

    pub(super) fn is_by_cookie(&self) -> bool {
        self.by_cookie
    }

    /// Says that live authorization has decided as well.
    pub(super) fn decided_live(self) -> Self {
        Self { shareable: false, revalidate: true, ..self }
    }

    /// Sets the headers of a response that passes. The time is now, not the request's: a service may have been slow.
    #[inline]
    fn prepare<B>(&self, response: &mut Response<B>, settings: &Settings, verify: &impl Verify) {
        let status = response.status();
        let headers = response.headers_mut();
        if let Some(name) = &self.download
            && status.is_success()
        {
            headers.insert(CONTENT_DISPOSITION, attachment(name));
        }
        if let Some(under_token) = &self.under_token {
            under_token.keep(headers, verify);
        }
        match settings.cache {
            Some(Cache::NoStore) => cache::forbid(headers),
            Some(cache) => {
                let shared = cache == Cache::Shared && self.shareable && !headers.contains_key(SET_COOKIE);
                let now = verify.now();
                let expires_at = if self.revalidate { now } else { self.expires_at };
                cache::limit(headers, shared, &Freshness::until(expires_at, now, status));
            }
            None => {}
        }
        if settings.referrer_policy {
            headers.entry(REFERRER_POLICY).or_insert(NO_REFERRER);
        }
        if settings.robots_tag {
            headers.entry(X_ROBOTS_TAG).or_insert(NO_INDEX);
        }
    }
}

impl UnderToken {
    /// Gives a `Location` that is a path under the scope the token back, for the next request to carry: a path alone, or with
    /// the request's own origin before it. Whether any other URL leads here again is not for the layer to know, and a token
    /// must not go anywhere else. A path with a credential of its own is left alone: beside it another would be refused.
    fn keep(&self, headers: &mut HeaderMap, verify: &impl Verify) {
        let Entry::Occupied(mut location) = headers.entry(LOCATION) else {
            return;
        };
        let Ok(url) = location.get().to_str() else {
            return;
        };
        let target = url.strip_prefix(&self.origin).filter(|target| target.starts_with('/')).unwrap_or(url);
        let origin = url.strip_suffix(target).unwrap_or_default();
        let path = split_query(target.split('#').next().unwrap_or_default()).0;
        if check_under(&self.scope, path).is_ok() && verify.strip(target).is_none() {
            // Parts of header values make one, so the error cannot occur.
            if let Ok(mut value) = HeaderValue::try_from([origin, "/", &self.segment, target].concat()) {
                value.set_sensitive(true);
                location.insert(value);
            }
        }
    }
}

fn origin(uri: &Uri) -> String {
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => [scheme, "://", authority.as_str()].concat(),
        _ => String::new(),
    }
}

impl<V: Verify, A> SignedUrlLayer<V, A> {
    /// What every answer gets, and what one to a request that passed does.
    #[inline]
    pub(super) fn finish<B>(&self, mut response: Response<B>, passed: Option<&Passed>) -> Response<B> {
        if let Some(passed) = passed {
            passed.prepare(&mut response, &self.settings, &*self.verify);
        }
        if !self.verify.cookies().is_empty() {
            vary_by_cookie(response.headers_mut());
        }
        response
    }
}

fn vary_by_cookie(headers: &mut HeaderMap) {
    let names_it = |field: &HeaderValue| {
        let is_cookie = |name: &[u8]| {
            matches!(name.trim_ascii(), b"*") || name.trim_ascii().eq_ignore_ascii_case(COOKIE.as_str().as_bytes())
        };
        field.as_bytes().split(|b| *b == b',').any(is_cookie)
    };
    if !headers.get_all(VARY).iter().any(names_it) {
        headers.append(VARY, HeaderValue::from_static("cookie"));
    }
}
