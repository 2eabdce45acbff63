//! What holds of a token in any carrier.

use std::net::IpAddr;

use http::Method;
use tower_signed_url::RejectionKind::{
    Client, Context, Expired, LifetimeTooLong, Malformed, Missing, NotAuthentic, NotYetValid, Scope, Unenforceable,
    UnknownKey,
};
use tower_signed_url::{Grant, Head, Obligations, Policy, RejectionKind, SignedUrlLayer, Verify};

use super::support::at;
use super::*;

/// FORMAT section 8.
const FIGURE: &str = "sig-scope=/videos/42/&exp=1790000000&sig=ZaW80VVjI4j1OuHYt6f55JSXxvY9HGHA8552ONVKi3M";

#[test]
fn the_figure_works_by_every_carrier_until_it_expires() {
    assert_eq!(token("sig-scope=/videos/42/&exp=1790000000"), FIGURE);
    for carrier in CARRIERS {
        let request = carrier.get("/videos/42/seg1.ts?a=1", FIGURE);
        let grant = verifier().verify(Head::of(&request)).unwrap().discharge(Obligations::NONE).unwrap();
        assert_eq!((grant.scope(), grant.expires_at()), (Some("/videos/42/"), at(1_790_000_000)), "{carrier:?}");
        let answer = call(&SignedUrlLayer::new(verifier()), request, &HeaderMap::new());
        assert_eq!(result(&answer), granted("/videos/42/seg1.ts?a=1"), "{carrier:?}");
        let scope = seen(&answer).unwrap().extensions.get::<Grant>().and_then(Grant::scope);
        assert_eq!(scope, Some("/videos/42/"), "{carrier:?}");

        for (time, expected) in [(1_789_999_999, Ok(())), (1_790_000_000, authentic(Expired))] {
            let verifier = builder().clock(move || at(time)).build().unwrap();
            let request = carrier.get("/videos/42/seg1.ts", FIGURE);
            assert_eq!(outcome(&verifier, "the figure", &request), expected, "{carrier:?} at {time}");
        }
    }
}

/// What is special about a token, the target, the bytes that it covers, and what comes of it.
type Row = (&'static str, &'static str, &'static str, Outcome);

/// `Missing` by a cookie, where a token whose scope does not lead there is not looked at.
const ELSEWHERE: Outcome = authentic(Scope);

const ROWS: [Row; 56] = [
    ("under the scope", "/v/a.ts", COVERED, Ok(())),
    ("far under it", "/v/a/b/c/d.ts", COVERED, Ok(())),
    ("the scope itself", "/v/", COVERED, Ok(())),
    ("with a query", "/v/a?exploit=1&signature=2&Sig=3", COVERED, Ok(())),
    ("an escape", "/v/caf%C3%A9%20%41", COVERED, Ok(())),
    ("everything", "/v/a", "sig-scope=/&exp=1790000000", Ok(())),
    ("everything, its root", "/", "sig-scope=/&exp=1790000000", Ok(())),
    ("another path", "/w/a", COVERED, ELSEWHERE),
    ("the root", "/", COVERED, ELSEWHERE),
    ("the scope without its slash", "/v", COVERED, ELSEWHERE),
    ("a sibling that begins like it", "/v2/a", COVERED, ELSEWHERE),
    ("the scope further down", "/a/v/b", COVERED, ELSEWHERE),
    ("another letter case", "/V/a", COVERED, ELSEWHERE),
    ("the scope with an escape", "/%76/a", COVERED, ELSEWHERE),
    ("a slash before", "//v/a", COVERED, ELSEWHERE),
    ("the scope's slash escaped", "/v%2fa", COVERED, ELSEWHERE),
    ("a path parameter before the slash", "/v;x/a", COVERED, ELSEWHERE),
    ("an escaped scope, as it is written", "/%76/a", "sig-scope=/%76/&exp=1790000000", Ok(())),
    ("an escaped scope, unescaped", "/v/a", "sig-scope=/%76/&exp=1790000000", ELSEWHERE),
    ("up and away", "/v/../secret", COVERED, authentic(Scope)),
    ("up, escaped", "/v/%2e%2e/secret", COVERED, authentic(Scope)),
    ("two slashes", "/v//a", COVERED, authentic(Scope)),
    ("expired", "/v/a", "sig-scope=/v/&exp=1789999000", authentic(Expired)),
    ("in a second", "/v/a", "sig-scope=/v/&exp=1789999001", Ok(())),
    ("in milliseconds", "/v/a", "sig-scope=/v/&exp=1790000000000", Ok(())),
    ("over the maximum and the leeway", "/v/a", "sig-scope=/v/&exp=1790603861", authentic(LifetimeTooLong)),
    ("not yet valid", "/v/a", "sig-scope=/v/&exp=1790000000&sig-start=1789999061", authentic(NotYetValid)),
    ("valid from now", "/v/a", "sig-scope=/v/&exp=1790000000&sig-start=1789999060", Ok(())),
    ("start not before exp", "/v/a", "sig-scope=/v/&exp=1790000000&sig-start=1790000000", authentic(Malformed)),
    ("another method", "/v/a", "sig-scope=/v/&exp=1790000000&sig-methods=PUT", authentic(RejectionKind::Method)),
    ("expired elsewhere", "/w/a", "sig-scope=/v/&exp=1789999000", authentic(Expired)),
    (
        "another method elsewhere",
        "/w/a",
        "sig-scope=/v/&exp=1790000000&sig-methods=PUT",
        authentic(RejectionKind::Method),
    ),
    ("expired, a value malformed", "/v/a", "sig-scope=/v/&exp=1789999000&sig-id=", authentic(Malformed)),
    ("expired, and up and away", "/v/../a", "sig-scope=/v/&exp=1789999000", authentic(Expired)),
    ("a name", "/v/a", "sig-scope=/v/&exp=1790000000&sig-id=guest-1", Ok(())),
    ("a use count", "/v/a", "sig-scope=/v/&exp=1790000000&sig-id=a&sig-uses=1", authentic(Unenforceable)),
    ("a use count without a name", "/v/a", "sig-scope=/v/&exp=1790000000&sig-uses=1", authentic(Unenforceable)),
    ("a name that is not in the format", "/v/a", "sig-scope=/v/&exp=1790000000&sig-new=1", authentic(Unenforceable)),
    ("the same twice", "/v/a", "sig-scope=/v/&exp=1790000000&sig-new&sig-new", authentic(Unenforceable)),
    ("an address of nobody to ask", "/v/a", "sig-scope=/v/&exp=1790000000&sig-ip=192.0.2.7", authentic(Unenforceable)),
    ("a context of no source", "/v/a", "sig-scope=/v/&exp=1790000000&sig-bind=user", unsigned(Unenforceable)),
    ("sig-bind without a value", "/v/a", "sig-scope=/v/&exp=1790000000&sig-bind", unsigned(Malformed)),
    ("exp without a value", "/v/a", "sig-scope=/v/&exp", authentic(Malformed)),
    ("exp of nothing", "/v/a", "sig-scope=/v/&exp=0", authentic(Malformed)),
    ("a scope without a slash at its end", "/v/a", "sig-scope=/v&exp=1790000000", authentic(Malformed)),
    ("a scope that is a file", "/v/a", "sig-scope=/v/a&exp=1790000000", authentic(Malformed)),
    ("no exp", "/v/a", "sig-scope=/v/", unsigned(Malformed)),
    ("exp later", "/v/a", "sig-scope=/v/&sig-id=a&exp=1790000000", unsigned(Malformed)),
    ("exp twice", "/v/a", "sig-scope=/v/&exp=1790000000&exp=1790000000", unsigned(Malformed)),
    ("two scopes", "/v/a", "sig-scope=/v/&sig-scope=/v/&exp=1790000000", unsigned(Malformed)),
    ("a second scope behind", "/v/a", "sig-scope=/v/&exp=1790000000&sig-scope=/", unsigned(Malformed)),
    ("another name inside", "/v/a", "sig-scope=/v/&exp=1790000000&w=1", unsigned(Malformed)),
    ("an empty parameter inside", "/v/a", "sig-scope=/v/&exp=1790000000&", unsigned(Malformed)),
    ("an empty parameter before exp", "/v/a", "sig-scope=/v/&&exp=1790000000", unsigned(Malformed)),
    ("a tolerated name inside", "/v/a", "sig-scope=/v/&exp=1790000000&utm_source=m", unsigned(Malformed)),
    ("a signature inside", "/v/a", "sig-scope=/v/&exp=1790000000&sig=x", unsigned(Malformed)),
];

#[test]
fn a_token_opens_what_it_says_and_nothing_else() {
    let verifier = builder().policy(Policy::new().tolerate("utm_source")).build().unwrap();
    for carrier in CARRIERS {
        for (name, target, covered, expected) in ROWS {
            let path = target.split('?').next().unwrap();
            let scope = covered.strip_prefix("sig-scope=").and_then(|rest| rest.split('&').next()).unwrap();
            let is_looked_at = carrier != InCookie || path.starts_with(scope);
            let expected = if is_looked_at { expected } else { unsigned(Missing) };
            let name = format!("{name}, {carrier:?}");
            assert_eq!(outcome(&verifier, &name, &carrier.get(target, &token(covered))), expected, "{name}");
        }
    }
}

#[test]
fn only_the_whole_token_as_it_was_signed_is_believed() {
    let right = token(COVERED);
    let of = |covered: &str, signed_as: &str| format!("{covered}&sig={}", mac(signed_as));
    for (name, token, expected) in [
        ("right", right.clone(), Ok(())),
        ("a MAC cut short", right[..right.len() - 1].into(), unsigned(NotAuthentic)),
        ("a MAC too long", format!("{right}A"), unsigned(NotAuthentic)),
        ("padding", format!("{right}="), unsigned(NotAuthentic)),
        ("no MAC", format!("{COVERED}&sig="), unsigned(NotAuthentic)),
        ("no value", format!("{COVERED}&sig"), unsigned(Malformed)),
        ("an unknown key", right.replace("&sig=", "&sig=k."), unsigned(UnknownKey)),
        ("a wider scope", of("sig-scope=/&exp=1790000000", COVERED), unsigned(NotAuthentic)),
        ("a later end", of("sig-scope=/v/&exp=1790000001", COVERED), unsigned(NotAuthentic)),
        ("a restriction less", of(COVERED, "sig-scope=/v/&exp=1790000000&sig-methods=GET"), unsigned(NotAuthentic)),
        ("a restriction more", of("sig-scope=/v/&exp=1790000000&sig-methods=GET", COVERED), unsigned(NotAuthentic)),
        // An exact URL's covered bytes begin with `/`.
        ("the MAC of an exact URL", of(COVERED, "/v/a?exp=1790000000"), unsigned(NotAuthentic)),
        ("of one with the token's text", of(COVERED, &format!("/v/a?{COVERED}")), unsigned(NotAuthentic)),
        ("of `?` and the token's text", of(COVERED, &format!("?{COVERED}")), unsigned(NotAuthentic)),
        ("of `/` and the token's text", of(COVERED, &format!("/{COVERED}")), unsigned(NotAuthentic)),
        ("of the token with the `&`", of(COVERED, &format!("{COVERED}&")), unsigned(NotAuthentic)),
        ("of the token with its `sig`", of(COVERED, &right), unsigned(NotAuthentic)),
        ("of a name prefix", of(COVERED, &format!("x-\n{COVERED}")), unsigned(NotAuthentic)),
        ("of its base64url", of(COVERED, &encode(COVERED)), unsigned(NotAuthentic)),
    ] {
        for carrier in CARRIERS {
            let name = format!("{name}, {carrier:?}");
            assert_eq!(outcome(&verifier(), &name, &carrier.get("/v/a", &token)), expected, "{name}");
        }
    }
}

#[test]
fn with_a_name_prefix_every_name_has_it() {
    let prefixed = builder().policy(Policy::new().prefix("x-")).build().unwrap();
    let sign = |covered: &str, signed_as: &str| {
        let names = if covered.starts_with("x-") { "x-" } else { "" };
        format!("{covered}&{names}sig={}", mac(signed_as))
    };
    let covered = "x-sig-scope=/v/&x-exp=1790000000";
    for (name, verifier, token, by_query, by_cookie, by_path) in [
        ("right", &prefixed, sign(covered, &format!("x-\n{covered}")), Ok(()), Ok(()), Ok(())),
        (
            "the prefix not signed",
            &prefixed,
            sign(covered, covered),
            unsigned(NotAuthentic),
            unsigned(NotAuthentic),
            unsigned(NotAuthentic),
        ),
        // These are the application's own parameters, and no token's beginning.
        ("without one", &prefixed, token(COVERED), unsigned(Missing), unsigned(Missing), unsigned(Missing)),
        (
            "without one, the prefix signed",
            &prefixed,
            sign(COVERED, &format!("x-\n{COVERED}")),
            unsigned(Missing),
            unsigned(Missing),
            unsigned(Missing),
        ),
        (
            "with one, here without",
            &verifier(),
            sign(covered, &format!("x-\n{covered}")),
            unsigned(Missing),
            unsigned(Missing),
            unsigned(Missing),
        ),
    ] {
        for (carrier, expected) in [(InQuery, by_query), (InCookie, by_cookie), (InPath, by_path)] {
            let name = format!("{name}, {carrier:?}");
            assert_eq!(outcome(verifier, &name, &carrier.get("/v/a", &token)), expected, "{name}");
        }
    }
    // `x-sig-scope=/` is 13 bytes, of which the first 17 characters are fixed.
    for (name, target, expected) in [
        ("17 characters", "/~eC1zaWctc2NvcGU9L/v/a", unsigned(Malformed)),
        ("16 characters", "/~eC1zaWctc2NvcGU9/v/a", unsigned(Missing)),
        ("without the prefix", "/~c2lnLXNjb3BlPS/v/a", unsigned(Missing)),
    ] {
        assert_eq!(outcome(&prefixed, name, &get(target)), expected, "{name}");
    }
}

#[test]
fn a_token_may_bind_and_restrict_as_an_exact_url_may() {
    let verifier = builder()
        .bind("user", |head| head.headers().get("x-user").and_then(|user| user.to_str().ok()).map(Into::into))
        .client_ip(|head| head.headers().get("x-ip").and_then(|ip| ip.to_str().ok()?.parse::<IpAddr>().ok()))
        .build()
        .unwrap();
    let of = |covered: &str, bound: &str| format!("{covered}&sig={}", mac(&format!("{covered}{bound}")));
    let bound = of("sig-scope=/v/&exp=1790000000&sig-bind=user", "\nuser:42");
    let by_ip = token("sig-scope=/v/&exp=1790000000&sig-ip=192.0.2.0/24");
    let big = token("sig-scope=/v/&exp=1790000000&sig-max-bytes=10");
    let image = token("sig-scope=/v/&exp=1790000000&sig-type=image/*");
    let both = token("sig-scope=/v/&exp=1790000000&sig-max-bytes=10&sig-type=image/*");
    let named = token("sig-scope=/v/&exp=1790000000&sig-download=a%20b");
    let unnamed = token("sig-scope=/v/&exp=1790000000&sig-download=a%2Fb");
    for (name, token, fields, expected) in [
        ("bound", &bound, &[("x-user", "42")][..], Ok(())),
        ("bound to another", &bound, &[("x-user", "43")], unsigned(NotAuthentic)),
        ("bound to nobody", &bound, &[], unsigned(Context)),
        ("bound to nothing", &bound, &[("x-user", "")], unsigned(Context)),
        ("unbound, though it could be", &token(COVERED), &[], Ok(())),
        ("an address", &by_ip, &[("x-ip", "192.0.2.7")], Ok(())),
        ("another address", &by_ip, &[("x-ip", "192.0.3.7")], authentic(Client)),
        ("no address", &by_ip, &[], authentic(Client)),
        ("small", &big, &[("content-length", "10")], Ok(())),
        ("too large", &big, &[("content-length", "11")], authentic(RejectionKind::TooLarge)),
        ("of no declared length", &big, &[("transfer-encoding", "chunked")], authentic(RejectionKind::LengthRequired)),
        ("a type", &image, &[("content-length", "1"), ("content-type", "image/png")], Ok(())),
        (
            "another type",
            &image,
            &[("content-length", "1"), ("content-type", "text/html")],
            authentic(RejectionKind::MediaType),
        ),
        (
            "too large and another type",
            &both,
            &[("content-length", "11"), ("content-type", "text/html")],
            authentic(RejectionKind::TooLarge),
        ),
        ("a file name that leads elsewhere", &unnamed, &[], authentic(Malformed)),
    ] {
        for carrier in CARRIERS {
            let name = format!("{name}, {carrier:?}");
            let mut request = carrier.get("/v/a", token);
            request.headers_mut().extend(headers(fields));
            assert_eq!(outcome(&verifier, &name, &request), expected, "{name}");
        }
    }
    let required = builder().bind("user", |_| Some("42".into())).require("user").build().unwrap();
    for carrier in CARRIERS {
        let unbound = outcome(&required, "unbound", &carrier.get("/v/a", &token(COVERED)));
        assert_eq!(unbound, authentic(Context), "{carrier:?}");
        assert_eq!(outcome(&required, "bound", &carrier.get("/v/a", &bound)), Ok(()), "{carrier:?}");
        // What asks for more than the check is refused unless someone takes it on: the layer does.
        let request = carrier.get("/v/a", &named);
        let verified = verifier.verify(Head::of(&request)).unwrap();
        assert_eq!(verified.obligations(), Obligations::DOWNLOAD, "{carrier:?}");
        assert_eq!(verified.discharge(Obligations::NONE).unwrap_err().kind(), Unenforceable, "{carrier:?}");
        let answer = call(&SignedUrlLayer::new(&verifier), request, &HeaderMap::new());
        assert_eq!(values(answer.headers(), "content-disposition").len(), 1, "{carrier:?}");
        assert_eq!(result(&answer), granted("/v/a"), "{carrier:?}");
    }
}

#[test]
fn a_method_has_to_be_the_token_s() {
    let verifier = builder().allow_any_method_by_cookie().build().unwrap();
    let get_and_put = "sig-scope=/v/&exp=1790000000&sig-methods=GET,PUT";
    for (method, covered, expected) in [
        ("GET", COVERED, Ok(())),
        ("HEAD", COVERED, Ok(())),
        ("POST", COVERED, authentic(RejectionKind::Method)),
        ("PUT", COVERED, authentic(RejectionKind::Method)),
        ("OPTIONS", COVERED, authentic(RejectionKind::Method)),
        ("get", COVERED, authentic(RejectionKind::Method)),
        ("GET", get_and_put, Ok(())),
        ("HEAD", get_and_put, Ok(())),
        ("PUT", get_and_put, Ok(())),
        ("DELETE", get_and_put, authentic(RejectionKind::Method)),
    ] {
        for carrier in CARRIERS {
            let mut request = carrier.get("/v/a", &token(covered));
            *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
            let name = format!("{method}, {covered}, {carrier:?}");
            assert_eq!(outcome(&verifier, &name, &request), expected, "{name}");
        }
    }
}

#[test]
fn caches_are_told_no_more_than_the_token_s_time() {
    let layer = SignedUrlLayer::new(verifier()).cache(Cache::Shared);
    for carrier in CARRIERS {
        let answer = call(&layer, carrier.get("/v/a", &token(COVERED)), &HeaderMap::new());
        let expected = if carrier == InCookie { "private, max-age=1000" } else { "public, max-age=1000, s-maxage=999" };
        assert_eq!(values(answer.headers(), "cache-control"), [expected], "{carrier:?}");
    }
}
