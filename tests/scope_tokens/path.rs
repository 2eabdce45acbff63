//! Tokens in the path: where one is recognised, and what answers make of it.

use http::header::LOCATION;
use http::uri::Uri;
use tower::util::MapRequestLayer;
use tower_signed_url::RejectionKind::{Malformed, Missing, NotAuthentic, Scope, Unenforceable};

use super::*;

fn segment() -> String {
    format!("/~{}", encode(&token(COVERED)))
}

#[test]
fn a_token_is_the_first_segment_or_the_application_s_own() {
    let segment = segment();
    let other = encode(&token("sig-scope=/w/&exp=1790000000"));
    let everything = encode(&token("sig-scope=/&exp=1790000000"));
    let link = verifier().signer().url("/v/a").sign_until(at(1_790_000_000)).unwrap().into_string();
    let exact = link.split_once('?').unwrap().1;
    for (name, target, expected) in [
        ("first", format!("{segment}/v/a"), granted("/v/a")),
        ("with a query", format!("{segment}/v/a?w=1&&x"), granted("/v/a?w=1&&x")),
        ("with an empty query", format!("{segment}/v/a?"), granted("/v/a?")),
        ("absolute form", format!("http://h{segment}/v/a?w=1"), granted("http://h/v/a?w=1")),
        ("a tilde further in", format!("{segment}/v/~a"), granted("/v/~a")),
        ("itself again", format!("{segment}/v{segment}"), granted(&format!("/v{segment}"))),
        ("second", format!("/v{segment}/a"), refused(Missing)),
        ("twice", format!("{segment}{segment}/v/a"), refused(Malformed)),
        ("one for everything before another", format!("/~{everything}/~{other}/v/a"), refused(Malformed)),
        ("after an empty segment", format!("/{segment}/v/a"), refused(Missing)),
        ("the tilde escaped", segment.replace('~', "%7E") + "/v/a", refused(Missing)),
        ("no tilde", segment.replace('~', "") + "/v/a", refused(Missing)),
        ("in the query", format!("/v/a?{segment}"), refused(Missing)),
        ("a home", "/~c2/v/a".into(), refused(Missing)),
        ("one character short of a beginning", "/~c2lnLXNjb3BlP/v/a".into(), refused(Missing)),
        ("another last character of a beginning", "/~c2lnLXNjb3BlPT/v/a".into(), refused(Missing)),
        ("another letter case", "/~C2lnLXNjb3BlPSx/v/a".into(), refused(Missing)),
        ("an exact URL's text", format!("/~{}/v/a", encode(&link)), refused(Missing)),
        ("an exact URL's run", format!("/~{}/v/a", encode(exact)), refused(Missing)),
        ("a beginning", "/~c2lnLXNjb3BlPS/v/a".into(), refused(Malformed)),
        ("a beginning alone", "/~c2lnLXNjb3BlPS".into(), refused(Malformed)),
        ("nothing behind it", segment.clone(), refused(Malformed)),
        ("nothing but a query behind it", format!("{segment}?w=1"), refused(Malformed)),
        ("the root behind it", format!("{segment}/"), refused(Scope)),
        ("two slashes behind it", format!("{segment}//v/a"), refused(Scope)),
        ("padded", segment.clone() + "=/v/a", refused(Malformed)),
        ("a path parameter", segment.clone() + ";x/v/a", refused(Malformed)),
        ("a character escaped", segment.replacen("PS92", "PS9%32", 1) + "/v/a", refused(Malformed)),
        ("the other alphabet", segment.replacen("PS", "PS+", 1) + "/v/a", refused(Malformed)),
        ("a character more", segment.clone() + "A/v/a", refused(Malformed)),
        ("bytes that are no text", "/~c2lnLXNjb3BlPS__/v/a".into(), refused(Malformed)),
        ("more than a token", format!("/~{}/v/a", encode(&(token(COVERED) + "&w=1"))), refused(Malformed)),
        ("an `&` behind", format!("/~{}/v/a", encode(&(token(COVERED) + "&"))), refused(Malformed)),
        ("a line break behind", format!("/~{}/v/a", encode(&(token(COVERED) + "\n"))), refused(Malformed)),
        ("two in one", format!("/~{}/v/a", encode(&[token(COVERED), token(COVERED)].join("&"))), refused(Malformed)),
        ("and the same in the query", format!("{segment}/v/a?{}", token(COVERED)), refused(Malformed)),
        ("and an exact URL's run in the query", format!("{segment}/v/a?{exact}"), refused(Malformed)),
        ("and a reserved name in the query", format!("{segment}/v/a?w=1&sig-x"), refused(Malformed)),
        ("and half a run in the query", format!("{segment}/v/a?exp=1"), refused(Malformed)),
        ("not valid, and one in the query", format!("/~c2lnLXNjb3BlPSx/v/a?{}", token(COVERED)), refused(Malformed)),
        ("signed into an exact URL", format!("{segment}{link}"), refused(Malformed)),
        ("tampered with", segment.replace("~c2lnLXNjb3BlPS92", "~c2lnLXNjb3BlPS93") + "/w/a", refused(NotAuthentic)),
        ("its scope without a slash", format!("{segment}/v"), refused(Scope)),
        ("elsewhere", format!("{segment}/w/a"), refused(Scope)),
        ("a scope that begins elsewhere", format!("/~{}v/a", encode("sig-scope=v/")), refused(Missing)),
    ] {
        for (mode, layer) in
            [("", SignedUrlLayer::new(verifier())), (", optional", SignedUrlLayer::new(verifier()).optional())]
        {
            let expected = match &expected {
                (_, Some(Missing), _) if !mode.is_empty() => anonymous(&target),
                other => other.clone(),
            };
            assert_eq!(result(&call(&layer, get(&target), &HeaderMap::new())), expected, "{name}{mode}: {target}");
            // A `ConcealLayer` takes it out before the layer looks: with the same result, but for its own second look.
            let concealed = concealed(&layer, get(&target));
            assert_eq!(result(&concealed), expected, "{name}{mode}, concealed: {target}");
        }
    }
}

#[test]
fn a_verifier_that_reads_no_paths_refuses_what_looks_like_a_token() {
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let cookie = format!("{DEFAULT_COOKIE}={}", encode(&token("sig-scope=/&exp=1790000000")));
    let exact = verifier.signer().url("/a").sign_until(at(NOW + 60)).unwrap().into_string();
    let run = exact.split_once('?').unwrap().1;
    for (name, target, expected) in [
        ("valid", format!("{}/v/a", segment()), refused(Unenforceable)),
        ("a beginning", "/~c2lnLXNjb3BlPS".into(), refused(Unenforceable)),
        ("with a run for it", format!("/~c2lnLXNjb3BlPSx/a?{run}"), refused(Unenforceable)),
        ("the application's own", "/~c2lnLXNjb3BlPT/v/a".into(), granted("/~c2lnLXNjb3BlPT/v/a")),
    ] {
        for layer in [SignedUrlLayer::new(&verifier), SignedUrlLayer::new(&verifier).optional()] {
            let answer = call(&layer, with_cookies(&target, &[&cookie]), &HeaderMap::new());
            assert_eq!(result(&answer), expected, "{name}");
        }
    }
}

#[test]
fn a_filter_of_conceal_layer_is_about_the_path_under_the_token() {
    let conceal = ConcealLayer::new(verifier()).under("/v");
    let (segment, other) = (segment(), format!("/~{}", encode(&token("sig-scope=/&exp=1790000000"))));
    for (name, target, expected) in [
        ("under it", format!("{segment}/v/a"), "/v/a".to_owned()),
        ("it", format!("{segment}/v"), "/v".into()),
        ("elsewhere", format!("{other}/w/a"), format!("{other}/w/a")),
        ("a sibling", format!("{other}/v2"), format!("{other}/v2")),
        ("the token alone", other.clone(), other.clone()),
        ("its path further in", format!("/w{segment}/v/a"), format!("/w{segment}/v/a")),
    ] {
        let service = service_fn(|request: Request<Full<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(request.uri().to_string())))
        });
        assert_eq!(respond(conceal.layer(service), get(&target)).into_body(), expected, "{name}");
    }
}

#[test]
fn a_rewrite_behind_conceal_layer_breaks_the_link() {
    for (name, to, expected) in [
        ("nothing changed", "/v/a?w=1".to_owned(), granted("/v/a?w=1")),
        ("another path under the scope", "/v/b?w=1".into(), refused(Malformed)),
        ("another path", "/secret".into(), refused(Malformed)),
        ("another query", "/v/a?w=2".into(), refused(Malformed)),
        ("the token again", format!("{}/v/a?w=1", segment()), refused(Malformed)),
        ("a token in the query", format!("/v/a?w=1&{}", token(COVERED)), refused(Malformed)),
    ] {
        let uri: Uri = to.parse().unwrap();
        let rewrite = MapRequestLayer::new(move |mut request: Request<Full<Bytes>>| {
            *request.uri_mut() = uri.clone();
            request
        });
        let service =
            ConcealLayer::new(verifier()).layer(rewrite.layer(SignedUrlLayer::new(verifier()).layer(service_fn(tell))));
        let answer = respond(service, get(&format!("{}/v/a?w=1", segment())));
        assert_eq!(result(&answer), expected, "{name}");
    }
}

/// Of a `Location`, and whether it gets the segment.
const LOCATIONS: [(&str, &str, bool); 34] = [
    ("a path", "/v/b", true),
    ("the scope", "/v/", true),
    ("a query", "/v/b?x=1&y", true),
    ("a fragment", "/v/b#part", true),
    ("both", "/v/b?x=/../#?y", true),
    ("a path in the query", "/v/b?next=//evil.example/", true),
    ("an escape", "/v/caf%C3%A9", true),
    ("a query that is not ASCII", "/v/b?caf\u{e9}", false),
    ("empty", "", false),
    ("relative", "b", false),
    ("relative, a query", "?x=1", false),
    ("relative, up", "../v/b", false),
    ("relative, here", "./b", false),
    ("an absolute URL", "https://example.com/v/b", false),
    ("another scheme", "javascript:alert(1)//v/b", false),
    ("of another host", "//evil.example/v/b", false),
    ("of another host, with a back slash", "/\\evil.example/v/b", false),
    ("of a host named as the scope is", "//v/b", false),
    ("another path", "/w/b", false),
    ("the root", "/", false),
    ("the scope without a slash", "/v", false),
    ("a sibling", "/v2/b", false),
    ("the scope in the query", "/?/v/b", false),
    ("the scope in a fragment", "/#/v/b", false),
    ("a space before", " /v/b", true),
    ("up and away", "/v/../w/b", false),
    ("up and away, escaped", "/v/%2e%2E/w/b", false),
    ("a tab in a dot segment", "/v/.\t./w/b", false),
    ("two slashes", "/v//b", false),
    ("a back slash", "/v/\\b", false),
    ("an escaped slash", "/v/a%2fb", false),
    ("a path parameter as a segment", "/v/..;/b", false),
    // Beside a credential of its own, another would be refused.
    ("an exact URL", "/v/b?exp=1790000000&sig=x", false),
    ("another token", "/v/b?x&sig-scope=/v/&exp=1790000000&sig=x&y", false),
];

#[test]
fn a_location_under_the_scope_gets_the_segment_back() {
    let segment = segment();
    for (name, location, gets_it) in LOCATIONS {
        for (carrier, layer) in CARRIERS.map(|carrier| (carrier, SignedUrlLayer::new(verifier()))) {
            let service_headers = headers(&[("location", location)]);
            let answer = call(&layer, carrier.get("/v/a", &token(COVERED)), &service_headers);
            // Field values are trimmed where they are read.
            let sent = service_headers[LOCATION].clone();
            let gets_it = gets_it && carrier == InPath && !location.starts_with(' ');
            let expected = if gets_it { format!("{segment}{location}") } else { location.to_owned() };
            let found = &answer.headers()[LOCATION];
            assert_eq!(str::from_utf8(found.as_bytes()).unwrap(), expected, "{name}, {carrier:?}");
            assert_eq!(found.is_sensitive(), gets_it, "{name}, {carrier:?}");
            assert!(gets_it || *found == sent, "{name}, {carrier:?}");
        }
    }
}

/// Over HTTP/2 a request names its origin, and a service may repeat it: tower-http's `ServeDir` does.
#[test]
fn so_does_one_of_the_request_s_own_origin() {
    const OWN: &str = "https://example.com:8443";
    let segment = segment();
    for (name, origin, location) in [
        ("a path", OWN, "/v/b?x=1#part"),
        ("the scope", OWN, "/v/"),
        ("no origin", "", "/v/b"),
        ("another path", OWN, "/w/b"),
        ("two slashes", OWN, "//v/b"),
        ("no path", OWN, ""),
        ("a longer port", OWN, "0/v/b"),
        ("a longer host", "https://example.com", ".evil.example/v/b"),
        ("another port", "https://example.com", "/v/b"),
        ("another scheme", "http://example.com:8443", "/v/b"),
        ("another host", "https://example.org:8443", "/v/b"),
        ("another spelling", "https://EXAMPLE.com:8443", "/v/b"),
        ("user information", "https://a@example.com:8443", "/v/b"),
        ("a credential of its own", OWN, "/v/b?exp=1790000000&sig=x"),
    ] {
        let service_headers = headers(&[("location", &format!("{origin}{location}"))]);
        let request = get(&format!("{OWN}{segment}/v/a"));
        let answer = call(&SignedUrlLayer::new(verifier()), request, &service_headers);
        let gets_it = ["a path", "the scope", "no origin"].contains(&name);
        let expected = format!("{origin}{}{location}", if gets_it { &segment } else { "" });
        assert_eq!(values(answer.headers(), "location"), [&*expected], "{name}");
        assert_eq!(answer.headers()[LOCATION].is_sensitive(), gets_it, "{name}");
    }
}

#[test]
fn a_refusal_s_location_never_gets_it() {
    let layer = SignedUrlLayer::new(verifier())
        .on_reject(|_| Response::builder().status(302).header("location", "/v/login").body("").unwrap());
    for target in [format!("{}/w/a", segment()), format!("{}/v/../a", segment())] {
        let answer = call(&layer, get(&target), &HeaderMap::new());
        assert_eq!(
            (answer.status().as_u16(), values(answer.headers(), "location")),
            (302, vec!["/v/login"]),
            "{target}"
        );
    }
}

/// Both carriers of a refused request's path: its callback must not see the token.
#[test]
fn a_refusal_s_callback_sees_the_path_without_the_token() {
    let layer = SignedUrlLayer::new(verifier()).on_reject(|rejected| {
        Response::builder().status(rejected.status()).header("x-path", rejected.path()).body("").unwrap()
    });
    for (target, path) in [("/w/a", "/w/a"), ("", "/"), ("/v/../a", "/v/../a")] {
        let answer = call(&layer, get(&format!("{}{target}", segment())), &HeaderMap::new());
        assert_eq!((answer.status().as_u16(), values(answer.headers(), "x-path")), (403, vec![path]));
    }
}
