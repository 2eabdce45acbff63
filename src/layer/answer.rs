use std::time::SystemTime;

use http::header::{AUTHORIZATION, HeaderName, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::Settings;
use crate::cache::{self, Cache, Freshness};
use crate::verify::Verified;

const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const NO_INDEX: HeaderValue = HeaderValue::from_static("noindex");

/// What the answer to a request that passed depends on.
pub(super) struct Passed {
    expires_at: SystemTime,
    /// Whether every client that has the URL would have been given the same answer.
    shareable: bool,
}

impl Passed {
    pub(super) fn new(verified: &Verified, headers: &HeaderMap) -> Self {
        Self {
            expires_at: verified.grant.expires_at(),
            // `public` would undo the protection that RFC 9111 section 3.5 gives to requests with `Authorization`.
            shareable: verified.by_url_alone && !headers.contains_key(AUTHORIZATION),
        }
    }

    /// Sets the headers of a response that passes. The time is now, not the request's: a service may have been slow.
    pub(super) fn prepare<B>(&self, response: &mut Response<B>, settings: &Settings, now: impl FnOnce() -> SystemTime) {
        let status = response.status();
        let headers = response.headers_mut();
        match settings.cache {
            Some(Cache::NoStore) => cache::forbid(headers),
            Some(cache) => {
                let shared = cache == Cache::Shared && self.shareable && !headers.contains_key(SET_COOKIE);
                cache::limit(headers, shared, &self.freshness(status, now()));
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

    fn freshness(&self, status: StatusCode, now: SystemTime) -> Freshness {
        Freshness {
            now,
            expires_at: self.expires_at,
            // An error was not said to be fresh by anyone: it may be put right before the link expires.
            by_default: status.is_success() || status == StatusCode::NOT_MODIFIED,
        }
    }
}
