//! The figures of FORMAT section 8, which were computed outside Rust.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use sha2::Sha256;
use support::{at, figure_key};
use tower_signed_url::{Head, KeyId, Keyring, Obligations, Policy, RejectionKind, Signer, Verifier, Verify, context};

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

/// A verifier that can enforce all that the figures ask for.
fn verifier(prefix: &str, now: u64) -> Verifier {
    Verifier::builder(&keys(None))
        .policy(policy(prefix))
        .bind("host", context::host())
        .bind("user", context::header("x-user".parse().unwrap()))
        .clock(move || at(now))
        .build()
        .unwrap()
}

/// Name, URL, method, name prefix, target, key id.
type Figure = (&'static str, &'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const FIGURES: [Figure; 6] = [
    ("plain", PLAIN, "GET", "", "/photos/cat.jpg", None),
    ("with a key id and a query", KEY_ID, "GET", "", "/photos/cat.jpg?w=200", Some("2026-11")),
    ("with sig-max-bytes", MAX_BYTES, "PUT", "", "/inbox/report.pdf", None),
    ("with bound contexts", BIND, "GET", "", "/photos/cat.jpg", None),
    ("a scope token", SCOPE, "GET", "", "/videos/42/seg1.ts", None),
    ("with a name prefix", PREFIX, "GET", "x-", "/photos/cat.jpg", None),
];

#[test]
fn the_figures_verify_until_they_expire() {
    for (name, url, method, prefix, _, key_id) in FIGURES {
        let request = Request::builder().method(method).uri(url).header("content-length", "1048576");
        let request = request.header("host", "files.example.com").header("x-user", "42").body(()).unwrap();
        let verified = verifier(prefix, EXP - 1).verify(Head::of(&request));
        let grant = verified.expect(name).discharge(Obligations::NONE).unwrap();
        assert_eq!(grant.expires_at(), at(EXP), "{name}");
        assert_eq!(grant.key_id().map(KeyId::as_str), key_id, "{name}");
        assert_eq!(grant.id(), None, "{name}");
        assert_eq!(grant.scope(), (name == "a scope token").then_some("/videos/42/"), "{name}");

        let rejection = verifier(prefix, EXP).verify(Head::of(&request)).unwrap_err();
        assert_eq!((rejection.kind(), rejection.status().as_u16()), (RejectionKind::Expired, 410), "{name}");
    }
}

#[test]
fn minting_gives_the_figures_byte_for_byte() {
    let until = at(EXP);
    for (name, url, _, prefix, target, key_id) in FIGURES {
        let policy = policy(prefix).allow_context("host").allow_context("user");
        let signer = Signer::new(&keys(key_id)).with_policy(policy).unwrap().with_clock(|| at(EXP - 300));
        let based = signer.clone().with_base("https://files.example.com").unwrap();
        for (signer, base) in [(&signer, ""), (&based, "https://files.example.com")] {
            let mint = || match name {
                "with sig-max-bytes" => signer.url(target).method(Method::PUT).max_bytes(1_048_576),
                "with bound contexts" => signer.url(target).bind("host", "files.example.com").bind("user", "42"),
                _ => signer.url(target),
            };
            let links = if name == "a scope token" {
                let token = signer.scope("/videos/42/").sign_until(until).unwrap();
                vec![token.in_query(target).unwrap()]
            } else {
                vec![mint().sign_until(until).unwrap(), mint().sign_for(Duration::from_secs(300)).unwrap()]
            };
            for link in links {
                assert_eq!(link.as_str(), format!("{base}{url}"), "{name}");
            }
        }
    }
}

#[test]
fn stripping_leaves_the_target_that_was_signed() {
    for (name, url, _, prefix, target, _) in FIGURES {
        assert_eq!(verifier(prefix, EXP - 1).strip(url).as_deref(), Some(target), "{name}");
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
