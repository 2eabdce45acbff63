//! Guessing: of a password, on links that live and on links that have ended, and of why a link was refused.

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use tower_signed_url::RejectionKind::{
    Context, Expired, Malformed, Method, NotAuthentic, PasswordRequired, Unenforceable, WrongPassword,
};
use tower_signed_url::{SignedUrlLayer, Verifier, client_ip, context};

use super::carriers::{builder, cookie};
use super::door::{Case, Door, get, show_target};
use super::support::by_hand::{mac, signed, signed_with};
use super::whole::{Whole, ask};
use super::wire::Server;

const LIVE: &str = "/a?exp=1790000000&sig-bind=password";
const DEAD: &str = "/a?exp=1789999000&sig-bind=password";

fn verifier() -> Verifier {
    let by_connection = client_ip::connect_info();
    let user = context::header(http::HeaderName::from_static("x-user"));
    builder().bind("password", context::basic_password()).bind("user", user).client_ip(by_connection).build().unwrap()
}

/// A link for the password `hunter2`.
fn bound(covered: &str) -> String {
    signed_with(covered, "\npassword:hunter2")
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// A link's MAC exchanged for this one.
fn with_mac(link: &str, mac: &str) -> String {
    format!("{}&sig={mac}", link.rsplit_once("&sig=").unwrap().0)
}

/// Links that no password opens, by what is wrong with their MAC.
fn forged(covered: &str) -> [(&'static str, String); 8] {
    let link = bound(covered);
    let right = link.rsplit_once("&sig=").unwrap().1;
    [
        ("another's MAC", with_mac(&link, &mac(covered))),
        ("the MAC of no password", with_mac(&link, &mac(format!("{covered}\npassword:")))),
        ("a MAC cut short", with_mac(&link, &right[..42])),
        ("a MAC of one byte", with_mac(&link, "AA")),
        ("no MAC", with_mac(&link, "")),
        ("a MAC too long", with_mac(&link, &format!("{right}AA"))),
        ("an unknown key", with_mac(&link, &format!("k.{right}"))),
        ("a key id that is none", with_mac(&link, &format!("k!.{right}"))),
    ]
}

fn with_password(name: &str, target: impl Into<Vec<u8>>, credentials: &str) -> Case {
    get(name, target).field("authorization", basic(credentials))
}

#[test]
fn a_guess_at_a_live_link_is_told_from_nothing_but_a_right_one() {
    let live = bound(LIVE);
    let mut cases = vec![
        with_password("the right one", &*live, "user:hunter2").served("/a"),
        with_password("the right one of nobody", &*live, ":hunter2").served("/a"),
        get("none", &*live).refused(PasswordRequired),
        with_password("a wrong one", &*live, "user:hunter3").refused(WrongPassword),
        with_password("a beginning", &*live, "user:hunter").refused(WrongPassword),
        with_password("a longer one", &*live, "user:hunter22").refused(WrongPassword),
        with_password("a space more", &*live, "user:hunter2 ").refused(WrongPassword),
        with_password("NUL behind", &*live, "user:hunter2\0").refused(WrongPassword),
        with_password("letter case", &*live, "user:HUNTER2").refused(WrongPassword),
        with_password("a colon before", &*live, "user::hunter2").refused(WrongPassword),
        with_password("as the user's name", &*live, "hunter2:hunter3").refused(WrongPassword),
        with_password("empty", &*live, "user:").refused(PasswordRequired),
        with_password("no colon", &*live, "hunter2").refused(PasswordRequired),
        with_password("a line break and a line", &*live, "user:x\npassword:hunter2").refused(PasswordRequired),
        with_password("a line break behind", &*live, "user:hunter2\n").refused(PasswordRequired),
        with_password("a list of two", &*live, "user:hunter2")
            .field("authorization", basic("user:hunter2"))
            .refused(PasswordRequired),
        with_password("a wrong one behind", &*live, "user:hunter2")
            .field("authorization", basic("user:x"))
            .refused(PasswordRequired),
        with_password("a wrong one before", &*live, "user:x")
            .field("authorization", basic("user:hunter2"))
            .refused(PasswordRequired),
        with_password("a colon in it", signed_with(LIVE, "\npassword:a:b"), "user:a:b").served("/a"),
        with_password("a colon in it, its end", signed_with(LIVE, "\npassword:a:b"), "user:a:x:b")
            .refused(WrongPassword),
        with_password("empty, signed", signed_with(LIVE, "\npassword:"), "user:").refused(PasswordRequired),
        // What a right one opens, a wrong one does not learn of.
        with_password("for another method", bound(&format!("{LIVE}&sig-methods=PUT")), "user:hunter2").refused(Method),
        with_password("for another method, a wrong one", bound(&format!("{LIVE}&sig-methods=PUT")), "user:x")
            .refused(WrongPassword),
        with_password("not enforced", bound(&format!("{LIVE}&sig-new=1")), "user:hunter2").refused(Unenforceable),
        with_password("not enforced, a wrong one", bound(&format!("{LIVE}&sig-new=1")), "user:x")
            .refused(WrongPassword),
        with_password("nobody is signed in", bound("/a?exp=1790000000&sig-bind=password,user"), "user:hunter2")
            .refused(Context),
        with_password("exp malformed", bound("/a?exp=01790000000&sig-bind=password"), "user:x").refused(NotAuthentic),
        with_password("a parameter behind", format!("{live}&a=1"), "user:hunter2").refused(Malformed),
        with_password("sig-bind twice", bound(&format!("{LIVE}&sig-bind=password")), "user:hunter2").refused(Malformed),
    ];
    for (name, field) in [
        ("another scheme", format!("Bearer {}", STANDARD.encode("user:hunter2"))),
        ("no space", format!("Basic{}", STANDARD.encode("user:hunter2"))),
        ("a tab for the space", format!("Basic\t{}", STANDARD.encode("user:hunter2"))),
        ("not encoded", "Basic user:hunter2".into()),
        ("not padded", format!("Basic {}", STANDARD_NO_PAD.encode("us:hunter2"))),
        ("in quotes", format!("Basic \"{}\"", STANDARD.encode("user:hunter2"))),
        ("a list in one field", format!("{}, {}", basic("user:x"), basic("user:hunter2"))),
        ("a parameter of the scheme", format!("Basic realm=Link, {}", STANDARD.encode("user:hunter2"))),
    ] {
        cases.push(get(name, &*live).field("authorization", field).refused(PasswordRequired));
    }
    for name in ["proxy-authorization", "x-authorization", "password"] {
        cases.push(get(name, &*live).field(name, basic("user:hunter2")).refused(PasswordRequired));
    }
    for (name, link) in forged(LIVE) {
        cases.push(with_password(&format!("{name}, the right one"), &*link, "user:hunter2").refused(WrongPassword));
        cases.push(with_password(&format!("{name}, a wrong one"), &*link, "user:hunter3").refused(WrongPassword));
        cases.push(get(format!("{name}, none"), link).refused(PasswordRequired));
    }
    Door::new(&verifier()).check(&cases);
}

#[test]
fn a_dead_link_tells_nothing_of_a_password() {
    let mut cases = vec![
        with_password("a live one", bound(LIVE), "user:hunter2").served("/a"),
        with_password("the right one", bound(DEAD), "user:hunter2").refused_with(403, Expired),
        with_password("a wrong one", bound(DEAD), "user:hunter3").refused(NotAuthentic),
        get("none", bound(DEAD)).refused(NotAuthentic),
        with_password(
            "in milliseconds, the right one",
            bound("/a?exp=1789999000000&sig-bind=password"),
            "user:hunter2",
        )
        .refused_with(403, Expired),
        with_password("a name that is none, the right one", bound(&format!("{DEAD}&sig-new=1")), "user:hunter2")
            .refused(Unenforceable),
    ];
    for (name, link) in forged(DEAD) {
        cases.push(with_password(&format!("{name}, the right one"), &*link, "user:hunter2").refused(NotAuthentic));
        cases.push(get(format!("{name}, none"), link).refused(NotAuthentic));
    }
    for exp in ["0", "", "x", "-1", "01790000000", "+1790000000", "17900000000000"] {
        let link = bound(&format!("/a?exp={exp}&sig-bind=password"));
        cases.push(with_password(&format!("exp={exp}, the right one"), &*link, "user:hunter2").refused(Malformed));
        cases.push(with_password(&format!("exp={exp}, a wrong one"), &*link, "user:hunter3").refused(NotAuthentic));
    }
    Door::new(&verifier()).check(&cases);
}

/// A named request: its target, and its fields.
type Attempt = (String, String, Vec<(&'static str, String)>);

/// Each request's answer has to be the first one's in every byte.
fn check_equal(status: u16, requests: &[Attempt]) {
    let server = Server::start(Router::new().fallback(show_target).layer(SignedUrlLayer::new(verifier())));
    let mut first: Option<[(&str, Whole); 2]> = None;
    for (name, target, fields) in requests {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answers = ask(server.address, target, &fields);
        for (protocol, answer) in &answers {
            assert_eq!(answer.status, status, "{name}, {protocol}");
            assert!(!answer.body.is_empty(), "{name}, {protocol}");
        }
        let first = first.get_or_insert_with(|| answers.clone());
        assert_eq!(*first, answers, "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_guess_is_not_on_the_wire() {
    let authorization = |credentials: &str| vec![("authorization", basic(credentials))];
    let mut requests = vec![
        ("a wrong password".to_owned(), bound(LIVE), authorization("user:hunter3")),
        ("no password".to_owned(), bound(LIVE), vec![]),
        (
            "a wrong password for another method".to_owned(),
            bound(&format!("{LIVE}&sig-methods=PUT")),
            authorization("user:x"),
        ),
    ];
    for (name, link) in forged(LIVE) {
        requests.push((format!("{name}, the right password"), link.clone(), authorization("user:hunter2")));
        requests.push((format!("{name}, no password"), link, vec![]));
    }
    check_equal(401, &requests);
}

#[test]
fn why_a_link_was_refused_is_not_on_the_wire() {
    let exact = signed("/a?exp=1790000000");
    let token = signed("sig-scope=/v/&exp=1790000000");
    let right = || vec![("authorization", basic("user:hunter2"))];
    let wrong = || vec![("authorization", basic("user:hunter3"))];
    let mut requests = vec![];
    for (name, target) in [
        ("no credential", "/a".to_owned()),
        ("half of one", "/a?exp=1790000000".into()),
        ("two of them", format!("{exact}&{}", exact.split_once('?').unwrap().1)),
        ("an unknown name, put in", exact.replace("&sig=", "&sig-new=1&sig=")),
        ("an unknown key", exact.replace("&sig=", "&sig=k.")),
        ("a MAC that does not match", exact.replace("1790000000", "1790000001")),
        ("no MAC", exact.split_once("&sig=").unwrap().0.to_owned() + "&sig="),
        ("a MAC that is none", exact.replace("&sig=", "&sig=!")),
        ("a MAC that does not match, expired", exact.replace("1790000000", "1")),
        ("half a token in the path", "/~c2lnLXNjb3BlPSx/a".into()),
        ("bound to what nobody knows", signed("/a?exp=1790000000&sig-bind=nobody")),
        ("bound to nobody", signed("/a?exp=1790000000&sig-bind=user")),
        // Authentic, and no more is told.
        ("a value malformed", signed("/a?exp=1790000000&sig-id=")),
        ("an unknown name", signed("/a?exp=1790000000&sig-new=1")),
        ("not yet valid", signed("/a?exp=1790000000&sig-start=1789999999")),
        ("for too long", signed("/a?exp=1999999999")),
        ("for another method", signed("/a?exp=1790000000&sig-methods=PUT")),
        ("for another address", signed("/a?exp=1790000000&sig-ip=192.0.2.7")),
        ("for another path", format!("/w/a?{token}")),
        ("for an ambiguous path", format!("/v/../a?{token}")),
    ] {
        requests.push((name.to_owned(), target, vec![]));
    }
    let forged_cookie = cookie(&token.replace("/v/", "/"));
    requests.push(("a cookie that is forged".into(), "/a".into(), vec![("cookie", forged_cookie)]));
    requests.push(("a password and no link".into(), "/a".into(), right()));
    requests.push(("dead, no password".into(), bound(DEAD), vec![]));
    requests.push(("dead, a wrong password".into(), bound(DEAD), wrong()));
    requests.push(("dead, the right password".into(), bound(DEAD), right()));
    for (name, link) in forged(DEAD) {
        requests.push((format!("dead, the right password, {name}"), link, right()));
    }
    check_equal(403, &requests);
}
