use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER};

use crate::cookie;
use crate::verify::Verify;

/// Request headers in which a browser or a proxy repeats a URL.
const URL_HEADERS: [HeaderName; 7] = [
    REFERER,
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-envoy-original-path"),
    HeaderName::from_static("hx-current-url"),
];

/// Takes credentials out of the headers that repeat URLs.
pub(crate) fn clean_headers(headers: &mut HeaderMap, verify: &impl Verify) {
    clean_headers_with(headers, |url| verify.hide(url));
}

/// `clean` gives nothing for a URL that may stay as it is. `Authorization`, which may hold a link's password, is marked as
/// sensitive.
pub(super) fn clean_headers_with(headers: &mut HeaderMap, clean: impl Fn(&str) -> Option<String>) {
    for (name, value) in headers.iter_mut() {
        if *name == AUTHORIZATION {
            value.set_sensitive(true);
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

/// Takes the cookies of these names out of a request, and gives them, a field for each that held one. What may be another
/// credential is marked as sensitive.
pub(super) fn take_cookies(headers: &mut HeaderMap, names: &[Box<str>]) -> Vec<HeaderValue> {
    let taken: Vec<_> = headers.get_all(COOKIE).iter().filter_map(|field| cookie::only(field, names)).collect();
    cookie::remove(headers, names);
    mark_sensitive(headers);
    taken
}

/// Has `Debug` show nothing of the fields that credentials come in.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap) {
    let is_secret = |name: &HeaderName| *name == COOKIE || *name == AUTHORIZATION;
    headers.iter_mut().filter(|(name, _)| is_secret(name)).for_each(|(_, field)| field.set_sensitive(true));
}
