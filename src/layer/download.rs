use std::fmt::Write;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in an extended value: `attr-char` of RFC 8187 section 3.2.1.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value of a `Content-Disposition` field (RFC 6266) that has a response saved under this name.
///
/// `filename*` has all of it; `filename`, for clients that know no other, what every one of them reads alike.
pub(super) fn attachment(file_name: &str) -> HeaderValue {
    let mut value = String::from("attachment; filename=\"");
    value.extend(file_name.chars().map(|c| match c {
        '"' | '\\' | '%' => '_',
        ' '..='~' => c,
        _ => '_',
    }));
    // Writing to a string cannot fail.
    let _ = write!(value, "\"; filename*=UTF-8''{}", utf8_percent_encode(file_name, EXTENDED));
    // All of it is printable ASCII, so the error cannot occur.
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_escaped() {
        for (name, value) in [
            ("a.pdf", r#"attachment; filename="a.pdf"; filename*=UTF-8''a.pdf"#),
            ("two words.pdf", r#"attachment; filename="two words.pdf"; filename*=UTF-8''two%20words.pdf"#),
            ("café.pdf", r#"attachment; filename="caf_.pdf"; filename*=UTF-8''caf%C3%A9.pdf"#),
            ("a\"; x=\".pdf", r#"attachment; filename="a_; x=_.pdf"; filename*=UTF-8''a%22%3B%20x%3D%22.pdf"#),
            ("100%41.pdf", r#"attachment; filename="100_41.pdf"; filename*=UTF-8''100%2541.pdf"#),
            ("a'b(1)*.pdf", r#"attachment; filename="a'b(1)*.pdf"; filename*=UTF-8''a%27b%281%29%2A.pdf"#),
            ("a\r\nX: b", r#"attachment; filename="a__X: b"; filename*=UTF-8''a%0D%0AX%3A%20b"#),
        ] {
            assert_eq!(attachment(name), value, "{name}");
        }
    }
}
