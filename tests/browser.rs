//! What a browser makes of the examples: a person's clicks, and all that it sends meanwhile.
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/program.rs"]
mod program;
mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use self::browser::Browser;
use self::program::{Server, example};

#[test]
fn a_preview_leaves_its_token_nowhere() {
    let [Some(browser), Some(stranger)] = [(); 2].map(|()| Browser::start()) else { return };
    let site = Site::start("preview");
    let link = site.told_to("open");
    let [page, about, outside] = ["/preview/", "/preview/about/", "/outside"].map(|target| site.url(target));
    assert_ne!(link, page);

    browser.open(&link);
    assert_eq!(browser.url(), page);
    assert_eq!(browser.run("return document.querySelector('img').naturalWidth > 0"), true);
    assert_eq!(browser.run("return getComputedStyle(document.body).color"), "rgb(40, 40, 40)");
    assert_eq!(browser.run("return document.cookie"), "");

    // One page leads to the next one, and says nothing about itself.
    for (selector, url) in [("#about", &about), ("#back", &page), ("#outside", &outside)] {
        browser.click(selector);
        assert_eq!((&browser.url(), browser.status(), &*browser.referrer()), (url, 200, ""));
    }
    assert_eq!(browser.text(), "You did not say where you come from.");

    // The empty page that a browser begins with, and these four.
    assert_eq!(browser.history_length(), 5);
    for url in [&page, &about, &page] {
        browser.back();
        assert_eq!(&browser.url(), url);
    }
    for url in [&about, &page, &outside] {
        browser.forward();
        assert_eq!((&browser.url(), &*browser.referrer()), (url, ""));
    }

    // What a person would copy from the address bar.
    stranger.open(&page);
    assert_eq!((stranger.status(), &*stranger.text()), (403, "This link is not valid here."));

    // The token went over the wire once, and came back as nothing but the cookie of its scope.
    let seen = site.seen();
    assert_eq!(site.url(&seen[0].target), link);
    assert!(seen[1..].iter().all(|seen| !seen.target.contains('?')), "{seen:?}");
    assert!(seen.iter().all(|seen| seen.referer.is_none()), "{seen:?}");
    let with_cookie = |path: &str| seen.iter().any(|seen| seen.target == path && seen.cookie.is_some());
    for (path, is_below) in [("/preview/", true), ("/preview/style.css", true), ("/outside", false)] {
        assert_eq!(with_cookie(path), is_below, "{path}");
    }

    let log = site.program.log();
    for line in ["uri=/preview/ ", "uri=/preview/picture.svg ", "status=303", "status=200", "status=403"] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    for secret in ["sig-scope", "sig=", "exp=", "c2ln"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn a_playlist_is_played_to_its_end() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start("playlist");
    let link = site.told_to("open");
    let folder = link.strip_suffix("index.html").unwrap();

    browser.open(&link);
    browser.run("window.video = document.querySelector('video')");
    browser.wait_until("video.ended || video.error");
    assert_eq!(
        browser.run("return [video.ended, video.error?.message, video.currentTime > 2]"),
        json!([true, null, true])
    );
    assert_eq!(browser.url(), link);

    // The page and the playlist name the next ones without the token, and the browser asked for them with it.
    let seen = site.seen();
    for name in ["index.html", "index.m3u8", "0.ts", "1.ts", "2.ts"] {
        let url = format!("{folder}{name}");
        assert!(seen.iter().any(|seen| site.url(&seen.target) == url), "{name} is not in {seen:?}");
    }
    assert!(seen.iter().all(|seen| site.url(&seen.target).starts_with(folder)), "{seen:?}");
    assert!(seen.iter().all(|seen| seen.referer.is_none() && seen.cookie.is_none()), "{seen:?}");
}

#[test]
fn a_report_opens_in_the_browser_of_its_user() {
    let [Some(alice), Some(bob)] = [(); 2].map(|()| Browser::start()) else { return };
    let site = Site::start("bound_user");
    let home = site.told_to("open");
    for (browser, name) in [(&alice, "alice"), (&bob, "bob")] {
        browser.open(&home);
        browser.click(&format!("form[action='/login/{name}'] button"));
        browser.wait_until("document.querySelector('a')");
        assert_eq!((browser.url(), browser.status()), (home.clone(), 200));
    }

    let link = href(&alice, "a");
    alice.click("a");
    assert_eq!((alice.url(), alice.text()), (link.clone(), "The spring report, for alice alone.".into()));

    let bobs = href(&bob, "a");
    bob.open(&link);
    assert_eq!((bob.status(), &*bob.text()), (403, "This link is not valid here."));
    bob.open(&bobs);
    assert_eq!(bob.text(), "The spring report, for bob alone.");

    alice.back();
    alice.click("form[action='/logout'] button");
    // The page that follows has the same address.
    alice.wait_until("document.querySelector('form[action^=\"/login\"]')");
    assert_eq!((alice.url(), alice.cookies().len()), (home, 0));
    // Nor does the browser have the report from when it could be opened.
    alice.open(&link);
    assert_eq!((alice.url(), alice.status()), (link, 403));
}

#[test]
fn a_photo_that_is_hidden_is_gone_on_reload() {
    let [Some(owner), Some(visitor)] = [(); 2].map(|()| Browser::start()) else { return };
    let site = Site::start("authorize");
    let photos_shown = || owner.run("return [...document.images].map(image => image.naturalWidth > 0)");
    owner.open(&site.told_to("open"));
    owner.wait_until("[...document.images].every(image => image.complete)");
    assert_eq!(photos_shown(), json!([true, true]));

    visitor.open(&href(&owner, "a"));
    for (status, shown, next) in [(410, [false, true], "Show"), (200, [true, true], "Hide")] {
        owner.click("form[action='/toggle/photos/cat'] button");
        // The page that follows has the same address, and its pictures come later.
        owner.wait_until(&format!("document.querySelector('button').textContent.startsWith('{next}')"));
        owner.wait_until("[...document.images].every(image => image.complete)");
        assert_eq!(photos_shown(), json!(shown));
        visitor.reload();
        assert_eq!(visitor.status(), status);
        assert_eq!(visitor.run("return document.images.length"), i32::from(status == 200));
    }
}

/// Where the first of these links leads to.
#[track_caller]
fn href(browser: &Browser, selector: &str) -> String {
    browser.run(&format!("return document.querySelector('{selector}').href")).as_str().unwrap().to_owned()
}

/// An example, behind a proxy that writes down what a browser sends to it.
struct Site {
    program: Server,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: Runtime,
}

/// What a request said.
#[derive(Debug, Clone)]
struct Seen {
    target: String,
    referer: Option<String>,
    cookie: Option<String>,
}

impl Site {
    fn start(name: &'static str) -> Self {
        const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let program = Server::of(&mut example(name, &["127.0.0.1:0"], Some(KEYS)));
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, proxy(program.address, seen.clone())).into_future());
        Self { program, address, seen, _runtime: runtime }
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// The next link that the program prints, as it leads through the proxy.
    fn told_to(&self, verb: &str) -> String {
        self.url(&self.program.told_to(verb))
    }

    /// The requests so far. (A browser asks for `/favicon.ico` whenever it likes.)
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.target != "/favicon.ico").cloned().collect()
    }
}

fn proxy(to: SocketAddr, log: Arc<Mutex<Vec<Seen>>>) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    Router::new().fallback(move |mut request: Request| {
        let header = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
        let (target, referer, cookie) = (request.uri().to_string(), header("referer"), header("cookie"));
        *request.uri_mut() = format!("http://{to}{target}").parse().unwrap();
        log.lock().unwrap().push(Seen { target, referer, cookie });
        let response = client.request(request);
        async { response.await.unwrap().map(Body::new) }
    })
}
