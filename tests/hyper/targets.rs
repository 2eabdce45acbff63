//! What a request line may hold besides a path, and several requests on one connection, in raw bytes.

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Layer, service_fn};

use super::wire::read_raw;
use super::{Sender, Stack, link, link_for, nothing, report, signed};

const HTTP1: [Stack; 2] = [Stack::Http1, Stack::AutoHttp1];
const TOLD: &[&str] = &["x-kind", "x-uri"];

/// All that the server says until it closes the connection.
async fn raw(server: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Long enough for any machine.
    timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn over_http_1_a_target_has_many_forms() {
    let (a, root) = (link("/a?w=1"), link("/"));
    let put = link_for("PUT", "/a");
    let connect = link_for("CONNECT", "/a");
    for stack in HTTP1 {
        let strict = stack.serve(signed().layer(service_fn(report))).await;
        let optional = stack.serve(signed().optional().layer(service_fn(report))).await;
        // The second is what an optional layer makes of it.
        for (row, line, expected, if_optional) in [
            ("origin form", format!("GET {a}"), (200, "/a?w=1"), (200, "/a?w=1")),
            ("a fragment", format!("GET {a}#top"), (200, "/a?w=1"), (200, "/a?w=1")),
            ("absolute form", format!("GET http://h{a}"), (200, "http://h/a?w=1"), (200, "http://h/a?w=1")),
            ("another scheme", format!("GET ftp://h{a}"), (200, "ftp://h/a?w=1"), (200, "ftp://h/a?w=1")),
            ("another host", format!("GET http://x{a}"), (200, "http://x/a?w=1"), (200, "http://x/a?w=1")),
            ("absolute form, PUT", format!("PUT http://h{put}"), (200, "http://h/a"), (200, "http://h/a")),
            ("absolute form, no link", "GET http://h/a".into(), (403, "Missing"), (200, "http://h/a")),
            ("no path", format!("GET http://h{}", &root[1..]), (403, "Malformed"), (403, "Malformed")),
            ("two slashes", format!("GET /{a}"), (403, "NotAuthentic"), (403, "NotAuthentic")),
            (
                "tampered with",
                format!("GET http://h{}", a.replace("w=1", "w=2")),
                (403, "NotAuthentic"),
                (403, "NotAuthentic"),
            ),
            ("asterisk form", "OPTIONS *".into(), (403, "Missing"), (200, "*")),
            ("asterisk form, GET", "GET *".into(), (403, "Missing"), (200, "*")),
            ("authority form", "CONNECT h:443".into(), (403, "Missing"), (200, "h:443")),
            ("CONNECT to a path", format!("CONNECT {connect}"), (200, "/a"), (200, "/a")),
            ("a link with a space", format!("GET {a} "), (400, ""), (400, "")),
        ] {
            let request = format!("{line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
            for (server, expected) in [(strict, expected), (optional, if_optional)] {
                assert_eq!(read_raw(&raw(server, &request).await, TOLD), expected, "{stack:?}: {row}");
            }
        }
        let old = raw(strict, &format!("GET {a} HTTP/1.0\r\n\r\n")).await;
        assert_eq!(read_raw(&old, TOLD), (200, "/a?w=1"), "{stack:?}");
    }
}

#[tokio::test]
async fn over_http_2_a_target_has_many_forms() {
    let a = link("/a?w=1");
    for stack in [Stack::Http2, Stack::AutoHttp2] {
        let strict = stack.serve(signed().layer(service_fn(report))).await;
        let optional = stack.serve(signed().optional().layer(service_fn(report))).await;
        for (row, method, uri, expected, if_optional) in [
            ("a link", "GET", format!("http://h{a}"), (200, "http://h/a?w=1"), (200, "http://h/a?w=1")),
            ("https", "GET", format!("https://h{a}"), (200, "https://h/a?w=1"), (200, "https://h/a?w=1")),
            ("no link", "GET", "http://h/a".into(), (403, "Missing"), (200, "http://h/a")),
            ("no path", "OPTIONS", "http://h".into(), (403, "Missing"), (200, "http://h/")),
            ("asterisk form", "OPTIONS", "*".into(), (403, "Missing"), (200, "*")),
            ("CONNECT", "CONNECT", "h:443".into(), (403, "Missing"), (200, "h:443")),
        ] {
            for (server, expected) in [(strict, expected), (optional, if_optional)] {
                let Sender::Http2(mut sender) = stack.connect(server).await.sender else { unreachable!() };
                let request = Request::builder().method(method).uri(&uri).body(nothing()).unwrap();
                let answer = sender.send_request(request).await.unwrap();
                let told = answer.headers().get("x-kind").or(answer.headers().get("x-uri")).unwrap();
                assert_eq!((answer.status().as_u16(), told.to_str().unwrap()), expected, "{stack:?}: {row}");
            }
        }
    }
}

/// A body that nobody read is not taken for a request.
#[tokio::test]
async fn over_http_1_requests_follow_each_other() {
    const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    let a = link("/a");
    let length = SMUGGLED.len();
    let requests = [
        "GET /a HTTP/1.1\r\nhost: h\r\n\r\n".into(),
        format!("PUT {a} HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
        format!("GET {a} HTTP/1.1\r\nhost: h\r\n\r\n"),
        format!(
            "POST /a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"
        ),
        "HEAD /a HTTP/1.1\r\nhost: h\r\n\r\n".into(),
        format!("GET {a} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"),
    ];
    for stack in HTTP1 {
        let server = stack.serve(signed().layer(service_fn(report))).await;
        let answers = raw(server, &requests.concat()).await;
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["403", "403", "200", "403", "403", "200"], "{stack:?}: {answers}");
    }
}

/// Nor is it waited for.
#[tokio::test]
async fn over_http_1_an_upload_that_is_refused_ends_the_connection() {
    for stack in HTTP1 {
        let server = stack.serve(signed().layer(service_fn(report))).await;
        let answer = raw(server, "PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 1048576\r\n\r\n").await;
        assert_eq!(read_raw(&answer, TOLD), (403, "Missing"), "{stack:?}");
    }
}
