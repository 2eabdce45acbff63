//! Paths that lead out of a token's scope by one reader's understanding, and stay in it by another's.

use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic, Scope};

use super::carriers::{CARRIERS, Carrier, cookie, token, verifier};
use super::door::{Answer, Door, get};
use super::support::by_hand::exact;
use super::support::fixed_verifier;

/// What is tried behind the scope `/v/`, and whether a server takes it for a request at all.
const TRICKS: [(&str, &[u8], bool); 72] = [
    ("two dots", b"../secret", true),
    ("two dots, the second escaped", b".%2e/secret", true),
    ("two dots, the first escaped", b"%2E./secret", true),
    ("two dots, both escaped", b"%2e%2e/secret", true),
    ("two dots last", b"a/..", true),
    ("two dots with a parameter", b"..;x=1/secret", true),
    ("two dots with an empty parameter", b"..;/secret", true),
    ("two dots with an escaped `;`", b"..%3b/secret", true),
    ("escaped dots with a parameter", b"%2e%2e;a/secret", true),
    ("two dots in a parameter", b";/../secret", true),
    ("a parameter for a segment", b";x/secret", true),
    ("two dots and a space", b"..%20/secret", true),
    ("two dots and a no-break space", b"..%c2%a0/secret", true),
    ("a no-break space and two dots", b"%c2%a0../secret", true),
    ("two dots and an ideographic space", b"..%e3%80%80/secret", true),
    ("two dots and a next line", b"..%c2%85/secret", true),
    ("two dots and a line separator", b"..%e2%80%a8/secret", true),
    ("two dots and a byte order mark", b"..%ef%bb%bf/secret", true),
    ("a no-break space", b"%c2%a0/secret", true),
    ("a space and two dots", b"%20../secret", true),
    ("spaces around two dots", b"%20..%20/secret", true),
    ("a dot", b"./secret", true),
    ("a dot and a space", b".%20/secret", true),
    ("a dot and a space last", b"a/.%20", true),
    ("a space for a segment", b"%20/secret", true),
    ("two slashes", b"/secret", true),
    ("two slashes inside", b"a//secret", true),
    ("three slashes", b"//secret", true),
    ("two slashes last", b"a//", true),
    ("an escaped slash", b"..%2fsecret", true),
    ("an escaped slash, upper case", b"..%2Fsecret", true),
    ("an escaped slash before two dots", b"a%2f..%2f..%2fsecret", true),
    ("an escaped slash alone", b"%2f", true),
    ("a back slash", b"..\\secret", true),
    ("back slashes alone", b"a\\..\\..\\secret", true),
    ("an escaped back slash", b"..%5csecret", true),
    ("an escaped back slash, upper case", b"..%5Csecret", true),
    ("NUL", b"a\0.jpg", false),
    ("NUL, escaped", b"a%00.jpg", true),
    ("NUL, escaped, between two dots", b".%00./secret", true),
    ("a tab between two dots", b".\t./secret", false),
    ("a tab, escaped, between two dots", b".%09./secret", true),
    ("a line feed, escaped", b"a%0a", true),
    ("a carriage return and a line feed, escaped", b"a%0d%0aset-cookie:%20a=b", true),
    ("DEL", b"a\x7f", false),
    ("DEL, escaped", b"a%7f", true),
    ("the last control, escaped", b"a%1f", true),
    ("two dots escaped twice", b"%252e%252e/secret", true),
    ("a slash escaped twice", b"..%252fsecret", true),
    ("a slash escaped three times", b"..%25252fsecret", true),
    ("an escaped `%`", b"100%25", true),
    ("a dot, overlong", b"%c0%ae%c0%ae/secret", true),
    ("a dot, overlong in three bytes", b"%e0%80%ae%e0%80%ae/secret", true),
    ("a dot, overlong in four", b"%f0%80%80%ae%f0%80%80%ae/secret", true),
    ("a slash, overlong", b"..%c0%afsecret", true),
    ("a slash, overlong in three bytes", b"..%e0%80%afsecret", true),
    ("a back slash, overlong", b"..%c1%9csecret", true),
    ("NUL, overlong", b"a%c0%80", true),
    ("a dot as it was in UCS-2", b"%u002e%u002e/secret", true),
    ("half a surrogate pair", b"%ed%a0%80", true),
    ("a byte of Latin-1, escaped", b"caf%e9", true),
    ("a byte of Latin-1", b"caf\xe9", false),
    ("UTF-8, unescaped", "caf\u{e9}".as_bytes(), true),
    ("full-width dots, unescaped", "\u{ff0e}\u{ff0e}/secret".as_bytes(), true),
    ("a full-width slash, unescaped", "..\u{ff0f}secret".as_bytes(), true),
    ("an escape of nothing", b"a%", true),
    ("half an escape", b"a%2", true),
    ("half an escape and a slash", b"..%2/secret", true),
    ("an escape that is no number", b"%zz/secret", true),
    ("an escape with a sign", b"%+2e%+2e/secret", true),
    ("an escape in other digits", b"%2\xef\xbd\x85", true),
    ("a parameter that hides a slash", b"a;b=%2fc", true),
];

/// What looks like a trick and is a name.
const NAMES: [(&str, &str); 16] = [
    ("a file", "a.jpg"),
    ("the folder itself", ""),
    ("a folder", "a/b/"),
    ("three dots", ".../secret"),
    ("four dots", "..../secret"),
    ("two dots in front of a name", "..secret"),
    ("a dot behind a name", "secret."),
    ("two dots behind a name", "secret../a"),
    ("a space in a name", "%20secret%20"),
    ("a parameter of a name", "secret;v=1/a"),
    ("two dots apart", ".%20."),
    // Not dots and slashes to any reader but one that normalises what it has decoded.
    ("full-width dots", "%ef%bc%8e%ef%bc%8e/secret"),
    ("a full-width slash", "..%ef%bc%8fsecret"),
    ("a one-dot leader, twice", "%e2%80%a4%e2%80%a4/secret"),
    ("a division slash", "..%e2%88%95secret"),
    ("the scope again", "v/v/secret"),
];

#[test]
fn a_token_opens_no_path_that_two_readers_read_differently() {
    for scope in ["/v/", "/"] {
        let token = token(scope);
        for carrier in CARRIERS {
            let door = Door::new(&verifier());
            let tricks = TRICKS.map(|(name, rest, is_read)| {
                let case = carrier.get(name, &[scope.as_bytes(), rest].concat(), &token);
                if is_read { case.refused(Scope) } else { case.unread() }
            });
            let names = NAMES.map(|(name, rest)| {
                let path = format!("{scope}{rest}");
                carrier.get(name, path.as_bytes(), &token).served(path)
            });
            door.check(&[&tricks[..], &names].concat());
        }
    }
}

#[test]
fn a_scope_is_a_folder_and_no_beginning_of_a_name() {
    let token = token("/videos/42/");
    for carrier in CARRIERS {
        // A cookie for another path is none.
        let elsewhere = if carrier == Carrier::Cookie { Missing } else { Scope };
        let mut cases = vec![carrier.get("under it", b"/videos/42/x", &token).served("/videos/42/x")];
        for (name, path) in [
            ("without its slash", "/videos/42"),
            ("a longer number", "/videos/421/x"),
            ("a longer name", "/videos/42x"),
            ("an escaped slash for its last", "/videos/42%2fx"),
            ("a back slash for its last", "/videos/42\\x"),
            ("a parameter before its last", "/videos/42;/x"),
            ("a space before its last", "/videos/42%20/x"),
            ("NUL before its last", "/videos/42%00/x"),
            ("a dot before its last", "/videos/42./x"),
            ("another letter case", "/Videos/42/x"),
            ("an escape in it", "/videos/%342/x"),
            ("two slashes in it", "/videos//42/x"),
            ("two slashes before it", "//videos/42/x"),
            ("a dot in it", "/videos/./42/x"),
            ("up to it", "/videos/41/../42/x"),
            ("a folder around it", "/a/videos/42/x"),
            ("above it", "/videos/"),
            ("above it all", "/"),
        ] {
            cases.push(carrier.get(name, path.as_bytes(), &token).refused(elsewhere));
        }
        Door::new(&verifier()).check(&cases);
    }
}

#[test]
fn a_scope_that_is_ambiguous_is_none_even_signed() {
    for carrier in CARRIERS {
        let mut cases = vec![carrier.get("as it should be", b"/v/a", &token("/v/")).served("/v/a")];
        for (name, scope, path) in [
            ("nothing", "", "/v/a"),
            ("without the last slash", "/v", "/v/a"),
            ("without the last slash, a longer name", "/v", "/vault/a"),
            ("a file", "/v/a", "/v/a"),
            ("two slashes", "//", "//a"),
            ("up", "/v/../", "/v/../a"),
            ("up, escaped", "/v/%2e%2e/", "/v/%2e%2e/a"),
            ("up, with a parameter", "/v/..;/", "/v/..;/a"),
            ("an escaped slash", "/v%2f/", "/v%2f/a"),
            ("an escaped slash for the last", "/v%2f", "/v%2fa"),
            ("a back slash", "/v\\/", "/v\\/a"),
            ("NUL, escaped", "/v%00/", "/v%00/a"),
            ("escaped twice", "/v/%252e%252e/", "/v/%252e%252e/a"),
            ("overlong", "/v/%c0%ae/", "/v/%c0%ae/a"),
            ("half an escape", "/v%2/", "/v%2/a"),
            ("a parameter", "/v;x/", "/v;x/a"),
            ("a comma", "/v,w/", "/v,w/a"),
            ("an apostrophe", "/v'/", "/v'/a"),
        ] {
            cases.push(carrier.get(name, path.as_bytes(), &token(scope)).refused(Malformed));
        }
        Door::new(&verifier()).check(&cases);
    }
}

#[test]
fn only_the_path_is_held_against_the_scope() {
    let (v, all) = (token("/v/"), token("/"));
    let in_cookie = cookie(&v);
    let by_cookie = |name: &str, target: &str| get(name, target).field("cookie", &*in_cookie);
    Door::new(&verifier()).check(&[
        get("up in the query", format!("/v/a?x=/../../secret&{v}")).served("/v/a?x=/../../secret"),
        get("the scope in the query", format!("/secret?/v/&{v}")).refused(Scope),
        get("the scope behind an escaped `?`", format!("/secret%3f/v/?{v}")).refused(Scope),
        get("an escaped `?` and up", format!("/v/%3f/../../secret?{v}")).refused(Scope),
        get("an escaped `#` and up", format!("/v/%23/../../secret?{v}")).refused(Scope),
        // Whoever reads a target drops what follows a `#`: the service does not see it either.
        get("a `#` behind the token", format!("/v/a?{v}#/../../secret")).served("/v/a"),
        get("a `#` before the token", format!("/v/a#?{v}")).refused(Missing),
        by_cookie("a `#` and up", "/v/a#/../../secret").served("/v/a"),
        by_cookie("the scope behind a `#`", "/secret#/v/").refused(Missing),
        by_cookie("an asterisk", "*").refused(Missing),
        get("another host for a path", format!("//evil.example/v/a?{v}")).refused(Scope),
        get("absolute form", format!("http://evil.example/v/a?{v}")).served("/v/a").but_over_http2(Answer::Unread),
        get("absolute form, up", format!("http://evil.example/v/../secret?{v}"))
            .refused(Scope)
            .but_over_http2(Answer::Unread),
        get("absolute form, two slashes", format!("http://evil.example//v/a?{v}"))
            .refused(Scope)
            .but_over_http2(Answer::Unread),
        get("absolute form, no path", format!("http://evil.example?{all}"))
            .refused(Malformed)
            .but_over_http2(Answer::Unread),
        get("absolute form, the scope as a user", format!("http://v/@evil.example/a?{v}"))
            .refused(Scope)
            .but_over_http2(Answer::Unread),
        get("no slash before the path", format!("v/a?{v}")).unread(),
    ]);
}

#[test]
fn an_exact_url_is_for_its_own_spelling() {
    let at = |path: &str, link_for: &str| exact(link_for).replacen(link_for, path, 1);
    let mut cases = Vec::new();
    for (name, rest, is_read) in TRICKS {
        let Some(path) = str::from_utf8(rest).ok().map(|rest| format!("/v/{rest}")).filter(|_| is_read) else {
            continue;
        };
        cases.push(get(format!("{name}, as signed"), exact(&path)).served(&*path));
        for other in ["/v/secret", "/secret"] {
            cases.push(get(format!("{name}, by a link for {other}"), at(&path, other)).refused(NotAuthentic));
            cases.push(get(format!("{other} by a link for: {name}"), at(other, &path)).refused(NotAuthentic));
        }
    }
    for (name, path, other) in [
        ("letter case", "/v/A", "/v/a"),
        ("letter case of an escape", "/v/%c3%a9", "/v/%C3%A9"),
        ("an escape and its letter", "/v/%61", "/v/a"),
        ("`+` and a space", "/v/a+b", "/v/a%20b"),
        ("composed and decomposed", "/v/%c3%a9", "/v/e%cc%81"),
        ("a slash last", "/v/a/", "/v/a"),
        ("an empty parameter", "/v/a;", "/v/a"),
    ] {
        for (path, other) in [(path, other), (other, path)] {
            cases.push(get(format!("{name}, as signed"), exact(path)).served(path));
            cases.push(get(name, at(path, other)).refused(NotAuthentic));
        }
    }
    cases.push(get("two `?`", exact("/v/a").replacen('?', "??", 1)).refused(Malformed));
    Door::new(&fixed_verifier()).check(&cases);
}
