//! What a browser does with the pages of a server on this machine: the ground on which links in browsers are tested.
#![cfg(feature = "axum")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{AppendHeaders, Html};
use axum::routing::get;
use browser::Browser;
use serde_json::json;
use tokio::runtime::Runtime;
use tower::util::MapRequestLayer;
use tower_http::services::ServeDir;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

#[test]
fn a_link_is_clicked() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start(pages());
    let [open, quiet, end] = ["/open?a=b", "/quiet", "/end"].map(|target| server.url("127.0.0.1", target));
    for (from, referrer) in [(&open, &*open), (&quiet, "")] {
        browser.open(from);
        assert_eq!(&browser.url(), from);
        browser.click("a");
        assert_eq!((browser.url(), browser.referrer()), (end.clone(), referrer.to_owned()));
    }
    let referers: Vec<_> = server.seen("/end").into_iter().map(|seen| seen.referer).collect();
    assert_eq!(referers, [Some(open.clone()), None]);

    // The empty page that a browser begins with, and twice two.
    assert_eq!(browser.history_length(), 5);
    for url in [&quiet, &end, &open] {
        browser.back();
        assert_eq!(&browser.url(), url);
    }
    browser.forward();
    assert_eq!((browser.url(), browser.history_length()), (end, 5));
}

#[test]
fn scripts_are_run() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start(pages());
    browser.open(&server.url("127.0.0.1", "/open"));
    assert_eq!(browser.run("return [1, { two: null }]"), json!([1, { "two": null }]));
    assert_eq!(browser.run("return (await fetch('end')).status"), 200);
    // The page goes away while it is waited for.
    browser.run("setTimeout(() => location = 'hop', 100)");
    browser.wait_until("location.pathname == '/end'");
    assert_eq!(browser.run("return document.body.textContent"), "the end");
}

/// Plain HTTP to this machine is as good as TLS for a `Secure` cookie.
#[test]
fn cookies_are_kept() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start(pages());
    for (visit, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        browser.open(&server.url(host, "/quiet"));
        let mut cookies = browser.cookies();
        cookies.sort_by_key(|cookie| cookie.name().to_owned());
        let cookies: Vec<_> = cookies.iter().map(|c| (c.name(), c.domain(), c.secure(), c.http_only())).collect();
        let expected = [("plain", false), ("secure", true)].map(|(name, is)| (name, Some(host), Some(is), Some(is)));
        assert_eq!(cookies, expected);
        assert_eq!(browser.run("return document.cookie"), "plain=1");
        browser.click("a");
        assert_eq!(server.seen("/end")[visit].cookie.as_deref(), Some("plain=1; secure=1"));
        browser.forget_cookies();
        assert_eq!(browser.cookies().len(), 0);
    }
}

#[test]
fn a_playlist_is_played() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start(Router::new().fallback_service(ServeDir::new(EXAMPLES)));
    browser.open(&server.url("127.0.0.1", "/playlist/"));
    browser.run("window.video = document.querySelector('video')");
    browser.wait_until("video.ended || video.error");
    assert_eq!(browser.run("return [video.ended, video.error?.message]"), json!([true, null]));
    assert!(["0", "1", "2"].iter().all(|name| !server.seen(&format!("/playlist/{name}.ts")).is_empty()));
}

/// Two pages with a link to a third one, and one that leaves for it on its own.
fn pages() -> Router {
    let cookies = [("set-cookie", "plain=1; Path=/"), ("set-cookie", "secure=1; Path=/; Secure; HttpOnly")];
    let quiet = ([("referrer-policy", "no-referrer")], AppendHeaders(cookies), Html("<a href=end>on</a>"));
    Router::new()
        .route("/open", get(async || Html("<a href=end>on</a>")))
        .route("/quiet", get(async move || quiet))
        .route("/hop", get(async || Html("<script>setTimeout(() => location = 'end', 200)</script>")))
        .route("/end", get(async || Html("the end")))
}

/// What a request said.
#[derive(Debug, Clone)]
struct Seen {
    path: String,
    referer: Option<String>,
    cookie: Option<String>,
}

/// A server for as long as this lives.
struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
    _runtime: Runtime,
}

impl Server {
    fn start(app: Router) -> Self {
        let log = Arc::<Mutex<Vec<_>>>::default();
        let seen = log.clone();
        let app = app.layer(MapRequestLayer::new(move |request: Request| {
            let header = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
            let path = request.uri().path().to_owned();
            seen.lock().unwrap().push(Seen { path, referer: header("referer"), cookie: header("cookie") });
            request
        }));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, app).into_future());
        Self { address, log, _runtime: runtime }
    }

    fn url(&self, host: &str, target: &str) -> String {
        format!("http://{host}:{}{target}", self.address.port())
    }

    /// The requests for a path, in their order. (A browser asks for `/favicon.ico` whenever it likes.)
    fn seen(&self, path: &str) -> Vec<Seen> {
        self.log.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }
}
