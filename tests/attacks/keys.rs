//! Key ids: another key's, nobody's, none; and keys that come and go while the server runs.

use tower_signed_url::RejectionKind::{NotAuthentic, UnknownKey};
use tower_signed_url::{Keyring, KeyringErrorKind, SigningKey, Verifier};

use super::door::{Case, Door, get};
use super::support::by_hand::{mac, mac_by};
use super::support::{NOW, at, figure_keys};

const COVERED: &str = "/a?exp=1790000000";

fn key(id: &str, secret: &[u8]) -> SigningKey {
    SigningKey::from_bytes(secret).unwrap().with_id(id.parse().unwrap())
}

fn door(keys: &Keyring) -> Door {
    Door::new(&Verifier::builder(keys).clock(|| at(NOW)).build().unwrap())
}

/// A link with this before its MAC, which this key made.
fn by(name: &str, id: &str, secret: &[u8]) -> Case {
    get(name, format!("{COVERED}&sig={id}{}", mac_by(secret, COVERED)))
}

#[test]
fn an_id_selects_its_own_key_and_no_other() {
    let (a, b, other) = (&[1; 32], &[2; 32], &[9; 32]);
    let keys = Keyring::new(key("a", a));
    keys.accept(key("b", b)).unwrap();
    let long = "a".repeat(64);
    keys.accept(key(&long, &[3; 32])).unwrap();
    let (long, longer) = (format!("{long}."), format!("{long}a."));
    door(&keys).check(&[
        by("the one that signs", "a.", a).served("/a"),
        by("one that is accepted", "b.", b).served("/a"),
        by("an id of 64 characters", &long, &[3; 32]).served("/a"),
        by("signed by a, says b", "b.", a).refused(NotAuthentic),
        by("signed by b, says a", "a.", b).refused(NotAuthentic),
        by("signed by neither, says a", "a.", other).refused(NotAuthentic),
        by("unknown", "z.", a).refused(UnknownKey),
        by("unknown, of nobody's key", "z.", other).refused(UnknownKey),
        by("missing", "", a).refused(UnknownKey),
        by("empty", ".", a).refused(UnknownKey),
        by("two dots", "..", a).refused(UnknownKey),
        by("in capitals", "A.", a).refused(UnknownKey),
        by("twice", "a.a.", a).refused(NotAuthentic),
        by("two ids", "a.b.", b).refused(NotAuthentic),
        by("two ids, the first unknown", "z.a.", a).refused(UnknownKey),
        by("a list", "a,b.", a).refused(UnknownKey),
        by("the dot escaped", "a%2E", a).refused(UnknownKey),
        by("another dot", "a:", a).refused(UnknownKey),
        by("a letter escaped", "%61.", a).refused(UnknownKey),
        by("a space before, escaped", "%20a.", a).refused(UnknownKey),
        by("a space behind, escaped", "a%20.", a).refused(UnknownKey),
        by("a plus behind", "a+.", a).refused(UnknownKey),
        by("a zero byte behind, escaped", "a%00.", a).refused(UnknownKey),
        by("a line break behind, escaped", "a%0A.", a).refused(UnknownKey),
        by("longer", "aa.", a).refused(UnknownKey),
        by("65 characters", &longer, &[3; 32]).refused(UnknownKey),
        by("8000 characters", &format!("{}.", "a".repeat(8000)), a).refused(UnknownKey),
        by("a star", "*.", a).refused(UnknownKey),
        by("a number", "0.", a).refused(UnknownKey),
        by("an index", "[0].", a).refused(UnknownKey),
        by("beyond ASCII", "\u{e4}.", a).refused(UnknownKey),
        by("a Cyrillic a", "\u{430}.", a).refused(UnknownKey),
        by("a space, raw", "a .", a).unread(),
        by("a zero byte, raw", "a\0.", a).unread(),
        // Where ids are names of files, columns or addresses, these choose a key whose bytes everyone knows.
        by("a file of nothing", "../../../dev/null.", b"").refused(UnknownKey),
        by("a file of nothing, escaped", "..%2F..%2F..%2Fdev%2Fnull.", b"").refused(UnknownKey),
        by("a file that all can read", "/robots.txt.", b"User-agent: *").refused(UnknownKey),
        by("a query", "z'%20UNION%20SELECT%20'k.", b"k").refused(UnknownKey),
        by("an address", "http://example.com/k.", b"k").refused(UnknownKey),
        by("none, of an empty key", "none.", b"").refused(UnknownKey),
        by("null, of an empty key", "null.", b"").refused(UnknownKey),
        by("missing, of an empty key", "", b"").refused(UnknownKey),
        by("known, of an empty key", "a.", b"").refused(NotAuthentic),
        by("known, of its id as a key", "a.", b"a").refused(NotAuthentic),
        by("known, of a key of zeros", "a.", &[0; 32]).refused(NotAuthentic),
        get("known, no MAC", format!("{COVERED}&sig=a.")).refused(NotAuthentic),
        get("unknown, no MAC", format!("{COVERED}&sig=z.")).refused(UnknownKey),
        get("the id alone", format!("{COVERED}&sig=a")).refused(UnknownKey),
        get("the id behind", format!("{COVERED}&sig={}.a", mac_by(a, COVERED))).refused(UnknownKey),
        // The id is not under the MAC, and need not be: it says which key to ask, and a key knows its own.
        get("the id, signed", format!("{COVERED}&sig=a.{}", mac_by(a, format!("{COVERED}&sig=a."))))
            .refused(NotAuthentic),
    ]);

    let plain = figure_keys();
    plain.accept(key("a", a)).unwrap();
    door(&plain).check(&[
        get("a key without an id", format!("{COVERED}&sig={}", mac(COVERED))).served("/a"),
        by("a key with one beside it", "a.", a).served("/a"),
        by("a key with one, its id missing", "", a).refused(NotAuthentic),
        by("a key with one, its id empty", ".", a).refused(UnknownKey),
        get("a key without an id, says a", format!("{COVERED}&sig=a.{}", mac(COVERED))).refused(NotAuthentic),
        get("a key without an id, an empty one", format!("{COVERED}&sig=.{}", mac(COVERED))).refused(UnknownKey),
    ]);
}

#[test]
fn a_retired_key_opens_nothing_from_the_next_request_on() {
    let (a, b) = (&[1; 32], &[2; 32]);
    let keys = Keyring::new(key("a", a));
    let door = door(&keys);
    let with_a = |name: &str| by(&format!("a's link, {name}"), "a.", a);
    let with_b = |name: &str| by(&format!("b's link, {name}"), "b.", b);

    door.check(&[with_a("alone").served("/a"), with_b("not known yet").refused(UnknownKey)]);
    keys.accept(key("b", b)).unwrap();
    door.check(&[with_a("b is accepted").served("/a"), with_b("accepted").served("/a")]);
    assert_eq!(keys.retire(&"a".parse().unwrap()).unwrap_err().kind(), KeyringErrorKind::Active);
    keys.activate(&"b".parse().unwrap()).unwrap();
    door.check(&[with_a("b signs").served("/a"), with_b("signs").served("/a")]);
    keys.retire(&"a".parse().unwrap()).unwrap();
    door.check(&[
        with_a("retired").refused(UnknownKey),
        by("a's link, retired, says b", "b.", a).refused(NotAuthentic),
        by("a's link, retired, says nothing", "", a).refused(UnknownKey),
        with_b("alone").served("/a"),
    ]);
    // The name again for another key: the old one's links stay refused.
    keys.accept(key("a", &[3; 32])).unwrap();
    door.check(&[
        with_a("another key has its id").refused(NotAuthentic),
        by("the new a's link", "a.", &[3; 32]).served("/a"),
    ]);
    keys.replace_with(&Keyring::new(key("c", &[4; 32])));
    door.check(&[
        with_b("replaced").refused(UnknownKey),
        by("the new a's link, replaced", "a.", &[3; 32]).refused(UnknownKey),
        by("c's link", "c.", &[4; 32]).served("/a"),
    ]);
}

/// HMAC fills a key up with zeros, and hashes one of more than 64 bytes (RFC 2104 section 2): such pairs are one key to
/// every HMAC, so to this one. What follows: a key is not made another one by zeros behind it.
#[test]
fn keys_that_are_one_key_to_hmac() {
    let secret = [7; 32];
    let padded = [&secret[..], &[0; 9]].concat();
    let long = [7; 65];
    let hashed = <sha2::Sha256 as sha2::Digest>::digest(long);
    let keys = Keyring::new(key("a", &secret));
    keys.accept(key("long", &long)).unwrap();
    door(&keys).check(&[
        by("its own", "a.", &secret).served("/a"),
        by("with zeros behind", "a.", &padded).served("/a"),
        by("the hash of a long one", "long.", &hashed).served("/a"),
        by("a zero before", "a.", &[&[0], &secret[..]].concat()).refused(NotAuthentic),
        by("one byte less", "a.", &secret[..31]).refused(NotAuthentic),
        by("one byte more", "a.", &[7; 33]).refused(NotAuthentic),
        by("twice", "a.", &[7; 64]).refused(NotAuthentic),
        by("the hash of one of 64 bytes or fewer", "a.", &<sha2::Sha256 as sha2::Digest>::digest(secret))
            .refused(NotAuthentic),
    ]);
}
