use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A scope token's text as a cookie and a path segment carry it: unpadded base64url, canonical.
pub(crate) fn encode_token(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// The token that [`encode_token`] was given.
pub(crate) fn decode_token(text: &[u8]) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_is_a_token() {
        assert_eq!(decode_token(b"c2lnLXNjb3BlPS8").as_deref(), Some("sig-scope=/"));
        assert_eq!(encode_token("sig-scope=/"), "c2lnLXNjb3BlPS8");
        for text in ["c2lnLXNjb3BlPS8=", "c2lnLXNjb3BlPS9", "c2lnLXNjb3BlPS", "c2lnLXNjb3BlPS+", "c2ln LXNj", "_w"] {
            assert_eq!(decode_token(text.as_bytes()), None, "{text}");
        }
    }
}
