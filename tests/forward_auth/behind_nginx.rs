//! A real nginx that serves files, and asks the service about each request first.

use std::fs;
use std::net::SocketAddr;

use axum::Router;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_signed_url::{Cache, ForwardAuth, SignedUrlLayer};

use super::log::{Log, http2};
use super::nginx::{Nginx as Server, files};
use super::site::{
    Auth, ask, check_claims, check_links, check_tricks, folder, link, link_for_host, served, token, verifier,
};
use super::wire::{self, read_raw, signed};
use super::{NOW, Nginx, cookie, free_port};

/// What its logs are to hold of a link: the same as behind a proxy.
const LOG_FORMAT: &str = include_str!("../support/links_log.conf");

/// The files below `/files/` need a link.
pub const SNIPPET: &str = r#"
server {
    listen 80;
    access_log /var/log/nginx/links.log links;
    error_log /var/log/nginx/error.log emerg;

    # With `^~` no `location ~ …` takes files from it, which would serve them unasked.
    location ^~ /files/ {
        auth_request /auth;
        root /var/www;

        # What caches and search engines are told.
        auth_request_set $link_cache_control $upstream_http_cache_control;
        add_header Cache-Control $link_cache_control always;
        add_header Referrer-Policy no-referrer always;
        add_header X-Robots-Tag noindex always;

        # A link that has ended is answered 410, which `auth_request` itself cannot.
        auth_request_set $link_status $upstream_http_x_signed_url_status;
        error_page 403 = @refused;
    }

    location @refused {
        add_header Cache-Control no-store always;
        add_header Referrer-Policy no-referrer always;
        if ($link_status = 410) { return 410; }
        return 403;
    }

    location = /auth {
        internal;
        proxy_pass http://127.0.0.1:9000;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        # The service believes these, so set them all: what is not set here, a client may set.
        proxy_set_header X-Original-URI $request_uri; # as it came: `$uri` is not
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Forwarded-For $remote_addr; # for links that bind client addresses
        proxy_set_header Host $host:$server_port; # for links that bind `host`; `$http_host` may be another server's
    }
}
"#;

/// In the place of the comment: the service is asked to let named downloads pass.
const DOWNLOADS: [&str; 2] = [
    "# What caches and search engines are told.",
    "auth_request_set $link_disposition $upstream_http_content_disposition;
        add_header Content-Disposition $link_disposition;",
];

/// For tokens in the path, beside the other locations: off it goes, and then a file is looked for.
const TOKENS_IN_PATHS: [&str; 2] = [
    "    location @refused {",
    r#"
    location ~ ^/~[^/]+/files/ {
        auth_request /auth;
        rewrite ^/~[^/]+(/files/.*)$ $1 break;
        root /var/www;
    }

    location @refused {"#,
];

#[test]
fn the_readme_shows_what_is_tested() {
    const README: &str = include_str!("../../README.md");
    assert!(README.contains(&format!("```nginx{SNIPPET}```")));
    assert!(DOWNLOADS[1].lines().all(|line| README.contains(line.trim_start())));
}

fn start_with(snippet: &str, service: SocketAddr) -> Option<Server> {
    start_in(folder(), snippet, service)
}

pub fn start_in(folder: TempDir, snippet: &str, service: SocketAddr) -> Option<Server> {
    let snippet = [LOG_FORMAT, &snippet.replace("127.0.0.1:9000", &service.to_string())].concat();
    Server::start_in(folder, &snippet, service)
}

fn start() -> Option<(Server, Auth)> {
    let auth = Auth::start(Nginx);
    start_with(SNIPPET, auth.server.address).map(|nginx| (nginx, auth))
}

fn changed([from, to]: [&str; 2]) -> String {
    assert_eq!(SNIPPET.matches(from).count(), 1, "{from}");
    SNIPPET.replace(from, to)
}

#[test]
fn nginx_serves_what_the_link_is_for() {
    let Some((nginx, auth)) = start() else {
        return;
    };
    check_links(Nginx, nginx.address);
    check_claims(Nginx, nginx.address);
    check_tricks(Nginx, nginx.address);
    auth.assert_asked_by("/auth");

    let good = link("/files/a.txt");
    let claims = [("x-original-uri", &*good), ("x-original-method", "GET")];
    let indexed = link("/files/indexed/");
    for (name, target, status) in [
        ("nobody else asks the service", "/auth", 404),
        ("what nginx itself forbids", &link("/files/open/"), 403),
        ("a file beside", &link("/outside.txt"), 404),
        ("a folder", &link("/files/open"), 301),
        ("an index", &indexed, 200),
        ("the index without a link", "/files/indexed/", 403),
        ("the index's file by the folder's link", &indexed.replace("indexed/", "indexed/index.html"), 403),
    ] {
        assert_eq!(ask(nginx.address, "GET", target, &claims).status, status, "{name}");
    }
}

/// A body that the client announces is none of what the service is asked, and does not hold up its answer.
#[test]
fn a_body_gains_nothing() {
    let Some((nginx, _auth)) = start() else {
        return;
    };
    let good = link("/files/a.txt");
    let put = |run: &str| signed(&format!("/files/a.txt?exp=1790000000&sig-methods=PUT{run}"));
    let chunked = "transfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    for (name, method, target, rest, status) in [
        ("chunked", "GET", &good, chunked, 200),
        ("of a length", "GET", &good, "content-length: 5\r\n\r\nhello", 200),
        ("of a length, no link", "GET", &"/files/a.txt".to_owned(), "content-length: 5\r\n\r\nhello", 403),
        ("PUT without a link for it", "PUT", &good, "content-length: 5\r\n\r\nhello", 403),
        // The link passes, and nginx has no use for the method.
        ("PUT", "PUT", &put(""), "content-length: 5\r\n\r\nhello", 405),
        ("PUT, a limit", "PUT", &put("&sig-max-bytes=9"), "content-length: 5\r\n\r\nhello", 403),
        ("PUT, a limit, chunked", "PUT", &put("&sig-max-bytes=9"), chunked, 403),
        ("PUT, a type", "PUT", &put("&sig-type=text/*"), "content-type: text/plain\r\n\r\n", 405),
        ("PUT, another type", "PUT", &put("&sig-type=text/*"), "content-type: image/png\r\n\r\n", 403),
    ] {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{rest}");
        assert_eq!(read_raw(&nginx.raw(head.as_bytes()), &[]).0, status, "{name}");
    }
}

#[test]
fn over_http_2_nginx_tells_the_same() {
    let auth = Auth::start(Nginx);
    let Some(nginx) = start_with(&changed(["listen 80;", "listen 80 http2;"]), auth.server.address) else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    let mut ask = http2(nginx.address, &runtime);
    let good = link("/files/a.txt");
    let claims = [("x-original-uri", &*good), ("x-original-method", "GET"), ("x-forwarded-for", "192.0.2.7")];
    for (name, target, status) in [
        ("a link", &*good, 200),
        ("no link", "/files/a.txt", 403),
        ("expired", &signed(&format!("/files/a.txt?exp={NOW}")), 410),
        ("the host", &link_for_host(&nginx.address.to_string()), 200),
        ("another host", &link_for_host("files.example.com"), 403),
        ("another address", &signed("/files/a.txt?exp=1790000000&sig-ip=192.0.2.7"), 403),
        ("the address", &signed("/files/a.txt?exp=1790000000&sig-ip=127.0.0.1"), 200),
    ] {
        assert_eq!(ask(target, &claims), status, "{name}");
    }
}

#[test]
fn nginx_names_downloads_if_it_is_told_to() {
    let service = ForwardAuth::nginx(SignedUrlLayer::new(verifier())).named_downloads();
    let server = wire::Server::start(Router::new().route_service("/auth", service));
    let Some(nginx) = start_with(&changed(DOWNLOADS), server.address) else {
        return;
    };
    let named = signed("/files/a.txt?exp=1790000000&sig-download=March%2C%20caf%C3%A9.txt");
    let disposition = "attachment; filename=\"March, caf_.txt\"; filename*=UTF-8''March%2C%20caf%C3%A9.txt";
    for (name, target, status, expected) in [
        ("a name", &named, 200, Some(disposition)),
        ("no name", &link("/files/a.txt"), 200, None),
        ("a name for nothing", &named.replace("a.txt", "b.txt"), 403, None),
    ] {
        let reply = ask(nginx.address, "GET", target, &[]);
        assert_eq!((reply.status, reply.header("content-disposition")), (status, expected), "{name}");
    }
}

#[test]
fn a_token_in_the_path_is_taken_off_by_nginx() {
    let auth = Auth::start(Nginx);
    let Some(nginx) = start_with(&changed(TOKENS_IN_PATHS), auth.server.address) else {
        return;
    };
    let token = token("/files/open/");
    let in_path = token.in_path("/files/open/b.txt").unwrap().into_string();
    let to = |path: &str| in_path.replace("/files/open/b.txt", path);
    for (name, target, file) in [
        ("a file in the scope", in_path.clone(), Some("/files/open/b.txt")),
        ("one beside it", to("/files/a.txt"), None),
        ("another folder", to("/files/closed/c.txt"), None),
        ("another folder, dots", to("/files/open/../closed/c.txt"), None),
        ("another folder, escaped dots", to("/files/open/%2e%2e/closed/c.txt"), None),
        ("another folder, escaped slashes", to("/files/open/..%2fclosed%2fc.txt"), None),
        ("two slashes", to("/files/open//b.txt"), None),
        ("tampered with", in_path.replacen("/~c2ln", "/~c2lm", 1), None),
        ("something else after the ~", "/~user/files/open/b.txt".into(), None),
        ("a link for the rest", format!("/~user{}", link("/files/a.txt")), None),
        ("twice", format!("{}{in_path}", in_path.replace("/files/open/b.txt", "")), None),
        ("its ~ escaped", in_path.replace('~', "%7E"), None),
    ] {
        let reply = ask(nginx.address, "GET", &target, &[]);
        assert_eq!(served(&reply), file, "{name}");
        let status = match name {
            "twice" => 404, // no location's
            _ if file.is_some() => 200,
            _ => 403,
        };
        assert_eq!(reply.status, status, "{name}");
    }
}

/// A cache in between, inherited from elsewhere in the configuration, say: all that it is asked for is `/auth`.
#[test]
fn no_answer_of_the_service_is_kept_for_another_request() {
    let layer = || SignedUrlLayer::new(verifier()).cache(Cache::Shared);
    for (name, layer, cache_control) in [
        ("as shared as can be", layer(), Some("private, max-age=1000")),
        ("not said", layer().without_cache_control(), None),
        ("no link needed", layer().optional(), Some("private, max-age=1000")),
    ] {
        let is_optional = name == "no link needed";
        let server = wire::Server::start(Router::new().route_service("/auth", ForwardAuth::nginx(layer)));
        for key in ["$scheme$proxy_host$request_uri", "$uri"] {
            let cache =
                format!("proxy_cache auth; proxy_cache_key {key}; proxy_cache_valid any 1h;\n        internal;");
            let snippet = changed(["internal;", &cache]);
            let snippet = ["proxy_cache_path /var/cache/nginx/auth keys_zone=auth:1m;", &snippet].concat();
            let Some(nginx) = start_with(&snippet, server.address) else {
                return;
            };
            let good = link("/files/a.txt");
            let reply = ask(nginx.address, "GET", &good, &[]);
            assert_eq!((reply.status, reply.header("cache-control")), (200, cache_control), "{name}: {key}");
            for (method, target, status) in [
                ("POST", &*good, 403),
                ("GET", &good.replace("a.txt", "open/b.txt"), 403),
                ("GET", "/files/a.txt", if is_optional { 200 } else { 403 }),
                ("GET", &good.replace("a.txt", "open/b.txt"), 403),
            ] {
                let reply = ask(nginx.address, method, target, &[]);
                assert_eq!(reply.status, status, "{name}: {key}: {method} {target}");
            }
            let kept = files(&nginx.file("/var/cache/nginx/auth")).len();
            assert_eq!(kept, 0, "{name}: {key}");
        }
    }
}

#[test]
fn without_the_service_nothing_is_served() {
    let (_nobody, nobody) = free_port();
    let Some(nginx) = start_with(SNIPPET, nobody) else {
        return;
    };
    for target in [&link("/files/a.txt"), "/files/a.txt", &link("/files/no")] {
        assert_eq!(ask(nginx.address, "GET", target, &[]).status, 500, "{target}");
    }
}

#[test]
fn the_logs_of_nginx_hold_no_signature() {
    let (good, token) = (link("/files/a.txt"), token("/files/"));
    let in_path = token.in_path("/files/a.txt").unwrap().into_string();
    let by_cookie = cookie(&token);
    let fields = [("cookie", &*by_cookie), ("referer", &good), ("x-original-uri", &good)];
    let (_nobody, nobody) = free_port();
    let auth = Auth::start(Nginx);
    let snippet = changed(TOKENS_IN_PATHS);
    for (service, statuses) in [(auth.server.address, [200, 403, 404, 200]), (nobody, [500; 4])] {
        let Some(mut nginx) = start_with(&snippet, service) else {
            return;
        };
        let targets = [&good, &good.replace("a.txt", "b.txt"), &link("/files/no"), &in_path];
        for (target, status) in targets.into_iter().zip(statuses) {
            assert_eq!(ask(nginx.address, "GET", target, &fields).status, status, "{target}");
        }
        nginx.stop();
        let log = |name: &str| Log::new(fs::read_to_string(nginx.file(&format!("/var/log/nginx/{name}.log"))).unwrap());
        let (links, errors) = (log("links"), log("error"));
        let lines: Vec<_> = links.text.lines().map(|line| line.split_once("] ").unwrap().1).collect();
        let paths = ["/files/a.txt", "/files/b.txt", "/files/no", "/files/a.txt"];
        for ((line, path), status) in lines.iter().zip(paths).zip(statuses) {
            assert!(line.starts_with(&format!("GET {path} {status} ")), "{line}");
        }
        assert_eq!((lines.len(), &*errors.text), (4, ""));
        for secret in [good.rsplit('=').next().unwrap(), in_path.split('/').nth(1).unwrap()] {
            assert_eq!(links.signature(secret), None, "{}", links.text);
        }
    }
}

/// The mistakes that the comments warn of.
#[test]
fn what_nginx_does_not_set_a_client_may() {
    let auth = Auth::start(Nginx);
    let address = |address: &str| signed(&format!("/files/a.txt?exp=1790000000&sig-ip={address}"));
    let good = link("/files/a.txt");
    for (name, without, target, method, claim) in [
        (
            "an address",
            "proxy_set_header X-Forwarded-For",
            address("192.0.2.7"),
            "GET",
            ("x-forwarded-for", "192.0.2.7"),
        ),
        ("a method", "proxy_set_header X-Original-Method", good.clone(), "POST", ("x-original-method", "GET")),
        ("a target", "proxy_set_header X-Original-URI", "/files/open/b.txt".into(), "GET", ("x-original-uri", &*good)),
    ] {
        let Some(right) = start_with(SNIPPET, auth.server.address) else {
            return;
        };
        let wrong = start_with(&SNIPPET.replace(without, "#"), auth.server.address).unwrap();
        let statuses = |fields: &[_]| [&right, &wrong].map(|nginx| ask(nginx.address, method, &target, fields).status);
        assert_eq!(statuses(&[]), [403, 403], "{name}");
        // Of POST nginx has no use for files, but it is let through.
        assert_eq!(statuses(&[claim]), [403, if method == "POST" { 405 } else { 200 }], "{name}");
    }
}

/// nginx chooses the server by the host of an absolute URL, and leaves the `Host` field as the client wrote it.
#[test]
fn a_link_for_one_host_opens_no_other_however_the_host_is_told() {
    let auth = Auth::start(Nginx);
    let folder = folder();
    let other = folder.path().join("var/other/files");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("a.txt"), "another host's").unwrap();
    let server = |host: &str| SNIPPET.replace("listen 80;", &format!("listen 80; server_name {host};"));
    let snippet = [server("a.example"), server("b.example").replace("/var/www", "/var/other")].concat();
    let Some(nginx) = start_in(folder, &snippet, auth.server.address) else {
        return;
    };
    let link = link_for_host(&format!("a.example:{}", nginx.address.port()));
    for (name, target, field, status) in [
        ("the host", link.clone(), "host: a.example", 200),
        ("in capitals", link.clone(), "host: A.Example", 200),
        ("the other", link.clone(), "host: b.example", 403),
        ("an absolute URL", format!("http://a.example{link}"), "host: a.example", 200),
        ("the other's absolute URL", format!("http://b.example{link}"), "host: b.example", 403),
        ("the other's absolute URL, and the host", format!("http://b.example{link}"), "host: a.example", 403),
        ("an absolute URL, and the other host", format!("http://a.example{link}"), "host: b.example", 200),
        ("no host, which is the first server's", link.clone(), "x-a: b", 200),
        ("no host, a link for the other", link_for_host(&format!("b.example:{}", nginx.address.port())), "x-a: b", 403),
    ] {
        // Without a host it is HTTP/1.0, or nginx answers 400.
        let version = if field.starts_with("host") { "1.1" } else { "1.0" };
        let answer =
            nginx.raw(format!("GET {target} HTTP/{version}\r\n{field}\r\nconnection: close\r\n\r\n").as_bytes());
        assert_eq!(read_raw(&answer, &[]).0, status, "{name}");
        assert!(!answer.ends_with("another host's"), "{name}: {answer}");
    }
}

/// What copies of the snippet stand beside, in the wild: a `location` that all images are to have, of long-lived caching, say.
#[test]
fn no_regular_expression_takes_files_from_the_location() {
    let auth = Auth::start(Nginx);
    let beside = ["    location @refused {", "    location ~* \\.txt$ { root /var/www; }\n\n    location @refused {"];
    let snippet = changed(beside);
    let Some(nginx) = start_with(&snippet, auth.server.address) else {
        return;
    };
    let mistaken = start_with(&snippet.replace("location ^~ ", "location "), auth.server.address).unwrap();
    for (name, target, statuses) in [
        ("no link", "/files/a.txt", [403, 200]),
        ("a link", &link("/files/a.txt"), [200, 200]),
        ("a file beside", "/outside.txt", [200, 200]),
    ] {
        assert_eq!([&nginx, &mistaken].map(|nginx| ask(nginx.address, "GET", target, &[]).status), statuses, "{name}");
    }
}
