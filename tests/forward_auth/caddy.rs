//! A real Caddy that serves files, and asks the service about each request first.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use tempfile::TempDir;
use tower::util::MapRequestLayer;
use tower_signed_url::{DEFAULT_COOKIE, ForwardAuth, SignedUrlLayer, Signer, Verifier, client_ip, context};

use super::program::until;
use super::server::{Caddy, free_port};
use super::support::{NOW, Reply, at, exchange, figure_keys};
use super::wire::{Server, read_raw, signed};

/// The files below `/files/` need a link.
const CADDYFILE: &str = r#"{
	# Caddy's log, its errors' included, without signatures: no queries, no tokens in paths, no `Referer`.
	log {
		format filter {
			wrap json
			fields {
				request>uri regexp "^/~[^/]*|[?].*" ""
				request>headers delete
				resp_headers>Location delete
			}
		}
	}
}

files.example.com {
	log
	# In a `route` all is done in this order, so that no file is served before the service was asked.
	route /files/* {
		forward_auth 127.0.0.1:9000 {
			uri /auth? # without the `?` the link would be in this URI, too, for others to log
		}
		# What caches and search engines are told.
		header Cache-Control {http.reverse_proxy.header.Cache-Control}
		header Referrer-Policy {http.reverse_proxy.header.Referrer-Policy}
		header X-Robots-Tag {http.reverse_proxy.header.X-Robots-Tag}
		root * /var/www
		file_server
	}
}
"#;

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .client_ip(client_ip::x_forwarded_for(NonZeroU8::MIN))
        .token_cookie(DEFAULT_COOKIE)
        .build()
        .unwrap()
}

fn signer() -> Signer {
    verifier().signer()
}

fn link(target: &str) -> String {
    signer().url(target).sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// Files to serve, each with its path in it, and one beside them.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["files/a.txt", "files/open/b.txt", "files/closed/c.txt", "outside.txt"] {
        let path = folder.path().join("var/www").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("/{file}")).unwrap();
    }
    folder
}

/// The service, and the URIs that it was asked by, with how often.
struct Auth {
    server: Server,
    asked_by: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Auth {
    fn start() -> Self {
        let asked_by: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let by_layer = Arc::clone(&asked_by);
        let look = MapRequestLayer::new(move |request: Request| {
            *by_layer.lock().unwrap().entry(request.uri().to_string()).or_default() += 1;
            request
        });
        let service = ForwardAuth::x_forwarded(SignedUrlLayer::new(verifier()));
        let server = Server::start(Router::new().route_service("/auth", service).layer(look));
        Self { server, asked_by }
    }
}

fn start() -> Option<(Caddy, Auth)> {
    let auth = Auth::start();
    Caddy::start_in(folder(), CADDYFILE, auth.server.address).map(|caddy| (caddy, auth))
}

fn ask(caddy: &Caddy, method: &str, target: &str, fields: &[(&str, &str)]) -> Reply {
    exchange(caddy.address, method, target, fields, b"")
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, String::from_utf8(reply.body.clone()).unwrap())
}

const INVALID: &str = "This link is not valid here.";
const GONE: &str = "This link has ended. A fresh one may work.";
const PASSWORD: &str = "This link needs a password.";

#[test]
fn caddy_serves_what_the_link_is_for() {
    let Some((caddy, auth)) = start() else {
        return;
    };
    let good = link("/files/a.txt");
    let token = signer().scope("/files/open/").sign_until(at(NOW + 1000)).unwrap();
    let by_cookie = token.set_cookie(DEFAULT_COOKIE).unwrap();
    let by_cookie = ("cookie", by_cookie.to_str().unwrap().split(';').next().unwrap());
    let password = signer().url("/files/a.txt").bind("password", "secret").sign_until(at(NOW + 1000)).unwrap();
    let put = signer().url("/files/a.txt").method(Method::PUT).sign_until(at(NOW + 1000)).unwrap();
    let named = signer().url("/files/a.txt").download("b.txt").sign_until(at(NOW + 1000)).unwrap();
    let right = format!("Basic {}", STANDARD.encode("user:secret"));
    let wrong = format!("Basic {}", STANDARD.encode("user:guess"));
    let etag = ask(&caddy, "GET", &good, &[]).header("etag").unwrap().to_owned();
    let in_query = format!("/files/open/b.txt?a=1&{token}&b=2");
    for (name, method, target, fields, expected) in [
        ("a link", "GET", &*good, &[][..], (200, "/files/a.txt")),
        ("HEAD", "HEAD", &good, &[], (200, "")),
        ("a range", "GET", &good, &[("range", "bytes=1-5")], (206, "files")),
        ("not modified", "GET", &good, &[("if-none-match", &*etag)], (304, "")),
        ("a link to nothing", "GET", &link("/files/b.txt"), &[], (404, "")),
        ("no link", "GET", "/files/a.txt", &[], (403, INVALID)),
        ("no link, HEAD", "HEAD", "/files/a.txt", &[], (403, "")),
        ("no link, a range", "GET", "/files/a.txt", &[("range", "bytes=1-5")], (403, INVALID)),
        ("no link, not modified", "GET", "/files/a.txt", &[("if-none-match", &etag)], (403, INVALID)),
        ("no link to nothing", "GET", "/files/b.txt", &[], (403, INVALID)),
        ("another file's", "GET", &good.replace("a.txt", "open/b.txt"), &[], (403, INVALID)),
        ("expired", "GET", &signed(&format!("/files/a.txt?exp={NOW}")), &[], (410, GONE)),
        ("PUT", "PUT", &good, &[], (403, INVALID)),
        ("POST", "POST", &good, &[], (403, INVALID)),
        ("DELETE", "DELETE", &good, &[], (403, INVALID)),
        ("a link for PUT", "GET", put.as_str(), &[], (403, INVALID)),
        ("a download's name", "GET", named.as_str(), &[], (403, INVALID)),
        ("a body's size", "GET", &signed("/files/a.txt?exp=1790000000&sig-max-bytes=1"), &[], (403, INVALID)),
        ("no password", "GET", password.as_str(), &[], (401, PASSWORD)),
        ("a wrong password", "GET", password.as_str(), &[("authorization", &wrong)], (401, PASSWORD)),
        ("the password", "GET", password.as_str(), &[("authorization", &right)], (200, "/files/a.txt")),
        ("a token", "GET", &in_query, &[], (200, "/files/open/b.txt")),
        ("a token for another folder", "GET", &in_query.replace("open/b", "closed/c"), &[], (403, INVALID)),
        ("a cookie", "GET", "/files/open/b.txt", &[by_cookie], (200, "/files/open/b.txt")),
        ("a cookie for another folder", "GET", "/files/a.txt", &[by_cookie], (403, INVALID)),
        ("a cookie, POST", "POST", "/files/open/b.txt", &[by_cookie], (403, INVALID)),
        (
            "a cookie, a handshake",
            "GET",
            "/files/open/b.txt",
            &[by_cookie, ("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "a")],
            (403, INVALID),
        ),
    ] {
        let reply = ask(&caddy, method, target, fields);
        assert_eq!(told(&reply), (expected.0, expected.1.into()), "{name}");
        let refused = expected.1 == INVALID || reply.status > 404 || reply.status == 401 || name == "no link, HEAD";
        let status = reply.status.to_string();
        assert_eq!(reply.header("x-signed-url-status"), refused.then_some(&*status), "{name}");
        let cache = match name {
            _ if refused => "no-store",
            "the password" => "private, max-age=0",
            _ => "private, max-age=1000",
        };
        assert_eq!(reply.header("cache-control"), Some(cache), "{name}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{name}");
        assert_eq!(reply.header("x-robots-tag"), (!refused).then_some("noindex"), "{name}");
        let challenge = (status == "401").then_some("Basic realm=\"Link\", charset=\"UTF-8\"");
        assert_eq!(reply.header("www-authenticate"), challenge, "{name}");
    }
    // Outside of what the service is asked about nothing is served.
    assert_eq!(told(&ask(&caddy, "GET", &link("/outside.txt"), &[])), (200, String::new()));
    // Its own access log has no more to tell than this.
    let asked_by = auth.asked_by.lock().unwrap();
    assert_eq!(asked_by.keys().collect::<Vec<_>>(), ["/auth"]);
}

#[test]
fn a_client_gains_nothing_by_fields_of_its_own() {
    let Some((caddy, _auth)) = start() else {
        return;
    };
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
    // Proxies take out what `Connection` names, their own fields not among it.
    let names = claims.map(|(name, _)| name).join(", ");
    let hop_by_hop = [("connection", &*names)];
    let by_host = signer().url("/files/a.txt").bind("host", "files.example.com").sign_until(at(NOW + 1000)).unwrap();
    let by_address = |address: &str| {
        let link = signer().url("/files/a.txt").client_ip(address).sign_until(at(NOW + 1000));
        link.unwrap().into_string()
    };
    for (name, method, target, status) in [
        ("another file", "GET", "/files/open/b.txt", 403),
        ("another file with its link", "GET", &*good.replace("a.txt", "open/b.txt"), 403),
        ("another method", "PUT", &good, 403),
        ("another host", "GET", by_host.as_str(), 403),
        ("another address", "GET", &by_address("192.0.2.7"), 403),
        ("its own address", "GET", &by_address("127.0.0.1"), 200),
        ("its own link", "GET", &good, 200),
    ] {
        for (more, fields) in [
            ("none", &[][..]),
            ("claims", &claims),
            ("claims twice", &[claims, claims].concat()),
            ("hop-by-hop", &hop_by_hop),
            ("claims, hop-by-hop", &[&claims[..], &hop_by_hop].concat()),
        ] {
            assert_eq!(ask(&caddy, method, target, fields).status, status, "{name}: {more}");
        }
    }
    let host = |host: &str| {
        let target = by_host.as_str();
        let head = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-host: files.example.com\r\n");
        read_raw(&caddy.raw(format!("{head}connection: close\r\n\r\n").as_bytes()), &[]).0
    };
    assert_eq!((host("files.example.com"), host("example.com")), (200, 403));
}

/// Paths that lead out of `/files/open/`, and what Caddy serves for them.
const TRICKS: [(&str, &str); 11] = [
    ("/files/open/../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/%2e%2e/closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/.%2E/closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/..%2fclosed/c.txt", "/files/closed/c.txt"),
    ("/files/open%2F..%2Fclosed%2Fc.txt", "/files/closed/c.txt"),
    ("/files/open/./../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open//../closed/c.txt", "/files/closed/c.txt"),
    ("/files/open/b/../../a.txt", "/files/a.txt"),
    ("/files/open//b.txt", "/files/open/b.txt"),
    ("/files/open/./b.txt", "/files/open/b.txt"),
    ("/files//open/b.txt", "/files/open/b.txt"),
];

#[test]
fn what_caddy_serves_is_what_was_judged() {
    let Some((caddy, _auth)) = start() else {
        return;
    };
    let token = signer().scope("/files/open/").sign_until(at(NOW + 1000)).unwrap();
    let cookie = token.set_cookie(DEFAULT_COOKIE).unwrap();
    let by_cookie = [("cookie", cookie.to_str().unwrap().split(';').next().unwrap())];
    let good = link("/files/a.txt");
    let (_, credential) = good.split_once('?').unwrap();
    for (path, served) in TRICKS {
        // Signed as it stands it leads there: so it would by a token, if it were let through.
        let as_it_stands = signed(&format!("{path}?exp=1790000000"));
        assert_eq!(told(&ask(&caddy, "GET", &as_it_stands, &[])), (200, served.into()), "{path}");
        for (credential, target, fields) in [
            ("token", format!("{path}?{token}"), &[][..]),
            ("cookie", path.into(), &by_cookie),
            ("another's link", format!("{path}?{credential}"), &[]),
            ("a link in a fragment", format!("{path}#{good}"), &[]),
            ("a link's fragment", format!("{path}?a#{good}"), &[]),
        ] {
            let reply = ask(&caddy, "GET", &target, fields);
            assert_eq!(told(&reply), (403, INVALID.into()), "{path}: {credential}");
        }
    }
    for (name, target) in [
        ("absolute form", format!("http://files.example.com{good}")),
        ("absolute form, another host", format!("http://example.com{good}")),
    ] {
        assert_eq!(told(&ask(&caddy, "GET", &target, &[])), (200, "/files/a.txt".into()), "{name}");
    }
    // Ways around the place that the service is asked in.
    for target in ["/Files/a.txt", "//files/a.txt", "/x/../files/a.txt", "/%66iles/a.txt", "/files%2fa.txt", "*"] {
        let reply = ask(&caddy, "GET", target, &[]);
        assert!(!told(&reply).1.starts_with("/files"), "{target}: {reply:?}");
    }
}

/// `handle_path` and `uri strip_prefix` take a prefix off what `{uri}` is from then on.
#[test]
fn under_a_prefix_that_caddy_takes_off_links_are_for_the_whole_path() {
    let caddyfile = |told: &str| {
        let handle = |prefix: &str| {
            let told = told.to_owned();
            format!(
                "	handle_path {prefix}/* {{
		forward_auth 127.0.0.1:9000 {{
			uri /auth?
{told}		}}
		root * /var/www
		file_server
	}}
"
            )
        };
        format!("{{\n}}\n\nfiles.example.com {{\n{}{}}}\n", handle("/public"), handle("/secret"))
    };
    let auth = Auth::start();
    let start = |told: &str| Caddy::start_in(folder(), &caddyfile(told), auth.server.address);
    let (Some(whole), Some(shortened)) =
        (start("\t\t\theader_up X-Forwarded-Uri {http.request.orig_uri}\n"), start(""))
    else {
        return;
    };
    let (public, inner) = (link("/public/files/a.txt"), link("/files/a.txt"));
    for (name, target, by_whole, by_shortened) in [
        ("a link for the whole path", public.clone(), 200, 403),
        ("the same, for another mount", public.replace("/public", "/secret"), 403, 403),
        // The trap: such a link opens what has that name under any mount.
        ("a link for the rest, public", format!("/public{inner}"), 403, 200),
        ("a link for the rest, secret", format!("/secret{inner}"), 403, 200),
    ] {
        let statuses = [&whole, &shortened].map(|caddy| ask(caddy, "GET", &target, &[]).status);
        assert_eq!(statuses, [by_whole, by_shortened], "{name}");
    }
}

#[test]
fn caddys_log_holds_no_signature_and_without_the_service_nothing_is_served() {
    let Some((caddy, auth)) = start() else {
        return;
    };
    let good = link("/files/a.txt");
    let token = signer().scope("/files/").sign_until(at(NOW + 1000)).unwrap();
    let in_path = token.in_path("/files/a.txt").unwrap().into_string();
    let cookie = token.set_cookie(DEFAULT_COOKIE).unwrap();
    let fields = [("cookie", cookie.to_str().unwrap()), ("referer", &*good), ("x-forwarded-uri", &good)];
    let (_nobody, nobody) = free_port();
    let down = Caddy::start_in(folder(), CADDYFILE, nobody).unwrap();
    for (caddy, targets) in [
        (&caddy, [(&*good, 200), (&good.replace("a.txt", "b.txt"), 403), (&link("/files/no"), 404), (&in_path, 200)]),
        (&down, [(&*good, 502), ("/files/a.txt", 502), (&link("/files/no"), 502), (&in_path, 200)]),
    ] {
        for (target, status) in targets {
            let reply = ask(caddy, "GET", target, &fields);
            assert_eq!(reply.status, status, "{target}");
            assert_eq!(told(&reply).1 == "/files/a.txt", reply.status == 200 && target == good, "{target}: {reply:?}");
        }
        let log = until("all is logged", || {
            let log = caddy.log();
            (log.matches("handled request").count() == targets.len()).then_some(log)
        });
        for path in ["/files/a.txt", "/files/no"] {
            assert!(log.contains(&format!("\"uri\":\"{path}\"")), "{path}: {log}");
        }
        for secret in ["sig=", "exp=", "sig-scope", "c2ln", good.rsplit('=').next().unwrap()] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
    drop(auth);
}
