/// The characters of `text`, its escapes decoded, and whether each was escaped.
///
/// Strict: nothing for a `%` without two hex digits, for escapes that are not UTF-8, and for a raw byte outside of
/// printable ASCII.
pub(super) fn decode(text: &str) -> impl Iterator<Item = Option<(char, bool)>> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || match rest {
        [] => None,
        [b'%', ..] => Some(take_escaped(&mut rest).map(|c| (c, true))),
        [byte @ 0x21..=0x7e, after @ ..] => {
            rest = after;
            Some(Some((char::from(*byte), false)))
        }
        [_, after @ ..] => {
            rest = after;
            Some(None)
        }
    })
}

/// Takes one character, which is as many escapes as its UTF-8 has bytes. Always takes something.
fn take_escaped(rest: &mut &[u8]) -> Option<char> {
    let mut bytes = [0; 4];
    let first = take_escape(rest)?;
    let length = match first.leading_ones() {
        0 => 1,
        ones => usize::try_from(ones).ok()?,
    };
    let bytes = bytes.get_mut(..length)?;
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = if at == 0 { first } else { take_escape(rest)? };
    }
    str::from_utf8(bytes).ok()?.chars().next()
}

fn take_escape(rest: &mut &[u8]) -> Option<u8> {
    let (byte, after) = match *rest {
        [b'%', high, low, after @ ..] => (hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low), after),
        _ => (None, rest.get(1..).unwrap_or_default()),
    };
    *rest = after;
    byte
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_valid_escapes_are_decoded() {
        for (text, decoded) in [
            ("", Some("")),
            ("aZ~!", Some("aZ~!")),
            ("a%20b", Some("a b")),
            ("%c3%A9", Some("é")),
            ("%E2%82%AC%F0%9F%90%88", Some("€🐈")),
            ("%41", Some("A")),
            ("%", None),
            ("%2", None),
            ("%2g", None),
            ("a%%20", None),
            ("%C3", None),
            ("%C3a", None),
            ("%C3%28", None),
            ("%A9", None),
            ("%C0%AF", None),
            ("%E0%80%AF", None),
            ("%ED%A0%80", None),
            ("%F8%88%80%80%80", None),
            ("%FF", None),
            ("a b", None),
            ("é", None),
            ("\u{7f}", None),
        ] {
            let read: Option<String> = decode(text).map(|c| c.map(|(c, _)| c)).collect();
            assert_eq!(read.as_deref(), decoded, "{text}");
        }
        let escaped: Vec<_> = decode("a%41").flatten().collect();
        assert_eq!(escaped, [('a', false), ('A', true)]);
    }
}
