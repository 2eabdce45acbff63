//! The figures of FORMAT section 8, which were computed outside Rust.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::Sha256;
use support::{at, figure_key};
use tower_signed_url::{Head, KeyId, Keyring, Obligations, Policy, RejectionKind, Signer, Verifier, Verify};

const EXP: u64 = 1_790_000_000;

const PLAIN: &str = "/photos/cat.jpg?exp=1790000000&sig=FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";
const KEY_ID: &str = "/photos/cat.jpg?w=200&exp=1790000000&sig=2026-11.d8OZCrq6s_Jt8OIPuxiaeBN1SW_qSuA7I4PGOlMJNUU";
const MAX_BYTES: &str = "/inbox/report.pdf?exp=1790000000&sig-methods=PUT&sig-max-bytes=1048576\
    &sig=KkEQiWFrlc2fl1B3p5O72ajdLIj7UHUz9vT2cVkiwao";
const BIND: &str = "/photos/cat.jpg?exp=1790000000&sig-bind=host,user&sig=dSHLMyYkK0hbr6Gn4EdIgdqFYDAymuZXL8X-4lAsMhA";
const SCOPE: &str = "/videos/42/seg1.ts?sig-scope=/videos/42/&exp=1790000000\
    &sig=ZaW80VVjI4j1OuHYt6f55JSXxvY9HGHA8552ONVKi3M";
const PREFIX: &str = "/photos/cat.jpg?x-exp=1790000000&x-sig=FCoyLrQWKM969NVrLQiI3mLVXfqko-w8GWgTC3eKmSA";

/// The figures' key, once without an id and once with the one that a figure has; the ring signs with `active`.
fn keys(active: Option<&str>) -> Keyring {
    let named = figure_key().with_id("2026-11".parse().unwrap());
    let (first, second) = if active.is_some() { (named, figure_key()) } else { (figure_key(), named) };
    let keys = Keyring::new(first);
    keys.accept(second).unwrap();
    keys
}

fn policy(prefix: &str) -> Policy {
    if prefix.is_empty() { Policy::new() } else { Policy::new().prefix(prefix) }
}

fn verifier(prefix: &str, now: u64) -> Verifier {
    Verifier::builder(&keys(None)).policy(policy(prefix)).clock(move || at(now)).build().unwrap()
}

/// The figures that this version enforces: name, URL, name prefix, target, key id.
const ENFORCED: [(&str, &str, &str, &str, Option<&str>); 3] = [
    ("plain", PLAIN, "", "/photos/cat.jpg", None),
    ("with a key id and a query", KEY_ID, "", "/photos/cat.jpg?w=200", Some("2026-11")),
    ("with a name prefix", PREFIX, "x-", "/photos/cat.jpg", None),
];

#[test]
fn the_figures_of_what_is_built_verify_until_they_expire() {
    for (name, url, prefix, _, key_id) in ENFORCED {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(url).body(()).unwrap();
            let grant =
                verifier(prefix, EXP - 1).verify(Head::of(&request)).unwrap().discharge(Obligations::NONE).unwrap();
            assert_eq!(grant.expires_at(), at(EXP), "{name} {method}");
            assert_eq!(grant.key_id().map(KeyId::as_str), key_id, "{name} {method}");
            assert_eq!(grant.id(), None, "{name} {method}");

            let rejection = verifier(prefix, EXP).verify(Head::of(&request)).unwrap_err();
            assert_eq!(
                (rejection.kind(), rejection.status().as_u16()),
                (RejectionKind::Expired, 410),
                "{name} {method}"
            );
        }
    }
}

#[test]
fn minting_gives_the_figures_byte_for_byte() {
    for (name, url, prefix, target, key_id) in ENFORCED {
        let signer = Signer::new(&keys(key_id)).with_policy(policy(prefix)).unwrap().with_clock(|| at(EXP - 300));
        assert_eq!(signer.url(target).sign_until(at(EXP)).unwrap().as_str(), url, "{name}, until");
        assert_eq!(signer.url(target).sign_for(Duration::from_secs(300)).unwrap().as_str(), url, "{name}, for");
        let absolute = format!("https://files.example.com{url}");
        let link = signer.with_base("https://files.example.com").unwrap().url(target).sign_until(at(EXP)).unwrap();
        assert_eq!(link.as_str(), absolute, "{name}, absolute");
    }
}

#[test]
fn stripping_leaves_the_target_that_was_signed() {
    for (name, url, prefix, target, _) in ENFORCED {
        assert_eq!(verifier(prefix, EXP - 1).strip(url).as_deref(), Some(target), "{name}");
    }
    for (name, url, target) in [
        ("sig-max-bytes", MAX_BYTES, "/inbox/report.pdf"),
        ("sig-bind", BIND, "/photos/cat.jpg"),
        ("sig-scope", SCOPE, "/videos/42/seg1.ts"),
    ] {
        assert_eq!(verifier("", EXP - 1).strip(url).as_deref(), Some(target), "{name}");
    }
}

#[test]
fn the_figures_of_what_is_not_built_are_refused_before_and_after_they_expire() {
    for (parameter, method, url, authentic) in [
        ("sig-max-bytes", "PUT", MAX_BYTES, true),
        // What the MAC of these two is over is not known here.
        ("sig-bind", "GET", BIND, false),
        ("sig-scope", "GET", SCOPE, false),
    ] {
        for now in [EXP - 1, EXP + 1] {
            let request =
                Request::builder().method(method).uri(url).header("host", "files.example.com").body(()).unwrap();
            let rejection = verifier("", now).verify(Head::of(&request)).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::Unenforceable, "{parameter} at {now}");
            assert_eq!(rejection.status().as_u16(), 403, "{parameter} at {now}");
            assert_eq!(rejection.parameter(), Some(parameter), "{parameter} at {now}");
            assert_eq!(rejection.is_authentic(), authentic, "{parameter} at {now}");
        }
    }
}

#[test]
fn the_macs_are_hmac_over_the_covered_bytes() {
    let secret: Vec<u8> = (0..32).collect();
    for (name, url, before, covered, after) in [
        ("plain", PLAIN, "", "/photos/cat.jpg?exp=1790000000", ""),
        ("with a key id and a query", KEY_ID, "", "/photos/cat.jpg?w=200&exp=1790000000", ""),
        (
            "with sig-max-bytes",
            MAX_BYTES,
            "",
            "/inbox/report.pdf?exp=1790000000&sig-methods=PUT&sig-max-bytes=1048576",
            "",
        ),
        (
            "with bound contexts",
            BIND,
            "",
            "/photos/cat.jpg?exp=1790000000&sig-bind=host,user",
            "\nhost:files.example.com\nuser:42",
        ),
        ("a scope token", SCOPE, "", "sig-scope=/videos/42/&exp=1790000000", ""),
        ("with a name prefix", PREFIX, "x-\n", "/photos/cat.jpg?x-exp=1790000000", ""),
    ] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update([before, covered, after].concat().as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert!(url.ends_with(&mac), "{name}: {mac}");
        assert!(url.contains(&format!("{covered}&")), "{name}");
    }
}
