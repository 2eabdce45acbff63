//! Scope tokens: in the query, in a cookie and in the path of the request that the proxy asks about.

use tower_signed_url::ScopeToken;

use super::site::{token, verifier};
use super::{NOW, Nginx, PASSED, XForwarded, at, cookie, fixed_layer, layer, outcome, refused};

/// Paths, and whether a token for `/v/42/` opens them.
const PATHS: [(&str, bool); 27] = [
    ("/v/42/", true),
    ("/v/42/a.ts", true),
    ("/v/42/a/b.ts", true),
    ("/v/42/a.ts?w=1", true),
    ("/v/42/caf%C3%A9", true),
    ("/v/42/.hidden", true),
    ("/v/42", false),
    ("/v/421/a.ts", false),
    ("/v/43/a.ts", false),
    ("/V/42/a.ts", false),
    ("/v/4%32/a.ts", false),
    ("//v/42/a.ts", false),
    ("/v//42/a.ts", false),
    ("/v/42//a.ts", false),
    ("/./v/42/a.ts", false),
    ("/v/42/./a.ts", false),
    ("/v/42/../43/a.ts", false),
    ("/v/42/..", false),
    ("/v/42/%2e%2e/43/a.ts", false),
    ("/v/42/.%2E/43/a.ts", false),
    ("/v/42/..%2f43/a.ts", false),
    ("/v/42/a%2F..%2F..%2F43", false),
    ("/v/42/..%5c43", false),
    ("/v/42/..;/43", false),
    ("/v/42/%252e%252e/43", false),
    ("/v/42/a%00", false),
    ("/v/42/a%0d%0aX:1", false),
];

#[test]
fn a_token_opens_what_is_under_its_scope_and_reads_in_one_way() {
    let token = token("/v/42/");
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(verifier()));
        for (path, passes) in PATHS {
            let separator = if path.contains('?') { '&' } else { '?' };
            let in_query = format!("{path}{separator}{token}");
            let segment = token.in_path("/v/42/").unwrap();
            let in_path = format!("{}{path}", segment.as_str().strip_suffix("/v/42/").unwrap());
            let by_cookie = cookie(&token);
            for (carrier, target, fields, absent) in [
                ("query", &*in_query, &[][..], "Scope"),
                ("path", &in_path, &[], "Scope"),
                ("cookie", path, &[("cookie", &*by_cookie)], "Missing"),
            ] {
                let reply = proxy.ask(&server, "GET", target, fields);
                let kind = if path.starts_with("/v/42/") { "Scope" } else { absent };
                let expected = if passes { PASSED } else { refused(proxy, kind, 403) };
                assert_eq!(outcome(&reply), expected, "{proxy:?}: {carrier}: {path}");
                let vary = if passes { "*" } else { "cookie" };
                assert_eq!(reply.header("vary"), Some(vary), "{proxy:?}: {carrier}: {path}");
            }
        }
    }
}

/// Proxies leave out `Upgrade`, and a WebSocket would live on when the token has ended.
#[test]
fn a_cookie_grants_get_and_head_and_no_web_socket() {
    let token = token("/v/42/");
    let by_cookie = cookie(&token);
    let by_cookie = ("cookie", &*by_cookie);
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let in_query = format!("/v/42/a.ts?{token}");
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(verifier()));
        for (name, method, fields, passes) in [
            ("GET", "GET", &[by_cookie][..], true),
            ("HEAD", "HEAD", &[by_cookie], true),
            ("POST", "POST", &[by_cookie], false),
            ("get", "get", &[by_cookie], false),
            ("a handshake", "GET", &[by_cookie, key, ("upgrade", "websocket"), ("connection", "upgrade")], false),
            ("a handshake, as proxies tell of it", "GET", &[by_cookie, key], false),
            ("a handshake, two keys", "GET", &[by_cookie, key, key], false),
            ("another upgrade", "GET", &[by_cookie, ("upgrade", "h2c")], false),
        ] {
            let reply = proxy.ask(&server, method, "/v/42/a.ts", fields);
            let expected = if passes { PASSED } else { refused(proxy, "Method", 403) };
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {name}");
        }
        // What the URL itself carries was not sent unasked.
        let reply = proxy.ask(&server, "GET", &in_query, &[key]);
        assert_eq!(outcome(&reply), PASSED, "{proxy:?}");
    }
}

#[test]
fn one_credential_counts() {
    let (narrow, wide) = (token("/v/42/"), token("/v/"));
    let expired = verifier().signer().with_clock(|| at(NOW - 9)).scope("/v/42/").sign_until(at(NOW)).unwrap();
    let cookies = |tokens: &[&ScopeToken]| tokens.iter().map(|token| cookie(token)).collect::<Vec<_>>().join("; ");
    let path = "/v/42/a.ts";
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(verifier()));
        let optional = proxy.serve(layer(verifier()).optional());
        for (name, target, cookies, expected, if_optional) in [
            ("two cookies", path.to_owned(), cookies(&[&wide, &narrow]), PASSED, PASSED),
            ("the longest", path.into(), cookies(&[&wide, &expired]), refused(proxy, "Expired", 410), PASSED),
            ("another's", "/w/a.ts".into(), cookies(&[&wide]), refused(proxy, "Missing", 403), PASSED),
            (
                "half a link beside it",
                format!("{path}?exp=1"),
                cookies(&[&wide]),
                refused(proxy, "Malformed", 403),
                refused(proxy, "Malformed", 403),
            ),
            (
                "in path and query",
                format!("{}?{narrow}", wide.in_path(path).unwrap().as_str()),
                String::new(),
                refused(proxy, "Malformed", 403),
                refused(proxy, "Malformed", 403),
            ),
            (
                "in the path twice",
                format!(
                    "{}{}",
                    wide.in_path("/v/").unwrap().as_str().trim_end_matches("/v/"),
                    narrow.in_path(path).unwrap().as_str()
                ),
                String::new(),
                refused(proxy, "Malformed", 403),
                refused(proxy, "Malformed", 403),
            ),
            (
                "escaped in the path",
                wide.in_path(path).unwrap().as_str().replace('~', "%7E"),
                String::new(),
                refused(proxy, "Missing", 403),
                PASSED,
            ),
        ] {
            let fields = [("cookie", &*cookies)];
            let fields = if cookies.is_empty() { &[][..] } else { &fields };
            assert_eq!(outcome(&proxy.ask(&server, "GET", &target, fields)), expected, "{proxy:?}: {name}");
            let reply = proxy.ask(&optional, "GET", &target, fields);
            assert_eq!(outcome(&reply), if_optional, "{proxy:?}, optional: {name}");
        }
    }
}

/// Where no carrier is set up, neither is believed.
#[test]
fn a_service_without_carriers_takes_tokens_in_the_query_alone() {
    let token = token("/v/42/");
    let (in_path, by_cookie) = (token.in_path("/v/42/a.ts").unwrap(), cookie(&token));
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        for (carrier, target, fields, expected) in [
            ("query", &*format!("/v/42/a.ts?{token}"), &[][..], PASSED),
            ("path", in_path.as_str(), &[], refused(proxy, "Unenforceable", 403)),
            ("cookie", "/v/42/a.ts", &[("cookie", &*by_cookie)], refused(proxy, "Missing", 403)),
        ] {
            let reply = proxy.ask(&server, "GET", target, fields);
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {carrier}");
        }
    }
}

/// The proxy would show its client neither the redirect nor the cookie.
#[test]
fn nothing_is_exchanged() {
    let token = token("/v/42/");
    for proxy in [Nginx, XForwarded] {
        for (name, layer) in [
            ("exchange", layer(verifier()).exchange().unwrap()),
            ("exchange_behind", layer(verifier()).exchange_behind("/cdn").unwrap()),
        ] {
            let server = proxy.serve(layer);
            let navigates = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
            let reply = proxy.ask(&server, "GET", &format!("/v/42/a.ts?{token}"), &navigates);
            assert_eq!(outcome(&reply), PASSED, "{proxy:?}: {name}");
            let sent = ["set-cookie", "location"].map(|field| reply.header(field));
            assert_eq!(sent, [None; 2], "{proxy:?}: {name}");
        }
    }
}
