//! Numbers that one reader takes for another number than the next one does, or for none.

use tower_signed_url::RejectionKind::{Expired, LifetimeTooLong, Malformed, NotYetValid};

use super::door::{Door, get};
use super::support::fixed_verifier;
use super::wire::signed;

/// One second after the time that links are checked at.
const SOON: &str = "1789999001";

#[test]
fn a_time_is_digits() {
    let exp = |value: &str| signed(&format!("/a?exp={value}"));
    Door::new(&fixed_verifier()).check(&[
        get("seconds", exp(SOON)).served("/a"),
        get("milliseconds", exp("1789999000001")).served("/a"),
        get("a sign", exp("+1789999001")).refused(Malformed),
        get("a minus", exp("-1")).refused(Malformed),
        get("now", exp("1789999000")).refused(Expired),
        get("now, in milliseconds", exp("1789999000000")).refused(Expired),
    ]);
}
