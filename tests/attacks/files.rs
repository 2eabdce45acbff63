//! Real files behind a token for one folder: no spelling of a path reads another folder's, nor one outside of the root.
//! Over HTTP/1.1 alone: that a path is judged alike over HTTP/2, `paths.rs` shows.

use std::fs;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::Request;
use percent_encoding::percent_decode;
use tempfile::TempDir;
use tower_http::services::ServeDir;
use tower_signed_url::SignedUrlLayer;

use super::carriers::{cookie, token, verifier};
use super::support::by_hand::exact;
use super::wire::{Server, read_raw};

const SECRET: &str = "what nobody may read";

/// `root/public/page.txt`, and secrets beside `public` and beside `root`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("public/a")).unwrap();
    fs::write(root.join("public/page.txt"), "a page").unwrap();
    fs::write(root.join("secret.txt"), SECRET).unwrap();
    fs::write(folder.path().join("secret.txt"), SECRET).unwrap();
    folder
}

/// Every way up by every way to write a slash.
fn targets() -> Vec<String> {
    let ups = [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "..;",
        "..;x=1",
        "..%3bx",
        "..%20",
        "%20..",
        "..%00",
        ".%00.",
        ".%09.",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%e0%80%ae.",
        "%ef%bc%8e%ef%bc%8e",
        "./..",
        "a/../..",
        ";x/..",
    ];
    let slashes = ["/", "//", "%2f", "%2F", "\\", "%5c", "%252f", "%25252f", "%c0%af", "%ef%bc%8f", "/%20/", "/./"];
    let mut targets = Vec::new();
    for up in ups {
        for slash in slashes {
            targets.push(format!("/public/{up}{slash}secret.txt"));
            targets.push(format!("/public{slash}{up}{slash}{up}{slash}secret.txt"));
            targets.push(format!("/public/a{slash}{up}{slash}{up}{slash}secret.txt"));
        }
    }
    targets
}

/// The file that the most careless of readers would open for a path.
fn careless(root: &Path, path: &str) -> PathBuf {
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..3 {
        bytes = percent_decode(&bytes).collect();
    }
    let text: String = bytes.into_iter().map(char::from).collect();
    let text = text.replace("\u{c0}\u{ae}", ".").replace("\u{e0}\u{80}\u{ae}", ".").replace("\u{c0}\u{af}", "/");
    let text: String = text.replace('\\', "/").chars().filter(|c| !c.is_control()).collect();
    let segments = text.split('/').map(|segment| segment.split(';').next().unwrap_or_default().trim());
    segments.filter(|segment| !segment.is_empty()).fold(root.to_owned(), |path, segment| path.join(segment))
}

#[test]
fn no_spelling_of_a_path_reads_a_file_outside_of_the_scope() {
    let folder = folder();
    let root = folder.path().join("root");
    let careless_files = {
        let root = root.clone();
        let read = move |request: Request| {
            std::future::ready(fs::read(careless(&root, request.uri().path())).unwrap_or_default())
        };
        Router::new().fallback(read)
    };
    let token = token("/public/");
    let in_cookie = cookie(&token);
    let serve_dir = Router::new().fallback_service(ServeDir::new(&root));
    for (name, files) in [("a careless reader", careless_files), ("ServeDir", serve_dir)] {
        let server = Server::start(files.layer(SignedUrlLayer::new(verifier())));
        let ask = |target: &str, field: &str| {
            server.raw(format!("GET {target} HTTP/1.1\r\nhost: h\r\n{field}connection: close\r\n\r\n").as_bytes())
        };
        let page = ask(&format!("/public/page.txt?{token}"), "");
        assert!(page.ends_with("a page"), "{name}: {page}");
        let secret = ask(&exact("/secret.txt"), "");
        assert!(secret.ends_with(SECRET), "{name}: {secret}");
        for path in targets() {
            let by_query = ask(&format!("{path}?{token}"), "");
            let by_cookie = ask(&path, &format!("cookie: {in_cookie}\r\n"));
            for (carrier, answer) in [("query", by_query), ("cookie", by_cookie)] {
                assert!(!answer.contains(SECRET), "{name}, {carrier}: {path}: {answer}");
                let status = read_raw(&answer, &[]).0;
                // Full-width dots and slashes are letters, and nobody's file.
                let expected = if name == "ServeDir" { 404 } else { 200 };
                let is_name = status == expected && path.contains("%ef%bc%8");
                assert!(status == 403 || is_name, "{name}, {carrier}: {path}: {answer}");
            }
        }
    }
}

#[test]
fn a_careless_reader_would_be_fooled() {
    let folder = folder();
    let root = folder.path().join("root");
    let leads_to_secret = |path: &String| fs::read(careless(&root, path)).is_ok_and(|text| text == SECRET.as_bytes());
    let (all, fooled) = (targets().len(), targets().iter().filter(|path| leads_to_secret(path)).count());
    assert!(fooled * 2 > all, "{fooled} of {all}");
}
