use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER};

use crate::cookie;
use crate::verify::Verify;

/// Request headers in which a browser or a proxy repeats a URL.
const URL_HEADERS: [HeaderName; 12] = [
    REFERER,
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-envoy-original-path"),
    HeaderName::from_static("x-forwarded-path"),
    HeaderName::from_static("x-replaced-path"),
    HeaderName::from_static("x-ms-original-url"),
    HeaderName::from_static("x-waws-unencoded-url"),
    HeaderName::from_static("ping-from"),
    HeaderName::from_static("hx-current-url"),
];

/// Takes credentials out of the headers that repeat URLs.
pub(crate) fn clean_headers(headers: &mut HeaderMap, verify: &impl Verify) {
    clean_headers_with(headers, |url| verify.hide(url));
}

/// `clean` gives nothing for a URL that may stay as it is. What else may hold a credential, a password or a session, is
/// marked as sensitive, so that `Debug` shows nothing of it.
pub(super) fn clean_headers_with(headers: &mut HeaderMap, clean: impl Fn(&str) -> Option<String>) {
    for (name, value) in headers.iter_mut() {
        if *name == AUTHORIZATION || *name == COOKIE {
            value.set_sensitive(true);
            continue;
        }
        if !URL_HEADERS.contains(name) {
            continue;
        }
        let cleaned = match str::from_utf8(value.as_bytes()).map(&clean) {
            Ok(None) => continue,
            Ok(Some(cleaned)) => HeaderValue::try_from(cleaned).ok(),
            Err(_) => None,
        };
        // Of what cannot be read, or not be written again, nothing is left.
        *value = cleaned.unwrap_or(HeaderValue::from_static(""));
    }
}

/// Takes the cookies of these names out of a request, and gives them, a field for each that held one.
pub(super) fn take_cookies(headers: &mut HeaderMap, names: &[Box<str>]) -> Vec<HeaderValue> {
    let taken: Vec<_> = headers.get_all(COOKIE).iter().filter_map(|field| cookie::only(field, names)).collect();
    cookie::remove(headers, names);
    taken
}
