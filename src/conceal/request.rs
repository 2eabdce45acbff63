use std::borrow::Cow;

use http::header::{Entry, HeaderMap, HeaderName, HeaderValue, OccupiedEntry, REFERER};
use http::uri::{PathAndQuery, Uri};

use crate::rejection::Rejection;
use crate::verify::Verify;

/// Request headers in which a browser or a proxy repeats a URL.
const URL_HEADERS: [HeaderName; 3] =
    [REFERER, HeaderName::from_static("x-original-uri"), HeaderName::from_static("x-forwarded-uri")];

/// Takes credentials out of the headers that repeat URLs.
pub(crate) fn clean_headers(headers: &mut HeaderMap, verify: &impl Verify) {
    clean_headers_with(headers, |url| verify.strip(url));
}

pub(super) fn clean_headers_with(headers: &mut HeaderMap, clean: impl Fn(&str) -> Cow<'_, str>) {
    for name in &URL_HEADERS {
        // `entry` would make room for a header that is not there.
        if !headers.contains_key(name) {
            continue;
        }
        if let Entry::Occupied(mut lines) = headers.entry(name)
            && !clean_lines(&mut lines, &clean)
        {
            lines.remove_entry_mult();
        }
    }
}

/// False if a line cannot be read, or not be written again.
fn clean_lines(lines: &mut OccupiedEntry<'_, HeaderValue>, clean: impl Fn(&str) -> Cow<'_, str>) -> bool {
    lines.iter_mut().all(|line| {
        let cleaned = match str::from_utf8(line.as_bytes()).map(&clean) {
            Ok(Cow::Borrowed(_)) => return true,
            Ok(Cow::Owned(cleaned)) => HeaderValue::try_from(cleaned),
            Err(_) => return false,
        };
        match cleaned {
            Ok(cleaned) => *line = cleaned,
            Err(_) => return false,
        }
        true
    })
}

/// Gives a URI another path and query.
pub(crate) fn replace_target(uri: &mut Uri, target: PathAndQuery) -> Result<(), Rejection> {
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts).map_err(|_| Rejection::malformed("the URI has no room for a path"))?;
    Ok(())
}
