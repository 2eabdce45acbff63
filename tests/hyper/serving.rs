//! What links open and what is refused, alike over HTTP/1 and HTTP/2; files; the host that a request is for.

use std::fs;

use http::Method;
use tower::{Layer, service_fn};
use tower_http::services::ServeDir;
use tower_signed_url::{SignedUrlLayer, SoftExpiryLayer, Verifier, context, reject};

use super::support::{ENDED, NOW, at, earlier, figure_keys};
use super::wire::tell_kind;
use super::{STACKS, fed, fixed_verifier, link, link_for, nothing, report, signed, whole};

#[tokio::test]
async fn a_link_opens_what_it_is_for() {
    let expired = earlier().url("/a?w=1").sign_until(at(NOW)).unwrap();
    for stack in STACKS {
        let server = stack.serve(signed().layer(service_fn(report))).await;
        let mut client = stack.connect(server).await;
        let origin = if stack.is_http2() { format!("http://{server}") } else { String::new() };
        for (row, method, target, expected) in [
            ("a link", "GET", link("/a?w=1"), Ok("/a?w=1")),
            ("HEAD", "HEAD", link("/a?w=1"), Ok("/a?w=1")),
            ("a link to the root", "GET", link("/"), Ok("/")),
            ("a link for another method", "PUT", link_for("PUT", "/a"), Ok("/a")),
            ("OPTIONS, with a link for it", "OPTIONS", link_for("OPTIONS", "/a"), Ok("/a")),
            ("no link", "GET", "/a?w=1".into(), Err((403, "Missing"))),
            ("no link, HEAD", "HEAD", "/a?w=1".into(), Err((403, "Missing"))),
            ("no link, OPTIONS", "OPTIONS", "/a".into(), Err((403, "Missing"))),
            ("tampered with", "GET", link("/a?w=1").replace("w=1", "w=2"), Err((403, "NotAuthentic"))),
            ("another method", "DELETE", link("/a?w=1"), Err((403, "Method"))),
            ("expired", "GET", expired.to_string(), Err((410, "Expired"))),
        ] {
            let referer = format!("http://{server}{}", link("/page"));
            let answer = client.ask(method, &target, &[("referer", &referer)], nothing()).await;
            let name = format!("{stack:?}: {row}");
            match expected {
                Ok(path) => {
                    assert_eq!(answer.told(), (200, &*format!("{origin}{path}")), "{name}");
                    assert_eq!(answer.field("x-granted"), Some("true"), "{name}");
                    assert_eq!(answer.field("x-referer"), Some(&*format!("http://{server}/page")), "{name}");
                    assert_eq!(answer.field("cache-control"), Some("private, max-age=1000"), "{name}");
                    assert_eq!(answer.field("x-robots-tag"), Some("noindex"), "{name}");
                }
                Err((status, kind)) => {
                    assert_eq!(answer.told(), (status, kind), "{name}");
                    assert_eq!(answer.body, if method == "HEAD" { "" } else { kind }, "{name}");
                    assert_eq!(answer.field("content-length"), Some(&*kind.len().to_string()), "{name}");
                    assert_eq!(answer.field("cache-control"), Some("no-store"), "{name}");
                }
            }
            assert_eq!(answer.field("referrer-policy"), Some("no-referrer"), "{name}");
        }
    }
}

#[tokio::test]
async fn an_upload_is_limited_by_its_link() {
    let signer = fixed_verifier().signer();
    let link = signer.url("/a").method(Method::PUT).max_bytes(5).media_type("image/*");
    let link = link.sign_until(at(NOW + 1000)).unwrap();
    for stack in STACKS {
        let server = stack.serve(signed().layer(service_fn(report))).await;
        for (row, media_type, body, expected) in [
            ("the most", "image/png", whole("hello"), (200, "hello")),
            ("one more", "image/png", whole("hello!"), (413, "TooLarge")),
            ("another type", "text/html", whole("hello"), (415, "MediaType")),
            ("no length", "image/png", fed().1, (411, "LengthRequired")),
        ] {
            let mut client = stack.connect(server).await;
            let answer = client.ask("PUT", link.as_str(), &[("content-type", media_type)], body).await;
            assert_eq!((answer.status, &*answer.body), (expected.0, expected.1.as_bytes()), "{stack:?}: {row}");
        }
    }
}

/// On one connection, which a refusal leaves open, also with an upload on its way.
#[tokio::test]
async fn a_refusal_leaves_the_connection_open() {
    for stack in STACKS {
        let server = stack.serve(signed().layer(service_fn(report))).await;
        let mut client = stack.connect(server).await;
        for row in ["first", "second"] {
            assert_eq!(client.get("/a").await.status, 403, "{stack:?}: {row}");
            assert_eq!(client.ask("PUT", "/a", &[], whole("unread")).await.status, 403, "{stack:?}: {row}");
            assert_eq!(client.ask("HEAD", "/a", &[], nothing()).await.status, 403, "{stack:?}: {row}");
            let answer = client.ask("PUT", &link_for("PUT", "/a"), &[], whole("read")).await;
            assert_eq!((answer.status, &*answer.body), (200, &b"read"[..]), "{stack:?}: {row}");
        }
        if stack.is_http2() {
            // Over HTTP/1 the rest of it would have to be read first.
            let (feed, upload) = fed();
            assert_eq!(client.ask("PUT", "/a", &[], upload).await.status, 403, "{stack:?}");
            assert_eq!(client.get(&link("/a")).await.status, 200, "{stack:?}");
            drop(feed);
        }
    }
}

#[tokio::test]
async fn files_are_served_without_a_framework() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    fs::write(root.path().join("a.txt"), "0123456789").unwrap();
    fs::write(root.path().join("folder/index.html"), "index").unwrap();
    for stack in STACKS {
        let server = stack.serve(signed().layer(ServeDir::new(root.path()))).await;
        let mut client = stack.connect(server).await;
        let modified = client.get(&link("/a.txt")).await.field("last-modified").unwrap().to_owned();
        for (row, method, target, field, expected) in [
            ("a file", "GET", link("/a.txt"), ("accept", "*/*"), (200, "0123456789")),
            ("HEAD", "HEAD", link("/a.txt"), ("accept", "*/*"), (200, "")),
            ("a part", "GET", link("/a.txt"), ("range", "bytes=2-4"), (206, "234")),
            ("unchanged", "GET", link("/a.txt"), ("if-modified-since", &*modified), (304, "")),
            ("a folder's page", "GET", link("/folder/"), ("accept", "*/*"), (200, "index")),
            ("no such file", "GET", link("/b.txt"), ("accept", "*/*"), (404, "")),
            ("no link", "GET", "/a.txt".into(), ("accept", "*/*"), (403, "Missing")),
            ("no link, no such file", "GET", "/b.txt".into(), ("accept", "*/*"), (403, "Missing")),
            ("no link, a part", "GET", "/a.txt".into(), ("range", "bytes=2-4"), (403, "Missing")),
        ] {
            let answer = client.ask(method, &target, &[field], nothing()).await;
            let name = format!("{stack:?}: {row}");
            assert_eq!((answer.status, &*answer.body), (expected.0, expected.1.as_bytes()), "{name}");
            let cache = match expected.0 {
                403 => "no-store",
                404 => "private, max-age=0",
                _ => "private, max-age=1000",
            };
            assert_eq!(answer.field("cache-control"), Some(cache), "{name}");
        }
        let redirect = client.get(&link("/folder")).await;
        let origin = if stack.is_http2() { format!("http://{server}") } else { String::new() };
        let folder = format!("{origin}/folder/");
        assert_eq!((redirect.status, redirect.field("location")), (307, Some(&*folder)), "{stack:?}");
    }
}

/// `contexts/host.rs` has what there is to say of hosts; here is where hyper shows them.
#[tokio::test]
async fn a_link_may_be_bound_to_the_host() {
    let bound = |host: &str| {
        let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).bind("host", context::host());
        let verifier = verifier.build().unwrap();
        let link = verifier.signer().url("/a").bind("host", host).sign_until(at(NOW + 1000)).unwrap();
        (SignedUrlLayer::new(&verifier).on_reject(tell_kind), link.into_string())
    };
    for stack in STACKS {
        let server = stack.serve(bound("unused").0.layer(service_fn(report))).await;
        let mut client = stack.connect(server).await;
        let own = server.to_string();
        for (row, host, fields, expected) in [
            ("its own", &*own, &[][..], 200),
            ("another", "files.example.com", &[], 403),
            ("another port", "127.0.0.1:1", &[], 403),
            ("a second one", &*own, &[("host", "files.example.com")], 403),
        ] {
            let answer = client.ask("GET", &bound(host).1, fields, nothing()).await;
            assert_eq!(answer.status, expected, "{stack:?}: {row}");
        }
    }
}

/// Over HTTP/2 hyper leaves it to the service not to answer `HEAD` with a body, and a client breaks off at one.
#[tokio::test]
async fn head_is_refused_without_a_body() {
    let soft = SoftExpiryLayer::unsigned().with_clock(|| at(NOW));
    let problem = signed().on_reject(reject::problem_json);
    let length_of_its_own = signed().on_reject(|rejected| {
        let answer = http::Response::builder().status(rejected.status()).header("content-length", 3);
        answer.body("no!").unwrap()
    });
    for stack in STACKS {
        for (row, server, target, expected) in [
            ("soft expiry", stack.serve(soft.layer(service_fn(report))).await, "/a?exp=1", (410, ENDED.len())),
            ("a problem", stack.serve(problem.layer(service_fn(report))).await, "/a", (403, PROBLEM.len())),
            ("its own length", stack.serve(length_of_its_own.layer(service_fn(report))).await, "/a", (403, 3)),
        ] {
            let mut client = stack.connect(server).await;
            for method in ["HEAD", "GET"] {
                let answer = client.ask(method, target, &[], nothing()).await;
                let length = expected.1.to_string();
                let told = (answer.status, answer.field("content-length"));
                assert_eq!(told, (expected.0, Some(&*length)), "{stack:?}: {row}, {method}");
                let sent = if method == "HEAD" { 0 } else { expected.1 };
                assert_eq!(answer.body.len(), sent, "{stack:?}: {row}, {method}");
            }
        }
    }
}

const PROBLEM: &str =
    r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"This link is not valid here."}"#;
