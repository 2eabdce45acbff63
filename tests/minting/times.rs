//! How long a link may live, and what rounding does to it.

use std::time::Duration;

use tower_signed_url::{Policy, SignErrorKind, Verifier};

use super::support::{NOW, at, figure_keys};
use super::{MINUTE, WEEK, secs, signer_at, verify, with_policy};

#[test]
fn the_maximum_works_and_is_never_passed_whatever_the_clock() {
    for max in [secs(1), Duration::from_millis(1500), Duration::from_millis(1999), secs(10), WEEK] {
        for nanos in [0, 1, 999_999, 1_000_000, 1_500_000, 499_999_999, 500_000_000, 999_000_000, 999_999_999] {
            let now = at(NOW) + Duration::from_nanos(nanos);
            let policy = Policy::new().leeway(Duration::ZERO).max_lifetime(max);
            let verifier = Verifier::builder(&figure_keys()).policy(policy).clock(move || now).build().unwrap();
            let link = verifier.signer().url("/a").sign_for(max).unwrap();
            let lifetime = link.expires_at().duration_since(now).unwrap();
            assert!(lifetime <= max && max - lifetime < secs(1), "{max:?} at {nanos} ns: {lifetime:?}");
            assert_eq!(verify(&verifier, &link), Ok(()), "{max:?} at {nanos} ns");

            let error = verifier.signer().url("/a").sign_for(max + Duration::from_nanos(1)).unwrap_err();
            assert_eq!(error.kind(), SignErrorKind::LifetimeTooLong, "{max:?} at {nanos} ns");
            let later = verifier.signer().url("/a").not_before(now + MINUTE).sign_for(max).unwrap();
            let start = at(NOW + 60 + u64::from(nanos > 0));
            assert!(later.expires_at().duration_since(start).unwrap() <= max, "{max:?} from {start:?}");
        }
    }
}

/// A checker that rounds its clock down to the millisecond must not see a longer life than the signer did.
#[test]
fn a_maximum_finer_than_a_millisecond_holds_alike_for_both_sides() {
    let now = at(NOW) + Duration::from_micros(900);
    let max = Duration::from_micros(1_999_200);
    let policy = Policy::new().leeway(Duration::ZERO).max_lifetime(max);
    let verifier = Verifier::builder(&figure_keys()).policy(policy).clock(move || now).build().unwrap();
    let link = verifier.signer().url("/a").sign_for(max).unwrap();
    assert_eq!(verify(&verifier, &link), Ok(()));
}

#[test]
fn no_maximum_to_speak_of_lets_ordinary_links_through() {
    let signer = with_policy(Policy::new().max_lifetime(Duration::MAX));
    assert_eq!(signer.url("/a").sign_until(at(NOW + 60)).map(|link| link.expires_at()), Ok(at(NOW + 60)), "until");
    assert_eq!(signer.url("/a").sign_for(MINUTE).map(|link| link.expires_at()), Ok(at(NOW + 60)), "for");
}

#[test]
fn a_start_in_the_past_counts_towards_the_maximum() {
    let signer = with_policy(Policy::new().max_lifetime(secs(100)));
    let begun = |ago| signer.url("/a").not_before(at(NOW - ago)).sign_for(MINUTE);
    assert_eq!(begun(40).map(|link| link.expires_at()), Ok(at(NOW + 60)));
    assert_eq!(begun(41).map_err(|error| error.kind()), Err(SignErrorKind::LifetimeTooLong));
}

#[test]
fn a_rounded_url_is_the_same_within_a_window_and_never_across() {
    let window = 300;
    let first = NOW / window * window + 1;
    let mint = |second: u64, millis: u64| {
        let now = at(second) + Duration::from_millis(millis);
        signer_at(now).url("/a").round_expiry_up_to(secs(window)).sign_for(MINUTE).unwrap()
    };
    // A clock within a second counts as the next one, so that a window begins right after its first second.
    let mut urls: Vec<String> = Vec::new();
    for start in (0..4).map(|n| first + n * window) {
        let url = mint(start - 60, 0);
        for (second, millis) in [(start - 60, 1), (start - 59, 999), (start + 100, 500), (start + window - 61, 0)] {
            assert_eq!(mint(second, millis), url, "{start}: {second}.{millis}");
        }
        assert_eq!(url.expires_at(), at(start - 1 + window), "{start}");
        assert!(!urls.contains(&url.to_string()), "{start}");
        urls.push(url.into_string());
    }
}

#[test]
fn the_maximum_holds_for_lifetime_and_window_at_every_moment() {
    for offset in 0..120 {
        for nanos in [0, 1, 999_999_999] {
            let now = at(NOW + offset) + Duration::from_nanos(nanos);
            let signer = signer_at(now).with_policy(Policy::new().max_lifetime(secs(180))).unwrap();
            let mint = |window, lifetime| signer.url("/a").round_expiry_up_to(window).sign_for(lifetime);
            let link = mint(MINUTE, secs(120)).unwrap();
            assert!(link.expires_at().duration_since(now).unwrap() <= secs(180), "{offset} s and {nanos} ns");
            for (window, lifetime) in [
                (MINUTE, secs(120) + Duration::from_nanos(1)),
                (secs(61), secs(120)),
                (MINUTE + Duration::from_nanos(1), secs(120)),
                (WEEK, MINUTE),
                (Duration::from_secs(u64::MAX), MINUTE),
            ] {
                let kind = mint(window, lifetime).map_err(|error| error.kind());
                assert_eq!(kind, Err(SignErrorKind::LifetimeTooLong), "{window:?} and {lifetime:?} at {offset} s");
            }
        }
    }
    let kind = with_policy(Policy::new()).url("/a").round_expiry_up_to(Duration::MAX).sign_for(MINUTE);
    assert_eq!(kind.map_err(|error| error.kind()), Err(SignErrorKind::Rounding));
}
