//! Keys, their texts, and rings of them that change while links are out.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "keys/rings.rs"]
mod rings;
mod support;

use std::env;
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use http::Request;
use support::{NOW, at};
use tower_signed_url::{
    Head, KeyError, KeyErrorKind, KeyId, Keyring, KeyringErrorKind, RejectionKind, SignedUrl, SigningKey, Verifier,
    Verify,
};

/// 32 bytes `00 01 … 1f`, as base64url and in hexadecimal.
const TEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const MINUTE: Duration = Duration::from_secs(60);

fn id(text: &str) -> KeyId {
    text.parse().unwrap()
}

/// A key whose secret depends on its id alone.
fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&[name.as_bytes(), &[0; 32]].concat()).unwrap().with_id(id(name))
}

fn verifier(keys: &Keyring) -> Verifier {
    Verifier::builder(keys).clock(|| at(NOW)).build().unwrap()
}

fn link(keys: &Keyring) -> SignedUrl {
    verifier(keys).signer().url("/a").sign_for(MINUTE).unwrap()
}

fn check(verifier: &Verifier, link: &SignedUrl) -> Result<(), RejectionKind> {
    let request = Request::get(link.as_str()).body(()).unwrap();
    verifier.verify(Head::of(&request)).map(drop).map_err(|rejection| rejection.kind())
}

#[test]
fn keys_are_made_of_enough_bytes_written_as_they_should_be() {
    use KeyErrorKind::{Base64url, Hex, TooShort, Zeros};
    for (name, made, expected) in [
        ("no bytes", SigningKey::from_bytes(&[]), Err(TooShort)),
        ("15 bytes", SigningKey::from_bytes(&[1; 15]), Err(TooShort)),
        ("16 bytes", SigningKey::from_bytes(&[1; 16]), Ok(())),
        ("more than a block", SigningKey::from_bytes(&[1; 65]), Ok(())),
        // To HMAC the empty key.
        ("16 zeros", SigningKey::from_bytes(&[0; 16]), Err(Zeros)),
        ("zeros, more than a block", SigningKey::from_bytes(&[0; 65]), Err(Zeros)),
        ("zeros but for the last", SigningKey::from_bytes(&[&[0; 15][..], &[1]].concat()), Ok(())),
        ("base64url of 32 bytes", SigningKey::from_base64url(TEXT), Ok(())),
        ("of zeros", SigningKey::from_base64url(&"A".repeat(43)), Err(Zeros)),
        ("of 15", SigningKey::from_base64url("AAECAwQFBgcICQoLDA0O"), Err(TooShort)),
        ("of none", SigningKey::from_base64url(""), Err(TooShort)),
        ("padded", SigningKey::from_base64url(&format!("{TEXT}=")), Err(Base64url)),
        ("trailing bits", SigningKey::from_base64url(&format!("{}9", &TEXT[..42])), Err(Base64url)),
        ("the other alphabet", SigningKey::from_base64url(&format!("+/{}", &TEXT[2..])), Err(Base64url)),
        ("a space before", SigningKey::from_base64url(&format!(" {TEXT}")), Err(Base64url)),
        ("a line feed after", SigningKey::from_base64url(&format!("{TEXT}\n")), Err(Base64url)),
        ("hex of 32 bytes", SigningKey::from_hex(HEX), Ok(())),
        ("hex of zeros", SigningKey::from_hex(&"00".repeat(32)), Err(Zeros)),
        ("of 16", SigningKey::from_hex(&HEX[..32]), Ok(())),
        ("of 15", SigningKey::from_hex(&HEX[..30]), Err(TooShort)),
        ("of half a byte more", SigningKey::from_hex(&HEX[..33]), Err(Hex)),
        ("of half a byte", SigningKey::from_hex("0"), Err(Hex)),
        ("a letter beyond f", SigningKey::from_hex(&HEX.replace('f', "g")), Err(Hex)),
        ("0x", SigningKey::from_hex(&format!("0x{HEX}")), Err(Hex)),
        ("a sign", SigningKey::from_hex(&HEX.replacen("00", "+0", 1)), Err(Hex)),
        ("separators", SigningKey::from_hex(&HEX.replacen("0001", "00:01", 1)), Err(Hex)),
        ("beyond ASCII", SigningKey::from_hex(&HEX.replacen("00", "é", 1)), Err(Hex)),
    ] {
        assert_eq!(made.map(drop).map_err(|error| error.kind()), expected, "{name}");
    }
}

#[test]
fn one_key_has_several_texts() {
    let bytes: Vec<u8> = (0..32).collect();
    let plain = link(&Keyring::new(SigningKey::from_bytes(&bytes).unwrap()));
    for (name, other) in [
        ("base64url", SigningKey::from_base64url(TEXT)),
        ("hex", SigningKey::from_hex(HEX)),
        ("HEX", SigningKey::from_hex(&HEX.to_uppercase())),
    ] {
        assert_eq!(link(&Keyring::new(other.unwrap())), plain, "{name}");
    }
    let (one, two) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(one.id(), two.id());
    let unnamed = |key: SigningKey| link(&Keyring::new(key.with_id(id("k"))));
    assert_ne!(unnamed(one), unnamed(two), "another secret, too");
}

#[test]
fn ids_are_1_to_64_of_their_alphabet() {
    for good in ["a", "2026-11", "_", "-", &"Az09-_xx".repeat(8)] {
        assert_eq!(good.parse::<KeyId>().map(|id| id.to_string()), Ok(good.to_owned()), "{good}");
    }
    for bad in ["", &"a".repeat(65), "a.b", "a b", "a:b", "a,b", "a/b", "a=", "é", "a\n"] {
        assert_eq!(bad.parse::<KeyId>().map_err(|error| error.kind()), Err(KeyErrorKind::Id), "{bad:?}");
    }
}

#[test]
fn a_rings_text_is_ids_and_keys() {
    use KeyErrorKind::{Base64url, DuplicateId, Id, Text, TooShort};
    for (name, text, expected) in [
        ("one", format!("a:{TEXT}"), Ok("a")),
        ("the first signs", format!("b:{TEXT},a:{TEXT}"), Ok("b")),
        ("spaces around", format!("  b:{TEXT} ,\n a:{TEXT}\r\n"), Ok("b")),
        ("nothing", String::new(), Err(Text)),
        ("spaces", "  \n".into(), Err(Text)),
        ("a key without an id", TEXT.into(), Err(Text)),
        ("a comma last", format!("a:{TEXT},"), Err(Text)),
        ("a comma first", format!(",a:{TEXT}"), Err(Text)),
        ("two commas", format!("a:{TEXT},,b:{TEXT}"), Err(Text)),
        ("semicolons", format!("a:{TEXT};b:{TEXT}"), Err(Base64url)),
        ("an empty id", format!(":{TEXT}"), Err(Id)),
        ("an id with a dot", format!("a.b:{TEXT}"), Err(Id)),
        ("a space after the id", format!("a :{TEXT}"), Err(Id)),
        ("a space after the colon", format!("a: {TEXT}"), Err(Base64url)),
        ("a colon more", format!("a:b:{TEXT}"), Err(Base64url)),
        ("a padded key", format!("a:{TEXT}="), Err(Base64url)),
        ("no key", "a:".into(), Err(TooShort)),
        ("the second is short", format!("a:{TEXT},b:AAAA"), Err(TooShort)),
        ("an id twice", format!("a:{TEXT},b:{TEXT},a:{HEX}"), Err(DuplicateId)),
    ] {
        let ring = text.parse::<Keyring>().map_err(|error| error.kind());
        let signs = ring.map(|keys| link(&keys).as_str().contains(&format!("&sig={}.", expected.unwrap_or("?"))));
        assert_eq!(signs, expected.map(|_| true), "{name}");
    }
    let keys: Keyring = format!("b:{TEXT},a:{TEXT}").parse().unwrap();
    let other: Keyring = format!("a:{TEXT}").parse().unwrap();
    assert_eq!(check(&verifier(&keys), &link(&other)), Ok(()), "the others are accepted");
}

/// Setting a variable is unsafe while other threads run, so each case is a process of its own: this test again.
#[test]
fn keys_come_from_the_environment() {
    const CASE: &str = "TOWER_SIGNED_URL_TEST_CASE";
    const VARIABLE: &str = "TOWER_SIGNED_URL_TEST_KEYS";
    fn shown<T: std::fmt::Debug>(read: Result<T, KeyError>) -> String {
        read.map_or_else(|error| format!("{:?}", error.kind()), |keys| format!("{keys:?}"))
    }
    if env::var_os(CASE).is_some() {
        println!("[{} | {}]", shown(Keyring::from_env(VARIABLE)), shown(SigningKey::from_env(VARIABLE)));
        return;
    }
    let key = |id: &str| format!("SigningKey {{ id: Some(KeyId({id:?})), .. }}");
    let ring = |active: &str, known: &str| format!("Keyring {{ active: {active}, known: [{known}] }}");
    let (a, b) = (key("a"), key("b"));
    let (one, two) = (format!(" a:{TEXT}\n"), format!("b:{TEXT}, a:{TEXT}"));
    #[cfg(unix)]
    let garbage: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"a:\xff\xfe");
    #[cfg(not(unix))]
    let garbage = OsStr::new("");
    for (name, value, expected) in [
        ("unset", None, "[Environment | Environment]".into()),
        ("empty", Some(OsStr::new("")), "[Text | TooShort]".into()),
        #[cfg(unix)]
        ("not UTF-8", Some(garbage), "[Environment | Environment]".into()),
        ("no id", Some(OsStr::new(TEXT)), "[Text | SigningKey { id: None, .. }]".into()),
        ("short", Some(OsStr::new("a:AAAA")), "[TooShort | TooShort]".into()),
        ("one key", Some(OsStr::new(&one)), format!("[{} | {a}]", ring(&a, &a))),
        ("two keys", Some(OsStr::new(&two)), format!("[{} | Base64url]", ring(&b, &format!("{a}, {b}")))),
    ] {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", "keys_come_from_the_environment"]).env(CASE, name).env_remove(VARIABLE);
        let child = value.into_iter().fold(&mut child, |child, value| child.env(VARIABLE, value));
        let output = child.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && printed.contains(&expected), "{name}: {expected} not in {printed}");
        assert!(!printed.contains(&TEXT[..8]), "{name}: {printed}");
    }
}

#[test]
fn a_ring_refuses_changes_that_make_no_sense_and_stays_as_it_was() {
    use KeyringErrorKind::{Active, DuplicateId, UnknownId};
    let plain = || SigningKey::from_bytes(&[9; 32]).unwrap();
    let keys = Keyring::new(key("a"));
    keys.accept(key("b")).unwrap();
    keys.accept(plain()).unwrap();
    let (before, shown) = (link(&keys), format!("{keys:?}"));
    let of_b = link(&Keyring::new(key("b")));
    for (name, changed, kind) in [
        ("accept one that signs", keys.accept(key("a")), DuplicateId),
        ("accept one that is known", keys.accept(key("b")), DuplicateId),
        ("accept a second without an id", keys.accept(plain()), DuplicateId),
        ("rotate to one that is known", keys.rotate(key("b")), DuplicateId),
        ("rotate to a second without an id", keys.rotate(plain()), DuplicateId),
        ("activate an unknown one", keys.activate(&id("c")), UnknownId),
        ("retire an unknown one", keys.retire(&id("c")), UnknownId),
        ("retire the one that signs", keys.retire(&id("a")), Active),
        ("replace by one twice", keys.replace(key("c"), [key("d"), key("c")]), DuplicateId),
        ("replace by two accepted alike", keys.replace(key("c"), [key("d"), key("d")]), DuplicateId),
        ("replace by two without an id", keys.replace(plain(), [key("d"), plain()]), DuplicateId),
    ] {
        assert_eq!(changed.map_err(|error| error.kind()), Err(kind), "{name}");
        assert_eq!((link(&keys), format!("{keys:?}")), (before.clone(), shown.clone()), "{name}");
        assert_eq!(check(&verifier(&keys), &of_b), Ok(()), "{name}");
    }
}

/// As when `SIGNED_URL_KEYS` was read again. Both rings go their own ways from then on.
#[test]
fn a_ring_takes_over_anothers_keys() {
    let (keys, other) = (Keyring::new(key("a")), Keyring::new(key("b")));
    other.accept(key("c")).unwrap();
    let (of_a, of_c) = (link(&keys), link(&Keyring::new(key("c"))));
    let elsewhere = verifier(&keys.clone());

    keys.replace_with(&other);
    assert_eq!(link(&keys), link(&other));
    assert_eq!(check(&elsewhere, &of_a), Err(RejectionKind::UnknownKey));
    assert_eq!(check(&elsewhere, &of_c), Ok(()));

    other.retire(&id("c")).unwrap();
    assert_eq!(check(&elsewhere, &of_c), Ok(()));
    assert_eq!(check(&verifier(&other), &of_c), Err(RejectionKind::UnknownKey));
    keys.replace_with(&keys.clone());
    assert_eq!(link(&keys), link(&other));
}
