//! Where a parameter's name ends, raw or percent-encoded.

use memchr::memchr2_iter;

/// The bytes before the first `=`, or all of them.
pub(super) fn name_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}

/// The name of a parameter, or of one that was percent-encoded: what may be shown of it, for its value may be half a
/// credential.
pub(super) fn name_of_escaped(parameter: &str) -> &str {
    let bytes = parameter.as_bytes();
    let is_end = |at: &usize| match bytes.get(*at..) {
        Some([b'=', ..]) => true,
        escaped => escaped.and_then(read_escape).is_some_and(|(digits, _)| digits == *b"3D"),
    };
    let end = memchr2_iter(b'=', b'%', bytes).find(is_end);
    end.and_then(|end| parameter.get(..end)).unwrap_or(parameter)
}

/// The digits of the escape at the beginning, in upper case, and how long it is: `%26`, and `%2526` in a URL that stands
/// in another one's parameter.
pub(super) fn read_escape(bytes: &[u8]) -> Option<([u8; 2], usize)> {
    let mut rest = bytes.strip_prefix(b"%")?;
    while let Some(once_more) = rest.strip_prefix(b"25") {
        rest = once_more;
    }
    let digits = rest.first_chunk::<2>()?.map(|digit| digit.to_ascii_uppercase());
    Some((digits, bytes.len() - rest.len() + 2))
}
