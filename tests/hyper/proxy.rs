//! The reverse proxy of the examples, run as the program that it is: what it lets through, and what of a link is left then.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::service_fn;
use tower_signed_url::{Keyring, Policy, ScopeToken, Signer};

use super::program::{Server, Stopped, example};
use super::{Stack, nothing};

const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const HOUR: Duration = Duration::from_secs(3600);
/// What a client may speak to the program.
pub const STACKS: [Stack; 2] = [Stack::AutoHttp1, Stack::AutoHttp2];

/// The heads of the requests that came through.
pub type Seen = Arc<Mutex<Vec<Parts>>>;

/// A server that knows nothing of links, and says a word too many about its connection.
pub async fn upstream() -> (SocketAddr, Seen) {
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

pub fn start(upstream: SocketAddr) -> Server {
    Server::of(&mut example("proxy", &[&format!("http://{upstream}"), "127.0.0.1:0"], Some(KEYS)))
}

pub fn signer() -> Signer {
    let policy = Policy::new().allow_context("password").allow_client_ip();
    Signer::new(&KEYS.parse::<Keyring>().unwrap()).with_policy(policy).unwrap()
}

pub fn link(method: Method, target: &str) -> String {
    signer().url(target).method(method).sign_for(HOUR).unwrap().into_string()
}

fn token() -> ScopeToken {
    signer().scope("/docs/").sign_for(HOUR).unwrap()
}

/// What no server behind, and no log, may hold.
pub fn secrets(credential: &str) -> Vec<String> {
    let mac = credential.rsplit('.').next().unwrap().to_owned();
    vec![mac, "exp=".into(), "sig=".into(), "sig-".into(), URL_SAFE_NO_PAD.encode("sig-scope=/docs/")[..16].into()]
}

#[track_caller]
pub fn assert_holds_none_of(text: &str, secrets: &[String], name: &str) {
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
    let mut client = Stack::AutoHttp2.connect(server.address).await;
    for (row, method, target, field, expected) in [
        ("an upload", "PUT", &image, ("content-type", "image/png"), 200),
        ("an upload of another type", "PUT", &image, ("content-type", "text/html"), 415),
        ("a folder", "GET", &docs, ("x-none", ""), 200),
        ("host and client", "GET", &bound, ("x-none", ""), 200),
        ("a password", "GET", &password, ("authorization", "Basic OnB3"), 200),
        ("a wrong password", "GET", &password, ("authorization", "Basic OnB4"), 401),
    ] {
        assert_eq!(client.ask(method, target, &[field], nothing()).await.status, expected, "{row}");
    }
    let paths: Vec<_> = seen.lock().unwrap().iter().map(|head| head.uri.to_string()).collect();
    assert_eq!(paths, ["/inbox/cat.png", "/docs/a", "/a", "/a"]);
}
