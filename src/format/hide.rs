use std::borrow::Cow;

use super::names::Names;
use super::parameter::{name_of_escaped, read_escape};
use super::split::split_query;

/// `target`, or a whole URL, without any reserved parameter, wherever it stands in the query: what may be routed and
/// served. What is left keeps its bytes and its order. Nothing if there is none.
///
/// With `token_path`, a scope token that is the first segment goes as well.
pub(crate) fn strip(target: &str, names: &Names, token_path: bool) -> Option<String> {
    let segment = if token_path { names.token_segment(target) } else { None };
    let (path, query) = split_query(target);
    let is_reserved = |parameter: &str| names.is_reserved(parameter);
    if segment.is_none() && !query.is_some_and(|query| query.split('&').any(is_reserved)) {
        return None;
    }
    let path = match segment.and_then(|segment| path.get(1 + segment.len()..)) {
        Some("") => "/",
        Some(rest) => rest,
        None => path,
    };
    let mut stripped = path.to_owned();
    if let Some(query) = query {
        push_query(&mut stripped, query.split('&').filter(|parameter| !is_reserved(parameter)));
    }
    Some(stripped)
}

/// `url`, or a request target, without anything that is or may be a credential: what may be logged. Nothing if there is
/// none.
///
/// Judges nothing, so it takes more than [`strip`]: the parameters of a query that was percent-encoded, however often, or
/// HTML-escaped, for such a link is easily mended, and every path segment that begins like a scope token, at any depth.
pub(crate) fn hide(url: &str, names: &Names) -> Option<String> {
    if !names.may_occur_in(url) {
        return None;
    }
    let (path, query) = split_query(url);
    let segments: Vec<_> = path.split('/').filter(|segment| !names.is_token_segment(segment)).collect();
    let mut hidden = hide_encoded(&hide_tokens(&segments.join("/"), names), names);
    if url.starts_with('/') && hidden.is_empty() {
        hidden.push('/');
    }
    if let Some(query) = query {
        // Judged last: what is left of one may have become a credential's name.
        let parameters = query.split('&').filter_map(|parameter| {
            let (escape, parameter) = parameter.split_at_checked(html_escape(parameter))?;
            let parameter = hide_encoded(&hide_tokens(parameter, names), names);
            (!may_be_credential(&parameter, names)).then(|| [escape, &parameter].concat())
        });
        push_query(&mut hidden, parameters);
    }
    (hidden != url).then_some(hidden)
}

fn push_query(url: &mut String, parameters: impl Iterator<Item = impl AsRef<str>>) {
    let mut separator = '?';
    for parameter in parameters {
        url.push(separator);
        url.push_str(parameter.as_ref());
        separator = '&';
    }
}

/// Without the text of scope tokens, wherever it begins: behind an escaped `~` or `/`, in a value.
fn hide_tokens<'t>(text: &'t str, names: &Names) -> Cow<'t, str> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let mut pieces = text.split(names.token_text());
    let first = pieces.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut hidden = first.to_owned();
    for piece in pieces {
        let end = piece.bytes().position(|b| !is_token(b)).unwrap_or(piece.len());
        for tilde in ["~", "%7E", "%7e"] {
            if hidden.ends_with(tilde) {
                hidden.truncate(hidden.len() - tilde.len());
            }
        }
        hidden.push_str(piece.get(end..).unwrap_or_default());
    }
    Cow::Owned(hidden)
}

/// Without the parameters of a query that stands in a path or a value, percent-encoded or in part (a browser that is given
/// a path encodes its `?` and leaves its `&`).
fn hide_encoded(text: &str, names: &Names) -> String {
    let mut hidden = String::with_capacity(text.len());
    let (mut separator, mut rest) = ("", text);
    loop {
        let next = find_separator(rest);
        let (piece, after) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        if separator.is_empty() || !may_be_credential(piece, names) {
            hidden.push_str(separator);
            hidden.push_str(piece);
        }
        let Some((found, left)) = next.and_then(|(_, length)| after.split_at_checked(length)) else {
            return hidden;
        };
        (separator, rest) = (found, left);
    }
}

/// Where the first separator of such a query stands, and how long it is. In one pass: to look for each by itself would go
/// to the end of the text at each of the others.
///
/// `;` and `,` are those of other conventions, which a link may have been rewritten to; `\u0026` is how JSON writes `&`.
fn find_separator(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter(|(_, byte)| b"%&?;,\\".contains(byte)).find_map(|(at, _)| {
        let length = match bytes.get(at..)? {
            [b'&', ..] => 1 + html_escape(text.get(at + 1..)?),
            [b'?' | b';' | b',', ..] => 1,
            [b'\\', b'u', b'0', b'0', b'2', b'6', ..] => 6,
            escaped => match read_escape(escaped)? {
                ([b'3', b'F' | b'B'] | [b'2', b'6' | b'C'], length) => length,
                ([b'5', b'C'], length) if bytes.get(at + length..)?.starts_with(b"u0026") => length + 5,
                _ => return None,
            },
        };
        Some((at, length))
    })
}

/// The length of what HTML puts behind an `&`, once or several times.
fn html_escape(text: &str) -> usize {
    let mut rest = text;
    while let Some(after) = ["amp;", "#38;", "#x26;"].into_iter().find_map(|escape| rest.strip_prefix(escape)) {
        rest = after;
    }
    text.len() - rest.len()
}

/// Whether a parameter has a reserved name, or has one when it is unescaped.
fn may_be_credential(parameter: &str, names: &Names) -> bool {
    names.may_begin(parameter) && names.is_reserved(name_of_escaped(parameter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_parameter_goes() {
        let names = Names::default();
        for (text, stripped) in [
            ("/a?sig=1&b=2&exp=3&c&sig-x", "/a?b=2&c"),
            ("/a?b=1&sig=2", "/a?b=1"),
            ("/a?sig", "/a"),
            ("/a?&sig", "/a?"),
            ("/a?sig&", "/a?"),
            ("/~c2lnLXNjb3BlPSx?a&sig=1", "/~c2lnLXNjb3BlPSx?a"),
            ("https://h?exp=1&sig=2", "https://h"),
            ("?exp=1&sig=2", ""),
            ("*?sig=1", "*"),
        ] {
            assert_eq!(strip(text, &names, false).as_deref(), Some(stripped), "{text}");
        }
        for same in [
            "",
            "/",
            "*",
            "/a?b",
            "/a&sig=1",
            "/a%3Fsig=1",
            "/a?b%26sig=1",
            "/a?b&amp;sig=1",
            "/a?Sig=1",
            "/a?&&",
            "/~c2lnLXNjb3BlPSx",
        ] {
            assert_eq!(strip(same, &names, false), None, "{same}");
        }
    }

    #[test]
    fn a_token_goes_from_the_front_of_a_path_where_it_is_asked_for() {
        let names = Names::default();
        for (text, stripped) in [
            ("/~c2lnLXNjb3BlPSxyz/v/1.ts", Some("/v/1.ts")),
            ("/~c2lnLXNjb3BlPSxyz/v/1.ts?a&sig=1", Some("/v/1.ts?a")),
            ("/~c2lnLXNjb3BlPSxyz", Some("/")),
            ("/~c2lnLXNjb3BlPSxyz?a", Some("/?a")),
            ("/~c2lnLXNjb3BlPSxyz/", Some("/")),
            ("/~c2lnLXNjb3BlPSxyz//h", Some("//h")),
            ("/~c2lnLXNjb3BlPSx/~c2lnLXNjb3BlPSx/a", Some("/~c2lnLXNjb3BlPSx/a")),
            ("/v/~c2lnLXNjb3BlPSxyz/1.ts", None),
            ("/~c2lnLXNjb3BlPR/v", None),
            ("/~/v", None),
        ] {
            assert_eq!(strip(text, &names, true).as_deref(), stripped, "{text}");
        }
    }

    #[test]
    fn what_is_logged_holds_nothing_that_is_easily_mended() {
        let names = Names::default();
        for (text, hidden) in [
            ("/a?sig=1&b=2&exp=3&c&sig-x", "/a?b=2&c"),
            ("/~c2lnLXNjb3BlPSxyz", "/"),
            ("/~c2lnLXNjb3BlPSxyz?a", "/?a"),
            ("/~c2lnLXNjb3BlPSxyz/v/1?a&sig=1", "/v/1?a"),
            ("/v/~c2lnLXNjb3BlPSxyz/1", "/v/1"),
            ("https://h/~c2lnLXNjb3BlPS/v?sig=1#x", "https://h/v"),
            ("/a%3Fexp=1%26sig=2", "/a"),
            ("/a%3fexp%3d1%26x%3D2%26sig%3D3", "/a%26x%3D2"),
            ("/a?sig=?b=c%3Fd=e%26f", "/a"),
            ("/a?exp%3D1%26sig%3D2&b", "/a?b"),
            ("/a?x=1&amp;exp=2&amp;sig=3&amp;amp;sig=4&amp;y", "/a?x=1&amp;y"),
            ("/a?next=%2Fb%3Fexp%3D1%26sig%3D2", "/a?next=%2Fb"),
            ("/a?next=/b?exp=1&sig=2", "/a?next=/b"),
            ("/a?next=%2Fb%3Fnext%3D%252Fc%253Fexp%253D1%2526sig%253d2", "/a?next=%2Fb%3Fnext%3D%252Fc"),
            ("/a?next=%25252Fb%25253fw%25253D1%252526sig%25253D2%252526x", "/a?next=%25252Fb%25253fw%25253D1%252526x"),
            ("/%7Ec2lnLXNjb3BlPSxy-_z/v/1", "//v/1"),
            ("/x%2F%7ec2lnLXNjb3BlPSxyz%2Fv", "/x%2F%2Fv"),
            ("/v/a;exp=1;sig=2", "/v/a"),
            ("/v/a;v=1;exp=1;sig=2?b", "/v/a;v=1?b"),
            ("/a?w=1;exp=1;sig=2", "/a?w=1"),
            ("/a?exp=1;sig=2;w", "/a"),
            ("/a?w=1,exp=1,sig=2", "/a?w=1"),
            ("/a?next=%2Fb%3Fw%3D1%3Bexp%3D1%3Bsig%3D2", "/a?next=%2Fb%3Fw%3D1"),
            ("/a?w=1\\u0026exp=1\\u0026sig=2", "/a?w=1"),
            ("/a?w=1%5Cu0026exp=1%5cu0026sig=2", "/a?w=1"),
            ("/a?w=1&#38;exp=1&#38;sig=2&#x26;b", "/a?w=1&#x26;b"),
            ("/a?w=1&amp;exp=1%26amp;sig=2", "/a?w=1"),
            ("/a?next=/~c2lnLXNjb3BlPSxyz/v&b", "/a?next=//v&b"),
            ("/a?t=c2lnLXNjb3BlPSxyz", "/a?t="),
            ("/a%3Fx=1&exp=1&sig=2", "/a%3Fx=1"),
            ("/a%3Fexp=1&x=1&sig=2", "/a&x=1"),
            ("/a?sig~c2lnLXNjb3BlPSx=1&b", "/a?b"),
            ("/a?sig%26exp=1&b", "/a?b"),
        ] {
            assert_eq!(hide(text, &names).as_deref(), Some(hidden), "{text}");
        }
        for same in [
            "",
            "/",
            "*",
            "/a?b",
            "/~other/a",
            "/a?Sig=1",
            "https://h/a?b=sig",
            "/a?&&",
            "/a%3Fb%26c",
            "/a?sig%",
            "/a%25?sigs%25",
        ] {
            assert_eq!(hide(same, &names), None, "{same}");
        }
        // Most requests have a `Referer`, and hardly any of them holds a credential.
        let referer = "https://example.com/photos?page=2";
        assert_eq!(allocation_counter::measure(|| assert_eq!(hide(referer, &names), None)).count_total, 0);
    }
}
