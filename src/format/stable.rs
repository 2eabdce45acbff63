use super::names::Names;
use super::parameter::name_of;
use super::split::{pieces, split_query};

/// Why a target would not come back byte for byte from a browser, or could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unstable<'t> {
    NotOneSlash,
    Fragment,
    Character(char),
    DotSegment,
    /// A segment that begins like a scope token.
    Token,
    Reserved(&'t str),
    Tolerated(&'t str),
}

/// Whether `target`, a path with or without a query, can be signed and survives a WHATWG URL parser.
pub(crate) fn check_target<'t>(target: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    check_unsigned(target, names)?;
    let query = split_query(target).1.unwrap_or_default();
    match pieces(query, b'&').find(|(_, parameter)| names.is_tolerated(parameter)) {
        Some((_, parameter)) => Err(Unstable::Tolerated(name_of(parameter))),
        None => Ok(()),
    }
}

/// Whether `target` can carry a scope token, which does not sign it, and survives a WHATWG URL parser.
pub(crate) fn check_unsigned<'t>(target: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    if !target.starts_with('/') || target.starts_with("//") {
        return Err(Unstable::NotOneSlash);
    }
    match split_query(target) {
        (path, Some(query)) => check_path(path, names).and_then(|()| check_query(query, names)),
        (path, None) => check_path(path, names),
    }
}

pub(crate) fn check_path<'t>(path: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    check_characters(path, IN_PATH)?;
    for (_, segment) in pieces(path, b'/') {
        if is_dot_segment(segment) {
            return Err(Unstable::DotSegment);
        }
        if names.is_token_segment(segment) {
            return Err(Unstable::Token);
        }
    }
    Ok(())
}

fn check_query<'t>(query: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    check_characters(query, IN_QUERY)?;
    for (_, parameter) in pieces(query, b'&') {
        if names.is_reserved(parameter) {
            return Err(Unstable::Reserved(name_of(parameter)));
        }
    }
    Ok(())
}

/// Whether a value can stand in a query by itself.
pub(crate) fn is_stable_value(value: &str) -> bool {
    check_characters(value, IN_QUERY).is_ok() && !value.contains('&')
}

const IN_PATH: u8 = 1;
const IN_QUERY: u8 = 2;

/// Where a byte is left alone by every browser, mail client and `http::Uri`. All of these are printable ASCII.
#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated when it is compiled")]
const STABLE: [u8; 256] = {
    let mut stable = [0; 256];
    let mut byte = 0;
    while byte < stable.len() {
        stable[byte] = match byte as u8 {
            b'"' | b'#' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'\\' | b'^' => 0,
            b'\'' => IN_PATH,
            0x21..=0x7e => IN_PATH | IN_QUERY,
            _ => 0,
        };
        byte += 1;
    }
    stable
};

fn check_characters(text: &str, place: u8) -> Result<(), Unstable<'static>> {
    let is_stable = |byte: u8| STABLE.get(usize::from(byte)).is_some_and(|places| places & place != 0);
    let Some(at) = text.bytes().position(|byte| !is_stable(byte)) else {
        return Ok(());
    };
    // What stands before it is ASCII, so a character begins here.
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some('#') => Err(Unstable::Fragment),
        character => Err(Unstable::Character(character.unwrap_or_default())),
    }
}

/// `.` or `..`, percent-encoded or not: a URL parser removes them.
fn is_dot_segment(segment: &str) -> bool {
    fn after_dot(text: &str) -> Option<&str> {
        text.strip_prefix('.').or_else(|| text.strip_prefix("%2e")).or_else(|| text.strip_prefix("%2E"))
    }
    after_dot(segment).is_some_and(|rest| rest.is_empty() || after_dot(rest) == Some(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_would_not_survive_are_named_for_what_is_wrong() {
        let names = Names::new(None, &["utm".into()]).unwrap();
        for (target, expected) in [
            ("/", Ok(())),
            ("/a'b/%zz//c;d?x=1&&y=a?b/./..", Ok(())),
            ("/a?", Ok(())),
            ("/.../.a/..b/a./%2e%2ea", Ok(())),
            ("", Err(Unstable::NotOneSlash)),
            ("a", Err(Unstable::NotOneSlash)),
            ("//h/a", Err(Unstable::NotOneSlash)),
            ("?a", Err(Unstable::NotOneSlash)),
            ("/a#b", Err(Unstable::Fragment)),
            ("/a?b#c", Err(Unstable::Fragment)),
            ("/a b", Err(Unstable::Character(' '))),
            ("/é", Err(Unstable::Character('é'))),
            ("/a\n", Err(Unstable::Character('\n'))),
            ("/a\u{7f}", Err(Unstable::Character('\u{7f}'))),
            ("/a\\b", Err(Unstable::Character('\\'))),
            ("/a?b=|", Err(Unstable::Character('|'))),
            ("/a?b='", Err(Unstable::Character('\''))),
            ("/.", Err(Unstable::DotSegment)),
            ("/a/../b", Err(Unstable::DotSegment)),
            ("/a/%2E", Err(Unstable::DotSegment)),
            ("/a/.%2e?x", Err(Unstable::DotSegment)),
            ("/%2e%2E/b", Err(Unstable::DotSegment)),
            ("/a?exp=1", Err(Unstable::Reserved("exp"))),
            ("/a?b&sig-no=1", Err(Unstable::Reserved("sig-no"))),
            ("/a?sig", Err(Unstable::Reserved("sig"))),
            ("/a?utm=1", Err(Unstable::Tolerated("utm"))),
            ("/a/~c2lnLXNjb3BlPSx", Err(Unstable::Token)),
        ] {
            assert_eq!(check_target(target, &names), expected, "{target}");
        }
    }
}
