//! The reverse proxy of the examples, run as the program that it is, in front of a server of hyper's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::service_fn;
use tower_signed_url::{Keyring, Policy, ScopeToken, Signer};

use super::bodies::echo;
use super::program::{Server, Stopped, example, until};
use super::support::exchange;
use super::{Stack, fed, nothing, whole};

const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const HOUR: Duration = Duration::from_secs(3600);
/// What a client may speak to the program.
const STACKS: [Stack; 2] = [Stack::AutoHttp1, Stack::AutoHttp2];

/// The heads of the requests that came through.
type Seen = Arc<Mutex<Vec<Parts>>>;

/// A server that knows nothing of links, and says a word too many about its connection.
async fn upstream() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let by_service = Arc::clone(&seen);
    let service = move |request: Request<Incoming>| {
        let seen = Arc::clone(&by_service);
        async move {
            let (head, body) = request.into_parts();
            let trailers = body.collect().await.unwrap().trailers().cloned();
            let status = if head.uri.path() == "/unchanged" { 304 } else { 200 };
            seen.lock().unwrap().push(head);
            let answer = Response::builder()
                .status(status)
                .header("connection", "keep-alive, X-Hop")
                .header("x-hop", "1")
                .header("keep-alive", "timeout=5")
                .header("upgrade", "h2c")
                .header("proxy-authenticate", "Basic")
                .header("set-cookie", "a=1")
                .header("set-cookie", "b=2")
                .header("x-trailers", format!("{trailers:?}"));
            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from("from behind")).unwrap())
        }
    };
    (Stack::Http1.serve(service_fn(service)).await, seen)
}

fn start(upstream: SocketAddr) -> Server {
    Server::of(&mut example("proxy", &[&format!("http://{upstream}"), "127.0.0.1:0"], Some(KEYS)))
}

fn signer() -> Signer {
    let policy = Policy::new().allow_context("password").allow_client_ip();
    Signer::new(&KEYS.parse::<Keyring>().unwrap()).with_policy(policy).unwrap()
}

fn link(method: Method, target: &str) -> String {
    signer().url(target).method(method).sign_for(HOUR).unwrap().into_string()
}

fn token() -> ScopeToken {
    signer().scope("/docs/").sign_for(HOUR).unwrap()
}

/// What no server behind, and no log, may hold.
fn secrets(credential: &str) -> Vec<String> {
    let mac = credential.rsplit('.').next().unwrap().to_owned();
    vec![mac, "exp=".into(), "sig=".into(), "sig-".into(), URL_SAFE_NO_PAD.encode("sig-scope=/docs/")[..16].into()]
}

#[track_caller]
fn assert_holds_none_of(text: &str, secrets: &[String], name: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{name}: {secret} is in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_through_holds_no_credential() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    assert!(server.told_to("open").starts_with("/?exp="));
    let (exact, token) = (link(Method::GET, "/a?w=1"), token());
    let cookie = format!("a=1; signed-url={}; b=2", URL_SAFE_NO_PAD.encode(token.as_str()));
    let password = signer().url("/a").bind("password", "pw").sign_for(HOUR).unwrap().into_string();
    let here = signer().url("/a").client_ip("127.0.0.0/8").sign_for(HOUR).unwrap().into_string();
    let referer = format!("http://{}{exact}", server.address);
    for stack in STACKS {
        let mut client = stack.connect(server.address).await;
        for (row, target, field, expected) in [
            ("a link", exact.clone(), ("x-none", ""), "/a?w=1"),
            ("a link from a page", exact.clone(), ("referer", &*referer), "/a?w=1"),
            ("a link that a proxy repeats", exact.clone(), ("x-original-uri", &*exact), "/a?w=1"),
            ("a link for this client", here.clone(), ("x-none", ""), "/a"),
            ("a link with a password", password.clone(), ("authorization", "Basic OnB3"), "/a"),
            ("a token", format!("/docs/a?w=1&{token}"), ("x-none", ""), "/docs/a?w=1"),
            ("a token in a cookie", "/docs/a".into(), ("cookie", &*cookie), "/docs/a"),
            ("a token in the path", token.in_path("/docs/a").unwrap().into_string(), ("x-none", ""), "/docs/a"),
        ] {
            let name = format!("{stack:?}: {row}");
            let answer = client.ask("GET", &target, &[field], nothing()).await;
            assert_eq!((answer.status, &*answer.body), (200, &b"from behind"[..]), "{name}");
            assert_eq!(answer.field("referrer-policy"), Some("no-referrer"), "{name}");
            let head = seen.lock().unwrap().pop().unwrap();
            assert_eq!(head.uri, expected, "{name}");
            assert_eq!(head.headers["host"], server.address.to_string(), "{name}");
            assert_eq!(head.headers.get("cookie").is_some(), row == "a token in a cookie", "{name}");
            assert!(!head.headers.contains_key("authorization"), "{name}");
            assert_holds_none_of(&format!("{head:?}"), &secrets(&exact), &name);
            assert_holds_none_of(&format!("{head:?}"), &secrets(token.as_str()), &name);
        }
    }
    let Stopped { printed, log } = server.stop();
    assert_eq!(printed, [""; 0]);
    assert!(log.contains("uri=/a?w=1 ") && log.contains("status=200"), "{log}");
    for credential in [&exact, token.as_str(), &password, &here] {
        assert_holds_none_of(&log, &secrets(credential), "the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_good_link_does_not_come_through() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let signed = link(Method::GET, "/a?w=1");
    let expired = signer().with_clock(|| SystemTime::now() - 2 * HOUR);
    let expired = expired.url("/a").sign_for(HOUR).unwrap().into_string();
    let elsewhere = signer().url("/a").client_ip("192.0.2.1").sign_for(HOUR).unwrap().into_string();
    let password = signer().url("/a").bind("password", "pw").sign_for(HOUR).unwrap().into_string();
    for stack in STACKS {
        let mut client = stack.connect(server.address).await;
        for (row, method, target, expected) in [
            ("no link", "GET", "/a?w=1", 403),
            ("no link, HEAD", "HEAD", "/a?w=1", 403),
            ("no link, PUT", "PUT", "/a?w=1", 403),
            ("tampered with", "GET", &signed.replace("w=1", "w=2"), 403),
            ("another path", "GET", &signed.replace("/a?", "/b?"), 403),
            ("another method", "PUT", &signed, 403),
            ("expired", "GET", &expired, 410),
            ("another client's", "GET", &elsewhere, 403),
            ("no password", "GET", &password, 401),
            ("beside a token's scope", "GET", &format!("/other/a?{}", token()), 403),
        ] {
            // A client's word for its address is worth nothing.
            let fields = [("x-forwarded-for", "192.0.2.1"), ("x-none", "")];
            let answer = client.ask(method, target, &fields, nothing()).await;
            assert_eq!(answer.status, expected, "{stack:?}: {row}");
        }
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
    let log = server.stop().log;
    assert!(log.contains("status=403") && log.contains("status=410"), "{log}");
    for credential in [&signed, &expired, &elsewhere, &password, token().as_str()] {
        assert_holds_none_of(&log, &secrets(credential), "the log");
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
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
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
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
    asked.acquire_many(2).await.unwrap().forget();
    server.interrupt();
    until("it takes no more", || std::net::TcpStream::connect(address).err());
    may_answer.add_permits(2);
    for answer in answers {
        assert_eq!(answer.await.unwrap(), "at last");
    }
    assert_eq!(server.exit_code(), Some(0));
}

/// h2 tells of targets that it cannot read. This one's signature is good.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_http_2_cannot_read_is_not_logged() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let target = format!("{} ", link(Method::GET, "/a"));
    // RFC 7541: fields of the static table, and two values as they are.
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(0x01, "h"), (0x04, &*target)] {
        block.extend([name, u8::try_from(value.len()).unwrap()]);
        block.extend(value.as_bytes());
    }
    assert!(target.len() < 127);
    let length = u8::try_from(block.len()).unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0, 0, 0, 4, 0, 0, 0, 0, 0][..]].concat();
    let headers = [&[0, 0, length, 1, 5, 0, 0, 0, 1], &block[..]].concat();
    stream.write_all(&[preface, headers].concat()).await.unwrap();
    // Frames up to the one that resets the stream.
    let mut frame = [0; 9];
    while frame[3] != 3 {
        stream.read_exact(&mut frame).await.unwrap();
        let mut payload = vec![0; usize::from(frame[1]) << 8 | usize::from(frame[2])];
        stream.read_exact(&mut payload).await.unwrap();
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
    drop(stream);
    assert_holds_none_of(&server.stop().log, &secrets(target.trim()), "the log");
}

#[test]
fn it_says_what_it_needs() {
    for args in [&[][..], &["127.0.0.1:8080"], &["https://127.0.0.1:8080"], &["http://127.0.0.1:8080/path"]] {
        let output = example("proxy", args, None).output().unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("proxy http://127.0.0.1:8080 [LISTEN]"), "{args:?}: {said}");
    }
    let args = ["http://127.0.0.1:1", "127.0.0.1:0"];
    let generated = Server::of(&mut example("proxy", &args, None));
    let note = "SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart";
    assert_eq!(generated.next_line(), note);
    assert_eq!(generated.get(&generated.told_to("open")).status, 502);
}

/// As its documentation says.
#[cfg(feature = "axum")]
#[tokio::test(flavor = "multi_thread")]
async fn the_file_server_signs_for_it() {
    let (behind, seen) = upstream().await;
    let server = start(behind);
    let host = server.address.to_string();
    let sign = |args: &[&str]| {
        let output = example("file_server", &[&["sign"], args].concat(), Some(KEYS)).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    let image = sign(&["/inbox/cat.png", "--method", "PUT", "--type", "image/png"]);
    let docs = format!("/docs/a?{}", sign(&["/docs/", "--scope"]));
    let bound = sign(&["/a", "--bind-host", &host, "--ip", "127.0.0.1", "--download", "a.txt"]);
    let password = sign(&["/a", "--password", "pw"]);
    for (row, method, target, field, expected) in [
        ("an upload", "PUT", &image, ("content-type", "image/png"), 200),
        ("an upload of another type", "PUT", &image, ("content-type", "text/html"), 415),
        ("a folder", "GET", &docs, ("x-none", ""), 200),
        ("host and client", "GET", &bound, ("x-none", ""), 200),
        ("a password", "GET", &password, ("authorization", "Basic OnB3"), 200),
        ("a wrong password", "GET", &password, ("authorization", "Basic OnB4"), 401),
    ] {
        let reply = exchange(server.address, method, target, &[field], b"");
        assert_eq!(reply.status, expected, "{row}");
    }
    let paths: Vec<_> = seen.lock().unwrap().iter().map(|head| head.uri.to_string()).collect();
    assert_eq!(paths, ["/inbox/cat.png", "/docs/a", "/a", "/a"]);
}
