//! Scope tokens: what they open by query, cookie and path, and what they do not.

use std::fs;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tower_signed_url::Signer;

use super::support::{Reply, exchange};
use super::{FIVE_MINUTES, Folder, HOUR, OTHER_KEYS, Server, link, signed, signer};

/// What brings a token.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Carrier {
    Query,
    Cookie,
    Path,
}
use Carrier::{Cookie, Path, Query};

const CARRIERS: [Carrier; 3] = [Query, Cookie, Path];

#[test]
fn sign_prints_the_token_and_nothing_else() {
    let token = signed(&["/files/site/", "--scope", "--expires", "1h"]);
    assert!(token.starts_with("sig-scope=/files/site/&exp=") && token.contains("&sig=test."), "{token}");
}

#[test]
fn a_token_opens_its_folder_and_nothing_else() {
    let folder = folder();
    let server = folder.serve();
    let token = signed(&["/files/site/", "--scope"]);
    for carrier in CARRIERS {
        for (path, status) in [
            ("/files/site/index.html", 200),
            ("/files/site/deep/picture.svg", 200),
            ("/files/site/%C3%BC.txt", 404),
            // Folders are not listed, and what is hidden stays so.
            ("/files/site/", 404),
            ("/files/site/deep", 404),
            ("/files/site/deep/", 404),
            ("/files/site/.hidden", 404),
            ("/files/site", 403),
            ("/files/site.txt", 403),
            ("/files/", 404),
            ("/files/secret.txt", 403),
            // What some would read as a way out.
            ("/files/site/../secret.txt", 403),
            ("/files/site/%2e%2e/secret.txt", 403),
            ("/files/site/..%2fsecret.txt", 403),
            ("/files/site/..;/secret.txt", 403),
            ("/files/site//index.html", 403),
            ("/files/site/%25.txt", 403),
        ] {
            assert_eq!(ask(&server, "GET", carrier, &token, path).status, status, "{carrier:?} {path}");
        }
        assert_eq!(ask(&server, "GET", carrier, &token, "/files/site/index.html").body, PAGE.as_bytes());
        let head = ask(&server, "HEAD", carrier, &token, "/files/site/index.html");
        assert_eq!((head.status, head.body), (200, vec![]), "{carrier:?}");
        for method in ["PUT", "POST", "DELETE"] {
            let refused = ask(&server, method, carrier, &token, "/files/site/index.html");
            assert_eq!(refused.status, 403, "{method} {carrier:?}");
        }
    }
    // The rest of the query is the application's.
    assert_eq!(server.get(&format!("/files/site/index.html?a=1&{token}&b=2")).status, 200);
}

#[test]
fn relative_links_inherit_a_token_in_the_path() {
    let folder = folder();
    let server = folder.serve();
    let token = signed(&["/files/site/", "--scope"]);
    let base = format!("http://{}/~{}/files/site/index.html", server.address, encoded(&token));
    let base = url::Url::parse(&base).unwrap();
    let page = server.get(base.path());
    assert_eq!(page.header("content-type"), Some("text/html"));
    let page = String::from_utf8(page.body).unwrap();
    let links: Vec<_> = page.split('"').skip(1).step_by(2).collect();
    let statuses = links.iter().map(|link| server.get(base.join(link).unwrap().path()).status);
    assert_eq!(
        links.iter().copied().zip(statuses).collect::<Vec<_>>(),
        [("style.css", 200), ("deep/picture.svg", 200), ("../secret.txt", 403), ("/files/site/style.css", 403)]
    );
}

#[test]
fn a_cookie_uploads_nothing_and_the_others_do() {
    let folder = folder();
    let server = folder.serve();
    let token = signed(&["/files/site/", "--scope", "--method", "PUT"]);
    for (carrier, path, status) in [
        (Query, "/files/site/new.txt", 201),
        (Path, "/files/site/deep/new.txt", 201),
        (Path, "/files/site/new.txt", 204),
        (Cookie, "/files/site/new.txt", 403),
        (Query, "/files/new.txt", 403),
        (Path, "/files/new.txt", 403),
    ] {
        assert_eq!(ask(&server, "PUT", carrier, &token, path).status, status, "{carrier:?} {path}");
    }
}

#[test]
fn a_token_may_be_restricted() {
    let folder = folder();
    let server = folder.serve();
    let path = "/files/site/index.html";
    let sign = |options: &[&str]| signed(&[&["/files/site/", "--scope"], options].concat());
    for carrier in CARRIERS {
        for (options, status) in [
            (&["--ip", "127.0.0.1"][..], 200),
            (&["--ip", "192.0.2.7"], 403),
            (&["--bind-host", &server.address.to_string()], 200),
            (&["--bind-host", "example.com"], 403),
            (&["--not-before", "1h"], 403),
            (&["--method", "PUT"], 403),
            (&["--id", "order-7"], 200),
            (&["--password", "secret"], 401),
        ] {
            let reply = ask(&server, "GET", carrier, &sign(options), path);
            assert_eq!(reply.status, status, "{carrier:?} {options:?}");
        }
        let named = ask(&server, "GET", carrier, &sign(&["--download", "b.html"]), path);
        let attachment = "attachment; filename=\"b.html\"; filename*=UTF-8''b.html";
        assert_eq!((named.status, named.header("content-disposition")), (200, Some(attachment)));

        let (target, mut headers) = carried(carrier, &sign(&["--password", "secret"]), path);
        headers.push(("authorization", format!("Basic {}", STANDARD.encode(":secret"))));
        assert_eq!(send(&server, "GET", &target, &headers).status, 200, "{carrier:?}");
    }
}

#[test]
fn a_token_that_is_no_good_is_refused() {
    let folder = folder();
    let server = folder.serve();
    let past = signer().with_clock(|| SystemTime::now() - HOUR);
    let other = Signer::new(&OTHER_KEYS.parse().unwrap());
    let good = signed(&["/files/site/", "--scope"]);
    let path = "/files/site/index.html";
    for carrier in CARRIERS {
        for (token, status) in [
            (scope(&past), 410),
            (scope(&other), 403),
            (good.replace("/site/", "/"), 403),
            (good.replace("&sig=", "&sig-id=7&sig="), 403),
            (good.replace("exp=1", "exp=2"), 403),
        ] {
            assert_eq!(ask(&server, "GET", carrier, &token, path).status, status, "{carrier:?} {token}");
        }
    }
}

#[test]
fn of_several_credentials_no_second_choice_is_made() {
    let folder = folder();
    let server = folder.serve();
    let path = "/files/site/index.html";
    let (good, wide) = (signed(&["/files/site/", "--scope"]), signed(&["/files/", "--scope"]));
    let expired = scope(&signer().with_clock(|| SystemTime::now() - HOUR));
    let segment = format!("/~{}{path}", encoded(&good));
    let cookies = |tokens: &[&String]| {
        let cookies: Vec<_> = tokens.iter().map(|token| format!("signed-url={}", encoded(token))).collect();
        ("cookie", cookies.join("; "))
    };
    for (name, target, headers, status) in [
        ("path and query", format!("{segment}?{good}"), vec![], 403),
        ("two in the query", format!("{path}?{good}&{wide}"), vec![], 403),
        ("two in the path, of which one is left", format!("/~{}{segment}", encoded(&good)), vec![], 404),
        ("a good cookie, and half a link", format!("{path}?exp=1"), vec![cookies(&[&good])], 403),
        ("a bad cookie, and a link", link(path), vec![cookies(&[&expired])], 200),
        ("the cookie of the longest scope", path.into(), vec![cookies(&[&wide, &expired])], 410),
        ("the one cookie that is for the path", "/files/secret.txt".into(), vec![cookies(&[&good, &wide])], 200),
        ("a cookie of another name", path.into(), vec![("cookie", format!("token={}", encoded(&good)))], 403),
    ] {
        assert_eq!(send(&server, "GET", &target, &headers).status, status, "{name}");
    }
}

#[test]
fn answers_say_that_they_depend_on_cookies() {
    let folder = folder();
    let server = folder.serve();
    let token = signed(&["/files/site/", "--scope"]);
    for target in [link("/files/site/index.html"), "/files/site/index.html".into()] {
        assert_eq!(server.get(&target).header("vary"), Some("cookie"));
    }
    let reply = ask(&server, "GET", Cookie, &token, "/files/site/index.html");
    assert!(reply.header("cache-control").unwrap().starts_with("private, max-age="), "{:?}", reply.headers);
}

#[test]
fn the_log_holds_no_token_and_no_password() {
    let folder = folder();
    let server = folder.serve();
    let token = signed(&["/files/site/", "--scope"]);
    let locked = signed(&["/files/site/", "--scope", "--password", "secret"]);
    let path = "/files/site/index.html";

    let mut expected = Vec::new();
    for carrier in CARRIERS {
        for (token, path, outcome) in [
            (&token, path, "200"),
            (&token, "/files/secret.txt", "403"),
            (&token.replace("&sig=", "&sig-id=7&sig="), path, "403"),
            (&locked, path, "401"),
        ] {
            assert_eq!(ask(&server, "GET", carrier, token, path).status.to_string(), outcome, "{carrier:?} {path}");
            expected.push((path, outcome));
        }
        for (password, outcome) in [("secret", "200"), ("5ecret", "401")] {
            let (target, mut headers) = carried(carrier, &locked, path);
            headers.push(("authorization", format!("Basic {}", STANDARD.encode(format!(":{password}")))));
            headers.push(("referer", format!("http://example.com/~{}/?{token}", encoded(&token))));
            assert_eq!(send(&server, "GET", &target, &headers).status.to_string(), outcome, "{carrier:?} {password}");
            expected.push((path, outcome));
        }
    }
    // Links that were pasted together wrongly.
    let encoded = encoded(&token);
    for (target, logged) in [
        (format!("/~{encoded}"), "/"),
        (format!("/files/~{encoded}/site/index.html"), "/files/site/index.html"),
        (format!("/x/~{encoded}/files/site/index.html"), "/x/files/site/index.html"),
        (format!("{path}%3F{}", token.replace('=', "%3D").replace('&', "%26")), path),
    ] {
        let status = server.get(&target).status;
        assert!(matches!(status, 403 | 404), "{target}");
        expected.push((logged, if status == 403 { "403" } else { "404" }));
    }

    let log = server.stop().log;
    let mut lines = log.lines().map(|line| line.split_once("  ").unwrap().1);
    for (path, outcome) in expected {
        let line = lines.next().unwrap();
        let start = format!(r#"INFO request{{method=GET path="{path}"}}: {outcome}"#);
        assert!(line.starts_with(&start), "{line} is not {start}");
    }
    assert_eq!(lines.next(), None);
    for secret in ["exp=", "exp%3D", "sig=", "sig-", "test.", "~", &encoded, "5ecret", "OnNlY3JldA"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

const PAGE: &str =
    r#"<link href="style.css"><img src="deep/picture.svg"><a href="../secret.txt"><a href="/files/site/style.css">"#;

/// A folder with `secret.txt` in it, and a site.
fn folder() -> Folder {
    let folder = Folder::new();
    let site = folder.root().join("site");
    fs::create_dir_all(site.join("deep")).unwrap();
    for (name, text) in [("index.html", PAGE), ("style.css", ""), ("deep/picture.svg", ""), (".hidden", "")] {
        fs::write(site.join(name), text).unwrap();
    }
    fs::write(folder.root().join("secret.txt"), "secret").unwrap();
    folder
}

fn scope(signer: &Signer) -> String {
    signer.scope("/files/site/").sign_for(FIVE_MINUTES).unwrap().to_string()
}

fn encoded(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// The target and the header fields of a request for `path` with a token.
fn carried(carrier: Carrier, token: &str, path: &str) -> (String, Vec<(&'static str, String)>) {
    match carrier {
        Query => (format!("{path}?{token}"), vec![]),
        Cookie => (path.into(), vec![("cookie", format!("a=b; signed-url={}", encoded(token)))]),
        Path => (format!("/~{}{path}", encoded(token)), vec![]),
    }
}

fn ask(server: &Server, method: &str, carrier: Carrier, token: &str, path: &str) -> Reply {
    let (target, headers) = carried(carrier, token, path);
    send(server, method, &target, &headers)
}

fn send(server: &Server, method: &str, target: &str, headers: &[(&str, String)]) -> Reply {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    exchange(server.address, method, target, &headers, b"")
}
