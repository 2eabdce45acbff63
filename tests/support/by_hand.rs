//! Links signed by hand, right or nonsense, which no signer would mint.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The bytes of the figures' key, `00 01 … 1f`.
pub fn secret() -> [u8; 32] {
    std::array::from_fn(|n| u8::try_from(n).unwrap())
}

/// The MAC that a key makes of these bytes, as text.
pub fn mac_by(key: &[u8], bytes: impl AsRef<[u8]>) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(bytes);
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// The MAC that the figures' key makes of these bytes, as text.
pub fn mac(bytes: impl AsRef<[u8]>) -> String {
    mac_by(&secret(), bytes)
}

/// The target as it stands, correct or nonsense, under the MAC that the figures' key makes of it.
pub fn signed(covered: &str) -> String {
    signed_with(covered, "")
}

/// A link that binds contexts, under the MAC over it and these lines.
pub fn signed_with(covered: &str, lines: &str) -> String {
    format!("{covered}&sig={}", mac([covered, lines].concat()))
}

/// A link for this path that has 1000 seconds left at [`NOW`](super::NOW).
pub fn exact(path: &str) -> String {
    signed(&format!("{path}?exp=1790000000"))
}

/// A MAC's other texts to a lenient reader: the last character holds four bits of it, and two that have to be zero.
pub fn other_trailing_bits(mac: &str) -> [String; 3] {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = mac.split_at(42);
    let last = ALPHABET.find(last).unwrap();
    [1, 2, 3].map(|bits| format!("{head}{}", &ALPHABET[last + bits..=last + bits]))
}
