use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Setup;

/// The specification's key, `00 01 … 1f`, which has no id here, and one that has.
pub const KEYS: [(Option<&str>, [u8; 32]); 2] = [(None, figure_key()), (Some("k"), [1; 32])];

const fn figure_key() -> [u8; 32] {
    let mut key = [0; 32];
    let mut byte = 0;
    while byte < 32 {
        key[byte as usize] = byte;
        byte += 1;
    }
    key
}

/// The MAC's text over these pieces; nothing for a key that is not there.
pub fn mac(key_id: Option<&str>, pieces: &[&str]) -> Option<String> {
    let (_, secret) = KEYS.iter().find(|(known, _)| *known == key_id)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key");
    pieces.iter().for_each(|piece| mac.update(piece.as_bytes()));
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The target with the right MAC in place of its own, or at its end: over a token from its `sig-scope` on, over any other
/// target from its beginning.
pub fn sign(setup: &Setup, target: &str, key_id: Option<&str>) -> String {
    let sig = format!("&{}sig=", setup.prefix);
    let (covered, tail) = match target.split_once(&sig) {
        Some((covered, rest)) => (covered, rest.find('&').map_or("", |end| &rest[end..])),
        None => (target, ""),
    };
    let scope = format!("{}sig-scope", setup.prefix);
    let begins = |at: &usize| *at == 0 || covered[..*at].ends_with(['?', '&']);
    let start = covered.match_indices(&scope).map(|(at, _)| at).find(begins).unwrap_or(0);
    let prefix = if setup.prefix.is_empty() { String::new() } else { format!("{}\n", setup.prefix) };
    let bind = format!("{}sig-bind=", setup.prefix);
    let names = covered.split('&').find_map(|parameter| parameter.strip_prefix(&bind)).unwrap_or_default();
    let value =
        |name: &str| setup.contexts.iter().find(|(known, _)| *known == name)?.1.map(|v| format!("\n{name}:{v}"));
    let lines: String = names.split(',').filter_map(value).collect();
    let mac = mac(key_id, &[&prefix, &covered[start..], &lines]).unwrap_or_else(|| "A".repeat(43));
    match key_id {
        Some(id) => format!("{covered}{sig}{id}.{mac}{tail}"),
        None => format!("{covered}{sig}{mac}{tail}"),
    }
}
