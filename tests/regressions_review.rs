//! What an attacker's reading of the crate found, so that it stays mended.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use support::fixed_verifier;
use tower_signed_url::*;

/// Anyone can send these, in a path or a `Referer`: a quadratic search takes minutes where a linear one takes milliseconds.
#[test]
fn hiding_takes_time_in_the_length_of_the_url_alone() {
    let verifier = fixed_verifier();
    for (name, piece) in [
        ("encoded ampersands", "%26"),
        ("encoded question marks", "%3f"),
        ("encoded equals signs", "%3D"),
        ("percent signs", "%"),
        ("ampersands", "&"),
        ("HTML-escaped ampersands", "&amp;"),
        ("slashes", "/"),
        ("credentials", "%26sig=x"),
        ("beginnings of tokens", "/~c2lnLXNjb3BlPS"),
    ] {
        for url in [
            format!("/sig{}", piece.repeat(400_000 / piece.len())),
            format!("/?sig&{}", piece.repeat(400_000 / piece.len())),
        ] {
            let begun = Instant::now();
            let hidden = verifier.hide(&url);
            assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {:?}", begun.elapsed());
            assert!(hidden.is_none_or(|hidden| hidden.len() <= url.len()), "{name}");
        }
    }
}
