//! nginx sends requests on as they came.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU8;

use axum::extract::WebSocketUpgrade;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use tower::Layer;
use tower_signed_url::{DEFAULT_COOKIE, SignedUrlLayer, Verifier, client_ip, context};

use super::*;
use crate::support::figure_keys;
use crate::wire::read_raw;

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .bind("password", context::basic_password())
        .bind("host", context::host())
        .client_ip(client_ip::x_forwarded_for(NonZeroU8::MIN))
        .build()
        .unwrap()
}

/// The application, and nginx in front of it.
fn start(folder: &TempDir) -> Option<(Server, Nginx)> {
    let layer = SignedUrlLayer::new(verifier());
    let server = Server::start(Router::new().fallback_service(layer.layer(app(folder))));
    let nginx = Nginx::start(PASSED_THROUGH, server.address)?;
    Some((server, nginx))
}

#[test]
fn a_link_is_judged_as_without_nginx() {
    let folder = folder();
    let Some((server, nginx)) = start(&folder) else { return };
    let expired = earlier().url("/files/a.txt").sign_until(at(NOW)).unwrap().into_string();
    for (row, target, status, body) in [
        ("a link", link("/files/a.txt"), 200, "a.txt"),
        ("tampered", link("/files/a.txt").replace("a.txt", "%41.txt"), 403, INVALID),
        ("tampered, the time", link("/files/a.txt").replace("exp=1", "exp=2"), 403, INVALID),
        ("expired", expired, 410, ENDED),
        ("without", "/files/a.txt".into(), 403, INVALID),
        ("without, no such file", "/files/b.txt".into(), 403, INVALID),
        ("a query", link("/say?q=a+b%20c&r=%2B"), 200, "GET /say?q=a+b%20c&r=%2B 0"),
        ("a query, tampered", link("/say?q=a+b").replace("a+b", "a%20b"), 403, INVALID),
        ("an empty query", link("/say?"), 200, "GET /say? 0"),
    ] {
        assert_eq!(answer(nginx.get(&target)), (status, body.into()), "{row}");
        let direct = exchange(server.address, "GET", &target, &[], b"");
        assert_eq!(answer(direct), (status, body.into()), "{row}, without nginx");
    }
    for (written, name) in NAMES {
        let target = link(&format!("/files/{written}"));
        assert_eq!(answer(nginx.get(&target)), (200, name.into()), "{written}");
    }
}

#[test]
fn tokens_open_their_scope_in_every_carrier() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder) else { return };
    let token = verifier().signer().scope("/files/").sign_until(at(NOW + 1000)).unwrap();
    let cookie = cookie(&token);
    let get = |target: &str, cookie: &str| answer(exchange(nginx.address, "GET", target, &[("cookie", cookie)], b""));
    for (written, name) in NAMES {
        let path = format!("/files/{written}");
        assert_eq!(get(token.in_query(&path).unwrap().as_str(), "a=1"), (200, name.into()), "query: {written}");
        assert_eq!(get(token.in_path(&path).unwrap().as_str(), "a=1"), (200, name.into()), "path: {written}");
        assert_eq!(get(&path, &cookie), (200, name.into()), "cookie: {written}");
    }
    let in_query = token.in_query("/files/a.txt").unwrap().into_string();
    let in_path = token.in_path("/files/a.txt").unwrap().into_string();
    let outside =
        ["/say", "/files", "/files/../say", "/files/%2e%2e/say", "/files/..%2fsay", "/files/..;/say", "/files//a.txt"];
    for path in outside {
        assert_eq!(get(&in_query.replace("/files/a.txt", path), "a=1"), (403, INVALID.into()), "query: {path}");
        assert_eq!(get(&in_path.replace("/files/a.txt", path), "a=1"), (403, INVALID.into()), "path: {path}");
        assert_eq!(get(path, &cookie), (403, INVALID.into()), "cookie: {path}");
    }
}

/// nginx chooses a `location` by a path that it has decoded and tidied up, and sends the path on as it came.
#[test]
fn a_path_in_another_spelling_opens_nothing() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder) else { return };
    let link = link("/files/a.txt");
    for (path, status) in [
        ("/files/a.txt", 200),
        ("http://elsewhere.example/files/a.txt", 200),
        ("http://elsewhere.example//files/a.txt", 403),
        ("//files/a.txt", 403),
        ("/files//a.txt", 403),
        ("/files/./a.txt", 403),
        ("/files/../files/a.txt", 403),
        ("/x/../files/a.txt", 403),
        ("/files/%2e%2e/files/a.txt", 403),
        ("/files/a%2Etxt", 403),
        ("/files%2fa.txt", 403),
        ("/files\\a.txt", 403),
        ("/files/a.txt%3f", 403),
        ("/files/a.txt#", 403),
        ("/files/a.txté", 403),
        // What nginx itself does not read.
        ("/../files/a.txt", 400),
        ("/files/a.txt%00", 400),
        ("/files/a.txt%zz", 400),
    ] {
        assert_eq!(nginx.get(&link.replace("/files/a.txt", path)).status, status, "{path}");
    }
}

#[test]
fn uploads_are_limited() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder) else { return };
    let signer = verifier().signer();
    let any = finish(signer.url("/inbox").method(Method::PUT));
    let limited = finish(signer.url("/inbox").method(Method::PUT).max_bytes(5).media_type("text/*"));
    // More than nginx takes where its configuration says nothing about that.
    let large = vec![b'a'; 1_500_000];
    for (row, method, target, media_type, body, expected) in [
        ("any", "PUT", &any, "image/png", &b"abcdef"[..], (200, "PUT /inbox 6")),
        ("large", "PUT", &any, "image/png", &large, (200, "PUT /inbox 1500000")),
        ("another method", "POST", &any, "image/png", b"abcdef", (403, INVALID)),
        ("as it may be", "PUT", &limited, "text/plain", b"abcde", (200, "PUT /inbox 5")),
        ("too large", "PUT", &limited, "text/plain", b"abcdef", (413, "This link takes no upload as large as this.")),
        ("another type", "PUT", &limited, "image/png", b"abcde", (415, "This link takes no upload of this type.")),
    ] {
        let reply = exchange(nginx.address, method, target, &[("content-type", media_type)], body);
        assert_eq!(answer(reply), (expected.0, expected.1.into()), "{row}");
    }
    // nginx reads an upload of unknown length to its end and says how long it was, so none is answered 411.
    for (chunk, status) in [("5\r\nabcde\r\n", 200), ("6\r\nabcdef\r\n", 413)] {
        let head = "host: a\r\nconnection: close\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked";
        let answer = nginx.raw(format!("PUT {limited} HTTP/1.1\r\n{head}\r\n\r\n{chunk}0\r\n\r\n").as_bytes());
        assert_eq!(read_raw(&answer, &[]).0, status, "{chunk:?}: {answer}");
    }
}

#[test]
fn a_link_is_bound_to_what_nginx_passes_on() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder) else { return };
    let signer = verifier().signer();
    let by_password = finish(signer.url("/say").bind("password", "open sesame"));
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!(":{password}")));
    let (right, wrong) = (basic("open sesame"), basic("close sesame"));
    let host = nginx.address.ip().to_string();
    let here = finish(signer.url("/say").bind("host", &host));
    // nginx goes by the host of an absolute URL, whatever `Host` says.
    let absolute = |link: &str| format!("http://example.com{link}");
    let elsewhere = finish(signer.url("/say").bind("host", "example.com"));
    let own = finish(signer.url("/say").client_ip("127.0.0.1"));
    let others = finish(signer.url("/say").client_ip("192.0.2.7"));
    for (row, target, field, status) in [
        ("no password", &by_password, ("x-a", "b"), 401),
        ("a wrong password", &by_password, ("authorization", &*wrong), 401),
        ("the password", &by_password, ("authorization", &*right), 200),
        ("the host", &here, ("x-a", "b"), 200),
        ("another host", &elsewhere, ("x-a", "b"), 403),
        ("the host of `Host`, in another's absolute URL", &absolute(&here), ("x-a", "b"), 403),
        ("the host of an absolute URL", &absolute(&elsewhere), ("x-a", "b"), 200),
        ("the address", &own, ("x-a", "b"), 200),
        ("the address, another invented", &own, ("x-forwarded-for", "192.0.2.7"), 200),
        ("another address", &others, ("x-a", "b"), 403),
        ("another address, invented", &others, ("x-forwarded-for", "192.0.2.7"), 403),
    ] {
        let reply = exchange(nginx.address, "GET", target, &[field], b"");
        assert_eq!(reply.status, status, "{row}");
        let asks = reply.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm="));
        assert_eq!(asks, status == 401, "{row}");
    }
}

/// nginx takes `Upgrade` for a word to itself, unless it is told to pass it on.
#[test]
fn a_websocket_needs_its_three_lines() {
    let open = async |socket: WebSocketUpgrade| socket.on_upgrade(async |_| ());
    let app = Router::new().route("/socket", any(open)).layer(SignedUrlLayer::new(verifier()));
    let server = Server::start(app);
    let lines = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;";
    let told = PASSED_THROUGH.replace("proxy_set_header Host", &format!("{lines} proxy_set_header Host"));
    for (row, snippet, expected) in [("as it is", PASSED_THROUGH, [400, 403]), ("with them", &told, [101, 403])] {
        let Some(nginx) = Nginx::start(snippet, server.address) else { return };
        let statuses = [link("/socket"), "/socket".into()].map(|target| {
            let mut stream = TcpStream::connect(nginx.address).unwrap();
            let handshake = format!(
                "GET {target} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            stream.write_all(handshake.as_bytes()).unwrap();
            let mut status_line = [0; 12];
            stream.read_exact(&mut status_line).unwrap();
            str::from_utf8(&status_line[9..]).unwrap().parse::<u16>().unwrap()
        });
        assert_eq!(statuses, expected, "{row}");
    }
}

#[test]
fn a_file_is_served_in_parts_and_not_twice() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder) else { return };
    let target = link("/files/my%20report.txt");
    let ask = |method: &str, field| exchange(nginx.address, method, &target, &[field], b"");
    let whole = ask("GET", ("x-a", "b"));
    assert_eq!(whole.header("cache-control"), Some("private, max-age=1000"));
    assert_eq!(whole.header("referrer-policy"), Some("no-referrer"));
    let modified = whole.header("last-modified").unwrap();
    for (row, method, field, expected) in [
        ("whole", "GET", ("x-a", "b"), (200, "my report.txt")),
        ("HEAD", "HEAD", ("x-a", "b"), (200, "")),
        ("a range", "GET", ("range", "bytes=3-8"), (206, "report")),
        ("a range beyond", "GET", ("range", "bytes=99-"), (416, "")),
        ("not modified", "GET", ("if-modified-since", modified), (304, "")),
    ] {
        let reply = ask(method, field);
        if method == "HEAD" {
            assert_eq!(reply.header("content-length"), Some("13"), "{row}");
        }
        assert_eq!(answer(reply), (expected.0, expected.1.into()), "{row}");
    }
}
