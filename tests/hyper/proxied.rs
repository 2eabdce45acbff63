//! What the proxy of the examples makes of what passes: fields, versions, bodies, and a server that is down or slow.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::service_fn;

use super::bodies::echo;
use super::program::until;
use super::proxy::{HOUR, STACKS, assert_holds_none_of, link, secrets, signer, start, upstream};
use super::support::{exchange, free_port};
use super::{Stack, fed, nothing, whole};

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

/// RFC 9110 section 7.6.1.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_hop_ends_there() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let fields = [
        ("connection", "X-One, x-forwarded-for"),
        ("connection", "host ,x-three"),
        ("x-one", "1"),
        ("x-three", "3"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("proxy-authorization", "Basic x"),
        ("proxy-connection", "keep-alive"),
        ("forwarded", "for=192.0.2.1;host=evil.example"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        // To a server that makes variables of fields, the same name.
        ("x_forwarded_for", "192.0.2.1"),
        ("cookie", "a=1; b=2"),
        ("x-kept", "1"),
    ];
    let reply = exchange(server.address, "GET", &link(Method::GET, "/a"), &fields, b"");
    assert_eq!(reply.status, 200);
    let head = seen.lock().unwrap().pop().unwrap();
    assert_eq!(names(&head.headers), ["cookie", "host", "x-forwarded-for", "x-kept"]);
    assert_eq!(head.headers["x-forwarded-for"], "127.0.0.1");
    let mut names: Vec<_> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let own = ["cache-control", "connection", "content-length", "date", "referrer-policy"];
    assert_eq!(names, [&own[..], &["set-cookie", "set-cookie", "vary", "x-robots-tag", "x-trailers"]].concat());
    // The server's own for its client, which wants it closed, and not the one behind's.
    assert_eq!(reply.header("connection"), Some("close"));
}

/// A link may be limited to them: the server is not to see others than were checked.
#[tokio::test(flavor = "multi_thread")]
async fn host_and_media_type_are_never_for_one_hop() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let image = signer().url("/a").method(Method::PUT).media_type("image/png").sign_for(HOUR).unwrap();
    let authority = format!("http://user:pw@b.example{}", image.as_str());
    for (row, target, fields, host) in [
        ("named by Connection", image.as_str(), "host: a.example\r\nconnection: host, content-type", "a.example"),
        ("two hosts", image.as_str(), "host: a.example\r\nhost: b.example", "a.example"),
        ("user information", &authority, "host: b.example", "b.example"),
    ] {
        let head = format!("PUT {target} HTTP/1.1\r\n{fields}\r\ncontent-type: image/png\r\nconnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{row}: {answer}");
        let headers = seen.lock().unwrap().pop().unwrap().headers;
        assert_eq!(headers.get_all("host").iter().collect::<Vec<_>>(), [host], "{row}");
        assert_eq!(headers["content-type"], "image/png", "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_speaks_its_own_http() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let signed = link(Method::GET, "/a");

    // A target with a host counts for more than `Host` (RFC 9112 section 3.2.2).
    let reply = exchange(server.address, "GET", &format!("http://example.com{signed}"), &[], b"");
    assert_eq!(reply.status, 200);
    let head = seen.lock().unwrap().pop().unwrap();
    assert_eq!((head.uri.to_string(), &head.headers["host"]), ("/a".into(), &"example.com".parse().unwrap()));

    // RFC 9113 section 8.2.3.
    let mut client = Stack::AutoHttp2.connect(server.address).await;
    assert_eq!(client.ask("GET", &signed, &[("cookie", "a=1"), ("cookie", "b=2")], nothing()).await.status, 200);
    let head = seen.lock().unwrap().pop().unwrap();
    assert_eq!(head.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);

    for stack in STACKS {
        let mut client = stack.connect(server.address).await;
        let head = client.ask("HEAD", &signed, &[], nothing()).await;
        assert_eq!((head.status, head.field("content-length"), &*head.body), (200, Some("11"), &b""[..]), "{stack:?}");
        let unchanged = client.ask("GET", &link(Method::GET, "/unchanged"), &[], nothing()).await;
        assert_eq!((unchanged.status, &*unchanged.body), (304, &b""[..]), "{stack:?}");
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = start(listener.local_addr().unwrap());
    let old = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        until_head_ends(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nold").await.unwrap();
    });
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {signed} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("old"), "{answer}");
    old.await.unwrap();
}

async fn until_head_ends(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways() {
    const PIECE: usize = 1 << 16;
    const PIECES: usize = 64;
    let server = start(Stack::Http1.serve(service_fn(echo)).await);
    let put = link(Method::PUT, "/a");
    for stack in STACKS {
        let (feed, body) = fed();
        let answer = stack.connect(server.address).await.send("PUT", &put, &[], body).await.unwrap();
        assert_eq!(answer.status(), 200, "{stack:?}");
        let mut body = answer.into_body();
        // It comes back before the next piece is sent.
        feed.send(Ok(Frame::data("first".into()))).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first", "{stack:?}");
        let pieces = (0..PIECES).map(|n| Bytes::from(vec![u8::try_from(n).unwrap(); PIECE]));
        pieces.clone().for_each(|piece| feed.send(Ok(Frame::data(piece))).unwrap());
        drop(feed);
        let echoed = body.collect().await.unwrap().to_bytes();
        assert!(echoed == pieces.collect::<Vec<_>>().concat(), "{stack:?}: {} bytes", echoed.len());
    }

    let (behind, seen) = upstream().await;
    let server = start(behind);
    for stack in STACKS {
        let mut client = stack.connect(server.address).await;
        let (feed, body) = fed();
        feed.send(Ok(Frame::trailers(HeaderMap::from_iter([("x-sum".parse().unwrap(), 9.into())])))).unwrap();
        drop(feed);
        let answer = client.ask("PUT", &put, &[("trailer", "x-sum")], body).await;
        assert_eq!(answer.field("x-trailers"), Some(r#"Some({"x-sum": "9"})"#), "{stack:?}");

        let limited = signer().url("/a").method(Method::PUT).max_bytes(5).sign_for(HOUR).unwrap();
        for (body, expected) in [(whole("hello"), 200), (whole("hello!"), 413)] {
            assert_eq!(client.ask("PUT", limited.as_str(), &[], body).await.status, expected, "{stack:?}");
        }
    }
    let lengths =
        seen.lock().unwrap().iter().map(|head| head.headers.get("content-length").cloned()).collect::<Vec<_>>();
    assert_eq!(lengths, [None, Some(5.into()), None, Some(5.into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_a_bad_gateway() {
    let (_nobody, nobody) = free_port();
    let server = start(nobody);
    let signed = link(Method::GET, "/a");
    for stack in STACKS {
        let mut client = stack.connect(server.address).await;
        for (target, status, body) in
            [(&*signed, 502, "The server does not answer."), ("/a", 403, "This link is not valid here.")]
        {
            let answer = client.get(target).await;
            assert_eq!((answer.status, &*answer.body), (status, body.as_bytes()), "{stack:?}");
        }
    }
    let log = server.stop().log;
    assert!(log.contains("response failed"), "{log}");
    assert_holds_none_of(&log, &secrets(&signed), "the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_ended_before_it_stops() {
    let (asked, may_answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (by_service, awaited) = (Arc::clone(&asked), Arc::clone(&may_answer));
    let slow = move |_: Request<Incoming>| {
        by_service.add_permits(1);
        let awaited = Arc::clone(&awaited);
        async move {
            awaited.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("at last")))
        }
    };
    let mut server = start(Stack::Http1.serve(service_fn(slow)).await);
    let address = server.address;
    let signed = link(Method::GET, "/a");
    let answers = STACKS.map(|stack| {
        let signed = signed.clone();
        tokio::spawn(async move { stack.connect(address).await.get(&signed).await.body })
    });
    // Long enough for any machine.
    timeout(Duration::from_secs(60), asked.acquire_many(2)).await.unwrap().unwrap().forget();
    server.interrupt();
    until("it takes no more", || std::net::TcpStream::connect(address).err());
    may_answer.add_permits(2);
    for answer in answers {
        assert_eq!(answer.await.unwrap(), "at last");
    }
    assert_eq!(server.exit_code(), Some(0));
}
