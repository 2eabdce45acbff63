//! Traefik's `ForwardAuth` by raw requests, for Debian has no Traefik: a `GET` of the address that it was given, without a
//! body, with `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` and `-For` as its documentation lists them, all set by
//! Traefik itself unless it is told to `trustForwardHeader`, and with the client's other fields, but for those of the
//! connection.

use super::site::{link, token, verifier};
use super::wire::{Server, signed};
use super::{NOW, PASSED, Reply, XForwarded, cookie, exchange, layer, outcome, refused};

/// What Traefik asks about a client's request.
fn ask(server: &Server, method: &str, target: &str, clients_own: &[(&str, &str)]) -> Reply {
    let of_the_connection =
        ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"];
    let replaced = |name: &str| name.starts_with("x-forwarded-") || of_the_connection.contains(&name);
    let passed_on = clients_own.iter().filter(|(name, _)| !replaced(name)).copied();
    let own = [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-host", "files.example.com"),
        ("x-forwarded-method", method),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-uri", target),
        ("accept-encoding", "gzip"),
    ];
    let fields: Vec<_> = passed_on.chain(own).collect();
    exchange(server.address, "GET", "/auth", &fields, b"")
}

#[test]
fn traefik_is_told_what_its_client_is_to_be_told() {
    let server = XForwarded.serve(layer(verifier()));
    let good = link("/files/a.txt");
    let run = |run: &str| signed(&format!("/files/a.txt?exp=1790000000{run}"));
    let token = token("/files/open/");
    let by_cookie = cookie(&token);
    let by_cookie = ("cookie", &*by_cookie);
    let signer = verifier().signer();
    let bind = |name: &str, value: &str| {
        let link = signer.url("/files/a.txt").bind(name, value).sign_until(super::at(NOW + 1000));
        link.unwrap().into_string()
    };
    let claims = [
        ("x-forwarded-uri", &*good),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-original-uri", &good),
        ("x-original-method", "GET"),
    ];
    let no = |kind, status| refused(XForwarded, kind, status);
    for (name, method, target, clients_own, expected) in [
        ("a link", "GET", &*good, &[][..], PASSED),
        ("HEAD", "HEAD", &good, &[], PASSED),
        ("no link", "GET", "/files/a.txt", &[], no("Missing", 403)),
        ("no link, and claims", "GET", "/files/a.txt", &claims, no("Missing", 403)),
        ("another method", "PUT", &good, &[], no("Method", 403)),
        ("another method, and claims", "PUT", &good, &claims, no("Method", 403)),
        ("expired", "GET", &signed(&format!("/files/a.txt?exp={NOW}")), &[], no("Expired", 410)),
        ("the host", "GET", &bind("host", "files.example.com"), &[], PASSED),
        ("another host", "GET", &bind("host", "example.com"), &claims, no("NotAuthentic", 403)),
        ("no password", "GET", &bind("password", "secret"), &[], no("PasswordRequired", 401)),
        (
            "the password",
            "GET",
            &bind("password", "secret"),
            &[("authorization", "Basic dXNlcjpzZWNyZXQ=")], // user:secret
            PASSED,
        ),
        ("the client", "GET", &run("&sig-ip=192.0.2.7"), &claims, PASSED),
        ("another client", "GET", &run("&sig-ip=198.51.100.1"), &claims, no("Client", 403)),
        ("a limit to a body", "PUT", &run("&sig-methods=PUT&sig-max-bytes=9"), &[], no("LengthRequired", 411)),
        ("a cookie", "GET", "/files/open/b.txt", &[by_cookie], PASSED),
        (
            "a cookie, a handshake",
            "GET",
            "/files/open/b.txt",
            &[by_cookie, ("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "a")],
            no("Method", 403),
        ),
        // Where `StripPrefix` comes first, this is all that it tells: links for the whole path are none for the rest.
        (
            "a prefix that was taken off",
            "GET",
            &link("/cdn/files/a.txt").replace("/cdn", ""),
            &[],
            no("NotAuthentic", 403),
        ),
    ] {
        let reply = ask(&server, method, target, clients_own);
        assert_eq!(outcome(&reply), expected, "{name}");
    }
}
