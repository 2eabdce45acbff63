//! A page of one origin in a real browser, and links to another: with `CorsLayer` outside, uploads arrive and refusals can be
//! read; inside, the browser gets as far as the refused preflight, and tells the page nothing.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Html;
use axum::routing::{get, put};
use browser::Browser;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use support::{ENDED, INVALID, NOW, at, exchange, figure_keys};
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;
use tower_signed_url::{DEFAULT_COOKIE, Mint, SignedUrlLayer, Verifier, context};
use wire::{Server, signed};

/// What a front end needs: where a link has ended, one more try with a fresh one.
const FETCH_BY_LINK: &str = r#"
async function fetchByLink(link, freshLink, options) {
  const response = await fetch(link, options);
  return response.status === 410 ? fetch(await freshLink(), options) : response;
}
"#;

#[test]
fn the_readme_shows_what_is_tested() {
    assert!(include_str!("../README.md").contains(&format!("```javascript{FETCH_BY_LINK}```")));
}

/// Where the `CorsLayer` stands to the `SignedUrlLayer`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cors {
    Outside,
    Inside,
}

/// An application that is asked, and a page of another site that asks it.
struct Site {
    app: Server,
    page: Server,
    /// What came through both layers.
    seen: Arc<Mutex<Vec<Arrived>>>,
}

fn verifier() -> Verifier {
    let builder = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE);
    builder.bind("session", context::cookie("session")).build().unwrap()
}

fn mint(target: &str, limit: impl for<'a> FnOnce(Mint<'a>) -> Mint<'a>) -> String {
    let signer = verifier().signer();
    limit(signer.url(target)).sign_until(at(NOW + 1000)).unwrap().into_string()
}

fn photo() -> String {
    mint("/photo", |link| link.download("cat.txt"))
}

fn upload() -> String {
    mint("/inbox/cat.png", |link| link.method(Method::PUT).max_bytes(1000).media_type("image/*"))
}

/// A request's method and body.
type Arrived = (Method, Vec<u8>);

impl Site {
    fn start(order: Cors, configure: impl Fn(CorsLayer) -> CorsLayer) -> Self {
        let page = Server::start(
            Router::new().route("/", get(|| async { Html(format!("<script>{FETCH_BY_LINK}</script>")) })),
        );
        let origins = [Self::another_site(&page), Self::same_site(&page)].map(|origin| origin.parse().unwrap());
        let cors = configure(CorsLayer::new().allow_origin::<[HeaderValue; 2]>(origins));
        let cors = cors.allow_methods([Method::GET, Method::PUT]).allow_headers([CONTENT_TYPE]);

        let seen = Arc::<Mutex<Vec<_>>>::default();
        let by_handler = Arc::clone(&seen);
        let see = move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            by_handler.lock().unwrap().push((parts.method, body));
            "done"
        };
        let layer = SignedUrlLayer::new(verifier());
        let by_link = Router::new().route("/photo", get(see.clone())).route("/inbox/{name}", put(see));
        let by_link = match order {
            Cors::Outside => by_link.layer(ServiceBuilder::new().layer(cors.clone()).layer(layer)),
            Cors::Inside => by_link.layer(ServiceBuilder::new().layer(layer).layer(cors.clone())),
        };
        let login = || async { [(SET_COOKIE, "session=s1; SameSite=Lax")] };
        let own = Router::new()
            .route("/link/photo", get(|| async { photo() }))
            .route("/link/upload", get(|| async { upload() }))
            .route("/login", get(login))
            .layer(cors);
        Self { app: Server::start(by_link.merge(own)), page, seen }
    }

    /// The same machine under another name.
    fn another_site(page: &Server) -> String {
        format!("http://localhost:{}", page.address.port())
    }

    /// The same name and another port is another origin, but gets the cookies.
    fn same_site(page: &Server) -> String {
        page.url("")
    }

    fn open(&self, browser: &Browser) {
        browser.open(&Self::another_site(&self.page));
    }

    /// Runs a script in the page, where `app` is the application's origin.
    #[track_caller]
    fn run(&self, browser: &Browser, script: &str) -> Value {
        browser.run(&format!(
            "const app = '{}'; const fresh = (name) => () => fetch(app + '/link/' + name).then(async r => app + await r.text()); \
             try {{ {script} }} catch (error) {{ return error.name }}",
            self.app.url("")
        ))
    }

    fn seen(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Puts a file of this size and type, and returns status and text of the answer.
fn put_script(link: &str, size: usize, media_type: &str) -> String {
    format!(
        "const bytes = Uint8Array.from({{ length: {size} }}, (_, n) => n % 256);
         const file = new Blob([bytes], {{ type: '{media_type}' }});
         const response = await fetchByLink(app + '{link}', fresh('upload'), {{ method: 'PUT', body: file }});
         return [response.status, await response.text()]"
    )
}

fn get_script(link: &str, options: &str) -> String {
    format!("const response = await fetch(app + '{link}', {options}); return [response.status, await response.text()]")
}

/// What a page gets of an answer that it may not read.
const NOTHING: &str = "TypeError";

#[test]
fn a_file_arrives_if_the_preflight_is_answered_outside() {
    let Some(browser) = Browser::start() else { return };
    let bytes: Vec<_> = (0..=u8::MAX).cycle().take(1000).collect();
    let expired = signed(&format!("/inbox/cat.png?exp={NOW}&sig-methods=PUT&sig-max-bytes=1000&sig-type=image/*"));
    for (order, is_outside) in [(Cors::Outside, true), (Cors::Inside, false)] {
        let site = Site::start(order, |cors| cors);
        site.open(&browser);
        for (row, link, size, media_type, outside) in [
            ("as it may be", upload(), 1000, "image/png", json!([200, "done"])),
            ("the link has ended", expired.clone(), 1000, "image/png", json!([200, "done"])),
            ("too large", upload(), 1001, "image/png", json!([413, "This link takes no upload as large as this."])),
            ("another type", upload(), 1000, "text/html", json!([415, "This link takes no upload of this type."])),
            ("a link for GET", photo(), 1000, "image/png", json!([403, INVALID])),
        ] {
            let arrives = is_outside && outside[0] == 200;
            let expected = if is_outside { outside } else { json!(NOTHING) };
            assert_eq!(site.run(&browser, &put_script(&link, size, media_type)), expected, "{order:?}: {row}");
            let arrived = if arrives { vec![(Method::PUT, bytes.clone())] } else { vec![] };
            assert!(site.seen() == arrived, "{order:?}: {row}");
        }
    }
}

#[test]
fn a_page_reads_that_a_link_has_ended_and_fetches_a_fresh_one() {
    let Some(browser) = Browser::start() else { return };
    let ended = signed(&format!("/photo?exp={NOW}"));
    let by_link = |link: &str| {
        format!(
            "const response = await fetchByLink(app + '{link}', fresh('photo'));
             return [response.status, await response.text()]"
        )
    };
    let done = || json!([200, "done"]);
    for (row, script, outside, inside) in [
        ("allowed", by_link(&photo()), done(), done()),
        ("ended, and a fresh one", by_link(&ended), done(), json!(NOTHING)),
        ("ended", get_script(&ended, "{}"), json!([410, ENDED]), json!(NOTHING)),
        ("tampered with", by_link(&format!("{}A", photo())), json!([403, INVALID]), json!(NOTHING)),
        ("no link", by_link("/photo"), json!([403, INVALID]), json!(NOTHING)),
    ] {
        for (order, expected) in [(Cors::Outside, outside), (Cors::Inside, inside)] {
            let site = Site::start(order, |cors| cors);
            site.open(&browser);
            assert_eq!(site.run(&browser, &script), expected, "{order:?}: {row}");
            let passes = expected[0] == 200;
            assert_eq!(site.seen(), vec![(Method::GET, vec![]); usize::from(passes)], "{order:?}: {row}");
        }
    }
}

#[test]
fn a_link_for_a_session_works_with_credentials_from_the_same_site() {
    let Some(browser) = Browser::start() else { return };
    let bound_to = |session| mint("/photo", |link| link.bind("session", session));
    let login = "return (await fetch(app + '/login', { credentials: 'include' })).status";
    for (allowed, site) in [
        (true, Site::start(Cors::Outside, |cors| cors.allow_credentials(true))),
        (false, Site::start(Cors::Outside, |cors| cors)),
    ] {
        browser.open(&Site::same_site(&site.page));
        assert_eq!(site.run(&browser, login), if allowed { json!(200) } else { json!(NOTHING) });
        for (row, session, credentials, expected, passes) in [
            ("the session's", "s1", "include", json!([200, "done"]), true),
            ("another's", "s2", "include", json!([403, INVALID]), false),
            ("no credentials", "s1", "omit", json!([403, INVALID]), false),
        ] {
            let script = get_script(&bound_to(session), &format!("{{ credentials: '{credentials}' }}"));
            let expected = if allowed || credentials == "omit" { expected } else { json!(NOTHING) };
            assert_eq!(site.run(&browser, &script), expected, "allowed: {allowed}: {row}");
            // What a page may not read has happened all the same.
            assert_eq!(site.seen().len(), usize::from(passes), "allowed: {allowed}: {row}");
        }
        site.open(&browser);
        let from_another_site = site.run(&browser, &get_script(&bound_to("s1"), "{ credentials: 'include' }"));
        assert_eq!(from_another_site, if allowed { json!([403, INVALID]) } else { json!(NOTHING) });
        assert_eq!(site.seen(), []);
    }
}

#[test]
fn a_page_reads_what_is_exposed() {
    let Some(browser) = Browser::start() else { return };
    let script = format!(
        "const response = await fetch(app + '{}');
         return ['content-disposition', 'cache-control', 'referrer-policy'].map(name => response.headers.get(name))",
        photo()
    );
    let disposition = "attachment; filename=\"cat.txt\"; filename*=UTF-8''cat.txt";
    for (name, exposed, expected) in
        [("nothing", vec![], Value::Null), ("the name", vec![CONTENT_DISPOSITION], json!(disposition))]
    {
        let site = Site::start(Cors::Outside, |cors| cors.expose_headers(exposed.clone()));
        site.open(&browser);
        // `Cache-Control` is always readable, as is the status.
        assert_eq!(site.run(&browser, &script), json!([expected, "private, max-age=1000", null]), "{name}");
    }
}

/// Without a browser: what the two orders say, to a preflight, and to whom.
#[test]
fn only_outside_are_refusals_and_preflights_for_another_origin() {
    let ended = signed(&format!("/photo?exp={NOW}"));
    let put_or_options = mint("/inbox/cat.png", |link| link.method(Method::PUT).method(Method::OPTIONS));
    for (order, is_outside) in [(Cors::Outside, true), (Cors::Inside, false)] {
        let site = Site::start(order, |cors| cors);
        let origin = Site::another_site(&site.page);
        let preflight = [("origin", &*origin), ("access-control-request-method", "PUT")];
        for (row, method, target, headers, outside, inside) in [
            ("allowed", "GET", &photo(), &preflight[..1], (200, true), (200, true)),
            ("ended", "GET", &ended, &preflight[..1], (410, true), (410, false)),
            ("preflight", "OPTIONS", &upload(), &preflight, (200, true), (403, false)),
            ("preflight of nothing", "OPTIONS", &"/inbox/cat.png".into(), &preflight, (200, true), (403, false)),
            // A link may be for the preflight too. Once it has ended, so has the preflight.
            ("preflight by a link for it", "OPTIONS", &put_or_options, &preflight, (200, true), (200, true)),
        ] {
            let reply = exchange(site.app.address, method, target, headers, b"");
            let expected = if is_outside { outside } else { inside };
            let is_for_origin = reply.header("access-control-allow-origin").is_some_and(|for_whom| for_whom == origin);
            assert_eq!((reply.status, is_for_origin), expected, "{order:?}: {row}");
            let mut vary: Vec<_> =
                reply.headers.iter().filter(|(name, _)| name == "vary").map(|(_, line)| &**line).collect();
            vary.sort_unstable();
            let went_on = !is_outside || method != "OPTIONS";
            let expected: Vec<_> =
                went_on.then_some("cookie").into_iter().chain(is_for_origin.then_some("origin")).collect();
            assert_eq!(vary, expected, "{order:?}: {row}");
            assert_eq!(site.seen().len(), usize::from(row == "allowed"), "{order:?}: {row}");
        }
    }
}
