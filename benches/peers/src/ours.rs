//! This crate, with its default policy and the system's clock.

use std::hint::black_box;

use http::Request;
use tower_signed_url::{Head, Verifier, Verify};

use crate::peer::{check, forge, mint, Links, Peer};
use crate::support::link::LIFETIME;

pub fn verify(verifier: &Verifier, links: &[Links; 2]) -> Peer {
    let get = |url: &str| Request::get(url).body(()).unwrap();
    let calls = links.each_ref().map(|Links { valid, expired }| {
        let verifier = verifier.clone();
        check(get(&valid.url), [get(&forge(&valid.url)), get(&expired.url)], move |request| {
            black_box(verifier.verify(Head::of(request))).is_ok()
        })
    });
    Peer {
        what: "`Verifier::verify`",
        package: "tower-signed-url",
        notes: "path, query, expiry, lifetime, method, every reserved name; in constant time",
        calls,
    }
}

pub fn sign(verifier: &Verifier, links: &[Links; 2]) -> Peer {
    let calls = links.each_ref().map(|links| {
        let (signer, path) = (verifier.signer(), links.path().to_owned());
        mint(move || signer.url(black_box(&path)).sign_for(LIFETIME).unwrap())
    });
    Peer { what: "`sign_for`", package: "tower-signed-url", notes: "the target is checked first", calls }
}
