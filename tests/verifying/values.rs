//! What an authentic link says: numbers, times, restrictions.

use std::time::{Duration, SystemTime};

use http::Uri;
use tower_signed_url::Policy;
use tower_signed_url::RejectionKind::{Expired, LifetimeTooLong, Malformed, NotAuthentic, NotYetValid, Unenforceable};

use super::support::NOW;
use super::{authentic, check, check_all, get, signed, unsigned, verifier, verifier_at};

#[test]
fn numbers_are_decimal_digits_and_nothing_else() {
    let digits_400 = "1".repeat(400);
    for (name, value) in [
        ("empty", ""),
        ("zero", "0"),
        ("a plus", "+1790000000"),
        ("a minus", "-1"),
        ("an encoded space before", "%201790000000"),
        ("a plus for a space after", "1790000000+"),
        ("an encoded digit", "%31790000000"),
        ("a leading zero", "01790000000"),
        ("an exponent", "1e9"),
        ("hexadecimal", "0x1"),
        ("an underscore", "1_0"),
        ("a fraction", "1790000000.5"),
        ("a comma", "1,790,000,000"),
        ("a second `=`", "=1790000000"),
        ("a null byte, encoded", "1790000000%00"),
        ("Arabic digits", "١٧٩٠٠٠٠٠٠٠"),
        ("full-width digits", "１７９０００００００"),
        ("one Bengali digit", "179000000০"),
        ("2^63 - 1", "9223372036854775807"),
        ("2^64", "18446744073709551616"),
        ("2^64 + exp", "18446744075499551616"),
        ("14 digits", "17900000000000"),
        ("14 digits with a zero before", "01790000000000"),
        ("400 digits", &*digits_400),
    ] {
        let exp = signed(&format!("/a?exp={value}&sig=$"));
        check(&verifier(), &format!("exp: {name}"), &get(&exp), authentic(Malformed, "exp"));
        let start = signed(&format!("/a?exp=1790000000&sig-start={value}&sig=$"));
        check(&verifier(), &format!("sig-start: {name}"), &get(&start), authentic(Malformed, "sig-start"));
    }
    for (name, value) in [("a space", " 1790000000"), ("a tab", "1790000000\t"), ("a line feed", "1790000000\n")] {
        let error = signed(&format!("/a?exp={value}&sig=$")).parse::<Uri>().unwrap_err();
        assert_eq!(error.to_string(), "invalid uri character", "{name}");
    }
    let rows = [
        ("the least", "/a?exp=1&sig=$", authentic(Expired, "")),
        ("2^31 - 1, seconds", "/a?exp=2147483647&sig=$", authentic(LifetimeTooLong, "")),
        ("2^31, seconds", "/a?exp=2147483648&sig=$", authentic(LifetimeTooLong, "")),
        ("2^32, seconds", "/a?exp=4294967296&sig=$", authentic(LifetimeTooLong, "")),
        ("2^32 + exp, seconds", "/a?exp=6084967296&sig=$", authentic(LifetimeTooLong, "")),
        ("the last in seconds, year 5138", "/a?exp=99999999999&sig=$", authentic(LifetimeTooLong, "")),
        ("the first in milliseconds, year 1973", "/a?exp=100000000000&sig=$", authentic(Expired, "")),
        ("13 digits, milliseconds", "/a?exp=1790000000000&sig=$", Ok(())),
        ("the greatest", "/a?exp=9999999999999&sig=$", authentic(LifetimeTooLong, "")),
        ("both in milliseconds", "/a?exp=1790000000000&sig-start=1789999000000&sig=$", Ok(())),
        ("one in each unit", "/a?exp=1790000000&sig-start=1789999999999&sig=$", authentic(NotYetValid, "")),
        ("equal in two units", "/a?exp=1790000000&sig-start=1790000000000&sig=$", authentic(Malformed, "")),
    ];
    check_all(&verifier(), &rows);
}

#[test]
fn times_are_held_to_the_millisecond() {
    let default = Policy::new;
    let strict = || Policy::new().leeway(Duration::ZERO);
    let ten = || strict().max_lifetime(Duration::from_secs(10));
    let now = Duration::from_secs(NOW);
    let exp = Duration::from_secs(1_790_000_000);
    let (ms, ns) = (Duration::from_millis(1), Duration::from_nanos(1));
    for (name, policy, clock, run, expected) in [
        ("1 ms before exp", default(), exp - ms, "exp=1790000000", Ok(())),
        ("1 ns before exp", default(), exp - ns, "exp=1790000000", Ok(())),
        ("at exp", default(), exp, "exp=1790000000", authentic(Expired, "")),
        ("1 ms before exp in ms", default(), exp + 4 * ms, "exp=1790000000005", Ok(())),
        ("at exp in ms", default(), exp + 5 * ms, "exp=1790000000005", authentic(Expired, "")),
        ("start 60 s away", default(), now, "exp=1790000000&sig-start=1789999060", Ok(())),
        ("and 1 ms", default(), now, "exp=1790000000&sig-start=1789999060001", authentic(NotYetValid, "")),
        ("1 ms earlier", default(), now - ms, "exp=1790000000&sig-start=1789999060", authentic(NotYetValid, "")),
        ("start, no leeway", strict(), now, "exp=1790000000&sig-start=1789999000", Ok(())),
        ("1 ms away", strict(), now, "exp=1790000000&sig-start=1789999000001", authentic(NotYetValid, "")),
        ("1 ns earlier", strict(), now - ns, "exp=1790000000&sig-start=1789999000", authentic(NotYetValid, "")),
        ("the maximum and leeway", default(), now, "exp=1790603860", Ok(())),
        ("and 1 ms", default(), now, "exp=1790603860001", authentic(LifetimeTooLong, "")),
        ("the maximum, no leeway", strict(), now, "exp=1790603800", Ok(())),
        ("and 1 ms", strict(), now, "exp=1790603800001", authentic(LifetimeTooLong, "")),
        ("another maximum", ten(), now, "exp=1789999010", Ok(())),
        ("and 1 ms", ten(), now, "exp=1789999010001", authentic(LifetimeTooLong, "")),
        ("the maximum from a start", default(), now, "exp=1790602800&sig-start=1789998000", Ok(())),
        (
            "and 1 ms: no leeway",
            default(),
            now,
            "exp=1790602800001&sig-start=1789998000",
            authentic(LifetimeTooLong, ""),
        ),
        ("start is exp", default(), now, "exp=1790000000&sig-start=1790000000", authentic(Malformed, "")),
        ("start after exp", default(), now, "exp=1790000000&sig-start=1790000001", authentic(Malformed, "")),
        ("expired and not yet valid", default(), now, "exp=1789998000&sig-start=1790000000", authentic(Malformed, "")),
        ("expired, malformed", default(), exp, "exp=1790000000&sig-id=", authentic(Malformed, "sig-id")),
        ("expired, unknown", default(), exp, "exp=1790000000&sig-new=1", authentic(Unenforceable, "sig-new")),
        ("expired, another method", default(), exp, "exp=1790000000&sig-methods=PUT", authentic(Expired, "")),
        ("expired, lived too long", ten(), exp, "exp=1790000000&sig-start=1789999000", authentic(Expired, "")),
        ("not yet, too long", ten(), now, "exp=1790000000&sig-start=1789999001", authentic(NotYetValid, "")),
        ("too long, another method", ten(), now, "exp=1790000000&sig-methods=PUT", authentic(LifetimeTooLong, "")),
        (
            "not yet, another method",
            strict(),
            now,
            "exp=1790000000&sig-start=1789999001&sig-methods=PUT",
            authentic(NotYetValid, ""),
        ),
        ("a clock at 1970", default(), Duration::ZERO, "exp=1790000000", authentic(LifetimeTooLong, "")),
    ] {
        let verifier = verifier_at(SystemTime::UNIX_EPOCH + clock, policy);
        check(&verifier, name, &get(&signed(&format!("/a?{run}&sig=$"))), expected);
    }
    let before_1970 = verifier_at(SystemTime::UNIX_EPOCH - Duration::from_secs(1), Policy::new());
    check(&before_1970, "before 1970", &get(&signed("/a?exp=60&sig=$")), Ok(()));
}

#[test]
fn every_restriction_is_read_strictly_or_refused() {
    let id_64 = "Az_-".repeat(16);
    let (id_64, id_65) =
        (format!("/a?exp=1790000000&sig-id={id_64}&sig=$"), format!("/a?exp=1790000000&sig-id={id_64}0&sig=$"));
    let rows = [
        ("methods", "/a?exp=1790000000&sig-methods=PUT,GET&sig=$", Ok(())),
        ("methods, empty", "/a?exp=1790000000&sig-methods=&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, no value", "/a?exp=1790000000&sig-methods&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, lower case", "/a?exp=1790000000&sig-methods=get&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, `,` last", "/a?exp=1790000000&sig-methods=GET,&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, `,` first", "/a?exp=1790000000&sig-methods=,GET&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, `,,`", "/a?exp=1790000000&sig-methods=GET,,PUT&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, one twice", "/a?exp=1790000000&sig-methods=GET,PUT,GET&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, encoded", "/a?exp=1790000000&sig-methods=GET%2CPUT&sig=$", authentic(Malformed, "sig-methods")),
        ("methods, any", "/a?exp=1790000000&sig-methods=*&sig=$", authentic(Malformed, "sig-methods")),
        ("id", "/a?exp=1790000000&sig-id=A-z_9&sig=$", Ok(())),
        ("id of 64", &id_64, Ok(())),
        ("id of 65", &id_65, authentic(Malformed, "sig-id")),
        ("id, empty", "/a?exp=1790000000&sig-id=&sig=$", authentic(Malformed, "sig-id")),
        ("id, no value", "/a?exp=1790000000&sig-id&sig=$", authentic(Malformed, "sig-id")),
        ("id, dot", "/a?exp=1790000000&sig-id=a.b&sig=$", authentic(Malformed, "sig-id")),
        ("id, encoded", "/a?exp=1790000000&sig-id=%61&sig=$", authentic(Malformed, "sig-id")),
        ("id, letters beyond ASCII", "/a?exp=1790000000&sig-id=é&sig=$", authentic(Malformed, "sig-id")),
        ("exp, no value", "/a?exp&sig=$", authentic(Malformed, "exp")),
        ("start, no value", "/a?exp=1790000000&sig-start&sig=$", authentic(Malformed, "sig-start")),
        ("unknown", "/a?exp=1790000000&sig-expires=1&sig=$", authentic(Unenforceable, "sig-expires")),
        ("unknown, nothing after `sig-`", "/a?exp=1790000000&sig-=1&sig=$", authentic(Unenforceable, "sig-")),
        ("unknown, no value", "/a?exp=1790000000&sig-x&sig=$", authentic(Unenforceable, "sig-x")),
        ("unknown, twice", "/a?exp=1790000000&sig-x=1&sig-x=1&sig=$", authentic(Unenforceable, "sig-x")),
        ("another case", "/a?exp=1790000000&sig-ID=a&sig=$", authentic(Unenforceable, "sig-ID")),
        ("an encoded name", "/a?exp=1790000000&sig-%69d=a&sig=$", authentic(Unenforceable, "sig-%69d")),
        ("ip", "/a?exp=1790000000&sig-ip=127.0.0.1&sig=$", authentic(Unenforceable, "sig-ip")),
        ("uses", "/a?exp=1790000000&sig-id=a&sig-uses=1&sig=$", authentic(Unenforceable, "sig-uses")),
        ("ip, malformed", "/a?exp=1790000000&sig-ip=127.0.0&sig=$", authentic(Malformed, "sig-ip")),
        ("max-bytes", "/a?exp=1790000000&sig-max-bytes=0&sig=$", Ok(())),
        ("max-bytes, empty", "/a?exp=1790000000&sig-max-bytes=&sig=$", authentic(Malformed, "sig-max-bytes")),
        ("type", "/a?exp=1790000000&sig-type=image/*&sig=$", Ok(())),
        ("type, any", "/a?exp=1790000000&sig-type=*/*&sig=$", authentic(Malformed, "sig-type")),
        ("download, empty", "/a?exp=1790000000&sig-download=&sig=$", authentic(Malformed, "sig-download")),
        ("scope in a run", "/a?exp=1790000000&sig-scope=/&sig=$", unsigned(Malformed, "sig-scope")),
        ("scope, MAC over the target", "/a?sig-scope=/&exp=1790000000&sig=$", unsigned(NotAuthentic, "")),
        ("bind", "/a?exp=1790000000&sig-bind=host&sig=$", unsigned(Unenforceable, "sig-bind")),
    ];
    check_all(&verifier(), &rows);
}
