use bytes::Bytes;
use http::header::{HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, StatusCode};

use super::SignedUrlLayer;
use crate::cache;
use crate::clock::seconds_until;
use crate::cookie;
use crate::format::encode_token;
use crate::grant::Grant;
use crate::head::Head;
use crate::reject::NO_REFERRER;
use crate::verify::Verify;

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl<V: Verify, A> SignedUrlLayer<V, A> {
    /// The answer to a navigation by a token in the query, if tokens are to be exchanged: a cookie, and the way to the same
    /// URL without the token. Nothing for any other request, and where a browser would not keep the cookie.
    pub(super) fn exchange_for_cookie(
        &self,
        head: Head<'_>,
        token: &str,
        stripped: &PathAndQuery,
        grant: &Grant,
    ) -> Option<Box<Response<Bytes>>> {
        let base = self.settings.exchange.as_deref()?;
        let (mode, destination) = (head.only_field(&SEC_FETCH_MODE), head.only_field(&SEC_FETCH_DEST));
        // In another site's frame a browser would not keep the cookie.
        let is_framed = destination.is_some_and(|destination| destination != "document");
        if *head.method() != Method::GET || mode != Some("navigate") || is_framed {
            return None;
        }
        let path = [base, grant.scope()?].concat();
        // A cookie for no time would be taken away instead.
        let left = Some(seconds_until(grant.expires_at(), self.verify.now())).filter(|left| *left > 0)?;
        let set_cookie = cookie::set(self.verify.cookies().first()?, &encode_token(token), &path, left)?;

        let mut response = Response::default();
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        // The path rules leave no `//` that could make a host of it.
        headers.insert(LOCATION, HeaderValue::try_from([base, stripped.as_str()].concat()).ok()?);
        headers.insert(SET_COOKIE, set_cookie);
        headers.insert(REFERRER_POLICY, NO_REFERRER);
        cache::forbid(headers);
        Some(Box::new(response))
    }
}
