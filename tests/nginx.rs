//! Behind a real nginx, with the configuration that the README shows: links pass byte for byte, a prefix can be taken off,
//! shared caches do not outlive links, HTTP/2 stands in front, and nginx's own logs hold no signature.
#![cfg(all(unix, feature = "axum"))]
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "nginx/expiry.rs"]
mod expiry;
#[path = "nginx/http2.rs"]
mod http2;
#[path = "support/log.rs"]
mod log;
#[path = "nginx/logs.rs"]
mod logs;
#[path = "support/nginx.rs"]
mod nginx;
#[path = "nginx/passed_through.rs"]
mod passed_through;
#[path = "nginx/prefix.rs"]
mod prefix;
#[path = "nginx/private_cache.rs"]
mod private_cache;
#[path = "support/program.rs"]
mod program;
#[path = "nginx/shared_cache.rs"]
mod shared_cache;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use nginx::Nginx;
use support::{ENDED, INVALID, NOW, Reply, at, cookie, earlier, exchange, fixed_verifier, link};
use tempfile::TempDir;
use tower::util::MapRequestLayer;
use tower_http::services::ServeDir;
use tower_signed_url::Mint;
use wire::Server;

/// Requests pass as they come.
const PASSED_THROUGH: &str = "
server {
    listen 80;
    server_name example.com;
    client_max_body_size 100m; # what your largest upload needs

    location / {
        # Nothing after the port, not even a slash: so nginx sends the path on as it came, byte for byte.
        proxy_pass http://127.0.0.1:3000;
        # For links that bind `host` (`$host:$server_port`, if the port is one of your own; `$http_host` may be another server's).
        proxy_set_header Host $host;
        # For links that are limited to client addresses.
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
";

/// In place of `listen 80` in any of them.
const HTTP2: &str = "
    listen 443 ssl http2;
    ssl_certificate /etc/ssl/certs/example.com.pem;
    ssl_certificate_key /etc/ssl/private/example.com.key;
";

/// The application does not know of the prefix that its links begin with.
const STRIPPED_PREFIX: &str = r#"
# The rest of a link as it came. `proxy_pass http://127.0.0.1:3000/;` would write it anew, and break links.
map $request_uri $link {
    "~^/cdn(?<rest>/.*)$" $rest;
}

server {
    listen 80;
    server_name example.com;

    location /cdn/ {
        if ($link = "") { return 404; } # `//cdn/…`, `/x/../cdn/…`
        proxy_pass http://127.0.0.1:3000$link;
        # Redirects to a path of the application are to one below the prefix, and stay paths.
        proxy_redirect ~^/(?!/|cdn/)(.*)$ /cdn/$1;
        absolute_redirect off;
    }
}
"#;

/// Answers to links that more than one client may have, kept by nginx for as long as the link works.
const SHARED_CACHE: &str = r#"
proxy_cache_path /var/cache/nginx/links keys_zone=links:10m;

server {
    listen 80;
    server_name example.com;

    location / {
        proxy_pass http://127.0.0.1:3000;
        proxy_cache links;
        proxy_cache_key $scheme$host$request_uri;
        add_header X-Cache-Status $upstream_cache_status always; # to see it work
    }
}
"#;

/// nginx's own logs, without signatures.
const LOGS: &str = concat!(
    include_str!("support/links_log.conf"),
    r#"
server {
    listen 80;
    server_name example.com;
    access_log /var/log/nginx/links.log links;
    error_log /var/log/nginx/error.log emerg; # whatever else is said of a request repeats its whole URL

    location / {
        proxy_pass http://127.0.0.1:3000;
    }
}
"#
);

#[test]
fn the_readme_shows_what_is_tested() {
    for snippet in [PASSED_THROUGH, STRIPPED_PREFIX, SHARED_CACHE, LOGS] {
        assert!(include_str!("../README.md").contains(&format!("```nginx\n{}```", snippet.trim_start())), "{snippet}");
    }
}

/// Names as they stand in links, and what the files are called. nginx would write half of them in another way.
const NAMES: [(&str, &str); 9] = [
    ("a.txt", "a.txt"),
    ("my%20report.txt", "my report.txt"),
    ("what%3F.txt", "what?.txt"),
    ("1%2B1.txt", "1+1.txt"),
    ("it%27s.txt", "it's.txt"),
    ("%C3%A4.txt", "ä.txt"),
    ("%c3%b6.txt", "ö.txt"),
    ("%7Ehome.txt", "~home.txt"),
    ("%41.txt", "A.txt"),
];

/// The files of [`NAMES`], each with its name in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (_, name) in NAMES {
        fs::write(folder.path().join(name), name).unwrap();
    }
    folder
}

/// Serves the folder as `/files`, and tells of anything else what came.
fn app(folder: &TempDir) -> Router {
    Router::new().nest_service("/files", ServeDir::new(folder.path())).fallback(tell)
}

/// Method, target and length of the body.
async fn tell(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.unwrap().to_bytes().len();
    format!("{} {} {length}", parts.method, parts.uri).into_response()
}

fn finish(mint: Mint<'_>) -> String {
    mint.sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// Status and body.
fn answer(reply: Reply) -> (u16, String) {
    (reply.status, String::from_utf8(reply.body).unwrap())
}

/// An application, and nginx with a cache in front of it.
struct Cached {
    nginx: Nginx,
    asked: Arc<AtomicUsize>,
    _server: Server,
}

impl Cached {
    fn start(snippet: &str, app: Router) -> Option<Self> {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let server = Server::start(app.layer(MapRequestLayer::new(move |request: Request| {
            counter.fetch_add(1, Ordering::Relaxed);
            request
        })));
        let nginx = Nginx::start(snippet, server.address)?;
        Some(Self { nginx, asked, _server: server })
    }

    /// Over a connection of its own.
    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        exchange(self.nginx.address, method, target, headers, b"")
    }

    /// Status, and whether the cache answered.
    fn status(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let reply = self.ask(method, target, headers);
        (reply.status, reply.header("x-cache-status").unwrap_or_default().to_owned())
    }

    /// How many requests the application has seen.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}
