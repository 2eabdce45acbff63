//! Request cookies (RFC 6265 section 5.4), byte for byte: one that is not text must not hide another.

use http::header::{COOKIE, Entry, HeaderMap, HeaderValue};

use crate::quoted::is_token;

/// The usual name for the cookie of a scope token: give it to
/// [`VerifierBuilder::token_cookie`](crate::VerifierBuilder::token_cookie) and
/// [`ScopeToken::set_cookie`](crate::ScopeToken::set_cookie). Without the former no cookie is read.
pub const DEFAULT_COOKIE: &str = "signed-url";

/// The values of all cookies of a name, in the order of the fields that hold them.
pub(crate) fn values<'h>(fields: impl Iterator<Item = &'h HeaderValue>, name: &str) -> impl Iterator<Item = &'h [u8]> {
    fields.flat_map(|field| field.as_bytes().split(|b| *b == b';')).filter_map(move |pair| {
        name_and_value(pair).filter(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    })
}

/// Whether there is a cookie of one of these names.
fn holds(field: &HeaderValue, names: &[Box<str>]) -> bool {
    field.as_bytes().split(|b| *b == b';').any(|pair| is_named(pair, names))
}

/// Takes away all cookies of these names, and fields that hold nothing else.
pub(crate) fn remove(headers: &mut HeaderMap, names: &[Box<str>]) {
    if names.is_empty() || !headers.get_all(COOKIE).iter().any(|field| holds(field, names)) {
        return;
    }
    let Entry::Occupied(fields) = headers.entry(COOKIE) else {
        return;
    };
    let (_, fields) = fields.remove_entry_mult();
    let left: Vec<_> = fields.filter_map(|field| without(field, names)).collect();
    for field in left {
        headers.append(COOKIE, field);
    }
}

/// A field without the cookies of these names; nothing if it holds no others.
fn without(field: HeaderValue, names: &[Box<str>]) -> Option<HeaderValue> {
    if holds(&field, names) { filtered(&field, |pair| !is_named(pair, names)) } else { Some(field) }
}

/// A field with the cookies of these names alone; nothing if it holds none.
pub(crate) fn only(field: &HeaderValue, names: &[Box<str>]) -> Option<HeaderValue> {
    filtered(field, |pair| is_named(pair, names))
}

fn filtered(field: &HeaderValue, keep: impl Fn(&[u8]) -> bool) -> Option<HeaderValue> {
    let kept: Vec<_> = field.as_bytes().split(|b| *b == b';').filter(|pair| keep(pair)).collect();
    let mut left = HeaderValue::from_bytes(kept.join(&b';').trim_ascii()).ok().filter(|left| !left.is_empty())?;
    left.set_sensitive(field.is_sensitive());
    Some(left)
}

fn is_named(pair: &[u8], names: &[Box<str>]) -> bool {
    name_and_value(pair).is_some_and(|(found, _)| names.iter().any(|name| name.as_bytes() == found))
}

fn name_and_value(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|b| *b == b'=')?;
    let (name, value) = pair.split_at_checked(equals)?;
    Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
}

/// The value of a `Set-Cookie` field (RFC 6265 section 4.1) that a browser keeps for this path, for so many seconds.
/// Nothing if it is too long for browsers, who would drop it or its path in silence.
pub(crate) fn set(name: &str, value: &str, path: &str, max_age: u64) -> Option<HeaderValue> {
    const MAX_PAIR: usize = 4096;
    const MAX_ATTRIBUTE: usize = 1024;
    if name.len() + value.len() > MAX_PAIR || path.len() > MAX_ATTRIBUTE {
        return None;
    }
    let field = format!("{name}={value}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax");
    let mut field = HeaderValue::try_from(field).ok()?;
    field.set_sensitive(true);
    Some(field)
}

/// A name for a cookie that a browser takes for any path: a token of RFC 9110 section 5.6.2.
pub(crate) fn is_name(name: &str) -> bool {
    let for_root_alone = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("__Host-"));
    is_token(name) && !for_root_alone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[&str]) -> HeaderMap {
        fields.iter().map(|field| (COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn all_fields_are_searched() {
        for (fields, found) in [
            (&[][..], &[][..]),
            (&["a=1"], &["1"]),
            (&["a=1; b=2", "c=3; a=4"], &["1", "4"]),
            (&["b=a=1;a==;a=\"5\""], &["=", "\"5\""]),
            (&["a; aa=1; A=2"], &[]),
            (&["é=1; a=2"], &["2"]),
            (&["  a = 1 "], &["1"]),
        ] {
            let headers = headers(fields);
            let values: Vec<_> = values(headers.get_all(COOKIE).iter(), "a").map(<[u8]>::to_vec).collect();
            let found: Vec<_> = found.iter().map(|value| value.as_bytes().to_vec()).collect();
            assert_eq!(values, found, "{fields:?}");
        }
    }

    #[test]
    fn others_are_left_as_they_are() {
        for (fields, left) in [
            (&["a=1"][..], &[][..]),
            (&["b=1", "a=1"], &["b=1"]),
            (&["a=1; b=2; a=3; c=4"], &["b=2; c=4"]),
            (&["b=2;a=1"], &["b=2"]),
            (&["a=1; é=2"], &["é=2"]),
            (&["b=1; c", "a"], &["b=1; c", "a"]),
        ] {
            let mut headers = headers(fields);
            remove(&mut headers, &["a".into()]);
            assert_eq!(headers, self::headers(left), "{fields:?}");
        }
    }
}
