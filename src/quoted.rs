//! Header values that may hold quoted strings (RFC 9110 section 5.6).

/// The parts between the separators that are outside of quoted strings; none if a quoted string does not end.
pub(crate) fn split(value: &str, separator: char) -> Option<Vec<&str>> {
    let mut quoted = false;
    let parts = parts(value, separator, &mut quoted).map(str::trim).collect();
    (!quoted).then_some(parts)
}

/// Whether there is no separator outside of quoted strings, and each of these ends.
pub(crate) fn is_one(value: &str, separator: char) -> bool {
    let mut quoted = false;
    let is_one = parts(value, separator, &mut quoted).nth(1).is_none();
    is_one && !quoted
}

/// `quoted` tells whether the part that was last given ends inside of a quoted string.
fn parts<'v>(value: &'v str, separator: char, quoted: &mut bool) -> impl Iterator<Item = &'v str> {
    let mut escaped = false;
    value.split(move |c| {
        let escapes = *quoted && !escaped && c == '\\';
        *quoted ^= c == '"' && !escaped;
        escaped = escapes;
        c == separator && !*quoted
    })
}

/// What a token or a quoted string says; none if it is neither.
pub(crate) fn read(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else {
        return is_token(value).then(|| value.to_owned());
    };
    let mut content = String::new();
    let mut chars = rest.strip_suffix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => content.push(chars.next()?),
            c => content.push(c),
        }
    }
    Some(content)
}

/// A token of RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_count_outside_of_quoted_strings() {
        for (value, parts) in [
            ("", Some(&[""][..])),
            ("a", Some(&["a"])),
            (" a ,\tb", Some(&["a", "b"])),
            (",a,", Some(&["", "a", ""])),
            (r#""a,b",c"#, Some(&[r#""a,b""#, "c"])),
            (r#""\",",c"#, Some(&[r#""\",""#, "c"])),
            (r#""\\",c"#, Some(&[r#""\\""#, "c"])),
            (r"\,c", Some(&[r"\", "c"])),
            (r#"""#, None),
            (r#"a,"b,c"#, None),
            (r#""a\","#, None),
        ] {
            assert_eq!(split(value, ',').as_deref(), parts, "{value}");
        }
    }

    #[test]
    fn values_are_tokens_or_quoted_strings() {
        for (value, content) in [
            ("a", Some("a")),
            ("_A1.b-c", Some("_A1.b-c")),
            (r#""""#, Some("")),
            (r#""[::1]:80, x""#, Some("[::1]:80, x")),
            (r#""a\b\"\\""#, Some(r#"ab"\"#)),
            ("", None),
            ("a b", None),
            ("a:b", None),
            ("[a]", None),
            ("é", None),
            (r#"""#, None),
            (r#""a"#, None),
            (r#"a""#, None),
            (r#""a"b"#, None),
            (r#""a"b""#, None),
            (r#""a\""#, None),
            (r#"x"a""#, None),
        ] {
            assert_eq!(read(value).as_deref(), content, "{value}");
        }
    }
}
