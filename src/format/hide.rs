use std::borrow::Cow;

use super::names::Names;

/// `text`, a request target or a whole URL, without anything that is or may be a credential.
///
/// Judges nothing: every reserved parameter goes, wherever it stands, and every path segment that begins like a scope
/// token, at any depth; `&amp;` counts as `&`, since a link that was escaped once too often is easily mended. What is
/// left keeps its bytes and its order.
pub(crate) fn hide<'t>(text: &'t str, names: &Names) -> Cow<'t, str> {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let is_reserved = |parameter: &str| names.is_reserved(parameter.trim_start_matches("amp;"));
    let in_path = path.split('/').any(|segment| names.is_token_segment(segment));
    let in_query = query.is_some_and(|query| query.split('&').any(is_reserved));
    if !in_path && !in_query {
        return Cow::Borrowed(text);
    }

    let mut hidden = String::with_capacity(text.len());
    let segments = path.split('/').filter(|segment| !names.is_token_segment(segment));
    push_joined(&mut hidden, None, '/', segments);
    if text.starts_with('/') && hidden.is_empty() {
        hidden.push('/');
    }
    if let Some(query) = query {
        let parameters = query.split('&').filter(|p| !is_reserved(p));
        push_joined(&mut hidden, Some('?'), '&', parameters);
    }
    Cow::Owned(hidden)
}

fn push_joined<'p>(to: &mut String, before: Option<char>, between: char, parts: impl Iterator<Item = &'p str>) {
    let mut separator = before;
    for part in parts {
        to.extend(separator);
        to.push_str(part);
        separator = Some(between);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_parameter_and_token_segment_goes() {
        let names = Names::default();
        for (text, hidden) in [
            ("/a?sig=1&b=2&exp=3&c&sig-x", "/a?b=2&c"),
            ("/a?b=1&sig=2", "/a?b=1"),
            ("/a?sig", "/a"),
            ("/a?x=1&amp;exp=2&amp;sig=3&amp;amp;sig=4&amp;y", "/a?x=1&amp;y"),
            ("/~c2lnLXNjb3BlPSxyz", "/"),
            ("/~c2lnLXNjb3BlPSxyz?a", "/?a"),
            ("/~c2lnLXNjb3BlPSxyz/v/1?a&sig=1", "/v/1?a"),
            ("/v/~c2lnLXNjb3BlPSxyz/1", "/v/1"),
            ("https://h/~c2lnLXNjb3BlPS/v?sig=1#x", "https://h/v"),
            ("https://h?exp=1&sig=2", "https://h"),
            ("?exp=1&sig=2", ""),
            ("*?sig=1", "*"),
        ] {
            assert_eq!(hide(text, &names), hidden, "{text}");
        }
        for same in ["", "/", "*", "/a?b", "/~other/a", "/a?Sig=1", "https://h/a?b=sig", "/a?&&"] {
            assert!(matches!(hide(same, &names), Cow::Borrowed(t) if t == same), "{same}");
        }
    }
}
