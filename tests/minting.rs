//! What a [`Signer`] writes, when it refuses to, and what it tells the caller to change.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod support;
#[path = "minting/times.rs"]
mod times;
#[path = "minting/urls.rs"]
mod urls;

use std::time::{Duration, SystemTime};

use http::{Method, Request};
use support::{NOW, at, figure_keys};
use tower_signed_url::{Head, Policy, RejectionKind, SignError, SignErrorKind, SignedUrl, Signer, Verifier, Verify};

const MINUTE: Duration = Duration::from_secs(60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn signer() -> Signer {
    signer_at(at(NOW))
}

fn signer_at(now: SystemTime) -> Signer {
    Signer::new(&figure_keys()).with_clock(move || now)
}

fn with_policy(policy: Policy) -> Signer {
    signer().with_policy(policy).unwrap()
}

/// The URL without its signature.
fn covered(link: &SignedUrl) -> &str {
    link.as_str().rsplit_once("sig=").unwrap().0.trim_end_matches("x-").strip_suffix('&').unwrap()
}

fn verify(verifier: &Verifier, link: &SignedUrl) -> Result<(), RejectionKind> {
    let request = Request::get(link.as_str()).body(()).unwrap();
    verifier.verify(Head::of(&request)).map(drop).map_err(|rejection| rejection.kind())
}

#[test]
fn every_refusal_says_what_to_change() {
    use SignErrorKind as Kind;
    type Refused<'a> = &'a dyn Fn(&Signer) -> Result<SignedUrl, SignError>;
    let long = format!("/{}", "a".repeat(65_534 - 1 - "?exp=1789999060&sig=".len() - 43 + 1));
    let long = |s: &Signer| s.url(&long).sign_for(MINUTE);
    let rows: [(&str, Refused<'_>, Kind, &str); 33] = [
        ("no slash", &|s| s.url("a").sign_for(MINUTE), Kind::Target, "give a path"),
        ("nothing", &|s| s.url("").sign_for(MINUTE), Kind::Target, "exactly one `/`"),
        ("two slashes", &|s| s.url("//h/a").sign_for(MINUTE), Kind::Target, "exactly one `/`"),
        ("a query alone", &|s| s.url("?a").sign_for(MINUTE), Kind::Target, "exactly one `/`"),
        ("a host alone", &|s| s.url("https://h").sign_for(MINUTE), Kind::Target, "exactly one `/`"),
        ("exp", &|s| s.url("/a?exp=1").sign_for(MINUTE), Kind::ReservedName, "\"exp\" in the target"),
        ("sig-x", &|s| s.url("/a?b&sig-x").sign_for(MINUTE), Kind::ReservedName, "rename it, or set a name prefix"),
        ("a token", &|s| s.url("/~c2lnLXNjb3BlPSx/a").sign_for(MINUTE), Kind::ReservedName, "reserved"),
        ("tolerated", &|s| s.url("/a?utm_source=m").sign_for(MINUTE), Kind::ToleratedName, "\"utm_source\""),
        ("fragment", &|s| s.url("/a#b").sign_for(MINUTE), Kind::Fragment, "write %23"),
        ("a space", &|s| s.url("/a b").sign_for(MINUTE), Kind::Character, "\" \" in the target"),
        ("a letter", &|s| s.url("/a?é").sign_for(MINUTE), Kind::Character, "percent-encode it"),
        ("dots", &|s| s.url("/a/../b").sign_for(MINUTE), Kind::DotSegment, "resolve it first"),
        ("dots encoded", &|s| s.url("/%2E%2e").sign_for(MINUTE), Kind::DotSegment, "a browser removes"),
        ("long", &long, Kind::TooLong, "shorten the target"),
        ("no http", &|s| s.url("ftp://h/a").sign_for(MINUTE), Kind::AbsoluteUrl, "begin with https:// or http://"),
        ("upper case", &|s| s.url("https://H/a").sign_for(MINUTE), Kind::AbsoluteUrl, "lower-case name"),
        ("a port", &|s| s.url("https://h:443/a").sign_for(MINUTE), Kind::AbsoluteUrl, "to be left out"),
        ("plain", &|s| s.url("http://h/a").sign_for(MINUTE), Kind::PlainHttp, "use https, or allow this host"),
        ("too long a life", &|s| s.url("/a").sign_for(WEEK + secs(1)), Kind::LifetimeTooLong, "raise `max_lifetime`"),
        (
            "the same, a time",
            &|s| s.url("/a").sign_until(at(NOW) + WEEK + secs(1)),
            Kind::LifetimeTooLong,
            "shorten it",
        ),
        ("no end", &|s| s.url("/a").sign_for(Duration::MAX), Kind::LifetimeTooLong, "shorten it"),
        ("no life", &|s| s.url("/a").sign_for(Duration::ZERO), Kind::NotInFuture, "give a later one"),
        ("now", &|s| s.url("/a").sign_until(at(NOW)), Kind::NotInFuture, "give a later one"),
        ("cut now", &|s| s.url("/a").no_later_than(at(NOW)).sign_for(MINUTE), Kind::NotInFuture, "give a later one"),
        (
            "over first",
            &|s| s.url("/a").not_before(at(NOW + 9)).sign_until(at(NOW + 9)),
            Kind::BeginsTooLate,
            "begin earlier",
        ),
        (
            "before 1970",
            &|s| s.url("/a").sign_until(SystemTime::UNIX_EPOCH - secs(1)),
            Kind::TimeOutOfRange,
            "before 1970",
        ),
        (
            "begins in 1970",
            &|s| s.url("/a").not_before(at(0)).sign_until(at(NOW + 1)),
            Kind::TimeOutOfRange,
            "before 1970",
        ),
        (
            "5138",
            &|s| s.url("/a").not_before(at(99_999_999_990)).sign_for(MINUTE),
            Kind::TimeOutOfRange,
            "the year 5138",
        ),
        (
            "rounding",
            &|s| s.url("/a").round_expiry_up_to(Duration::ZERO).sign_for(MINUTE),
            Kind::Rounding,
            "give a second",
        ),
        ("method", &|s| s.url("/a").method("get".parse().unwrap()).sign_for(MINUTE), Kind::Method, "\"get\" is not"),
        ("id", &|s| s.url("/a").id("a.b").sign_for(MINUTE), Kind::Id, "use 1 to 64 of A-Z a-z 0-9 _ -"),
        ("no id", &|s| s.url("/a").id("").sign_for(MINUTE), Kind::Id, "use 1 to 64 of A-Z a-z 0-9 _ -"),
    ];
    let signer = with_policy(Policy::new().tolerate_trackers());
    for (name, mint, kind, phrase) in rows {
        let error = mint(&signer).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(phrase), "{name}: {error}");
    }
    let based = signer.with_base("https://example.com/cdn").unwrap();
    for outside in
        ["https://example.com/a", "https://example.com/cdnx/a", "https://example.com/cdn", "http://e.com/a", "a"]
    {
        let error = based.url(outside).sign_for(MINUTE).unwrap_err();
        assert_eq!(error.kind(), SignErrorKind::OutsideBase, "{outside}");
        assert!(error.to_string().contains("give a path, or use a signer without that base"), "{outside}: {error}");
    }
}

#[test]
fn the_longest_url_is_one_that_http_reads() {
    let fixed = "?exp=1789999060&sig=".len() + 43;
    let target = format!("/{}", "a".repeat(65_534 - fixed - 1));
    let link = signer().url(&target).sign_for(MINUTE).unwrap();
    assert_eq!(link.as_str().len(), 65_534);
    assert_eq!(verify(&support::fixed_verifier(), &link), Ok(()));
}

#[test]
fn the_run_has_one_order_and_whole_seconds() {
    let (half, ns) = (Duration::from_millis(500), Duration::from_nanos(1));
    let (s, late) = (signer(), signer_at(at(NOW) + Duration::from_nanos(1)));
    for (name, link, expected) in [
        ("exp alone", s.url("/a").sign_for(MINUTE), "/a?exp=1789999060"),
        ("an empty query", s.url("/a?").sign_for(MINUTE), "/a?&exp=1789999060"),
        ("a query", s.url("/a?x=1&y?z").sign_for(MINUTE), "/a?x=1&y?z&exp=1789999060"),
        ("an empty parameter last", s.url("/a?x=1&").sign_for(MINUTE), "/a?x=1&&exp=1789999060"),
        (
            "everything",
            s.url("/a").id("i").method(Method::PUT).method(Method::GET).not_before(at(NOW)).sign_for(MINUTE),
            "/a?exp=1789999060&sig-start=1789999000&sig-methods=PUT,GET&sig-id=i",
        ),
        ("GET alone", s.url("/a").method(Method::GET).method(Method::GET).sign_for(MINUTE), "/a?exp=1789999060"),
        ("HEAD alone", s.url("/a").method(Method::HEAD).sign_for(MINUTE), "/a?exp=1789999060&sig-methods=HEAD"),
        (
            "a method twice",
            s.url("/a").method(Method::PUT).method(Method::POST).method(Method::PUT).sign_for(MINUTE),
            "/a?exp=1789999060&sig-methods=PUT,POST",
        ),
        ("half a second", s.url("/a").sign_for(half), "/a?exp=1789999001"),
        ("a clock in a second", late.url("/a").sign_for(MINUTE), "/a?exp=1789999061"),
        ("both", late.url("/a").sign_for(Duration::from_millis(999)), "/a?exp=1789999001"),
        ("until part of a second", s.url("/a").sign_until(at(NOW + 61) - ns), "/a?exp=1789999060"),
        (
            "not later than part of one",
            s.url("/a").no_later_than(at(NOW + 31) - ns).sign_for(MINUTE),
            "/a?exp=1789999030",
        ),
        (
            "not before part of one",
            s.url("/a").not_before(at(NOW + 10) + ns).sign_for(MINUTE),
            "/a?exp=1789999071&sig-start=1789999011",
        ),
        (
            "counted from a later start",
            s.url("/a").not_before(at(NOW + 600)).sign_for(MINUTE),
            "/a?exp=1789999660&sig-start=1789999600",
        ),
        (
            "counted from now",
            s.url("/a").not_before(at(NOW - 600)).sign_for(MINUTE),
            "/a?exp=1789999060&sig-start=1789998400",
        ),
        (
            "the earliest of ends",
            s.url("/a").no_later_than(at(NOW + 9)).no_later_than(at(NOW + 20)).sign_for(MINUTE),
            "/a?exp=1789999009",
        ),
        (
            "in any order",
            s.url("/a").no_later_than(at(NOW + 20)).no_later_than(at(NOW + 9)).sign_for(MINUTE),
            "/a?exp=1789999009",
        ),
        ("an end beyond", s.url("/a").no_later_than(at(NOW + 90)).sign_for(MINUTE), "/a?exp=1789999060"),
        ("rounded", s.url("/a").round_expiry_up_to(secs(3600)).sign_for(MINUTE), "/a?exp=1789999200"),
        (
            "rounded and cut",
            s.url("/a").round_expiry_up_to(secs(3600)).no_later_than(at(NOW + 90)).sign_for(MINUTE),
            "/a?exp=1789999090",
        ),
        ("rounded from a time", s.url("/a").round_expiry_up_to(secs(100)).sign_until(at(NOW + 1)), "/a?exp=1789999100"),
        (
            "a multiple already",
            s.url("/a").round_expiry_up_to(secs(100)).sign_until(at(NOW + 100)),
            "/a?exp=1789999100",
        ),
        (
            "part of a window",
            s.url("/a").round_expiry_up_to(secs(99) + ns).sign_until(at(NOW + 1)),
            "/a?exp=1789999100",
        ),
    ] {
        let link = link.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(covered(&link), expected, "{name}");
    }
}
