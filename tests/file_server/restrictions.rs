//! Every restriction that `sign` puts on a link: kept to by the server, and refused with the status that it has.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_signed_url::{Mint, Minted, Policy, Signer};

use super::support::{Reply, at, exchange};
use super::{FIVE_MINUTES, Folder, HOUR, Server, signed, signer};

const TARGET: &str = "/files/a.txt";

#[test]
fn every_option_does_what_the_signer_does() {
    let options = "--expires 1h --method PUT --method POST --not-before 2h --ip 192.0.2.0/24 --ip ::1 \
                   --bind-host example.com --password secret --max-bytes 1024 --type image/* --download b.txt --id a-7";
    let options: Vec<_> = options.split_ascii_whitespace().collect();
    let earliest = SystemTime::now() + 2 * HOUR;
    let link = signed(&[&[TARGET], &*options].concat());
    let token = signed(&[&["/files/", "--scope"], &*options].concat());
    let latest = SystemTime::now() + 2 * HOUR + Duration::from_secs(1);

    let signer = lenient_signer();
    for text in [&link, &token] {
        let time = |name| at(parameter(text, name).parse().unwrap());
        let (begins_at, expires_at) = (time("sig-start"), time("exp"));
        assert!((earliest..=latest).contains(&begins_at), "{text}");
        assert_eq!(expires_at, begins_at + HOUR, "{text}");

        let expected = if *text == link {
            restricted(signer.url(TARGET), begins_at).sign_until(expires_at).unwrap().into_string()
        } else {
            restricted(signer.scope("/files/"), begins_at).sign_until(expires_at).unwrap().to_string()
        };
        assert_eq!(*text, expected);
    }
}

fn restricted<O: Minted>(mint: Mint<'_, O>, begins_at: SystemTime) -> Mint<'_, O> {
    mint.method(Method::PUT)
        .method(Method::POST)
        .not_before(begins_at)
        .client_ip("192.0.2.0/24")
        .client_ip("::1")
        .bind("host", "example.com")
        .bind("password", "secret")
        .max_bytes(1024)
        .media_type("image/*")
        .download("b.txt")
        .id("a-7")
}

#[test]
fn all_restrictions_of_a_link_hold_at_once() {
    let folder = folder();
    let server = folder.serve();
    let host = server.address.to_string();
    let options =
        ["--method", "PUT", "--ip", "127.0.0.1", "--bind-host", &host, "--password", "secret", "--max-bytes", "4"];
    let more = ["--not-before", "1s", "--type", "text/plain", "--download", "b.txt", "--id", "a-7"];
    let link = signed(&[&["/files/new.txt"], &options[..], &more].concat());
    let token = signed(&[&["/files/", "--scope"], &options[..], &more].concat());

    let password = ("authorization", &*basic("secret"));
    let text = ("content-type", "text/plain");
    for (target, stored) in [(link, 201), (format!("/files/new.txt?{token}"), 204)] {
        for (method, headers, length, status) in [
            ("PUT", &[password, text][..], "4", stored),
            ("PUT", &[password, text], "5", 413),
            ("PUT", &[password, ("content-type", "text/html")], "4", 415),
            ("PUT", &[text], "4", 401),
            ("GET", &[password, text], "4", 403),
        ] {
            let headers = [headers, &[("content-length", length)]].concat();
            let reply = if status == stored {
                exchange(server.address, method, &target, &headers[..2], b"1234")
            } else {
                exchange(server.address, method, &target, &headers, b"")
            };
            assert_eq!(reply.status, status, "{method} {target} {headers:?}");
        }
    }
    assert_eq!(fs::read(folder.root().join("new.txt")).unwrap(), b"1234");
}

#[test]
fn methods_add_up() {
    let folder = folder();
    let server = folder.serve();
    for (options, allowed) in [
        (&[][..], &["GET", "HEAD"][..]),
        (&["--method", "GET"], &["GET", "HEAD"]),
        (&["--method", "HEAD"], &["HEAD"]),
        (&["--method", "PUT"], &["PUT"]),
        (&["--method", "PUT", "--method", "GET", "--method", "PUT"], &["GET", "HEAD", "PUT"]),
    ] {
        let link = signed(&[&[TARGET], options].concat());
        for (method, status) in [("GET", 200), ("HEAD", 200), ("PUT", 204), ("POST", 403), ("DELETE", 403)] {
            let expected = if allowed.contains(&method) { status } else { 403 };
            assert_eq!(exchange(server.address, method, &link, &[], b"").status, expected, "{method} {options:?}");
        }
    }
}

#[test]
fn a_link_works_from_its_beginning_on() {
    let folder = folder();
    let server = folder.serve();
    for (wait, status) in [("1s", 200), ("2m", 403), ("1h", 403), ("300h", 403)] {
        let link = signed(&[TARGET, "--not-before", wait]);
        assert_eq!(server.get(&link).status, status, "{wait}");
    }
}

#[test]
fn a_link_works_from_its_addresses() {
    let folder = folder();
    let server = folder.serve();
    for (options, status) in [
        (&["--ip", "127.0.0.1"][..], 200),
        (&["--ip", "127.0.0.0/8"], 200),
        (&["--ip", "192.0.2.7", "--ip", "127.0.0.1"], 200),
        (&["--ip", "192.0.2.7"], 403),
        (&["--ip", "127.0.0.2"], 403),
        (&["--ip", "192.0.2.0/24", "--ip", "2001:db8::/32"], 403),
        (&["--ip", "::1"], 403),
    ] {
        let link = signed(&[&[TARGET], options].concat());
        assert_eq!(server.get(&link).status, status, "{options:?}");
        // Nobody's word is taken for where he is.
        let claims = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        let reply = exchange(server.address, "GET", &link, &claims, b"");
        assert_eq!(reply.status, status, "{options:?}");
    }
}

#[test]
fn a_link_works_under_its_host() {
    let folder = folder();
    let server = folder.serve();
    let address = server.address.to_string();
    for (bound, host, status) in [
        (&*address, &*address, 200),
        ("example.com", "example.com", 200),
        ("example.com", "EXAMPLE.com:80", 200),
        ("example.com:8080", "example.com:8080", 200),
        ("example.com", "example.com:8080", 403),
        ("example.com", "www.example.com", 403),
        ("example.com", &address, 403),
        ("example.com", "user@example.com", 403),
        ("example.com", "example.com\r\nhost: example.com", 403),
    ] {
        let link = signed(&[TARGET, "--bind-host", bound]);
        assert_eq!(get_under(host, &server, &link), status, "{bound} {host}");
    }
}

#[test]
fn a_link_asks_for_its_password() {
    let folder = folder();
    let server = folder.serve();
    let password = "it's: ü";
    let link = signed(&[TARGET, "--password", password]);
    assert!(link.contains("&sig-bind=password&") && !link.contains("it's"), "{link}");
    let ask = |link: &str, field: &str| exchange(server.address, "GET", link, &[("authorization", field)], b"");

    let right = ask(&link, &basic(password));
    assert_eq!((right.status, &*right.body), (200, &b"a"[..]));
    let tampered = link.replace("a.txt", "b.txt");
    for (refused, why) in [
        (server.get(&link), "none"),
        (ask(&link, &basic("wrong")), "another"),
        (ask(&link, &basic("")), "empty"),
        (ask(&link, &basic(password).replace("Basic", "Bearer")), "not Basic"),
        (ask(&tampered, &basic(password)), "another file"),
    ] {
        assert_eq!(refused.status, 401, "{why}");
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"Link\", charset=\"UTF-8\""), "{why}");
    }

    // A dead link does not tell whether a password is right.
    let past = lenient_signer().with_clock(|| SystemTime::now() - HOUR);
    let dead = past.url(TARGET).bind("password", password).sign_for(FIVE_MINUTES).unwrap();
    for field in [basic(password), basic("wrong")] {
        let refused = ask(dead.as_str(), &field);
        assert_eq!((refused.status, refused.header("www-authenticate")), (403, None));
    }
}

#[test]
fn an_upload_is_no_larger_than_its_link_allows() {
    let folder = folder();
    let server = folder.serve();
    let target = "/files/new.txt";
    let link = |max: &str| signed(&[target, "--method", "PUT", "--max-bytes", max]);
    let put = |max: &str, headers: &[_], body: &[u8]| exchange(server.address, "PUT", &link(max), headers, body).status;

    let before = folder.everything();
    assert_eq!(put("4", &[("content-length", "5")], b""), 413);
    assert_eq!(put("0", &[("content-length", "1")], b""), 413);
    assert_eq!(put("4", &[("transfer-encoding", "chunked")], b""), 411);
    assert_eq!(put("4", &[], b""), 411);
    assert_eq!(folder.everything(), before);

    assert_eq!(put("4", &[], b"1234"), 201);
    assert_eq!(put("18446744073709551615", &[], b"12"), 204);
    assert_eq!(put("0", &[("content-length", "0")], b""), 204);
}

#[test]
fn an_upload_is_of_the_type_that_its_link_allows() {
    let folder = folder();
    let server = folder.serve();
    for (allowed, sent, status) in [
        ("image/png", Some("image/png"), 204),
        ("image/png", Some("Image/PNG; q=1"), 204),
        ("image/*", Some("image/webp"), 204),
        ("image/png", Some("image/webp"), 415),
        ("image/*", Some("text/plain"), 415),
        ("image/png", None, 415),
    ] {
        let link = signed(&[TARGET, "--method", "PUT", "--type", allowed]);
        let headers: Vec<_> = sent.map(|sent| ("content-type", sent)).into_iter().collect();
        assert_eq!(exchange(server.address, "PUT", &link, &headers, b"").status, status, "{allowed} {sent:?}");
    }
}

#[test]
fn a_download_has_the_name_that_its_link_gives() {
    let folder = folder();
    let server = folder.serve();
    let disposition = |reply: &Reply| reply.header("content-disposition").map(String::from);
    assert_eq!(disposition(&server.get(&signed(&[TARGET]))), None);
    for (name, field) in [
        ("report.txt", "attachment; filename=\"report.txt\"; filename*=UTF-8''report.txt"),
        ("für \"dich\".txt", "attachment; filename=\"f_r _dich_.txt\"; filename*=UTF-8''f%C3%BCr%20%22dich%22.txt"),
    ] {
        let link = signed(&[TARGET, "--download", name]);
        for method in ["GET", "HEAD"] {
            let reply = exchange(server.address, method, &link, &[], b"");
            assert_eq!((reply.status, disposition(&reply).as_deref()), (200, Some(field)), "{method}");
        }
        let missing = server.get(&signed(&["/files/missing.txt", "--download", name]));
        assert_eq!((missing.status, disposition(&missing)), (404, None));
        let renamed = link.replace("sig-download=", "sig-download=x");
        assert_eq!(server.get(&renamed).status, 403);
    }
}

#[test]
fn a_link_bears_its_name() {
    let folder = folder();
    let server = folder.serve();
    let link = signed(&[TARGET, "--id", "order-7"]);
    assert_eq!(parameter(&link, "sig-id"), "order-7");
    assert_eq!(server.get(&link).status, 200);
    assert_eq!(server.get(&link.replace("order-7", "order-8")).status, 403);
}

#[test]
fn what_expires_is_gone_whatever_else_holds() {
    let folder = folder();
    let server = folder.serve();
    let past = lenient_signer().with_clock(|| SystemTime::now() - HOUR);
    let mint = past.url(TARGET).client_ip("192.0.2.7").max_bytes(1).media_type("a/b").download("b").id("7");
    assert_eq!(server.get(mint.sign_for(FIVE_MINUTES).unwrap().as_str()).status, 410);
}

/// A folder with `a.txt` in it.
fn folder() -> Folder {
    let folder = Folder::new();
    fs::write(folder.root().join("a.txt"), "a").unwrap();
    folder
}

/// A signer that lets links be limited to anything.
fn lenient_signer() -> Signer {
    let policy = Policy::new().allow_context("host").allow_context("password").allow_client_ip();
    signer().with_policy(policy).unwrap()
}

fn parameter<'l>(link: &'l str, name: &str) -> &'l str {
    let mut pairs = link.split(['?', '&']).filter_map(|parameter| parameter.split_once('='));
    pairs.find(|(found, _)| *found == name).unwrap().1
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anyone:{password}")))
}

/// The status of an answer to a request whose `Host` is this.
fn get_under(host: &str, server: &Server, target: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
