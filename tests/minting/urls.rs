//! Where a link points, what it is called, who signs it, and what it costs.

use std::time::Duration;

use http::Method;
use tower_signed_url::{Keyring, Policy, SignError, SignErrorKind, Signer, SigningKey, Verifier};

use super::support::{NOW, at, figure_key, figure_keys, fixed_verifier};
use super::{MINUTE, covered, secs, signer, verify, with_policy};

#[test]
fn a_link_is_relative_or_under_its_origin() {
    for (name, base, url, expected) in [
        ("relative", None, "/a?x=1", "/a?x=1&exp=1789999060"),
        ("absolute", None, "https://example.com/a", "https://example.com/a?exp=1789999060"),
        ("a port", None, "https://example.com:8443/a?", "https://example.com:8443/a?&exp=1789999060"),
        ("an address", None, "https://[2001:db8::1]/a", "https://[2001:db8::1]/a?exp=1789999060"),
        ("this machine", None, "http://localhost:3000/a", "http://localhost:3000/a?exp=1789999060"),
        ("this machine's address", None, "http://127.0.0.1:3000/", "http://127.0.0.1:3000/?exp=1789999060"),
        ("a base", Some("https://example.com"), "/a", "https://example.com/a?exp=1789999060"),
        ("a base's slash", Some("https://example.com/"), "/a", "https://example.com/a?exp=1789999060"),
        ("a base with a path", Some("https://example.com/cdn"), "/a", "https://example.com/cdn/a?exp=1789999060"),
        ("and a slash", Some("https://example.com/cdn/"), "/a", "https://example.com/cdn/a?exp=1789999060"),
        (
            "absolute under it",
            Some("https://example.com/cdn"),
            "https://example.com/cdn/a",
            "https://example.com/cdn/a?exp=1789999060",
        ),
        ("the path again", Some("https://example.com/cdn"), "/cdn/a", "https://example.com/cdn/cdn/a?exp=1789999060"),
    ] {
        let signer = base.map_or_else(signer, |base| signer().with_base(base).unwrap());
        let link = signer.url(url).sign_for(MINUTE).unwrap();
        assert_eq!(covered(&link), expected, "{name}");
    }
    let based = signer().with_base("https://example.com/cdn").unwrap();
    let (relative, absolute) =
        (signer().url("/a").sign_for(MINUTE).unwrap(), based.url("/a").sign_for(MINUTE).unwrap());
    assert_eq!(
        absolute.as_str().strip_prefix("https://example.com/cdn"),
        Some(relative.as_str()),
        "a base is not signed"
    );
}

#[test]
fn a_base_is_checked_when_it_is_given() {
    for (name, base, kind) in [
        ("no scheme", "example.com", SignErrorKind::AbsoluteUrl),
        ("a path alone", "/cdn", SignErrorKind::AbsoluteUrl),
        ("another scheme", "ftp://example.com", SignErrorKind::AbsoluteUrl),
        ("userinfo", "https://user@example.com", SignErrorKind::AbsoluteUrl),
        ("upper case", "https://Example.com", SignErrorKind::AbsoluteUrl),
        ("the scheme's port", "https://example.com:443", SignErrorKind::AbsoluteUrl),
        ("no host", "https:///cdn", SignErrorKind::AbsoluteUrl),
        ("a query", "https://example.com/cdn?x=1", SignErrorKind::AbsoluteUrl),
        ("an empty query", "https://example.com?", SignErrorKind::AbsoluteUrl),
        ("a fragment", "https://example.com/cdn#x", SignErrorKind::Fragment),
        ("a fragment without a path", "https://example.com#x", SignErrorKind::Fragment),
        ("a space", "https://example.com/c dn", SignErrorKind::Character),
        ("dots", "https://example.com/cdn/..", SignErrorKind::DotSegment),
        ("a token", "https://example.com/~c2lnLXNjb3BlPS", SignErrorKind::ReservedName),
        ("plain http", "http://example.com", SignErrorKind::PlainHttp),
        ("like this machine", "http://localhost.example.com", SignErrorKind::PlainHttp),
    ] {
        assert_eq!(signer().with_base(base).map(drop).map_err(|error| error.kind()), Err(kind), "{name}");
    }
}

#[test]
fn plain_http_is_for_hosts_that_were_named() {
    let allowed = || signer().allow_http_to("intranet.example").allow_http_to("10.0.0.1");
    for (name, url, expected) in [
        ("one", "http://intranet.example/a", Ok("http://intranet.example/a?exp=1789999060")),
        ("the other, any port", "http://10.0.0.1:8080/a", Ok("http://10.0.0.1:8080/a?exp=1789999060")),
        ("below one", "http://a.intranet.example/a", Err(SignErrorKind::PlainHttp)),
        ("a third", "http://10.0.0.2/a", Err(SignErrorKind::PlainHttp)),
    ] {
        let signer = allowed();
        let link = signer.url(url).sign_for(MINUTE);
        assert_eq!(link.as_ref().map(covered).map_err(SignError::kind), expected, "{name}");
    }
    let based = allowed().with_base("http://intranet.example/x").unwrap();
    assert_eq!(covered(&based.url("/a").sign_for(MINUTE).unwrap()), "http://intranet.example/x/a?exp=1789999060");
}

#[test]
fn a_prefix_stands_before_every_name() {
    let signer = with_policy(Policy::new().prefix("x-"));
    let mint = signer.url("/a?exp=mine&sig=mine&sig-x").method(Method::PUT).id("i").not_before(at(NOW));
    let link = mint.sign_for(MINUTE).unwrap();
    let run = "&x-exp=1789999060&x-sig-start=1789999000&x-sig-methods=PUT&x-sig-id=i";
    assert_eq!(covered(&link), format!("/a?exp=mine&sig=mine&sig-x{run}"));
    for (target, name) in [("/a?x-exp", "\"x-exp\""), ("/a?x-sig-b=1", "\"x-sig-b\"")] {
        let error = signer.url(target).sign_for(MINUTE).unwrap_err();
        assert_eq!(error.kind(), SignErrorKind::ReservedName, "{target}");
        assert!(error.to_string().contains(name), "{target}: {error}");
    }
}

#[test]
fn unique_links_differ_and_others_do_not() {
    let signer = signer();
    let mint = |unique: bool| {
        let mint = signer.url("/a").id("given");
        if unique { mint.unique() } else { mint }.sign_for(MINUTE).unwrap().into_string()
    };
    let links: std::collections::BTreeSet<String> = (0..100).map(|_| mint(true)).collect();
    assert_eq!(links.len(), 100);
    for link in links {
        let (_, id) = link.split_once("&sig-id=").unwrap();
        let (id, _) = id.split_once('&').unwrap();
        assert_eq!(id.len(), 22, "128 bits: {link}");
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{link}");
    }
    assert_eq!(mint(false), mint(false));
}

#[test]
fn a_signed_url_shows_its_text_only_where_it_is_asked_for() {
    let link = signer().url("/a").sign_for(Duration::from_millis(59_001)).unwrap();
    assert_eq!(link.expires_at(), at(NOW + 60), "as it is written, in whole seconds");
    assert_eq!(link.to_string(), link.as_str());
    assert_eq!(link, signer().url("/a").sign_until(at(NOW + 60)).unwrap());
    let debug = format!("{link:?}");
    assert!(debug.starts_with("SignedUrl { expires_at: ") && debug.ends_with(", .. }"), "{debug}");
    assert!(!debug.contains("sig") && !debug.contains("/a"), "{debug}");
}

#[test]
fn a_signer_follows_its_ring_and_shares_its_verifiers_policy() {
    let keys = Keyring::new(figure_key());
    let new = |id: &str| SigningKey::from_bytes(&[7; 32]).unwrap().with_id(id.parse().unwrap());
    let signer = Signer::new(&keys).with_clock(|| at(NOW));
    let clone = signer.clone();
    let begins = |signer: &Signer, start: &str| signer.url("/a").sign_for(MINUTE).unwrap().as_str().contains(start);
    assert!(!begins(&signer, "."), "no id");
    keys.rotate(new("k1")).unwrap();
    assert!(begins(&signer, "&sig=k1.") && begins(&clone, "&sig=k1."), "rotated");
    keys.accept(new("k2")).unwrap();
    assert!(begins(&signer, "&sig=k1."), "accepted alone");
    keys.activate(&"k2".parse().unwrap()).unwrap();
    assert!(begins(&signer, "&sig=k2.") && begins(&clone, "&sig=k2."), "activated");

    let policy = Policy::new().prefix("x-").max_lifetime(MINUTE).tolerate("ref");
    let verifier = Verifier::builder(&keys).policy(policy).clock(|| at(NOW)).build().unwrap();
    let link = verifier.signer().url("/a?exp=1").sign_for(MINUTE).unwrap();
    assert_eq!(covered(&link), "/a?exp=1&x-exp=1789999060");
    assert_eq!(verify(&verifier, &link), Ok(()));
    for (target, lifetime, kind) in [
        ("/a", secs(61), SignErrorKind::LifetimeTooLong),
        ("/a?ref", MINUTE, SignErrorKind::ToleratedName),
        ("/a?x-sig", MINUTE, SignErrorKind::ReservedName),
    ] {
        let signed = verifier.signer().url(target).sign_for(lifetime);
        assert_eq!(signed.map_err(|error| error.kind()), Err(kind), "{target}");
    }
}

#[test]
fn minting_allocates_once_besides_its_output() {
    let keys = figure_keys();
    keys.rotate(SigningKey::from_bytes(&[7; 32]).unwrap().with_id("k".repeat(64).parse().unwrap())).unwrap();
    let policy = Policy::new().prefix("abcdefghijklmno-");
    let plain = Signer::new(&keys).with_clock(|| at(NOW)).with_policy(policy).unwrap();
    let based = plain.clone().with_base("https://files.example.com/cdn").unwrap();
    let id = "i".repeat(64);
    for (name, signer) in [("without a base", &plain), ("with a base", &based)] {
        let bare = || signer.url("/a").sign_for(MINUTE);
        let query = || signer.url("/photos/cat.jpg?w=200").sign_until(at(NOW + 60));
        let unique = || signer.url("/a").unique().round_expiry_up_to(MINUTE).sign_for(MINUTE);
        let full = || {
            let mint = signer.url("/a").id(&id).not_before(at(NOW + 1)).no_later_than(at(NOW + 90));
            mint.method(Method::PUT).method(Method::POST).method(Method::OPTIONS).sign_for(MINUTE)
        };
        let mints: [(&str, &dyn Fn() -> _, u64); 4] =
            [("bare", &bare, 1), ("query", &query, 1), ("unique", &unique, 1), ("full", &full, 3)];
        for (what, mint, most) in mints {
            drop(mint().unwrap());
            let allocated = allocation_counter::measure(|| drop(mint()));
            assert_eq!(allocated.count_current, 0, "{what}, {name}");
            assert!((1..=most).contains(&allocated.count_total), "{what}, {name}: {}", allocated.count_total);
        }
    }
    assert_eq!(verify(&fixed_verifier(), &signer().url("/a").sign_for(MINUTE).unwrap()), Ok(()));
}
