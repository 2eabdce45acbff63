//! `sig-ip`: a link for some client addresses, whoever tells the address, and whatever a client says of its own.
//!
//! Links are signed by hand over what they cover, unless their signature is what the case is about.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[cfg(feature = "axum")]
#[path = "client_ip/connection.rs"]
mod connection;
#[path = "client_ip/minting.rs"]
mod minting;
#[path = "client_ip/sources.rs"]
mod sources;
mod support;

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Empty;
use support::by_hand::signed as sign;
use support::{NOW, at, figure_keys};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_signed_url::RejectionKind::{
    Client, Context, Expired, LifetimeTooLong, Malformed, Method, NotAuthentic, NotYetValid, Scope, TooLarge,
    Unenforceable, UnknownKey,
};
use tower_signed_url::*;

/// Kind, status, whether the signature had matched, and the parameter at fault.
type Outcome<'n> = Result<(), (RejectionKind, u16, bool, Option<&'n str>)>;

const fn unsigned(kind: RejectionKind) -> Outcome<'static> {
    Err((kind, 403, false, None))
}

/// Malformed, and whether that was told to an authentic link.
const fn malformed(authentic: bool) -> Outcome<'static> {
    Err((Malformed, 403, authentic, Some("sig-ip")))
}

const OTHERS: Outcome<'static> = Err((Client, 403, true, None));

/// What a server of another kind than axum's would put into each request's extensions.
#[derive(Clone)]
struct Peer(IpAddr);

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A link for these addresses that has 1000 seconds left at [`NOW`].
fn link(list: &str) -> String {
    sign(&format!("/a?exp=1790000000&sig-ip={list}"))
}

fn peer() -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
    client_ip::extension(|peer: &Peer| peer.0)
}

fn verifier(source: impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static) -> Verifier {
    Verifier::builder(&figure_keys()).client_ip(source).clock(|| at(NOW)).build().unwrap()
}

fn without_source() -> Verifier {
    support::fixed_verifier()
}

/// A `GET` from this address, if it is known.
fn get(target: &str, client: Option<&str>) -> Request<()> {
    let mut request = Request::get(target).body(()).unwrap_or_else(|error| panic!("{target}: {error}"));
    if let Some(client) = client {
        request.extensions_mut().insert(Peer(address(client)));
    }
    request
}

/// Asks the verifier why, and the layer what the client is told.
fn check(verifier: &Verifier, name: &str, request: &Request<()>, expected: Outcome<'_>) {
    let target = request.uri();
    let found = verifier.verify(Head::of(request)).map(drop);
    let found = found.as_ref().map_err(|rejection| {
        (rejection.kind(), rejection.status().as_u16(), rejection.is_authentic(), rejection.parameter())
    });
    assert_eq!(found.copied(), expected, "{name}: {target}");

    let passed = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new())) });
    let request = request.clone().map(|()| Empty::<bytes::Bytes>::new());
    let answer = SignedUrlLayer::new(verifier).cache(Cache::Shared).layer(passed).oneshot(request);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(answer).unwrap();
    let status = expected.map_or_else(|(_, status, ..)| status, |()| 200);
    assert_eq!(answer.status().as_u16(), status, "{name}: {target}");
    // The address decided, so no cache may share the answer.
    let cached = if status == 200 { "private, max-age=1000" } else { "no-store" };
    assert_eq!(answer.headers()["cache-control"], cached, "{name}: {target}");
}

#[test]
fn a_link_is_for_the_clients_that_it_lists() {
    let verifier = verifier(peer());
    for (name, list, client, expected) in [
        ("the address", "192.0.2.7", Some("192.0.2.7"), Ok(())),
        ("the next", "192.0.2.7", Some("192.0.2.8"), OTHERS),
        ("one that begins like it", "192.0.2.7", Some("192.0.2.70"), OTHERS),
        ("nobody knows", "192.0.2.7", None, OTHERS),
        ("a mapped client", "192.0.2.7", Some("::ffff:192.0.2.7"), Ok(())),
        ("a mapped client, hexadecimal", "192.0.2.7", Some("::ffff:c000:207"), Ok(())),
        ("a mapped client, the next", "192.0.2.7", Some("::ffff:192.0.2.8"), OTHERS),
        ("a mapped address", "::ffff:192.0.2.7", Some("192.0.2.7"), Ok(())),
        ("compatible is not mapped", "192.0.2.7", Some("::192.0.2.7"), OTHERS),
        ("translated is not mapped", "192.0.2.7", Some("64:ff9b::192.0.2.7"), OTHERS),
        ("6to4 is not mapped", "192.0.2.7", Some("2002:c000:207::"), OTHERS),
        ("IPv6", "2001:db8::7", Some("2001:db8::7"), Ok(())),
        ("IPv6, written otherwise", "2001:0DB8:0:0::7", Some("2001:db8::7"), Ok(())),
        ("IPv6, the next", "2001:db8::7", Some("2001:db8::8"), OTHERS),
        ("the first of a network", "192.0.2.0/24", Some("192.0.2.0"), Ok(())),
        ("the last of a network", "192.0.2.0/24", Some("192.0.2.255"), Ok(())),
        ("before a network", "192.0.2.0/24", Some("192.0.1.255"), OTHERS),
        ("after a network", "192.0.2.0/24", Some("192.0.3.0"), OTHERS),
        ("a mapped client of a network", "192.0.2.0/24", Some("::ffff:192.0.2.9"), Ok(())),
        ("a network of one", "192.0.2.7/32", Some("192.0.2.7"), Ok(())),
        ("half of IPv4", "128.0.0.0/1", Some("255.255.255.255"), Ok(())),
        ("the other half", "128.0.0.0/1", Some("127.255.255.255"), OTHERS),
        ("an IPv6 network", "2001:db8::/32", Some("2001:db8:ffff:ffff::1"), Ok(())),
        ("beside an IPv6 network", "2001:db8::/32", Some("2001:db9::"), OTHERS),
        ("IPv4 in half of IPv6", "::/1", Some("192.0.2.7"), OTHERS),
        ("mapped in half of IPv6", "::/1", Some("::ffff:192.0.2.7"), OTHERS),
        ("a mapped network", "::ffff:192.0.2.0/120", Some("192.0.2.9"), Ok(())),
        ("the first of a list", "192.0.2.7,2001:db8::/32,10.0.0.0/8", Some("192.0.2.7"), Ok(())),
        ("the middle of a list", "192.0.2.7,2001:db8::/32,10.0.0.0/8", Some("2001:db8::1"), Ok(())),
        ("the last of a list", "192.0.2.7,2001:db8::/32,10.0.0.0/8", Some("10.9.9.9"), Ok(())),
        ("none of a list", "192.0.2.7,2001:db8::/32,10.0.0.0/8", Some("11.0.0.0"), OTHERS),
    ] {
        check(&verifier, name, &get(&link(list), client), expected);
    }
    let everyone = get(&sign("/a?exp=1790000000"), None);
    assert!(verifier.verify(Head::of(&everyone)).is_ok(), "a link for everyone, from who knows where");
}

#[test]
fn lists_are_read_strictly_or_refused() {
    let verifier = verifier(peer());
    for (name, list) in [
        ("empty", ""),
        ("a comma", ","),
        ("a comma last", "192.0.2.7,"),
        ("a comma first", ",192.0.2.7"),
        ("two commas", "192.0.2.7,,10.0.0.1"),
        ("a comma encoded", "192.0.2.7%2C10.0.0.1"),
        ("a semicolon", "192.0.2.7;10.0.0.1"),
        ("a plus for a space", "192.0.2.7,+10.0.0.1"),
        ("an encoded space", "192.0.2.7%20"),
        ("an encoded digit", "192.0.2.%37"),
        ("a null byte, encoded", "192.0.2.7%00"),
        ("one twice", "192.0.2.7,192.0.2.7"),
        ("one twice, apart", "192.0.2.7,10.0.0.1,192.0.2.7"),
        ("equal, one as a network", "192.0.2.7,192.0.2.7/32"),
        ("equal, one mapped", "192.0.2.7,::ffff:192.0.2.7"),
        ("equal, letter case", "2001:db8::/32,2001:DB8::/32"),
        ("equal, zeros", "::1,0:0:0:0:0:0:0:1"),
        ("host bits", "192.0.2.7/24"),
        ("host bits, IPv6", "2001:db8::1/32"),
        ("host bits, mapped", "::ffff:192.0.2.7/120"),
        ("no prefix length", "192.0.2.0/"),
        ("no address", "/24"),
        ("everyone", "0.0.0.0/0"),
        ("everyone, IPv6", "::/0"),
        ("33 bits", "192.0.2.7/33"),
        ("129 bits", "::1/129"),
        ("288 bits", "192.0.2.7/288"),
        ("a mapped network wider than IPv4", "::ffff:0:0/95"),
        ("all of IPv4, mapped", "::ffff:0:0/96"),
        ("a leading zero in the length", "192.0.2.0/024"),
        ("a plus in the length", "192.0.2.0/+24"),
        ("a minus in the length", "192.0.2.0/-1"),
        ("a netmask", "192.0.2.0/255.255.255.0"),
        ("two lengths", "192.0.2.0/24/24"),
        ("a leading zero", "192.0.2.07"),
        ("octal", "0300.0.2.7"),
        ("hexadecimal", "0xc0.0.2.7"),
        ("one number", "3221225991"),
        ("three parts", "192.0.519"),
        ("five parts", "192.0.2.7.1"),
        ("256", "192.0.2.256"),
        ("a wildcard", "192.0.2.*"),
        ("a star", "*"),
        ("a range", "192.0.2.7-192.0.2.9"),
        ("a port", "192.0.2.7:80"),
        ("brackets", "[2001:db8::7]"),
        ("a zone", "fe80::1%251"),
        ("a zone by name", "fe80::1%25eth0"),
        ("two gaps", "2001::db8::7"),
        ("nine groups", "1:2:3:4:5:6:7:8:9"),
        ("five digits", "2001:0db80::7"),
        ("a name", "localhost"),
        ("unknown", "unknown"),
        ("negated", "!192.0.2.7"),
        ("Arabic digits", "١٩٢.0.2.7"),
        ("full-width digits", "１９２.0.2.7"),
        ("a full-width stop", "192．0．2．7"),
        ("one wrong at the end of many", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.7,10.0.0"),
        ("one twice in many", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.7,10.0.0.1/32"),
    ] {
        // The client is in every list whose entries may be read as anything.
        let request = get(&link(list), Some("192.0.2.7"));
        check(&verifier, name, &request, malformed(true));
        check(&without_source(), &format!("{name}, no source"), &request, malformed(true));
    }
    check(&verifier, "no value", &get(&sign("/a?exp=1790000000&sig-ip"), Some("192.0.2.7")), malformed(true));
    let long = (0..4000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect::<Vec<_>>().join(",");
    check(&verifier, "4000 addresses", &get(&link(&long), Some("10.0.15.249")), Ok(()));
    check(&verifier, "not among 4000", &get(&link(&long), Some("10.0.16.0")), OTHERS);
    check(&verifier, "4001, one twice", &get(&link(&format!("{long},10.0.0.0")), Some("10.0.0.1")), malformed(true));
}

#[test]
fn a_list_cannot_be_changed_moved_or_left_out() {
    let verifier = verifier(peer());
    let own = link("192.0.2.7");
    let everyone = sign("/a?exp=1790000000");
    let mac = |link: &str| link.rsplit_once('=').unwrap().1.to_owned();
    for (name, target, expected) in [
        ("as it was signed", own.clone(), Ok(())),
        ("another address", own.replace(".7&", ".8&"), unsigned(NotAuthentic)),
        ("an address more", own.replace(".7&", ".7,10.0.0.1&"), unsigned(NotAuthentic)),
        ("the same, written as a network", own.replace(".7&", ".7/32&"), unsigned(NotAuthentic)),
        ("left out", own.replace("&sig-ip=192.0.2.7", ""), unsigned(NotAuthentic)),
        ("put in", everyone.replace("&sig=", "&sig-ip=192.0.2.7&sig="), unsigned(NotAuthentic)),
        (
            "the MAC of a link for everyone",
            format!("{}{}", &own[..own.len() - 43], mac(&everyone)),
            unsigned(NotAuthentic),
        ),
        (
            "the MAC of a link for another",
            format!("{}{}", &own[..own.len() - 43], mac(&link("192.0.2.8"))),
            unsigned(NotAuthentic),
        ),
        ("malformed, and tampered with", own.replace(".7&", ".7,&"), unsigned(NotAuthentic)),
        ("name in another case", own.replace("sig-ip", "sig-IP"), unsigned(NotAuthentic)),
        ("an unknown key", own.replace("&sig=", "&sig=k."), unsigned(UnknownKey)),
        ("twice, equal", sign("/a?exp=1790000000&sig-ip=192.0.2.7&sig-ip=192.0.2.7"), malformed(false)),
        ("twice, another", sign("/a?exp=1790000000&sig-ip=10.0.0.1&sig-ip=192.0.2.7"), malformed(false)),
        ("twice, apart", sign("/a?exp=1790000000&sig-ip=10.0.0.1&sig-id=a&sig-ip"), malformed(false)),
        ("before `exp`", sign("/a?sig-ip=192.0.2.7&exp=1790000000"), malformed(false)),
        ("after `sig`", format!("{everyone}&sig-ip=192.0.2.7"), malformed(false)),
        ("after `sig` as well", format!("{own}&sig-ip=0.0.0.0/1"), malformed(false)),
        (
            "signed, the name in another case",
            sign("/a?exp=1790000000&sig-IP=10.0.0.1"),
            Err((Unenforceable, 403, true, Some("sig-IP"))),
        ),
        (
            "signed, the name encoded",
            sign("/a?exp=1790000000&sig-%69p=10.0.0.1"),
            Err((Unenforceable, 403, true, Some("sig-%69p"))),
        ),
        (
            "signed, a longer name",
            sign("/a?exp=1790000000&sig-ips=10.0.0.1"),
            Err((Unenforceable, 403, true, Some("sig-ips"))),
        ),
    ] {
        check(&verifier, name, &get(&target, Some("192.0.2.7")), expected);
    }
}

/// FORMAT section 5: whatever comes before the address is told instead of it, and what comes after is not.
#[test]
fn the_address_has_its_turn_after_the_method_and_before_the_scope() {
    let (with, without) = (verifier(peer()), without_source());
    let policy = Policy::new().max_lifetime(Duration::from_secs(10));
    let short = Verifier::builder(&figure_keys()).policy(policy).client_ip(peer()).clock(|| at(NOW)).build().unwrap();
    let require =
        Verifier::builder(&figure_keys()).client_ip(peer()).bind("user", context::header("x".parse().unwrap()));
    let require = require.require("user").clock(|| at(NOW)).build().unwrap();
    let told = |kind, status| Err((kind, status, true, None));
    let not_enforced = Err((Unenforceable, 403, true, Some("sig-ip")));
    for (name, verifier, covered, expected) in [
        ("wrong address", &with, "/a?exp=1790000000&sig-ip=10.0.0.1", OTHERS),
        ("expired", &with, "/a?exp=1789999000&sig-ip=10.0.0.1", told(Expired, 410)),
        ("not yet valid", &with, "/a?exp=1790000000&sig-start=1789999999&sig-ip=10.0.0.1", told(NotYetValid, 403)),
        ("lives too long", &short, "/a?exp=1790000000&sig-ip=10.0.0.1", told(LifetimeTooLong, 403)),
        ("another method", &with, "/a?exp=1790000000&sig-ip=10.0.0.1&sig-methods=PUT", told(Method, 403)),
        (
            "another malformed value",
            &with,
            "/a?exp=1790000000&sig-ip=10.0.0.1&sig-id=",
            Err((Malformed, 403, true, Some("sig-id"))),
        ),
        (
            "an unknown restriction",
            &with,
            "/a?exp=1790000000&sig-ip=10.0.0.1&sig-new",
            Err((Unenforceable, 403, true, Some("sig-new"))),
        ),
        ("malformed, and expired", &with, "/a?exp=1789999000&sig-ip=10.0.0", malformed(true)),
        ("does not bind what it has to", &require, "/a?exp=1790000000&sig-ip=10.0.0.1", told(Context, 403)),
        ("another scope", &with, "/a?sig-scope=/b/&exp=1790000000&sig-ip=10.0.0.1", OTHERS),
        (
            "the right address, another scope",
            &with,
            "/a?sig-scope=/b/&exp=1790000000&sig-ip=192.0.2.7",
            told(Scope, 403),
        ),
        ("the right scope", &with, "/b/a?sig-scope=/b/&exp=1790000000&sig-ip=10.0.0.1", OTHERS),
        ("the right address and scope", &with, "/b/a?sig-scope=/b/&exp=1790000000&sig-ip=192.0.2.7", Ok(())),
        ("too large a body", &with, "/a?exp=1790000000&sig-ip=10.0.0.1&sig-max-bytes=1", OTHERS),
        (
            "the right address, too large a body",
            &with,
            "/a?exp=1790000000&sig-ip=192.0.2.7&sig-max-bytes=1",
            told(TooLarge, 413),
        ),
        ("no source", &without, "/a?exp=1790000000&sig-ip=192.0.2.7", not_enforced),
        ("no source, expired", &without, "/a?exp=1789999000&sig-ip=192.0.2.7", not_enforced),
        ("no source, another method", &without, "/a?exp=1790000000&sig-ip=192.0.2.7&sig-methods=PUT", not_enforced),
    ] {
        // A token's MAC begins at the token.
        let token = covered.find("sig-scope").unwrap_or(0);
        let mut request = get(&[&covered[..token], &sign(&covered[token..])].concat(), Some("192.0.2.7"));
        request.headers_mut().insert("content-length", "2".parse().unwrap());
        check(verifier, name, &request, expected);
    }
}
