//! Numbers that one reader takes for another number than the next one does, or for none.

use tower_signed_url::RejectionKind::{Expired, LengthRequired, LifetimeTooLong, Malformed, TooLarge, Unenforceable};

use super::door::{Answer, Case, Door, get};
use super::support::by_hand::signed;
use super::support::fixed_verifier;

/// One second after the time that links are checked at.
const SOON: &str = "1789999001";

/// Ways to write these digits that are none of the format's. Somewhere each is taken for the number that it looks like.
fn other_forms(digits: &str) -> Vec<(&'static str, String)> {
    let in_script = |zero: char| -> String {
        let digit = |digit: char| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap();
        digits.chars().map(digit).collect()
    };
    let escaped = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let number: u64 = digits.parse().unwrap();
    let mut forms = vec![
        ("no value", String::new()),
        ("zeros alone", "00".into()),
        ("a plus", format!("+{digits}")),
        ("a plus, escaped", format!("%2B{digits}")),
        ("a minus", format!("-{digits}")),
        ("minus one", "-1".into()),
        ("minus zero", "-0".into()),
        ("a space before, escaped", format!("%20{digits}")),
        ("a space behind, escaped", format!("{digits}%20")),
        ("a plus for a space behind", format!("{digits}+")),
        ("a tab before, escaped", format!("%09{digits}")),
        ("a line break behind, escaped", format!("{digits}%0A")),
        ("a zero byte behind, escaped", format!("{digits}%00")),
        ("a zero before", format!("0{digits}")),
        ("the first digit escaped", format!("%3{digits}")),
        ("all digits escaped", escaped(digits)),
        ("escaped twice", format!("%253{digits}")),
        ("an exponent", "1e9".into()),
        ("an exponent of nothing", format!("{digits}e0")),
        ("hexadecimal", format!("0x{number:x}")),
        ("hexadecimal without a mark", format!("{:x}", number | 0xa)),
        ("0x1", "0x1".into()),
        ("octal", format!("0o{number:o}")),
        ("binary", format!("0b{number:b}")),
        ("an underscore", "1_0".into()),
        ("an underscore behind", format!("{digits}_")),
        ("a fraction", "1.5".into()),
        ("a fraction of nothing", format!("{digits}.0")),
        ("a point behind", format!("{digits}.")),
        ("commas", "1,789,999,001".into()),
        ("apostrophes", "1'789'999'001".into()),
        ("a list", format!("{digits},{digits}")),
        ("a letter behind", format!("{digits}s")),
        ("a suffix of its type", format!("{digits}u64")),
        ("a semicolon behind", format!("{digits};")),
        ("an equals sign before", format!("={digits}")),
        ("quoted", format!("%22{digits}%22")),
        ("a list of one", format!("[{digits}]")),
        ("infinity", "Infinity".into()),
        ("no number", "NaN".into()),
        ("null", "null".into()),
        ("true", "true".into()),
        ("a date", "2026-11-22T00:00:00Z".into()),
        ("2^64", "18446744073709551616".into()),
        ("2^64 more", (u128::from(number) + (1 << 64)).to_string()),
        ("2^128", "340282366920938463463374607431768211456".into()),
        ("400 digits", "1".repeat(400)),
        ("400 zeros before", format!("{}{digits}", "0".repeat(400))),
    ];
    for (name, escaped_name, zero) in [
        ("Arabic-Indic digits", "Arabic-Indic digits, escaped", '\u{660}'),
        ("Devanagari digits", "Devanagari digits, escaped", '\u{966}'),
        ("full-width digits", "full-width digits, escaped", '\u{ff10}'),
        ("mathematical digits", "mathematical digits, escaped", '\u{1d7ce}'),
        ("subscript digits", "subscript digits, escaped", '\u{2080}'),
    ] {
        forms.push((name, in_script(zero)));
        forms.push((escaped_name, escaped(&in_script(zero))));
    }
    forms.push(("one digit of another script", format!("{}\u{661}", &digits[..digits.len() - 1])));
    forms
}

/// The same with what stands in no request line, and in no `:path`.
fn unreadable_forms(digits: &str) -> [(&'static str, String); 6] {
    [
        ("a space before, raw", format!(" {digits}")),
        ("a space behind, raw", format!("{digits} ")),
        ("a tab before, raw", format!("\t{digits}")),
        ("a line break behind, raw", format!("{digits}\n")),
        ("a carriage return behind, raw", format!("{digits}\r")),
        ("a zero byte behind, raw", format!("{digits}\0")),
    ]
}

/// Every form, as the value of what `case` puts it into.
fn all_forms(digits: &str, case: impl Fn(&'static str, &str) -> Case) -> Vec<Case> {
    let other = other_forms(digits).into_iter().map(|(name, value)| case(name, &value).refused(Malformed));
    let unreadable = unreadable_forms(digits).into_iter().map(|(name, value)| case(name, &value).unread());
    other.chain(unreadable).collect()
}

#[test]
fn exp_is_digits() {
    let exp = |name: &str, value: &str| get(format!("exp: {name}"), signed(&format!("/a?exp={value}")));
    let mut cases = all_forms(SOON, exp);
    cases.extend([
        exp("seconds", SOON).served("/a"),
        exp("milliseconds", "1789999000001").served("/a"),
        exp("now", "1789999000").refused(Expired),
        exp("now, in milliseconds", "1789999000000").refused(Expired),
        exp("0", "0").refused(Malformed),
        exp("1", "1").refused(Expired),
        exp("2^31 - 1", "2147483647").refused(LifetimeTooLong),
        exp("2^31", "2147483648").refused(LifetimeTooLong),
        exp("2^32 - 1", "4294967295").refused(LifetimeTooLong),
        exp("2^32", "4294967296").refused(LifetimeTooLong),
        exp("2^32 more", "6084966297").refused(LifetimeTooLong),
        exp("the last that is seconds, in 5138", "99999999999").refused(LifetimeTooLong),
        exp("the first that is milliseconds, in 1973", "100000000000").refused(Expired),
        exp("12 digits, in 2001", "999999999999").refused(Expired),
        exp("13 digits, in 2001", "1000000000000").refused(Expired),
        exp("the greatest, in 2286", "9999999999999").refused(LifetimeTooLong),
        exp("14 digits", "10000000000000").refused(Malformed),
        exp("microseconds", "1789999001000000").refused(Malformed),
        exp("nanoseconds", "1789999001000000000").refused(Malformed),
        exp("2^53", "9007199254740992").refused(Malformed),
        exp("2^63 - 1", "9223372036854775807").refused(Malformed),
        exp("2^63", "9223372036854775808").refused(Malformed),
        exp("2^64 - 1", "18446744073709551615").refused(Malformed),
    ]);
    Door::new(&fixed_verifier()).check(&cases);
}

#[test]
fn sig_start_is_digits() {
    let start = |name: &str, value: &str| {
        get(format!("sig-start: {name}"), signed(&format!("/a?exp={SOON}&sig-start={value}")))
    };
    let mut cases = all_forms("1789999000", start);
    cases.extend([
        start("now", "1789999000").served("/a"),
        start("now, in milliseconds", "1789999000000").served("/a"),
        start("a millisecond before exp", "1789999000999").served("/a"),
        start("exp", SOON).refused(Malformed),
        start("exp, in milliseconds", "1789999001000").refused(Malformed),
        start("after exp", "1789999002").refused(Malformed),
        start("0", "0").refused(Malformed),
        start("1", "1").refused(LifetimeTooLong),
        start("2^31 - 1", "2147483647").refused(Malformed),
        start("2^31", "2147483648").refused(Malformed),
        start("2^32", "4294967296").refused(Malformed),
        start("2^32 more", "6084966296").refused(Malformed),
        start("the last that is seconds", "99999999999").refused(Malformed),
        start("the first that is milliseconds", "100000000000").refused(LifetimeTooLong),
        start("the greatest", "9999999999999").refused(Malformed),
        start("14 digits", "10000000000000").refused(Malformed),
        start("2^53", "9007199254740992").refused(Malformed),
        start("2^63", "9223372036854775808").refused(Malformed),
        start("2^64 - 1", "18446744073709551615").refused(Malformed),
    ]);
    Door::new(&fixed_verifier()).check(&cases);
}

#[test]
fn sig_max_bytes_is_digits() {
    let covered = |value: &str| format!("/a?exp={SOON}&sig-methods=PUT&sig-max-bytes={value}");
    let put = |name: &str, value: &str| {
        get(format!("sig-max-bytes: {name}"), signed(&covered(value))).method("PUT").body(b"12345")
    };
    let mut cases = all_forms("9", put);
    cases.extend([
        put("as many", "5").served("/a"),
        put("more", "6").served("/a"),
        put("fewer", "4").refused(TooLarge),
        put("one", "1").refused(TooLarge),
        put("none", "0").refused(TooLarge),
        put("none, and no body", "0").body(b"").served("/a"),
        // Two lengths, of which a proxy in front may believe the other one.
        put("chunks besides a length", "5")
            .field("transfer-encoding", "chunked")
            .refused(LengthRequired)
            .not_over_http2(),
        put("the same length again", "5")
            .field("content-length", "5")
            .served("/a")
            .but_over_http2(Answer::refused(411, LengthRequired)),
        put("another length", "5").field("content-length", "4").unread(),
        put("2^31 - 1", "2147483647").served("/a"),
        put("2^31", "2147483648").served("/a"),
        // Cut to 32 bits it would be 4.
        put("2^32 and 4", "4294967300").served("/a"),
        put("14 digits", "10000000000000").served("/a"),
        put("2^53 and 1", "9007199254740993").served("/a"),
        put("2^63", "9223372036854775808").served("/a"),
        put("2^64 - 1", "18446744073709551615").served("/a"),
        put("10^19 too many", "100000000000000000000").refused(Malformed),
    ]);
    Door::new(&fixed_verifier()).check(&cases);
}

/// Nothing here counts uses, and a link that wants them counted says so in vain whatever the number.
#[test]
fn sig_uses_is_not_enforced_and_so_refused() {
    let uses = |name: &str, value: &str| {
        get(format!("sig-uses: {name}"), signed(&format!("/a?exp={SOON}&sig-id=a&sig-uses={value}")))
    };
    let mut cases: Vec<Case> =
        other_forms("9").iter().map(|(name, value)| uses(name, value).refused(Unenforceable)).collect();
    cases.extend([
        get("without it", signed(&format!("/a?exp={SOON}&sig-id=a"))).served("/a"),
        uses("1", "1").refused(Unenforceable),
        uses("0", "0").refused(Unenforceable),
        uses("2^32 - 1", "4294967295").refused(Unenforceable),
        uses("2^32", "4294967296").refused(Unenforceable),
        get("sig-uses without an id", signed(&format!("/a?exp={SOON}&sig-uses=1"))).refused(Unenforceable),
    ]);
    Door::new(&fixed_verifier()).check(&cases);
}
