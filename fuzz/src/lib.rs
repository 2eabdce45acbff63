//! What the fuzz targets share: how they read their input, how they sign, and a plain model of the format to compare with.

mod check;
mod input;
pub mod model;
mod path;
mod setup;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use self::check::{assert_hides, assert_no_reserved, compare, is_one_cut, sign};
pub use self::input::Input;
pub use self::path::where_it_leads;
pub use self::setup::{COOKIE_NAME, Setup, now, request};

/// The time that everything is judged at: that of the attack suite, whose requests are the seeds.
pub const NOW: u64 = 1_789_999_000;

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
