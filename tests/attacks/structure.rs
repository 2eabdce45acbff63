//! What belongs to the credential and what does not: delimiters, and how often and where a parameter may stand.

use std::time::Duration;

use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic, Unenforceable};
use tower_signed_url::{Policy, SignErrorKind, Signer, Verifier};

use super::door::{Answer, Door, get};
use super::support::by_hand::{exact, mac, signed};
use super::support::{NOW, at, figure_keys, fixed_verifier};

#[test]
fn the_same_bytes_cut_elsewhere_are_another_link() {
    let mut cases = vec![get("as it was signed", signed("/a?x=1&exp=1790000000")).served("/a?x=1")];
    for (name, signed_as, sent_as) in [
        ("from the query into the path", "/a?x=1&exp=1790000000", "/ax=1?exp=1790000000"),
        ("from the query into a folder", "/a?x=1&exp=1790000000", "/a/x=1?exp=1790000000"),
        ("from the path into the query", "/ax=1?exp=1790000000", "/a?x=1&exp=1790000000"),
        ("from a folder into the query", "/a/x=1?exp=1790000000", "/a?x=1&exp=1790000000"),
        ("from the path into a name", "/ab?c=1&exp=1790000000", "/a?bc=1&exp=1790000000"),
        ("from a name into its value", "/a?xy=1&exp=1790000000", "/a?x=y1&exp=1790000000"),
        ("from a value into its name", "/a?x=y1&exp=1790000000", "/a?xy=1&exp=1790000000"),
        ("two parameters into one", "/a?x=1&y=2&exp=1790000000", "/a?x=1y=2&exp=1790000000"),
        ("one parameter into two", "/a?x=1y=2&exp=1790000000", "/a?x=1&y=2&exp=1790000000"),
        ("from a value into the next name", "/a?x=12&y&exp=1790000000", "/a?x=1&2y&exp=1790000000"),
        ("from a value into nothing", "/a?x=1&exp=1790000000", "/a?x1&exp=1790000000"),
        ("an empty parameter", "/a?x=1&exp=1790000000", "/a?x=1&&exp=1790000000"),
        ("an empty parameter first", "/a?x=1&exp=1790000000", "/a?&x=1&exp=1790000000"),
        ("a second `?`", "/a?x=1&exp=1790000000", "/a??x=1&exp=1790000000"),
        ("a second `=`", "/a?x=1&exp=1790000000", "/a?x==1&exp=1790000000"),
        ("a folder into a name", "/a/b?exp=1790000000", "/ab?exp=1790000000"),
        ("a slash behind", "/a?exp=1790000000", "/a/?exp=1790000000"),
        ("a slash twice", "/a/b?exp=1790000000", "/a//b?exp=1790000000"),
        ("from a value into exp's", "/a?1790000000exp=&exp=1789999001", "/a?exp=1790000000exp=1789999001"),
        ("a restriction into the query", "/a?exp=1790000000&sig-id=a", "/a?exp=1790000000sig-id=a"),
        (
            "a restriction's value into another",
            "/a?exp=1790000000&sig-id=ab&sig-methods=GET",
            "/a?exp=1790000000&sig-id=a&sig-methods=bGET",
        ),
    ] {
        let without = |text: &str| {
            let mut rest: Vec<char> = text.chars().filter(|c| !"/?&=".contains(*c)).collect();
            rest.sort_unstable();
            rest
        };
        assert_eq!(without(signed_as), without(sent_as), "{name}: not the same without delimiters");
        cases.push(get(name, format!("{sent_as}&sig={}", mac(signed_as))).refused(NotAuthentic));
    }
    Door::new(&fixed_verifier()).check(&cases);
}

#[test]
fn what_looks_like_a_delimiter_is_a_part_of_a_value_or_a_delimiter() {
    Door::new(&fixed_verifier()).check(&[
        get("`&exp=` escaped", signed("/a?x=1%26exp=1&exp=1790000000")).served("/a?x=1%26exp=1"),
        get("`&exp=` escaped whole", signed("/a?x=1%26exp%3D1&exp=1790000000")).served("/a?x=1%26exp%3D1"),
        get("`&exp=` raw", signed("/a?x=1&exp=1&exp=1790000000")).refused(Malformed),
        get("`&exp=` escaped in exp", signed("/a?exp=1790000000%26exp=1")).refused(Malformed),
        get("`&sig=` escaped", signed("/a?x=%26sig=1&exp=1790000000")).served("/a?x=%26sig=1"),
        get("`&sig=` raw", signed("/a?x=&sig=1&exp=1790000000")).refused(Malformed),
        get("`sig=` as a value", signed("/a?x=sig=1&exp=1790000000")).served("/a?x=sig=1"),
        get("`sig=` as a value, `?` before", signed("/a?x=?sig=1&exp=1790000000")).served("/a?x=?sig=1"),
        get("`&sig=` in the path", signed("/a&sig=1?exp=1790000000")).served("/a&sig=1"),
        get("`&exp=` in the path", signed("/a&exp=1?exp=1790000000")).served("/a&exp=1"),
        get("a whole link in the path", signed("/exp=1&sig=1?exp=1790000000")).served("/exp=1&sig=1"),
        get("`?exp=` escaped in the path", signed("/a%3Fexp=1?exp=1790000000")).served("/a%3Fexp=1"),
        get("`sig=` behind a second `?`", signed("/a?x?sig=1&exp=1790000000")).served("/a?x?sig=1"),
        get(
            "`&sig=` in exp",
            format!("/a?exp=1790000000&sig={}&sig={}", mac("/a?exp=1790000000"), mac("/a?exp=1790000000&sig=")),
        )
        .refused(Malformed),
        get("`sig=` in the MAC's place", signed("/a?exp=1790000000&sig=sig=")).refused(Malformed),
        get("`sig=` before the MAC", format!("/a?exp=1790000000&sig=sig={}", mac("/a?exp=1790000000")))
            .refused(NotAuthentic),
        get("`&sig=` in an id, escaped", signed("/a?exp=1790000000&sig-id=a%26sig=b")).refused(Malformed),
        get("a line break, escaped", signed("/a?x=1%0Auser:42&exp=1790000000")).served("/a?x=1%0Auser:42"),
        get("a line break, raw", signed("/a?x=1\n&exp=1790000000")).unread(),
        get("a carriage return, raw", signed("/a?x=1\r&exp=1790000000")).unread(),
        get("a zero byte, raw", signed("/a?x=1\0&exp=1790000000")).unread(),
        get("a zero byte, escaped", signed("/a?x=%00&exp=1790000000")).served("/a?x=%00"),
        get("a zero byte before exp", signed("/a?%00exp=1&exp=1790000000")).served("/a?%00exp=1"),
        get("a zero byte behind exp", signed("/a?exp%00=1790000000")).refused(Malformed),
        get("a space before exp", signed("/a?%20exp=1790000000")).refused(Malformed),
        get("a plus before exp", signed("/a?+exp=1790000000")).refused(Malformed),
        get("a plus behind exp", signed("/a?exp+=1790000000")).refused(Malformed),
        get("a plus for a space", signed("/a?x=a+b&exp=1790000000")).served("/a?x=a+b"),
        get("`%20` for a plus", format!("/a?x=a%20b&exp=1790000000&sig={}", mac("/a?x=a+b&exp=1790000000")))
            .refused(NotAuthentic),
        get("a plus for `%20`", format!("/a?x=a+b&exp=1790000000&sig={}", mac("/a?x=a%20b&exp=1790000000")))
            .refused(NotAuthentic),
        get("`%2B` for a plus", format!("/a?x=a%2Bb&exp=1790000000&sig={}", mac("/a?x=a+b&exp=1790000000")))
            .refused(NotAuthentic),
        get("`;` before exp", signed("/a?x=1;exp=1790000000")).refused(Malformed),
        get("`;` before another exp", signed("/a?x=1;exp=1&exp=1790000000")).served("/a?x=1;exp=1"),
        get("`;` before sig", format!("/a?exp=1790000000;sig={}", mac("/a?exp=1790000000"))).refused(Malformed),
        get("`;` for each `&`", signed("/a?x=1&exp=1790000000").replace('&', ";")).refused(Missing),
        get("`;` in the run", signed("/a?exp=1790000000;sig-id=a")).refused(Malformed),
        get("`&amp;` before exp", signed("/a?x=1&amp;exp=1790000000")).refused(Malformed),
        get("`&amp;` before sig", format!("/a?exp=1790000000&amp;sig={}", mac("/a?exp=1790000000"))).refused(Malformed),
        get("`&amp;` in the run", signed("/a?exp=1790000000&amp;sig-id=a")).refused(Malformed),
        get("`%26` before sig", format!("/a?exp=1790000000%26sig={}", mac("/a?exp=1790000000"))).refused(Malformed),
        get("`%3D` in exp", signed("/a?exp%3D1790000000")).refused(Malformed),
        get("`%3F` before the query", signed("/a%3Fexp=1790000000")).refused(Missing),
    ]);
}

#[test]
fn a_name_stands_once() {
    Door::new(&fixed_verifier()).check(&[
        get("once", signed("/a?exp=1790000000&sig-id=a")).served("/a"),
        get("exp twice", signed("/a?exp=1790000000&exp=1790000000")).refused(Malformed),
        get("exp twice, the first is over", signed("/a?exp=1&exp=1790000000")).refused(Malformed),
        get("exp twice, the last is over", signed("/a?exp=1790000000&exp=1")).refused(Malformed),
        get("exp twice, the first has no value", signed("/a?exp&exp=1790000000")).refused(Malformed),
        get("exp twice, the last has no value", signed("/a?exp=1790000000&exp")).refused(Malformed),
        get("exp twice, apart", signed("/a?exp=1790000000&x=1&exp=1790000000")).refused(Malformed),
        get("exp thrice", signed("/a?exp=1&exp=1&exp=1790000000")).refused(Malformed),
        get("exp again behind sig", signed("/a?exp=1790000000") + "&exp=1799999999").refused(Malformed),
        get("exp again before, added", format!("/a?exp=1799999999&exp=1&sig={}", mac("/a?exp=1"))).refused(Malformed),
        get("sig twice, the first is right", signed("/a?exp=1790000000") + "&sig=AAAA").refused(Malformed),
        get("sig twice, the last is right", signed("/a?exp=1790000000&sig=AAAA")).refused(Malformed),
        get("sig twice, equal", format!("{0}&sig={1}", signed("/a?exp=1790000000"), mac("/a?exp=1790000000")))
            .refused(Malformed),
        get("an id twice", signed("/a?exp=1790000000&sig-id=a&sig-id=a")).refused(Malformed),
        get("methods twice", signed("/a?exp=1790000000&sig-methods=GET&sig-methods=PUT")).refused(Malformed),
        get("two runs", signed(&signed("/a?exp=1790000000").replace("&sig=", "&sig=a&exp=1790000000&sig=")))
            .refused(Malformed),
        get("exp as an array", signed("/a?exp[]=1790000000")).refused(Malformed),
        get("exp as an array, escaped", signed("/a?exp%5B%5D=1790000000")).refused(Malformed),
        get("exp with an index", signed("/a?exp[0]=1790000000")).refused(Malformed),
        get("exp with a key", signed("/a?exp[a]=1790000000")).refused(Malformed),
        get("exp, then an array", signed("/a?exp=1790000000&exp[]=1")).refused(Malformed),
        get("exp, then an array, escaped", signed("/a?exp=1790000000&exp%5B%5D=1")).refused(Malformed),
        // The application's own: no reader of the credential takes it for one.
        get("an array, then exp", signed("/a?exp[]=1&exp=1790000000")).served("/a?exp[]=1"),
        get("an index, then exp", signed("/a?exp[0]=1&exp=1790000000")).served("/a?exp[0]=1"),
        get("sig as an array", format!("/a?exp=1790000000&sig[]={}", mac("/a?exp=1790000000"))).refused(Malformed),
        get("sig as an array, escaped", format!("/a?exp=1790000000&sig%5B%5D={}", mac("/a?exp=1790000000")))
            .refused(Malformed),
        get("sig, then an array", signed("/a?exp=1790000000") + "&sig[]=AAAA").refused(Malformed),
        get("an array, then sig", signed("/a?exp=1790000000&sig[]=AAAA")).refused(Malformed),
        get("an id as an array", signed("/a?exp=1790000000&sig-id[]=a")).refused(Unenforceable),
        get("methods with an index", signed("/a?exp=1790000000&sig-methods[0]=PUT")).refused(Unenforceable),
        get("array marks in the value", signed("/a?exp=[1790000000]")).refused(Malformed),
    ]);
}

#[test]
fn a_name_without_a_value_is_still_that_name() {
    let sig = mac("/a?exp=1790000000");
    Door::new(&fixed_verifier()).check(&[
        get("an empty parameter before", signed("/a?&exp=1790000000")).served("/a?"),
        get("two empty parameters before", signed("/a?&&exp=1790000000")).served("/a?&"),
        get("a nameless parameter before", signed("/a?=1&exp=1790000000")).served("/a?=1"),
        get("a parameter without a value", signed("/a?x&exp=1790000000")).served("/a?x"),
        get("exp without a value", signed("/a?exp")).refused(Malformed),
        get("exp with an empty value", signed("/a?exp=")).refused(Malformed),
        get("sig without a value", "/a?exp=1790000000&sig").refused(Malformed),
        get("sig with an empty value", "/a?exp=1790000000&sig=").refused(NotAuthentic),
        get("both without values", "/a?exp&sig").refused(Malformed),
        get("both with empty values", "/a?exp=&sig=").refused(NotAuthentic),
        get("exp alone", "/a?exp=1790000000").refused(Malformed),
        get("sig alone", format!("/a?sig={}", mac("/a?"))).refused(Malformed),
        get("sig alone, over the path", format!("/a?sig={}", mac("/a"))).refused(Malformed),
        get("sig alone, `&` before", signed("/a?")).refused(Malformed),
        get("a query alone", "/a?").refused(Missing),
        get("no query", "/a").refused(Missing),
        get("an `&` alone", "/a?&").refused(Missing),
        get("an empty parameter between", format!("/a?exp=1790000000&&sig={}", mac("/a?exp=1790000000&")))
            .refused(Malformed),
        get("an empty parameter in the run", signed("/a?exp=1790000000&&sig-id=a")).refused(Malformed),
        get("a nameless parameter between", signed("/a?exp=1790000000&=1")).refused(Malformed),
        get("an `&` behind", format!("/a?exp=1790000000&sig={sig}&")).refused(Malformed),
        get("a nameless parameter behind", format!("/a?exp=1790000000&sig={sig}&=")).refused(Malformed),
        get("an id without a value", signed("/a?exp=1790000000&sig-id")).refused(Malformed),
        get("an id with an empty value", signed("/a?exp=1790000000&sig-id=")).refused(Malformed),
        get("an unknown name without a value", signed("/a?exp=1790000000&sig-new")).refused(Unenforceable),
        get("no name behind `sig-`", signed("/a?exp=1790000000&sig-")).refused(Unenforceable),
        get("no name behind `sig-`, a value", signed("/a?exp=1790000000&sig-=1")).refused(Unenforceable),
        get("`sig-` alone", "/a?sig-").refused(Malformed),
    ]);
}

#[test]
fn the_run_is_one_and_in_order() {
    let sig = mac("/a?exp=1790000000");
    Door::new(&fixed_verifier()).check(&[
        get("in order", signed("/a?x=1&exp=1790000000&sig-id=a&sig-methods=GET")).served("/a?x=1"),
        get("the others in another order", signed("/a?exp=1790000000&sig-methods=GET&sig-id=a")).served("/a"),
        get(
            "the others swapped after signing",
            format!(
                "/a?exp=1790000000&sig-methods=GET&sig-id=a&sig={}",
                mac("/a?exp=1790000000&sig-id=a&sig-methods=GET")
            ),
        )
        .refused(NotAuthentic),
        get("sig first", format!("/a?sig={}&exp=1790000000", mac("/a?exp=1790000000"))).refused(Malformed),
        get("sig first, its own MAC", format!("/a?sig={}&exp=1790000000", mac("/a"))).refused(Malformed),
        get("an id before exp", signed("/a?sig-id=a&exp=1790000000")).refused(Malformed),
        get("an id long before exp", signed("/a?sig-id=a&x=1&exp=1790000000")).refused(Malformed),
        get("a restriction behind sig", format!("/a?exp=1790000000&sig={sig}&sig-methods=PUT")).refused(Malformed),
        get("an unknown one behind sig", format!("/a?exp=1790000000&sig={sig}&sig-new=1")).refused(Malformed),
        get("an unknown one before exp", signed("/a?sig-new=1&exp=1790000000")).refused(Malformed),
        get("an unknown one in the run", signed("/a?exp=1790000000&sig-new=1")).refused(Unenforceable),
        get("an unknown one twice", signed("/a?exp=1790000000&sig-new=1&sig-new=1")).refused(Unenforceable),
        get("a known one that is not read here", signed("/a?exp=1790000000&sig-uses=1&sig-id=a"))
            .refused(Unenforceable),
        get("another's in the run", signed("/a?exp=1790000000&x=1&sig-id=a")).refused(Malformed),
        get("another's between exp and sig", signed("/a?exp=1790000000&x=1")).refused(Malformed),
        get("another's behind sig", format!("/a?exp=1790000000&sig={sig}&x=1")).refused(Malformed),
        get("a tracker behind sig", format!("/a?exp=1790000000&sig={sig}&utm_source=m")).refused(Malformed),
        get("sorted by a proxy", format!("/a?exp=1790000000&sig={}&x=1", mac("/a?x=1&exp=1790000000")))
            .refused(Malformed),
        // Structure comes before the key, and the key before the MAC.
        get("another's behind sig, an unknown key", "/a?exp=1790000000&sig=z.AAAA&x=1").refused(Malformed),
    ]);
}

/// FORMAT section 7: such a link would come back as `Malformed`, or as a link for something else.
#[test]
fn no_link_is_minted_for_a_target_with_reserved_names() {
    let policy = Policy::new().tolerate("ref");
    let verifier = Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap();
    for (name, target, expected) in [
        ("exp", "/a?exp=1790000000", SignErrorKind::ReservedName),
        ("exp without a value", "/a?exp", SignErrorKind::ReservedName),
        ("exp among others", "/a?x=1&exp=&y=2", SignErrorKind::ReservedName),
        ("sig", "/a?sig=AAAA", SignErrorKind::ReservedName),
        ("a restriction", "/a?sig-methods=PUT", SignErrorKind::ReservedName),
        ("a restriction that is unknown", "/a?sig-new", SignErrorKind::ReservedName),
        ("`sig-`", "/a?sig-", SignErrorKind::ReservedName),
        ("a token", "/a/?sig-scope=/a/", SignErrorKind::ReservedName),
        ("a link that is signed", "/a?exp=1790000000&sig=AAAA", SignErrorKind::ReservedName),
        ("a tolerated name", "/a?ref=1", SignErrorKind::ToleratedName),
        ("a fragment", "/a#exp=1", SignErrorKind::Fragment),
        ("a line break", "/a?x=\n", SignErrorKind::Character),
        ("a tab", "/a?x=\t", SignErrorKind::Character),
        ("a zero byte", "/a?x=\0", SignErrorKind::Character),
        ("a space", "/a?x= exp", SignErrorKind::Character),
        ("beyond ASCII", "/a?\u{ff45}xp", SignErrorKind::Character),
    ] {
        let error = verifier.signer().url(target).sign_for(Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), expected, "{name}");
    }
    let prefixed = Signer::new(&figure_keys()).with_policy(Policy::new().prefix("x-")).unwrap();
    let mint = |target| prefixed.url(target).sign_for(Duration::from_secs(60)).map_err(|error| error.kind());
    assert_eq!(mint("/a?x-exp=1").unwrap_err(), SignErrorKind::ReservedName);
    assert_eq!(mint("/a?x-sig-ip=1").unwrap_err(), SignErrorKind::ReservedName);
    assert!(mint("/a?exp=1&sig=2").is_ok(), "without the prefix they are the application's");

    let token = verifier.signer().scope("/v/").sign_for(Duration::from_secs(60)).unwrap();
    for target in ["/v/a?exp=1", "/v/a?x&sig-ip", "/v/~c2lnLXNjb3BlPSx"] {
        for put in [token.in_query(target), token.in_path(target)] {
            assert_eq!(put.unwrap_err().kind(), SignErrorKind::ReservedName, "{target}");
        }
    }
    for target in
        ["/a?EXP=1", "/a?%65xp=1", "/a?exp[]=1", "/a?x=1;exp=1", "/a&sig=1?x", "/a?x=%26sig=1", "/a?expires=1"]
    {
        let link = verifier.signer().url(target).sign_for(Duration::from_secs(60)).unwrap();
        Door::new(&verifier).check(&[get(format!("minted, {target}"), link.as_str()).served(target)]);
    }
}

#[test]
fn what_is_no_path_and_query_does_not_count() {
    let link = signed("/a?exp=1790000000");
    Door::new(&fixed_verifier()).check(&[
        get("a path and a query", &*link).served("/a"),
        // No client sends one (RFC 9112 section 3.2.1), and the server drops it: nobody sees what is not signed.
        get("a fragment behind", format!("{link}#exp=1&sig=2")).served("/a"),
        get("an empty fragment behind", format!("{link}#")).served("/a"),
        get("a fragment before exp", signed("/a?x=1#&exp=1790000000")).refused(Missing),
        get("a fragment before sig", format!("/a?exp=1790000000#&sig={}", mac("/a?exp=1790000000"))).refused(Malformed),
        get("a fragment before sig, signed", signed("/a?exp=1790000000#")).refused(Malformed),
        get("a fragment in the path", signed("/a#?exp=1790000000")).refused(Missing),
        get("a fragment in the MAC", link.replace("&sig=", "&sig=#")).refused(NotAuthentic),
        get("a fragment, escaped", signed("/a%23?exp=1790000000")).served("/a%23"),
        get("absolute", format!("http://h{link}")).served("/a").but_over_http2(Answer::Unread),
        get("absolute, another host", format!("http://other.example{link}"))
            .served("/a")
            .but_over_http2(Answer::Unread),
        get("absolute, another scheme", format!("ftp://h{link}")).served("/a").but_over_http2(Answer::Unread),
        get("absolute, and signed so", signed("http://h/a?exp=1790000000"))
            .refused(NotAuthentic)
            .but_over_http2(Answer::Unread),
        get("absolute without a path", signed("http://h?exp=1790000000"))
            .refused(Malformed)
            .but_over_http2(Answer::Unread),
        get("a query without a path", signed("?exp=1790000000"))
            .unread()
            .but_over_http2(Answer::refused(403, Malformed)),
        get("no slash first", signed("a?exp=1790000000")).unread(),
        get("every resource", signed("*?exp=1790000000")).unread(),
        get("nothing", "").unread(),
        get("two slashes first", signed("//h/a?exp=1790000000")).served("//h/a"),
    ]);
}

#[test]
fn size_changes_no_answer() {
    let of_length = |length: usize| exact(&format!("/{}", "a".repeat(length - exact("/").len())));
    // The most that `http::Uri` holds.
    let longest = of_length(65_534);
    let path = |link: &str| link.split_once('?').unwrap().0.to_owned();
    Door::new(&fixed_verifier()).check(&[
        get("8 KiB", of_length(8192)).served(path(&of_length(8192))),
        // Over HTTP/2 hyper takes 16 KiB of fields.
        get("64 KiB less 2 bytes", &*longest).served(path(&longest)).but_over_http2(Answer::Unread),
        get("64 KiB less a byte", of_length(65_535)).unread(),
        get("70000 bytes", of_length(70_000)).unread(),
        get("10,000 empty parameters", signed(&format!("/a?{}exp=1790000000", "&".repeat(10_000))))
            .served(format!("/a?{}", "&".repeat(9_999))),
        get("exp 2000 times", signed(&format!("/a?{}", "exp=1&".repeat(2000)))).refused(Malformed),
        get("1500 restrictions", signed(&format!("/a?exp=1790000000{}", "&sig-new".repeat(1500))))
            .refused(Unenforceable),
    ]);
}
