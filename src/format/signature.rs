/// Length of a SHA-256 MAC's text: 32 bytes as unpadded base64url.
pub(crate) const MAC_TEXT: usize = 43;

/// The value of `sig`: the id of a key and a dot, or neither, and the MAC's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature<'t>(pub(super) &'t str);

impl Signature<'_> {
    /// The id of its key. One that is none is left to fail where keys are looked up.
    #[inline]
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.0.split_once('.').map(|(id, _)| id)
    }

    /// Whether it begins with this `mark`: a key's id and a dot.
    #[inline]
    pub(crate) fn begins_with(&self, mark: &str) -> bool {
        self.0.starts_with(mark)
    }

    /// The bytes of the MAC that follows `mark`, which it begins with, if its text is canonical: 43 characters of base64url
    /// (RFC 4648 section 5), trailing bits zero.
    ///
    /// For one length alone, so that the compiler unrolls it: a general decoder takes three times as long.
    #[inline]
    pub(crate) fn mac_after(&self, mark: &str) -> Option<[u8; 32]> {
        let text: &[u8; MAC_TEXT] = self.0.as_bytes().get(mark.len()..)?.try_into().ok()?;
        let (quads, rest) = text.as_chunks::<4>();
        let &[a, b, c] = rest else {
            return None;
        };
        let last = decode([a, b, c, b'A']); // `A` is zero: it adds nothing
        let [_, low @ .., trailing_bits] = last.to_be_bytes();

        let mut mac = [0; 32];
        let (triples, end) = mac.as_chunks_mut::<3>();
        end.copy_from_slice(&low);
        let mut seen = last;
        for (triple, quad) in triples.iter_mut().zip(quads) {
            let bits = decode(*quad);
            seen |= bits;
            let [_, low @ ..] = bits.to_be_bytes();
            *triple = low;
        }
        (seen & INVALID == 0 && trailing_bits == 0).then_some(mac)
    }
}

/// Set in the decoded bits of what is no character of base64url.
const INVALID: u32 = 1 << 31;

/// The 24 bits that four characters stand for.
#[inline]
fn decode(quad: [u8; 4]) -> u32 {
    let places = SEXTETS.iter().zip(quad);
    places.fold(0, |bits, (sextets, c)| bits | sextets.get(usize::from(c)).copied().unwrap_or(INVALID))
}

/// The six bits of each character, where they stand among 24: in the first place, the second, and so on.
static SEXTETS: [[u32; 256]; 4] = [sextets(18), sextets(12), sextets(6), sextets(0)];

#[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const fn sextets(shift: u32) -> [u32; 256] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut sextets = [INVALID; 256];
    let mut value = 0;
    while value < 64 {
        sextets[ALPHABET[value as usize] as usize] = value << shift;
        value += 1;
    }
    sextets
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const MAC: &str = "FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";

    #[test]
    fn only_the_canonical_text_is_a_mac() {
        let mac = |text: &str| Signature(text).mac_after("");
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
                let decoded = Signature(&text).mac_after("");
                assert_eq!(decoded.map(Vec::from), expected, "{text}");
            }
        }
    }

    #[test]
    fn the_first_dot_ends_the_key_id() {
        for (value, id) in [("abc", None), ("k.abc", Some("k")), (".abc", Some("")), ("k.a.b", Some("k")), ("", None)] {
            assert_eq!(Signature(value).key_id(), id, "{value}");
        }
        let named = format!("k.{MAC}");
        assert!(Signature(&named).begins_with("k.") && !Signature(&named).begins_with("l."));
        assert_eq!(Signature(&named).mac_after("k."), Signature(MAC).mac_after(""));
        assert_eq!(Signature("k").mac_after("k."), None);
    }
}
