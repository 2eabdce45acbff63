//! Where parameters may stand, judged before any key is looked for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_signed_url::Policy;
use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic, Unenforceable};

use super::support::{NOW, at};
use super::{Outcome, authentic, check, check_all, get, mac, signed, unsigned, verifier, verifier_at};

#[test]
fn a_request_without_any_reserved_name_has_no_credential() {
    let rows = [
        ("a path", "/a", unsigned(Missing, "")),
        ("an empty query", "/a?", unsigned(Missing, "")),
        ("the application's own", "/a?x=1&expires=1&signature=1&sigma", unsigned(Missing, "")),
        ("another letter case", "/a?EXP=1790000000&SIG=$", unsigned(Missing, "")),
        ("encoded names", "/a?%65xp=1790000000&s%69g=$", unsigned(Missing, "")),
        ("in the path", "/exp=1790000000&sig=$", unsigned(Missing, "")),
        ("a value that looks like it", "/a?x=exp=1790000000&y=sig=1", unsigned(Missing, "")),
        ("behind a `;`", "/a?x=1;exp=1790000000;sig=$", unsigned(Missing, "")),
        ("behind a second `?`", "/a?x?exp=1790000000", unsigned(Missing, "")),
        ("no path", "http://files.example.com", unsigned(Missing, "")),
        ("every resource", "*", unsigned(Missing, "")),
    ];
    check_all(&verifier(), &rows);
}

#[test]
fn the_reserved_names_stand_together_between_exp_and_sig_at_the_end() {
    let rows = [
        ("alone", "/a?exp=1790000000&sig=$", Ok(())),
        ("the root", "/?exp=1790000000&sig=$", Ok(())),
        ("after the application's", "/a?x=1&y&exp=1790000000&sig=$", Ok(())),
        ("after an empty query", "/a?&exp=1790000000&sig=$", Ok(())),
        ("after empty parameters", "/a?x&&&exp=1790000000&sig=$", Ok(())),
        ("after a second `?`", "/a?x?&exp=1790000000&sig=$", Ok(())),
        ("after raw UTF-8", "/a?é=é&exp=1790000000&sig=$", Ok(())),
        ("others in any order", "/a?exp=1790000000&sig-id=a&sig-start=1789999000&sig-methods=GET&sig=$", Ok(())),
        ("exp alone", "/a?exp=1790000000", unsigned(Malformed, "")),
        ("exp in another case", "/a?Exp=1790000000&sig=$", unsigned(Malformed, "sig")),
        ("exp encoded", "/a?%65xp=1790000000&sig=$", unsigned(Malformed, "sig")),
        ("exp behind `;`", "/a?x=1;exp=1790000000&sig=$", unsigned(Malformed, "sig")),
        ("exp behind a second `?`", "/a?x=1?exp=1790000000&sig=$", unsigned(Malformed, "sig")),
        ("exp twice", "/a?exp=1790000000&exp=1790000000&sig=$", unsigned(Malformed, "exp")),
        ("exp twice, apart", "/a?exp=1790000000&x&exp=1790000000&sig=$", unsigned(Malformed, "x")),
        ("exp twice, sig before", "/a?exp=1790000000&sig=$&exp=1790000000", unsigned(Malformed, "exp")),
        ("sig alone", "/a?sig=$", unsigned(Malformed, "sig")),
        ("sig first", "/a?sig=$&exp=1790000000", unsigned(Malformed, "sig")),
        ("sig in another case", "/a?exp=1790000000&Sig=$", unsigned(Malformed, "Sig")),
        ("sig encoded", "/a?exp=1790000000&s%69g=$", unsigned(Malformed, "s%69g")),
        ("sig behind `;`", "/a?exp=1790000000;sig=$", unsigned(Malformed, "")),
        ("sig without a value", "/a?exp=1790000000&sig", unsigned(Malformed, "sig")),
        ("sig twice", "/a?exp=1790000000&sig=$&sig=$", unsigned(Malformed, "sig")),
        ("sig twice, one valueless", "/a?exp=1790000000&sig&sig=$", unsigned(Malformed, "sig")),
        ("id before exp", "/a?sig-id=a&exp=1790000000&sig=$", unsigned(Malformed, "sig-id")),
        ("id long before", "/a?sig-id=a&x=1&exp=1790000000&sig=$", unsigned(Malformed, "sig-id")),
        ("id after sig", "/a?exp=1790000000&sig=$&sig-id=a", unsigned(Malformed, "sig-id")),
        ("unknown before exp", "/a?sig-x&exp=1790000000&sig=$", unsigned(Malformed, "sig-x")),
        ("unknown after sig", "/a?exp=1790000000&sig=$&sig-x", unsigned(Malformed, "sig-x")),
        ("unknown alone", "/a?sig-x=1", unsigned(Malformed, "sig-x")),
        ("foreign between", "/a?exp=1790000000&x=1&sig=$", unsigned(Malformed, "x")),
        ("encoded between", "/a?exp=1790000000&e%78p=1&sig=$", unsigned(Malformed, "e%78p")),
        ("`;` between", "/a?exp=1790000000&x;sig-id=a&sig=$", unsigned(Malformed, "x;sig-id")),
        ("empty between", "/a?exp=1790000000&&sig=$", unsigned(Malformed, "")),
        ("nameless between", "/a?exp=1790000000&=1&sig=$", unsigned(Malformed, "")),
        ("foreign after", "/a?exp=1790000000&sig=$&x=1", unsigned(Malformed, "x")),
        ("a tracker, not tolerated", "/a?exp=1790000000&sig=$&utm_source=m", unsigned(Malformed, "utm_source")),
        ("empty after", "/a?exp=1790000000&sig=$&", unsigned(Malformed, "")),
        ("no path", "http://h?exp=1790000000&sig=$", unsigned(Malformed, "")),
        // Judged before the key is looked for.
        ("unknown key", "/a?exp=1790000000&exp=1790000000&sig=z.AAAA", unsigned(Malformed, "exp")),
        ("no MAC", "/a?exp=1790000000&x&sig=", unsigned(Malformed, "x")),
    ];
    check_all(&verifier(), &rows);

    for name in "start methods ip bind scope id uses max-bytes type download".split(' ') {
        let template = format!("/a?exp=1790000000&sig-{name}=1&sig-{name}=1&sig=$");
        let parameter = format!("sig-{name}");
        check(&verifier(), &format!("{name} twice"), &get(&signed(&template)), unsigned(Malformed, &parameter));
    }
}

#[test]
fn tolerated_names_stand_once_on_one_side() {
    let policy = Policy::new().tolerate("utm_source").tolerate("ref").tolerate("a[]");
    let rows = [
        ("none", "/a?exp=1790000000&sig=$", Ok(())),
        ("after", "/a?exp=1790000000&sig=$&utm_source=m", Ok(())),
        ("all after", "/a?exp=1790000000&sig=$&ref=1&a[]=2&utm_source=m", Ok(())),
        ("without a value", "/a?exp=1790000000&sig=$&ref&a[]=", Ok(())),
        ("any value", "/a?exp=1790000000&sig=$&ref=a=b;exp=1?sig-id=é%00", Ok(())),
        ("signed", "/a?ref=1&exp=1790000000&sig=$", Ok(())),
        ("one on each side", "/a?ref=1&exp=1790000000&sig=$&utm_source=m", Ok(())),
        ("between", "/a?exp=1790000000&ref=1&sig=$", unsigned(Malformed, "ref")),
        ("one on both sides", "/a?ref=1&exp=1790000000&sig=$&ref=1", unsigned(Malformed, "ref")),
        ("twice after", "/a?exp=1790000000&sig=$&ref=1&ref=1", unsigned(Malformed, "ref")),
        ("twice after, apart", "/a?exp=1790000000&sig=$&ref&utm_source&ref", unsigned(Malformed, "ref")),
        ("twice before", "/a?ref=1&ref=1&exp=1790000000&sig=$", unsigned(Malformed, "ref")),
        ("twice, nothing else", "/a?ref=1&ref=1", unsigned(Missing, "")),
        ("another case", "/a?exp=1790000000&sig=$&Ref=1", unsigned(Malformed, "Ref")),
        ("encoded", "/a?exp=1790000000&sig=$&a%5B%5D=1", unsigned(Malformed, "a%5B%5D")),
        ("longer", "/a?exp=1790000000&sig=$&refs=1", unsigned(Malformed, "refs")),
        ("shorter", "/a?exp=1790000000&sig=$&re=1", unsigned(Malformed, "re")),
        ("behind `;`", "/a?exp=1790000000&sig=$&ref;x=1", unsigned(Malformed, "ref;x")),
        ("and another", "/a?exp=1790000000&sig=$&ref=1&x=1", unsigned(Malformed, "x")),
        ("and an empty one", "/a?exp=1790000000&sig=$&ref=1&", unsigned(Malformed, "")),
        ("and a reserved one", "/a?exp=1790000000&sig=$&ref=1&sig-id=a", unsigned(Malformed, "sig-id")),
    ];
    check_all(&verifier_at(at(NOW), policy), &rows);

    let trackers = "/a?exp=1790000000&sig=$&utm_source=m&utm_medium=e&utm_campaign=c&fbclid=f&gclid=g&mc_eid=1";
    check_all(&verifier_at(at(NOW), Policy::new().tolerate_trackers()), &[("trackers", trackers, Ok(()))]);
}

#[test]
fn a_name_prefix_moves_every_reserved_name() {
    let prefixed = verifier_at(at(NOW), Policy::new().prefix("x-"));
    let rows: [(&str, &str, &str, Outcome<'_>); 14] = [
        ("alone", "/a?x-exp=1790000000&x-sig=$", "x-\n", Ok(())),
        ("a key id", "/a?x-exp=1790000000&x-sig=k.$", "x-\n", Ok(())),
        ("plain names before", "/a?exp=soon&sig=mine&sig-x&x-exp=1790000000&x-sig=$", "x-\n", Ok(())),
        ("restrictions", "/a?x-exp=1790000000&x-sig-id=a&x-sig-start=1789999000&x-sig=$", "x-\n", Ok(())),
        ("plain names alone", "/a?exp=1790000000&sig=$", "", unsigned(Missing, "")),
        ("signed without the prefix", "/a?x-exp=1790000000&x-sig=$", "", unsigned(NotAuthentic, "")),
        ("signed with another prefix", "/a?x-exp=1790000000&x-sig=$", "y-\n", unsigned(NotAuthentic, "")),
        ("signed without its line's end", "/a?x-exp=1790000000&x-sig=$", "x-", unsigned(NotAuthentic, "")),
        ("plain between", "/a?x-exp=1790000000&sig-id=a&x-sig=$", "x-\n", unsigned(Malformed, "sig-id")),
        ("plain sig", "/a?x-exp=1790000000&sig=$", "x-\n", unsigned(Malformed, "sig")),
        ("plain after", "/a?x-exp=1790000000&x-sig=$&sig=1", "x-\n", unsigned(Malformed, "sig")),
        ("before exp", "/a?x-sig-id=a&x-exp=1790000000&x-sig=$", "x-\n", unsigned(Malformed, "x-sig-id")),
        ("unknown", "/a?x-exp=1790000000&x-sig-new=a&x-sig=$", "x-\n", authentic(Unenforceable, "x-sig-new")),
        ("a bad value", "/a?x-exp=0&x-sig=$", "x-\n", authentic(Malformed, "x-exp")),
    ];
    for (name, template, prefix_line, expected) in rows {
        let target = template.replace('$', &mac(template, prefix_line));
        check(&prefixed, name, &get(&target), expected);
    }
    let without = [("no prefix here", "/a?x-exp=1790000000&x-sig=$", unsigned(Missing, ""))];
    check_all(&verifier(), &without);
}

/// This verifier does not read tokens from paths, and a path that begins with one is not an ordinary path: FORMAT section 3.
#[test]
fn a_scope_token_in_the_path_is_not_taken_for_a_segment() {
    let token = signed("sig-scope=/v/&exp=1790000000&sig=$");
    let path = format!("/~{}/v/1", URL_SAFE_NO_PAD.encode(token));
    check(&verifier(), "a token alone", &get(&path), unsigned(Unenforceable, ""));
}
