use super::percent::decode;

/// Why a scope, or a path that one is applied to, might be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous(pub(crate) &'static str);

/// Whether a path can be read in one way only, so that no two readers disagree about where it leads.
fn check_unambiguous(path: &str) -> Result<(), Ambiguous> {
    let Some(path) = path.strip_prefix('/') else {
        return Err(Ambiguous("a path that does not begin with `/`"));
    };
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_end = segment.is_empty() && segments.peek().is_none();
        if !is_end {
            check_segment(segment)?;
        }
    }
    Ok(())
}

/// Whether a path is under a scope, which was [checked](check_scope), and can be read in one way only.
pub(crate) fn check_under(scope: &str, path: &str) -> Result<(), Ambiguous> {
    match path.strip_prefix(scope) {
        // The scope's last byte is the slash that the rest begins with.
        Some(_) => check_unambiguous(path.get(scope.len() - 1..).unwrap_or_default()),
        None => Err(Ambiguous("a path that is not under the scope")),
    }
}

/// Whether a scope is one: it begins and ends with `/`, and is unambiguous.
pub(crate) fn check_scope(scope: &str) -> Result<(), Ambiguous> {
    if !scope.ends_with('/') {
        return Err(Ambiguous("a scope that does not end with `/`"));
    }
    if scope.contains(['&', ';', ',', '?', '#', '\'']) {
        return Err(Ambiguous("a scope that holds one of `& ; , ? # '`"));
    }
    check_unambiguous(scope)
}

/// A segment that a reader who decodes it, cuts it at `;` and trims it takes for `.`, `..` or nothing leads elsewhere.
fn check_segment(segment: &str) -> Result<(), Ambiguous> {
    // Nearly every segment is a name in which there is nothing to decode.
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'%' && b != b'\\';
    if segment.starts_with(|c: char| c.is_ascii_alphanumeric()) && segment.bytes().all(is_plain) {
        return Ok(());
    }
    let (mut dots, mut space_after, mut named, mut cut) = (0_usize, false, false, false);
    for character in decode(segment) {
        match character.ok_or(Ambiguous("a byte or an escape that is not valid in a path"))? {
            ('%' | '/' | '\\', true) => return Err(Ambiguous("an escaped `%`, `/` or `\\`")),
            ('\\', false) => return Err(Ambiguous("a `\\`")),
            (control, _) if control.is_ascii_control() => return Err(Ambiguous("an escaped control character")),
            (';', _) => cut = true,
            _ if cut => {}
            // Readers that trim differ in what they take for a space.
            (space, _) if space.is_whitespace() || space == '\u{feff}' => space_after = dots > 0,
            ('.', _) if !space_after => dots += 1,
            _ => named = true,
        }
    }
    if named || dots > 2 { Ok(()) } else { Err(Ambiguous("a segment that is empty, `.` or `..`")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_two_readers_may_read_differently_are_refused() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/a/b.ts",
            "/...",
            "/a;x=1",
            "/.a",
            "/a..",
            "/%20a",
            "/caf%C3%A9",
            "/%2ea",
            "/a'b,c&d",
            "/~x",
            "/.%20.",
        ] {
            assert_eq!(check_unambiguous(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "a",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/%2e",
            "/%2E%2e/a",
            "/.%2e",
            "/..;x/a",
            "/;x/a",
            "/a/;",
            "/%3Bx/a",
            "/.%3b",
            "/%20",
            "/%20..%20/a",
            "/..%C2%A0/a",
            "/%E3%80%80../a",
            "/..%C2%85",
            "/..%E2%80%A8/a",
            "/%EF%BB%BF../a",
            "/%C2%A0/a",
            "/..%20",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%25b",
            "/a%252e",
            "/a%00",
            "/a%0a",
            "/a%1F",
            "/a%7f",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%C0%AE",
            "/%c3",
            "/é",
            "/a b",
        ] {
            assert!(check_unambiguous(path).is_err(), "{path}");
        }
    }

    #[test]
    fn under_a_scope_is_what_it_prefixes() {
        for path in ["/v/42/", "/v/42/a.ts", "/v/42/a/b/", "/v/42/%2ea"] {
            assert_eq!(check_under("/v/42/", path), Ok(()), "{path}");
        }
        for path in
            ["/v/42", "/v/421", "/V/42/a", "/v/4%32/a", "/v/42//", "/v/42/../43/a", "/v/42/%2e%2e/a", "/v/42/a%2f"]
        {
            assert!(check_under("/v/42/", path).is_err(), "{path}");
        }
    }

    #[test]
    fn scopes_end_with_a_slash_and_fit_a_cookie() {
        for scope in ["/", "/videos/42/", "/caf%C3%A9/"] {
            assert_eq!(check_scope(scope), Ok(()), "{scope}");
        }
        for scope in ["", "a/", "/a", "//", "/a/../", "/a;x/", "/a,b/", "/a'b/", "/a&b/", "/a?/", "/a#/", "/a%2f/"] {
            assert!(check_scope(scope).is_err(), "{scope}");
        }
    }
}
