//! A site that a proxy serves, and what holds of it whichever proxy that is.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use tempfile::TempDir;
use tower::util::MapRequestLayer;
use tower_signed_url::{DEFAULT_COOKIE, ScopeToken, SignedUrlLayer, Signer, Verifier, client_ip, context};

use super::support::{NOW, Reply, at, exchange, figure_keys};
use super::wire::{Server, signed};
use super::{Nginx, Proxy, cookie};

pub fn verifier() -> Verifier {
    Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .client_ip(client_ip::x_forwarded_for(NonZeroU8::MIN))
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .build()
        .unwrap()
}

fn signer() -> Signer {
    verifier().signer()
}

pub fn link(target: &str) -> String {
    signer().url(target).sign_until(at(NOW + 1000)).unwrap().into_string()
}

pub fn link_for_host(host: &str) -> String {
    signer().url("/files/a.txt").bind("host", host).sign_until(at(NOW + 1000)).unwrap().into_string()
}

pub fn token(scope: &str) -> ScopeToken {
    signer().scope(scope).sign_until(at(NOW + 1000)).unwrap()
}

/// Files to serve, each with its path in it, and one beside them, that the service is not asked about.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["files/a.txt", "files/open/b.txt", "files/closed/c.txt", "files/indexed/index.html", "outside.txt"] {
        let path = folder.path().join("var/www").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("/{file}")).unwrap();
    }
    folder
}

/// The service at `/auth`, and the URIs that it was asked by, with how often.
pub struct Auth {
    pub server: Server,
    pub asked_by: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Auth {
    pub fn start(proxy: Proxy) -> Self {
        let asked_by: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let by_layer = Arc::clone(&asked_by);
        let look = MapRequestLayer::new(move |request: Request| {
            *by_layer.lock().unwrap().entry(request.uri().to_string()).or_default() += 1;
            request
        });
        let service = proxy.service(SignedUrlLayer::new(verifier()));
        let server = Server::start(Router::new().route_service("/auth", service).layer(look));
        Self { server, asked_by }
    }

    /// The one URI that it was asked by.
    #[track_caller]
    pub fn assert_asked_by(&self, uri: &str) {
        assert_eq!(self.asked_by.lock().unwrap().keys().collect::<Vec<_>>(), [uri]);
    }
}

pub fn ask(site: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)]) -> Reply {
    exchange(site, method, target, fields, b"")
}

/// The path of the file that was served, or a part of it.
pub fn served(reply: &Reply) -> Option<&str> {
    let passed = matches!(reply.status, 200 | 206);
    passed.then(|| str::from_utf8(&reply.body).unwrap())
}

/// Links of every kind; what no proxy but one does alike is in that one's own test.
pub fn check_links(proxy: Proxy, site: SocketAddr) {
    let good = link("/files/a.txt");
    let token = token("/files/open/");
    let by_cookie = cookie(&token);
    let by_cookie = ("cookie", &*by_cookie);
    let password = signer().url("/files/a.txt").bind("password", "secret").sign_until(at(NOW + 1000)).unwrap();
    let password = password.as_str();
    let put = signer().url("/files/a.txt").method(Method::PUT).sign_until(at(NOW + 1000)).unwrap();
    let named = signer().url("/files/a.txt").download("b.txt").sign_until(at(NOW + 1000)).unwrap();
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("user:{password}")));
    let (right, wrong) = (basic("secret"), basic("guess"));
    let etag = ask(site, "GET", &good, &[]).header("etag").unwrap().to_owned();
    let in_query = format!("/files/open/b.txt?a=1&{token}&b=2");
    let handshake = [by_cookie, ("upgrade", "websocket"), ("sec-websocket-key", "a"), ("sec-websocket-version", "13")];
    let limited = signed("/files/a.txt?exp=1790000000&sig-max-bytes=1");
    for (name, method, target, fields, status, file) in [
        ("a link", "GET", &*good, &[][..], 200, Some("/files/a.txt")),
        ("HEAD", "HEAD", &good, &[], 200, Some("")),
        ("a range", "GET", &good, &[("range", "bytes=1-5")], 206, Some("files")),
        ("not modified", "GET", &good, &[("if-none-match", &*etag)], 304, None),
        ("a link to nothing", "GET", &link("/files/b.txt"), &[], 404, None),
        ("no link", "GET", "/files/a.txt", &[], 403, None),
        ("no link, HEAD", "HEAD", "/files/a.txt", &[], 403, None),
        ("no link, a range", "GET", "/files/a.txt", &[("range", "bytes=1-5")], 403, None),
        ("no link, not modified", "GET", "/files/a.txt", &[("if-none-match", &etag)], 403, None),
        ("no link to nothing", "GET", "/files/b.txt", &[], 403, None),
        ("another file's", "GET", &good.replace("a.txt", "open/b.txt"), &[], 403, None),
        ("expired", "GET", &signed(&format!("/files/a.txt?exp={NOW}")), &[], 410, None),
        ("expired, HEAD", "HEAD", &signed(&format!("/files/a.txt?exp={NOW}")), &[], 410, None),
        ("PUT", "PUT", &good, &[], 403, None),
        ("POST", "POST", &good, &[], 403, None),
        ("DELETE", "DELETE", &good, &[], 403, None),
        ("a link for PUT", "GET", put.as_str(), &[], 403, None),
        ("a download's name", "GET", named.as_str(), &[], 403, None),
        ("a body's size", "GET", &limited, &[], 403, None),
        ("no password", "GET", password, &[], 401, None),
        ("a wrong password", "GET", password, &[("authorization", &*wrong)], 401, None),
        ("the password", "GET", password, &[("authorization", &right)], 200, Some("/files/a.txt")),
        ("a token", "GET", &in_query, &[], 200, Some("/files/open/b.txt")),
        ("a token for another folder", "GET", &in_query.replace("open/b", "closed/c"), &[], 403, None),
        ("a cookie", "GET", "/files/open/b.txt", &[by_cookie], 200, Some("/files/open/b.txt")),
        ("a cookie for another folder", "GET", "/files/a.txt", &[by_cookie], 403, None),
        ("a cookie, POST", "POST", "/files/open/b.txt", &[by_cookie], 403, None),
        ("a cookie, a handshake", "GET", "/files/open/b.txt", &handshake, 403, None),
    ] {
        let reply = ask(site, method, target, fields);
        assert_eq!((reply.status, served(&reply)), (status, file), "{proxy:?}: {name}");
        let passed = matches!(status, 200 | 206 | 304 | 404);
        let cache = match name {
            _ if !passed => "no-store",
            "the password" => "private, max-age=0",
            _ => "private, max-age=1000",
        };
        assert_eq!(reply.header("cache-control"), Some(cache), "{proxy:?}: {name}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{proxy:?}: {name}");
        if passed {
            assert_eq!(reply.header("x-robots-tag"), Some("noindex"), "{proxy:?}: {name}");
        }
        let challenge = (status == 401).then_some("Basic realm=\"Link\", charset=\"UTF-8\"");
        assert_eq!(reply.header("www-authenticate"), challenge, "{proxy:?}: {name}");
    }
}

/// What a client says of its request in the proxy's own words.
pub fn check_claims(proxy: Proxy, site: SocketAddr) {
    let good = link("/files/a.txt");
    let claims = [
        ("x-forwarded-uri", &*good),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-host", "files.example.com"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-original-uri", &good),
        ("x-original-method", "GET"),
        ("forwarded", "for=192.0.2.7;host=files.example.com"),
        ("referer", &good),
    ];
    // Proxies take out what `Connection` names.
    let names = claims.map(|(name, _)| name).join(", ");
    let hop_by_hop = [("connection", &*names)];
    let body = [("content-length", "0")];
    let address = |address: &str| {
        let link = signer().url("/files/a.txt").client_ip(address).sign_until(at(NOW + 1000));
        link.unwrap().into_string()
    };
    let limited = |more: &str| signed(&format!("/files/a.txt?exp=1790000000&sig-max-bytes=9{more}"));
    let needs_length = if proxy == Nginx { 403 } else { 411 };
    for (name, method, target, status) in [
        ("another file", "GET", "/files/open/b.txt", 403),
        ("another file with its link", "GET", &*good.replace("a.txt", "open/b.txt"), 403),
        ("another method", "PUT", &good, 403),
        ("another host", "GET", &link_for_host("files.example.com"), 403),
        ("its own host", "GET", &link_for_host(&site.to_string()), 200),
        ("another address", "GET", &address("192.0.2.7"), 403),
        ("its own address", "GET", &address("127.0.0.1"), 200),
        ("a limited body", "PUT", &limited("&sig-methods=PUT"), needs_length),
        ("no body, but a limit", "GET", &limited(""), 403),
        ("its own link", "GET", &good, 200),
    ] {
        for (more, fields) in [
            ("none", &[][..]),
            ("claims", &claims),
            ("claims twice", &[claims, claims].concat()),
            ("hop-by-hop", &hop_by_hop),
            ("claims, hop-by-hop", &[&claims[..], &hop_by_hop].concat()),
            ("a length", &body),
        ] {
            assert_eq!(ask(site, method, target, fields).status, status, "{proxy:?}: {name}: {more}");
        }
    }
}

/// Paths that a scope of `/files/open/` is not to open, and what a proxy serves for them.
const TRICKS: [(&str, &str); 12] = [
    ("/files/open/../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/%2e%2e/closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/.%2E/closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/..%2fclosed/c.txt", "/files/closed/c.txt"),
    ("/files/open/%2e%2e%2Fclosed%2Fc.txt", "/files/closed/c.txt"),
    ("/files/open%2F..%2Fclosed%2Fc.txt", "/files/closed/c.txt"),
    ("/files/open/./../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open//../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/b/../../a.txt", "/files/a.txt"),
    ("/files/open//b.txt", "/files/open/b.txt"),
    ("/files/open/./b.txt", "/files/open/b.txt"),
    ("/files//open/b.txt", "/files/open/b.txt"),
];

/// What the proxy decodes and serves is what was judged.
pub fn check_tricks(proxy: Proxy, site: SocketAddr) {
    let token = token("/files/open/");
    let by_cookie = cookie(&token);
    let by_cookie = [("cookie", &*by_cookie)];
    let good = link("/files/a.txt");
    let (_, credential) = good.split_once('?').unwrap();
    let in_path = token.in_path("/files/open/").unwrap();
    let segment = in_path.as_str().strip_suffix("/files/open/").unwrap();
    for (path, file) in TRICKS {
        // Signed as it stands it leads there: so it would by a token, if it were let through.
        let as_it_stands = signed(&format!("{path}?exp=1790000000"));
        assert_eq!(served(&ask(site, "GET", &as_it_stands, &[])), Some(file), "{proxy:?}: {path}");
        for (credential, target, fields) in [
            ("token", format!("{path}?{token}"), &[][..]),
            ("cookie", path.into(), &by_cookie),
            ("another's link", format!("{path}?{credential}"), &[]),
            ("a link in a fragment", format!("{path}#{good}"), &[]),
            ("a link in a query's fragment", format!("{path}?a#{good}"), &[]),
        ] {
            assert_eq!(ask(site, "GET", &target, fields).status, 403, "{proxy:?}: {path}: {credential}");
        }
        let reply = ask(site, "GET", &format!("{segment}{path}"), &[]);
        assert_ne!(served(&reply), Some(file), "{proxy:?}: {path}: token in the path");
    }
    for (name, target) in [
        ("absolute form", format!("http://{site}{good}")),
        ("absolute form, another host", format!("http://example.com{good}")),
    ] {
        assert_eq!(served(&ask(site, "GET", &target, &[])), Some("/files/a.txt"), "{proxy:?}: {name}");
    }
    // Ways around the place that the service is asked in.
    for target in [
        "/Files/a.txt",
        "//files/a.txt",
        "/x/../files/a.txt",
        "/%66iles/a.txt",
        "/files%2fa.txt",
        "/files/a.txt/",
        "/files/a.txt%00",
        "/./files/a.txt",
        "*",
    ] {
        let file = ask(site, "GET", target, &[]);
        assert!(served(&file).is_none_or(|file| !file.starts_with("/files")), "{proxy:?}: {target}: {file:?}");
    }
}
