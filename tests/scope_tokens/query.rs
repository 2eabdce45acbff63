//! Tokens in the query, among the application's own parameters.

use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic};

use super::*;

#[test]
fn a_token_stands_among_parameters_that_are_not_signed() {
    let layer = SignedUrlLayer::new(builder().policy(Policy::new().tolerate("utm_source")).build().unwrap());
    for (target, passes_on) in [
        ("/v/a.ts?{t}", "/v/a.ts"),
        ("/v/a.ts?a=1&{t}&b=2", "/v/a.ts?a=1&b=2"),
        ("/v/a.ts?a=1&{t}", "/v/a.ts?a=1"),
        ("/v/a.ts?{t}&b=2", "/v/a.ts?b=2"),
        ("/v/a.ts?&{t}", "/v/a.ts?"),
        ("/v/a.ts?{t}&", "/v/a.ts?"),
        ("/v/a.ts?&{t}&", "/v/a.ts?&"),
        ("/v/a.ts?&&{t}&&", "/v/a.ts?&&&"),
        ("/v/a.ts?a?b&{t}&c?d", "/v/a.ts?a?b&c?d"),
        ("/v/a.ts?a=1&a=1&{t}&a=1", "/v/a.ts?a=1&a=1&a=1"),
        // Tolerated names are no rule for what is not signed.
        ("/v/a.ts?utm_source=1&{t}&utm_source=2&utm_source=3", "/v/a.ts?utm_source=1&utm_source=2&utm_source=3"),
        ("/v/a.ts?signature=1&{t}&expires=2&Sig=3&EXP=4&si%67=5", "/v/a.ts?signature=1&expires=2&Sig=3&EXP=4&si%67=5"),
        ("/v/a.ts?a=%zz&{t}&b=%2", "/v/a.ts?a=%zz&b=%2"),
        ("/v/a.ts?é=1&{t}&b=é", "/v/a.ts?é=1&b=é"),
        ("/v/?{t}", "/v/"),
        ("http://h:81/v/a.ts?x&{t}&y", "http://h:81/v/a.ts?x&y"),
        // A fragment never reaches a server; what reads a URI drops it.
        ("/v/a.ts?{t}#b", "/v/a.ts"),
    ] {
        let target = target.replace("{t}", &token(COVERED));
        assert_eq!(result(&call(&layer, get(&target), &HeaderMap::new())), granted(passes_on), "{target}");
        assert_eq!(verifier().strip(target.split('#').next().unwrap()).as_deref(), Some(passes_on), "{target}");
    }
}

#[test]
fn a_reserved_name_beside_a_token_is_refused() {
    let token = token(COVERED);
    let link = verifier().signer().url("/v/a").sign_until(at(1_790_000_000)).unwrap().into_string();
    let exact = link.split_once('?').unwrap().1;
    for name in [
        "exp",
        "exp=1",
        "sig",
        "sig=1",
        "sig-scope=/",
        "sig-scope",
        "sig-id=a",
        "sig-start=1",
        "sig-methods=GET",
        "sig-new",
        "sig-",
        exact,
        &token,
    ] {
        for (place, query) in [
            ("before", format!("{name}&{token}")),
            ("behind", format!("{token}&{name}")),
            ("before, apart", format!("{name}&w=1&{token}")),
            ("behind, apart", format!("{token}&w=1&{name}")),
        ] {
            assert_eq!(
                outcome(&verifier(), name, &get(&format!("/v/a?{query}"))),
                unsigned(Malformed),
                "{name} {place}"
            );
        }
        let inside = token.replacen("&exp", &format!("&{name}&exp"), 1);
        let before_mac = token.replacen("&sig=", &format!("&{name}&sig="), 1);
        for query in [inside, before_mac] {
            // What an exact URL may hold between `exp` and `sig` is judged by the MAC, which it breaks.
            let may_stand = query.contains("1790000000&sig-") && !name.starts_with("sig-scope");
            let expected = if may_stand { NotAuthentic } else { Malformed };
            assert_eq!(outcome(&verifier(), name, &get(&format!("/v/a?{query}"))), unsigned(expected), "{query}");
        }
    }
}

#[test]
fn a_token_is_contiguous_and_as_it_was_written() {
    let token = token(COVERED);
    let mac = mac(COVERED);
    for (name, query, expected) in [
        ("torn after the scope", token.replace("&exp", "&w=1&exp"), Malformed),
        ("torn before the MAC", token.replace("&sig=", "&w=1&sig="), Malformed),
        ("an `&` more after the scope", token.replace("&exp", "&&exp"), Malformed),
        ("an `&` more before the MAC", token.replace("&sig=", "&&sig="), Malformed),
        ("sorted", format!("exp=1790000000&sig={mac}&sig-scope=/v/"), Malformed),
        ("the scope second", format!("exp=1790000000&sig-scope=/v/&sig={mac}"), Malformed),
        ("the scope second, signed so", super::token("exp=1790000000&sig-scope=/v/"), Malformed),
        ("the MAC second", format!("sig-scope=/v/&sig={mac}&exp=1790000000"), Malformed),
        ("the MAC first", format!("sig={mac}&sig-scope=/v/&exp=1790000000"), Malformed),
        ("an `&amp;`", token.replace('&', "&amp;"), Malformed),
        ("a `;` for an `&`", token.replace('&', ";"), Malformed),
        ("an escaped `&`", token.replace('&', "%26"), Malformed),
        ("an escaped slash", token.replace("/v/", "%2Fv%2F"), NotAuthentic),
        ("an escaped letter", token.replace("/v/", "/%76/"), NotAuthentic),
        ("an escaped name", token.replace("sig-scope", "sig%2Dscope"), NotAuthentic),
        ("a name in upper case", token.replace("sig-scope", "SIG-SCOPE"), NotAuthentic),
        ("no scope", token.replace("sig-scope=/v/&", ""), NotAuthentic),
        ("no value of a scope", token.replace("=/v/", ""), NotAuthentic),
        ("an empty scope", token.replace("/v/", ""), NotAuthentic),
        ("a plus", token.replace("/v/", "/v/+"), NotAuthentic),
        ("a scope that is not ASCII", token.replace("/v/", "/v/\u{e9}/"), Malformed),
        ("a scope of a no-break space", super::token("sig-scope=/v/\u{a0}/&exp=1790000000"), Malformed),
        ("a MAC that is not ASCII", token.clone() + "\u{e9}", Malformed),
        ("a restriction that is not ASCII", super::token("sig-scope=/v/&exp=1790000000&sig-id=\u{e9}"), Malformed),
        ("base64url", encode(&token), Missing),
        ("a segment for a path", format!("~{}", encode(&token)), Missing),
        ("a cookie", format!("{DEFAULT_COOKIE}={}", encode(&token)), Missing),
        ("behind a second `?`", format!("?{token}"), NotAuthentic),
    ] {
        let found = outcome(&verifier(), name, &get(&format!("/v/a?{query}")));
        assert_eq!(found, unsigned(expected), "{name}: {query}");
    }
}

#[test]
fn neither_credential_passes_for_the_other() {
    let of = |covered: &str| mac(covered);
    for (name, target, expected) in [
        ("an exact URL by a token's MAC", format!("/v/a?exp=1790000000&sig={}", of(COVERED)), unsigned(NotAuthentic)),
        (
            "a token by an exact URL's",
            format!("/v/a?{COVERED}&sig={}", of("/v/a?exp=1790000000")),
            unsigned(NotAuthentic),
        ),
        (
            "a token by the MAC over the whole target",
            format!("/v/a?{COVERED}&sig={}", of(&format!("/v/a?{COVERED}"))),
            unsigned(NotAuthentic),
        ),
        (
            "a token by the MAC over the query",
            format!("/v/a?w=1&{COVERED}&sig={}", of(&format!("w=1&{COVERED}"))),
            unsigned(NotAuthentic),
        ),
        ("a path that is a token's text", format!("/{COVERED}&sig={}", of(COVERED)), unsigned(Missing)),
        (
            "a relative target",
            format!("/sig-scope=/?exp=1790000000&sig={}", of("sig-scope=/?exp=1790000000")),
            unsigned(NotAuthentic),
        ),
        (
            "an exact URL under a token's name",
            format!("/sig-scope=/v/?exp=1790000000&sig={}", of("/sig-scope=/v/?exp=1790000000")),
            Ok(()),
        ),
        ("a scope with a `?`", format!("/v/a?{}", token("sig-scope=/v/?exp=1790000000")), unsigned(Malformed)),
        (
            "a scope with a `?`, and exp",
            format!("/v/a?{}", token("sig-scope=/v/?&exp=1790000000")),
            authentic(Malformed),
        ),
        ("a URL without a path", format!("http://h?{}", token("sig-scope=/&exp=1790000000")), unsigned(Malformed)),
    ] {
        assert_eq!(outcome(&verifier(), name, &get(&target)), expected, "{name}: {target}");
    }
}
