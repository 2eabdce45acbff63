//! What nginx writes about links: method, path and status, and no signature.

use std::fs::read_to_string;

use tower::Layer;
use tower_signed_url::{SignedUrlLayer, Verifier};

use super::*;
use crate::log::Log;
use crate::support::{figure_keys, free_port};

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_path().build().unwrap()
}

fn request(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
}

/// Method, path and status of a line, without who and when, and how much.
fn told(line: &str) -> &str {
    line.split_once("] ").unwrap().1.rsplit_once(' ').unwrap().0
}

#[test]
fn the_access_log_holds_no_signature() {
    let folder = folder();
    let layer = SignedUrlLayer::new(verifier());
    let server = Server::start(Router::new().fallback_service(layer.layer(app(&folder))));
    // The mistake: it shows that there is something to be kept out.
    let snippet = LOGS.replace("links.log links;", "links.log links; access_log /var/log/nginx/combined.log combined;");
    let Some(mut nginx) = Nginx::start(&snippet, server.address) else { return };

    let link = link("/files/a.txt");
    let (_, mac) = link.rsplit_once('=').unwrap();
    let token = verifier().signer().scope("/files/").sign_until(at(NOW + 1000)).unwrap();
    let in_query = token.in_query("/files/a.txt").unwrap().into_string();
    let in_path = token.in_path("/files/a.txt").unwrap().into_string();
    let segment = in_path.split('/').nth(1).unwrap();
    let token_mac = in_query.rsplit_once('=').unwrap().1;
    let referer = format!("referer: http://a{link}\r\nhost:");
    let query = link.split_once('?').unwrap().1;
    let long = "a".repeat(40_000);
    let upload = request("PUT", &link).replace("host:", "content-length: 1500000\r\nhost:") + &"a".repeat(1_500_000);
    let encoded = link.replace('?', "%3F");
    let twice = encoded.replace('=', "%3D").replace('&', "%26").replace('%', "%25");
    let mut expected = Vec::new();
    for (row, request, logged) in [
        ("a link", request("GET", &link), "GET /files/a.txt 200"),
        ("HEAD", request("HEAD", &link), "HEAD /files/a.txt 200"),
        ("another method", request("PUT", &link), "PUT /files/a.txt 403"),
        ("tampered", request("GET", &link.replace("a.txt", "b.txt")), "GET /files/b.txt 403"),
        ("a way round", request("GET", &format!("/x/..//files/./a.txt?{query}")), "GET /files/a.txt 403"),
        ("an absolute URL", request("GET", &format!("http://b{link}")), "GET /files/a.txt 200"),
        ("its ? encoded", request("GET", &encoded), "GET - 403"),
        ("its ? lost", request("GET", &link.replace('?', "&")), "GET - 403"),
        ("all of it encoded", request("GET", &encoded.replace('=', "%3D").replace('&', "%26")), "GET - 403"),
        ("all of it encoded twice", request("GET", &twice), "GET - 403"),
        ("a Referer", request("GET", &link).replace("host:", &referer), "GET /files/a.txt 200"),
        ("a token in the query", request("GET", &in_query), "GET /files/a.txt 200"),
        ("in the path", request("GET", &in_path), "GET /~/files/a.txt 200"),
        ("in the path, alone", request("GET", &format!("/{segment}")), "GET /~ 403"),
        ("in the path, twice", request("GET", &format!("/{segment}{in_path}")), "GET - 403"),
        ("in the path, later", request("GET", &format!("/cdn{in_path}")), "GET /cdn/~/files/a.txt 403"),
        ("in the path, its ~ encoded", request("GET", &in_path.replace('~', "%7E")), "GET /~/files/a.txt 403"),
        ("in the path, and a link", request("GET", &format!("{in_path}?{query}")), "GET /~/files/a.txt 403"),
        ("in the path, and a link encoded", request("GET", &format!("/{segment}{encoded}")), "GET - 404"),
        ("after another ~", request("GET", &format!("/~user{in_path}")), "GET - 403"),
        ("in the path, its ~ lost", request("GET", &format!("/{}", &in_path[2..])), "GET - 403"),
        ("in the path, amid a segment", request("GET", &format!("/x{}", &in_path[1..])), "GET - 403"),
        ("another ~ alone", request("GET", "/~user/a"), "GET /~user/a 403"),
        // What nginx answers itself.
        ("too large an upload", upload, "PUT /files/a.txt 413"),
        ("too far up", request("GET", &format!("/../a?{query}")), "GET - 400"),
        ("no escape", request("GET", &format!("/%zz?{query}")), "GET - 400"),
        ("a null byte", request("GET", &format!("/%00?{query}")), "GET - 400"),
        ("a space", request("GET", &format!("/a b?{query}")), "- - 400"),
        ("a method in lower case", request("get", &link), "- - 400"),
        ("no method", request("", &link), "- - 400"),
        ("CONNECT", request("CONNECT", &link), "CONNECT /files/a.txt 405"),
        ("no version", format!("GET {link}\r\n"), "GET /files/a.txt 200"),
        ("another version", request("GET", &link).replace("/1.1", "/9.9"), "- - 505"),
        ("another protocol", request("GET", &link).replace("HTTP/1.1", "SPDY"), "- - 400"),
        ("no host", request("GET", &link).replace("host: a\r\n", ""), "GET /files/a.txt 400"),
        ("two hosts", request("GET", &link).replace("host:", "host: b\r\nhost:"), "GET /files/a.txt 400"),
        ("a field of nonsense", request("GET", &link).replace("host:", "a b\0: c\r\nhost:"), "GET /files/a.txt 400"),
        ("too long a target", request("GET", &format!("{link}&{long}")), "- - 414"),
        (
            "too long a field",
            request("GET", &link).replace("host:", &format!("{long}\r\nhost:")),
            "GET /files/a.txt 400",
        ),
    ] {
        nginx.raw(request.as_bytes());
        expected.push((row, logged));
    }
    nginx.stop();

    let log = |name: &str| Log::new(read_to_string(nginx.file(name)).unwrap());
    let links = log("/var/log/nginx/links.log");
    assert_eq!(links.text.lines().count(), expected.len(), "{}", links.text);
    for (line, (row, logged)) in links.text.lines().zip(expected) {
        assert_eq!(told(line), logged, "{row}");
    }
    let combined = log("/var/log/nginx/combined.log");
    for (credential, secret) in [("a link", mac), ("a token", token_mac), ("a token in the path", &segment[40..])] {
        assert_eq!(links.signature(secret), None, "{credential}");
        assert!(combined.signature(secret).is_some(), "{credential}");
    }
    assert_eq!(links.expiry(), None);
    assert_eq!(log("/var/log/nginx/error.log").text, "");
}

/// Why the lines of the snippet belong into the port's default server, too.
#[test]
fn what_nginx_cannot_read_is_logged_by_the_default_server() {
    let folder = folder();
    let server = Server::start(app(&folder).layer(SignedUrlLayer::new(fixed_verifier())));
    let default = "server { listen 80 default_server; access_log /var/log/nginx/combined.log combined; return 404; }";
    let Some(mut nginx) = Nginx::start(&format!("{default}{LOGS}"), server.address) else { return };
    let link = link("/say");
    let (_, mac) = link.rsplit_once('=').unwrap();
    let sound = request("GET", &link).replace("host: a", "host: example.com");
    for request in [&sound, &sound.replace("host:", "a b\0: c\r\nhost:"), &request("GET", &link)] {
        nginx.raw(request.as_bytes());
    }
    nginx.stop();
    let log = |name: &str| read_to_string(nginx.file(name)).unwrap();
    assert_eq!(log("/var/log/nginx/links.log").lines().map(told).collect::<Vec<_>>(), ["GET /say 200"]);
    let others = log("/var/log/nginx/combined.log");
    assert_eq!(others.lines().filter(|line| line.contains(mac)).count(), 2, "{others}");
}

/// What nginx says when the application does not answer, and when it cannot write to its disk: with each message come the
/// first line of the request, the URL that it asked the application for, and the `Referer`.
#[test]
fn the_error_log_holds_no_signature() {
    let (_nobody, nobody) = free_port();
    let (advised, levels) = ("error_log /var/log/nginx/error.log emerg;", ["error", "crit", "alert", "emerg"]);
    let all = levels.map(|level| format!("error_log /var/log/nginx/at-{level}.log {level};")).concat();
    let snippet = LOGS.replace(advised, &format!("{advised} {all}"));
    let Some(mut nginx) = Nginx::start(&snippet, nobody) else { return };

    let link = link("/files/a.txt");
    let (_, mac) = link.rsplit_once('=').unwrap();
    let log = |name: &str| Log::new(read_to_string(nginx.file(&format!("/var/log/nginx/{name}.log"))).unwrap());
    let signed = || levels.map(|level| log(&format!("at-{level}")).signature(mac).is_some());
    assert_eq!(nginx.get(&link).status, 502);
    assert_eq!(signed(), [true, false, false, false], "the application is down");

    // A folder that is a file: not even root can write an upload into it.
    let folder = nginx.file("body");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    assert_eq!(exchange(nginx.address, "PUT", &link, &[], &[b'a'; 100_000]).status, 500);
    assert_eq!(signed(), [true, true, false, false], "the disk fails");
    assert_eq!(log("error").text, "");
    // What was served ill is in the other log.
    nginx.stop();
    let links = read_to_string(nginx.file("/var/log/nginx/links.log")).unwrap();
    assert_eq!(links.lines().map(told).collect::<Vec<_>>(), ["GET /files/a.txt 502", "PUT /files/a.txt 500"]);
}
