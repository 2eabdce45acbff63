use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
    pub(super) fn read(value: &'t str) -> Self {
        match value.split_once('.') {
            Some((key_id, mac)) => Self { key_id: Some(key_id), mac },
            None => Self { key_id: None, mac: value },
        }
    }

    /// The MAC's bytes, if its text is canonical. Not constant-time: the text came with the request.
    pub(crate) fn mac(&self) -> Option<[u8; 32]> {
        // The decoder asks for room for whole groups: 43 characters could have been 33 bytes.
        let mut mac = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(self.mac, &mut mac) {
            Ok(32) => Some(mac),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";

    #[test]
    fn only_the_canonical_text_is_a_mac() {
        let mac = |text: &str| Signature { key_id: None, mac: text }.mac();
        assert_eq!(MAC.len(), MAC_TEXT);
        assert!(mac(MAC).is_some());
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
