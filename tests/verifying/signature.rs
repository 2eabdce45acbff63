//! Keys, MACs, what they cover, and the method that comes after.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::Request;
use tower_signed_url::RejectionKind::{Malformed, Method, NotAuthentic, UnknownKey};
use tower_signed_url::{Head, KeyId, Keyring, Obligations, SigningKey, Verifier, Verify};

use super::support::by_hand::other_trailing_bits;
use super::support::{NOW, at};
use super::{Outcome, authentic, check, get, hmac, mac, secrets, signed, unsigned, verifier};

const COVERED: &str = "/a?exp=1790000000";

#[test]
fn a_key_signs_under_its_own_id_alone() {
    let [plain, k, j] = secrets().map(|(_, secret)| URL_SAFE_NO_PAD.encode(hmac(&secret, "", COVERED)));
    let long = "k".repeat(65);
    for (name, sig, expected) in [
        ("without an id", plain.clone(), Ok(())),
        ("under its id", format!("k.{k}"), Ok(())),
        ("under its id, the other", format!("j.{j}"), Ok(())),
        ("under the other's", format!("j.{k}"), unsigned(NotAuthentic, "")),
        ("under none", k.clone(), unsigned(NotAuthentic, "")),
        ("none under one", format!("k.{plain}"), unsigned(NotAuthentic, "")),
        ("unknown", format!("z.{k}"), unsigned(UnknownKey, "")),
        ("another letter case", format!("K.{k}"), unsigned(UnknownKey, "")),
        ("empty", format!(".{plain}"), unsigned(UnknownKey, "")),
        ("65 long", format!("{long}.{k}"), unsigned(UnknownKey, "")),
        ("with a dot", format!("z.k.{k}"), unsigned(UnknownKey, "")),
        ("two", format!("k.k.{k}"), unsigned(NotAuthentic, "")),
        ("encoded", format!("%6B.{k}"), unsigned(UnknownKey, "")),
        ("the dot encoded", format!("k%2E{k}"), unsigned(NotAuthentic, "")),
        ("a dot alone", ".".into(), unsigned(UnknownKey, "")),
        ("unknown, and no MAC", "z.".into(), unsigned(UnknownKey, "")),
        ("known, and no MAC", "k.".into(), unsigned(NotAuthentic, "")),
    ] {
        check(&verifier(), name, &get(&format!("{COVERED}&sig={sig}")), expected);
    }

    let request = get(&signed("/a?exp=1790000000&sig-id=link-1&sig=k.$"));
    let grant = verifier().verify(Head::of(&request)).unwrap().discharge(Obligations::NONE).unwrap();
    assert_eq!(grant.key_id().map(KeyId::as_str), Some("k"));
    assert_eq!((grant.id(), grant.expires_at()), (Some("link-1"), at(1_790_000_000)));

    let keys = Keyring::new(SigningKey::from_bytes(&[1; 32]).unwrap().with_id("k".parse().unwrap()));
    let no_plain_key = Verifier::builder(&keys).clock(|| at(NOW)).build().unwrap();
    check(&no_plain_key, "no key without an id", &get(&signed("/a?exp=1790000000&sig=$")), unsigned(UnknownKey, ""));
}

#[test]
fn only_the_canonical_whole_mac_matches() {
    let bytes = hmac(&secrets()[0].1, "", COVERED);
    let right = URL_SAFE_NO_PAD.encode(bytes);
    let standard = STANDARD_NO_PAD.encode(bytes);
    assert_ne!(right, standard, "a MAC in which the alphabets differ");
    let [bits_01, bits_10, bits_11] = other_trailing_bits(&right);
    let flipped = |n: usize| URL_SAFE_NO_PAD.encode(std::array::from_fn::<u8, 32, _>(|i| bytes[i] ^ u8::from(i == n)));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for (name, text) in [
        ("empty", String::new()),
        ("one character", right[..1].into()),
        ("one character short", right[..42].into()),
        ("half of it", right[..22].into()),
        ("one character more", format!("{right}A")),
        ("padded", URL_SAFE.encode(bytes)),
        ("padding encoded", format!("{right}%3D")),
        ("31 bytes", URL_SAFE_NO_PAD.encode(&bytes[..31])),
        ("33 bytes", URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat())),
        ("64 bytes", URL_SAFE_NO_PAD.encode([bytes, bytes].concat())),
        ("trailing bits 01", bits_01),
        ("trailing bits 10", bits_10),
        ("trailing bits 11", bits_11),
        ("the other alphabet", standard),
        ("a character encoded", format!("%{:02X}{}", right.as_bytes()[0], &right[1..])),
        ("the first byte changed", flipped(0)),
        ("the last byte changed", flipped(31)),
        ("hexadecimal", hex),
        ("nothing but zeros", URL_SAFE_NO_PAD.encode([0; 32])),
        ("of the key without the target", URL_SAFE_NO_PAD.encode(hmac(&secrets()[0].1, "", ""))),
        ("of the target with the `&`", URL_SAFE_NO_PAD.encode(hmac(&secrets()[0].1, "", &format!("{COVERED}&")))),
    ] {
        check(&verifier(), name, &get(&format!("{COVERED}&sig={text}")), unsigned(NotAuthentic, ""));
    }
    check(&verifier(), "as it should be", &get(&format!("{COVERED}&sig={right}")), Ok(()));
}

#[test]
fn every_byte_stays_where_it_was_signed() {
    for (name, signed_as, sent_as) in [
        ("another path", "/a?exp=1790000000", "/b?exp=1790000000"),
        ("letter case", "/a?exp=1790000000", "/A?exp=1790000000"),
        ("an encoded letter", "/a?exp=1790000000", "/%61?exp=1790000000"),
        ("the case of an escape", "/%2f?exp=1790000000", "/%2F?exp=1790000000"),
        ("a slash more", "/a?exp=1790000000", "/a/?exp=1790000000"),
        ("a slash twice", "/a/b?exp=1790000000", "/a//b?exp=1790000000"),
        ("a dot segment", "/a?exp=1790000000", "/b/../a?exp=1790000000"),
        ("a path parameter", "/a?exp=1790000000", "/a;b?exp=1790000000"),
        ("from the query to the path", "/a?b=1&exp=1790000000", "/a/b=1?exp=1790000000"),
        ("from the query, `?` encoded", "/a?b=1&exp=1790000000", "/a%3Fb=1?exp=1790000000"),
        ("from the path to the query", "/a/b?c&exp=1790000000", "/a?b/c&exp=1790000000"),
        ("an encoded `&`", "/a?b=1&c=2&exp=1790000000", "/a?b=1%26c=2&exp=1790000000"),
        ("a plus for a space", "/a?b=%20&exp=1790000000", "/a?b=+&exp=1790000000"),
        ("the order of parameters", "/a?b=1&c=2&exp=1790000000", "/a?c=2&b=1&exp=1790000000"),
        ("a parameter more", "/a?exp=1790000000", "/a?b&exp=1790000000"),
        ("a parameter less", "/a?b&exp=1790000000", "/a?exp=1790000000"),
        ("an empty parameter more", "/a?exp=1790000000", "/a?&exp=1790000000"),
        ("a later exp", "/a?exp=1790000000", "/a?exp=1790000001"),
        ("exp in milliseconds", "/a?exp=1790000000", "/a?exp=1790000000000"),
        ("exp out of the id", "/a?exp=1790000000&sig-id=12", "/a?exp=179000000012"),
        ("a restriction less", "/a?exp=1790000000&sig-methods=PUT", "/a?exp=1790000000"),
        ("a restriction more", "/a?exp=1790000000", "/a?exp=1790000000&sig-methods=PUT"),
        (
            "restrictions in another order",
            "/a?exp=1790000000&sig-id=a&sig-start=1",
            "/a?exp=1790000000&sig-start=1&sig-id=a",
        ),
        ("methods in another order", "/a?exp=1790000000&sig-methods=GET,PUT", "/a?exp=1790000000&sig-methods=PUT,GET"),
        // Authenticity comes before meaning.
        ("expired", "/a?exp=1790000000", "/a?exp=1"),
        ("malformed", "/a?exp=1790000000", "/a?exp="),
        ("unknown", "/a?exp=1790000000", "/a?exp=1790000000&sig-new"),
        ("a prefix line", "x-\n/a?exp=1790000000", "/a?exp=1790000000"),
    ] {
        let mac = URL_SAFE_NO_PAD.encode(hmac(&secrets()[0].1, "", signed_as));
        check(&verifier(), name, &get(&format!("{sent_as}&sig={mac}")), unsigned(NotAuthentic, ""));
    }
    let authority = format!("https://anywhere.example{}", signed("/a?exp=1790000000&sig=$"));
    check(&verifier(), "scheme and host are not covered", &get(&authority), Ok(()));
}

/// [`check`] counts allocations. The lengths are those at which SHA-256 takes another block.
#[test]
fn links_of_any_length_pass_without_allocating() {
    for length in [55, 56, 119, 120, 1000] {
        for (name, run, key_id) in [("bare", "", ""), ("key id", "", "k."), ("key id and id", "&sig-id=link-1", "k.")] {
            let run = format!("?exp=1790000000{run}");
            let covered = format!("/{}{run}", "a".repeat(length - 1 - run.len()));
            let target = signed(&format!("{covered}&sig={key_id}$"));
            assert_eq!(covered.len(), length);
            check(&verifier(), &format!("{name}, {length} bytes"), &get(&target), Ok(()));
        }
    }
}

#[test]
fn a_link_is_for_its_methods() {
    let get_and_put = "&sig-methods=GET,PUT";
    let rows: [(&str, &str, &str, Outcome<'_>); 16] = [
        ("GET by default", "GET", "", Ok(())),
        ("HEAD with it", "HEAD", "", Ok(())),
        ("POST", "POST", "", authentic(Method, "")),
        ("OPTIONS", "OPTIONS", "", authentic(Method, "")),
        ("get", "get", "", authentic(Method, "")),
        ("Get", "Get", "", authentic(Method, "")),
        ("GET of a PUT link", "GET", "&sig-methods=PUT", authentic(Method, "")),
        ("HEAD of a PUT link", "HEAD", "&sig-methods=PUT", authentic(Method, "")),
        ("PUT", "PUT", "&sig-methods=PUT", Ok(())),
        ("put", "put", "&sig-methods=PUT", authentic(Method, "")),
        ("the beginning of a method", "PU", "&sig-methods=PUT", authentic(Method, "")),
        ("HEAD of several", "HEAD", get_and_put, Ok(())),
        ("PUT of several", "PUT", get_and_put, Ok(())),
        ("PATCH of several", "PATCH", get_and_put, authentic(Method, "")),
        ("GET of a HEAD link", "GET", "&sig-methods=HEAD", authentic(Method, "")),
        ("one of its own", "M-SEARCH", "&sig-methods=M-SEARCH", Ok(())),
    ];
    for (name, method, run, expected) in rows {
        let target = signed(&format!("/a?exp=1790000000{run}&sig=$"));
        let plain = Request::builder().method(method).uri(&target).body(()).unwrap();
        check(&verifier(), name, &plain, expected);
        for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
            for other in ["GET", "PUT", "POST"] {
                let request = Request::builder().method(method).uri(&target).header(header, other).body(()).unwrap();
                check(&verifier(), &format!("{name}, {header}: {other}"), &request, expected);
            }
        }
    }
}

#[test]
fn a_rejection_shows_32_bytes_of_a_name_at_most() {
    let whole = mac("/a?exp=1790000000&sig=$", "");
    let e_31 = format!("{}é", "e".repeat(31));
    for (name, parameter, shown) in [
        ("a MAC", &*whole, &whole[..32]),
        ("with a value", &format!("{whole}=1"), &whole[..32]),
        ("cut in a character", &e_31, &e_31[..31]),
        ("32 bytes", &e_31[..31].replace('e', "f").repeat(2)[..32], &"f".repeat(32)),
    ] {
        let request = get(&format!("/a?exp=1790000000&sig={whole}&{parameter}"));
        let rejection = verifier().verify(Head::of(&request)).unwrap_err();
        assert_eq!((rejection.kind(), rejection.parameter()), (Malformed, Some(shown)), "{name}");
        assert!(rejection.to_string().contains(&format!("`{shown}`")), "{name}: {rejection}");
        assert!(!format!("{rejection} {rejection:?}").contains(&whole[..33]), "{name}: {rejection}");
    }
    let request = get("/a?exp=1790000000&sig=a&\u{202e}evil\u{85}");
    let told = verifier().verify(Head::of(&request)).unwrap_err().to_string();
    assert!(told.contains(r"`\u{202e}evil\u{85}`"), "{told}");
}
