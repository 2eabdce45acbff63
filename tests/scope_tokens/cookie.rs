//! Tokens in a cookie, which a browser sends whether its user means it or not.

use http::header::{COOKIE, UPGRADE};
use http::{HeaderName, Method};
use tower_signed_url::RejectionKind::{Expired, Malformed, Missing, NotAuthentic, Scope, UnknownKey};

use super::*;

/// A cookie with the token that covers this.
fn cookie(covered: &str) -> String {
    format!("{DEFAULT_COOKIE}={}", encode(&token(covered)))
}

fn tampered(covered: &str) -> String {
    format!("{DEFAULT_COOKIE}={}", encode(&format!("{covered}&sig={}", mac("something else"))))
}

#[test]
fn of_several_cookies_the_one_with_the_longest_scope_is_checked() {
    let (v, root, deep) =
        (cookie(COVERED), cookie("sig-scope=/&exp=1790000000"), cookie("sig-scope=/v/w/&exp=1790000000"));
    let elsewhere = cookie("sig-scope=/w/&exp=1790000000");
    let expired = cookie("sig-scope=/v/&exp=1789999000");
    let expired_root = cookie("sig-scope=/&exp=1789999000");
    let (bad, bad_root) = (tampered(COVERED), tampered("sig-scope=/&exp=1790000000"));
    let file = cookie("sig-scope=/v/w/a&exp=1790000000");
    let no_scope = cookie("sig-scope=&exp=1790000000");
    let unknown = v.replace(&encode(&token(COVERED)), &encode(&token(COVERED).replace("&sig=", "&sig=k.")));
    let pair = |first: &str, second: &str| vec![format!("{first}; {second}")];
    let fields = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>();
    for (name, path, fields, expected) in [
        ("none", "/v/a", vec![], unsigned(Missing)),
        ("one", "/v/a", fields(&[&v]), Ok(())),
        ("elsewhere", "/w/a", fields(&[&v]), unsigned(Missing)),
        ("its scope without a slash", "/v", fields(&[&v]), unsigned(Missing)),
        ("among others", "/v/a", vec![format!("a=1; {v}; b=2")], Ok(())),
        ("without spaces", "/v/a", vec![format!("a=1;{v};b=2")], Ok(())),
        ("in a second field", "/v/a", fields(&["a=1", &v]), Ok(())),
        ("in a third field", "/v/a", fields(&["a=1", "b=2", &v]), Ok(())),
        ("the longest, first", "/v/w/a", pair(&deep, &expired), Ok(())),
        ("the longest, last", "/v/w/a", pair(&expired, &deep), Ok(())),
        ("the longest, in another field", "/v/w/a", fields(&[&expired, &deep]), Ok(())),
        ("the longest of three", "/v/w/a", fields(&[&bad_root, &deep, &expired]), Ok(())),
        ("the longest elsewhere", "/v/a", pair(&deep, &v), Ok(())),
        ("another elsewhere", "/v/a", pair(&elsewhere, &v), Ok(())),
        ("all elsewhere", "/x/a", pair(&elsewhere, &v), unsigned(Missing)),
        ("the longest expired", "/v/a", pair(&expired, &root), authentic(Expired)),
        ("the longest expired, last", "/v/a", pair(&root, &expired), authentic(Expired)),
        ("the longest tampered with", "/v/a", pair(&bad, &root), unsigned(NotAuthentic)),
        ("the longest of an unknown key", "/v/a", pair(&root, &unknown), unsigned(UnknownKey)),
        ("the longest a file, which is no scope", "/v/w/a", pair(&file, &root), authentic(Malformed)),
        ("another file", "/v/w/b", pair(&file, &root), Ok(())),
        ("of equal ones the first", "/v/a", pair(&v, &expired), Ok(())),
        ("of equal ones the first, expired", "/v/a", pair(&expired, &v), authentic(Expired)),
        ("of equal ones the first, tampered with", "/v/a", pair(&bad, &v), unsigned(NotAuthentic)),
        ("of equal ones in two fields the first", "/v/a", fields(&[&bad, &v]), unsigned(NotAuthentic)),
        ("of equal ones the first, among others", "/v/a", pair(&expired_root, &v), Ok(())),
        ("no scope", "/v/a", fields(&[&no_scope]), authentic(Malformed)),
        ("no scope and one", "/v/a", pair(&no_scope, &v), Ok(())),
        ("a path that can be read in two ways", "/v/../a", fields(&[&v]), authentic(Scope)),
    ] {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let request = with_cookies(path, &fields);
        assert_eq!(outcome(&verifier(), name, &request), expected, "{name}");
        // The same of what a `ConcealLayer` took out, and in optional mode a failure counts as absent.
        for optional in [false, true] {
            let layer = SignedUrlLayer::new(verifier());
            let layer = if optional { layer.optional() } else { layer };
            for (place, answer) in [
                ("", call(&layer, with_cookies(path, &fields), &HeaderMap::new())),
                (", concealed", concealed(&layer, with_cookies(path, &fields))),
            ] {
                let expected = match expected {
                    Ok(()) => granted(path),
                    Err(_) if optional => anonymous(path),
                    Err((kind, _)) => refused(kind),
                };
                assert_eq!(result(&answer), expected, "{name}{place}, optional: {optional}");
            }
        }
    }
}

#[test]
fn what_is_no_token_is_no_cookie_of_ours() {
    let (good, right) = (cookie(COVERED), encode(&token(COVERED)));
    for (name, value) in [
        ("empty", String::new()),
        ("padded", right.clone() + "="),
        ("in quotation marks", format!("\"{right}\"")),
        ("escaped", right.replace("c2ln", "%632ln")),
        ("the other alphabet", right.replacen("PS92", "PS+2", 1)),
        ("a trailing bit", "c2lnLXNjb3BlPS9".into()),
        ("not text", "_____w".into()),
        ("not base64", "\u{e9}".into()),
        ("a space inside", right.replacen("PS92", "PS 92", 1)),
        ("a comma behind", right.clone() + ",b"),
        ("the token itself", token(COVERED)),
        ("the token with a tilde", format!("~{right}")),
        ("base64url twice", encode(&right)),
        ("another token", encode("a=b")),
        ("an exact URL", encode("/v/a?exp=1790000000&sig=x")),
        ("an exact URL's run", encode("exp=1790000000&sig=x")),
        ("a parameter before", encode(&format!("a=1&{}", token(COVERED)))),
        ("an `&` before", encode(&format!("&{}", token(COVERED)))),
        ("a name in upper case", encode(&token(COVERED).to_uppercase())),
        ("half a name", encode("sig-scop=/v/")),
        ("a scope without a value", encode("sig-scope&exp=1790000000&sig=x")),
    ] {
        let pair = format!("{DEFAULT_COOKIE}={value}");
        assert_eq!(outcome(&verifier(), name, &with_cookies("/v/a", &[&pair])), unsigned(Missing), "{name}");
        for fields in [vec![&*pair, &*good], vec![&*good, &*pair]] {
            assert_eq!(outcome(&verifier(), name, &with_cookies("/v/a", &fields)), Ok(()), "{name} and another");
            assert_eq!(
                outcome(&verifier(), name, &with_cookies("/v/a", &[&fields.join(";")])),
                Ok(()),
                "{name}, one field"
            );
        }
    }
    for (name, field, expected) in [
        ("another name", good.replacen("signed", "Signed", 1), unsigned(Missing)),
        ("a longer name", format!("x{good}"), unsigned(Missing)),
        ("a prefix", format!("__Secure-{good}"), unsigned(Missing)),
        ("in another's value", format!("a={good}"), unsigned(Missing)),
        ("no name", format!("={right}"), unsigned(Missing)),
        ("no value", DEFAULT_COOKIE.into(), unsigned(Missing)),
        ("spaces around", format!("  {} = {right}  ", DEFAULT_COOKIE), Ok(())),
        (
            "a scope that is not ASCII",
            format!("{DEFAULT_COOKIE}={}", encode(&token("sig-scope=/v/\u{e9}/&exp=1790000000"))),
            unsigned(Missing),
        ),
        ("more than a token", format!("{DEFAULT_COOKIE}={}", encode(&(token(COVERED) + "&a=1"))), unsigned(Malformed)),
        ("half of one", format!("{DEFAULT_COOKIE}={}", encode("sig-scope=/v/&exp=1")), unsigned(Malformed)),
        ("another restriction", cookie("sig-scope=/v/&exp=1790000000&sig-id=\u{e9}"), unsigned(Malformed)),
    ] {
        assert_eq!(outcome(&verifier(), name, &with_cookies("/v/a", &[&field])), expected, "{name}");
    }
}

#[test]
fn a_cookie_is_not_read_where_the_url_carries_anything() {
    let cookie = cookie("sig-scope=/&exp=1790000000");
    let exact = verifier().signer().url("/v/a").sign_until(at(NOW + 60)).unwrap().into_string();
    let segment = format!("/~{}", encode(&token(COVERED)));
    for (name, target, expected) in [
        ("nothing", "/v/a?w=1".to_owned(), granted("/v/a?w=1")),
        ("an exact URL", exact.clone(), granted("/v/a")),
        ("a token in the query", format!("/v/a?{}", token(COVERED)), granted("/v/a")),
        ("a token in the path", format!("{segment}/v/a"), granted("/v/a")),
        ("an exact URL for another path", exact.replace("/v/a", "/v/b"), refused(NotAuthentic)),
        ("a token for another path", format!("/w/a?{}", token(COVERED)), refused(Scope)),
        ("a path token for another path", format!("{segment}/w/a"), refused(Scope)),
        ("an expired token", format!("/v/a?{}", token("sig-scope=/v/&exp=1789999000")), refused(Expired)),
        ("exp", "/v/a?exp".into(), refused(Malformed)),
        ("sig", "/v/a?sig=".into(), refused(Malformed)),
        ("a reserved name", "/v/a?w=1&sig-x=1".into(), refused(Malformed)),
        ("sig-scope", "/v/a?sig-scope=/v/".into(), refused(Malformed)),
        ("a path token's beginning", "/~c2lnLXNjb3BlPS/v/a".into(), refused(Malformed)),
        ("another name", "/v/a?expires=1&signature=2&EXP=1".into(), granted("/v/a?expires=1&signature=2&EXP=1")),
        ("the application's own tilde", "/~c2/v/a".into(), granted("/~c2/v/a")),
    ] {
        for layer in [SignedUrlLayer::new(verifier()), SignedUrlLayer::new(verifier()).optional()] {
            let answer = call(&layer, with_cookies(&target, &[&cookie]), &HeaderMap::new());
            assert_eq!(result(&answer), expected, "{name}");
            let answer = concealed(&layer, with_cookies(&target, &[&cookie]));
            assert_eq!(result(&answer), expected, "{name}, concealed");
        }
    }
    // Neither is it where nobody said so, nor under another name.
    for (name, verifier) in [
        ("none", Verifier::builder(&figure_keys()).clock(|| at(NOW)).build().unwrap()),
        ("another", builder().token_cookie("t").build().unwrap()),
    ] {
        assert_eq!(outcome(&verifier, name, &with_cookies("/v/a", &[&cookie])), unsigned(Missing), "{name}");
    }
}

#[test]
fn a_cookie_grants_get_and_head_and_no_upgrade() {
    let all = "sig-scope=/v/&exp=1790000000&sig-methods=GET,HEAD,POST,PUT,DELETE,OPTIONS,PATCH";
    let method_error = RejectionKind::Method;
    for (method, upgrade, by_cookie) in [
        ("GET", None, true),
        ("HEAD", None, true),
        ("GET", Some("websocket"), false),
        ("GET", Some("h2c"), false),
        ("GET", Some(""), false),
        ("HEAD", Some("websocket"), false),
        ("POST", None, false),
        ("PUT", None, false),
        ("PUT", Some("websocket"), false),
        ("DELETE", None, false),
        ("PATCH", None, false),
        ("OPTIONS", None, false),
    ] {
        for carrier in CARRIERS {
            let name = format!("{method}, {upgrade:?}, {carrier:?}");
            let request = || {
                let mut request = carrier.get("/v/a", &token(all));
                *request.method_mut() = method.parse::<Method>().unwrap();
                request.headers_mut().extend(upgrade.map(|value| (UPGRADE, HeaderValue::from_static(value))));
                request
            };
            let expected = if carrier != InCookie || by_cookie { Ok(()) } else { authentic(method_error) };
            assert_eq!(outcome(&verifier(), &name, &request()), expected, "{name}");
            let any = builder().allow_any_method_by_cookie().build().unwrap();
            assert_eq!(outcome(&any, &name, &request()), Ok(()), "{name}, allowed");
            let optional = call(&SignedUrlLayer::new(verifier()).optional(), request(), &HeaderMap::new());
            let expected = if expected.is_ok() { granted("/v/a") } else { anonymous("/v/a") };
            assert_eq!(result(&optional), expected, "{name}, optional");
        }
    }
}

#[test]
fn the_service_sees_every_other_cookie_and_not_this_one() {
    let t = cookie(COVERED);
    let bad = tampered(COVERED);
    for (name, fields, left) in [
        ("alone", vec![t.clone()], vec![]),
        ("first", vec![format!("{t}; a=1; b=2")], vec!["a=1; b=2"]),
        ("between", vec![format!("a=1; {t}; b=2")], vec!["a=1; b=2"]),
        ("last", vec![format!("a=1; b=2; {t}")], vec!["a=1; b=2"]),
        ("without spaces", vec![format!("a=1;{t};b=2")], vec!["a=1;b=2"]),
        ("several", vec![format!("{t}; a=1; {bad}; {t}; b=2")], vec!["a=1; b=2"]),
        ("one of ours that is none", vec![format!("{DEFAULT_COOKIE}=x; a=1; {t}")], vec!["a=1"]),
        ("fields without it", vec!["b=2;c=3; ;d".into(), t.clone(), " e=5".into()], vec!["b=2;c=3; ;d", " e=5"]),
        ("several fields with it", vec![format!("a=1; {t}"), format!("{t}; b=2")], vec!["a=1", "b=2"]),
        ("one of several", vec!["z=0".into(), format!("a=1; {t}"), "y=9".into()], vec!["z=0", "a=1", "y=9"]),
        ("quoted", vec![format!("a=\"1, 2\"; {t}; b=%3B")], vec!["a=\"1, 2\"; b=%3B"]),
        ("not ASCII", vec![format!("a=\u{e9}; {t}")], vec!["a=\u{e9}"]),
        ("the same twice", vec![format!("a=1; {t}; a=1")], vec!["a=1; a=1"]),
        (
            "names like it",
            vec![format!("x{DEFAULT_COOKIE}=1; {t}; {DEFAULT_COOKIE}s=2")],
            vec!["xsigned-url=1; signed-urls=2"],
        ),
    ] {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        for (place, target, by_cookie) in [
            ("", "/v/a".to_owned(), true),
            (", an exact URL", verifier().signer().url("/v/a").sign_until(at(NOW + 9)).unwrap().into_string(), false),
            (", nothing granted", "/elsewhere".into(), false),
        ] {
            let layer = SignedUrlLayer::new(verifier()).optional();
            for (mode, answer) in [
                ("", call(&layer, with_cookies(&target, &fields), &HeaderMap::new())),
                (", concealed", concealed(&layer, with_cookies(&target, &fields))),
            ] {
                let name = format!("{name}{place}{mode}");
                let seen = seen(&answer).unwrap();
                let cookies: Vec<_> = seen
                    .headers
                    .get_all(COOKIE)
                    .iter()
                    .map(|field| str::from_utf8(field.as_bytes()).unwrap())
                    .collect();
                assert_eq!(
                    cookies.iter().map(|field| field.trim()).collect::<Vec<_>>(),
                    left.iter().map(|field| field.trim()).collect::<Vec<_>>(),
                    "{name}"
                );
                assert!(seen.headers.get_all(COOKIE).iter().all(HeaderValue::is_sensitive), "{name}");
                assert_eq!(seen.extensions.get::<Grant>().is_some(), by_cookie || target.contains('?'), "{name}");
            }
        }
    }
}

#[test]
fn every_answer_says_that_it_depends_on_the_cookie() {
    let layer = || SignedUrlLayer::new(verifier());
    let exact = verifier().signer().url("/v/a").sign_until(at(NOW + 60)).unwrap().into_string();
    let query = format!("/v/a?{}", token(COVERED));
    let cookie = cookie(COVERED);
    let navigation = |mut request: Request<()>| {
        request.headers_mut().insert(HeaderName::from_static("sec-fetch-mode"), HeaderValue::from_static("navigate"));
        request
    };
    for (name, layer, request, status) in [
        ("granted by a cookie", layer(), with_cookies("/v/a", &[&cookie]), 200),
        ("granted by an exact URL", layer(), get(&exact), 200),
        ("granted by a token in the query", layer(), get(&query), 200),
        ("granted by a token in the path", layer(), InPath.get("/v/a", &token(COVERED)), 200),
        ("anonymous", layer().optional(), get("/v/a"), 200),
        ("anonymous, with a bad cookie", layer().optional(), with_cookies("/v/a", &[&tampered(COVERED)]), 200),
        ("refused for nothing", layer(), get("/v/a"), 403),
        ("refused for a cookie", layer(), with_cookies("/v/a", &[&tampered(COVERED)]), 403),
        ("refused for a URL", layer(), get("/v/a?sig"), 403),
        ("expired", layer(), InCookie.get("/v/a", &token("sig-scope=/v/&exp=1789999000")), 410),
        ("exchanged", layer().exchange().unwrap(), navigation(get(&query)), 303),
    ] {
        for (sent, expected) in [
            (&[][..], &["cookie"][..]),
            (&[("vary", "cookie")], &["cookie"]),
            (&[("vary", "Cookie")], &["Cookie"]),
            (&[("vary", "*")], &["*"]),
            (&[("vary", "accept, COOKIE , x")], &["accept, COOKIE , x"]),
            (&[("vary", "accept")], &["accept", "cookie"]),
            (&[("vary", "accept"), ("vary", "Cookie")], &["accept", "Cookie"]),
            (&[("vary", "accept, *")], &["accept, *"]),
            (&[("vary", "x-cookie, cookie-x")], &["x-cookie, cookie-x", "cookie"]),
            (&[("vary", "")], &["", "cookie"]),
        ] {
            let mut request_again = get("/");
            request_again.clone_from(&request);
            let answer = call(&layer, request_again, &headers(sent));
            assert_eq!(answer.status().as_u16(), status, "{name}");
            let expected = if status == 200 { expected } else { &["cookie"] };
            assert_eq!(values(answer.headers(), "vary"), expected, "{name}, {sent:?}");
        }
    }
    let without = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_path().build().unwrap();
    let answer = call(&SignedUrlLayer::new(&without), get(&exact), &HeaderMap::new());
    assert!(values(answer.headers(), "vary").is_empty(), "a verifier that reads none");
}
