//! Links and how they are to be answered, the same in every language.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Keys of 32 bytes, of 16 and 17, which base64 pads in the two other ways, and of 64 and 65, of which the latter is over
/// SHA-256's block and so hashed first (RFC 2104 section 2).
pub const KEYS: [&str; 5] = [
    KEY,
    "a:_-8CAwQFBgcICQoLDA0ODw",
    "b:_-8CAwQFBgcICQoLDA0ODxA",
    "c-64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw",
    "D_65:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A",
];

pub const TARGETS: [&str; 5] = ["/photos/cat.jpg", "/photos/cat.jpg?w=200", "/a%20b?", "/", "/a'$(b);*&sig=?c=%26&"];

const KEY: &str = "2026-11:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

pub struct Row {
    pub name: &'static str,
    pub key: &'static str,
    pub link: String,
    pub answer: String,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// `covered` with a right signature, whatever it says.
fn sign(covered: &str) -> String {
    let (id, secret) = KEY.split_once(':').unwrap();
    format!("{covered}&sig={id}.{}", mac(secret, covered))
}

fn mac(secret: &str, covered: impl AsRef<[u8]>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&URL_SAFE_NO_PAD.decode(secret).unwrap()).unwrap();
    mac.update(covered.as_ref());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Arguments in place of `id:key`, each with a link that verifies where it is taken for one all the same. By the empty key
/// anybody can make one.
pub fn no_keys(now: u64) -> [(&'static str, String, String); 8] {
    let (id, secret) = KEY.split_once(':').unwrap();
    let (short, key) = ("AAECAwQFBgcICQoLDA0O", "_-8CAwQFBgcICQoLDA0ODw");
    let covered = format!("/a?exp={}", now + 300);
    [
        ("no id", secret.to_owned(), secret, ""),
        ("an empty key", format!("{id}:"), id, ""),
        ("an empty id", format!(":{secret}"), "", secret),
        ("two keys", format!("{KEY},b:{key}"), id, secret),
        ("a key of 15 bytes", format!("a:{short}"), "a", short),
        ("standard base64", format!("a:{}", key.replace('_', "/").replace('-', "+")), "a", key),
        ("padding", format!("a:{key}=="), "a", key),
        ("a line break after the key", format!("{KEY}\n"), id, secret),
    ]
    .map(|(name, argument, id, secret)| (name, argument, format!("{covered}&sig={id}.{}", mac(secret, &covered))))
}

/// Arguments in place of the seconds.
pub const NO_SECONDS: [(&str, &[&str]); 5] = [
    ("no seconds", &[]),
    ("a word for seconds", &["x"]),
    ("zero seconds", &["0"]),
    ("seconds below zero", &["-5"]),
    ("a line break after the seconds", &["300\n"]),
];

/// Right signatures for what the crate does not mint, though `http` takes UTF-8 for a path.
pub fn beyond_ascii(now: u64) -> [(&'static str, Vec<u8>); 2] {
    let (id, secret) = KEY.split_once(':').unwrap();
    [("bytes that are not UTF-8", &b"\xff"[..]), ("UTF-8", "\u{e9}".as_bytes())].map(|(name, bytes)| {
        let covered = [&b"/"[..], bytes, format!("?exp={}", now + 300).as_bytes()].concat();
        let sig = format!("&sig={id}.{}", mac(secret, &covered));
        (name, [&covered[..], sig.as_bytes()].concat())
    })
}

pub fn table(now: u64) -> Vec<Row> {
    let (exp, past) = (now + 300, now - 1);
    let link = sign(&format!("/a?exp={exp}"));
    let signed = |covered: &str| sign(&covered.replace('N', &exp.to_string()));
    let many = "a&".repeat(4000);
    let rows = [
        ("in milliseconds", signed("/a?exp=N999"), "ok /a"),
        (
            "names that look reserved",
            signed("/a?expires=1&Exp=2&signature=3&sigs-=4&xexp=5&%65xp=6&b=exp&&exp=N"),
            "ok /a?expires=1&Exp=2&signature=3&sigs-=4&xexp=5&%65xp=6&b=exp&",
        ),
        ("question marks", signed("/a??b?=c&exp=N"), "ok /a??b?=c"),
        ("the most that is allowed", sign(&format!("/a?exp={}", now + 7 * 86400)), "ok /a"),
        ("very many parameters", signed(&format!("/a?{many}exp=N")), &*format!("ok /a?{}", many.trim_end_matches('&'))),
        ("expired", sign(&format!("/a?exp={past}")), "410"),
        ("expired, in milliseconds", sign(&format!("/a?exp={past}999")), "410"),
        ("over the maximum", sign(&format!("/a?exp={}", now + 8 * 86400)), "403"),
        ("over the maximum, in milliseconds", sign("/a?exp=9999999999999"), "403"),
        ("a byte of the path changed", link.replace("/a", "/b"), "403"),
        ("a character less", link[..link.len() - 1].into(), "403"),
        ("padded", format!("{link}="), "403"),
        ("trailing bits", trailing_bits(&link), "403"),
        ("an unknown key id", link.replace("2026-11.", "2026-12."), "403"),
        ("no key id", link.replace("2026-11.", ""), "403"),
        ("an empty sig", format!("/a?exp={exp}&sig="), "403"),
        ("a restriction", signed("/a?exp=N&sig-methods=PUT"), "403"),
        ("a restriction before exp", signed("/a?sig-id=a&exp=N"), "403"),
        ("an unknown reserved name", signed("/a?exp=N&sig-x"), "403"),
        ("a parameter between exp and sig", signed("/a?exp=N&b=1"), "403"),
        ("exp twice", signed("/a?exp=N&exp=N"), "403"),
        ("exp without a value before", signed("/a?exp&exp=N"), "403"),
        ("sig twice", sign(&link), "403"),
        ("sig twice, apart", format!("{link}&b&{}", &link[link.len() - 55..]), "403"),
        ("a parameter after sig", format!("{link}&utm_source=m"), "403"),
        ("a line break after sig", format!("{link}\n"), "403"),
        ("exp in upper case", signed("/a?EXP=N"), "403"),
        ("sig in upper case", link.replace("&sig", "&SIG"), "403"),
        ("a zero before the number", signed("/a?exp=0N"), "403"),
        ("a sign before it", signed("/a?exp=+N"), "403"),
        ("more digits than a time has", signed("/a?exp=N0000"), "403"),
        ("no exp", sign("/a?b=1"), "403"),
        ("a path that does not begin with a slash", signed("a?exp=N"), "403"),
        ("a scope token", format!("/a?{}", signed("sig-scope=/b/&exp=N")), "403"),
        ("no query", "/a".into(), "403"),
        ("nothing", String::new(), "403"),
    ];
    rows.into_iter().map(|(name, link, answer)| Row { name, key: KEY, link, answer: answer.into() }).collect()
}

/// The same MAC by another text: its last character has two bits that say nothing.
fn trailing_bits(link: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = link.split_at(link.len() - 1);
    let value = ALPHABET.find(last).unwrap();
    format!("{rest}{}", &ALPHABET[value + 1..value + 2])
}
