use memchr::memchr;

/// Length of a SHA-256 MAC's text: 32 bytes as unpadded base64url.
pub(crate) const MAC_TEXT: usize = 43;

/// The value of `sig`: which key, and the MAC's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature<'t> {
    pub(crate) key_id: Option<&'t str>,
    mac: &'t str,
}

impl<'t> Signature<'t> {
    /// A key id that is none, or a MAC that is none, is left to fail where keys and MACs are compared.
    #[inline]
    pub(super) fn read(value: &'t str) -> Self {
        let dot = memchr(b'.', value.as_bytes());
        match dot.and_then(|dot| Some((value.get(..dot)?, value.get(dot + 1..)?))) {
            Some((key_id, mac)) => Self { key_id: Some(key_id), mac },
            None => Self { key_id: None, mac: value },
        }
    }

    /// The MAC's bytes, if its text is canonical: 43 characters of base64url (RFC 4648 section 5), trailing bits zero.
    ///
    /// For one length alone, in loops that the compiler unrolls: a general decoder takes half as long again.
    #[inline]
    pub(crate) fn mac(&self) -> Option<[u8; 32]> {
        let text: &[u8; MAC_TEXT] = self.mac.as_bytes().try_into().ok()?;
        let mut sextets = [b'A'; 48]; // `A` is zero: what follows the text adds nothing
        sextets.first_chunk_mut::<MAC_TEXT>()?.copy_from_slice(text);
        let mut seen = 0;
        for character in &mut sextets {
            *character = sextet(*character);
            seen |= *character;
        }

        let mut bytes = [0; 36];
        for (bytes, sextets) in bytes.as_chunks_mut::<6>().0.iter_mut().zip(sextets.as_chunks::<8>().0) {
            let bits = sextets.iter().fold(0, |bits, sextet| bits << 6 | u64::from(*sextet));
            let [_, _, low @ ..] = bits.to_be_bytes();
            *bytes = low;
        }
        let [mac @ .., trailing_bits, _, _, _] = bytes;
        if seen > 0x3f || trailing_bits != 0 {
            return None;
        }
        Some(mac)
    }
}

/// The six bits that a character stands for; 0xff for one that stands for none. Without branches or tables.
#[inline]
fn sextet(character: u8) -> u8 {
    // One more than the bits, or zero.
    let among = |first: u8, last: u8, value: u8| match character {
        c if first <= c && c <= last => c.wrapping_sub(first).wrapping_add(value + 1),
        _ => 0,
    };
    let value = among(b'A', b'Z', 0) | among(b'a', b'z', 26) | among(b'0', b'9', 52);
    (value | among(b'-', b'-', 62) | among(b'_', b'_', 63)).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const MAC: &str = "FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";

    #[test]
    fn only_the_canonical_text_is_a_mac() {
        let mac = |text: &str| Signature { key_id: None, mac: text }.mac();
        assert_eq!(MAC.len(), MAC_TEXT);
        assert_eq!(mac(MAC).unwrap().to_vec(), URL_SAFE_NO_PAD.decode(MAC).unwrap());
        let replaced = |from: &str, to: &str| MAC.replacen(from, to, 1);
        for (why, text) in [
            ("empty", String::new()),
            ("one short", MAC[..42].into()),
            ("one long", format!("{MAC}A")),
            ("padded", format!("{MAC}=")),
            ("a byte more", URL_SAFE_NO_PAD.encode([0; 33])),
            ("a byte less", URL_SAFE_NO_PAD.encode([0; 31])),
            ("trailing bits", MAC.replace("JFA", "JFB")),
            ("the other alphabet", replaced("_", "/").replace('-', "+")),
            ("a space", replaced("_", " ")),
            ("not ASCII", replaced("_F", "\u{e9}")),
        ] {
            assert_eq!(mac(&text), None, "{why}");
        }
    }

    /// Every character in every place, against the general decoder.
    #[test]
    fn it_decodes_as_the_library_does() {
        for place in 0..MAC_TEXT {
            for character in 0..128 {
                let mut text = MAC.as_bytes().to_vec();
                text[place] = character;
                let text = String::from_utf8(text).unwrap();
                let expected = URL_SAFE_NO_PAD.decode(&text).ok();
                let decoded = Signature { key_id: None, mac: &text }.mac();
                assert_eq!(decoded.map(Vec::from), expected, "{text}");
            }
        }
    }

    #[test]
    fn the_first_dot_ends_the_key_id() {
        let read = |value| {
            let signature = Signature::read(value);
            (signature.key_id, signature.mac)
        };
        assert_eq!(read("abc"), (None, "abc"));
        assert_eq!(read("k.abc"), (Some("k"), "abc"));
        assert_eq!(read(".abc"), (Some(""), "abc"));
        assert_eq!(read("k.a.b"), (Some("k"), "a.b"));
        assert_eq!(read(""), (None, ""));
    }
}
