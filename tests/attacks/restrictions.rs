//! Restrictions whose values say nothing, or two things: an authentic link with one is refused, not served without it.

use tower_signed_url::RejectionKind::{Client, Malformed, MediaType, Method, NotAuthentic, Unenforceable};
use tower_signed_url::{Verifier, client_ip};

use super::door::{Case, Door, get};
use super::support::by_hand::{mac, signed};
use super::support::{NOW, at, figure_keys, fixed_verifier};

/// A link with this value of a restriction.
fn with(restriction: &str, name: &str, value: &str) -> Case {
    get(format!("{restriction}: {name}"), signed(&format!("/a?exp=1790000000&{restriction}={value}")))
}

#[test]
fn methods_are_a_list_of_capitals() {
    let methods = |name: &str, value: &str| with("sig-methods", name, value);
    Door::new(&fixed_verifier()).check(&[
        methods("GET", "GET").served("/a"),
        methods("GET among others", "PUT,GET").served("/a"),
        methods("others", "PUT,POST").refused(Method),
        methods("the beginning of one", "GE").refused(Method),
        methods("one that begins so", "GETX").refused(Method),
        methods("a hyphen", "-").refused(Method),
        methods("empty", "").refused(Malformed),
        methods("a comma", ",").refused(Malformed),
        methods("a comma first", ",GET").refused(Malformed),
        methods("a comma last", "GET,").refused(Malformed),
        methods("two commas", "PUT,,GET").refused(Malformed),
        methods("small letters", "get").refused(Malformed),
        methods("one small letter", "GEt").refused(Malformed),
        methods("small letters behind", "GET,put").refused(Malformed),
        methods("both cases", "GET,get").refused(Malformed),
        methods("twice", "GET,GET").refused(Malformed),
        methods("twice, apart", "GET,PUT,GET").refused(Malformed),
        methods("a star", "*").refused(Malformed),
        methods("all", "GET,*").refused(Malformed),
        methods("a space", "GET,%20PUT").refused(Malformed),
        methods("a plus for a space", "GET,+PUT").refused(Malformed),
        methods("a semicolon", "GET;PUT").refused(Malformed),
        methods("a bar", "GET|PUT").refused(Malformed),
        methods("the comma escaped", "GET%2CPUT").refused(Malformed),
        methods("a letter escaped", "%47ET").refused(Malformed),
        methods("a digit", "GET1").refused(Malformed),
        methods("an underscore", "GET_ALL").refused(Malformed),
        methods("full-width letters", "\u{ff27}\u{ff25}\u{ff34}").refused(Malformed),
        get("sig-methods: no value", signed("/a?exp=1790000000&sig-methods")).refused(Malformed),
        methods("taken off after signing", "PUT").refused(Method),
        get("sig-methods: taken off", format!("/a?exp=1790000000&sig={}", mac("/a?exp=1790000000&sig-methods=PUT")))
            .refused(NotAuthentic),
    ]);
}

#[test]
fn media_types_are_one_and_without_parameters() {
    let media_type = |name: &str, value: &str| {
        let covered = format!("/a?exp=1790000000&sig-methods=PUT&sig-type={value}");
        let case = get(format!("sig-type: {name}"), signed(&covered)).method("PUT").body(b"12345");
        case.field("content-type", "image/png")
    };
    Door::new(&fixed_verifier()).check(&[
        media_type("the body's", "image/png").served("/a"),
        media_type("in capitals", "IMAGE/PNG").served("/a"),
        media_type("all images", "image/*").served("/a"),
        media_type("another", "image/gif").refused(MediaType),
        media_type("the beginning of it", "image/pn").refused(MediaType),
        media_type("one that begins so", "image/png2").refused(MediaType),
        media_type("all", "*/*").refused(Malformed),
        media_type("a star", "*").refused(Malformed),
        media_type("any type", "*/png").refused(Malformed),
        media_type("a part of a wildcard", "image/p*").refused(Malformed),
        media_type("two stars", "image/**").refused(Malformed),
        media_type("empty", "").refused(Malformed),
        media_type("no slash", "image").refused(Malformed),
        media_type("no subtype", "image/").refused(Malformed),
        media_type("no type", "/png").refused(Malformed),
        media_type("a slash", "/").refused(Malformed),
        media_type("two slashes", "image/png/x").refused(Malformed),
        media_type("the slash escaped", "image%2Fpng").refused(Malformed),
        media_type("a parameter", "image/png;q=1").refused(Malformed),
        media_type("an empty parameter", "image/png;").refused(Malformed),
        media_type("a list", "image/png,image/gif").refused(Malformed),
        media_type("a list with all", "image/png,*/*").refused(Malformed),
        // A media type may hold a `%`, which is not decoded.
        media_type("a space, escaped", "image/png%20").refused(MediaType),
        media_type("a letter escaped", "image/pn%67").refused(MediaType),
        media_type("a plus, which is a character", "image/svg+xml").refused(MediaType),
        media_type("quoted", "\"image/png\"").unread(),
        media_type("beyond ASCII", "image/p\u{144}g").refused(Malformed),
        // What the request says of itself is as much the attacker's as the link is not.
        media_type("two in the request", "image/png").field("content-type", "text/html").refused(MediaType),
    ]);
}

#[test]
fn file_names_lead_nowhere_and_hide_nothing() {
    let download = |name: &str, value: &str| with("sig-download", name, value);
    let raw = |name: &str, bytes: &[u8]| {
        let covered = [b"/a?exp=1790000000&sig-download=", bytes].concat();
        get(format!("sig-download: {name}"), [&covered, b"&sig=".as_slice(), mac(&covered).as_bytes()].concat())
    };
    Door::new(&fixed_verifier()).check(&[
        download("a name", "report.pdf").served("/a"),
        download("letters of any script", "caf%C3%A9.pdf").served("/a"),
        download("a quote", "a%22b.pdf").served("/a"),
        download("empty", "").refused(Malformed),
        download("a slash", "a/b").refused(Malformed),
        download("a slash, escaped", "a%2Fb").refused(Malformed),
        download("up a folder", "..%2Fa").refused(Malformed),
        download("a backslash, escaped", "a%5Cb").refused(Malformed),
        download("a zero byte, escaped", "a.pdf%00.exe").refused(Malformed),
        download("a line of the answer", "a%0D%0ASet-Cookie:%20a=b").refused(Malformed),
        download("a line break", "a%0Ab").refused(Malformed),
        download("a tab", "a%09b").refused(Malformed),
        download("delete", "a%7F").refused(Malformed),
        download("the first of the second controls", "a%C2%80").refused(Malformed),
        download("the last of the second controls", "a%C2%9F").refused(Malformed),
        download("the first that is none", "a%C2%A0").served("/a"),
        download("left to right", "a%E2%80%AAb").refused(Malformed),
        download("right to left", "cat%E2%80%AEgpj.exe").refused(Malformed),
        download("an isolate", "a%E2%81%A6b").refused(Malformed),
        download("the end of isolates", "a%E2%81%A9b").refused(Malformed),
        download("half of an escape", "a%4").refused(Malformed),
        download("no escape", "a%zz").refused(Malformed),
        download("a percent sign alone", "100%").refused(Malformed),
        download("bad UTF-8", "a%FF").refused(Malformed),
        download("UTF-8 cut off", "a%E2%80").refused(Malformed),
        download("an overlong slash", "a%C0%AFb").refused(Malformed),
        download("an overlong zero byte", "a%C0%80b").refused(Malformed),
        download("half of a surrogate pair", "a%ED%A0%80").refused(Malformed),
        download("past the last character", "a%F4%90%80%80").refused(Malformed),
        // Decoded once.
        download("a slash, escaped twice", "a%252Fb").served("/a"),
        download("a plus stays one", "a+b").served("/a"),
        raw("raw UTF-8", "caf\u{e9}".as_bytes()).refused(Malformed),
        raw("right to left, raw", "a\u{202e}b".as_bytes()).refused(Malformed),
        raw("bad UTF-8, raw", b"a\xffb").unread(),
        raw("a space, raw", b"a b").unread(),
        raw("a zero byte, raw", b"a\0b").unread(),
        raw("a line break, raw", b"a\r\nset-cookie: a=b").unread(),
        get("sig-download: no value", signed("/a?exp=1790000000&sig-download")).refused(Malformed),
    ]);
}

#[test]
fn ids_are_short_and_plain() {
    let id = |name: &str, value: &str| with("sig-id", name, value);
    Door::new(&fixed_verifier()).check(&[
        id("a letter", "a").served("/a"),
        id("all that it may be", "AZaz09_-").served("/a"),
        id("64 characters", &"a".repeat(64)).served("/a"),
        id("65 characters", &"a".repeat(65)).refused(Malformed),
        id("4000 characters", &"a".repeat(4000)).refused(Malformed),
        id("empty", "").refused(Malformed),
        id("a dot", "a.b").refused(Malformed),
        id("a star", "*").refused(Malformed),
        id("a slash", "a/b").refused(Malformed),
        id("a comma", "a,b").refused(Malformed),
        id("a colon", "a:b").refused(Malformed),
        id("an escape", "%61").refused(Malformed),
        id("a space, escaped", "a%20b").refused(Malformed),
        id("a plus", "a+b").refused(Malformed),
        id("an equals sign", "a=b").refused(Malformed),
        id("a zero byte, escaped", "a%00").refused(Malformed),
        id("a line break, escaped", "a%0Ab").refused(Malformed),
        id("beyond ASCII", "\u{e4}").refused(Malformed),
        id("digits of another script", "\u{661}").refused(Malformed),
    ]);
}

/// The syntax of these names is judged before the key and the MAC, which depend on them.
#[test]
fn bound_names_are_names() {
    let bind = |name: &str, value: &str| with("sig-bind", name, value);
    Door::new(&fixed_verifier()).check(&[
        get("sig-bind: none", signed("/a?exp=1790000000")).served("/a"),
        bind("nothing has this name here", "user").refused(Unenforceable),
        bind("32 characters", &"a".repeat(32)).refused(Unenforceable),
        bind("33 characters", &"a".repeat(33)).refused(Malformed),
        bind("2000 names", &(0..2000).map(|n| n.to_string()).collect::<Vec<_>>().join(",")).refused(Unenforceable),
        bind("12000 names", &(0..12_000).map(|n| n.to_string()).collect::<Vec<_>>().join(","))
            .refused(Unenforceable)
            .not_over_http2(),
        bind("empty", "").refused(Malformed),
        bind("a comma", ",").refused(Malformed),
        bind("a comma last", "user,").refused(Malformed),
        bind("a comma first", ",user").refused(Malformed),
        bind("twice", "user,user").refused(Malformed),
        bind("twice, apart", "user,host,user").refused(Malformed),
        bind("a capital", "User").refused(Malformed),
        bind("an underscore", "user_id").refused(Malformed),
        bind("a dot", "user.id").refused(Malformed),
        bind("its value", "user:42").refused(Malformed),
        bind("a star", "*").refused(Malformed),
        bind("an escape", "%75ser").refused(Malformed),
        bind("the comma escaped", "user%2Chost").refused(Malformed),
        bind("a space, escaped", "user,%20host").refused(Malformed),
        bind("a line break, escaped", "user%0Ahost").refused(Malformed),
        bind("a zero byte, escaped", "user%00").refused(Malformed),
        bind("beyond ASCII", "\u{fc}ser").refused(Malformed),
        get("sig-bind: no value", signed("/a?exp=1790000000&sig-bind")).refused(Malformed),
        get("sig-bind: malformed, an unknown key", "/a?exp=1790000000&sig-bind=User&sig=z.AAAA").refused(Malformed),
    ]);
}

#[test]
fn networks_are_written_in_one_way() {
    let verifier =
        Verifier::builder(&figure_keys()).client_ip(client_ip::connect_info()).clock(|| at(NOW)).build().unwrap();
    let ip = |name: &str, value: &str| with("sig-ip", name, value);
    Door::new(&verifier).check(&[
        ip("the client", "127.0.0.1").served("/a"),
        ip("its network", "127.0.0.0/8").served("/a"),
        ip("itself as a network", "127.0.0.1/32").served("/a"),
        ip("one of several", "192.0.2.1,2001:db8::/32,127.0.0.1").served("/a"),
        ip("mapped to IPv6", "::ffff:127.0.0.1").served("/a"),
        ip("mapped to IPv6, in hexadecimal", "::ffff:7f00:1").served("/a"),
        ip("its network mapped to IPv6", "::ffff:127.0.0.0/104").served("/a"),
        ip("another", "192.0.2.1").refused(Client),
        ip("another network", "128.0.0.0/8").refused(Client),
        ip("the one of IPv6", "::1").refused(Client),
        // IPv4-compatible addresses (RFC 4291 section 2.5.5.1) are IPv6's own.
        ip("compatible with IPv6", "::127.0.0.1").refused(Client),
        ip("empty", "").refused(Malformed),
        ip("a comma last", "127.0.0.1,").refused(Malformed),
        ip("a comma first", ",127.0.0.1").refused(Malformed),
        ip("twice", "127.0.0.1,127.0.0.1").refused(Malformed),
        ip("twice, once as a network", "127.0.0.1,127.0.0.1/32").refused(Malformed),
        ip("twice, once mapped", "127.0.0.1,::ffff:127.0.0.1").refused(Malformed),
        ip("twice, in two cases", "2001:db8::1,2001:DB8::1,127.0.0.1").refused(Malformed),
        ip("host bits", "127.0.0.1/8").refused(Malformed),
        ip("host bits, mapped", "::ffff:127.0.0.1/104").refused(Malformed),
        ip("host bits behind a good one", "127.0.0.1,192.0.2.1/24").refused(Malformed),
        ip("every address", "0.0.0.0/0").refused(Malformed),
        ip("every address of IPv6", "::/0").refused(Malformed),
        ip("every address, mapped", "::ffff:0.0.0.0/96").refused(Malformed),
        ip("no length", "127.0.0.0/").refused(Malformed),
        ip("a zero before the length", "127.0.0.0/08").refused(Malformed),
        ip("a plus before the length", "127.0.0.0/+8").refused(Malformed),
        ip("a length of 33", "127.0.0.1/33").refused(Malformed),
        ip("a length of 2^8 and 8", "127.0.0.0/264").refused(Malformed),
        ip("a mask", "127.0.0.0/255.0.0.0").refused(Malformed),
        ip("two lengths", "127.0.0.0/8/8").refused(Malformed),
        ip("the slash escaped", "127.0.0.0%2F8").refused(Malformed),
        ip("a zero before, which some read as octal", "0177.0.0.1").refused(Malformed),
        ip("zeros before", "127.000.000.001").refused(Malformed),
        ip("hexadecimal", "0x7f.0.0.1").refused(Malformed),
        ip("one number", "2130706433").refused(Malformed),
        ip("two numbers", "127.1").refused(Malformed),
        ip("a range", "127.0.0.1-127.0.0.9").refused(Malformed),
        ip("a star", "127.0.0.*").refused(Malformed),
        ip("a port", "127.0.0.1:80").refused(Malformed),
        ip("brackets", "[::1]").refused(Malformed),
        ip("a zone", "fe80::1%25lo").refused(Malformed),
        ip("a name", "localhost").refused(Malformed),
        ip("a space, escaped", "127.0.0.1,%20192.0.2.1").refused(Malformed),
        ip("digits of another script", "\u{661}27.0.0.1").refused(Malformed),
        get("sig-ip: no value", signed("/a?exp=1790000000&sig-ip")).refused(Malformed),
        get("sig-ip: another MAC", "/a?exp=1790000000&sig-ip=127.0.0.1&sig=AAAA").refused(NotAuthentic),
    ]);
    Door::new(&fixed_verifier()).check(&[
        get("sig-ip: none, no source", signed("/a?exp=1790000000")).served("/a"),
        ip("no source", "127.0.0.1").refused(Unenforceable),
    ]);
}
