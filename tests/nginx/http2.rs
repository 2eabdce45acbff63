//! HTTP/2 to nginx, asked by curl, and HTTP/1 from there.

use std::fs::read_to_string;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use http::Method;
use tower_signed_url::{SignedUrlLayer, Verifier, context};

use super::*;
use crate::support::{figure_keys, is_installed};

/// nginx with a certificate that is thrown away.
fn start(snippet: &str, app: SocketAddr) -> Option<Nginx> {
    if !["openssl", "curl"].into_iter().all(is_installed) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["etc/ssl/certs", "etc/ssl/private"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-keyout", "etc/ssl/private/example.com.key", "-out", "etc/ssl/certs/example.com.pem"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(snippet.contains("\n    listen 80;\n"), "{snippet}");
    Nginx::start_in(folder, &snippet.replace("\n    listen 80;\n", HTTP2), app)
}

/// The body, the version of HTTP and the status.
fn curl(nginx: &Nginx, target: &str, arguments: &[&str], body: &str) -> (String, u16) {
    let mut child = Command::new("curl")
        .args(["--http2", "--insecure", "--silent", "--show-error", "--globoff", "--path-as-is"])
        .args(["--noproxy", "*", "--write-out", "\n%{http_version} %{http_code}"])
        .args(arguments)
        .arg(format!("https://{}{target}", nginx.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{target}: {}", output.status);
    let answer = String::from_utf8(output.stdout).unwrap();
    let (body, told) = answer.rsplit_once('\n').unwrap();
    (body.to_owned(), told.strip_prefix("2 ").unwrap_or_else(|| panic!("{target}: HTTP/{told}")).parse().unwrap())
}

#[test]
fn http2_in_front_changes_nothing() {
    let folder = folder();
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).bind("host", context::host()).build().unwrap();
    let server = Server::start(app(&folder).layer(SignedUrlLayer::new(&verifier)));
    let Some(nginx) = start(PASSED_THROUGH, server.address) else { return };

    for (written, name) in NAMES {
        assert_eq!(curl(&nginx, &link(&format!("/files/{written}")), &[], ""), (name.into(), 200), "{written}");
    }
    let signer = verifier.signer();
    let here = finish(signer.url("/say").bind("host", &nginx.address.ip().to_string()));
    let elsewhere = finish(signer.url("/say").bind("host", "example.com"));
    let upload = finish(signer.url("/inbox").method(Method::PUT).max_bytes(5));
    let expired = earlier().url("/say").sign_until(at(NOW)).unwrap().into_string();
    // As curl sends what it reads as it comes, it does not tell its length.
    let (get, put) = (&[][..], &["--upload-file", "-"][..]);
    for (row, target, arguments, body, expected) in [
        ("a query", &link("/say?q=a+b%20c"), get, "", ("GET /say?q=a+b%20c 0", 200)),
        ("tampered", &link("/say").replace("exp=1", "exp=2"), get, "", (INVALID, 403)),
        ("another path", &link("/say").replace("say", "%73ay"), get, "", (INVALID, 403)),
        ("a path with a way round", &link("/say").replace("/say", "/x/../say"), get, "", (INVALID, 403)),
        ("expired", &expired, get, "", (ENDED, 410)),
        ("the host", &here, get, "", ("GET /say 0", 200)),
        ("another host", &elsewhere, get, "", (INVALID, 403)),
        ("an upload", &upload, put, "abcde", ("PUT /inbox 5", 200)),
        ("too large an upload", &upload, put, "abcdef", ("This link takes no upload as large as this.", 413)),
        ("an upload by a link to read", &link("/say"), put, "abcde", (INVALID, 403)),
    ] {
        assert_eq!(curl(&nginx, target, arguments, body), (expected.0.into(), expected.1), "{row}");
    }
}

#[test]
fn the_log_over_http2_holds_no_signature() {
    let folder = folder();
    let server = Server::start(app(&folder).layer(SignedUrlLayer::new(fixed_verifier())));
    let Some(mut nginx) = start(LOGS, server.address) else { return };
    assert_eq!(curl(&nginx, &link("/say"), &[], "").1, 200);
    assert_eq!(curl(&nginx, &link("/say").replace('?', "%3F"), &[], "").1, 403);
    nginx.stop();
    let log = read_to_string(nginx.file("/var/log/nginx/links.log")).unwrap();
    let lines: Vec<_> = log.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    assert_eq!(lines, ["GET /say 200 10", "GET - 403 28"]);
}
