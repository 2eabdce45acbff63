//! What the service goes by: the fields of the proxy that it was made for, each of them once, and nothing else.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Response};
use tower_signed_url::{Rejected, SignedUrlLayer, Verifier};

use super::wire::{read_raw, signed};
use super::{
    FILE, NOW, Nginx, PASSED, XForwarded, at, exchange, figure_keys, fixed_layer, fixed_verifier, link, outcome,
    refused,
};

#[test]
fn each_field_stands_once() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        let good = link(FILE);
        let target = (uri, &*good);
        let get = (method, "GET");
        for (name, fields, passes) in [
            ("both", &[target, get][..], true),
            ("in another order", &[get, target], true),
            ("none", &[], false),
            ("no method", &[target], false),
            ("no target", &[get], false),
            ("the target twice", &[target, target, get], false),
            ("another target first", &[(uri, FILE), target, get], false),
            ("another target last", &[target, (uri, FILE), get], false),
            ("the method twice", &[target, get, get], false),
            ("another method first", &[target, (method, "PUT"), get], false),
            ("another method last", &[target, get, (method, "PUT")], false),
            ("an empty target as well", &[target, (uri, ""), get], false),
            ("two methods in one", &[target, (method, "GET, GET")], false),
        ] {
            let reply = exchange(server.address, "GET", "/auth", fields, b"");
            let expected = if passes { PASSED } else { refused(proxy, "Malformed", 403) };
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {name}");
        }
    }
}

/// A client may send whatever its proxy does not set.
#[test]
fn the_fields_of_other_proxies_do_not_count() {
    let good = link(FILE);
    for (proxy, other) in [(Nginx, XForwarded), (XForwarded, Nginx)] {
        let server = proxy.serve(fixed_layer());
        let ([uri, method], [other_uri, other_method]) = (proxy.fields(), other.fields());
        let others = [
            (other_uri, &*good),
            (other_method, "GET"),
            ("x-forwarded-url", &good),
            ("x-original-url", &good),
            ("x-rewrite-url", &good),
            ("x-envoy-original-path", &good),
            ("x-http-method-override", "GET"),
            ("x-forwarded-prefix", "/files"),
            ("forwarded", "for=192.0.2.7;host=h"),
            ("referer", &good),
        ];
        for (name, own, expected) in [
            ("none of its own", &[][..], "Malformed"),
            ("another target", &[(uri, "/files/b.txt"), (method, "GET")], "Missing"),
            ("another method", &[(uri, &*good), (method, "PUT")], "Method"),
            ("no method", &[(uri, &good)], "Malformed"),
            ("no target", &[(method, "GET")], "Malformed"),
        ] {
            let reply = exchange(server.address, "GET", "/auth", &[own, &others].concat(), b"");
            assert_eq!(outcome(&reply), refused(proxy, expected, 403), "{proxy:?}: {name}");
            // Nor does the link in what it is asked by.
            let asked_by = format!("/auth?{}", good.split_once('?').unwrap().1);
            let reply = exchange(server.address, "GET", &asked_by, own, b"");
            assert_eq!(outcome(&reply), refused(proxy, expected, 403), "{proxy:?}: {name}");
        }
        let nonsense = [(other_uri, "*"), (other_uri, ""), (other_method, "PUT"), ("x-http-method-override", "PUT")];
        let own = [(uri, &*good), (method, "GET")];
        let reply = exchange(server.address, "GET", "/auth", &[&own[..], &nonsense].concat(), b"");
        assert_eq!(outcome(&reply), PASSED, "{proxy:?}");
    }
}

#[test]
fn a_target_is_a_path_and_a_query_and_all_of_it() {
    let good = link(FILE);
    let query = good.split_once('?').unwrap().1.to_owned();
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        for (name, target, kind) in [
            ("empty", String::new(), "Malformed"),
            ("an asterisk", "*".into(), "Malformed"),
            ("relative", good[1..].into(), "Malformed"),
            ("a query alone", format!("?{query}"), "Malformed"),
            ("an absolute URL", format!("http://h{good}"), "Malformed"),
            ("a scheme alone", format!("http:{good}"), "Malformed"),
            ("host and path", format!("h{good}"), "Malformed"),
            ("an authority", "h:80".into(), "Malformed"),
            ("a fragment", format!("{good}#a"), "Malformed"),
            ("an empty fragment", format!("{good}#"), "Malformed"),
            ("a fragment in the path", format!("/files/b.txt#{good}"), "Malformed"),
            ("a fragment before the query", good.replace('?', "#?"), "Malformed"),
            ("a space", good.replace("a.txt", "a b.txt"), "Malformed"),
            ("a tab", good.replace("a.txt", "a\tb.txt"), "Malformed"),
            ("two targets", format!("{good}, {good}"), "Malformed"),
            ("two targets, no space", format!("{good},{good}"), "Malformed"),
            ("with the version", format!("{good} HTTP/1.1"), "Malformed"),
            ("in quotes", format!("\"{good}\""), "Malformed"),
            ("another path", good.replace("a.txt", "b.txt"), "NotAuthentic"),
            ("two slashes", format!("/{good}"), "NotAuthentic"),
            ("two slashes within", good.replace("/a.txt", "//a.txt"), "NotAuthentic"),
            ("a dot", good.replace("/a.txt", "/./a.txt"), "NotAuthentic"),
            ("two dots", good.replace("/a.txt", "/b/../a.txt"), "NotAuthentic"),
            ("escaped", good.replace("/a.txt", "/%61.txt"), "NotAuthentic"),
            ("an escaped slash", good.replace("/a.txt", "%2Fa.txt"), "NotAuthentic"),
            ("a semicolon", good.replace("a.txt", "a.txt;b"), "NotAuthentic"),
            ("an escaped question mark", good.replace('?', "%3F"), "Missing"),
            ("escaped for HTML", good.replace("&sig", "&amp;sig"), "Malformed"),
            ("no credential, over-long", format!("/{}", "a".repeat(60_000)), "Missing"),
            ("too long for a URI", format!("/{}", "a".repeat(70_000)), "Malformed"),
        ] {
            let reply = proxy.ask(&server, "GET", &target, &[]);
            assert_eq!(outcome(&reply), refused(proxy, kind, 403), "{proxy:?}: {name}");
        }
        // White space around a field's value is none of it.
        for (name, target) in [("as it is", good.clone()), ("white space", format!(" \t{good}\t "))] {
            assert_eq!(outcome(&proxy.ask(&server, "GET", &target, &[])), PASSED, "{proxy:?}: {name}");
        }
    }
}

#[test]
fn a_target_may_hold_bytes_that_are_no_ascii_and_has_to_be_text() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        let raw = |target: &[u8], told: &[u8]| {
            let head = format!("GET /auth HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{uri}: ");
            let method = format!("\r\n{method}: ");
            let request = [head.as_bytes(), target, method.as_bytes(), told, b"\r\n\r\n"].concat();
            let answer = server.raw(&request);
            let (status, kind) = read_raw(&answer, &["x-kind"]);
            (status, kind.to_owned())
        };
        let good = link(FILE);
        let signed = signed("/files/é.txt?exp=1790000000");
        for (name, target, told, expected) in [
            ("as it is", good.as_bytes(), &b"GET"[..], (204, "")),
            ("UTF-8 in the path", signed.as_bytes(), b"GET", (204, "")),
            ("a byte that is no text", b"/files/\xff.txt", b"GET", (403, "Malformed")),
            ("such a byte in the query", b"/files/a.txt?a=\xff", b"GET", (403, "Malformed")),
            ("half a character", b"/files/\xc3?exp=1&sig=x", b"GET", (403, "Malformed")),
            ("a method that is no text", good.as_bytes(), b"G\xffT", (403, "Malformed")),
        ] {
            assert_eq!(raw(target, told), (expected.0, expected.1.into()), "{proxy:?}: {name}");
        }
    }
}

#[test]
fn a_link_is_for_its_methods() {
    let methods = |list| signed(&format!("{FILE}?exp=1790000000&sig-methods={list}"));
    let put = fixed_verifier().signer().url(FILE).method(http::Method::PUT).sign_until(at(NOW + 1000));
    let put = put.unwrap().into_string();
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        for (method, by_get, by_put, by_both) in [
            ("GET", "", "Method", ""),
            ("HEAD", "", "Method", ""),
            ("PUT", "Method", "", "Method"),
            ("POST", "Method", "Method", "Method"),
            ("DELETE", "Method", "Method", ""),
            ("OPTIONS", "Method", "Method", "Method"),
            ("CONNECT", "Method", "Method", "Method"),
            ("TRACE", "Method", "Method", "Method"),
            ("PROPFIND", "Method", "Method", "Method"),
            ("get", "Method", "Method", "Method"),
            ("Get", "Method", "Method", "Method"),
            ("put", "Method", "Method", "Method"),
            ("GETT", "Method", "Method", "Method"),
            ("X!#$%&'*+-.^_`|~1", "Method", "Method", "Method"),
            ("", "Malformed", "Malformed", "Malformed"),
            ("GET GET", "Malformed", "Malformed", "Malformed"),
            ("GET,PUT", "Malformed", "Malformed", "Malformed"),
            ("GET /", "Malformed", "Malformed", "Malformed"),
            ("\"GET\"", "Malformed", "Malformed", "Malformed"),
            ("GET\t1", "Malformed", "Malformed", "Malformed"),
            ("é", "Malformed", "Malformed", "Malformed"),
        ] {
            for (target, kind) in [(&link(FILE), by_get), (&put, by_put), (&methods("GET,DELETE"), by_both)] {
                let expected = if kind.is_empty() { PASSED } else { refused(proxy, kind, 403) };
                assert_eq!(outcome(&proxy.ask(&server, method, target, &[])), expected, "{proxy:?}: {method} {target}");
            }
        }
        // The method that it is asked by is none of the request's.
        for asked_by in ["GET", "HEAD", "POST", "PUT", "OPTIONS", "PROPFIND"] {
            let ask = |told: &str| {
                let [uri, method] = proxy.fields();
                let target = link(FILE);
                exchange(server.address, asked_by, "/auth", &[(uri, &target), (method, told)], b"").status
            };
            assert_eq!((ask("GET"), ask("PUT")), (204, 403), "{proxy:?}: {asked_by}");
        }
    }
}

/// What the callback is told of: the original request where there is one, and no credential either way.
#[test]
fn a_callback_is_told_of_the_original_request() {
    for proxy in [Nginx, XForwarded] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let by_callback = Arc::clone(&seen);
        let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie("token").build().unwrap();
        let layer = SignedUrlLayer::new(&verifier).on_reject(move |rejected: Rejected<'_>| {
            let holds_link =
                |value: &HeaderValue| ["sig=", "token="].iter().any(|part| value.to_str().unwrap().contains(part));
            let links: String =
                rejected.headers().values().filter(|value| holds_link(value)).map(|_| " and a link").collect();
            by_callback.lock().unwrap().push(format!("{} {}{links}", rejected.method(), rejected.path()));
            Response::builder().status(rejected.status()).body("").unwrap()
        });
        let server = proxy.serve(layer);
        let [uri, method] = proxy.fields();
        let tampered = link(FILE).replace("a.txt", "b.txt");
        let good = link(FILE);
        let fragment = format!("{good}#a");
        for (name, fields, told) in [
            ("told", &[(uri, &*tampered), (method, "PUT")][..], "PUT /files/b.txt"),
            ("told, and more", &[(uri, &tampered), (method, "GET"), ("referer", &good)], "GET /files/b.txt"),
            ("no method", &[(uri, &good)], "GET /auth"),
            ("no target", &[(method, "PUT"), ("referer", &good)], "GET /auth"),
            ("twice", &[(uri, &good), (uri, &good), (method, "PUT")], "GET /auth"),
            ("not all of it a target", &[(uri, &fragment), (method, "GET")], "GET /auth"),
            ("a cookie, and no method", &[(uri, FILE), ("cookie", "token=c2lnLXNjb3BlPS8; a=b")], "GET /auth"),
        ] {
            let reply = exchange(server.address, "GET", "/auth", fields, b"");
            assert_eq!(reply.status, 403, "{proxy:?}: {name}");
            assert_eq!(seen.lock().unwrap().pop().as_deref(), Some(told), "{proxy:?}: {name}");
        }
    }
}
