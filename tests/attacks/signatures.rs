//! MACs that are nearly right: of another length, alphabet, algorithm or text, and those that a hash alone would let an
//! attacker compute.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::block_api::compress256;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_256};
use tower_signed_url::RejectionKind::{Malformed, NotAuthentic, Unenforceable, UnknownKey};

use super::door::{Case, Door, get};
use super::support::by_hand::{mac, mac_by, other_trailing_bits, secret, signed};
use super::support::fixed_verifier;

const COVERED: &str = "/a?exp=1790000000";

/// The link with this in the place of its MAC.
fn with(name: &str, mac: impl AsRef<str>) -> Case {
    get(name, format!("{COVERED}&sig={}", mac.as_ref()))
}

#[test]
fn a_mac_is_written_in_one_way() {
    let right = mac(COVERED);
    let bytes = URL_SAFE_NO_PAD.decode(&right).unwrap();
    let standard = STANDARD_NO_PAD.encode(&bytes);
    assert_ne!(right, standard, "a MAC in which the alphabets differ");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = &right[..42];
    let [bits_01, bits_10, bits_11] = other_trailing_bits(&right);
    let escaped = |at: usize| format!("{}%{:02X}{}", &right[..at], right.as_bytes()[at], &right[at + 1..]);

    let mut cases = vec![
        with("as it is", &right).served("/a"),
        with("trailing bits 01", bits_01).refused(NotAuthentic),
        with("trailing bits 10", bits_10).refused(NotAuthentic),
        with("trailing bits 11", bits_11).refused(NotAuthentic),
        with("padded", URL_SAFE.encode(&bytes)).refused(NotAuthentic),
        with("padded twice", format!("{right}==")).refused(NotAuthentic),
        with("padding escaped", format!("{right}%3D")).refused(NotAuthentic),
        with("padding for the last character", format!("{head}=")).refused(NotAuthentic),
        with("the other alphabet", &standard).refused(NotAuthentic),
        with("the other alphabet, padded", STANDARD.encode(&bytes)).refused(NotAuthentic),
        with("the other alphabet, escaped", standard.replace('+', "%2B").replace('/', "%2F")).refused(NotAuthentic),
        with("the other alphabet, spaces", standard.replace('+', "%20")).refused(NotAuthentic),
        with("hexadecimal", &hex).refused(NotAuthentic),
        with("hexadecimal, half of it", &hex[..43]).refused(NotAuthentic),
        with("in capitals", right.to_uppercase()).refused(NotAuthentic),
        with("in small letters", right.to_lowercase()).refused(NotAuthentic),
        with("the first character escaped", escaped(0)).refused(NotAuthentic),
        with("the last character escaped", escaped(42)).refused(NotAuthentic),
        with("a space before, escaped", format!("%20{right}")).refused(NotAuthentic),
        with("a space behind, escaped", format!("{right}%20")).refused(NotAuthentic),
        with("a plus behind", format!("{right}+")).refused(NotAuthentic),
        with("a zero byte behind, escaped", format!("{right}%00")).refused(NotAuthentic),
        with("a line break behind, escaped", format!("{right}%0A")).refused(NotAuthentic),
        with("a line break inside, escaped", format!("{}%0A{}", &right[..20], &right[20..])).refused(NotAuthentic),
        with("quoted", format!("%22{right}%22")).refused(NotAuthentic),
        with("a comma and another", format!("{right},{right}")).refused(NotAuthentic),
        with("an equals sign before", format!("={right}")).refused(NotAuthentic),
        with("a semicolon behind", format!("{right};")).refused(NotAuthentic),
        with("a path behind", format!("{right}/b")).refused(NotAuthentic),
        with("a second query behind", format!("{right}?x=1")).refused(NotAuthentic),
        with("a space before, raw", format!(" {right}")).unread(),
        with("a line break behind, raw", format!("{right}\n")).unread(),
        with("a line break inside, raw", format!("{}\n{}", &right[..20], &right[20..])).unread(),
        with("beyond ASCII", format!("{head}\u{e9}")).refused(NotAuthentic),
        with("beyond ASCII, of 43 bytes", format!("{}\u{e9}", &right[..41])).refused(NotAuthentic),
    ];
    for length in [0, 1, 2, 4, 10, 22, 27, 31, 32, 40, 42] {
        cases.push(with(&format!("{length} characters"), &right[..length]).refused(NotAuthentic));
        cases.push(with(&format!("the last {length} characters"), &right[43 - length..]).refused(NotAuthentic));
    }
    for length in [1, 8, 16, 20, 24, 28, 31, 33, 48, 64] {
        let bytes: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
        cases.push(with(&format!("{length} bytes"), URL_SAFE_NO_PAD.encode(bytes)).refused(NotAuthentic));
    }
    for (name, behind) in [("44 characters", 'A'), ("44 characters, the last again", right.chars().last().unwrap())] {
        cases.push(with(name, format!("{right}{behind}")).refused(NotAuthentic));
    }
    cases.push(with("twice", format!("{right}{right}")).refused(NotAuthentic));
    cases.push(with("10,000 characters", "A".repeat(10_000)).refused(NotAuthentic));
    for byte in [0, 15, 31] {
        let mut changed = bytes.clone();
        changed[byte] ^= 1;
        cases.push(with(&format!("byte {byte} changed"), URL_SAFE_NO_PAD.encode(changed)).refused(NotAuthentic));
    }
    Door::new(&fixed_verifier()).check(&cases);
}

/// What else could be made of a key and a target. The algorithm belongs to the key: nothing in a link chooses another.
#[test]
fn no_other_algorithm_makes_a_mac() {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    fn hmac<M: Mac + KeyInit>(key: &[u8]) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(key).unwrap().chain_update(COVERED).finalize().into_bytes().to_vec()
    }
    let hash = |pieces: &[&[u8]]| text(&Sha256::digest(pieces.concat()));
    let key = &secret()[..];
    let covered = COVERED.as_bytes();
    // Of the same key and target, by OpenSSL.
    let sha1 = "3xnO96dLDmwLz765INwlIH8m9LQ";
    let md5 = "BMieVP-Z9sF7lY9W8yHQTg";
    Door::new(&fixed_verifier()).check(&[
        with("HMAC-SHA-256", text(&hmac::<Hmac<Sha256>>(key))).served("/a"),
        with("HMAC-SHA-1", sha1).refused(NotAuthentic),
        with("HMAC-MD5", md5).refused(NotAuthentic),
        with("HMAC-SHA-224", text(&hmac::<Hmac<Sha224>>(key))).refused(NotAuthentic),
        with("HMAC-SHA-384", text(&hmac::<Hmac<Sha384>>(key))).refused(NotAuthentic),
        with("HMAC-SHA-512", text(&hmac::<Hmac<Sha512>>(key))).refused(NotAuthentic),
        with("HMAC-SHA-512, its first half", text(&hmac::<Hmac<Sha512>>(key)[..32])).refused(NotAuthentic),
        with("HMAC-SHA-512/256", text(&hmac::<Hmac<Sha512_256>>(key))).refused(NotAuthentic),
        with("HMAC-SHA-256 of an empty key", mac_by(&[], covered)).refused(NotAuthentic),
        with("HMAC-SHA-256 of a key of zeros", mac_by(&[0; 32], covered)).refused(NotAuthentic),
        with("HMAC-SHA-256 of the key's text", mac_by(text(key).as_bytes(), covered)).refused(NotAuthentic),
        with("HMAC-SHA-256 of the key's hash", mac_by(&Sha256::digest(key), covered)).refused(NotAuthentic),
        with("HMAC-SHA-256 of half of the key", mac_by(&key[..16], covered)).refused(NotAuthentic),
        with("HMAC-SHA-256, key and target swapped", mac_by(covered, key)).refused(NotAuthentic),
        with("HMAC-SHA-256 of a HMAC-SHA-256", mac(hmac::<Hmac<Sha256>>(key))).refused(NotAuthentic),
        with("SHA-256 of the target", hash(&[covered])).refused(NotAuthentic),
        with("SHA-256 of key and target", hash(&[key, covered])).refused(NotAuthentic),
        with("SHA-256 of target and key", hash(&[covered, key])).refused(NotAuthentic),
        with("SHA-256 of key, target and key", hash(&[key, covered, key])).refused(NotAuthentic),
        with("SHA-256 of nothing", hash(&[])).refused(NotAuthentic),
        with("zeros", text(&[0; 32])).refused(NotAuthentic),
        with("ones", text(&[255; 32])).refused(NotAuthentic),
        with("the key", text(key)).refused(NotAuthentic),
        with("the target", text(&covered.iter().copied().cycle().take(32).collect::<Vec<_>>())).refused(NotAuthentic),
        with("none", "none").refused(NotAuthentic),
        with("none, a dot and nothing", "none.").refused(UnknownKey),
        with("none, and a MAC", format!("none.{}", mac(COVERED))).refused(UnknownKey),
        with("none, and a hash", format!("none.{}", hash(&[covered]))).refused(UnknownKey),
        with("an algorithm, and its MAC", format!("sha512.{}", text(&hmac::<Hmac<Sha512>>(key)[..32])))
            .refused(UnknownKey),
        with("an algorithm, a colon", format!("sha256:{}", mac(COVERED))).refused(NotAuthentic),
        with("as a token of JOSE", "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTk5OTk5OTl9.").refused(UnknownKey),
        get("`sig-alg=none`, empty", "/a?exp=1790000000&sig-alg=none&sig=").refused(NotAuthentic),
        get("`sig-alg=none`, signed", signed("/a?exp=1790000000&sig-alg=none")).refused(Unenforceable),
        get("`alg=none` before", format!("/a?alg=none&exp=1790000000&sig={}", mac(COVERED))).refused(NotAuthentic),
        get("`alg=none` before, signed", signed("/a?alg=none&exp=1790000000")).served("/a?alg=none"),
        get("`alg=none` in the run", signed("/a?exp=1790000000&alg=none")).refused(Malformed),
        get("`alg=none` behind", signed(COVERED) + "&alg=none").refused(Malformed),
    ]);
}

#[test]
fn a_mac_is_over_the_bytes_as_they_are_sent() {
    let of = |name: &str, sent: &str, text: &str| get(name, format!("{sent}&sig={}", mac(text)));
    Door::new(&fixed_verifier()).check(&[
        of("the bytes", "/B%41?x=%C3%A9+&exp=1790000000", "/B%41?x=%C3%A9+&exp=1790000000").served("/B%41?x=%C3%A9+"),
        of("decoded", "/B%41%2f?x=%C3%A9+&exp=1790000000", "/BA/?x=\u{e9} &exp=1790000000").refused(NotAuthentic),
        of("the path decoded", "/B%41?exp=1790000000", "/BA?exp=1790000000").refused(NotAuthentic),
        of("the path encoded", "/BA?exp=1790000000", "/B%41?exp=1790000000").refused(NotAuthentic),
        of("escapes in capitals", "/%2f?exp=1790000000", "/%2F?exp=1790000000").refused(NotAuthentic),
        of("escapes in small letters", "/%2F?exp=1790000000", "/%2f?exp=1790000000").refused(NotAuthentic),
        of("in small letters", "/Ab?exp=1790000000", "/ab?exp=1790000000").refused(NotAuthentic),
        of("in capitals", "/Ab?exp=1790000000", "/AB?EXP=1790000000").refused(NotAuthentic),
        of("dot segments resolved", "/b/../a?exp=1790000000", COVERED).refused(NotAuthentic),
        of("slashes merged", "//a?exp=1790000000", COVERED).refused(NotAuthentic),
        of("parameters sorted", "/a?y=2&x=1&exp=1790000000", "/a?exp=1790000000&x=1&y=2").refused(NotAuthentic),
        of("the path alone", COVERED, "/a").refused(NotAuthentic),
        of("the query alone", COVERED, "exp=1790000000").refused(NotAuthentic),
        of("path and time", COVERED, "/a1790000000").refused(NotAuthentic),
        of("path, line break and time", COVERED, "/a\n1790000000").refused(NotAuthentic),
        of("the method before it", COVERED, "GET /a?exp=1790000000").refused(NotAuthentic),
        of("the origin before it", COVERED, "http://h/a?exp=1790000000").refused(NotAuthentic),
        of("the `&` behind it", COVERED, "/a?exp=1790000000&").refused(NotAuthentic),
        of("`&sig=` behind it", COVERED, "/a?exp=1790000000&sig=").refused(NotAuthentic),
        of("a line break behind it", COVERED, "/a?exp=1790000000\n").refused(NotAuthentic),
        of("nothing", COVERED, "").refused(NotAuthentic),
        of("a shorter one", COVERED, "/a?exp=179000000").refused(NotAuthentic),
        of("a longer one", "/a?exp=179000000", COVERED).refused(NotAuthentic),
    ]);
}

/// A hash that is cut at blocks goes on from where it ended: who has SHA-256(secret ‖ text), and guesses the secret's
/// length, has that of SHA-256(secret ‖ text ‖ padding ‖ more). HMAC hashes twice, and its end is no such beginning.
#[test]
fn no_mac_is_extended() {
    const MORE: &[u8] = b"&sig-methods=GET,PUT,DELETE";
    let covered = COVERED.as_bytes();
    let with_raw = |glue: &[u8]| [covered, glue, MORE].concat();
    let with_escaped = |glue: &[u8]| {
        let escaped: String = glue.iter().map(|byte| format!("%{byte:02X}")).collect();
        [covered, escaped.as_bytes(), MORE].concat()
    };
    let link = |text: &[u8], mac: &[u8]| [text, b"&sig=", URL_SAFE_NO_PAD.encode(mac).as_bytes()].concat();

    // The attack works where MACs are made so.
    let hashed = 32 + covered.len();
    let (naive, glue) = (Sha256::digest([&secret(), covered].concat()), padding(hashed));
    let forged = extend(&naive, hashed, MORE);
    assert_eq!(forged[..], Sha256::digest([&secret()[..], &with_raw(&glue)].concat())[..]);

    let real = URL_SAFE_NO_PAD.decode(mac(covered)).unwrap();
    let mut cases = vec![
        get("not extended", link(covered, &real)).served("/a"),
        get("a MAC without HMAC", link(covered, &naive)).refused(NotAuthentic),
        get("a MAC without HMAC, extended", link(&with_escaped(&glue), &forged)).refused(NotAuthentic),
    ];
    // As if the MAC were a hash of key and text; of a block and text, as HMAC's inner hash is; and what it is, a hash of
    // a block and 32 bytes.
    for (name, hashed) in [
        ("of key and target", 32 + COVERED.len()),
        ("of a block and target", 64 + COVERED.len()),
        ("of a block and a hash", 64 + 32),
    ] {
        let (forged, glue) = (extend(&real, hashed, MORE), padding(hashed));
        let raw = with_raw(&glue);
        assert_ne!(mac(&raw), URL_SAFE_NO_PAD.encode(forged), "{name}: HMAC was extended");
        cases.extend([
            get(format!("as a hash {name}, the padding raw"), link(&raw, &forged)).unread(),
            get(format!("as a hash {name}, the padding escaped"), link(&with_escaped(&glue), &forged))
                .refused(NotAuthentic),
            get(format!("as a hash {name}, no padding"), link(&with_raw(b""), &forged)).refused(NotAuthentic),
            get(format!("as a hash {name}, the target as it was"), link(covered, &forged)).refused(NotAuthentic),
        ]);
    }
    Door::new(&fixed_verifier()).check(&cases);
}

/// What SHA-256 appends to so many bytes (FIPS 180-4 section 5.1.1).
fn padding(hashed: usize) -> Vec<u8> {
    let mut padding = vec![0x80];
    padding.resize(1 + (119 - hashed % 64) % 64, 0);
    padding.extend_from_slice(&(u64::try_from(hashed).unwrap() * 8).to_be_bytes());
    padding
}

/// The hash of what this is the hash of, its padding and `more`; of so many bytes, whatever they were.
fn extend(hash: &[u8], hashed: usize, more: &[u8]) -> [u8; 32] {
    let mut state: [u32; 8] = std::array::from_fn(|n| u32::from_be_bytes(hash[4 * n..4 * n + 4].try_into().unwrap()));
    let before = hashed + padding(hashed).len();
    let rest = [more, &padding(before + more.len())].concat();
    let (blocks, []) = rest.as_chunks::<64>() else { panic!("whole blocks") };
    compress256(&mut state, blocks);
    let mut extended = [0; 32];
    for (bytes, word) in extended.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    extended
}
