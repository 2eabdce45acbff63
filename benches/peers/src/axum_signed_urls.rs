//! axum-signed-urls: its extractor, called as axum 0.6 calls it. The expiry is a parameter like any other to it.

use std::collections::HashMap;
use std::hint::black_box;
use std::task::{Context, Poll, Waker};

use axum06::extract::FromRequestParts;
use axum06::http::request::Parts;
use axum06::http::Request;
use axum_signed_urls::{build, SignedUrl};

use crate::peer::{check, forge, mint, Links, Peer};

pub fn verify(links: &[Links; 2]) -> Peer {
    let calls = links.each_ref().map(|links| {
        let exp = links.exp();
        let url = build(links.path(), HashMap::from([("exp", exp)])).unwrap();
        let mut ended = parts(&build(links.path(), HashMap::from([("exp", "1")])).unwrap());
        assert!(is_valid(&mut ended), "it has learned to expire: say so in the table");
        check(parts(&url), [parts(&forge(&url))], is_valid)
    });
    Peer {
        what: "the extractor `SignedUrl`",
        package: "axum-signed-urls",
        notes: "path, query (decoded and encoded again); **no expiry**, not in constant time",
        calls,
    }
}

fn parts(url: &str) -> Parts {
    Request::get(url).body(()).unwrap().into_parts().0
}

fn is_valid(parts: &mut Parts) -> bool {
    let mut extraction = SignedUrl::from_request_parts(parts, &());
    match extraction.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(extracted) => black_box(extracted).is_ok(),
        Poll::Pending => unreachable!("it waits for nothing"),
    }
}

pub fn sign(links: &[Links; 2]) -> Peer {
    let calls = links.each_ref().map(|links| {
        let (path, exp) = (links.path().to_owned(), links.exp().to_owned());
        mint(move || build(black_box(&path), HashMap::from([("exp", exp.as_str())])).unwrap())
    });
    Peer { what: "`build`", package: "axum-signed-urls", notes: "the expiry is given, not computed", calls }
}
