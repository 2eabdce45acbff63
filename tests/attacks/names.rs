//! Names that look like a reserved one, those that may follow the signature, and those with a prefix.

use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic, Unenforceable};
use tower_signed_url::{Policy, Verifier};

use super::door::{Door, get};
use super::support::by_hand::{mac, signed};
use super::support::{NOW, at, figure_keys, fixed_verifier};

/// Whoever decodes or folds names before the check and whoever does so behind it would see two different queries.
#[test]
fn names_are_raw_bytes_in_their_own_case() {
    let sig = mac("/a?exp=1790000000");
    Door::new(&fixed_verifier()).check(&[
        get("as they are", signed("/a?exp=1790000000")).served("/a"),
        get("`%65xp`", signed("/a?%65xp=1790000000")).refused(Malformed),
        get("`e%78p`", signed("/a?e%78p=1790000000")).refused(Malformed),
        get("exp escaped whole", signed("/a?%65%78%70=1790000000")).refused(Malformed),
        get("`%65xp` before exp", signed("/a?%65xp=1&exp=1790000000")).served("/a?%65xp=1"),
        get("`%65xp` behind exp", signed("/a?exp=1790000000&%65xp=1")).refused(Malformed),
        get("`%73ig`", format!("/a?exp=1790000000&%73ig={sig}")).refused(Malformed),
        get("`%73ig` before exp", signed("/a?%73ig=1&exp=1790000000")).served("/a?%73ig=1"),
        get("`%73ig` behind sig", format!("/a?exp=1790000000&sig={sig}&%73ig=1")).refused(Malformed),
        get("both escaped", format!("/a?%65xp=1790000000&%73ig={sig}")).refused(Missing),
        get("`sig%2Did`", signed("/a?exp=1790000000&sig%2Did=a")).refused(Malformed),
        get("`sig-%69d`", signed("/a?exp=1790000000&sig-%69d=a")).refused(Unenforceable),
        get("`EXP`", signed("/a?EXP=1790000000")).refused(Malformed),
        get("`EXP` before exp", signed("/a?EXP=1&exp=1790000000")).served("/a?EXP=1"),
        get("`EXP` behind exp", signed("/a?exp=1790000000&EXP=1")).refused(Malformed),
        get("`Sig`", format!("/a?exp=1790000000&Sig={sig}")).refused(Malformed),
        get("`Sig` before exp", signed("/a?Sig=1&exp=1790000000")).served("/a?Sig=1"),
        get("`Sig` behind sig", format!("/a?exp=1790000000&sig={sig}&Sig=1")).refused(Malformed),
        get("both in capitals", format!("/a?EXP=1790000000&SIG={sig}")).refused(Missing),
        get("`SIG-IP`", signed("/a?exp=1790000000&SIG-IP=10.0.0.1")).refused(Malformed),
        get("`SIG-IP` before exp", signed("/a?SIG-IP=10.0.0.1&exp=1790000000")).served("/a?SIG-IP=10.0.0.1"),
        get("`sig-IP`", signed("/a?exp=1790000000&sig-IP=10.0.0.1")).refused(Unenforceable),
        get("`Sig-Id`", signed("/a?exp=1790000000&Sig-Id=a")).refused(Malformed),
        get("`sig_id`", signed("/a?exp=1790000000&sig_id=a")).refused(Malformed),
        get("`sig.id` before exp", signed("/a?sig.id=a&exp=1790000000")).served("/a?sig.id=a"),
        get("full-width `exp`", signed("/a?\u{ff45}\u{ff58}\u{ff50}=1&exp=1790000000"))
            .served("/a?\u{ff45}\u{ff58}\u{ff50}=1"),
        get("full-width `exp` alone", signed("/a?\u{ff45}\u{ff58}\u{ff50}=1790000000")).refused(Malformed),
        get("a Cyrillic `е`", signed("/a?\u{435}xp=1790000000")).refused(Malformed),
        get("the long s, `ſig`", format!("/a?exp=1790000000&\u{17f}ig={sig}")).refused(Malformed),
        get("a mark before `exp`", signed("/a?\u{feff}exp=1790000000")).refused(Malformed),
        get("longer names", signed("/a?expires=1&signature=1&exp=1790000000")).served("/a?expires=1&signature=1"),
        get("`exp-`", signed("/a?exp-=1&exp=1790000000")).served("/a?exp-=1"),
    ]);
}

#[test]
fn what_is_tolerated_stands_once_and_on_one_side() {
    let policy = Policy::new().tolerate("utm_source").tolerate("ref").tolerate("a[]");
    let verifier = Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap();
    let behind = |rest: &str| format!("{}&{rest}", signed("/a?exp=1790000000"));
    Door::new(&verifier).check(&[
        get("tolerated", behind("utm_source=m")).served("/a?utm_source=m"),
        get("three of them", behind("ref=1&a[]=2&utm_source=m")).served("/a?ref=1&a[]=2&utm_source=m"),
        get("any value", behind("ref=exp=1;sig=2%26sig-id=3")).served("/a?ref=exp=1;sig=2%26sig-id=3"),
        get("signed", signed("/a?ref=1&exp=1790000000")).served("/a?ref=1"),
        get("one on each side", signed("/a?ref=1&exp=1790000000") + "&utm_source=m").served("/a?ref=1&utm_source=m"),
        get("on both sides", signed("/a?ref=1&exp=1790000000") + "&ref=2").refused(Malformed),
        get("escaped before, raw behind", signed("/a?a%5B%5D=1&exp=1790000000") + "&a[]=2").refused(Malformed),
        get("a letter escaped before, raw behind", signed("/a?re%66=1&exp=1790000000") + "&ref=2").refused(Malformed),
        get("escaped and raw before", signed("/a?a%5b]=1&a[]=2&exp=1790000000")).refused(Malformed),
        get("escaped before", signed("/a?a%5B%5D=1&exp=1790000000")).served("/a?a%5B%5D=1"),
        get("twice behind", behind("ref=1&ref=2")).refused(Malformed),
        get("twice behind, apart", behind("ref=1&utm_source=m&ref=2")).refused(Malformed),
        get("twice before", signed("/a?ref=1&ref=2&exp=1790000000")).refused(Malformed),
        get("in the run", signed("/a?exp=1790000000&ref=1")).refused(Malformed),
        get("in another case", behind("Ref=1")).refused(Malformed),
        get("escaped", behind("%72ef=1")).refused(Malformed),
        get("brackets escaped", behind("a%5B%5D=1")).refused(Malformed),
        get("as an array", behind("ref[]=1")).refused(Malformed),
        get("with another behind `;`", behind("ref;x=1")).refused(Malformed),
        get("with another behind `&amp;`", behind("ref=1&amp;x=1")).refused(Malformed),
        get("and an unknown one", behind("ref=1&x=1")).refused(Malformed),
        get("and an empty one", behind("ref=1&")).refused(Malformed),
        get("and exp", behind("ref=1&exp=1")).refused(Malformed),
        get("and sig", behind("ref=1&sig=1")).refused(Malformed),
        get("and a restriction", behind("ref=1&sig-id=a")).refused(Malformed),
        get("moved before exp", format!("/a?ref=1&exp=1790000000&sig={}", mac("/a?exp=1790000000")))
            .refused(NotAuthentic),
        get("moved behind sig", format!("/a?exp=1790000000&sig={}&ref=1", mac("/a?ref=1&exp=1790000000")))
            .refused(NotAuthentic),
    ]);
}

#[test]
fn a_name_prefix_is_no_decoration() {
    let policy = Policy::new().prefix("x-");
    let prefixed = Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap();
    let signed_x = |covered: &str| format!("{covered}&x-sig={}", mac(format!("x-\n{covered}")));
    let with = |covered: &str, text: &str| format!("{covered}&x-sig={}", mac(text));
    Door::new(&prefixed).check(&[
        get("prefixed", signed_x("/a?x-exp=1790000000&x-sig-id=a")).served("/a"),
        get("plain names are the application's", signed_x("/a?exp=1&sig=2&sig-new&x-exp=1790000000"))
            .served("/a?exp=1&sig=2&sig-new"),
        get("a plain link", signed("/a?exp=1790000000")).refused(Missing),
        get("plain names, the prefix in the MAC", format!("/a?exp=1790000000&sig={}", mac("x-\n/a?exp=1790000000")))
            .refused(Missing),
        get("a plain link's MAC", with("/a?x-exp=1790000000", "/a?exp=1790000000")).refused(NotAuthentic),
        get("no prefix in the MAC", with("/a?x-exp=1790000000", "/a?x-exp=1790000000")).refused(NotAuthentic),
        get("another prefix in the MAC", with("/a?x-exp=1790000000", "y-\n/a?x-exp=1790000000")).refused(NotAuthentic),
        get("no line break in the MAC", with("/a?x-exp=1790000000", "x-/a?x-exp=1790000000")).refused(NotAuthentic),
        get("the prefix twice in the MAC", with("/a?x-exp=1790000000", "x-\nx-\n/a?x-exp=1790000000"))
            .refused(NotAuthentic),
        get("sig without it", format!("/a?x-exp=1790000000&sig={}", mac("x-\n/a?x-exp=1790000000"))).refused(Malformed),
        get("exp without it", signed_x("/a?exp=1790000000")).refused(Malformed),
        get("a restriction without it", signed_x("/a?x-exp=1790000000&sig-id=a")).refused(Malformed),
        get("another prefix", signed_x("/a?y-exp=1790000000")).refused(Malformed),
        get("the prefix in another case", signed_x("/a?X-exp=1790000000")).refused(Malformed),
        get("the prefix twice", signed_x("/a?x-x-exp=1790000000")).refused(Malformed),
        get("the prefix alone", signed_x("/a?x-&x-exp=1790000000")).served("/a?x-"),
        get("unknown with it", signed_x("/a?x-exp=1790000000&x-sig-new")).refused(Unenforceable),
        get("sig with it again", signed_x("/a?x-exp=1790000000") + "&x-sig=1").refused(Malformed),
        get("the line as a target", format!("x-\n/a?x-exp=1790000000&x-sig={}", mac("x-\n/a?x-exp=1790000000")))
            .unread(),
    ]);
    Door::new(&fixed_verifier()).check(&[
        get("without a prefix", signed("/a?x-exp=1&x-sig=2&exp=1790000000")).served("/a?x-exp=1&x-sig=2"),
        get("a prefixed link", signed_x("/a?x-exp=1790000000")).refused(Missing),
        get("a prefixed link's MAC", format!("/a?exp=1790000000&sig={}", mac("x-\n/a?exp=1790000000")))
            .refused(NotAuthentic),
        // What a prefixed verifier takes for its first line is no beginning of a target.
        get("the line as a target's beginning", format!("x-\n/a?exp=1790000000&sig={}", mac("x-\n/a?exp=1790000000")))
            .unread(),
        get("the line, its break escaped", signed("x-%0A/a?exp=1790000000")).unread(),
        get("the line behind a slash", format!("/x-%0A/a?exp=1790000000&sig={}", mac("x-\n/a?exp=1790000000")))
            .refused(NotAuthentic),
    ]);
}
