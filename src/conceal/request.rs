use http::header::{HeaderMap, HeaderName, HeaderValue, REFERER};
use http::uri::{PathAndQuery, Uri};

use crate::rejection::Rejection;
use crate::verify::Verify;

/// Request headers in which a browser or a proxy repeats a URL.
const URL_HEADERS: [HeaderName; 3] =
    [REFERER, HeaderName::from_static("x-original-uri"), HeaderName::from_static("x-forwarded-uri")];

/// Takes credentials out of the headers that repeat URLs.
pub(crate) fn clean_headers(headers: &mut HeaderMap, verify: &impl Verify) {
    clean_headers_with(headers, |url| verify.hide(url));
}

/// `clean` gives nothing for a URL that may stay as it is.
pub(super) fn clean_headers_with(headers: &mut HeaderMap, clean: impl Fn(&str) -> Option<String>) {
    for (_, value) in headers.iter_mut().filter(|(name, _)| URL_HEADERS.contains(name)) {
        let cleaned = match str::from_utf8(value.as_bytes()).map(&clean) {
            Ok(None) => continue,
            Ok(Some(cleaned)) => HeaderValue::try_from(cleaned).ok(),
            Err(_) => None,
        };
        // Of what cannot be read, or not be written again, nothing is left.
        *value = cleaned.unwrap_or(HeaderValue::from_static(""));
    }
}

/// Gives a URI another path and query.
pub(crate) fn replace_target(uri: &mut Uri, target: PathAndQuery) -> Result<(), Rejection> {
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts).map_err(|_| Rejection::malformed("the URI has no room for a path"))?;
    Ok(())
}
