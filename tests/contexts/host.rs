//! `host`: what a request says of the host it is for, over HTTP/1 and HTTP/2, and where it contradicts itself.

use std::io::{Read, Write};
use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::net::TcpListener;
use tower_signed_url::RejectionKind::{Context, NotAuthentic};
use tower_signed_url::{Rejected, SignedUrlLayer};

use super::support::connect_http2;
use super::{Outcome, check, get, link, unsigned, verifier};

const HOST: &str = "files.example.com";

fn bound(host: &str) -> String {
    link("host", &format!("\nhost:{host}"))
}

#[test]
fn authority_and_host_agree_or_are_no_host() {
    let (other, unclear): (Outcome, Outcome) = (unsigned(NotAuthentic), unsigned(Context));
    let rows: &[(&str, &str, &[&[u8]], Outcome)] = &[
        ("Host", "", &[b"files.example.com"], Ok(())),
        ("Host, letter case", "", &[b"FILES.Example.COM"], Ok(())),
        ("Host, :80", "", &[b"files.example.com:80"], Ok(())),
        ("Host, :443", "", &[b"files.example.com:443"], Ok(())),
        ("Host, letter case and :443", "", &[b"Files.example.com:443"], Ok(())),
        ("Host, another port", "", &[b"files.example.com:8080"], other),
        ("Host, a longer port", "", &[b"files.example.com:4430"], other),
        ("Host, a port with a zero", "", &[b"files.example.com:080"], other),
        ("Host, two ports", "", &[b"files.example.com:443:80"], other),
        ("Host, an empty port", "", &[b"files.example.com:"], other),
        ("Host, a dot last", "", &[b"files.example.com."], other),
        ("Host, another", "", &[b"files.example.org"], other),
        ("Host, below it", "", &[b"a.files.example.com"], other),
        ("Host, above it", "", &[b"example.com"], other),
        ("Host, a list", "", &[b"files.example.com, files.example.com"], other),
        ("Host, a space", "", &[b" files.example.com"], other),
        ("Host, a scheme", "", &[b"https://files.example.com"], other),
        ("Host, a path", "", &[b"files.example.com/a"], other),
        ("Host, encoded", "", &[b"files%2Eexample.com"], other),
        ("Host, letters that look alike", "", &["files.exаmple.com".as_bytes()], other),
        ("Host, upper case beyond ASCII", "", &["FILES.EXAMPLE.COM\u{212a}".as_bytes()], other),
        ("Host, a user", "", &[b"user@files.example.com"], unclear),
        ("Host, a user and a password", "", &[b"user:pw@files.example.com"], unclear),
        ("Host, an empty user", "", &[b"@files.example.com"], unclear),
        ("Host, the host as the user", "", &[b"files.example.com@evil.example"], unclear),
        ("Host, empty", "", &[b""], unclear),
        ("Host, a port alone", "", &[b":443"], unclear),
        ("Host, not text", "", &[b"files.example.com\xff"], unclear),
        ("Host twice, equal", "", &[b"files.example.com", b"files.example.com"], unclear),
        ("Host twice, another first", "", &[b"evil.example", b"files.example.com"], unclear),
        ("Host twice, another last", "", &[b"files.example.com", b"evil.example"], unclear),
        ("neither", "", &[], unclear),
        ("authority", "http://files.example.com", &[], Ok(())),
        ("authority, letter case", "http://FILES.example.com", &[], Ok(())),
        ("authority, :80", "http://files.example.com:80", &[], Ok(())),
        ("authority, :443 and http", "http://files.example.com:443", &[], Ok(())),
        ("authority, another port", "https://files.example.com:8443", &[], other),
        ("authority, another", "http://evil.example", &[], other),
        ("authority, a user", "http://user@files.example.com", &[], unclear),
        ("authority, the host as the user", "http://files.example.com:80@evil.example", &[], unclear),
        ("both, equal", "http://files.example.com", &[b"files.example.com"], Ok(())),
        ("both, equal but for what is dropped", "https://files.example.com:443", &[b"Files.example.com:80"], Ok(())),
        ("both, a port in one", "http://files.example.com:8080", &[b"files.example.com"], unclear),
        ("both, another authority", "http://evil.example", &[b"files.example.com"], unclear),
        ("both, another Host", "http://files.example.com", &[b"evil.example"], unclear),
        ("both, both another", "http://evil.example", &[b"evil.example"], other),
        ("both, an empty Host", "http://files.example.com", &[b""], unclear),
        ("both, a Host that is not text", "http://files.example.com", &[b"\xff"], unclear),
        ("both, a user in the authority", "http://user@files.example.com", &[b"files.example.com"], unclear),
        ("both, a user in Host", "http://files.example.com", &[b"user@files.example.com"], unclear),
        ("both, the same user in both", "http://user@files.example.com", &[b"user@files.example.com"], unclear),
        ("both, Host twice", "http://files.example.com", &[b"files.example.com", b"files.example.com"], unclear),
    ];
    for (name, origin, lines, expected) in rows {
        let lines: Vec<_> = lines.iter().map(|line| ("host", *line)).collect();
        check(&verifier(), name, &get(&format!("{origin}{}", bound(HOST)), &lines), *expected);
    }

    let rows: &[(&str, &str, &[u8], Outcome)] = &[
        ("IPv4", "192.0.2.7", b"192.0.2.7:80", Ok(())),
        ("IPv6", "[2001:db8::1]", b"[2001:DB8::1]", Ok(())),
        ("IPv6, a port that is dropped", "[2001:db8::1]", b"[2001:db8::1]:443", Ok(())),
        ("IPv6 that ends like a port", "[2001:db8::80]", b"[2001:db8::80]", Ok(())),
        ("IPv6 that ends like a port, cut", "[2001:db8:]", b"[2001:db8::80]", other),
        ("a port", "h.example:8443", b"H.example:8443", Ok(())),
        ("a port that the request leaves out", "h.example:8443", b"h.example", other),
        ("signed in upper case", "H.example", b"H.example", other),
        ("signed with a port that is dropped", "h.example:443", b"h.example:443", other),
    ];
    for (name, signed, shown, expected) in rows {
        check(&verifier(), name, &get(&bound(signed), &[("host", shown)]), *expected);
    }
    // What proxies say of the host is for them, or whoever pretends to be one.
    for name in ["x-forwarded-host", "x-host", "x-original-host", "forwarded", "x-http-host-override"] {
        let lines: &[(&str, &[u8])] = &[("host", b"evil.example"), (name, b"files.example.com")];
        check(&verifier(), name, &get(&bound(HOST), lines), other);
    }
}

async fn serve() -> SocketAddr {
    let tell_kind = |rejected: Rejected<'_>| {
        let kind = format!("{:?}", rejected.rejection().kind());
        Response::builder().status(rejected.status()).body(kind).unwrap()
    };
    let layer = SignedUrlLayer::new(verifier()).on_reject(tell_kind);
    let nested = Router::new().route("/in", axum::routing::get(async || "passed"));
    let app = Router::new().nest("/nested", nested).fallback(async || "passed").layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    server
}

/// Status and body of the answer to a request as it is written, but for its end.
async fn answer_http1(server: SocketAddr, head: String) -> (u16, String) {
    let exchange = move || {
        let mut stream = std::net::TcpStream::connect(server).unwrap();
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

#[tokio::test]
async fn over_http_1() {
    let server = serve().await;
    for (name, target, lines, expected) in [
        ("Host", "", "host: files.example.com\r\n", (200, "passed")),
        ("Host, letter case and :443", "", "HOST:   Files.Example.com:443  \r\n", (200, "passed")),
        ("another Host", "", "host: evil.example\r\n", (403, "NotAuthentic")),
        ("another port", "", "host: files.example.com:8080\r\n", (403, "NotAuthentic")),
        ("a user", "", "host: user@files.example.com\r\n", (403, "Context")),
        ("no Host", "", "", (403, "Context")),
        ("an empty Host", "", "host:\r\n", (403, "Context")),
        ("two Host lines, equal", "", "host: files.example.com\r\nhost: files.example.com\r\n", (403, "Context")),
        ("two Host lines, another first", "", "host: evil.example\r\nhost: files.example.com\r\n", (403, "Context")),
        ("two Host lines, another last", "", "host: files.example.com\r\nHost: evil.example\r\n", (403, "Context")),
        ("absolute form", "http://files.example.com", "host: files.example.com\r\n", (200, "passed")),
        ("absolute form, :80", "http://files.example.com:80", "host: files.example.com\r\n", (200, "passed")),
        ("absolute form, no Host", "http://files.example.com", "", (200, "passed")),
        ("absolute form, another Host", "http://files.example.com", "host: evil.example\r\n", (403, "Context")),
        ("another absolute form", "http://evil.example", "host: files.example.com\r\n", (403, "Context")),
        ("absolute form, a user", "http://u@files.example.com", "host: files.example.com\r\n", (403, "Context")),
        ("absolute form, a user, no Host", "http://u:p@files.example.com", "", (403, "Context")),
    ] {
        for version in ["1.1", "1.0"] {
            let head = format!("GET {target}{} HTTP/{version}\r\n{lines}", bound(HOST));
            let answer = answer_http1(server, head).await;
            assert_eq!((answer.0, &*answer.1), expected, "HTTP/{version}: {name}");
        }
    }
    let nested = super::sign("/nested/in?exp=1790000000&sig-bind=host", "\nhost:files.example.com");
    for (name, origin, host, expected) in [
        ("nested", "", HOST, (200, "passed")),
        ("nested, absolute form", "http://files.example.com", HOST, (200, "passed")),
        ("nested, another", "", "evil.example", (403, "NotAuthentic")),
        ("nested, both", "http://evil.example", HOST, (403, "Context")),
    ] {
        let answer = answer_http1(server, format!("GET {origin}{nested} HTTP/1.1\r\nhost: {host}\r\n")).await;
        assert_eq!((answer.0, &*answer.1), expected, "{name}");
    }
}

#[tokio::test]
async fn over_http_2() {
    let server = serve().await;
    for (name, authority, lines, expected) in [
        ("authority", "files.example.com", &[][..], (200, "passed")),
        ("authority, letter case", "Files.Example.COM", &[], (200, "passed")),
        ("authority, :443", "files.example.com:443", &[], (200, "passed")),
        ("another authority", "evil.example", &[], (403, "NotAuthentic")),
        ("another port", "files.example.com:8080", &[], (403, "NotAuthentic")),
        ("authority and Host", "files.example.com", &["files.example.com"], (200, "passed")),
        ("authority and Host, letter case", "FILES.example.com", &["files.example.com:443"], (200, "passed")),
        ("authority, another Host", "files.example.com", &["evil.example"], (403, "Context")),
        ("another authority, Host", "evil.example", &["files.example.com"], (403, "Context")),
        ("authority, two Host", "files.example.com", &["files.example.com", "files.example.com"], (403, "Context")),
        ("authority, an empty Host", "files.example.com", &[""], (403, "Context")),
        ("authority, a user in Host", "files.example.com", &["user@files.example.com"], (403, "Context")),
    ] {
        let mut request = Request::get(format!("http://{authority}{}", bound(HOST)));
        for line in lines {
            request = request.header("host", *line);
        }
        let mut client = connect_http2(server).await;
        let answer = client.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((status, &*body), (expected.0, expected.1.as_bytes()), "{name}");
    }
}
