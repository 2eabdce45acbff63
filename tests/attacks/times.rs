//! Times at their borders: the end of a link to the nanosecond, the lifetime and leeway of a policy, and sums that no clock
//! holds.

use std::time::{Duration, SystemTime};

use tower_signed_url::RejectionKind::{Expired, LifetimeTooLong, Malformed, NotYetValid};
use tower_signed_url::{Policy, Verifier};

use super::door::{Case, Door, get};
use super::support::by_hand::signed;
use super::support::{NOW, figure_keys};

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn door_at(since_1970: Duration, policy: Policy) -> Door {
    let now = SystemTime::UNIX_EPOCH + since_1970;
    Door::new(&Verifier::builder(&figure_keys()).policy(policy).clock(move || now).build().unwrap())
}

fn link(name: &str, run: &str) -> Case {
    get(name, signed(&format!("/a?{run}")))
}

#[test]
fn a_link_works_until_just_before_exp() {
    let exp = Duration::from_secs(1_790_000_000);
    for (clock, now, seconds, millis) in [
        ("a second before", exp - SECOND, true, true),
        ("a millisecond before", exp - MILLISECOND, true, true),
        ("a nanosecond before", exp - NANOSECOND, true, true),
        ("at", exp, false, true),
        ("a nanosecond after", exp + NANOSECOND, false, true),
        ("a nanosecond before the millisecond", exp + MILLISECOND - NANOSECOND, false, true),
        ("a millisecond after", exp + MILLISECOND, false, false),
        ("a second after", exp + SECOND, false, false),
    ] {
        let judge = |case: Case, works| if works { case.served("/a") } else { case.refused(Expired) };
        door_at(now, Policy::new()).check(&[
            judge(link(&format!("{clock} exp"), "exp=1790000000"), seconds),
            judge(link(&format!("{clock} exp, as milliseconds"), "exp=1790000000000"), seconds),
            judge(link(&format!("{clock} exp, and a millisecond"), "exp=1790000000001"), millis),
            link(&format!("{clock} another exp"), "exp=1790000009").served("/a"),
        ]);
    }
}

#[test]
fn a_link_lives_as_long_as_the_policy_says_and_the_leeway() {
    let now = Duration::from_secs(NOW);
    door_at(now, Policy::new()).check(&[
        link("a week and a minute", "exp=1790603860").served("/a"),
        link("a week, a minute and a millisecond", "exp=1790603860001").refused(LifetimeTooLong),
        link("a week, a minute and a second", "exp=1790603861").refused(LifetimeTooLong),
        link("begins in a minute", "exp=1790000000&sig-start=1789999060").served("/a"),
        link("begins in a minute and a millisecond", "exp=1790000000&sig-start=1789999060001").refused(NotYetValid),
        link("begins in a minute and a second", "exp=1790000000&sig-start=1789999061").refused(NotYetValid),
        link("a week from its beginning", "exp=1790603860&sig-start=1789999060").served("/a"),
        link("a week and a second from its beginning", "exp=1790603800&sig-start=1789998999").refused(LifetimeTooLong),
        link("a week and a millisecond from it", "exp=1790603800&sig-start=1789998999999").refused(LifetimeTooLong),
        // The three checks in their order.
        link("begins too late, lives too long", "exp=1799999999&sig-start=1789999061").refused(NotYetValid),
        link("begins after its end, has ended", "exp=1789990000&sig-start=1789990001").refused(Malformed),
        link("lived too long, has ended", "exp=1789990000&sig-start=1").refused(Expired),
    ]);
    door_at(now + NANOSECOND, Policy::new()).check(&[
        link("a nanosecond later: a week and a minute", "exp=1790603860").served("/a"),
        link("a nanosecond later: and a millisecond", "exp=1790603860001").refused(LifetimeTooLong),
    ]);
    door_at(now - NANOSECOND, Policy::new()).check(&[
        link("a nanosecond earlier: a week and a minute", "exp=1790603860").refused(LifetimeTooLong),
        link("a nanosecond earlier: a millisecond less", "exp=1790603859999").served("/a"),
        link("a nanosecond earlier: begins in a minute", "exp=1790000000&sig-start=1789999060").refused(NotYetValid),
    ]);
    let strict = Policy::new().leeway(Duration::ZERO).max_lifetime(SECOND);
    door_at(now, strict).check(&[
        link("no leeway: a second", "exp=1789999001").served("/a"),
        link("no leeway: a second and a millisecond", "exp=1789999001001").refused(LifetimeTooLong),
        link("no leeway: begins now", "exp=1789999001&sig-start=1789999000").served("/a"),
        link("no leeway: begins in a millisecond", "exp=1789999001&sig-start=1789999000001").refused(NotYetValid),
    ]);
}

/// Sums that a clock cannot hold, and clocks that stand where no link's time can be.
#[test]
fn no_time_overflows() {
    let boundless = || Policy::new().max_lifetime(Duration::MAX).leeway(Duration::MAX);
    door_at(Duration::from_secs(NOW), boundless()).check(&[
        link("no bounds: the last that is seconds", "exp=99999999999").served("/a"),
        link("no bounds: the greatest", "exp=9999999999999").served("/a"),
        link("no bounds: begins just before", "exp=99999999999&sig-start=99999999998").served("/a"),
        link("no bounds: has ended", "exp=1789999000").refused(Expired),
        link("no bounds: ended in 1970", "exp=1").refused(Expired),
    ]);
    door_at(Duration::ZERO, Policy::new()).check(&[
        link("a clock that begins anew: today", "exp=1790000000").refused(LifetimeTooLong),
        link("a clock that begins anew: its first second", "exp=1").served("/a"),
    ]);
}
