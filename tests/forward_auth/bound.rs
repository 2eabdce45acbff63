//! What links are bound to, as a proxy tells it: hosts, client addresses, and users that an outer login knows.

use std::num::NonZeroU8;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::Request as HttpRequest;
use http_body_util::{BodyExt, Empty};
use tower_signed_url::{Mint, SignedUrl, Verifier, VerifierBuilder, client_ip, context};

use super::wire::{Server, only};
use super::{FILE, NOW, Nginx, PASSED, XForwarded, at, figure_keys, layer, outcome, refused};

fn builder() -> VerifierBuilder {
    Verifier::builder(&figure_keys()).clock(|| at(NOW))
}

fn sign(mint: Mint<'_, SignedUrl>) -> String {
    mint.sign_until(at(NOW + 1000)).unwrap().into_string()
}

fn bound(verifier: &Verifier, name: &str, value: &str) -> String {
    sign(verifier.signer().url(FILE).bind(name, value))
}

fn link_for_client(verifier: &Verifier, address: &str) -> String {
    sign(verifier.signer().url(FILE).client_ip(address))
}

#[test]
fn the_host_is_the_one_that_the_proxy_tells() {
    let verifier = builder().bind("host", context::host()).build().unwrap();
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(&verifier));
        let [uri, method] = proxy.fields();
        let target = bound(&verifier, "host", "files.example.com");
        for (name, host, forwarded, by_nginx, by_forwarded) in [
            ("Host", "files.example.com", &[][..], "", "Context"),
            ("X-Forwarded-Host", "auth", &["files.example.com"], "NotAuthentic", ""),
            ("the same", "files.example.com", &["files.example.com"], "", ""),
            ("Host of another", "auth", &[], "NotAuthentic", "Context"),
            ("X-Forwarded-Host of another", "files.example.com", &["auth"], "", "NotAuthentic"),
            ("X-Forwarded-Host twice", "files.example.com", &["files.example.com"; 2], "", "Context"),
            ("of two", "files.example.com", &["auth", "files.example.com"], "", "Context"),
            ("a list", "auth", &["files.example.com, auth"], "NotAuthentic", "NotAuthentic"),
            ("a port", "files.example.com:443", &["FILES.example.com:80"], "", ""),
            ("another port", "files.example.com:8080", &["files.example.com:8080"], "NotAuthentic", "NotAuthentic"),
            ("a user", "auth", &["a@files.example.com"], "NotAuthentic", "Context"),
            ("none", "", &[""], "Context", "Context"),
        ] {
            let forwarded: String = forwarded.iter().map(|host| format!("x-forwarded-host: {host}\r\n")).collect();
            let told = format!("{uri}: {target}\r\n{method}: GET\r\n{forwarded}");
            let head = format!("GET /auth HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{told}\r\n");
            let answer = server.raw(head.as_bytes());
            let kind = if proxy == Nginx { by_nginx } else { by_forwarded };
            let expected = (if kind.is_empty() { 204 } else { 403 }, kind);
            assert_eq!(super::wire::read_raw(&answer, &["x-kind"]), expected, "{proxy:?}: {name}");
        }
    }
}

/// Over HTTP/2 the service's own authority is none of the request's.
#[test]
fn the_authority_that_the_service_is_asked_under_is_not_the_host() {
    let verifier = builder().bind("host", context::host()).build().unwrap();
    for (proxy, forwarded, own) in [(XForwarded, 204, 403), (Nginx, 403, 403)] {
        let server = proxy.serve(layer(&verifier));
        let [uri, method] = proxy.fields();
        let address = server.address.to_string();
        for (host, status) in [("files.example.com", forwarded), (&address, own)] {
            let target = bound(&verifier, "host", host);
            let request = HttpRequest::get(server.url("/auth")).header(uri, &target).header(method, "GET");
            let request = request.header("x-forwarded-host", "files.example.com");
            let answer = server.http2(request.body(Empty::new().boxed_unsync()).unwrap()).unwrap();
            assert_eq!(answer.status(), status, "{proxy:?}: {host}: {:?}", only(answer.headers(), "x-kind"));
        }
    }
}

#[test]
fn a_client_is_the_one_that_the_proxy_tells() {
    let verifier = builder().client_ip(client_ip::x_forwarded_for(NonZeroU8::MIN)).build().unwrap();
    let target = link_for_client(&verifier, "192.0.2.0/24");
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(&verifier));
        for (name, fields, passes) in [
            ("the client", &[("x-forwarded-for", "192.0.2.7")][..], true),
            ("after its own invention", &[("x-forwarded-for", "198.51.100.1, 192.0.2.7")], true),
            ("another client", &[("x-forwarded-for", "198.51.100.1")], false),
            ("another client's invention", &[("x-forwarded-for", "192.0.2.7, 198.51.100.1")], false),
            ("other fields", &[("x-real-ip", "192.0.2.7"), ("forwarded", "for=192.0.2.7")], false),
            ("none", &[], false),
        ] {
            let expected = if passes { PASSED } else { refused(proxy, "Client", 403) };
            let reply = proxy.ask(&server, "GET", &target, fields);
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {name}");
        }
    }
}

/// `connect_info` is the proxy's address: with `behind`, it says whether the proxy is to be believed.
#[test]
fn the_peer_is_the_proxy() {
    let by_peer = || builder().client_ip(client_ip::connect_info()).build().unwrap();
    let behind = |trusted| {
        let forwarded = client_ip::x_forwarded_for(NonZeroU8::MIN);
        builder()
            .client_ip(client_ip::behind(&[trusted], client_ip::connect_info(), forwarded).unwrap())
            .build()
            .unwrap()
    };
    for proxy in [Nginx, XForwarded] {
        for (name, verifier, allowed, passes) in [
            ("the peer", by_peer(), "127.0.0.1", true),
            ("the peer is not the client", by_peer(), "192.0.2.7", false),
            ("behind the peer", behind("127.0.0.1"), "192.0.2.7", true),
            ("behind the peer, who is not the client", behind("127.0.0.1"), "127.0.0.1", false),
            ("behind somebody else", behind("10.0.0.1"), "192.0.2.7", false),
            ("behind somebody else, who is the client", behind("10.0.0.1"), "127.0.0.1", true),
        ] {
            let target = link_for_client(&verifier, allowed);
            let reply = proxy.ask(&proxy.serve(layer(&verifier)), "GET", &target, &[("x-forwarded-for", "192.0.2.7")]);
            let expected = if passes { PASSED } else { refused(proxy, "Client", 403) };
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {name}");
        }
    }
}

#[derive(Clone)]
struct User(String);

/// Knows who is signed in by a cookie, which the proxy passes on.
async fn login(mut request: Request, next: Next) -> axum::response::Response {
    let user = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok()?.strip_prefix("user="));
    if let Some(user) = user.map(str::to_owned) {
        request.extensions_mut().insert(User(user));
    }
    next.run(request).await
}

#[test]
fn a_user_is_the_one_that_a_login_outside_knows() {
    let source = context::extension(|user: &User| &user.0);
    let verifier = builder().bind("user", source).require("user").build().unwrap();
    let signed = bound(&verifier, "user", "alice");
    for proxy in [Nginx, XForwarded] {
        let app = Router::new().route_service("/auth", proxy.service(layer(&verifier))).layer(from_fn(login));
        let server = Server::start(app);
        for (cookie, expected) in [
            ("user=alice", PASSED),
            ("user=bob", refused(proxy, "NotAuthentic", 403)),
            ("a=b", refused(proxy, "Context", 403)),
        ] {
            let reply = proxy.ask(&server, "GET", &signed, &[("cookie", cookie)]);
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {cookie}");
            let cache = if expected == PASSED { "private, max-age=0" } else { "no-store" };
            assert_eq!(reply.header("cache-control"), Some(cache), "{proxy:?}: {cookie}");
        }
        let unbound = super::link(FILE);
        let reply = proxy.ask(&server, "GET", &unbound, &[("cookie", "user=alice")]);
        assert_eq!(outcome(&reply), refused(proxy, "Context", 403), "{proxy:?}");
    }
}
