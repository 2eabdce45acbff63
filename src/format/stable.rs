use super::names::Names;

/// Why a target would not come back byte for byte from a browser, or could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unstable<'t> {
    NotOneSlash,
    Fragment,
    Character(char),
    DotSegment,
    /// Holds a reserved name, or a segment that begins like a scope token.
    Reserved(&'t str),
    Tolerated(&'t str),
}

/// Whether `target`, a path with or without a query, can be signed and survives a WHATWG URL parser.
pub(crate) fn check_target<'t>(target: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    if !target.starts_with('/') || target.starts_with("//") {
        return Err(Unstable::NotOneSlash);
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    check_path(path, names)?;
    query.map_or(Ok(()), |query| check_query(query, names))
}

pub(crate) fn check_path<'t>(path: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    check_characters(path, false)?;
    for segment in path.split('/') {
        if is_dot_segment(segment) {
            return Err(Unstable::DotSegment);
        }
        if names.is_token_segment(segment) {
            return Err(Unstable::Reserved(segment));
        }
    }
    Ok(())
}

fn check_query<'t>(query: &'t str, names: &Names) -> Result<(), Unstable<'t>> {
    check_characters(query, true)?;
    for parameter in query.split('&') {
        let name = super::fault::name_of(parameter);
        if names.is_reserved(parameter) {
            return Err(Unstable::Reserved(name));
        }
        if names.is_tolerated(parameter) {
            return Err(Unstable::Tolerated(name));
        }
    }
    Ok(())
}

fn check_characters(text: &str, in_query: bool) -> Result<(), Unstable<'static>> {
    match text.chars().find(|&c| !is_stable(c, in_query)) {
        Some('#') => Err(Unstable::Fragment),
        Some(character) => Err(Unstable::Character(character)),
        None => Ok(()),
    }
}

/// Printable ASCII that no browser, mail client or `http::Uri` re-encodes.
fn is_stable(character: char, in_query: bool) -> bool {
    match character {
        '"' | '#' | '<' | '>' | '`' | '{' | '}' | '|' | '\\' | '^' => false,
        '\'' => !in_query,
        other => other.is_ascii_graphic(),
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
            ("/a/~c2lnLXNjb3BlPSx", Err(Unstable::Reserved("~c2lnLXNjb3BlPSx"))),
        ] {
            assert_eq!(check_target(target, &names), expected, "{target}");
        }
    }
}
